"""From disk and cache to a state: what the cache remembers, and a step with whatever has changed since."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from vaultlink.disk.cache import CachedState, digest_parts
from vaultlink.disk.scan import RACY_WINDOW_NS, VaultScan
from vaultlink.disk.workers import analyse_files
from vaultlink.engine.checks import LinterSettings, check_note
from vaultlink.engine.step import AnalysedNote, Change, Presence, State, step
from vaultlink.history.cached_renames import VaultSnapshot, moves_between
from vaultlink.history.git_renames import git_moves
from vaultlink.history.rename_checks import resolve_moves
from vaultlink.index.index import Index, target_spellings
from vaultlink.index.packed_notes import PackedNotes
from vaultlink.index.resolve import file_name
from vaultlink.model import FileStamp, Note

Progress = Callable[[int, int], None]
"""Called now and then with how many notes are read, and of how many."""

_RESAVE_THRESHOLD = 25
"""So many changed notes are read anew each time rather than the cache written anew."""


class LoadedState(NamedTuple):
    """A state, and the cache entry to save where the one on disk is out of date."""

    state: State
    to_save: CachedState | None = None


def load_state(scan: VaultScan, settings: LinterSettings, progress: Progress) -> LoadedState:
    """The state of a vault as it is on disk now, from what the cache remembers and what has changed since."""
    cache = scan.open_cache()
    stored = cache.load() if cache else None
    sign = _settings_digest(scan, settings)
    before, stamps = State(settings), {}
    if stored is not None and (stored.settings_digest == sign or _can_recheck(settings, stored)):
        settings = replace(
            settings, moves=stored.moves
        )  # as the findings were made; where files went is asked anew below
        stamps = dict(zip(stored.paths, stored.stamps, strict=True)) | dict.fromkeys(
            stored.attachments
        )
        before = (
            _restore_state(settings, stored)
            if stored.settings_digest == sign
            else _recheck_state(settings, stored)
        )
    changes = _find_changes(scan, settings, before, stamps, progress)
    state = step(before, changes) if changes else before
    remembered = _find_remembered_moves(scan, state, stored) if stored else {}
    state = _apply_moves(state, {**_find_git_moves(scan, state), **remembered})
    if cache and (
        len(changes) > _RESAVE_THRESHOLD
        or not stamps
        or (stored and stored.settings_digest != sign)
    ):
        return LoadedState(state, _build_cached_state(scan, state, sign, remembered))
    return LoadedState(state)


def _settings_digest(scan: VaultScan, settings: LinterSettings) -> str:
    """Tells whether findings were made under the same settings."""
    ignored = (
        sorted(path for path in scan.listing.files if scan.is_git_ignored(path))
        if scan.is_git_ignored
        else []
    )
    return digest_parts(
        (settings.config.digest().encode(), repr((scan.obsidian, ignored)).encode())
    ).hex()


def _can_recheck(settings: LinterSettings, stored: CachedState) -> bool:
    """Whether the notes kept will do under other settings: no rule asks for texts, and sections are known by the same words."""
    return stored.headings == settings.section_headings and not any(
        rule.reads_text for rules in settings.rules_by_scope.values() for rule in rules
    )


def _find_changes(
    scan: VaultScan,
    settings: LinterSettings,
    before: State,
    stamps: Mapping[str, FileStamp | None],
    progress: Progress,
) -> list[Change]:
    """What is on disk now and was not, or not so, in the state before."""
    files = scan.listing.files
    paths = [
        path
        for path in files
        if (stamps.get(path) != files[path] if is_source_file(path) else path not in stamps)
    ]
    return [
        *read_changes(scan, settings, paths, progress),
        *(Change(path, Presence.GONE) for path in before.index.files if path not in files),
    ]


def read_changes(
    scan: VaultScan,
    settings: LinterSettings,
    paths: Iterable[str],
    progress: Progress = lambda _done, _all: None,
) -> Iterator[Change]:
    """What is on disk now at these paths: notes are read and examined, several at a time if there are many."""
    files = scan.listing.files
    sources, others = [], []
    for path in paths:
        if path in files and is_source_file(path):
            sources.append(path)
        else:
            others.append(Change(path, Presence.ATTACHMENT if path in files else Presence.GONE))
    size = sum(files[path].size for path in sources)
    examined = analyse_files(
        settings,
        os.fspath(scan.root),
        sources,
        size,
        scan.settings.jobs,
        lambda done: progress(done, len(sources)),
    )
    yield from (Change(path, result) for path, result in zip(sources, examined, strict=True))
    yield from others


def is_source_file(path: str) -> bool:
    """Whether a file's text is read: of notes and canvases for links, of bases for the files they name."""
    return (
        path[-3:].lower() == ".md" or path[-7:].lower() == ".canvas" or path[-5:].lower() == ".base"
    )


