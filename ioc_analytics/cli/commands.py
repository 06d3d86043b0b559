"""What is the same in all commands: ``--json``, ``--home``, ``--debug``, and how errors end.

For: ``cli.main`` and the modules of the commands. Not for: what a command does.
"""

import inspect
import json
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ioc_analytics.cli.session import Session
from ioc_analytics.kernel.errors import AnalyticsError

WRONG_USE = 2
UNEXPECTED = 1


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    session = context.ensure_object(Session)
    if value and parameter.name == "json":
        session.is_json = True
    elif value and parameter.name == "debug":
        session.is_debug = True
    elif value and parameter.name == "home":
        session.home = value


def _shared_options() -> list[click.Parameter]:
    common: dict[str, Any] = {"expose_value": False, "callback": _remember, "is_eager": True}
    return [
        click.Option(["--json"], is_flag=True, help="Print one JSON document.", **common),
        click.Option(
            ["--home"],
            type=click.Path(file_okay=False, path_type=Path),
            help="Home folder of the installation, instead of ANALYTICS_HOME.",
            **common,
        ),
        click.Option(
            ["--debug"], is_flag=True, help="Detailed log; show where errors come from.", **common
        ),
    ]


def _keep_example(text: str | None) -> str | None:
    # After a line with a backspace click leaves a paragraph's lines as they are.
    return text and inspect.cleandoc(text).replace("\nExample:\n", "\n\b\nExample:\n")


class PlatformCommand(click.Command):
    """A command with the shared options, and an example in its help."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(_shared_options())
        self.help = _keep_example(self.help)


class PlatformGroup(click.Group):
    """A group of commands with the shared options, and an example in its help."""

    command_class = PlatformCommand
    group_class = type

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(_shared_options())
        self.help = _keep_example(self.help)

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the commands in the order in which they are met, not by the alphabet."""
        return list(self.commands)


class RootGroup(PlatformGroup):
    """The command line as a whole: every error ends in one line and an exit code."""

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> None:
        """Run a command line and exit.

        Exit codes: 0 done, 2 wrong use or bad input, 3 refused for privacy, 4 not enough data,
        5 unavailable, 1 anything else.
        """
        given = sys.argv[1:] if args is None else list(args)
        is_json, is_debug = "--json" in given, "--debug" in given
        extra["standalone_mode"] = False
        try:
            code = super().main(given, prog_name, **extra)
        except click.UsageError as error:
            _report(error.format_message(), "UsageError", is_json=is_json)
            if error.ctx is not None and not is_json:
                click.echo(f"see `{error.ctx.command_path} --help`", err=True)
            code = WRONG_USE
        except click.ClickException as error:
            _report(error.format_message(), "UsageError", is_json=is_json)
            code = WRONG_USE
        except click.Abort:
            _report("stopped", "Stopped", is_json=is_json)
            code = UNEXPECTED
        except AnalyticsError as error:
            if is_debug:
                traceback.print_exc()
            done = [receipt.to_dict() for receipt in error.receipts]
            _report(str(error), type(error).__name__, is_json=is_json, done=done)
            code = error.exit_code
        except Exception as error:  # noqa: BLE001  # the last line of defence: no traceback for users
            if is_debug:
                traceback.print_exc()
            hint = "" if is_debug else " (--debug shows where it comes from)"
            kind = type(error).__name__
            _report(f"unexpected {kind}: {error}{hint}", kind, is_json=is_json)
            code = UNEXPECTED
        sys.exit(code if isinstance(code, int) else 0)


def _report(
    message: str, kind: str, *, is_json: bool, done: Sequence[Mapping[str, Any]] = ()
) -> None:
    if is_json:
        found = {"error": {"kind": kind, "message": message}}
        click.echo(json.dumps(found | ({"receipts": done} if done else {}), ensure_ascii=False))
        return
    click.echo(click.style(f"error: {' '.join(message.split())}", fg="red"), err=True)
