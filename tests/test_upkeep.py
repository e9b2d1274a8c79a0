"""Tests of managed sections: content, placement, preserved text, and complete removal."""

import random
from collections.abc import Callable, Mapping

from hypothesis import given, settings
from hypothesis import strategies as some

from builder import build_state, collect_findings, make_settings
from exploring import choose_seeds, count_examples
from tables import each
from test_engine import assert_same, some_changes
from test_rule_fixes import run_fixes, sources, texts_after
from vaultlink.backlinks.expected import can_hold_section, expected_section
from vaultlink.backlinks.style import format_heading, read_section_style, render_entry
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import State, step
from vaultlink.fix.causes import list_fix_makers
from vaultlink.fix.loop import FixSelector, apply_rounds
from vaultlink.fix.sections import SectionUpdater, build_adoption_fix, build_removal_fix
from vaultlink.fix.select import make_fix_filter
from vaultlink.links.edit_math import apply_edits, sort_edits
from vaultlink.links.naming import configure_link_style
from vaultlink.model import Owner
from vaultlink.obsidian import ObsidianSettings
from vaultlink.parse.note import parse_note

RULES = ["stale-section", "missing-section"]


def writing(app: Mapping[str, object] | None = None, /, **backlinks: str) -> LinterSettings:
    """Return settings in which every note gets a section and nothing else is checked."""
    return make_settings(
        RULES, app=app, backlinks={"mode": "write", "style": "topics", **backlinks}
    )


def kept(vault: Mapping[str, str], base: LinterSettings | None = None) -> dict[str, str]:
    """Return a vault with its sections written and up to date."""
    return {**vault, **texts_after(run_fixes(base or writing(), vault))}


def without(path: str, text: str) -> str:
    """Return a note without its managed section."""
    fix = build_removal_fix(parse_note(path, text), text)
    return apply_edits(text, sort_edits(fix.edits)) if fix else text


def section(*lines: str, said: str = "before=1 after=1", end: str = "\n") -> str:
    """Return a section as written, with the default heading unless its lines start with one."""
    return end.join(
        [
            f"<!-- vaultlink:backlinks{' ' * bool(said)}{said} -->",
            "",
            *lines,
            "",
            "<!-- /vaultlink:backlinks -->",
        ]
    )


TOPICS = "**Add backlinks using these topics:**"
A_LISTED = section(TOPICS, "", "A – [[A]]")

# -- where a section is written -----------------------------------------------------------------------------------


@each(
    ("text", "before", "after", "rest"),
    [
        ("", 0, 1, ""),
        ("Text", 2, 1, ""),
        ("Text\n", 1, 1, ""),
        ("Text\n\n", 0, 1, ""),
        ("Text\n\n\n\n", 0, 1, ""),
        ("Text\n  ", 2, 1, ""),
        ("<div>\n  \n", 1, 1, ""),
        ("<div>\n\n<span>text\n", 1, 1, ""),
        ("`%%` and %% a %%\n", 1, 1, ""),
        ("`%%` and %% a\n", None, 0, ""),
        ('<span title="%%">a</span> %%\n', 1, 1, ""),
        ("Text\r\nText\r\n", 1, 1, ""),
        ("Text\r", 2, 1, ""),
        ("---\nup: x\n---\n", 1, 1, ""),
        ("---\nup: x\n---", 2, 1, ""),
        ("- item\n  - item\n", 1, 1, ""),
        ("| a |\n| - |\n| b |\n", 1, 1, ""),
        ("Text\n\n%% last words %%\n", 0, 2, "%% last words %%\n"),
        ("Text\n\n%%\nlast\n\nwords\n%%", 0, 2, "%%\nlast\n\nwords\n%%"),
        ("Text\n%% right upon it %%\n", 1, 1, ""),
        ("Text ^id\n[^1]: right upon it\n", 1, 1, ""),
        (
            "Text\n[^1]: right upon it\n\n[^2]: apart\n[^3]: and this\n",
            0,
            2,
            "[^2]: apart\n[^3]: and this\n",
        ),
        ("Text\n\n<!-- last\n\nwords -->\n", 0, 2, "<!-- last\n\nwords -->\n"),
        (
            "Text[^1]\n\n[^1]: Note\n    goes on\n\n    and on\n[^2]: Other\n",
            0,
            2,
            "[^1]: Note\n    goes on\n\n    and on\n[^2]: Other\n",
        ),
        ("Text[^1]\n\n[^1]: Note\n\n%% and this %%\n", 0, 2, "[^1]: Note\n\n%% and this %%\n"),
        ("---\nup: x\n---\n%% only this %%\n", 1, 2, "%% only this %%\n"),
        ("Text %% in the text %%\n", 1, 1, ""),
        ("```\n[^1]: code\n```\n", 1, 1, ""),
        ("```\n%% code %%\n", None, 0, ""),
        ("Text\n\n```\n", None, 0, ""),
        ("Text\n\n$$\nx\n", None, 0, ""),
        ("Text\n\n<!-- open\n", None, 0, ""),
        ("Text\n\n%% open\n", None, 0, ""),
        ("Text\n\n%% of 100 %", None, 0, ""),
        ("---\nexcalidraw-plugin: parsed\n---\nText\n", None, 0, ""),
        ("---\nkanban-plugin: board\n---\n## Lane\n\n- [ ] card\n", None, 0, ""),
    ],
)
def test_section_is_placed_before_final_comments_and_footnotes(
    text: str, before: int | None, after: int, rest: str
) -> None:
    end = "\r\n" if "\r\n" in text else "\n"
    written = kept({"A.md": "See [[N]]\n", "N.md": text})["N.md"]
    if before is None:
        assert written == text
        return
    listed = section(TOPICS, "", "A – [[A]]", said=f"before={before} after={after}", end=end)
    lead = "\r\n" if text.endswith("\r") else end
    assert written == text.removesuffix(rest) + lead * before + listed + end * after + rest
    assert without("N.md", written) == text


