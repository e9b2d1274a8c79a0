"""Tests of declarations and selectors: rules, errors, suggestions."""

from collections.abc import Mapping
from typing import Any

import pytest

from builder import RULES, load_declarations
from tables import each
from vaultlink.model import Severity
from vaultlink.rules.registry import (
    CatalogError,
    UnknownRule,
    build_catalog,
    build_rule,
    check_nothing,
    select_rules,
)

PLAIN: Mapping[str, Any] = {
    "code": "VL999",
    "name": "odd-thing",
    "since": "0.1.0",
    "summary": "A thing is odd.",
    "why": "Because it is.\n",
    "scope": "note",
    "severity": "info",
    "check": "engine",
    "message": "“{thing}” is odd.",
    "examples": [{"good": "x", "vault": {"A.md": ""}}],
}

EVEN = {**PLAIN, "code": "VL998", "name": "even-thing", "scope": "links"}


def test_plain_declaration() -> None:
    rule = build_rule(PLAIN, check_nothing)
    assert (rule.code, rule.name, rule.severity, rule.why) == (
        "VL999",
        "odd-thing",
        Severity.INFO,
        "Because it is.",
    )
    assert rule.enabled_by_default
    assert not rule.reads_text
    assert rule.options == ()
    assert (rule.fix_when, rule.fix_title) == ("never", "")


def test_option() -> None:
    given = {"type": "list", "of": "string", "default": ["a"], "help": "Words."}
    (option,) = build_rule({**PLAIN, "options": {"words": given}}, check_nothing).options
    assert (option.name, option.type, option.element_type, option.default) == (
        "words",
        "list",
        "string",
        ("a",),
    )


@each(
    ("change", "said"),
    [
        ({"code": "VL1"}, "“VL” and three digits"),
        ({"name": "Odd_Thing"}, "lowercase words"),
        ({"scope": "file"}, "note, links, files or vault"),
        ({"severity": "fatal"}, "error, warning or info"),
        ({"reads": "bytes"}, "text, history or style"),
        ({"reads": "history"}, "not allowed with “scope: note”"),
        ({"needs": ["words"]}, "a list of properties, headings"),
        ({"needs": ["self-links"]}, "not allowed with “scope: note”"),
        ({"modes": ["on"]}, "a list of off, repair, write"),
        ({"about": "target"}, "anchor, unresolved-link, planned-link, property or tree"),
        ({"known-as": "VL101"}, "the name of a rule"),
        ({"yields-to": []}, "a list of rules"),
        ({"yields-to": ["self-link"], "scope": "vault"}, "not allowed with “scope: vault”"),
        ({"fix": {"when": "always", "safety": "safe"}}, "a mapping with when, safety and title"),
        (
            {"fix": {"when": "always", "safety": "safe", "title": "x", "deferred": True}},
            "a mapping with when, safety and title",
        ),
        ({"default": "yes"}, "true or false"),
        ({"options": []}, "a mapping"),
        ({"examples": []}, "a list of examples"),
        ({"summary": " "}, "“summary” must be a string"),
        ({"message": 3}, "“message” must be a string"),
        ({"colour": "red"}, "unknown key “colour”"),
    ],
)
def test_invalid_declaration_is_named(change: Mapping[str, Any], said: str) -> None:
    with pytest.raises(CatalogError, match=said):
        build_rule({**PLAIN, **change}, check_nothing)


@each(
    "key",
    [
        "code",
        "name",
        "since",
        "summary",
        "why",
        "scope",
        "severity",
        "check",
        "message",
        "examples",
    ],
)
def test_missing_key_is_named(key: str) -> None:
    with pytest.raises(CatalogError, match=f"“{key}” is missing"):
        build_rule({name: value for name, value in PLAIN.items() if name != key}, check_nothing)


@each(
    "option",
    [
        {"type": "int", "default": "3", "help": "x."},
        {"type": "int", "default": True, "help": "x."},
        {"type": "list", "of": "string", "default": [1], "help": "x."},
        {"type": "string", "default": "c", "choices": ["a", "b"], "help": "x."},
        {"type": "colour", "default": "c", "help": "x."},
        {"type": "int", "default": 3},
        {"type": "int", "default": 3, "help": "x.", "colour": 1},
        "three",
    ],
)
def test_invalid_option_is_rejected(option: object) -> None:
    with pytest.raises(CatalogError, match=r"odd-thing: .*option limit"):
        build_rule({**PLAIN, "options": {"limit": option}}, check_nothing)


