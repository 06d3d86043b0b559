"""``retention``: what goes by the clock: planning it, carrying it out, legal holds.

Not for: how long what is kept (settings), or care of what stays (``maintain``).
"""

from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from ioc_analytics.cli.commands import PlatformGroup
from ioc_analytics.cli.session import Session, pass_session, size, table

if TYPE_CHECKING:
    from ioc_analytics.records.retention import LegalHold, RetentionPlan

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group(cls=PlatformGroup)
def retention() -> None:
    """Let go what has expired: planned first, sealed before, accounted for afterwards.

    Example:
        ioc-analytics retention plan
        ioc-analytics retention apply 1
    """


@retention.command("plan")
@pass_session
def plan(session: Session) -> None:
    """Plan what goes, and store the plan; nothing goes yet.

    Example:
        ioc-analytics retention plan
    """
    with session.system() as system:
        made = system.plan_retention()
    if session.is_json:
        session.print_json(made.to_dict())
        return
    _show(session, made)
    if made.is_empty:
        click.echo(f"plan {made.id}: nothing has expired")
    else:
        click.echo(f"Carry it out with: ioc-analytics retention apply {made.id}")


@retention.command("apply")
@click.argument("plan_id", type=click.IntRange(min=1), metavar="PLAN")
@click.option(
    "--without-backup",
    metavar="REASON",
    help="Let raw rows go that no drilled backup holds; the reason is kept.",
)
@pass_session
def apply(session: Session, plan_id: int, without_backup: str | None) -> None:
    """Carry a plan out, or go on with one that was interrupted.

    A plan that does not fit any longer is refused, and so is one that no drilled backup covers.

    Example:
        ioc-analytics retention apply 1
    """
    with session.system() as system, session.progress("steps") as bars:
        task = bars.add_task("retention", total=None)

        def tell(step: str) -> None:
            bars.update(task, description=step, advance=1)

        done = system.apply_retention(plan_id, without_backup=without_backup, progress=tell)
    if session.is_json:
        session.print_json(done.to_dict())
        return
    for month in done.sealed:
        click.echo(f"sealed {month:%Y-%m}")
    for place in done.archived:
        click.echo(f"archived in {place}")
    for name, rows in done.deleted.items():
        click.echo(f"deleted {rows:,} rows of {name}")
    for period in done.detached:
        click.echo(f"detached {period}: it waits for the end of its grace")
    for period, rows in done.dropped.items():
        click.echo(f"dropped {period}: {rows:,} rows")
    for tier, items in done.tiers.items():
        click.echo(f"{tier}: {items:,} gone")
    click.echo(
        f"plan {done.plan_id} is done in {done.duration_seconds:.1f} s; "
        f"{len(done.certificates)} certificates are in the audit log"
    )


@retention.command("hold")
@click.argument("reason")
@click.option("--tier", help="raw, exports, backups, quarantine ...; without it everything.")
@click.option("--from", "start", type=_DAY, help="First day that it holds.")
@click.option("--to", "end", type=_DAY, help="First day after.")
@pass_session
def hold(
    session: Session, reason: str, tier: str | None, start: datetime | None, end: datetime | None
) -> None:
    """Place a legal hold: what it covers does not go, whatever its age.

    Example:
        ioc-analytics retention hold "case 2026-17" --from 2024-01-01 --to 2024-04-01
    """
    with session.system() as system:
        placed = system.hold_retention(reason, tier=tier, start=_day(start), end=_day(end))
    _tell(session, placed, "holds")


@retention.command("release")
@click.argument("hold_id", type=click.IntRange(min=1), metavar="HOLD")
@pass_session
def release(session: Session, hold_id: int) -> None:
    """End a legal hold; what it kept goes with the next plan.

    Example:
        ioc-analytics retention release 1
    """
    with session.system() as system:
        released = system.release_retention(hold_id)
    _tell(session, released, "is released")


@retention.command("list")
@pass_session
def show(session: Session) -> None:
    """List the newest plans with what became of them, and the legal holds in force.

    Example:
        ioc-analytics retention list
    """
    with session.system() as system:
        plans, holds = system.list_retention_plans(), system.list_holds()
    if session.is_json:
        told = {"plans": [one.to_dict() for one in plans], "holds": [h.to_dict() for h in holds]}
        session.print_json(told)
        return
    shown = table("plan", "made at", "by", "status", "raw rows", "note", numbers=("raw rows",))
    for one in plans:
        rows = f"{one.plan.raw_rows:,}"
        moment = f"{one.planned_at:%Y-%m-%d %H:%M}"
        shown.add_row(str(one.id), moment, one.planned_by, one.status, rows, one.note or "")
    session.console().print(shown)
    _show_holds(session, holds)


def _show(session: Session, plan: "RetentionPlan") -> None:
    shown = table("tier", "what", "how", "items", "size", numbers=("items", "size"))
    for row in plan.rows():
        if row["items"] or row["how"] in ("detach", "drop"):
            bytes_there = row["size_bytes"]
            shown.add_row(
                row["tier"],
                row["what"],
                row["how"],
                f"{row['items']:,}",
                "" if bytes_there is None else size(bytes_there),
            )
    session.console().print(shown)
    for what, reason in plan.kept.items():
        click.echo(f"kept: {what} ({reason})")
    if plan.backup is not None:
        click.echo(f"covered by the drilled backup {plan.backup}")
    if plan.backup_fault is not None:
        click.echo(f"not covered: {plan.backup_fault}")
    if plan.backups_with_rows:
        number = len(plan.backups_with_rows)
        click.echo(f"{number} backups hold rows of it until they go by their own clock")


def _show_holds(session: Session, holds: "tuple[LegalHold, ...]") -> None:
    if not holds:
        return
    shown = table("hold", "tier", "from", "to", "placed at", "by", "reason")
    for one in holds:
        shown.add_row(
            str(one.id),
            one.tier or "everything",
            f"{one.start or ''}",
            f"{one.end or ''}",
            f"{one.placed_at:%Y-%m-%d %H:%M}",
            one.placed_by,
            one.reason,
        )
    session.console().print(shown)


def _tell(session: Session, hold: "LegalHold", verb: str) -> None:
    if session.is_json:
        session.print_json(hold.to_dict())
    else:
        click.echo(f"legal hold {hold.id} {verb}: {hold.tier or 'everything'} ({hold.reason})")


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()
