"""Relations: rows that stay in the database until somebody asks for them.

For: whoever reads a table through the I/O manager, or publishes the outcome of a SELECT. Not for:
analysts' questions (``query``), which go under a role of their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from ioc_analytics.database.publishing.slices import Slice, condition
from ioc_analytics.database.publishing.tables import Connection, check_column, column_types


@dataclass(frozen=True, slots=True)
class Relation:
    """A SELECT that stays in the database: its rows never come to Python."""

    query: sql.SQL | sql.Composed
    """The statement, without a semicolon at its end."""

    parameters: Mapping[str, Any] | None = None
    """Values of its ``%(name)s`` placeholders; None when it has none, and ``%`` is then plain."""


def relation(
    connection: Connection,
    schema: str,
    table: str,
    piece: Slice | None = None,
    columns: Sequence[str] = (),
) -> Relation:
    """Return the rows of a table, or of a slice of it, as a relation.

    It has no parameters, so that it can stand inside another query, whatever that one has.

    Raises:
        InvalidInput: The table or a column does not exist.
    """
    types = column_types(connection, schema, table)
    for column in columns:
        check_column(f"{schema}.{table}", column, types)
    names = sql.SQL(", ").join(sql.Identifier("t", name) for name in columns or types)
    query = sql.SQL("SELECT {} FROM {} AS t").format(names, sql.Identifier(schema, table))
    if piece is not None:
        query = sql.SQL("{} WHERE {}").format(query, condition(piece, types))
    return Relation(query)
