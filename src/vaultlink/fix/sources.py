"""What deferred fixes may read besides the state: texts, suggestions, times of files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vaultlink.engine.step import State
from vaultlink.model import Diagnostic, Fix, Suggestion


@dataclass(frozen=True, slots=True)
class FixSources:
    """What a deferred fix may read besides the state.

    `text` returns the text of a note in the current state, None if it can't be read. `modified_at`
    returns the time of a file's last change in nanoseconds since 1970, 0 if unknown. `suggest`
    returns the candidates of an unresolved target, if they were computed before. `is_protected`
    tells which existing notes must not be changed.
    """

    text: Callable[[str], str | None]
    modified_at: Callable[[str], int] = lambda _path: 0
    suggest: Callable[[str], Sequence[Suggestion]] | None = None
    is_protected: Callable[[str], bool] = lambda _path: False


FixMaker = Callable[[State, FixSources, Diagnostic], Fix | None]
"""Makes the fix of a finding; returns None if it has none."""


@dataclass(frozen=True, slots=True)
class FixAnswers:
    """How to fix unresolved targets that have no clearly closest note.

    `unlink` replaces links by their text. `folder` is where missing notes are created from
    `template`; None creates none.
    """

    unlink: bool = False
    folder: str | None = None
    template: str = "# {{title}}\n"
    created: str | None = None
