"""The commands of retention, as the guide shows them, in the order in which it shows them."""

import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ioc_analytics.cli.main import cli
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics_tests.database.test_retention import filled
from ioc_analytics_tests.fixtures.database import (
    TemporaryServer,
    clone_template,
    drop_database,
    template_database,
)
from ioc_analytics_tests.fixtures.platform import PSEUDONYM_KEY

DOCS = Path(__file__).resolve().parents[2] / "docs"
Run = Callable[..., Result]


@pytest.fixture
def run(server: TemporaryServer, tmp_path: Path) -> Iterator[Run]:
    """Runs a command line on a database with two expired months."""
    config = clone_template(template_database(server, filled, "retention"))
    runner = CliRunner(env=environment(config, tmp_path))

    def call(*arguments: str, code: int = 0) -> Result:
        result = runner.invoke(cli, list(arguments))
        assert result.exit_code == code, (arguments, result.output, result.exception)
        return result

    yield call
    drop_database(config)


def environment(config: AnalyticsConfig, folder: Path) -> dict[str, str]:
    return {
        "ANALYTICS_HOME": str(config.home),
        "ANALYTICS_PG_BIN": str(config.pg_bin),
        "ANALYTICS_DB_NAME": config.database.database,
        "ANALYTICS_PSEUDONYM_KEY": PSEUDONYM_KEY,
        "ANALYTICS_BACKUP_FOLDER": str(folder / "backups"),
        "ANALYTICS_EXPORT_FOLDER": str(folder / "exports"),
    }


def answer(result: Result) -> Any:
    return json.loads(result.stdout)


def test_every_command_of_the_guide_runs_in_its_order(run: Run) -> None:
    shown = [run(*command).stdout for command in commands_of("retention.md")]
    assert len(shown) == 6
    assert "not covered: there is no drilled backup" in shown[0]
    assert "detach" in shown[0]
    assert "sealed 2024-01" in shown[2]
    assert "detached 2024_02" in shown[2]
    assert "legal hold 1 holds: everything (case 2026-17)" in shown[3]
    assert "applied" in shown[4]
    assert "2024-04-01" in shown[4]
    assert "is released" in shown[5]


def commands_of(guide: str) -> list[list[str]]:
    """Return the commands of the blocks of a guide, as they are printed."""
    blocks = re.findall(r"```bash\n(.*?)```", (DOCS / guide).read_text("utf-8"), re.DOTALL)
    return [shlex.split(line)[1:] for block in blocks for line in block.splitlines()]


def test_machines_get_plans_and_refusals(run: Run) -> None:
    plan = answer(run("retention", "plan", "--json"))
    assert [one["month"] for one in plan["months"]] == ["2024-01-01", "2024-02-01"]
    refused = answer(run("retention", "apply", str(plan["id"]), "--json", code=2))
    assert "no drilled backup" in refused["error"]["message"]
    reason = "kept elsewhere"
    done = answer(run("retention", "apply", str(plan["id"]), "--without-backup", reason, "--json"))
    assert done["sealed"] == ["2024-01-01", "2024-02-01"]
    listed = answer(run("retention", "list", "--json"))
    assert (listed["plans"][0]["status"], listed["plans"][0]["note"]) == ("applied", reason)
    assert listed["holds"] == []
    run("retention", "apply", "17", code=2)
    run("retention", "hold", "case", "--tier", "rows", code=2)
    nothing = run("retention", "plan").stdout
    assert "nothing has expired" in nothing
