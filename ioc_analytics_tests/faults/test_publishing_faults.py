"""Readers, rivals, kills, lost connections: a publication is there whole and once, or not."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from psycopg import sql

from ioc_analytics.database.publishing import (
    Category,
    Connection,
    Server,
    Slice,
    Target,
    publish,
    publish_patiently,
)
from ioc_analytics.kernel.errors import IntegrityFailure, InvalidInput, Unavailable
from ioc_analytics_tests.fixtures.processes import CHECKOUT
from ioc_analytics_tests.fixtures.publishing import rows

SECTORS = Target("other", "sectors")
PIECE = Slice(((Category("sector", ("Retail",)),),), ("Retail",))
SEEN = "SELECT count(*), min(n), max(n) FROM other.sectors WHERE sector = 'Retail'"


def retail(n: int, count: int) -> pa.Table:
    return pa.table({"sector": ["Retail"] * count, "n": [n] * count})


VERSIONS = {1: retail(1, 40), 2: retail(2, 30)}
WHOLE = {(40, 1, 1), (30, 2, 2)}


def seen_while(
    url: str, write: Callable[[int], None], is_enough: Callable[[set[Any], int], bool]
) -> set[tuple[Any, ...]]:
    """Return all that a reader sees while the versions are written in turn."""
    seen: set[tuple[Any, ...]] = set()
    is_over = threading.Event()

    def read() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not is_over.is_set():
                seen.update(connection.execute(SEEN).fetchall())

    reader = threading.Thread(target=read)
    write(1)
    reader.start()
    deadline = time.monotonic() + 60
    written = 0
    while not is_enough(seen, written) and time.monotonic() < deadline:
        written += 1
        write(written % 2 + 1)
    is_over.set()
    reader.join()
    return seen


def test_a_reader_sees_the_old_or_the_new_and_a_naive_writer_is_caught(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as naive:

        def delete_and_insert(version: int) -> None:
            naive.execute("DELETE FROM other.sectors WHERE sector = 'Retail'")
            for row in VERSIONS[version].to_pylist():
                naive.execute("INSERT INTO other.sectors VALUES (%s, %s)", list(row.values()))

        seen = seen_while(url, delete_and_insert, lambda seen, _: bool(seen - WHOLE))
        assert seen - WHOLE, "the reader does not look often enough to catch anything"

    def published(version: int) -> None:
        publish_patiently(Server(url).connection, VERSIONS[version], SECTORS, PIECE)

    seen = seen_while(url, published, lambda seen, written: written >= 40 and seen >= WHOLE)
    assert seen == WHOLE


def test_writers_of_one_partition_do_not_double_it(url: str) -> None:

    value = pa.table({"sector": ["Retail"] * 100, "n": list(range(100))})
    first = psycopg.connect(url)
    publish(first, value, SECTORS, PIECE)
    is_done = threading.Event()

    def second_writer() -> None:
        with psycopg.connect(url) as connection:
            publish(connection, value, SECTORS, PIECE)
        is_done.set()

    second = threading.Thread(target=second_writer)
    second.start()
    # The second one waits, because the first has not committed.
    assert not is_done.wait(0.3)
    first.commit()
    first.close()
    second.join(timeout=30)
    assert is_done.is_set()
    assert rows(url, "SELECT count(*) FROM other.sectors") == [(100,)]


KILLED = """
import json, os, signal, sys
import psycopg
import pyarrow as pa
from ioc_analytics.database.publishing import Category, Server, Slice, Target, publish

url = sys.argv[1]
piece = Slice(((Category("sector", ("Retail",)),),), ("Retail",))
new = pa.table({"sector": ["Retail"] * 30, "n": [2] * 30})

def counted(function, deadly, calls=[0]):
    def call(*arguments, **options):
        calls[0] += 1
        if calls[0] == deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call

def publish_until(deadly):
    calls = [0]
    with Server(url).connection() as connection:
        for kind, name in (
            (psycopg.Cursor, "execute"), (psycopg.Copy, "write"), (psycopg.Copy, "finish"),
            (psycopg.Connection, "commit"),
        ):
            setattr(kind, name, counted(getattr(kind, name), deadly, calls))
        publish(connection, new, Target("other", "sectors"), piece)

seen = []
status = -1
while status != 0:
    child = os.fork()
    if not child:
        publish_until(len(seen) + 1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*), min(n), max(n) FROM other.sectors").fetchone()
    seen.append([status, *found])
