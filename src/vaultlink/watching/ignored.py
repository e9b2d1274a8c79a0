"""What git ignores among the files that came to a vault since it was asked about all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vaultlink.repository import ignored_among
from vaultlink.survey import Survey


@dataclass(frozen=True, slots=True)
class Ignored:
    """Tells which vault paths git ignores: those it named when it was last asked about all, and of those that came since."""

    known: Callable[[str], bool] | None
    since: frozenset[str]

    def __call__(self, path: str) -> bool:
        return path in self.since or bool(self.known and self.known(path))


def with_ignored(seen: Survey, came: Sequence[str], folder: Path | None) -> Survey:
    """A survey that knows which of the files that came git ignores, `folder` being the one in which git keeps its own."""
    fresh = ignored_among(seen.root, came) if came and folder else frozenset()
    before = seen.ignored if isinstance(seen.ignored, Ignored) else Ignored(seen.ignored, frozenset())
    fresh = frozenset(path for path in fresh if not before(path))
    if not fresh:
        return seen
    return replace(seen, ignored=Ignored(before.known, fresh.union(before.since & seen.listing.files.keys())))
