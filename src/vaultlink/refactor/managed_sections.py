"""Keep the backlinks sections that vaultlink manages in step with renamed notes.

A section that was in step before is in step afterwards. The entries of other sections follow as
links do: see `link_edits`.
"""

from collections.abc import Mapping, Sequence, Set

from msgspec.structs import replace

from vaultlink.backlinks.existing import parse_managed_sections
from vaultlink.backlinks.mention_list import find_mentioning_notes
from vaultlink.engine.step import State
from vaultlink.fix.sections import SectionContext, find_section_edits
from vaultlink.fix.sources import FixSources
from vaultlink.links.edits import OffsetShift
from vaultlink.model import Edit
from vaultlink.parse.backlinks_markers import MARKER_TEXT

MentionsByPath = Mapping[str, Set[str]]
"""Path of a note to the notes that its managed sections list as mentions."""


def find_sections_in_step(state: State, sources: FixSources) -> dict[str, Set[str]]:
    """Return the notes whose managed sections are in step, with their mentions.

    Args:
        state: The state of the vault.
        sources: The texts and times of the notes.
    """
    found: dict[str, Set[str]] = {}
    context, index = None, state.index
    for path in index.notes.find_keys(MARKER_TEXT.encode()):
        note = index.notes[path]
        text = sources.text(path) if any(item.text for item in note.sections) else None
        if text is None or not state.settings.is_linted(path):
            continue
        context = context or SectionContext.from_state(state, sources)
        if not any(find_section_edits(context, note, text)):
            parsed = [item for _, item in parse_managed_sections(note, "")]
            found[path] = frozenset(find_mentioning_notes(path, parsed, index.names))
    return found


def plan_section_edits(
    state: State,
    sources: FixSources,
    mentions: MentionsByPath,
    edits: Mapping[str, Sequence[Edit]],
) -> dict[str, tuple[Edit, ...]]:
    """Return the edits that bring managed sections back in step.

    Args:
        state: The state after the renames.
        sources: The texts after the renames, by path after them, and the times of the notes.
        mentions: New paths of the notes with sections to update, and of the mentions in these.
        edits: The edits that were made in these notes already, by new path; not in the sections.

    Returns:
        The edits in the texts before the renames, by new path.
    """
    found: dict[str, tuple[Edit, ...]] = {}
    if not mentions:
        return found
    context = SectionContext.from_state(state, replace(sources, mentions=mentions))
    for path in sorted(mentions):
        text = sources.text(path)
        if text is None:
            continue
        shift = OffsetShift(edits.get(path, ()))
        group = [
            Edit(path, shift.map_back(edit.start), shift.map_back(edit.end), edit.text)
            for _, edit in find_section_edits(context, state.index.notes[path], text)
        ]
        if group:
            found[path] = tuple(group)
    return found
