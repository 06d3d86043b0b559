import csv
import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from ioc_analytics.files.instruments import builtin_instruments, parse_instrument
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.instruments import Instrument, Item
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics_tests.fixtures.real_data import real_data

LETTERS = {
    "E": "extraversion",
    "N": "neuroticism",
    "A": "agreeableness",
    "C": "conscientiousness",
    "O": "openness",
}
TINY: dict[str, Any] = {
    "name": "tiny",
    "scale_minimum": 1,
    "scale_maximum": 5,
    "items": [
        {"code": "E1", "trait": "extraversion", "is_reversed": False},
        {"code": "E2", "trait": "extraversion", "is_reversed": True},
    ],
}


def reversed_codes(instrument: Instrument) -> set[str]:
    return {item.code for item in instrument.items if item.is_reversed}


def test_four_instruments_ship_with_the_platform() -> None:
    assert set(builtin_instruments()) == {"ipip50", "bfi25", "tipi", "ipip_neo300"}


@pytest.mark.parametrize(
    ("name", "first_id", "n_items", "per_trait", "scale"),
    [
        ("ipip50", 1, 50, 10, (1, 5)),
        ("bfi25", 101, 25, 5, (1, 6)),
        ("tipi", 201, 10, 2, (1, 7)),
        ("ipip_neo300", 1001, 300, 60, (1, 5)),
    ],
)
def test_instrument_has_its_published_size_scale_and_numbers(
    name: str, first_id: int, n_items: int, per_trait: int, scale: tuple[int, int]
) -> None:
    instrument = builtin_instruments()[name]
    assert (instrument.scale_minimum, instrument.scale_maximum) == scale
    assert instrument.minimum_answered_share == 0.8
    assert [item.question_id for item in instrument.items] == list(
        range(first_id, first_id + n_items)
    )
    assert sorted(item.position for item in instrument.items) == list(range(1, n_items + 1))
    assert Counter(item.trait for item in instrument.items) == dict.fromkeys(TRAITS, per_trait)


def test_question_numbers_of_all_instruments_are_distinct() -> None:
    numbers = [i.question_id for known in builtin_instruments().values() for i in known.items]
    assert len(numbers) == len(set(numbers)) == 385


def test_ipip50_is_keyed_as_its_source_says_with_neuroticism() -> None:
    ipip50 = builtin_instruments()["ipip50"]
    assert ipip50.item_codes == tuple(f"{f}{n}" for f in "ENACO" for n in range(1, 11))
    assert reversed_codes(ipip50) == {
        *("E2", "E4", "E6", "E8", "E10"),
        *("A1", "A3", "A5", "A7"),
        *("C2", "C4", "C6", "C8"),
        *("O2", "O4", "O6"),
        *("N2", "N4"),
    }
    shown = sorted(ipip50.items, key=lambda item: item.position)
    assert [item.code for item in shown[:7]] == ["E1", "N1", "A1", "C1", "O1", "E2", "N2"]
    assert all(item.trait == LETTERS[item.code[0]] for item in ipip50.items)


def test_bfi25_is_keyed_as_psych() -> None:
    bfi25 = builtin_instruments()["bfi25"]
    assert reversed_codes(bfi25) == {"A1", "C4", "C5", "E1", "E2", "O2", "O5"}
    assert bfi25.item_codes == tuple(f"{f}{n}" for f in "ACENO" for n in range(1, 6))


def test_tipi_scores_neuroticism_and_carries_no_texts() -> None:
    tipi = builtin_instruments()["tipi"]
    keyed = {item.code: (item.trait, item.is_reversed) for item in tipi.items}
    assert keyed == {
        "TIPI1": ("extraversion", False),
        "TIPI2": ("agreeableness", True),
        "TIPI3": ("conscientiousness", False),
        "TIPI4": ("neuroticism", False),
        "TIPI5": ("openness", False),
        "TIPI6": ("extraversion", True),
        "TIPI7": ("agreeableness", False),
        "TIPI8": ("conscientiousness", True),
        "TIPI9": ("neuroticism", True),
        "TIPI10": ("openness", True),
    }
    assert all(item.text is None for item in tipi.items)


