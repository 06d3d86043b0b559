"""Large files are read in bounded memory, in a process of their own so that the peak is theirs."""

import json
import subprocess
import sys
from pathlib import Path

ROW = "resp-{0:09d},{1}{2},{3},{4},2024-03-01T10:00:00\n"
HEADER = "response_id,question_id,value,time_spent_ms,answered_at\n"

PROGRAM = """
import json, sys
from pathlib import Path
from ioc_analytics.files.batches import open_batch
from ioc_analytics.kernel.settings import LimitsSettings

def peak():
    # Not getrusage: Linux carries the peak of the process that started this one into it.
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024

batch = open_batch(Path(sys.argv[1]), mapping=None, limits=LimitsSettings(), batch_size=1000)
rows = 0
for chunk in batch.chunks():
    rows += chunk.table.num_rows
print(json.dumps({"rows": rows, "megabytes": peak()}))
"""


def test_two_hundred_megabytes_take_a_fraction_of_it(tmp_path: Path) -> None:
    block = "".join(
        ROW.format(i // 50, "ENACO"[i % 5], i % 10 + 1, i % 5 + 1, i % 9000) for i in range(50_000)
    )
    path = tmp_path / "question_responses.csv"
    n_blocks = 200 * 1024**2 // len(block) + 1
    with path.open("w") as file:
        file.write(HEADER)
        for _ in range(n_blocks):
            file.write(block)
    assert path.stat().st_size > 200 * 1024**2
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=True
    )
    result = json.loads(done.stdout)
    assert result["rows"] == n_blocks * 50_000
    assert result["megabytes"] < 450  # 290 before the first byte is read: the libraries


def test_a_quote_that_opens_a_large_file_does_not_swallow_it(tmp_path: Path) -> None:
    path = tmp_path / "question_responses.csv"
    line = ROW.format(1, "E", 1, 4, 100)
    with path.open("w") as file:
        file.write(HEADER + '"')
        file.write(line * 400_000)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=False
    )
    assert "line 2 is longer than limits.max_line_bytes" in done.stderr
