"""The files of SQL that make the schema, with their heads.

For: ``schema.migrations`` and ``schema.impact``. Not for: applying them.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import InvalidInput

PLATFORM: Final = "platform"
OBJECTS: Final = "object"
_OBJECT_FOLDERS: Final = ("functions", "views", "roles")
_PROMISE: Final = "Previous release"
_WORDS: Final = f"(?:What|Why|Locks|Way back|{_PROMISE})"
_HEAD: Final = re.compile(rf"^-- ({_WORDS}): (.*(?:\n-- (?!{_WORDS}: ).*)*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """One file of SQL: its history, its name within it, its text."""

    history: str
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def head(self) -> Mapping[str, str]:
        """What its author says above the first statement: ``What``, ``Locks`` and so on."""
        return {
            name: " ".join(text.replace("\n--", "").split())
            for name, text in _HEAD.findall(self.text)
        }

    @property
    def keeps_previous_release(self) -> bool:
        """Whether its author promises that the release before still runs after it."""
        return self.head.get(_PROMISE, "").startswith("runs")


def platform_scripts() -> tuple[Script, ...]:
    """Return the migrations that ship with this release, in order."""
    folder = sqlfiles.sql_root() / "migrations"
    # 0000 makes the history itself; it is repeated before every look at it.
    return tuple(
        Script(PLATFORM, path.name, path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("[0-9]*.sql"))
        if not path.name.startswith("0000_")
    )


def object_scripts() -> tuple[Script, ...]:
    """Return the functions, views and grants that ship with this release, in order."""
    return tuple(
        Script(OBJECTS, f"{folder}/{path.name}", path.read_text(encoding="utf-8"))
        for folder in _OBJECT_FOLDERS
        for path in sorted((sqlfiles.sql_root() / folder).glob("*.sql"))
    )


def folder_scripts(folder: Path) -> tuple[Script, ...]:
    """Return a user's own migrations, in the order of their names.

    Raises:
        InvalidInput: The folder does not exist or holds no ``.sql`` file.
    """
    files = sorted(folder.glob("*.sql")) if folder.is_dir() else []
    if not files:
        raise InvalidInput(
            f"{folder} holds no .sql file; migrations are plain SQL files, applied by name"
        )
    history = f"folder {folder.resolve().name}"
    return tuple(Script(history, path.name, path.read_text(encoding="utf-8")) for path in files)
