"""Paths of a command: what they limit, and which vault they mean. The whole vault is always read."""

from pathlib import Path

import pytest

from running import RunCommand, write_files
from tables import each
from vaultlink.cli.commands.watch import WatchOptions, _start_watcher
from vaultlink.cli.terminal import Terminal

VAULT = {
    ".obsidian/app.json": "{}",
    "Home.md": "[[Plan]] [[Later]]\n",
    "a/Plan.md": "[[Later]] [[Soon]] ![[map.png]]\n",
    "a/Alone.md": "",
    "b/Log.md": "[[Alone]] [[Soon]]\n",
    "b/Lost.md": "",
    "map.png": "",
    "b/unused.png": "",
}


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a vault, beside another one, and change to the folder above both."""
    write_files(tmp_path / "v", VAULT)
    write_files(tmp_path / "w", {".obsidian/app.json": "{}", "Plan.md": "[[Elsewhere]]\n"})
    monkeypatch.chdir(tmp_path)
    return tmp_path / "v"


# -- what paths limit -----------------------------------------------------------------------------------------------------

LISTED = {
    ("orphans", "v"): ["Home.md", "b/Log.md", "b/Lost.md", "b/unused.png"],
    ("orphans", "v/a"): [],
    ("orphans", "v/b"): ["b/Log.md", "b/Lost.md", "b/unused.png"],
    ("orphans", "v/b/Lost.md", "v/Home.md"): ["Home.md", "b/Lost.md"],
    ("deadends", "v"): ["a/Alone.md", "b/Lost.md"],
    ("deadends", "v/a"): ["a/Alone.md"],
    ("deadends", "v/Home.md"): [],
}


@each(("words", "expected"), LISTED.items())
def test_listed_files(
    run: RunCommand, vault: Path, words: tuple[str, ...], expected: list[str]
) -> None:
    done = run(*words, "--json")
    assert isinstance(done.data, dict)
    assert (done.code, done.err, done.data["notes"]) == (0, "", expected)


TOPICS = {
    ("v",): {"Later": ["Home.md", "a/Plan.md"], "Soon": ["a/Plan.md", "b/Log.md"]},
    ("v/a",): {"Later": ["a/Plan.md"], "Soon": ["a/Plan.md"]},
    ("v/b", "v/Home.md"): {"Later": ["Home.md"], "Soon": ["b/Log.md"]},
    ("v/b/Lost.md",): {},
}


@each(("paths", "expected"), TOPICS.items())
def test_unresolved_links_in_paths(
    run: RunCommand, vault: Path, paths: tuple[str, ...], expected: dict[str, list[str]]
) -> None:
    data = run("unresolved", *paths, "--json").data
    assert isinstance(data, dict)
    found = {row["topic"]: [item["path"] for item in row["sources"]] for row in data["topics"]}
    assert found == expected
    assert all(row["count"] == len(found[row["topic"]]) for row in data["topics"])


def test_unresolved_names_the_command_for_the_same_links(run: RunCommand, vault: Path) -> None:
    lines = run("unresolved", "v/a", "--output-format", "table").err.splitlines()
    assert lines[0].startswith("2 topics in 2 unresolved links: ")
    assert "`vaultlink fix --interactive v/a`" in lines[1]
    assert (
        "`vaultlink fix --interactive --vault v`"
        in run(*("unresolved", "--vault", "v", "--output-format", "table")).err
    )


EDGES = {
    ("v/a",): {
        ("Home.md", "a/Plan.md"),
        ("a/Plan.md", "/Later"),
        ("a/Plan.md", "/Soon"),
        ("a/Plan.md", "map.png"),
        ("b/Log.md", "a/Alone.md"),
    },
    ("v/a/Alone.md",): {("b/Log.md", "a/Alone.md")},
    ("v/b/Lost.md",): set(),
    ("v/map.png", "v/a/Alone.md"): {("a/Plan.md", "map.png"), ("b/Log.md", "a/Alone.md")},
}


@each(("paths", "expected"), EDGES.items())
def test_graph_of_paths(
    run: RunCommand, vault: Path, paths: tuple[str, ...], expected: set[tuple[str, str]]
) -> None:
    data = run("graph", *paths, "--json").data
    assert isinstance(data, dict)
    assert {(edge["source"], edge["target"]) for edge in data["edges"]} == expected
    named = {path for path in VAULT if path.endswith(".md") and f"v/{path}".startswith(paths)}
    assert {node["id"] for node in data["nodes"]} == named.union(*expected)


def test_figures_of_the_graph_of_paths(run: RunCommand, vault: Path) -> None:
    whole, part = (
        dict(line.split("\t")[:2] for line in run("graph", path).lines) for path in ("v", "v/a")
    )
    assert [whole[name] for name in ("notes", "links", "unresolved topics")] == ["5", "7", "2"]
    assert {name: part[name] for name in whole if name != "hub"} == {
        "figure": "count",
        "notes": "2",
        "canvases": "0",
        "attachments linked": "1",
        "unresolved topics": "2",
        "links": "3",
        "resolved links": "1",
        "dangling links": "2",
        "ambiguous links": "0",
        "external links": "0",
        "links to the note itself": "0",
        "groups connected by links": "2",
        "files in the largest group": "1",
        "files without any link": "2",
    }


def test_focus_outside_the_paths_is_an_error(run: RunCommand, vault: Path) -> None:
    assert run("graph", "v", "--focus", "Lost", "--json").code == 0
    done = run("graph", "v/a", "--focus", "Lost", "--json")
    assert (done.code, done.err) == (
        2,
        "error: b/Lost.md is not in the graph, because no link joins it to the paths.\n",
    )


def list_paths(rows: list[dict[str, str]]) -> list[str]:
    return [row["path"] for row in rows]


def test_report_of_paths(run: RunCommand, vault: Path) -> None:
    whole, part = (run("report", path, "--json").data for path in ("v", "v/b"))
    assert isinstance(whole, dict)
    assert isinstance(part, dict)
    assert (whole["paths"], part["paths"]) == ([], ["b"])
    for key in ("score", "totals", "next", "vault"):
        assert part[key] == whole[key], "about the whole vault"
    assert list_paths(whole["orphans"]) == ["Home.md", "b/Log.md", "b/Lost.md"]
    assert list_paths(part["orphans"]) == ["b/Log.md", "b/Lost.md"]
    assert list_paths(part["dead_ends"]) == ["b/Lost.md"]
    assert list_paths(part["worst"]) == ["b/Log.md"]
    assert [row["folder"] for row in part["folders"]] == ["b"]
    assert [(row["name"], row["links"]) for row in part["topics"]] == [("Soon", 1)]
    assert part["unused_attachments"] == ["b/unused.png"]
    assert part["hubs"] == []
    assert sum(row["findings"] for row in part["rules"]) == part["folders"][0]["findings"] == 1
    assert [row["path"] for row in run_report(run, "v/a")["hubs"]] == ["a/Alone.md", "a/Plan.md"]


def run_report(run: RunCommand, *paths: str) -> dict[str, list[dict[str, str]]]:
    data = run("report", *paths, "--json").data
    assert isinstance(data, dict)
    return data


@each("output_format", ["html", "markdown"])
def test_report_says_what_it_is_about(run: RunCommand, vault: Path, output_format: str) -> None:
    if output_format == "html":
        pytest.importorskip("jinja2")
    words = "those of the whole vault."
    assert words in run("report", "v/a", "v/Home.md", "--output-format", output_format).out
    assert words not in run("report", "v", "--output-format", output_format).out


COMMANDS = ("check", "status", "unresolved", "orphans", "deadends", "graph", "report")


@each("command", COMMANDS)
def test_paths_of_two_vaults_are_an_error(
    run: RunCommand, tmp_path: Path, vault: Path, command: str
) -> None:
    done = run(command, "w", "v/a")
    assert (done.code, done.out) == (2, "")
    assert f"the paths are in 2 vaults: {tmp_path}/v, {tmp_path}/w. " in done.err


@each("command", COMMANDS)
def test_missing_path_is_an_error(run: RunCommand, vault: Path, command: str) -> None:
    words = ("--output-format", "json") if command == "report" else ()
    done = run(command, "v/a/Nothing.md", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith("v/a/Nothing.md: no such file or folder.\n")


# -- a note named by its path on disk ---------------------------------------------------------------------------------------

NOTES = {
    ("show", "v/a/Plan.md"): "a/Plan.md",
    ("show", "v/a/Plan"): "a/Plan.md",
    ("show", "{root}/v/a/Plan.md"): "a/Plan.md",
    ("links", "v/a/Plan.md"): "a/Plan.md",
    ("backlinks", "v/a/Plan.md"): "Home.md",
    ("related", "v/a/Plan.md"): "",
    ("history", "v/a/Plan.md"): "",
    ("rename", "v/a/Plan.md", "Plans", "--diff"): "a/Plans.md",
    ("rename", "v/a/Plan.md", "v/b/Plans.md", "--diff"): "b/Plans.md",
    ("move", "v/a/Plan.md", "v/b", "--diff"): "b/Plan.md",
    ("rename", "link/a/Plan.md", "link/b/Plans.md", "--diff"): "b/Plans.md",
    ("rename", "{root}/link/a/Plan.md", "Plans", "--diff"): "a/Plans.md",
    ("rename", "w/../v/a/Plan.md", "w/../v/b/Plans.md", "--diff"): "b/Plans.md",
    ("rename", "v/a/Plan.md", "w", "--diff"): "a/w.md",  # a new name, not the folder
    ("open", "v/a/Plan.md", "--print"): "file=a%2FPlan.md",
    ("open", "link/a/Plan", "--print"): "file=a%2FPlan.md",
    ("delete", "v/a/Plan.md", "--leave", "--diff"): "a/Plan.md",
    ("sections", "write", "v/a/Plan.md", "--diff"): "",
}


@each(("words", "expected"), NOTES.items())
@pytest.mark.usefixtures("plain_git")
def test_path_of_a_note_decides_the_vault(
    run: RunCommand, tmp_path: Path, vault: Path, words: tuple[str, ...], expected: str
) -> None:
    (tmp_path / "link").symlink_to("v")
    done = run(*[word.format(root=tmp_path) for word in words])
    assert done.code != 2, done.err
    assert expected in done.out
    assert "is a new folder" not in done.err
    assert "Vault: " not in done.err


def test_note_is_renamed_in_its_vault(run: RunCommand, vault: Path) -> None:
    assert run("rename", "v/a/Plan.md", "v/b/Plans.md").code == 0
    assert (vault / "b/Plans.md").is_file()
    assert (vault / "Home.md").read_text(encoding="utf-8") == "[[Plans]] [[Later]]\n"
    assert not (vault / "v").exists()


KEPT = {
    "the vault of the current folder": ("w", "show", "Plan", "[[Elsewhere]]"),
    "a path of the vault in the current folder": ("v/b", "show", "a/Plan.md", "[[Soon]]"),
    "a name": ("v/b", "links", "Plan", "[[Soon]]"),
}


@each(("folder", "command", "name", "expected"), KEPT.values(), ids=KEPT)
def test_name_of_a_note_means_one_of_the_current_vault(
    run: RunCommand,
    vault: Path,
    monkeypatch: pytest.MonkeyPatch,
    folder: str,
    command: str,
    name: str,
    expected: str,
) -> None:
    monkeypatch.chdir(folder)
    done = run(command, name, "--json")
    assert (done.code, expected in done.out) == (0, True)


def test_folder_without_a_vault_is_not_made_smaller_by_a_note(
    run: RunCommand, vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(vault.parent / "plain", {"a/New.md": "", "b/Other.md": "[[New]]\n"})
    monkeypatch.chdir(vault.parent / "plain")
    assert "b/Other.md" in run("backlinks", "a/New.md").out
    assert run("rename", "a/New.md", "a/Newer.md").code == 0
    assert Path("b/Other.md").read_text(encoding="utf-8") == "[[Newer]]\n"


def test_notes_of_two_vaults_are_an_error(run: RunCommand, vault: Path) -> None:
    done = run("show", "v/a/Plan.md", "w/Plan.md")
    assert (done.code, done.out) == (2, "")
    assert "the paths are in 2 vaults: " in done.err


# -- commands whose argument is the vault -----------------------------------------------------------------------------------


def test_argument_of_init_is_the_vault(run: RunCommand, vault: Path) -> None:
    done = run("init", "v/a")
    assert done.lines == [str(vault / "a" / "vaultlink.toml")]
    assert done.err.startswith(f"{vault / 'a'} is in the vault {vault}. ")
    assert run("init", "v").lines == [str(vault / "vaultlink.toml")]
    assert "already exists" in run("init", "v").err


def test_argument_of_watch_is_the_vault(vault: Path) -> None:
    for folder in (vault, vault / "a", vault.parent):
        assert _start_watcher(WatchOptions(folder=folder), Terminal()).root == folder


REFUSED = {
    "home folder": ("home", "{home} is the home folder and has no .obsidian."),
    "root": ("/", "/ is the root of the file system and has no .obsidian."),
    "missing folder": ("x", "x: no such folder."),
    "file": ("v/Home.md", "v/Home.md: it is a file, not a folder."),
}


@each(("folder", "message"), REFUSED.values(), ids=REFUSED)
@each("command", ["init", "watch"])
def test_folder_that_is_no_vault_is_refused(
    run: RunCommand,
    vault: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    folder: str,
    message: str,
) -> None:
    home = vault.parent / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    done = run(command, folder)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: {message.format(home=home)}")
    assert list(home.iterdir()) == []


@each("command", ["init", "watch"])
def test_vault_is_named_once(run: RunCommand, vault: Path, command: str) -> None:
    done = run(command, "v", "--vault", "w")
    assert (done.code, done.err) == (
        2,
        "error: the argument VAULT and --vault can't be used together.\n",
    )
