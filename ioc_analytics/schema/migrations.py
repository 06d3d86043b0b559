"""Bringing a database to the schema that this code needs: plan, then apply, under a lock.

For: ``initialize()``, ``migrate`` and a user's own folder of plain SQL. Not for: partitions
(``schema.partitions``), roles and logins (``database.logins``).

Two kinds of file. A *migration* (``sql/migrations/NNNN_*.sql``) is applied once, in its own
transaction, and never changes afterwards. An *object* (``sql/functions``, ``sql/views``,
``sql/roles``) is applied again whenever its text changed. See ``docs/decisions`` for why this is
not Alembic.
"""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from ioc_analytics.database.locks import advisory_lock
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import MigrationError
from ioc_analytics.schema.scripts import (
    OBJECTS,
    PLATFORM,
    Script,
    object_scripts,
    platform_scripts,
)

LOCK_SECONDS: Final = 3
"""A migration that waits for a lock keeps everybody behind it waiting: it lets go after this."""

LOCK_ATTEMPTS: Final = 20


@dataclass(frozen=True, slots=True)
class Applied:
    """One line of the history: which file was applied when, and how long it took (seconds)."""

    history: str
    name: str
    checksum: str
    applied_at: datetime
    seconds: float
    release: str
    """That applied it; empty before releases were noted."""

    keeps_previous_release: bool
    """Whether the release before still runs after it, as its author promised."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record ready for JSON."""
        return {
            "history": self.history,
            "name": self.name,
            "checksum": self.checksum,
            "applied_at": self.applied_at.isoformat(),
            "seconds": self.seconds,
            "release": self.release,
            "keeps_previous_release": self.keeps_previous_release,
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

    A newer release may have been here. Where every migration of it promises that this one still
    runs, there is nothing to apply, and its objects stay; otherwise this release must not go on.

    Raises:
        MigrationError: An applied migration was changed afterwards, or the database was
            migrated by a newer release with which this one cannot run.
    """
    history = read_history(connection)
    applied = {(row.history, row.name): row.checksum for row in history}
    if scripts is not None:
        return MigrationPlan(_pending_once(scripts, applied))
    migrations = _pending_once(platform_scripts(), applied)
    _demand_promises(history)
    if any(_number(row.release) > _number(_release()) for row in history):
        return MigrationPlan(migrations)
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
            _apply_patiently(connection, script)
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


def _demand_promises(history: Sequence[Applied]) -> None:
    known = {script.name for script in platform_scripts()}
    newer = [row for row in history if row.history == PLATFORM and row.name not in known]
    for row in newer:
        if not row.keeps_previous_release:
            raise MigrationError(
                f"the database was migrated by a newer release (it has {row.name}, after which "
                "this one cannot run); upgrade this installation"
            )
    # Each promises for the release before it, and for no earlier one.
    releases = sorted({row.release for row in newer}, key=_number)
    if len(releases) > 1:
        raise MigrationError(
            f"the database was migrated by newer releases ({', '.join(releases)}), of which only "
            "the first promised that this one still runs; upgrade this installation"
        )


def _release() -> str:
    return version("ioc-analytics")


def _number(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", release)[:3])


def _apply_patiently(connection: psycopg.Connection[Any], script: Script) -> None:
    for attempt in range(1, LOCK_ATTEMPTS + 1):
        try:
            with connection.transaction():
                connection.execute(
                    sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(f"{LOCK_SECONDS}s"))
                )
                _apply(connection, script)
        except psycopg.errors.LockNotAvailable as error:
            if attempt == LOCK_ATTEMPTS:
                raise MigrationError(
                    f"{script.name} waited {LOCK_ATTEMPTS} times {LOCK_SECONDS} s for a lock that "
                    "another session holds; nothing of it was applied. End long transactions "
                    "(pg_stat_activity shows them), then run it again"
                ) from error
        else:
            return


def _apply(connection: psycopg.Connection[Any], script: Script) -> None:
    started = time.monotonic()
    if script.name.startswith("views/mv_"):
        # Unlike a plain view, a materialized one cannot be replaced in place.
        view = sql.Identifier("analytics", Path(script.name).stem)
        connection.execute(sql.SQL("DROP MATERIALIZED VIEW IF EXISTS {}").format(view))
    try:
        _execute(connection, script.text)
    except psycopg.errors.LockNotAvailable:
        raise
    except psycopg.Error as error:
        raise MigrationError(f"{script.history} migration {script.name} failed: {error}") from error
    connection.execute(
        sqlfiles.query("schema/record_applied"),
        {
            "history": script.history,
            "name": script.name,
            "checksum": script.checksum,
            "seconds": time.monotonic() - started,
            "release": _release(),
            "keeps_previous_release": script.keeps_previous_release,
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
