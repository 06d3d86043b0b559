"""The command line on a real database: what people see, what machines get, and how it ends."""

import csv
import io
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ioc_analytics.cli.main import cli
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.synthetic.files import generate_files
from ioc_analytics.system import AnalyticsSystem
from ioc_analytics_tests.fixtures.platform import PSEUDONYM_KEY

Run = Callable[..., Result]


def environment(config: AnalyticsConfig) -> dict[str, str]:
    return {
        "ANALYTICS_HOME": str(config.home),
        "ANALYTICS_PG_BIN": str(config.pg_bin),
        "ANALYTICS_DB_NAME": config.database.database,
        "ANALYTICS_PSEUDONYM_KEY": PSEUDONYM_KEY,
    }


@pytest.fixture
def run(platform_config: AnalyticsConfig) -> Run:
    """Runs a command line on a migrated database of this test's own."""

    def call(*arguments: object, code: int = 0, stdin: str | None = None) -> Result:
        result = CliRunner(env=environment(platform_config)).invoke(
            cli, [str(one) for one in arguments], input=stdin
        )
        assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
        assert "Traceback" not in result.output
        return result

    return call


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of operational records, some of them broken."""
    out = tmp_path_factory.mktemp("files") / "year"
    generate_files(out, responses=300, seed=3, days=90, dirty_share=0.02, organizations=4)
    return out


def answer(result: Result) -> Any:
    return json.loads(result.stdout)


# -- data in


def test_ingest_tells_what_became_of_every_record(run: Run, year: Path) -> None:
    judged = run("ingest", year, "--check").stdout
    assert "judged, nothing was written" in judged
    assert answer(run("status", "--json"))["batches"] == []

    shown = run("ingest", year).stdout
    assert re.search(r"year: batch \d+ in", shown)
    assert "question_responses" in shown
    assert "quarantine list" in shown

    again = answer(run("ingest", year, "--json"))
    assert again["is_duplicate"]
    assert again["accepted"] == 0
    assert again["records_processed"] == again["duplicates"]


def test_ingest_tells_what_it_took_in_before_an_error(run: Run, year: Path, tmp_path: Path) -> None:
    refused = run("ingest", year, tmp_path / "nowhere.csv", code=2)
    assert re.search(r"year: batch \d+ in", refused.stdout)
    assert "nowhere.csv" in refused.stderr
    told = answer(run("ingest", year, tmp_path / "nowhere.csv", "--json", code=2))
    assert told["error"]["kind"] == "InvalidInput"
    assert [receipt["is_duplicate"] for receipt in told["receipts"]] == [True]


def test_quarantine_lists_shows_and_retries(run: Run, year: Path) -> None:
    assert "empty" in run("quarantine", "list").stdout
    run("ingest", year)
    entries = answer(run("quarantine", "list", "--json"))["entries"]
    assert entries
    some = entries[0]
    listed = run("quarantine", "list", "--rule", some["rule"]).stdout
    assert some["rule"] in listed
    shown = run("quarantine", "show", some["id"]).stdout
    assert f"rule                    {some['rule']}" in shown
    assert "0 records left" in run("quarantine", "retry").stdout
    assert answer(run("quarantine", "retry", some["id"], "--json"))["settled"] == 0
    unrepaired = run("quarantine", "retry", "--from", year).stdout
    assert "0 records left" in unrepaired
    assert f"put aside: {some['rule']}" in unrepaired
    alone = run("quarantine", "retry", "--mapping", "wide.toml", code=2)
    assert "give it with --from" in alone.stderr
    refused = run("quarantine", "show", 10**9, code=2)
    assert "the quarantine has no entry" in refused.stderr


def test_a_batch_can_be_taken_out_again(run: Run, year: Path) -> None:
    run("ingest", year)
    assert "batch 1 is out again" in run("ingest", "--undo", 1).stdout
    counted = run("query", "SELECT count(*) AS n FROM anonymized_assessment_responses", "--json")
    assert answer(counted)["data"] == [{"n": 0}]
    assert "error: " in run("ingest", "--undo", 77, code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ingest"], "give files or folders"),
        (["ingest", "nowhere.csv"], "nowhere.csv"),
        (["ingest", "a.csv", "--undo", "1"], "or --undo"),
        (["ingest", "--undo", "x"], "not a valid integer"),
        (["demo", "--mapping", "m.toml"], "--mapping says what the columns of --data mean"),
        (["ocean", "--filter", "industry"], "field=value"),
        (["ocean", "--filter", "colour=red"], "unknown filter field 'colour'"),
        (["ocean", "--from", "yesterday"], "not an ISO date"),
        (["benchmarks", "--industry", "Tecnology"], "did you mean"),
        (["metric", "completion_rat"], "did you mean 'completion_rate'"),
        (["trends", "opennes"], "did you mean 'openness'"),
        (["trends", "openness", "--interval", "daly"], "did you mean 'daily'"),
        (["forecast", "opennes"], "did you mean 'openness'"),
        (["forecast", "openness", "--horizon", "0"], "--horizon"),
        (["query", "SELEC 1"], "syntax error"),
        (["query", "SELECT 1; SELECT 2"], "takes one"),
        (["query", "SELECT nothing FROM nowhere"], "nowhere"),
        (["query", "SELECT $1::int", "--max-rows", "0"], "--max-rows"),
        (["query", "SELECT pg_sleep(20)", "--timeout", "0.2"], "time limit"),
        (["pseudonym", "dog", "rex"], "'dog' is not one of"),
        (["generate", "out", "--responses", "0"], "--responses"),
        (["migrate", "up", "no-such-folder"], "holds no .sql file"),
        (["quarantine", "throw"], "No such command 'throw'"),
        (["nonsense"], "No such command 'nonsense'"),
        (["settings", "--colour"], "No such option"),
    ],
)
def test_wrong_use_and_bad_input_end_in_one_line_and_code_2(
    run: Run, arguments: list[str], words: str
) -> None:
    result = run(*arguments, code=2)
    assert result.stdout == ""
    first, *rest = result.stderr.splitlines()
    assert first.startswith("error: ")
    assert words in first
    assert all(line.startswith("see `") for line in rest if line)

    told = answer(run(*arguments, "--json", code=2))
    assert set(told) == {"error"}
    assert words in told["error"]["message"]
    assert told["error"]["kind"] in {"UsageError", "InvalidInput"}


def test_a_query_that_writes_is_refused_for_privacy(run: Run) -> None:
    for statement in ("DELETE FROM anonymized_assessments", "SELECT * FROM internal.batches"):
        assert "error: " in run("query", statement, code=3).stderr
        told = answer(run("--json", "query", statement, code=3))
        assert told["error"]["kind"] == "PrivacyRefusal"


def test_an_empty_database_is_not_enough_data(run: Run) -> None:
    assert "0 scored responses" in run("ocean", code=4).stderr
    assert answer(run("ocean", "--json", code=4))["error"]["kind"] == "NotEnoughData"


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = str(unused.getsockname()[1])
    env = {
        "ANALYTICS_HOME": str(tmp_path),
        "ANALYTICS_DB_HOST": "127.0.0.1",
        "ANALYTICS_DB_PORT": port,
        "ANALYTICS_DB_ANALYST_PASSWORD": "secret-word",
    }
    result = CliRunner(env=env).invoke(cli, ["status"])
    assert result.exit_code == 5, result.output
    assert "no connection to the server" in result.stderr
    assert "secret-word" not in result.output


def test_an_installation_that_is_not_made_says_how_to_make_it(fresh_home: Path) -> None:
    result = CliRunner(env={"ANALYTICS_DB_HOST": ""}).invoke(
        cli, ["--home", str(fresh_home), "status"]
    )
    assert result.exit_code == 2
    assert "ioc-analytics init" in result.stderr


# -- answers


def test_ocean_prints_tables_for_people_and_the_whole_analysis_for_machines(
    run: Run, year: Path
) -> None:
    run("ingest", year)
    shown = run("ocean").stdout
    assert "openness" in shown
    assert "correlation" in shown
    assert "read from rows" in shown
    assert "█" in shown
    before = answer(run("ocean", "--json"))
    assert "views refreshed" in run("refresh").stdout
    after = answer(run("ocean", "--json"))
    assert after["traits"] == before["traits"]
    assert after["source"]["days_from_rows"] == 0
    assert "read from rows" not in run("ocean").stdout


def test_ocean_has_groups_periods_items_outliers_and_careless(run: Run, year: Path) -> None:
    run("ingest", year)
    compared = answer(run("ocean", "compare", "--by", "gender", "--json"))
    assert {group["name"] for group in compared["traits"][0]["groups"]} >= {"female", "male"}
    shown = run("ocean", "compare", "--by", "gender").stdout
    assert "omega²" in shown and "note: " in shown
    assert "openness" in run("ocean", "over-time", "--interval", "quarterly").stdout
    january = ["--to", "2025-02-01", "--json"]
    whole = answer(run("ocean", *january))["traits"][0]["sample_size"]
    assert answer(run("ocean", "over-time", *january))["points"][0]["sample_size"] == whole
    groups = ["--by", "gender", "--reference", "female", "--focal"]
    assert "unknown instrument" in run("ocean", "items", "ipip", *groups, "male", code=2).stderr
    assert "months were judged" in run("ocean", "outliers").stdout
    assert answer(run("ocean", "outliers", *january))["by_instrument"]
    assert "longstring" in run("ocean", "careless").stdout
    assert answer(run("ocean", "careless", *january))["rates"]
    assert "weeks of models and traits were judged" in run("ocean", "raters").stdout
    assert answer(run("ocean", "raters", "--json"))["agreements"]
    misplaced = run("ocean", "--from", "2025-01-01", "compare", "--by", "gender", code=2)
    assert "stand after its name" in misplaced.stderr


def test_ocean_takes_filters_and_a_range(run: Run, year: Path) -> None:
    run("ingest", year)
    whole = answer(run("ocean", "--json"))["sample_size"]
    women = answer(run("ocean", "--filter", "gender=female", "--json"))
    others = answer(run("ocean", "--filter", "gender!=female", "--json"))
    assert women["sample_size"] + others["sample_size"] == whole
    assert women["filters"] == [{"field": "gender", "operator": "eq", "value": "female"}]
    both = ["--filter", "gender=female", "--filter", "gender=male"]
    assert answer(run("ocean", *both, "--json"))["filters"][0]["value"] == ["female", "male"]
    careful = answer(run("ocean", "--filter", "is_careless=false", "--json"))
    assert careful["filters"][0]["value"] is False
    early = answer(run("ocean", "--to", "2025-02-01", "--json"))["sample_size"]
    late = answer(run("ocean", "--from", "2025-02-01", "--json"))["sample_size"]
    assert early + late == whole


def test_refresh_takes_months_and_rebuilds(run: Run, year: Path) -> None:
    run("ingest", year)
    one = answer(run("refresh", "--month", "2025-02", "--json"))
    assert one["months"] == ["2025-02-01"]
    assert {day[:7] for day in one["days"]} == {"2025-02"}
    run("refresh")
    assert answer(run("refresh", "--json"))["days"] == []
    again = answer(run("refresh", "--rebuild", "--month", "2025-02", "--json"))
    assert set(one["days"]) <= set(again["days"])


def test_query_prints_a_table_csv_or_json(run: Run) -> None:
    statement = "SELECT n, 'a,b' AS word, NULL AS nothing FROM generate_series(1, $1::int) AS n"
    table = run("query", statement, 3)
    assert "3 rows" in table.stdout
    rows = list(csv.reader(io.StringIO(run("query", statement, 3, "--format", "csv").stdout)))
    assert rows == [["n", "word", "nothing"], ["1", "a,b", ""], ["2", "a,b", ""], ["3", "a,b", ""]]
    found = answer(run("query", statement, 3, "--format", "json"))
    assert found["data"][0] == {"n": 1, "word": "a,b", "nothing": None}
    cut = run("query", statement, 3, "--max-rows", 2, "--format", "csv")
    assert len(cut.stdout.splitlines()) == 3
    assert "--max-rows shows more" in cut.stderr
    assert "1 row " in run("query", "-", stdin="SELECT 1 AS one").stdout


def test_export_writes_a_file_and_tells_where(run: Run, tmp_path: Path) -> None:
    statement = "SELECT n FROM generate_series(1, $1::int) AS n"
    name = f"{tmp_path.name}.csv"  # the folder is that of the server's home, shared by all tests
    said = run("export", statement, 3, "--filename", name, "--no-headers").stdout
    assert said.startswith("3 rows, 6 B: ")
    told = answer(run("export", statement, 3, "--filename", name, "--json"))
    assert (told["row_count"], told["filename"]) == (3, name)
    assert Path(told["path"]).read_text() == '"n"\n1\n2\n3\n'
    assert "did you mean 'csv'" in run("export", statement, 3, "--format", "cvs", code=2).stderr


def test_a_query_under_the_ml_login_may_store_predictions(run: Run) -> None:
    statement = (
        "INSERT INTO predictive_analytics_results (model_name, model_version, prediction_target)"
        " VALUES ($1, $2, $3)"
    )
    run("query", statement, "m", "1", "completion_rate", code=3)
    run("query", statement, "m", "1", "completion_rate", "--access", "ml")
    assert " m " in run("query", "SELECT model_name FROM predictive_analytics_results").stdout


def test_a_pseudonym_is_the_same_everywhere(run: Run) -> None:
    found = run("pseudonym", "organization", "acme").stdout.strip()
    assert answer(run("pseudonym", "organization", "acme", "--json"))["pseudonym"] == found
    assert run("pseudonym", "organization", "acme2").stdout.strip() != found


# -- the installation


def test_init_and_status(run: Run, year: Path) -> None:
    assert "Ready: PostgreSQL" in run("init").stdout
    assert answer(run("init", "--json"))["server"] == "embedded"
    run("ingest", year)
    shown = run("status").stdout
    assert "anonymized_question_responses" in shown
    assert "days to refresh" in shown
    status = answer(run("status", "--json"))
    assert status["tables"]["anonymized_assessment_responses"]["rows"] > 290
    assert status["batches"][0]["name"] == "year"


def test_migrate_applies_looks_back_and_finds_drift(run: Run, tmp_path: Path) -> None:
    assert "up to date" in run("migrate", "up").stdout
    assert "up to date" in run("migrate", "check").stdout
    assert "0002_core_tables.sql" in run("migrate", "history").stdout
    assert answer(run("migrate", "history", "--json"))["history"]
    own = tmp_path / "own"
    own.mkdir()
    (own / "1.sql").write_text("CREATE TABLE analytics.own (n integer)")
    assert "applied 1.sql" in run("migrate", "up", own).stdout
    (own / "1.sql").write_text("CREATE TABLE analytics.own (n bigint)")
    assert "was changed after" in run("migrate", "up", own, code=1).stderr
    (own / "1.sql").write_text("CREATE TABLE analytics.own (n integer)")
    (own / "2.sql").write_text("ALTER TABLE analytics.nowhere ADD n integer")
    assert "2.sql failed" in run("migrate", "up", own, code=1).stderr


def test_migrate_check_tells_locks_rewrites_and_time(run: Run, tmp_path: Path, year: Path) -> None:
    run("ingest", year)
    scores = "analytics.anonymized_assessment_scores"
    own = tmp_path / "own"
    own.mkdir()
    (own / "1.sql").write_text(
        "-- What: wider numbers.\n-- Locks: long ones.\n-- Way back: none.\n"
        "-- Previous release: runs, it reads the column as it is.\n\n"
        f"ALTER TABLE {scores} ALTER COLUMN raw_score TYPE numeric;\n"
        f"-- CREATE INDEX never ON {scores} (score);\n"
        "CREATE TABLE analytics.own (n integer);\nCREATE INDEX own_idx ON analytics.own (n);\n"
    )
    (own / "2.sql").write_text(
        f"CREATE INDEX CONCURRENTLY later ON {scores} (score); SELECT 'DROP TABLE {scores};'"
    )
    shown = run("migrate", "check", own, code=1).stdout
    assert "what: wider numbers.\n" in shown
    assert shown.count("previous release: still runs") == 1
    assert shown.count("previous release: no longer runs") == 1
    assert "rewritten, ACCESS EXCLUSIVE: nobody reads or writes" in shown
    told = answer(run("migrate", "check", own, "--json", code=1))["impact"]
    (first,), (second,) = (one["tables"] for one in told)
    assert (first["table"], first["work"]) == (scores, "rewrite")
    assert (second["work"], second["lock"][:12]) == ("scan", "SHARE UPDATE")
    assert first["size_bytes"] == second["size_bytes"] > 100_000
    assert told[0]["estimated_seconds"] > told[1]["estimated_seconds"] > 0


def test_migrate_check_ends_with_1_when_somebody_changed_the_schema(
    run: Run, platform_config: AnalyticsConfig
) -> None:
    from ioc_analytics import AnalyticsSystem

    with (
        AnalyticsSystem(platform_config) as system,
        system.database.connection("owner") as connection,
    ):
        connection.execute("ALTER TABLE analytics.benchmarking_data ADD COLUMN surprise text")
    assert "surprise" in run("migrate", "check", code=1).stdout
    assert len(answer(run("migrate", "check", "--json", code=1))["drift"]) == 1


def test_migrate_dump_writes_the_schema(run: Run, tmp_path: Path) -> None:
    printed = run("migrate", "dump").stdout
    assert "CREATE TABLE analytics.anonymized_assessments (" in printed
    target = tmp_path / "schema.sql"
    assert f"wrote {target}" in run("migrate", "dump", "--output", target).stdout
    assert target.read_text("utf-8") == printed


def test_settings_show_values_and_never_secrets(run: Run) -> None:
    for form in ([], ["--json"], ["--markdown"]):
        shown = run("settings", *form).stdout
        assert PSEUDONYM_KEY not in shown
    assert answer(run("settings", "--json"))["retention_days"] == 90
    assert "ANALYTICS_RETENTION_DAYS" in run("settings").stdout
    assert run("settings", "--markdown").stdout.startswith("| Variable |")


def test_an_unknown_variable_is_refused(platform_config: AnalyticsConfig) -> None:
    env = {**environment(platform_config), "ANALYTICS_RETENTION_DAY": "3"}
    result = CliRunner(env=env).invoke(cli, ["settings"])
    assert result.exit_code == 2
    assert "ANALYTICS_RETENTION_DAYS" in result.stderr


# -- made-up files, the demonstration, Dagster


def test_generate_is_the_same_by_seed(run: Run, tmp_path: Path) -> None:
    first = answer(run("generate", tmp_path / "a", "--responses", 50, "--seed", 4, "--json"))
    run("generate", tmp_path / "b", "--responses", 50, "--seed", 4)
    assert first["rows"]["responses"] == 50
    for path in first["paths"]:
        twin = tmp_path / "b" / Path(path).name
        assert Path(path).read_bytes() == twin.read_bytes()
    refused = run("generate", tmp_path / "a", "--responses", 50, code=2)
    assert "not an empty folder" in refused.stderr


def test_the_demonstration_goes_through_dagster_and_can_be_repeated(run: Run, year: Path) -> None:
    shown = run("demo", "--data", year).stdout
    assert "materializing every asset through Dagster" in shown
    assert "asset checks" in shown
    assert "neuroticism" in shown
    assert "What to open next" in shown
    assert year.exists(), "files outside the inbox stay where they are"
    again = answer(run("demo", "--data", year, "--json"))
    assert again["dagster"]["accepted"] == 0
    assert again["dagster"]["duplicates"] > 0
    assert again["analysis"]["sample_size"] > 200


def test_dev_refuses_a_port_in_use(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert "--port" in run("dev", "--port", port, code=2).stderr


# -- the command line itself


def test_an_unexpected_error_is_one_line_unless_debugging(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr("ioc_analytics.cli.session.Session.config", broken)
    result = run("settings", code=1)
    assert "unexpected KeyError" in result.stderr
    assert "--debug" in result.stderr
    debugged = CliRunner().invoke(cli, ["settings", "--debug"])
    assert debugged.exit_code == 1
    assert "Traceback" in debugged.stderr


def test_help_answers_at_once() -> None:
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "ioc_analytics", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "demo" in done.stdout
    # 0.2 s on a quiet machine; heavy imports would make it six.
    assert time.perf_counter() - started < 3
    heavy = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, ioc_analytics.cli.main; print(*sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"numpy", "pandas", "pyarrow", "psycopg", "dagster", "pydantic"} & set(heavy)


def test_benchmarks_say_why_they_withhold_and_whom_they_do_not_know(run: Run) -> None:
    shown = run("benchmarks").stdout
    assert "withheld: performance_index: no organization asked" in shown
    assert answer(run("benchmarks", "--json"))["performance_index"] is None
    assert "no responses in this range" in run("benchmarks", "nobody", code=4).stderr


def test_a_metric_shows_its_interval_or_why_it_has_none(run: Run, year: Path) -> None:
    run("ingest", year)
    told = answer(run("metric", "completion_rate", "--json"))
    assert told["confidence"]["low"] < told["value"] < told["confidence"]["high"]
    shown = run("metric", "completion_rate", "--filter", "gender=female").stdout
    assert "wilson" in shown
    assert "completed among started responses" in shown
    assert "a complete count" in run("metric", "response_volume").stdout
    assert "found 0" in run("metric", "openness", "--from", "2035-01-01", code=4).stderr


def test_trends_draw_a_series_and_say_what_is_too_short(run: Run, year: Path) -> None:
    run("ingest", year)
    shown = run("trends", "response_volume", "--points", 5).stdout
    assert re.search(r"response_volume \(responses\), daily: (stable|increasing|decreasing)", shown)
    assert "▁" in shown
    assert "█" in shown
    assert "season of 7" in shown
    told = answer(run("trends", "response_volume", "--json"))
    assert [p["start"] for p in told["points"]][-1] in shown
    monthly = run("trends", "openness", "--interval", "monthly").stdout
    assert "openness (points), monthly: undetermined" in monthly
    assert "withheld: trend: a trend needs 24 values" in monthly
    women = ["--filter", "gender=female", "--to", "2025-02-01"]
    assert answer(run("trends", "openness", *women, "--json"))["filters"][0]["value"] == "female"
    assert "0 cases of openness" in run("trends", "openness", "--to", "2001-01-01", code=4).stderr


def test_a_forecast_is_drawn_and_kept(run: Run, year: Path) -> None:
    run("ingest", year)
    shown = run("forecast", "response_volume", "--horizon", 3).stdout
    assert "past │ to come" in shown
    assert "earlier forecasts: none has been scored yet" in shown
    told = answer(run("forecast", "response_volume", "--horizon", 3, "--json"))
    assert [point["start"] in shown for point in told["points"]] == [True] * 3
    kept = "SELECT count(*) AS n FROM predictive_analytics_results"
    assert answer(run("query", kept, "--json"))["data"] == [{"n": 3}]
    assert "found" in run("forecast", "openness", "--interval", "monthly", code=4).stderr


def test_the_plan_of_resources_says_what_it_knows(run: Run) -> None:
    shown = run("plan", "--horizon", 60).stdout
    assert "in 60 days" in shown
    assert "partitions" in shown
    assert "rows: what comes needs 14 days with a figure" in shown
    told = answer(run("plan", "--json"))
    assert [one["resource"] for one in told["resources"]][-1] == "partitions"


def test_too_few_open_responses_are_said(run: Run, year: Path) -> None:
    run("ingest", year)
    assert "needs 100 rows with it" in run("completion", code=4).stderr


def test_training_data_go_to_a_file(run: Run, year: Path) -> None:
    run("ingest", year)
    cutoffs = ("--cutoff", "2025-02-01", "--cutoff", "2025-03-01")
    named = ("--filename", "training-of-commands.csv", "--format", "csv")
    told = answer(run("export", "--training", "completion", *cutoffs, *named, "--json"))
    rows = list(csv.DictReader(io.StringIO(Path(told["path"]).read_text())))
    assert len(rows) == told["row_count"] > 0
    assert {row["target"] for row in rows} <= {"0", "1"}
    manifest = json.loads(Path(f"{told['path']}.manifest.json").read_text())
    assert manifest["target"] == "completion"
    assert len(manifest["cutoffs"]) == 2
    assert manifest["data_version"]
    assert "needs --cutoff" in run("export", "--training", "completion", code=2).stderr
    assert "either SQL or --training" in run("export", code=2).stderr


def test_risks_say_what_is_watched_and_what_cannot_be(run: Run, year: Path) -> None:
    run("ingest", year)
    shown = run("risks").stdout
    assert "0 raised of 0 watched; where nothing has changed, at most 1.0% of the metrics" in shown
    assert "withheld: completion_rate: a chart needs 20 periods before the 8" in shown
    assert answer(run("risks", "--json"))["risks"] == []


def test_health_names_every_part(run: Run) -> None:
    told = answer(run("health", "--json"))
    assert set(told["checks"]) == {
        "database",
        "migrations",
        "partitions",
        "storage",
        "backups",
        "freshness",
        "data_quality",
        "pool",
    }
    assert "migrations" in run("health").stdout


def test_status_speaks_to_prometheus(run: Run) -> None:
    shown = run("status", "--openmetrics").stdout
    assert shown.endswith("# EOF\n")
    assert re.search(r"^ioc_analytics_database_size_bytes \d+\.0$", shown, re.MULTILINE)
    names = [line.split()[0] for line in shown.splitlines() if not line.startswith("#")]
    assert len(names) == len(set(names)) > 20
    assert all(re.fullmatch(r"[a-z_:][a-z0-9_:]*", name) for name in names)
    assert not [name for name in names if "query_average_time" in name], "nothing was asked yet"
    run("status", "--openmetrics", "--json", code=2)


def test_alerts_are_listed_checked_and_silenced(run: Run) -> None:
    assert isinstance(answer(run("alerts", "check", "--json"))["alerts"], list)
    assert "alerts" in answer(run("alerts", "list", "--days", 7, "--json"))
    assert run("alerts", "list").stdout
    told = answer(run("alerts", "silence", "disk_full", "--hours", 2, "--json"))
    assert told["rule"] == "disk_full"
    assert told["ends_at"]
    assert "told again" in run("alerts", "silence", "disk_full", "--hours", 0).stdout
    assert "disk_full" in run("alerts", "silence", "disk_ful", code=2).stderr
    assert "no alert 99" in run("alerts", "ack", 99, code=2).stderr
    assert "transitions" in answer(run("alerts", "replay", "--json"))


def test_status_shows_open_alerts(run: Run, platform_config: AnalyticsConfig) -> None:
    with (
        AnalyticsSystem(platform_config) as system,
        system.database.connection("ingest") as connection,
    ):
        connection.execute(
            "INSERT INTO internal.alerts"
            " (rule, severity, summary, value, threshold, unit, runbook, started_at)"
            " VALUES ('disk_full', 'critical', 'disk in use', 97, 85, 'percent',"
            " 'docs/runbooks/disk_full.md', now())"
        )
    assert "critical: disk in use (docs/runbooks/disk_full.md)" in run("status").stdout
    assert answer(run("status", "--json"))["alerts"][0]["rule"] == "disk_full"
    assert "taken on" not in run("alerts", "list").stdout
    run("alerts", "ack", 1, "--note", "ordered")
    assert "taken on by" in run("alerts", "list").stdout


def test_health_evaluates_data_quality_when_asked(run: Run) -> None:
    told = answer(run("health", "--evaluate", "--json"))
    assert told["quality"]["score"] == 100
    assert "nothing_identifiable" in run("health", "--evaluate").stdout


def test_advice_is_printed(run: Run) -> None:
    assert isinstance(answer(run("advice", "--json"))["advice"], list)
    assert "advice" in run("advice").stdout or "priority" in run("advice").stdout


def test_a_report_is_written_and_named(run: Run, year: Path) -> None:
    run("ingest", year)
    made = answer(run("report", "--section", "distributions", "--format", "markdown", "--json"))
    assert Path(made["path"]).read_text("utf-8").startswith("# OCEAN report")
    assert made["sections"][0]["figures"]["sample_size"] > 100
    shown = run("report", "--section", "data_quality", "--section", "correlations")
    assert re.search(r"2 sections: .*\.html", shown.stdout)
    wrong = run("report", "--section", "correlation", code=2)
    assert "correlations" in wrong.stderr
