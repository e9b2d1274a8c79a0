"""Tests of renaming tags: exactly the tags change, wherever the parser reads them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder import build_state
from tables import each
from vaultlink.fix.plan import Rename, RenameKind
from vaultlink.links.edit_math import apply_edits
from vaultlink.model import Edit
from vaultlink.parse.note import parse_note
from vaultlink.refactor.planner import find_base_mentions, find_mentioned_words
from vaultlink.refactor.relocation import RefusedError
from vaultlink.refactor.tags import (
    find_tag_conflict,
    find_tagged_notes,
    plan_tag_rename,
    rename_in_tag,
    validate_tag,
)


def plan(text: str, old: str, new: str, path: str = "n.md") -> tuple[Edit, ...] | None:
    return plan_tag_rename(path, parse_note(path, text), text, old, new)


def renamed(text: str, old: str = "old", new: str = "new", path: str = "n.md") -> str:
    edits = plan(text, old, new, path)
    assert edits is not None
    return apply_edits(text, edits)


# -- the body of a note -----------------------------------------------------------------------------------------------


@each(
    ("text", "expected"),
    [
        ("#old", "#new"),
        ("x #old y", "x #new y"),
        ("#old/a #old/a/b", "#new/a #new/a/b"),
        ("#old/", "#new/"),
        ("#old, #old. #old! #old?", "#new, #new. #new! #new?"),
        ("#Old #OLD/Sub", "#new #new/Sub"),
        ("#old#old", "#new#new"),
        ("#old#x", "#new#x"),
        ("- #old\n- [ ] #old task", "- #new\n- [ ] #new task"),
        ("> [!note] #old\n> #old", "> [!note] #new\n> #new"),
        ("| a |\n|--|\n| #old |", "| a |\n|--|\n| #new |"),
        ("## Heading #old", "## Heading #new"),
        ("%% #old %%\n\n%%\n#old\n%%", "%% #new %%\n\n%%\n#new\n%%"),
        ("**#old**", "**#new**"),
        ("[#old x](u.md)", "[#new x](u.md)"),
        ("x[^1]\n\n[^1]: #old", "x[^1]\n\n[^1]: #new"),
        ("#old ^id", "#new ^id"),
        ("#old\r\n#old\r\n", "#new\r\n#new\r\n"),
        ("`#old` #old", "`#old` #new"),
        ("[[n#old]] #old", "[[n#old]] #new"),
    ],
)
def test_tag_in_the_body_changes(text: str, expected: str) -> None:
    assert renamed(text) == expected


@each(
    "text",
    [
        "old",
        "#olds #older/x #old-x #old_ #olde",
        "#x/old #a/old/b",
        "# old",
        "##old",
        "x#old",
        "(#old)",
        "\\#old",
        "`#old`",
        "```\n#old\n```",
        "    #old",
        "$#old$",
        "$$\n#old\n$$",
        "<!-- #old -->",
        "<div>\n#old\n</div>",
        '<a href="#old">x</a>',
        "[[#old]] [[n#old]] ![[n#old|#old]]",
        "[x](n.md#old) [x](#old)",
        "https://example.org/#old",
        "<https://example.org/#old>",
        "[r]: n.md#old",
    ],
)
def test_other_text_in_the_body_stays(text: str) -> None:
    assert plan(text, "old", "new") == ()


@each(
    ("text", "old", "new", "expected"),
    [
        ("#a/b #a/b/c #a", "a/b", "x", "#x #x/c #a"),
        ("#a/b #a/b/c #a", "a/b", "a", "#a #a/c #a"),
        ("#a #a/b", "a", "a/b", "#a/b #a/b/b"),
        ("#a/b/c", "A/B", "x/y/z", "#x/y/z/c"),
        ("#Tag #tag #TAG/x", "tag", "Tag", "#Tag #Tag #Tag/x"),
        ("#straße #STRASSE", "straße", "weg", "#weg #STRASSE"),
        ("#Ölfeld/x #標籤", "ölfeld", "標", "#標/x #標籤"),
        ("#😀/x", "😀", "smile", "#smile/x"),
        ("#İx/a", "İx", "y", "#y/a"),
        ("#2024/x", "2024", "y2024", "#y2024/x"),
    ],
)
def test_levels_and_case_of_tags(text: str, old: str, new: str, expected: str) -> None:
    assert renamed(text, old, new) == expected


# -- properties -------------------------------------------------------------------------------------------------------


@each(
    ("block", "expected"),
    [
        ("tags: old", "tags: new"),
        ("tags:   old  ", "tags:   new  "),
        ("TAGS: Old", "TAGS: new"),
        ("tags: old/x", "tags: new/x"),
        ('tags: "old"', 'tags: "new"'),
        ("tags: '#old'", "tags: '#new'"),
        ('tags: "#old/x"', 'tags: "#new/x"'),
        ('tags: " old "', 'tags: " new "'),
        ("tags: [old]", "tags: [new]"),
        ("tags: [ a, old , 'old/x',\"#old\" ]", "tags: [ a, new , 'new/x',\"#new\" ]"),
        ("tags: [a,\n  old]", "tags: [a,\n  new]"),
        ("tags:\n- old\n- a", "tags:\n- new\n- a"),
        ("tags:\n  - old # old\n  - 'old'", "tags:\n  - new # old\n  - 'new'"),
        ("x: old\ntags:\n  - old\ny: old", "x: old\ntags:\n  - new\ny: old"),
        ('tags: ["o\\u006cd/x"]', 'tags: ["new/x"]'),
        ('tags: ["a", "old\\/x"]', 'tags: ["a", "new/x"]'),
        ("tags: &a old\nx: *a", "tags: &a new\nx: *a"),
        ("tags: [&a old, *a]", "tags: [&a new, *a]"),
        ("tags: !!str old", "tags: !!str new"),
        ("tags: >-\n  old", "tags: >-\n  new"),
        ("tags: |\n  old\n", "tags: |\n  new\n"),
        ('{"tags": ["old", "a"]}', '{"tags": ["new", "a"]}'),
    ],
)
def test_tag_in_a_property_changes(block: str, expected: str) -> None:
    for end in ("\n", "\r\n"):
        text = f"---\n{block}\n---\n#old\n".replace("\n", end)
        assert renamed(text) == f"---\n{expected}\n---\n#new\n".replace("\n", end)


@each(
    "block",
    [
        "tags: olds",
        "tags: [a/old, olds]",
        "tags: old, b",
        "tags: [old b]",
        "tags: #old",
        "tags:\n  - #old",
        "tags: [[old]]",
        "tags: {old: old}",
        "tag: old",
        "aliases: [old, '#old']",
        "old: '#old'",
        "tags: [a] # old",
        "x:\n  tags: old",
        "tags: [old",
    ],
)
def test_other_property_stays(block: str) -> None:
    assert plan(f"---\n{block}\n---\n", "old", "new") == ()


@each("new", ["null", "true", "-", "1e3", "0x1f", "---", "-a", "~a"[1:]])
@each("block", ["tags: old", "tags: [old, a]", "tags:\n  - old", "tags: '#old'"])
def test_tag_that_yaml_reads_as_something_else_gets_quotes(block: str, new: str) -> None:
    text = f"---\n{block}\n---\n"
    tags = [tag.name for tag in parse_note("n.md", renamed(text, "old", new)).tags]
    assert tags == [new, "a"] if ", a" in block else [new]


def test_quotes_are_added_only_where_needed() -> None:
    assert renamed("---\ntags: [old, 'old', x]\n---\n", "old", "null") == (
        "---\ntags: [\"null\", 'null', x]\n---\n"
    )
    assert renamed("---\ntags: [old/a]\n---\n", "old", "null") == "---\ntags: [null/a]\n---\n"


# -- canvases ---------------------------------------------------------------------------------------------------------


@each(
    ("card", "expected"),
    [
        ("#old", "#new"),
        ("a\\n#old/x", "a\\n#new/x"),
        ("\\u0023old \\ud83d\\ude00 #\\u004fLD", "\\u0023new \\ud83d\\ude00 #new"),
        ("`#old` [[#old]] #olds", "`#old` [[#old]] #olds"),
        ('\\"#old\\"', '\\"#old\\"'),
        ("old", "old"),
    ],
)
def test_tag_in_a_text_card(card: str, expected: str) -> None:
    text = '{ "nodes": [{"type":"text","text":"%s"},{"type":"file","file":"#old"}] }'
    assert renamed(text % card, path="a.canvas") == text % expected


def test_tag_in_a_canvas_whose_number_signs_are_all_escaped() -> None:
    text = '{"nodes":[{"type":"text","text":"\\u0023old"}]}'
    assert renamed(text, path="a.canvas") == text.replace("old", "new")


@each(
    "text",
    [
        "",
        "{",
        '{"nodes":[{"type":"text","text":["#old"]}]}',
        '{"nodes":[{"type":"text","text":{"#":"#old"}}]}',
        '{"nodes":[{"type":"link","text":"#old"}]}',
        "#old",
    ],
)
def test_canvas_without_tags_stays(text: str) -> None:
    assert plan(text, "old", "new", "a.canvas") == ()


# -- names ------------------------------------------------------------------------------------------------------------


@each(
    ("name", "expected"),
    [("a", "a"), ("#a", "a"), ("#a/b-c_d", "a/b-c_d"), ("y1984", "y1984"), ("标签", "标签")],
)
def test_valid_tag(name: str, expected: str) -> None:
    assert validate_tag(name) == expected


@each(
    ("name", "reason"),
    [
        ("", "needs a name"),
        ("#", "needs a name"),
        ("1984", "a character that is not a digit"),
        ("#2024", "a character that is not a digit"),
        ("a b", "can't contain a space"),
        (" a", "can't contain a space"),
        ("a\tb", "can't contain U+0009"),
        ("a\x07b", "can't contain U+0007"),
        ("a.b", "can't contain “.”"),
        ("a#b", "can't contain “#”"),
        ("##a", "can't contain “#”"),
        ("a,b", "can't contain “,”"),
        ("a—b", "can't contain “—”"),
        ("a\\b", "can't contain “\\”"),
        ("/a", "empty level"),
        ("a/", "empty level"),
        ("a//b", "empty level"),
        ("/", "empty level"),
    ],
)
def test_refused_tag(name: str, reason: str) -> None:
    with pytest.raises(RefusedError) as caught:
        validate_tag(name)
    assert reason in str(caught.value)


TAGS = st.lists(st.text(st.sampled_from("aB1é-_标."), min_size=1, max_size=3), max_size=3).map(
    "/".join
)


@given(TAGS | st.text(max_size=6))
def test_valid_tags_are_those_that_the_parser_reads(name: str) -> None:
    read = [tag.name for tag in parse_note("n.md", f"x #{name} x").tags]
    try:
        assert [validate_tag(name)] == read or name.startswith("#")
    except RefusedError:
        control = any(ord(char) < 32 or 127 <= ord(char) < 160 for char in name)
        assert read != [name] or control or not all(name.split("/"))


@each(
    ("tags", "old", "new", "expected"),
    [
        ("#old #other", "old", "new", None),
        ("#old #new", "old", "new", "new"),
        ("#old #NEW", "old", "new", "NEW"),
        ("#old #new/x", "old", "new", "new/x"),
        ("#old #news #x/new", "old", "new", None),
        ("#old #Old/x", "old", "Old", None),
        ("#a #a/b", "a", "a/b", None),
        ("#a/b #a/c", "a/b", "a", "a/c"),
        ("#a/b #a/b/c", "a/b", "a", None),
        ("#old #new", "old", "new/x", None),
    ],
)
def test_conflicting_tags(tags: str, old: str, new: str, expected: str | None) -> None:
    index = build_state({f"{number}.md": tag for number, tag in enumerate(tags.split())}).index
    assert find_tag_conflict(index, old, new) == expected


def test_tagged_notes() -> None:
    texts = {"a.md": "#Old", "b.md": "---\ntags: [old/x]\n---\n", "c.md": "#olds", "d.md": "old"}
    assert find_tagged_notes(build_state(texts).index, "old") == ["a.md", "b.md"]


# -- properties -------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["old", "Old", "old/x", "OLD/X/y", "olds", "x/old", "old-", "other", "öl"])
WORDS = st.sampled_from(
    [
        "\n",
        "\n\n",
        " ",
        "word ",
        "- ",
        "> ",
        "# ",
        "`",
        "**",
        "_",
        "%%",
        "[[a#old]] ",
        "(",
        "$",
        "<!-- ",
        "-->",
        "[x](u.md) ",
        "| a |\n|--|\n",
        "    ",
        "```\n",
        "\\",
        "https://x.y/",
        "^id\n",
    ]
)
BODIES = st.lists(WORDS | NAMES.map(lambda name: f"#{name}") | NAMES, max_size=25).map("".join)
ITEMS = st.tuples(st.sampled_from(["{}", "'{}'", '"{}"', "'#{}'"]), NAMES).map(
    lambda item: item[0].format(item[1])
)
BLOCKS = st.just("") | st.lists(ITEMS, min_size=1, max_size=4).flatmap(
    lambda items: st.sampled_from(
        [
            f"---\ntags: [{', '.join(items)}]\nx: old\n---\n",
            "---\ntags:\n" + "".join(f"  - {item}\n" for item in items) + "---\n",
            f"---\ntitle: old\ntags: {items[0]}\n---\n",
        ]
    )
)
NEW = st.sampled_from(["new", "a/b", "OLD", "old/old", "öl", "null", "n-1", "x"])


@given(BLOCKS, BODIES, NEW, st.booleans())
def test_all_tags_change_and_nothing_else(block: str, body: str, new: str, returns: bool) -> None:
    text = block + body
    if returns:
        text = text.replace("\n", "\r\n")
    before = parse_note("n.md", text)
    edits = plan_tag_rename("n.md", before, text, "old", new)
    assert edits is not None
    after = parse_note("n.md", apply_edits(text, edits))
    assert [tag.name for tag in after.tags] == [
        rename_in_tag(tag.name, "old", new) or tag.name for tag in before.tags
    ]
    assert [link.target for link in after.links] == [link.target for link in before.links]
    for edit in edits:
        assert any(tag.start <= edit.start and edit.end <= tag.end for tag in before.tags)
        assert text[edit.start : edit.end].lower().startswith("old")


@given(BODIES, NEW)
def test_text_cards_change_like_notes(body: str, new: str) -> None:
    text = json.dumps({"nodes": [{"type": "text", "text": body}]})
    after = renamed(text, "old", new, "a.canvas")
    if body.startswith("---"):
        return
    assert json.loads(after)["nodes"][0]["text"] == renamed(body, "old", new)


# -- bases ------------------------------------------------------------------------------------------------------------

BASE = """\
filters:
  and:
    - file.hasTag("Old")
    - 'file.hasTag("x", "old/sub")'
    - "file.tags.contains(\\"#old\\")"
    - file.inFolder("Old notes")
    - file.hasTag("olds")
    - file.hasTag("x/old")
    - link("Plan")
    - file.path == "Notes/Plan.md"
    - file.hasLink("[[Plan#Goal|x]]")
    - file.inFolder("Notes")
    - file.inFolder("Notes/sub")
    - Plan > 3
    - file.name == "Plan B"
