"""The settings of the server: which one, how connections to it behave, how tables are laid out.

For: ``kernel.settings``, which makes them part of the one record. Not for: opening connections
(``database``).
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ioc_analytics.kernel.settings_values import (
    Allowed,
    Host,
    LoginRole,
    ServerAddress,
    Variable,
    Whole,
)

_BY_MONTH = "raw rows, states and retention work by whole months"


class SettingsRecord(BaseModel):
    """What all settings records share: frozen, unknown keys refused, secrets never shown."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        str_strip_whitespace=True,
        use_attribute_docstrings=True,
        validate_default=False,
    )


class PoolSettings(SettingsRecord):
    """Connections that each role's pool keeps."""

    min: Annotated[Whole, Field(ge=0, le=1000)] = 2
    """Connections kept open per role."""

    max: Annotated[Whole, Field(ge=1, le=1000)] = 20
    """Most connections open at once per role."""

    idle_timeout_millis: Annotated[Whole, Field(ge=1, le=86_400_000)] = 30_000
    """Milliseconds after which an unused connection above the minimum is closed."""

    connection_timeout_millis: Annotated[Whole, Field(ge=1, le=600_000)] = 2_000
    """Milliseconds to wait for a free connection before giving up."""

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min is {self.min} and max is {self.max}; min must not exceed max")
        return self


class PartitioningSettings(SettingsRecord):
    """How the large tables are cut; fixed, present so that a given configuration is checked."""

    enabled: Annotated[bool, Allowed("true")] = True
    """Whether the large tables are partitioned: always."""

    strategy: Annotated[str, Allowed("time")] = "time"
    """What the large tables are cut by."""

    interval: Annotated[str, Allowed("monthly")] = "monthly"
    """Length of one partition."""

    @field_validator("enabled")
    @classmethod
    def _check_enabled(cls, value: bool) -> bool:
        if not value:
            raise ValueError(f"partitioning cannot be switched off: {_BY_MONTH}")
        return value

    @field_validator("strategy", "interval")
    @classmethod
    def _check_fixed(cls, value: str, info: ValidationInfo) -> str:
        if value != cls.model_fields[str(info.field_name)].default:
            raise ValueError(f"only strategy 'time' and interval 'monthly' exist: {_BY_MONTH}")
        return value


class CompressionSettings(SettingsRecord):
    """Compression of wide values inside the server, applied by `init`."""

    enabled: bool = True
    """Whether wide values are compressed by the algorithm named here; else by the built-in pglz."""

    algorithm: Literal["lz4", "pglz"] = "lz4"
    """Method for values written from now on; a server built without lz4 uses pglz, and says so."""


class Login(SettingsRecord):
    """The login of one role on a server that is not ours."""

    username: Annotated[str, Variable("ANALYTICS_DB_{ROLE}_USER"), Field(min_length=1)]
    """Login name of the role; `ioc_<role>` when only the password is given."""

    password: Annotated[SecretStr, Variable("ANALYTICS_DB_{ROLE}_PASSWORD")]
    """Password of the role's login."""


class DatabaseSettings(SettingsRecord):
    """Which PostgreSQL server, and how connections to it behave."""

    url: Annotated[
        ServerAddress | None,
        Variable("ANALYTICS_DB_URL"),
        Allowed("postgresql://user:password@host:port/database"),
    ] = None
    """Whole address of a server (`postgresql://...`), instead of host, port, name and login."""

    host: Annotated[
        Host | None,
        Variable("ANALYTICS_DB_HOST"),
        Allowed("a host name, an IP address or a socket folder"),
    ] = None
    """Server to use: a name, an address or a socket folder; unset (and no address): embedded."""

    port: Annotated[Whole, Variable("ANALYTICS_DB_PORT"), Field(ge=1, le=65535)] = 5432
    """Port of the server."""

    database: Annotated[str, Variable("ANALYTICS_DB_NAME"), Field(min_length=1, max_length=63)] = (
        "ioc_analytics"
    )
    """Name of the database."""

    username: Annotated[str | None, Variable("ANALYTICS_DB_USER"), Field(min_length=1)] = None
    """Login that owns the installation and sets it up."""

    password: Annotated[SecretStr | None, Variable("ANALYTICS_DB_PASSWORD")] = None
    """Password of that login."""

    ssl: Annotated[bool, Variable("ANALYTICS_DB_SSL")] = True
    """Whether connections over the network must be encrypted."""

    dagster_url: Annotated[
        ServerAddress | None,
        Variable("DAGSTER_PG_URL"),
        Allowed("postgresql://user:password@host:port/database"),
    ] = None
    """Address of Dagster's own database, backed up and pruned with ours; Dagster reads the same
    variable. Unset: its database on the embedded server; on another, Dagster keeps files."""

    pool: PoolSettings = PoolSettings()
    """Connection pool."""

    partitioning: PartitioningSettings = PartitioningSettings()
    """Partitioning of the large tables."""

    compression: CompressionSettings = CompressionSettings()
    """Compression of wide columns."""

    statement_timeout_seconds: Annotated[
        Whole, Variable("ANALYTICS_STATEMENT_TIMEOUT_SECONDS"), Field(ge=1, le=86_400)
    ] = 600
    """Seconds after which the server cancels a statement."""

    logins: dict[LoginRole, Login] = Field(default_factory=dict)
    """Logins by role."""

    @field_validator("logins", mode="before")
    @classmethod
    def _name_logins(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        return {
            role: {"username": f"ioc_{role}", **login} if isinstance(login, Mapping) else login
            for role, login in value.items()
        }

    @model_validator(mode="after")
    def _check_address(self) -> Self:
        parts = ("host", "port", "database", "username", "password")
        given = [
            name
            for name in parts
            if name in self.model_fields_set and getattr(self, name) is not None
        ]
        if self.url is not None and given:
            raise ValueError(
                f"url and {', '.join(given)} are both given; the url says it all, give one of them"
            )
        stray = [name for name in given if name in {"port", "username", "password"}]
        if self.is_embedded and stray:
            raise ValueError(
                f"{', '.join(stray)} given without host (ANALYTICS_DB_HOST); "
                "name the server, or leave them out for the embedded one"
            )
        return self

    @property
    def is_embedded(self) -> bool:
        """Whether no server is named, so that an embedded one is run."""
        return self.url is None and self.host is None
