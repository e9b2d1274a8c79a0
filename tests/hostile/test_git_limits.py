"""A small repository that stands for very much costs little memory and time.

Its objects are written with zlib, which is faster than git, and allows trees that nobody has.
"""

import hashlib
import threading
import tracemalloc
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from repositories import commit, create_repository, git, update_files
from running import RunCommand
from tables import each
from vaultlink.disk.revisions import MIN_OLD_TEXTS, limit_old_texts
from vaultlink.git import program
from vaultlink.git.location import MAX_BLOB, ReadBudget, weigh_loose_objects, weigh_packs
from vaultlink.git.objects import diff_commits, read_blobs
from vaultlink.git.program import run_git, run_to_end
from vaultlink.history.git_log import read_log
from vaultlink.history.matcher import PieceIndex
from vaultlink.model import FileStamp

NO_NOTES = PieceIndex({})
LINES = b"".join(b"Line %d of a text that compresses well.\n" % number for number in range(500))


def write_object(root: Path, kind: str, data: bytes) -> str:
    """Write a loose object and return its name."""
    whole = b"%s %d\0%s" % (kind.encode(), len(data), data)
    name = hashlib.sha1(whole).hexdigest()
    file = root / ".git" / "objects" / name[:2] / name[2:]
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(zlib.compress(whole))
    return name


def write_tree(root: Path, entries: Mapping[str, str], mode: str = "100644") -> str:
    return write_object(
        root,
        "tree",
        b"".join(
            f"{mode} {name}\0".encode() + bytes.fromhex(entries[name]) for name in sorted(entries)
        ),
    )


def write_nested_tree(root: Path, leaf: str, levels: int) -> str:
    """Write a tree of ten names on each level, which has ten to the power of `levels` paths."""
    tree = write_tree(root, {f"n{number}.md": leaf for number in range(10)})
    for _ in range(levels - 1):
        tree = write_tree(root, {f"d{number}": tree for number in range(10)}, "40000")
    return tree


def write_commits(root: Path, trees: list[str]) -> list[str]:
    """Write a commit of each tree, make the last one HEAD, and return their names, latest first."""
    names: list[str] = []
    for number, tree in enumerate(trees):
        who = f"A <a@example.org> {1_700_000_000 + number} +0000"
        lines = [f"tree {tree}", *(f"parent {name}" for name in names[-1:])]
        text = "\n".join([*lines, f"author {who}", f"committer {who}", "", "a step", ""])
        names.append(write_object(root, "commit", text.encode()))
    (root / ".git" / "refs" / "heads" / "main").write_text(f"{names[-1]}\n")
    return names[::-1]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return create_repository(
        tmp_path / "vault", {"a.md": "[[gone]] [[b#Nowhere]]\n", "b.md": "B\n"}
    )


# -- output ---------------------------------------------------------------------------------------


@each(
    ("limit", "output", "is_cut"),
    [(4, b"a.md", True), (9, b"a.md\0b.md", True), (10, b"a.md\0b.md\0", False), (0, b"", True)],
)
def test_output_is_read_up_to_a_limit(root: Path, limit: int, output: bytes, is_cut: bool) -> None:
    result = run_to_end(root, "ls-files", "-z", limit=limit)
    assert result is not None
    assert (result.output, result.is_cut) == (output, is_cut)


@pytest.mark.thorough
def test_no_thread_is_left_behind(root: Path) -> None:
    """Notes are read in several processes only if there is one thread."""
    before = threading.active_count()
    for stdin in (None, b"HEAD\n", b"HEAD\n" * 100_000):
        run_git(root, "cat-file", "--batch-check", stdin=stdin)
        assert threading.active_count() == before


