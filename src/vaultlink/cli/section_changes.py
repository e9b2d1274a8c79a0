"""Changes of backlinks sections, and the sentence about them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from vaultlink.model import SkippedNote
from vaultlink.report.layout import format_count

if TYPE_CHECKING:
    from vaultlink.cli.backlinks_options import BacklinksOptions


class SectionChangeRow(msgspec.Struct, frozen=True):
    """A note that is or would be changed, and the change of its section.

    Attributes:
        path: Vault path of the note.
        change: `written` (a new section), `brought in step`, `adopted` or `taken out`.
    """

    path: str
    change: str


WRITTEN, UPDATED, REMOVED, ADOPTED = "written", "brought in step", "taken out", "adopted"
"""Changes of a section, as in the JSON and TSV formats."""

CHANGE_LABELS = {
    WRITTEN: "written",
    UPDATED: "updated",
    REMOVED: "removed",
    ADOPTED: "adopted",
}
"""Changes of a section, as in text for people."""


class SectionChanges(NamedTuple):
    """The notes that are or would be changed, and those skipped.

    `texts` has the text of each changed note before and after.
    """

    rows: Sequence[SectionChangeRow]
    skipped: tuple[SkippedNote, ...]
    texts: Mapping[str, tuple[str | None, str]]


NO_CHANGES = SectionChanges([], (), {})
"""There is nothing to change."""


def summarize(options: "BacklinksOptions", rows: Sequence[SectionChangeRow], auxiliary: str) -> str:
    """Describe the changes in a sentence. `auxiliary` is “were” or “would be”."""
    counts = [
        (label, count)
        for change, label in CHANGE_LABELS.items()
        if (count := sum(row.change == change for row in rows))
    ]
    if not counts:
        verb = "adopt" if options.adopt else "remove" if options.remove else "write or update"
        return f"No sections to {verb}."
    (label, count), *others = counts
    verb = "was" if auxiliary == "were" and count == 1 else auxiliary
    parts = [f"{format_count(count, 'section')} {verb} {label}"]
    parts += [f"{count:,} {label}" for label, count in others]
    return f"{', '.join(parts)}."
