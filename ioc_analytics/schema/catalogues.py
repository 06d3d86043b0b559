"""Writing the catalogues: instruments, their questions, and the numbers of categories.

For: ``initialize()`` (the built-in ones) and ingestion (those that a mapping brings). Not for:
reading them back (``states.catalogue``) or the definitions themselves (``files.instruments``,
``records.vocabularies``).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records import vocabularies
from ioc_analytics.records.instruments import Instrument

CLOSED_VOCABULARIES: Mapping[str, tuple[str, ...]] = {
    "industry_category": vocabularies.INDUSTRIES,
    "org_size_category": vocabularies.SIZE_BANDS,
    "region": vocabularies.REGIONS,
    "age_band": vocabularies.AGE_BANDS,
    "gender": vocabularies.GENDERS,
    "device_type": vocabularies.DEVICES,
}
"""Dimensions whose categories are known beforehand; a code is the place in the tuple."""

OPEN_VOCABULARIES = ("instrument", "assessment_type")
"""Dimensions whose categories arrive with the data; codes are given as they come."""


def register_categories(connection: psycopg.Connection[Any]) -> None:
    """Write the closed vocabularies, numbered; what is there already stays."""
    with connection.cursor() as cursor:
        cursor.executemany(
            sqlfiles.query("schema/register_category"),
            [
                {"vocabulary": vocabulary, "code": code, "name": name}
                for vocabulary, names in CLOSED_VOCABULARIES.items()
                for code, name in enumerate(names)
            ],
        )
    add_categories(connection, {name: [vocabularies.UNKNOWN] for name in OPEN_VOCABULARIES})


def add_categories(connection: psycopg.Connection[Any], names: Mapping[str, Iterable[str]]) -> None:
    """Give a number to each category of an open vocabulary that has none yet."""
    for vocabulary, added in names.items():
        connection.execute(
            sqlfiles.query("schema/add_categories"),
            {"vocabulary": vocabulary, "names": sorted(set(added))},
        )


def register_instruments(
    connection: psycopg.Connection[Any], instruments: Iterable[Instrument]
) -> None:
    """Write instruments and their questions into the catalogue.

    Raises:
        InvalidInput: The catalogue holds another definition under the same name. Answers that
            are stored follow the old one, so a changed instrument needs a name of its own. Or a
            question has the number of another instrument's.
    """
    for instrument in instruments:
        row = connection.execute(
            sqlfiles.query("schema/register_instrument"),
            {
                "name": instrument.name,
                "title": instrument.title,
                "scale_minimum": instrument.scale_minimum,
                "scale_maximum": instrument.scale_maximum,
                "minimum_answered_share": instrument.minimum_answered_share,
                "definition_digest": instrument.definition_digest,
                "source": instrument.source,
            },
        ).fetchone()
        if row is None:
            _demand_same_definition(connection, instrument)
            continue
        _demand_free_numbers(connection, instrument)
        with connection.cursor() as cursor:
            cursor.executemany(
                sqlfiles.query("schema/register_question"),
                [
                    {
                        "question_id": item.question_id,
                        "instrument": instrument.name,
                        "code": item.code,
                        "trait": item.trait,
                        "is_reversed": item.is_reversed,
                        "position": item.position,
                    }
                    for item in instrument.items
                ],
            )
        add_categories(connection, {"instrument": [instrument.name]})


def _demand_free_numbers(connection: psycopg.Connection[Any], instrument: Instrument) -> None:
    numbers = [item.question_id for item in instrument.items if item.question_id is not None]
    taken = connection.execute(
        sqlfiles.query("schema/taken_question_numbers"), {"numbers": numbers}
    ).fetchone()
    if taken is not None:
        raise InvalidInput(
            f"instrument {instrument.name!r} gives a question number {taken[0]}, which belongs to "
            f"{taken[1]!r} already; leave question_id out, and the question gets a free one"
        )


def _demand_same_definition(connection: psycopg.Connection[Any], instrument: Instrument) -> None:
    row = connection.execute(
        sqlfiles.query("schema/instrument_digest"), {"name": instrument.name}
    ).fetchone()
    if row is None or row[0] != instrument.definition_digest:
        raise InvalidInput(
            f"instrument {instrument.name!r} is in the catalogue with another definition "
            "(items, keying or scale); give the changed one a name of its own"
        )
