"""What every command shares: its settings, its system, and how it prints.

For: the commands. Not for: parsing (``cli.commands``) or what is printed (one module per noun).
The heavy imports happen inside the functions, so that ``--help`` answers at once.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    from ioc_analytics.kernel.settings import AnalyticsConfig
    from ioc_analytics.system import AnalyticsSystem


@dataclass(slots=True)
class Session:
    """One call of the command line."""

    home: Path | None = None
    """Home folder, when it is not that of the environment."""

    is_debug: bool = False
    """Whether the log is detailed and unexpected errors show where they come from."""

    is_json: bool = False
    """Whether standard output is one JSON document."""

    def config(self) -> "AnalyticsConfig":
        """Return the settings: the environment's, with this call's options on top."""
        from ioc_analytics.kernel.settings import AnalyticsConfig

        overrides: dict[str, Any] = {}
        if self.home is not None:
            overrides["home"] = self.home.absolute()
        if self.is_debug:
            overrides["debug_mode"] = True
        return AnalyticsConfig.load(**overrides)

    @contextmanager
    def system(self, *, initializes: bool = False) -> Iterator["AnalyticsSystem"]:
        """Lend the system, and close it afterwards.

        Args:
            initializes: Make database, logins and schema first, as far as they are missing.
        """
        from ioc_analytics.kernel.logs import configure_logging
        from ioc_analytics.system import AnalyticsSystem

        config = self.config()
        configure_logging(config)
        with AnalyticsSystem(config) as system:
            if initializes:
                system.initialize()
            yield system

    def console(self) -> "Console":
        """Return the console on standard output; wide where that is no terminal."""
        from rich.console import Console

        width = None if sys.stdout.isatty() else 160
        # What is printed is data: its brackets and colons mean nothing.
        return Console(
            file=sys.stdout,
            width=width,
            highlight=False,
            soft_wrap=False,
            markup=False,
            emoji=False,
        )

    def print_json(self, content: Mapping[str, Any]) -> None:
        """Write one JSON document to standard output."""
        click.echo(json.dumps(content, ensure_ascii=False, indent=2, default=str))

    @contextmanager
    def progress(self, unit: str) -> Iterator["Progress"]:
        """Lend progress bars on standard error; silent for machines and files.

        Args:
            unit: What is counted, such as ``records``.
        """
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        console = Console(file=sys.stderr)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.completed:,.0f} " + unit),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        is_silent = self.is_json or not console.is_terminal
        with Progress(*columns, console=console, disable=is_silent, transient=True) as progress:
            yield progress


pass_session = click.make_pass_decorator(Session, ensure=True)
"""Hands the session to a command as its first argument."""


def table(*columns: str, numbers: tuple[str, ...] = (), title: str | None = None) -> "Table":
    """Return an empty table in the house's look.

    Args:
        columns: Heads.
        numbers: Those of them that are set flush right.
        title: Line above it.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(box=SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    for name in columns:
        is_number = name in numbers
        made.add_column(name, justify="right" if is_number else "left", no_wrap=is_number)
    return made


def figure(value: float | None, decimals: int = 1) -> str:
    """Return a number for people; a dash where it is withheld."""
    return "-" if value is None else f"{value:,.{decimals}f}"


def size(size_bytes: float) -> str:
    """Return bytes in a unit that people read, such as ``3.2 MiB``."""
    value = float(size_bytes)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def show_withheld(withheld: Sequence[Mapping[str, str]]) -> None:
    """Print what an answer keeps back, and why."""
    for entry in withheld:
        click.echo(f"withheld: {entry['figure']}: {entry['reason']}")
