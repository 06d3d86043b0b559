"""Aggregations said in names: what PostgreSQL says, and nothing beyond the grants."""

from pathlib import Path
from typing import Any

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics_tests.fixtures.batches import assessment, response, scores, write_batch

TABLE = "anonymized_assessment_scores"


@pytest.fixture
def filled(analytics: AnalyticsSystem, tmp_path: Path) -> AnalyticsSystem:
    """Six scored responses over three months."""
    names = [f"r{n}" for n in range(6)]
    analytics.ingest_files(
        write_batch(
            tmp_path / "in",
            {
                "assessments": [assessment()],
                "responses": [
                    response(name, started_at=f"2024-0{n // 2 + 1}-15T10:00:00Z")
                    for n, name in enumerate(names)
                ],
                "scores": [row for n, name in enumerate(names) for row in scores(name, 10.0 * n)],
            },
        )
    )
    return analytics


def test_groups_measures_filters_order_and_limit(filled: AnalyticsSystem) -> None:
    result = filled.query_interface.execute_aggregation_query(
        TABLE,
        {
            "group_by": [{"column": "created_at", "by": "month"}, "dimension"],
            "measures": [
                "count",
                "avg(score)",
                {"function": "percentile", "column": "score", "percentile": 0.25, "alias": "p25"},
                "distinct(response_hash)",
                "stddev(score)",
                "min(dimension)",
            ],
            "filters": [
                {"field": "dimension", "operator": "in", "value": ["openness", "neuroticism"]},
                {"field": "created_at", "operator": "gte", "value": "2024-02-01"},
            ],
            "order_by": ["-month", "dimension"],
            "limit": 3,
        },
    )
    truth = filled.query(
        "SELECT date_trunc('month', created_at) AS month, dimension, count(*) AS count, "
        "avg(score) AS avg_score, percentile_cont(0.25) WITHIN GROUP (ORDER BY score) AS p25, "
        "count(DISTINCT response_hash) AS distinct_response_hash, "
        "stddev_samp(score) AS stddev_score, min(dimension) AS min_dimension "
        f"FROM {TABLE} WHERE dimension IN ('openness', 'neuroticism') "
        "AND created_at >= '2024-02-01' GROUP BY 1, 2 ORDER BY 1 DESC, 2 LIMIT 3"
    )
    assert result.data == truth.data
    assert result.row_count == 3


@pytest.mark.parametrize(
    ("operator", "value", "condition"),
    [
        ("eq", 30, "score = 30"),
        ("ne", 30, "score <> 30"),
        ("gt", 20, "score > 20"),
        ("lt", 20, "score < 20"),
        ("lte", 20, "score <= 20"),
        ("not_in", [0, 50], "score NOT IN (0, 50)"),
        ("between", [10, 30], "score BETWEEN 10 AND 30"),
    ],
)
def test_operators_mean_what_they_say(
    filled: AnalyticsSystem, operator: str, value: Any, condition: str
) -> None:
    chosen = {"filters": [{"field": "score", "operator": operator, "value": value}]}
    found = filled.query_interface.execute_aggregation_query(TABLE, {"measures": "count"}, chosen)
    assert (
        found.data == filled.query(f"SELECT count(*) AS count FROM {TABLE} WHERE {condition}").data
    )


def test_missing_values_can_be_asked_for(filled: AnalyticsSystem) -> None:
    for operator, n in (("eq", 30), ("ne", 0)):
        filters = [{"field": "percentile", "operator": operator, "value": None}]
        found = filled.execute_aggregation_query(TABLE, {"filters": filters})
        assert found.data == [{"count": n}]


@pytest.mark.parametrize(
    ("table", "aggregation", "said"),
    [
        ("anonymized_assessment_score", {}, "did you mean 'anonymized_assessment_scores'"),
        ("response_registry", {}, "unknown table"),
        ("audit_log", {}, "unknown table"),
        (TABLE, {"group_by": "dimensoin"}, "did you mean 'dimension'"),
        (TABLE, {"measures": "median"}, "unknown measure"),
        (TABLE, {"measures": "avg(dimension)"}, "needs numbers"),
        (TABLE, {"measure": "count"}, "did you mean 'measures'"),
        (TABLE, {"group_by": {"column": "score", "by": "month"}}, "no time"),
        (TABLE, {"group_by": {"column": "created_at", "by": "mnth"}}, "did you mean 'month'"),
        (TABLE, {"filters": {"field": "score", "operator": "gte"}, "limit": 0}, "limit"),
        (TABLE, {"filters": {"field": "score", "operator": "betwen"}}, "did you mean 'between'"),
        (TABLE, {"measures": ["count", "count"]}, "two parts"),
        (TABLE, {"order_by": "scor"}, "unknown name in the result"),
        (TABLE, {"filters": {"field": "score", "value": "much"}}, r"\$1 cannot be read as double"),
        (TABLE, {"group_by": 'dimension"; DROP TABLE x; --'}, "unknown column"),
    ],
)
def test_what_is_unknown_or_unfitting_is_refused(
    analytics: AnalyticsSystem, table: str, aggregation: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        analytics.execute_aggregation_query(table, aggregation)


def test_a_table_may_be_named_with_its_schema(analytics: AnalyticsSystem) -> None:
    found = analytics.execute_aggregation_query(f"analytics.{TABLE}", {})
    assert found.data == analytics.execute_aggregation_query(TABLE, {}).data
    with pytest.raises(InvalidInput, match="an alias is a text"):
        analytics.execute_aggregation_query(
            TABLE, {"measures": {"function": "avg", "column": "score", "alias": 5}}
        )


def test_a_reader_aggregates_released_tables_only(analytics: AnalyticsSystem) -> None:
    with AnalyticsSystem(analytics.config, role="reader") as reader:
        found = reader.execute_aggregation_query("ocean_trait_distributions", {})
        assert found.data == [{"count": 0}]
        with pytest.raises(InvalidInput, match="unknown table"):
            reader.execute_aggregation_query(TABLE, {})
