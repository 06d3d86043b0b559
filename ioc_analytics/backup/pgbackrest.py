"""pgBackRest, where it looks after a server: its words read, its repository used like a folder.

For: backups by the method ``pgbackrest`` (``backup.physical`` writes them, ``backup.recovering``
brings them back). Not for: setting it up: stanza, archive_command and repository are the
operator's.

Its ``verify`` ends with exit code 0 whatever it finds, so what it says is read. It runs as the
account that runs embedded servers: as oneself, unless one is root.
"""

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any, Final

from ioc_analytics.database.accounts import server_account
from ioc_analytics.database.clients import run_client
from ioc_analytics.database.recovery import Place, Writer
from ioc_analytics.kernel.errors import ConfigurationError, IntegrityFailure, Unavailable
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.records.backups import RepositoryMark

_ID: Final = "ioc-analytics"
"""The annotation that says which of our backups one of the repository is."""

_BACKUP_LINE: Final = re.compile(r"backup: (\S+), status: (\w+)")
_LOG_LINE: Final = re.compile(r"archiveId: (\S+), total WAL checked: (\d+), total valid WAL: (\d+)")


def back_up(config: AnalyticsConfig, backup_id: str) -> None:
    """Write a full backup into the repository, under the name of ours.

    Raises:
        ConfigurationError: pgBackRest is not here, or no stanza is named.
        Unavailable: It failed; its last words are given.
    """
    # What goes is said by the settings of backups, not by those of the repository.
    given = ["--type=full", "--no-expire-auto", f"--annotation={_ID}={backup_id}"]
    _run(config, _stanza(config), "backup", *given)


def find(config: AnalyticsConfig, backup_id: str) -> tuple[RepositoryMark, str]:
    """Return what is known of one of our backups, and the first segment of the log it needs.

    Raises:
        Unavailable: The repository does not hold it.
    """
    stanza = _stanza(config)
    for one in _listed(config, stanza):
        if one.get("annotation", {}).get(_ID) == backup_id:
            mark = RepositoryMark(stanza, one["label"], one["info"]["repository"]["size"])
            return mark, one["archive"]["start"]
    raise Unavailable(f"pgBackRest has no backup {backup_id} in the repository of {stanza}")


def verify(config: AnalyticsConfig, mark: RepositoryMark, backup_id: str) -> None:
    """Have pgBackRest check every file of a backup and the log, and read what it says.

    Raises:
        IntegrityFailure: It does not say that all is well.
    """
    said = _run(config, mark.stanza, "verify", "--output=text", "--verbose")
    backups = dict(_BACKUP_LINE.findall(said))
    faults = [
        f"{whole} segments of the log {name} were checked and {valid} are valid"
        for name, whole, valid in _LOG_LINE.findall(said)
        if whole != valid
    ]
    if backups.get(mark.label) != "valid":
        found = backups.get(mark.label, "not found")
        faults.append(f"{mark.label} in the repository of {mark.stanza} is {found}")
    if faults:
        raise IntegrityFailure(
            f"backup {backup_id}: pgBackRest says that {'; '.join(faults)}. Use another backup"
        )


def writer(config: AnalyticsConfig, mark: RepositoryMark) -> Writer:
    """Return what restores a backup of the repository as the data of a new home."""

    def write(place: Place) -> str:
        _run(config, mark.stanza, "restore", f"--set={mark.label}", f"--pg1-path={place.draft}")
        command = [*_command(config, mark.stanza), f"--pg1-path={place.data}", "archive-get"]
        return shlex.join(command).replace("%", "%%") + ' %f "%p"'

    return write


def expire(config: AnalyticsConfig, mark: RepositoryMark) -> None:
    """Delete a backup from the repository; one that is gone already is no fault.

    Raises:
        Unavailable: pgBackRest refuses, as it does for the last full backup.
    """
    if any(one["label"] == mark.label for one in _listed(config, mark.stanza)):
        _run(config, mark.stanza, "expire", f"--set={mark.label}")


def _listed(config: AnalyticsConfig, stanza: str) -> list[dict[str, Any]]:
    found = json.loads(_run(config, stanza, "info", "--output=json"))
    return [one for known in found for one in known["backup"]]


def _stanza(config: AnalyticsConfig) -> str:
    if config.backup.stanza is None:
        raise ConfigurationError(
            "backups by pgBackRest need the stanza of this server: name it in "
            "ANALYTICS_PGBACKREST_STANZA"
        )
    return config.backup.stanza


def _command(config: AnalyticsConfig, stanza: str) -> list[str]:
    program = shutil.which("pgbackrest")
    if program is None:
        raise ConfigurationError("pgBackRest is not installed here: install pgbackrest")
    file = config.backup.pgbackrest_config
    return [program, *([f"--config={file}"] if file else []), f"--stanza={stanza}"]


def _run(config: AnalyticsConfig, stanza: str, *arguments: str) -> str:
    program, *options = _command(config, stanza)
    return run_client(Path(program), [*options, *arguments], None, account=server_account())
