"""Every interval function covers the truth as often as it says, on data whose truth is known.

The whole table is printed by the nightly test and stands in ``docs/statistics.md``; here, each
family is drawn a few times only. Forecasts (90 %) have a table of their own: ``test_forecasting``.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations, product
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest
from scipy import signal, special, stats

from ioc_analytics.statistics import (
    ConfidenceInterval,
    GroupSummary,
    PercentileRank,
    agreement_rate,
    average_rank,
    bland_altman,
    calibrate,
    clopper_pearson_interval,
    clustered_mean,
    clustered_rate,
    compare_pairs,
    correlate,
    draw_funnel,
    estimate_prior,
    feldt_interval,
    find_trend,
    games_howell,
    hedges_g,
    intraclass_correlation,
    mean_interval,
    mid_rank_interval,
    percentile_rank,
    quantile_interval,
    rate_of,
    stabilize_rates,
    variance_explained,
    weighted_kappa,
    wilson_interval,
)
from ioc_analytics.statistics.exhaustion import exhaustion, extend, follow_line

Source = np.random.Generator
Draw = Callable[..., float]
Floats = npt.NDArray[np.float64]

AT_LEAST: Final = 95.0
ON_AVERAGE: Final = (93.0, 97.0)


@dataclass(frozen=True)
class Family:
    """Intervals of one kind, and the grid that they are judged on."""

    name: str
    draw: Draw
    """Of a source of chance and a place of the grid: 1 if the truth was covered, or the share."""

    grid: str
    """The grid in words."""

    places: Sequence[tuple[Any, ...]]
    is_exact: bool = False
    """Covers at least 95 % at every place; others 93 to 97 % on average over the grid."""

    draws: int = 2000
    """At each place; 1: the share is computed, not drawn."""

    def coverage(self, draws: int) -> Floats:
        """Return the share covered at each place."""
        source = np.random.default_rng(20261125)
        return np.array(
            [np.mean([self.draw(source, *place) for _ in range(draws)]) for place in self.places]
        )


def holds(interval: ConfidenceInterval | None, truth: float) -> bool:
    """Return whether an interval covers the truth, up to rounding."""
    assert interval is not None
    return interval.low - 1e-9 <= truth <= interval.high + 1e-9


def binomial(interval: Callable[[int, int], ConfidenceInterval]) -> Draw:
    def share(_: Source, n: int, p: float) -> float:
        covering = [x for x in range(n + 1) if holds(interval(x, n), p)]
        return float(np.sum(stats.binom.pmf(covering, n, p)))

    return share


def median(_: Source, n: int, p: float) -> float:
    """The share of samples whose order statistics enclose the quantile: ranks are binomial."""
    ranks = quantile_interval(np.arange(1, n + 1), np.ones(n, dtype=int), p)
    return float(stats.binom.cdf(ranks.high - 1, n, p) - stats.binom.cdf(ranks.low - 1, n, p))


def people(source: Source, n: int, shape: str) -> Floats:
    """Scores with mean 50: normal, flat, or skewed to the right (skewness 1)."""
    if shape == "normal":
        return source.normal(50, 15, n)
    return source.uniform(0, 100, n) if shape == "flat" else 20 + source.gamma(4, 7.5, n)


def student(source: Source, n: int, shape: str) -> bool:
    x = people(source, n, shape)
    return holds(mean_interval(x.mean(), x.std(ddof=1) / math.sqrt(n), n), 50)


def pair(source: Source, n: int, r: float) -> tuple[Floats, Floats]:
    x, noise = source.normal(size=(2, n))
    return x, r * x + math.sqrt(1 - r * r) * noise


def fisher(source: Source, n: int, r: float) -> bool:
    return holds(correlate(*pair(source, n, r)).confidence_interval, r)


def feldt(source: Source, n: int, k: int, r: float) -> bool:
    answers = math.sqrt(r) * source.normal(size=(n, 1))
    answers = answers + math.sqrt(1 - r) * source.normal(size=(n, k))
    covariance = np.cov(answers.T)
    alpha = (1 - np.trace(covariance) / covariance.sum()) * k / (k - 1)
    return holds(feldt_interval(float(alpha), n, k), k * r / (1 + (k - 1) * r))


def group(source: Source, name: str, n: int, mean: float, spread: float = 1.0) -> GroupSummary:
    x = source.normal(mean, spread, n)
    return GroupSummary(name, n, float(x.mean()), float(x.std(ddof=1)))


def effect_size(source: Source, n: tuple[int, int], spread: float, d: float) -> bool:
    first = group(source, "a", n[0], d * math.sqrt((1 + spread**2) / 2))
    second = group(source, "b", n[1], 0, spread)
    return holds(hedges_g(first, second).confidence_interval, d)


def share_of_variance(source: Source, k: int, n: int, share: float) -> bool:
    means = np.linspace(-1, 1, k)
    means *= math.sqrt(share / (1 - share) / float((means**2).mean()))
    groups = [group(source, str(at), n, mean) for at, mean in enumerate(means)]
    return holds(variance_explained(groups).confidence_interval, share)


def differences(method: Callable[..., Any]) -> Draw:
    def all_hold(source: Source, k: int, n: int, grows: float) -> bool:
        """Whether all intervals hold at once: that is what they promise."""
        groups = [group(source, str(at), n * (1 + at), at / 5, grows**at) for at in range(k)]
        truths = [(a - b) / 5 for a, b in combinations(range(k), 2)]
        found = [one.confidence_interval for one in method(groups)]
        return all(map(holds, found, truths))

    return all_hold


def raters(source: Source, n: int, icc: float, lean: float) -> tuple[Floats, Floats]:
    """Scores of two raters; ``lean`` is the share of the raters' own levels in what differs."""
    middle, rest = source.normal(0, math.sqrt(icc), n), math.sqrt((1 - icc) * (1 - lean))
    levels = source.normal(0, math.sqrt((1 - icc) * lean), 2)
    first, second = source.normal(middle + levels[:, None], rest, (2, n))
    return first, second


