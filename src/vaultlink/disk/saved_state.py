"""Restore a state from the cache, and prepare one for it."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from vaultlink.disk.cache import DIGEST_SIZE, SavedStamps
from vaultlink.disk.processes import FileSpool
from vaultlink.disk.scan import RACY_WINDOW_NS, VaultScan
from vaultlink.disk.state_file import StateTable, StoredState
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import ChangedFiles, State
from vaultlink.index.index import (
    STORED_MAPS,
    Index,
    LinkTargets,
    TraitCount,
    find_files_sharing_names,
    mentioned_spellings,
)
from vaultlink.index.packed_map import Column, Keys, PackedMap, decode_column
from vaultlink.index.update import add_packed_words, pack_words
from vaultlink.model import NO_HISTORY, Diagnostic, FileStamp, History, LinkCounts, Note

_UNKNOWN_STAMP = FileStamp(-1, 0, 0)
"""Differs from the stamp of every file."""

_NO_STAMP = FileStamp(-2, 0, 0)
"""Stands for a file that this vault never had with the saved content."""


class Memory(NamedTuple):
    """The part of a vault's history that is saved for later runs.

    Only earlier states and commits show it. `knows_commits` is False if git has never been asked
    what links led to in commits.
    """

    history: History = NO_HISTORY
    knows_commits: bool = False


class StateToSave(NamedTuple):
    """A state to save with the stamps of its files.

    If the table is None, the state is the one in the file `source`, and only the stamps are new.
    `source` is the file of the state that was loaded; None if there is none.
    """

    table: StateTable | None
    columns: Mapping[str, Column]
    stamps: SavedStamps
    source: Path | None = None


_STORED_COLUMNS = ("names", *STORED_MAPS)


def restore_index(stored: StoredState) -> Index:
    """Return the index of the cached state."""
    maps = {name: decode_column(tuple[str, ...], stored.column(name)) for name in _STORED_COLUMNS}
    files = frozenset((*stored.table.paths, *stored.table.attachments))
    notes = decode_column(Note, stored.column("notes"))
    index = Index(
        notes, maps.pop("names"), decode_column(LinkTargets, stored.column("targets")), files
    )
    index.spellings = decode_column(tuple[str, ...], stored.column("spellings"))
    index.add_maps(maps)
    add_packed_words(index, decode_column(None, stored.column("words")))
    index.memos[find_files_sharing_names] = frozenset(stored.table.files_sharing_names)
    return index


def restore_state(settings: LinterSettings, stored: StoredState) -> State:
    """Return the cached state."""
    index = restore_index(stored)
    if stored.table.section_traits is not None:
        from vaultlink.backlinks.choice import list_section_traits  # noqa: PLC0415 - of few vaults

        index.memos[TraitCount(list_section_traits)] = Counter(stored.table.section_traits)
    diagnostics = decode_column(tuple[Diagnostic, ...], stored.column("diagnostics"))
    all_findings = diagnostics.with_changes(
        {path: items or None for path, items in stored.table.unsuppressed.items()}
    )
    scopes = settings.scope_by_rule
    vault_findings = (
        {
            path: vault_items
            for path, items in all_findings.items()
            if (vault_items := tuple(item for item in items if scopes[item.rule] == "vault"))
        }
        if settings.rules_by_scope["vault"]
        else {}
    )
    tallies = decode_column(LinkCounts, stored.column("tallies"))
    return State(settings, index, all_findings, vault_findings, diagnostics, tallies)


def make_recheck(index: Index) -> ChangedFiles:
    """Return the changes that lead from the empty state to the cached notes.

    None of the notes is checked yet.
    """
    return ChangedFiles(
        dict.fromkeys(index.files, True),
        index.notes,
        None,
        index.targets,
        index.spellings,
        {name: index.derive(grouping) for name, grouping in STORED_MAPS.items()},
    )


def list_stamps(stored: StoredState | None, saved: SavedStamps | None) -> dict[str, FileStamp]:
    """Return the stamps of the files of a saved state; empty if they are unknown."""
    if stored is None or saved is None:
        return {}
    paths = (*stored.table.paths, *stored.table.attachments)
    stamps = dict(zip(paths, (*saved.stamps, *saved.attachment_stamps), strict=True))
    if saved.differing is None:
        return stamps
    return {path: stamp for path, stamp in stamps.items() if stamp != _NO_STAMP}


def split_digests(table: StateTable) -> dict[str, bytes]:
    """Return the digests of the contents of the sources in a saved state, by path."""
    size, digests = DIGEST_SIZE, table.digests
    return {
        path: digests[number * size : (number + 1) * size]
        for number, path in enumerate(table.paths)
    }


def build_state_to_save(
    scan: VaultScan,
    state: State,
    settings_digest: str,
    digests: Mapping[str, bytes],
    memory: Memory,
    spool: FileSpool,
) -> StateToSave:
    """Return what to save of a state. The spool takes columns that are made for it."""
    index, settings = state.index, state.settings
    keys = Keys(partial(list, index.notes))
    spool.begin(len(keys.names))
    attachments = sorted(index.files.difference(keys.names))
    spellings = index.spellings.with_changes(
        {
            path: tuple(mentioned_spellings(index, path))
            for path in keys.names
            if path not in index.spellings
        }
    )
    table = StateTable(
        os.urandom(16),
        settings_digest,
        settings.section_headings,
        list(keys.names),
        b"".join([digests.get(path, bytes(DIGEST_SIZE)) for path in keys.names]),
        attachments,
        sorted(index.files_sharing_names),
        {
            path: items
            for path in {*_list_unpacked(state.all_findings), *_list_unpacked(state.diagnostics)}
            if (items := state.all_findings.get(path, ())) != state.diagnostics.get(path, ())
        },
        settings.history,
        memory.history,
        memory.knows_commits,
        _find_section_traits(index),
    )
    # Checks read them only to suggest names.
    words = pack_words(index, wants_all=settings.reads_suggestions)
    maps = {"names": index.names, **{name: getattr(index, name) for name in STORED_MAPS}}
    columns = {
        "notes": index.notes.pack_column(keys, spool),
        "targets": _pack_column(index.targets, spool, keys),
        "spellings": spellings.pack_column(keys, spool),
        "tallies": _pack_column(state.tallies, spool, keys),
        "diagnostics": _pack_column(state.diagnostics, spool),
        **{name: _pack_column(values, spool) for name, values in maps.items()},
        "words": words.pack_column(None, spool),
    }
    return StateToSave(table, columns, collect_stamps(scan, table, memory))


def _find_section_traits(index: Index) -> Counter[str] | None:
    """Return the counted traits of sections; None if they were not needed."""
    from vaultlink.backlinks.choice import list_section_traits  # noqa: PLC0415 - only to save

    return index.memos.get(TraitCount(list_section_traits))


def _list_unpacked(findings: Mapping[str, object]) -> Iterable[str]:
    return findings.keys_changed() if isinstance(findings, PackedMap) else findings


def _pack_column(values: Mapping[str, Any], spool: FileSpool, keys: Keys | None = None) -> Column:
    if not isinstance(values, PackedMap):
        values = PackedMap(None, values if isinstance(values, dict) else dict(values))
    return values.pack_column(keys, spool)


def collect_stamps(scan: VaultScan, table: StateTable, memory: Memory) -> SavedStamps:
    """Return the stamps of the files of a new state.

    Those of files that changed just now are unknown.
    """
    renewed = renew_stamps(scan, table, {}, {}, None, knows_commits=memory.knows_commits)
    return replace(renewed, are_renewed=False)


def renew_stamps(
    scan: VaultScan,
    table: StateTable,
    changed: Mapping[str, bool],
    before: Mapping[str, FileStamp],
    differing: list[str] | None,
    *,
    knows_commits: bool,
) -> SavedStamps:
    """Return the stamps of the files of a saved state.

    `changed` files have other contents now, or are gone: their stamps are those of `before`. The
    stamps of files that changed just now are unknown.
    """
    files, trusted = scan.listing.files, scan.started - RACY_WINDOW_NS

    def find_stamp(path: str) -> FileStamp:
        if path in changed or path not in files:
            return before.get(path, _NO_STAMP)
        stamp = files[path]
        return stamp if stamp.changed < trusted else _UNKNOWN_STAMP

    return SavedStamps(
        table.identity,
        [find_stamp(path) for path in table.paths],
        [files.get(path) or before.get(path, _NO_STAMP) for path in table.attachments],
        differing,
        knows_commits,
        are_renewed=True,
    )
