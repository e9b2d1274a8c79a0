"""Tests of `vaultlink sections` on disk, and that listings leave sections out."""

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from running import RunCommand, write_files

VAULT = {
    "A.md": "---\ntitle: The first\n---\nSee [[N]].\n",
    "B.md": "# B\n\n[[N]] and [[A]]\n",
    "sub/N.md": "Text, CRLF\r\n",
    "own.md": "Text\n\n**Add backlinks using these topics:**\n\nB – [[B | B]]\n",
    "C.md": "[[own]]\n",
}
SECTION = (
    "<!-- vaultlink:backlinks before=1 after=1 -->\r\n\r\n**Add backlinks using these topics:**\r\n\r\n"
    "B – [[B]]\r\n\r\nThe first – [[A | The first]]\r\n\r\n<!-- /vaultlink:backlinks -->\r\n"
)


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a vault and make it the current folder."""
    folder = write_files(tmp_path / "vault", VAULT)
    monkeypatch.chdir(folder)
    return folder


def bytes_of(folder: Path) -> Mapping[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*.md"))
    }


def test_sections_are_written_checked_and_removed(vault: Path, run: RunCommand) -> None:
    before = bytes_of(vault)
    checked = run("sections", "check")
    assert (checked.code, checked.lines) == (
        1,
        ["path\tchange", "A.md\twritten", "sub/N.md\twritten"],
    )
    assert "2 sections would be written." in checked.err
    table = run("sections", "check", "--output-format", "table")
    assert [line.split(maxsplit=1)[1] for line in table.lines[1:]] == ["would be written"] * 2
    assert bytes_of(vault) == before
    done = run("sections", "write")
    assert (done.code, done.lines) == (0, checked.lines)
    assert "2 sections were written. `vaultlink undo` reverts it." in done.err
    after = bytes_of(vault)
    assert after["sub/N.md"] == before["sub/N.md"] + b"\r\n" + SECTION.encode()
    assert {path for path in before if after[path] != before[path]} == {"A.md", "sub/N.md"}
    for words in (["write"], ["check"], ["write", "--diff"]):
        again = run("sections", *words)
        assert (again.code, again.out) == (0, ""), words
    assert bytes_of(vault) == after
    removed = run("sections", "remove")
    assert (removed.code, removed.lines) == (
        0,
        ["path\tchange", "A.md\ttaken out", "sub/N.md\ttaken out"],
    )
    assert bytes_of(vault) == before
    assert run("sections", "remove").out == ""


@pytest.mark.thorough
@pytest.mark.parametrize("output_format", ["tsv", "json", "table"])
@pytest.mark.parametrize("word", ["write", "check", "write --diff", "adopt", "remove"])
def test_run_without_changes_is_remembered_until_something_changes(
    vault: Path, run: RunCommand, word: str, output_format: str
) -> None:
    words = ("sections", *word.split(), "--output-format", output_format)
    run("sections", "adopt" if word == "adopt" else "write")
    if word == "remove":
        run("sections", word)
    time.sleep(0.1)  # changes that are just made are not trusted
    first = run(*words)
    assert list((vault.parent / "cache").glob("*/answer-sections*"))
    remembered = run(*words)
    fresh = run(*words, "--no-cache")
    assert (first.code, first.out, first.err) == (fresh.code, fresh.out, fresh.err)
    assert (remembered.code, remembered.out, remembered.err) == (fresh.code, fresh.out, fresh.err)
    write_files(
        vault, {"A.md": "[[own]]\n\n**Add backlinks using these topics:**\n\nB – [[B | B]]\n"}
    )
    write_files(
        vault,
        {"D.md": "<!-- vaultlink:backlinks -->\n\n[[N]]\n\n<!-- /vaultlink:backlinks -->\n[[own]]"},
    )
    assert run(*words).out not in ("", first.out)


def test_diff_shows_what_would_be_written(vault: Path, run: RunCommand) -> None:
    before = bytes_of(vault)
    shown = run("sections", "write", "--diff", "N")
    assert shown.code == 1
    assert [line for line in shown.lines if line.startswith(("---", "+++"))] == [
        "--- a/sub/N.md",
        "+++ b/sub/N.md",
    ]
    assert "+The first – [[A | The first]]" in shown.out
    assert run("sections", "write", "--dry-run", "N").out == shown.out
    assert bytes_of(vault) == before


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--style", "list"], "- [[A|The first]]"),
        (["--style", "context"], "  - See [[N]]."),
        (["--heading", "# Mentioned in"], "# Mentioned in"),
        (["--style", "list", "--order", "path"], "- [[A|The first]]"),
    ],
)
def test_style_of_sections_is_configurable(
    vault: Path, run: RunCommand, words: list[str], line: str
) -> None:
    assert run("sections", "write", "N", *words).code == 0
    assert line in (vault / "sub/N.md").read_text(encoding="utf-8").splitlines()
    assert run("sections", "check", "N", *words).code == 0


def test_single_note_can_be_selected(vault: Path, run: RunCommand) -> None:
    assert run("sections", "write", "A").lines == ["path\tchange", "A.md\twritten"]
    assert run("sections", "check").lines == ["path\tchange", "sub/N.md\twritten"]
    assert run("sections", "check", "own").code == 0


def test_sections_are_adopted_maintained_and_released(vault: Path, run: RunCommand) -> None:
    before = bytes_of(vault)
    assert run("sections", "adopt", "--check").lines == ["path\tchange", "own.md\tadopted"]
    assert run("sections", "adopt").lines == ["path\tchange", "own.md\tadopted"]
    assert run("sections", "remove").lines == ["path\tchange", "own.md\ttaken out"]
    assert bytes_of(vault) == before
    run("sections", "adopt")
    assert run("sections", "write", "own").lines == ["path\tchange", "own.md\tbrought in step"]
    text = (vault / "own.md").read_text(encoding="utf-8")
    assert text == (
        "Text\n\n<!-- vaultlink:backlinks adopted -->\n\n**Add backlinks using these topics:**\n\nC – [[C]]\n\n"
        "<!-- /vaultlink:backlinks -->\n"
    )


def test_changed_passages_are_detected(vault: Path, run: RunCommand) -> None:
    run("sections", "write", "--style", "context")
    before = (vault / "sub/N.md").read_text(encoding="utf-8")
    write_files(vault, {"A.md": "---\ntitle: The first\n---\nSee now [[N]].\n"})
    assert run("sections", "check", "--style", "context", "N").lines == [
        "path\tchange",
        "sub/N.md\tbrought in step",
    ]
    assert run("sections", "write", "--style", "context", "N").code == 0
    assert (vault / "sub/N.md").read_text(encoding="utf-8") == before.replace("See", "See now")
    assert run("sections", "check", "--style", "context", "N").code == 0


def test_suppressions_apply_to_sections(vault: Path, run: RunCommand) -> None:
    write_files(
        vault,
        {
            "sub/N.md": "%%vaultlink-disable-file missing-section%%\n",
            ".vaultlink.toml": 'exclude = ["A.md"]\n',
        },
    )
    assert run("sections", "write").out == ""


def test_fix_maintains_existing_sections(vault: Path, run: RunCommand) -> None:
    run("sections", "write", "N")
    write_files(vault, {"B.md": "Nothing.\n", "D.md": "[[N]]\n"})
    assert "stale-section" in run("check").out
    run("fix")
    assert "stale-section" not in run("check").out
    text = (vault / "sub/N.md").read_text(encoding="utf-8")
    assert "D – [[D]]" in text
    assert "[[B" not in text
    assert "vaultlink" not in (vault / "A.md").read_text(encoding="utf-8")


def test_fix_writes_sections_if_configured(vault: Path, run: RunCommand) -> None:
    write_files(vault, {".vaultlink.toml": '[backlinks]\nmode = "write"\nstyle = "list"\n'})
    run("fix")
    assert "- [[A|The first]]" in (vault / "sub/N.md").read_text(encoding="utf-8")
    after = bytes_of(vault)
    run("fix")
    assert bytes_of(vault) == after
    assert run("sections", "check").code == 0


def test_listings_exclude_managed_sections(vault: Path, run: RunCommand) -> None:
    asked = (
        ["backlinks"],
        ["backlinks", "B"],
        ["links"],
        ["orphans"],
        ["deadends"],
        ["topics"],
        ["graph", "--output-format", "json"],
    )
    before = [run(*words).out for words in asked]
    run("sections", "write", "--style", "context")
    assert [run(*words).out for words in asked] == before


def test_data(vault: Path, run: RunCommand) -> None:
    assert run("sections", "check", "--output-format", "json").data == {
        "schema": 1,
        "sections": [
            {"path": "A.md", "change": "written"},
            {"path": "sub/N.md", "change": "written"},
        ],
    }
