"""The seed's ``queryInterface``."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ioc_analytics.insight.ocean import OceanAnalysis
from ioc_analytics.records.answers import QueryResult
from ioc_analytics.records.health import SystemMetrics

if TYPE_CHECKING:
    from ioc_analytics.system.facade import AnalyticsSystem


class QueryInterface:
    """The seed's ``queryInterface``: the asking half of the facade."""

    def __init__(self, system: "AnalyticsSystem") -> None:
        self._system = system

    def execute_query(
        self, query: str, params: Sequence[Any] = (), options: Mapping[str, Any] | None = None
    ) -> QueryResult:
        """Run one statement; see ``AnalyticsSystem.query``."""
        return self._system.query(query, params, options)

    def get_ocean_trait_analysis(self, filters: Any = (), time_range: Any = None) -> OceanAnalysis:
        """Return the OCEAN analysis; see ``AnalyticsSystem.get_ocean_analysis``."""
        return self._system.get_ocean_analysis(filters, time_range)

    def get_system_metrics(self) -> SystemMetrics:
        """Return performance, resources and data quality."""
        return self._system.get_system_metrics()
