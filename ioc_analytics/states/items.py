"""Item states: pairwise sums of the answers within each trait, for reliability without rows.

For: building, merging and reading item states. Not for: the coefficients (``statistics``).

Only items of the same trait are paired: reliability needs no more, and 300 items would have 45,000
pairs, but five times 60 have 9,150.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from ioc_analytics.kernel.errors import IntegrityFailure
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.statistics.item_moments import ItemMoments

MISSING: Final = -128
"""Mark of a question that was not answered, in stored vectors."""

_LENGTH: Final = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class ItemState:
    """Item moments of each trait of one instrument, answers as given (not reversed)."""

    responses: int
    """Responses with answers."""

    traits: tuple[ItemMoments | None, ...]
    """In the order of ``TRAITS``; None for a trait without items."""

    @classmethod
    def from_answers(cls, answers: npt.NDArray[np.int8], instrument: Instrument) -> Self:
        """Count answer vectors, shape ``(n_responses, n_items)``."""
        return cls(
            len(answers),
            tuple(
                ItemMoments.from_matrix(answers[:, columns], missing=MISSING)
                if len(columns := item_columns(instrument, trait))
                else None
                for trait in TRAITS
            ),
        )

    @classmethod
    def merge(cls, states: Sequence["ItemState"]) -> Self:
        """Return the states together; at least one."""
        return cls(
            sum(state.responses for state in states),
            tuple(
                None if parts[0] is None else ItemMoments.merge([p for p in parts if p is not None])
                for parts in zip(*(state.traits for state in states), strict=True)
            ),
        )

    def pack(self) -> bytes:
        """Return the moments as bytes: for each trait the length and the packed moments."""
        blocks = [b"" if moments is None else moments.pack() for moments in self.traits]
        return b"".join(_LENGTH.pack(len(block)) + block for block in blocks)

    @classmethod
    def unpack(cls, responses: int, data: bytes) -> Self:
        """Return the state that ``pack`` turned into these bytes."""
        moments: list[ItemMoments | None] = []
        at = 0
        for _ in TRAITS:
            if at + _LENGTH.size > len(data):
                raise IntegrityFailure("a stored item state is shorter than its header says")
            (length,) = _LENGTH.unpack_from(data, at)
            at += _LENGTH.size
            moments.append(ItemMoments.unpack(data[at : at + length]) if length else None)
            at += length
        return cls(responses, tuple(moments))


def item_columns(instrument: Instrument, trait: str) -> list[int]:
    """Return the places of a trait's items in an answer vector."""
    return [at for at, item in enumerate(instrument.items) if item.trait == trait]


def keyed_moments(moments: ItemMoments, scale: Instrument, trait: str) -> ItemMoments:
    """Return the moments of a trait's items in the direction of the trait."""
    return moments.keyed(
        [scale.items[at].is_reversed for at in item_columns(scale, trait)],
        scale.scale_minimum,
        scale.scale_maximum,
    )


def keyed_answers(
    answers: npt.NDArray[np.int8], scale: Instrument, columns: Sequence[int]
) -> npt.NDArray[np.int64]:
    """Return answers in the direction of their traits, ``MISSING`` where absent.

    Args:
        answers: Answers as given, shape ``(n_responses, n_columns)``.
        scale: The questionnaire.
        columns: Place in ``scale.items`` of each column.
    """
    wide = answers.astype(np.int64)
    is_turned = np.array([scale.items[at].is_reversed for at in columns], dtype=bool)
    turned = scale.scale_minimum + scale.scale_maximum - wide
    return np.asarray(np.where(is_turned & (wide != MISSING), turned, wide), dtype=np.int64)
