"""Settings: where values come from, which one wins, what is refused and in which words."""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc_analytics.kernel.errors import ConfigurationError
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.kernel.settings_sources import leaves

SECRET = "correct-horse-battery-staple"
KEY = "0123456789abcdefABCDEF0123456789abcdef0123456789abcdef0123456789"

SEED_ENVIRONMENT = {
    "ANALYTICS_DB_HOST": "localhost",
    "ANALYTICS_DB_PORT": "5433",
    "ANALYTICS_DB_NAME": "other_analytics",
    "ANALYTICS_DB_USER": "analytics_user",
    "ANALYTICS_DB_PASSWORD": SECRET,
    "ANALYTICS_DB_SSL": "false",
    "ANALYTICS_BATCH_SIZE": "500",
    "ANALYTICS_PARALLEL_PROCESSING": "2",
    "ANALYTICS_RETRY_ATTEMPTS": "5",
    "ANALYTICS_ENABLE_CACHING": "false",
    "ANALYTICS_CACHE_TIMEOUT": "1000",
    "ANALYTICS_ENABLE_MONITORING": "false",
    "ANALYTICS_ENABLE_BACKUPS": "false",
    "ANALYTICS_BACKUP_SCHEDULE": "30 3 * * mon-fri",
    "ANALYTICS_RETENTION_DAYS": "365",
    "ANALYTICS_DEBUG_MODE": "true",
}

SEED_MAPPING: dict[str, Any] = {
    "database": {
        "host": "analytics-db.company.com",
        "port": 5432,
        "database": "ioc_analytics",
        "username": "analytics_user",
        "password": SECRET,
        "ssl": True,
        "pool": {
            "min": 2,
            "max": 20,
            "idle_timeout_millis": 30000,
            "connection_timeout_millis": 2000,
        },
        "partitioning": {"enabled": True, "strategy": "time", "interval": "monthly"},
        "compression": {"enabled": True, "algorithm": "lz4"},
    },
    "operations": {
        "batch_size": 1000,
        "parallel_processing": 4,
        "enable_caching": True,
        "cache_timeout": 300000,
    },
    "enable_monitoring": True,
    "enable_backups": True,
    "retention_days": 90,
}


def refused(
    environ: dict[str, str] | None = None, mapping: dict[str, Any] | None = None, **overrides: Any
) -> str:
    """Return the message of the refusal that these settings must meet."""
    with pytest.raises(ConfigurationError) as caught:
        AnalyticsConfig.load(environ or {}, mapping, **overrides)
    return str(caught.value)


def test_an_empty_environment_means_an_embedded_server_with_the_seeds_defaults() -> None:
    config = AnalyticsConfig.load({})
    assert config.is_embedded
    assert (config.database.port, config.database.database) == (5432, "ioc_analytics")
    assert config.database.ssl
    assert config.operations.batch_size == 1000
    assert config.operations.cache_timeout == 300_000
    assert config.retention_days == 90
    assert config.backup_schedule == "0 2 * * *"
    assert config.inbox.path == config.home / "inbox"


def test_every_variable_of_the_seed_is_taken() -> None:
    config = AnalyticsConfig.load(SEED_ENVIRONMENT)
    database, operations = config.database, config.operations
    assert (database.host, database.port) == ("localhost", 5433)
    assert (database.database, database.username) == ("other_analytics", "analytics_user")
    assert database.password is not None
    assert database.password.get_secret_value() == SECRET
    assert not database.ssl
    assert (operations.batch_size, operations.parallel_processing) == (500, 2)
    assert (operations.retry_attempts, operations.cache_timeout) == (5, 1000)
    assert not operations.enable_caching
    assert not config.enable_monitoring
    assert not config.enable_backups
    assert config.backup_schedule == "30 3 * * mon-fri"
    assert config.retention_days == 365
    assert config.debug_mode
    assert not config.is_embedded


def test_a_mapping_in_the_seeds_shape_is_taken() -> None:
    config = AnalyticsConfig.load({}, SEED_MAPPING)
    assert config.database.host == "analytics-db.company.com"
    assert config.database.pool.max == 20


