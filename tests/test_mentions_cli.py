"""Tests of `vaultlink mentions`: what it lists and writes, and its exit codes."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from machine import require_program
from running import RunCommand, create_vault, read_files, write_files
from tables import each

SETTINGS = "[mentions]\nmin-score = 0.5\n"
VAULT: Mapping[str, str] = {
    "vaultlink.toml": SETTINGS,
    "Log.md": (
        "---\ntitle: Log of the harbour\n---\n# Log\n\n"
        "We read the tide table machines and the fog signal station.\n"
        "Then the tide table machines again, [[Quay Street Books]].\n"
    ),
    "Station.md": "The fog signal station burned.\r\n\r\nÖl für Tide Table Machines, [[Log]].\r\n",
    "tide_table_machines.md": "# Tide table machines\n\nBrass wheels. [[Log]]\n",
    "Fog.md": "---\naliases: [Fog signal station]\n---\n# Fog signals\n\nHorns.\n",
    "Quay Street Books.md": "A shop.\n",
}
"""“Tide table machines” is named in two notes, “fog signal station” (an alias) in two."""

LINKED = {
    "Log.md": VAULT["Log.md"].replace(
        "the tide table machines and the fog signal station",
        "the [[tide_table_machines|tide table machines]] and the [[Fog|fog signal station]]",
    ),
    "Station.md": VAULT["Station.md"]
    .replace("fog signal station", "[[Fog|fog signal station]]")
    .replace("Tide Table Machines", "[[tide_table_machines|Tide Table Machines]]"),
}
"""The notes in which `--write` links mentions."""


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = create_vault(tmp_path / "vault", VAULT)
    monkeypatch.chdir(folder)
    return folder


def list_changes(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> dict[str, str]:
    """Return the new texts of the files that are new or changed."""
    return {path: after[path].decode() for path in after if after[path] != before.get(path)}


# -- listing ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("vault")
def test_table_is_grouped_by_target(run: RunCommand) -> None:
    done = run("mentions", "--output-format", "table")
    assert done.code == 0
    titles = [line for line in done.lines if line and not line.startswith(" ")]
    assert titles == ["Fog.md  2 mentions", "tide_table_machines.md  2 mentions"]
    places = [line.split("  ")[1] for line in done.lines if line[:3].strip() and line[:2] == "  "]
    assert places == ["Log.md:6", "Station.md:1", "Log.md:6", "Station.md:3"]
    assert "    We read the tide table machines and the fog signal station." in done.lines
    assert done.err == "4 mentions of 2 notes in 2 notes: 4 certain, which --write links.\n"


@pytest.mark.usefixtures("vault")
def test_tsv_is_the_format_of_pipes(run: RunCommand) -> None:
    header, *rows = [line.split("\t") for line in run("mentions").lines]
    assert header == ["note", "line", "column", "words", "target", "score", "certain", "why"]
    assert [row[:5] for row in rows] == [
        ["Log.md", "6", "13", "tide table machines", "tide_table_machines.md"],
        ["Log.md", "6", "41", "fog signal station", "Fog.md"],
        ["Station.md", "1", "5", "fog signal station", "Fog.md"],
        ["Station.md", "3", "8", "Tide Table Machines", "tide_table_machines.md"],
    ]
    assert all(0.5 <= float(row[5]) <= 1 and row[6] == "true" and row[7] for row in rows)


MENTION_KEYS = [
    "note",
    "span",
    "line",
    "column",
    "words",
    "target",
    "name",
    "kind",
    "why",
    "score",
    "edit",
    "certain",
    "others",
]


def read_document(run: RunCommand, *words: str) -> dict[str, Any]:
    """Run a command and return its JSON."""
    data = run(*words, "--json").data
    assert isinstance(data, dict)
    return data


def test_json_has_byte_offsets_and_edits(run: RunCommand, vault: Path) -> None:
    station = (vault / "Station.md").read_bytes()
    (vault / "Station.md").write_bytes(b"\xef\xbb\xbf" + station)
    data = read_document(run, "mentions")
    assert list(data) == ["schema", "vault", "run", "skipped", "topics", "mentions"]
    assert [data[key] for key in list(data)[:5]] == [1, str(vault), None, [], []]
    for row in data["mentions"]:
        assert list(row) == MENTION_KEYS
        content, edit = (vault / row["note"]).read_bytes(), row["edit"]
        start, end = row["span"]["start"], row["span"]["end"]
        assert content[start:end].decode() == row["words"]
        assert (edit["path"], edit["start"], edit["end"]) == (row["note"], start, end)
        assert row["certain"] is True
    assert data["mentions"][1] | {"why": "", "score": 0} == {
        "note": "Log.md",
        "span": {"start": 81, "end": 99},
        "line": 6,
        "column": 41,
        "words": "fog signal station",
        "target": "Fog.md",
        "name": "Fog signal station",
        "kind": "alias",
        "why": "",
        "score": 0,
        "edit": {"path": "Log.md", "start": 81, "end": 99, "text": "[[Fog|fog signal station]]"},
        "certain": True,
        "others": [],
    }


def list_places(data: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the note and the target of each mention."""
    return [(row["note"], row["target"]) for row in data["mentions"]]


