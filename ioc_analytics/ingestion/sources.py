"""What can be ingested: files with an operational mapping, or frames that are anonymised already.

For: the facade. Not for: parsing (``files``), pseudonyms and refusals (``privacy``).
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from ioc_analytics.files.batches import Batch
from ioc_analytics.ingestion.ingest import AnonymisedChunk
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.privacy.anonymize import anonymize
from ioc_analytics.privacy.check import refuse_identifiable
from ioc_analytics.privacy.pipeline import AnonymizedData
from ioc_analytics.privacy.pseudonyms import Pseudonymizer
from ioc_analytics.privacy.values import storable_name
from ioc_analytics.records.contracts import CONTRACT_VERSION
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.kinds import KINDS, QUESTION_RESPONSES

_ANSWERS_PER_RESPONSE = 128
"""Rows of answers that are taken at once for each response of a chunk."""


class FileBatch:
    """A batch of operational files, pseudonymised on the way."""

    def __init__(self, batch: Batch, pseudonymizer: Pseudonymizer) -> None:
        self._batch = batch
        self._pseudonymizer = pseudonymizer

    @property
    def name(self) -> str:
        """Name of the file or folder; described where it would identify a person."""
        return storable_name(self._batch.name)

    @property
    def files(self) -> tuple[str, ...]:
        """Names of its files, as the quarantine calls them."""
        return tuple(map(storable_name, self._batch.files))

    @property
    def key_id(self) -> str:
        """Pseudonym key that its ids are made with."""
        return self._pseudonymizer.key_id

    @property
    def is_wide(self) -> bool:
        """Whether a line is a response with its answers."""
        return self._batch.is_wide

    @property
    def names_lines(self) -> bool:
        """Whether responses are named after the content of the batch and their line."""
        return self._batch.names_lines

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about it."""
        return tuple(self._batch.warnings)

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Instruments that its mapping brings along."""
        return tuple(self._batch.instruments)

    def digest(self) -> bytes:
        """SHA-256 of the decompressed files, the mapping, the contract and the pseudonym key's id.

        The key belongs to it: the same file under another key is other content.
        """
        key_id = self._pseudonymizer.key_id.encode()
        return hashlib.sha256(self._batch.digest() + key_id).digest()

    def chunks(self) -> Iterator[AnonymisedChunk]:
        """Yield the records, pseudonymised."""
        for chunk in self._batch.chunks():
            result = anonymize(chunk.kind, chunk.table, self._pseudonymizer)
            yield AnonymisedChunk(
                chunk.kind,
                result.table,
                storable_name(chunk.file),
                {
                    name: chunk.repairs.get(name, 0) + result.repairs.get(name, 0)
                    for name in {*chunk.repairs, *result.repairs}
                },
                frozenset(map(storable_name, chunk.dropped_columns)),
                chunk.share,
            )


class FrameBatch:
    """Anonymised frames in memory, as one batch."""

    name = "frames"
    warnings: tuple[str, ...] = ()
    instruments: tuple[Instrument, ...] = ()

    def __init__(self, data: Mapping[str, Any], batch_size: int) -> None:
        """Check the frames.

        Args:
            data: What ``AnonymizationPipeline.process_data`` returned, or a mapping from kind of
                record to DataFrame, Arrow table or list of dicts in the anonymised columns.
            batch_size: Responses per chunk.

        Raises:
            InvalidInput: A kind or column is unknown.
            PrivacyRefusal: Something in the frames identifies somebody.
        """
        unknown = [kind for kind in data if kind not in KINDS]
        if unknown:
            raise InvalidInput(
                f"unknown kind of record {unknown[0]!r}{did_you_mean(unknown[0], KINDS)}; "
                f"kinds are {', '.join(KINDS)}"
            )
        self._batch_size = batch_size
        self._tables: dict[str, pa.Table] = {}
        self._repairs: dict[str, Mapping[str, int]] = {}
        self._dropped: dict[str, frozenset[str]] = {}
        for kind in KINDS:
            if isinstance(data, AnonymizedData):
                if kind in data:
                    self._tables[kind] = data.with_lines(kind)
                    self._repairs[kind] = data.repairs.get(kind, {})
                    self._dropped[kind] = data.dropped_columns.get(kind, frozenset())
            elif data.get(kind) is not None:
                result = refuse_identifiable(kind, data[kind])
                self._tables[kind], self._repairs[kind] = result.table, result.repairs
        self.key_id = data.key_id if isinstance(data, AnonymizedData) else None

    def digest(self) -> bytes:
        """SHA-256 of the frames and the contract version."""
        total = hashlib.sha256(f"frames {CONTRACT_VERSION}".encode())
        for kind, table in self._tables.items():
            total.update(kind.encode())
            plain = table.combine_chunks()
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, plain.schema) as writer:
                writer.write_table(plain)
            total.update(sink.getvalue())
        return total.digest()

    def chunks(self) -> Iterator[AnonymisedChunk]:
        """Yield the records in chunks."""
        total = sum(table.num_rows for table in self._tables.values())
        read = 0
        for kind, table in self._tables.items():
            size = self._batch_size
            size *= _ANSWERS_PER_RESPONSE if kind == QUESTION_RESPONSES else 1
            repairs, dropped = self._repairs[kind], self._dropped.get(kind, frozenset())
            for start in np.arange(0, table.num_rows, size).tolist():
                part = table.slice(start, size)
                read += part.num_rows
                share = read / total
                yield AnonymisedChunk(kind, part, f"{kind} frame", repairs, dropped, share)
                repairs, dropped = {}, frozenset()
