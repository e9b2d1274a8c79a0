"""Renames that are refused before anything is written, and those close to them that are not."""

import os
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from builder import build_state
from running import create_vault
from tables import each
from vaultlink.disk.probe import probe_disk
from vaultlink.disk.scan import is_vault_path
from vaultlink.fix.plan import Rename, RenameKind
from vaultlink.index.resolve import normalize_name
from vaultlink.refactor.refusals import DiskProbe, list_problems, refuse_renames
from vaultlink.refactor.relocation import RefusedError
from vaultlink.rules.portable_names import NameLimits

VAULT = {
    "A.md": "# One\n^b\n",
    "B.md": "",
    "Work/C.md": "",
    "Work/deep/D.md": "",
    "Play/E.md": "",
    "pic.png": "",
    "data": "",
    "What?/F.md": "#used/deep and #b\n",
    "Café.md": "",
}
HIDDEN = ["Work/.keep", ".obsidian/app.json", ".trash/Old.md", "Hidden/.x", "pic.png~"]

Pairs = Sequence[tuple[str, str]]


def make_disk(
    files: Sequence[str],
    *,
    ignores_case: bool = False,
    links: Sequence[str] = (),
    outside: Sequence[str] = (),
) -> DiskProbe:
    """Return answers for a disk with these files; with `ignores_case` as on Windows and macOS."""
    folders = {
        "/".join(file.split("/")[:depth])
        for file in files
        for depth in range(1, file.count("/") + 1)
    }
    key = normalize_name if ignores_case else str
    paths = {key(path) for path in (*files, *folders)}
    return DiskProbe(
        exists=lambda path: key(path) in paths,
        is_same=lambda one, other: key(one) == key(other) and key(one) in paths,
        is_folder=lambda path: key(path) in {key(folder) for folder in folders},
        is_link=lambda path: path in links,
        is_outside=lambda folder: any(f"{folder}/".startswith(f"{link}/") for link in outside),
        is_listed=is_vault_path,
    )


def find_kind(path: str, vault: Mapping[str, str]) -> RenameKind:
    if "#" in path:
        return RenameKind.TAG if path[0] == "#" else RenameKind.HEADING
    if path not in vault:
        return RenameKind.FOLDER
    return RenameKind.NOTE if path.endswith(".md") else RenameKind.ATTACHMENT


def find_problems(
    pairs: Pairs,
    *,
    disk: DiskProbe | None = None,
    limits: NameLimits = NameLimits(),  # noqa: B008 - immutable
    vault: Mapping[str, str] = VAULT,
) -> list[str]:
    """Return the reasons not to make renames, given as pairs of old and new path."""
    renames = [Rename(find_kind(old, vault), old, new) for old, new in pairs]
    disk = disk or make_disk([*vault, *HIDDEN])
    return list(list_problems(renames, build_state(vault).index, disk, limits))


