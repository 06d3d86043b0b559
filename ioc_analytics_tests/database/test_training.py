"""Training data: nothing that came after the cut-off, however the records changed since."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData, PrivacyRefusal
from ioc_analytics_tests.fixtures.batches import assessment, response, write_batch

CUTOFF = datetime(2024, 3, 10, tzinfo=UTC)


def open_response(name: str, **fields: Any) -> dict[str, Any]:
    return response(
        name,
        **{
            "status": "started",
            "completion_percentage": 20,
            "time_spent_seconds": 60,
            "started_at": f"2024-03-0{int(name[1:]) % 8 + 1}T10:00:00Z",
            **fields,
        },
    )


def completed(name: str, moment: str) -> dict[str, Any]:
    return open_response(
        name,
        status="completed",
        completion_percentage=100,
        time_spent_seconds=900,
        completed_at=moment,
        updated_at=moment,
    )


def ingest(analytics: AnalyticsSystem, folder: Path, responses: list[dict[str, Any]]) -> None:
    analytics.ingest_files(
        write_batch(folder, {"assessments": [assessment()], "responses": responses})
    )


def test_the_features_of_a_cut_off_stay_whatever_comes_later(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    known_then = [completed("r0", "2024-03-05T10:00:00Z")]
    ingest(analytics, tmp_path / "1", known_then + [open_response(f"r{n}") for n in range(1, 7)])
    before = analytics.training_frame("completion", CUTOFF)
    assert before.frame["target"].tolist() == [0] * 6
    assert set(before.frame["org_completed"]) == {1}
    # Some are completed after the cut-off, one after the horizon; the assessment is corrected.
    later = [completed(f"r{n}", "2024-03-12T10:00:00Z") for n in (1, 2)]
    ingest(analytics, tmp_path / "2", [*later, completed("r3", "2024-05-01T10:00:00Z")])
    after = analytics.training_frame("completion", CUTOFF)
    pd.testing.assert_frame_equal(
        before.frame.drop(columns="target"), after.frame.drop(columns="target")
    )
    assert sorted(after.frame["target"]) == [0, 0, 0, 0, 1, 1]
    # What a response has stored of its progress would tell its end.
    assert not {"completion_percentage", "time_spent_seconds", "status"} & set(after.features)


def test_what_a_survey_asks_last_is_no_feature(analytics: AnalyticsSystem, tmp_path: Path) -> None:
    asked_last = {"country": "FR", "age": 31, "gender": "female", "device_type": "mobile"}
    nothing: dict[str, Any] = dict.fromkeys(asked_last)
    ingest(analytics, tmp_path / "1", [open_response(f"r{n}", **nothing) for n in range(1, 5)])
    before = analytics.training_frame("completion", CUTOFF)
    done = [completed(f"r{n}", "2024-03-12T10:00:00Z") | asked_last for n in (1, 2)]
    ingest(analytics, tmp_path / "2", done)
    after = analytics.training_frame("completion", CUTOFF)
    assert sorted(after.frame["target"]) == [0, 0, 1, 1]
    pd.testing.assert_frame_equal(
        before.frame.drop(columns="target"), after.frame.drop(columns="target")
    )
    assert sorted(after.facts["gender"]) == ["female", "female", "unknown", "unknown"]
    assert "gender" not in after.frame.columns


def test_an_assessment_corrected_after_the_cut_off_is_unknown_at_it(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    changed = assessment(industry="52", updated_at="2024-04-01T00:00:00Z")
    records = {"assessments": [changed], "responses": [open_response("r1")]}
    analytics.ingest_files(write_batch(tmp_path / "in", records))
    frame = analytics.training_frame("completion", CUTOFF).frame
    assert frame["industry_category"].tolist() == ["unknown"]
    later = analytics.training_frame("completion", "2024-04-02", window_days=60).frame
    assert later["industry_category"].tolist() != ["unknown"]


def test_splits_are_by_time_and_leave_a_gap_for_the_horizon(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    ingest(analytics, tmp_path / "1", [open_response(f"r{n}") for n in range(6)])
    cutoffs = ["2024-03-09", "2024-03-20", "2024-04-01"]
    gathered = analytics.training_frame("completion", cutoffs, horizon_days=14)
    train, test = gathered.split("2024-03-25")
    assert train["cutoff"].unique().tolist() == [pd.Timestamp("2024-03-09", tz="UTC")]
    assert test["cutoff"].unique().tolist() == [pd.Timestamp("2024-04-01", tz="UTC")]
    with pytest.raises(InvalidInput, match="leaves 0 training"):
        gathered.split("2024-01-01")


def test_ends_without_a_moment_are_left_out_and_counted(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    ingest(
        analytics, tmp_path / "1", [open_response("r1"), open_response("r2", status="abandoned")]
    )
    gathered = analytics.training_frame("completion", CUTOFF)
    assert (len(gathered.frame), gathered.excluded) == (1, 1)


def test_a_frame_is_exported_with_what_it_is(analytics: AnalyticsSystem, tmp_path: Path) -> None:
    ingest(analytics, tmp_path / "1", [open_response(f"r{n}") for n in range(1, 7)])
    gathered = analytics.training_frame("completion", CUTOFF)
    for form in ("parquet", "arrow", "csv", "jsonl"):
        result = gathered.export(tmp_path / "out" / f"frame.{form}", form)
        assert result.row_count == 6
        assert hashlib.sha256(result.path.read_bytes()).hexdigest() == result.checksum
        manifest = json.loads(Path(f"{result.path}.manifest.json").read_text())
        assert manifest["features"] == list(gathered.features)
        assert manifest["data_version"] == gathered.data_version
    back = pd.read_parquet(tmp_path / "out" / "frame.parquet")
    assert list(back.columns) == list(gathered.frame.columns)
    assert back["response_hash"].tolist() == gathered.frame["response_hash"].astype(str).tolist()
    lines = (tmp_path / "out" / "frame.jsonl").read_text().splitlines()
    assert [json.loads(line)["target"] for line in lines] == [0] * 6
    packed = gathered.export(tmp_path / "out" / "frame.csv", "csv", compression="gzip")
    assert packed.path.name == "frame.csv.gz"
    with pytest.raises(InvalidInput, match="csv, jsonl, parquet, arrow"):
        gathered.export(tmp_path / "frame.xlsx", "xlsx")
    # Other data, another version.
    ingest(analytics, tmp_path / "2", [completed("r1", "2024-03-12T10:00:00Z")])
    assert analytics.training_frame("completion", CUTOFF).data_version != gathered.data_version


def test_what_cannot_be_answered_is_refused(analytics: AnalyticsSystem) -> None:
    with pytest.raises(InvalidInput, match="did you mean 'completion'"):
        analytics.training_frame("completon", CUTOFF)
    with pytest.raises(InvalidInput, match="not known yet"):
        analytics.training_frame("completion", datetime.now(UTC))
    with pytest.raises(NotEnoughData, match="0 found"):
        analytics.training_frame("completion", CUTOFF)
    with (
        AnalyticsSystem(analytics.config, role="reader") as reader,
        pytest.raises(PrivacyRefusal),
    ):
        reader.training_frame("completion", CUTOFF)


def test_predictions_are_stored_all_or_none(analytics: AnalyticsSystem) -> None:
    row = {"model_name": "m", "model_version": "1", "prediction_target": "completion"}
    frame = pd.DataFrame([{**row, "prediction": 0.25}, {**row, "prediction": None}])
    assert len(analytics.store_prediction_results(frame)) == 2
    full = {**row, "segment": {"region": "x"}, "issued_at": CUTOFF, "accuracy_metrics": {"auc": 1}}
    analytics.store_prediction_results([full])
    stored = analytics.query(
        "SELECT prediction, segment, issued_at FROM predictive_analytics_results ORDER BY id"
    ).data
    assert [r["prediction"] for r in stored] == [0.25, None, None]
    assert stored[2] == {"prediction": None, "segment": {"region": "x"}, "issued_at": CUTOFF}
    for bad, said in (
        ({**row, "predicton": 1}, "did you mean 'prediction'"),
        ({"model_name": "m"}, "prediction 2 has no model_version"),
    ):
        with pytest.raises(InvalidInput, match=said):
            analytics.store_prediction_results([row, bad])
    assert analytics.query("SELECT count(*) AS n FROM predictive_analytics_results").data == [
        {"n": 3}
    ]
