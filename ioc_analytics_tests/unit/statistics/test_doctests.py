"""Every example in the docstrings of the room runs as printed."""

import doctest
import importlib
import pkgutil

import pytest

from ioc_analytics import statistics

MODULES = [
    f"{statistics.__name__}.{module.name}" for module in pkgutil.iter_modules(statistics.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run_as_printed(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(name))
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_every_public_name_is_there() -> None:
    assert sorted(statistics.__all__) == sorted(set(statistics.__all__))
    for name in statistics.__all__:
        assert getattr(statistics, name).__doc__ or name.isupper()
