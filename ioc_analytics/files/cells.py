"""Cells of a wide export turned into values: fields, times, durations, answers.

For: ``files.wide``. Not for: the order of the records.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ioc_analytics.files.mapping_records import Duration, Field, ItemSource, TimeFormat, TimeSource
from ioc_analytics.records.contracts import Rule, as_number
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.readings import read_number, read_text, whole_column
from ioc_analytics.records.times import (
    TIME_TYPE,
    Mask,
    from_epoch,
    from_excel,
    from_parts,
    read_format,
    read_iso,
)

MISSING: Final = -(2**31)
"""In a matrix of answers: not answered."""

_RULES: Final = (Rule.NOT_A_NUMBER, Rule.NOT_AN_INTEGER, Rule.VALUE_OUT_OF_RANGE)
_FIRST_RULE: Final = MISSING + 1
"""In a matrix of answers: this and the codes after it are the rules above."""

_LONGEST_MILLISECONDS: Final = 2**31 - 1

Matrix = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


def field_values(field: Field, table: pa.Table) -> pa.Array:
    """Return what a field says of each row, as texts; missing codes are NULL."""
    if field.column is None:
        return pa.repeat(pa.scalar(field.constant, pa.string()), table.num_rows)
    values = _texts(table, field.column)
    if not field.missing and not field.values:
        return values.dictionary_decode()
    meanings = field.values or {}
    entries = [
        None if text.strip() in field.missing else meanings.get(text.strip(), text)
        for text in values.dictionary.to_pylist()
    ]
    return pa.array(entries, pa.string()).take(values.indices)


def _texts(table: pa.Table, column: str) -> pa.DictionaryArray:
    values = whole_column(table[column])
    is_number = pa.types.is_floating(values.type) or pa.types.is_decimal(values.type)
    if is_number or pa.types.is_boolean(values.type):
        # A fraction is no id, but it may be a bad answer, to be refused in its own line.
        values = pc.if_else(pc.is_finite(values), values, None) if is_number else values
        values = values.cast(pa.string())
    texts = read_text(values, column).values
    return texts if pa.types.is_dictionary(texts.type) else texts.dictionary_encode()


def time_texts(source: TimeSource, table: pa.Table) -> pa.Array:
    """Return a time for each row, in a form that the judge reads or refuses.

    What cannot be read in the stated format stays as it stands in the file, so that the quarantined
    row shows it.
    """
    if source.fixed is not None:
        return pa.repeat(pa.scalar(source.fixed, TIME_TYPE), table.num_rows)
    if source.parts is not None:
        raw, (times, bad) = _read_parts(source, table)
    else:
        column = whole_column(table[str(source.column)])
        is_text_format = source.format not in list(TimeFormat) or source.format == TimeFormat.ISO
        if is_text_format and pa.types.is_timestamp(column.type):
            return column
        raw, (times, bad) = _read_column(source, column)
    if source.zone != "UTC":
        # A local time that a change of the clock skips or repeats is at most an hour off.
        local = times.cast(pa.timestamp("us"))
        times = pc.assume_timezone(
            local, source.zone, ambiguous="earliest", nonexistent="latest"
        ).cast(TIME_TYPE)
    if not bad.any():
        return times
    return pc.if_else(pa.array(bad), raw, times.cast(pa.string()))


def _read_column(source: TimeSource, column: pa.Array) -> tuple[pa.Array, Any]:
    name = str(source.column)
    if source.format in (TimeFormat.EPOCH_SECONDS, TimeFormat.EPOCH_MILLISECONDS, TimeFormat.EXCEL):
        reading = read_number(column, name)
        raw = column if pa.types.is_string(column.type) else column.cast(pa.string())
        values = reading.values
        if source.format == TimeFormat.EPOCH_MILLISECONDS:
            values = pc.divide(values, 1000.0)
        times, bad = (from_excel if source.format == TimeFormat.EXCEL else from_epoch)(values)
        for _, mask in reading.faults:
            bad |= mask
        return raw, (times, bad)
    texts = read_text(column, name).values
    if pa.types.is_dictionary(texts.type):
        texts = texts.dictionary_decode()
    if source.format == TimeFormat.ISO:
        return texts, read_iso(texts)
    return texts, read_format(texts, source.format)


def _read_parts(source: TimeSource, table: pa.Table) -> tuple[pa.Array, Any]:
    columns = {part: whole_column(table[name]) for part, name in (source.parts or {}).items()}
    numbers = {part: read_number(values, part).values for part, values in columns.items()}
    numbers["year"] = pc.add(numbers["year"], source.year_offset)
    if "month" in numbers:
        numbers["month"] = pc.add(numbers["month"], source.month_offset)
    texts = [values.cast(pa.string()) for values in columns.values()]
    raw = pc.binary_join_element_wise(*texts, " ", null_handling="replace", null_replacement="?")
    times, bad = from_parts(numbers)
    # Without a year that can be read there is no time: the judge shall see what stood there.
    is_blank = pc.equal(pc.utf8_trim_whitespace(pc.replace_substring(raw, "?", "")), "")
    bad |= np.asarray(times.is_null()) & ~np.asarray(is_blank)
    return raw, (times, bad)


def durations(source: Duration, table: pa.Table) -> pa.Array:
    """Return seconds for each row; the text itself where a lone column holds no number.

    A sum is NULL where one of its columns is.
    """
    total: pa.Array | None = None
    for column in source.columns:
        values = field_values(Field(column, missing=source.missing), table)
        reading = read_number(values, column)
        if reading.faults and len(source.columns) == 1:
            return values
        seconds = pc.multiply(reading.values, source.seconds_per_unit)
        total = seconds if total is None else pc.add(total, seconds)
    return total


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of some rows."""

    values: Matrix
    """(n_rows, n_items): as the respondent gave them, ``MISSING``, or the code of a rule."""

    @property
    def is_answer(self) -> Mask:
        """Whether a cell holds an answer within the scale."""
        return self.values >= _FIRST_RULE + len(_RULES)

    @property
    def is_bad(self) -> Mask:
        """Whether a cell holds something that is no answer."""
        return np.asarray(~self.is_answer & (self.values != MISSING), dtype=np.bool_)


