"""Invented names, addresses and labels, so that operational files look identified and name nobody.

For: the Arrow tables of synthetic records. Not for: anything with a bearing on statistics.

Mail goes to the reserved domains of RFC 2606; addresses are of the documentation ranges of
RFC 5737 (IPv4) and RFC 3849 (IPv6).
"""

from typing import Final

GIVEN_NAMES: Final = (
    *("Ada", "Amir", "Anna", "Ben", "Carla", "Chen", "Dana", "Diego", "Elif", "Emil"),
    *("Fatima", "Felix", "Grace", "Hana", "Hugo", "Ines", "Ivan", "Jana", "Jonas", "Kofi"),
    *("Lena", "Liam", "Lucia", "Maja", "Mateo", "Mei", "Nadia", "Noah", "Olga", "Omar"),
    *("Paula", "Pavel", "Priya", "Rosa", "Samir", "Sofia", "Tomas", "Vera", "Yuki", "Zoe"),
)
FAMILY_NAMES: Final = (
    *("Abara", "Almeida", "Andersson", "Bakker", "Becker", "Brook", "Castro", "Clarke", "Costa"),
    *("Dubois", "Eriksen", "Ferrari", "Fischer", "Garcia", "Gupta", "Hall", "Hansen", "Hoffmann"),
    *("Ito", "Jansen", "Kaya", "Keller", "Khan", "Kowalska", "Lange", "Larsen", "Lopez", "Martin"),
    *("Mbeki", "Moreau", "Nguyen", "Novak", "Okafor", "Patel", "Rossi", "Santos", "Sato", "Silva"),
    *("Weber", "Wright"),
)
MAIL_DOMAINS: Final = ("example.org", "example.com", "example.net")

IP_ADDRESSES: Final = (
    *(f"{net}.{host}" for net in ("192.0.2", "198.51.100", "203.0.113") for host in range(1, 255)),
    *(f"2001:db8::{host:x}" for host in range(1, 255)),
)

USER_AGENTS: Final[dict[str, tuple[str, ...]]] = {
    "desktop": (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/131.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.1 Safari/605.1.15",
        "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    ),
    "mobile": (
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/131.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    ),
    "tablet": (
        "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.1 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/131.0.0.0 Safari/537.36",
    ),
}

_FIRST_WORDS: Final = ("Alder", "Birch", "Cedar", "Delta", "Ember", "Fjord", "Grove", "Harbour")
_SECOND_WORDS: Final = ("Works", "Partners", "Group", "House", "Union", "Labs", "Trust", "Line")

INDUSTRY_TEXTS: Final[dict[str, tuple[str, ...]]] = {
    "Agriculture": ("111", "Agriculture"),
    "Mining": ("212", "Mining"),
    "Utilities": ("221", "Utilities"),
    "Construction": ("236", "Construction"),
    "Manufacturing": ("332", "31-33", "Manufacturing"),
    "Wholesale Trade": ("423", "Wholesale Trade"),
    "Retail Trade": ("445", "44-45", "Retail Trade"),
    "Transportation": ("484", "48-49", "Transportation"),
    "Technology": ("511210", "51", "Technology"),
    "Finance": ("522", "Finance"),
    "Real Estate": ("531", "Real Estate"),
    "Professional Services": ("5416", "Professional Services"),
    "Management": ("551112", "Management"),
    "Administrative Services": ("5613", "Administrative Services"),
    "Education": ("611", "Education"),
    "Healthcare": ("622", "Healthcare"),
    "Arts and Entertainment": ("711", "Arts and Entertainment"),
    "Hospitality": ("7211", "Hospitality"),
    "Other Services": ("812", "Other Services"),
    "Public Administration": ("92", "Public Administration"),
}
"""How organisations write their sector: NAICS codes of several lengths, or words."""


def organization_name(number: int) -> str:
    """Return the invented name of the ``number``-th organisation, counted from 0."""
    first = _FIRST_WORDS[number % len(_FIRST_WORDS)]
    second = _SECOND_WORDS[number // len(_FIRST_WORDS) % len(_SECOND_WORDS)]
    return f"{first} {second} Example {number + 1}"
