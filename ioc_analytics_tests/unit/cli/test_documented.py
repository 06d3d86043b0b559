"""Every command has help with an example, and the documents know it."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ioc_analytics.cli.conditions import parse_conditions
from ioc_analytics.cli.main import cli
from ioc_analytics.cli.sparklines import ranged_sparkline, sparkline

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PLANNED = re.compile(r"ioc-analytics (?:--\S+ \S+ )?([a-z]+)")


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


COMMANDS = list(commands(cli))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_an_example_and_the_shared_options(command: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(cli, [*command, "--help"])
    assert shown.exit_code == 0
    example = shown.stdout.partition("Example:\n")[2]
    assert f"ioc-analytics {' '.join(command)}" in example
    for option in ("--json", "--home", "--debug"):
        assert option in shown.stdout


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_stands_in_the_documents(command: tuple[str, ...]) -> None:
    text = "\n".join(path.read_text("utf-8") for path in DOCUMENTS)
    assert f"`{command[0]}" in (ROOT / "README.md").read_text("utf-8")
    assert all(re.search(rf"\b{word}\b", text) for word in command)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_names_only_commands_that_exist(document: Path) -> None:
    named = set(PLANNED.findall(document.read_text("utf-8")))
    assert named <= set(cli.commands)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_documents_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text("utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), target


def test_a_sparkline_fills_its_highest_bar() -> None:
    assert sparkline([0, 1, 4, 2]) == " ▂█▄"
    assert sparkline([0, 0]) == "  "
    assert sparkline([]) == ""
    assert sparkline([1, 10**9])[0] == "▁", "what is there can be seen"


def test_a_ranged_sparkline_goes_from_the_lowest_to_the_highest() -> None:
    assert ranged_sparkline([50.0, None, 52.0, 51.0]) == "▁ █▅  50 to 52"
    assert ranged_sparkline([0.5, 0.5]) == "▁▁  0.5 to 0.5"
    assert ranged_sparkline([None]) == "no values"


def test_conditions_are_read_as_written() -> None:
    assert parse_conditions(["size=Small", "region!=a=b", "size=Large"]) == [
        {"field": "org_size_category", "operator": "in", "value": ["Small", "Large"]},
        {"field": "region", "operator": "ne", "value": "a=b"},
    ]
