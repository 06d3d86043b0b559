"""The I/O manager for tables: frames and relations in and out, a partition at a time.

For: assets whose tables exist already, here and in other code locations; it needs nothing else of
the platform when it is given a ``url``. Not for: making tables (migrations do). What it does is in
``database.publishing``; this reads Dagster's contexts. The guide is ``docs/io-manager.md``.

Metadata of an asset that it understands:

- ``schema``, ``table``: where it is stored; otherwise ``schema_name`` and the key's last part;
- ``partition_expr``: the column that tells the partition of a row, or a column per dimension;
- ``mode``: ``replace`` (the default: the partition's rows, or all), ``append``, ``upsert``;
- ``key``: the columns of the key to upsert by, otherwise the primary key;
- ``contract``: what frames must meet before they are staged, as ``resources.contract`` of a pandera
  schema or model;
- ``checks``: what rows must meet before they are published, by name: a boolean SQL expression for
  each row, or a mapping with the fields of a ``Check``.

An input is loaded as its annotation says: ``pandas.DataFrame``, ``polars.DataFrame``,
``pyarrow.Table``, ``pyarrow.RecordBatchReader`` (in bounded memory) or ``Relation``, which is also
what comes without one; ``AssetIn(metadata={"columns": [...]})`` picks columns.
"""

import importlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Self

import dagster as dg
import pandas as pd
import psycopg
import pyarrow as pa
from pydantic import Field, PrivateAttr

from ioc_analytics.database.pools import Database
from ioc_analytics.database.publishing import (
    Check,
    ChecksBroken,
    Connection,
    Relation,
    Server,
    Target,
    Verdict,
    patiently,
    publish_patiently,
    read_arrow,
    read_batches,
    read_pandas,
    relation,
)
from ioc_analytics.database.publishing.quality import keep_verdicts
from ioc_analytics.kernel.errors import AnalyticsError, InvalidInput
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.resources.failures import failures
from ioc_analytics.resources.publications import (
    definition_metadata,
    materialization_metadata,
    note_verdicts,
)
from ioc_analytics.resources.sharing import borrow, give_back
from ioc_analytics.resources.slices import slice_of

_log = logging.getLogger(__name__)


