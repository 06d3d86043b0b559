"""A name of the content that predictions and training data are made from.

For: the ledger of predictions, training frames. Not for: the cache and exports of statements,
which name each table (``query.versions``).
"""

import hashlib
from datetime import datetime
from typing import Any, Final

import psycopg

from ioc_analytics.query.versions import read_versions

_SOURCES: Final = (
    "analytics.anonymized_assessments",
    "analytics.anonymized_assessment_responses",
    "analytics.anonymized_assessment_scores",
)
"""Tables whose content predictions and training data are made from."""


def data_version(connection: psycopg.Connection[Any], as_of: datetime | None = None) -> str:
    """Return a short name of the content that predictions are made from.

    Args:
        connection: A connection that may read the tables' versions.
        as_of: When the newest batch was loaded; None: there is none, or it may not be seen.
    """
    versions = read_versions(connection, _SOURCES)
    parts = [f"{name} {version}" for name, version in sorted(versions.items())]
    told = "\n".join([*parts, "" if as_of is None else as_of.isoformat()])
    return hashlib.sha256(told.encode()).hexdigest()[:16]
