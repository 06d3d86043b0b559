"""A restore takes the place of an empty database only, also of one that is filled meanwhile."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.backup import restore
from ioc_analytics.database import closed
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics_tests.database.test_backups import filled_system, restored
from ioc_analytics_tests.fixtures.batches import (
    assessment,
    content_rows,
    count,
    response,
    write_batch,
)
from ioc_analytics_tests.fixtures.database import TemporaryServer, drop_database

RESPONSES = "analytics.anonymized_assessment_responses"


@pytest.fixture
def system(server: TemporaryServer, tmp_path: Path) -> Iterator[AnalyticsSystem]:
    with filled_system(server, tmp_path / "backups") as system:
        yield system


@pytest.fixture
def fresh(system: AnalyticsSystem) -> Iterator[AnalyticsSystem]:
    """Another installation on the same server, as ``init`` leaves it."""
    name = f"{system.config.database.database}_r"
    with restored(system, name) as fresh:
        fresh.initialize()
        yield fresh
    for left in (name, f"{name}_restoring"):
        drop_database(system.config.replace(database={"database": left}))


def test_what_looking_writes_down_does_not_count(
    system: AnalyticsSystem, fresh: AnalyticsSystem
) -> None:
    made = system.create_backup()
    assert fresh.verify_backup(made.id).state == "verified"
    fresh.measure_health()
    fresh.check_for_alerts()
    fresh.evaluate_quality()
    fresh.get_scaling_recommendations()
    fresh.plan_retention()
    fresh.query("SELECT 1")
    fresh.query_counters.hand_in()
    assert count(fresh, "internal.backups") == count(fresh, "internal.query_counts") == 1
    assert count(fresh, "analytics.system_health_metrics") > 0
    assert fresh.restore_backup(made.id).target == fresh.config.database.database
    with restored(system, fresh.config.database.database) as again:
        assert content_rows(again) == content_rows(system)


def test_rows_that_arrive_meanwhile_stay(
    system: AnalyticsSystem,
    fresh: AnalyticsSystem,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = system.create_backup()
    load = restore.load

    def load_while_others_ingest(*arguments: object) -> None:
        load(*arguments)  # type: ignore[arg-type]
        records = {"assessments": [assessment()], "responses": [response("meanwhile")]}
        assert fresh.ingest_files(write_batch(tmp_path / "more", records)).accepted == 2

    monkeypatch.setattr(restore, "load", load_while_others_ingest)
    with pytest.raises(InvalidInput, match="is not empty"):
        fresh.restore_backup(made.id)
    assert count(fresh, RESPONSES) == 1
    draft = f"{fresh.config.database.database}_restoring"
    assert not closed.exists(fresh.database.address, draft), "what was loaded in vain is gone"


def test_between_the_last_look_and_the_change_of_place_nobody_writes(
    system: AnalyticsSystem, fresh: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = system.create_backup()
    publish, refused = closed.publish, []

    def publish_while_others_write(*arguments: object, **options: object) -> None:
        with psycopg.connect(fresh.database.conninfo("ingest")) as connection:
            connection.execute("SET lock_timeout = '100ms'")
            try:
                connection.execute("DELETE FROM internal.batches")
            except psycopg.errors.LockNotAvailable as fault:
                refused.append(fault)
        publish(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(closed, "publish", publish_while_others_write)
    fresh.restore_backup(made.id)
    assert len(refused) == 1


def test_an_object_that_is_not_ours_is_content(
    system: AnalyticsSystem, fresh: AnalyticsSystem
) -> None:
    made = system.create_backup()
    name = fresh.config.database.database
    conninfo = closed.administrator_conninfo(fresh.database.address, name)
    for make, drop, named in (
        ("VIEW analytics.mine AS SELECT 1 AS one", "VIEW analytics.mine", "column analytics.mine"),
        ("FUNCTION internal.mine() RETURNS int RETURN 1", "FUNCTION internal.mine", "function int"),
        ("TABLE public.notes (note text)", "TABLE public.notes", "public.notes"),
        ("FUNCTION public.mine() RETURNS int RETURN 1", "FUNCTION public.mine", "public.mine"),
    ):
        with psycopg.connect(conninfo) as connection:
            connection.execute(f"CREATE {make}")
        with pytest.raises(InvalidInput, match=rf"is not empty \({named}.* is not the platform's"):
            fresh.restore_backup(made.id)
        with psycopg.connect(conninfo) as connection:
            connection.execute(f"DROP {drop}")
    assert fresh.restore_backup(made.id).target == name, "the control"
