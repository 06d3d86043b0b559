"""Writing the expired rows of a month to an archive before they go.

For: ``maintenance.retention``. Not for: the format (``files.archives``), or backups: an archive
holds rows, a backup brings a whole installation back.
"""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv
from psycopg import sql

from ioc_analytics.files.archives import (
    SCHEMAS,
    ArchiveManifest,
    new_archive,
    write_manifest,
    write_records,
)
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import ConfigurationError, IntegrityFailure
from ioc_analytics.maintenance.expiry import TABLES
from ioc_analytics.records.contracts import CONTRACT_VERSION
from ioc_analytics.records.kinds import AI_VALIDATIONS, KINDS, QUESTION_RESPONSES, RESPONSES, SCORES
from ioc_analytics.records.retention import ExpiredMonth
from ioc_analytics.states.rebuild import midnight, next_month

_BLOCK_BYTES: Final = 8 * 1024**2
_TABLE_OF: Final = dict(
    zip((RESPONSES, QUESTION_RESPONSES, SCORES, AI_VALIDATIONS), TABLES[:4], strict=True)
)


def archive_month(connection: psycopg.Connection[Any], month: ExpiredMonth, folder: Path) -> Path:
    """Write the expired rows of a month, in the caller's transaction, and return their folder.

    Args:
        connection: A connection of the ingesting role; no batch may commit rows meanwhile.
        month: The rows.
        folder: Folder of the archives.

    Raises:
        ConfigurationError: The folder cannot be written.
        IntegrityFailure: Other rows were written than planned.
    """
    place = folder / f"{month.month:%Y-%m}-to-batch-{month.last_batch}"
    bounds = {
        "start": midnight(month.month),
        "end": midnight(next_month(month.month)),
        "last_batch": month.last_batch,
    }
    try:
        with new_archive(place) as draft:
            files = {
                kind: write_records(draft, kind, _records(connection, kind, bounds))
                for kind in KINDS
            }
            keys = connection.execute(
                sqlfiles.query("maintenance/archive_keys"), {"batches": list(month.batches)}
            ).fetchall()
            manifest = ArchiveManifest(
                month=f"{month.month:%Y-%m}",
                last_batch=month.last_batch,
                batches=month.batches,
                key_ids=tuple(key for (key,) in keys),
                contract_version=CONTRACT_VERSION,
                written_at=utc_now().isoformat(),
                files=files,
            )
            write_manifest(draft, manifest)
            for kind, table in _TABLE_OF.items():
                if files[kind].rows != month.rows[table]:
                    raise IntegrityFailure(
                        f"{files[kind].rows:,} {kind} of {month.month:%Y-%m} were archived, and "
                        f"{month.rows[table]:,} are to go; they stay. Plan again"
                    )
    except OSError as fault:
        raise ConfigurationError(
            f"archives cannot be written to {folder} ({fault.strerror}): make room or make it "
            "writable, or set ANALYTICS_ARCHIVE_FOLDER to another folder; the rows stay"
        ) from fault
    return place


def _records(
    connection: psycopg.Connection[Any], kind: str, bounds: Mapping[str, Any]
) -> Iterator[pa.RecordBatch]:
    statement = sqlfiles.query(f"maintenance/archive_{kind}")
    command = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(sql.SQL(statement))
    held: list[bytes] = []
    size = 0
    with connection.cursor() as cursor, cursor.copy(command, bounds) as copy:
        for line in copy:  # the server sends whole lines
            held.append(bytes(line))
            size += len(line)
            if size >= _BLOCK_BYTES:
                yield from _parsed(kind, held)
                held, size = [], 0
    if held:
        yield from _parsed(kind, held)


def _parsed(kind: str, lines: list[bytes]) -> list[pa.RecordBatch]:
    data = b"".join(lines)
    schema = SCHEMAS[kind]
    table = pa_csv.read_csv(
        io.BytesIO(data),
        pa_csv.ReadOptions(column_names=schema.names, block_size=len(data)),
        pa_csv.ParseOptions(newlines_in_values=True),
        pa_csv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    batches: list[pa.RecordBatch] = table.to_batches()
    return batches
