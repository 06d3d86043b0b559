"""Columns of any incoming type read as numbers, texts and times, with what could not be read.

For: ``records.judge`` and the mappings of survey exports. Not for: ranges and vocabularies (the
judge) or where a column comes from (``files``).
"""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.contracts import NUMBER_PATTERN, Rule
from ioc_analytics.records.times import TIME_TYPE, Mask, read_iso

_TEXT_TYPES = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_MICROS_BOUND = 2**62
"""Microseconds that a time may be away from 1970 before arithmetic on it could overflow."""


@dataclass(slots=True)
class Reading:
    """A column as far as it could be read."""

    values: pa.Array
    """What was read; NULL where nothing stood or where it could not be read."""

    faults: list[tuple[Rule, Mask]] = field(default_factory=list)
    """The rows that could not be read, by rule."""

    def take(self, indices: pa.Array) -> "Reading":
        """Return the reading of a dictionary as that of the rows that refer to it."""
        places = indices.fill_null(0).to_numpy(zero_copy_only=False)
        given = np.asarray(indices.is_valid())
        faults = [(rule, mask[places] & given) for rule, mask in self.faults if mask.any()]
        return Reading(self.values.take(indices), faults)

    def refuse(self, rule: Rule, mask: Mask) -> None:
        """Note a fault and take the values concerned out."""
        if mask.any():
            self.faults.append((rule, mask))
            self.values = pc.if_else(pa.array(mask), pa.scalar(None, self.values.type), self.values)


def whole_column(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Return a column as one array, its dictionaries made one, its text of one kind."""
    if isinstance(column, pa.ChunkedArray):
        # A lone chunk is handed on as it is: its dictionary is recognised by its buffers later.
        is_one = column.num_chunks == 1
        column = column.chunk(0) if is_one else column.unify_dictionaries().combine_chunks()
    if is_text(column.type) and column.type != pa.string():
        return column.cast(pa.string())
    return column


def is_text(data_type: pa.DataType) -> bool:
    """Tell whether a type holds texts, in whichever layout."""
    return any(test(data_type) for test in _TEXT_TYPES)


def read_text(column: pa.Array, name: str) -> Reading:
    """Read a column as texts; empty ones are NULL, a dictionary stays one.

    Whole numbers become their digits (an id may be a number), also when missing values have made
    floats of them.

    Raises:
        InvalidInput: The column is of a type that is no text and no whole number.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return Reading(_read_dictionary(column, name))
    if pa.types.is_floating(kind):
        try:
            column = pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column).cast(pa.int64())
        except pa.ArrowInvalid as error:
            raise _wrong_type(name, kind, "text") from error
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        try:
            return Reading(_empty_to_null(column.cast(pa.string())))
        except pa.ArrowInvalid as error:
            raise _wrong_type(name, kind, "text in UTF-8") from error
    elif is_text(kind):
        return Reading(_empty_to_null(column))
    elif not (pa.types.is_integer(kind) or pa.types.is_null(kind)):
        raise _wrong_type(name, kind, "text")
    return Reading(column.cast(pa.string()))


def _read_dictionary(column: pa.DictionaryArray, name: str) -> pa.Array:
    texts = read_text(whole_column(column.dictionary), name).values
    if texts.null_count == 0:
        if texts.equals(column.dictionary) and column.type.index_type == pa.int32():
            return column
        return pa.DictionaryArray.from_arrays(column.indices.cast(pa.int32()), texts)
    # Empty entries become NULL rows; the entries themselves stay, so that codes keep their meaning.
    indices = column.indices.cast(pa.int32())
    is_empty = texts.is_null().take(indices)
    kept = pc.if_else(is_empty.fill_null(True), pa.scalar(None, pa.int32()), indices)
    return pa.DictionaryArray.from_arrays(kept, texts.fill_null(""))


def _empty_to_null(text: pa.Array) -> pa.Array:
    is_empty = pc.equal(pc.binary_length(text), 0)
    if not pc.any(is_empty).as_py():
        return text
    return pc.if_else(is_empty, pa.scalar(None, text.type), text)


