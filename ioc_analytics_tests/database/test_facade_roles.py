"""What the roles of the facade may see: exact figures are for the analyst."""

import pytest

from ioc_analytics import AnalyticsSystem
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
