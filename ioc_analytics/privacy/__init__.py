"""Privacy: operational records in, records that may be stored out, or a refusal with its rule.

For: any pipeline that must pseudonymise and categorise Big Five records. Not for: what may be
*released* from stored records (``insight`` and the released tables decide that), or reading files.
"""

from ioc_analytics.privacy.anonymize import Anonymized, anonymize
from ioc_analytics.privacy.check import refuse_identifiable
from ioc_analytics.privacy.detector import Finding, find_identifiable, finding_of, first_finding
from ioc_analytics.privacy.keys import load_key, load_pseudonymizer
from ioc_analytics.privacy.pipeline import AnonymizationPipeline, AnonymizedData, Rejected
from ioc_analytics.privacy.pseudonyms import PSEUDONYM_KINDS, Pseudonymizer

__all__ = [
    "PSEUDONYM_KINDS",
    "AnonymizationPipeline",
    "Anonymized",
    "AnonymizedData",
    "Finding",
    "Pseudonymizer",
    "Rejected",
    "anonymize",
    "find_identifiable",
    "finding_of",
    "first_finding",
    "load_key",
    "load_pseudonymizer",
    "refuse_identifiable",
]
