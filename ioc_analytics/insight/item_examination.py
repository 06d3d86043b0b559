"""Before groups are compared: do the items work alike in them, on their newest answers?

For: ``insight.comparisons``, which warns by itself. Not for: the figures of every item of two
groups (``insight.item_functioning``).

Every group is compared with the largest one, instrument by instrument. Some twenty thousand of the
newest responses are read, not all: a difference that matters shows in them, and a comparison of
means stays quick.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import psycopg

from ioc_analytics.insight.item_functioning import compare_items
from ioc_analytics.records.answers import to_json
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.states.items import item_columns
from ioc_analytics.states.periods import Periods, Run
from ioc_analytics.states.reading import Ground, read_group_sheets, whole_run
from ioc_analytics.states.rebuild import midnight, next_month
from ioc_analytics.states.selection import Selection
from ioc_analytics.statistics.correlation import adjust_false_discovery
from ioc_analytics.statistics.item_functioning import (
    FEWEST_ITEMS,
    FEWEST_PEOPLE,
    SIGNIFICANCE,
    ItemFunctioning,
    analyze_items,
)

ENOUGH_RESPONSES: Final = 20_000
"""Newest responses whose answers are read."""


@dataclass(frozen=True, slots=True)
class LargeDifference:
    """Items of one trait that people of equal trait answer differently in two groups: class C."""

    instrument: str
    trait: str
    reference: str
    focal: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotExamined:
    """Groups whose items were not compared."""

    instrument: str
    groups: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class ItemExamination:
    """Whether the items work alike in the groups of a comparison."""

    large: tuple[LargeDifference, ...]
    not_examined: tuple[NotExamined, ...]
    sheets: Mapping[str, Mapping[str, int]]
    """Answer sheets that were read, by instrument and group."""

    since: datetime | None
    """Start times of the responses that were read; None: none were."""

    def to_dict(self) -> dict[str, Any]:
        """Return the examination ready for JSON."""
        return {name: to_json(value) for name, value in asdict(self).items()}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to know before the means are compared, in words."""
        differing = (
            f"{one.trait}: {', '.join(one.items)} of {one.instrument} work differently for "
            f"{one.focal} than for {one.reference} (class C); a difference of the means may stem "
            "from them"
            for one in self.large
        )
        unknown = (
            f"items of {one.instrument} not examined for {', '.join(one.groups)}: {one.reason}"
            for one in self.not_examined
        )
        return (*differing, *unknown)


def examine_items(
    connection: psycopg.Connection[Any],
    selection: Selection,
    ground: Ground,
    by: str,
    groups: Sequence[str],
    instruments: Iterable[str],
    months: Mapping[date, int],
) -> ItemExamination:
    """Compare the items of all groups with those of the largest, in the caller's snapshot.

    Args:
        connection: A connection inside the snapshot.
        selection: Which responses.
        ground: What answers of the snapshot stand on.
        by: The dimension that makes the groups.
        groups: Its categories that are compared.
        instruments: Questionnaires that the responses answered.
        months: Scored responses of each month.
    """
    run = _newest(ground.periods, months)
    large: list[LargeDifference] = []
    missing: list[NotExamined] = []
    sheets: dict[str, dict[str, int]] = {}
    for name in instruments:
        scale = ground.catalogue.instruments.get(name)
        reason = _obstacle(scale, run)
        if reason or scale is None or run is None:
            missing.append(NotExamined(name, tuple(groups), reason))
            continue
        read = read_group_sheets(connection, selection, ground, scale, by, run)
        found = {group: read[group] for group in groups if group in read}
        sheets[name] = {group: len(answers) for group, answers in found.items()}
        some_large, some_missing = _compare(scale, groups, found)
        large += some_large
        missing += some_missing
    return ItemExamination(tuple(large), tuple(missing), sheets, run[0] if run else None)


def _compare(
    scale: Instrument, groups: Sequence[str], sheets: Mapping[str, npt.NDArray[np.int8]]
) -> tuple[list[LargeDifference], list[NotExamined]]:
    if not sheets:
        reason = "no item answers are stored for the newest responses"
        return [], [NotExamined(scale.name, tuple(groups), reason)]
    reference = max(sheets, key=lambda name: len(sheets[name]))
    left: list[str] = []
    nobody = np.empty((0, len(scale.items)), np.int8)
    found: list[tuple[str, str, ItemFunctioning]] = []
    for focal in groups:
        if focal == reference:
            continue
        answers = sheets.get(focal, nobody)
        traits, _ = compare_items(scale, sheets[reference], answers, analyze_items)
        if not traits:
            left.append(focal)
        found += [(focal, trait, item) for trait, items in traits.items() for item in items]
    large: dict[tuple[str, str], list[str]] = {}
    for focal, trait, item in _beyond_chance(found):
        large.setdefault((focal, trait), []).append(item.item)
    differing = [
        LargeDifference(scale.name, trait, reference, focal, tuple(items))
        for (focal, trait), items in large.items()
    ]
    reason = f"fewer than {FEWEST_PEOPLE} complete sheets in the group or in {reference}"
    return differing, [NotExamined(scale.name, tuple(left), reason)] if left else []


def _beyond_chance(
    found: Sequence[tuple[str, str, ItemFunctioning]],
) -> list[tuple[str, str, ItemFunctioning]]:
    """Return the items of class C, false ones held at 5 % over all groups and traits.

    Twenty sectors make a thousand tests: trait by trait, four or five would be false alarms.
    """
    tested = [one for one in found if one[2].p_value is not None]
    if not tested:
        return []
    adjusted = adjust_false_discovery([item.p_value or 0.0 for *_, item in tested]).tolist()
    return [
        one
        for one, p in zip(tested, adjusted, strict=True)
        if one[2].item_class == "C" and p < SIGNIFICANCE
    ]


def _obstacle(scale: Instrument | None, run: Run | None) -> str:
    if run is None:
        return "the rows of the newest responses are gone"
    if scale is None:
        return "its items are not in the catalogue"
    if max(len(item_columns(scale, trait)) for trait in TRAITS) < FEWEST_ITEMS:
        return f"it has fewer than {FEWEST_ITEMS} items per trait"
    return ""


def _newest(periods: Periods, months: Mapping[date, int]) -> Run | None:
    """Return the end of the range that holds about as many responses as are read."""
    start, end = whole_run(periods)
    if months:
        start = max(start, midnight(min(months)))
        end = min(end, midnight(next_month(max(months))))
    missing = ENOUGH_RESPONSES
    for month in sorted(months, reverse=True):
        number, after = months[month], midnight(next_month(month))
        if number >= missing:
            days = -(-(after - midnight(month)).days * missing // number)
            start = max(start, after - timedelta(days=days))
            break
        missing -= number
    if periods.sealed_months:
        start = max(start, midnight(next_month(periods.sealed_months[-1])))
    return (start, end) if start < end else None
