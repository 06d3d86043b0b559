"""The jobs: what a person starts from the launchpad, and what sensors ask for.

For: ``build_defs`` and sensors. Not for: when they run (``sensors``).
"""

from typing import Any, Final

import dagster as dg

from ioc_analytics.orchestration.assets.anonymized import TABLES
from ioc_analytics.orchestration.assets.views import SOURCES

INGEST: Final = "ingest"
REFRESH: Final = "refresh"

INGEST_STEP: Final = "anonymized_tables"


def build_jobs() -> list[Any]:
    """Return the jobs over the assets."""
    return [
        dg.define_asset_job(
            INGEST,
            selection=dg.AssetSelection.assets(*TABLES),
            description="Take one file or folder in: fill in `path`, and `mapping` for a wide "
            "survey export. The same batch twice is recognised and changes nothing.",
        ),
        dg.define_asset_job(
            REFRESH,
            selection=dg.AssetSelection.assets("ocean_trait_distributions", *SOURCES),
            description="Bring the released distributions of some months up to date, then the "
            "views. With `rebuild: true` every day is counted again from rows.",
        ),
    ]
