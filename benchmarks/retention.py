"""Retention: sealing the oldest of 24 months, letting it go, dropping it; at two sizes.

Letting a sealed month go must not depend on its rows. The two sizes show what does.
"""

import time
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measuring import seconds, show, throwaway_platform
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.records.retention import RetentionPlan
from ioc_analytics.states.rebuild import midnight, next_month
from ioc_analytics.synthetic.files import generate_files
from ioc_analytics.system import AnalyticsSystem

_MONTHS = 24


def run(size: int | None, rounds: int) -> None:
    """Measure at 24,000 and 96,000 responses (1.2 and 4.8 million answers), or at ``size``."""
    for responses in (size,) if size else (24_000, 96_000):
        _measure(responses)


def _measure(responses: int) -> None:
    start = utc_now().date().replace(day=1)
    for _ in range(_MONTHS):
        start = (start - timedelta(days=1)).replace(day=1)
    days = (utc_now().date() - start).days
    with TemporaryDirectory() as folder, throwaway_platform() as system:
        batch = Path(folder, "batch")
        generate_files(batch, responses=responses, start=start, days=days, seed=1, with_ai=False)
        system.ingest_files(batch)
        system.refresh()
        _age(system)
        config = system.config.replace(
            retention_days=(utc_now() - midnight(next_month(start))).days,
            retention={"grace_days": 0},
            backup={"folder": Path(folder, "backups")},
        )
        with AnalyticsSystem(config) as expiring:
            _show(expiring, start, responses)


def _age(system: AnalyticsSystem) -> None:
    with system.database.connection("owner") as connection:
        connection.execute("UPDATE internal.batches SET loaded_at = '2000-01-01'")


def _show(system: AnalyticsSystem, month: date, responses: int) -> None:
    sealed = seconds(lambda: system.seal_month(month))
    planned = seconds(system.plan_retention)
    plan = system.plan_retention()
    rows = sum(sum(one.rows.values()) for one in plan.months)
    detached = _last_step(system, plan)
    dropped = _last_step(system, system.plan_retention())
    show(
        f"Retention of one of {_MONTHS} months: {rows:,} rows of {responses:,} responses",
        [
            ("seal it (recount, merge small cells)", f"{sealed:.2f} s", ""),
            ("plan (counts what goes)", f"{planned:.2f} s", ""),
            ("detach", f"{detached:.2f} s", ""),
            ("drop after its grace", f"{dropped:.2f} s", ""),
            ("drop a sealed month", f"{detached + dropped:.2f} s", "< 2 s"),
        ],
    )


def _last_step(system: AnalyticsSystem, plan: RetentionPlan) -> float:
    """Return how long the last step of a plan takes, once the plan was found to fit."""
    steps = [0.0]
    system.apply_retention(
        plan,
        without_backup="a benchmark's rows",
        progress=lambda step: steps.append(time.perf_counter()),
    )
    return time.perf_counter() - steps[-1]
