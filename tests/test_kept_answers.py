"""Answers about an unchanged vault are printed again, and made anew if anything they depend on changed."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exploring import choose_seeds
from running import CommandResult, RunCommand, create_vault, let_time_pass, write_files
from tables import each

NOTES = {
    "Home.md": "# Home\n\n[[Tide tables]], [[harbour]], [[No such note]] and [[tide table#High]].\n",
    "Tide table.md": "---\naliases: [Tides]\n---\n## High water\n\nHarbour pilots know it. [[Home#Hom]]\n",
    "Harbour pilots.md": "They need the Tide table, and [[Home|home]].\n\n![[map.png]]\n",
    "notes/Lonely.md": "Nothing but Tides, twice: Tides. [[notes/Gone]]\n",
    "map.png": "",
}

COMMANDS = {
    "check": ("check",),
    "check --statistics": ("check", "--statistics"),
    "check --changed-since": ("check", "--no-baseline", "--extend-select", "ALL"),
    "status": ("status",),
    "unresolved": ("unresolved",),
    "unresolved in a folder": ("unresolved", "notes"),
    "orphans": ("orphans",),
    "deadends": ("deadends",),
    "links": ("links",),
    "backlinks": ("backlinks",),
    "show": ("show",),
    "related": ("related", "Home"),
    "related --twins": ("related", "--twins"),
    "mentions": ("mentions",),
    "mentions of a note": ("mentions", "--to", "Tide table"),
    "mentions --diff": ("mentions", "--diff"),
    "graph": ("graph",),
    "graph as dot": ("graph", "--output-format", "dot"),
    "fix --diff": ("fix", "--diff"),
    "fix --diff with unsafe fixes": ("fix", "--diff", "--unsafe-fixes", "--unlink"),
    "sections check": ("sections", "check"),
    "sections write --diff": ("sections", "write", "--diff"),
    "report as Markdown": ("report", "--output-format", "markdown"),
    "report": ("report",),
}
"""Commands whose answers are kept, by what they do."""


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a vault and make it the current folder."""
    folder = create_vault(tmp_path / "vault", NOTES)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("VAULTLINK_CACHE_DIR", str(tmp_path / "cache"))
    return folder


def list_answers(vault: Path) -> dict[str, bytes]:
    """Return the kept answers of the vault's cache."""
    return {file.name: file.read_bytes() for file in (vault.parent / "cache").glob("*/answer-*")}


def ask_anew(vault: Path, run: RunCommand, words: tuple[str, ...]) -> CommandResult:
    """Run a command that has no kept answer. What the cache remembers of the past stays."""
    for name in list_answers(vault):
        [file] = (vault.parent / "cache").glob(f"*/{name}")
        file.unlink()
    return run(*words)


@each("json", [False, True], ids=["", "json"])
@each("name", COMMANDS)
def test_answer_is_kept_until_the_vault_changes(
    vault: Path, run: RunCommand, name: str, json: bool
) -> None:
    words = (
        *COMMANDS[name],
        *(["--json"] if json and "--output-format" not in COMMANDS[name] else []),
    )
    let_time_pass()
    first, kept = run(*words), list_answers(vault)
    assert len(kept) == 1
    assert run(*words) == first == run(*words, "--no-cache")
    assert list_answers(vault) == kept
    write_files(vault, {"Home.md": "Tides and [[Another]].\n\n[[Lonely]]\n"})
    let_time_pass()
    assert run(*words) == run(*words, "--no-cache")
    assert list_answers(vault) != kept


@each(
    "words",
    [("fix", "--unsafe-fixes", "--unlink"), ("sections", "write"), ("mentions", "--write")],
    ids=" ".join,
)
def test_writing_run_is_kept_only_if_it_had_nothing_to_write(
    vault: Path, run: RunCommand, words: tuple[str, ...]
) -> None:
    let_time_pass()
    for _ in range(5):
        before = {path: (vault / path).read_bytes() for path in NOTES}
        done = run(*words)
        if {path: (vault / path).read_bytes() for path in NOTES} == before:
            break
        assert not list_answers(vault)
        let_time_pass()
    assert len(list_answers(vault)) == 1
    assert run(*words) == done == run(*words, "--no-cache")
    assert run("undo").code == 0
    let_time_pass()
    again = run(*words)
    assert again != done
    assert "`vaultlink undo` reverts it" in again.err


ONE_NOTE = {
    "links of a note": ("links", "Home"),
    "backlinks of a note": ("backlinks", "Home"),
    "history": ("history", "Home"),
    "rename --diff": ("rename", "--diff", "Home", "House"),
    "fix --diff with a day": ("fix", "--diff", "--unsafe-fixes", "--create", "new", "--created"),
}


@each("name", ONE_NOTE)
def test_answer_is_not_kept_where_it_is_found_at_once_or_depends_on_more(
    vault: Path, run: RunCommand, name: str
) -> None:
    let_time_pass()
    assert run(*ONE_NOTE[name]) == run(*ONE_NOTE[name])
    assert not list_answers(vault)


def settings(text: str) -> Callable[[Path], object]:
    return lambda vault: (vault / ".vaultlink.toml").write_text(text, encoding="utf-8")


