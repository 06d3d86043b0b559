"""The list of fixture plug-ins; fixtures themselves live in ``fixtures/``."""

from hypothesis import settings

pytest_plugins = [
    "ioc_analytics_tests.fixtures.database",
    "ioc_analytics_tests.fixtures.dagster",
    "ioc_analytics_tests.fixtures.platform",
    "ioc_analytics_tests.fixtures.publishing",
    "ioc_analytics_tests.fixtures.real_data",
    "ioc_analytics_tests.fixtures.real_servers",
]

# Two cores shared by parallel workers: how long one example takes says nothing about the code.
settings.register_profile("shared_machine", deadline=None)
settings.load_profile("shared_machine")
