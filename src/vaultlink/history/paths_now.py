"""Follow files from the present back through the changes in which they vanished."""

from collections.abc import Collection, Mapping, Sequence

from vaultlink.history.file_pairs import UNKNOWN, Fate, FateKind
from vaultlink.history.git_log import LogCommit


class PathsNow:
    """Follow files from the present back to earlier commits.

    Attributes:
        files: All vault paths now.
        found: What became of each vanished path, the last file that was there.
        gone: Number by vanished path, larger for files that vanished later.
        ends: Number and path of the deletion by vanished path, for files that do not exist.
    """

    def __init__(self, files: Collection[str]) -> None:
        self.files = files
        self._present: dict[str, Fate] = {}
        self._ends: dict[str, tuple[int, str]] = {}
        self.found: dict[str, Fate] = {}
        self.gone: dict[str, int] = {}
        self.ends: dict[str, tuple[int, str]] = {}

    def go_back(self, fates: Mapping[str, Fate], since: int) -> None:
        """Go back before a change, in which these files vanished or were replaced."""
        followed = {path: self._follow(path, fate, since) for path, fate in fates.items()}
        for path, (fate, end) in followed.items():
            self._present[path], self._ends[path] = fate, end
            if path not in self.files and path not in self.found:
                self.found[path], self.gone[path] = fate, since
                if not fate[1]:
                    self.ends[path] = end

    def find(self, path: str) -> str:
        """Return where a file is now that was at a path then; "" if that is not certain."""
        kind, new = self._present.get(path, (FateKind.MOVED, path if path in self.files else ""))
        return new if kind == FateKind.MOVED else ""

    def _follow(self, path: str, fate: Fate, since: int) -> tuple[Fate, tuple[int, str]]:
        """Return the fate of a file, and number and path of its last change."""
        kind, new = fate
        if not new:
            return fate, (since, path)
        later = self._present.get(new)
        if later is None:
            return (fate if new in self.files else UNKNOWN), (since, path)
        # A file that was moved and then deleted is deleted under its former path too.
        is_certain = kind == FateKind.MOVED
        if later[1]:
            return (later if is_certain else (kind, later[1])), self._ends[new]
        return (later if is_certain else UNKNOWN), self._ends[new]


def number_commits(commits: Sequence[LogCommit]) -> list[int]:
    """Return the time of each commit, made larger than those of earlier ones."""
    numbers: list[int] = []
    for commit in reversed(commits):
        numbers.append(max(commit.time, numbers[-1] + 1) if numbers else commit.time)
    return numbers[::-1]
