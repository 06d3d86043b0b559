"""Frames and relations into tables and out again, by partitions, judged before anybody looks.

For: ``resources.PostgresIOManager`` and pipelines of others; it needs no table of the platform's.
Not for: ingestion (``ingestion``), questions (``query``), making tables (migrations).

- ``publish`` stages, judges and swaps in one transaction; ``transactions`` does so while servers
  come and go;
- ``relations`` and ``slices`` say which rows are meant; ``tables`` asks the catalogue;
- ``contracts``, ``encoding``, ``staging`` and ``checks`` are the way in, ``decoding`` the way out.
"""

from ioc_analytics.database.publishing.checks import Check, ChecksBroken, Verdict
from ioc_analytics.database.publishing.contracts import Contract
from ioc_analytics.database.publishing.decoding import read_arrow, read_batches, read_pandas
from ioc_analytics.database.publishing.publish import Mode, Published, Target, publish
from ioc_analytics.database.publishing.relations import Relation, relation
from ioc_analytics.database.publishing.slices import Category, Part, Slice, TimeWindow
from ioc_analytics.database.publishing.tables import Connection
from ioc_analytics.database.publishing.transactions import Server, patiently, publish_patiently

__all__ = [
    "Category",
    "Check",
    "ChecksBroken",
    "Connection",
    "Contract",
    "Mode",
    "Part",
    "Published",
    "Relation",
    "Server",
    "Slice",
    "Target",
    "TimeWindow",
    "Verdict",
    "patiently",
    "publish",
    "publish_patiently",
    "read_arrow",
    "read_batches",
    "read_pandas",
    "relation",
]
