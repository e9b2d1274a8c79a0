"""Renames and moves keep every link, and change nothing else: the proof on the vault `every-link`.

Each operation is made on a copy of the vault and judged by the independent reader (`rename_checks.py`), which shares no code with
vaultlink. The commands are called as users call them.
"""

import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from independent_reader import read_tree
from rename_checks import Expected, Tree, compare_vaults
from repositories import git
from running import RunCommand, write_files

EVERY_LINK = Path(__file__).resolve().parents[1] / "fixtures" / "every-link"
OLD = "projects/Old Note.md"
COVER = "img/cover (1).png"


def below(old: str, new: str) -> dict[str, str]:
    """Return the old and new paths of all files of a folder of the vault."""
    paths = [path.relative_to(EVERY_LINK).as_posix() for path in EVERY_LINK.rglob("*.*")]
    return {path: new + path.removeprefix(old) for path in paths if path.startswith(old)}


@dataclass(frozen=True)
class Operation:
    """A rename or move, and what it is expected to change.

    Attributes:
        words: The arguments of the command; or old and new names of a plan file.
        expected: What changes.
        again: Exit codes of the same command afterwards, which has nothing to do.
    """

    words: tuple[str, ...] | Mapping[str, str]
    expected: Expected
    again: tuple[int, ...] = (0, 2)

    def arguments(self, folder: Path) -> list[str]:
        """Return the arguments; a plan is written into the folder."""
        if not isinstance(self.words, Mapping):
            return list(self.words)
        plan = folder / "plan.tsv"
        lines = [f"{old}\t{new}\n" for old, new in self.words.items()]
        plan.write_text("".join(lines), encoding="utf-8")
        return ["rename", "--from-file", str(plan)]


def rename(old: str, new: str, **expected: Any) -> Operation:
    """Return a rename."""
    return Operation(("rename", old, new), Expected(**expected))


def rename_once(old: str, new: str, **expected: Any) -> Operation:
    """Return a rename of one of several things of the same name, so that the command renames the next one afterwards."""
    return Operation(("rename", old, new), Expected(**expected), again=())


def move(*words: str, files: Mapping[str, str]) -> Operation:
    """Return a move of sources into a folder."""
    return Operation(("move", *words), Expected(files))


FRESH = [("Links.md", "Fresh Note"), ("Links.md", "Fresh Note.md")]

