"""``dev``: Dagster's web page and daemon with the embedded server, until Ctrl-C.

For: the command of that name. Not for: production, where web server, daemon and code server are
services of their own (``docker-compose.yml``).
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final

import psutil
from pydantic import SecretStr

from ioc_analytics.kernel.errors import ConfigurationError, Unavailable
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.kernel.settings_sources import FILE_SUFFIX, leaves
from ioc_analytics.orchestration.instance import write_instance
from ioc_analytics.system import AnalyticsSystem

HOST: Final = "127.0.0.1"

_START_TIMEOUT_SECONDS: Final = 180
_STOP_TIMEOUT_SECONDS: Final = 30
_KILL_TIMEOUT_SECONDS: Final = 10
_POLL_SECONDS: Final = 0.5


def start_dev(
    config: AnalyticsConfig, port: int = 3000, *, is_up: Callable[[str], None] | None = None
) -> None:
    """Run Dagster's web page and daemon until Ctrl-C or SIGTERM; nothing is left behind.

    The embedded server is held for as long, and Dagster keeps its runs in a database of its own on
    it. Must be called in the main thread, which alone may look after signals.

    Args:
        config: The settings.
        port: Port of the page on 127.0.0.1.
        is_up: Called with the address of the page once it answers.

    Raises:
        ConfigurationError: The port is in use.
        Unavailable: The page did not come up, or its process ended by itself.
    """
    _check_port(port)
    with AnalyticsSystem(config) as system, _stop_asked_for() as stop:
        system.initialize()
        config.inbox.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        home = write_instance(config, system.database)
        if stop.is_set():
            return
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "dagster", "dev", "--host", HOST, "--port", str(port)),
                *("--workspace", str(home / "workspace.yaml")),
            ],
            env=_environment(config, home),
            cwd=home,
            stdin=subprocess.DEVNULL,
            # Ctrl-C in the terminal reaches this process alone, which stops the others in order.
            start_new_session=True,
        )
        try:
            _watch(process, stop, f"http://{HOST}:{port}", is_up)
        finally:
            _end(process)


def _watch(
    process: subprocess.Popen[bytes],
    stop: threading.Event,
    address: str,
    is_up: Callable[[str], None] | None,
) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_SECONDS
    is_waiting = True
    while not stop.wait(_POLL_SECONDS):
        if process.poll() is not None:
            raise Unavailable(
                f"Dagster ended by itself with status {process.returncode}; see what it wrote above"
            )
        if is_waiting and _answers(address):
            is_waiting = False
            if is_up:
                is_up(address)
        if is_waiting and time.monotonic() > deadline:
            raise Unavailable(f"{address} did not answer in {_START_TIMEOUT_SECONDS} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop Dagster and everything it started: page, daemon, code servers, runs."""
    family = _family(process)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_TIMEOUT_SECONDS)
    # Code servers and runs are grandchildren: they outlive a parent that was killed.
    left = [one for one in {*family, *_session(process.pid)} if one.is_running()]
    for stop_one in (psutil.Process.terminate, psutil.Process.kill):
        for one in left:
            with suppress(psutil.Error):
                stop_one(one)
        _, left = psutil.wait_procs(left, timeout=_KILL_TIMEOUT_SECONDS)
    process.wait()


def _family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        parent = psutil.Process(process.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return []


def _session(leader: int) -> list[psutil.Process]:
    found = []
    for one in psutil.process_iter():
        with suppress(OSError, psutil.Error):
            if os.getsid(one.pid) == leader:
                found.append(one)
    return found


def _environment(config: AnalyticsConfig, home: Path) -> dict[str, str]:
    """Return the environment for Dagster's processes: these settings, wherever they came from."""
    # Handed on whole, not read: the only place besides the settings that touches it.
    environment = dict(os.environ)  # noqa: TID251
    for leaf in leaves(AnalyticsConfig):
        if leaf.variable is None:
            continue
        environment.pop(leaf.variable, None)
        environment.pop(leaf.variable + FILE_SUFFIX, None)
        value = _value(config, leaf.path)
        if value is not None:
            environment[leaf.variable] = value
    environment["DAGSTER_HOME"] = str(home)
    # Dagster warns of its own unstable names at every import; its release is pinned.
    environment.setdefault("PYTHONWARNINGS", "ignore")
    return environment


def _value(config: AnalyticsConfig, path: tuple[str, ...]) -> str | None:
    value: Any = config
    for name in path:
        value = value.get(name) if isinstance(value, dict) else getattr(value, name)
        if value is None:
            return None
    if path == ("database", "port") and config.database.host is None:
        return None
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value).lower() if isinstance(value, bool) else str(value)


@contextmanager
def _stop_asked_for() -> Iterator[threading.Event]:
    """Lend an event that Ctrl-C and SIGTERM set, for a block."""
    stop = threading.Event()

    def note(_: int, __: FrameType | None) -> None:
        stop.set()

    # A handler of ours also undoes an ignored SIGINT, which a shell gives to background jobs and
    # which Dagster's processes would inherit: they could not be stopped then.
    former = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as fault:
            raise ConfigurationError(
                f"port {port} of {HOST} cannot be used ({fault.strerror}): stop what listens "
                "there, or name another one with --port"
            ) from fault


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/server_info", timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
