"""Where links lead and what leads there, as an editor asks for it."""

import asyncio
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from reader import ask, identify, point, read_place, read_range, read_vault

from editors import EDITORS, WAIT, choose_editors, find_position, start
from running import create_vault, new_folder
from tables import each
from vaultlink.api import Vault, fold_vault, open_vault
from vaultlink.serve.lsp.images import measure_image
from vaultlink.serve.lsp.navigation import (
    find_definition,
    find_hover,
    find_references,
)
from vaultlink.serve.lsp.views import OpenDocument, View, read_client

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 480) + bytes(5)

QUAY = """\
---
title: The quay
aliases: [Jetty]
tags: [place]
---
# The quay

Ships lie here. ^ships

## Plan
first
second

### Depth
deep

## End

- one
- two
  and more ^two

| a |
|---|
| b |

^table
"""

VAULT: dict[str, Any] = {
    "Home.md": (
        "---\nup: '[[Quay]]'\n---\n\n[[Quay#Plan|the plan]] and ![[Quay#^ships]] #place/sea\n"
        "[[Quay#Plan#Depth]] [[Quay#^two]] [[Quay#^table]] [[Nowhere]] [[Quay#Gone]]\n"
        "[end](Quay.md#End) [web](https://example.org/#a) ![[map.png]] [ref][q] [[nowhere]]\n"
        '<img src="map.png">\n\n[q]: Quay.md\n'
    ),
    "Quay.md": QUAY,
    "sub/Other.md": "Also [[Quay]], [[Nowhere]], [[Jetty]] and [[#Own]]. #place #Place/sea\n\n# Own\n",
    "map.png": PNG,
    "board.canvas": (
        '{"nodes": [{"id": "1", "type": "file", "file": "Quay.md"},\r\n'
        r'{"text": "\n🙂 [[Quay#Go\u006ee]] [[Quay]]\n[[Quay]]", "id": "2", "type": "text"}]}'
    ),
}


@pytest.fixture
def view(tmp_path: Path) -> View:
    return read_vault(tmp_path, VAULT, has_location_links=True)


def go(view: View, path: str, marked: str) -> list[str]:
    """Return where a definition leads: what is shown, and what is selected."""
    found = ask(find_definition, view, types.DefinitionParams(**point(view, path, marked)))
    if isinstance(found, types.Location):
        return [read_place(view, found.uri, found.range)]
    return [
        text
        for link in found or ()
        for text in (
            read_place(view, link.target_uri, link.target_range),
            read_place(view, link.target_uri, link.target_selection_range),
        )
    ]


# -- definitions ------------------------------------------------------------------------------------------------------

PLAN = "Quay.md: ## Plan\nfirst\nsecond\n\n### Depth\ndeep"


@each(
    ("marked", "expected"),
    [
        pytest.param("up: '[[Qu¦ay", ["Quay.md", "Quay.md"], id="property"),
        pytest.param("¦[[Quay#Plan|", [PLAN, "Quay.md: Plan"], id="heading, at the link's begin"),
        pytest.param("|the plan]]¦ and", [PLAN, "Quay.md: Plan"], id="heading, at the link's end"),
        pytest.param(
            "![[Quay#^sh¦ips", ["Quay.md: Ships lie here. ^ships"] * 2, id="block of one line"
        ),
        pytest.param(
            "Plan#De¦pth", ["Quay.md: ### Depth\ndeep", "Quay.md: Depth"], id="nested heading"
        ),
        pytest.param(
            "#^tw¦o",
            ["Quay.md: - two\n  and more ^two", "Quay.md: - two"],
            id="block of two lines",
        ),
        pytest.param(
            "#^tab¦le",
            ["Quay.md: | a |\n|---|\n| b |\n\n^table", "Quay.md: | a |"],
            id="block above its id",
        ),
        pytest.param("Quay#Go¦ne", ["Quay.md", "Quay.md"], id="missing heading: the note"),
        pytest.param("(Quay.md#E¦nd", None, id="Markdown link"),
        pytest.param("![[map¦.png", ["map.png", "map.png"], id="attachment"),
        pytest.param("<img src=\"ma¦p.png", ["map.png", "map.png"], id="image in HTML"),
        pytest.param("[q]: Qu¦ay.md", ["Quay.md", "Quay.md"], id="label"),
        pytest.param(" [[No¦where]] [[Quay#Gone", [], id="unresolved"),
        pytest.param("https://exa¦mple", [], id="address"),
        pytest.param("]] a¦nd ![[", [], id="text"),
    ],
)  # fmt: skip
def test_definition(view: View, marked: str, expected: list[str] | None) -> None:
    end = "- one\n- two\n  and more ^two\n\n| a |\n|---|\n| b |\n\n^table"
    whole = [f"Quay.md: ## End\n\n{end}", "Quay.md: End"]
    assert go(view, "Home.md", marked) == (whole if expected is None else expected)


