"""The generated table of settings, and the documents that carry it."""

from pathlib import Path

import pytest

from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.kernel.settings_sources import leaves
from ioc_analytics.kernel.settings_table import markdown_table, put_between_marks, setting_rows

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("document", ["README.md", "docs/settings.md"])
def test_the_table_in_the_documents_is_current(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    assert put_between_marks(text) == text, "run `make docs`"


def test_every_setting_has_a_row_with_its_meaning() -> None:
    rows = setting_rows()
    keys = {row.key for row in rows}
    plain = {leaf.key for leaf in leaves(AnalyticsConfig) if "logins" not in leaf.path}
    assert keys == plain | {"database.logins.<role>.username", "database.logins.<role>.password"}
    assert all(row.meaning.endswith(".") for row in rows)
    assert all(row.allowed for row in rows)


def test_the_defaults_in_the_table_are_those_that_hold() -> None:
    config = AnalyticsConfig.load({}).to_dict()
    for row in setting_rows():
        if not row.default or row.key in {
            "home",
            "inbox.path",
            "exports.path",
            "reports.path",
            "backup.folder",
        }:
            continue
        value = config
        for name in row.key.split("."):
            value = value[name]
        assert str(value).lower() == row.default.lower(), row.key


def test_the_table_names_roles_and_files_of_secrets() -> None:
    table = markdown_table()
    assert "`ANALYTICS_DB_<ROLE>_PASSWORD`" in table
    assert "`ANALYTICS_DB_<ROLE>_PASSWORD_FILE`" in table
    assert "`READER`" in table
    assert "ANALYTICS_PSEUDONYM_KEY_FILE_FILE" not in table


def test_every_line_of_the_table_has_five_cells() -> None:
    lines = [line for line in markdown_table().splitlines() if line.startswith("|")]
    assert {line.count("|") for line in lines} == {6}


def test_a_document_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="<!-- settings -->"):
        put_between_marks("# No table here")
