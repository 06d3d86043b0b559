"""Answers from states and rows in one snapshot: always exact, always fresh.

For: insight. Not for: the figures (``statistics``) or custom SQL (``query``).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg.pq import TransactionStatus

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.ahead import read_ahead
from ioc_analytics.kernel.errors import IntegrityFailure, OutOfReach
from ioc_analytics.records.filters import TimeRange
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.vocabularies import ALL, TRAITS
from ioc_analytics.states.catalogue import Catalogue, Categories, read_catalogue
from ioc_analytics.states.cells import TraitCells, join_cells
from ioc_analytics.states.families import DIMENSIONS, narrowest_family
from ioc_analytics.states.items import ItemState
from ioc_analytics.states.periods import Periods, Run, cut_periods, days_touched_by
from ioc_analytics.states.rebuild import midnight
from ioc_analytics.states.rows import (
    NO_ROWS,
    answer_matrix,
    read_answers,
    read_rows,
    sample_end,
    score_matrix,
)
from ioc_analytics.states.selection import Selection

_EPOCH: Final = np.datetime64("2000-01-01", "D")

_Key = tuple[str, date | None, str]
"""Category, period and instrument."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the figures of an answer came from."""

    family: str | None
    """Family of states of the months; None: everything came from rows."""

    days_from_rows: int | None
    """Touched days, and days cut by the range, that were counted from rows; None: all days."""

    sealed_months: int
    """Months whose rows are gone."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record ready for JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class TraitAnswer:
    """Trait states over a selection and a range."""

    cells: TraitCells
    """All responses as one cell."""

    by_instrument: Mapping[str, int]
    """Scored responses per instrument."""

    undecided: int
    """Responses of sealed cells that gave up a filtered dimension: they cannot be told apart."""

    source: Source


@dataclass(frozen=True, slots=True)
class GroupedAnswer:
    """Trait states apart by category, period, or both."""

    keys: tuple[tuple[str, date | None], ...]
    """Category and first day of the period of each cell, by period and category."""

    cells: TraitCells
    """One cell per key."""

    by_instrument: Mapping[str, int]
    """Scored responses per instrument."""

    undecided: int
    """As in ``TraitAnswer``; what gave up the dimension of the groups is the group ``merged``."""

    source: Source


@dataclass(frozen=True, slots=True)
class Ground:
    """What the answers of one snapshot stand on."""

    periods: Periods
    catalogue: Catalogue
    as_of: datetime | None
    """When the newest batch of the snapshot was loaded; None: there is none."""


@contextmanager
def snapshot(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Read marks, states and rows as they were at one moment; within a snapshot, at its moment."""
    if connection.info.transaction_status == TransactionStatus.INTRANS:
        level = connection.execute("SHOW transaction_isolation").fetchone()
        if level != ("repeatable read",):
            raise IntegrityFailure("a snapshot was asked for within a transaction that is none")
        yield
        return
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def read_ground(connection: psycopg.Connection[Any], wanted: TimeRange) -> Ground:
    """Return what answers about a range stand on, in the caller's snapshot.

    Raises:
        InvalidInput: The range cuts a day whose rows are gone.
    """
    first, last = days_touched_by(wanted)
    row = connection.execute(
        sqlfiles.query("states/ground"),
        {"first": first, "last": last, "first_month": first.replace(day=1)},
    ).fetchone()
    if row is None:
        raise IntegrityFailure("the server answered a SELECT of one row with none")
    as_of, marked, sealed, digest = row
    return Ground(cut_periods(wanted, marked, sealed), read_catalogue(connection, digest), as_of)


def read_traits(
    connection: psycopg.Connection[Any], selection: Selection, ground: Ground
) -> TraitAnswer:
    """Return the trait states of a selection, in the caller's snapshot.

    Raises:
        InvalidInput: Only rows could answer, and rows of the range are gone (the message says
            what can be asked).
    """
    parts, undecided, source = _read_parts(connection, selection, ground, None, None)
    joined = join_cells([cells for _, cells in parts])
    return TraitAnswer(
        joined.regroup(np.zeros(joined.n_cells, dtype=np.int64), 1),
        _by_instrument(parts),
        undecided,
        source,
    )


