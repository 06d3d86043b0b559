"""Advice on scaling, each on measured evidence; without evidence there is none.

For: ``get_scaling_recommendations``. Not for: doing it (``maintenance``), or trouble at this moment
(``monitoring.alerts``).
"""

from collections.abc import Mapping
from typing import Any, Final

from ioc_analytics.database.pools import Database
from ioc_analytics.monitoring.advice import capacity, ledger, statements, tables
from ioc_analytics.records.advice import Advice, PastAdvice, Priority

_ORDER: Final[tuple[Priority, ...]] = ("urgent", "high", "medium", "low")


def advise(database: Database) -> list[Advice]:
    """Return what would make the installation last longer or work better, the most urgent first.

    What is advised is remembered, so that it can be judged once it was followed.
    """
    config = database.config
    with database.connection("ingest") as connection:
        open_advice = ledger.open_advice(connection)
    # Outside: each of these borrows for itself, and a pool may hold one connection alone.
    slow = list(statements.slow_statements(database))
    since = {
        row["subject"]: statements.facts(database, row["subject"], row["evidence"])
        for row in open_advice
        if row["topic"] == "statements"
    }
    with database.connection("ingest") as connection:
        found = [
            *capacity.disk(connection, config, database.lease),
            *(one for topic in capacity.TOPICS for one in topic(connection, config)),
            *(one for topic in tables.TOPICS for one in topic(connection)),
            *slow,
        ]
        server = capacity.facts(connection, config, database.lease)

        def facts(
            topic: str, subject: str, evidence: Mapping[str, Any]
        ) -> Mapping[str, Any] | None:
            if topic == "statements":
                return since[subject]
            return tables.facts(connection, subject, evidence) if subject else server

        ledger.remember(connection, open_advice, found, facts)
    return sorted(found, key=lambda one: _ORDER.index(one.priority))


def review(database: Database) -> list[PastAdvice]:
    """Return what was advised before, with what became of its figure, the newest first."""
    with database.connection("ingest") as connection:
        return ledger.review(connection)


__all__ = ["advise", "review"]
