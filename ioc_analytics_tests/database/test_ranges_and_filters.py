"""Every verb refuses a range that holds nothing; the order of filters does not matter."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics_tests.database.survey import make_survey

Verb = Callable[[AnalyticsSystem, Any, Any], Any]

FILTERED: Final[dict[str, Verb]] = {
    "get_ocean_analysis": lambda a, f, t: a.get_ocean_analysis(f, t),
    "analyze_metric": lambda a, f, t: a.analyze_metric("completion_rate", f, t),
    "compare_groups": lambda a, f, t: a.compare_groups("device_type", f, t),
    "ocean_over_time": lambda a, f, t: a.ocean_over_time("monthly", f, t),
    "analyze_trends": lambda a, f, t: a.analyze_trends("response_volume", t, "weekly", f),
    "find_outliers": lambda a, f, t: a.find_outliers(f, t),
    "analyze_careless": lambda a, f, t: a.analyze_careless(f, t),
    "flag_careless": lambda a, f, t: a.flag_careless(f, t),
    "analyze_item_functioning": lambda a, f, t: a.analyze_item_functioning(
        "gender", "ipip50", "female", "male", f, t
    ),
}
VERBS: Final[dict[str, Verb]] = FILTERED | {
    "get_benchmarks": lambda a, _, t: a.get_benchmarks(time_range=t),
    "analyze_ai_validation": lambda a, _, t: a.analyze_ai_validation(t),
    "create_norms": lambda a, _, t: a.create_norms("2026", t),
    "generate_report": lambda a, _, t: a.generate_report({"time_range": t}),
}
CONDITIONS: Final = (
    {"field": "instrument", "operator": "eq", "value": "ipip50"},
    {"field": "industry_category", "operator": "ne", "value": "Retail Trade"},
    {"field": "gender", "operator": "ne", "value": "other"},
    {"field": "region", "operator": "ne", "value": "Northern Africa"},
)


@pytest.mark.parametrize("name", VERBS)
def test_a_range_that_holds_nothing_is_refused(analytics: AnalyticsSystem, name: str) -> None:
    for start, end, found in (
        ("2025-03-01", "2025-01-01", "ends before it starts"),
        ("2025-03-01", "2025-03-01", "is empty"),
        ("2025-03-01T02:00+02:00", "2025-03-01", "is empty"),
    ):
        with pytest.raises(InvalidInput, match=found):
            VERBS[name](analytics, (), {"start": start, "end": end})


def answer_of(analytics: AnalyticsSystem, verb: Verb, filters: Any) -> Any:
    """Return what a verb says, the filters as they were given left out, or why it says nothing."""
    try:
        answer = verb(analytics, filters, None).to_dict()
    except NotEnoughData as error:
        return str(error)
    answer.pop("filters", None)
    return answer


def test_filters_commute(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_survey(analytics.config, 400))
    plain = {name: answer_of(analytics, verb, CONDITIONS) for name, verb in FILTERED.items()}
    assert not isinstance(plain["get_ocean_analysis"], str)

    @given(st.permutations(CONDITIONS), st.sampled_from(CONDITIONS))
    @settings(max_examples=4, deadline=None)
    def check(mixed: list[dict[str, Any]], again: dict[str, Any]) -> None:
        for name, verb in FILTERED.items():
            # Saying a condition twice says no more.
            assert answer_of(analytics, verb, [*mixed, again]) == plain[name], name

    check()