@pytest.mark.usefixtures("vault")
@each(
    ("words", "expected"),
    [
        (("Log",), [("Log.md", "tide_table_machines.md"), ("Log.md", "Fog.md")]),
        (("Log", "--to", "Fog"), [("Log.md", "Fog.md")]),
        (("--to", "Fog"), [("Log.md", "Fog.md"), ("Station.md", "Fog.md")]),
        (("--to", "Fog", "Fog"), []),
        (("Quay Street Books",), []),
        (("--min-score", "1"), []),
    ],
)
def test_arguments_narrow_the_search(
    run: RunCommand, words: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    assert list_places(read_document(run, "mentions", *words)) == expected


@pytest.mark.usefixtures("vault")
def test_lowest_score_of_the_range_lists_all(run: RunCommand) -> None:
    least, low = (
        list_places(read_document(run, "mentions", "--min-score", text)) for text in ("0", "0.1")
    )
    assert low
    assert set(low) <= set(least)


def make_read_only(vault: Path) -> str:
    (vault / "Log.md").chmod(0o444)
    return "the note can't be changed: it is read-only"


def add_hard_link(vault: Path) -> str:
    (vault.parent / "copy").hardlink_to(vault / "Log.md")
    return "the note can't be changed: it has a second hard link, which would keep the old text"


def add_conflict(vault: Path) -> str:
    with (vault / "Log.md").open("a", encoding="utf-8") as stream:
        stream.write("\n<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n")
    return "the note can't be changed: it contains merge conflict markers"


def add_leading_space(vault: Path) -> str:
    (vault / "Fog.md").rename(vault / " Fog.md")
    return "no link to the note can be written here"


@each(("folder", "is_certain"), [("in/.obsidian", False), ("in/x", True)])
def test_mention_of_a_note_in_another_vault_is_not_certain(
    run: RunCommand, vault: Path, folder: str, is_certain: bool
) -> None:
    (vault / folder).mkdir(parents=True)
    (vault / "Fog.md").rename(vault / "in/Fog.md")
    rows = read_document(run, "mentions", "Log", "--to", "in/Fog")["mentions"]
    assert [row["certain"] for row in rows] == [is_certain]
    assert all(row["why"].endswith(", in another vault") is not is_certain for row in rows)


@pytest.mark.skipif(sys.platform == "win32", reason="needs permissions and names of POSIX")
@each("prevent", [make_read_only, add_hard_link, add_conflict, add_leading_space])
def test_mention_that_can_not_be_written_is_not_certain(
    run: RunCommand, vault: Path, prevent: Callable[[Path], str]
) -> None:
    before = [row for row in read_document(run, "mentions", "Log")["mentions"] if row["certain"]]
    assert "Fog.md" in [row["target"] for row in before]
    reason = prevent(vault)
    rows = read_document(run, "mentions", "Log")["mentions"]
    found = [row for row in rows if row["target"].endswith("Fog.md")]
    assert [(row["certain"], row["why"].endswith(f", {reason}")) for row in found] == [
        (False, True)
    ]
    assert [line for line in run("mentions", "Log").lines if reason in line]
    assert not any(row["certain"] for row in rows) or prevent is add_leading_space


def test_headings_and_sections_are_settings(run: RunCommand, vault: Path) -> None:
    text = "# On fog signal station\n\nNear.\n\n# A\n\nfog signal station\n\n# B\n\nfog signal station\n"
    write_files(vault, {"Page.md": text})
    lines = {
        "": [7],
        "headings = true": [1],
        "each-section = true": [7, 11],
        "headings = true\neach-section = true": [1, 7, 11],
    }
    for settings, expected in lines.items():
        write_files(vault, {"vaultlink.toml": f"{SETTINGS}{settings}\n"})
        data = read_document(run, "mentions", "Page")
        assert [row["line"] for row in data["mentions"]] == expected, settings


@each(
    ("ignore", "expected"),
    [
        ("fog SIGNAL station", [("Log.md", "tide"), ("Station.md", "tide")]),
        ("Fog.md", [("Log.md", "tide"), ("Station.md", "tide")]),
        ("Log.md -> Fog.md", [("Log.md", "tide"), ("Station.md", "Fog"), ("Station.md", "tide")]),
        (
            "fog signal",
            [("Log.md", "tide"), ("Log.md", "Fog"), ("Station.md", "Fog"), ("Station.md", "tide")],
        ),
    ],
)
def test_ignored_names_notes_and_pairs_are_not_found(
    run: RunCommand, vault: Path, ignore: str, expected: list[tuple[str, str]]
) -> None:
    write_files(vault, {"vaultlink.toml": f'{SETTINGS}ignore = ["{ignore}"]\n'})
    names = {"tide": "tide_table_machines.md", "Fog": "Fog.md"}
    found = list_places(read_document(run, "mentions"))
    assert found == [(note, names[name]) for note, name in expected]
    assert run("mentions", "--write").code == 0
    assert list_places(read_document(run, "mentions")) == []


FOLDERS: Mapping[str, str] = {
    "raw/Granite lock keeper.md": "The fog signal station.\n",
    "raw/keep/Lighthouse boiler room.md": "The fog signal station.\n",
    "Page.md": "A granite lock keeper and a lighthouse boiler room.\n",
}
"""Notes of which two lie in folders. Each is named by another note, and names `Fog.md`."""


@each(
    ("ignore", "searched", "linked"),
    [
        ([], {"Granite", "Lighthouse"}, {"Granite", "Lighthouse"}),
        (["raw/"], set(), set()),
        (["raw/**"], set(), set()),
        (["/raw/"], set(), set()),
        (["raw/*.md"], {"Lighthouse"}, {"Lighthouse"}),
        (["raw/", "!raw/keep/"], {"Lighthouse"}, {"Lighthouse"}),
        (["keep/"], {"Granite"}, {"Granite"}),
        (["/keep/"], {"Granite", "Lighthouse"}, {"Granite", "Lighthouse"}),
        (["raw"], {"Granite", "Lighthouse"}, {"Granite", "Lighthouse"}),
        (["raw/Granite lock keeper"], {"Granite", "Lighthouse"}, {"Granite", "Lighthouse"}),
        (["raw/Granite lock keeper.md"], {"Granite", "Lighthouse"}, {"Lighthouse"}),
    ],
)
def test_notes_in_ignored_folders_are_neither_searched_nor_linked(
    run: RunCommand, vault: Path, ignore: list[str], searched: set[str], linked: set[str]
) -> None:
    write_files(vault, {**FOLDERS, "vaultlink.toml": f"{SETTINGS}ignore = {ignore}\n"})
    found = list_places(read_document(run, "mentions", "--min-score", "0.4"))
    names = {path.rpartition("/")[2].split()[0] for path, _ in found if path.startswith("raw/")}
    assert names == searched
    assert {
        path.rpartition("/")[2].split()[0] for note, path in found if note == "Page.md"
    } == linked


@each("ignore", ["TCP/IP", "Signals/"])
def test_name_with_a_slash_stays_a_name(run: RunCommand, vault: Path, ignore: str) -> None:
    write_files(
        vault,
        {
            "Net.md": f"---\naliases: [{ignore}]\n---\n",
            "TCP/IP.md": "The fog signal station.\n",
            "Page.md": "About TCP/IP and Signals/ here. The fog signal station.\n",
        },
    )
    found = list_places(read_document(run, "mentions", "--min-score", "0"))
    assert ("Page.md", "Net.md") in found
    write_files(vault, {"vaultlink.toml": f'{SETTINGS}ignore = ["{ignore}"]\n'})
    found = list_places(read_document(run, "mentions", "--min-score", "0"))
    assert "Net.md" not in {target for _, target in found}
    assert {("Page.md", "Fog.md"), ("TCP/IP.md", "Fog.md")} <= set(found)


def test_excluded_notes_and_templates_are_neither_searched_nor_linked(
    run: RunCommand, vault: Path
) -> None:
    write_files(
        vault,
        {
            ".obsidian/templates.json": '{"folder": "Forms"}',
            "Forms/Harbour master form.md": "The fog signal station.\n",
            "Old/Granite lock keeper.md": "The fog signal station.\n",
            "Page.md": "Harbour master form, granite lock keeper.\n",
            "vaultlink.toml": f'exclude = ["Old/**"]\nquiet = []\n{SETTINGS}',
        },
    )
    found = list_places(read_document(run, "mentions", "--min-score", "0.4"))
    assert {note for note, _ in found} == {"Log.md", "Station.md"}
    assert {target for _, target in found} == {"Fog.md", "tide_table_machines.md"}


def test_without_mentions_that_is_said(run: RunCommand, tmp_path: Path) -> None:
    folder = create_vault(tmp_path / "empty", {"a.md": "b\n", "b.md": "a\n"})
    done = run("mentions", "--vault", folder, "--output-format", "table")
    assert done == (0, "", "No unlinked mentions found.\n")


def test_lower_scores_are_counted(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"vaultlink.toml": "[mentions]\nmin-score = 1\n"})
    done = run("mentions", "--output-format", "table")
    assert done.err == (
        "No unlinked mentions found. 4 more have a lower score; --min-score 0.5 lists all.\n"
    )


