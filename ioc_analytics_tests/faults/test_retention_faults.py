"""Retention killed and cut off: answers stay as they were, and the same plan is finished later."""

import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.database.locks import lock_number
from ioc_analytics.kernel.errors import Unavailable
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.maintenance.holds import RETENTION_LOCK
from ioc_analytics.states.sealing import seal_month
from ioc_analytics_tests.database.survey import make_survey
from ioc_analytics_tests.database.test_retention import (
    NO_BACKUP,
    RESPONSES,
    answers,
    apply,
    filled,
    let_grace_pass,
    owner,
)
from ioc_analytics_tests.fixtures.batches import count
from ioc_analytics_tests.fixtures.database import (
    TemporaryServer,
    clone_template,
    drop_database,
    template_database,
)
from ioc_analytics_tests.fixtures.platform import PSEUDONYM_KEY
from ioc_analytics_tests.fixtures.processes import CHECKOUT, wait_until

KILLS = 6

_APPLY = """
import json, os, signal, sys
from pathlib import Path
import psycopg
from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.settings import AnalyticsConfig

home, pg_bin, database, key, folder, plan, reason, deadly = json.loads(sys.argv[1])
calls = 0

def counted(function):
    def call(*arguments, **options):
        global calls
        calls += 1
        if calls == deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call

config = AnalyticsConfig.load(
    {}, home=Path(home), pg_bin=Path(pg_bin), database={"database": database},
    privacy={"pseudonym_key": key}, backup={"folder": folder},
)
with AnalyticsSystem(config) as system:
    with system.database.connection("ingest") as connection:
        connection.execute("SELECT 1")
    psycopg.Cursor.execute = counted(psycopg.Cursor.execute)
    psycopg.Copy.finish = counted(psycopg.Copy.finish)
    psycopg.Connection.commit = counted(psycopg.Connection.commit)
    system.apply_retention(plan, without_backup=reason)
print(calls)
"""


@pytest.fixture
def make(server: TemporaryServer, tmp_path: Path) -> Iterator[Callable[[], AnalyticsSystem]]:
    """A function that opens systems with a January that is mixed and an expired February."""
    made: list[AnalyticsSystem] = []

    def one() -> AnalyticsSystem:
        config = clone_template(template_database(server, mixed, "retention-mixed")).replace(
            privacy={"pseudonym_key": PSEUDONYM_KEY}, backup={"folder": tmp_path / "backups"}
        )
        made.append(AnalyticsSystem(config))
        return made[-1]

    yield one
    for system in made:
        system.close()
        drop_database(system.config)


def mixed(config: AnalyticsConfig) -> None:
    filled(config)
    with AnalyticsSystem(config.replace(privacy={"pseudonym_key": PSEUDONYM_KEY})) as system:
        # These arrive today, for January: it is mixed, and February goes as a whole.
        system.ingest_data(make_survey(system.config, 20, seed=8, days=20, name="late"))
        system.refresh()


