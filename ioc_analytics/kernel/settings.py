"""Every setting of the platform: one frozen record, read once, unknown names refused.

For: every room; the record is handed down, nothing below reads the environment again.
Not for: how sources are read and refusals worded (``kernel.settings_sources``), value types
(``kernel.settings_values``), or the table in the README (``kernel.settings_table``). The server's
part of the record is in ``kernel.settings_database``, that of alerts in ``kernel.settings_alerts``.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    ValidationError,
    model_validator,
)

from ioc_analytics.kernel.errors import ConfigurationError
from ioc_analytics.kernel.settings_alerts import AlertSettings
from ioc_analytics.kernel.settings_database import DatabaseSettings, SettingsRecord
from ioc_analytics.kernel.settings_sources import (
    as_layer,
    environment_layer,
    merge,
    refusal,
    user_data_folder,
)
from ioc_analytics.kernel.settings_values import (
    AbsolutePath,
    Allowed,
    HexKey,
    Number,
    Schedule,
    Variable,
    Whole,
    Words,
)

_HOME_FOLDERS: Mapping[str, tuple[str, str]] = {
    "inbox": ("path", "inbox"),
    "exports": ("path", "exports"),
    "reports": ("path", "reports"),
    "backup": ("folder", "backups"),
}
"""Folders that lie under the home folder unless given: group, key, name."""


class OperationsSettings(SettingsRecord):
    """How ingestion and queries work."""

    batch_size: Annotated[Whole, Variable("ANALYTICS_BATCH_SIZE"), Field(ge=1, le=100_000)] = 1000
    """Responses per chunk while reading files."""

    parallel_processing: Annotated[
        Whole, Variable("ANALYTICS_PARALLEL_PROCESSING"), Field(ge=1, le=256)
    ] = 4
    """Tables that backups and restores work on at once, within the machine's processors. Ingestion
    reads and writes in turn with 1; with any more, one thread reads ahead while another writes."""

    retry_attempts: Annotated[Whole, Variable("ANALYTICS_RETRY_ATTEMPTS"), Field(ge=0, le=100)] = 3
    """Further attempts after a transient error."""

    enable_caching: Annotated[bool, Variable("ANALYTICS_ENABLE_CACHING")] = True
    """Whether query answers are cached."""

    cache_timeout: Annotated[
        Whole, Variable("ANALYTICS_CACHE_TIMEOUT"), Field(ge=0, le=86_400_000)
    ] = 300_000
    """Milliseconds that a cached answer may be used at most; other data end it sooner."""

    cache_bytes: Annotated[
        Whole, Variable("ANALYTICS_CACHE_BYTES"), Field(ge=1024, le=64 * 1024**3)
    ] = 64 * 1024**2
    """Bytes that cached answers may take in memory."""


class PrivacySettings(SettingsRecord):
    """The key that turns identifiers into pseudonyms, and what is released by name."""

    pseudonym_key: Annotated[
        HexKey | None, Variable("ANALYTICS_PSEUDONYM_KEY"), Allowed("64 hex digits")
    ] = None
    """Key of 64 hex digits; the embedded server makes one on first use, a real one demands it."""

    pseudonym_key_file: Annotated[
        AbsolutePath | None, Variable("ANALYTICS_PSEUDONYM_KEY_FILE"), Allowed("a path")
    ] = None
    """File that holds the key, instead of the key itself."""

    named_assessment_types: Annotated[
        Words | None,
        Variable("ANALYTICS_NAMED_ASSESSMENT_TYPES"),
        Allowed("words with commas between them"),
    ] = None
    """Assessment types released by name even when fewer than ten people took them in a month."""

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if self.pseudonym_key is not None and self.pseudonym_key_file is not None:
            raise ValueError("pseudonym_key and pseudonym_key_file are both given; give one")
        return self


class InboxSettings(SettingsRecord):
    """The folder that is watched for new files."""

    path: Annotated[AbsolutePath, Variable("ANALYTICS_INBOX")]
    """Folder watched for new batches; `inbox` under the home folder unless given."""

    settle_seconds: Annotated[
        Number, Variable("ANALYTICS_INBOX_SETTLE_SECONDS"), Field(ge=0, le=3600)
    ] = 5.0
    """Seconds that a file's size must stand still before it is taken."""

    keep_days: Annotated[Whole, Variable("ANALYTICS_INBOX_KEEP_DAYS"), Field(ge=0, le=3650)] = 0
    """Days that an ingested file is kept in `done/`; 0 deletes it after the commit."""


