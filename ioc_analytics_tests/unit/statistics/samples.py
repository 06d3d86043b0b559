"""Inputs for the property tests: scores on the grids of real instruments, answers with gaps."""

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ioc_analytics.records.instruments import Instrument, Item
from ioc_analytics.records.vocabularies import TRAITS

MISSING = 0

GRIDS = {
    "ipip50": np.arange(41) * 100 / 40,
    "bfi25": np.arange(26) * 100 / 25,
    "tipi": np.arange(13) * 100 / 12,
    "hundredths": np.arange(10_001) / 100,
}

grid_names = st.sampled_from(sorted(GRIDS))
instrument_names = st.sampled_from(["bfi25", "ipip50", "tipi"])


@st.composite
def scores(draw: st.DrawFn, minimum: int = 1) -> npt.NDArray[np.float64]:
    """Scores of one trait on the grid of some instrument."""
    grid = GRIDS[draw(grid_names)]
    places = draw(st.lists(st.integers(0, grid.size - 1), min_size=minimum, max_size=60))
    return grid[np.array(places, dtype=np.int64)]


@st.composite
def vectors(draw: st.DrawFn, names: st.SearchStrategy[str]) -> npt.NDArray[np.float64]:
    """Score vectors of shape (n, 5) on one of the named grids, with NaN for gaps."""
    grid = np.append(GRIDS[draw(names)], np.nan)
    rows = draw(st.integers(0, 40))
    places = draw(hnp.arrays(np.int64, (rows, 5), elements=st.integers(0, grid.size - 1)))
    gaps = draw(hnp.arrays(np.bool_, (rows, 5)))
    return np.where(gaps & (places % 3 == 0), np.nan, grid[places])


def answers(items: int = 4, highest: int = 5) -> st.SearchStrategy[npt.NDArray[Any]]:
    """Answers 1..highest of shape (n, items), 0 for a missing one."""
    shapes = st.tuples(st.integers(0, 40), st.just(items))
    return hnp.arrays(np.int8, shapes, elements=st.integers(MISSING, highest))


def instrument(keys: dict[str, list[bool]], *, highest: int = 5, share: float = 0.8) -> Instrument:
    """An instrument with, per trait, the given items (True: reversed)."""
    pairs = [(trait, turned) for trait in TRAITS for turned in keys.get(trait, [])]
    items = tuple(
        Item(f"I{place}", trait, turned, place, None)
        for place, (trait, turned) in enumerate(pairs, start=1)
    )
    return Instrument("example", "Example", 1, highest, share, items, "tests")
