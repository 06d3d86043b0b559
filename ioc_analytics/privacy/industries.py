"""An industry given as NAICS code or free text to one of the 20 sectors.

For: ``privacy.anonymize``. Not for: the list and its decisions (``sql/reference/industries.csv``).
"""

import re
from functools import cache
from typing import Final

from ioc_analytics.privacy.columns import Reading
from ioc_analytics.privacy.reference import SAYS_NOTHING, fold, reference_rows
from ioc_analytics.records.vocabularies import UNKNOWN

_CODE: Final = re.compile(r"(?:naics\s*:?\s*)?(\d{2,6})(?:\.0+)?", re.IGNORECASE)
_RANGE: Final = re.compile(r"(?:naics\s*:?\s*)?(\d\d)\s*[-\N{EN DASH}]\s*(\d\d)", re.IGNORECASE)


@cache
def _by_sector_code() -> dict[str, str]:
    found = {}
    for row in reference_rows("industries.csv"):
        first, _, last = row["naics"].partition("-")
        for code in range(int(first), int(last or first) + 1):
            found[str(code)] = row["industry"]
    return found


@cache
def _by_name() -> dict[str, str]:
    return {
        fold(name): row["industry"]
        for row in reference_rows("industries.csv")
        for name in (row["industry"], row["title"], *row["synonyms"].split("|"))
        if name
    }


def read_industry(industry: str) -> Reading:
    """Return the sector of a NAICS code (2 to 6 digits, or a range) or of a text in the list.

    Example:
        >>> [read_industry(text).category for text in ("511210", "31-33", "Banking & Finance")]
        ['Technology', 'Manufacturing', 'Finance']
    """
    text = industry.strip()
    if code := _CODE.fullmatch(text):
        sector = _by_sector_code().get(code[1][:2])
    elif span := _RANGE.fullmatch(text):
        first, last = (_by_sector_code().get(part) for part in span.groups())
        sector = first if first == last else None
    elif (folded := fold(text)) in SAYS_NOTHING:
        return Reading(UNKNOWN)
    else:
        sector = _by_name().get(folded)
    return Reading(sector) if sector else Reading(UNKNOWN, is_understood=False)
