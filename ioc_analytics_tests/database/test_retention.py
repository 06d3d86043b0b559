"""Retention on a real database: rows go, answers stay; what must not go, does not."""

import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import ConfigurationError, IntegrityFailure, InvalidInput
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.records.retention import RetentionPlan, RetentionReceipt
from ioc_analytics_tests.database.survey import make_survey
from ioc_analytics_tests.fixtures.batches import content_rows, count
from ioc_analytics_tests.fixtures.database import (
    TemporaryServer,
    clone_template,
    drop_database,
    template_database,
)
from ioc_analytics_tests.fixtures.platform import PSEUDONYM_KEY

JANUARY, FEBRUARY = date(2024, 1, 1), date(2024, 2, 1)
RESPONSES = "analytics.anonymized_assessment_responses"
NO_BACKUP = "the rows of this test can be made again"
UP_FOR_DAYS = "UPDATE internal.schema_history SET applied_at = now() - INTERVAL '10 days'"
LONG_AGO = datetime(2024, 3, 1, tzinfo=UTC)


def filled(config: AnalyticsConfig) -> None:
    """300 responses in January and February 2024, refreshed, that arrived in March."""
    with AnalyticsSystem(config.replace(privacy={"pseudonym_key": PSEUDONYM_KEY})) as system:
        system.initialize()
        system.ingest_data(make_survey(system.config, 300, days=60))
        system.refresh()
        arrived(system, LONG_AGO)
        owner(system, UP_FOR_DAYS)


def arrived(system: AnalyticsSystem, moment: datetime, batch: int | None = None) -> None:
    """Let batches have arrived at another moment."""
    statement = "UPDATE internal.batches SET loaded_at = %s WHERE %s::bigint IS NULL OR batch_id=%s"
    with system.database.connection("owner") as connection:
        connection.execute(statement, [moment, batch, batch])


def owner(system: AnalyticsSystem, statement: str) -> list[tuple[Any, ...]]:
    with system.database.connection("owner") as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def system(server: TemporaryServer, tmp_path: Path) -> Iterator[AnalyticsSystem]:
    config = clone_template(template_database(server, filled, "retention")).replace(
        privacy={"pseudonym_key": PSEUDONYM_KEY},
        backup={"folder": tmp_path / "backups"},
        exports={"path": tmp_path / "exports"},
    )
    with AnalyticsSystem(config) as system:
        yield system
    drop_database(config)


def answers(system: AnalyticsSystem) -> list[Any]:
    """What sealed states can answer: whole, by month, filtered, per metric and organization."""
    technology = [{"field": "industry_category", "operator": "eq", "value": "Technology"}]
    asked: list[tuple[list[Any], dict[str, str] | None]] = [
        ([], None),
        ([], {"start": "2024-01-01", "end": "2024-02-01"}),
        ([], {"start": "2024-01-10", "end": "2024-02-20"}),
    ]
    oceans = [system.get_ocean_analysis(*one) for one in asked]
    told: list[Any] = [(o.traits, o.correlations, o.reliability, o.by_instrument) for o in oceans]
    for metric in ("response_volume", "completion_rate", "median_time_spent", "openness"):
        # What could still be completed is left out of a rate until its rows have gone.
        times = asked[1][1] if metric == "completion_rate" else None
        one = system.analyze_metric(metric, time_range=times)
        told.append((metric, one.value, one.sample_size))
    told.append(system.get_ocean_analysis(technology).sample_size > 0)
    return told


def apply(system: AnalyticsSystem, plan: RetentionPlan | None = None) -> RetentionReceipt:
    return system.apply_retention(plan or system.plan_retention(), without_backup=NO_BACKUP)


def let_grace_pass(system: AnalyticsSystem) -> None:
    owner(
        system,
        "UPDATE internal.retired_partitions SET detached_at = detached_at - INTERVAL '8 days'",
    )


def partitions(system: AnalyticsSystem) -> set[str]:
    rows = owner(
        system,
        "SELECT c.oid::regclass::text FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid "
        f"WHERE inhparent = '{RESPONSES}'::regclass AND c.relname ~ '_2024_0[123]$'",
    )
    return {name[-7:] for (name,) in rows}


def certificates(system: AnalyticsSystem) -> list[dict[str, Any]]:
    rows = owner(
        system,
        "SELECT object, row_count FROM analytics.audit_log WHERE action = 'destroy' "
        "AND object LIKE '{%' ORDER BY sequence",
    )
    return [json.loads(text) | {"row_count": number} for text, number in rows]


