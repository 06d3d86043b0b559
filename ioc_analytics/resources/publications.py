"""What Dagster keeps and shows of a publication, and its checks as asset checks.

Dagster calls an I/O manager before an asset's own blocking checks, so these cannot keep rows from
being published. The manager judges them itself, and its verdicts are noted as an observation of
the asset, also when nothing was published; :func:`publication_checks` reports what was noted.

For: ``resources.postgres``, and code locations that use it. Not for: judging
(``database.publishing.checks``).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import dagster as dg
from dagster._core.definitions.metadata.metadata_value import ObjectMetadataValue

from ioc_analytics.database.publishing import Check, Contract, Published, Target, Verdict
from ioc_analytics.database.publishing.contracts import NAME as CONTRACT

_NOTED: Final = "publication_checks"
_LOOKED_AT: Final = 50
"""Observations of an asset in which its newest verdicts are looked for."""


def contract(schema: Any) -> dg.MetadataValue:
    """Return a contract as the metadata of an asset may hold it.

    Args:
        schema: A pandera ``DataFrameSchema`` or ``DataFrameModel``.

    Example:
        >>> @dg.asset(metadata={"contract": contract(SALES)})  # doctest: +SKIP
        ... def sales() -> pd.DataFrame: ...
    """
    # It lives in this process only; what is shown elsewhere is its class.
    return ObjectMetadataValue(Contract(schema))


def definition_metadata(context: dg.OutputContext | dg.InputContext) -> dict[str, Any]:
    """Return what an asset says about itself, in plain values."""
    return _plain(context.definition_metadata or {})


def materialization_metadata(published: Published, target: Target, is_part: bool) -> dict[str, Any]:
    """Return what a materialization shows."""
    agreed = {} if target.contract is None else target.contract.schema.columns
    columns = [
        dg.TableColumn(name, kind, constraints=_constraints(agreed.get(name)))
        for name, kind in published.types.items()
    ]
    replaced = {} if published.replaced is None else {"rows_replaced": published.replaced}
    return {
        "dagster/partition_row_count" if is_part else "dagster/row_count": published.rows,
        "dagster/table_name": target.name,
        "dagster/column_schema": dg.TableSchema(columns=columns),
        "mode": target.mode,
        **replaced,
        "seconds": published.duration_seconds,
    }


def note_verdicts(
    context: dg.OutputContext, verdicts: Sequence[Verdict], *, is_published: bool
) -> None:
    """Keep verdicts where the asset checks find them."""
    if not verdicts:
        return
    observation = dg.AssetObservation(
        context.asset_key,
        description="rows published" if is_published else "rows refused, nothing published",
        metadata={_NOTED: [one.to_dict() for one in verdicts]},
    )
    if is_published:
        context.log_event(observation)
        return
    # Events of a step that fails here are lost, and its asset checks do not run any more.
    instance = context.step_context.instance
    instance.report_runless_asset_event(observation)
    for verdict in verdicts:
        result = _result(context.asset_key, verdict.to_dict())
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=context.asset_key,
                check_name=check_name(verdict.name),
                passed=result.passed,
                severity=result.severity,
                metadata=result.metadata,
                description=result.description,
            )
        )


def publication_checks(*assets: dg.AssetsDefinition) -> list[dg.AssetChecksDefinition]:
    """Return asset checks that report how the rows fared which were last to be published.

    Example:
        >>> dg.Definitions(
        ...     assets=[daily], asset_checks=publication_checks(daily)
        ... )  # doctest: +SKIP
    """
    made = []
    for asset in assets:
        for key, metadata in asset.metadata_by_key.items():
            plain = _plain(metadata)
            checks = {
                name: Check.from_value(name, value)
                for name, value in (plain.get("checks") or {}).items()
            }
            if plain.get("contract") is not None:
                checks = {CONTRACT: Check(plain["contract"].condition), **checks}
            if checks:
                made.append(_reporting(key, checks))
    return made


def check_name(name: str) -> str:
    """Return the name of a check as Dagster takes it: letters, digits and underscores."""
    return "".join(sign if sign.isalnum() and sign.isascii() else "_" for sign in name)


def _reporting(key: dg.AssetKey, checks: Mapping[str, Check]) -> dg.AssetChecksDefinition:
    specs = [
        dg.AssetCheckSpec(
            check_name(name),
            asset=key,
            blocking=check.is_blocking,
            description=f"{name}: `{check.condition}`, judged before publishing.",
        )
        for name, check in checks.items()
    ]

    @dg.multi_asset_check(name=f"{key.to_python_identifier()}_publication", specs=specs)
    def report(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        yield from _reported(context, key, specs)

    return report


def _reported(
    context: dg.AssetCheckExecutionContext, key: dg.AssetKey, specs: Sequence[dg.AssetCheckSpec]
) -> Iterator[dg.AssetCheckResult]:
    noted = {check_name(one["name"]): one for one in _noted(context, key)}
    for spec in specs:
        if spec.name in noted:
            yield _result(key, noted[spec.name])
        else:
            yield dg.AssetCheckResult(
                passed=False,
                asset_key=key,
                check_name=spec.name,
                severity=dg.AssetCheckSeverity.WARN,
                description="nothing has been published with this check yet",
            )


def _noted(context: dg.AssetCheckExecutionContext, key: dg.AssetKey) -> Sequence[dict[str, Any]]:
    records = context.instance.fetch_observations(key, limit=_LOOKED_AT).records
    own = [one for one in records if one.run_id == context.run.run_id]
    for record in [*own, *records]:  # of this run, or else the newest
        observation = record.asset_observation
        if observation is not None and _NOTED in observation.metadata:
            value = observation.metadata[_NOTED].value
            return value if isinstance(value, list) else []
    return []


def _result(key: dg.AssetKey, verdict: Mapping[str, Any]) -> dg.AssetCheckResult:
    severity = dg.AssetCheckSeverity.ERROR if verdict["is_blocking"] else dg.AssetCheckSeverity.WARN
    broken = {} if verdict["broken"] is None else {"broken": verdict["broken"]}
    return dg.AssetCheckResult(
        passed=verdict["is_met"],
        asset_key=key,
        check_name=check_name(verdict["name"]),
        severity=severity,
        description=verdict["name"],
        metadata={"condition": verdict["condition"], "rows": verdict["rows"], **broken},
    )


def _constraints(column: Any) -> dg.TableColumnConstraints | None:
    """Return what a contract demands of a column."""
    if column is None:
        return None
    demanded = [str(check.error or check.name) for check in column.checks]
    return dg.TableColumnConstraints(column.nullable, column.unique, other=demanded)


def _plain(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in metadata.items()}


def _value(value: Any) -> Any:
    if isinstance(value, ObjectMetadataValue):
        return value.instance
    return value.value if isinstance(value, dg.MetadataValue) else value
