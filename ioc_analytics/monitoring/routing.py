"""Telling people of alerts: the log, e-mail, a webhook, Slack, and a heartbeat.

For: ``monitoring.alerts``. Not for: which alerts are told (its statements say so).

A route that fails is logged by its name and the kind of error; addresses and passwords never are.
"""

import json
import logging
import smtplib
import ssl
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from http.client import HTTPException
from typing import Any, Final

from pydantic import SecretStr

from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.kernel.settings_alerts import AlertRoutes
from ioc_analytics.records.alerts import Alert

_LOG = logging.getLogger(__name__)
_LEVELS: Final = {
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
_PATIENCE_SECONDS: Final = 10
_MARKS: Final = {"info": "🔵", "warning": "🟡", "error": "🟠", "critical": "🔴"}


@dataclass(frozen=True, slots=True)
class Notice:
    """One alert to tell of."""

    alert: Alert
    is_raised: bool
    """False: it has ended."""

    @property
    def title(self) -> str:
        """One line for people."""
        state = self.alert.severity if self.is_raised else "resolved"
        return f"[{state}] {self.alert.rule}: {self.alert.summary}"


def tell(config: AnalyticsConfig, notices: Sequence[Notice]) -> bool:
    """Send notices over every route; False when there are routes and none worked."""
    if not notices:
        return True
    for one in notices:
        level = _LEVELS[one.alert.severity] if one.is_raised else logging.INFO
        _LOG.log(level, one.title, extra={"runbook": one.alert.runbook})
    routes = config.alerts.routes
    worked = [_attempt(name, send, notices) for name, send in _senders(routes).items()]
    return any(worked) or not worked


def beat(config: AnalyticsConfig) -> None:
    """Ask the dead-man's switch, if there is one, to wait for the next check."""
    url = config.alerts.routes.heartbeat_url
    if url is not None:
        _attempt("heartbeat", lambda _: _ask(url), ())


Sender = Callable[[Sequence[Notice]], None]


def _senders(routes: AlertRoutes) -> dict[str, Sender]:
    senders: dict[str, Sender] = {}
    if routes.email_to is not None:
        senders["email"] = lambda notices: _mail(routes, notices)
    if routes.webhook_url is not None:
        senders["webhook"] = _poster(routes.webhook_url, _plain)
    if routes.slack_url is not None:
        senders["slack"] = _poster(routes.slack_url, _slack)
    return senders


def _attempt(name: str, send: Sender, notices: Sequence[Notice]) -> bool:
    try:
        send(notices)
    except (OSError, HTTPException, smtplib.SMTPException, ValueError) as error:
        # Their texts may hold the address, which may hold a token.
        _LOG.warning("the route %s of alerts failed (%s)", name, type(error).__name__)
        return False
    return True


def _poster(url: SecretStr, shape: Callable[[Notice], Mapping[str, Any]]) -> Sender:
    def send(notices: Sequence[Notice]) -> None:
        for one in notices:
            _ask(url, json.dumps(shape(one)).encode())

    return send


def _ask(url: SecretStr, body: bytes | None = None) -> None:
    headers = {"Content-Type": "application/json"} if body is not None else {}
    # The settings take http and https addresses only.
    request = urllib.request.Request(url.get_secret_value(), body, headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS):  # noqa: S310
        pass


def _plain(notice: Notice) -> Mapping[str, Any]:
    return {"event": "raised" if notice.is_raised else "resolved", "alert": notice.alert.to_dict()}


def _slack(notice: Notice) -> Mapping[str, Any]:
    mark = _MARKS[notice.alert.severity] if notice.is_raised else "🟢"
    text = f"{mark} {notice.title}\nWhat to do: {notice.alert.runbook}"
    section = {"type": "section", "text": {"type": "plain_text", "text": text}}
    return {"text": notice.title, "blocks": [section]}


def _mail(routes: AlertRoutes, notices: Sequence[Notice]) -> None:
    message = EmailMessage()
    worst = notices[0].title if len(notices) == 1 else f"{len(notices)} alerts"
    message["Subject"] = f"IOC Analytics: {worst}"
    recipients = (routes.email_to or "").split(", ")
    message["From"] = routes.email_from or recipients[0]
    message["To"] = ", ".join(recipients)
    message.set_content(
        "\n\n".join(
            f"{one.title}\nSince {one.alert.started_at:%Y-%m-%d %H:%M} UTC, alert "
            f"{one.alert.id}.\nWhat to do: {one.alert.runbook}"
            for one in notices
        )
    )
    trust = ssl.create_default_context()
    is_wrapped = routes.smtp_security == "tls"
    host, port = routes.smtp_host or "", routes.smtp_port
    with (
        smtplib.SMTP_SSL(host, port, timeout=_PATIENCE_SECONDS, context=trust)
        if is_wrapped
        else smtplib.SMTP(host, port, timeout=_PATIENCE_SECONDS)
    ) as server:
        if routes.smtp_security == "starttls":
            server.starttls(context=trust)
        if routes.smtp_user is not None and routes.smtp_security != "none":
            server.login(routes.smtp_user, _password(routes))
        server.send_message(message)


def _password(routes: AlertRoutes) -> str:
    return routes.smtp_password.get_secret_value() if routes.smtp_password else ""
