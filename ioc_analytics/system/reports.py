"""The facade: reports, which bring analyses and the platform's state together."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from ioc_analytics.system.operations import Operations

if TYPE_CHECKING:
    from ioc_analytics.insight.report import Report
    from ioc_analytics.insight.report_pieces import Section


class Reports(Operations):
    """Reports as files."""

    def generate_report(self, config: Mapping[str, Any] | None = None) -> "Report":
        """Write a report to the report folder.

        Args:
            config: ``title``, ``sections`` (distributions, correlations, groups, history, metrics,
                trends, outliers, ai_validation, benchmarks, norms, data_quality), ``filters``,
                ``time_range``, ``format`` (html, markdown or json), ``by`` (dimension of the
                groups), ``interval`` (monthly or quarterly), ``organization`` (compared
                with its peers), ``filename``.

        Raises:
            InvalidInput: An option, section or format is unknown.
            NotEnoughData: No section has the data it needs.
            PrivacyRefusal: The role sees released figures only.
            ConfigurationError: The report folder cannot be written.
        """
        # Pictures bring 35 MB of libraries, which everybody else's process is spared.
        from ioc_analytics.insight.report import ReportConfig, make_report

        self.demand_analyst("see exact figures")
        parsed = ReportConfig.parse(config)
        self._note_answer("generate_report", dict(config or {}))
        status = self.get_system_status()
        with self.query_counters.request(), self.database.connection("analyst") as connection:
            report = make_report(
                connection,
                parsed,
                status,
                lambda identifier: self.pseudonym("organization", identifier),
                self.config.reports.path,
                maturity_days=self.config.maturity_days,
            )
        with self.database.connection("ingest") as connection:
            self._audit(connection, "reported", report.path.name, row_count=len(report.sections))
        return report

    def show_released(self, table: str, until: date) -> "Section":
        """Return a chart and a few rows of what a released table says about the year before a day.

        Args:
            table: Such as ``ocean_trait_distributions``.
            until: Day after the last one.

        Raises:
            InvalidInput: The table is not one that is shown.
        """
        from ioc_analytics.insight.released_sections import show_released

        with self.database.connection("reader") as connection:
            return show_released(connection, table, until)

    def show_courses(self, tables: Sequence[str]) -> dict[str, tuple[float, ...]]:
        """Return one figure of some released tables and views over their last periods.

        Args:
            tables: Such as ``ocean_trait_distributions``: its scored responses by month.
        """
        from ioc_analytics.insight.released_sections import show_courses

        # No reader sees predictions and health, of which the pages show how many there are.
        with self.database.connection("analyst") as connection:
            return show_courses(connection, tables)
