"""Tests of `--changed-since` on real git histories: new findings in changed and unchanged notes."""

import json
import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from exploring import choose_seeds, spread
from repositories import commit, create_repository, git, update_files
from running import RunCommand, read_files
from tables import each
from test_engine import FOLDERS, NAMES, some_text
from vaultlink.api import open_vault
from vaultlink.baseline.revision import find_merge_base
from vaultlink.disk.revisions import Comparison, read_past_contents, rebuild_at_revision
from vaultlink.disk.scan import Settings
from vaultlink.git.location import ReadBudget
from vaultlink.git.objects import read_checkout_blobs

Files = Mapping[str, str | bytes | None]
LONG = "".join(f"Line {number} says something of its own.\n" for number in range(20))


pytestmark = pytest.mark.usefixtures("plain_git")


class Case(NamedTuple):
    """A vault, its changes, and the new findings as `path code target`."""

    before: Files
    after: Files
    expected: list[str]
    config: str = ""


CASES: dict[str, Case] = {
    "a link that is added": Case({"a.md": "x\n"}, {"a.md": "x\n[[gone]]\n"}, ["a.md VL125 gone"]),
    "a note that is added": Case(
        {"a.md": "x\n"}, {"b.md": "[[gone]] [[a]]\n"}, ["b.md VL125 gone"]
    ),
    "nothing": Case({"a.md": "[[gone]]\n"}, {}, []),
    "words in a note with old findings": Case(
        {"a.md": "[[gone]]\n"}, {"a.md": "New.\n\nAnd [[gone]] again told\n"}, []
    ),
    "one more of the same": Case(
        {"a.md": "Old [[gone]].\n"},
        {"a.md": "New [[gone]].\n\nOld [[gone]].\n"},
        ["a.md:1 VL125 gone"],
    ),
    "one of two that goes": Case({"a.md": "[[gone]]\n\n[[gone]]\n"}, {"a.md": "[[gone]]\n"}, []),
    "one that goes while another comes": Case(
        {"a.md": "[[gone]]\n"}, {"a.md": "[[lost]]\n"}, ["a.md VL125 lost"]
    ),
    "a note that is deleted": Case(
        {"a.md": "[[b]]\n", "b.md": "x\n"}, {"b.md": None}, ["a.md VL101 b"]
    ),
    "an attachment that is deleted": Case(
        {"a.md": "![[p.png]]\n", "p.png": b"\x89"}, {"p.png": None}, ["a.md VL104 p.png"]
    ),
    "a canvas whose card loses its note": Case(
        {
            "m.canvas": '{"nodes":[{"id":"1","type":"file","file":"b.md"}]}',
            "b.md": "x\n",
            "c.md": "y\n",
        },
        {"b.md": None},
        ["m.canvas VL101 b.md"],
    ),
    "a note that is renamed": Case(
        {"a.md": "[[b]]\n", "b.md": LONG}, {"b.md": None, "c.md": LONG}, ["a.md VL114 b"]
    ),
    "a renamed note takes its old findings along": Case(
        {"b.md": f"{LONG}[[gone]]\n"},
        {"b.md": None, "sub/c.md": f"{LONG}[[gone]]\n[[lost]]\n"},
        ["sub/c.md VL125 lost"],
    ),
    "a folder of notes that are alike is renamed": Case(
        {"x/a.md": f"{LONG}[[gone]]\n", "x/b.md": f"{LONG}[[gone]]\n"},
        {
            "x/a.md": None,
            "x/b.md": None,
            "y/a.md": f"{LONG}[[gone]]\n",
            "y/b.md": f"{LONG}[[gone]]\n",
        },
        [],
    ),
    "alike notes that are edited as they are renamed": Case(
        {"x/a.md": f"{LONG}[[gone]]\n", "x/b.md": f"{LONG}[[gone]]\n"},
        {
            "x/a.md": None,
            "x/b.md": None,
            "y/a.md": f"{LONG}[[gone]]\n1\n",
            "y/b.md": f"{LONG}[[gone]]\n2\n",
        },
        [],
    ),
    "alike notes that get other names": Case(
        {"a.md": f"{LONG}[[gone]]\n", "b.md": f"{LONG}[[gone]]\n"},
        {"a.md": None, "b.md": None, "c.md": f"{LONG}[[gone]]\n", "d.md": f"{LONG}[[gone]]\n"},
        [],
    ),
    "a note that gets another number and a line": Case(
        {"Chapter 3.md": f"{LONG}[[gone]]\n"},
        {"Chapter 3.md": None, "Chapter 4.md": f"{LONG}[[gone]]\nx\n"},
        [],
    ),
    "a note that gets another date": Case(
        {"2024-01-03.md": f"{LONG}[[gone]]\n"},
        {"2024-01-03.md": None, "2024-01-04.md": f"{LONG}[[gone]]\n"},
        [],
    ),
    "a note moved out of a folder in which only ignored files are left": Case(
        {".gitignore": "*.png\n", "x/a.md": f"{LONG}[[gone]]\n", "x/p.png": b"\x89"},
        {"x/a.md": None, "a.md": f"{LONG}[[gone]]\n"},
        [],
    ),
    "a line that is there twice now": Case(
        {"a.md": "- [[gone]]\n- see [[gone]]\n"},
        {"a.md": "- [[gone]]\n- [[gone]]\n- see [[gone]]\n"},
        ["a.md:2 VL125 gone"],
    ),
    "a heading that is removed": Case(
        {"a.md": "[[b#One]] [[b#Two]]\n", "b.md": "# One\n\n# Two\n"},
        {"b.md": "# Two\n"},
        ["a.md VL102 b"],
    ),
    "a heading that is renamed": Case(
        {"a.md": "[[b#One]]\n", "b.md": "# One\n"}, {"b.md": "# Another\n"}, ["a.md VL102 b"]
    ),
    "one heading more is missing": Case(
        {"a.md": "[[b#Zero]]\n\n[[b#One]]\n", "b.md": "# One\n"},
        {"b.md": "x\n"},
        ["a.md:3 VL102 b"],
    ),
    "one missing heading for another": Case(
        {"a.md": "[[b#Zero|x]]\n", "b.md": "# One\n"},
        {"a.md": "[[b#Naught|x]]\n"},
        ["a.md VL102 b"],
    ),
    "other words for the same missing heading": Case(
        {"a.md": "[[b#Zero|x]]\n", "b.md": "# One\n"}, {"a.md": "[[b#Zero|so it is]]\n"}, []
    ),
    "a block that is removed": Case(
        {"a.md": "[[b#^k]]\n", "b.md": "text ^k\n"}, {"b.md": "text\n"}, ["a.md VL103 b"]
    ),
    "a title that a section names": Case(
        {
            "a.md": "# A\n\n**Add backlinks using these topics:**\n\nBee – [[b | Bee]]\n",
            "b.md": "---\ntitle: Bee\n---\n\n# Bee\n",
        },
        {"b.md": "---\ntitle: Wasp\n---\n\n# Wasp\n"},
        ["a.md VL406 "],
    ),
    "a dangling link that an alias comes near": Case(
        {"a.md": "[[Bee]]\n", "b.md": "x\n"}, {"b.md": "---\naliases: [Bee]\n---\n"}, []
    ),
    "another file of the same name": Case(
        {"x/a.md": "[[b]]\n", "b.md": "x\n"}, {"y/b.md": "z\n"}, ["x/a.md VL108 b"]
    ),
    "a note that is no UTF-8 any more": Case(
        {"a.md": "x\n", "b.md": "y\n"}, {"a.md": b"\xff\xfe"}, ["a.md VL001 "]
    ),
    "a note that was no UTF-8": Case({"a.md": b"\xff\xfe", "b.md": "y\n"}, {"a.md": "x\n"}, []),
    "an ignore that is taken out": Case(
        {"a.md": "%%vaultlink-disable%%\n[[gone]]\n"}, {"a.md": "[[gone]]\n"}, ["a.md VL125 gone"]
    ),
    "files that are none of the vault's": Case(
        {"a.md": "[[x]]\n", ".hidden/x.md": "x\n"},
        {".hidden/x.md": None, ".hidden/y.md": "[[gone]]\n"},
        [],
    ),
    "an orphan that is made by taking the last link to it": Case(
        {"a.md": "[[b]]\n", "b.md": "[[a]]\n"},
        {"a.md": "x\n"},
        ["b.md VL401 "],
        'extend-select = ["orphan-note"]\n',
    ),
    "line ends": Case({"a.md": "[[gone]]\n[[lost]]\n"}, {"a.md": "[[gone]]\r\n[[lost]]\r\n"}, []),
    "a link that is mended": Case({"a.md": "[[gone]]\n", "b.md": "x\n"}, {"a.md": "[[b]]\n"}, []),
}


