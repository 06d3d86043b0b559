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
    """Which batch to take in."""

    path: str = Field(description="File or folder on the machine that runs this, CSV to Parquet.")
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
    metadata = receipt_metadata(receipt)
    for name, kind in TABLES.items():
        rows = receipt.by_kind[kind].accepted if kind in receipt.by_kind else 0
        yield dg.MaterializeResult(
            asset_key=name, metadata={**stored[name], "rows_accepted": rows, **metadata}
        )


def _take_in(
    context: dg.AssetExecutionContext, config: IngestConfig, analytics: AnalyticsResource
) -> IngestReceipt:
    path = Path(config.path)
    inbox = Inbox(analytics.config.inbox)
    is_ours = inbox.holds(path)
    signature = inbox.signature_of(path) if is_ours else None
    try:
        receipt = analytics.system.ingest_files(
            path, mapping=config.mapping, replace=config.replace, run_id=context.run.run_id
        )
    except AnalyticsError as error:
        if (
            is_ours
            and inbox.is_to_blame(error)
            and inbox.refuse(path, signature, str(error)) is not None
        ):
            context.log.error(f"{shown_name(path)} was refused and moved to {FAILED}")
        raise
    if is_ours and not inbox.finish(path, signature):
        context.log.warning(f"{shown_name(path)} was changed while it was read; it stays")
    return receipt