def intraclass(source: Source, n: int, icc: float, lean: float) -> bool:
    return holds(intraclass_correlation(*raters(source, n, icc, lean)).confidence_interval, icc)


def bias(source: Source, n: int) -> bool:
    first, second = raters(source, n, 0.7, 0.0)
    return holds(bland_altman(first + 3, second).bias_interval, 3)


def limit_of_agreement(source: Source, n: int) -> bool:
    found = bland_altman(*raters(source, n, 0.5, 0.0))
    return abs(found.limit_high - 1.96) <= found.limit_margin


BANDS: Final = np.array([-0.84, -0.25, 0.25, 0.84])
"""Edges of five bands of equal probability."""


def band_shares(r: float) -> Floats:
    """Probability of each pair of bands, for scores of that correlation."""
    edges = [-np.inf, *BANDS, np.inf]
    x = np.linspace(-8, 8, 20001)
    own = np.digitize(x, BANDS)
    below = special.ndtr((np.array(edges)[:, None] - r * x) / math.sqrt(1 - r * r))
    table = np.diff(below, axis=0) * stats.norm.pdf(x) * (x[1] - x[0])
    return np.array([table[:, own == band].sum(axis=1) for band in range(5)])


def kappa_of(shares: Floats) -> float:
    steps = np.arange(5)
    weight = 1 - ((steps[:, None] - steps) / 4) ** 2
    expected = (weight * np.outer(shares.sum(axis=1), shares.sum(axis=0))).sum()
    return float(((weight * shares).sum() - expected) / (1 - expected))


KAPPAS: Final = {r: kappa_of(band_shares(r)) for r in (0.3, 0.6, 0.9)}


def kappa(source: Source, n: int, r: float) -> bool:
    first, second = (np.digitize(x, BANDS) for x in pair(source, n, r))
    return holds(weighted_kappa(first, second, 5).confidence_interval, KAPPAS[r])


def agreement(source: Source, n: int, spread: float) -> bool:
    first, second = source.normal(50, spread, (2, n))
    truth = 2 * special.ndtr(10 / (spread * math.sqrt(2))) - 1
    return holds(agreement_rate(first, second, 10).confidence_interval, float(truth))


def mid_rank(source: Source, n: int, steps: int) -> bool:
    grid = np.arange(steps + 1.0)
    shares = np.exp(-(((grid - steps / 2) / (steps / 4)) ** 2) / 2)
    shares /= shares.sum()
    truth = 100 * (np.cumsum(shares) - shares / 2)
    at = int(source.choice(len(grid), p=shares))
    counts = source.multinomial(n, shares)
    return holds(mid_rank_interval(grid, counts, float(grid[at])), float(truth[at]))


