"""Making every asset once, in this process: what ``demo`` shows, with all runs kept for the pages.

For: the command line. Not for: regular operation, where sensors and the daemon do this.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import dagster as dg

from ioc_analytics.kernel.errors import AnalyticsError, IntegrityFailure
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.orchestration.build import build_defs
from ioc_analytics.orchestration.instance import HomeInstance
from ioc_analytics.orchestration.jobs import INGEST, INGEST_STEP, REFRESH
from ioc_analytics.orchestration.partitions import adjacent_months, month_key
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.system import AnalyticsSystem

_QUIET: Final = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}
"""The terminal belongs to the command; the runs keep their whole log."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What an asset check said."""

    asset: str
    name: str
    passed: bool
    summary: str


@dataclass(frozen=True, slots=True)
class MaterializeSummary:
    """What was made."""

    runs: int
    assets: tuple[str, ...]
    """Assets that were materialized, each once."""

    accepted: int
    """Records stored."""

    duplicates: int
    quarantined: int
    months: int
    """Months whose distributions were released."""

    checks: tuple[CheckResult, ...]
    """The last result of each asset check."""

    duration_seconds: float


Progress = Callable[[str], None]


def materialize_all(
    config: AnalyticsConfig,
    batches: Sequence[Path],
    mapping: Path | None = None,
    *,
    progress: Progress | None = None,
) -> MaterializeSummary:
    """Take batches in, release what they touched, refresh the views; all as runs of Dagster.

    The runs are kept in the instance of the home folder, where ``dev`` shows them.

    Args:
        config: The settings.
        batches: Files or folders, each a batch.
        mapping: TOML mapping of wide exports.
        progress: Called with a line about what begins.

    Raises:
        AnalyticsError: A run failed; the error is the platform's own.
    """
    started = time.monotonic()
    tell = progress or (lambda _: None)
    with AnalyticsSystem(config) as system:
        system.initialize()
        with HomeInstance(config, system.database) as instance:
            runner = _Runner(system, instance)
            for batch in batches:
                tell(f"taking in {batch.name}")
                settings: dict[str, Any] = {"paths": [str(batch.absolute())]}
                if mapping is not None:
                    settings["mapping"] = str(mapping.absolute())
                runner.run(INGEST, {"ops": {INGEST_STEP: {"config": settings}}})
            months = system.touched_months()
            for first, last in adjacent_months(months):
                tell(f"releasing {first:%Y-%m} to {last:%Y-%m}, and the views")
                runner.run(
                    REFRESH,
                    tags={
                        "dagster/asset_partition_range_start": month_key(first),
                        "dagster/asset_partition_range_end": month_key(last),
                    },
                )
            return runner.summary(len(months), time.monotonic() - started)


class _Runner:
    """Runs jobs in this process and adds up what they say."""

    def __init__(self, system: AnalyticsSystem, instance: dg.DagsterInstance) -> None:
        self._defs = build_defs(resources={"analytics": AnalyticsResource.holding(system)})
        self._instance = instance
        self._runs = 0
        self._assets: dict[str, None] = {}
        self._checks: dict[tuple[str, str], CheckResult] = {}
        self._counts = {"accepted": 0, "duplicates": 0, "quarantined": 0}

    def run(
        self,
        job: str,
        run_config: dict[str, Any] | None = None,
        tags: dict[str, str] | None = None,
    ) -> None:
        result = self._defs.resolve_job_def(job).execute_in_process(
            run_config={**(run_config or {}), **_QUIET},
            tags=tags,
            instance=self._instance,
            raise_on_error=False,
        )
        self._runs += 1
        for evaluation in result.get_asset_check_evaluations():
            asset = evaluation.asset_key.to_user_string()
            self._checks[asset, evaluation.check_name] = CheckResult(
                asset, evaluation.check_name, evaluation.passed, evaluation.description or ""
            )
        if not result.success:
            raise _error_of(result)
        events = [event.materialization for event in result.get_asset_materialization_events()]
        for event in events:
            self._assets[event.asset_key.to_user_string()] = None
        if job == INGEST and events:
            for name in self._counts:
                self._counts[name] += int(events[0].metadata[name].value)  # type: ignore[arg-type]

    def summary(self, months: int, seconds: float) -> MaterializeSummary:
        return MaterializeSummary(
            runs=self._runs,
            assets=tuple(self._assets),
            months=months,
            checks=tuple(self._checks.values()),
            duration_seconds=seconds,
            **self._counts,
        )


def _error_of(result: dg.ExecuteInProcessResult) -> AnalyticsError:
    """Return what made a run fail: the platform's own error where there is one."""
    for event in result.all_events:
        if not event.is_step_failure:
            continue
        data = event.step_failure_data
        failure = data.user_failure_data
        if failure is not None and failure.description:
            kind = failure.metadata.get("kind")
            known = {one.__name__: one for one in AnalyticsError.__subclasses__()}
            named = known.get(str(kind.value) if kind is not None else "", IntegrityFailure)
            return named(failure.description)
        if data.error is not None:
            return IntegrityFailure(data.error.message.strip())
    return IntegrityFailure("a run failed without saying why; see its log in the pages of `dev`")
