"""What Dagster's pages show about assets and runs: descriptions, figures, small tables.

For: assets and checks. Not for: measuring anything; all figures come in results of the platform.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, Final

import dagster as dg

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.answers import RefreshReceipt
from ioc_analytics.records.receipts import IngestReceipt

OWNERS: Final = ["team:analytics"]

_SHOWN_ROWS: Final = 50
"""Rows of a table in a page: all of them are drawn at once."""

_COMMENT: Final = re.compile(
    r"COMMENT ON (?:TABLE|MATERIALIZED VIEW) analytics\.(\w+) IS '((?:[^']|'')*)';"
)

Metadata = dict[str, Any]


@cache
def _comments() -> Mapping[str, str]:
    """Return the comments of tables and views: one description, in the database and here."""
    files = [
        *sqlfiles.sql_root().glob("migrations/*.sql"),
        *sqlfiles.sql_root().glob("views/*.sql"),
    ]
    texts = "".join(path.read_text(encoding="utf-8") for path in sorted(files))
    return {name: text.replace("''", "'") for name, text in _COMMENT.findall(texts)}


def description(table: str) -> str:
    """Return what a table or view is, from its comment."""
    return _comments()[table]


def table(rows: Sequence[Mapping[str, Any]]) -> dg.MetadataValue:
    """Return rows as a table, the first fifty of them; an empty one as a word."""
    if not rows:
        return dg.MetadataValue.text("none")
    records = [
        dg.TableRecord({name: _cell(value) for name, value in row.items()})
        for row in rows[:_SHOWN_ROWS]
    ]
    return dg.MetadataValue.table(records)


def receipt_metadata(receipt: IngestReceipt) -> Metadata:
    """Return what a run shows about a batch."""
    days = receipt.touched_days
    counts = [
        {
            "kind": kind,
            "received": one.received,
            "accepted": one.accepted,
            "duplicates": one.duplicates,
            "quarantined": one.quarantined,
        }
        for kind, one in receipt.by_kind.items()
    ]
    return {
        "batch": receipt.batch_id if receipt.batch_id is not None else "several",
        "records": receipt.records_processed,
        "accepted": receipt.accepted,
        "duplicates": receipt.duplicates,
        "quarantined": receipt.quarantined,
        "settled_from_quarantine": receipt.settled,
        "was_loaded_before": receipt.is_duplicate,
        "by_kind": table(counts),
        "quarantine_rules": table(_counted(receipt.quarantine, "rule")),
        "repairs": table(_counted(receipt.repairs, "repair")),
        "period": period(days),
        "touched_days": len(days),
        "seconds": receipt.duration_seconds,
        **({"warnings": "\n".join(receipt.warnings)} if receipt.warnings else {}),
    }


def refresh_metadata(receipt: RefreshReceipt, released_table: str) -> Metadata:
    """Return what a run shows about a refresh or rebuild of one released table."""
    return {
        "rows_released": receipt.released.get(released_table, 0),
        "months": len(receipt.months),
        "days_counted": len(receipt.days),
        "period": period(receipt.days),
        "seconds": receipt.duration_seconds,
    }


def period(days: Sequence[date]) -> str:
    """Return the first and last of some days in words."""
    return f"{min(days)} to {max(days)}" if days else "no day"


def _counted(counts: Mapping[str, int], name: str) -> list[dict[str, Any]]:
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return [{name: key, "records": count} for key, count in ordered]


def _cell(value: Any) -> str | int | float | bool | None:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
