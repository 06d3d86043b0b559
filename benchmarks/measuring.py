"""Times, medians of neighbouring pairs, tables, peers installed on demand, throw-away platforms."""

import importlib
import importlib.util
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from rich.console import Console
from rich.table import Table

from ioc_analytics import AnalyticsSystem, create_analytics_system
from ioc_analytics.database.embedded import discard_server

console = Console(width=110)
_PEERS = Path(__file__).resolve().parents[1] / ".venv-peers"


Row = tuple[str, str, str]
"""What was measured, the figure, and the goal (empty: there is none)."""


def describe_machine() -> str:
    """Return what the figures were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, load {os.getloadavg()[0]:.1f}, "
        f"{platform.system()}, Python {platform.python_version()}"
    )


def install(package: str, module: str | None = None) -> ModuleType:
    """Return a peer's module, installed into this environment first where it is missing."""
    name = module or package
    if importlib.util.find_spec(name) is None:
        console.print(f"installing {package}")
        subprocess.run([sys.executable, "-m", "uv", "pip", "install", "-q", package], check=True)
        importlib.invalidate_caches()
    return importlib.import_module(name)


def peer_python(*packages: str) -> Path:
    """Return the interpreter of a venv of the peers' own that has the named packages.

    For peers whose dependencies would not live beside ours; installed on demand.
    """
    python = _PEERS / "bin" / "python"
    if not python.exists():
        venv.create(_PEERS, with_pip=True)
    # Does nothing where they are; `pip show` would be content with one of them.
    command: list[str | Path] = [python, "-m", "pip", "install", "--quiet", *packages]
    subprocess.run(command, check=True, capture_output=True)
    return python


def seconds(work: Callable[[], object]) -> float:
    """Return how long one run takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def median_seconds(work: Callable[[], object], rounds: int, *, warm_up: int = 1) -> float:
    """Return the median of some runs after a warm-up."""
    for _ in range(warm_up):
        work()
    return statistics.median(seconds(work) for _ in range(rounds))


def compare(
    ours: Callable[[], float], theirs: Callable[[], float], rounds: int
) -> tuple[float, float, float]:
    """Measure in neighbouring pairs; return both medians and the median of the pairs' ratios."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return (
        statistics.median(mine for mine, _ in pairs),
        statistics.median(other for _, other in pairs),
        statistics.median(other / mine for mine, other in pairs),
    )


def show(title: str, rows: Sequence[Row]) -> None:
    """Print a table: what, figure, goal."""
    table = Table("what", "figure", "goal", title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    console.print(table)


@contextmanager
def throwaway_platform() -> Iterator[AnalyticsSystem]:
    """An initialised platform on an embedded server of its own, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="ioc-bench-") as folder:
        Path(folder).chmod(0o711)
        home = Path(folder, "home")
        try:
            with create_analytics_system(home=home) as system:
                system.initialize()
                yield system
        finally:
            discard_server(home)