def test_ipip_neo300_has_thirty_facets_of_ten_items() -> None:
    neo = builtin_instruments()["ipip_neo300"]
    facets = Counter(item.facet for item in neo.items)
    assert len(facets) == 30
    assert set(facets.values()) == {10}
    assert len(reversed_codes(neo)) == 148


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("big5_2012", "ipip50"),
        ("ipip50_grit", "ipip50"),
        ("ipip_ffm_2016", "ipip50"),
        ("bfi_sapa", "bfi25"),
        ("temperament_tipi", "tipi"),
        ("tipi_pwe", "tipi"),
    ],
)
def test_instrument_agrees_with_the_key_of_a_real_source(source: str, name: str) -> None:
    key = json.loads(real_data(f"{source}/keys.json").read_text())
    ours = {item.code: item for item in builtin_instruments()[name].items}
    ffm = {"EXT": "E", "EST": "N", "AGR": "A", "CSN": "C", "OPN": "O"}
    assert len(key["items"]) == len(ours)
    for theirs in key["items"]:
        column = theirs["column"]
        code = ffm.get(column[:3], column[:3]) + column[3:]
        assert (ours[code].trait, ours[code].is_reversed) == (theirs["trait"], theirs["reverse"])
        assert ours[code].text == theirs.get("text")


def test_ipip_neo300_agrees_with_the_item_key_of_its_source() -> None:
    ours = {item.code: item for item in builtin_instruments()["ipip_neo300"].items}
    with real_data("ipip_neo300/itemkey.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            item = ours[f"I{row['full_no']}"]
            assert item.trait == LETTERS[row["domain"]]
            assert item.is_reversed == (row["sign"] == "-1")
            assert (item.facet, item.text) == (row["key"], row["item"])


def test_digest_follows_what_changes_a_score_and_nothing_else() -> None:
    tiny = parse_instrument(TINY)
    assert len(tiny.definition_digest) == 64
    renamed = parse_instrument({**TINY, "title": "Another title", "source": "elsewhere"})
    assert renamed.definition_digest == tiny.definition_digest
    numbered = replace(
        tiny, items=tuple(replace(i, question_id=7 + i.position) for i in tiny.items)
    )
    assert numbered.definition_digest == tiny.definition_digest
    backwards = replace(tiny, items=tiny.items[::-1])
    assert backwards.definition_digest == tiny.definition_digest
    for changed in (
        {**TINY, "scale_maximum": 7},
        {**TINY, "minimum_answered_share": 0.5},
        {**TINY, "items": [TINY["items"][0], {**TINY["items"][1], "is_reversed": False}]},
    ):
        assert parse_instrument(changed).definition_digest != tiny.definition_digest


def test_an_instrument_of_a_mapping_takes_the_documented_defaults() -> None:
    tiny = parse_instrument(TINY)
    assert tiny.minimum_answered_share == 0.8
    assert [item.position for item in tiny.items] == [1, 2]
    assert [item.question_id for item in tiny.items] == [None, None]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"scale_minimun": 1}, "did you mean 'scale_minimum'"),
        ({"scale_maximum": "5"}, "scale_maximum has the wrong type"),
        ({"scale_minimum": True}, "scale_minimum has the wrong type"),
        ({"scale_minimum": 5}, "needs a minimum below its maximum"),
        ({"minimum_answered_share": 80}, "must be above 0 and at most 1"),
        ({"name": "My Instrument"}, "instrument name"),
        ({"items": []}, "has no items"),
        ({"items": [{"code": "E1", "trait": "extraversion"}]}, "is_reversed must be given"),
        ({"items": ["E1"]}, "expected a table"),
        ({"items": [{**TINY["items"][0], "trait": "extroversion"}]}, "mean 'extraversion'"),
        ({"items": [{**TINY["items"][0], "reverse": True}]}, "unknown key 'reverse'"),
        ({"items": [TINY["items"][0], TINY["items"][0]]}, "code 'E1' is used twice"),
        ({"items": [{**TINY["items"][0], "question_id": 0}]}, "question_id 0 must be"),
        ({"items": [{**TINY["items"][0], "position": 0}]}, "position 0 must be"),
        ({"items": [{**TINY["items"][0], "code": "E 1"}]}, "a code has up to"),
    ],
)
def test_a_broken_definition_is_refused_with_its_place(
    changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse_instrument({**TINY, **changed})


def test_missing_keys_are_named() -> None:
    with pytest.raises(InvalidInput, match="scale_minimum, scale_maximum, items must be given"):
        parse_instrument({"name": "tiny"})


def test_every_field_of_an_item_can_be_given_in_toml() -> None:
    table: dict[str, Any] = {
        "code": "E1",
        "trait": "extraversion",
        "is_reversed": True,
        "position": 3,
        "question_id": 12,
        "facet": "E4",
        "text": "Act.",
    }
    assert parse_instrument({**TINY, "items": [table]}).items == (Item(**table),)
