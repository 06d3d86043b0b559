"""The peer: dlt's CSV load of a batch's Parquet files. Runs in the venv of the peers.

Usage: python peer_dlt.py BATCH WORK_FOLDER < credentials.json; prints the seconds of the load.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import dlt  # type: ignore[import-not-found]
import pyarrow as pa
import pyarrow.parquet as pq
from dlt.destinations import postgres  # type: ignore[import-not-found]
from dlt.destinations.impl.postgres.configuration import (  # type: ignore[import-not-found]
    PostgresCredentials,
)


def main(batch: Path, work: Path) -> None:
    """Load every file of the batch into a table of its own."""
    target = json.load(sys.stdin)
    # A socket's folder is no host name for dlt; libpq takes it from the query of the address.
    query = f"host={quote(target['host'], safe='')}&port={target['port']}"
    account = f"{target['username']}:{quote(target['password'] or '', safe='')}"
    credentials = PostgresCredentials(
        f"postgresql://{account}@localhost/{target['database']}?{query}"
    )
    pipeline = dlt.pipeline(
        pipeline_name="peer",
        pipelines_dir=str(work),
        destination=postgres(credentials=credentials),
        dataset_name="peer",
    )
    resources = [
        dlt.resource(_rows(path), name=path.stem, write_disposition="append")
        for path in sorted(batch.glob("*.parquet"))
    ]
    started = time.perf_counter()
    pipeline.run(resources, loader_file_format="csv")
    print(time.perf_counter() - started)


def _rows(path: Path) -> Iterator[pa.Table]:
    file = pq.ParquetFile(path)
    for batch in file.iter_batches(batch_size=131_072):
        table = pa.Table.from_batches([batch])
        plain = [
            field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
            for field in table.schema
        ]
        yield table.cast(pa.schema(plain))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
