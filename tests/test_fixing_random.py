"""Fix random vaults: verification succeeds, and a second run changes nothing."""

import random
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from builder import RULES, VaultFiles, build_state, collect_findings, make_changes, make_settings
from exploring import count_examples
from tables import each
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import State, step
from vaultlink.fix.causes import list_fix_makers
from vaultlink.fix.loop import FixSelector, apply_rounds
from vaultlink.fix.plan import Plan
from vaultlink.fix.select import make_fix_filter
from vaultlink.fix.sources import FixAnswers, FixInputs

PATHS = (
    "Home.md",
    "a/My Plan.md",
    "a/my_role.md",
    "b/Plan.md",
    "b/c/Plan.md",
    "Éclair.md",
    "x#y.md",
)
HEADS = (
    "",
    "",
    '---\ntitle: Role of memory\naliases: [Annie, "A | B"]\n---\n',
    "---\ntag: a\nup: [[Plan]]\n---\n",
    "---\nalias: Bob\nup: \"[[role of memory]]\"\nside: '[[My-Plan|it]]'\ndown:\n  - [[plan]]\n---\n",
    "---\ntitle: [x\n---\n",
    '---\ntitle: It\'s a "plan"\n---\n',
    "---\ntitle: Plan (old) | new\nAliases: my role\n---\n",
)
TARGETS = (
    "Plan",
    "plan",
    "Role of memory",
    "Annie",
    "A | B",
    "My-Plan",
    "my plan",
    "a/My-Plan",
    "b/c/plan",
    "../b/Plan",
    "Plam",
    "Home",
    "Nowhere",
    "Éclair",
    "eclair",
    "Eclair.md",
    "x#y",
    'It\'s a "plan"',
    "Plan (old) | new",
    "my_role",
    "my role",
    "",
)
ANCHORS = ("", "", "", "#One", "#one-two", "#One two", "#^q", "#^Q r", "#One#Two", "#nope")
SHAPES = (
    "[[{t}{a}]]",
    "[[{t}{a}|words]]",
    "[[ {t}{a} | [00:01] ]]",
    "![[{t}{a}]]",
    "![[{t}|100]]",
    "[w](<{t}{a}>)",
    "[w]({u}.md{a})",
    '[w *x*]({u}{a} "title")',
    "![]({u})",
    "[[{t}]",
    "[{t}]]",
    "[[{t}",
    "[w]({t}.md)",
    "[[{t}\\|x]]",
    "%%[[{t}]]%%",
    "`[[{t}]]`",
    "<b>[[{t}{a}]]</b>",
    "*[[{t}|{t}]]*",
    "[[{t}|]]",
    "[[{t}{a}|{t}{a}]]",
    "==[[{t}]]==",
    "~~[[{t}|a]] [[{t}]]~~",
)
BLOCKS = (
    "{0}\n\n",
    "- {0}\n- {1}\n\n",
    "> {0}\n> {1}\n\n",
    "| h | i |\n|---|---|\n| {0} | {1} |\n\n",
    "# One\n\n{0}\n\n",
    "## One two\n\n{0} ^q\n\n",
    "# See {0}\n\n",
    "```\n{0}\n```\n\n",
    "$$\n{0}\n$$\n\n",
    "    {0}\n\n",
    "1. {0}\n   {1}\n\n",
    "{0} and {1} ^q-r\n\n",
    "Add backlinks using these topics:\n\nPlan – {0}\n\n{1}\n\n",
    "**Add backlinks using these topics:**\n{0}{1}\n",
    "<div>\n{0}\n</div>\n\n",
    "[^1]: {0}\n\n",
    "> [!note] {0}\n> - {1}\n\n",
    "%%\n{0}\n%%\n\n",
    "#tag {0} #t/u\n\n",
    "{0}\n===\n\n",
)


@some.composite
def links(draw: some.DrawFn) -> str:
    target = draw(some.sampled_from(TARGETS))
    return draw(some.sampled_from(SHAPES)).format(
        t=target, u=target.replace(" ", "%20"), a=draw(some.sampled_from(ANCHORS))
    )


@some.composite
def notes(draw: some.DrawFn) -> str:
    blocks = draw(some.lists(some.sampled_from(BLOCKS), max_size=5))
    text = draw(some.sampled_from(HEADS)) + "".join(
        block.format(draw(links()), draw(links())) for block in blocks
    )
    ending = draw(some.sampled_from(("keep", "keep", "bare", "windows", "mixed")))
    if ending == "windows":
        return text.replace("\n", "\r\n")
    if ending == "mixed":
        return text.replace("\n", "\r\n", 3)
    return text.rstrip("\n") if ending == "bare" else text


