"""The table of all settings, for the README, ``docs/settings.md`` and the command line.

For: showing what can be set. Not for: reading settings (``kernel.settings``).
``python -m ioc_analytics.kernel.settings_table FILE...`` brings the table in documents up to date.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from pydantic_core import PydanticUndefined

from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.kernel.settings_sources import Leaf, leaves
from ioc_analytics.kernel.settings_values import LoginRole

BEGIN = "<!-- settings -->"
END = "<!-- /settings -->"

_COMPUTED_DEFAULTS: Mapping[str, str] = {
    "home": "user data folder",
    "inbox.path": "`inbox` under the home folder",
    "exports.path": "`exports` under the home folder",
    "reports.path": "`reports` under the home folder",
    "backup.folder": "`backups` under the home folder",
}
_HEAD = ("Variable", "Key", "Default", "Allowed", "Meaning")


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as people read about it."""

    variable: str | None
    """Environment variable; None where only a mapping can give it. ``<ROLE>`` for each role."""

    key: str
    """Dotted key in a mapping."""

    default: str
    """Value that holds when nothing is given, in words."""

    allowed: str
    """What is taken, in words."""

    meaning: str
    """One sentence, with the unit."""

    is_secret: bool
    """Whether the value is never shown."""


def setting_rows() -> list[SettingRow]:
    """Return every setting in the order of its declaration; the roles' logins once for all."""
    first_role = get_args(LoginRole)[0]
    return [
        _row(leaf)
        for leaf in leaves(AnalyticsConfig)
        if "logins" not in leaf.path or first_role in leaf.path
    ]


def markdown_table() -> str:
    """Return the settings as a Markdown table, with the list of roles below it."""
    rows = [_cells(row) for row in setting_rows()]
    lines = [_line(_HEAD), _line(["---"] * len(_HEAD)), *map(_line, rows)]
    roles = ", ".join(f"`{role.upper()}`" for role in get_args(LoginRole))
    return "\n".join([*lines, "", f"`<ROLE>` is one of {roles}."])


def put_between_marks(document: str) -> str:
    """Return a document with the table between its ``<!-- settings -->`` marks brought up to date.

    Raises:
        ValueError: The document has no such marks.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document has no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n{markdown_table()}\n{END}{after}"


def _row(leaf: Leaf) -> SettingRow:
    role = leaf.path[2] if "logins" in leaf.path else None
    meaning = " ".join((leaf.field.description or "").split())
    variable, key = leaf.variable, leaf.key
    if leaf.file_variable:
        meaning += f" Or `{leaf.file_variable}`: a file that holds it."
    if role:
        key = key.replace(role, "<role>")
        variable = variable and variable.replace(role.upper(), "<ROLE>")
        meaning = meaning.replace(role.upper(), "<ROLE>")
    default = _COMPUTED_DEFAULTS.get(leaf.key, _default(leaf.field.default))
    return SettingRow(variable, key, default, leaf.allowed, meaning, leaf.is_secret)


def _default(value: object) -> str:
    if value is None or value is PydanticUndefined:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cells(row: SettingRow) -> list[str]:
    is_plain = row.default and row.key not in _COMPUTED_DEFAULTS
    default = f"`{row.default}`" if is_plain else row.default
    variable = f"`{row.variable}`" if row.variable else ""
    return [variable, f"`{row.key}`", default, row.allowed, row.meaning]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    for document in map(Path, sys.argv[1:]):
        document.write_text(put_between_marks(document.read_text("utf-8")), "utf-8")
