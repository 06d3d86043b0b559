"""Reading PostgreSQL's plans: where a statement scans a whole table to find a few rows.

For: advice on missing indexes. Not for: asking the server (``monitoring.advice.statements``).
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

MOST_COLUMNS: Final = 3
"""Columns that a proposed index has at most."""

_EQUAL: Final = r"\s*=\s"
_RANGE: Final = r"\s*(?:[<>]=?)\s"
# A cast may stand between a column and its operator: (a.industry_category)::text = $1.
_CAST: Final = r"\)?(?:::[\w\" .\[\]]+)?"


@dataclass(frozen=True, slots=True)
class Scan:
    """One sequential scan with a filter, as the planner describes it."""

    relation: str
    """Schema and table, or partition."""

    condition: str
    rows: float
    """That the planner expects to pass the filter."""

    cost: float


def filtered_scans(plan: Mapping[str, Any]) -> Iterator[Scan]:
    """Yield the sequential scans with a filter of a plan in JSON, made with ``VERBOSE``."""
    if plan.get("Node Type") == "Seq Scan" and "Filter" in plan:
        yield Scan(
            f"{plan['Schema']}.{plan['Relation Name']}",
            plan["Filter"],
            float(plan["Plan Rows"]),
            float(plan["Total Cost"]),
        )
    for child in plan.get("Plans", ()):
        yield from filtered_scans(child)


def index_columns(condition: str, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of an index that answers a filter: those of ``=`` first, then one range.

    Args:
        condition: The filter as the planner prints it.
        columns: Names of the table's columns.
    """
    equal = [name for name in columns if _is_compared(name, condition, _EQUAL)]
    ranges = [
        name for name in columns if name not in equal and _is_compared(name, condition, _RANGE)
    ]
    return tuple([*equal, *ranges[:1]][:MOST_COLUMNS])


def by_table(scans: Sequence[Scan], parents: Mapping[str, str]) -> dict[str, list[Scan]]:
    """Return scans by table, those of partitions under the table they are parts of."""
    found: dict[str, list[Scan]] = defaultdict(list)
    for scan in scans:
        found[parents.get(scan.relation, scan.relation)].append(scan)
    return dict(found)


def _is_compared(name: str, condition: str, operator: str) -> bool:
    return re.search(rf"(?<![\w$]){re.escape(name)}{_CAST}{operator}", condition) is not None