def start(system: AnalyticsSystem, plan: int, deadly: int = 0) -> subprocess.CompletedProcess[str]:
    config = system.config
    told = [
        *(str(config.home), str(config.pg_bin), config.database.database, PSEUDONYM_KEY),
        *(str(config.backup.folder), plan, NO_BACKUP, deadly),
    ]
    return subprocess.run(
        [sys.executable, "-c", _APPLY, json.dumps(told)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def left_behind(system: AnalyticsSystem) -> list[Any]:
    """What a plan leaves: rows per table, sealed months, sealed and live states, what waits."""
    return [
        owner(system, f"SELECT count(*) FROM {RESPONSES}"),
        owner(system, "SELECT month, last_batch, responses FROM internal.sealed_months ORDER BY 1"),
        owner(
            system,
            "SELECT family, layer, period_start, sum(responses) FROM internal.trait_states "
            "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        ),
        owner(system, "SELECT period, row_counts FROM internal.retired_partitions ORDER BY 1"),
        owner(
            system,
            "SELECT action, count(*) FROM analytics.audit_log "
            "WHERE action IN ('seal', 'retire', 'destroy') GROUP BY 1 ORDER BY 1",
        ),
    ]


@pytest.mark.slow
def test_killed_anywhere_the_same_plan_is_finished_later(
    make: Callable[[], AnalyticsSystem],
) -> None:
    whole = make()
    before = answers(whole)
    rows = count(whole, RESPONSES)
    plan = whole.plan_retention().id
    assert plan is not None
    done = start(whole, plan)
    assert done.returncode == 0, done.stderr
    expected = left_behind(whole)
    assert answers(whole) == before
    assert 0 < count(whole, RESPONSES) < rows
    generator = random.Random(20261125)
    seen = set()
    for deadly in sorted(generator.sample(range(5, int(done.stdout) - 2), KILLS)):
        system = make()
        number = system.plan_retention().id
        assert number is not None
        assert start(system, number, deadly).returncode == -signal.SIGKILL
        wait_until(lambda: alone(system))  # noqa: B023
        seen.add(str(left_behind(system)))
        assert answers(system) == before, f"killed at call {deadly}"
        apply(system, system.list_retention_plans()[0].plan)
        assert left_behind(system) == expected, f"killed at call {deadly}"
        assert answers(system) == before
        assert not system.plan_retention().months
    assert len(seen) > 1, "the control: it died at different stages"
    drop_killed(whole, system)


def drop_killed(whole: AnalyticsSystem, system: AnalyticsSystem) -> None:
    """Kill one system while it drops what another one drops undisturbed."""
    for one in (whole, system):
        let_grace_pass(one)
    plan = whole.plan_retention()
    assert plan.drop
    done = start(whole, plan.id or 0)
    assert done.returncode == 0, done.stderr
    tables = waiting(system)
    assert len(tables) == 5 * len(plan.drop)
    same = system.plan_retention()
    # Among the last calls are the five DROP TABLE, the certificate and what closes the plan.
    assert start(system, same.id or 0, int(done.stdout) - 6).returncode == -signal.SIGKILL
    wait_until(lambda: alone(system))
    assert waiting(system) in (tables, []), "all five or none"
    apply(system, same)
    assert waiting(system) == waiting(whole) == []


def waiting(system: AnalyticsSystem) -> list[tuple[str]]:
    return owner(
        system,
        "SELECT relname FROM pg_class WHERE relnamespace = 'retired'::regnamespace "
        "AND relkind = 'r' ORDER BY 1",
    )


def alone(system: AnalyticsSystem) -> bool:
    """Whether the killed process's sessions, and with them its locks, have gone."""
    locks = owner(
        system,
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    return locks == [(0,)]


def test_a_server_that_goes_away_leaves_the_month_and_the_plan(
    make: Callable[[], AnalyticsSystem], monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make()
    before, rows = answers(system), count(system, RESPONSES)
    plan = system.plan_retention()

    def cut(connection: psycopg.Connection[Any], *arguments: Any, **options: Any) -> int:
        sealed = seal_month(connection, *arguments, **options)
        with system.database.superuser_connection() as other:
            other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
        return sealed

    monkeypatch.setattr("ioc_analytics.maintenance.retention.seal_month", cut)
    with pytest.raises(Unavailable):
        apply(system, plan)
    assert (count(system, RESPONSES), answers(system)) == (rows, before)
    assert count(system, "internal.sealed_months") == 0
    monkeypatch.undo()
    assert apply(system, plan).sealed
    assert answers(system) == before


def test_two_at_once_one_is_told_to_wait(make: Callable[[], AnalyticsSystem]) -> None:
    system = make()
    plan = system.plan_retention()
    with psycopg.connect(system.database.conninfo("ingest")) as other:
        # What another process holds while it carries a plan out.
        other.execute("SELECT pg_advisory_lock(%s)", [lock_number(RETENTION_LOCK)])
        with pytest.raises(Unavailable, match="another process is at work"):
            apply(system, plan)
    assert apply(system, plan).sealed, "the control: alone it goes"


def test_a_table_that_is_read_for_long_is_left_and_gone_on_with(
    make: Callable[[], AnalyticsSystem],
) -> None:
    system = make()
    plan = system.plan_retention()
    with psycopg.connect(system.database.conninfo("analyst")) as reader:
        reader.execute("SELECT count(*) FROM anonymized_assessment_scores")
        # The transaction stays open, and with it the reader's lock.
        with pytest.raises(Unavailable, match="lock timeout"):
            apply(system, plan)
        assert owner(system, "SELECT count(*) FROM internal.sealed_months") != [(0,)]
    receipt = apply(system, plan)
    assert (receipt.sealed, bool(receipt.detached)) == ((), True)
    let_grace_pass(system)
    assert apply(system).dropped
