"""What a process loads before it is asked for anything: its memory is the floor of every ingest."""

import subprocess
import sys

SCRIPT = """
import sys
from ioc_analytics import create_analytics_system
print(*sorted(name for name in {heavy!r} if name in sys.modules))
"""
HEAVY = ("altair", "scipy.optimize", "scipy.stats", "sklearn", "statsmodels", "xlsxwriter")


def test_the_library_loads_what_only_some_verbs_need_when_they_need_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(heavy=HEAVY)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []
