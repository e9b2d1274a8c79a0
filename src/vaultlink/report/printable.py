"""Make text harmless for terminals, and for the logs of CI services.

A terminal obeys control characters, and shows text in another order after bidirectional overrides.
A CI service obeys lines such as `::error::…` (GitHub) and words such as `##[error]…` (GitHub, Azure
Pipelines) and `##vso[…]`, wherever a program prints them. Names and texts of a vault can contain
all of these.
"""

import re

from vaultlink.report.hyperlinks import HYPERLINK_PATTERN, format_hyperlink_part
from vaultlink.report.layout import COLORED
from vaultlink.text import COMMAND_START, lazy_pattern

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
        return format_hyperlink_part(match)
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
