"""Physical backups: the whole server, drilled, and restored to a moment between two batches."""

import gzip
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.backup import archive
from ioc_analytics.backup.manifest import read_manifest
from ioc_analytics.backup.signing import signing_key
from ioc_analytics.database.embedded import discard_server
from ioc_analytics.database.neighbours import neighbour_url
from ioc_analytics.kernel.errors import (
    ConfigurationError,
    IntegrityFailure,
    InvalidInput,
    Unavailable,
)
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.monitoring.rules import build_rules
from ioc_analytics.records.backups import Backup
from ioc_analytics_tests.faults.test_backup_faults import killed, small_disk
from ioc_analytics_tests.fixtures.batches import (
    answers,
    assessment,
    content_rows,
    count,
    response,
    write_batch,
)
from ioc_analytics_tests.fixtures.database import FoundServer
from ioc_analytics_tests.fixtures.platform import PSEUDONYM_KEY
from ioc_analytics_tests.fixtures.processes import nothing_is_left, wait_until

RESPONSES = "analytics.anonymized_assessment_responses"


@dataclass(frozen=True, slots=True)
class Story:
    """An installation: a drilled physical backup of one batch, then two more batches."""

    config: AnalyticsConfig
    backup: Backup
    between: datetime
    """After the second batch, before the third."""


