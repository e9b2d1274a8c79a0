"""Tests of headings and blocks that earlier commits had."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from repositories import commit, create_repository, git, read_history, update_files
from tables import each
from vaultlink.disk.scan import list_files
from vaultlink.history.git_anchors import PresentNotes, find_git_anchors
from vaultlink.model import Note
from vaultlink.parse.note import parse_note

pytestmark = pytest.mark.usefixtures("plain_git")

BODY = "Some words about it. [[Other]]\n\n"
LAST = "# Last\nThe end.\n"


def note(*headings: str) -> str:
    """Return a note with a section for each heading."""
    return "# Top\nBegins.\n\n" + "".join(f"## {name}\n{BODY}" for name in headings) + LAST


class MemoryStore:
    """A store in memory."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    def load(self, key: str) -> bytes | None:
        return self.values.get(key)

    def save(self, key: str, value: bytes) -> None:
        self.values[key] = value


def find_anchors(
    root: Path, path: str, *keys: str, store: MemoryStore | None = None
) -> dict[str, str]:
    """Return the destinations of missing headings and blocks; with "?" where not certain."""
    files = list_files(root).files
    notes: dict[str, Note] = {
        name: parse_note(name, (root / name).read_text("utf-8")) for name in files
    }
    now = PresentNotes(files, notes, read_history(root).moves)
    found = find_git_anchors(root, {path: set(keys)}, now, store).get(path, {})
    return {
        key: place.path + place.subpath + ("" if place.is_certain else "?")
        for key, place in found.items()
        if place.subpath
    }


Versions = Sequence[Mapping[str, str | None]]

CHANGES: dict[str, tuple[Versions, str, str | None]] = {
    "reworded": (
        [{"A.md": note("Plan")}, {"A.md": note("The plan")}],
        "plan",
        "A.md#The plan",
    ),
    "reworded twice": (
        [{"A.md": note("Plan")}, {"A.md": note("Plans")}, {"A.md": note("Our plans")}],
        "plan",
        "A.md#Our plans",
    ),
    "reworded, then the note was renamed": (
        [
            {"A.md": note("Plan")},
            {"A.md": note("The plan")},
            {"A.md": None, "B.md": note("The plan")},
        ],
        "plan",
        "B.md#The plan",
    ),
    "renamed and reworded at once": (
        [{"A.md": note("Plan", "x", "y")}, {"A.md": None, "B.md": note("The plan", "x", "y")}],
        "plan",
        "B.md#The plan",
    ),
    "moved to a new note": (
        [
            {"A.md": note("Before", "Plan", "After")},
            {"A.md": note("Before", "After"), "B.md": f"## Plan\n{BODY}" + LAST},
        ],
        "plan",
        "B.md#Plan",
    ),
    "moved to a new note that was renamed": (
        [
            {"A.md": note("Before", "Plan", "After")},
            {"A.md": note("Before", "After"), "B.md": f"# B\nWords.\n\n## Plan\n{BODY}" + LAST},
            {"B.md": None, "C.md": f"# B\nWords.\n\n## Plan\n{BODY}" + LAST},
        ],
        "plan",
        "C.md#Plan",
    ),
    "moved to a new note and reworded there": (
        [
            {"A.md": note("Before", "Plan", "After")},
            {"A.md": note("Before", "After"), "B.md": f"# B\nWords.\n\n## Plan\n{BODY}" + LAST},
            {"B.md": f"# B\nWords.\n\n## New plan\n{BODY}" + LAST},
        ],
        "plan",
        "B.md#New plan",
    ),
    "left a link to a note that has it": (
        [
            {"A.md": note("Before", "Plan", "After")},
            {
                "A.md": note("Before") + "## [[B|Plan]]\n" + f"## After\n{BODY}",
                "B.md": f"## Plan\n{BODY}" + LAST,
            },
        ],
        "plan",
        "B.md#Plan",
    ),
    "left a link to a note that has its text without it": (
        [
            {"A.md": note("Before", "Plan", "After")},
            {
                "A.md": note("Before") + "## [[B|Plan]]\n" + f"## After\n{BODY}",
                "B.md": BODY + LAST,
            },
        ],
        "plan",
        "A.md#B Plan?",
    ),
    "became a link and kept its text": (
        [
            {"A.md": note("Before", "Plan", "After")},
            {"A.md": note("Before", "[[B|Plan]]", "After"), "B.md": LAST},
        ],
        "plan",
        "A.md#B Plan",
    ),
    "a block id replaced": (
        [
            {"A.md": "# A\nA text of its own, in one line ^one\n"},
            {"A.md": "# A\nA text of its own, in one line ^two\n"},
        ],
        "^one",
        "A.md#^two",
    ),
    "a block moved to another note": (
        [
            {"A.md": "# A\nText ^1a2b3c\n\nMore.\n", "B.md": "# B\n"},
            {"A.md": "# A\n\nMore.\n", "B.md": "# B\nText ^1a2b3c\n"},
        ],
        "^1a2b3c",
        "B.md#^1a2b3c",
    ),
    "removed": (
        [{"A.md": note("Before", "Plan", "After")}, {"A.md": note("Before", "After")}],
        "plan",
        None,
    ),
    "never there": ([{"A.md": note("Plan")}, {"A.md": note("The plan")}], "plans", None),
    "of another note that had the path": (
        [
            {"A.md": note("Plan")},
            {"A.md": None},
            {"A.md": "# Something\nelse\n"},
            {"A.md": "# Something new\nelse\n"},
        ],
        "plan",
        None,
    ),
    "reworded, then removed": (
        [{"A.md": note("x", "Plan")}, {"A.md": note("x", "The plan")}, {"A.md": note("x")}],
        "plan",
        None,
    ),
}