def test_drawing_is_known_by_its_name() -> None:
    assert not can_hold_section(parse_note("x.excalidraw.md", "Text\n"))


@each("later", ["More\n", "\nMore\n", "- more\n"])
def test_text_after_a_removed_section_stays_separate(later: str) -> None:
    assert without("N.md", f"Text\n\n{A_LISTED}\n{later}") in (f"Text\n\n{later}", f"Text\n{later}")
    assert parse_note("N.md", without("N.md", f"Text\n\n{A_LISTED}\n{later}")).headings == ()


# -- how entries are worded ---------------------------------------------------------------------------------------

WORDED = [
    ("Plain – with a dash", "Plain – with a dash – [[A | Plain – with a dash]]"),
    ("A", "A – [[A]]"),
    ("Two [brackets] [[more]]", "Two (brackets) ((more)) – [[A | Two (brackets) ((more))]]"),
    ("News | Channel", "News | Channel – [[A | News | Channel]]"),
    ("1. First", r"1\. First – [[A | 1. First]]"),
    ("# Sharp", r"\# Sharp – [[A | # Sharp]]"),
    ("#tag in front", r"\#tag in front – [[A | #tag in front]]"),
    ("- minus", r"\- minus – [[A | - minus]]"),
    ("> more", r"\> more – [[A | > more]]"),
    ("a*b and *c*", r"a\*b and \*c\* – [[A | a*b and *c*]]"),
    ("snake_case", "snake_case – [[A | snake_case]]"),
    ("snake_case and _this_", r"snake\_case and \_this\_ – [[A | snake_case and _this_]]"),
    ("`code` and ` tick", r"\`code\` and \` tick – [[A | 'code' and ' tick]]"),
    ("US$x or $y", r"US\$x or \$y – [[A | US$x or $y]]"),
    ("<b>bold", r"\<b>bold – [[A | <b>bold]]"),
    ("100 %% sure", "100 % sure – [[A | 100 % sure]]"),
    ("Why: and -", "Why: and - – [[A | Why: and -]]"),
    (r"back\slash", r"back\\slash – [[A | back\slash]]"),
]


@each(("title", "line"), WORDED)
def test_title_is_escaped(title: str, line: str) -> None:
    vault = {"A.md": f"---\ntitle: '{title}'\n---\nSee [[N]]\n", "N.md": "Text\n"}
    written = kept(vault)["N.md"]
    assert written == "Text\n\n" + section(TOPICS, "", line) + "\n"
    alone = parse_note("N.md", line)
    assert [(link.target, link.display) for link in alone.links] == [
        ("A", line[line.index(" | ", line.index("[[")) + 3 : -2] if title != "A" else None)
    ]
    assert not (alone.tags or alone.headings or alone.problems)


