"""What frames must meet before they are staged: a pandera schema, judged batch by batch.

For: ``publish``. Not for: relations, which never leave the server (``checks`` judges those, and
frames too, where they are staged), or making schemas.

A frame of pandas is judged whole, and goes on as the schema returns it, coerced where the schema
says so. What speaks Arrow is judged a batch at a time, in bounded memory, and goes on as it is: the
types of the table decide. So a check over several rows, such as uniqueness, holds within a batch of
those; say it of the table (``of: rows``) where it must hold of all.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from ioc_analytics.database.publishing.checks import ChecksBroken, Verdict
from ioc_analytics.database.publishing.decoding import as_pandas
from ioc_analytics.kernel.errors import InvalidInput

NAME: Final = "contract"
"""Name of the verdict."""

_SHOWN: Final = 5


class Contract:
    """A pandera ``DataFrameSchema`` or ``DataFrameModel``, and how many rows it has judged."""

    def __init__(self, schema: Any) -> None:
        """Keep the schema.

        Raises:
            InvalidInput: It is none.
        """
        if hasattr(schema, "to_schema"):
            schema = schema.to_schema()
        if not hasattr(schema, "validate") or not hasattr(schema, "columns"):
            raise InvalidInput(
                f"a contract is a pandera DataFrameSchema or DataFrameModel; found "
                f"{type(schema).__name__}"
            )
        self.schema = schema
        self.rows = 0
        """Rows judged since the publication began."""

    @property
    def condition(self) -> str:
        """What it demands, in words."""
        demanded = (
            f"{name}: {column.dtype}"
            + "".join(f", {check}" for check in _checks_of(column))
            + ("" if column.nullable else ", not null")
            for name, column in self.schema.columns.items()
        )
        return f"{self.schema.name or 'frame'} ({'; '.join(demanded)})"

    def judged_batches(
        self, batches: Iterable[pa.RecordBatch], table: str
    ) -> Iterator[pa.RecordBatch]:
        """Yield batches, each after it was judged.

        Raises:
            ChecksBroken: Its rows break the contract.
        """
        for batch in batches:
            self.judged(as_pandas(pa.Table.from_batches([batch])), table)
            yield batch

    def verdict(self, faults: str = "", broken: int = 0) -> Verdict:
        """Return how the rows fared so far."""
        told = f"{self.condition}{faults}"
        return Verdict(NAME, told, True, not faults, self.rows, broken)

    def judged(self, frame: pd.DataFrame, table: str) -> pd.DataFrame:
        """Return a frame as the schema does, coerced where it says so.

        Args:
            frame: The rows.
            table: Schema and name of the table, for messages.

        Raises:
            ChecksBroken: Rows break the contract.
        """
        # Who has a schema has pandera; importing it takes seconds.
        from pandera.errors import SchemaErrors

        self.rows += len(frame)
        try:
            validated: pd.DataFrame = self.schema.validate(frame, lazy=True)
        except SchemaErrors as found:
            cases = found.failure_cases
            broken = cases["index"].dropna().nunique() or len(frame)
            # No cause: pandera's message quotes values.
            raise ChecksBroken(table, [self.verdict(_faults(cases), broken)]) from None
        return validated


def _checks_of(column: Any) -> list[str]:
    return [str(check.error or check.name) for check in column.checks]


def _faults(cases: pd.DataFrame) -> str:
    """Name columns and rules, never values."""
    absent = cases["check"] == "column_in_dataframe"
    told = [f"column {name!r} is missing" for name in cases.loc[absent, "failure_case"]]
    for (column, rule), rows in cases[~absent].groupby(["column", "check"], dropna=False):
        told.append(f"{column!r} breaks {rule} in {len(rows)} rows")
    more = f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    return f": {'; '.join(told[:_SHOWN])}{more}"
