"""CSV and TSV whose quotes break the rules, row by row through the standard library.

For: ``files.delimited``, from the block on in which a quote stands inside an unquoted field. Not
for: ordinary files; this is about ten times slower.
"""

import csv
from collections.abc import Iterator
from typing import Final

import pyarrow as pa

from ioc_analytics.files.encoding import decode
from ioc_analytics.files.streams import ByteStream
from ioc_analytics.files.tables import RawChunk
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.settings import LimitsSettings
from ioc_analytics.records.contracts import Rule
from ioc_analytics.records.judge import Fault

_ROWS: Final = 10_000


def slow_rows(
    stream: ByteStream,
    pending: bytes,
    name: str,
    line: int,
    columns: tuple[str, ...],
    wanted: tuple[str, ...],
    delimiter: str,
    limits: LimitsSettings,
) -> Iterator[RawChunk]:
    """Yield the rest of a stream.

    Args:
        stream: The file, read up to the end of ``pending``.
        pending: What was read and not yet parsed.
        name: How messages call the file.
        line: Line in which ``pending`` starts.
        columns: All columns of the file.
        wanted: Those to return.
        delimiter: What separates them.
        limits: Longest row.
    """
    lines = _Lines(stream, pending, name, line, limits)
    reader = csv.reader(lines, delimiter=delimiter)
    places = [columns.index(column) for column in wanted]
    rows: list[list[str]] = []
    numbers: list[int] = []
    faults: list[Fault] = []
    while True:
        start = line + reader.line_num
        lines.start_row()
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            if "field limit" in str(error):
                raise lines.refuse_length() from error
            faults.append(Fault(start, Rule.WRONG_FIELD_COUNT.value, value=str(error)))
            continue
        if row and len(row) != len(columns):
            found = f"{len(row)} fields instead of {len(columns)}"
            faults.append(Fault(start, Rule.WRONG_FIELD_COUNT.value, value=found))
        elif row:
            rows.append([row[place] for place in places])
            numbers.append(start)
        if len(rows) == _ROWS or len(faults) == _ROWS:
            yield _chunk(rows, numbers, faults, wanted)
            rows, numbers, faults = [], [], []
    yield _chunk(rows, numbers, faults, wanted)


def _chunk(
    rows: list[list[str]], numbers: list[int], faults: list[Fault], wanted: tuple[str, ...]
) -> RawChunk:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(wanted)
    arrays = [pa.array(column, pa.string()) for column in columns]
    table = pa.Table.from_arrays(arrays, names=list(wanted))
    return RawChunk(table, pa.array(numbers, pa.int64()), faults)


class _Lines:
    """The lines of a stream as text, with a bound on how many bytes one row may take."""

    def __init__(
        self, stream: ByteStream, pending: bytes, name: str, line: int, limits: LimitsSettings
    ) -> None:
        self._stream = stream
        self._pending = pending
        self._name = name
        self._line = line
        self._limits = limits
        self._row_line = line
        self._row_bytes = 0

    def start_row(self) -> None:
        """Note that the next line begins a row."""
        self._row_line, self._row_bytes = self._line, 0

    def __iter__(self) -> Iterator[str]:
        while True:
            *whole, self._pending = self._pending.split(b"\n")
            for raw in whole:
                yield self._text(raw + b"\n")
            self._check_length(len(self._pending))
            block = self._stream.read()
            if not block:
                if self._pending:
                    yield self._text(self._pending)
                return
            self._pending += block

    def _text(self, raw: bytes) -> str:
        self._row_bytes += len(raw)
        self._check_length(self._row_bytes)
        text = decode(raw, self._name, self._line)
        self._line += 1
        return text

    def _check_length(self, n_bytes: int) -> None:
        if n_bytes > self._limits.max_line_bytes + 2:
            raise self.refuse_length()

    def refuse_length(self) -> InvalidInput:
        """Return the refusal of the row that is being read."""
        most = min(self._limits.max_line_bytes, csv.field_size_limit())
        return InvalidInput(
            f"{self._name}: line {self._row_line} is longer than {most} bytes "
            "(limits.max_line_bytes; less for one field); is a quote never closed?"
        )
