"""Synthetic operational files of any size, with the count of everything planted in them.

For: ``generate``, the demonstration, tests of ingestion, benchmarks. Not for: what the records say
(``population``, ``generator``, ``tables``) or reading files (``ioc_analytics.files``).

Example:
    >>> made = generate_files(Path("year"), responses=1_000, seed=7)  # doctest: +SKIP
    >>> made.rows["responses"]  # doctest: +SKIP
    1000
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from ioc_analytics.files.instruments import builtin_instruments
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.kinds import (
    AI_VALIDATIONS,
    ASSESSMENTS,
    QUESTION_RESPONSES,
    RESPONSES,
    SCORES,
)
from ioc_analytics.synthetic.folders import Folders, count_months
from ioc_analytics.synthetic.generator import STATUSES, Chunk, Generator, Order, Plan
from ioc_analytics.synthetic.planting import FAULTS, Fault, Planting, Shares, plant, spoil
from ioc_analytics.synthetic.population import REFERENCE, IntArray, Population
from ioc_analytics.synthetic.tables import AnswerFaults, RecordTables
from ioc_analytics.synthetic.writers import Compression, FileFormat, textual

Batches = Literal["single", "monthly"]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class GeneratedFiles:
    """What was written, and the truth about it."""

    batches: tuple[Path, ...]
    """The folders, one batch each, in order of time."""
    paths: tuple[Path, ...]
    """All files, sorted."""
    rows: Mapping[str, int]
    """Rows per kind of record in all files, everything planted included."""
    statuses: Mapping[str, int]
    """Distinct good responses per status."""
    late: Mapping[str, int]
    """Rows per kind that stand in a later folder than their start says."""
    duplicates: Mapping[str, int]
    """Rows per kind that repeat another row exactly."""
    dirty: Mapping[str, int]
    """Rows per planted fault, named ``kind.fault`` as in ``planting.FAULTS``."""
    size_bytes: int

    def to_dict(self) -> dict[str, object]:
        """Return the record ready for JSON."""
        content: dict[str, object] = asdict(self)
        for name in ("batches", "paths"):
            content[name] = [str(path) for path in getattr(self, name)]
        return content


def generate_files(
    out: Path,
    *,
    responses: int,
    seed: int = 0,
    start: date = date(2025, 1, 1),
    days: int = 365,
    batches: Batches = "single",
    file_format: FileFormat = "parquet",
    compression: Compression = None,
    order: Order = "random",
    late_share: float = 0.0,
    duplicate_share: float = 0.0,
    dirty_share: float = 0.0,
    with_ai: bool = True,
    with_scores: bool = False,
    with_answer_times: bool = False,
    organizations: int = 200,
    population: Population = REFERENCE,
    progress: Progress | None = None,
) -> GeneratedFiles:
    """Write operational files of IPIP-50 responses; memory does not grow with their number.

    A batch is a folder with one file per kind of record. It appears under its name when it is
    complete, so ``out`` may lie in a watched inbox.

    Args:
        out: The batch folder (``single``), or the folder of the batches ``2025-01`` and so on
            (``monthly``). It must not exist or be empty.
        responses: Number of good responses, 1 or more.
        seed: 0 or more. The same seed and arguments give the same bytes; see ``generator`` for what
            stays the same when ``responses`` changes.
        start: First day of the period (UTC).
        days: Length of the period.
        batches: One batch, or one per calendar month.
        file_format: Kind of file.
        compression: Of the files; of the pages in Parquet (None: snappy there).
        order: Responses in random order, or by time of start.
        late_share: Share of responses delivered one to three months late; monthly batches only.
        duplicate_share: Share of responses delivered twice.
        dirty_share: Share of responses beside or in which one row is spoiled.
        with_ai: Whether two AI raters have scored the completed responses.
        with_scores: Whether scores by the platform's rule are written too.
        with_answer_times: Whether each answer carries its moment ``answered_at``.
        organizations: Number of organisations; each has two assessments.
        population: The known values to draw from.
        progress: Called with (responses done, responses) after each chunk.

    Raises:
        InvalidInput: An argument is out of range, or ``out`` holds something.
    """
    shares = Shares(late_share, duplicate_share, dirty_share)
    _check(out, batches, file_format, compression, order, shares)
    plan = Plan(
        builtin_instruments()["ipip50"],
        responses,
        seed=seed,
        start=start,
        days=days,
        order=order,
        organizations=organizations,
        population=population,
    )
    kinds = [RESPONSES, QUESTION_RESPONSES]
    kinds += [SCORES] * with_scores + [AI_VALIDATIONS] * with_ai
    months = count_months(start, days) if batches == "monthly" else 0
    folders = Folders(out.resolve(), start, months, file_format, compression)
    delivery = _Delivery(plan, folders, kinds, shares, with_answer_times=with_answer_times)
    try:
        delivery.deliver(progress)
        folders.close()
        folders.publish()
    except BaseException:
        folders.discard()
        raise
    return delivery.result()


def _check(
    out: Path,
    batches: Batches,
    file_format: FileFormat,
    compression: Compression,
    order: Order,
    shares: Shares,
) -> None:
    choices = (
        ("batches", batches, ("single", "monthly")),
        ("file_format", file_format, ("parquet", "csv", "jsonl")),
        ("compression", compression, (None, "gzip", "zstd")),
        ("order", order, ("random", "time")),
    )
    for name, value, known in choices:
        if value not in known:
            raise InvalidInput(f"{name} is {value!r}: use one of {', '.join(map(str, known))}")
    if shares.late and batches == "single":
        raise InvalidInput("late_share needs later folders to be late in: use monthly batches")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InvalidInput(f"{out} exists and is not an empty folder: name a new one")


class _Delivery:
    """Hands the records of a plan, chunk by chunk, to the folders, and counts."""

    def __init__(
        self,
        plan: Plan,
        folders: Folders,
        kinds: list[str],
        shares: Shares,
        *,
        with_answer_times: bool,
    ) -> None:
        self._plan, self._folders, self._kinds, self._shares = plan, folders, kinds, shares
        self._with_answer_times = with_answer_times
        self._generator = Generator(plan)
        self._tables = RecordTables(self._generator)
        self._statuses: Counter[str] = Counter(dict.fromkeys(STATUSES, 0))
        self._late: Counter[str] = Counter(dict.fromkeys(kinds, 0))
        self._duplicates: Counter[str] = Counter(dict.fromkeys(kinds, 0))
        self._dirty: Counter[str] = Counter({fault.key: 0 for fault in FAULTS})

    def deliver(self, progress: Progress | None) -> None:
        """Write everything."""
        self._write_assessments()
        for chunk in self._generator.chunks(with_ai=AI_VALIDATIONS in self._kinds):
            self._write_chunk(chunk)
            if progress is not None:
                progress(chunk.first + len(chunk), self._plan.responses)

    def result(self) -> GeneratedFiles:
        """Return the account; the folders must have their names."""
        batches = tuple(path for path in self._folders.targets if path.exists())
        paths = tuple(sorted(path for batch in batches for path in batch.iterdir()))
        return GeneratedFiles(
            batches=batches,
            paths=paths,
            rows=dict(self._folders.rows),
            statuses=dict(self._statuses),
            late=dict(self._late),
            duplicates=dict(self._duplicates),
            dirty=dict(self._dirty),
            size_bytes=sum(path.stat().st_size for path in paths),
        )

    def _write_assessments(self) -> None:
        table = self._formed(self._tables.assessments())
        folder = self._folders.of_month(self._generator.assessments.created_at)
        for number in np.unique(folder):
            self._folders.write(int(number), ASSESSMENTS, table.filter(folder == number))
        if self._shares.dirty:
            faults = tuple(fault for fault in FAULTS if fault.kind == ASSESSMENTS)
            good = table.take(pa.array(np.arange(len(faults)) % table.num_rows))
            self._folders.write(0, ASSESSMENTS, self._spoiled(good, "assessment_id", faults))
            self._dirty.update(fault.key for fault in faults)

    def _write_chunk(self, chunk: Chunk) -> None:
        own = self._folders.of_month(chunk.started_at)
        planting = plant(chunk, own, len(self._folders), self._shares, self._plan.seed)
        for folder in np.unique(planting.folder):
            rows = np.flatnonzero(planting.folder == folder)
            self._write_rows(int(folder), chunk, rows, planting.answers)
        for folder in np.unique(planting.duplicate_folder):
            rows = planting.duplicate[planting.duplicate_folder == folder]
            self._duplicates.update(self._write_rows(int(folder), chunk, rows, None))
        self._write_spoiled(chunk, planting)
        self._count(chunk, planting)

    def _write_rows(
        self, folder: int, chunk: Chunk, rows: IntArray, faults: AnswerFaults | None
    ) -> dict[str, int]:
        written = {}
        for kind in self._kinds:
            table = self._formed(self._records(kind, chunk, rows, faults))
            self._folders.write(folder, kind, table)
            written[kind] = table.num_rows
        return written

    def _records(
        self, kind: str, chunk: Chunk, rows: IntArray, faults: AnswerFaults | None
    ) -> pa.Table:
        if kind == RESPONSES:
            return self._tables.responses(chunk, rows)
        if kind == SCORES:
            return self._tables.scores(chunk, rows)
        if kind == AI_VALIDATIONS:
            return self._tables.ai_validations(chunk, rows)
        return self._tables.question_responses(
            chunk, rows, faults, with_answer_times=self._with_answer_times
        )

    def _write_spoiled(self, chunk: Chunk, planting: Planting) -> None:
        rows = planting.dirty_rows
        for folder in np.unique(planting.folder[rows]):
            inside = np.flatnonzero(planting.folder[rows] == folder)
            good = self._formed(self._tables.responses(chunk, rows[inside]))
            faults = tuple(planting.dirty_faults[n] for n in inside)
            spoiled = self._spoiled(good, "response_id", faults)
            self._folders.write(int(folder), RESPONSES, spoiled)

    def _count(self, chunk: Chunk, planting: Planting) -> None:
        counts = np.bincount(chunk.status, minlength=len(STATUSES))
        self._statuses.update({name: int(n) for name, n in zip(STATUSES, counts, strict=True)})
        self._dirty.update(fault.key for fault in planting.dirty_faults)
        self._dirty.update(f"{QUESTION_RESPONSES}.{name}" for name in planting.answers.name)
        if len(planting.late):
            for kind in self._kinds:
                self._late[kind] += self._records(kind, chunk, planting.late, None).num_rows

    def _spoiled(self, good: pa.Table, id_column: str, faults: tuple[Fault, ...]) -> pa.Table:
        return spoil(good, id_column, faults, as_text=self._folders.as_text)

    def _formed(self, table: pa.Table) -> pa.Table:
        return textual(table) if self._folders.as_text else table
