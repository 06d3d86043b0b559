"""Random streams by seed, purpose and chunk, and draws from them by share.

For: everything that draws in this room. Not for: what is drawn.

Each purpose has streams of its own, so that leaving out the raters, or planting faults, changes no
person and no answer.
"""

from collections.abc import Sequence
from enum import IntEnum

import numpy as np

from ioc_analytics.synthetic.population import FloatArray, IntArray

CHUNK = 10_000
"""Responses per chunk; part of what a seed means, so changing it changes all files."""


class Purpose(IntEnum):
    """First part of the spawn key of a stream; part of what a seed means."""

    ORGANIZATIONS = 0
    RESPONSES = 1
    RATERS = 2
    PLANTING = 3
    PAUSES = 4


def stream(seed: int, purpose: Purpose, index: int) -> np.random.Generator:
    """Return the ``index``-th stream of a purpose; independent of all others."""
    sequence = np.random.SeedSequence(seed, spawn_key=(purpose, index))
    return np.random.Generator(np.random.SFC64(sequence))


def pick(rng: np.random.Generator, shares: Sequence[float] | FloatArray) -> IntArray:
    """Return ``CHUNK`` positions in ``shares``, drawn with these probabilities."""
    edges = np.cumsum(shares)
    found = np.searchsorted(edges / edges[-1], rng.random(CHUNK), side="right")
    return np.minimum(found, len(edges) - 1).astype(np.int64)
