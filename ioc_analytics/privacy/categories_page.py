"""The page that prints the closed lists: ``docs/categories.md``.

For: people who want to know what a text becomes. Not for: the lists (``records.vocabularies``,
``sql/reference``). ``python -m ioc_analytics.privacy.categories_page FILE`` writes the page.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ioc_analytics.privacy.reference import reference_rows
from ioc_analytics.records.vocabularies import (
    AGE_BANDS,
    ASSESSMENT_STATUSES,
    DEVICES,
    GENDERS,
    INDUSTRIES,
    REGIONS,
    RESPONSE_STATUSES,
    SIZE_BANDS,
    TRAITS,
    UNKNOWN,
)

_INTRODUCTION: Final = """# Categories

What is stored of a person or a company is one of these words; `unknown` stands for what was absent
or could not be understood. The lists are in [`sql/reference/`](../sql/reference/) with their
sources. This page is generated: `make docs` brings it up to date.
"""
_WORDS: Final = {
    "Traits": TRAITS,
    "Age bands": AGE_BANDS,
    "Genders": GENDERS,
    "Devices": DEVICES,
    "Status of an assessment": ASSESSMENT_STATUSES,
    "Status of a response": RESPONSE_STATUSES,
}


def categories_page() -> str:
    """Return the page as Markdown."""
    parts = [_INTRODUCTION, _industries(), _sizes(), _regions()]
    for title, words in _WORDS.items():
        parts.append(f"## {title}\n\n{', '.join(f'`{word}`' for word in words)}\n")
    return "\n".join(parts)


def _industries() -> str:
    by_name = {row["industry"]: row for row in reference_rows("industries.csv")}
    rows = (
        (name, by_name[name]["naics"], by_name[name]["title"], len(_synonyms(by_name[name])))
        for name in INDUSTRIES
        if name != UNKNOWN
    )
    return _section("Industries", ("Sector", "NAICS", "Title in NAICS", "Synonyms"), rows)


def _synonyms(row: dict[str, str]) -> list[str]:
    return [word for word in row["synonyms"].split("|") if word]


def _sizes() -> str:
    by_name = {row["band"]: row for row in reference_rows("size_bands.csv")}
    rows = (
        (name, f"{by_name[name]['minimum']} to {by_name[name]['maximum'] or 'any number'}")
        for name in SIZE_BANDS
        if name != UNKNOWN
    )
    return _section("Sizes", ("Band", "Employees"), rows)


def _regions() -> str:
    countries: dict[str, list[str]] = {}
    for row in reference_rows("regions.csv"):
        countries.setdefault(row["region"], []).append(f"{row['name']} ({row['alpha_2']})")
    rows = ((name, ", ".join(countries[name])) for name in REGIONS if name != UNKNOWN)
    return _section("Regions", ("Region of UN M49", "Countries and areas"), rows)


def _section(title: str, head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    table = "\n".join("| " + " | ".join(map(str, cells)) + " |" for cells in lines)
    return f"## {title}\n\n{table}\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(categories_page(), "utf-8")
