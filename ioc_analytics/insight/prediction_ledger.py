"""The ledger of predictions: what was said is kept once, and how earlier ones turned out is told.

For: every prediction the platform makes. Not for: making them, or finding out what came
(``insight.prediction_scores``).

A prediction is about one metric, one selection and one period. The same model asked again about
the same data says nothing new, so it is kept once for each version of the data.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from ioc_analytics.insight.training import store_predictions
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.filters import Filter
from ioc_analytics.states.organizations import By

PERIOD_DAYS: Final[Mapping[By, tuple[int, int]]] = {
    "day": (1, 1),
    "week": (7, 7),
    "month": (28, 31),
    "quarter": (90, 92),
}
"""Fewest and most days of a period; no two kinds share a length."""

HORIZON_BANDS: Final = (7, 30, 90, 365)
"""Most days ahead of the predictions that are judged together; the last band has no end."""

_SCORES: Final = ("mean_absolute_error", "coverage", "pinball_loss", "brier")


@dataclass(frozen=True, slots=True)
class Prediction:
    """One value that is to come."""

    model: str
    version: str
    target: str
    """Name of the metric, or of what else is predicted."""

    filters: tuple[Filter, ...]
    """The selection, organizations by their pseudonyms."""

    start: date
    end: date
    """Half-open period that it is about."""

    horizon_days: int
    """Days from what is known to the end of the period."""

    value: float
    low: float
    high: float
    level: float
    """Probability, 0 to 1, that the interval is meant to cover what comes."""

    accuracy: Mapping[str, Any]
    """What was known of the model's accuracy when it spoke."""

    data_version: str


@dataclass(frozen=True, slots=True)
class BandScores:
    """How earlier predictions of one model, about equally far ahead, turned out."""

    model: str
    days_from: int | None
    days_to: int | None
    """Days ahead, both included; None: no upper limit, or not said at all."""

    predictions: int
    mean_absolute_error: float
    """In the unit of the target."""

    coverage: float | None
    pinball_loss: float | None
    brier: float | None
    """As in ``PastScores``."""


@dataclass(frozen=True, slots=True)
class PastScores:
    """How earlier predictions of the same target turned out: all models, near and far together."""

    predictions: int
    mean_absolute_error: float
    """In the unit of the target."""

    coverage: float | None
    """Share of what came that lay within the intervals; None: they had none."""

    pinball_loss: float | None
    """Mean of both ends of the interval, in the unit of the target."""

    brier: float | None
    """Mean squared distance of a probability; None: the target is none."""

    first: date
    last: date
    """Oldest and newest end of the periods that were scored."""

    bands: tuple[BandScores, ...]
    """The same by model and days ahead: far ones err more, and models differ."""


def segment_of(filters: Sequence[Filter]) -> dict[str, Any]:
    """Return a selection as the ledger keeps it."""
    return {"filters": [condition.to_dict() for condition in filters]} if filters else {}


def keep_predictions(connection: psycopg.Connection[Any], predictions: Sequence[Prediction]) -> int:
    """Store predictions, each once per version of the data, and return how many are new.

    Args:
        connection: A connection that may read and insert predictions.
        predictions: What was said.
    """
    new = [one for one in predictions if (one.start, one.end) not in _known(connection, one)]
    if new:
        store_predictions(connection, [_row(one) for one in new])
    return len(new)


def past_scores(
    connection: psycopg.Connection[Any],
    target: str,
    filters: Sequence[Filter],
    days: tuple[int, int],
    models: Collection[str] | None = None,
) -> PastScores | None:
    """Return how earlier predictions turned out; None: none of them has been scored.

    Args:
        connection: A connection that may read predictions.
        target: What they were about.
        filters: The selection they were for, organizations by their pseudonyms.
        days: Fewest and most days of their periods; see ``PERIOD_DAYS``.
        models: Only those of these models; None: of all.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            sqlfiles.query("insight/past_accuracy"),
            {
                "target": target,
                "models": None if models is None else sorted(models),
                "segment": Jsonb(segment_of(filters)),
                "shortest": days[0],
                "longest": days[1],
                "bands": list(HORIZON_BANDS),
            },
        ).fetchall()
    total, *parts = rows
    if not total["predictions"]:
        return None
    scored = {name: total[name] for name in ("predictions", *_SCORES, "first", "last")}
    return PastScores(**scored, bands=tuple(_band(part) for part in parts))


def _band(row: Mapping[str, Any]) -> BandScores:
    first: int | None = None
    last: int | None = None
    if (at := row["band"]) is not None:
        first = HORIZON_BANDS[at - 1] + 1 if at else 1
        last = HORIZON_BANDS[at] if at < len(HORIZON_BANDS) else None
    scores = {name: row[name] for name in _SCORES}
    return BandScores(row["model"], first, last, row["predictions"], **scores)


def _known(connection: psycopg.Connection[Any], one: Prediction) -> set[tuple[date, date]]:
    rows = connection.execute(
        sqlfiles.query("insight/known_predictions"),
        {
            "model": one.model,
            "version": one.version,
            "target": one.target,
            "data_version": one.data_version,
            "segment": Jsonb(segment_of(one.filters)),
        },
    )
    return set(rows.fetchall())


def _row(one: Prediction) -> dict[str, Any]:
    return {
        "model_name": one.model,
        "model_version": one.version,
        "prediction_target": one.target,
        "segment": segment_of(one.filters),
        "target_period": f"[{one.start},{one.end})",
        "horizon": f"{one.horizon_days} days",
        "prediction": one.value,
        "interval_low": one.low,
        "interval_high": one.high,
        "interval_level": one.level,
        "accuracy_metrics": dict(one.accuracy),
        "data_version": one.data_version,
    }
