"""Measured figures as OpenMetrics text, which Prometheus reads.

For: ``status --openmetrics`` and the web service. Not for: measuring (``monitoring.measure``).
Format: https://prometheus.io/docs/specs/om/open_metrics_spec/
"""

from collections.abc import Iterator
from typing import Final

from ioc_analytics.query.counters import LATENCY_BOUNDS_SECONDS
from ioc_analytics.records.health import HealthMeasurements

CONTENT_TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
"""What a web server calls the text."""

_PREFIX: Final = "ioc_analytics"


def to_openmetrics(measured: HealthMeasurements) -> str:
    """Return one gauge per figure; a figure that could not be had is left out, not zero."""
    lines = []
    for one in measured.measurements:
        if one.value is None:
            continue
        name = f"{_PREFIX}_{one.component}_{one.metric}"
        unit = "" if one.unit == "count" else one.unit
        if unit and not name.endswith(f"_{unit}"):
            name += f"_{unit}"
        lines.append(f"# TYPE {name} gauge")
        if unit:
            lines.append(f"# UNIT {name} {unit}")
        lines.append(f"{name} {one.value!r}")
    return "\n".join([*lines, *_latency(measured), "# EOF", ""])


def _latency(measured: HealthMeasurements) -> Iterator[str]:
    if not measured.latency_counts:
        return
    name = f"{_PREFIX}_query_latency_seconds"
    yield f"# TYPE {name} gaugehistogram"
    yield f"# UNIT {name} seconds"
    total = 0
    bounds = [*map(repr, LATENCY_BOUNDS_SECONDS), "+Inf"]
    for bound, count in zip(bounds, measured.latency_counts, strict=True):
        total += count
        yield f'{name}_bucket{{le="{bound}"}} {total}'
    mean_milliseconds = measured.value("query", "average_time") or 0.0
    yield f"{name}_gcount {total}"
    yield f"{name}_gsum {mean_milliseconds / 1000 * total!r}"
