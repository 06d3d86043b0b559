"""Reports: what the analyses say, as one file to read, print, or hand on.

For: the facade's ``generate_report``. Not for: what stands in a report
(``insight.report_sections``), how it looks (``insight.report_formats``), or schedules.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg

from ioc_analytics.files.outputs import check_filename, failures_in_words, written_beside
from ioc_analytics.insight.groupings import check_grouping
from ioc_analytics.insight.longitudinal import STEPS
from ioc_analytics.insight.report_formats import WRITERS
from ioc_analytics.insight.report_pieces import Question, Section
from ioc_analytics.insight.report_sections import SECTIONS, build_sections
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.query.execution import checked_options
from ioc_analytics.records.answers import SystemStatus
from ioc_analytics.records.filters import Filter, TimeRange, parse_filters
from ioc_analytics.states.rebuild import midnight
from ioc_analytics.states.selection import name_organizations, organization_of

HISTORY_YEARS: Final = 2
"""Trends, odd months and drift of raters look back so far from the end of a report's range."""

_FOLDER: Final = "ANALYTICS_REPORT_FOLDER"
_SUFFIXES: Final = {"html": "html", "markdown": "md", "json": "json"}
_OPTIONS: Final[Mapping[str, Any]] = {
    "title": str,
    "sections": (list, tuple),
    "filters": object,
    "time_range": object,
    "format": str,
    "by": str,
    "interval": str,
    "organization": object,
    "filename": str,
}


@dataclass(frozen=True, slots=True)
class ReportConfig:
    """What a report is about, checked."""

    title: str
    sections: tuple[str, ...]
    filters: tuple[Any, ...]
    time_range: TimeRange
    format: str
    by: str
    interval: str
    organization: Any
    filename: str | None

    @classmethod
    def parse(cls, config: Mapping[str, Any] | None) -> "ReportConfig":
        """Return a report's options, checked.

        Raises:
            InvalidInput: An option, section, format or grouping is unknown; the nearest is named.
        """
        given = checked_options(config, _OPTIONS, "report")
        form = _known(given.get("format", "html"), tuple(WRITERS), "report format")
        chosen = tuple(given.get("sections", SECTIONS))
        if not chosen:
            raise InvalidInput(f"a report needs a section; sections are {', '.join(SECTIONS)}")
        organization = given.get("organization")
        for name in chosen:
            _known(name, SECTIONS, "report section")
        filename = given.get("filename")
        if filename is not None:
            check_filename(filename, _FOLDER)
        return cls(
            title=given.get("title", "OCEAN report"),
            sections=chosen,
            filters=tuple(parse_filters(given.get("filters", ()))),
            time_range=TimeRange.parse(given.get("time_range")),
            format=form,
            by=check_grouping(given.get("by", "industry_category")),
            interval=_known(given.get("interval", "monthly"), tuple(STEPS), "interval"),
            organization=organization,
            filename=filename,
        )


@dataclass(frozen=True, slots=True)
class Report:
    """A report as it was written."""

    path: Path
    format: str
    title: str
    created_at: datetime
    sections: tuple[Section, ...]

    @property
    def withheld(self) -> tuple[Mapping[str, str], ...]:
        """Figures that could not be shown, each with ``figure`` and ``reason``."""
        return tuple(entry for section in self.sections for entry in section.withheld)

    def to_dict(self) -> dict[str, Any]:
        """Return the report ready for JSON."""
        return {
            "path": str(self.path),
            "format": self.format,
            "title": self.title,
            "created_at": self.created_at.isoformat(),
            "sections": [section.to_dict() for section in self.sections],
            "withheld": [dict(entry) for entry in self.withheld],
        }


