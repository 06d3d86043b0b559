"""Digests of rows: whether a record of the same version also has the same content.

For: ingestion, which compares what comes with what is stored. Not for: security (an adversary
could find collisions) or whole batches (SHA-256, in ``files.batches``).

A digest is 64 bits per row, a function of the values alone: the same on every machine, in every
release and for every way in which Arrow may hold the same values. It is stored in the database.
"""

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_NULL = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def row_digests(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """Return the digest of each row over all columns of the batch, in their order.

    Returns:
        Shape ``(n_rows,)``, signed as PostgreSQL's ``bigint``.
    """
    total = np.full(batch.num_rows, _NULL, dtype=np.uint64)
    for column in batch.columns:
        total = _mix(total + _column_hashes(column))
    return total.view(np.int64)


def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    # The finaliser of splitmix64 (Steele, Lea & Flood 2014, doi:10.1145/2714064.2660195).
    values = (values ^ (values >> np.uint64(30))) * _FIRST
    values = (values ^ (values >> np.uint64(27))) * _SECOND
    return values ^ (values >> np.uint64(31))


def _column_hashes(column: pa.Array) -> npt.NDArray[np.uint64]:
    kind = column.type
    if pa.types.is_dictionary(kind) and not pa.types.is_string(kind.value_type):
        # Ids may come as a dictionary; their digest is that of the bytes all the same.
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_boolean(kind):
        return _word_hashes(column)
    if pa.types.is_fixed_size_binary(kind):
        return _bytes_hashes(column)
    if pa.types.is_floating(kind):
        # Adding zero makes -0.0 and 0.0 one value.
        numbers = pc.fill_null(column.cast(pa.float64()), 0.0).to_numpy(zero_copy_only=False) + 0.0
        hashes = numbers.view(np.uint64).copy()
    else:
        whole = pc.fill_null(column.cast(pa.int64()), 0)
        hashes = whole.to_numpy(zero_copy_only=False).view(np.uint64).copy()
    hashes = _mix(hashes + _FIRST)
    hashes[_nulls(column)] = _NULL
    return hashes


def _word_hashes(column: pa.Array) -> npt.NDArray[np.uint64]:
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    words = column.dictionary.to_pylist()
    known = np.array(
        [
            int.from_bytes(hashlib.blake2b(str(word).encode(), digest_size=8).digest(), "little")
            for word in words
        ]
        + [int(_NULL)],
        dtype=np.uint64,
    )
    codes = pc.fill_null(column.indices, len(words)).to_numpy(zero_copy_only=False)
    return np.asarray(known[codes])


def _bytes_hashes(column: pa.Array) -> npt.NDArray[np.uint64]:
    halves = fixed_bytes(column).view("<u8")
    hashes = _mix(_mix(halves[:, 0] + _FIRST) + halves[:, 1])
    hashes[_nulls(column)] = _NULL
    return hashes


def _nulls(column: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(column.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)


def fixed_bytes(column: pa.Array) -> npt.NDArray[np.uint8]:
    """Return a column of 16-byte values as an array of shape ``(n_rows, 16)``; NULL is zeros."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if column.null_count:
        column = pc.fill_null(column, pa.scalar(b"\0" * 16, type=column.type))
    data = column.buffers()[1]
    if data is None:
        return np.zeros((0, 16), dtype=np.uint8)
    whole = np.frombuffer(data, dtype=np.uint8, count=16 * (len(column) + column.offset))
    return whole.reshape(-1, 16)[column.offset :]


def fixed_array(identifiers: npt.NDArray[np.uint8]) -> pa.Array:
    """Return an array of shape ``(n_rows, 16)`` as an Arrow column of 16-byte values."""
    data = pa.py_buffer(np.ascontiguousarray(identifiers))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(identifiers), [None, data])
