"""How settings are gathered from the environment and mappings, and how a refusal is worded.

For: ``kernel.settings`` and ``kernel.settings_table``. Not for: the settings themselves.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Literal, TypeAlias, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ioc_analytics.kernel.errors import ConfigurationError
from ioc_analytics.kernel.settings_values import Allowed, Variable
from ioc_analytics.kernel.suggestions import did_you_mean, nearest

PREFIX = "ANALYTICS_"
FILE_SUFFIX = "_FILE"

KeyPath: TypeAlias = tuple[str, ...]

_DISPLACES: Mapping[KeyPath, Sequence[KeyPath]] = {
    ("database", "url"): [
        ("database", name) for name in ("host", "port", "database", "username", "password")
    ],
    ("database", "host"): [("database", "url")],
    ("privacy", "pseudonym_key"): [("privacy", "pseudonym_key_file")],
    ("privacy", "pseudonym_key_file"): [("privacy", "pseudonym_key")],
}
"""What a setting of a higher layer takes away from lower layers: they name the same thing."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One settings field that holds a value: where it is, and what fills it."""

    path: KeyPath
    field: FieldInfo
    variable: str | None

    @property
    def key(self) -> str:
        """The dotted key, such as ``database.port``."""
        return ".".join(self.path)

    @property
    def is_secret(self) -> bool:
        """Whether the value must never be shown."""
        return SecretStr in _types(self.field.annotation)

    @property
    def file_variable(self) -> str | None:
        """The variable that names a file with the secret, so that no copy is in the environment.

        The pseudonym key has none: its file is a setting, because it may be made later.
        """
        if self.variable is None or not self.is_secret or self.key == "privacy.pseudonym_key":
            return None
        return self.variable + FILE_SUFFIX

    @property
    def allowed(self) -> str:
        """What the field takes, in words."""
        return _allowed(self.field)


def leaves(model: type[BaseModel], above: KeyPath = (), role: str = "") -> Iterator[Leaf]:
    """Yield every value field of a settings record, in the order of their declaration."""
    for name, field in model.model_fields.items():
        path = (*above, name)
        records = [kind for kind in _types(field.annotation) if issubclass(kind, BaseModel)]
        if not records:
            variable = next((m.name for m in field.metadata if isinstance(m, Variable)), None)
            named = variable.format(ROLE=role.upper()) if variable else None
            yield Leaf(path, field, named)
        elif get_origin(field.annotation) is dict:
            for key in get_args(get_args(field.annotation)[0]):
                yield from leaves(records[0], (*path, key), role=key)
        else:
            yield from leaves(records[0], path, role)


