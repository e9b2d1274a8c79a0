"""Findings at an earlier revision, for `--changed-since`.

The state at the revision is computed backwards: from the current state, in one step, by the changes
that git reports. The time it takes depends on the size of the changes. Both states are checked with
the current settings, so a change of settings creates no new findings.
"""

from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.api import Vault
from vaultlink.baseline.match import FindingKey, KnownFindings, finding_keys, follow_moves
from vaultlink.disk.read import UnreadableFile, decode_note, read_text
from vaultlink.disk.scan import is_source_file, is_vault_path
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
from vaultlink.history.rename_checks import resolve_history

_REGULAR_FILE_MODES = ("100644", "100755", "100664")
_OPTION = "--changed-since"
_SHALLOW_HINT = (
    "This clone is shallow. In CI, fetch the whole history (`fetch-depth: 0`, `GIT_DEPTH: 0`)."
)


class Revision(NamedTuple):
    """A commit to compare the working tree with, and the name the user gave for it."""

    name: str
    commit: str


def find_merge_base(root: Path, name: str) -> Revision:
    """Return the merge base of a revision and HEAD.

    Changes made in the revision after the merge base do not count as changes of this branch.

    Raises:
        VaultError: The vault is in no git repository, or git can't find the revision or the merge
            base.
    """
    if not name.strip():
        raise VaultError(
            f"{_OPTION}: the revision is empty. Check the variable that should hold it."
        )
    if find_git_dir(root) is None:
        raise VaultError(f"{_OPTION}: {root} is not in a git repository.")
    if _read_git_line(root, "rev-parse", "--git-dir") is None:
        raise VaultError(
            f"{_OPTION}: git fails in {root}. Run `git -C '{root}' status` to see why."
        )
    commit = _read_git_line(
        root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
    )
    shallow = _read_git_line(root, "rev-parse", "--is-shallow-repository") == "true"
    if commit is None:
        hint = (
            _SHALLOW_HINT if shallow else "`git branch -a` and `git log` list branches and commits."
        )
        raise VaultError(f"{_OPTION}: git can't find the revision “{name}” in {root}. {hint}")
    if _read_git_line(root, "rev-parse", "--verify", "--quiet", "HEAD") is None:
        return Revision(name, commit)
    merge_base = _read_git_line(root, "merge-base", commit, "HEAD")
    if merge_base is None and shallow:
        raise VaultError(
            f"{_OPTION}: git can't find the merge base of “{name}” and HEAD. {_SHALLOW_HINT}"
        )
    return Revision(name, merge_base or commit)


def _read_git_line(root: Path, *command: str) -> str | None:
    output = run_git(root, *command)
    return (
        output.decode("utf-8", "replace").split("\n")[0].strip() or None
        if output is not None
        else None
    )


PastContent = str | UnreadableFile | Presence
"""Past content of a path: a text, why it has none, an attachment, or nothing."""


def findings_at_revision(vault: Vault, since: Revision) -> KnownFindings:
    """Return the findings at a revision as known findings."""
    contents = past_contents(vault, since)
    findings = state_at_revision(_with_deleted_files_linted(vault), contents).diagnostics
    old_paths_by_new = follow_moves(
        findings, moves_since(vault.root, vault.scan.listing.files, since.commit)
    )

    @cache  # computed before fixes change the text of a note that is the same in both states
    def keys_at(path: str) -> list[FindingKey]:
        return [
            key
            for old_path in old_paths_by_new[path]
            for key in finding_keys(findings[old_path], partial(_past_text, vault, contents))
        ]

    unmoved = {
        path: findings[path] for path, old_paths in old_paths_by_new.items() if old_paths == [path]
    }
    return KnownFindings("revision", since.name, frozenset(old_paths_by_new), keys_at, unmoved)


def _with_deleted_files_linted(vault: Vault) -> State:
    """Return a state in which deleted files are linted even if git ignores them.

    Git tracked these files, but it lists ignored files by whole folders where a folder has no other
    files now.
    """
    ignored, files = vault.scan.is_git_ignored, vault.index.files
    if ignored is None:
        return vault.state
    settings = LinterSettings.build(
        vault.rules,
        vault.config,
        vault.scan.obsidian,
        lambda path: path in files and ignored(path),
        vault.state.settings.moves,
        vault.state.settings.deleted,
    )
    return replace(vault.state, settings=settings)


def state_at_revision(state: State, contents: Mapping[str, PastContent]) -> State:
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
    history = resolve_history(state.settings.moves, state.settings.deleted, files)
    return step(
        state, changes, replace(state.settings, moves=history.moves, deleted=history.deleted)
    )


def _past_text(vault: Vault, contents: Mapping[str, PastContent], path: str) -> str:
    """Return the text of a note at the revision."""
    content = contents.get(path)
    return vault.text(path) if content is None else content if isinstance(content, str) else ""


def past_contents(vault: Vault, since: Revision) -> dict[str, PastContent]:
    """Return the past content of each path that changed since a revision.

    Untracked files did not exist, except files that git ignores, which count as unchanged.

    Raises:
        VaultError: Git can't compare the vault, or can't read an old file.
    """
    root, files = vault.root, vault.scan.listing.files
    output = run_git(
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
    if output is None:
        raise VaultError(f"{_OPTION}: git can't compare the vault with “{since.name}”.")
    entries = [entry for entry in parse_raw_diff(output) if is_vault_path(entry.old)]
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
    """Return the texts that notes had at a revision.

    Raises:
        VaultError: Git can't read one of them. Without it, all findings in the note would count as
            new.
    """
    blobs = read_filtered_blobs(root, [(entry.old, entry.blob) for entry in notes])
    if None in blobs:
        path = notes[blobs.index(None)].old
        raise VaultError(
            f"{_OPTION}: git can't read {path} at the merge base of “{since.name}” and HEAD. "
            "In a partial clone, fetch its old version first."
        )
    return [decode_note(data or b"") for data in blobs]
