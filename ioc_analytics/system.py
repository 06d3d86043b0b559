"""THE FACADE: one method per documented verb; owns order and lifetimes, no logic of its own.

For: Python users, the command line, the resources. Not for: doing anything itself: each method
calls one room.
"""

import getpass
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

import psycopg

from ioc_analytics.database.binaries import find_binaries
from ioc_analytics.database.logins import provision
from ioc_analytics.database.pools import Database
from ioc_analytics.files.batches import open_batch
from ioc_analytics.files.instruments import builtin_instruments
from ioc_analytics.files.mappings import load_mapping
from ioc_analytics.ingestion.ingest import IngestOptions, Progress, ingest_batch
from ioc_analytics.ingestion.quarantine import QuarantineEntry, list_entries, read_entry
from ioc_analytics.ingestion.retry import retry_quarantine
from ioc_analytics.ingestion.sources import FileBatch, FrameBatch
from ioc_analytics.ingestion.undo import undo_batch
from ioc_analytics.insight.ocean import OceanAnalysis, analyze_ocean
from ioc_analytics.insight.refresh import refresh, refresh_views
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import ConfigurationError, InvalidInput, PrivacyRefusal
from ioc_analytics.kernel.logs import configure_logging
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.monitoring.integrity import Finding, examine
from ioc_analytics.monitoring.status import read_status
from ioc_analytics.privacy.keys import load_pseudonymizer
from ioc_analytics.privacy.pseudonyms import Pseudonymizer
from ioc_analytics.query.execution import (
    QueryOptions,
    execute,
    parameters_digest,
    statement_digest,
)
from ioc_analytics.records.answers import QueryResult, RefreshReceipt, SystemStatus
from ioc_analytics.records.filters import TimeRange, parse_filters
from ioc_analytics.records.receipts import IngestReceipt, UndoReceipt, combine
from ioc_analytics.schema.catalogues import register_categories, register_instruments
from ioc_analytics.schema.dump import dump_schema
from ioc_analytics.schema.migrations import (
    Applied,
    MigrationPlan,
    find_drift,
    folder_scripts,
    migrate,
    plan,
    read_history,
)
from ioc_analytics.schema.partitions import premake_partitions
from ioc_analytics.states.rebuild import touched_months
from ioc_analytics.states.sealing import MINIMUM_CELL, seal_month

READERS: Final = ("analyst", "reader", "ml", "auditor")
"""Roles under which the system can be asked; exact figures are for the analyst."""


