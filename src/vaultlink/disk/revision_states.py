"""Measure a vault as it was in commits, without a checkout.

The state of a commit's tree follows from that of another tree by a step with the changes between
them; the first one follows from the state of the working tree. The time it takes depends on the
size of the changes.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec

from vaultlink.dashboard.score import TreeMeasures, measure_state
from vaultlink.disk.changes import Progress
from vaultlink.disk.processes import count_processes, no_garbage_collection, run_parts
from vaultlink.disk.read import UnreadableFile
from vaultlink.disk.revisions import REGULAR_FILE_MODES, OldTexts, TextLimits
from vaultlink.disk.scan import is_source_file, is_valid_unicode, is_vault_path
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import Change, Presence, State, analyse, analyse_unreadable, step
from vaultlink.errors import VaultError
from vaultlink.git.objects import CommitTree, diff_trees, list_tree, parse_raw_diff, start_diff
from vaultlink.report.layout import escape_controls
from vaultlink.text import quote_name

_BATCH_SIZE = 500
"""Notes that are read at the same time."""

_UNPACK_THRESHOLD = 300
"""Changed notes below which the values of the state are decoded when needed."""

_FORK_THRESHOLD = 600
"""Changed notes below which another process costs more than it saves."""

_MAX_SHARE = 0.75
"""Share of the work of the slowest process above which one process does everything."""


class MeasuredTrees(msgspec.Struct, frozen=True, array_like=True):
    """The numbers of trees, in order.

    `problem` is a clause that says why some are missing, or "".
    """

    measures: list[TreeMeasures]
    problem: str = ""


class TreeChanges(NamedTuple):
    """The changes that lead to the tree of a commit.

    `blobs` maps a vault path to the object name of the content; None if there is no file.
    """

    commit: CommitTree
    blobs: Mapping[str, str | None]

    def count_notes(self) -> int:
        """Return the number of texts to read."""
        return sum(blob is not None and is_source_file(path) for path, blob in self.blobs.items())


class TreeWalk(NamedTuple):
    """Steps from the state of a working tree to those of commits.

    Attributes:
        root: The vault.
        state: The state of its working tree.
        overlays: The paths whose text in `state` is not that on disk.
        jobs: The maximum number of processes; None for the number of processors.
        limits: How much of the old texts of a commit is read.
    """

    root: Path
    state: State
    overlays: Collection[str]
    jobs: int | None
    limits: TextLimits

    def measure(self, commits: Sequence[CommitTree], progress: Progress) -> MeasuredTrees:
        """Return the numbers of the trees of commits, latest first.

        If git can't read a tree or the content of a note, the numbers end before it.
        """
        try:
            first = self._diff_state(commits[0])
        except VaultError as error:
            return MeasuredTrees([], str(error))
        changes, problem = self._diff_all(commits)
        sizes = [first.count_notes(), *(item.count_notes() for item in changes)]
        if sum(sizes) > _UNPACK_THRESHOLD:
            self.state.compute_all()
        with no_garbage_collection():
            try:
                state = self._step(self.state, first, self._make_settings())
            except VaultError as error:
                return MeasuredTrees([], str(error))
            progress(1, len(commits))
            walked = self._walk_legs(state, self._choose_legs(first, changes, sizes[1:]), progress)
        return MeasuredTrees([measure_state(state), *walked.measures], walked.problem or problem)

    def _make_settings(self) -> LinterSettings:
        """Return the settings of all trees: no file is ignored, and the history is empty."""
        settings = self.state.settings
        return LinterSettings.build(settings.rules, settings.config, settings.obsidian)

    # -- changes ---------------------------------------------------------------------------------

    def _diff_state(self, commit: CommitTree) -> TreeChanges:
        """Return the changes from the state to a tree. Raises VaultError."""
        git = start_diff(self.root, commit.commit)
        tree, output = list_tree(self.root, commit.tree), git.read()
        if tree is None or output is None:
            raise VaultError(f"git can't compare the vault with commit {commit.commit[:7]}")
        differing = {*self.overlays, *(entry.old for entry in parse_raw_diff(output))}
        files = self.state.index.files
        blobs = dict(_list_blobs((entry.path, entry.mode, entry.blob) for entry in tree))
        there = {path for path, blob in blobs.items() if blob is not None}
        changed: dict[str, str | None] = dict.fromkeys(sorted(files - there))
        changed.update(
            (path, blob)
            for path, blob in blobs.items()
            if blob is not None and (path in differing or path not in files)
        )
        return TreeChanges(commit, changed)

    def _diff_all(self, commits: Sequence[CommitTree]) -> tuple[list[TreeChanges], str]:
        """Return the changes from each commit to the next, and why there are not more."""
        changes = []
        try:
            for start, end in pairwise(commits):
                changes.append(self._diff(start, end))
        except VaultError as error:
            return changes, str(error)
        return changes, ""

    def _diff(self, start: CommitTree, end: CommitTree) -> TreeChanges:
        """Return the changes from one tree to another. Raises VaultError."""
        entries = diff_trees(self.root, end.tree, start.tree)
        if entries is None:
            raise VaultError(f"git can't read the files of commit {end.commit[:7]}")
        rows = ((entry.old, entry.mode, entry.blob) for entry in entries)
        return TreeChanges(end, dict(_list_blobs(rows)))

    def _read_changes(self, settings: LinterSettings, changes: TreeChanges) -> Iterator[Change]:
        """Yield changes for a step. Raises VaultError if git can't read a note."""
        notes = []
        for path, blob in changes.blobs.items():
            if blob is not None and is_source_file(path):
                notes.append((path, blob))
            else:
                yield Change(path, Presence.GONE if blob is None else Presence.ATTACHMENT)
        old_texts = OldTexts(self.root, self.limits, len(notes))
        for start in range(0, len(notes), _BATCH_SIZE):
            batch = notes[start : start + _BATCH_SIZE]
            texts = old_texts.read(batch, partial(_explain, commit=changes.commit))
            for (path, _), text in zip(batch, texts, strict=True):
                yield Change(
                    path,
                    analyse_unreadable(settings, path, *text)
                    if isinstance(text, UnreadableFile)
                    else analyse(settings, path, text),
                )

    # -- steps -----------------------------------------------------------------------------------

    def _step(
        self, state: State, changes: TreeChanges, settings: LinterSettings | None = None
    ) -> State:
        """Return the state of the tree that changes lead to. Raises VaultError."""
        read = self._read_changes(settings or state.settings, changes)
        return step(state, list(read), settings)

    def _choose_legs(
        self, first: TreeChanges, changes: Sequence[TreeChanges], sizes: Sequence[int]
    ) -> list[Sequence[TreeChanges]]:
        """Divide changes into legs that start at the first commit, for processes.

        A leg after the first one begins with all changes up to its first commit. So it saves time
        only if many of them are in the same notes.
        """
        total = sum(sizes)
        processes = count_processes(self.jobs, len(changes))
        if processes < 2 or total < _FORK_THRESHOLD:
            return [changes]
        starts = _divide_evenly(sizes, processes)
        try:
            legs = [changes[: starts[1]]]
            for start, end in pairwise((*starts[1:], len(changes))):
                jump = self._diff(first.commit, changes[start].commit)
                legs.append([jump, *changes[start + 1 : end]])
        except VaultError:
            return [changes]
        slowest = max(sum(item.count_notes() for item in leg) for leg in legs)
        return list(legs) if slowest <= _MAX_SHARE * total else [changes]

    def _walk_legs(
        self, state: State, legs: Sequence[Sequence[TreeChanges]], progress: Progress
    ) -> MeasuredTrees:
        """Return the numbers of all trees that legs lead to, in order."""
        ends = list(accumulate((len(leg) for leg in legs), initial=1))
        total = ends[-1]

        def walk(numbers: Sequence[str], _done: object) -> MeasuredTrees:
            leg = legs[int(numbers[0])]
            return self._walk_leg(
                state, leg, lambda done: progress(done + 1, total) if len(legs) == 1 else None
            )

        measures: list[TreeMeasures] = []
        for walked in run_parts(
            walk,
            [str(number) for number in range(len(legs))],
            len(legs),
            MeasuredTrees,
            lambda done: progress(ends[done], total),
        ):
            measures += walked.measures
            if walked.problem:
                return MeasuredTrees(measures, walked.problem)
        return MeasuredTrees(measures)

    def _walk_leg(
        self, state: State, leg: Iterable[TreeChanges], done: Callable[[int], object]
    ) -> MeasuredTrees:
        """Return the numbers of the trees of one leg, from the state of the first commit."""
        measures: list[TreeMeasures] = []
        for changes in leg:
            try:
                state = self._step(state, changes)
            except VaultError as error:
                return MeasuredTrees(measures, str(error))
            measures.append(measure_state(state))
            done(len(measures))
        return MeasuredTrees(measures)


def _explain(path: str, program: str | None, commit: CommitTree) -> str:
    """Return a clause that says why git can't read a note in a commit."""
    shown = escape_controls(path)
    if program is not None:
        return (
            f"{shown} has the git filter {quote_name(program)}, which is a program, and vaultlink "
            "runs no program of a repository"
        )
    return (
        f"git can't read {shown} in commit {commit.commit[:7]}, or it is too large (in a partial "
        "clone, fetch it first)"
    )


def _list_blobs(rows: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str, str | None]]:
    """Yield path and blob (None if not a regular file) of paths, modes and blobs."""
    for path, mode, blob in rows:
        if is_vault_path(path) and is_valid_unicode(path):
            yield path, blob if mode in REGULAR_FILE_MODES else None


def _divide_evenly(sizes: Sequence[int], parts: int) -> list[int]:
    """Return where parts of a sequence begin that have about the same sums."""
    total, sums = sum(sizes), list(accumulate(sizes))
    starts = [0]
    for part in range(1, parts):
        wanted = total * part / parts
        start = next((number for number, reached in enumerate(sums) if reached > wanted), 0)
        if start > starts[-1]:
            starts.append(start)
    return starts
