"""An edit that takes nothing from a note has no history to remember, whatever links name."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from builder import build_state
from vaultlink.history.file_pairs import Snapshot, follow
from vaultlink.history.link_changes import remember_created, remember_links, remember_names
from vaultlink.history.matcher import PieceIndex
from vaultlink.index.index import Index
from vaultlink.index.update import is_plain_edit
from vaultlink.model import NO_HISTORY, FileStamp, History

LINES = (
    *(
        "---\ntitle: Plan\n---",
        "---\naliases: [Old, Plan]\n---",
        "# Goals",
        "## Steps",
        "Text ^end",
    ),
    *("[[b]]", "[[b#Goals]]", "[[c|d]]", "[d](d.md#goals)", "[[Plan]]", "![[d#^end]]", "words"),
)
NOTES = ("a.md", "x/b.md", "x/d.md", "c.canvas")

texts = some.lists(some.sampled_from(LINES), max_size=6).map(lambda lines: "\n".join(lines) + "\n")
vaults = some.fixed_dictionaries(dict.fromkeys(NOTES[:3], texts))


def remember_all(before: Index, now: Index, path: str) -> History:
    """Return what is remembered of an edit by comparing the whole of both states."""
    stamps = dict.fromkeys(now.files, FileStamp(10, 1, 1))
    new = follow(
        Snapshot(stamps, before.notes.get),
        Snapshot({**stamps, path: FileStamp(11, 2, 2)}, now.notes.get),
        [path],
        PieceIndex(now.notes),
    )
    history = remember_created(NO_HISTORY, new, before, now).within(now.files)
    return remember_names(remember_links(history, before, now, {}), before, now, {})


@pytest.mark.thorough
@settings(max_examples=400, deadline=None)
@given(vault=vaults, path=some.sampled_from(NOTES[:3]), text=texts)
def test_plain_edit_is_not_remembered(vault: dict[str, str], path: str, text: str) -> None:
    before, now = build_state(vault).index, build_state({**vault, path: text}).index
    if is_plain_edit(before, now, path):
        assert remember_all(before, now, path) == NO_HISTORY


def test_added_link_is_a_plain_edit_and_a_lost_heading_is_not() -> None:
    vault = {"a.md": "[[b#Goals]]\n", "b.md": "# Goals\n"}
    before = build_state(vault).index
    assert is_plain_edit(
        before, build_state({**vault, "a.md": "[[b#Goals]] [[c]]\n"}).index, "a.md"
    )
    assert not is_plain_edit(before, build_state({**vault, "b.md": "# Aims\n"}).index, "b.md")
