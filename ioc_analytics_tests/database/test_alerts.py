"""Alerts: raised once, told once, answerable, ended; and no secret in any log."""

import json
import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import InvalidInput, Unavailable
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics_tests.database.survey import make_survey
from ioc_analytics_tests.fixtures.sinks import HttpSink, SmtpSink, http_sink, smtp_sink

OLD = "UPDATE internal.batches SET loaded_at = now() - INTERVAL '8 days'"
NEW = "UPDATE internal.batches SET loaded_at = now()"
QUIET = {
    # The machine that tests run on may be busy; its alerts are not these tests'.
    "limits": {"disk_percent": 100, "memory_percent": 100, "cpu_percent": 100},
}


@pytest.fixture
def http() -> Iterator[HttpSink]:
    with http_sink() as sink:
        yield sink


@pytest.fixture
def smtp() -> Iterator[SmtpSink]:
    with smtp_sink() as sink:
        yield sink


@pytest.fixture
def analytics(
    platform_config: AnalyticsConfig, http: HttpSink, smtp: SmtpSink
) -> Iterator[AnalyticsSystem]:
    routes = {
        "webhook_url": http.url("/hook?token=very-secret"),
        "slack_url": http.url("/slack"),
        "heartbeat_url": http.url("/beat"),
        "email_to": "ops@example.org, boss@example.org",
        "smtp_host": "127.0.0.1",
        "smtp_port": smtp.port,
        "smtp_security": "none",
    }
    config = platform_config.replace(alerts={**QUIET, "routes": routes})
    with AnalyticsSystem(config) as system:
        system.ingest_data(make_survey(config, 5, days=1))
        yield system


def change(analytics: AnalyticsSystem, statement: str) -> None:
    with analytics.database.connection("ingest") as connection:
        connection.execute(statement.encode())


def posted(http: HttpSink, path: str) -> list[dict[str, object]]:
    return [content for _, where, content in http.received if where.startswith(path)]


def test_an_alert_is_raised_told_and_ended_once(
    analytics: AnalyticsSystem, http: HttpSink, smtp: SmtpSink
) -> None:
    assert analytics.check_for_alerts() == []
    change(analytics, OLD)
    (alert,) = analytics.database_manager.check_for_alerts()
    assert (alert.rule, alert.severity) == ("batch_overdue", "warning")
    assert alert.value == pytest.approx(192, abs=0.1)
    assert alert.runbook == "docs/runbooks/batch_overdue.md"
    assert [one.id for one in analytics.check_for_alerts()] == [alert.id]
    assert [one.id for one in analytics.get_system_status().alerts] == [alert.id]
    change(analytics, NEW)
    assert analytics.check_for_alerts() == []
    assert analytics.get_system_status().alerts == ()
    events = [content["event"] for content in posted(http, "/hook")]
    assert events == ["raised", "resolved"]
    slack = posted(http, "/slack")
    assert len(slack) == 2
    assert "batch_overdue" in str(slack[0]["text"])
    assert len(smtp.messages) == 2
    assert "To: ops@example.org, boss@example.org" in smtp.messages[0]
    assert "docs/runbooks/batch_overdue.md" in smtp.messages[0]
    beats = [method for method, path, _ in http.received if path == "/beat"]
    assert beats == ["GET"] * 4
    history = analytics.list_alerts(since=utc_now() - timedelta(hours=1))
    assert [one.resolved_at is not None for one in history] == [True]
    json.dumps([one.to_dict() for one in history])


def test_recorded_figures_are_replayed(analytics: AnalyticsSystem) -> None:
    start = utc_now()
    analytics.measure_health()
    change(analytics, OLD)
    analytics.measure_health()
    change(analytics, NEW)
    analytics.measure_health()
    found = analytics.replay_alerts(start, utc_now())
    assert [(one.rule.name, one.is_raised) for one in found] == [
        ("batch_overdue", True),
        ("batch_overdue", False),
    ]
    assert analytics.list_alerts() == [], "a replay keeps nothing"


