"""Where the pseudonym key comes from: a setting, a file, or a file made on first use.

For: facade, pipeline, command line. Not for: using it (``privacy.pseudonyms``).

The key lives outside the database and outside its backups: without it a copy of either names
nobody, and with it everybody. It is never logged and stands in no message.
"""

import os
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from ioc_analytics.kernel.errors import ConfigurationError
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.privacy.pseudonyms import KEY_BYTES, Pseudonymizer

KEY_FILE_NAME: Final = "pseudonym.key"
_HEX_KEY: Final = re.compile(r"[0-9a-fA-F]{64}")
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def load_pseudonymizer(settings: AnalyticsConfig) -> Pseudonymizer:
    """Return the pseudonymizer of this installation.

    Raises:
        ConfigurationError: As for :func:`load_key`.
    """
    return Pseudonymizer(load_key(settings))


def load_key(settings: AnalyticsConfig, *, makes: bool = True) -> bytes:
    """Return the pseudonym key of this installation, 32 bytes.

    The setting comes first, then the file that a setting names. With neither, the embedded server's
    home keeps ``pseudonym.key``, made on first use; processes that start together end with one.

    Args:
        settings: The installation.
        makes: Whether a home without a key gets one. What was made with a key needs that one.

    Raises:
        ConfigurationError: A real server is configured without a key; a key or its file is
            unreadable, malformed, or readable by other accounts; or it is missing.
    """
    if (secret := settings.privacy.pseudonym_key) is not None:
        return _parse(secret.get_secret_value(), "the setting privacy.pseudonym_key")
    if (path := settings.privacy.pseudonym_key_file) is not None:
        return _read(path)
    if not settings.is_embedded:
        raise ConfigurationError(
            "a pseudonym key is needed with a server of your own, and none is set: make one with "
            "`openssl rand -hex 32`, keep it in a file of mode 0600 outside the database and its "
            "backups, and name that file in ANALYTICS_PSEUDONYM_KEY_FILE. Keep a second copy in "
            "escrow: without the key no new data can be joined to the old"
        )
    path = settings.home / KEY_FILE_NAME
    with suppress(FileNotFoundError, NotADirectoryError):
        return _read(path, must_exist=False)
    if not makes:
        raise ConfigurationError(
            f"there is no pseudonym key in {path}: put the one of this installation back from "
            "escrow (`install -m 600`), or name its file in ANALYTICS_PSEUDONYM_KEY_FILE"
        )
    _create(path)
    return _read(path)


def _read(path: Path, *, must_exist: bool = True) -> bytes:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(4096)
    except (FileNotFoundError, NotADirectoryError):
        if must_exist:
            raise ConfigurationError(
                f"the pseudonym key file {path} is not there: put the key back, or name the right "
                "file in ANALYTICS_PSEUDONYM_KEY_FILE"
            ) from None
        raise
    except OSError as fault:
        raise ConfigurationError(
            f"the pseudonym key file {path} cannot be read ({fault.strerror}): let this account, "
            "and no other, read it"
        ) from None
    if os.name == "posix" and mode & _OTHERS:
        raise ConfigurationError(
            f"the pseudonym key file {path} has mode {mode:04o}, so other accounts can use it: "
            f"`chmod 600 {path}`, and consider whether the key must be changed"
        )
    return _parse(text.decode("ascii", errors="replace"), f"the file {path}")


def _parse(text: str, where: str) -> bytes:
    text = text.strip()
    if not _HEX_KEY.fullmatch(text):
        raise ConfigurationError(
            f"{where} holds no pseudonym key: {2 * KEY_BYTES} hex digits are expected, "
            f"{len(text)} characters were found; `openssl rand -hex 32` makes one"
        )
    return bytes.fromhex(text)


def _create(path: Path) -> None:
    """Write a new key under its name in one step, unless another process was first.

    The key is written whole to a file of its own and then linked: a reader sees no half of it, and
    of two makers one finds the name taken.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(KEY_BYTES) + "\n")
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as fault:
        raise ConfigurationError(
            f"the pseudonym key cannot be kept in {path} ({fault.strerror}): make the folder "
            "writable, set ANALYTICS_HOME to one that is, or set ANALYTICS_PSEUDONYM_KEY_FILE"
        ) from None


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
