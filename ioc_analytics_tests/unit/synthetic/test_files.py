"""Generated files: the same for the same seed, consistent, and accounted for row by row."""

import gzip
import hashlib
import io
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc_analytics.files.instruments import builtin_instruments
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.privacy.devices import read_user_agent
from ioc_analytics.privacy.industries import read_industry
from ioc_analytics.records.contracts import CONTRACTS
from ioc_analytics.records.judge import judge
from ioc_analytics.records.kinds import KINDS
from ioc_analytics.synthetic.files import GeneratedFiles, generate_files
from ioc_analytics.synthetic.identities import INDUSTRY_TEXTS, USER_AGENTS
from ioc_analytics.synthetic.planting import FAULTS
from ioc_analytics.synthetic.population import REFERENCE
from ioc_analytics.synthetic.streams import CHUNK

IPIP50 = builtin_instruments()["ipip50"]
NOW = datetime(2026, 6, 1, tzinfo=UTC)
KEYS = {
    "assessments": ["assessment_id"],
    "responses": ["response_id"],
    "question_responses": ["response_id", "question_id"],
    "scores": ["response_id", "dimension"],
    "ai_validations": ["response_id", "dimension"],
}
PLANTED: dict[str, Any] = {"late_share": 0.05, "duplicate_share": 0.04, "dirty_share": 0.08}


def read(path: Path) -> pd.DataFrame:
    name = path.name
    frame: pd.DataFrame
    if name.endswith(".parquet"):
        table = pq.read_table(path)
        columns = {name: table[name] for name in table.column_names}
        for name, column in columns.items():
            if pa.types.is_dictionary(column.type):
                columns[name] = column.cast(column.type.value_type)
        frame = pa.table(columns).to_pandas()
        return frame
    # Arrow opens gzip and zstd alike; pandas wants a package of its own for zstd.
    with pa.input_stream(str(path), compression="detect") as stream:
        content = io.BytesIO(stream.read())
    if ".csv" in name:
        frame = pd.read_csv(content, keep_default_na=False, na_values=[""])
    else:
        frame = pd.read_json(content, lines=True, dtype=False, precise_float=True)
    return frame


def kind_of(path: Path) -> str:
    return path.name.partition(".")[0]


def read_all(made: GeneratedFiles, kind: str) -> pd.DataFrame:
    frames = [read(p).assign(batch=p.parent.name) for p in made.paths if kind_of(p) == kind]
    return pd.concat(frames, ignore_index=True)


def digests(made: GeneratedFiles, root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root.resolve())): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in made.paths
    }


@pytest.mark.parametrize("file_format", ["parquet", "csv", "jsonl"])
@pytest.mark.parametrize("compression", [None, "gzip", "zstd"])
def test_same_seed_gives_the_same_bytes(tmp_path: Path, file_format: Any, compression: Any) -> None:
    found = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        made = generate_files(
            *(tmp_path / name,),
            responses=300,
            seed=seed,
            file_format=file_format,
            compression=compression,
            batches="monthly",
            with_scores=True,
            **PLANTED,
        )
        found.append(digests(made, tmp_path / name))
    assert found[0] == found[1]
    assert not set(found[0].values()) & set(found[2].values())


def test_response_i_is_the_same_whatever_the_number(tmp_path: Path) -> None:
    few = generate_files(tmp_path / "few", responses=CHUNK + 500)
    many = generate_files(tmp_path / "many", responses=2 * CHUNK + 100)
    for kind in ("assessments", "responses", "question_responses", "ai_validations"):
        short, long = read_all(few, kind), read_all(many, kind)
        pd.testing.assert_frame_equal(
            short.drop(columns="batch"), long.drop(columns="batch").head(len(short))
        )