"""


@each(
    ("kind", "old", "lines"),
    [
        (RenameKind.TAG, "#old", [3, 4, 5]),
        (RenameKind.NOTE, "Notes/Plan.md", [9, 10, 11]),
        (RenameKind.FOLDER, "Notes", [10, 12, 13]),
        (RenameKind.ATTACHMENT, "img/Plan B", [15]),
        (RenameKind.HEADING, "Notes/Plan.md#Goal", []),
        (RenameKind.BLOCK, "Notes/Plan.md#^a", []),
        (RenameKind.TAG, "#absent", []),
        (RenameKind.TAG, "#notes", [10]),
        (RenameKind.FOLDER, "Old", []),
    ],
)
def test_lines_of_a_base_that_name_what_is_renamed(
    kind: RenameKind, old: str, lines: list[int]
) -> None:
    words = find_mentioned_words(Rename(kind, old, "new"))
    names, tags = ((), words) if kind is RenameKind.TAG else (words, ())
    for text in (BASE, BASE.replace("\n", "\r\n")):
        found = find_base_mentions("a.base", text, names, tags)
        assert [item.line for item in found] == lines
        for item in found:
            line = BASE.splitlines()[item.line - 1]
            assert item.text == line.strip()
            assert line[item.column - 1 :].lower().startswith(tuple(map(str.lower, words)))
