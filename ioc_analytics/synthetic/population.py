"""The known population: every number that synthetic people, answers and times are drawn from.

For: the generator, and tests that compare a statistic with the truth. Not for: what follows from
these numbers on the scale of the scores (``expectations``), or drawing (``generator``).

The answer model is the graded response model with normal ogives: item j of a trait answers
``1 + #{k: y_j > threshold_jk}`` with ``y_j = loading_j * theta + sqrt(1 - loading_j ** 2) * e_j``,
``theta`` the person's trait and ``e_j`` independent standard normal (Samejima 1969,
doi:10.1007/BF03372160). Reverse-keyed items show ``maximum + minimum - answer``.

A person's five traits are ``industry + region + age effect + organisation effect + person``:
fixed effects in units of the trait's standard deviation; organisation and person effects normal
with one correlation matrix and variances ``organization_icc`` and ``1 - organization_icc``.
Gender, device, time and completion do not depend on traits, so leaving some people out (abandoned
responses, unknown ages) leaves every expected score as it is.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.vocabularies import INDUSTRIES, TRAITS, UNKNOWN

Vector = tuple[float, ...]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SECTORS = tuple(industry for industry in INDUSTRIES if industry != UNKNOWN)
"""The sectors that synthetic organisations belong to, equally many organisations in each."""


@dataclass(frozen=True, slots=True)
class Group:
    """One value of a category: its share of the population and its shift of the five traits."""

    name: str
    share: float
    """Probability, 0 to 1."""
    effects: Vector = (0.0, 0.0, 0.0, 0.0, 0.0)
    """Shift of the mean per trait in ``TRAITS`` order, in trait standard deviations."""


@dataclass(frozen=True, slots=True)
class Country:
    """A country of the population, with the M49 sub-region that it lies in."""

    code: str
    region: str
    share: float


@dataclass(frozen=True, slots=True)
class Device:
    """How people on one kind of device get through an assessment."""

    name: str
    share: float
    completion_probability: float
    """Probability that a response of 50 items is completed."""
    seconds_per_item: float
    """Median time of a careful person for one item."""


@dataclass(frozen=True, slots=True)
class SizeBand:
    """A size band of organisations."""

    name: str
    share: float
    minimum_employees: int
    maximum_employees: int
    weight: float
    """Responses of such an organisation, relative to one of the smallest band."""


@dataclass(frozen=True, slots=True)
class Rater:
    """An AI model that scores the traits again."""

    model: str
    bias_points: float
    """Mean of (rated score - questionnaire score), on the 0..100 scale."""
    error_sd_points: float
    """Standard deviation of the rating error around that bias."""


@dataclass(frozen=True, slots=True)
class ItemBank:
    """Answer parameters of an instrument's items, in the order in which they are shown."""

    codes: tuple[str, ...]
    trait: IntArray
    """Shape ``(n_items,)``: position of the item's trait in ``TRAITS``."""
    is_reversed: npt.NDArray[np.bool_]
    loading: FloatArray
    """Shape ``(n_items,)``: correlation of the item's latent answer with its trait."""
    threshold: FloatArray
    """Shape ``(n_items, 4)``: ascending cuts between the five keyed answers."""


