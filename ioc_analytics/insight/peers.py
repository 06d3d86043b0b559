"""Organizations as peers: their figures, and the group that one of them is compared with.

For: benchmarks. Not for: reading sums (``states.organizations``) or judging
(``insight.benchmarks``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
import numpy.typing as npt

from ioc_analytics.insight.metrics import RATES, TRAIT_CENTRE
from ioc_analytics.records.metrics import METRICS
from ioc_analytics.records.releases import MINIMUM_PEOPLE
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.states.organizations import OrganizationSums
from ioc_analytics.statistics.funnels import rate_of, stabilize_rates

MINIMUM_ORGANIZATIONS: Final = 5
"""Fewest peers that a figure is compared with."""

MINIMUM_RESPONSES: Final = 10
"""Fewest cases of an organization that counts as a peer or is judged."""

LARGEST_SHARE: Final = 0.5
"""A group in which one organization has more of the cases than this says too much about it."""

LEVELS: Final = ("industry_size", "industry", "all")
"""Peer groups, the nearest first."""

_NOBODY: Final = UUID(int=0)
"""Small organizations of sealed months, added up: no organization."""

BENCHMARKED: Final = (*RATES, "avg_time_spent", *TRAITS)
"""Metrics that organizations are compared by: volumes say how large one is, not how good."""

FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

People = Mapping[UUID, Mapping[str, int]]
"""People of each organization with a case of each kind: columns of its sums, and ``settled``: with
a response that had its time to be completed."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One metric of all organizations, on a scale where errors are nearly normal."""

    cases: npt.NDArray[np.int64]
    """Shape ``(n_organizations,)``; below ``MINIMUM_RESPONSES`` an organization is left out."""

    values: FloatArray
    """On the scale of the comparison; NaN where left out."""

    variances: FloatArray
    """Sampling variances on that scale; NaN where left out."""

    to_unit: Callable[[float], float]
    """Takes a value of the scale to the metric's unit."""

    shown: FloatArray
    """The plain figures in the metric's unit; NaN where left out."""

    within_sd: float | None
    """SD within organizations, of means."""

    immature: npt.NDArray[np.int64]
    """Responses left out of rates of completion, because they can still be completed."""


@dataclass(frozen=True, slots=True)
class Organizations:
    """All organizations of a range, each once."""

    names: tuple[UUID, ...]
    industries: tuple[str, ...]
    sizes: tuple[str, ...]
    figures: dict[str, Figures]

    def members(self, level: str, industry: str, size: str) -> Mask:
        """Return which organizations belong to a peer group."""
        found = np.ones(len(self.names), dtype=bool)
        if level != "all":
            found &= np.array(self.industries, dtype=object) == industry
        if level == "industry_size":
            found &= np.array(self.sizes, dtype=object) == size
        return found


def gather(
    sums: OrganizationSums, settled: OrganizationSums, people: People | None = None
) -> Organizations:
    """Return each organization with its figures; sector and size are those of most responses.

    Args:
        sums: All responses.
        settled: The same without young ones (``insight.maturity``): rates of completion are theirs.
        people: People behind the figures of each organization: one with fewer of them than
            ``MINIMUM_PEOPLE`` is left out of a figure, as it must be where figures are released.
            None: people are not asked for.
    """
    at = [place for place, name in enumerate(sums.organizations) if name != _NOBODY]
    names = sorted({sums.organizations[place] for place in at})
    numbers = {name: number for number, name in enumerate(names)}
    places = np.array([numbers[sums.organizations[place]] for place in at], dtype=np.int64)
    main: dict[UUID, tuple[int, str, str]] = {}
    for place in at:
        one = (int(sums.started[place]), sums.industries[place], sums.sizes[place])
        name = sums.organizations[place]
        main[name] = max(main.get(name, one), one)

    def add(column: npt.NDArray[np.float64] | npt.NDArray[np.int64]) -> FloatArray:
        found = np.zeros(len(names))
        np.add.at(found, places, column[at])
        return found

    def has_people(column: str) -> Mask:
        if people is None:
            return np.ones(len(names), dtype=bool)
        counts = [people[name][column] if name in people else 0 for name in names]
        return np.array(counts, dtype=np.int64) >= MINIMUM_PEOPLE

    figures = {}
    for metric, (x, n) in RATES.items():
        waits = METRICS[metric].waits_for_completion
        source = settled if waits else sums
        young = add(getattr(sums, n) - getattr(source, n)).astype(np.int64)
        hits, cases = add(getattr(source, x)), add(getattr(source, n))
        figures[metric] = _rate(
            hits, cases, has_people("settled" if waits else n), METRICS[metric].unit, young
        )
    figures["avg_time_spent"] = _mean(
        add(sums.timed), add(sums.time_sum), add(sums.time_square_sum), has_people("timed"), 0.0
    )
    for trait, word in enumerate(TRAITS):
        figures[word] = _mean(
            add(sums.trait_n[:, trait]),
            add(sums.trait_sum[:, trait]),
            add(sums.trait_square_sum[:, trait]),
            has_people(word),
            TRAIT_CENTRE,
        )
    return Organizations(
        tuple(names),
        tuple(main[name][1] for name in names),
        tuple(main[name][2] for name in names),
        figures,
    )


def too_small(cases: npt.NDArray[np.int64]) -> str | None:
    """Return why the organizations with these cases may not be shown as a group, or None."""
    if len(cases) < MINIMUM_ORGANIZATIONS:
        return f"fewer than {MINIMUM_ORGANIZATIONS} organizations with {MINIMUM_RESPONSES} cases"
    if cases.max() > LARGEST_SHARE * cases.sum():
        return f"one organization has more than {LARGEST_SHARE:.0%} of the cases"
    return None


def _rate(
    successes: FloatArray,
    trials: FloatArray,
    has_people: Mask,
    unit: str,
    immature: npt.NDArray[np.int64],
) -> Figures:
    scale = 100.0 if unit == "points" else 1.0
    is_enough = (trials >= MINIMUM_RESPONSES) & has_people
    values, variances, shown = (np.full(len(trials), np.nan) for _ in range(3))
    values[is_enough], variances[is_enough] = stabilize_rates(
        successes[is_enough], trials[is_enough]
    )
    shown[is_enough] = scale * successes[is_enough] / trials[is_enough]
    return Figures(
        trials.astype(np.int64),
        values,
        variances,
        lambda x: scale * rate_of(x),
        shown,
        None,
        immature,
    )


def _mean(
    n: FloatArray, total: FloatArray, squares: FloatArray, has_people: Mask, centre: float
) -> Figures:
    is_enough = (n >= MINIMUM_RESPONSES) & has_people
    values, variances = np.full(len(n), np.nan), np.full(len(n), np.nan)
    within = None
    if is_enough.any():
        m, s, q = n[is_enough], total[is_enough], squares[is_enough]
        # One SD for all: that of a few answers would make small organizations look certain.
        pooled = max(float((q - s * s / m).sum() / (m - 1).sum()), 1e-9)
        values[is_enough], variances[is_enough] = centre + s / m, pooled / m
        within = float(np.sqrt(pooled))
    cases = n.astype(np.int64)
    return Figures(cases, values, variances, float, values, within, np.zeros_like(cases))
