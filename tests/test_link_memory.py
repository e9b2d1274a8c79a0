"""What links meant is remembered: by the last run, the last commit, a revision, the watcher.

Each case is a vault, what happens to it, and the text of a note after the fix. Without the links
in that note being edited, they lead to what they led to before, or nothing is changed.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from exploring import spread
from repositories import commit, create_repository, update_files
from running import RunCommand, create_vault, damage_states, write_files
from tables import each
from vaultlink.watch.loop import WatchSettings
from watched import run_watcher

Files = Mapping[str, str | None]
"""Vault path to text; None removes a file."""

BODY = "".join(f"Line {number} of a text that stays as it is.\n" for number in range(12))
OTHER = "".join(f"- item {number} of quite another list\n" for number in range(12))
SHIPS = "".join(f"- ship {number} of a fleet in the harbour\n" for number in range(12))
PLAN = f"# Plan\n\n## Goals\n\n{BODY}\n## Steps\n\n{OTHER}\n## End\n\nlast\n"
ONE = (
    f"# Oaks\n\n[[acorn]] [[bark|b]] [[twig]] [[root]]\n\n## Goals\n\n{BODY}\n"
    f"## Leaves\n\n[[lobes]] and [[green]]\n\n## Wood and bark of oaks\n\n{OTHER}{BODY[:99]}\n## End\n"
)
TWO = f"# Ships\n\n[[mast]] and [[keel]] [[hull]] [[bow]] [[stern]] [[yard]]\n\n## Sails\n\n{SHIPS}\n[[jib]] [[spinnaker]]\n"


class Case(NamedTuple):
    before: Files
    change: Files
    home: str
    note: str = "Home.md"


LINKS = "[x](../n/T.md) [[../n/T]] ![i](../img/i.svg) [y](./U.md)\n"
NOTE = (
    "# Birds\n\n[[wing]] [[beak]] [[feather]]\n\n## Nests in trees and hedges\n\n[[twigs]]\n"
    f"{BODY}\n## Songs of the morning\n\n[[lark]] and [[wren]]\n{OTHER}\n"
)
PLACES: Files = {
    "n/T.md": ONE,
    "img/i.svg": "<svg/>",
    "a/U.md": TWO,
    "a/Src.md": NOTE + LINKS,
}
LINKS_NOW = "[x](../../n/T.md) [[../../n/T|../n/T]] ![i](../../img/i.svg) [y](../../a/U.md)\n"
MOVED = {
    "a note with relative links is moved": Case(
        PLACES, {"a/Src.md": None, "b/c/Src.md": NOTE + LINKS}, NOTE + LINKS_NOW, "b/c/Src.md"
    ),
    "a note with relative links is moved and edited": Case(
        PLACES,
        {"a/Src.md": None, "b/c/Src.md": f"{NOTE}New.\n\n{LINKS}[z](../z.md)\n"},
        f"{NOTE}New.\n\n{LINKS_NOW}[z](../z.md)\n",
        "b/c/Src.md",
    ),
    "a note with relative links is moved, and the targets to other folders": Case(
        PLACES,
        {"n/T.md": None, "m/T.md": ONE, "a/U.md": None, "u/U.md": TWO, "a/Src.md": None}
        | {"b/c/Src.md": NOTE + LINKS},
        NOTE
        + LINKS_NOW.replace("n/T.md", "m/T.md")
        .replace("[[../../n/T", "[[../../m/T")
        .replace("a/U.md", "u/U.md"),
        "b/c/Src.md",
    ),
}
UNCERTAIN = {
    "a note is moved with the targets of its relative links": Case(
        {"a/n/T.md": ONE, "a/Src.md": "[x](n/T.md) [[./n/T]]\n" + NOTE},
        {"a/n/T.md": None, "a/Src.md": None, "b/n/T.md": ONE}
        | {"b/Src.md": "[x](n/T.md) [[./n/T]]\n" + NOTE},
        "[x](n/T.md) [[./n/T]]\n" + NOTE,
        "b/Src.md",
    ),
    "the relative links of a moved note were broken before": Case(
        {"a/Src.md": NOTE + LINKS},
        {"a/Src.md": None, "b/c/Src.md": NOTE + LINKS, "n/T.md": ONE, "img/i.svg": "<svg/>"},
        NOTE + LINKS,
        "b/c/Src.md",
    ),
    "relative links are added to a note that is moved": Case(
        {**PLACES, "a/Src.md": NOTE},
        {"a/Src.md": None, "b/c/Src.md": NOTE + LINKS},
        NOTE + LINKS,
        "b/c/Src.md",
    ),
    "the relative links of a moved note lead to other files": Case(
        {**PLACES, "b/n/T.md": TWO, "b/img/i.svg": "<svg>b</svg>", "b/c/U.md": TWO},
        {"a/Src.md": None, "b/c/Src.md": NOTE + LINKS},
        NOTE + LINKS,
        "b/c/Src.md",
    ),
    "a note is moved, and the targets of its relative links are deleted": Case(
        PLACES,
        {"n/T.md": None, "img/i.svg": None, "a/U.md": None, "a/Src.md": None}
        | {"b/c/Src.md": NOTE + LINKS},
        NOTE + LINKS,
        "b/c/Src.md",
    ),
}

HEALED = MOVED | {
    "a note is renamed that never had the heading": Case(
        {"One.md": ONE, "Home.md": "[[One#Fruit|x]] [[One#^f1|y]]\n"},
        {"One.md": None, "Old one.md": ONE},
        "[[Old one#Fruit|x]] [[Old one#^f1|y]]\n",
    ),
    "a namesake is created at the root": Case(
        {"a/Plan.md": BODY, "Home.md": "[[Plan]]\n"},
        {"Plan.md": OTHER},
        "[[a/Plan|Plan]]\n",
    ),
    "an image gets a namesake": Case(
        {"a/map.svg": "<svg/>", "Home.md": "![[map.svg]]\n"},
        {"map.svg": "<svg>2</svg>"},
        "![[a/map.svg]]\n",
    ),
    "a link with a heading": Case(
        {"a/Plan.md": PLAN, "Home.md": "[[Plan#Goals|x]]\n"},
        {"Plan.md": "# Plan\n\n## Goals\n"},
        "[[a/Plan#Goals|x]]\n",
    ),
    "a heading is reworded": Case(
        {"Plan.md": PLAN, "Home.md": "[[Plan#Goals|x]]\n"},
        {"Plan.md": PLAN.replace("## Goals", "## What we want")},
        "[[Plan#What we want|x]]\n",
    ),
    "the parent heading of a path is reworded": Case(
        {"Plan.md": PLAN.replace("## Steps", "### Steps"), "Home.md": "[[Plan#Goals#Steps|x]]\n"},
        {"Plan.md": PLAN.replace("## Steps", "### Steps").replace("## Goals", "## Aims of it")},
        "[[Plan#Aims of it#Steps|x]]\n",
    ),
    "a heading of the note itself is reworded": Case(
        {"Home.md": "[[#Goals|x]]\n\n" + PLAN},
        {"Home.md": "[[#Goals|x]]\n\n" + PLAN.replace("## Goals", "## Aims")},
        "[[#Aims|x]]\n\n" + PLAN.replace("## Goals", "## Aims"),
    ),
    "a heading gets a namesake above it": Case(
        {"Plan.md": f"# A\n\n{OTHER}\n# B\n\n## Steps\n\n{BODY}", "Home.md": "[[Plan#Steps|x]]\n"},
        {"Plan.md": f"# A\n\n{OTHER}\n## Steps\n\nnew\n\n# B\n\n## Steps\n\n{BODY}"},
        "[[Plan#B#Steps|x]]\n",
    ),
    "two notes exchange their names": Case(
        {"One.md": ONE, "Two.md": TWO, "Home.md": "[[One]] [[Two|x]]\n"},
        {"One.md": TWO, "Two.md": ONE},
        "[[Two|One]] [[One|x]]\n",
    ),
    "three notes move on by one name": Case(
        {"One.md": ONE, "Two.md": TWO, "Home.md": "[[One]] [[Two]]\n"},
        {"One.md": None, "Two.md": ONE, "Three.md": TWO},
        "[[Two|One]] [[Three|Two]]\n",
    ),
    "three notes exchange their names in a circle": Case(
        {"One.md": ONE, "Two.md": TWO, "Six.md": NOTE, "Home.md": "[[One]] [[Two]] [[Six]]\n"},
        {"One.md": NOTE, "Two.md": ONE, "Six.md": TWO},
        "[[Two|One]] [[Six|Two]] [[One|Six]]\n",
    ),
    "the chosen namesake is renamed away": Case(
        {"One.md": ONE, "a/One.md": TWO, "Home.md": "[[One]]\n"},
        {"One.md": None, "Old one.md": ONE},
        "[[Old one|One]]\n",
    ),
    "a series is renumbered": Case(
        {"Part 1.md": ONE, "Part 2.md": TWO, "Home.md": "[[Part 1]] [[Part 2]]\n"},
        {"Part 1.md": "# New\n\n[[intro]] to all\n", "Part 2.md": ONE, "Part 3.md": TWO},
        "[[Part 2|Part 1]] [[Part 3|Part 2]]\n",
    ),
    "a series is renumbered downwards": Case(
        {"Part 1.md": ONE, "Part 2.md": TWO, "Part 3.md": NOTE}
        | {"Home.md": "[[Part 2]] [[Part 3]]\n"},
        {"Part 1.md": TWO, "Part 2.md": NOTE, "Part 3.md": None},
        "[[Part 1|Part 2]] [[Part 2|Part 3]]\n",
    ),
    "a series is renumbered downwards, and a new note is its last one": Case(
        {"Part 1.md": ONE, "Part 2.md": TWO, "Part 3.md": NOTE}
        | {"Home.md": "[[Part 2]] [[Part 3]]\n"},
        {"Part 0.md": ONE, "Part 1.md": TWO, "Part 2.md": NOTE}
        | {"Part 3.md": "# New\n\n[[end]] of all\n"},
        "[[Part 1|Part 2]] [[Part 2|Part 3]]\n",
    ),
    "a note is renamed and edited": Case(
        {"One.md": ONE, "Home.md": "[[One]] [[One#Goals|x]]\n"},
        {"One.md": None, "Other.md": ONE + "\nOne more line.\n"},
        "[[Other|One]] [[Other#Goals|x]]\n",
    ),
    "an identical note gets its date in another order": Case(
        {"2025-12-17 Talk.md": ONE, "Home.md": "[[2025-12-17 Talk|x]]\n"},
        {"2025-12-17 Talk.md": None, "17-12-2025 Talk.md": ONE},
        "[[17-12-2025 Talk|x]]\n",
    ),
    "an identical note gets another number": Case(
        {"4-01040001 Talk.md": ONE, "Home.md": "[[4-01040001 Talk|x]]\n"},
        {"4-01040001 Talk.md": None, "4-01040003 Talk.md": ONE},
        "[[4-01040003 Talk|x]]\n",
    ),
    "the links of a note are edited as it is moved": Case(
        {"a/One.md": ONE, "Home.md": "[[a/One|x]]\n"},
        {"a/One.md": None, "b/c/One.md": ONE.replace("[[", "[[trees/")},
        "[[One|x]]\n",
    ),
    "a section goes word for word to another note": Case(
        {"Plan.md": PLAN, "Ships.md": TWO, "Home.md": "[[Plan#Goals|x]]\n"},
        {
            "Plan.md": PLAN.replace(f"## Goals\n\n{BODY}\n", ""),
            "Ships.md": f"{TWO}\n## Goals\n\n{BODY}\n",
        },
        "[[Ships#Goals|x]]\n",
    ),
    "a heading is reworded, and a copy of the note has the old one": Case(
        {"Plan.md": PLAN, "Home.md": "[[Plan#Goals|x]]\n"},
        {"Plan.md": PLAN.replace("## Goals", "## What we want"), "archive/Copy.md": PLAN},
        "[[Plan#What we want|x]]\n",
    ),
    "a block goes to another note": Case(
        {
            "Plan.md": f"{PLAN}\nSaid once. ^a1b2c3\n",
            "Ships.md": TWO,
            "Home.md": "[[Plan#^a1b2c3|x]]\n",
        },
        {"Plan.md": PLAN, "Ships.md": f"{TWO}\nSaid once. ^a1b2c3\n"},
        "[[Ships#^a1b2c3|x]]\n",
    ),
    "a block id is changed": Case(
        {"Plan.md": f"{BODY.strip()} ^a1\n\ntwo ^b2\n", "Home.md": "[[Plan#^a1|x]]\n"},
        {"Plan.md": f"{BODY.strip()} ^first\n\ntwo ^b2\n"},
        "[[Plan#^first|x]]\n",
    ),
}

STUB = "---\ntags: [cloud]\n---\n# Stub\n"
KEPT_ELSEWHERE: Mapping[str, tuple[str, str, str, Files]] = {
    # a note, its text, its text afterwards, and what else there is then
    "a log is rotated": ("log.md", OTHER, "# Log of a new year\n", {"log-2025.md": OTHER}),
    "a log of a year is rotated": ("log-2025.md", OTHER, TWO, {"log-2024.md": OTHER}),
    "the log of a year begins with a copy": ("2025.md", OTHER, TWO, {"2026.md": OTHER}),
    "a day begins with a copy": ("Day 2024-05-01.md", ONE, TWO, {"Day 2024-05-02.md": ONE}),
    "an older version is kept": ("Plan v2.md", ONE, TWO, {"Plan v1.md": ONE}),
    "a version of two numbers is kept": ("1.1 Oaks.md", ONE, TWO, {"2.2 Oaks.md": ONE}),
    "a numbered note is archived": ("Part 1.md", ONE, TWO, {"archive/Part 2.md": ONE}),
    "a copy gets a number": ("Oaks.md", ONE, TWO, {"Oaks 1.md": ONE}),
    "a copy gets a zero": ("1 Oaks.md", ONE, TWO, {"01 Oaks.md": ONE}),
    "a copy gets the next number": ("Part 1.md", ONE, TWO, {"Part 2.md": ONE}),
    "a new note takes the name of a renamed one": ("One.md", ONE, TWO, {"Old one.md": ONE}),
    "a copy is kept": ("Recipe.md", ONE, TWO, {"bak/Recipe.bak.2026-07-01.md": ONE}),
    "an edited copy is kept": ("A.md", ONE, TWO, {"B.md": ONE + "Kept as it was.\n"}),
    "a copy is archived": ("mind.md", ONE, TWO, {"archive/mind-pre-cut.md": ONE}),
    "Logseq keeps a backup": ("pages/X.md", ONE, TWO, {"logseq/bak/pages/X/2024_01.md": ONE}),
    "a stub is filled, and another one made": ("az.md", STUB, ONE, {"aws.md": STUB}),
    "a stub with a number is filled": ("az-204.md", STUB, ONE, {"az-305.md": STUB}),
    "an empty note is filled, and another one made": ("az.md", "", ONE, {"aws.md": ""}),
    "a note is emptied, and its text is elsewhere": ("A.md", ONE, "", {"B.md": ONE}),
    "a note keeps its title only": ("A.md", ONE, "# Oaks\n", {"B.md": ONE}),
    "a picture is kept and replaced": ("p.svg", "<b/>", "<i/>", {"p1.svg": "<b/>"}),
}


def live_on(note: str, text: str, present: str, others: Files) -> Case:
    """Return the case of a note that lives on at its path, with a link that stays."""
    link = f"[[{note.rpartition('/')[2].removesuffix('.md')}]]\n"
    return Case({note: text, "Home.md": link}, {**others, note: present}, link)


LIVES_ON = {what: live_on(*row) for what, row in KEPT_ELSEWHERE.items()} | {
    "two logs are rotated": Case(
        {"log.md": ONE, "log-old.md": TWO, "Home.md": "[[log]] [[log-old]]\n"},
        {"log.md": NOTE, "log-old.md": ONE, "log-older.md": TWO},
        "[[log]] [[log-old]]\n",
    ),
}

UNCHANGED = (
    UNCERTAIN
    | {what: LIVES_ON[what] for what in ("a log is rotated", "two logs are rotated")}
    | {
        "a note is renamed and loses the heading": Case(
            {"One.md": ONE, "Home.md": "[[One#Goals|x]] [o](One.md#wood-and-bark-of-oaks)\n"},
            {"One.md": None}
            | {
                "Old one.md": ONE.replace("## Goals\n\n", "").replace(
                    "## Wood and bark of oaks\n", ""
                )
            },
            "[[One#Goals|x]] [o](One.md#wood-and-bark-of-oaks)\n",
        ),
        "a note is copied, renamed and edited": Case(
            {"notes/One.md": ONE, "Home.md": "[[notes/One|x]]\n"},
            {
                "notes/One.md": None,
                "backup/One.md": ONE,
                "notes/Other.md": ONE.replace("## Goals", "## Aims"),
            },
            "[[notes/One|x]]\n",
        ),
        "a section is split": Case(
            {"Plan.md": PLAN, "Home.md": "[[Plan#Goals|x]]\n"},
            {
                "Plan.md": PLAN.replace(
                    f"## Goals\n\n{BODY}",
                    f"## Now\n\n{BODY[: len(BODY) // 2]}\n## Later\n\n{BODY[len(BODY) // 2 :]}",
                )
            },
            "[[Plan#Goals|x]]\n",
        ),
        "one tiny note goes and another one comes": Case(
            {"Milk.md": "Buy milk.\n", "Home.md": "[[Milk|x]]\n"},
            {"Milk.md": None, "Ann.md": "Call Ann.\n"},
            "[[Milk|x]]\n",
        ),
        "a note is copied": Case(
            {"One.md": ONE, "Home.md": "[[One]]\n"}, {"Copy of one.md": ONE}, "[[One]]\n"
        ),
        "a note is deleted, and a note of other content is created": Case(
            {"One.md": ONE, "Home.md": "[[One]]\n"}, {"One.md": None, "Two.md": TWO}, "[[One]]\n"
        ),
        "a note is rewritten under its name": Case(
            {"Plan.md": BODY, "Home.md": "[[Plan]]\n"}, {"Plan.md": OTHER}, "[[Plan]]\n"
        ),
        "the target is deleted, and a namesake is there": Case(
            {"Plan.md": BODY, "a/Plan.md": OTHER, "Home.md": "[[Plan]]\n"},
            {"Plan.md": None},
            "[[Plan]]\n",
        ),
        "a namesake further away": Case(
            {"Plan.md": BODY, "Home.md": "[[Plan]]\n"}, {"a/b/Plan.md": OTHER}, "[[Plan]]\n"
        ),
        "a section is deleted": Case(
            {"Plan.md": PLAN, "Home.md": "[[Plan#Goals|x]]\n"},
            {"Plan.md": PLAN.replace(f"## Goals\n\n{BODY}\n", "")},
            "[[Plan#Goals|x]]\n",
        ),
        "a section is deleted, and another one added elsewhere": Case(
            {"Plan.md": PLAN, "Home.md": "[[Plan#Goals|x]]\n"},
            {"Plan.md": PLAN.replace(f"## Goals\n\n{BODY}\n", "") + "\n## New\n\nnew\n"},
            "[[Plan#Goals|x]]\n",
        ),
        "a heading is added": Case(
            {"Plan.md": PLAN, "Home.md": "[[Plan#Goals|x]]\n"},
            {"Plan.md": PLAN.replace("## Steps", "## Between\n\ntext\n\n## Steps")},
            "[[Plan#Goals|x]]\n",
        ),
        "the author edits the link": Case(
            {"a/Plan.md": BODY, "Home.md": "[[Plan]]\n"},
            {"Plan.md": OTHER, "Home.md": "[[./Plan|Plan]]\n"},
            "[[./Plan|Plan]]\n",
        ),
        "a link to a note that never existed": Case(
            {"Home.md": "[[Plan]]\n"}, {"Plan.md": OTHER}, "[[Plan]]\n"
        ),
        "a block is deleted": Case(
            {"Plan.md": "one ^a1\n\ntwo ^b2\n", "Home.md": "[[Plan#^a1|x]]\n"},
            {"Plan.md": "two ^b2\n"},
            "[[Plan#^a1|x]]\n",
        ),
    }
)
CASES = {**HEALED, **UNCHANGED}


def after_a_run(run: RunCommand, root: Path, case: Case) -> tuple[str, ...]:
    update_files(root, case.before)
    run("check", "--vault", str(root))
    update_files(root, case.change)
    return ()


def after_two_runs(run: RunCommand, root: Path, case: Case) -> tuple[str, ...]:
    after_a_run(run, root, case)
    run("check", "--vault", str(root))
    run("check", "--vault", str(root), "--select", "ALL")
    return ()


def since_the_last_commit(run: RunCommand, root: Path, case: Case) -> tuple[str, ...]:
    create_repository(root, case.before)
    update_files(root, case.change)
    return ()


def since_a_revision(run: RunCommand, root: Path, case: Case) -> tuple[str, ...]:
    create_repository(root, case.before)
    update_files(root, case.change)
    commit(root)
    return ("--changed-since", "HEAD~1")


def in_commits(run: RunCommand, root: Path, case: Case) -> tuple[str, ...]:
    create_repository(root, case.before)
    update_files(root, case.change)
    commit(root)
    return ()


def in_commits_after_a_run(run: RunCommand, root: Path, case: Case) -> tuple[str, ...]:
    create_repository(root, case.before)
    run("check", "--vault", str(root))
    update_files(root, case.change)
    commit(root)
    return ()


def in_earlier_commits(run: RunCommand, root: Path, case: Case) -> tuple[str, ...]:
    options = in_commits(run, root, case)
    for number in range(3):
        update_files(root, {f"{number}.md": "new\n"})
        commit(root)
    return options


UNKNOWN_TO_COMMITS = ("a heading gets a namesake above it",)
EVERY_SECOND = frozenset([*CASES][1::2])
"""Cases in commits that are not the last ones, and that are fixed a second time without the cache of the first time."""


WAYS: tuple[Callable[[RunCommand, Path, Case], tuple[str, ...]], ...] = (
    after_a_run,
    after_two_runs,
    since_the_last_commit,
    since_a_revision,
    in_commits,
)


@pytest.mark.parametrize("way", spread(WAYS, 3))
@each("name", CASES)
def test_links_lead_to_what_they_led_to(
    name: str,
    way: Callable[[RunCommand, Path, Case], tuple[str, ...]],
    tmp_path: Path,
    run: RunCommand,
) -> None:
    if way is in_commits and name in UNKNOWN_TO_COMMITS:
        return
    case, root = CASES[name], tmp_path / "vault"
    root.mkdir()
    if way is in_commits and name in EVERY_SECOND:
        way = in_earlier_commits
    options = way(run, root, case)
    run("fix", "--vault", str(root), *options)
    assert (root / case.note).read_text("utf-8") == case.home
    again = ("--no-cache",) if (root / ".git").exists() and name in EVERY_SECOND else ()
    run("fix", "--vault", str(root), *again)
    assert (root / case.note).read_text("utf-8") == case.home


@pytest.mark.thorough
@pytest.mark.parametrize(
    "way", spread((after_a_run, in_commits, since_the_last_commit, in_commits_after_a_run), 2)
)
@each("name", LIVES_ON)
def test_link_to_a_note_that_lives_on_stays(
    name: str,
    way: Callable[[RunCommand, Path, Case], tuple[str, ...]],
    tmp_path: Path,
    run: RunCommand,
) -> None:
    case, root = LIVES_ON[name], tmp_path / "vault"
    root.mkdir()
    options = ("--vault", str(root), *way(run, root, case))
    found = run("check", *options, "--select", "retargeted-link").out
    assert ("retargeted-link" in found) is (name == "a copy gets the next number")
    run("fix", *options)
    assert (root / case.note).read_text("utf-8") == case.home


@each(
    ("home", "new", "is_safe"),
    [
        ("x/b/Home.md", "x/b/One.md", False),
        ("x/b/Home.md", "x/One.md", True),
        ("x/b/Home.md", "One.md", True),
        ("Home.md", "One.md", True),
    ],
)
def test_fix_that_leads_away_from_a_nearer_file_is_unsafe(
    home: str, new: str, is_safe: bool, tmp_path: Path, run: RunCommand
) -> None:
    root = create_repository(tmp_path, {"x/a/One.md": ONE, home: "[[One]]\n"})
    update_files(root, {new: TWO})
    commit(root)
    assert "led to x/a/One.md" in run("check", root, "--select", "retargeted-link").out
    run("fix", root)
    assert (root / home).read_text("utf-8") == ("[[x/a/One|One]]\n" if is_safe else "[[One]]\n")
    run("fix", root, "--unsafe-fixes")
    assert (root / home).read_text("utf-8") == "[[x/a/One|One]]\n"


def test_commits_and_runs_know_links_of_a_note_that_was_moved_twice(
    tmp_path: Path, run: RunCommand
) -> None:
    for number in range(4):
        root = create_repository(tmp_path / str(number), PLACES)
        places = ["a/Src.md", "d/Src.md", "b/c/Src.md"]
        for old, new in pairwise(places):
            if number == 3:
                run("check", "--vault", str(root))
            update_files(root, {old: None, new: NOTE + LINKS})
            update_files(root, {"n/T.md": None, "m/T.md": ONE} if new == places[-1] else {})
            if number < 2 or (number == 2 and new != places[-1]):
                commit(root)
        run("fix", "--vault", str(root), *([] if number % 2 else ["--no-cache"]))
        assert (root / places[-1]).read_text("utf-8") == (
            NOTE + LINKS_NOW.replace("n/T", "m/T").replace("|../m/T", "|../n/T")
        )


@each(
    ("name", "after_an_update"),
    [
        ("two notes exchange their names", "[[One]] [[Two|x]]\n"),
        ("a namesake is created at the root", "[[Plan]]\n"),
        ("a note is renamed and edited", "[[Other|One]] [[Other#Goals|x]]\n"),
        ("a heading is reworded", "[[Plan#What we want|x]]\n"),
    ],
)
def test_what_another_version_remembers_of_links_that_resolve_is_not_certain(
    name: str, after_an_update: str, tmp_path: Path, run: RunCommand
) -> None:
    case, root, cache = HEALED[name], tmp_path / "vault", tmp_path / "cache"
    root.mkdir()
    options = ("--vault", str(root), "--cache-dir", str(cache))
    update_files(root, case.before)
    run("check", *options)
    update_files(root, case.change)
    run("check", *options)
    damage_states(cache)  # another version reads the remembered history, and not the state
    run("fix", *options)
    assert (root / case.note).read_text("utf-8") == after_an_update
    run("fix", *options, "--unsafe-fixes")
    assert (root / case.note).read_text("utf-8") == case.home


def test_history_can_be_switched_off(tmp_path: Path, run: RunCommand) -> None:
    for number, case in enumerate(HEALED.values()):
        root = create_repository(tmp_path / str(number), case.before)
        run("check", "--vault", str(root))
        update_files(root, case.change)
        run("check", "--vault", str(root))
        home = (root / case.note).read_text("utf-8")
        run("fix", "--vault", str(root), "--no-history")
        run("fix", "--vault", str(root), "--no-history", "--changed-since", "HEAD")
        assert (root / case.note).read_text("utf-8") == home


def test_nothing_is_guessed_without_a_past(tmp_path: Path, run: RunCommand) -> None:
    for number, case in enumerate(HEALED.values()):
        root = tmp_path / str(number)
        root.mkdir()
        after = {**case.before, **case.change}
        update_files(root, {path: text for path, text in after.items() if text is not None})
        home = (root / case.note).read_text("utf-8")
        run("fix", "--vault", str(root), "--no-cache")
        assert (root / case.note).read_text("utf-8") == home


@pytest.mark.thorough
@pytest.mark.parametrize("part", spread(range(4)))
def test_watcher_notices_links_that_lead_elsewhere(
    tmp_path: Path, subtests: pytest.Subtests, part: int
) -> None:
    for name in [*CASES][part::4]:
        with subtests.test(name):
            let_watcher_notice(CASES[name], tmp_path / name.replace(" ", "-"))


def let_watcher_notice(case: Case, vault: Path) -> None:
    """Let a watcher see the change of a case, and fix its links."""
    vault.mkdir()
    update_files(vault, case.before)
    with run_watcher(vault, WatchSettings(fix=True, verify=True)) as watched:
        update_files(vault, case.change)
        watched.settle()
        home = vault / case.note
        if case.home != {**case.before, **case.change}[case.note]:
            watched.wait_for(lambda _: home.read_text("utf-8") == case.home)
    assert home.read_text("utf-8") == case.home


# -- what a run created and its undo removed was never a deleted note ------------------------------------------------

WANTING = {
    "Home.md": "[[Plan A]] and [[Plan B]]\n",
    "Ideas.md": f"# Ideas\n\n[[Plan A]]\n\n## Part\n\n{'Words of this part. ' * 20}\n",
}


def list_state(run: RunCommand) -> tuple[str, ...]:
    return (
        run("check", "--output-format", "json").out,
        run("check", "--statistics").out,
        run("history").out,
    )


@each(
    "words",
    [
        pytest.param(("fix", "--unsafe-fixes", "--create", "."), id="fix --create"),
        pytest.param(("extract", "Ideas#Part", "Part of it"), id="extract"),
    ],
)
@each("is_checked_between", [True, False])
def test_report_is_as_before_after_undo(
    run: RunCommand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    is_checked_between: bool,
) -> None:
    monkeypatch.chdir(create_vault(tmp_path / "v", WANTING))
    before = list_state(run)
    assert "VL125" in before[0]
    assert "reverts it" in run(*words).err
    if is_checked_between:
        assert list_state(run)[0] != before[0]
    assert run("undo").code == 0
    assert list_state(run) == before


@each(
    ("first", "created", "changes", "deleted"),
    [
        pytest.param(WANTING, {"Plan A.md": "# A\n"}, {}, [], id="created and removed by a person"),
        pytest.param(
            WANTING,
            {"Plan A.md": "# A\n", "New.md": "[[Plan A]]\n"},
            {},
            ["Plan A"],
            id="a note linked to it meanwhile",
        ),
        pytest.param(
            {**WANTING, "Plan A.md": "# A\n"}, {}, {}, ["Plan A"], id="a note that was there before"
        ),
        pytest.param(
            {**WANTING, "Plan A.md": "# A\n\n- text\n"},
            {"Plan A.md": None},
            {"Plan A.md": "# Again\n"},
            ["Plan A"],
            id="deleted, created again and removed",
        ),
    ],
)
def test_a_deleted_note_is_one_that_links_led_to(
    run: RunCommand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    first: dict[str, str],
    created: dict[str, str | None],
    changes: dict[str, str],
    deleted: list[str],
) -> None:
    root = create_vault(tmp_path / "v", first)
    monkeypatch.chdir(root)
    run("check")
    for files in (created, changes):
        for path, text in files.items():
            if text is None:
                (root / path).unlink()
            else:
                write_files(root, {path: text})
        run("check")
    (root / "Plan A.md").unlink()
    found = run("check", "--output-format", "json").data["findings"]  # type: ignore[index]
    assert sorted({item["target"] for item in found if item["code"] == "VL101"}) == deleted
    run("check")
    again = run("check", "--output-format", "json").data["findings"]  # type: ignore[index]
    assert again == found


@each("is_known", [True, False])
def test_a_created_note_may_be_found_under_another_name(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    lines = [f"sentence {number} about the matter {number * number}\n" for number in range(60)]
    plan = {"Plan A.md": "".join(lines)}
    root = create_vault(tmp_path / "v", {**WANTING, **(plan if is_known else {})})
    monkeypatch.chdir(root)
    run("check")
    write_files(root, plan)
    run("check")
    (root / "Plan A.md").unlink()
    write_files(root, {"Scheme.md": "".join(lines[32:])})
    assert "it may be “Scheme” now" in run("check").out
