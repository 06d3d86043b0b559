"""What the roles of the facade may see: exact figures are for the analyst."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import ConfigurationError, PrivacyRefusal


@pytest.fixture
def reader(analytics: AnalyticsSystem) -> AnalyticsSystem:
    return AnalyticsSystem(analytics.config, role="reader")


def test_a_reader_is_refused_exact_figures_and_records(reader: AnalyticsSystem) -> None:
    with reader:
        with pytest.raises(PrivacyRefusal, match="ocean_trait_distributions"):
            reader.get_ocean_analysis()
        with pytest.raises(PrivacyRefusal):
            reader.query("SELECT id FROM anonymized_assessments")
        with pytest.raises(PrivacyRefusal):
            reader.list_quarantine()
        with pytest.raises(PrivacyRefusal):
            reader.pseudonym("respondent", "somebody")


@pytest.mark.parametrize(
    "ask",
    [
        lambda system: system.database_manager.run_migrations(),
        lambda system: system.database_manager.plan_migrations(),
        lambda system: system.database_manager.foresee_migrations(),
        lambda system: system.database_manager.find_drift(),
        lambda system: system.database_manager.dump_schema(),
        lambda system: system.database_manager.get_migration_history(),
        lambda system: system.get_system_status(),
        lambda system: system.list_alerts(),
        lambda system: system.replay_alerts(utc_now() - timedelta(hours=1), utc_now()),
    ],
)
def test_a_reader_is_refused_the_inside_of_the_platform(
    analytics: AnalyticsSystem, reader: AnalyticsSystem, ask: Callable[[AnalyticsSystem], object]
) -> None:
    ask(analytics)
    with reader, pytest.raises(PrivacyRefusal, match="'reader' may not"):
        ask(reader)


def test_a_reader_may_initialize(reader: AnalyticsSystem) -> None:
    with reader:
        reader.initialize()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*) AS n FROM ocean_trait_distributions",
        "SELECT count(*) AS n FROM mv_monthly_ocean_distributions",
    ],
)
def test_a_reader_sees_released_tables_and_views(reader: AnalyticsSystem, statement: str) -> None:
    with reader:
        assert reader.query(statement).data == [{"n": 0}]


def test_an_unknown_role_is_refused_with_the_nearest(analytics: AnalyticsSystem) -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'analyst'"):
        AnalyticsSystem(analytics.config, role="analist")
