"""``migrate``: the schema of the database: applying, history, drift, and its text.

Not for: making a new installation (``init`` does that too) or partitions.
"""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ioc_analytics.cli.commands import PlatformGroup
from ioc_analytics.cli.session import Session, pass_session, size, table

if TYPE_CHECKING:
    from ioc_analytics.schema.impact import MigrationImpact


@click.group(cls=PlatformGroup)
def migrate() -> None:
    """Bring the schema up to date, and look at it.

    Example:
        ioc-analytics migrate check
    """


@migrate.command("up")
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
@pass_session
def up(session: Session, folder: Path | None) -> None:
    """Apply what is pending: the platform's migrations, or those of your own FOLDER.

    Example:
        ioc-analytics migrate up
        ioc-analytics migrate up my-migrations/
    """
    with session.system() as system:
        applied = system.database_manager.run_migrations(folder)
    if session.is_json:
        session.print_json({"applied": applied})
        return
    for name in applied:
        click.echo(f"applied {name}")
    if not applied:
        click.echo("the schema is up to date")


@migrate.command("history")
@pass_session
def history(session: Session) -> None:
    """List what was applied, oldest first.

    Example:
        ioc-analytics migrate history
    """
    with session.system() as system:
        applied = system.database_manager.get_migration_history()
    if session.is_json:
        session.print_json({"history": [one.to_dict() for one in applied]})
        return
    shown = table("applied at", "history", "name", "seconds", "checksum", numbers=("seconds",))
    for one in applied:
        moment = f"{one.applied_at:%Y-%m-%d %H:%M:%S}"
        shown.add_row(moment, one.history, one.name, f"{one.seconds:.2f}", one.checksum[:12])
    session.console().print(shown)


@migrate.command("check")
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.pass_context
def check(context: click.Context, folder: Path | None) -> None:
    """Show what is pending, what it locks and rewrites, and what differs from the migrated schema.

    Exit code 1 if anything is pending or differs. With FOLDER it looks at your own migrations. The
    time is an order of magnitude, from the size of the tables.

    Example:
        ioc-analytics migrate check
    """
    session = context.ensure_object(Session)
    with session.system() as system:
        pending = system.database_manager.plan_migrations(folder)
        impacts = system.database_manager.foresee_migrations(folder)
        drift = [] if folder else system.database_manager.find_drift()
    if session.is_json:
        told = {"impact": [one.to_dict() for one in impacts], "drift": drift}
        session.print_json({**pending.to_dict(), **told})
    else:
        for impact in impacts:
            _show_impact(impact)
        for line in drift:
            click.echo(line)
        if pending.is_empty and not drift:
            click.echo("the schema is up to date and as the migrations left it")
    if drift or not pending.is_empty:
        context.exit(1)


def _show_impact(impact: "MigrationImpact") -> None:
    click.echo(f"pending: {impact.name}, about {impact.estimated_seconds:.0f} s")
    before = "still runs" if impact.keeps_previous_release else "no longer runs"
    told = {"what": impact.what, "locks": impact.locks, "back": impact.way_back}
    for head, text in {**told, "previous release": before}.items():
        if text:
            click.echo(f"  {head}: {text}")
    for one in impact.tables:
        work = {"rewrite": "rewritten", "scan": "read whole", "moment": "touched"}[one.work]
        click.echo(f"  {one.table} ({one.rows:,} rows, {size(one.size_bytes)}): {work}, {one.lock}")


@migrate.command("dump")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; standard output without it.",
)
@click.option("--fresh", is_flag=True, help="Of a new database on a throw-away server.")
@pass_session
def dump(session: Session, output: Path | None, fresh: bool) -> None:
    """Write the schema as SQL, without partitions, rows and owners.

    Example:
        ioc-analytics migrate dump --output schema.sql
    """
    text = _dump_fresh(session) if fresh else _dump(session)
    if output is not None:
        output.write_text(text, encoding="utf-8")
    if session.is_json:
        session.print_json({"output": output and str(output), "sql": text})
    elif output is None:
        click.echo(text, nl=False)
    else:
        click.echo(f"wrote {output}")


def _dump(session: Session, *, initializes: bool = False) -> str:
    with session.system(initializes=initializes) as system:
        return system.database_manager.dump_schema()


def _dump_fresh(session: Session) -> str:
    from ioc_analytics.database.embedded import discard_server

    with tempfile.TemporaryDirectory(prefix="ioc-schema-") as folder:
        # The account that runs root's server passes through this folder.
        Path(folder).chmod(0o711)
        home = Path(folder, "home")
        try:
            return _dump(Session(home, session.is_debug, session.is_json), initializes=True)
        finally:
            discard_server(home)
