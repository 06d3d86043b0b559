"""Items made ahead in a thread: same order, same errors, and no thread left."""

import threading
from collections.abc import Iterator

import pytest

from ioc_analytics.kernel.ahead import read_ahead


def _producers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "read-ahead"]


def test_items_come_in_their_order() -> None:
    assert list(read_ahead(iter([None, 1, 2, 3]), depth=1)) == [None, 1, 2, 3]
    assert not _producers()


def test_what_the_producer_raises_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise LookupError("gone")

    ahead = read_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(LookupError, match="gone"):
        next(ahead)
    assert not _producers()


def test_a_caller_who_stops_early_stops_the_producer() -> None:
    ahead = read_ahead(iter(range(1000)), depth=1)
    assert next(ahead) == 0
    ahead.close()
    assert not _producers()
