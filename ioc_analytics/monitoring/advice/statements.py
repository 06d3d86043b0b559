"""Advice on slow statements: which, how they are planned, and which index would help.

For: ``monitoring.advice``. Not for: reading plans (``monitoring.advice.plans``), or how long the
questions of this process took (``query.counters``).

Statements come from ``pg_stat_statements``, with their constants replaced, where the server has it.
An index is proposed where a slow statement scans a table for few of its rows. With HypoPG in the
database it is tried: made in mind only, and proposed if the planner's cost halves.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from ioc_analytics.database.logins import maintenance_connection
from ioc_analytics.database.pools import Database
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.monitoring.advice.ledger import HOLDS
from ioc_analytics.monitoring.advice.plans import Scan, by_table, filtered_scans, index_columns
from ioc_analytics.monitoring.advice.tables import facts as object_facts
from ioc_analytics.monitoring.advice.texts import without_comments
from ioc_analytics.monitoring.server import read_all
from ioc_analytics.records.advice import Advice

SLOW_MILLISECONDS: Final = 500.0
"""Mean time from which a statement is slow."""

FEWEST_CALLS: Final = 5
MOST_STATEMENTS: Final = 5
FEWEST_ROWS: Final = 10_000
"""Rows of a table below which a scan is as good as an index."""

MOST_SELECTED: Final = 0.05
"""Share of the rows that a scan may keep for an index to be proposed untried."""

LEAST_SAVED: Final = 0.5
"""Share of the planner's cost that a tried index must save."""

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class _Index:
    """An index that would help, with what speaks for it."""

    definition: str
    evidence: Mapping[str, Any]


def slow_statements(database: Database) -> Iterator[Advice]:
    """Return advice on the slowest statements of people and their tools, with plan and index."""
    for row in _statements(database):
        with database.connection("analyst") as connection:
            lines, index = _looked_into(connection, row["query"])
        seconds = row["calls"] * row["mean_milliseconds"] / 1000
        subject = str(row.pop("query_id"))
        evidence = {**row, "plan": lines}
        if index is None:
            yield Advice(
                "low",
                "statements",
                "Ask for less, or for a released table: no index was found that helps",
                f"{seconds:,.0f} s of the server's time in {row['calls']:,} calls",
                "at leisure",
                evidence,
                measure="mean_milliseconds",
                subject=subject,
            )
        else:
            yield Advice(
                "medium",
                "statements",
                index.definition,
                f"{seconds:,.0f} s of the server's time in {row['calls']:,} calls so far",
                "at a quiet hour",
                {**evidence, **index.evidence},
                measure="mean_milliseconds",
                subject=subject,
                lever="index_count",
            )