def test_definition_without_location_links_is_the_selected_place(tmp_path: Path) -> None:
    view = read_vault(tmp_path, VAULT)
    assert go(view, "Home.md", "Plan#De¦pth") == ["Quay.md: Depth"]
    assert go(view, "Home.md", "#^tw¦o") == ["Quay.md: - two"]


@each(
    ("path", "marked", "expected"),
    [
        ("Quay.md", "## Pl¦an", PLAN),
        ("Quay.md", "here. ^sh¦ips", "Quay.md: Ships lie here. ^ships"),
        ("Home.md", "#pla¦ce/sea", "Home.md: #place/sea"),
    ],
)
def test_definition_of_the_thing_itself_is_its_place(
    view: View, path: str, marked: str, expected: str
) -> None:
    assert go(view, path, marked)[0] == expected


def test_definition_has_the_span_of_its_link(view: View) -> None:
    params = types.DefinitionParams(**point(view, "Home.md", "|the¦ plan"))
    [link] = ask(find_definition, view, params)
    assert read_range(view, "Home.md", link.origin_selection_range) == "[[Quay#Plan|the plan]]"


@each("marked", ['"file": "Qu¦ay.md"', "]] [[Qu¦ay]]", "[[Quay#Go\\u00¦6ee]]"])
def test_link_of_a_canvas_leads_somewhere(view: View, marked: str) -> None:
    assert go(view, "board.canvas", marked) == ["Quay.md", "Quay.md"]


@each("marked", ['"type": "fi¦le"', "\\n🙂¦ [[", '"id": "¦1"'])
def test_other_text_of_a_canvas_leads_nowhere(view: View, marked: str) -> None:
    assert go(view, "board.canvas", marked) == []


QUERIES = """\
```dataview
LIST FROM [[Quay]] or #place/sea or "sub/Other" or "sub"
```
"""


@each(
    ("marked", "expected"),
    [
        ("[[Qu¦ay]]", ["Quay.md"]),
        ("sub/Ot¦her", ["sub/Other.md"]),
        ("#place/s¦ea", ["Q.md: place/sea"]),
        ('"s¦ub"', []),
        ("LI¦ST", []),
    ],
)
def test_name_in_a_query_leads_somewhere(tmp_path: Path, marked: str, expected: list[str]) -> None:
    view = read_vault(new_folder(tmp_path), {**VAULT, "Q.md": QUERIES})
    assert go(view, "Q.md", marked) == expected
    assert bool(hover(view, "Q.md", marked)) == bool(expected)


def test_link_of_a_managed_section_leads_somewhere(tmp_path: Path) -> None:
    section = "<!-- vaultlink:backlinks -->\n## Backlinks\n- [[B]]\n<!-- /vaultlink:backlinks -->\n"
    view = read_vault(tmp_path, {"A.md": f"text\n\n{section}", "B.md": "[[A]]\n"})
    assert go(view, "A.md", "- [[¦B]]") == ["B.md"]


# -- references -------------------------------------------------------------------------------------------------------


def list_references(view: View, path: str, marked: str, *, declares: bool = False) -> list[str]:
    context = types.ReferenceContext(include_declaration=declares)
    params = types.ReferenceParams(context, **point(view, path, marked))
    found = ask(find_references, view, params)
    return [read_place(view, item.uri, item.range) for item in found or ()]


TO_QUAY = [
    "Home.md: [[Quay]]",
    "Home.md: [[Quay#Plan|the plan]]",
    "Home.md: ![[Quay#^ships]]",
    "Home.md: [[Quay#Plan#Depth]]",
    "Home.md: [[Quay#^two]]",
    "Home.md: [[Quay#^table]]",
    "Home.md: [[Quay#Gone]]",
    "Home.md: [end](Quay.md#End)",
    "board.canvas: Quay.md",
    r"board.canvas: [[Quay#Go\u006ee]]",
    "board.canvas: [[Quay]]",
    "board.canvas: [[Quay]]",
    "sub/Other.md: [[Quay]]",
]


