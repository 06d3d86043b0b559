"""The code location under ``examples/another_pipeline`` works as its README says."""

import importlib.util
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from ioc_analytics.resources import AnalyticsResource, PostgresIOManager
from ioc_analytics.synthetic.files import generate_files
from ioc_analytics.system import AnalyticsSystem
from ioc_analytics_tests.fixtures.processes import CHECKOUT

EXAMPLE = CHECKOUT / "examples" / "another_pipeline"


def load_example() -> Any:
    spec = importlib.util.spec_from_file_location("another", EXAMPLE / "definitions.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def url(analytics: AnalyticsSystem) -> Iterator[str]:
    address = analytics.database.conninfo("owner")
    with psycopg.connect(address) as connection:
        connection.execute((EXAMPLE / "tables.sql").read_text())
    yield address


def test_another_pipeline_publishes_the_platforms_figures(
    analytics: AnalyticsSystem, url: str, tmp_path: Path
) -> None:
    generate_files(tmp_path / "batch", responses=200, start=date(2025, 1, 1), days=59)
    analytics.ingest_files(tmp_path / "batch")
    analytics.refresh()
    example = load_example()
    dg.Definitions.validate_loadable(example.defs)
    resources = {
        "analytics": AnalyticsResource.holding(analytics),
        "io_manager": PostgresIOManager(url=url, schema_name="another"),
    }
    months = [example.openness_by_month, example.openness_above_middle]
    checks = example.defs.asset_checks
    by_range = {
        "dagster/asset_partition_range_start": "2025-01-01",
        "dagster/asset_partition_range_end": "2025-03-01",
    }
    result = dg.materialize([*months, *checks], resources=resources, tags=by_range)
    assert result.success
    assert {(one.check_name, one.passed) for one in result.get_asset_check_evaluations()} == {
        ("contract", True),
        ("a_score_is_0_to_100", True),
        ("a_month_has_30_responses", True),
    }
    assert dg.materialize(
        [*months, example.openness_summary],
        resources=resources,
        selection=[example.openness_summary],
    ).success
    with psycopg.connect(url) as connection:
        query = "SELECT m.month, m.mean - a.points_above FROM another.openness_by_month AS m"
        rows = connection.execute(
            query + " JOIN another.openness_above_middle AS a ON a.month = m.month ORDER BY 1"
        ).fetchall()
        assert [month for month, _ in rows] == [date(2025, 1, 1), date(2025, 2, 1)]
        assert [middle for _, middle in rows] == pytest.approx([50, 50])
        (summary,) = connection.execute("SELECT * FROM another.openness_summary").fetchall()
    assert summary[0] == 2
    assert 0 < summary[2] <= summary[3] < 100
