"""Tests of renames: from git in real repositories, from the cache, and their effect on checks."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from builder import build_state, make_settings
from repositories import commit, create_repository, git, read_history, read_notes, update_files
from running import RunCommand, create_vault, let_time_pass
from tables import each
from vaultlink.api import open_vault
from vaultlink.disk import load
from vaultlink.disk.scan import Settings, list_files
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import Change, State, step
from vaultlink.git.location import find_git_dir
from vaultlink.git.repository import read_git_state
from vaultlink.history.file_pairs import Snapshot, follow
from vaultlink.history.matcher import PieceIndex
from vaultlink.model import NO_HISTORY, History, Note
from vaultlink.parse.note import parse_note
from vaultlink.rules.former_targets import was_deleted

LONG = "".join(f"Line {number} says something of its own.\n" for number in range(20))
OTHER = "".join(f"Item {number} of another text.\n" for number in range(20))
OLD = 1_600_000_000


NO_NOTES = PieceIndex({})
pytestmark = pytest.mark.usefixtures("plain_git")


def move(root: Path, old: str, new: str) -> None:
    (root / new).parent.mkdir(parents=True, exist_ok=True)
    (root / old).rename(root / new)


def find_renames(root: Path) -> dict[str, str]:
    return dict(read_history(root).moves)


# -- git ----------------------------------------------------------------------------------------------------------


def test_chain_of_committed_renames_is_followed(tmp_path: Path) -> None:
    root = create_repository(tmp_path, {"a.md": LONG, "x.md": "x\n"})
    for old, new in (("a.md", "b.md"), ("b.md", "sub/c é.md")):
        move(root, old, new)
        commit(root)
    assert find_renames(root) == {"a.md": "sub/c é.md", "b.md": "sub/c é.md"}


@each("staged", ["nothing", "everything", "the new file"])
def test_uncommitted_rename_is_detected(tmp_path: Path, staged: str) -> None:
    root = create_repository(tmp_path, {"a.md": LONG, "x.md": "x\n", "p.png": "picture"})
    move(root, "a.md", "sub/b.md")
    move(root, "p.png", "sub/q.png")
    if staged == "everything":
        git(root, "add", "--all")
    elif staged == "the new file":
        git(root, "add", "sub/b.md", "sub/q.png")
    assert find_renames(root) == {"a.md": "sub/b.md", "p.png": "sub/q.png"}


def test_rename_with_changed_line_ends_is_detected(tmp_path: Path) -> None:
    root = create_repository(tmp_path, {"a.md": LONG})
    (root / "a.md").unlink()
    update_files(root, {"b.md": LONG.replace("\n", "\r\n")})
    assert find_renames(root) == {"a.md": "b.md"}


def test_note_with_the_same_text_that_was_edited_is_not_the_renamed_one(tmp_path: Path) -> None:
    root = create_repository(tmp_path, {"a.md": LONG, "b.md": LONG})
    update_files(root, {"a.md": None, "b.md": OTHER, "c.md": LONG})
    assert find_renames(root) == {"a.md": "c.md"}


def test_chain_across_a_commit_and_the_working_tree_is_followed(tmp_path: Path) -> None:
    root = create_repository(tmp_path, {"a.md": LONG})
    move(root, "a.md", "b.md")
    commit(root)
    move(root, "b.md", "c.md")
    assert find_renames(root) == {"a.md": "c.md", "b.md": "c.md"}


Steps = list[tuple[str, ...]]
NOT_SURE: dict[str, Steps] = {
    "the old name is taken again": [
        ("move", "a.md", "b.md"),
        ("commit",),
        ("write", "a.md", "new\n"),
    ],
    "the new name is gone too": [("move", "a.md", "b.md"), ("commit",), ("remove", "b.md")],
    "two new files hold its text": [
        ("remove", "a.md"),
        ("write", "b.md", LONG),
        ("write", "c.md", LONG),
    ],
    "two files that are gone held the text": [
        ("write", "a2.md", LONG),
        ("commit",),
        ("move", "a.md", "b.md"),
        ("remove", "a2.md"),
    ],
    "two that held one text went in one commit": [
        ("write", "a2.md", LONG),
        ("commit",),
        ("move", "a.md", "b.md"),
        ("move", "a2.md", "b2.md"),
        ("commit",),
    ],
    "an empty note": [("move", "empty.md", "void.md")],
    "an empty note in a commit": [("move", "empty.md", "void.md"), ("commit",)],
    "one week went and another came": [("move", "Week 2024-W05.md", "Week 2024-W06.md")],
    "the same bytes under another extension": [("move", "a.md", "a.txt")],
    "nothing happened": [],
}


@each("what", NOT_SURE)
def test_ambiguous_rename_is_not_reported(tmp_path: Path, what: str) -> None:
    assert find_renames(run_steps(tmp_path, NOT_SURE[what])) == {}


def run_steps(folder: Path, steps: Steps) -> Path:
    """Return a repository after these steps."""
    root = create_repository(
        folder,
        {
            "a.md": LONG,
            "empty.md": "",
            "x.md": "x\n",
            "Week 2024-W05.md": "W\n" + LONG,
        },
    )
    for step_, *names in steps:
        if step_ == "move":
            move(root, *names)
        elif step_ == "write":
            update_files(root, dict([names]))
        elif step_ == "remove":
            (root / names[0]).unlink()
        else:
            commit(root)
    return root


def test_vault_in_a_folder_of_a_repository(tmp_path: Path) -> None:
    create_repository(tmp_path, {"notes/a.md": LONG, "notes/y.md": "Yew\n", "code.py": "z\n"})
    move(tmp_path, "notes/a.md", "notes/sub/b.md")
    commit(tmp_path)
    move(tmp_path, "notes/y.md", "notes/w.md")
    assert find_renames(tmp_path / "notes") == {"a.md": "sub/b.md", "y.md": "w.md"}


def test_worktree_of_a_repository(tmp_path: Path) -> None:
    root = create_repository(tmp_path / "one", {"a.md": LONG})
    git(root, "worktree", "add", "--quiet", str(tmp_path / "two"))
    move(tmp_path / "two", "a.md", "b.md")
    assert find_renames(tmp_path / "two") == {"a.md": "b.md"}
    assert find_renames(root) == {}
    mark = read_git_state(tmp_path / "two")
    commit(tmp_path / "two")
    assert read_git_state(tmp_path / "two") != mark != ""


@each("broken", ["no repository", "no commit", "no objects", "a file that is none", "no git"])
def test_unusable_repository_reports_no_renames(
    tmp_path: Path, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "vault"
    if broken == "no commit":
        root.mkdir()
        git(root, "init", "--quiet")
    elif broken == "no repository":
        root.mkdir()
    else:
        create_repository(root, {"a.md": LONG})
        move(root, "a.md", "b.md")
    if broken == "no objects":
        shutil.rmtree(root / ".git" / "objects")
    elif broken == "a file that is none":
        shutil.rmtree(root / ".git")
        (root / ".git").write_bytes(b"gitdir: caf\xe9\n")
    elif broken == "no git":
        monkeypatch.setenv("PATH", str(tmp_path))
    assert find_renames(root) == {}
    assert isinstance(read_git_state(root), str)


def test_repository_digest_changes_with_commits(tmp_path: Path) -> None:
    assert (
        find_git_dir(tmp_path) is None
        or tmp_path not in (find_git_dir(tmp_path) or tmp_path).parents
    )
    root = create_repository(tmp_path, {"a.md": LONG})
    first = read_git_state(root)
    find_renames(root)
    assert read_git_state(root) == first, "asking changes nothing"
    update_files(root, {"a.md": "x\n"})
    commit(root)
    assert read_git_state(root) != first


# -- deletions from git --------------------------------------------------------------------------------------------


def find_deleted(root: Path) -> set[str]:
    return set(read_history(root).deleted)


def remove(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).unlink()


def test_deleted_files_of_commits_and_of_the_working_tree_are_found(tmp_path: Path) -> None:
    root = create_repository(
        tmp_path, {"a.md": LONG, "sub/b.md": "Bee\n", "p.png": "p", "c.md": "c\n", ".x/d.md": "d\n"}
    )
    remove(root, "a.md", ".x/d.md")
    commit(root)
    remove(root, "p.png")
    git(root, "add", "--all")
    remove(root, "sub/b.md")
    assert find_deleted(root) == {"a.md", "p.png", "sub/b.md"}
    update_files(root, {"a.md": OTHER})
    assert find_deleted(root) == {"p.png", "sub/b.md"}
    commit(root)
    assert find_deleted(root) == {"p.png", "sub/b.md"}
    remove(root, "a.md")
    assert find_deleted(root) == {"a.md", "p.png", "sub/b.md"}


def test_file_that_was_moved_and_then_deleted_is_deleted_under_both_names(tmp_path: Path) -> None:
    root = create_repository(tmp_path, {"a.md": LONG, "x.md": "x\n"})
    move(root, "a.md", "b.md")
    commit(root)
    remove(root, "b.md")
    assert find_deleted(root) == {"a.md", "b.md"}
    commit(root)
    assert find_deleted(root) == {"a.md", "b.md"}
    update_files(root, {"b.md": "another\n"})
    assert find_deleted(root) == {"a.md"}


@each("what", [what for what in NOT_SURE if what != "the new name is gone too"])
def test_file_that_may_have_been_moved_is_not_deleted(tmp_path: Path, what: str) -> None:
    sure = {
        "the same bytes under another extension": {"a.md"},
        "an empty note in a commit": set[str](),
        "two files that are gone held the text": set[str](),
    }
    assert find_deleted(run_steps(tmp_path, NOT_SURE[what])) == sure.get(what, set())


def test_only_so_many_deleted_paths_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaultlink.model.MAX_DELETED", 2)
    gone = {"a.md": 1, "b.md": 2, "c.md": 3}
    history = History(deleted=frozenset(gone), vanished=gone)
    assert history.within({"c.md"}).deleted == {"b.md", "a.md"}
    assert history.within(set()).deleted == {"c.md", "b.md"}


# -- what the last run remembers -----------------------------------------------------------------------------------


@each(
    ("moves", "files", "true"),
    [
        ({"a.md": "b.md"}, ["b.md"], {"a.md": "b.md"}),
        ({"a.md": "b.md", "b.md": "c.md"}, ["c.md"], {"a.md": "c.md", "b.md": "c.md"}),
        ({"a.md": "b.md"}, ["a.md", "b.md"], {}),
        ({"a.md": "b.md"}, [], {}),
        ({"a.md": "b.md", "b.md": "a.md"}, [], {}),
        ({"a.md": "b.md", "b.md": "a.md"}, ["a.md"], {"b.md": "a.md"}),
    ],
)
def test_renames_apply_while_the_files_match(
    moves: dict[str, str], files: list[str], true: dict[str, str]
) -> None:
    past = NO_HISTORY
    for old, new in moves.items():
        past = past.then(History({old: new}))
    assert past.within(files).moves == true


def remembered(root: Path, notes: Mapping[str, str]) -> Snapshot:
    """Return the cached data of a folder after its notes were written."""
    update_files(root, notes)
    parsed: dict[str, Note] = {path: parse_note(path, text) for path, text in notes.items()}
    return Snapshot(list_files(root).files, parsed.get)


def test_rename_preserves_size_and_time(tmp_path: Path) -> None:
    before = remembered(tmp_path, {"a.md": "no links\n", "b.md": "other\n", "p.png": "p"})
    for at, path in enumerate(("a.md", "b.md", "p.png")):
        os.utime(tmp_path / path, (OLD + at, OLD + at))
    before = before._replace(stamps=list_files(tmp_path).files)
    move(tmp_path, "a.md", "x/c.md")
    move(tmp_path, "p.png", "q.png")
    now = Snapshot(list_files(tmp_path).files, read_notes(tmp_path).get)
    assert dict(follow(before, now, (), NO_NOTES).moves) == {"a.md": "x/c.md", "p.png": "q.png"}


def test_rewritten_note_is_recognized_by_its_content(tmp_path: Path) -> None:
    before = remembered(
        tmp_path / "1",
        {"a.md": "# A\n[[b]]\n", "c.md": "plain\n", "d.md": "# D\n", "e.md": "# D\n"},
    )
    now = remembered(
        tmp_path / "2", {"new.md": "# A\n[[b]]\n", "plain.md": "plain\n", "other.md": "# D\n"}
    )
    for number, path in enumerate(now.stamps):
        os.utime(tmp_path / "2" / path, (OLD + number, OLD + number))
    now = now._replace(stamps=list_files(tmp_path / "2").files)
    assert dict(follow(before, now, (), NO_NOTES).moves) == {"a.md": "new.md", "c.md": "plain.md"}


def test_removed_file_is_deleted_unless_an_added_one_may_be_it(tmp_path: Path) -> None:
    before = remembered(
        tmp_path / "1",
        {
            "gone.md": "# Gone\n[[b]]\n",
            "edited.md": "# One of them\n[[b]]\n",
            "plain.md": "plain\n",
            "d.md": "# D\n",
            "e.md": "# D\n",
            "kept.md": "kept\n",
        },
    )
    now = remembered(
        tmp_path / "2",
        {"new.md": "# One of them\n[[b]] and [[c]]\n", "other.md": "# D\n", "kept.md": "kept\n"},
    )
    for number, path in enumerate(now.stamps):
        os.utime(tmp_path / "2" / path, (OLD + number, OLD + number))
    now = now._replace(stamps=list_files(tmp_path / "2").files)
    history = follow(before, now, (), NO_NOTES)
    assert history.moves == {}
    assert history.deleted == {"gone.md", "plain.md"}


# -- checks --------------------------------------------------------------------------------------------------------


# -- texts without a word ------------------------------------------------------------------------------------------

PLANNED, MOVED_NOTE = (
    "planned-note “Plan” is not written yet",
    "moved-link [*] “Plan” was moved to ",
)
GONE = "dangling-link “Plan” does not resolve to any file in the vault; deleted"
MARKS = "# \n\n---\n- [ ] \n"
Files = Mapping[str, str | None]
WORDLESS: Mapping[str, tuple[str, Mapping[str, str], str]] = {
    # the text of a note that is removed, the new notes, and what a link to it is then
    "an empty note is removed": ("", {}, PLANNED),
    "an empty note is removed, and another is new": ("", {"Daily.md": ""}, PLANNED),
    "an empty note is removed, a tiny one is new": ("", {"README.md": "Read me.\n"}, PLANNED),
    "a lone bullet is removed, and one is new": ("- \n", {"card.md": "- \n"}, PLANNED),
    "a lone bullet is removed, a tiny note is new": ("- \n", {"card.md": "- One.\n"}, PLANNED),
    "only markup is removed, and the same is new": (MARKS, {"card.md": MARKS}, PLANNED),
    "an empty note is moved": ("", {"b/Plan.md": ""}, ""),  # the link is right again
    "a note of one word is removed": ("Oaks\n", {}, GONE),
    "a note of one word is renamed": ("Oaks\n", {"Trees.md": "Oaks\n"}, MOVED_NOTE + "Trees"),
    "a note without spaces is renamed": ("木\n", {"Trees.md": "木\n"}, MOVED_NOTE + "Trees"),
    "a note is removed, and an empty one is new": (LONG, {"Daily.md": ""}, GONE),
    "a note is removed, and a lone bullet is new": (LONG, {"Daily.md": "- \n"}, GONE),
    "a tiny note is removed, an empty one is new": ("Oaks and elms.\n", {"Daily.md": ""}, GONE),
}


def find_link(run: RunCommand, root: Path) -> list[str]:
    """Return the findings of the link in Home.md."""
    lines = run("check", root, "--output-format", "concise").lines
    return [line for line in lines if "Home.md:1:" in line]


@each("way", ["without git", "uncommitted", "committed"])
@each("what", WORDLESS)
def test_what_has_no_word_was_no_note(tmp_path: Path, run: RunCommand, what: str, way: str) -> None:
    text, added, expected = WORDLESS[what]
    make = create_vault if way == "without git" else create_repository
    root = make(tmp_path / "v", {"Plan.md": text, "Home.md": "[[Plan]]\n", "Other.md": OTHER})
    if way != "committed":
        run("check", root)
    update_files(root, {"Plan.md": None, **added})
    if way == "committed":
        commit(root)
    for _ in range(2):
        found = find_link(run, root)
        assert len(found) == bool(expected)
        assert all(expected in line and "it may be" not in line for line in found)
        update_files(root, {"Late.md": LONG.replace("Line", "Row")})


# -- notes that were merged into another one -----------------------------------------------------------------------

ALIAS = "---\naliases: [Plan]\n---\n"
MERGED: Mapping[str, tuple[Files, str]] = {
    # what changes in a vault with the notes Plan and Trees, and what a link to Plan is then
    "by hand": ({"Plan.md": None, "Trees.md": ALIAS + OTHER + LONG}, MOVED_NOTE + "Trees"),
    "in part": ({"Plan.md": None, "Trees.md": ALIAS + OTHER + LONG[:700]}, MOVED_NOTE + "Trees"),
    "without an alias": ({"Plan.md": None, "Trees.md": OTHER + LONG}, GONE),
    "with another alias": (
        {"Plan.md": None, "Trees.md": ALIAS.replace("Plan", "Plans") + OTHER + LONG},
        GONE,
    ),
    "an alias, without the text": ({"Plan.md": None, "Trees.md": ALIAS + OTHER}, GONE),
    "a third of the text": ({"Plan.md": None, "Trees.md": ALIAS + OTHER + LONG[:260]}, GONE),
    "into two notes": (
        {"Plan.md": None} | dict.fromkeys(("Trees.md", "Oaks.md"), ALIAS + OTHER + LONG),
        GONE,
    ),
    "not removed": ({"Trees.md": ALIAS + OTHER + LONG}, ""),
}


@each("in_git", [False, True])
@each("what", MERGED)
def test_links_follow_a_note_that_was_merged(
    tmp_path: Path, run: RunCommand, what: str, in_git: bool
) -> None:
    changes, expected = MERGED[what]
    notes = {"Plan.md": LONG, "Trees.md": OTHER, "Oaks.md": OTHER, "Home.md": "[[Plan]]\n"}
    root = (create_repository if in_git else create_vault)(tmp_path / "vault", notes)
    run("check", root)
    update_files(root, changes)
    for _ in range(2):
        found = find_link(run, root)
        assert len(found) == bool(expected)
        assert all(expected in line for line in found)
        update_files(root, {"Late.md": "Nothing else is written here.\n"})


def test_links_follow_what_a_run_merged(tmp_path: Path, run: RunCommand) -> None:
    notes = {"Plan.md": LONG, "Trees.md": f"# Oaks\n\n{OTHER}", "Home.md": "[[Trees#Oaks]]\n"}
    root = create_vault(tmp_path / "vault", notes)
    run("check", root)
    assert run("merge", "Plan", "Trees", "--vault", root).code == 0
    text = (root / "Trees.md").read_text().replace("# Oaks", "# Old oaks")
    update_files(root, {"Trees.md": text, "Late.md": "By hand, [[Plan]] was written.\n"})
    assert run("fix", "--vault", root).code == 0
    assert (root / "Late.md").read_text() == "By hand, [[Trees|Plan]] was written.\n"
    assert (root / "Home.md").read_text() == "[[Trees#Old oaks|Trees > Oaks]]\n"


def messages(root: Path, cache: Path | None) -> list[str]:
    overrides = {"select": ["VL1"]}
    opened = open_vault(
        root, Settings(cache=cache is not None, cache_dir=cache, overrides=overrides, isolated=True)
    )
    return [item.message for item in opened.check()]


def age(root: Path) -> None:
    """Wait until the modification times of files are reliable."""
    for number, path in enumerate(sorted(root.rglob("*.md"))):
        os.utime(path, (OLD + number, OLD + number))
    let_time_pass()


MOVED = ["“Plan” was moved to b/Old plan."]
DANGLES = ["“Plan” is not written yet: no file in the vault has this name."]
DELETED = ["“Plan” does not resolve to any file in the vault; deleted."]


def test_second_check_detects_renames_since_the_first(tmp_path: Path) -> None:
    vault, cache = tmp_path / "vault", tmp_path / "cache"
    update_files(vault, {"Home.md": "[[Plan]]\n", "a/Plan.md": "# Some\n", "x.md": "x\n"})
    age(vault)
    assert messages(vault, cache) == []
    move(vault, "a/Plan.md", "b/Old plan.md")
    assert messages(vault, cache) == messages(vault, cache) == MOVED
    update_files(
        vault, {f"n{number}.md": "n\n" for number in range(30)}
    )  # so many that the cache is written anew
    age(vault)
    assert messages(vault, cache) == messages(vault, cache) == MOVED
    move(vault, "b/Old plan.md", "b/Older plan.md")
    assert messages(vault, cache) == ["“Plan” was moved to b/Older plan."]
    (vault / "b/Older plan.md").unlink()
    assert messages(vault, cache) == DELETED
    update_files(vault, {"Plan.md": ""})
    assert messages(vault, cache) == []


def deleted(root: Path, cache: Path | None) -> set[str]:
    settings = Settings(cache=cache is not None, cache_dir=cache, isolated=True)
    return set(open_vault(root, settings).state.settings.history.deleted)


def test_name_that_a_note_had_for_one_check_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state of a vault that is not small is saved for one changed file only if that was renamed."""
    monkeypatch.setattr(load, "_SMALL_VAULT", 0)
    root = create_vault(tmp_path / "vault", {"a.md": LONG, "x.md": "[[a]]\n"})
    settings = Settings(cache_dir=tmp_path / "cache")
    open_vault(root, settings)
    for old, new in (("a.md", "b.md"), ("b.md", "c.md")):
        move(root, old, new)
        (root / "x.md").write_text(f"[[{old[0]}]]\n", encoding="utf-8")
        [found] = open_vault(root, settings).check()
        assert (found.rule, found.target) == ("moved-link", old[0])


