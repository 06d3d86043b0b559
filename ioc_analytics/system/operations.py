"""The facade: verbs of those who run the platform."""

from ioc_analytics.monitoring.status import read_status
from ioc_analytics.records.answers import SystemStatus
from ioc_analytics.system.base import SystemBase


class Operations(SystemBase):
    """Status and health of the installation."""

    def get_system_status(self) -> SystemStatus:
        """Return what the platform holds and how fresh it is."""
        with self.database.connection("analyst") as connection:
            return read_status(connection)
