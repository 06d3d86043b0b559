"""The organisations of one seed and their assessments: who asks, and since when.

For: the generator and the expected values given these organisations. Not for: the people who
answer (``generator``).

Sectors, countries and size bands are dealt out by quota, so that even 200 organisations have the
population's shares; their effects on the traits are true random draws.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from ioc_analytics.synthetic.population import FloatArray, IntArray, Population
from ioc_analytics.synthetic.streams import Purpose, stream

MICROSECONDS_PER_DAY = 86_400_000_000
_LEAD_DAYS = 60  # the first assessment of an organisation is older than the period by up to this
_ASSESSMENT_TYPES = ("recruitment", "development", "engagement", "leadership", "team")
_IDLE_STATUSES = ("draft", "closed", "archived")
_IDLE_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Organizations:
    """Organisations as parallel arrays of shape ``(n_organizations,)``."""

    tag: str
    """Six hex digits of the seed, part of every identifier: two seeds share no id."""
    sector: IntArray
    """Position in ``Population.industries``."""
    country: IntArray
    """Position in ``Population.countries``."""
    employees: IntArray
    weight: FloatArray
    """Share of all responses, adding up to 1."""
    effects: FloatArray
    """Shape ``(n_organizations, 5)``: drawn shift of the traits."""

    def __len__(self) -> int:
        return len(self.sector)


@dataclass(frozen=True, slots=True)
class Assessments:
    """Two assessments per organisation as parallel arrays; rows 2 i and 2 i + 1 are i's.

    The first is open from before the period on. The second opens within it and then takes all
    responses of its organisation, or never does (a draft, or one closed long ago).
    """

    kind: tuple[str, ...]
    status: tuple[str, ...]
    created_at: IntArray
    """Microseconds since 1970, UTC."""
    published_at: IntArray
    """Microseconds since 1970; negative: never published."""
    switch_at: IntArray
    """Shape ``(n_organizations,)``: moment from which the second one takes the responses."""


def seed_tag(seed: int) -> str:
    """Return the six hex digits by which identifiers of one seed differ from another's."""
    return f"{int(np.random.SeedSequence(seed).generate_state(1)[0]) & 0xFFFFFF:06x}"


def midnight(day: date) -> int:
    """Return the start of a UTC day in microseconds since 1970."""
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return int(moment.timestamp()) * 1_000_000


def draw_organizations(population: Population, seed: int, count: int) -> Organizations:
    """Return the ``count`` organisations of a seed; they do not depend on anything else."""
    rng = stream(seed, Purpose.ORGANIZATIONS, 0)
    sector = rng.permutation(np.arange(count) % len(population.industries))
    country = rng.permutation(_quota([c.share for c in population.countries], count))
    band = rng.permutation(_quota([b.share for b in population.size_bands], count))
    low = np.array([b.minimum_employees for b in population.size_bands])[band]
    high = np.array([b.maximum_employees for b in population.size_bands])[band]
    employees = np.floor(low * ((high + 1) / low) ** rng.random(count)).astype(np.int64)
    weight = np.array([b.weight for b in population.size_bands])[band]
    weight = weight * rng.uniform(0.5, 1.5, count)
    root = np.linalg.cholesky(np.array(population.correlations))
    effects = np.sqrt(population.organization_icc) * rng.standard_normal((count, 5)) @ root.T
    return Organizations(
        tag=seed_tag(seed),
        sector=sector,
        country=country,
        employees=np.minimum(employees, high),
        weight=weight / weight.sum(),
        effects=effects,
    )


def draw_assessments(seed: int, count: int, start: date, days: int) -> Assessments:
    """Return the assessments of ``count`` organisations for a period of ``days`` days."""
    rng = stream(seed, Purpose.ORGANIZATIONS, 1)
    opening, end = midnight(start), midnight(start) + days * MICROSECONDS_PER_DAY
    first = opening - rng.integers(1, _LEAD_DAYS * 86_400, count) * 1_000_000
    second = opening + np.floor(rng.random(count) * days * 86_400).astype(np.int64) * 1_000_000
    is_idle = rng.random(count) < _IDLE_SHARE
    idle_status = rng.integers(0, len(_IDLE_STATUSES), count)
    is_draft = is_idle & (idle_status == 0)
    retired = first - rng.integers(1, _LEAD_DAYS * 86_400, count) * 1_000_000
    second = np.where(is_idle & ~is_draft, retired, second)
    preparation = rng.integers(3_600, 5 * 86_400, 2 * count) * 1_000_000
    published = np.empty(2 * count, np.int64)
    published[0::2], published[1::2] = first, second
    created = published - preparation
    created[1::2][~is_idle] = np.maximum(created[1::2], opening)[~is_idle]
    published[1::2][is_draft] = -1
    status = ["published"] * (2 * count)
    for row in np.flatnonzero(is_idle):
        status[2 * row + 1] = _IDLE_STATUSES[idle_status[row]]
    kinds = rng.integers(0, len(_ASSESSMENT_TYPES), 2 * count)
    return Assessments(
        kind=tuple(_ASSESSMENT_TYPES[kind] for kind in kinds),
        status=tuple(status),
        created_at=created,
        published_at=published,
        switch_at=np.where(is_idle, end, second),
    )


def _quota(shares: list[float], count: int) -> IntArray:
    """Return ``count`` category positions whose frequencies differ from the shares by rounding."""
    edges = np.cumsum(shares)
    points = (np.arange(count) + 0.5) / count
    return np.minimum(np.searchsorted(edges, points), len(shares) - 1).astype(np.int64)
