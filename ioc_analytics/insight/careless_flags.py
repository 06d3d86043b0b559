"""Every response with its signs of careless responding, and which of them lie beyond a cut-off.

For: the facade. Not for: rates and means without the flagged (``insight.careless``), or deciding
who is left out: one sign alone is weak evidence, so all of them stand side by side.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
import pandas as pd
import psycopg

from ioc_analytics.insight.careless_signs import SIGNS, Sign, signs_of
from ioc_analytics.insight.refusals import nothing_passes
from ioc_analytics.records.answers import to_json
from ioc_analytics.records.filters import Filter, TimeRange
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.states.items import MISSING
from ioc_analytics.states.reading import read_ground, read_identified_sheets, snapshot
from ioc_analytics.states.rows import answer_matrix
from ioc_analytics.states.selection import select
from ioc_analytics.statistics.careless import SECONDS_PER_ANSWER

TIME: Final = "seconds_per_answer"
"""The sign of time: mean seconds per answered question."""


@dataclass(frozen=True, slots=True)
class CarelessFlags:
    """The signs of every response that has answers."""

    frame: pd.DataFrame
    """One row per response: ``response_hash``, ``instrument``, each sign and whether it lies
    beyond its cut-off (``NAME`` and ``NAME_flag``, both empty where it cannot be had),
    ``signs`` (how many do), and ``is_careless`` as ingestion set it."""

    cut_offs: Mapping[str, Mapping[str, str]]
    """By instrument and sign."""

    withheld: tuple[Mapping[str, str], ...]
    filters: tuple[Filter, ...]
    time_range: TimeRange
    as_of: datetime | None

    def to_frame(self) -> pd.DataFrame:
        """Return one row per response."""
        return self.frame

    def to_dict(self) -> dict[str, Any]:
        """Return the signs ready for JSON; what cannot be had is None."""
        rows = self.frame.astype(object).where(self.frame.notna(), None)
        return {
            "responses": [
                {str(name): to_json(value) for name, value in row.items()}
                for row in rows.to_dict("records")
            ],
            "cut_offs": to_json(self.cut_offs),
            "withheld": to_json(self.withheld),
            "filters": [one.to_dict() for one in self.filters],
            "time_range": self.time_range.to_dict(),
            "as_of": to_json(self.as_of),
        }


def flag_careless(
    connection: psycopg.Connection[Any],
    filters: Sequence[Filter],
    time_range: TimeRange,
    organization: Callable[[str], UUID],
) -> CarelessFlags:
    """Measure every sign of every response, from the answers; distances are those of the selection.

    Args:
        connection: A connection of the analyst's role.
        filters: Conditions, all of which must hold.
        time_range: Start times of the responses, half-open.
        organization: Gives the pseudonym of an organization's own id.

    Raises:
        InvalidInput: An unknown category, or rows of the range are gone.
        NotEnoughData: No response with answers.
    """
    withheld: list[Mapping[str, str]] = []
    frames: list[pd.DataFrame] = []
    cut_offs: dict[str, Mapping[str, str]] = {}
    with snapshot(connection):
        ground = read_ground(connection, time_range)
        for name, scale in sorted(ground.catalogue.instruments.items()):
            own = (*filters, Filter("instrument", "eq", name))
            chosen = select(own, ground.catalogue.categories, organization)
            blocks = list(read_identified_sheets(connection, chosen, ground, scale))
            if not blocks:
                continue
            rows = np.concatenate(blocks)
            signs = [*signs_of(answer_matrix(rows), scale, withheld), _time(rows)]
            frames.append(_frame(rows, scale, signs))
            cut_offs[name] = {sign.name: sign.cut_off for sign in signs}
    if not frames:
        raise nothing_passes("responses with answers")
    return CarelessFlags(
        pd.concat(frames, ignore_index=True),
        cut_offs,
        tuple(withheld),
        tuple(filters),
        time_range,
        ground.as_of,
    )


def _time(rows: Any) -> Sign:
    answered = (answer_matrix(rows) != MISSING).sum(axis=1)
    seconds = np.where(answered > 0, rows["seconds"] / np.maximum(answered, 1), np.nan)
    return Sign(TIME, seconds, seconds < SECONDS_PER_ANSWER, f"< {SECONDS_PER_ANSWER:g}")


def _frame(rows: Any, scale: Instrument, signs: Sequence[Sign]) -> pd.DataFrame:
    found = {sign.name: sign for sign in signs}
    return pd.DataFrame(
        {
            "response_hash": [UUID(bytes=one.tobytes()) for one in rows["id"]],
            "instrument": scale.name,
            **dict(_columns(found, len(rows))),
            "signs": np.sum([sign.is_flagged for sign in signs], axis=0),
            "is_careless": rows["is_careless"].astype(bool),
        }
    )


def _columns(found: Mapping[str, Sign], n: int) -> Iterator[tuple[str, Any]]:
    for name in (*SIGNS, TIME):
        sign = found.get(name)
        flags = pd.array([pd.NA] * n, dtype="boolean")
        if sign is not None:
            flags[sign.is_known] = sign.is_flagged[sign.is_known]
        yield name, np.full(n, np.nan) if sign is None else sign.values
        yield f"{name}_flag", flags
