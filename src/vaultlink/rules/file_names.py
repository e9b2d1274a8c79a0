"""Check of file and folder names that other systems, sync or links do not support."""

import re
from bisect import bisect_left
from collections.abc import Iterator

from vaultlink.index.index import Index
from vaultlink.index.resolve import file_name, normalize_name
from vaultlink.rules.context import FILE_START, Context, Finding
from vaultlink.rules.portable_names import (
    CONTROL_CHARS,
    INVISIBLE_CHARS,
    SUSPECT_CHARS,
    check_path_length,
    find_link_problems,
    find_name_problems,
)

_BREAKING_CHARS = frozenset("\u00ad\u180e\u200b\u2060\u2061\u2062\u2063\u2064\ufeff")
"""Invisible characters that at most allow or prevent a line break.

They come with text from web pages. Links to such a name resolve if they were inserted, and
respelt-link reports those that were typed. The other invisible characters change how a name looks.
"""

_DEVICE_PREFIXES = frozenset(("con", "prn", "aux", "nul", "com", "lpt"))


def unportable_name(path: str, context: Context) -> Iterator[Finding]:
    """Report names that are not portable; that of a folder at the first file in it."""
    yield from _report_problems(file_name(path), path, path, context)
    for folder in _find_reported_folders(path, context.index):
        yield from _report_problems(file_name(folder[:-1]), folder, path, context)


def _report_problems(name: str, place: str, path: str, context: Context) -> list[Finding]:
    """Return the findings about a file's name, or a folder's: its `place` ends with /."""
    options, index = context.options, context.index
    problems: list[str] = []
    if place == path and len(path) * 2 > options["max-path"]:
        problems += check_path_length(path, options["max-path"])
    if _is_suspect(name, options["max-bytes"]):
        allowed = frozenset(options["allow"])
        if "soft-hyphens" in context.quiet:
            allowed |= _BREAKING_CHARS
        problems += find_name_problems(name, allowed, options["max-bytes"])
        problems += find_link_problems(path, allowed) if place == path else ()
    if place != path or len(index.files_by_path[normalize_name(path)]) > 1:
        problems += _find_collision(place, path, index)
    return [_build_finding(name, problem) for problem in problems]


def _find_reported_folders(path: str, index: Index) -> Iterator[str]:
    """Yield the folders, with a final slash, whose first file this is: findings go there."""
    end = path.find("/") + 1
    while end:
        folder = path[:end]
        # Sorted; folders that differ only in case share the list, but each is contiguous in it.
        paths = index.files_by_path[normalize_name(folder)]
        if paths[bisect_left(paths, folder)] == path:
            yield folder
        end = path.find("/", end) + 1


def _build_finding(name: str, problem: str) -> Finding:
    text = CONTROL_CHARS.sub(_format_code_point, INVISIBLE_CHARS.sub(_format_code_point, name))
    shown = text if len(text) <= 80 else text[:79] + "…"
    return Finding(FILE_START, {"name": shown, "problem": problem})


def _is_suspect(name: str, most_bytes: int) -> bool:
    """Return True if a name may have a problem: a fast test, False for nearly all."""
    return (
        SUSPECT_CHARS.search(name) is not None
        or name[-1] in ". "
        or len(name) * 4 > most_bytes
        or name[:3].lower() in _DEVICE_PREFIXES
    )


def _find_collision(place: str, path: str, index: Index) -> Iterator[str]:
    """Yield the collision with an earlier name, equal but for case or Unicode form."""
    first = index.files_by_path[normalize_name(place)][0]
    kind = ""
    if place != path:
        place, kind = place[:-1], "the folder "
        first = "/".join(first.split("/")[: place.count("/") + 1])
    if file_name(first) != file_name(place):
        other = f"{kind}“{file_name(first)}”"
        yield f"is the same as that of {other} where case and Unicode form are ignored"


def _format_code_point(match: re.Match[str]) -> str:
    return f"<U+{ord(match[0]):04X}>"