class AnalyticsSystem:
    """The analytics platform of one installation.

    Example:
        >>> with AnalyticsSystem(config) as analytics:  # doctest: +SKIP
        ...     analytics.initialize()
        ...     analytics.ingest_files("export.csv", mapping="mapping.toml")
        ...     analytics.get_ocean_analysis().traits[0].average
    """

    def __init__(self, config: AnalyticsConfig, *, role: str = "analyst") -> None:
        """Keep the settings; nothing is opened before the first use.

        Args:
            config: The settings.
            role: ``analyst`` sees exact figures, ``reader`` released ones only.
        """
        if role not in READERS:
            raise ConfigurationError(
                f"unknown role {role!r}{did_you_mean(role, READERS)}; "
                f"roles are {', '.join(READERS)}"
            )
        self.config = config
        self.role = role
        self.database = Database(config)
        self.query_interface = QueryInterface(self)
        self.database_manager = DatabaseManager(self)

    # -- lifetime ------------------------------------------------------------------------

    def initialize(self) -> None:
        """Bring the server up, make database, logins and schema; safe to repeat."""
        configure_logging(self.config)
        self.database.open()
        provision(self.config)
        self.database_manager.run_migrations()
        with self.database.connection("ingest") as connection:
            register_categories(connection)
            register_instruments(connection, builtin_instruments().values())
            premake_partitions(connection, utc_now().date(), self.config.retention_days)

    def close(self) -> None:
        """Close all connections; the embedded server stops when nobody else uses it."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- data in -------------------------------------------------------------------------

    def ingest_data(self, data: Mapping[str, Any]) -> IngestReceipt:
        """Take anonymised frames in: see ``FrameBatch`` for what is accepted.

        Raises:
            PrivacyRefusal: Something in the frames identifies somebody.
        """
        self.demand_analyst("take data in")
        batch = FrameBatch(data, self.config.operations.batch_size)
        return ingest_batch(self.database, self.config, batch, IngestOptions(key_id=batch.key_id))

    def ingest_files(
        self,
        *paths: str | Path,
        mapping: str | Path | None = None,
        replace: bool = False,
        check: bool = False,
        progress: Progress | None = None,
        run_id: str | None = None,
    ) -> IngestReceipt:
        """Take operational files in, pseudonymised on the way; each path is a batch.

        Args:
            paths: Files or folders.
            mapping: TOML mapping of a wide export.
            replace: Let records of the same version with other content replace what is stored.
            check: Judge, and write nothing.
            progress: Called with the name of the batch and the records judged so far.
            run_id: Dagster run that asks for it.

        Returns:
            One receipt; over several paths, ``.batches`` has the single ones.
        """
        self.demand_analyst("take files in")
        if not paths:
            raise InvalidInput("no file was given; name a file or folder to ingest")
        pseudonymizer = self._pseudonymizer()
        options = IngestOptions(
            is_check=check,
            allows_replacing=replace,
            key_id=pseudonymizer.key_id,
            run_id=run_id,
            progress=progress,
        )
        shape = None if mapping is None else load_mapping(Path(mapping))
        receipts = []
        for path in paths:
            batch = open_batch(
                Path(path),
                mapping=shape,
                limits=self.config.limits,
                batch_size=self.config.operations.batch_size,
            )
            receipts.append(
                ingest_batch(self.database, self.config, FileBatch(batch, pseudonymizer), options)
            )
        return combine(tuple(receipts))

    def undo_batch(self, batch_id: int) -> UndoReceipt:
        """Take a batch out again."""
        self.demand_analyst("undo a batch")
        with self.database.connection("ingest") as connection:
            receipt = undo_batch(connection, self.database, self.config, batch_id)
            self._audit(connection, "undo", f"batch {batch_id}")
        return receipt

    def list_quarantine(
        self,
        *,
        batch_id: int | None = None,
        rule: str | None = None,
        status: str = "waiting",
        limit: int = 100,
    ) -> list[QuarantineEntry]:
        """Return records put aside, newest first."""
        self.demand_analyst("see the quarantine")
        with self.database.connection("analyst") as connection:
            return list_entries(
                connection, batch_id=batch_id, rule=rule, status=status, limit=limit
            )

    def show_quarantine(self, number: int) -> QuarantineEntry:
        """Return one record put aside, with its pseudonymised content."""
        self.demand_analyst("see the quarantine")
        with self.database.connection("analyst") as connection:
            return read_entry(connection, number)

    def retry_quarantine(
        self, *, batch_id: int | None = None, ids: Sequence[int] | None = None
    ) -> IngestReceipt:
        """Judge records in quarantine again, from what is stored of them."""
        self.demand_analyst("judge the quarantine again")
        return retry_quarantine(self.database, self.config, batch_id=batch_id, ids=ids)

    def pseudonym(self, kind: str, identifier: str) -> UUID:
        """Return the pseudonym of an organization, assessment, response or respondent."""
        self.demand_analyst("make pseudonyms")
        return self._pseudonymizer().one(kind, identifier)

    # -- states and released tables ------------------------------------------------------

    def refresh(
        self,
        periods: Iterable[date] | None = None,
        *,
        with_views: bool = True,
        progress: Callable[[date], None] | None = None,
    ) -> RefreshReceipt:
        """Bring touched states, released tables and views up to date.

        Args:
            periods: Months to look at (any day of each); None: all with touched days.
            with_views: Refresh the materialized views afterwards.
            progress: Called after each month.
        """
        self.demand_analyst("refresh states")
        return refresh(
            self.database, self.config, periods, with_views=with_views, progress=progress
        )

    def rebuild(
        self,
        periods: Iterable[date] | None = None,
        *,
        with_views: bool = True,
        progress: Callable[[date], None] | None = None,
    ) -> RefreshReceipt:
        """Count whole months again from rows, touched or not; None: every month with rows."""
        self.demand_analyst("rebuild states")
        return refresh(
            self.database,
            self.config,
            periods,
            whole=True,
            with_views=with_views,
            progress=progress,
        )

    def touched_months(self) -> list[date]:
        """Return the first days of the months whose states are behind their rows, ascending."""
        with self.database.connection("ingest") as connection:
            return touched_months(connection)

    def check_integrity(self, name: str) -> Finding:
        """Compare what is stored with what must hold of it; see ``monitoring.integrity``.

        Args:
            name: One of ``monitoring.integrity.PROMISES``.
        """
        self.demand_analyst("compare records")
        with self.database.connection("ingest") as connection:
            return examine(connection, name)

    def seal_month(self, month: date, minimum_cell: int = MINIMUM_CELL) -> int:
        """Seal the states of a month, so that its rows may go; return its scored responses."""
        self.demand_analyst("seal a month")
        with self.database.connection("ingest") as connection:
            responses = seal_month(connection, month.replace(day=1), minimum_cell)
            self._audit(connection, "seal", f"{month:%Y-%m}", row_count=responses)
        return responses

    def refresh_views(self) -> tuple[str, ...]:
        """Refresh the materialized views, without locking readers out."""
        self.demand_analyst("refresh views")
        return refresh_views(self.database)

    # -- answers -------------------------------------------------------------------------

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

    def get_system_status(self) -> SystemStatus:
        """Return what the platform holds and how fresh it is."""
        with self.database.connection("analyst") as connection:
            return read_status(connection)

    # -- helpers of the methods above ----------------------------------------------------

    def demand_analyst(self, what: str) -> None:
        """Refuse what only the analyst may do.

        Raises:
            PrivacyRefusal: The role sees released figures only.
        """
        if self.role != "analyst":
            raise PrivacyRefusal(
                f"the role {self.role!r} may not {what}; query the released tables and views "
                "(ocean_trait_distributions, mv_monthly_ocean_distributions), or ask an analyst"
            )

    def _pseudonymizer(self) -> Pseudonymizer:
        return load_pseudonymizer(self.config)

    def _audit(
        self,
        connection: psycopg.Connection[Any],
        action: str,
        subject: str,
        *,
        statement: str | None = None,
        parameters: str | None = None,
        row_count: int | None = None,
    ) -> None:
        connection.execute(
            sqlfiles.query("system/audit"),
            {
                "actor": _account(),
                "role": self.role,
                "action": action,
                "object": subject,
                "statement_digest": statement,
                "parameters_digest": parameters,
                "row_count": row_count,
            },
        )


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's number may have no name.
        return f"uid {os.getuid()}"


class QueryInterface:
    """The seed's ``queryInterface``: the asking half of the facade."""

    def __init__(self, system: AnalyticsSystem) -> None:
        self._system = system

    def execute_query(
        self, query: str, params: Sequence[Any] = (), options: Mapping[str, Any] | None = None
    ) -> QueryResult:
        """Run one statement; see ``AnalyticsSystem.query``."""
        return self._system.query(query, params, options)

    def get_ocean_trait_analysis(self, filters: Any = (), time_range: Any = None) -> OceanAnalysis:
        """Return the OCEAN analysis; see ``AnalyticsSystem.get_ocean_analysis``."""
        return self._system.get_ocean_analysis(filters, time_range)


