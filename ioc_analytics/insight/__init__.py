"""INSIGHT: composes reading and statistics into answers; no SQL text, no formula of its own."""
