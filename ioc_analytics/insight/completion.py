"""Which of the responses that are open now will be completed.

For: ``predict_completion``. Not for: gathering features (``insight.training``) or models
(``statistics.outcomes``).

Now is the start of the newest response: nothing is known of later moments. The model learns from
the same question at earlier moments, every 14 days over a year, each asked with what was known
then. The ledger keeps the answer for the whole selection, not for each response: a row per person
would outlive that person's erasure, and double the table with every run.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import numpy as np
import pandas as pd
import psycopg

from ioc_analytics.insight.data_version import data_version
from ioc_analytics.insight.prediction_ledger import (
    PastScores,
    Prediction,
    past_scores,
)
from ioc_analytics.insight.training import TrainingFrame, gather_open, gather_training
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.records.answers import to_json
from ioc_analytics.records.filters import Filter, TimeRange
from ioc_analytics.states.reading import read_ground, snapshot
from ioc_analytics.states.selection import Selection, name_organizations, select
from ioc_analytics.statistics.forecasting import FORECAST_LEVEL
from ioc_analytics.statistics.intervals import ConfidenceInterval
from ioc_analytics.statistics.outcomes import MODELS, OutcomeModel, OutcomeRaceResult, race_outcomes

VERSION: Final = "2"
"""Version of features and models; another one whenever they would say something else."""

TARGET: Final = "completion"
HORIZON_DAYS: Final = 14
"""Days within which an open response is asked to be completed."""

SNAPSHOTS: Final = 26
"""Earlier moments that are learnt from, at most: a year."""

_STEP: Final = timedelta(days=HORIZON_DAYS)
_PERIOD_DAYS: Final = (HORIZON_DAYS + 1, HORIZON_DAYS + 1)
_WORDS: Final = (
    "industry_category", "org_size_category", "assessment_type", "instrument",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CompletionAccuracy:
    """How far the model can be trusted."""

    backtest: OutcomeRaceResult
    """At later moments that the model had not seen."""

    evaluated: int
    """Responses that it was asked about there."""

    past: PastScores | None
    """Of earlier predictions for this selection whose truth has come; shares, 0 to 1."""


@dataclass(frozen=True, slots=True)
class CompletionPrediction:
    """How many of the open responses will be completed."""

    value: float
    """Expected completions within the horizon."""

    interval: ConfidenceInterval
    open_responses: int
    share: float | None
    """Expected share of them, 0 to 1; None: there are none."""

    horizon_days: int
    moment: datetime
    """Start of the newest response, which is now."""

    model: str
    """``base_rate``, ``logistic`` or ``boosting``."""

    version: str
    accuracy: CompletionAccuracy
    race: tuple[OutcomeRaceResult, ...]
    sample_size: int
    """Responses open at earlier moments that it was learnt from."""

    responses: pd.DataFrame
    """``response_hash``, ``hours_open``, ``probability``; the most likely first."""

    filters: tuple[Filter, ...]
    """Organizations stand here by their pseudonyms."""

    as_of: datetime | None
    data_version: str

    def to_dict(self) -> dict[str, Any]:
        """Return the prediction ready for JSON."""
        plain = ("value", "open_responses", "share", "horizon_days", "moment", "model", "version")
        return {
            **{name: to_json(getattr(self, name)) for name in (*plain, "sample_size", "as_of")},
            "interval": asdict(self.interval),
            "accuracy": to_json(asdict(self.accuracy)),
            "race": [to_json(asdict(result)) for result in self.race],
            "responses": [to_json(row) for row in self.responses.to_dict("records")],
            "filters": [condition.to_dict() for condition in self.filters],
            "data_version": self.data_version,
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per open response."""
        return self.responses

    def predictions(self) -> tuple[Prediction, ...]:
        """Return what the ledger keeps: the share of the selection."""
        if self.share is None:
            return ()
        n, start = self.open_responses, self.moment.date()
        return (
            Prediction(
                model=self.model,
                version=self.version,
                target=TARGET,
                filters=self.filters,
                start=start,
                end=start + _STEP + timedelta(days=1),
                horizon_days=self.horizon_days,
                value=self.share,
                low=self.interval.low / n,
                high=self.interval.high / n,
                level=self.interval.level,
                accuracy={
                    "backtest": to_json(asdict(self.accuracy.backtest)),
                    "moment": self.moment.isoformat(),
                    "responses": n,
                },
                data_version=self.data_version,
            ),
        )


