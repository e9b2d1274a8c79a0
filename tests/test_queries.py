"""Names in queries of Dataview and of bases: what is read, what is reported, what a rename changes."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from builder import build_state, collect_findings, make_settings
from repositories import commit, create_repository, update_files
from running import RunCommand, create_vault, let_time_pass, read_files
from tables import each
from vaultlink.engine.step import Change, Presence, step
from vaultlink.model import History
from vaultlink.parse.note import parse_note
from vaultlink.parse.queries import parse_base
from vaultlink.rules.former_targets import find_moved_folder

# -- what is read -----------------------------------------------------------------------------------------------------

DATAVIEW = {
    'LIST FROM "Work"': ["source Work"],
    'list from "Work/Sub/"': ["source Work/Sub"],
    'LIST FROM "/Work"': ["source Work"],
    'TABLE a, b AS "from"\nFROM -"Old" AND (#tag/sub OR !#x)': [
        "source Old",
        "tag tag/sub",
        "tag x",
    ],
    "LIST FROM [[Plan]] | outgoing([[a/Plan#Part|x]])": ["note Plan", "note a/Plan"],
    'LIST FROM csv("data.csv") & "Work"': ["source Work"],
    'TASK FROM "A" WHERE !completed SORT "b"': ["source A"],
    'LIST WHERE file.folder = "A" AND file.path != "A/b.md"': ["folder A", "path A/b.md"],
    'LIST FROM "A"\nWHERE contains(up, [[Plan]]) // [[No]]': ["source A", "note Plan"],
    'LIST FROM "Ärger 🙂" or #größe': ["source Ärger 🙂", "tag größe"],
    "LIST FROM [[]] or [[#]] or [[#Part]]": [],
    'LIST FROM ""': [],
    'LIST FROM "/"': [],
    "LIST": [],
    "": [],
    '// FROM "A"': [],
    'LIST FROM "A': [],
    'LIST FROM A or "B"': [],
    'LIST FROM this.file.folder or "B"': [],
    'LIST FROM "A" + x or "B"': [],
    'LIST FROM "A\\"b"': [],
    'LIST FROM "<% folder %>"': [],
    'LIST FROM "{{folder}}" or "B"': [],
    'LIST FROM "${folder}"': [],
    'LIST WHERE contains(file.path, "A") AND startswith(file.folder, "B")': [],
    'LIST WHERE file.folder = "A" + x AND this.file.folder = "B" AND other = "C"': [],
    "LIST WHERE contains(tags, #a)": [],
}
"""Dataview query to the names in it."""

BASE = {
    'file.inFolder("Work")': ["folder Work"],
    "file.inFolder('Work/Sub/')": ["folder Work/Sub"],
    '!file.inFolder( "Work" ) && file.hasTag("a", "#b/c")': ["folder Work", "tag a", "tag b/c"],
    'file.tags.contains("a") || file.tags.containsAny("b", "c")': ["tag a", "tag b", "tag c"],
    'file.hasLink("a/Plan#Part|x") || file.hasLink(link("[[Plan#Part]]"))': [
        "note a/Plan",
        "note Plan",
    ],
    'file("Plan.md") == this.file': ["note Plan.md"],
    'link("Plan", "shown")': ["note Plan"],
    'file.folder == "Work" && file.path != "Work/Plan.md"': ["folder Work", "path Work/Plan.md"],
    "- 'file.folder == \"Work\"'": ["folder Work"],
    '- "file.inFolder(\\"Work\\") && file.path == \\"a.md\\""': ["folder Work", "path a.md"],
    'file.inFolder("Ann\'s")': ["folder Ann's"],
    'file.tags.contains("#a") # file.hasTag("b")': ["tag a"],
    '# file.inFolder("Work")': [],
    'file.inFolder("Work" + x)': [],
    'file.inFolder(x + "Work")': [],
    'file.inFolder("Work".lower())': [],
    "file.inFolder(this.file.folder)": [],
    "file.hasLink(this)": [],
    'file.folder == "Work" + x': [],
    'file.folder.contains("Work") && file.name == "Plan"': [],
    'file.inFolder("")': [],
    'file.inFolder("/")': [],
    'file.inFolder("Work)': [],
    'name: inFolder "Work"': [],
    'file.inFolder("{{folder}}")': [],
}
"""Line of a base to the names in it."""


def list_names(text: str, path: str = "a.md") -> list[str]:
    """Return kind and text of the names in the queries of a note or base; their spans are checked."""
    note = parse_base(path, text) if path.endswith(".base") else parse_note(path, text)
    for item in note.queries:
        assert text[item.start : item.end] == item.text
        assert text.split("\n")[item.line - 1][item.column - 1 :].startswith(item.text)
    return [f"{item.kind} {item.text}" for item in note.queries]


@each("query", DATAVIEW)
def test_names_in_a_dataview_query(query: str) -> None:
    assert list_names(f"```dataview\n{query}\n```\n") == DATAVIEW[query]


@each("line", BASE)
def test_names_in_a_base(line: str) -> None:
    assert list_names(f"```base\n{line}\n```\n") == BASE[line]
    assert list_names(f"filters:\n  and:\n    {line}\n", "a.base") == BASE[line]


QUERY = 'LIST FROM "Work"'
PLACES = {
    f"```dataview\n{QUERY}\n```": 1,
    f"~~~~ dataview \r\n{QUERY}\r\n~~~~\r\n": 1,
    f"> [!info] x\n> ```dataview\n> {QUERY}\n> ```\n": 1,
    f"- a\n  - b\n    ```dataview\n    {QUERY}\n    ```\n": 1,
    f"---\na: b\n---\n```dataview\n{QUERY}\n```\n\n> ```dataview\n> {QUERY}\n> ```\n": 2,
    f"```dataview\n{QUERY}": 0,
    f"````\n```dataview\n{QUERY}\n```\n````\n": 0,
    f"<!--\n```dataview\n{QUERY}\n```\n-->\n": 0,
    f"%%\n```dataview\n{QUERY}\n```\n%%\n": 0,
    f"    ```dataview\n    {QUERY}\n    ```\n": 0,
    f"```dataviewjs\n{QUERY}\n```\n": 0,
    f"```Dataview x\n{QUERY}\n```\n": 0,
    f"```query\n{QUERY}\n```\n": 0,
    f"```\n{QUERY}\n```\n": 0,
    f"{QUERY} `= {QUERY}` `$= dv.pages('\"Work\"')`\n": 0,
    f"$$\n```dataview\n{QUERY}\n```\n$$\n": 0,
}
"""Note with a query to the number of names."""


@each("text", PLACES)
def test_only_code_that_runs_is_a_query(text: str) -> None:
    assert list_names(text) == ["source Work"] * PLACES[text]


def test_links_do_not_resolve_in_another_way() -> None:
    text = '```dataview\nLIST FROM "Work" or [[b]]\n```\n'
    state = build_state(
        {"a.md": text, "b.md": "", "q.base": 'filters: file.hasLink("b")\n'}, make_settings(["ALL"])
    )
    assert state.index.targets["a.md"] == ()
    assert state.index.backlinks == {}
    assert state.index.count_links("q.base").links == 0


# -- what is reported -------------------------------------------------------------------------------------------------

FOLDERS: Mapping[str, tuple[History, tuple[str, ...], str | None]] = {
    "as a whole": (History({"a/x.md": "b/x.md", "a/c/y.md": "b/c/y.md"}), ("b/x.md", "b/c/y.md"), "b"),
    "with a file renamed since": (
        History({"a/x.md": "b/x.md", "a/y.md": "b/z.md", "a/w.md": "b/w.md"}),
        ("b/x.md", "b/z.md", "b/w.md"),
        "b",
    ),
    "into a folder": (History({"a/x.md": "c/a/x.md"}), ("c/a/x.md",), "c/a"),
    "after other files left": (
        History(
            {"a/x.md": "b/x.md", "a/y.md": "b/y.md", "a/v.md": "b/w.md", "a/z.md": "c/z.md"},
            vanished={"a/x.md": 9, "a/y.md": 9, "a/v.md": 1, "a/z.md": 2},
        ),
        ("b/x.md", "b/y.md", "b/w.md", "c/z.md"),
        "b",
    ),
    "an inbox, whose last file went to a new folder": (
        History({"a/x.md": "b/x.md", "a/y.md": "c/y.md"}, frozenset({"a/z.md"}), vanished={"a/x.md": 9, "a/y.md": 1, "a/z.md": 2}),
        ("b/x.md", "c/y.md"),
        None,
    ),
    "with files added since": (History({"a/x.md": "b/x.md", "a/y.md": "b/y.md"}), ("b/x.md", "b/y.md", "b/z.md"), "b"),
    "in another case": (History({"A/É.md": "b/É.md"}), ("b/É.md",), "b"),
    "nothing is known": (History(), ("b/x.md",), None),
    "another folder": (History({"ab/x.md": "b/x.md"}), ("b/x.md",), None),
    "to a folder with other files": (History({"a/x.md": "b/x.md"}), ("b/x.md", "b/y.md"), None),
    "to two folders": (History({"a/x.md": "b/x.md", "a/y.md": "c/y.md"}), ("b/x.md", "c/y.md"), None),
    "one after another": (
        History({"a/x.md": "b/x.md", "a/y.md": "b/y.md"}, vanished={"a/x.md": 1, "a/y.md": 2}),
        ("b/x.md", "b/y.md"),
        None,
    ),
    "under other names": (History({"a/x.md": "b/1.md", "a/y.md": "b/2.md"}), ("b/1.md", "b/2.md"), None),
    "to the root": (History({"a/x.md": "x.md"}), ("x.md",), None),
    "deleted": (History(deleted=frozenset({"a/x.md"})), ("b/x.md",), None),
    "most were deleted": (
        History({"a/x.md": "b/x.md"}, frozenset({"a/y.md", "a/z.md"})),
        ("b/x.md",),
        None,
    ),
}  # fmt: skip
"""What happened to the folder `a`: the history, the files now, and the folder's present path."""


