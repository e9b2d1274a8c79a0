"""Tests of the history that git knows: moves, replaced files, deletions and what can't be seen."""

import random
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from builder import build_state, make_settings
from repositories import commit, create_repository, git, read_history, read_notes, update_files
from running import RunCommand
from tables import each
from vaultlink.disk.scan import list_files
from vaultlink.git.location import ReadBudget
from vaultlink.git.objects import read_blobs
from vaultlink.history.git_log import GitLog, read_log
from vaultlink.history.git_renames import find_moves_since, git_history
from vaultlink.history.matcher import PieceIndex
from vaultlink.model import UNCOMMITTED, History
from vaultlink.rules.former_targets import follow_move

pytestmark = pytest.mark.usefixtures("plain_git")

COMMIT_SECONDS = 1706616000
"""The date of all commits in seconds since the epoch."""


NO_NOTES = PieceIndex({})


def replaced(root: Path, since: str = "HEAD") -> dict[str, str]:
    """Return where the files of a commit went whose path another file has now."""
    files = list_files(root).files
    moves = find_moves_since(root, files, read_notes(root), since)
    return {old: new for old, new in moves.items() if old in files}


def lines(name: str, count: int = 20) -> str:
    """Return a text whose lines are in no other."""
    return "".join(f"Line {number} of {name} says something.\n" for number in range(count))


def edited(text: str, changed: int) -> str:
    """Return a text with the first lines replaced."""
    kept = text.splitlines(keepends=True)[changed:]
    return "".join(f"A quite different line, number {n}.\n" for n in range(changed)) + "".join(kept)


def half(name: str, number: int) -> str:
    """Return the first (0) or second (1) half of a text, with a line of its own before it."""
    kept = lines(name).splitlines(keepends=True)[number * 10 : number * 10 + 10]
    return f"Part {number} has words of its own, and this is a long line.\n" * 9 + "".join(kept)


def history(root: Path) -> History:
    return read_history(root)


def move(root: Path, old: str, new: str) -> None:
    (root / new).parent.mkdir(parents=True, exist_ok=True)
    (root / old).rename(root / new)


