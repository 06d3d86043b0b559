"""A migration killed anywhere and run again leaves the schema that an undisturbed one leaves."""

import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable

import psycopg
import pytest

from ioc_analytics.database.pools import Database
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.system import AnalyticsSystem
from ioc_analytics_tests.fixtures.processes import CHECKOUT

KILLS = 3

_MIGRATE = """
import json, os, signal, sys
from pathlib import Path
import psycopg
from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.settings import AnalyticsConfig

home, pg_bin, database, deadly = json.loads(sys.argv[1])
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
    {}, home=Path(home), pg_bin=Path(pg_bin), database={"database": database}
)
with AnalyticsSystem(config) as system:
    psycopg.Cursor.execute = counted(psycopg.Cursor.execute)
    system.database_manager.run_migrations()
print(calls)
"""


def start(config: AnalyticsConfig, deadly: int = 0) -> subprocess.CompletedProcess[str]:
    told = [str(config.home), str(config.pg_bin), config.database.database, deadly]
    return subprocess.run(
        [sys.executable, "-c", _MIGRATE, json.dumps(told)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def schema_of(config: AnalyticsConfig) -> tuple[list[str], int]:
    """Return the catalogue of a migrated database, and how many files its history names."""
    with Database(config) as database, database.connection("owner") as connection:
        lines = connection.execute("SELECT line FROM internal.schema_snapshot ORDER BY 1")
        known = [line for (line,) in lines]
        row = connection.execute("SELECT count(*) FROM internal.schema_history").fetchone()
    return known, row[0] if row else 0


def applied(config: AnalyticsConfig) -> int:
    """Return how many files a database has, one that was interrupted too."""
    with Database(config) as database, database.connection("owner") as connection:
        try:
            row = connection.execute("SELECT count(*) FROM internal.schema_history").fetchone()
        except psycopg.errors.UndefinedTable:
            connection.rollback()
            return 0
    return row[0] if row else 0


@pytest.mark.slow
def test_a_migration_killed_anywhere_is_finished_by_the_next(
    database_factory: Callable[[], AnalyticsConfig],
) -> None:
    whole = database_factory()
    done = start(whole)
    assert done.returncode == 0, done.stderr
    expected = schema_of(whole)
    generator = random.Random(20261125)
    seen = set()
    for deadly in sorted(generator.sample(range(8, int(done.stdout)), KILLS)):
        config = database_factory()
        assert start(config, deadly).returncode == -signal.SIGKILL
        seen.add(applied(config))
        with AnalyticsSystem(config) as system:
            system.database_manager.run_migrations()
            assert system.database_manager.find_drift() == []
            assert system.database_manager.plan_migrations().is_empty
        assert schema_of(config) == expected, f"killed at call {deadly}"
    assert len(seen) > 1, "the control: it died at different files"
    assert max(seen) < expected[1]
