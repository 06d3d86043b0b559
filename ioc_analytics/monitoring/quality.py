"""The quality of what is stored: promises and customs, evaluated together and kept.

For: ``evaluate_quality`` and the data quality score. Not for: what blocks a job
(``monitoring.integrity``, whose promises are evaluated here too), or repairing.

A check that reads rows looks at the newest month that has any, as the promises do.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import psycopg
import pyarrow as pa
from psycopg.types.json import Jsonb

from ioc_analytics.database.pools import Database
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.monitoring.drift import compare_reliability
from ioc_analytics.monitoring.integrity import PROMISES, Finding
from ioc_analytics.monitoring.limits import limits_of
from ioc_analytics.monitoring.server import read_all, read_one
from ioc_analytics.privacy.detector import find_identifiable
from ioc_analytics.records.answers import to_json
from ioc_analytics.records.quality import (
    CARELESS_SHARE,
    CHECKS,
    DISAGREEING_SHARE,
    PastResult,
    QualityCheck,
    QualityEvaluation,
    QualityResult,
)
from ioc_analytics.records.vocabularies import (
    AGE_BANDS,
    DEVICES,
    GENDERS,
    REGIONS,
    RESPONSE_STATUSES,
)
from ioc_analytics.states.reading import snapshot

MISSING_CHANGE: Final = 0.2
"""How far the share of a column's missing values may move from one month to the months before."""

VOLUME_FACTOR: Final = 10
"""How many times larger or smaller than the usual batch the newest may be."""

_FEWEST_BATCHES: Final = 5
_FEWEST_RESPONSES: Final = 30

Connection = psycopg.Connection[Any]


def evaluate_quality(database: Database) -> QualityEvaluation:
    """Look at every check, each in one snapshot, and keep the results together."""
    with database.connection("ingest") as connection:
        results = []
        for name, check in CHECKS.items():
            with snapshot(connection):
                found = _LOOKS[name](connection, database.config)
            results.append(_result(name, check, found))
        made = QualityEvaluation(utc_now(), tuple(results))
        # Together: one moment for all of them.
        _record(connection, made.measured_at, results)
    return made


def keep_finding(connection: Connection, found: Finding) -> None:
    """Keep what was found of one check: it counts in the score, and may block what lies behind."""
    _record(connection, utc_now(), [_result(found.name, CHECKS[found.name], found)])


def read_history(
    connection: Connection, names: Sequence[str], number: int
) -> dict[str, tuple[PastResult, ...]]:
    """Return the newest results of some checks, the newest first."""
    found: dict[str, list[PastResult]] = {name: [] for name in names}
    tables = [CHECKS[name].table for name in names]
    wanted = {"names": list(names), "tables": tables, "number": number}
    for row in read_all(connection, "check_history", wanted):
        found[row.pop("name")].append(PastResult(**row))
    return {name: tuple(results) for name, results in found.items()}


def _result(name: str, check: QualityCheck, found: Finding) -> QualityResult:
    return QualityResult(
        name=name,
        table=check.table,
        severity=check.severity,
        passed=found.passed,
        checked=found.checked,
        faults=found.faults,
        threshold=check.threshold,
        summary=found.summary,
        sample=found.sample,
    )


def _record(
    connection: Connection, measured_at: datetime, results: Iterable[QualityResult]
) -> None:
    rows = [
        {
            "measured_at": measured_at,
            "table_name": one.table,
            "check_name": one.name,
            "passed": one.passed,
            "severity": one.severity,
            "score": one.score,
            "details": Jsonb(
                {
                    "checked": one.checked,
                    "faults": one.faults,
                    "threshold": one.threshold,
                    "summary": one.summary,
                    "sample": to_json(one.sample),
                }
            ),
        }
        for one in results
    ]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(sqlfiles.query("monitoring/record_quality"), rows)


def _promise(name: str) -> Callable[[Connection, AnalyticsConfig], Finding]:
    return lambda connection, config: PROMISES[name](connection)


def _ranges(connection: Connection, config: AnalyticsConfig) -> Finding:
    found = dict(read_one(connection, "values_out_of_range"))
    checked = found.pop("checked")
    return _counted("values_in_range", checked, found, "values outside their range")


def _categories(connection: Connection, config: AnalyticsConfig) -> Finding:
    words = {
        "regions": list(REGIONS),
        "age_bands": list(AGE_BANDS),
        "genders": list(GENDERS),
        "devices": list(DEVICES),
        "statuses": list(RESPONSE_STATUSES),
    }
    found = dict(read_one(connection, "unknown_categories", words))
    checked = found.pop("checked")
    return _counted("categories_known", checked, found, "words outside their closed list")


def _counted(name: str, checked: int, found: Mapping[str, int], what: str) -> Finding:
    faults = sum(found.values())
    sample = tuple({"fault": key, "records": count} for key, count in found.items() if count)
    summary = f"{checked} responses of the newest month looked at, {faults} {what}"
    return Finding(name, not faults, checked, faults, summary, sample)


def _missing(connection: Connection, config: AnalyticsConfig) -> Finding:
    name = "missing_as_before"
    rows = [
        row
        for row in read_all(connection, "missing_values")
        if min(row["newest_responses"], row["earlier_responses"]) >= _FEWEST_RESPONSES
    ]
    if not rows:
        return Finding(name, True, 0, 0, "no two months have enough responses to compare")
    faults = [row for row in rows if abs(row["newest"] - row["earlier"]) > MISSING_CHANGE]
    named = ", ".join(row["column_name"] for row in faults) or "none"
    summary = f"columns whose share of missing values moved by over {MISSING_CHANGE:.0%}: {named}"
    return Finding(name, not faults, len(rows), len(faults), summary, tuple(rows))


