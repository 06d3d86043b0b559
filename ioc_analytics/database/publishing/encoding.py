"""Frames as CSV for COPY, a block at a time, in the types of the table they go into.

For: ``staging``. Not for: reading (``decoding``), or relations, which never leave the server.

Whatever speaks Arrow goes in: pandas and polars frames, Arrow tables and streams of batches.
pandas' NaN is its NULL; a NaN of Arrow's or polars' is a number and stays one.
"""

import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.csv

from ioc_analytics.kernel.errors import InvalidInput

_ROWS: Final = 50_000
_WHOLE_ARRAYS: Final = ("smallint[]", "integer[]", "bigint[]")


def is_frame(data: object) -> bool:
    """Whether something has columns that Arrow can take over."""
    return isinstance(data, pd.DataFrame) or hasattr(data, "__arrow_c_stream__")


def is_repeatable(data: object) -> bool:
    """Whether something can be read again; a stream of batches cannot."""
    return not isinstance(data, pa.RecordBatchReader)


def arrow_stream(data: Any, types: Mapping[str, str]) -> pa.RecordBatchReader:
    """Return a frame as a stream of record batches.

    Args:
        data: What :func:`is_frame` accepts.
        types: Types of the table's columns.

    Raises:
        InvalidInput: A column of a pandas frame holds values of several kinds.
    """
    if isinstance(data, pd.DataFrame):
        return _from_pandas(data, types).to_reader()
    return pa.RecordBatchReader.from_stream(data)


def csv_blocks(stream: Iterable[pa.RecordBatch], types: Mapping[str, str]) -> Iterator[bytes]:
    """Yield the rows of a stream as lines of CSV, some ten thousand at once."""
    options = pyarrow.csv.WriteOptions(include_header=False)
    for batch in stream:
        for start in range(0, batch.num_rows, _ROWS):
            rows = batch.slice(start, _ROWS)
            columns = {name: _plain(rows.column(name), types[name]) for name in rows.schema.names}
            block = io.BytesIO()
            pyarrow.csv.write_csv(pa.record_batch(columns), block, options)
            yield block.getvalue()


def _from_pandas(data: pd.DataFrame, types: Mapping[str, str]) -> pa.Table:
    columns = {}
    for name in data.columns:
        values = data[name]
        if types.get(name) in ("json", "jsonb"):
            # As structs, objects would all get the keys of all others.
            values = values.map(lambda one: _text(one) if isinstance(one, dict | list) else one)
        try:
            columns[name] = pa.array(values, from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            kinds = sorted({type(one).__name__ for one in values})
            raise InvalidInput(
                f"column {name!r} holds values that do not go together ({', '.join(kinds)}): "
                "make them one kind"
            ) from error
    return pa.table(columns)


def _plain(column: pa.Array, target: str) -> pa.Array:
    """Return a column in a type that Arrow writes as CSV and PostgreSQL reads as its target's."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):  # such as arrow.uuid
        return _plain(column.storage, target)
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type), target)
    if pa.types.is_null(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.large_string())
    if pa.types.is_duration(kind):
        micros = column.cast(pa.duration("us"), safe=False).cast(pa.int64()).to_pylist()
        texts = [None if one is None else f"{one} microseconds" for one in micros]
        return pa.array(texts, type=pa.string())
    if not (_is_bytes(kind) or pa.types.is_nested(kind)):
        return column
    write = _array_literal if target.endswith("[]") else _literal
    texts = [None if value is None else write(value, target) for value in column.to_pylist()]
    return pa.array(texts, type=pa.large_string())


def _is_bytes(kind: pa.DataType) -> bool:
    return any(
        test(kind)
        for test in (
            pa.types.is_binary,
            pa.types.is_large_binary,
            pa.types.is_binary_view,
            pa.types.is_fixed_size_binary,
        )
    )


def _array_literal(value: Any, target: str) -> str:
    """Return a value of an array column as PostgreSQL reads it, such as ``{"1",NULL}``."""
    if isinstance(value, float) and target in _WHOLE_ARRAYS:  # pandas' integers beside a NULL
        value = None if math.isnan(value) else int(value) if value.is_integer() else value
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return "{" + ",".join(_array_literal(one, target) for one in value) + "}"
    quoted = _literal(value, target).replace("\\", r"\\").replace('"', r"\"")
    return f'"{quoted}"'


def _literal(value: Any, target: str) -> str:
    if isinstance(value, bytes):  # a UUID is read from its 32 digits
        return value.hex() if target.startswith("uuid") else f"\\x{value.hex()}"
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, default=_text)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