def make_report(
    connection: psycopg.Connection[Any],
    config: ReportConfig,
    status: SystemStatus,
    organization: Callable[[str], UUID],
    folder: Path,
    *,
    maturity_days: int,
) -> Report:
    """Ask, draw and write one report.

    Args:
        connection: A connection of the analyst's role.
        config: What it is about.
        status: State of the platform, for the section on data quality.
        organization: Gives the pseudonym of an organization's own id.
        folder: Where the file goes.
        maturity_days: Days until a response counts as not completed.

    Raises:
        NotEnoughData: None of the analyses asked for has the data it needs.
        ConfigurationError: The folder cannot be written.
    """
    created_at = utc_now()
    own = None
    if config.organization is not None:
        own = UUID(organization_of(config.organization, organization))
    # A report is handed on: nothing in it may name an organization by its own id.
    filters = name_organizations(config.filters, organization)
    question = Question(
        connection,
        filters,
        config.time_range,
        history_of(config.time_range, created_at),
        organization,
        config.by,
        config.interval,
        own,
        maturity_days,
        status,
    )
    sections = build_sections(config.sections, question)
    of_range = [section for section in sections if not section.is_of_history]
    if not any(section.has_figures for section in of_range or sections):
        reasons = "; ".join(entry["reason"] for s in sections for entry in s.withheld)
        raise NotEnoughData(f"no section of the report has the data it needs: {reasons}")
    suffix = _SUFFIXES[config.format]
    name = config.filename or f"report-{created_at:%Y%m%dT%H%M%S%f}Z.{suffix}"
    path = folder / (name if name.endswith(f".{suffix}") else f"{name}.{suffix}")
    report = Report(path, config.format, config.title, created_at, sections)
    text = WRITERS[config.format](
        config.title, created_at, _scope(filters, config.time_range), sections
    )
    with (
        failures_in_words(folder, "reports", _FOLDER),
        written_beside(path) as file,
    ):
        file.write(text.encode())
    return report


def report_period(kind: str, today: date) -> TimeRange:
    """Return the last whole week (from Monday) or month before a day.

    Example:
        >>> report_period("monthly", date(2026, 3, 9)).to_dict()["start"]
        '2026-02-01T00:00:00+00:00'

    Raises:
        InvalidInput: The kind is neither ``weekly`` nor ``monthly``.
    """
    if _known(kind, ("weekly", "monthly"), "report period") == "weekly":
        end = today - timedelta(days=today.weekday())
        start = end - timedelta(days=7)
    else:
        end = today.replace(day=1)
        start = (end - timedelta(days=1)).replace(day=1)
    return TimeRange.parse({"start": start, "end": end})


def history_of(time_range: TimeRange, now: datetime) -> TimeRange:
    """Return what is judged beside its past: from two years before the end, by whole months.

    Example:
        >>> week = TimeRange.parse({"start": "2026-03-02", "end": "2026-03-09"})
        >>> history_of(week, utc_now()).to_dict()["start"]
        '2024-03-01T00:00:00+00:00'
    """
    if time_range.start is None:
        return time_range
    end = (time_range.end or now).astimezone(UTC)
    first = midnight(date(end.year - HISTORY_YEARS, end.month, 1))
    return TimeRange(min(time_range.start, first), time_range.end)


def _scope(filters: Sequence[Filter], times: TimeRange) -> str:
    if times.start is None and times.end is None:
        parts = ["all time"]
    else:
        start = "the beginning" if times.start is None else f"{times.start:%Y-%m-%d}"
        end = "now" if times.end is None else f"{times.end:%Y-%m-%d} (left out)"
        parts = [f"from {start} to {end}"]
    words = {"eq": "is", "ne": "is not", "in": "is one of", "not_in": "is none of"}
    for one in filters:
        value = (
            ", ".join(map(str, one.value))
            if isinstance(one.value, Sequence) and not (isinstance(one.value, str))
            else str(one.value)
        )
        parts.append(f"{one.field} {words[one.operator]} {value}")
    return "; ".join(parts)


def _known(name: Any, names: Sequence[str], what: str) -> str:
    if name not in names:
        raise InvalidInput(
            f"unknown {what} {name!r}{did_you_mean(str(name), names)}; take one of "
            f"{', '.join(names)}"
        )
    return str(name)
