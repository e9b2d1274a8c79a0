"""Make text harmless for terminals, and for the logs of CI services.

A terminal obeys control characters, and shows text in another order after bidirectional overrides.
A CI service obeys lines such as `::error::…` (GitHub) and words such as `##[error]…` (GitHub, Azure
Pipelines) and `##vso[…]`, wherever a program prints them. Names and texts of a vault can contain
all of these.

Renderers mark hyperlinks (OSC 8), which open the file of a path, with a key that is random in each
process. Only these are let through, because no text of a vault can contain the key.
"""

import os
import re
from collections.abc import Callable

from vaultlink.report.layout import COLORED
from vaultlink.text import COMMAND_START, lazy_pattern

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


def remove_hyperlinks(text: str) -> str:
    """Return printable text without its hyperlinks."""
    return _HYPERLINK.sub("", text) if _CLOSE in text else text


UNSAFE_CHARS = "\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\udc80-\udc9f"
"""A set of characters: control characters outside ASCII, line separators, overrides, and bytes that
are control characters in other encodings than UTF-8."""

_STYLE_PATTERN = "|".join(sorted({re.escape(style) for style in COLORED if style}))
_UNSAFE, _UNSAFE_IN_COLOR = (
    lazy_pattern(f"{HYPERLINK_PATTERN}|(?P<style>{styles})|[\x00-\x08\x0b-\x1f{UNSAFE_CHARS}]")
    for styles in ("(?!)", _STYLE_PATTERN)
)
_UNSAFE_IN_JSON = (
    b"\x7f",
    rb"\xc2[\x80-\x9f]",
    rb"\xe2(?:\x80[\xa8-\xae]|\x81[\xa6-\xa9])",
    rb"#(?=#(?:\[|vso\[|teamcity\[))",
)
"""Unsafe characters in UTF-8. Each expression begins with a byte, so that the search is quick."""


def escape_unsafe(text: str, *, is_colored: bool) -> str:
    """Spell out what a terminal may obey.

    Line feeds, tabs, and vaultlink's own styles and hyperlinks are left as they are.
    """
    if text.isprintable():
        return text
    return (_UNSAFE_IN_COLOR if is_colored else _UNSAFE).sub(_spell_out, text)


def _spell_out(match: re.Match[str]) -> str:
    if match["style"]:
        return match["style"]
    if match["address"] is not None:
        return f"{_OPEN}{match['address']}{_END}"
    return "\\r" if match[0] == "\r" else f"\\u{ord(match[0]):04x}"


def escape_commands(text: str) -> str:
    """Spell out the first character of what a CI service may take for a command."""
    if text.isascii() and "::" not in text and "##" not in text:
        return text
    return COMMAND_START.sub(
        lambda match: f"{match['blank']}\\u003a" if match["blank"] is not None else "\\u0023",
        text,
    )


def escape_json(data: bytes) -> bytes:
    r"""Write unsafe characters in JSON as `\uXXXX`. The values stay the same."""
    for pattern in _UNSAFE_IN_JSON:
        if re.search(pattern, data):
            data = re.sub(pattern, lambda match: rb"\u%04x" % ord(match[0].decode()), data)
    return data