def ingest(system: AnalyticsSystem, name: str) -> None:
    records = {
        "assessments": [assessment()],
        "responses": [response(name)],
        "question_responses": answers(name),
    }
    folder = write_batch(system.config.home / f"batch-{name}", records)
    system.ingest_files(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def story(found_server: FoundServer) -> Iterator[Story]:
    parent = Path(tempfile.mkdtemp(prefix="ioc-home-"))
    parent.chmod(0o711)
    config = AnalyticsConfig.load({}, home=parent / "home", pg_bin=found_server.bin_folder).replace(
        privacy={"pseudonym_key": PSEUDONYM_KEY}, backup={"log_archive": parent / "archive"}
    )
    try:
        with AnalyticsSystem(config) as system:
            system.initialize()
            ingest(system, "first")
            backup = system.create_backup({"method": "physical"})
            assert (backup.state, backup.method) == ("written", "physical")
            drilled = system.drill_backup(backup.id)
            ingest(system, "second")
            between = datetime.now(UTC)
            ingest(system, "third")
            yield Story(config, drilled, between)
    finally:
        discard_server(config.home)
        shutil.rmtree(parent)


@pytest.fixture
def system(story: Story) -> Iterator[AnalyticsSystem]:
    with AnalyticsSystem(story.config) as system:
        yield system


def restored(story: Story, home: Path) -> AnalyticsSystem:
    return AnalyticsSystem(story.config.replace(home=home, backup={"log_archive": None}))


def test_a_physical_backup_is_drilled_like_any_other(story: Story, system: AnalyticsSystem) -> None:
    assert story.backup.state == "drilled"
    assert story.backup.restore_seconds is not None and story.backup.restore_seconds > 0
    assert story.backup.fingerprints[RESPONSES].rows == 1
    assert system.verify_backup(story.backup.id).state == "drilled"
    assert system.get_system_status().last_backup == story.backup.created_at
    with system.database.superuser_connection() as connection:
        slots = connection.execute("SELECT slot_name FROM pg_replication_slots").fetchall()
    assert slots == [], "a slot that stays would keep the log for ever"


def test_a_restore_to_a_moment_between_two_batches_has_the_first_and_not_the_second(
    story: Story, system: AnalyticsSystem, fresh_home: Path
) -> None:
    receipt = system.restore_backup(story.backup.id, fresh_home, story.between)
    assert receipt.home == str(fresh_home)
    with restored(story, fresh_home) as other:
        assert count(other, RESPONSES) == 2
        ingest(other, "third")  # it takes new data, under the same key
        assert content_rows(other) == content_rows(system)
    with pytest.raises(InvalidInput, match="has a database already"):
        system.restore_backup(story.backup.id, fresh_home, story.between)


def test_without_a_moment_it_is_the_backups_and_latest_is_all(
    story: Story, system: AnalyticsSystem, fresh_home: Path
) -> None:
    system.restore_backup(story.backup.id, fresh_home / "then")
    system.restore_backup(story.backup.id, fresh_home / "now", "latest")
    try:
        with restored(story, fresh_home / "then") as other:
            assert count(other, RESPONSES) == 1
        with restored(story, fresh_home / "now") as other:
            assert content_rows(other) == content_rows(system)
    finally:
        for name in ("then", "now"):
            discard_server(fresh_home / name)


def test_the_erased_stay_erased_whatever_the_moment(
    story: Story, system: AnalyticsSystem, fresh_home: Path
) -> None:
    ingest(system, "fourth")
    moment = datetime.now(UTC)
    person = system.pseudonym("respondent", "person of fourth")
    with system.database.connection("owner") as connection:
        connection.execute("SELECT internal.erase_rows('respondent', %s)", [person])
        connection.execute(
            "INSERT INTO internal.erasure_tombstones (kind, pseudonym) VALUES ('respondent', %s)",
            [person],
        )
    receipt = system.restore_backup(story.backup.id, fresh_home, moment.isoformat())
    assert receipt.erased_rows > 50
    with restored(story, fresh_home) as other:
        assert count(other, RESPONSES, f"respondent_hash = '{person}'") == 0
        assert count(other, RESPONSES) == count(system, RESPONSES)


def test_what_cannot_be_is_refused_and_leaves_nothing(
    story: Story, system: AnalyticsSystem, fresh_home: Path
) -> None:
    known = story.backup.id
    with pytest.raises(InvalidInput, match="ends before the moment"):
        system.restore_backup(known, fresh_home, datetime.now(UTC) + timedelta(days=1))
    assert not (fresh_home / "postgres").exists()
    with pytest.raises(InvalidInput, match="name a new home folder"):
        system.restore_backup(known, "another_database")
    with pytest.raises(InvalidInput, match="until is a moment such as"):
        system.restore_backup(known, fresh_home, "yesterday")
    with pytest.raises(InvalidInput, match="method is one of dump, physical"):
        system.create_backup({"method": "snapshot"})
    with pytest.raises(InvalidInput, match="by pgbackrest has no option 'compression'"):
        system.create_backup({"method": "pgbackrest", "compression": 3})
    dump = system.create_backup()
    try:
        with pytest.raises(InvalidInput, match="is a dump, which knows one moment only"):
            system.restore_backup(dump.id, fresh_home, story.between)
    finally:
        shutil.rmtree(dump.location)


def test_a_damaged_base_is_told_by_name_and_one_damaged_before_by_the_drill(
    story: Story, system: AnalyticsSystem, tmp_path: Path
) -> None:
    folder = Path(story.backup.location)
    path = folder / "base" / "base.tar.gz"
    sound = path.read_bytes()
    damaged = bytearray(sound)
    damaged[len(sound) // 2] ^= 1
    path.write_bytes(damaged)
    try:
        for act in (system.verify_backup, system.drill_backup):
            with pytest.raises(IntegrityFailure, match=path.name):
                act(story.backup.id)
    finally:
        path.write_bytes(sound)
    assert system.drill_backup(story.backup.id).state == "drilled", "the control"


def test_killed_a_backup_leaves_no_slot_for_long_and_a_restore_lets_nobody_in(
    story: Story, system: AnalyticsSystem, fresh_home: Path
) -> None:
    def slots() -> int:
        with system.database.superuser_connection() as connection:
            return len(connection.execute("SELECT FROM pg_replication_slots").fetchall())

    before = system.list_backups()
    killed(system, "backup.physical.fingerprint_database", "create_backup", {"method": "physical"})
    assert slots() == 1, "the control: it died in the middle"
    assert system.list_backups() == before
    again = system.create_backup({"method": "physical"})
    assert slots() == 0
    shutil.rmtree(again.location)

    arguments = (story.backup.id, str(fresh_home))
    killed(system, "backup.restore.open_to_all", "restore_backup", *arguments)
    wait_until(lambda: nothing_is_left(fresh_home))
    with (
        restored(story, fresh_home) as half,
        pytest.raises(ConfigurationError, match="has no login yet"),
    ):
        half.get_system_status()
    wait_until(lambda: nothing_is_left(fresh_home))
    assert system.restore_backup(*arguments).home == str(fresh_home)
    with restored(story, fresh_home) as other:
        assert count(other, RESPONSES) == 1


def test_writers_wait_for_the_point_and_one_who_never_ends_is_named(
    story: Story, system: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ioc_analytics.backup.physical._LOCK_TIMEOUT", "200ms")
    before = system.list_backups()
    with psycopg.connect(system.database.conninfo("ingest")) as writing:
        writing.execute(f"LOCK TABLE {RESPONSES} IN ROW EXCLUSIVE MODE")
        with pytest.raises(Unavailable, match="lock timeout"):
            system.create_backup({"method": "physical"})
    assert system.list_backups() == before
    assert list(story.config.backup.folder.glob(".*.new")) == []


def test_a_whole_server_holds_scrambled_passwords_and_no_other_secret(
    story: Story, system: AnalyticsSystem
) -> None:
    home = story.config.home
    neighbour_url(system.database, "dagster")
    made = system.create_backup({"method": "physical"})
    secrets = [PSEUDONYM_KEY, *json.loads((home / "logins.json").read_text())["embedded"].values()]
    for name in ("superuser", "dagster"):
        secrets.append(json.loads((home / "server" / f"{name}.json").read_text())["password"])
    content = b""
    for packed in Path(made.location).rglob("*.gz"):
        content += gzip.decompress(packed.read_bytes())
    assert b"SCRAM-SHA-256$4096:" in content, "the exception, and the control"
    assert b"ioc_dagster" in content, "Dagster's database is in it"
    for secret in secrets:
        assert secret.encode() not in content
    shutil.rmtree(made.location)


def test_a_full_archive_is_an_alert_and_with_room_nothing_is_missing(
    story: Story, system: AnalyticsSystem
) -> None:
    folder = story.config.backup.log_archive
    assert folder is not None
    (archived,) = folder.iterdir()
    before = {path.name for path in archived.iterdir() if len(path.name) == 24}
    with system.database.superuser_connection() as connection:
        with small_disk(archived, "1m"):
            connection.execute("SELECT pg_switch_wal()")

            def failed() -> bool:
                row = connection.execute("SELECT last_failed_wal FROM pg_stat_archiver").fetchone()
                return bool(row and row[0])

            wait_until(failed)
            whole = [path for path in archived.iterdir() if not path.name.startswith(".")]
            assert whole == [], "half a segment never bears its name"
        archive.catch_up(connection)
    names = sorted(path.name for path in archived.iterdir() if len(path.name) == 24)
    assert {*names} > before
    numbers = [int(name[8:16], 16) * 256 + int(name[16:], 16) for name in names]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))


def test_an_archive_that_fails_is_an_alert_and_nothing_is_lost(
    story: Story, system: AnalyticsSystem
) -> None:
    folder = story.config.backup.log_archive
    assert folder is not None

    def unarchived() -> float:
        figures = system.measure_health().measurements
        return next(one.value or 0 for one in figures if one.metric == "unarchived_seconds")

    assert unarchived() == 0
    away = folder.with_name("away")
    folder.rename(away)
    with system.database.superuser_connection() as connection:
        connection.execute("SELECT pg_switch_wal()")
        wait_until(lambda: unarchived() > 0)
        rules = {rule.metric: rule for rule in build_rules(story.config)}
        assert rules["unarchived_seconds"].is_beyond(601, is_open=False)
        away.rename(folder)
        archive.catch_up(connection)
    wait_until(lambda: unarchived() == 0)


def test_the_archive_follows_its_setting_and_lets_go_what_no_backup_needs(
    story: Story, system: AnalyticsSystem
) -> None:
    folder = story.config.backup.log_archive
    assert folder is not None
    mark = read_manifest(Path(story.backup.location), signing_key(story.config)).physical
    assert mark is not None
    old = folder / mark.system / "000000010000000000000000"
    old.write_bytes(b"")
    kept = archive.segments(story.config, mark.system, mark.log_start)
    assert len(kept) > 0
    now = datetime.now(UTC)
    assert archive.prune(story.config, system.list_backups(), now) >= 1
    assert not old.exists()
    assert archive.segments(story.config, mark.system, "0" * 24) == kept
    assert archive.prune(story.config, [], now) == 0, "the first backup may be under way"
    abandoned = folder / "7000000000000000001" / old.name
    abandoned.parent.mkdir()
    abandoned.write_bytes(b"")
    assert archive.prune(story.config, system.list_backups(), now) == 0
    later = now + timedelta(days=story.config.backup.keep_days + 1)
    assert archive.prune(story.config, system.list_backups(), later) == 1, "no backup ever needs it"
    assert not abandoned.exists()
    abandoned.parent.rmdir()

    def command() -> str:
        with system.database.superuser_connection() as connection:
            row = connection.execute("SHOW archive_command").fetchone()
        return str(row[0]) if row else ""

    def becomes(text: str) -> bool:
        deadline = time.monotonic() + 30
        while text not in command() and time.monotonic() < deadline:
            time.sleep(0.05)
        return text in command()

    assert str(folder) in command()
    with AnalyticsSystem(story.config.replace(backup={"log_archive": None})) as without:
        archive.follow_setting(without.database)
        assert str(folder) in command(), "a shell without the setting makes no hole"
        archive.end(without.database)
        assert becomes("true")
    archive.follow_setting(system.database)
    assert becomes(str(folder))
