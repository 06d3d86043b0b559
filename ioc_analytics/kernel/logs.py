"""How the platform logs: text or JSON lines on standard error, secrets masked.

For: entry points (command line, orchestration, web), which call :func:`configure_logging` once.
Not for: the audit log, which is a table (``sql/migrations``). Rooms log through
``logging.getLogger(__name__)`` and pass facts as ``extra={"rows": 5}``.
"""

import json
import logging
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TextIO
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr

from ioc_analytics.kernel.settings import AnalyticsConfig

LOGGER = "ioc_analytics"
MASK = "**********"

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SHORTEST_SECRET = 4  # masking shorter texts would black out half of every line


def configure_logging(
    config: AnalyticsConfig,
    stream: TextIO | None = None,
) -> logging.Logger:
    """Set up the platform's logger and return it; safe to repeat, the last call holds.

    The root logger is left alone, so that a pipeline that imports the platform keeps its own.

    Args:
        config: Debug mode sets the level, the format says for whom; every secret in it is masked in
            what is written.
        stream: Where lines go; standard error when None.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        _MaskedFormatter(
            _JsonLines() if config.log_format == "json" else _TextLines(), secrets_of(config)
        )
    )
    logger = logging.getLogger(LOGGER)
    for old in list(logger.handlers):
        logger.removeHandler(old)
        old.close()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if config.debug_mode else logging.INFO)
    logger.propagate = False
    return logger


def secrets_of(record: BaseModel) -> frozenset[str]:
    """Return every secret text that a settings record holds, and the password in an address."""
    whole = set(_secrets(record))
    inner = {urlsplit(text).password or "" for text in whole if "://" in text}
    return frozenset(whole | inner | {unquote(password) for password in inner})


def _secrets(value: object) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _secrets(inner)


class _MaskedFormatter(logging.Formatter):
    """Masks secrets in the finished line: message, facts and traceback alike."""

    def __init__(self, inner: logging.Formatter, secrets: Iterable[str]) -> None:
        super().__init__()
        self._inner = inner
        # repr() and JSON escape quotes and the like, so a secret has other faces there.
        faces = {face for secret in secrets for face in (secret, repr(secret)[1:-1])}
        faces |= {json.dumps(face, ensure_ascii=False)[1:-1] for face in faces}
        self._secrets = sorted(
            (face for face in faces if len(face) >= _SHORTEST_SECRET), key=len, reverse=True
        )

    def format(self, record: logging.LogRecord) -> str:
        """Return the inner formatter's line with every secret masked."""
        line = self._inner.format(record)
        for secret in self._secrets:
            line = line.replace(secret, MASK)
        return line


class _TextLines(logging.Formatter):
    """``2026-01-31T02:00:00Z INFO ioc_analytics.ingestion: batch loaded rows=5``."""

    def __init__(self) -> None:
        super().__init__("%(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        facts = "".join(f" {name}={value}" for name, value in _facts(record).items())
        return f"{_moment(record)} {record.levelname} {record.name}: {record.message}{facts}"


class _JsonLines(logging.Formatter):
    """One object per line: time, level, logger, message, the facts, the error."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": _moment(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_facts(record),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def _facts(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _moment(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
