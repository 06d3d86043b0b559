"""A statement of the caller's: its size, parameters, columns, and errors in words.

For: everything that runs custom SQL. Not for: running it (``query.execution``,
``query.streaming``).
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus
from psycopg.types.json import Jsonb

from ioc_analytics.kernel.errors import InvalidInput, PrivacyRefusal
from ioc_analytics.records.answers import to_json

MAX_STATEMENT_BYTES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result."""

    name: str
    type_name: str
    """PostgreSQL's name of its type, such as ``timestamptz`` or ``int4[]``; the number of an
    unknown one."""

    is_array: bool


def statement_digest(statement: str) -> str:
    """Return the SHA-256 of a statement, for the audit log."""
    return hashlib.sha256(statement.encode()).hexdigest()


def parameters_digest(parameters: Sequence[Any]) -> str:
    """Return the SHA-256 of parameters: the audit log keeps no values."""
    return hashlib.sha256(json.dumps(to_json(list(parameters))).encode()).hexdigest()


def check_statement(statement: str) -> None:
    """Refuse a statement that is empty or too long.

    Raises:
        InvalidInput: It is.
    """
    size = len(statement.encode())
    if size > MAX_STATEMENT_BYTES:
        raise InvalidInput(
            f"the statement has {size:,} bytes, at most {MAX_STATEMENT_BYTES:,} are taken; "
            "pass long lists as array parameters"
        )
    if not statement.strip():
        raise InvalidInput("the statement is empty")


def adapt(parameters: Sequence[Any]) -> list[Any]:
    """Return parameters as the driver takes them: dicts and lists of dicts become JSON."""
    return [_adapted(value) for value in parameters]


def describe(
    connection: psycopg.Connection[Any], statement: str, values: Sequence[Any]
) -> tuple[Column, ...]:
    """Have the server read a statement without running it, and return its columns.

    The relations it names are locked for reading from here to the end of the transaction.

    Raises:
        InvalidInput: The values do not fit the placeholders, or columns have the same name.
        psycopg.Error: The server refuses the statement.
    """
    transformer = Transformer(connection)
    for number, value in enumerate(values, start=1):
        try:
            transformer.get_dumper(value, PyFormat.AUTO)
        except psycopg.ProgrammingError as error:
            raise InvalidInput(
                f"parameter ${number} is a {type(value).__name__}, which SQL has no form of"
            ) from error
    transformer.dump_sequence(values, [PyFormat.AUTO] * len(values))
    server = connection.pgconn
    prepared = server.prepare(b"", statement.encode(), transformer.types)
    if prepared.status != ExecStatus.COMMAND_OK:
        raise psycopg.errors.error_from_result(prepared)
    described = server.describe_prepared(b"")
    if described.nparams != len(values):
        raise InvalidInput(
            f"the statement has placeholders up to ${described.nparams}, "
            f"and {len(values)} parameters were given"
        )
    columns = tuple(
        _column(connection, (described.fname(at) or b"").decode(), described.ftype(at))
        for at in range(described.nfields)
    )
    names = [column.name for column in columns]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InvalidInput(
            f"several columns are called {repeated[0]!r}, and a row can hold one of them; "
            "name them apart with AS"
        )
    return columns


@contextmanager
def errors_in_words(
    connection: psycopg.Connection[Any],
    statement: str,
    values: Sequence[Any],
    timeout_seconds: float | None,
) -> Iterator[None]:
    """Turn what the server says about a caller's statement into what the caller can mend.

    Raises:
        InvalidInput: A syntax error with its place, an unknown name, a parameter of the wrong
            type with its number, several statements, or the time limit.
        PrivacyRefusal: The statement writes.
    """
    try:
        yield
    except psycopg.errors.ReadOnlySqlTransaction as error:
        raise PrivacyRefusal(
            f"queries only read: {error.diag.message_primary}; predictions are stored "
            "with the option access='ml'"
        ) from error
    except psycopg.errors.InsufficientPrivilege:
        raise  # the database room says what the role may
    except psycopg.errors.QueryCanceled as error:
        if timeout_seconds is None:
            raise
        raise InvalidInput(
            f"the statement ran into its time limit of {timeout_seconds:g} s and was cancelled: "
            "ask for less, or raise timeout_seconds"
        ) from error
    except psycopg.DataError as error:
        number = re.search(
            r"parameter \$?(\d+)", f"{error.diag.context} {error.diag.message_primary}"
        )
        if number is None:
            raise
        wanted = re.search(
            r"for (?:input )?(?:type|enum) ([^:]+)", error.diag.message_primary or ""
        )
        expected = wanted[1] if wanted else "the type that the statement needs"
        # The server would quote the value.
        raise InvalidInput(f"parameter ${number[1]} cannot be read as {expected}") from error
    except psycopg.ProgrammingError as error:
        if error.sqlstate is None:
            raise InvalidInput(
                "the statement returns no rows; `query` takes one that does, such as SELECT"
            ) from error
        raise InvalidInput(_describe_fault(connection, error, statement, values)) from error


def _adapted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Jsonb(to_json(value))
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        return Jsonb(to_json(value))
    return value


def _column(connection: psycopg.Connection[Any], name: str, oid: int) -> Column:
    known = connection.adapters.types.get(oid)
    if known is None:
        return Column(name, str(oid), False)
    is_array = known.array_oid == oid
    return Column(name, f"{known.name}[]" if is_array else known.name, is_array)


def _describe_fault(
    connection: psycopg.Connection[Any],
    error: psycopg.Error,
    statement: str,
    values: Sequence[Any],
) -> str:
    said = error.diag.message_primary or "syntax error"
    if "multiple commands" in said:
        return "several statements were given; `query` takes one"
    parts = [said if error.diag.statement_position else f"PostgreSQL refused the statement: {said}"]
    if error.diag.statement_position:
        before = statement[: int(error.diag.statement_position) - 1]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        parts.append(f" (line {line}, column {column})")
    if values and isinstance(
        error, psycopg.errors.UndefinedFunction | psycopg.errors.DatatypeMismatch
    ):
        types = (f"${n} as {_type_name(connection, v)}" for n, v in enumerate(values, start=1))
        parts.append(f"; parameters were sent {', '.join(types)}")
    return "".join(parts)


def _type_name(connection: psycopg.Connection[Any], value: Any) -> str:
    oid = Transformer(connection).get_dumper(value, PyFormat.AUTO).oid
    known = connection.adapters.types.get(oid)
    return known.name if known else "text"
