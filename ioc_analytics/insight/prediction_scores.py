"""What came of predictions: once the truth is there, each is scored, and only once.

For: ``score_predictions``. Not for: keeping predictions (``insight.prediction_ledger``) or the
formulas (``statistics.scoring_rules``).

Whoever stored a prediction, a model of the platform or of another pipeline, it is scored when its
target is a metric, its period a day, week, month or quarter, and its segment one of filters. The
truth of a period is taken when it is mature, as trends take it, and then stands.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

import pandas as pd
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from ioc_analytics.database.pools import Database
from ioc_analytics.insight.completion import TARGET as COMPLETION
from ioc_analytics.insight.completion import completed_share
from ioc_analytics.insight.prediction_ledger import PERIOD_DAYS
from ioc_analytics.insight.resources import UNITS, read_use, target_of
from ioc_analytics.insight.series import INTERVALS, next_period, period_of, read_series
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.records.answers import to_json
from ioc_analytics.records.filters import Filter, TimeRange, parse_filters, read_moment
from ioc_analytics.records.metrics import METRICS
from ioc_analytics.states.organizations import By
from ioc_analytics.states.rebuild import midnight
from ioc_analytics.statistics.scoring_rules import (
    interval_coverage,
    mean_absolute_error,
    pinball_loss,
)

_RESOURCES: Final = {target_of(resource): resource for resource in UNITS}
_NAMES: Final[Mapping[By, str]] = {by: name for name, by in INTERVALS.items()}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A prediction whose period has ended."""

    id: int
    prediction_target: str
    segment: Any
    period_start: date
    period_end: date
    prediction: float
    interval_low: float | None
    interval_high: float | None
    interval_level: float | None
    accuracy_metrics: Any


@dataclass(frozen=True, slots=True)
class Scored:
    """A prediction beside what came."""

    id: int
    target: str
    start: date
    end: date
    prediction: float
    actual: float
    """In the unit of the target."""

    score: Mapping[str, float | bool]
    """``absolute_error``, ``is_covered``, ``pinball_loss``, ``brier``, as far as they apply."""


@dataclass(frozen=True, slots=True)
class PredictionScores:
    """What one round of scoring found."""

    scored: tuple[Scored, ...]
    waiting: int
    """Predictions whose period has ended but whose truth is not mature, or never came."""

    left_out: tuple[Mapping[str, Any], ...]
    """Predictions that cannot be judged: ``target``, ``predictions``, ``reason``."""

    def to_dict(self) -> dict[str, Any]:
        """Return the round ready for JSON."""
        found: dict[str, Any] = to_json(asdict(self))
        return found

    def to_frame(self) -> pd.DataFrame:
        """Return one row per scored prediction."""
        rows = [asdict(one) for one in self.scored]
        return pd.DataFrame([{**row, **row.pop("score")} for row in rows])


def score_waiting(database: Database, organization: Callable[[str], UUID]) -> PredictionScores:
    """Compare every prediction whose truth has come with it; nothing is stored.

    Args:
        database: Read under the analyst's login, each series in a snapshot of its own.
        organization: Gives the pseudonym of an organization's own id.
    """
    with (
        database.connection("analyst") as connection,
        connection.cursor(row_factory=dict_row) as cursor,
    ):
        cursor.execute(
            sqlfiles.query("insight/waiting_predictions"),
            {"targets": [*METRICS, COMPLETION, *_RESOURCES], "today": utc_now().date()},
        )
        rows = [Waiting(**row) for row in cursor.fetchall()]
    groups: dict[tuple[str, str, By | None, int | None], list[Waiting]] = defaultdict(list)
    for row in rows:
        by = _period_kind(row.period_start, row.period_end)
        # Completion is asked at each prediction's own moment: what is wrong with one is its own.
        own = row.id if row.prediction_target == COMPLETION else None
        groups[row.prediction_target, repr(row.segment), by, own].append(row)
    scored: list[Scored] = []
    left_out: list[Mapping[str, Any]] = []
    for (target, _, by, _), group in groups.items():
        try:
            scored += _score(database, target, by, group, organization)
        except NotEnoughData:
            continue  # no case yet since the first of these periods
        except InvalidInput as error:
            left_out.append({"target": target, "predictions": len(group), "reason": str(error)})
    unjudged = sum(entry["predictions"] for entry in left_out)
    return PredictionScores(tuple(scored), len(rows) - len(scored) - unjudged, tuple(left_out))