def rule_of(code: int) -> str:
    """Return the rule that a bad cell broke."""
    return _RULES[code - _FIRST_RULE].value


def read_answers(source: ItemSource, instrument: Instrument, table: pa.Table) -> Answers:
    """Read the item columns of some rows; keyed answers are turned back."""
    items = {item.code: item for item in instrument.items}
    columns = []
    for code, column in source.columns.items():
        values = _texts(table, column)
        is_turned = source.is_keyed and items[code].is_reversed
        meanings = [
            _read_answer(text, source.missing, instrument, is_turned)
            for text in values.dictionary.to_pylist()
        ]
        # The last place stands for NULL, whose index -1 leads there.
        lookup = np.array([*meanings, MISSING], dtype=np.int32)
        columns.append(lookup[values.indices.fill_null(-1).to_numpy(zero_copy_only=False)])
    return Answers(np.column_stack(columns))


def _read_answer(
    text: str, missing: frozenset[str], instrument: Instrument, is_turned: bool
) -> int:
    plain = text.strip()
    number = as_number(plain)
    if not plain or plain in missing or (number is not None and f"{number:g}" in missing):
        return MISSING
    if number is None:
        return _FIRST_RULE + _RULES.index(Rule.NOT_A_NUMBER)
    if number != int(number):
        return _FIRST_RULE + _RULES.index(Rule.NOT_AN_INTEGER)
    if not instrument.scale_minimum <= number <= instrument.scale_maximum:
        return _FIRST_RULE + _RULES.index(Rule.VALUE_OUT_OF_RANGE)
    extent = instrument.scale_minimum + instrument.scale_maximum
    return extent - int(number) if is_turned else int(number)


def read_item_times(source: ItemSource, table: pa.Table) -> tuple[Floats, Mask]:
    """Return milliseconds per item, NaN where there is none, and which could not be used.

    Both are matrices of shape (n_rows, n_items).
    """
    columns, unusable = [], []
    for column in source.time_columns.values():
        reading = read_number(whole_column(table[column]), column)
        values = reading.values.to_numpy(zero_copy_only=False) * source.milliseconds_per_unit
        with np.errstate(invalid="ignore"):
            is_bad = (values < 0) | (values > _LONGEST_MILLISECONDS)
        for _, mask in reading.faults:
            is_bad = is_bad | mask
        columns.append(np.where(is_bad, np.nan, np.round(values)))
        unusable.append(is_bad)
    return np.column_stack(columns), np.column_stack(unusable)
