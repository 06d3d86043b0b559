"""Pictures of figures: plain numbers in; a Vega-Lite specification, SVG or PNG out.

For: reports, Dagster's metadata, the live dashboard. Not for: computing the figures
(``statistics``, ``insight``). No file, no clock, no network; one theme (``theme``), whose colours
are told apart by colour-blind people and in grey print.

Example:
    >>> from ioc_analytics.pictures import sparkline, to_svg
    >>> to_svg(sparkline([3, 5, 4])).startswith("<svg")
    True
"""

from ioc_analytics.pictures.charts import (
    Band,
    Cell,
    FunnelRow,
    Range,
    Violin,
    benchmark_funnel,
    correlation_heatmap,
    distribution,
    figures_with_ranges,
    quality_bars,
    sparkline,
    trend_with_band,
)
from ioc_analytics.pictures.output import to_data_uri, to_png, to_spec, to_svg

__all__ = [
    "Band",
    "Cell",
    "FunnelRow",
    "Range",
    "Violin",
    "benchmark_funnel",
    "correlation_heatmap",
    "distribution",
    "figures_with_ranges",
    "quality_bars",
    "sparkline",
    "to_data_uri",
    "to_png",
    "to_spec",
    "to_svg",
    "trend_with_band",
]
