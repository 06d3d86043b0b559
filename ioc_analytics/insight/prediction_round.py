"""A round of predictions: everything the platform predicts by itself, and what it could not yet.

For: the asset of predictions. Not for: any prediction of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol

from ioc_analytics.insight.prediction_ledger import Prediction
from ioc_analytics.kernel.errors import NotEnoughData
from ioc_analytics.records.answers import to_json
from ioc_analytics.records.vocabularies import TRAITS

FORECAST_METRICS: Final = ("response_volume", "completion_rate", "data_quality_score", *TRAITS)
"""Metrics that are forecast in every round."""


class Predicting(Protocol):
    """An answer that holds predictions."""

    def predictions(self) -> tuple[Prediction, ...]:
        """Return what the ledger keeps."""
        ...


@dataclass(frozen=True, slots=True)
class RoundEntry:
    """One question of a round."""

    about: str
    predictions: int
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PredictionRound:
    """What a round said."""

    made: tuple[RoundEntry, ...]
    withheld: tuple[Mapping[str, str], ...]
    """Questions that the data cannot carry yet: ``figure`` and ``reason``."""

    def to_dict(self) -> dict[str, Any]:
        """Return the round ready for JSON."""
        found: dict[str, Any] = to_json(asdict(self))
        return found


def make_round(questions: Mapping[str, Callable[[], Predicting]]) -> PredictionRound:
    """Ask every question; too little data for one is no reason to leave out the others.

    Args:
        questions: What each is about, and what asks it and keeps the answer.
    """
    made: list[RoundEntry] = []
    withheld: list[Mapping[str, str]] = []
    for about, ask in questions.items():
        try:
            said = ask().predictions()
        except NotEnoughData as error:
            withheld.append({"figure": about, "reason": str(error)})
            continue
        models = tuple(sorted({one.model for one in said}))
        made.append(RoundEntry(about, len(said), models))
    return PredictionRound(tuple(made), tuple(withheld))
