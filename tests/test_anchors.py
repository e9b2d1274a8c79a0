"""Tests of missing headings and blocks: GitHub anchors, suggestions, fixes, kinds that are quiet."""

import json
from collections.abc import Mapping

from builder import build_state, collect_findings, make_settings
from tables import each
from vaultlink.engine.step import State
from vaultlink.fix.causes import list_anchor_fixes
from vaultlink.fix.forecast import count_fixes
from vaultlink.index.anchors import find_anchor, find_slug_heading, github_slug, render_heading
from vaultlink.index.suggest_headings import suggest_anchors
from vaultlink.model import Diagnostic, Note, Safety
from vaultlink.report.check_result import CheckResult
from vaultlink.report.concise import render_concise_result
from vaultlink.report.full import render_full
from vaultlink.report.json_document import frame_json, render_json_lines
from vaultlink.rules.context import Context
from vaultlink.rules.missing_anchors import missing_heading, slug_anchor

RULES_HERE = ("missing-heading", "missing-block", "slug-anchor")


def note_of(text: str) -> Note:
    return build_state({"Plan.md": text}).index.notes["Plan.md"]


def check(vault: Mapping[str, str], *select: str) -> tuple[State, list[Diagnostic]]:
    state = build_state(vault, make_settings(select or RULES_HERE))
    return state, collect_findings(state)


# -- GitHub anchors -----------------------------------------------------------------------------


@each(
    ("heading", "slug"),
    [
        ("Two words", "two-words"),
        ("What's next?", "whats-next"),
        ("A & B", "a--b"),
        ("snake_case and Kebab-case", "snake_case-and-kebab-case"),
        ("`code` and **bold** and _italic_", "code-and-bold-and-italic"),
        ("[Link](https://example.com/a) here", "link-here"),
        ("1.2 Setup", "12-setup"),
        ("🚀 Start", "-start"),
        ("❤️ Love", "-love"),
        ("Über Größe", "über-größe"),
        ("中文 标题：测试", "中文-标题测试"),
        ("हिन्दी पाठ", "हिन्दी-पाठ"),
        ("Привет, мир!", "привет-мир"),
        ("C++ and C#", "c-and-c"),
    ],
)
def test_slug_of_heading(heading: str, slug: str) -> None:
    assert github_slug(render_heading(heading)) == slug
    assert find_slug_heading(note_of(f"# {heading}\n"), f"#{slug}")


def test_slugs_of_repeated_headings_have_counters() -> None:
    note = note_of("# A b\n\n# A b\n\n# A b 1\n\n# A b\n")
    anchors = ["a-b", "a-b-1", "a-b-1-1", "a-b-2"]
    assert [find_slug_heading(note, f"#{anchor}") for anchor in anchors] == list(note.headings)
    for anchor in ("a-b-3", "a b", "A b", "a-b-", "", "-"):
        assert find_slug_heading(note, f"#{anchor}") is None


@each(
    ("text", "shown"),
    [
        ("[[Note|shown]] and [[Other]]", "shown and Other"),
        ("Kerberos [^2]", "Kerberos"),
        ("**Bold *and italic***", "Bold and italic"),
        ('<a name="x"></a>Title', "Title"),
        ("The `<source>` tag", "The <source> tag"),
        ("2 * 3 * 4 and a_b_c", "2 * 3 * 4 and a_b_c"),
        ("Goals ^goals", "Goals"),
        (r"A \* B", "A * B"),
    ],
)
def test_heading_as_shown(text: str, shown: str) -> None:
    assert render_heading(text) == shown


# -- suggestions --------------------------------------------------------------------------------


@each(
    ("wanted", "headings", "found"),
    [
        ("Next-year", ["🎯 Next year!"], "#🎯 Next year!"),
        ("next-year-1", ["A", "# Next year", "B", "# Next year"], "#B#Next year"),
        ("21 cm line", ["21cm line"], "#21cm line"),
        ("Uber uns", ["Über uns"], "#Über uns"),
        ("Milky Way", ["The Milky Way"], "#The Milky Way"),
        ("11. The River", ["1. The Hill", "2. The River"], "#2. The River"),
        ("The River", ["§ 2.1 The River"], "#§ 2.1 The River"),
        ("Categories", ["Category"], "#Category"),
        ("Meteoriod", ["Meteoroid", "Meteor"], "#Meteoroid"),
        ("Thermodinamics", ["Thermodynamics"], "#Thermodynamics"),
        ("Radio Galaxy", ["Radio Galaxy (RG)", "Radio"], "#Radio Galaxy (RG)"),
        ("Black Hole (BH)", ["Black Hole"], "#Black Hole"),
        ("Quasar", ["Quasar / Quasi-stellar object"], "#Quasar / Quasi-stellar object"),
        ("Step 1", ["Step 1 - Start", "Step 2 - End"], "#Step 1 - Start"),
        ("Power spectrum", ["CMB Power Spectrum", "Power"], "#CMB Power Spectrum"),
        ("Adaptation", ["Adaptation efforts", "Mitigation efforts"], "#Adaptation efforts"),
        ("Kerberos", ["Kerberos [^2]"], "#Kerberos 2"),
        ("shown", ["[[Note|shown]]"], "#Note shown"),
        ("Old#Goals", ["Goals"], "#Goals"),
        ("2024#goal", ["2024", "# Goals"], "#2024#Goals"),
        ("goals-now", ["Goals, now ^g1"], "#^g1"),
    ],
)
def test_heading_is_suggested(wanted: str, headings: list[str], found: str) -> None:
    note = note_of(
        "".join(f"# {text}\n\n" if text[0] != "#" else f"#{text}\n\n" for text in headings)
    )
    [first] = suggest_anchors("Plan.md", note, f"#{wanted}")
    assert first.subpath == found
    assert first.path == "Plan.md"
    assert 0.6 < first.score < 1
    assert find_anchor(note, found)


