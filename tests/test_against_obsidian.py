"""`vaultlink doctor --against-obsidian`, with a stand-in for Obsidian's command line.

Obsidian itself never ran in these tests.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from obsidian_stub import VERSION, answer_for, read_asked, write_stub
from running import RunCommand, create_vault, read_files
from tables import each
from vaultlink.disk import obsidian_app

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script")

NOTES = {
    "Home.md": "[[Port]] [[gone]] [[Gone#Part|text]] [text](No%20such.md)\n",
    "Port, old.md": "[[gone]] [[Port]] [web](https://example.org)\n",
    "Port.md": "[[Home]] [[Port, old]] ![[map.png]]\n",
    "Loose.md": "[[../Nowhere]] `[[code]]`\n",
    "map.png": "",
    "chart.svg": "",
    "table.xlsx": "",
    "Board.canvas": '{"nodes": [{"id": "1", "type": "file", "file": "Loose.md"}], "edges": []}',
}

UNRESOLVED = [
    {"link": "../Nowhere", "count": "1", "sources": "Loose.md"},
    {"link": "Gone", "count": "1", "sources": "Home.md"},
    {"link": "No such", "count": "1", "sources": "Home.md"},
    {"link": "gone", "count": "2", "sources": "Home.md, Port, old.md"},
]

SAME: Mapping[str, object] = {
    "unresolved verbose format=json": json.dumps(UNRESOLVED, indent=2) + "\n",
    "unresolved total": "4\n",
    "orphans": "Board.canvas\nchart.svg\n",
    "orphans total": "2\n",
    "deadends": "Loose.md\n",
    "deadends total": "1\n",
    "links path=Home.md": "Port.md\ngone (unresolved)\nGone#Part (unresolved)\nNo such (unresolved)\n",
    "links path=Port, old.md": "gone (unresolved)\nPort.md\n",
    "links path=Port.md": "Home.md\nPort, old.md\nmap.png\n",
}
"""What Obsidian would print about these notes."""

LINES = ("app", "unresolved links", "orphans", "dead ends", "links of notes")


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain_git: None) -> Path:
    """Create a vault, and change to the folder above it."""
    monkeypatch.chdir(tmp_path)
    return create_vault(tmp_path / "My vault", NOTES)


class Doctor:
    """Runs `vaultlink doctor --against-obsidian` with a stand-in on the PATH."""

    def __init__(self, run: RunCommand, vault: Path, patch: pytest.MonkeyPatch, folder: Path):
        self.run, self.vault, self.folder = run, vault, folder
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def compare(self, answers: Mapping[str, object], *words: str) -> dict[str, Any]:
        """Return the document with these answers beside those that agree."""
        write_stub(self.folder, answer_for(self.vault, {**SAME, **answers}))
        done = self.run("doctor", "--vault", self.vault, "--against-obsidian", "--json", *words)
        data = done.data
        assert isinstance(data, dict)
        self.rows = {row["check"]: row for row in data["checks"] if row["check"] in LINES}
        assert done.code == (1 if data["attention"] else 0)
        return data


@pytest.fixture
def doctor(run: RunCommand, vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """Return a doctor with the stand-in in `bin`."""
    return Doctor(run, vault, monkeypatch, tmp_path / "bin")


def counts(data: Mapping[str, Any]) -> dict[str, tuple[int, int, int]]:
    """Return the numbers of each comparison: of vaultlink, of Obsidian, and the differences."""
    return {
        item["kind"]: (item["vaultlink"], item["obsidian"], item["differences"])
        for item in data["compared"]
    }


# -- the two agree ----------------------------------------------------------------------------------------------------


def test_nothing_needs_attention_where_both_agree(doctor: Doctor, vault: Path) -> None:
    before = read_files(vault)
    data = doctor.compare({})
    assert counts(data) == {
        "unresolved": (5, 5, 0),
        "orphans": (2, 2, 0),
        "deadends": (1, 1, 0),
        "links": (5, 5, 0),
    }
    assert [doctor.rows[line]["detail"] for line in LINES] == [
        "Obsidian 1.13.7 answers for this vault",
        *("5 in both", "2 in both", "1 in both", "5 in both"),
    ]
    assert not any(row["attention"] for row in doctor.rows.values())
    assert read_files(vault) == before


def test_only_documented_commands_that_read_are_used(
    doctor: Doctor, vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELECTRON_RUN_AS_NODE", "1")
    doctor.compare({})
    asked = read_asked(doctor.folder)
    assert [item["words"] for item in asked] == [
        ["version"],
        *(
            ["vault=My vault", *words]
            for words in (
                ("vault", "info=path"),
                ("unresolved", "verbose", "format=json"),
                ("orphans",),
                ("orphans", "total"),
                ("deadends",),
                ("deadends", "total"),
                ("links", "path=Port.md"),
                ("links", "path=Home.md"),
                ("links", "path=Port, old.md"),
            )
        ),
    ]
    assert {item["folder"] for item in asked} == {str(doctor.folder)}
    assert not any("ELECTRON_RUN_AS_NODE" in item["variables"] for item in asked)  # type: ignore[operator]


def test_without_the_option_obsidian_is_not_asked(doctor: Doctor, run: RunCommand) -> None:
    write_stub(doctor.folder, answer_for(doctor.vault, SAME))
    data = run("doctor", "--vault", doctor.vault, "--json").data
    assert isinstance(data, dict)
    assert data["compared"] == []
    assert not {row["check"] for row in data["checks"]}.intersection(LINES)
    assert read_asked(doctor.folder) == []


AGREEING: Mapping[str, Mapping[str, object]] = {
    "messages before the answers": {
        "version": "Loading updated app package.\n" + VERSION,
        "unresolved verbose format=json": "Your installer is out of date.\n"
        + json.dumps(UNRESOLVED),
        "orphans": "Your installer is out of date.\nBoard.canvas\nchart.svg\n",
        "orphans total": "Your installer is out of date.\n2\n",
    },
    "warnings on standard error": {"orphans": {"out": "Board.canvas\nchart.svg\n", "err": "x.md"}},
    "line ends of Windows": {"orphans": "Board.canvas\r\nchart.svg\r\n", "orphans total": "2\r\n"},
    "sources as a list": {
        "unresolved verbose format=json": json.dumps(
            [
                {**row, "sources": sources}
                for row, sources in zip(
                    UNRESOLVED,
                    (["Loose.md"], ["Home.md"], ["Home.md"], ["Home.md", "Port, old.md"]),
                    strict=True,
                )
            ]
        )
    },
    "files that Obsidian usually hides": {
        "orphans": "Board.canvas\nchart.svg\ntable.xlsx\n",
        "orphans total": "3\n",
    },
    "canvases are no dead ends of vaultlink": {
        "deadends": "Empty.canvas\nLoose.md\n",
        "deadends total": "2\n",
    },
    "a link to the note itself": {"links path=Port, old.md": "Port, old.md\nPort.md\n"},
    "a program that goes on to run": {"version": {"out": VERSION, "leaves": 6}},
}


@each("case", AGREEING)
def test_form_of_an_answer_makes_no_difference(doctor: Doctor, case: str) -> None:
    data = doctor.compare(AGREEING[case])
    assert [item["differences"] for item in data["compared"]] == [0, 0, 0, 0], data["compared"]


def test_names_are_the_same_in_every_unicode_form(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain_git: None
) -> None:
    vault = create_vault(tmp_path / "v", {"Cafe\u0301.md": "[[Mu\u0308nze\u00a01]]\n"})
    doctor = Doctor(run, vault, monkeypatch, tmp_path / "bin")
    row = {"link": "M\u00fcnze 1", "count": "1", "sources": "Caf\u00e9.md"}
    data = doctor.compare(
        {
            "unresolved verbose format=json": json.dumps([row]),
            "orphans": "Caf\u00e9.md\n",
            "orphans total": "1\n",
            "deadends": "Caf\u00e9.md\n",
        }
    )
    assert [item["differences"] for item in data["compared"]] == [0, 0, 0, 0], data["compared"]


# -- the two differ ---------------------------------------------------------------------------------------------------


DIFFERENT: Mapping[
    str, tuple[Mapping[str, object], str, tuple[int, int, int], list[Any], list[Any]]
] = {
    "one link more": (
        {
            "unresolved verbose format=json": json.dumps(
                [*UNRESOLVED, {"link": "code", "count": "1", "sources": "Loose.md"}]
            )
        },
        *("unresolved", (5, 6, 1), [], [("Loose.md", "code")]),
    ),
    "one note less": (
        {
            "unresolved verbose format=json": json.dumps(
                [*UNRESOLVED[:3], {"link": "gone", "count": "1", "sources": "Home.md"}]
            )
        },
        *("unresolved", (5, 4, 1), [("Port, old.md", "gone")], []),
    ),
    "another case": (
        {
            "unresolved verbose format=json": json.dumps(
                [
                    *(row for row in UNRESOLVED if row["link"] != "Gone"),
                    {"link": "GONE", "count": "1", "sources": "Home.md"},
                ]
            )
        },
        *("unresolved", (5, 5, 2), [("Home.md", "Gone")], [("Home.md", "GONE")]),
    ),
    "none": (
        {
            "unresolved verbose format=json": "No unresolved links found.\n",
            "unresolved total": "0\n",
        },
        "unresolved",
        (5, 0, 5),
        [
            ("Home.md", "Gone"),
            ("Home.md", "No such"),
            ("Home.md", "gone"),
            ("Loose.md", "../Nowhere"),
            ("Port, old.md", "gone"),
        ],
        [],
    ),
    "another orphan": (
        {"orphans": "Board.canvas\nLoose.md\n"},
        *("orphans", (2, 2, 2), [("chart.svg", None)], [("Loose.md", None)]),
    ),
    "a file that is not there": (
        {"orphans": "Board.canvas\nchart.svg\nDeleted.md\n", "orphans total": "3\n"},
        *("orphans", (2, 3, 1), [], [("Deleted.md", None)]),
    ),
    "another dead end": (
        {"deadends": "Loose.md\nPort.md\n", "deadends total": "2\n"},
        *("deadends", (1, 2, 1), [], [("Port.md", None)]),
    ),
    "another target": (
        {"links path=Port.md": "Home.md\nLoose.md\nmap.png\n"},
        *("links", (5, 5, 2), [("Port.md", "Port, old.md")], [("Port.md", "Loose.md")]),
    ),
}


@each("case", DIFFERENT)
def test_differences_are_counted_and_listed(doctor: Doctor, case: str) -> None:
    answers, kind, numbers, only_vaultlink, only_obsidian = DIFFERENT[case]
    data = doctor.compare(answers)
    by_kind = {item["kind"]: item for item in data["compared"]}
    assert counts(data)[kind] == numbers
    found = by_kind[kind]
    assert [(item["path"], item["link"]) for item in found["only_vaultlink"]] == only_vaultlink
    assert [(item["path"], item["link"]) for item in found["only_obsidian"]] == only_obsidian
    assert [item for item, (_, _, number) in counts(data).items() if number] == [kind]
    [line] = [line for line, row in doctor.rows.items() if row["attention"]]
    assert "Run it again when Obsidian has finished indexing." in doctor.rows[line]["advice"]


def test_at_most_ten_differences_are_listed_on_each_side(doctor: Doctor) -> None:
    rows = [{"link": f"n{number:02}", "count": "1", "sources": "Home.md"} for number in range(30)]
    data = doctor.compare({"unresolved verbose format=json": json.dumps(rows)})
    [found] = [item for item in data["compared"] if item["kind"] == "unresolved"]
    assert (found["differences"], len(found["only_vaultlink"]), len(found["only_obsidian"])) == (
        *(35, 5, 10),
    )
    detail = doctor.rows["unresolved links"]["detail"]
    assert detail.startswith("vaultlink 5, Obsidian 30. only vaultlink: Home.md to “Gone”; ")
    assert detail.endswith("Home.md to “n09”. 20 more differences")


# -- no answer --------------------------------------------------------------------------------------------------------


NO_APP: Mapping[str, tuple[Mapping[str, object], str, str]] = {
    "the app does not run": (
        {
            "version": {
                "err": "The CLI is unable to find Obsidian. Please make sure Obsidian is running "
                "and try again.\n",
                "code": 1,
            }
        },
        "ended with code 1: “The CLI is unable to find Obsidian. Please make sure",
        "Start Obsidian, open this vault in it",
    ),
    "another program": (
        {"version": "usage: obsidian FILE\n"},
        "answered “usage: obsidian FILE”, not its version",
        "Start Obsidian",
    ),
    "it says nothing": ({"version": ""}, "answered nothing, not its version", "Start Obsidian"),
    "it fails": ({"version": {"code": 3}}, "ended with code 3: nothing", "Start Obsidian"),
    "it hangs": ({"version": {"sleeps": 60}}, "did not end within 1.5 seconds", "Start Obsidian"),
    "it prints without an end": (
        {"version": {"out": "x" * 1_000_000, "times": 200}},
        "printed more than ",
        "",
    ),
    "the vault is not known": (
        {"vault info=path": "Vault not found.\n"},
        "`obsidian vault` answered “Vault not found.”",
        "Open this vault in Obsidian",
    ),
    "another vault answers": (
        {"vault info=path": "/\n"},
        "Obsidian answers for “/”, not for this vault",
        "of several vaults with this name, close the others",
    ),
    "no vault answers": (
        {"vault info=path": ""},
        "Obsidian answers for nothing, not for this vault",
        "Open this vault in Obsidian",
    ),
    "a relative path": (
        {"vault info=path": "My vault\n"},
        "Obsidian answers for “My vault”",
        "Open this vault in Obsidian",
    ),
    "control characters": (
        {"version": "\x1b]0;title\x07\x1b[2J\x00\n"},
        r"answered “\u001b]0;title\u0007\u001b[2J\u0000”",
        "Start Obsidian",
    ),
}


@each("case", NO_APP)
def test_sentence_says_why_nothing_was_compared(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.setattr(obsidian_app, "_TIMEOUT_SECONDS", 1.5)
    monkeypatch.setattr(obsidian_app, "_MAX_OUTPUT", 2_000_000)
    answers, cause, advice = NO_APP[case]
    started = time.monotonic()
    data = doctor.compare(answers)
    assert time.monotonic() - started < 8
    assert data["compared"] == []
    assert list(doctor.rows) == ["app"]
    row = doctor.rows["app"]
    assert row["attention"]
    assert row["detail"].startswith("not compared: ")
    assert cause in row["detail"]
    assert advice in row["advice"]


NOT_UNDERSTOOD: Mapping[str, tuple[Mapping[str, object], str, str]] = {
    "broken JSON": (
        {"unresolved verbose format=json": '[{"link": "x", '},
        *("unresolved links", '`obsidian unresolved` answered “[{"link": "x",”, in a form that'),
    ),
    "JSON of another form": (
        {"unresolved verbose format=json": '{"links": []}'},
        *("unresolved links", "in a form that is not known"),
    ),
    "rows without sources": (
        {"unresolved verbose format=json": '[{"link": "x", "count": "1"}]'},
        *("unresolved links", "in a form that is not known"),
    ),
    "deep JSON": (
        {"unresolved verbose format=json": "[" * 200_000},
        *("unresolved links", "in a form that is not known"),
    ),
    "nothing where something is counted": (
        {"orphans": ""},
        *("orphans", "`obsidian orphans` lists 0 lines, but counts 2 files"),
    ),
    "a list that is cut": (
        {"orphans": "Board.canvas\n"},
        *("orphans", "lists 1 lines, but counts 2 files"),
    ),
    "an error": (
        {"deadends": 'Error: Command "deadends" not found.\n'},
        *("dead ends", "`obsidian deadends` answered “Error: Command"),
    ),
    "no number": (
        {"deadends total": "many\n"},
        *("dead ends", "`obsidian deadends` answered “many”, in a form that is not known"),
    ),
    "garbage": (
        {"links path=Port.md": "\x00\udcff\udcfe\x1b[31m"},
        *("links of notes", "`obsidian links` answered"),
    ),
    "links that hang": (
        {"links path=Home.md": {"sleeps": 60}},
        *("links of notes", "`obsidian links` did not end within 1.5 seconds"),
    ),
    "links that fail": (
        {"links path=Home.md": {"code": 1, "out": "no\n"}},
        *("links of notes", "`obsidian links` ended with code 1: “no”"),
    ),
}


@each("case", NOT_UNDERSTOOD)
def test_answer_that_is_not_understood_is_no_difference(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.setattr(obsidian_app, "_TIMEOUT_SECONDS", 1.5)
    answers, line, cause = NOT_UNDERSTOOD[case]
    data = doctor.compare(answers)
    assert [name for name, row in doctor.rows.items() if row["attention"]] == [line]
    assert cause in doctor.rows[line]["detail"]
    assert len(data["compared"]) == 3
    assert not any(item["differences"] for item in data["compared"])


def test_hostile_text_does_not_reach_the_terminal(doctor: Doctor, run: RunCommand) -> None:
    row = {"link": "\x1b]0;t\x07\u202e\ud800", "count": "1", "sources": "Home.md\n::error::x"}
    answers = {"unresolved verbose format=json": json.dumps([row])}
    data = doctor.compare(answers)
    assert data["compared"][0]["only_obsidian"][0]["link"] == "\x1b]0;t\x07\u202e\ufffd\ufffd\ufffd"
    for output_format in ("page", "tsv"):
        done = run(
            *("doctor", "--vault", doctor.vault, "--against-obsidian"),
            *("--output-format", output_format),
        )
        assert done.code == 1
        assert not {"\x1b", "\x07", "\u202e"}.intersection(done.out)
        assert not any(line.startswith("::") for line in done.lines)


def test_list_of_many_commas_is_split_in_time(doctor: Doctor) -> None:
    row = {"link": "x", "count": "1", "sources": ", ".join(["a"] * 100_000)}
    started = time.process_time()
    doctor.compare({"unresolved verbose format=json": json.dumps([row])})
    assert time.process_time() - started < 10


# -- which program is started -----------------------------------------------------------------------------------------


def place_in_vault(vault: Path, bin_folder: Path) -> str:
    """Place the program in the vault, whose folder is on the PATH."""
    write_stub(vault / "bin", answer_for(vault, SAME))
    return str(vault / "bin")


def place_link(vault: Path, bin_folder: Path) -> str:
    """Place a link to a program in the vault on the PATH."""
    bin_folder.mkdir()
    (bin_folder / "obsidian").symlink_to(write_stub(vault / "bin", answer_for(vault, SAME)))
    return str(bin_folder)


def place_in_current_folder(vault: Path, _: Path) -> str:
    """Place the program in the current folder, which is on the PATH."""
    write_stub(vault.parent, answer_for(vault, SAME))
    return str(vault.parent)


def place_by_relative_path(vault: Path, _: Path) -> str:
    """Place the program in a folder that the PATH names relative to the current one."""
    write_stub(vault.parent / "tools", answer_for(vault, SAME))
    return f"tools{os.pathsep}.{os.pathsep}"


def place_nothing(_: Path, bin_folder: Path) -> str:
    """Place no program."""
    return str(bin_folder)


def place_text(vault: Path, bin_folder: Path) -> str:
    """Place a file that can't be started."""
    write_stub(bin_folder, answer_for(vault, SAME)).chmod(0o644)
    return str(bin_folder)


