"""Texts and numbers read as times, a whole column at once.

For: ``records.judge`` and the mappings of survey exports. Not for: limits on a time (the contract)
or periods.

Every function returns the times as ``timestamp('us', tz='UTC')`` and a mask of what could not be
read; NULL stays NULL and is no mistake.
"""

import re
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.contracts import ISO_PATTERN

Mask = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

TIME_TYPE: Final = pa.timestamp("us", tz="UTC")
_MICROS_PER_SECOND: Final = 1_000_000
_MICROS_PER_DAY: Final = 86_400 * _MICROS_PER_SECOND

_CERTAIN: Final = (
    r"^[0-9]{4}-(?:02-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:0[1-9]|[12][0-9]|30)"
    r"|(?:0[13578]|1[02])-31)"
    r"(?:[ T](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?)?$"
)
"""Texts that are certainly times without a zone, so that they can be read in one pass."""

_EXCEL_EPOCH_DAYS: Final = 25_569
"""Serial of 1970-01-01 in the 1900 date system (right from 1900-03-01 on)."""

_DIRECTIVES: Final = {
    "Y": r"(?P<year>[0-9]{4})",
    "y": r"(?P<short_year>[0-9]{2})",
    "m": r"(?P<month>[0-9]{1,2})",
    "d": r"(?P<day>[0-9]{1,2})",
    "H": r"(?P<hour>[0-9]{1,2})",
    "I": r"(?P<hour>[0-9]{1,2})",
    "p": r"(?P<half>[AaPp][Mm])",
    "M": r"(?P<minute>[0-9]{1,2})",
    "S": r"(?P<second>[0-9]{1,2})",
    "f": r"(?P<fraction>[0-9]{1,9})",
    "z": r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})",
    "%": "%",
}


def read_iso(text: pa.Array) -> tuple[pa.Array, Mask]:
    """Read ISO 8601 texts; those without a zone are UTC."""
    place = pc.index(text.is_valid(), True).as_py()
    match = ISO_PATTERN.fullmatch(text[place].as_py()) if place >= 0 else None
    try:
        # One pass in C; it takes all or nothing, and never a text outside the pattern.
        zone = "UTC" if match and match["zone"] else None
        return text.cast(pa.timestamp("us", tz=zone)).cast(TIME_TYPE), _none_of(text)
    except pa.ArrowInvalid:
        return _read_mixed(text)


def _read_mixed(text: pa.Array) -> tuple[pa.Array, Mask]:
    """Read texts of which some are no times, or some have a zone and some have none."""
    # Splitting by pattern takes 2 us a text, so only those that need it go there.
    is_certain = pc.match_substring_regex(text, _CERTAIN)
    certain = pc.if_else(is_certain, text, pa.scalar(None, text.type))
    times = certain.cast(pa.timestamp("us")).cast(TIME_TYPE)
    is_rest = pc.invert(is_certain).fill_null(False)
    rest = np.flatnonzero(np.asarray(is_rest))
    read, unreadable = _read_pattern(text.take(pa.array(rest)), ISO_PATTERN.pattern)
    bad = _none_of(text)
    bad[rest[unreadable]] = True
    return pc.replace_with_mask(times, is_rest, read), bad


def format_pattern(time_format: str) -> str:
    """Return the regular expression of a format such as ``%d-%m-%Y %H:%M``.

    Raises:
        InvalidInput: A directive is unknown or stands twice, or day, month or year is missing.
    """
    parts, place = [], 0
    while place < len(time_format):
        if time_format[place] != "%":
            parts.append(re.escape(time_format[place]))
            place += 1
            continue
        directive = time_format[place + 1 : place + 2]
        if directive not in _DIRECTIVES:
            known = " ".join(f"%{letter}" for letter in _DIRECTIVES)
            raise InvalidInput(f"time format {time_format!r}: %{directive} is not one of {known}")
        parts.append(_DIRECTIVES[directive])
        place += 2
    pattern = "".join(parts)
    try:
        re.compile(pattern)
    except re.error as error:
        raise InvalidInput(f"time format {time_format!r} says something twice") from error
    for group in ("year", "month", "day"):
        if f"{group}>" not in pattern:
            raise InvalidInput(f"time format {time_format!r} does not say the {group}")
    return pattern


def read_format(text: pa.Array, time_format: str) -> tuple[pa.Array, Mask]:
    """Read texts in a stated format (the usual directives of ``strftime``, numbers only)."""
    return _read_pattern(text, format_pattern(time_format))


def from_epoch(seconds: pa.Array) -> tuple[pa.Array, Mask]:
    """Read numbers of seconds since 1970-01-01 UTC."""
    return _from_float(seconds, 0.0, _MICROS_PER_SECOND)


def from_excel(serial: pa.Array) -> tuple[pa.Array, Mask]:
    """Read date-times as a spreadsheet stores them: days since 1899-12-30, as a number."""
    return _from_float(serial, -float(_EXCEL_EPOCH_DAYS), _MICROS_PER_DAY)


