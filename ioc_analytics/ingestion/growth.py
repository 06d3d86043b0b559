"""Arrays that grow with a batch.

For: ``ingestion.parents``, ``ingestion.answers``, ``ingestion.scores``. Not for: arrays whose
length is known.
"""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Kind = TypeVar("Kind", bound=np.generic)


def with_room(table: npt.NDArray[Kind], n_rows: int) -> npt.NDArray[Kind]:
    """Return the table with room for so many rows: itself, or a copy that is half as long again.

    The new rows are zero. The system gives them no memory before they are written to, so room that
    is never used costs nothing.
    """
    if n_rows <= len(table):
        return table
    shape: tuple[Any, ...] = (max(n_rows, 3 * len(table) // 2), *table.shape[1:])
    grown: npt.NDArray[Kind] = np.zeros(shape, dtype=table.dtype)
    grown[: len(table)] = table
    return grown
