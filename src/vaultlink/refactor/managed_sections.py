"""Keep the backlinks sections that vaultlink manages in step with renamed notes.

A section that was in step before is in step afterwards. The entries of other sections follow as
links do: see `link_edits`.
"""

from collections.abc import Collection, Mapping, Sequence

from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import State
from vaultlink.fix.sections import SectionContext, find_section_edits
from vaultlink.fix.sources import FixSources
from vaultlink.index.index import Index
from vaultlink.links.edits import OffsetShift
from vaultlink.model import Edit
from vaultlink.parse.backlinks_markers import MARKER_TEXT


def find_sections_in_step(index: Index, settings: LinterSettings, sources: FixSources) -> set[str]:
    """Return the notes with managed sections that have nothing to update.

    Args:
        index: The index of the vault.
        settings: The settings of the vault.
        sources: The texts and times of the notes.
    """
    found = set()
    context = None
    for path in index.notes.find_keys(MARKER_TEXT.encode()):
        note = index.notes[path]
        text = sources.text(path) if any(item.text for item in note.sections) else None
        if text is None or not settings.is_linted(path):
            continue
        context = context or _make_context(index, settings, sources)
        if not any(find_section_edits(context, note, text)):
            found.add(path)
    return found


def plan_section_edits(
    index: Index,
    settings: LinterSettings,
    sources: FixSources,
    paths: Collection[str],
    edits: Mapping[str, Sequence[Edit]],
) -> dict[str, tuple[Edit, ...]]:
    """Return the edits that bring managed sections back in step.

    Args:
        index: The index after the renames.
        settings: The settings of the vault.
        sources: The texts after the renames, by path after them, and the times of the notes.
        paths: New paths of the notes with sections to update.
        edits: The edits that were made in these notes already, by new path; not in the sections.

    Returns:
        The edits in the texts before the renames, by new path.
    """
    found: dict[str, tuple[Edit, ...]] = {}
    context = _make_context(index, settings, sources) if paths else None
    for path in sorted(paths):
        text = sources.text(path)
        if context is None or text is None:
            continue
        shift = OffsetShift(edits.get(path, ()))
        group = [
            Edit(path, shift.map_back(edit.start), shift.map_back(edit.end), edit.text)
            for _, edit in find_section_edits(context, index.notes[path], text)
        ]
        if group:
            found[path] = tuple(group)
    return found


def _make_context(index: Index, settings: LinterSettings, sources: FixSources) -> SectionContext:
    return SectionContext.from_state(State(settings, index), sources)