def test_override_beats_mapping_beats_environment_beats_default() -> None:
    environ = {"ANALYTICS_RETENTION_DAYS": "10", "ANALYTICS_BATCH_SIZE": "10"}
    environ["ANALYTICS_RETRY_ATTEMPTS"] = "10"
    mapping = {"retention_days": 20, "operations": {"batch_size": 20}}
    config = AnalyticsConfig.load(environ, mapping, retention_days=30)
    assert config.retention_days == 30
    assert config.operations.batch_size == 20
    assert config.operations.retry_attempts == 10
    assert config.operations.parallel_processing == 4


def test_an_address_given_higher_up_replaces_host_and_login_below() -> None:
    config = AnalyticsConfig.load(
        SEED_ENVIRONMENT, database={"url": f"postgresql://me:{SECRET}@db:5432/ioc"}
    )
    assert config.database.host is None
    assert config.database.password is None
    below = AnalyticsConfig.load({"ANALYTICS_DB_URL": "postgresql://db/ioc"}, SEED_MAPPING)
    assert below.database.url is None
    assert below.database.host == "analytics-db.company.com"


def test_roles_get_logins_of_their_own() -> None:
    config = AnalyticsConfig.load(
        {
            "ANALYTICS_DB_READER_PASSWORD": SECRET,
            "ANALYTICS_DB_ML_USER": "modeller",
            "ANALYTICS_DB_ML_PASSWORD": SECRET,
        }
    )
    logins = config.database.logins
    assert set(logins) == {"reader", "ml"}
    assert logins["reader"].username == "ioc_reader"
    assert logins["ml"].username == "modeller"


def test_a_role_with_a_name_but_no_password_is_refused() -> None:
    message = refused({"ANALYTICS_DB_READER_USER": "bob"})
    assert "ANALYTICS_DB_READER_PASSWORD" in message
    assert "missing" in message


def test_a_secret_may_be_given_as_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{SECRET}\n")
    environ = {"ANALYTICS_DB_HOST": "db", "ANALYTICS_DB_PASSWORD_FILE": str(file)}
    password = AnalyticsConfig.load(environ).database.password
    assert password is not None
    assert password.get_secret_value() == SECRET


def test_a_secret_given_twice_or_in_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    environ = {"ANALYTICS_DB_HOST": "db", "ANALYTICS_DB_PASSWORD_FILE": str(tmp_path / "gone")}
    message = refused(environ)
    assert "ANALYTICS_DB_PASSWORD_FILE" in message
    assert "No such file" in message
    assert "both set" in refused(environ | {"ANALYTICS_DB_PASSWORD": SECRET})
    (tmp_path / "gone").write_text("\n")
    assert "is empty" in refused(environ)