VAULTS = some.dictionaries(some.sampled_from(PATHS), notes(), min_size=2)
SCENES: Mapping[str, LinterSettings] = {
    "as it comes": make_settings(["VL0", "VL1", "VL2", "VL3", "VL4"]),
    "relative Markdown links": make_settings(
        ["ALL"], app={"newLinkFormat": "relative", "useMarkdownLinks": True}
    ),
    "absolute, sections as lists": make_settings(
        ["ALL"], app={"newLinkFormat": "absolute"}, backlinks={"mode": "write", "style": "list"}
    ),
    "sections with passages": make_settings(
        ["ALL"], backlinks={"mode": "write", "style": "context", "entries": "all"}
    ),
    "sections of topics": make_settings(
        ["ALL"], backlinks={"mode": "write", "order": "path"}, moves={"old/Nowhere.md": "b/Plan.md"}
    ),
}


def fixed(base: LinterSettings, vault: VaultFiles, *, unsafe: bool) -> Plan:
    makers = list_fix_makers(base.rules, FixAnswers(unlink=True) if unsafe else None)
    state = build_state(vault, base)
    allowed = make_fix_filter(base.rules, base.config, unsafe=unsafe)
    result = apply_rounds(state, FixInputs(vault.get), FixSelector(allowed, makers))
    assert result.broken_promises == ()
    return result


