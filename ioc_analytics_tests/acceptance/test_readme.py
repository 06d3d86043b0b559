"""The README's commands and its Python example run as printed, one after the other."""

import os
import re
import subprocess
import sys
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
