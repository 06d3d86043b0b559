"""Words that every room shares: errors, settings, clock, logs, and the way to ``sql/``."""
