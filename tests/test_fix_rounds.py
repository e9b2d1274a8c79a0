"""Tests of fixing: edit arithmetic, overlapping fixes, rounds and verification."""

import random
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as some

from builder import RULES, VaultFiles, build_state, collect_findings, make_settings
from tables import each
from vaultlink.config.layers import Layer
from vaultlink.config.settings import merge_layers
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import State
from vaultlink.fix.causes import list_fix_makers
from vaultlink.fix.loop import MAX_ROUNDS, ChosenFixes, FixSelector, apply_rounds
from vaultlink.fix.plan import Plan
from vaultlink.fix.select import FindingWithFix, make_fix_filter, select_fixes
from vaultlink.fix.sources import FixInputs
from vaultlink.fix.verify import BrokenPromise, find_broken_promises
from vaultlink.links.edit_math import OffsetShift, apply_edits, edits_overlap, sort_edits
from vaultlink.model import Diagnostic, Edit, Fix, Safety, Severity

# -- edits --------------------------------------------------------------------------------------------------------


@some.composite
def edited(draw: some.DrawFn) -> tuple[str, list[Edit]]:
    """Generate a text and edits that do not overlap."""
    text = draw(some.text("ab\r\n[é🙂", max_size=30))
    cuts = sorted(draw(some.sets(some.integers(0, len(text)), max_size=8)))
    spans = [(start, end) for start, end in zip(cuts[::2], cuts[1::2], strict=False)]
    return text, [
        Edit("a.md", start, end, draw(some.text("xy", max_size=3))) for start, end in spans
    ]


@given(edited())
def test_edits_change_only_their_spans(case: tuple[str, list[Edit]]) -> None:
    text, edits = case
    after, shift = apply_edits(text, edits), OffsetShift(edits)
    for offset, char in enumerate(text):
        if not any(edit.start <= offset < edit.end for edit in edits):
            assert after[shift.map_offset(offset)] == char
    kept = len(text) - sum(edit.end - edit.start for edit in edits)
    assert len(after) == kept + sum(len(edit.text) for edit in edits)


@given(edited())
def test_edits_can_be_inverted(case: tuple[str, list[Edit]]) -> None:
    text, edits = case
    after, shift = apply_edits(text, edits), OffsetShift(edits)
    back = [
        Edit("a.md", start, end, text[edit.start : edit.end])
        for (start, end), edit in zip(shift.new_spans, edits, strict=True)
    ]
    assert apply_edits(after, back) == text


@each(
    ("one", "other", "expected"),
    [
        ((1, 3), (3, 5), False),
        ((1, 3), (2, 5), True),
        ((1, 5), (2, 3), True),
        ((2, 2), (2, 2), True),
        ((2, 2), (2, 4), True),
        ((0, 2), (2, 2), True),
        ((2, 2), (3, 3), False),
    ],
)
def test_overlapping_edits(one: tuple[int, int], other: tuple[int, int], expected: bool) -> None:
    first, second = Edit("a.md", *one, "x"), Edit("a.md", *other, "y")
    assert edits_overlap(first, second) is edits_overlap(second, first) is expected
    assert not edits_overlap(first, Edit("b.md", *other, "y"))


# -- choosing -----------------------------------------------------------------------------------------------------


def diagnostic(start: int, end: int, path: str = "a.md", rule: str = "dangling-link") -> Diagnostic:
    return Diagnostic(
        "VL101", rule, Severity.ERROR, path, start, end, 1, start + 1, 1, end + 1, f"{start} {end}."
    )


def fix(*spans: tuple[int, int], path: str = "a.md", text: str = "x") -> Fix:
    return Fix("Do it", Safety.SAFE, tuple(Edit(path, *span, text) for span in spans))


def test_first_of_overlapping_fixes_is_applied() -> None:
    fixes = [
        (diagnostic(0, 4), fix((0, 4))),
        (diagnostic(2, 6), fix((2, 6))),
        (diagnostic(5, 7), fix((5, 7))),
    ]
    assert select_fixes(fixes) == [fixes[0], fixes[2]]


def test_fix_is_applied_completely_or_not_at_all() -> None:
    fixes = [
        (diagnostic(0, 4), fix((0, 4))),
        (diagnostic(1, 9), fix((20, 24), (3, 5))),
        (diagnostic(21, 22), fix((21, 22))),
    ]
    assert select_fixes(fixes) == [fixes[0], fixes[2]]


