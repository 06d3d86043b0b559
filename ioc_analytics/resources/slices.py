"""Dagster's partitions as slices of a table.

For: ``resources.postgres``. Not for: the platform's own partitions (``orchestration.partitions``).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from ioc_analytics.database.publishing import Category, Part, Slice, TimeWindow
from ioc_analytics.kernel.errors import ConfigurationError

Context = dg.OutputContext | dg.InputContext


def slice_of(context: Context, metadata: Mapping[str, Any]) -> Slice | None:
    """Return the part of the table that the partitions of a context stand for; None: all of it.

    Raises:
        ConfigurationError: The asset does not say which column tells the partition of a row.
    """
    if not context.has_asset_partitions:
        return None
    expression = metadata.get("partition_expr")
    if not expression:
        raise ConfigurationError(
            f"{context.asset_key.to_user_string()} is partitioned: name the column that tells the "
            'partition of a row, metadata={"partition_expr": "created_at"}'
        )
    definition = context.asset_partitions_def
    keys = tuple(context.asset_partition_keys)
    if isinstance(definition, dg.MultiPartitionsDefinition):
        return Slice(tuple(_part(definition, key, expression) for key in keys), keys)
    if isinstance(definition, dg.TimeWindowPartitionsDefinition):
        windows = (definition.time_window_for_partition_key(key) for key in keys)
        return Slice(tuple((one,) for one in _joined(expression, windows)), keys)
    return Slice(((Category(expression, keys),),) if keys else (), keys)


def _joined(column: str, windows: Iterable[dg.TimeWindow]) -> list[TimeWindow]:
    """Return windows with neighbours made one: a year of days is one condition, not 365."""
    joined: list[TimeWindow] = []
    for window in sorted(windows, key=lambda one: one.start):
        if joined and joined[-1].end == window.start:
            joined[-1] = TimeWindow(column, joined[-1].start, window.end)
        else:
            joined.append(TimeWindow(column, window.start, window.end))
    return joined


def _part(definition: dg.MultiPartitionsDefinition, key: str, columns: Mapping[str, str]) -> Part:
    parts: list[TimeWindow | Category] = []
    # The key's text sorts the dimensions by name; it is not to be taken apart by hand.
    by_dimension = definition.get_partition_key_from_str(key).keys_by_dimension
    for dimension in definition.partitions_defs:
        value, column = by_dimension[dimension.name], columns[dimension.name]
        inner = dimension.partitions_def
        if isinstance(inner, dg.TimeWindowPartitionsDefinition):
            window = inner.time_window_for_partition_key(value)
            parts.append(TimeWindow(column, window.start, window.end))
        else:
            parts.append(Category(column, (value,)))
    return tuple(parts)
