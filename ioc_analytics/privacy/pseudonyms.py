"""Keyed pseudonyms: the same identifier gives the same UUID, and only the key can tell which.

For: ``privacy.anonymize``, the command ``pseudonym``. Not for: where the key comes from
(``privacy.keys``).

A pseudonym is the first 128 bits of HMAC-SHA-256 over ``kind NUL identifier``, with version and
variant set as RFC 9562 says for UUIDv8 (section 5.8), which leaves 122 bits. A plain hash would not
do: ten million e-mail addresses are tried in seconds. The kind keeps the same text from having one
pseudonym as an assessment and as a person.
"""

import hashlib
import hmac
import unicodedata
import uuid
from collections.abc import Iterable
from typing import Final, Literal, get_args

import numpy as np
import pyarrow as pa

from ioc_analytics.kernel.errors import ConfigurationError, InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.privacy.columns import Array, Column, encode, one_array

PseudonymKind = Literal["organization", "assessment", "response", "respondent"]
PSEUDONYM_KINDS: Final[tuple[str, ...]] = get_args(PseudonymKind)

KEY_BYTES: Final = 32
_BLOCK_BYTES: Final = 64
_ID: Final = pa.binary(16)


class Pseudonymizer:
    """Turns identifiers into pseudonyms under one key.

    Safe to share between threads. Never shows its key, and cannot be pickled: a worker process
    loads the key itself.
    """

    def __init__(self, key: bytes) -> None:
        """Take a key of 32 random bytes.

        Raises:
            ConfigurationError: The key has another length.
        """
        if len(key) != KEY_BYTES:
            raise ConfigurationError(
                f"a pseudonym key has {KEY_BYTES} bytes, {len(key)} were given; "
                "`openssl rand -hex 32` makes one"
            )
        # Both halves of HMAC with the key and the kind already taken in: a copy of their state
        # costs a third of hmac.digest (1.3 against 3.3 microseconds per identifier).
        padded = key.ljust(_BLOCK_BYTES, b"\0")
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))
        self._inner = {
            kind: hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + kind.encode() + b"\0")
            for kind in PSEUDONYM_KINDS
        }
        self._key_id = hmac.digest(key, b"key-id\0", "sha256")[:4].hex()
        self._last: dict[str, tuple[Array, Array]] = {}

    def __repr__(self) -> str:
        return f"Pseudonymizer(key_id={self._key_id!r})"

    def __reduce__(self) -> str:
        raise TypeError("a Pseudonymizer holds a key and is not pickled; load the key again")

    @property
    def key_id(self) -> str:
        """Eight hex digits that tell keys apart and say nothing about them; may be stored."""
        return self._key_id

    def one(self, kind: str, identifier: str) -> uuid.UUID:
        """Return the pseudonym of one identifier.

        Args:
            kind: ``organization``, ``assessment``, ``response`` or ``respondent``.
            identifier: Any text; it is stripped and NFC-normalised first.

        Raises:
            InvalidInput: The kind is unknown or the identifier empty.
        """
        value = self.many(kind, pa.array([identifier], pa.string()))[0].as_py()
        if value is None:
            raise InvalidInput(f"the {kind} identifier is empty; give the one of the source system")
        return uuid.UUID(bytes=value)

    def many(self, kind: str, values: Column) -> Array:
        """Return the pseudonyms of a column, each distinct identifier hashed once.

        Args:
            kind: ``organization``, ``assessment``, ``response`` or ``respondent``.
            values: Strings, plain or dictionary-encoded. Null and empty ones give null.

        Returns:
            Fixed-size binary (16): plain for plain input, a dictionary for a dictionary.

        Raises:
            InvalidInput: The kind is unknown.
        """
        if kind not in self._inner:
            raise InvalidInput(
                f"unknown kind of pseudonym {kind!r}{did_you_mean(kind, PSEUDONYM_KINDS)}; "
                f"kinds are {', '.join(PSEUDONYM_KINDS)}"
            )
        array = one_array(values)
        encoded = encode(array)
        pseudonyms = self._of_distinct(kind, encoded.dictionary)
        if not pa.types.is_dictionary(array.type):
            return pseudonyms.take(encoded.indices)
        if pseudonyms.null_count:
            # A null in the dictionary itself is legal Arrow that many readers trip over.
            return _without_null_entries(encoded.indices, pseudonyms)
        return pa.DictionaryArray.from_arrays(encoded.indices, pseudonyms)

    def _of_distinct(self, kind: str, identifiers: Array) -> Array:
        """Hash a dictionary, or hand out the last answer when the same one comes again.

        A batch's answers come in many chunks over the same dictionary of response ids, and the
        dictionary of the responses' own ids is often the same.
        """
        last = self._last.get(kind)
        if last is not None and (
            _is_same_memory(last[0], identifiers) or last[0].equals(identifiers)
        ):
            return last[1]
        digests = self._digests(kind, identifiers.to_pylist())
        pseudonyms = _as_uuid8(b"".join(digests), [digest is _NOTHING for digest in digests])
        # The identifiers are kept with the answer: memory that is in use cannot be reused for
        # another dictionary at the same address.
        self._last[kind] = (identifiers, pseudonyms)
        return pseudonyms

    def _digests(self, kind: str, identifiers: Iterable[str | None]) -> list[bytes]:
        start, finish = self._inner[kind].copy, self._outer.copy
        digests = []
        for identifier in identifiers:
            text = _canonical(identifier)
            if not text:
                digests.append(_NOTHING)
                continue
            inner = start()
            inner.update(text.encode())
            outer = finish()
            outer.update(inner.digest())
            digests.append(outer.digest())
        return digests


def canonical_email(email: str) -> str:
    """Return an e-mail address as it is pseudonymised: NFKC, case-folded, stripped.

    Example:
        >>> canonical_email(" Ada@Example.ORG ")
        'ada@example.org'
    """
    return unicodedata.normalize("NFKC", email).casefold().strip()


_NOTHING: Final = bytes(32)


def _canonical(identifier: str | None) -> str:
    if identifier is None:
        return ""
    if not identifier.isascii():
        identifier = unicodedata.normalize("NFC", identifier)
    return identifier.strip()


def _as_uuid8(digests: bytes, is_null: list[bool]) -> Array:
    """Return the first 16 of every 32 bytes, with RFC 9562's version 8 and variant 10."""
    rows = np.frombuffer(digests, np.uint8).reshape(-1, 32)[:, :16].copy()
    rows[:, 6] = (rows[:, 6] & 0x0F) | 0x80
    rows[:, 8] = (rows[:, 8] & 0x3F) | 0x80
    validity = None
    if any(is_null):
        validity = pa.array([not null for null in is_null]).buffers()[1]
    array: Array = pa.Array.from_buffers(_ID, len(rows), [validity, pa.py_buffer(rows.tobytes())])
    return array


def _without_null_entries(indices: Array, pseudonyms: Array) -> Array:
    is_entry = np.asarray(pseudonyms.is_valid())
    place = np.cumsum(is_entry) - 1
    moved = pa.array(place, indices.type, mask=~is_entry).take(indices)
    return pa.DictionaryArray.from_arrays(moved, pseudonyms.drop_null())


def _is_same_memory(one: Array, other: Array) -> bool:
    if len(one) != len(other) or one.offset != other.offset:
        return False
    addresses = [
        [buffer and buffer.address for buffer in array.buffers()] for array in (one, other)
    ]
    return addresses[0] == addresses[1]
