"""Which version of a record wins: the one rule that makes any order of arrival converge.

For: assessments and responses. Not for: children, which belong to a version of their response.
"""

from typing import Final

ACCEPTED: Final = "accepted"
DUPLICATE: Final = "duplicate"
CONFLICT: Final = "conflict"
DUPLICATE_IN_BATCH: Final = "duplicate_in_batch"
"""The batch brings two versions of the response, and the children of the first were taken."""
PERIOD_SEALED: Final = "period_sealed"
"""The rows that a newer version would replace were sealed into states and are gone."""


def judge_version(
    version: int, content: int, stored_version: int, stored_content: int, *, allows_replacing: bool
) -> str:
    """Return what becomes of a record for which one is stored.

    A newer version replaces the stored one; an older one is a duplicate, whatever it says; the
    same version with the same content is a duplicate, with other content a conflict, unless the
    caller asked to replace.
    """
    if version > stored_version:
        return ACCEPTED
    if version < stored_version or content == stored_content:
        return DUPLICATE
    return ACCEPTED if allows_replacing else CONFLICT