def create_frequent(folder: Path, frequent: int, others: int) -> Path:
    """Create a vault with so many mentions of one note, and one each of other notes."""
    names = [
        f"{chr(97 + number // 26)}{chr(97 + number % 26)} lock keepers" for number in range(others)
    ]
    return create_vault(
        folder,
        {
            "Quiet Zephyrs.md": "A wind from the west.\n",
            **{f"{name}.md": "A person of the canal.\n" for name in names},
            **{f"At {name[:2]}.md": f"The {name} are there.\n" for name in names},
            **{f"n{number}.md": "The Quiet Zephyrs blew.\n" for number in range(frequent)},
        },
    )


@each(("frequent", "others", "is_left_out"), [(20, 20, True), (19, 20, False), (20, 180, False)])
def test_note_with_more_than_a_tenth_of_the_links_is_left_out_and_named(
    run: RunCommand, tmp_path: Path, frequent: int, others: int, is_left_out: bool
) -> None:
    vault = create_frequent(tmp_path / "vault", frequent, others)
    total = frequent + others
    line = (
        f"{frequent} of {total} mentions with a high score are not certain, because so many name "
        "Quiet Zephyrs.md: `vaultlink mentions --to 'Quiet Zephyrs.md' --interactive` asks about them.\n"
    )
    for words in (("mentions",), ("mentions", "--write")):
        done = run(*words, "--vault", vault, "--output-format", "json")
        assert (line in done.err) == is_left_out, words
    linked = [path for path, text in read_files(vault).items() if b"[[Quiet" in text]
    assert len(linked) == (0 if is_left_out else frequent)
    assert run("mentions", "--write", "--to", "Quiet Zephyrs", "--vault", vault).code == 0
    linked = [path for path, text in read_files(vault).items() if b"[[Quiet" in text]
    assert len(linked) == frequent


