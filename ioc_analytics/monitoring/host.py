"""The host's own figures: SQL cannot see them.

For: ``monitoring.measure`` and ``monitoring.health``. Not for: the host of a server elsewhere,
whose figures stay unknown.
"""

from collections.abc import Iterable
from pathlib import Path

import psutil

from ioc_analytics.database.embedded import ServerLease
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.records.health import Measurement

_CPU_SAMPLE_SECONDS = 0.02


def measure_host(folders: Iterable[Path]) -> list[Measurement]:
    """Return processors, memory and the fullest disk under some folders."""
    disk = fullest_disk(folders)
    return [
        # Without an interval psutil compares with the call before, of which the first has none.
        Measurement("host", "cpu_usage", psutil.cpu_percent(_CPU_SAMPLE_SECONDS), "percent"),
        Measurement("host", "memory_usage", psutil.virtual_memory().percent, "percent"),
        Measurement("host", "disk_usage", disk[0] if disk else None, "percent"),
        Measurement("host", "disk_free", disk[1] if disk else None, "bytes"),
    ]


def watched_folders(config: AnalyticsConfig, lease: ServerLease | None) -> list[Path]:
    """Return the folders that the platform writes to; each may lie on a disk of its own."""
    optional = (config.backup.log_archive, config.retention.archive, lease and lease.data)
    return [
        config.home,
        config.inbox.path,
        config.backup.folder,
        config.exports.path,
        config.reports.path,
        *(folder for folder in optional if folder),
    ]


def fullest_disk(folders: Iterable[Path]) -> tuple[float, float] | None:
    """Return percent in use and bytes free of the fullest disk; None when none can be seen."""
    found = []
    for folder in folders:
        try:
            usage = psutil.disk_usage(str(folder))
        except OSError:
            continue
        found.append((float(usage.percent), float(usage.free)))
    return max(found, default=None)
