"""Pandera and the Arrow judge accept, refuse and repair the same rows."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pandera.errors
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc_analytics.records.contracts import CONTRACTS, Column, ColumnType
from ioc_analytics.records.judge import judge
from ioc_analytics.records.kinds import KINDS
from ioc_analytics.records.schemas import pandera_schema

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
SCHEMAS = {kind: pandera_schema(kind, NOW) for kind in KINDS}

NUMBERS = st.one_of(
    st.sampled_from(["", " ", "0", "3", "3.0", "+3", "-1", "3.5", " 7 ", "1e2", "1e400", "0x10"]),
    st.sampled_from(["nan", "NaN", "inf", "1,5", "1_000", "four", "²", "100.0001", "1992", "."]),
    st.integers(-(10**12), 10**12).map(str),
    st.integers(-5, 150).map(str),
    st.floats(-10, 120, allow_nan=False).map(str),
    st.text(max_size=6),
)
NAIVE_TIMES = st.datetimes(
    (NOW - timedelta(days=17_000)).replace(tzinfo=None),
    (NOW + timedelta(days=1_000)).replace(tzinfo=None),
)
TIMES = st.one_of(
    st.sampled_from(["", "2024-02-29", "2023-02-29", "2024-02-30 10:00", "1989-12-31T23:59:59"]),
    st.sampled_from(["1990-01-01", "1990-01-01T00:00+00:01", "4320-01-01", "0000-01-01", "now"]),
    st.sampled_from(["2024-01-01T10:00:00Z", "2024-01-01 10:00:00.1234567", "2024-01-01T10"]),
    st.sampled_from(["2024-01-01T10:00:00+0230", "2024-01-01 10:00:00-12", " 2024-01-01 "]),
    st.sampled_from(["2024-01-01T10:00:00+24:00", "2024-01-01 24:00", "20240101", "1719830000"]),
    st.sampled_from(["2026-01-16T12:00:00", "2026-01-16T12:00:01", "2024-01-01Z", "01.02.2024"]),
    NAIVE_TIMES.map(str),
    NAIVE_TIMES.map(datetime.isoformat),
    st.text("0123456789-:T Z+.", max_size=25),
)
KEYS = st.one_of(st.sampled_from(["", " ", "\u00a0", "a", "r-1"]), st.text(max_size=4))


def values_of(column: Column) -> st.SearchStrategy[str | None]:
    given_values = {
        ColumnType.KEY: KEYS,
        ColumnType.TEXT: st.one_of(st.sampled_from(["", "x"]), st.text(max_size=4)),
        ColumnType.WORD: st.one_of(
            st.sampled_from([*column.words, "Completed", " closed ", "OPENNESS", "nonsense", ""]),
            st.text(max_size=4),
        ),
        ColumnType.INTEGER: NUMBERS,
        ColumnType.NUMBER: NUMBERS,
        ColumnType.TIME: TIMES,
    }[column.type]
    return st.one_of(st.none(), given_values)


def rows_of(kind: str) -> st.SearchStrategy[list[dict[str, str | None]]]:
    row = st.fixed_dictionaries(
        {column.name: values_of(column) for column in CONTRACTS[kind].columns}
    )
    return st.lists(row, min_size=8, max_size=30)


def mistakes_by_pandera(kind: str, frame: pd.DataFrame) -> dict[str, set[int]]:
    """Return the rows with a mistake, by column."""
    found: dict[str, set[int]] = defaultdict(set)
    try:
        SCHEMAS[kind].validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        for failure in errors.failure_cases.itertuples():
            column = str(failure.check).partition("_not_before_")[0]
            name = column if column in frame else str(failure.column)
            found[name].add(int(str(failure.index)))
    return found


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12, deadline=None, suppress_health_check=SLOW, derandomize=True)
@given(data=st.data())
def test_texts_are_judged_alike(kind: str, data: st.DataObject) -> None:
    rows = data.draw(rows_of(kind))
    check_agreement(kind, rows)


NATIVE_TIMES = st.one_of(
    st.none(),
    NAIVE_TIMES.map(lambda time: time.replace(tzinfo=UTC)),
    st.sampled_from([NOW + timedelta(days=1), NOW + timedelta(days=1, microseconds=1)]),
)
NATIVE: dict[ColumnType, st.SearchStrategy[Any]] = {
    ColumnType.KEY: st.one_of(st.none(), KEYS),
    ColumnType.TEXT: st.one_of(st.none(), st.text(max_size=4)),
    ColumnType.WORD: st.one_of(st.none(), st.sampled_from(["completed", "openness", "odd", ""])),
    ColumnType.INTEGER: st.one_of(st.none(), st.integers(-(2**62), 2**62), st.integers(-5, 120)),
    ColumnType.NUMBER: st.one_of(st.none(), st.floats(), st.floats(-1, 101)),
    ColumnType.TIME: NATIVE_TIMES,
}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=6, deadline=None, suppress_health_check=SLOW, derandomize=True)
@given(data=st.data())
def test_native_values_are_judged_alike(kind: str, data: st.DataObject) -> None:
    columns = CONTRACTS[kind].columns
    row = st.fixed_dictionaries({column.name: NATIVE[column.type] for column in columns})
    check_agreement(kind, data.draw(st.lists(row, min_size=8, max_size=30)))


def check_agreement(kind: str, rows: list[dict[str, Any]]) -> None:
    contract = CONTRACTS[kind]
    frame = pd.DataFrame(rows, dtype=object)
    expected = mistakes_by_pandera(kind, frame)
    types = {
        ColumnType.INTEGER: pa.int64(),
        ColumnType.NUMBER: pa.float64(),
        ColumnType.TIME: pa.timestamp("us", tz="UTC"),
    }
    arrays = {}
    for column in contract.columns:
        values = [row[column.name] for row in rows]
        is_text = all(value is None or isinstance(value, str) for value in values)
        arrays[column.name] = pa.array(
            values, pa.string() if is_text else types.get(column.type, pa.string())
        )
    judged = judge(kind, pa.table(arrays), 1, now=NOW)

    refused = {i for i, rule in enumerate(judged.table["_rule"].to_pylist()) if rule}
    assert refused == set().union(*(expected[name] for name in contract.required))
    accepted = set(range(len(rows))) - refused
    for column in contract.columns:
        if column.is_required:
            continue
        repaired = sum(
            count
            for (name, rule), count in judged.repairs.items()
            if name == column.name and rule != "birth_year_as_age"
        )
        wanted = expected[column.name] & accepted
        if column.year_of is None:
            assert repaired == len(wanted), column.name
        else:  # a year of birth that makes no age is a mistake only beside its row's date
            assert repaired >= len(wanted), column.name