@given(
    some.lists(some.tuples(some.integers(0, 20), some.integers(0, 4)), max_size=12), some.randoms()
)
def test_order_of_findings_makes_no_difference(
    spans: list[tuple[int, int]], chance: random.Random
) -> None:
    fixes: list[FindingWithFix] = [
        (diagnostic(start, start + size), fix((start, start + size))) for start, size in spans
    ]
    shuffled = list(fixes)
    chance.shuffle(shuffled)
    assert select_fixes(fixes) == select_fixes(shuffled)
    edits = [edit for _, mended in select_fixes(fixes) for edit in mended.edits]
    assert not any(
        edits_overlap(one, other) for number, one in enumerate(edits) for other in edits[:number]
    )


@each(
    ("values", "unsafe", "rule", "safety", "expected"),
    [
        ({}, False, "dangling-link", Safety.SAFE, True),
        ({}, False, "dangling-link", Safety.UNSAFE, False),
        ({}, True, "dangling-link", Safety.UNSAFE, True),
        ({"unfixable": ["VL1"]}, True, "dangling-link", Safety.SAFE, False),
        ({"fixable": ["VL2"]}, True, "dangling-link", Safety.SAFE, False),
        (
            {"fixable": ["VL1"], "unfixable": ["title-link"]},
            False,
            "dangling-link",
            Safety.SAFE,
            True,
        ),
    ],
)
def test_selection_of_fixes(
    values: Mapping[str, list[str]], unsafe: bool, rule: str, safety: Safety, expected: bool
) -> None:
    config = merge_layers([Layer("test", values)], RULES)
    may = make_fix_filter(RULES, config, unsafe=unsafe)
    assert may(diagnostic(0, 1, rule=rule), Fix("Do it", safety, ())) is expected
    assert not make_fix_filter(RULES, config, unsafe=unsafe, wanted=lambda path: path != "a.md")(
        diagnostic(0, 1), Fix("Do it", safety, ())
    )


# -- rounds -------------------------------------------------------------------------------------------------------


def run_fixes(vault: VaultFiles, *makers: object, rules: tuple[str, ...] = ("VL1",)) -> Plan:
    """Return the result of fixing a vault with functions from path and text to spans and new texts."""
    state = build_state(vault, make_settings(rules))

    def wanted(now: State, sources: FixInputs) -> Iterator[FindingWithFix]:
        for path in now.index.notes:
            text = sources.text(path)
            for make in makers:
                for start, end, new in make(path, text) if text is not None else ():  # type: ignore[operator]
                    yield (
                        diagnostic(start, end, path),
                        Fix("Do it", Safety.SAFE, (Edit(path, start, end, new),)),
                    )

    return apply_rounds(state, FixInputs(vault.get), wanted)


def replacing(old: str, new: str) -> object:
    def make(_path: str, text: str) -> Iterator[tuple[int, int, str]]:
        at = text.find(old)
        while at != -1:
            yield at, at + len(old), new
            at = text.find(old, at + 1)

    return make


def test_rounds_end_when_no_fix_applies() -> None:
    result = run_fixes(
        {"a.md": "one\r\n", "b.md": "xone"}, replacing("one", "two"), replacing("xtwo", "y")
    )
    assert result.broken_promises == ()
    assert result.texts == {"a.md": ("one\r\n", "two\r\n"), "b.md": ("xone", "y")}
    assert [item.path for item, _ in result.done] == ["a.md", "b.md", "b.md"]
    assert result.early_count == 2


def test_final_state_equals_a_rebuild_of_the_new_texts() -> None:
    vault = {"a.md": "[[x]] one\n", "b.md": ""}
    result = run_fixes(vault, replacing("[[x]]", "[[b]]"))
    assert collect_findings(result.after) == collect_findings(
        build_state({**vault, "a.md": "[[b]] one\n"}, make_settings(("VL1",)))
    )


def test_fixes_that_undo_each_other_are_left_out() -> None:
    """They are a bug of the rule; the fixes of other notes are made."""
    result = run_fixes(
        {"a.md": "one", "b.md": "three"},
        replacing("one", "two"),
        replacing("two", "one"),
        replacing("three", "four"),
    )
    assert [(item.path, item.problem) for item in result.broken_promises] == [
        ("a.md", "its fixes undo each other without end")
    ]
    assert result.texts == {"b.md": ("three", "four")}
    assert MAX_ROUNDS < 20


