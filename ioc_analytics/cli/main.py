"""The command line: ``ioc-analytics COMMAND``, also ``python -m ioc_analytics``.

For: the entry point, and the list of commands. Not for: what they do (one module per noun).
"""

import click

from ioc_analytics.cli.advice import advice
from ioc_analytics.cli.alerts import alerts
from ioc_analytics.cli.backup import backup
from ioc_analytics.cli.benchmarks import benchmarks
from ioc_analytics.cli.commands import RootGroup
from ioc_analytics.cli.completion import completion
from ioc_analytics.cli.demo import demo, dev
from ioc_analytics.cli.export import export
from ioc_analytics.cli.forecast import forecast
from ioc_analytics.cli.generate import generate
from ioc_analytics.cli.health import health
from ioc_analytics.cli.ingest import ingest, quarantine
from ioc_analytics.cli.init import init, status
from ioc_analytics.cli.maintain import maintain
from ioc_analytics.cli.metric import metric
from ioc_analytics.cli.migrate import migrate
from ioc_analytics.cli.norms import norms
from ioc_analytics.cli.ocean import ocean
from ioc_analytics.cli.plan import plan
from ioc_analytics.cli.pseudonym import pseudonym
from ioc_analytics.cli.query import query
from ioc_analytics.cli.refresh import refresh
from ioc_analytics.cli.report import report
from ioc_analytics.cli.retention import retention
from ioc_analytics.cli.risks import risks
from ioc_analytics.cli.settings import settings
from ioc_analytics.cli.trends import trends


@click.group(cls=RootGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ioc-analytics", message="%(package)s %(version)s")
def cli() -> None:
    """Exact figures from pseudonymised Big Five assessments.

    Without any setting it runs a PostgreSQL of its own in the home folder.

    Example:
        ioc-analytics demo
        ioc-analytics ocean --filter industry=Technology
    """


for _command in (
    demo,
    dev,
    init,
    status,
    health,
    alerts,
    advice,
    ingest,
    quarantine,
    refresh,
    ocean,
    norms,
    benchmarks,
    metric,
    trends,
    forecast,
    completion,
    risks,
    plan,
    query,
    export,
    report,
    pseudonym,
    generate,
    backup,
    maintain,
    retention,
    migrate,
    settings,
):
    cli.add_command(_command)


def main() -> None:
    """Run the command line and exit."""
    cli.main(prog_name="ioc-analytics")