def sizes_of(source: Source, organizations: int) -> npt.NDArray[np.int64]:
    return np.exp(source.normal(3.4, 0.7, organizations)).round().astype(int) + 1


def mean_of_clusters(source: Source, organizations: int, icc: float) -> bool:
    n = sizes_of(source, organizations)
    own = source.normal(0, math.sqrt(icc), organizations)
    sums = n * own + source.normal(0, np.sqrt(n * (1 - icc)))
    return holds(clustered_mean(n, sums).confidence_interval, 0)


def rates_of(source: Source, organizations: int, icc: float, rate: float) -> Floats:
    if not icc:
        return np.full(organizations, rate)
    scatter = 1 / icc - 1
    return source.beta(rate * scatter, (1 - rate) * scatter, organizations)


def rate_of_clusters(source: Source, organizations: int, icc: float, rate: float) -> bool:
    n = sizes_of(source, organizations)
    hits = source.binomial(n, rates_of(source, organizations, icc, rate))
    return holds(clustered_rate(n, hits).confidence_interval, rate)


def organizations(source: Source, number: int, spread: float) -> tuple[Floats, Floats, Floats]:
    """True means around 50, observed ones and their sampling variances; the first one asks."""
    truth = source.normal(50, spread, number + 1)
    variances = 144 / source.integers(10, 80, number + 1)
    return truth, source.normal(truth, np.sqrt(variances)), variances


def ordinary(source: Source, number: int, spread: float) -> bool:
    _, observed, variances = organizations(source, number, spread)
    limits = draw_funnel(observed[1:], variances[1:]).limits(variances[0])
    return holds(limits, observed[0])


def ranked(source: Source, number: int, spread: float) -> tuple[PercentileRank, float]:
    """A rank and the true one."""
    truth, observed, variances = organizations(source, number, spread)
    best = estimate_prior(observed[1:], variances[1:]).posterior(observed, variances)
    found = percentile_rank(
        float(best.values[0]), float(best.errors[0]), best.values[1:], best.errors[1:]
    )
    return found, 100 * float((truth[1:] < truth[0]).mean())


def rank(source: Source, number: int, spread: float) -> bool:
    found, truth = ranked(source, number, spread)
    return holds(found.interval, truth)


def index(source: Source, number: int, spread: float) -> bool:
    ranks, truths = zip(*(ranked(source, number, spread) for _ in range(4)), strict=True)
    _, interval = average_rank([one.rank for one in ranks], [one.std_dev for one in ranks])
    return holds(interval, float(np.mean(truths)))


def distance_of_a_mean(source: Source, number: int, spread: float) -> bool:
    truth, observed, variances = organizations(source, number, spread)
    funnel = draw_funnel(observed[1:], variances[1:])
    return holds(funnel.distance(observed[0], variances[0]), truth[0] - 50)


def distance_of_a_rate(source: Source, number: int, rate: float, spread: float) -> bool:
    """The difference of rates, as ``insight.benchmarks`` takes it from the stabilised scale."""
    truth = special.expit(special.logit(rate) + spread * source.normal(size=number + 1))
    cases = source.integers(20, 200, number + 1)
    values, variances = stabilize_rates(source.binomial(cases, truth), cases)
    funnel = draw_funnel(values[1:], variances[1:])
    found = funnel.distance(values[0], variances[0])
    low, high = (rate_of(funnel.target + end) for end in (found.low, found.high))
    population = special.expit(
        special.logit(rate) + spread * special.ndtri(np.linspace(0.001, 0.999, 999))
    )
    centre = rate_of(float(np.arcsin(np.sqrt(population)).mean()))
    apart = float(truth[0]) - centre
    return low - rate_of(funnel.target) <= apart <= high - rate_of(funnel.target)


def slope(source: Source, n: int, season: int | None, r: float) -> bool:
    noise = np.asarray(signal.lfilter([1.0], [1.0, -r], source.normal(size=n + 60)))[60:]
    return holds(find_trend(noise + 4 / n * np.arange(n), season).slope_interval, 4 / n)


START: Final = date(2026, 1, 1)


def days(n: int) -> list[date]:
    return [START + timedelta(days=at) for at in range(n)]


