"""The trend of a vault over its last commits, from git and the cache."""

from contextlib import suppress
from itertools import islice
from pathlib import Path

import msgspec

from vaultlink.api import Vault
from vaultlink.dashboard.model import Trend
from vaultlink.dashboard.trend import TreeMeasures, build_trend
from vaultlink.disk.cache import digest_parts
from vaultlink.disk.tree_states import Progress, TreeWalk
from vaultlink.git.location import find_git_dir
from vaultlink.git.objects import (
    CommitTree,
    can_read_repository,
    has_no_commit_yet,
    is_shallow_clone,
    list_first_parents,
)
from vaultlink.write.cache import save_result

_KIND = "trend"
"""Name of the cache entry: the numbers of trees, for one set of settings."""

_MAX_TREES = 2_000
"""Trees whose numbers are kept, the latest ones."""

_MAX_BYTES = 1_000_000
"""Bytes of the largest entry that is read; `_MAX_TREES` take less."""

MeasuresByTree = dict[str, TreeMeasures]


def compute_trend(vault: Vault, count: int, progress: Progress = lambda _done, _all: None) -> Trend:
    """Return the trend over the last `count` commits that changed the vault.

    From HEAD on, only the first parent of a merge is followed. Each point has the numbers that a
    check of the commit's files with the current settings finds, without uncommitted changes, files
    that git ignores, and what is known of renames. Numbers that were found before are read from the
    cache. A commit that can't be measured is not an error: the note of the trend says why it is
    left out.
    """
    commits = list_first_parents(vault.root, count) if find_git_dir(vault.root) else None
    if commits is None:
        return Trend((), _explain_no_commits(vault.root))
    known = _load_measures(vault)
    missing: dict[str, CommitTree] = {}
    for commit in commits:
        if commit.tree and commit.tree not in known:
            missing.setdefault(commit.tree, commit)
    problem = ""
    if missing:
        walk = TreeWalk(vault.root, vault.state, vault.overlays, vault.scan.settings.jobs)
        walked = walk.measure(list(missing.values()), progress)
        problem = walked.problem
        known.update(zip(missing, walked.measures, strict=False))
        _save_measures(vault, known)
    is_shallow = len(commits) < count and is_shallow_clone(vault.root)
    return build_trend(commits, known, count, is_shallow=is_shallow, problem=problem)


def _explain_no_commits(root: Path) -> str:
    if find_git_dir(root) is None:
        return "The vault is not in a git repository."
    if not can_read_repository(root):
        return "git can't read the repository: `git status` in the vault's folder says why."
    if has_no_commit_yet(root):
        return "The repository has no commit yet."
    return "git can't list the commits: `git log` in the vault's folder says why."


def _load_measures(vault: Vault) -> MeasuresByTree:
    cache = vault.scan.open_cache()
    data = cache.load_result(_settings_digest(vault), _KIND) if cache else None
    if data is not None and len(data) <= _MAX_BYTES:
        with suppress(msgspec.MsgspecError, ValueError):
            return msgspec.msgpack.decode(data, type=MeasuresByTree)
    return {}


def _save_measures(vault: Vault, measures: MeasuresByTree) -> None:
    cache = vault.scan.open_cache()
    if cache:
        kept = dict(islice(measures.items(), max(0, len(measures) - _MAX_TREES), None))
        save_result(cache, _settings_digest(vault), msgspec.msgpack.encode(kept), _KIND)


def _settings_digest(vault: Vault) -> bytes:
    """Return a digest of the settings that the numbers of a tree depend on."""
    return digest_parts((vault.config.digest().encode(), repr(vault.scan.obsidian).encode()))