OPERATIONS = {
    # notes
    "note": rename("Old Note", "New name", files={OLD: "projects/New name.md"}),
    "note-by-path": rename(OLD, "New name.md", files={OLD: "projects/New name.md"}),
    "note-one-word": rename("Old Note", "Renamed", files={OLD: "projects/Renamed.md"}),
    "note-parentheses": rename(
        "Old Note", "New (2) & [x] y", files={OLD: "projects/New (2) & [x] y.md"}
    ),
    "note-quotes": rename("Old Note", "It's new, 100%", files={OLD: "projects/It's new, 100%.md"}),
    "note-unicode": rename("Old Note", "Nöte 🎉 新", files={OLD: "projects/Nöte 🎉 新.md"}),
    "note-with-a-dot": rename("Old Note", "Note v2.0.md", files={OLD: "projects/Note v2.0.md"}),
    "note-accents": rename(
        "projects/Café crème.md", "Thé", files={"projects/Café crème.md": "projects/Thé.md"}
    ),
    "note-apostrophe": rename(
        "d'Artagnan & co", "Athos", files={"projects/d'Artagnan & co.md": "projects/Athos.md"}
    ),
    "note-dotted": rename(
        "v1.2 notes", "v1.3 notes", files={"projects/v1.2 notes.md": "projects/v1.3 notes.md"}
    ),
    "note-folder-given": rename(
        OLD, "archive/later/New name.md", files={OLD: "archive/later/New name.md"}
    ),
    "note-case-only": rename("Old Note", "old note", files={OLD: "projects/old note.md"}),
    "note-to-namesake": rename(
        "Rename me", "Twin", files={"projects/Rename me.md": "projects/Twin.md"}
    ),
    "note-to-namesake-of-root": rename("Old Note", "Plan 2", files={OLD: "projects/Plan 2.md"}),
    "namesake-away": rename(
        "projects/Plan.md", "Scheme", files={"projects/Plan.md": "projects/Scheme.md"}
    ),
    "namesake-of-root-away": rename("Plan.md", "Scheme", files={"Plan.md": "Scheme.md"}),
    "note-dangling-name": rename(
        "Old Note",
        "Fresh Note",
        files={OLD: "projects/Fresh Note.md"},
        captured=frozenset(FRESH),
    ),
    "note-with-section": rename(
        "archive/Twin.md", "Pair", files={"archive/Twin.md": "archive/Pair.md"}
    ),
    "canvas": rename("Board.canvas", "Table.canvas", files={"Board.canvas": "Table.canvas"}),
    # moves
    "move-note": move(OLD, "archive", files={OLD: "archive/Old Note.md"}),
    "move-note-up": move(OLD, "/", files={OLD: "Old Note.md"}),
    "move-note-down": move(OLD, "projects/deep", files={OLD: "projects/deep/Old Note.md"}),
    "note-in-section": rename(
        "Stem", "Stalk", files={"projects/deep/Stem.md": "projects/deep/Stalk.md"}
    ),
    "move-leaf-up": move("Leaf", "/", files={"projects/deep/Leaf.md": "Leaf.md"}),
    "move-to-a-new-folder": move(OLD, "x/y z", files={OLD: "x/y z/Old Note.md"}),
    "move-namesake": move("Plan.md", "projects/deep", files={"Plan.md": "projects/deep/Plan.md"}),
    "move-root-note": move(
        "Links.md", "projects/deep", files={"Links.md": "projects/deep/Links.md"}
    ),
    "move-markdown": move(
        "Markdown links.md", "img", files={"Markdown links.md": "img/Markdown links.md"}
    ),
    "move-definitions": move(
        "Definitions.md", "projects", files={"Definitions.md": "projects/Definitions.md"}
    ),
    "move-properties": move(
        "Properties.md", "archive", files={"Properties.md": "archive/Properties.md"}
    ),
    "move-still": move("Still.md", "projects", files={"Still.md": "projects/Still.md"}),
    "move-windows": move("Windows.md", "projects", files={"Windows.md": "projects/Windows.md"}),
    "move-canvas": move(
        "projects/One line.canvas",
        "archive",
        files={"projects/One line.canvas": "archive/One line.canvas"},
    ),
    "move-several": move(
        OLD,
        COVER,
        "projects/deep",
        "archive",
        files={
            OLD: "archive/Old Note.md",
            COVER: "archive/cover (1).png",
            **below("projects/deep/", "archive/deep/"),
        },
    ),
    # folders
    "folder": rename("projects/", "work", files=below("projects/", "work/")),
    "folder-with-spaces": rename(
        "projects/", "our work (1)", files=below("projects/", "our work (1)/")
    ),
    "folder-inner": rename(
        "projects/deep/", "deeper", files=below("projects/deep/", "projects/deeper/")
    ),
    "folder-to-path": rename(
        "projects/deep/", "archive/deep", files=below("projects/deep/", "archive/deep/")
    ),
    "folder-case-only": rename("projects/", "Projects", files=below("projects/", "Projects/")),
    "folder-move": move("projects/", "archive", files=below("projects/", "archive/projects/")),
    "folder-move-up": move("projects/deep", "/", files=below("projects/deep/", "deep/")),
    "folder-img": rename("img/", "pictures", files=below("img/", "pictures/")),
    # attachments
    "attachment": rename(COVER, "front.png", files={COVER: "img/front.png"}),
    "attachment-no-extension": rename(COVER, "front page", files={COVER: "img/front page.png"}),
    "attachment-move": move(COVER, "projects", files={COVER: "projects/cover (1).png"}),
    "attachment-move-up": move("img/plain.png", "/", files={"img/plain.png": "plain.png"}),
    "attachment-namesake": rename(
        "projects/chart.pdf", "graph.pdf", files={"projects/chart.pdf": "projects/graph.pdf"}
    ),
    "attachment-namesake-of-chosen": rename(
        "archive/chart.pdf", "graph.pdf", files={"archive/chart.pdf": "archive/graph.pdf"}
    ),
    # headings and blocks of `Old Note`
    "heading": rename("Old Note#Kopf", "New head", headings={OLD: {1: "New head"}}),
    "heading-nested": rename("Old Note#Kopf#Detail", "Part", headings={OLD: {2: "Part"}}),
    "heading-of-note": rename("Old Note#Old Note", "Title", headings={OLD: {0: "Title"}}),
    "heading-duplicate": rename_once("Old Note#Twice", "Once", headings={OLD: {3: "Once"}}),
    "heading-below-duplicate": rename_once(
        "Old Note#Twice#Under", "Below", headings={OLD: {4: "Below"}}
    ),
    "heading-setext": rename(
        "Old Note#Setext head", "Underlined", headings={OLD: {7: "Underlined"}}
    ),
    "heading-with-marks": rename(
        "Old Note#Was ist C++ Ein Versuch".replace("Versuch", "*Versuch*"),
        "C# & more: a [test]",
        headings={OLD: {8: "C# & more: a [test]"}},
    ),
    "heading-case-only": rename("Old Note#Kopf", "KOPF", headings={OLD: {1: "KOPF"}}),
    "heading-own-note": rename("Links#Plain", "Fancy", headings={"Links.md": {0: "Fancy"}}),
    "block": rename("Old Note#^alpha", "omega", blocks={OLD: {0: "omega"}}),
    "block-of-item": rename("Old Note#^list-1", "item", blocks={OLD: {1: "item"}}),
    "block-case": rename("Old Note#^beta", "Gamma", blocks={OLD: {2: "Gamma"}}),
    "block-of-table": rename("Old Note#^table", "grid", blocks={OLD: {3: "grid"}}),
    "block-in-folder": rename(
        "archive/One#^part", "whole", blocks={"archive/One.md": {0: "whole"}}
    ),
    # tags
    "tag": rename("#old/tag", "#new/name", tags={"old/tag": "new/name"}),
    "tag-parent": rename("#old", "#fresh", tags={"old": "fresh"}),
    "tag-flat": rename("#old/tag", "#one", tags={"old/tag": "one"}),
    # plans
    "swap": Operation(
        {"archive/One.md": "Two.md", "archive/Two.md": "One.md"},
        Expected({"archive/One.md": "archive/Two.md", "archive/Two.md": "archive/One.md"}),
        again=(),
    ),
    "chain": Operation(
        {"archive/One.md": "Two.md", "archive/Two.md": "Three.md"},
        Expected({"archive/One.md": "archive/Two.md", "archive/Two.md": "archive/Three.md"}),
        again=(),
    ),
    "cycle": Operation(
        {
            "archive/One.md": "archive/Two.md",
            "archive/Two.md": "projects/Rename me.md",
            "projects/Rename me.md": "archive/One.md",
        },
        Expected(
            {
                "archive/One.md": "archive/Two.md",
                "archive/Two.md": "projects/Rename me.md",
                "projects/Rename me.md": "archive/One.md",
            }
        ),
        again=(),
    ),
    "swap-of-folders": Operation(
        {"projects/": "archive", "archive/": "projects"},
        Expected({**below("projects/", "archive/"), **below("archive/", "projects/")}),
        again=(),
    ),
    "plan-of-all-kinds": Operation(
        {
            OLD: "archive/New name.md",
            COVER: "front.png",
            "projects/deep/": "projects/deeper",
            "Leaf": "Blatt",
        },
        Expected(
            {
                OLD: "archive/New name.md",
                COVER: "img/front.png",
                "projects/deep/Leaf.md": "projects/deeper/Blatt.md",
                "projects/deep/Stem.md": "projects/deeper/Stem.md",
            }
        ),
    ),
}


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    """A copy of the vault `every-link`."""
    return Path(shutil.copytree(EVERY_LINK, tmp_path / "vault"))


