"""Judging and writing assessments.

For: ``ingestion.ingest``. Not for: their responses. Assessments are few (thousands, where answers
are millions), so they are judged one by one.
"""

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
from ioc_analytics.ingestion.versions import ACCEPTED, DUPLICATE, judge_version
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.kinds import ASSESSMENTS
from ioc_analytics.records.vocabularies import UNKNOWN
from ioc_analytics.schema.catalogues import add_categories

_DIMENSIONS: Final = (
    "org_hash", "industry_category", "org_size_category", "assessment_type", "instrument",
)  # fmt: skip
"""Columns that the states of the responses depend on."""


class AssessmentDesk:
    """Takes the assessments of a batch."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._accepted: set[bytes] = set()

    def take(self, records: pa.RecordBatch, origin: Origin) -> None:
        """Judge assessments and write those that are new or newer."""
        rows = records.to_pylist()
        digests = row_digests(content_columns(records)).tolist()
        stored = self._stored([row["id"] for row in rows])
        for at, (row, content) in enumerate(zip(rows, digests, strict=True)):
            version = row["updated_at"] or row["published_at"] or row["created_at"]
            old = stored.get(row["id"])
            outcome = (
                ACCEPTED
                if old is None
                else judge_version(
                    microseconds(version),
                    content,
                    microseconds(old["version"]),
                    old["content"],
                    allows_replacing=self._load.allows_replacing,
                )
            )
            if outcome == ACCEPTED and old is not None and self._changes_instrument(row, old):
                outcome = "instrument"
            if outcome == ACCEPTED:
                row |= {"version": version, "content": content, "batch_id": self._load.batch_id}
                self._write(row, old, origin)
                stored[row["id"]] = row
            elif outcome == DUPLICATE:
                origin.count(ASSESSMENTS, "duplicates", 1)
            else:
                column = "instrument" if outcome == "instrument" else None
                origin.refuse(ASSESSMENTS, records.slice(at, 1), "conflict", column)

    def _stored(self, ids: list[bytes]) -> dict[bytes, dict[str, Any]]:
        cursor = self._load.connection.execute(
            sqlfiles.query("ingestion/stored_assessments"),
            {"ids": [UUID(bytes=identifier) for identifier in set(ids)]},
        )
        names = [column.name for column in cursor.description or ()]
        found: dict[bytes, dict[str, Any]] = {}
        for values in cursor:
            row = dict(zip(names, values, strict=True))
            row["id"], row["org_hash"] = row["id"].bytes, row["org_hash"].bytes
            found[row["id"]] = row
        return found

    def _changes_instrument(self, row: dict[str, Any], old: dict[str, Any]) -> bool:
        # Stored answers follow the old instrument; another one would give them another meaning.
        return old["instrument"] not in (UNKNOWN, row["instrument"])

    def _write(self, row: dict[str, Any], old: dict[str, Any] | None, origin: Origin) -> None:
        load = self._load
        load.know_assessment(
            AssessmentFacts(row["id"], row["org_hash"], row["region"], row["instrument"])
        )
        values = {name: row[name] for name in row if not name.startswith("_")}
        values["id"], values["org_hash"] = UUID(bytes=row["id"]), UUID(bytes=row["org_hash"])
        if not load.is_check:
            add_categories(
                load.connection,
                {
                    "assessment_type": [row["assessment_type"]],
                    "instrument": [row["instrument"]],
                },
            )
        load.execute("write_assessment", values)
        if row["id"] in self._accepted:
            # A newer version within the same batch: the older one was a duplicate after all.
            origin.count(ASSESSMENTS, "accepted", -1)
            origin.count(ASSESSMENTS, "duplicates", 1)
        self._accepted.add(row["id"])
        origin.count(ASSESSMENTS, "accepted", 1)
        if old is not None:
            if old["batch_id"] != load.batch_id:
                load.replaced_batches.add(old["batch_id"])
            if any(row[name] != old[name] for name in _DIMENSIONS):
                self._touch_responses(values)

    def _touch_responses(self, values: dict[str, Any]) -> None:
        self._load.execute("move_responses", {"id": values["id"], "org_hash": values["org_hash"]})
        for (day,) in self._load.connection.execute(
            sqlfiles.query("ingestion/days_of_assessment"), {"id": values["id"]}
        ):
            self._load.touched.add(day)
