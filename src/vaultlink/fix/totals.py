"""Numbers of fixes, at one path and of a whole check."""

from typing import NamedTuple

MAX_TRIED = 2_000
"""Maximum number of fixes that are tried in order to count them."""


class PathFixes(NamedTuple):
    """The numbers of fixes at a path: all allowed ones, and those that can be applied.

    They depend on the findings of the path; on `is_locked`, True if the file can't be written; if
    `touches_headings` is True, on the links to the note's headings; and if `is_deferred` is True,
    on other notes.
    """

    allowed: int
    safe: int
    unsafe: int
    is_locked: bool
    touches_headings: bool
    is_deferred: bool


NO_FIXES = PathFixes(0, 0, 0, is_locked=False, touches_headings=False, is_deferred=False)


class FixTotals(NamedTuple):
    """Numbers of findings that fixes resolve: of reported and of known ones.

    If `has_all_safe` or `has_all_unsafe` is False, there may be more of that safety.
    """

    safe: tuple[int, int]
    unsafe: tuple[int, int]
    has_all_safe: bool
    has_all_unsafe: bool
