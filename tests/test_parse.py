"""Tests of the parser: what it finds, at which position, and that it never fails."""

import json
import re

import frontmatter
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exploring import count_examples
from tables import each
from vaultlink.model import Link, Note, Place
from vaultlink.parse import fast_parser, properties
from vaultlink.parse.canvas import parse_canvas
from vaultlink.parse.link_parts import decode_address
from vaultlink.parse.note import parse_note
from vaultlink.parse.properties import frontmatter_span

PIECES = st.sampled_from(
    [
        "[[a]]",
        "[[a b|c]]",
        "![[p.png]]",
        "[[a#H]]",
        "[[a | [00:05:19]]]",
        "[[",
        "]]",
        "[",
        "]",
        "|",
        "[t](u.md)",
        "[t](",
        ")",
        "![i](p.png)",
        "`",
        "``",
        "```",
        "~~~",
        "$",
        "$$",
        "%%",
        "<!--",
        "-->",
        "<div>",
        '<a href="',
        '">',
        "</a>",
        "<br>",
        "<img src=",
        '<img alt="x" src="p.png">',
        "# ",
        "## ",
        "- ",
        "1. ",
        "> ",
        "    ",
        "\t",
        "\n",
        "\n\n",
        "\r\n",
        "---\n",
        "===\n",
        "| a | b |\n|--|--|\n",
        "^id",
        "\\",
        "#tag",
        "*",
        "**",
        "_",
        "~~",
        "==",
        "^[",
        "[^1]: ",
        "[r]: u\n",
        "[l\\]m]: <x y#z>\n",
        "- [r]: u.md 't'\n",
        "https://x.y/",
        "é",
        "👩‍👧",
        "\u00a0",
        "\ufeff",
        "\x00",
        "word ",
        "text\n",
        "a_b",
        "title: x\n",
        'up: "[[a]]"\n',
        "vaultlink-disable",
        "Add backlinks using these topics:\n",
    ]
)
NOTES = st.lists(PIECES, max_size=40).map("".join)

