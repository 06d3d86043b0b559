"""The seed's ``databaseManager``."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ioc_analytics.database.binaries import find_binaries
from ioc_analytics.records.advice import Advice
from ioc_analytics.records.alerts import Alert
from ioc_analytics.records.backups import Backup
from ioc_analytics.records.health import HealthMeasurements
from ioc_analytics.records.maintenance import MaintenanceReport
from ioc_analytics.schema.dump import dump_schema
from ioc_analytics.schema.impact import MigrationImpact, foresee
from ioc_analytics.schema.migrations import (
    Applied,
    MigrationPlan,
    find_drift,
    plan,
    read_history,
)
from ioc_analytics.schema.scripts import folder_scripts

if TYPE_CHECKING:
    from ioc_analytics.system.facade import AnalyticsSystem


class DatabaseManager:
    """The seed's ``databaseManager``: the operating half of the facade."""

    def __init__(self, system: "AnalyticsSystem") -> None:
        self._system = system

    def run_migrations(self, path: str | Path | None = None) -> list[str]:
        """Apply pending migrations and return their names.

        Args:
            path: A folder of plain SQL of the user's own, kept in a history of its own; None: the
                platform's migrations.
        """
        self._system.demand_analyst("run migrations")
        return self._system._apply_migrations(None if path is None else folder_scripts(Path(path)))

    def plan_migrations(self, path: str | Path | None = None) -> MigrationPlan:
        """Return what ``run_migrations`` would apply."""
        self._system.demand_analyst("see migrations")
        scripts = None if path is None else folder_scripts(Path(path))
        with self._system.database.connection("owner") as connection:
            return plan(connection, scripts)

    def foresee_migrations(self, path: str | Path | None = None) -> tuple[MigrationImpact, ...]:
        """Return what ``run_migrations`` would do to the tables in use: locks, rewrites, time."""
        self._system.demand_analyst("see migrations")
        scripts = None if path is None else folder_scripts(Path(path))
        with self._system.database.connection("owner") as connection:
            return foresee(connection, plan(connection, scripts).pending)

    def find_drift(self) -> list[str]:
        """Return what differs from the schema that the last migration left."""
        self._system.demand_analyst("see the schema")
        with self._system.database.connection("owner") as connection:
            return find_drift(connection)

    def dump_schema(self) -> str:
        """Return the schema as SQL, without rows, owners and partitions."""
        self._system.demand_analyst("see the schema")
        config = self._system.config
        database = self._system.database.open()
        return dump_schema(database.conninfo("owner"), find_binaries(config.pg_bin).folder)

    def create_backup(self, config: Mapping[str, Any] | None = None) -> Backup:
        """Write a backup; see ``AnalyticsSystem.create_backup``."""
        return self._system.create_backup(config)

    def get_migration_history(self) -> list[Applied]:
        """Return everything that was applied, oldest first."""
        self._system.demand_analyst("see migrations")
        with self._system.database.connection("owner") as connection:
            return read_history(connection)

    def get_performance_metrics(self) -> HealthMeasurements:
        """Measure server, host, platform and queries; see ``AnalyticsSystem.measure_health``."""
        return self._system.measure_health()

    def perform_maintenance(
        self, dry_run: bool = False, budget_seconds: float | None = None
    ) -> MaintenanceReport:
        """Maintain the database; see ``AnalyticsSystem.perform_maintenance``."""
        return self._system.perform_maintenance(dry_run, budget_seconds)

    def check_for_alerts(self) -> list[Alert]:
        """Evaluate the alert rules; see ``AnalyticsSystem.check_for_alerts``."""
        return self._system.check_for_alerts()

    def get_scaling_recommendations(self) -> list[Advice]:
        """Return advice; see ``AnalyticsSystem.get_scaling_recommendations``."""
        return self._system.get_scaling_recommendations()
