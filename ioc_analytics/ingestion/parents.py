"""The responses that a batch knows: those it brings and those that its children name.

For: ingestion, within one transaction. Not for: what is stored of them (the registry, which this
table is filled from and written back to).

Everything stands in numpy arrays, about 100 bytes per response, and as much again for those that
were stored before: a batch of a million new responses takes 100 MB, not a gigabyte of Python
objects.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ioc_analytics.ingestion.growth import with_room
from ioc_analytics.kernel.errors import IntegrityFailure

NEVER: Final = np.iinfo(np.int64).min
"""Version of something that is not stored."""

KINDS: Final = ("answers", "scores", "validations")
"""The kinds of children, in the order of the columns of ``version``, ``batch`` and ``action``."""
ANSWERS, SCORES, VALIDATIONS = range(3)

UNDECIDED: Final = 0
WRITE: Final = 1
"""The children of this kind are new, or replace older ones."""
COMPARE: Final = 2
"""Children of the same version are stored: equal ones are duplicates, others conflict."""
STALE: Final = 3
"""Newer children are stored: these are duplicates."""
GONE: Final = 4
"""The rows of the response were sealed: a change is quarantined."""
EXTEND: Final = 5
"""As ``COMPARE``, and some were not stored yet: they are added to those that are."""

_PARENT: Final = np.dtype(
    [
        ("created", "i8"),  # microseconds since 1970 of the response as it will be stored
        ("version", "i8"),  # version of the response as it will be stored
        ("content", "i8"),  # its digest
        ("child_version", "i8"),  # version that children of this batch belong to
        ("seconds", "f8"),  # time spent, NaN: not known
        ("assessment", "i4"),  # index into the assessments of the batch
        ("instrument", "i4"),  # index into the instruments, -1: unknown
        ("row", "i4"),  # accepted row of this batch, -1: none
        ("slot", "i4"),  # row in the answer matrix of its instrument, -1: none
        ("stored", "i4"),  # row in the table of what was stored before this batch, 0: nothing
        ("is_brought", "?"),  # the batch brings a version of it
        ("is_refused", "?"),  # the batch brings a version that was put aside: so are its children
        ("is_scored", "?"),  # scores came with the batch
        ("is_careless", "?"),
        ("action", "i1", (3,)),
    ]
)

_STORED: Final = np.dtype(
    [
        ("created", "i8"),  # where its rows are
        ("response_batch", "i8"),
        ("version", "i8", (3,)),
        ("batch", "i8", (3,)),
        ("assessment", "i4"),
        ("is_sealed", "?"),  # its rows are in a sealed state
    ]
)

Places = npt.NDArray[np.int64] | slice | int
_ALL: Final = slice(None)


class Parents:
    """A growing table of responses with a lookup by pseudonym."""

    def __init__(self) -> None:
        self._ids: npt.NDArray[np.uint8] = np.zeros((1024, 16), dtype=np.uint8)
        self._rows: npt.NDArray[np.void] = np.zeros(1024, dtype=_PARENT)
        self._count = 0
        # The first row stands for all responses of which nothing was stored.
        self._stored: npt.NDArray[np.void] = np.zeros(1, dtype=_STORED)
        self._stored["created"], self._stored["version"] = NEVER, NEVER
        self._stored["assessment"] = -1
        self._stored_count = 1
        # Two sorted runs, like a small LSM tree: wide files add a thousand rows at a time, and
        # sorting everything after each of them would be quadratic.
        self._main = _SortedRun()
        self._recent = _SortedRun()

    def __len__(self) -> int:
        return self._count

    @property
    def ids(self) -> npt.NDArray[np.uint8]:
        """Pseudonyms, shape ``(n_parents, 16)``."""
        return self._ids[: self._count]

    @property
    def rows(self) -> npt.NDArray[np.void]:
        """The columns of ``_PARENT``; a view, so that writing to it changes the table."""
        return self._rows[: self._count]

    def add(self, ids: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """Add responses that are not in the table and return their places."""
        start, self._count = self._count, self._count + len(ids)
        self._ids = with_room(self._ids, self._count)
        self._rows = with_room(self._rows, self._count)
        self._ids[start : self._count] = ids
        new = self._rows[start : self._count]
        for name in ("row", "slot", "instrument", "assessment"):
            new[name] = -1
        for name in ("version", "child_version"):
            new[name] = NEVER
        new["seconds"] = np.nan
        self._index()
        return np.arange(start, self._count)

    def add_stored(
        self, ids: npt.NDArray[np.uint8]
    ) -> tuple[npt.NDArray[np.void], npt.NDArray[np.void]]:
        """Add responses that were stored before this batch.

        Returns:
            Their columns of ``_PARENT`` and of ``_STORED``, to be filled in.
        """
        place, row = self._count, self._stored_count
        self.add(ids)
        self._stored_count += len(ids)
        self._stored = with_room(self._stored, self._stored_count)
        self.rows["stored"][place:] = np.arange(row, self._stored_count)
        return self.rows[place:], self._stored[row : self._stored_count]

    def is_stored(self, places: Places = _ALL) -> npt.NDArray[np.bool_]:
        """Return for each response whether it was in the registry before this batch."""
        return np.asarray(self.rows["stored"][places] > 0)

    def stored(self, name: str, places: Places = _ALL, kind: int | None = None) -> npt.NDArray[Any]:
        """Return a column of ``_STORED``, of one kind of children where it has a part for each."""
        column = self._stored[name] if kind is None else self._stored[name][:, kind]
        return np.asarray(column[self.rows["stored"][places]])

    def forget_stored(self, kind: int, places: npt.NDArray[np.int64]) -> None:
        """Note that the stored children of a kind are gone."""
        self._stored["version"][self.rows["stored"][places], kind] = NEVER

    def by_time(
        self, places: npt.NDArray[np.int64], chosen: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Return ``chosen``, indices into ``places``, in the order of the stored start times.

        Rows that come in the order of their key spare an index most of its work.
        """
        return chosen[np.argsort(self.rows["created"][places[chosen]], kind="stable")]

    def is_written(self, kind: int, places: Places = _ALL) -> npt.NDArray[np.bool_]:
        """Return for each response whether the batch writes children of a kind."""
        return np.isin(self.rows["action"][places, kind], (WRITE, EXTEND))

    def written_version(self, kind: int, places: Places = _ALL) -> npt.NDArray[np.int64]:
        """Return the version that the children of a kind belong to once the batch is stored."""
        return np.where(
            self.rows["action"][places, kind] == WRITE,
            self.rows["child_version"][places],
            self.stored("version", places, kind),
        )

    def find(self, ids: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """Return the place of each pseudonym, -1 for those that are not in the table."""
        keys = _keys(ids)
        places = self._recent.find(keys)
        missing = places < 0
        if missing.any():
            places[missing] = self._main.find(keys[missing])
        found = places >= 0
        # The lookup goes by half of the pseudonym; the other half confirms it.
        wrong = (self._ids[places[found]] != ids[found]).any(axis=1)
        if wrong.any():
            places[np.flatnonzero(found)[wrong]] = -1
        return places

    def _index(self) -> None:
        first = self._main.stop
        if self._count - first > max(65_536, first // 4):
            first = 0
        run = _SortedRun(_keys(self._ids[first : self._count]), first)
        if run.has_repeats:
            raise IntegrityFailure(
                "two responses share half of their pseudonym, which cannot happen by chance; "
                "look for a damaged source"
            )
        if first:
            self._recent = run
        else:
            self._main, self._recent = run, _SortedRun()


class _SortedRun:
    """Keys of a range of places, sorted."""

    def __init__(self, keys: npt.NDArray[np.uint64] | None = None, first: int = 0) -> None:
        keys = np.empty(0, dtype=np.uint64) if keys is None else keys
        order = np.argsort(keys)
        self._keys = keys[order]
        self._places = (order + first).astype(np.int32)
        self.stop = first + len(keys)

    @property
    def has_repeats(self) -> bool:
        return bool((self._keys[1:] == self._keys[:-1]).any())

    def find(self, keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        if not len(self._keys):
            return np.full(len(keys), -1, dtype=np.int64)
        at = np.searchsorted(self._keys, keys)
        at[at == len(self._keys)] = 0
        return np.where(self._keys[at] == keys, self._places[at], np.int64(-1))


def _keys(ids: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    # The second half of a UUIDv8 has 62 pseudo-random bits, the first half 60.
    return np.ascontiguousarray(ids).view("<u8")[:, 1]
