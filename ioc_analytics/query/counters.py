"""Counts of what was asked in this process: requests, cache hits, failures, times.

For: monitoring, which reads :meth:`QueryCounters.figures`, and adds up what every process hands in.
Not for: the server's own statistics (``pg_stat_statements``), or who asked what (the audit log).
"""

import logging
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from ioc_analytics.kernel.errors import (
    AnalyticsError,
    InvalidInput,
    NotEnoughData,
    PrivacyRefusal,
)

LATENCY_BOUNDS_SECONDS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
"""Upper bounds of the classes of the latency histogram; the last class is open."""

HAND_IN_SECONDS: Final = 30.0
"""How often a process hands its counts in while it answers."""

_log = logging.getLogger(__name__)
_CALLERS_MISTAKES: Final = (InvalidInput, NotEnoughData, PrivacyRefusal)


@dataclass(frozen=True, slots=True)
class QueryFigures:
    """What the counters held at one moment."""

    requests: int
    """Questions that ended, well or not."""

    errors: int
    """Of them, failed by the platform's or the server's fault."""

    refusals: int
    """Of them, refused because of what was asked."""

    cache_lookups: int
    """Questions that looked into the cache."""

    cache_hits: int
    """Of them, answered from it."""

    seconds: float
    """Time spent on all requests together."""

    latency_counts: tuple[int, ...]
    """Requests per class of ``LATENCY_BOUNDS_SECONDS``, one more for what lies beyond."""

    def since(self, earlier: "QueryFigures") -> "QueryFigures":
        """Return what was counted after an earlier look."""
        counts = zip(self.latency_counts, earlier.latency_counts, strict=True)
        return QueryFigures(
            requests=self.requests - earlier.requests,
            errors=self.errors - earlier.errors,
            refusals=self.refusals - earlier.refusals,
            cache_lookups=self.cache_lookups - earlier.cache_lookups,
            cache_hits=self.cache_hits - earlier.cache_hits,
            seconds=self.seconds - earlier.seconds,
            latency_counts=tuple(now - then for now, then in counts),
        )

    @property
    def average_seconds(self) -> float | None:
        """Mean time of a request; None before the first."""
        return self.seconds / self.requests if self.requests else None

    @property
    def error_rate(self) -> float | None:
        """Share of requests that failed, 0 to 1; None before the first."""
        return self.errors / self.requests if self.requests else None

    @property
    def cache_hit_rate(self) -> float | None:
        """Share of lookups answered from the cache, 0 to 1; None before the first."""
        return self.cache_hits / self.cache_lookups if self.cache_lookups else None

    def latency_bound_seconds(self, share: float) -> float | None:
        """Return the bound below which a share of the requests ended.

        Args:
            share: Such as 0.95, within 0 to 1.

        Returns:
            The upper bound of the class that holds that request; None before the first request,
            and where it lies beyond the last bound.
        """
        if not self.requests:
            return None
        reached = 0
        for bound, count in zip(LATENCY_BOUNDS_SECONDS, self.latency_counts, strict=False):
            reached += count
            if reached >= share * self.requests:
                return bound
        return None


class QueryCounters:
    """Counters that threads share; they begin at zero with the process."""

    def __init__(self, hand_in: Callable[[QueryFigures], None] | None = None) -> None:
        """Begin at zero.

        Args:
            hand_in: Gets, after a request and at most every ``HAND_IN_SECONDS``, what was counted
                since it was called last; what it refused with an ``AnalyticsError`` it gets again.
        """
        self._lock = threading.Lock()
        self._hand_in = hand_in
        self._handed_in: QueryFigures | None = None
        self._due = time.monotonic() + HAND_IN_SECONDS
        self._requests = self._errors = self._refusals = 0
        self._lookups = self._hits = 0
        self._seconds = 0.0
        self._latency = [0] * (len(LATENCY_BOUNDS_SECONDS) + 1)

    @contextmanager
    def request(self) -> Iterator[None]:
        """Count one question, with its time and how it ended."""
        started = time.monotonic()
        errors = refusals = 0
        try:
            yield
        except _CALLERS_MISTAKES:
            refusals = 1
            raise
        except Exception:
            errors = 1
            raise
        finally:
            seconds = time.monotonic() - started
            with self._lock:
                self._requests += 1
                self._errors += errors
                self._refusals += refusals
                self._seconds += seconds
                self._latency[bisect_left(LATENCY_BOUNDS_SECONDS, seconds)] += 1
                is_due = time.monotonic() >= self._due
            if is_due:
                self.hand_in()

    def hand_in(self) -> None:
        """Hand in what was counted since the last time; nothing where nothing was."""
        with self._lock:
            figures = self._figures()
            since, self._due = self._handed_in, time.monotonic() + HAND_IN_SECONDS
            if self._hand_in is None or figures.requests == (since.requests if since else 0):
                return
            self._handed_in = figures
        try:
            self._hand_in(figures if since is None else figures.since(since))
        except AnalyticsError:
            # Counting must never make an answer fail; what was not taken goes with the next.
            _log.warning("counts of questions could not be handed in", exc_info=True)
            with self._lock:
                if self._handed_in is figures:
                    self._handed_in = since

    def looked_up(self, *, is_hit: bool) -> None:
        """Count one look into the cache."""
        with self._lock:
            self._lookups += 1
            self._hits += is_hit

    def figures(self) -> QueryFigures:
        """Return what was counted so far."""
        with self._lock:
            return self._figures()

    def _figures(self) -> QueryFigures:
        return QueryFigures(
            requests=self._requests,
            errors=self._errors,
            refusals=self._refusals,
            cache_lookups=self._lookups,
            cache_hits=self._hits,
            seconds=self._seconds,
            latency_counts=tuple(self._latency),
        )
