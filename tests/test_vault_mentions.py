"""Mentions that are kept from one run to the next are those that a search of all notes finds."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from exploring import TIMES, choose_seeds, spread_seeds
from running import RunCommand, create_vault, write_files
from vaultlink.api import Vault, find_origin, open_vault
from vaultlink.disk import load
from vaultlink.disk.scan import Settings
from vaultlink.mentions import matcher
from vaultlink.mentions.search import build_mention_options
from vaultlink.write.vault_mentions import VaultMentions, find_vault_mentions

NAMES = (
    *("tide table machines", "fog signal station", "signal station keepers", "granite", "Öl"),
    *("harbour", "harbour master", "the harbour master", "Quay Street Books", "Lantern", "LTP"),
    *(
        "fog signal",
        "brass wheels of the tide table machines",
        "霧信号所",
        "Lantern rooms",
        "ferry",
    ),
)
FOLDERS = ("", "", "a/", "a/deep/", "b/", "c/")
FILLER = (
    *("We read the", "and", "near the", "keepers", "is", "Hamilton wrote", "the graph of", "(LTP)"),
    *("without a link to", "for example", "-", "\n\n", "\n- ", "\n## ", ". ", "**", "machines are"),
)


def some_name(dice: random.Random) -> str:
    """Return a name in some capitals."""
    name = dice.choice(NAMES)
    return dice.choice((name, name, name.capitalize(), name.title(), name.upper()))


def some_link(dice: random.Random) -> str:
    """Return a link that shows a name."""
    name, target = some_name(dice), dice.choice(NAMES)
    return dice.choice(
        (
            *(f"[[{name}]]", f"[[{target}|{name}]]", f"[[{target}#Part|{name}]]", f"![[{target}]]"),
            *(f"[{name}](<{dice.choice(FOLDERS)}{target}.md>)", f"[[{name} keepers]]"),
        )
    )


def some_note(dice: random.Random) -> str:
    """Return the text of a note."""
    parts = [
        dice.choice((some_name, some_name, some_link, lambda dice: dice.choice(FILLER)))(dice)
        for _ in range(dice.randint(0, 25))
    ]
    head = []
    if dice.random() < 0.3:
        head += [f"title: {some_name(dice)}", f"aliases: [{some_name(dice)}]"]
    if dice.random() < 0.05:
        head.append("source: https://example.org/page")
    properties = "\n".join(["---", *head, "---", ""]) if head else ""
    heading = f"# {some_name(dice)}\n\n" if dice.random() < 0.5 else ""
    return f"{properties}{heading}{' '.join(parts)}\n"


def create_notes(dice: random.Random, vault: Path, more: int = 40) -> None:
    """Create a vault with all names, and more notes."""
    notes = {f"{dice.choice(FOLDERS)}{name}.md": some_note(dice) for name in NAMES}
    notes |= {f"{dice.choice(FOLDERS)}n{number}.md": some_note(dice) for number in range(more)}
    create_vault(vault, notes)


def list_notes(vault: Path) -> list[Path]:
    return sorted(vault.rglob("*.md"))


# -- changes ----------------------------------------------------------------------------------------------------------


def add_sentence(dice: random.Random, vault: Path) -> None:
    with dice.choice(list_notes(vault)).open("a", encoding="utf-8") as note:
        note.write(f"\n{dice.choice((some_name, some_link))(dice)} {dice.choice(FILLER)}\n")


def remove_line(dice: random.Random, vault: Path) -> None:
    note = dice.choice(list_notes(vault))
    lines = note.read_text("utf-8").splitlines(keepends=True)
    del lines[dice.randrange(len(lines) + 1) :][:1]
    note.write_text("".join(lines), "utf-8")


def rewrite_note(dice: random.Random, vault: Path) -> None:
    dice.choice(list_notes(vault)).write_text(some_note(dice), "utf-8")


def add_file(dice: random.Random, vault: Path) -> None:
    name = f"{dice.choice(FOLDERS)}{dice.choice(NAMES)}{dice.choice(('', '.png', '.md.png'))}"
    write_files(vault, {name: "x"})


def add_note(dice: random.Random, vault: Path) -> None:
    write_files(vault, {f"{dice.choice(FOLDERS)}{dice.choice(NAMES)}.md": some_note(dice)})


def remove_note(dice: random.Random, vault: Path) -> None:
    dice.choice(list_notes(vault)).unlink()


def rename_note(dice: random.Random, vault: Path) -> None:
    note = dice.choice(list_notes(vault))
    note.rename(note.with_name(f"{some_name(dice)}.md"))


def change_settings(dice: random.Random, vault: Path) -> None:
    ignored = dice.sample([*NAMES, "Granite.md"], dice.randint(0, 2))
    score, headings = dice.choice((0.3, 0.5, 0.7)), dice.choice(("true", "false"))
    text = f"[mentions]\nmin-score = {score}\nheadings = {headings}\nignore = {ignored}\n"
    write_files(vault, {"vaultlink.toml": text})


def change_obsidian(dice: random.Random, vault: Path) -> None:
    write_files(
        vault,
        {".obsidian/app.json": dice.choice(("{}", '{"useMarkdownLinks": true}'))},
    )


def declare_folder(dice: random.Random, vault: Path) -> None:
    text = dice.choice(("Folder `a/` is read-only.\n", "Nothing.\n"))
    write_files(vault, {"AGENTS.md": text})


def protect_note(dice: random.Random, vault: Path) -> None:
    dice.choice(list_notes(vault)).chmod(dice.choice((0o444, 0o644)))


def touch_all(_dice: random.Random, vault: Path) -> None:
    for note in list_notes(vault):
        os.utime(note)


CHANGES: dict[Callable[[random.Random, Path], None], int] = {
    **dict.fromkeys((add_sentence, remove_line, rewrite_note), 10),
    **dict.fromkeys((add_file, protect_note, touch_all), 2),
    **dict.fromkeys((add_note, remove_note, rename_note), 1),
    **dict.fromkeys((change_settings, change_obsidian, declare_folder), 1),
}
"""The changes of a vault, and how likely they are."""


def find_with_cache(vault: Path, cache: Path) -> tuple[VaultMentions, Vault]:
    opened = open_vault(vault, Settings(cache_dir=cache))
    options = build_mention_options(opened.config.mentions)
    return find_vault_mentions(opened.fixer, options, origin=find_origin(opened)), opened


def find_without(vault: Path) -> VaultMentions:
    opened = open_vault(vault, Settings(cache=False))
    return find_vault_mentions(opened.fixer, build_mention_options(opened.config.mentions))


@pytest.mark.parametrize(("sample", "more"), [(500, 100), (7, 40)])
@pytest.mark.parametrize("seed", spread_seeds(4))
def test_kept_mentions_equal_those_of_a_full_search(
    seed: int, sample: int, more: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "_SMALL_VAULT", 0)
    monkeypatch.setattr(matcher, "SAMPLE_SIZE", sample)
    dice, vault, cache = random.Random(f"mentions {seed}"), tmp_path / "vault", tmp_path / "cache"
    create_notes(dice, vault, more)
    kept = 0
    for number in range(60 if TIMES else 12):
        found, _ = find_with_cache(vault, cache)
        fresh = find_without(vault)
        assert found.mentions == fresh.mentions
        assert found.links == fresh.links
        assert found.read_only == fresh.read_only
        assert found.mentions
        kept += fresh.searched - found.searched
        for _ in range(dice.choice((1, 1, 2))):
            (change,) = dice.choices([*CHANGES], [*CHANGES.values()])
            change(dice, vault)
        if number % 9 == 8:
            vault = Path(shutil.copytree(vault, tmp_path / f"copy{number}"))
    assert kept


FORMATS = (
    ("mentions", "--output-format", "tsv"),
    ("mentions", "--output-format", "json", "--min-score", "0.5"),
    ("mentions", "--output-format", "table", "--limit", "7"),
    ("mentions", "--diff"),
    ("report", "--output-format", "json"),
)


@pytest.mark.parametrize("seed", choose_seeds(2))
def test_commands_print_the_same_with_kept_mentions(
    seed: int, tmp_path: Path, run: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "_SMALL_VAULT", 0)
    dice, vault = random.Random(f"formats {seed}"), tmp_path / "vault"
    create_notes(dice, vault)
    for _ in range(20 if TIMES else 4):
        for command in FORMATS:
            words = (*command, "--vault", str(vault))
            done = run(*words, "--cache-dir", str(tmp_path / "cache"))
            assert done == run(*words, "--no-cache")
        (change,) = dice.choices([*CHANGES], [*CHANGES.values()])
        change(dice, vault)


# -- what is kept -----------------------------------------------------------------------------------------------------


HARBOUR = {
    "Amber.md": "The wheels.\n",
    "Tide table machines.md": "Brass wheels.\n",
    "Fog signal station.md": "Horns and lamps, in a tower.\n",
    "Named.md": "We read the tide table machines there.\n",
    "Twice.md": "The tide table machines and the fog signal station burned.\n",
    "Changed.md": "A shop of books and lamps.\n",
    "a/Oil lamps of old.md": "Wicks.\n",
    "a/Elsewhere.md": "Brass.\n",
    "b/Other.md": "Some prose.\n",
    "b/Reader.md": "We fill the oil lamps of old there.\n",
    **{f"n{number}.md": f"Some prose about thing {number}.\n" for number in range(30)},
    "n0.md": "Das Rad ist alt und der Turm.\n",
}


@pytest.mark.parametrize(
    ("path", "text", "searched"),  # “Amber.md” and “n0.md” are in the sample
    [
        pytest.param("Changed.md", "A shop of other books.\n", {"Changed.md"}, id="text"),
        pytest.param(
            "Changed.md",
            "A shop of books and lamps. [[Fog signal station]]\n",
            {"Changed.md", "Twice.md"},
            id="link",
        ),
        pytest.param("Changed.md", "A shop. [[Nothing such]]\n", {"Changed.md"}, id="planned note"),
        pytest.param(
            "Changed.md", "[[Fog signal station|It]]\n", {"Changed.md", "Twice.md"}, id="target"
        ),
        pytest.param(
            "Changed.md",
            "It is the [[No|fog signal station]] there.\n",
            {"Changed.md", "Twice.md"},
            id="words",
        ),
        pytest.param(
            "b/Other.md",
            "Some prose. [[Elsewhere]]\n",
            {"b/Other.md", "b/Reader.md"},
            id="folders",
        ),
        pytest.param("n1.md", "[[Reader]] [[Changed]]\n", {"n1.md"}, id="notes that no note names"),
        pytest.param(
            "Changed.md",
            "A [[Named|tide table machines lamp]]\n",
            {"Changed.md", "Named.md", "Twice.md"},
            id="longer term",
        ),
        pytest.param(
            "Fog signal station.md",
            "Horns alone, and much more to say.\n",
            {"Fog signal station.md", "Twice.md"},
            id="named note",
        ),
        pytest.param("Amber.md", "The wheels turn.\n", {"Amber.md"}, id="words of the sample"),
        pytest.param(
            "Amber.md",
            "The wheels and machines.\n",
            {"Amber.md", "Named.md", "Twice.md"},
            id="words of the sample that tell",
        ),
        pytest.param("Amber.md", "Der Turm ist alt und der Weg.\n", None, id="language"),
        pytest.param("new.png", "x", set(), id="attachment"),
        pytest.param("b/Fog signal station", "x", {"Twice.md"}, id="attachment with a name"),
        pytest.param("Changed.md", "---\naliases: [A shop]\n---\nBooks.\n", None, id="alias"),
        pytest.param("Another.md", "A shop.\n", None, id="note"),
    ],
)
def test_only_what_a_change_concerns_is_searched_again(
    path: str,
    text: str,
    searched: set[str] | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(load, "_SMALL_VAULT", 0)
    monkeypatch.setattr(matcher, "SAMPLE_SIZE", 8)
    vault, cache = create_vault(tmp_path / "vault", HARBOUR), tmp_path / "cache"
    write_files(
        vault, {".obsidian/app.json": '{"useMarkdownLinks": false, "newLinkFormat": "shortest"}'}
    )
    before = find_with_cache(vault, cache)[0]
    assert len(before.mentions) >= 3
    assert before.searched == len(HARBOUR)
    assert find_with_cache(vault, cache)[0] == before._replace(searched=0)
    write_files(vault, {path: text})
    expected = len({*HARBOUR, path}) if searched is None else len(searched)
    found = find_with_cache(vault, cache)[0]
    assert found == find_without(vault)._replace(searched=expected)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"AGENTS.md": "- `b/`: read-only. Never edit.\n"}, id="read-only folder"),
        pytest.param(
            {"n1.md": "[a](n2.md) [b](n3.md) [c](n4.md) [d](n5.md) [e](n6.md) [f](n7.md)\n"},
            id="style of links",
        ),
        pytest.param(
            {f"n{number}.md": "[[Named | a]] [[Twice | b]]\n" for number in range(9)}, id="pipes"
        ),
    ],
)
def test_what_concerns_all_links_makes_them_anew(
    changes: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "_SMALL_VAULT", 0)
    notes = {**HARBOUR, "AGENTS.md": "Nothing.\n", "a/Brass.md": "[[Named]] [[Reader|R]] is.\n"}
    notes["Named.md"] = "We read the Tide Table Machines there.\n"
    vault, cache = create_vault(tmp_path / "vault", notes), tmp_path / "cache"
    before = find_with_cache(vault, cache)[0]
    write_files(vault, changes)
    found, fresh = find_with_cache(vault, cache)[0], find_without(vault)
    assert (before.links, before.read_only) != (found.links, found.read_only)
    assert found == fresh._replace(searched=found.searched)


def test_note_that_is_again_as_it_was_is_searched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "_SMALL_VAULT", 0)
    vault, cache = create_vault(tmp_path / "vault", HARBOUR), tmp_path / "cache"
    open_vault(vault, Settings(cache_dir=cache))
    write_files(vault, {"Named.md": "We read nothing.\n"})
    before = find_with_cache(vault, cache)[0]
    write_files(vault, {"Named.md": HARBOUR["Named.md"]})
    found, fresh = find_with_cache(vault, cache)[0], find_without(vault)
    assert len(found.mentions) > len(before.mentions)
    assert found.searched < fresh.searched
    assert found == fresh._replace(searched=found.searched)
