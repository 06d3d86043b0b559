"""The nearest known name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc_analytics.kernel.suggestions import did_you_mean, nearest

TRAITS = ["openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("opennes", "openness"),
        ("Extraversion", "extraversion"),
        ("extroversion", "extraversion"),
        ("NEUROTICSM", "neuroticism"),
        ("zzz", None),
        ("", None),
    ],
)
def test_a_slip_of_the_pen_finds_the_name_that_was_meant(name: str, meant: str | None) -> None:
    assert nearest(name, TRAITS) == meant


def test_nothing_is_suggested_when_nothing_is_known_or_near() -> None:
    assert nearest("openness", []) is None
    assert did_you_mean("zzz", TRAITS) == ""


def test_a_suggestion_continues_a_sentence() -> None:
    assert did_you_mean("opennes", TRAITS) == "; did you mean 'openness'?"


@given(st.text(), st.lists(st.text(), max_size=5))
def test_a_suggestion_is_always_one_of_the_known_names(name: str, known: list[str]) -> None:
    assert nearest(name, known) in {None, *known}


@given(st.lists(st.text(min_size=1), min_size=1, max_size=5))
def test_a_known_name_is_nearest_to_itself(known: list[str]) -> None:
    found = nearest(known[0], known)
    assert found is not None
    assert found.casefold() == known[0].casefold()
