"""A device word, an operating system or a browser's user agent to a class of device.

For: ``privacy.anonymize``. Not for: anything finer; models and versions single people out.
"""

import re
from typing import Final

from ioc_analytics.privacy.columns import Reading
from ioc_analytics.privacy.reference import SAYS_NOTHING, fold
from ioc_analytics.records.vocabularies import UNKNOWN

# iOS and Android without more are taken for phones, which most of them are.
_WORDS: Final = {
    "desktop": "desktop|desktop computer|computer|pc|personal computer|laptop|notebook|netbook|"
    "workstation|windows|microsoft windows|windows nt|win32|win64|mac|macos|mac os|mac os x|os x|"
    "osx|macintosh|macbook|linux|ubuntu|debian|fedora|unix|freebsd|chromeos|chrome os|chromebook",
    "mobile": "mobile|mobile phone|phone|smartphone|smart phone|cell phone|cellphone|handset|"
    "handheld|iphone|ios|android|windows phone|windows mobile|blackberry|symbian|kaios",
    "tablet": "tablet|tablet computer|ipad|ipados|android tablet|kindle fire|galaxy tab",
    "other": "other|tv|smart tv|smarttv|television|console|game console|playstation|xbox|nintendo|"
    "wearable|watch|smartwatch|kiosk|e reader|bot",
}
_BY_WORD: Final = {word: kind for kind, words in _WORDS.items() for word in words.split("|")}

# The first match decides: a tablet's agent also says Android, a phone's may also say Linux.
_AGENTS: Final = (
    ("other", r"bot\b|crawl|spider|curl/|wget/|python-|headless|smart-?tv|appletv|googletv|hbbtv"),
    ("other", r"playstation|xbox|nintendo|crkey|roku|web0s|\btizen.*\btv\b"),
    ("tablet", r"ipad|tablet|kindle|\bsilk/|playbook|android(?!.*mobile)"),
    ("mobile", r"iphone|ipod|android|windows phone|iemobile|blackberry|\bbb10\b|opera mini"),
    ("mobile", r"\bmobile\b|symbian|kaios"),
    ("desktop", r"windows|macintosh|mac os|\bx11\b|linux|\bcros\b|freebsd"),
)
_AGENT: Final = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _AGENTS)


def read_device(device: str) -> Reading:
    """Return the class of a device word or operating system.

    Example:
        >>> [read_device(text).category for text in ("Desktop", "Macintosh", "iOS", "iPad")]
        ['desktop', 'desktop', 'mobile', 'tablet']
    """
    word = fold(device)
    if word in SAYS_NOTHING:
        return Reading(UNKNOWN)
    kind = _BY_WORD.get(word)
    return Reading(kind) if kind else read_user_agent(device)


def read_user_agent(agent: str) -> Reading:
    """Return the class of device of a browser's user agent.

    iPads since iPadOS 13 name themselves Macintosh and cannot be told from a desktop.
    """
    if fold(agent) in SAYS_NOTHING:
        return Reading(UNKNOWN)
    for kind, pattern in _AGENT:
        if pattern.search(agent):
            return Reading(kind)
    return Reading(UNKNOWN, is_understood=False)