# -- where files went -----------------------------------------------------------------------------------------------


def _find_git_moves(scan: VaultScan, state: State) -> dict[str, str]:
    """Where git says that files went; it is only asked if there are links that lead nowhere."""
    asked = state.settings.reads_moves and any(tally.dangling for tally in state.tallies.values())
    return git_moves(scan.root, scan.listing.files) if asked else {}


def _find_remembered_moves(scan: VaultScan, state: State, stored: CachedState) -> dict[str, str]:
    """Where files went since they were kept, and before, as long as they are still there."""
    files = scan.listing.files
    stamps = dict(
        zip(
            (*stored.paths, *stored.attachments),
            (*stored.stamps, *stored.attachment_stamps),
            strict=True,
        )
    )
    if not stored.remembered_moves and all(path in files for path in stamps):
        return {}
    notes = PackedNotes(packed=dict(zip(stored.paths, stored.notes, strict=True)))
    fresh = moves_between(
        VaultSnapshot(stamps, notes.get), VaultSnapshot(files, state.index.notes.get)
    )
    return resolve_moves({**stored.remembered_moves, **fresh}, files)


def _apply_moves(state: State, moves: Mapping[str, str]) -> State:
    """The state with files known to have gone to other places: what names their old ones is checked again."""
    before = state.settings.moves
    if moves == before:
        return state
    state = replace(state, settings=replace(state.settings, moves=moves))
    changed = {old for old in {**before, **moves} if before.get(old) != moves.get(old)}
    keys = {key for old in changed for key in target_spellings(file_name(old))}
    named = {path for key in keys for path in state.index.mentions.get(key, ())}
    scopes = state.settings.scope_by_rule
    own = {
        path: tuple(
            item for item in state.all_findings.get(path, ()) if scopes[item.rule] == "note"
        )
        for path in named
    }
    return step(
        state,
        [Change(path, AnalysedNote(state.index.notes[path], own[path])) for path in sorted(named)],
    )


# -- from and to the cache ------------------------------------------------------------------------------------------


def _restore_state(settings: LinterSettings, stored: CachedState) -> State:
    """The state as it was kept."""
    index = Index.from_resolved(
        PackedNotes(packed=dict(zip(stored.paths, stored.notes, strict=True))),
        dict(zip(stored.paths, stored.targets, strict=True)),
        frozenset((*stored.paths, *stored.attachments)),
    )
    index.__dict__.update(stored.name_maps)  # what the index would compute when first asked
    scopes = settings.scope_by_rule
    found = {**stored.diagnostics, **stored.unsuppressed}
    whole = (
        {
            path: left
            for path, items in found.items()
            if (left := tuple(item for item in items if scopes[item.rule] == "vault"))
        }
        if settings.rules_by_scope["vault"]
        else {}
    )
    return State(
        settings,
        index,
        found,
        whole,
        stored.diagnostics,
        dict(zip(stored.paths, stored.tallies, strict=True)),
    )


def _recheck_state(settings: LinterSettings, stored: CachedState) -> State:
    """The state of the notes kept, checked under other settings."""
    packed = PackedNotes(packed=dict(zip(stored.paths, stored.notes, strict=True)))
    changes = [Change(path, _recheck_note(settings, packed[path])) for path in stored.paths]
    return step(
        State(settings),
        [*changes, *(Change(path, Presence.ATTACHMENT) for path in stored.attachments)],
    )


def _recheck_note(settings: LinterSettings, note: Note) -> AnalysedNote:
    """A note that was read before, checked anew without its text."""
    return AnalysedNote(note, check_note(settings, note, None))


def _build_cached_state(
    scan: VaultScan, state: State, sign: str, remembered: dict[str, str]
) -> CachedState:
    index, files = state.index, scan.listing.files
    paths = list(index.targets)
    attachments = sorted(index.files.difference(paths))
    trusted = scan.started - RACY_WINDOW_NS
    stamps = [
        files[path] if files[path].changed < trusted else FileStamp(-1, 0, 0) for path in paths
    ]
    return CachedState(
        sign,
        paths,
        stamps,
        [index.notes.pack_note(path) for path in paths],
        [index.targets[path] for path in paths],
        [state.tallies[path] for path in paths],
        dict(state.diagnostics),
        {
            path: items
            for path, items in state.all_findings.items()
            if state.diagnostics.get(path) is not items
        },
        attachments,
        {
            name: dict(getattr(index, name))
            for name in ("notes_by_alias", "notes_by_title", "files_by_spelling")
        },
        state.settings.section_headings,
        [files[path] for path in attachments],
        dict(state.settings.moves),
        remembered,
    )
