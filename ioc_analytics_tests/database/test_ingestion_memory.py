"""The memory of an ingesting process does not grow with the batch."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.synthetic.files import generate_files
from ioc_analytics_tests.fixtures.processes import CHECKOUT

INGEST = """
import json, sys
from pathlib import Path
from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.settings import AnalyticsConfig

home, pg_bin, database, key, path = json.loads(sys.argv[1])
config = AnalyticsConfig.load(
    {}, home=Path(home), pg_bin=Path(pg_bin), database={"database": database},
    privacy={"pseudonym_key": key},
)
with AnalyticsSystem(config) as system:
    receipt = system.ingest_files(Path(path))
status = Path("/proc/self/status").read_text().splitlines()
peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(json.dumps([receipt.accepted, peak // 1024]))
"""


def peak_megabytes(analytics: AnalyticsSystem, folder: Path, responses: int) -> int:
    """Return the high-water mark of a process of its own that ingests so many responses."""
    generate_files(folder, responses=responses, seed=1, with_ai=False)
    config = analytics.config
    key = config.privacy.pseudonym_key
    assert key is not None
    told = [config.home, config.pg_bin, config.database.database, key.get_secret_value(), folder]
    done = subprocess.run(
        [sys.executable, "-c", INGEST, json.dumps([str(one) for one in told])],
        capture_output=True,
        text=True,
        check=True,
        cwd=CHECKOUT,
    )
    accepted, peak = json.loads(done.stdout)
    assert accepted > 40 * responses
    return int(peak)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_ten_times_the_batch_takes_hardly_more_memory(
    platform_factory: Callable[[], AnalyticsSystem], tmp_path: Path
) -> None:
    small = peak_megabytes(platform_factory(), tmp_path / "small", 2_000)
    large = peak_megabytes(platform_factory(), tmp_path / "large", 20_000)
    assert large < 600
    # Chunks in flight and the parents of 18,000 more responses: 57 MB. Holding the million answers
    # as columns would take as much again and more.
    assert large < small + 90, (small, large)
