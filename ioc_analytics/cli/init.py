"""``init`` and ``status``: making the installation, and looking at it."""

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.session import Session, figure, pass_session, size, table


@click.command(cls=PlatformCommand)
@click.option(
    "--end-log-archive",
    is_flag=True,
    help="Stop archiving the embedded server's log (ANALYTICS_LOG_ARCHIVE began it).",
)
@pass_session
def init(session: Session, end_log_archive: bool) -> None:
    """Make database, logins and schema; safe to repeat.

    Example:
        ioc-analytics init
        ANALYTICS_DB_HOST=db.example.org ioc-analytics init
    """
    with session.system(initializes=True) as system:
        if end_log_archive:
            system.end_log_archive()
        status = system.get_system_status()
        config = system.config
        history = system.database_manager.get_migration_history()
    done = {
        "home": str(config.home),
        "server": "embedded" if config.is_embedded else config.database.host or "by address",
        "server_version": status.database.server_version,
        "database": config.database.database,
        "applied": len(history),
        "partition_runway_months": status.database.partition_runway_months,
        "inbox": str(config.inbox.path),
    }
    if session.is_json:
        session.print_json(done)
        return
    click.echo(
        f"Ready: PostgreSQL {done['server_version']} ({done['server']}), "
        f"database {done['database']}, {done['applied']} files of schema applied.\n"
        f"Home:  {done['home']}\n"
        f"Next:  ioc-analytics ingest PATH, or ioc-analytics demo"
    )


@click.command(cls=PlatformCommand)
@click.option("--openmetrics", is_flag=True, help="Measure, and print the figures for Prometheus.")
@pass_session
def status(session: Session, openmetrics: bool) -> None:
    """Show what the platform holds and how fresh it is.

    Example:
        ioc-analytics status
        ioc-analytics status --json
        ioc-analytics status --openmetrics
    """
    if openmetrics and session.is_json:
        raise click.UsageError("--openmetrics is a format of its own; leave --json out")
    with session.system() as system:
        if openmetrics:
            click.echo(system.openmetrics(), nl=False)
            return
        found = system.get_system_status()
    if session.is_json:
        session.print_json(found.to_dict())
        return
    database = found.database
    console = session.console()
    click.echo(
        f"PostgreSQL {database.server_version}, {size(database.size_bytes)}, "
        f"partitions for {database.partition_runway_months} more months"
    )
    loaded = f"{found.watermark:%Y-%m-%d %H:%M} UTC" if found.watermark else "never"
    click.echo(
        f"Newest batch: {loaded}; days to refresh: {len(found.touched_days):,}; "
        f"in quarantine: {found.quarantine_waiting:,}; data quality: "
        f"{figure(database.data_quality_score)}"
    )
    if found.last_backup is None:
        click.echo("No backup has been restored on trial yet: ioc-analytics backup create --drill")
    else:
        click.echo(
            f"Newest drilled backup: {found.last_backup:%Y-%m-%d %H:%M} UTC; "
            f"its restore took {figure(found.restore_seconds)} s"
        )
    if found.left_out is not None:
        click.echo(f"In no backup: {found.left_out}")
    for alert in found.alerts:
        click.echo(f"Alert {alert.id}, {alert.severity}: {alert.summary} ({alert.runbook})")
    tables = table("table", "rows", "size", numbers=("rows", "size"))
    for name, one in found.tables.items():
        rows = f"{'about ' if one.is_estimate else ''}{one.rows:,}"
        tables.add_row(name, rows, size(one.size_bytes))
    console.print(tables)
    if found.batches:
        heads = ("batch", "accepted", "duplicates", "quarantined")
        batches = table(*heads[:1], "name", "status", "loaded at", *heads[1:], numbers=heads)
        for batch in found.batches:
            batches.add_row(
                str(batch.batch_id),
                batch.name,
                batch.status,
                f"{batch.loaded_at:%Y-%m-%d %H:%M}",
                f"{batch.accepted:,}",
                f"{batch.duplicates:,}",
                f"{batch.quarantined:,}",
            )
        console.print(batches)
    for job in found.jobs:
        if job.status == "failed":
            click.echo(f"failed: {job.job_type} {job.subject or ''}: {job.error}")
