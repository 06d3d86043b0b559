"""What the log shows, and what it never shows."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any, Literal

import pytest

from ioc_analytics.kernel.logs import LOGGER, configure_logging
from ioc_analytics.kernel.settings import AnalyticsConfig

SECRET = 'correct"horse\\battery'
KEY = "ab" * 32


@pytest.fixture(autouse=True)
def _restored_logger() -> Iterator[None]:
    logger = logging.getLogger(LOGGER)
    before = (list(logger.handlers), logger.level, logger.propagate)
    yield
    logger.handlers[:], logger.level, logger.propagate = before


def config(**overrides: Any) -> AnalyticsConfig:
    """Return settings that hold secrets at several depths."""
    environ = {
        "ANALYTICS_DB_HOST": "db",
        "ANALYTICS_DB_PASSWORD": SECRET,
        "ANALYTICS_DB_READER_PASSWORD": "reader-secret",
        "ANALYTICS_PSEUDONYM_KEY": KEY,
    }
    return AnalyticsConfig.load(environ, **overrides)


def test_a_text_line_tells_time_level_place_message_and_facts() -> None:
    stream = io.StringIO()
    configure_logging(config(), stream=stream)
    logging.getLogger("ioc_analytics.ingestion").info("batch %s loaded", "a", extra={"rows": 5})
    line = stream.getvalue()
    assert line.endswith("Z INFO ioc_analytics.ingestion: batch a loaded rows=5\n")


def test_a_json_line_tells_the_same_to_machines() -> None:
    stream = io.StringIO()
    configure_logging(config(log_format="json"), stream=stream)
    try:
        raise ValueError("bad ü")
    except ValueError:
        logging.getLogger("ioc_analytics.files").exception("failed", extra={"line": 7})
    record = json.loads(stream.getvalue())
    assert record["level"] == "ERROR"
    assert record["logger"] == "ioc_analytics.files"
    assert (record["message"], record["line"]) == ("failed", 7)
    assert record["error"].endswith("ValueError: bad ü")
    assert record["time"].endswith("Z")


@pytest.mark.parametrize("style", ["text", "json"])
def test_secrets_are_masked_in_message_facts_and_traceback(
    style: Literal["text", "json"],
) -> None:
    stream = io.StringIO()
    logger = configure_logging(config(log_format=style), stream=stream)
    try:
        raise ValueError(f"login with {SECRET} failed")
    except ValueError:
        logger.exception(
            "key %s %r", KEY, SECRET, extra={"login": "reader-secret", "detail": {"p": SECRET}}
        )
    written = stream.getvalue()
    assert "**********" in written
    for secret in (SECRET, json.dumps(SECRET)[1:-1], repr(SECRET)[1:-1], KEY, "reader-secret"):
        assert secret not in written


def test_debug_lines_show_in_debug_mode_only() -> None:
    for is_debug in (False, True):
        stream = io.StringIO()
        logger = configure_logging(config(debug_mode=is_debug), stream=stream)
        logger.debug("detail")
        assert bool(stream.getvalue()) == is_debug


def test_configuring_twice_writes_each_line_once_and_leaves_other_loggers_alone() -> None:
    first, second = io.StringIO(), io.StringIO()
    root_handlers = list(logging.getLogger().handlers)
    configure_logging(config(), stream=first)
    configure_logging(config(), stream=second).info("once")
    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1
    assert logging.getLogger().handlers == root_handlers


def test_the_password_inside_an_address_is_masked_alone_too() -> None:
    stream = io.StringIO()
    address = "postgresql://me:p%40ssword@db/ioc"
    configure_logging(AnalyticsConfig.load({"ANALYTICS_DB_URL": address}), stream=stream).info(
        "%s and p@ssword and p%%40ssword", address
    )
    assert "40ssword" not in stream.getvalue()
    assert "p@ssword" not in stream.getvalue()
