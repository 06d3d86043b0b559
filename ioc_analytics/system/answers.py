"""The facade: verbs that answer questions about people's assessments."""

from collections.abc import Mapping, Sequence
from typing import Any

from ioc_analytics.insight.comparisons import GroupComparison, compare_groups
from ioc_analytics.insight.item_functioning import (
    ItemFunctioningAnalysis,
    analyze_item_functioning,
)
from ioc_analytics.insight.longitudinal import OceanHistory, ocean_over_time
from ioc_analytics.insight.ocean import OceanAnalysis, analyze_ocean
from ioc_analytics.kernel.errors import PrivacyRefusal
from ioc_analytics.query.execution import (
    QueryOptions,
    execute,
    parameters_digest,
    statement_digest,
)
from ioc_analytics.records.answers import QueryResult
from ioc_analytics.records.filters import TimeRange, parse_filters
from ioc_analytics.system.base import SystemBase


class Answers(SystemBase):
    """Analyses, and SQL of one's own."""

    def get_ocean_analysis(
        self, filters: Any = (), time_range: Any = None, *, reliability_from_rows: bool = False
    ) -> OceanAnalysis:
        """Return distributions, correlations and reliability of the five traits.

        Args:
            filters: ``Filter`` records or the seed's dicts; all must hold.
            time_range: ``TimeRange`` or ``{"start", "end"}``, half-open; None: all time.
            reliability_from_rows: With filters, read reliability from the answers of the rows.

        Raises:
            NotEnoughData: Fewer than two scored responses.
            PrivacyRefusal: The role sees released figures only.
        """
        self.demand_analyst("see exact figures")
        with self.database.connection("analyst") as connection:
            return analyze_ocean(
                connection,
                parse_filters(filters),
                TimeRange.parse(time_range),
                lambda identifier: self.pseudonym("organization", identifier),
                reliability_from_rows=reliability_from_rows,
            )

    def compare_groups(self, by: str, filters: Any = (), time_range: Any = None) -> GroupComparison:
        """Compare the five traits between the categories of a dimension.

        Args:
            by: A dimension, such as ``industry_category`` (or ``industry``), ``gender``.
            filters: ``Filter`` records or the seed's dicts; all must hold.
            time_range: ``TimeRange`` or ``{"start", "end"}``, half-open; None: all time.

        Raises:
            NotEnoughData: No trait has two groups of at least 10 scores that vary.
            PrivacyRefusal: The role sees released figures only.
        """
        self.demand_analyst("see exact figures")
        with self.database.connection("analyst") as connection:
            return compare_groups(
                connection,
                by,
                parse_filters(filters),
                TimeRange.parse(time_range),
                lambda identifier: self.pseudonym("organization", identifier),
            )

    def ocean_over_time(
        self, interval: str = "monthly", filters: Any = (), time_range: Any = None
    ) -> OceanHistory:
        """Return the five traits month by month or quarter by quarter.

        Args:
            interval: ``monthly`` or ``quarterly``.
            filters: ``Filter`` records or the seed's dicts; all must hold.
            time_range: ``TimeRange`` or ``{"start", "end"}``, half-open; None: all time.

        Raises:
            NotEnoughData: No scored response.
            PrivacyRefusal: The role sees released figures only.
        """
        self.demand_analyst("see exact figures")
        with self.database.connection("analyst") as connection:
            return ocean_over_time(
                connection,
                interval,
                parse_filters(filters),
                TimeRange.parse(time_range),
                lambda identifier: self.pseudonym("organization", identifier),
            )

    def analyze_item_functioning(
        self,
        by: str,
        instrument: str,
        reference: str,
        focal: str,
        filters: Any = (),
        time_range: Any = None,
    ) -> ItemFunctioningAnalysis:
        """Compare how two groups of equal trait answer the items of an instrument.

        Args:
            by: A dimension, such as ``gender``.
            instrument: Name of the questionnaire.
            reference: The category that the other one is compared with.
            focal: The category that is looked at.
            filters: ``Filter`` records or the seed's dicts; all must hold.
            time_range: ``TimeRange`` or ``{"start", "end"}``, half-open; None: all time.

        Raises:
            NotEnoughData: No trait has 4 items that 100 people of each group answered in full.
            PrivacyRefusal: The role sees released figures only.
        """
        self.demand_analyst("see exact figures")
        with self.database.connection("analyst") as connection:
            return analyze_item_functioning(
                connection,
                by,
                instrument,
                reference,
                focal,
                parse_filters(filters),
                TimeRange.parse(time_range),
                lambda identifier: self.pseudonym("organization", identifier),
            )

    def query(
        self,
        sql: str,
        params: Sequence[Any] = (),
        options: Mapping[str, Any] | None = None,
    ) -> QueryResult:
        """Run one statement of custom SQL with ``$1`` placeholders.

        Args:
            sql: The statement; tables of the schema ``analytics`` need no prefix.
            params: Values of the placeholders; dicts and lists of dicts become JSON.
            options: ``timeout_seconds``, ``max_rows``, ``use_cache``, ``access`` (read or ml).
        """
        parsed = QueryOptions.parse(options)
        if parsed.access == "ml" and self.role not in ("analyst", "ml"):
            raise PrivacyRefusal(f"the role {self.role!r} has no access 'ml'")
        login = "ml" if parsed.access == "ml" else {"analyst": "query"}.get(self.role, self.role)
        # Noted before it runs: a statement that fails or is refused leaves its trace too, and an
        # INSERT is not reported as failed because its note could not be written.
        with self.database.connection("ingest") as connection:
            self._audit(
                connection,
                "query",
                parsed.access,
                statement=statement_digest(sql),
                parameters=parameters_digest(params),
            )
        with self.database.connection(login) as connection:  # type: ignore[arg-type]
            return execute(connection, sql, params, parsed)
