"""Items are compared between groups from the answers that are stored."""

import json

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics_tests.database.survey import make_survey


def test_items_of_two_groups_are_compared(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_survey(analytics.config, 1600))
    ask = analytics.analyze_item_functioning
    clean = [{"field": "is_careless", "operator": "eq", "value": False}]
    found = ask("gender", "ipip50", "female", "male", clean)
    assert found.traits
    assert min(found.sample_sizes.values()) >= 100
    # The generator knows no gender: no item may be called large.
    assert not found.warnings
    assert len(found.to_frame()) == 10 * len(found.traits)
    assert json.loads(json.dumps(found.to_dict()))["focal"] == "male"
    regressed = ask("gender", "ipip50", "female", "male", clean, method="logistic")
    assert list(regressed.traits) == list(found.traits)
    assert not regressed.warnings
    assert "nagelkerke_gain" in regressed.to_frame()
    with pytest.raises(InvalidInput, match="did you mean 'logistic'"):
        ask("gender", "ipip50", "female", "male", method="logistics")
    with pytest.raises(NotEnoughData, match="at least 4"):
        ask("gender", "tipi", "female", "male")
    with pytest.raises(InvalidInput, match="did you mean 'ipip50'"):
        ask("gender", "ipip5", "female", "male")
    with pytest.raises(InvalidInput, match="did you mean 'female'"):
        ask("gender", "ipip50", "femal", "male")
    with pytest.raises(InvalidInput, match="two groups"):
        ask("gender", "ipip50", "male", "male")
