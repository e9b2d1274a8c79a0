"""Names of files and folders that other systems, sync and links support."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from vaultlink.index.index import link_name
from vaultlink.index.resolve import is_note
from vaultlink.text import lazy_pattern

_FORBIDDEN = r'<>:"|?*\\'
_CONTROL = r"\x00-\x1f\x7f-\x9f"
_INVISIBLE = r"\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_FORBIDDEN_CHARS = lazy_pattern(f"[{_FORBIDDEN}]")
CONTROL_CHARS = lazy_pattern(f"[{_CONTROL}]")
INVISIBLE_CHARS = lazy_pattern(f"[{_INVISIBLE}]")
"""Invisible characters, except U+200C and U+200D: Persian, Indic scripts and emoji need them."""

SUSPECT_CHARS = lazy_pattern(rf"[{_FORBIDDEN}{_CONTROL}{_INVISIBLE}#\[\]]")

_DEVICE_NAME = lazy_pattern(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[1-9¹²³])\s*(?:\..*)?", re.IGNORECASE
)
_UNLINKABLE = lazy_pattern(r"#|\[\[|\]\]|\]$")


class NameLimits(NamedTuple):
    """The options of the rule: characters, and the lengths of a name and of a path."""

    allowed: frozenset[str] = frozenset()
    max_bytes: int = 255
    max_path: int = 240


def read_name_limits(options: Mapping[str, Mapping[str, Any]]) -> NameLimits:
    """Return the limits in the options of all rules."""
    values = options["unportable-name"]
    return NameLimits(frozenset(values["allow"]), values["max-bytes"], values["max-path"])


def find_name_problems(name: str, allowed: frozenset[str], most_bytes: int) -> Iterator[str]:
    """Yield the problems that other systems have with a name, as clauses."""
    forbidden = sorted(set(_FORBIDDEN_CHARS.findall(name)) - allowed)
    if forbidden:
        yield f"contains {' '.join(forbidden)}, which Windows and Android do not allow"
    if any(char not in allowed for char in CONTROL_CHARS.findall(name)):
        yield "contains a control character"
    if any(char not in allowed for char in INVISIBLE_CHARS.findall(name)):
        yield "contains an invisible character, which can't be typed in a link"
    if _DEVICE_NAME.fullmatch(name):
        yield "is reserved for a device on Windows"
    if name[-1:] in (".", " ") and name[-1] not in allowed:
        yield f"ends in a {'dot' if name[-1] == '.' else 'space'}, which Windows removes"
    size = len(name) if name.isascii() else len(name.encode("utf-8", "surrogatepass"))
    if size > most_bytes:
        yield f"is {size} bytes long; the limit is {most_bytes}"


def find_link_problems(path: str, allowed: frozenset[str]) -> Iterator[str]:
    """Yield the reason why no wikilink can contain the name of a file."""
    match = _UNLINKABLE.search(link_name(path))
    if match and match[0] not in allowed and (match[0] != "]" or is_note(path)):
        problem = "ends in ]" if match[0] == "]" else f"contains {match[0]}"
        yield f"{problem}, so no wikilink can contain it"


def check_path_length(path: str, longest: int) -> Iterator[str]:
    """Yield the reason if a path is too long for Windows, in UTF-16 code units."""
    length = len(path.encode("utf-16-le", "surrogatepass")) // 2
    if length > longest:
        yield f"has a path of {length} characters, too long for Windows; the limit is {longest}"
