"""Tests of edits in canvases: strings change where they are, and nothing else does."""

import json
import re
from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tables import each
from vaultlink.links.edit_math import apply_edits
from vaultlink.model import Edit, Link
from vaultlink.parse.canvas import (
    JsonOffsets,
    JsonStyle,
    detect_json_style,
    encode_json_text,
    find_json_strings,
    parse_canvas,
)
from vaultlink.refactor.canvas_edits import edit_canvas

PATH = "board.canvas"


def rename_to(target: str, subpath: str | None = None) -> Callable[[Link], tuple[str, str] | None]:
    """Return a change of the links to `old` and `old.md`, in any folder."""

    def change(link: Link) -> tuple[str, str] | None:
        name = link.target.removesuffix(".md")
        if link.external or name.rpartition("/")[2] != "old":
            return None
        new = target + ".md" * (name != link.target)
        return new, link.subpath if subpath is None else subpath

    return change


def canvas_of(*nodes: str) -> str:
    return '{"nodes":[' + ",".join(nodes) + '],"edges":[]}'


def after(text: str, edits: tuple[Edit, ...] | None) -> str:
    assert edits is not None
    return apply_edits(text, edits)


# -- the strings of a JSON text ---------------------------------------------------------------------------------------


def test_strings_have_the_path_that_leads_to_them() -> None:
    text = '{"a": "1", "b": [2, "3", {"c": "4", "d": {}, "e": []}, "5"], "": "6", "g": {"h": "7"}}'
    assert {string.path: string.value for string in find_json_strings(text, 9)} == {
        ("a",): "1",
        ("b", 1): "3",
        ("b", 2, "c"): "4",
        ("b", 3): "5",
        ("",): "6",
        ("g", "h"): "7",
    }


@each("text", ['""', '"a"', ' "a" ', '"[{,:}]"', '"\\\\"', '"\\""'])
def test_a_text_may_be_one_string(text: str) -> None:
    [string] = find_json_strings(text, 0)
    assert (string.path, string.value) == ((), json.loads(text))
    assert f'"{text[string.start : string.end]}"' == text.strip()


@each("text", ["1", "null", "[]", "{}", "[[], {}]", '{"a": NaN, "b": -1.5e3}'])
def test_a_text_may_have_no_string(text: str) -> None:
    assert list(find_json_strings(text, 9)) == []


def test_deeper_strings_are_left_out() -> None:
    text = '["a", ["b", ["c"], "d"], "e"]'
    assert [string.value for string in find_json_strings(text, 2)] == ["a", "b", "d", "e"]


def test_deep_nesting_needs_no_recursion() -> None:
    text = "[" * 200_000 + '"a"' + "]" * 200_000
    assert list(find_json_strings(text, 3)) == []


JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def all_strings(value: Any, path: tuple[str | int, ...] = ()) -> dict[tuple[str | int, ...], str]:
    """Return every string of a value by its path."""
    items: Any = ()
    if isinstance(value, str):
        return {path: value}
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    return {
        key: string
        for name, item in items
        for key, string in all_strings(item, (*path, name)).items()
    }


def write_string(text: str, random: Random) -> str:
    """Return a JSON string in which characters are escaped at random."""
    parts = []
    for char in text:
        plain = json.dumps(char, ensure_ascii=False)[1:-1]
        escaped = json.dumps(char)[1:-1]
        if escaped == char:
            escaped = f"\\u{ord(char):04x}"
        if random.random() < 0.3 and "u" in escaped:
            escaped = escaped.upper().replace("\\U", "\\u")
        if "\ud800" <= char <= "\udfff":
            plain = escaped
        if char == "/" and random.random() < 0.4:
            escaped = "\\/"
        parts.append(plain if random.random() < 0.7 else escaped)
    return '"' + "".join(parts) + '"'


def write_json(value: Any, random: Random) -> str:
    """Return a JSON text with spaces and escapes at random places."""

    def space() -> str:
        return random.choice(["", "", " ", "\n\t", "\r\n  "])

    if isinstance(value, str):
        return write_string(value, random)
    if isinstance(value, list):
        parts = [space() + write_json(item, random) + space() for item in value]
        return "[" + (",".join(parts) or space()) + "]"
    if isinstance(value, dict):
        parts = [
            f"{space()}{write_string(key, random)}{space()}:{space()}{write_json(item, random)}"
            for key, item in value.items()
        ]
        return "{" + ",".join(parts) + space() + "}"
    return json.dumps(value)


