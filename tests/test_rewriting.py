"""Tests of rewriting links: what changes, what is preserved, and when it is impossible."""

from hypothesis import given, settings
from hypothesis import strategies as st

from builder import build_state
from exploring import count_examples
from tables import each
from vaultlink.links.edit_math import apply_edits, sort_edits
from vaultlink.links.kinds import default_display_text, encode_destination
from vaultlink.links.naming import LinkStyle, retarget_link
from vaultlink.links.rewrite import convert_link, drop_display_text, rewrite_link, unlink_link
from vaultlink.model import Edit, Link, LinkKind
from vaultlink.parse.note import parse_note

TABLE = "| a |\n| - |\n| {} |\n"
PROPERTY = '---\nup: "{}"\n---\n'


def only(text: str) -> Link:
    (link,) = parse_note("n.md", text).links
    return link


def other_kind(link: Link) -> LinkKind:
    return LinkKind.MARKDOWN if link.kind is LinkKind.WIKILINK else LinkKind.WIKILINK


def after(text: str, edits: tuple[Edit, ...]) -> str:
    return apply_edits(text, sort_edits(edits))


# -- another target -----------------------------------------------------------------------------------------------


@each(
    ("before", "target", "text"),
    [
        ("[[a]]", "b", "[[b|a]]"),
        ("[[ a ]]", "b", "[[ b|a ]]"),
        ("[[a|x]]", "b", "[[b|x]]"),
        ("[[a | x]]", "b c", "[[b c | x]]"),
        ("[[a||x]]", "b", "[[b||x]]"),
        ("[[|x]]", "b", "[[b||x]]"),
        ("[[a|]]", "b", "[[b|a]]"),
        ("[[a#H]]", "b", "[[b#H|a > H]]"),
        ("[[a #H#I|x]]", "b", "[[b #H#I|x]]"),
        ("[[a#]]", "b", "[[b#|a]]"),
        ("[[a\\|x]]", "b", "[[b\\|x]]"),
        ("![[a]]", "b", "![[b]]"),
        ("![[a.png|100]]", "b/c.png", "![[b/c.png|100]]"),
        ("[[a|b]]", "b", "[[b]]"),
        ("[[a | b]]", "b", "[[b]]"),
        ("[[a#H|b > H]]", "b", "[[b#H]]"),
        ("![[a|b]]", "b", "![[b|b]]"),
        ("[[a | [00:05:19]]", "b", "[[b | [00:05:19]]"),
        ("[[a|x [y] z]]", "b", "[[b|x [y] z]]"),
        ("[[a]]", "b [c] d", "[[b [c] d|a]]"),
        ("[x](a.md)", "b.md", "[x](b.md)"),
        ('[x](a.md#H%20I "t")', "b c.md", '[x](b%20c.md#H%20I "t")'),
        ("[x](<a b.md>)", "b c.md", "[x](<b c.md>)"),
        ("[x]( <a b.md#H> 't' )", "b.md", "[x]( <b.md#H> 't' )"),
        ("[x](ä.md)", "ö ü.md", "[x](ö%20ü.md)"),
        ("[x](%C3%A4.md)", "ö.md", "[x](%C3%B6.md)"),
        ("[x](a.md)", "b (2).md", "[x](b%20%282%29.md)"),
        ("[x](a.md)", "b).md", "[x](b%29.md)"),
        ("[x](a.md)", "b%20c.md", "[x](b%2520c.md)"),
        ("[x](a.md)", "R&D, 1+1=2.md", "[x](R&D,%201+1=2.md)"),
        ("[x [y](a.md)", "b.md", "[x [y](b.md)"),
        ("![x|100](a.png)", "b.png", "![x|100](b.png)"),
        ("![x](a%zz.png)", "b c.png", "![x](b%20c.png)"),
        ("![x](a%20%zz.png#p%20q)", "b.png", "![x](b.png#p%2520q)"),
        ("![x](<a%zz.png#p>)", "b%c.png", "![x](<b%25c.png#p>)"),
        ("[x\ny](a.md)", "b.md", "[x\ny](b.md)"),
        ("> [x\n> y](a.md)", "b.md", "> [x\n> y](b.md)"),
        ("%% [[a]] %%", "b", "%% [[b|a]] %%"),
        (TABLE.format("[[a]]"), "b", TABLE.format("[[b\\|a]]")),
        (TABLE.format("[[a\\|x]]"), "b", TABLE.format("[[b\\|x]]")),
        (TABLE.format("![[a]]"), "b", TABLE.format("![[b]]")),
        (PROPERTY.format("[[a]]"), "b", PROPERTY.format("[[b|a]]")),
        (PROPERTY.format("[[it's]]"), "b", PROPERTY.format("[[b|it's]]")),
        (PROPERTY.format("[x](a.md)"), "b.md", PROPERTY.format("[x](b.md)")),
        ("[[a]]", "b _ c", "[[b _ c|a]]"),
        ("[[a/_ x]]", "b/_ x", "[[b/_ x|a/_ x]]"),
        ("[[x_ y]]", "b/x_ y", "[[b/x_ y|x_ y]]"),
        ("[[x_ y#H]]", "z_ y", "[[z_ y#H|x_ y > H]]"),
        ("![[a/_ x.png]]", "b/_ x.png", "![[b/_ x.png]]"),
        ("[x](a/_%20x.md)", "b/_ x.md", "[x](b/_%20x.md)"),
        ("[x](<a/_ x.md>)", "b/_ x.md", "[x](<b/_ x.md>)"),
    ],
)
def test_new_target_preserves_display_text(before: str, target: str, text: str) -> None:
    link = only(before)
    edits = rewrite_link("n.md", link, target, link.subpath)
    assert after(before, edits) == text
    now = only(text)
    assert (now.target, now.subpath) == (target, link.subpath)
    assert words(now) == words(link)


