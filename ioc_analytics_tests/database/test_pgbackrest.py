"""A server that pgBackRest looks after: the same verbs, and its words count, not its exit code."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.backup import pgbackrest
from ioc_analytics.database.accounts import server_account
from ioc_analytics.database.embedded import discard_server
from ioc_analytics.kernel.errors import ConfigurationError, IntegrityFailure, InvalidInput
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.records.backups import Backup
from ioc_analytics_tests.database.test_backups import age, flip
from ioc_analytics_tests.database.test_physical_backups import RESPONSES, ingest
from ioc_analytics_tests.fixtures.batches import content_rows, count
from ioc_analytics_tests.fixtures.database import FOUND_SERVERS
from ioc_analytics_tests.fixtures.platform import PSEUDONYM_KEY

PACKAGED = [one.bin_folder for one in FOUND_SERVERS if "site-packages" not in str(one.bin_folder)]

pytestmark = [
    pytest.mark.skipif(not shutil.which("pgbackrest"), reason="pgbackrest is not installed"),
    pytest.mark.skipif(not PACKAGED, reason="no packaged PostgreSQL is installed"),
]


def run(*command: object) -> str:
    """Run a program as the account of the server, which is never root."""
    done = subprocess.run(
        [str(word) for word in command],
        check=True,
        capture_output=True,
        text=True,
        cwd="/",
        **server_account().process_options(),
    )
    return done.stdout


@contextmanager
def plain_server(parent: Path, programs: Path, archive_command: str) -> Iterator[Path]:
    """Run a server as an administrator would, and lend the folder of its socket."""
    data, socket = parent / "data", parent / "socket"
    run(programs / "initdb", "-D", data, "-U", "admin", "-A", "trust", "-N")
    with (data / "postgresql.conf").open("a") as lines:
        lines.write(
            f"listen_addresses = ''\nunix_socket_directories = '{socket}'\narchive_mode = on\n"
            f"archive_command = '{archive_command}'\nmax_locks_per_transaction = 512\n"
        )
    control = (programs / "pg_ctl", "-D", data, "-w", "-l", parent / "log" / "server")
    run(*control, "start")
    try:
        yield socket
    finally:
        run(*control, "-m", "immediate", "stop")


@dataclass(frozen=True, slots=True)
class Story:
    """A server with a drilled backup of one batch in the repository, and a second batch since."""

    config: AnalyticsConfig
    backup: Backup
    repository: Path


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    parent = Path(tempfile.mkdtemp(prefix="ioc-pgbackrest-"))
    parent.chmod(0o711)
    for name in ("data", "socket", "repository", "log", "lock"):
        (parent / name).mkdir(mode=0o700)
        server_account().give(parent / name)
    (parent / "socket").chmod(0o711)
    settings = parent / "pgbackrest.conf"
    settings.write_text(
        f"[global]\nrepo1-path={parent}/repository\nlog-path={parent}/log\n"
        f"lock-path={parent}/lock\nstart-fast=y\nlog-level-console=off\n[ioc]\n"
        f"pg1-path={parent}/data\npg1-socket-path={parent}/socket\npg1-user=admin\n"
    )
    command = f"pgbackrest --config={settings} --stanza=ioc"
    try:
        with plain_server(parent, PACKAGED[0], f"{command} archive-push %p") as socket:
            run(*command.split(), "stanza-create")
            config = AnalyticsConfig.load(
                {},
                home=parent / "home",
                pg_bin=PACKAGED[0],
                database={"url": f"postgresql://admin@/ioc?host={socket}"},
                privacy={"pseudonym_key": PSEUDONYM_KEY},
                backup={"method": "pgbackrest", "stanza": "ioc", "pgbackrest_config": settings},
            )
            with AnalyticsSystem(config) as system:
                system.initialize()
                ingest(system, "first")
                made = system.create_backup()
                assert (made.state, made.method) == ("written", "pgbackrest")
                drilled = system.drill_backup(made.id)
                ingest(system, "second")
            yield Story(config, drilled, parent / "repository")
    finally:
        shutil.rmtree(parent)


@pytest.fixture
def system(story: Story) -> Iterator[AnalyticsSystem]:
    with AnalyticsSystem(story.config) as system:
        yield system


def test_it_is_listed_verified_and_drilled_like_any_other(
    story: Story, system: AnalyticsSystem
) -> None:
    assert story.backup.state == "drilled"
    assert story.backup.fingerprints[RESPONSES].rows == 1
    assert story.backup.size > 1_000_000, "what is in the repository counts"
    assert [one.id for one in system.list_backups()] == [story.backup.id]
    assert system.verify_backup().state == "drilled"
    assert system.get_system_status().last_backup == story.backup.created_at


def test_it_is_restored_to_its_own_moment_and_to_the_latest(
    story: Story, system: AnalyticsSystem, fresh_home: Path
) -> None:
    try:
        for name, until, responses in (("then", None, 1), ("now", "latest", 2)):
            home = fresh_home / name
            receipt = system.restore_backup(story.backup.id, home, until)
            assert (receipt.home, receipt.is_compared) == (str(home), until is None)
            embedded = AnalyticsConfig.load(
                {},
                home=home,
                pg_bin=PACKAGED[0],
                database={"database": "ioc"},
                privacy={"pseudonym_key": PSEUDONYM_KEY},
            )
            with AnalyticsSystem(embedded) as other:
                assert count(other, RESPONSES) == responses
                if until is not None:
                    assert content_rows(other) == content_rows(system)
        with pytest.raises(InvalidInput, match="has a database already"):
            system.restore_backup(story.backup.id, fresh_home / "then")
    finally:
        for name in ("then", "now"):
            discard_server(fresh_home / name)


def test_a_flipped_byte_is_refused_which_the_exit_code_would_not_tell(
    story: Story, system: AnalyticsSystem, fresh_home: Path
) -> None:
    path = max(story.repository.glob("backup/ioc/*F/**/*.gz"), key=lambda one: one.stat().st_size)
    middle = path.stat().st_size // 2
    flip(path, middle)
    try:
        file = f"--config={story.config.backup.pgbackrest_config}"
        said = run("pgbackrest", file, "--stanza=ioc", "verify", "--output=text")
        assert "status: error" in said, "and its exit code is 0"
        for act in (
            system.verify_backup,
            system.drill_backup,
            lambda one: system.restore_backup(one, fresh_home),
        ):
            with pytest.raises(IntegrityFailure, match="pgBackRest says .* is invalid"):
                act(story.backup.id)
        assert "invalid" in str(system.list_backups()[0].fault)
        assert not (fresh_home / "postgres").exists()
    finally:
        flip(path, middle)
    assert system.drill_backup(story.backup.id).state == "drilled", "the control"


def test_what_is_pruned_goes_from_the_repository_too(story: Story, system: AnalyticsSystem) -> None:
    old = system.create_backup()
    known = pgbackrest.find(system.config, old.id)[0].label
    gone = age(system, old, 400)
    age(system, system.create_backup({"method": "dump"}), 20)
    assert [one.id for one in system.prune_backups()] == [gone]
    labels = [path.name for path in (story.repository / "backup" / "ioc").glob("*F")]
    assert known not in labels
    assert len(labels) == 1


def test_without_a_stanza_it_says_which_setting(system: AnalyticsSystem) -> None:
    nameless = system.config.replace(backup={"stanza": None})
    with (
        AnalyticsSystem(nameless) as other,
        pytest.raises(ConfigurationError, match="ANALYTICS_PGBACKREST_STANZA"),
    ):
        other.create_backup()
