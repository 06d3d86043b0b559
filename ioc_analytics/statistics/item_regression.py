"""Differential item functioning by ordinal logistic regression: uniform and non-uniform.

For: items whose difference between the groups may turn around along the trait, which Mantel's test
(``item_functioning``) can miss. Not for: reading answers.

An answer is explained by the trait alone, then by the group too (uniform: the item is easier for
one group everywhere), then by their product (non-uniform: easier here, harder there).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from ioc_analytics.kernel.errors import NotEnoughData
from ioc_analytics.statistics.correlation import adjust_false_discovery
from ioc_analytics.statistics.item_functioning import SIGNIFICANCE, purify
from ioc_analytics.statistics.ordinal import OrdinalFit, fit_proportional_odds

JODOIN_GIERL: Final = (0.035, 0.070)
"""Up to the first, a gain in Nagelkerke's R² is class A; beyond the second, class C."""

ZUMBO: Final = (0.13, 0.26)
"""The same limits by Zumbo & Thomas: far wider."""


@dataclass(frozen=True, slots=True)
class ItemRegression:
    """One item in two groups, its answers explained by trait, group and their product."""

    item: str
    is_in_matching: bool
    """Whether the item was kept in the score that stands for the trait."""

    statistic: float | None = None
    """Likelihood ratio chi squared on 2 degrees, uniform and non-uniform together; None where the
    item leaves no comparison, and then ``reason`` says why."""

    p_value: float | None = None
    adjusted_p_value: float | None = None
    """Benjamini-Hochberg over the items of the trait."""

    uniform_statistic: float | None = None
    """Of the group, on 1 degree."""

    uniform_p_value: float | None = None
    non_uniform_statistic: float | None = None
    """Of the product of group and trait, on 1 degree."""

    non_uniform_p_value: float | None = None
    group_log_odds: float | None = None
    """Log odds of a higher answer in the focal group, among equals, without the product."""

    mcfadden_gain: float | None = None
    """Gain in McFadden's R² by group and product."""

    nagelkerke_gain: float | None = None
    """Gain in Nagelkerke's R² by group and product; the classes judge it."""

    uniform_nagelkerke_gain: float | None = None
    """That of the group alone."""

    item_class: str | None = None
    """``A`` negligible, ``B`` moderate, ``C`` large, by Jodoin & Gierl."""

    zumbo_class: str | None = None
    """The same by Zumbo & Thomas."""

    reason: str | None = None


def regress_items(
    reference: npt.ArrayLike, focal: npt.ArrayLike, names: Sequence[str], *, missing: int
) -> tuple[ItemRegression, ...]:
    """Return how each item of one trait works in two groups, by ordinal logistic regression.

    The trait is the sum of the items, purified as in ``analyze_items``. Formula: with the log-
    likelihoods L0 (answers alone), L1 (trait), L2 (and group), L3 (and product) of n people, chi²
    = 2(L3 - L1), uniform 2(L2 - L1), non-uniform 2(L3 - L2); McFadden's R² = 1 - L/L0,
    Nagelkerke's = (1 - exp(2(L0 - L)/n))/(1 - exp(2 L0/n)). Class A: adjusted p at least 0.05, or
    a gain in Nagelkerke's R² up to the first limit; C: beyond the second; B: between.

    Args:
        reference: Keyed answers, whole numbers, shape ``(n, k)``, with k at least 4.
        focal: The same items of the other group, shape ``(m, k)``.
        names: Names of the k items.
        missing: The code of an answer that was not given; sheets with one are left out.

    Raises:
        InvalidInput: Shapes do not fit, or answers are not whole numbers.
        NotEnoughData: Fewer than 4 items, or fewer than 100 complete sheets in a group.

    Source:
        Zumbo (1999), A Handbook on the Theory and Methods of Differential Item Functioning;
        Jodoin & Gierl (2001), doi:10.1207/S15324818AME1404_2; Nagelkerke (1991),
        doi:10.1093/biomet/78.3.691; R: ``MASS::polr`` and ``logLik`` (``make_dif_reference.R``).

    Example:
        >>> generator = np.random.default_rng(1)
        >>> trait = generator.normal(size=(2, 500, 1))
        >>> answers = np.rint(trait + generator.normal(size=(2, 500, 6))).clip(-2, 2).astype(int)
        >>> shifted = answers[1] + 2 * (np.arange(6) == 0)
        >>> found = regress_items(answers[0] + 3, shifted + 3, list("abcdef"), missing=0)
        >>> [item.item_class for item in found]
        ['C', 'A', 'A', 'A', 'A', 'A']
    """
    return purify(reference, focal, names, missing, judge)


