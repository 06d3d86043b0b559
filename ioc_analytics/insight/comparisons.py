"""Do groups differ in the five traits: tests, effect sizes and pairs, from states.

For: the facade, reports. Not for: formulas (``statistics.comparison``), or time
(``insight.longitudinal``).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
import pandas as pd
import psycopg

from ioc_analytics.insight.groupings import check_grouping
from ioc_analytics.insight.item_examination import ItemExamination, examine_items
from ioc_analytics.insight.refusals import nothing_passes
from ioc_analytics.kernel.errors import NotEnoughData
from ioc_analytics.records.answers import to_json
from ioc_analytics.records.filters import Filter, TimeRange
from ioc_analytics.records.vocabularies import MERGED, TRAITS, UNKNOWN
from ioc_analytics.states.cells import TraitCells
from ioc_analytics.states.reading import (
    GroupedAnswer,
    Source,
    read_ground,
    read_groups,
    snapshot,
)
from ioc_analytics.states.selection import select
from ioc_analytics.statistics.comparison import (
    GroupSummary,
    GroupTest,
    PairComparison,
    VarianceExplained,
    compare_pairs,
    kruskal_wallis,
    variance_explained,
    welch_anova,
)
from ioc_analytics.statistics.correlation import adjust_false_discovery
from ioc_analytics.statistics.distributions import describe_counts

NO_GROUPS: Final = {
    UNKNOWN: "nobody knows who they are",
    MERGED: "small cells of sealed months gave the dimension up",
}
"""Categories that are no group, and why."""

FEWEST_SCORES: Final = 10
"""Groups with fewer scores of a trait are left out of its comparison."""


@dataclass(frozen=True, slots=True)
class TraitComparison:
    """One trait over the groups; None and ``reason`` where fewer than two can be compared."""

    name: str
    groups: tuple[GroupSummary, ...]
    welch: GroupTest | None
    adjusted_p_value: float | None
    """Of Welch's test, Benjamini-Hochberg over the traits."""

    kruskal_wallis: GroupTest | None
    variance_explained: VarianceExplained | None
    pairs: tuple[PairComparison, ...]
    """Every two groups, p-values adjusted by Holm within the trait."""


@dataclass(frozen=True, slots=True)
class GroupComparison:
    """The five traits over groups of people."""

    by: str
    traits: tuple[TraitComparison, ...]
    left_out: Mapping[str, str]
    """Categories that are no group here, and why."""

    items: ItemExamination | None
    """Whether the items work alike in the groups; None between instruments."""

    warnings: tuple[str, ...]
    withheld: tuple[Mapping[str, str], ...]
    filters: tuple[Filter, ...]
    time_range: TimeRange
    as_of: datetime | None
    source: Source

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison ready for JSON."""
        return {
            "by": self.by,
            "traits": [to_json(asdict(trait)) for trait in self.traits],
            "left_out": dict(self.left_out),
            "items": self.items.to_dict() if self.items else None,
            "warnings": list(self.warnings),
            "withheld": [dict(entry) for entry in self.withheld],
            "filters": [condition.to_dict() for condition in self.filters],
            "time_range": self.time_range.to_dict(),
            "as_of": to_json(self.as_of),
            "source": self.source.to_dict(),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per trait and group."""
        return pd.DataFrame(
            [
                {
                    "trait": t.name,
                    "group": g.name,
                    "n": g.sample_size,
                    "mean": g.mean,
                    "sd": g.std_dev,
                }
                for t in self.traits
                for g in t.groups
            ],
            columns=["trait", "group", "n", "mean", "sd"],
        )


