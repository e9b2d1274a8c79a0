"""Find the unlinked mentions of a whole vault, and keep them for the next run.

A later run searches the notes again that changed, and those for which something is outdated that
their search asked for: a name, a word, a link. The others keep their mentions.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from vaultlink.disk.cache import ANSWERS_PREFIX, Cache, digest_parts
from vaultlink.disk.load import StateOrigin
from vaultlink.engine.step import State
from vaultlink.fix.select import CountPaths
from vaultlink.index.index import Index, TraitCount
from vaultlink.index.packed_map import PackedMap, list_differing_keys
from vaultlink.links.read_only import ReadOnlyReason, find_declared_folders
from vaultlink.links.style import (
    count_link_traits,
    find_notes_with_other_style,
    is_style_read,
    list_link_traits,
)
from vaultlink.mentions.evidence import find_regions
from vaultlink.mentions.mention import LOWEST_MIN_SCORE, Mention, MentionOptions
from vaultlink.mentions.planning import MentionPlace, has_spaced_pipes, make_mention_links
from vaultlink.mentions.search import MentionSearch, build_mention_options
from vaultlink.mentions.vault_evidence import Outdated, VaultEvidence
from vaultlink.model import Edit
from vaultlink.write.cache import save_result
from vaultlink.write.fixer import Fixer

_KIND, _OTHER_KIND = f"{ANSWERS_PREFIX}mentions", f"{ANSWERS_PREFIX}mentions-chosen"
"""Names of the entries in the cache: with the options of the settings, and with others."""

_MAX_REPEATED = 100
"""Notes that are searched again in each run, until the mentions are kept anew."""

_TEXTS = 4
"""Texts that are kept: that of a note is read for its mentions and for their links."""


class VaultMentions(NamedTuple):
    """The mentions in all notes of a vault, in order.

    `links` are the edits that link those whose score is as high as wanted, by place, if it can hold
    a link. `read_only` says why notes were not searched, `searched` how many were searched now.
    """

    mentions: list[Mention]
    links: Mapping[MentionPlace, Edit]
    read_only: Mapping[str, ReadOnlyReason]
    searched: int


class _NoteMentions(msgspec.Struct, array_like=True, gc=False):
    """The mentions in a note.

    `links` are the texts of the links by the offsets of mentions. `asked` are the numbers of the
    names and words that the search asked for.
    """

    asked: bytes
    mentions: list[Mention] = []
    links: dict[int, str] = {}


class _Changes(msgspec.Struct, array_like=True):
    """Encoded values that differ from the saved ones; empty for removed keys."""

    notes: dict[str, bytes] = {}
    targets: dict[str, bytes] = {}
    names: dict[str, bytes] = {}


class _KeptMentions(msgspec.Struct, array_like=True):
    """The mentions of a vault as they are kept.

    `common` is a digest of what all of them depend on, `changes` are those since the saved state
    with which they were found. `asked` are the names and words that searches asked for; notes whose
    search asked for nothing are absent. `traits` of links are None if nothing depends on them.
    """

    common: bytes
    changes: _Changes
    evidence: VaultEvidence
    asked: list[str]
    notes: dict[str, _NoteMentions]
    read_only: dict[str, ReadOnlyReason]
    traits: dict[str, int] | None


class _IndexParts(NamedTuple):
    """The parts of an index that share the values of a saved one."""

    notes: PackedMap[Any]
    targets: PackedMap[Any]
    names: PackedMap[Any]

    @property
    def identity(self) -> bytes | None:
        """Identifies the saved state; None if there is none."""
        origins = [part.origin for part in self]
        found = {origin[0] if isinstance(origin, tuple) else None for origin in origins}
        return found.pop() if len(found) == 1 else None

    @classmethod
    def of(cls, index: Index) -> "_IndexParts | None":
        notes, targets, names = index.notes, index.targets, index.names
        if isinstance(targets, PackedMap) and isinstance(names, PackedMap):
            return cls(notes, targets, names)
        return None


def find_vault_mentions(
    fixer: Fixer,
    options: MentionOptions,
    count: CountPaths = iter,
    origin: StateOrigin | None = None,
) -> VaultMentions:
    """Return the mentions in all notes, kept ones as far as they still hold.

    `origin` is the saved state that the fixer's was loaded from or saved as, if nothing changed.
    """
    return _Finder(fixer, options, lru_cache(_TEXTS)(fixer.read), origin).find(count)


def find_certain_mentions(
    fixer: Fixer, count: CountPaths = iter, origin: StateOrigin | None = None
) -> VaultMentions:
    """Return the mentions in all notes that are certain; the arguments are as above."""
    options = build_mention_options(fixer.state.settings.config.mentions)
    lowest = min(LOWEST_MIN_SCORE, options.min_score)
    found = find_vault_mentions(fixer, replace(options, lowest_score=lowest), count, origin)
    return found._replace(mentions=[item for item in found.mentions if item.certain])


class _Finder(NamedTuple):
    """Finds the mentions of a vault, with the arguments of `find_vault_mentions`."""

    fixer: Fixer
    options: MentionOptions
    read: Callable[[str], str | None]
    origin: StateOrigin | None

    @property
    def state(self) -> State:
        return self.fixer.state

    def find(self, count: CountPaths) -> VaultMentions:
        kept = self._load()
        paths, search, is_new = sorted(self.state.index.notes), None, False
        if kept is not None:
            search = MentionSearch(self.state, self.read, self.options, kept.evidence)
            outdated = self._find_outdated(kept, search)
            if outdated is None:
                kept = search = None
            else:
                paths = sorted(outdated)
        if kept is None or search is None:
            is_new = True
            search = MentionSearch(self.state, self.read, self.options)
            kept = _KeptMentions(b"", _Changes(), search.finder.evidence, [], {}, {}, None)
        self._search(kept, search, count(paths))
        is_saved = self.origin is not None and self.origin.is_saved
        if is_new or is_saved or len(paths) > _MAX_REPEATED:
            self._save(kept)
        return VaultMentions(
            [item for path in sorted(kept.notes) for item in kept.notes[path].mentions],
            {
                (path, item.start): Edit(path, item.start, item.end, note.links[item.start])
                for path, note in kept.notes.items()
                for item in note.mentions
                if item.start in note.links
            },
            kept.read_only,
            len(paths),
        )

    def _search(self, kept: _KeptMentions, search: MentionSearch, paths: Iterator[str]) -> None:
        """Search notes, and keep what is found."""
        numbers = {word: number for number, word in enumerate(kept.asked)}
        asked, least = search.finder.asked, self.options.min_score
        for path in paths:
            asked.clear()
            kept.read_only.pop(path, None)
            kept.notes.pop(path, None)
            mentions = search.find([path])
            if not asked and not mentions:
                continue
            listed = [item for item in mentions if item.score >= least]
            links = make_mention_links(self.state, self.read, listed) if listed else {}
            kept.notes[path] = _NoteMentions(
                array("I", [numbers.setdefault(word, len(numbers)) for word in asked]).tobytes(),
                mentions,
                {start: edit.text for (_, start), edit in links.items()},
            )
        asked.clear()
        kept.asked[:] = numbers
        kept.read_only |= search.read_only

    def _find_outdated(self, kept: _KeptMentions, search: MentionSearch) -> set[str] | None:
        """Return the notes to search again; None for all."""
        after, changes = self.state.index, kept.changes
        parts = _IndexParts.of(after)
        if parts is None or kept.common != self._digest_common():
            return None
        before = Index(
            parts.notes.at_saved(changes.notes),
            parts.names.at_saved(changes.names),
            parts.targets.at_saved(changes.targets),
            frozenset(),
        )
        changed = {*parts.notes.keys_changed(), *parts.targets.keys_changed()}
        changed.update(changes.notes, changes.targets)
        outdated = search.update_evidence(before, changed)
        if outdated is None:
            return None
        linked = [path for path, note in kept.notes.items() if note.links]
        others = self._find_relinked(kept, before, changed).intersection(linked)
        return changed.intersection(after.notes).union(others, _find_askers(kept, outdated))

    def _find_relinked(self, kept: _KeptMentions, before: Index, changed: set[str]) -> set[str]:
        """Return the notes in which links may be written in another way."""
        after, obsidian = self.state.index, self.state.settings.obsidian
        found = {
            target
            for index in (before, after)
            for path in changed
            for target in index.targets.get(path, ())
            if target is not None
        }
        if kept.traits is not None:
            tally = TraitCount(list_link_traits, on_targets=True)
            before.memos[tally] = Counter(kept.traits)
            if not list_differing_keys(before.names, after.names):
                counts = Counter(kept.traits)
                for path in changed.intersection(after.notes):
                    counts.subtract(list_link_traits(before, path))
                    counts.update(list_link_traits(after, path))
                after.memos.setdefault(tally, +counts)
            found |= find_notes_with_other_style(before, after, obsidian)
        return found

    def _digest_common(self) -> bytes:
        """Return a digest of what all mentions and their links depend on."""
        index, settings = self.state.index, self.state.settings
        facts = (
            settings.obsidian,
            [path for path in sorted(index.notes) if not settings.is_linted(path)],
            sorted(index.derive(find_declared_folders).items()),
            has_spaced_pipes(index),
        )
        return digest_parts((repr(facts).encode("utf-8", "replace"),))

    def _make_key(self, identity: bytes) -> bytes:
        options, layers = self.options, self.fixer.scan.layers
        numbers = (options.min_score, options.lowest_score, options.headings, options.each_section)
        values = [(layer.source, layer.values) for layer in layers]
        return digest_parts((identity, repr((values, numbers)).encode("utf-8", "replace")))

    @property
    def _kind(self) -> str:
        usual = build_mention_options(self.state.settings.config.mentions)
        options = replace(self.options, lowest_score=usual.lowest_score)
        return _KIND if options == usual else _OTHER_KIND

    @property
    def _cache(self) -> Cache | None:
        """The cache of the vault, if mentions with these options can be kept."""
        return self.fixer.scan.open_cache() if self.options.lowest_score > 0 else None

    def _load(self) -> _KeptMentions | None:
        cache, parts = self._cache, _IndexParts.of(self.state.index)
        if cache is None or parts is None or parts.identity is None:
            return None
        data = cache.load_result(self._make_key(parts.identity), self._kind)
        with suppress(msgspec.MsgspecError, ValueError):
            return msgspec.msgpack.decode(data or b"", type=_KeptMentions)
        return None

    def _save(self, kept: _KeptMentions) -> None:
        """Keep the mentions, unless they are those of unsaved texts."""
        cache, parts = self._cache, _IndexParts.of(self.state.index)
        if cache is None or self.fixer.overlays or self.fixer.planned:
            return
        changes, identity = _Changes(), None
        if self.origin is not None and self.origin.is_saved:
            identity = self.origin.identity
        elif parts is not None:
            identity = parts.identity
            changed = ({key: part.pack(key) for key in part.keys_changed()} for part in parts)
            changes = _Changes(*changed)
        if identity is None:
            return
        traits, has_links = None, any(note.links for note in kept.notes.values())
        if has_links and is_style_read(self.state.settings.obsidian):
            traits = dict(count_link_traits(self.state.index))
        common = self._digest_common()
        kept = replace(kept, common=common, changes=changes, traits=traits)
        with suppress(UnicodeEncodeError):  # a name that is not UTF-8
            save_result(cache, self._make_key(identity), msgspec.msgpack.encode(kept), self._kind)


def _find_askers(kept: _KeptMentions, outdated: Outdated) -> Iterator[str]:
    """Yield the notes whose search asked for something that is outdated."""
    numbers = {number for number, word in enumerate(kept.asked) if word in outdated.asked}
    folders = {one for one, _ in outdated.regions}
    for path, note in kept.notes.items():
        asked = array("I")
        asked.frombytes(note.asked)
        if not numbers.isdisjoint(asked) or (
            path.startswith(tuple(folders))
            and any(
                find_regions(path, name.path) in outdated.regions
                for name in chain.from_iterable(
                    kept.evidence.names.get(kept.asked[number], ()) for number in asked
                )
            )
        ):
            yield path
