"""The truth: what statistics of synthetic scores tend to, computed and never simulated.

For: tests of every statistic of the platform. Not for: the values behind it (``population``).

Expected values follow from the population by numerical integration: answers are independent given
the traits, so a trait's score has the moments of ``sum_j E[X_j | theta]`` (plus the answers' own
variance) over a mixture of normal distributions, one per combination of fixed effects. Integration
is Gauss-Hermite on 21 nodes per trait; more nodes change no result above 1e-6 points.

Without ``organizations`` the truth is that of infinitely many organisations. With the drawn ones
(``Generator.organizations``) it is that of infinitely many responses from just these: compare this
one with a sample's mean on the sample's own standard error.

Responses that are not completed are no part of these values, nor are answers planted as dirty.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.synthetic.organizations import Organizations
from ioc_analytics.synthetic.population import FloatArray, ItemBank, Population

_NODES = 21
_GRID = np.linspace(-8.0, 8.0, 3201)  # interpolation between its points is exact to 1e-6 points


@dataclass(frozen=True, slots=True)
class ExpectedScores:
    """Expected values of the five scores (0 to 100), traits in ``TRAITS`` order."""

    mean: FloatArray
    """Shape ``(5,)``."""
    sd: FloatArray
    """Shape ``(5,)``, of single scores."""
    correlations: FloatArray
    """Shape ``(5, 5)``, of observed scores (attenuated by unreliability)."""
    alpha: FloatArray
    """Shape ``(5,)``: Cronbach's alpha of the trait's items."""
    item_means: FloatArray
    """Shape ``(n_items,)``: keyed answers 1 to 5, items in the order shown."""


@dataclass(frozen=True, slots=True)
class _Moments:
    """Raw moments of trait sums (five) and keyed items."""

    total: FloatArray
    products: FloatArray
    item: FloatArray
    item_squares: FloatArray

    def mixed(self, other: "_Moments", share: float) -> "_Moments":
        return _Moments(
            *(
                (1.0 - share) * getattr(self, name) + share * getattr(other, name)
                for name in ("total", "products", "item", "item_squares")
            )
        )


def expected_scores(
    population: Population,
    instrument: Instrument,
    organizations: Organizations | None = None,
    *,
    industry: str | None = None,
    region: str | None = None,
    age_band: str | None = None,
    with_careless: bool = True,
) -> ExpectedScores:
    """Return mean, SD, correlations and reliability of the scores.

    Args:
        population: The known values.
        instrument: A scale of 1 to 5, such as ``ipip50``.
        organizations: The drawn organisations, or None for the population of all of them.
        industry: Only this sector.
        region: Only people of this M49 sub-region.
        age_band: Only people of this age band.
        with_careless: Whether careless responses are in, as they are in the files.

    Raises:
        InvalidInput: An unknown industry, region or age band, or one that nobody belongs to.
    """
    bank = population.items(instrument)
    weight, center = _mixture(population, organizations, industry, region, age_band)
    within = 1.0 if organizations is None else 1.0 - population.organization_icc
    moments = _careful(bank, weight, center, within, np.array(population.correlations))
    if with_careless:
        moments = moments.mixed(_careless(population, bank), population.careless_share)
    return _scores(bank, moments)


def expected_trait_mean(
    population: Population,
    instrument: Instrument,
    trait: str,
    organizations: Organizations | None = None,
    *,
    industry: str | None = None,
    region: str | None = None,
    age_band: str | None = None,
) -> float:
    """Return the expected mean score (0 to 100) of one trait; see ``expected_scores``."""
    position = _position(trait, TRAITS, "trait")
    scores = expected_scores(
        population,
        instrument,
        organizations,
        industry=industry,
        region=region,
        age_band=age_band,
    )
    return float(scores.mean[position])


def expected_correlations(
    population: Population, instrument: Instrument, organizations: Organizations | None = None
) -> FloatArray:
    """Return the expected ``(5, 5)`` correlations of scores; see ``expected_scores``."""
    return expected_scores(population, instrument, organizations).correlations


def expected_alpha(
    population: Population,
    instrument: Instrument,
    trait: str,
    organizations: Organizations | None = None,
) -> float:
    """Return the expected Cronbach's alpha of one trait; see ``expected_scores``."""
    position = _position(trait, TRAITS, "trait")
    return float(expected_scores(population, instrument, organizations).alpha[position])


