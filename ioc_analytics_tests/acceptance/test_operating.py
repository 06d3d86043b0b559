"""The operator's guide runs as printed, from the installation to the recovery."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.database.embedded import discard_server
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics_tests.fixtures.batches import count
from ioc_analytics_tests.fixtures.database import FOUND_SERVERS

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "operating.md"
OLDEST = min(FOUND_SERVERS, key=lambda found: int(found.name[2:]))
RESPONSES = "analytics.anonymized_assessment_responses"


FRESH_MACHINE = "export ANALYTICS_HOME=/srv/new\n"


def blocks() -> list[str]:
    return re.findall(r"```bash\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)


def script(srv: Path) -> str:
    """The guide's commands, one after another; before the fresh machine the old one is lost."""
    lose = (
        "python -c 'import sys, pathlib; from ioc_analytics.database.embedded import"
        " discard_server; discard_server(pathlib.Path(sys.argv[1]))' /srv/ioc\nrm -r /srv/ioc\n"
    )
    text = "\n".join(blocks())
    assert text.count(FRESH_MACHINE) == 1
    return text.replace(FRESH_MACHINE, lose + FRESH_MACHINE).replace("/srv", str(srv))


@pytest.fixture
def srv(fresh_home: Path) -> Iterator[Path]:
    """What stands for ``/srv``; the servers of all homes in it are removed."""
    srv = fresh_home.parent / "srv"
    srv.mkdir()
    yield srv
    for home in (path.parent for path in srv.glob("*/server")):
        discard_server(home)


@pytest.mark.slow
def test_the_guide_runs_as_printed(srv: Path) -> None:
    env = {
        **{name: text for name, text in os.environ.items() if not name.startswith("ANALYTICS_")},
        "ANALYTICS_PG_BIN": str(OLDEST.bin_folder),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(
        # Each command is shown before it runs, so that a failure names it.
        ["bash", "-euxo", "pipefail", "-c", script(srv)],
        env=env,
        cwd=srv,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-2000:])
    assert "Traceback" not in done.stderr

    def responses(home: str) -> int:
        with AnalyticsSystem(AnalyticsConfig.load({}, home=srv / home)) as system:
            return count(system, RESPONSES)

    assert responses("before") == 300, "the moment before the wrong file"
    assert not (srv / "ioc").exists(), "the control: the old home was lost, its key with it"
    assert responses("new") == 600, "all that was archived"
    assert responses("newest") == 300, "what the dump was of"
    states = {
        json.loads(path.read_text())["state"]["state"]
        for path in (srv / "backups").glob("*/state.json")
    }
    assert states == {"drilled"}


def test_the_guide_names_no_command_that_is_not_there() -> None:
    commands = re.findall(r"`?ioc-analytics (?:--home \S+ )?([a-z]+)", GUIDE.read_text("utf-8"))
    from ioc_analytics.cli.main import cli

    assert set(commands) <= set(cli.commands)
