"""What is known of companies beside their records: sector and size by the organization's own id.

For: sources whose records name a company and not its sector: a mapping's ``[organizations]`` and
``AnonymizationPipeline``. Not for: what a record says itself, which ``privacy`` reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.records.vocabularies import INDUSTRIES

ORGANIZATION_FACTS: Final = ("industry", "employee_count")
"""What can be named; as the columns of assessments."""


@dataclass(frozen=True, slots=True)
class OrganizationFacts:
    """What is known of one organization; None: nothing, what its records say stays."""

    industry: str | None = None
    """One of ``vocabularies.INDUSTRIES``."""

    employee_count: int | None = None


Organizations = Mapping[str, OrganizationFacts]
"""Facts by organization id, as the source writes it."""


def read_organizations(entries: Mapping[str, Mapping[str, Any]], where: str) -> Organizations:
    """Return the facts given for organizations.

    Args:
        entries: ``industry`` and ``employee_count`` by organization id.
        where: What they were read from, for messages.

    Raises:
        InvalidInput: A fact has another name, an industry is none of the sectors, or a number of
            employees no whole number from 1.
    """
    return {str(key): _facts(entry, where) for key, entry in entries.items()}


def _facts(entry: Mapping[str, Any], where: str) -> OrganizationFacts:
    # No message names the organization: its id can be that of a person.
    if not isinstance(entry, Mapping):
        raise InvalidInput(f"{where}: each organization is a table with industry, employee_count")
    for name in entry:
        if name not in ORGANIZATION_FACTS:
            known = ", ".join(ORGANIZATION_FACTS)
            hint = did_you_mean(name, ORGANIZATION_FACTS)
            raise InvalidInput(f"{where}: unknown key {name!r}{hint}; there are {known}")
    industry, employees = entry.get("industry"), entry.get("employee_count")
    if industry is not None and industry not in INDUSTRIES:
        raise InvalidInput(
            f"{where}: unknown industry {industry!r}{did_you_mean(str(industry), INDUSTRIES)}; "
            f"sectors are {', '.join(INDUSTRIES)}"
        )
    if employees is not None and (type(employees) is not int or employees < 1):
        raise InvalidInput(f"{where}: employee_count is a whole number from 1")
    return OrganizationFacts(industry, employees)


def fill_organizations(assessments: pa.Table, organizations: Organizations) -> pa.Table:
    """Return judged assessments in which known facts stand for what the records say."""
    if not organizations:
        return assessments
    nothing = OrganizationFacts()
    facts = [organizations.get(key, nothing) for key in assessments["organization_id"].to_pylist()]
    for name in ORGANIZATION_FACTS:
        given = assessments[name].to_pylist()
        values = [
            value if (known := getattr(fact, name)) is None else known
            for fact, value in zip(facts, given, strict=True)
        ]
        place = assessments.column_names.index(name)
        field = assessments.schema.field(name)
        assessments = assessments.set_column(place, field, pa.array(values, field.type))
    return assessments
