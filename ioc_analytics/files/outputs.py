"""Files that we make for people: their names, how they appear whole or not at all, what went wrong.

For: exports, reports. Not for: their contents, or files that people bring (``files.streams``).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Final, cast

from ioc_analytics.kernel.errors import ConfigurationError, InvalidInput, Unavailable

_FILENAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


def check_filename(name: str, variable: str) -> None:
    """Refuse a name that could lead out of its folder, hide a file or trouble a shell.

    Args:
        name: Name of a file to be made.
        variable: Setting of its folder.

    Raises:
        InvalidInput: It is no plain name.
    """
    if not _FILENAME.fullmatch(name):
        raise InvalidInput(
            "a file name has up to 200 letters, digits, dots, dashes and underscores and no "
            f"folder, found {name!r}; the folder is the setting {variable}"
        )


@contextmanager
def written_beside(path: Path) -> Iterator[IO[bytes]]:
    """Lend a file that takes its name at the end, and is gone if the block fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=".writing-", delete=False) as file:
        written = Path(file.name)
        try:
            yield cast(IO[bytes], file)
            file.flush()
            written.rename(path)
        except BaseException:
            written.unlink(missing_ok=True)
            raise


@contextmanager
def failures_in_words(folder: Path, what: str, variable: str) -> Iterator[None]:
    """Say what can be done when files, ``what``, cannot be written to a folder."""
    try:
        yield
    except OSError as fault:
        if isinstance(fault, PermissionError | NotADirectoryError | FileExistsError) or (
            fault.errno == 30  # EROFS
        ):
            raise ConfigurationError(
                f"{what} cannot be written to {folder} ({fault.strerror}): make it writable, or "
                f"set {variable} to another folder"
            ) from fault
        raise Unavailable(
            f"{what} could not be written to {folder} ({fault.strerror or fault}); nothing "
            "was left behind. Free space, then try again"
        ) from fault
