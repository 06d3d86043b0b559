"""``ocean items``, ``outliers``, ``careless`` and ``raters``: how far the figures can be trusted.

Not for: the figures (``insight.item_functioning`` and its neighbours); this draws tables.
"""

from pathlib import Path
from typing import Any

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.conditions import parse_conditions, selection_options
from ioc_analytics.cli.session import Session, figure, pass_session, show_withheld, table


@click.command(cls=PlatformCommand)
@click.argument("instrument")
@click.option("--by", required=True, metavar="DIMENSION", help="What makes the groups.")
@click.option("--reference", required=True, help="The group that is compared with.")
@click.option("--focal", required=True, help="The group that is looked at.")
@click.option(
    "--method",
    type=click.Choice(["mantel", "logistic"]),
    default="mantel",
    show_default=True,
    help="logistic also finds differences that turn around along the trait.",
)
@selection_options
@pass_session
def items(
    session: Session,
    instrument: str,
    by: str,
    reference: str,
    focal: str,
    method: str,
    conditions: tuple[str, ...],
    start: str | None,
    end: str | None,
) -> None:
    """Show whether the items of an instrument work alike in two groups.

    Example:
        ioc-analytics ocean items ipip50 --by gender --reference female --focal male
        ioc-analytics ocean items bfi25 --by gender --reference male --focal other --method logistic
    """
    filters = parse_conditions(conditions)
    with session.system() as system:
        answer = system.analyze_item_functioning(
            by, instrument, reference, focal, filters, {"start": start, "end": end}, method=method
        )
    if session.is_json:
        session.print_json(answer.to_dict())
        return
    sizes = {
        "mantel": {"difference in SD": "standardized_difference"},
        "logistic": {"log odds": "group_log_odds", "gain in R²": "nagelkerke_gain"},
    }[method]
    heads = (*sizes, "p adjusted")
    found = table("trait", "item", *heads, "class", numbers=heads)
    for trait, rows in answer.traits.items():
        for row in rows:
            found.add_row(
                trait,
                row.item,
                *(figure(getattr(row, name), 3) for name in sizes.values()),
                figure(row.adjusted_p_value, 4),
                row.item_class or "-",
            )
    session.console().print(found)
    sheets = ", ".join(f"{name} {n:,}" for name, n in answer.sample_sizes.items())
    click.echo(f"sheets: {sheets}")
    for warning in answer.warnings:
        click.echo(f"note: {warning}")
    show_withheld(answer.withheld)


@click.command(cls=PlatformCommand)
@selection_options
@pass_session
def outliers(
    session: Session, conditions: tuple[str, ...], start: str | None, end: str | None
) -> None:
    """Show responses, and months of industries and regions, that lie far off.

    Example:
        ioc-analytics ocean outliers
        ioc-analytics ocean outliers --filter instrument=ipip50 --json
    """
    filters = parse_conditions(conditions)
    with session.system() as system:
        answer = system.find_outliers(filters, {"start": start, "end": end})
    if session.is_json:
        session.print_json(answer.to_dict())
        return
    heads: tuple[str, ...] = ("n", "low", "high", "below", "above")
    limits = table("instrument", "trait", "method", *heads, numbers=heads)
    for name, found in answer.by_instrument.items():
        for trait, both in found.limits.items():
            for one in both:
                bounds = (figure(one.low), figure(one.high), f"{one.below:,}", f"{one.above:,}")
                limits.add_row(name, trait, one.method, f"{one.sample_size:,}", *bounds)
    heads = ("distance²", "p adjusted")
    responses = table("response", "instrument", *heads, numbers=heads)
    for far in answer.responses:
        numbers = (figure(far.distance_squared), figure(far.adjusted_p_value, 4))
        responses.add_row(str(far.response_hash), far.instrument, *numbers)
    heads = ("n", "difference", "p adjusted")
    months = table("month", "segment", "instrument", "trait", *heads, numbers=heads)
    for month in answer.segments:
        months.add_row(
            f"{month.month:%Y-%m}",
            month.segment,
            month.instrument,
            month.trait,
            f"{month.sample_size:,}",
            figure(month.difference),
            figure(month.adjusted_p_value, 4),
        )
    console = session.console()
    for made in (limits, responses, months):
        if made.row_count:
            console.print(made)
    far_responses = sum(found.far_responses or 0 for found in answer.by_instrument.values())
    click.echo(f"{far_responses:,} far responses; {answer.judged_months:,} months were judged")
    show_withheld(answer.withheld)


