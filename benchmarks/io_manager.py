"""Publishing and loading a frame beside pandas' own way and plain COPY, in one run.

COPY of lines that are ready is the floor: nothing is encoded, typed, staged or judged.
"""

import io
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import sqlalchemy

from benchmarks.measuring import compare, seconds, show, throwaway_platform
from ioc_analytics.database.publishing import (
    Check,
    Relation,
    Server,
    Target,
    publish_patiently,
    read_arrow,
    read_pandas,
    relation,
)

_TABLE = "CREATE TABLE public.{} (id bigint, at timestamptz, name text, score double precision)"
_CHECKS = {"a score is 0 to 100": Check("score BETWEEN 0 AND 100")}
_COLUMNS = "id, at, name, score"


def run(size: int | None, rounds: int) -> None:
    """Measure on ``size`` rows, a hundred thousand unless given."""
    data = _frame(size or 100_000)
    with throwaway_platform() as system:
        url = system.database.conninfo("owner")
        with psycopg.connect(url) as connection:
            for name in ("ours", "pandas", "copied"):
                connection.execute(_TABLE.format(name).encode())
        server = Server(url)
        ours = partial(publish_patiently, server.connection, data, Target("public", "ours"))
        checked = Target("public", "ours", checks=_CHECKS)
        judged = partial(publish_patiently, server.connection, data, checked)
        engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=_connecting(url))
        lines = _lines(data)
        several = partial(_to_sql, data, engine, method="multi", chunksize=1000)
        rows = [
            _row("publish / DataFrame.to_sql", ours, partial(_to_sql, data, engine), rounds, data),
            _row('publish / to_sql(method="multi")', ours, several, rounds, data),
            _row("publish / to_csv and COPY", ours, partial(_copy, data, url), rounds, data),
            _row(
                "publish, checked / to_csv and COPY",
                judged,
                partial(_copy, data, url),
                rounds,
                data,
            ),
            _row(
                "publish / COPY of ready lines", ours, partial(_copy_in, lines, url), rounds, data
            ),
        ]
        rows += [
            _row(
                f"{name} / {peer}",
                partial(_read, server, read),
                other,
                rounds,
                data,
            )
            for name, read in (("read_pandas", read_pandas), ("read_arrow", read_arrow))
            for peer, other in (
                ("pandas.read_sql", partial(_read_sql, engine)),
                ("plain COPY, not parsed", partial(_copy_out, url)),
            )
        ]
        show(f"frames of {len(data):,} rows", rows)
        engine.dispose()


def _row(
    name: str,
    ours: Callable[[], object],
    theirs: Callable[[], object],
    rounds: int,
    data: pd.DataFrame,
) -> tuple[str, str, str]:
    mine, other, ratio = compare(lambda: seconds(ours), lambda: seconds(theirs), rounds)
    mine, other = len(data) / mine / 1000, len(data) / other / 1000
    goal = ">= 0.25" if "ready" in name or "plain" in name else ">= 1"
    return name, f"{mine:.0f} k/s, theirs {other:.0f} k/s, {ratio:.2f} times as fast", goal


def _frame(size: int) -> pd.DataFrame:
    random = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "id": np.arange(size),
            "at": pd.Timestamp("2026-03-01", tz="UTC") + pd.to_timedelta(np.arange(size), unit="s"),
            "name": random.choice(["Retail", "Finance", "", 'a "quoted" one'], size),
            "score": random.uniform(0, 100, size),
        }
    )


def _connecting(url: str) -> Callable[[], psycopg.Connection[tuple[object, ...]]]:
    return lambda: psycopg.connect(url)


def _to_sql(data: pd.DataFrame, engine: sqlalchemy.Engine, **options: Any) -> None:
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("DELETE FROM public.pandas"))
        data.to_sql(
            "pandas", connection, schema="public", if_exists="append", index=False, **options
        )


def _lines(data: pd.DataFrame) -> bytes:
    content = io.BytesIO()
    data.to_csv(content, header=False, index=False)
    return content.getvalue()


def _copy(data: pd.DataFrame, url: str) -> None:
    _copy_in(_lines(data), url)


def _copy_in(lines: bytes, url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM public.copied")
        command = f"COPY public.copied ({_COLUMNS}) FROM STDIN (FORMAT csv)"
        with connection.cursor() as cursor, cursor.copy(command.encode()) as target:
            target.write(lines)


def _read(server: Server, read: Callable[[psycopg.Connection, Relation], object]) -> object:
    with server.connection() as connection:
        return read(connection, relation(connection, "public", "ours"))


def _read_sql(engine: sqlalchemy.Engine) -> pd.DataFrame:
    return pd.read_sql(f"SELECT {_COLUMNS} FROM public.ours", engine)  # noqa: S608 - names above


def _copy_out(url: str) -> int:
    size = 0
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        command = f"COPY (SELECT {_COLUMNS} FROM public.ours) TO STDOUT (FORMAT csv)"  # noqa: S608
        with cursor.copy(command.encode()) as rows:
            for row in rows:
                size += len(row)
    return size
