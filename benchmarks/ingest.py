"""Ingesting operational Parquet beside a bare COPY of the finished tables and dlt's CSV load."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from psycopg import sql

from benchmarks.measuring import (
    Row,
    compare,
    console,
    peer_python,
    seconds,
    show,
    throwaway_platform,
)
from ioc_analytics import AnalyticsSystem
from ioc_analytics.database.copying import copy_in
from ioc_analytics.privacy.keys import load_pseudonymizer
from ioc_analytics.synthetic.files import generate_files
from ioc_analytics.synthetic.generator import Order
from ioc_analytics.synthetic.population import REFERENCE

TABLES = (
    "anonymized_assessments",
    "anonymized_assessment_responses",
    "anonymized_question_responses",
    "anonymized_assessment_scores",
)
_CLEAR = (
    "TRUNCATE analytics.anonymized_assessments, analytics.anonymized_assessment_responses, "
    "analytics.anonymized_question_responses, analytics.anonymized_assessment_scores",
    "TRUNCATE internal.batches, internal.quarantine, internal.response_registry, "
    "internal.answer_vectors, internal.ai_validations, internal.touched_days CASCADE",
)
_TIMES_DLT: Mapping[Order, str] = {"random": "2.5", "time": "3"}
"""Goals by the order of the files."""
_BLOCK = 131_072
_MEASURE_MEMORY = """
import sys
from pathlib import Path
from ioc_analytics import create_analytics_system
with create_analytics_system(home=Path(sys.argv[1])) as system:
    system.initialize()
    system.ingest_files(sys.argv[2])
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


def run(size: int | None, rounds: int) -> None:
    """Measure at 100,000 responses with 50 answers each, or at ``size``."""
    responses = size or 100_000
    rows: list[Row] = []
    with TemporaryDirectory() as name:
        batch = _generate(Path(name, "batch"), responses)
        with throwaway_platform() as system:
            rows += _beside_bare_copy(system, batch, responses, rounds)
            rows.append(_beside_dlt(system, batch, "random", rounds))
            by_time = _generate(Path(name, "by-time"), responses, "time")
            rows.append(_beside_dlt(system, by_time, "time", rounds))
        rows.append(_memory(batch, responses))
        if size is None:
            rows.append(_memory(_generate(Path(name, "large"), 10 * responses), 10 * responses))
    show(f"Ingesting {responses:,} responses with 50 answers each", rows)


def _generate(folder: Path, responses: int, order: Order = "random") -> Path:
    console.print(f"generating {responses:,} responses, order: {order}")
    generate_files(
        folder,
        responses=responses,
        seed=1,
        order=order,
        population=REFERENCE.with_full_completion(),
        with_ai=False,
    )
    return folder


def _beside_bare_copy(
    system: AnalyticsSystem, batch: Path, responses: int, rounds: int
) -> list[Row]:
    system.ingest_files(batch)
    finished = _finished(system)
    number = sum(table.num_rows for table in finished.values())

    def ours() -> float:
        _clear(system)
        return seconds(lambda: system.ingest_files(batch))

    def bare(tables: Mapping[str, pa.Table]) -> float:
        _clear(system)
        return seconds(lambda: _copy(system, tables))

    mine, other, ratio = compare(ours, lambda: bare(finished), rounds)
    as_delivered = _in_file_order(system, batch, finished)
    _, scattered, its_ratio = compare(ours, lambda: bare(as_delivered), rounds)
    return [
        ("rows per second", f"{number / mine:,.0f}, bare COPY {number / other:,.0f}", ""),
        ("share of the bare COPY", f"{ratio:.2f}", "0.7"),
        ("bare COPY in file order", f"{number / scattered:,.0f} rows per second", ""),
        ("share of that", f"{its_ratio:.2f}", ""),
    ]


def _in_file_order(
    system: AnalyticsSystem, batch: Path, finished: Mapping[str, pa.Table]
) -> Mapping[str, pa.Table]:
    """Return the tables as a loader that sorts nothing would copy them."""
    ids = pq.read_table(batch / "responses.parquet", columns=["response_id"])["response_id"]
    responses = load_pseudonymizer(system.config).many("response", ids)
    ordered = dict(finished)
    for name in TABLES[1:]:
        column = "id" if name == "anonymized_assessment_responses" else "response_hash"
        places = pc.index_in(finished[name][column], value_set=responses).to_numpy()
        ordered[name] = finished[name].take(pa.array(np.argsort(places, kind="stable")))
    return ordered


