"""The generated page of closed lists."""

from pathlib import Path

from ioc_analytics.privacy.categories_page import categories_page
from ioc_analytics.records import vocabularies

PAGE = Path(__file__).parents[3] / "docs/categories.md"


def test_the_page_in_the_documents_is_current() -> None:
    assert PAGE.read_text("utf-8") == categories_page(), "run `make docs`"


def test_every_word_of_every_list_is_printed() -> None:
    lists = [words for words in vars(vocabularies).values() if isinstance(words, tuple)]
    assert len(lists) == 9
    page = categories_page()
    assert not [word for words in lists for word in words if word not in page]
