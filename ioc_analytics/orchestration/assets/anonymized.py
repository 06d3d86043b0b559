"""The four anonymized tables: one file or folder in, one transaction, one receipt.

For: the ingest job and the inbox sensor. Not for: how a batch is judged (``ingestion``).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import dagster as dg
from pydantic import Field

from ioc_analytics.kernel.errors import AnalyticsError
from ioc_analytics.orchestration import presentation
from ioc_analytics.orchestration.inbox import FAILED, Inbox, shown_name
from ioc_analytics.orchestration.presentation import receipt_metadata, table_spec
from ioc_analytics.records.kinds import ASSESSMENTS, QUESTION_RESPONSES, RESPONSES, SCORES
from ioc_analytics.records.receipts import IngestReceipt
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.resources.failures import RETRY, failures

TABLES: Final = {
    "anonymized_assessments": ASSESSMENTS,
    "anonymized_assessment_responses": RESPONSES,
    "anonymized_question_responses": QUESTION_RESPONSES,
    "anonymized_assessment_scores": SCORES,
}
"""The tables, parents first, and the kind of record that fills each."""


class IngestConfig(dg.Config):
    """Which batches to take in."""

    paths: list[str] = Field(
        description="Files or folders on the machine that runs this, CSV to Parquet, each a batch."
    )
    mapping: str | None = Field(
        default=None,
        description="TOML mapping of a wide survey export, such as mappings/big5.toml.",
    )
    replace: bool = Field(
        default=False,
        description="Let records of the same version with other content replace what is stored.",
    )


@dg.multi_asset(
    name="anonymized_tables",
    specs=[
        table_spec(
            name,
            "anonymized",
            tags={"privacy": "pseudonymised"},
            # Children know their parents in the graph as they do in the tables.
            deps=list(TABLES)[: min(at, 2)] if at < 2 else [list(TABLES)[1]],
        )
        for at, name in enumerate(TABLES)
    ],
    retry_policy=RETRY,
    pool="ingest",
)
def anonymized_tables(
    context: dg.AssetExecutionContext, config: IngestConfig, analytics: AnalyticsResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Judge, pseudonymise and store one batch in one transaction; twice the same is harmless."""
    with failures():
        receipt = _take_in(context, config, analytics)
        stored = presentation.count_rows(analytics.system, TABLES)
    waited = presentation.waited(context.run.tags, "stored")
    metadata = {**receipt_metadata(receipt), **waited}
    for name, kind in TABLES.items():
        rows = receipt.by_kind[kind].accepted if kind in receipt.by_kind else 0
        yield dg.MaterializeResult(
            asset_key=name, metadata={**stored[name], "rows_accepted": rows, **metadata}
        )


def _take_in(
    context: dg.AssetExecutionContext, config: IngestConfig, analytics: AnalyticsResource
) -> IngestReceipt:
    paths = [Path(path) for path in config.paths]
    inbox = Inbox(analytics.config.inbox)
    ours = {path: inbox.signature_of(path) for path in paths if inbox.holds(path)}
    try:
        receipt = analytics.system.ingest_files(
            *paths, mapping=config.mapping, replace=config.replace, run_id=context.run.run_id
        )
    except AnalyticsError as error:
        # Of several nobody knows which is to blame; the inbox asks for one at a time.
        if len(paths) == 1 and ours and inbox.is_to_blame(error):
            ((path, signature),) = ours.items()
            if inbox.refuse(path, signature, str(error)) is not None:
                context.log.error(f"{shown_name(path)} was refused and moved to {FAILED}")
        raise
    for path, signature in ours.items():
        if not inbox.finish(path, signature):
            context.log.warning(f"{shown_name(path)} was changed while it was read; it stays")
    return receipt
