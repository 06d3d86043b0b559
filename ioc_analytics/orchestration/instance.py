"""Where Dagster keeps its runs and events, and the instance that lives in the home folder.

For: ``dagster.yaml`` (``EnvStorage``), ``dev`` and ``demo``. Not for: the platform's own tables.
"""

import os
from pathlib import Path
from typing import Any, Final

import dagster as dg
import yaml
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

from ioc_analytics.database.neighbours import neighbour_url
from ioc_analytics.database.pools import Database
from ioc_analytics.kernel.settings import AnalyticsConfig

URL_VARIABLE: Final = "DAGSTER_PG_URL"

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_WRITTEN: Final = "# Written anew at every start of `ioc-analytics dev` or `demo`.\n"


class EnvStorage(DagsterStorage, ConfigurableClass):
    """Dagster's storage: PostgreSQL when ``DAGSTER_PG_URL`` names one, SQLite otherwise.

    One ``dagster.yaml`` serves a newcomer's checkout and a deployment that way: ``{env: ...}`` in
    it has no default, and an unset variable would stop every command.
    """

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Return what the block in ``dagster.yaml`` may say: nothing."""
        return {}

    @classmethod
    def from_config_value(  # type: ignore[override]
        cls, inst_data: ConfigurableClassData | None, config_value: dict[str, Any]
    ) -> DagsterStorage:
        """Return the storage that the environment asks for."""
        # An instance is configured by Dagster's own variables, which are no settings of ours.
        url = os.environ.get(URL_VARIABLE)  # noqa: TID251
        if url:
            return DagsterPostgresStorage(with_driver(url), inst_data=inst_data)
        home = os.environ.get("DAGSTER_HOME") or str(Path.cwd() / ".dagster-home")  # noqa: TID251
        return DagsterSqliteStorage.from_local(str(Path(home) / "storage"), inst_data=inst_data)


def with_driver(url: str) -> str:
    """Return an address that names psycopg 2: Dagster's NOTIFY fails with psycopg 3."""
    _, mark, rest = url.partition("://")
    return f"postgresql+psycopg2{mark}{rest}"


def write_instance(config: AnalyticsConfig, database: Database) -> Path:
    """Write Dagster's configuration below the home folder and return its folder (DAGSTER_HOME).

    On the embedded server Dagster gets a database of its own; beside a real server SQLite serves,
    unless ``DAGSTER_PG_URL`` names a database.
    """
    home = config.home / "dagster"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = yaml.safe_load(shipped("dagster.yaml").read_text(encoding="utf-8"))
    is_told = os.environ.get(URL_VARIABLE)  # noqa: TID251 - as in EnvStorage
    if config.is_embedded and not is_told:
        url = with_driver(neighbour_url(database, "dagster"))
        settings["storage"] = {"postgres": {"postgres_url": url}}
    text = _WRITTEN + yaml.safe_dump(settings, sort_keys=False)
    _write(home / "dagster.yaml", text)
    _write(home / "workspace.yaml", shipped("workspace.yaml").read_text(encoding="utf-8"))
    return home


class HomeInstance:
    """Dagster's instance of a home folder, for a block."""

    def __init__(self, config: AnalyticsConfig, database: Database) -> None:
        self._config, self._database = config, database
        self._instance: dg.DagsterInstance | None = None

    def __enter__(self) -> dg.DagsterInstance:
        home = write_instance(self._config, self._database)
        self._instance = dg.DagsterInstance.from_config(str(home))
        return self._instance

    def __exit__(self, *_: object) -> None:
        if self._instance is not None:
            self._instance.dispose()


def shipped(name: str) -> Path:
    """Return a file that lies in the root of a checkout, or inside the installed package."""
    beside = _PACKAGE.parent / name
    return beside if beside.is_file() else _PACKAGE / name


def _write(path: Path, text: str) -> None:
    # The password of the storage stands in it.
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)
