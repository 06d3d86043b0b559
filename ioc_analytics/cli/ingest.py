"""``ingest`` and ``quarantine``: files in, out again, and what was put aside.

Not for: the rules (``records.contracts``) or what a receipt promises (``records.receipts``).
"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ioc_analytics.cli.commands import PlatformCommand, PlatformGroup
from ioc_analytics.cli.session import Session, pass_session, table
from ioc_analytics.kernel.errors import AnalyticsError

if TYPE_CHECKING:
    from ioc_analytics.records.receipts import IngestReceipt
    from ioc_analytics.system import AnalyticsSystem


@click.command(cls=PlatformCommand)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="PATH...")
@click.option(
    "--mapping",
    type=click.Path(dir_okay=False, path_type=Path),
    help="TOML file that says what the columns of a wide export mean.",
)
@click.option("--check", is_flag=True, help="Judge, and write nothing.")
@click.option(
    "--replace", is_flag=True, help="Let other content of the same version replace what is stored."
)
@click.option("--undo", type=int, metavar="BATCH", help="Take a batch out again.")
@pass_session
def ingest(
    session: Session,
    paths: tuple[Path, ...],
    mapping: Path | None,
    check: bool,
    replace: bool,
    undo: int | None,
) -> None:
    """Take operational files in, pseudonymised on the way; each PATH is one batch.

    Example:
        ioc-analytics ingest export.csv.gz --mapping examples/mappings/big5.toml
        ioc-analytics ingest 2025-01/ 2025-02/ --check
        ioc-analytics ingest --undo 3
    """
    if (undo is None) == (not paths):
        raise click.UsageError("give files or folders to ingest, or --undo with a batch")
    if undo is not None:
        _undo(session, undo)
        return
    with session.system(initializes=True) as system:
        try:
            receipt = take_in(session, system, paths, mapping, check=check, replace=replace)
        except AnalyticsError as error:
            for done in () if session.is_json else error.receipts:
                show_receipt(session, done, is_check=check)
            raise
    if session.is_json:
        session.print_json(receipt.to_dict())
    else:
        show_receipt(session, receipt, is_check=check)


def take_in(
    session: Session,
    system: "AnalyticsSystem",
    paths: tuple[Path, ...],
    mapping: Path | None = None,
    *,
    check: bool = False,
    replace: bool = False,
) -> "IngestReceipt":
    """Ingest paths behind a progress bar."""
    with session.progress("percent") as bars:
        tasks = {}

        def advance(name: str, records: int, share: float) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=100)
            shown = f"{name}, {records:,} records"
            bars.update(tasks[name], completed=100 * share, description=shown)

        return system.ingest_files(
            *paths, mapping=mapping, check=check, replace=replace, progress=advance
        )


def show_receipt(session: Session, receipt: "IngestReceipt", *, is_check: bool = False) -> None:
    """Print a receipt for people."""
    if is_check:
        title = f"{receipt.name}: judged, nothing was written"
    elif receipt.is_duplicate:
        title = f"{receipt.name}: was loaded before, nothing was written"
    elif receipt.batch_id is None:
        title = f"{receipt.name} in {receipt.duration_seconds:.1f} s"
    else:
        title = f"{receipt.name}: batch {receipt.batch_id} in {receipt.duration_seconds:.1f} s"
    heads = ("received", "accepted", "duplicates", "quarantined")
    kinds = table("kind", *heads, numbers=heads, title=title)
    for kind, counts in receipt.by_kind.items():
        kinds.add_row(kind, *(f"{getattr(counts, name):,}" for name in heads))
    session.console().print(kinds)
    for head, numbers in (("repaired", receipt.repairs), ("put aside", receipt.quarantine)):
        for name, count in sorted(numbers.items(), key=lambda item: -item[1]):
            click.echo(f"{head}: {name} {count:,}")
    if receipt.dropped_columns:
        click.echo(f"columns not kept: {', '.join(receipt.dropped_columns)}")
    if receipt.settled:
        click.echo(f"left the quarantine, their parent came: {receipt.settled:,}")
    for warning in dict.fromkeys(receipt.warnings):
        click.echo(f"note: {warning}")
    if receipt.quarantined and not is_check:
        click.echo("see: ioc-analytics quarantine list")


def _undo(session: Session, batch: int) -> None:
    with session.system() as system:
        receipt = system.undo_batch(batch)
    if session.is_json:
        session.print_json(receipt.to_dict())
        return
    removed = ", ".join(f"{n:,} of {name}" for name, n in receipt.removed.items() if n)
    click.echo(f"batch {batch} is out again: {removed or 'it had no rows left'}")
    if receipt.kept_assessments:
        click.echo(f"kept, other batches need them: {receipt.kept_assessments:,} assessments")
    if receipt.incomplete_batches:
        numbers = ", ".join(map(str, receipt.incomplete_batches))
        click.echo(f"lost rows too and may be ingested again: batches {numbers}")


@click.group(cls=PlatformGroup)
def quarantine() -> None:
    """Look at records that were put aside, and judge them again.

    Example:
        ioc-analytics quarantine list --rule orphan
    """


@quarantine.command("list")
@click.option("--batch", type=int, help="Only of this batch.")
@click.option("--rule", help="Only of this rule, such as orphan or conflict.")
@click.option(
    "--status",
    type=click.Choice(["waiting", "settled"]),
    default="waiting",
    show_default=True,
    help="Still waiting, or stored since.",
)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Most shown.")
@pass_session
def list_(session: Session, batch: int | None, rule: str | None, status: str, limit: int) -> None:
    """List records that were put aside, newest first.

    Example:
        ioc-analytics quarantine list --batch 3 --rule out_of_range
    """
    with session.system() as system:
        entries = system.list_quarantine(batch_id=batch, rule=rule, status=status, limit=limit)
    if session.is_json:
        session.print_json({"entries": [entry.to_dict() for entry in entries]})
        return
    if not entries:
        click.echo("the quarantine is empty" if not (batch or rule) else "nothing is put aside")
        return
    shown = table(
        "id", "batch", "kind", "rule", "file", "line", "column", "value", numbers=("id", "line")
    )
    for entry in entries:
        shown.add_row(
            str(entry.id),
            entry.batch,
            entry.kind,
            entry.rule,
            entry.file,
            "-" if entry.line is None else f"{entry.line:,}",
            entry.column_name or "-",
            entry.value or "-",
        )
    session.console().print(shown)
    if len(entries) == limit:
        click.echo(f"the newest {limit}; --limit shows more")


@quarantine.command("show")
@click.argument("number", type=int)
@pass_session
def show(session: Session, number: int) -> None:
    """Show one record with its pseudonymised content.

    Example:
        ioc-analytics quarantine show 17
    """
    with session.system() as system:
        entry = system.show_quarantine(number)
    if session.is_json:
        session.print_json(entry.to_dict())
        return
    for name, value in entry.to_dict().items():
        if name == "record":
            for column, content in (value or {}).items():
                click.echo(f"{'record.' + column:24}{content}")
        elif value is not None:
            click.echo(f"{name:24}{value}")


@quarantine.command("retry")
@click.argument("numbers", type=int, nargs=-1)
@click.option("--batch", type=int, help="Only of this batch.")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Read their lines from the repaired file or folder.",
)
@click.option(
    "--mapping",
    type=click.Path(dir_okay=False, path_type=Path),
    help="TOML file that says what the columns of a wide export mean.",
)
@pass_session
def retry(
    session: Session,
    numbers: tuple[int, ...],
    batch: int | None,
    source: Path | None,
    mapping: Path | None,
) -> None:
    """Judge waiting records again: all, those of a batch, or single ones.

    Example:
        ioc-analytics quarantine retry
        ioc-analytics quarantine retry 17 18
        ioc-analytics quarantine retry --from export.csv --mapping big5.toml
    """
    if mapping is not None and source is None:
        raise click.UsageError("--mapping reads a file: give it with --from")
    with session.system() as system:
        receipt = system.retry_quarantine(
            batch_id=batch, ids=numbers or None, source=source, mapping=mapping
        )
    if session.is_json:
        session.print_json(receipt.to_dict())
        return
    click.echo(f"{receipt.settled:,} records left the quarantine")
    for rule, count in sorted(receipt.quarantine.items(), key=lambda item: -item[1]):
        click.echo(f"put aside: {rule} {count:,}")