class MemoryStore:
    """A store that counts how often it was saved."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.saved = 0

    def load(self, key: str) -> bytes | None:
        return self.values.get(key)

    def save(self, key: str, value: bytes) -> None:
        self.values[key] = value
        self.saved += 1


# -- every path that vanished ----------------------------------------------------------------------


def test_every_path_that_vanished_is_known(tmp_path: Path) -> None:
    root = create_repository(
        tmp_path, {f"{name}.md": lines("twin" if name in "cd" else name) for name in "abcde"}
    )
    git(root, "rm", "--quiet", "a.md")
    commit(root)
    move(root, "b.md", "b2.md")
    commit(root)
    move(root, "c.md", "c2.md")
    move(root, "d.md", "d2.md")
    (root / "e.md").unlink()
    found = history(root)
    assert found.moves == {"b.md": "b2.md"}
    assert found.deleted == {"a.md", "e.md"}
    assert found.vanished == {
        "a.md": COMMIT_SECONDS,
        "b.md": COMMIT_SECONDS + 1,
        "c.md": UNCOMMITTED,
        "d.md": UNCOMMITTED,
        "e.md": UNCOMMITTED,
    }


def targets(root: Path, link: str = "X") -> str | None:
    """Return the present path of the file that a link in Home.md led to."""
    notes = dict.fromkeys(list_files(root).files, "")
    settings = replace(make_settings(["moved-link"]), history=history(root))
    state = build_state({**notes, "Home.md": f"[[{link}]]\n"}, settings)
    [(_, context)] = settings.build_checks("links", state.index)
    note = state.index.notes["Home.md"]
    return follow_move(note.links[0], "Home.md", context.index, context.history)


Steps = list[tuple[str, ...]]
REMOVED_OR_MOVED: dict[str, tuple[Steps, str | None]] = {
    "both at once: the link led to the shorter path": (
        [("remove", "a/X.md"), ("move", "longer/X.md", "longer/Z.md")],
        None,
    ),
    "both in one commit": (
        [("remove", "a/X.md"), ("move", "longer/X.md", "longer/Z.md"), ("commit",)],
        None,
    ),
    "deleted first: the link led to the other one then": (
        [("remove", "a/X.md"), ("commit",), ("move", "longer/X.md", "longer/Z.md")],
        "longer/Z.md",
    ),
    "deleted in an earlier commit": (
        [("remove", "a/X.md"), ("commit",), ("move", "longer/X.md", "longer/Z.md"), ("commit",)],
        "longer/Z.md",
    ),
    "moved first: the link still led to the shorter path": (
        [("move", "longer/X.md", "longer/Z.md"), ("commit",), ("remove", "a/X.md"), ("commit",)],
        None,
    ),
    "a path that was used twice": (
        [
            ("move", "a/X.md", "a/Y.md"),
            ("remove", "longer/X.md"),
            ("commit",),
            ("write", "a/X.md", "another text\n"),
            ("commit",),
            ("remove", "a/X.md"),
            ("commit",),
        ],
        None,
    ),
    "a new name that another file took later": (
        [
            ("remove", "longer/X.md"),
            ("move", "a/X.md", "a/Y.md"),
            ("commit",),
            ("remove", "a/Y.md"),
            ("commit",),
            ("write", "a/Y.md", "another text\n"),
            ("commit",),
            ("move", "a/Y.md", "a/Q.md"),
            ("commit",),
        ],
        None,
    ),
}


def run_steps(root: Path, steps: Steps) -> Path:
    """Do these steps in a repository."""
    for step, *names in steps:
        if step == "move":
            move(root, *names)
        elif step == "write":
            update_files(root, dict([names]))
        elif step == "remove":
            (root / names[0]).unlink()
        else:
            commit(root)
    return root


@each("what", REMOVED_OR_MOVED)
def test_link_follows_the_file_that_it_led_to_and_no_namesake(tmp_path: Path, what: str) -> None:
    steps, expected = REMOVED_OR_MOVED[what]
    root = create_repository(
        tmp_path, {"a/X.md": lines("a"), "longer/X.md": lines("b"), "Home.md": "[[X]]\n"}
    )
    assert targets(run_steps(root, steps)) == expected


def test_link_in_a_note_that_moved_before_is_read_from_its_later_folder(tmp_path: Path) -> None:
    root = create_repository(
        tmp_path,
        {"a/X.md": lines("a"), "long/X.md": lines("b"), "a/Note.md": lines("n") + "[[X]]\n"},
    )
    move(root, "a/Note.md", "long/Note.md")
    commit(root)
    move(root, "a/X.md", "a/Y.md")
    move(root, "long/X.md", "long/Z.md")
    found = history(root)
    state = build_state(
        {**dict.fromkeys(list_files(root).files, ""), "long/Note.md": "[[X]]\n"},
        replace(make_settings(["moved-link"]), history=found),
    )
    link = state.index.notes["long/Note.md"].links[0]
    assert follow_move(link, "long/Note.md", state.index, found) == "long/Z.md"


# -- similar content -------------------------------------------------------------------------------


@each("state", ["uncommitted", "staged", "committed"])
@each(
    ("changed", "moved", "likely"),
    [(2, True, False), (7, True, False), (9, True, False), (11, False, True), (13, False, False)],
)
def test_share_of_the_text_decides(
    tmp_path: Path, changed: int, moved: bool, likely: bool, state: str
) -> None:
    text = lines("a")
    root = create_repository(tmp_path, {"a.md": text, "x.md": lines("x")})
    update_files(root, {"a.md": None, "sub/b.md": edited(text, changed), "y.md": lines("y")})
    if state == "staged":
        git(root, "add", "--all")
    elif state == "committed":
        commit(root)
    found = history(root)
    assert found.moves == ({"a.md": "sub/b.md"} if moved else {})
    assert found.likely_moves == ({"a.md": "sub/b.md"} if likely else {})
    assert found.deleted == (set() if moved or likely else {"a.md"})


STUB = "→ Moved to [[Targets]] for good, see there.\n"
FOLLOWED: dict[str, tuple[Mapping[str, str], Mapping[str, str | None], Mapping[str, str]]] = {
    "a series with more digits": (
        {f"{n} - MPI.md": lines(f"MPI {n}") for n in (1, 2)},
        {
            "1 - MPI.md": None,
            "2 - MPI.md": None,
            "01 - MPI.md": edited(lines("MPI 1"), 2),
            "02 - MPI.md": lines("MPI 2"),
        },
        {"1 - MPI.md": "01 - MPI.md", "2 - MPI.md": "02 - MPI.md"},
    ),
    "a series with other numbers": (
        {"4 - MPI.md": lines("MPI", 200)},
        {"4 - MPI.md": None, "7 - MPI.md": edited(lines("MPI", 200), 1)},
        {"4 - MPI.md": "7 - MPI.md"},
    ),
    "a series that moves by one": (
        {f"Part {n}.md": lines(f"part {n}") for n in (1, 2, 3)},
        {
            "Part 1.md": None,
            "Part 2.md": lines("part 1"),
            "Part 3.md": lines("part 2"),
            "Part 4.md": lines("part 3"),
        },
        {"Part 1.md": "Part 2.md"},
    ),
    "the same text in two folders that move": (
        {"a/x.md": lines("x"), "b/x.md": lines("x")},
        {"a/x.md": None, "b/x.md": None, "c/a/x.md": lines("x"), "c/b/x.md": lines("x")},
        {"a/x.md": "c/a/x.md", "b/x.md": "c/b/x.md"},
    ),
    "the same text under two names": (
        {"x.md": lines("x"), "y.md": lines("x")},
        {"x.md": None, "y.md": None, "sub/x.md": lines("x"), "sub/y.md": lines("x")},
        {"x.md": "sub/x.md", "y.md": "sub/y.md"},
    ),
    "the same text, renamed in two folders": (
        {"a/x.md": lines("x"), "b/x.md": lines("x")},
        {"a/x.md": None, "b/x.md": None, "a/y.md": lines("x"), "b/y.md": lines("x")},
        {"a/x.md": "a/y.md", "b/x.md": "b/y.md"},
    ),
    "several edited notes of one kind": (
        {f"{c}.md": lines("kind", 8) + lines(c) for c in "abc"},
        {
            **{f"{c}.md": None for c in "abc"},
            **{f"new {c}.md": edited(lines("kind", 8) + lines(c), 2) for c in "abc"},
        },
        {f"{c}.md": f"new {c}.md" for c in "abc"},
    ),
    "a note of a kind that keeps its name": (
        {f"d/{c}.md": lines("kind") + lines(c, 5) for c in "ab"},
        {"d/a.md": None, "e/a.md": edited(lines("kind") + lines("a", 5), 6)},
        {"d/a.md": "e/a.md"},
    ),
    "a lone bullet whose name keeps its words": (
        {"Sea-Plan.md": "- \n"},
        {"Sea-Plan.md": None, "Sea Plan.md": "- \n"},
        {"Sea-Plan.md": "Sea Plan.md"},
    ),
    "a folder that is renamed, with a copy of some of its notes": (
        {f"a/{n}.md": lines(n) for n in "wxyz"},
        {
            **{f"a/{n}.md": None for n in "wxyz"},
            **{f"b/{n}.md": lines(n) for n in "wxyz"},
            **{f"c/{n}.md": lines(n) for n in "yz"},
        },
        {f"a/{n}.md": f"b/{n}.md" for n in "wxyz"},
    ),
    "a folder whose notes went to two, and one of them to both": (
        {f"a/{n}.md": lines(n) for n in "vwxyz"},
        {
            **{f"a/{n}.md": None for n in "vwxyz"},
            **{f"b/{n}.md": lines(n) for n in "vwz"},
            **{f"c/{n}.md": lines(n) for n in "xyz"},
        },
        {**{f"a/{n}.md": f"b/{n}.md" for n in "vw"}, **{f"a/{n}.md": f"c/{n}.md" for n in "xy"}},
    ),
    "a folder of which only one note shows where it went": (
        {f"a/{n}.md": lines(n) for n in "yz"},
        {
            **{f"a/{n}.md": None for n in "yz"},
            **{f"b/{n}.md": lines(n) for n in "yz"},
            "c/z.md": lines("z"),
        },
        {"a/y.md": "b/y.md"},
    ),
    "the same, and the name of the folder keeps its words": (
        {f"The sea old/{n}.md": lines(n) for n in "yz"},
        {
            **{f"The sea old/{n}.md": None for n in "yz"},
            **{f"Sea old/{n}.md": lines(n) for n in "yz"},
            "c/z.md": lines("z"),
        },
        {f"The sea old/{n}.md": f"Sea old/{n}.md" for n in "yz"},
    ),
    "a folder that is renamed, and a note of it given two other names": (
        {f"a/{n}.md": lines(n) for n in "xyz"},
        {
            **{f"a/{n}.md": None for n in "xyz"},
            **{f"b/{n}.md": lines(n) for n in "xy"},
            "b/q.md": lines("z"),
            "c/r.md": lines("z"),
        },
        {f"a/{n}.md": f"b/{n}.md" for n in "xy"},
    ),
    "a folder with folders that is renamed, and one of these copied": (
        {f"a/{s}/{n}.md": lines(s + n) for s in "st" for n in "yz"},
        {
            **{f"a/{s}/{n}.md": None for s in "st" for n in "yz"},
            **{f"b/{s}/{n}.md": lines(s + n) for s in "st" for n in "yz"},
            **{f"c/{n}.md": lines("s" + n) for n in "yz"},
        },
        {f"a/{s}/{n}.md": f"b/{s}/{n}.md" for s in "st" for n in "yz"},
    ),
    **{
        f"a stub of which others have the text: {old} to {new}": (
            {f"{old}.md": STUB, "One.md": STUB, "Two.md": STUB},
            {f"{old}.md": None, f"{new}.md": STUB},
            {f"{old}.md": f"{new}.md"},
        )
        for old, new in (
            ("WPQ", "11 - WPQ"),
            ("11 - WPQ", "WPQ"),
            ("Cell wall", "Wall of a cell"),
            ("计划", "2024 计划"),
        )
    },
}


@each("committed", [False, True])
@each("what", FOLLOWED)
def test_rename_is_followed(tmp_path: Path, what: str, committed: bool) -> None:
    before, changes, moves = FOLLOWED[what]
    root = create_repository(tmp_path, {**before, "other.md": "Something else.\n"})
    update_files(root, changes)
    if committed:
        commit(root)
    assert history(root).moves == moves


NOT_FOLLOWED: dict[str, tuple[Mapping[str, str], Mapping[str, str | None]]] = {
    "a note that is more alike than another of its kind, which has most of it": (
        {f"d/{c}.md": lines("kind") + lines(c, 8) for c in "ab"},
        {"d/a.md": None, "d/c.md": edited(lines("kind") + lines("a", 8), 1)},
    ),
    "daily notes from a template": (
        {"2024-01-30.md": lines("template", 200)},
        {"2024-01-30.md": None, "2024-01-31.md": edited(lines("template", 200), 1)},
    ),
    "the next member of a series": (
        {"Chapter 1.md": lines("template") + lines("one", 3)},
        {"Chapter 1.md": None, "Chapter 2.md": lines("template") + lines("two", 3)},
    ),
    "the same text in two folders that become one": (
        {"a/x.md": lines("x"), "b/x.md": lines("x")},
        {"a/x.md": None, "b/x.md": None, "c/x.md": lines("x")},
    ),
    "an edited note with two successors": (
        {"a.md": lines("a")},
        {"a.md": None, "b.md": edited(lines("a"), 2), "c.md": edited(lines("a"), 3)},
    ),
    "two notes of one kind, and one successor": (
        {"a.md": lines("kind") + "a\n", "b.md": lines("kind") + "b\n"},
        {"a.md": None, "b.md": None, "c.md": lines("kind") + "c\n"},
    ),
    "another note of a template": (
        {f"d/{c}.md": lines("kind") + lines(c, 5) for c in "ab"},
        {"d/a.md": None, "d/c.md": lines("kind") + lines("c", 5)},
    ),
    "another copy of a template": (
        {f"d/{c}.md": lines("kind") for c in "ab"},
        {"d/a.md": None, "d/c.md": lines("kind")},
    ),
    "another note of a template, in the folder of its kind": (
        {"a.md": lines("kind") + lines("a", 5), "d/b.md": lines("kind") + lines("b", 5)},
        {"a.md": None, "d/c.md": lines("kind") + lines("c", 5)},
    ),
    **{
        f"a stub of which others have the text: {old} to {new}": (
            {f"{old}.md": STUB, "One.md": STUB, "Two.md": STUB},
            {f"{old}.md": None, f"{new}.md": STUB},
        )
        for old, new in (
            ("WPQ", "WQ"),
            ("boj 1463", "boj 11659"),
            ("Untitled", "Untitled 1"),
            ("Plan (2)", "Plan"),
            ("2024", "2024-05-01"),
            ("a", "Not a plan"),
            ("Cell wall", "Cells wall"),
        )
    },
    "a folder that is copied twice as it is removed": (
        {f"a/{n}.md": lines(n) for n in "yz"},
        {
            **{f"a/{n}.md": None for n in "yz"},
            **{f"{folder}/{n}.md": lines(n) for folder in "bc" for n in "yz"},
        },
    ),
    "an edited stub of which others have the text": (
        {"WPQ.md": STUB, "One.md": STUB, "Two.md": STUB},
        {"WPQ.md": None, "11 - WPQ.md": STUB + "It has one line more.\n"},
    ),
}


@each("committed", [False, True])
@each("what", NOT_FOLLOWED)
def test_doubtful_rename_is_not_followed(tmp_path: Path, what: str, committed: bool) -> None:
    before, changes = NOT_FOLLOWED[what]
    root = create_repository(tmp_path, {**before, "other.md": "Something else.\n"})
    update_files(root, changes)
    if committed:
        commit(root)
    found = history(root)
    assert not found.moves
    assert not found.deleted
    assert found.vanished.keys() == {path for path, text in changes.items() if text is None}


# -- replaced files --------------------------------------------------------------------------------

REPLACED: dict[str, tuple[Mapping[str, str], Mapping[str, str | None], Mapping[str, str]]] = {
    "two notes exchanged": (
        {"a.md": lines("a"), "b.md": lines("b")},
        {"a.md": lines("b"), "b.md": lines("a")},
        {"a.md": "b.md", "b.md": "a.md"},
    ),
    "two notes exchanged and edited": (
        {"a.md": lines("a"), "b.md": lines("b")},
        {"a.md": edited(lines("b"), 2), "b.md": edited(lines("a"), 2)},
        {"a.md": "b.md", "b.md": "a.md"},
    ),
    "a series moved by one": (
        {"1.md": lines("1"), "2.md": lines("2")},
        {"1.md": None, "2.md": lines("1"), "3.md": lines("2")},
        {"2.md": "3.md"},
    ),
    "a similar series moved by one": (
        {n + ".md": lines("kind") + lines(n, 3) for n in "12"},
        {
            "1.md": None,
            "2.md": lines("kind") + lines("1", 3),
            "3.md": lines("kind") + lines("2", 3),
        },
        {"2.md": "3.md"},
    ),
    "a new note under an old name": (
        {"a.md": lines("a")},
        {"a.md": lines("new"), "b.md": lines("a")},
        {},
    ),
    "a new note before a series": (
        {"a 1.md": lines("a"), "a 2.md": lines("b")},
        {"a 1.md": lines("new"), "a 2.md": lines("a"), "a 3.md": lines("b")},
        {"a 1.md": "a 2.md", "a 2.md": "a 3.md"},
    ),
    "a rewritten note": ({"a.md": lines("a")}, {"a.md": lines("new")}, {}),
    "a rewritten note, and a new one": (
        {"a.md": lines("a")},
        {"a.md": lines("b"), "c.md": lines("c")},
        {},
    ),
    "a copy": ({"a.md": lines("a")}, {"b.md": lines("a")}, {}),
    "an edited note whose former text is copied": (
        {"a.md": lines("a")},
        {"a.md": edited(lines("a"), 2), "b.md": lines("a")},
        {},
    ),
    "an archived note that keeps a part of its text": (
        {"a.md": lines("a"), "b.md": lines("b")},
        {"a.md": lines("a")[-200:] + "More.\n", "b.md": None, "c.md": lines("a")},
        {},
    ),
    "a note that becomes a copy": (
        {"a.md": lines("a"), "b.md": lines("b")},
        {"b.md": lines("a")},
        {},
    ),
}


@pytest.mark.thorough
@each("committed", [False, True])
@each("what", REPLACED)
def test_replaced_files_are_found(tmp_path: Path, what: str, committed: bool) -> None:
    before, changes, moves = REPLACED[what]
    root = create_repository(tmp_path, {**before, "other.md": "Something else.\n"})
    base = git(root, "rev-parse", "HEAD").strip()
    update_files(root, changes)
    if committed:
        commit(root)
        assert replaced(root) == {}
    assert replaced(root, base) == moves


# -- reasons ---------------------------------------------------------------------------------------

MADE_OF: dict[str, tuple[Sequence[Mapping[str, str | None]], str]] = {
    "deleted": ([{"a.md": None}], "deleted in {1} on 2024-01-30"),
    "moved, then deleted": (
        [{"a.md": None, "sub/b.md": lines("a")}, {"sub/b.md": None}],
        "deleted in {2} on 2024-01-30",
    ),
    "merged into another note": (
        [{"a.md": None, "x.md": lines("x") + edited(lines("a"), 4)}],
        "merged into x",
    ),
    "merged into another note, with its name as an alias": (
        [{"a.md": None, "x.md": "---\naliases: [a]\n---\n" + lines("x") + lines("a")}],
        "merged into x",
    ),
    "merged into a note that was renamed": (
        [
            {"a.md": None, "x.md": lines("x") + lines("a")},
            {"x.md": None, "y.md": lines("x") + lines("a")},
        ],
        "merged into y",
    ),
    "merged into a note that is gone": (
        [{"a.md": None, "x.md": lines("x") + lines("a")}, {"x.md": None}],
        "deleted in {1} on 2024-01-30",
    ),
    "split": (
        [{"a.md": None, "b.md": half("a", 0), "sub/c.md": half("a", 1)}],
        "split into b and sub/c",
    ),
    "a part of it is kept": (
        [{"a.md": None, "x.md": lines("x") + edited(lines("a"), 12)}],
        "deleted in {1} on 2024-01-30",
    ),
    "a note that had the same text": (
        [{"x.md": lines("x") + lines("a")}, {"a.md": None, "x.md": lines("a") + "More.\n"}],
        "deleted in {2} on 2024-01-30",
    ),
    "not committed": ([], ""),
}


@each("what", MADE_OF)
def test_reason_of_a_deletion(tmp_path: Path, what: str) -> None:
    versions, expected = MADE_OF[what]
    root = create_repository(
        tmp_path, {"a.md": lines("a"), "x.md": lines("x"), "other.md": lines("other")}
    )
    commits = [git(root, "rev-parse", "HEAD")[:7]]
    for version in versions:
        update_files(root, version)
        commits.append(commit(root)[:7])
    if not versions:
        (root / "a.md").unlink()
    found = read_history(root, wanted={"a.md"}).reasons
    assert found == ({"a.md": expected.format(*commits)} if expected else {})
    assert read_history(root, wanted={"q.md"}).reasons == {}


# -- size, kept logs, what can't be seen -----------------------------------------------------------


@pytest.mark.thorough
def test_many_renames_in_a_commit_are_followed(tmp_path: Path) -> None:
    root = create_repository(
        tmp_path, {f"a/{n}x.md": lines("kind", 3) + lines(f"note {n}") for n in range(700)}
    )
    changes: dict[str, str | None] = {f"a/{n}x.md": None for n in range(700)}
    changes.update(
        (f"b/note {n}.md", lines("kind", 3) + edited(lines(f"note {n}"), 2)) for n in range(700)
    )
    update_files(root, changes)
    expected = {f"a/{n}x.md": f"b/note {n}.md" for n in range(700)}
    assert history(root).moves == expected
    commit(root)
    assert history(root).moves == expected


def add_commits(root: Path, count: int) -> None:
    """Add commits that change a file, quickly."""
    stream = "".join(
        f"commit refs/heads/main\ncommitter Ann <ann@example.org> {COMMIT_SECONDS} +0000\n"
        f"data 0\n{'from refs/heads/main^0' + chr(10) if n == 0 else ''}"
        f"M 644 inline other.md\ndata {len(str(n))}\n{n}\n"
        for n in range(count)
    )
    subprocess.run(
        ["git", "-C", str(root), "fast-import", "--quiet"], input=stream.encode(), check=True
    )
    git(root, "reset", "--quiet", "--hard")


@pytest.mark.thorough
def test_long_history_is_followed(tmp_path: Path) -> None:
    root = create_repository(tmp_path, {"a.md": lines("a"), "x.md": lines("x")})
    move(root, "a.md", "b.md")
    commit(root)
    add_commits(root, 5_000)
    assert history(root).moves == {"a.md": "b.md"}


def test_kept_log_is_extended_by_new_commits(tmp_path: Path) -> None:
    root = create_repository(
        tmp_path, {**{f"{name}.md": lines(name) for name in "abcd"}, "x.md": lines("x")}
    )
    store = MemoryStore()
    first = git(root, "rev-parse", "HEAD").strip()
    steps: list[Mapping[str, str | None]] = [
        {"a.md": None, "a2.md": edited(lines("a"), 3)},
        {"x.md": "x\n"},
        {"b.md": None},
        {"a2.md": None, "a3.md": lines("a")},
    ]
    for changes in steps:
        assert read_log(root, (), NO_NOTES, store) == read_log(root, (), NO_NOTES)
        saved = store.saved
        assert read_log(root, (), NO_NOTES, store) == read_log(root, (), NO_NOTES)
        assert store.saved == saved
        update_files(root, changes)
        commit(root)
    assert read_log(root, (), NO_NOTES, store) == read_log(root, (), NO_NOTES)
    git(root, "reset", "--quiet", "--hard", "HEAD~2")
    assert read_log(root, (), NO_NOTES, store) == read_log(root, (), NO_NOTES)
    git(root, "checkout", "--quiet", "-B", "other", first)
    update_files(root, {"c.md": None})
    commit(root)
    assert read_log(root, (), NO_NOTES, store) == read_log(root, (), NO_NOTES)
    git(root, "merge", "--quiet", "--no-edit", "main")
    assert read_log(root, (), NO_NOTES, store) == read_log(root, (), NO_NOTES)


def lose(root: Path, *objects: str) -> None:
    """Remove objects from a repository."""
    for name in objects:
        full = git(root, "rev-parse", name).strip()
        file = root / ".git/objects" / full[:2] / full[2:]
        file.chmod(0o600)
        file.unlink()


def test_unreadable_objects_cost_the_renames_of_their_commit(tmp_path: Path) -> None:
    root = create_repository(tmp_path, {f"{name}.md": lines(name) for name in "abcd"})
    names = []
    for name in "abcd":
        update_files(root, {f"{name}.md": None, f"{name}2.md": edited(lines(name), 3)})
        names.append(commit(root))
    lose(root, f"{names[0]}~1:a.md", f"{names[1]}^{{tree}}")
    log = read_log(root, (), NO_NOTES)
    assert {path for entry in log.commits for path in entry.outcomes} == {"a.md", "d.md"}
    assert set(log.unreadable) == set(names[:3])
    assert history(root).moves == {"d.md": "d2.md"}
    assert log.describe_unseen() == [
        f"git can't read all objects of 3 commits, such as {log.unreadable[0][:7]}"
    ]


def test_missing_objects_with_long_names_are_missing(tmp_path: Path) -> None:
    root = create_repository(tmp_path, {"a.md": "A\n", "b.md": "B\n"})
    long = f"HEAD:./{'ö' * 150}.md"
    names = ["HEAD:./a.md", long, "HEAD:./b.md"]
    blobs = read_blobs(root, names, ReadBudget(root, 1_000))
    assert list(blobs) == [b"A\n", None, b"B\n"]


def test_blob_that_git_can_read_only_in_part_is_unreadable(tmp_path: Path) -> None:
    long = random.Random(1).randbytes(100_000).hex()
    root = create_repository(tmp_path, {"a.md": "A\n", "b.md": long, "c.md": "C\n"})
    name = git(root, "rev-parse", "HEAD:b.md").strip()
    file = root / ".git/objects" / name[:2] / name[2:]
    file.chmod(0o600)
    data = bytearray(file.read_bytes())
    data[-10:] = bytes(10)
    file.write_bytes(data)
    names = [f"HEAD:./{name}.md" for name in "abc"]
    assert list(read_blobs(root, names, ReadBudget(root, 1_000_000))) == [b"A\n", None, b"C\n"]


def test_clone_without_old_contents_follows_unchanged_files(tmp_path: Path) -> None:
    root = create_repository(tmp_path / "one", {f"{name}.md": lines(name) for name in "ab"})
    update_files(root, {"a.md": None, "a2.md": lines("a")})
    commit(root)
    update_files(root, {"b.md": None, "b2.md": edited(lines("b"), 3)})
    last = commit(root)
    git(root, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", f"file://{root}", "two")
    clone = tmp_path / "two"
    found = history(clone)
    assert found.moves == {"a.md": "a2.md"}
    assert found.vanished.keys() == {"a.md", "b.md"}
    assert not found.deleted
    assert read_log(clone, (), NO_NOTES).describe_unseen() == [
        f"git can't read all objects of commit {last[:7]}"
    ]


def test_shallow_clone_says_what_it_has_not(tmp_path: Path, run: RunCommand) -> None:
    root = create_repository(tmp_path / "one", {"a.md": lines("a"), "b.md": lines("b")})
    for name in "ab":
        move(root, f"{name}.md", f"{name}2.md")
        commit(root)
    git(tmp_path, "clone", "--quiet", "--depth=2", f"file://{root}", "two")
    clone = tmp_path / "two"
    assert history(clone).moves == {"b.md": "b2.md"}
    assert read_log(clone, (), NO_NOTES).describe_unseen() == [
        "the clone is shallow and has no commits before 2024-01-30"
    ]
    assert read_log(root, (), NO_NOTES).describe_unseen() == []
    update_files(clone, {"c.md": "[[a]]\n"})
    for _ in range(2):
        assert (
            "Renamed notes may be missed: the clone is shallow and has no commits before 2024-01-30."
            in run("check", "--vault", str(clone)).err
        )
    assert "missed" not in run("check", "--vault", str(root)).err
    assert GitLog().describe_unseen() == []


# -- programs of the repository --------------------------------------------------------------------


def test_no_program_of_the_repository_runs_and_nothing_is_written(
    tmp_path: Path, run: RunCommand
) -> None:
    root = create_repository(tmp_path / "vault", {f"{name}.md": lines(name) for name in "abc"})
    update_files(root, {"links.md": "[[a]] [[b#nowhere]] [[b]]\n"})
    commit(root)
    trap, mark = tmp_path / "trap", tmp_path / "mark"
    trap.write_text(f"#!/bin/sh\necho \"$0 $@\" >> '{mark}'\nexit 1\n")
    trap.chmod(0o755)
    update_files(root, {".gitattributes": "*.md filter=trap diff=trap\n"})
    for key in (
        *("filter.trap.clean", "filter.trap.smudge", "filter.trap.process", "diff.external"),
        *("diff.trap.textconv", "diff.trap.command", "core.fsmonitor", "core.pager"),
    ):
        git(root, "config", key, str(trap))
    git(root, "config", "core.hooksPath", str(tmp_path))
    for hook in ("post-index-change", "fsmonitor-watchman", "pre-auto-gc"):
        (tmp_path / hook).write_text(trap.read_text())
        (tmp_path / hook).chmod(0o755)
    update_files(root, {"a.md": None, "a2.md": edited(lines("a"), 3), "b.md": edited("b", 1)})
    mark.unlink(missing_ok=True)
    before = {file: file.stat().st_mtime_ns for file in (root / ".git").rglob("*")}
    found = read_history(root, wanted={"a.md"})
    assert found.moves == {"a.md": "a2.md"}
    assert replaced(root) == {}
    assert run("check", "--vault", str(root), "--no-cache").code == 1
    assert run("history", "a2", "--vault", str(root)).code == 0
    assert not mark.exists(), mark.read_text()
    assert {file: file.stat().st_mtime_ns for file in (root / ".git").rglob("*")} == before


def test_only_wanted_notes_are_compared(tmp_path: Path) -> None:
    root = create_repository(tmp_path, {f"{name}.md": lines(name) for name in "abc"})
    for old, new in (("a", "d"), ("b", "e"), ("d", "f"), ("c", "g")):
        text = (root / f"{old}.md").read_text()
        update_files(root, {f"{old}.md": None, f"{new}.md": text + "One more line at the end.\n"})
        commit(root)
    files, store = list_files(root).files, MemoryStore()
    everything = {"a.md": "f.md", "d.md": "f.md", "b.md": "e.md", "c.md": "g.md"}
    for wanted, moves in (
        (set[str](), {}),
        ({"a.md"}, {"a.md": "f.md", "d.md": "f.md"}),
        ({"g.md"}, {"c.md": "g.md"}),
        (None, everything),
    ):
        found = git_history(root, files, read_notes(root), wanted=wanted)
        assert (found.moves, found.vanished.keys()) == (moves, everything.keys())
        kept = git_history(root, files, read_notes(root), wanted=wanted, store=store)
        assert kept.moves.items() >= moves.items()
    assert git_history(root, files, read_notes(root), wanted=(), store=store).moves == everything


@each("committed", [True, False])
def test_same_name_decides_between_two_versions_of_a_text(tmp_path: Path, committed: bool) -> None:
    text = lines("article") * 3
    root = create_repository(
        tmp_path, {"full/Data.md": text, "notes/Data 01.md": text + lines("id")}
    )
    update_files(
        root,
        {
            "full/Data.md": None,
            "notes/Data 01.md": None,
            "clips/Data.md": text + lines("id") + "x\n",
            "Data 01.md": text + "y\n",
        },
    )
    if committed:
        commit(root)
    assert history(root).moves == {
        "full/Data.md": "clips/Data.md",
        "notes/Data 01.md": "Data 01.md",
    }


@each("wanted", [None, {"plan.md"}])
def test_backup_beside_an_edited_rename_is_only_likely(
    tmp_path: Path, wanted: set[str] | None
) -> None:
    root = create_repository(tmp_path, {"a/plan.md": lines("plan")})
    renamed = lines("plan") + "One more line at the end.\n"
    update_files(
        root, {"a/plan.md": None, "backup/plan.md": lines("plan"), "a/roadmap.md": renamed}
    )
    for _ in ("in the working tree", "committed"):
        found = read_history(root, wanted=wanted)
        assert (found.moves, found.likely_moves) == ({}, {"a/plan.md": "a/roadmap.md"})
        commit(root)
