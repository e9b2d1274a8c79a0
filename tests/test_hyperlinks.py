"""Tests of hyperlinks (OSC 8): where they are printed, what they lead to, and that no text of a vault can be one."""

import os
import re
import sys
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from running import RunCommand, create_vault
from screens import run_on_screen
from tables import each
from vaultlink.report.layout import (
    escape_terminal_controls,
    make_path_linker,
    remove_hyperlinks,
    supports_hyperlinks,
)

LINK = re.compile(r"\x1b\]8;;(?P<address>[^\x1b]+)\x1b\\(?P<text>[^\x1b]*)\x1b\]8;;\x1b\\")
WITH_LINKS = {"FORCE_HYPERLINK": "1"}
FOREIGN = "\x1b]8;;http:evil\x1b\\click\x1b]8;;\x1b\\"
"""A hyperlink in a vault."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")


def list_links(output: str) -> list[tuple[str, str]]:
    """Return the text and address of each hyperlink. All other text must be without escape sequences."""
    assert "\x1b]" not in LINK.sub("", output)
    return [(match["text"], match["address"]) for match in LINK.finditer(output)]


def address_of(file: Path) -> str:
    """Return the address of a file on this computer."""
    return f"file://{os.uname().nodename}{quote(str(file))}"


# -- which terminals ----------------------------------------------------------------------------------------------


@each(
    "environment",
    [
        {"TERM_PROGRAM": "vscode"},
        {"TERM_PROGRAM": "iTerm.app"},
        {"TERM_PROGRAM": "WezTerm"},
        {"TERM_PROGRAM": "ghostty"},
        {"TERM": "xterm-kitty"},
        {"TERM": "alacritty"},
        {"TERM": "foot-extra"},
        {"VTE_VERSION": "7600"},
        {"WT_SESSION": "b1"},
        {"KONSOLE_VERSION": "230401"},
        {"KITTY_WINDOW_ID": "1", "TERM": "tmux-256color"},
        {"WT_SESSION": "b1", "NO_COLOR": "1"},
        {"FORCE_HYPERLINK": "1", "TERM": "dumb"},
    ],
    ids=str,
)
def test_known_terminals_get_links(environment: dict[str, str]) -> None:
    assert supports_hyperlinks(environment, is_terminal=True)


@each(
    "environment",
    [
        {},
        {"TERM": "xterm-256color", "COLORTERM": "truecolor"},
        {"TERM": "dumb", "WT_SESSION": "b1"},
        {"TERM": "linux", "KONSOLE_VERSION": "230401"},
        {"TERM_PROGRAM": "Apple_Terminal"},
        {"VTE_VERSION": "5000"},
        {"VTE_VERSION": "4999"},
        {"VTE_VERSION": "new"},
        {"WT_SESSION": ""},
        {"FORCE_COLOR": "1"},
        {"FORCE_HYPERLINK": "0", "WT_SESSION": "b1"},
    ],
    ids=str,
)
def test_unknown_terminals_get_none(environment: dict[str, str]) -> None:
    assert not supports_hyperlinks(environment, is_terminal=True)


def test_pipes_get_links_only_if_forced() -> None:
    assert not supports_hyperlinks({"WT_SESSION": "b1"}, is_terminal=False)
    assert supports_hyperlinks({"FORCE_HYPERLINK": "1"}, is_terminal=False)


# -- where the links are ------------------------------------------------------------------------------------------


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return create_vault(
        tmp_path / "my vault", {"a/Ä ~%.md": "See [[Nothing]].\n", "B.md": "[[Ä ~%]] [[Other]]\n"}
    )


def test_place_of_a_finding_is_a_link_to_its_note(vault: Path) -> None:
    with run_on_screen(vault, "check", environment=WITH_LINKS) as screen:
        screen.wait_for_end(1)
        assert list_links(screen.output) == [
            ("B.md:1:10", address_of(vault / "B.md")),
            ("a/Ä ~%.md:1:5", address_of(vault / "a/Ä ~%.md")),
        ]
        assert "\n --> a/Ä ~%.md:1:" in screen.text


def test_addresses_name_existing_files(vault: Path) -> None:
    with run_on_screen(vault / "a", "check", environment=WITH_LINKS) as screen:
        screen.wait_for_end(1)
        links = list_links(screen.output)
    assert [text.partition(":")[0] for text, _ in links] == ["../B.md", "Ä ~%.md"]
    for _, address in links:
        assert re.fullmatch(r"[!-~]+", address)
        assert Path(unquote(address.removeprefix(f"file://{os.uname().nodename}"))).is_file()


def test_sources_of_a_group_are_links(tmp_path: Path) -> None:
    notes = {f"{'long ' * 15}{number}.md": "[[Wanted]] [[Wanted]]\n" for number in range(2)}
    root = create_vault(tmp_path / "vault", notes)
    with run_on_screen(root, "check", environment=WITH_LINKS) as screen:
        screen.wait_for_end(1)
        links = list_links(screen.output)
        assert [address for _, address in links] == [address_of(root / path) for path in notes]
        assert all(text.startswith("…") for text, _ in links), "cut to the width"
        assert sum(row.startswith("      …") for row in screen.rows) == 2, "a row each"


def test_links_take_no_columns(tmp_path: Path) -> None:
    notes = {f"{'long ' * 15}{number}.md": f"[[Gone {number % 9}]]\n" for number in range(40)}
    root = create_vault(tmp_path / "vault", notes)
    shown = []
    for environment in (WITH_LINKS, {}):
        with run_on_screen(root, "check", environment=environment) as screen:
            screen.wait_for_end(1)
            shown.append(screen.text)
            assert len(list_links(screen.output)) == (3 if environment else 0), "the notes"
    assert shown[0] == shown[1]
    assert "Notes (and 37 more)\n" in shown[0]


@each("words", [("--output-format", "full"), (), ("--json",)])
def test_output_without_a_terminal_has_no_links(
    run: RunCommand, vault: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.delenv("FORCE_HYPERLINK")
    monkeypatch.setenv("WT_SESSION", "b1")
    assert "\x1b" not in run("check", "--vault", vault, *words).out


def test_kept_answers_are_those_of_the_terminal(vault: Path) -> None:
    counts = []
    for forced in ("1", "0", "1"):
        with run_on_screen(vault, "check", environment={"FORCE_HYPERLINK": forced}) as screen:
            screen.wait_for_end(1)
            counts.append(len(list_links(screen.output)))
    assert counts == [2, 0, 2]


def test_output_files_have_no_links(run: RunCommand, vault: Path, tmp_path: Path) -> None:
    with run_on_screen(
        vault, "check", "--output-format", "full", "--output-file", tmp_path / "out",
        environment=WITH_LINKS,
    ) as screen:  # fmt: skip
        screen.wait_for_end(1)
    assert "B.md:1" in (tmp_path / "out").read_text(encoding="utf-8")
    assert "\x1b" not in (tmp_path / "out").read_text(encoding="utf-8")


# -- pagers -------------------------------------------------------------------------------------------------------


def write_pager(folder: Path, name: str, version: str) -> Path:
    """Write a program that answers `--version` as less does, and otherwise prints all."""
    program = folder / name
    program.write_text(
        f'#!/bin/sh\nif [ "$1" = --version ]; then echo "{version}"; else cat; fi\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    return program


@each(
    ("name", "version", "environment", "has_links"),
    [
        ("less", "less 566 (POSIX)", {}, True),
        ("less", "less 668", {"LESS": "-FRX"}, True),
        ("less", "less 551", {}, False),
        ("less", "less 668", {"LESS": "-F"}, False),
        ("less", "less 668", {"NO_COLOR": "1"}, False),
        ("less", "BusyBox", {}, False),
        ("most", "less 668", {}, False),
    ],
)
def test_only_recent_less_gets_links(
    tmp_path: Path, name: str, version: str, environment: dict[str, str], has_links: bool
) -> None:
    root = create_vault(tmp_path / "vault", {f"N{n}.md": f"[[Gone {n}]]\n" for n in range(30)})
    pager = {"PAGER": str(write_pager(tmp_path, name, version)), "NO_COLOR": "", "LESS": ""}
    with run_on_screen(
        root, "check", "--show", "all", environment={**WITH_LINKS, **pager, **environment}
    ) as screen:
        screen.wait_for_end(1)
        assert "N29.md:1:" in screen.everything
        assert bool(re.search(r"\x1b\]8;;file:[^\x1b]*/N29\.md\x1b", screen.output)) == has_links
        assert ("\x1b]8" in screen.output) == has_links


# -- text of a vault ----------------------------------------------------------------------------------------------


@each(
    "text",
    [
        FOREIGN,
        "\x1b]8;;\x1b\\",
        "\x1b]8;;\x07",
        "\x9d8;;http:evil\x9c",
        "\x1b]8;id=1;file:///etc/passwd\x1b\\",
        f"\x1b]8;;{'0' * 32}file:///etc/passwd\x1b\\",
        "\x1b]0;title\x07",
    ],
    ids=ascii,
)
@each("is_colored", [True, False])
def test_sequences_of_a_vault_are_spelled_out(text: str, is_colored: bool) -> None:
    linked = make_path_linker("file://host/v/")(f"before {text} after", f"{text}.md")
    shown = escape_terminal_controls(linked, is_colored=is_colored)
    [match] = re.finditer(r"\x1b\]8;;(file:[!-~]*)\x1b\\(.*)\x1b\]8;;\x1b\\", shown)
    assert match.span() == (0, len(shown)), "all of it is one link"
    assert unquote(match[1]) == f"file://host/v/{text}.md"
    assert match[2].startswith("before ")
    assert match[2].isprintable()
    assert match[2] == escape_terminal_controls(f"before {text} after", is_colored=is_colored)


def test_printed_links_can_be_removed() -> None:
    link = make_path_linker("file://host/v/")
    text = f"1 {link('N.md', 'N.md')} 2 {link('Ä', 'Ä.md')} 3\x1b[0m"
    assert (
        remove_hyperlinks(escape_terminal_controls(text, is_colored=True)) == "1 N.md 2 Ä 3\x1b[0m"
    )
    assert make_path_linker("")("N.md", "N.md") == "N.md"


def test_names_with_sequences_cannot_break_out(tmp_path: Path) -> None:
    names = [f"{FOREIGN}.md", "\x1b]8;;\x1b\\.md", "bell\x07]8;;.md", "\x9c.md", "c\x1b[0m.md"]
    notes = dict.fromkeys(names, f"[[{FOREIGN}]] {FOREIGN} [[gone \x07]]\n")
    root = create_vault(tmp_path / "vault", notes)
    for words in ((), ("--show", "all"), ("--show", "overview")):
        with run_on_screen(
            root, "check", *words, environment={**WITH_LINKS, "PAGER": "cat"}
        ) as screen:
            screen.wait_for_end(1)
            links = list_links(screen.output)
            assert "\x07" not in screen.output
            assert "\x9c" not in screen.output
            assert "http:evil" in screen.text
            assert len(links) == (0 if "all" in words else 3), "cat is no pager for links"
            for _, address in links:
                assert address.startswith(address_of(root))
                assert "evil" not in address or "%1B%5D8%3B%3Bhttp%3Aevil%1B%5C" in address
