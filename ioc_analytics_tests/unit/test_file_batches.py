"""What a batch of operational files hands to the ledger holds no person's data."""

from pathlib import Path

from ioc_analytics.files.batches import open_batch
from ioc_analytics.ingestion.sources import FileBatch
from ioc_analytics.kernel.settings import LimitsSettings
from ioc_analytics.privacy.pseudonyms import Pseudonymizer


def test_names_of_files_and_columns_that_identify_somebody_are_described(tmp_path: Path) -> None:
    path = tmp_path / "responses ada@example.org.csv"
    path.write_text(
        "response_id,assessment_id,started_at,shoe_size,bob@example.org\nr,a,2024-01-01,44,x\n"
    )
    opened = open_batch(path, mapping=None, limits=LimitsSettings(), batch_size=1000)
    batch = FileBatch(opened, Pseudonymizer(bytes(range(32))))
    (chunk,) = batch.chunks()
    assert batch.name == chunk.file == "<an e-mail address>"
    assert chunk.dropped_columns == {"shoe_size", "<an e-mail address>"}