@each(
    ("declared", "said"),
    [
        ({"odd-thing": {**PLAIN, "check": "registry.odd_thing"}}, "is not a function"),
        (
            {"odd-thing": {**PLAIN, "check": "resolved_links._find_subpath_links"}},
            "is not a function",
        ),
        ({"odd-thing": {**PLAIN, "check": "os.system"}}, "is not a function"),
        ({"odd-thing": {**PLAIN, "check": 3}}, "is not a function"),
        (
            {"odd-thing": {**PLAIN, "check": "resolved_links.self_link"}},
            "must have the name of the rule",
        ),
        ({"other-thing": PLAIN}, "must have the name of its rule"),
        ({"odd-thing": None}, "must be a mapping"),
        (
            {"odd-thing": PLAIN, "odder-thing": {**PLAIN, "name": "odder-thing"}},
            "already has the code VL999",
        ),
        ({"odd-thing": {**PLAIN, "yields-to": ["no-thing"]}}, "there is no rule no-thing"),
        ({"odd-thing": {**PLAIN, "known-as": "no-thing"}}, "there is no rule no-thing"),
        (
            {"odd-thing": {**PLAIN, "yields-to": ["even-thing"]}, "even-thing": EVEN},
            "rules of the same scope",
        ),
    ],
)
def test_catalog_is_checked_as_a_whole(declared: Mapping[str, Any], said: str) -> None:
    with pytest.raises(CatalogError, match=said):
        build_catalog(declared)


def test_check_that_does_not_exist_is_reported_when_it_is_called() -> None:
    (rule,) = build_catalog({"odd-thing": {**PLAIN, "check": "resolved_links.odd_thing"}})
    with pytest.raises(CatalogError, match="odd_thing: it is not a function of resolved_links"):
        rule.check(None, None)


def test_references_to_other_rules_are_resolved() -> None:
    odd = {**PLAIN, "scope": "links", "known-as": "even-thing", "yields-to": ["even-thing"]}
    even, rule = build_catalog({"odd-thing": odd, "even-thing": EVEN})
    assert (even.known_as, even.yields_to) == ("", ())
    assert (rule.known_as, rule.yields_to) == ("VL998", ("even-thing",))


def test_precedence_has_no_cycles_and_no_gaps() -> None:
    """A rule also yields to whatever the rules it yields to yield to."""
    above = {rule.name: set(rule.yields_to) for rule in RULES}
    for name, others in above.items():
        assert name not in others
        assert set().union(*(above[other] for other in others)) <= others


def test_rules_are_ordered_by_code() -> None:
    turned = dict(reversed(load_declarations().items()))
    assert [rule.code for rule in build_catalog(turned)] == sorted(rule.code for rule in RULES)


def test_what_is_on_by_default_can_fail_a_run_or_only_inform() -> None:
    """No opt-in rule is an error: rules about certain errors are on by default."""
    assert all(rule.severity is not Severity.ERROR for rule in RULES if not rule.enabled_by_default)


# -- selecting --------------------------------------------------------------------------------------------------------


@each(
    ("selectors", "names"),
    [
        (["dangling-link"], {"dangling-link"}),
        (["VL101"], {"dangling-link"}),
        (["VL30"], {rule.name for rule in RULES if rule.code.startswith("VL30")}),
        (
            ["VL4", "dangling-link"],
            {rule.name for rule in RULES if rule.code[2] == "4"} | {"dangling-link"},
        ),
        (["VL"], {rule.name for rule in RULES}),
        (["ALL"], {rule.name for rule in RULES}),
        ([], set()),
    ],
)
def test_select(selectors: list[str], names: set[str]) -> None:
    assert select_rules(RULES, selectors) == names


@each(
    ("selector", "meant"),
    [
        ("dangling-links", "dangling-link"),
        ("vl101", "VL101"),
        ("Orphan-Note", "orphan-note"),
        ("alias_link", "alias-link"),
        ("VL109x", "VL109"),
    ],
)
def test_unknown_selector_error_suggests_similar_names(selector: str, meant: str) -> None:
    with pytest.raises(UnknownRule) as caught:
        select_rules(RULES, ["VL1", selector])
    assert caught.value.selector == selector
    assert meant in caught.value.suggestions


@each("selector", ["", "V", "L1", "link", "xyzzy", "all"])
def test_part_of_a_name_selects_nothing(selector: str) -> None:
    with pytest.raises(UnknownRule):
        select_rules(RULES, [selector])