def test_second_check_knows_the_files_deleted_since_the_first(tmp_path: Path) -> None:
    vault, cache = tmp_path / "vault", tmp_path / "cache"
    update_files(vault, {"Home.md": "[[Plan]]\n", "a/Plan.md": "# Some\n", "x.md": "x\n"})
    age(vault)
    assert deleted(vault, cache) == set()
    (vault / "a/Plan.md").unlink()
    assert deleted(vault, cache) == deleted(vault, cache) == {"a/Plan.md"}
    update_files(vault, {f"n{number}.md": "n\n" for number in range(30)})  # the cache is saved
    age(vault)
    assert deleted(vault, cache) == deleted(vault, cache) == {"a/Plan.md"}
    update_files(vault, {"a/Plan.md": ""})
    assert deleted(vault, cache) == set()


def test_cached_run_knows_the_same_deleted_files_as_a_fresh_one(tmp_path: Path) -> None:
    vault, cache = (
        create_repository(
            tmp_path / "vault", {"Home.md": "[[Plan]] [[Nope]]\n", "a/Plan.md": LONG, "b.md": "b\n"}
        ),
        tmp_path / "cache",
    )
    for step_ in (
        lambda: None,
        (vault / "a/Plan.md").unlink,
        lambda: commit(vault),
        (vault / "b.md").unlink,
        lambda: git(vault, "checkout", "--quiet", "b.md"),
        lambda: git(vault, "reset", "--quiet", "--hard", "HEAD~1"),
    ):
        step_()
        assert deleted(vault, cache) == deleted(vault, None)


