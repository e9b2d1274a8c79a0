"""Findings at an earlier revision, for `--changed-since`.

Both states are checked with the current settings, so a change of settings creates no new findings.
"""

import shlex
from collections import Counter
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.api import Vault, replace_state
from vaultlink.baseline.match import FindingKey, KnownFindings, finding_keys, follow_moves
from vaultlink.disk.revisions import (
    OPTION,
    Comparison,
    PastContent,
    Revision,
    rebuild_at_revision,
    remember_revision,
)
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import State, step
from vaultlink.errors import VaultError
from vaultlink.git.location import find_git_dir
from vaultlink.git.program import NO_GIT, has_git, run_git
from vaultlink.index.packed_map import with_changes
from vaultlink.index.resolve import is_note, resolve
from vaultlink.report.layout import format_count
from vaultlink.text import quote_name

_SHALLOW_HINT = (
    "This clone is shallow. In CI, fetch the whole history (`fetch-depth: 0`, `GIT_DEPTH: 0`)."
)


def find_merge_base(root: Path, name: str) -> Revision:
    """Return the merge base of a revision and HEAD.

    Changes made in the revision after the merge base do not count as changes of this branch. Raises
    VaultError if the vault is in no git repository, or git can't find the revision or the merge
    base.
    """
    if not name.strip():
        raise VaultError(
            f"{OPTION}: the revision is empty. Check the variable that should hold it."
        )
    if find_git_dir(root) is None:
        raise VaultError(f"{OPTION}: {root} is not in a git repository.")
    if not has_git():
        raise VaultError(f"{OPTION}: {NO_GIT}.")
    # Git before 2.24 fails here, and so does every error: the reason is found in more steps.
    merge_base = _read_git_line(
        root, "merge-base", "--end-of-options", f"{name}^{{commit}}", "HEAD"
    )
    if merge_base is not None:
        return Revision(name, merge_base)
    return _find_commit(root, name)


def _find_commit(root: Path, name: str) -> Revision:
    """Return the commit of a revision that has no merge base with HEAD.

    Raises VaultError if git can't find the revision, or not even the repository.
    """
    if _read_git_line(root, "rev-parse", "--git-dir") is None:
        folder = shlex.quote(str(root))
        raise VaultError(f"{OPTION}: git fails in {root}. Run `git -C {folder} status` to see why.")
    commit = _read_git_line(
        root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
    )
    shallow = _read_git_line(root, "rev-parse", "--is-shallow-repository") == "true"
    if commit is None:
        if _read_git_line(root, "rev-parse", "--verify", "--quiet", "HEAD") is None:
            raise VaultError(f"{OPTION}: there are no commits yet in {root}.")
        hint = (
            f"It does not exist, or this clone lacks it. {_SHALLOW_HINT}"
            if shallow
            else "`git branch -a` and `git log` list branches and commits."
        )
        raise VaultError(
            f"{OPTION}: git can't find the revision {quote_name(name)} in {root}. {hint}"
        )
    if _read_git_line(root, "rev-parse", "--verify", "--quiet", "HEAD") is None:
        return Revision(name, commit)
    merge_base = _read_git_line(root, "merge-base", commit, "HEAD")
    if merge_base is None and shallow:
        raise VaultError(
            f"{OPTION}: git can't find the merge base of {quote_name(name)} and HEAD. "
            f"{_SHALLOW_HINT}"
        )
    return Revision(name, merge_base or commit)


def _read_git_line(root: Path, *command: str) -> str | None:
    output = run_git(root, *command)
    return (
        output.decode("utf-8", "replace").split("\n")[0].strip() or None
        if output is not None
        else None
    )


def findings_at_revision(
    vault: Vault, comparison: Comparison, contents: Mapping[str, PastContent]
) -> KnownFindings:
    """Return the findings at a revision as known findings.

    `contents` are the contents then of all paths that changed.
    """
    since = comparison.since
    findings = rebuild_at_revision(_with_deleted_files_linted(vault), contents).diagnostics
    old_paths_by_new = follow_moves(
        findings, comparison.find_moves(vault.scan.listing.files, vault.index.notes, any_alike=True)
    )

    @cache  # computed before fixes change the text of a note that is the same in both states
    def keys_at(path: str) -> list[FindingKey]:
        return [
            key
            for old_path in old_paths_by_new[path]
            for key in finding_keys(findings[old_path], partial(_past_text, vault, contents))
        ]

    moved = {path: None for path in findings if old_paths_by_new.get(path) != [path]}
    return KnownFindings(
        "revision", since.name, frozenset(old_paths_by_new), keys_at, with_changes(findings, moved)
    )