class ExportSettings(SettingsRecord):
    """The folder that exports are written to."""

    path: Annotated[AbsolutePath, Variable("ANALYTICS_EXPORT_FOLDER")]
    """Folder that exports are written to; `exports` under the home folder unless given."""


class ReportSettings(SettingsRecord):
    """The folder that reports are written to."""

    path: Annotated[AbsolutePath, Variable("ANALYTICS_REPORT_FOLDER")]
    """Folder that reports are written to; `reports` under the home folder unless given."""


class BackupSettings(SettingsRecord):
    """Where backups lie, and which of them stay."""

    folder: Annotated[AbsolutePath, Variable("ANALYTICS_BACKUP_FOLDER")]
    """Folder of the backups, best on another disk; `backups` under the home folder unless given."""

    keep_count: Annotated[
        Whole, Variable("ANALYTICS_BACKUP_KEEP_COUNT"), Field(ge=1, le=10_000)
    ] = 7
    """Newest backups that stay whatever their age."""

    keep_days: Annotated[Whole, Variable("ANALYTICS_BACKUP_KEEP_DAYS"), Field(ge=0, le=36_500)] = 30
    """Days that further backups stay."""

    horizon_days: Annotated[
        Whole, Variable("ANALYTICS_BACKUP_HORIZON_DAYS"), Field(ge=1, le=36_500)
    ] = 365
    """Days after which every backup goes, the newest drilled one excepted."""

    method: Annotated[
        Literal["dump", "physical", "pgbackrest"], Variable("ANALYTICS_BACKUP_METHOD")
    ] = "dump"
    """How the schedule makes backups, and whoever names no method: `dump`, or the whole server
    with its log (`physical`, or `pgbackrest` where that program looks after it)."""

    stanza: Annotated[
        str | None, Variable("ANALYTICS_PGBACKREST_STANZA"), Field(pattern=r"^[A-Za-z0-9_.-]+$")
    ] = None
    """Name that pgBackRest has for the server."""

    pgbackrest_config: Annotated[AbsolutePath | None, Variable("ANALYTICS_PGBACKREST_CONFIG")] = (
        None
    )
    """Configuration of pgBackRest, when it is not the usual one."""

    log_archive: Annotated[AbsolutePath | None, Variable("ANALYTICS_LOG_ARCHIVE")] = None
    """Folder into which the embedded server copies its write-ahead log, best on another disk: with
    a physical backup, any moment since can be restored. A server of your own fills it itself."""


class ScheduleSettings(SettingsRecord):
    """When the orchestrator does what is done by the clock."""

    views: Annotated[Schedule, Variable("ANALYTICS_VIEWS_SCHEDULE")] = "10 * * * *"
    """When the materialized views are refreshed, besides after every refresh of months."""

    quality: Annotated[Schedule, Variable("ANALYTICS_QUALITY_SCHEDULE")] = "0 5 * * *"
    """When data quality is evaluated."""

    predictions: Annotated[Schedule, Variable("ANALYTICS_PREDICTIONS_SCHEDULE")] = "30 5 * * *"
    """When earlier predictions are scored and new ones are made."""

    weekly_report: Annotated[Schedule, Variable("ANALYTICS_WEEKLY_REPORT_SCHEDULE")] = "0 6 * * 1"
    """When the report on the last whole week is written."""

    monthly_report: Annotated[Schedule, Variable("ANALYTICS_MONTHLY_REPORT_SCHEDULE")] = (
        "30 6 1 * *"
    )
    """When the report on the last whole month is written."""

    maintenance: Annotated[Schedule, Variable("ANALYTICS_MAINTENANCE_SCHEDULE")] = "30 3 * * *"
    """When tables are maintained."""

    retention: Annotated[Schedule, Variable("ANALYTICS_RETENTION_SCHEDULE")] = "0 4 * * *"
    """When retention plans what has expired."""

    drill: Annotated[Schedule, Variable("ANALYTICS_DRILL_SCHEDULE")] = "0 7 * * 0"
    """When the newest backup is restored on trial, besides after it was made."""

    health: Annotated[Schedule, Variable("ANALYTICS_HEALTH_SCHEDULE")] = "20 * * * *"
    """When measured health is shown on its asset; it is measured every five minutes anyway."""

    forgetting: Annotated[Schedule, Variable("ANALYTICS_FORGETTING_SCHEDULE")] = "45 4 * * *"
    """When Dagster's own old runs go."""