@given(JSON_VALUES, st.randoms(use_true_random=False))
def test_strings_are_those_of_the_decoder(value: Any, random: Random) -> None:
    text = write_json(value, random)
    found = {string.path: string for string in find_json_strings(text, 99)}
    assert {path: string.value for path, string in found.items()} == all_strings(json.loads(text))
    for string in found.values():
        assert json.loads(f'"{text[string.start : string.end]}"') == string.value


ANY_TEXT = st.text(st.characters(codec=None, categories=("L", "P", "Z", "S", "Cs", "Cc")))


@given(ANY_TEXT, ANY_TEXT, st.randoms(use_true_random=False))
def test_offsets_split_a_string_between_its_characters(
    one: str, other: str, random: Random
) -> None:
    text = f" {write_string(one, random)[:-1]}{write_string(other, random)[1:]} "
    [string] = find_json_strings(text, 0)
    offsets = JsonOffsets(text, string)
    places = [offsets.map_offset(at) for at in range(len(string.value) + 1)]
    assert (places[0], places[-1]) == (string.start, string.end)
    decoded = [json.loads(f'"{text[start:end]}"') for start, end in pairwise(places)]
    assert decoded == list(string.value)


@given(ANY_TEXT, st.booleans(), st.booleans())
def test_text_is_read_back_as_it_was_encoded(text: str, letters: bool, slashes: bool) -> None:
    encoded = encode_json_text(text, JsonStyle(letters, slashes))
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert json.loads(f'"{encoded}"') == joined
    assert not letters or encoded.isascii()
    encoded.encode()  # no lone surrogate is left


@each(
    ("text", "letters", "slashes"),
    [
        ('"a"', False, False),
        ('"ä"', False, False),
        ('"\\u00e4"', True, False),
        ('"\\u00e4 ö"', False, False),
        ('"\\u0007 \\u001f"', False, False),
        ('"C:\\\\users"', False, False),
        ('"\\\\\\u00e4"', True, False),
        ('"a/b"', False, False),
        ('"a\\/b"', False, True),
        ('"a\\\\/b"', False, False),
    ],
)
def test_style_of_a_json_text(text: str, letters: bool, slashes: bool) -> None:
    assert detect_json_style(text) == (letters, slashes)


# -- file cards -------------------------------------------------------------------------------------------------------


@each(
    ("card", "target", "expected"),
    [
        ('{"type":"file","file":"old.md"}', "new", '{"type":"file","file":"new.md"}'),
        ('{ "file" : "a/old.md", "type":"file" }', "b/n", '{ "file" : "b/n.md", "type":"file" }'),
        ('{"type":"file","file":"/old.md"}', "b/n", '{"type":"file","file":"/b/n.md"}'),
        ('{"type":"file","file":"a\\/old.md"}', "b/n", '{"type":"file","file":"b\\/n.md"}'),
        ('{"type":"file","file":"old.md"}', "ä", '{"type":"file","file":"ä.md"}'),
        ('{"type":"file","file":"\\u00e4/old.md"}', "ö", '{"type":"file","file":"\\u00f6.md"}'),
        (
            '{"type":"file","file":"\\u00e4/old.md","x":"ö"}',
            "ö",
            '{"type":"file","file":"ö.md","x":"ö"}',
        ),
        ('{"type":"file","file":"o\\u006cd.md"}', "new", '{"type":"file","file":"new.md"}'),
        ('{"type":"file","file":"old.md"}', 'a "b"', '{"type":"file","file":"a \\"b\\".md"}'),
        (
            '{"type":"file","file":"x.md","file":"old.md"}',
            "new",
            '{"type":"file","file":"x.md","file":"new.md"}',
        ),
        (
            '{"type":"file","file":"old.md","subpath":"#H"}',
            "new",
            '{"type":"file","file":"new.md","subpath":"#H"}',
        ),
    ],
)
def test_file_card_gets_another_path(card: str, target: str, expected: str) -> None:
    text = canvas_of(card)
    assert after(text, edit_canvas(PATH, text, rename_to(target))) == canvas_of(expected)