@each(("listed", "others", "is_left_out"), [(20, 20, True), (19, 20, False)])
def test_note_with_more_than_a_tenth_of_all_mentions_is_left_out_and_named(
    run: RunCommand, tmp_path: Path, listed: int, others: int, is_left_out: bool
) -> None:
    vault = create_frequent(tmp_path / "vault", 0, listed + others)
    notes = [path for path in read_files(vault) if path.startswith("At ")]
    texts = [(vault / path).read_text("utf-8") for path in notes[:listed]]
    for path in notes[:listed]:
        (vault / path).unlink()
    write_files(vault, {"All.md": "".join(texts)})
    line = (
        f"{listed} of {listed + others} mentions with a high score are not certain, because All.md "
        "contains so many: `vaultlink mentions All.md --interactive` asks about them.\n"
    )
    assert (line in run("mentions", "--vault", vault).err) == is_left_out
    run("mentions", "--write", "--vault", vault)
    assert (b"[[" in (vault / "All.md").read_bytes()) != is_left_out
    run("mentions", "All.md", "--write", "--vault", vault)
    assert (vault / "All.md").read_bytes().count(b"[[") == listed


# -- usage errors -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("vault")
@each(
    ("words", "message"),
    [
        (("--write", "--diff"), "--write and --diff can't be used together."),
        (("--write", "-i"), "--write and --interactive can't be used together."),
        (("-i", "--diff"), "--interactive and --diff can't be used together."),
        (("Log", "--from-section", "Log"), "--from-section and NOTE can't be used together."),
        (("--to", "Log", "--from-section", "Log"), "--from-section and --to can't be used"),
        *(
            (("--min-score", score), f"--min-score: must be a number from 0 to 1, not “{score}”.")
            for score in ("1.5", "high", "nan", "inf")
        ),
        (("--min-score=-0.1",), "--min-score: must be a number from 0 to 1, not “-0.1”."),
        (("--to", "Nowhere"), "there is no note “Nowhere”"),
        (("Nowhere",), "there is no note “Nowhere”"),
        (("--from-section", "Log"), "Log.md has no section that lists topics"),
        (("--interactive",), "--interactive requires a terminal."),
        (("--output-format", "full"), "--output-format: invalid value “full”."),
    ],
)
def test_usage_errors(run: RunCommand, words: tuple[str, ...], message: str) -> None:
    done = run("mentions", *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_whole_vault_requires_the_library(
    run: RunCommand, vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ahocorasick_rs", None)
    before = read_files(vault)
    for words in ((), ("--write",), ("--diff",)):
        done = run("mentions", *words)
        assert (done.code, done.out) == (2, "")
        assert "pip install ahocorasick-rs" in done.err
    assert read_files(vault) == before
    assert len(read_document(run, "mentions", "Log", "Station")["mentions"]) == 4
    assert len(read_document(run, "mentions", "--to", "Fog")["mentions"]) == 2


# -- writing ----------------------------------------------------------------------------------------------------------


def test_write_links_and_undo_restores_every_byte(run: RunCommand, vault: Path) -> None:
    before = read_files(vault)
    done = run("mentions", "--write", "--output-format", "table")
    assert (done.code, done.out) == (0, "")
    assert done.err == (
        "Linked 4 mentions of 2 notes in 2 notes. `vaultlink undo` reverts it.\n"
        "Links are evidence: other mentions may be certain now, which the same command links.\n"
    )
    assert list_changes(before, read_files(vault)) == LINKED
    again = run("mentions", "--write", "--output-format", "table")
    assert again == (0, "", "Nothing was written.\n")
    assert list_changes(before, read_files(vault)) == LINKED
    assert run("undo").code == 0
    assert read_files(vault) == before


def test_written_mentions_are_printed(run: RunCommand, vault: Path) -> None:
    listed = read_document(run, "mentions")
    written = read_document(run, "mentions", "--write")
    assert written["run"]
    assert written | {"run": None} == listed
    assert read_document(run, "mentions", "--write")["mentions"] == []


def test_findings_are_the_same_and_links_are_added(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"Bad.md": "[[Nowhere]], fog signal station\n"})
    before = read_document(run, "check")
    assert run("mentions", "--write").code == 0
    after = read_document(run, "check")
    assert after["findings"] == before["findings"] != []
    assert after["summary"]["links"] == before["summary"]["links"] + 5


def test_diff_is_what_is_written_and_applies_with_git(run: RunCommand, vault: Path) -> None:
    (vault / "Station.md").write_bytes(b"\xef\xbb\xbf" + (vault / "Station.md").read_bytes())
    before = read_files(vault)
    done = run("mentions", "--diff")
    assert (done.code, done.err) == (1, "Would link 4 mentions of 2 notes in 2 notes.\n")
    assert read_files(vault) == before
    subprocess.run(
        [require_program("git"), "apply", "-"], cwd=vault, input=done.out.encode(), check=True
    )
    applied = read_files(vault)
    assert list_changes(before, applied) == {
        "Log.md": LINKED["Log.md"],
        "Station.md": f"\ufeff{LINKED['Station.md']}",
    }
    assert run("mentions", "--diff") == (0, "", "Nothing to link.\n")
    data = read_document(run, "mentions", "--dry-run")
    assert (data["run"], data["mentions"]) == (None, [])


def test_only_certain_mentions_are_written(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"Sub/Fog.md": "---\naliases: [Fog signal station]\n---\n"})
    before = read_files(vault)
    listed = read_document(run, "mentions", "--min-score", "0.4")["mentions"]
    unsure = [row for row in listed if not row["certain"]]
    assert all(row["others"] for row in unsure)
    assert run("mentions", "--write", "--min-score", "0.4").code == 0
    changes = list_changes(before, read_files(vault))
    assert "[[tide_table_machines|" in changes["Log.md"]
    assert not any("[[Fog" in text for text in changes.values())