@each(
    ("app", "style", "path", "line"),
    [
        ({}, "topics", "x/A b.md", "A b – [[A b]]"),
        ({"newLinkFormat": "absolute"}, "topics", "x/A.md", "A – [[x/A | A]]"),
        ({"newLinkFormat": "relative"}, "topics", "x/A.md", "A – [[x/A | A]]"),
        ({"useMarkdownLinks": True}, "topics", "x/A b.md", "A b – [A b](A%20b.md)"),
        ({"useMarkdownLinks": True}, "topics", "x/Ä (b).md", "Ä (b) – [Ä (b)](Ä%20%28b%29.md)"),
        ({"useMarkdownLinks": True}, "list", "x/A.md", "- [A](A.md)"),
        ({}, "list", "x/A.md", "- [[A]]"),
        ({"newLinkFormat": "absolute"}, "list", "x/A.md", "- [[x/A|A]]"),
        ({}, "topics", "x/A|b.md", "A|b – [A|b](A%7Cb.md)"),
        ({}, "list", "x/A ]] b.md", "- [A )) b](A%20%5D%5D%20b.md)"),
    ],
)
def test_links_follow_the_link_style_of_the_vault(
    app: Mapping[str, object], style: str, path: str, line: str
) -> None:
    base = writing(app, style=style)
    vault = {path: "See [[N]]\n", "N.md": "Text\n"}
    assert line in kept(vault, base)["N.md"].split("\n")


def test_note_without_a_valid_link_is_omitted() -> None:
    vault = {"C#.md": "See [[N]]\n", "N.md": "Text\n"}
    assert kept(vault) == vault


# -- upkeep -------------------------------------------------------------------------------------------------------

NOTES = {
    "A.md": "[[N]]\n",
    "B.md": "---\ntitle: The second\n---\n[[N]]\n",
    "C.md": "[[N]]\n",
    "Z.md": "",
}


@each(
    ("style", "before", "after"),
    [
        (
            "topics",
            ["A – [[A]]", "", "C – [[C]]"],
            ["A – [[A]]", "", "C – [[C]]", "", "The second – [[B | The second]]"],
        ),
        (
            "topics",
            ["Z – [[Z]]"],
            ["A – [[A]]", "", "C – [[C]]", "", "The second – [[B | The second]]"],
        ),
        (
            "topics",
            ["A – [[A]]", "C – [[C]]"],
            ["A – [[A]]", "C – [[C]]", "The second – [[B | The second]]"],
        ),
        (
            "topics",
            ["The second – [[B | The second]]", "", "C – [[C]]"],
            ["A – [[A]]", "", "C – [[C]]", "", "The second – [[B | The second]]"],
        ),
        (
            "topics",
            [
                "First:",
                "",
                "A – [[A]]",
                "",
                "Typed.",
                "",
                "Z – [[Z]]",
                "",
                "More.",
                "",
                "C – [[C]]",
                "",
                "Last.",
            ],
            [
                "First:",
                "",
                "A – [[A]]",
                "",
                "Typed.",
                "",
                "More.",
                "",
                "C – [[C]]",
                "",
                "Last.",
                "",
                "The second – [[B | The second]]",
            ],
        ),
        (
            "topics",
            ["- [[A]]", "- [[B|The second]]", "- [[C]]"],
            ["A – [[A]]", "", "C – [[C]]", "", "The second – [[B | The second]]"],
        ),
        (
            "topics",
            [
                "A – [[A]]",
                "",
                "A – [[A]]",
                "",
                "C – [[C]]",
                "",
                "The second – [[B | The second]]",
            ],
            ["A – [[A]]", "", "C – [[C]]", "", "The second – [[B | The second]]"],
        ),
        (
            "topics",
            ["A – [[A#Part | A]]", "", "C – [[C.md | C]]", "", "Old – [[B | Old]]"],
            ["A – [[A]]", "", "C – [[C]]", "", "The second – [[B | The second]]"],
        ),
        (
            "list",
            [
                "- [[A]]",
                "  - typed below",
                "- [[Z]]",
                "  - below what goes",
                "- [[C]] with a remark",
            ],
            [
                "- [[A]]",
                "  - typed below",
                "  - below what goes",
                "- [[C]] with a remark",
                "- [[C]]",
                "- [[B|The second]]",
            ],
        ),
        ("list", ["* [[A]]", "* [[C]]"], ["* [[A]]", "* [[C]]", "- [[B|The second]]"]),
        (
            "list",
            [r"- \[[A]\]", r"- \[\[B|The second\]\]", "- [[C]]"],
            ["- [[A]]", "- [[C]]", "- [[B|The second]]"],
        ),
    ],
)
@each("end", ["\n", "\r\n"])
def test_section_is_updated_and_typed_text_preserved(
    style: str, before: list[str], after: list[str], end: str
) -> None:
    heading = TOPICS if style == "topics" else "## Backlinks"
    lead = f"Text{end}{end}"
    vault = {**NOTES, "N.md": lead + section(heading, "", *before, end=end) + end}
    assert (
        kept(vault, writing(style=style))["N.md"]
        == lead + section(heading, "", *after, end=end) + end
    )


