"""The whole facade, put together, with its lifetime."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from ioc_analytics.backup.archive import follow_setting
from ioc_analytics.database.logins import provision
from ioc_analytics.database.pools import Database
from ioc_analytics.files.instruments import builtin_instruments
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.logs import configure_logging
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.schema.catalogues import register_categories, register_instruments
from ioc_analytics.schema.compression import apply_compression
from ioc_analytics.schema.partitions import premake_partitions
from ioc_analytics.system.answers import Answers
from ioc_analytics.system.data_in import DataIn
from ioc_analytics.system.database_manager import DatabaseManager
from ioc_analytics.system.norms import Norms
from ioc_analytics.system.predictions import Predictions
from ioc_analytics.system.query_interface import QueryInterface
from ioc_analytics.system.reports import Reports
from ioc_analytics.system.upkeep import Upkeep


class AnalyticsSystem(DataIn, Upkeep, Answers, Norms, Predictions, Reports):
    """The analytics platform of one installation.

    Example:
        >>> with AnalyticsSystem(config) as analytics:  # doctest: +SKIP
        ...     analytics.initialize()
        ...     analytics.ingest_files("export.csv", mapping="mapping.toml")
        ...     analytics.get_ocean_analysis().traits[0].average
    """

    def __init__(
        self, config: AnalyticsConfig, *, role: str = "analyst", database: Database | None = None
    ) -> None:
        """Keep the settings; nothing is opened before the first use.

        Args:
            config: The settings.
            role: ``analyst`` sees exact figures, ``reader`` released ones only.
            database: The database of these settings, which its lender closes; None: an own one.
        """
        super().__init__(config, role=role, database=database)
        self.query_interface = QueryInterface(self)
        self.database_manager = DatabaseManager(self)

    def initialize(self) -> None:
        """Bring the server up, make database, logins and schema; safe to repeat."""
        configure_logging(self.config)
        self.database.open()
        follow_setting(self.database)
        provision(self.config)
        # Under any role: to bring the platform's own schema up shows nobody anything.
        self._apply_migrations()
        with self.database.connection("owner") as connection:
            apply_compression(connection, self.config.database.compression)
        with self.database.connection("ingest") as connection:
            register_categories(connection)
            register_instruments(connection, builtin_instruments().values())
            premake_partitions(connection, utc_now().date(), self.config.retention_days)

    def close(self) -> None:
        """Close all connections; the embedded server stops when nobody else uses it."""
        self.query_counters.hand_in()
        if not self._is_lent:
            self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def create_analytics_system(
    config: AnalyticsConfig | Mapping[str, Any] | None = None,
    *,
    role: str = "analyst",
    **overrides: Any,
) -> AnalyticsSystem:
    """Return the analytics system; nothing is opened before its first use.

    Args:
        config: The settings, or a mapping in the seed's shape with snake_case keys; without it, the
            environment decides and the embedded server is used where it names none.
        role: ``analyst`` (exact figures) or ``reader`` (released figures only).
        overrides: Single settings, such as ``debug_mode=True``.

    Raises:
        ConfigurationError: A setting is unknown or wrong.
    """
    if isinstance(config, AnalyticsConfig):
        settings = config.replace(**overrides) if overrides else config
    else:
        settings = AnalyticsConfig.load(mapping=config, **overrides)
    return AnalyticsSystem(settings, role=role)