def test_command_with_too_much_output_fails(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = weigh_packs(root) * 2
    assert run_git(root, "ls-files", "-z") == b"a.md\0b.md\0"
    monkeypatch.setattr(program, "MAX_OUTPUT", 9 - allowed)
    assert run_git(root, "ls-files", "-z") is None


# -- old texts ------------------------------------------------------------------------------------


def test_text_above_the_limit_is_not_read(root: Path) -> None:
    large = write_object(root, "blob", LINES * (12_000_000 // len(LINES)))
    small = write_object(root, "blob", b"small\n")
    tracemalloc.start()
    blobs = list(read_blobs(root, [large, small, large], ReadBudget(root, 100_000_000)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert blobs == [None, b"small\n", None]
    assert peak < 1_000_000


@each(
    ("sizes", "budget", "read"),
    [
        ((10, 10, 10), 30, (True, True, True)),
        ((10, 10, 10), 29, (True, True, False)),
        ((10, 25, 10), 20, (True, False, True)),
        ((MAX_BLOB, 10), MAX_BLOB + 10, (True, True)),
        ((MAX_BLOB + 1, 10), 2 * MAX_BLOB, (False, True)),
    ],
)
def test_texts_are_read_up_to_a_budget(
    root: Path, sizes: tuple[int, ...], budget: int, read: tuple[bool, ...]
) -> None:
    names = [
        write_object(root, "blob", b"%d" % number + b"x" * (size - 1))
        for number, size in enumerate(sizes)
    ]
    allowed = ReadBudget(root, budget)
    allowed._is_weighed = True
    found = list(read_blobs(root, names, allowed))
    assert [data is not None for data in found] == list(read)


def test_budget_grows_with_the_weight_of_the_repository(root: Path) -> None:
    loose = weigh_loose_objects(root)
    assert loose > 0
    budget = ReadBudget(root, 100)
    assert budget.take(60)
    assert budget.left == 40
    assert budget.take(41)
    assert budget.left == 4 * (loose + weigh_packs(root)) - 1
    assert not budget.take(budget.left + 1)
    git(root, "gc", "--quiet")
    assert weigh_loose_objects(root) < loose
    assert weigh_packs(root) > 0


def test_sparse_file_does_not_weigh_its_size(root: Path) -> None:
    before = weigh_packs(root)
    with (root / ".git" / "objects" / "pack" / "pack-large.pack").open("wb") as stream:
        stream.truncate(1_000_000_000)
    assert weigh_packs(root) - before < 1_000_000


def test_rename_of_a_large_text_is_not_followed(root: Path) -> None:
    """The commits of it can't be read; those around it are."""
    kept = {"a.md": write_object(root, "blob", b"A\n")}
    old, new = (
        write_object(
            root,
            "blob",
            b"A text that is long enough to be known again.\nIt has several lines.\n" + end,
        )
        for end in (b"", b"x\n")
    )
    large = LINES * (MAX_BLOB // len(LINES) + 1)
    large_old, large_new = (write_object(root, "blob", large + end) for end in (b"", b"x\n"))
    trees = [
        write_tree(root, {**kept, **added})
        for added in (
            {"s.md": old, "l.md": large_old},
            {"s2.md": new, "l.md": large_old},
            {"s2.md": new, "l2.md": large_new},
        )
    ]
    names = write_commits(root, trees)
    log = read_log(root, ("a.md", "s2.md", "l2.md"), NO_NOTES)
    outcomes = {
        path: outcome for commit in log.commits for path, outcome in commit.outcomes.items()
    }
    assert outcomes == {"s.md": ("moved", "s2.md"), "l.md": ("unknown", "")}
    assert log.unreadable == [names[0]]


def test_limits_of_old_texts_follow_the_present_ones() -> None:
    def limits(*sizes: int) -> tuple[int, int]:
        files = {f"{number}.md": FileStamp(size, 0, 0) for number, size in enumerate(sizes)}
        return limit_old_texts({**files, "film.mp4": FileStamp(10**12, 0, 0)})

    assert limits() == (MAX_BLOB, MIN_OLD_TEXTS)
    assert limits(1_000, 2_000) == (MAX_BLOB, MIN_OLD_TEXTS + 6_000)
    assert limits(9_000_000, 1) == (18_000_000, MIN_OLD_TEXTS + 18_000_002)


# -- trees ----------------------------------------------------------------------------------------


def test_commit_with_too_many_paths_is_not_read(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaf = write_object(root, "blob", b"x\n")
    small = write_tree(root, {"a.md": leaf})
    trees = [small, write_nested_tree(root, leaf, 10), write_tree(root, {"b.md": leaf}), small]
    names = write_commits(root, trees)
    monkeypatch.setattr(program, "_MAX_MEMORY", 30_000_000)
    output, failed = diff_commits(root, names, ReadBudget(root, 1_000_000))
    assert failed == names[1:3]
    assert output.count(b"a.md") == output.count(b"b.md") == 1  # the change of the last commit
    assert len(output) < 1_000


@each(
    ("size", "failed"),
    [(10_000, []), (2_500, [2]), (1_000, [1, 2])],
)
def test_changes_are_read_up_to_a_budget(root: Path, size: int, failed: list[int]) -> None:
    leaf = write_object(root, "blob", b"x\n")
    trees = [
        write_tree(root, {f"{name}{number}.md": leaf for number in range(count)})
        for name, count in (("a", 1), ("b", 2), ("c", 10), ("d", 1), ("e", 2))
    ]
    names = write_commits(root, trees)  # with 3, 11, 12, 3 and 0 changes
    budget = ReadBudget(root, size)
    budget._is_weighed = True
    output, unreadable = diff_commits(root, names, budget)
    assert unreadable == [names[number] for number in failed]
    assert [name for name in names if name.encode() in output] == [
        name for name in names if name not in unreadable
    ]


def test_memory_of_git_is_limited(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = write_object(root, "commit", b"tree 0\n\n" + b"x" * 20_000_000)
    monkeypatch.setattr(program, "_MAX_MEMORY", 15_000_000)
    assert run_git(root, "cat-file", "commit", large) is None
    monkeypatch.setattr(program, "_MAX_MEMORY", 40_000_000)
    result = run_to_end(root, "cat-file", "commit", large, limit=10)
    assert result == (result and (result.code, b"tree 0\n\nxx", True))


# -- files without an end -------------------------------------------------------------------------


ENDLESS = ("core.attributesFile", "core.excludesFile", "diff.orderFile", "mailmap.file")


@pytest.mark.thorough
@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="the system has no such device")
@pytest.mark.parametrize("setting", ENDLESS)
@pytest.mark.usefixtures("plain_git")
def test_endless_file_of_a_setting_is_not_read(root: Path, setting: str, run: RunCommand) -> None:
    update_files(root, {"b.md": "Bees hum.\n"})
    commit(root)
    update_files(root, {"b.md": None, "c.md": "Bees hum.\n"})
    commit(root)
    commands = (("check", "--changed-since", "HEAD~1"), ("history", "c.md"))
    expected = [run(*words, "--vault", str(root)) for words in commands]
    assert "b.md" in expected[1].out
    git(root, "config", setting, "/dev/zero")
    assert [run(*words, "--vault", str(root)) for words in commands] == expected


@each("name", ["packed-refs", "config", "info/attributes"])
def test_git_is_not_started_with_a_file_that_is_too_large(root: Path, name: str) -> None:
    assert run_git(root, "rev-parse", "HEAD") is not None
    file = root / ".git" / name
    with file.open("r+b" if file.exists() else "wb") as stream:
        stream.truncate(64_000_001)
    assert run_git(root, "rev-parse", "HEAD") is None


def test_attributes_of_the_user_count(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update_files(
        tmp_path / "settings" / "git", {"attributes": "*.md working-tree-encoding=UTF-16\n"}
    )
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    found = run_git(root, "check-attr", "working-tree-encoding", "--", "a.md")
    assert found == b"a.md: working-tree-encoding: UTF-16\n"