@each(
    ("style", "heading", "before", "after"),
    [
        ("list", "## Backlinks", "## Backlinks", "## Backlinks"),
        ("list", "## Backlinks", "Backlinks\n---------", "## Backlinks"),
        (
            "topics",
            TOPICS,
            "__Add backlinks using these topics:__",
            "__Add backlinks using these topics:__",
        ),
        ("topics", "# Mentioned in", TOPICS, "# Mentioned in"),
        ("topics", "Mentioned in:", TOPICS, "Mentioned in:"),
    ],
)
def test_heading_is_the_one_that_is_set(style: str, heading: str, before: str, after: str) -> None:
    base = (
        writing(style=style, heading=heading) if heading != "## Backlinks" else writing(style=style)
    )
    entry = "A – [[A]]" if style == "topics" else "- [[A]]"
    vault = {"A.md": "[[N]]\n", "N.md": section(before, "", entry) + "\n"}
    now = kept(vault, base)
    assert now["N.md"].split("\n")[2] == after
    assert not run_fixes(base, now).texts


def test_adopted_section_keeps_its_heading_and_stays_when_it_is_empty() -> None:
    note = section("add backlinks using these topics", "", "Z – [[Z]]", said="adopted") + "\n"
    assert (
        kept({"Z.md": "", "N.md": note})["N.md"]
        == section("add backlinks using these topics", said="adopted") + "\n"
    )


def test_section_in_which_something_was_typed_stays_when_it_is_empty() -> None:
    note = section(TOPICS, "", "Typed.", "", "Z – [[Z]]") + "\n"
    assert kept({"Z.md": "", "N.md": note})["N.md"] == section(TOPICS, "", "Typed.") + "\n"


def test_text_below_removed_entries_is_not_an_entry() -> None:
    lines = [f"  - See: [[M{number}]]" for number in range(12)]
    entries = [line for below in lines for line in ("- [[Z]]", below)]
    vault = {"Z.md": "", "N.md": section("## Backlinks", "", *entries) + "\n"}
    assert kept(vault, writing(style="list"))["N.md"] == section("## Backlinks", "", *lines) + "\n"


def test_indented_adopted_list_is_updated() -> None:
    lines = [f"  - [[M{number}]]" for number in range(12)]
    vault = {"N.md": section("## Backlinks", "", *lines, said="adopted") + "\n"}
    assert (
        kept(vault, writing(style="list"))["N.md"] == section("## Backlinks", said="adopted") + "\n"
    )


def test_entries_on_the_heading_line_are_moved_to_new_lines() -> None:
    note = section("Add backlinks using these topics: C – [[C]]", said="adopted") + "\n"
    assert (
        kept({**NOTES, "N.md": note})["N.md"]
        == section(
            "Add backlinks using these topics:",
            "",
            "A – [[A]]",
            "",
            "C – [[C]]",
            "",
            "The second – [[B | The second]]",
            said="adopted",
        )
        + "\n"
    )


def test_sections_are_written_once_when_links_are_fixed() -> None:
    vault = {"A.md": "[[The goal]]\n", "B.md": "[[N]]\n", "N.md": "---\ntitle: The goal\n---\n"}
    result = run_fixes(make_settings(["ALL"], backlinks={"mode": "write", "style": "list"}), vault)
    assert [(item.rule, item.path) for item, _ in result.done] == [
        ("title-link", "A.md"),
        ("missing-section", "N.md"),
    ]
    assert "- [[A]]\n- [[B]]\n" in (result.texts["N.md"][1] or "")


def test_only_one_section_is_maintained() -> None:
    note = f"Text\n\n{A_LISTED}\n\n{A_LISTED}\n"
    assert kept({"A.md": "[[N]]\n", "N.md": note})["N.md"] == f"Text\n\n{A_LISTED}\n"


@each(
    "note",
    [
        f"```\n{A_LISTED}\n```\n\n[[A]]\n",
        f"%%\n{A_LISTED}\n%%\n\n[[A]]\n",
        A_LISTED.removesuffix("<!-- /vaultlink:backlinks -->") + "[[A]]\n",
        "> " + A_LISTED.replace("\n", "\n> ").replace("A – [[A", "Z – [[Z") + "\n",
        f"Text {section('words')}\n",
        section("words").replace("-->\n", "--> text\n", 1) + "\n",
        section("words").removesuffix("-->") + "\n",
    ],
)
def test_other_text_and_quoted_sections_are_not_changed(note: str) -> None:
    vault = {"A.md": "[[N]]\n", "Z.md": "", "N.md": note}
    assert kept(vault) == vault


