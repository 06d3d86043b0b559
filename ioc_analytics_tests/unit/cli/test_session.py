"""What is printed is data: nothing in it is an instruction to the terminal."""

import pytest

from ioc_analytics.cli.ingest import show_receipt
from ioc_analytics.cli.session import Session, table
from ioc_analytics.records.receipts import IngestReceipt


def test_brackets_and_colons_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    shown = table("value", title="export[final].csv")
    for value in ("[/b] in a wide cell", "[red]x", ":smile:"):
        shown.add_row(value)
    Session().console().print(shown)
    printed = capsys.readouterr().out
    for value in ("export[final].csv", "[/b]", "[red]x", ":smile:"):
        assert value in printed


def test_a_receipt_shows_the_name_of_its_file(capsys: pytest.CaptureFixture[str]) -> None:
    show_receipt(Session(), IngestReceipt(batch_id=1, name="export[final].csv", by_kind={}))
    assert "export[final].csv: batch 1" in capsys.readouterr().out
