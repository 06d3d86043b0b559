"""The sole opener of ``sql/``: migrations, named queries and reference data.

For: every room that runs a stored statement or reads a closed list. Not for: connections.

The wheel carries ``sql/`` inside the package; a checkout keeps it beside the package. The
checkout wins, because an editable install may leave an older copy in site-packages.
"""

from functools import cache
from pathlib import Path
from typing import LiteralString

from ioc_analytics.kernel.errors import ConfigurationError

_PACKAGE = Path(__file__).resolve().parents[1]


@cache
def sql_root() -> Path:
    """Return the folder that holds ``migrations/``, ``queries/`` and ``reference/``.

    Raises:
        ConfigurationError: The installation carries no ``sql/`` folder.
    """
    for candidate in (_PACKAGE.parent / "sql", _PACKAGE / "sql"):
        if (candidate / "migrations").is_dir():
            return candidate
    raise ConfigurationError(
        f"no sql/ folder beside or inside {_PACKAGE}: install the wheel or use a whole checkout"
    )


def read_text(relative: str) -> str:
    """Return the text of one file below ``sql/``."""
    return (sql_root() / relative).read_text(encoding="utf-8")


@cache
def query(name: str) -> LiteralString:
    """Return the statement of the named query, such as ``"insight/ocean_states"``.

    The leading comment (name, purpose, parameters, row shape) is for readers and is cut off.
    """
    lines = read_text(f"queries/{name}.sql").splitlines()
    body = [line for line in lines if not line.startswith("--")]
    # Stored with the code and never formatted: as good as a literal for psycopg's injection guard.
    return "\n".join(body).strip().removesuffix(";")


def reference_path(name: str) -> Path:
    """Return the path of one file below ``sql/reference/``."""
    return sql_root() / "reference" / name