def line(source: Source, n: int, ahead: int) -> bool:
    y = 50 + 0.5 * np.arange(n) + source.normal(0, 5, n)
    came = 50 + 0.5 * (n - 1 + ahead) + source.normal(0, 5)
    return holds(extend(follow_line(days(n), y.tolist()), ahead, 0.95)[1], float(came))


def end_of_growth(source: Source, n: int, noise: float) -> bool:
    """Of the dates that are given: where growth is not certain, there is none."""
    found = None
    while found is None:
        y = 50 + 0.5 * np.arange(n) + source.normal(0, noise, n)
        found = exhaustion(days(n), y.tolist(), 50 + 0.5 * (n + 40))
    truth = START + timedelta(days=n + 40)
    return found.earliest <= truth <= (found.latest or date.max)


def calibration(source: Source, n: int, truth: float) -> bool:
    odds = source.normal(0, 1.5, n)
    came = source.random(n) < special.expit(truth * odds)
    return holds(calibrate(came, special.expit(odds)).slope_interval, truth)


SIZES: Final = (10, 30, 100)
EXACT: Final = tuple(product((6, 10, 30, 100, 300), (0.02, 0.1, 0.3, 0.5, 0.85, 0.97)))
PEERS: Final = tuple(product((5, 8, 15, 30, 100), (0.5, 2.0, 5.0)))

FAMILIES: Final = (
    Family(
        "clopper_pearson_interval",
        binomial(clopper_pearson_interval),
        "n 6 to 300, rates 0.02 to 0.97",
        EXACT,
        is_exact=True,
        draws=1,
    ),
    Family(
        "quantile_interval",
        median,
        "n 20 to 1000, quantiles 0.25, 0.5, 0.75",
        tuple(product((20, 30, 100, 1000), (0.25, 0.5, 0.75))),
        is_exact=True,
        draws=1,
    ),
    Family(
        "wilson_interval",
        binomial(wilson_interval),
        "n 6 to 300, rates 0.02 to 0.97",
        EXACT,
        draws=1,
    ),
    Family(
        "agreement_rate",
        agreement,
        "n 10 to 100, rates 0.34 to 0.92",
        tuple(product(SIZES, (4.0, 8.0, 16.0))),
    ),
    Family(
        "mean_interval",
        student,
        "n 5 to 100; normal, flat and skewed scores",
        tuple(product((5, *SIZES), ("normal", "flat", "skewed"))),
    ),
    Family(
        "fisher_interval",
        fisher,
        "n 10 to 100, r 0 to 0.9",
        tuple(product(SIZES, (0.0, 0.3, 0.6, 0.9))),
    ),
    Family(
        "feldt_interval",
        feldt,
        "n 20 to 200, 2 to 10 items, r between them 0.1 to 0.5",
        tuple(product((20, 50, 200), (2, 4, 10), (0.1, 0.3, 0.5))),
    ),
    Family(
        "hedges_g",
        effect_size,
        "10 to 100 a group, SD 1 and 1 to 1.5, d 0 to 1",
        tuple(product(((10, 10), (20, 60), (100, 100)), (1.0, 1.5), (0.0, 0.2, 0.5, 1.0))),
    ),
    Family(
        "variance_explained",
        share_of_variance,
        "2 to 5 groups of 10 to 100, shares 0.01 to 0.14",
        tuple(product((2, 3, 5), (10, 30, 100), (0.01, 0.06, 0.14))),
        draws=1000,
    ),
    Family(
        "compare_pairs",
        differences(compare_pairs),
        "all pairs at once; 2 to 5 groups of 10 to 150, SD up to 1 to 2.9",
        tuple(product((2, 3, 5), (10, 30), (1.0, 1.3))),
    ),
    Family(
        "games_howell",
        differences(games_howell),
        "all pairs at once; 3 groups of 10 to 30, SD up to 1 to 1.7",
        ((3, 10, 1.0), (3, 10, 1.3)),
        draws=300,
    ),
    Family(
        "intraclass_correlation",
        intraclass,
        "n 10 to 100, ICC 0.3 to 0.9, raters' own levels 0 to 30 % of the error",
        tuple(product(SIZES, (0.3, 0.6, 0.9), (0.0, 0.1, 0.3))),
    ),
    Family(
        "weighted_kappa",
        kappa,
        "n 30 to 300, r of the scores 0.3 to 0.9",
        tuple(product((30, 100, 300), KAPPAS)),
    ),
    Family("bland_altman, bias", bias, "n 5 to 100", tuple((n,) for n in (5, *SIZES))),
    Family(
        "bland_altman, limits", limit_of_agreement, "n 5 to 100", tuple((n,) for n in (5, *SIZES))
    ),
    Family(
        "mid_rank_interval",
        mid_rank,
        "norm groups of 50 to 1000, scales of 5 to 41 scores",
        tuple(product((50, 200, 1000), (4, 8, 40))),
    ),
    Family(
        "clustered_mean",
        mean_of_clusters,
        "5 to 100 organizations, ICC 0 to 0.3",
        tuple(product((5, 10, 30, 100), (0.0, 0.02, 0.1, 0.3))),
    ),
    Family(
        "clustered_rate",
        rate_of_clusters,
        "5 to 100 organizations, ICC 0 to 0.1, rates 0.05 to 0.8",
        tuple(product((5, 10, 30, 100), (0.0, 0.02, 0.1), (0.05, 0.3, 0.8))),
    ),
    Family("Funnel.limits", ordinary, "5 to 100 peers that differ by 0.1 to 1.3 errors", PEERS),
    Family("Funnel.distance, mean", distance_of_a_mean, "the same", PEERS),
    Family(
        "Funnel.distance, rate",
        distance_of_a_rate,
        "5 to 100 peers, rates 0.05 to 0.85, SD of the log odds 0.1 to 0.5",
        tuple(product((5, 15, 50), (0.05, 0.3, 0.85), (0.1, 0.5))),
    ),
    Family("percentile_rank", rank, "5 to 100 peers that differ by 0.1 to 1.3 errors", PEERS),
    Family("average_rank", index, "mean of four ranks among 5 to 100 peers", PEERS, draws=1000),
    Family(
        "find_trend, slope",
        slope,
        "24 to 156 periods, seasons, AR(1) 0 to 0.6",
        tuple(
            (n, s, r)
            for n, s in ((24, None), (60, None), (60, 12), (91, 7), (156, None))
            for r in (0.0, 0.3, 0.6)
        ),
    ),
    Family(
        "extend",
        line,
        "14 to 90 days, 1 to 90 days ahead",
        tuple(product((14, 30, 90), (1, 30, 90))),
    ),
    Family(
        "exhaustion",
        end_of_growth,
        "14 to 90 days, SD 2 to 20 days of growth",
        ((14, 1.0), (30, 1.5), (30, 4.0), (90, 4.0), (90, 10.0)),
    ),
    Family(
        "calibrate, slope",
        calibration,
        "n 100 to 2000, slopes 0.7 to 1.3",
        tuple(product((100, 500, 2000), (0.7, 1.0, 1.3))),
    ),
)
BY_NAME: Final = {family.name: family for family in FAMILIES}


