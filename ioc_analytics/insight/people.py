"""How many people stand behind what is released, and which open labels are released by name.

For: everything that writes a released table. Not for: figures, or peers (``insight.peers``).

A person is a respondent's pseudonym; a response whose source names nobody is a person of its own.
States count responses and cannot add people up, so the rows say by how much a cell has more of the
former: usually by nothing, because few people answer twice in a month.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import psycopg

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.releases import MINIMUM_PEOPLE
from ioc_analytics.records.vocabularies import ALL, MERGED, TRAITS, UNKNOWN
from ioc_analytics.states.families import DIMENSIONS
from ioc_analytics.states.rebuild import cell_keys, midnight
from ioc_analytics.states.rows import plan_for_many

WITHHELD: Final = f"fewer than {MINIMUM_PEOPLE} people"

Key = tuple[Any, ...]
"""Instrument and the seven dimensions of a released cell."""

KEY: Final = ("instrument", *DIMENSIONS)
_INSTRUMENT: Final = KEY.index("instrument")
_TYPE: Final = KEY.index("assessment_type")
_CLOSED: Final = frozenset({ALL, MERGED, UNKNOWN})


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels by the two columns that no list closes: any word of a source may stand there."""

    instruments: frozenset[str]
    types: frozenset[str]

    def __or__(self, other: "Labels") -> "Labels":
        return Labels(self.instruments | other.instruments, self.types | other.types)

    def __sub__(self, other: "Labels") -> "Labels":
        return Labels(self.instruments - other.instruments, self.types - other.types)

    def hide(self, key: Key) -> Key:
        """Return the key with these labels replaced by ``unknown``."""
        hidden = list(key)
        if key[_INSTRUMENT] in self.instruments:
            hidden[_INSTRUMENT] = UNKNOWN
        if key[_TYPE] in self.types:
            hidden[_TYPE] = UNKNOWN
        return tuple(hidden)


def labels_of(keys: Iterable[Key]) -> Labels:
    """Return the labels of some cells."""
    keys = list(keys)
    return Labels(
        frozenset(key[_INSTRUMENT] for key in keys) - _CLOSED,
        frozenset(key[_TYPE] for key in keys) - _CLOSED,
    )


def known_labels(connection: psycopg.Connection[Any], types: Iterable[str]) -> Labels:
    """Return what may always be named: registered instruments, and the listed types."""
    names = connection.execute(sqlfiles.query("insight/instrument_names")).fetchall()
    return Labels(frozenset(name for (name,) in names), frozenset(types))


def common_labels(
    connection: psycopg.Connection[Any], start: date, end: date, labels: Labels
) -> Labels:
    """Return those of the labels that enough people have used in ``[start, end)``."""
    if not labels.instruments and not labels.types:
        return labels
    rows = connection.execute(
        sqlfiles.query("insight/common_labels"),
        {
            "start": midnight(start),
            "end": midnight(end),
            "instruments": sorted(labels.instruments),
            "types": sorted(labels.types),
            "minimum_people": MINIMUM_PEOPLE,
        },
    ).fetchall()
    return Labels(
        frozenset(label for column, label in rows if column == "instrument"),
        frozenset(label for column, label in rows if column == "assessment_type"),
    )


def count_repeats(
    connection: psycopg.Connection[Any],
    start: date,
    end: date,
    splits: Sequence[Sequence[str]],
    hidden: Labels,
) -> Mapping[Key, Sequence[int]]:
    """Count by how many scores the cells of the period ``[start, end)`` have more than people.

    Args:
        connection: A connection of the ingesting role.
        start: First day.
        end: First day after.
        splits: Dimensions that the cells are split by: each with and without the instrument.
        hidden: Labels that are released as ``unknown``.

    Returns:
        Repeats per trait, by cell; cells without any are absent.
    """
    plan_for_many(connection)
    period = {"start": midnight(start), "end": midnight(end)}
    found = connection.execute(sqlfiles.query("insight/repeated"), period).fetchall()
    connection.execute(sqlfiles.query("states/plan_for_few"))
    if not found:
        return {}
    _, people = np.unique([row[0].int for row in found], return_inverse=True)
    keys = [hidden.hide(row[1 : -len(TRAITS)]) for row in found]
    is_scored = np.array([row[-len(TRAITS) :] for row in found], dtype=np.int64)
    names: dict[str, list[str]] = {}
    cells = np.empty(len(keys), dtype=[(name, np.int32) for name in KEY])
    for name, column in zip(KEY, zip(*keys, strict=True), strict=True):
        words, cells[name] = np.unique(column, return_inverse=True)
        names[name] = words.tolist()
    repeats: dict[Key, Sequence[int]] = {}
    for split in splits:
        for columns in ((KEY[0], *split), tuple(split)):
            parts, places = cell_keys(cells, columns)
            counts = _repeats_of_cells(places, people, is_scored)
            for codes, of_each in zip(parts.tolist(), counts.tolist(), strict=True):
                values = {
                    name: names[name][code] for name, code in zip(columns, codes, strict=True)
                }
                repeats[tuple(values.get(name, ALL) for name in KEY)] = of_each
    return repeats


def _repeats_of_cells(
    cells: npt.NDArray[np.int64], people: npt.NDArray[np.int64], is_scored: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return the scores of each cell and trait beyond the first of each person."""
    size = int(people.max()) + 1
    pairs, places = np.unique(cells * size + people, return_inverse=True)
    scores = np.zeros((len(pairs), len(TRAITS)), dtype=np.int64)
    np.add.at(scores, places, is_scored)
    repeats = np.zeros((int(cells.max()) + 1, len(TRAITS)), dtype=np.int64)
    np.add.at(repeats, pairs // size, np.maximum(scores - 1, 0))
    return repeats


def shown_cells(
    connection: psycopg.Connection[Any], grain: str, start: date
) -> frozenset[tuple[Any, ...]]:
    """Return key and trait of the cells of a period that are shown now."""
    rows = connection.execute(
        sqlfiles.query("insight/shown_cells"), {"grain": grain, "start": start}
    )
    return frozenset(rows)
