"""MONITORING: measures, never repairs; a figure that cannot be had is unknown, never invented."""