def judge(
    answers: npt.NDArray[np.int64],
    is_focal: npt.NDArray[np.bool_],
    names: Sequence[str],
    kept: npt.NDArray[np.bool_],
) -> tuple[ItemRegression, ...]:
    """Judge every item against the sum of the kept ones and itself."""
    found = []
    for at, name in enumerate(names):
        of_sum = kept.copy()
        of_sum[at] = True
        score = answers[:, of_sum].sum(axis=1)
        found.append(_regress(name, answers[:, at], score, is_focal, bool(kept[at])))
    tested = [item.p_value for item in found if item.p_value is not None]
    adjusted = iter(adjust_false_discovery(tested).tolist() if tested else [])
    return tuple(
        item if item.p_value is None else _classified(item, next(adjusted)) for item in found
    )


def _regress(
    name: str,
    item: npt.NDArray[np.int64],
    score: npt.NDArray[np.int64],
    is_focal: npt.NDArray[np.bool_],
    is_kept: bool,
) -> ItemRegression:
    combinations, places = np.unique(
        np.column_stack([score, is_focal]), axis=0, return_inverse=True
    )
    levels, codes = np.unique(item, return_inverse=True)
    counts = np.zeros((len(combinations), len(levels)))
    np.add.at(counts, (places, codes), 1)
    trait = (combinations[:, 0] - score.mean()) / max(float(score.std()), 1e-12)
    group = combinations[:, 1].astype(np.float64)
    design = np.column_stack([trait, group, trait * group])
    try:
        alone, uniform, both = (fit_proportional_odds(design[:, :n], counts) for n in (1, 2, 3))
    except NotEnoughData as error:
        return ItemRegression(name, is_kept, reason=str(error))
    total, shift, turn = (
        max(0.0, 2 * (more.log_likelihood - less.log_likelihood))
        for more, less in ((both, alone), (uniform, alone), (both, uniform))
    )
    numbers = counts.sum(axis=0)
    empty = float((numbers * np.log(numbers / numbers.sum())).sum())
    gains = [
        _nagelkerke(fit, empty, len(item)) - _nagelkerke(alone, empty, len(item))
        for fit in (both, uniform)
    ]
    return ItemRegression(
        item=name,
        is_in_matching=is_kept,
        statistic=total,
        p_value=float(special.chdtrc(2, total)),
        uniform_statistic=shift,
        uniform_p_value=float(special.chdtrc(1, shift)),
        non_uniform_statistic=turn,
        non_uniform_p_value=float(special.chdtrc(1, turn)),
        group_log_odds=uniform.coefficients[1],
        mcfadden_gain=(alone.log_likelihood - both.log_likelihood) / empty,
        nagelkerke_gain=gains[0],
        uniform_nagelkerke_gain=gains[1],
    )


def _nagelkerke(fit: OrdinalFit, empty: float, n: int) -> float:
    gained = -np.expm1(2 * (empty - fit.log_likelihood) / n)
    return float(gained / -np.expm1(2 * empty / n))


def _classified(item: ItemRegression, adjusted_p: float) -> ItemRegression:
    def classify(limits: tuple[float, float]) -> str:
        gain = item.nagelkerke_gain or 0.0
        if adjusted_p >= SIGNIFICANCE or gain <= limits[0]:
            return "A"
        return "C" if gain > limits[1] else "B"

    return replace(
        item,
        adjusted_p_value=adjusted_p,
        item_class=classify(JODOIN_GIERL),
        zumbo_class=classify(ZUMBO),
    )