@each(
    ("before", "subpath", "expected"),
    [
        ("#H", "#I", "#I"),
        ("#H", "#A#B \u00fc", "#A#B \u00fc"),
        ("#^id", "#^other", "#^other"),
        ("#H", "", ""),
        ("", "#I", "#I"),
        ("#", "#I", "#I"),
    ],
)
def test_file_card_gets_another_subpath(before: str, subpath: str, expected: str) -> None:
    card = '{"type":"file","file":"old.md","subpath":"%s"}'
    text = canvas_of(card % before)
    edits = edit_canvas(PATH, text, rename_to("old", subpath))
    assert after(text, edits) == canvas_of(card % expected)


@each("more", ["", ',"subpath":null', ',"subpath":3'])
def test_file_card_without_subpath_cannot_get_one(more: str) -> None:
    text = canvas_of(f'{{"type":"file","file":"old.md"{more}}}')
    assert edit_canvas(PATH, text, rename_to("old", "#H")) is None


@each(
    "card",
    [
        '{"type":"file","file":"other.md"}',
        '{"type":"file","file":""}',
        '{"type":"file","file":3}',
        '{"type":"file","file":"old.md","file":3}',
        '{"type":"text","file":"old.md"}',
        '{"type":"link","url":"old.md"}',
        '{"type":"group","label":"old.md"}',
        '{"type":"file","x":{"file":"old.md"}}',
        '"old.md"',
        "null",
    ],
)
def test_other_values_do_not_change(card: str) -> None:
    assert edit_canvas(PATH, canvas_of(card), rename_to("new")) == ()


@each("text", ["", " ", "{", "[]", "3", '{"nodes":3}', '{"nodes":[', "{} x"])
def test_canvas_without_cards_has_no_edits(text: str) -> None:
    assert edit_canvas(PATH, text, rename_to("new")) == ()


# -- text cards -------------------------------------------------------------------------------------------------------


@each(
    ("card", "expected"),
    [
        ("[[old|x]]", "[[new|x]]"),
        ("see [[old]].", "see [[new]]."),
        ("![[old]]", "![[new]]"),
        ("[x](old.md)", "[x](new.md)"),
        ("ä\\n- [[ old |x]]\\n\\t[[b]]", "ä\\n- [[ new |x]]\\n\\t[[b]]"),
        ("\\ud83d\\ude00 [[old|x]] \\ud83d", "\\ud83d\\ude00 [[new|x]] \\ud83d"),
        ("\\u005B\\u005b\\u006fld|\\u0078]]", "\\u005B\\u005bnew|\\u0078]]"),
        ("|a|\\n|-|\\n|[[old\\\\|x]]|", "|a|\\n|-|\\n|[[new\\\\|x]]|"),
        ("|a|\\n|-|\\n|[[old]]|", "|a|\\n|-|\\n|[[new]]|"),
        ('[[old|\\"q\\"]] [[old|y]]', '[[new|\\"q\\"]] [[new|y]]'),
        ("%% [[old|x]] %%", "%% [[new|x]] %%"),
        ("[[a\\/old|x]]", "[[new|x]]"),
    ],
)
def test_text_card_keeps_the_rest_of_its_text(card: str, expected: str) -> None:
    wrap = '{"id":"1","type":"text","text":"%s","x":1}'
    text = canvas_of(wrap % card)
    edits = edit_canvas(PATH, text, rename_to("new"))
    assert after(text, edits) == canvas_of(wrap % expected)


@each(
    "card",
    [
        "old",
        "`[[old]]`",
        "```\\n[[old]]\\n```",
        "$[[old]]$",
        "<!-- [[old]] -->",
        "\\\\[[old]]",
        "[[older]]",
        "[x](https://e.org/old)",
    ],
)
def test_text_that_is_no_link_does_not_change(card: str) -> None:
    text = canvas_of(f'{{"type":"text","text":"{card}"}}')
    assert edit_canvas(PATH, text, rename_to("new")) == ()


def test_a_link_that_cannot_be_written_gives_no_edits() -> None:
    text = canvas_of('{"type":"text","text":"[[old]]"}', '{"type":"file","file":"old.md"}')
    assert edit_canvas(PATH, text, rename_to("a]]b")) is None


# -- background images ------------------------------------------------------------------------------------------------