class DatabaseManager:
    """The seed's ``databaseManager``: the operating half of the facade."""

    def __init__(self, system: AnalyticsSystem) -> None:
        self._system = system

    def run_migrations(self, path: str | Path | None = None) -> list[str]:
        """Apply pending migrations and return their names.

        Args:
            path: A folder of plain SQL of the user's own, kept in a history of its own; None: the
                platform's migrations.
        """
        if path is not None:
            self._system.demand_analyst("run migrations of their own")
        scripts = None if path is None else folder_scripts(Path(path))
        with self._system.database.connection("owner") as connection:
            connection.rollback()
            connection.autocommit = True
            try:
                return migrate(connection, scripts)
            finally:
                connection.autocommit = False

    def plan_migrations(self, path: str | Path | None = None) -> MigrationPlan:
        """Return what ``run_migrations`` would apply."""
        scripts = None if path is None else folder_scripts(Path(path))
        with self._system.database.connection("owner") as connection:
            return plan(connection, scripts)

    def find_drift(self) -> list[str]:
        """Return what differs from the schema that the last migration left."""
        with self._system.database.connection("owner") as connection:
            return find_drift(connection)

    def dump_schema(self) -> str:
        """Return the schema as SQL, without rows, owners and partitions."""
        config = self._system.config
        database = self._system.database.open()
        return dump_schema(database.conninfo("owner"), find_binaries(config.pg_bin).folder)

    def get_migration_history(self) -> list[Applied]:
        """Return everything that was applied, oldest first."""
        with self._system.database.connection("owner") as connection:
            return read_history(connection)


def create_analytics_system(
    config: AnalyticsConfig | Mapping[str, Any] | None = None,
    *,
    role: str = "analyst",
    **overrides: Any,
) -> AnalyticsSystem:
    """Return the analytics system; nothing is opened before its first use.

    Args:
        config: The settings, or a mapping in the seed's shape with snake_case keys; without it, the
            environment decides and the embedded server is used where it names none.
        role: ``analyst`` (exact figures) or ``reader`` (released figures only).
        overrides: Single settings, such as ``debug_mode=True``.

    Raises:
        ConfigurationError: A setting is unknown or wrong.
    """
    if isinstance(config, AnalyticsConfig):
        settings = config.replace(**overrides) if overrides else config
    else:
        settings = AnalyticsConfig.load(mapping=config, **overrides)
    return AnalyticsSystem(settings, role=role)