@each("case", FOLDERS)
def test_folder_is_followed_only_as_a_whole(case: str) -> None:
    history, files, place = FOLDERS[case]
    state = build_state(dict.fromkeys(files, ""), make_settings())
    assert find_moved_folder("a", state.index, history) == place


def test_changes_of_files_and_of_the_history_change_the_findings() -> None:
    base = make_settings(["broken-query", "unused-ignore"])
    query = '```dataview\nLIST FROM "a" or [[Plan]] or "a/x"\n```\n'
    vault = {"q.md": query, "q.base": 'file.inFolder("a")\n', "b/x.md": "", "Goals.md": ""}
    moves = {"a/x.md": "b/x.md", "Plan.md": "Goals.md"}
    steps: list[tuple[dict[str, str | None], History, int]] = [
        ({}, History(moves), 4),
        ({"b/y.md": ""}, History(moves), 2),
        ({"b/y.md": None}, History(moves), 4),
        ({"a/z.md": ""}, History(moves), 2),
        ({"a/z.md": None, "Plan.md": ""}, History({"a/x.md": "b/x.md"}), 3),
        ({"Plan.md": None}, History(deleted=frozenset({"Plan.md"})), 1),
        ({}, History(deleted=frozenset({"Plan.md", "a/x.md"})), 2),
        ({}, History(), 0),
    ]
    state = build_state(vault, base)
    assert collect_findings(state) == []
    for changed, history, count in steps:
        vault = {path: text for path, text in {**vault, **changed}.items() if text is not None}
        settings = replace(base, history=history)
        state = step(state, [as_change(path, text) for path, text in changed.items()], settings)
        assert collect_findings(state) == collect_findings(build_state(vault, settings))
        assert len(collect_findings(state)) == count