# -- formatters and Obsidian --------------------------------------------------------------------------------------

SOURCES = {
    "A.md": "---\ntitle: C* and snake_case – here\n---\nOne *long* [[N]] __passage__ with `code`\n",
    "B.md": "---\ntitle: 2. Second\n---\n- first [[N]]\n- second [[N|shown]] #tag\n",
}
FORMATTED = {
    "as written": (
        "topics",
        section(
            TOPICS,
            "",
            r"2\. Second – [[B | 2. Second]]",
            "",
            r"C\* and snake_case – here – [[A | C* and snake_case – here]]",
        ),
    ),
    "prettier": (
        "topics",
        section(
            TOPICS,
            "",
            r"2\. Second – [[B | 2. Second]]",
            "",
            r"C\* and snake_case – here – [[A | C* and snake_case – here]]",
        ),
    ),
    "prettier, wrapping": (
        "topics",
        section(
            TOPICS,
            "",
            r"2\. Second – [[B | 2. Second]]",
            "",
            r"C\* and snake_case – here –",
            "[[A | C* and snake_case – here]]",
        ),
    ),
    "mdformat, wrapping twice": (
        "topics",
        section(
            TOPICS,
            "",
            r"2\. Second – [[B | 2. Second]]",
            "",
            r"C\* and",
            "snake_case – here",
            "– [[A | C* and snake_case – here]]",
        ),
    ),
    "mdformat": (
        "topics",
        section(
            TOPICS,
            "",
            r"2\. Second – [[B | 2. Second]]",
            "",
            "C\\* and snake_case – here – [[A | C\\* and snake_case – here]]",
        ),
    ),
    "dashes": (
        "topics",
        section(
            TOPICS,
            "",
            r"2\. Second -- [[B | 2. Second]]",
            "",
            r"C\* and snake_case – here — [[A | C* and snake_case – here]]",
        ),
    ),
    "glued": (
        "topics",
        section(
            TOPICS,
            r"2\. Second – [[B | 2. Second]]",
            r"C\* and snake_case – here – [[A | C* and snake_case – here]]",
        ),
    ),
    "list marks": (
        "list",
        section(
            "## Backlinks", "", "*   [[B|2. Second]]", "", "*   [[A|C* and snake_case – here]]"
        ),
    ),
    "underlined heading": (
        "list",
        section("Backlinks", "---", "", "- [[B|2. Second]]", "- [[A|C* and snake_case – here]]"),
    ),
    "spread passages": (
        "context",
        section(
            "## Backlinks",
            "",
            "* [[B|2. Second]]",
            "",
            "  * first [[N]]",
            "",
            "  * second [[N|shown]] `#tag`",
            "",
            "* [[A|C* and snake_case – here]]",
            "",
            "  * One _long_ [[N]] **passage** with",
            "    `code`",
        ),
    ),
}


@each("name", FORMATTED)
@each("end", ["\n", "\r\n"])
def test_formatted_section_is_up_to_date(name: str, end: str) -> None:
    style, text = FORMATTED[name]
    base, vault = writing(style=style), {**SOURCES, "N.md": f"Text\n\n{text}\n".replace("\n", end)}
    assert [item.message for item in collect_findings(build_state(vault, base))] == (
        ["This backlinks section is out of date: its heading is not the configured one."]
        if name == "underlined heading"
        else []
    )
    if name != "underlined heading":
        assert (
            list(SectionUpdater(lambda _path: True)(build_state(vault, base), sources(vault))) == []
        )
    assert without("N.md", vault["N.md"]) == f"Text{end}"


@each(
    ("style", "lines"),
    [
        (
            "topics",
            [
                r"2\. Second – \[[B | 2. Second]\]",
                "",
                r"C\* and snake_case – here – \[[A | C\* and snake_case – here]\]",
            ],
        ),
        ("list", [r"- \[[B|2. Second]\]", r"- \[\[A|C\* and snake_case – here\]\]"]),
        (
            "context",
            [
                r"- \[[B|2. Second]\]",
                r"  - first \[[N]\]",
                r"  - second \[[N|shown]\] `#tag`",
                r"- \[\[A|C\* and snake_case – here\]\]",
                r"  - One *long* \[[N]\] __passage__ with `code`",
            ],
        ),
    ],
)
def test_links_escaped_by_a_formatter_are_restored(style: str, lines: list[str]) -> None:
    base = writing(style=style)
    heading = TOPICS if style == "topics" else "## Backlinks"
    vault = {**SOURCES, "N.md": "Text\n"}
    assert kept({**vault, "N.md": f"Text\n\n{section(heading, '', *lines)}\n"}, base) == kept(
        vault, base
    )