CHANGES: dict[str, Callable[[Path], object]] = {
    "a rule": settings('ignore = ["VL101"]\n'),
    "a folder that is not checked": settings('exclude = ["notes/**"]\n'),
    "a name that is no mention": settings('[mentions]\nignore = ["Tides"]\n'),
    "a new note": lambda vault: (vault / "No such note.md").write_text(
        "[[Home]]\n", encoding="utf-8"
    ),
    "a new attachment": lambda vault: (vault / "No such note.pdf").write_bytes(b""),
    "a deleted note": lambda vault: (vault / "notes" / "Lonely.md").unlink(),
    "a renamed note": lambda vault: (vault / "Tide table.md").rename(vault / "Tide tables.md"),
    "a read-only note": lambda vault: (vault / "Home.md").chmod(0o400),
    "a hard link": lambda vault: os.link(vault / "Home.md", vault.parent / "other"),
    "settings of Obsidian": lambda vault: (vault / ".obsidian" / "app.json").write_text(
        '{"useMarkdownLinks": true}'
    ),
}


@pytest.mark.thorough
def test_change_of_what_an_answer_depends_on_is_seen(
    vault: Path, run: RunCommand, subtests: pytest.Subtests
) -> None:
    let_time_pass()
    for words in COMMANDS.values():
        run(*words)
    for change, make in CHANGES.items():
        with subtests.test(change):
            make(vault)
            let_time_pass()
            changed = {name: run(*words) for name, words in COMMANDS.items()}
            for name, words in COMMANDS.items():
                assert changed[name] == ask_anew(vault, run, words), name


def test_folder_that_became_read_only_is_seen(
    vault: Path, run: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_time_pass()
    run("fix", "--diff")
    kept = list_answers(vault)
    monkeypatch.setattr(os, "access", lambda path, _mode: not os.fspath(path).endswith("notes"))
    run("fix", "--diff")
    assert list_answers(vault) != kept


def test_known_findings_are_part_of_the_question(vault: Path, run: RunCommand) -> None:
    let_time_pass()
    before = run("fix", "--diff", "--unsafe-fixes", "--unlink")
    assert run("baseline").code == 0
    assert run("fix", "--diff", "--unsafe-fixes", "--unlink") == run(
        "fix", "--diff", "--unsafe-fixes", "--unlink", "--no-cache"
    )
    assert before.out


def test_results_in_a_file_are_written_again(vault: Path, run: RunCommand) -> None:
    let_time_pass()
    file = vault.parent / "orphans.tsv"
    first = run("orphans", "--output-file", file)
    text = file.read_bytes()
    file.unlink()
    assert run("orphans", "--output-file", file) == first
    assert file.read_bytes() == text


def test_page_in_the_vault_is_no_change_of_the_vault(vault: Path, run: RunCommand) -> None:
    pytest.importorskip("jinja2")
    let_time_pass()
    words = ("report", "--output-file", "page.html")
    first = run(*words)
    page, kept = (vault / "page.html").read_bytes(), list_answers(vault)
    assert len(kept) == 1
    assert run(*words) == first
    assert (vault / "page.html").read_bytes() == page
    assert list_answers(vault) == kept
    assert run("orphans") == run("orphans", "--no-cache")


def test_error_is_not_kept(vault: Path, run: RunCommand) -> None:
    let_time_pass()
    assert run("related", "No such note here").code == 2
    assert not list_answers(vault)


@each("data", [b"", b"\x92\x91\x92\xa4part", b"\xff", b"\x92\x90\xa1x"])
def test_damaged_answer_is_made_anew(vault: Path, run: RunCommand, data: bytes) -> None:
    let_time_pass()
    first = run("orphans")
    [file] = (vault.parent / "cache").glob("*/answer-*")
    kept = file.read_bytes()
    file.write_bytes(kept[: len(kept) // 2] + data)
    assert run("orphans") == first
    assert file.read_bytes() == kept


def change_anything(dice: random.Random, vault: Path) -> Iterator[str]:
    """Change a vault in a random way, and yield the words of what was done."""
    path = vault / dice.choice(
        ["Home.md", "Tide table.md", "notes/Lonely.md", "New.md", "notes/High.md"]
    )
    match dice.randrange(4):
        case 0:
            path.unlink(missing_ok=True)
        case 1:
            path.write_text(
                f"[[{dice.choice(['Home', 'Tides', 'New', 'Gone'])}]]\n" * dice.randint(1, 3),
                "utf-8",
            )
        case 2:
            path.write_text(
                f"---\naliases: [{dice.choice(['Tides', 'Gone'])}]\n---\nThe Tide table.\n", "utf-8"
            )
        case _:
            if path.exists():
                shutil.move(path, vault / dice.choice(["New.md", "Gone.md", "notes/Tides.md"]))
    yield path.name


@pytest.mark.thorough
@each("seed", choose_seeds(6))
def test_kept_answers_equal_fresh_ones_after_random_changes(
    vault: Path, run: RunCommand, seed: int
) -> None:
    dice = random.Random(seed)
    for _ in range(4):
        done = [*change_anything(dice, vault)]
        if dice.random() < 0.7:
            let_time_pass()
        for name, words in dice.sample(sorted(COMMANDS.items()), 6):
            kept = run(*words)
            assert kept == ask_anew(vault, run, words) == run(*words), (name, done)