def read_number(column: pa.Array, name: str) -> Reading:
    """Read a column as numbers of type double; what is infinite or no number is a fault.

    Raises:
        InvalidInput: The column is of a type that holds no numbers.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return read_number(whole_column(column.dictionary), name).take(column.indices)
    if is_text(kind):
        return _number_of_text(_empty_to_null(column))
    if pa.types.is_floating(kind):
        values = column.cast(pa.float64())
        if pc.any(pc.is_nan(values)).as_py():
            values = pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
        reading = Reading(values)
        reading.refuse(Rule.NOT_A_NUMBER, as_mask(pc.is_inf(values)))
        return reading
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind):
        return Reading(column.cast(pa.float64(), safe=False))
    raise _wrong_type(name, kind, "number")


def _number_of_text(text: pa.Array) -> Reading:
    try:
        reading = Reading(text.cast(pa.float64()))
    except pa.ArrowInvalid:
        trimmed = pc.ascii_trim_whitespace(text)
        is_number = pc.match_substring_regex(trimmed, f"^(?:{NUMBER_PATTERN})$")
        bad = as_mask(pc.invert(is_number))
        # The sign is cut off the exponents and fronts that Arrow does not read.
        plain = pc.if_else(is_number, trimmed, pa.scalar(None, pa.string()))
        reading = Reading(pc.utf8_ltrim(plain, "+").cast(pa.float64()))
        reading.refuse(Rule.NOT_A_NUMBER, bad)
    # Names such as "nan" and "inf", and numbers too large for a double.
    reading.refuse(Rule.NOT_A_NUMBER, as_mask(pc.invert(pc.is_finite(reading.values))))
    return reading


def read_integer(column: pa.Array, name: str) -> Reading:
    """Read a column as whole numbers; ``3.0`` is one, ``3.5`` is a fault."""
    if pa.types.is_integer(column.type):
        return Reading(column.cast(pa.int64(), safe=False))
    if pa.types.is_dictionary(column.type):
        return read_integer(whole_column(column.dictionary), name).take(column.indices)
    reading = read_number(column, name)
    is_broken = pc.not_equal(reading.values, pc.floor(reading.values))
    reading.refuse(Rule.NOT_AN_INTEGER, as_mask(is_broken))
    return reading


def read_time(column: pa.Array, name: str) -> Reading:
    """Read a column as times in UTC; texts are ISO 8601, a time without a zone is UTC.

    Raises:
        InvalidInput: The column is of a type that holds no times (a number does not say its unit).
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return read_time(whole_column(column.dictionary), name).take(column.indices)
    if is_text(kind):
        values, bad = read_iso(_empty_to_null(column))
        return Reading(values, [(Rule.NOT_A_DATE, bad)] if bad.any() else [])
    if pa.types.is_date(kind):
        return read_time(column.cast(pa.timestamp("ms"), safe=False), name)
    if pa.types.is_null(kind):
        return Reading(column.cast(TIME_TYPE))
    if not pa.types.is_timestamp(kind):
        raise _wrong_type(name, kind, "time (a timestamp, a date, or text in ISO 8601)")
    return _time_of_timestamp(column)


def _time_of_timestamp(column: pa.Array) -> Reading:
    counts = column.view(pa.int64())
    factor = {"s": 1_000_000, "ms": 1000, "us": 1, "ns": 1}[column.type.unit]
    if column.type.unit == "ns":
        counts = pc.divide(counts, 1000)
    bound = _MICROS_BOUND // factor
    too_far = as_mask(pc.or_(pc.greater(counts, bound), pc.less(counts, -bound)))
    reading = Reading(counts)
    reading.refuse(Rule.NOT_A_DATE, too_far)
    micros = reading.values if factor == 1 else pc.multiply(reading.values, factor)
    reading.values = micros.cast(TIME_TYPE)
    return reading


def as_mask(flags: pa.Array) -> Mask:
    """Return flags as a numpy mask; NULL is false."""
    return np.asarray(flags.fill_null(False) if flags.null_count else flags)


def _wrong_type(name: str, kind: pa.DataType, wanted: str) -> InvalidInput:
    return InvalidInput(f"column {name!r} is of type {kind}; expected {wanted}")