@pytest.mark.thorough
@each("count", [1, 2, 7, 1_500])
def test_fix_that_breaks_a_promise_is_left_out_alone(count: int) -> None:
    """All others are made, also those of the same note, before and behind it."""
    words, fence = "one [[b]]\n\n" * count, "fence\n\n"
    vault = {"a.md": f"{words}{fence}{words}", "b.md": "one"}
    result = run_fixes(vault, replacing("one", "two"), replacing("fence", "```"))
    two = words.replace("one", "two")
    assert result.texts == {"a.md": (vault["a.md"], f"{two}{fence}{two}"), "b.md": ("one", "two")}
    (broken,) = result.broken_promises
    assert (broken.path, broken.rules) == ("a.md", ("dangling-link",))
    assert broken.problem == "it would have new parse problems: unclosed-fence"
    assert len(result.done) == 2 * count + 1


def test_fix_left_out_is_made_when_another_makes_it_harmless() -> None:
    """A fence is harmful only as long as there is a link below it."""
    vault = {"a.md": "fence\n\n[[b]]\n```\n", "b.md": "", "c.md": "early"}

    def unlink(path: str, text: str) -> Iterator[tuple[int, int, str]]:
        if path == "a.md" and "[[b]]" in text and made:
            at = text.index("[[b]]")
            yield at, at + 5, "b"
        made.append(path)

    made: list[str] = []
    result = run_fixes(vault, replacing("fence", "```"), replacing("early", "late"), unlink)
    assert result.broken_promises == ()
    assert result.texts["a.md"] == (vault["a.md"], "```\n\nb\n```\n")


def test_fix_that_harms_another_note_is_left_out() -> None:
    """A fence hides a heading that a link of another note names; that note is fixed."""
    vault = {"a.md": "x\n# One\n\none\n", "b.md": "[[a#One]] one\n"}
    result = run_fixes(vault, replacing("one", "two"), replacing("x", "```"))
    assert {item.path for item in result.broken_promises} == {"a.md"}
    assert result.texts == {
        path: (text, text.replace("one", "two")) for path, text in vault.items()
    }


def test_chosen_fixes_are_made_except_those_that_break_a_promise() -> None:
    """The choice is made once; what remains of it keeps its place in the new text."""
    text = "one\n\nfence\n\n[[b]] three\n"
    state = build_state({"a.md": text, "b.md": ""}, make_settings(("VL1",)))
    changes = [("one", "fourteen"), ("fence", "```"), ("three", "3")]
    chosen = ChosenFixes(
        [
            (diagnostic(at, at + len(old)), fix((at, at + len(old)), text=new))
            for old, new in changes
            for at in (text.index(old),)
        ]
    )
    result = apply_rounds(
        state, FixInputs({"a.md": text, "b.md": ""}.get), chosen, made=chosen.drop
    )
    assert result.texts == {"a.md": (text, "fourteen\n\nfence\n\n[[b]] 3\n")}
    assert len(result.broken_promises) == 1


def test_unreadable_note_is_skipped() -> None:
    vault: VaultFiles = {"a.md": "one", "b.md": "one"}
    state = build_state(vault, make_settings(("VL1",)))

    def wanted(now: State, sources: FixInputs) -> Iterator[FindingWithFix]:
        for path in now.index.notes:
            if sources.text(path) in ("one", None):
                yield diagnostic(0, 3, path), fix((0, 3), path=path, text="two")

    result = apply_rounds(state, FixInputs({"b.md": "one"}.get), wanted)
    assert result.texts == {"b.md": ("one", "two")}
    assert [note.path for note in result.skipped] == ["a.md"]


def test_heading_with_incoming_links_is_not_changed() -> None:
    vault = {"a.md": "# See one\n\nwell, one\n", "b.md": "[[a#See one]]\n", "c.md": "# See one\n"}
    result = run_fixes(
        vault, replacing("# See one", "# See two"), replacing("well, one", "well, two")
    )
    assert result.broken_promises == ()
    assert result.texts == {
        "a.md": ("# See one\n\nwell, one\n", "# See one\n\nwell, two\n"),
        "c.md": ("# See one\n", "# See two\n"),
    }


def breach(*asked: object) -> BrokenPromise | None:
    return next(find_broken_promises(*asked), None)  # type: ignore[arg-type]


# -- promises -----------------------------------------------------------------------------------------------------

