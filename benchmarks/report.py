"""A report with every section over a year of responses that have scores and two AI raters.

Section by section too: what reads rows (outliers, AI validation) is seen beside what reads states.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measuring import Row, median_seconds, seconds, show, throwaway_platform
from benchmarks.states import rebuild
from ioc_analytics import AnalyticsSystem
from ioc_analytics.insight.report_sections import SECTIONS
from ioc_analytics.kernel.errors import NotEnoughData
from ioc_analytics.synthetic.files import generate_files


def run(size: int | None, rounds: int) -> None:
    """Measure at one million responses, or at ``size``."""
    responses = size or 1_000_000
    with TemporaryDirectory() as folder, throwaway_platform() as system:
        batch = Path(folder, "batch")
        generate_files(batch, responses=responses, seed=1, with_scores=True)
        (batch / "question_responses.parquet").unlink()
        system.ingest_files(batch)
        rebuild(system)
        rows: list[Row] = []
        # Pictures are drawn by libraries that the first report of a process loads.
        first = seconds(lambda: system.generate_report({"filename": "report-first.html"}))
        rows.append(("all sections, the first of a process", f"{first:.1f} s", ""))
        again = median_seconds(system.generate_report, rounds, warm_up=0)
        rows.append(("all sections", f"{again:.1f} s", "< 5 s at 1 M"))
        rows += [(f"  {name} alone", _alone(system, name), "") for name in SECTIONS]
    show(f"generate_report, {responses:,} responses over a year", rows)


def _alone(system: AnalyticsSystem, section: str) -> str:
    config = {"sections": [section], "filename": f"report-{section}.html"}
    try:
        return f"{seconds(lambda: system.generate_report(config)):.2f} s"
    except NotEnoughData:
        return "no data"
