"""Lines of CSV from the server as Arrow columns, by declared types.

For: whatever brings many rows here (``publishing.decoding``, ``query.streaming``). Not for: files
(``files.delimited``), whose content nobody vouches for.
"""

import io
from collections.abc import Mapping
from typing import Final

import pyarrow as pa
import pyarrow.csv as pa_csv

from ioc_analytics.kernel.errors import InvalidInput

ARROW_TYPES: Final[Mapping[str, pa.DataType]] = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "numeric": pa.float64(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "timestamp": pa.timestamp("us"),
}
"""PostgreSQL types that have one of their own in Arrow; all others become text."""


def read_lines(data: bytes, schema: pa.Schema) -> pa.Table:
    """Return lines of CSV without a header as columns; an empty cell is NULL, ``""`` an empty text.

    Raises:
        InvalidInput: A value is beyond what Arrow's type holds, such as an infinite date.
    """
    try:
        return pa_csv.read_csv(
            io.BytesIO(data),
            pa_csv.ReadOptions(column_names=schema.names, block_size=max(len(data), 1)),
            pa_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            pa_csv.ConvertOptions(
                column_types=schema,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["true", "t"],
                false_values=["false", "f"],
            ),
        )
    except pa.ArrowInvalid as error:
        raise InvalidInput(
            "a value does not fit the column's type in Arrow, such as an infinite date; "
            "cast that column to text"
        ) from error