class RetentionSettings(SettingsRecord):
    """How long each tier is kept besides raw rows (``retention_days``) and backups."""

    apply: Annotated[bool, Variable("ANALYTICS_RETENTION_APPLY")] = False
    """Whether the schedule of retention lets go what its plan names; otherwise it only plans."""

    grace_days: Annotated[
        Whole, Variable("ANALYTICS_RETENTION_GRACE_DAYS"), Field(ge=0, le=3650)
    ] = 7
    """Days that a detached partition waits before it is dropped."""

    silence_days: Annotated[
        Whole, Variable("ANALYTICS_RETENTION_SILENCE_DAYS"), Field(ge=1, le=36_500)
    ] = 45
    """Days without any record (batch, measurement, job, backup) up to a week ago, after which
    neither rows nor backups go: the clock may run ahead. Raise it once when it is right."""

    archive: Annotated[
        AbsolutePath | None, Variable("ANALYTICS_ARCHIVE_FOLDER"), Allowed("a path")
    ] = None
    """Folder that raw rows are written to as Parquet before they go; unset: no archive."""

    export_days: Annotated[
        Whole, Variable("ANALYTICS_EXPORT_KEEP_DAYS"), Field(ge=1, le=36_500)
    ] = 90
    """Days that exported files are kept, with their manifests."""

    quarantine_days: Annotated[
        Whole, Variable("ANALYTICS_QUARANTINE_DAYS"), Field(ge=1, le=36_500)
    ] = 90
    """Days that records in quarantine are kept; those of the newest batch stay."""

    log_days: Annotated[Whole, Variable("ANALYTICS_LOG_DAYS"), Field(ge=1, le=36_500)] = 400
    """Days that finished jobs, ended alerts and advice, and plans of retention are kept; the
    audit log stays."""

    dagster_days: Annotated[Whole, Variable("ANALYTICS_DAGSTER_DAYS"), Field(ge=1, le=36_500)] = 90
    """Days that Dagster's runs, events and results of checks are kept; of each asset, partition
    and check the newest stays."""


class LimitsSettings(SettingsRecord):
    """What one batch may be at most, so that a small file cannot fill the machine."""

    max_expanded_bytes: Annotated[Whole, Variable("ANALYTICS_MAX_EXPANDED_BYTES"), Field(ge=1)] = (
        64 * 1024**3
    )
    """Bytes that one file may have after decompression."""

    max_expansion_ratio: Annotated[
        Whole, Variable("ANALYTICS_MAX_EXPANSION_RATIO"), Field(ge=1)
    ] = 200
    """Decompressed bytes per compressed byte; judged after the first 16 MiB, not for Parquet."""

    max_line_bytes: Annotated[Whole, Variable("ANALYTICS_MAX_LINE_BYTES"), Field(ge=1)] = 1024**2
    """Bytes that one line of a text file may have."""

    max_columns: Annotated[Whole, Variable("ANALYTICS_MAX_COLUMNS"), Field(ge=1)] = 2000
    """Columns that one file may have."""

    max_batch_responses: Annotated[
        Whole, Variable("ANALYTICS_MAX_BATCH_RESPONSES"), Field(ge=1)
    ] = 2_000_000
    """Responses that one batch may have."""

    max_new_partitions: Annotated[
        Whole, Variable("ANALYTICS_MAX_NEW_PARTITIONS"), Field(ge=1, le=1000)
    ] = 24
    """Month partitions that one batch may ask for; rows beyond are quarantined."""


