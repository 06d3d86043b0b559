"""The settings of alerts: limits with their units, and who is told.

For: ``kernel.settings``, which makes them part of the one record. Not for: the rules themselves
(``monitoring.rules``) or telling people (``monitoring.routing``).
"""

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from ioc_analytics.kernel.settings_database import SettingsRecord
from ioc_analytics.kernel.settings_values import (
    Addresses,
    Allowed,
    Number,
    Variable,
    WebAddress,
    Whole,
)


class AlertLimits(SettingsRecord):
    """Limits beyond which a measured figure raises an alert."""

    disk_percent: Annotated[
        Number, Variable("ANALYTICS_ALERT_DISK_PERCENT"), Field(ge=1, le=100)
    ] = 85.0
    """Percent of the disk in use (of the home folder and the embedded server's data)."""

    memory_percent: Annotated[
        Number, Variable("ANALYTICS_ALERT_MEMORY_PERCENT"), Field(ge=1, le=100)
    ] = 92.0
    """Percent of the host's memory in use."""

    cpu_percent: Annotated[Number, Variable("ANALYTICS_ALERT_CPU_PERCENT"), Field(ge=1, le=100)] = (
        95.0
    )
    """Percent of the host's processors in use."""

    connections_percent: Annotated[
        Number, Variable("ANALYTICS_ALERT_CONNECTIONS_PERCENT"), Field(ge=1, le=100)
    ] = 80.0
    """Percent of the server's connections in use."""

    xid_percent: Annotated[
        Number, Variable("ANALYTICS_ALERT_XID_PERCENT"), Field(ge=10, le=100)
    ] = 40.0
    """Percent of the transaction numbers used up since the oldest freeze; a healthy server stays
    near 10."""

    transaction_seconds: Annotated[
        Number, Variable("ANALYTICS_ALERT_TRANSACTION_SECONDS"), Field(ge=1)
    ] = 3600.0
    """Seconds that a transaction may be open; longer ones keep vacuum from its work."""

    query_milliseconds: Annotated[
        Number, Variable("ANALYTICS_ALERT_QUERY_MILLISECONDS"), Field(ge=1)
    ] = 2000.0
    """Milliseconds that an answer may take on average."""

    query_error_percent: Annotated[
        Number, Variable("ANALYTICS_ALERT_QUERY_ERROR_PERCENT"), Field(ge=0, le=100)
    ] = 5.0
    """Percent of the queries that may fail."""

    runway_months: Annotated[
        Number, Variable("ANALYTICS_ALERT_RUNWAY_MONTHS"), Field(ge=0, le=120)
    ] = 1.0
    """Whole months ahead that must have partitions."""

    batch_age_hours: Annotated[Number, Variable("ANALYTICS_ALERT_BATCH_AGE_HOURS"), Field(ge=1)] = (
        168.0
    )
    """Hours since the newest batch, once there is one."""

    refresh_lag_minutes: Annotated[
        Number, Variable("ANALYTICS_ALERT_REFRESH_LAG_MINUTES"), Field(ge=1)
    ] = 60.0
    """Minutes that rows may wait until what is released from them is brought up to date."""

    failed_jobs: Annotated[Whole, Variable("ANALYTICS_ALERT_FAILED_JOBS"), Field(ge=0)] = 2
    """Jobs that may fail within 24 hours."""

    failed_runs: Annotated[Whole, Variable("ANALYTICS_ALERT_FAILED_RUNS"), Field(ge=0)] = 0
    """Runs of Dagster that may fail within 24 hours; those that were started again do not count."""

    quality_score: Annotated[
        Number, Variable("ANALYTICS_ALERT_QUALITY_SCORE"), Field(ge=0, le=100)
    ] = 90.0
    """Points of data quality, 0 to 100, that must be reached."""

    backup_age_hours: Annotated[
        Number, Variable("ANALYTICS_ALERT_BACKUP_AGE_HOURS"), Field(ge=1)
    ] = 192.0
    """Hours since the newest drilled backup; looked at while backups are enabled."""