def names_deleted(vault: Mapping[str, str], target: str, settings: LinterSettings) -> bool:
    """Return True if a link in Home.md would have resolved to a deleted file."""
    state = build_state({**vault, "Home.md": f"[[{target}]]\n"}, settings)
    [(_, context)] = settings.build_checks("links", state.index)
    return was_deleted(
        state.index.notes["Home.md"].links[0], "Home.md", context.index, context.history
    )


@each(
    ("target", "expected"),
    [
        ("Plan", True),
        ("plan#Next", True),
        ("a/Plan", True),
        ("map.png", True),
        ("./a/Plan", True),
        ("b/Plan", False),
        ("Plans", False),
        ("map", False),
    ],
)
def test_link_to_a_deleted_file_is_recognised(target: str, expected: bool) -> None:
    settings = make_settings(["moved-link"], deleted=["a/Plan.md", "img/map.png"])
    assert names_deleted({}, target, settings) is expected
    assert names_deleted({}, target, make_settings(["moved-link"])) is False


def test_link_in_a_moved_note_is_read_from_its_former_folder() -> None:
    settings = make_settings(["moved-link"], moves={"x/Home.md": "Home.md"}, deleted=["x/Plan.md"])
    assert names_deleted({}, "./Plan", settings)


def test_findings_on_deleted_files_are_the_same_step_by_step() -> None:
    vault = {"Home.md": "[[Plan]]\n", "Other.md": "[[x]]\n"}
    before = build_state(vault, make_settings(["VL1"]))
    later = make_settings(["VL1"], deleted=["a/Plan.md"])
    assert step(before, [], later).diagnostics == build_state(vault, later).diagnostics


