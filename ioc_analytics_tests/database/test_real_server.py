"""A server that is not ours, addressed by ``ANALYTICS_DB_URL``: encrypted, away, back again."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.errors import ConfigurationError, Unavailable
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics_tests.database.survey import make_survey
from ioc_analytics_tests.fixtures.platform import PSEUDONYM_KEY
from ioc_analytics_tests.fixtures.real_servers import NAME, RealServer


def settings(server: RealServer, home: Path, url: str | None = None) -> AnalyticsConfig:
    environment = {"ANALYTICS_DB_URL": url or server.url(), "ANALYTICS_HOME": str(home)}
    return AnalyticsConfig.load(environment, privacy={"pseudonym_key": PSEUDONYM_KEY})


@pytest.fixture
def system(real_postgres: RealServer, tmp_path: Path) -> Iterator[AnalyticsSystem]:
    with AnalyticsSystem(settings(real_postgres, tmp_path)) as system:
        system.initialize()
        yield system


def test_it_goes_away_and_comes_back_under_an_open_system(
    system: AnalyticsSystem, real_postgres: RealServer
) -> None:
    assert not system.config.is_embedded
    receipt = system.ingest_data(make_survey(system.config, 60, days=30))
    before = system.get_ocean_analysis().to_dict()
    real_postgres.stop()
    for asking in (
        system.get_ocean_analysis,
        lambda: system.query("SELECT 1 AS one"),
        lambda: system.undo_batch(1),
        system.initialize,
    ):
        started = time.monotonic()
        with pytest.raises(Unavailable, match=str(real_postgres.port)) as away:
            asking()
        assert real_postgres.password not in str(away.value)
        assert time.monotonic() - started < 30
    health = system.health_check()
    assert health.checks.database.status == "unhealthy"
    real_postgres.start()
    assert system.get_ocean_analysis().to_dict() == before
    again = system.ingest_data(make_survey(system.config, 60, days=30))
    assert (again.is_duplicate, again.batch_id) == (True, receipt.batch_id)
    assert system.health_check().checks.database.status == "healthy"


def test_every_connection_is_encrypted_and_the_name_is_proved(
    system: AnalyticsSystem, real_postgres: RealServer, tmp_path: Path
) -> None:
    if not real_postgres.has_tls:
        pytest.skip("this server was built without OpenSSL")
    for role in ("owner", "ingest", "analyst", "reader"):
        with system.database.connection(role) as connection:
            row = connection.execute(
                "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            ).fetchone()
            assert row == (True,)
            assert connection.info.get_parameters()["sslmode"] == "verify-full"
    url = real_postgres.url()
    refused = {
        url.replace(NAME, "other.ioc.test"): "other.ioc.test",
        real_postgres.url(sslrootcert=str(stranger(tmp_path))): "certificate",
        url + "&sslmode=require": "lets an impostor in",
    }
    for wrong, words in refused.items():
        with (
            AnalyticsSystem(settings(real_postgres, tmp_path, wrong)) as other,
            pytest.raises(ConfigurationError, match=words) as error,
        ):
            other.initialize()
        assert real_postgres.password not in str(error.value)


def stranger(folder: Path) -> Path:
    """Return the certificate of a CA that has vouched for nobody."""
    path = folder / "stranger.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", folder / "stranger.key", "-out", path, "-subj", "/CN=a stranger"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return path
