"""Trends over three years of days, and the share of it that reading the series takes.

States of organization-days and times are filled from drawn responses; nobody's answers are needed.
"""

from datetime import date
from functools import partial

import numpy as np

from benchmarks.measuring import median_seconds, show, throwaway_platform
from ioc_analytics import AnalyticsSystem
from ioc_analytics.insight.series import read_series
from ioc_analytics.records.filters import TimeRange
from ioc_analytics.records.vocabularies import INDUSTRIES, TRAITS
from ioc_analytics.states.rebuild import next_month
from ioc_analytics.states.rows import COMPLETED, NO_ROWS
from ioc_analytics.states.sums import (
    write_day_totals,
    write_organization_days,
    write_sum_months,
    write_time_days,
)

THREE_YEARS = {"start": "2023-01-01", "end": "2026-01-01"}
DAYS = 1096
ORGANIZATIONS = 200
_GOAL = "< 100 ms"
_CODES = {
    "instrument": {0: "ipip50"},
    "industry_category": dict(enumerate(INDUSTRIES[:12])),
    "org_size_category": {0: "Medium"},
}


def run(size: int | None, rounds: int) -> None:
    """Measure on a million responses of 200 organizations, or on ``size``."""
    responses = size or 1_000_000
    with throwaway_platform() as system:
        n_states = fill_organizations(system, responses)
        rows = []
        for metric in ("response_volume", "completion_rate", "openness", "median_time_spent"):

            def trend(metric: str = metric) -> object:
                return system.analyze_trends(metric, THREE_YEARS, "daily")

            def reading(metric: str = metric) -> object:
                with system.database.connection("analyst") as connection:
                    return read_series(
                        connection,
                        metric,
                        (),
                        TimeRange.parse(THREE_YEARS),
                        "daily",
                        partial(system.pseudonym, "organization"),
                        maturity_days=system.config.maturity_days,
                    )

            whole = median_seconds(trend, 5 * rounds, warm_up=2)
            read = median_seconds(reading, 5 * rounds, warm_up=2)
            rows.append((metric, f"{whole * 1e3:.0f} ms, reading {read * 1e3:.0f} ms", _GOAL))
    show(f"analyze_trends, {DAYS:,} days, {responses:,} responses, {n_states:,} states", rows)


def fill_organizations(system: AnalyticsSystem, responses: int) -> int:
    """Fill the states of organizations and times of three years; return the lines of the first."""
    generator = np.random.default_rng(1)
    first = (date(2023, 1, 1) - date(2000, 1, 1)).days
    names = generator.bytes(16 * ORGANIZATIONS)
    organizations = np.frombuffer(names, dtype=NO_ROWS.dtype["org_hash"])
    sectors = generator.integers(0, 12, ORGANIZATIONS)
    with system.database.connection("ingest") as connection:
        for days in np.array_split(np.arange(first, first + DAYS), 36):
            rows = np.zeros(responses * len(days) // DAYS, dtype=NO_ROWS.dtype)
            chosen = generator.integers(0, ORGANIZATIONS, len(rows))
            rows["day"] = generator.choice(days, len(rows))
            rows["org_hash"], rows["industry_category"] = organizations[chosen], sectors[chosen]
            # One organization stands out, so that what is said of it needs the period before too.
            share = np.where(chosen == 0, 0.6, 0.8)
            rows["status"] = np.where(generator.random(len(rows)) < share, COMPLETED, 0)
            rows["seconds"] = generator.integers(60, 900, len(rows))
            for trait in TRAITS:
                rows[trait] = np.round(generator.normal(60, 15, len(rows)) / 2.5) * 2.5
            write_organization_days(connection, rows, _CODES)
            write_time_days(connection, rows, _CODES)
        month = date(2023, 1, 1)
        while month < date(2026, 1, 1):
            write_day_totals(connection, month, next_month(month))
            write_sum_months(connection, month, next_month(month))
            month = next_month(month)
    with system.database.connection("owner") as connection:
        # As autovacuum does on a platform that lives: without it the planner expects five rows.
        connection.execute("ANALYZE internal.organization_states, internal.time_states")
        found = connection.execute("SELECT count(*) FROM internal.organization_states").fetchone()
    return int(found[0]) if found else 0