@each(
    ("path", "marked", "expected"),
    [
        pytest.param("sub/Other.md", "Also [[Qu¦ay", TO_QUAY, id="note, at a link"),
        pytest.param("Quay.md", "# The qu¦ay", TO_QUAY, id="note, at its title"),
        pytest.param("Quay.md", "title: The ¦quay", TO_QUAY, id="note, at its title property"),
        pytest.param("Quay.md", "[Jet¦ty]", TO_QUAY, id="note, at its alias"),
        pytest.param("Quay.md", "¦---\ntitle", TO_QUAY, id="note, at the top"),
        pytest.param("Home.md", "#Plan|the¦", ["Home.md: [[Quay#Plan|the plan]]"], id="heading"),
        pytest.param("Quay.md", "¦## Plan", ["Home.md: [[Quay#Plan|the plan]]"], id="at its line"),
        pytest.param("Quay.md", "^shi¦ps", ["Home.md: ![[Quay#^ships]]"], id="block"),
        pytest.param("Quay.md", "## E¦nd", ["Home.md: [end](Quay.md#End)"], id="Markdown link"),
        pytest.param("sub/Other.md", "# O¦wn", TO_OWN := ["sub/Other.md: [[#Own]]"], id="own"),
        pytest.param("sub/Other.md", "[[#O¦wn", TO_OWN, id="own, at the link"),
        pytest.param("Home.md", "![[map¦.png", ["Home.md: ![[map.png]]"], id="attachment"),
        pytest.param(
            "Home.md",
            " [[No¦where]] [[Quay#Gone",
            ["Home.md: [[Nowhere]]", "Home.md: [[nowhere]]", "sub/Other.md: [[Nowhere]]"],
            id="unresolved, in any case",
        ),
        pytest.param(
            "sub/Other.md",
            "#pla¦ce #Place",
            [
                "Home.md: #place/sea",
                "Quay.md: place",
                "sub/Other.md: #place",
                "sub/Other.md: #Place/sea",
            ],
            id="tag, with nested ones",
        ),
        pytest.param(
            "Home.md",
            "#place/s¦ea",
            ["Home.md: #place/sea", "sub/Other.md: #Place/sea"],
            id="nested tag",
        ),
        pytest.param("Quay.md", "Ships l¦ie", [], id="text"),
        pytest.param("Home.md", "https://exa¦mple", [], id="address"),
    ],
)
def test_references(view: View, path: str, marked: str, expected: list[str]) -> None:
    if marked == "# O¦wn":  # the title of its note, which no link names
        expected = []
    assert list_references(view, path, marked) == expected


@each(
    ("path", "marked", "declaration"),
    [
        ("Home.md", "#Plan|the¦", ["Quay.md: Plan"]),
        ("Quay.md", "^shi¦ps", ["Quay.md: ^ships"]),
        ("sub/Other.md", "Also [[Qu¦ay", ["Quay.md"]),
        ("Home.md", " [[No¦where]] [[Quay#Gone", []),
        ("Home.md", "#place/s¦ea", []),
    ],
)
def test_references_include_the_declaration_if_asked(
    view: View, path: str, marked: str, declaration: list[str]
) -> None:
    without = list_references(view, path, marked)
    assert list_references(view, path, marked, declares=True) == declaration + without


def test_references_are_those_of_unsaved_texts(tmp_path: Path) -> None:
    held = {"sub/Other.md": "🙂 [[Home]] \ufeff[[Quay]]\r\n"}
    view = read_vault(tmp_path, VAULT, held)
    assert list_references(view, "Quay.md", "# The qu¦ay")[-1] == "sub/Other.md: [[Quay]]"
    assert list_references(view, "sub/Other.md", "[[Ho¦me") == ["sub/Other.md: [[Home]]"]


def test_references_to_a_tag_follow_each_change(tmp_path: Path) -> None:
    view = read_vault(tmp_path, {"A.md": "#a #a/b\n", "B.md": "#A\n", "C.md": "#b\n"})
    before = ["A.md: #a", "A.md: #a/b", "B.md: #A"]
    assert list_references(view, "A.md", "#¦a #a") == before
    vault = view.vault.holding("B.md", "#b\n").holding("C.md", "---\ntags: [a/c]\n---\n")
    changed = {path: OpenDocument(view.uri(path), 1, vault.text(path)) for path in ("B.md", "C.md")}
    later = View(vault, view.client, view.root, changed, kept=view.kept)
    assert list_references(later, "A.md", "#¦a #a") == ["A.md: #a", "A.md: #a/b", "C.md: a/c"]
    assert list_references(view, "A.md", "#¦a #a") == before


