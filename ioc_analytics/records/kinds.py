"""The five kinds of record that come in, parents before children.

For: files, privacy, ingestion. Not for: their columns (``records.contracts``).
"""

from typing import Final

ASSESSMENTS: Final = "assessments"
RESPONSES: Final = "responses"
QUESTION_RESPONSES: Final = "question_responses"
SCORES: Final = "scores"
AI_VALIDATIONS: Final = "ai_validations"

KINDS: Final = (ASSESSMENTS, RESPONSES, QUESTION_RESPONSES, SCORES, AI_VALIDATIONS)
"""Every kind, in the order in which a batch is read: a child finds its parent already there."""

LINE_COLUMNS: Final = ("_line", "_rule", "_column", "_value")
"""Columns that travel with each record: its line, and why it was refused (NULL: it was not)."""
