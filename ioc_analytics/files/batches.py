"""A batch: one file or one folder, opened, recognised and handed on as judged rows.

For: ingestion, the inbox. Not for: formats (``files.readers``), survey exports (``files.wide``),
or the decision whether a batch was taken before (the ledger).
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Final

from ioc_analytics.files.chunks import Chunk, judged_chunk
from ioc_analytics.files.formats import ACCEPTED, by_name
from ioc_analytics.files.mapping_records import Mapping
from ioc_analytics.files.readers import SourceFile, open_file
from ioc_analytics.files.wide import WideFile, check_columns
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.settings import LimitsSettings
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.records.contracts import (
    CONTRACT_VERSION,
    CONTRACTS,
    ColumnType,
    describe_columns,
    presentable_names,
)
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.kinds import ASSESSMENTS, KINDS, RESPONSES

_PARENT_ROWS: Final = 16
_CHILD_ROWS: Final = 32
"""Rows of a chunk per response of the batch size, for parents and for answers and scores."""

_IGNORED_ENDINGS: Final = (".tmp", ".part", ".partial", ".crdownload", ".swp", "~")
_NAMED_KIND: Final = re.compile(
    rf"(?P<kind>{'|'.join(sorted(KINDS, key=len, reverse=True))})(?:[^A-Za-z].*)?"
)


class Batch:
    """Files that are ingested in one transaction; made by ``open_batch``."""

    def __init__(
        self,
        name: str,
        files: Sequence[tuple[str | None, SourceFile]],
        mapping: Mapping | None,
        limits: LimitsSettings,
        batch_size: int,
        now: datetime,
    ) -> None:
        self.name = name
        self._files = tuple(files)
        self._mapping = mapping
        self._limits = limits
        self._batch_size = batch_size
        self._now = now

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files, in the order in which they are read."""
        return tuple(source.name for _, source in self._files)

    @property
    def is_wide(self) -> bool:
        """Whether the files are survey exports, a line of which is a response with its answers."""
        return self._mapping is not None

    @property
    def names_lines(self) -> bool:
        """Whether responses have no id of their own and are named after the batch and the line."""
        return self._mapping is not None and "response_id" not in self._mapping.respondent

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """The instruments that the mapping defines itself."""
        mapping = self._mapping
        if mapping is None or mapping.instrument is None or not mapping.is_own_instrument:
            return ()
        return (mapping.instrument,)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know before trusting the batch."""
        mapping = self._mapping
        if mapping is None:
            return ()
        found = []
        if self.names_lines:
            found.append(
                "no id column: responses are named after the content of the batch and their line; "
                "the same people in a corrected file count as new ones"
            )
        if mapping.started.fixed is not None:
            found.append(
                f"no time column: every response is dated {mapping.started.fixed:%Y-%m-%d}"
            )
        return tuple(found)

    def digest(self) -> bytes:
        """Return the 32 bytes that tell this batch from any other.

        SHA-256 over the decompressed content of the files, the mapping and the version of the
        contract. Names of files count only as far as they say what kind of record is meant.

        Raises:
            InvalidInput: A file is damaged or passes a limit.
            Unavailable: A file changed meanwhile.
        """
        return self._digest

    @cached_property
    def _digest(self) -> bytes:
        parts = sorted(
            (kind or "wide").encode() + b"\0" + source.digest() for kind, source in self._files
        )
        mapping = self._mapping.text.encode() if self._mapping else b""
        whole = hashlib.sha256(f"contract {CONTRACT_VERSION}\n".encode())
        for part in (*parts, hashlib.sha256(mapping).digest()):
            whole.update(part)
        return whole.digest()

    def chunks(self) -> Iterator[Chunk]:
        """Yield all rows, judged: parents before children, each line once.

        Raises:
            InvalidInput: A file cannot be read as what it is, or a limit is passed.
            Unavailable: A file changed while it was read.
        """
        n_responses = 0
        total = sum(source.stamp[0] for _, source in self._files) or 1
        before = 0
        for place, (kind, source) in enumerate(self._files):
            for chunk in self._chunks_of(place, kind, source):
                if chunk.kind == RESPONSES:
                    n_responses += chunk.table.num_rows
                    self._check_responses(n_responses)
                share = (before + chunk.share * source.stamp[0]) / total
                yield replace(chunk, share=share)
            before += source.stamp[0]

    def _chunks_of(self, place: int, kind: str | None, source: SourceFile) -> Iterator[Chunk]:
        if kind is None:
            if self._mapping is None:
                raise InvalidInput(f"{source.name} needs a mapping")
            prefix = self._digest.hex() + (f":{place + 1}" if len(self._files) > 1 else "")
            yield from WideFile(source, self._mapping, prefix, self._now).chunks(self._batch_size)
            return
        contract = CONTRACTS[kind]
        dropped = frozenset(source.columns) - set(contract.names)
        is_parent = kind in (ASSESSMENTS, RESPONSES)
        n_rows = self._batch_size * (_PARENT_ROWS if is_parent else _CHILD_ROWS)
        plain = _plain_columns(kind)
        for raw in source.chunks(frozenset(contract.names), plain, n_rows):
            yield judged_chunk(kind, raw, source.name, dropped, self._now)

    def _check_responses(self, n_responses: int) -> None:
        most = self._limits.max_batch_responses
        if n_responses > most:
            raise InvalidInput(
                f"{self.name} has more than {most} responses; split it, "
                "or raise ANALYTICS_MAX_BATCH_RESPONSES"
            )


def open_batch(
    path: Path,
    *,
    mapping: Mapping | None,
    limits: LimitsSettings,
    batch_size: int,
    now: datetime | None = None,
) -> Batch:
    """Open a file or a folder as a batch; reads no more than the headers.

    In a folder, hidden and temporary files are left out. A file's kind follows its name
    (``responses.csv.gz``, ``scores-2024.parquet``), else its columns. With a mapping every file is
    a survey export.

    Args:
        path: The file or folder.
        mapping: How to read survey exports; None for files in the shape of the contracts.
        limits: What one batch may be at most.
        batch_size: Responses per chunk of a survey export; records in files of their own come 16
            times (parents) or 32 times (children) as many at once.
        now: The present, for times in the future; by default, now.

    Raises:
        InvalidInput: Nothing that can be read is there; the message names the file and why.
    """
    if not path.exists():
        raise InvalidInput(f"there is no file or folder {path}")
    names = _names_in(path, mapping) if path.is_dir() else [path.name]
    folder = path if path.is_dir() else path.parent
    sources = [open_file(folder / name, name, limits) for name in names]
    if mapping is None:
        files = sorted(
            ((_kind_of(source), source) for source in sources),
            key=lambda pair: (KINDS.index(pair[0]), pair[1].name),
        )
        for kind, source in files:
            _check_source(kind, source)
        return Batch(path.name, files, None, limits, batch_size, now or utc_now())
    for source in sources:
        check_columns(source, mapping)
    wide = [(None, source) for source in sources]
    return Batch(path.name, wide, mapping, limits, batch_size, now or utc_now())


def _names_in(folder: Path, mapping: Mapping | None) -> list[str]:
    names = sorted(entry.name for entry in folder.iterdir() if not _is_passing(entry.name))
    if mapping and mapping.files:
        names = [name for name in names if any(fnmatchcase(name, p) for p in mapping.files)]
    unknown = [name for name in names if (folder / name).is_dir() or by_name(name) is None]
    if unknown:
        raise InvalidInput(
            f"{folder.name}: {', '.join(unknown[:5])} cannot be read; a batch holds nothing but "
            f"{ACCEPTED}. Take them out, or name the files to read in the mapping (files = [...])"
        )
    if not names:
        raise InvalidInput(f"{folder.name} holds no file to read; give {ACCEPTED}")
    return names


def _is_passing(name: str) -> bool:
    return name.startswith((".", "_")) or name.endswith(_IGNORED_ENDINGS)


def _kind_of(source: SourceFile) -> str:
    match = _NAMED_KIND.fullmatch(source.format.stem.lower())
    if match:
        return match["kind"]
    fitting = {
        kind: len(set(contract.names) & set(source.columns))
        for kind, contract in CONTRACTS.items()
        if set(contract.required) <= set(source.columns)
    }
    if fitting:
        return max(fitting, key=lambda kind: fitting[kind])
    raise InvalidInput(
        f"{source.name}: neither its name ({', '.join(KINDS)}) nor its columns say what records "
        f"these are{_nearest_kind(source)}. Found: {describe_columns(source.columns)}. "
        "A survey export, one row per person, needs a mapping (--mapping)"
    )


def _nearest_kind(source: SourceFile) -> str:
    present = set(source.columns)
    kind, contract = max(CONTRACTS.items(), key=lambda item: len(present & set(item[1].required)))
    if not present & set(contract.required):
        return ""
    missing = [name for name in contract.required if name not in present]
    spare = [name for name in presentable_names(source.columns) if name not in contract.names]
    hints = ", ".join(f"{name!r}{did_you_mean(name, spare)}" for name in missing)
    return f" (nearest: {kind}, which also need {hints})"


def _check_source(kind: str, source: SourceFile) -> None:
    CONTRACTS[kind].check_present(source.columns, source.name)
    if source.repeated:
        twice = "; ".join(_repetition(source, name) for name in sorted(source.repeated))
        raise InvalidInput(f"{source.name}: the header has {twice}; name each column once")


def _repetition(source: SourceFile, name: str) -> str:
    """Return where a name is repeated; the name itself where it is not a value."""
    places = [
        str(place)
        for place, column in enumerate(source.columns, 1)
        if column == name or column.startswith(f"{name}#")
    ]
    shown = repr(name) if name in presentable_names(source.columns) else "the same name"
    return f"{shown} more than once (columns {', '.join(places[:-1])} and {places[-1]})"


def _plain_columns(kind: str) -> frozenset[str]:
    """Return the columns whose texts hardly repeat, or which are read as numbers or times."""
    contract = CONTRACTS[kind]
    numeric = {
        column.name
        for column in contract.columns
        if column.type in (ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.TIME)
    }
    own_id = {contract.names[0]} if kind in (ASSESSMENTS, RESPONSES) else set()
    return frozenset(numeric | own_id | {"email", "name", "ip_address", "respondent_id"})
