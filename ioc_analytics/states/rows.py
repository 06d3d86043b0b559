"""Reading rows as numbers: one fixed-width record per response, and answer vectors.

For: counting states and for answers where no state can serve. Not for: SQL of people (``query``).

Rows that were sealed are left out: they live on in the sealed states.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg import sql

from ioc_analytics.database.copying import FIXED_TYPES, copy_out
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.metrics import AI_TOLERANCE_POINTS
from ioc_analytics.records.vocabularies import TRAITS

_COLUMNS: Final = (
    ("day", "int4"),
    ("instrument", "int2"),
    ("is_careless", "bool"),
    ("industry_category", "int2"),
    ("org_size_category", "int2"),
    ("region", "int2"),
    ("age_band", "int2"),
    ("gender", "int2"),
    ("device_type", "int2"),
    ("assessment_type", "int2"),
    ("status", "int2"),
    ("id", "uuid"),
    ("org_hash", "uuid"),
    ("seconds", "float8"),
    *((trait, "float8") for trait in TRAITS),
    ("validated", "int4"),
    ("agreed", "int4"),
)

SHEET: Final = ("day", "is_careless", "category", "answers")
"""What is wanted of an answer vector unless somebody wants more."""

COLUMNS: Final = frozenset(name for name, _ in _COLUMNS)

NO_ROWS: Final = np.empty(0, dtype=[(name, FIXED_TYPES[kind]) for name, kind in _COLUMNS])
"""What ``read_rows`` yields, with nothing in it."""

COMPLETED: Final = 1
ABANDONED: Final = 2
"""Numbers of these in ``status``; 0 is any other."""


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Which responses to read; None: all."""

    codes: Mapping[str, tuple[int, ...] | None]
    """Numbers of the allowed categories, by dimension."""

    is_careless: bool | None = None
    organizations: tuple[str, ...] | None = None
    """Pseudonyms of the organizations to keep."""

    other_organizations: tuple[str, ...] | None = None
    """Pseudonyms of the organizations to leave out."""

    last_batch: int | None = None
    """Newest batch whose responses are read."""

    last_id: UUID | None = None
    """Last pseudonym of a sample (``sample_end``); answer vectors take none."""

    def parameters(self) -> dict[str, Any]:
        """Return the filter as parameters of the statements."""
        names = ("instrument", *(n for n, kind in _COLUMNS if kind == "int2" and n != "status"))
        codes = {name: self.codes.get(name) for name in names}
        return {
            **{name: None if code is None else list(code) for name, code in codes.items()},
            "is_careless": self.is_careless,
            "last_batch": self.last_batch,
            "last_id": self.last_id,
            **self.organization_parameters(),
        }

    def organization_parameters(self) -> dict[str, list[str] | None]:
        """Return the organizations alone as parameters: states know them too."""
        kept, left_out = self.organizations, self.other_organizations
        return {
            "organizations": None if kept is None else list(kept),
            "other_organizations": None if left_out is None else list(left_out),
        }


def sample_end(share: float) -> UUID:
    """Return the pseudonym up to which a share of all responses lies: they are evenly spread.

    Example:
        >>> sample_end(0.25)
        UUID('40000000-0000-0000-0000-000000000000')
    """
    return UUID(int=min(int(share * 2**128), 2**128 - 1))


EVERYONE: Final = RowFilter({})


def read_rows(
    connection: psycopg.Connection[Any],
    start: datetime,
    end: datetime,
    chosen: RowFilter = EVERYONE,
    columns: Collection[str] = COLUMNS,
) -> Iterator[npt.NDArray[np.void]]:
    """Read the responses started in ``[start, end)``, in blocks.

    Args:
        connection: A connection that may read responses.
        start: First moment.
        end: First moment after.
        chosen: Which of them.
        columns: What is wanted of each; what is not, the server neither joins nor sends.

    Yields:
        Structured arrays: ``day`` in days since 2000-01-01, categories as catalogue numbers,
        the pseudonyms ``id`` and ``org_hash``, ``seconds`` and the five traits as points, NaN
        where absent, and the pairs of AI scores.
    """
    plan_for_many(connection)
    wanted = [(name, kind) for name, kind in _COLUMNS if name in columns]
    yield from copy_out(
        connection,
        _selecting(wanted, "states/rows"),
        chosen.parameters() | {"start": start, "end": end, "tolerance": AI_TOLERANCE_POINTS},
        wanted,
    )


def read_answers(
    connection: psycopg.Connection[Any],
    start: datetime,
    end: datetime,
    instrument: str,
    n_items: int,
    chosen: RowFilter = EVERYONE,
    by: str | None = None,
    columns: Collection[str] = SHEET,
) -> Iterator[npt.NDArray[np.void]]:
    """Read the answer vectors of one instrument of responses started in ``[start, end)``.

    Yields:
        Structured arrays with the columns that are wanted: ``day``, ``is_careless``, ``category``
        (number in the dimension ``by``, 0 without one), ``answers`` (``n_items`` bytes), ``id`` and
        ``seconds`` (spent; NaN: unknown).
    """
    plan_for_many(connection)
    kinds = {
        "day": "int4",
        "is_careless": "bool",
        "category": "int2",
        "answers": f"bytea:{n_items}",
        "id": "uuid",
        "seconds": "float8",
    }
    wanted = [(name, kind) for name, kind in kinds.items() if name in columns]
    yield from copy_out(
        connection,
        _selecting(wanted, "states/answers"),
        chosen.parameters() | {"start": start, "end": end, "name": instrument, "by": by},
        wanted,
    )


def _selecting(columns: Sequence[tuple[str, str]], query: str) -> sql.Composed:
    return sql.SQL("SELECT {} FROM (\n{}\n) AS q").format(
        sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
        sql.SQL(sqlfiles.query(query)),
    )


def plan_for_many(connection: psycopg.Connection[Any]) -> None:
    """Have many rows joined by hash, in the order as written, until the transaction ends."""
    # A fresh partition has no statistics: the planner expects a row or two and joins by nested
    # loops, which took 46 s for 15,000 responses where hash joins take 0.1 s. The joins are
    # written in a good order; weighing all others of twelve tables takes longer than a day's read.
    connection.execute(sqlfiles.query("states/plan_for_many"))


def score_matrix(rows: npt.NDArray[np.void]) -> npt.NDArray[np.float64]:
    """Return the trait scores of rows, shape ``(n_responses, 5)``, NaN where absent."""
    return np.column_stack([rows[trait].astype(np.float64) for trait in TRAITS])


def answer_matrix(rows: npt.NDArray[np.void]) -> npt.NDArray[np.int8]:
    """Return the answers of rows, shape ``(n_responses, n_items)``."""
    answers = np.ascontiguousarray(rows["answers"])
    return answers.view(np.int8).reshape(len(rows), -1)