def test_raters_scores_and_planting_change_no_response(tmp_path: Path) -> None:
    plain = generate_files(tmp_path / "plain", responses=400, with_ai=False)
    rich = generate_files(
        tmp_path / "rich", responses=400, with_scores=True, duplicate_share=0.1, dirty_share=0.1
    )
    assert plain.rows.keys() == {"assessments", "responses", "question_responses"}
    left, right = (read_all(m, "responses").drop(columns="batch") for m in (plain, rich))
    merged = left.merge(right.drop_duplicates())
    assert len(merged) == 400


def test_order_of_time(tmp_path: Path) -> None:
    made = generate_files(tmp_path / "t", responses=2_000, order="time")
    started = read_all(made, "responses")["started_at"]
    assert started.is_monotonic_increasing
    monthly = started.dt.month.value_counts(normalize=True)
    assert monthly[9] > 1.2 * monthly[7]


def test_shape_of_the_default(tmp_path: Path) -> None:
    made = generate_files(tmp_path / "d", responses=20_000)
    assessments, responses = read_all(made, "assessments"), read_all(made, "responses")
    assert assessments["organization_id"].nunique() == 200
    assert len(assessments) == 400
    assert set(assessments["status"]) == {"published", "draft", "closed", "archived"}
    sectors = {read_industry(text).category for text in assessments["industry"]}
    assert len(sectors) == 20
    bands = pd.cut(assessments["employee_count"], [0, 9, 49, 249, 999, 10**9])
    assert bands.nunique() == 5
    assert responses["country"].nunique() == 15
    assert set(responses["device_type"].dropna()) == {"desktop", "mobile", "tablet"}
    assert set(responses["status"]) == {"completed", "abandoned", "started"}
    assert responses["respondent_id"].nunique() < responses["respondent_id"].count()
    assert responses["email"].dropna().str.fullmatch(r".+@example\.(org|com|net)").all()
    assert made.statuses == responses["status"].value_counts().to_dict()


def test_moments_lie_in_the_period(tmp_path: Path) -> None:
    start, days = date(2024, 2, 10), 75
    made = generate_files(
        *(tmp_path / "p",),
        responses=8_000,
        start=start,
        days=days,
        batches="monthly",
        with_answer_times=True,
    )
    assert [batch.name for batch in made.batches] == ["2024-02", "2024-03", "2024-04"]
    opening = datetime(2024, 2, 10, tzinfo=UTC)
    end = opening + timedelta(days=days)
    responses, answers = read_all(made, "responses"), read_all(made, "question_responses")
    validations = read_all(made, "ai_validations")
    moments = [responses[name] for name in ("started_at", "completed_at", "updated_at")]
    for column in (*moments, answers["answered_at"], validations["validated_at"]):
        assert column.min() >= opening
        assert column.max() < end
    assert (responses["started_at"].dt.strftime("%Y-%m") == responses["batch"]).all()
    joined = responses.merge(read_all(made, "assessments"), on="assessment_id")
    assert (joined["published_at"] <= joined["started_at"]).all()
    recent = responses["started_at"] >= end - timedelta(days=REFERENCE.open_days)
    assert not (recent & (responses["status"] == "abandoned")).any()
    assert (responses[~recent]["status"] != "started").all()
    finished = responses["completed_at"].notna()
    assert (finished == (responses["status"] == "completed")).all()
    last = answers.groupby("response_id", observed=True)["answered_at"].max()
    by_id = responses.set_index("response_id")["updated_at"]
    by_id[responses["status"].to_numpy() == "abandoned"] -= timedelta(days=REFERENCE.open_days)
    known = responses.set_index("response_id")
    is_given_up = (known["status"] == "abandoned").loc[last.index.astype(str)].to_numpy()
    changed = by_id.loc[last.index.astype(str)].to_numpy()
    assert (changed == last.to_numpy())[~is_given_up].all()
    begun = known["started_at"].loc[last.index.astype(str)].to_numpy()
    assert (changed == begun)[is_given_up].all()


