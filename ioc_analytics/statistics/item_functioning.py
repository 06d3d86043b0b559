"""Differential item functioning: do people of equal trait answer an item alike in two groups?

For: judging whether a difference of trait means may stem from single items. Not for: reading
answers, or items that no trait score explains; a difference of means is no such finding by itself.

People are matched on their trait score, and within each score the item's mean is compared between
the groups: Mantel's test for ordered answers, and the standardized mean difference as its size.
The test looks for differences in one direction (uniform DIF); one that turns around along the trait
can escape it (``item_regression`` finds both).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import special

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics.correlation import adjust_false_discovery

FEWEST_PEOPLE: Final = 100
"""Fewest complete sheets per group."""

FEWEST_ITEMS: Final = 4
"""Fewest items of a trait: with fewer, the matching score is little more than the item itself."""

NEGLIGIBLE: Final = 0.17
"""Up to this many SDs of the item, a difference is class A (the ETS convention)."""

LARGE: Final = 0.25
"""Beyond this many SDs of the item, a significant difference is class C."""

SIGNIFICANCE: Final = 0.05


@dataclass(frozen=True, slots=True)
class ItemFunctioning:
    """One item in two groups, matched on the trait."""

    item: str
    statistic: float | None
    """Mantel's chi squared on 1 degree; None where the item or the matching leaves no comparison,
    and then ``reason`` says why."""

    p_value: float | None
    adjusted_p_value: float | None
    """Benjamini-Hochberg over the items of the trait."""

    mean_difference: float | None
    """Mean of the focal group minus that of equal members of the reference group, in answers."""

    standardized_difference: float | None
    """The same in SDs of the item over both groups."""

    item_class: str | None
    """``A`` negligible, ``B`` moderate, ``C`` large."""

    is_in_matching: bool
    """Whether the item was kept in the score on which the others were matched."""

    reason: str | None = None


def analyze_items(
    reference: npt.ArrayLike,
    focal: npt.ArrayLike,
    names: Sequence[str],
    *,
    missing: int,
) -> tuple[ItemFunctioning, ...]:
    """Return how each item of one trait works in two groups.

    People with all items answered are matched on the sum of the items. Items of class B or C are
    then taken out of the sum, except out of their own, and all are judged again (purification): a
    bad item in the sum makes good ones look bad.

    Formula, over the sums k with both groups, y the answers of the focal group F: Mantel's chi² =
    (sum_k(sum_F y) - sum_k(E_k))²/sum_k(V_k) with E and V those of drawing n_F of the n_k without
    replacement; mean difference = sum_k n_Fk (mean_Fk - mean_Rk)/sum_k n_Fk. Class A: adjusted p
    at least 0.05, or at most 0.17 SD; C: more than 0.25 SD; B: between.

    Args:
        reference: Keyed answers, whole numbers, shape ``(n, k)``, with k at least 4.
        focal: The same items of the other group, shape ``(m, k)``.
        names: Names of the k items.
        missing: The code of an answer that was not given; sheets with one are left out.

    Raises:
        InvalidInput: Shapes do not fit, or answers are not whole numbers.
        NotEnoughData: Fewer than 4 items, or fewer than 100 complete sheets in a group.

    Source:
        Mantel (1963), doi:10.1080/01621459.1963.10500879; Dorans & Schmitt (1991), ETS RR-91-47,
        doi:10.1002/j.2333-8504.1991.tb01414.x; Zwick, Donoghue & Grima (1993),
        doi:10.1111/j.1745-3984.1993.tb00425.x; R: the sums written out
        (``make_ocean_reference.R``), for two answers ``mantelhaen.test(correct = FALSE)``.

    Example:
        >>> generator = np.random.default_rng(1)
        >>> trait = generator.normal(size=(2, 500, 1))
        >>> answers = np.rint(trait + generator.normal(size=(2, 500, 6))).clip(-2, 2).astype(int)
        >>> shifted = answers[1] + 1 * (np.arange(6) == 0)
        >>> found = analyze_items(answers[0] + 3, shifted + 3, list("abcdef"), missing=0)
        >>> [item.item_class for item in found]
        ['C', 'A', 'A', 'A', 'A', 'A']
    """
    return purify(reference, focal, names, missing, _judge)


class _Judged(Protocol):
    @property
    def item_class(self) -> str | None: ...


_Item = TypeVar("_Item", bound=_Judged)


def purify(
    reference: npt.ArrayLike,
    focal: npt.ArrayLike,
    names: Sequence[str],
    missing: int,
    judge: Callable[
        [npt.NDArray[np.int64], npt.NDArray[np.bool_], Sequence[str], npt.NDArray[np.bool_]],
        tuple[_Item, ...],
    ],
) -> tuple[_Item, ...]:
    """Judge the items of complete sheets, and again without those of class B or C in the sum.

    Args:
        reference: As in ``analyze_items``.
        focal: As in ``analyze_items``.
        names: As in ``analyze_items``.
        missing: As in ``analyze_items``.
        judge: Takes the answers of both groups, who is focal, the names, and which items are in
            the sum.

    Raises:
        InvalidInput: As ``analyze_items``.
        NotEnoughData: As ``analyze_items``.

    Example:
        >>> answers = np.tile([[1, 2, 3, 4]], (100, 1))
        >>> purify(answers, answers, list("abcd"), 0, lambda both, *_: ())
        ()
    """
    groups = [_complete(answers, names, missing) for answers in (reference, focal)]
    answers = np.vstack(groups)
    is_focal = np.repeat([False, True], [len(group) for group in groups])
    first = judge(answers, is_focal, names, np.ones(len(names), dtype=bool))
    kept = np.array([item.item_class not in ("B", "C") for item in first], dtype=bool)
    if kept.all() or kept.sum() < FEWEST_ITEMS - 1:
        # Nothing to take out, or too little would be left to match on.
        return first
    return judge(answers, is_focal, names, kept)


def _judge(
    answers: npt.NDArray[np.int64],
    is_focal: npt.NDArray[np.bool_],
    names: Sequence[str],
    kept: npt.NDArray[np.bool_],
) -> tuple[ItemFunctioning, ...]:
    found = []
    for at in range(len(names)):
        of_sum = kept.copy()
        of_sum[at] = True  # without the item itself, even good items would look bad
        found.append(_compare(answers[:, at], answers[:, of_sum].sum(axis=1), is_focal))
    p_values = {at: p for at, (_, p, _, _) in enumerate(found) if p is not None}
    adjusted = dict(zip(p_values, adjust_false_discovery(list(p_values.values())), strict=True))
    return tuple(
        ItemFunctioning(
            item=name,
            statistic=statistic,
            p_value=p,
            adjusted_p_value=None if p is None else float(adjusted[at]),
            mean_difference=difference,
            standardized_difference=size,
            item_class=None if size is None else _classify(float(adjusted[at]), abs(size)),
            is_in_matching=bool(kept[at]),
            reason="no two people of equal score differ on it" if p is None else None,
        )
        for at, (name, (statistic, p, difference, size)) in enumerate(
            zip(names, found, strict=True)
        )
    )


def _compare(
    item: npt.NDArray[np.int64],
    score: npt.NDArray[np.int64],
    is_focal: npt.NDArray[np.bool_],
) -> tuple[float | None, float | None, float | None, float | None]:
    """Return Mantel's chi squared, its p, the mean difference and that in SDs of the item."""
    _, strata = np.unique(score, return_inverse=True)

    def per_stratum(weights: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        return np.bincount(strata, weights=weights).astype(np.float64)

    n, n_focal = per_stratum(np.ones(len(item))), per_stratum(is_focal * 1.0)
    total, squares = per_stratum(item * 1.0), per_stratum(item**2 * 1.0)
    focal_total = per_stratum(item * is_focal * 1.0)
    both = (n_focal > 0) & (n_focal < n)
    n, n_focal, total, squares, focal_total = (
        column[both] for column in (n, n_focal, total, squares, focal_total)
    )
    n_reference = n - n_focal
    spread = n_focal * n_reference * (n * squares - total**2) / (n * n * np.maximum(n - 1, 1))
    if spread.sum() <= 0:
        return None, None, None, None
    excess = (focal_total - n_focal * total / n).sum()
    statistic = float(excess**2 / spread.sum())
    gap = focal_total / n_focal - (total - focal_total) / n_reference
    difference = float((n_focal * gap).sum() / n_focal.sum())
    size = difference / float(item.std(ddof=1))
    return statistic, float(special.chdtrc(1, statistic)), difference, size


def _classify(adjusted_p: float, size: float) -> str:
    if adjusted_p >= SIGNIFICANCE or size <= NEGLIGIBLE:
        return "A"
    return "C" if size > LARGE else "B"


def _complete(answers: npt.ArrayLike, names: Sequence[str], missing: int) -> npt.NDArray[np.int64]:
    matrix = np.asarray(answers)
    if matrix.ndim != 2 or matrix.shape[1] != len(names) or matrix.dtype.kind not in "iu":
        raise InvalidInput(
            f"answers to {len(names)} items must be whole numbers of shape (n, {len(names)}), "
            f"found {matrix.shape} of {matrix.dtype}"
        )
    if len(names) < FEWEST_ITEMS:
        raise NotEnoughData(
            f"items are compared within a trait of at least {FEWEST_ITEMS}, found {len(names)}"
        )
    complete = matrix[(matrix != missing).all(axis=1)]
    if len(complete) < FEWEST_PEOPLE:
        raise NotEnoughData(
            f"{len(complete)} people of a group answered all items, at least {FEWEST_PEOPLE} are "
            "needed; ask for a longer range or wider groups"
        )
    return np.asarray(complete, dtype=np.int64)
