"""The analytics system as a Dagster resource.

For: assets, checks and sensors, here and in other code locations. Not for: logic of any kind: what
it lends is ``ioc_analytics.system.AnalyticsSystem``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import dagster as dg
from pydantic import Field, PrivateAttr

from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.resources.processes import name_process
from ioc_analytics.resources.sharing import borrow, give_back

if TYPE_CHECKING:
    from ioc_analytics.system import AnalyticsSystem


class AnalyticsResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Lends the analytics system: made for a run, opened at its first use, closed at the end.

    The settings come from the environment, as everywhere; ``settings`` goes over them. Secrets
    belong into the environment: what stands in a resource is shown in Dagster's pages.

    Example:
        >>> with AnalyticsResource.from_env().open() as analytics:  # doctest: +SKIP
        ...     analytics.get_ocean_analysis().sample_size
    """

    settings: dict[str, Any] = Field(
        default_factory=dict,
        description="Settings over those of the environment, such as {'home': '/srv/ioc'}.",
    )
    role: str = Field(
        default="analyst", description="`analyst` sees exact figures, `reader` released ones only."
    )

    _system: Any = PrivateAttr(default=None)
    _is_ready: bool = PrivateAttr(default=False)

    @classmethod
    def from_env(cls, role: str = "analyst") -> Self:
        """Return the resource for the settings of the environment; works outside Dagster too."""
        return cls(role=role)

    @classmethod
    def holding(cls, system: "AnalyticsSystem") -> dg.ResourceDefinition:
        """Return a resource for a system that the caller has opened and will close itself."""
        resource = cls()
        resource._system, resource._is_ready = system, True

        def lend(context: dg.InitResourceContext) -> AnalyticsResource:
            name_process(context)
            return resource

        return dg.ResourceDefinition(lend)

    @property
    def config(self) -> AnalyticsConfig:
        """The settings; nothing is opened.

        Raises:
            ConfigurationError: A setting is unknown or wrong.
        """
        return self._made().config

    @property
    def unopened(self) -> "AnalyticsSystem":
        """The system as it is made: for verbs that need no database, such as ``check_storage``.

        Raises:
            ConfigurationError: A setting is unknown or wrong.
        """
        return self._made()

    @property
    def system(self) -> "AnalyticsSystem":
        """The system, ready for use.

        The embedded server is brought up, with its schema, so that a first run needs no ``init``;
        a real one is set up by its operator.

        Raises:
            ConfigurationError: A setting is unknown or wrong.
            Unavailable: The server cannot be had.
        """
        system = self._made()
        if not self._is_ready:
            if system.config.is_embedded:
                system.initialize()
            self._is_ready = True
        return system

    @contextmanager
    def open(self) -> Iterator["AnalyticsSystem"]:
        """Lend the system for a block, outside Dagster."""
        try:
            yield self.system
        finally:
            self.close()

    def close(self) -> None:
        """Close what was opened; the next use opens it again."""
        if self._system is not None:
            self._system.close()
            give_back(self._system.database)
        self._system, self._is_ready = None, False

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Judge the settings, so that a wrong one fails the run before its first step."""
        name_process(context)
        self._made()

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Close, as :meth:`close`."""
        self.close()

    def _made(self) -> "AnalyticsSystem":
        if self._system is None:
            # Imported late: definitions load in a third of the time without the whole platform.
            from ioc_analytics.system import AnalyticsSystem

            settings = AnalyticsConfig.load(mapping=self.settings)
            self._system = AnalyticsSystem(settings, role=self.role, database=borrow(settings))
        system: AnalyticsSystem = self._system
        return system
