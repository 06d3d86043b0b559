"""A questionnaire as data: its items, the trait of each, its scale and its scoring rule.

For: files (mappings), ingestion (scoring, checks of answers), states (reliability). Not for:
reading the definitions (``files.instruments``) or the arithmetic of a score (``statistics``).
"""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.records.vocabularies import TRAITS

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._+-]{0,63}")
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,31}")
_SMALLINT: Final = 32_767


@dataclass(frozen=True, slots=True)
class Item:
    """One question of an instrument."""

    code: str
    """The name of the question within its instrument, such as ``E1``; at most 32 characters."""

    trait: str
    """One of ``vocabularies.TRAITS``."""

    is_reversed: bool
    """Whether agreement counts against the trait (minimum + maximum - value is scored)."""

    position: int
    """Place in the questionnaire as it is shown, from 1."""

    question_id: int | None
    """Number in the catalogue of questions, 1 to 32767; None until the catalogue gives one."""

    facet: str | None = None
    """Name of the facet within the trait, where the instrument has facets."""

    text: str | None = None
    """Wording, only where it is in the public domain."""


@dataclass(frozen=True)
class Instrument:
    """A questionnaire whose answers the platform can check and score.

    Raises:
        InvalidInput: The definition contradicts itself; the message names the instrument and item.
    """

    name: str
    """Identifier in lower case, such as ``ipip50``; at most 64 characters."""

    title: str
    """Name for people."""

    scale_minimum: int
    """The lowest answer."""

    scale_maximum: int
    """The highest answer."""

    minimum_answered_share: float
    """Share of a trait's items that must be answered before it is scored, above 0 up to 1."""

    items: tuple[Item, ...]
    """The questions, in the order of the definition."""

    source: str
    """Where items and keying were published."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidInput(
                f"instrument name {self.name!r}: use up to 64 of a-z 0-9 . _ + -, lower case"
            )
        if not -_SMALLINT <= self.scale_minimum < self.scale_maximum <= _SMALLINT:
            raise InvalidInput(
                f"instrument {self.name}: scale {self.scale_minimum}..{self.scale_maximum} "
                "needs a minimum below its maximum"
            )
        if not 0 < self.minimum_answered_share <= 1:
            raise InvalidInput(
                f"instrument {self.name}: minimum_answered_share is "
                f"{self.minimum_answered_share}, it must be above 0 and at most 1"
            )
        if not self.items:
            raise InvalidInput(f"instrument {self.name} has no items: list at least one")
        for item in self.items:
            self._check_item(item)
        self._check_unique()

    def _check_item(self, item: Item) -> None:
        where = f"instrument {self.name}, item {item.code!r}"
        if not _CODE.fullmatch(item.code):
            raise InvalidInput(f"{where}: a code has up to 32 of A-Z a-z 0-9 . _ + -")
        if item.trait not in TRAITS:
            raise InvalidInput(
                f"{where}: unknown trait {item.trait!r}{did_you_mean(item.trait, TRAITS)}"
            )
        if item.position < 1:
            raise InvalidInput(f"{where}: position {item.position} must be 1 or more")
        if item.question_id is not None and not 1 <= item.question_id <= _SMALLINT:
            raise InvalidInput(f"{where}: question_id {item.question_id} must be 1 to {_SMALLINT}")

    def _check_unique(self) -> None:
        columns: dict[str, list[object]] = {
            "code": [item.code for item in self.items],
            "position": [item.position for item in self.items],
            "question_id": [i.question_id for i in self.items if i.question_id is not None],
        }
        for column, values in columns.items():
            if len(set(values)) < len(values):
                twice = next(value for value in values if values.count(value) > 1)
                raise InvalidInput(f"instrument {self.name}: {column} {twice!r} is used twice")

    @cached_property
    def item_codes(self) -> tuple[str, ...]:
        """The codes of the items, in the order of ``items``."""
        return tuple(item.code for item in self.items)

    @cached_property
    def definition_digest(self) -> str:
        """SHA-256, as 64 hex digits, of everything that changes a score or a check.

        Title, source, wording, facets and catalogue numbers are left out: correcting a typing error
        in a text must not make old and new answers look like two instruments.
        """
        content = [
            self.name,
            self.scale_minimum,
            self.scale_maximum,
            self.minimum_answered_share,
            sorted([i.position, i.code, i.trait, i.is_reversed] for i in self.items),
        ]
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()
