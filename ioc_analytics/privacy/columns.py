"""Whole Arrow columns turned into categories, with one call per distinct value.

For: ``privacy.anonymize`` and ``privacy.check``. Not for: what a value means (``regions``,
``industries``, ``devices``, ``bands``).

A million rows hold a few hundred countries and a few thousand browsers. So a column is
dictionary-encoded, its distinct values are looked at in Python, and the answers are spread over the
rows by index.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from ioc_analytics.records.vocabularies import UNKNOWN

Array: TypeAlias = pa.Array
Column: TypeAlias = pa.Array | pa.ChunkedArray


@dataclass(frozen=True, slots=True)
class Reading:
    """What one value was taken for."""

    category: str | None
    """The category; None leaves the cell null."""

    is_understood: bool = True
    """False when the value said something that no category stands for."""


@dataclass(frozen=True, slots=True)
class Read:
    """A column of categories."""

    values: Array
    """One plain string per row."""

    not_understood: Array
    """One boolean per row, never null: the row's value said something that could not be used."""


def one_array(column: Column) -> Array:
    """Return a column as one array; a single chunk is handed on without a copy."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    whole: Array = column.unify_dictionaries().combine_chunks()
    return whole


def encode(column: Column) -> Array:
    """Return a column as one dictionary array."""
    values = one_array(column)
    if pa.types.is_dictionary(values.type):
        return values
    encoded: Array = pc.dictionary_encode(values)
    return encoded


def read_column(
    column: Column, read: Callable[[str], Reading], *, absent: str | None = UNKNOWN
) -> Read:
    """Return what ``read`` makes of each distinct value, spread over the rows.

    Args:
        column: Strings, plain or dictionary-encoded.
        read: Called once per distinct value.
        absent: What a null becomes.
    """
    encoded = encode(column)
    readings = [
        Reading(absent) if value is None else read(value)
        for value in encoded.dictionary.to_pylist()
    ]
    categories = pa.array([reading.category for reading in readings], pa.string())
    misread = pa.array([not reading.is_understood for reading in readings], pa.bool_())
    values = categories.take(encoded.indices)
    if absent is not None and encoded.indices.null_count:
        values = pc.if_else(pc.is_null(encoded.indices), pa.scalar(absent), values)
    return Read(values, pc.fill_null(misread.take(encoded.indices), False))


def closed(
    vocabulary: Iterable[str], *, otherwise: str | None = UNKNOWN
) -> Callable[[str], Reading]:
    """Return a reader that knows the words of a closed list and nothing else."""
    words = frozenset(vocabulary)

    def read(value: str) -> Reading:
        return Reading(value) if value in words else Reading(otherwise, is_understood=False)

    return read