class AlertRoutes(SettingsRecord):
    """Who is told of alerts besides the log."""

    email_to: Annotated[
        Addresses | None,
        Variable("ANALYTICS_ALERT_EMAIL_TO"),
        Allowed("e-mail addresses with commas between them"),
    ] = None
    """Recipients of e-mails."""

    email_from: Annotated[
        Addresses | None, Variable("ANALYTICS_ALERT_EMAIL_FROM"), Allowed("an e-mail address")
    ] = None
    """Sender of e-mails; the first recipient unless given."""

    smtp_host: Annotated[str | None, Variable("ANALYTICS_ALERT_SMTP_HOST"), Field(min_length=1)] = (
        None
    )
    """Mail server; needed for e-mails."""

    smtp_port: Annotated[Whole, Variable("ANALYTICS_ALERT_SMTP_PORT"), Field(ge=1, le=65535)] = 587
    """Port of the mail server."""

    smtp_security: Annotated[
        Literal["starttls", "tls", "none"], Variable("ANALYTICS_ALERT_SMTP_SECURITY")
    ] = "starttls"
    """Encryption towards the mail server; with none no password is sent."""

    smtp_user: Annotated[str | None, Variable("ANALYTICS_ALERT_SMTP_USER"), Field(min_length=1)] = (
        None
    )
    """Login at the mail server, if it wants one."""

    smtp_password: Annotated[SecretStr | None, Variable("ANALYTICS_ALERT_SMTP_PASSWORD")] = None
    """Password of that login."""

    webhook_url: Annotated[
        WebAddress | None,
        Variable("ANALYTICS_ALERT_WEBHOOK_URL"),
        Allowed("an http or https address"),
    ] = None
    """Address that gets each alert as JSON."""

    slack_url: Annotated[
        WebAddress | None,
        Variable("ANALYTICS_ALERT_SLACK_URL"),
        Allowed("an http or https address"),
    ] = None
    """Address that gets each alert in the shape of Slack's incoming webhooks."""

    heartbeat_url: Annotated[
        WebAddress | None,
        Variable("ANALYTICS_ALERT_HEARTBEAT_URL"),
        Allowed("an http or https address"),
    ] = None
    """Address asked after every complete check: a dead-man's switch elsewhere that misses it tells
    people that nobody watches."""

    runbooks_url: Annotated[
        str | None,
        Variable("ANALYTICS_ALERT_RUNBOOKS_URL"),
        Field(pattern=r"^https?://\S+$"),
        Allowed("an http or https address"),
    ] = None
    """Address under which people find `docs/runbooks`; alerts then link to their page there."""

    repeat_hours: Annotated[
        Number, Variable("ANALYTICS_ALERT_REPEAT_HOURS"), Field(ge=0.1, le=8760)
    ] = 24.0
    """Hours after which an open alert that nobody took on is told again."""

    @model_validator(mode="after")
    def _check_mail(self) -> Self:
        if (self.email_to is None) != (self.smtp_host is None):
            raise ValueError(
                "e-mails need both recipients (email_to) and a mail server (smtp_host)"
            )
        has_password = self.smtp_password is not None
        if has_password and self.smtp_user is None:
            raise ValueError("smtp_password needs smtp_user")
        if has_password and self.smtp_security == "none":
            raise ValueError(
                "smtp_password would go unencrypted: set smtp_security, or take it out"
            )
        return self


class AlertSettings(SettingsRecord):
    """When alerts are raised, and who is told."""

    limits: AlertLimits = AlertLimits()
    """Limits."""

    routes: AlertRoutes = AlertRoutes()
    """Routes."""

    hold_seconds: Annotated[
        Whole, Variable("ANALYTICS_ALERT_HOLD_SECONDS"), Field(ge=0, le=86_400)
    ] = 300
    """Seconds that a figure which jumps (processors, memory, connections, latency) must stay beyond
    its limit to raise an alert, and within it to end one."""
