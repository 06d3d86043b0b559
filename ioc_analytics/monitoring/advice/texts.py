"""The text of a statement without its comments, which may say anything about anybody.

For: ``monitoring.advice.statements``, which shows and keeps texts. Not for: constants, which the
server replaces itself.
"""

import re
from typing import Final

_STARTS: Final = re.compile(r"""--[^\n]*|/\*|"(?:[^"]|"")*"|'(?:[^']|'')*'""")
_EDGES: Final = re.compile(r"/\*|\*/")


def without_comments(text: str) -> str:
    r"""Return a statement without comments, also nested ones and one that was cut off.

    Example:
        >>> without_comments('SELECT a -- of Ada' + chr(10) + 'FROM "b--c" /* or /* her */ x */')
        'SELECT a \nFROM "b--c"'
    """
    kept: list[str] = []
    at = 0
    while start := _STARTS.search(text, at):
        kept.append(text[at : start.start()])
        at = start.end()
        if start[0] == "/*":
            at = _end_of_comment(text, at)
            kept.append(" ")
        elif not start[0].startswith("--"):
            kept.append(start[0])
    return "".join([*kept, text[at:]]).strip()


def _end_of_comment(text: str, at: int) -> int:
    depth = 1
    while depth:
        edge = _EDGES.search(text, at)
        if edge is None:
            return len(text)
        depth += 1 if edge[0] == "/*" else -1
        at = edge.end()
    return at
