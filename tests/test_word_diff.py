"""Tests of diffs for people: which words are marked, which part of a long line is shown, and where the exact diff stays."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from machine import require_program
from running import create_vault, read_files
from screens import LARGE, SMALL, Size, run_on_screen
from tables import each
from vaultlink.fix.diff import unified_diff
from vaultlink.links.edit_math import count_equal_ends
from vaultlink.report.changed_lines import DiffPart, compare_words, render_marked_diff
from vaultlink.report.layout import COLORED, PLAIN, Palette

MARKED = Palette(red="", green="", reset="}", reverse="{")
"""Braces around changed words; one closes each removed or added line."""


def render_change(before: str, after: str, palette: Palette = MARKED, width: int = 80) -> list[str]:
    """Return the lines of a diff below its first hunk header, without the brace at their ends."""
    diff = render_marked_diff(unified_diff([("a.md", before, after)]), width, palette)
    lines = diff.splitlines()[3:]
    return [re.sub(r"^([-+].*)\}$", r"\1", line) for line in lines] if palette is MARKED else lines


CASES: dict[str, tuple[str, str, list[str]]] = {
    "one word": (
        "See [[LTP | a]].\n",
        "See [[long_tide | a]].\n",
        ["-See [[{LTP} | a]].", "+See [[{long_tide} | a]]."],
    ),
    "two words": (
        "[[a]] or [[b]] or [[c]]\n",
        "[[x]] or [[b]] or [[z]]\n",
        ["-[[{a}]] or [[b]] or [[{c}]]", "+[[{x}]] or [[b]] or [[{z}]]"],
    ),
    "added characters only": (
        "guest: [[a]]\n",
        'guest: "[[a]]"\n',
        ["-guest: [[a]]", '+guest: {"}[[a]]{"}'],
    ),
    "blanks only": ("some text  \n", "some text\n", ["-some text{··}", "+some text"]),
    "lines without anything in common": ("Tea\n", "water\n", ["-Tea", "+water"]),
    "a removed line": ("a\n- [[old]]\nb\n", "a\nb\n", [" a", "-- [[old]]", " b"]),
    "an added line": ("a\nb\n", "a\n- [[new]]\nb\n", [" a", "+- [[new]]", " b"]),
    "an added line beside a changed one": (
        "- [[one]] is a long entry\n",
        "- [[two]] is a long entry\n- new\n",
        ["-- [[{one}]] is a long entry", "+- [[{two}]] is a long entry", "+- new"],
    ),
    "no line feed at the end": (
        "go to a",
        "go to b",
        [
            "-go to {a}",
            "\\ No newline at end of file",
            "+go to {b}",
            "\\ No newline at end of file",
        ],
    ),
    "a line feed at the end is new": (
        "same",
        "same\n",
        ["-same", "\\ No newline at end of file", "+same"],
    ),
}


@each(("before", "after", "expected"), CASES.values(), ids=CASES)
def test_changed_words_of_similar_lines_are_marked(
    before: str, after: str, expected: list[str]
) -> None:
    assert render_change(before, after) == expected


WORDS = "many words " * 60

LONG_CASES: dict[str, tuple[str, str, list[str]]] = {
    "a long paragraph is shown around its change": (
        f"{WORDS}[[one]] {WORDS}\n",
        f"{WORDS}[[two]] {WORDS}\n",
        [
            f"-…{WORDS[-46:]}[[{{one}}]] {WORDS[:45]}…",
            f"+…{WORDS[-46:]}[[{{two}}]] {WORDS[:45]}…",
        ],
    ),
    "between two changes, it is cut too": (
        f"[[a]] {WORDS}[[b]]\n",
        f"[[x]] {WORDS}[[y]]\n",
        [
            f"-[[{{a}}]] {WORDS[:45]}…{WORDS[-46:]}[[{{b}}]]",
            f"+[[{{x}}]] {WORDS[:45]}…{WORDS[-46:]}[[{{y}}]]",
        ],
    ),
    "a line of 200 characters is whole": (
        f"{'x' * 197} b\n"[1:],
        f"{'x' * 197} c\n"[1:],
        [f"-{'x' * 196} {{b}}", f"+{'x' * 196} {{c}}"],
    ),
    "a long paragraph beside a change is cut to one row": (
        f"{WORDS}\na b\n",
        f"{WORDS}\na c\n",
        [f" {WORDS[:78]}…", "-a {b}", "+a {c}"],
    ),
    "an added long paragraph is whole": (
        "a\n",
        f"a\n{WORDS}\n",
        [" a", f"+{WORDS}"],
    ),
}


@each(("before", "after", "expected"), LONG_CASES.values(), ids=LONG_CASES)
def test_long_lines_are_shown_around_their_changes(
    before: str, after: str, expected: list[str]
) -> None:
    assert render_change(before, after) == expected


def test_marks_are_reverse_video_and_absent_without_colour() -> None:
    assert render_change("a b\n", "a c\n", COLORED) == [
        "\x1b[31m-a \x1b[7mb\x1b[0m\x1b[31m\x1b[0m",
        "\x1b[32m+a \x1b[7mc\x1b[0m\x1b[32m\x1b[0m",
    ]
    assert render_change("a b\n", "a c\n", PLAIN) == ["-a b", "+a c"]


def test_styles_of_a_note_are_spelled_out() -> None:
    assert render_change("\x1b[7ma b\n", "\x1b[7ma c\n", COLORED)[0].startswith(
        "\x1b[31m-\\u001b[7ma "
    )


LINES = some.text(some.sampled_from("ab [],.\t"), max_size=40)


@given(LINES, LINES)
def test_parts_are_the_whole_line(before: str, after: str) -> None:
    for line, parts in zip((before, after), compare_words(before, after), strict=True):
        assert "".join(part.text for part in parts) == line
        assert not parts[0].changed
        assert not parts[-1].changed
    equal = [_join_unchanged(parts) for parts in compare_words(before, after)]
    assert equal[0] == equal[1]


def _join_unchanged(parts: Sequence[DiffPart]) -> str:
    return "".join(part.text for part in parts if not part.changed)


# -- on a terminal, in a pipe and in a file ----------------------------------------------------------------------------

PARAGRAPH = f"{'A sentence about ships. ' * 20}[[Long tide]] {'More of it. ' * 30}"
NOTES = {
    "tide.md": "---\ntitle: Long tide\n---\n",
    **{f"Log {n}.md": f"# Log\n\n{PARAGRAPH}\r\n\nend" for n in range(1, 10)},
}


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x40"])
def test_diff_on_a_terminal_is_short_and_paged(tmp_path: Path, size: Size) -> None:
    require_program("less")
    vault = create_vault(tmp_path / "vault", NOTES)
    with run_on_screen(vault, "fix", "--diff", size=size) as screen:
        screen.wait_for("+++ b/Log 1.md").settle()
        assert f"-…{PARAGRAPH[434:482]}Long tide" in screen.text.replace("\n", "")
        assert "Would fix" not in screen.text
        screen.type("q").wait_for("Would fix 9 findings in 9 notes").wait_for_end(1)


@pytest.mark.parametrize("output", ["pipe", "file"])
def test_diff_elsewhere_is_exact(tmp_path: Path, output: str) -> None:
    vault, patch = create_vault(tmp_path / "vault", NOTES), tmp_path / "fix.patch"
    options = ["--output-file", str(patch)] if output == "file" else []
    command = [sys.executable, "-m", "vaultlink", "fix", "--diff", *options]
    printed = subprocess.run(command, cwd=vault, capture_output=True, check=False).stdout
    data = patch.read_bytes() if output == "file" else printed
    git = [require_program("git"), "apply", "-p1"]
    subprocess.run(git, cwd=vault, input=data, check=True, timeout=60)
    fixed = NOTES["Log 1.md"].replace("[[Long tide]]", "[[tide|Long tide]]")
    assert read_files(vault)["Log 1.md"] == fixed.encode()


# -- equal ends ------------------------------------------------------------------------------------


@each("size", [0, 1, 31, 32, 33, 34, 65, 1000])
def test_equal_ends_of_long_texts_are_counted_exactly(size: int) -> None:
    same = "ab" * size
    for head in {0, min(1, size), size // 2, size}:
        before = f"{same[:head]}-{same[head:]}"
        after = f"{same[:head]}+{same[head:]}"
        assert count_equal_ends(before, after) == (head, len(same) - head)
        assert count_equal_ends(before.encode(), after.encode()) == (head, len(same) - head)
    assert count_equal_ends(same, same) == (len(same), 0)
    assert count_equal_ends(same, same[: size // 2]) == (size // 2, 0)