CALM = st.sampled_from(
    [
        "word ",
        "text\n",
        "\n",
        "\n\n",
        "[[a]] ",
        "[[a|b]]\n",
        "# One\n\n",
        "## Backlinks\n",
        "- x\n",
        "  - [[y]]\n",
        "1. x\n\n",
        "- [ ] [r]: u.md\n",
        "> q\n",
        "<img src=p.png> ",
        "#tag ",
        "`c` ",
        "\\[x] ",
        "[t](u.md)\n",
        "**b** ",
        "[[c|*d*]] ",
        "[] ",
        "https://x.y/ ",
        "**Add backlinks using these topics:**\n\nOne – [[one]]\n",
    ]
)
BEGIN, END = "<!-- vaultlink:backlinks -->", "<!-- /vaultlink:backlinks -->"
WRITTEN = st.sampled_from(
    [
        f"{BEGIN}\n\n**Add backlinks using these topics:**\n\nA b – [[a | A b]]\n\nC \\#d – [[c | C #d]]\n\n{END}",
        f"<!-- vaultlink:backlinks before=2 after=1 -->\n\n## Backlinks\n\n- [[a]]\n- [[c|C]]\n\n{END}",
        f"<!-- vaultlink:backlinks before=1 -->\n\n## Backlinks\n\n- [[a]]\n  - says [[n]] #tag\n  - `x` and \\[[n]]\n- [C](c.md)\n\n{END}",
        f"<!-- vaultlink:backlinks adopted -->\n\nAdd backlinks using these topics\nA [[a]]\n\nC – c]]\n\nmore [[\n\n{END}",
    ]
)
SECTIONS = WRITTEN | st.sampled_from(
    [
        f"<!-- vaultlink:backlinks after=2 adopted -->\n\n```\n{END}\n```\n\n{END}",
        f"{BEGIN}\n\n{BEGIN}\n\n{END}\n\n{END}",
        BEGIN,
        END,
        f"{BEGIN}\n\n- x\n\n      [[a]]\n\n{END}",
        f"{BEGIN}\n[[a]]\n{END}",
        f"{BEGIN}\n\n- [[a]]\n  - b ^id\n\n{END}",
        "<!-- vaultlink:backlinks vaultlink-disable -->",
    ]
)
BEFORE = st.sampled_from(
    [
        "",
        "\n",
        "\n\n",
        "\n\n",
        "\n\n",
        "text\n\n",
        "- x\n\n",
        "1. x\n\n  ",
        "[^1]: x\n\n",
        "> ",
        "- ",
        "    ",
        "```\n",
        "%%\n\n",
        "<div>\n\n",
        "<!--\n\n",
        "$$\n\n",
        "---\nup: x\n---\n\n",
        "| a |\n|--|\n",
    ]
)
BEHIND = st.sampled_from(
    [
        "",
        "\n",
        "\n",
        "\n\n",
        "\n\n",
        "\n\n[^1]: [[x]]\n",
        "\n\n    [[x]]\n",
        "\n\n%%\n[[x]]\n%%\n",
        "\n===\n",
        " text\n",
        "\n ^id\n",
        "\n\n```\n",
        "\n\n---\n",
        "\n\n^id\n",
    ]
)
QUIET = st.lists(CALM, max_size=8).map("".join)
APART = st.tuples(QUIET, st.just("\n\n"), WRITTEN, st.sampled_from(["", "\n", "\n\n"]), QUIET).map(
    "".join
)
MARKED = APART | st.lists(
    st.tuples(QUIET, BEFORE, SECTIONS, BEHIND, QUIET).map("".join), min_size=1, max_size=2
).map("".join)
"""Notes with sections between vaultlink's markers, many of them plain but for these."""


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Generate a note with sections from which a part is missing, or with an additional part."""
    text = draw(MARKED)
    start = draw(st.integers(0, len(text)))
    return text[:start] + draw(st.just("") | PIECES) + text[start + draw(st.integers(0, 3)) :]


SECTIONED = APART | MARKED | damaged() | MARKED.map(lambda text: text.replace("\n", "\r\n"))


def links_of(text: str) -> list[tuple[str, str]]:
    """Raw text and target of the links in a note's body."""
    return [(link.raw, link.target) for link in parse_note("n.md", text).links]


# -- properties that always hold ----------------------------------------------------------------------------------


@settings(max_examples=count_examples(200), deadline=None)
@given(NOTES | SECTIONED | st.text(max_size=200))
def test_parsing_never_fails_and_every_span_lies_in_the_text(text: str) -> None:
    note = parse_note("n.md", text)
    for item in [
        *note.links,
        *note.headings,
        *note.blocks,
        *note.tags,
        *note.directives,
        *note.problems,
        *note.definitions,
        *note.images,
    ]:
        assert 0 <= item.start <= item.end <= len(text)
        assert item.line == text.count("\n", 0, item.start) + 1
        assert item.column == item.start - (text.rfind("\n", 0, item.start) + 1) + 1
    for link in note.links:
        if link.place is not Place.PROPERTY:
            assert text[link.start : link.end] == link.raw
    for heading in note.headings:
        assert text[heading.start : heading.end] == heading.text
    for definition in note.definitions:
        assert text[definition.start : definition.end] == definition.raw
    for image in note.images:
        assert decode_address(text[image.start : image.end]) == image.target


@settings(max_examples=count_examples(400), deadline=None)
@given(NOTES | SECTIONED)
@example("---\nup: x\n---\n    [[a]]\n")
@example("---\nup: x\n---\n===\n\n    [[a]]")
@example("    [[a]]")
@example("[a]] a[ [[b]]\n- `c` [[d]]\n")
@example("[t](https://x.y/z)#tag\n")
@example("[[a*b]] | x\n- - |\n")
@example(f"Add backlinks using these topics:\n\nOne – [[one]]\n\n{BEGIN}\n\nTwo – [[two]]\n")
def test_fast_and_full_parser_agree(text: str) -> None:
    quick = parse_note("n.md", text)
    full = full_reading(text)
    assert quick == full


