"""The state of a vault at an earlier revision, and what links led to then.

The state is computed backwards: from the current state, in one step, by the changes that git
reports. The time it takes depends on the size of the changes.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.config.layers import COMMAND_LINE, Layer
from vaultlink.disk.read import (
    MAX_CONFIG_BYTES,
    UnreadableFile,
    config_candidates,
    decode_note,
    load_config,
    read_text,
)
from vaultlink.disk.scan import VaultScan, is_source_file, is_valid_unicode, is_vault_path
from vaultlink.engine.step import Change, Presence, State, analyse_unreadable, step
from vaultlink.errors import VaultError
from vaultlink.git.location import MAX_BLOB, ReadBudget
from vaultlink.git.objects import (
    IndexEntry,
    IndexListing,
    RawDiffEntry,
    diff_working_tree,
    find_filter_program,
    parse_raw_diff,
    read_checkout_blobs,
    start_diff,
)
from vaultlink.git.program import MAX_OUTPUT
from vaultlink.git.repository import list_untracked
from vaultlink.history.git_renames import find_moves_since
from vaultlink.history.link_changes import remember_links, remember_names
from vaultlink.model import NO_HISTORY, FileStamp, History, Note
from vaultlink.text import quote_name

_MAX_CHANGED = 1_000
"""Changes since the last commit above which a vault is not compared with it."""

MIN_OLD_TEXTS = 16_000_000
"""Bytes of old texts that are read of the smallest vault."""

_BYTES_OF_NOTE = 800
"""Bytes that an old text counts in addition to its own: each is a note to check."""

OPTION = "--changed-since"
"""The option that names a revision, for messages."""

REGULAR_FILE_MODES = ("100644", "100755", "100664")
"""Modes of files that are neither links nor submodules."""


class Revision(NamedTuple):
    """A commit to compare the working tree with, and the name the user gave for it."""

    name: str
    commit: str


PastContent = str | UnreadableFile | Presence
"""Past content of a path: a text, why it has none, an attachment, or nothing."""


class Comparison:
    """The changes of a vault since a revision.

    Git looks for them while the vault is loaded.
    """

    def __init__(self, root: Path, since: Revision):
        self.since = since
        self.root = root
        self._diff = start_diff(root, since.commit)
        self._list_untracked = list_untracked(root)

    @cached_property
    def entries(self) -> list[RawDiffEntry]:
        """The changes of tracked files. Raises VaultError if git can't compare the vault."""
        output = self._diff.read()
        if output is None:
            raise VaultError(
                f"{OPTION}: git can't compare the vault with {quote_name(self.since.name)}."
            )
        return list(parse_raw_diff(output))

    @cached_property
    def untracked(self) -> list[str]:
        """The paths that git neither tracks nor ignores."""
        return self._list_untracked()

    def find_moves(
        self, files: Mapping[str, FileStamp], notes: Mapping[str, Note], *, any_alike: bool = False
    ) -> Mapping[str, str]:
        """Return the moves since the revision. A moved file is missing at its old path."""
        if all(entry.status in "AMT" for entry in self.entries):
            return {}
        moves = find_moves_since(self.root, files, notes, self.since.commit, any_alike=any_alike)
        return {old: new for old, new in moves.items() if old not in files}


class CommitComparison(Comparison):
    """The changes of a vault since the last commit."""

    def __init__(self, root: Path):
        self.since = Revision("HEAD", "HEAD")
        self.root = root
        self._list_untracked = list_untracked(root)

    @cached_property
    def entries(self) -> list[RawDiffEntry]:
        """The changes of tracked files.

        Raises:
            VaultError: Git can't compare the vault, or there are very many changes, as in a copied
                repository.
        """
        entries = diff_working_tree(self.root, self.since.commit)
        if entries is None or len(entries) > _MAX_CHANGED:
            raise VaultError(f"{self.root}: git can't compare the vault with its last commit.")
        return entries


def read_past_contents(
    scan: VaultScan, overlays: Collection[str], comparison: Comparison
) -> dict[str, PastContent]:
    """Return the past content of each path that changed since a revision.

    Untracked files did not exist, except files that git ignores, which count as unchanged.
    `overlays` are the notes with unsaved texts.

    Raises:
        VaultError: Git can't compare the vault, or can't read an old file.
    """
    root, files = scan.root, scan.listing.files
    entries = [entry for entry in comparison.entries if is_vault_path(entry.old)]
    notes = [
        entry for entry in entries if entry.mode in REGULAR_FILE_MODES and is_source_file(entry.old)
    ]
    explain = partial(_explain_unreadable, since=comparison.since.name)
    blobs = [(entry.old, entry.blob) for entry in notes]
    texts = OldTexts(root, limit_old_texts(files), len(blobs)).read(blobs, explain) if notes else []
    return {
        **{path: read_text(root / path) if path in files else Presence.GONE for path in overlays},
        **dict.fromkeys(comparison.untracked, Presence.GONE),
        **{
            entry.old: Presence.ATTACHMENT if entry.mode in REGULAR_FILE_MODES else Presence.GONE
            for entry in entries
        },
        **{entry.old: text for entry, text in zip(notes, texts, strict=True)},
    }