def test_read_only_note_is_skipped_and_named(run: RunCommand, vault: Path) -> None:
    before = read_files(vault)
    (vault / "Log.md").chmod(0o444)
    done = run("mentions", "--write", "--json")
    assert done.code == 1
    assert "Log.md: skipped: it is read-only.\n" in done.err
    data = done.data
    assert isinstance(data, dict)
    assert data["skipped"] == [{"path": "Log.md", "why": "it is read-only"}]
    assert {row["note"] for row in data["mentions"]} == {"Station.md"}
    assert list_changes(before, read_files(vault)) == {"Station.md": LINKED["Station.md"]}


def test_note_with_merge_conflicts_is_skipped_and_named(run: RunCommand, vault: Path) -> None:
    text = VAULT["Log.md"] + "\n<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n"
    write_files(vault, {"Log.md": text})
    before = read_files(vault)
    done = run("mentions", "--write")
    assert done.code == 1
    assert "Log.md: skipped: it contains merge conflict markers.\n" in done.err
    assert list_changes(before, read_files(vault)) == {"Station.md": LINKED["Station.md"]}


def test_managed_sections_list_the_new_links(run: RunCommand, vault: Path) -> None:
    write_files(
        vault,
        {"Boat.md": "[[Fog]]\n", "vaultlink.toml": f'{SETTINGS}[backlinks]\nmode = "write"\n'},
    )
    run("sections", "write")
    assert run("check").code == 0
    before = read_files(vault)
    assert "[[Log" not in before["Fog.md"].decode()
    assert run("mentions", "--write").code == 0
    assert run("check").out == ""
    assert "[[Log" in read_files(vault)["Fog.md"].decode()
    assert run("sections", "check").code == 0
    assert run("undo").code == 0
    assert read_files(vault) == before


