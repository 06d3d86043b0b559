"""The seed's ``queryInterface``."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ioc_analytics.insight.benchmark_records import Benchmarks
from ioc_analytics.insight.ocean import OceanAnalysis
from ioc_analytics.records.answers import ExportResult, QueryResult
from ioc_analytics.records.health import SystemMetrics

if TYPE_CHECKING:
    from ioc_analytics.insight.report import Report
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

    def execute_aggregation_query(
        self,
        table: str,
        aggregation: Mapping[str, Any],
        options: Mapping[str, Any] | None = None,
    ) -> QueryResult:
        """Aggregate one table; see ``AnalyticsSystem.execute_aggregation_query``."""
        return self._system.execute_aggregation_query(table, aggregation, options)

    def stream(
        self, query: str, params: Sequence[Any] = (), *, timeout_seconds: float | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield a large result as Arrow batches; see ``AnalyticsSystem.stream``."""
        return self._system.stream(query, params, timeout_seconds=timeout_seconds)

    def export_data(
        self,
        query: str,
        params: Sequence[Any] = (),
        format: str = "csv",
        options: Mapping[str, Any] | None = None,
    ) -> ExportResult:
        """Write rows to a file; see ``AnalyticsSystem.export_data``."""
        return self._system.export_data(query, params, format, options)

    def generate_report(self, config: Mapping[str, Any] | None = None) -> "Report":
        """Write a report; see ``AnalyticsSystem.generate_report``."""
        return self._system.generate_report(config)

    def get_ocean_trait_analysis(self, filters: Any = (), time_range: Any = None) -> OceanAnalysis:
        """Return the OCEAN analysis; see ``AnalyticsSystem.get_ocean_analysis``."""
        return self._system.get_ocean_analysis(filters, time_range)

    def get_performance_benchmarks(
        self,
        org_hash: Any = None,
        industry: str | None = None,
        size: str | None = None,
        time_range: Any = None,
    ) -> Benchmarks:
        """Return benchmarks; see ``AnalyticsSystem.get_benchmarks``."""
        return self._system.get_benchmarks(org_hash, industry, size, time_range)

    def get_system_metrics(self) -> SystemMetrics:
        """Return performance, resources and data quality."""
        return self._system.get_system_metrics()
