"""A check that keeps the parts of its results prints what one without kept parts prints."""

import random
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from exploring import TIMES, choose_seeds
from running import RunCommand
from tables import each
from test_engine import LINES, NEAR_LINES, NEAR_PATHS, NEAR_PROPERTIES, PATHS, PROPERTIES
from vaultlink.cli import check_output
from vaultlink.disk import load
from vaultlink.fix import forecaster

FILES = [
    *("Home.md", "Tried.md", "Other.md", "a/Hub.md", "a/b/Deep.md", "Title.md", "README.md"),
    *(path for path in (*PATHS, *NEAR_PATHS) if path.endswith(".md")),
]
TRIED = (
    "[[Plan] and [Hub]]",
    "[[A b] [[Meetng notes]",
    "[[Title One] [[Nick]",
    "<div>x</div>\n[[Hub]]\n",
    '<div align="center">\n[[Home]] [[Plnas]]\n</div>\n',
    "<br>\n# Meetng\n[[Tried]]\n",
    "## See [[Title One]]",
    "[[Other#see-title-one]]",
    "[[Other#Tow]] [[Other#Two]]",
    "[[Tried#Meetng]] [[Home]]",
    "[[[[Hub]]]]",
    "[[Hub|shown#x]] [[Plnas#June|Plans]]",
    "# One\n# One",
    "%%vaultlink-disable-next-line VL1%%",
    "[[a/Plan]] [[a/b/Plan]] [x](../a/Plan.md) [y](<A b.md>)",
)
"""Lines whose fixes are tried, and others that such fixes depend on."""


QUIET = [f"{folder}Quiet {number}.md" for folder in ("", "a/", "d/") for number in range(5)]
"""Notes whose own fixes are hardly tried; most changes are in these."""


def write_text(dice: random.Random, path: str) -> str:
    """Return a small note of links, headings and mistakes that depend on one another."""
    head = dice.choice((*PROPERTIES, *NEAR_PROPERTIES, *("",) * 9))
    lines = dice.choice((LINES, NEAR_LINES))
    lines = (*lines, *("text",) * len(lines)) if path in QUIET else (*lines, *TRIED, *TRIED)
    return head + "".join(
        dice.choice(lines) + dice.choice(("\n", "\n\n")) for _ in range(dice.randint(0, 5))
    )


def create_vault(dice: random.Random, vault: Path) -> None:
    for path in (*dice.sample(FILES, dice.randint(3, 9)), *dice.sample(QUIET, 6)):
        (vault / path).parent.mkdir(parents=True, exist_ok=True)
        (vault / path).write_text(write_text(dice, path), "utf-8")


def change_some(dice: random.Random, vault: Path) -> None:
    """Change a note or two; rarely, create or delete one."""
    known = sorted(path.relative_to(vault).as_posix() for path in vault.rglob("*.md"))
    quiet = [path for path in known if path in QUIET] or QUIET
    for _ in range(dice.choice((1, 1, 1, 2))):
        path = dice.choice(dice.choice((quiet, quiet, quiet, quiet, known, [*FILES, *QUIET])))
        file = vault / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if dice.random() < 0.04:
            file.unlink(missing_ok=True)
        elif file.exists() and dice.random() < 0.7:
            more = dice.choice((*LINES, *NEAR_LINES, "text", "[[Quite new]]", "# Quite new"))
            file.write_text(f"{file.read_text('utf-8')}{more}\n", "utf-8")
        else:
            file.write_text(write_text(dice, path), "utf-8")


FORMATS = (
    ("concise",),
    ("json",),
    ("full",),
    ("github",),
    ("concise", "--statistics"),
    ("concise", "--color", "always"),
    ("full", "--show", "overview"),
    ("json", "--limit", "3"),
)


@each("select", ["default", "ALL"])
@each("seed", choose_seeds(4))
def test_kept_parts_equal_new_ones_after_random_changes(
    seed: int, select: str, tmp_path: Path, run: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_output, "_MANY", 0)
    monkeypatch.setattr(load, "_SMALL_VAULT", 0)
    dice, vault, cache = random.Random(seed), tmp_path / "vault", tmp_path / "cache"
    create_vault(dice, vault)
    words = ["check", "--vault", str(vault), "--jobs", "1"]
    words += ["--select", "ALL"] if select == "ALL" else []
    formats = dice.sample(FORMATS, 3)
    for _ in range(9 if TIMES else 6):
        for chosen in formats:
            command = *words, "--output-format", *chosen, "--cache-dir"
            fresh = copy_without_answers(cache, tmp_path / "fresh")
            assert run(*command, str(cache)) == run(*command, str(fresh)), chosen
        change_some(dice, vault)


