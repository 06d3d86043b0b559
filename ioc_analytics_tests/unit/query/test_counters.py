"""What is counted of questions, and what it comes to."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from ioc_analytics.kernel.errors import InvalidInput, Unavailable
from ioc_analytics.query import counters as counters_module
from ioc_analytics.query.counters import LATENCY_BOUNDS_SECONDS, QueryCounters, QueryFigures


def test_nothing_is_said_before_the_first_request() -> None:
    figures = QueryCounters().figures()
    assert figures.requests == 0
    assert figures.average_seconds is None
    assert figures.error_rate is None
    assert figures.cache_hit_rate is None
    assert figures.latency_bound_seconds(0.95) is None


def test_mistakes_of_the_caller_are_no_errors_of_the_platform() -> None:
    counters = QueryCounters()
    with counters.request():
        pass
    with pytest.raises(InvalidInput), counters.request():
        raise InvalidInput("asked wrongly")
    with pytest.raises(Unavailable), counters.request():
        raise Unavailable("the server is away")
    with pytest.raises(ZeroDivisionError), counters.request():
        raise ZeroDivisionError
    figures = counters.figures()
    assert (figures.requests, figures.errors, figures.refusals) == (4, 2, 1)
    assert figures.error_rate == 0.5
    assert sum(figures.latency_counts) == 4


def test_the_hit_rate_is_of_lookups() -> None:
    counters = QueryCounters()
    for is_hit in (False, True, True, True):
        counters.looked_up(is_hit=is_hit)
    assert counters.figures().cache_hit_rate == 0.75


def test_threads_lose_no_count() -> None:
    counters = QueryCounters()

    def ask(_: int) -> None:
        with counters.request():
            counters.looked_up(is_hit=True)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(2000)))
    figures = counters.figures()
    assert figures.requests == figures.cache_hits == sum(figures.latency_counts) == 2000


def test_counts_are_handed_in_once_and_again_where_they_were_not_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(counters_module, "HAND_IN_SECONDS", 0.0)
    taken: list[int] = []
    is_away = False

    def take(counted: QueryFigures) -> None:
        if is_away:
            raise Unavailable("the server is away")
        taken.append(counted.requests)

    counters = QueryCounters(take)

    def ask() -> None:
        with counters.request():
            pass

    ask()
    is_away = True
    ask()
    ask()
    is_away = False
    ask()
    counters.hand_in()
    assert taken == [1, 3]


def test_latency_is_read_from_its_class() -> None:
    counts = [0] * (len(LATENCY_BOUNDS_SECONDS) + 1)
    counts[0], counts[3], counts[-1] = 90, 9, 1
    figures = QueryFigures(
        requests=100,
        errors=0,
        refusals=0,
        cache_lookups=0,
        cache_hits=0,
        seconds=1.0,
        latency_counts=tuple(counts),
    )
    assert figures.latency_bound_seconds(0.5) == LATENCY_BOUNDS_SECONDS[0]
    assert figures.latency_bound_seconds(0.99) == LATENCY_BOUNDS_SECONDS[3]
    assert figures.latency_bound_seconds(1.0) is None