@each(
    ("card", "expected"),
    [
        ('{"type":"group","background":"a.png"}', '{"type":"group","background":"b.png"}'),
        ('{"type":"group","background":"/a.png"}', '{"type":"group","background":"/b.png"}'),
        ('{"type":"group","background":"c.png"}', '{"type":"group","background":"c.png"}'),
        ('{"type":"text","background":"a.png"}', '{"type":"text","background":"a.png"}'),
        ('{"type":"group","background":3}', '{"type":"group","background":3}'),
    ],
)
def test_background_of_a_group_follows(card: str, expected: str) -> None:
    text = canvas_of(card)
    edits = edit_canvas(PATH, text, lambda _link: None, {"a.png": "b.png"}.get)
    assert after(text, edits) == canvas_of(expected)


# -- properties -------------------------------------------------------------------------------------------------------


def test_change_gets_the_links_of_the_canvas() -> None:
    text = canvas_of(
        '{"id":"1","type":"text","text":"[[a]] [x](https://e.org) ![[b#c|d]]"}',
        '{"id":"2","type":"file","file":"/c.md","subpath":"#x"}',
        '{"id":"3","type":"text","text":"[[\\ud800]]"}',
    )
    seen: list[Link] = []
    assert edit_canvas(PATH, text, seen.append) == ()
    assert tuple(seen) == parse_canvas(PATH, text).links


FILLERS = st.sampled_from(
    [
        "",
        " ",
        "text",
        "\n",
        "\n\n",
        '"',
        "\\\\",
        "/",
        "ä",
        "\u2028",
        "😀",
        "\ud83d",
        "x\t",
        "[[x]] ",
    ]
)
OLD, NEW = "Ordner/Alter Näme 😀", 'Ordner/Neuer "Näme"'
LINKS = st.sampled_from([f"[[{OLD}|x]]", f"![[{OLD}.md]]", f"[[{OLD}#H|\u00e4]]", f"![[{OLD}]]"])


@st.composite
def canvases(draw: st.DrawFn) -> tuple[str, Any]:
    """Return the text of a canvas, and its value after the rename."""
    nodes: list[dict[str, Any]] = []
    for number in range(draw(st.integers(0, 4))):
        node: dict[str, Any] = {"id": str(number), "x": 1.5}
        kind = draw(st.sampled_from(["text", "file", "group", "link"]))
        node["type"] = kind
        if kind == "text":
            parts = draw(st.lists(st.tuples(FILLERS, LINKS), max_size=3))
            node["text"] = "".join(a + b + draw(FILLERS) for a, b in parts)
        elif kind == "file":
            slash = draw(st.sampled_from(["", "/"]))
            node["file"] = slash + draw(st.sampled_from([f"{OLD}.md", "other.md", f"{OLD}x.md"]))
        else:
            node[draw(st.sampled_from(["url", "label", "file"]))] = f"{OLD}.md"
        nodes.append({key: node[key] for key in draw(st.permutations(list(node)))})
    value = {"nodes": nodes, "edges": [{"fromNode": "0", "label": f"[[{OLD}]]"}]}
    random = draw(st.randoms(use_true_random=False))
    text = write_json(value, random)
    expected = json.loads(text)
    for node in expected["nodes"]:
        if node["type"] == "text":
            node["text"] = re.sub(re.escape(OLD) + r"(?=[|#\]]|\.md)", NEW, node["text"])
        elif node["type"] == "file" and node["file"].removeprefix("/") == f"{OLD}.md":
            node["file"] = node["file"].replace(OLD, NEW)
    return text, expected


STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')


@given(canvases())
def test_exactly_the_strings_with_links_change(canvas: tuple[str, Any]) -> None:
    text, expected = canvas

    def change(link: Link) -> tuple[str, str] | None:
        if link.target.removesuffix(".md") != OLD:
            return None
        return link.target.replace(OLD, NEW), link.subpath

    new = after(text, edit_canvas(PATH, text, change))
    assert json.loads(new) == expected
    assert STRINGS.split(new) == STRINGS.split(text)
    for one, other in zip(STRINGS.findall(text), STRINGS.findall(new), strict=True):
        assert one == other or json.loads(one) != json.loads(other)


def test_large_canvas_takes_linear_time() -> None:
    cards = [
        f'{{"id":"{number}","type":"text","text":"\\u00e4\\n{"x " * 400}[[old|x]]"}}'
        for number in range(5_000)
    ]
    text = canvas_of(*cards)
    assert len(text) > 4_000_000
    edits = edit_canvas(PATH, text, rename_to("new"))
    assert edits is not None
    assert len(edits) == 5_000