class TextLimits(NamedTuple):
    """Bytes of the largest old text that is read, and of all of them, as a budget."""

    largest: int
    total: int


def limit_old_texts(files: Mapping[str, FileStamp]) -> TextLimits:
    """Return how much is read of a vault's past: twice the size of these files."""
    sizes = [stamp.size for path, stamp in files.items() if is_source_file(path)]
    return TextLimits(
        max(MAX_BLOB, 2 * max(sizes, default=0)), MIN_OLD_TEXTS + 2 * sum(map(abs, sizes))
    )


class OldTexts:
    """Reads texts that notes had, up to limits."""

    def __init__(self, root: Path, limits: TextLimits, count: int):
        """Prepare to read the texts of `count` notes; if these are too many, none is read."""
        self._root = root
        self._budget = ReadBudget(root, limits.total)
        self._largest = limits.largest if self._budget.take(count * _BYTES_OF_NOTE) else -1

    def read(
        self, notes: Sequence[tuple[str, str]], explain: Callable[[str, str | None], str]
    ) -> list[str | UnreadableFile]:
        """Return the texts that notes had, given their paths and blobs.

        `explain` returns the message of the error for a path, and the filter program it would need.

        Raises:
            VaultError: Git can't read one of them, or it is too large. Without it, all findings in
                the note would count as new.
        """
        blobs = read_checkout_blobs(self._root, notes, self._budget, self._largest)
        if None in blobs:
            path = notes[blobs.index(None)][0]
            raise VaultError(explain(path, find_filter_program(self._root, path)))
        return [decode_note(data or b"") for data in blobs]


def _explain_unreadable(path: str, program: str | None, since: str) -> str:
    if program is not None:
        return (
            f"{OPTION}: {path} has the git filter {quote_name(program)}, which is a program. "
            "vaultlink runs no program of a repository, so the old text of this note is unknown. "
            "Use `vaultlink baseline` instead, or remove the filter from the note."
        )
    return (
        f"{OPTION}: git can't read {path} at the merge base of {quote_name(since)} and HEAD, or it "
        "is too large. In a partial clone, fetch its old version first."
    )


def rebuild_at_revision(state: State, contents: Mapping[str, PastContent]) -> State:
    """Return the state of a vault with these past contents."""
    changes = [
        Change(
            path,
            analyse_unreadable(state.settings, path, *content)
            if isinstance(content, UnreadableFile)
            else content,
        )
        for path, content in contents.items()
        if content is not Presence.GONE or path in state.index.files
    ]
    files = {
        path
        for path in state.index.files | contents.keys()
        if contents.get(path) is not Presence.GONE
    }
    known = state.settings.history
    history = History(known.moves, known.deleted).within(files)
    return step(state, changes, replace(state.settings, history=history))


def remember_revision(
    scan: VaultScan, state: State, contents: Mapping[str, PastContent], comparison: Comparison
) -> History:
    """Return the history of a state with what links led to at a revision.

    `contents` are the contents then of all paths that changed.
    """
    known = state.settings.history
    if not contents:
        return known
    before = rebuild_at_revision(state, contents).index
    files = scan.listing.files
    moves = find_moves_since(scan.root, files, state.index.notes, comparison.since.commit)
    linked = known.then(remember_links(NO_HISTORY, before, state.index, moves))
    return remember_names(linked, before, state.index, moves)


# -- the commit that would be made of the index ----------------------------------------------------


class StagedContents(NamedTuple):
    """The contents of a vault in the commit to come, and in the last one.

    `after` has all contents of the commit to come that may differ from those on disk, and `before`
    those of the last commit that differ from these. `unknown` are the paths of which git can't read
    one of the texts: they count as unchanged where possible, else as empty.
    """

    after: dict[str, bytes | Presence]
    before: dict[str, bytes | Presence]
    unknown: frozenset[str]