class Losses(NamedTuple):
    """The numbers of what a vault had at a revision and has no longer.

    Moved notes are not deleted. Links count if their files still exist, and the changed notes have
    fewer.
    """

    deleted_notes: int
    removed_links: int


class LossLimits(NamedTuple):
    """The losses since a revision, and their highest numbers; None for any number."""

    losses: Losses
    most_notes: int | None
    most_links: int | None

    @property
    def is_exceeded(self) -> bool:
        """True if more is gone than allowed."""
        return bool(self._list_exceeded())

    def list_counts(self) -> dict[str, object]:
        """Return the numbers as JSON has them."""
        losses = self.losses
        return {
            "deleted_notes": {"count": losses.deleted_notes, "max": self.most_notes},
            "removed_links": {"count": losses.removed_links, "max": self.most_links},
        }

    def describe(self, revision: str) -> str:
        """Return a sentence about the limits that are exceeded; "" if none is."""
        exceeded = "; ".join(self._list_exceeded())
        return f"Too much is gone since {quote_name(revision)}: {exceeded}." if exceeded else ""

    def _list_exceeded(self) -> list[str]:
        rows = (
            (self.losses.deleted_notes, "note", "deleted", self.most_notes),
            (self.losses.removed_links, "link", "removed", self.most_links),
        )
        return [
            f"{format_count(number, noun)} {verb}, at most {most:,} allowed"
            for number, noun, verb, most in rows
            if most is not None and number > most
        ]


def count_losses(
    vault: Vault, comparison: Comparison, contents: Mapping[str, PastContent]
) -> Losses:
    """Count the notes and links that a vault had at a revision and has no longer.

    A link to a file that is gone too was not removed: it is unresolved, or its note follows the
    deletion. Neither was one that another note has now, as its text was moved there, nor one in
    whose place its note has a link to a new file, as of a section that was split off.

    `contents` are the contents then of all paths that changed.
    """
    then, now = rebuild_at_revision(vault.state, contents).index, vault.index
    moves = comparison.find_moves(vault.scan.listing.files, now.notes, any_alike=True)
    old_paths = {new: old for old, new in moves.items()}
    before = {
        moves.get(path, path): Counter(
            new
            for _, file in then.resolved_links(path)
            if file is not None and (new := moves.get(file, file)) in now.files
        )
        for path in contents
        if path in then.notes
    }
    after = {path: Counter[str]() for path in contents if path in now.notes}
    for path, files in after.items():
        for link, file in now.resolved_links(path):
            if file is None and not link.external:  # it may be one to a file that was moved
                former = resolve(old_paths.get(path, path), link.lookup_target, then.names)
                file = None if former is None else moves.get(former, former)  # noqa: PLW2901
            if file is not None:
                files[file] += 1
    lost = sum(before.values(), Counter[str]()) - sum(after.values(), Counter[str]())
    new_files = now.files - then.files - old_paths.keys()
    split_off = sum(
        min(
            ((before[path] - files) & lost).total(),
            sum(number for file, number in files.items() if file in new_files),
        )
        for path, files in after.items()
        if path in before
    )
    deleted = [path for path in contents if path in then.notes and is_note(path)]
    return Losses(
        sum(path not in now.files and path not in moves for path in deleted),
        max(0, lost.total() - split_off),
    )


def with_history_since(
    vault: Vault, comparison: Comparison, contents: Mapping[str, PastContent]
) -> Vault:
    """Return the vault with what its links led to at a revision."""
    state = vault.state
    if not vault.scan.settings.history:
        return vault
    history = remember_revision(vault.scan, state, contents, comparison)
    if history == state.settings.history:
        return vault
    return replace_state(vault, step(state, [], replace(state.settings, history=history)))


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


def _past_text(vault: Vault, contents: Mapping[str, PastContent], path: str) -> str:
    content = contents.get(path)
    return vault.text(path) if content is None else content if isinstance(content, str) else ""
