"""The private files of a home folder: locks, records and passwords of mode 600.

For: ``database.embedded`` and ``database.passwords``. Not for: the server's own files
(``database.cluster``), which may belong to another account.
"""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ioc_analytics.kernel.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class HomeFiles:
    """What the embedded server keeps in ``home/server``, owned by the account that calls."""

    home: Path
    """The installation's folder."""

    @property
    def folder(self) -> Path:
        """Folder of mode 700 around all the others."""
        return self.home / "server"

    @property
    def leases(self) -> Path:
        """Locked shared by every process that needs the server."""
        return self.folder / "leases"

    @property
    def start_lock(self) -> Path:
        """Locked by the process that is starting the server."""
        return self.folder / "start"

    @property
    def keeper_lock(self) -> Path:
        """Locked by the keeper for as long as it lives."""
        return self.folder / "keeper"

    @property
    def record(self) -> Path:
        """Where data, socket and programs are."""
        return self.folder / "server.json"

    @property
    def superuser(self) -> Path:
        """The superuser's name and password."""
        return self.folder / "superuser.json"


def make_home(home: Path) -> None:
    """Make the home folder if it does not exist; one that exists keeps its mode.

    Raises:
        ConfigurationError: It cannot be made or written.
    """
    try:
        # Root's server runs as another account, which has to pass through; what is secret in here
        # has a mode of its own.
        make_folder(home, 0o711 if os.geteuid() == 0 else 0o700)
    except OSError as fault:
        raise _unwritable(home, fault) from fault


def make_folder(folder: Path, mode: int) -> None:
    """Make a folder that shows up with its final mode at once; one that exists stays as it is.

    Of several processes that start together none may meet a folder which the others have made but
    not yet opened: it would take it for one that the server's account cannot enter.

    Raises:
        OSError: It cannot be made, or is a file.
    """
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name[:100]}-", dir=folder.parent))
    try:
        fresh.chmod(mode)
        fresh.rename(folder)
    except OSError:
        fresh.rmdir()
        if not folder.is_dir():
            raise


def make_server_files(files: HomeFiles) -> None:
    """Make the home folder and the folder of the server's locks in it.

    Raises:
        ConfigurationError: They cannot be made or written.
    """
    make_home(files.home)
    try:
        files.folder.mkdir(mode=0o700, exist_ok=True)
        files.leases.touch(mode=0o600)
    except OSError as fault:
        raise _unwritable(files.home, fault) from fault


def read_json(path: Path) -> dict[str, Any]:
    """Return the content of a record; empty when there is none.

    Raises:
        ConfigurationError: It cannot be read.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as fault:
        raise ConfigurationError(
            f"{path} cannot be read ({fault}): bring it back from a copy of the home folder"
        ) from fault
    return content


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Write a record with mode 600, whole or not at all."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _unwritable(home: Path, fault: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"the home folder {home} cannot be written by this account "
        f"({fault.strerror}: {fault.filename}): set ANALYTICS_HOME to a folder that it owns"
    )