class StagedVault:
    """The index of a working tree, as far as it concerns a vault.

    Git lists it while the vault is loaded.
    """

    def __init__(
        self,
        work_tree: Path,
        root: str,
        changes: Sequence[RawDiffEntry],
        index_file: str | None = None,
    ):
        """Start git; `changes` are those from HEAD to the index, and `root` is the vault."""
        self.root, self._work_tree = root, work_tree
        inner = os.path.relpath(root, work_tree).replace(os.sep, "/")
        is_inside = inner.split("/")[0] != ".."
        self._cut = f"{inner}/" if is_inside and inner != "." else ""
        outer = os.path.relpath(work_tree, root).replace(os.sep, "/")
        self._added = "" if is_inside else f"{outer}/"
        self.changes = {
            path: entry
            for entry in changes
            if entry.status in "ADMT" and (path := self._find_vault_path(entry.old)) is not None
        }
        self._configs = {
            os.path.relpath(file, work_tree).replace(os.sep, "/"): file
            for file in config_candidates(Path(root), None)
            if file.is_relative_to(work_tree)
        }
        folder = inner if is_inside else "."
        self._listing = IndexListing(work_tree, [folder, *self._configs], index_file)

    def _find_vault_path(self, path: str) -> str | None:
        """Return the vault path of a path in the working tree; None if it can't be one."""
        if not path.startswith(self._cut):
            return None
        found = self._added + path[len(self._cut) :]
        return found if is_vault_path(found) and is_valid_unicode(found) else None

    def _find_tree_path(self, path: str) -> str:
        return self._cut + path[len(self._added) :]

    @cached_property
    def _entries(self) -> dict[str, IndexEntry]:
        entries = self._listing.read()
        if entries is None:
            raise VaultError(
                f"git can't list the index of {self._work_tree}. Run `git status` there."
            )
        return entries

    def replace_settings(self, scan: VaultScan) -> VaultScan:
        """Return a scan with the settings of the commit to come.

        Settings files that are not in the index count as they are on disk, as does one that the
        user named. Raises VaultError if git fails, and ConfigError.
        """
        if scan.settings.isolated or scan.settings.config_file:
            return scan
        staged = [
            (name, entry.blob)
            for name in self._configs
            if (entry := self._entries.get(name))
            and entry.mode in REGULAR_FILE_MODES
            and not entry.is_on_disk
        ]
        if not staged:
            return scan
        budget = ReadBudget(self._work_tree, MAX_OUTPUT)
        texts = read_checkout_blobs(self._work_tree, staged, budget, MAX_CONFIG_BYTES)
        others = {
            self._configs[name]: text
            for (name, _), text in zip(staged, texts, strict=True)
            if text is not None
        }
        layers = [Layer(*item) for item in load_config(scan.root, None, others)]
        layers += [layer for layer in scan.layers if layer.source == COMMAND_LINE]
        return replace(scan, layers=tuple(layers))

    def read_contents(self, scan: VaultScan) -> StagedContents:
        """Return what the vault contains in the last commit and in the one to come.

        Files that git ignores or does not track are in neither. Those in other repositories and
        behind symbolic links are as on disk. Raises VaultError if git fails.
        """
        after = dict(self._list_after(scan.listing.files))
        before: dict[str, str | Presence] = {
            path: _choose_blob(path, entry.mode, entry.blob) for path, entry in self.changes.items()
        }
        wanted = [
            (self._find_tree_path(path), content)
            for contents in (after, before)
            for path, content in contents.items()
            if isinstance(content, str)
        ]
        budget = ReadBudget(self._work_tree, MAX_OUTPUT)
        read = read_checkout_blobs(self._work_tree, wanted, budget) if wanted else []
        texts = dict(zip(wanted, read, strict=True))
        unknown = set[str]()

        def fill(
            contents: Mapping[str, str | Presence], known: Collection[str]
        ) -> Iterator[tuple[str, bytes | Presence]]:
            for path, content in contents.items():
                if isinstance(content, Presence):
                    yield path, content
                elif (text := texts[self._find_tree_path(path), content]) is not None:
                    yield path, text
                else:
                    unknown.add(path)
                    if path not in known:
                        yield path, b""

        filled = dict(fill(after, scan.listing.files))
        now = {*filled, *scan.listing.files} - {
            path for path, content in filled.items() if content is Presence.GONE
        }
        return StagedContents(filled, dict(fill(before, now)), frozenset(unknown))

    def _list_after(self, files: Collection[str]) -> Iterator[tuple[str, str | Presence]]:
        """Yield the blobs of notes, and presences, that differ from these files on disk."""
        entries = {
            self._added + name[len(self._cut) :]: entry
            for name, entry in self._entries.items()
            if name.startswith(self._cut)
        }
        elsewhere = tuple(
            f"{path}/" for path, entry in entries.items() if entry.mode not in REGULAR_FILE_MODES
        )
        for path in files:
            is_there = path in entries and entries[path].mode in REGULAR_FILE_MODES
            if not is_there and path.startswith(self._added) and not path.startswith(elsewhere):
                yield path, Presence.GONE
        for path, entry in entries.items():
            is_same = entry.is_on_disk and path in files
            if not is_same and entry.mode in REGULAR_FILE_MODES and _is_listed(path):
                yield path, _choose_blob(path, entry.mode, entry.blob)


def _is_listed(path: str) -> bool:
    """Return True for a path that a scan of a checkout would list."""
    return is_vault_path(path) and is_valid_unicode(path)


def _choose_blob(path: str, mode: str, blob: str) -> str | Presence:
    """Return the blob of a note to read, else whether there is a regular file."""
    if not blob or mode not in REGULAR_FILE_MODES:
        return Presence.GONE
    return blob if is_source_file(path) else Presence.ATTACHMENT