class AnalyticsConfig(SettingsRecord):
    """All settings of one installation.

    Make it with :meth:`load`; the constructor reads no environment and needs ``home``.
    """

    home: Annotated[AbsolutePath, Variable("ANALYTICS_HOME")]
    """Folder for the embedded server, keys, passwords and the inbox; the user data folder unless
    given."""

    database: DatabaseSettings = DatabaseSettings()
    """Server and connections."""

    operations: OperationsSettings = OperationsSettings()
    """Ingestion and queries."""

    privacy: PrivacySettings = PrivacySettings()
    """Pseudonym key."""

    inbox: InboxSettings
    """Watched folder."""

    exports: ExportSettings
    """Folder of exports."""

    reports: ReportSettings
    """Folder of reports."""

    limits: LimitsSettings = LimitsSettings()
    """Bounds on input."""

    backup: BackupSettings
    """Backups."""

    retention: RetentionSettings = RetentionSettings()
    """Clocks of the tiers."""

    schedules: ScheduleSettings = ScheduleSettings()
    """What runs by the clock."""

    alerts: AlertSettings = AlertSettings()
    """Limits and routes of alerts."""

    enable_monitoring: Annotated[bool, Variable("ANALYTICS_ENABLE_MONITORING")] = True
    """Whether Dagster's sensor `watch` measures health and checks alerts every five minutes, and
    its schedule evaluates data quality; asking by hand works all the same."""

    enable_backups: Annotated[bool, Variable("ANALYTICS_ENABLE_BACKUPS")] = True
    """Whether the schedule of backups and drills runs."""

    backup_schedule: Annotated[Schedule, Variable("ANALYTICS_BACKUP_SCHEDULE")] = "0 2 * * *"
    """When a backup is made and drilled."""

    retention_days: Annotated[
        Whole, Variable("ANALYTICS_RETENTION_DAYS"), Field(ge=1, le=36_500)
    ] = 90
    """Days that raw rows are kept, counted from the end of their month or from their arrival,
    whichever is later. Their figures stay; `retention apply` lets the rows go, and so does the
    schedule once `ANALYTICS_RETENTION_APPLY` is on."""

    maturity_days: Annotated[Whole, Variable("ANALYTICS_MATURITY_DAYS"), Field(ge=1, le=3650)] = 14
    """Days after which a started response counts as not completed: released days become mature,
    and trends of rates judge them."""

    norm_minimum_n: Annotated[
        Whole, Variable("ANALYTICS_NORM_MINIMUM_N"), Field(ge=10, le=1_000_000)
    ] = 200
    """Fewest scores of a norm group; a smaller one gives way to the next wider group."""

    measurement_days: Annotated[
        Whole, Variable("ANALYTICS_MEASUREMENT_DAYS"), Field(ge=1, le=36_500)
    ] = 400
    """Days that measured figures of health and results of data quality are kept."""

    debug_mode: Annotated[bool, Variable("ANALYTICS_DEBUG_MODE")] = False
    """Whether the log is detailed."""

    log_format: Annotated[Literal["text", "json"], Variable("ANALYTICS_LOG_FORMAT")] = "text"
    """Lines of the log for people, or one JSON object per line for machines."""

    pg_bin: Annotated[AbsolutePath | None, Variable("ANALYTICS_PG_BIN"), Allowed("a path")] = None
    """Folder of PostgreSQL's programs for the embedded server, before any other is tried."""

    @model_validator(mode="before")
    @classmethod
    def _place_folders(cls, value: Any) -> Any:
        if not isinstance(value, Mapping) or not isinstance(value.get("home"), str | Path):
            return value
        for group, (key, name) in _HOME_FOLDERS.items():
            given = value.get(group, {})
            if isinstance(given, Mapping):
                value = {**value, group: {key: Path(value["home"]) / name, **given}}
        return value

    @classmethod
    def load(
        cls,
        environ: Mapping[str, str] | None = None,
        mapping: Mapping[str, Any] | None = None,
        **overrides: Any,
    ) -> Self:
        """Read the settings once: override beats mapping beats environment beats default.

        Args:
            environ: Variables to read; the process environment when None. An empty value counts
                as unset. A secret ``X`` may also be given as a file, by ``X_FILE``.
            mapping: Settings in the tree's shape, snake_case, such as
                ``{"database": {"host": "db"}, "retention_days": 90}``.
            overrides: The same shape as keywords, such as ``debug_mode=True``.

        Raises:
            ConfigurationError: A name is unknown, or a value is not allowed; every fault is named
                in one message, with the nearest known name or what is allowed.

        Example:
            >>> AnalyticsConfig.load({"ANALYTICS_RETENTION_DAYS": "30"}).retention_days
            30
        """
        environ = os.environ if environ is None else environ
        given, origins = environment_layer(cls, environ)
        tree = merge([given, as_layer(mapping or {}), as_layer(overrides)])
        if tree.get("home") is None:
            tree["home"] = user_data_folder(environ)
        return cls._judged(tree, origins)

    def replace(self, **overrides: Any) -> Self:
        """Return the same settings with some changed; the environment is not read again.

        Raises:
            ConfigurationError: As for :meth:`load`.
        """
        tree = as_layer(self)
        for group, (key, name) in _HOME_FOLDERS.items():
            if tree[group][key] == self.home / name:
                del tree[group][key]  # it follows the home folder, also to another one
        return self._judged(merge([tree, as_layer(overrides)]), {})

    @classmethod
    def _judged(cls, tree: dict[str, Any], origins: Mapping[tuple[str, ...], str]) -> Self:
        try:
            return cls.model_validate(tree)
        except ValidationError as fault:
            # The cause is cut off: pydantic's own text would quote what was given.
            message = refusal(cls, fault, tree, origins)
        raise ConfigurationError(message)

    @property
    def is_embedded(self) -> bool:
        """Whether no server is named, so that an embedded one is run."""
        return self.database.is_embedded

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as a JSON-ready tree, secrets masked."""
        return self.model_dump(mode="json")
