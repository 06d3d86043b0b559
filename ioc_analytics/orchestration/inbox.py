"""The inbox folder: which batches are complete, what mapping each has, where each goes afterwards.

For: the inbox sensor and the ingesting asset. Not for: reading batches (``files.batches``).

What lies in the inbox is identified data, so ``done`` and ``failed`` are for this account only.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg

from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import AnalyticsError, InvalidInput, PrivacyRefusal
from ioc_analytics.kernel.settings import InboxSettings

DONE: Final = "done"
FAILED: Final = "failed"

_MAPPING_ENDING: Final = ".toml"
_COMMON_MAPPING: Final = "mapping.toml"
_UNFINISHED: Final = (".tmp", ".part", ".partial", ".crdownload", ".swp", "~")
_SECONDS_PER_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Arrival:
    """A complete batch in the inbox."""

    path: Path
    mapping: Path | None
    signature: str
    """Name and digest of the state: another content has another one. Names nobody."""

    dropped_at: datetime
    """When it last changed: the moment from which people wait for it."""


class Inbox:
    """The watched folder of one installation."""

    def __init__(self, settings: InboxSettings) -> None:
        self.settings = settings
        self.path = settings.path

    def arrivals(self) -> list[Arrival]:
        """Return the batches that are complete, the oldest first; see :meth:`look`."""
        return self.look()[0]

    def look(self) -> tuple[list[Arrival], dict[Path, str]]:
        """Return the batches that are complete, the oldest first, and what cannot be read.

        Complete is what has not changed for ``settle_seconds``, by size, content or name: the time
        of the last change of its entry counts, which copying with old dates does not hide. Left
        alone are hidden entries, mappings, names like ``x.csv.part``, ``done`` and ``failed``.
        What cannot be read has as long to become readable, and is named with the reason.
        """
        found, unreadable = [], {}
        for path in self._entries():
            try:
                if not (path.is_file() or (path.is_dir() and any(path.iterdir()))):
                    continue
                changed, signature = _state(path)
                mapping = self.mapping_of(path)
            except OSError as error:
                if self._has_settled(path):
                    unreadable[path] = error.strerror or type(error).__name__
                continue
            if time.time() - changed / 1e9 >= self.settings.settle_seconds:
                dropped_at = datetime.fromtimestamp(changed / 1e9, UTC)
                found.append((changed, Arrival(path, mapping, signature, dropped_at)))
        found.sort(key=lambda one: (one[0], one[1].path))
        return [arrival for _, arrival in found], unreadable

    def mapping_of(self, path: Path) -> Path | None:
        """Return the mapping of a batch, None when it needs none.

        In this order: ``survey.csv.toml`` or ``survey.toml`` beside ``survey.csv``; of a folder,
        also its own ``mapping.toml``; of a single file, also the ``mapping.toml`` of the inbox.
        """
        short = path.name.split(".", 1)[0]
        candidates = [path.parent / f"{name}{_MAPPING_ENDING}" for name in (path.name, short)]
        candidates.append((path if path.is_dir() else path.parent) / _COMMON_MAPPING)
        return next((one for one in candidates if one.is_file()), None)

    def holds(self, path: Path) -> bool:
        """Return whether a batch lies in the inbox itself, so that it is ours to move."""
        return path.parent.resolve() == self.path.resolve()

    def is_to_blame(self, error: AnalyticsError) -> bool:
        """Return whether an error is the batch's own fault, and would come again."""
        # What PostgreSQL refused says something about this installation, not about the file.
        is_about_content = isinstance(error, InvalidInput | PrivacyRefusal)
        return is_about_content and not isinstance(error.__cause__, psycopg.Error)

    def signature_of(self, path: Path) -> str | None:
        """Return the signature of a batch as it lies here now; None when it cannot be had."""
        try:
            return _state(path)[1]
        except OSError:
            return None

    def finish(self, path: Path, signature: str | None) -> bool:
        """Delete a batch after its commit, or keep it in ``done`` for ``keep_days``.

        Args:
            path: The batch.
            signature: Its signature before it was read.

        Returns:
            Whether it was there as it was read. What a producer has put in its place meanwhile
            stays, and is the next arrival.
        """
        if not self._is_unchanged(path, signature):
            return False
        if self.settings.keep_days:
            self._move(path, DONE)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        return True

    def refuse(self, path: Path, signature: str | None, reason: str) -> Path | None:
        """Move a batch to ``failed``, with its reason in a text beside it; return where it is.

        None when it is not there as it was read, as in :meth:`finish`.
        """
        if not self._is_unchanged(path, signature):
            return None
        return self._keep_with_reason(path, reason)

    def set_aside(self, path: Path, reason: str) -> Path | None:
        """Do as :meth:`refuse` with what cannot be read; None when it cannot be moved either."""
        try:
            return self._keep_with_reason(path, reason)
        except OSError:
            return None

    def purge(self) -> int:
        """Delete what has been in ``done`` for longer than ``keep_days``; return how many."""
        latest = time.time() - self.settings.keep_days * _SECONDS_PER_DAY
        folder = self.path / DONE
        deleted = 0
        for path in folder.iterdir() if folder.is_dir() else ():
            # What cannot be deleted must not keep new batches waiting.
            with suppress(OSError):
                if path.lstat().st_ctime >= latest:
                    continue
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
                deleted += 1
        return deleted

    def _is_unchanged(self, path: Path, signature: str | None) -> bool:
        return signature is not None and signature == self.signature_of(path)

    def _has_settled(self, path: Path) -> bool:
        try:
            changed = path.lstat().st_ctime
        except OSError:
            return False  # taken away meanwhile
        return time.time() - changed >= self.settings.settle_seconds

    def _keep_with_reason(self, path: Path, reason: str) -> Path:
        kept = self._move(path, FAILED)
        note = kept.with_name(f"{kept.name}.reason.txt")
        note.write_text(f"{utc_now():%Y-%m-%d %H:%M:%S} UTC\n{reason}\n", encoding="utf-8")
        return kept

    def _entries(self) -> Iterator[Path]:
        if not self.path.is_dir():
            return
        for path in self.path.iterdir():
            name = path.name
            if name.startswith(".") or name in (DONE, FAILED) or path.is_symlink():
                continue
            if not name.endswith((_MAPPING_ENDING, *_UNFINISHED)):
                yield path

    def _move(self, path: Path, folder: str) -> Path:
        target = self.path / folder
        target.mkdir(mode=0o700, exist_ok=True)
        kept = target / f"{utc_now():%Y%m%dT%H%M%S%f}-{path.name}"
        path.rename(kept)
        return kept


def shown_name(path: Path) -> str:
    """Return the name of a batch as runs and logs may show it: without what identifies a person.

    Example:
        >>> shown_name(Path("survey.csv")), shown_name(Path("ada@example.org"))
        ('survey.csv', '<an e-mail address>')
    """
    # Imported late: that room brings pandas, which the definitions must not wait for.
    from ioc_analytics.privacy.values import storable_name

    return storable_name(os.fsencode(path.name).decode("utf-8", "replace"))


def _state(path: Path) -> tuple[int, str]:
    """Return the last change in nanoseconds and the signature, of a folder with its content."""
    parts = sorted([path, *path.rglob("*")]) if path.is_dir() else [path]
    states = [part.stat() for part in parts]
    content = [
        (str(part.relative_to(path.parent)), s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino)
        for part, s in zip(parts, states, strict=True)
    ]
    digest = hashlib.sha256(repr(content).encode()).hexdigest()
    # Every change moves it, and nobody can set it: a date from the future would wait for its day.
    changed = max(one.st_ctime_ns for one in states)
    return changed, f"{shown_name(path)}|{digest[:32]}"