def test_entries_follow_a_renamed_note() -> None:
    """Obsidian updates link targets, here in A and in the section; vaultlink updates the title of the entry."""
    renamed = {
        "New.md": "[[N]]\n",
        "N.md": "Text\n\n" + section(TOPICS, "", "A – [[New | A]]") + "\n",
    }
    assert kept(renamed)["N.md"] == "Text\n\n" + section(TOPICS, "", "New – [[New]]") + "\n"


# -- passages -----------------------------------------------------------------------------------------------------

LONG = "word " * 200


@each(
    ("text", "passages"),
    [
        ("One [[N]].\n", ["One [[N]]."]),
        ("Two [[N]] and\n[[N]] lines.\n\nOther.\n", ["Two [[N]] and [[N]] lines."]),
        ("> [!note] A callout\n> with [[N]]\n", ["A callout with [[N]]"]),
        ("> quoted [[N]]\n\nand not [[N]]\n", ["quoted [[N]]", "and not [[N]]"]),
        ("# On [[N]]\nText\n", ["On [[N]]"]),
        ("- one\n- two [[N]]\n  goes on\n- three\n", ["two [[N]] goes on"]),
        ("1. one [[N]]\n2. two\n", ["one [[N]]"]),
        ("- [ ] to do [[N]]\n- [x] done [[N]]\n", ["to do [[N]]", "done [[N]]"]),
        ("| a | b |\n| - | - |\n| c | see [[N\\|n]] |\n", ["see [[N|n]]"]),
        ("Text\n\n| c | see [[N\\|n]] \\| here |\n\nmore\n", ["see [[N|n]] | here"]),
        ("Text [[N]] ^block\n", ["Text [[N]]"]),
        ("![[N]] and ![alt](p.png)\n", ["[[N]] and"]),
        ("![](p.png) On ![[p.png|500]] the ![x](https://x.org/y) [[N]]\n", ["On the [[N]]"]),
        ("On ![[gone.png]] and ![](gone.png) ![[Part]] [[N]]\n", ["On and [[Part]] [[N]]"]),
        ("See [[N]] #tag and #a/b\n", ["See [[N]] `#tag` and `#a/b`"]),
        (
            "See [[N]][^1] %%a secret%% <!-- vaultlink-disable -->\n\n[^1]: Note on [[N]]\n",
            ["See [[N]]", "Note on [[N]]"],
        ),
        ("%% [[N]] %%\n", []),
        ('---\nup: "[[N]]"\n---\n', []),
        ("See [[#Part]] and [[N]]\n\n# Part\n", ["See [[A#Part|Part]] and [[N]]"]),
        ("The same [[N]]\n\nThe same [[N]]\n", ["The same [[N]]"]),
        ("In\n1986\\. [[N]]\n", ["In 1986\\. [[N]]"]),
        (f"{LONG}[[N]] at the end.\n", [f"… {('word ' * 29).strip()} [[N]] at the end."]),
        (f"At the start [[N]] {LONG}\n", [f"At the start [[N]] {('word ' * 29).strip()} …"]),
        (f"{LONG}[[N]] {LONG}\n", [f"… {('word ' * 29).strip()} [[N]] {('word ' * 29).strip()} …"]),
    ],
)
def test_passage_is_one_line_without_markup(text: str, passages: list[str]) -> None:
    vault = {"x/A.md": text, "N.md": "Text\n", "p.png": ""}
    lines = kept(vault, writing(style="context"))["N.md"].split("\n")
    assert [line[4:] for line in lines if line.startswith("  - ")] == passages


def test_links_in_a_passage_resolve_as_in_their_note() -> None:
    vault = {
        "x/A.md": "From [[B]] and [b](../x/B.md#One) to [[N]]\n",
        "x/B.md": "",
        "y/B.md": "",
        "y/N.md": "Text\n",
    }
    lines = kept(vault, writing(style="context"))["y/N.md"].split("\n")
    assert "  - From [[x/B|B]] and [b](../x/B.md#One) to [[N]]" in lines


# -- order --------------------------------------------------------------------------------------------------------

ORDERED = {
    "b.md": "---\ntitle: Zebra\n---\n[[N]]\n",
    "c.md": "[[N]]\n",
    "a.md": "[[N]] [[c]]\n",
    "d.md": "[[c]]\n",
    "N.md": "Text\n",
}


