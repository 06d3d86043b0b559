"""Which tables a statement reads, at which version, and whether it always answers alike.

For: the cache and manifests of exports. Not for: noting changes (triggers do, migration 0011).

Once the server has read a statement, its transaction holds a lock on everything the statement
names, views and what lies behind them included, and on nothing else: PostgreSQL itself tells what
is read. In the same REPEATABLE READ snapshot the versions of those tables are looked up.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from ioc_analytics.kernel import sqlfiles

_TIME_WORDS: Final = frozenset(
    {
        *("now", "today", "yesterday", "tomorrow", "age", "localtime", "localtimestamp"),
        *("current_date", "current_time", "current_timestamp"),
        *("transaction_timestamp", "statement_timestamp"),
    }
)
_OTHER_WORDS: Final = frozenset(
    {"tablesample", "current_setting", "txid_current_snapshot", "txid_current_if_assigned", "u"}
)
"""Samples, settings, and ``U&``, under which a name could hide."""

_PREFIXES: Final = ("pg_", "inet_", "has_", "to_reg")
_READING_STATEMENTS: Final = re.compile(r"[\s(]*(select|with|values|table)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sources:
    """What a statement reads."""

    tables: tuple[str, ...]
    """Tables and views, with their schema, in the order of their names."""

    is_cacheable: bool
    """Whether every change of them is noted, and the statement depends on nothing else."""


def read_sources(
    connection: psycopg.Connection[Any], statement: str, values: Sequence[Any]
) -> Sources:
    """Return what a statement reads; the transaction must have had it described just now."""
    locked = [oid for (oid,) in connection.execute(sqlfiles.query("query/own_locks"))]
    rows = connection.execute(sqlfiles.query("query/relations"), {"relations": locked}).fetchall()
    texts = [statement, *(definition for _, _, definition in rows if definition)]
    return Sources(
        tables=tuple(name for name, _, _ in rows),
        is_cacheable=all(is_tracked for _, is_tracked, _ in rows)
        and _READING_STATEMENTS.match(statement) is not None
        and not any(_names_a_moment(value) for value in values)
        and all(_is_stable(connection, text) for text in texts),
    )


def read_versions(connection: psycopg.Connection[Any], tables: Sequence[str]) -> Mapping[str, str]:
    """Return the version of each table's content in the snapshot of the transaction."""
    rows = connection.execute(sqlfiles.query("query/data_versions"), {"tables": list(tables)})
    return dict(rows.fetchall())


def _is_stable(connection: psycopg.Connection[Any], text: str) -> bool:
    """Return whether a text cannot but answer alike on the same data.

    Every word counts as the name of a function that it might be, also within texts and comments:
    a statement too many that is not cached costs time, one too few would cost the truth.
    """
    if "\\" in text:
        return False
    words = set(re.findall(r"[a-z_][a-z0-9_$]*", text.lower()))
    if words & (_TIME_WORDS | _OTHER_WORDS) or any(word.startswith(_PREFIXES) for word in words):
        return False
    found = connection.execute(
        sqlfiles.query("query/volatile_words"), {"words": sorted(words)}
    ).fetchone()
    return found is None


def _names_a_moment(value: Any) -> bool:
    """Return whether a text could be read as a moment that moves, such as ``yesterday``."""
    if isinstance(value, list | tuple):
        return any(_names_a_moment(item) for item in value)
    return isinstance(value, str) and any(word in value.lower() for word in _TIME_WORDS)
