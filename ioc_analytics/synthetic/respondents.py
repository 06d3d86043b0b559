"""The people of a chunk: where they work and live, their age, and their five traits.

For: the generator. Not for: what they answer (``generator``) or what they are called (``tables``).
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from ioc_analytics.synthetic.organizations import Organizations
from ioc_analytics.synthetic.population import FloatArray, IntArray, Population
from ioc_analytics.synthetic.streams import CHUNK, pick


@dataclass(frozen=True, slots=True)
class Respondents:
    """The people behind the responses of a chunk: arrays of shape ``(n,)``, one entry each."""

    number: IntArray
    """Number of the person: that of the person's first response."""
    organization: IntArray
    country: IntArray
    age: IntArray
    gender: IntArray
    has_country: npt.NDArray[np.bool_]
    has_age: npt.NDArray[np.bool_]
    has_gender: npt.NDArray[np.bool_]
    has_id: npt.NDArray[np.bool_]
    has_mail: npt.NDArray[np.bool_]
    gives_birth_year: npt.NDArray[np.bool_]
    label: IntArray
    """32 random bits for what has no bearing on statistics (names, addresses)."""
    traits: FloatArray
    """Shape ``(n, 5)``."""

    def rows(self, rows: IntArray | slice) -> "Respondents":
        """Return the people of the given rows."""
        return Respondents(*(getattr(self, field.name)[rows] for field in fields(self)))


def draw_respondents(
    rng: np.random.Generator, population: Population, organizations: Organizations, index: int
) -> Respondents:
    """Return the ``CHUNK`` people of chunk ``index``, some of them more than once."""
    organization = pick(rng, organizations.weight)
    away = pick(rng, [c.share for c in population.countries])
    home = organizations.country[organization]
    country = np.where(rng.random(CHUNK) < population.home_share, home, away)
    band = pick(rng, [g.share for g in population.ages])
    limits = np.array(population.age_limits)[band]
    age = limits[:, 0] + rng.integers(0, limits[:, 1] - limits[:, 0] + 1)
    root = np.linalg.cholesky(np.array(population.correlations))
    traits = np.sqrt(1.0 - population.organization_icc) * rng.standard_normal((CHUNK, 5)) @ root.T
    traits += organizations.effects[organization]
    traits += _fixed_effects(population, organizations.sector[organization], country, band)
    identity, missing = rng.random(CHUNK), rng.random((CHUNK, 3)) < population.missing_share
    everyone = Respondents(
        number=index * CHUNK + np.arange(CHUNK),
        organization=organization,
        country=country,
        age=age,
        gender=pick(rng, [g.share for g in population.genders]),
        has_country=~(missing[:, 0] & (country == home)),
        has_age=~missing[:, 1],
        has_gender=~missing[:, 2],
        has_id=identity >= population.unidentified_share,
        has_mail=identity >= population.unidentified_share / 2,
        gives_birth_year=rng.random(CHUNK) < 0.7,
        label=rng.integers(0, 1 << 32, CHUNK),
        traits=traits,
    )
    return everyone.rows(_draw_origin(rng, population.repeat_share))


def _draw_origin(rng: np.random.Generator, repeat_share: float) -> IntArray:
    """Return for each response the row of the person's first response in the chunk."""
    rows = np.arange(CHUNK)
    earlier = np.floor(rng.random(CHUNK) * rows).astype(np.int64)
    origin = np.where(rng.random(CHUNK) < repeat_share, earlier, rows)
    while (origin != origin[origin]).any():
        origin = origin[origin]
    return origin


def _fixed_effects(
    population: Population, sector: IntArray, country: IntArray, band: IntArray
) -> FloatArray:
    """Return the shifts ``(n, 5)`` of the traits by sector, region and age band."""
    regions = {group.name: group.effects for group in population.regions}
    by_country = np.array([regions[c.region] for c in population.countries])
    by_sector = np.array([group.effects for group in population.industries])
    by_age = np.array([group.effects for group in population.ages])
    effects: FloatArray = by_sector[sector] + by_country[country] + by_age[band]
    return effects
