"""Hyperlinks of terminals (OSC 8): a path in the output opens the file.

Renderers mark hyperlinks with a key that is random in each process. `vaultlink.report.printable`
lets only these through, because no text of a vault can contain the key.
"""

import os
import re
from collections.abc import Callable

from vaultlink.text import lazy_pattern

LinkPath = Callable[[str, str], str]
"""Returns a text as a hyperlink to a vault path: `link_path(text, path)`."""

_KEY = os.urandom(16).hex()
_OPEN, _END = "\x1b]8;;", "\x1b\\"
_CLOSE = f"{_OPEN}{_END}"

HYPERLINK_PATTERN = rf"\x1b\]8;;{_KEY}(?P<address>[!#-~]*)\x1b\\"
"""Matches the marked beginning or end of a hyperlink. The group `address` is empty at the end."""

_HYPERLINK = lazy_pattern(r"\x1b\]8;;[!-~]*\x1b\\")


def make_path_linker(prefix: str) -> LinkPath:
    """Return a function that makes a text a hyperlink to a vault path.

    `prefix` is the address of the vault, with a slash at its end; "" returns texts as they are.
    """
    if not prefix:
        return leave_unlinked
    from urllib.parse import quote_from_bytes  # noqa: PLC0415 - slow to import, rarely needed

    def link_path(text: str, path: str) -> str:
        address = prefix + quote_from_bytes(os.fsencode(path))
        return f"{_OPEN}{_KEY}{address}{_END}{text}{_OPEN}{_KEY}{_END}"

    return link_path


def leave_unlinked(text: str, _path: str) -> str:
    """Return the text as it is: the function for output without hyperlinks."""
    return text


def format_hyperlink_part(match: re.Match[str]) -> str:
    """Return what a terminal gets for a match of `HYPERLINK_PATTERN`."""
    return f"{_OPEN}{match['address']}{_END}"


def remove_hyperlinks(text: str) -> str:
    """Return printable text without its hyperlinks."""
    return _HYPERLINK.sub("", text) if _CLOSE in text else text
