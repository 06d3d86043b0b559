"""Operational frames in, anonymised tables out, without files and without a database.

For: pipelines that hold their records in memory, and ``ingest_data``. Not for: files
(``ingestion`` reads them as a stream).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.privacy.anonymize import anonymize
from ioc_analytics.privacy.frames import as_table
from ioc_analytics.privacy.keys import load_pseudonymizer
from ioc_analytics.privacy.pseudonyms import Pseudonymizer
from ioc_analytics.privacy.values import storable_name
from ioc_analytics.records.judge import judge
from ioc_analytics.records.kinds import ASSESSMENTS, KINDS
from ioc_analytics.records.organizations import (
    Organizations,
    fill_organizations,
    read_organizations,
)
from ioc_analytics.records.tables import ANONYMISED_SCHEMAS

_KEY_SETTINGS: Final = {"pseudonym_key", "pseudonym_key_file"}


@dataclass(frozen=True, slots=True)
class Rejected:
    """One record that was refused."""

    kind: str
    """One of ``kinds.KINDS``."""

    line: int
    """Row of the frame, from 1."""

    rule: str
    """The broken rule."""

    column: str | None
    """The operational column that broke it."""

    value: str | None
    """The offending value, or a description of it where it could identify somebody."""


class AnonymizedData(Mapping[str, pa.Table]):
    """Anonymised tables by kind of record, with an account of what was repaired and refused.

    The mapping holds accepted records in the columns of ``records.tables.ANONYMISED_SCHEMAS``.
    """

    def __init__(
        self,
        judged: Mapping[str, pa.Table],
        repairs: Mapping[str, Counter[str]],
        dropped_columns: Mapping[str, frozenset[str]],
        key_id: str,
    ) -> None:
        """Take every record with its line columns, kind by kind."""
        self._judged = dict(judged)
        self._accepted = {kind: _accepted(kind, table) for kind, table in judged.items()}
        self.repairs: Mapping[str, Counter[str]] = dict(repairs)
        """How many values became unknown or missing: by kind, then by ``column:rule``."""
        self.dropped_columns: Mapping[str, frozenset[str]] = dict(dropped_columns)
        """Columns that no contract knows, by kind; they were left out."""
        self.rejected: tuple[Rejected, ...] = tuple(
            refused for kind, table in judged.items() for refused in _rejected(kind, table)
        )
        """The refused records, in the order of kinds and rows."""
        self.key_id = key_id
        """Which key the pseudonyms were made with."""

    def __getitem__(self, kind: str) -> pa.Table:
        return self._accepted[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._accepted)

    def __len__(self) -> int:
        return len(self._accepted)

    def __repr__(self) -> str:
        rows = ", ".join(f"{kind}: {table.num_rows} rows" for kind, table in self.items())
        return f"AnonymizedData({rows}; {len(self.rejected)} rejected)"

    def with_lines(self, kind: str) -> pa.Table:
        """Return every record of a kind, refused ones too, with the line columns.

        Id columns may be dictionary-encoded. This is what ingestion stores and quarantines.
        """
        return self._judged[kind]


class AnonymizationPipeline:
    """Judges and anonymises operational records held in memory.

    Example:
        >>> pipeline = AnonymizationPipeline({"pseudonym_key": "ab" * 32})
        >>> data = pipeline.process_data({"responses": [
        ...     {"response_id": "r1", "assessment_id": "a1", "email": "ada@example.org",
        ...      "gender": "Woman", "age": 36, "started_at": "2026-01-05T10:00:00Z"}]})
        >>> data["responses"].select(["gender", "age_band"]).to_pylist()
        [{'gender': 'female', 'age_band': '35_44'}]
    """

    def __init__(self, settings: AnalyticsConfig | Mapping[str, Any] | None = None) -> None:
        """Load the pseudonym key.

        Args:
            settings: The installation's settings; or a mapping in their shape, where the key may
                also stand at the top as ``pseudonym_key`` or ``pseudonym_key_file``; or None for
                the environment.

        Raises:
            ConfigurationError: A setting is wrong or no key can be had.
        """
        self._pseudonymizer = load_pseudonymizer(_as_config(settings))

    @property
    def pseudonymizer(self) -> Pseudonymizer:
        """The pseudonyms of this pipeline, for looking one up."""
        return self._pseudonymizer

    def process_data(
        self, operational: Mapping[str, Any], organizations: Any = None
    ) -> AnonymizedData:
        """Judge and anonymise records of any subset of kinds.

        Args:
            operational: A DataFrame, Arrow table or list of dicts by kind (``assessments``,
                ``responses``, ``question_responses``, ``scores``, ``ai_validations``), in the
                operational columns. Columns that no contract knows are left out.
            organizations: What is known of companies: a frame with ``organization_id`` and
                ``industry`` (the name of a sector), ``employee_count`` or both; it wins over what
                an assessment says. Others stay as their assessments say, or ``unknown``.

        Returns:
            What ``ingest_data`` takes.

        Raises:
            InvalidInput: A kind is unknown, a required column missing, a frame unreadable, or a
                sector none of the list.
        """
        for kind in operational:
            if kind not in KINDS:
                raise InvalidInput(
                    f"unknown kind of record {kind!r}{did_you_mean(kind, KINDS)}; "
                    f"kinds are {', '.join(KINDS)}"
                )
        known = _organizations(organizations)
        now = utc_now()
        tables: dict[str, pa.Table] = {}
        repairs: dict[str, Counter[str]] = {}
        dropped: dict[str, frozenset[str]] = {}
        for kind in KINDS:
            if kind not in operational:
                continue
            judged = judge(kind, as_table(operational[kind], kind), 1, now=now)
            table = judged.table
            if kind == ASSESSMENTS:
                table = fill_organizations(table, known)
            anonymized = anonymize(kind, table, self._pseudonymizer)
            tables[kind] = anonymized.table
            dropped[kind] = frozenset(map(storable_name, judged.dropped_columns))
            repairs[kind] = anonymized.repairs + Counter(
                {f"{column}:{rule}": n for (column, rule), n in judged.repairs.items()}
            )
        return AnonymizedData(tables, repairs, dropped, self._pseudonymizer.key_id)


def _as_config(settings: AnalyticsConfig | Mapping[str, Any] | None) -> AnalyticsConfig:
    if isinstance(settings, AnalyticsConfig):
        return settings
    if settings is None:
        return AnalyticsConfig.load()
    key = {name: settings[name] for name in _KEY_SETTINGS & settings.keys()}
    rest = {name: value for name, value in settings.items() if name not in key}
    overrides = {"privacy": key} if key else {}
    return AnalyticsConfig.load(mapping=rest, **overrides)


def _organizations(frame: Any) -> Organizations:
    if frame is None:
        return {}
    table = as_table(frame, "organizations")
    if "organization_id" not in table.column_names:
        raise InvalidInput("organizations: the column organization_id is missing")
    rows = table.to_pylist()
    entries = {
        str(row.pop("organization_id")): {
            # A frame with gaps holds whole numbers as fractions.
            name: int(value) if isinstance(value, float) and value.is_integer() else value
            for name, value in row.items()
            if value is not None
        }
        for row in rows
    }
    if len(entries) < len(rows):
        raise InvalidInput("organizations: an organization_id is there twice; keep one row of each")
    return read_organizations(entries, "organizations")


def _accepted(kind: str, table: pa.Table) -> pa.Table:
    schema = ANONYMISED_SCHEMAS[kind]
    kept = table.filter(pc.is_null(table["_rule"])).select(schema.names)
    return kept.cast(schema)


def _rejected(kind: str, table: pa.Table) -> Iterator[Rejected]:
    refused = table.filter(pc.is_valid(table["_rule"]))
    for row in refused.select(["_line", "_rule", "_column", "_value"]).to_pylist():
        yield Rejected(kind, row["_line"], row["_rule"], row["_column"], row["_value"])
