"""Requests for changes: each does what its command does, alone and in a list, and is undone byte for byte."""

import json
import random
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from exploring import choose_seeds
from running import RunCommand, create_vault
from running import read_files as read_all_files
from tables import each
from vaultlink import (
    DeleteRequest,
    ExtractRequest,
    FixRequest,
    MentionsRequest,
    MergeRequest,
    MoveRequest,
    RefusedError,
    RenameRequest,
    SectionsRequest,
    Settings,
    TopicRequest,
    UsageError,
    Vault,
    open_vault,
    read_request,
)
from vaultlink.report.plan_result import render_plan

linux = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="has another trash")

FILES = {
    "Home.md": b"---\naliases: [Office]\n---\nSee [[Quay]], [[Quay#Pier|the pier]] and [[Plam]].\n\n![[map.png]]\n",
    "Quay.md": b"\xef\xbb\xbf# Quay\r\n\r\n## Pier\r\n\r\nBack to [[Home]]. #harbour\r\n",
    "Plan.md": b'---\nup: "[[Quay]]"\n---\n[[Harbour/Crane|crane]] [[Office]] #harbour/old\n',
    "Harbour/Crane.md": b"[up](../Quay.md#Pier)\n\n## Motor\n\nText [[Home]]\n\n## Rope\n",
    "Harbour/Buoy.md": b"[[Crane]] ![[only.png]]\n",
    "Harbour/only.png": b"\x89PNG\xff",
    "map.png": b"PNG",
    "Board.canvas": b'{"nodes":[{"id":"a","type":"file","file":"Quay.md"}],"edges":[]}',
}
Change = dict[str, Any]