@click.command(cls=PlatformCommand)
@selection_options
@click.option("--by", multiple=True, metavar="NAME", help="Rates by region, device_type, ...")
@click.option(
    "--flags",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write a CSV of every response's signs instead.",
)
@pass_session
def careless(
    session: Session,
    conditions: tuple[str, ...],
    start: str | None,
    end: str | None,
    by: tuple[str, ...],
    flags: Path | None,
) -> None:
    """Show careless responding: rates, signs, traits with and without.

    Example:
        ioc-analytics ocean careless
        ioc-analytics ocean careless --by region --by device_type
        ioc-analytics ocean careless --filter instrument=ipip50 --flags flags.csv
        ioc-analytics ocean careless --filter industry=Technology --json
    """
    filters = parse_conditions(conditions)
    if flags is not None:
        _write_flags(session, filters, {"start": start, "end": end}, flags)
        return
    with session.system() as system:
        segments = {"by": by} if by else {}
        answer = system.analyze_careless(filters, {"start": start, "end": end}, **segments)
    if session.is_json:
        session.print_json(answer.to_dict())
        return
    heads = ("n", "flagged", "rate", "95 % CI")
    rates = table("by", "segment", *heads, numbers=heads)
    for rate in answer.rates:
        bounds = rate.confidence_interval
        rates.add_row(
            rate.dimension,
            rate.segment,
            f"{rate.sample_size:,}",
            f"{rate.flagged:,}",
            f"{rate.rate:.1%}",
            f"{bounds.low:.1%} to {bounds.high:.1%}",
        )
    heads = ("n", "mean", "median", "flagged")
    signs = table("instrument", "sign", *heads, "flagged if", numbers=heads)
    for name, found in answer.indices.items():
        for sign in found:
            numbers = (figure(sign.average, 2), figure(sign.median, 2), f"{sign.flagged:,}")
            signs.add_row(name, sign.name, f"{sign.sample_size:,}", *numbers, sign.cut_off)
    plain = ("n", "mean", "SD", "alpha")
    both = (*plain, *(f"{name} without" for name in plain))
    means = table("instrument", "trait", *both, numbers=both)
    for one in answer.traits:
        means.add_row(
            one.instrument,
            one.trait,
            f"{one.sample_size:,}",
            figure(one.average),
            figure(one.std_dev),
            figure(one.alpha, 2),
            f"{one.sample_size_without:,}",
            figure(one.average_without),
            figure(one.std_dev_without),
            figure(one.alpha_without, 2),
        )
    console = session.console()
    for made in (rates, signs, means):
        if made.row_count:
            console.print(made)
    show_withheld(answer.withheld)


def _write_flags(session: Session, filters: Any, times: Any, path: Path) -> None:
    with session.system() as system:
        answer = system.flag_careless(filters, times)
    answer.frame.to_csv(path, index=False)
    with_signs = int((answer.frame["signs"] > 0).sum())
    if session.is_json:
        told = {"path": str(path), "rows": len(answer.frame), "with_signs": with_signs}
        session.print_json(told | {"cut_offs": answer.cut_offs, "withheld": answer.withheld})
        return
    click.echo(f"{len(answer.frame):,} responses in {path}, {with_signs:,} with a sign")
    show_withheld(answer.withheld)


@click.command(cls=PlatformCommand)
@click.option("--from", "start", metavar="DATE", help="First day, or an ISO time (UTC).")
@click.option("--to", "end", metavar="DATE", help="End, itself left out.")
@pass_session
def raters(session: Session, start: str | None, end: str | None) -> None:
    """Show how far the AI raters agree, and weeks in which one left its own ways.

    Example:
        ioc-analytics ocean raters
        ioc-analytics ocean raters --from 2025-01-01 --json
    """
    with session.system() as system:
        answer = system.analyze_ai_validation({"start": start, "end": end})
    if session.is_json:
        session.print_json(answer.to_dict())
        return
    heads = ("n", "bias", "ICC", "kappa", "agree")
    found = table("trait", "raters", *heads, numbers=heads)
    for one in answer.agreements:
        measured = one.agreement
        found.add_row(
            one.dimension,
            f"{one.primary_model}, {one.secondary_model}",
            f"{one.sample_size:,}",
            figure(measured.limits.bias),
            figure(measured.icc.icc, 2),
            figure(measured.kappa.kappa, 2),
            f"{measured.rate.rate:.1%}",
        )
    session.console().print(found)
    for week in answer.drift:
        click.echo(
            f"{week.model} on {week.dimension}, week from {week.week}: {week.difference:+.1f} "
            f"points off its history (n = {week.sample_size:,}, p = {week.adjusted_p_value:.4f})"
        )
    click.echo(f"{sum(answer.judged_weeks.values()):,} weeks of models and traits were judged")
    show_withheld(answer.withheld)