def facts(database: Database, subject: str, evidence: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the mean time since an advice was given, and the indexes that its table has now.

    None where the server keeps no statistics now, so that nobody can tell.
    """
    answer = _ask(database, "statement", {"query_id": int(subject)})
    if answer is None:
        return None
    with database.connection("ingest") as connection:
        found = object_facts(connection, subject="", evidence=evidence)
    if not answer:
        return found
    (now,) = answer
    # Fewer calls than then: the statistics were put to zero since.
    is_same = now["calls"] >= evidence["calls"]
    calls = now["calls"] - (evidence["calls"] if is_same else 0)
    spent = now["total_milliseconds"] - (evidence["total_milliseconds"] if is_same else 0)
    mean = spent / calls if calls > 0 else None
    # Others may be slower; this one ends by its own time alone.
    holds = mean is None or mean >= SLOW_MILLISECONDS
    return {**found, "mean_milliseconds": mean, HOLDS: holds}


def _statements(database: Database) -> list[dict[str, Any]]:
    limits = {"slow": SLOW_MILLISECONDS, "calls": FEWEST_CALLS, "most": MOST_STATEMENTS}
    found = _ask(database, "slow_statements", limits) or []
    return [{**row, "query": without_comments(row["query"])} for row in found]


def _ask(
    database: Database, name: str, parameters: Mapping[str, Any]
) -> list[dict[str, Any]] | None:
    """Ask the server's statistics on statements; None where it keeps none."""
    with _statistics(database) as connection:
        schema = _schema_of(connection, "pg_stat_statements")
        if schema is None:
            return None
        with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute("SELECT set_config('search_path', quote_ident(%s), true)", [schema])
            whole = {**parameters, "database": database.address.database}
            try:
                return cursor.execute(sqlfiles.query(f"extensions/{name}"), whole).fetchall()
            except psycopg.errors.ObjectNotInPrerequisiteState:
                return None  # Made in the database, but the server was not started with it.


@contextmanager
def _statistics(database: Database) -> Iterator[Connection]:
    """Lend a connection to where the statistics are: the embedded server keeps them apart."""
    if database.lease is not None:
        with maintenance_connection(database.address) as connection:
            yield connection
    else:
        with database.connection("ingest") as connection:
            yield connection


def _schema_of(connection: Connection, extension: str) -> str | None:
    row = connection.execute(
        "SELECT n.nspname FROM pg_extension AS e"
        " INNER JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = %s",
        [extension],
    ).fetchone()
    return None if row is None else str(row[0])


def _looked_into(connection: Connection, query: str) -> tuple[list[str], _Index | None]:
    """Return the plan as lines, and the index that would help; nothing if it cannot be planned."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
            connection.execute(sql.SQL("PREPARE looked_into AS {}").format(sql.SQL(query)))
            try:
                lines = [line for (line,) in _explain(connection, query, "COSTS")]
                return lines, _helpful_index(connection, query)
            finally:
                connection.execute("DEALLOCATE looked_into")
    except psycopg.Error:
        # Tables that the analyst may not read, or a text that was cut off.
        return [], None


def _explain(connection: Connection, query: str, options: str) -> list[tuple[Any, ...]]:
    number = max((int(n) for n in re.findall(r"\$(\d+)", query)), default=0)
    call = f"({', '.join(['NULL'] * number)})" if number else ""
    return connection.execute(f"EXPLAIN ({options}) EXECUTE looked_into{call}".encode()).fetchall()


def _plan(connection: Connection, query: str) -> Mapping[str, Any]:
    ((found,),) = _explain(connection, query, "VERBOSE, FORMAT JSON")
    plan: Mapping[str, Any] = found[0]["Plan"]
    return plan


def _helpful_index(connection: Connection, query: str) -> _Index | None:
    plan = _plan(connection, query)
    scans = list(filtered_scans(plan))
    tables = read_all(connection, "scanned_tables", {"names": [scan.relation for scan in scans]})
    parents = {row["relation"]: row["table_name"] for row in tables}
    whole = float(plan["Total Cost"])
    for table, own in sorted(
        by_table(scans, parents).items(), key=lambda item: -sum(scan.cost for scan in item[1])
    ):
        facts_of = [row for row in tables if row["table_name"] == table]
        rows = sum(row["rows"] for row in facts_of)
        columns = index_columns(own[0].condition, facts_of[0]["columns"])
        if not columns or rows < FEWEST_ROWS:
            continue
        evidence = {
            "table_name": table,
            "rows": rows,
            "planned_cost": whole,
            "index_count": facts_of[0]["index_count"],
        }
        names = ", ".join(columns)
        schema = _schema_of(connection, "hypopg")
        if schema is not None:
            after = _cost_with(connection, query, schema, own, names)
            if after <= (1 - LEAST_SAVED) * whole:
                return _Index(
                    f"CREATE INDEX ON {table} ({names})", {**evidence, "cost_with_index": after}
                )
        elif sum(scan.rows for scan in own) <= MOST_SELECTED * rows and (
            sum(scan.cost for scan in own) >= LEAST_SAVED * whole
        ):
            return _Index(
                f"Try CREATE INDEX ON {table} ({names})",
                {**evidence, "tried": "no: HypoPG is not in the database"},
            )
    return None


def _cost_with(
    connection: Connection, query: str, schema: str, scans: list[Scan], columns: str
) -> float:
    name = sql.Identifier(schema, "hypopg_create_index")
    for relation in {scan.relation for scan in scans}:
        connection.execute(
            sql.SQL("SELECT {}(%s)").format(name), [f"CREATE INDEX ON {relation} ({columns})"]
        )
    # A prepared statement is planned again only when it is told that something changed.
    connection.execute("DEALLOCATE looked_into")
    connection.execute(sql.SQL("PREPARE looked_into AS {}").format(sql.SQL(query)))
    try:
        return float(_plan(connection, query)["Total Cost"])
    finally:
        connection.execute(sql.SQL("SELECT {}()").format(sql.Identifier(schema, "hypopg_reset")))