ODD_TEXTS = {
    "emoji": "🙂🙂 [[T]] é [[T#H]]\n",
    "line ends": "one\r\ntwo [[T]]\r\n\r\n[[T#H]]",
    "lone returns": "one\rtwo [[T]]\rthree [[T#H]]\n",
    "byte order mark": "\ufeff[[T]] [[T#H]]\n",
    "separators": "a\u2028b\x0c[[T]] \x85[[T#H]]\t\n",
    "two lines": "x [[T]] [a 🙂\nb](T.md#H) y\n",
    "nothing odd": "[[T]]\n\n[[T#H]]\n",
}


@each("encoding", ["utf-8", "utf-16", "utf-32"])
@each("is_open", [False, True])
def test_ranges_are_those_of_the_links_in_odd_texts(
    tmp_path: Path, encoding: str, *, is_open: bool
) -> None:
    files = {f"{name}.md": text for name, text in ODD_TEXTS.items()}
    files["T.md"] = "# Title\n\n## H\n"
    view = read_vault(new_folder(tmp_path), files, files if is_open else {}, encoding=encoding)
    for _ in range(2):  # the second time from what is kept
        found = list_references(view, "T.md", "# Ti¦tle")
        assert len(found) == 2 * len(ODD_TEXTS)
        assert {text.partition(": ")[2] for text in found} == {
            *("[[T]]", "[[T#H]]", "[a 🙂\nb](T.md#H)")
        }


def test_what_is_kept_of_a_text_is_forgotten_when_its_file_changes(tmp_path: Path) -> None:
    view = read_vault(tmp_path, {"T.md": "# T\n", "A.md": "xy [[T]]\n"})
    assert list_references(view, "T.md", "# ¦T") == ["A.md: [[T]]"]
    (view.vault.root / "A.md").write_text("🙂 y [[T]]\n", encoding="utf-8")
    vault = view.vault.holding("A.md", "").releasing("A.md")
    later = View(vault, view.client, view.root, kept=view.kept)
    assert list_references(later, "T.md", "# ¦T") == ["A.md: [[T]]"]


def test_places_that_are_kept_are_those_of_unchanged_notes_only(tmp_path: Path) -> None:
    texts = {"T.md": "# T\n", "A.md": "[[T]]\n", "B.md": "[[T]]\n"}
    first = read_vault(tmp_path, texts)
    vault = open_vault(first.vault.root)  # from the saved state
    assert vault.index.notes.origin is not None
    both = ["A.md: [[T]]", "B.md: [[T]]"]

    def look(vault: Vault, **held: str) -> list[str]:
        documents = {f"{name}.md": OpenDocument(f"file://{vault.root}/{name}.md", 1, text) for name, text in held.items()}  # fmt: skip
        for path, document in documents.items():
            vault = vault.holding(path, document.text)
        view = View(fold_vault(vault), first.client, first.root, documents, kept=first.kept)
        return list_references(view, "T.md", "# ¦T")

    for _ in range(2):
        assert look(vault) == both
        assert look(vault, A="x\n\n[[T]]\n") == both
        assert look(vault, A="", B="[[B]] [[T|t]]") == ["B.md: [[T|t]]"]


# -- hovers -----------------------------------------------------------------------------------------------------------


def hover(view: View, path: str, marked: str) -> str | None:
    """Return the text of a hover."""
    found = ask(find_hover, view, types.HoverParams(**point(view, path, marked)))
    return None if found is None else found.contents.value


