"""The status tells what is there, how fresh it is, and what waits."""

import json
from datetime import date

from ioc_analytics import AnalyticsSystem
from ioc_analytics_tests.database.survey import make_survey


def test_the_status_of_an_empty_platform(analytics: AnalyticsSystem) -> None:
    status = analytics.get_system_status()
    assert status.watermark is None
    assert status.touched_days == ()
    assert status.batches == ()
    assert status.quarantine_waiting == 0
    assert status.database.data_quality_score is None
    assert status.database.partition_runway_months > 0
    rows = {name: table.rows for name, table in status.tables.items() if not table.is_estimate}
    assert not any(number for name, number in rows.items() if name != "table_versions")
    json.dumps(status.to_dict())


def test_the_status_counts_rows_batches_and_touched_days(analytics: AnalyticsSystem) -> None:
    receipt = analytics.ingest_data(make_survey(analytics.config, 20, days=3))
    status = analytics.get_system_status()
    table = status.tables["anonymized_assessment_responses"]
    assert (table.rows, table.is_estimate) == (20, False)
    assert status.touched_days == tuple(date(2024, 1, day) for day in (1, 2, 3))
    assert [batch.batch_id for batch in status.batches] == [receipt.batch_id]
    assert status.batches[0].accepted == receipt.accepted
    assert status.watermark == status.batches[0].loaded_at
    assert [job.status for job in status.jobs] == ["succeeded"]
    analytics.refresh()
    assert analytics.get_system_status().touched_days == ()