def test_note_is_skipped_if_a_link_would_cause_a_finding(run: RunCommand, vault: Path) -> None:
    settings = 'extend-select = ["VL"]\nunfixable = ["VL4", "VL3"]\n'
    write_files(vault, {"vaultlink.toml": f'{settings}{SETTINGS}[backlinks]\nmode = "write"\n'})
    before = read_document(run, "check", "--exit-zero")
    run("mentions", "--write")
    after = read_document(run, "check", "--exit-zero")
    known = [(row["path"], row["rule"], row["message"]) for row in before["findings"]]
    assert [
        row for row in after["findings"] if (row["path"], row["rule"], row["message"]) not in known
    ] == []


def test_fix_links_no_mentions(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"Bad.md": "[[FOG]] and [[Fog signal station]], tide table machines.\n"})
    before = read_files(vault)
    done = run("fix", "--output-format", "concise")
    assert "Linked" not in done.err
    assert list_changes(before, read_files(vault)) == {
        "Bad.md": "[[FOG]] and [[Fog|Fog signal station]], tide table machines.\n"
    }


# -- topics of a section ----------------------------------------------------------------------------------------------

TOPICS = (
    "# Walk\n\nThe fog signal station, and [[Log]] of the harbour.\n\n"
    "**Add backlinks using these topics:** Fog signals – [[Fog]]; "
    "Tide table machines – [[tide_table_machines]]; Log of the harbour – [[Log]]; "
    "Kites – [[Kites]]\n"
)
"""Of the topics, the text names one, links to one, does not name one, and one does not exist."""


