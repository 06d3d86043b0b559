"""What pending migrations will do to a database in use: locks, rewrites, and about how long.

For: ``migrate check``. Not for: applying them (``schema.migrations``).

Two sources: what the author wrote in the head of the file, and what the statements say. Only tables
that exist already count; locks on a new table keep nobody waiting. What stands in a ``DO`` block or
a function is not looked into: there the head alone tells.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import psycopg

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.schema.migrations import read_history
from ioc_analytics.schema.scripts import OBJECTS, Script

SCAN_BYTES_PER_SECOND: Final = 200e6
REWRITE_BYTES_PER_SECOND: Final = 50e6
"""What a modest disk does: the estimate is an order of magnitude."""

_TOKEN: Final = re.compile(
    r"--[^\n]*|/\*.*?\*/|(?P<quote>\$\w*\$).*?(?P=quote)|'(?:[^']|'')*'|;|[^;$'/-]+|.", re.DOTALL
)
_NAME: Final = r'(?P<table>"?\w+"?(?:\."?\w+"?)?)'
_ONLY: Final = r"(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?"
_ALTER: Final = rf"ALTER TABLE\s+{_ONLY}{_NAME}\b"
_INDEX: Final = r"CREATE\s+(?:UNIQUE\s+)?INDEX"
_COMPUTED: Final = r"DEFAULT\s+\w+(?:\.\w+)?\s*\(|GENERATED\b|(?:big|small)?serial\b"

_ACCESS_EXCLUSIVE: Final = "ACCESS EXCLUSIVE: nobody reads or writes"
_SHARE_ROW: Final = "SHARE ROW EXCLUSIVE: nobody writes"
_SHARE: Final = "SHARE: nobody writes"
_SHARE_UPDATE: Final = "SHARE UPDATE EXCLUSIVE: reading and writing go on"
_ROW: Final = "ROW EXCLUSIVE: reading and writing go on"
_LOCKS: Final = (_ACCESS_EXCLUSIVE, _SHARE_ROW, _SHARE, _SHARE_UPDATE, _ROW)

REWRITE: Final = "rewrite"
SCAN: Final = "scan"
MOMENT: Final = "moment"
_WORKS: Final = (REWRITE, SCAN, MOMENT)

_RULES: Final[Sequence[tuple[re.Pattern[str], str, str]]] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), lock, work)
    for pattern, lock, work in (
        (rf"{_ALTER}.*\bALTER\s+(?:COLUMN\s+)?\w+\s+.*\bTYPE\b", _ACCESS_EXCLUSIVE, REWRITE),
        (rf"{_ALTER}.*\bADD\b[^,]*\b(?:{_COMPUTED})", _ACCESS_EXCLUSIVE, REWRITE),
        (rf"{_ALTER}.*\bVALIDATE CONSTRAINT\b", _SHARE_UPDATE, SCAN),
        (
            rf"{_ALTER}(?!.*\bNOT VALID\b).*\bADD\s+(?:CONSTRAINT|PRIMARY|UNIQUE|CHECK|FOREIGN)\b",
            _ACCESS_EXCLUSIVE,
            SCAN,
        ),
        (rf"{_ALTER}.*\bSET NOT NULL\b", _ACCESS_EXCLUSIVE, SCAN),
        (_ALTER, _ACCESS_EXCLUSIVE, MOMENT),
        (rf"{_INDEX}\s+CONCURRENTLY\s+.*?\bON\s+{_ONLY}{_NAME}", _SHARE_UPDATE, SCAN),
        (rf"{_INDEX}\b.*?\bON\s+{_ONLY}{_NAME}", _SHARE, SCAN),
        (
            rf"CREATE\s+(?:OR REPLACE\s+)?(?:CONSTRAINT\s+)?TRIGGER\b.*?\bON\s+{_NAME}",
            _SHARE_ROW,
            MOMENT,
        ),
        (
            rf"(?:DROP\s+(?:TABLE|(?:MATERIALIZED )?VIEW)|TRUNCATE(?: TABLE)?)\s+{_ONLY}{_NAME}",
            _ACCESS_EXCLUSIVE,
            MOMENT,
        ),
        (rf"UPDATE\s+{_ONLY}{_NAME}\s+(?:AS\s+\w+\s+)?SET\b", _ROW, REWRITE),
        (rf"DELETE\s+FROM\s+{_ONLY}{_NAME}", _ROW, SCAN),
        (rf"CREATE\s+MATERIALIZED VIEW\s+{_ONLY}{_NAME}", _ACCESS_EXCLUSIVE, REWRITE),
    )
)
"""Kind of statement, its lock, and whether it rewrites or reads the table; the first one wins."""


@dataclass(frozen=True, slots=True)
class TableImpact:
    """What a migration does to one table that is in use."""

    table: str
    lock: str
    """Strongest that was found, with what others can do meanwhile."""

    work: str
    """``rewrite``, ``scan`` or ``moment``."""

    rows: int
    """Estimate of the server."""

    size_bytes: int


@dataclass(frozen=True, slots=True)
class MigrationImpact:
    """What one pending file would do."""

    name: str
    what: str
    locks: str
    """What its author says of locks; empty when the head says nothing."""

    way_back: str
    keeps_previous_release: bool
    """Whether the release before still runs once this is applied, as its author says."""

    tables: tuple[TableImpact, ...]
    estimated_seconds: float
    """From the size of the tables, or from how long the file took on this server before."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record ready for JSON."""
        return asdict(self)