def test_without_a_cache_only_git_reports_renames(tmp_path: Path) -> None:
    vault = create_repository(tmp_path / "vault", {"Home.md": "[[Plan]]\n", "a/Plan.md": LONG})
    move(vault, "a/Plan.md", "b/Old plan.md")
    assert messages(vault, None) == MOVED
    shutil.rmtree(vault / ".git")
    assert messages(vault, None) == DANGLES


def test_commit_without_file_changes_updates_renames(tmp_path: Path) -> None:
    vault, cache = (
        create_repository(tmp_path / "vault", {"Home.md": "[[Plan]]\n", "a/Plan.md": LONG}),
        tmp_path / "cache",
    )
    git(vault, "rm", "--quiet", "--cached", "a/Plan.md")
    git(vault, "commit", "--quiet", "--message", "forgotten")
    move(vault, "a/Plan.md", "b/Old plan.md")
    [message] = messages(vault, cache)
    assert message.startswith("“Plan” does not resolve to any file in the vault; deleted")
    git(vault, "reset", "--quiet", "HEAD~1")
    assert messages(vault, cache) == MOVED
    git(vault, "reset", "--quiet", "HEAD")
    assert messages(vault, cache) == MOVED


def test_findings_on_renamed_files_are_the_same_step_by_step() -> None:
    vault = {
        "Home.md": "[[Plan]] and [[x/Plan|p]]\n",
        "a/Old plan.md": "",
        "b/Old plan.md": "",
        "sub/Side.md": "[[Plan]]\n",
    }
    base = make_settings(["VL1"], moves={"Plan.md": "a/Old plan.md", "x/Plan.md": "b/Old plan.md"})
    whole = build_state(vault, base)
    for order in (list(vault), list(vault)[::-1]):
        state = State(base)
        for path in order:
            state = step(state, [Change(path, vault[path])])
        assert state.diagnostics == whole.diagnostics