@dataclass(frozen=True, slots=True)
class Population:
    """All known values. Change one with ``dataclasses.replace``; the truth follows."""

    correlations: tuple[Vector, ...]
    """Correlations of the five traits (``TRAITS`` order), within and between organisations."""
    organization_icc: float
    """Share of a trait's variance (fixed effects aside) that lies between organisations."""
    loadings: tuple[Vector, ...]
    """Per trait, the loadings of its first to tenth item."""
    trait_thresholds: Vector
    """Per trait, the shift of all thresholds: below zero means that people tend to agree."""
    item_thresholds: Vector
    """Shift of the thresholds of a trait's first to tenth item (sums to zero)."""
    steps: Vector
    """The four cuts of an item without shifts."""
    industries: tuple[Group, ...]
    regions: tuple[Group, ...]
    ages: tuple[Group, ...]
    """Age bands; ages are uniform between ``age_limits``."""
    age_limits: tuple[tuple[int, int], ...]
    genders: tuple[Group, ...]
    countries: tuple[Country, ...]
    size_bands: tuple[SizeBand, ...]
    devices: tuple[Device, ...]
    raters: tuple[Rater, Rater]
    rater_error_correlation: float
    """Correlation of the two raters' errors for the same score."""
    home_share: float
    """Probability that a person lives in the organisation's country, else a country by share."""
    length_slope: float
    """Fall of the completion log-odds for each further 50 items."""
    item_time_sigma: float
    """SD of log time between items of one person."""
    person_time_sigma: float
    """SD of log time between persons (a person's speed)."""
    careless_share: float
    """Share of responses given without reading."""
    straight_line_share: float
    """Share of the careless who give one answer throughout; the others answer at random."""
    straight_line_values: Vector
    """Probability of each answer 1..5 for a straight-liner."""
    careless_speed: float
    """Median time per item of the careless, relative to the careful."""
    repeat_share: float
    """Share of responses by a person who has answered before."""
    unidentified_share: float
    """Share of people who give no respondent id; half of them give no e-mail either."""
    missing_share: float
    """Share of people without age, of those without gender, and of those at home in the
    organisation's country without country (missing at random, one independent of another)."""
    weekday_volume: Vector
    """Relative volume Monday to Sunday."""
    month_volume: Vector
    """Relative volume January to December."""
    hour_volume: Vector
    """Relative volume of the 24 hours (UTC)."""
    pause_share: float
    """Share of those who complete that interrupt once, after an answer drawn evenly."""
    pause_median_hours: float
    pause_sigma: float
    """Median, and SD of the log, of how long they stay away (lognormal)."""
    longest_pause_days: float
    """Longer absences are cut to this; shorter than ``open_days`` by more than the answering."""
    open_days: int
    """Days after its start at which an unfinished response becomes ``abandoned``; until then, and
    so in the last days of the period, it is ``started``."""

    def items(self, instrument: Instrument) -> ItemBank:
        """Return the answer parameters of the instrument's items.

        Raises:
            InvalidInput: The scale is not 1 to 5, or a trait has more than ten items.
        """
        scale = (instrument.scale_minimum, instrument.scale_maximum)
        if scale != (1, 5):
            raise InvalidInput(
                f"synthetic answers are on a scale of 1 to 5; {instrument.name} has "
                f"{scale[0]} to {scale[1]}: use ipip50"
            )
        shown = sorted(instrument.items, key=lambda item: item.position)
        seen = dict.fromkeys(TRAITS, 0)
        loading, threshold = [], []
        for item in shown:
            number, trait = seen[item.trait], TRAITS.index(item.trait)
            seen[item.trait] += 1
            if number >= len(self.item_thresholds):
                raise InvalidInput(
                    f"the population knows {len(self.item_thresholds)} items per trait; "
                    f"{instrument.name} has more for {item.trait}: use ipip50"
                )
            shift = self.trait_thresholds[trait] + self.item_thresholds[number]
            loading.append(self.loadings[trait][number])
            threshold.append([step + shift for step in self.steps])
        return ItemBank(
            codes=tuple(item.code for item in shown),
            trait=np.array([TRAITS.index(item.trait) for item in shown]),
            is_reversed=np.array([item.is_reversed for item in shown]),
            loading=np.array(loading),
            threshold=np.array(threshold),
        )

    def completion_probability(self, device: Device, items: int) -> float:
        """Return the probability that a response of ``items`` items is completed."""
        if device.completion_probability >= 1.0:
            return 1.0
        odds = device.completion_probability / (1.0 - device.completion_probability)
        log_odds = math.log(odds) - self.length_slope * (items - 50) / 50
        return 1.0 / (1.0 + math.exp(-log_odds))

    def with_full_completion(self) -> "Population":
        """Return the same population in which everybody answers every item."""
        devices = tuple(replace(device, completion_probability=1.0) for device in self.devices)
        return replace(self, devices=devices)


