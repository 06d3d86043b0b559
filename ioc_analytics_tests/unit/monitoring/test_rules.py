"""Rules raise what lasts, once; what flickers is not heard of; every rule says what to do."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.monitoring.rules import Rule, Sample, State, build_rules, replay

START = datetime(2026, 1, 1, tzinfo=UTC)
ROOT = Path(__file__).parents[3]
HELD = Rule("r", "host", "cpu_usage", "warning", 80, "percent", "busy", hold_seconds=120)


def by_the_minute(*values: float | None) -> list[Sample]:
    moments = [START + timedelta(minutes=number) for number in range(len(values))]
    return [
        Sample(at, "host", "cpu_usage", value) for at, value in zip(moments, values, strict=True)
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((90, 90), []),
        ((90, 90, 90), [(True, 0)]),
        ((90, 70, 90, 70, 90, 70), []),
        ((90, None, 90), [(True, 0)]),
        ((90, 90, 90, 70, 70, 70), [(True, 0), (False, 3)]),
        ((90, 90, 90, 70, 90, 70, 90), [(True, 0)]),
        # 79 is within the limit, but not far enough inside for an open alert to end.
        ((90, 90, 90, 79, 79, 79, 79), [(True, 0)]),
        ((79, 79, 79, 80, 80, 80), []),
    ],
)
def test_what_lasts_is_raised_and_ends_once(
    values: tuple[float | None, ...], expected: list[tuple[bool, int]]
) -> None:
    _, transitions = replay([HELD], by_the_minute(*values))
    found = [(one.is_raised, (one.at - START) // timedelta(minutes=1)) for one in transitions]
    assert found == expected


def test_a_floor_is_broken_from_above() -> None:
    floor = Rule("f", "host", "cpu_usage", "error", 90, "points", "quality", is_floor=True)
    _, transitions = replay([floor], by_the_minute(95, 89, 91, 95))
    assert [(one.is_raised, one.value) for one in transitions] == [(True, 89), (False, 95)]


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 100)), max_size=40),
    st.integers(0, 40),
    st.integers(0, 300),
)
def test_replay_in_parts_is_replay_at_once(values: list[float | None], cut: int, hold: int) -> None:
    rule = Rule("r", "host", "cpu_usage", "warning", 80, "percent", "busy", hold_seconds=hold)
    samples = by_the_minute(*values)
    states, whole = replay([rule], samples)
    middle, first = replay([rule], samples[:cut])
    last, second = replay([rule], samples[cut:], middle)
    assert first + second == whole
    assert last == states
    raised = [one.is_raised for one in whole]
    assert raised == [number % 2 == 0 for number in range(len(raised))], "raised and ended in turn"


def test_the_time_that_a_state_has_lasted_is_kept() -> None:
    pending = {"r": State("pending", START - timedelta(minutes=5))}
    _, transitions = replay([HELD], by_the_minute(90), pending)
    assert [one.at for one in transitions] == [START - timedelta(minutes=5)]


def test_every_rule_has_a_runbook_and_every_runbook_a_rule(tmp_path: Path) -> None:
    rules = build_rules(AnalyticsConfig.load({}, home=tmp_path))
    assert len({rule.name for rule in rules}) == len(rules)
    for rule in rules:
        page = (ROOT / rule.runbook).read_text(encoding="utf-8")
        assert f"Rule `{rule.name}`" in page
    pages = {page.stem for page in (ROOT / "docs" / "runbooks").glob("*.md")}
    assert pages == {rule.name for rule in rules}


def test_limits_and_hold_come_from_the_settings(tmp_path: Path) -> None:
    variables = {"ANALYTICS_ALERT_DISK_PERCENT": "70", "ANALYTICS_ALERT_HOLD_SECONDS": "7"}
    config = AnalyticsConfig.load(variables, home=tmp_path, enable_backups=False)
    rules = {rule.name: rule for rule in build_rules(config)}
    assert rules["disk_full"].limit == 70
    assert rules["processors_busy"].hold_seconds == 7
    assert "backup_overdue" not in rules