def test_rows_go_by_plan_and_backup_and_every_answer_stays(system: AnalyticsSystem) -> None:
    before = answers(system)
    rows, registered = count(system, RESPONSES), count(system, "internal.response_registry")
    assert registered == rows == 300

    plan = system.plan_retention()
    assert [one.month for one in plan.months] == [JANUARY, FEBRUARY]
    assert [one.period for one in plan.detach] == ["2024_01", "2024_02"]
    assert sum(one.rows[RESPONSES] for one in plan.months) == rows
    assert all(one.size_bytes > 0 for one in plan.detach)
    assert "no drilled backup" in (plan.backup_fault or "")
    # The control: without a backup that was tried nothing goes.
    with pytest.raises(InvalidInput, match="no drilled backup"):
        system.apply_retention(plan)
    backup = system.create_backup()
    with pytest.raises(InvalidInput, match="no drilled backup"):
        system.apply_retention(plan)
    assert count(system, RESPONSES) == rows
    system.drill_backup(backup.id)

    receipt = system.apply_retention(plan)
    assert receipt.sealed == (JANUARY, FEBRUARY)
    assert receipt.detached == ("2024_01", "2024_02")
    assert receipt.dropped == {}
    assert answers(system) == before
    assert count(system, RESPONSES) == 0
    assert count(system, "internal.response_registry") == registered
    assert partitions(system).isdisjoint({"2024_01", "2024_02"})
    assert count(system, "analytics.anonymized_question_responses") == 0

    # In its days of grace it is out of sight and not gone; what is asked of rows says so.
    assert system.plan_retention().is_empty
    assert owner(system, f"SELECT count(*) > 0 FROM retired.{RESPONSES[10:]}_2024_01") == [(True,)]
    with pytest.raises(InvalidInput, match="ask for a range after that, or filter by"):
        system.get_ocean_analysis([{"field": "org_hash", "operator": "eq", "value": "acme"}])
    let_grace_pass(system)
    last = system.plan_retention()
    assert [one.period for one in last.drop] == ["2024_01", "2024_02"]
    assert last.backup == backup.id
    # A backup holds what waits too, and a hold keeps it.
    newer = system.drill_backup(system.create_backup().id)
    last = system.plan_retention()
    assert (last.backup, last.backups_with_rows) == (newer.id, (newer.id, backup.id))
    with AnalyticsSystem(
        system.config.replace(backup={"keep_count": 1, "keep_days": 0})
    ) as thrifty:
        hold = system.hold_retention("case 17", tier="backups")
        assert thrifty.prune_backups() == []
        system.release_retention(hold.id)
        assert [one.id for one in thrifty.prune_backups()] == [backup.id], "the control"
    dropped = system.apply_retention(last).dropped
    assert sum(dropped.values()) == sum(sum(one.rows.values()) for one in plan.months)
    assert answers(system) == before
    assert owner(
        system, "SELECT count(*) FROM pg_class WHERE relnamespace = 'retired'::regnamespace"
    ) == [(0,)]
    told = certificates(system)
    assert [one["what"] for one in told] == ["partition 2024-01", "partition 2024-02"]
    assert [one["backup"] for one in told] == [newer.id] * 2
    assert sum(one["row_count"] for one in told) == sum(dropped.values())
    assert [one.status for one in system.list_retention_plans()][0] == "applied"
    assert system.database_manager.find_drift() == []


def test_late_rows_of_a_month_that_is_gone_are_added_and_go_in_their_turn(
    system: AnalyticsSystem,
) -> None:
    apply(system)
    late = system.ingest_data(make_survey(system.config, 20, seed=8, days=31, name="late"))
    assert (late.accepted > 0, late.quarantined) == (True, 0)
    system.refresh()
    before = answers(system)
    assert partitions(system) >= {"2024_01"}
    assert not system.plan_retention().months, "it arrived just now"
    assert late.batch_id is not None
    arrived(system, LONG_AGO, late.batch_id)
    waits = system.plan_retention()
    assert "still waits" in waits.kept["2024-01"]
    let_grace_pass(system)
    apply(system)
    assert apply(system).detached == ("2024_01",)
    assert answers(system) == before
    assert count(system, RESPONSES) == 0


