"""Large arrays that grow with a batch, or are filled again and again.

For: ``ingestion.parents`` and the desks. Not for: arrays of a chunk.

Their memory comes from the system and goes back to it. What ``malloc`` takes back from an array
that grew it keeps, as a hole too small for the next: a quarter of the memory of a large batch.
"""

import math
import mmap
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Kind = TypeVar("Kind", bound=np.generic)


def zeros(shape: Sequence[int], dtype: "np.dtype[Kind] | type[Kind]") -> npt.NDArray[Kind]:
    """Return an array of zeros, not empty, that takes no memory where it is never written to."""
    n_values, width = math.prod(shape), np.dtype(dtype).itemsize
    memory = mmap.mmap(-1, n_values * width, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    array: npt.NDArray[Kind] = np.frombuffer(memory, dtype=dtype).reshape(shape)
    return array


def with_room(table: npt.NDArray[Any], n_rows: int) -> npt.NDArray[Any]:
    """Return the table with room for so many rows: itself, or a copy that is half as long again.

    The new rows are zero.
    """
    if n_rows <= len(table):
        return table
    grown = zeros((max(n_rows, 3 * len(table) // 2), *table.shape[1:]), table.dtype)
    grown[: len(table)] = table
    return grown
