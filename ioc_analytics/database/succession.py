"""The data folder of a home, and the one that takes its place.

For: the upgrade to another major version (``backup.upgrade``). Not for: what is in them.

While it lasts, nobody else gets a lease on the home. Both servers run from homes of their own
below ``home/upgrade``: one from the old data with the old programs, one from the new. The change
of place is one step, the renaming of ``server.json``: before it the home is the old one, after it
the new one, whenever the process is killed. For that the passwords stay the same.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ioc_analytics.database.accounts import make_server_folder
from ioc_analytics.database.cluster import Cluster
from ioc_analytics.database.embedded import recorded_cluster
from ioc_analytics.database.filelocks import is_locked, take_file_lock
from ioc_analytics.database.homefiles import (
    HomeFiles,
    make_server_files,
    read_json,
    write_private,
)
from ioc_analytics.kernel.errors import ConfigurationError, Unavailable

WORK: Final = "upgrade"
_STOP_TIMEOUT_SECONDS: Final = 60
_POLL_SECONDS: Final = 0.05


@contextmanager
def stopped_server(home: Path, timeout_seconds: float = _STOP_TIMEOUT_SECONDS) -> Iterator[None]:
    """Keep everybody from a home's server, which is not running, for the length of a block.

    Raises:
        Unavailable: Another process uses it.
    """
    files = HomeFiles(home)
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            left = max(0.0, deadline - time.monotonic())
            lease = take_file_lock(files.leases, is_shared=False, timeout_seconds=left)
        except Unavailable as fault:
            raise Unavailable(
                f"the database of {home} is in use: stop Dagster and every other program of this "
                "installation, then try again"
            ) from fault
        # A keeper that waits for the same lock still has a server to stop.
        if not is_locked(files.keeper_lock):
            break
        os.close(lease)
        time.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        os.close(lease)


def current_cluster(home: Path) -> Cluster:
    """Return the data folder of a home.

    Raises:
        ConfigurationError: It has none.
    """
    record = read_json(HomeFiles(home).record)
    if not record:
        raise ConfigurationError(
            f"{home} has no database of its own: make one with `ioc-analytics init`, or name the "
            "home folder that has one in ANALYTICS_HOME"
        )
    return recorded_cluster(record)


def recorded_programs(home: Path) -> Path | None:
    """Return the folder of the programs that the home's server ran from last."""
    folder = read_json(HomeFiles(home).record).get("bin_folder")
    return None if folder is None else Path(folder)


def lend_old(home: Path) -> Path:
    """Return a home of its own for the old data, to run them while the home itself is closed."""
    other = home / WORK / "old"
    _copy_secrets(home, other)
    write_private(HomeFiles(other).record, read_json(HomeFiles(home).record))
    return other


def make_new(home: Path, major: int) -> Path:
    """Return a home of its own whose data folder will be the successor.

    Raises:
        ConfigurationError: A folder of the successor's name holds something.
    """
    other = home / WORK / "new"
    account = current_cluster(home).account
    folder = make_server_folder(home, account, f"postgres-{major}")
    if (folder / "data").exists():
        raise ConfigurationError(f"{folder} holds data already: move it to another place")
    _copy_secrets(home, other)
    write_private(HomeFiles(other).record, {"folder": str(folder), "account": account.name})
    return other


def superuser_password(home: Path) -> str:
    """Return the password that the superuser of a home's server has."""
    return str(read_json(HomeFiles(home).superuser)["password"])


def succeed(home: Path) -> None:
    """Make the new data folder the home's, in one step."""
    with stopped_server(home / WORK / "new"):
        record = read_json(HomeFiles(home / WORK / "new").record)
        successor = {"folder": record["folder"], "account": record["account"]}
        write_private(HomeFiles(home).record, successor)


def clear(home: Path) -> None:
    """Remove what an upgrade leaves, or one that was killed; never data that the home uses."""
    new = home / WORK / "new"
    for other in (home / WORK / "old", new):
        files = HomeFiles(other)
        if not files.folder.is_dir():
            continue
        with stopped_server(other):
            folder = read_json(files.record).get("folder")
            if other == new and folder and Path(folder) != current_cluster(home).folder:
                shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(home / WORK, ignore_errors=True)


def _copy_secrets(home: Path, other: Path) -> None:
    """Give another home the passwords of this one, so that its server has the same."""
    make_server_files(HomeFiles(other))
    own = HomeFiles(home)
    secrets = [own.home / "logins.json", *own.folder.glob("*.json")]
    for path in secrets:
        if path != own.record and path.is_file():
            write_private(other / path.relative_to(home), read_json(path))