def _volume(connection: Connection, config: AnalyticsConfig) -> Finding:
    name = "volume_as_before"
    found = read_one(connection, "batch_volumes")
    if found["earlier_batches"] < _FEWEST_BATCHES:
        return Finding(name, True, 0, 0, f"fewer than {_FEWEST_BATCHES} batches to compare with")
    newest, usual = found["newest"], found["usual"]
    passed = usual / VOLUME_FACTOR <= newest <= usual * VOLUME_FACTOR
    summary = f"the newest batch has {newest:.0f} accepted records, the usual one {usual:.0f}"
    return Finding(name, passed, 1, int(not passed), summary, (found,))


def _careless(connection: Connection, config: AnalyticsConfig) -> Finding:
    found = read_one(connection, "careless")
    passed = _is_below(found["careless"], found["checked"], CARELESS_SHARE)
    summary = f"{found['careless']} of {found['checked']} completed responses are careless"
    return Finding("careless_few", passed, found["checked"], found["careless"], summary)


def _agreement(connection: Connection, config: AnalyticsConfig) -> Finding:
    found = read_one(connection, "ai_disagreement")
    passed = _is_below(found["disagreements"], found["checked"], DISAGREEING_SHARE)
    summary = f"the AI raters disagree on {found['disagreements']} of {found['checked']} scores"
    return Finding("ai_raters_agree", passed, found["checked"], found["disagreements"], summary)


def _is_below(faults: int, checked: int, share: float) -> bool:
    return checked < _FEWEST_RESPONSES or faults <= share * checked


def _identifiable(connection: Connection, config: AnalyticsConfig) -> Finding:
    """Run the detector over every distinct text; the sample names columns, never texts."""
    rows = read_all(connection, "stored_texts")
    found = find_identifiable(pa.array([row["value"] for row in rows], pa.string())).to_pylist()
    faults = [
        {"column": row["column_name"], "kind": str(kind)}
        for row, kind in zip(rows, found, strict=True)
        if kind
    ]
    summary = f"{len(rows)} distinct texts searched, {len(faults)} could identify somebody"
    sample = tuple(faults[:10])
    return Finding("nothing_identifiable", not faults, len(rows), len(faults), summary, sample)


def _partitions(connection: Connection, config: AnalyticsConfig) -> Finding:
    months = read_one(connection, "platform")["runway_months"]
    passed = months >= limits_of(config).degraded("platform", "runway_months")
    summary = f"partitions are made for {months:.0f} more months"
    return Finding("partitions_premade", passed, 1, int(not passed), summary)


def _freshness(connection: Connection, config: AnalyticsConfig) -> Finding:
    age = read_one(connection, "platform")["batch_age_hours"]
    if age is None:
        return Finding("fresh", True, 0, 0, "nothing has been loaded yet")
    passed = age <= limits_of(config).degraded("platform", "batch_age_hours")
    return Finding("fresh", passed, 1, int(not passed), f"the newest batch is {age:.0f} hours old")


def _refreshed(connection: Connection, config: AnalyticsConfig) -> Finding:
    """Look at the oldest mark: a refresh that is stuck leaves released figures behind the rows."""
    found = read_one(connection, "platform")
    minutes, days = found["refresh_lag_minutes"], int(found["touched_days"])
    passed = minutes <= config.alerts.limits.refresh_lag_minutes
    summary = f"{days} days wait to be released again, the longest for {minutes:.0f} minutes"
    return Finding("released_in_time", passed, 1, int(not passed), summary)


def _views(connection: Connection, config: AnalyticsConfig) -> Finding:
    rows = []
    for one in read_all(connection, "view_comparisons"):
        # The statement is the server's own text of the view, in a frame of this project's.
        found = connection.execute(one["statement"].encode()).fetchone() or (0, 0)
        rows.append({"view": one["view_name"], "rows": found[0], "differences": found[1]})
    checked, faults = (sum(row[name] for row in rows) for name in ("rows", "differences"))
    summary = f"{checked} rows of {len(rows)} views compared with their statements, {faults} differ"
    return Finding("views_equal_tables", not faults, checked, faults, summary, tuple(rows))


def _reliability(connection: Connection, config: AnalyticsConfig) -> Finding:
    return compare_reliability(connection)


def _backup(connection: Connection, config: AnalyticsConfig) -> Finding:
    name = "backup_drilled"
    if not config.enable_backups:
        return Finding(name, True, 0, 0, "backups are switched off (ANALYTICS_ENABLE_BACKUPS)")
    found = read_one(connection, "drilled_backup")
    limit = limits_of(config).degraded("platform", "backup_age_hours")
    age = found["backup_age_hours"]
    if age is None:
        passed = found["installed_age_hours"] < limit
        return Finding(name, passed, 1, int(not passed), "no backup has been drilled yet")
    passed = age <= limit
    summary = f"the newest drilled backup is {age:.0f} hours old"
    return Finding(name, passed, 1, int(not passed), summary)


_LOOKS: Final[Mapping[str, Callable[[Connection, AnalyticsConfig], Finding]]] = {
    **{name: _promise(name) for name in PROMISES},
    "nothing_identifiable": _identifiable,
    "values_in_range": _ranges,
    "categories_known": _categories,
    "partitions_premade": _partitions,
    "backup_drilled": _backup,
    "fresh": _freshness,
    "released_in_time": _refreshed,
    "views_equal_tables": _views,
    "reliable_as_before": _reliability,
    "volume_as_before": _volume,
    "missing_as_before": _missing,
    "careless_few": _careless,
    "ai_raters_agree": _agreement,
}