@each(
    "text",
    [
        "{0}\n\n{1}",
        "# A\n\ntext\n\n{0}\n\n- [[b]]\n  - `x` [[c]]\n\n{1}\n\nmore",
        "---\nup: x\n---\n\n{0}\n\n{1}\n",
        "- x\n\n{0}\n\n[[a]]\n\n{1}\n",
    ],
)
def test_isolated_markers_use_the_fast_parser(text: str) -> None:
    assert reads_quickly(text.format("<!-- vaultlink:backlinks adopted before=2 after=1 -->", END))


@each(
    "text",
    [
        "text\n{0}\n\n{1}\n",
        "- x\n\n  {0}\n\n{1}\n",
        "> {0}\n>\n> {1}\n",
        "```\n\n{0}\n\n{1}\n```\n",
        "{0}\n\n{1}\n===\n",
        "{0} \n\n{1}\n",
        "{0}\n\n<!-- x -->\n\n{1}\n",
        "{0}\r\n\r\n{1}\r\n",
        "---\nup: x\n---\n{0}\n\n{1}\n",
        "{0}\n\n<!-- vaultlink-disable -->\n\n{1}\n",
    ],
)
def test_other_markers_use_the_full_parser(text: str) -> None:
    assert not reads_quickly(text.format(BEGIN, END))


def reads_quickly(text: str) -> bool:
    """Return True if the fast parser reads the note."""
    span = frontmatter_span(text)
    body = span[2] if span else 0
    shown, marks, _ = fast_parser.mask_markers(text, body, fast_parser.markup_bytes(text.encode()))
    return fast_parser.find_plain_headings(shown, body, marks) is not None


def full_reading(text: str) -> Note:
    """Return the note as parsed by the block and inline passes."""
    kept, fast_parser.find_plain_headings = fast_parser.find_plain_headings, lambda *_: None
    try:
        return parse_note("n.md", text)
    finally:
        fast_parser.find_plain_headings = kept


@each(
    ("text", "targets"),
    [
        ("a <img src=p.png> b", ["p.png"]),
        ('<IMG\n  alt="x > y" SRC="a b/p&amp;q.png"\n/>', ["a b/p&q.png"]),
        ("**<img src='p%20q.png?x#y'>**", ["p q.png"]),
        ("<p>\n<img src='.\\img\\p.png'>\n</p>", ["./img/p.png"]),
        ("<img src='p%zz.png'> <img src='p%ff.png'>", ["p%zz.png", "p%ff.png"]),
        ("<img src='p%2Cq.png'>", ["p,q.png"]),
        ("- x\n  - <img src='p.png'> y\n    z\n\n> <img\n> src='q.png'>", ["p.png", "q.png"]),
        ("[<img src='p.png'>](<img src='x'>)", ["p.png"]),
        ("# <img src='p.png'>\n\n[^1]: <img src='q.png'>", ["p.png", "q.png"]),
        ("| a |\n|---|\n| <img src='p.png'> |", ["p.png"]),
        ("<details>\n<img src='p.png'>\n\n<img src='q.png'>\n\n</details>", ["p.png", "q.png"]),
        ("<img src='p.png' src='q.png'>", ["p.png"]),
        ("---\nup: \"<img src='p.png'>\"\n---\n", []),
        ("`<img src='p.png'>`\n\n    <img src='p.png'>", []),
        ("```html\n<img src='p.png'>\n```\n\n$<img src='p.png'>$", []),
        ("a <!-- <img src='p.png'> --> %% <img src='p.png'> %%", []),
        ("%%\n<img src='p.png'>\n%%\n\n<!--\n\n<img src='p.png'>\n-->", []),
        ("<pre>\n<img src='p.png'>\n</pre>\n\n<p><code><img src='p.png'></code></p>", []),
        ("<p title=\"<img src='p.png'>\">\n</p>\n\n\\<img src='p.png'>", []),
        ("<img src='https://x.y/p.png'> <img src='data:x'> <img src='//x.y/p.png'>", []),
        ("<img src=''> <img src> <img data-src='p.png'> <img alt=\" src='p.png'\">", []),
        ("<imgs src='p.png'> <video src='p.mp4'> <img src='p.png'", []),
    ],
)
def test_images_in_html(text: str, targets: list[str]) -> None:
    note = parse_note("n.md", text)
    assert [image.target for image in note.images] == targets
    assert not any(link.target in targets for link in note.links)


