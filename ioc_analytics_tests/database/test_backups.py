"""Backups on a real server: written, verified, drilled, restored; and what is refused."""

import gzip
import json
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from ioc_analytics import AnalyticsSystem
from ioc_analytics.backup import tombstones
from ioc_analytics.backup.fingerprints import fingerprint_database
from ioc_analytics.backup.manifest import MANIFEST, STATE, mark_files, read_manifest
from ioc_analytics.backup.retention import plan_pruning
from ioc_analytics.backup.signing import signing_key
from ioc_analytics.cli.main import cli
from ioc_analytics.database.clients import find_clients
from ioc_analytics.kernel.errors import (
    ConfigurationError,
    IntegrityFailure,
    InvalidInput,
)
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.records.backups import Backup, Fingerprint, State
from ioc_analytics_tests.fixtures.batches import (
    answers,
    assessment,
    content_rows,
    count,
    response,
    write_batch,
)
from ioc_analytics_tests.fixtures.database import (
    TemporaryServer,
    clone_template,
    drop_database,
    template_database,
)
from ioc_analytics_tests.fixtures.platform import PSEUDONYM_KEY
from ioc_analytics_tests.fixtures.processes import CHECKOUT
from ioc_analytics_tests.fixtures.real_data import real_data

MAPPING = CHECKOUT / "examples" / "mappings" / "big5.toml"
PEOPLE = 12


def filled_platform(config: AnalyticsConfig) -> None:
    """A migrated database with twelve responses."""
    names = [f"r{number}" for number in range(PEOPLE)]
    records = {
        "assessments": [assessment()],
        "responses": [response(name) for name in names],
        "question_responses": [row for name in names for row in answers(name)],
    }
    folder = write_batch(config.home / f"batch-{config.database.database}", records)
    with AnalyticsSystem(config.replace(privacy={"pseudonym_key": PSEUDONYM_KEY})) as system:
        system.initialize()
        system.ingest_files(folder)
    shutil.rmtree(folder)


@contextmanager
def filled_system(server: TemporaryServer, backups: Path) -> Iterator[AnalyticsSystem]:
    """Lend a filled platform whose backups lie in a folder of their own."""
    config = clone_template(template_database(server, filled_platform)).replace(
        privacy={"pseudonym_key": PSEUDONYM_KEY}, backup={"folder": backups}
    )
    with AnalyticsSystem(config) as system:
        yield system
    drop_database(config)


@pytest.fixture
def system(server: TemporaryServer, tmp_path: Path) -> Iterator[AnalyticsSystem]:
    with filled_system(server, tmp_path / "backups") as system:
        yield system


@pytest.fixture
def target(system: AnalyticsSystem) -> Iterator[str]:
    """Name of a database to restore into; dropped after the test."""
    name = f"{system.config.database.database}_r"
    yield name
    for left in (name, f"{name[:50]}_restoring"):
        drop_database(system.config.replace(database={"database": left}))


def restored(system: AnalyticsSystem, target: str) -> AnalyticsSystem:
    return AnalyticsSystem(system.config.replace(database={"database": target}))


def resign(system: AnalyticsSystem, folder: Path) -> None:
    """Sign the files of a backup as they are now, as if they had been so from the start."""
    key = signing_key(system.config)
    content = key.read(folder / MANIFEST)
    content["files"] = {
        name: {"size": mark.size, "sha256": mark.sha256}
        for name, mark in mark_files(folder).items()
    }
    key.write(folder / MANIFEST, content)


def largest(folder: Path) -> Path:
    return max((folder / "platform").glob("*.dat*"), key=lambda path: path.stat().st_size)


def flip(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)


def test_a_backup_is_written_verified_drilled_and_then_counts(system: AnalyticsSystem) -> None:
    assert system.get_system_status().last_backup is None
    steps: list[str] = []
    written = system.create_backup(progress=steps.append)
    assert written.state == "written"
    assert written.restore_seconds is None
    assert written.fingerprints["analytics.anonymized_assessment_responses"].rows == PEOPLE
    assert written.size > 0
    assert len(written.checksum) == 64
    assert "platform dumped" in steps

    assert system.verify_backup(written.id).state == "verified"
    assert system.get_system_status().last_backup is None, "only a drilled backup counts"

    drilled = system.drill_backup()
    assert (drilled.id, drilled.state) == (written.id, "drilled")
    assert drilled.restore_seconds is not None and drilled.restore_seconds > 0
    assert system.get_system_status().last_backup == drilled.created_at
    assert system.list_backups() == [drilled]
    assert system.verify_backup(written.id).state == "drilled", "it stays drilled"
    assert json.dumps(drilled.to_dict())


