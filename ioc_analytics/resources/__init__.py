"""Dagster resources that other pipelines import: thin shells over the platform.

For: this platform's orchestration and any other code location. Not for: assets or schedules
(``orchestration``); importing this starts nothing and reads no environment.
"""

from ioc_analytics.database.publishing import Relation
from ioc_analytics.resources.analytics import AnalyticsResource
from ioc_analytics.resources.failures import RETRY, failures
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
