"""The facade: verbs that say what will be; every prediction is kept and scored later."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ioc_analytics.insight.completion import CompletionPrediction, predict_completion
from ioc_analytics.insight.forecasts import Forecast, forecast_metric
from ioc_analytics.insight.prediction_ledger import Prediction, keep_predictions
from ioc_analytics.insight.prediction_round import (
    FORECAST_METRICS,
    Predicting,
    PredictionRound,
    make_round,
)
from ioc_analytics.insight.prediction_scores import (
    PredictionScores,
    score_waiting,
    store_scores,
)
from ioc_analytics.insight.resources import ResourcePlan, plan_resources
from ioc_analytics.insight.risks import RiskAssessment, assess_risks
from ioc_analytics.records.filters import parse_filters
from ioc_analytics.system.base import SystemBase


class Predictions(SystemBase):
    """Forecasts, completion of open responses, early warnings, and how predictions turned out."""

    def forecast(
        self, metric: str, horizon: int | None = None, interval: str = "daily", filters: Any = ()
    ) -> Forecast:
        """Return the next values of a metric with 90 % intervals, and keep them in the ledger.

        Args:
            metric: Such as ``completion_rate``, ``response_volume`` or ``openness``.
            horizon: Periods ahead, 1 to 3,650; None: 14 days, 8 weeks, 3 months or 2 quarters.
            interval: ``daily``, ``weekly``, ``monthly`` or ``quarterly``.
            filters: ``Filter`` records or the seed's dicts; all must hold.

        Raises:
            InvalidInput: Unknown metric, interval or filter, or no whole number of periods.
            NotEnoughData: Too short a past for this horizon, too many gaps, or it never changes.
            PrivacyRefusal: The role sees released figures only.
        """
        self.demand_analyst("see exact figures")
        chosen = parse_filters(filters)
        self._note_answer("forecast", metric, horizon, interval, [one.to_dict() for one in chosen])
        with self.query_counters.request(), self.database.connection("analyst") as connection:
            found = forecast_metric(
                connection,
                metric,
                chosen,
                horizon,
                interval,
                lambda identifier: self.pseudonym("organization", identifier),
                maturity_days=self.config.maturity_days,
            )
        self._keep(found.predictions())
        return found

    def predict_completion(self, filters: Any = None) -> CompletionPrediction:
        """Return how many of the responses open now will be completed within 14 days.

        Args:
            filters: ``Filter`` records or the seed's dicts; all must hold, none on ``is_careless``.

        Raises:
            InvalidInput: An unknown filter, or one on what is not known of an open response.
            NotEnoughData: Fewer than 100 earlier open responses that were completed or were not.
            PrivacyRefusal: The role sees released figures only.
        """
        self.demand_analyst("see exact figures")
        chosen = parse_filters(filters)
        self._note_answer("predict_completion", [one.to_dict() for one in chosen])
        with self.query_counters.request(), self.database.connection("analyst") as connection:
            found = predict_completion(
                connection,
                chosen,
                lambda identifier: self.pseudonym("organization", identifier),
            )
        self._keep(found.predictions())
        return found

    def assess_risks(self, filters: Any = None) -> RiskAssessment:
        """Return whether completion, quality, careless answers or AI agreement turned worse.

        Args:
            filters: ``Filter`` records or the seed's dicts; all must hold.

        Raises:
            PrivacyRefusal: The role sees released figures only.
        """
        self.demand_analyst("see exact figures")
        chosen = parse_filters(filters)
        self._note_answer("assess_risks", [one.to_dict() for one in chosen])
        with self.query_counters.request():
            found = assess_risks(
                self.database,
                chosen,
                lambda identifier: self.pseudonym("organization", identifier),
            )
        self._keep(found.predictions())
        return found

    def plan_resources(self, horizon: int = 30) -> ResourcePlan:
        """Return when rows, bytes, runtime, connections and partitions are used up.

        Args:
            horizon: Days ahead, 1 to 3,650.

        Raises:
            InvalidInput: The horizon is no such number.
            PrivacyRefusal: The role sees released figures only.
        """
        self.demand_analyst("plan resources")
        self._note_answer("plan_resources", horizon)
        with self.query_counters.request(), self.database.connection("analyst") as connection:
            found = plan_resources(connection, horizon)
        self._keep(found.predictions())
        return found

    def make_predictions(self) -> PredictionRound:
        """Make and keep everything that is predicted by the clock; what cannot be is named.

        Raises:
            PrivacyRefusal: The role sees released figures only.
        """
        self.demand_analyst("see exact figures")
        questions: dict[str, Callable[[], Predicting]] = {
            f"forecast of {name}": partial(self.forecast, name) for name in FORECAST_METRICS
        }
        questions["completion"] = self.predict_completion
        questions["risks"] = self.assess_risks
        questions["resources"] = self.plan_resources
        return make_round(questions)

    def score_predictions(self) -> PredictionScores:
        """Compare stored predictions with what came, and keep the scores; again changes nothing.

        Raises:
            PrivacyRefusal: The role sees released figures only.
        """
        self.demand_analyst("score predictions")
        found = score_waiting(
            self.database, lambda identifier: self.pseudonym("organization", identifier)
        )
        with self.database.connection("ingest") as connection:
            store_scores(connection, found.scored)
            self._audit(
                connection, "score", "predictive_analytics_results", row_count=len(found.scored)
            )
        return found

    def _keep(self, predictions: Sequence[Prediction]) -> None:
        with self.database.connection("ml") as connection:
            keep_predictions(connection, predictions)
