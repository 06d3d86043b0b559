"""Alerts by e-mail over TLS and STARTTLS: to a server that proves its name, or not at all."""

import logging
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.monitoring.routing import Notice, tell
from ioc_analytics.records.alerts import Alert
from ioc_analytics_tests.fixtures.sinks import SmtpSink, smtp_sink

PASSWORD = "correct-horse"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of ``localhost`` that nobody signed but itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is needed to make a certificate")
    folder = tmp_path_factory.mktemp("certificate")
    paths = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-out", str(paths[0]), "-keyout", str(paths[1])),
        ],
        check=True,
        capture_output=True,
    )
    return paths


@pytest.fixture
def trust(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def send(sink: SmtpSink, security: str, home: Path, host: str = "localhost") -> bool:
    routes = {
        "email_to": "ops@example.org",
        "smtp_host": host,
        "smtp_port": sink.port,
        "smtp_security": security,
        "smtp_user": "platform",
        "smtp_password": PASSWORD,
    }
    config = AnalyticsConfig.load({}, home=home, alerts={"routes": routes})
    alert = Alert(
        id=7,
        rule="disk_full",
        severity="critical",
        summary="the disk is full",
        value=97.0,
        threshold=95.0,
        unit="percent",
        runbook="docs/runbooks/disk_full.md",
        started_at=utc_now(),
    )
    return tell(config, [Notice(alert, is_raised=True)])


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_mail_goes_encrypted_to_a_server_that_proves_its_name(
    security: str,
    trust: ssl.SSLContext,
    certificate: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with smtp_sink(trust, offers_starttls=security == "starttls") as sink:
        assert send(sink, security, tmp_path)
        assert "the disk is full" in sink.messages[0]
        assert sink.logins == [f"\0platform\0{PASSWORD}"]
        assert not send(sink, security, tmp_path, host="127.0.0.1"), "another name than it proves"
        assert len(sink.messages) == len(sink.logins) == 1


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_server_that_nobody_vouches_for_gets_neither_mail_nor_password(
    security: str, trust: ssl.SSLContext, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with smtp_sink(trust, offers_starttls=security == "starttls") as sink:
        with caplog.at_level(logging.WARNING):
            assert not send(sink, security, tmp_path)
        assert (sink.messages, sink.logins) == ([], [])
    assert "the route email of alerts failed (SSLCertVerificationError)" in caplog.text
    assert PASSWORD not in caplog.text


def test_a_server_without_starttls_gets_neither_mail_nor_password(tmp_path: Path) -> None:
    with smtp_sink() as sink:
        assert not send(sink, "starttls", tmp_path)
        assert (sink.messages, sink.logins) == ([], [])