@each(
    ("path", "marked", "expected"),
    [
        pytest.param(
            "Home.md",
            "#^tw¦o",
            "`Quay.md#^two`, 1 link to this block\n\n---\n\n- two\n  and more ^two",
            id="block",
        ),
        pytest.param(
            "Home.md",
            "Plan#De¦pth",
            "`Quay.md#Plan#Depth`, 1 link to this heading\n\n---\n\n### Depth\ndeep",
            id="heading",
        ),
        pytest.param("Quay.md", "# The qu¦ay", "3 backlinks", id="title"),
        pytest.param("Quay.md", "## Pl¦an", "1 link to this heading", id="at a heading"),
        pytest.param(
            "Home.md",
            "Quay#Go¦ne",
            "“#Gone” is missing there",
            id="missing heading",
        ),
        pytest.param(
            "Home.md",
            " [[No¦where]] [[Quay#Gone",
            "“Nowhere” does not resolve to any file in the vault. 2 notes name it.",
            id="unresolved",
        ),
        pytest.param("sub/Other.md", "[[Jet¦ty", "It may mean `Quay.md`.", id="alias"),
        pytest.param(
            "Home.md",
            "![[map¦.png",
            f"`map.png`, 1 backlink, 640 × 480 pixels, {len(PNG)} bytes",
            id="image",
        ),
        pytest.param(
            "Home.md", "#place/s¦ea", "`#place/sea`: 2 notes, nested tags included", id="tag"
        ),
    ],
)
def test_hover(view: View, path: str, marked: str, expected: str) -> None:
    found = hover(view, path, marked)
    assert found is not None
    assert expected in found


@each(
    ("text", "expected"),
    [
        (
            "[[¦Harbour office]]",
            "`a/Harbour office.md`, 1 backlink. The link also fits `b/Harbour office.md`",
        ),
        ("[[a/¦Harbour office]]", "`a/Harbour office.md`, 1 backlink"),
        (
            "[[harbour-office¦]]",
            " 1 note names it. It may mean `a/Harbour office.md` or `b/Harbour office.md`.",
        ),
        (
            "[[Harbour office#headin-g¦]]",
            "“#headin-g” is missing there. It may mean `a/Harbour office.md#Heading`.",
        ),
        ("[[¦#Own]]\n\n# Own", "`A.md#Own`, 1 link to this heading"),
        ("[[A#^x¦]] ^x", "`A.md#^x`, 1 link to this block"),
    ],
)
def test_hover_says_what_else_may_be_meant(tmp_path: Path, text: str, expected: str) -> None:
    twin = "# Heading\n"
    view = read_vault(
        new_folder(tmp_path),
        {"A.md": text.replace("¦", ""), "a/Harbour office.md": twin, "b/Harbour office.md": twin},
    )
    found = hover(view, "A.md", text)
    assert found is not None
    assert expected in found


@each(
    ("path", "marked"),
    [("Home.md", "https://exa¦mple"), ("Quay.md", "Ships l¦ie"), ("Quay.md", "¦---\ntitle")],
)
def test_no_hover(view: View, path: str, marked: str) -> None:
    assert hover(view, path, marked) is None


def test_hover_begins_below_the_properties_and_is_cut(tmp_path: Path) -> None:
    long = "---\na: 1\n---\n" + "".join(f"line {number}\n" for number in range(100))
    view = read_vault(tmp_path, {"A.md": "[[B]]\n", "B.md": long})
    found = hover(view, "A.md", "[[¦B")
    assert found is not None
    lines = found.splitlines()
    assert lines[:5] == ["`B.md`, 1 backlink", "", "---", "", "line 0"]
    assert lines[-3:] == ["line 19", "", "…"]


def test_hover_has_no_control_characters_and_no_markup_of_names(tmp_path: Path) -> None:
    files = {"A.md": "[[x`*y]]\n", "x`*y.md": "a\x1b[31mb\u202ec\n\tindented\n"}
    view = read_vault(tmp_path, files)
    found = hover(view, "A.md", "[[¦x")
    assert found == ("`` x`*y.md ``, 1 backlink\n\n---\n\na\\u001b[31mb\\u202ec\n    indented")
    plain = View(view.vault, view.client._replace(has_markdown_hover=False), view.root)
    assert (hover(plain, "A.md", "[[¦x") or "").startswith("x`*y.md, 1 backlink\n\n")


def test_document_alone_does_not_call_links_unresolved(tmp_path: Path) -> None:
    text = "[[Other]] [[#H]] #tag\n\n## H\n"
    whole = read_vault(tmp_path, {"A.md": text}, {"A.md": text})
    view = View(whole.vault, whole.client, whole.root, whole.documents, is_whole=False)
    assert hover(view, "A.md", "[[Oth¦er") is None
    assert hover(view, "A.md", "#ta¦g") is None
    assert go(view, "A.md", "[[#¦H") == ["A.md: H"]