def listed(text: str) -> str:
    """Return the titles of a section's entries."""
    return "".join(line[4] for line in text.split("\n") if line.startswith("- [["))


@each(("order", "names"), [("title", "acb"), ("path", "abc")])
def test_entries_have_the_configured_order(order: str, names: str) -> None:
    written = kept(ORDERED, writing(style="list", order=order, entries="all"))
    assert listed(written["N.md"]) == names


@each("order", ["title", "path", "rank", "recent"])
@each("names", ["bac", "cab", "cba"])
def test_another_order_is_no_reason_to_write_a_section(order: str, names: str) -> None:
    titles = {"a": "a", "b": "b|Zebra", "c": "c"}
    note = section("## Backlinks", "", *(f"- [[{titles[name]}]]" for name in names)) + "\n"
    base = writing(style="list", order=order, entries="all")
    vault = {**ORDERED, "N.md": note}
    assert "N.md" not in build_state(vault, base).diagnostics
    assert kept(vault, base)["N.md"] == note
    more = kept({**vault, "bb.md": "[[N]]\n"}, base)["N.md"]
    assert more == kept({**ORDERED, "bb.md": "[[N]]\n"}, base)["N.md"].removeprefix("Text\n\n")


# -- adopting and taking out --------------------------------------------------------------------------------------


@each(
    "own",
    [
        f"{TOPICS}\n\nA – [[A | A]]\n",
        "Add backlinks using these topics:\nA - [[A|A]]\nB – [[B]]",
        f"{TOPICS}\r\n\r\n- [[A]]\r\n\r\nText behind\r\n",
        "## Add backlinks using these topics\n- [[A]]\n- [[B]]\n\n%% end %%\n",
    ],
)
def test_adopt_and_release_preserve_every_byte(own: str) -> None:
    text = f"Text\n\n{own}"
    note = parse_note("N.md", text)
    fix = build_adoption_fix(note, text)
    assert fix is not None
    adopted = apply_edits(text, sort_edits(fix.edits))
    assert [item.owner for item in parse_note("N.md", adopted).sections] == [Owner.ADOPTED]
    assert [entry.title for entry in parse_note("N.md", adopted).sections[0].entries] == [
        entry.title for entry in note.sections[0].entries
    ]
    assert without("N.md", adopted) == text


@each(
    "text",
    [
        "Text\n",
        f"Text\n\n{A_LISTED}\n",
        f"> {TOPICS}\n> \n> A – [[A]]\n",
    ],
)
def test_sections_that_cannot_be_adopted(text: str) -> None:
    assert build_adoption_fix(parse_note("N.md", text), text) is None


def test_note_with_an_authors_section_gets_no_second() -> None:
    vault = {"A.md": "[[N]]\n", "N.md": f"{TOPICS}\n\nZ – [[Z | Z]]\n", "Z.md": ""}
    result = run_fixes(writing(), vault)
    assert not result.texts
    assert [item.rule for item in collect_findings(result.after)] == ["missing-section"]


# -- whatever stands in a note ------------------------------------------------------------------------------------

LINES = (
    "Text",
    "",
    "  ",
    "- item",
    "  - [[A]]",
    "1. one",
    "> quote [[B]]",
    "# Heading",
    "| a | b |",
    "| - | - |",
    "```",
    "~~~",
    "$$",
    "%%",
    "%% note %%",
    "<!--",
    "-->",
    "<!-- note -->",
    "<div>",
    "</div>",
    "<span>",
    "[^1]: Note",
    "    indented",
    "[^2]: ",
    "---",
    "text ^id",
    "^id",
    TOPICS,
    "A – [[A]]",
    "Add backlinks using these topics",
    "[[N]]",
    "![[A]]",
    "#tag",
    "[x]: y",
    "<!-- /vaultlink:backlinks -->",
    "\r",
    "\t",
    "$x",
    "`",
    "text  ",
    "%%vaultlink-disable-file VL101%%",
    "<pre>",
    "***",
    "===",
)
FRONT = (
    "",
    "",
    "---\ntitle: N\n---\n",
    '---\nup: "[[A]]"\n---',
    "---\n---\n",
    "---\nunclosed: [\n---\n",
)
STYLES = some.fixed_dictionaries(
    {
        "style": some.sampled_from(["topics", "list", "context"]),
        "entries": some.sampled_from(["missing", "all"]),
        "order": some.sampled_from(["title", "path"]),
    }
)


