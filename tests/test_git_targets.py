"""Tests of what links led to before earlier commits, without a run in between."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from repositories import commit, create_repository, git, update_files
from running import RunCommand, read_files
from tables import each
from test_link_memory import BODY, ONE, OTHER, TWO
from vaultlink.disk import load

pytestmark = pytest.mark.usefixtures("plain_git")

Commits = Sequence[Mapping[str, str | None]]
"""The changes in each commit."""

LINKS = "[[Plan]]\n"
FIRST = {"a/Plan.md": ONE, "Home.md": LINKS}
SWAP = {"One.md": TWO, "Two.md": ONE}
START = {"One.md": ONE, "Two.md": TWO, "Home.md": "[[One]]\n"}

LED_BACK: dict[str, tuple[Commits, str]] = {
    "namesake in a later commit": ([FIRST, {"b.md": BODY}, {"Plan.md": TWO}], "a/Plan|Plan"),
    "the former target was renamed since": (
        [FIRST, {"Plan.md": TWO}, {"a/Plan.md": None, "a/Oaks.md": ONE}],
        "Oaks|Plan",
    ),
    "the namesake was renamed to the name": (
        [{**FIRST, "Ships.md": TWO}, {"Ships.md": None, "Plan.md": TWO}],
        "a/Plan|Plan",
    ),
    "two namesakes one after the other": (
        [{"a/b/Plan.md": ONE, "Home.md": LINKS}, {"a/Plan.md": TWO}, {"Plan.md": BODY}],
        "a/b/Plan|Plan",
    ),
    "names exchanged": ([START, SWAP, {"b.md": BODY}], "Two|One"),
    "the link was written between two exchanges": (
        [
            {**START, "Home.md": BODY},
            SWAP,
            {"Home.md": "[[One]]\n"},
            {"One.md": ONE, "Two.md": TWO},
        ],
        "Two|One",
    ),
    "a series moved on, after its notes had been edited": (
        [
            {"Part 1.md": ONE, "Part 2.md": OTHER, "Home.md": "[[Part 1]]\n"},
            {"Part 1.md": ONE + "More.\n"},
            {"Part 1.md": TWO, "Part 2.md": ONE + "More.\n", "Part 3.md": OTHER},
        ],
        "Part 2|Part 1",
    ),
    "an image was replaced, and its name taken": (
        [
            {"a.svg": "<svg>a</svg>", "b.svg": "<svg>b</svg>", "Home.md": "![[a.svg]]\n"},
            {"a.svg": "<svg>b</svg>", "b.svg": "<svg>a</svg>"},
        ],
        "b.svg",
    ),
}

SILENT: dict[str, Commits] = {
    "a backup is made at the root": [FIRST, {"Plan.md": ONE}, {"a/Plan.md": ONE + "More.\n"}],
    "a backup is made, and the original edited at once": [
        FIRST,
        {"Plan.md": ONE, "a/Plan.md": ONE + "More.\n"},
    ],
    "a backup with another line is made": [FIRST, {"Plan.md": ONE + "Backup of today.\n"}],
    "an archive copy is made, and the note shortened": [
        {"Plan.md": ONE, "Home.md": LINKS},
        {"archive/Old.md": ONE, "Plan.md": ONE[:150]},
    ],
    "an archive copy is made, and the note emptied": [
        {"Plan.md": BODY, "Home.md": LINKS},
        {"archive/Old.md": BODY, "Plan.md": "\n"},
    ],
    "a copy of an image is made, and the image changed": [
        {"p.svg": "<svg>1</svg>", "Home.md": "![[p.svg]]\n"},
        {"old/p 1.svg": "<svg>1</svg>", "p.svg": "<svg>2</svg>"},
    ],
    "a copy of an image comes after another namesake": [
        {"bbb/p.svg": "<svg>1</svg>", "Home.md": "![[p.svg]]\n"},
        {"bb/p.svg": "<svg>2</svg>"},
        {"b/p.svg": "<svg>1</svg>"},
    ],
    "duplicates are merged": [{**FIRST, "Plan.md": TWO}, {"Plan.md": None, "a/Plan.md": ONE + TWO}],
    "the former target is deleted later": [FIRST, {"Plan.md": TWO}, {"a/Plan.md": None}],
    "the link is rewritten with the namesake": [
        {**FIRST, "Home.md": "[[Plan|plan]]\n"},
        {"Plan.md": TWO, "Home.md": LINKS},
    ],
    "the link is written later": [
        {**FIRST, "Home.md": "x\n"},
        {"Plan.md": TWO},
        {"Home.md": LINKS},
    ],
    "the note is created with the namesake": [
        {"a/Plan.md": ONE},
        {"Plan.md": TWO, "Home.md": LINKS},
    ],
    "most of the text goes to a note that the rest links to": [
        {"Plan.md": ONE, "Home.md": LINKS},
        {"Oaks.md": ONE, "Plan.md": f"See [[Oaks]].\n\n{TWO}"},
    ],
    "the link led to one of several namesakes by chance": [
        {"bb/Plan.md": ONE, "cc/Plan.md": TWO, "x/Home.md": LINKS},
        {"a/Plan.md": OTHER},
    ],
    "the link matches the former namesake but for its case": [
        {"web/AGENTS.md": ONE, "Home.md": "[[Agents]]\n"},
        {"AGENTS.md": TWO},
    ],
    "many namesakes are added at once": [
        {f"a/{name}.md": f"{ONE}{name}.\n" for name in "uvwxyz"}
        | {"Home.md": "[[u]] [[v]] [[w]] [[x]] [[y]] [[z]]\n"},
        {f"{name}.md": f"{TWO}{name}.\n" for name in "uvwxyz"},
    ],
    "names exchanged twice": [START, SWAP, {"One.md": ONE, "Two.md": TWO}],
    "the link led nowhere for a while": [
        {"Inbox.md": ONE, "Home.md": "[[Inbox]]\n"},
        {"Inbox.md": None, "Inbox 2023.md": ONE},
        {"Inbox.md": TWO},
    ],
    "a note is rewritten": [START, {"One.md": BODY + OTHER}],
    "the vault is copied": [FIRST, {"copy/a/Plan.md": ONE, "copy/Home.md": LINKS}],
    "a folder is renamed": [FIRST, {"a/Plan.md": None, "b/Plan.md": ONE}, {"a/x.md": BODY}],
    "the relative link of a moved note means a place": [
        {"a/Home.md": "[[./Plan]]\n", "a/Plan.md": ONE, "Plan.md": TWO},
        {"a/Home.md": None, "Home.md": "[[./Plan]]\n"},
    ],
}


def make_vault(root: Path, commits: Commits) -> Path:
    create_repository(root, commits[0])
    for change in commits[1:]:
        update_files(root, change)
        commit(root)
    return root


def check(run: RunCommand, root: Path) -> str:
    select = ("--select", "retargeted-link,moved-link")
    return run("check", "--vault", str(root), "--no-cache", *select).out


@pytest.mark.thorough
@each("name", LED_BACK)
def test_link_is_led_back(name: str, tmp_path: Path, run: RunCommand) -> None:
    commits, expected = LED_BACK[name]
    root = make_vault(tmp_path / "vault", commits)
    run("fix", "--vault", str(root), "--no-cache")
    assert (root / "Home.md").read_text("utf-8").strip("!\n") == f"[[{expected}]]"
    assert "retargeted" not in check(run, root)


@each("name", SILENT)
def test_nothing_is_reported(name: str, tmp_path: Path, run: RunCommand) -> None:
    root = make_vault(tmp_path / "vault", SILENT[name])
    assert "retargeted" not in check(run, root)


def test_the_nearest_of_several_namesakes_was_meant(tmp_path: Path, run: RunCommand) -> None:
    commits: Commits = [
        {"x/a/Plan.md": ONE, "other/Plan.md": TWO, "x/b/Home.md": LINKS},
        {"z/Plan.md": OTHER},
    ]
    root = make_vault(tmp_path / "vault", commits)
    assert "before it led to x/a/Plan.md" in check(run, root)


@each("edited_at", [1, 2])
def test_fix_is_unsafe_if_the_note_was_edited(
    edited_at: int, tmp_path: Path, run: RunCommand
) -> None:
    commits: list[dict[str, str | None]] = [dict(FIRST), {"Plan.md": TWO}, {"b.md": BODY}]
    commits[edited_at]["Home.md"] = f"One more line.\n\n{LINKS}"
    root = make_vault(tmp_path / "vault", commits)
    assert "before it led to a/Plan.md" in check(run, root)
    run("fix", "--vault", str(root), "--no-cache")
    assert (root / "Home.md").read_text("utf-8").endswith(LINKS)
    run("fix", "--unsafe-fixes", "--vault", str(root), "--no-cache")
    assert (root / "Home.md").read_text("utf-8").endswith("[[a/Plan|Plan]]\n")


def test_links_follow_a_renamed_note_of_which_an_archive_copy_is_made(
    tmp_path: Path, run: RunCommand
) -> None:
    commits: Commits = [
        {"Plans.md": ONE, "Home.md": "[[Plans]]\n"},
        {"Plans.md": None, "Plan.md": ONE},
        {"archive/Old.md": ONE, "Plan.md": ONE[:150]},
    ]
    root = make_vault(tmp_path / "vault", commits)
    run("fix", "--vault", str(root), "--no-cache")
    assert (root / "Home.md").read_text("utf-8") == "[[Plan|Plans]]\n"


def test_later_runs_remember_it(tmp_path: Path, run: RunCommand) -> None:
    root = make_vault(tmp_path / "vault", LED_BACK["names exchanged"][0])
    for _ in range(3):
        found = run("check", "--vault", str(root), "--select", "retargeted-link").out
        assert "before it led to Two.md" in found
        update_files(root, {"c.md": BODY})
    run("fix", "--vault", str(root))
    assert (root / "Home.md").read_text("utf-8") == "[[Two|One]]\n"


def test_note_that_was_moved_since_is_read_at_its_former_path(
    tmp_path: Path, run: RunCommand
) -> None:
    text = f"{BODY}\n{LINKS}"
    commits: Commits = [
        {"a/Plan.md": ONE, "x/Start.md": text},
        {"Plan.md": TWO},
        {"x/Start.md": None, "Home.md": text},
    ]
    root = make_vault(tmp_path / "vault", commits)
    run("fix", "--vault", str(root), "--no-cache")
    assert (root / "Home.md").read_text("utf-8").endswith("[[a/Plan|Plan]]\n")


def test_vault_in_a_folder_of_the_repository(tmp_path: Path, run: RunCommand) -> None:
    commits = [
        {f"notes/{path}": text for path, text in change.items()}
        for change in LED_BACK["the former target was renamed since"][0]
    ]
    root = make_vault(tmp_path, commits) / "notes"
    run("fix", "--vault", str(root), "--no-cache")
    assert (root / "Home.md").read_text("utf-8") == "[[Oaks|Plan]]\n"


def test_missing_heading_of_the_former_target_is_remembered(
    tmp_path: Path, run: RunCommand
) -> None:
    root = create_repository(tmp_path, {"a/Plan.md": ONE, "Home.md": "[[Plan#Missing]]\n"})
    update_files(root, {"Plan.md": TWO})
    commit(root)
    first = run("check", root).lines
    assert any("retargeted-link" in line for line in first)
    assert run("check", root).lines == first
    run("fix", root)
    assert (root / "Home.md").read_text() == "[[a/Plan#Missing|Plan > Missing]]\n"


def test_missing_heading_that_a_renamed_note_never_had_stays(
    tmp_path: Path, run: RunCommand
) -> None:
    root = create_repository(tmp_path, {"Plan.md": ONE, "Home.md": "[[Plan#Fruit|x]]\n"})
    update_files(root, {"Plan.md": None, "Oaks.md": ONE})
    commit(root)
    run("fix", root)
    assert (root / "Home.md").read_text() == "[[Oaks#Fruit|x]]\n"


def list_fixes(run: RunCommand, root: Path) -> list[object]:
    """Return the number of safe fixes as JSON, as text, and as `fix` says it, which agree."""
    words = ("--vault", str(root))
    data: Any = run("check", "--output-format", "json", *words).data
    text = run("check", "--output-format", "concise", *words).out.count("[*]")
    plan: Any = run("fix", "--diff", "--output-format", "json", *words).data
    return [data["summary"]["fixable"], text, len(plan["fixed"])]


@pytest.mark.thorough
@each("small", [0, 300])
@each("name", LED_BACK)
def test_all_formats_know_it_in_a_second_clone(
    name: str, small: int, tmp_path: Path, run: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "_SMALL_VAULT", small)
    origin = make_vault(tmp_path / "origin", LED_BACK[name][0])
    for clone in (tmp_path / "one", tmp_path / "two"):
        git(tmp_path, "clone", "--quiet", str(origin), str(clone))
        time.sleep(0.1)  # changes are old enough to be told from later ones
        assert list_fixes(run, clone) == list_fixes(run, clone) == [1, 1, 1]


@pytest.mark.thorough
@each(
    "first",
    ["check --no-history", "check --select VL301", "links --no-history", "check --isolated"],
)
@each("change", ["nothing", "a note is added", "the note is touched"])
def test_first_run_with_other_options_hides_nothing(
    first: str, change: str, tmp_path: Path, run: RunCommand
) -> None:
    root = make_vault(tmp_path / "vault", LED_BACK["names exchanged"][0])
    run(*first.split(), "--vault", str(root))
    if change == "a note is added":
        update_files(root, {"c.md": BODY})
    elif change == "the note is touched":
        (root / "Home.md").touch()
    assert list_fixes(run, root) == [1, 1, 1]
    run("check", "--no-history", "--vault", str(root))
    update_files(root, {"d.md": OTHER})
    assert list_fixes(run, root) == [1, 1, 1]


def test_second_clone_of_a_vault_without_a_past_takes_over_the_state(
    tmp_path: Path, run: RunCommand
) -> None:
    origin = create_repository(tmp_path / "origin", START)
    states = []
    for clone in (tmp_path / "one", tmp_path / "two"):
        git(tmp_path, "clone", "--quiet", str(origin), str(clone))
        run("check", "--vault", str(clone))
        states.append({file.read_bytes() for file in (tmp_path / "cache").glob("*/state")})
    assert len(states[0]) == 1
    assert states[1] == states[0]


def test_commits_are_asked_only_once(tmp_path: Path, run: RunCommand) -> None:
    root = make_vault(tmp_path / "vault", LED_BACK["names exchanged"][0])
    run("check", "--no-history", "--vault", str(root))
    time.sleep(0.1)
    run("check", "--vault", str(root))
    kept = read_files(tmp_path / "cache")
    run("links", "--vault", str(root))
    now = read_files(tmp_path / "cache")
    assert {path: now[path] for path in kept} == kept


@each("lost", ["stamps", "history"])
def test_commits_are_not_asked_again_if_a_file_of_the_cache_is_lost(
    lost: str, tmp_path: Path, run: RunCommand
) -> None:
    root = make_vault(tmp_path / "vault", LED_BACK["names exchanged"][0])
    assert list_fixes(run, root) == [1, 1, 1]
    for text in (BODY, "[[One]]\n"):  # the link is written anew, so that it means the present note
        update_files(root, {"Home.md": text})
        assert list_fixes(run, root) == [0, 0, 0]
    [file] = (tmp_path / "cache").glob(f"*/{lost}")
    file.unlink()
    assert list_fixes(run, root) == [0, 0, 0]
    assert "retargeted" not in run("check", "--vault", str(root)).out