def reported(run: RunCommand, *words: str) -> list[str]:
    """Return the reported findings as `path:line code target`."""
    data = run("check", "--output-format", "json", *words).data
    assert isinstance(data, dict)
    return [
        f"{row['path']}:{row['line']} {row['code']} {row['target'] or ''}"
        for row in data["findings"]
    ]


def agree(found: list[str], wanted: list[str]) -> bool:
    """Return True if the findings are the expected ones; lines are compared where they are given."""

    def bare(row: str) -> str:
        place, _, rest = row.partition(" ")
        return f"{place.partition(':')[0]} {rest}"

    return len(found) == len(wanted) and all(
        one == other or (":" not in other.partition(" ")[0] and bare(one) == other)
        for one, other in zip(found, wanted, strict=True)
    )


@pytest.mark.parametrize("committed", spread((False, True)))
@each(("number", "case"), enumerate(CASES.values()), ids=CASES)
def test_only_new_findings_are_reported(
    run: RunCommand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    case: Case,
    committed: bool,
) -> None:
    """Each case is in a repository and in a folder of one: every second one is in the folder if it is committed."""
    root, folder = tmp_path / "repo", "my notes" if committed == bool(number % 2) else ""
    vault = root / folder
    create_repository(
        root,
        {
            "other/README.txt": "x",
            **{
                f"{folder}/{path}".lstrip("/"): text
                for path, text in {"vaultlink.toml": case.config, **case.before}.items()
            },
        },
    )
    update_files(vault, case.after)
    if committed:
        commit(root)
    monkeypatch.chdir(vault)
    found = reported(run, "--changed-since", "HEAD~1" if committed else "HEAD")
    assert agree(found, case.expected), found


