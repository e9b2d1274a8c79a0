"""What git ignores among the files that came to a vault since it was asked about all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from vaultlink.repository import git_folder, ignored_among
from vaultlink.survey import Survey


@dataclass(frozen=True, slots=True)
class Ignored:
    """Tells which vault paths git ignores: those it named when it was last asked about all, and of those that came since."""

    known: Callable[[str], bool] | None
    since: frozenset[str]

    def __call__(self, path: str) -> bool:
        return path in self.since or bool(self.known and self.known(path))


def with_ignored(seen: Survey, came: Sequence[str]) -> Survey:
    """A survey that knows which of the files that came git ignores."""
    fresh = ignored_among(seen.root, came) if came and git_folder(seen.root) else frozenset()
    before = (
        seen.ignored if isinstance(seen.ignored, Ignored) else Ignored(seen.ignored, frozenset())
    )
    fresh = frozenset(path for path in fresh if not before(path))
    if not fresh:
        return seen
    return replace(
        seen, ignored=Ignored(before.known, fresh.union(before.since & seen.listing.files.keys()))
    )
