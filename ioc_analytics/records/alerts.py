"""What an alert says: a frozen result.

For: facade, command line, web. Not for: when one is raised (``monitoring.rules``).
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from ioc_analytics.records.answers import to_json
from ioc_analytics.records.quality import Severity


@dataclass(frozen=True, slots=True)
class Alert:
    """Trouble from when it is raised until it ends."""

    id: int
    rule: str
    severity: Severity
    summary: str
    """One sentence for people."""

    value: float
    """The figure that raised it."""

    threshold: float
    """The limit that it passed."""

    unit: str
    runbook: str
    """Page that says what to do, a path within the documents."""

    started_at: datetime
    resolved_at: datetime | None = None
    """None: it is open."""

    notified_at: datetime | None = None
    """When people were last told; None: not yet, or silenced."""

    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    note: str | None = None
    silenced_until: datetime | None = None
    """None: nobody asked for silence."""

    def to_dict(self) -> dict[str, Any]:
        """Return the alert ready for JSON."""
        return {name: to_json(value) for name, value in asdict(self).items()}
