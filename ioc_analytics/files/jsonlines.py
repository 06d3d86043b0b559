"""JSON Lines as a stream of columns, one object per line.

For: ``files.readers``. Not for: JSON documents that hold all records in one array.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa

from ioc_analytics.files.encoding import BYTE_ORDER_MARK, check_start, decode
from ioc_analytics.files.streams import ByteStream
from ioc_analytics.files.tables import RawChunk
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.settings import LimitsSettings
from ioc_analytics.records.contracts import Rule
from ioc_analytics.records.judge import Fault

_ROWS: Final = 20_000
"""Objects held at once: as Python objects they take ten times the room of their columns."""

_NAMES_FROM_ROWS: Final = 100
"""Objects whose keys stand for a header, when a file has to be recognised."""


def read_names(stream: ByteStream, name: str, limits: LimitsSettings) -> tuple[str, ...]:
    """Return the keys of the first objects of a stream at its start.

    Raises:
        InvalidInput: None of the first lines is an object.
    """
    names: dict[str, None] = {}
    lines = _lines(stream, name, limits)
    for (_, text), _ in zip(lines, range(_NAMES_FROM_ROWS), strict=False):
        value = _parse(text)
        if isinstance(value, dict):
            names.update(dict.fromkeys(value))
    if not names:
        raise InvalidInput(
            f"{name}: none of the first lines is a JSON object; one per line is read"
        )
    return tuple(names)


def read_rows(
    stream: ByteStream, name: str, wanted: frozenset[str], limits: LimitsSettings
) -> Iterator[RawChunk]:
    """Yield the objects of a stream at its start as columns of texts.

    A key that some objects lack is NULL there. Lines that are no JSON object are faults.
    """
    columns = sorted(wanted)
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    faults: list[Fault] = []
    for number, text in _lines(stream, name, limits):
        value = _parse(text)
        if isinstance(value, dict):
            rows.append(value)
            numbers.append(number)
        else:
            faults.append(Fault(number, Rule.NOT_JSON.value, value=value))
        if len(rows) == _ROWS or len(faults) == _ROWS:
            yield _chunk(rows, numbers, faults, columns)
            rows, numbers, faults = [], [], []
    if rows or faults:
        yield _chunk(rows, numbers, faults, columns)


def _chunk(
    rows: list[dict[str, Any]], numbers: list[int], faults: list[Fault], columns: list[str]
) -> RawChunk:
    arrays = [
        pa.array([_as_text(row.get(column)) for row in rows], pa.string()) for column in columns
    ]
    table = pa.Table.from_arrays(arrays, names=columns)
    return RawChunk(table, pa.array(numbers, pa.int64()), faults)


def _as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def _parse(text: str) -> dict[str, Any] | str:
    """Return the object in a line, or what is wrong with it."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        return f"{error.msg} at character {error.colno}"
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, 10,000 brackets
        return type(error).__name__
    if isinstance(value, dict):
        return value
    return f"a {type(value).__name__}, not an object"


def _lines(stream: ByteStream, name: str, limits: LimitsSettings) -> Iterator[tuple[int, str]]:
    """Yield number and text of the lines that are not blank."""
    pending, number, is_start = b"", 1, True
    while True:
        block = stream.read()
        if is_start:
            check_start(block, name)
            block, is_start = block.removeprefix(BYTE_ORDER_MARK), False
        *whole, pending = (pending + block).split(b"\n")
        if not block and pending:
            whole.append(pending)
        for raw in whole:
            _check_length(raw, name, number, limits)
            if raw.strip():
                yield number, decode(raw, name, number)
            number += 1
        if not block:
            return
        _check_length(pending, name, number, limits)


def _check_length(raw: bytes, name: str, number: int, limits: LimitsSettings) -> None:
    if len(raw) > limits.max_line_bytes:
        raise InvalidInput(
            f"{name}: line {number} is longer than limits.max_line_bytes "
            f"({limits.max_line_bytes}); is there one object per line?"
        )
