"""Killed, raced, cut off, full: a batch is in whole or not at all, and running it again heals."""

import gzip
import json
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.database.logins import provision
from ioc_analytics.kernel.errors import InvalidInput, Unavailable
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics_tests.fixtures.batches import (
    Records,
    answers,
    assessment,
    content_fingerprint,
    content_rows,
    count,
    response,
    validation,
    write_batch,
)
from ioc_analytics_tests.fixtures.database import FoundServer
from ioc_analytics_tests.fixtures.loaders import start_loader
from ioc_analytics_tests.fixtures.platform import PSEUDONYM_KEY
from ioc_analytics_tests.fixtures.processes import server_numbers, wait_until

PEOPLE = 60

# Of this database: other tests run on the same server.
OWN_LOCKS = (
    "locktype = 'advisory' AND database = "
    "(SELECT oid FROM pg_database WHERE datname = current_database())"
)


def records(first: int = 0, people: int = PEOPLE) -> Records:
    names = [f"r{number}" for number in range(first, first + people)]
    return {
        "assessments": [assessment()],
        "responses": [
            response(name, started_at=f"2003-{at % 12 + 1:02}-05T10:00:00Z")
            for at, name in enumerate(names, first)
        ],
        "question_responses": [
            row for at, name in enumerate(names, first) for row in answers(name, at % 5)
        ]
        + answers("nobody")[:3],
        "ai_validations": [validation(name) for name in names],
    }


def running_jobs(analytics: AnalyticsSystem) -> int:
    return count(analytics, "analytics.processing_jobs", "status = 'running'")


def finish(loader: subprocess.Popen[str]) -> dict[str, Any]:
    out, fault = loader.communicate(timeout=120)
    assert loader.returncode == 0, fault
    result: dict[str, Any] = json.loads(out.splitlines()[-1])
    return result


def empty(analytics: AnalyticsSystem) -> None:
    """Take all rows out that a batch could leave."""
    with analytics.database.connection("owner") as connection:
        connection.execute(
            "TRUNCATE analytics.anonymized_assessments,"
            " analytics.anonymized_assessment_responses,"
            " analytics.anonymized_question_responses,"
            " analytics.anonymized_assessment_scores, internal.ai_validations,"
            " internal.answer_vectors, internal.response_registry, internal.quarantine,"
            " internal.replacements, internal.batches, internal.touched_days"
        )


