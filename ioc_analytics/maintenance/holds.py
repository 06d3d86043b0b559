"""Legal holds: placed, released, listed.

For: retention, which keeps what they cover. Not for: erasure, which a hold does not stop by itself.
"""

from datetime import date
from typing import Any, Final

import psycopg
from psycopg.rows import class_row

from ioc_analytics.database.locks import transaction_lock
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.records.retention import TIERS, LegalHold

RETENTION_LOCK: Final = "retention"
"""Held while a plan is carried out."""


def place_hold(
    connection: psycopg.Connection[Any],
    reason: str,
    actor: str,
    *,
    tier: str | None = None,
    start: date | None = None,
    end: date | None = None,
) -> LegalHold:
    """Keep what a tier holds of ``[start, end)`` from going.

    Args:
        connection: A connection of the ingesting role.
        reason: Why: a case number, not a person.
        actor: Who asks.
        tier: One of ``TIERS``; None: everything.
        start: First UTC day; None: from the beginning.
        end: First UTC day after; None: for all time.

    Raises:
        InvalidInput: There is no such tier, no reason, or the period is empty.
    """
    if not reason.strip():
        raise InvalidInput("a legal hold needs a reason, such as the number of the case")
    if tier is not None and tier not in TIERS:
        raise InvalidInput(
            f"there is no tier {tier!r}{did_you_mean(tier, TIERS)}; tiers are {', '.join(TIERS)}"
        )
    if start is not None and end is not None and end <= start:
        raise InvalidInput(f"the hold would end on {end}, before it starts on {start}")
    parameters = {"reason": reason, "tier": tier, "start": start, "end": end, "placed_by": actor}
    # A plan that is being carried out does not know the hold: it is waited for.
    transaction_lock(connection, RETENTION_LOCK)
    with connection.cursor(row_factory=class_row(LegalHold)) as cursor:
        (hold,) = cursor.execute(sqlfiles.query("maintenance/retention_hold"), parameters)
    return hold


def release_hold(connection: psycopg.Connection[Any], hold_id: int, actor: str) -> LegalHold:
    """End a legal hold.

    Raises:
        InvalidInput: There is no such hold in force.
    """
    with connection.cursor(row_factory=class_row(LegalHold)) as cursor:
        hold = cursor.execute(
            sqlfiles.query("maintenance/retention_release"), {"id": hold_id, "released_by": actor}
        ).fetchone()
    if hold is None:
        raise InvalidInput(
            f"there is no legal hold {hold_id} in force; `retention list` shows those there are"
        )
    return hold


def read_holds(
    connection: psycopg.Connection[Any], *, has_released: bool = False
) -> tuple[LegalHold, ...]:
    """Return the legal holds in force, the oldest first.

    Args:
        connection: A connection that may read them.
        has_released: Return released ones too.
    """
    with connection.cursor(row_factory=class_row(LegalHold)) as cursor:
        return tuple(
            cursor.execute(
                sqlfiles.query("maintenance/retention_holds"), {"has_released": has_released}
            )
        )
