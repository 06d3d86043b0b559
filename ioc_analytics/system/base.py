"""What every part of the facade stands on: settings, role, database, and the note in the audit log.

For: the other modules of this room. Not for: verbs.
"""

import os
import pwd
from collections.abc import Sequence
from typing import Any, Final, Literal
from uuid import UUID

import psycopg

from ioc_analytics.database.pools import Database
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import ConfigurationError, PrivacyRefusal
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.monitoring.questions import keep_counts
from ioc_analytics.privacy.keys import load_pseudonymizer
from ioc_analytics.privacy.pseudonyms import Pseudonymizer
from ioc_analytics.query.cache import AnswerCache
from ioc_analytics.query.counters import QueryCounters
from ioc_analytics.query.statements import parameters_digest
from ioc_analytics.schema.migrations import migrate
from ioc_analytics.schema.scripts import Script

ReadingRole = Literal["analyst", "reader", "ml", "auditor"]

READERS: Final[tuple[ReadingRole, ...]] = ("analyst", "reader", "ml", "auditor")
"""Roles under which the system can be asked; exact figures are for the analyst."""

_FIRST_MIGRATION: Final = "0001_schemas_and_types.sql"


class SystemBase:
    """Settings, role and database of one installation."""

    def __init__(
        self, config: AnalyticsConfig, *, role: str = "analyst", database: Database | None = None
    ) -> None:
        """Keep the settings; nothing is opened before the first use.

        Args:
            config: The settings.
            role: ``analyst`` sees exact figures, ``reader`` released ones only.
            database: The database of these settings, which its lender closes; None: an own one.
        """
        if role not in READERS:
            raise ConfigurationError(
                f"unknown role {role!r}{did_you_mean(role, READERS)}; "
                f"roles are {', '.join(READERS)}"
            )
        self.config = config
        self.role: ReadingRole = next(known for known in READERS if known == role)
        self._is_lent = database is not None
        self.database = database or Database(config)
        self.query_counters = QueryCounters(lambda counted: keep_counts(self.database, counted))
        operations = config.operations
        self._answer_cache = (
            AnswerCache(operations.cache_bytes, operations.cache_timeout)
            if operations.enable_caching
            else None
        )

    def demand_analyst(self, what: str) -> None:
        """Refuse what only the analyst may do.

        Raises:
            PrivacyRefusal: The role sees released figures only.
        """
        if self.role != "analyst":
            raise PrivacyRefusal(
                f"the role {self.role!r} may not {what}; query the released tables and views "
                "(ocean_trait_distributions, mv_monthly_ocean_distributions), or ask an analyst"
            )

    def pseudonym(self, kind: str, identifier: str) -> UUID:
        """Return the pseudonym of an organization, assessment, response or respondent."""
        self.demand_analyst("make pseudonyms")
        return self._pseudonymizer().one(kind, identifier)

    def _apply_migrations(self, scripts: Sequence[Script] | None = None) -> list[str]:
        """Apply pending migrations, the platform's unless given, and return their names."""
        with self.database.connection("owner") as connection:
            connection.rollback()
            connection.autocommit = True
            try:
                applied = migrate(connection, scripts)
            finally:
                connection.autocommit = False
        # Of a new database its history tells enough, and a restore into it finds it empty.
        if applied and _FIRST_MIGRATION not in applied:
            self._note("migrate", f"{len(applied)} files, the last {applied[-1]}")
        return applied

    def _pseudonymizer(self) -> Pseudonymizer:
        return load_pseudonymizer(self.config)

    def _note(self, action: str, subject: str) -> None:
        """Note what is about to be done, in a transaction of its own."""
        with self.database.connection("ingest") as connection:
            self._audit(connection, action, subject)

    def _note_answer(self, verb: str, *parameters: Any) -> None:
        """Note that exact figures are about to be shown, with the digest of what they are of.

        The note does not wait for the disk: 0.3 ms instead of 4 to 8 on a rotating log, beside
        answers of a few. A server that crashes may lose the notes of its last 0.6 s (three times
        ``wal_writer_delay``); those of changes commit with what they are about.
        """
        with self.database.connection("ingest") as connection:
            connection.execute(sqlfiles.query("system/commit_soon"))
            self._audit(connection, "answer", verb, parameters=parameters_digest(parameters))

    def _audit(
        self,
        connection: psycopg.Connection[Any],
        action: str,
        subject: str,
        *,
        statement: str | None = None,
        parameters: str | None = None,
        row_count: int | None = None,
    ) -> None:
        connection.execute(
            sqlfiles.query("system/audit"),
            {
                "actor": account(),
                "role": self.role,
                "action": action,
                "object": subject,
                "statement_digest": statement,
                "parameters_digest": parameters,
                "row_count": row_count,
            },
        )


def account() -> str:
    """Return the account of the operating system that asks."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        # A container's number may have no name.
        return f"uid {os.getuid()}"