@pytest.mark.slow
def test_killed_at_ten_points_and_run_again_it_has_the_same_content(
    analytics: AnalyticsSystem, platform_factory: Callable[[], AnalyticsSystem], tmp_path: Path
) -> None:
    batch = write_batch(tmp_path / "batch", records())
    whole = finish(start_loader(analytics.config, batch))
    expected = content_rows(analytics)
    calls = whole["calls"]
    # The detector sees half a batch.
    half = platform_factory()
    half.ingest_files(write_batch(tmp_path / "half", records(people=PEOPLE // 2)))
    assert content_fingerprint(half) != content_fingerprint(analytics)
    generator = random.Random(20261122)
    killed = platform_factory()
    # The first run also made the partitions, so that those that follow need a few calls less.
    for deadly in generator.sample(range(1, calls - 10), 10):
        empty(killed)
        loader = start_loader(killed.config, batch, deadly=deadly)
        loader.communicate(timeout=120)
        assert loader.returncode == -signal.SIGKILL
        wait_until(lambda: count(killed, "pg_catalog.pg_locks", OWN_LOCKS) == 0)
        assert content_rows(killed) in ([], expected)
        receipt = killed.ingest_files(batch)
        assert receipt.records_processed == whole["receipt"]["records_processed"]
        assert content_rows(killed) == expected
        assert running_jobs(killed) == 0
        assert count(killed, "internal.quarantine") == 3
        assert count(killed, "internal.touched_days") == 12


@pytest.mark.nightly
def test_killed_from_outside_at_any_moment_and_run_again_it_has_the_same_content(
    analytics: AnalyticsSystem, platform_factory: Callable[[], AnalyticsSystem], tmp_path: Path
) -> None:
    """The moments that no call to the server marks: reading, judging, between two statements."""
    batch = write_batch(tmp_path / "batch", records())
    clock = time.monotonic()
    finish(start_loader(analytics.config, batch))
    longest = time.monotonic() - clock
    expected = content_rows(analytics)
    generator = random.Random(20261125)
    killed = platform_factory()
    deaths: Counter[str] = Counter()
    for _ in range(20):
        empty(killed)
        loader = start_loader(killed.config, batch, waits=True)
        assert loader.stdout is not None
        assert loader.stdin is not None
        assert loader.stdout.readline() == "ready\n"
        loader.stdin.write("\n")
        loader.stdin.flush()
        with suppress(subprocess.TimeoutExpired):
            loader.wait(generator.uniform(0, longest / 3))
        loader.kill()
        loader.communicate(timeout=120)
        wait_until(lambda: count(killed, "pg_catalog.pg_locks", OWN_LOCKS) == 0)
        found = content_rows(killed)
        assert found in ([], expected)
        deaths["after" if found else "within" if loader.returncode else "never"] += 1
        killed.ingest_files(batch)
        assert content_rows(killed) == expected
        assert running_jobs(killed) == 0
        assert count(killed, "internal.quarantine") == 3
    print(f"of 20 loaders killed after up to {longest / 3:.2f} s: {dict(deaths)}")  # noqa: T201 - a campaign tells what it did
    assert deaths["within"] >= 5


@pytest.mark.parametrize("number", [2, pytest.param(16, marks=pytest.mark.slow)])
def test_the_same_batch_from_many_processes_is_loaded_once(
    analytics: AnalyticsSystem, tmp_path: Path, number: int
) -> None:
    batch = write_batch(tmp_path / "batch", records(people=10))
    loaders = [start_loader(analytics.config, batch, waits=True) for _ in range(number)]
    for loader in loaders:
        assert loader.stdout is not None
        assert loader.stdout.readline() == "ready\n"
    for loader in loaders:
        assert loader.stdin is not None
        loader.stdin.write("\n")
        loader.stdin.flush()
    receipts = [finish(loader)["receipt"] for loader in loaders]
    assert sorted(receipt["is_duplicate"] for receipt in receipts) == [False] + [True] * (
        number - 1
    )
    assert count(analytics, "internal.batches") == 1
    assert count(analytics, "analytics.anonymized_question_responses") == 500
    assert running_jobs(analytics) == 0


def at_once(*tasks: Callable[[], object]) -> None:
    """Run tasks in threads that start together; the first fault is raised."""
    barrier = threading.Barrier(len(tasks))
    faults: list[BaseException] = []

    def run(task: Callable[[], object]) -> None:
        barrier.wait()
        try:
            task()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=[task]) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


def test_two_batches_with_the_same_new_responses_at_once(
    analytics: AnalyticsSystem, platform_factory: Callable[[], AnalyticsSystem], tmp_path: Path
) -> None:
    first = write_batch(tmp_path / "first", records(0, 30))
    second = write_batch(tmp_path / "second", records(15, 30))
    at_once(
        lambda: analytics.ingest_files(first),
        lambda: analytics.ingest_files(second),
    )
    one_by_one = platform_factory()
    one_by_one.ingest_files(first, second)
    assert content_rows(analytics) == content_rows(one_by_one)
    assert running_jobs(analytics) == 0


def test_orphans_and_their_parents_at_once(analytics: AnalyticsSystem, tmp_path: Path) -> None:
    for number in range(5):
        whole = records(1000 * number, 5)
        parents = {kind: whole[kind] for kind in ("assessments", "responses")}
        children = {"question_responses": whole["question_responses"][:-3]}
        folders = [
            write_batch(tmp_path / f"parents{number}", parents),
            write_batch(tmp_path / f"children{number}", children),
        ]
        at_once(
            partial(analytics.ingest_files, folders[0]),
            partial(analytics.ingest_files, folders[1]),
        )
    assert analytics.list_quarantine() == []
    assert count(analytics, "analytics.anonymized_question_responses") == 5 * 5 * 50


def test_a_truncated_file_leaves_nothing_behind(analytics: AnalyticsSystem, tmp_path: Path) -> None:
    batch = write_batch(tmp_path / "batch", records())
    file = batch / "question_responses.jsonl"
    packed = gzip.compress(file.read_bytes())
    file.unlink()
    (batch / "question_responses.jsonl.gz").write_bytes(packed[: len(packed) * 3 // 4])
    with pytest.raises(InvalidInput, match=r"question_responses\.jsonl\.gz"):
        analytics.ingest_files(batch)
    assert content_rows(analytics) == []
    assert count(analytics, "internal.batches") == 0
    assert running_jobs(analytics) == 0


@pytest.fixture
def own_server(fresh_home: Path, found_server: FoundServer) -> Iterator[AnalyticsSystem]:
    """A system whose server may be stopped."""
    config = AnalyticsConfig.load(
        {},
        home=fresh_home,
        pg_bin=found_server.bin_folder,
        privacy={"pseudonym_key": PSEUDONYM_KEY},
        operations={"batch_size": 20},
    )
    provision(config)
    with AnalyticsSystem(config) as system:
        system.initialize()
        yield system


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGKILL])
def test_a_server_that_ends_in_the_middle_costs_a_retry(
    own_server: AnalyticsSystem,
    platform_factory: Callable[[], AnalyticsSystem],
    tmp_path: Path,
    kind: signal.Signals,
) -> None:
    batch = write_batch(tmp_path / "batch", records())
    ended: list[int] = []

    def end_the_server(name: str, judged: int, share: float) -> None:
        if not ended and judged > PEOPLE:
            [server] = server_numbers(own_server.config.home)
            ended.append(server)
            os.kill(server, kind)
            wait_until(lambda: server not in server_numbers(own_server.config.home))

    try:
        receipt = own_server.ingest_files(batch, progress=end_the_server)
    except Unavailable:
        # Longer away than the retries last: asking again is all it takes.
        receipt = own_server.ingest_files(batch)
    assert ended
    assert receipt.accepted == 1 + PEOPLE * 52
    undisturbed = platform_factory()
    undisturbed.ingest_files(batch)
    assert content_rows(own_server) == content_rows(undisturbed)
    assert running_jobs(own_server) == 0


@pytest.fixture
def small_disk(analytics: AnalyticsSystem, tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB that the server may use; skipped where none can be mounted."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    with analytics.database.superuser_connection() as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    owner = Path(row[0]).stat()
    folder = Path(row[0]).parent / f"small-{os.getpid()}"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.strip()}")
    os.chown(folder, owner.st_uid, owner.st_gid)
    folder.chmod(0o700)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


def test_a_full_disk_is_unavailable_and_leaves_nothing_behind(
    analytics: AnalyticsSystem, small_disk: Path, tmp_path: Path
) -> None:
    batch = write_batch(tmp_path / "batch", records(people=4000))
    name = f"small_{os.getpid()}"
    table = "analytics.anonymized_question_responses_2003"
    with analytics.database.superuser_connection() as connection:
        connection.execute(f"CREATE TABLESPACE {name} LOCATION '{small_disk}'")
    with analytics.database.superuser_connection() as connection:
        connection.execute(f"GRANT CREATE ON TABLESPACE {name} TO PUBLIC")
    try:
        with analytics.database.connection("owner") as connection:
            connection.execute("SELECT internal.make_partitions('{2003-01-01}', 90)")
            connection.execute(f"ALTER TABLE {table} SET TABLESPACE {name}")
        with pytest.raises(Unavailable, match="disk is full"):
            analytics.ingest_files(batch)
        assert content_rows(analytics) == []
        assert count(analytics, "internal.batches") == 0
        assert running_jobs(analytics) == 0
    finally:
        with analytics.database.connection("owner") as connection:
            connection.execute("DROP TABLE analytics.anonymized_question_responses CASCADE")
        with analytics.database.superuser_connection() as connection:
            connection.execute(f"DROP TABLESPACE {name}")
