"""The examples of the guide to the five traits run as printed."""

import re
from pathlib import Path

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics_tests.database.survey import START, make_survey

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "ocean.md"


def test_the_examples_run(analytics: AnalyticsSystem, capsys: pytest.CaptureFixture[str]) -> None:
    start = START.replace(year=2025)
    analytics.ingest_data(make_survey(analytics.config, 1_000, start=start))
    examples = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    assert len(examples) >= 4
    for example in examples:
        exec(example, {"analytics": analytics})  # noqa: S102  # the guide is ours
        assert capsys.readouterr().out, f"nothing printed by:\n{example}"