@settings(max_examples=count_examples(100), deadline=None)
@given(NOTES)
def test_windows_line_ends_change_only_positions(text: str) -> None:
    unix = text.replace("\r", "")
    windows = unix.replace("\n", "\r\n")
    one, two = parse_note("n.md", unix), parse_note("n.md", windows)
    assert [(link.target, link.subpath, link.line, link.embed) for link in one.links] == [
        (link.target, link.subpath, link.line, link.embed) for link in two.links
    ]
    assert [(head.level, head.text, head.line) for head in one.headings] == [
        (head.level, head.text, head.line) for head in two.headings
    ]
    assert [(tag.name, tag.line) for tag in one.tags] == [(tag.name, tag.line) for tag in two.tags]


@settings(max_examples=count_examples(100), deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
        ),
    )
)
def test_any_json_is_accepted_as_a_canvas(value: object) -> None:
    for text in (
        json.dumps(value),
        json.dumps({"nodes": value}),
        json.dumps({"nodes": [value, {"type": "text", "text": "[[a]]"}]}),
    ):
        assert isinstance(parse_canvas("b.canvas", text), Note)


# -- properties of notes ------------------------------------------------------------------------------------------

SCALARS = st.sampled_from(
    [
        "plain words",
        "A b, c",
        "12",
        "-3",
        "1.5",
        "x: y",
        "true",
        "null",
        "~",
        '"quoted: x"',
        "'single'",
        "[a, b]",
        "",
        "2024-01-01",
        "yes",
        "0x1F",
        "007",
        "a#b",
        "[[x]]",
        '"[[x]]"',
        "1e3",
        ".5",
        "é ü",
    ]
)


FRONTMATTER = st.lists(
    st.sampled_from(
        [
            *(
                "k:",
                "k: ",
                "tags:\n",
                "a: [b, c]\n",
                "d: []\n",
                "e: ['x', \"[[y]]\"]\n",
                "- a\n",
                "  - b\n",
            ),
            *(
                "- \n",
                "  -\n",
                "- -x",
                '- "q"\n',
                "[",
                "]",
                ", ",
                ",",
                '"',
                "'",
                "x",
                "-",
                " ",
                "\n",
                " #",
            ),
            *(
                "2024",
                "true",
                "~",
                "null",
                "1.5",
                "0x1f",
                "[[A]]",
                '"[[A|b]]"',
                "{{d}}",
                "&a ",
                "*a",
                "é",
                "|",
            ),
        ]
    ),
    max_size=12,
).map("".join)


@settings(max_examples=count_examples(1000), deadline=None)
@given(FRONTMATTER)
@example("tags:\n  - a\n  - 'b'\nx: -1\n")
def test_simple_frontmatter_is_read_as_yaml(block: str) -> None:
    simple = properties._read_simple(block, 7)
    if simple is not None and not re.search(r": +$", block, re.MULTILINE):
        assert simple == properties._read_yaml(block, 7)