def test_expired_batches_leave_a_month_that_later_ones_stay_in(system: AnalyticsSystem) -> None:
    newer = system.ingest_data(make_survey(system.config, 30, seed=8, days=31, name="late"))
    system.refresh()
    before = answers(system)
    plan = system.plan_retention()
    january = plan.months[0]
    assert (january.month, january.deletes_rows, january.batches) == (JANUARY, True, (1,))
    assert [one.period for one in plan.detach] == ["2024_02"]
    receipt = apply(system, plan)
    assert receipt.deleted == {"2024-01": sum(january.rows.values())}
    assert answers(system) == before
    assert count(system, RESPONSES, "batch_id = 1") == 0
    assert count(system, RESPONSES) == newer.by_kind["responses"].accepted
    (certificate,) = certificates(system)
    assert certificate["batches"] == [1]
    assert certificate["without_backup"] == NO_BACKUP
    # What arrived later is still rows: it can be taken out again.
    assert newer.batch_id is not None
    system.undo_batch(newer.batch_id)
    assert count(system, RESPONSES) == 0


def test_answers_that_arrived_later_keep_their_response(system: AnalyticsSystem) -> None:
    newer = system.ingest_data(make_survey(system.config, 5, seed=8, days=31, name="late"))
    with system.database.connection("owner") as connection:
        connection.execute(
            "UPDATE internal.response_registry SET scores_batch = %s WHERE response_hash = ("
            "SELECT min(response_hash::text)::uuid FROM internal.response_registry "
            "WHERE created_at < '2024-02-01')",
            [newer.batch_id],
        )
    system.refresh()
    assert JANUARY not in [one.month for one in system.plan_retention().months]


@pytest.mark.parametrize("tier", [None, "raw"])
def test_a_legal_hold_keeps_its_months_until_it_is_released(
    system: AnalyticsSystem, tier: str | None
) -> None:
    hold = system.hold_retention("case 17", tier=tier, start=date(2024, 1, 20), end=FEBRUARY)
    plan = system.plan_retention()
    assert plan.kept == {"2024-01": f"legal hold {hold.id}: case 17"}
    assert apply(system, plan).detached == ("2024_02",)
    assert count(system, RESPONSES) > 0
    other = system.hold_retention("case 18", tier="exports")
    system.release_retention(hold.id)
    with pytest.raises(InvalidInput, match="no legal hold 1 in force"):
        system.release_retention(hold.id)
    assert apply(system).detached == ("2024_01",)
    assert [one.id for one in system.list_holds()] == [other.id]
    assert len(system.list_holds(has_released=True)) == 2


def test_a_hold_on_what_waits_to_be_dropped_stops_it(system: AnalyticsSystem) -> None:
    apply(system)
    let_grace_pass(system)
    system.hold_retention("case 17", end=FEBRUARY)
    plan = system.plan_retention()
    assert [one.period for one in plan.drop] == ["2024_02"]
    assert list(plan.kept) == ["detached 2024-01"]


def test_a_plan_that_does_not_fit_any_longer_is_refused_for_good(system: AnalyticsSystem) -> None:
    plan = system.plan_retention()
    hold = system.hold_retention("case 17", end=FEBRUARY)
    with pytest.raises(InvalidInput, match="2024-01 is kept now .legal hold"):
        apply(system, plan)
    system.release_retention(hold.id)
    with pytest.raises(InvalidInput, match="is refused already"):
        apply(system, plan)
    assert count(system, RESPONSES) == 300

    plan = system.plan_retention()
    system.ingest_data(make_survey(system.config, 5, seed=8, days=1, name="late"))
    system.refresh()
    with pytest.raises(InvalidInput, match="the rows of 2024-01 that would go are others"):
        apply(system, plan)
    assert count(system, RESPONSES) == 305
    plan = system.plan_retention()
    owner(system, "UPDATE internal.retention_plans SET planned_at = now() - INTERVAL '8 days'")
    with pytest.raises(InvalidInput, match="more than 7 days old"):
        apply(system, plan)


def test_a_month_with_touched_days_stays_until_it_is_refreshed(system: AnalyticsSystem) -> None:
    owner(system, "INSERT INTO internal.touched_days (day, batch_id) VALUES ('2024-01-05', 1)")
    plan = system.plan_retention()
    assert "1 touched days: its states cannot be sealed" in plan.kept["2024-01"]
    assert apply(system, plan).sealed == (FEBRUARY,)
    assert count(system, RESPONSES) > 0
    system.refresh()
    assert apply(system).sealed == (JANUARY,)


