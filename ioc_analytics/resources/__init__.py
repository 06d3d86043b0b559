"""Dagster resources that other pipelines import: thin shells over the platform.

For: this platform's orchestration and any other code location. Not for: assets or schedules
(``orchestration``); importing this starts nothing and reads no environment.
"""

import importlib
from typing import TYPE_CHECKING, Any

from ioc_analytics.resources.analytics import AnalyticsResource

if TYPE_CHECKING:
    from ioc_analytics.resources.postgres import PostgresIOManager
    from ioc_analytics.resources.publications import publication_checks

__all__ = ["AnalyticsResource", "PostgresIOManager", "publication_checks"]

# Who does not use these, such as this platform's own definitions, does not wait for pandas.
_LATER = {"PostgresIOManager": "postgres", "publication_checks": "publications"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
