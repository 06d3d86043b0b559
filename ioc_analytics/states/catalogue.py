"""The catalogues as stored: numbers of categories, instruments and their questions.

For: reading rows and answers, ingestion. Not for: writing them (``schema.catalogues``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.instruments import Instrument, Item

Categories = Mapping[str, Mapping[int, str]]
"""Name of each category by vocabulary and number."""

_KEPT_CATALOGUES: Final = 16


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Both catalogues as they were at one moment."""

    categories: Categories
    instruments: Mapping[str, Instrument]


_catalogues: Final[dict[str, Catalogue]] = {}
"""By the digest of their content, which makes them the same in every database."""


def read_catalogue(connection: psycopg.Connection[Any], digest: str) -> Catalogue:
    """Return the catalogues of a snapshot, from memory where they are known already.

    Args:
        connection: A connection inside the snapshot.
        digest: Digest of their content in this snapshot (the statement ``states/ground``).
    """
    found = _catalogues.get(digest)
    if found is None:
        found = Catalogue(read_categories(connection), read_instruments(connection))
        if len(_catalogues) >= _KEPT_CATALOGUES:
            _catalogues.clear()
        _catalogues[digest] = found
    return found


def read_categories(connection: psycopg.Connection[Any]) -> Categories:
    """Return the name of each category by vocabulary and number."""
    found: dict[str, dict[int, str]] = {}
    for vocabulary, code, name in connection.execute(sqlfiles.query("schema/categories")):
        found.setdefault(vocabulary, {})[code] = name
    return found


def read_instruments(connection: psycopg.Connection[Any]) -> dict[str, Instrument]:
    """Return every instrument of the catalogue by name, each item with its question number."""
    items: dict[str, list[Item]] = {}
    for instrument, code, trait, is_reversed, position, question_id in connection.execute(
        sqlfiles.query("schema/questions")
    ):
        items.setdefault(instrument, []).append(
            Item(
                code=code,
                trait=trait,
                is_reversed=is_reversed,
                position=position,
                question_id=question_id,
            )
        )
    return {
        name: Instrument(
            name=name,
            title=title,
            scale_minimum=minimum,
            scale_maximum=maximum,
            minimum_answered_share=share,
            items=tuple(items.get(name, ())),
            source=source,
        )
        for name, title, minimum, maximum, share, source in connection.execute(
            sqlfiles.query("schema/instruments")
        )
    }
