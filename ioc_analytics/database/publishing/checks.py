"""What rows must meet before anybody sees them, judged where they are staged.

For: ``publish``. Not for: checks of what is published already (Dagster's own asset checks).
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Self, get_args

from psycopg import errors, sql

from ioc_analytics.database.publishing.tables import Connection
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean

Subject = Literal["row", "rows"]
_SUBJECTS: Final[tuple[Subject, ...]] = get_args(Subject)
_FIELDS: Final = ("condition", "of", "is_blocking")


@dataclass(frozen=True, slots=True)
class Check:
    """A condition, in SQL over the columns of the table.

    Example:
        >>> each = Check("score BETWEEN 0 AND 100")
        >>> together = Check("count(*) >= 28", of="rows", is_blocking=False)
    """

    condition: str
    """A boolean expression. It is the asset author's code, like the query of a relation."""

    of: Subject = "row"
    """``row``: it must be true of each row. ``rows``: it aggregates all of them."""

    is_blocking: bool = True
    """Whether rows that break it are kept from being published."""

    @classmethod
    def from_value(cls, name: str, value: Any) -> Self:
        """Return a check as metadata has it: its condition alone, or its fields in a mapping.

        Raises:
            InvalidInput: It is none of these.
        """
        if isinstance(value, str):
            found = cls(value)
        elif isinstance(value, Mapping) and {"condition"} <= set(value) <= set(_FIELDS):
            found = cls(**value)
        else:
            raise InvalidInput(
                f"the check {name!r} is no condition in SQL and no mapping with "
                f"{', '.join(_FIELDS)}"
            )
        if found.of not in _SUBJECTS:
            raise InvalidInput(
                f"the check {name!r} is of {found.of!r}{did_you_mean(found.of, _SUBJECTS)}; "
                f"there are {', '.join(_SUBJECTS)}"
            )
        return found


@dataclass(frozen=True, slots=True)
class Verdict:
    """How rows fared under one check."""

    name: str
    condition: str
    is_blocking: bool
    is_met: bool
    rows: int
    """Rows that were judged."""

    broken: int | None
    """Rows that break it; None of a check that judges all rows together."""

    def to_dict(self) -> dict[str, Any]:
        """Return it JSON-ready."""
        return asdict(self)


class ChecksBroken(InvalidInput):
    """Rows that break a blocking check, and were therefore not published."""

    def __init__(self, table: str, verdicts: Iterable[Verdict]) -> None:
        self.verdicts = tuple(verdicts)
        """Of all checks, also of those that are met."""

        told = [
            f"{one.name!r} ({one.condition}), by {_broken(one)}"
            for one in self.verdicts
            if one.is_blocking and not one.is_met
        ]
        super().__init__(
            f"the rows for {table} break the check {'; '.join(told)}. Nothing was written"
        )


def judge(
    connection: Connection, staging: sql.Identifier, checks: Mapping[str, Check]
) -> tuple[Verdict, ...]:
    """Return how the staged rows fare under each check.

    Raises:
        InvalidInput: The server refuses the condition of a check.
    """
    return tuple(_judged(connection, staging, name, check) for name, check in checks.items())


def _judged(connection: Connection, staging: sql.Identifier, name: str, check: Check) -> Verdict:
    condition = sql.SQL(check.condition)
    counted = "count(*) FILTER (WHERE ({}) IS NOT TRUE)" if check.of == "row" else "({}) IS TRUE"
    statement = sql.SQL("SELECT count(*), {} FROM {} AS t").format(
        sql.SQL(counted).format(condition), staging
    )
    try:
        row = connection.execute(statement).fetchone()
    except (errors.ProgrammingError, errors.DataError) as fault:
        # The message of a data error may quote a value.
        said = (
            f": {fault.diag.message_primary}" if isinstance(fault, errors.ProgrammingError) else ""
        )
        raise InvalidInput(
            f"the check {name!r} ({check.condition}) cannot be evaluated{said}"
        ) from fault
    rows, outcome = row or (0, 0)
    if check.of == "row":
        return Verdict(name, check.condition, check.is_blocking, outcome == 0, rows, outcome)
    return Verdict(name, check.condition, check.is_blocking, bool(outcome), rows, None)


def _broken(verdict: Verdict) -> str:
    if verdict.broken is None:
        return f"the {verdict.rows} rows together"
    return f"{verdict.broken} of {verdict.rows} rows"