def test_answers_belong_to_their_responses(tmp_path: Path) -> None:
    made = generate_files(tmp_path / "r", responses=3_000, with_scores=True)
    for kind, key in KEYS.items():
        assert not read_all(made, kind).duplicated(key).any()
    responses = read_all(made, "responses").set_index("response_id")
    answers = read_all(made, "question_responses")
    counts = answers.groupby("response_id", observed=True).size()
    expected = (responses["completion_percentage"] * 50 / 100).round().astype(int)
    assert expected[expected > 0].to_dict() == counts.to_dict()
    spent = answers.groupby("response_id", observed=True)["time_spent_ms"].sum() / 1000
    np.testing.assert_allclose(responses["time_spent_seconds"][expected > 0].sort_index(),
                               spent.sort_index())  # fmt: skip
    assert (answers["response_id"] != answers["response_id"].shift()).sum() == len(counts)
    assert set(responses["assessment_id"]) <= set(read_all(made, "assessments")["assessment_id"])
    completed = set(responses.index[responses["status"] == "completed"])
    assert set(read_all(made, "ai_validations")["response_id"]) == completed


def test_scores_follow_the_rule_of_the_instrument(tmp_path: Path) -> None:
    made = generate_files(tmp_path / "s", responses=1_500, with_scores=True, with_ai=False)
    answers, scores = read_all(made, "question_responses"), read_all(made, "scores")
    item = {i.code: i for i in IPIP50.items}
    names = answers["question_id"].astype(str)
    answers["dimension"] = names.map(lambda code: item[code].trait)
    is_reversed = names.map(lambda code: item[code].is_reversed)
    answers["keyed"] = answers["value"].where(~is_reversed, 6 - answers["value"])
    answers["response_id"] = answers["response_id"].astype(str)
    by_trait = answers.groupby(["response_id", "dimension"])["keyed"].agg(["count", "sum"])
    scored = by_trait[by_trait["count"] >= 8]
    expected = (scored["sum"] - scored["count"]) / (4 * scored["count"]) * 100
    plain = scores.astype({"response_id": str, "dimension": str})
    found = plain.set_index(["response_id", "dimension"])["score"]
    pd.testing.assert_series_equal(
        found.sort_index(), expected.sort_index(), check_names=False, rtol=1e-12
    )
    assert (by_trait["count"] < 8).any()


def test_clean_files_pass_their_contracts_without_repairs(tmp_path: Path) -> None:
    formats: tuple[Any, ...] = ("parquet", "csv")
    for file_format in formats:
        made = generate_files(
            *(tmp_path / file_format,),
            responses=2_000,
            file_format=file_format,
            with_scores=True,
            with_answer_times=True,
        )
        for path in made.paths:
            table = _as_read(path)
            judged = judge(kind_of(path), table, 1, now=NOW)
            assert judged.table["_rule"].null_count == table.num_rows
            assert not judged.repairs
            assert not judged.dropped_columns
            assert tuple(table.column_names) == CONTRACTS[kind_of(path)].names


def _as_read(path: Path) -> pa.Table:
    if path.suffix == ".parquet":
        return pq.read_table(path)
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    return pa.table({name: pa.array(frame[name].tolist(), pa.string()) for name in frame})