def afterwards(vault: VaultFiles, result: Plan) -> dict[str, str]:
    return {**vault, **{path: new for path, (_, new) in result.texts.items()}}


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("unsafe", [False, True], ids=["safe", "unsafe"])
@settings(
    max_examples=count_examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(vault=VAULTS)
def test_fixing_verifies_and_terminates(scene: str, unsafe: bool, vault: dict[str, str]) -> None:
    base = SCENES[scene]
    result = fixed(base, vault, unsafe=unsafe)
    after = afterwards(vault, result)
    assert collect_findings(build_state(after, base)) == collect_findings(result.after)
    assert not fixed(base, after, unsafe=unsafe).texts


@pytest.mark.thorough
@settings(
    max_examples=count_examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(vault=VAULTS, chance=some.randoms())
def test_order_of_notes_has_no_effect(vault: dict[str, str], chance: random.Random) -> None:
    base = SCENES["as it comes"]
    order = list(make_changes(base, vault))
    chance.shuffle(order)
    state = State(base)
    for change in order:
        state = step(state, [change])
    allowed = make_fix_filter(base.rules, base.config)
    wanted = FixSelector(allowed, list_fix_makers(base.rules))
    result = apply_rounds(state, FixInputs(vault.get), wanted)
    assert result.texts == fixed(base, vault, unsafe=False).texts


@settings(
    max_examples=count_examples(80), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(vault=VAULTS)
def test_fixes_preserve_display_text(vault: dict[str, str]) -> None:
    """Fixes of links change the target, not the text that a reader sees."""
    base = make_settings(["VL1"])
    result = fixed(base, vault, unsafe=False)
    slips = {
        item.path for item, _ in result.done if item.rule == "malformed-link"
    }  # these make links of text
    for path in result.texts.keys() - slips:
        assert shown(result.before, path) == shown(result.after, path)


def shown(state: State, path: str) -> list[str | None]:
    """Return the display texts of a note's links; an embed has none."""
    return [
        link.display
        or " > ".join(
            part.strip() for part in (link.target, *link.subpath.split("#")) if part.strip()
        )
        for link in state.index.notes[path].links
        if not link.embed
    ]


ODD_NOTES = (
    "[[long-tide|]]#t\n-|",
    "[[long-tide\\|]]#t\n-|",
    "| a |\n|---|\n| [[long-tide|x]]#t |\n| [[long-tide|x]] #t |\n",
    " |\n-|\n[[longtide]]\nT\n-",
    " |\n-|\n[[long-tide]]\nT\n-",
    " |\n-|\n- [[long-tide]]\n",
    " |\n-|\n# [[long-tide]]\n",
    "[[long-tide]]\n-|",
    "[[x#^b|`c`]]\n",
    "[[long-tide#^b|`c`]]\n",
    "[w](<long_tide.md>)<b>#t",
    "[w](<Long Tide.md>)<b>#t",
    '[Plan.md]]<a f="">#t',
    "[[http://a.b]][[x]]",
    "[[http://a.b]]![[long-tide|]][w](<Long Tide.md>)",
    "[[http://a.b]]#t",
    "[[http://a.c]]`<[[e]]`",
    "[[t](<b/deep/x>)[[]]][[long-tide]]",
    "[[t[[long-tide]]]][w](b/deep/x.md)",
    "[A[[Plan]][[]]][[longtide]]",
    "[[e[[long-tide||]]]]",
    "[[][[o]][]][[Long Tide]]",
    "[[long-tide\\[[a]](https://a.b)][[Plan",
    "[long_tide|long_tide]]([)",
    '<a f="">[[long_tide]]_#t/u',
    "*#t\nAdd backlinks using these topics\n*>",
    "*#Add:\n*Add backlinks using these topics",
    '<a f="">>\nAdd backlinks using these topics\n[w](d)',
)
"""Notes on which a fix broke a promise once."""


@each("scene", SCENES)
@each("unsafe", [False, True], ids=["safe", "unsafe"])
@each("text", ODD_NOTES)
def test_odd_notes_are_fixed(scene: str, unsafe: bool, text: str) -> None:
    vault = {
        "n.md": text,
        "long_tide.md": "w ^b\n",
        "x.md": "w ^b\n",
        "Plan.md": "",
        "sub/b/deep/x.md": "",
    }
    result = fixed(SCENES[scene], vault, unsafe=unsafe)
    assert not fixed(SCENES[scene], afterwards(vault, result), unsafe=unsafe).texts


def test_text_becomes_only_a_link_that_leads_to_a_note() -> None:
    row = "| [[Plan]] | [[Plan (old) | new]] |\n"
    vault = {"Home.md": f"| h | i |\n|---|---|\n{row}", "Plan.md": ""}
    assert not fixed(SCENES["as it comes"], vault, unsafe=False).texts
    vault["o.md"] = "---\ntitle: Plan (old)\n---\n"
    result = fixed(SCENES["as it comes"], vault, unsafe=False)
    assert afterwards(vault, result)["Home.md"].endswith("| [[Plan]] | [[o \\| new]] |\n")


PLAIN_LINES = (
    "See [[{0}]].\n",
    "- [[{0}|words]] and [[{1}]]\n",
    "# One\n",
    "[w](<{1}.md>) [[{0}]]\n",
)
PLAIN_TARGETS = ("Role of memory", "my plan", "My-Plan", "eclair", "Annie", "Bob", "Plam", "Gone")


@some.composite
def plain_notes(draw: some.DrawFn) -> str:
    """Return a note in which most links have a fix that concerns nothing else."""
    lines = draw(some.lists(some.sampled_from(PLAIN_LINES), max_size=4))
    targets = [draw(some.sampled_from(PLAIN_TARGETS)) for _ in range(2)]
    odd = draw(some.just("") | notes())
    return odd + "".join(line.format(*targets) for line in lines)


DEFAULT_RULES = make_settings(
    [rule.name for rule in RULES if rule.enabled_by_default], moves={"b/Gone.md": "a/my_role.md"}
)
WITH_STYLE = make_settings(
    ["VL0", "VL1", "VL2", "VL3", "VL4"],
    app={"newLinkFormat": "shortest", "useMarkdownLinks": False},
)

PLAIN_VAULTS = some.fixed_dictionaries(
    {
        "a/My Plan.md": plain_notes(),
        "Home.md": plain_notes(),
        "Éclair.md": plain_notes(),
        "a/my_role.md": some.just("---\ntitle: Role of memory\naliases: [Annie]\n---\n"),
    },
    optional={"b/Plan.md": notes(), "x#y.md": plain_notes(), "b/c/Plan.md": plain_notes()},
)


@settings(
    max_examples=count_examples(200), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    vault=VAULTS | PLAIN_VAULTS,
    base=some.sampled_from([WITH_STYLE, DEFAULT_RULES]),
)
def test_a_preview_is_what_fixing_writes(vault: dict[str, str], base: LinterSettings) -> None:
    state, allowed = build_state(vault, base), make_fix_filter(base.rules, base.config)
    makers, inputs = list_fix_makers(base.rules), FixInputs(vault.get)
    preview = apply_rounds(state, inputs, FixSelector(allowed, makers), is_preview=True)
    written = fixed(base, vault, unsafe=False)
    for part in ("texts", "edits", "fixed", "early_count", "skipped", "broken_promises"):
        assert getattr(preview, part) == getattr(written, part), part
