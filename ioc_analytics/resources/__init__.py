"""DAGSTER RESOURCES that other pipelines import: thin shells, no logic."""