def test_neither_key_nor_password_is_in_a_backup(system: AnalyticsSystem) -> None:
    backup = system.create_backup({"compression": 0})
    content = b"".join(p.read_bytes() for p in Path(backup.location).rglob("*") if p.is_file())
    logins = json.loads((system.config.home / "logins.json").read_text())["embedded"]
    for secret in (PSEUDONYM_KEY, *logins.values()):
        assert secret.encode() not in content
    assert b"anonymized_assessments" in content, "the control: what is there is found"


def test_a_restored_database_holds_the_same_and_keeps_working(
    system: AnalyticsSystem, target: str, tmp_path: Path
) -> None:
    backup = system.create_backup()
    receipt = system.restore_backup(backup.id, target)
    assert (receipt.target, receipt.erased_rows) == (target, 0)
    with restored(system, target) as other:
        assert content_rows(other) == content_rows(system)
        assert other.get_ocean_analysis().sample_size == PEOPLE
        batch = write_batch(tmp_path / "more", {"responses": [response("later")]})
        assert other.ingest_files(batch).accepted == 1


def test_a_restore_overwrites_nothing(system: AnalyticsSystem, target: str) -> None:
    backup = system.create_backup()
    before = content_rows(system)
    with pytest.raises(InvalidInput, match="is not empty"):
        system.restore_backup(backup.id)
    assert content_rows(system) == before
    system.restore_backup(backup.id, target)
    with pytest.raises(InvalidInput, match="is not empty"):
        system.restore_backup(backup.id, target)


def test_after_a_disaster_a_fresh_installation_takes_the_backup(
    system: AnalyticsSystem, target: str
) -> None:
    backup = system.create_backup()
    before = content_rows(system)
    with restored(system, target) as fresh:
        fresh.initialize()
        receipt = fresh.restore_backup(backup.id)
        assert receipt.target == target
    with restored(system, target) as opened_anew:
        with opened_anew.database.connection("auditor") as connection:
            noted = "SELECT object FROM audit_log WHERE action = 'restore'"
            assert connection.execute(noted).fetchall() == [(f"backup {backup.id} into {target}",)]
        assert content_rows(opened_anew) == before
        assert opened_anew.get_ocean_analysis().sample_size == PEOPLE


def test_what_is_known_of_a_backup_may_be_damaged_and_is_found_anew(
    system: AnalyticsSystem,
) -> None:
    backup = system.create_backup()
    assert system.verify_backup(backup.id).state == "verified"
    (Path(backup.location) / STATE).write_text("damaged")
    assert system.verify_backup(backup.id).state == "verified"


def test_the_erased_stay_erased_also_when_the_database_is_lost(
    system: AnalyticsSystem, target: str
) -> None:
    old = system.create_backup()
    person = system.pseudonym("respondent", "person of r1")
    with system.database.connection("owner") as connection:
        connection.execute("SELECT internal.erase_rows('respondent', %s)", [person])
        connection.execute(
            "INSERT INTO internal.erasure_tombstones (kind, pseudonym) VALUES ('respondent', %s)",
            [person],
        )
    tombstones.keep_all(system.database)
    with system.database.connection("owner") as connection:
        connection.execute("DELETE FROM internal.erasure_tombstones")
    receipt = system.restore_backup(old.id, target)
    assert receipt.erased_rows > 50
    with restored(system, target) as other:
        condition = f"respondent_hash = '{person}'"
        assert count(other, "analytics.anonymized_assessment_responses", condition) == 0
        assert count(other, "analytics.anonymized_assessment_responses") == PEOPLE - 1
        assert other.get_ocean_analysis().sample_size == PEOPLE - 1


def test_a_changed_byte_is_found_and_the_file_named(system: AnalyticsSystem, target: str) -> None:
    folder = Path(system.create_backup().location)
    chosen = random.Random(5)
    files = sorted((folder / "platform").iterdir())
    table_of_contents = folder / "platform" / "toc.dat"
    paths = [table_of_contents, largest(folder), *chosen.choices(files, k=8)]
    for path in paths:
        offset = chosen.randrange(path.stat().st_size)
        flip(path, offset)
        for act in (
            system.verify_backup,
            system.drill_backup,
            lambda one: system.restore_backup(one, target),
        ):
            with pytest.raises(IntegrityFailure, match=path.name):
                act(folder.name)
        assert system.list_backups()[0].fault is not None
        flip(path, offset)
    assert system.verify_backup().fault is None, "the control: unharmed again, it is taken"


