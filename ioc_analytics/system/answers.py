"""The facade: verbs that answer questions about people's assessments."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pandas as pd
import psycopg
import pyarrow as pa

from ioc_analytics.insight.ai_validation import AiValidation, analyze_ai_validation
from ioc_analytics.insight.benchmark_records import Benchmarks
from ioc_analytics.insight.benchmarks import benchmark
from ioc_analytics.insight.careless import SEGMENTS as CARELESS_SEGMENTS
from ioc_analytics.insight.careless import CarelessAnalysis, analyze_careless
from ioc_analytics.insight.careless_flags import CarelessFlags, flag_careless
from ioc_analytics.insight.comparisons import GroupComparison, compare_groups
from ioc_analytics.insight.item_functioning import (
    ItemFunctioningAnalysis,
    analyze_item_functioning,
)
from ioc_analytics.insight.longitudinal import OceanHistory, ocean_over_time
from ioc_analytics.insight.metrics import MetricAnalysis, measure_metric
from ioc_analytics.insight.ocean import OceanAnalysis, analyze_ocean
from ioc_analytics.insight.outliers import Outliers, find_outliers
from ioc_analytics.insight.training import TrainingFrame, gather_training, store_predictions
from ioc_analytics.insight.trends import TrendAnalysis, analyze_trends
from ioc_analytics.kernel.errors import PrivacyRefusal
from ioc_analytics.kernel.settings_values import LoginRole
from ioc_analytics.query.aggregation import build_aggregation
from ioc_analytics.query.execution import QueryOptions, execute
from ioc_analytics.query.export import ExportOptions, check_takes_table, export
from ioc_analytics.query.statements import parameters_digest, statement_digest
from ioc_analytics.query.streaming import stream
from ioc_analytics.records.answers import ExportResult, QueryResult
from ioc_analytics.records.filters import Filter, TimeRange, parse_filters
from ioc_analytics.states.selection import organization_of
from ioc_analytics.system.base import SystemBase

Asked = tuple[psycopg.Connection[Any], tuple[Filter, ...], TimeRange, Callable[[str], UUID]]
"""A connection, conditions, a range, and what gives the pseudonym of an organization's own id."""


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
        asked = self._asking("get_ocean_analysis", filters, time_range, reliability_from_rows)
        with asked as (connection, chosen, times, organization):
            return analyze_ocean(
                connection, chosen, times, organization, reliability_from_rows=reliability_from_rows
            )

    def get_benchmarks(
        self,
        org_hash: Any = None,
        industry: str | None = None,
        size: str | None = None,
        time_range: Any = None,
    ) -> Benchmarks:
        """Compare an organization with its peers; without one, describe the peer group.

        Args:
            org_hash: Pseudonym (UUID) or the organization's own id.
            industry: Sector of the peers; None: the organization's own, or all.
            size: Size band of the peers; None: the organization's own, or all.
            time_range: ``TimeRange`` or ``{"start", "end"}``, half-open; None: all time. With both
                ends, insights say how they moved since the period of the same length before.

        Raises:
            InvalidInput: Unknown industry or size.
            NotEnoughData: The organization has no responses in the range.
            PrivacyRefusal: The role sees released figures only.
        """
        self.demand_analyst("see exact figures")
        own = None
        if org_hash is not None:
            own = UUID(organization_of(org_hash, lambda name: self.pseudonym("organization", name)))
        times = TimeRange.parse(time_range)
        self._note_answer("get_benchmarks", own, industry, size, times.to_dict())
        with self.query_counters.request(), self.database.connection("analyst") as connection:
            return benchmark(
                connection,
                own,
                industry,
                size,
                times,
                maturity_days=self.config.maturity_days,
            )

    def analyze_metric(
        self, metric: str, filters: Any = None, time_range: Any = None
    ) -> MetricAnalysis:
        """Measure one metric with its interval, sample size and design effect.

        Args:
            metric: Such as ``completion_rate``; see ``records.metrics``.
            filters: ``Filter`` records, the seed's dicts, or ``{"industry": "Technology"}``.
            time_range: ``TimeRange`` or ``{"start", "end"}``, half-open; None: all time.

        Raises:
            InvalidInput: Unknown metric or filter; the nearest is named.
            NotEnoughData: Nothing that the metric could be of.
            PrivacyRefusal: The role sees released figures only.
        """
        asked = self._asking("analyze_metric", filters, time_range, metric)
        with asked as (connection, chosen, times, organization):
            return measure_metric(
                connection,
                metric,
                chosen,
                times,
                organization,
                maturity_days=self.config.maturity_days,
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
        asked = self._asking("compare_groups", filters, time_range, by)
        with asked as (connection, chosen, times, organization):
            return compare_groups(connection, by, chosen, times, organization)

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
        asked = self._asking("ocean_over_time", filters, time_range, interval)
        with asked as (connection, chosen, times, organization):
            return ocean_over_time(connection, interval, chosen, times, organization)

    def analyze_trends(
        self, metric: str, time_range: Any = None, interval: str = "daily", filters: Any = ()
    ) -> TrendAnalysis:
        """Return whether a metric rises or falls, its season, jumps and odd periods.

        Args:
            metric: Such as ``completion_rate``, ``response_volume`` or ``openness``.
            time_range: ``TimeRange`` or ``{"start", "end"}``, half-open; None: all time.
            interval: ``daily``, ``weekly``, ``monthly`` or ``quarterly``.
            filters: ``Filter`` records or the seed's dicts; all must hold.

        Raises:
            InvalidInput: Unknown metric, interval or filter, or more than 4,000 periods.
            NotEnoughData: No case in the range; a short series is ``undetermined`` instead.
            PrivacyRefusal: The role sees released figures only.
        """
        asked = self._asking("analyze_trends", filters, time_range, metric, interval)
        with asked as (connection, chosen, times, organization):
            return analyze_trends(
                connection,
                metric,
                chosen,
                times,
                interval,
                organization,
                maturity_days=self.config.maturity_days,
            )

    def analyze_item_functioning(
        self,
        by: str,
        instrument: str,
        reference: str,
        focal: str,
        filters: Any = (),
        time_range: Any = None,
        *,
        method: str = "mantel",
    ) -> ItemFunctioningAnalysis:
        """Compare how two groups of equal trait answer the items of an instrument.

        Args:
            by: A dimension, such as ``gender``.
            instrument: Name of the questionnaire.
            reference: The category that the other one is compared with.
            focal: The category that is looked at.
            filters: ``Filter`` records or the seed's dicts; all must hold.
            time_range: ``TimeRange`` or ``{"start", "end"}``, half-open; None: all time.
            method: ``mantel``, or ``logistic``: ordinal regression, which also finds differences
                that turn around along the trait.

        Raises:
            NotEnoughData: No trait has 4 items that 100 people of each group answered in full.
            PrivacyRefusal: The role sees released figures only.
        """
        compared = (by, instrument, reference, focal, method)
        asked = self._asking("analyze_item_functioning", filters, time_range, *compared)
        with asked as (connection, chosen, times, organization):
            return analyze_item_functioning(
                connection,
                by,
                instrument,
                reference,
                focal,
                chosen,
                times,
                organization,
                method,
            )

    def find_outliers(self, filters: Any = (), time_range: Any = None) -> Outliers:
        """Find responses, and months of industries and regions, that lie far off.

        Args:
            filters: ``Filter`` records or the seed's dicts; all must hold.
            time_range: ``TimeRange`` or ``{"start", "end"}``, half-open; None: all time.

        Raises:
            NotEnoughData: No scored response.
            PrivacyRefusal: The role sees released figures only.
        """
        asked = self._asking("find_outliers", filters, time_range)
        with asked as (connection, chosen, times, organization):
            return find_outliers(connection, chosen, times, organization)

    def analyze_careless(
        self,
        filters: Any = (),
        time_range: Any = None,
        *,
        by: Sequence[str] = CARELESS_SEGMENTS,
    ) -> CarelessAnalysis:
        """Describe careless responding: rates of segments, signs, traits with and without.

        Args:
            filters: ``Filter`` records or the seed's dicts; none on ``is_careless``.
            time_range: ``TimeRange`` or ``{"start", "end"}``, half-open; None: all time.
            by: Groupings whose segments have a rate, such as ``["region", "device_type"]``.

        Raises:
            InvalidInput: An unknown grouping; the nearest one is named.
            NotEnoughData: No scored response.
            PrivacyRefusal: The role sees released figures only.
        """
        asked = self._asking("analyze_careless", filters, time_range, *by)
        with asked as (connection, chosen, times, organization):
            return analyze_careless(connection, chosen, times, organization, by)

    def flag_careless(self, filters: Any = (), time_range: Any = None) -> CarelessFlags:
        """Give every response its signs of careless responding, with a flag for each.

        Args:
            filters: ``Filter`` records or the seed's dicts; all must hold.
            time_range: ``TimeRange`` or ``{"start", "end"}``, half-open; None: all time.

        Raises:
            NotEnoughData: No response with answers.
            PrivacyRefusal: The role sees released figures only.
        """
        asked = self._asking("flag_careless", filters, time_range)
        with asked as (connection, chosen, times, organization):
            return flag_careless(connection, chosen, times, organization)

    def analyze_ai_validation(self, time_range: Any = None) -> AiValidation:
        """Measure how far the AI raters agree, and whether one has left its own ways.

        Args:
            time_range: ``TimeRange`` or ``{"start", "end"}``, half-open; None: all time.

        Raises:
            NotEnoughData: No pair of raters scored 10 responses.
            PrivacyRefusal: The role sees released figures only.
        """
        self.demand_analyst("see exact figures")
        times = TimeRange.parse(time_range)
        self._note_answer("analyze_ai_validation", times.to_dict())
        with self.query_counters.request(), self.database.connection("analyst") as connection:
            return analyze_ai_validation(connection, times)

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
        with self.query_counters.request():
            return self._query(sql, params, QueryOptions.parse(options))

    def execute_aggregation_query(
        self,
        table: str,
        aggregation: Mapping[str, Any],
        options: Mapping[str, Any] | None = None,
    ) -> QueryResult:
        """Aggregate one table, said in names; see ``query.aggregation.build_aggregation``.

        Args:
            table: A table or view of the schema ``analytics``.
            aggregation: ``group_by``, ``measures``, ``filters``, ``order_by``, ``limit``.
            options: As ``query``; ``filters``, ``order_by`` and ``limit`` may stand here too.
        """
        chosen, run = dict(aggregation), dict(options or {})
        chosen |= {k: run.pop(k) for k in ("filters", "order_by", "limit") if k in run}
        with self.database.connection(self._query_login()) as connection:
            built = build_aggregation(connection, table, chosen)
        return self.query(built.statement, built.parameters, run)

    def training_frame(
        self, target: str, cutoff: Any, *, horizon_days: int = 14, window_days: int = 30
    ) -> TrainingFrame:
        """Return features as of one or several cut-offs, and the target after each.

        Args:
            target: ``completion``: is an open response completed within the horizon?
            cutoff: A moment, or a list of them.
            horizon_days: Days after the cut-off within which the target happens.
            window_days: Responses started in so many days before the cut-off.

        Raises:
            NotEnoughData: No response was open at any cut-off.
            PrivacyRefusal: The role sees released figures only.
        """
        login = self._query_login("ml")
        self._note("train", target)
        with self.query_counters.request(), self.database.connection(login) as connection:
            return gather_training(
                connection, target, cutoff, horizon_days=horizon_days, window_days=window_days
            )

    def export_training(
        self,
        target: str,
        cutoff: Any,
        format: str = "parquet",
        options: Mapping[str, Any] | None = None,
        *,
        horizon_days: int = 14,
        window_days: int = 30,
    ) -> ExportResult:
        """Write a training frame to the export folder, with its manifest; see both verbs.

        Args:
            target: As ``training_frame``.
            cutoff: As ``training_frame``.
            format: ``csv``, ``jsonl``, ``parquet`` or ``arrow``.
            options: ``filename``, ``compression`` (gzip or zstd).
            horizon_days: As ``training_frame``.
            window_days: As ``training_frame``.
        """
        parsed = ExportOptions.parse(format, options)
        check_takes_table(parsed)
        gathered = self.training_frame(
            target, cutoff, horizon_days=horizon_days, window_days=window_days
        )
        place = self.config.exports.path / (parsed.filename or parsed.name())
        result = gathered.export(place, format, compression=parsed.compression)
        with self.database.connection("ingest") as connection:
            self._audit(connection, "exported", result.filename, row_count=result.row_count)
        return result

    def store_prediction_results(
        self, results: pd.DataFrame | Iterable[Mapping[str, Any]]
    ) -> tuple[int, ...]:
        """Store predictions in ``predictive_analytics_results`` and return their numbers."""
        login = self._query_login("ml")
        self._note("store", "predictive_analytics_results")
        with self.database.connection(login) as connection:
            return store_predictions(connection, results)

    def stream(
        self, sql: str, params: Sequence[Any] = (), *, timeout_seconds: float | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of one statement as Arrow record batches, in bounded memory."""
        login = self._query_login()
        self._note_question("stream", "read", sql, params)
        with self.query_counters.request(), self.database.connection(login) as connection:
            yield from stream(connection, sql, params, timeout_seconds)

    def export_data(
        self,
        sql: str,
        params: Sequence[Any] = (),
        format: str = "csv",
        options: Mapping[str, Any] | None = None,
    ) -> ExportResult:
        """Write the rows of one statement to a file in the export folder.

        Args:
            sql: The statement.
            params: Values of its placeholders.
            format: ``csv``, ``json``, ``jsonl``, ``parquet``, ``arrow`` or ``xlsx``.
            options: ``filename``, ``include_headers``, ``compression`` (gzip or zstd),
                ``timeout_seconds``.

        Raises:
            InvalidInput: The statement, format or an option is wrong.
            ConfigurationError: The export folder cannot be written.
            IntegrityFailure: The rows written are not the rows counted.
        """
        parsed = ExportOptions.parse(format, options)
        login = self._query_login()
        self._note_question("export", format, sql, params)
        with self.query_counters.request(), self.database.connection(login) as connection:
            result = export(connection, sql, params, parsed, self.config.exports.path)
        with self.database.connection("ingest") as connection:
            self._audit(connection, "exported", result.filename, row_count=result.row_count)
        return result

    @contextmanager
    def _asking(
        self, verb: str, filters: Any, time_range: Any, *parameters: Any
    ) -> Iterator[Asked]:
        """Lend what an exact answer is made with; note who asks, and count the request."""
        self.demand_analyst("see exact figures")
        chosen, times = parse_filters(filters), TimeRange.parse(time_range)
        conditions = [one.to_dict() for one in chosen]
        self._note_answer(verb, conditions, times.to_dict(), *parameters)
        with self.query_counters.request(), self.database.connection("analyst") as connection:
            yield (
                connection,
                chosen,
                times,
                lambda identifier: self.pseudonym("organization", identifier),
            )

    def _query(self, sql: str, params: Sequence[Any], options: QueryOptions) -> QueryResult:
        login = self._query_login(options.access)
        self._note_question("query", options.access, sql, params)
        with self.database.connection(login) as connection:
            return execute(
                connection,
                sql,
                params,
                options,
                login=login,
                cache=self._answer_cache,
                counters=self.query_counters,
            )

    def _query_login(self, access: str = "read") -> LoginRole:
        if access == "ml":
            if self.role not in ("analyst", "ml"):
                raise PrivacyRefusal(f"the role {self.role!r} has no access 'ml'")
            return "ml"
        return "query" if self.role == "analyst" else self.role

    def _note_question(self, action: str, subject: str, sql: str, params: Sequence[Any]) -> None:
        # Noted before it runs: a statement that fails or is refused leaves its trace too, and an
        # INSERT is not reported as failed because its note could not be written.
        with self.database.connection("ingest") as connection:
            self._audit(
                connection,
                action,
                subject,
                statement=statement_digest(sql),
                parameters=parameters_digest(params),
            )
