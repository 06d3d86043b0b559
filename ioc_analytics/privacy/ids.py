"""Columns of ids that claim to be UUIDs, read as 16-byte values or refused.

For: ``privacy.check``. Not for: making pseudonyms (``privacy.pseudonyms``).
"""

from string import ascii_letters, digits
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ioc_analytics.kernel.errors import PrivacyRefusal
from ioc_analytics.privacy.columns import Array, encode
from ioc_analytics.privacy.values import describe_value
from ioc_analytics.records.tables import ID_TYPE

_UUID_TEXT: Final = r"^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
_WORD_BYTES: Final = np.zeros(256, np.bool_)
_WORD_BYTES[list((ascii_letters + digits + "@._+- ").encode())] = True
_NEEDED: Final = (
    "where a UUID must stand (16 bytes, uuid.UUID or 36 characters). "
    "An operational id must be pseudonymised first"
)


def read_ids(column: Array, where: str) -> Array:
    """Return an id column as 16-byte values.

    Args:
        column: UUIDs as 16 bytes or as text of 36 characters, plain or dictionary-encoded.
        where: Kind and column, for the message.

    Raises:
        PrivacyRefusal: A value is no UUID; the message names its row and what kind of value it is.
    """
    encoded = encode(column)
    given = _with_short_offsets(encoded.dictionary)
    if pa.types.is_null(given.type):
        return pa.nulls(len(column), ID_TYPE)
    if pa.types.is_string(given.type):
        is_good = pc.match_substring_regex(given, _UUID_TEXT)
    elif pa.types.is_binary(given.type) or given.type == ID_TYPE:
        is_good = _is_no_text(given)
    else:
        raise PrivacyRefusal(f"{where}: found {given.type} {_NEEDED}")
    is_bad = pc.and_(pc.is_valid(given), pc.invert(pc.fill_null(is_good, False)))
    if pc.any(is_bad).as_py():
        row = pc.index(is_bad.take(encoded.indices), True).as_py()
        value = given[encoded.indices[row].as_py()].as_py()
        found = describe_value(value) if isinstance(value, str) else f"{len(value)} bytes of text"
        raise PrivacyRefusal(f"{where}, row {row + 1}: found {found} {_NEEDED}")
    return _as_bytes(given).take(encoded.indices)


def _with_short_offsets(values: Array) -> Array:
    if pa.types.is_large_string(values.type):
        return values.cast(pa.string())
    return values.cast(pa.binary()) if pa.types.is_large_binary(values.type) else values


def _is_no_text(values: Array) -> Array:
    """Return whether each value has 16 bytes that are not all letters, digits and ``@._+-``.

    A text of 16 characters is no UUID; drawn at random, 16 such bytes come once in 10^9 UUIDs.
    """
    verdicts: list[bool | None] = []
    for value in values.to_pylist():
        if value is None:
            verdicts.append(None)
            continue
        is_text = _WORD_BYTES[np.frombuffer(value, np.uint8)].all()
        verdicts.append(len(value) == ID_TYPE.byte_width and not is_text)
    return pa.array(verdicts, pa.bool_())


def _as_bytes(values: Array) -> Array:
    if not pa.types.is_string(values.type):
        return values.cast(ID_TYPE)
    return pa.array([v and bytes.fromhex(v.replace("-", "")) for v in values.to_pylist()], ID_TYPE)
