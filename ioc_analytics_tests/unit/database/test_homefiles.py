"""The home folder and its records are whole and private, whoever makes them at the same time."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ioc_analytics.database.homefiles import make_folder, make_home, read_json, write_private
from ioc_analytics.kernel.errors import ConfigurationError


def test_a_folder_made_by_several_at_once_never_shows_another_mode(tmp_path: Path) -> None:
    for number in range(50):
        folder = tmp_path / str(number)

        def make_and_look(folder: Path = folder) -> int:
            make_folder(folder, 0o711)
            return stat.S_IMODE(folder.stat().st_mode)

        with ThreadPoolExecutor(8) as threads:
            modes = [threads.submit(make_and_look) for _ in range(8)]
        assert {mode.result() for mode in modes} == {0o711}
    assert len(list(tmp_path.iterdir())) == 50


def test_a_folder_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o750)
    make_home(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750


def test_a_file_in_the_place_of_the_home_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(ConfigurationError, match="ANALYTICS_HOME"):
        make_home(tmp_path / "home")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_a_record_is_private_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    assert read_json(path) == {}
    write_private(path, {"a": 1})
    write_private(path, {"a": 2})
    assert read_json(path) == {"a": 2}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text('{"a": ')
    with pytest.raises(ConfigurationError, match=r"record\.json cannot be read"):
        read_json(path)