def test_what_is_signed_is_refused_wherever_it_was_changed(
    system: AnalyticsSystem, target: str
) -> None:
    folder = Path(system.create_backup().location)
    path = folder / MANIFEST
    size = path.stat().st_size
    for offset in [0, size - 2, *random.Random(7).choices(range(size), k=8)]:
        flip(path, offset)
        for act in (
            system.verify_backup,
            system.drill_backup,
            lambda one: system.restore_backup(one, target),
        ):
            # Where the flip is in the name of the key, that is what it says.
            with pytest.raises((IntegrityFailure, ConfigurationError), match=MANIFEST):
                act(folder.name)
        flip(path, offset)
    assert system.drill_backup().state == "drilled", "the control"

    path = folder / STATE
    size = path.stat().st_size
    for offset in [0, size - 2, *random.Random(8).choices(range(size), k=8)]:
        sound = path.read_bytes()
        flip(path, offset)
        assert system.list_backups()[0].fault is not None, "it does not count as drilled"
        assert system.verify_backup().state == "verified", "it is found out anew"
        path.write_bytes(sound)

    with system.database.connection("owner") as connection:
        connection.execute(
            "INSERT INTO internal.erasure_tombstones (kind, pseudonym) VALUES ('respondent', %s)",
            [system.pseudonym("respondent", "person of r1")],
        )
    tombstones.keep_all(system.database)
    path = folder.parent / "erasures.json"
    for offset in random.Random(9).choices(range(path.stat().st_size), k=5):
        flip(path, offset)
        with pytest.raises((IntegrityFailure, ConfigurationError), match=r"erasures\.json"):
            system.restore_backup(folder.name, target)
        flip(path, offset)


def test_without_an_id_the_newest_drilled_backup_is_restored(
    system: AnalyticsSystem, target: str
) -> None:
    with pytest.raises(InvalidInput, match="none of the 0 backups"):
        system.restore_backup(target=target)
    counts = system.create_backup()
    system.drill_backup(counts.id)
    damaged = system.create_backup()
    flip(largest(Path(damaged.location)), 3)
    assert system.restore_backup(target=target).id == counts.id


def test_real_answers_are_drilled_too(
    database_factory: Callable[[], AnalyticsConfig], tmp_path: Path
) -> None:
    with gzip.open(real_data("big5_2012/big5.tsv.gz"), "rt", encoding="utf-8") as whole:
        lines = list(islice(whole, 201))
    (tmp_path / "big5.tsv").write_text("".join(lines), encoding="utf-8")
    config = database_factory().replace(
        privacy={"pseudonym_key": PSEUDONYM_KEY}, backup={"folder": tmp_path / "backups"}
    )
    with AnalyticsSystem(config) as system:
        system.initialize()
        system.ingest_files(tmp_path / "big5.tsv", mapping=MAPPING)
        made = system.create_backup()
        assert system.drill_backup(made.id).state == "drilled"
        assert made.fingerprints["analytics.anonymized_assessment_responses"].rows == 200


def _truncate(folder: Path) -> str:
    path = largest(folder)
    path.write_bytes(path.read_bytes()[:-1])
    return path.name


def _extend(folder: Path) -> str:
    path = largest(folder)
    path.write_bytes(path.read_bytes() + b"\0")
    return path.name


def _remove(folder: Path) -> str:
    path = largest(folder)
    path.unlink()
    return path.name


def _add(folder: Path) -> str:
    (folder / "platform" / "9999.dat.gz").write_bytes(b"")
    return "9999.dat.gz"


def _edit(folder: Path) -> str:
    path = folder / MANIFEST
    path.write_text(path.read_text().replace('"rows": 12', '"rows": 13', 1))
    return MANIFEST


def _swap(folder: Path) -> str:
    one, other, *_ = sorted((folder / "platform").glob("*.dat*"))
    sizes = sorted((folder / "platform").glob("*.dat*"), key=lambda path: path.stat().st_size)
    one, other = sizes[-1], sizes[-2]
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    return one.name


CORRUPTIONS = (_truncate, _extend, _remove, _add, _edit, _swap)


def test_every_corruption_is_refused_by_name(
    system: AnalyticsSystem, target: str, tmp_path: Path
) -> None:
    folder = Path(system.create_backup().location)
    shutil.copytree(folder, tmp_path / "sound")
    for corrupt in CORRUPTIONS:
        name = corrupt(folder)
        for act in (system.verify_backup, system.drill_backup):
            with pytest.raises(IntegrityFailure, match=name):
                act(folder.name)
        with pytest.raises(IntegrityFailure, match=name):
            system.restore_backup(folder.name, target)
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "sound", folder)
    assert system.verify_backup().state == "verified"