@each(
    ("wanted", "headings"),
    [
        ("Convergence", ["Divergence"]),
        ("Bijection", ["Injection"]),
        ("Disequazioni", ["Equazioni"]),
        ("Macroeconomics", ["Microeconomics"]),
        ("Hypertension", ["Hypotension"]),
        ("Prescription", ["Proscription"]),
        ("Claim 1", ["Claim 2"]),
        ("Week 3: Reading", ["Week 4: Reading"]),
        ("2024-01-05 Meeting", ["2024-01-06 Meeting"]),
        ("2. Weltkrieg", ["1. Weltkrieg"]),
        ("3 ways to go", ["5 ways to go"]),
        ("Version 1.1", ["Version 11"]),
        ("Plan A", ["Plan B"]),
        ("Corona", ["Solar wind", "Structure"]),
        ("Colour index", ["Colour"]),
        ("Velocity dispersion", ["Galaxy velocity dispersion", "Cluster velocity dispersion"]),
        ("Blackbody radiation", ["Blackbody specific radiation pressure"]),
        ("Blackbody radiation", ["Sunlight, blackbody radiation, heat, colour"]),
        ("Mercury (planet)", ["Mercury (element)"]),
        ("Linear maps", ["Not linear maps"]),
        ("Session 1 - Dragons", ["Session 1 - Goblins"]),
        ("2025#Goals", ["2024", "# Goals", "2025"]),
        ("分布", ["分布式算法"]),
        ("!?", ["?!"]),
    ],
)
def test_other_heading_is_not_suggested(wanted: str, headings: list[str]) -> None:
    note = note_of(
        "".join(f"# {text}\n\n" if text[0] != "#" else f"#{text}\n\n" for text in headings)
    )
    assert not suggest_anchors("Plan.md", note, f"#{wanted}")


def test_word_of_another_heading_is_no_slip() -> None:
    assert suggest_anchors("Plan.md", note_of("# Causal models\n"), "#Casual models")
    note = note_of("# Causal models\n\n# Casual clothes\n")
    assert not suggest_anchors("Plan.md", note, "#Casual models")


@each(
    ("wanted", "ids", "found"),
    [
        ("a-1", ["A1"], ["#^A1"]),
        ("defintion", ["definition"], ["#^definition"]),
        ("a1b2c3", ["a1b2c4"], []),
        ("abcdef", ["abcdfe1"], []),
        ("fig-2-11", ["fig-21-1"], []),
    ],
)
def test_block_is_suggested_only_for_a_slip(wanted: str, ids: list[str], found: list[str]) -> None:
    note = note_of("".join(f"Text ^{block}\n\n" for block in ids))
    assert [item.subpath for item in suggest_anchors("P.md", note, f"#^{wanted}")] == found


# -- safety of fixes ----------------------------------------------------------------------------


@each(
    ("link", "heading", "safety"),
    [
        ("[[Plan#next-year]]", "Next year", Safety.UNSAFE),
        ("[[Plan#next - year]]", "Next year", Safety.SAFE),
        ("[[Plan#Next year]]", "Next - year", Safety.SAFE),
        ("[[Plan#What s next]]", "What's next", Safety.SAFE),
        ("[[Plan#使用 Git]]", "使用Git", Safety.SAFE),
        ("[a](Plan.md#Next%20year)", "🚀 Next-year", Safety.SAFE),
        ("[a](Plan.md#next-year)", "Next year", Safety.UNSAFE),
        ("[a](Plan.md#Next_year)", "Next year", Safety.UNSAFE),
        ("[[Plan#a-b]]", "A/B", Safety.UNSAFE),
        ("[[Plan#v1-1]]", "v1.1", Safety.UNSAFE),
        ("[[Plan#learn-c]]", "Learn C#", Safety.UNSAFE),
        ("[[Plan#at-5-degrees]]", "At -5 degrees", Safety.UNSAFE),
        ("[[Plan#a-b]]", "a ≠ b", Safety.UNSAFE),
        ("[[Plan#Uber uns]]", "Über uns", Safety.UNSAFE),
        ("[[Plan#Goals]]", "Goal", Safety.UNSAFE),
        ("[[Plan#One two]]", "Two one", None),
    ],
)
def test_fix_is_safe_only_for_the_same_words(
    link: str, heading: str, safety: Safety | None
) -> None:
    _, [item] = check({"Home.md": f"{link}\n", "Plan.md": f"# {heading}\n"})
    assert (item.fix.safety if item.fix else None) is safety