@pytest.mark.parametrize("file_format", ["parquet", "csv", "jsonl"])
def test_every_planted_row_is_accounted_for(tmp_path: Path, file_format: Any) -> None:
    made = generate_files(
        *(tmp_path / "m",),
        responses=4_000,
        batches="monthly",
        file_format=file_format,
        with_scores=True,
        **PLANTED,
    )
    responses = read_all(made, "responses")
    identity = responses["response_id"]
    is_extra = identity.isna() | identity.astype(str).str.endswith("-x")
    planted = Counter({f.key: made.dirty[f.key] for f in FAULTS if f.kind == "responses"})
    assert is_extra.sum() == planted.total()
    assert min(made.dirty.values()) > 0
    assert len(responses) == 4_000 + made.duplicates["responses"] + planted.total()
    good = responses[~is_extra]
    started = pd.to_datetime(good["started_at"], utc=True)
    is_moved = started.dt.strftime("%Y-%m") != good["batch"]
    is_repeated = good.duplicated("response_id", keep=False)
    assert (is_moved & ~is_repeated).sum() == made.late["responses"] > 0
    assert (is_moved & is_repeated).sum() == made.duplicates["responses"] > 0
    assert good.drop(columns="batch").drop_duplicates().shape[0] == 4_000
    lag = pd.PeriodIndex(good["batch"], freq="M").astype("int64") - pd.PeriodIndex(
        started.dt.strftime("%Y-%m"), freq="M"
    ).astype("int64")
    assert set(lag) == {0, 1, 2, 3}
    for kind in ("question_responses", "scores", "ai_validations"):
        records = read_all(made, kind)
        copies = records.dropna(subset="response_id").drop(columns="batch").duplicated()
        assert copies.sum() == made.duplicates[kind]
        assert len(records) == made.rows[kind]
        known = records["response_id"].isin(set(good["response_id"]))
        outside = (
            made.dirty[f"{kind}.orphan"] + made.dirty[f"{kind}.missing_key"]
            if (kind == "question_responses")
            else 0
        )
        assert (~known).sum() == outside


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_dirty_rows_break_the_contract_as_often_as_planted(
    tmp_path: Path, file_format: Any
) -> None:
    made = generate_files(tmp_path / "x", responses=3_000, dirty_share=0.2, file_format=file_format)
    dirty, as_text = made.dirty, file_format == "csv"
    rules: Counter[str] = Counter()
    repairs: Counter[str] = Counter()
    for path in made.paths:
        judged = judge(kind_of(path), _as_read(path), 1, now=NOW)
        for rule in judged.table["_rule"].drop_null().to_pylist():
            rules[f"{kind_of(path)}.{rule}"] += 1
        for (column, rule), count in judged.repairs.items():
            repairs[f"{kind_of(path)}.{column}.{rule}"] += count
    bad_date = "not_a_date" if as_text else "date_before_1990"
    assert rules == {
        "assessments.missing_key": 1,
        f"assessments.{bad_date}": 1,
        "responses.missing_key": dirty["responses.missing_key"],
        f"responses.{bad_date}": dirty["responses.bad_date"],
        "responses.date_in_future": dirty["responses.future_date"],
        "question_responses.missing_key": dirty["question_responses.missing_key"],
    }
    assert repairs == {
        "responses.status.not_in_vocabulary": dirty["responses.unknown_status"],
        "responses.completion_percentage.out_of_range": dirty["responses.out_of_range"],
        "responses.completed_at.ends_before_start": dirty["responses.ends_before_start"],
    }
    answers = read_all(made, "question_responses")
    assert (answers["value"] == 9).sum() == dirty["question_responses.value_out_of_range"]
    assert (answers["question_id"] == "E99").sum() == dirty["question_responses.unknown_item"]
    assert answers.groupby("response_id", observed=True).size().drop("R-nowhere").max() == 50
    mails = read_all(made, "responses")["gender"].astype(str).str.contains("@").sum()
    assert mails == dirty["responses.email_in_category"]


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    responses=st.integers(1, 400),
    seed=st.integers(0, 2**64),
    days=st.integers(1, 800),
    batches=st.sampled_from(["single", "monthly"]),
    file_format=st.sampled_from(["parquet", "csv", "jsonl"]),
    order=st.sampled_from(["random", "time"]),
    organizations=st.integers(1, 30),
    shares=st.tuples(*[st.floats(0, 0.33)] * 3),
)
def test_counts_agree_with_the_files(
    tmp_path_factory: pytest.TempPathFactory,
    responses: int,
    seed: int,
    days: int,
    batches: Any,
    file_format: Any,
    order: Any,
    organizations: int,
    shares: tuple[float, float, float],
) -> None:
    out = tmp_path_factory.mktemp("any") / "out"
    made = generate_files(
        out,
        responses=responses,
        seed=seed,
        days=days,
        batches=batches,
        file_format=file_format,
        order=order,
        organizations=organizations,
        late_share=shares[0] if batches == "monthly" else 0.0,
        duplicate_share=shares[1],
        dirty_share=shares[2],
    )
    rows = {kind: len(read_all(made, kind)) for kind in KINDS if made.rows.get(kind)}
    assert rows == dict(made.rows)
    assert sum(made.statuses.values()) == responses
    extra = sum(n for key, n in made.dirty.items() if key.startswith("responses."))
    assert rows["responses"] == responses + made.duplicates["responses"] + extra
    assert made.size_bytes == sum(path.stat().st_size for path in made.paths)
    assert [p.name for p in out.parent.iterdir()] == ["out"], "nothing unfinished is left"
    assert not list(out.rglob(".*"))


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
def test_all_formats_hold_the_same(tmp_path: Path, file_format: Any, compression: Any) -> None:
    parquet = generate_files(tmp_path / "p", responses=200)
    other = generate_files(
        tmp_path / "o", responses=200, file_format=file_format, compression=compression
    )
    suffix = ".gz" if compression == "gzip" else ".zst"
    assert {path.name for path in other.paths} == {
        f"{path.stem}.{file_format}{suffix}" for path in parquet.paths
    }
    for kind in ("responses", "question_responses", "ai_validations"):
        left, right = read_all(parquet, kind), read_all(other, kind)
        for name in left.columns.drop("batch"):
            if isinstance(left[name].dtype, pd.DatetimeTZDtype):
                right[name] = pd.to_datetime(right[name], utc=True)
            gaps = left[name].isna()
            assert (right[name].isna() == gaps).all()
            assert left[name][~gaps].tolist() == right[name][~gaps].tolist(), name


