"""How the server compresses wide values: the setting ``database.compression``, applied.

For: the facade's ``initialize``. Not for: values that are stored already; they stay as they are
until they are written again.
"""

import logging
from typing import Any, Final

import psycopg
from psycopg import sql

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.settings_database import CompressionSettings

_BUILT_IN: Final = "pglz"
"""What every server has, and uses unless it is told otherwise."""

_log = logging.getLogger(__name__)


def apply_compression(connection: psycopg.Connection[Any], settings: CompressionSettings) -> str:
    """Let new wide values be compressed as the settings say, and return the method.

    No column names a method of its own, so the database's default holds for every table and for
    partitions to come, in sessions that begin from now on.

    Args:
        connection: A connection of the owner.
        settings: What is wanted; a server that was built without it keeps ``pglz``.
    """
    found = connection.execute(sqlfiles.query("schema/compression")).fetchall()
    ((database, present, methods),) = found
    wanted = settings.algorithm if settings.enabled else _BUILT_IN
    method = wanted if wanted in methods else _BUILT_IN
    if present == method:
        return method
    if method != wanted:
        # The default asks for what most servers have; the status shows what is used.
        _log.debug("this server has no %s: wide values are compressed by %s", wanted, method)
    connection.execute(
        sql.SQL("ALTER DATABASE {} SET default_toast_compression = {}").format(
            sql.Identifier(database), sql.Literal(method)
        )
    )
    return method
