"""Tests of the definitions of links' labels: `[label]: destination "title"`."""

from hypothesis import given
from hypothesis import strategies as st

from builder import build_state
from tables import each
from vaultlink.links.edit_math import apply_edits
from vaultlink.links.rewrite import rewrite_definition
from vaultlink.parse.note import parse_note


def definitions_of(text: str) -> list[tuple[str, str, bool]]:
    """Target, subpath and form of the definitions in a note."""
    found = parse_note("n.md", text).definitions
    assert [text[item.start : item.end] for item in found] == [item.raw for item in found]
    return [(item.target, item.subpath, item.wrapped) for item in found]


# -- where a definition can be ----------------------------------------------------------------------------------------


@each(
    ("text", "target", "subpath", "wrapped"),
    [
        ("[a]: b.md", "b.md", "", False),
        ("[a]: b.md\n", "b.md", "", False),
        ("[a]: b.md\r\n", "b.md", "", False),
        ("[a]:b.md", "b.md", "", False),
        ("   [a]: b.md", "b.md", "", False),
        ("[a b]: <b c.md>", "b c.md", "", True),
        ("[a]: b%20c.md", "b c.md", "", False),
        ("[a]: <b%20c.md>", "b c.md", "", True),
        ("[a]: b\\_c.md", "b_c.md", "", False),
        ("[a]: b&amp;c.md", "b&c.md", "", False),
        ("[a]: b.md#H%20I", "b.md", "#H I", False),
        ("[a]: #H", "", "#H", False),
        ("[a]: b.md#^id", "b.md", "#^id", False),
        ('[a]: b.md "Title"', "b.md", "", False),
        ("[a]: b.md 'Title'", "b.md", "", False),
        ("[a]: b.md (Title)", "b.md", "", False),
        ("[a\\]b]: c.md", "c.md", "", False),
        ("[ä]: ö.md", "ö.md", "", False),
        ("[a]: ../b.md", "../b.md", "", False),
        ("[a]: b(1).md", "b(1).md", "", False),
        ("text\n\n[a]: b.md\n\ntext", "b.md", "", False),
        ("# H\n[a]: b.md", "b.md", "", False),
        ("---\nx: y\n---\n[a]: b.md", "b.md", "", False),
        ("> [a]: b.md", "b.md", "", False),
        ("> [!note]\n> text\n>\n> [a]: b.md", "b.md", "", False),
        ("- [a]: b.md", "b.md", "", False),
        ("- x\n\n  [a]: b.md", "b.md", "", False),
        ("1. [a]: b.md", "b.md", "", False),
        ("%%\n[a]: b.md\n%%", "b.md", "", False),
        ("[^1]: x\n\n    [a]: b.md", "b.md", "", False),
    ],
)
def test_definition_is_found(text: str, target: str, subpath: str, wrapped: bool) -> None:
    assert definitions_of(text) == [(target, subpath, wrapped)]


@each(
    "text",
    [
        "text [a]: b.md",
        "text\n[a]: b.md",
        "[a]: b.md and more",
        '[a]: b.md "Title" x',
        "[a]: b c.md",
        "[a]:",
        "[a]: <>",
        "[a] : b.md",
        "[a]\n: b.md",
        "[]: b.md",
        "[^1]: b.md",
        "[[a]]: b.md",
        "\\[a]: b.md",
        "    [a]: b.md",
        "- x\n\n      [a]: b.md",
        "```\n[a]: b.md\n```",
        "> ```\n> [a]: b.md",
        "$$\n[a]: b.md\n$$",
        "<!--\n[a]: b.md\n-->",
        "<div>\n[a]: b.md\n</div>",
        "---\n[a]: b.md\n---\n",
        "| [a]: b.md |\n| - |\n",
        "# [a]: b.md",
        "[a]: b.md\n===",
        "[a]: https://example.org",
        "[a]: mailto:x@example.org",
        "[a]: <https://example.org/b.md>",
        "[a]: b%2",
        "[a]: b[c].md",
        "- [ ] a: b.md",
        "[x]: <a",
    ],
)
def test_other_text_is_no_definition(text: str) -> None:
    assert definitions_of(text) == []


def test_several_definitions_keep_their_order() -> None:
    text = "[a]: b.md\n[c]: <d.md>\n\n> [e]: f.md#g\n"
    assert definitions_of(text) == [("b.md", "", False), ("d.md", "", True), ("f.md", "#g", False)]


