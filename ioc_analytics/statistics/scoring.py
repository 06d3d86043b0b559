"""Trait scores from item answers, as the instrument's definition says.

For: ingestion, rescoring. Not for: percentiles within a norm group, reading an instrument
(``files.instruments``), or unkeying exports that come keyed already (``files``).
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.vocabularies import TRAITS

FloatArray = npt.NDArray[np.float64]

_BLOCK_ROWS: Final = 8_192
"""Rows per block: small enough for the processor's cache with a hundred items."""


def score_traits(
    answers: npt.ArrayLike, instrument: Instrument, *, missing: int
) -> tuple[FloatArray, FloatArray]:
    """Return the trait scores, 0 to 100, and the raw scores on the instrument's own scale.

    A reversed item counts as minimum + maximum - answer. A trait is scored when at least
    ``minimum_answered_share`` of its items are answered; with a answered items and s the sum of
    their keyed answers, score = 100 (s - a minimum) / (a (maximum - minimum)), one division of two
    whole numbers, so that equal sheets give equal bits everywhere (ten items of 1..5: (s - 10) / 40
    * 100). The raw score is s when all k items are answered, else s k / a: the mean of the answered
    items times k.

    Args:
        answers: Whole numbers as given on the scale, shape ``(n_respondents, n_items)``, columns
            in the order of ``instrument.items``.
        instrument: Items, keys, scale and rule.
        missing: The code of an answer that was not given; outside the scale.

    Returns:
        Scores in points and raw scores, both of shape ``(n_respondents, 5)``, traits in the order
        of ``TRAITS``; NaN, which stands for *missing* here, where a trait is not scored.

    Raises:
        InvalidInput: The shape does not fit the instrument, ``missing`` lies on the scale, or an
            answer lies outside it; the message names the item, never the person.

    Source:
        R: ``100 * (rowMeans(keyed, na.rm = TRUE) - minimum) / (maximum - minimum)`` for the sheets
        with enough answers; ``psych::scoreItems`` without imputation gives the same mean.

    Example:
        >>> from ioc_analytics.records.instruments import Item
        >>> items = (
        ...     Item("O1", "openness", False, 1, None),
        ...     Item("O2", "openness", True, 2, None),
        ... )
        >>> scale = Instrument("two", "Two items", 1, 5, 0.5, items, "example")
        >>> scores, raw_scores = score_traits([[4, 1], [4, 0], [0, 0]], scale, missing=0)
        >>> scores[:, 0].tolist(), raw_scores[:, 0].tolist()
        ([87.5, 75.0, nan], [9.0, 8.0, nan])
    """
    matrix = _checked(answers, instrument, missing)
    low, high = instrument.scale_minimum, instrument.scale_maximum
    scores = np.full((len(matrix), len(TRAITS)), np.nan)
    raw_scores = np.full_like(scores, np.nan)
    for start in range(0, len(matrix), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        # One row per item: sums over items then run along the memory.
        columns = np.ascontiguousarray(matrix[rows].T)
        given = columns != missing
        _refuse_outside(columns, given, instrument)
        for place, trait in enumerate(TRAITS):
            items = [i for i, item in enumerate(instrument.items) if item.trait == trait]
            reverses = np.array([instrument.items[i].is_reversed for i in items], dtype=bool)
            answered, sums = _keyed_sums(columns[items], given[items], reverses, low + high)
            # 0.8 * 5 may come out a hair above 4.
            scored = answered >= max(instrument.minimum_answered_share * len(items) - 1e-9, 1)
            over, under = 100 * (sums - answered * low), answered * (high - low)
            np.divide(over, under, out=scores[rows, place], where=scored)
            np.divide(sums * len(items), answered, out=raw_scores[rows, place], where=scored)
    return scores, raw_scores


def _keyed_sums(
    columns: npt.NDArray[Any],
    given: npt.NDArray[np.bool_],
    reverses: npt.NDArray[np.bool_],
    reflection: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return how many items are answered and the sum of their keyed answers, per sheet."""
    answered = given.sum(axis=0)
    values = np.where(given, columns, 0)
    plain = values[~reverses].sum(axis=0, dtype=np.int64)
    turned = reflection * given[reverses].sum(axis=0) - values[reverses].sum(axis=0, dtype=np.int64)
    return answered, plain + turned


def _refuse_outside(
    columns: npt.NDArray[Any], given: npt.NDArray[np.bool_], instrument: Instrument
) -> None:
    low, high = instrument.scale_minimum, instrument.scale_maximum
    outside = given & ((columns < low) | (columns > high))
    if outside.any():
        place, row = np.argwhere(outside)[0]
        raise InvalidInput(
            f"item {instrument.items[place].code} of instrument {instrument.name} has the answer "
            f"{columns[place, row]}, outside its scale {low}..{high}: quarantine it, or pass it as "
            "missing"
        )


def _checked(answers: npt.ArrayLike, instrument: Instrument, missing: int) -> npt.NDArray[Any]:
    matrix = np.asarray(answers)
    items = len(instrument.items)
    if matrix.ndim != 2 or matrix.shape[1] != items or matrix.dtype.kind not in "iu":
        raise InvalidInput(
            f"answers to {instrument.name} must be whole numbers of shape (n, {items}), found "
            f"{matrix.shape} of {matrix.dtype}"
        )
    if instrument.scale_minimum <= missing <= instrument.scale_maximum:
        raise InvalidInput(
            f"the missing code {missing} is an answer of {instrument.name} "
            f"({instrument.scale_minimum}..{instrument.scale_maximum}): choose one outside"
        )
    return matrix
