"""``demo`` and ``dev``: the platform at work, through Dagster.

For: seeing it all. Not for: Dagster's process and materialization themselves (``cli.dev``).
"""

import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.ocean import show_analysis
from ioc_analytics.cli.session import Session, pass_session

if TYPE_CHECKING:
    from ioc_analytics.kernel.settings import AnalyticsConfig
    from ioc_analytics.orchestration.materialize import MaterializeSummary

_FIRST_DAY = date(2025, 1, 1)
_NEXT = (
    "dev",
    "ocean --filter gender=female",
    "query 'SELECT * FROM mv_monthly_ocean_distributions ORDER BY period_start'",
)


@click.command(cls=PlatformCommand)
@click.option("--responses", type=click.IntRange(100), default=10_000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--data", type=click.Path(path_type=Path), help="Your own file or folder instead.")
@click.option(
    "--mapping",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What the columns of your own file mean.",
)
@pass_session
def demo(
    session: Session, responses: int, seed: int, data: Path | None, mapping: Path | None
) -> None:
    """Show it all: files in, pseudonymised, through Dagster, to the OCEAN analysis.

    Without --data a year of operational files is made up. A second run finds that everything is
    there already.

    Example:
        ioc-analytics demo
        ioc-analytics demo --data export.csv --mapping examples/mappings/big5.toml
    """
    if mapping is not None and data is None:
        raise click.UsageError("--mapping says what the columns of --data mean; give both")
    config = session.config()
    _say(session, f"home: {config.home}")
    with tempfile.TemporaryDirectory(prefix="ioc-demo-") as folder:
        batches = (data,) if data else _make_up(session, Path(folder, "year"), responses, seed)
        summary = _materialize(session, config, batches, mapping)
    with session.system() as system:
        analysis = system.get_ocean_analysis()
    if session.is_json:
        session.print_json({"dagster": asdict(summary), "analysis": analysis.to_dict()})
        return
    _show_summary(summary)
    show_analysis(session, analysis)
    start = f"  ioc-analytics --home {session.home}" if session.home else "  ioc-analytics"
    click.echo("\nWhat to open next:")
    for words in _NEXT:
        click.echo(f"{start} {words}")


@click.command(cls=PlatformCommand)
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True)
@pass_session
def dev(session: Session, port: int) -> None:
    """Open Dagster's web page, with daemon and embedded server; Ctrl-C stops all.

    Example:
        ioc-analytics dev
        ioc-analytics dev --port 3001
    """
    from ioc_analytics.cli.dev import start_dev

    start_dev(
        session.config(),
        port=port,
        is_up=lambda address: click.echo(f"Dagster is up: {address} (Ctrl-C stops all)"),
    )


def _make_up(session: Session, out: Path, responses: int, seed: int) -> tuple[Path, ...]:
    from ioc_analytics.synthetic.files import generate_files

    with session.progress("responses") as bars:
        task = bars.add_task("making up a year of files", total=responses)
        made = generate_files(
            out,
            responses=responses,
            seed=seed,
            start=_FIRST_DAY,
            batches="monthly",
            late_share=0.01,
            duplicate_share=0.01,
            dirty_share=0.002,
            progress=lambda done, _: bars.update(task, completed=done),
        )
    _say(session, f"made up {responses:,} responses in {len(made.batches)} monthly batches")
    return made.batches


def _materialize(
    session: Session, config: "AnalyticsConfig", batches: Sequence[Path], mapping: Path | None
) -> "MaterializeSummary":
    from ioc_analytics.kernel.logs import configure_logging

    configure_logging(config)
    _say(session, "materializing every asset through Dagster:")
    with warnings.catch_warnings():
        # Dagster marks parts of its interface; the release is pinned, so they cannot change unseen.
        warnings.filterwarnings("ignore", message=".*is currently in (beta|preview)")
        from ioc_analytics.orchestration.materialize import materialize_all

        return materialize_all(
            config, batches, mapping, progress=lambda line: _say(session, f"  {line}")
        )


def _show_summary(summary: "MaterializeSummary") -> None:
    click.echo(
        f"{summary.runs} runs in {summary.duration_seconds:.0f} s: "
        f"{summary.accepted:,} records accepted, {summary.duplicates:,} duplicates, "
        f"{summary.quarantined:,} put aside; {len(summary.assets)} assets, "
        f"{summary.months} months released"
    )
    passed = sum(check.passed for check in summary.checks)
    click.echo(f"asset checks: {passed} of {len(summary.checks)} passed")
    for check in summary.checks:
        if not check.passed:
            click.echo(f"  failed: {check.asset} {check.name}: {check.summary}")


def _say(session: Session, line: str) -> None:
    if not session.is_json:
        click.echo(line)
