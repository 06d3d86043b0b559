"""How far the AI raters agree over a range, and whether one of them has left its own ways.

For: the facade, reports. Not for: the released table by day (``insight.validation``) or formulas
(``statistics.agreement``).

Drift is judged on a rater's distance from the questionnaire's score of the same response, so that
other people in another week are no drift.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final

import numpy as np
import pandas as pd
import psycopg

from ioc_analytics.database.copying import copy_out
from ioc_analytics.insight.own_history import Judged, Point, judge_histories
from ioc_analytics.insight.validation import Agreement, measure_agreement
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import NotEnoughData
from ioc_analytics.records.answers import to_json
from ioc_analytics.records.filters import TimeRange
from ioc_analytics.records.releases import MINIMUM_PEOPLE
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.states.reading import read_ground, snapshot
from ioc_analytics.states.rows import sample_end
from ioc_analytics.statistics.counts import FloatArray
from ioc_analytics.statistics.outliers import FEWEST_PAST

SIGNIFICANCE: Final = 0.05
"""Share of false ones that is accepted among the weeks that are named (Benjamini-Hochberg)."""

_SCORES_AT_ONCE: Final = 2_000_000
"""Pairs of scores that are held in memory together: 24 bytes each."""


@dataclass(frozen=True, slots=True)
class _RaterPair:
    """Two raters of one trait, and how many responses both scored."""

    dimension: str
    primary_model: str
    secondary_model: str
    n: int


@dataclass(frozen=True, slots=True)
class RaterAgreement:
    """Two raters of one trait over the range."""

    dimension: str
    primary_model: str
    secondary_model: str
    sample_size: int
    """Responses that both scored, and that were drawn."""

    scored: int
    """Responses that both scored: more than ``sample_size`` where a sample was drawn."""

    agreement: Agreement


@dataclass(frozen=True, slots=True)
class RaterWeek:
    """A week in which a rater broke with its own past."""

    model: str
    dimension: str
    week: date
    """Its Monday."""

    sample_size: int
    distance: float
    """Mean of rater - questionnaire, points."""

    difference: float
    """From the median of the earlier weeks, points."""

    past_weeks: int
    adjusted_p_value: float
    """Two-sided normal, over-dispersion removed, Benjamini-Hochberg over all judged weeks."""


@dataclass(frozen=True, slots=True)
class AiValidation:
    """The AI raters over a range."""

    agreements: tuple[RaterAgreement, ...]
    drift: tuple[RaterWeek, ...]
    """Weeks that stand out; none is good news only where weeks were judged."""

    judged_weeks: Mapping[str, int]
    """Weeks with at least 6 earlier ones, by model, over all traits."""

    drift_share: float
    """Share of the responses, 0 to 1, that drift was judged by: 1 unless a sample was drawn."""

    withheld: tuple[Mapping[str, str], ...]
    time_range: TimeRange
    as_of: datetime | None

    def to_dict(self) -> dict[str, Any]:
        """Return the validation ready for JSON."""
        found = {name: to_json(value) for name, value in asdict(self).items()}
        return found | {"time_range": self.time_range.to_dict()}

    def to_frame(self) -> pd.DataFrame:
        """Return one row per trait and pair of raters."""
        return pd.DataFrame(map(_row, self.agreements))


def _row(one: RaterAgreement) -> dict[str, Any]:
    agreement = one.agreement
    figures = {
        "bias": (agreement.limits.bias, agreement.limits.bias_interval),
        "icc": (agreement.icc.icc, agreement.icc.confidence_interval),
        "weighted_kappa": (agreement.kappa.kappa, agreement.kappa.confidence_interval),
        "agreement_rate": (agreement.rate.rate, agreement.rate.confidence_interval),
    }
    row: dict[str, Any] = {
        "dimension": one.dimension,
        "primary_model": one.primary_model,
        "secondary_model": one.secondary_model,
        "n": one.sample_size,
    }
    for name, (value, interval) in figures.items():
        row |= {
            name: value,
            f"{name}_low": interval and interval.low,
            f"{name}_high": interval and interval.high,
        }
    return row | {
        "limit_low": agreement.limits.limit_low,
        "limit_high": agreement.limits.limit_high,
        "limit_margin": agreement.limits.limit_margin,
    }


def analyze_ai_validation(
    connection: psycopg.Connection[Any],
    time_range: TimeRange,
    *,
    history: TimeRange | None = None,
    most: int | None = None,
) -> AiValidation:
    """Measure the agreement of every pair of raters, and the drift of every rater, from rows.

    Args:
        connection: A connection of the analyst's role.
        time_range: Start times of the responses, half-open.
        history: Start times of the responses whose weeks are judged; None: the time range.
        most: Draw about as many responses of each pair of raters where there are more, by their
            pseudonyms: the same rows give the same sample. None: take all.

    Raises:
        NotEnoughData: No pair of raters scored 10 responses.
    """
    withheld: list[Mapping[str, str]] = []
    with snapshot(connection):
        ground = read_ground(connection, time_range)
        pairs = _rater_pairs(connection, time_range)
        agreements = list(_agreements(connection, time_range, pairs, most, withheld))
        past = time_range if history is None else history
        known = pairs if past == time_range else _rater_pairs(connection, past)
        share = _share(max((pair.n for pair in known), default=0), most)
        drawn = {"start": past.start, "end": past.end, "last_id": sample_end(share)}
        weeks = connection.execute(sqlfiles.query("insight/rater_weeks"), drawn).fetchall()
    measured = tuple(
        sorted(
            agreements,
            key=lambda one: (one.primary_model, one.secondary_model, TRAITS.index(one.dimension)),
        )
    )
    if not measured:
        raise NotEnoughData(
            f"agreement needs {MINIMUM_PEOPLE} responses that two AI raters scored, found "
            f"{len(pairs)} pairs of raters with fewer; ask for a longer range"
        )
    if sealed := ground.periods.sealed_months:
        reason = (
            f"rows of {sealed[0]:%Y-%m} to {sealed[-1]:%Y-%m} are gone; their days stand in "
            "dual_ai_validation_metrics"
        )
        withheld.append({"figure": "sealed_months", "reason": reason})
    judged = judge_histories(_histories(weeks))
    counts = dict.fromkeys(
        sorted({m for p in pairs for m in (p.primary_model, p.secondary_model)}), 0
    )
    for one in judged:
        counts[one.key[0]] += 1
    reason = (
        f"no week with {MINIMUM_PEOPLE} responses that have a questionnaire's score has "
        f"{FEWEST_PAST} such weeks before it"
    )
    withheld += [{"figure": f"drift.{m}", "reason": reason} for m, n in counts.items() if not n]
    drift = tuple(_named(one) for one in judged if one.adjusted_p_value <= SIGNIFICANCE)
    return AiValidation(measured, drift, counts, share, tuple(withheld), time_range, ground.as_of)


def _rater_pairs(connection: psycopg.Connection[Any], times: TimeRange) -> list[_RaterPair]:
    period = {"start": times.start, "end": times.end}
    rows = connection.execute(sqlfiles.query("insight/rater_pairs"), period)
    return [_RaterPair(*row) for row in rows]


def _share(n: int, most: int | None) -> float:
    return 1.0 if most is None or n <= most else most / n


def _agreements(
    connection: psycopg.Connection[Any],
    times: TimeRange,
    pairs: Sequence[_RaterPair],
    most: int | None,
    withheld: list[Mapping[str, str]],
) -> Iterator[RaterAgreement]:
    enough = [pair for pair in pairs if pair.n >= MINIMUM_PEOPLE]
    for pair in pairs:
        if pair.n < MINIMUM_PEOPLE:
            figure = f"agreements.{pair.dimension}.{pair.primary_model}.{pair.secondary_model}"
            reason = f"fewer than {MINIMUM_PEOPLE} responses"
            withheld.append({"figure": figure, "reason": reason})
    for some in _at_once(enough, most):
        scores = _scores(connection, times, some, most)
        for pair, (first, second) in zip(some, scores, strict=True):
            agreement = measure_agreement(first, second)
            models = pair.primary_model, pair.secondary_model
            yield RaterAgreement(pair.dimension, *models, len(first), pair.n, agreement)


def _at_once(pairs: Sequence[_RaterPair], most: int | None) -> Iterator[list[_RaterPair]]:
    """Give the pairs in groups whose scores fit into memory: each group is one scan of the rows."""
    some: list[_RaterPair] = []
    held = 0
    for pair in pairs:
        n = pair.n if most is None else min(pair.n, most)
        if some and held + n > _SCORES_AT_ONCE:
            yield some
            some, held = [], 0
        some.append(pair)
        held += n
    if some:
        yield some


def _scores(
    connection: psycopg.Connection[Any],
    times: TimeRange,
    pairs: Sequence[_RaterPair],
    most: int | None,
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Give both raters' scores, pair by pair."""
    parameters = {
        "start": times.start,
        "end": times.end,
        "dimensions": [pair.dimension for pair in pairs],
        "primary_models": [pair.primary_model for pair in pairs],
        "secondary_models": [pair.secondary_model for pair in pairs],
        "last_ids": [sample_end(_share(pair.n, most)) for pair in pairs],
    }
    columns = (("pair", "int8"), ("primary", "float8"), ("secondary", "float8"))
    statement = sqlfiles.query("insight/rater_scores")
    rows = np.concatenate(list(copy_out(connection, statement, parameters, columns)))
    for number in range(1, len(pairs) + 1):
        own = rows[rows["pair"] == number]
        yield own["primary"].astype(np.float64), own["secondary"].astype(np.float64)


def _histories(weeks: list[tuple[Any, ...]]) -> dict[tuple[str, str], list[Point]]:
    histories: dict[tuple[str, str], list[Point]] = {}
    for model, dimension, week, n, average, variance in weeks:
        # A rater that always errs alike has no error to judge by, nor does a handful.
        if n >= MINIMUM_PEOPLE and variance:
            point = Point(week, n, average, variance / n)
            histories.setdefault((model, dimension), []).append(point)
    return histories


def _named(one: Judged[tuple[str, str]]) -> RaterWeek:
    return RaterWeek(
        *one.key,
        one.point.period,
        one.point.sample_size,
        one.point.average,
        one.difference,
        one.past_periods,
        one.adjusted_p_value,
    )
