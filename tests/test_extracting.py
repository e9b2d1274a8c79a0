"""Tests of moving a section into its own note: the texts of both, and the links that follow."""

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
from vaultlink.refactor.extract import default_extract_path, plan_extract
from vaultlink.refactor.relocation import RefusedError

Vault = Mapping[str, str]


def plan(
    vault: Vault,
    name: str = "Plan.md#B",
    new: str | None = None,
    app: Mapping[str, Any] | None = None,
) -> Plan:
    state = build_state(vault, make_settings(app=app))
    path, mark, subpath = name.partition("#")
    return plan_extract(state, FixInputs(vault.get), path, mark + subpath, new)


def extract(
    vault: Vault,
    name: str = "Plan.md#B",
    new: str | None = None,
    app: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Return the vault afterwards."""
    done = plan(vault, name, new, app)
    assert done.skipped == ()
    for path, (before, _) in done.texts.items():
        assert vault.get(path) == before
    for path, edits in done.edits.items():
        assert apply_edits(vault[path], edits) == done.texts[path][1]
    return {**vault, **{path: after or "" for path, (_, after) in done.texts.items()}}


MANAGED = (
    "<!-- vaultlink:backlinks -->\n\n## Backlinks\n\n- [[x]]\n\n<!-- /vaultlink:backlinks -->\n"
)
AUTHORS = "Add backlinks using these topics:\n\nCup – [[cup | Cup]]\n"

# -- the end that most notes have ------------------------------------------------------------------------------------

FOOTER = "\n---\n#### [[Cards]]\n\n---\n### References\n\n- [[x]]\n"
OTHERS = {f"n{number}.md": f"# N\n\nn\n{FOOTER}" for number in range(5)}


@each(
    ("others", "text", "kept", "moved"),
    [
        (OTHERS, f"# A\n\n## B\n\nb\n{FOOTER}", f"# A\n\n## B\n\n[[B]]\n{FOOTER}", "b\n"),
        (
            OTHERS,
            "## B\n\nb\n\n---\n### References\n\n- y\n",
            "## B\n\n[[B]]\n\n---\n### References\n\n- y\n",
            "b\n",
        ),
        # other headings, no rule, or few notes that end so: the text belongs to the section
        (OTHERS, "## B\n\nb\n\n---\n### More\n", "## B\n\n[[B]]\n", "b\n\n---\n# More\n"),
        (OTHERS, "## B\n\nb\n\n### References\n", "## B\n\n[[B]]\n", "b\n\n# References\n"),
        ({}, f"## B\n\nb\n{FOOTER}", "## B\n\n[[B]]\n", None),
    ],
)
def test_end_that_a_third_of_the_notes_have_stays(
    others: Vault, text: str, kept: str, moved: str | None
) -> None:
    done = extract({**others, "Plan.md": text})
    assert done["Plan.md"] == kept
    assert moved is None or done["B.md"].endswith(moved)
    assert ("References" in done["B.md"]) is ("References" not in kept and "References" in text)


# -- the texts of both notes ------------------------------------------------------------------------------------------

TEXTS: Mapping[str, tuple[str, str, str]] = {
    "between others": (
        "# A\n\na\n\n# B\n\nb\n\n# C\n\nc\n",
        "# A\n\na\n\n# B\n\n[[B]]\n\n# C\n\nc\n",
        "b\n",
    ),
    "last": ("# A\n\n# B\n\nb\n", "# A\n\n# B\n\n[[B]]\n", "b\n"),
    "last, no final line end": ("# A\n\n# B\nb", "# A\n\n# B\n[[B]]", "b\n"),
    "first": ("# B\nb\n\n# C\n", "# B\n[[B]]\n\n# C\n", "b\n"),
    "whole note": ("# B\nb\n", "# B\n[[B]]\n", "b\n"),
    "behind properties": ("---\na: 1\n---\n# B\nb\n", "---\na: 1\n---\n# B\n[[B]]\n", "b\n"),
    "only a heading": ("# A\n# B\n# C\n", "# A\n# B\n[[B]]\n# C\n", ""),
    "with deeper headings": (
        "# A\n## B\nb\n### D\n#### E\n## C\n",
        "# A\n## B\n[[B]]\n## C\n",
        "b\n# D\n## E\n",
    ),
    "up to a higher heading": ("## B\nb\n\n# C\n", "## B\n[[B]]\n\n# C\n", "b\n"),
    "below a paragraph": ("text\n# B\nb\n", "text\n# B\n[[B]]\n", "b\n"),
    "below a list": ("- a\n# B\nb\n", "- a\n# B\n[[B]]\n", "b\n"),
    "many blank lines": ("a\n\n\n# B\n\nb\n\n\n\n# C\n", "a\n\n\n# B\n\n[[B]]\n\n\n\n# C\n", "b\n"),
    "blank line with spaces": ("# B\nb  \n \n# C\n", "# B\n[[B]]\n \n# C\n", "b  \n"),
    "underlined": ("A\n===\n\nB\n---\nb\n\nC\n---\n", "A\n===\n\nB\n---\n[[B]]\n\nC\n---\n", "b\n"),
    "CRLF": (
        "# A\r\n\r\n# B\r\nb\r\n\r\n# C\r\n",
        "# A\r\n\r\n# B\r\n[[B]]\r\n\r\n# C\r\n",
        "b\r\n",
    ),
    "CRLF, below a paragraph": ("a\r\n# B\r\nb\r\n", "a\r\n# B\r\n[[B]]\r\n", "b\r\n"),
    "heading in code": (
        "# B\n```\n# C\n```\nb\n\n# D\n",
        "# B\n[[B]]\n\n# D\n",
        "```\n# C\n```\nb\n",
    ),
    "heading in a quote": ("# B\n> # C\n\n# D\n", "# B\n[[B]]\n\n# D\n", "> # C\n"),
    "footnotes that go": (
        "a[^1]\n\n[^1]: one\n\n# B\nb[^2]\n\n[^2]: two\n\n# C\n",
        "a[^1]\n\n[^1]: one\n\n# B\n[[B]]\n\n# C\n",
        "b[^2]\n\n[^2]: two\n",
    ),
    "references that go": (
        "# B\n[x][r] [r]\n\n[r]: https://x.org\n\n# C\n- [x] done\n",
        "# B\n[[B]]\n\n# C\n- [x] done\n",
        "[x][r] [r]\n\n[r]: https://x.org\n",
    ),
    "comment that goes": (
        "%% a %%\n\n# B\n%%\nb\n%%\n\n# C\n",
        "%% a %%\n\n# B\n[[B]]\n\n# C\n",
        "%%\nb\n%%\n",
    ),
    "an author's backlinks section stays": (
        f"# A\n\n## B\nb\n\n{AUTHORS}",
        f"# A\n\n## B\n[[B]]\n\n{AUTHORS}",
        "b\n",
    ),
    "a managed backlinks section stays": (
        f"# B\nb\n\n{MANAGED}",
        f"# B\n[[B]]\n\n{MANAGED}",
        "b\n",
    ),
}


@each(("before", "rest", "new"), TEXTS.values(), ids=TEXTS)
def test_texts(before: str, rest: str, new: str) -> None:
    after = extract({"Plan.md": before, "x.md": "", "cup.md": ""})
    assert (after["Plan.md"], after["B.md"]) == (rest, new)


def test_path_of_headings() -> None:
    text = "# A\n## B\na\n# C\n## B\nc\n"
    after = extract({"Plan.md": text}, "Plan.md#C#B", "New.md")
    assert (after["Plan.md"], after["New.md"]) == (
        "# A\n## B\na\n# C\n## B\n[[New]]\n",
        "# B\nc\n",
    )


@each(
    ("path", "heading", "new"),
    [
        ("Plan.md", "B", "B.md"),
        ("a/Plan.md", "The *big* plan", "a/The big plan.md"),
        ("Plan.md", "What: now?", "What now.md"),
        ("Plan.md", "a/b \\ c | d", "a b c d.md"),
        ("Plan.md", "See [[X|the x]] ^id", "See the x.md"),
        ("Plan.md", "C# and 100%", "C and 100.md"),
        ("Plan.md", "Größe 🚀...", "Größe 🚀.md"),
    ],
)
def test_default_name(path: str, heading: str, new: str) -> None:
    assert default_extract_path(path, heading) == new


def test_heading_without_a_file_name_is_refused() -> None:
    with pytest.raises(RefusedError, match="can't be a file name"):
        default_extract_path("Plan.md", "???")


@each(
    ("app", "others", "new", "link"),
    [
        ({}, {}, "d/New.md", "[[New]]"),
        ({}, {"New.md": ""}, "d/New.md", "[[d/New|New]]"),
        ({"newLinkFormat": "absolute"}, {}, "d/New.md", "[[d/New|New]]"),
        ({"newLinkFormat": "relative"}, {}, "d/New.md", "[[d/New|New]]"),
        ({"useMarkdownLinks": True}, {}, "d/New one.md", "[New one](New%20one.md)"),
        (
            {"useMarkdownLinks": True, "newLinkFormat": "relative"},
            {},
            "d/New.md",
            "[New](d/New.md)",
        ),
    ],
)
def test_link_has_the_style_of_the_vault(
    app: Mapping[str, Any], others: Vault, new: str, link: str
) -> None:
    after = extract({"Plan.md": "# B\n", **others}, new=new, app=app)
    assert after["Plan.md"] == f"# B\n{link}\n"


RULES: Mapping[str, tuple[str, str, str]] = {
    "rule before the next section": (
        "## B\nb\n\n---\n\n## C\n",
        "## B\n[[B]]\n\n---\n\n## C\n",
        "b\n",
    ),
    "stars": ("## B\nb\n***\n## C\n", "## B\n[[B]]\n***\n## C\n", "b\n"),
    "two rules": ("## B\nb\n\n---\n\n* * *\n\n", "## B\n[[B]]\n\n---\n\n* * *\n\n", "b\n"),
    "rule in the middle": ("## B\na\n\n---\n\nb\n", "## B\n[[B]]\n", "a\n\n---\n\nb\n"),
    "hyphens below a list": ("## B\n- a\n---\n", "## B\n[[B]]\n", "- a\n---\n"),
    "rule at the start": ("\n## B\n---\nb\n", "\n## B\n[[B]]\n", "---\nb\n"),
}


@each(("before", "rest", "new"), RULES.values(), ids=RULES)
def test_a_rule_at_the_end_stays(before: str, rest: str, new: str) -> None:
    after = extract({"Plan.md": before})
    assert (after["Plan.md"], after["B.md"]) == (rest, new)


HABITS: Mapping[str, tuple[Vault, str, str]] = {
    "no habit": ({}, "B.md", "b\n\n# C\n"),
    "other name": ({}, "New.md", "# B\nb\n\n## C\n"),
    "number before the name": ({}, "Big B.md", "# B\nb\n\n## C\n"),
    "notes begin with their names": (
        {f"{n}.md": f"# {n}\n\n## x\n" for n in range(6)},
        "B.md",
        "# B\nb\n\n## C\n",
    ),
    "notes begin at level 2": (
        {f"{n}.md": "## x\n\n### y\n" for n in range(6)},
        "B.md",
        "b\n\n## C\n",
    ),
    "few notes are no habit": ({"1.md": "# 1\n", "2.md": "# 2\n"}, "B.md", "b\n\n# C\n"),
}


@each(("others", "new", "text"), HABITS.values(), ids=HABITS)
def test_new_notes_begin_as_others_do(others: Vault, new: str, text: str) -> None:
    vault = {"Plan.md": "text\n\n### B\nb\n\n#### C\n", **others}
    assert extract(vault, new=new)[new] == text


@each(("heading", "new"), [("2. Hash maps", "Hash maps.md"), ("*B*?", "B.md")])
def test_the_heading_that_says_the_name_is_left_out(heading: str, new: str) -> None:
    assert extract({"Plan.md": f"## {heading}\nb\n"}, f"Plan.md#{heading}", new)[new] == "b\n"


def test_embed_and_tags() -> None:
    text = "---\nup: x\ntags:\n  - sea\n---\n# A #inline\n## B\nb\n"
    state = build_state({"Plan.md": text})
    sources = FixInputs({"Plan.md": text}.get)
    done = plan_extract(state, sources, "Plan.md", "#B", embed=True, with_tags=True)
    assert done.texts["Plan.md"][1] == text.replace("b\n", "![[B]]\n")
    assert done.texts["B.md"] == (None, "---\ntags:\n  - sea\n---\nb\n")


def test_no_tags_are_no_properties() -> None:
    text = "---\nup: x\n---\n## B\nb\n"
    state = build_state({"Plan.md": text})
    done = plan_extract(state, FixInputs({"Plan.md": text}.get), "Plan.md", "#B", with_tags=True)
    assert done.texts["B.md"] == (None, "b\n")


# -- links ------------------------------------------------------------------------------------------------------------

SECTIONS = "# A\n\na ^a\n\n# B\n\nb ^b\n\n## C\n\n# D\n"
LINKS: Mapping[str, tuple[str, str]] = {
    "heading": ("[[Plan#B]]", "[[New]]"),
    "deeper heading": ("[[Plan#C]] [[Plan#B#C]]", "[[New#C]] [[New#B#C]]"),
    "block": ("[[Plan#^b]] ![[Plan#^b]]", "[[New#^b]] ![[New#^b]]"),
    "path from a heading that stays": ("[[Plan#A#C]]", "[[New#C]]"),
    "display text": ("[[Plan#B|x]]", "[[New|x]]"),
    "embed": ("![[Plan#B]]", "![[New]]"),
    "Markdown": ("[x](Plan.md#B) ![y](Plan#^b)", "[x](New.md) ![y](New#^b)"),
    "Markdown with the anchor of GitHub": ("[x](Plan.md#b)", "[x](New.md)"),
    "property": ('---\nup: "[[Plan#B]]"\n---\n', '---\nup: "[[New]]"\n---\n'),
    "table": ("|a|\n|-|\n|[[Plan#B\\|x]]|", "|a|\n|-|\n|[[New\\|x]]|"),
    "several": ("[[Plan]] [[Plan#A]] [[Plan#B]]", "[[Plan]] [[Plan#A]] [[New]]"),
    "heading with such a link": (
        "# See [[Plan#B]]\n\n[[#See Plan B]]",
        "# See [[New]]\n\n[[#See New]]",
    ),
}
STAYING = (
    "[[Plan]] ![[Plan]] [x](Plan.md)",
    "[[Plan#A]] [[Plan#D]] [[Plan#^a]] [[Plan#A|B]]",
    "[[Plan#none]] [[Plan#^none]]",
    "`[[Plan#B]]` <!-- [[Plan#B]] -->",
    "[[Other#B]] [[#B]]",
)


@each(("before", "after"), LINKS.values(), ids=LINKS)
def test_links_of_other_notes_follow(before: str, after: str) -> None:
    vault = {"Plan.md": SECTIONS, "s.md": f"{before}\n"}
    assert extract(vault, new="New.md")["s.md"] == f"{after}\n"


@each("text", STAYING)
def test_links_to_what_stays_do_not_change(text: str) -> None:
    vault = {"Plan.md": SECTIONS, "Other.md": "# B\n", "s.md": text}
    assert set(plan(vault, new="New.md").texts) == {"Plan.md", "New.md"}


INNER: Mapping[str, tuple[str, str, str]] = {
    "from what stays to what goes": (
        "[[#B]] [[Plan#C]] [x](#B) ![[#^b]]\n\n# B\n## C\nb ^b\n",
        "[[New]] [[New#C]] [x](New.md) ![[New#^b]]\n\n# B\n[[New]]\n",
        "# B\n## C\nb ^b\n",
    ),
    "from what goes to what stays": (
        "# A\na ^a\n\n# B\n[[#A]] [[Plan#A]] [[Plan]] [x](#A) ![[#^a]]\n",
        "# A\na ^a\n\n# B\n[[New]]\n",
        "# B\n[[Plan#A]] [[Plan#A]] [[Plan]] [x](Plan.md#A) ![[Plan#^a]]\n",
    ),
    "within what goes": (
        "# B\n## C\n[[#B]] [[#B#C]] [[Plan#B]] [[Plan#C|x]]\n",
        "# B\n[[New]]\n",
        "# B\n## C\nB [[#B#C]] Plan > B [[New#C|x]]\n",
    ),
    "within what stays": (
        "# A\n[[#A]] [[Plan#D]]\n\n# B\n\n# D\n[[#A]]\n",
        "# A\n[[#A]] [[Plan#D]]\n\n# B\n[[New]]\n\n# D\n[[#A]]\n",
        "# B\n",
    ),
    "duplicate headings": (
        "# A\n## X\n# B\n## X\n[[#X]] [[#B#X]] [[#A#X]]\n",
        "# A\n## X\n# B\n[[New]]\n",
        "# B\n## X\n[[Plan#X]] [[#B#X]] [[Plan#A#X]]\n",
    ),
    "first of duplicate headings goes": (
        "[[#X]] [[#D#X]]\n\n# B\n## X\n\n# D\n## X\n",
        "[[New#X]] [[#D#X]]\n\n# B\n[[New]]\n\n# D\n## X\n",
        "# B\n## X\n",
    ),
    "heading with a link": (
        "[[#See B]]\n\n# B\n\n## See [[#B]]\n\n# D\n## To [[#B]]\n[[#To B]]\n",
        "[[New#See B]]\n\n# B\n\n[[New]]\n\n# D\n## To [[New]]\n[[#To New]]\n",
        "# B\n\n## See B\n",
    ),
}


@each(("before", "rest", "new"), INNER.values(), ids=INNER)
def test_links_of_the_note_itself_follow(before: str, rest: str, new: str) -> None:
    after = extract({"Plan.md": before}, new="New.md")
    assert (after["Plan.md"], after["New.md"]) == (rest, new)


def test_relative_links_in_another_folder() -> None:
    vault = {
        "a/Plan.md": "# B\n[x](y.md) ![](i.png) [[./y]] [[y]] [z](https://x.org)\n",
        "a/y.md": "",
        "a/i.png": "",
    }
    after = extract(vault, "a/Plan.md#B", "b/New.md")
    assert after["b/New.md"] == (
        "# B\n[x](../a/y.md) ![](../a/i.png) [[../a/y]] [[y]] [z](https://x.org)\n"
    )


def test_namesakes_keep_their_links() -> None:
    vault = {"Plan.md": "# B\n", "a/New.md": "", "s.md": "[[New]]"}
    after = extract(vault, new="New.md")
    assert after["s.md"] == "[[a/New|New]]"


def test_definitions_of_labels_follow() -> None:
    vault = {
        "a/Plan.md": "# A\n\n# B\n[x][r] [y]\n\n[r]: y.md\n[y]: #A\n",
        "a/y.md": "",
        "s.md": "[k]\n\n[k]: a/Plan.md#B\n",
    }
    after = extract(vault, "a/Plan.md#B", "b/New.md")
    assert after["b/New.md"] == "# B\n[x][r] [y]\n\n[r]: ../a/y.md\n[y]: ../a/Plan.md#A\n"
    assert after["s.md"] == "[k]\n\n[k]: b/New.md\n"


def test_canvas_follows() -> None:
    canvas = '{"nodes":[{"id":"1","type":"file","file":"Plan.md","subpath":"#B"}],"edges":[]}'
    after = extract({"Plan.md": "# A\n# B\n", "c.canvas": canvas}, new="New.md")
    assert after["c.canvas"] == canvas.replace("Plan.md", "New.md").replace("#B", "")


def test_captured_links_are_named() -> None:
    done = plan({"Plan.md": "# B\n", "s.md": "a [[New]]"}, new="New.md")
    assert [(item.path, item.column, item.raw, item.target) for item in done.captured] == [
        ("s.md", 3, "[[New]]", "New.md")
    ]


def test_the_plan() -> None:
    done = plan({"Plan.md": "# A\n# B\nb\n", "s.md": "[[Plan#B]]"})
    assert (done.moves, done.files, set(done.required)) == ({}, {}, {"Plan.md", "B.md"})
    assert done.texts["B.md"] == (None, "b\n")
    assert [(item.old, item.new) for item in done.renames] == [("Plan.md#B", "B.md")]


def test_managed_section_stays_in_step() -> None:
    section = "<!-- vaultlink:backlinks -->\n\n## Backlinks\n\n- [[Plan]]\n\n<!-- /vaultlink:backlinks -->\n"
    vault = {"Plan.md": "# B\n[[t]]\n", "t.md": f"text\n\n{section}"}
    settings = make_settings(backlinks={"mode": "write", "style": "list"})
    state = build_state(vault, settings)
    done = plan_extract(state, FixInputs(vault.get), "Plan.md", "#B", "New.md")
    assert done.texts["t.md"][1] == f"text\n\n{section.replace('Plan', 'New')}"


# -- refusals ---------------------------------------------------------------------------------------------------------

REFUSED: Mapping[str, tuple[Vault, str, str | None, str]] = {
    "no heading": ({"Plan.md": "# A\n"}, "Plan.md#B", None, "no heading “#B”"),
    "block": ({"Plan.md": "a ^b\n"}, "Plan.md#^b", None, "is a block"),
    "existing note": ({"Plan.md": "# B\n", "b.md": ""}, "Plan.md#B", None, "“b.md” already"),
    "footnote that stays": (
        {"Plan.md": "# B\nb[^1]\n\n# C\n\n[^1]: x\n"},
        "Plan.md#B",
        None,
        "[^1]",
    ),
    "footnote that is needed": (
        {"Plan.md": "a[^n]\n\n# B\nb\n\n[^n]: x\n"},
        "Plan.md#B",
        None,
        "[^n]",
    ),
    "reference that stays": (
        {"Plan.md": "# B\n[x][R  s]\n\n# C\n\n[r s]: y.md\n"},
        "Plan.md#B",
        None,
        "[r s]",
    ),
    "comment": ({"Plan.md": "a %% c\n\n# B\n\nb %%\n"}, "Plan.md#B", None, "comment"),
    "managed section": ({"Plan.md": f"# B\n\n{MANAGED}"}, "Plan.md#Backlinks", None, "writes"),
    "author's section": (
        {"Plan.md": "## Add backlinks using these topics\n\nCup – [[cup | Cup]]\n", "cup.md": ""},
        "Plan.md#Add backlinks using these topics",
        None,
        "is a backlinks section",
    ),
    "link that would be a misspelt name": (
        {"Plan.md": "[[B C]]\n\n# B-C\nb\n"},
        "Plan.md#B-C",
        None,
        "“B-C.md” would have a new error, respelt-link",
    ),
    "text behind a managed section": (
        {"Plan.md": f"# B\n\n{MANAGED}\nmore\n"},
        "Plan.md#B",
        None,
        "in the middle",
    ),
}


@each(("vault", "name", "new", "reason"), REFUSED.values(), ids=REFUSED)
def test_refusals_say_why(vault: Vault, name: str, new: str | None, reason: str) -> None:
    with pytest.raises(RefusedError) as refused:
        plan(vault, name, new)
    assert reason in str(refused.value)


@each("path", ["A.md", "s.md"])
def test_notes_that_can_not_be_changed_are_named(path: str) -> None:
    vault = {"A.md": "# H\n", "B.md": "b\n", "s.md": "[[A#H]]"}
    state = build_state(vault)
    for sources in (
        FixInputs(lambda asked: None if asked == path else vault[asked]),
        FixInputs(vault.get, is_protected=lambda asked: asked == path),
    ):
        if path == "s.md":
            [note] = plan_extract(state, sources, "A.md", "#H", "N.md").skipped
            assert note.path == path
            continue
        with pytest.raises(RefusedError, match=f"{path}.*can't be changed"):
            plan_extract(state, sources, "A.md", "#H", "N.md")


# -- random notes -----------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        "# A",
        "# B",
        "## A",
        "## C d",
        "### C d ^h",
        "text ^a",
        "- item\n- other ^b",
        "[[#A]] [[#C d]]",
        "[[Plan#B]] [x](#A) [y](Plan.md#C%20d)",
        "![[#^a]] [[Plan#^b|x]]",
        "[[#A#C d]] [[Plan#B#A]] [[Plan]]",
        "> # A",
        "```\n# A\n[[#A]]\n```",
        "|a|b|\n|-|-|\n|[[#A\\|x]]|[[s]]|",
        "#tag [[none]] [[#none]]",
    ]
)


@given(st.lists(PIECES, min_size=1, max_size=9), st.sampled_from(["#A", "#B", "#C d"]))
def test_every_link_leads_to_the_same_place(pieces: list[str], subpath: str) -> None:
    links = "[[Plan#A]] [[Plan#B]] [[Plan#C d]] [[Plan#B#A]] [[Plan#^a]] [[Plan#^b]] [[Plan]]"
    text = "\n\n".join(f"{piece}\n\nline {number}" for number, piece in enumerate(pieces))
    vault = {"Plan.md": text, "s.md": links}
    try:
        after = extract(vault, f"Plan.md{subpath}", "New.md")
    except RefusedError:
        return
    had, has = list_meanings(vault, f"Plan.md{subpath}"), list_meanings(after)
    has.remove("New.md")  # the link below the heading
    assert (Counter(has) - Counter(had)).total() == 0
    lost = Counter(had) - Counter(has)
    assert set(lost) <= {"New.md"}, "only links of the section to its heading become words"
    lines = [
        Counter(line for text in texts.values() for line in plain_lines(text))
        for texts in (vault, after)
    ]
    assert lines[0] - lines[1] == Counter()


def list_meanings(vault: Vault, section: str = "") -> list[str]:
    """Return what each link leads to: a file, or the numbered line behind a heading or block.

    Links to the heading of `section` lead to the note that it becomes.
    """
    index, found = build_state(vault).index, []
    path, _, name = section.partition("#")
    moved = find_anchor(index.notes[path], f"#{name}") if section else None
    for source in vault:
        for link, target in index.resolved_links(source):
            anchor = find_anchor(index.notes[target], link.subpath) if target else None
            found.append(
                "New.md"
                if anchor is not None and anchor is moved
                else vault[target][anchor.start :].partition("\nline ")[2].partition("\n")[0]
                if target and anchor
                else str(target)
            )
    return found


def plain_lines(text: str) -> list[str]:
    """Return the lines that are not blank and have no link, headings without their level."""
    lines = [re.sub("^#+ ", "# ", line) for line in text.splitlines()]
    return [line for line in lines if line.strip() and "[" not in line]