def test_two_headings_with_the_same_words_are_only_suggested() -> None:
    vault = {
        "Home.md": "[[Plan#next-year]]\n",
        "Plan.md": "# A\n## Next year\n# B\n## Next: year\n",
    }
    state, [item] = check(vault)
    assert item.fix is None
    fixes = list_anchor_fixes(state, item)
    assert [fix.title for fix in fixes] == ["Link to “#Next year”", "Link to “#B#Next year”"]
    assert {fix.safety for fix in fixes} == {Safety.UNSAFE}


def test_choices_start_with_the_fix_of_the_finding() -> None:
    vault = {"Home.md": "[[Plan#next-year]] [[Plan#Nothing]]\n", "Plan.md": "# Next year\n"}
    state, [first, second] = check(vault)
    assert list_anchor_fixes(state, first) == [first.fix]
    assert list_anchor_fixes(state, second) == []


# -- which rule reports -------------------------------------------------------------------------


def test_slug_anchor_has_precedence_and_can_be_disabled() -> None:
    vault = {"Home.md": "[a](Plan.md#next-year)\n", "Plan.md": "# Next year\n"}
    assert [(item.rule, item.severity) for item in check(vault)[1]] == [("slug-anchor", "info")]
    [item] = check(vault, "missing-heading")[1]
    assert (item.rule, item.severity) == ("missing-heading", "warning")
    assert item.fix is not None
    assert item.fix.safety is Safety.UNSAFE


QUIET = {
    "footnotes": "[1](#fn1) [2](#fnref-1) [3](#cite_note-3) [4](#_ftnref1) [5](#footnote-5)\n",
    "clipped-anchors": "---\nPage URL: https://example.com\n---\n[a](#Early_life) [b](#two-words)\n\n# Two words\n",
}


@each("kind", QUIET)
def test_quiet_kind_is_reported_if_it_is_not_named(kind: str) -> None:
    base = make_settings(RULES_HERE)
    state = build_state({"Page.md": QUIET[kind]}, base)
    note = state.index.notes["Page.md"]
    assert collect_findings(state) == []
    others = frozenset(QUIET) - {kind}
    context = Context(state.index, {}, base.obsidian, base.allows_dangling, quiet=others)
    places = {
        item.location.start
        for item in (*missing_heading(note, context), *slug_anchor(note, context))
    }
    assert len(places) == QUIET[kind].count("](#")


@each(
    "text",
    [
        "---\nsource: Ann Lee\n---\n[a](#nothing)\n",
        "---\nsource: https://example.com\n---\n[a](#no%20thing)\n",
        "---\nsource: https://example.com\n---\n[a](Page.md#nothing)\n",
        "---\nupdate: https://example.com\n---\n[a](#nothing)\n",
        "[a](#x) [b](#x) [c](#x) [d](#One)\n\n# One\n",
        "[a](#x) [b](#y) [c](#z) [1](#One) [2](#Two) [3](#Three)\n\n# One\n\n# Two\n\n# Three\n",
        "[a](#fnord) [b](#reference-1)\n",
        "[[#fnord]] [[#Footnotes]]\n",
    ],
)
def test_dead_anchor_in_an_own_note_is_reported(text: str) -> None:
    assert check({"Page.md": text}, "missing-heading")[1]


# -- output -------------------------------------------------------------------------------------


def result_of(vault: Mapping[str, str]) -> CheckResult:
    state, findings = check(vault)
    notes = state.index.notes
    return CheckResult(
        findings=findings,
        fingerprints=lambda: ["f"] * len(findings),
        forecast=lambda: count_fixes(item.fix for item in findings),
        text=lambda path: vault[path],
        summary=dict,
        rules=(),
        suggester=lambda: (
            lambda d: suggest_anchors(d.resolved or "", notes[d.resolved or ""], d.subpath or "")
        ),
        format_target=lambda path: path.removesuffix(".md"),
    )


def test_formats_name_heading_file_and_suggestion() -> None:
    vault = {"a/Home.md": "[[Plan#Goal]] [[#goal-1]]\n\n# Goal 1\n", "Plan.md": "# Goals\n"}
    result = result_of(vault)
    first, second = json.loads(frame_json(result, render_json_lines(result)))["findings"]
    assert (first["subpath"], first["resolved"]) == ("#Goal", "Plan.md")
    assert first["suggestions"] == [
        {"path": "Plan.md", "reason": "near", "score": 0.88, "subpath": "#Goals"}
    ]
    assert (second["subpath"], second["resolved"]) == ("#goal-1", "a/Home.md")
    concise = render_concise_result(result).splitlines()
    assert concise[0].endswith("“Plan” has no heading “Goal”. Did you mean [[Plan#Goals]]?")
    assert concise[1].endswith("Did you mean [[#Goal 1]]?")
    full = render_full(result)
    assert "did you mean [[Plan#Goals]] (similar, 0.88)?" in full
    assert "did you mean [[#Goal 1]] (spelling, 0.97)?" in full
