"""Health check and system metrics: how long an operator, or a probe, waits."""

from benchmarks.measuring import median_seconds, show, throwaway_platform


def run(size: int | None, rounds: int) -> None:
    """Measure on an installation without rows; ``size`` has no effect."""
    with throwaway_platform() as system:
        rows = [
            (name, f"{median_seconds(verb, 5 * rounds, warm_up=2) * 1e3:.1f} ms", goal)
            for name, verb, goal in (
                ("health_check", system.health_check, "< 50 ms"),
                ("get_system_metrics", system.get_system_metrics, "< 100 ms"),
                ("measure_health", system.measure_health, ""),
            )
        ]
    show("monitoring, empty installation", rows)
