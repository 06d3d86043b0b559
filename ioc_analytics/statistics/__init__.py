"""Pure statistics: arrays in, frozen results out.

For: every figure that the platform shows, and any pipeline that wants them without a database. Not
for: fetching data (``states``, ``query``) or wording an answer (``insight``).

Nothing here reads a clock, a file, the environment or global randomness. Too little data raises
``NotEnoughData``, impossible arguments ``InvalidInput``; what is undefined in a result is None with
its reason, and nothing is rounded.
"""

from ioc_analytics.statistics.careless import has_zero_variance, individual_sd, longest_run
from ioc_analytics.statistics.clusters import ClusteredMean, clustered_mean
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
from ioc_analytics.statistics.intervals import (
    ConfidenceInterval,
    clopper_pearson_interval,
    mean_interval,
    quantile_interval,
    wilson_interval,
)
from ioc_analytics.statistics.item_moments import ItemMoments
from ioc_analytics.statistics.moments import (
    MOMENT_DTYPE,
    PairMoments,
    merge_moments,
    moments_from_vectors,
    pairwise,
)
from ioc_analytics.statistics.reliability import (
    Reliability,
    feldt_interval,
    measure_moments,
    measure_reliability,
    omega_total,
)
from ioc_analytics.statistics.scoring import score_traits

__all__ = [
    "MOMENT_DTYPE",
    "SCORE_BIN_EDGES",
    "STANDARD_PERCENTILES",
    "ClusteredMean",
    "ConfidenceInterval",
    "Correlation",
    "Distribution",
    "Histogram",
    "ItemMoments",
    "PairMoments",
    "Reliability",
    "adjust_false_discovery",
    "adjust_familywise",
    "clopper_pearson_interval",
    "clustered_mean",
    "correlate",
    "correlate_moments",
    "correlate_traits",
    "count_bins",
    "count_distinct",
    "describe_counts",
    "describe_sample",
    "feldt_interval",
    "fisher_interval",
    "has_zero_variance",
    "individual_sd",
    "longest_run",
    "mean_interval",
    "measure_moments",
    "measure_reliability",
    "merge_counts",
    "merge_moments",
    "moments_from_vectors",
    "omega_total",
    "pairwise",
    "percentiles",
    "quantile_interval",
    "score_traits",
    "wilson_interval",
]
