"""The I/O manager for tables: frames and relations in and out, a partition at a time.

For: assets whose tables exist already, here and in other code locations; it needs nothing else of
the platform when it is given a ``url``. Not for: making tables (migrations do). What it does is in
``database.publish``; this reads Dagster's contexts.

Metadata of an asset that it understands:

- ``schema``, ``table``: where it is stored; otherwise ``schema_name`` and the key's last part;
- ``partition_expr``: the column that tells the partition of a row, or a column per dimension;
- ``mode``: ``replace`` (the default: the partition's rows, or all), ``append``, ``upsert``;
- ``key``: the columns of the key to upsert by, otherwise the primary key;
- ``checks``: boolean SQL expressions by name, which every row must meet before it is published.

An input is loaded as its annotation says: ``pandas.DataFrame``, ``pyarrow.Table`` or ``Relation``,
which is also what comes without one; ``AssetIn(metadata={"columns": [...]})`` picks columns.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

import dagster as dg
import pandas as pd
import pyarrow as pa
from pydantic import Field, PrivateAttr

from ioc_analytics.database.pools import Database
from ioc_analytics.database.publish import (
    Category,
    Connection,
    Part,
    Relation,
    Slice,
    Target,
    TimeWindow,
    connected,
    publish,
    read_arrow,
    relation,
)
from ioc_analytics.kernel.errors import ConfigurationError, InvalidInput
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.resources.failures import failures


class PostgresIOManager(dg.ConfigurableIOManager):
    """Publishes what assets return into PostgreSQL tables, and loads it again.

    Example:
        >>> manager = PostgresIOManager(url=dg.EnvVar("MY_DB_URL"))
        >>> dg.Definitions(assets=[...], resources={"io_manager": manager})  # doctest: +SKIP
    """

    url: str = Field(
        default="",
        description="Address postgresql://... of the database; empty: the platform's own, as "
        "the settings of the environment say.",
    )
    schema_name: str = Field(default="analytics", description="Schema of tables that name none.")
    statement_timeout_seconds: int = Field(default=600, description="Limit of one statement.")
    settings: dict[str, Any] = Field(
        default_factory=dict, description="The platform's settings over those of the environment."
    )

    _database: Database | None = PrivateAttr(default=None)

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
            if not isinstance(obj, pd.DataFrame | pa.Table | Relation):
                raise InvalidInput(
                    f"{context.asset_key.to_user_string()} returned {type(obj).__name__}; tables "
                    "take a pandas.DataFrame, a pyarrow.Table or a Relation. An asset that writes "
                    "its table itself is annotated `-> None` or `-> dg.MaterializeResult`"
                )
            target = self._target(context)
            piece = _slice(context, _metadata(context))
            with self.connection() as connection:
                shown = obj.query.as_string(connection) if isinstance(obj, Relation) else None
                published = publish(connection, obj, target, piece)
        rows = "dagster/partition_row_count" if piece.names else "dagster/row_count"
        context.add_output_metadata(
            {
                rows: published.rows,
                "dagster/table_name": target.name,
                "mode": target.mode,
                "rows_replaced": published.replaced,
                "seconds": published.duration_seconds,
                **({"query": dg.MetadataValue.md(f"```sql\n{shown}\n```")} if shown else {}),
            }
        )

    def load_input(self, context: dg.InputContext) -> Any:
        """Load the rows of an upstream asset, of the partitions that this run needs.

        Raises:
            dagster.Failure: The table does not exist or cannot be reached.
        """
        upstream = context.upstream_output
        metadata = dict((upstream.definition_metadata if upstream else None) or {})
        schema, table = self._place(context.asset_key, metadata)
        columns: Sequence[str] = (context.definition_metadata or {}).get("columns", ())
        with failures(), self.connection() as connection:
            rows = relation(connection, schema, table, _slice(context, metadata), columns)
            match context.dagster_type.typing_type:
                case kind if kind is pd.DataFrame:
                    return read_arrow(connection, rows).to_pandas()
                case kind if kind is pa.Table:
                    return read_arrow(connection, rows)
                case _:
                    return rows

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection: commit at the end of the block, roll back on an error."""
        if self.url:
            with connected(self.url, self.statement_timeout_seconds) as connection:
                yield connection
            return
        if self._database is None:
            self._database = Database(AnalyticsConfig.load(mapping=self.settings))
        with self._database.connection("ingest") as connection:
            yield connection

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Close the connections."""
        if self._database is not None:
            self._database.close()
        self._database = None

    def _target(self, context: dg.OutputContext) -> Target:
        metadata = _metadata(context)
        schema, table = self._place(context.asset_key, metadata)
        key = metadata.get("key", ())
        return Target(
            schema,
            table,
            metadata.get("mode", "replace"),
            (key,) if isinstance(key, str) else tuple(key),
            metadata.get("checks"),
        )

    def _place(self, key: dg.AssetKey, metadata: Mapping[str, Any]) -> tuple[str, str]:
        return metadata.get("schema", self.schema_name), metadata.get("table", key.path[-1])


def _metadata(context: dg.OutputContext) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in (context.definition_metadata or {}).items():
        found[name] = value.value if isinstance(value, dg.MetadataValue) else value
    return found


def _slice(context: dg.OutputContext | dg.InputContext, metadata: Mapping[str, Any]) -> Slice:
    """Return the part of the table that the partitions of a context stand for."""
    if not context.has_asset_partitions:
        return Slice()
    definition = context.asset_partitions_def
    expression = metadata.get("partition_expr")
    if isinstance(expression, dg.MetadataValue):
        expression = expression.value
    if not expression:
        raise ConfigurationError(
            f"{context.asset_key.to_user_string()} is partitioned: name the column that tells the "
            'partition of a row, metadata={"partition_expr": "created_at"}'
        )
    keys = list(context.asset_partition_keys)
    if isinstance(definition, dg.TimeWindowPartitionsDefinition):
        window = context.asset_partitions_time_window
        return Slice(((TimeWindow(expression, window.start, window.end),),), tuple(keys))
    if isinstance(definition, dg.MultiPartitionsDefinition):
        parts = tuple(_part(definition, key, expression) for key in keys)
        return Slice(parts, tuple(keys))
    return Slice(((Category(expression, tuple(keys)),),), tuple(keys))


def _part(definition: dg.MultiPartitionsDefinition, key: str, columns: Mapping[str, str]) -> Part:
    parts: list[TimeWindow | Category] = []
    by_dimension = definition.get_partition_key_from_str(key).keys_by_dimension
    for dimension in definition.partitions_defs:
        value, column = by_dimension[dimension.name], columns[dimension.name]
        inner = dimension.partitions_def
        if isinstance(inner, dg.TimeWindowPartitionsDefinition):
            window = inner.time_window_for_partition_key(value)
            parts.append(TimeWindow(column, window.start, window.end))
        else:
            parts.append(Category(column, (value,)))
    return tuple(parts)