def environment_layer(
    model: type[BaseModel], environ: Mapping[str, str]
) -> tuple[dict[str, Any], dict[KeyPath, str]]:
    """Return the settings that the environment gives, and the variable behind each.

    Raises:
        ConfigurationError: An ``ANALYTICS_*`` variable is unknown, or a secret's file unreadable.
    """
    tree: dict[str, Any] = {}
    origins: dict[KeyPath, str] = {}
    known: set[str] = set()
    for leaf in leaves(model):
        if leaf.variable is None:
            continue
        known.add(leaf.variable)
        text = environ.get(leaf.variable, "").strip()
        source = leaf.variable
        if leaf.file_variable:
            known.add(leaf.file_variable)
            if file := environ.get(leaf.file_variable, "").strip():
                text, source = _from_file(leaf.variable, text, file), leaf.file_variable
        if text:
            _put(tree, leaf.path, text)
            origins[leaf.path] = source
    unknown = sorted(name for name in environ if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise ConfigurationError(
            "; ".join(f"unknown variable {name}{did_you_mean(name, known)}" for name in unknown)
            + f"; variables that begin with {PREFIX} are all settings: unset or rename"
        )
    return tree, origins


def as_layer(value: Any) -> Any:
    """Return a mapping or settings record as plain nested dictionaries of what it gives."""
    if isinstance(value, BaseModel):
        return {name: as_layer(getattr(value, name)) for name in value.model_fields_set}
    if isinstance(value, Mapping):
        return {name: as_layer(inner) for name, inner in value.items()}
    return value


def merge(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return one tree in which later layers win over earlier ones, key by key."""
    tree: dict[str, Any] = {}
    for layer in layers:
        for winner, losers in _DISPLACES.items():
            if _get(layer, winner) is not None:
                for loser in losers:
                    _drop(tree, loser)
        tree = _over(tree, layer)
    return tree


def refusal(
    model: type[BaseModel],
    fault: ValidationError,
    tree: Mapping[str, Any],
    origins: Mapping[KeyPath, str],
) -> str:
    """Return one message for every fault found: name, kind of value found, what is allowed."""
    known = {leaf.path: leaf for leaf in leaves(model)}
    lines = [_worded(model, error, tree, origins, known) for error in fault.errors()]
    if len(lines) == 1:
        return f"setting refused: {lines[0]}"
    return "\n  ".join([f"{len(lines)} settings refused:", *lines])


def user_data_folder(environ: Mapping[str, str]) -> Path:
    """Return the platform's folder for a user's data of this program."""
    home = Path(environ.get("HOME") or Path.home())
    if sys.platform == "win32":
        base = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
        if not base.is_absolute():  # the XDG specification says to ignore a relative one
            base = home / ".local" / "share"
    return base / "ioc-analytics"


def _worded(
    model: type[BaseModel],
    error: ErrorDetails,
    tree: Mapping[str, Any],
    origins: Mapping[KeyPath, str],
    known: Mapping[KeyPath, Leaf],
) -> str:
    path = tuple(str(part) for part in error["loc"] if part != "[key]")
    subject = origins.get(path, ".".join(path) or "settings")
    if error["type"] == "extra_forbidden" or "[key]" in error["loc"]:
        return _unknown_key(path, known)
    if error["type"] == "missing":
        leaf = known.get(path)
        hint = f" (or {leaf.variable})" if leaf and leaf.variable else ""
        return f"{subject}{hint} is missing"
    reason = error["msg"].removeprefix("Value error, ")
    if path not in known:
        if error["type"] == "value_error":
            return f"{subject}: {reason}"
        return f"{subject}: found {_kind(_get(tree, path))}; allowed: a section of settings"
    found = _kind(_get(tree, path), is_secret=known[path].is_secret)
    why = f" ({reason})" if error["type"] == "value_error" else ""
    return f"{subject}: found {found}; allowed: {known[path].allowed}{why}"


def _unknown_key(path: KeyPath, known: Mapping[KeyPath, Leaf]) -> str:
    above, name = path[:-1], path[-1]
    siblings = {known_path[len(above)] for known_path in known if known_path[: len(above)] == above}
    where = f"unknown setting {'.'.join(path)!r}"
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    if snake != name and snake in siblings:
        return f"{where}: names are written in snake_case here; use {snake!r}"
    if nearest(snake, siblings):
        return where + did_you_mean(snake, siblings)
    elsewhere = [leaf.key for leaf in known.values() if leaf.path[-1] == snake]
    if elsewhere:
        return f"{where}; did you mean {elsewhere[0]!r}?"
    return f"{where}; known here: {', '.join(sorted(siblings))}"


def _kind(value: object, *, is_secret: bool = False) -> str:
    """Return a value's kind, and the value itself where it cannot be a secret."""
    if isinstance(value, SecretStr):
        return "a secret text"
    names = {bool: "truth value", int: "number", float: "number", str: "text", NoneType: "nothing"}
    kind = names.get(type(value), type(value).__name__)
    # "@" and "://" may be an address with a password that landed in the wrong setting.
    is_shown = isinstance(value, bool | int | float | str) and not is_secret
    if is_shown and not re.search("@|://", text := str(value)):
        return f"{kind} {text[:40]!r}"
    return kind


def _allowed(field: FieldInfo) -> str:
    words = [item.words for item in field.metadata if isinstance(item, Allowed)]
    if words:
        return words[0]
    if choices := _choices(field.annotation):
        return " or ".join(f"{choice}" for choice in choices)
    kinds = _types(field.annotation)
    if bool in kinds:
        return "true or false"
    low = next((item.ge for item in field.metadata if isinstance(item, Ge)), None)
    high = next((item.le for item in field.metadata if isinstance(item, Le)), None)
    if int in kinds or float in kinds:
        kind = "a whole number" if int in kinds else "a number"
        return f"{kind} from {low}" + (f" to {high}" if high is not None else "")
    longest = next((item.max_length for item in field.metadata if isinstance(item, MaxLen)), None)
    if longest is not None:
        return f"a text of 1 to {longest} characters"
    has_minimum = any(isinstance(item, MinLen) for item in field.metadata)
    return "a text that is not empty" if has_minimum else "a text"


def _types(annotation: object) -> list[type]:
    """Return the classes inside an annotation, such as those of ``SecretStr | None``."""
    if isinstance(annotation, type) and not get_args(annotation):
        return [annotation]
    return [kind for inner in get_args(annotation) for kind in _types(inner)]


def _choices(annotation: object) -> tuple[str, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _from_file(variable: str, text: str, file: str) -> str:
    if text:
        raise ConfigurationError(f"{variable} and {variable}{FILE_SUFFIX} are both set; set one")
    try:
        secret = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "not text"
        raise ConfigurationError(
            f"{variable}{FILE_SUFFIX}: {file} cannot be read ({reason}); "
            "name a readable file that holds the secret alone"
        ) from None
    if not secret:
        raise ConfigurationError(f"{variable}{FILE_SUFFIX}: {file} is empty")
    return secret


def _get(tree: object, path: KeyPath) -> object:
    for name in path:
        if not isinstance(tree, Mapping):
            return None
        tree = tree.get(name)
    return tree


def _put(tree: dict[str, Any], path: KeyPath, value: object) -> None:
    for name in path[:-1]:
        tree = tree.setdefault(name, {})
    tree[path[-1]] = value


def _drop(tree: dict[str, Any], path: KeyPath) -> None:
    inner = _get(tree, path[:-1])
    if isinstance(inner, dict):
        inner.pop(path[-1], None)


def _over(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(lower)
    for name, value in upper.items():
        below = result.get(name)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            result[name] = _over(below, value)
        else:
            result[name] = value
    return result
