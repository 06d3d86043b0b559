"""``generate``: synthetic operational files of any size."""

from datetime import datetime
from pathlib import Path
from typing import Literal

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.session import Session, pass_session, size, table

_SHARE = click.FloatRange(0, 1)


@click.command(cls=PlatformCommand)
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--responses", type=click.IntRange(1), default=10_000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--start",
    type=click.DateTime(["%Y-%m-%d"]),
    default="2025-01-01",
    show_default=True,
    help="First day.",
)
@click.option("--days", type=click.IntRange(1), default=365, show_default=True)
@click.option(
    "--batches",
    type=click.Choice(["single", "monthly"]),
    default="single",
    show_default=True,
    help="One batch folder, or one per month.",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["parquet", "csv", "jsonl"]),
    default="parquet",
    show_default=True,
)
@click.option("--compression", type=click.Choice(["gzip", "zstd"]), help="Of the files.")
@click.option(
    "--order",
    type=click.Choice(["random", "time"]),
    default="random",
    show_default=True,
    help="Of the responses within a batch.",
)
@click.option("--late", type=_SHARE, default=0.0, help="Share delivered months late.")
@click.option("--duplicates", type=_SHARE, default=0.0, help="Share delivered twice.")
@click.option("--dirty", type=_SHARE, default=0.0, help="Share with a spoiled row.")
@click.option("--with-scores", is_flag=True, help="Write scores as well.")
@click.option("--organizations", type=click.IntRange(1), default=200, show_default=True)
@pass_session
def generate(
    session: Session,
    out: Path,
    responses: int,
    seed: int,
    start: datetime,
    days: int,
    batches: Literal["single", "monthly"],
    file_format: Literal["parquet", "csv", "jsonl"],
    compression: Literal["gzip", "zstd"] | None,
    order: Literal["random", "time"],
    late: float,
    duplicates: float,
    dirty: float,
    with_scores: bool,
    organizations: int,
) -> None:
    """Write synthetic operational files (identified, made up) into the folder OUT.

    The same seed and options give the same bytes; the population values are documented.

    Example:
        ioc-analytics generate year --responses 1000 --seed 7
        ioc-analytics generate inbox --batches monthly --late 0.02 --dirty 0.01
    """
    from ioc_analytics.synthetic.files import generate_files

    with session.progress("responses") as bars:
        task = bars.add_task(f"writing {out}", total=responses)
        made = generate_files(
            out,
            responses=responses,
            seed=seed,
            start=start.date(),
            days=days,
            batches=batches,
            file_format=file_format,
            compression=compression,
            order=order,
            late_share=late,
            duplicate_share=duplicates,
            dirty_share=dirty,
            with_scores=with_scores,
            organizations=organizations,
            progress=lambda done, _: bars.update(task, completed=done),
        )
    if session.is_json:
        session.print_json(made.to_dict())
        return
    rows = table("kind", "rows", numbers=("rows",))
    for kind, count in made.rows.items():
        rows.add_row(kind, f"{count:,}")
    session.console().print(rows)
    planted = [("late", made.late), ("duplicate", made.duplicates), ("spoiled", made.dirty)]
    for name, counts in planted:
        if sum(counts.values()):
            click.echo(f"{name} rows: {sum(counts.values()):,}")
    click.echo(
        f"{len(made.paths)} files, {size(made.size_bytes)}, {len(made.batches)} "
        f"{'batch' if len(made.batches) == 1 else 'batches'} in {out}"
    )
    click.echo(f"next: ioc-analytics ingest {made.batches[0]}")
