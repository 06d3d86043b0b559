"""Custom SQL: one statement, read-only by privilege, within a time and row limit.

For: the facade's ``query``. Not for: the platform's own statements (named queries), results too
large for memory (``query.streaming``) or files (``query.export``).

The login of these queries (``ioc_query``; ``ioc_reader`` for readers) may SELECT from
``analytics`` and nothing else, and is a member of nothing: whatever a statement switches off from
inside, there is nothing to gain. The read-only transaction only gives the clearer message.
"""

import hashlib
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, cast

import psycopg
from psycopg.rows import Row, dict_row

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.query.cache import AnswerCache, CacheKey
from ioc_analytics.query.counters import QueryCounters
from ioc_analytics.query.statements import adapt, check_statement, describe, errors_in_words
from ioc_analytics.query.versions import read_sources, read_versions
from ioc_analytics.records.answers import QueryResult

MAX_ROWS: Final = 100_000
"""Rows returned unless the caller says otherwise."""

_OPTION_TYPES: Final[Mapping[str, Any]] = {
    "timeout_seconds": (int, float),
    "max_rows": int,
    "use_cache": bool,
    "access": str,
}


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """How a query is run."""

    timeout_seconds: float | None = None
    """Time limit of the statement; None: that of the settings."""

    max_rows: int = MAX_ROWS
    """Rows to return at most; ``truncated`` tells whether there were more."""

    use_cache: bool = True
    access: str = "read"
    """``read``, or ``ml`` for storing predictions."""

    @classmethod
    def parse(cls, options: Mapping[str, Any] | None) -> "QueryOptions":
        """Return options given as a mapping.

        Raises:
            InvalidInput: An option is unknown or out of range.
        """
        parsed = cls(**checked_options(options, _OPTION_TYPES, "query"))
        if parsed.access not in ("read", "ml"):
            raise InvalidInput(f"access is 'read' or 'ml', found {parsed.access!r}")
        if parsed.max_rows < 1:
            raise InvalidInput(f"max_rows is at least 1, found {parsed.max_rows}")
        check_timeout(parsed.timeout_seconds)
        return parsed


def checked_options(
    options: Mapping[str, Any] | None, types: Mapping[str, Any], what: str
) -> dict[str, Any]:
    """Return options as keywords; those that are None count as not given.

    Raises:
        InvalidInput: An option is unknown or of the wrong type.
    """
    values = dict(options or {})
    for name, value in values.items():
        if name not in types:
            raise InvalidInput(
                f"unknown {what} option {name!r}{did_you_mean(name, types)}; "
                f"options are {', '.join(types)}"
            )
        kinds = types[name]
        if value is not None and (
            not isinstance(value, kinds) or isinstance(value, bool) != (kinds is bool)
        ):
            raise InvalidInput(f"{what} option {name} has the wrong type: {value!r}")
    return {name: value for name, value in values.items() if value is not None}


def check_timeout(timeout_seconds: float | None) -> None:
    """Refuse a time limit out of range.

    Raises:
        InvalidInput: It is.
    """
    if timeout_seconds is not None and not 0 < timeout_seconds <= 86_400:
        raise InvalidInput(f"timeout_seconds lies between 0 and 86400, found {timeout_seconds}")


