"""``settings``: what can be set, and what holds now; secrets masked."""

from typing import Any

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.session import Session, pass_session, table


@click.command(cls=PlatformCommand)
@click.option("--markdown", is_flag=True, help="The table of the documents, without values.")
@pass_session
def settings(session: Session, markdown: bool) -> None:
    """Show every setting with its value; secrets are masked.

    Example:
        ioc-analytics settings
        ANALYTICS_RETENTION_DAYS=30 ioc-analytics settings --json
    """
    from ioc_analytics.kernel.settings_table import markdown_table, setting_rows

    if markdown:
        click.echo(markdown_table())
        return
    values = session.config().to_dict()
    if session.is_json:
        session.print_json(values)
        return
    shown = table("variable", "key", "value", "meaning")
    for row in setting_rows():
        value = "" if "<role>" in row.key else _value(values, row.key)
        shown.add_row(row.variable or "", row.key, value, row.meaning.replace("`", ""))
    session.console().print(shown)


def _value(values: Any, key: str) -> str:
    for name in key.split("."):
        values = values.get(name) if isinstance(values, dict) else None
    if values is None:
        return ""
    return str(values).lower() if isinstance(values, bool) else str(values)
