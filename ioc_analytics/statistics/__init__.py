"""Pure statistics: arrays in, frozen results out.

For: every figure that the platform shows, and any pipeline that wants them without a database. Not
for: fetching data (``states``, ``query``) or wording an answer (``insight``).

Nothing here reads a clock, a file, the environment or global randomness. Too little data raises
``NotEnoughData``, impossible arguments ``InvalidInput``; what is undefined in a result is None with
its reason, and nothing is rounded.
"""

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
from ioc_analytics.statistics.anomalies import Anomaly, find_anomalies
from ioc_analytics.statistics.careless import (
    even_odd_consistency,
    has_zero_variance,
    individual_sd,
    longest_run,
    synonym_consistency,
)
from ioc_analytics.statistics.changepoints import ChangePoint, LevelChanges, find_change_points
from ioc_analytics.statistics.clusters import (
    ClusteredMean,
    ClusteredRate,
    clustered_mean,
    clustered_rate,
    design_effect,
)
from ioc_analytics.statistics.comparison import (
    EffectSize,
    GroupSummary,
    GroupTest,
    PairComparison,
    VarianceExplained,
    compare_pairs,
    games_howell,
    hedges_g,
    kruskal_wallis,
    variance_explained,
    welch_anova,
)
from ioc_analytics.statistics.control_charts import ControlChart, watch_level, watch_rate
from ioc_analytics.statistics.correlation import (
    Correlation,
    adjust_false_discovery,
    adjust_familywise,
    correlate,
    correlate_moments,
    correlate_traits,
    fisher_interval,
)
from ioc_analytics.statistics.counts import count_distinct, merge_counts
from ioc_analytics.statistics.distributions import (
    SCORE_BIN_EDGES,
    STANDARD_PERCENTILES,
    Distribution,
    Histogram,
    count_bins,
    describe_counts,
    describe_sample,
    percentiles,
)
from ioc_analytics.statistics.forecasting import (
    RaceResult,
    SeriesForecast,
    forecast_series,
)
from ioc_analytics.statistics.funnels import Funnel, draw_funnel, rate_of, stabilize_rates
from ioc_analytics.statistics.intervals import (
    ConfidenceInterval,
    clopper_pearson_interval,
    mean_interval,
    quantile_interval,
    wilson_interval,
)
from ioc_analytics.statistics.item_functioning import ItemFunctioning, analyze_items
from ioc_analytics.statistics.item_moments import ItemMoments
from ioc_analytics.statistics.item_regression import ItemRegression, regress_items
from ioc_analytics.statistics.moments import (
    MOMENT_DTYPE,
    PairMoments,
    merge_moments,
    moments_from_vectors,
    pairwise,
)
from ioc_analytics.statistics.norms import mid_rank_interval, mid_rank_percentiles
from ioc_analytics.statistics.ordinal import OrdinalFit, fit_proportional_odds
from ioc_analytics.statistics.outcomes import OutcomeModel, OutcomeRaceResult, race_outcomes
from ioc_analytics.statistics.outliers import (
    Limits,
    distance_p_values,
    mahalanobis_squared,
    overdispersion,
    robust_limits,
    standardize_against_past,
    tukey_fences,
)
from ioc_analytics.statistics.ranks import PercentileRank, average_rank, percentile_rank
from ioc_analytics.statistics.reliability import (
    Reliability,
    feldt_interval,
    measure_moments,
    measure_reliability,
    omega_total,
)
from ioc_analytics.statistics.scales import (
    SCALES,
    Scale,
)
from ioc_analytics.statistics.scoring import score_traits
from ioc_analytics.statistics.scoring_rules import (
    Calibration,
    brier_score,
    calibrate,
    interval_coverage,
    mean_absolute_error,
    pinball_loss,
)
from ioc_analytics.statistics.shrinkage import Prior, Shrunken, estimate_prior
from ioc_analytics.statistics.trends import Seasonality, Trend, find_trend

__all__ = [
    "ControlChart",
    "watch_level",
    "watch_rate",
    "OutcomeModel",
    "OutcomeRaceResult",
    "race_outcomes",
    "ItemRegression",
    "OrdinalFit",
    "fit_proportional_odds",
    "regress_items",
    "MOMENT_DTYPE",
    "SCALES",
    "SCORE_BIN_EDGES",
    "STANDARD_PERCENTILES",
    "AgreementRate",
    "Anomaly",
    "BlandAltman",
    "Calibration",
    "ChangePoint",
    "ClusteredMean",
    "ClusteredRate",
    "ConfidenceInterval",
    "Correlation",
    "Distribution",
    "EffectSize",
    "Funnel",
    "GroupSummary",
    "GroupTest",
    "Histogram",
    "IntraclassCorrelation",
    "ItemFunctioning",
    "ItemMoments",
    "LevelChanges",
    "Limits",
    "PairComparison",
    "PairMoments",
    "PercentileRank",
    "Prior",
    "RaceResult",
    "Reliability",
    "Scale",
    "Seasonality",
    "SeriesForecast",
    "Shrunken",
    "Trend",
    "VarianceExplained",
    "WeightedKappa",
    "adjust_false_discovery",
    "adjust_familywise",
    "agreement_rate",
    "analyze_items",
    "average_rank",
    "bland_altman",
    "brier_score",
    "calibrate",
    "clopper_pearson_interval",
    "clustered_mean",
    "clustered_rate",
    "compare_pairs",
    "correlate",
    "correlate_moments",
    "correlate_traits",
    "count_bins",
    "count_distinct",
    "describe_counts",
    "describe_sample",
    "design_effect",
    "distance_p_values",
    "draw_funnel",
    "estimate_prior",
    "even_odd_consistency",
    "feldt_interval",
    "find_anomalies",
    "find_change_points",
    "find_trend",
    "fisher_interval",
    "forecast_series",
    "games_howell",
    "has_zero_variance",
    "hedges_g",
    "individual_sd",
    "interval_coverage",
    "intraclass_correlation",
    "kruskal_wallis",
    "longest_run",
    "mahalanobis_squared",
    "mean_absolute_error",
    "mean_interval",
    "measure_moments",
    "measure_reliability",
    "merge_counts",
    "merge_moments",
    "mid_rank_interval",
    "mid_rank_percentiles",
    "moments_from_vectors",
    "omega_total",
    "overdispersion",
    "pairwise",
    "percentile_rank",
    "percentiles",
    "pinball_loss",
    "quantile_interval",
    "rate_of",
    "robust_limits",
    "score_traits",
    "stabilize_rates",
    "standardize_against_past",
    "synonym_consistency",
    "tukey_fences",
    "variance_explained",
    "weighted_kappa",
    "welch_anova",
    "wilson_interval",
]
