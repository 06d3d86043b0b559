"""Data for models, and what models say: features as of a cut-off, the target after it.

For: ``training_frame`` and ``store_prediction_results``. Not for: models.

A row is a response that was open at the cut-off. Records keep their newest version only, so
whatever may have changed after the cut-off is left out for every response, not only for those that
did change: a gap that only changed ones have would tell the target. Region, age band, gender and
device are among it: a survey may ask for them last. What is left are the moment of its start, its
assessment as far as its version is not later, and the organization's ends by then.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from ioc_analytics.insight.data_version import data_version
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.query.export import ExportOptions, export_table
from ioc_analytics.records.answers import ExportResult, to_json
from ioc_analytics.records.filters import read_moment
from ioc_analytics.states.reading import snapshot

TARGETS: Final[Mapping[str, str]] = {"completion": "insight/training_completion"}
"""What can be predicted, and the statement that gathers its rows."""

_KEYS: Final = ("cutoff", "response_hash", "org_hash", "target")
_NEWEST: Final = "newest_"
"""Prefix of columns that selections go by; they know what came after the cut-off."""

_REQUIRED: Final = ("model_name", "model_version", "prediction_target")
_OPTIONAL: Final = (
    *("segment", "issued_at", "target_period", "horizon", "prediction"),
    *("interval_low", "interval_high", "interval_level", "accuracy_metrics", "data_version"),
)


@dataclass(frozen=True, slots=True)
class TrainingFrame:
    """Rows for a model: ``cutoff``, pseudonyms, features, ``target`` (0 or 1)."""

    target: str
    cutoffs: tuple[datetime, ...]
    horizon_days: int
    """Days after the cut-off within which the target happens."""

    frame: pd.DataFrame
    facts: pd.DataFrame
    """The same rows as people and assessments are known now: to select by, no features."""

    excluded: int
    """Responses left out because the moment of their end is not known."""

    data_version: str
    """A name of the content that the rows were made from."""

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the feature columns."""
        return tuple(str(name) for name in self.frame.columns if name not in _KEYS)

    def split(self, at: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return training and test rows, parted in time.

        Training rows are those whose target was settled by ``at``, test rows those whose cut-off
        is not before it; rows in between belong to neither.

        Raises:
            InvalidInput: One of the parts has no cut-off.
        """
        moment = pd.Timestamp(_moment("moment of a split", at))
        settled = self.frame["cutoff"] + pd.Timedelta(days=self.horizon_days)
        train, test = self.frame[settled <= moment], self.frame[self.frame["cutoff"] >= moment]
        if train.empty or test.empty:
            raise InvalidInput(
                f"a split at {moment:%Y-%m-%d} leaves {len(train)} training and {len(test)} test "
                f"rows; cut-offs are {', '.join(f'{c:%Y-%m-%d}' for c in self.cutoffs)}, targets "
                f"are settled {self.horizon_days} days later"
            )
        return train, test

    def to_frame(self) -> pd.DataFrame:
        """Return the rows."""
        return self.frame

    def describe(self) -> dict[str, Any]:
        """Return what the rows are, ready for JSON."""
        return {
            "target": self.target,
            "cutoffs": to_json(list(self.cutoffs)),
            "horizon_days": self.horizon_days,
            "excluded": self.excluded,
            "features": list(self.features),
            "data_version": self.data_version,
        }

    def export(
        self, path: Path | str, format: str = "parquet", *, compression: str | None = None
    ) -> ExportResult:
        """Write the rows to a file, with a manifest beside it that says what they are.

        Args:
            path: Where the file goes.
            format: ``csv``, ``jsonl``, ``parquet`` or ``arrow``.
            compression: gzip or zstd, for formats that are not compressed inside.

        Raises:
            InvalidInput: The format or compression is unknown, or the name is not plain.
            ConfigurationError: The folder cannot be written.
        """
        place = Path(path)
        options = {"filename": place.name, "compression": compression}
        parsed = ExportOptions.parse(format, options)
        rows = self.frame.astype({"response_hash": str, "org_hash": str})
        table = pa.Table.from_pandas(rows, preserve_index=False)
        return export_table(table, self.describe(), parsed, place.parent)

    def to_dict(self) -> dict[str, Any]:
        """Return the rows and their description ready for JSON."""
        return {
            **self.describe(),
            "data": [to_json(row) for row in self.frame.to_dict("records")],
        }


def gather_training(
    connection: psycopg.Connection[Any],
    target: str,
    cutoff: Any,
    *,
    horizon_days: int = 14,
    window_days: int = 30,
) -> TrainingFrame:
    """Return rows as of one or several cut-offs.

    Args:
        connection: A connection that may read records.
        target: A key of ``TARGETS``.
        cutoff: A moment, or several; naive ones are UTC.
        horizon_days: Days after the cut-off within which the target happens.
        window_days: Responses started in so many days before the cut-off.

    Raises:
        InvalidInput: An unknown target, or a horizon that has not passed yet.
        NotEnoughData: No response was open at any cut-off.
    """
    if target not in TARGETS:
        raise InvalidInput(
            f"unknown target {target!r}{did_you_mean(target, TARGETS)}; "
            f"targets are {', '.join(TARGETS)}"
        )
    if horizon_days < 1 or window_days < 1:
        raise InvalidInput("horizon_days and window_days are at least 1")
    given = cutoff if isinstance(cutoff, list | tuple) else [cutoff]
    cutoffs = tuple(sorted(_moment("cut-off", one) for one in given))
    horizon, window = timedelta(days=horizon_days), timedelta(days=window_days)
    with snapshot(connection):
        version = data_version(connection)
        frames = [_rows_at(connection, target, at, horizon, window) for at in cutoffs]
    gathered = [frame for frame in frames if len(frame)]
    if not gathered:
        raise NotEnoughData(
            f"no response of the {window_days} days before the cut-off was open then; "
            "0 found, at least 1 needed: ask for another cut-off or raise window_days"
        )
    frame = pd.concat(gathered, ignore_index=True)
    is_known = frame["target"].notna()
    known, facts = _parted(frame[is_known].reset_index(drop=True))
    return TrainingFrame(
        target=target,
        cutoffs=cutoffs,
        horizon_days=horizon_days,
        frame=known.astype({"target": "int64"}),
        facts=facts,
        excluded=int((~is_known).sum()),
        data_version=version,
    )


def gather_open(
    connection: psycopg.Connection[Any], target: str, moment: datetime, *, window_days: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of a moment whose horizon need not have passed, and facts to select by.

    They are as in ``TrainingFrame``, without the target.

    Args:
        connection: A connection that may read records.
        target: A key of ``TARGETS``.
        moment: The cut-off.
        window_days: Responses started in so many days before it.
    """
    at_once = timedelta(0)
    rows = _rows_at(connection, target, moment, at_once, timedelta(days=window_days))
    return _parted(rows.drop(columns="target"))


def store_predictions(
    connection: psycopg.Connection[Any], results: pd.DataFrame | Iterable[Mapping[str, Any]]
) -> tuple[int, ...]:
    """Store predictions, all or none, and return their numbers.

    Args:
        connection: A connection that may insert predictions.
        results: Rows with ``model_name``, ``model_version``, ``prediction_target`` and any other
            column of ``predictive_analytics_results`` that a model knows when it predicts.

    Raises:
        InvalidInput: A column is missing or unknown, or there is no row.
    """
    given = results.to_dict("records") if isinstance(results, pd.DataFrame) else results
    rows: list[Mapping[Any, Any]] = list(given)
    if not rows:
        raise InvalidInput("there is no prediction to store")
    for number, row in enumerate(rows, start=1):
        _check_prediction(number, row)
    ids: list[int] = []
    for row in rows:
        values = {str(name): to_json(_plain(value)) for name, value in row.items()}
        stored = connection.execute(
            sqlfiles.query("insight/store_prediction"), {"prediction": Jsonb(values)}
        ).fetchone()
        ids.append(stored[0] if stored else 0)
    return tuple(ids)


def _rows_at(
    connection: psycopg.Connection[Any],
    target: str,
    cutoff: datetime,
    horizon: timedelta,
    window: timedelta,
) -> pd.DataFrame:
    if cutoff + horizon > utc_now():
        raise InvalidInput(
            f"what happens in the {horizon.days} days after {cutoff:%Y-%m-%d %H:%M} is not known "
            "yet; take an earlier cut-off"
        )
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            sqlfiles.query(TARGETS[target]),
            {
                "cutoff": cutoff,
                "window_start": cutoff - window,
                "horizon_end": cutoff + horizon,
            },
        )
        # Without a row only the cursor knows the columns.
        names = [column.name for column in cursor.description or ()]
        frame = pd.DataFrame(cursor.fetchall(), columns=names)
    frame.insert(0, "cutoff", pd.Timestamp(cutoff))
    return frame


def _parted(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return rows as of their cut-off, and the same rows as they are known now."""
    names = [str(name) for name in rows.columns if str(name).startswith(_NEWEST)]
    known_now = {name: name.removeprefix(_NEWEST) for name in names}
    then = [name for name in known_now.values() if name in rows]
    facts = rows.drop(columns=then).rename(columns=known_now)
    return rows.drop(columns=names), facts


def _check_prediction(number: int, row: Mapping[Any, Any]) -> None:
    allowed: Sequence[str] = (*_REQUIRED, *_OPTIONAL)
    for name in row:
        if name not in allowed:
            raise InvalidInput(
                f"prediction {number} has an unknown column {name!r}"
                f"{did_you_mean(str(name), allowed)}; columns are {', '.join(allowed)}"
            )
    for name in _REQUIRED:
        if not isinstance(row.get(name), str) or not row[name]:
            raise InvalidInput(f"prediction {number} has no {name}")


def _plain(value: Any) -> Any:
    # A frame's missing values and numbers are numpy's.
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value


def _moment(name: str, value: Any) -> datetime:
    moment = read_moment(name, value)
    if moment is None:
        raise InvalidInput(f"the {name} is missing")
    return moment
