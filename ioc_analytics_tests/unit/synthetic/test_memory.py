"""Memory does not grow with the number of responses."""

import subprocess
import sys
from pathlib import Path

import ioc_analytics

# The high-water mark of /proc is the child's own; getrusage also knows that of the parent at fork.
SCRIPT = """
import resource, sys
from pathlib import Path
from ioc_analytics.synthetic.files import generate_files
generate_files(Path(sys.argv[1]), responses=int(sys.argv[2]), batches=sys.argv[3],
               duplicate_share=0.01, dirty_share=0.01)
status = Path("/proc/self/status")
if status.exists():
    line = next(l for l in status.read_text().splitlines() if l.startswith("VmHWM"))
    print(int(line.split()[1]) // 1024)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 2**20)
"""


def peak_megabytes(out: Path, responses: int, batches: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(out), str(responses), batches],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(ioc_analytics.__file__).parents[1],
    )
    return int(done.stdout)


def test_a_hundred_thousand_responses_need_no_more_memory_than_a_few(tmp_path: Path) -> None:
    few = peak_megabytes(tmp_path / "few", 30_000, "single")
    many = peak_megabytes(tmp_path / "many", 100_000, "single")
    assert many < 400
    assert many < few + 80


def test_monthly_batches_stay_bounded_too(tmp_path: Path) -> None:
    assert peak_megabytes(tmp_path / "monthly", 60_000, "monthly") < 450