def test_an_older_backup_under_a_newer_name_is_refused(system: AnalyticsSystem) -> None:
    folder = Path(system.create_backup().location)
    newer = folder.with_name("20991231T000000Z-abcdef")
    folder.rename(newer)
    with pytest.raises(IntegrityFailure, match=f"belongs to backup {folder.name}"):
        system.verify_backup(newer.name)


def test_what_was_damaged_before_it_was_hashed_only_the_drill_tells(
    system: AnalyticsSystem,
) -> None:
    folder = Path(system.create_backup({"compression": 0}).location)
    key = signing_key(system.config)
    path = next(
        one for one in (folder / "platform").glob("*.dat") if b"\tsurvey\t" in one.read_bytes()
    )
    path.write_bytes(path.read_bytes().replace(b"\tsurvey\t", b"\tsurvex\t"))  # some bits
    resign(system, folder)
    assert read_manifest(folder, key).id == folder.name
    assert system.verify_backup().state == "verified"
    with pytest.raises(IntegrityFailure, match=r"analytics.anonymized_assessments has other"):
        system.drill_backup()
    assert system.list_backups()[0].state == "written"
    assert system.list_backups()[0].fault is not None
    assert system.get_system_status().last_backup is None


def test_another_key_is_refused_with_both_named(system: AnalyticsSystem, target: str) -> None:
    backup = system.create_backup()
    other = system.config.replace(privacy={"pseudonym_key": "7a" * 32})
    with AnalyticsSystem(other) as stranger:
        assert "escrow" in str(stranger.list_backups()[0].fault)
        for act in (
            lambda: stranger.verify_backup(backup.id),
            lambda: stranger.restore_backup(backup.id, target),
        ):
            with pytest.raises(ConfigurationError, match="escrow"):
                act()


def test_an_unknown_backup_is_refused_with_the_nearest(system: AnalyticsSystem) -> None:
    with pytest.raises(InvalidInput, match="there is no backup in"):
        system.verify_backup()
    backup = system.create_backup()
    with pytest.raises(InvalidInput, match=f"did you mean '{backup.id}'"):
        system.verify_backup(backup.id[:-1])
    with pytest.raises(InvalidInput, match="did you mean 'compression'"):
        system.create_backup({"compresion": 3})


def test_programs_older_than_the_server_are_refused() -> None:
    assert find_clients(15).major >= 15
    with pytest.raises(ConfigurationError, match="is PostgreSQL 99, and pg_dump is"):
        find_clients(99)


def test_a_fingerprint_knows_content_and_neither_order_nor_place(system: AnalyticsSystem) -> None:
    conninfo = system.database.conninfo("owner")
    name = "analytics.anonymized_assessment_responses"

    def fingerprints() -> dict[str, Fingerprint]:
        # Each change of a table is noted here: the same rows are there, but not the same changes.
        found = fingerprint_database(conninfo)
        del found["analytics.table_versions"]
        return found

    before = fingerprints()
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("CREATE TEMPORARY TABLE moved AS TABLE " + name)
        connection.execute("DELETE FROM " + name)
        connection.execute(f"INSERT INTO {name} SELECT * FROM moved ORDER BY id DESC")
        assert fingerprints() == before
        connection.execute(
            f"UPDATE {name} SET time_spent_seconds = time_spent_seconds + 1"
            f" WHERE id = (SELECT min(id::text)::uuid FROM {name})"
        )
    changed = fingerprints()
    assert changed[name].rows == before[name].rows
    assert {one for one in before if before[one] != changed[one]} == {name, f"{name}_2024_03"}


def test_a_type_without_a_hash_is_fingerprinted_by_its_text(system: AnalyticsSystem) -> None:
    conninfo = system.database.conninfo("owner")
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("CREATE TABLE internal.odd AS SELECT '{}'::json AS content")

        def fingerprint() -> Fingerprint:
            return fingerprint_database(conninfo)["internal.odd"]

        before = fingerprint()
        assert before.rows == 1
        connection.execute("UPDATE internal.odd SET content = '[]'")
        assert fingerprint() != before
        connection.execute("UPDATE internal.odd SET content = '{}'")
        assert fingerprint() == before


