"""Tests of unified diffs: exact to the byte, and applied by other programs."""

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from machine import require_program
from running import read_files, write_files
from tables import each
from vaultlink.fix.diff import TextChange
from vaultlink.fix.diff import unified_diff as list_diff_lines
from vaultlink.report.layout import COLORED, PLAIN, Palette
from vaultlink.report.plan_result import render_diff

LINES = some.lists(
    some.sampled_from(["", "a", "b", "a\r", "- x", "+ y", "@@ -1 +1 @@", "é🙂", "\\ No"]),
    max_size=12,
)
TEXTS = some.builds(
    lambda lines, ended: "\n".join(lines) + ("\n" if ended and lines else ""),
    LINES,
    some.booleans(),
)


def patched(old: str, diff: str) -> str:
    """Return a text after a diff is applied by the definition of the format."""
    lines = old.split("\n")
    kept = [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    new: list[str] = []
    at = 0
    rows = diff.split("\n")[2:-1]
    for number, row in enumerate(rows):
        if hunk := re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@", row):
            start = int(hunk[1]) - (hunk[2] != "0")
            new += kept[at:start]
            at = start
            continue
        if row.startswith("\\"):
            continue
        ended = not (number + 1 < len(rows) and rows[number + 1].startswith("\\ No newline"))
        line = row[1:] + ("\n" if ended else "")
        if row[0] in " -":
            assert kept[at] == line
            at += 1
        if row[0] in " +":
            new.append(line)
    return "".join([*new, *kept[at:]])


def unified_diff(
    changes: Iterable[TextChange], palette: Palette = PLAIN, moves: Mapping[str, str] | None = None
) -> str:
    """Return a diff as text."""
    return render_diff(list_diff_lines(changes, moves or {}), palette)


@given(TEXTS, TEXTS)
def test_applied_diff_gives_the_new_text(old: str, new: str) -> None:
    if old != new:
        assert patched(old, unified_diff([("a.md", old, new)])) == new


CHANGES: list[tuple[str, str | None, str | None]] = [
    ("plain.md", "a\nb\nc\n", "a\nB\nc\n"),
    ("two words.md", "a\n", "b\n"),
    ("unended.md", "a\nb", "a\nc"),
    ("ended now.md", "a", "a\n"),
    ("windows.md", "a\r\nb\r\n", "a\r\nc\r\n"),
    ("new.md", None, "a\n"),
    ("gone.md", "a\n", None),
    (
        "far.md",
        "".join(f"{n}\n" for n in range(40)),
        "".join(f"{'x' if n in (2, 30) else n}\n" for n in range(40)),
    ),
    ("über/ö.md", "é\n", "è\n"),
]


def test_git_applies_a_diff(tmp_path: Path) -> None:
    for path, old, _ in CHANGES:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        if old is not None:
            (tmp_path / path).write_bytes(old.encode())
    (tmp_path / "fix.patch").write_bytes(unified_diff(CHANGES).encode())
    done = subprocess.run(
        [require_program("git"), "apply", "-p1", "fix.patch"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for path, _, new in CHANGES:
        assert (
            not (tmp_path / path).exists()
            if new is None
            else (tmp_path / path).read_bytes() == new.encode()
        )


def test_diff_format() -> None:
    assert unified_diff([("a b.md", "1\n2\n3\n4\n5\n", "1\n2\n3\n4\nfive\n")]) == (
        "--- a/a b.md\t\n+++ b/a b.md\t\n@@ -2,4 +2,4 @@\n 2\n 3\n 4\n-5\n+five\n"
    )


def test_diff_is_colored_only_on_request() -> None:
    assert "\x1b[32m+b\x1b[0m\n" in unified_diff([("a.md", "a\n", "b\n")], COLORED)
    assert "\x1b" not in unified_diff([("a.md", "a\n", "b\n")])


@each("changes", [[], [("a.md", "a", "a")]])
def test_equal_texts_have_an_empty_diff(changes: list[tuple[str, str | None, str | None]]) -> None:
    assert unified_diff(changes) == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
@pytest.mark.parametrize(
    "path", ["two\nlines é.md", 'so "called".md', "back\\slash.md", "a\ttab.md", "-dash.md"]
)
def test_git_applies_diffs_of_any_file_name(tmp_path: Path, path: str) -> None:
    (tmp_path / path).write_bytes(b"a\n")
    (tmp_path / "fix.patch").write_bytes(unified_diff([(path, "a\n", "b\n")]).encode())
    done = subprocess.run(
        [require_program("git"), "apply", "fix.patch"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, (tmp_path / path).read_bytes()) == (0, b"b\n")


# -- renamed files ----------------------------------------------------------------------------------------------------

RENAMED = {
    "plain.md": "moved/plain 2.md",
    "a b.md": "b a.md",
    "swap.md": "paws.md",
    "paws.md": "swap.md",
    'so "called".md': "über/ö.md",
    "pic.png": "img/pic.png",
    "edited.md": "to/edited.md",
}
EDITED = [
    ("Index.md", "[[a]]\n", "[[b]]\n"),
    ("a b.md", "a\nb\nc\nd\n", "a\nb\nc\nD\n"),
    ("swap.md", "1\n2\n", "1\n3\n"),
    ("edited.md", "x", "y"),
    ("new.md", None, "new\n"),
    ("empty.md", None, ""),
    ("gone.md", "gone\n", None),
]


def test_git_applies_a_diff_of_a_long_note_with_repeated_lines(tmp_path: Path) -> None:
    before = "a\n\n" * 150 + "old\n" + "a\n\n" * 150
    after = before.replace("old\n", "new\na\n\n")
    write_files(tmp_path, {"a.md": before.encode()})
    patch = unified_diff([("a.md", before, "b\n" + after)])
    subprocess.run(
        [require_program("git"), "apply", "-"], cwd=tmp_path, input=patch.encode(), check=True
    )
    assert read_files(tmp_path) == {"a.md": f"b\n{after}".encode()}


def test_git_applies_a_diff_with_empty_files(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.md": b"1\n", "empty.md": b"", "z.md": b"1\n"})
    patch = unified_diff(
        [
            ("a.md", "1\n", "2\n"),
            ("empty.md", "", None),
            ("full.md", None, "3\n"),
            ("new.md", None, ""),
            ("z.md", "1\n", None),
        ]
    )
    subprocess.run(
        [require_program("git"), "apply", "-"], cwd=tmp_path, input=patch.encode(), check=True
    )
    assert read_files(tmp_path) == {"a.md": b"2\n", "full.md": b"3\n", "new.md": b""}


def test_git_applies_a_diff_with_renames(tmp_path: Path) -> None:
    before = {
        **{path: f"text of {path}\n".encode() for path in RENAMED},
        "pic.png": bytes(range(256)),
        "other.md": b"other",
        **{path: old.encode() for path, old, _ in EDITED if old is not None},
    }
    write_files(tmp_path, before)
    patch = unified_diff(EDITED, moves=RENAMED)
    done = subprocess.run(
        [require_program("git"), "apply", "-"],
        cwd=tmp_path,
        input=patch.encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    after = {**before, **{path: new and new.encode() for path, _, new in EDITED}}
    assert read_files(tmp_path) == {
        RENAMED.get(path, path): text for path, text in after.items() if text is not None
    } | {"empty.md": b""}


def test_format_of_a_renamed_file() -> None:
    assert unified_diff([("a.md", "1\n2\n3\n4\n", "1\n2\n3\n5\n")], moves={"a.md": "b c.md"}) == (
        "diff --git a/a.md b/b c.md\n"
        "similarity index 75%\n"
        "rename from a.md\n"
        "rename to b c.md\n"
        "--- a/a.md\n"
        "+++ b/b c.md\t\n"
        "@@ -1,4 +1,4 @@\n 1\n 2\n 3\n-4\n+5\n"
    )


def test_format_of_a_file_that_is_only_renamed() -> None:
    assert unified_diff([], moves={"a.md": "b.md", "c.md": "c.md"}) == (
        "diff --git a/a.md b/b.md\nsimilarity index 100%\nrename from a.md\nrename to b.md\n"
    )