def as_change(path: str, text: str | None) -> Change:
    """Return the change to a text, or the removal of a file."""
    return Change(path, Presence.GONE if text is None else text)


def test_git_alone_tells_of_renames_although_no_link_is_broken(
    tmp_path: Path, run: RunCommand
) -> None:
    notes = {"Home.md": '```dataview\nLIST FROM "Work" or [[Plan]]\n```\n'}
    text = "The tide table of the harbour\nhangs behind the door\nof the old pilot house.\n"
    vault = create_repository(
        tmp_path / "vault", {**notes, "Work/Aim.md": "Moor.\n", "Plan.md": text}
    )
    update_files(
        vault,
        {
            "Work/Aim.md": None,
            "Job/Aim.md": "Moor.\n",
            "Plan.md": None,
            "Goals.md": text + "Now.\n",
        },
    )
    commit(vault)
    command = ("check", "--select", "broken-query", "--no-cache", "--vault", vault)
    assert [line.split(":")[2] for line in run(*command).lines] == ["12", "23"]
    update_files(vault, {"Work/a.md": "", "Plan.md": ""})
    assert run(*command).lines == []


def test_base_names_no_note_as_a_folder(tmp_path: Path, run: RunCommand) -> None:
    notes = {
        "All.base": 'filters: file.inFolder("Plan") || file.folder == "Plan"\n',
        "Home.md": '```dataview\nLIST WHERE file.folder = "Plan"\n```\n',
        "Plan.md": "Moor.\n",
    }
    vault = create_repository(tmp_path / "vault", notes)
    run("rename", "Plan", "Goals", "--unsafe-fixes", "--vault", vault)
    command = ("check", "--select", "broken-query", "--no-cache", "--vault", vault)
    assert run(*command).lines == []
    update_files(vault, {"Goals.md": None})
    assert run(*command).lines == []
    assert read_files(vault)["All.base"].decode() == notes["All.base"]
    assert read_files(vault)["Home.md"].decode() == notes["Home.md"]