KEPT = [
    ("a link is mended", {"a.md": "[[x]] [[b]]", "b.md": ""}, {"a.md": [(2, 3, "b")]}),
    ("a link goes, its words stay", {"a.md": "[[x|y]] [[b]]", "b.md": ""}, {"a.md": [(0, 7, "y")]}),
    (
        "text before links moves them",
        {"a.md": "z [[b]] #t ^q", "b.md": ""},
        {"a.md": [(0, 1, "long words")]},
    ),
    ("a property is renamed", {"a.md": "---\ntag: a\nup: b\n---\n"}, {"a.md": [(4, 7, "tags")]}),
    (
        "a note is made for an unresolved topic",
        {"a.md": "[[b]] [[c]]", "c.md": ""},
        {"b.md": [(0, 0, "# b\n")]},
    ),
    (
        "a heading that nobody asks for changes",
        {"a.md": "# One\n", "b.md": "[[a]]"},
        {"a.md": [(2, 5, "Two")]},
    ),
]
BROKEN = [
    (
        "a link is lost in a code fence",
        {"a.md": "x\n[[b]]\n```\n", "b.md": ""},
        {"a.md": [(0, 1, "```")]},
        "would be lost",
    ),
    ("text becomes a link", {"a.md": "`x` [[b]] `y", "b.md": ""}, {"a.md": [(0, 1, "")]}, "link"),
    ("a heading is lost", {"a.md": "x\n\n# One\n"}, {"a.md": [(0, 1, "```")]}, "heading"),
    ("a block id is lost", {"a.md": "x\n\npara ^q\n"}, {"a.md": [(0, 1, "```")]}, "block"),
    ("a tag is lost", {"a.md": "x\n\npara #q\n"}, {"a.md": [(0, 1, "```")]}, "tag"),
    ("a tag comes into being", {"a.md": "`x #q` y\n"}, {"a.md": [(0, 1, "")]}, "tag"),
    ("a heading comes into being", {"a.md": "```\n# One\n"}, {"a.md": [(0, 3, "")]}, "heading"),
    (
        "the properties are lost",
        {"a.md": "---\nup: a\n---\n"},
        {"a.md": [(0, 0, "x")]},
        "properties",
    ),
    (
        "another property changes",
        {"a.md": "---\nup: a\nto: b\n---\n"},
        {"a.md": [(9, 10, " c")]},
        "property",
    ),
    (
        "a heading that is asked for changes",
        {"a.md": "# One\n", "b.md": "[[a#One]]"},
        {"a.md": [(2, 5, "Two")]},
        "would no longer resolve to its",
    ),
    (
        "a new note takes links away",
        {"a.md": "[[c]]", "b/c.md": ""},
        {"c.md": [(0, 0, "")]},
        "would resolve to c.md",
    ),
    (
        "a fence is opened at the end",
        {"a.md": "x\n"},
        {"a.md": [(2, 2, "```\ny\n")]},
        "new parse problems",
    ),
]


def after_edits(
    vault: Mapping[str, str], edits: Mapping[str, list[tuple[int, int, str]]]
) -> tuple[State, State, dict[str, list[Edit]]]:
    base = make_settings(("VL1",))
    made = {
        path: sort_edits(Edit(path, *edit) for edit in group)
        for path, group in edits.items()
        if group
    }
    texts = {path: apply_edits(vault.get(path, ""), group) for path, group in made.items()}
    return build_state(vault, base), build_state({**vault, **texts}, base), made


@each(("vault", "edits"), [case[1:] for case in KEPT], ids=[case[0] for case in KEPT])
def test_verification_accepts(
    vault: Mapping[str, str], edits: Mapping[str, list[tuple[int, int, str]]]
) -> None:
    before, after, made = after_edits(vault, edits)
    assert breach(before, after, made, {}) is None