def expected_completion_rate(
    population: Population, instrument: Instrument, device: str | None = None
) -> float:
    """Return the expected share of completed responses, of all or of one device.

    The last ``open_days`` of a period hold ``started`` responses instead of abandoned ones, and
    lack completions by those who were interrupted.
    """
    devices = population.devices
    if device is not None:
        devices = (devices[_position(device, tuple(d.name for d in devices), "device")],)
    shares = np.array([d.share for d in devices])
    items = len(instrument.items)
    rates = np.array([population.completion_probability(d, items) for d in devices])
    return float((shares * rates).sum() / shares.sum())


def expected_later_completion(
    population: Population, instrument: Instrument, hours_open: FloatArray, horizon_hours: float
) -> FloatArray:
    """Return the probability that a response open for some hours is completed within others.

    Open are those who pause and those who gave up; ``hours_open`` is at least 1 (the answering
    itself takes minutes) and below ``24 * open_days``.
    """
    rate = expected_completion_rate(population, instrument)
    away = rate * population.pause_share

    def still_away(hours: FloatArray) -> FloatArray:
        sigmas = np.log(hours / population.pause_median_hours) / population.pause_sigma
        return np.where(hours < 24 * population.longest_pause_days, ndtr(-sigmas), 0.0)

    now, later = still_away(hours_open), still_away(hours_open + horizon_hours)
    found: FloatArray = away * (now - later) / (away * now + 1.0 - rate)
    return found


def expected_answers(population: Population, instrument: Instrument) -> float:
    """Return the expected number of answers per response (unfinished: 0 .. n-1, equally likely)."""
    items, rate = len(instrument.items), expected_completion_rate(population, instrument)
    return rate * items + (1.0 - rate) * (items - 1) / 2


def expected_rater_difference(population: Population) -> tuple[float, float]:
    """Return mean and SD of (primary score - secondary score) in points.

    The mean is exact. Errors are narrowed near 0 and 100 so that no score leaves the scale, which
    makes the SD of all responses up to 3 % smaller than the figure here.
    """
    first, second = population.raters
    covariance = population.rater_error_correlation * first.error_sd_points * second.error_sd_points
    variance = first.error_sd_points**2 + second.error_sd_points**2 - 2 * covariance
    return first.bias_points - second.bias_points, float(np.sqrt(variance))


def _position(name: str, known: tuple[str, ...], what: str) -> int:
    if name not in known:
        raise InvalidInput(
            f"the population has no {what} {name!r}{did_you_mean(name, known)}; "
            f"it has {', '.join(known)}"
        )
    return known.index(name)


def _mixture(
    population: Population,
    organizations: Organizations | None,
    industry: str | None,
    region: str | None,
    age_band: str | None,
) -> tuple[FloatArray, FloatArray]:
    """Return weights ``(n,)`` and latent means ``(n, 5)`` of the combinations of fixed effects."""
    sectors, regions, ages = population.industries, population.regions, population.ages
    region_names = tuple(group.name for group in regions)
    country_region = np.array([region_names.index(c.region) for c in population.countries])
    away = np.bincount(country_region, [c.share for c in population.countries], len(regions))
    if organizations is None:
        share, mean = np.array([s.share for s in sectors]), np.array([s.effects for s in sectors])
        sector, by_region = np.arange(len(sectors)), np.tile(away, (len(sectors), 1))
    else:
        sector, share = organizations.sector, organizations.weight
        mean = np.array([s.effects for s in sectors])[sector] + organizations.effects
        home = np.eye(len(regions))[country_region[organizations.country]]
        by_region = population.home_share * home + (1.0 - population.home_share) * away
    if industry is not None:
        share = share * (sector == _position(industry, tuple(s.name for s in sectors), "industry"))
    if region is not None:
        by_region = by_region * (
            np.arange(len(regions)) == _position(region, region_names, "region")
        )
    by_age = np.array([group.share for group in ages])
    if age_band is not None:
        names = tuple(group.name for group in ages)
        by_age = by_age * (np.arange(len(ages)) == _position(age_band, names, "age band"))
    weight = (share[:, None] * by_region)[:, :, None] * by_age
    region_effects = np.array([group.effects for group in regions])
    age_effects = np.array([group.effects for group in ages])
    center = mean[:, None, None, :] + region_effects[None, :, None, :] + age_effects
    kept = weight > 0
    if not kept.any():
        raise InvalidInput("nobody of these organisations is in the group: widen it")
    # Groups without an effect of their own coincide: one component instead of many.
    distinct, group = np.unique(center[kept], axis=0, return_inverse=True)
    merged = np.bincount(group.ravel(), weight[kept])
    return merged / merged.sum(), distinct


