"""MAINTENANCE: care on evidence; every destructive step has a plan that can be printed."""
