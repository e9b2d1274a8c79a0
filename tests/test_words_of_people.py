"""Names as people type them: pasted links, aliases, missing quotes, near folders."""

from pathlib import Path

import pytest

from running import RunCommand, create_vault, read_files, write_files
from screens import SMALL, Size, run_on_screen
from tables import each

FILES = {
    "Plan A.md": "---\naliases: [PA]\n---\n# Goals\n\nSee [[My note]].\n",
    "My note.md": "# Part\n\n[[Plan A]]\n",
    "Foo.md": "[[Plan A]]\n",
    "Both 1.md": "---\naliases: [Twice]\n---\n",
    "Both 2.md": "---\naliases: [Twice]\n---\n",
    "[[odd]].md": "",
    "Archive/Old.md": "[[Foo]]\n",
    "Projects/2025/Log.md": "",
    "Word/Tips.md": "",
}


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return create_vault(tmp_path / "vault", FILES)


SPELLINGS = (
    "Plan A",
    "Plan A.md",
    "plan a",
    "./Plan A.md",
    "[[Plan A]]",
    "[[Plan A.md]]",
    "[[Plan A|shown]]",
    "![[Plan A]]",
    "PA",
    "pa",
    "PA.md",
    "[[PA]]",
)
READING = {
    "show": ("show", "{}"),
    "links": ("links", "{}"),
    "backlinks": ("backlinks", "{}"),
    "related": ("related", "{}"),
    "mentions": ("mentions", "{}"),
    "mentions to": ("mentions", "--to", "{}"),
    "history": ("history", "{}"),
    "sections": ("sections", "check", "{}"),
    "open": ("open", "{}", "--print"),
    "graph": ("graph", "--focus", "{}", "--output-format", "dot"),
}
WRITING = {
    "rename": ("rename", "{}", "New"),
    "rename a heading": ("rename", "{}#Goals", "Aims"),
    "move": ("move", "{}", "Archive"),
    "extract": ("extract", "{}#Goals", "New"),
    "merge": ("merge", "{}", "Foo"),
    "merge into": ("merge", "Foo", "{}"),
    "delete": ("delete", "{}", "--leave"),
    "delete to": ("delete", "My note", "--to", "{}"),
}


@each("command", [*READING.values(), *WRITING.values()], ids=[*READING, *WRITING])
def test_each_spelling_names_the_note(
    run: RunCommand, vault: Path, command: tuple[str, ...]
) -> None:
    diff = ["--diff"] if command in WRITING.values() else []
    results = {
        run(*(word.format(spelling) for word in command), *diff, "--vault", vault)
        for spelling in SPELLINGS
    }
    assert len(results) == 1, results
    assert next(iter(results)).code == (1 if diff else 0)


