"""The vault as it was at an earlier revision, worked out backwards: from the state now, by a step with what git says has changed.

So the cost grows with the change. Everything is judged by the settings of today; a setting that is changed breaks no link.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from vaultlink.api import Vault
from vaultlink.baseline.known import FindingKey, KnownFindings, finding_keys, follow_moves
from vaultlink.disk.load import is_source_file
from vaultlink.disk.read import UnreadableFile, decode_note, read_text
from vaultlink.disk.scan import is_vault_path
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import Change, Presence, State, analyse_unreadable, step
from vaultlink.errors import VaultError
from vaultlink.git import (
    RawDiffEntry,
    find_git_dir,
    list_untracked,
    parse_raw_diff,
    read_filtered_blobs,
    run_git,
)
from vaultlink.history.git_renames import moves_since
from vaultlink.history.rename_checks import resolve_moves

_REGULAR_FILE_MODES = ("100644", "100755", "100664")
_OPTION = "--changed-since"


class Revision(NamedTuple):
    """A commit that the working tree is compared with, and how it was named."""

    name: str
    commit: str


def find_merge_base(root: Path, name: str) -> Revision:
    """The commit at which the way of a named revision and that of HEAD parted: what was changed there since is no change of
    ours. Raises VaultError if git knows none."""
    if not name.strip():
        raise VaultError(f"{_OPTION}: it names no revision; is a variable empty?")
    if find_git_dir(root) is None:
        raise VaultError(f"{_OPTION}: {root} lies in no git repository.")
    if _ask_git_line(root, "rev-parse", "--git-dir") is None:
        raise VaultError(
            f"{_OPTION}: git can't be asked about {root}; `git -C '{root}' status` says why."
        )
    commit = _ask_git_line(
        root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
    )
    shallow = _ask_git_line(root, "rev-parse", "--is-shallow-repository") == "true"
    if commit is None:
        hint = (
            "This clone holds only the last commits; in CI, fetch the whole history (`fetch-depth: 0`, `GIT_DEPTH: 0`)."
            if shallow
            else "`git branch -a` and `git log` list what there is."
        )
        raise VaultError(f"{_OPTION}: git knows no revision “{name}” here. {hint}")
    if _ask_git_line(root, "rev-parse", "--verify", "--quiet", "HEAD") is None:
        return Revision(name, commit)
    parted = _ask_git_line(root, "merge-base", commit, "HEAD")
    if parted is None and shallow:
        raise VaultError(
            f"{_OPTION}: this clone is too shallow to tell where “{name}” and HEAD parted. In CI, fetch the whole "
            "history (`fetch-depth: 0`, `GIT_DEPTH: 0`)."
        )
    return Revision(name, parted or commit)


def _ask_git_line(root: Path, *command: str) -> str | None:
    told = run_git(root, *command)
    return (
        told.decode("utf-8", "replace").split("\n")[0].strip() or None if told is not None else None
    )


PastContent = str | UnreadableFile | Presence
"""What stood at a path: a text, why it has none, a file without, or nothing."""


def findings_at_revision(vault: Vault, since: Revision) -> KnownFindings:
    """The findings that were there at a revision."""
    was = past_contents(vault, since)
    found = state_at_revision(_with_deleted_files_linted(vault), was).diagnostics
    now = follow_moves(found, moves_since(vault.root, vault.scan.listing.files, since.commit))

    @cache  # a text that is the same then and now is read as it is before anything is fixed
    def marked(path: str) -> list[FindingKey]:
        return [
            mark
            for old in now[path]
            for mark in finding_keys(found[old], partial(_past_text, vault, was))
        ]

    stayed = {path: found[path] for path, olds in now.items() if olds == [path]}
    return KnownFindings("revision", since.name, frozenset(now), marked, stayed)


def _with_deleted_files_linted(vault: Vault) -> State:
    """The state of a vault in which files that are gone count as linted: git, which kept them, names what is ignored by whole
    folders, as far as there is nothing else in these now."""
    ignored, files = vault.scan.is_git_ignored, vault.index.files
    if ignored is None:
        return vault.state
    settings = LinterSettings.build(
        vault.rules,
        vault.config,
        vault.scan.obsidian,
        lambda path: path in files and ignored(path),
        vault.state.settings.moves,
    )
    return replace(vault.state, settings=settings)


def state_at_revision(state: State, was: Mapping[str, PastContent]) -> State:
    """The state of a vault as it was."""
    changes = [
        Change(
            path,
            analyse_unreadable(state.settings, path, *then)
            if isinstance(then, UnreadableFile)
            else then,
        )
        for path, then in was.items()
        if then is not Presence.GONE or path in state.index.files
    ]
    files = {path for path in state.index.files | was.keys() if was.get(path) is not Presence.GONE}
    return step(
        state, changes, replace(state.settings, moves=resolve_moves(state.settings.moves, files))
    )


def _past_text(vault: Vault, was: Mapping[str, PastContent], path: str) -> str:
    """A text as it was."""
    then = was.get(path)
    return vault.text(path) if then is None else then if isinstance(then, str) else ""


def past_contents(vault: Vault, since: Revision) -> dict[str, PastContent]:
    """What stood at a revision where something else stands now. What git does not know is new, but what it ignores stays."""
    root, files = vault.root, vault.scan.listing.files
    told = run_git(
        root,
        "diff",
        "--raw",
        "-z",
        "--no-renames",
        "--no-abbrev",
        "--relative",
        "--no-ext-diff",
        "--ignore-submodules",
        since.commit,
        "--",
        ".",
    )
    if told is None:
        raise VaultError(f"{_OPTION}: git can't compare the vault with “{since.name}”.")
    entries = [entry for entry in parse_raw_diff(told) if is_vault_path(entry.old)]
    notes = [
        entry
        for entry in entries
        if entry.mode in _REGULAR_FILE_MODES and is_source_file(entry.old)
    ]
    texts = _read_past_texts(root, since, notes) if notes else []
    return {
        **{
            path: read_text(root / path) if path in files else Presence.GONE
            for path in vault.overlays
        },
        **dict.fromkeys(list_untracked(root), Presence.GONE),
        **{
            entry.old: Presence.ATTACHMENT if entry.mode in _REGULAR_FILE_MODES else Presence.GONE
            for entry in entries
        },
        **{entry.old: text for entry, text in zip(notes, texts, strict=True)},
    }


def _read_past_texts(
    root: Path, since: Revision, notes: Sequence[RawDiffEntry]
) -> list[str | UnreadableFile]:
    """The texts that notes had. Without one of them, all that was found in it would seem to be new."""
    kept = read_filtered_blobs(root, [(entry.old, entry.blob) for entry in notes])
    if None in kept:
        path = notes[kept.index(None)].old
        raise VaultError(
            f"{_OPTION}: git can't give {path} as it was before the changes since “{since.name}”. A partial clone "
            "has to fetch it."
        )
    return [decode_note(data or b"") for data in kept]
