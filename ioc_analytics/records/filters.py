"""What a question is about: filters on dimensions, and a range of time.

For: facade, insight, states, command line. Not for: SQL of people.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, Self
from uuid import UUID

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean

FIELDS: Final = (
    "industry_category",
    "org_size_category",
    "region",
    "org_hash",
    "device_type",
    "age_band",
    "gender",
    "assessment_type",
    "instrument",
    "is_careless",
)
"""Fields that can be filtered."""

OPERATORS: Final = ("eq", "ne", "in", "not_in")
"""``ne`` and ``not_in`` keep ``unknown``: it is a value like the others."""

_SHORT_FIELDS: Final = {"industry": "industry_category", "size": "org_size_category"}


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on one dimension.

    Raises:
        InvalidInput: Unknown field or operator, or a value of the wrong kind.
    """

    field: str
    operator: str
    value: Any

    def __post_init__(self) -> None:
        if self.field not in FIELDS:
            raise InvalidInput(
                f"unknown filter field {self.field!r}{did_you_mean(self.field, FIELDS)}; "
                f"fields are {', '.join(FIELDS)}"
            )
        if self.operator not in OPERATORS:
            raise InvalidInput(
                f"unknown operator {self.operator!r} for {self.field}"
                f"{did_you_mean(self.operator, OPERATORS)}; operators are {', '.join(OPERATORS)}"
            )
        is_list = isinstance(self.value, Sequence | set | frozenset) and not isinstance(
            self.value, str
        )
        if is_list != (self.operator in ("in", "not_in")):
            wanted = "a list" if self.operator in ("in", "not_in") else "a single value"
            raise InvalidInput(f"filter {self.field} {self.operator} takes {wanted}")
        for value in self.values:
            _check_value(self.field, value)

    @property
    def values(self) -> tuple[Any, ...]:
        """The value, or the values of a list."""
        return tuple(self.value) if self.operator in ("in", "not_in") else (self.value,)

    @property
    def excludes(self) -> bool:
        """Whether the values are left out instead of kept."""
        return self.operator in ("ne", "not_in")

    def to_dict(self) -> dict[str, Any]:
        """Return the filter ready for JSON."""
        value = [str(v) if isinstance(v, UUID) else v for v in self.values]
        return {
            "field": self.field,
            "operator": self.operator,
            "value": value if self.operator in ("in", "not_in") else value[0],
        }


def parse_filters(filters: Any) -> tuple[Filter, ...]:
    """Return filters given as records, as the seed's dicts, or in its short form.

    Args:
        filters: None, a list of ``Filter`` or ``{"field", "operator", "value"}``, or a mapping such
            as ``{"industry": "Technology"}``.

    Raises:
        InvalidInput: A filter is not understood.
    """
    if filters is None:
        return ()
    if isinstance(filters, Filter):
        return (filters,)
    if isinstance(filters, Mapping) and "field" not in filters:
        return tuple(
            Filter(
                str(_SHORT_FIELDS.get(name, name)),
                "in" if isinstance(value, list | tuple | set | frozenset) else "eq",
                value,
            )
            for name, value in filters.items()
        )
    items: Iterable[Any] = [filters] if isinstance(filters, Mapping) else filters
    return tuple(_parse_one(item) for item in items)


def _parse_one(item: Any) -> Filter:
    if isinstance(item, Filter):
        return item
    if not isinstance(item, Mapping) or set(item) != {"field", "operator", "value"}:
        raise InvalidInput(
            "a filter is {'field': ..., 'operator': ..., 'value': ...}, "
            f"found {type(item).__name__}"
            + (f" with {', '.join(map(str, item))}" if isinstance(item, Mapping) else "")
        )
    return Filter(item["field"], item["operator"], item["value"])


def _check_value(field: str, value: Any) -> None:
    if field == "is_careless":
        if not isinstance(value, bool):
            raise InvalidInput(f"filter is_careless takes True or False, found {value!r}")
    elif field == "org_hash":
        if not isinstance(value, str | UUID) or not str(value):
            raise InvalidInput("filter org_hash takes a UUID or the organization's own id")
    elif not isinstance(value, str):
        raise InvalidInput(f"filter {field} takes text, found {type(value).__name__}")


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A half-open range of time, ``[start, end)``; a missing end means no limit.

    Dates are the beginning of the UTC day; naive times are UTC.

    Raises:
        InvalidInput: The range is empty or ends before it starts.
    """

    start: datetime | None
    end: datetime | None

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            moment = read_moment(f"{name} of the time range", getattr(self, name))
            object.__setattr__(self, name, moment)
        if self.start is not None and self.end is not None and self.start >= self.end:
            found = "is empty" if self.start == self.end else "ends before it starts"
            raise InvalidInput(
                f"the time range {self.start.isoformat()} .. {self.end.isoformat()} {found}; "
                "it is half-open: the end itself is left out"
            )

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Return a range given as a record, as ``{"start", "end"}``, or None for all time."""
        if value is None:
            return cls(None, None)
        if isinstance(value, cls):
            return value
        if isinstance(value, Mapping):
            unknown = sorted(set(value) - {"start", "end"})
            if unknown:
                raise InvalidInput(
                    f"a time range has start and end, found {unknown[0]!r}"
                    f"{did_you_mean(unknown[0], ('start', 'end'))}"
                )
            return cls(value.get("start"), value.get("end"))
        raise InvalidInput(f"a time range is {{'start', 'end'}}, found {type(value).__name__}")

    def to_dict(self) -> dict[str, Any]:
        """Return the range ready for JSON."""
        return {
            "start": None if self.start is None else self.start.isoformat(),
            "end": None if self.end is None else self.end.isoformat(),
        }


def read_moment(name: str, value: Any) -> datetime | None:
    """Return a date, time or ISO text as an aware time; naive ones are UTC.

    Args:
        name: What it is, for the error: such as ``start of the time range``.
        value: What was given; None stays None.

    Raises:
        InvalidInput: It is neither.
    """
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise InvalidInput(f"the {name} is not an ISO date or time") from error
    if isinstance(value, datetime):
        try:
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
        except OverflowError as error:
            raise InvalidInput(f"the {name} lies outside the years 1 to 9999 in UTC") from error
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    raise InvalidInput(f"the {name} is a date or a datetime, found {type(value).__name__}")
