"""Tests of every rule's fixes: each example gives its `fixed` text, and a second run changes nothing."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from builder import RULES, VaultFiles, build_state, collect_findings, make_settings
from tables import each
from test_rules import EXAMPLES, Case, Named, cases, named, run_by_rule
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import Change
from vaultlink.fix.causes import list_fix_makers
from vaultlink.fix.forecaster import FixForecaster
from vaultlink.fix.loop import FixSelector, apply_rounds, find_fix
from vaultlink.fix.plan import Plan
from vaultlink.fix.select import make_fix_filter
from vaultlink.fix.sources import FixAnswers, FixInputs
from vaultlink.index.packed_map import Keys, PackedMap, decode_column
from vaultlink.model import Diagnostic, Safety

FIXING = [case for case in cases() if case.rule.fix_when != "never"]
FIXING_EXAMPLES = run_by_rule(named(FIXING))


def run_fixes(base: LinterSettings, vault: VaultFiles, *, unsafe: bool = False) -> Plan:
    """Return the result of fixing a vault."""
    makers = list_fix_makers(RULES, FixAnswers() if unsafe else None)
    allowed = make_fix_filter(base.rules, base.config, unsafe=unsafe)
    result = apply_rounds(build_state(vault, base), sources(vault), FixSelector(allowed, makers))
    assert result.broken_promises == ()
    return result


def sources(vault: VaultFiles) -> FixInputs:
    texts = {path: text for path, text in vault.items() if isinstance(text, str)}
    return FixInputs(texts.get)


def texts_after(result: Plan) -> dict[str, str]:
    return {path: new or "" for path, (_, new) in result.texts.items()}


def expected(case: Case, *, unsafe: bool = False) -> Mapping[str, str]:
    safe: Mapping[str, str] = case.example.get("fixed", {})
    return case.example.get("unsafe-fixed", safe) if unsafe else safe


@FIXING_EXAMPLES
def test_fixed_example_equals_its_declaration(case: Case) -> None:
    assert texts_after(run_fixes(case.setting(), case.vault)) == expected(case)
    assert texts_after(run_fixes(case.setting(), case.vault, unsafe=True)) == expected(
        case, unsafe=True
    )


@run_by_rule(named(case for case in FIXING if "unlinked" in case.example))
def test_unlinked_example_equals_its_declaration(case: Case) -> None:
    base = case.setting()
    allowed = make_fix_filter(base.rules, base.config, unsafe=True)
    wanted = FixSelector(allowed, list_fix_makers(RULES, FixAnswers(unlink=True)))
    result = apply_rounds(build_state(case.vault, base), sources(case.vault), wanted)
    assert texts_after(result) == case.example["unlinked"]
    assert collect_findings(result.after) == []


@run_by_rule(named(case for case in cases() if case.rule.fix_when == "never"))
def test_rule_that_declares_no_fix_has_none(case: Case) -> None:
    assert all(
        item.fix is None
        for item in collect_findings(build_state(case.vault, case.setting()))
        if item.rule == case.rule.name
    )


@FIXING_EXAMPLES
def test_fixes_are_as_declared(case: Case) -> None:
    state = build_state(case.vault, case.setting())
    makers = list_fix_makers(RULES, FixAnswers())
    fixes = [
        find_fix(state, sources(case.vault), item, makers)
        for item in collect_findings(state)
        if item.rule == case.rule.name
    ]
    assert case.rule.fix_when != "always" or None not in fixes
    safeties = {"safe": {Safety.SAFE}, "unsafe": {Safety.UNSAFE}, "either": set(Safety)}[
        case.rule.fix_safety
    ]
    assert {fix.safety for fix in fixes if fix} <= safeties
    assert all(fix.title and fix.title[-1] != "." for fix in fixes if fix)


@pytest.mark.thorough
@FIXING_EXAMPLES
def test_fixing_twice_equals_once(case: Case) -> None:
    check_second_run(case, unsafe=False)
    check_second_run(case, unsafe=True)


def check_second_run(case: Case, *, unsafe: bool) -> None:
    result = run_fixes(case.setting(), case.vault, unsafe=unsafe)
    vault = {**case.vault, **texts_after(result)}
    assert collect_findings(build_state(vault, case.setting())) == collect_findings(result.after)
    assert not run_fixes(case.setting(), vault, unsafe=unsafe).texts


def windows(text: str) -> str:
    return text.replace("\n", "\r\n")


def below_properties(text: str) -> str:
    return text if text.startswith("---") else f"---\ncreated: 2024-01-31\n---\n{text}"


def list_derived(name: str) -> list[Named]:
    return named(
        case
        for case in FIXING
        if case.example.get("fixed") and name not in case.rule.skipped_variants
    )


@run_by_rule(list_derived("newlines"))
def test_fixes_preserve_windows_newlines(case: Case) -> None:
    check_derived(case, windows)


@run_by_rule(list_derived("frontmatter"))
def test_fixes_preserve_properties(case: Case) -> None:
    check_derived(case, below_properties)


def check_derived(case: Case, derive: Callable[[str], str]) -> None:
    notes = {
        path for path, text in case.vault.items() if path.endswith(".md") and isinstance(text, str)
    }
    vault = {path: derive(text) if path in notes else text for path, text in case.vault.items()}
    fixed = texts_after(run_fixes(case.setting(), vault))
    assert fixed == {path: derive(text) for path, text in expected(case).items()}


@pytest.mark.thorough
@EXAMPLES
def test_fixes_of_all_rules_together_terminate(case: Case) -> None:
    example = case.example
    base = make_settings(
        ["ALL"],
        options={case.rule.name: example.get("options", {})},
        app=example.get("app"),
        backlinks=example.get("backlinks"),
        moves=example.get("moves"),
        deleted=example.get("deleted", ()),
        anchors=example.get("anchors"),
        former_destinations=example.get("led-to"),
        reasons=example.get("reasons"),
        likely_moves=example.get("likely"),
        names=example.get("former-names"),
    )
    result = run_fixes(base, case.vault)
    again = run_fixes(base, {**case.vault, **texts_after(result)})
    assert not again.texts


def test_every_rule_with_a_fix_has_an_example_of_it() -> None:
    for rule in RULES:
        shown = [
            example
            for example in rule.examples
            if {"fixed", "unsafe-fixed", "unlinked"} & example.keys()
        ]
        assert bool(shown) is (rule.fix_when != "never"), rule.name
        if rule.fix_safety == "safe":
            assert not any("unsafe-fixed" in example for example in rule.examples), rule.name


def list_changes(texts: Mapping[str, str]) -> list[Change]:
    return [Change(path, text) for path, text in texts.items()]


def test_fixes_of_a_state_that_is_decoded_again_are_counted() -> None:
    """More notes than a mapping keeps decoded have findings, so each look-up gives another object."""
    vault = {f"{number}.md": "[[Long Tide]]\n" for number in range(600)} | {"long_tide.md": ""}
    base = make_settings(["respelt-link"])
    state = build_state(vault, base)
    keys = Keys(lambda: list(state.diagnostics))
    packed = PackedMap[Any](None, dict(state.diagnostics)).pack_column(keys)
    state = replace(state, diagnostics=decode_column(tuple[Diagnostic, ...], packed))
    allowed = make_fix_filter(base.rules, base.config, unsafe=True)
    result = apply_rounds(state, sources(vault), FixSelector(allowed, {}))
    assert len(result.fixed) == 600
    forecast = FixForecaster(state, sources(vault), list_changes, lambda _: True, None)
    findings = [item for items in state.diagnostics.values() for item in items]
    assert sum(fix is not None for fix in forecast(findings).fixes) == 600


@each(
    ("text", "fixed"),
    [
        (" |\n-|-\n[[T k|]]|p", " |\n-|-\n[[T k\\|]]|p"),
        (" |\n-|-\n[[T  k|]]|p", None),  # the link would not resolve
        (" |\n-|-\n[[T\tk|]]|p", None),
        ("a [[T\nk]] b", "a [[T k]] b"),
    ],
)
def test_malformed_link_is_fixed_only_as_it_is_spelt(text: str, fixed: str | None) -> None:
    vault = {"n.md": text, "T k.md": "---\ntitle: T k\n---\n"}
    result = run_fixes(make_settings(), vault, unsafe=True)
    assert texts_after(result).get("n.md") == fixed