def foresee(
    connection: psycopg.Connection[Any], scripts: Sequence[Script]
) -> tuple[MigrationImpact, ...]:
    """Return what pending files would do to the tables that exist, in their order.

    Args:
        connection: A connection of the owner.
        scripts: The pending files.
    """
    found = {script.name: list(_touched(script.text)) for script in scripts}
    names = sorted({table for touches in found.values() for table, _, _ in touches})
    sizes = {
        name: (rows, size_bytes)
        for name, rows, size_bytes in connection.execute(
            sqlfiles.query("schema/table_sizes"), {"names": names}
        )
    }
    before = {row.name: row.seconds for row in read_history(connection) if row.history == OBJECTS}
    return tuple(_impact(script, found[script.name], sizes, before) for script in scripts)


def statements(text: str) -> Iterator[str]:
    """Yield the statements of a file, without comments; quoted semicolons end nothing."""
    held: list[str] = []
    for match in _TOKEN.finditer(text):
        part = match[0]
        if part == ";":
            yield " ".join("".join(held).split())
            held = []
        elif not part.startswith(("--", "/*")):
            held.append("''" if match["quote"] else part)
    if "".join(held).strip():
        yield " ".join("".join(held).split())


def _touched(text: str) -> Iterator[tuple[str, str, str]]:
    for statement in statements(text):
        for pattern, lock, work in _RULES:
            match = pattern.match(statement)
            if match:
                yield match["table"].replace('"', ""), lock, work
                break


def _impact(
    script: Script,
    touches: Sequence[tuple[str, str, str]],
    sizes: Mapping[str, tuple[int, int]],
    before: Mapping[str, float],
) -> MigrationImpact:
    head = script.head
    tables = []
    seconds = 0.0
    for table in dict.fromkeys(table for table, _, _ in touches if table in sizes):
        own = [(lock, work) for name, lock, work in touches if name == table]
        rows, size_bytes = sizes[table]
        lock = min((lock for lock, _ in own), key=_LOCKS.index)
        work = min((work for _, work in own), key=_WORKS.index)
        tables.append(TableImpact(table, lock, work, rows, size_bytes))
        seconds += sum(_seconds(work, size_bytes) for _, work in own)
    return MigrationImpact(
        name=script.name,
        what=head.get("What", ""),
        locks=head.get("Locks", ""),
        way_back=head.get("Way back", ""),
        keeps_previous_release=script.keeps_previous_release,
        tables=tuple(tables),
        estimated_seconds=max(seconds, before.get(script.name, 0.0)),
    )


def _seconds(work: str, size_bytes: int) -> float:
    speed = {REWRITE: REWRITE_BYTES_PER_SECOND, SCAN: SCAN_BYTES_PER_SECOND}.get(work)
    return 0.0 if speed is None else size_bytes / speed
