"""What was advised, whether it was followed, and what that changed.

For: ``monitoring.advice``. Not for: finding advice (the topics beside this module).

An advice counts as followed when its *lever* has changed: the index is gone, ``max_connections`` is
another one. It ends when its evidence no longer holds, whoever made that so. From then on its
figure is compared with the one when it was first given.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.monitoring.server import read_all
from ioc_analytics.records.advice import Advice, PastAdvice
from ioc_analytics.records.answers import to_json

Connection = psycopg.Connection[Any]
Facts = Callable[[str, str, Mapping[str, Any]], Mapping[str, Any] | None]
"""Topic, subject and evidence of an advice to the same figures as they are now; None: unknown."""

HOLDS: Final = "holds"
"""Fact that an advice still holds although it is not among those that are given now."""


def open_advice(connection: Connection) -> list[dict[str, Any]]:
    """Return the advice that held at the last look."""
    return read_all(connection, "open_advice")


def remember(
    connection: Connection,
    open_before: Sequence[Mapping[str, Any]],
    found: Sequence[Advice],
    facts: Facts,
) -> None:
    """Keep what is advised now, and judge what was advised before.

    Args:
        connection: A connection that may write.
        open_before: What :func:`open_advice` returned.
        found: Everything that is advised now.
        facts: Looks up the figures of an earlier advice.
    """
    holding = {(one.topic, one.subject) for one in found}
    for row in open_before:
        now = facts(row["topic"], row["subject"], row["evidence"])
        if now is None:
            continue
        lever = row["lever"]
        verdict = {
            "id": row["id"],
            "is_taken": bool(lever) and to_json(now.get(lever)) != row["evidence"].get(lever),
            "is_ended": (row["topic"], row["subject"]) not in holding and not now.get(HOLDS),
            "value": now.get(row["measure"]),
        }
        connection.execute(sqlfiles.query("monitoring/judge_advice"), verdict)
    for one in found:
        given = {
            "topic": one.topic,
            "subject": one.subject,
            "description": one.description,
            "measure": one.measure,
            "lever": one.lever,
            "evidence": Jsonb(one.to_dict()["evidence"]),
            "value": one.evidence.get(one.measure),
        }
        connection.execute(sqlfiles.query("monitoring/remember_advice"), given)


def review(connection: Connection) -> list[PastAdvice]:
    """Return what was advised, the newest first."""
    with connection.cursor(row_factory=class_row(PastAdvice)) as cursor:
        return cursor.execute(sqlfiles.query("monitoring/past_advice")).fetchall()
