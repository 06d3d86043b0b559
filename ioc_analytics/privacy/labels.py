"""Open texts that are kept: assessment types, instruments, models, versions, item codes.

For: ``privacy.anonymize`` and ``privacy.check``. Not for: closed lists (``columns.closed``).

No list can close these columns, so their form does: one word of letters, digits and ``. _ + -``, at
most 64 characters, with nothing identifiable in it. A free text, such as a person's full name, has
blanks and does not pass.
"""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from ioc_analytics.privacy.columns import Array, Column, Read, encode
from ioc_analytics.privacy.detector import find_identifiable
from ioc_analytics.records.vocabularies import UNKNOWN

LABEL_PATTERN: Final = r"^[A-Za-z0-9._+-]{1,64}$"
_PATH_MARKS: Final = r"[/:]"


def read_labels(
    column: Column,
    *,
    is_lowered: bool = False,
    has_path_marks: bool = False,
    absent: str | None = UNKNOWN,
    otherwise: str | None = UNKNOWN,
) -> Read:
    """Return the column with every text that is no label replaced.

    Args:
        column: Strings, plain or dictionary-encoded.
        is_lowered: Whether labels are lower-cased first.
        has_path_marks: Whether ``/`` and ``:`` become ``-``, as in ``vendor/model:version``.
        absent: What a null or blank becomes.
        otherwise: What a text that is no label becomes.
    """
    encoded = encode(column)
    texts = pc.utf8_trim_whitespace(encoded.dictionary.cast(pa.string()))
    if has_path_marks:
        texts = pc.replace_substring_regex(texts, _PATH_MARKS, "-")
    if is_lowered:
        texts = pc.utf8_lower(texts)
    is_blank = pc.fill_null(pc.equal(texts, ""), True)
    is_label = pc.or_(is_blank, is_clean_label(texts))
    kept = pc.if_else(is_label, texts, pa.scalar(otherwise, pa.string()))
    kept = pc.if_else(is_blank, pa.scalar(absent, pa.string()), kept)
    values = kept.take(encoded.indices)
    if absent is not None:
        values = pc.if_else(pc.is_null(encoded.indices), pa.scalar(absent), values)
    misread = pc.invert(is_label).take(encoded.indices)
    return Read(values, pc.fill_null(misread, False))


def is_clean_label(texts: Array) -> Array:
    """Return whether each text has the form of a label and nothing identifiable in it."""
    has_form = pc.fill_null(pc.match_substring_regex(texts, LABEL_PATTERN), False)
    return pc.and_(has_form, pc.is_null(find_identifiable(texts)))