def _careful(
    bank: ItemBank, weight: FloatArray, center: FloatArray, within: float, correlations: FloatArray
) -> _Moments:
    """Return the moments of people who read the items."""
    item, item_squares = _item_moments(bank, weight, center, within)
    nodes, node_weight = np.polynomial.hermite_e.hermegauss(_NODES)
    node_weight = node_weight / node_weight.sum()
    spread = np.sqrt(within)
    curves, variances = zip(*(_trait_curves(bank, trait) for trait in range(5)), strict=True)
    totals = np.array([item[bank.trait == trait].sum() for trait in range(5)])
    products = np.empty((5, 5))
    for a in range(5):
        theta = center[:, a, None] + spread * nodes
        given_a = np.interp(theta, _GRID, curves[a])
        noise = np.interp(theta, _GRID, variances[a])
        products[a, a] = weight @ (given_a**2 + noise) @ node_weight
        for b in range(a):
            rho = correlations[a, b]
            mixed = rho * nodes[:, None] + np.sqrt(1.0 - rho**2) * nodes
            given_b = np.interp(center[:, b, None, None] + spread * mixed, _GRID, curves[b])
            products[a, b] = weight @ (given_a * (given_b @ node_weight)) @ node_weight
            products[b, a] = products[a, b]
    return _Moments(totals, products, item, item_squares)


def _item_moments(
    bank: ItemBank, weight: FloatArray, center: FloatArray, within: float
) -> tuple[FloatArray, FloatArray]:
    """Return E[X] and E[X^2] of each keyed item: X = 1 + number of thresholds passed."""
    first, second = np.ones(len(bank.codes)), np.ones(len(bank.codes))
    for j, (trait, loading) in enumerate(zip(bank.trait, bank.loading, strict=True)):
        sd = np.sqrt(loading**2 * within + 1.0 - loading**2)
        passed = weight @ ndtr((loading * center[:, trait, None] - bank.threshold[j]) / sd)
        first[j] += passed.sum()
        second[j] += passed @ (2 * np.arange(1, 5) + 1)  # (k+1)^2 - k^2 when threshold k is passed
    return first, second


def _trait_curves(bank: ItemBank, trait: int) -> tuple[FloatArray, FloatArray]:
    """Return mean and variance of the sum of a trait's items given theta, on the grid."""
    mean, variance = np.zeros(len(_GRID)), np.zeros(len(_GRID))
    for j in np.flatnonzero(bank.trait == trait):
        loading = bank.loading[j]
        passed = ndtr((loading * _GRID[:, None] - bank.threshold[j]) / np.sqrt(1 - loading**2))
        first = 1.0 + passed.sum(axis=1)
        mean += first
        variance += 1.0 + passed @ (2.0 * np.arange(1, 5) + 1) - first**2
    return mean, variance


def _careless(population: Population, bank: ItemBank) -> _Moments:
    """Return the moments of straight-liners and random answers together."""
    answers = np.arange(1.0, 6.0)
    chance = np.array(population.straight_line_values)
    keyed = np.where(bank.is_reversed, 6.0 - answers[:, None], answers[:, None])
    member = (bank.trait[:, None] == np.arange(5)).astype(float)
    totals = keyed @ member
    straight = _Moments(
        chance @ totals, (totals.T * chance) @ totals, chance @ keyed, chance @ keyed**2
    )
    count = member.sum(axis=0)
    uniform = np.ones(len(bank.codes))
    random = _Moments(
        3.0 * count, 9.0 * np.outer(count, count) + np.diag(2.0 * count), 3 * uniform, 11 * uniform
    )
    return random.mixed(straight, population.straight_line_share)


def _scores(bank: ItemBank, moments: _Moments) -> ExpectedScores:
    count = np.bincount(bank.trait, minlength=5)
    covariance = moments.products - np.outer(moments.total, moments.total)
    variance = np.diag(covariance)
    item_variance = np.bincount(bank.trait, moments.item_squares - moments.item**2, minlength=5)
    points = 25.0 / count  # a sum of n items of 1..5 spans 4 n; the score spans 100
    sd = np.sqrt(variance)
    return ExpectedScores(
        mean=points * (moments.total - count),
        sd=points * sd,
        correlations=covariance / np.outer(sd, sd),
        alpha=count / (count - 1) * (1.0 - item_variance / variance),
        item_means=moments.item,
    )