@settings(max_examples=count_examples(100), deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["title", "tags", "videoId", "x_y", "k-1"]), SCALARS, min_size=1
    )
)
def test_values_agree_with_an_independent_parser(
    values: dict[str, str],
) -> None:
    block = "".join(f"{key}: {value}\n" for key, value in values.items())
    note = parse_note("n.md", f"---\n{block}---\nbody\n")
    try:
        theirs = frontmatter.loads(f"---\n{block}---\nbody\n").metadata
    except Exception:
        assert any(problem.kind == "invalid-frontmatter" for problem in note.problems)
        return
    different = {
        "2024-01-01",
        "yes",
        "007",
        "1e3",
    }  # YAML 1.1 reads these as a date, a truth, eight minus one, a text
    for item in note.properties or ():
        if values[item.key] not in different:
            assert item.value == theirs[item.key]


@each(
    ("text", "value"),
    [
        ("d: 2024-01-01", "2024-01-01"),
        ("d: yes", "yes"),
        ("d: on", "on"),
        ("d: 0x1F", 31),
        ("d: 1e3", 1000.0),
        ("d: 12:30", "12:30"),
        ("d: ~", None),
        ("d:", None),
        ("d: {{date}}", "{{date}}"),
        ("d: {{a: b}} x", "{{a: b}} x"),
        ("d: [[a]]", [["a"]]),
        ('d: "a\\tb"', "a\tb"),
        ("d: 90071992547409930", 90071992547409930.0),
    ],
)
def test_values_are_yaml_1_2_core(text: str, value: object) -> None:
    note = parse_note("n.md", f"---\n{text}\n---\n")
    assert [item.value for item in note.properties or ()] == [value]


@each(
    "block",
    [
        "a: &a [x]\n"
        + "".join(
            f"k{n}: &k{n} [*{'a' if n == 0 else f'k{n - 1}'}, *{'a' if n == 0 else f'k{n - 1}'}]\n"
            for n in range(40)
        ),
        "a: " + "[" * 5000,
        "a: " + "[" * 900 + "]" * 900,
        "- " * 5000 + "x",
        "a: &a\n  b: *a\n",
        "a: b: c",
        "\tx: y",
        'a: "x',
    ],
)
def test_invalid_and_hostile_yaml_is_a_problem(block: str) -> None:
    note = parse_note("n.md", f"---\n{block}\n---\n[[a]]\n")
    assert [problem.kind for problem in note.problems] == ["invalid-frontmatter"]
    assert note.properties == ()
    assert [link.target for link in note.links] == ["a"]


def test_long_list_of_links_is_not_nested() -> None:
    block = "related: [" + ", ".join(f'"[[n{number}]]"' for number in range(2000)) + "]\n"
    note = parse_note("n.md", f"---\n{block}---\n")
    assert len(note.links) == 2000
    assert note.problems == ()


# -- where things stand -------------------------------------------------------------------------------------------


def test_everything_in_one_note() -> None:
    text = (
        '---\ntitle: One\naliases: [Eins, Uno]\nup: "[[home|Up]]"\ntags:\n  - wiki\n---\n# First ##\n\nSee [[a_b | A B]] and '
        '![[p.png|100]] and [t](c%20d.md#H "x"). #now\n\n> [!note] [[q]]\n> more ^q1\n\n```\n[[hidden]]\n```\n'
    )
    note = parse_note("One.md", text)
    assert note.aliases == ("Eins", "Uno")
    assert note.title == "One"
    assert [(head.level, head.text, head.line) for head in note.headings] == [(1, "First", 8)]
    assert [(block.id, block.line, block.block_line) for block in note.blocks] == [("q1", 13, 12)]
    assert [(tag.name, tag.line, tag.place) for tag in note.tags] == [
        ("wiki", 6, "property"),
        ("now", 10, "body"),
    ]
    assert [shape(link) for link in note.links] == [
        ("home", "", "Up", False, "property", "up"),
        ("a_b", "", "A B", False, "body", ""),
        ("p.png", "", "100", True, "body", ""),
        ("c d.md", "#H", "t", False, "body", ""),
        ("q", "", None, False, "body", ""),
    ]


