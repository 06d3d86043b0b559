"""PostgreSQL's client programs: the right version, run without a password in sight.

For: dumps, restores, the schema as text. Not for: servers (``database.embedded``).
"""

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ioc_analytics.database.accounts import Account
from ioc_analytics.database.binaries import PROGRAM_TIMEOUT_SECONDS, candidate_folders
from ioc_analytics.kernel.errors import ConfigurationError, Unavailable

_SHOWN_LINES = 4


@dataclass(frozen=True, slots=True)
class Clients:
    """``pg_dump`` and ``pg_restore`` of one version."""

    folder: Path
    version: str
    """Such as ``18.6``."""

    @property
    def major(self) -> int:
        """Major version."""
        return int(self.version.split(".")[0])


def find_clients(major: int, preferred: Path | None = None) -> Clients:
    """Return client programs that are not older than a server: of its own version, else newer.

    Args:
        major: Major version of the server.
        preferred: Folder to look at first.

    Raises:
        ConfigurationError: There are only older ones, or none: an older ``pg_dump`` does not know
            what a newer server holds.
    """
    found = [clients for clients in map(_inspect, _folders(preferred)) if clients is not None]
    # What a newer pg_dump writes, only a newer pg_restore reads.
    for clients in sorted(found, key=lambda clients: clients.major != major):
        if clients.major >= major:
            return clients
    older = ", ".join(f"{clients.version} in {clients.folder}" for clients in found)
    raise ConfigurationError(
        f"the server is PostgreSQL {major}, and pg_dump is {older or 'not installed'}: "
        f"install the client programs of PostgreSQL {major} or newer, or name their folder in "
        "ANALYTICS_PG_BIN"
    )


def run_client(
    program: Path,
    arguments: Sequence[str],
    conninfo: str | None,
    forgives: Callable[[str], bool] = lambda said: False,
    account: Account | None = None,
) -> str:
    """Run a client program against a database and return what it printed.

    Args:
        program: The program.
        arguments: Its arguments, without those of the connection.
        conninfo: Where it connects to; None: nowhere.
        forgives: Whether a failure that said so is none.
        account: The account that it runs as; None: that of this process.

    Raises:
        Unavailable: It failed; the last lines of what it said are given.
    """
    given = conninfo_to_dict(conninfo or "")
    password = given.pop("password", None)
    # Not in the arguments, which every account of the machine can list.
    secret = {"PGPASSWORD": str(password)} if password else {}
    place = [] if conninfo is None else [f"--dbname={make_conninfo('', **given)}"]
    command = [str(program), *arguments, *place]
    try:
        done = subprocess.run(
            command,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", **secret},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            cwd="/" if account else None,  # it may not enter the folder that this process is in
            **(account.process_options() if account else {}),
        )
    except subprocess.CalledProcessError as fault:
        if forgives(fault.stderr):
            return str(fault.stdout)
        lines = " ".join(fault.stderr.strip().splitlines()[-_SHOWN_LINES:])
        raise Unavailable(f"{program.name} did not finish: {lines}") from fault
    except OSError as fault:
        raise Unavailable(f"{program} cannot be run: {fault}") from fault
    return done.stdout


def _folders(preferred: Path | None) -> list[Path]:
    on_path = shutil.which("pg_dump")
    return [
        *([preferred] if preferred else []),
        *candidate_folders(),
        *([Path(on_path).parent] if on_path else []),
    ]


def _inspect(folder: Path) -> Clients | None:
    try:
        said = subprocess.run(
            [folder / "pg_dump", "--version"],
            capture_output=True,
            text=True,
            timeout=PROGRAM_TIMEOUT_SECONDS,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)?)", said)
    return Clients(folder, match[1]) if match and (folder / "pg_restore").is_file() else None
