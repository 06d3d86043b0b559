"""Run one benchmark, or all: ``python -m benchmarks [ingest|ocean|states|trends] [--size N]``."""

import argparse

from benchmarks import (
    backup,
    daily,
    export,
    ingest,
    io_manager,
    monitoring,
    ocean,
    orchestration,
    peers,
    report,
    retention,
    states,
    trends,
)
from benchmarks.measuring import describe_machine

BENCHMARKS = {
    "backup": backup.run,
    "daily": daily.run,
    "export": export.run,
    "ingest": ingest.run,
    "io_manager": io_manager.run,
    "monitoring": monitoring.run,
    "ocean": ocean.run,
    "orchestration": orchestration.run,
    "peers": peers.run,
    "report": report.run,
    "retention": retention.run,
    "states": states.run,
    "trends": trends.run,
}


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", metavar="name", help=", ".join(BENCHMARKS))
    parser.add_argument("--size", type=int, help="responses, instead of the benchmark's own number")
    parser.add_argument("--rounds", type=int, default=3, help="neighbouring pairs per figure")
    arguments = parser.parse_args()
    unknown = set(arguments.name) - set(BENCHMARKS)
    if unknown:
        parser.error(f"unknown benchmark {unknown.pop()}; there are {', '.join(BENCHMARKS)}")
    print(describe_machine())
    for name, run in BENCHMARKS.items():
        if not arguments.name or name in arguments.name:
            run(arguments.size, arguments.rounds)


if __name__ == "__main__":
    main()
