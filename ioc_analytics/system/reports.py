"""The facade: reports, which bring analyses and the platform's state together."""

from collections.abc import Mapping
from typing import Any

from ioc_analytics.insight.report import Report, ReportConfig, make_report
from ioc_analytics.system.operations import Operations


class Reports(Operations):
    """Reports as files."""

    def generate_report(self, config: Mapping[str, Any] | None = None) -> Report:
        """Write a report to the report folder.

        Args:
            config: ``title``, ``sections`` (distributions, correlations, groups, history, metrics,
                trends, outliers, ai_validation, benchmarks, norms, data_quality), ``filters``,
                ``time_range``, ``format`` (html, markdown or json), ``by`` (dimension of the
                groups), ``interval`` (monthly or quarterly), ``organization`` (for the
                benchmarks), ``filename``.

        Raises:
            InvalidInput: An option, section or format is unknown.
            NotEnoughData: No section has the data it needs.
            PrivacyRefusal: The role sees released figures only.
            ConfigurationError: The report folder cannot be written.
        """
        self.demand_analyst("see exact figures")
        parsed = ReportConfig.parse(config)
        status = self.get_system_status()
        with self.query_counters.request(), self.database.connection("analyst") as connection:
            report = make_report(
                connection,
                parsed,
                status,
                lambda identifier: self.pseudonym("organization", identifier),
                self.config.reports.path,
            )
        with self.database.connection("ingest") as connection:
            self._audit(connection, "reported", report.path.name, row_count=len(report.sections))
        return report
