"""Names of a vault on a page: shortened, made visible, and as addresses.

A name can contain anything: markup, controls, bidirectional overrides, bytes that are not UTF-8, or
megabytes of text. Markup is escaped by the template. This module does the rest.
"""

import re
from urllib.parse import quote

from vaultlink.report.layout import UNSAFE_CHARS

SHOWN_CHARACTERS = 160
"""The longest name that is shown whole. Longer ones keep their beginning and end."""

_END_CHARACTERS = 40
"""Characters of a longer name that are shown after its gap."""

_LONGEST_PATH = 4096
"""Characters of a path, the limit of Linux. A longer one gets no address."""

_INVISIBLE = re.compile(f"([\x00-\x1f{UNSAFE_CHARS}\ud800-\udfff])")
"""What a page does not show, or shows in another order; the terminal spells out the same."""


def shorten_name(name: str, limit: int = SHOWN_CHARACTERS) -> str:
    """Return a name with at most `limit` of its characters.

    A longer name keeps its beginning and end; between them is the number of those left out.
    """
    if len(name) <= limit:
        return name
    first, gap = name[: limit - _END_CHARACTERS], len(name) - limit
    return f"{first} … {gap:,} characters … {name[-_END_CHARACTERS:]}"


def split_invisible(text: str) -> list[tuple[str, bool]]:
    r"""Split a text into parts, each with True if it spells out an invisible character.

    Such a part is the character's number, such as `\u202e`. All parts can be encoded as UTF-8.
    """
    return [
        (f"\\u{ord(part):04x}", True) if number % 2 else (part, False)
        for number, part in enumerate(_INVISIBLE.split(text))
        if part
    ]


def make_visible(text: str) -> str:
    return "".join(part for part, _ in split_invisible(text))


def split_folder(path: str) -> tuple[str, str]:
    """Split a vault path into its folder, with a slash at the end, and its file name.

    The extension of a note is left out.
    """
    folder, slash, name = path.rpartition("/")
    return folder + slash, name.removesuffix(".md")


def format_address(vault: str, path: str) -> str:
    """Return the address that opens a file in Obsidian.

    Everything except letters, digits and `-._~` is percent-encoded. Returns "" for a path that is
    too long or that no file can have.
    """
    if len(path) > _LONGEST_PATH:
        return ""
    try:
        names = [quote(name, safe="", errors="surrogateescape") for name in (vault, path)]
    except UnicodeEncodeError:
        return ""
    return "obsidian://open?vault={}&file={}".format(*names)