def words(link: Link) -> str | None:
    plain = link.kind is LinkKind.WIKILINK and not link.embed and link.display is None
    return default_display_text(link.target, link.subpath) if plain else link.display


@each(
    ("before", "target"),
    [
        ("[[a]]", "b|c"),
        ("[[a]]", "b#c"),
        ("[[a]]", "b]]c"),
        ("[[a]]", "b[[c"),
        ("[[a]]", "[b"),
        ("![[a]]", "b]"),
        ("[[a]]", "b\nc"),
        ("*[[a]]*", "b*c"),
        ("_[[a]]_", "b_ c"),
        ("[[a_ x]]", "b_/_ x"),
        ("_[[a_x]]_", "b_ x"),
        ("[[a#H_ I]]", "b_ x"),
        ("[[a_ x]]", "b*_ x"),
        ("_[x](a_x.md)_", "b_ x.md"),
        ("$1 [[a]]", "b$c"),
        ("~~[[a]]~~", "b~~c"),
        ("[[a]]", "b`c"),
        ("[[a]]", "b%%c"),
        ("[[a]]", "b\\"),
        ("<a title=x [[a]]", "b>c"),
        ("[[[a]]", "b"),
        ("[x](a.md)", "b#c.md"),
        ("[x](<a.md>)", "b>c.md"),
        ("[x](a.md)", "b:c.md"),
        ("[x](https://a.b/c)", "b.md"),
        (PROPERTY.format("[[a]]"), "b'c"),
        (PROPERTY.format("[[a]]"), 'b"c'),
        (PROPERTY.format("[[a\\u0062]]"), "c"),
        ("---\nup: '[[it''s]]'\n---\n", "b"),
    ],
)
def test_unwritable_link_is_not_changed(before: str, target: str) -> None:
    link = only(before)
    assert rewrite_link("n.md", link, target, link.subpath) == ()


def test_percent_sign_is_escaped_in_angle_brackets() -> None:
    [edit] = rewrite_link("n.md", only("[x](<a.md>)"), "b%20c.md", "")
    assert edit.text == "b%2520c.md"


def test_unchanged_link_is_no_edit() -> None:
    for text in ("[[a]]", "[[a#H|x]]", "[x](a.md)", "![[a.png|1]]"):
        link = only(text)
        assert rewrite_link("n.md", link, link.target, link.subpath) == ()


def test_edit_changes_only_the_destination() -> None:
    text = "See [[ a  #H | x ]] and more"
    link = only(text)
    assert rewrite_link("n.md", link, "b", link.subpath) == (Edit("n.md", 7, 12, "b  #H"),)


