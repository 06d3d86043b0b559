"""Dagster resources that other pipelines import: thin shells over the platform.

For: this platform's orchestration and any other code location. Not for: assets or schedules
(``orchestration``); importing this starts nothing and reads no environment.
"""

from typing import TYPE_CHECKING, Any

from ioc_analytics.resources.analytics import AnalyticsResource

if TYPE_CHECKING:
    from ioc_analytics.resources.postgres import PostgresIOManager

__all__ = ["AnalyticsResource", "PostgresIOManager"]


def __getattr__(name: str) -> Any:
    # Who does not use it, such as this platform's own definitions, does not wait for pandas.
    if name == "PostgresIOManager":
        from ioc_analytics.resources.postgres import PostgresIOManager

        return PostgresIOManager
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
