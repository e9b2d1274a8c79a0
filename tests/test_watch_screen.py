"""Tests of `vaultlink watch` on a terminal: a line for each cause, a status line of any width, and a closing line."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from running import RunCommand, create_vault, read_files
from screens import LARGE, SMALL, Screen, Size, run_on_screen
from tables import each
from vaultlink.model import LinkCounts
from vaultlink.report.layout import display_width, wrap_words
from vaultlink.watch.messages import VaultTotals
from vaultlink.watch.output import format_status

VAULT: Mapping[str, str] = {
    "Old tea.md": "# Tea\n\n[[n0]]\n",
    **{
        f"n{number}.md": "[[Old tea]] and [[Old tea|more]].\n\n[[Old tea]]\n"
        for number in range(12)
    },
}
STATUS = r"^\d+ notes · \d+ links · \d+ unresolved · \d+ findings?"


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return create_vault(tmp_path / "vault", VAULT)


@contextmanager
def watching(vault: Path, *options: str, size: Size = SMALL) -> Iterator[Screen]:
    """Run a watcher on a screen, and wait until it watches."""
    with run_on_screen(vault, "watch", *options, size=size) as screen:
        screen.wait_for_match(STATUS).settle()
        yield screen


def list_lines(screen: Screen) -> list[str]:
    """Return the lines of batches, joined where they were broken and without times."""
    text = re.sub(r"\n {4}", " ", "\n".join(screen.history))
    return [re.sub(r"^[\d:]{8} ", "", line) for line in text.splitlines()]


@pytest.mark.thorough
@each("size", [SMALL, LARGE], ids=["80x24", "120x40"])
def test_renaming_is_one_line_for_all_links(run: RunCommand, vault: Path, size: Size) -> None:
    before = read_files(vault)
    with watching(vault, "--fix", size=size) as screen:
        (vault / "Old tea.md").rename(vault / "New tea.md")
        screen.wait_for("named the old place; followed").wait_for_match(STATUS)
        lines = list_lines(screen)
        assert "Old tea.md renamed to New tea.md: 36 new" in lines
        assert [line.partition(":")[0] for line in lines if line[:1] in "+-" and line] == [
            "+ 36 links in 12 notes",
            "- 36 links in 12 notes named the old place; followed",
        ]
        screen.type("\x03").wait_for_end()
        assert (
            "Stopped: 1 change seen in 1 file, 0 findings now, fixed 36 findings in 12 notes."
            " `vaultlink undo` reverts the fixes."
        ) in list_lines(screen)
    run("undo", "--vault", vault)
    assert {path: text for path, text in before.items() if path != "Old tea.md"} == {
        path: text for path, text in read_files(vault).items() if path != "New tea.md"
    }


LONG_NOTE = "A note with quite a long name, and spaces in it"


@each("options", [(), ("--verbose",)], ids=["causes", "findings"])
def test_lines_break_between_words(vault: Path, options: tuple[str, ...]) -> None:
    (vault / f"{LONG_NOTE}.md").write_text("[[nowhere at all]] and [[gone for good]]\n")
    with watching(vault, *options) as screen:
        (vault / f"{LONG_NOTE}.md").write_text("[[another one that does not exist either]]\n")
        screen.wait_for("saved: 1 new").wait_for_match(STATUS)
        screen.type("\x03").wait_for_end()
        assert screen.everything.splitlines()[:2] == [
            f"{LONG_NOTE}.md:1:1: VL125 planned-note",
            "    “nowhere at all” is not written yet: no file in the vault has this name.",
        ]
        new = [row for row in screen.history if row.startswith("+ ")]
        assert new == [f"+ {LONG_NOTE}.md:1:1: VL125 planned-note"]
        assert (
            "\n    “another one that does not exist either” is not written yet: no file in the\n"
            in (screen.everything)
        )
        text = re.sub(r"(?s)\nWatching\s.*?Ctrl-C ends it", "", screen.everything)  # a long path
        for row in text.splitlines():
            assert re.match(r"[+\-\dASF]| {4}\S|$", row), row


def test_longer_words_than_a_row_stay_whole(vault: Path) -> None:
    name = "long" * 30
    with watching(vault) as screen:
        (vault / "n0.md").write_text(f"[[n1]] [[{name}]]\n")
        screen.wait_for("not written yet")
        assert f"“{name}”" in screen.everything.replace("\n", "")


@each(
    ("text", "width", "lines"),
    [
        ("", 10, [""]),
        ("a b c", 5, ["a b c"]),
        ("a b cd", 5, ["a b", "  cd"]),
        ("aa bb cc dd", 5, ["aa bb", "  cc", "  dd"]),
        ("a  b c", 4, ["a  b", "  c"]),
        ("aa `b c` dd", 7, ["aa", "  `b c`", "  dd"]),
        ("a (`b c d`) e", 5, ["a (`b c d`) e"]),
        ("aa (`b c`) e", 9, ["aa", "  (`b c`)", "  e"]),
        ("a `b c d", 4, ["a `b", "  c", "  d"]),
        ("`a` `b` cc", 7, ["`a` `b`", "  cc"]),
        ("abcdefgh ij", 4, ["abcdefgh", "  ij"]),
        ("ab cdefghijkl no", 8, ["ab cdefghijkl no"]),
        ("茶の湯 茶道", 8, ["茶の湯", "  茶道"]),
        ("茶 茶", 5, ["茶 茶"]),
        ("\x1b[1mab\x1b[0m cd", 5, ["\x1b[1mab\x1b[0m cd"]),
        ("\x1b[1mab cd\x1b[0m ef", 5, ["\x1b[1mab cd\x1b[0m", "  ef"]),
        ("\x1b]8;;file://h/a\x1b\\ab\x1b]8;;\x1b\\ cd", 5, ["\x1b]8;;file://h/a\x1b\\ab\x1b]8;;\x1b\\ cd"]),
    ],
)  # fmt: skip
def test_words_are_wrapped_by_their_columns(text: str, width: int, lines: list[str]) -> None:
    assert wrap_words(text, width, "  ") == lines


def test_first_line_can_have_text_before() -> None:
    assert wrap_words("aa bb", 8, "  ", used=2) == ["aa bb"]
    assert wrap_words("aa bb", 8, "  ", used=4) == ["aa", "  bb"]


def test_verbose_lists_every_link(vault: Path) -> None:
    with watching(vault, "--verbose") as screen:
        (vault / "Old tea.md").rename(vault / "New tea.md")
        screen.wait_until(lambda screen: screen.everything.count("VL114") == 36, "36 lines")


def test_many_causes_are_cut(vault: Path) -> None:
    with watching(vault) as screen:
        (vault / "n0.md").write_text("".join(f"[[gone {number}]]\n" for number in range(30)))
        screen.wait_for("… 10 more causes; --verbose shows them all")


def test_lines_are_complete_off_a_terminal(vault: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with watching(vault, "--output-file", str(log)) as screen:
        (vault / "Old tea.md").rename(vault / "New tea.md")
        screen.wait_for_match(r"36 findings")
        screen.type("\x03").wait_for_end()
    lines = [line for line in log.read_text().splitlines() if line.startswith("+ ")]
    assert len(lines) == 36
    assert all(
        re.match(r"\+ n\d+\.md:\d+:\d+: VL114 moved-link “Old tea” ", line) for line in lines
    )


@pytest.mark.thorough
@each(("links", "lines"), [(4, 4), (5, 1)])
def test_only_five_findings_of_one_cause_in_a_note_are_one_line_off_a_terminal(
    vault: Path, tmp_path: Path, links: int, lines: int
) -> None:
    log = tmp_path / "log"
    with watching(vault, "--output-file", str(log)) as screen:
        (vault / "n0.md").write_text("[[n1]]\n" + "[[gone]]\n" * links)
        screen.wait_for_match(rf" {links} findings")
        screen.type("\x03").wait_for_end()
    new = [line for line in log.read_text().splitlines() if line.startswith("+ ")]
    assert len(new) == lines
    assert ("and 4 more like it in this note (lines 3, 4, 5, 6)" in new[0]) == (lines == 1)


def test_status_line_follows_the_width_of_the_terminal(vault: Path) -> None:
    (vault / "n0.md").write_text("[[茶道の歴史と茶の湯の文化について]]\n")
    with watching(vault) as screen:
        for size, status in {
            Size(40, 24): r"^1 unresolved · \d+ findings?$",
            Size(12, 24): r"^\d+ finding",
            Size(120, 24): STATUS,
        }.items():
            screen.resize(size).wait_for_match(status)
            screen.settle()
            assert len([row for row in screen.rows if re.search(r"\d finding", row)]) <= 2
        screen.type("\x03").wait_for_end()


TOTALS = VaultTotals(251, 0, LinkCounts(links=3845), 100, 125, 40)
HEADLINE = "10:03:10 茶道の歴史と茶の湯の文化について.md saved: 1 new"


@each(
    ("width", "line"),
    [
        (
            120,
            "251 notes · 3,845 links · 100 unresolved · 125 findings · 10:03:10 "
            "茶道の歴史と茶の湯の文化について.md saved: 1 new",
        ),
        (79, "251 notes · 3,845 links · 100 unresolved · 125 findings · 10:03:10"),
        (60, "100 unresolved · 125 findings · 10:03:10"),
        (40, "100 unresolved · 125 findings · 10:03:10"),
        (38, "100 unresolved · 125 findings"),
        (20, "125 findings"),
        (6, "125 f…"),
        (1, "…"),
        (0, ""),
    ],
)
def test_status_line_leaves_out_what_does_not_fit(width: int, line: str) -> None:
    assert format_status(TOTALS, HEADLINE, width) == line
    assert display_width(line) <= max(width, 0)


def test_names_have_no_effect_on_the_terminal(vault: Path) -> None:
    with watching(vault) as screen:
        (vault / "a\x1b[2J\u202e.md").write_text("[[x\x1b[31m]]\n" * 3 + "[[y\x1b]0;z\x07]]\n")
        screen.wait_for_match(r"^4 |\d+ findings")
        screen.wait_for("created").settle().type("\x03").wait_for_end()
        assert "\x1b[2J" not in screen.output
        assert "\x1b[31m" not in screen.output
        assert "\u202e" not in screen.output
        assert "\x07" not in screen.output
