"""Custom SQL: one statement, read-only by privilege, within a time and row limit.

For: the facade's ``query``. Not for: the platform's own statements (named queries).

The login of these queries (``ioc_query``; ``ioc_reader`` for readers) may SELECT from
``analytics`` and nothing else, and is a member of nothing: whatever a statement switches off from
inside, there is nothing to gain. The read-only transaction only gives the clearer message.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from ioc_analytics.kernel.errors import InvalidInput, PrivacyRefusal
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.records.answers import QueryResult, to_json

MAX_ROWS: Final = 100_000
"""Rows returned unless the caller says otherwise."""

MAX_STATEMENT_BYTES: Final = 100_000

_OPTION_TYPES: Final[Mapping[str, Any]] = {
    "timeout_seconds": (int, float),
    "max_rows": int,
    "use_cache": bool,
    "access": str,
}
_OPTIONS: Final = tuple(_OPTION_TYPES)


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
        values = dict(options or {})
        for name in values:
            if name not in _OPTIONS:
                raise InvalidInput(
                    f"unknown query option {name!r}{did_you_mean(name, _OPTIONS)}; "
                    f"options are {', '.join(_OPTIONS)}"
                )
        for name, kinds in _OPTION_TYPES.items():
            value = values.get(name)
            if value is not None and (
                not isinstance(value, kinds) or isinstance(value, bool) != (kinds is bool)
            ):
                raise InvalidInput(f"query option {name} has the wrong type: {value!r}")
        parsed = cls(**values)
        if parsed.access not in ("read", "ml"):
            raise InvalidInput(f"access is 'read' or 'ml', found {parsed.access!r}")
        if parsed.max_rows < 1:
            raise InvalidInput(f"max_rows is at least 1, found {parsed.max_rows}")
        if parsed.timeout_seconds is not None and not 0 < parsed.timeout_seconds <= 86_400:
            raise InvalidInput(
                f"timeout_seconds lies between 0 and 86400, found {parsed.timeout_seconds}"
            )
        return parsed


def execute(
    connection: psycopg.Connection[Any],
    statement: str,
    parameters: Sequence[Any],
    options: QueryOptions,
) -> QueryResult:
    """Run one statement with ``$1`` placeholders and return its rows.

    Args:
        connection: A connection of the login that the query may use.
        statement: One SQL statement.
        parameters: Values of ``$1``, ``$2`` ...; dicts and lists of dicts become JSON.
        options: Limits.

    Raises:
        InvalidInput: A syntax error (with its place), several statements, wrong parameters, or
            the time limit.
        PrivacyRefusal: The login may not do what the statement asks.
    """
    _check_statement(statement)
    started = time.monotonic()
    values = [_adapt(value) for value in parameters]
    reads = options.access == "read"
    # A read is rolled back: what it set for the session must not meet the next user of this
    # connection.
    with _left_clean(connection), connection.transaction(force_rollback=reads):
        if reads:
            connection.execute("SET TRANSACTION READ ONLY")
        if options.timeout_seconds is not None:
            # SET takes no parameters; the value is a number that was checked.
            connection.execute(
                "SELECT set_config('statement_timeout', %s, true)",
                (str(max(1, int(options.timeout_seconds * 1000))),),
            )
        with psycopg.RawCursor(connection, row_factory=dict_row) as cursor:
            try:
                rows = _fetch(cursor, statement, values, options)
            except psycopg.errors.SyntaxError as error:
                raise InvalidInput(_describe(error, statement)) from error
            except psycopg.errors.ReadOnlySqlTransaction as error:
                raise PrivacyRefusal(
                    f"queries only read: {error.diag.message_primary}; predictions are stored "
                    "with the option access='ml'"
                ) from error
            except psycopg.ProgrammingError as error:
                if error.sqlstate is not None:
                    raise
                raise InvalidInput(
                    "the statement returns no rows; `query` takes one that does, such as SELECT"
                ) from error
            except psycopg.errors.QueryCanceled as error:
                limit = options.timeout_seconds
                if limit is None:
                    raise
                raise InvalidInput(
                    f"the statement ran into its time limit of {limit:g} s and was cancelled: "
                    "ask for less, or raise timeout_seconds"
                ) from error
            columns = _columns(cursor, statement)
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise InvalidInput(
            f"several columns are called {repeated[0]!r}, and a row can hold one of them; "
            "name them apart with AS"
        )
    return QueryResult(
        columns=columns,
        data=rows[: options.max_rows],
        truncated=len(rows) > options.max_rows,
        duration_seconds=time.monotonic() - started,
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


def _fetch(
    cursor: psycopg.RawCursor[dict[str, Any]],
    statement: str,
    values: Sequence[Any],
    options: QueryOptions,
) -> list[dict[str, Any]]:
    # Both ways use the extended protocol, which takes a single statement whatever is in the text.
    if options.access == "read":
        # Streamed: what is beyond the limit stays on the server.
        rows = cursor.stream(statement.encode(), values or None)
        return list(islice(rows, options.max_rows + 1))
    cursor.execute(statement.encode(), values or None, prepare=True)
    return cursor.fetchmany(options.max_rows + 1) if cursor.description else []


def _columns(cursor: psycopg.RawCursor[Any], statement: str) -> tuple[str, ...]:
    if cursor.description:
        return tuple(column.name for column in cursor.description)
    # A stream without rows tells no columns.
    server = cursor.connection.pgconn
    server.prepare(b"", statement.encode())
    described = server.describe_prepared(b"")
    return tuple((described.fname(at) or b"").decode() for at in range(described.nfields))


def statement_digest(statement: str) -> str:
    """Return the SHA-256 of a statement, for the audit log."""
    return hashlib.sha256(statement.encode()).hexdigest()


def parameters_digest(parameters: Sequence[Any]) -> str:
    """Return the SHA-256 of parameters: the audit log keeps no values."""
    return hashlib.sha256(json.dumps(to_json(list(parameters))).encode()).hexdigest()


def _check_statement(statement: str) -> None:
    size = len(statement.encode())
    if size > MAX_STATEMENT_BYTES:
        raise InvalidInput(
            f"the statement has {size:,} bytes, at most {MAX_STATEMENT_BYTES:,} are taken; "
            "pass long lists as array parameters"
        )
    if not statement.strip():
        raise InvalidInput("the statement is empty")


def _adapt(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Jsonb(to_json(value))
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        return Jsonb(to_json(value))
    return value


def _describe(error: psycopg.Error, statement: str) -> str:
    said = error.diag.message_primary or "syntax error"
    if "multiple commands" in said:
        return "several statements were given; `query` takes one"
    place = error.diag.statement_position
    if not place:
        return f"PostgreSQL refused the statement: {said}"
    before = statement[: int(place) - 1]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return f"{said} (line {line}, column {column})"
