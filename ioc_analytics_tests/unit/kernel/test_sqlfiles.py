"""The way to the files under ``sql/``."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import ConfigurationError

ROOT = Path(__file__).parents[3]


def place(root: Path, name: str, text: str) -> None:
    """Write one file below ``root``, with its folders."""
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, "utf-8")


@pytest.fixture
def other_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the platform read another ``sql/`` folder for one test."""
    monkeypatch.setattr(sqlfiles, "sql_root", lambda: tmp_path)
    sqlfiles.query.cache_clear()
    return tmp_path


def test_a_checkout_reads_its_own_files() -> None:
    assert sqlfiles.sql_root() == ROOT / "sql"
    assert sqlfiles.reference_path("instruments").is_dir()


def test_a_query_comes_without_its_comment_lines_and_closing_semicolon(other_root: Path) -> None:
    text = "-- name: a\n-- one row\nSELECT 1 AS one\n  -- indented stays\nFROM t;\n"
    place(other_root, "queries/insight/a.sql", text)
    assert sqlfiles.query("insight/a") == "SELECT 1 AS one\n  -- indented stays\nFROM t"


def test_text_is_read_as_it_is(other_root: Path) -> None:
    place(other_root, "views/ü.sql", "-- ü\nSELECT 1;\n")
    assert sqlfiles.read_text("views/ü.sql") == "-- ü\nSELECT 1;\n"


def test_an_installation_without_its_files_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlfiles, "_PACKAGE", tmp_path / "ioc_analytics")
    with pytest.raises(ConfigurationError, match="no sql/ folder"):
        sqlfiles.sql_root.__wrapped__()


def test_the_wheel_carries_the_files_and_reads_them(tmp_path: Path) -> None:
    build = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)], cwd=ROOT, check=True, capture_output=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    show = "from ioc_analytics.kernel.sqlfiles import sql_root; print(sql_root())"
    found = subprocess.run(
        [sys.executable, "-c", show],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site")},
        check=True,
        capture_output=True,
        text=True,
    )
    carried = Path(found.stdout.strip())
    assert carried == tmp_path / "site" / "ioc_analytics" / "sql"
    kept = {path.relative_to(ROOT / "sql") for path in (ROOT / "sql").rglob("*.*")}
    assert {path.relative_to(carried) for path in carried.rglob("*.*")} == kept
    assert not (tmp_path / "site" / "ioc_analytics_tests").exists()