def shape(link: Link) -> tuple[object, ...]:
    """A link without its place in the text."""
    return link.target, link.subpath, link.display, link.embed, link.place.value, link.key_path


@each(
    ("text", "expected"),
    [
        ("[[a | [00:05:19]]] b", [("[[a | [00:05:19]]", "a")]),
        ('x <a class="t" data-t="1">[00:07:09]</a> [[a]]', [("[[a]]", "a")]),
        ('x <a href="[[a]]">t</a> [[b]]', [("[[b]]", "b")]),
        ("| h | i |\n|---|---|\n| [[a\\|b]] | [[c|d]] |\n", [("[[a\\|b]]", "a")]),
        ("[x][[a]]", []),
        ("- a\n\n      [[code]]\n", []),
        ("%%\n# no heading\n[[a]]\n%%\n", [("[[a]]", "a")]),
        ("*x [[a*b]] y*", []),
        ("word^[see [[a]]] and ^[[b]]", [("[[a]]", "a")]),
        ("```\n[[a]]\n````\n[[b]]", [("[[b]]", "b")]),
        ("[t](<my note.md>) [u](my note.md)", [("[t](<my note.md>)", "my note.md")]),
        ("[t](a%ZZ.md)", []),
        ("![t](a%ZZ.png)", [("![t](a%ZZ.png)", "a%ZZ.png")]),
        ("![t](https://x.y/a%ZZ.png)", [("![t](https://x.y/a%ZZ.png)", "https://x.y/a%ZZ.png")]),
        ("https://x.y/[[a]] [[b]]", [("[[b]]", "b")]),
        ("[![i](p.png)](b.md)", [("[![i](p.png)](b.md)", "b.md"), ("![i](p.png)", "p.png")]),
    ],
)
def test_links_in_special_contexts(text: str, expected: list[tuple[str, str]]) -> None:
    assert links_of(text) == expected


@each(
    ("text", "target", "fault"),
    [
        ("see [[a]\n", "a", "one closing bracket is missing"),
        ("see [a]]\n", "a", "one opening bracket is missing"),
        ("see [[a\n", "a", "the closing brackets are missing"),
        ("[[a\nb]]\n", "a\nb", "it contains a line break"),
        ("[t](my note.md)\n", "my note.md", "its destination contains a space"),
        ("[t] (b.md)\n", "b.md", "there is a space between its text and its destination"),
    ],
)
def test_malformed_link_is_noted(text: str, target: str, fault: str) -> None:
    troubles = [
        problem for problem in parse_note("n.md", text).problems if problem.kind == "malformed-link"
    ]
    assert [(problem.target, problem.detail) for problem in troubles] == [(target, fault)]


@each(
    "text",
    [
        "`[[a]`\n",
        "[ ] task\n",
        "a[0][1]\n",
        "[x] done\n",
        "[[a]]\n",
        "[00:05:19]\n",
        "x [[a|b]]]\n",
    ],
)
def test_other_brackets_are_not_malformed_links(text: str) -> None:
    assert not [
        problem for problem in parse_note("n.md", text).problems if problem.kind == "malformed-link"
    ]


def test_a_malformed_link_is_fixed_where_its_text_is_a_link_before() -> None:
    (problem,) = parse_note("n.md", "[[a]] [[b]] [[a]\n").problems
    assert problem.replacements == ((16, 16, "]"),)


@each(
    ("text", "kind"),
    [
        ("x\n```\n[[a]]\n", "unclosed-fence"),
        ("<!-- x\n\n[[a]]\n", "unclosed-comment"),
        ("$$\n[[a]]\n", "unclosed-math"),
        ("<script>\n\n[[a]]\n", "unclosed-html"),
    ],
)
def test_unclosed_construct_is_noted(text: str, kind: str) -> None:
    assert [problem.kind for problem in parse_note("n.md", text).problems] == [kind]
    assert links_of(text) == []