def test_answers_that_fail_in_another_process_are_an_alert(analytics: AnalyticsSystem) -> None:
    """The process that looks answers nobody; another one, which asked in vain, told its counts."""
    prompt = analytics.config.replace(alerts={**QUIET, "hold_seconds": 0})
    with AnalyticsSystem(prompt) as watching:
        assert watching.check_for_alerts() == []
        with AnalyticsSystem(prompt) as asking:
            for _ in range(3):
                with pytest.raises(Unavailable), asking.query_counters.request():
                    raise Unavailable("the server is away")
        (alert,) = watching.check_for_alerts()
        assert (alert.rule, alert.value) == ("queries_fail", 100)
        change(watching, "UPDATE internal.query_counts SET counted_at = now() - INTERVAL '1 hour'")
        watching.query("SELECT 1")
        assert watching.check_for_alerts() == [], "what has passed raises nothing for ever"


def test_a_silenced_alert_is_raised_and_not_told(
    analytics: AnalyticsSystem, http: HttpSink
) -> None:
    assert analytics.silence_alerts("batch_overdue", 2, "holidays") is not None
    change(analytics, OLD)
    (alert,) = analytics.check_for_alerts()
    assert alert.silenced_until is not None
    assert posted(http, "/hook") == []
    assert analytics.silence_alerts("batch_overdue", 0, "") is None
    analytics.check_for_alerts()
    assert len(posted(http, "/hook")) == 1


def test_an_acknowledged_alert_is_told_no_more(analytics: AnalyticsSystem, http: HttpSink) -> None:
    change(analytics, OLD)
    (alert,) = analytics.check_for_alerts()
    analytics.acknowledge_alert(alert.id, "asked for the file")
    change(analytics, "UPDATE internal.alerts SET notified_at = now() - INTERVAL '2 days'")
    (taken,) = analytics.check_for_alerts()
    assert taken.note == "asked for the file"
    assert len(posted(http, "/hook")) == 1
    with pytest.raises(InvalidInput, match="no alert 999"):
        analytics.acknowledge_alert(999)
    with pytest.raises(InvalidInput, match="batch_overdue"):
        analytics.silence_alerts("batch_overdu", 1, "")


def test_an_alert_that_nobody_took_on_is_told_again(
    analytics: AnalyticsSystem, http: HttpSink
) -> None:
    change(analytics, OLD)
    analytics.check_for_alerts()
    change(analytics, "UPDATE internal.alerts SET notified_at = now() - INTERVAL '2 days'")
    analytics.check_for_alerts()
    assert len(posted(http, "/hook")) == 2


def test_a_clock_that_went_back_stops_no_alert(analytics: AnalyticsSystem, http: HttpSink) -> None:
    """The platform ran two days ahead, then the clock was put right."""
    analytics.check_for_alerts()
    change(
        analytics,
        "UPDATE internal.alert_states SET evaluated_at = now() + INTERVAL '2 days', "
        "since = now() + INTERVAL '2 days'",
    )
    change(analytics, OLD)
    (alert,) = analytics.check_for_alerts()
    assert alert.rule == "batch_overdue"
    change(analytics, "UPDATE internal.alerts SET notified_at = now() + INTERVAL '2 days'")
    analytics.check_for_alerts()
    assert len(posted(http, "/hook")) == 2, "an open alert is told again"
    change(analytics, NEW)
    assert analytics.check_for_alerts() == []


def test_what_could_not_be_told_is_told_later_and_no_secret_is_logged(
    platform_config: AnalyticsConfig, http: HttpSink, caplog: pytest.LogCaptureFixture
) -> None:
    routes = {"webhook_url": http.url("/hook?token=very-secret")}
    config = platform_config.replace(alerts={**QUIET, "routes": routes})
    http.status = 500
    with AnalyticsSystem(config) as system, caplog.at_level(logging.DEBUG, "ioc_analytics"):
        system.ingest_data(make_survey(config, 5, days=1))
        change(system, OLD)
        assert len(system.check_for_alerts()) == 1
        assert "the route webhook of alerts failed (HTTPError)" in caplog.text
        http.status = 200
        (alert,) = system.check_for_alerts()
        assert alert.notified_at is not None
    assert len(posted(http, "/hook")) == 2
    assert "very-secret" not in caplog.text


def test_a_broken_promise_is_an_alert(analytics: AnalyticsSystem) -> None:
    change(analytics, "DELETE FROM analytics.anonymized_assessment_responses")
    analytics.evaluate_quality()
    rules = {alert.rule: alert.severity for alert in analytics.check_for_alerts()}
    assert rules["promise_broken"] == "critical"
    assert "quality_low" in rules