@each(
    "place",
    [
        *(place_in_vault, place_link, place_in_current_folder, place_by_relative_path),
        *(place_nothing, place_text),
    ],
)
def test_program_of_the_vault_or_the_current_folder_is_not_started(
    run: RunCommand, vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Any
) -> None:
    monkeypatch.setenv("PATH", f"{place(vault, tmp_path / 'bin')}{os.pathsep}/usr/bin")
    done = run("doctor", "--vault", vault.name, "--against-obsidian", "--json")
    assert isinstance(done.data, dict)
    assert done.code == 1
    [row] = [row for row in done.data["checks"] if row["check"] == "app"]
    assert row["detail"] == "not compared: there is no program `obsidian` on the PATH"
    assert row["advice"].startswith("Install Obsidian 1.12.7 or later, ")
    assert not list(tmp_path.rglob("asked.jsonl"))


def test_vault_without_notes_is_not_compared(doctor: Doctor, vault: Path) -> None:
    for note in vault.glob("*.md"):
        note.unlink()
    assert doctor.compare({})["compared"] == []
    assert doctor.rows["app"]["detail"] == "not compared: the vault can't be read"
    assert "there is no note in this vault" in doctor.rows["app"]["advice"]


def test_words_of_hostile_names_are_one_argument(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain_git: None
) -> None:
    name = "$(touch pwned); -rf `x` total"
    vault = create_vault(tmp_path / name, {f"{name}.md": "[[b]]\n", "b.md": f"[[{name}]]\n"})
    doctor = Doctor(run, vault, monkeypatch, tmp_path / "bin")
    doctor.compare({f"links path={name}.md": "b.md\n", "links path=b.md": f"{name}.md\n"})
    words = [item["words"] for item in read_asked(doctor.folder)]
    assert [f"vault={name}", "links", f"path={name}.md"] in words
    assert not list(tmp_path.rglob("pwned"))
