"""The facade: verbs of those who run the platform."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ioc_analytics.backup.archive import end as end_log_archive
from ioc_analytics.backup.archive import follow_setting
from ioc_analytics.backup.catalogue import list_backups
from ioc_analytics.backup.drill import drill_backup
from ioc_analytics.backup.dump import DEFAULT_COMPRESSION, create_backup, left_out
from ioc_analytics.backup.manifest import Progress, silent
from ioc_analytics.backup.restore import restore_backup
from ioc_analytics.backup.upgrade import upgrade_server
from ioc_analytics.backup.verify import verify_backup
from ioc_analytics.database.jobs import end_lost_jobs
from ioc_analytics.database.pools import Database
from ioc_analytics.kernel.errors import AnalyticsError, ConfigurationError, InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.maintenance.care import BUDGET_SECONDS, maintain
from ioc_analytics.monitoring.advice import advise, review
from ioc_analytics.monitoring.alerts import (
    acknowledge,
    check_for_alerts,
    read_alerts,
    replay_alerts,
    silence,
)
from ioc_analytics.monitoring.health import check_health, check_storage
from ioc_analytics.monitoring.measure import keep_measurements, measure_health, read_metrics
from ioc_analytics.monitoring.openmetrics import to_openmetrics
from ioc_analytics.monitoring.rules import Transition
from ioc_analytics.monitoring.status import count_rows, read_status
from ioc_analytics.records.advice import Advice, PastAdvice
from ioc_analytics.records.alerts import Alert
from ioc_analytics.records.answers import SystemStatus, TableStatus
from ioc_analytics.records.backups import METHODS, Backup, RestoreReceipt, UpgradeReceipt
from ioc_analytics.records.health import (
    Check,
    Health,
    HealthMeasurements,
    Measurement,
    SystemMetrics,
)
from ioc_analytics.records.maintenance import MaintenanceReport
from ioc_analytics.system.base import account
from ioc_analytics.system.retention import Retention

_LOG = logging.getLogger(__name__)


class Operations(Retention):
    """Status, health, alerts and backups of the installation."""

    def get_system_status(self) -> SystemStatus:
        """Return what the platform holds and how fresh it is."""
        self.demand_analyst("see the status of the platform")
        # Who has no login that may write leaves lost jobs to others.
        with suppress(ConfigurationError), self.database.connection("ingest") as connection:
            end_lost_jobs(connection)
        with self.database.connection("analyst") as connection:
            return replace(read_status(connection), left_out=left_out(self.database))

    def count_rows(self, names: Sequence[str]) -> dict[str, TableStatus]:
        """Return rows and size of some tables and materialized views."""
        with self.database.connection("analyst") as connection:
            return count_rows(connection, names)

    def health_check(self) -> Health:
        """Return whether every part is well; never raises because something is down."""
        return check_health(self.database)

    def measure_health(self) -> HealthMeasurements:
        """Measure server, host, platform and queries, and keep it in ``system_health_metrics``."""
        self.demand_analyst("measure health")
        self.query_counters.hand_in()
        return measure_health(self.database)

    def keep_measurements(self, found: Iterable[Measurement]) -> None:
        """Keep figures that the caller measured, beside those of ``measure_health``."""
        self.demand_analyst("keep measurements")
        keep_measurements(self.database, found)

    def check_storage(self) -> Check:
        """Return whether the disks have room."""
        return check_storage(self.database)

    def get_system_metrics(self) -> SystemMetrics:
        """Return performance, resources and data quality."""
        return read_metrics(self.database, self.query_counters.figures())

    def openmetrics(self) -> str:
        """Measure, and return the figures as OpenMetrics text."""
        return to_openmetrics(self.measure_health())

    def check_for_alerts(self) -> list[Alert]:
        """Measure, evaluate the alert rules, tell people of what is new, return open alerts."""
        self.demand_analyst("check for alerts")
        self.query_counters.hand_in()
        return check_for_alerts(self.database)

    def list_alerts(self, *, since: datetime | None = None) -> list[Alert]:
        """Return open alerts, and those that ended since a moment, the newest first."""
        self.demand_analyst("see alerts")
        with self.database.connection("analyst") as connection:
            return read_alerts(connection, since=since)

    def replay_alerts(self, start: datetime, end: datetime) -> list[Transition]:
        """Return what today's rules would have raised on the figures of a period; keeps nothing."""
        self.demand_analyst("see alerts")
        with self.database.connection("analyst") as connection:
            return replay_alerts(connection, self.config, start, end)

    def acknowledge_alert(self, alert_id: int, note: str | None = None) -> None:
        """Take an open alert on: nobody is told of it again."""
        self.demand_analyst("acknowledge alerts")
        with self.database.connection("ingest") as connection:
            acknowledge(connection, alert_id, account(), note)
            self._audit(connection, "acknowledge", f"alert {alert_id}")

    def silence_alerts(self, rule: str, hours: float, reason: str) -> datetime | None:
        """Tell nobody of a rule's alerts, or of ``all``, for some hours; 0 ends the silence.

        Returns:
            When the silence ends; None when it was ended.
        """
        self.demand_analyst("silence alerts")
        with self.database.connection("ingest") as connection:
            ends_at = silence(connection, self.config, rule, hours, reason, account())
            self._audit(connection, "silence", f"alerts of {rule}")
        return ends_at

    def get_scaling_recommendations(self) -> list[Advice]:
        """Return advice on measured evidence, the most urgent first; none without evidence."""
        self.demand_analyst("ask for advice")
        return advise(self.database)

    def review_recommendations(self) -> list[PastAdvice]:
        """Return what was advised, whether it was followed, and what became of its figure."""
        self.demand_analyst("ask for advice")
        return review(self.database)

    def create_backup(
        self, config: Mapping[str, Any] | None = None, *, progress: Progress | None = None
    ) -> Backup:
        """Write a backup; it counts once it was drilled.

        Args:
            config: ``"method"``: that of the settings unless given; ``dump``, or ``physical`` or
                ``pgbackrest``: the whole server, for a restore to any moment since. With the first
                two ``"compression"`` from 0 to 9, the level of gzip.
            progress: Called with a word for each step.
        """
        self.demand_analyst("make backups")
        options = dict(config or {})
        method = options.pop("method", self.config.backup.method)
        if method not in METHODS:
            raise InvalidInput(
                f"a backup's method is one of {', '.join(METHODS)}; {method!r} was given"
            )
        names = ["method", *(["compression"] if method != "pgbackrest" else [])]
        compression = options.pop("compression", DEFAULT_COMPRESSION) if len(names) == 2 else 0
        for name in options:
            raise InvalidInput(
                f"a backup by {method} has no option {name!r}{did_you_mean(name, names)}"
            )
        self._note("backup", method)
        return create_backup(
            self.database, method=method, compression=compression, progress=progress
        )

    def list_backups(self) -> list[Backup]:
        """Return every backup, the newest first."""
        self.demand_analyst("see backups")
        return list_backups(self.config)

    def verify_backup(self, backup_id: str | None = None, *, progress: Progress = silent) -> Backup:
        """Compare the files of a backup, or of the newest one, with its manifest."""
        self.demand_analyst("verify backups")
        self._note_where_possible("verify", f"backup {backup_id or 'newest'}")
        return verify_backup(self.database, backup_id, progress=progress)

    def drill_backup(self, backup_id: str | None = None, *, progress: Progress = silent) -> Backup:
        """Restore a backup, or the newest one, on trial, and compare its content."""
        self.demand_analyst("drill backups")
        self._note_where_possible("drill", f"backup {backup_id or 'newest'}")
        return drill_backup(self.database, backup_id, progress=progress)

    def restore_backup(
        self,
        backup_id: str | None = None,
        target: str | Path | None = None,
        until: datetime | str | None = None,
        *,
        progress: Progress = silent,
    ) -> RestoreReceipt:
        """Restore a backup into an empty target; see ``backup.restore``.

        After a restore into this installation's own database, open the system anew: the connections
        of this one belong to the database that was replaced.
        """
        self.demand_analyst("restore backups")
        receipt = restore_backup(self.database, backup_id, target, until, progress=progress)
        self._note_where_possible("restore", f"backup {receipt.id} into {receipt.target}")
        return receipt

    def _note_where_possible(self, action: str, subject: str) -> None:
        """Note what is done with a backup; an installation that was lost has no audit log."""
        if not self.database.is_there:
            return  # to ask a bare home would make a database, where a restore is to make one
        try:
            # With a pool of its own: after a restore in place the old one leads nowhere.
            with Database(self.config) as own, own.connection("ingest") as connection:
                self._audit(connection, action, subject)
        except AnalyticsError:
            _LOG.warning("%s of %s could not be noted in the audit log", action, subject)

    def end_log_archive(self) -> None:
        """Stop archiving the embedded server's log; the setting ``backup.log_archive`` began it."""
        self.demand_analyst("end the log archive")
        end_log_archive(self.database)
        self._note("end_log_archive", "embedded server")

    def upgrade_server(self, *, progress: Progress | None = None) -> UpgradeReceipt:
        """Move the embedded server's data to the next major version; see ``backup.upgrade``.

        Args:
            progress: Called with a word for each step.
        """
        self.demand_analyst("upgrade the server")
        self.database.close()  # nobody may use the server meanwhile, this system included
        receipt = upgrade_server(self.config, progress)
        if receipt.backup is not None:
            follow_setting(self.database)
            self._note("upgrade", f"server {receipt.from_version} to {receipt.to_version}")
        return receipt

    def perform_maintenance(
        self,
        dry_run: bool = False,
        budget_seconds: float | None = None,
        *,
        with_retention: bool = True,
        progress: Progress | None = None,
    ) -> MaintenanceReport:
        """Give the tables the care that evidence asks for; views are refreshed too.

        Args:
            dry_run: Say what would be done, and do nothing.
            budget_seconds: No action starts later than this after the beginning; 15 minutes.
            with_retention: Look at what has expired too; it goes where the settings want it.
            progress: Called with the name of each step as it begins.
        """
        self.demand_analyst("maintain the database")
        self._note("maintain", "dry run" if dry_run else "database")
        return maintain(
            self.database,
            self._retention_verbs() if with_retention else None,
            is_dry_run=dry_run,
            budget_seconds=BUDGET_SECONDS if budget_seconds is None else budget_seconds,
            progress=progress,
        )
