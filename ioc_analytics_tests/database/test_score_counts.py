"""The view that shows the states as rows."""

from datetime import date

import numpy as np

from ioc_analytics import AnalyticsSystem
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.states.cells import TraitCells
from ioc_analytics.states.stored import write_cells


def test_rows_of_the_view_are_the_packed_counts_to_the_last_bit(analytics: AnalyticsSystem) -> None:
    generator = np.random.default_rng(7)
    # Thirds, 12ths and 240ths of the scale, its ends, and a score that is missing.
    grid = np.concatenate([np.arange(13) * 100 / 12, np.arange(241) * 100 / 240, [0.0, 100.0]])
    scores = generator.choice(grid, size=(400, 5))
    scores[0, 2] = np.nan
    cells = TraitCells.from_scores(scores, np.zeros(400, dtype=np.int64), 1)
    with analytics.database.connection("ingest") as connection:
        write_cells(
            connection,
            "month_all",
            [date(2024, 1, 1)],
            [False],
            {"instrument": ["ipip50"]},
            cells,
        )
    rows = analytics.query(
        "SELECT dimension::text AS trait, score, n FROM ocean_score_counts WHERE family = $1",
        ["month_all"],
    ).data
    for place, trait in enumerate(TRAITS):
        values, counts = cells.of_trait(place)
        found = sorted((row["score"], row["n"]) for row in rows if row["trait"] == trait)
        assert found == list(zip(values.tolist(), counts.tolist(), strict=True))