@each("state", ["committed", "uncommitted", "in a folder"])
@each("what", CHANGES)
def test_former_heading_is_followed(tmp_path: Path, what: str, state: str) -> None:
    versions, key, expected = CHANGES[what]
    create_repository(tmp_path, {"code.py": "x\n"})
    root = tmp_path / "notes" if state == "in a folder" else tmp_path
    for number, version in enumerate(versions, 1):
        update_files(root, {"Other.md": "", **version})
        if state != "uncommitted" or number < len(versions):
            commit(tmp_path)
    path = "A.md" if (root / "A.md").exists() else "B.md" if (root / "B.md").exists() else "C.md"
    store = MemoryStore()
    found = find_anchors(root, path, key, store=store)
    assert found == ({key: expected} if expected else {})
    assert find_anchors(root, path, key, store=store) == found


def test_stored_headings_are_followed_into_the_working_tree(tmp_path: Path) -> None:
    root = create_repository(tmp_path, {"A.md": note("Plan"), "Other.md": ""})
    update_files(root, {"A.md": note("The plan")})
    commit(root)
    store = MemoryStore()
    assert find_anchors(root, "A.md", "plan", store=store) == {"plan": "A.md#The plan"}
    saved = dict(store.values)
    update_files(root, {"A.md": note("Our plan")})
    assert find_anchors(root, "A.md", "plan", store=store) == {"plan": "A.md#Our plan"}
    update_files(root, {"A.md": note(), "B.md": f"## The plan\n{BODY}" + LAST})
    assert find_anchors(root, "A.md", "plan", store=store) == {"plan": "B.md#The plan"}
    assert store.values == saved
    commit(root)
    assert find_anchors(root, "A.md", "plan", store=store) == {"plan": "B.md#The plan"}
    assert store.values != saved
    git(root, "reset", "--quiet", "--hard", "HEAD~1")
    assert find_anchors(root, "A.md", "plan", store=store) == {"plan": "A.md#The plan"}


def test_damaged_store_is_read_again(tmp_path: Path) -> None:
    root = create_repository(tmp_path, {"A.md": note("Plan"), "Other.md": ""})
    update_files(root, {"A.md": note("The plan")})
    commit(root)
    store = MemoryStore()
    store.values = {"git-anchors": b"damaged", "git-log ": b"damaged"}
    assert find_anchors(root, "A.md", "plan", store=store) == {"plan": "A.md#The plan"}
