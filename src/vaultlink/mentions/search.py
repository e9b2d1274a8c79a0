"""Search the notes of a vault for unlinked mentions, as its settings say."""

from collections.abc import Callable, Iterable, Mapping, Set
from importlib.util import find_spec
from typing import Any

from msgspec.structs import replace

from vaultlink.backlinks.existing import blank_managed_sections
from vaultlink.config.mention_settings import parse_ignored
from vaultlink.config.patterns import compile_path_prefixes
from vaultlink.engine.step import State
from vaultlink.errors import UsageError
from vaultlink.index.file_kinds import is_in_other_vault
from vaultlink.index.index import Index
from vaultlink.index.resolve import is_note
from vaultlink.links.read_only import ReadOnlyReason
from vaultlink.mentions.finder import MentionFinder
from vaultlink.mentions.matcher import SampleNote, add_sample_names, read_sample_note, sample_paths
from vaultlink.mentions.mention import Mention, MentionOptions
from vaultlink.mentions.planning import list_wanted_targets
from vaultlink.mentions.vault_evidence import Outdated, VaultEvidence
from vaultlink.model import Edit

_LIBRARY = "ahocorasick_rs"


def has_library() -> bool:
    """Return True if a whole vault can be searched in a reasonable time."""
    return find_spec(_LIBRARY) is not None


def require_library(install: str = "pip install ahocorasick-rs") -> None:
    """Raise UsageError without the library; `install` is the command that installs it."""
    if not has_library():
        raise UsageError(
            "searching a whole vault for mentions requires an extra library. Install it with "
            f"`{install}`, or name the notes to search."
        )


def build_mention_options(
    settings: Mapping[str, Any], min_score: float | None = None
) -> MentionOptions:
    """Return the `[mentions]` settings, with another lowest score unless that is None."""
    ignored = parse_ignored(settings["ignore"])
    return MentionOptions(
        min_score=settings["min-score"] if min_score is None else min_score,
        headings=settings["headings"],
        each_section=settings["each-section"],
        cjk=settings["cjk"],
        ignored_names=ignored.names,
        ignored_notes=ignored.notes,
        ignored_pairs=ignored.pairs,
        ignored_folders=ignored.folders,
    )


def _doubt(mention: Mention, reason: str) -> Mention:
    return replace(mention, certain=False, why=f"{mention.why}, {reason}")


class MentionSearch:
    """Searches the notes of one state.

    Templates and notes that are not linted are never searched and never linked to. Notes that are
    only read are linked to, but not searched. Managed sections do not count, so writing them
    changes no result. `read_only` says why notes that were asked for are only read.
    """

    def __init__(
        self,
        state: State,
        text: Callable[[str], str | None],
        options: MentionOptions,
        evidence: VaultEvidence | None = None,
    ):
        """Prepare to search; `evidence` is what the notes say about names, if it is known."""
        self._state, self._text = state, text
        self._is_template = compile_path_prefixes(state.settings.obsidian.templates)
        paths = () if evidence else sample_paths(state.index)
        sample = {path: self._read(path) or "" for path in paths}
        self.finder = MentionFinder(
            state.index, options, sample, self._is_excluded, read=self._read, evidence=evidence
        )
        self.read_only: dict[str, ReadOnlyReason] = {}

    def update_evidence(self, before: Index, changed: Set[str]) -> Outdated | None:
        """Return what changes made outdated; None if all notes must be searched again."""
        finder = self.finder

        def read_names(path: str) -> SampleNote:
            text = self._read(path) or ""
            note = read_sample_note(text)
            add_sample_names(note, path, text, finder.matcher, finder.names, finder.index)
            return note

        return finder.evidence.update(before, finder.index, changed, finder.is_excluded, read_names)

    def _is_excluded(self, path: str) -> bool:
        """Return True for notes in which and to which no link is wanted."""
        return not self._state.settings.is_linted(path) or self._is_template(path)

    def find(self, paths: Iterable[str], to: Set[str] | None = None) -> list[Mention]:
        """Return the mentions in notes, in order; those of the notes in `to` only.

        A topic that the author's section of a note lists is not certain: its link would make the
        entry redundant. Neither is a note of another vault, nested or around this one.
        """
        index, vaults = self._state.index, self._state.settings.obsidian.vaults
        found = []
        for path in paths:
            mentions = self.find_wanted(path, to)
            listed = list_wanted_targets(index, index.notes[path]) if mentions else frozenset()
            for item in mentions:
                if item.target in listed:
                    found.append(_doubt(item, "listed in the backlinks section"))
                elif is_in_other_vault(path, item.target, vaults):
                    found.append(_doubt(item, "in another vault"))
                else:
                    found.append(item)
        return found

    def find_wanted(self, path: str, to: Set[str] | None) -> list[Mention]:
        """Return the mentions in a note, although its section may list their topics."""
        index, settings = self._state.index, self._state.settings
        if not is_note(path):
            return []
        if reason := settings.find_read_only_reason(index, index.notes[path]):
            if settings.is_linted(path):
                self.read_only[path] = reason
            return []
        text = self._read(path)
        return self.finder.find(path, text, to) if text else []

    def _read(self, path: str) -> str | None:
        """Return the text of a note with blanks in the place of managed sections."""
        text = self._text(path)
        return None if text is None else blank_managed_sections(self._state.index.notes[path], text)


def search_likely(
    state: State,
    text: Callable[[str], str | None],
    paths: Iterable[str],
    to: Set[str] | None = None,
) -> list[Mention]:
    """Return the mentions whose score is as high as the settings demand."""
    options = build_mention_options(state.settings.config.mentions)
    search = MentionSearch(state, text, replace(options, lowest_score=options.min_score))
    return search.find(paths, to)


def doubt_unwritable(mention: Mention, link: Edit | None, reason: str) -> Mention:
    """Return a mention that is not certain if no link can be written, for a reason."""
    if reason and mention.certain:
        return _doubt(mention, f"the note can't be changed: {reason}")
    if link is None and mention.certain:
        return _doubt(mention, "no link to the note can be written here")
    return mention
