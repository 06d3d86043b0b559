"""The tour walks through every stop, and each one prints figures."""

import re
import runpy
from pathlib import Path

import pytest

from ioc_analytics import AnalyticsSystem

TOUR = Path(__file__).resolve().parents[2] / "docs" / "tour" / "tour.py"


def test_the_tour_shows_every_question(
    analytics: AnalyticsSystem, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = analytics.config.replace(
        exports={"path": tmp_path / "exports"}, reports={"path": tmp_path / "reports"}
    )
    tour = runpy.run_path(str(TOUR))
    with AnalyticsSystem(config) as system:
        tour["walk"](system, tmp_path)
    _, *stops = re.split(r"^\d+\. .*\n\n", capsys.readouterr().out, flags=re.MULTILINE)
    assert len(stops) == len(tour["STOPS"])
    page = TOUR.with_name("README.md").read_text("utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [
        stop.__name__ for stop in tour["STOPS"]
    ]
    for stop, printed in zip(tour["STOPS"], stops, strict=True):
        assert re.search(r"\d|refuse", printed), f"{stop.__name__} printed {printed!r}"
    assert sum(1 for _ in (tmp_path / "exports").glob("*.manifest.json")) == 3
    for kind in ("InvalidInput", "NotEnoughData", "PrivacyRefusal"):
        assert f"{kind}: " in stops[-1]