def predict_completion(
    connection: psycopg.Connection[Any],
    filters: Sequence[Filter],
    organization: Callable[[str], UUID],
) -> CompletionPrediction:
    """Return how many open responses of a selection will be completed within 14 days.

    Args:
        connection: A connection of the analyst's role.
        filters: Conditions, all of which must hold; the model is learnt from everybody.
        organization: Gives the pseudonym of an organization's own id.

    Raises:
        InvalidInput: An unknown category, or a filter on what is not known of an open response.
        NotEnoughData: Fewer than 100 earlier open responses that were completed or that were not.
    """
    named = name_organizations(filters, organization)
    with snapshot(connection):
        ground = read_ground(connection, TimeRange(None, None))
        chosen = _selection(named, ground.catalogue.categories, organization)
        moment, oldest = _ends(connection)
        model = _learn(connection, moment, oldest)
        asked, facts = gather_open(connection, TARGET, moment, window_days=HORIZON_DAYS)
        past = past_scores(connection, TARGET, named, _PERIOD_DAYS, MODELS)
        version = data_version(connection, ground.as_of)
    rows = asked[_passes(facts, chosen)]
    said = model.predict(_features(rows)) if len(rows) else np.empty(0)
    responses = rows[["response_hash", "hours_open"]].assign(probability=said)
    return CompletionPrediction(
        value=float(said.sum()),
        interval=model.sum_interval(said, FORECAST_LEVEL),
        open_responses=len(rows),
        share=float(said.mean()) if len(rows) else None,
        horizon_days=HORIZON_DAYS,
        moment=moment,
        model=model.name,
        version=VERSION,
        accuracy=CompletionAccuracy(
            next(result for result in model.race if result.model == model.name),
            model.evaluated,
            past,
        ),
        race=model.race,
        sample_size=model.sample_size,
        responses=responses.sort_values("probability", ascending=False, ignore_index=True),
        filters=named,
        as_of=ground.as_of,
        data_version=version,
    )


def completed_share(
    connection: psycopg.Connection[Any],
    moment: datetime,
    filters: Sequence[Filter],
    organization: Callable[[str], UUID],
) -> float | None:
    """Return which share of the responses open at a moment was completed within 14 days.

    Returns:
        None: the newest response is not 14 days later yet, or none was open.
    """
    with snapshot(connection):
        ground = read_ground(connection, TimeRange(None, None))
        chosen = _selection(filters, ground.catalogue.categories, organization)
        newest, _ = _ends(connection)
        if moment + _STEP > newest:
            return None
        try:
            gathered = _gather(connection, [moment])
        except NotEnoughData:
            return None
    targets = gathered.frame["target"][_passes(gathered.facts, chosen)]
    return float(targets.mean()) if len(targets) else None


def _selection(
    filters: Sequence[Filter],
    categories: Mapping[str, Mapping[int, str]],
    organization: Callable[[str], UUID],
) -> Selection:
    if any(condition.field == "is_careless" for condition in filters):
        raise InvalidInput("whether a response is careless is not known before it is completed")
    return select(filters, categories, organization)


def _ends(connection: psycopg.Connection[Any]) -> tuple[datetime, datetime]:
    newest, oldest = connection.execute(sqlfiles.query("insight/newest_start")).fetchone() or (
        None,
        None,
    )
    if newest is None or oldest is None:
        raise NotEnoughData("there is no response to predict the completion of, found 0")
    return newest, oldest


def _gather(connection: psycopg.Connection[Any], moments: Sequence[datetime]) -> TrainingFrame:
    return gather_training(
        connection,
        TARGET,
        list(moments),
        horizon_days=HORIZON_DAYS,
        window_days=HORIZON_DAYS,
    )


def _learn(connection: psycopg.Connection[Any], moment: datetime, oldest: datetime) -> OutcomeModel:
    earlier = [moment - step * _STEP for step in range(SNAPSHOTS, 0, -1)]
    known = [one for one in earlier if one > oldest]
    if not known:
        raise NotEnoughData(
            f"predicting completion learns from moments {HORIZON_DAYS} days apart, and the oldest "
            f"response is {(moment - oldest).days} days older than the newest"
        )
    frame = _gather(connection, known).frame
    # Every response lies in one snapshot: they are as far apart as the window is long.
    numbers = {pd.Timestamp(one): number for number, one in enumerate(known)}
    return race_outcomes(_features(frame), frame["target"], frame["cutoff"].map(numbers))


def _passes(frame: pd.DataFrame, chosen: Selection) -> pd.Series:
    """Return which rows are meant, by what is known of them now, as every other answer does."""
    passes = pd.Series(True, index=frame.index)
    for name, words in chosen.allowed.items():
        passes &= frame[name].isin(words)
    names = frame["org_hash"].astype(str) if len(frame) else pd.Series(dtype=str)
    if chosen.organizations is not None:
        passes &= names.isin(chosen.organizations)
    if chosen.other_organizations is not None:
        passes &= ~names.isin(chosen.other_organizations)
    return passes


def _features(frame: pd.DataFrame) -> pd.DataFrame:
    """Return what models see: numbers without gaps, and words."""
    log_hours = np.log1p(frame["hours_open"].astype(float))
    angle = 2 * np.pi * frame["start_hour"].astype(float) / 24
    length = frame["question_count"].astype(float)
    started, completed = frame["org_started"].astype(float), frame["org_completed"].astype(float)
    return pd.DataFrame(
        {
            "log_hours": log_hours,
            "log_hours_squared": log_hours**2,
            "hour_sine": np.sin(angle),
            "hour_cosine": np.cos(angle),
            "is_length_known": length.notna().astype(float),
            "log_length": np.log1p(length.fillna(0.0)),
            # Log odds of the organization's past, pulled to even where there is little of it.
            "organization_odds": np.log((completed + 1) / (started - completed + 1)),
            "weekday": frame["start_weekday"].astype(str),
            **{name: frame[name].astype(str) for name in _WORDS},
        },
        index=frame.index,
    )
