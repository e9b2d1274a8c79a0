"""Tests of the patterns in `.gitignore` files: what they leave out, as git says, and what `check` then reports."""

import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from running import RunCommand, write_files
from tables import each
from vaultlink.config.patterns import compile_git_ignores
from vaultlink.git.repository import read_ignore_patterns

# -- patterns ------------------------------------------------------------------------------------------------------------

LEFT_OUT: dict[str, tuple[str, dict[str, str]]] = {
    "a kind": ("*.png", {"a.png": "*.png", "b/a.png": "*.png", "a.jpg": "", "a.png.md": ""}),
    "a kind in a folder": (
        "img/*.png",
        {"img/a.png": "img/*.png", "img/b/a.png": "", "b/img/a.png": "", "a.png": ""},
    ),
    "a folder": ("img/", {"img/a.png": "img/", "b/img/c/a.png": "img/", "img": "", "a/img": ""}),
    "a folder of the root": ("/img", {"img/a.png": "/img", "b/img/a.png": ""}),
    "a folder anywhere": (
        "**/img/*.png",
        {"img/a.png": "**/img/*.png", "b/img/a.png": "**/img/*.png", "b/img/c/a.png": ""},
    ),
    "everything below": (
        "img/**",
        {"img/a.png": "img/**", "img/b/a.png": "img/**", "b/img/a.png": ""},
    ),
    "the last decides": ("*.png\n!map.png", {"a.png": "*.png", "map.png": "", "b/map.png": ""}),
    "all but notes": ("*\n!*/\n!*.md", {"a.png": "*", "b/a.png": "*", "a.md": "", "b/a.md": ""}),
    "a folder takes all with it": ("img/\n!img/a.png", {"img/a.png": "img/"}),
    "a folder that is taken out": ("img/*\n!img/b/", {"img/a.png": "img/*", "img/b/a.png": ""}),
    "comments and spaces": ("# *.png\n\n*.jpg  \n", {"a.png": "", "a.jpg": "*.jpg"}),
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Create a repository with a vault in `notes`."""
    folder = tmp_path / "repository"
    (folder / "notes/.obsidian").mkdir(parents=True)
    subprocess.run(["git", "init", "-q", folder], check=True)
    return folder


def ask_git(folder: Path, path: str) -> str:
    """Return the pattern by which git leaves out a path; "" for none."""
    words = ["git", "-C", str(folder), "check-ignore", "--no-index", "-v", path]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    pattern = done.stdout.partition("\t")[0].split(":", 2)[2] if done.stdout else ""
    return "" if pattern.startswith("!") else pattern


@each(("text", "paths"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_patterns_leave_out_what_git_does(
    repository: Path, text: str, paths: dict[str, str]
) -> None:
    write_files(repository, {".gitignore": text.encode()})
    find = compile_git_ignores(read_ignore_patterns(repository, [".gitignore"]))
    for path, pattern in paths.items():
        assert (path, find(path), ask_git(repository, path)) == (path, pattern, pattern)


WHERE: dict[str, tuple[dict[str, str], list[str]]] = {
    "the vault": ({"notes/.gitignore": "*.png"}, ["*.png"]),
    "above it": (
        {".gitignore": "*.png\nnotes/img/\n/notes/*.jpg\n!notes/a.png\n**/b/\nsrc/*.png\n/x.png"},
        ["*.png", "/img/", "/*.jpg", "!/a.png", "**/b/"],
    ),
    "a folder of it": (
        {"notes/a/.gitignore": "*.png\n/img/\nb/*.jpg\n!c.png"},
        ["a/**/*.png", "a/img/", "a/b/*.jpg", "!a/**/c.png"],
    ),
    "the outermost first": (
        {"notes/a/.gitignore": "a", "notes/.gitignore": "b", ".gitignore": "c"},
        ["c", "b", "a/**/a"],
    ),
    "escapes": ({"notes/.gitignore": "\\#a\n\\!b\nc\\ "}, []),
}


@each(("files", "patterns"), WHERE.values(), ids=WHERE)
def test_patterns_are_those_of_the_vault(
    repository: Path, files: dict[str, str], patterns: list[str]
) -> None:
    write_files(repository, {path: text.encode() for path, text in files.items()})
    inside = [path.removeprefix("notes/") for path in files if path.startswith("notes/")]
    assert read_ignore_patterns(repository / "notes", inside) == patterns


def test_vault_outside_a_repository_has_none(tmp_path: Path) -> None:
    write_files(tmp_path, {".gitignore": b"*.png"})
    assert read_ignore_patterns(tmp_path, [".gitignore"]) == []


# -- check ---------------------------------------------------------------------------------------------------------------

NOTES = {f"notes/{n}.md": f"![[{n}.png]] and <img src='img/{n}.png'>\n".encode() for n in range(9)}
IGNORED = {"notes/.gitignore": b"img/*.png\n"}

FOUND: dict[str, tuple[dict[str, bytes], dict[str, int]]] = {
    "a clone": ({**NOTES, **IGNORED}, {"VL128": 18}),
    "a clone with other pictures": ({**NOTES, **IGNORED, "notes/a.png": b""}, {"VL128": 18}),
    "patterns above": ({**NOTES, ".gitignore": b"/notes/img/*.png\n"}, {"VL128": 18}),
    # not
    "no pattern": (NOTES, {"VL104": 9, "VL127": 9}),
    "another pattern": ({**NOTES, "notes/.gitignore": b"*.jpg\n"}, {"VL104": 9, "VL127": 9}),
    "the computer of the author": (
        {**NOTES, **IGNORED, "notes/img/0.png": b""},
        {"VL104": 8, "VL127": 8},
    ),
}


@each(("files", "counts"), FOUND.values(), ids=FOUND)
def test_absent_files_are_no_errors(
    run: RunCommand,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, bytes],
    counts: dict[str, int],
) -> None:
    write_files(repository, files)
    monkeypatch.chdir(repository / "notes")
    for _ in range(2):  # the second time from the cache
        done = run("check", "--output-format", "json")
        data: Any = done.data
        assert Counter(item["code"] for item in data["findings"]) == counts
        assert done.code == ("VL104" in counts)


def test_pattern_that_is_added_later_counts(
    run: RunCommand, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(repository, NOTES)
    monkeypatch.chdir(repository / "notes")
    assert run("check").code == 1
    write_files(repository, IGNORED)
    assert run("check").code == 0


def test_one_pattern_is_one_line(
    run: RunCommand, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(repository, {**NOTES, **IGNORED})
    monkeypatch.chdir(repository / "notes")
    lines = [line for line in run("check").lines if "VL128" in line]
    assert len(lines) == 1
    assert "“img/*.png” in .gitignore leaves it out, and 17 more like it in 9 notes" in lines[0]