def _groups(names: tuple[str, ...], effects: dict[str, Vector]) -> tuple[Group, ...]:
    return tuple(
        Group(name, 1.0 / len(names), effects.get(name, (0.0, 0.0, 0.0, 0.0, 0.0)))
        for name in names
    )


_COUNTRIES = (
    Country("US", "Northern America", 0.26),
    Country("CA", "Northern America", 0.06),
    Country("MX", "Central America", 0.04),
    Country("BR", "South America", 0.06),
    Country("GB", "Northern Europe", 0.12),
    Country("SE", "Northern Europe", 0.04),
    Country("DE", "Western Europe", 0.10),
    Country("FR", "Western Europe", 0.07),
    Country("NL", "Western Europe", 0.05),
    Country("ES", "Southern Europe", 0.04),
    Country("PL", "Eastern Europe", 0.03),
    Country("IN", "Southern Asia", 0.06),
    Country("JP", "Eastern Asia", 0.02),
    Country("AU", "Australia and New Zealand", 0.04),
    Country("ZA", "Southern Africa", 0.01),
)

_REGION_EFFECTS: dict[str, Vector] = {
    "Northern America": (0.00, 0.00, 0.10, 0.05, 0.00),
    "South America": (0.05, 0.00, 0.05, 0.05, 0.05),
    "Northern Europe": (0.00, 0.00, -0.05, 0.00, -0.05),
    "Southern Europe": (0.05, 0.00, 0.05, 0.00, 0.05),
    "Eastern Asia": (-0.05, -0.10, -0.15, -0.05, 0.10),
    "Southern Asia": (0.00, 0.05, 0.00, 0.05, -0.05),
}


def _regions() -> tuple[Group, ...]:
    shares: dict[str, float] = {}
    for country in _COUNTRIES:
        shares[country.region] = shares.get(country.region, 0.0) + country.share
    none = (0.0, 0.0, 0.0, 0.0, 0.0)
    return tuple(
        Group(name, share, _REGION_EFFECTS.get(name, none)) for name, share in shares.items()
    )