@each(
    ("pairs", "problem"),
    [
        # the target exists
        ([("A.md", "B.md")], "there is a file B.md already"),
        ([("A.md", "b.md")], "there is a file B.md already; no link could tell it from b.md"),
        ([("A.md", "Work/C.md")], "there is a file Work/C.md already"),
        ([("A.md", "Work/c.md")], "there is a file Work/C.md already"),
        ([("A.md", unicodedata.normalize("NFD", "Café.md"))], "there is a file Café.md already"),
        ([("pic.png", "data")], "there is a file data already"),
        ([("pic.png", "Work")], "there is a folder Work on the disk already"),
        ([("Work", "Play")], "there is a folder Play already; `vaultlink move` moves into it"),
        ([("Work", "play")], "there is a folder Play already"),
        ([("Work", "Hidden")], "there is a folder Hidden on the disk already"),
        ([("Work/deep", "Work")], "there is a folder Work already"),
        # several renames
        ([("A.md", "X.md"), ("B.md", "X.md")], "A.md and B.md would both become X.md"),
        ([("A.md", "X.md"), ("B.md", "x.md")], "A.md and B.md would both become x.md"),
        ([("Work", "W"), ("A.md", "W/C.md")], "would both become W/C.md"),
        ([("Work", "W"), ("Play", "W")], "would both become"),
        ([("A.md", "X/A.md"), ("B.md", "x/B.md")], "differ only in case"),
        ([("A.md", "X.md"), ("A.md", "Y.md")], "A.md is renamed 2 times"),
        ([("#a", "#c"), ("#A", "#d")], "#a is renamed 2 times"),
        # outside the vault, hidden
        ([("A.md", "../A.md")], "contains “..”"),
        ([("A.md", "Work/../../A.md")], "contains “..”"),
        ([("A.md", "Work//A.md")], "is not a valid path"),
        ([("A.md", ".A.md")], ".A.md is hidden"),
        ([("A.md", ".trash/A.md")], ".trash is hidden"),
        ([("A.md", "Work/.obsidian/A.md")], ".obsidian is hidden"),
        ([("Work", ".Work")], ".Work is hidden"),
        ([("pic.png", "pic.png~")], "temporary file"),
        # names that do not work elsewhere
        ([("A.md", "What?.md")], "The name “What?.md” contains ?"),
        ([("A.md", "a:b.md")], "contains :"),
        ([("A.md", "a\\b.md")], "contains \\"),
        ([("A.md", "a|b.md")], "contains |"),
        ([("A.md", 'say "x".md')], 'contains "'),
        ([("A.md", "con.md")], "reserved for a device"),
        ([("A.md", "NUL.md")], "reserved for a device"),
        ([("A.md", "a\x07.md")], "contains a control character"),
        ([("A.md", "a\nb.md")], "contains a control character"),
        ([("A.md", "a\u200bb.md")], "contains an invisible character"),
        ([("Work", "Work.")], "ends in a dot"),
        ([("Work", "Work ")], "ends in a space"),
        ([("pic.png", "pic.")], "ends in a dot"),
        ([("A.md", "New?/A.md")], "The name “New?” contains ?"),
        ([("A.md", f"{'a' * 253}.md")], "is 256 bytes long"),
        ([("A.md", f"{'é' * 127}.md")], "is 257 bytes long"),
        ([("A.md", f"{'a' * 100}/{'b' * 100}/{'c' * 50}.md")], "too long for Windows"),
        ([("Play", f"{'a' * 100}/{'b' * 137}")], "too long for Windows"),
        # names that no link can contain
        ([("A.md", "C#.md")], "contains #, so no wikilink can contain it"),
        ([("A.md", "a[[b.md")], "contains [["),
        ([("A.md", "a]]b.md")], "contains ]]"),
        ([("A.md", "a].md")], "ends in ]"),
        ([("A.md", " A.md")], "begins or ends with a space"),
        ([("A.md", "A .md")], "begins or ends with a space"),
        ([("Work", "C#")], "contains #"),
        ([("pic.png", "a#.png")], "contains #"),
        # folders and kinds of files
        ([("Work", "Work/deep/Work")], "can't be moved into itself"),
        ([("Work", "Work/x")], "can't be moved into itself"),
        ([("A.md", "B.md/A.md")], "B.md is a file, so B.md/A.md can't be below it"),
        ([("A.md", "data/A.md")], "data is a file"),
        ([("A.md", "pic.png~/A.md")], "temporary file"),
        ([("A.md", "X.md"), ("B.md", "X.md/B.md")], "X.md is a file"),
        ([("pic.png", "pic.md")], "is an attachment, and can't become a note"),
        # tags
        ([("#a", "#123")], "a tag needs a character that is not a digit"),
        ([("#a", "#a b")], "a tag can't contain a space"),
        ([("#a", "#a//b")], "has an empty level"),
        ([("#a", "#used")], "the tag #used/deep exists already. --merge merges #a into it"),
        ([("#a", "#USED")], "the tag #used/deep exists already"),
        ([("#a", "#used/deep")], "the tag #used/deep exists already"),
        ([("#used/deep", "#b")], "the tag #b exists already"),
        # nothing changes
        ([("A.md", "A.md")], "A.md has this path already"),
        ([("Work", "Work")], "Work has this path already"),
        ([("A.md#One", "A.md#One")], "A.md#One has this name already"),
        ([("#a", "#a")], "#a has this name already"),
    ],
)  # fmt: skip
def test_refused(pairs: Pairs, problem: str) -> None:
    problems = find_problems(pairs)
    assert len(problems) == 1, problems
    assert problem.lower() in problems[0].lower()


