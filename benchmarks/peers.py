"""Benchmarks of one organization among its peers, over three years and over the last of them."""

from benchmarks.measuring import median_seconds, show, throwaway_platform
from benchmarks.trends import ORGANIZATIONS, THREE_YEARS, fill_organizations

_GOAL = "< 50 ms"
_LAST = {"start": "2025-01-01", "end": "2026-01-01"}


def run(size: int | None, rounds: int) -> None:
    """Measure on a million responses of 200 organizations, or on ``size``."""
    responses = size or 1_000_000
    with throwaway_platform() as system:
        fill_organizations(system, responses)
        with system.database.connection("analyst") as connection:
            found = connection.execute(
                "SELECT org_hash FROM internal.organization_states WHERE family = 'month'"
                " GROUP BY 1 ORDER BY sum(completed) / sum(started) LIMIT 1"
            ).fetchone()
        if found is None:
            raise RuntimeError("no organization was filled in")
        (organization,) = found
        if not system.get_benchmarks(organization, time_range=_LAST).competitive_insights:
            raise RuntimeError("the organization that was made to stand out does not")
        rows = []
        for what, time_range in (("three years", THREE_YEARS), ("a year, and before", _LAST)):

            def ask(time_range: dict[str, str] = time_range) -> object:
                return system.get_benchmarks(organization, time_range=time_range)

            rows.append((what, f"{median_seconds(ask, 5 * rounds) * 1e3:.0f} ms", _GOAL))
    show(f"get_benchmarks, {responses:,} responses, {ORGANIZATIONS} organizations", rows)
