"""``backup``: making, trying and restoring backups.

Not for: how long rows are kept, or which backups go by themselves (settings ``backup.*``).
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from ioc_analytics.cli.commands import PlatformGroup
from ioc_analytics.cli.session import Session, figure, pass_session, size, table


@click.group(cls=PlatformGroup)
def backup() -> None:
    """Make backups, try them, and bring one back.

    Example:
        ioc-analytics backup create
        ioc-analytics backup drill
    """


@backup.command("create")
@click.option(
    "--compression",
    type=click.IntRange(0, 9),
    help="Level of gzip; 0 does not compress, 1 unless given.",
)
@click.option(
    "--method",
    type=click.Choice(["dump", "physical", "pgbackrest"]),
    help="That of the settings unless given.",
)
@click.option(
    "--physical",
    "method",
    flag_value="physical",
    help="The whole server and its log, for any moment since.",
)
@click.option("--drill", is_flag=True, help="Restore it on trial, then let old backups go.")
@pass_session
def create(session: Session, compression: int | None, method: str | None, drill: bool) -> None:
    """Write a backup of the platform's database, and of Dagster's; or of the whole server.

    Example:
        ioc-analytics backup create --drill
        ioc-analytics backup create --physical
    """
    given = {"compression": compression, "method": method}
    how = {name: value for name, value in given.items() if value is not None}
    gone = []
    with session.system() as system:
        with _steps(session, "writing") as advance:
            made = system.create_backup(how, progress=advance)
        if drill:
            with _steps(session, "drilling") as advance:
                made = system.drill_backup(made.id, progress=advance)
            gone = system.prune_backups()
    if session.is_json:
        session.print_json({**made.to_dict(), "pruned": [one.id for one in gone]})
        return
    click.echo(f"{made.id}: {made.state}, {size(made.size)} in {made.location}")
    if not drill:
        click.echo(f"It counts once it was tried: ioc-analytics backup drill {made.id}")
    for one in gone:
        click.echo(f"deleted {one.id} of {one.created_at:%Y-%m-%d}")


@backup.command("list")
@pass_session
def show(session: Session) -> None:
    """List the backups, the newest first.

    Example:
        ioc-analytics backup list
    """
    with session.system() as system:
        backups = system.list_backups()
    if session.is_json:
        session.print_json({"backups": [one.to_dict() for one in backups]})
        return
    numbers = ("size", "restore seconds")
    shown = table(
        "id", "method", "made at", "state", "size", "restore seconds", "fault", numbers=numbers
    )
    for one in backups:
        shown.add_row(
            one.id,
            one.method,
            f"{one.created_at:%Y-%m-%d %H:%M}",
            one.state,
            size(one.size),
            figure(one.restore_seconds),
            one.fault or "",
        )
    session.console().print(shown)


@backup.command("verify")
@click.argument("backup_id", required=False, metavar="[ID]")
@pass_session
def verify(session: Session, backup_id: str | None) -> None:
    """Compare the files of a backup, or of the newest one, with its signed manifest.

    Example:
        ioc-analytics backup verify
    """
    with session.system() as system, _steps(session, "verifying") as advance:
        seen = system.verify_backup(backup_id, progress=advance)
    if session.is_json:
        session.print_json(seen.to_dict())
        return
    click.echo(f"{seen.id}: every file is as it was written")


@backup.command("drill")
@click.argument("backup_id", required=False, metavar="[ID]")
@pass_session
def drill(session: Session, backup_id: str | None) -> None:
    """Restore a backup, or the newest one, on a scratch server and compare its content.

    Example:
        ioc-analytics backup drill
    """
    with session.system() as system, _steps(session, "drilling") as advance:
        tried = system.drill_backup(backup_id, progress=advance)
    if session.is_json:
        session.print_json(tried.to_dict())
        return
    click.echo(
        f"{tried.id}: restored in {figure(tried.restore_seconds)} s, "
        f"{len(tried.fingerprints):,} tables equal to what was backed up"
    )


@backup.command("restore")
@click.argument("backup_id", required=False, metavar="[ID]")
@click.option(
    "--target",
    help="New database, new home folder (a path), or a server's address; without it the "
    "installation's own database, which must be empty. With - an address is read from standard "
    "input, so that no other account of the machine sees its password.",
)
@click.option(
    "--until",
    metavar="MOMENT",
    help="Of a physical backup: what was committed up to this moment (UTC), or `latest`.",
)
@pass_session
def restore(session: Session, backup_id: str | None, target: str | None, until: str | None) -> None:
    """Restore a backup, or the newest one, into an empty target; nothing is ever overwritten.

    Example:
        ioc-analytics backup restore 20261125T020000Z-1a2b3c --target ioc_analytics_restored
        ioc-analytics backup restore ID --target /srv/ioc-new --until 2026-11-25T14:30:00
    """
    if target == "-":
        target = sys.stdin.readline().strip()
    with session.system() as system, _steps(session, "restoring") as advance:
        receipt = system.restore_backup(backup_id, target, until, progress=advance)
    if session.is_json:
        session.print_json(receipt.to_dict())
        return
    found = "all equal" if receipt.is_compared else "later than the backup, so not compared"
    click.echo(
        f"{receipt.id} is in database {receipt.target}: {receipt.tables:,} tables, {found}, "
        f"in {receipt.restore_seconds:.1f} s; {receipt.erased_rows:,} rows of erased people and "
        "organizations were taken out again"
    )
    if receipt.left_out is not None:
        click.echo(f"Left out: {receipt.left_out}")


@backup.command("upgrade")
@pass_session
def upgrade(session: Session) -> None:
    """Move the embedded server's data to the PostgreSQL that is installed now.

    They go through a backup that is drilled before; the old data folder stays. Stop everything
    that uses the platform first.

    Example:
        ioc-analytics backup upgrade
    """
    with session.system() as system, _steps(session, "looking") as advance:
        receipt = system.upgrade_server(progress=advance)
    if session.is_json:
        session.print_json(receipt.to_dict())
        return
    if receipt.backup is None:
        click.echo(f"nothing to do: the data are in PostgreSQL {receipt.to_version} already")
        return
    click.echo(
        f"PostgreSQL {receipt.from_version} became {receipt.to_version} in "
        f"{receipt.seconds:.0f} s, through backup {receipt.backup}.\n"
        f"The old data are in {receipt.old_data}: delete that folder when you are content."
    )
    if receipt.left_databases:
        click.echo(f"Only there: database {', '.join(receipt.left_databases)}")


@contextmanager
def _steps(session: Session, what: str) -> Iterator[Callable[[str], None]]:
    """Lend what shows each step of a verb, with how many there were."""
    with session.progress("steps") as bars:
        task = bars.add_task(what, total=None)
        yield lambda step: bars.update(task, description=f"{what}: {step}", advance=1)
