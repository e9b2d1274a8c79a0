"""Tests of standard input: a text is checked and fixed as the content of a note; the vault does not change."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from repositories import create_repository, update_files
from running import CommandResult, RunCommand, create_vault, read_files
from tables import each
from vaultlink.report import FORMATS

NOTES: dict[str, str | bytes | None] = {
    "a.md": "[[b]] and [[gone]]\n",
    "b.md": "---\naliases: [Bee]\n---\n\n# B\n",
    "sub/c.md": "[[a]]\n",
    "p.png": b"\x89",
    "m.canvas": '{"nodes":[]}',
}


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = create_vault(tmp_path / "vault", {})
    update_files(root, NOTES)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def given(run: RunCommand, monkeypatch: pytest.MonkeyPatch) -> "Given":
    return Given(run, monkeypatch)


class Given:
    """Run a command with a text on standard input."""

    def __init__(self, run: RunCommand, monkeypatch: pytest.MonkeyPatch):
        self.run, self.monkeypatch = run, monkeypatch

    def __call__(self, text: str | bytes, *words: str | Path) -> CommandResult:
        data = text.encode() if isinstance(text, str) else text
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
        return self.run(*words)


CASES: dict[str, tuple[str, str, list[str]]] = {
    "a note that is there": ("a.md", "[[b]]\n\n[[lost]]\n", ["a.md:3:1 VL125"]),
    "a clean text": ("a.md", "[[b]] and [[sub/c]]\n", []),
    "a new note": (
        "new.md",
        "[[b]] [[lost]]\n\n[[new]]\n",
        ["new.md:1:7 VL125", "new.md:3:1 VL109"],
    ),
    "a new folder": ("x/y/new.md", "[[b]] [[lost]]\n", ["x/y/new.md:1:7 VL125"]),
    "its own headings": ("b.md", "# One\n\n[[#One]] [[#Two]]\n", ["b.md:3:10 VL102"]),
    "an empty text": ("a.md", "", []),
    "a canvas": (
        "m.canvas",
        '{"nodes":[{"id":"1","type":"file","file":"lost.md"}]}',
        ["m.canvas:1:17 VL101"],
    ),
    "in a folder": ("sub/c.md", "[[lost]]\n", ["sub/c.md:1:1 VL125"]),
}


@each(("note", "text", "told"), CASES.values(), ids=CASES)
def test_text_is_checked_as_the_content_of_the_note(
    given: Given, vault: Path, note: str, text: str, told: list[str]
) -> None:
    before = read_files(vault)
    done = given(text, "check", "--stdin-filename", note, "-")
    assert [" ".join(line.split()[:2]).replace(": ", " ") for line in done.lines] == told
    assert done.code == (1 if any("VL109" not in line for line in told) else 0)
    assert read_files(vault) == before


@each("place", ["absolute", "from the vault's folder", "from another folder"])
def test_note_may_be_named_from_anywhere(
    given: Given, vault: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(vault.parent if place == "from another folder" else vault / "sub")
    named: dict[str, tuple[str | Path, ...]] = {
        "absolute": (vault / "sub" / "c.md",),
        "from the vault's folder": ("c.md",),
        "from another folder": ("sub/c.md", "--vault", vault),
    }
    # Paths are relative to the current folder; the `run` of tests is in the vault that is named.
    shown = "sub/c.md" if place == "from another folder" else "c.md"
    assert given("[[lost]]\n", "check", "--stdin-filename", *named[place], "-").lines == [
        f"{shown}:1:1: VL125 planned-note “lost” is not written yet: no file in the vault has this name."
    ]


def test_folder_that_exists_only_in_the_vault_is_meant(
    given: Given, vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (vault / "other").mkdir()
    monkeypatch.chdir(vault / "sub")
    [line] = given("[[lost]]\n", "check", "--stdin-filename", "other/n.md", "-").lines
    assert line.startswith("../other/n.md:1:1: ")
    (vault / "sub" / "other").mkdir()
    [line] = given("[[lost]]\n", "check", "--stdin-filename", "other/n.md", "-").lines
    assert line.startswith("other/n.md:1:1: "), "a folder below the current one comes first"


def test_vault_defaults_to_the_current_folder(
    given: Given, vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (vault / ".obsidian").rmdir()
    for note in ("sub/c.md", "x/y/new.md"):
        assert given("[[b]] [[lost]]\n", "check", "--stdin-filename", note, "-").lines == [
            f"{note}:1:7: VL125 planned-note “lost” is not written yet: no file in the vault has this name."
        ]
    monkeypatch.chdir(vault / "sub")
    assert given("[[b]]\n", "check", "--stdin-filename", "../a.md", "-").code == 0, (
        "the note's own folder"
    )


def test_note_may_lie_behind_a_link_out_of_the_vault(given: Given, vault: Path) -> None:
    (vault.parent / "outside").mkdir()
    (vault / "linked").symlink_to(vault.parent / "outside")
    (vault / "again").symlink_to(vault / "sub")
    for note, path in (("linked/n.md", "linked/n.md"), ("again/c.md", "sub/c.md")):
        assert given(
            "[[lost]]\n", "check", "--vault", vault, "--stdin-filename", note, "-"
        ).lines == [
            f"{path}:1:1: VL125 planned-note “lost” is not written yet: no file in the vault has this name."
        ]


def test_closed_standard_input_is_an_error(
    run: RunCommand, vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    done = run("check", "--stdin-filename", "a.md", "-")
    assert (done.code, done.out) == (2, "")
    assert "standard input is closed" in done.err


@each("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_edits_in_json_can_be_applied(given: Given, vault: Path, mark: bytes) -> None:
    text = mark + "Ümläute [[Bee]] 🐝 [[Bee|shown]]\r\n\r\nand [[ Bee ]]\r\n".encode()
    data = given(text, "check", "--stdin-filename", "new.md", "-", "--output-format", "json").data
    assert isinstance(data, dict)
    edits = [edit for row in data["findings"] for edit in row["fix"]["edits"]]
    assert {edit["path"] for edit in edits} == {"new.md"}
    fixed = text
    for edit in sorted(edits, key=lambda edit: -edit["start"]):
        fixed = fixed[: edit["start"]] + edit["text"].encode() + fixed[edit["end"] :]
    assert b"Bee]]" in fixed
    assert given(fixed, "check", "--stdin-filename", "new.md", "-").code == 0
    assert given(text, "fix", "--stdin-filename", "new.md", "-").out.encode() == fixed


def test_fix_prints_the_text_and_writes_nothing(given: Given, vault: Path) -> None:
    before = read_files(vault)
    done = given("[[Bee]] [[gone]]\n", "fix", "--stdin-filename", "a.md", "-")
    assert done.out == "[[b|Bee]] [[gone]]\n"
    assert done.code == 1
    assert "Fixed 1 finding in 1 note: alias-link 1." in done.err
    assert (
        given("[[Bee]]\n", "check", "--fix", "--stdin-filename", "a.md", "-").out == "[[b|Bee]]\n"
    )
    assert given("nothing to mend", "fix", "--stdin-filename", "a.md", "-").out == "nothing to mend"
    assert read_files(vault) == before


def test_diff_shows_what_fixing_would_change_in_the_text(given: Given, vault: Path) -> None:
    done = given("[[Bee]]\n", "check", "--stdin-filename", "a.md", "-", "--diff")
    assert done.code == 1
    assert [line for line in done.lines if line[:1] in "+-" and line[:3] not in ("+++", "---")] == [
        "-[[Bee]]",
        "+[[b|Bee]]",
    ]


def test_read_only_note_can_be_checked(given: Given, vault: Path) -> None:
    (vault / "a.md").chmod(0o444)
    assert given("[[Bee]]\n", "fix", "--stdin-filename", "a.md", "-").out == "[[b|Bee]]\n"


def test_invalid_utf_8_is_a_finding(given: Given, vault: Path) -> None:
    done = given(b"caf\xe9\n", "check", "--stdin-filename", "a.md", "-")
    assert (done.code, done.lines[0].split()[1]) == (1, "VL001")


def test_standard_input_is_not_cached(given: Given, run: RunCommand, vault: Path) -> None:
    before = run("check").out
    given("[[lost]]\n", "check", "--stdin-filename", "a.md", "-")
    assert run("check").out == before


@pytest.mark.usefixtures("plain_git")
def test_changed_since_applies_to_the_text(
    given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(create_repository(tmp_path / "v", {"vaultlink.toml": "", **NOTES}))
    done = given(
        "[[b]] and [[gone]] and [[lost]]\n",
        "check",
        "--stdin-filename",
        "a.md",
        "--changed-since",
        "HEAD",
        "-",
    )
    assert [line.split(":")[2] for line in done.lines] == ["24"]
    assert (
        given(
            "[[gone]]\n", "check", "--stdin-filename", "n.md", "--changed-since", "HEAD", "-"
        ).code
        == 1
    )


def test_baseline_applies_to_the_text(given: Given, run: RunCommand, vault: Path) -> None:
    run("baseline")
    assert given("More.\n\n[[gone]]\n", "check", "--stdin-filename", "a.md", "-").code == 0
    assert given("More.\n\n[[gone]] [[lost]]\n", "check", "--stdin-filename", "a.md", "-").code == 1


# -- drafts: several texts at once, of which only what they add is reported ------------------------------------------


DRAFTS: dict[str, tuple[dict[str, str], list[str]]] = {
    "no drafts": ({}, []),
    "the same text": ({"a.md": "[[b]] and [[gone]]\n"}, []),
    "a known finding on another line": ({"a.md": "More.\n\n[[b]] and [[gone]]\n"}, []),
    "a clean new note": ({"new.md": "[[a]] [[p.png]]\n", "b.md": "[[new]]\n"}, []),
    "two that link each other": ({"x.md": "[[y]]\n", "y.md": "[[x]]\n"}, []),
    "a resolved finding": ({"gone.md": "[[a]]\n"}, []),
    "an empty text": ({"sub/c.md": ""}, []),
    "an unresolved link": ({"sub/c.md": "[[a]] [[lost]]\n"}, ["sub/c.md:1:7 VL125"]),
    "a second one": ({"a.md": "[[gone]]\n\n[[gone]]\n"}, ["a.md:3:1 VL125"]),
    "in several, by path": (
        {"b.md": "[[lost]]\n", "a.md": "x [[mist]]\n"},
        ["a.md:1:3 VL125", "b.md:1:1 VL125"],
    ),
    "in a note that is no draft": (
        {"sub/c.md": "x\n", "b.md": "---\naliases: [Cee]\n---\n", "d.md": "[[b#B]]\n"},
        ["d.md:1:1 VL102"],
    ),
    "a canvas": (
        {"m.canvas": '{"nodes":[{"id":"1","type":"text","text":"[[lost]]"}],"edges":[]}'},
        ["m.canvas:1:17 VL125"],
    ),
}


def write_drafts(drafts: object) -> str:
    return json.dumps(drafts)


@each(("drafts", "told"), DRAFTS.values(), ids=DRAFTS)
def test_drafts_report_what_they_add(
    given: Given, vault: Path, drafts: dict[str, str], told: list[str]
) -> None:
    before = read_files(vault)
    done = given(write_drafts(drafts), "check", "--stdin-drafts", "-", "--ignore", "VL4")
    assert [" ".join(line.split()[:2]).replace(": ", " ") for line in done.lines] == told
    assert done.code == (1 if told else 0)
    assert read_files(vault) == before


def test_draft_of_a_heading_reports_the_notes_that_link_to_it(given: Given, vault: Path) -> None:
    update_files(vault, {"sub/c.md": "[[b#B]]\n"})
    [line] = given(write_drafts({"b.md": "# C\n"}), "check", "--stdin-drafts", "-").lines
    assert line.startswith("sub/c.md:1:1: VL102 missing-heading")


def test_summary_counts_what_drafts_add(given: Given, vault: Path) -> None:
    drafts = {"new.md": "[[Bee]] [[lost]]\n", "a.md": "[[new]]\n"}
    words = ("check", "--stdin-drafts", "-")
    data: Any = given(write_drafts(drafts), *words, "--json").data
    assert data["summary"]["findings"] == len(data["findings"]) == 2
    assert (data["summary"]["fixable"], data["summary"]["notes"]) == (1, 4)
    assert data["findings"][0]["fix"]["edits"][0]["text"] == "b|Bee"
    assert given(write_drafts(drafts), *words).err == "2 drafts add 1 error, 1 warning in 1 file.\n"
    assert given(write_drafts({"a.md": ""}), *words).err == "1 draft adds no findings.\n"


def test_fingerprints_are_those_of_the_saved_notes(
    given: Given, run: RunCommand, vault: Path
) -> None:
    text = "[[b]] and [[gone]]\n\n[[gone]] [[gone]]\n"
    words = ("check", "--select", "planned-note", "--json")
    added: Any = given(write_drafts({"a.md": text}), *words, "--stdin-drafts", "-").data
    update_files(vault, {"a.md": text})
    saved: Any = run(*words).data
    assert len(added["findings"]) == 2
    assert added["findings"] == saved["findings"][1:]


@each(("options", "code"), [((), 1), (("--fail-on", "error"), 0), (("--exit-zero",), 0)])
def test_exit_code_is_that_of_what_drafts_add(
    given: Given, vault: Path, options: tuple[str, ...], code: int
) -> None:
    drafts = write_drafts({"a.md": "[[lost]]\n"})
    assert given(drafts, "check", "--stdin-drafts", "-", *options).code == code


@each("output_format", sorted(FORMATS))
def test_drafts_are_reported_in_every_format(given: Given, vault: Path, output_format: str) -> None:
    update_files(vault, {"a.md": "[[known gap]]\n"})
    words = ("check", "--stdin-drafts", "-", "--output-format", output_format)
    done = given(write_drafts({"sub/c.md": "[[a]] [[new gap]]\n"}), *words)
    assert (done.code, "new gap" in done.out, "known gap" in done.out) == (1, True, False)


def test_drafts_name_paths_in_the_vault(
    given: Given, vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(vault / "sub")
    drafts = write_drafts({"sub/c.md": "[[lost]]\n"})
    [line] = given(drafts, "check", "--stdin-drafts", "-").lines
    assert line.startswith("c.md:1:1: VL125")


def test_findings_of_the_baseline_are_not_added_by_drafts(
    given: Given, run: RunCommand, vault: Path
) -> None:
    def check(text: str) -> int:
        return given(write_drafts({"a.md": text}), "check", "--stdin-drafts", "-").code

    run("baseline")
    assert check("More.\n\n[[gone]]\n") == 0
    assert check("[[gone]]\n\n[[gone]]\n") == 1
    update_files(vault, {"a.md": "[[b]]\n"})
    assert check("[[gone]]\n") == 0, "the baseline knows it, although it was fixed meanwhile"
    assert check("[[gone]] [[lost]]\n") == 1


def test_byte_order_mark_before_drafts_is_no_text(given: Given, vault: Path) -> None:
    drafts = b"\xef\xbb\xbf" + write_drafts({"a.md": "[[b]]\n"}).encode()
    assert given(drafts, "check", "--stdin-drafts", "-").code == 0


BAD_DRAFTS: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "is not JSON"),
    "no JSON": ("a.md: [[b]]", "is not JSON"),
    "no UTF-8": (b'{"a.md": "caf\xe9"}', "is not JSON"),
    "a list": ("[]", "must be one JSON object"),
    "a text": ('"a.md"', "must be one JSON object"),
    "two objects": ("{} {}", "is not JSON"),
    "nested too deep": ("[" * 100_000, "is not JSON"),
    "a number": ('{"a.md": 1}', "the value of “a.md” must be a text"),
    "an object": ('{"a.md": {"text": ""}}', "the value of “a.md” must be a text"),
    "a path that leads out": ('{"../a.md": ""}', "“../a.md” may lead out of the vault"),
    "a path that leads out below": ('{"sub/../../a.md": ""}', "may lead out of the vault"),
    "an absolute path": ('{"/tmp/a.md": ""}', "“/tmp/a.md” is no path in the vault"),
    "a path of Windows": (r'{"C:\\a.md": ""}', "is no path in the vault"),
    "an address": ('{"file:///a.md": ""}', "is no path in the vault"),
    "no path": ('{"": ""}', "the name is empty"),
    "a control character": (r'{"a\u001b[2J.md": ""}', "contains control characters"),
    "an attachment": ('{"p.png": ""}', "“p.png” can't be a note of this vault"),
    "a folder": ('{"sub/": ""}', "can't be a note of this vault"),
    "a hidden note": ('{".obsidian/a.md": ""}', "can't be a note of this vault"),
}


@each(("data", "why"), BAD_DRAFTS.values(), ids=BAD_DRAFTS)
def test_bad_drafts_are_a_usage_error(
    given: Given, vault: Path, data: str | bytes, why: str
) -> None:
    done = given(data, "check", "--stdin-drafts", "-")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: --stdin-drafts: ")
    assert why in done.err
    assert "\x1b" not in done.err


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "a dash alone": (("check", "-"), "--stdin-filename must name its note"),
    "other paths": (("check", "--stdin-filename", "a.md", "b.md"), "remove the other paths"),
    "outside the vault": (
        ("check", "--stdin-filename", "../x.md", "--vault", ".", "-"),
        "is outside the vault",
    ),
    "in no folder": (
        ("check", "--stdin-filename", "/no such folder/x/a.md", "-"),
        "no vault contains",
    ),
    "no note": (("check", "--stdin-filename", "p.png", "-"), "can't be a note or canvas"),
    "hidden": (("check", "--stdin-filename", ".trash/a.md", "-"), "can't be a note or canvas"),
    "drafts without a dash": (("check", "--stdin-drafts"), "requires - as the path"),
    "drafts and paths": (("check", "--stdin-drafts", "-", "a.md"), "remove the other paths"),
    "drafts and a note": (
        ("check", "--stdin-drafts", "--stdin-filename", "a.md", "-"),
        "--stdin-drafts and --stdin-filename can't be used together",
    ),
    "drafts and a fix": (
        ("check", "--stdin-drafts", "--fix", "-"),
        "--stdin-drafts and --fix can't be used together",
    ),
    "drafts and a diff": (
        ("check", "--stdin-drafts", "--diff", "-"),
        "--stdin-drafts and --diff can't be used together",
    ),
    "drafts and a revision": (
        ("check", "--stdin-drafts", "--changed-since", "HEAD", "-"),
        "--stdin-drafts and --changed-since can't be used together",
    ),
    "two who read it": (
        ("fix", "--interactive", "--stdin-filename", "a.md", "-"),
        "can't be used together",
    ),
}


@each(("words", "why"), WRONG.values(), ids=WRONG)
def test_ambiguous_command_is_a_usage_error(
    given: Given, vault: Path, words: tuple[str, ...], why: str
) -> None:
    done = given("x\n", *words)
    assert (done.code, done.out) == (2, "")
    assert why in done.err
