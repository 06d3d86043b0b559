"""Norms: percentiles are those of the raw scores, and a version says the same for ever."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ioc_analytics import AnalyticsSystem
from ioc_analytics.cli.main import cli
from ioc_analytics.database.locks import advisory_lock
from ioc_analytics.insight.norms import NORMS_LOCK
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData, PrivacyRefusal, Unavailable
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics_tests.database.survey import START, make_survey
from ioc_analytics_tests.fixtures.batches import (
    assessment,
    count,
    response,
    scores,
    write_batch,
)
from ioc_analytics_tests.fixtures.database import (
    TemporaryServer,
    clone_template,
    drop_database,
    template_database,
)
from ioc_analytics_tests.fixtures.platform import PSEUDONYM_KEY

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "norms.md"
SCORES = "analytics.anonymized_assessment_scores"

GROUPS = [
    {},
    {"region": "Western Europe"},
    {"gender": "female"},
    {"age_band": "25_34"},
    {"gender": "female", "age_band": "25_34"},
    {"region": "Western Europe", "gender": "female"},
    {"region": "Western Europe", "age_band": "25_34"},
    {"region": "Western Europe", "gender": "female", "age_band": "25_34"},
]


def ingest_survey(config: AnalyticsConfig) -> None:
    """Fill a fresh database with 900 responses of three months."""
    with AnalyticsSystem(config.replace(privacy={"pseudonym_key": PSEUDONYM_KEY})) as system:
        system.initialize()
        system.ingest_data(make_survey(system.config, 900))


@pytest.fixture
def survey(server: TemporaryServer) -> Iterator[AnalyticsSystem]:
    config = clone_template(template_database(server, ingest_survey))
    with AnalyticsSystem(config.replace(privacy={"pseudonym_key": PSEUDONYM_KEY})) as system:
        yield system
    drop_database(config)


def ask_rows(
    survey: AnalyticsSystem, group: dict[str, str], *, condition: str = "NOT r.is_careless"
) -> list[tuple[str, str, float, int, float]]:
    """Return instrument, trait, score, n and mid-rank percentile of every score of a group."""
    chosen = " AND ".join(["true", *(f"r.{name} = '{word}'" for name, word in group.items())])
    with survey.database.connection("analyst") as connection:
        return connection.execute(
            f"""WITH chosen AS (
                SELECT a.instrument, s.dimension::text AS trait, s.score
                FROM anonymized_assessment_scores AS s
                JOIN anonymized_assessment_responses AS r
                    ON r.created_at = s.created_at AND r.id = s.response_hash
                JOIN anonymized_assessments AS a ON a.id = r.assessment_hash
                WHERE {condition} AND {chosen}
            ), counted AS (
                SELECT instrument, trait, score, count(*) AS equal FROM chosen GROUP BY 1, 2, 3
            )
            SELECT instrument, trait, score,
                sum(equal) OVER (PARTITION BY instrument, trait)::bigint,
                (100.0 * (sum(equal) OVER w - equal / 2.0)
                    / sum(equal) OVER (PARTITION BY instrument, trait))::float8
            FROM counted
            WINDOW w AS (PARTITION BY instrument, trait ORDER BY score)""".encode()
        ).fetchall()


def demand_rows(survey: AnalyticsSystem, version: str, groups: list[dict[str, str]]) -> None:
    """Demand that a version answers what the raw scores of each group say."""
    asked = 0
    for group in groups:
        for instrument, trait, score, n, expected in ask_rows(survey, group)[::7]:
            if n < 10:
                continue
            found = survey.norm_percentile(instrument, trait, score, version=version, **group)
            assert found.sample_size == n
            assert found.percentile == pytest.approx(expected, abs=1e-9)
            bounds = found.confidence_interval
            assert bounds.low <= found.percentile <= bounds.high
            assert found.level == ("_".join(group) or "all")
            asked += 1
    assert asked > 50


def test_percentiles_are_those_of_the_raw_scores(survey: AnalyticsSystem) -> None:
    made = survey.create_norms("2024", minimum_n=10)
    assert made.is_crossed
    assert made.instruments == ("ipip50", "tipi")
    demand_rows(survey, "2024", GROUPS)
    # With careless responses it is another group.
    everyone = survey.create_norms("everyone", minimum_n=10, with_careless=True)
    assert everyone.responses == len({*stored(survey)}) > made.responses
    instrument, trait, score, n, expected = ask_rows(survey, {}, condition="true")[20]
    found = survey.norm_percentile(instrument, trait, score, version="everyone")
    assert found.sample_size == n
    assert found.percentile == pytest.approx(expected)
    versions = survey.list_norms()
    assert [one.version for one in versions] == ["everyone", "2024"]
    table = versions.to_frame()
    assert table["version"].tolist() == ["everyone", "2024"]
    assert table["responses"].tolist() == [one.responses for one in versions]


def stored(survey: AnalyticsSystem) -> Iterator[Any]:
    with survey.database.connection("analyst") as connection:
        for (response_hash,) in connection.execute(f"SELECT response_hash FROM {SCORES}".encode()):
            yield response_hash


def test_months_whose_rows_are_gone_answer_from_states(survey: AnalyticsSystem) -> None:
    survey.refresh()
    survey.seal_month(date(2024, 1, 1), minimum_cell=1)
    made = survey.create_norms("sealed", minimum_n=10)
    assert not made.is_crossed
    # The rows are still there to compare with; regions are no longer crossed with people.
    demand_rows(survey, "sealed", GROUPS[:5])
    person = {"region": "Western Europe", "gender": "female", "age_band": "25_34"}
    assert survey.norm_percentile("ipip50", "openness", 50, **person).level == "region"


def test_a_group_that_is_too_small_gives_way_to_the_next_wider_one(
    survey: AnalyticsSystem,
) -> None:
    survey.create_norms("wide", minimum_n=60)
    sizes = {
        len(group): {i: n for i, t, _, n, _ in ask_rows(survey, group) if t == "openness"}
        for group in (GROUPS[0], GROUPS[1], GROUPS[5], GROUPS[7])
    }
    person = GROUPS[7]
    for instrument in ("ipip50", "tipi"):
        found = survey.norm_percentile(instrument, "openness", 50, **person)
        wanted = next(size for size in (3, 2, 1, 0) if sizes[size].get(instrument, 0) >= 60)
        assert wanted < 3, "the survey is small enough for the test"
        assert found.level == ("_".join(list(person)[:wanted]) or "all")
        assert found.sample_size == sizes[wanted][instrument]
    # What is not known is not split by.
    assert survey.norm_percentile("tipi", "openness", 50, gender="unknown").level == "all"


def test_a_version_says_the_same_after_more_data_and_after_an_undo(
    survey: AnalyticsSystem,
) -> None:
    survey.create_norms("first", {"start": "2024-01-01", "end": "2024-03-01"}, minimum_n=20)
    questions: list[dict[str, Any]] = [
        {"instrument": "ipip50", "trait": trait, "score": score, **group}
        for trait in ("openness", "neuroticism")
        for score in (0, 37.5, 50, 100)
        for group in GROUPS[::3]
    ]
    before = [survey.norm_percentile(**q, version="first") for q in questions]
    survey.ingest_data(make_survey(survey.config, 300, seed=9, name="late"))
    survey.create_norms("second", {"start": "2024-01-01", "end": "2024-03-01"}, minimum_n=20)
    after = [survey.norm_percentile(**q, version="second") for q in questions]
    assert [one.percentile for one in after] != [one.percentile for one in before]
    for batch in {batch for (batch,) in batches(survey)}:
        survey.undo_batch(batch)
    assert count(survey, SCORES) == 0
    assert [survey.norm_percentile(**q, version="first") for q in questions] == before
    assert [survey.norm_percentile(**q, version="second") for q in questions] == after


def batches(survey: AnalyticsSystem) -> list[tuple[int]]:
    with survey.database.connection("analyst") as connection:
        return connection.execute("SELECT batch_id FROM internal.batches").fetchall()


def test_a_published_version_cannot_be_changed_by_anyone(survey: AnalyticsSystem) -> None:
    survey.create_norms("final", minimum_n=20)
    for statement in (
        "UPDATE internal.norm_versions SET minimum_n = 1",
        "DELETE FROM internal.norm_versions",
        "TRUNCATE internal.norm_versions CASCADE",
        "UPDATE internal.norm_counts SET sample_size = 1",
        "DELETE FROM internal.norm_counts",
        "TRUNCATE internal.norm_counts",
        """INSERT INTO internal.norm_counts
           VALUES ('final', 'x', 'openness', 'all', 'all', 'all', 1, '')""",
    ):
        with (
            pytest.raises(PrivacyRefusal, match="final"),
            survey.database.connection("owner") as connection,
        ):
            connection.execute(statement.encode())
    with pytest.raises(InvalidInput, match="'final' already"):
        survey.create_norms("final", minimum_n=20)


def test_stored_scores_get_the_percentiles_of_a_version(survey: AnalyticsSystem) -> None:
    survey.create_norms("v1", minimum_n=40)
    assert count(survey, SCORES, "percentile IS NOT NULL") == 0
    receipt = survey.apply_norms("v1")
    assert receipt.changed == count(survey, SCORES)
    assert receipt.months == (date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1))
    demand_stored(survey, "v1")
    assert survey.apply_norms("v1").changed == 0
    with (
        survey.database.connection("ingest") as connection,
        advisory_lock(connection, NORMS_LOCK),
        pytest.raises(Unavailable, match="another process is at work on 'norms'"),
    ):
        survey.apply_norms("v1")
    assert survey.list_norms()[0].is_current

    # What comes later is scored by the next refresh, with the current version.
    survey.ingest_data(make_survey(survey.config, 120, seed=4, days=40, name="late"))
    assert count(survey, SCORES, "percentile IS NULL") > 0
    survey.refresh()
    demand_stored(survey, "v1")

    # Another version replaces it; an instrument that it does not cover loses its percentiles.
    large = max(len(ask_rows(survey, {})), 300)
    survey.create_norms("v2", minimum_n=large)
    covered = {one.version: one for one in survey.list_norms()}["v2"].instruments
    assert covered == ("ipip50",)
    survey.apply_norms("v2")
    demand_stored(survey, "v2", covered=covered)
    assert count(survey, SCORES, "norm_version IS NULL AND percentile IS NULL") > 0
    assert count(survey, SCORES, "norm_version IS NULL AND percentile IS NOT NULL") == 0


def demand_stored(
    survey: AnalyticsSystem, version: str, covered: tuple[str, ...] = ("ipip50", "tipi")
) -> None:
    with survey.database.connection("analyst") as connection:
        rows = connection.execute(
            f"""SELECT a.instrument, s.dimension::text, s.score, r.region, r.gender, r.age_band,
                s.percentile, s.norm_version
            FROM {SCORES} AS s
            JOIN anonymized_assessment_responses AS r
                ON r.created_at = s.created_at AND r.id = s.response_hash
            JOIN anonymized_assessments AS a ON a.id = r.assessment_hash""".encode()
        ).fetchall()
    assert {row[-1] for row in rows if row[0] in covered} == {version}
    assert {row[-1] for row in rows if row[0] not in covered} <= {None}
    for instrument, trait, score, region, gender, age_band, percentile, _ in rows[::40]:
        if instrument in covered:
            found = survey.norm_percentile(
                instrument, trait, score, region, gender, age_band, version
            )
            assert found.percentile == percentile


def test_percentiles_that_came_with_the_scores_stay(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    analytics.ingest_data(make_survey(analytics.config, 300))
    delivered = [{**row, "percentile": 12.5} for row in scores("r", 70.0)]
    analytics.ingest_files(
        write_batch(
            tmp_path / "batch",
            {"assessments": [assessment()], "responses": [response("r")], "scores": delivered},
        )
    )
    analytics.create_norms("v1", minimum_n=30)
    analytics.apply_norms("v1")
    kept = "percentile = 12.5 AND norm_version IS NULL"
    assert count(analytics, SCORES, kept) == len(delivered)


def test_what_cannot_be_made_or_asked_is_refused(analytics: AnalyticsSystem) -> None:
    with pytest.raises(NotEnoughData, match="no norms yet"):
        analytics.norm_percentile("ipip50", "openness", 50)
    with pytest.raises(NotEnoughData, match="0 scored responses"):
        analytics.create_norms("empty")
    assert analytics.list_norms() == ()
    analytics.ingest_data(make_survey(analytics.config, 60))
    with pytest.raises(NotEnoughData, match="200 scores"):
        analytics.create_norms("v1")
    with pytest.raises(InvalidInput, match="at least 10"):
        analytics.create_norms("v1", minimum_n=3)
    with pytest.raises(InvalidInput, match="up to 64 letters"):
        analytics.create_norms("../v1")
    made = analytics.create_norms("v1", minimum_n=10)
    assert json.loads(json.dumps(made.to_dict()))["minimum_n"] == 10
    ask = analytics.norm_percentile
    for arguments, message in (
        (("ipip5", "openness", 50), "did you mean 'ipip50'"),
        (("ipip50", "opennes", 50), "did you mean 'openness'"),
        (("ipip50", "openness", 101), "0 to 100"),
        (("ipip50", "openness", float("nan")), "0 to 100"),
        (("ipip50", "openness", 50, "Western Europ"), "did you mean 'Western Europe'"),
        (("ipip50", "openness", 50, None, "femal"), "did you mean 'female'"),
        (("ipip50", "openness", 50, None, None, None, "2025"), "there are v1"),
    ):
        with pytest.raises(InvalidInput, match=message):
            ask(*arguments)
    with pytest.raises(NotEnoughData, match="covers"):
        ask("bfi25", "openness", 50)
    with pytest.raises(InvalidInput, match="there are v1"):
        analytics.apply_norms("2025")
    assert json.loads(json.dumps(ask("ipip50", "openness", 50).to_dict()))["version"] == "v1"


def test_the_guides_examples_run(
    platform_config: AnalyticsConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    with AnalyticsSystem(platform_config) as analytics:
        start = START.replace(year=2025)
        analytics.ingest_data(make_survey(analytics.config, 600, start=start))
        example = GUIDE.read_text("utf-8").partition("```python\n")[2].partition("```")[0]
        exec(example, {"analytics": analytics})  # noqa: S102  # the guide is ours
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 3
    assert int(printed[2]) > 0


def test_the_command_line_makes_asks_and_applies(
    survey: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "HOME": survey.config.home,
        "PG_BIN": survey.config.pg_bin,
        "DB_NAME": survey.config.database.database,
        "PSEUDONYM_KEY": PSEUDONYM_KEY,
    }.items():
        monkeypatch.setenv(f"ANALYTICS_{name}", str(value))

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(cli, ["norms", *arguments])
        assert result.exit_code == code, (result.output, result.exception)
        return result.output

    assert "no norms yet" in run("list")
    assert "at least 40 scores" in run("create", "v1", "--minimum-n", "40")
    run("create", "v1", code=2)
    asked = ("percentile", "ipip50", "openness", "50", "--gender", "female")
    assert "norm v1: female, n = " in run(*asked)
    assert json.loads(run(*asked, "--json"))["level"] == "gender"
    assert "3 months changed" in run("apply", "v1")
    assert "current" in run("list")
    assert json.loads(run("list", "--json"))["norms"][0]["is_current"]
