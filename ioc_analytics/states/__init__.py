"""STATES: families of mergeable state, live and sealed: exact answers in milliseconds."""
