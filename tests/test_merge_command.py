"""Tests of appending a note to another one: text, properties, and the links that follow."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder import build_state, make_settings
from tables import each
from vaultlink.fix.plan import Plan
from vaultlink.fix.sources import FixInputs
from vaultlink.index.anchors import find_anchor
from vaultlink.links.edit_math import apply_edits
from vaultlink.refactor.merge import plan_merge
from vaultlink.refactor.relocation import RefusedError

Vault = Mapping[str, str]


def plan(vault: Vault, path: str = "A.md", into: str = "B.md", **settings: Any) -> Plan:
    state = build_state(vault, make_settings(**settings))
    return plan_merge(state, FixInputs(vault.get), path, into)


def merge(vault: Vault, path: str = "A.md", into: str = "B.md", **settings: Any) -> dict[str, str]:
    """Return the vault afterwards."""
    done = plan(vault, path, into, **settings)
    assert done.skipped == ()
    assert done.texts[path] == (vault[path], None)
    for name, edits in done.edits.items():
        assert apply_edits(vault[name], edits) == done.texts[name][1]
    texts = {**vault, **{name: after for name, (_, after) in done.texts.items()}}
    return {name: text for name, text in texts.items() if text is not None}


def add_alias(text: str) -> str:
    """Return a text with the alias that each merged note gets."""
    front = text.find("---\n", 1) if text.startswith("---\n") else -1
    if front != -1:
        return f"{text[:front]}aliases:\n  - A\n{text[front:]}"
    block = "---\naliases:\n  - A\n---\n"
    return (block.replace("\n", "\r\n") if "\r\n" in text else block) + text


MANAGED = (
    "<!-- vaultlink:backlinks -->\n\n## Backlinks\n\n- [[x]]\n\n<!-- /vaultlink:backlinks -->\n"
)
AUTHORS = "Add backlinks using these topics:\n\nCup – [[cup | Cup]]\n"

# -- text -------------------------------------------------------------------------------------------------------------

TEXTS: Mapping[str, tuple[str, str, str]] = {
    "plain": ("a\n", "b\n", "b\n\n## A\n\na\n"),
    "no final line end": ("a", "b", "b\n\n## A\n\na"),
    "entries of the other note": (
        f"a\n\n{AUTHORS}\nOf b – [[b | B]]\n",
        "b\n",
        f"b\n\n## A\n\na\n\n{AUTHORS}",
    ),
    "an entry with more text": (
        f"a\n\n{AUTHORS}\nOf b – [[b | B]] and more\n",
        "b\n",
        f"b\n\n## A\n\na\n\n{AUTHORS}\nOf b – B and more\n",
    ),
    "blank lines": ("\n\na\n\n", "b\n\n\n", "b\n\n\n## A\n\na\n\n"),
    "one blank line": ("a\n", "b\n\n", "b\n\n## A\n\na\n"),
    "into an empty note": ("a\n", "", "## A\n\na\n"),
    "empty note": ("", "b\n", "b\n"),
    "blank note": ("\n\n", "b", "b"),
    "into properties only": ("a\n", "---\nx: 1\n---\n", "---\nx: 1\n---\n## A\n\na\n"),
    "into properties only, no final line end": (
        "a\n",
        "---\nx: 1\n---",
        "---\nx: 1\n---\n## A\n\na\n",
    ),
    "headings": ("# A\n\n## C\n", "# B\n", "# B\n\n## A\n\n### C\n"),
    "CRLF into LF": ("a\r\nc\r\n", "b\n", "b\n\n## A\n\na\nc\n"),
    "LF into CRLF": ("a\nc\n", "b\r\n", "b\r\n\r\n## A\r\n\r\na\r\nc\r\n"),
    "CRLF into one line": ("a\r\nc\r\n", "b", "b\r\n\r\n## A\r\n\r\na\r\nc\r\n"),
    "code": ("```\n# A\n```\n", "    b\n", "    b\n\n## A\n\n```\n# A\n```\n"),
    "into HTML": ("a\n", "<div>\nb\n", "<div>\nb\n\n## A\n\na\n"),
    "into open code of a list item": ("a\n", "- ```\n  b\n", "- ```\n  b\n\n## A\n\na\n"),
    "block ids": ("a ^a\n\n- c\n\n^c\n", "b ^b\n", "b ^b\n\n## A\n\na ^a\n\n- c\n\n^c\n"),
    "footnotes": (
        "a[^a]\n\n[^a]: x\n",
        "b[^b]\n\n[^b]: y\n",
        "b[^b]\n\n[^b]: y\n\n## A\n\na[^a]\n\n[^a]: x\n",
    ),
    "managed section of the first note": (f"a\n\n{MANAGED}", "b\n", "b\n\n## A\n\na\n"),
    "managed section of the second note": (
        "a\n",
        f"b\n\n{MANAGED}",
        f"b\n\n## A\n\na\n\n{MANAGED}",
    ),
    "managed section only": ("a\n", f"{MANAGED}", f"## A\n\na\n\n{MANAGED}"),
    "author's section of the first note": (
        f"a\n\n{AUTHORS}",
        "b\n",
        f"b\n\n## A\n\na\n\n{AUTHORS}",
    ),
    "author's section of the second note": (
        "a\n\n\n",
        f"b\n\n{AUTHORS}",
        f"b\n\n## A\n\na\n\n{AUTHORS}",
    ),
    "author's section close to the text": (
        "a\n",
        f"b\n## {AUTHORS}",
        f"b\n\n## A\n\na\n\n## {AUTHORS}",
    ),
}


@each(("first", "second", "after"), TEXTS.values(), ids=TEXTS)
def test_text(first: str, second: str, after: str) -> None:
    result = merge({"A.md": first, "B.md": second, "x.md": "", "cup.md": ""})
    assert result == {"B.md": add_alias(after), "x.md": "", "cup.md": ""}


# -- properties -------------------------------------------------------------------------------------------------------

PROPERTIES: Mapping[str, tuple[str, str, str, Mapping[str, str]]] = {
    "none in the second note": ("a: 1\n# c\n", "", "a: 1\n# c\naliases:\n  - A\n", {}),
    "other keys": (
        "a: 'x'  # why\nb:\n  c: [1]\n",
        "d: 1\n",
        "d: 1\na: 'x'  # why\nb:\n  c: [1]\naliases:\n  - A\n",
        {},
    ),
    "equal values": ("a: x\nb: 1\n", 'a: "x"\n', 'a: "x"\nb: 1\naliases:\n  - A\n', {}),
    "other values": ("a: x\nb: 1\n", "a: y\n", "a: y\nb: 1\naliases:\n  - A\n", {"a": "x"}),
    "number and text": ("a: 1\n", "a: '1'\n", "a: '1'\naliases:\n  - A\n", {"a": "1"}),
    "number and truth": ("a: true\n", "a: 1\n", "a: 1\naliases:\n  - A\n", {"a": "true"}),
    "no value in the first note": ("a:\n", "a: 1\n", "a: 1\naliases:\n  - A\n", {}),
    "no value in the second note": ("a: 1\n", "a:\nb: 2\n", "a: 1\nb: 2\naliases:\n  - A\n", {}),
    "key in another case": ("Tags: [x]\n", "tags: [y]\n", "tags: [y, x]\naliases: [A]\n", {}),
    "block lists": (
        "tags:\n- x\n- y\n",
        "tags:\n  - y\n  - z\nb: 1\n",
        "tags:\n  - y\n  - z\n  - x\nb: 1\naliases:\n  - A\n",
        {},
    ),
    "flow lists": ("tags: [x, y]\n", "tags: [y, z]\n", "tags: [y, z, x]\naliases: [A]\n", {}),
    "both kinds of lists": ("aliases:\n- X\n", "aliases: [ Y ]\n", "aliases: [ Y, X, A ]\n", {}),
    "empty list": ("tags: [x]\n", "tags: []\n", "tags: [x]\naliases: [A]\n", {}),
    "trailing comma": ("tags: [x]\n", "tags: [y,]\n", "tags: [y, x]\naliases: [A]\n", {}),
    "same items": ("tags: [Y]\n", "tags: [y]\n", "tags: [y]\naliases: [A]\n", {}),
    "aliases in other case": ("aliases: [Y]\n", "aliases: [y]\n", "aliases: [y, A]\n", {}),
    "items in quotation marks": (
        "aliases: ['a: b', \"c, d\", '1', '[[x]]']\n",
        "aliases:\n- y\n",
        'aliases:\n- y\n- "a: b"\n- "c, d"\n- "1"\n- "[[x]]"\n- A\n',
        {},
    ),
    "list and text": ("tags: x\n", "tags: [y]\n", "tags: [y, x]\naliases: [A]\n", {}),
    "nested list": (
        "tags: [x]\n",
        "tags: [y, [z]]\n",
        "tags: [y, [z]]\naliases: [A]\n",
        {"tags": "[x]"},
    ),
    "list on several lines": (
        "tags: [x]\n",
        "tags: [y,\n  z]\n",
        "tags: [y,\n  z, x]\naliases: [A]\n",
        {},
    ),
    "lists of other keys": ("x: [1, Y]\n", "x: [y]\n", "x: [y, 1, Y]\naliases: [A]\n", {}),
    "no aliases yet": ("", "aliases:\n# c\nb: 1\n", "aliases:\n  - A\n# c\nb: 1\n", {}),
    "comments": ("# c\na: 1\n# d\nb: 2\n", "a: 1\n", "a: 1\n# c\n# d\nb: 2\naliases:\n  - A\n", {}),
    "text on several lines": (
        "a: |\n  # x\n  y\n",
        "a: z\n",
        "a: z\naliases:\n  - A\n",
        {"a": "| # x y"},
    ),
    "only comments": ("# c\n", "a: 1\n", "a: 1\n# c\naliases:\n  - A\n", {}),
}


def with_properties(properties: str, body: str) -> str:
    return f"---\n{properties}---\n{body}" if properties else body


@each(("first", "second", "after", "left_out"), PROPERTIES.values(), ids=PROPERTIES)
def test_properties(first: str, second: str, after: str, left_out: Mapping[str, str]) -> None:
    vault = {"A.md": with_properties(first, "a\n"), "B.md": with_properties(second, "b\n")}
    assert merge(vault)["B.md"] == with_properties(after, "b\n\n## A\n\na\n")
    assert {item.key: item.value for item in plan(vault).left_out} == left_out


def test_properties_with_other_line_ends() -> None:
    vault = {"A.md": "---\na: 1\nt: 2\n---\na\n", "B.md": "---\r\nt: 1\r\n---\r\nb\r\n"}
    assert merge(vault)["B.md"] == (
        "---\r\nt: 1\r\na: 1\r\naliases:\r\n  - A\r\n---\r\nb\r\n\r\n## A\r\n\r\na\r\n"
    )


def test_links_in_properties_follow() -> None:
    vault = {
        "A.md": '---\nup: "[[A#H]]"\nrel:\n- "[[B]]"\n- "[[C]]"\n---\n# H\n',
        "B.md": '---\nsee: "[[A]]"\n---\n',
        "C.md": "",
    }
    assert merge(vault)["B.md"] == ('---\nsee: "A"\nrel:\n- "[[C]]"\naliases:\n- A\n---\n## H\n')


MORE_PROPERTIES: Mapping[str, tuple[str, str, str, Mapping[str, str]]] = {
    "links of one value each": (
        'up: "[[C]]"\n',
        'up: "[[D]]"\n',
        'up:\n  - "[[D]]"\n  - "[[C]]"\naliases:\n  - A\n',
        {},
    ),
    "links in both lists": (
        'rel: ["[[C]]", "[[D]]"]\n',
        'rel:\n- "[[D]]"\n',
        'rel:\n- "[[D]]"\n- "[[C]]"\naliases:\n- A\n',
        {},
    ),
    "text and a list of links": (
        'rel: ["[[C]]"]\n',
        'rel: "[[D]]"\n',
        'rel: ["[[D]]", "[[C]]"]\naliases: [A]\n',
        {},
    ),
    "quotation marks of the list": ("x: [a]\n", "x: ['b']\n", "x: ['b', 'a']\naliases: [A]\n", {}),
    "link to the other note in a list": (
        'rel: ["[[B]]", "[[C]]"]\n',
        'rel:\n- "[[A]]"\n- "[[D]]"\n',
        'rel:\n- "[[D]]"\n- "[[C]]"\naliases:\n- A\n',
        {"rel": '"[[B]]"'},
    ),
    "only link of a list": (
        "",
        'rel:\n- "[[A]]"\nx: 1\n',
        "rel: []\nx: 1\naliases:\n- A\n",
        {},
    ),
    "link to the other note": (
        'up: "[[B]]"\n',
        'see: "[[A]]"\n',
        'see: "A"\naliases:\n  - A\n',
        {"up": '"[[B]]"'},
    ),
    "link to the other note, and another": (
        'up: "[[C]]"\n',
        'up: "[[A]]"\n',
        'up: "[[C]]"\naliases:\n  - A\n',
        {},
    ),
    "JSON": (
        '{"a":1,"tags":["x"],"permalink":"/a/"}\n',
        '{"permalink":"/b/","tags":["y"]}\n',
        '{"permalink":"/b/","tags":["y","x"],"a":1,"aliases":["A"]}\n',
        {"permalink": '"/a/"'},
    ),
    "JSON keeps the order of its keys": (
        '{"tags":["x"]}\n',
        '{"tags":null,"b":1}\n',
        '{"tags":["x"],"b":1,"aliases":["A"]}\n',
        {},
    ),
    "JSON in the first note": (
        '{"a": 1, "tags": ["x"], "b": null}\n',
        "tags: [y]\n",
        "tags: [y, x]\na: 1\naliases: [A]\n",
        {},
    ),
    "name of the other note in a list": (
        "rel: [b, C]\n",
        "rel: [A, D]\n",
        "rel: [A, D, C]\naliases: [A]\n",
        {"rel": "b"},
    ),
    "all tags are there": ("tags: x\n", "tags: x, y\n", "tags: x, y\naliases:\n  - A\n", {}),
    "title": ("title: T\n", "x: 1\n", "x: 1\naliases:\n  - A\n", {}),
    "alias of one text": ("", "alias: X\n\nb: 1\n", "alias:\n  - X\n  - A\n\nb: 1\n", {}),
    "the name is an alias": ("aliases: [B, C]\n", "aliases: [a]\n", "aliases: [a, C]\n", {}),
    "tags of one text": (
        "tags: x, y\n",
        "tags: z\n",
        "tags:\n  - z\n  - x\n  - y\naliases:\n  - A\n",
        {},
    ),
}


@each(("first", "second", "after", "left_out"), MORE_PROPERTIES.values(), ids=MORE_PROPERTIES)
def test_links_and_lists_in_properties(
    first: str, second: str, after: str, left_out: Mapping[str, str]
) -> None:
    vault = {
        "A.md": with_properties(first, "# T\n"),
        "B.md": with_properties(second, "b\n"),
        "C.md": "",
        "D.md": "",
    }
    assert merge(vault)["B.md"] == with_properties(after, "b\n\n## T\n")
    assert {item.key: item.value for item in plan(vault).left_out} == left_out


def test_chosen_values_are_taken() -> None:
    vault = {"A.md": "---\nStatus: open\nx: 1\n---\n", "B.md": "---\nstatus: done\nx: 2\n---\n"}
    state = build_state(vault)
    done = plan_merge(state, FixInputs(vault.get), "A.md", "B.md", {"status"})
    assert done.texts["B.md"][1] == "---\nstatus: open\nx: 2\naliases:\n  - A\n---\n"
    assert [(item.key, item.value, item.kept) for item in done.left_out] == [("x", "1", "2")]


TITLES: Mapping[str, tuple[str, str, str]] = {
    "title in the properties": (
        "---\ntitle: Low tide\n---\na\n",
        "# B\n",
        "# B\n\n## Low tide\n\na\n",
    ),
    "own heading": ("# Low tide\n\na\n", "# B\n", "# B\n\n## Low tide\n\na\n"),
    "own heading says the name": ("## A\n\n## C\n", "# B\n", "# B\n\n## A\n\n### C\n"),
    "text before the own heading": ("up: x\n\n# A\n\na\n", "# B\n", "# B\n\n## A\n\nup: x\n\na\n"),
    "several highest headings": ("# C\n\n# D\n", "# B\n", "# B\n\n## A\n\n### C\n\n### D\n"),
    "sections of level 1": ("# C\n", "# X\n\n# Y\n", "# X\n\n# Y\n\n# C\n"),
    "sections of level 3": ("a\n", "b\n\n### X\n", "b\n\n### X\n\n### A\n\na\n"),
    "six levels": (
        "# A\n\n##### C\n\n###### D\n",
        "# B\n\n## X\n",
        "# B\n\n## X\n\n## A\n\n###### C\n\n###### D\n",
    ),
    "tags before the other's title": (
        "a\n",
        "#x/y #z\n[[C]]\n\n# Title\n\n## X\n",
        "#x/y #z\n[[C]]\n\n# Title\n\n## X\n\n## A\n\na\n",
    ),
    "text before the other's first heading": (
        "a\n",
        "text\n\n# X\n",
        "text\n\n# X\n\n# A\n\na\n",
    ),
    "link in the own heading": ("# The [[B]] file\na\n", "# B\n", "# B\n\n## The B file\na\n"),
    "tags before the own title": ("#x\n\n# T\na\n", "# B\n", "# B\n\n## T\n\n#x\n\na\n"),
    "underlined": ("A\n===\n\nC\n---\nc\n", "# B\n", "# B\n\n## A\n\n### C\nc\n"),
    "headings in code": ("# A\n\n```\n# x\n```\n", "# B\n", "# B\n\n## A\n\n```\n# x\n```\n"),
}


@each(("first", "second", "after"), TITLES.values(), ids=TITLES)
def test_appended_text_begins_with_its_title(first: str, second: str, after: str) -> None:
    result = merge({"A.md": first, "B.md": second})["B.md"]
    assert result.partition("---\n")[2].partition("---\n")[2] == after


WORDS: Mapping[str, tuple[str, str]] = {
    "sentence": ("- Daughter of [[A]].", "- Daughter of [[B|A]]."),
    "path": ("[[x/A]]", "[[B|x/A]]"),
    "table": ("|a|\n|-|\n|[[A]]|", "|a|\n|-|\n|[[B\\|A]]|"),
    "line that a pipe would make a row": ("|a|\n|-|\n|b|\n[[A]]", "|a|\n|-|\n|b|\n[[B\\|A]]"),
    "text that is the new name": ("[[A|B]]", "[[B]]"),
    "embed of a section": ("![[A#H]]", "![[B#H]]"),
    "embed": ("![[A]] ![x](x/A.md)", "![[B#A]] ![x](B.md#A)"),
}


@each(("before", "after"), WORDS.values(), ids=WORDS)
def test_links_show_the_same_words(before: str, after: str) -> None:
    vault = {"x/A.md": "text\n\n# H\n", "B.md": "# T\n", "s.md": f"{before}\n"}
    assert merge(vault, "x/A.md")["s.md"] == f"{after}\n"


def test_text_cards_show_the_same_words() -> None:
    card = '{"nodes":[{"id":"1","type":"text","text":"see [[A]]"}],"edges":[]}'
    after = merge({"A.md": "a\n", "B.md": "b\n", "c.canvas": card})
    assert after["c.canvas"] == card.replace("[[A]]", "[[B|A]]")


BETWEEN: Mapping[str, tuple[str, str, str]] = {
    "words": ("see [[B]] and [[B|x]]\n", "b [y](A.md)\n", "b y\n\n## A\n\nsee B and x\n"),
    "inline field": ("up:: [[B]]\n", "b\n", "b\n\n## A\n\nup:: B\n"),
    "words at the start of a line": ("[[B|1. b]]\n", "b\n", "b\n\n## A\n\n1\\. b\n"),
    "embed in the other note": ("a\n", "![[A]]\n", "![[#A]]\n\n## A\n\na\n"),
    "embed of the other note": ("![[B]]\n", "b\n", "b\n\n## A\n\nB\n"),
    "own links of the other note": ("a\n", "[[B]] [[#none]]\n", "[[B]] [[#none]]\n\n## A\n\na\n"),
}


@each(("first", "second", "after"), BETWEEN.values(), ids=BETWEEN)
def test_links_between_the_notes_become_words(first: str, second: str, after: str) -> None:
    assert merge({"A.md": first, "B.md": second})["B.md"] == add_alias(after)


# -- links ------------------------------------------------------------------------------------------------------------

FIRST = "# H\n\na ^a\n\n## Sub\n"
SECOND = "# T\n\n## Own\n\nb ^b\n"
LINKS: Mapping[str, tuple[str, str]] = {
    "note": ("[[A]] ![[A]] [[A|x]] [x](A.md)", "[[B|A]] ![[B#H]] [[B|x]] [x](B.md)"),
    "heading": (
        "[[A#H]] [[A#H#Sub]] [x](A.md#Sub)",
        "[[B#H|A > H]] [[B#H#Sub|A > H > Sub]] [x](B.md#Sub)",
    ),
    "anchor of GitHub": ("[x](A.md#sub)", "[x](B.md#sub)"),
    "block": ("[[A#^a]] ![[A#^A]]", "[[B#^a|A > ^a]] ![[B#^A]]"),
    "missing heading": ("[[A#None]]", "[[B#None|A > None]]"),
    "property": ('---\nup: "[[A#H]]"\n---\n', '---\nup: "[[B#H|A > H]]"\n---\n'),
    "heading with such a link": (
        "# See [[A]]\n\n[[#See A]]",
        "# See [[B|A]]\n\n[[#See B A|See A]]",
    ),
}


@each(("before", "after"), LINKS.values(), ids=LINKS)
def test_links_of_other_notes_follow(before: str, after: str) -> None:
    assert merge({"A.md": FIRST, "B.md": SECOND, "s.md": before})["s.md"] == after


@each("text", ["[[B]] [[B#T]] [[B#^b]]", "`[[A]]` [[C]] [[AB#H]]", "[[#H]]"])
def test_other_links_do_not_change(text: str) -> None:
    done = plan({"A.md": FIRST, "B.md": SECOND, "C.md": "", "s.md": text})
    assert set(done.texts) == {"A.md", "B.md"}


@each(
    ("text", "alias"),
    [("a\n", []), ("---\ntitle: Tides\n---\na\n", ["Tides"]), ("# Tides\n\na\n", ["Tides"])],
)
def test_name_that_other_notes_have_is_no_alias(text: str, alias: list[str]) -> None:
    done = merge({"x/index.md": text, "index.md": "i\n", "B.md": "b\n"}, "x/index.md")
    note = build_state(done).index.notes["B.md"]
    assert list(note.aliases) == alias


INNER: Mapping[str, tuple[str, str, str]] = {
    "self links of the first note": (
        "[[#H]] [[A#H]] [[A]] [x](#H)\n# H\n",
        "# T\n",
        "# T\n\n## A\n\n[[#H]] [[#H|A > H]] A [x](#H)\n### H\n",
    ),
    "from the first note to the second": (
        "[[B]] [[B#T]]\n",
        "# T\n",
        "# T\n\n## A\n\nB [[#T|B > T]]\n",
    ),
    "from the second note to the first": (
        "# H\na ^a\n",
        "[[A]] [[A#H]] ![[A#^a]] [[#T]]\n# T\n",
        "A [[#H|A > H]] ![[#^a]] [[#T]]\n# T\n\n## H\na ^a\n",
    ),
    "same headings": (
        "# A\n## Log\n[[#Log]]\n",
        "# B\n## Log\n[[#Log]] [[A#Log]]\n",
        "# B\n## Log\n[[#Log]] [[#A#Log]]\n\n## A\n### Log\n[[#A#Log|Log]]\n",
    ),
}


@each(("first", "second", "after"), INNER.values(), ids=INNER)
def test_links_of_both_notes_follow(first: str, second: str, after: str) -> None:
    result = merge({"A.md": first, "B.md": second, "x.md": "", "y.md": ""})
    assert result["B.md"] == add_alias(after)


def test_relative_links_in_another_folder() -> None:
    vault = {
        "a/A.md": "[x](y.md) ![](i.png) [[./y]] [[y]] [b](../b/B.md)\n",
        "b/B.md": "b [a](../a/A.md)\n",
        "a/y.md": "",
        "a/i.png": "",
    }
    assert merge(vault, "a/A.md", "b/B.md")["b/B.md"] == add_alias(
        "b a\n\n## A\n\n[x](../a/y.md) ![](../a/i.png) [[../a/y|./y]] [[y]] b\n"
    )


def test_definitions_of_labels_follow() -> None:
    vault = {
        "a/A.md": "# H\n[x][r] [y]\n\n[r]: y.md\n[y]: #H\n",
        "b/B.md": "b\n",
        "a/y.md": "",
        "s.md": "[k]\n\n[k]: a/A.md#H\n",
    }
    after = merge(vault, "a/A.md", "b/B.md")
    assert after["b/B.md"] == add_alias("b\n\n## H\n[x][r] [y]\n\n[r]: ../a/y.md\n[y]: #H\n")
    assert after["s.md"] == "[k]\n\n[k]: b/B.md#H\n"


def test_definitions_of_labels_follow_headings_with_links() -> None:
    vault = {"A.md": "a", "B.md": "b", "o.md": "# See [[A]]\n", "l.md": "[[o#See A]]"}
    after = merge({**vault, "s.md": "[k]\n\n[k]: <o.md#See A>\n"})
    assert after["s.md"] == "[k]\n\n[k]: <o.md#See B A>\n"


def test_definitions_of_labels_with_different_files_are_refused() -> None:
    text = "[x][r]\n\n[r]: y.md\n"
    with pytest.raises(RefusedError, match=r"\[r\] with different meanings"):
        plan({"a/A.md": text, "b/B.md": text, "a/y.md": "", "b/y.md": ""}, "a/A.md", "b/B.md")


def test_canvas_follows() -> None:
    canvas = '{"nodes":[{"id":"1","type":"file","file":"A.md","subpath":"#H"}],"edges":[]}'
    after = merge({"A.md": "# H\n", "B.md": "b\n", "c.canvas": canvas})
    assert after["c.canvas"] == canvas.replace("A.md", "B.md")


def test_captured_links_are_named() -> None:
    vault = {"A.md": "# H\n[[#T]]\n", "B.md": "# T\n", "s.md": "[[A#T]] [[B#H]] [[A#H]]"}
    found = [(item.path, item.raw, item.target) for item in plan(vault).captured]
    assert sorted(found) == [
        ("A.md", "[[#T]]", "B.md"),
        ("s.md", "[[A#T]]", "B.md"),
        ("s.md", "[[B#H]]", "B.md"),
    ]


def test_namesake_of_the_removed_note() -> None:
    """Bare links lead to the namesake only if they did before."""
    vault = {"A.md": "a\n", "B.md": "b\n", "x/A.md": "", "s.md": "[[A]] [[x/A]]"}
    assert merge(vault)["s.md"] == "[[B|A]] [[x/A]]"


def test_managed_sections_stay_in_step() -> None:
    def section(name: str) -> str:
        return f"<!-- vaultlink:backlinks -->\n\n## Backlinks\n\n- [[{name}]]\n\n<!-- /vaultlink:backlinks -->\n"

    vault = {
        "A.md": f"a [[t]]\n\n{section('s')}",
        "B.md": "b\n",
        "s.md": "[[A]]",
        "t.md": f"t\n\n{section('A')}",
    }
    after = merge(vault, backlinks={"mode": "write", "style": "list"})
    assert after["t.md"] == f"t\n\n{section('B')}"
    assert after["B.md"] == add_alias("b\n\n## A\n\na [[t]]\n")


def test_the_plan() -> None:
    done = plan({"A.md": "a\n", "B.md": "b\n", "s.md": "[[A]]"})
    assert (dict(done.moves), dict(done.files), set(done.required)) == ({}, {}, {"A.md", "B.md"})
    assert done.texts["A.md"] == ("a\n", None)
    assert [(item.old, item.new) for item in done.renames] == [("A.md", "B.md")]


# -- refusals ---------------------------------------------------------------------------------------------------------

REFUSED: Mapping[str, tuple[Vault, str]] = {
    "block ids": ({"A.md": "a ^x\n\nb ^y\n", "B.md": "b ^X\n"}, "have the blocks ^x."),
    "footnotes": ({"A.md": "a[^1]\n\n[^1]: a\n", "B.md": "b[^1]\n\n[^1]: b\n"}, "[^1]"),
    "footnote defined only here": ({"A.md": "a[^1]\n\n[^1]: a\n", "B.md": "b[^1]\n"}, "[^1]"),
    "footnote defined only there": ({"A.md": "a[^1]\n", "B.md": "b[^1]\n\n[^1]: b\n"}, "[^1]"),
    "references": ({"A.md": "[x]: y.md\n", "B.md": "- [x] done\n"}, "[x]"),
    "open comment": ({"A.md": "# H\n", "B.md": "b\n\n%%\n"}, "comment"),
    "open code": ({"A.md": "a\n", "B.md": "```\nb\n"}, "not closed"),
    "open math": ({"A.md": "a\n", "B.md": "$$\nb\n"}, "not closed"),
    "open HTML comment": ({"A.md": "a\n", "B.md": "b\n\n<!-- c\n"}, "not closed"),
    "block id of nothing": ({"A.md": "^x\n\na\n", "B.md": "b\n"}, "headings or blocks"),
    "properties of the first note": ({"A.md": "---\na: [\n---\n", "B.md": "b\n"}, "not valid YAML"),
    "properties of the second note": (
        {"A.md": "a\n", "B.md": "---\n{a: 1}\n---\n"},
        "not valid YAML",
    ),
    "heading of a backlinks section": (
        {
            "A.md": "## Backlinks\na\n",
            "B.md": "[[#Backlinks]]\n\n## Backlinks\n\n- [[x]]\n- [[y]]\n",
            "x.md": "",
            "y.md": "",
        },
        "“#Backlinks” would lead to the heading “Backlinks” (line 9)",
    ),
}


@each(("vault", "reason"), REFUSED.values(), ids=REFUSED)
def test_refusals_say_why(vault: Vault, reason: str) -> None:
    with pytest.raises(RefusedError) as refused:
        plan(vault)
    assert reason in str(refused.value)


def test_merging_a_note_with_itself_is_refused() -> None:
    with pytest.raises(RefusedError, match="itself"):
        plan({"A.md": "a\n"}, "A.md", "A.md")


@each("path", ["A.md", "B.md", "s.md"])
def test_notes_that_can_not_be_changed_are_named(path: str) -> None:
    vault = {"A.md": "# H\n", "B.md": "b\n", "s.md": "[[A#H]]"}
    state = build_state(vault)
    for sources in (
        FixInputs(lambda asked: None if asked == path else vault[asked]),
        FixInputs(vault.get, is_protected=lambda asked: asked == path),
    ):
        if path == "s.md":
            [note] = plan_merge(state, sources, "A.md", "B.md").skipped
            assert note.path == path
            continue
        with pytest.raises(RefusedError, match=f"{path}.*can't be changed"):
            plan_merge(state, sources, "A.md", "B.md")


# -- random notes -----------------------------------------------------------------------------------------------------

LINK = re.compile(r"(!?)\[\[([^]|]*?)(?:\\?\|([^]]*))?\]\]|\[([^]]*)\]\([^)]*\)")
PIECES = st.sampled_from(
    [
        "# X",
        "# Y",
        "## X",
        "### C d ^{0}h",
        "text ^{0}a",
        "- item\n- other ^{0}b",
        "[[#X]] [[#C d]] [[#X#X]]",
        "[[A#X]] [x](B.md#Y) [[A]] [[B]]",
        "![[A#^aa]]",
        "[[B#^bb|x]] [y](#X)",
        "> # X",
        "```\n# X\n[[#X]]\n```",
        "|a|b|\n|-|-|\n|[[A#X\\|x]]|[[s]]|",
        "#tag [[none]] [[#none]]",
    ]
)
NOTES = st.lists(PIECES, max_size=6)


@pytest.mark.thorough
@given(NOTES, NOTES)
def test_every_link_leads_to_the_same_place(first: list[str], second: list[str]) -> None:
    links = "[[A#X]] [[A#Y]] [[A#C d]] [[A#Y#X]] [[A#^aa]] [[B#X]] [[B#X#X]] [[B#^ba]] [[A]] [[B]]"
    vault = {
        f"{name}.md": "".join(
            f"{piece.format(name.lower())}\n\nline {name}{number}\n\n"
            for number, piece in enumerate(pieces)
        )
        for name, pieces in (("A", first), ("B", second))
    }
    vault["s.md"] = links
    try:
        after = merge(vault)
    except RefusedError:
        return
    had = Counter(item if item != "A.md" else "B.md" for item in list_meanings(vault))
    assert (Counter(list_meanings(after)) - had).total() <= len(plan(vault).captured)
    before, now = (
        Counter(line for text in texts.values() for line in plain_lines(text))
        for texts in (vault, after)
    )
    assert before - now == Counter()
    assert set(now - before) <= {"---", "aliases:", "  - A", "# A", "A > \\^aa"}


def list_meanings(vault: Vault) -> list[str]:
    """Return what each link leads to: a file, or the numbered line behind a heading or block."""
    index, found = build_state(vault).index, []
    for path in vault:
        for link, target in index.resolved_links(path):
            anchor = find_anchor(index.notes[target], link.subpath) if target else None
            if target and anchor:
                text = vault[target][anchor.start :]
                found.append(text.partition("\nline ")[2].partition("\n")[0])
            else:
                found.append(str(target))
    return found


def plain_lines(text: str) -> list[str]:
    """Return the lines that are not blank, with the words of links, headings without a level."""
    lines = [re.sub("^#+ ", "# ", LINK.sub(shown_words, line)) for line in text.splitlines()]
    return [line for line in lines if line.strip() and line != "EMBED"]


def shown_words(link: re.Match[str]) -> str:
    if link[1]:
        return "EMBED"
    return link[3] or link[4] or " > ".join(part for part in link[2].split("#") if part)
