"""Releasing ``benchmarking_data``: peer groups of organizations per month and metric.

For: refresh and its Dagster asset. Not for: exact answers to analysts (``insight.benchmarks``).

An organization counts when ten of its people stand behind the figure, however often they answered.
A group is shown when it has enough organizations and none dominates it. What is withheld of a group
that is shown must pass the same rules together, or the difference would show it: otherwise the
smallest of its shown parts is withheld too. Below a withheld sector nothing is shown.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

import numpy as np
import psycopg
from psycopg.rows import dict_row

from ioc_analytics.database.copying import copy_rows_in
from ioc_analytics.insight.maturity import read_settled
from ioc_analytics.insight.peers import (
    BENCHMARKED,
    MINIMUM_ORGANIZATIONS,
    Figures,
    Mask,
    Organizations,
    People,
    gather,
    too_small,
)
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.filters import TimeRange
from ioc_analytics.records.vocabularies import ALL
from ioc_analytics.states.organizations import read_organizations
from ioc_analytics.states.reading import read_ground
from ioc_analytics.states.rebuild import midnight, next_month
from ioc_analytics.states.rows import plan_for_many
from ioc_analytics.states.sealing import is_sealed
from ioc_analytics.states.selection import Selection

FOR_TAILS: Final = 2 * MINIMUM_ORGANIZATIONS
"""Fewest organizations whose 10th and 90th percentile are shown: of fewer, they are single ones."""

_COLUMNS: Final = (
    "period_start", "metric", "industry_category", "org_size_category", "peer_level",
    "organizations", "sample_size", "immature", "mean", "p10", "p25", "p50", "p75", "p90",
    "between_sd", "within_sd", "largest_share", "withheld_reason",
)  # fmt: skip
_FIGURES: Final = _COLUMNS.index("withheld_reason") - _COLUMNS.index("organizations")
_COMPLEMENT: Final = "a part withheld beside it could be computed from it"
_PART_OF_WITHHELD: Final = "its sector is withheld"

Group = tuple[str, str]


def release_benchmarks(
    connection: psycopg.Connection[Any], month: date, mature_before: date
) -> int:
    """Release the peer groups of one month from its states; return the rows written.

    What was released of a sealed month stays: its people can no longer be counted.

    Args:
        connection: A connection of the ingesting role.
        month: First day of the month.
        mature_before: Responses started before this day have had their time to be completed.
    """
    if is_sealed(connection, month):
        return 0
    wanted, everybody = TimeRange(midnight(month), midnight(next_month(month))), Selection({})
    sums = read_organizations(connection, everybody, read_ground(connection, wanted))
    settled = read_settled(connection, everybody, wanted, sums, mature_before)
    everyone = gather(sums, settled, _count_people(connection, wanted, mature_before))
    rows = ((month, *row) for metric in BENCHMARKED for row in _metric_rows(everyone, metric))
    connection.execute(sqlfiles.query("insight/forget_benchmarks"), {"month": month})
    return copy_rows_in(connection, "analytics", "benchmarking_data", _COLUMNS, rows)


def _count_people(
    connection: psycopg.Connection[Any], wanted: TimeRange, mature_before: date
) -> People:
    """Count the people of each organization from rows."""
    plan_for_many(connection)
    statement = sqlfiles.query("insight/people_of_organizations")
    parameters = {
        "start": wanted.start,
        "end": wanted.end,
        "mature_before": midnight(mature_before),
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(statement, parameters).fetchall()
    connection.execute(sqlfiles.query("states/plan_for_few"))
    return {row["org_hash"]: row for row in rows}


def _metric_rows(everyone: Organizations, metric: str) -> Iterator[tuple[Any, ...]]:
    figures = everyone.figures[metric]
    known = ~np.isnan(figures.values)
    if not known.any():
        return
    whole = {(ALL, ALL): known}
    reasons = _judge(figures, whole, None)
    sectors = {
        (name, ALL): everyone.members("industry", name, ALL) & known
        for name in sorted(set(everyone.industries))
    }
    sectors = {group: members for group, members in sectors.items() if members.any()}
    reasons |= _judge(figures, sectors, reasons[ALL, ALL])
    groups = whole | sectors
    for name, _ in sectors:
        sizes = {
            (name, size): everyone.members("industry_size", name, size) & known
            for size in sorted(set(everyone.sizes))
        }
        sizes = {group: members for group, members in sizes.items() if members.any()}
        reasons |= _judge(figures, sizes, reasons[name, ALL])
        groups |= sizes
    for group, members in groups.items():
        level = "all" if group[0] == ALL else "industry" if group[1] == ALL else "industry_size"
        yield (metric, *group, level, *_figures(figures, members, reasons[group]))


def _judge(
    figures: Figures, parts: dict[Group, Mask], whole_reason: str | None
) -> dict[Group, str | None]:
    """Return why each part of a group is withheld, or None."""
    if whole_reason is not None:
        return dict.fromkeys(parts, whole_reason if len(parts) == 1 else _PART_OF_WITHHELD)
    reasons = {group: too_small(figures.cases[members]) for group, members in parts.items()}
    while any(reasons.values()) and not all(reasons.values()):
        hidden = np.logical_or.reduce([parts[g] for g, reason in reasons.items() if reason])
        if too_small(figures.cases[hidden]) is None:
            break
        shown = [group for group, reason in reasons.items() if reason is None]
        reasons[min(shown, key=lambda g: int(figures.cases[parts[g]].sum()))] = _COMPLEMENT
    return reasons


def _figures(figures: Figures, members: Mask, reason: str | None) -> tuple[Any, ...]:
    if reason is not None:
        return (*[None] * _FIGURES, reason)
    shown, cases = figures.shown[members], figures.cases[members]
    p10, p25, p50, p75, p90 = np.percentile(shown, (10, 25, 50, 75, 90)).tolist()
    is_wide = len(shown) >= FOR_TAILS
    scatter = float(shown.var(ddof=1))
    noise = _noise(figures, members)
    return (
        len(shown),
        int(cases.sum()),
        int(figures.immature[members].sum()),
        float(shown.mean()),
        p10 if is_wide else None,
        p25,
        p50,
        p75,
        p90 if is_wide else None,
        float(np.sqrt(max(0.0, scatter - noise))),
        figures.within_sd,
        float(cases.max() / cases.sum()),
        None if is_wide else f"p10 and p90: fewer than {FOR_TAILS} organizations",
    )


def _noise(figures: Figures, members: Mask) -> float:
    """Return the mean sampling variance of the organizations' figures, in the metric's unit."""
    values, spread = figures.values[members], np.sqrt(figures.variances[members])
    half = [
        (figures.to_unit(value + error) - figures.to_unit(value - error)) / 2
        for value, error in zip(values.tolist(), spread.tolist(), strict=True)
    ]
    return float(np.mean(np.square(half)))
