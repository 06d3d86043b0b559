"""Incoming records judged against their contract, a whole table at once, on Arrow.

For: ``files.batches`` and ``privacy.pipeline``. Not for: the rules themselves
(``records.contracts``), rows that contradict each other (``ingestion``), or reading files.

``records.schemas`` holds the same contract for pandera; a property test holds the two together.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ioc_analytics.records.contracts import (
    BIRTH_YEARS,
    CONTRACTS,
    EARLIEST,
    LATEST_AHEAD,
    Column,
    ColumnType,
    Rule,
)
from ioc_analytics.records.kinds import LINE_COLUMNS
from ioc_analytics.records.readings import (
    Reading,
    as_mask,
    read_integer,
    read_number,
    read_text,
    read_time,
    whole_column,
)
from ioc_analytics.records.tables import LINE_SCHEMA
from ioc_analytics.records.times import TIME_TYPE, Mask
from ioc_analytics.records.vocabularies import UNKNOWN

_LONGEST_VALUE: Final = 200
"""Characters of a refused value that are kept."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A line, or one cell of it, that cannot become a record."""

    line: int
    """Line in the file, from 1 (the header counts)."""

    rule: str
    column: str | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A table after judging."""

    table: pa.Table
    """The columns of the contract, typed, and the line columns."""

    repairs: Counter[tuple[str, str]]
    """How many values of accepted lines were repaired, by column and rule."""

    dropped_columns: frozenset[str]
    """Columns that the contract does not know."""


def judge(kind: str, table: pa.Table, lines: int | pa.Array, *, now: datetime) -> Judged:
    """Judge every row of a table against the contract of its kind.

    Args:
        kind: One of ``kinds.KINDS``.
        table: Columns under the contract's names, of native types or texts.
        lines: Line of each row in its file, or the line of the first row when they run on.
        now: The present, aware; times more than a day past it are refused.

    Returns:
        As many rows as came in, in their order.

    Raises:
        InvalidInput: A required column is missing, or a column is of a type that cannot be read.

    Example:
        >>> from datetime import UTC
        >>> rows = pa.table({"response_id": ["a", "b"], "question_id": ["E1"] * 2,
        ...                  "value": ["4", "four"]})
        >>> judged = judge("question_responses", rows, 2, now=datetime(2026, 1, 1, tzinfo=UTC))
        >>> judged.table["_rule"].to_pylist()
        [None, 'not_a_number']
    """
    contract = CONTRACTS[kind]
    contract.check_present(table.column_names)
    trial = _Trial(table.num_rows, now)
    for column in contract.in_order_of_judging:
        if column.name in table.column_names:
            trial.hear(column, whole_column(table[column.name]))
        else:
            trial.accept_absent(column)
    numbers = (
        pa.array(np.arange(lines, lines + table.num_rows)) if isinstance(lines, int) else lines
    )
    dropped = frozenset(table.column_names) - set(contract.names)
    return Judged(trial.table(contract.names, numbers), trial.count_repairs(), dropped)


def faulty_rows(kind: str, faults: Sequence[Fault]) -> pa.Table:
    """Return lines that could not even be split into columns, in the shape of judged rows."""
    contract = CONTRACTS[kind]
    empty = {column.name: pa.nulls(len(faults), column.arrow_type) for column in contract.columns}
    return pa.table(empty | line_columns(faults))


def line_columns(faults: Iterable[Fault]) -> dict[str, pa.Array]:
    """Return the line columns of refused rows."""
    rows = [(f.line, f.rule, f.column, f.value and f.value[:_LONGEST_VALUE]) for f in faults]
    return {
        field.name: pa.array([row[place] for row in rows], field.type)
        for place, field in enumerate(LINE_SCHEMA)
    }


class _Trial:
    """One table on its way through the columns of a contract."""

    def __init__(self, n_rows: int, now: datetime) -> None:
        self._n_rows = n_rows
        self._latest = now + LATEST_AHEAD
        self._columns: dict[str, pa.Array] = {}
        self._raw: dict[str, pa.Array] = {}
        self._refused: Mask = np.zeros(n_rows, dtype=np.bool_)
        self._verdicts: list[tuple[Rule, str, npt.NDArray[np.intp]]] = []
        self._repaired: list[tuple[str, Rule, Mask]] = []

    def accept_absent(self, column: Column) -> None:
        if column.words:
            self._columns[column.name] = pa.repeat(pa.scalar(UNKNOWN), self._n_rows)
        else:
            self._columns[column.name] = pa.nulls(self._n_rows, column.arrow_type)

    def hear(self, column: Column, raw: pa.Array) -> None:
        """Read and check one column, then refuse or repair."""
        self._raw[column.name] = raw
        reading = self._read(column, raw)
        for rule, mask in reading.faults:
            if column.is_required:
                self._refuse(rule, column, mask)
            else:
                self._repaired.append((column.name, rule, mask))
        values = reading.values
        if column.is_required and values.null_count:
            missing = Rule.MISSING_KEY if column.type is ColumnType.KEY else Rule.MISSING_REQUIRED
            self._refuse(missing, column, np.asarray(values.is_null()))
        if column.words and not column.is_required:
            values = values.fill_null(UNKNOWN)
        self._columns[column.name] = values

    def _refuse(self, rule: Rule, column: Column, mask: Mask) -> None:
        fresh = np.flatnonzero(mask & ~self._refused)
        self._refused[fresh] = True
        self._verdicts.append((rule, column.name, fresh))

    def _read(self, column: Column, raw: pa.Array) -> Reading:
        match column.type:
            case ColumnType.KEY:
                return _read_key(raw, column.name)
            case ColumnType.TEXT:
                return read_text(raw, column.name)
            case ColumnType.WORD:
                return _read_word(raw, column)
            case ColumnType.INTEGER | ColumnType.NUMBER:
                return self._read_in_range(column, raw)
            case ColumnType.TIME:
                return self._read_time(column, raw)

    def _read_in_range(self, column: Column, raw: pa.Array) -> Reading:
        if column.year_of is None and pa.types.is_dictionary(raw.type):
            entries = self._read_in_range(column, whole_column(raw.dictionary))
            return entries.take(raw.indices)
        is_integer = column.type is ColumnType.INTEGER
        reading = (read_integer if is_integer else read_number)(raw, column.name)
        if column.year_of is not None:
            self._turn_birth_years(column, reading)
        _check_range(column, reading)
        if reading.values.type != column.arrow_type:
            reading.values = reading.values.cast(column.arrow_type)
        return reading

    def _turn_birth_years(self, column: Column, reading: Reading) -> None:
        """Turn years of birth into ages, where an age in range comes out."""
        times = self._columns[str(column.year_of)]
        first, last = BIRTH_YEARS
        values = reading.values
        is_year = pc.and_(pc.greater_equal(values, first), pc.less_equal(values, last))
        if not pc.any(is_year).as_py():
            return
        ages = pc.subtract(pc.year(times).cast(values.type, safe=False), values)
        is_age = pc.and_(
            pc.greater_equal(ages, column.minimum), pc.less_equal(ages, column.maximum)
        )
        turned = pc.and_(is_year, is_age).fill_null(False)
        reading.values = pc.if_else(turned, ages, values)
        self._repaired.append((column.name, Rule.BIRTH_YEAR_AS_AGE, np.asarray(turned)))

    def _read_time(self, column: Column, raw: pa.Array) -> Reading:
        reading = read_time(raw, column.name)
        extent = pc.min_max(reading.values)
        earliest, latest = pa.scalar(EARLIEST, TIME_TYPE), pa.scalar(self._latest, TIME_TYPE)
        if extent["min"].is_valid and extent["min"].value < earliest.value:
            reading.refuse(Rule.DATE_BEFORE_1990, as_mask(pc.less(reading.values, earliest)))
        if extent["max"].is_valid and extent["max"].value > latest.value:
            reading.refuse(Rule.DATE_IN_FUTURE, as_mask(pc.greater(reading.values, latest)))
        start = self._columns.get(column.not_before) if column.not_before else None
        if start is not None:
            ends_early = as_mask(pc.less(reading.values, start))
            reading.refuse(Rule.ENDS_BEFORE_START, ends_early)
        return reading

    def count_repairs(self) -> Counter[tuple[str, str]]:
        counted: Counter[tuple[str, str]] = Counter()
        for column, rule, mask in self._repaired:
            n_repaired = int(np.count_nonzero(mask & ~self._refused))
            if n_repaired:
                counted[column, rule.value] += n_repaired
        return counted

    def table(self, names: tuple[str, ...], lines: pa.Array) -> pa.Table:
        """Return the judged columns and the line columns."""
        verdicts: list[pa.Array] = [pa.nulls(self._n_rows, pa.string())] * 3
        if self._refused.any():
            verdicts = self._verdict_columns()
        arrays = [*(self._columns[name] for name in names), lines.cast(pa.int64()), *verdicts]
        return pa.Table.from_arrays(arrays, names=[*names, *LINE_COLUMNS])

    def _verdict_columns(self) -> list[pa.Array]:
        rules, columns, values = (np.full(self._n_rows, None, dtype=object) for _ in range(3))
        for rule, name, rows in self._verdicts:
            rules[rows], columns[rows] = rule.value, name
            values[rows] = [as_text(value) for value in self._raw[name].take(pa.array(rows))]
        return [pa.array(part, pa.string()) for part in (rules, columns, values)]


def as_text(value: pa.Scalar) -> str | None:
    """Return a value as text for a quarantined row, cut to 200 characters."""
    plain = value.value if isinstance(value, pa.DictionaryScalar) else value
    if plain is None or not plain.is_valid:
        return None
    return str(plain)[:_LONGEST_VALUE]


def _read_key(raw: pa.Array, name: str) -> Reading:
    reading = read_text(raw, name)
    values = reading.values
    if pa.types.is_dictionary(values.type):
        is_blank = as_mask(pc.equal(pc.utf8_trim_whitespace(values.dictionary), ""))
        if is_blank.any():
            blank = Reading(values.dictionary, [(Rule.MISSING_KEY, is_blank)]).take(values.indices)
            for _, mask in blank.faults:
                kept = pc.if_else(pa.array(mask), pa.scalar(None, pa.int32()), values.indices)
                reading.values = pa.DictionaryArray.from_arrays(kept, values.dictionary)
        return reading
    is_blank = as_mask(pc.equal(pc.utf8_trim_whitespace(values), ""))
    if is_blank.any():
        reading.values = pc.if_else(pa.array(is_blank), pa.scalar(None, pa.string()), values)
    return reading


def _read_word(raw: pa.Array, column: Column) -> Reading:
    if pa.types.is_dictionary(raw.type):
        entries = _read_word(whole_column(raw.dictionary), column)
        return entries.take(raw.indices)
    texts = read_text(raw, column.name).values
    words = pc.ascii_lower(pc.ascii_trim_whitespace(texts))
    is_known = pc.is_in(words, pa.array(column.words))
    reading = Reading(words)
    reading.refuse(Rule.NOT_IN_VOCABULARY, as_mask(pc.and_(words.is_valid(), pc.invert(is_known))))
    return reading


def _check_range(column: Column, reading: Reading) -> None:
    values = reading.values
    extent = pc.min_max(values)
    if not extent["min"].is_valid:
        return
    low, high = extent["min"].as_py(), extent["max"].as_py()
    is_low = column.minimum is not None and low < column.minimum
    is_high = column.maximum is not None and high > column.maximum
    if is_low:
        reading.refuse(Rule.OUT_OF_RANGE, as_mask(pc.less(values, column.minimum)))
    if is_high:
        reading.refuse(Rule.OUT_OF_RANGE, as_mask(pc.greater(reading.values, column.maximum)))