@each(("vault", "edits", "said"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_verification_rejects(
    vault: Mapping[str, str], edits: Mapping[str, list[tuple[int, int, str]]], said: str
) -> None:
    before, after, made = after_edits(vault, edits)
    broken = breach(before, after, made, {path: ["some-rule"] for path in made})
    assert broken is not None
    assert said in broken.problem
    assert broken.rules == ("some-rule",)


def test_verification_rejects_a_new_error() -> None:
    """Any rule counts; here two equal headings are an error by the settings."""
    strict = merge_layers(
        [
            Layer(
                "test",
                {"select": ["duplicate-heading"], "severity": {"duplicate-heading": "error"}},
            )
        ],
        RULES,
    )
    lenient = make_settings(("duplicate-heading",))
    for scene, broken in ((LinterSettings.build(RULES, strict), True), (lenient, False)):
        before = build_state({"a.md": "# One\n\n# Two\n"}, scene)
        after = build_state({"a.md": "# One\n\n# One\n"}, scene)
        told = breach(before, after, {"a.md": [Edit("a.md", 9, 12, "One")]}, {})
        assert (told is not None and "a new error, duplicate-heading" in told.problem) is broken


@each(("safety", "texts"), [(Safety.SAFE, {}), (Safety.UNSAFE, {"a.md": ("plan", "[[plan.pdf]]")})])
def test_only_an_unsafe_fix_may_write_an_error(safety: Safety, texts: object) -> None:
    made = diagnostic(0, 4), Fix("Link", safety, (Edit("a.md", 0, 4, "[[plan.pdf]]"),))
    result = apply_rounds(
        build_state({"a.md": "plan"}, make_settings(("VL1",))),
        FixInputs({"a.md": "plan"}.get),
        lambda _now, sources: [made] if sources.text("a.md") == "plan" else [],
    )
    assert result.texts == texts


def test_harmful_unsafe_fixes_are_skipped_and_others_applied() -> None:
    """A harmful safe fix is a bug and is reported as one."""
    state = build_state({"a.md": "x\n[[b]]\n```\n", "b.md": "x\n"}, make_settings(("VL1",)))
    fence = Fix("Open a fence", Safety.UNSAFE, (Edit("a.md", 0, 1, "```"),))
    word = Fix("Write y", Safety.UNSAFE, (Edit("b.md", 0, 1, "y"),))
    both = [(diagnostic(0, 1), fence), (diagnostic(0, 1, "b.md"), word)]
    result = apply_rounds(
        state,
        FixInputs({"a.md": "x\n[[b]]\n```\n", "b.md": "x\n"}.get),
        lambda _now, sources: both[: 1 + (sources.text("b.md") == "x\n")],
    )
    assert result.texts == {"b.md": ("x\n", "y\n")}
    assert [note.path for note in result.skipped] == ["a.md"]
    safe = Fix("Open a fence", Safety.SAFE, fence.edits)
    result = apply_rounds(
        state,
        FixInputs({"a.md": "x\n[[b]]\n```\n"}.get),
        lambda _now, _sources: [(diagnostic(0, 1), safe)],
    )
    assert [item.path for item in result.broken_promises] == ["a.md"]
    assert result.texts == {}


def test_fixes_that_conflict_only_together_are_applied_singly() -> None:
    """One backtick is text; two enclose code. After the first fix, the second one is not requested."""
    vault = {"a.md": "x [[b]] y", "b.md": ""}

    def wanted(_now: State, sources: FixInputs) -> Iterator[FindingWithFix]:
        if "`" not in (sources.text("a.md") or ""):
            for place in (0, 8):
                yield diagnostic(place, place + 1), fix((place, place + 1), text="`")

    result = apply_rounds(build_state(vault, make_settings(("VL1",))), FixInputs(vault.get), wanted)
    assert result.broken_promises == ()
    assert result.texts == {"a.md": ("x [[b]] y", "` [[b]] y")}


# -- previews -----------------------------------------------------------------------------------------------------


MANAGED = "Text\n\n<!-- vaultlink:backlinks before=1 after=1 -->\n\n## Backlinks\n\n{}\n\n<!-- /vaultlink:backlinks -->\n"

CAUSES: Mapping[str, tuple[VaultFiles, str]] = {
    "another link to the note makes an alias certain": (
        {
            "A.md": "[[The god Zeus]]\n\n[[Zeus]]\n",
            "god.md": "---\ntitle: The god Zeus\naliases: [Zeus]\n---\n",
        },
        "[[god|The god Zeus]]\n\n[[god|Zeus]]\n",
    ),
    "the new name is the text": (
        {"A.md": "[[my plan|My-Plan]]\n", "My-Plan.md": ""},
        "[[My-Plan]]\n",
    ),
    "the new target has no such heading": (
        {
            "A.md": "[[The plan#next - steps]]\n",
            "P.md": "---\ntitle: The plan\n---\n# Next steps\n",
        },
        "[[P#Next steps|The plan > next - steps]]\n",
    ),
    "a link names a block that has no effect": (
        {"A.md": "[[The plan#^t]]\n", "P.md": "---\ntitle: The plan\n---\n- a\n\n^t\nText.\n"},
        "[[P#^t|The plan > ^t]]\n",
    ),
    "the target lists its sources": (
        {
            "A.md": "[[The plan]]\n",
            "C.md": "[[P]]\n",
            "P.md": "---\ntitle: The plan\n---\n" + MANAGED.format("- [[C]]"),
        },
        "[[P|The plan]]\n",
    ),
    "a note lists what it does not link to": (
        {
            "A.md": "[[The plan]]\n" + MANAGED.format("- [[P|The plan]]"),
            "P.md": "---\ntitle: The plan\n---\n[[A]]\n",
        },
        "[[P|The plan]]\nText\n",
    ),
    "a longer text is the new name": (
        {"A.md": "[[my plan of ours|My-Plan of ours]]\n", "My-Plan of ours.md": ""},
        "[[My-Plan of ours]]\n",
    ),
    "a path that the style makes a name": (
        {"A.md": "", "a/A.md": "[[../My-Plan]]\n", "My Plan.md": ""},
        "",
    ),
    "a section quotes the line": (
        {
            "A.md": "On [[Role of memory]] and [[Role of memory]]: [[P]] is great\n",
            "C.md": "---\nup: [[P]]\n---\n",
            "r.md": "---\ntitle: Role of memory\n---\n",
            "P.md": MANAGED.format("- [[A]]"),
        },
        "On [[r|Role of memory]] and [[r|Role of memory]]: [[P]] is great\n",
    ),
    "a link that does not resolve yet names a heading with a link": (
        {
            "A.md": "---\ntitle: The atlas\n---\n# See [[Role of memory]]\n",
            "B.md": "[[The atlas#See Role of memory]]\n",
            "r.md": "---\ntitle: Role of memory\n---\n",
        },
        "---\ntitle: The atlas\n---\n# See [[r|Role of memory]]\n",
    ),
    "a board is certain if no other note wants it": (
        {
            "A.md": "",
            "x/n/B.md": "[[../My-Plan]]\n",
            "y/n/A.md": "[[../My-Plan]]\n",
            "x/My-Plan.canvas": "{}",
            "y/My Plan.md": "",
        },
        "",
    ),
    "a new entry has the style of most links": (
        {
            "A.md": "[one](my-plan.md) [two](my-plan.md) [three](my-plan.md)\n",
            "C.md": "---\nup: [[P]]\n---\n",
            "My Plan.md": "",
            "P.md": MANAGED.format("By hand."),
        },
        "",
    ),
    "one target less makes text of a list of links": (
        {
            "z.md": "[[P]]\n\n[[r]]\n\n[[Role of memory]]\n\n"
            + "".join(f"[[n{number}]]\n\n" for number in range(9))
            + "".join(f"Words {number} are here.\n\n" for number in range(18)),
            "r.md": "---\ntitle: Role of memory\n---\n",
            "P.md": MANAGED.format("- [[Index]]\n- [[i1/Index|Index]]\n- [[i2/Index|Index]]"),
            **{f"i{number}/Index.md": "[[P]]\n" for number in range(4)},
            **{f"n{number}.md": "" for number in range(9)},
        },
        "",
    ),
    "a property gets its name, and a link its file": (
        {
            "A.md": "[[The plan]] [[Bobs idea]]\n",
            "T.md": "---\ntitle: The plan\n---\n",
            "P.md": "---\nalias: Bobs idea\n---\n",
        },
        "[[T|The plan]] [[P|Bobs idea]]\n",
    ),
}
"""Vaults in which a fix of a link causes another fix, and a note afterwards."""


USUAL_RULES = [rule.name for rule in RULES if rule.enabled_by_default]
STYLE = {"newLinkFormat": "shortest", "useMarkdownLinks": False}
SCENES: Mapping[str, LinterSettings] = {
    "all rules": make_settings(app=STYLE),
    "usual rules": make_settings(USUAL_RULES),
    "usual rules, sections as lists": make_settings(
        USUAL_RULES, app=STYLE, backlinks={"style": "list"}
    ),
}


@each("cause", CAUSES)
@each("scene", SCENES)
def test_a_preview_has_the_fixes_that_fixes_cause(cause: str, scene: str) -> None:
    (vault, expected), base, plans = CAUSES[cause], SCENES[scene], list[Plan]()
    state = build_state(vault, base)
    allowed, makers = make_fix_filter(base.rules, base.config), list_fix_makers(base.rules)
    for is_preview in (True, False):
        state.index.memos.clear()  # as after a start with a cache
        wanted = FixSelector(allowed, makers)
        plans.append(apply_rounds(state, FixInputs(vault.get), wanted, is_preview=is_preview))
    assert plans[0].texts == plans[1].texts
    assert plans[0].fixed == plans[1].fixed
    if scene == "all rules":
        assert (plans[1].texts.get("A.md", ("", ""))[1] or "").startswith(expected)
