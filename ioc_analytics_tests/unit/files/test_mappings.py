"""Mappings are read strictly: what is not understood is refused, with the nearest known name."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ioc_analytics.files.mappings import load_mapping, parse_mapping
from ioc_analytics.kernel.errors import InvalidInput

EXAMPLES = sorted((Path(__file__).parents[3] / "examples" / "mappings").glob("*.toml"))

PLAIN = """
name = "plain"
instrument = "tipi"

[assessment]
id = "plain"
organization_id = { constant = "acme" }

[time]
started = 2024-05-01

[items]
pattern = "{code}"
missing = ["0"]
"""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_a_mapping(path: Path) -> None:
    mapping = load_mapping(path)
    assert mapping.text == path.read_text(encoding="utf-8")
    assert mapping.columns


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 10


def test_a_plain_mapping() -> None:
    mapping = parse_mapping(PLAIN)
    assert mapping.items is not None
    assert mapping.items.columns["TIPI10"] == "TIPI10"
    assert mapping.started.fixed == datetime(2024, 5, 1, tzinfo=UTC)
    assert mapping.assessment.created_at == datetime(2024, 5, 1, tzinfo=UTC)
    assert not mapping.is_own_instrument


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "plain"', "nme = 1", "unknown key 'nme'; did you mean 'name'"),
        ('"tipi"', '"tippi"', "unknown instrument 'tippi'; did you mean 'tipi'"),
        ('missing = ["0"]', 'mising = ["0"]', "unknown key 'mising'; did you mean 'missing'"),
        ('missing = ["0"]', "keyed = 1", "keyed has the wrong type"),
        ('pattern = "{code}"', 'pattern = "{item}"', "may use {code}, {prefix}, {number}"),
        ('pattern = "{code}"', "[items.columns]\nTIPI11 = 'x'", "no item 'TIPI11'"),
        ("2024-05-01", '{ column = "t", format = "isso" }', "'isso'; did you mean 'iso'"),
        ("2024-05-01", '{ column = "t", format = "%H:%M" }', "does not say the year"),
        ("2024-05-01", '{ column = "t", zone = "Mars/Base" }', "unknown zone 'Mars/Base'"),
        ("2024-05-01", "{ zone = 'UTC' }", "either column or parts"),
        ("2024-05-01", '"t"', "created_at must be given"),
        ('id = "plain"', "", r"\[assessment\]: id must be given"),
        ('{ constant = "acme" }', '{ constant = "a", column = "b" }', "either column or constant"),
        ('id = "plain"', 'id = "plain"\nstatus = "shut"', "'shut' is none of draft"),
        ("[time]", "[status]\nrule = 'end'\n[time]", "needs what the mapping does not have"),
        (
            "[time]",
            "[duration]\ncolumns = ['t']\nunit = 'second'\n[time]",
            "did you mean 'seconds'",
        ),
        (
            "[time]",
            "[organizations.acme]\nindustry = 'Financ'\n[time]",
            r"\[organizations\]: unknown industry 'Financ'; did you mean 'Finance'",
        ),
        ("[time]", "[organizations.acme]\nsize = 12\n[time]", "unknown key 'size'"),
        ("[time]", "[organizations.acme]\nemployee_count = 0\n[time]", "whole number from 1"),
        ("[time]", "[organizations]\nacme = 'Finance'\n[time]", "each organization is a table"),
        ("[time]", "[time", "is no TOML"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, message: str) -> None:
    assert old in PLAIN
    with pytest.raises(InvalidInput, match=message):
        parse_mapping(PLAIN.replace(old, new))


def test_an_instrument_needs_item_columns() -> None:
    text = PLAIN.partition("[items]")[0]
    with pytest.raises(InvalidInput, match="must say in which columns tipi stands"):
        parse_mapping(text)


def test_a_mapping_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="nothing.toml cannot be read"):
        load_mapping(tmp_path / "nothing.toml")