def test_a_month_whose_states_differ_from_its_rows_stays_and_stops_the_run(
    system: AnalyticsSystem,
) -> None:
    owner(
        system,
        "UPDATE internal.trait_states SET responses = responses + 1 "
        "WHERE family = 'day_all' AND period_start = '2024-02-05'",
    )
    plan = system.plan_retention()
    with pytest.raises(IntegrityFailure, match="2024-02 differ from a recount"):
        apply(system, plan)
    assert count(system, RESPONSES, "created_at >= '2024-02-01'") > 0
    assert count(system, "internal.sealed_months") == 1
    system.rebuild([FEBRUARY])
    assert apply(system, plan).sealed == (FEBRUARY,), "the same plan goes on"


def test_a_partition_that_something_depends_on_stays(system: AnalyticsSystem) -> None:
    owner(system, f"CREATE VIEW analytics.own AS SELECT id FROM {RESPONSES}_2024_01")
    plan = system.plan_retention()
    assert plan.kept == {"2024-01": "own depends on its partition: drop that first"}
    assert [one.period for one in plan.detach] == ["2024_02"]


def test_rows_of_the_last_months_stay_and_the_clock_is_a_setting(system: AnalyticsSystem) -> None:
    days = (utc_now().date() - JANUARY).days
    with AnalyticsSystem(system.config.replace(retention_days=days)) as patient:
        assert patient.plan_retention().is_empty, "January ends after its first day"
    with AnalyticsSystem(system.config.replace(retention_days=days - 31)) as patient:
        arrived(system, LONG_AGO - timedelta(days=60))
        assert [one.month for one in patient.plan_retention().months] == [JANUARY]
        arrived(system, LONG_AGO)
        assert patient.plan_retention().is_empty, "it arrived later than its month ended"


