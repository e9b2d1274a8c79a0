"""vaultlink and the independent reader see the same in every sample vault.

Tests of renames rely on the independent reader; here its reading is compared with that of vaultlink, before any rename.
"""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from independent_reader import NEWLINE, SeenLink, SeenVault, is_managed, normalize, read_note
from running import RunCommand
from tables import each

pytestmark = pytest.mark.project

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
VAULTS = sorted(path for path in FIXTURES.iterdir() if path.is_dir())
LEFT_OUT = {
    "Old Mac.md": "its line ends are those of old Macs, which count as no lines for vaultlink",
    "Unclosed math.md": "the reader knows no display math that is never closed",
}
"""Notes on which the two differ, none of which renames are tested with, and the reasons."""

Counts = Counter[tuple[Any, ...]]


def line_of(link: SeenLink, text: str) -> int:
    """Return the line of a link, 1-based; 0 in canvases, where vaultlink counts the lines of the file."""
    return 0 if link.place == "canvas" else len(NEWLINE.findall(text[: link.start])) + 1


def list_seen_links(vault: SeenVault) -> Counts:
    """Return the links as the independent reader sees them; definitions and backgrounds are no links for Obsidian."""
    return Counter(
        (
            path,
            line_of(link, file.text),
            "markdown" if link.form == "markdown" else "wikilink",
            link.embed and link.form != "card",
            normalize(link.target),
            link.subpath,
            meaning.path,
            {None: None, "missing": "missing"}.get(meaning.anchor, "found"),
        )
        for path, link, meaning in vault.occurrences()
        if link.form not in ("definition", "background") and (file := vault.files[path])
        if not is_managed(link, file.text)
    )


def list_reported_links(data: Any) -> Counts:
    """Return the links that `vaultlink links` reports, in the same form."""
    return Counter(
        (
            item["path"],
            0 if item["place"] == "canvas" else item["line"],
            item["kind"],
            item["embed"],
            normalize(item["target"]),
            item["subpath"] or "",
            item["resolved"],
            item["anchor"],
        )
        for item in data["links"]
        if item["status"] != "external"
    )


def without_left_out(links: Counts) -> Counts:
    """Return the links of all but the notes on which the two differ."""
    return Counter({link: count for link, count in links.items() if link[0] not in LEFT_OUT})


@pytest.mark.parametrize("folder", VAULTS, ids=lambda folder: folder.name)
def test_links_agree(run: RunCommand, folder: Path) -> None:
    done = run("links", "--vault", folder, "--output-format", "json")
    seen = list_seen_links(SeenVault.from_folder(folder))
    assert without_left_out(seen) == without_left_out(list_reported_links(done.data))


@pytest.mark.parametrize("folder", VAULTS, ids=lambda folder: folder.name)
def test_headings_blocks_and_tags_agree(run: RunCommand, folder: Path) -> None:
    data: Any = run("show", "--vault", folder, "--output-format", "json").data
    vault = SeenVault.from_folder(folder)
    for note in data["notes"]:
        seen = vault.files[note["path"]]
        if seen is None or note["path"] in LEFT_OUT:
            continue
        reported = [(item["level"], item["text"]) for item in note["headings"]]
        assert [(item.level, item.text) for item in seen.headings] == reported, note["path"]
        blocks = sorted(item["id"].lower() for item in note["blocks"])
        assert sorted(item.name.lower() for item in seen.blocks) == blocks, note["path"]
        tags = sorted(item["name"] for item in note["tags"])
        assert sorted(item.name for item in seen.tags) == tags, note["path"]


def test_the_torture_vault_has_all_kinds_of_links() -> None:
    """Count the kinds: form, place, embed, anchor, display text, and the way the destination is written."""
    vault = SeenVault.from_folder(FIXTURES / "every-link")
    kinds = {
        (
            link.form,
            link.place,
            link.embed,
            re.sub(r"\d+", "", meaning.anchor or ""),
            link.display is not None,
            re.sub(r"[^<%]|%(?!20)", "", link.written)[:1],
            re.match(r"(\.\./|\./|/)?", link.target)[0],  # type: ignore[index]
            link.target.lower().endswith(".md"),
            "/" in link.target,
        )
        for _, link, meaning in vault.occurrences()
        if meaning.path == "projects/Old Note.md"
    }
    assert len(kinds) >= 40


@each(
    ("text", "links"),
    [
        ("[[a]] and [[a|b]]", ["a", "a"]),
        ("[[a [[b]]", ["b"]),
        ("[[[a]]]", ["[a"]),
        ("| x |\n|---|\n| [[a\\|b]] [[c]] |", ["a", "c"]),
        ("[t](a%20b.md 'title') ![i](<a b.png>)", ["a b.md", "a b.png"]),
        ('[x]: a%20b.md "t"\n[y]: <c d.md>', ["a b.md", "c d.md"]),
        ("%% [[a]] %%", ["a"]),
        ("---\np: '[[a]]'\n---\n[[b]]", ["a", "b"]),
        ("`[[a]]` $[[b]]$ <!-- [[c]] --> \\[[d]] <i title='[[e]]'>", []),
        ("```\n[[a]]\n```\n\n<div>\n[[b]]\n</div>\n\n    [[c]]", []),
        ("---\np: see [[a]]\nq: [[b]]\n---\n", []),
        ("[a](b:c) [a](https://x.y) [x][a] [] [t]()", []),
    ],
)
def test_links_are_read(text: str, links: list[str]) -> None:
    assert [link.target for link in read_note(text).links] == links


@each("text", ["[[a]]", "x\n> - 🎉 [[ a|b ]]", "|x|y|\n|-|-|\n| `\\|` [[a\\|b]] | [[a]]|"])
def test_positions_are_those_of_the_file(text: str) -> None:
    for link in read_note(text).links:
        assert [text[start:end] for start, end in link.pieces] == ["a"]
        assert text[link.start :].startswith("[[")
        assert text[: link.end].endswith("]]")


FILES = dict.fromkeys(
    ("Note.md", "a/Note.md", "a/b/Note.md", "a/b/x.md", "c/v1.2.md", "c/p.png"), b""
)


@each(
    ("source", "target", "expected"),
    [
        ("a/b/x.md", "Note", "Note.md"),  # 5.7: the root wins
        ("a/b/x.md", "a/Note", "a/Note.md"),
        ("a/b/x.md", "b/Note", "a/b/Note.md"),
        ("a/b/x.md", "./Note", "a/b/Note.md"),
        ("a/b/x.md", "../Note", "a/Note.md"),
        ("a/b/x.md", "../../../../Note", "Note.md"),
        ("Note.md", "/b/Note", None),
        ("Note.md", "/a/Note.md", "a/Note.md"),
        ("Note.md", "v1.2", "c/v1.2.md"),
        ("Note.md", "P.PNG", "c/p.png"),
        ("Note.md", "p", None),
        ("Note.md", "../p.png", None),
        ("Note.md", "z/p.png", None),
        ("a/b/x.md", "", "a/b/x.md"),
    ],
)
def test_links_are_resolved(source: str, target: str, expected: str | None) -> None:
    assert SeenVault(FILES).resolve(target, source) == expected
