import multiprocessing
import stat
from collections.abc import Callable
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from ioc_analytics.kernel.errors import ConfigurationError
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.privacy.keys import load_key, load_pseudonymizer

HEX = "0123456789abcdef" * 4
Settings = Callable[..., AnalyticsConfig]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    def make(environ: dict[str, str] | None = None, **overrides: Any) -> AnalyticsConfig:
        return AnalyticsConfig.load(environ or {}, home=tmp_path / "home", **overrides)

    return make


def test_a_key_in_the_settings_is_used(settings: Settings) -> None:
    config = settings({"ANALYTICS_PSEUDONYM_KEY": HEX})
    assert load_key(config) == bytes.fromhex(HEX)
    assert not (config.home / "pseudonym.key").exists()


def test_a_key_file_is_used(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(HEX.upper() + "\n")
    path.chmod(0o600)
    assert load_key(settings({"ANALYTICS_PSEUDONYM_KEY_FILE": str(path)})) == bytes.fromhex(HEX)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o777])
def test_a_key_file_that_others_can_use_is_refused(
    settings: Settings, tmp_path: Path, mode: int
) -> None:
    path = tmp_path / "key"
    path.write_text(HEX)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 600") as refusal:
        load_key(settings({"ANALYTICS_PSEUDONYM_KEY_FILE": str(path)}))
    assert HEX not in str(refusal.value)


@pytest.mark.parametrize("text", ["", "secret-phrase", HEX[:-1], HEX + "0", "g" * 64])
def test_a_key_file_without_a_key_is_refused_without_showing_it(
    settings: Settings, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="64 hex digits") as refusal:
        load_key(settings({"ANALYTICS_PSEUDONYM_KEY_FILE": str(path)}))
    assert not text or text not in str(refusal.value)


def test_a_missing_key_file_is_never_made_up(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "lost"
    with pytest.raises(ConfigurationError, match="not there"):
        load_key(settings({"ANALYTICS_PSEUDONYM_KEY_FILE": str(path)}))
    assert not path.exists()


def test_an_unreadable_key_file_is_a_clear_error(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_key(settings({"ANALYTICS_PSEUDONYM_KEY_FILE": str(tmp_path)}))


def test_a_real_server_demands_a_key(settings: Settings) -> None:
    config = settings({"ANALYTICS_DB_HOST": "db.internal"})
    with pytest.raises(ConfigurationError, match="ANALYTICS_PSEUDONYM_KEY_FILE"):
        load_key(config)
    assert not config.home.exists()


def test_the_embedded_server_makes_a_private_key_once(settings: Settings) -> None:
    config = settings()
    key = load_key(config)
    path = config.home / "pseudonym.key"
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_key(config) == key
    assert [child.name for child in config.home.iterdir()] == ["pseudonym.key"]
    assert load_pseudonymizer(config).key_id == load_pseudonymizer(config).key_id


def test_a_home_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    with pytest.raises(ConfigurationError, match="ANALYTICS_HOME"):
        load_key(AnalyticsConfig.load({}, home=blocker / "home"))


def _load_with_others(home: Path, start: Barrier, found: "Queue[str]") -> None:
    config = AnalyticsConfig.load({}, home=home)
    start.wait(timeout=60)
    found.put(load_key(config).hex())


def test_eight_processes_that_start_together_end_with_one_key(tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    home, start = tmp_path / "home", context.Barrier(8)
    found: Queue[str] = context.Queue()
    workers = [
        context.Process(target=_load_with_others, args=(home, start, found)) for _ in range(8)
    ]
    for worker in workers:
        worker.start()
    keys = {found.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join(timeout=60)
    assert len(keys) == 1
    assert (home / "pseudonym.key").read_text().strip() == keys.pop()
    assert [child.name for child in home.iterdir()] == ["pseudonym.key"]
