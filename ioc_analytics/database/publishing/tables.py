"""Tables as the catalogue has them: which columns and keys there are, and what they are called.

For: the other modules of this package. Not for: making tables; migrations do.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean

Connection = psycopg.Connection[Any]


def column_types(connection: Connection, schema: str, table: str) -> dict[str, str]:
    """Return the columns of a table or view and their types, in their order.

    Raises:
        InvalidInput: There is no such table.
    """
    place = {"schema": schema, "table": table}
    rows = connection.execute(sqlfiles.query("publishing/columns"), place).fetchall()
    if not rows:
        known = connection.execute(sqlfiles.query("publishing/tables"), place).fetchall()
        raise InvalidInput(
            f"table {schema}.{table} does not exist"
            f"{did_you_mean(table, [name for (name,) in known])}. Tables are made by migrations, "
            "never by publishing: make it, or name another one in the asset's metadata"
        )
    return dict(rows)


def primary_key(connection: Connection, schema: str, table: str) -> tuple[str, ...]:
    """Return the columns of a table's primary key, in their order.

    Raises:
        InvalidInput: It has none.
    """
    place = {"schema": schema, "table": table}
    rows = connection.execute(sqlfiles.query("publishing/primary_key"), place).fetchall()
    if not rows:
        raise InvalidInput(
            f"{schema}.{table} has no primary key: name the columns of the key to upsert by"
        )
    return tuple(name for (name,) in rows)


def check_column(table: str, column: str, columns: Mapping[str, str] | Iterable[str]) -> None:
    """Refuse a column that a table does not have.

    Raises:
        InvalidInput: It has none of that name.
    """
    known = list(columns)
    if column not in known:
        raise InvalidInput(
            f"{table} has no column {column!r}{did_you_mean(column, known)}; "
            f"it has {', '.join(known)}"
        )
