"""A mapping brings a questionnaire of its own: catalogued, scored, and never changed afterwards."""

from pathlib import Path

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics_tests.fixtures.batches import content_rows, count

MAPPING = """
name = "pulse_2024"
title = "A questionnaire of our own"

[assessment]
id = "pulse"
organization_id = {{ constant = "somebody" }}
created_at = 2024-01-01

[time]
started = 2024-03-01

[respondent]
response_id = "id"

[items]
pattern = "{{code}}"

[instrument]
name = "{name}"
scale_minimum = 0
scale_maximum = 10
items = [{items}]
"""
ITEM = '{{ code = "{code}", trait = "{trait}", is_reversed = {is_reversed}{number} }}'
PEOPLE = 30


def mapping(
    path: Path, name: str = "pulse", *, second_is_reversed: str = "true", number: str = ""
) -> Path:
    """Write a mapping with two items for each trait, the second one reverse-keyed."""
    items = []
    for trait in TRAITS:
        for place, is_reversed in ((1, "false"), (2, second_is_reversed)):
            code = f"{trait[0].upper()}{place}"
            items.append(
                ITEM.format(code=code, trait=trait, is_reversed=is_reversed, number=number)
            )
            number = ""
    path.write_text(MAPPING.format(name=name, items=",\n".join(items)))
    return path


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """People who answer n and 10 - n, so that every trait's score is n tenths of the scale."""
    codes = [f"{trait[0].upper()}{place}" for trait in TRAITS for place in (1, 2)]
    rows = [",".join(["id", *codes])]
    for person in range(PEOPLE):
        level = person % 11
        rows.append(",".join([str(person), *[str(level), str(10 - level)] * len(TRAITS)]))
    path = tmp_path / "pulse.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_an_instrument_of_ones_own_is_catalogued_scored_and_analysed(
    analytics: AnalyticsSystem, export: Path, tmp_path: Path
) -> None:
    receipt = analytics.ingest_files(export, mapping=mapping(tmp_path / "pulse.toml"))
    assert (receipt.quarantined, receipt.by_kind["question_responses"].accepted) == (0, 300)
    assert count(analytics, "internal.instruments", "name = 'pulse'") == 1
    assert count(analytics, "internal.questions", "instrument = 'pulse' AND is_reversed") == 5
    scores = "analytics.anonymized_assessment_scores"
    assert count(analytics, scores) == PEOPLE * len(TRAITS)
    assert count(analytics, scores, "score = 0") == 3 * len(TRAITS)
    assert count(analytics, scores, "score = 100") == 2 * len(TRAITS)
    analysis = analytics.get_ocean_analysis(
        [{"field": "instrument", "operator": "eq", "value": "pulse"}]
    )
    expected = sum(10 * (person % 11) for person in range(PEOPLE)) / PEOPLE
    assert analysis.sample_size == PEOPLE
    assert [trait.average for trait in analysis.traits] == pytest.approx([expected] * len(TRAITS))


@pytest.mark.parametrize("name", ["pulse", "ipip50"])
def test_a_changed_definition_of_a_known_instrument_is_refused(
    analytics: AnalyticsSystem, export: Path, tmp_path: Path, name: str
) -> None:
    analytics.ingest_files(export, mapping=mapping(tmp_path / "pulse.toml"))
    stored = content_rows(analytics)
    changed = mapping(tmp_path / "changed.toml", name, second_is_reversed="false")
    with pytest.raises(InvalidInput, match=f"instrument '{name}' .* another definition") as refusal:
        analytics.ingest_files(export, mapping=changed)
    assert "give the changed one a name of its own" in str(refusal.value)
    assert content_rows(analytics) == stored
    assert count(analytics, "internal.questions", "instrument = 'pulse' AND is_reversed") == 5


def test_a_number_that_another_instruments_question_has_is_refused(
    analytics: AnalyticsSystem, export: Path, tmp_path: Path
) -> None:
    taken = mapping(tmp_path / "pulse.toml", number=", question_id = 201")
    with pytest.raises(InvalidInput, match="question number 201, .* 'tipi'"):
        analytics.ingest_files(export, mapping=taken)
    assert content_rows(analytics) == []
    assert count(analytics, "internal.instruments", "name = 'pulse'") == 0