# -- names that vaultlink gave, and that were changed otherwise since ----------------------------------------------

RUN, HAND, WRITE, REMOVE = "renamed by vaultlink", "renamed by hand", "written", "removed"
TWICE: Mapping[str, tuple[Sequence[tuple[str, str, str]], Mapping[str, str]]] = {
    # what happens between two checks, and what became of links
    "renamed by a run, then by hand": (
        [(RUN, "A", "B"), (HAND, "B", "C")],
        {"A": "was moved to C", "B": "was moved to C"},
    ),
    "renamed by two runs, then by hand": (
        [(RUN, "A", "B"), (RUN, "B", "C"), (HAND, "C", "D")],
        {"A": "was moved to D", "B": "was moved to D", "C": "was moved to D"},
    ),
    "renamed by turns": (
        [(RUN, "A", "B"), (HAND, "B", "C"), (RUN, "C", "D"), (HAND, "D", "E")],
        dict.fromkeys("ABCD", "was moved to E"),
    ),
    "renamed by hand, by a run and by hand": (
        [(HAND, "A", "B"), (RUN, "B", "C"), (HAND, "C", "D")],
        {"A": "was moved to D", "B": "was moved to D", "C": "was moved to D"},
    ),
    "its folder renamed by a run, then the note by hand": (
        [(RUN, "s/", "t/"), (HAND, "t/S", "u/T")],
        {"s/S": "was moved to u/T", "t/S": "was moved to u/T"},
    ),
    "renamed back by hand": ([(RUN, "A", "B"), (HAND, "B", "A")], {"B": "was moved to A"}),
    "renamed, then its first name taken by another note": (
        [(RUN, "A", "B"), (HAND, "B", "C"), (WRITE, "A", OTHER)],
        {"B": "was moved to C"},
    ),
    "renamed and edited": (
        [(RUN, "A", "B"), (HAND, "B", "C"), (WRITE, "C", LONG + OTHER[:99])],
        {"A": "was moved to C", "B": "was moved to C"},
    ),
    "renamed and deleted": (
        [(RUN, "A", "B"), (REMOVE, "B", "")],
        {"A": "vault; deleted", "B": "vault; deleted"},
    ),
    "renamed and replaced by a text that has a part of it": (
        [(RUN, "A", "B"), (REMOVE, "B", ""), (WRITE, "C", LONG[:320] + OTHER[:500])],
        {"A": "it may be “C” now", "B": "it may be “C” now"},
    ),
    "renamed by a run only": ([(RUN, "A", "B")], {"A": "was moved to B"}),
    "renamed, while the links name a note that was never there": (
        [(RUN, "A", "B"), (HAND, "B", "C")],
        {"Never": "is not written yet"},
    ),
}


