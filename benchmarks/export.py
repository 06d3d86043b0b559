"""Exports beside psql's copy of the same rows, and their memory, in one run."""

import os
import subprocess
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmarks.measuring import Row, compare, seconds, show, throwaway_platform
from ioc_analytics import AnalyticsSystem
from ioc_analytics.database.binaries import find_binaries
from ioc_analytics.query.export_formats import XLSX_MAX_ROWS

_LARGE = ("csv", "parquet")
_STATEMENT = (
    "SELECT response_hash, dimension, score, created_at, scoring_version "
    "FROM anonymized_assessment_scores"
)
_FILL = """
INSERT INTO analytics.anonymized_assessment_scores
    (assessment_hash, response_hash, created_at, score, batch_id, dimension, scoring_version)
SELECT
    md5((n / 500)::text)::uuid, md5(n::text)::uuid,
    (date_trunc('month', now()) + n %% 2000000 * interval '1 second'), n %% 101, 1, d, 'v1'
FROM generate_series(1, %s) AS n, unnest(enum_range(NULL::analytics.ocean_dimension)) AS d
"""


def run(size: int | None, rounds: int) -> None:
    """Measure on a million rows and on ten million, or on ``size``."""
    shown: list[Row] = []
    for rows in (size,) if size else (1_000_000, 10_000_000):
        # A sheet takes a million rows; beyond that, what people export is csv or parquet.
        forms = ("csv", "jsonl", "parquet", "arrow") if rows <= XLSX_MAX_ROWS else _LARGE
        shown += _measure(rows, forms, rounds)
    show("export_data", shown)


def _measure(rows: int, forms: Sequence[str], rounds: int) -> list[Row]:
    shown: list[Row] = []
    with throwaway_platform() as system, TemporaryDirectory() as folder:
        with system.database.connection("ingest") as connection:
            connection.execute(_FILL, (rows // 5,))
        with system.database.connection("owner") as connection:
            connection.execute("ANALYZE analytics.anonymized_assessment_scores")
        for form in forms:
            ours, theirs, ratio = compare(
                partial(_export_seconds, system, form),
                lambda: seconds(lambda: _copy(system, Path(folder, "copy.csv"))),
                rounds,
            )
            figure = (
                f"{rows / ours / 1000:.0f} k/s, psql {rows / theirs / 1000:.0f} k/s, {ratio:.2f}"
            )
            shown.append((f"{form}, {rows:,} rows", figure, ">= 0.5 of psql \\copy"))
        for form in (*forms, "xlsx") if rows <= XLSX_MAX_ROWS else forms:
            figure = f"{_memory(system, form):.0f} MB"
            shown.append((f"memory above idle, {form}, {rows:,} rows", figure, "<= 200 MB"))
    return shown


def _export_seconds(system: AnalyticsSystem, form: str) -> float:
    return seconds(lambda: _export(system, form))


def _export(system: AnalyticsSystem, form: str) -> None:
    system.export_data(_STATEMENT, (), form, {"filename": f"bench.{form}"})


def _copy(system: AnalyticsSystem, target: Path) -> None:
    psql = find_binaries(system.config.pg_bin).folder / "psql"
    command = f"\\copy ({_STATEMENT}) TO '{target}' CSV HEADER"
    connection = system.database.conninfo("query")
    subprocess.run([psql, connection, "-qc", command], check=True)


def _memory(system: AnalyticsSystem, form: str) -> float:
    process = psutil.Process(os.getpid())
    idle, peak, done = process.memory_info().rss, 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.02):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    _export(system, form)
    done.set()
    watcher.join()
    return (max(peak, idle) - idle) / 1e6
