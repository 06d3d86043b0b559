"""Which offending value may stand beside a refused line, and what stands there instead.

For: ``privacy.anonymize`` and error messages. Not for: values that are stored as data.

A row whose fields have slipped puts a name where a number belongs. So a value is kept only where
its form cannot hold a name: numbers and dates by their characters, open labels by their shape, and
never from a column about the person. The rest is described.
"""

import re
from typing import Final

from ioc_analytics.privacy.detector import finding_of
from ioc_analytics.privacy.labels import LABEL_PATTERN
from ioc_analytics.records.contracts import CONTRACTS, ColumnType

_NUMBERS_AND_TIMES: Final = frozenset(
    column.name
    for contract in CONTRACTS.values()
    for column in contract.columns
    if column.type in (ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.TIME)
) - {"age", "birth_year"}
_LABELS: Final = frozenset({"question_id", "instrument", "assessment_type", "scoring_version"})

_NUMERIC: Final = re.compile(r"[0-9\s.,:;+\-/%eETZ()<>=?*#]{1,60}")
_EMPTY_WORDS: Final = frozenset(
    {"", "-", "nan", "null", "none", "n/a", "na", "inf", "-inf", "true", "false", "missing"}
)
_LABEL: Final = re.compile(LABEL_PATTERN)


def storable_value(column: str | None, value: str | None) -> str | None:
    """Return a refused value as it may be kept: itself, or a description of it.

    Args:
        column: The operational column it came from; None when the line could not be split.
        value: The value as text.

    Example:
        >>> storable_value("score", "104,5"), storable_value("score", "Ada Lovelace")
        ('104,5', '<text of 12 characters>')
    """
    if value is None:
        return None
    is_kept = value.strip().casefold() in _EMPTY_WORDS
    if column in _NUMBERS_AND_TIMES:
        is_kept = is_kept or _NUMERIC.fullmatch(value) is not None
    elif column in _LABELS:
        is_kept = is_kept or _LABEL.fullmatch(value) is not None
    finding = finding_of(value)
    return value if is_kept and finding is None else f"<{describe_value(value)}>"


def storable_name(column: str) -> str:
    """Return the name of a dropped column, or of a file, as a receipt may keep it.

    A file without a header has its first person where the names belong.

    Example:
        >>> storable_name("shoe_size"), storable_name("ada@example.org")
        ('shoe_size', '<an e-mail address>')
    """
    finding = finding_of(column)
    return f"<{finding}>" if finding else column


def describe_value(value: str) -> str:
    """Return what kind of value a text is, without the text, such as ``text of 12 characters``."""
    if finding := finding_of(value):
        return str(finding)
    text = value.strip()
    if not text:
        return "empty text"
    if text.isdigit():
        return f"number of {len(text)} digits"
    return f"text of {len(value)} character{'s' if len(value) > 1 else ''}"