class PostgresIOManager(dg.ConfigurableIOManager):
    """Publishes what assets return into PostgreSQL tables, and loads it again.

    Example:
        >>> manager = PostgresIOManager(url=dg.EnvVar("MY_DB_URL"), schema_name="mine")
        >>> dg.Definitions(assets=[...], resources={"io_manager": manager})  # doctest: +SKIP
    """

    url: str = Field(
        default="",
        description="Address postgresql://... of the database; empty: the platform's own, as "
        "the settings of the environment say.",
    )
    schema_name: str = Field(default="analytics", description="Schema of tables that name none.")
    max_connections: int = Field(
        default=4, ge=1, description="Connections to `url` at one time, in each process."
    )
    statement_timeout_seconds: int = Field(default=600, description="Limit of one statement.")
    patience_seconds: float = Field(
        default=30, description="How long a publication or load waits for a server that is away."
    )
    settings: dict[str, Any] = Field(
        default_factory=dict, description="The platform's settings over those of the environment."
    )

    _server: Server | None = PrivateAttr(default=None)
    _database: Database | None = PrivateAttr(default=None)
    _streams: ExitStack = PrivateAttr(default_factory=ExitStack)

    @classmethod
    def from_env(cls, schema_name: str = "analytics") -> Self:
        """Return the manager of the platform's own database; works outside Dagster too."""
        return cls(schema_name=schema_name)

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Publish what an asset returned.

        Raises:
            dagster.Failure: It was not published; nothing of it was written.
        """
        with failures():
            if obj is None:
                raise InvalidInput(
                    f"{context.asset_key.to_user_string()} returned None. An asset that writes its "
                    "table itself is annotated `-> None` or `-> dg.MaterializeResult`"
                )
            metadata = definition_metadata(context)
            target = self._target(context, metadata)
            piece = slice_of(context, metadata)
            try:
                published = publish_patiently(
                    self.connection, obj, target, piece, self.patience_seconds
                )
            except ChecksBroken as broken:
                note_verdicts(context, broken.verdicts, is_published=False)
                self._keep(target, broken.verdicts)
                raise
            self._keep(target, published.verdicts)
        note_verdicts(context, published.verdicts, is_published=True)
        shown = materialization_metadata(published, target, is_part=piece is not None)
        if isinstance(obj, Relation):
            shown["query"] = dg.MetadataValue.md(f"```sql\n{obj.query.as_string()}\n```")
        context.add_output_metadata(shown)

    def load_input(self, context: dg.InputContext) -> Any:
        """Load the rows of an upstream asset, of the partitions that this run needs.

        Raises:
            dagster.Failure: The table does not exist or cannot be reached.
        """
        upstream = context.upstream_output
        metadata = definition_metadata(upstream) if upstream else {}
        columns: Sequence[str] = definition_metadata(context).get("columns", ())
        kind = context.dagster_type.typing_type
        with failures():
            schema, table = self._place(context.asset_key, metadata)
            piece = slice_of(context, metadata)

            def load() -> Any:
                with ExitStack() as lent:
                    connection = lent.enter_context(self.connection())
                    rows = relation(connection, schema, table, piece, columns)
                    if kind is pa.RecordBatchReader:
                        return self._stream(read_batches(connection, rows), lent.pop_all())
                    return _loaded(kind, connection, rows)

            return patiently(load, self.patience_seconds)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection: commit at the end of the block, roll back on an error."""
        if self.url:
            if self._server is None:
                self._server = Server(
                    self.url,
                    max_connections=self.max_connections,
                    statement_timeout_seconds=self.statement_timeout_seconds,
                )
            with self._server.connection() as connection:
                yield connection
            return
        if self._database is None:
            self._database = borrow(AnalyticsConfig.load(mapping=self.settings))
        with self._database.connection("ingest") as connection:
            yield connection

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Close, as :meth:`close`."""
        self.close()

    def close(self) -> None:
        """Close the connections; the next use opens them again."""
        self._streams.close()
        if self._database is not None:
            give_back(self._database)
        self._database = self._server = None

    def _stream(self, batches: pa.RecordBatchReader, lent: ExitStack) -> pa.RecordBatchReader:
        """Return batches that give their connection back after the last one, or with the run."""
        self._streams.callback(lent.close)

        def taken() -> Iterator[pa.RecordBatch]:
            with lent:
                yield from batches

        return pa.RecordBatchReader.from_batches(batches.schema, taken())

    def _keep(self, target: Target, verdicts: Sequence[Verdict]) -> None:
        """Note verdicts; what was published stays so, and a refusal is told, where that fails."""
        if not verdicts:
            return
        try:
            with self.connection() as connection:
                keep_verdicts(connection, target.name, verdicts)
        except (AnalyticsError, psycopg.Error) as error:
            _log.warning("the verdicts on %s were not noted: %s", target.name, error)

    def _target(self, context: dg.OutputContext, metadata: Mapping[str, Any]) -> Target:
        schema, table = self._place(context.asset_key, metadata)
        key = metadata.get("key", ())
        checks = metadata.get("checks") or {}
        return Target(
            schema,
            table,
            metadata.get("mode", "replace"),
            (key,) if isinstance(key, str) else tuple(key),
            {name: Check.from_value(name, value) for name, value in checks.items()},
            metadata.get("contract"),
        )

    def _place(self, key: dg.AssetKey, metadata: Mapping[str, Any]) -> tuple[str, str]:
        return metadata.get("schema", self.schema_name), metadata.get("table", key.path[-1])


def _loaded(kind: object, connection: Connection, rows: Relation) -> Any:
    if kind is pd.DataFrame:
        return read_pandas(connection, rows)
    if kind is pa.Table:
        return read_arrow(connection, rows)
    if _is_polars(kind):
        return importlib.import_module("polars").from_arrow(read_arrow(connection, rows))
    return rows


def _is_polars(kind: object) -> bool:
    # Only who has polars can annotate an input with it; the manager does without.
    return isinstance(kind, type) and (kind.__module__.split(".")[0], kind.__name__) == (
        "polars",
        "DataFrame",
    )