def test_an_empty_variable_counts_as_unset() -> None:
    config = AnalyticsConfig.load({"ANALYTICS_DB_HOST": "", "ANALYTICS_RETENTION_DAYS": " "})
    assert config.is_embedded
    assert config.retention_days == 90


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOME": "/home/ada", "XDG_DATA_HOME": "/data"}, "/data/ioc-analytics"),
        ({"HOME": "/home/ada", "XDG_DATA_HOME": "x"}, "/home/ada/.local/share/ioc-analytics"),
        ({"HOME": "/home/ada"}, "/home/ada/.local/share/ioc-analytics"),
        ({"HOME": "/home/ada", "ANALYTICS_HOME": "/srv/ioc"}, "/srv/ioc"),
    ],
)
def test_the_home_folder_follows_the_platforms_custom(
    environ: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert AnalyticsConfig.load(environ).home == Path(expected)


def test_the_inbox_follows_the_home_folder_unless_it_is_given() -> None:
    assert AnalyticsConfig.load({"ANALYTICS_HOME": "/srv/ioc"}).inbox.path == Path("/srv/ioc/inbox")
    config = AnalyticsConfig.load({"ANALYTICS_HOME": "/srv/ioc", "ANALYTICS_INBOX": "/mnt/in"})
    assert config.inbox.path == Path("/mnt/in")
    assert config.replace(home="/elsewhere").inbox.path == Path("/mnt/in")
    moved = AnalyticsConfig.load({}, inbox={"keep_days": 7}).replace(home="/elsewhere")
    assert (moved.inbox.path, moved.inbox.keep_days) == (Path("/elsewhere/inbox"), 7)


def test_a_relative_path_is_made_absolute() -> None:
    assert AnalyticsConfig.load({}, home="here").home == Path.cwd() / "here"


def test_replace_keeps_everything_else() -> None:
    config = AnalyticsConfig.load(SEED_ENVIRONMENT)
    changed = config.replace(retention_days=7, database={"port": 6000})
    assert (changed.retention_days, changed.database.port) == (7, 6000)
    assert changed.database.host == "localhost"
    assert changed.database.password == config.database.password
    assert config.retention_days == 365


def test_the_record_cannot_be_changed_and_travels_between_processes() -> None:
    config = AnalyticsConfig.load(SEED_ENVIRONMENT)
    with pytest.raises(ValueError, match="frozen"):
        config.retention_days = 1
    assert pickle.loads(pickle.dumps(config)) == config  # noqa: S301 - made one line above


# -- refusals


def test_an_unknown_variable_is_refused_with_the_nearest_known_name() -> None:
    message = refused({"ANALYTICS_DB_PROT": "5432"})
    assert "ANALYTICS_DB_PROT" in message
    assert "did you mean 'ANALYTICS_DB_PORT'" in message


@pytest.mark.parametrize(
    ("mapping", "key", "hint"),
    [
        ({"retention_dys": 1}, "retention_dys", "'retention_days'"),
        ({"database": {"pool": {"mni": 1}}}, "database.pool.mni", "'min'"),
        ({"retentionDays": 1}, "retentionDays", "snake_case here; use 'retention_days'"),
        ({"database": {"pool": {"idleTimeoutMillis": 1}}}, "idleTimeoutMillis", "idle_timeout"),
        ({"batch_size": 1}, "batch_size", "'operations.batch_size'"),
        ({"database": {"logins": {"reeder": {"password": "x"}}}}, "reeder", "'reader'"),
        ({"zzz": 1}, "zzz", "known here: alerts, backup, backup_schedule"),
    ],
)
def test_an_unknown_key_is_refused_with_the_name_that_was_meant(
    mapping: dict[str, Any], key: str, hint: str
) -> None:
    message = refused(mapping=mapping)
    assert key in message
    assert hint in message


@pytest.mark.parametrize(
    ("variable", "text", "allowed"),
    [
        ("ANALYTICS_DB_PORT", "0", "a whole number from 1 to 65535"),
        ("ANALYTICS_DB_PORT", "65536", "a whole number from 1 to 65535"),
        ("ANALYTICS_RETENTION_DAYS", "0", "from 1 to 36500"),
        ("ANALYTICS_RETENTION_DAYS", "ninety", "found text 'ninety'"),
        ("ANALYTICS_DEBUG_MODE", "maybe", "true or false"),
        ("ANALYTICS_INBOX_SETTLE_SECONDS", "-1", "a number from 0 to 3600"),
        ("ANALYTICS_INBOX_SETTLE_SECONDS", "nan", "a number from 0 to 3600"),
        ("ANALYTICS_MAX_COLUMNS", "2.5", "a whole number from 1"),
        ("ANALYTICS_DB_URL", "mysql://db/ioc", "postgresql://user:password@host:port/database"),
        ("ANALYTICS_DB_URL", "postgresql://db", "names no database"),
        ("ANALYTICS_PSEUDONYM_KEY", "abc", "64 hex digits"),
    ],
)
def test_a_refused_variable_is_named_with_what_is_allowed(
    variable: str, text: str, allowed: str
) -> None:
    message = refused({variable: text})
    assert variable in message
    assert allowed in message


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        ({"retention_days": True}, "a truth value is not a number"),
        ({"database": 5}, "allowed: a section of settings"),
        ({"database": {"pool": {"min": 30}}}, "min is 30 and max is 20"),
        ({"database": {"partitioning": {"enabled": False}}}, "work by whole months"),
        ({"database": {"partitioning": {"interval": "weekly"}}}, "work by whole months"),
        ({"database": {"partitioning": {"strategy": "monthly"}}}, "work by whole months"),
        ({"database": {"compression": {"algorithm": "zstd"}}}, "lz4 or pglz"),
        ({"database": {"username": "me"}}, "without host (ANALYTICS_DB_HOST)"),
        ({"database": {"host": "a b"}}, "a host name, an IP address or a socket folder"),
        ({"database": {"host": "db", "url": "postgresql://db/ioc"}}, "give one of them"),
        ({"home": "~nobody-of-this-name/ioc"}, "no home folder"),
        ({"privacy": {"pseudonym_key": KEY, "pseudonym_key_file": "/k"}}, "give one"),
    ],
)
def test_a_refused_value_comes_with_the_reason(mapping: dict[str, Any], reason: str) -> None:
    assert reason in refused(mapping=mapping)


