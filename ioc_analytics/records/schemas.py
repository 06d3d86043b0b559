"""The contracts of incoming records as pandera schemas, for data frames.

For: people and pipelines that check a frame before they hand it over, and the test that holds the
fast judge to the contract. Not for: the hot path (``records.judge``; pandera on texts goes value by
value).
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pandas as pd
import pandera.pandas as pandera

from ioc_analytics.records.contracts import (
    ASCII_BLANKS,
    BIRTH_YEARS,
    CONTRACTS,
    EARLIEST,
    ISO_PATTERN,
    LATEST_AHEAD,
    Column,
    ColumnType,
    as_number,
)

_NO_OFFSET: Final = timedelta(0)


def pandera_schema(kind: str, now: datetime) -> pandera.DataFrameSchema:
    """Return the contract of a kind as a schema for frames of texts or native values.

    Validate with ``lazy=True`` to learn of all mistakes at once. A mistake in a required column
    rejects the line; in any other the platform repairs the value.

    Args:
        kind: One of ``kinds.KINDS``.
        now: The present, aware; times more than a day past it are mistakes.
    """
    contract = CONTRACTS[kind]
    return pandera.DataFrameSchema(
        {column.name: _column_schema(column, now) for column in contract.columns},
        checks=[_order_check(column) for column in contract.columns if column.not_before],
        name=kind,
        strict=False,
    )


def _column_schema(column: Column, now: datetime) -> pandera.Column:
    def is_well(value: object) -> bool:
        return _is_absent(value, column) or _is_valid(value, column, now)

    checks = [pandera.Check(is_well, element_wise=True, name=column.name, ignore_na=False)]
    if column.is_required:
        checks.append(
            pandera.Check(
                lambda value: not _is_absent(value, column),
                element_wise=True,
                name=f"{column.name}_is_there",
                ignore_na=False,
            )
        )
    return pandera.Column(
        dtype=None, checks=checks, nullable=True, required=column.is_required, name=column.name
    )


def _order_check(column: Column) -> pandera.Check:
    def is_in_order(frame: pd.DataFrame) -> pd.Series:
        if column.name not in frame or column.not_before not in frame:
            return pd.Series(True, index=frame.index)
        pairs = zip(frame[column.not_before], frame[column.name], strict=True)
        flags = [_starts_first(as_time(start), as_time(end)) for start, end in pairs]
        return pd.Series(flags, index=frame.index, dtype=bool)

    return pandera.Check(is_in_order, name=f"{column.name}_not_before_{column.not_before}")


def _starts_first(start: datetime | None, end: datetime | None) -> bool:
    return start is None or end is None or start <= end


def _is_absent(value: object, column: Column) -> bool:
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return True
    if isinstance(value, str):
        return not (value.strip() if column.type is ColumnType.KEY else value)
    return False


def _is_valid(value: object, column: Column, now: datetime) -> bool:
    check: Callable[[Any], bool] = {
        ColumnType.KEY: lambda _: True,
        ColumnType.TEXT: lambda _: True,
        ColumnType.WORD: lambda word: word.strip(ASCII_BLANKS).lower() in column.words,
        ColumnType.INTEGER: lambda number: _is_in_range(number, column, whole=True),
        ColumnType.NUMBER: lambda number: _is_in_range(number, column, whole=False),
        ColumnType.TIME: lambda time: _is_in_time(as_time(time), now),
    }[column.type]
    return check(value)


def _is_in_range(value: object, column: Column, whole: bool) -> bool:
    number = _number(value)
    if number is None or (whole and number != math.floor(number)):
        return False
    low = -math.inf if column.minimum is None else column.minimum
    high = math.inf if column.maximum is None else column.maximum
    if column.year_of is not None and BIRTH_YEARS[0] <= number <= BIRTH_YEARS[1]:
        return True  # a year of birth: repaired where its row has a date that makes it an age
    return low <= number <= high


def _is_in_time(time: datetime | None, now: datetime) -> bool:
    return time is not None and EARLIEST <= time <= now + LATEST_AHEAD


def _number(value: object) -> float | None:
    if isinstance(value, str):
        return as_number(value)
    number = float(value)  # type: ignore[arg-type]
    return number if math.isfinite(number) else None


def as_time(value: object) -> datetime | None:
    """Return a value as an aware time in UTC, or None when it is none."""
    if value is None or value is pd.NaT:
        return None
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    match = ISO_PATTERN.fullmatch(str(value).strip(ASCII_BLANKS))
    return _time_of_match(match) if match else None


def _time_of_match(match: re.Match[str]) -> datetime | None:
    part = match.groupdict()
    year, month, day = (int(part[name]) for name in ("year", "month", "day"))
    hour, minute, second = (int(part[name] or 0) for name in ("hour", "minute", "second"))
    micros = int((part["fraction"] or "").ljust(6, "0")[:6])
    try:
        naive = datetime(year, month, day, hour, minute, second, micros, tzinfo=UTC)
        return naive - _zone_offset(part["zone"])
    except (ValueError, OverflowError):
        return None


def _zone_offset(zone: str | None) -> timedelta:
    if zone in (None, "Z"):
        return _NO_OFFSET
    digits = str(zone)[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise ValueError(f"{zone} is no offset")
    size = timedelta(hours=hours, minutes=minutes)
    return -size if str(zone).startswith("-") else size
