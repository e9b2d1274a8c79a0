"""Tests of `vaultlink watch` on a terminal: a line for each cause, a status line of any width, and a closing line."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from running import RunCommand, create_vault, read_files
from screens import LARGE, SMALL, Screen, Size, run_on_screen
from vaultlink.model import LinkCounts
from vaultlink.report.layout import display_width
from vaultlink.watch.messages import VaultTotals
from vaultlink.watch.output import format_status

VAULT: Mapping[str, str] = {
    "Old tea.md": "# Tea\n\n[[n0]]\n",
    **{
        f"n{number}.md": "[[Old tea]] and [[Old tea|more]].\n\n[[Old tea]]\n"
        for number in range(12)
    },
}
STATUS = r"^\d+ notes · \d+ links · \d+ dangling topics? · \d+ findings?"


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
    """Return the lines of batches, joined where the screen broke them and without times."""
    text = re.sub(r"\n(?![+\-…\d]| {2}…|Stopped)", "", "\n".join(screen.history))
    return [re.sub(r"^[\d:]{8} ", "", line) for line in text.splitlines()]


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x40"])
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
        closing = "".join(screen.text.partition("Stopped:")[1:]).replace("\n", "")
        assert re.sub(r"\s+", "", closing) == re.sub(
            r"\s+",
            "",
            "Stopped: 1 change seen in 1 file, 0 findings now, fixed 36 findings in 12 notes."
            " `vaultlink undo` reverts the fixes.",
        )
    run("undo", "--vault", vault)
    assert {path: text for path, text in before.items() if path != "Old tea.md"} == {
        path: text for path, text in read_files(vault).items() if path != "New tea.md"
    }


def test_verbose_lists_every_link(vault: Path) -> None:
    with watching(vault, "--verbose") as screen:
        (vault / "Old tea.md").rename(vault / "New tea.md")
        screen.wait_until(lambda screen: screen.everything.count("VL114") == 36, "36 lines")


def test_many_causes_are_cut(vault: Path) -> None:
    with watching(vault) as screen:
        (vault / "n0.md").write_text("".join(f"[[gone {number}]]\n" for number in range(30)))
        screen.wait_for("… 10 more causes; --verbose lists every finding")


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


def test_status_line_follows_the_width_of_the_terminal(vault: Path) -> None:
    (vault / "n0.md").write_text("[[茶道の歴史と茶の湯の文化について]]\n")
    with watching(vault) as screen:
        for size, status in {
            Size(40, 24): r"^1 dangling topic · \d+ findings?$",
            Size(12, 24): r"^\d+ finding",
            Size(120, 24): STATUS,
        }.items():
            screen.resize(size).wait_for_match(status)
            screen.settle()
            assert len([row for row in screen.rows if re.search(r"\d finding", row)]) <= 2
        screen.type("\x03").wait_for_end()


TOTALS = VaultTotals(251, 0, LinkCounts(links=3845), 100, 125)
HEADLINE = "10:03:10 茶道の歴史と茶の湯の文化について.md saved: 1 new"


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (
            120,
            "251 notes · 3,845 links · 100 dangling topics · 125 findings · 10:03:10 "
            "茶道の歴史と茶の湯の文化について.md saved: 1 new",
        ),
        (79, "251 notes · 3,845 links · 100 dangling topics · 125 findings · 10:03:10"),
        (60, "100 dangling topics · 125 findings · 10:03:10"),
        (40, "100 dangling topics · 125 findings"),
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