def list_folders(folder: Path) -> set[str]:
    """Return the folders of a vault."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_dir()}


def count_findings(run: RunCommand, vault: Path) -> Counter[tuple[str, str]]:
    """Return the number of findings by rule and note."""
    data: Any = run("check", "--vault", vault, "--output-format", "json").data
    return Counter((item["code"], item["path"]) for item in data["findings"])


BEFORE: Tree = read_tree(EVERY_LINK)
_findings: list[Counter[tuple[str, str]]] = []


@pytest.fixture
def findings_before(run: RunCommand, tmp_path: Path) -> Counter[tuple[str, str]]:
    """The findings of the vault before all operations, which are found once in each process."""
    if not _findings:
        _findings.append(count_findings(run, shutil.copytree(EVERY_LINK, tmp_path / "unchanged")))
    return _findings[0]


AWAY_FROM_NEIGHBOUR = {"move-root-note": Counter({("VL108", "projects/deep/Links.md"): 1})}
"""The findings about a link whose target was in the folder of its note before that moved."""


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_keeps_every_link_and_can_be_undone(
    run: RunCommand,
    vault: Path,
    tmp_path: Path,
    findings_before: Counter[tuple[str, str]],
    subtests: pytest.Subtests,
    name: str,
) -> None:
    operation = OPERATIONS[name]
    folders, words = list_folders(vault), [*operation.arguments(tmp_path), "--vault", vault]

    patch = run(*words, "--diff")
    planned: Any = run(*words, "--diff", "--output-format", "json").data
    with subtests.test("a diff writes nothing"):
        assert (patch.code, read_tree(vault)) == (1, BEFORE)

    done = run(*words, "--output-format", "json")
    assert (done.code, done.err) == (0, done.err), done.err
    written: Any = done.data
    after = read_tree(vault)

    with subtests.test("every link keeps its meaning, and nothing else changes"):
        assert after != BEFORE
        assert compare_vaults(BEFORE, after, operation.expected) == []

    with subtests.test("git applies the diff"):
        copy, file = write_files(tmp_path / "copy", BEFORE), tmp_path / "changes.patch"
        file.write_bytes(patch.out.encode())
        git(copy, "apply", "--whitespace=nowarn", str(file))
        assert read_tree(copy) == after

    with subtests.test("the JSON says what is written"):
        assert written["skipped"] == []
        for key in ("renames", "files", "edits"):
            assert written[key] == planned[key]
        moves = {item["from"]: item["to"] for item in written["files"]}
        assert apply_edits(BEFORE, written["edits"], moves) == after

    with subtests.test("check finds nothing new"):
        known: Counter[tuple[str, str]] = Counter()
        for (code, place), number in findings_before.items():
            known[code, operation.expected.path(place)] += number
        # In the copy, which remembers nothing: the vault reports queries with the former names.
        assert count_findings(run, copy) - known == AWAY_FROM_NEIGHBOUR.get(name, Counter())

    with subtests.test("undo restores every byte and path"):
        assert run("undo", "--vault", vault).code == 0
        assert (read_tree(vault), list_folders(vault)) == (BEFORE, folders)

    if operation.again:  # a swap or a chain has its old names afterwards too
        with subtests.test("the same command has nothing to do"):
            run(*words)
            assert run(*words).code in operation.again
            assert read_tree(vault) == after


def apply_edits(before: Tree, edits: Any, moves: Mapping[str, str]) -> dict[str, bytes]:
    """Return the vault after the edits and moves of the JSON output; the offsets of edits count bytes."""
    contents = dict(before)
    for edit in sorted(edits, key=lambda item: -item["start"]):
        content = contents[edit["path"]]
        text = edit["text"].encode()
        contents[edit["path"]] = content[: edit["start"]] + text + content[edit["end"] :]
    return {moves.get(path, path): content for path, content in contents.items()}


# -- what must not change ---------------------------------------------------------------------------


def test_places_that_are_no_links_stay(run: RunCommand, vault: Path) -> None:
    still = (vault / "Still.md").read_bytes()
    run("rename", "Old Note", "New name", "--vault", vault)
    run("rename", "#old/tag", "#new", "--vault", vault)
    assert (vault / "Still.md").read_bytes() == still


def test_a_lone_note_changes_only_what_names_it(run: RunCommand, vault: Path) -> None:
    before = read_tree(vault)
    run("rename", "Lone", "Only", "--vault", vault)
    after = read_tree(vault)
    changed = {path for path in before.keys() & after.keys() if before[path] != after[path]}
    assert changed == {"Links.md", "projects/One line.canvas"}
    assert after["projects/Only.md"] == before["projects/Lone.md"]


def test_captured_links_are_named_before_anything_is_written(run: RunCommand, vault: Path) -> None:
    done = run("rename", "Old Note", "Fresh Note", "--diff", "--vault", vault)
    assert "Links.md" in done.err
    assert "Fresh Note" in done.err