# -- sizes of images --------------------------------------------------------------------------------------------------

JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc0\x00\x11\x08" + struct.pack(">HH", 20, 10) + bytes(9)


@each(
    ("data", "expected"),
    [
        pytest.param(PNG, (640, 480), id="PNG"),
        pytest.param(b"GIF89a" + struct.pack("<HH", 3, 4), (3, 4), id="GIF"),
        pytest.param(b"BM" + bytes(16) + struct.pack("<ii", 5, -6), (5, 6), id="BMP"),
        pytest.param(JPEG, (10, 20), id="JPEG"),
        pytest.param(
            b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + b"\x09\0\0\x13\0\0", (10, 20), id="WebP, extended"
        ),
        pytest.param(
            b"RIFF\0\0\0\0WEBPVP8L" + bytes(4) + b"\x2f" + struct.pack("<I", 9 | 19 << 14),
            (10, 20),
            id="WebP without loss",
        ),
        pytest.param(
            b"RIFF\0\0\0\0WEBPVP8 " + bytes(10) + struct.pack("<HH", 10, 20), (10, 20), id="WebP"
        ),
        pytest.param(b"", None, id="empty"),
        pytest.param(b"RIFF\0\0\0\0WAVE", None, id="sound"),
        pytest.param(PNG[:18], None, id="cut"),
        pytest.param(PNG[:16] + bytes(8), None, id="without pixels"),
        pytest.param(PNG[:20] + bytes(4), None, id="without lines"),
        pytest.param(PNG[:16] + bytes(4) + PNG[20:], None, id="without columns"),
        pytest.param(b"\xff\xd8\xff" + bytes(100_000), None, id="damaged JPEG"),
        pytest.param(b"\xff\xd8" + b"\xff" * 100_000, None, id="JPEG that never begins"),
        pytest.param(zlib.compress(PNG), None, id="another format"),
    ],
)
def test_size_of_an_image(data: bytes, expected: tuple[int, int] | None) -> None:
    assert measure_image(data) == expected


# -- what editors can do ----------------------------------------------------------------------------------------------


@each(
    ("experimental", "expected"),
    [
        ({"commands": {"commands": ["vaultlink.showReferences"]}}, "vaultlink.showReferences"),
        ({"commands": {"commands": ["other"]}}, ""),
        ({"commands": {"commands": 1}}, ""),
        ({"commands": []}, ""),
        ([1], ""),
        (None, ""),
    ],
)
def test_command_for_references_is_one_that_the_editor_has(
    view: View, experimental: Any, expected: str
) -> None:
    capabilities = types.ClientCapabilities(experimental=experimental)
    assert read_client(capabilities, view.client.codec).references_command == expected


@each("function", [find_definition, find_hover])
@each("path", ["missing.md", "map.png"])
def test_file_without_a_text_has_no_answers(view: View, function: Any, path: str) -> None:
    place = {**identify(view, path), "position": types.Position(10**6, 10**6)}
    assert ask(function, view, types.HoverParams(**place)) is None


# -- over stdio -------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize("name", choose_editors())
async def test_editor_follows_links_of_an_unsaved_text(name: str, tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", VAULT)
    uri, quay = ((vault / path).as_uri() for path in ("Home.md", "Quay.md"))
    async with start(vault, can=EDITORS[name]()) as editor:
        editor.open(uri, "🙂 [[Quay#^two]]\r\n")
        client: Any = editor.client
        document = types.TextDocumentIdentifier(uri)
        place = find_position(editor.texts[uri], 4, editor.encoding)
        async with asyncio.timeout(WAIT):
            while True:  # until the vault is read
                params = types.DefinitionParams(document, place)
                found = await client.text_document_definition_async(params)
                if found:
                    break
        shown = found[0].target_selection_range if isinstance(found, list) else found.range
        assert editor.cut(quay, shown) == "- two"
        hovered = await client.text_document_hover_async(types.HoverParams(document, place))
        assert "1 link to this block" in hovered.contents.value
        assert editor.cut(uri, hovered.range) == "[[Quay#^two]]"
        context = types.ReferenceContext(include_declaration=False)
        references = types.ReferenceParams(context, document, place)
        places = await client.text_document_references_async(references)
        assert [editor.cut(item.uri, item.range) for item in places] == ["[[Quay#^two]]"]