@each(
    ("before", "subpath", "text"),
    [
        ("[[a#h-i]]", "#H i", "[[a#H i|a > h-i]]"),
        ("[[a#h-i|x]]", "#H i", "[[a#H i|x]]"),
        ("[[#h-i]]", "#H i", "[[#H i|h-i]]"),
        ("![[a#^x-1]]", "#^x1", "![[a#^x1]]"),
        ("[x](a.md#h-i)", "#H i", "[x](a.md#H%20i)"),
        ("[x](<a b.md#h-i>)", "#H i", "[x](<a b.md#H i>)"),
        ("[x](#h-i)", "#H#I", "[x](#H#I)"),
        ("![x](a%zz.md#h-i)", "#H i", "![x](a%25zz.md#H%20i)"),
    ],
)
def test_another_subpath(before: str, subpath: str, text: str) -> None:
    link = only(before)
    assert after(before, rewrite_link("n.md", link, link.target, subpath)) == text


# -- without display text, and in the other form -------------------------------------------------------------------


@each(
    ("before", "text"),
    [
        ("[[a|a]]", "[[a]]"),
        ("[[ a | a ]]", "[[ a ]]"),
        ("[[a#H|a > H]]", "[[a#H]]"),
        (TABLE.format("[[a\\|a]]"), TABLE.format("[[a]]")),
        (PROPERTY.format("[[a|a]]"), PROPERTY.format("[[a]]")),
    ],
)
def test_redundant_display_text_is_removed(before: str, text: str) -> None:
    assert after(before, drop_display_text("n.md", only(before))) == text


@each(
    ("before", "target", "text"),
    [
        ("[[a]]", "a.md", "[a](a.md)"),
        ("[[a b#H i|x]]", "a b.md", "[x](a%20b.md#H%20i)"),
        ("![[p.png]]", "p.png", "![](p.png)"),
        ("[x](a.md)", "a", "[[a|x]]"),
        ("[a](a.md)", "a", "[[a]]"),
        ("[x](<a b.md#H>)", "a b", "[[a b#H|x]]"),
        ("![](p.png)", "p.png", "![[p.png]]"),
        ("![](p%q.png)", "p%q.png", "![[p%q.png]]"),
        ("![[p%q.png]]", "p%q.png", "![](p%25q.png)"),
        (TABLE.format("[x](a.md)"), "a", TABLE.format("[[a\\|x]]")),
    ],
)
def test_conversion_between_wikilinks_and_markdown(before: str, target: str, text: str) -> None:
    link = only(before)
    assert after(before, convert_link("n.md", link, other_kind(link), target, link.subpath)) == text


@each(
    ("before", "target"),
    [
        ('[x](a.md "title")', "a"),
        ("[the *x*](a.md)", "a"),
        ("[[a|the *x*]]", "a.md"),
        ("[](a.md)", "a"),
        ("![x](p.png)", "p.png"),
        ("![[p.png|100]]", "p.png"),
        ("[x\ny](a.md)", "a"),
        ("[[a|x [y] z]]", "a.md"),
        ("[x &amp; y](a.md)", "a"),
        ("[[a]]", "a#b.md"),
        (PROPERTY.format("[x](a.md)"), "a"),
        ("[[x](a.md)", "a"),
    ],
)
def test_lossy_conversion_is_not_written(before: str, target: str) -> None:
    link = only(before)
    assert convert_link("n.md", link, other_kind(link), target, link.subpath) == ()


@given(
    st.text(
        st.characters(exclude_characters="\r\n\x00#", exclude_categories=["Cs"]),
        min_size=1,
        max_size=12,
    )
)
def test_encoded_destination_round_trips_or_is_rejected(name: str) -> None:
    link = only("[x](a.md)")
    edits = rewrite_link("n.md", link, name, "")
    if edits:
        now = only(after("[x](a.md)", edits))
        assert (now.target, now.display) == (name.replace("\u00a0", " "), "x")
    assert " " not in encode_destination(name)


# -- odd places ----------------------------------------------------------------------------------------------------

AROUND = [
    "*",
    "_",
    "**",
    "~~",
    "==",
    "$",
    "`",
    "%%",
    "<a href=x>",
    "</a>",
    "[",
    "]",
    "(",
    ")",
    "!",
    "\\",
    "| ",
    " ",
    "é",
    "x",
]
NAMES = [
    "b",
    "b c",
    "b_c",
    "_b_",
    "_ b",
    "b*c",
    "b$1",
    "b`",
    "b (c)",
    "b [c]",
    "b]",
    "b=c==",
    "~~b",
    "b & c",
    "b'c",
    "b%20",
    "<b>",
]


