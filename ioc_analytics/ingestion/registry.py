"""Closing a batch: what was decided per response is written back to the registry.

For: ``ingestion.ingest``, after every chunk was judged. Not for: looking responses up
(``Load.find_parents``).
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ioc_analytics.database.copying import uuid_array_literal
from ioc_analytics.ingestion.answers import MISSING, AnswerDesk
from ioc_analytics.ingestion.careless import has_careless_pattern, is_impossibly_fast
from ioc_analytics.ingestion.children import stored_keys
from ioc_analytics.ingestion.digests import fixed_array
from ioc_analytics.ingestion.load import Load, time_array
from ioc_analytics.ingestion.parents import ANSWERS, NEVER, SCORES, VALIDATIONS
from ioc_analytics.statistics.careless import SECONDS_PER_ANSWER

_KINDS: Final = (("answers", ANSWERS), ("scores", SCORES), ("validations", VALIDATIONS))
_FLAGGED_ROWS: Final = 20_000
_REGISTERED_ROWS: Final = 100_000


def flag_careless(load: Load, answers: AnswerDesk) -> None:
    """Flag the responses whose answers or times changed with this batch."""
    parents = load.parents.rows
    # A newer version of a response without new answers is judged by the stored ones.
    rewritten = np.flatnonzero(
        (parents["row"] >= 0)
        & (load.parents.stored("version", kind=ANSWERS) != NEVER)
        & (parents["slot"] < 0)
    )
    answers.load_stored(rewritten)
    is_written = load.parents.is_written(ANSWERS)
    for matrix in answers.matrices.values():
        for first in range(0, len(matrix.parents), _FLAGGED_ROWS):
            places = matrix.parents[first : first + _FLAGGED_ROWS]
            values = matrix.values[first : first + _FLAGGED_ROWS]
            pattern = has_careless_pattern(values, matrix.instrument)
            answered = (values != MISSING).sum(axis=1)
            fast = is_impossibly_fast(parents["seconds"][places], answered)
            parents["is_careless"][places] = pattern | fast
            late = (parents["row"][places] < 0) & is_written[places]
            if late.any():
                _flag_stored(load, places[late], pattern[late], answered[late])


def _flag_stored(
    load: Load,
    places: npt.NDArray[np.int64],
    pattern: npt.NDArray[np.bool_],
    answered: npt.NDArray[np.int64],
) -> None:
    load.execute(
        "flag_careless",
        stored_keys(load, places)
        | {
            "pattern": pattern.tolist(),
            "answered": answered.tolist(),
            "seconds_per_answer": SECONDS_PER_ANSWER,
        },
    )


def remove_old_rows(load: Load) -> None:
    """Delete the stored rows of replaced responses; children that stay follow a new start time."""
    parents = load.parents.rows
    replaced = np.flatnonzero((parents["row"] >= 0) & load.parents.is_stored())
    if not len(replaced):
        return
    load.execute("delete_responses", stored_keys(load, replaced))
    stored = load.parents.stored
    moved = replaced[
        (parents["created"][replaced] != stored("created", replaced))
        | (parents["assessment"][replaced] != stored("assessment", replaced))
    ]
    if len(moved):
        load.execute(
            "move_children",
            stored_keys(load, moved)
            | {
                "new_created": _moments(parents["created"][moved]),
                "assessments": uuid_array_literal(
                    load.assessment_ids(parents["assessment"][moved])
                ),
            },
        )


def write_registry(load: Load) -> None:
    """Write what is stored of each response now, and note the days that changed."""
    for first in range(0, len(load.parents), _REGISTERED_ROWS):
        _write_block(load, np.arange(first, min(first + _REGISTERED_ROWS, len(load.parents))))


def _write_block(load: Load, places: npt.NDArray[np.int64]) -> None:
    parents = load.parents
    kinds = [kind for _, kind in _KINDS]
    writes = np.stack([parents.is_written(kind, places) for kind in kinds], axis=1)
    is_changed = (parents.rows["row"][places] >= 0) | writes.any(axis=1)
    places, writes = places[is_changed], writes[is_changed]
    is_old = parents.is_stored(places)
    load.touch(parents.rows["created"][places])
    load.touch(parents.stored("created", places[is_old]))
    versions = np.stack([parents.written_version(kind, places) for kind in kinds], axis=1)
    batches = np.where(writes, load.batch_id, parents.stored("batch", places))
    for write, chosen in ((_copy_registry, ~is_old), (_update_registry, is_old)):
        if chosen.any():
            write(load, places[chosen], versions[chosen], batches[chosen])


def _copy_registry(
    load: Load,
    places: npt.NDArray[np.int64],
    versions: npt.NDArray[np.int64],
    batches: npt.NDArray[np.int64],
) -> None:
    parents = load.parents.rows[places]
    columns = {
        "response_hash": fixed_array(load.parents.ids[places]),
        "created_at": time_array(parents["created"]),
        "assessment_hash": fixed_array(load.assessment_ids(parents["assessment"])),
        "version": time_array(parents["version"]),
        "response_batch": pa.array(np.full(len(places), load.batch_id)),
        "response_content": pa.array(np.ascontiguousarray(parents["content"])),
        "key_id": pa.array([load.key_id] * len(places), type=pa.string()),
    }
    for name, kind in _KINDS:
        is_absent = versions[:, kind] == NEVER
        columns[f"{name}_version"] = time_array(versions[:, kind])
        columns[f"{name}_batch"] = pa.array(np.ascontiguousarray(batches[:, kind]), mask=is_absent)
    load.copy("internal", "response_registry", [pa.RecordBatch.from_pydict(columns)])


def _update_registry(
    load: Load,
    places: npt.NDArray[np.int64],
    versions: npt.NDArray[np.int64],
    batches: npt.NDArray[np.int64],
) -> None:
    parents = load.parents.rows[places]
    rewritten = parents["row"] >= 0
    own = np.where(rewritten, load.batch_id, load.parents.stored("response_batch", places))
    parameters: dict[str, object] = {
        "ids": uuid_array_literal(load.parents.ids[places]),
        "created": _moments(parents["created"]),
        "assessments": uuid_array_literal(load.assessment_ids(parents["assessment"])),
        "versions": _moments(parents["version"]),
        "batches": own.tolist(),
        "contents": parents["content"].tolist(),
    }
    for name, kind in _KINDS:
        parameters[f"{name}_versions"] = _moments(versions[:, kind])
        parameters[f"{name}_batches"] = [
            None if version == NEVER else int(batch)
            for version, batch in zip(versions[:, kind], batches[:, kind], strict=True)
        ]
    load.execute("update_registry", parameters)


def _moments(values: npt.NDArray[np.int64]) -> str:
    moments = values.astype("datetime64[us]")
    texts = (
        "NULL" if value == NEVER else f'"{moment}Z"'
        for value, moment in zip(values, moments, strict=True)
    )
    return "{" + ",".join(texts) + "}"
