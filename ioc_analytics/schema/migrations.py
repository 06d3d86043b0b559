"""Bringing a database to the schema that this code needs: plan, then apply, under a lock.

For: ``initialize()``, ``migrate`` and a user's own folder of plain SQL. Not for: partitions
(``schema.partitions``), roles and logins (``database.logins``).

Two kinds of file. A *migration* (``sql/migrations/NNNN_*.sql``) is applied once, in its own
transaction, and never changes afterwards. An *object* (``sql/functions``, ``sql/views``,
``sql/roles``) is applied again whenever its text changed. See ``docs/decisions`` for why this is
not Alembic.
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from ioc_analytics.database.locks import advisory_lock
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import InvalidInput, MigrationError

PLATFORM = "platform"
OBJECTS = "object"
_OBJECT_FOLDERS = ("functions", "views", "roles")


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


@dataclass(frozen=True, slots=True)
class Applied:
    """One line of the history: which file was applied when, and how long it took (seconds)."""

    history: str
    name: str
    checksum: str
    applied_at: datetime
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the record ready for JSON."""
        return {
            "history": self.history,
            "name": self.name,
            "checksum": self.checksum,
            "applied_at": self.applied_at.isoformat(),
            "seconds": self.seconds,
        }


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """What would be applied, in order. Nothing has been touched."""

    pending: tuple[Script, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the schema is up to date."""
        return not self.pending

    def to_dict(self) -> dict[str, Any]:
        """Return the record ready for JSON."""
        return {"pending": [f"{script.history}/{script.name}" for script in self.pending]}


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


def read_history(connection: psycopg.Connection[Any]) -> list[Applied]:
    """Return everything that was applied, oldest first; empty before the first migration."""
    found = connection.execute("SELECT to_regclass('internal.schema_history')").fetchone()
    if found is None or found[0] is None:
        return []
    with connection.cursor(row_factory=class_row(Applied)) as cursor:
        return cursor.execute(sqlfiles.query("schema/history")).fetchall()


def plan(
    connection: psycopg.Connection[Any], scripts: Sequence[Script] | None = None
) -> MigrationPlan:
    """Return what has to be applied to bring the database up to date.

    Args:
        connection: A connection of the owner.
        scripts: A user's own migrations; without them, the platform's.

    Raises:
        MigrationError: An applied migration was changed afterwards, or the database was
            migrated by a newer release than this one.
    """
    applied = {(row.history, row.name): row.checksum for row in read_history(connection)}
    if scripts is not None:
        return MigrationPlan(_pending_once(scripts, applied))
    migrations = _pending_once(platform_scripts(), applied)
    known = {script.name for script in platform_scripts()}
    newer = sorted(name for history, name in applied if history == PLATFORM and name not in known)
    if newer:
        raise MigrationError(
            f"the database was migrated by a newer release (it has {newer[-1]}); "
            "upgrade this installation"
        )
    objects = [
        script
        for script in object_scripts()
        if applied.get((OBJECTS, script.name)) != script.checksum
    ]
    if migrations or objects:
        # Grants are lost with an object that is made again, and cheap to repeat.
        objects = [s for s in objects if not s.name.startswith("roles/")]
        objects += [s for s in object_scripts() if s.name.startswith("roles/")]
    return MigrationPlan((*migrations, *objects))


def migrate(
    connection: psycopg.Connection[Any], scripts: Sequence[Script] | None = None
) -> list[str]:
    """Apply what is pending and return the names of what was applied.

    Each file is one transaction together with its line in the history, so a run that was killed
    goes on where it stopped. Two runs at once: the second waits, then finds nothing to do.

    Args:
        connection: A connection of the owner, in autocommit mode.
        scripts: A user's own migrations; without them, the platform's.

    Raises:
        MigrationError: A file failed (its name and the server's message are given), or the
            history contradicts the files.
    """
    with advisory_lock(connection, "schema.migrate"):
        _execute(connection, sqlfiles.read_text("migrations/0000_history.sql"))
        pending = plan(connection, scripts).pending
        for script in pending:
            with connection.transaction():
                _apply(connection, script)
        if pending:
            _record_snapshot(connection)
    return [script.name for script in pending]


def find_drift(connection: psycopg.Connection[Any]) -> list[str]:
    """Return what differs from the schema that the last migration left.

    Returns:
        Lines such as ``"missing: index ..."`` and ``"added: column ..."``; empty without drift.
    """
    expected = {row[0] for row in connection.execute("SELECT line FROM internal.schema_snapshot")}
    found = set(_catalogue(connection))
    return [f"missing: {line}" for line in sorted(expected - found)] + [
        f"added: {line}" for line in sorted(found - expected)
    ]


def _pending_once(
    scripts: Sequence[Script], applied: dict[tuple[str, str], str]
) -> tuple[Script, ...]:
    for script in scripts:
        checksum = applied.get((script.history, script.name))
        if checksum not in (None, script.checksum):
            raise MigrationError(
                f"{script.name} was changed after it had been applied; "
                "put the old text back and write a new migration"
            )
    return tuple(s for s in scripts if (s.history, s.name) not in applied)


def _apply(connection: psycopg.Connection[Any], script: Script) -> None:
    started = time.monotonic()
    if script.name.startswith("views/mv_"):
        # Unlike a plain view, a materialized one cannot be replaced in place.
        view = sql.Identifier("analytics", Path(script.name).stem)
        connection.execute(sql.SQL("DROP MATERIALIZED VIEW IF EXISTS {}").format(view))
    try:
        _execute(connection, script.text)
    except psycopg.Error as error:
        raise MigrationError(f"{script.history} migration {script.name} failed: {error}") from error
    connection.execute(
        sqlfiles.query("schema/record_applied"),
        {
            "history": script.history,
            "name": script.name,
            "checksum": script.checksum,
            "seconds": time.monotonic() - started,
        },
    )


def _execute(connection: psycopg.Connection[Any], text: str) -> None:
    # Without parameters the text goes to the server as it is, several statements at once.
    connection.execute(text.encode())


def _catalogue(connection: psycopg.Connection[Any]) -> Iterator[str]:
    # Unqualified names in definitions depend on the search path: an empty one gives full names.
    with connection.transaction():
        connection.execute("SET LOCAL search_path = ''")
        for (line,) in connection.execute(sqlfiles.query("schema/catalogue")).fetchall():
            yield line


def _record_snapshot(connection: psycopg.Connection[Any]) -> None:
    lines = sorted(set(_catalogue(connection)))
    with connection.transaction():
        connection.execute("DELETE FROM internal.schema_snapshot")
        connection.execute(
            "INSERT INTO internal.schema_snapshot (line) SELECT unnest(%s::text[])", (lines,)
        )