def copy_without_answers(cache: Path, copy: Path) -> Path:
    """Return a copy of a cache that knows the past of the vault, but no answer."""
    shutil.rmtree(copy, ignore_errors=True)
    if cache.exists():
        shutil.copytree(cache, copy)
        for file in copy.rglob("answer*"):
            file.unlink()
    return copy


VAULT = {
    "Tried.md": "[[Plan] for [[Far away]] zebras\n\n[[Index]] [[Deep#Part]]\n",
    "Plan.md": "# Step\n",
    "Deep.md": "# Part\n",
    "Index.md": "[[Tried]] [[Quiet]]\n",
    "Near Plans.md": "",
    "Quiet.md": "[[Index]] [[Somewhere]]\n",
}
"""The fix of `Tried.md` is tried, as it makes a link of text."""


@each("name", ["concise", "json"])
@each(
    ("changed", "added", "is_kept"),
    [
        ("Quiet.md", "More text.\n", True),
        ("Quiet.md", "A [[quite new topic]].\n", True),
        ("Quiet.md", "# A heading\n", True),
        ("Quiet.md", "[[Index]]\n", "concise"),
        ("Quiet.md", "[[Tried]]\n", False),
        ("Quiet.md", "[[Tried#Part]]\n", False),
        ("Quiet.md", "[[Far away]]\n", False),
        ("Quiet.md", "# What is far\n", False),
        ("Quiet.md", "[[a/b/Far]]\n", False),
        ("Tried.md", "More text.\n", False),
        ("Plan.md", "# Another\n", False),
        ("Deep.md", "# Another\n", False),
        ("Index.md", "More text.\n", False),
        ("New.md", "", False),
        ("Quiet.md", "---\ntitle: Far away\n---\n", False),
    ],
)
def test_result_of_a_trial_is_kept_until_a_change_may_concern_it(
    changed: str,
    added: str,
    is_kept: bool | str,
    name: str,
    tmp_path: Path,
    run: RunCommand,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(check_output, "_MANY", 0)
    monkeypatch.setattr(load, "_SMALL_VAULT", 0)
    vault, cache = tmp_path / "vault", tmp_path / "cache"
    write_files(vault, VAULT)
    command = ("check", "--vault", str(vault), "--output-format", name, "--cache-dir")
    run(*command, str(cache))
    text = VAULT.get(changed, "")
    write_files(vault, {changed: added + text if added.startswith("---") else text + added})
    fresh = copy_without_answers(cache, tmp_path / "fresh")
    assert [*cache.rglob("answers-*-tried")]
    tried = count_calls(monkeypatch, forecaster, "apply_rounds")
    kept = run(*command, str(cache))
    assert (not tried) == (is_kept in (True, name))
    assert kept == run(*command, str(fresh))
    assert "[*] " in kept.out or name != "concise"


@each("later", ["linked", "no longer linked", "copied"])
def test_fixes_of_all_formats_follow_what_can_be_written(
    later: str, tmp_path: Path, run: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_output, "_MANY", 0)
    monkeypatch.setattr(load, "_SMALL_VAULT", 0)
    vault, names = tmp_path / "vault", [f"{number}.md" for number in range(30)]
    write_files(vault, {**dict.fromkeys(names, "[x](a b.md)\n"), "a b.md": "x\n"})

    def link_all() -> None:
        for name in names:
            (tmp_path / name).hardlink_to(vault / name)

    def list_fixes() -> list[str]:
        time.sleep(0.1)  # changes are old enough to be told from later ones
        sentences = [
            run("check", "--vault", str(vault), "--output-format", name).err.splitlines()[1:]
            for name in ("concise", "json", "full", "concise")
        ]
        return [sentence.partition(" --vault")[0] for found in sentences for sentence in found]

    if later != "linked":
        link_all()
    assert list_fixes() == (["`vaultlink fix"] * 4 if later == "linked" else [])
    match later:
        case "linked":
            link_all()
        case "copied":
            vault = shutil.copytree(vault, tmp_path / "copy")
        case _:
            for name in names:
                (tmp_path / name).unlink()
    assert list_fixes() == ([] if later == "linked" else ["`vaultlink fix"] * 4)


def count_calls(monkeypatch: pytest.MonkeyPatch, module: object, name: str) -> list[str]:
    """Return a list to which each call of a function is added."""
    function, calls = getattr(module, name), list[str]()

    def call(*args: object, **named: object) -> object:
        calls.append(name)
        return function(*args, **named)

    monkeypatch.setattr(module, name, call)
    return calls


def write_files(vault: Path, files: Mapping[str, str]) -> None:
    vault.mkdir(exist_ok=True)
    for path, text in files.items():
        (vault / path).write_text(text, "utf-8")
