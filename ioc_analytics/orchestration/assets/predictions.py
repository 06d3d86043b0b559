"""Predictions as assets: earlier ones are scored first, then new ones are made.

For: their job and schedule. Not for: the models (``insight``, ``statistics``).
"""

from dataclasses import asdict
from typing import Final

import dagster as dg

from ioc_analytics.orchestration import presentation
from ioc_analytics.orchestration.assets.anonymized import TABLES
from ioc_analytics.orchestration.presentation import OWNERS, table_spec
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.resources.failures import RETRY, failures

PREDICTIONS: Final = "predictive_analytics_results"
SCORES: Final = "prediction_scores"

_GROUP: Final = "predictions"


@dg.asset(
    name=SCORES,
    group_name=_GROUP,
    description="Scores of earlier predictions, kept beside them once their truth has come",
    kinds={"postgres", "table"},
    owners=OWNERS,
    deps=list(TABLES),
    retry_policy=RETRY,
    pool=_GROUP,
)
def prediction_scores(analytics: AnalyticsResource) -> dg.MaterializeResult[None]:
    """Compare predictions with what came; scored ones stay as they are."""
    with failures():
        found = analytics.system.score_predictions()
    rows = [
        {
            "target": one.target,
            "period_start": one.start,
            "prediction": one.prediction,
            "actual": one.actual,
            "is_covered": one.score.get("is_covered"),
        }
        for one in found.scored
    ]
    return dg.MaterializeResult(
        metadata={
            "scored": len(found.scored),
            "waiting": found.waiting,
            "newly_scored": presentation.table(rows),
            "left_out": presentation.table(found.left_out),
        }
    )


@dg.multi_asset(
    name=PREDICTIONS,
    # After the scores, so that new predictions carry the newest accuracy.
    specs=[table_spec(PREDICTIONS, _GROUP, deps=[SCORES])],
    retry_policy=RETRY,
    pool=_GROUP,
)
def predictive_analytics_results(analytics: AnalyticsResource) -> dg.MaterializeResult[None]:
    """Forecast the main metrics, the completion of open responses, and watch for risks."""
    with failures():
        found = analytics.system.make_predictions()
        stored = presentation.count_rows(analytics.system, [PREDICTIONS])[PREDICTIONS]
        course = presentation.courses(analytics.system, [PREDICTIONS])[PREDICTIONS]
    rows = [asdict(entry) | {"models": ", ".join(entry.models)} for entry in found.made]
    return dg.MaterializeResult(
        metadata={
            **stored,
            **course,
            "predictions": sum(entry.predictions for entry in found.made),
            "made": presentation.table(rows),
            "withheld": presentation.table(found.withheld),
        }
    )
