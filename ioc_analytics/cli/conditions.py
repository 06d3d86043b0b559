"""``--filter``, ``--from`` and ``--to``: which responses a command is about.

For: commands that take filters and a range. Not for: what the fields mean (``records.filters``).
"""

from collections.abc import Callable, Sequence
from typing import Any

import click

_SHORT = {"industry": "industry_category", "size": "org_size_category", "organization": "org_hash"}
_TRUTH = {"true": True, "false": False}


filter_option = click.option(
    "--filter",
    "conditions",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Only these responses; FIELD!=VALUE for all others. The same field twice: either value.",
)
"""``--filter``, as ``conditions``; for commands that take no range."""


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--filter``, ``--from`` and ``--to``, as ``conditions``, ``start`` and ``end``."""
    for option in (
        click.option("--to", "end", metavar="DATE", help="End, itself left out."),
        click.option("--from", "start", metavar="DATE", help="First day, or an ISO time (UTC)."),
        filter_option,
    ):
        command = option(command)
    return command


def parse_conditions(conditions: Sequence[str]) -> list[dict[str, Any]]:
    """Return filters written as ``field=value`` or ``field!=value`` in the facade's form.

    Raises:
        click.UsageError: One of them has no ``=``.
    """
    found: dict[tuple[str, bool], list[Any]] = {}
    for condition in conditions:
        name, equals, value = condition.partition("=")
        if not equals or not name.strip("! ") or not value:
            raise click.UsageError(
                f"--filter takes field=value or field!=value, found {condition!r}"
            )
        excludes = name.endswith("!")
        field = name.removesuffix("!").strip()
        field = _SHORT.get(field, field)
        typed: Any = _TRUTH.get(value.lower(), value) if field == "is_careless" else value
        found.setdefault((field, excludes), []).append(typed)
    return [
        {
            "field": field,
            "operator": _operator(excludes=excludes, is_list=len(values) > 1),
            "value": values if len(values) > 1 else values[0],
        }
        for (field, excludes), values in found.items()
    ]


def _operator(*, excludes: bool, is_list: bool) -> str:
    if excludes:
        return "not_in" if is_list else "ne"
    return "in" if is_list else "eq"