# -- what a rename changes --------------------------------------------------------------------------------------------

NOTES = {
    "Home.md": '# Home\n[[Plan]] #todo\n\n- a\n  ```dataview\n  LIST FROM "Work" or #todo/now or [[plan#x]]\n  WHERE file.folder = "work/Sub" and file.path = "Work/Plan.md"\n  ```\n',
    "Plain.md": 'FROM "Work" `= [[Plan]]`\n\n```\nLIST FROM "Work" or #todo or [[Plan]]\n```\n',
    "Work/Plan.md": "#todo The tide table of the harbour hangs behind the door.\n",
    "Work/Sub/Aim.md": "Moor the mole before the moon sets.\n",
    "Workshop/a.md": "",
    "All.base": 'filters:\r\n  and:\r\n    - file.inFolder("Work") || file.hasTag("a", "todo")\r\n    - "file.hasLink(\\"Plan\\")"\r\n    - file.inFolder("Workshop")\r\n    - file.name == "Plan"\r\n',
}
HOME, ALL = NOTES["Home.md"], NOTES["All.base"]


def swap(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


RENAMES: Mapping[str, tuple[list[str], dict[str, str], list[tuple[str, int]], list[tuple[str, int]]]] = {
    "folder": (
        ["rename", "Work/", "Job"],
        {"Home.md": swap(HOME, ('"Work', '"Job'), ('"work/', '"Job/')), "All.base": swap(ALL, ('"Work")', '"Job")'))},
        [("All.base", 3), ("Home.md", 6), ("Home.md", 7)],
        [],
    ),
    "folder in a folder": (
        ["move", "Work/Sub/", "Workshop"],
        {"Home.md": swap(HOME, ("work/Sub", "Workshop/Sub"))},
        [("Home.md", 7)],
        [],
    ),
    "note": (
        ["rename", "Plan", "Goals"],
        {"Home.md": swap(HOME, ("[[plan#x", "[[Goals#x"), ("[[Plan", "[[Goals"), ("/Plan", "/Goals")), "All.base": swap(ALL, ('Plan\\"', 'Goals\\"'))},
        [("All.base", 4), ("All.base", 6), ("Home.md", 6), ("Home.md", 7)],
        [("All.base", 6)],
    ),
    "moved note, which its name still names": (
        ["move", "Plan", "Workshop"],
        {"Home.md": swap(HOME, ("Work/Plan", "Workshop/Plan"))},
        [("All.base", 4), ("All.base", 6), ("Home.md", 7)],
        [("All.base", 4), ("All.base", 6)],
    ),
    "tag": (
        ["rename", "#todo", "task"],
        {"Home.md": swap(HOME, ("#todo", "#task")), "All.base": swap(ALL, ('"todo"', '"task"'))},
        [("All.base", 3), ("Home.md", 6)],
        [],
    ),
    "name that needs escapes": (
        ["rename", "Work/", "Ann's"],
        {},
        [("All.base", 3), ("Home.md", 6), ("Home.md", 7)],
        [("All.base", 3), ("Home.md", 6), ("Home.md", 7)],
    ),
    "heading": (["rename", "Home#Home", "Start"], {"Home.md": swap(HOME, ("# Home", "# Start"))}, [], []),
    "note that no query names": (["rename", "a", "b"], {}, [], []),
}  # fmt: skip
"""Arguments; texts with --unsafe-fixes; places that keep the old name without it, and with it."""


@pytest.mark.parametrize("case", RENAMES)
def test_rename_lists_queries_and_changes_them_only_if_asked(
    tmp_path: Path, run: RunCommand, case: str
) -> None:
    arguments, texts, left, left_with = RENAMES[case]
    vault = create_vault(tmp_path / "vault", NOTES)
    before = read_files(vault)
    for options, places in (([], left), (["--unsafe-fixes"], left_with)):
        done = run(*arguments, *options, "--json", "--vault", vault)
        assert done.code == 0
        assert [(item["path"], item["line"]) for item in json.loads(done.out)["mentions"]] == places
        after = read_files(vault)
        for path in ("Home.md", "Plain.md", "All.base"):
            text = after[path].decode()
            if options:
                assert text == texts.get(path, NOTES[path])
            else:
                assert list_names(text, path) == list_names(NOTES[path], path)
                assert "base" not in path or text == NOTES[path]
        assert run("undo", "--vault", vault).code == 0
        assert read_files(vault) == before


def test_rename_says_what_changes_in_queries(tmp_path: Path, run: RunCommand) -> None:
    vault = create_vault(tmp_path / "vault", NOTES)
    done = run("rename", "Plan", "Goals", "--diff", "--vault", vault)
    assert "\n4 places keep the old name:\n" in done.err
    assert "--unsafe-fixes changes the names in queries, too.\n" in done.err
    done = run("rename", "Plan", "Goals", "--diff", "--unsafe-fixes", "--vault", vault)
    assert "; 1 link in 1 note follows, and 3 names in queries change." in done.err
    done = run("rename", "Work/", "Job", "--diff", "--unsafe-fixes", "--vault", vault)
    assert "with 2 files; 4 names in queries change." in done.err
    done = run("rename", "#todo", "task", "--diff", "--unsafe-fixes", "--vault", vault)
    assert " in 4 places of 3 notes." in done.err


def test_protected_queries_are_listed(tmp_path: Path, run: RunCommand) -> None:
    vault = create_vault(tmp_path / "vault", NOTES)
    (vault / "All.base").chmod(0o444)
    done = run("rename", "Work/", "Job", "--unsafe-fixes", "--json", "--vault", vault)
    assert [item["path"] for item in json.loads(done.out)["mentions"]] == ["All.base"]
    assert '"Job' in (vault / "Home.md").read_text()


def test_fix_after_a_rename_by_hand(tmp_path: Path, run: RunCommand) -> None:
    vault = create_vault(tmp_path / "vault", NOTES)
    for number, path in enumerate(NOTES, 1_000_000_000):
        os.utime(vault / path, (number, number))
    let_time_pass()  # what changed just now is not remembered
    run("check", "--vault", vault)
    (vault / "Work").rename(vault / "Job")
    done = run("check", "--select", "broken-query", "--vault", vault)
    assert done.out.count("broken-query") == 4
    run("fix", "--select", "broken-query", "--vault", vault)
    assert (vault / "Home.md").read_text() == HOME
    run("fix", "--select", "broken-query", "--unsafe-fixes", "--vault", vault)
    assert (vault / "Home.md").read_text() == RENAMES["folder"][1]["Home.md"]
    run("undo", "--vault", vault)
    assert (vault / "Home.md").read_text() == HOME
