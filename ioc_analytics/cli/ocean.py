"""``ocean``: the analysis of the five traits.

Not for: the figures themselves (``insight.ocean``); this parses filters and draws tables.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.session import Session, figure, pass_session, table

if TYPE_CHECKING:
    from ioc_analytics.insight.ocean import OceanAnalysis

_BARS = " ▁▂▃▄▅▆▇█"
_SHORT = {"industry": "industry_category", "size": "org_size_category", "organization": "org_hash"}
_TRUTH = {"true": True, "false": False}


@click.command(cls=PlatformCommand)
@click.option(
    "--filter",
    "conditions",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Only these responses; FIELD!=VALUE for all others. The same field twice: either value.",
)
@click.option("--from", "start", metavar="DATE", help="First day, or an ISO time (UTC).")
@click.option("--to", "end", metavar="DATE", help="End, itself left out.")
@click.option(
    "--reliability-from-rows",
    is_flag=True,
    help="With filters: read reliability from the answers, which takes longer.",
)
@pass_session
def ocean(
    session: Session,
    conditions: tuple[str, ...],
    start: str | None,
    end: str | None,
    reliability_from_rows: bool,
) -> None:
    """Show distributions, correlations and reliability of the five traits.

    Fields: industry, size, region, organization, age_band, gender, device_type, assessment_type,
    instrument, is_careless.

    Example:
        ioc-analytics ocean
        ioc-analytics ocean --filter industry=Technology --from 2025-01-01 --to 2025-07-01
        ioc-analytics ocean --filter is_careless=false --json
    """
    filters = parse_conditions(conditions)
    with session.system() as system:
        analysis = system.get_ocean_analysis(
            filters,
            {"start": start, "end": end},
            reliability_from_rows=reliability_from_rows,
        )
    if session.is_json:
        session.print_json(analysis.to_dict())
    else:
        show_analysis(session, analysis)


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


def show_analysis(session: Session, analysis: "OceanAnalysis") -> None:
    """Print an analysis for people."""
    console = session.console()
    heads = ("n", "mean", "95 % CI", "SD", "p5", "p25", "p50", "p75", "p95", "alpha", "omega")
    traits = table("trait", *heads, "0 to 100", numbers=heads)
    for trait in analysis.traits:
        interval = trait.confidence_interval
        reliability = trait.reliability
        traits.add_row(
            trait.name,
            f"{trait.sample_size:,}",
            figure(trait.average),
            f"{interval.low:.1f} to {interval.high:.1f}" if interval else "-",
            figure(trait.std_dev),
            *(figure(trait.percentiles.get(p)) for p in (5, 25, 50, 75, 95)),
            figure(reliability.alpha if reliability else None, 2),
            figure(reliability.omega_total if reliability else None, 2),
            sparkline(trait.histogram.counts) if trait.histogram else "-",
        )
    console.print(traits)
    names = [trait.name for trait in analysis.traits]
    matrix = table(
        "correlation", *(name[:4] for name in names), numbers=tuple(n[:4] for n in names)
    )
    for name in names:
        row = [analysis.correlations.get(name, {}).get(other) for other in names]
        matrix.add_row(name, *(figure(one.r if one else None, 2) for one in row))
    console.print(matrix)
    _show_foot(analysis)


def _show_foot(analysis: "OceanAnalysis") -> None:
    loaded = f"{analysis.as_of:%Y-%m-%d %H:%M:%S} UTC" if analysis.as_of else "-"
    instruments = ", ".join(f"{name} {n:,}" for name, n in analysis.by_instrument.items())
    click.echo(f"n = {analysis.sample_size:,} scored responses ({instruments}), as of {loaded}")
    source = analysis.source
    if source.days_from_rows:
        click.echo(f"read from rows: {source.days_from_rows:,} days; `refresh` makes them fast")
    for entry in analysis.withheld:
        click.echo(f"withheld: {entry['figure']}: {entry['reason']}")


def sparkline(counts: Sequence[int]) -> str:
    """Return counts as a row of bars, the highest one full.

    Example:
        >>> sparkline([0, 1, 4, 2])
        ' ▂█▄'
    """
    highest = max(counts, default=0)
    if highest == 0:
        return " " * len(counts)
    steps = len(_BARS) - 1
    return "".join(_BARS[-(-count * steps // highest)] for count in counts)


def _operator(*, excludes: bool, is_list: bool) -> str:
    if excludes:
        return "not_in" if is_list else "ne"
    return "in" if is_list else "eq"