def test_topics_of_a_section_are_linked_or_reported(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"Walk.md": TOPICS})
    before = read_files(vault)
    data = read_document(run, "mentions", "--from-section", "Walk")
    assert list_places(data) == [("Walk.md", "Fog.md")]
    assert [
        (row["topic"], row["target"], row["line"], row["status"]) for row in data["topics"]
    ] == [
        ("Fog signals", "Fog.md", 5, "mentioned"),
        ("Tide table machines", "tide_table_machines.md", 5, "unnamed"),
        ("Log of the harbour", "Log.md", 5, "linked"),
        ("Kites", None, 5, "dangling"),
    ]
    done = run("mentions", "--from-section", "Walk", "--write", "--output-format", "table")
    assert done.code == 0
    assert done.err == (
        "The text links to 1 topic of the section already.\n"
        "The text never names 1 topic of the section:\n  Tide table machines\n"
        "1 topic of the section without a note:\n  Kites\n"
        "Linked 1 mention of 1 note in 1 note. `vaultlink undo` reverts it.\n"
        "`vaultlink fix --unsafe-fixes` removes the entries of the topics that are linked.\n"
    )
    assert list_changes(before, read_files(vault)) == {
        "Walk.md": TOPICS.replace("fog signal station", "[[Fog|fog signal station]]", 1)
    }
    assert run("mentions", "--from-section", "Walk", "--diff").code == 0
    assert run("undo").code == 0
    assert read_files(vault) == before


def test_topics_are_linked_with_a_low_score(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"Walk.md": TOPICS, "vaultlink.toml": "[mentions]\nmin-score = 1\n"})
    done = run("mentions", "--from-section", "Walk", "--diff")
    assert (done.code, done.out.count("[[Fog|fog signal station]]")) == (1, 1)


def test_topics_of_a_section_are_linked_only_on_request(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"Walk.md": TOPICS})
    [row] = read_document(run, "mentions", "Walk")["mentions"]
    assert (row["target"], row["certain"]) == ("Fog.md", False)
    assert row["why"].endswith(", listed in the backlinks section")
    before = read_files(vault)
    assert run("mentions", "--write").code == 0
    assert run("fix").code == 1
    assert "Walk.md" in list_changes(before, read_files(vault)), "the section is fixed"
    assert "The fog signal station, and" in (vault / "Walk.md").read_text(encoding="utf-8")