@each("command", [*READING.values()], ids=[*READING])
def test_a_path_on_disk_names_the_note_and_its_vault(
    run: RunCommand, vault: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(vault.parent)
    known = run(*(word.format("Plan A") for word in command), "--vault", vault)
    for path in ("vault/Plan A.md", "vault/Plan A", vault / "Plan A.md"):
        assert run(*(word.format(path) for word in command)) == known


@each(
    ("word", "path"),
    [("[[odd]]", "[[odd]].md"), ("[[odd]].md", "[[odd]].md"), ("Twice", None), ("[[", None)],
)
def test_words_that_are_no_pasted_link_or_alias_of_one_note(
    run: RunCommand, vault: Path, word: str, path: str | None
) -> None:
    for command in ("show", "rename"):
        words = (word,) if command == "show" else (word, "New", "--diff")
        done = run(command, *words, "--vault", vault)
        assert (path or "error: ") in done.out + done.err
        assert (done.code == 2) == (path is None)


def test_an_alias_of_several_notes_names_them(run: RunCommand, vault: Path) -> None:
    for words in (["show", "Twice"], ["rename", "Twice", "New"], ["delete", "Twice"]):
        done = run(*words, "--vault", vault)
        assert done.code == 2
        assert "several notes have the alias" in done.err
        assert "Both 1.md, Both 2.md" in done.err


@each("link", ["[[Plan A#Goals]]", "![[Plan A#^b|shown]]", "[[PA#Goals]]"])
def test_a_pasted_link_to_a_part_names_the_note(run: RunCommand, vault: Path, link: str) -> None:
    for words in (("show",), ("backlinks",), ("open", "--print")):
        assert run(*words, link, "--vault", vault) == run(*words, "Plan A", "--vault", vault)


def test_brackets_in_the_new_text_of_a_heading_stay(run: RunCommand, vault: Path) -> None:
    done = run("rename", "Plan A#Goals", "[[Foo]]", "--vault", vault)
    assert (done.code, "a link would be lost or added" in done.err) == (2, True)


def test_the_new_name_may_be_a_pasted_link(run: RunCommand, vault: Path) -> None:
    done = run("rename", "[[Foo]]", "[[Bar]]", "--vault", vault)
    assert done.err.startswith("Renamed Foo.md to Bar.md; 1 link in 1 note follows.")


@each(
    "words",
    [("merge", "Foo", "My note"), ("rename", "Foo", "Bar"), ("delete", "Foo", "--leave")],
    ids=lambda words: words[0],
)
def test_the_same_command_again_does_not_take_the_old_name_for_an_alias(
    run: RunCommand, vault: Path, words: tuple[str, ...]
) -> None:
    (vault / "Bar 2.md").write_text("---\naliases: [Other]\n---\n")
    assert run(*words, "--vault", vault).code == 0
    if words[0] != "merge":  # which makes the name an alias itself
        (vault / "Bar 2.md").write_text("---\naliases: [Foo]\n---\n")
    before = read_files(vault)
    for again in (words, ("delete", "Foo", "--leave"), ("rename", "Foo", "Next")):
        done = run(*again, "--vault", vault)
        assert done.code == 2
        assert "is an alias of " in done.err
        assert "was the name of a file until `vaultlink" in done.err
    assert read_files(vault) == before


# -- a folder that is new, or near another one ------------------------------------------------------


@each(
    ("folder", "near"),
    [
        ("Archiv", "Archive"),
        ("archives", "Archive"),
        ("Arhcive", "Archive"),
        ("Project", "Projects"),
        ("Project/2025", "Projects/2025"),
        ("Projects_", "Projects"),
    ],
)
def test_move_refuses_a_new_folder_beside_one_of_almost_the_same_name(
    run: RunCommand, vault: Path, folder: str, near: str
) -> None:
    before = read_files(vault)
    done = run("move", "Foo", folder, "--vault", vault)
    assert done.code == 2
    assert f"Did you mean {near}/? {folder}/, with a slash at the end, makes the new" in done.err
    assert read_files(vault) == before
    done = run("move", "Foo", f"{folder}/", "--vault", vault)
    assert done.code == 0
    assert f" {folder}/ is a new folder. " in done.err


@each("folder", ["Work", "Projects/2026", "Logs", "Inbox", "Project plans"])
def test_move_makes_other_new_folders(run: RunCommand, vault: Path, folder: str) -> None:
    diff = run("move", "Foo", folder, "--diff", "--vault", vault)
    assert diff.err.endswith(f" {folder}/ is a new folder.\n")
    done = run("move", "Foo", folder, "--vault", vault)
    assert f"Moved Foo.md to {folder}/Foo.md; " in done.err
    assert f" {folder}/ is a new folder. " in done.err


def test_a_folder_that_exists_is_not_called_new(run: RunCommand, vault: Path) -> None:
    (vault / "Empty").mkdir()
    for folder in ("Archive", "archive", "Empty", "Projects/2025", "/"):
        words = ("move", "Foo", folder) if folder != "/" else ("move", "Archive/Old", folder)
        assert "new folder" not in run(*words, "--diff", "--vault", vault).err


KEYS = {"y": "Archive/Foo.md", "n": "Archiv/Foo.md", "?y": "Archive/Foo.md"}


@each(("keys", "path"), KEYS.items())
def test_move_asks_on_a_terminal(vault: Path, keys: str, path: str) -> None:
    with run_on_screen(vault, "move", "Foo", "Archiv", size=SMALL) as screen:
        for key in keys:
            screen.wait_until(lambda it: "[y,n,q,?]" in it.rows[it.cursor[1]], "a question")
            screen.type(key)
            screen.settle()
        screen.wait_for_end(0)
    assert (vault / path).exists()


def test_move_stops_on_a_terminal(vault: Path) -> None:
    before = read_files(vault)
    with run_on_screen(vault, "move", "Foo", "Archiv", size=SMALL) as screen:
        screen.wait_for("[y,n,q,?]").type("q")
        screen.wait_for_end(130)
        assert "Stopped: nothing was written." in screen.everything
    assert read_files(vault) == before


@each(
    ("old", "new", "path", "is_told"),
    [
        ("Foo.md", "Bar.txt", "Bar.txt.md", True),
        ("Foo", "Bar.png", "Bar.png.md", True),
        ("Foo", "Bar", "Bar.md", False),
        ("Foo", "v1.2", "v1.2.md", False),
        ("Foo", "Bar.md", "Bar.md", False),
    ],
)
def test_rename_says_that_a_note_keeps_its_extension(
    run: RunCommand, vault: Path, old: str, new: str, path: str, *, is_told: bool
) -> None:
    done = run("rename", old, new, "--vault", vault)
    assert f"Renamed Foo.md to {path}; " in done.err
    assert ("A note keeps .md" in done.err) == is_told


# -- unknown settings on a narrow terminal --------------------------------------------------------------------------------


@each("key", ["required-versoin", "extend-select-rules-of-this-vault", "k" * 60])
def test_an_unknown_setting_is_named_whole_on_a_narrow_terminal(vault: Path, key: str) -> None:
    write_files(vault, {"vaultlink.toml": f"{key} = 1\n"})
    with run_on_screen(vault, "config", size=Size(40, 24)) as screen:
        screen.wait_for_end(2)
        assert f": {key}: there is no such" in " ".join(screen.output.split())
        assert key in screen.everything.replace("\n", "")
