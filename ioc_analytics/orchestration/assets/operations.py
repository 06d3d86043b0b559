"""What keeps the platform running, as assets: backups and measured health.

For: the jobs and schedules of operators. Not for: how a backup is made (``backup``) or what is
measured (``monitoring``).
"""

from dataclasses import asdict
from typing import Final

import dagster as dg
from pydantic import Field

from ioc_analytics.orchestration import presentation
from ioc_analytics.orchestration.presentation import OWNERS, table_spec
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.resources.failures import RETRY, failures

OPERATIONS: Final = "operations"
HEALTH: Final = "system_health_metrics"

LEDGERS: Final = [
    table_spec("processing_jobs", OPERATIONS),
    table_spec("audit_log", OPERATIONS),
    table_spec("table_versions", OPERATIONS),
]
"""What the platform writes in passing, whatever it does: shown in the graph, made by no step."""


class BackupConfig(dg.Config):
    """How to make a backup."""

    method: str | None = Field(
        default=None,
        description="`dump`, `physical` or `pgbackrest`; that of ANALYTICS_BACKUP_METHOD unless "
        "given.",
    )
    drill: bool = Field(
        default=True,
        description="Restore it on trial and compare the content: only then does it count.",
    )
    prune: bool = Field(
        default=True,
        description="Delete afterwards the backups that the settings let go.",
    )


@dg.asset(
    group_name=OPERATIONS,
    description="Backups of the platform's databases: written, then restored on trial and compared",
    kinds={"postgres", "file"},
    owners=OWNERS,
    tags={"privacy": "pseudonymised"},
    retry_policy=RETRY,
    pool="backups",
)
def backups(
    context: dg.AssetExecutionContext, config: BackupConfig, analytics: AnalyticsResource
) -> dg.MaterializeResult[None]:
    """Write a backup, drill it, and let old ones go."""
    with failures():
        system = analytics.system
        how = {} if config.method is None else {"method": config.method}
        backup = system.create_backup(how, progress=context.log.info)
        if config.drill:
            backup = system.drill_backup(backup.id)
        gone = system.prune_backups() if config.prune else []
    return dg.MaterializeResult(
        metadata={
            "backup": backup.id,
            "method": backup.method,
            "state": backup.state,
            "size_bytes": backup.size,
            "tables": len(backup.fingerprints),
            "rows": sum(one.rows for one in backup.fingerprints.values()),
            "restore_seconds": -1.0 if backup.restore_seconds is None else backup.restore_seconds,
            "let_go": presentation.table([{"backup": one.id, "state": one.state} for one in gone]),
        }
    )


@dg.multi_asset(
    name=HEALTH,
    specs=[table_spec(HEALTH, OPERATIONS)],
    retry_policy=RETRY,
    pool="health",
)
def system_health_metrics(analytics: AnalyticsResource) -> dg.MaterializeResult[None]:
    """Measure server, host, platform and queries once, and keep the figures."""
    with failures():
        system = analytics.system
        measured = system.measure_health()
        health = system.health_check()
        rows = presentation.count_rows(system, [HEALTH])[HEALTH]
        course = presentation.courses(system, [HEALTH])[HEALTH]
    return dg.MaterializeResult(
        metadata={
            **rows,
            **course,
            "status": health.status,
            "seconds": health.duration_seconds,
            "figures": len(measured.measurements),
            "checks": presentation.table(
                [
                    {"part": name, "is_well": bool(check), "detail": check.detail}
                    for name, check in health.checks.items().items()
                ]
            ),
            "measured": presentation.table([asdict(one) for one in measured.measurements]),
        }
    )
