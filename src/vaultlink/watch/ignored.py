"""What git ignores among the files that came to a vault since it was asked about all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from vaultlink.disk.scan import VaultScan
from vaultlink.git import filter_ignored, find_git_dir


@dataclass(frozen=True, slots=True)
class IgnoredPaths:
    """Tells which vault paths git ignores: those it named when it was last asked about all, and of those that came since."""

    is_known_ignored: Callable[[str], bool] | None
    ignored_since: frozenset[str]

    def __call__(self, path: str) -> bool:
        return path in self.ignored_since or bool(
            self.is_known_ignored and self.is_known_ignored(path)
        )


def update_ignored(scan: VaultScan, came: Sequence[str]) -> VaultScan:
    """A survey that knows which of the files that came git ignores."""
    fresh = filter_ignored(scan.root, came) if came and find_git_dir(scan.root) else frozenset()
    before = (
        scan.is_git_ignored
        if isinstance(scan.is_git_ignored, IgnoredPaths)
        else IgnoredPaths(scan.is_git_ignored, frozenset())
    )
    fresh = frozenset(path for path in fresh if not before(path))
    if not fresh:
        return scan
    return replace(
        scan,
        is_git_ignored=IgnoredPaths(
            before.is_known_ignored, fresh.union(before.ignored_since & scan.listing.files.keys())
        ),
    )
