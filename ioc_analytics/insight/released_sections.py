"""What a page shows beside a released table: a chart and a few rows of what it now says.

For: the orchestration's pages, which everybody of a team may open. So all of it is read from the
released tables, where figures about few people are withheld. Not for: reports to an analyst
(``insight.report_sections``).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from ioc_analytics.insight.report_pieces import Picture, Section, Table, number
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.pictures import (
    Band,
    FunnelRow,
    Violin,
    benchmark_funnel,
    distribution,
    quality_bars,
    trend_with_band,
)
from ioc_analytics.records.metrics import METRICS
from ioc_analytics.records.quality import QualityEvaluation

_LOOK_BACK: Final = timedelta(days=366)
_DRAWN_METRIC: Final = "completion_rate"
_LISTED_DAYS: Final = 10
_DRAWN_DAYS: Final = 62
"""A picture of a year would weigh 200 kB."""

Row = Mapping[str, Any]


def show_released(connection: psycopg.Connection[Any], table: str, until: date) -> Section:
    """Return what a released table says about the year before a day.

    Args:
        connection: A connection of a role that may read released tables.
        table: One of ``SHOWN``.
        until: Day after the last one.

    Raises:
        InvalidInput: The table is not one that is shown.
    """
    if table not in SHOWN:
        raise InvalidInput(
            f"{table!r} has no picture{did_you_mean(table, SHOWN)}; there are {', '.join(SHOWN)}"
        )
    statement, title, show = SHOWN[table]
    with connection.cursor(row_factory=dict_row) as cursor:
        period = {"start": until - _LOOK_BACK, "end": until}
        rows = cursor.execute(sqlfiles.query(f"insight/{statement}"), period).fetchall()
    if not rows:
        return Section(table, title, f"no figure of the year before {until} is released")
    return show(table, title, rows)


def show_courses(
    connection: psycopg.Connection[Any], tables: Sequence[str]
) -> dict[str, tuple[float, ...]]:
    """Return one figure of some released tables and views over their last periods.

    Args:
        connection: A connection of a role that may read predictions and health too.
        tables: Of those named in ``shown_courses.sql``; others have no course.
    """
    found: dict[str, list[float]] = {table: [] for table in tables}
    for table, _, value in connection.execute(
        sqlfiles.query("insight/shown_courses"), {"tables": list(tables)}
    ):
        if value is not None:
            found[table].append(value)
    return {table: tuple(values) for table, values in found.items()}


def _distributions(table: str, title: str, rows: Sequence[Row]) -> Section:
    newest = [row for row in rows if row["period_start"] == rows[-1]["period_start"]]
    month = f"{rows[-1]['period_start']:%Y-%m}"
    violins = [
        Violin(
            row["dimension"],
            row["histogram"]["edges"],
            row["histogram"]["counts"],
            row["p50"],
            row["p25"],
            row["p75"],
        )
        for row in newest
        if row["histogram"]
    ]
    caption = f"Scores of {month}; bar: middle half, diamond: median"
    pictures = [Picture(caption, distribution(violins, "points"))] if violins else []
    means = [Band(row["dimension"], row["period_start"], row["mean"], None, None) for row in rows]
    if newest[0]["period_start"] != rows[0]["period_start"]:
        pictures.append(Picture("Means by month", trend_with_band(means, "points")))
    columns = ("trait", "n", "mean", "SD", "p5", "p25", "p50", "p75", "p95")
    figures = ("mean", "std_dev", "p05", "p25", "p50", "p75", "p95")
    cells = tuple(
        (row["dimension"], f"{row['sample_size']:,}", *(number(row[name]) for name in figures))
        for row in newest
    )
    return Section(table, title, month, tuple(pictures), (Table(month, columns, cells),))


def _days(table: str, title: str, rows: Sequence[Row]) -> Section:
    rows = rows[-_DRAWN_DAYS:]
    bands = [
        Band("responses started", row["metric_date"], row["responses_started"], None, None)
        for row in rows
    ]
    bands += [
        Band("completion rate, %", row["metric_date"], 100 * row["completion_rate"], None, None)
        for row in rows
        if row["completion_rate"] is not None
    ]
    span = f"{rows[0]['metric_date']} to {rows[-1]['metric_date']}, {len(rows)} days with figures"
    columns = ("day", "started", "completed", "completion rate", "median seconds")
    cells = tuple(
        (
            f"{row['metric_date']}",
            f"{row['responses_started']:,}",
            f"{row['responses_completed']:,}",
            number(row["completion_rate"], 3),
            number(row["median_time_spent_seconds"], 0),
        )
        for row in rows[-_LISTED_DAYS:]
    )
    picture = Picture(f"By day, {span}", trend_with_band(bands, "by day"))
    return Section(table, title, span, (picture,), (Table("The last days", columns, cells),))


def _benchmarks(table: str, title: str, rows: Sequence[Row]) -> Section:
    month = f"{rows[0]['period_start']:%Y-%m}"
    metrics = [row["metric"] for row in rows]
    metric = _DRAWN_METRIC if _DRAWN_METRIC in metrics else max(metrics, key=metrics.count)
    drawn = [row for row in rows if row["metric"] == metric]
    middle = next((row["p50"] for row in drawn if row["industry_category"] == "all"), None)
    funnel = [
        FunnelRow(
            name=row["industry_category"],
            value=row["p50"],
            target=row["p50"] if middle is None else middle,
            low=row["p25"],
            high=row["p75"],
            # The outer two need more organizations.
            outer_low=row["p25"] if row["p10"] is None else row["p10"],
            outer_high=row["p75"] if row["p90"] is None else row["p90"],
        )
        for row in drawn
    ]
    shape = "diamond: median organization, dark: middle half, light: 10 to 90 %, tick: all"
    caption = f"{metric.replace('_', ' ')} by industry, {month}; {shape}"
    pictures = (Picture(caption, benchmark_funnel(funnel, METRICS[metric].unit)),)
    columns = ("metric", "organizations", "n", "p25", "p50", "p75")
    cells = tuple(
        (
            row["metric"],
            f"{row['organizations']:,}",
            f"{row['sample_size']:,}",
            *(number(row[name], 2) for name in ("p25", "p50", "p75")),
        )
        for row in rows
        if row["industry_category"] == "all"
    )
    tables = (Table(f"All organizations, {month}", columns, cells),) if cells else ()
    return Section(table, title, month, pictures, tables)


def _validations(table: str, title: str, rows: Sequence[Row]) -> Section:
    pairs = {(row["primary_model"], row["secondary_model"]) for row in rows}
    bars = [
        (
            row["dimension"]
            if len(pairs) == 1
            else f"{row['dimension']}: {row['primary_model']}, {row['secondary_model']}",
            100 * row["agreement_rate"],
        )
        for row in rows
    ]
    columns = ("trait", "models", "days", "pairs", "bias", "difference", "agreement")
    cells = tuple(
        (
            row["dimension"],
            f"{row['primary_model']}, {row['secondary_model']}",
            f"{row['days']:,}",
            f"{row['pairs']:,}",
            number(row["bias"], 2),
            number(row["mean_absolute_difference"], 2),
            number(row["agreement_rate"], 3),
        )
        for row in rows
    )
    span = f"{min(row['first_day'] for row in rows)} to {max(row['last_day'] for row in rows)}"
    caption = f"Pairs of scores within the tolerance, {span}"
    picture = Picture(caption, quality_bars(bars, "percent"))
    tables = (Table(f"Both AI raters, {span}", columns, cells),)
    return Section(table, title, span, (picture,), tables)


def show_quality(evaluation: QualityEvaluation) -> Section:
    """Return an evaluation of data quality: what share of each check is well."""
    title = "Data quality"
    bars = [(r.name, 100 * r.score) for r in evaluation.results if r.score is not None]
    note = f"{evaluation.score:.0f} of 100, {evaluation.measured_at:%Y-%m-%d %H:%M} UTC"
    columns = ("check", "severity", "passed", "checked", "faults")
    cells = tuple(
        (
            result.name,
            result.severity,
            "yes" if result.passed else "no",
            f"{result.checked:,}",
            f"{result.faults:,}",
        )
        for result in evaluation.results
    )
    caption = f"Share of what each check looked at that is well; score {note}"
    pictures = (Picture(caption, quality_bars(bars, "percent")),) if bars else ()
    return Section("data_quality_metrics", title, note, pictures, (Table(note, columns, cells),))


Show = Callable[[str, str, Sequence[Row]], Section]
SHOWN: Final[Mapping[str, tuple[str, str, Show]]] = {
    "daily_assessment_metrics": ("shown_days", "Activity by day", _days),
    "ocean_trait_distributions": (
        "shown_distributions",
        "How the traits are distributed",
        _distributions,
    ),
    "benchmarking_data": ("shown_benchmarks", "Organizations compared", _benchmarks),
    "dual_ai_validation_metrics": ("shown_validations", "Whether AI raters agree", _validations),
}
"""Per table: its statement, its title, and how it is laid out."""