def test_gzip_files_are_ordinary_ones(tmp_path: Path) -> None:
    made = generate_files(tmp_path / "g", responses=50, file_format="csv", compression="gzip")
    path = next(p for p in made.paths if kind_of(p) == "responses")
    with gzip.open(path, "rt") as lines:
        assert len(lines.readlines()) == 51


@pytest.mark.parametrize("batches", ["single", "monthly"])
def test_ids_in_parquet_stay_dictionaries(tmp_path: Path, batches: Any) -> None:
    made = generate_files(tmp_path / "q", responses=2 * CHUNK + 1, batches=batches)
    for path in made.paths:
        if kind_of(path) == "question_responses":
            assert pa.types.is_dictionary(pq.read_schema(path).field("response_id").type)
            metadata = pq.ParquetFile(path).metadata
            for group in map(metadata.row_group, range(metadata.num_row_groups)):
                # A writer that gives up on the dictionary stores 22 bytes per answer.
                assert group.column(0).total_uncompressed_size < 4 * group.num_rows


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    generate_files(
        tmp_path / "b", responses=12_000, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(10_000, 12_000), (12_000, 12_000)]


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_files(tmp_path / "inbox" / "b", responses=100, batches="monthly", progress=stop)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"responses": 0}, "responses is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"days": 0}, "days is 0"),
        ({"late_share": 0.1}, "monthly"),
        ({"dirty_share": 1.5}, "dirty_share is 1.5"),
        ({"dirty_share": 0.6, "duplicate_share": 0.6}, "add up"),
        ({"file_format": "xml"}, "file_format is 'xml'"),
    ],
)
def test_wrong_arguments_are_named(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        generate_files(tmp_path / "w", **{"responses": 10, **arguments})
    assert not list(tmp_path.iterdir())


def test_a_folder_with_content_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(InvalidInput, match="not an empty folder"):
        generate_files(tmp_path, responses=10)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_labels_mean_what_the_population_says() -> None:
    for sector, texts in INDUSTRY_TEXTS.items():
        assert {read_industry(text).category for text in texts} == {sector}
    for device, agents in USER_AGENTS.items():
        assert {read_user_agent(agent).category for agent in agents} == {device}
