"""Drift of reliability: whether the items of a trait still measure one thing, as they did before.

For: the check ``reliable_as_before``. Not for: reliability in an answer (``insight.ocean``).

Read from item states alone, so that it costs the same at any number of rows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import psycopg

from ioc_analytics.kernel.errors import NotEnoughData
from ioc_analytics.monitoring.integrity import Finding
from ioc_analytics.monitoring.server import read_all
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.quality import ALPHA_CHANGE
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.states.catalogue import read_instruments
from ioc_analytics.states.items import ItemState, keyed_moments
from ioc_analytics.statistics.reliability import Reliability, measure_moments

NAME: Final = "reliable_as_before"
FEWEST_ANSWERED: Final = 100
"""Responses that a month, and the months before it, need: below, alpha tells little."""


def compare_reliability(connection: psycopg.Connection[Any]) -> Finding:
    """Compare alpha of the newest month with that of the year before it.

    A trait has drifted when alpha moved by more than ``ALPHA_CHANGE`` and the earlier alpha lies
    outside of Feldt's interval of the new one, so that chance alone raises no alarm.
    """
    newest: dict[str, list[ItemState]] = {}
    before: dict[str, list[ItemState]] = {}
    for row in read_all(connection, "item_months"):
        states = newest if row["is_newest"] else before
        found = ItemState.unpack(row["responses"], bytes(row["items"]))
        states.setdefault(row["instrument"], []).append(found)
    instruments = read_instruments(connection)
    rows = [
        row
        for name in sorted(newest.keys() & before.keys() & instruments.keys())
        for row in _compared(instruments[name], newest[name], before[name])
    ]
    if not rows:
        return Finding(NAME, True, 0, 0, "no two periods have enough answers to compare")
    faults = [row for row in rows if row["has_drifted"]]
    named = ", ".join(f"{row['trait']} of {row['instrument']}" for row in faults) or "none"
    summary = f"alpha of {len(rows)} traits compared with the months before; drifted: {named}"
    return Finding(NAME, not faults, len(rows), len(faults), summary, tuple(rows))


def _compared(
    scale: Instrument, newest: Sequence[ItemState], before: Sequence[ItemState]
) -> Iterator[Mapping[str, Any]]:
    now, then = dict(_measured(scale, newest)), dict(_measured(scale, before))
    for trait in TRAITS:
        if trait in now and trait in then:
            interval = now[trait].alpha_interval
            is_outside = not interval.low <= then[trait].alpha <= interval.high
            moved = abs(now[trait].alpha - then[trait].alpha)
            yield {
                "instrument": scale.name,
                "trait": trait,
                "newest": now[trait].alpha,
                "low": interval.low,
                "high": interval.high,
                "before": then[trait].alpha,
                "newest_answered": now[trait].sample_size,
                "answered_before": then[trait].sample_size,
                "has_drifted": is_outside and moved > ALPHA_CHANGE,
            }


def _measured(scale: Instrument, states: Iterable[ItemState]) -> Iterator[tuple[str, Reliability]]:
    together = ItemState.merge(list(states))
    if together.responses < FEWEST_ANSWERED:
        return
    for trait, moments in zip(TRAITS, together.traits, strict=True):
        if moments is None:
            continue
        try:
            yield trait, measure_moments(keyed_moments(moments, scale, trait))
        except NotEnoughData:
            continue
