"""What sections of a report are made of, and how figures are written in them.

For: ``insight.report_sections`` and ``insight.report_activity``. Not for: formats
(``insight.report_formats``) or drawing (``pictures``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import altair as alt
import psycopg

from ioc_analytics.insight.ocean import OceanAnalysis, analyze_ocean
from ioc_analytics.records.answers import SystemStatus, to_json
from ioc_analytics.records.filters import Filter, TimeRange
from ioc_analytics.statistics.intervals import ConfidenceInterval


@dataclass(frozen=True)
class Question:
    """What every section is asked about."""

    connection: psycopg.Connection[Any]
    filters: tuple[Filter, ...]
    time_range: TimeRange
    history_range: TimeRange
    """Of sections that judge by the past: it ends with the time range, and begins earlier."""

    organization: Callable[[str], UUID]
    by: str
    interval: str
    own: UUID | None
    maturity_days: int
    status: SystemStatus

    @cached_property
    def ocean(self) -> OceanAnalysis:
        """The OCEAN analysis, asked once for all sections that show it."""
        return analyze_ocean(self.connection, self.filters, self.time_range, self.organization)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, ready to read."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart; the table of its section says the same in figures."""

    caption: str
    chart: alt.TopLevelMixin


@dataclass(frozen=True, slots=True)
class Section:
    """One answer, laid out."""

    name: str
    title: str
    note: str = ""
    """The n and the date of the figures, and what they are."""

    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    remarks: tuple[str, ...] = ()
    withheld: tuple[Mapping[str, str], ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    """The whole answer, ready for JSON."""

    @property
    def has_figures(self) -> bool:
        """Whether an analysis of assessments is in it."""
        has_rows = any(table.rows for table in self.tables)
        return has_rows and self.name not in ("data_quality", "norms")

    @property
    def is_of_history(self) -> bool:
        """Whether it shows the past, so that it has figures of a range without any."""
        return self.name in ("history", "trends")

    def to_dict(self) -> dict[str, Any]:
        """Return the section ready for JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "note": self.note,
            "remarks": list(self.remarks),
            "withheld": [dict(entry) for entry in self.withheld],
            "figures": to_json(self.figures),
        }


Builder = Callable[[str, str, Question], Section]
"""Takes name, title and question of a section."""


def number(value: float | None, digits: int = 1) -> str:
    """Return a figure to read; a dash where there is none."""
    return "–" if value is None else f"{value:,.{digits}f}"


def span(interval: ConfidenceInterval | None, digits: int = 1) -> str:
    """Return an interval to read."""
    return "–" if interval is None else f"{interval.low:.{digits}f} to {interval.high:.{digits}f}"


def p_value(value: float | None) -> str:
    """Return a p-value to read."""
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def since(time_range: TimeRange) -> str:
    """Return where a range begins, to read."""
    start = time_range.start
    return "since the beginning" if start is None else f"since {start:%Y-%m-%d}"


def dated(moment: datetime | None) -> str:
    """Return when the data were loaded, to read."""
    return "no data loaded" if moment is None else f"as of {moment:%Y-%m-%d %H:%M} UTC"
