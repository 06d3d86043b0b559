"""A country's code or name to its UN M49 sub-region.

For: ``privacy.anonymize``. Not for: the list and its decisions (``sql/reference/regions.csv``).
"""

from functools import cache

from ioc_analytics.privacy.columns import Reading
from ioc_analytics.privacy.reference import SAYS_NOTHING, fold, reference_rows
from ioc_analytics.records.vocabularies import UNKNOWN


@cache
def _by_code() -> dict[str, str]:
    return {
        row[column]: row["region"]
        for row in reference_rows("regions.csv")
        for column in ("alpha_2", "alpha_3")
        if row[column]
    }


@cache
def _by_name() -> dict[str, str]:
    return {
        fold(name): row["region"]
        for row in reference_rows("regions.csv")
        for name in (row["name"], *row["variants"].split("|"))
        if name
    }


def read_country(country: str) -> Reading:
    """Return the sub-region of a country given as ISO 3166 code (2 or 3 letters) or English name.

    ``NA`` in capitals is Namibia; ``na``, ``N/A`` and the like say nothing. A country that the list
    does not know is ``unknown`` and not understood; a stated "no country" (``A1``, ``EU``) is
    ``unknown`` and understood.

    Example:
        >>> read_country("NA").category, read_country("uk").category, read_country("n/a").category
        ('Southern Africa', 'Northern Europe', 'unknown')
    """
    text = country.strip()
    if text in _by_code():
        return Reading(_by_code()[text])
    folded = fold(text)
    if folded in SAYS_NOTHING:
        return Reading(UNKNOWN)
    region = _by_code().get(text.upper()) or _by_name().get(folded)
    return Reading(region) if region else Reading(UNKNOWN, is_understood=False)
