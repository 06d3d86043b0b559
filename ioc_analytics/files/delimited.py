"""CSV and TSV as a stream of text columns, each row with the exact line it starts in.

For: ``files.readers``. Not for: what the columns mean.

A block is split into rows with numpy, so that line numbers are exact (also after quoted line ends)
and rows with too few or too many fields can be set aside; what is left is parsed by Arrow. Where
quotes stand inside unquoted fields (``5" disk``) this shortcut is unsafe, and the rest of the file
goes through the standard library's parser (``files.delimited_slow``).
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from ioc_analytics.files.delimited_slow import slow_rows
from ioc_analytics.files.encoding import BYTE_ORDER_MARK, check_start, check_text, decode
from ioc_analytics.files.streams import BLOCK_BYTES, ByteStream
from ioc_analytics.files.tables import RawChunk, unique_names
from ioc_analytics.kernel.errors import IntegrityFailure, InvalidInput
from ioc_analytics.kernel.settings import LimitsSettings
from ioc_analytics.records.contracts import Rule
from ioc_analytics.records.judge import Fault

DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab"}
_OTHER_DELIMITERS: Final = "|:^~"
_NEWLINE, _RETURN, _QUOTE = 10, 13, 34

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Header:
    """The first row of a file."""

    columns: tuple[str, ...]
    """Names, each once: a repeated one gets ``#2``, ``#3``; an empty one is ``column N``."""

    repeated: frozenset[str]
    """Names that stand in the header more than once."""

    delimiter: str
    next_line: int
    """Line in which the first row of data may start."""

    offset: int
    """Bytes from the start of the content to that line."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """Where the rows of a block lie."""

    starts: Positions
    ends: Positions
    """Position of the line end of each row, or of the end of the data."""

    lines: Positions
    """Line in which each row starts, from 0 within the block."""

    n_fields: Positions
    has_stray_return: npt.NDArray[np.bool_]
    has_quoted_line_ends: bool
    n_lines: int
    """Line ends within the rows."""


def read_header(stream: ByteStream, name: str, limits: LimitsSettings) -> Header:
    """Read the header of a stream at its start.

    Raises:
        InvalidInput: The text is not UTF-8, there is no header, or nothing separates its columns.
    """
    block = stream.read()
    while len(block) <= limits.max_line_bytes and (more := stream.read(limits.max_line_bytes)):
        block += more
    check_start(block, name)
    offset = len(BYTE_ORDER_MARK) if block.startswith(BYTE_ORDER_MARK) else 0
    start, line = offset, 1
    while block[start : start + 1] in (b"\n", b"\r"):
        line += block[start : start + 1] == b"\n"
        start += 1
    end = _header_end(block, start)
    if end - start > limits.max_line_bytes:
        raise _too_long(name, line, limits)
    text = decode(block[start:end], name, line).rstrip("\r")
    if not text.strip():
        raise InvalidInput(f"{name} has no header line: it holds no text")
    delimiter = _sniff(text, name)
    names = _split(text, delimiter)
    if len(names) > limits.max_columns:
        raise InvalidInput(
            f"{name} has {len(names)} columns, more than limits.max_columns ({limits.max_columns})"
        )
    columns, repeated = unique_names(names)
    next_line = line + block.count(b"\n", start, end) + 1
    return Header(columns, repeated, delimiter, next_line, min(end + 1, len(block)))


def _header_end(block: bytes, start: int) -> int:
    end = start
    while True:
        end = block.find(b"\n", end)
        if end < 0:
            return len(block)
        if block.count(b'"', start, end) % 2 == 0:
            return end
        end += 1


def _sniff(text: str, name: str) -> str:
    widths = {delimiter: len(_split(text, delimiter)) for delimiter in DELIMITERS}
    delimiter = max(widths, key=lambda candidate: widths[candidate])
    if widths[delimiter] > 1:
        return delimiter
    other = next((repr(mark) for mark in _OTHER_DELIMITERS if mark in text), None)
    found = f"; {other} stands in it, which is none of ours" if other else ""
    raise InvalidInput(
        f"{name}: the header is one single column of {len(text)} characters{found}. "
        "Separate columns with comma, semicolon or tab"
    )


def _split(text: str, delimiter: str) -> list[str]:
    """Return the fields of a header; none where the quotes do not fit the delimiter."""
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        return []


def read_rows(
    stream: ByteStream,
    name: str,
    header: Header,
    wanted: frozenset[str],
    as_dictionary: frozenset[str],
    limits: LimitsSettings,
) -> Iterator[RawChunk]:
    """Yield the rows of a stream at its start, a block at a time.

    Args:
        stream: The file.
        name: How messages call it.
        header: Its header.
        wanted: The columns to return.
        as_dictionary: Those of them to return dictionary-encoded.
        limits: Longest line.

    Raises:
        InvalidInput: The text is not UTF-8, a line is too long, or a quote is never closed.
    """
    _skip(stream, header.offset)
    parser = _Parser(header, wanted, as_dictionary)
    pending, line = b"", header.next_line
    while True:
        block = stream.read()
        data = pending + block
        is_end = not block
        if not data:
            return
        rows = _find_rows(data, ord(header.delimiter), is_end)
        if rows is None:
            yield from slow_rows(
                stream,
                data,
                name,
                line,
                header.columns,
                parser.wanted,
                header.delimiter,
                limits,
            )
            return
        cut = int(rows.ends[-1]) + 1 if len(rows.ends) else 0
        _check_lengths(rows, data, cut, name, line, limits)
        check_text(data[:cut], name, line)
        if len(rows.ends):
            yield parser.parse(data, rows, line)
        pending, line = data[cut:], line + rows.n_lines
        if is_end:
            if pending:
                raise InvalidInput(
                    f"{name}: the quote opened in line {line} is never closed; "
                    "the file may be cut off"
                )
            return


def _skip(stream: ByteStream, n_bytes: int) -> None:
    while n_bytes:
        n_bytes -= len(stream.read(min(n_bytes, BLOCK_BYTES)))


def _check_lengths(
    rows: _Rows, data: bytes, cut: int, name: str, line: int, limits: LimitsSettings
) -> None:
    too_long = np.flatnonzero(rows.ends - rows.starts > limits.max_line_bytes)
    if len(too_long):
        raise _too_long(name, line + int(rows.lines[too_long[0]]), limits)
    if len(data) - cut > limits.max_line_bytes:
        raise _too_long(name, line + rows.n_lines, limits)


def _too_long(name: str, line: int, limits: LimitsSettings) -> InvalidInput:
    return InvalidInput(
        f"{name}: line {line} is longer than limits.max_line_bytes ({limits.max_line_bytes}); "
        "is a quote never closed?"
    )


def _find_rows(data: bytes, delimiter: int, is_end: bool) -> _Rows | None:
    """Find the rows of a block; None when its quotes do not enclose whole fields."""
    codes = np.frombuffer(data, dtype=np.uint8)
    newlines = np.flatnonzero(codes == _NEWLINE)
    delimiters = np.flatnonzero(codes == delimiter)
    returns = np.flatnonzero(codes == _RETURN) if b"\r" in data else newlines[:0]
    ends, is_open, has_quoted_line_ends = newlines, False, False
    if b'"' in data:
        quotes = np.flatnonzero(codes == _QUOTE)
        if not _encloses_fields(codes, quotes, delimiter):
            return None
        ends = newlines[_is_outside(quotes, newlines)]
        delimiters = delimiters[_is_outside(quotes, delimiters)]
        outside = returns[_is_outside(quotes, returns)]
        has_quoted_line_ends = len(ends) < len(newlines) or len(outside) < len(returns)
        returns, is_open = outside, len(quotes) % 2 == 1
    if is_end and not is_open and data and data[-1] != _NEWLINE:
        ends = np.append(ends, len(data))
    starts = np.append(0, ends[:-1] + 1) if len(ends) else ends
    n_fields = np.searchsorted(delimiters, ends) - np.searchsorted(delimiters, starts) + 1
    lines = np.searchsorted(newlines, starts)
    n_lines = int(np.searchsorted(newlines, ends[-1], side="right")) if len(ends) else 0
    return _Rows(
        starts,
        ends,
        lines,
        n_fields,
        _has_stray_return(codes, returns, starts, ends),
        has_quoted_line_ends,
        n_lines,
    )


def _is_outside(quotes: Positions, places: Positions) -> npt.NDArray[np.bool_]:
    """Tell which places have an even number of quotes before them."""
    return np.asarray(np.searchsorted(quotes, places) % 2 == 0, dtype=np.bool_)


def _encloses_fields(codes: npt.NDArray[np.uint8], quotes: Positions, delimiter: int) -> bool:
    """Tell whether quotes open at the start of fields and close at their end, doubled inside."""
    opening, closing = quotes[0::2], quotes[1::2]
    before = codes[np.maximum(opening - 1, 0)]
    # A quote right after a closing one is its double, and opens again at once.
    is_double = np.zeros(len(opening), dtype=np.bool_)
    is_double[1:] = opening[1:] == closing[: len(opening) - 1] + 1
    is_start = (opening == 0) | (before == delimiter) | (before == _NEWLINE) | is_double
    after = codes[np.minimum(closing + 1, len(codes) - 1)]
    is_stop = closing == len(codes) - 1
    for code in (delimiter, _NEWLINE, _RETURN, _QUOTE):
        is_stop |= after == code
    return bool(is_start.all() and is_stop.all())


def _has_stray_return(
    codes: npt.NDArray[np.uint8], returns: Positions, starts: Positions, ends: Positions
) -> npt.NDArray[np.bool_]:
    """Tell which rows have a CR that is not part of their line end."""
    flags = np.zeros(len(ends), dtype=np.bool_)
    if len(returns):
        following = codes[np.minimum(returns + 1, len(codes) - 1)]
        stray = returns[(following != _NEWLINE) & (returns < len(codes) - 1)]
        rows = np.searchsorted(ends, stray)
        flags[rows[rows < len(flags)]] = True
    return flags


class _Parser:
    """Turns the well-formed rows of a block into columns."""

    def __init__(
        self, header: Header, wanted: frozenset[str], as_dictionary: frozenset[str]
    ) -> None:
        self.wanted = tuple(name for name in header.columns if name in wanted)
        self._columns = header.columns
        self._delimiter = header.delimiter
        plain, encoded = pa.string(), pa.dictionary(pa.int32(), pa.string())
        self._convert = pyarrow.csv.ConvertOptions(
            column_types={
                column: encoded if column in as_dictionary else plain for column in self.wanted
            },
            include_columns=list(self.wanted),
            strings_can_be_null=False,
            quoted_strings_can_be_null=False,
            check_utf8=False,
        )

    def parse(self, data: bytes, rows: _Rows, line: int) -> RawChunk:
        """Parse the rows of a block that starts in the given line."""
        is_blank = rows.ends - rows.starts == 0
        is_blank |= (rows.ends - rows.starts == 1) & _starts_with_return(data, rows.starts)
        n_columns = len(self._columns)
        is_wrong = ((rows.n_fields != n_columns) | rows.has_stray_return) & ~is_blank
        is_good = ~is_blank & ~is_wrong
        faults = [
            Fault(
                line + int(rows.lines[place]),
                Rule.WRONG_FIELD_COUNT.value,
                value=_describe(int(rows.n_fields[place]), n_columns),
            )
            for place in np.flatnonzero(is_wrong)
        ]
        body = _pick(data, rows, is_good)
        table = self._parse_body(body, int(is_good.sum()), rows.has_quoted_line_ends)
        return RawChunk(table, pa.array(line + rows.lines[is_good]), faults)

    def _parse_body(self, body: bytes, n_rows: int, has_quoted_line_ends: bool) -> pa.Table:
        if not n_rows:
            return pa.table({name: pa.nulls(0, pa.string()) for name in self.wanted})
        table = pyarrow.csv.read_csv(
            pa.BufferReader(body),
            read_options=pyarrow.csv.ReadOptions(
                column_names=list(self._columns), block_size=len(body) + 1, use_threads=False
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=self._delimiter,
                newlines_in_values=has_quoted_line_ends,
                ignore_empty_lines=False,
            ),
            convert_options=self._convert,
        )
        if table.num_rows != n_rows:
            raise IntegrityFailure(f"{n_rows} rows were split and {table.num_rows} were parsed")
        return table


def _starts_with_return(data: bytes, starts: Positions) -> npt.NDArray[np.bool_]:
    codes = np.frombuffer(data, dtype=np.uint8)
    return np.asarray(codes[np.minimum(starts, len(codes) - 1)] == _RETURN, dtype=np.bool_)


def _pick(data: bytes, rows: _Rows, is_good: npt.NDArray[np.bool_]) -> bytes:
    """Return the bytes of the good rows."""
    if is_good.all():
        return data[: int(rows.ends[-1]) + 1]
    codes = np.frombuffer(data, dtype=np.uint8)[: int(rows.ends[-1]) + 1]
    lengths = np.minimum(rows.ends + 1, len(codes)) - rows.starts
    return codes[np.repeat(is_good, lengths)].tobytes()


def _describe(found: int, expected: int) -> str:
    return (
        f"{found} fields instead of {expected}"
        if found != expected
        else "a carriage return inside the line"
    )
