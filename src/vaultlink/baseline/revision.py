"""Findings at an earlier revision, for `--changed-since`.

The state at the revision is computed backwards: from the current state, in one step, by the changes
that git reports. The time it takes depends on the size of the changes. Both states are checked with
the current settings, so a change of settings creates no new findings.
"""

from collections.abc import Mapping, Sequence
from functools import cache, cached_property, partial
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
    RunningGit,
    find_git_dir,
    list_untracked,
    parse_raw_diff,
    read_filtered_blobs,
    run_git,
)
from vaultlink.history.git_renames import moves_since
from vaultlink.history.rename_checks import resolve_history
from vaultlink.index.packed_map import with_changes

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
    # Git before 2.24 fails here, and so does every error: the reason is found in more steps.
    merge_base = _read_git_line(
        root, "merge-base", "--end-of-options", f"{name}^{{commit}}", "HEAD"
    )
    if merge_base is not None:
        return Revision(name, merge_base)
    return _find_commit(root, name)


def _find_commit(root: Path, name: str) -> Revision:
    """Return the commit of a revision that has no merge base with HEAD.

    Raises:
        VaultError: Git can't find the revision, or not even the repository.
    """
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


class Comparison:
    """The changes of a vault since a revision.

    Git looks for them while the vault is loaded.
    """

    def __init__(self, root: Path, since: Revision):
        """Start git."""
        self.since = since
        self._diff = RunningGit(
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
        self._list_untracked = list_untracked(root)

    @cached_property
    def entries(self) -> list[RawDiffEntry]:
        """The changes of tracked files. Raises VaultError if git can't compare the vault."""
        output = self._diff.read()
        if output is None:
            raise VaultError(f"{_OPTION}: git can't compare the vault with “{self.since.name}”.")
        return list(parse_raw_diff(output))

    @cached_property
    def untracked(self) -> list[str]:
        """The paths that git neither tracks nor ignores."""
        return self._list_untracked()

    def find_moves(self, vault: Vault) -> Mapping[str, str]:
        """Return the moves since the revision. A moved file is missing at its old path."""
        if all(entry.status in "AMT" for entry in self.entries):
            return {}
        return moves_since(vault.root, vault.scan.listing.files, self.since.commit)


def findings_at_revision(vault: Vault, comparison: Comparison) -> KnownFindings:
    """Return the findings at a revision as known findings."""
    contents, since = past_contents(vault, comparison), comparison.since
    findings = state_at_revision(_with_deleted_files_linted(vault), contents).diagnostics
    old_paths_by_new = follow_moves(findings, comparison.find_moves(vault))

    @cache  # computed before fixes change the text of a note that is the same in both states
    def keys_at(path: str) -> list[FindingKey]:
        return [
            key
            for old_path in old_paths_by_new[path]
            for key in finding_keys(findings[old_path], partial(_past_text, vault, contents))
        ]

    moved = {path: None for path in findings if old_paths_by_new.get(path) != [path]}
    return KnownFindings(
        "revision",
        since.name,
        frozenset(old_paths_by_new),
        keys_at,
        with_changes(findings, moved),
    )


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
        vault.state.settings.history,
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
    known = state.settings.history
    history = resolve_history(known.moves, known.deleted, files)
    return step(state, changes, replace(state.settings, history=history))


def _past_text(vault: Vault, contents: Mapping[str, PastContent], path: str) -> str:
    """Return the text of a note at the revision."""
    content = contents.get(path)
    return vault.text(path) if content is None else content if isinstance(content, str) else ""


def past_contents(vault: Vault, comparison: Comparison) -> dict[str, PastContent]:
    """Return the past content of each path that changed since a revision.

    Untracked files did not exist, except files that git ignores, which count as unchanged.

    Raises:
        VaultError: Git can't compare the vault, or can't read an old file.
    """
    root, files = vault.root, vault.scan.listing.files
    entries = [entry for entry in comparison.entries if is_vault_path(entry.old)]
    notes = [
        entry
        for entry in entries
        if entry.mode in _REGULAR_FILE_MODES and is_source_file(entry.old)
    ]
    texts = _read_past_texts(root, comparison.since, notes) if notes else []
    return {
        **{
            path: read_text(root / path) if path in files else Presence.GONE
            for path in vault.overlays
        },
        **dict.fromkeys(comparison.untracked, Presence.GONE),
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