def test_exit_code_depends_on_new_findings(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = create_repository(
        tmp_path / "v", {"vaultlink.toml": "", "a.md": "[[gone]]\n", "b.md": "x\n"}
    )
    monkeypatch.chdir(root)
    clean = run("check", "--changed-since", "HEAD")
    assert (clean.code, clean.out) == (0, "")
    assert "No new findings in 2 notes." in clean.err
    assert "Not shown: 1 finding from before the changes since HEAD." in clean.err
    update_files(root, {"a.md": "[[lost]]\n"})
    dirty = run("check", "--changed-since", "HEAD")
    assert dirty.code == 1
    assert dirty.lines == [
        "a.md:1:1: VL125 planned-note “lost” is not written yet: no file in the vault has this name."
    ]
    assert "Found 1 new warning in 1 file" in dirty.err
    assert "1 finding from before the changes since HEAD is no longer found." in dirty.err


HINTS: dict[str, tuple[str, str]] = {
    "a safe fix": ("[[Bee]]", "`vaultlink fix --changed-since HEAD` can fix 1 of them."),
    "a planned note": (
        "[[lost]]",
        "`vaultlink fix --interactive --changed-since HEAD` asks about 1 of them.",
    ),
    "nothing to fix": ("[[b#^none]]", ""),
}


@each(("text", "hint"), HINTS.values(), ids=HINTS)
def test_command_that_fixes_these_findings_is_named(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, hint: str
) -> None:
    root = create_repository(tmp_path / "v", FIXABLE)
    update_files(root, {"new.md": f"[[Bee]] of old\n\n{text}\n"})
    monkeypatch.chdir(root)
    done = run("check", "--changed-since", "HEAD")
    assert done.code == 1
    assert re.findall(r"`vaultlink fix.*", done.err) == ([hint] if hint else [])


@each("hook", ["", "1"])
def test_hook_with_a_baseline_names_the_command_for_the_commit(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    root = create_repository(tmp_path / "v", FIXABLE)
    monkeypatch.chdir(root)
    run("baseline")
    update_files(root, {"new.md": "[[Bee]] of old\n\n[[Bee]] of now\n"})
    assert run("check").code == 1  # its answer is in the cache
    monkeypatch.setenv("PRE_COMMIT", hook)
    only_new = "`vaultlink fix --changed-since HEAD` fixes only what the commit adds."
    assert (only_new in run("check").err) == bool(hook)
    assert run("fix", "--changed-since", "HEAD").code == 0
    assert (root / "new.md").read_text() == "[[Bee]] of old\n\n[[b|Bee]] of now\n"


def test_json_counts_known_findings(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(
        create_repository(tmp_path / "v", {"vaultlink.toml": "", "a.md": "[[gone]]\n"})
    )
    data = run("check", "--changed-since", "HEAD", "--output-format", "json").data
    assert isinstance(data, dict)
    assert (data["known"], data["findings"]) == (
        [{"kind": "revision", "name": "HEAD", "left": 1, "gone": 0}],
        [],
    )


def test_paths_narrow_what_is_reported(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = create_repository(
        tmp_path / "v", {"vaultlink.toml": "", "x/a.md": "x\n", "y/b.md": "x\n"}
    )
    update_files(root, {"x/a.md": "[[gone]]\n", "y/b.md": "[[lost]]\n"})
    monkeypatch.chdir(root)
    assert reported(run, "--changed-since", "HEAD", "y") == ["y/b.md:1 VL125 lost"]


def test_repeated_run_is_equal_and_sees_later_changes(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = create_repository(tmp_path / "v", {"vaultlink.toml": "", "a.md": "x\n"})
    update_files(root, {"a.md": "[[gone]]\n"})
    commit(root)
    monkeypatch.chdir(root)
    for _ in range(2):
        assert reported(run, "--changed-since", "HEAD~1") == ["a.md:1 VL125 gone"]
    assert reported(run, "--changed-since", "HEAD") == []
    commit(root)
    assert reported(run, "--changed-since", "HEAD~1") == []


def test_changes_are_relative_to_the_merge_base(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = create_repository(
        tmp_path / "v", {"vaultlink.toml": "", "a.md": "[[gone]]\n", "b.md": "x\n"}
    )
    git(root, "switch", "--quiet", "--create", "mine")
    update_files(root, {"b.md": "[[lost]]\n"})
    commit(root)
    git(root, "switch", "--quiet", "main")
    update_files(root, {"a.md": "mended\n", "c.md": "new here\n"})
    commit(root)
    git(root, "switch", "--quiet", "mine")
    monkeypatch.chdir(root)
    assert reported(run, "--changed-since", "main") == ["b.md:1 VL125 lost"]


def test_files_ignored_by_git_exist_at_the_revision(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = create_repository(
        tmp_path / "v",
        {"vaultlink.toml": "", ".gitignore": "*.png\n", "a.md": "![[p.png]]\n", "p.png": b"\x89"},
    )
    monkeypatch.chdir(root)
    assert reported(run, "--changed-since", "HEAD") == []
    update_files(root, {"q.md": "[[a]]\n", "a.md": "![[p.png]] ![[q.png]]\n"})
    assert reported(run, "--changed-since", "HEAD") == ["a.md:1 VL104 q.png"]


FAULTS: dict[str, tuple[Callable[[Path], object], tuple[str, ...], str]] = {
    "no repository": (lambda root: root, ("--changed-since", "HEAD"), "is not in a git repository"),
    "no such revision": (
        lambda root: create_repository(root, {}),
        ("--changed-since", "nowhere"),
        "git can't find the revision “nowhere”",
    ),
    "an option for git": (
        lambda root: create_repository(root, {}),
        ("--changed-since=--all",),
        "git can't find the revision “--all”",
    ),
    "an empty variable": (
        lambda root: create_repository(root, {}),
        ("--changed-since", ""),
        "--changed-since is empty",
    ),
    "no commit": (
        lambda root: git(root, "init", "--quiet"),
        ("--changed-since", "HEAD"),
        "there are no commits yet in",
    ),
    "a file": (
        lambda root: create_repository(root, {"x.txt": "x"}),
        ("--changed-since", "HEAD:x.txt"),
        "git can't find the revision",
    ),
}


@each(("made", "words", "why"), FAULTS.values(), ids=FAULTS)
def test_unknown_revision_is_an_error(
    run: RunCommand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    made: Callable[[Path], object],
    words: tuple[str, ...],
    why: str,
) -> None:
    root = tmp_path / "v"
    update_files(root, {"vaultlink.toml": "", "a.md": "x\n"})
    made(root)
    monkeypatch.chdir(root)
    for command in ("check", "fix"):
        done = run(command, *words)
        assert (done.code, done.out) == (2, "")
        assert why in done.err


@each(
    "variables",
    [
        {"GIT_DIR": ".git"},
        {"GIT_DIR": "other"},
        {"GIT_INDEX_FILE": ".git/none"},
        {"GIT_WORK_TREE": "other"},
    ],
    ids=str,
)
def test_git_environment_of_hooks_is_ignored(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]
) -> None:
    root = create_repository(
        tmp_path / "v", {"my notes/vaultlink.toml": "", "my notes/a.md": "[[gone]]\n"}
    )
    create_repository(root / "other", {"x.txt": "x"})
    update_files(root, {"my notes/a.md": "[[gone]] [[lost]]\n"})
    monkeypatch.chdir(root)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert reported(run, "my notes", "--changed-since", "HEAD") == ["a.md:1 VL125 lost"]


def test_notes_at_a_revision_have_the_encoding_of_their_checkout(tmp_path: Path) -> None:
    root, note, text = tmp_path / "v", "my notes/ä.md", "[[gone]]\n".encode("utf-16-le")
    attributes = '"my notes/*.md" working-tree-encoding=UTF-16LE\n'
    create_repository(root, {".gitattributes": attributes, note: text})
    blob = git(root, "rev-parse", f"HEAD:{note}").strip()
    files = [("ä.md", blob), ("b.md", blob)]
    assert read_checkout_blobs(root / "my notes", files, ReadBudget(root, 1_000)) == [text, text]


@each("is_configured", [True, False])
def test_note_with_a_filter_program_is_named(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_configured: bool
) -> None:
    root = tmp_path / "v"
    update_files(root, {".gitattributes": "*.md filter=crypt\n"})
    create_repository(root, {"my notes/vaultlink.toml": "", "my notes/ä.md": "[[gone]]\n"})
    git(root, "config", "filter.crypt.smudge" if is_configured else "crypt.smudge", "false")
    update_files(root, {"my notes/ä.md": "More [[gone]]\n[[lost]]\n"})
    monkeypatch.chdir(root / "my notes")
    if not is_configured:
        assert reported(run, "--changed-since", "HEAD") == ["ä.md:2 VL125 lost"]
        return
    done = run("check", "--changed-since", "HEAD")
    assert (done.code, done.out) == (2, "")
    assert "ä.md has the git filter “crypt”" in done.err
    assert "`vaultlink baseline`" in done.err


def test_missing_git_object_is_an_error(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = create_repository(tmp_path / "v", {"vaultlink.toml": "", "a.md": "[[gone]]\n"})
    update_files(root, {"a.md": "[[gone]] and more\n"})
    commit(root)
    blob = git(root, "rev-parse", "HEAD~1:a.md").strip()
    (root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    monkeypatch.chdir(root)
    done = run("check", "--changed-since", "HEAD~1")
    assert (done.code, done.out) == (2, "")
    assert "git can't read a.md at the merge base" in done.err


@each("revision", ["origin/main", "HEAD~1"])
def test_shallow_clone_is_named_as_the_reason(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, revision: str
) -> None:
    root = create_repository(tmp_path / "v", {"vaultlink.toml": "", "a.md": "x\n"})
    commit(root)
    git(root, "switch", "--quiet", "--create", "mine")
    update_files(root, {"a.md": "[[gone]]\n"})
    commit(root)
    git(root, "switch", "--quiet", "main")
    commit(root)
    git(
        tmp_path,
        "clone",
        "--quiet",
        "--depth",
        "1",
        "--no-single-branch",
        "--branch",
        "mine",
        root.as_uri(),
        "clone",
    )
    monkeypatch.chdir(tmp_path / "clone")
    done = run("check", "--changed-since", revision)
    assert done.code == 2
    assert "fetch the whole history" in " ".join(done.err.split())
    done = run("check", "--changed-since", "nowhere")
    assert done.code == 2
    assert "“nowhere” in" in done.err
    assert "It does not exist, or this clone lacks it." in done.err


# -- fixing ---------------------------------------------------------------------------------------------------------------

FIXABLE = {
    "vaultlink.toml": "",
    "b.md": "---\naliases: [Bee]\n---\n",
    "old.md": "[[Bee]]\n",
    "new.md": "[[Bee]] of old\n",
}


def test_only_new_findings_are_fixed(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = create_repository(tmp_path / "v", FIXABLE)
    update_files(root, {"new.md": "[[Bee]] of old, and [[Bee]]\n\nAgain: [[Bee]]\n"})
    monkeypatch.chdir(root)
    done = run("fix", "--changed-since", "HEAD")
    assert done.code == 0, done.err
    texts = read_files(root)
    assert texts["old.md"] == b"[[Bee]]\n"
    assert texts["new.md"].count(b"[[b|Bee]]") == 2
    assert texts["new.md"].count(b"[[Bee]]") == 1
    assert run("fix", "--changed-since", "HEAD", "--diff").code == 0


def test_known_findings_moved_by_a_fix_remain_known(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = create_repository(
        tmp_path / "v",
        {
            "vaultlink.toml": "",
            "a.md": "[[Bee]] and [[b#Zero]]\n\n[[b#Nil]]\n",
            "b.md": "# One\n",
            "Bee.md": LONG,
        },
    )
    update_files(root, {"Bee.md": None, "a name that is longer.md": LONG})
    monkeypatch.chdir(root)
    done = run("fix", "--changed-since", "HEAD")
    assert read_files(root)["a.md"].startswith(b"[[a name that is longer|Bee]] and [[b#Zero]]\n")
    assert (done.code, done.out) == (0, "")
    assert "Not shown: 2 findings from before the changes since HEAD." in done.err


def test_diff_is_a_patch(run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = create_repository(tmp_path / "v", FIXABLE)
    update_files(root, {"x y.md": "One [[Bee]]\r\nlast [[Bee]]", "c.md": "[[B]]\n"})
    monkeypatch.chdir(root)
    patch = tmp_path / "fix.patch"
    assert run("check", "--diff", "--changed-since", "HEAD", "--output-file", patch).code == 1
    before = read_files(root)
    git(root, "apply", str(patch))
    assert read_files(root)["x y.md"] == b"One [[b|Bee]]\r\nlast [[b|Bee]]"
    assert {
        path
        for path, text in read_files(root).items()
        if before[path] != text and not path.startswith(".git/")
    } == {"x y.md"}
    assert run("check", "--diff", "--changed-since", "HEAD").code == 0


def test_patch_for_a_vault_in_a_folder_is_applied_there(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = create_repository(
        tmp_path / "r", {f"my notes/{path}": text for path, text in FIXABLE.items()}
    )
    monkeypatch.chdir(root)
    run("check", "my notes", "--diff", "--output-file", tmp_path / "fix.patch")
    git(root, "apply", "--directory", "my notes", str(tmp_path / "fix.patch"))
    assert (root / "my notes" / "old.md").read_bytes() == b"[[b|Bee]]\n"


# -- the state at a revision is that of its files --------------------------------------------------------------------------


def a_step(dice: random.Random, root: Path) -> None:
    """Draw a batch of creations, edits, deletions and renames."""
    for _ in range(dice.randint(1, 5)):
        there = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.md"))
        path = f"{dice.choice(FOLDERS)}{dice.choice(NAMES)}.md"
        what = dice.random()
        if there and what < 0.25 and len(there) > 1:
            (root / dice.choice(there)).unlink()
        elif there and what < 0.5 and not (root / path).exists():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / dice.choice(there)).rename(root / path)
        else:
            update_files(root, {path: some_text(dice, path)})


@each("seed", choose_seeds(6))
def test_state_at_a_revision_equals_a_fresh_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    dice = random.Random(seed)
    config = 'select = ["ALL"]\nignore = ["moved-link"]\n'
    root = create_repository(
        tmp_path / "v",
        {
            "vaultlink.toml": config,
            "x/p.png": b"\x89",
            "a.md": some_text(dice, "a.md"),
            "keep.md": "",
        },
    )
    for _ in range(3):
        a_step(dice, root)
        commit(root)
    a_step(dice, root)
    vault = open_vault(root, Settings(cache=False, history=False))
    for back in range(4):
        revision = find_merge_base(root, f"HEAD~{back}")
        then = rebuild_at_revision(
            vault.state, read_past_contents(vault.scan, (), Comparison(vault.root, revision))
        )
        git(tmp_path, "clone", "--quiet", str(root), f"then{back}")
        git(tmp_path / f"then{back}", "checkout", "--quiet", revision.commit)
        fresh = open_vault(tmp_path / f"then{back}", Settings(cache=False, history=False)).state
        assert dict(then.diagnostics) == dict(fresh.diagnostics), back
        assert dict(then.index.targets) == dict(fresh.index.targets)


def test_json_is_independent_of_query_order(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = create_repository(tmp_path / "v", {"vaultlink.toml": "", "a.md": "x\n"})
    update_files(root, {"a.md": "[[gone]]\n"})
    monkeypatch.chdir(root)
    cold = run("check", "--changed-since", "HEAD", "--output-format", "json", "--no-cache").out
    warm = [
        run("check", "--changed-since", "HEAD", "--output-format", "json").out for _ in range(2)
    ]
    assert warm == [cold, cold]
    assert json.loads(cold)["summary"]["findings"] == 1
