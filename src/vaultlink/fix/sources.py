"""What fixes may ask that need more than a check may read: texts of other notes, suggestions, the times of files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vaultlink.engine.step import State
from vaultlink.model import Diagnostic, Fix, Suggestion


@dataclass(frozen=True, slots=True)
class FixSources:
    """What a late fix may ask beyond the state: the text of a note as the state has it (None if it can't be had), when a
    file was last changed, in nanoseconds since 1970 (0 if that is unknown), what a dangling topic may mean, where
    somebody has worked that out already, and whether a note that is there must not be changed."""

    text: Callable[[str], str | None]
    modified_at: Callable[[str], int] = lambda _path: 0
    suggest: Callable[[str], Sequence[Suggestion]] | None = None
    is_protected: Callable[[str], bool] = lambda _path: False


FixMaker = Callable[[State, FixSources, Diagnostic], Fix | None]
"""What makes the fix of a finding; None if it has none."""


@dataclass(frozen=True, slots=True)
class FixAnswers:
    """What to do about dangling topics, besides linking them to a note that is clearly meant: take the links out and keep
    their words, or make notes for them in a folder, from a template."""

    unlink: bool = False
    folder: str | None = None
    template: str = "# {{title}}\n"
    created: str | None = None