# Effects are an order of magnitude smaller than differences between people (at most 0.3 SD), as
# reported for occupations, nations and adult age; correlations and loadings give the reliabilities
# of 0.79 to 0.88 and the correlations of about -0.25 to 0.25 usual for scores of the IPIP-50.
# The numbers were chosen, not estimated: no person's answers are behind them.
REFERENCE = Population(
    correlations=(
        (1.00, 0.10, 0.25, 0.15, -0.10),
        (0.10, 1.00, 0.15, 0.25, -0.30),
        (0.25, 0.15, 1.00, 0.30, -0.30),
        (0.15, 0.25, 0.30, 1.00, -0.15),
        (-0.10, -0.30, -0.30, -0.15, 1.00),
    ),
    organization_icc=0.05,
    loadings=(
        (0.60, 0.65, 0.62, 0.58, 0.66, 0.60, 0.55, 0.58, 0.50, 0.64),
        (0.62, 0.58, 0.50, 0.66, 0.65, 0.62, 0.60, 0.52, 0.64, 0.56),
        (0.72, 0.70, 0.68, 0.72, 0.74, 0.62, 0.72, 0.58, 0.60, 0.66),
        (0.56, 0.62, 0.52, 0.74, 0.66, 0.60, 0.64, 0.62, 0.72, 0.50),
        (0.72, 0.60, 0.66, 0.54, 0.56, 0.74, 0.72, 0.75, 0.70, 0.68),
    ),
    trait_thresholds=(-0.45, -0.20, 0.10, -0.50, 0.05),
    item_thresholds=(-0.30, 0.10, -0.20, 0.20, 0.00, 0.30, -0.10, -0.25, 0.15, 0.10),
    steps=(-1.40, -0.55, 0.20, 1.15),
    industries=_groups(
        SECTORS,
        {
            "Agriculture": (-0.15, 0.05, -0.10, 0.05, -0.05),
            "Construction": (-0.10, 0.05, 0.00, -0.05, -0.05),
            "Manufacturing": (-0.10, 0.10, -0.10, -0.05, 0.00),
            "Retail Trade": (-0.05, 0.00, 0.10, 0.05, 0.00),
            "Technology": (0.15, 0.05, -0.10, -0.05, 0.05),
            "Finance": (-0.05, 0.15, 0.00, -0.10, 0.00),
            "Professional Services": (0.10, 0.10, 0.05, 0.00, 0.00),
            "Education": (0.15, 0.05, 0.05, 0.15, 0.00),
            "Healthcare": (0.00, 0.10, 0.00, 0.20, 0.05),
            "Arts and Entertainment": (0.30, -0.15, 0.10, 0.00, 0.10),
            "Hospitality": (0.00, -0.05, 0.20, 0.10, 0.05),
            "Public Administration": (-0.05, 0.10, -0.05, 0.05, 0.00),
        },
    ),
    regions=_regions(),
    ages=(
        Group("18_24", 0.14, (0.05, -0.25, 0.10, -0.15, 0.15)),
        Group("25_34", 0.30, (0.05, -0.05, 0.05, -0.05, 0.05)),
        Group("35_44", 0.25, (0.00, 0.05, 0.00, 0.00, 0.00)),
        Group("45_54", 0.18, (0.00, 0.10, -0.05, 0.05, -0.05)),
        Group("55_64", 0.11, (-0.05, 0.15, -0.05, 0.10, -0.10)),
        Group("65_plus", 0.02, (-0.10, 0.15, -0.10, 0.15, -0.15)),
    ),
    age_limits=((18, 24), (25, 34), (35, 44), (45, 54), (55, 64), (65, 74)),
    genders=(Group("female", 0.51), Group("male", 0.47), Group("other", 0.02)),
    countries=_COUNTRIES,
    size_bands=(
        SizeBand("Micro", 0.10, 1, 9, 1.0),
        SizeBand("Small", 0.25, 10, 49, 2.0),
        SizeBand("Medium", 0.30, 50, 249, 4.0),
        SizeBand("Large", 0.22, 250, 999, 8.0),
        SizeBand("Enterprise", 0.13, 1000, 20000, 12.0),
    ),
    devices=(
        Device("desktop", 0.56, 0.88, 4.0),
        Device("mobile", 0.36, 0.76, 4.6),
        Device("tablet", 0.08, 0.82, 5.0),
    ),
    raters=(Rater("rater-alpha-1", 1.5, 6.0), Rater("rater-beta-2", -1.0, 8.0)),
    rater_error_correlation=0.2,
    home_share=0.9,
    length_slope=0.8,
    item_time_sigma=0.5,
    person_time_sigma=0.35,
    careless_share=0.04,
    straight_line_share=0.5,
    straight_line_values=(0.15, 0.15, 0.40, 0.15, 0.15),
    careless_speed=0.12,
    repeat_share=0.05,
    unidentified_share=0.10,
    missing_share=0.03,
    weekday_volume=(1.15, 1.20, 1.20, 1.15, 1.00, 0.65, 0.65),
    month_volume=(1.10, 1.05, 1.10, 1.00, 1.00, 0.95, 0.75, 0.75, 1.15, 1.15, 1.10, 0.90),
    hour_volume=(
        *(0.25, 0.18, 0.15, 0.15, 0.20, 0.35, 0.65, 1.00, 1.45, 1.70, 1.70, 1.55),
        *(1.35, 1.50, 1.65, 1.60, 1.50, 1.30, 1.15, 1.10, 1.05, 0.90, 0.65, 0.42),
    ),
    pause_share=0.30,
    pause_median_hours=20.0,
    pause_sigma=1.2,
    longest_pause_days=10.0,
    open_days=14,
)
"""The population that ``generate`` draws from unless told otherwise."""
