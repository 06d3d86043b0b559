"""Where measurements run: a throw-away server, fresh databases, a venv for peers, tables.

For: the benchmarks. Not for: what is measured.
"""

import platform
import subprocess
import sys
import tempfile
import time
import uuid
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psutil
from rich.console import Console
from rich.table import Table

from ioc_analytics.database.embedded import discard_server
from ioc_analytics.system import AnalyticsSystem, create_analytics_system

CONSOLE = Console(width=100)
_PEERS = Path(__file__).resolve().parents[1] / ".venv-peers"


@contextmanager
def throw_away_home() -> Iterator[Path]:
    """Lend a home whose embedded server and data are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="ioc-bench-") as folder:
        Path(folder).chmod(0o711)
        home = Path(folder) / "home"
        # Held open: the server would stop and start between two measurements otherwise.
        with create_analytics_system(home=home) as keeper:
            keeper.initialize()
            yield home
        discard_server(home)


@contextmanager
def fresh_system(home: Path) -> Iterator[AnalyticsSystem]:
    """Lend an initialised system on a database of its own."""
    name = f"bench_{uuid.uuid4().hex[:10]}"
    with create_analytics_system(home=home, database={"database": name}) as system:
        system.initialize()
        yield system
    with create_analytics_system(home=home) as keeper:
        keeper.database.open()
        with keeper.database.superuser_connection() as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def peer_python(*packages: str) -> Path:
    """Return the interpreter of a venv that has the named packages; installed on demand."""
    python = _PEERS / "bin" / "python"
    if not python.exists():
        venv.create(_PEERS, with_pip=True)
    # Does nothing where they are; `pip show` would be content with one of them.
    command: list[str | Path] = [python, "-m", "pip", "install", "--quiet", *packages]
    subprocess.run(command, check=True, capture_output=True)
    return python


def seconds(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def middle(values: list[float]) -> float:
    """Return the median."""
    return median(values)


def show(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Print a table of results under the facts of the machine."""
    memory = psutil.virtual_memory().total / 2**30
    CONSOLE.print(
        f"{psutil.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, "
        f"Python {sys.version.split()[0]}, load {psutil.getloadavg()[0]:.1f}",
        style="dim",
    )
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    CONSOLE.print(table)