def store_scores(connection: psycopg.Connection[Any], scored: Sequence[Scored]) -> None:
    """Keep what came beside what was said.

    Args:
        connection: A connection that may change predictions.
        scored: What ``score_waiting`` found; one that was scored meanwhile stays as it is.
    """
    with connection.cursor() as cursor:
        cursor.executemany(
            sqlfiles.query("insight/score_prediction"),
            [{"id": s.id, "actual": s.actual, "score": Jsonb(s.score)} for s in scored],
        )


def score_one(
    value: float, low: float | None, high: float | None, level: float | None, actual: float
) -> dict[str, float | bool]:
    """Return the figures of a single prediction; an interval without level has no pinball loss."""
    score: dict[str, float | bool] = {"absolute_error": mean_absolute_error([actual], [value])}
    if low is not None and high is not None:
        score["is_covered"] = interval_coverage([actual], [low], [high]) == 1
        if level is not None:
            tail = (1 - level) / 2
            losses = (pinball_loss([actual], [low], tail), pinball_loss([actual], [high], 1 - tail))
            score["pinball_loss"] = sum(losses) / 2
    return score


def _period_kind(start: date, end: date) -> By | None:
    for by in PERIOD_DAYS:
        if period_of(start, by) == start and next_period(start, by) == end:
            return by
    return None


def _score(
    database: Database,
    target: str,
    by: By | None,
    group: Sequence[Waiting],
    organization: Callable[[str], UUID],
) -> list[Scored]:
    if target == COMPLETION:
        return [
            found
            for one in group
            if (found := _score_completion(database, one, organization)) is not None
        ]
    if target in _RESOURCES:
        first = min(one.period_start for one in group)
        with database.connection("analyst") as connection:
            days, used = read_use(connection, first).get(_RESOURCES[target], ([], []))
        return _beside(group, dict(zip(days, used, strict=True)))
    if by is None:
        raise InvalidInput("the period is no day, week from Monday, month or quarter")
    since = TimeRange(midnight(min(one.period_start for one in group)), None)
    # Without an end: one that lies within the data would make the last period look cut.
    filters = _filters(group[0].segment)
    with database.connection("analyst") as connection:
        series = read_series(
            connection,
            target,
            filters,
            since,
            _NAMES[by],
            organization,
            maturity_days=database.config.maturity_days,
        )
    return _beside(
        group, {p.start: p.value for p in series.points if p.is_mature and p.value is not None}
    )


def _beside(group: Sequence[Waiting], truth: Mapping[date, float]) -> list[Scored]:
    found = []
    for one in group:
        actual = truth.get(one.period_start)
        if actual is not None:
            ends = (one.interval_low, one.interval_high, one.interval_level)
            score = score_one(one.prediction, *ends, actual)
            period = (one.period_start, one.period_end)
            found.append(
                Scored(one.id, one.prediction_target, *period, one.prediction, actual, score)
            )
    return found


def _score_completion(
    database: Database, one: Waiting, organization: Callable[[str], UUID]
) -> Scored | None:
    known = one.accuracy_metrics if isinstance(one.accuracy_metrics, Mapping) else {}
    moment = read_moment("moment that completion is predicted from", known.get("moment"))
    if moment is None:
        raise InvalidInput("accuracy_metrics does not say the moment that it was made at")
    with database.connection("analyst") as connection:
        actual = completed_share(connection, moment, _filters(one.segment), organization)
    if actual is None:
        return None
    ends = (one.interval_low, one.interval_high, one.interval_level)
    score = score_one(one.prediction, *ends, actual)
    # The group's probability said of each of them; the mean of (outcome - probability)^2.
    said = one.prediction
    score["brier"] = actual * (1 - said) ** 2 + (1 - actual) * said**2
    period = (one.period_start, one.period_end)
    return Scored(one.id, one.prediction_target, *period, said, actual, score)


def _filters(segment: Any) -> tuple[Filter, ...]:
    if not isinstance(segment, Mapping):
        raise InvalidInput("the segment is no object of filters")
    return parse_filters(segment.get("filters", segment))
