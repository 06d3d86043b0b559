"""The errors: the exit codes that the command line promises, and what may be tried again."""

import pytest

from ioc_analytics.kernel import errors


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [
        (errors.AnalyticsError, 1),
        (errors.ConfigurationError, 2),
        (errors.InvalidInput, 2),
        (errors.PrivacyRefusal, 3),
        (errors.NotEnoughData, 4),
        (errors.Unavailable, 5),
        (errors.MigrationError, 1),
        (errors.IntegrityFailure, 1),
    ],
)
def test_each_kind_has_the_promised_exit_code(
    kind: type[errors.AnalyticsError], exit_code: int
) -> None:
    assert kind.exit_code == exit_code
    assert issubclass(kind, errors.AnalyticsError)


def test_only_what_may_pass_by_itself_is_tried_again() -> None:
    kinds = errors.AnalyticsError.__subclasses__()
    assert not errors.AnalyticsError.is_transient
    assert [kind for kind in kinds if kind.is_transient] == [errors.Unavailable]


def test_the_tree_in_the_docstring_names_every_kind() -> None:
    for kind in errors.AnalyticsError.__subclasses__():
        if kind.__module__ == errors.__name__:
            assert kind.__name__ in (errors.__doc__ or "")
