"""What breaks a promise is refused inside the transaction that releases it."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.insight import distributions
from ioc_analytics.kernel.errors import IntegrityFailure
from ioc_analytics.states.proof import unequal_states
from ioc_analytics.synthetic.files import generate_files

MONTH = date(2025, 1, 1)


@pytest.fixture
def released(analytics: AnalyticsSystem, tmp_path: Path) -> AnalyticsSystem:
    """A system with a released month, and one day of it touched again since."""
    generate_files(tmp_path / "first", responses=200, start=MONTH, days=20)
    generate_files(tmp_path / "late", responses=40, seed=5, start=date(2025, 1, 25), days=1)
    analytics.ingest_files(tmp_path / "first")
    analytics.refresh()
    analytics.ingest_files(tmp_path / "late")
    return analytics


def shown(system: AnalyticsSystem) -> list[Any]:
    """Return what readers see of the month."""
    return [
        system.query(f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11").data
        for table in ("ocean_trait_distributions", "mv_monthly_ocean_distributions")
    ]


def execute(system: AnalyticsSystem, statement: str) -> None:
    with system.database.connection("ingest") as connection:
        assert connection.execute(statement.encode()).rowcount > 0


@pytest.mark.parametrize(
    ("change", "named"),
    [
        # A day that nobody has touched holds one more score of openness than its rows do.
        (
            "UPDATE internal.trait_states SET counts = set_byte(counts, 12, get_byte(counts, 12)+1)"
            " WHERE family = 'day_all' AND period_start = '2025-01-03'",
            "day_all has, of openness and 2025-01-03",
        ),
        # The same number of scores, but another score.
        (
            "UPDATE internal.trait_states SET counts = set_byte(counts, 4, get_byte(counts, 4) # 1)"
            " WHERE family = 'day_all' AND period_start = '2025-01-03'",
            "another sum of the",
        ),
        (
            "DELETE FROM internal.trait_states WHERE family = 'month_region'",
            "month_region has, of agreeableness and the month",
        ),
        (
            "DELETE FROM analytics.anonymized_assessment_scores WHERE created_at >= '2025-01-03'"
            " AND created_at < '2025-01-04'",
            "scores instead of 0",
        ),
    ],
)
def test_false_states_are_not_released(released: AnalyticsSystem, change: str, named: str) -> None:
    before = shown(released)
    execute(released, change)
    with pytest.raises(IntegrityFailure, match=named) as refusal:
        released.refresh()
    assert "refresh --rebuild --month 2025-01" in str(refusal.value)
    released.refresh_views()
    assert shown(released) == before
    assert released.touched_months() == [MONTH]
    # What the message asks for helps.
    released.rebuild([MONTH])
    assert shown(released) != before
    assert not released.touched_months()


def test_a_batch_that_commits_meanwhile_is_no_difference(released: AnalyticsSystem) -> None:
    with released.database.connection("ingest") as connection:
        # The late day is touched, and its states are behind its rows.
        assert not unequal_states(connection, MONTH)


@pytest.mark.parametrize("way", ["refresh", "rebuild", "rebuild_days"])
def test_small_cells_are_not_released_whatever_the_way(
    released: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    before = shown(released)
    if way == "rebuild_days":
        execute(
            released,
            "UPDATE analytics.ocean_trait_distributions SET mean = 50"
            " WHERE sample_size IS NULL AND grain = 'day'",
        )
        with pytest.raises(IntegrityFailure, match="fewer than 10 people"):
            released.rebuild_days([date(2025, 1, 25)])
        return
    monkeypatch.setattr(distributions, "MINIMUM_PEOPLE", 2)
    with pytest.raises(IntegrityFailure, match="of 2025-01 would be about fewer than 10 people"):
        getattr(released, way)()
    monkeypatch.undo()
    assert shown(released) == before
    released.refresh()
    assert shown(released) != before
