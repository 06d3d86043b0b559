"""Ages, company sizes and genders to bands and categories that many people share.

For: ``privacy.anonymize``. Not for: regions, industries, devices (modules of their own).
"""

from functools import cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ioc_analytics.privacy.columns import Array, Read, Reading
from ioc_analytics.privacy.reference import SAYS_NOTHING, fold, reference_rows
from ioc_analytics.records.vocabularies import AGE_BANDS, UNKNOWN

LOWEST_AGE: Final = 10
HIGHEST_AGE: Final = 100
"""Years outside which a stated age is taken for a slip, both ends included."""

_AGE_EDGES: Final = (18, 25, 35, 45, 55, 65)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FEMALE: Final = _words(
    "f female woman girl fem femme lady she her femail femake femal famale feminine "
    "weiblich frau femenino mujer feminin vrouw"
)
_MALE: Final = _words(
    "m male man boy guy he him mal maile malr msle mail make masculine "
    "mannlich mann masculino hombre masculin"
)
_OTHER: Final = _words(
    "nonbinary enby nb genderqueer queer agender fluid genderfluid androgyne androgynous neuter "
    "intersex divers diverse bigender pangender demigender demiboy demigirl nonconforming"
)
_OTHER_AMONG_KNOWN: Final = _words(
    "d x other third gender sex variant non binary two spirit they them"
)
"""Words that say "other" only where every word is known: people also put them into sentences."""

_MODIFIER: Final = _words("cis cisgender trans transgender transsexual ftm mtf")
_CODES: Final = {"1": "male", "2": "female", "3": "other", "0": UNKNOWN, "9": UNKNOWN}


def age_bands(age: Array, birth_year: Array, year: Array) -> tuple[Array, Array]:
    """Return the age band of each row, and whether a stated age was unusable.

    The age counts where it is given; otherwise it is the row's year less the year of birth, which
    is one too many for people whose birthday is still to come.

    Args:
        age: Integers, years.
        birth_year: Integers.
        year: Integers, the calendar year (UTC) of the row's date.

    Returns:
        Strings of ``vocabularies.AGE_BANDS`` (``unknown`` outside 10 to 100 years), and booleans.
    """
    stated = pc.coalesce(
        age.cast(pa.int64()),
        pc.subtract(year.cast(pa.int64()), birth_year.cast(pa.int64())),
    )
    bands = _banded(stated, _AGE_EDGES, AGE_BANDS[:-1], LOWEST_AGE, HIGHEST_AGE)
    is_stated = pc.or_(pc.is_valid(age), pc.is_valid(birth_year))
    return bands, pc.and_(is_stated, pc.equal(bands, UNKNOWN))


def size_bands(employees: Array) -> tuple[Array, Array]:
    """Return the size band of each number of employees, and whether a number was unusable.

    Zero and negative numbers are ``unknown``.
    """
    names, edges, lowest = _size_limits()
    bands = _banded(employees.cast(pa.int64()), edges, names, lowest, None)
    return bands, pc.and_(pc.is_valid(employees), pc.equal(bands, UNKNOWN))


def read_gender(gender: str) -> Reading:
    """Return ``female``, ``male``, ``other`` or ``unknown`` for what was typed or coded.

    Codes follow ISO/IEC 5218 (1 male, 2 female, 0 and 9 unknown), with 3 for other. In free typing
    every word must be known; a cis or trans woman is a woman. Any word for a gender between or
    beyond the two is ``other``. The rest is ``unknown`` and not understood.

    Example:
        >>> [read_gender(text).category for text in ("Male ", "cis female", "Enby", "Reptilian")]
        ['male', 'female', 'other', 'unknown']
    """
    folded = fold(gender)
    if folded in SAYS_NOTHING:
        return Reading(UNKNOWN)
    if code := _CODES.get(folded.removesuffix(" 0") if " " in folded else folded):
        return Reading(code)
    words = set(folded.split())
    named = words - _MODIFIER
    is_other = named & _OTHER_AMONG_KNOWN and named <= _OTHER_AMONG_KNOWN | _FEMALE | _MALE
    if words & _OTHER or not named or is_other:
        return Reading("other")
    if named <= _FEMALE:
        return Reading("female")
    if named <= _MALE:
        return Reading("male")
    return Reading(UNKNOWN, is_understood=False)


def as_read(bands: tuple[Array, Array]) -> Read:
    """Return a pair of bands and faults as a column that was read."""
    values, is_unusable = bands
    return Read(values, pc.fill_null(is_unusable, False))


@cache
def _size_limits() -> tuple[tuple[str, ...], tuple[int, ...], int]:
    rows = reference_rows("size_bands.csv")
    lows = [int(row["minimum"]) for row in rows]
    return tuple(row["band"] for row in rows), tuple(lows[1:]), lows[0]


def _banded(
    numbers: Array,
    edges: tuple[int, ...],
    names: tuple[str, ...],
    lowest: int,
    highest: int | None,
) -> Array:
    """Return the name of the band [edge, next edge) of each number; null and outside: unknown."""
    filled = pc.fill_null(numbers, lowest - 1).to_numpy(zero_copy_only=False)
    place: NDArray[Any] = np.searchsorted(np.asarray(edges), filled, side="right")
    is_outside = filled < lowest
    if highest is not None:
        is_outside |= filled > highest
    place = np.where(is_outside, len(names), place)
    bands: Array = pa.array([*names, UNKNOWN], pa.string()).take(pa.array(place))
    return bands