@pytest.mark.nightly
def test_every_interval_covers_the_truth_as_often_as_it_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines, outside = ["| interval of | grid | mean | least | most |", "|---|---|---|---|---|"], []
    for family in FAMILIES:
        covered = 100 * family.coverage(family.draws)
        figures = (covered.mean(), covered.min(), covered.max())
        shown = " | ".join(f"{figure:.1f}" for figure in figures)
        lines.append(f"| `{family.name}` | {family.grid} | {shown} |")
        low, high = ON_AVERAGE
        if not (covered.min() >= AT_LEAST if family.is_exact else low <= covered.mean() <= high):
            outside.append(lines[-1])
    with capsys.disabled():
        print("\n" + "\n".join(lines))  # noqa: T201 - the table is what the test is for
    assert not outside


@pytest.mark.parametrize("name", sorted(BY_NAME.keys() - {"games_howell"}))
def test_an_interval_covers_the_truth_about_as_often_as_it_says(name: str) -> None:
    family = BY_NAME[name]
    draws = 1 if family.draws == 1 else 600 // len(family.places)
    covered = 100 * family.coverage(draws)
    if family.is_exact:
        assert covered.min() >= AT_LEAST
    else:
        low, high = ON_AVERAGE
        # Three standard errors of the mean of 600 draws.
        slack = 0.0 if draws == 1 else 2.7
        assert low - slack <= covered.mean() <= high + slack
