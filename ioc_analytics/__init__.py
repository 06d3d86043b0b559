"""IOC Analytics: anonymized Big Five assessments, from operational files to exact, private figures.

The library's door: the names below and nothing else. The pure rooms have doors of their own
(``ioc_analytics.statistics``, ``ioc_analytics.privacy``), and so have the Dagster resources
(``ioc_analytics.resources``).
"""

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
