"""The closed vocabularies: every category that a stored row may carry.

For: contracts, privacy, filters, states. Not for: how a free text is mapped to one of these words
(``privacy``), or the sources of the lists (``sql/reference/``).
"""

from typing import Final

UNKNOWN: Final = "unknown"
"""A category that was absent or could not be understood; never NULL."""

ALL: Final = "all"
"""The value of a dimension that a roll-up does not split by."""

MERGED: Final = "merged"
"""The value of a dimension given up when a small cell of a sealed period was merged."""

TRAITS: Final = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
"""The five traits in the order in which every vector and matrix of the platform holds them."""

ASSESSMENT_STATUSES: Final = ("draft", "published", "closed", "archived", UNKNOWN)
RESPONSE_STATUSES: Final = ("started", "completed", "abandoned", UNKNOWN)

INDUSTRIES: Final = (
    "Agriculture",
    "Mining",
    "Utilities",
    "Construction",
    "Manufacturing",
    "Wholesale Trade",
    "Retail Trade",
    "Transportation",
    "Technology",
    "Finance",
    "Real Estate",
    "Professional Services",
    "Management",
    "Administrative Services",
    "Education",
    "Healthcare",
    "Arts and Entertainment",
    "Hospitality",
    "Other Services",
    "Public Administration",
    UNKNOWN,
)
"""The 20 sectors, after the two-digit NAICS sectors (51 Information is the seed's Technology)."""

SIZE_BANDS: Final = ("Micro", "Small", "Medium", "Large", "Enterprise", UNKNOWN)
"""1-9, 10-49, 50-249, 250-999 and 1000 or more employees."""

AGE_BANDS: Final = (
    "under_18",
    "18_24",
    "25_34",
    "35_44",
    "45_54",
    "55_64",
    "65_plus",
    UNKNOWN,
)
GENDERS: Final = ("female", "male", "other", UNKNOWN)
DEVICES: Final = ("desktop", "mobile", "tablet", "other", UNKNOWN)
REGIONS: Final = (
    "Northern Africa",
    "Eastern Africa",
    "Middle Africa",
    "Southern Africa",
    "Western Africa",
    "Caribbean",
    "Central America",
    "South America",
    "Northern America",
    "Central Asia",
    "Eastern Asia",
    "South-eastern Asia",
    "Southern Asia",
    "Western Asia",
    "Eastern Europe",
    "Northern Europe",
    "Southern Europe",
    "Western Europe",
    "Australia and New Zealand",
    "Melanesia",
    "Micronesia",
    "Polynesia",
    "Antarctica",
    UNKNOWN,
)
"""The sub-regions of UN M49 (intermediate regions where M49 has them)."""
