"""Finds what would identify a person in texts that are about to be stored.

For: ``privacy.labels``, ``privacy.anonymize`` (values of refused lines), ``privacy.check``.
Not for: names, which no pattern finds: a category column takes only the words of its closed list.

The patterns err towards finding: four numbers below 256 with dots are an IP address, even where a
version was meant; nine or more digits on their own are a number of something, most often a phone.
ISO dates, versions, decimals and UUIDs are no findings. Patterns are RE2's, run by Arrow.
"""

from enum import StrEnum
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from ioc_analytics.privacy.columns import Array, Column, encode


class Finding(StrEnum):
    """What a text was found to hold."""

    EMAIL = "an e-mail address"
    IP_ADDRESS = "an IP address"
    PHONE = "a phone number"


_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})"
_HEX: Final = r"[0-9A-Fa-f]{1,4}"
_HEXES: Final = rf"{_HEX}(?::{_HEX})*"

_EMAIL: Final = r"[^\s@<>,;:\"'()]+@[^\s@.]+(?:\.[^\s@.]+)*\.\pL{2,}"
_IPV4: Final = rf"(?:^|[^\w.])(?:{_OCTET}\.){{3}}{_OCTET}(?:$|[^\w.]|\.(?:$|\s))"
_IPV6: Final = (
    rf"(?:^|[^\w:])(?:(?:{_HEX}:){{7}}{_HEX}|(?:{_HEX}:){{6}}(?:{_OCTET}\.){{3}}{_OCTET}"
    rf"|{_HEXES}::(?:{_HEXES})?|::{_HEXES}|::(?:ffff:)?(?:{_OCTET}\.){{3}}{_OCTET})(?:$|[^\w:])"
)
_PHONE: Final = "|".join(
    (
        r"(?:^|[^\w+])\+\(?[0-9](?:[ ()\-/]{0,2}[0-9]){6,14}",
        r"(?:^|[^\w+])\+[0-9]{1,3}(?:\.[0-9]{2,8}){2,5}",
        r"(?:^|[^\w.])\(?[2-9][0-9]{2}(?:\)|[ .\-/])[ ]?[0-9]{3}[ .\-][0-9]{4}(?:$|[^\w.])",
    )
)
_SCRUBBED_PHONE: Final = "|".join(
    (
        r"(?:^|[^\w.,])\(?0[0-9]{1,5}\)?[ \-/][ ]?[0-9](?:[ \-/]?[0-9]){5,11}(?:$|[^\w])",
        r"(?:^|[^\w.+\-])[0-9]{9,15}(?:$|[^\w.\-])",
    )
)
_HARMLESS: Final = "|".join(
    (
        r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b",
        r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?"
        r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?\b",
        r"\b[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4}\b",
        r"\b(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
        r"(?:[0-2][0-9][0-5][0-9][0-5][0-9])?\b",
        r"\bv?[0-9]+(?:\.[0-9]+){1,3}(?:[eE][+-]?[0-9]+)?\b",
    )
)
"""UUIDs, dates and times, versions and decimals: taken out before digits are counted."""


def find_identifiable(values: Column) -> Array:
    """Return, for each text, what it was found to hold (a ``Finding``), or null.

    Args:
        values: Strings, plain or dictionary-encoded; each distinct one is searched once.

    Example:
        >>> find_identifiable(pa.array(["jo@example.org", "2024-05-01", "v1.2.3"])).to_pylist()
        ['an e-mail address', None, None]
    """
    encoded = encode(values)
    return _find(encoded.dictionary).take(encoded.indices)


def finding_of(text: str) -> Finding | None:
    """Return what one text was found to hold, or None."""
    found = _find(pa.array([text], pa.string()))[0].as_py()
    return Finding(found) if found else None


def first_finding(values: Column) -> tuple[int, Finding] | None:
    """Return row (from 0) and kind of the first identifiable text, or None."""
    found = find_identifiable(values)
    row = pc.index(pc.is_valid(found), True).as_py()
    return None if row < 0 else (row, Finding(found[row].as_py()))


def _find(texts: Array) -> Array:
    # Full-width digits and signs look the same to people.
    plain = pc.utf8_normalize(texts, form="NFKC")
    scrubbed = pc.replace_substring_regex(plain, _HARMLESS, " ")

    def has(pattern: str, searched: Array) -> Array:
        return pc.fill_null(pc.match_substring_regex(searched, pattern), False)

    is_address = pc.or_(has(_IPV4, plain), has(_IPV6, plain))
    is_phone = pc.or_(has(_PHONE, plain), has(_SCRUBBED_PHONE, scrubbed))
    found: Array = pc.case_when(
        pc.make_struct(has(_EMAIL, plain), is_address, is_phone),
        *(pa.scalar(str(kind)) for kind in (Finding.EMAIL, Finding.IP_ADDRESS, Finding.PHONE)),
    )
    return found