def test_a_definition_is_no_link_but_the_note_mentions_it() -> None:
    texts = {"a.md": "[x]: Notes/b.md\n\n[x], [y][x]\n", "Notes/b.md": "", "c.md": "b.md"}
    index = build_state(texts).index
    assert index.notes["a.md"].links == ()
    assert index.sources_of("Notes/b.md") == ()
    assert index.notes_mentioning({"b"}) == {"a.md"}


def test_brackets_with_colons_take_linear_time() -> None:
    assert definitions_of("a]:" * 200_000) == []
    assert definitions_of("[" + "a\\]:" * 200_000) == []
    assert definitions_of("- [a] b]:\n" * 50_000) == []


# -- another destination ----------------------------------------------------------------------------------------------


@each(
    ("before", "target", "subpath", "expected"),
    [
        ("[a]: b.md", "c.md", "", "[a]: c.md"),
        ("[a]:   b.md  ", "c.md", "", "[a]:   c.md  "),
        ('[a]: b.md "b.md"', "x/c.md", "", '[a]: x/c.md "b.md"'),
        ("[a]: b.md", "c d.md", "", "[a]: c%20d.md"),
        ("[a]: <b.md>", "c d.md", "", "[a]: <c d.md>"),
        ("[a]: <b.md> (t)", "c.md", "", "[a]: <c.md> (t)"),
        ("[a]: ö.md", "ü ä.md", "", "[a]: ü%20ä.md"),
        ("[a]: %C3%B6.md", "ü.md", "", "[a]: %C3%BC.md"),
        ("[a]: b.md", "c(1).md", "", "[a]: c%281%29.md"),
        ("[a]: b.md", "c(1.md", "", "[a]: c%281.md"),
        ("[a]: b.md", "c[1].md", "", "[a]: c%5B1%5D.md"),
        ("[a]: <b.md>", "c[1].md", "", "[a]: <c%5B1%5D.md>"),
        ("[a]: <b.md>", "100%20.md", "", "[a]: <100%2520.md>"),
        ("[a]: b.md#H%20I", "c.md", "#H I", "[a]: c.md#H%20I"),
        ("[a]: b.md#H", "b.md", "#I J", "[a]: b.md#I%20J"),
        ("[a]: b%2Emd#H", "b.md", "#^id", "[a]: b%2Emd#^id"),
        ("[a]: <#H>", "", "#I J", "[a]: <#I J>"),
        ("[a]: &#246;.md", "c.md", "", "[a]: c.md"),
        ("> - [a]: b.md\n", "c.md", "", "> - [a]: c.md\n"),
    ],
)
def test_definition_gets_another_destination(
    before: str, target: str, subpath: str, expected: str
) -> None:
    [definition] = parse_note("n.md", before).definitions
    edits = rewrite_definition("n.md", definition, target, subpath)
    assert apply_edits(before, edits) == expected
    assert definitions_of(expected) == [(target, subpath, definition.wrapped)]


@each(
    ("text", "target", "subpath"),
    [
        ("[a]: b.md", "b.md", ""),
        ("[a]: b.md", "c: d.md", ""),
        ("[a]: b.md", "c#d.md", ""),
        ("[a]: b.md", "", ""),
        ("[a]: <b.md>", "", ""),
    ],
)
def test_definition_that_cannot_be_written_has_no_edits(
    text: str, target: str, subpath: str
) -> None:
    [definition] = parse_note("n.md", text).definitions
    assert rewrite_definition("n.md", definition, target, subpath) == ()


NAMES = st.text(st.sampled_from("ab ÄßЖ()[]&%#^+'\"\\_*.!,"), min_size=1, max_size=8).map(
    lambda name: name.strip() + ".md"
)


@given(st.sampled_from(["[a]: b.md", "[a]: <b c.md> 't'", "> [a]: ö.md"]), NAMES)
def test_definition_is_read_back_as_requested(before: str, target: str) -> None:
    [definition] = parse_note("n.md", before).definitions
    edits = rewrite_definition("n.md", definition, target, "")
    expected = target if edits else definition.target
    assert definitions_of(apply_edits(before, edits)) == [(expected, "", definition.wrapped)]
