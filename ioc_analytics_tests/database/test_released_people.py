"""What is released is about ten people at least, however often each of them answered."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.errors import ConfigurationError
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.privacy.pipeline import AnonymizationPipeline
from ioc_analytics.records.vocabularies import TRAITS

START = datetime(2025, 3, 4, tzinfo=UTC)
MARCH = date(2025, 3, 1)
RELEASED = (
    "daily_assessment_metrics",
    "ocean_trait_distributions",
    "benchmarking_data",
    "dual_ai_validation_metrics",
    "mv_daily_assessment_overview",
    "mv_weekly_response_metrics",
    "mv_monthly_ocean_distributions",
    "mv_industry_benchmarks",
)


def make_batch(
    config: AnalyticsConfig,
    answers: Iterable[str | None],
    *,
    assessment: Mapping[str, Any] | None = None,
    models: tuple[str, str] = ("rater-a", "rater-b"),
    first: int = 0,
    traits_of_last: int = len(TRAITS),
) -> Mapping[str, Any]:
    """Return one response per entry of ``answers``, given by the person that it names."""
    settings = {
        "assessment_id": "a",
        "organization_id": "org",
        "industry": "51",
        "employee_count": 120,
        "assessment_type": "hiring",
        "instrument": "ipip50",
        "created_at": "2025-03-04",
    } | dict(assessment or {})
    tables: dict[str, list[Any]] = {
        "assessments": [settings],
        "responses": [],
        "scores": [],
        "ai_validations": [],
    }
    people = list(answers)
    for number, person in enumerate(people, start=first):
        key = f"{settings['assessment_id']}-{number}"
        tables["responses"].append(
            {
                "response_id": key,
                "assessment_id": settings["assessment_id"],
                "respondent_id": person,
                "status": "completed",
                "time_spent_seconds": 300.0 + number,
                "started_at": (START + timedelta(minutes=number)).isoformat(),
            }
        )
        is_last = number == first + len(people) - 1
        for trait in TRAITS[: traits_of_last if is_last else None]:
            tables["scores"].append(
                {"response_id": key, "dimension": trait, "score": 30.0 + number}
            )
            tables["ai_validations"].append(
                {
                    "response_id": key,
                    "dimension": trait,
                    "primary_model": models[0],
                    "primary_score": 40.0 + number,
                    "secondary_model": models[1],
                    "secondary_score": 41.0 + 2 * (number % 3) + number,
                }
            )
    return AnonymizationPipeline(config).process_data(tables)


def release(analytics: AnalyticsSystem, *batches: Mapping[str, Any]) -> None:
    for batch in batches:
        assert analytics.ingest_data(batch).quarantined == 0
    analytics.refresh()


def shown(analytics: AnalyticsSystem, table: str, number: str) -> int:
    """Return how many cells of a released table show figures; the others say why not."""
    rows = analytics.query(f"SELECT {number} AS number, withheld_reason FROM {table}").data
    assert rows
    for row in rows:
        if row["number"] is None:
            assert "fewer than 10 people" in row["withheld_reason"]
    return sum(row["number"] is not None for row in rows)


def names(count: int, prefix: str = "p") -> list[str | None]:
    return [f"{prefix}{number}" for number in range(count)]


@pytest.mark.parametrize(
    "people",
    [["p"] * 12, names(9) + ["p0"] * 30, names(8) + [None]],
    ids=["one person", "nine people", "one of them unnamed"],
)
def test_a_cell_of_few_people_is_withheld_however_often_they_answered(
    people: list[str | None], analytics: AnalyticsSystem
) -> None:
    release(analytics, make_batch(analytics.config, people))
    assert shown(analytics, "ocean_trait_distributions", "sample_size") == 0
    assert shown(analytics, "mv_monthly_ocean_distributions", "sample_size") == 0
    assert shown(analytics, "daily_assessment_metrics", "respondents") == 0
    assert shown(analytics, "dual_ai_validation_metrics", "n") == 0
    for promise in ("nothing_small_released", "released_month_equals_rows"):
        assert analytics.check_integrity(promise).passed, promise


@pytest.mark.parametrize(
    "people",
    [names(10), names(10) + ["p0"] * 5, [*names(9), None]],
    ids=["once", "more", "unnamed"],
)
def test_a_cell_of_ten_people_is_shown_with_all_their_responses(
    people: list[str | None], analytics: AnalyticsSystem
) -> None:
    release(analytics, make_batch(analytics.config, people))
    for table, number in (
        ("ocean_trait_distributions", "sample_size"),
        ("dual_ai_validation_metrics", "n"),
        ("daily_assessment_metrics", "responses_started"),
    ):
        rows = analytics.query(f"SELECT {number} AS number FROM {table}").data
        assert {row["number"] for row in rows} == {len(people)}, table
    for promise in ("nothing_small_released", "released_month_equals_rows"):
        assert analytics.check_integrity(promise).passed, promise


def test_people_are_counted_per_trait(analytics: AnalyticsSystem) -> None:
    people = [*names(9), "p0", "p9"]
    release(analytics, make_batch(analytics.config, people, traits_of_last=2))
    rows = analytics.query(
        "SELECT DISTINCT dimension::text, sample_size FROM ocean_trait_distributions"
    ).data
    found = {row["dimension"]: row["sample_size"] for row in rows}
    assert len(rows) == len(TRAITS)
    assert found == {trait: 11 if at < 2 else None for at, trait in enumerate(TRAITS)}


def test_one_person_in_two_cells_counts_once_in_their_sum(analytics: AnalyticsSystem) -> None:
    other = {"assessment_id": "b", "organization_id": "other", "industry": "52"}
    release(
        analytics,
        make_batch(analytics.config, names(10)),
        make_batch(analytics.config, names(10), assessment=other),
        make_batch(
            analytics.config, names(9), assessment={**other, "assessment_id": "c"}, first=20
        ),
    )
    rows = analytics.query(
        "SELECT industry_category, sample_size FROM ocean_trait_distributions WHERE grain = 'month'"
        " AND org_size_category = 'all' AND region = 'all' AND age_band = 'all' AND gender = 'all'"
        " AND device_type = 'all' AND assessment_type = 'all' AND instrument = 'all'"
        " AND dimension = 'openness'"
    ).data
    assert {row["industry_category"]: row["sample_size"] for row in rows} == {
        "all": 29, "Technology": 10, "Finance": 19,
    }  # fmt: skip


@pytest.mark.parametrize(("people", "is_shown"), [(10, True), (1, False)])
def test_an_organization_of_few_people_is_no_peer(
    people: int, is_shown: bool, analytics: AnalyticsSystem
) -> None:
    batches = []
    for at in range(6):
        answers = [f"{at}-{number % people}" for number in range(12)]
        settings = {"assessment_id": f"a{at}", "organization_id": f"org{at}"}
        batches.append(make_batch(analytics.config, answers, assessment=settings))
    release(analytics, *batches)
    rows = analytics.query(
        "SELECT metric, sample_size FROM benchmarking_data WHERE industry_category = 'all'"
    ).data
    expected = {
        "completion_rate", "abandonment_rate", "data_quality_score", "ai_agreement_rate",
        "careless_rate", "avg_time_spent", *TRAITS,
    }  # fmt: skip
    assert {row["metric"] for row in rows if row["sample_size"]} == (
        expected if is_shown else set()
    )
    # The analyst's figures are exact, and stay.
    assert analytics.get_benchmarks("org0").benchmarks["completion_rate"].sample_size == 12


def test_what_was_decided_before_a_month_was_sealed_stays(analytics: AnalyticsSystem) -> None:
    few = {"assessment_id": "b", "organization_id": "other", "industry": "52"}
    release(
        analytics,
        make_batch(analytics.config, names(12)),
        make_batch(analytics.config, ["q"] * 12, assessment=few),
    )
    industries = (
        "SELECT industry_category AS name, max(sample_size) AS n, count(sample_size) AS cells"
        " FROM ocean_trait_distributions WHERE grain = 'month' GROUP BY 1 ORDER BY 1"
    )
    before = analytics.query(industries).data
    assert [(row["name"], row["n"]) for row in before] == [
        ("Finance", None), ("Technology", 12), ("all", 24),
    ]  # fmt: skip
    benchmarks = analytics.query("SELECT * FROM benchmarking_data ORDER BY 1, 2, 3, 4").data
    analytics.seal_month(MARCH)
    with analytics.database.connection("owner") as connection:
        connection.execute("DELETE FROM analytics.anonymized_assessment_scores")
        connection.execute("DELETE FROM analytics.anonymized_assessment_responses")
    analytics.rebuild()
    assert analytics.query(industries).data == before
    assert analytics.query("SELECT * FROM benchmarking_data ORDER BY 1, 2, 3, 4").data == benchmarks
    # Nine more may be the one who was there already, and eight others: not enough is known.
    release(analytics, make_batch(analytics.config, names(9, "s"), assessment=few, first=20))
    rows = {row["name"]: row["n"] for row in analytics.query(industries).data}
    assert rows == {"Finance": None, "Technology": 12, "all": 33}
    release(analytics, make_batch(analytics.config, names(1, "t"), assessment=few, first=30))
    rows = {row["name"]: row["n"] for row in analytics.query(industries).data}
    assert rows == {"Finance": 22, "Technology": 12, "all": 34}


OPEN = ("maria.gonzalez", "the-forms-of-maria", "marias-model")


def _words(config: AnalyticsConfig) -> str:
    """Return all that a reader can read of the released tables and views, as one text."""
    with AnalyticsSystem(config, role="reader") as reader:
        tables = [reader.query(f"SELECT t.* FROM {table} AS t").data for table in RELEASED]
    assert all(tables)
    return str(tables)


def _open_words(config: AnalyticsConfig, people: int) -> list[Mapping[str, Any]]:
    named = {"assessment_id": "b", "assessment_type": OPEN[0], "instrument": OPEN[1]}
    return [
        make_batch(config, names(12)),
        make_batch(
            config, names(people, "q"), assessment=named, models=(OPEN[2], "rater-b"), first=20
        ),
    ]


def test_words_that_few_people_used_are_released_as_unknown(analytics: AnalyticsSystem) -> None:
    release(analytics, *_open_words(analytics.config, 9))
    text = _words(analytics.config)
    assert not [word for word in OPEN if word in text]
    assert "hiring" in text
    assert "ipip50" in text
    assert "rater-a" in text
    types = analytics.query(
        "SELECT assessment_type AS name, sample_size AS n FROM ocean_trait_distributions"
        " WHERE assessment_type <> 'all' AND instrument = 'all' AND dimension = 'openness'"
        " ORDER BY 1"
    ).data
    assert types == [{"name": "hiring", "n": 12}, {"name": "unknown", "n": None}]


def test_words_that_ten_people_used_are_released(analytics: AnalyticsSystem) -> None:
    release(analytics, *_open_words(analytics.config, 10))
    text = _words(analytics.config)
    assert [word for word in OPEN if word in text] == list(OPEN)


def test_hidden_types_are_counted_together(analytics: AnalyticsSystem) -> None:
    settings = [{"assessment_id": f"t{at}", "assessment_type": f"type{at}"} for at in range(2)]
    release(
        analytics,
        *(
            make_batch(analytics.config, names(9, prefix), assessment=one, first=20 * at)
            for at, (one, prefix) in enumerate(zip(settings, "pp", strict=True))
        ),
    )
    rows = "SELECT DISTINCT assessment_type AS name, sample_size AS n FROM"
    rows += " ocean_trait_distributions WHERE assessment_type <> 'all'"
    # Nine people took both.
    assert analytics.query(rows).data == [{"name": "unknown", "n": None}]
    release(analytics, make_batch(analytics.config, ["another"], assessment=settings[0], first=50))
    # Nine and one took the first: now it is named, and the other's nine are not.
    found = {row["name"]: row["n"] for row in analytics.query(rows).data}
    assert found == {"type0": 10, "unknown": None}


def test_a_listed_type_is_named_however_few_took_it(analytics: AnalyticsSystem) -> None:
    config = analytics.config.replace(
        privacy={"named_assessment_types": "coaching, Maria.Gonzalez"}
    )
    with AnalyticsSystem(config) as system:
        release(system, *_open_words(config, 3))
    text = _words(config)
    assert OPEN[0] in text
    assert OPEN[1] not in text


def test_a_list_of_types_holds_words(analytics: AnalyticsSystem) -> None:
    with pytest.raises(ConfigurationError, match="named_assessment_types"):
        analytics.config.replace(privacy={"named_assessment_types": "Maria Gonzalez"})