def test_a_manifest_of_earlier_releases_is_compared_in_its_own_way(
    system: AnalyticsSystem,
) -> None:
    folder = Path(system.create_backup().location)
    key = signing_key(system.config)
    content = key.read(folder / MANIFEST)
    del content["hashing"], content["physical"]
    texts = fingerprint_database(system.database.conninfo("backup"), hashing="text")
    content["parts"] = {
        "platform": {
            name: {"rows": mark.rows, "digest": mark.digest}
            for name, mark in texts.items()
            if name != "internal.backups"
        }
        | {"internal.backups": content["parts"]["platform"]["internal.backups"]}
    }
    key.write(folder / MANIFEST, content)
    assert system.drill_backup(folder.name).state == "drilled"


def backup(days: int, state: State = "verified", fault: str | None = None) -> Backup:
    made = datetime(2026, 1, 1, tzinfo=UTC) - timedelta(days=days)
    return Backup(f"b{days}", made, 1, "", "", state, fault=fault)


def physical(days: int, state: State) -> Backup:
    return replace(backup(days, state), method="physical")


@pytest.mark.parametrize(
    ("backups", "going"),
    [
        ([backup(1), backup(2), backup(400)], []),  # nothing goes before one was drilled
        ([backup(1, "drilled"), backup(2), backup(40), backup(50)], ["b50", "b40"]),
        (  # of each method the newest drilled one stays
            [backup(1, "drilled"), backup(2), physical(400, "drilled"), physical(500, "drilled")],
            ["b500"],
        ),
        ([backup(1), backup(40), backup(500, "drilled")], []),  # the newest drilled one stays
        ([backup(1, "drilled"), backup(400)], ["b400"]),  # past the horizon, few as they are
        ([backup(1, "drilled"), backup(2, fault="bad"), backup(40)], []),  # a fault takes no place
    ],
)
def test_retention_keeps_what_counts(
    platform_config: AnalyticsConfig, backups: list[Backup], going: list[str]
) -> None:
    settings = platform_config.replace(
        backup={"keep_count": 2, "keep_days": 30, "horizon_days": 365}
    ).backup
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert [one.id for one in plan_pruning(backups, settings, now)] == going


def age(system: AnalyticsSystem, made: Backup, days: int) -> str:
    """Let a backup have been made days ago; return its new id."""
    folder, key = Path(made.location), signing_key(system.config)
    moment = made.created_at - timedelta(days=days)
    older = folder.with_name(f"{moment:%Y%m%dT%H%M%S}Z-{folder.name[-6:]}")
    content = key.read(folder / MANIFEST)
    key.write(folder / MANIFEST, content | {"id": older.name, "created_at": moment.isoformat()})
    folder.rename(older)
    return older.name


def test_nothing_goes_by_a_clock_that_runs_ahead(
    system: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = age(system, system.create_backup(), 400)
    system.create_backup()
    system.drill_backup()
    with monkeypatch.context() as patched:
        place = "ioc_analytics.backup.retention.utc_now"
        patched.setattr(place, lambda: datetime.now(UTC) + timedelta(days=400))
        with pytest.raises(IntegrityFailure, match="are 400 days"):
            system.prune_backups()
    # Host and server together: 400 days lie between the records and what the clock says.
    with pytest.raises(IntegrityFailure, match="either the platform stood still"):
        system.prune_backups()
    assert len(system.list_backups()) == 2
    age(system, system.create_backup(), 20)
    assert [one.id for one in system.prune_backups()] == [old], "the control: backups every month"


def test_the_commands_make_try_and_restore_a_backup(system: AnalyticsSystem, target: str) -> None:
    config = system.config
    environment = {
        "ANALYTICS_HOME": str(config.home),
        "ANALYTICS_PG_BIN": str(config.pg_bin),
        "ANALYTICS_DB_NAME": config.database.database,
        "ANALYTICS_PSEUDONYM_KEY": PSEUDONYM_KEY,
        "ANALYTICS_BACKUP_FOLDER": str(config.backup.folder),
    }

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner(env=environment).invoke(cli, ["backup", *arguments])
        assert result.exit_code == code, result.output
        return result.stdout

    made = json.loads(run("create", "--json"))
    assert made["state"] == "written"
    assert "every file is as it was written" in run("verify")
    assert "all equal" in run("restore", made["id"], "--target", target)
    assert "is not empty" in run("restore", made["id"], "--target", target, "--json", code=2)
    assert made["id"] in run("list")
    assert json.loads(run("list", "--json"))["backups"][0]["state"] == "verified"
    flip(largest(Path(made["location"])), 3)
    assert largest(Path(made["location"])).name in run("drill", "--json", code=1)