@settings(max_examples=count_examples(200), deadline=None)
@given(
    st.lists(st.sampled_from(AROUND), max_size=5),
    st.sampled_from(
        [
            *("[[a]]", "[[a|x y]]", "[x](a.md)", "![[a]]", "[[a#H]]", "![x](a%z.md)"),
            *("[[a/_ x]]", "[x](a/_%20x.md)"),
        ]
    ),
    st.lists(st.sampled_from(AROUND), max_size=5),
    st.sampled_from(NAMES),
)
def test_rewriting_preserves_any_context(
    before: list[str], raw: str, behind: list[str], name: str
) -> None:
    text = "".join(before) + raw + "".join(behind) + "\n"
    links = parse_note("n.md", text).links
    for at, link in enumerate(links):
        target = name + ".md" if link.kind is LinkKind.MARKDOWN else name
        edits = rewrite_link("n.md", link, target, link.subpath)
        if edits:
            now = parse_note("n.md", after(text, edits)).links
            assert [item.target for item in now] == [
                *(item.target for item in links[:at]),
                target,
                *(item.target for item in links[at + 1 :]),
            ]
            assert [words(item) for item in now] == [words(item) for item in links]


@settings(max_examples=count_examples(200), deadline=None)
@given(
    st.lists(st.sampled_from(AROUND), max_size=5),
    st.sampled_from(["[[a]]", "[[a|x y]]", "[x](a.md)", "![[a]]", "![](a.md)"]),
    st.lists(st.sampled_from(AROUND), max_size=5),
)
def test_conversion_preserves_any_context(before: list[str], raw: str, behind: list[str]) -> None:
    text = "".join(before) + raw + "".join(behind) + "\n"
    links = parse_note("n.md", text).links
    for at, link in enumerate(links):
        if "<a " in text and link.kind is LinkKind.WIKILINK:
            continue  # whether it stands in an anchor, which holds no Markdown links, is only known to the whole
        target = (
            link.target.removesuffix(".md")
            if link.kind is LinkKind.MARKDOWN
            else link.target + ".md"
        )
        edits = convert_link("n.md", link, other_kind(link), target, link.subpath)
        if edits:
            now = parse_note("n.md", after(text, edits)).links
            assert [item.target for item in now] == [
                *(item.target for item in links[:at]),
                target,
                *(item.target for item in links[at + 1 :]),
            ]
            assert [words(item) or "" for item in now] == [words(item) or "" for item in links]


# -- from file to link ---------------------------------------------------------------------------------------------


@each(
    ("style", "source", "path", "text"),
    [
        ("shortest", "n.md", "x/b.md", "[[b|a]]"),
        ("shortest", "x/n.md", "y/c.md", "[[y/c|a]]"),
        ("absolute", "n.md", "x/b.md", "[[x/b|a]]"),
        ("relative", "x/n.md", "x/b.md", "[[b|a]]"),
        ("relative", "x/n.md", "c.md", "[[../c|a]]"),
        ("relative", "x/n.md", "x/d.md", "[[x/d|a]]"),  # `d` alone is the one in the root
        ("shortest", "n.md", "p.png", "[[p.png|a]]"),
    ],
)
def test_file_is_named_in_vault_style_and_resolves(
    style: str, source: str, path: str, text: str
) -> None:
    index = build_state(
        dict.fromkeys(("x/b.md", "y/c.md", "c.md", "x/d.md", "d.md", "p.png"), "")
        | {source: "[[a]]"}
    ).index
    (link,) = index.notes[source].links
    assert (
        after("[[a]]", retarget_link(source, link, path, index, LinkStyle(link.kind, style)))
        == text
    )


