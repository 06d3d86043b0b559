"""Judging and writing assessments.

For: ``ingestion.ingest``. Not for: their responses. Assessments are few (thousands, where answers
are millions), so they are judged one by one.
"""

from collections.abc import Set
from datetime import UTC
from typing import Any, Final
from uuid import UUID

import pyarrow as pa

from ioc_analytics.ingestion.digests import row_digests
from ioc_analytics.ingestion.load import (
    AssessmentFacts,
    Load,
    Origin,
    content_columns,
    microseconds,
)
from ioc_analytics.ingestion.versions import ACCEPTED, CONFLICT, DUPLICATE, judge_version
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import Unavailable
from ioc_analytics.records.kinds import ASSESSMENTS, RESPONSES
from ioc_analytics.records.tables import ANONYMISED_SCHEMAS
from ioc_analytics.records.vocabularies import UNKNOWN
from ioc_analytics.schema.catalogues import OPEN_VOCABULARIES, add_categories

_DIMENSIONS: Final = (
    "org_hash", "industry_category", "org_size_category", "region", "assessment_type", "instrument",
)  # fmt: skip
"""Columns that the states of the responses depend on."""

_SET_UP: Final = ("created_at", "industry_category", "org_size_category", "region")
"""Columns by which the assessments set up on a day are counted, with or without responses."""

_OTHER_INSTRUMENT: Final = "other instrument"

_CONTENT: Final = pa.field("content", pa.int64())


class AssessmentDesk:
    """Takes the assessments of a batch."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._accepted: dict[bytes, dict[str, Any]] = {}

    def take(self, records: pa.RecordBatch, origin: Origin) -> None:
        """Judge assessments and write those that are new or newer."""
        rows = records.to_pylist()
        digests = row_digests(content_columns(records)).tolist()
        # A check writes nothing, so what was accepted before is not found in the database.
        ids = {row["id"] for row in rows}
        before = self._stored(ids - self._accepted.keys())
        before |= {i: self._accepted[i] for i in ids & self._accepted.keys()}
        newest = dict(before)
        accepted: dict[bytes, dict[str, Any]] = {}
        for at, (row, content) in enumerate(zip(rows, digests, strict=True)):
            version = row["updated_at"] or row["published_at"] or row["created_at"]
            row |= {"version": version, "content": content, "batch_id": self._load.batch_id}
            known = newest.get(row["id"])
            outcome = ACCEPTED if known is None else self._judge(row, known)
            if outcome == ACCEPTED:
                self._count_accepted(row, origin)
                newest[row["id"]] = accepted[row["id"]] = row
            elif outcome == DUPLICATE:
                origin.count(ASSESSMENTS, "duplicates", 1)
            else:
                column = "instrument" if outcome == _OTHER_INSTRUMENT else None
                origin.refuse(ASSESSMENTS, records.slice(at, 1), CONFLICT, column)
        self._write(list(accepted.values()), before.keys())
        for row in accepted.values():
            self._follow(row, before.get(row["id"]))

    def _judge(self, row: dict[str, Any], known: dict[str, Any]) -> str:
        outcome = judge_version(
            microseconds(row["version"]),
            row["content"],
            microseconds(known["version"]),
            known["content"],
            allows_replacing=self._load.allows_replacing,
        )
        # Stored answers follow the old instrument; another one would give them another meaning.
        if outcome == ACCEPTED and known["instrument"] not in (UNKNOWN, row["instrument"]):
            return _OTHER_INSTRUMENT
        return outcome

    def _count_accepted(self, row: dict[str, Any], origin: Origin) -> None:
        if row["id"] in self._accepted:
            # A newer version within the same batch: the older one was a duplicate after all.
            origin.count(ASSESSMENTS, "accepted", -1)
            origin.count(ASSESSMENTS, "duplicates", 1)
        self._accepted[row["id"]] = row
        origin.count(ASSESSMENTS, "accepted", 1)

    def _stored(self, ids: set[bytes]) -> dict[bytes, dict[str, Any]]:
        cursor = self._load.connection.execute(
            sqlfiles.query("ingestion/stored_assessments"),
            {"ids": [UUID(bytes=identifier) for identifier in ids]},
        )
        names = [column.name for column in cursor.description or ()]
        found: dict[bytes, dict[str, Any]] = {}
        for values in cursor:
            row = dict(zip(names, values, strict=True))
            row["id"], row["org_hash"] = row["id"].bytes, row["org_hash"].bytes
            found[row["id"]] = row
        return found

    def _write(self, rows: list[dict[str, Any]], known: Set[bytes]) -> None:
        load = self._load
        for row in rows:
            load.know_assessment(
                AssessmentFacts(row["id"], row["org_hash"], row["region"], row["instrument"])
            )
        if load.is_check or not rows:
            return
        add_categories(
            load.connection,
            {name: [row[name] for row in rows] for name in OPEN_VOCABULARIES},
        )
        with load.connection.cursor() as cursor:
            cursor.executemany(
                sqlfiles.query("ingestion/write_assessment"),
                [
                    {name: value for name, value in row.items() if not name.startswith("_")}
                    | {name: UUID(bytes=row[name]) for name in ("id", "org_hash")}
                    | {"is_known": row["id"] in known}
                    for row in rows
                ],
            )
            if cursor.rowcount < len(rows):
                raise Unavailable("another batch brings the same assessments now; try again")

    def _follow(self, row: dict[str, Any], old: dict[str, Any] | None) -> None:
        """Let its day, and responses and states of a corrected one, follow an assessment."""
        load = self._load
        if old is None or any(row[name] != old[name] for name in _SET_UP):
            load.set_up |= {one["created_at"].astimezone(UTC).date() for one in (row, old) if one}
        if old is None:
            return
        if old["batch_id"] != load.batch_id:
            load.replaced_batches.add(old["batch_id"])
        if all(row[name] == old[name] for name in _DIMENSIONS):
            return
        if row["region"] != old["region"]:
            self._move_regions(row, old["region"])
        identifiers = {name: UUID(bytes=row[name]) for name in ("id", "org_hash")}
        load.execute("move_responses", identifiers)
        for (day,) in load.connection.execute(
            sqlfiles.query("ingestion/days_of_assessment"), identifiers
        ):
            load.touched.add(day)

    def _move_regions(self, row: dict[str, Any], old_region: str) -> None:
        """Give the region of the assessment to those responses that came without their own."""
        schema = ANONYMISED_SCHEMAS[RESPONSES]
        identifier = UUID(bytes=row["id"])
        rows = self._load.connection.execute(
            sqlfiles.query("ingestion/responses_of_region"),
            {"id": identifier, "region": old_region},
        ).fetchall()
        if not rows:
            return
        columns = [
            pa.array([v.bytes if isinstance(v, UUID) else v for v in column], type=field.type)
            for column, field in zip(zip(*rows, strict=True), [*schema, _CONTENT], strict=True)
        ]
        # The digest was taken of the response as it came: it tells whose region this is.
        at = schema.get_field_index("region")
        columns[at] = pa.array([UNKNOWN] * len(rows))
        digests = row_digests(pa.RecordBatch.from_arrays(columns[:-1], schema=schema))
        inherits = digests == columns[-1].to_numpy()
        ids = [found[0] for found, is_theirs in zip(rows, inherits, strict=True) if is_theirs]
        self._load.execute("move_regions", {"id": identifier, "ids": ids, "region": row["region"]})