def change(root: Path, run: RunCommand, kind: str, path: str, other: str) -> None:
    """Do one of the steps."""
    if kind == RUN:
        assert run("rename", path, other, "--vault", root).code == 0
    elif kind == HAND:
        move(root, f"{path}.md", f"{other}.md")
    else:
        update_files(root, {f"{path}.md": other if kind == WRITE else None})


def test_run_that_a_wrong_clock_puts_after_the_last_check_is_not_followed_again(
    tmp_path: Path, run: RunCommand
) -> None:
    root = create_vault(tmp_path / "vault", {"A.md": LONG, "Home.md": "[[A]]\n"})
    run("check", root)
    run("rename", "A", "B", "--vault", root)
    update_files(root, {"A.md": OTHER, "Late.md": "See [[A]].\n"})
    run("check", root)
    for file in (tmp_path / "cache").rglob("state"):
        os.utime(file, (0, 0))
    move(root, "A.md", "D.md")
    lines = run("check", root, "--output-format", "concise").lines
    [line] = [line for line in lines if line.startswith(("Late.md", f"{root}/Late.md"))]
    assert "was moved to D" in line
    assert run("fix", "--vault", root).code == 0
    assert (root / "Late.md").read_text() == "See [[D|A]].\n"
    assert (root / "Home.md").read_text() == "[[B]]\n"


@pytest.mark.thorough
@each("way", ["without git", "uncommitted", "committed"])
@each("what", TWICE)
def test_links_follow_what_runs_and_others_renamed(
    tmp_path: Path, run: RunCommand, what: str, way: str
) -> None:
    steps, expected = TWICE[what]
    files = {"A.md": LONG, "s/S.md": LONG.replace("Line", "Row"), "Home.md": "[[A]] [[s/S]]\n"}
    make = create_vault if way == "without git" else create_repository
    root = make(tmp_path / "vault", files)
    run("check", root)
    for step_ in steps:
        change(root, run, *step_)
    if way == "committed":
        commit(root)
    update_files(
        root, {"Hand.md": "".join(f"By hand, [[{name}]] was written.\n" for name in expected)}
    )
    for _ in range(2):
        lines = run("check", root, "--output-format", "concise").lines
        for number, (name, told) in enumerate(expected.items(), 1):
            [line] = [line for line in lines if f"Hand.md:{number}:" in line]
            assert f"“{name}”" in line
            assert told in line
        left = [line for line in lines if line.startswith("Home.md")]
        assert not any("planned-note" in line for line in left)
        update_files(root, {"Other.md": "x\n"})