def read_files(root: Path) -> dict[str, bytes]:
    """Return the files of a vault without Obsidian's settings."""
    files = read_all_files(root)
    return {path: data for path, data in files.items() if not path.startswith(".obsidian/")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_vault(tmp_path / "vault")


def make_vault(folder: Path, trash: str = "local") -> Path:
    create_vault(folder, FILES)
    (folder / ".obsidian/app.json").write_text(json.dumps({"trashOption": trash}))
    return folder


def plan(root: Path, *changes: Change) -> tuple[Vault, Any]:
    vault = open_vault(root, Settings(cache=False))
    return vault, vault.plan(*map(read_request, changes))


def change(root: Path, *changes: Change) -> dict[str, bytes]:
    """Make changes, and return the files afterwards. They are undone, byte for byte."""
    before = read_files(root)
    vault, made = plan(root, *changes)
    result = vault.apply(made)
    assert (result.skipped, result.is_outdated) == ((), False)
    assert result.run_id
    after = read_files(root)
    vault.undo(result.run_id)
    assert read_files(root) == before
    return after


# -- a request is what its command does -----------------------------------------------------------------------------


COMMANDS: dict[str, tuple[Change, Sequence[str]]] = {
    "fix": ({"fix": "safe"}, ["fix"]),
    "fix unsafe": ({"fix": "unsafe"}, ["fix", "--unsafe-fixes"]),
    "rename a note": ({"rename": "Quay", "to": "Wharf"}, ["rename", "Quay", "Wharf"]),
    "rename by alias": ({"rename": "Office", "to": "Desk"}, ["rename", "Office", "Desk"]),
    "rename a folder": ({"rename": "Harbour/", "to": "Port"}, ["rename", "Harbour/", "Port"]),
    "rename a heading": (
        {"rename": "Quay#Pier", "to": "Jetty"},
        ["rename", "Quay#Pier", "Jetty"],
    ),
    "rename a tag": ({"rename": "#harbour", "to": "#port"}, ["rename", "#harbour", "#port"]),
    "merge tags": (
        {"rename": "#harbour/old", "to": "#harbour", "merge": True},
        ["rename", "#harbour/old", "#harbour", "--merge"],
    ),
    "move": (
        {"move": ["Quay", "map.png"], "to": "Harbour/"},
        ["move", "Quay", "map.png", "Harbour/"],
    ),
    "move, no display": (
        {"move": "Harbour/Crane", "to": "/", "display": False},
        ["move", "Harbour/Crane", "/", "--no-display"],
    ),
    "delete, unlink": ({"delete": "Quay", "unlink": True}, ["delete", "Quay", "--unlink"]),
    "delete, redirect": ({"delete": "Quay", "to": "Home"}, ["delete", "Quay", "--to", "Home"]),
    "delete, leave": ({"delete": "Quay", "leave": True}, ["delete", "Quay", "--leave"]),
    "delete with attachments": (
        {"delete": "Buoy", "attachments": True},
        ["delete", "Buoy", "--with-attachments"],
    ),
    "delete a folder": (
        {"delete": ["Harbour/", "Plan"], "unlink": True},
        ["delete", "Harbour/", "Plan", "--unlink"],
    ),
    "merge": ({"merge": "Quay", "into": "Home"}, ["merge", "Quay", "Home"]),
    "extract": ({"extract": "Crane#Motor"}, ["extract", "Crane#Motor"]),
    "extract to": (
        {"extract": "Crane#Motor", "to": "New/", "embed": True},
        ["extract", "Crane#Motor", "New/", "--embed"],
    ),
}


@each("name", COMMANDS)
def test_request_is_what_its_command_does(run: RunCommand, tmp_path: Path, name: str) -> None:
    request, words = COMMANDS[name]
    requested, commanded = (make_vault(tmp_path / place) for place in ("one", "two"))
    found = change(requested, request)
    assert found != FILES
    done = run(*words, "--vault", commanded)
    assert done.code in (0, 1), done.err
    assert found == read_files(commanded)


@each("name", COMMANDS)
def test_plan_is_the_document_of_the_command(run: RunCommand, root: Path, name: str) -> None:
    request, words = COMMANDS[name]
    _, made = plan(root, request)
    document = json.loads(render_plan(words[0], made, made.skipped))
    shown = run(*words, "--vault", root, "--diff", "--output-format", "json").data
    assert document == shown


@linux
@each("trash", ["system", "local", "none"])
def test_deleted_files_go_where_the_command_puts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trash: str
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    root = make_vault(tmp_path / "vault", trash)
    change(root, {"delete": "Harbour/", "leave": True})
    copies = {path.name for path in (tmp_path / "data").rglob("*.md")}
    assert copies == ({"Crane.md", "Buoy.md"} if trash == "system" else set())


# -- mentions, sections and unresolved topics -----------------------------------------------------------------------


LISTED = {
    "Lighthouse.md": b"# Lighthouse\n\nThe harbour master waits. [[Old Harbor]]\n",
    "Harbour master.md": b"# Harbour master\n\nA keeper of the Lighthouse. [[Fog signal]]\n",
    "Fog signal.md": b"# Fog signal\n\nHeard by the Harbour master. [[Lighthouse]]\n\n## Add backlinks\n",
    "Sea/Crew.md": b"They see the Lighthouse.\n",  # it is in another folder, so this is not certain
    "Log.md": b"[[Old Harbor]] [[old harbor|the port]] [[Old-Harbor]] ![[Old Harbor]] [[Sea/Chart]]\n",
    "Board.canvas": b'{"nodes":[{"id":"a","type":"text","text":"[[Old Harbor]]"}],"edges":[]}',
}
LISTED_COMMANDS: dict[str, tuple[Change, Sequence[str]]] = {
    "all mentions": ({"link": {}}, ["mentions", "--write"]),
    "mentions in a note": ({"link": {"note": "Lighthouse"}}, ["mentions", "Lighthouse", "--write"]),
    "mentions of a note": (
        {"link": {"to": "Lighthouse"}},
        ["mentions", "--to", "Lighthouse", "--write"],
    ),
    "write sections": ({"sections": "write"}, ["sections", "write"]),
    "write a section": (
        {"sections": "write", "notes": "Lighthouse"},
        ["sections", "write", "Lighthouse"],
    ),
    "adopt sections": ({"sections": "adopt"}, ["sections", "adopt"]),
}


@each("name", LISTED_COMMANDS)
def test_links_and_sections_are_those_of_the_command(
    run: RunCommand, tmp_path: Path, name: str
) -> None:
    request, words = LISTED_COMMANDS[name]
    requested, commanded = (create_vault(tmp_path / place, LISTED) for place in ("one", "two"))
    vault, made = plan(requested, request)
    vault.apply(made)
    done = run(*words, "--vault", commanded)
    assert done.code == 0, done.err
    assert (read_files(requested) != LISTED) is (name != "adopt sections")
    assert read_files(requested) == read_files(commanded)
    assert made.after.diagnostics == open_vault(requested).state.diagnostics


def test_written_sections_are_removed(tmp_path: Path) -> None:
    root = create_vault(tmp_path / "vault", LISTED)
    assert plan(root, {"sections": "write"})[1].texts
    assert plan(root, {"sections": "write"}, {"sections": "remove"})[1].texts == {}


TOPICS: dict[str, tuple[Change, dict[str, str]]] = {
    "link": (
        {"unresolved": "Old Harbor", "link": "Lighthouse"},
        {
            "Log.md": "[[Lighthouse|Old Harbor]] [[Lighthouse|the port]] [[Lighthouse|Old-Harbor]] "
            "![[Lighthouse]] [[Sea/Chart]]\n",
            "Lighthouse.md": "# Lighthouse\n\nThe harbour master waits. [[Lighthouse|Old Harbor]]\n",
        },
    ),
    "unlink": (
        {"unresolved": "old harbor", "unlink": True},
        {"Log.md": "Old Harbor the port Old-Harbor ![[Old Harbor]] [[Sea/Chart]]\n"},
    ),
    "create": (
        {"unresolved": "[[Old Harbor]]", "create": "Places/"},
        {
            "Places/Old Harbor.md": "---\ntitle: Old Harbor\naliases:\n- old harbor\n---\n\n# Old Harbor\n",
            "Log.md": "[[Old Harbor]] [[old harbor|the port]] [[Old Harbor|Old-Harbor]] "
            "![[Old Harbor]] [[Sea/Chart]]\n",
        },
    ),
    "create empty": (
        {"unresolved": "Sea/Chart", "create": "/", "stub": False},
        {"Sea/Chart.md": "---\ntitle: Chart\n---\n"},
    ),
}


@each("name", TOPICS)
def test_topic_is_resolved(tmp_path: Path, name: str) -> None:
    request, expected = TOPICS[name]
    root = create_vault(tmp_path / "vault", LISTED)
    vault, made = plan(root, request)
    result = vault.apply(made)
    found = read_files(root)
    assert result.run_id
    for path, text in expected.items():
        assert found[path].decode() == text
    vault.undo()
    assert read_files(root) == LISTED


# -- several requests in one plan -----------------------------------------------------------------------------------


LISTS: dict[str, tuple[list[Change], dict[str, str | None]]] = {
    "names are exchanged": (
        [{"rename": "Home", "to": "Plan"}, {"rename": "Plan", "to": "Home"}],
        {"Quay.md": "\ufeff# Quay\r\n\r\n## Pier\r\n\r\nBack to [[Plan]]. #harbour\r\n"},
    ),
    "a new name is renamed": (
        [{"rename": "Home", "to": "Start"}, {"rename": "Start", "to": "Top"}],
        {"Home.md": None, "Start.md": None, "Harbour/Buoy.md": "[[Crane]] ![[only.png]]\n"},
    ),
    "a renamed note is deleted": (
        [{"rename": "Crane", "to": "Lift"}, {"delete": "Lift", "unlink": True}],
        {
            "Harbour/Crane.md": None,
            "Harbour/Lift.md": None,
            "Harbour/Buoy.md": "Lift ![[only.png]]\n",
        },
    ),
    "a note is moved, then another merged into it": (
        [{"move": "Buoy", "to": "Sea/"}, {"merge": "Crane", "into": "Sea/Buoy"}],
        {"Harbour/Crane.md": None, "Harbour/Buoy.md": None},
    ),
    "a folder is renamed after it got a file": (
        [{"move": "Plan", "to": "Harbour/"}, {"rename": "Harbour/", "to": "Port"}],
        {"Plan.md": None, "Harbour/Crane.md": None, "Port/Buoy.md": "[[Crane]] ![[only.png]]\n"},
    ),
    "a note is made in a renamed folder": (
        [{"rename": "Harbour/", "to": "Port"}, {"extract": "Quay#Pier", "to": "Port/Pier"}],
        {
            "Port/Pier.md": "Back to [[Home]]. #harbour\r\n",
            "Harbour/Pier.md": None,
        },
    ),
    "a note is made at the old path of a folder": (
        [{"rename": "Harbour/", "to": "Port"}, {"extract": "Quay#Pier", "to": "Harbour/Pier"}],
        {
            "Harbour/Pier.md": "Back to [[Home]]. #harbour\r\n",
            "Port/Pier.md": None,
            "Port/Buoy.md": "[[Crane]] ![[only.png]]\n",
        },
    ),
    "a note is renamed by its path, then its folder": (
        [{"rename": "Crane", "to": "Harbour/Lift"}, {"rename": "Harbour/", "to": "Port"}],
        {"Harbour/Lift.md": None, "Port/Buoy.md": "[[Lift]] ![[only.png]]\n"},
    ),
    "a note is renamed, then its folder in other case": (
        [{"rename": "Crane", "to": "Harbour/Lift"}, {"rename": "Harbour/", "to": "HARBOUR/"}],
        {"Harbour/Lift.md": None, "HARBOUR/Buoy.md": "[[Lift]] ![[only.png]]\n"},
    ),
    "a folder gets the name of one that is renamed": (
        [
            {"move": "Plan", "to": "Sea/"},
            {"fix": "safe"},
            {"rename": "Harbour/", "to": "Port"},
            {"rename": "Sea/", "to": "Harbour/"},
        ],
        {"Harbour/Crane.md": None, "Sea/Plan.md": None, "Harbour/Sea/Plan.md": None},
    ),
    "a file of a renamed folder gets its old path back": (
        [
            {"rename": "Harbour/", "to": "Port"},
            {"extract": "Quay#Pier"},
            {"rename": "Crane", "to": "Harbour/Crane"},
        ],
        {"Port/Crane.md": None, "Port/Buoy.md": "[[Crane]] ![[only.png]]\n"},
    ),
    "a folder gets other case, then a note in it another name": (
        [
            {"rename": "Harbour/", "to": "HARBOUR"},
            {"rename": "HARBOUR/Crane", "to": "HARBOUR/Lift"},
        ],
        {"Harbour/Crane.md": None, "HARBOUR/Buoy.md": "[[Lift]] ![[only.png]]\n"},
    ),
    "a new tag is renamed": (
        [{"rename": "#harbour", "to": "#port"}, {"rename": "#port", "to": "#quay"}],
        {"Quay.md": "\ufeff# Quay\r\n\r\n## Pier\r\n\r\nBack to [[Home]]. #quay\r\n"},
    ),
    "a folder gets its old name back": (
        [
            {"move": "Plan", "to": "Harbour/"},
            {"rename": "Harbour/", "to": "Port"},
            {"rename": "Port/", "to": "Harbour"},
        ],
        {"Plan.md": None, "Port/Plan.md": None, "Harbour/Buoy.md": "[[Crane]] ![[only.png]]\n"},
    ),
    "a renamed folder is deleted": (
        [{"rename": "Harbour/", "to": "Port"}, {"delete": "Port/", "unlink": True}],
        {"Harbour/Crane.md": None, "Port/Crane.md": None},
    ),
    "a folder with a new file is deleted": (
        [{"move": "Plan", "to": "Harbour/"}, {"delete": "Harbour/", "unlink": True}],
        {"Plan.md": None, "Harbour/Crane.md": None, "Harbour/Plan.md": None},
    ),
    "a new note is deleted": (
        [{"extract": "Crane#Motor"}, {"delete": "Motor", "unlink": True}],
        {"Harbour/Motor.md": None},
    ),
    "files are deleted one by one": (
        [{"delete": "Plan", "leave": True}, {"delete": "Harbour/", "leave": True}],
        {"Plan.md": None, "Harbour/Crane.md": None},
    ),
    "a note is fixed, then deleted": (
        [{"fix": "unsafe"}, {"delete": "Home", "unlink": True}],
        {
            "Home.md": None,
            "Quay.md": "\ufeff# Quay\r\n\r\n## Pier\r\n\r\nBack to Home. #harbour\r\n",
        },
    ),
}


@each("name", LISTS)
@each("trash", ["local", "none"])
def test_requests_in_one_plan(tmp_path: Path, name: str, trash: str) -> None:
    changes, expected = LISTS[name]
    after = change(make_vault(tmp_path / "vault", trash), *changes)
    for path, text in expected.items():
        assert after.get(path) == (None if text is None else text.encode()), path


@each("name", LISTS)
def test_one_plan_equals_one_run_after_the_other(tmp_path: Path, name: str) -> None:
    changes, _ = LISTS[name]
    together, apart = (make_vault(tmp_path / place, "none") for place in ("one", "two"))
    found = change(together, *changes)
    if name != "names are exchanged":
        for item in changes:
            vault, made = plan(apart, item)
            vault.apply(made)
        assert found == read_files(apart)


def test_state_after_a_plan_is_that_of_the_written_vault(tmp_path: Path) -> None:
    for name, (changes, _) in LISTS.items():
        root = make_vault(tmp_path / name, "none")
        vault, made = plan(root, *changes)
        vault.apply(made)
        assert made.after.diagnostics == open_vault(root, Settings(cache=False)).state.diagnostics


NAMES = ["Home", "Quay", "Plan", "Crane", "Buoy", "Alpha", "Motor", "Harbour/", "Sea/"]
NOTES, FOLDERS, SECTIONS = NAMES[:7], NAMES[7:], ["Quay#Pier", "Crane#Motor", "Crane#Rope"]


def random_change(rng: random.Random) -> Change:
    name, note, folder = rng.choice(NAMES), rng.choice(NOTES), rng.choice(FOLDERS)
    return rng.choice(
        [
            {"rename": name, "to": rng.choice([note, f"{folder}{note}", f"/{note}"])},
            {"rename": rng.choice(SECTIONS), "to": note},
            {"move": [name], "to": rng.choice([folder, "/"])},
            {"delete": name, rng.choice(["unlink", "leave"]): True},
            {"delete": name, "to": note},
            {"merge": note, "into": rng.choice(NOTES)},
            {"extract": rng.choice(SECTIONS), "to": rng.choice([note, folder])},
            {"fix": rng.choice(["safe", "unsafe"])},
            {"unresolved": "Plam", rng.choice(["create", "link"]): rng.choice([folder, note])},
        ]
    )


@pytest.mark.thorough
@each("seed", choose_seeds(8))
def test_random_lists_equal_one_run_after_the_other(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    together, apart = (make_vault(tmp_path / place, "none") for place in ("one", "two"))
    changes: list[Change] = []
    for _ in range(30):
        item = random_change(rng)
        with suppress(UsageError):
            vault, made = plan(apart, item)
            if len(changes) < 4 and vault.apply(made).run_id:
                changes.append(item)
    try:
        assert change(together, *changes) == read_files(apart)
    except RefusedError as error:
        assert "Make that change in a plan of its own." in str(error)


def test_many_renames_are_one_plan(tmp_path: Path) -> None:
    names = [f"Note {number}" for number in range(160)]
    files = {f"{name}.md": f"[[{names[number - 1]}]]\n" for number, name in enumerate(names)}
    root = create_vault(tmp_path / "vault", files)
    changes = [
        {"rename": name, "to": names[(number + 1) % 160]} for number, name in enumerate(names)
    ]
    after = change(root, *changes)
    assert after["Note 5.md"] == b"[[Note 4]]\n"
    assert after["Note 0.md"] == b"[[Note 159]]\n"


def test_patch_of_an_empty_note_in_a_renamed_folder_names_its_last_path(tmp_path: Path) -> None:
    root = create_vault(tmp_path / "vault", {"Sea/Log.md": "[[Tide]]\n"})
    topic = {"unresolved": "Tide", "create": "Port/", "stub": False}
    _, made = plan(root, {"rename": "Sea/", "to": "Port"}, topic)
    assert "diff --git a/Port/Tide.md b/Port/Tide.md\n" in made.diff()
    _, made = plan(root, {"unresolved": "Tide", "create": "Sea/"}, {"rename": "Sea/", "to": "A"})
    assert "diff --git a/A/Tide.md b/A/Tide.md\n" in made.diff()


# -- refusals -------------------------------------------------------------------------------------------------------


REFUSALS: dict[str, tuple[list[Change], str]] = {
    "nothing": ([], "there is no change"),
    "an unknown note": ([{"rename": "Nowhere", "to": "x"}], "there is no note, attachment or"),
    "an unknown heading": ([{"extract": "Quay#Nowhere"}], "Quay.md has no heading “Nowhere”"),
    "a taken name": ([{"rename": "Quay", "to": "Home"}], "there is a file Home.md already"),
    "above the vault": ([{"rename": "Quay", "to": "../Quay"}], "contains “..”"),
    "into another folder": ([{"move": "Quay", "to": "../"}], "contains “..”"),
    "an absolute path": ([{"rename": "Quay", "to": "/etc/x"}], "is outside the vault"),
    "an absolute folder": ([{"move": "Quay", "to": "/etc/x/"}], "is outside the vault"),
    "an absolute source": ([{"delete": "/etc/passwd"}], "is outside the vault"),
    "a file of the disk": ([{"delete": "../vault/Quay.md"}], "there is no note"),
    "a control character": ([{"rename": "Quay", "to": "a\nb"}], "contains"),
    "a hidden folder": ([{"move": "Quay", "to": ".obsidian/"}], "is hidden"),
    "settings": ([{"delete": ".obsidian/"}], "is hidden"),
    "the vault itself": ([{"delete": "/"}], "is the vault itself"),
    "a new note above the vault": ([{"extract": "Quay#Pier", "to": "../x"}], "contains “..”"),
    "a hidden new note": ([{"extract": "Quay#Pier", "to": ".git/x"}], "is hidden"),
    "a topic that resolves": ([{"unresolved": "Quay", "unlink": True}], "it resolves to Quay.md"),
    "an unknown topic": ([{"unresolved": "Nowhere", "unlink": True}], "no unresolved link names"),
    "a part of a topic": ([{"unresolved": "Pla", "unlink": True}], "Did you mean Plam?"),
    "a topic without a choice": (
        [{"unresolved": "Plam"}],
        "choose one: a note to link to, to unlink, or",
    ),
    "two choices": ([{"unresolved": "Plam", "unlink": True, "link": "Quay"}], "choose one:"),
    "a topic to a heading": ([{"unresolved": "Plam", "link": "Quay#Pier"}], "is a heading"),
    "a topic above the vault": ([{"unresolved": "Plam", "create": "../"}], "contains “..”"),
    "a topic elsewhere": ([{"unresolved": "Plam", "create": "/tmp/x/"}], "is outside the vault"),
    "a topic in settings": ([{"unresolved": "Plam", "create": ".obsidian/"}], "is hidden"),
    "a topic in a near folder": ([{"unresolved": "Plam", "create": "Harbours"}], "Did you mean"),
    "mentions in nothing": ([{"link": {"note": "Nowhere"}}], "there is no note"),
    "mentions of an image": ([{"link": {"note": "Quay", "to": "map.png"}}], "is an attachment"),
    "no mention": ([{"link": {"note": "Buoy", "to": "Plan"}}], "names Plan.md nowhere"),
    "an unknown action": ([{"sections": "erase"}], "must be write, adopt or remove"),
    "sections of an image": ([{"sections": "write", "notes": "map.png"}], "is an attachment"),
    "an unknown rule": ([{"fix": "safe", "select": "VL999"}], "there is no rule “VL999”."),
    "a fix of nothing": ([{"fix": "safe", "notes": "Nowhere"}], "there is no note"),
    "links without a choice": ([{"delete": "Quay"}], "5 places name what would be deleted"),
    "a redirect to a deleted note": ([{"delete": ["Quay", "Plan"], "to": "Plan"}], "is deleted"),
    "two notes that are one": ([{"merge": "Quay", "into": "Quay"}], "merged with itself"),
    "a folder that is nearly there": (
        [{"move": "Quay", "to": "harbours"}],
        "Did you mean Harbour/",
    ),
    "a removed path that is taken": (
        [{"delete": "Plan", "leave": True}, {"rename": "Quay", "to": "Plan"}],
        "change 2 of 2: Plan.md is the path of what an earlier change",
    ),
    "a left path that is taken": (
        [{"rename": "Plan", "to": "Old"}, {"extract": "Quay#Pier", "to": "Plan"}],
        "change 2 of 2: Plan.md is the path of what an earlier change",
    ),
    "an alias that was the name of a note before": (
        [
            {"rename": "Plan", "to": "/Office"},
            {"fix": "safe"},
            {"rename": "Office", "to": "Scheme"},
            {"delete": "Office", "unlink": True},
        ],
        "change 4 of 4: “Office” is an alias of Home.md, and was the name of a file until an earlier "
        "change. Write the path",
    ),
    "an alias that was the name of a deleted note": (
        [
            {"rename": "Plan", "to": "/Office"},
            {"delete": "Office", "unlink": True},
            {"rename": "Office", "to": "Scheme"},
        ],
        "change 3 of 3: “Office” is an alias of Home.md",
    ),
    "a left path that a new note gets": (
        [
            {"rename": "Plan", "to": "Old"},
            {"extract": "Quay#Pier"},
            {"rename": "Pier", "to": "/Plan"},
        ],
        "change 3 of 3: Plan.md is the path of what an earlier change",
    ),
    "the second change": (
        [{"rename": "Quay", "to": "Wharf"}, {"rename": "Quay", "to": "Kai"}],
        "change 2 of 2: there is no note",
    ),
}


@each("name", REFUSALS)
def test_refused_request_says_why(tmp_path: Path, name: str) -> None:
    changes, message = REFUSALS[name]
    root = make_vault(tmp_path / "vault", "none")
    with pytest.raises(UsageError) as caught:
        plan(root, *changes)
    assert message in str(caught.value)
    assert read_files(root) == FILES


def test_protected_note_is_refused(root: Path) -> None:
    (root / "vaultlink.toml").write_text('protect = ["Home.md"]\n')
    with pytest.raises(RefusedError, match=r"Home.md can't be changed"):
        plan(root, {"rename": "Quay", "to": "Wharf"})


def test_plan_for_a_changed_vault_is_not_written(root: Path) -> None:
    vault, made = plan(root, {"rename": "Quay", "to": "Wharf"})
    (root / "Home.md").write_bytes(b"changed\n")
    result = vault.apply(made)
    assert (result.is_outdated, result.written, result.run_id) == (True, (), None)
    assert read_files(root) == {**FILES, "Home.md": b"changed\n"}


ON_DISK: dict[str, Callable[[Path], object]] = {
    "a removed attachment": lambda root: (root / "map.png").write_bytes(b"other"),
    "a removed attachment of the same size": lambda root: (root / "map.png").write_bytes(b"pnG"),
    "a note": lambda root: (root / "Home.md").write_bytes(b"changed\n"),
    "a note of the same text": lambda root: (root / "Home.md").touch(),
    "a new note": lambda root: (root / "New.md").write_bytes(b"[[Quay]]\n"),
    "a file at a new path": lambda root: (root / "Wharf.md").write_bytes(b""),
    "a folder at a new path": lambda root: (root / "Wharf.md").mkdir(),
    "a folder at the path of a new note": lambda root: (root / "Pier.md").mkdir(),
    "a file as a new folder": lambda root: (root / "Sea").write_bytes(b""),
    "a removed note": lambda root: (root / "Plan.md").unlink(),
    "a link to another folder": lambda root: (root / "Sea").symlink_to(root.parent),
}


@each("name", ON_DISK)
def test_list_for_a_changed_disk_is_not_written(tmp_path: Path, name: str) -> None:
    root = make_vault(tmp_path / "vault", "none")
    vault, made = plan(
        root,
        {"delete": "map.png", "leave": True},
        {"extract": "Quay#Pier", "to": "/Pier"},
        {"rename": "Quay", "to": "Wharf"},
        {"rename": "Harbour/", "to": "Port"},
        {"rename": "Buoy", "to": "Sea/Buoy"},
    )
    ON_DISK[name](root)
    before, folders = read_files(root), sorted(root.rglob("*"))
    result = vault.apply(made)
    assert (result.written, result.moved, result.run_id) == ((), (), None)
    assert result.is_outdated or result.skipped
    assert (read_files(root), sorted(root.rglob("*"))) == (before, folders)


# -- undo -----------------------------------------------------------------------------------------------------------


def test_last_run_is_undone(root: Path) -> None:
    vault, made = plan(root, {"rename": "Quay", "to": "Wharf"})
    result = vault.apply(made, "my program")
    undone = vault.undo()
    assert undone.run_id != result.run_id
    assert read_files(root) == FILES
    with pytest.raises(UsageError, match="there is nothing to undo"):
        vault.undo()


def test_run_is_named_in_the_list(run: RunCommand, root: Path) -> None:
    vault, made = plan(root, {"rename": "Quay", "to": "Wharf"}, {"fix": "unsafe"})
    result = vault.apply(made, "my program")
    [row] = json.loads(run("undo", "--list", "--vault", root, "--json").out)["runs"]
    assert (row["id"], row["command"]) == (result.run_id, "my program")
    assert row["summary"].startswith("Renamed Quay.md to Wharf.md")


def test_earlier_run_is_undone_after_later_ones(root: Path) -> None:
    vault, made = plan(root, {"rename": "Quay", "to": "Wharf"})
    first = vault.apply(made).run_id
    vault, made = plan(root, {"rename": "Wharf", "to": "Kai"})
    second = vault.apply(made).run_id
    with pytest.raises(UsageError, match=f"Undo this run first: `vaultlink undo {second}`"):
        vault.undo(first)
    with pytest.raises(UsageError, match="no run of this vault matches “x”"):
        vault.undo("x")
    vault.undo()
    vault.undo()
    assert read_files(root) == FILES


# -- JSON -----------------------------------------------------------------------------------------------------------


@each(
    ("data", "message"),
    [
        ([], "a change is an object with one of these keys: unresolved, link"),
        ("rename", "a change is an object"),
        ({}, "a change is an object with one of these keys"),
        ({"to": "B"}, "a change is an object with one of these keys"),
        (
            {"rename": "A"},
            "change “rename”: “to” is missing. Its keys are rename, to, merge, queries, display.",
        ),
        ({"rename": "A", "to": 1}, "“to” must be a text."),
        ({"rename": ["A"], "to": "B"}, "“rename” must be a text."),
        ({"rename": "A", "to": None}, "“to” must be a text."),
        (
            {"rename": "A", "to": "B", "too": "C"},
            "it has no key “too”. Its keys are rename, to, merge, queries, display.",
        ),
        ({"rename": "A", "to": "B", "merge": "yes"}, "“merge” must be true or false."),
        ({"move": [1], "to": "B"}, "“move” must be a text or a list of texts."),
        ({"delete": "A", "unlink": True, "to": "B"}, "has one of “unlink”: true"),
        ({"delete": "A", "unlink": "yes"}, "has one of “unlink”: true"),
        ({"delete": "A", "unlink": True, "leave": True}, "has one of “unlink”: true"),
        ({"fix": "all"}, "the value of “fix” is “safe” or “unsafe”"),
        ({"fix": True}, "the value of “fix” is “safe” or “unsafe”"),
        ({"merge": "A"}, "“into” is missing."),
        ({"link": "A"}, "the value of “link” is an object"),
        ({"link": {"from": "A"}}, "it has no key “from”. Its keys are note, to."),
        ({"unresolved": "A", "link": 1}, "“link” must be a text."),
        ({"delete": "A", "links": "unlink"}, "it has no key “links”. Write “unlink”: true."),
        ({"delete": 1, "unlink": True}, "Its keys are delete, to, attachments, unlink, leave."),
    ],
)
def test_wrong_json_is_explained(data: object, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_request(data)
    assert message in str(caught.value)


@each(
    ("data", "request_"),
    [
        ({"fix": "unsafe", "notes": "A"}, FixRequest(("A",), unsafe=True)),
        ({"rename": "A", "to": "B", "display": False}, RenameRequest("A", "B", display=False)),
        ({"move": "A", "to": "F/"}, MoveRequest(("A",), "F/")),
        ({"delete": ["A", "B"]}, DeleteRequest(("A", "B"))),
        ({"delete": "A", "unlink": True}, DeleteRequest(("A",), "unlink")),
        ({"delete": "A", "unlink": False, "leave": True}, DeleteRequest(("A",), "leave")),
        ({"delete": "A", "to": "B"}, DeleteRequest(("A",), "redirect", "B")),
        ({"merge": "A", "into": "B"}, MergeRequest("A", "B")),
        ({"extract": "A#H", "to": "B", "tags": True}, ExtractRequest("A#H", "B", tags=True)),
        ({"link": {"note": "A", "to": "B"}}, MentionsRequest(("A",), "B")),
        ({"sections": "adopt", "notes": ["A"]}, SectionsRequest("adopt", ("A",))),
        (
            {"unresolved": "X", "create": "F/", "stub": False},
            TopicRequest("X", create="F/", stub=False),
        ),
    ],
)
def test_json_form_of_a_request(data: Change, request_: object) -> None:
    assert read_request(data) == request_


@each(
    "wrong",
    [
        {"rename": "vaultlink.toml", "to": "old.toml"},
        {"move": "vaultlink.toml", "to": "Harbour/"},
        {"delete": "vaultlink.toml", "leave": True},
        {"rename": "map.toml", "to": "vaultlink.toml"},
    ],
)
def test_settings_file_is_not_moved_made_or_deleted(root: Path, wrong: Change) -> None:
    (root / "map.toml").write_text("protect = []\n")
    if wrong.get("to") != "vaultlink.toml":
        (root / "vaultlink.toml").write_text('protect = ["Home.md"]\n')
    with pytest.raises(RefusedError, match=r"^vaultlink\.toml is a settings file\."):
        plan(root, wrong)


def test_refusal_of_changes_at_once_names_all_of_them(root: Path) -> None:
    both = [{"rename": "Plan", "to": "Crane"}, {"rename": "Home", "to": "Quay"}]
    with pytest.raises(RefusedError, match=r"^changes 1 to 2 of 2: .*Quay"):
        plan(root, *both)