def from_parts(parts: dict[str, pa.Array]) -> tuple[pa.Array, Mask]:
    """Read times whose year, month, day, hour, minute and second stand in columns of their own.

    Args:
        parts: Number arrays of one length by name; year is required, month and day are 1 and the
            others 0 where they are left out.

    Returns:
        Times, NULL where the year is NULL, and the mask of rows that are no date.
    """
    given = {name: _whole(values) for name, values in parts.items()}
    length = len(parts["year"])
    absent = np.asarray(parts["year"].is_null())
    valid = np.logical_and.reduce([is_whole for _, is_whole in given.values()])
    fields = {name: values for name, (values, _) in given.items()}
    micros, is_date = _assemble(fields, length)
    good = valid & is_date & ~absent
    return _as_times(micros, good), ~good & ~absent


def _whole(values: pa.Array) -> tuple[Integers, Mask]:
    floats = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
    with np.errstate(invalid="ignore"):
        is_whole = np.isfinite(floats) & (floats == np.floor(floats)) & (np.abs(floats) < 1e6)
    return np.where(is_whole, floats, 0).astype(np.int64), is_whole


def _from_float(values: pa.Array, shift: float, scale: int) -> tuple[pa.Array, Mask]:
    floats = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
    given = ~np.asarray(values.is_null())
    # Beyond the years 1 to 9999 nothing can be printed; such numbers are no times.
    with np.errstate(invalid="ignore", over="ignore"):
        micros = np.round((floats + shift) * scale)
        good = given & (micros > -62_135_596_800e6) & (micros < 253_402_300_800e6)
    return _as_times(np.where(good, micros, 0).astype(np.int64), good), given & ~good


def _read_pattern(text: pa.Array, pattern: str) -> tuple[pa.Array, Mask]:
    text = pc.ascii_trim_whitespace(text)
    groups = pc.extract_regex(text, pattern=f"^{pattern}$")
    matched = np.asarray(groups.is_valid())
    names = [field.name for field in groups.type]
    texts = dict(zip(names, groups.flatten(), strict=True))
    fields = {
        name: _digits(texts[name])
        for name in ("year", "month", "day", "hour", "minute", "second")
        if name in texts
    }
    if "short_year" in texts:
        short = _digits(texts["short_year"])
        fields["year"] = short + np.where(short < 69, 2000, 1900)  # as POSIX has it
    is_clock = np.ones(len(text), dtype=np.bool_)
    if "half" in texts:
        is_clock = (fields["hour"] >= 1) & (fields["hour"] <= 12)
        is_late = np.asarray(pc.equal(pc.ascii_lower(texts["half"]), "pm").fill_null(False))
        fields["hour"] = fields["hour"] % 12 + np.where(is_late, 12, 0)
    micros, is_date = _assemble(fields, len(text))
    if "fraction" in texts:
        padded = pc.utf8_slice_codeunits(pc.utf8_rpad(texts["fraction"], 6, "0"), 0, 6)
        micros = micros + _digits(padded)
    if "zone" in texts:
        offset, is_zone = _zone_micros(texts["zone"])
        micros, is_clock = micros - offset, is_clock & is_zone
    good = matched & is_date & is_clock
    return _as_times(micros, good), ~good & np.asarray(text.is_valid())


def _assemble(fields: dict[str, Integers], length: int) -> tuple[Integers, Mask]:
    """Return microseconds since 1970 and which rows name a real date and time of day."""
    ones, zeros = np.ones(length, dtype=np.int64), np.zeros(length, dtype=np.int64)
    year, month, day = fields["year"], fields.get("month", ones), fields.get("day", ones)
    hour, minute, second = (fields.get(name, zeros) for name in ("hour", "minute", "second"))
    is_month = (year >= 1) & (year <= 9999) & (month >= 1) & (month <= 12)
    months = np.where(is_month, (year - 1970) * 12 + month - 1, 0)
    first: Integers = months.astype("M8[M]").astype("M8[D]").astype(np.int64)
    following: Integers = (months + 1).astype("M8[M]").astype("M8[D]").astype(np.int64)
    valid = is_month & (day >= 1) & (day <= following - first)
    for values, limit in ((hour, 24), (minute, 60), (second, 60)):
        valid &= (values >= 0) & (values < limit)
    seconds = (first + day - 1) * 86_400 + hour * 3600 + minute * 60 + second
    return np.where(valid, seconds, 0) * _MICROS_PER_SECOND, valid


def _zone_micros(zone: pa.Array) -> tuple[Integers, Mask]:
    parts = pc.extract_regex(
        zone, pattern="^(?P<sign>[+-])(?P<hours>[0-9]{2}):?(?P<minutes>[0-9]{0,2})$"
    )
    sign, hours, minutes = parts.flatten()
    whole, rest = _digits(hours), _digits(minutes)
    east = np.where(np.asarray(pc.equal(sign, "-").fill_null(False)), -1, 1)
    micros = east * (whole * 60 + rest) * 60 * _MICROS_PER_SECOND
    return micros, (whole < 24) & (rest < 60)


def _digits(text: pa.Array) -> Integers:
    """Return digits as integers; NULL and empty are 0."""
    filled = pc.if_else(pc.equal(text, "").fill_null(True), "0", text)
    return np.asarray(filled.cast(pa.int64()))


def _as_times(micros: npt.NDArray[Any], good: Mask) -> pa.Array:
    return pa.array(micros, pa.int64(), mask=~good).cast(TIME_TYPE)


def _none_of(values: pa.Array) -> Mask:
    return np.zeros(len(values), dtype=np.bool_)
