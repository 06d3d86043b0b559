"""Daily metrics: releasing a year of days with every roll-up, and one day again."""

from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measuring import seconds, show, throwaway_platform
from ioc_analytics import AnalyticsSystem
from ioc_analytics.insight.daily import days_of_new_assessments, release_daily, ripe_months
from ioc_analytics.synthetic.files import generate_files


def run(size: int | None, rounds: int) -> None:
    """Measure at one million responses, or at ``size``."""
    del rounds  # The year is released once.
    responses = size or 1_000_000
    with TemporaryDirectory() as folder, throwaway_platform() as system:
        batch = Path(folder, "batch")
        generate_files(batch, responses=responses, seed=1, with_scores=False, with_ai=False)
        (batch / "question_responses.parquet").unlink()
        system.ingest_files(batch)
        with system.database.connection("analyst") as connection:
            row = connection.execute(
                "SELECT min(created_at)::date, max(created_at)::date"
                " FROM analytics.anonymized_assessment_responses"
            ).fetchone()
        assert row is not None
        first, last = row
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        written: list[int] = []
        year = seconds(lambda: written.append(_release(system, days)))
        one = seconds(lambda: _release(system, [days[len(days) // 2]]))
        looking = seconds(lambda: _look(system))
    show(
        f"Daily metrics of {responses:,} responses over {len(days)} days",
        [
            ("releasing all days", f"{year:.1f} s", "< 60 s at 1 M"),
            ("rows released", f"{written[0]:,}", ""),
            ("releasing one day again", f"{one * 1e3:.0f} ms", ""),
            ("looking for what grew old or new", f"{looking * 1e3:.0f} ms", ""),
        ],
    )


def _release(system: AnalyticsSystem, days: list[date]) -> int:
    with system.database.connection("ingest") as connection:
        return release_daily(connection, days, days[-1])


def _look(system: AnalyticsSystem) -> None:
    with system.database.connection("ingest") as connection:
        days_of_new_assessments(connection)
        ripe_months(connection, date(2000, 1, 1))