@each(
    "pairs",
    [
        [("A.md", "X.md")],
        [("A.md", "a.md")],
        [("Café.md", unicodedata.normalize("NFD", "Café.md"))],
        [("Work", "work")],
        [("Work/deep", "Work/Deep")],
        [("A.md", "Work/A.md")],
        [("A.md", "New/Folder/A.md")],
        [("Work", "Play/Work")],
        [("Work", "Workshop")],
        [("Work/deep", "deep")],
        [("A.md", "B.md"), ("B.md", "A.md")],
        [("A.md", "B.md"), ("B.md", "X.md")],
        [("A.md", "b.md"), ("B.md", "X.md")],
        [("Work", "Play"), ("Play", "Work")],
        [("Work", "Play"), ("Play", "Other")],
        [("Work", "W"), ("A.md", "W/A.md")],
        [("Work/C.md", "X.md"), ("A.md", "Work/C.md")],
        [("A.md", "a...md")],
        [("A.md", "v1.2.md")],
        [("A.md", "a^b.md")],
        [("A.md", "a[b] c.md")],
        [("A.md", "Console.md")],
        [("A.md", "日記 🙂.md")],
        [("A.md", f"{'a' * 200}.md")],
        [("A.md", "What?/A.md")],
        [("What?/F.md", "What?/G.md")],
        [("What?", "What")],
        [("pic.png", "pic.jpg")],
        [("pic.png", "C.png")],
        [("data", "data.txt")],
        [("A.md#One", "A.md#Two")],
        [("#a", "#c")],
        [("#a", "#c"), ("A.md#a", "A.md#b")],
        [("#b", "#B")],
        [("#b", "#b/deep")],
        [("#b", "#2024/b")],
        [("#used", "#use")],
        [("#used/deep", "#used")],
        [("#used", "#b"), ("#b", "#used")],
        [("#b", "#c"), ("#used", "#b")],
    ],
)
def test_not_refused(pairs: Pairs) -> None:
    assert find_problems(pairs) == []


def test_tags_are_merged_only_if_asked() -> None:
    index, disk = build_state(VAULT).index, make_disk([*VAULT])
    for pairs in ([("#used", "#b")], [("#used", "#c"), ("#b", "#c")]):
        renames = [Rename(RenameKind.TAG, old, new) for old, new in pairs]
        assert "--merge" in next(list_problems(renames, index, disk, NameLimits()))
        assert list(list_problems(renames, index, disk, NameLimits(), merge=True)) == []


def test_unportable_name_that_stays_is_not_refused() -> None:
    vault = {"What?.md": "", "B.md": ""}
    assert find_problems([("What?.md", "Sub/What?.md")], vault=vault) == []
    assert find_problems([("What?.md", "Why?.md")], vault=vault) != []


def test_names_follow_the_options_of_the_rule() -> None:
    assert find_problems([("A.md", "Why?.md")], limits=NameLimits(frozenset("?"))) == []
    assert find_problems([("A.md", "C#.md")], limits=NameLimits(frozenset("#"))) != []
    assert find_problems([("A.md", "abcdef.md")], limits=NameLimits(max_bytes=8)) != []
    assert find_problems([("A.md", "X/abc.md")], limits=NameLimits(max_path=6)) != []


def test_path_that_was_too_long_already_may_become_shorter() -> None:
    vault = {"a/long.md": ""}
    limits = NameLimits(max_path=6)
    assert find_problems([("a/long.md", "a/lon.md")], vault=vault, limits=limits) == []
    assert find_problems([("a/long.md", "a/longer.md")], vault=vault, limits=limits) != []


