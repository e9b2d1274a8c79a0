"""The parts of a vault that the kept result of a trial of fixes depends on.

A trial steps through states in which some notes have other texts. Its result is the same in a
vault in which another note changed if no step affects the notes that the change affects, or the
other way round. The names of all files, titles and aliases must be the same.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from vaultlink.backlinks.choice import list_section_traits
from vaultlink.engine.step import State
from vaultlink.index.index import (
    Index,
    TraitCount,
    anchored_targets,
    find_unresolved,
    path_traits,
    unresolved_keys,
)
from vaultlink.index.update import linkable_parts
from vaultlink.index.vocabulary import drop_words_in_names, list_compared_words, list_word_texts
from vaultlink.links.read_only import find_declared_folders
from vaultlink.links.style import is_style_read
from vaultlink.model import Note, Suggestion


class Footprint(NamedTuple):
    """Parts of a vault that the result of a trial depends on, beside names and the history.

    `notes` are those that are tried, that they link to, and that steps check again. `checked` are
    those of them that must not be checked again for another reason, without those that steps check
    only because of links between them and a tried note. `targets` are the unresolved ones of the
    tried notes, in every state, `words` those in these targets and in the headings of these notes
    that are not in names. `reads_style` is True if fixes are in the style of the vault's links.
    """

    notes: tuple[str, ...]
    checked: tuple[str, ...]
    targets: tuple[str, ...]
    words: tuple[str, ...]
    reads_style: bool


class FootprintRecorder:
    """Records what a trial depends on, state by state."""

    def __init__(
        self,
        state: State,
        suggest: Callable[[str], Sequence[Suggestion]] | None,
        *,
        has_usual_errors: bool,
    ):
        """Start to record, with the state before the trial.

        `suggest` returns the files that an unresolved target may mean; None if no fix of the trial
        reads them. `has_usual_errors` is False if the settings make errors of what rules about
        other things than links report. A link may then cause an error in the note to which it
        leads.
        """
        self._initial, self._suggest = state, suggest
        self._notes: set[str] = set()
        self._checked: set[str] = set()
        self._targets: set[str] = set()
        self._texts: set[str] = set()
        settings = state.settings
        self._section_rules = {
            item.name
            for item in settings.rules
            if item.deferred_fix == "section" or item.fixed_last
        }
        # Findings of these rules depend on more than the notes that a step names.
        is_wide = settings.reads_style or settings.rules_by_scope["vault"]
        self._is_bounded = has_usual_errors and not is_wide

    def add_notes(self, state: State, paths: Iterable[str]) -> None:
        """Add what findings and fixes of some tried notes depend on."""
        index, suggest = state.index, self._suggest
        for path in paths:
            self._notes.add(path)
            self._checked.add(path)
            note, targets = index.notes.get(path), index.targets.get(path, ())
            if note is None:
                continue
            self._notes.update(target for target in targets if target is not None)
            self._targets.update(find_unresolved(note, targets))
            self._texts.update(list_word_texts(note, targets))
            pairs = zip(note.links, targets, strict=True) if suggest else ()
            # A display text may name the file that the target does not.
            may_name = any(not to and link.subpath and link.display for link, to in pairs)
            found = state.diagnostics.get(path, ())
            has_sections = any(item.rule in self._section_rules for item in found)
            self._is_bounded &= not may_name and not has_sections

    def add_step(
        self, before: State, after: State, edited: Iterable[str], checked: Iterable[str]
    ) -> None:
        """Add a step that changed the texts of some notes, and checked others again."""
        old, new, paths = before.index, after.index, set(edited)
        self._is_bounded &= (
            new.files is old.files
            and all(_is_titled_alike(old.notes.get(path), new.notes.get(path)) for path in paths)
            and all({*path_traits(old, path)} == {*path_traits(new, path)} for path in paths)
            and TraitCount(list_section_traits) not in new.memos
            and new.derive(find_declared_folders) == old.derive(find_declared_folders)
        )
        if self._is_bounded:
            self._notes.update(checked)
            self._checked.update(paths, _drop_mere_targets(old, new, paths, checked))
            self.add_notes(after, paths)

    def describe(self) -> Footprint | None:
        """Return what the trial depends on; None if that is too much to tell."""
        if not self._is_bounded:
            return None
        notes = set(self._notes)
        if self._suggest:
            notes.update(item.path for target in self._targets for item in self._suggest(target))
        words = list_compared_words(self._texts)
        return Footprint(
            tuple(sorted(notes)),
            tuple(sorted(self._checked)),
            tuple(sorted(self._targets)),
            tuple(sorted(drop_words_in_names(self._initial.index, words))),
            self._suggest is not None and is_style_read(self._initial.settings.obsidian),
        )


def _is_titled_alike(old: Note | None, new: Note | None) -> bool:
    return bool(old and new and (old.title, old.aliases) == (new.title, new.aliases))


def _drop_mere_targets(
    before: Index, after: Index, edited: set[str], checked: Iterable[str]
) -> Iterator[str]:
    """Yield the notes checked again; for links alone, only if they name an anchor."""
    indexes = before, after
    targets = {target for index in indexes for path in edited for target in index.targets[path]}
    anchors = {
        path
        for path in edited
        if linkable_parts(before.notes[path]) != linkable_parts(after.notes[path])
    }
    old, new = [
        set(chain(*(list_word_texts(index.notes[path], index.targets[path]) for path in edited)))
        for index in indexes
    ]
    moved, words = old ^ new, list_compared_words(old ^ new)
    for path in checked:
        unresolved = unresolved_keys(after, path)
        if (
            not (path in targets or edited.intersection(after.targets.get(path, ())))
            or not anchors.isdisjoint(anchored_targets(after, path))
            or not moved.isdisjoint(unresolved)
            or not words.isdisjoint(list_compared_words(unresolved))
        ):
            yield path
