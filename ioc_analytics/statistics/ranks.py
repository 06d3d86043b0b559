"""Percentile ranks among peers, with the interval that their errors leave.

For: where an organization stands (``insight.benchmarks``). Not for: whether it stands out
(``funnels``), or percentiles of people (``distributions``).

The rank of an observed figure among observed figures is extreme by luck: small groups crowd both
ends. The rank here is that of the true values, as far as they are known.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics.intervals import DEFAULT_LEVEL, ConfidenceInterval, checked_level
from ioc_analytics.statistics.shrinkage import checked_groups

MINIMUM_PEERS: Final = 5
"""Fewest peers to rank among: with four, a rank is one of five numbers."""

_NODES: Final = 64


@dataclass(frozen=True, slots=True)
class PercentileRank:
    """Where a group stands among its peers."""

    rank: float
    """Expected share of the peers whose true value is lower, in percent, 0 to 100."""

    interval: ConfidenceInterval
    """Of the share of the peers whose true value is lower, in percent."""

    std_dev: float
    """SD of that share as far as it is unknown, in percentage points."""

    n_peers: int


def percentile_rank(
    value: float,
    error: float,
    peers: npt.ArrayLike,
    peer_errors: npt.ArrayLike,
    *,
    level: float = DEFAULT_LEVEL,
) -> PercentileRank:
    """Return the percentile rank of one group among its peers, from best estimates of all.

    The true value of each is normal around its estimate. Given the group's own true value t, the
    number of peers below is a sum of independent events with probabilities Phi((t - estimate) /
    error), taken as normal; t itself is averaged over at 64 equally likely places.

    Args:
        value: Best estimate of the group (``shrinkage``), any unit.
        error: Its standard error, positive.
        peers: Best estimates of the peers, the group not among them, shape ``(n_peers,)``.
        peer_errors: Their standard errors, positive, shape ``(n_peers,)``.
        level: Confidence of the interval, between 0 and 1.

    Raises:
        InvalidInput: A figure is missing or an error not positive.
        NotEnoughData: Fewer than 5 peers.

    Source:
        Laird & Louis (1989), doi:10.3102/10769986014001029; Goldstein & Spiegelhalter (1996),
        doi:10.2307/2983325; R: ``100 * mean(pnorm((m - peers) / sqrt(s^2 + errors^2)))`` is the
        rank up to the 64 places.

    Example:
        >>> rank = percentile_rank(60.0, 1.0, [50.0, 55.0, 58.0, 62.0, 70.0], [1.0] * 5)
        >>> round(rank.rank, 1), round(rank.interval.low), round(rank.interval.high)
        (60.0, 40, 80)
    """
    m, s = checked_groups(peers, np.square(np.asarray(peer_errors, dtype=np.float64)))
    if len(m) < MINIMUM_PEERS:
        raise NotEnoughData(f"a rank needs at least {MINIMUM_PEERS} peers, found {len(m)}")
    if not (math.isfinite(value) and math.isfinite(error) and error > 0):
        raise InvalidInput(f"the group's figure {value} or its error {error} is impossible")
    n = len(m)
    places = value + error * special.ndtri((np.arange(_NODES) + 0.5) / _NODES)
    below = special.ndtr((places[:, None] - m) / np.sqrt(s))
    counts, spread = below.sum(axis=1), np.sqrt((below * (1 - below)).sum(axis=1))
    variance = float((spread**2).mean() + counts.var())
    tail = (1 - checked_level(level)) / 2
    low = _first_beyond(counts, spread, n, tail)
    high = _first_beyond(counts, spread, n, 1 - tail) - 1
    rank = 100 * float(counts.mean()) / n
    interval = ConfidenceInterval(
        level, min(100 * low / n, rank), max(100 * high / n, rank), "expected_rank"
    )
    return PercentileRank(rank, interval, 100 * math.sqrt(variance) / n, n)


def average_rank(
    ranks: Sequence[float], std_devs: Sequence[float], *, level: float = DEFAULT_LEVEL
) -> tuple[float, ConfidenceInterval]:
    """Return the mean of a group's ranks in several things, whose errors are independent.

    Formula: mean ± z sqrt(sum of the squared SDs) / number, within 0 and 100.

    Args:
        ranks: In percent, 0 to 100, at least one.
        std_devs: Their SDs in percentage points.
        level: Confidence of the interval, between 0 and 1.

    Raises:
        NotEnoughData: No rank at all.

    Example:
        >>> mean, interval = average_rank([60.0, 40.0], [6.0, 8.0])
        >>> mean, round(interval.low, 1), round(interval.high, 1)
        (50.0, 40.2, 59.8)
    """
    if not ranks:
        raise NotEnoughData("a mean rank needs at least 1 rank, found 0")
    mean = sum(ranks) / len(ranks)
    z = -float(special.ndtri((1 - checked_level(level)) / 2))
    half = z * math.hypot(*std_devs) / len(ranks)
    interval = ConfidenceInterval(
        level, max(0.0, mean - half), min(100.0, mean + half), "independent_ranks"
    )
    return mean, interval


def _first_beyond(
    counts: npt.NDArray[np.float64], spread: npt.NDArray[np.float64], n: int, share: float
) -> int:
    """Return the smallest number of peers with at least this probability below it.

    Half of a number's own probability counts as below it (mid-p). Counted whole, an interval of
    whole peers covers 98 % instead of 95.
    """
    low, high = 0, n + 1
    floor = np.maximum(spread, 1e-9)
    while low < high:
        middle = (low + high) // 2
        below, to = (special.ndtr((middle + h - counts) / floor).mean() for h in (-0.5, 0.5))
        if (below + to) / 2 < share:
            low = middle + 1
        else:
            high = middle
    return low
