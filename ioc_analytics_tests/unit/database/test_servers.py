"""Addresses are secured by what they are, and locks have the same number everywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc_analytics.database.locks import lock_number
from ioc_analytics.database.servers import address_of, encryption, is_local
from ioc_analytics.kernel.errors import ConfigurationError
from ioc_analytics.kernel.settings import AnalyticsConfig


@pytest.mark.parametrize(
    "host", ["/run/postgresql", "@abstract", "localhost", "127.0.0.1", "127.9.9.9", "::1"]
)
def test_this_machine_needs_no_encryption(host: str) -> None:
    assert is_local(host)
    assert encryption({"host": host}, is_demanded=True) == {}


@pytest.mark.parametrize("host", ["db", "10.0.0.1", "localhost.example.org", "::2"])
def test_a_remote_server_must_prove_its_name(host: str) -> None:
    secured = encryption({"host": host}, is_demanded=True)
    assert secured["sslmode"] == "verify-full"
    assert secured["channel_binding"] == "require"


def test_one_remote_server_among_several_is_enough() -> None:
    assert encryption({"host": "localhost,db"}, is_demanded=True)["sslmode"] == "verify-full"
    assert encryption({"host": "localhost", "hostaddr": "10.0.0.1"}, is_demanded=True)


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "verify-ca"])
def test_a_weaker_mode_in_the_address_is_refused(mode: str) -> None:
    with pytest.raises(ConfigurationError, match="ANALYTICS_DB_SSL=false"):
        encryption({"host": "db", "sslmode": mode}, is_demanded=True)
    assert encryption({"host": "db", "sslmode": mode}, is_demanded=False) == {}


def test_what_the_address_says_about_certificates_is_kept() -> None:
    given = {"host": "db", "sslrootcert": "/etc/ca.pem", "channel_binding": "disable"}
    assert encryption(given, is_demanded=True) == {"sslmode": "verify-full"}


def test_a_whole_address_gives_host_name_and_login() -> None:
    config = AnalyticsConfig.load(
        {"ANALYTICS_DB_URL": "postgresql://me:p%40ss@db:6000/survey?connect_timeout=3"}
    )
    address = address_of(config, None)
    assert (address.database, address.administrator, address.password) == ("survey", "me", "p@ss")
    parameters = address.login_parameters("ioc_reader", "secret")
    assert parameters["connect_timeout"] == "3"
    assert parameters["user"] == "ioc_reader"
    assert parameters["sslmode"] == "verify-full"
    assert address.key == "db:6000"


@given(st.text(), st.text())
def test_lock_numbers_are_bigints_that_tell_names_apart(one: str, other: str) -> None:
    assert -(2**63) <= lock_number(one) < 2**63
    assert (lock_number(one) == lock_number(other)) == (one == other)


def test_lock_numbers_never_change() -> None:
    assert lock_number("migrations") == -2843046076636468152
