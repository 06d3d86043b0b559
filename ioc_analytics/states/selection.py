"""Filters turned into what states and rows are asked for: allowed categories per dimension.

For: ``states.reading``. Not for: parsing filters (``records.filters``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.records.filters import Filter
from ioc_analytics.states.catalogue import Categories
from ioc_analytics.states.rows import RowFilter

_PSEUDONYM_VERSION: Final = 8
"""Pseudonyms are UUIDv8; an organization's own id that is a UUID is of another version."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which responses a question is about."""

    allowed: Mapping[str, frozenset[str]]
    """Allowed categories of each dimension that is filtered."""

    is_careless: bool | None = None
    """Only careless ones, only others, or all (None)."""

    organizations: frozenset[str] | None = None
    """Only these organizations (pseudonyms)."""

    other_organizations: frozenset[str] | None = None
    """All but these organizations."""

    @property
    def dimensions(self) -> frozenset[str]:
        """Dimensions that a family must be split by to serve; the instrument always is."""
        return frozenset(self.allowed) - {"instrument"}

    @property
    def needs_rows(self) -> bool:
        """Whether no state can serve: states do not know single organizations."""
        return self.organizations is not None or self.other_organizations is not None

    def row_filter(self, catalogue: Categories) -> RowFilter:
        """Return the selection in catalogue numbers."""
        return RowFilter(
            {
                name: tuple(code for code, word in catalogue[name].items() if word in words)
                for name, words in self.allowed.items()
            },
            self.is_careless,
            None if self.organizations is None else tuple(sorted(self.organizations)),
            None if self.other_organizations is None else tuple(sorted(self.other_organizations)),
        )


def select(
    filters: Sequence[Filter], catalogue: Categories, organization: Callable[[str], UUID]
) -> Selection:
    """Return the responses that pass all filters.

    Args:
        filters: Conditions, all of which must hold.
        catalogue: Names of the categories by vocabulary.
        organization: Gives the pseudonym of an organization's own id.

    Raises:
        InvalidInput: A category is not in the catalogue; the nearest one is named.
    """
    allowed: dict[str, frozenset[str]] = {}
    flags = {True, False}
    kept: frozenset[str] | None = None
    left_out: frozenset[str] = frozenset()
    for condition in filters:
        if condition.field == "is_careless":
            flags &= (
                {True, False} - set(condition.values)
                if condition.excludes
                else set(condition.values)
            )
        elif condition.field == "org_hash":
            names = frozenset(organization_of(value, organization) for value in condition.values)
            if condition.excludes:
                left_out |= names
            else:
                kept = names if kept is None else kept & names
        else:
            words = _allowed_words(condition, catalogue)
            allowed[condition.field] = allowed.get(condition.field, words) & words
    if not flags:
        # Careless and not careless at once: nobody, not everybody.
        allowed["instrument"] = frozenset()
    return Selection(
        allowed,
        None if len(flags) == 2 else next(iter(flags), None),
        kept,
        left_out or None,
    )


def _allowed_words(condition: Filter, catalogue: Categories) -> frozenset[str]:
    known = frozenset(catalogue.get(condition.field, {}).values())
    for value in condition.values:
        if value not in known:
            raise InvalidInput(
                f"{condition.field} knows no {value!r}{did_you_mean(value, known)}; "
                f"known are {', '.join(sorted(known))}"
            )
    chosen = frozenset(condition.values)
    return known - chosen if condition.excludes else chosen


def organization_of(value: str | UUID, pseudonym: Callable[[str], UUID]) -> str:
    """Return a pseudonym; a text that is none is an organization's own id, be it a UUID itself."""
    if isinstance(value, UUID):
        return str(value)
    try:
        is_pseudonym = UUID(value).version == _PSEUDONYM_VERSION
    except ValueError:
        is_pseudonym = False
    return str(UUID(value)) if is_pseudonym else str(pseudonym(value))


def name_organizations(
    filters: Sequence[Filter], organization: Callable[[str], UUID]
) -> tuple[Filter, ...]:
    """Return filters that name organizations by pseudonyms, as they may be stored."""

    def named(condition: Filter) -> Filter:
        if condition.field != "org_hash":
            return condition
        names = [organization_of(value, organization) for value in condition.values]
        return replace(
            condition, value=names if condition.operator in ("in", "not_in") else names[0]
        )

    return tuple(named(condition) for condition in filters)
