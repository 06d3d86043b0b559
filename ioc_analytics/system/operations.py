"""The facade: verbs of those who run the platform."""

from ioc_analytics.monitoring.health import check_health
from ioc_analytics.monitoring.measure import measure_health, read_metrics
from ioc_analytics.monitoring.openmetrics import to_openmetrics
from ioc_analytics.monitoring.status import read_status
from ioc_analytics.records.answers import SystemStatus
from ioc_analytics.records.health import Health, HealthMeasurements, SystemMetrics
from ioc_analytics.system.base import SystemBase


class Operations(SystemBase):
    """Status and health of the installation."""

    def get_system_status(self) -> SystemStatus:
        """Return what the platform holds and how fresh it is."""
        with self.database.connection("analyst") as connection:
            return read_status(connection)

    def health_check(self) -> Health:
        """Return whether every part is well; never raises because something is down."""
        return check_health(self.database)

    def measure_health(self) -> HealthMeasurements:
        """Measure server, host, platform and queries, and keep it in ``system_health_metrics``."""
        return measure_health(self.database, self.query_counters.figures())

    def get_system_metrics(self) -> SystemMetrics:
        """Return performance, resources and data quality."""
        return read_metrics(self.database, self.query_counters.figures())

    def openmetrics(self) -> str:
        """Measure, and return the figures as OpenMetrics text."""
        return to_openmetrics(self.measure_health())