@pytest.mark.parametrize("days", [-400, 400])
def test_a_clock_that_jumps_stops_everything(
    system: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    plan = system.plan_retention()
    place = "ioc_analytics.maintenance.retention.utc_now"
    monkeypatch.setattr(place, lambda: utc_now() + timedelta(days=days))
    with pytest.raises(IntegrityFailure, match="are 400 days"):
        apply(system, plan)
    with pytest.raises(IntegrityFailure, match="are 400 days"):
        system.plan_retention()
    monkeypatch.undo()
    # Host and server together, as on one machine: what was recorded before is in the future.
    owner(system, "UPDATE internal.batches SET loaded_at = now() + INTERVAL '1 day'")
    with pytest.raises(IntegrityFailure, match="it has gone back"):
        apply(system, plan)
    assert count(system, RESPONSES) == 300
    arrived(system, LONG_AGO)
    assert apply(system, plan).detached, "the control: with the clock right it goes"


def test_host_and_server_that_jump_ahead_together_leave_a_hole(system: AnalyticsSystem) -> None:
    """As on the embedded server; the watch goes on measuring by the wrong clock."""
    owner(system, "UPDATE internal.schema_history SET applied_at = now() - INTERVAL '400 days'")
    owner(system, "UPDATE analytics.processing_jobs SET finished_at = now() - INTERVAL '399 days'")
    system.measure_health()
    with pytest.raises(IntegrityFailure, match="ANALYTICS_RETENTION_SILENCE_DAYS"):
        system.plan_retention()
    told = system.config.replace(retention={"silence_days": 400})
    with AnalyticsSystem(told) as confirmed:
        assert apply(confirmed).detached, "somebody said that the clock is right"


def test_the_zone_of_the_host_changes_nothing(
    system: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = system.plan_retention().to_dict()
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        try:
            planned = system.plan_retention().to_dict()
        finally:
            monkeypatch.undo()
            time.tzset()
        for name in ("months", "detach", "drop", "kept"):
            assert planned[name] == expected[name]


def test_other_tiers_go_by_their_own_clocks_and_holds_keep_them(system: AnalyticsSystem) -> None:
    old = (utc_now() - timedelta(days=1000)).timestamp()
    export = system.export_data("SELECT 1 AS one")
    fresh = system.export_data("SELECT 1 AS one")
    foreign = export.path.with_name("notes.txt")
    foreign.write_text("kept")
    for path in (export.path, foreign):
        os.utime(path, (old, old))
    owner(
        system,
        "INSERT INTO internal.quarantine (batch_id, kind, rule, file, contract_version, "
        "quarantined_at, record) SELECT 1, 'responses', 'missing', 'a', '1', m, '{}' "
        "FROM (VALUES (now() - INTERVAL '91 days'), (now())) AS v (m)",
    )
    owner(
        system,
        "INSERT INTO analytics.processing_jobs (job_type, status, finished_at) VALUES "
        "('ingest', 'succeeded', now() - INTERVAL '401 days')",
    )
    owner(
        system,
        "INSERT INTO internal.given_advice (topic, subject, description, measure, lever, evidence, "
        "ended_at) SELECT 'memory', '', 'more', 'hits', '', '{}', m "
        "FROM (VALUES (now() - INTERVAL '401 days'), (now()), (NULL)) AS v (m)",
    )
    for days in (401, 399):
        owner(
            system,
            "INSERT INTO analytics.system_health_metrics (measured_at, component, metric, value, "
            f"unit, status) VALUES (now() - INTERVAL '{days} days', 'host', 'disk', 1, '%', "
            "'healthy')",
        )
    tiers = {one.tier: one for one in system.plan_retention().tiers}
    assert tiers["exports"].names == (export.filename,)
    assert tiers["quarantine"].items == 0, "those of the newest batch are still checked"
    system.ingest_data(make_survey(system.config, 5, seed=8, days=1, name="late"))
    hold = system.hold_retention("case 17", tier="exports")
    plan = system.plan_retention()
    # One more has aged since the plan: what is certified is what went.
    owner(
        system,
        "INSERT INTO analytics.system_health_metrics (measured_at, component, metric, value, unit, "
        "status) VALUES (now() - INTERVAL '402 days', 'host', 'disk', 1, '%', 'healthy')",
    )
    gone = apply(system, plan).tiers
    assert gone == {"quarantine": 1, "logs": 2, "measurements": 2}
    assert [one["row_count"] for one in certificates(system) if "measure" in one["what"]] == [2]
    assert export.path.exists()
    system.release_retention(hold.id)
    assert apply(system).tiers == {"exports": 1}
    assert not export.path.exists()
    assert not export.path.with_name(f"{export.filename}.manifest.json").exists()
    assert fresh.path.exists()
    assert foreign.exists()
    assert count(system, "internal.quarantine") == 1


def test_only_backups_that_the_plan_names_go_and_each_is_audited(system: AnalyticsSystem) -> None:
    settings = {"keep_count": 1, "keep_days": 0}
    with AnalyticsSystem(system.config.replace(backup=settings, retention_days=9000)) as thrifty:
        first = thrifty.create_backup()
        second = thrifty.drill_backup(thrifty.create_backup().id)
        plan = thrifty.plan_retention()
        assert [one.names for one in plan.tiers if one.tier == "backups"] == [(first.id,)]
        third = thrifty.drill_backup(thrifty.create_backup().id)
        assert thrifty.apply_retention(plan).tiers == {"backups": 1}
        assert [one.id for one in thrifty.list_backups()] == [third.id, second.id]
        assert [one.id for one in thrifty.prune_backups()] == [second.id], "the control"
    audited = "SELECT object FROM analytics.audit_log WHERE object LIKE 'backup %' AND action = "
    found = owner(system, f"{audited} 'destroy' ORDER BY sequence")
    assert found == [(f"backup {first.id}",), (f"backup {second.id}",)]


def test_a_year_partition_goes_when_all_its_months_have_expired(system: AnalyticsSystem) -> None:
    start = datetime(2012, 5, 10, tzinfo=UTC)
    old = make_survey(system.config, 40, seed=8, days=90, name="old", start=start)
    batch = system.ingest_data(old).batch_id
    assert batch is not None
    system.refresh()
    arrived(system, LONG_AGO, batch)
    before = answers(system)
    plan = system.plan_retention()
    assert "2012" in [one.period for one in plan.detach]
    assert {one.month.month for one in plan.months if one.month.year == 2012} >= {5, 6, 7}
    hold = system.hold_retention("case 17", start=date(2012, 6, 1), end=date(2012, 7, 1))
    partly = system.plan_retention()
    assert "2012" not in [one.period for one in partly.detach]
    receipt = apply(system, partly)
    assert {"2012-05", "2012-07"} <= set(receipt.deleted)
    assert count(system, RESPONSES, "created_at < '2013-01-01'") > 0
    system.release_retention(hold.id)
    assert apply(system).detached == ("2012",)
    assert answers(system) == before


def test_who_is_erased_is_erased_from_what_waits_to_be_dropped(system: AnalyticsSystem) -> None:
    apply(system)
    (found,) = owner(
        system,
        "SELECT org_hash, count(*) FROM retired.anonymized_assessment_responses_2024_01 "
        "GROUP BY 1 ORDER BY 2 DESC LIMIT 1",
    )
    organization, number = found
    assert number > 10, "the control: it is there"
    erased = owner(system, f"SELECT internal.erase_rows('organization', '{organization}')")
    assert erased[0][0] > number
    left = owner(
        system,
        "SELECT (SELECT count(*) FROM retired.anonymized_assessment_responses_2024_01 "
        f"WHERE org_hash = '{organization}'), (SELECT count(*) FROM "
        "retired.anonymized_question_responses_2024_01 AS q WHERE NOT EXISTS (SELECT FROM "
        "retired.anonymized_assessment_responses_2024_01 AS r WHERE r.id = q.response_hash))",
    )
    assert left == [(0, 0)]


def test_the_newest_batch_is_accounted_for_after_its_rows_have_gone(
    system: AnalyticsSystem,
) -> None:
    for promise in ("newest_batch_accounted", "no_duplicates_no_orphans"):
        assert system.check_integrity(promise).passed
    apply(system)
    for promise in ("newest_batch_accounted", "no_duplicates_no_orphans"):
        assert system.check_integrity(promise).passed


def test_maintenance_tells_what_has_expired_and_lets_it_go_when_it_may(
    system: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = system.perform_maintenance(dry_run=True).step("retention")
    assert (step.plan, len(step.findings)) == ((), 2)
    assert "raw rows of 2024-01 expired" in step.findings[0]
    with AnalyticsSystem(system.config.replace(retention={"apply": True})) as eager:
        told = eager.perform_maintenance(dry_run=True).step("retention")
        assert "let go what has expired" in told.plan[0]
        refused = eager.perform_maintenance()
        (reason,) = refused.step("retention").left.values()
        assert "no drilled backup" in reason
        assert refused.step("views").done, "what does not stand on it is done all the same"
        assert count(system, RESPONSES) == 300
        eager.drill_backup(eager.create_backup().id)
        done = eager.perform_maintenance().step("retention")
    assert done.done == told.plan
    assert done.before["raw_rows"] > done.after["raw_rows"] == 0


def test_a_wrong_table_name_is_no_partition(system: AnalyticsSystem) -> None:
    # A table that only looks like a partition is left alone.
    name = sql.Identifier("analytics", "anonymized_assessment_responses_1999_01")
    with system.database.connection("owner") as connection:
        connection.execute(sql.SQL("CREATE TABLE {} (n integer)").format(name))
    assert "1999_01" not in [one.period for one in system.plan_retention().detach]


def test_an_archive_read_back_has_the_same_content(
    system: AnalyticsSystem, platform_factory: Callable[[], AnalyticsSystem], tmp_path: Path
) -> None:
    before = [row for row in content_rows(system) if not row.startswith("response_registry")]
    told = answers(system)
    # Percentiles of our norms are no content of the rows: read back, they are filled in anew.
    system.create_norms("2024", minimum_n=10)
    assert system.apply_norms("2024").changed > 0
    config = system.config.replace(retention={"archive": tmp_path / "archives"})
    with AnalyticsSystem(config) as keeping:
        archived = apply(keeping).archived
    assert [Path(one).name for one in archived] == ["2024-01-to-batch-1", "2024-02-to-batch-1"]
    other = platform_factory()
    receipt = other.ingest_files(*archived)
    assert (receipt.quarantined, receipt.duplicates) == (
        0,
        receipt.by_kind["assessments"].duplicates,
    )
    other.refresh()
    after = [row for row in content_rows(other) if not row.startswith("response_registry")]
    assert after == before
    assert answers(other) == told
    assert other.ingest_files(archived[0]).is_duplicate
    # Where the month is sealed, its responses are known and stay out.
    again = system.ingest_files(archived[0])
    assert again.accepted == 0
    assert again.quarantine["period_sealed"] > 0
    # The control: a changed file is refused.
    changed = Path(archived[1]) / "scores.parquet"
    content = bytearray(changed.read_bytes())
    content[len(content) // 2] ^= 1
    changed.write_bytes(content)
    with pytest.raises(IntegrityFailure, match="scores.parquet is not as it was written"):
        other.ingest_files(archived[1])


def test_without_room_for_the_archive_the_rows_stay(
    system: AnalyticsSystem, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with (
        AnalyticsSystem(system.config.replace(retention={"archive": blocked / "in"})) as keeping,
        pytest.raises(ConfigurationError, match="ANALYTICS_ARCHIVE_FOLDER"),
    ):
        apply(keeping)
    assert count(system, RESPONSES) == 300
    assert count(system, "internal.sealed_months") == 0
