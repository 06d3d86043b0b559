"""Measured figures as OpenMetrics text, which Prometheus reads.

For: ``status --openmetrics`` and the web service. Not for: measuring (``monitoring.measure``).
Format: https://prometheus.io/docs/specs/om/open_metrics_spec/
"""

from typing import Final

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
    return "\n".join([*lines, "# EOF", ""])