@each(
    ("text", "hidden"),
    [
        (
            "```\n[[a]]\n\n# H\n\n#t\n",
            "a link, a heading and a tag up to line 6, the end of the note",
        ),
        ("$$\n[[a]] [[b]]\n", "2 links up to line 2, the end of the note"),
        ("> ```\n> [[a]]\n\nText\n", "a link up to line 2, the end of its quote"),
        ("- x\n\n  ~~~\n  ## H\n\ny\n", "a heading up to line 4, the end of its list item"),
        ("[^1]: $$\n    [[a]]\n", "a link up to line 2, the end of its footnote"),
        ("$$\nx\n$$ where\n\ny ^id\n", "a block id up to line 5, the end of the note"),
        ("```\nx ```\n[t](https://x.y)\n", "a link up to line 3, the end of the note"),
        ("```js\nx\n``` So [[a]].\n", "a link up to line 3, the end of the note"),
        (
            "> $$\nx\n$$\n\n[[a]]\n",
            "a link up to line 5, the end of the note; the one in line 1 ended with its quote",
        ),
        ("```sh\n# a\n\n# b\nc\n", ""),
        ("```c\n#include <a>\n#define b\n", ""),
        ("```py\na[[1]], x[y](z), [[1, 2], [3]]\n", ""),
        ("```css\n#abc { }\n", ""),
        ("$$\n[0,1](x) + x ^y\n", ""),
    ],
)
def test_unclosed_construct_says_what_it_hides(text: str, hidden: str) -> None:
    details = [problem.detail for problem in parse_note("n.md", text).problems]
    assert details[-1] == hidden


@each(
    ("text", "targets", "changes"),
    [
        ("<br>\n[[a]]\n", ["a"], [(5, 10, "\n[[a]]")]),
        ("<br>\r\n[[a]]\r\n", ["a"], [(6, 11, "\r\n[[a]]")]),
        ("<p>\nx\n</p>\ny\n[t](a.md)\n\nz\n", ["a.md"], [(11, 22, "\ny\n[t](a.md)")]),
        ("<div\nclass='x'>\n[[a]]\n", ["a"], []),
        ("<b>[[a]]</b>\n\n<div>[[b]]</div>\n", ["b"], []),
        ("<div>\n<pre>\n[[a]]\n</pre>\n</div>\n", [], []),
        ("> <br>\n> [[a]]\n", ["a"], []),
        ("<br>\n```\n[[a]]\n```\n", [], []),
    ],
)
def test_link_in_html_is_noted(
    text: str, targets: list[str], changes: list[tuple[int, int, str]]
) -> None:
    found = [item for item in parse_note("n.md", text).problems if item.kind == "link-in-html"]
    assert [item.target for item in found] == targets
    assert [change for item in found for change in item.replacements] == changes


@each(
    ("text", "names"),
    [
        ("- a\n\n^x\nb\n", ["x"]),
        ("- a\n^x\nb\n", ["x"]),
        ("> a\n\n^x\n\nb\n", []),
        ("```\n^x\ny\n```\n", []),
        ("^x\ntext\n", []),
        ("a\n\n^x ^y\nb\n", []),
        ("> - a\n>\n> ^x\n> b\n", []),
    ],
)
def test_block_id_without_blank_line_is_noted(text: str, names: list[str]) -> None:
    found = [item for item in parse_note("n.md", text).problems if item.kind == "unread-block-id"]
    assert [item.block_id for item in found] == names


