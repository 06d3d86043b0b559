"""Wide values are compressed as the setting says, on a server that can."""

from typing import Any

from ioc_analytics import AnalyticsSystem

WIDE = {"text": "the same again, " * 1000}


def method_of_new_values(
    analytics: AnalyticsSystem, compression: dict[str, Any]
) -> tuple[str, str]:
    """Return how a wide value is compressed, and what the status says."""
    config = analytics.config.replace(database={"compression": compression})
    with AnalyticsSystem(config) as system:
        system.initialize()
    # Sessions that begin from now on.
    with AnalyticsSystem(config) as system:
        [number] = system.store_prediction_results(
            [
                {
                    "model_name": "m",
                    "model_version": "1",
                    "prediction_target": "t",
                    "accuracy_metrics": WIDE,
                }
            ]
        )
        found = system.query(
            "SELECT pg_column_compression(accuracy_metrics) AS method"
            " FROM predictive_analytics_results WHERE id = $1",
            [number],
        )
        return found.data[0]["method"], system.get_system_status().database.compression


def test_new_values_are_compressed_as_the_setting_says(analytics: AnalyticsSystem) -> None:
    with analytics.database.connection("owner") as connection:
        row = connection.execute(
            "SELECT enumvals FROM pg_settings WHERE name = 'default_toast_compression'"
        ).fetchone()
    assert row is not None
    best = "lz4" if "lz4" in row[0] else "pglz"
    assert method_of_new_values(analytics, {"algorithm": "lz4"}) == (best, best)
    assert method_of_new_values(analytics, {"algorithm": "pglz"}) == ("pglz", "pglz")
    assert method_of_new_values(analytics, {"algorithm": "lz4"}) == (best, best)
    switched_off = {"enabled": False, "algorithm": "lz4"}
    assert method_of_new_values(analytics, switched_off) == ("pglz", "pglz")
