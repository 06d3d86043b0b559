"""Backups: against a bare pg_dump of the same compression, the drill, and the fingerprint.

Scores of generated responses over a year, with their answers.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measuring import compare, seconds, show, throwaway_platform
from ioc_analytics.backup.fingerprints import fingerprint_database
from ioc_analytics.database.clients import find_clients, run_client
from ioc_analytics.synthetic.files import generate_files

_MILLION = 1_000_000


def run(size: int | None, rounds: int) -> None:
    """Measure at 140,000 responses (seven million answers, 1 GB), or at ``size``."""
    responses = size or 140_000
    with TemporaryDirectory() as folder, throwaway_platform() as system:
        batch = Path(folder, "batch")
        generate_files(batch, responses=responses, seed=1, with_ai=False)
        system.ingest_files(batch)
        conninfo = system.database.conninfo("backup")
        lease = system.database.open().lease
        assert lease is not None
        clients = find_clients(lease.version, lease.bin_folder)
        places = iter(range(1000))

        def bare() -> float:
            place = Path(folder, f"bare-{next(places)}")
            arguments = ["--format=directory", "--jobs=2", "--compress=1", f"--file={place}"]
            return seconds(lambda: run_client(clients.folder / "pg_dump", arguments, conninfo))

        ours, theirs, _ = compare(lambda: seconds(system.create_backup), bare, rounds)
        drilled = system.drill_backup()
        gigabytes = system.get_system_status().database.size_bytes / 1024**3
        print_seconds = seconds(lambda: fingerprint_database(conninfo, jobs=2))
        rows = sum(mark.rows for name, mark in drilled.fingerprints.items() if name[-1].isdigit())
    show(
        f"Backup of {gigabytes:.2f} GB",
        [
            (
                "backup / bare pg_dump",
                f"{ours:.1f} s / {theirs:.1f} s = {ours / theirs:.2f}",
                "1.5",
            ),
            (
                "restore and compare",
                f"{(drilled.restore_seconds or 0) / gigabytes:.0f} s per GB",
                "< 120 s",
            ),
            (
                f"fingerprint of {rows:,} rows",
                f"{print_seconds:.1f} s, {print_seconds / rows * 3 * _MILLION:.1f} s per 3 M",
                "< 6 s per 3 M",
            ),
        ],
    )
