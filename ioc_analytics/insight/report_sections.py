"""What stands in a report: each section asks one analysis and lays its answer out.

For: ``insight.report``. Not for: formats (``insight.report_formats``) or drawing (``pictures``).
A section whose data do not suffice stays in the report and says why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from ioc_analytics.insight import report_activity as activity
from ioc_analytics.insight import report_checks as checks
from ioc_analytics.insight.benchmarks import benchmark
from ioc_analytics.insight.comparisons import compare_groups
from ioc_analytics.insight.longitudinal import ocean_over_time
from ioc_analytics.insight.report_pieces import (
    Builder,
    Picture,
    Question,
    Section,
    Table,
    dated,
    number,
    p_value,
    since,
    span,
)
from ioc_analytics.kernel.errors import NotEnoughData, OutOfReach
from ioc_analytics.pictures import (
    Band,
    Cell,
    FunnelRow,
    Violin,
    benchmark_funnel,
    correlation_heatmap,
    distribution,
    trend_with_band,
)


def build_sections(names: Sequence[str], question: Question) -> tuple[Section, ...]:
    """Return the sections asked for, in the order given."""
    return tuple(_build(name, question) for name in names)


def _build(name: str, question: Question) -> Section:
    title, build = _BUILDERS[name]
    try:
        return build(name, title, question)
    except OutOfReach as reason:
        if question.history_range != question.time_range:
            # The filters reach back less far: judge what the range itself holds.
            return _build(name, replace(question, history_range=question.time_range))
        why = str(reason)
    except NotEnoughData as reason:
        why = str(reason)
    return Section(name, title, withheld=({"figure": name, "reason": why},))


def _distributions(name: str, title: str, question: Question) -> Section:
    answer = question.ocean
    violins = [
        Violin(
            t.name,
            t.histogram.edges,
            t.histogram.counts,
            t.percentiles[50] or 0.0,
            t.percentiles[25] or 0.0,
            t.percentiles[75] or 0.0,
        )
        for t in answer.traits
        if t.histogram is not None and t.sample_size > 0
    ]
    rows = tuple(
        (
            t.name,
            f"{t.sample_size:,}",
            number(t.average),
            span(t.confidence_interval),
            number(t.std_dev),
            *(number(t.percentiles.get(p)) for p in (5, 25, 50, 75, 95)),
            number(t.reliability.alpha if t.reliability else None, 2),
            span(t.reliability.alpha_interval if t.reliability else None, 2),
        )
        for t in answer.traits
    )
    columns = ("trait", "n", "mean", "95 % interval", "SD", "p5", "p25", "p50", "p75", "p95",
               "alpha", "95 % interval")  # fmt: skip
    note = f"n = {answer.sample_size:,} scored responses; {dated(answer.as_of)}; points of 0 to 100"
    shape = "Violins: share of people per score; bar: middle half; diamond: median"
    return Section(
        name,
        title,
        note,
        (Picture(f"{shape}. {note}.", distribution(violins, "points")),),
        (Table(f"The five traits. {note}.", columns, rows),),
        withheld=answer.withheld,
        figures=answer.to_dict(),
    )


def _correlations(name: str, title: str, question: Question) -> Section:
    answer = question.ocean
    names = [trait.name for trait in answer.traits]
    pairs = [(a, b, answer.correlations[a][b]) for a in names for b in answer.correlations[a]]
    cells = [Cell(a, b, pair.r) for a, b, pair in pairs]
    rows = tuple(
        (
            f"{a} and {b}",
            f"{pair.sample_size:,}",
            number(pair.r, 2),
            span(pair.confidence_interval, 2),
            p_value(pair.adjusted_p_value),
        )
        for a, b, pair in pairs
        if names.index(a) < names.index(b)
    )
    columns = ("traits", "n", "r", "95 % interval", "p, false discovery controlled")
    note = f"n = {answer.sample_size:,} scored responses; {dated(answer.as_of)}; Pearson's r"
    withheld = tuple(e for e in answer.withheld if "correlation" in e["figure"])
    return Section(
        name,
        title,
        note,
        (Picture(f"Correlations. {note}; intervals below.", correlation_heatmap(cells, names)),),
        (Table(f"Correlations. {note}.", columns, rows),),
        withheld=withheld,
        figures={"correlations": answer.to_dict()["correlations"]},
    )


def _groups(name: str, title: str, question: Question) -> Section:
    q = question
    answer = compare_groups(q.connection, q.by, q.filters, q.time_range, q.organization)
    groups = tuple(
        (t.name, g.name, f"{g.sample_size:,}", number(g.mean), number(g.std_dev))
        for t in answer.traits
        for g in t.groups
    )
    tests = tuple(
        (
            t.name,
            f"{t.welch.sample_size:,}",
            p_value(t.adjusted_p_value),
            number(t.variance_explained.omega_squared if t.variance_explained else None, 3),
            span(t.variance_explained.confidence_interval if t.variance_explained else None, 3),
        )
        for t in answer.traits
        if t.welch
    )
    note = f"by {answer.by}; {dated(answer.as_of)}; each row has its n"
    columns = ("trait", "n", "Welch's p, adjusted", "omega squared", "95 % interval of eta squared")
    return Section(
        name,
        title,
        note,
        tables=(
            Table(f"Do the groups differ? {note}.", columns, tests),
            Table(f"Groups. {note}.", ("trait", "group", "n", "mean", "SD"), groups),
        ),
        remarks=(*answer.warnings, *(f"{n}: {why}" for n, why in answer.left_out.items())),
        withheld=answer.withheld,
        figures=answer.to_dict(),
    )


def _history(name: str, title: str, question: Question) -> Section:
    q = question
    answer = ocean_over_time(q.connection, q.interval, q.filters, q.history_range, q.organization)
    bands = [
        Band(
            p.trait,
            p.period_start,
            p.average,
            p.confidence_interval.low if p.confidence_interval else None,
            p.confidence_interval.high if p.confidence_interval else None,
        )
        for p in answer.points
    ]
    rows = tuple(
        (
            p.trait,
            f"{p.period_start:%Y-%m-%d}",
            f"{p.sample_size:,}",
            number(p.average),
            span(p.confidence_interval),
            number(p.median),
        )
        for p in answer.points
    )
    columns = ("trait", "from", "n", "mean", "95 % interval", "median")
    past = since(q.history_range)
    note = f"{answer.interval} means {past}; {dated(answer.as_of)}; each n is in the table"
    picture = trend_with_band(bands, "points")
    return Section(
        name,
        title,
        note,
        (Picture(f"Means with 95 % intervals as bands. {note}.", picture),),
        (Table(f"The traits over time. {note}.", columns, rows),),
        figures=answer.to_dict(),
    )


def _benchmarks(name: str, title: str, question: Question) -> Section:
    answer = benchmark(
        question.connection,
        question.own,
        None,
        None,
        question.time_range,
        maturity_days=question.maturity_days,
    )
    found = answer.shown.values()
    pictures = tuple(
        Picture(
            f"{b.metric}: {b.unit}. n = {b.sample_size:,}; {b.peer_organizations:,} peers "
            f"({b.peer_level}); {dated(answer.as_of)}. Dark: 95 % limits, light: 99.8 %, "
            "tick: target.",
            benchmark_funnel(
                [
                    FunnelRow(
                        b.metric.replace("_", " "),
                        b.value,
                        b.funnel.target,
                        b.funnel.limits.low,
                        b.funnel.limits.high,
                        b.funnel.outer_limits.low,
                        b.funnel.outer_limits.high,
                    )
                ],
                b.unit,
            ),
        )
        for b in found
    )
    rows = tuple(
        (
            b.metric,
            f"{b.sample_size:,}",
            number(b.value, 3),
            number(b.peer_median, 3),
            number(b.percentile_rank),
            span(b.interval),
            f"{b.peer_organizations:,} ({b.peer_level})",
        )
        for b in found
    )
    columns = ("metric", "n", "value", "peer median", "rank, 0 to 100", "95 % interval", "peers")
    note = f"{dated(answer.as_of)}; each row has its n"
    filtered = ("benchmarks take the time range, not the filters",) if question.filters else ()
    what = "The centre of all organizations" if question.own is None else "Against peers"
    return Section(
        name,
        title,
        note,
        pictures,
        (Table(f"{what}. {note}.", columns, rows),) if rows else (),
        remarks=(*filtered, *(f"{r.priority}: {r.description}" for r in answer.recommendations)),
        withheld=answer.withheld,
        figures=answer.to_dict(),
    )


def _quality(name: str, title: str, question: Question) -> Section:
    status = question.status
    score = status.database.data_quality_score
    rows = (
        ("data quality score, 0 to 100", number(score)),
        ("records in quarantine", f"{status.quarantine_waiting:,}"),
        ("days not refreshed", f"{len(status.touched_days):,}"),
        ("last proven backup", dated(status.last_backup) if status.last_backup else "none"),
        *(
            (f"rows of {table}", f"{'about ' if one.is_estimate else ''}{one.rows:,}")
            for table, one in status.tables.items()
        ),
    )
    note = f"{dated(status.watermark)}; the whole platform, whatever the filters"
    withheld: tuple[Mapping[str, str], ...] = ()
    if score is None:
        withheld = ({"figure": "data_quality_score", "reason": "not evaluated yet"},)
    return Section(
        name,
        title,
        note,
        tables=(Table(f"The data behind this report. {note}.", ("figure", "value"), rows),),
        remarks=tuple(f"{alert.severity}: {alert.summary}" for alert in status.alerts),
        withheld=withheld,
        figures=status.to_dict(),
    )


_BUILDERS: Final[Mapping[str, tuple[str, Builder]]] = {
    "distributions": ("How the traits are distributed", _distributions),
    "correlations": ("How the traits go together", _correlations),
    "groups": ("How groups differ", _groups),
    "history": ("How the traits moved", _history),
    "metrics": ("Activity and quality in figures", activity.metrics),
    "trends": ("Where activity and quality are heading", activity.trends),
    "outliers": ("What lies far off", checks.outliers),
    "ai_validation": ("How far the AI raters agree", checks.ai_validation),
    "benchmarks": ("Organizations compared", _benchmarks),
    "norms": ("The norms", checks.norms),
    "data_quality": ("The data", _quality),
}
SECTIONS: Final = tuple(_BUILDERS)
"""Names of the sections, in the order of a report."""