print(json.dumps(seen))
"""


def test_killed_at_every_call_to_the_server_the_old_rows_stay(url: str) -> None:
    with Server(url).connection() as connection:
        publish(connection, retail(1, 40), SECTORS, PIECE)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KILLED, url],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    *killed, last = json.loads(done.stdout)
    assert len(killed) >= 10
    assert {tuple(one) for one in killed} == {(9, 40, 1, 1)}
    assert last == [0, 30, 2, 2]


@contextmanager
def cut(url: str, when: str) -> Iterator[Callable[[], Any]]:
    """Lend what connects to a database, and loses the first connection at a moment."""
    server, losses = Server(url), [when]

    @contextmanager
    def connect() -> Iterator[Connection]:
        moment = losses.pop() if losses else "never"
        if moment == "before":
            raise Unavailable("the server is away")
        with server.connection() as connection:
            yield connection
            if moment == "while committing":
                end = sql.SQL("SELECT pg_terminate_backend({})")
                with psycopg.connect(url) as other:
                    other.execute(end.format(connection.info.backend_pid))
        if moment == "after":
            raise Unavailable("the answer to COMMIT is lost")

    yield connect


@pytest.mark.parametrize("moment", ["before", "while committing", "after"])
def test_rows_are_appended_once_whenever_the_connection_is_lost(url: str, moment: str) -> None:
    target = Target("other", "sectors", mode="append")
    with cut(url, moment) as connect:
        published = publish_patiently(connect, retail(1, 40), target)
    assert published.rows == 40
    assert rows(url, SEEN) == [(40, 1, 1)]


def test_an_append_of_unknown_outcome_is_not_run_again(url: str) -> None:
    server, is_gone = Server(url), threading.Event()

    @contextmanager
    def connect() -> Iterator[Connection]:
        if is_gone.is_set():
            raise Unavailable("the server is away")
        with server.connection() as connection:
            yield connection
        is_gone.set()
        raise Unavailable("the answer to COMMIT is lost")

    adding = Target("other", "sectors", mode="append")
    for target, fault in ((adding, IntegrityFailure), (SECTORS, Unavailable)):
        is_gone.clear()
        with pytest.raises(fault):
            publish_patiently(connect, retail(1, 40), target, None, 0.3)


def test_a_server_that_is_away_for_a_moment_is_waited_for(url: str) -> None:
    with psycopg.connect(url) as connection:
        name = sql.Identifier(connection.info.dbname)
    maintenance = psycopg.connect(url, dbname="postgres", autocommit=True)
    close = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")

    def come_back() -> None:
        maintenance.execute(close.format(name, sql.SQL("true")))

    with maintenance:
        maintenance.execute(close.format(name, sql.SQL("false")))
        with pytest.raises(Unavailable, match="not currently accepting connections"):
            publish_patiently(Server(url).connection, retail(1, 40), SECTORS, PIECE, 0.1)
        back = threading.Timer(0.5, come_back)
        back.start()
        assert publish_patiently(Server(url).connection, retail(1, 40), SECTORS, PIECE).rows == 40
        back.join()


def test_a_backfill_over_very_many_partitions_needs_few_locks(url: str) -> None:
    piece = Slice(((Category("sector", ("Retail",)),),), tuple(map(str, range(20_000))))
    with Server(url).connection() as connection:
        assert publish(connection, retail(1, 40), SECTORS, piece).rows == 40
        held = connection.execute("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()")
        assert held.fetchall()[0][0] < 50


def test_what_is_wrong_is_not_tried_again(url: str) -> None:
    tries = 0

    @contextmanager
    def connect() -> Iterator[Connection]:
        nonlocal tries
        tries += 1
        with Server(url).connection() as connection:
            yield connection

    with pytest.raises(InvalidInput, match="has no column"):
        publish_patiently(connect, pa.table({"m": [1]}), SECTORS)
    assert tries == 1


def test_a_stream_that_was_begun_is_not_published_again(url: str) -> None:
    with Server(url).connection() as connection:
        publish(connection, retail(1, 40), SECTORS, PIECE)
    with cut(url, "while committing") as connect, pytest.raises(Unavailable):
        publish_patiently(connect, retail(2, 30).to_reader(), SECTORS, PIECE)
    assert rows(url, SEEN) == [(40, 1, 1)]
