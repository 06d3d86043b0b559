"""Dagster resources that other pipelines import: thin shells over the platform.

For: this platform's orchestration and any other code location. Not for: assets or schedules
(``orchestration``); importing this starts nothing and reads no environment.
"""

import importlib
from typing import TYPE_CHECKING, Any

from ioc_analytics.resources.analytics import AnalyticsResource
from ioc_analytics.resources.failures import RETRY, failures

if TYPE_CHECKING:
    from ioc_analytics.database.publishing import Relation
    from ioc_analytics.resources.postgres import PostgresIOManager
    from ioc_analytics.resources.publications import publication_checks

__all__ = [
    "RETRY",
    "AnalyticsResource",
    "PostgresIOManager",
    "Relation",
    "failures",
    "publication_checks",
]

# Who does not use these, such as this platform's own definitions, does not wait for pandas.
_LATER = {
    "PostgresIOManager": "ioc_analytics.resources.postgres",
    "Relation": "ioc_analytics.database.publishing",
    "publication_checks": "ioc_analytics.resources.publications",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)
