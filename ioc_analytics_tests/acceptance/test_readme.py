"""The README's commands and its Python example run as printed, one after the other."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text("utf-8"), re.DOTALL)


@pytest.mark.slow
def test_the_readme_runs_as_printed(fresh_home: Path, tmp_path: Path) -> None:
    programs = str(Path(sys.executable).parent)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("ANALYTICS_")}
    env = {
        **inherited,
        "ANALYTICS_HOME": str(fresh_home),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
    }
    lines = [line for block in blocks("bash") for line in block.splitlines()]
    commands = [line for line in lines if line.startswith("ioc-analytics ")]
    assert len(commands) >= 10
    for command in commands:
        done = subprocess.run(
            ["bash", "-c", command],
            env=env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert done.stdout, command
        assert "Traceback" not in done.stderr
    (example,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", example],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    first, *traits = done.stdout.splitlines()
    assert first.endswith("True"), "the files were ingested by the command above"
    assert [line.split()[0] for line in traits] == [
        "openness",
        "conscientiousness",
        "extraversion",
        "agreeableness",
        "neuroticism",
    ]


def test_every_target_of_make_that_the_readme_names_exists() -> None:
    makefile = README.with_name("Makefile").read_text("utf-8")
    for target in set(re.findall(r"\bmake ([a-z]+)\b", README.read_text("utf-8"))) - {"them"}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_what_the_readme_installs_with_pip_exists() -> None:
    project = tomllib.loads(README.with_name("pyproject.toml").read_text("utf-8"))["project"]
    asked = re.findall(r"pip install '([\w.-]+)\[(\w+)\]'", README.read_text("utf-8"))
    assert asked
    for name, extra in asked:
        assert name in (".", project["name"])
        assert extra in project["optional-dependencies"]


@pytest.mark.nightly
def test_the_wheel_works_in_an_environment_of_its_own(fresh_home: Path, tmp_path: Path) -> None:
    """Its dependencies are lent by this environment through a path file: nothing is fetched."""
    checkout, wheels, fresh = README.parent, tmp_path / "wheels", tmp_path / "fresh"

    def run(*command: str | Path) -> str:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "ANALYTICS_HOME": str(fresh_home), "HOME": str(tmp_path)},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    pip = [sys.executable, "-m", "pip", "--quiet"]
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels, checkout)
    run(sys.executable, "-m", "venv", "--without-pip", fresh)
    [wheel] = wheels.iterdir()
    python = fresh / "bin" / "python"
    run(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel)
    [site] = fresh.glob("lib/python*/site-packages")
    (site / "lent.pth").write_text(f"{sysconfig.get_paths()['purelib']}\n")
    where = run(python, "-c", "import ioc_analytics; print(ioc_analytics.__file__)")
    assert Path(where.strip()).is_relative_to(site)
    command = fresh / "bin" / "ioc-analytics"
    run(command, "init")
    status = json.loads(run(command, "status", "--json"))
    assert status["tables"]["anonymized_assessments"]["rows"] == 0
    run(command, "generate", tmp_path / "year", "--responses", "50")
    receipt = json.loads(run(command, "ingest", tmp_path / "year", "--json"))
    assert receipt["by_kind"]["responses"]["accepted"] == 50