@each(
    ("block", "place"),
    [
        ("a: 1\nb: c: d\n", (3, 5)),
        ("a: 1\nb: 'c\nd: e\n", (3, 4)),
        ("a: 1\n\n\nb\n\nc: d\n", (5, 1)),
        ("a: [b,\n  c]\nd: [e\nf: g\n", (4, 4)),
        ('a: "b\n  c"\nd: e: f\n', (4, 5)),
        ("a:\n  - b\n - c\n", (4, 2)),
        ('a: "b" c\n', (2, 8)),
        ("a: &x 1\nb: &x 2\n", (3, 4)),
        ("a: *b\n", (2, 4)),
        ("a: |b\n", (2, 4)),
        ('a: "\\p"\n', (2, 5)),
        ("# x\n\nb\n", (4, 1)),
        ("é: 1\nb: 👩‍👧: d\n", (3, 7)),
    ],
)
def test_invalid_yaml_is_placed_at_the_wrong_line(block: str, place: tuple[int, int]) -> None:
    for text in (block, block.replace("\n", "\r\n")):
        [problem] = parse_note("n.md", f"---\n{text}---\n").problems
        assert (problem.line, problem.column) == place


@each(
    "block", ["a: b\n" * 30_000 + "c: d: e\n", 'a: "' + "b: c\n" * 30_000, "[" * 50 + "\n" * 9_000]
)
def test_large_invalid_yaml_is_explained_in_time(block: str) -> None:
    assert parse_note("n.md", f"---\n{block}\n---\n").problems


def test_canvas_is_a_source_of_links() -> None:
    text = json.dumps(
        {
            "nodes": [
                {"id": "1", "type": "file", "file": "x/a.md", "subpath": "#H"},
                {"id": "2", "type": "text", "text": "see [[b]] `[[c]]`"},
                {"id": "3", "type": "link", "url": "https://x.y"},
                {"id": "4", "type": "group", "label": "[[d]]"},
            ],
            "edges": [],
        },
        indent=1,
    )
    note = parse_canvas("board.canvas", text)
    assert [(link.target, link.subpath, link.place) for link in note.links] == [
        ("x/a.md", "#H", "canvas"),
        ("b", "", "canvas"),
    ]
    assert [link.line for link in note.links] == sorted(link.line for link in note.links)


@each("text", ["{", "[]", '{"nodes": 3}', "null", "[" * 100_000])
def test_invalid_canvas_is_a_problem(text: str) -> None:
    assert [problem.kind for problem in parse_canvas("b.canvas", text).problems] == [
        "invalid-canvas"
    ]


def test_links_in_an_add_backlinks_section_are_marked() -> None:
    text = "Body [[a]].\n\n**Add backlinks using these topics:**\nOne – [[one | One]]\n\nTwo – [[two | Two]]\n\nMore text.\n\n[[b]]\n"
    note = parse_note("n.md", text)
    assert [(link.target, link.place) for link in note.links] == [
        ("a", "body"),
        ("one", "section"),
        ("two", "section"),
        ("b", "body"),
    ]


@each(
    "text", ['<a f="">\n# [[e]]', '<a f="">\n[[e]] #t', '<a f="">\n[[e]]\n```', "<b>\n- [[e]] ^b"]
)
def test_link_below_html_is_reported_at_the_end_of_a_note(text: str) -> None:
    assert "link-in-html" in [problem.kind for problem in parse_note("n.md", text).problems]


MARKUP = (
    "<b>",
    '<a f="x">',
    "<a f='>'>",
    "<!-- x -->",
    "-->",
    "<? x ?>",
    "<!D >",
    "<http://a.b>",
    "http://a.b",
    "<a@b.c>",
    "#t",
    "[[x]]",
    *"<>`$[]\"' w",
)


@given(st.lists(st.sampled_from(MARKUP), max_size=7).map("".join))
@example("[[x]]<b>#t")
@example("<http://a.b>[[x]]")
@example("<http://a.b>#t")
def test_markdown_link_below_a_text_does_not_change_its_meaning(text: str) -> None:
    """Quick tests that skip markup depend on the other marks of a paragraph."""
    alone, beside = (parse_note("n.md", f"w {text} {more}") for more in ("w", "[w](w.md)"))
    assert [tag.start for tag in alone.tags] == [tag.start for tag in beside.tags]
    assert [link.raw for link in alone.links] == [
        link.raw for link in beside.links if link.raw != "[w](w.md)"
    ]
