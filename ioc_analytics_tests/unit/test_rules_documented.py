"""Every rule by which a line is put aside or repaired is explained, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from ioc_analytics.ingestion import versions
from ioc_analytics.privacy.anonymize import UNKNOWN_ITEM
from ioc_analytics.records.contracts import Rule

ROOT = Path(__file__).resolve().parents[2]


def refused_by_name() -> Iterator[str]:
    """Yield the rules that the desks name in ``origin.refuse(kind, records, rule)``."""
    for path in (ROOT / "ioc_analytics" / "ingestion").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="refuse" | "_refuse"),
                    args=[_, ast.Constant(value=str(rule)), *_]
                    | [_, _, ast.Constant(value=str(rule)), *_],
                ):
                    yield rule


def test_the_table_of_rules_is_complete() -> None:
    document = (ROOT / "docs" / "ingesting.md").read_text("utf-8")
    table = document.partition("| Rule |")[2].partition("\n\n")[0]
    explained = {
        rule
        for row in table.splitlines()
        for rule in re.findall(r"`(\w+)`", row.strip("| ").partition(" | ")[0])
    }
    desks = {UNKNOWN_ITEM, versions.CONFLICT, versions.DUPLICATE_IN_BATCH, versions.PERIOD_SEALED}
    # "refused" stands for the rule in each line.
    named = (set(refused_by_name()) - {"refused"}) | desks
    assert named >= {"orphan", "too_many_partitions", "unknown_instrument"}
    assert explained == named | {rule.value for rule in Rule}
