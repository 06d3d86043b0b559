"""Instruments read from TOML: the four that ship, and those that a mapping brings.

For: mappings, ingestion, the command line. Not for: what an instrument is
(``records.instruments``).
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.sqlfiles import reference_path
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.records.instruments import Instrument, Item

DEFAULT_MINIMUM_ANSWERED_SHARE: Final = 0.8
"""The share of a trait's items that must be answered, unless the instrument says otherwise."""

_INSTRUMENT_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "name": str,
    "title": str,
    "source": str,
    "scale_minimum": int,
    "scale_maximum": int,
    "minimum_answered_share": (int, float),
    "items": list,
}
_ITEM_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "code": str,
    "trait": str,
    "is_reversed": bool,
    "position": int,
    "question_id": int,
    "facet": str,
    "text": str,
}
_OPTIONAL: Final = {"title", "source", "minimum_answered_share"}
_ITEM_OPTIONAL: Final = {"position", "question_id", "facet", "text"}


@cache
def builtin_instruments() -> Mapping[str, Instrument]:
    """Return the instruments of ``sql/reference/instruments``, by name.

    Raises:
        InvalidInput: A file there is broken; the message names it.
    """
    found = {}
    for path in sorted(reference_path("instruments").glob("*.toml")):
        instrument = parse_instrument(tomllib.loads(path.read_text(encoding="utf-8")))
        if instrument.name != path.stem:
            raise InvalidInput(f"{path.name} defines {instrument.name!r}: name and file must agree")
        found[instrument.name] = instrument
    return MappingProxyType(found)


def parse_instrument(mapping_table: Mapping[str, Any]) -> Instrument:
    """Build an instrument from a TOML table.

    Required: ``name``, ``scale_minimum``, ``scale_maximum`` and ``items``, each item with ``code``,
    ``trait`` and ``is_reversed``. ``position`` is the place in the list unless it is given,
    ``minimum_answered_share`` is 0.8 unless it is given.

    Raises:
        InvalidInput: A key is missing, unknown (the nearest known one is named) or of a wrong type,
            or the definition contradicts itself.

    Example:
        >>> parse_instrument({"name": "tiny", "scale_minimum": 1, "scale_maximum": 5, "items": [
        ...     {"code": "E1", "trait": "extraversion", "is_reversed": False}]}).item_codes
        ('E1',)
    """
    name = str(mapping_table.get("name", "without a name"))
    where = f"instrument {name}"
    _check_keys(mapping_table, _INSTRUMENT_TYPES, _OPTIONAL, where)
    items = tuple(
        _parse_item(item, place, where) for place, item in enumerate(mapping_table["items"], 1)
    )
    return Instrument(
        name=name,
        title=mapping_table.get("title", name),
        scale_minimum=mapping_table["scale_minimum"],
        scale_maximum=mapping_table["scale_maximum"],
        minimum_answered_share=float(
            mapping_table.get("minimum_answered_share", DEFAULT_MINIMUM_ANSWERED_SHARE)
        ),
        items=items,
        source=mapping_table.get("source", "not stated"),
    )


def _parse_item(table: object, place: int, where: str) -> Item:
    where = f"{where}, item {place}"
    if not isinstance(table, Mapping):
        raise InvalidInput(f"{where}: expected a table such as {{ code = 'E1', ... }}")
    _check_keys(table, _ITEM_TYPES, _ITEM_OPTIONAL, where)
    return Item(
        code=table["code"],
        trait=table["trait"],
        is_reversed=table["is_reversed"],
        position=table.get("position", place),
        question_id=table.get("question_id"),
        facet=table.get("facet"),
        text=table.get("text"),
    )


def _check_keys(
    table: Mapping[str, Any],
    types: Mapping[str, type | tuple[type, ...]],
    optional: set[str],
    where: str,
) -> None:
    for key, value in table.items():
        if key not in types:
            raise InvalidInput(f"{where}: unknown key {key!r}{did_you_mean(key, types)}")
        is_wrong_flag = isinstance(value, bool) and types[key] is not bool
        if is_wrong_flag or not isinstance(value, types[key]):
            raise InvalidInput(f"{where}: {key} has the wrong type ({type(value).__name__})")
    missing = [key for key in types if key not in table and key not in optional]
    if missing:
        raise InvalidInput(f"{where}: {', '.join(missing)} must be given")