def compare_groups(
    connection: psycopg.Connection[Any],
    by: str,
    filters: Sequence[Filter],
    time_range: TimeRange,
    organization: Callable[[str], UUID],
) -> GroupComparison:
    """Compare the five traits between the categories of a dimension.

    Args:
        connection: A connection of the analyst's role.
        by: One of ``GROUPINGS``, or ``industry`` or ``size``.
        filters: Conditions, all of which must hold.
        time_range: Start times of the responses, half-open.
        organization: Gives the pseudonym of an organization's own id.

    Raises:
        InvalidInput: An unknown dimension or category, or only rows that are gone could answer.
        NotEnoughData: No trait has two groups of at least 10 scores that vary.
    """
    by = check_grouping(by)
    with snapshot(connection):
        ground = read_ground(connection, time_range)
        selection = select(filters, ground.catalogue.categories, organization)
        answer = read_groups(connection, selection, ground, by=by, step="month")
        if not answer.keys:
            raise nothing_passes("scored responses")
        samples = _by_category(answer)
        items = None
        if by != "instrument":
            items = examine_items(
                connection,
                selection,
                ground,
                by,
                [name for name in samples if name not in NO_GROUPS],
                answer.by_instrument,
                _by_month(answer),
            )
    left_out = {name: reason for name, reason in NO_GROUPS.items() if name in samples}
    samples = {name: cells for name, cells in samples.items() if name not in left_out}
    withheld: list[Mapping[str, str]] = []
    traits = []
    for at, trait in enumerate(TRAITS):
        counts = {name: cells.of_trait(at) for name, cells in samples.items()}
        traits.append(_compare(trait, counts, withheld))
    if not any(trait.welch for trait in traits):
        found = ", ".join(f"{n} {int(c.responses.sum())}" for n, c in samples.items()) or "none"
        raise NotEnoughData(
            f"a comparison by {by} needs two groups of at least {FEWEST_SCORES} scores that vary, "
            f"found {found}; ask for a longer range or fewer filters"
        )
    if answer.undecided:
        reason = f"{answer.undecided} responses of sealed small cells are left out"
        withheld.append({"figure": "groups", "reason": reason})
    return GroupComparison(
        by,
        _adjusted(traits),
        left_out,
        items,
        _warnings(items),
        tuple(withheld),
        tuple(filters),
        time_range,
        ground.as_of,
        answer.source,
    )


def _compare(
    trait: str, counts: Mapping[str, tuple[Any, Any]], withheld: list[Mapping[str, str]]
) -> TraitComparison:
    groups = []
    for name, (values, numbers) in counts.items():
        if numbers.sum() < FEWEST_SCORES or len(values) < 2:
            reason = f"{int(numbers.sum())} scores of {len(values)} distinct values"
            withheld.append({"figure": f"traits.{trait}.groups.{name}", "reason": reason})
            continue
        d = describe_counts(values, numbers, edges=None)
        groups.append(GroupSummary(name, d.sample_size, d.average, d.std_dev or 0.0))
    if len(groups) < 2:
        return TraitComparison(trait, tuple(groups), None, None, None, None, ())
    return TraitComparison(
        trait,
        tuple(groups),
        welch_anova(groups),
        None,
        kruskal_wallis([counts[group.name] for group in groups]),
        variance_explained(groups),
        compare_pairs(groups),
    )


def _adjusted(traits: Sequence[TraitComparison]) -> tuple[TraitComparison, ...]:
    tested = [trait for trait in traits if trait.welch]
    p_values = adjust_false_discovery([trait.welch.p_value for trait in tested if trait.welch])
    by_name = dict(zip([trait.name for trait in tested], p_values.tolist(), strict=True))
    return tuple(replace(trait, adjusted_p_value=by_name.get(trait.name)) for trait in traits)


def _by_category(answer: GroupedAnswer) -> dict[str, TraitCells]:
    """Merge the months of each category."""
    names = sorted({name for name, _ in answer.keys})
    groups = np.array([names.index(name) for name, _ in answer.keys], dtype=np.int64)
    cells = answer.cells.regroup(groups, len(names))
    return {name: cells.choose([at]) for at, name in enumerate(names)}


def _by_month(answer: GroupedAnswer) -> dict[date, int]:
    months: Counter[date] = Counter()
    for (_, month), responses in zip(answer.keys, answer.cells.responses.tolist(), strict=True):
        if month is not None:
            months[month] += responses
    return dict(months)


def _warnings(items: ItemExamination | None) -> tuple[str, ...]:
    if items is None:
        return ("scores of different instruments are no common scale: compare within one",)
    alike = "people of one organization are alike; the tests take them as independent"
    return (alike, *items.warnings)
