"""THE FACADE: one method per documented verb; owns order and lifetimes, no logic of its own.

For: Python users, the command line, the resources. Not for: doing anything itself: each method
calls one room. The verbs stand by whom they serve: ``data_in``, ``upkeep``, ``answers``,
``operations``; ``facade`` puts them together.
"""

from ioc_analytics.system.facade import AnalyticsSystem, create_analytics_system

__all__ = ["AnalyticsSystem", "create_analytics_system"]