def test_all_faults_are_told_at_once() -> None:
    message = refused({"ANALYTICS_RETENTION_DAYS": "0", "ANALYTICS_DB_PORT": "0"}, bogus=1)
    assert message.startswith("3 settings refused:")
    assert all(
        name in message for name in ("ANALYTICS_RETENTION_DAYS", "ANALYTICS_DB_PORT", "bogus")
    )


@pytest.mark.parametrize(
    "expression",
    ["0 2 * * *", "*/15 0-6,22 1 jan,JUL sun", "0 0 1-31/2 * 7", "  5   4 * * mon-fri "],
)
def test_schedules_of_five_fields_are_taken(expression: str) -> None:
    config = AnalyticsConfig.load({}, backup_schedule=expression)
    assert config.backup_schedule == " ".join(expression.split())


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "@daily",
        "0 2 * *",
        "0 0 2 * * *",
        "60 2 * * *",
        "0 24 * * *",
        "0 2 0 * *",
        "0 2 * 13 *",
        "0 2 * * 8",
        "0 2 * * jan",
        "*/0 2 * * *",
        "5-1 2 * * *",
        "*-5 2 * * *",
        "0, 2 * * *",
        "² 2 * * *",
    ],
)
def test_other_schedules_are_refused(expression: str) -> None:
    assert "backup_schedule" in refused(backup_schedule=expression)


def test_the_key_is_taken_in_either_case() -> None:
    key = AnalyticsConfig.load({"ANALYTICS_PSEUDONYM_KEY": KEY}).privacy.pseudonym_key
    assert key is not None
    assert key.get_secret_value() == KEY.lower()


# -- secrets


def test_secrets_never_print() -> None:
    environ = {"ANALYTICS_DB_READER_PASSWORD": SECRET, "ANALYTICS_PSEUDONYM_KEY": KEY}
    config = AnalyticsConfig.load({**SEED_ENVIRONMENT, **environ})
    shown = f"{config!r} {config} {config.to_dict()} {config.model_dump_json()}"
    assert SECRET not in shown
    assert KEY.lower() not in shown.lower()
    assert config.to_dict()["database"]["password"] == "**********"


@given(st.sampled_from([leaf for leaf in leaves(AnalyticsConfig) if leaf.is_secret]))
def test_a_refused_secret_is_not_quoted(leaf: Any) -> None:
    tree: Any = {"zz-" + SECRET: 1}
    for name in reversed(leaf.path):
        tree = {name: tree}
    assert SECRET not in refused(mapping=tree)
    assert SECRET not in refused({leaf.variable: SECRET, "ANALYTICS_DB_PORT": "x"})


@pytest.mark.parametrize("address", [f"postgresql://me:{SECRET}@db/ioc", f"me:{SECRET}@db"])
def test_an_address_in_the_wrong_place_is_refused_without_its_password(address: str) -> None:
    message = refused({"ANALYTICS_DB_HOST": address, "ANALYTICS_BACKUP_SCHEDULE": address})
    assert "a whole address belongs in ANALYTICS_DB_URL" in message
    assert SECRET not in message


def test_a_refusal_carries_no_cause_that_could_quote_a_secret() -> None:
    with pytest.raises(ConfigurationError) as caught:
        AnalyticsConfig.load({"ANALYTICS_PSEUDONYM_KEY": SECRET})
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


# -- the environment


@given(
    st.dictionaries(
        st.sampled_from([leaf.variable for leaf in leaves(AnalyticsConfig) if leaf.variable]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        max_size=4,
    )
)
def test_any_text_in_any_variable_is_taken_or_refused_by_name(environ: dict[str, str]) -> None:
    try:
        config = AnalyticsConfig.load({"HOME": "/home/ada", **environ})
    except ConfigurationError as refusal:
        assert "refused" in str(refusal)
    else:
        assert AnalyticsConfig.model_validate(dict(config)) == config


def test_the_package_imports_with_an_empty_environment() -> None:
    script = "import ioc_analytics.kernel.settings_table, ioc_analytics.kernel.logs"
    subprocess.run(
        [sys.executable, "-c", script], env={}, check=True, cwd=Path(__file__).parents[3]
    )
