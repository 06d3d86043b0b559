"""An aggregation said in names becomes one safe statement.

For: ``execute_aggregation_query``. Not for: running the statement (``query.execution``), or
statistics with intervals (``insight``).

Tables and columns are those that the login may read, by the server's own catalogue; names are
composed as identifiers, values are parameters, cast to the type of their column.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean

TRUNCATIONS: Final = ("day", "week", "month", "quarter", "year")
MEASURES: Final = ("count", "sum", "avg", "stddev", "min", "max", "percentile", "distinct")
OPERATORS: Final = ("eq", "ne", "in", "not_in", "gt", "gte", "lt", "lte", "between")

_KEYS: Final = ("group_by", "measures", "filters", "order_by", "limit")
_COMPARISONS: Final = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_SHORT_FORM: Final = re.compile(r"(\w+)\((\w+|\*)\)")


@dataclass(frozen=True, slots=True)
class _Column:
    type_name: str
    category: str


@dataclass(frozen=True, slots=True)
class Aggregation:
    """One statement and its parameters."""

    statement: str
    parameters: tuple[Any, ...]


def build_aggregation(
    connection: psycopg.Connection[Any], table: str, aggregation: Mapping[str, Any]
) -> Aggregation:
    """Return the statement of an aggregation.

    Args:
        connection: A connection of the login that will run it.
        table: A table or view of the schema ``analytics``.
        aggregation: ``group_by``: columns, or ``{"column": "created_at", "by": "month"}``;
            ``measures``: ``"count"``, ``"avg(score)"`` or ``{"function": "percentile",
            "column": "score", "percentile": 0.5, "alias": "median"}``; ``filters``: dicts with
            ``field``, ``operator``, ``value``; ``order_by``: names of the result, ``-`` before
            one for descending; ``limit``.

    Raises:
        InvalidInput: A name is unknown (the nearest is given), or a measure does not fit its
            column.
    """
    for key in aggregation:
        _known(key, _KEYS, "part of an aggregation")
    table = table.removeprefix("analytics.")
    builder = _Builder(table, _columns_of(connection, table))
    groups = [builder.group(group) for group in _listed(aggregation.get("group_by"))]
    measures = [builder.measure(m) for m in _listed(aggregation.get("measures") or "count")]
    conditions = [builder.condition(c) for c in _listed(aggregation.get("filters"))]
    names = [name for name, _ in (*groups, *measures)]
    for name in names:
        if not isinstance(name, str):
            raise InvalidInput(f"an alias is a text, found {type(name).__name__}")
        if names.count(name) > 1:
            raise InvalidInput(f"two parts of the result are called {name!r}; give one an alias")
    parts = [
        sql.SQL("SELECT {} FROM {}").format(
            sql.SQL(", ").join(
                sql.SQL("{} AS {}").format(part, sql.Identifier(name))
                for name, part in (*groups, *measures)
            ),
            sql.Identifier("analytics", table),
        )
    ]
    if conditions:
        parts.append(sql.SQL("WHERE {}").format(sql.SQL(" AND ").join(conditions)))
    if groups:
        # By the expression: a result may be called like a column that it is made from.
        grouped = sql.SQL(", ").join(part for _, part in groups)
        parts.append(sql.SQL("GROUP BY {}").format(grouped))
    order = _listed(aggregation.get("order_by")) or [name for name, _ in groups]
    if order:
        ordered = sql.SQL(", ").join(_ordering(name, names) for name in order)
        parts.append(sql.SQL("ORDER BY {}").format(ordered))
    if aggregation.get("limit") is not None:
        parts.append(sql.SQL("LIMIT {}").format(builder.limit(aggregation["limit"])))
    statement = sql.SQL(" ").join(parts).as_string(connection)
    return Aggregation(statement, tuple(builder.parameters))


class _Builder:
    """The parts of one statement, and the parameters they bring."""

    def __init__(self, table: str, columns: Mapping[str, _Column]) -> None:
        self._table = table
        self._columns = columns
        self.parameters: list[Any] = []

    def group(self, group: Any) -> tuple[str, sql.Composable]:
        if isinstance(group, str):
            group = {"column": group}
        _demand_keys(group, ("column", "by", "alias"), "a group")
        name, column = self._column(group.get("column"))
        by = group.get("by")
        if by is None:
            return group.get("alias") or name, sql.Identifier(name)
        _known(by, TRUNCATIONS, "length of a period")
        if column.category != "D":
            raise InvalidInput(f"{name} is {column.type_name}, no time; leave out 'by'")
        part = sql.SQL("date_trunc({}, {})").format(sql.Literal(by), sql.Identifier(name))
        return group.get("alias") or by, part

    def measure(self, measure: Any) -> tuple[str, sql.Composable]:
        if isinstance(measure, str):
            short = _SHORT_FORM.fullmatch(measure)
            measure = {"function": short[1], "column": short[2]} if short else {"function": measure}
        _demand_keys(measure, ("function", "column", "percentile", "alias"), "a measure")
        function = _known(measure.get("function"), MEASURES, "measure")
        if function == "count" and measure.get("column") in (None, "*"):
            return measure.get("alias") or "count", sql.SQL("count(*)")
        name, column = self._column(measure.get("column"))
        cell = sql.Identifier(name)
        if function in ("sum", "avg", "stddev", "percentile") and column.category != "N":
            raise InvalidInput(f"{function} needs numbers, and {name} is {column.type_name}")
        alias = measure.get("alias") or f"{function}_{name}"
        match function:
            case "distinct":
                return alias, sql.SQL("count(DISTINCT {})").format(cell)
            case "stddev":
                return alias, sql.SQL("stddev_samp({})").format(cell)
            case "percentile":
                share = measure.get("percentile", 0.5)
                if isinstance(share, bool) or not isinstance(share, int | float):
                    raise InvalidInput(f"a percentile is a number from 0 to 1, found {share!r}")
                if not 0 <= share <= 1:
                    raise InvalidInput(f"a percentile lies between 0 and 1, found {share}")
                form = sql.SQL("percentile_cont({}) WITHIN GROUP (ORDER BY {})")
                return alias, form.format(self._value(float(share), "float8"), cell)
            case _:
                # min and max of an enum are enums; the name is one of MEASURES.
                return alias, sql.SQL("{}({})").format(sql.Identifier(function), cell)

    def condition(self, condition: Any) -> sql.Composable:
        _demand_keys(condition, ("field", "operator", "value"), "a filter")
        name, column = self._column(condition.get("field"))
        operator = _known(condition.get("operator", "eq"), OPERATORS, "operator")
        value, kind, cell = condition.get("value"), column.type_name, sql.Identifier(name)
        match operator:
            case "eq" | "ne" if value is None:
                is_null = "{} IS NULL" if operator == "eq" else "{} IS NOT NULL"
                return sql.SQL(is_null).format(cell)
            case "eq":
                return sql.SQL("{} = {}").format(cell, self._value(value, kind))
            case "ne":
                return sql.SQL("{} IS DISTINCT FROM {}").format(cell, self._value(value, kind))
            case "in" | "not_in":
                if not isinstance(value, list | tuple | set | frozenset):
                    raise InvalidInput(f"the operator {operator!r} takes a list of values")
                chosen = self._value(list(value), f"{kind}[]")
                form = "{} = ANY({})" if operator == "in" else "coalesce({} <> ALL({}), true)"
                return sql.SQL(form).format(cell, chosen)
            case "between":
                if not isinstance(value, list | tuple) or len(value) != 2:
                    raise InvalidInput("the operator 'between' takes two values, both included")
                low, high = (self._value(bound, kind) for bound in value)
                return sql.SQL("{} BETWEEN {} AND {}").format(cell, low, high)
            case _:
                sign = sql.SQL(_COMPARISONS[operator])
                return sql.SQL("{} {} {}").format(cell, sign, self._value(value, kind))

    def limit(self, limit: Any) -> sql.Composable:
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise InvalidInput(f"limit is a whole number of at least 1, found {limit!r}")
        return self._value(limit, "bigint")

    def _column(self, name: Any) -> tuple[str, _Column]:
        known = _known(name, self._columns, f"column of {self._table}")
        return known, self._columns[known]

    def _value(self, value: Any, type_name: str) -> sql.Composable:
        self.parameters.append(value)
        # The type's name comes from the server's catalogue.
        return sql.SQL(f"${len(self.parameters)}::{type_name}")


def _columns_of(connection: psycopg.Connection[Any], table: str) -> dict[str, _Column]:
    tables: dict[str, dict[str, _Column]] = {}
    for name, column, kind, category in connection.execute(
        sqlfiles.query("query/readable_columns")
    ):
        tables.setdefault(name, {})[column] = _Column(kind, category)
    return tables[_known(table, tables, "table")]


def _ordering(name: Any, names: Sequence[str]) -> sql.Composable:
    is_descending = isinstance(name, str) and name.startswith("-")
    known = _known(name[1:] if is_descending else name, names, "name in the result")
    return sql.SQL("{} DESC" if is_descending else "{}").format(sql.Identifier(known))


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _demand_keys(part: Any, keys: Sequence[str], what: str) -> None:
    if not isinstance(part, Mapping):
        raise InvalidInput(f"{what} is a dict with {', '.join(keys)}, found {type(part).__name__}")
    for key in part:
        _known(key, keys, f"key of {what}")


def _known(name: Any, known: Any, what: str) -> str:
    if isinstance(name, str) and name in known:
        return name
    raise InvalidInput(
        f"unknown {what} {name!r}{did_you_mean(str(name), known)}; known are {', '.join(known)}"
    )