@each(
    ("pairs", "is_refused"),
    [
        ([("A.md", "a.md")], False),
        ([("Work", "WORK")], False),
        ([("Work", "WORK"), ("A.md", "Play/a.md")], False),
        ([("A.md", "b.MD")], True),
        ([("A.md", "b.md"), ("B.md", "a.md")], False),
        ([("A.md", ".OBSIDIAN/A.md")], True),
        ([("pic.png", "WORK")], True),
        ([("Work/deep", "hidden")], True),
    ],
)
def test_on_a_disk_that_ignores_case(pairs: Pairs, is_refused: bool) -> None:
    disk = make_disk([*VAULT, *HIDDEN], ignores_case=True)
    assert bool(find_problems(pairs, disk=disk)) is is_refused


def test_files_that_are_not_indexed_are_targets_too() -> None:
    disk = make_disk([*VAULT, "X.md", "Y/z.md"])
    assert "there is a file X.md on the disk" in find_problems([("A.md", "X.md")], disk=disk)[0]
    assert "Y/z.md is a file" in find_problems([("A.md", "Y/z.md/A.md")], disk=disk)[0]
    assert find_problems([("A.md", "Y/A.md")], disk=disk) == []


@each(
    ("pairs", "problem"),
    [
        ([("Work", "W")], "Work is a symbolic link"),
        ([("Play/E.md", "E.md")], "Play/E.md is outside the vault"),
        ([("A.md", "Play/A.md")], "Play/A.md is outside the vault"),
        ([("A.md", "Play/New/A.md")], "Play/New/A.md is outside the vault"),
    ],
)
def test_symbolic_links_are_refused(pairs: Pairs, problem: str) -> None:
    disk = make_disk([*VAULT], links=["Work"], outside=["Play"])
    assert problem in find_problems(pairs, disk=disk)[0]


def test_all_problems_are_listed() -> None:
    renames = [
        Rename(RenameKind.NOTE, "A.md", "?.md"),
        Rename(RenameKind.NOTE, "B.md", "../B.md"),
        Rename(RenameKind.FOLDER, "Work", "Work/x"),
    ]
    with pytest.raises(RefusedError) as error:
        refuse_renames(renames, build_state(VAULT).index, make_disk([*VAULT]))
    first, *others = str(error.value).splitlines()
    assert first == "nothing was written, because of 3 problems:"
    assert [line[:2] for line in others] == ["  "] * 3


def test_one_problem_is_a_sentence() -> None:
    with pytest.raises(RefusedError, match=r"^there is a file B.md already. Nothing was written.$"):
        refuse_renames(
            [Rename(RenameKind.NOTE, "A.md", "B.md")], build_state(VAULT).index, make_disk([*VAULT])
        )


def test_long_lists_of_problems_are_cut() -> None:
    vault = {f"n{number}.md": "" for number in range(30)}
    renames = [Rename(RenameKind.NOTE, path, f"../{path}") for path in vault]
    with pytest.raises(RefusedError, match=r"… and 10 more\.$"):
        refuse_renames(renames, build_state(vault).index, make_disk([*vault]))


# -- the real disk ----------------------------------------------------------------------------------------------------


def test_questions_to_the_disk(tmp_path: Path) -> None:
    root = create_vault(tmp_path / "vault", {"A.md": "", "Work/B.md": "", ".hidden": ""})
    (tmp_path / "out").mkdir()
    (root / "link").symlink_to(tmp_path / "out")
    (root / "broken").symlink_to(tmp_path / "nothing")
    (root / "inner").symlink_to(root / "Work")
    os.link(root / "A.md", root / "A2.md")
    disk = probe_disk(root)
    assert [disk.exists(path) for path in ("A.md", ".hidden", "broken", "Work", "x", "A.md/x")] == [
        *(True, True, True, True),
        *(False, False),
    ]
    assert not disk.exists("a\0b")
    assert not disk.exists("a" * 5000)
    assert disk.is_same("A.md", "A.md")
    assert not disk.is_same("A.md", "Work")
    assert not disk.is_same("A.md", "x")
    assert [disk.is_folder(path) for path in ("Work", "link", "A.md", "x")] == [
        True,
        True,
        False,
        False,
    ]
    assert [disk.is_link(path) for path in ("link", "broken", "Work", "x")] == [
        True,
        True,
        False,
        False,
    ]
    outside = [
        disk.is_outside(path) for path in ("", "Work", "link", "link/deep", "inner", "new/x")
    ]
    assert outside == [False, False, True, True, False, False]
