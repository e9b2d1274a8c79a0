"""Notes and links that are gone since a revision: `--max-deleted-notes` and `--max-removed-links`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from repositories import commit, create_repository, update_files
from running import RunCommand
from tables import each

pytestmark = pytest.mark.usefixtures("plain_git")

Files = Mapping[str, str | bytes | None]

LONG = "".join(f"Line {number} says something of its own.\n" for number in range(20))
TEXTS: Files = {
    ".obsidian/app.json": "{}",
    "Home.md": "# Home\n\nTo [[Pier]], [[Mole]], [[Mole#Wall]] and ![[map.png]].\n",
    "Pier.md": f"{LONG}\nBack [[Home]], to [[Nowhere]] and [web](https://a.b).\n",
    "Mole.md": "# Mole\n\n## Wall\n\nBeside the [[Pier]].\n",
    "Lone.md": "A word.\n",
    "map.png": b"\x89",
}


class Case(NamedTuple):
    """Changes of a vault, and the numbers of deleted notes and of removed links."""

    after: Files
    deleted: int = 0
    removed: int = 0


HOME = str(TEXTS["Home.md"])

CASES: dict[str, Case] = {
    # -- nothing is gone
    "no change": Case({}),
    "a new note": Case({"New.md": "[[Home]]\n"}),
    "words": Case({"Home.md": f"{HOME}\nMore words.\n"}),
    "another display text": Case({"Home.md": HOME.replace("[[Pier]]", "[[Pier|the pier]]")}),
    "a Markdown link": Case({"Home.md": HOME.replace("[[Pier]]", "[the pier](Pier.md)")}),
    "another heading of the note": Case({"Home.md": HOME.replace("#Wall", "")}),
    "another place in the note": Case({"Home.md": f"[[Pier]]\n{HOME.replace('[[Pier]], ', '')}"}),
    "an unresolved link": Case({"Pier.md": f"{LONG}\nBack [[Home]] and [web](https://a.b).\n"}),
    "an external link": Case({"Pier.md": f"{LONG}\nBack [[Home]], to [[Nowhere]].\n"}),
    "an attachment": Case({"map.png": None}),
    "a renamed note": Case({"Pier.md": None, "Old pier.md": TEXTS["Pier.md"]}),
    "a renamed note and its links": Case(
        {
            "Pier.md": None,
            "Old pier.md": TEXTS["Pier.md"],
            "Home.md": HOME.replace("[[Pier]]", "[[Old pier]]"),
            "Mole.md": "# Mole\n\n## Wall\n\nBeside the [[Old pier]].\n",
        }
    ),
    "a renamed note and words beside its links": Case(
        {
            "Pier.md": None,
            "Old pier.md": TEXTS["Pier.md"],
            "Home.md": f"{HOME}\nMore words.\n",
        }
    ),
    "a moved note": Case({"Pier.md": None, "Old/Pier.md": TEXTS["Pier.md"]}),
    "a moved attachment": Case({"map.png": None, "img/map.png": TEXTS["map.png"]}),
    "text that is moved to another note": Case(
        {"Home.md": "# Home\n\n![[Lone]]\n", "Lone.md": f"A word.\n\n{HOME}"}
    ),
    "a section that is split off": Case(
        {
            "Mole.md": "# Mole\n\n[[Wall]]\n",
            "Wall.md": "Beside the [[Pier]].\n",
            "Home.md": HOME.replace("[[Mole#Wall]]", "[[Wall]]"),
        }
    ),
    # -- something is gone
    "a removed link": Case({"Home.md": HOME.replace("[[Pier]], ", "")}, removed=1),
    "one of two links to a note": Case({"Home.md": HOME.replace("[[Mole]], ", "")}, removed=1),
    "an embed": Case({"Home.md": HOME.replace("![[map.png]]", "the map")}, removed=1),
    "all links of a note": Case({"Home.md": "# Home\n"}, removed=4),
    "brackets": Case({"Mole.md": "# Mole\n\n## Wall\n\nBeside the Pier.\n"}, removed=1),
    "another target": Case({"Home.md": HOME.replace("[[Pier]]", "[[Lone]]")}, removed=1),
    "another target that does not exist": Case(
        {"Home.md": HOME.replace("[[Pier]]", "[[Peer]]")}, removed=1
    ),
    "links, and others in another note": Case(
        {"Home.md": "# Home\n", "Lone.md": "[[Lone]] [[Lone]] [[Lone]] [[Lone]]\n"}, removed=4
    ),
    "a new note does not hide a link of another one": Case(
        {"Home.md": HOME.replace("[[Pier]], ", ""), "Lone.md": "[[New]]\n", "New.md": ""}, removed=1
    ),
    "a note": Case({"Lone.md": None}, deleted=1),
    "a note, and the links to it": Case(
        {"Mole.md": None, "Home.md": "# Home\n\nTo [[Pier]] and ![[map.png]].\n"},
        deleted=1,
        removed=1,  # that of the deleted note
    ),
    "a linked note": Case({"Mole.md": None}, deleted=1, removed=1),
    "a merged note": Case(
        {
            "Mole.md": None,
            "Lone.md": "A word.\n\n# Mole\n\n## Wall\n\nBeside the [[Pier]].\n",
            "Home.md": "# Home\n\nTo [[Pier]], [[Lone]], [[Lone#Wall]] and ![[map.png]].\n",
        },
        deleted=1,
    ),
    "everything": Case({"Home.md": None, "Pier.md": None, "Mole.md": None}, 3, 1),
}


MOVING = {name: case for name, case in CASES.items() if None in case.after.values()}
"""Git looks for what became of these files in another way if they are committed."""


@pytest.mark.parametrize(
    ("cases", "is_committed"),
    [(CASES, False), (MOVING, True)],
    ids=["in the working tree", "committed"],
)
def test_what_is_gone_is_counted(
    run: RunCommand,
    tmp_path: Path,
    subtests: pytest.Subtests,
    cases: Mapping[str, Case],
    is_committed: bool,
) -> None:
    for number, (name, case) in enumerate(cases.items()):
        with subtests.test(name):
            count_what_is_gone(run, tmp_path / str(number), case, is_committed)


def count_what_is_gone(run: RunCommand, folder: Path, case: Case, is_committed: bool) -> None:
    """Compare the numbers of a case with those that are reported."""
    root = create_repository(folder, TEXTS)
    update_files(root, case.after)
    if is_committed:
        commit(root)
    since = "HEAD~1" if is_committed else "HEAD"
    words = ("check", "--changed-since", since, "--json", "--vault", root)
    data: Any = run(*words, "--max-deleted-notes", "9", "--max-removed-links", "9").data
    assert data["limits"] == {
        "deleted_notes": {"count": case.deleted, "max": 9},
        "removed_links": {"count": case.removed, "max": 9},
    }


LIMITS = [
    ("--max-deleted-notes 1", 0, ""),
    ("--max-deleted-notes 0", 1, "1 note deleted, at most 0 allowed"),
    ("--max-removed-links 3", 0, ""),
    ("--max-removed-links 2", 1, "3 links removed, at most 2 allowed"),
    (
        "--max-deleted-notes 0 --max-removed-links 2",
        1,
        "1 note deleted, at most 0 allowed; 3 links removed, at most 2 allowed",
    ),
    ("--max-deleted-notes 0 --fail-on never", 1, "1 note deleted, at most 0 allowed"),
    ("--max-deleted-notes 0 --exit-zero", 0, "1 note deleted, at most 0 allowed"),
]


@each(("options", "code", "sentence"), LIMITS)
def test_limit_that_is_exceeded_is_a_line_and_exit_code_1(
    run: RunCommand, tmp_path: Path, options: str, code: int, sentence: str
) -> None:
    root = create_repository(tmp_path / "vault", TEXTS)
    update_files(root, {"Lone.md": None, "Home.md": "# Home\n\n[[Mole]]\n"})
    words = ("check", "--select", "VL1", "--changed-since", "HEAD", *options.split())
    for _ in range(2):  # the second answer is kept from the first
        done = run(*words, "--vault", root)
        assert (done.code, done.out) == (code, "")
        lines = [line for line in done.err.splitlines() if line.startswith("Too much")]
        assert lines == ([f"Too much is gone since “HEAD”: {sentence}."] if sentence else [])
    keys: Any = run(*words, "--vault", root, "--json").data
    assert keys["limits"]["deleted_notes"]["count"] == 1
    assert list(keys)[-2:] == ["limits", "findings"]


def test_limits_are_in_json_only_if_they_are_given(run: RunCommand, tmp_path: Path) -> None:
    root = create_repository(tmp_path / "vault", TEXTS)
    data: Any = run("check", "--changed-since", "HEAD", "--json", "--vault", root).data
    assert "limits" not in data


@each(
    ("options", "why"),
    [
        ("--max-deleted-notes 1", "--max-deleted-notes requires --changed-since"),
        ("--max-removed-links 1", "--max-removed-links requires --changed-since"),
        ("--changed-since HEAD --max-deleted-notes -1", "must be a whole number from 0"),
        ("--changed-since HEAD --max-removed-links many", "must be a whole number from 0"),
        (
            "--changed-since HEAD --max-deleted-notes 0 --fix",
            "--max-deleted-notes and --fix can't be used together",
        ),
    ],
)
def test_limit_that_can_not_be_is_a_usage_error(
    run: RunCommand, tmp_path: Path, options: str, why: str
) -> None:
    root = create_repository(tmp_path / "vault", TEXTS)
    done = run("check", *options.split(), "--vault", root)
    assert (done.code, done.out) == (2, "")
    assert why in done.err
