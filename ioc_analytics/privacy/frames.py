"""Whatever a caller holds its records in, as an Arrow table.

For: ``privacy.pipeline`` and ``privacy.check``. Not for: files, or what the columns mean.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from ioc_analytics.kernel.errors import InvalidInput


def as_table(frame: Any, kind: str) -> pa.Table:
    """Return a DataFrame, Arrow table, record batch or list of dicts as an Arrow table.

    A column whose values are of several types becomes text. UUIDs become their 36 characters.

    Args:
        frame: The records.
        kind: Their kind, for the message.

    Raises:
        InvalidInput: It is none of these, or names a column twice.
    """
    match frame:
        case pa.Table():
            table = frame
        case pa.RecordBatch():
            table = pa.Table.from_batches([frame])
        case pd.DataFrame():
            names = [str(name) for name in frame.columns]
            table = _table(names, (_series(frame.iloc[:, place]) for place in range(len(names))))
        case Sequence() if not isinstance(frame, str | bytes):
            table = _from_records(frame, kind)
        case _:
            raise InvalidInput(
                f"{kind}: a DataFrame, an Arrow table or a list of dicts is expected, "
                f"found {type(frame).__name__}"
            )
    twice = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if twice:
        raise InvalidInput(f"{kind}: column {twice[0]!r} is there twice; keep one of them")
    return _without_uuid_types(table)


def _from_records(records: Sequence[Any], kind: str) -> pa.Table:
    for row, record in enumerate(records, 1):
        if not isinstance(record, Mapping):
            raise InvalidInput(
                f"{kind}, row {row}: a dict is expected, found {type(record).__name__}"
            )
    # Every record counts: Arrow itself takes the columns of the first one only.
    names = list(dict.fromkeys(name for record in records for name in record))
    columns = (_values([record.get(name) for record in records]) for name in names)
    return _table([str(name) for name in names], columns)


def _table(names: list[str], columns: Iterable[pa.Array]) -> pa.Table:
    return pa.Table.from_arrays(list(columns), names=names)


def _series(series: "pd.Series[Any]") -> pa.Array:
    if series.dtype == object:
        return _values([None if _is_missing(value) else value for value in series])
    column = pa.array(series, from_pandas=True)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or value != value


def _values(values: list[Any]) -> pa.Array:
    if any(isinstance(value, uuid.UUID) for value in values):
        values = [str(value) if isinstance(value, uuid.UUID) else value for value in values]
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _without_uuid_types(table: pa.Table) -> pa.Table:
    for place, field in enumerate(table.schema):
        if isinstance(field.type, pa.UuidType):
            texts = [value and str(value) for value in table.column(place).to_pylist()]
            table = table.set_column(place, field.name, pa.array(texts, pa.string()))
    return table
