"""Dagster resources that other pipelines import: thin shells over the platform.

For: this platform's orchestration and any other code location. Not for: assets or schedules
(``orchestration``); importing this starts nothing and reads no environment.
"""

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from ioc_analytics.resources.analytics import AnalyticsResource
from ioc_analytics.resources.failures import RETRY, failures

if TYPE_CHECKING:
    from ioc_analytics.database.publishing import Relation
    from ioc_analytics.resources.postgres import PostgresIOManager
    from ioc_analytics.resources.publications import contract, publication_checks

__all__ = [
    "RETRY",
    "AnalyticsResource",
    "PostgresIOManager",
    "Relation",
    "contract",
    "failures",
    "platform_resources",
    "publication_checks",
]


# Who does not use these, such as this platform's own definitions, does not wait for pandas.
def platform_resources() -> dict[str, Any]:
    """Return the platform's resources under their names, for this or any other code location.

    - ``analytics``: an :class:`AnalyticsResource` with the settings of the environment;
    - ``postgres_io_manager``: a :class:`PostgresIOManager` of the platform's own database, for
      assets with that ``io_manager_key``. Both share their connections.

    Example:
        >>> resources = {**platform_resources(), "io_manager": "mine"}
    """
    return {"analytics": AnalyticsResource(), "postgres_io_manager": _postgres_io_manager}


@dg.io_manager(  # type: ignore[arg-type]  # a generator, as any resource may be
    config_schema={
        "schema_name": dg.Field(
            str, default_value="analytics", description="Schema of tables that name none."
        )
    },
    description="Publishes frames and relations into tables of the platform's database.",
)
def _postgres_io_manager(context: dg.InitResourceContext) -> Iterator[Any]:
    # A shell around the manager, so that definitions load without pandas.
    from ioc_analytics.resources.postgres import PostgresIOManager

    manager = PostgresIOManager(schema_name=context.resource_config["schema_name"])
    try:
        yield manager
    finally:
        manager.close()


_LATER = {
    "PostgresIOManager": "ioc_analytics.resources.postgres",
    "Relation": "ioc_analytics.database.publishing",
    "contract": "ioc_analytics.resources.publications",
    "publication_checks": "ioc_analytics.resources.publications",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)