def _finished(system: AnalyticsSystem) -> Mapping[str, pa.Table]:
    """Read the stored tables back as Arrow, as the ingestion wrote them."""
    found: dict[str, pa.Table] = {}
    with system.database.connection("owner") as connection:
        for name in TABLES:
            columns = connection.execute(
                "SELECT column_name, udt_name FROM information_schema.columns "
                "WHERE table_schema = 'analytics' AND table_name = %s ORDER BY ordinal_position",
                (name,),
            ).fetchall()
            schema = pa.schema(
                [(column, _ARROW.get(kind, pa.string())) for column, kind in columns]
            )
            batches = []
            with connection.cursor("finished", binary=True) as cursor:
                cursor.itersize = _BLOCK
                cursor.execute(
                    sql.SQL("SELECT {} FROM {}").format(
                        sql.SQL(", ").join(_read(column, kind) for column, kind in columns),
                        sql.Identifier("analytics", name),
                    )
                )
                while block := cursor.fetchmany(_BLOCK):
                    values = zip(*block, strict=True)
                    arrays = [
                        pa.array(column, type=field.type)
                        for column, field in zip(values, schema, strict=True)
                    ]
                    batches.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
            found[name] = pa.Table.from_batches(batches, schema=schema)
    return found


_ARROW: Mapping[str, pa.DataType] = {
    "uuid": pa.binary(16),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float8": pa.float64(),
    "bool": pa.bool_(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}


def _read(column: str, kind: str) -> sql.Composable:
    name = sql.Identifier(column)
    if kind == "uuid":
        return sql.SQL("uuid_send({})").format(name)
    return sql.SQL("{}::text").format(name) if kind == "ocean_dimension" else name


def _copy(system: AnalyticsSystem, finished: Mapping[str, pa.Table]) -> None:
    with system.database.connection("ingest") as connection:
        for name, table in finished.items():
            copy_in(connection, "analytics", name, table.to_batches(max_chunksize=_BLOCK))


def _clear(system: AnalyticsSystem) -> None:
    with system.database.connection("owner") as connection:
        for statement in _CLEAR:
            connection.execute(statement)


def _beside_dlt(system: AnalyticsSystem, batch: Path, order: Order, rounds: int) -> Row:
    python = peer_python("dlt[postgres]", "pyarrow")
    with system.database.superuser_connection() as connection:
        info = connection.info
        target = {
            "username": info.user,
            "password": info.password,
            "host": info.host,
            "port": info.port,
            "database": "bench_dlt",
        }

    def ours() -> float:
        _clear(system)
        return seconds(lambda: system.ingest_files(batch))

    def theirs() -> float:
        with system.database.superuser_connection() as connection:
            connection.execute("DROP DATABASE IF EXISTS bench_dlt WITH (FORCE)")
            connection.execute("CREATE DATABASE bench_dlt")
        with TemporaryDirectory() as folder:
            done = subprocess.run(
                [python, Path(__file__).with_name("peer_dlt.py"), batch.resolve(), folder],
                input=json.dumps(target),
                capture_output=True,
                text=True,
                check=True,
            )
        return float(done.stdout.split()[-1])

    mine, other, ratio = compare(ours, theirs, rounds)
    return (
        f"times as fast as dlt's CSV load, {order}",
        f"{ratio:.1f} ({mine:.1f} s, dlt {other:.1f} s)",
        _TIMES_DLT[order],
    )


def _memory(batch: Path, responses: int) -> Row:
    with throwaway_platform() as system:
        home = str(system.config.home)
        done = subprocess.run(
            [sys.executable, "-c", _MEASURE_MEMORY, home, str(batch)],
            check=True,
            capture_output=True,
            text=True,
        )
    peak = int(done.stdout.split()[-1]) / 1024
    return (f"peak memory, {responses:,} responses", f"{peak:.0f} MiB", "< 600 MB")
