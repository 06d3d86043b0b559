"""Ticks as the daemon evaluates them: one that throws, two daemons at once."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.scheduler.instigation import TickStatus
from dagster._core.test_utils import freeze_time
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.sensor import execute_sensor_iteration

from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.orchestration import sensors
from ioc_analytics.orchestration.inbox import Inbox
from ioc_analytics.orchestration.monitoring import measure_instance
from ioc_analytics.synthetic.files import generate_files
from ioc_analytics.system import AnalyticsSystem
from ioc_analytics_tests.fixtures.platform import PSEUDONYM_KEY
from ioc_analytics_tests.fixtures.processes import CHECKOUT

LOGGER = logging.getLogger(__name__)

# Dagster's own code, which runs in this process here.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Daemon:
    """What the daemon does about sensors, at a moment of the test's own."""

    def __init__(self, home: Path) -> None:
        self.instance = dg.DagsterInstance.from_config(str(home))
        target = LoadableTargetOrigin(
            executable_path=sys.executable, module_name="ioc_analytics.definitions"
        )
        origin = InProcessCodeLocationOrigin(target, location_name="ioc_analytics")
        self.workspace: Any = WorkspaceProcessContext(
            self.instance, InProcessWorkspaceLoadTarget(origin)
        )

    def tick(self, seconds_ahead: int) -> None:
        """Evaluate every sensor that is due."""
        with freeze_time(utc_now() + timedelta(seconds=seconds_ahead)):
            list(execute_sensor_iteration(self.workspace, LOGGER, None, None))

    def newest_ticks(self) -> dict[str, TickStatus]:
        """Return how the newest tick of each sensor ended."""
        found = {}
        for state in self.instance.all_instigator_state():
            ticks = self.instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
            found[state.instigator_name] = ticks[0].status
        return found


@pytest.fixture
def daemons(
    platform_config: AnalyticsConfig,
    storage_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[[], Any]:
    """A function that lends daemons; all share the storage that `dev` would make."""
    home = tmp_path / "dagster"
    for folder in (home, tmp_path / "inbox"):
        folder.mkdir()
    (home / "dagster.yaml").write_text((CHECKOUT / "dagster.yaml").read_text())
    variables = {
        "ANALYTICS_HOME": platform_config.home,
        "ANALYTICS_PG_BIN": platform_config.pg_bin,
        "ANALYTICS_DB_NAME": platform_config.database.database,
        "ANALYTICS_PSEUDONYM_KEY": PSEUDONYM_KEY,
        "ANALYTICS_INBOX": tmp_path / "inbox",
        "DAGSTER_HOME": home,
        "DAGSTER_PG_URL": storage_url,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, str(value))

    @contextmanager
    def lend() -> Iterator[Daemon]:
        daemon = Daemon(home)
        with daemon.workspace, daemon.instance:
            yield daemon

    return lend


def test_a_sensor_that_throws_stops_no_other_and_ticks_again(
    daemons: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, platform_config: AnalyticsConfig
) -> None:
    def failing_ticks(daemon: Daemon) -> float | None:
        figures = measure_instance(daemon.instance, platform_config)
        return {one.metric: one.value for one in figures}["failing_ticks"]

    def throw(_: Inbox) -> None:
        raise ZeroDivisionError("it threw")

    with daemons() as daemon:
        with monkeypatch.context() as patch:
            patch.setattr(Inbox, "arrivals", throw)
            daemon.tick(0)
        ended = daemon.newest_ticks()
        assert ended.pop("inbox") == TickStatus.FAILURE
        assert set(ended) >= {"touched_months", "watch", "failed_checks", "dead_runs"}
        assert set(ended.values()) == {TickStatus.SKIPPED}
        figures = {
            one.metric: one.value for one in measure_instance(daemon.instance, platform_config)
        }
        assert figures["failing_ticks"] == 1
        daemon.tick(60)
        assert daemon.newest_ticks()["inbox"] == TickStatus.SKIPPED
        figures = {
            one.metric: one.value for one in measure_instance(daemon.instance, platform_config)
        }
        assert figures["failing_ticks"] == 0


def test_two_daemons_start_one_refresh(
    daemons: Callable[[], Any],
    analytics: AnalyticsSystem,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    with daemons() as one, daemons() as other:
        one.tick(0)
        generate_files(tmp_path / "batch", responses=20, start=date(2025, 3, 1), days=3)
        analytics.ingest_files(tmp_path / "batch")
        look = sensors._oldest_drop
        others_turn = [other]

        def look_slowly(instance: dg.DagsterInstance) -> dict[str, str]:
            found = look(instance)
            # The first is so slow that it is the other's turn before it has asked for anything.
            while others_turn:
                others_turn.pop().tick(45)
            return found

        monkeypatch.setattr(sensors, "_oldest_drop", look_slowly)
        one.tick(30)
        assert not others_turn
        refreshes = one.instance.get_runs(dg.RunsFilter(job_name="refresh"))
        assert len(refreshes) == 1
