"""The judgement of a release inside its own transaction: what breaks a promise is never committed.

For: ``insight.refresh``, through which every release goes. Not for: looking at what is released
already (``monitoring.integrity``), which readers have seen by then.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

import psycopg

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import IntegrityFailure
from ioc_analytics.records.releases import MINIMUM_PEOPLE
from ioc_analytics.states.proof import Difference, unequal_states
from ioc_analytics.states.rebuild import next_month

_SHOWN: Final = 3


def judge_states(connection: psycopg.Connection[Any], month: date) -> None:
    """Refuse to release from states that differ from their rows.

    Raises:
        IntegrityFailure: They do.
    """
    found = unequal_states(connection, month)
    if found:
        shown = "; ".join(map(_in_words, found[:_SHOWN]))
        raise IntegrityFailure(
            f"the states of {month:%Y-%m} differ from their rows in {len(found)} places: {shown}. "
            "Nothing of the month was released; count it again with `ioc-analytics refresh "
            f"--rebuild --month {month:%Y-%m}`"
        )


def judge_released(connection: psycopg.Connection[Any], months: Iterable[date]) -> None:
    """Refuse released figures of some months that are about too few people.

    Raises:
        IntegrityFailure: There are some.
    """
    for month in sorted(months):
        period = {"minimum": MINIMUM_PEOPLE, "start": month, "end": next_month(month)}
        rows = connection.execute(sqlfiles.query("monitoring/too_small"), period).fetchall()
        faults = [f"{number} of {cells} in {table}" for table, cells, number in rows if number]
        if faults:
            raise IntegrityFailure(
                f"released figures of {month:%Y-%m} would be about fewer than {MINIMUM_PEOPLE} "
                f"people: {', '.join(faults)}. Nothing was released, and what readers see is as "
                "it was; the promise is `nothing_small_released`. When `ioc-analytics refresh "
                f"--rebuild --month {month:%Y-%m}` says the same, the release itself is at fault"
            )


def _in_words(one: Difference) -> str:
    when = "the month" if one.day is None else one.day.isoformat()
    numbers = (
        f"{one.in_states} scores instead of {one.expected}"
        if one.in_states != one.expected
        else f"another sum of the {one.expected} scores"
    )
    return f"{one.family} has, of {one.trait} and {when}, {numbers}"