@some.composite
def note_texts(draw: Callable[..., object]) -> str:
    """Generate a note of unusual lines with one or both kinds of line ends, and one or none at its end."""
    lines = draw(some.lists(some.sampled_from(LINES), max_size=14))
    ends = draw(some.sampled_from(["\n", "\r\n", "mixed"]))
    assert isinstance(lines, list)
    dice = random.Random(len(lines))
    text = "".join(
        line + (dice.choice(["\n", "\r\n"]) if ends == "mixed" else str(ends)) for line in lines
    )
    text = (
        str(draw(some.sampled_from(FRONT))).replace("\n", "\r\n" if ends == "\r\n" else "\n") + text
    )
    return text.rstrip("\r\n") if draw(some.booleans()) else text


def vault_of(text: str, others: list[str]) -> dict[str, str]:
    return {
        "N.md": text,
        "A.md": others[0],
        "B.md": "[[N]] and [[A]]\n",
        "x/Long name.md": others[1],
        "p.png": "",
    }


@settings(max_examples=count_examples(100), deadline=None)
@given(text=note_texts(), others=some.lists(note_texts(), min_size=2, max_size=2), how=STYLES)
def test_writing_twice_equals_once_and_removing_gives_back_every_byte(
    text: str, others: list[str], how: dict[str, str]
) -> None:
    base, vault = writing(**how), vault_of(text, others)
    written = kept(vault, base)
    assert not run_fixes(base, written).texts
    for path, old in vault.items():
        note = parse_note(path, written[path])
        if written[path] != old:
            assert without(path, written[path]) == old
            assert [link.raw for link in note.links] == [
                link.raw for link in parse_note(path, old).links
            ]
            assert any(
                entry.link
                for part in note.sections
                if part.owner is Owner.WRITTEN
                for entry in part.entries
            )


MARKED = (
    A_LISTED,
    section("## Backlinks", "", "- [[A]]", "- [[Z]]", "  - typed"),
    section(TOPICS, "", "Typed", "", "B – [[B]]"),
    section("## Backlinks", "", "- [[N]]", "  - [[A]] passage", said="adopted"),
    section("x", "- [[A]]", "", "- [[A]]", said=""),
    section(TOPICS, "", r"- \[[B]\]", "text"),
    section(),
)


@settings(max_examples=count_examples(100), deadline=None)
@given(
    text=note_texts(),
    marked=some.sampled_from(MARKED),
    tail=note_texts(),
    others=some.lists(note_texts(), min_size=2, max_size=2),
    how=STYLES,
)
def test_any_section_is_updated_in_one_run(
    text: str, marked: str, tail: str, others: list[str], how: dict[str, str]
) -> None:
    base, vault = writing(**how), vault_of(f"{text}\n\n{marked}\n\n{tail}", others)
    result = run_fixes(base, vault)
    now = {**vault, **texts_after(result)}
    assert [
        item.rule for item in collect_findings(result.after) if item.rule == "stale-section"
    ] == []
    assert not run_fixes(base, now).texts
    if "Typed" in vault["N.md"]:
        assert "Typed" in now["N.md"]


# -- step by step -------------------------------------------------------------------------------------------------


@each("seed", choose_seeds(10))
def test_sections_follow_a_vault_through_random_changes(seed: int) -> None:
    """After every change one run updates all sections, and the result equals that of a fresh run."""
    base = writing(style="list")
    dice = random.Random(seed)
    vault: dict[str, str] = {}
    state = State(base)
    for _ in range(12):
        state = step(state, some_changes(dice, vault))
        allowed = make_fix_filter(base.rules, base.config)
        wanted = FixSelector(allowed, list_fix_makers(base.rules))
        result = apply_rounds(state, sources(vault), wanted)
        assert result.broken_promises == ()
        assert texts_after(result) == texts_after(run_fixes(base, vault))
        vault.update(texts_after(result))
        state = result.after
        assert_same(state, build_state(vault, base))


def test_wording_depends_only_on_settings() -> None:
    index = build_state(NOTES | {"N.md": ""}).index
    options = {"style": "list", "heading": "", "entries": "all", "order": "path"}
    shown = read_section_style(options, configure_link_style(ObsidianSettings()), index)
    due = expected_section(index.notes["N.md"], index, options, shown)
    assert [render_entry(item, shown) for item in due.entries.values()] == [
        "- [[A]]",
        "- [[B|The second]]",
        "- [[C]]",
    ]
    assert format_heading(shown, index) == "## Backlinks"
    assert format_heading(shown._replace(heading=TOPICS), index) == TOPICS
