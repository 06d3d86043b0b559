"""Do the items of an instrument work alike in two groups: differential item functioning.

For: the facade, before trait means of the groups are compared. Not for: the test
(``statistics.item_functioning``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd
import psycopg

from ioc_analytics.insight.groupings import check_grouping
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.records.answers import to_json
from ioc_analytics.records.filters import Filter, TimeRange
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.states.items import MISSING, item_columns, keyed_answers
from ioc_analytics.states.reading import read_ground, read_group_sheets, snapshot
from ioc_analytics.states.selection import select
from ioc_analytics.statistics.item_functioning import ItemFunctioning, analyze_items
from ioc_analytics.statistics.item_regression import ItemRegression, regress_items

_Item = TypeVar("_Item", covariant=True)


class _Method(Protocol[_Item]):
    def __call__(
        self,
        reference: npt.ArrayLike,
        focal: npt.ArrayLike,
        names: Sequence[str],
        *,
        missing: int,
    ) -> tuple[_Item, ...]: ...


METHODS: Final[Mapping[str, _Method[ItemFunctioning | ItemRegression]]] = {
    "mantel": analyze_items,
    "logistic": regress_items,
}
"""How items can be compared."""


@dataclass(frozen=True, slots=True)
class ItemFunctioningAnalysis:
    """The items of one instrument in two groups."""

    by: str
    instrument: str
    reference: str
    focal: str
    sample_sizes: Mapping[str, int]
    """Answer sheets per group, complete or not."""

    method: str
    """``mantel`` or ``logistic``."""

    traits: Mapping[str, tuple[ItemFunctioning | ItemRegression, ...]]
    """Items by trait, where enough people answered enough items."""

    warnings: tuple[str, ...]
    """Traits whose means should not be compared as they are."""

    withheld: tuple[Mapping[str, str], ...]
    as_of: datetime | None

    def to_dict(self) -> dict[str, Any]:
        """Return the analysis ready for JSON."""
        return {name: to_json(value) for name, value in asdict(self).items()}

    def to_frame(self) -> pd.DataFrame:
        """Return one row per item."""
        return pd.DataFrame(
            [
                {"trait": trait, **asdict(item)}
                for trait, items in self.traits.items()
                for item in items
            ]
        )


def analyze_item_functioning(
    connection: psycopg.Connection[Any],
    by: str,
    instrument: str,
    reference: str,
    focal: str,
    filters: Sequence[Filter],
    time_range: TimeRange,
    organization: Callable[[str], UUID],
    method: str = "mantel",
) -> ItemFunctioningAnalysis:
    """Compare how two groups of equal trait answer the items; read from rows.

    Args:
        connection: A connection of the analyst's role.
        by: A dimension, such as ``gender``.
        instrument: Name of the questionnaire.
        reference: The category that the other one is compared with.
        focal: The category that is looked at.
        filters: Conditions, all of which must hold.
        time_range: Start times of the responses, half-open.
        organization: Gives the pseudonym of an organization's own id.
        method: ``mantel``, or ``logistic``: by ordinal regression, which also finds differences
            that turn around along the trait.

    Raises:
        InvalidInput: An unknown name, one group given twice, or rows of the range are gone.
        NotEnoughData: No trait has enough items and people.
    """
    if method not in METHODS:
        raise InvalidInput(
            f"unknown method {method!r}{did_you_mean(method, METHODS)}; "
            f"methods are {', '.join(METHODS)}"
        )
    by = check_grouping(by)
    if by == "instrument" or reference == focal:
        raise InvalidInput(
            f"items are compared between two groups within one instrument, found {by} "
            f"{reference!r} and {focal!r}"
        )
    with snapshot(connection):
        ground = read_ground(connection, time_range)
        known = ground.catalogue.instruments
        if instrument not in known:
            raise InvalidInput(
                f"unknown instrument {instrument!r}{did_you_mean(instrument, known)}; "
                f"known are {', '.join(sorted(known))}"
            )
        scale = known[instrument]
        conditions = (*filters, Filter(by, "in", [reference, focal]))
        selection = select(conditions, ground.catalogue.categories, organization)
        found = read_group_sheets(connection, selection, ground, scale, by)
    nobody = np.empty((0, len(scale.items)), np.int8)
    sheets = {name: found.get(name, nobody) for name in (reference, focal)}
    traits, reasons = compare_items(scale, sheets[reference], sheets[focal], METHODS[method])
    withheld = [{"figure": f"traits.{t}", "reason": reason} for t, reason in reasons.items()]
    if not traits:
        raise NotEnoughData(f"no trait of {instrument} can be examined: {withheld[0]['reason']}")
    return ItemFunctioningAnalysis(
        by,
        instrument,
        reference,
        focal,
        {name: len(answers) for name, answers in sheets.items()},
        method,
        traits,
        tuple(_warnings(traits)),
        tuple(withheld),
        ground.as_of,
    )


def compare_items(
    scale: Instrument,
    reference: npt.NDArray[np.int8],
    focal: npt.NDArray[np.int8],
    method: _Method[_Item],
) -> tuple[dict[str, tuple[_Item, ...]], dict[str, str]]:
    """Compare the items of every trait between the answer sheets of two groups.

    Args:
        scale: The questionnaire.
        reference: Answers as given, shape ``(n, n_items)``.
        focal: Those of the other group, shape ``(m, n_items)``.
        method: What compares the keyed items of one trait.

    Returns:
        Items by trait; and why there are none of the other traits.
    """
    traits: dict[str, tuple[_Item, ...]] = {}
    reasons: dict[str, str] = {}
    for trait in TRAITS:
        columns = item_columns(scale, trait)
        keyed = [keyed_answers(group[:, columns], scale, columns) for group in (reference, focal)]
        names = [scale.items[at].code for at in columns]
        try:
            traits[trait] = method(keyed[0], keyed[1], names, missing=MISSING)
        except NotEnoughData as error:
            reasons[trait] = str(error)
    return traits, reasons


def large_differences(
    traits: Mapping[str, Sequence[ItemFunctioning | ItemRegression]],
) -> dict[str, list[str]]:
    """Return the items of class C by trait, where there are any."""
    found = {
        trait: [item.item for item in items if item.item_class == "C"]
        for trait, items in traits.items()
    }
    return {trait: items for trait, items in found.items() if items}


def _warnings(traits: Mapping[str, Sequence[ItemFunctioning | ItemRegression]]) -> list[str]:
    return [
        f"{trait}: {', '.join(items)} work differently in the groups (class C); a difference of "
        "the means may stem from them"
        for trait, items in large_differences(traits).items()
    ]
