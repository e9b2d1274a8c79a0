"""Inputs of deferred fixes besides the state: texts, suggestions."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set

import msgspec

from vaultlink.engine.step import State
from vaultlink.model import Diagnostic, Fix, SkippedNote, Suggestion


class FixInputs(msgspec.Struct, frozen=True):
    """The inputs of a deferred fix besides the state.

    `text` returns the text of a note in the current state, None if it can't be read. `suggest`
    returns the candidates of an unresolved target, if they were computed before. `is_protected`
    returns True for existing notes that must not be changed. `explain` returns why that is, or why
    a note has no text, as a clause. `peek` returns the text of a file that must not be changed,
    None if it can't be read. `has_mark` returns True for notes with a byte order mark.
    `mentions` are the notes that mention a note without a link, by the path of that note; None if
    they were not searched.
    """

    text: Callable[[str], str | None]
    suggest: Callable[[str], Sequence[Suggestion]] | None = None
    is_protected: Callable[[str], bool] = lambda _path: False
    explain: Callable[[str], str] = lambda _path: "it can't be read"
    has_mark: Callable[[str], bool] = lambda _path: False
    mentions: Mapping[str, Set[str]] | None = None
    peek: Callable[[str], str | None] = lambda _path: None

    def find_text(self, path: str) -> str | None:
        """Return the text of a note; None if the note can't be changed."""
        return None if self.is_protected(path) else self.text(path)

    def skip(self, paths: Iterable[str]) -> list[SkippedNote]:
        """Return notes that can't be changed, with the reasons."""
        return [SkippedNote(path, self.explain(path)) for path in sorted(paths)]


FixMaker = Callable[[State, FixInputs, Diagnostic], Fix | None]
"""Makes the fix of a finding; returns None if it has none."""


class FixAnswers(msgspec.Struct, frozen=True):
    """Choices for fixing unresolved targets that have no clearly closest note.

    With `unlink`, links are replaced by their text. Missing notes are created in `folder` from
    `template`; none are created if `folder` is None.
    """

    unlink: bool = False
    folder: str | None = None
    template: str = "# {{title}}\n"
    created: str | None = None
