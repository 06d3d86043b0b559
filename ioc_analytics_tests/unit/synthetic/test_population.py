"""Statistics of generated data lie where the population says, within four standard errors."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pytest

from ioc_analytics.files.instruments import builtin_instruments
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.vocabularies import AGE_BANDS, INDUSTRIES, REGIONS, TRAITS
from ioc_analytics.synthetic.expectations import (
    expected_alpha,
    expected_answers,
    expected_completion_rate,
    expected_correlations,
    expected_later_completion,
    expected_rater_difference,
    expected_scores,
    expected_trait_mean,
)
from ioc_analytics.synthetic.generator import (
    COMPLETED,
    Generator,
    Plan,
    complete_scores,
    expected_daily_shares,
)
from ioc_analytics.synthetic.population import REFERENCE, FloatArray, IntArray, Population

IPIP50 = builtin_instruments()["ipip50"]
LIMIT = 4.0
"""Standard errors that a sample may be off."""
REPEATS = (1 + 3 * REFERENCE.repeat_share) ** 0.5
"""Standard errors grow by less than this because some people answer twice."""


@dataclass(frozen=True)
class Sample:
    generator: Generator
    scores: FloatArray
    keyed: FloatArray
    ratings: FloatArray
    seconds: FloatArray
    organization: IntArray
    country: IntArray
    age: IntArray
    careless: npt.NDArray[np.bool_]
    device: IntArray
    """Of all responses; the other arrays hold the completed ones."""
    is_completed: npt.NDArray[np.bool_]
    answers: IntArray
    day: IntArray


def draw(population: Population, responses: int, organizations: int = 200) -> Sample:
    plan = Plan(IPIP50, responses, seed=11, organizations=organizations, population=population)
    generator = Generator(plan)
    names = list(Sample.__dataclass_fields__)[1:]
    parts: dict[str, list[npt.NDArray[np.generic]]] = {name: [] for name in names}
    opening = np.datetime64(plan.start, "us").astype(np.int64)
    for chunk in generator.chunks():
        done = chunk.status == COMPLETED
        bank, values = generator.bank, chunk.values[done]
        keyed = np.where(bank.is_reversed, 6 - values, values).astype(np.float64)
        arrays = {
            "scores": complete_scores(bank, values),
            "keyed": keyed,
            "ratings": chunk.ratings[done],
            "seconds": chunk.milliseconds[done] / 1000.0,
            "organization": chunk.people.organization[done],
            "country": chunk.people.country[done],
            "age": chunk.people.age[done],
            "careless": chunk.is_careless[done],
            "device": chunk.device,
            "is_completed": done,
            "answers": chunk.answered,
            "day": (chunk.started_at - opening) // 86_400_000_000,
        }
        for name, array in arrays.items():
            parts[name].append(array)
    joined = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    return Sample(generator, **joined)


@pytest.fixture(scope="module")
def sample() -> Iterator[Sample]:
    yield draw(REFERENCE, 60_000)


def assert_near(found: FloatArray, expected: FloatArray, error: FloatArray) -> None:
    off = np.abs(found - expected) / (error * REPEATS)
    assert np.all(off < LIMIT), f"{off.round(1)} standard errors off"


def test_means_and_spread_of_the_scores(sample: Sample) -> None:
    truth = expected_scores(REFERENCE, IPIP50, sample.generator.organizations)
    n = len(sample.scores)
    assert_near(sample.scores.mean(axis=0), truth.mean, truth.sd / n**0.5)
    assert_near(sample.scores.std(axis=0, ddof=1), truth.sd, truth.sd / (2 * n) ** 0.5)


def test_correlations_of_the_scores(sample: Sample) -> None:
    truth = expected_correlations(REFERENCE, IPIP50, sample.generator.organizations)
    pairs = np.triu_indices(5, k=1)
    found = np.atleast_2d(np.corrcoef(sample.scores.T))[pairs]
    assert_near(found, truth[pairs], (1 - truth[pairs] ** 2) / len(sample.scores) ** 0.5)
    np.testing.assert_allclose(np.diag(truth), 1.0)


@pytest.mark.parametrize("trait", TRAITS)
def test_reliability_of_the_scores(sample: Sample, trait: str) -> None:
    truth = expected_alpha(REFERENCE, IPIP50, trait, sample.generator.organizations)
    items = sample.keyed[:, sample.generator.bank.trait == TRAITS.index(trait)]
    variance = items.var(axis=0, ddof=1).sum()
    alpha = 10 / 9 * (1 - variance / items.sum(axis=1).var(ddof=1))
    # Large-sample error of alpha for parallel items: Feldt 1965, doi:10.1007/BF02289499.
    error = (1 - truth) * (2 * 10 / 9 / len(items)) ** 0.5
    assert_near(np.array(alpha), np.array(truth), np.array(error))


def test_means_of_the_items(sample: Sample) -> None:
    truth = expected_scores(REFERENCE, IPIP50, sample.generator.organizations)
    error = sample.keyed.std(axis=0) / len(sample.keyed) ** 0.5
    assert_near(sample.keyed.mean(axis=0), truth.item_means, error)


def test_means_of_the_careful_alone(sample: Sample) -> None:
    organizations = sample.generator.organizations
    truth = expected_scores(REFERENCE, IPIP50, organizations, with_careless=False)
    careful = sample.scores[~sample.careless]
    assert_near(careful.mean(axis=0), truth.mean, truth.sd / len(careful) ** 0.5)


@pytest.mark.parametrize("industry", ["Technology", "Healthcare", "Mining"])
def test_means_by_industry(sample: Sample, industry: str) -> None:
    organizations = sample.generator.organizations
    sector = [g.name for g in REFERENCE.industries].index(industry)
    inside = sample.scores[organizations.sector[sample.organization] == sector]
    truth = expected_scores(REFERENCE, IPIP50, organizations, industry=industry)
    assert_near(inside.mean(axis=0), truth.mean, truth.sd / len(inside) ** 0.5)


@pytest.mark.parametrize("region", ["Northern America", "Southern Asia", "Western Europe"])
def test_means_by_region(sample: Sample, region: str) -> None:
    countries = [n for n, c in enumerate(REFERENCE.countries) if c.region == region]
    inside = sample.scores[np.isin(sample.country, countries)]
    organizations = sample.generator.organizations
    truth = expected_scores(REFERENCE, IPIP50, organizations, region=region)
    assert_near(inside.mean(axis=0), truth.mean, truth.sd / len(inside) ** 0.5)


@pytest.mark.parametrize("band", [0, 3, 4])
def test_means_by_age(sample: Sample, band: int) -> None:
    low, high = REFERENCE.age_limits[band]
    inside = sample.scores[(sample.age >= low) & (sample.age <= high)]
    organizations, name = sample.generator.organizations, REFERENCE.ages[band].name
    truth = expected_scores(REFERENCE, IPIP50, organizations, age_band=name)
    assert_near(inside.mean(axis=0), truth.mean, truth.sd / len(inside) ** 0.5)


def test_many_organizations_tend_to_the_population_of_all() -> None:
    population = replace(REFERENCE, organization_icc=0.2)
    sample = draw(population, 20_000, organizations=4_000)
    truth = expected_scores(population, IPIP50)
    n, weight = len(sample.scores), sample.generator.organizations.weight
    # Chance of the organisations drawn, and of the people within them.
    error = truth.sd * (0.25 * (weight**2).sum() + 1 / n) ** 0.5
    assert_near(sample.scores.mean(axis=0), truth.mean, error)


def test_organizations_differ_as_much_as_the_icc_says() -> None:
    population = replace(REFERENCE, organization_icc=0.2)
    effects = draw(population, 1, organizations=5_000).generator.organizations.effects
    variance = effects.var(axis=0)
    assert_near(variance, np.full(5, 0.2), np.full(5, 0.2 * (2 / 5_000) ** 0.5))


def test_bias_and_error_of_the_raters(sample: Sample) -> None:
    n = sample.scores.size
    for position, rater in enumerate(REFERENCE.raters):
        error = (sample.ratings[:, :, position] - sample.scores).ravel()
        assert abs(error.mean() - rater.bias_points) < LIMIT * error.std() / n**0.5
        assert 0.96 < error.std() / rater.error_sd_points < 1.01
    difference = (sample.ratings[:, :, 0] - sample.ratings[:, :, 1]).ravel()
    bias, sd = expected_rater_difference(REFERENCE)
    assert abs(difference.mean() - bias) < LIMIT * sd / n**0.5
    assert 0.96 < difference.std() / sd < 1.01
    assert sample.ratings.min() >= 0.0
    assert sample.ratings.max() <= 100.0


def test_completion_by_device(sample: Sample) -> None:
    settled = sample.day < 365 - REFERENCE.open_days
    for position, device in enumerate(REFERENCE.devices):
        found = sample.is_completed[settled & (sample.device == position)]
        rate = expected_completion_rate(REFERENCE, IPIP50, device.name)
        assert rate == pytest.approx(device.completion_probability)
        assert abs(found.mean() - rate) < LIMIT * (rate * (1 - rate) / len(found)) ** 0.5
    error = sample.answers.std() / len(sample.answers) ** 0.5
    assert abs(sample.answers.mean() - expected_answers(REFERENCE, IPIP50)) < LIMIT * error


def test_interruptions_last_as_the_population_says() -> None:
    plan = Plan(IPIP50, 20_000, seed=5)
    away, begun, hours = [], [], []
    for chunk in Generator(plan).chunks():
        done = chunk.status == COMPLETED
        took = (chunk.finished_at - chunk.started_at)[done] / 3.6e9
        active = chunk.milliseconds[done].sum(axis=1) / 3.6e6
        away.append(took - active)
        begun.append(done)
        hours.append(took)
    pauses = np.concatenate(away)
    is_pause = pauses > 1e-6
    share, n = REFERENCE.pause_share, len(pauses)
    # The last days hold those who are still away as started: a few of a year.
    assert abs(is_pause.mean() - share) < 0.003 + LIMIT * (share * (1 - share) / n) ** 0.5
    logs = np.log(pauses[is_pause] / REFERENCE.pause_median_hours)
    uncut = np.log(24 * REFERENCE.longest_pause_days / REFERENCE.pause_median_hours)
    assert abs(np.median(logs)) < LIMIT * 1.26 * REFERENCE.pause_sigma / len(logs) ** 0.5
    below = (logs < -REFERENCE.pause_sigma).mean()
    assert below == pytest.approx(0.1587, abs=LIMIT * (0.1587 * 0.84 / len(logs)) ** 0.5)
    assert logs.max() == pytest.approx(uncut)


def test_who_is_open_completes_as_often_as_expected() -> None:
    plan = Plan(IPIP50, 60_000, seed=6)
    opening = np.datetime64(plan.start, "us").astype(np.int64)
    found: list[tuple[FloatArray, npt.NDArray[np.bool_]]] = []
    for chunk in Generator(plan).chunks():
        for day in range(30, 330, 30):
            at = opening + day * 86_400_000_000
            open_hours = (at - chunk.started_at) / 3.6e9
            is_ended = (
                np.where(chunk.status == COMPLETED, chunk.finished_at, chunk.updated_at) <= at
            )
            is_open = (open_hours >= 1) & (open_hours < 24 * REFERENCE.open_days) & ~is_ended
            later = (chunk.status == COMPLETED) & (chunk.finished_at <= at + 2 * 86_400_000_000)
            found.append((open_hours[is_open], later[is_open]))
    hours = np.concatenate([pair[0] for pair in found])
    completed = np.concatenate([pair[1] for pair in found])
    expected = expected_later_completion(REFERENCE, IPIP50, hours, 48.0)
    for low, high in ((1, 6), (6, 24), (24, 72), (72, 336)):
        chosen = (hours >= low) & (hours < high)
        p = expected[chosen]
        error = (p * (1 - p)).sum() ** 0.5 / chosen.sum()
        assert abs(completed[chosen].mean() - p.mean()) < LIMIT * error * REPEATS, (low, high)


def test_longer_assessments_are_completed_less_often() -> None:
    device = REFERENCE.devices[0]
    rates = [REFERENCE.completion_probability(device, items) for items in (10, 50, 100, 300)]
    assert rates == sorted(rates, reverse=True)
    assert rates[1] == pytest.approx(device.completion_probability)


def test_careless_share_and_speed(sample: Sample) -> None:
    share, n = REFERENCE.careless_share, len(sample.careless)
    assert abs(sample.careless.mean() - share) < LIMIT * (share * (1 - share) / n) ** 0.5
    pace = np.median(sample.seconds, axis=1)
    ratio = np.median(pace[sample.careless]) / np.median(pace[~sample.careless])
    assert ratio == pytest.approx(REFERENCE.careless_speed, rel=0.1)


def test_volume_follows_season_and_week(sample: Sample) -> None:
    expected = len(sample.day) * expected_daily_shares(sample.generator.plan)
    found = np.bincount(sample.day, minlength=365)
    chi_square = ((found - expected) ** 2 / expected).sum()
    assert abs(chi_square - 364) < LIMIT * (2 * 364) ** 0.5
    week = [found[(np.arange(365) + date(2025, 1, 1).weekday()) % 7 == d].sum() for d in range(7)]
    assert min(week[:5]) > 1.3 * max(week[5:])


def test_groups_are_words_of_the_vocabularies() -> None:
    assert {group.name for group in REFERENCE.industries} < set(INDUSTRIES)
    assert {group.name for group in REFERENCE.ages} < set(AGE_BANDS)
    assert {country.region for country in REFERENCE.countries} < set(REGIONS)
    for groups in (REFERENCE.industries, REFERENCE.regions, REFERENCE.ages, REFERENCE.genders):
        assert sum(group.share for group in groups) == pytest.approx(1.0)
    assert sum(country.share for country in REFERENCE.countries) == pytest.approx(1.0)


def test_unknown_groups_and_instruments_are_refused() -> None:
    with pytest.raises(InvalidInput, match="did you mean 'Technology'"):
        expected_trait_mean(REFERENCE, IPIP50, "openness", industry="Tecnology")
    with pytest.raises(InvalidInput, match="tipi"):
        expected_trait_mean(REFERENCE, builtin_instruments()["tipi"], "openness")
