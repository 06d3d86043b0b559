"""Kept answers: the least recently used goes first, bytes are bounded, none is too old."""

from typing import Any

import pytest

from ioc_analytics.query import cache as cache_module
from ioc_analytics.query.cache import AnswerCache, CacheKey


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock()
    monkeypatch.setattr(cache_module, "time", moved)
    return moved


def key(name: str) -> CacheKey:
    return CacheKey("analyst", f"SELECT {name}", "", 100)


def keep(cache: AnswerCache, name: str, content: str = "x") -> None:
    data: list[dict[str, Any]] = [{"a": content}]
    cache.keep(key(name), ("a",), data, truncated=False, tables=("t",), versions={"t": "1"})


def size_of(content: str) -> int:
    one = AnswerCache(1 << 30, 1000)
    keep(one, "one", content)
    return one.size_bytes


def test_the_least_recently_used_answer_goes_first() -> None:
    cache = AnswerCache(4 * size_of("x"), 60_000)
    for name in "abcd":
        keep(cache, name)
    assert cache.find(key("a")) is not None
    keep(cache, "e")
    assert cache.find(key("b")) is None
    assert all(cache.find(key(name)) is not None for name in "acde")
    assert len(cache) == 4


def test_all_answers_together_stay_within_the_bytes() -> None:
    large = "x" * 5000
    most = 5 * size_of(large)
    cache = AnswerCache(most, 60_000)
    for at in range(50):
        keep(cache, str(at), large if at % 3 else "x")
        assert cache.size_bytes <= most
    kept = [at for at in range(50) if cache.find(key(str(at))) is not None]
    assert kept == list(range(50 - len(kept), 50))
    assert cache.size_bytes == sum(size_of(large if at % 3 else "x") for at in kept)


def test_an_answer_too_large_for_a_quarter_is_not_kept_and_takes_the_old_one_out() -> None:
    cache = AnswerCache(8 * size_of("x"), 60_000)
    keep(cache, "a")
    keep(cache, "b")
    keep(cache, "a", "x" * 20_000)
    assert cache.find(key("a")) is None
    assert cache.find(key("b")) is not None
    assert cache.size_bytes == size_of("x")


def test_an_answer_is_given_until_its_age_is_reached(clock: Clock) -> None:
    cache = AnswerCache(1 << 20, 5000)
    keep(cache, "a")
    clock.seconds += 4.9
    found = cache.find(key("a"))
    assert found is not None
    assert found.unpack() == [{"a": "x"}]
    clock.seconds += 0.1
    assert cache.find(key("a")) is None
    assert (len(cache), cache.size_bytes) == (0, 0)
    # Being used does not make an answer younger; being made again does.
    keep(cache, "a", "y")
    clock.seconds += 4
    assert cache.find(key("a")) is not None