def execute(
    connection: psycopg.Connection[Any],
    statement: str,
    parameters: Sequence[Any],
    options: QueryOptions,
    *,
    login: str = "query",
    cache: AnswerCache | None = None,
    counters: QueryCounters | None = None,
) -> QueryResult:
    """Run one statement with ``$1`` placeholders and return its rows.

    Args:
        connection: A connection of the login that the query may use.
        statement: One SQL statement.
        parameters: Values of ``$1``, ``$2`` ...; dicts and lists of dicts become JSON.
        options: Limits.
        login: Name of that login; no answer is given to another one.
        cache: Where answers are kept; None: nowhere.
        counters: Where looks into the cache are counted.

    Raises:
        InvalidInput: A syntax error (with its place), several statements, wrong parameters, or
            the time limit.
        PrivacyRefusal: The login may not do what the statement asks.
    """
    check_statement(statement)
    started = time.monotonic()
    values = adapt(parameters)
    if options.access != "read":
        return _store(connection, statement, values, options, started)
    key = _cache_key(login, statement, values, options)
    if not options.use_cache:
        cache = None
    with reading(connection, statement, values, options.timeout_seconds):
        kept = cache.find(key) if cache is not None else None
        is_hit = kept is not None and kept.versions == read_versions(connection, kept.tables)
        if cache is not None and counters is not None:
            counters.looked_up(is_hit=is_hit)
        if kept is not None and is_hit:
            return QueryResult(
                columns=kept.columns,
                data=kept.unpack(),
                truncated=kept.truncated,
                duration_seconds=time.monotonic() - started,
                from_cache=True,
                data_versions=kept.versions,
            )
        columns = tuple(column.name for column in describe(connection, statement, values))
        sources = read_sources(connection, statement, values) if cache is not None else None
        versions = read_versions(connection, sources.tables) if sources else {}
        # Streamed: what is beyond the limit stays on the server.
        with (
            psycopg.RawCursor(connection, row_factory=dict_row) as cursor,
            streamed(cursor, statement.encode(), values) as stream,
        ):
            rows = list(islice(stream, options.max_rows + 1))
    data, truncated = rows[: options.max_rows], len(rows) > options.max_rows
    is_kept = cache is not None and sources is not None and sources.is_cacheable
    if cache is not None and sources is not None and is_kept:
        cache.keep(
            key, columns, data, truncated=truncated, tables=sources.tables, versions=versions
        )
    return QueryResult(
        columns=columns,
        data=data,
        truncated=truncated,
        duration_seconds=time.monotonic() - started,
        data_versions=versions if is_kept else None,
    )


@contextmanager
def reading(
    connection: psycopg.Connection[Any],
    statement: str,
    values: Sequence[Any],
    timeout_seconds: float | None,
) -> Iterator[None]:
    """Keep one read-only snapshot for a caller's statement; nothing it sets outlives the block."""
    # Rolled back: what the statement set for the session must not meet the next user of this
    # connection.
    with _left_clean(connection), connection.transaction(force_rollback=True):
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        _limit_time(connection, timeout_seconds)
        with errors_in_words(connection, statement, values, timeout_seconds):
            yield


@contextmanager
def streamed(
    cursor: psycopg.RawCursor[Row], statement: bytes, values: Sequence[Any], size: int = 1
) -> Iterator[Iterator[Row]]:
    """Lend the rows of a statement as they arrive; what nobody took is cancelled at the end."""
    rows = cast(Generator[Row, None, None], cursor.stream(statement, values or None, size=size))
    with closing(rows):
        yield rows


def _store(
    connection: psycopg.Connection[Any],
    statement: str,
    values: Sequence[Any],
    options: QueryOptions,
    started: float,
) -> QueryResult:
    with (
        _left_clean(connection),
        connection.transaction(),
        errors_in_words(connection, statement, values, options.timeout_seconds),
    ):
        _limit_time(connection, options.timeout_seconds)
        columns = tuple(column.name for column in describe(connection, statement, values))
        with psycopg.RawCursor(connection, row_factory=dict_row) as cursor:
            # The extended protocol takes a single statement, whatever is in the text.
            cursor.execute(statement.encode(), values or None, prepare=True)
            rows = cursor.fetchmany(options.max_rows + 1) if cursor.description else []
    return QueryResult(
        columns=columns,
        data=rows[: options.max_rows],
        truncated=len(rows) > options.max_rows,
        duration_seconds=time.monotonic() - started,
    )


def _limit_time(connection: psycopg.Connection[Any], timeout_seconds: float | None) -> None:
    if timeout_seconds is not None:
        # SET takes no parameters; the value is a number that was checked.
        connection.execute(
            "SELECT set_config('statement_timeout', %s, true)",
            (str(max(1, int(timeout_seconds * 1000))),),
        )


@contextmanager
def _left_clean(connection: psycopg.Connection[Any]) -> Iterator[None]:
    try:
        yield
    finally:
        if not connection.closed:
            # Locks and settings of the session outlive its transactions.
            with connection.transaction():
                connection.execute("SELECT pg_advisory_unlock_all()")
                connection.execute("RESET ALL")


def _cache_key(
    login: str, statement: str, values: Sequence[Any], options: QueryOptions
) -> CacheKey:
    told_apart = "\x00".join(f"{type(value).__name__} {value!r}" for value in values)
    digest = hashlib.sha256(told_apart.encode(errors="surrogatepass")).hexdigest()
    return CacheKey(login, statement, digest, options.max_rows)
