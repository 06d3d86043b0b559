"""IOC Analytics: anonymized Big Five assessments, from operational files to exact, private figures.

The library's door: the names below and nothing else. The pure rooms have doors of their own
(``ioc_analytics.statistics``, ``ioc_analytics.privacy``), and so have the Dagster resources
(``ioc_analytics.resources``).

The names are imported when they are first asked for: a pipeline that only wants a statistic, or the
help of a command, does not wait a second for the whole platform.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ioc_analytics.kernel.errors import AnalyticsError
    from ioc_analytics.kernel.settings import AnalyticsConfig
    from ioc_analytics.privacy.pipeline import AnonymizationPipeline
    from ioc_analytics.records.filters import Filter, TimeRange
    from ioc_analytics.system import AnalyticsSystem, create_analytics_system

__all__ = [
    "AnalyticsConfig",
    "AnalyticsError",
    "AnalyticsSystem",
    "AnonymizationPipeline",
    "Filter",
    "TimeRange",
    "create_analytics_system",
]

_HOMES = {
    "AnalyticsConfig": "kernel.settings",
    "AnalyticsError": "kernel.errors",
    "AnalyticsSystem": "system",
    "AnonymizationPipeline": "privacy.pipeline",
    "Filter": "records.filters",
    "TimeRange": "records.filters",
    "create_analytics_system": "system",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
