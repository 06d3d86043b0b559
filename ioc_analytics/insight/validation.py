"""Releasing ``dual_ai_validation_metrics``: how far two AI raters agree, per day, trait and pair.

For: refresh and its Dagster asset. Not for: the formulas (``statistics.agreement``).

Names of models are open words: pairs that scored fewer than ten people are withheld together, under
``unknown``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import psycopg

from ioc_analytics.database.copying import copy_rows_in
from ioc_analytics.insight.people import WITHHELD
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.metrics import AI_TOLERANCE_POINTS
from ioc_analytics.records.releases import MINIMUM_PEOPLE
from ioc_analytics.records.vocabularies import UNKNOWN
from ioc_analytics.states.rebuild import midnight
from ioc_analytics.states.sealing import is_sealed
from ioc_analytics.statistics.agreement import (
    AgreementRate,
    BlandAltman,
    IntraclassCorrelation,
    WeightedKappa,
    agreement_rate,
    bland_altman,
    intraclass_correlation,
    weighted_kappa,
)
from ioc_analytics.statistics.intervals import ConfidenceInterval

BAND_EDGES: Final = (20.0, 40.0, 60.0, 80.0)
"""Where the five bands of kappa meet; a score on an edge belongs to the upper one."""

_COLUMNS: Final = (
    "metric_date", "dimension", "primary_model", "secondary_model", "n", "bias",
    "mean_absolute_difference", "limits_of_agreement_low", "limits_of_agreement_high", "icc",
    "icc_low", "icc_high", "weighted_kappa", "weighted_kappa_low", "weighted_kappa_high",
    "agreement_rate", "agreement_rate_low", "agreement_rate_high", "disagreements",
    "withheld_reason",
)  # fmt: skip
_NONE_SHOWN: Final = (*[None] * (_COLUMNS.index("withheld_reason") - _COLUMNS.index("n")), WITHHELD)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two raters agree, by every measure."""

    limits: BlandAltman
    icc: IntraclassCorrelation
    kappa: WeightedKappa
    """Over five bands of 20 points."""

    rate: AgreementRate
    """Pairs that differ by at most 10 points."""


def measure_agreement(first: npt.ArrayLike, second: npt.ArrayLike) -> Agreement:
    """Measure how far two raters' scores agree, points of 0 to 100, nothing missing.

    Raises:
        NotEnoughData: Fewer than 3 pairs.
    """
    own, other = (np.digitize(np.asarray(scores), BAND_EDGES) for scores in (first, second))
    return Agreement(
        bland_altman(first, second),
        intraclass_correlation(first, second),
        weighted_kappa(own, other, len(BAND_EDGES) + 1),
        agreement_rate(first, second, AI_TOLERANCE_POINTS),
    )


def release_validations(connection: psycopg.Connection[Any], days: Iterable[date]) -> int:
    """Release the agreement of AI raters on some days from their rows; return the rows written.

    What was released of a sealed month stays: its rows are gone, and agreement does not add up.
    """
    return sum(_release_day(connection, day) for day in sorted(set(days)))


def _release_day(connection: psycopg.Connection[Any], day: date) -> int:
    if is_sealed(connection, day):
        return 0
    pairs = connection.execute(
        sqlfiles.query("insight/validation_pairs"),
        {"start": midnight(day), "end": midnight(day + timedelta(days=1))},
    ).fetchall()
    rows: dict[tuple[str, str, str], tuple[Any, ...]] = {}
    for dimension, *models, people, first, second in pairs:
        if people >= MINIMUM_PEOPLE:
            rows[dimension, models[0], models[1]] = _figures(first, second)
        else:
            rows.setdefault((dimension, UNKNOWN, UNKNOWN), _NONE_SHOWN)
    connection.execute(sqlfiles.query("insight/forget_validations"), {"day": day})
    written = ((day, *key, *figures) for key, figures in rows.items())
    return copy_rows_in(connection, "analytics", "dual_ai_validation_metrics", _COLUMNS, written)


def _figures(first: list[float], second: list[float]) -> tuple[Any, ...]:
    found = measure_agreement(first, second)
    limits, icc, kappa, rate = found.limits, found.icc, found.kappa, found.rate
    return (
        limits.sample_size,
        limits.bias,
        limits.mean_absolute_difference,
        limits.limit_low,
        limits.limit_high,
        icc.icc,
        *_bounds(icc.confidence_interval),
        kappa.kappa,
        *_bounds(kappa.confidence_interval),
        rate.rate,
        *_bounds(rate.confidence_interval),
        rate.sample_size - rate.agreed,
        None,
    )


def _bounds(interval: ConfidenceInterval | None) -> tuple[float | None, float | None]:
    return (interval.low, interval.high) if interval else (None, None)