def read_groups(
    connection: psycopg.Connection[Any],
    selection: Selection,
    ground: Ground,
    *,
    by: str | None = None,
    step: str | None = None,
) -> GroupedAnswer:
    """Return the trait states of a selection apart by a dimension, a period, or both.

    Args:
        connection: A connection inside the caller's snapshot.
        selection: Which responses.
        ground: What answers of the snapshot stand on.
        by: A dimension, or ``instrument``; None: everybody is in the group ``all``.
        step: ``month`` or ``quarter``; None: the range is one period.

    Raises:
        InvalidInput: Only rows could answer, and rows of the range are gone.
    """
    parts, undecided, source = _read_parts(connection, selection, ground, by, step)
    keys = sorted({key[:2] for key, _ in parts}, key=lambda key: (key[1] or date.min, key[0]))
    places = {key: at for at, key in enumerate(keys)}
    joined = join_cells([cells for _, cells in parts])
    groups = np.array(
        [places[key[:2]] for key, cells in parts for _ in range(cells.n_cells)], dtype=np.int64
    )
    cells = joined.regroup(groups, len(keys))
    return GroupedAnswer(tuple(keys), cells, _by_instrument(parts), undecided, source)


def _by_instrument(parts: Sequence[tuple[_Key, TraitCells]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for (_, _, name), cells in parts:
        found[name] += int(cells.responses.sum())
    return {name: n for name, n in sorted(found.items()) if n}


def read_by_instrument(
    connection: psycopg.Connection[Any], selection: Selection, ground: Ground, by: str | None
) -> tuple[list[tuple[str, str]], TraitCells]:
    """Return the trait states of a selection apart by a dimension and by instrument.

    Returns:
        Category (``all`` without a dimension) and instrument of each cell, and the cells; several
        cells may have one key.

    Raises:
        InvalidInput: Only rows could answer, and rows of the range are gone.
    """
    parts, _, _ = _read_parts(connection, selection, ground, by, None)
    keys = [(key[0], key[2]) for key, cells in parts for _ in range(cells.n_cells)]
    return keys, join_cells([cells for _, cells in parts])


def _read_parts(
    connection: psycopg.Connection[Any],
    selection: Selection,
    ground: Ground,
    by: str | None,
    step: str | None,
) -> tuple[list[tuple[_Key, TraitCells]], int, Source]:
    """Return cells by category, period and instrument, undecided responses, and the source."""
    periods, categories = ground.periods, ground.catalogue.categories
    needed = selection.dimensions | {name for name in DIMENSIONS if name == by}
    family, day_family = (narrowest_family(g, needed) for g in ("month", "day"))
    parts: list[tuple[_Key, TraitCells]] = []
    undecided = 0
    if family is None or day_family is None or selection.needs_rows:
        family = None
        refuse_without_rows(periods, selection)
        runs: tuple[Run, ...] = (whole_run(periods),)
    else:
        runs = periods.row_runs
        parameters = (
            periods.parameters()
            | words_of(selection)
            | {"month_family": family.name, "day_family": day_family.name, "by": by, "step": step}
        )
        for category, period, instrument, responses, counts, moments in connection.execute(
            sqlfiles.query("states/answer_traits"), parameters, binary=True
        ):
            # Bytes of many cells one after the other are the bytes of one cell, not yet merged.
            cells = TraitCells.unpack([int(responses)], [counts], [moments])
            parts.append(((category, period, instrument), cells))
        if periods.sealed_months and selection.dimensions:
            row = connection.execute(
                sqlfiles.query("states/undecided"),
                parameters | {"filtered": sorted(selection.dimensions)},
            ).fetchone()
            undecided = int(row[0]) if row and row[0] else 0
    chosen = selection.row_filter(categories)
    columns = {"instrument", *TRAITS} | ({by} if by else set()) | ({"day"} if step else set())
    blocks = (
        rows for start, end in runs for rows in read_rows(connection, start, end, chosen, columns)
    )
    # The server joins the next rows while those that are here are counted.
    with closing(read_ahead(blocks)) as ahead:
        for rows in ahead:
            parts += _count_rows(rows, categories, by, step)
    source = Source(
        family.name if family else None,
        days_of(runs) if family else None,
        len(periods.sealed_months),
    )
    return parts, undecided, source


def _count_rows(
    rows: npt.NDArray[np.void], categories: Categories, by: str | None, step: str | None
) -> list[tuple[_Key, TraitCells]]:
    # One number per row: category, month and instrument, each below 2^16 and not negative.
    packed = rows["instrument"].astype(np.int64)
    if step is not None:
        months = (rows["day"].astype(np.int64) + _EPOCH).astype("datetime64[M]").astype(np.int64)
        length = {"month": 1, "quarter": 3}[step]
        packed += months // length * length << 16
    if by is not None:
        packed += rows[by].astype(np.int64) << 32
    found, places = np.unique(packed, return_inverse=True)
    cells = TraitCells.from_scores(score_matrix(rows), places, len(found))
    keys = [
        (
            ALL if by is None else categories[by][key >> 32],
            None
            if step is None
            else np.datetime64(key >> 16 & 0xFFFF, "M").astype("datetime64[D]").item(),
            categories["instrument"][key & 0xFFFF],
        )
        for key in found.tolist()
    ]
    return list(zip(keys, _split(cells), strict=True))


def read_items(
    connection: psycopg.Connection[Any],
    selection: Selection,
    ground: Ground,
    instrument: Instrument,
) -> ItemState | None:
    """Return the item state of one instrument, in the caller's snapshot; None without answers.

    Item states are kept per instrument; other filters read the answer vectors of the rows.

    Raises:
        InvalidInput: Only rows could answer, and rows of the range are gone.
    """
    periods = ground.periods
    states: list[ItemState] = []
    runs = periods.row_runs
    if selection.dimensions or selection.needs_rows:
        refuse_without_rows(periods, selection)
        runs = (whole_run(periods),)
    else:
        states = [
            ItemState.unpack(responses, items)
            for responses, items in connection.execute(
                sqlfiles.query("states/answer_items"),
                periods.parameters()
                | {"instrument": instrument.name, "is_careless": selection.is_careless},
                binary=True,
            )
        ]
    chosen = selection.row_filter(ground.catalogue.categories)
    n_items = len(instrument.items)
    blocks = (
        rows
        for start, end in runs
        for rows in read_answers(connection, start, end, instrument.name, n_items, chosen)
    )
    with closing(read_ahead(blocks)) as ahead:
        states += [ItemState.from_answers(answer_matrix(rows), instrument) for rows in ahead]
    return ItemState.merge(states) if states else None


def read_sheets(
    connection: psycopg.Connection[Any],
    selection: Selection,
    ground: Ground,
    instrument: Instrument,
) -> Iterator[npt.NDArray[np.int8]]:
    """Read the answers of a selection from rows, in the caller's snapshot.

    Yields:
        Shape ``(n_responses, n_items)``, answers as given, ``states.items.MISSING`` where absent.

    Raises:
        InvalidInput: Rows of the range are gone.
    """
    periods = ground.periods
    refuse_without_rows(periods, selection)
    start, end = whole_run(periods)
    chosen = selection.row_filter(ground.catalogue.categories)
    for rows in read_answers(
        connection, start, end, instrument.name, len(instrument.items), chosen
    ):
        yield answer_matrix(rows)


def read_identified_sheets(
    connection: psycopg.Connection[Any],
    selection: Selection,
    ground: Ground,
    instrument: Instrument,
) -> Iterator[npt.NDArray[np.void]]:
    """Read answers with the responses they are of, in the caller's snapshot.

    Yields:
        Structured arrays with ``is_careless``, ``answers``, ``id`` and ``seconds``, as
        ``states.rows.read_answers`` gives them.

    Raises:
        InvalidInput: Rows of the range are gone.
    """
    refuse_without_rows(ground.periods, selection)
    start, end = whole_run(ground.periods)
    chosen = selection.row_filter(ground.catalogue.categories)
    columns = ("is_careless", "answers", "id", "seconds")
    n_items = len(instrument.items)
    yield from read_answers(
        connection, start, end, instrument.name, n_items, chosen, columns=columns
    )


def read_group_sheets(
    connection: psycopg.Connection[Any],
    selection: Selection,
    ground: Ground,
    instrument: Instrument,
    by: str,
    run: Run | None = None,
) -> dict[str, npt.NDArray[np.int8]]:
    """Read the answers of a selection from rows, apart by a dimension, in the caller's snapshot.

    Args:
        connection: A connection inside the snapshot.
        selection: Which responses.
        ground: What answers of the snapshot stand on.
        instrument: The questionnaire.
        by: The dimension.
        run: The part of the range to read; None: all of it.

    Returns:
        By category, shape ``(n_responses, n_items)``, as ``read_sheets`` gives them.

    Raises:
        InvalidInput: Rows of the whole range are wanted, and some are gone.
    """
    if run is None:
        refuse_without_rows(ground.periods, selection)
    start, end = run or whole_run(ground.periods)
    categories = ground.catalogue.categories
    chosen = selection.row_filter(categories)
    blocks: dict[int, list[npt.NDArray[np.int8]]] = {}
    for rows in read_answers(
        connection, start, end, instrument.name, len(instrument.items), chosen, by
    ):
        for code in np.unique(rows["category"]).tolist():
            blocks.setdefault(code, []).append(answer_matrix(rows[rows["category"] == code]))
    return {categories[by][code]: np.vstack(parts) for code, parts in sorted(blocks.items())}


def read_vectors(
    connection: psycopg.Connection[Any],
    selection: Selection,
    ground: Ground,
    share: float = 1.0,
) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """Return the responses with all five traits from rows, in the caller's snapshot.

    Args:
        connection: A connection inside the snapshot.
        selection: Which responses.
        ground: What answers of the snapshot stand on.
        share: Share of them to read, 0 to 1; the same rows give the same sample.

    Returns:
        Their pseudonyms (16 bytes each), and their scores in points, shape ``(n, 5)``.

    Raises:
        InvalidInput: Rows of the range are gone.
    """
    refuse_without_rows(ground.periods, selection)
    start, end = whole_run(ground.periods)
    chosen = selection.row_filter(ground.catalogue.categories)
    if share < 1:
        chosen = replace(chosen, last_id=sample_end(share))
    identifiers, vectors = [NO_ROWS["id"]], [np.empty((0, len(TRAITS)))]
    blocks = read_rows(connection, start, end, chosen, {"id", *TRAITS})
    with closing(read_ahead(blocks)) as ahead:
        for rows in ahead:
            scores = score_matrix(rows)
            is_complete = ~np.isnan(scores).any(axis=1)
            identifiers.append(rows["id"][is_complete])
            vectors.append(scores[is_complete])
    return np.concatenate(identifiers), np.concatenate(vectors)


def read_watermark(connection: psycopg.Connection[Any]) -> datetime | None:
    """Return when the newest batch was loaded."""
    row = connection.execute(sqlfiles.query("states/watermark")).fetchone()
    return row[0] if row else None


def words_of(selection: Selection) -> dict[str, Any]:
    """Return a selection as parameters of the statements on states."""
    words: dict[str, Any] = {
        name: sorted(selection.allowed[name]) if name in selection.allowed else None
        for name in ("instrument", *DIMENSIONS)
    }
    return words | {"is_careless": selection.is_careless}


def _split(cells: TraitCells) -> list[TraitCells]:
    counts, moments = cells.pack()
    return [
        TraitCells.unpack([int(cells.responses[at])], [counts[at]], [moments[at]])
        for at in range(cells.n_cells)
    ]


def whole_run(periods: Periods) -> Run:
    """Return the whole range as one run of rows."""
    edges = [moment for run in periods.row_runs for moment in run]
    if periods.day_start < periods.day_end:
        # Otherwise the range lies within one day, and its run is all there is.
        edges += [midnight(periods.day_start), midnight(periods.day_end)]
    return min(edges), max(edges)


def refuse_without_rows(periods: Periods, selection: Selection) -> None:
    """Refuse what only rows could answer where rows are gone.

    Raises:
        OutOfReach: The range touches a sealed month.
    """
    if periods.sealed_months:
        first, last = periods.sealed_months[0], periods.sealed_months[-1]
        asked = sorted(selection.dimensions) + (["org_hash"] if selection.needs_rows else [])
        raise OutOfReach(
            f"no state is kept by {' and '.join(asked)} together, and the rows of "
            f"{first:%Y-%m} to {last:%Y-%m} are gone; ask for a range after that, or filter by "
            "industry, size and region, by age band and gender, by device, or by assessment type"
        )


def days_of(runs: tuple[Run, ...]) -> int:
    """Return the number of days that runs of rows touch."""
    return sum(max(1, (end - start).days) for start, end in runs)
