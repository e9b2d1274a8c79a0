"""Load the state of a vault: the cached state, updated by what changed on disk."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from vaultlink.backlinks.choice import list_section_traits
from vaultlink.disk.cache import CachedState, digest_parts
from vaultlink.disk.scan import RACY_WINDOW_NS, VaultScan
from vaultlink.disk.workers import analyse_files
from vaultlink.engine.checks import LinterSettings, check_note
from vaultlink.engine.step import AnalysedNote, Change, Presence, State, step
from vaultlink.history.cached_renames import VaultSnapshot, history_between
from vaultlink.history.git_renames import git_history
from vaultlink.history.rename_checks import NO_HISTORY, FileHistory, resolve_history
from vaultlink.index.index import Index, mentioned_spellings, target_spellings
from vaultlink.index.packed_notes import PackedNotes
from vaultlink.index.resolve import file_name
from vaultlink.model import FileStamp, Note

Progress = Callable[[int, int], None]
"""Called now and then with the number of notes read and of all notes to read."""

_RESAVE_THRESHOLD = 25
"""Maximum number of changed notes for which the cache is not saved again.

Reading them again in the next run takes less time than saving.
"""


class LoadedState(NamedTuple):
    """A state, and the state to save if the cache is outdated."""

    state: State
    to_save: CachedState | None = None


def load_state(scan: VaultScan, settings: LinterSettings, progress: Progress) -> LoadedState:
    """Return the current state of a vault, from the cache and the changes since."""
    cache = scan.open_cache()
    stored = cache.load() if cache else None
    settings_digest = _settings_digest(scan, settings)
    before, stamps = State(settings), {}
    if stored is not None and (
        stored.settings_digest == settings_digest or _can_recheck(settings, stored)
    ):
        # The cached findings were made with this history; the current one is applied below.
        settings = replace(settings, moves=stored.moves, deleted=frozenset(stored.deleted))
        stamps = dict(zip(stored.paths, stored.stamps, strict=True)) | dict.fromkeys(
            stored.attachments
        )
        before = (
            _restore_state(settings, stored)
            if stored.settings_digest == settings_digest
            else _recheck_state(settings, stored)
        )
    changes = _find_changes(scan, settings, before, stamps, progress)
    state = step(before, changes) if changes else before
    remembered = _find_remembered_history(scan, state, stored) if stored else NO_HISTORY
    state = _apply_history(state, _merge_histories(_find_git_history(scan, state), remembered))
    if cache and (
        len(changes) > _RESAVE_THRESHOLD
        or not stamps
        or (stored and stored.settings_digest != settings_digest)
    ):
        return LoadedState(state, _build_cached_state(scan, state, settings_digest, remembered))
    return LoadedState(state)


def _settings_digest(scan: VaultScan, settings: LinterSettings) -> str:
    """Return a digest of the settings that findings depend on."""
    ignored = (
        sorted(path for path in scan.listing.files if scan.is_git_ignored(path))
        if scan.is_git_ignored
        else []
    )
    return digest_parts(
        (settings.config.digest().encode(), repr((scan.obsidian, ignored)).encode())
    ).hex()


def _can_recheck(settings: LinterSettings, stored: CachedState) -> bool:
    """Return True if the cached notes can be checked with other settings.

    No rule may need texts, and the section headings must be the same.
    """
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
    """Return the differences between the files on disk and a previous state."""
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
    """Read and analyse the files at these paths, in parallel if there are many."""
    files = scan.listing.files
    sources, others = [], []
    for path in paths:
        if path in files and is_source_file(path):
            sources.append(path)
        else:
            others.append(Change(path, Presence.ATTACHMENT if path in files else Presence.GONE))
    size = sum(files[path].size for path in sources)
    analysed = analyse_files(
        settings,
        os.fspath(scan.root),
        sources,
        size,
        scan.settings.jobs,
        lambda done: progress(done, len(sources)),
    )
    yield from (Change(path, result) for path, result in zip(sources, analysed, strict=True))
    yield from others


def is_source_file(path: str) -> bool:
    """Return True if a file's text is read.

    Notes and canvases are read for their links, bases for the files they name.
    """
    return (
        path[-3:].lower() == ".md" or path[-7:].lower() == ".canvas" or path[-5:].lower() == ".base"
    )


# -- history --------------------------------------------------------------------------------------


def _find_git_history(scan: VaultScan, state: State) -> FileHistory:
    """Return the history that git knows; empty if there are no dangling links."""
    asked = state.settings.reads_moves and any(tally.dangling for tally in state.tallies.values())
    return git_history(scan.root, scan.listing.files) if asked else NO_HISTORY


def _find_remembered_history(scan: VaultScan, state: State, stored: CachedState) -> FileHistory:
    """Return the history since the state was cached, and the earlier one still valid."""
    files = scan.listing.files
    stamps = dict(
        zip(
            (*stored.paths, *stored.attachments),
            (*stored.stamps, *stored.attachment_stamps),
            strict=True,
        )
    )
    has_earlier = stored.remembered_moves or stored.remembered_deleted
    if not has_earlier and all(path in files for path in stamps):
        return NO_HISTORY
    notes = PackedNotes(packed=dict(zip(stored.paths, stored.notes, strict=True)))
    new = history_between(
        VaultSnapshot(stamps, notes.get), VaultSnapshot(files, state.index.notes.get)
    )
    return resolve_history(
        {**stored.remembered_moves, **new.moves},
        chain(sorted(new.deleted), stored.remembered_deleted),
        files,
    )


def _merge_histories(one: FileHistory, other: FileHistory) -> FileHistory:
    """Return both histories. A file that was moved in one of them is not deleted."""
    moves = {**one.moves, **other.moves}
    return FileHistory(moves, (one.deleted | other.deleted).difference(moves))


def _apply_history(state: State, history: FileHistory) -> State:
    """Return the state with this history.

    Notes with an unresolved link that mention an old path are checked again.
    """
    before = state.settings
    if history.moves == before.moves and history.deleted == before.deleted:
        return state
    settings = replace(before, moves=history.moves, deleted=history.deleted)
    state = replace(state, settings=settings)
    changed = {
        old
        for old in {**before.moves, **history.moves}
        if before.moves.get(old) != history.moves.get(old)
    }
    changed |= before.deleted ^ history.deleted
    keys = {key for path in changed for key in target_spellings(file_name(path))}
    mentioning = [
        path
        for path, tally in state.tallies.items()
        if tally.dangling and not keys.isdisjoint(mentioned_spellings(state.index, path))
    ]
    scopes = state.settings.scope_by_rule
    note_findings = {
        path: tuple(
            item for item in state.all_findings.get(path, ()) if scopes[item.rule] == "note"
        )
        for path in mentioning
    }
    return step(
        state,
        [
            Change(path, AnalysedNote(state.index.notes[path], note_findings[path]))
            for path in sorted(mentioning)
        ],
    )


# -- cache ----------------------------------------------------------------------------------------


def _restore_state(settings: LinterSettings, stored: CachedState) -> State:
    """Return the cached state."""
    index = Index.from_resolved(
        PackedNotes(packed=dict(zip(stored.paths, stored.notes, strict=True))),
        dict(zip(stored.paths, stored.targets, strict=True)),
        frozenset((*stored.paths, *stored.attachments)),
    )
    index.__dict__.update(stored.name_maps)  # cached properties of the index
    if stored.section_traits is not None:
        index.tallies[list_section_traits] = Counter(stored.section_traits)
    scopes = settings.scope_by_rule
    all_findings = {**stored.diagnostics, **stored.unsuppressed}
    vault_findings = (
        {
            path: vault_items
            for path, items in all_findings.items()
            if (vault_items := tuple(item for item in items if scopes[item.rule] == "vault"))
        }
        if settings.rules_by_scope["vault"]
        else {}
    )
    return State(
        settings,
        index,
        all_findings,
        vault_findings,
        stored.diagnostics,
        dict(zip(stored.paths, stored.tallies, strict=True)),
    )


def _recheck_state(settings: LinterSettings, stored: CachedState) -> State:
    """Return the state of the cached notes, checked with other settings."""
    packed = PackedNotes(packed=dict(zip(stored.paths, stored.notes, strict=True)))
    changes = [Change(path, _recheck_note(settings, packed[path])) for path in stored.paths]
    return step(
        State(settings),
        [*changes, *(Change(path, Presence.ATTACHMENT) for path in stored.attachments)],
    )


def _recheck_note(settings: LinterSettings, note: Note) -> AnalysedNote:
    """Check a cached note again, without its text."""
    return AnalysedNote(note, check_note(settings, note, None))


def _build_cached_state(
    scan: VaultScan, state: State, settings_digest: str, remembered: FileHistory
) -> CachedState:
    index, files = state.index, scan.listing.files
    paths = list(index.targets)
    attachments = sorted(index.files.difference(paths))
    trusted = scan.started - RACY_WINDOW_NS
    stamps = [
        files[path] if files[path].changed < trusted else FileStamp(-1, 0, 0) for path in paths
    ]
    return CachedState(
        settings_digest,
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
        dict(remembered.moves),
        sorted(state.settings.deleted),
        sorted(remembered.deleted),
        index.tallies.get(list_section_traits),
    )
