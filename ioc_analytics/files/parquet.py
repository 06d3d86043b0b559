"""Parquet as a stream of columns of native types, dictionaries kept.

For: ``files.readers``. Not for: text formats.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from ioc_analytics.files.tables import RawChunk
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.settings import LimitsSettings
from ioc_analytics.records.readings import is_text

_BUFFER_BYTES: Final = 1024**2
_BYTES_PER_VALUE: Final = 4
"""Least room of a value once it is read: a dictionary code, or a short number."""


def read_names(path: Path, name: str, limits: LimitsSettings) -> tuple[str, ...]:
    """Return the column names of a file.

    Raises:
        InvalidInput: The file is damaged or passes a limit.
    """
    with _opened(path, name, frozenset()) as file:
        metadata = file.metadata
        if metadata.num_columns > limits.max_columns:
            raise InvalidInput(
                f"{name} has {metadata.num_columns} columns, "
                f"more than limits.max_columns ({limits.max_columns})"
            )
        return tuple(file.schema_arrow.names)


def read_rows(
    path: Path,
    name: str,
    wanted: frozenset[str],
    plain: frozenset[str],
    n_rows: int,
    limits: LimitsSettings,
) -> Iterator[RawChunk]:
    """Yield the rows of a file.

    Args:
        path: The file.
        name: How messages call it.
        wanted: Columns to return.
        plain: Text columns that repeat no value and are not worth a dictionary. All others keep
            theirs: it spares work later, and a megabyte named a million times stays a megabyte.
        n_rows: Rows per chunk.
        limits: Most bytes after decompression.

    Raises:
        InvalidInput: The file is damaged or passes a limit.
    """
    with _opened(path, name, wanted - plain) as file:
        columns = [column for column in file.schema_arrow.names if column in wanted]
        _check_size(file.metadata, name, len(columns), limits)
        row, seen = 1, dict[str, pa.Array]()
        for batch in file.iter_batches(batch_size=n_rows, columns=columns, use_threads=False):
            lines = pa.array(np.arange(row, row + batch.num_rows))
            pairs = zip(columns, batch.columns, strict=True)
            arrays = [_with_known_dictionary(name, array, seen) for name, array in pairs]
            row += batch.num_rows
            share = (row - 1) / file.metadata.num_rows
            yield RawChunk(pa.Table.from_arrays(arrays, names=columns), lines, share=share)


def _with_known_dictionary(name: str, array: pa.Array, seen: dict[str, pa.Array]) -> pa.Array:
    """Put the same dictionary object under batches that share a dictionary.

    Each batch comes with a copy of the dictionary of its whole row group; pseudonyms are made once
    per dictionary, and without this ten times as often.
    """
    if not pa.types.is_dictionary(array.type):
        return array
    known = seen.get(name)
    if known is None or not known.equals(array.dictionary):
        seen[name] = array.dictionary
        return array
    return pa.DictionaryArray.from_arrays(array.indices, known, safe=False)


def _check_size(
    metadata: pyarrow.parquet.FileMetaData, name: str, n_columns: int, limits: LimitsSettings
) -> None:
    groups = (metadata.row_group(place) for place in range(metadata.num_row_groups))
    # Run lengths make a billion equal values small: what is stored says little of what is read.
    stored = sum(group.total_byte_size for group in groups)
    read = metadata.num_rows * n_columns * _BYTES_PER_VALUE
    if max(stored, read) > limits.max_expanded_bytes:
        raise InvalidInput(
            f"{name}: {metadata.num_rows} rows of {n_columns} columns are more than "
            f"{limits.max_expanded_bytes} bytes; split it, or raise limits.max_expanded_bytes"
        )


@contextmanager
def _opened(
    path: Path, name: str, as_dictionary: frozenset[str]
) -> Iterator[pyarrow.parquet.ParquetFile]:
    try:
        schema = pyarrow.parquet.read_schema(path)
        encoded = [f.name for f in schema if f.name in as_dictionary and is_text(f.type)]
        with pyarrow.parquet.ParquetFile(
            path, read_dictionary=encoded, pre_buffer=False, buffer_size=_BUFFER_BYTES
        ) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0][:200]
        raise InvalidInput(f"{name} cannot be read as Parquet: {reason}") from error