@each(
    ("others", "target"),
    [
        ("", "../a/x.md"),
        ("[](a/y.md)", "a/x.md"),
        ("[](a/y.md) [](c/z.md)", "../a/x.md"),
        ("[](a/y.md) [](a/y.md) [](c/z.md)", "a/x.md"),
        ("[](a/y.md) [](c/z.md) [](c/z.md)", "../a/x.md"),
        ("[[a/y]] [[a/y]]", "../a/x.md"),
    ],
)
def test_markdown_link_has_the_style_of_most_others_in_its_note(others: str, target: str) -> None:
    """Without a majority it is relative."""
    files = {"a/x.md": "", "a/y.md": "", "b/c/z.md": "", "b/n.md": f"[x](lost.md) {others}"}
    index = build_state(files).index
    link = index.notes["b/n.md"].links[0]
    style = LinkStyle(link.kind, "relative")
    edits = retarget_link("b/n.md", link, "a/x.md", index, style)
    assert after(files["b/n.md"], edits) == f"[x]({target}) {others}"


@each(
    ("text", "cells"),
    [
        ("[[a]] and [x](a.md)\n", [False, False]),
        (TABLE.format("[[a]] and [x](a.md)"), [True, True]),
        ("- item\n\n  | a |\n  | - |\n  | ![[a]] |\n", [True]),
        ("[[a]] | b\n--- | ---\n[[c]] | d\n\n[[e]] | f\n", [True, True, False]),
        ("[[a\\|b]] | c\n", [False]),
    ],
)
def test_links_in_table_cells_are_escaped(text: str, cells: list[bool]) -> None:
    assert [link.in_table_cell for link in parse_note("n.md", text).links] == cells


# -- words instead of a link --------------------------------------------------------------------------------------


@each(
    ("before", "text"),
    [
        ("see [[a b]].", "see a b."),
        ("see [[a|x y]].", "see x y."),
        ("see [[d/a#H#I]].", "see d/a > H > I."),
        ("see [[a|]].", "see a."),
        ("see [x *y*](a.md).", "see x *y*."),
        ('see [x](<a b.md> "t").', "see x."),
        ("> [x\n> y](a.md)", "> x\n> y"),
        ("see ![[a.png|100]].", "see a.png."),
        ("see ![[a.png|text|100x20]].", "see text."),
        ("see ![text](a.png).", "see text."),
        ("see ![](a.png).", "see a.png."),
        (TABLE.format("[[a\\|x]]"), TABLE.format("x")),
        ("%% [[a]] %%", "%% a %%"),
        ("# On [[a]]", "# On a"),
        ("up:: [[a]]", "up:: a"),
        (PROPERTY.format("[[a]]"), PROPERTY.format("a")),
        ("---\nup: '[[it''s]]'\n---\n", "---\nup: 'it''s'\n---\n"),
        ('---\nrel:\n  - "[[a|x]]"\n---\n', '---\nrel:\n  - "x"\n---\n'),
        # the words would be markup
        ("[[1. a]]", "1\\. a"),
        ("- [[1. a]]", "- 1\\. a"),
        ("- [ ] [[- a]]", "- [ ] \\- a"),
        ("> [[a|# b]]", "> \\# b"),
        ("[1. a](b.md)", "1\\. a"),
        ("[> a](b.md)", "\\> a"),
        ("see [[a|#b]]", "see \\#b"),
        ("see [[_a_]]", "see \\_a\\_"),
        ("see [[a$b$]]", "see a\\$b\\$"),
        ("see [[a#^b1]]", "see a > \\^b1"),
        # the words are no markup
        ("see [[1. a]]", "see 1. a"),
        ("[[a_b_c]]", "a_b_c"),
        ("[[1.2 a]]", "1.2 a"),
        ("[[-a]]", "-a"),
        ("see [[a|b #2]]", "see b #2"),
        ("see [[C#]]", "see C"),
        ("see [[a|*x*]]", "see *x*"),
    ],
)
def test_a_link_becomes_the_words_that_it_shows(before: str, text: str) -> None:
    edits = unlink_link("n.md", only(before), before)
    assert after(before, edits) == text


def test_links_in_the_text_of_an_unlinked_link_stay() -> None:
    text = "[![x](i.png) y](a.md)"
    outer = next(link for link in parse_note("n.md", text).links if link.start == 0)
    assert after(text, unlink_link("n.md", outer, text)) == "![x](i.png) y"


@each("text", ["see [x](https://a.b)", "see ![x](https://a.b/c.png)"])
def test_a_url_is_no_link_to_words(text: str) -> None:
    assert unlink_link("n.md", only(text), text) == ()
