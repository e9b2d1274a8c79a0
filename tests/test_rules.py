"""Tests of every rule with its own examples and variants of them; a new YAML file needs no new test."""

import json
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from string import Formatter
from types import FunctionType
from typing import Any, NamedTuple

import jsonschema
import pytest
from msgspec.structs import replace

from builder import (
    RULES,
    RULES_FOLDER,
    VaultFiles,
    build_state,
    collect_findings,
    load_declarations,
    make_changes,
    make_settings,
)
from tables import each
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import State, step
from vaultlink.model import Diagnostic
from vaultlink.rules.context import Context
from vaultlink.rules.registry import RULE_MODULES, Rule

DECLARED = load_declarations()
SCHEMA = jsonschema.Draft202012Validator(
    json.loads((RULES_FOLDER / "schema.json").read_text(encoding="utf-8"))
)
BY_NAME = {rule.name: rule for rule in RULES}
ENGINE = {name for name, mapping in DECLARED.items() if mapping["check"] == "engine"}


class Case(NamedTuple):
    """An example of a rule, or a variant derived from one."""

    rule: Rule
    example: Mapping[str, Any]
    vault: VaultFiles
    finds: tuple[Mapping[str, Any], ...]

    @property
    def title(self) -> str:
        return str(self.example.get("good") or self.example.get("bad"))

    def setting(self) -> LinterSettings:
        example = self.example
        return make_settings(
            example.get("select", [self.rule.name]),
            options={self.rule.name: example.get("options", {})},
            app=example.get("app"),
            types=example.get("types"),
            allow_dangling=example.get("allow-dangling", ()),
            backlinks=example.get("backlinks"),
            moves=example.get("moves"),
            deleted=example.get("deleted", ()),
            anchors=example.get("anchors"),
            former_destinations=example.get("led-to"),
            reasons=example.get("reasons"),
            likely_moves=example.get("likely"),
            names=example.get("former-names"),
            quiet=example.get("quiet"),
            obsidian=example.get("obsidian"),
            gitignore=example.get("gitignore", ()),
        )


def cases() -> list[Case]:
    return [
        Case(rule, example, example["vault"], tuple(example.get("finds", ())))
        for rule in RULES
        for example in rule.examples
    ]


Named = tuple[str, Case]
"""A case, and its name among those of its rule."""


def named(examples: Iterable[Case]) -> list[Named]:
    return [(case.title, case) for case in examples]


def run_by_rule(named_cases: Iterable[Named]) -> Callable[[Callable[[Case], None]], Any]:
    """Make a test of each rule from a function of one case; each case is a subtest, which has its name."""
    by_rule: dict[str, list[Named]] = {}
    for name, case in named_cases:
        by_rule.setdefault(case.rule.name, []).append((name, case))

    def decorate(function: Callable[[Case], None]) -> Any:
        @pytest.mark.parametrize("rule", by_rule)
        def test(rule: str, subtests: pytest.Subtests) -> None:
            for name, case in by_rule[rule]:
                with subtests.test(name):
                    function(case)

        test.__name__, test.__doc__ = function.__name__, function.__doc__
        return test

    return decorate


EXAMPLES = run_by_rule(named(cases()))


def shown(vault: VaultFiles, item: Diagnostic) -> tuple[str, str, int]:
    """Return a finding as written in examples: path, text of the span, number of the occurrence."""
    text = vault[item.path] if isinstance(vault[item.path], str) else ""
    under = text[item.start : item.end]
    return item.path, under.replace("\r", ""), text.count(under, 0, item.start) + 1 if under else 1


def check(vault: VaultFiles, items: list[Diagnostic], finds: tuple[Mapping[str, Any], ...]) -> None:
    """Compare findings with those of an example, in any order."""
    left = [(*shown(vault, item), item) for item in items]
    told = [(path, under, item.message) for path, under, _, item in left]
    for wanted in finds:
        fitting = [
            entry
            for entry in left
            if entry[0] == wanted["in"]
            and wanted.get("text", entry[1]) == entry[1]
            and wanted.get("nth", entry[2]) == entry[2]
            and wanted.get("says", entry[3].message) == entry[3].message
        ]
        assert fitting, f"not found: {dict(wanted)}, but {told}"
        left.remove(fitting[0])
    assert not left, f"found besides: {told}"


def own(case: Case, state: State) -> list[Diagnostic]:
    return [item for item in collect_findings(state) if item.rule == case.rule.name]


def without_needs(setting: LinterSettings) -> LinterSettings:
    """Return settings with which every check runs on every note."""
    return replace(
        setting,
        rules_by_scope={
            scope: tuple(replace(rule, needs=()) for rule in rules)
            for scope, rules in setting.rules_by_scope.items()
        },
    )


@pytest.mark.thorough
@EXAMPLES
def test_checks_find_nothing_in_notes_without_what_they_need(case: Case) -> None:
    setting = make_settings(["ALL"])
    needed = build_state(case.vault, setting).all_findings
    assert build_state(case.vault, without_needs(setting)).all_findings == needed
    own_setting = case.setting()
    assert (
        build_state(case.vault, without_needs(own_setting)).all_findings
        == build_state(case.vault, own_setting).all_findings
    )


# -- declarations -----------------------------------------------------------------------------------------------------


@each("name", DECLARED)
def test_declaration_fits_the_schema(name: str) -> None:
    faults = [
        f"{'/'.join(map(str, fault.path))}: {fault.message}"
        for fault in SCHEMA.iter_errors(DECLARED[name])
    ]
    assert not faults
    assert DECLARED[name]["name"] == name


def test_codes_are_unique_and_not_retired() -> None:
    codes = [rule.code for rule in RULES]
    retired = re.findall(
        r"^VL\d{3}", (RULES_FOLDER / "retired.txt").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(set(codes)) == len(codes)
    assert not set(codes) & set(retired)


def test_checks_and_declarations_are_one_to_one() -> None:
    functions = {
        f"{name}.{item.__name__}"
        for name in RULE_MODULES
        for module in (import_module(f"vaultlink.rules.{name}"),)
        for item in vars(module).values()
        if isinstance(item, FunctionType)
        and item.__module__ == module.__name__
        and item.__name__[0] != "_"
    }
    declared = [mapping["check"] for mapping in DECLARED.values() if mapping["check"] != "engine"]
    assert sorted(declared) == sorted(functions)
    assert {"unused-ignore"} == ENGINE


@each("rule", RULES, ids=lambda rule: rule.name)
def test_rule_has_examples_of_both_kinds(rule: Rule) -> None:
    good = sum("good" in example for example in rule.examples)
    assert good >= 2, "one good example, and one that is nearly bad"
    assert len(rule.examples) > good


def test_rule_has_at_least_as_many_good_examples_as_bad() -> None:
    good = sum("good" in case.example for case in cases())
    assert good >= len(cases()) - good


# -- examples ---------------------------------------------------------------------------------------------------------


@EXAMPLES
def test_example_has_exactly_its_findings(case: Case) -> None:
    check(case.vault, own(case, build_state(case.vault, case.setting())), case.finds)


@run_by_rule(named(case for case in cases() if case.finds and case.rule.name not in ENGINE))
def test_message_uses_every_value_of_the_check(case: Case) -> None:
    base = case.setting()
    state = build_state(case.vault, base)
    rule = case.rule
    context = Context(
        state.index,
        base.config.options[rule.name],
        base.obsidian,
        base.allows_dangling,
        None,
        base.config.backlinks,
        base.history,
        base.config.quiet,
        base.expects_note,
        find_ignoring_pattern=base.find_ignoring_pattern,
    )
    if rule.scope == "vault":
        findings = list(rule.check(context))
    elif rule.scope == "files":
        findings = [finding for path in state.index.files for finding in rule.check(path, context)]
    else:
        findings = [
            finding
            for path, note in state.index.notes.items()
            for finding in rule.check(
                note, replace(context, text=case.vault[path] if rule.reads_text else None)
            )
        ]
    assert findings
    for finding in findings:
        fields = Formatter().parse(rule.message + rule.fix_title)
        assert set(finding.values) == {name for _, name, _, _ in fields if name is not None}
        assert (finding.path is not None) == (rule.scope == "vault")


@EXAMPLES
def test_note_by_note_equals_all_at_once(case: Case) -> None:
    base = case.setting()
    whole = build_state(case.vault, base)
    for seed in range(3):
        order = list(make_changes(base, case.vault))
        random.Random(seed).shuffle(order)
        state = State(base)
        for change in order:
            state = step(state, [change])
        assert collect_findings(state) == collect_findings(whole)


# -- variants ---------------------------------------------------------------------------------------------------------

Variant = Callable[[Case], Case | None]


def texts(case: Case) -> dict[str, str]:
    """Return the notes of an example that have findings."""
    paths = {wanted["in"] for wanted in case.finds}
    return {
        path: text
        for path, text in case.vault.items()
        if path in paths and path.endswith(".md") and isinstance(text, str)
    }


def changed(
    case: Case, notes: Mapping[str, str], finds: tuple[Mapping[str, Any], ...] | None = None
) -> Case | None:
    if all(case.vault[path] == text for path, text in notes.items()):
        return None
    return case._replace(
        vault={**case.vault, **notes}, finds=case.finds if finds is None else finds
    )


def with_frontmatter(case: Case) -> Case | None:
    return changed(
        case,
        {
            path: f"---\ncreated: 2024-01-31\n---\n{text}"
            for path, text in texts(case).items()
            if not text.startswith("---")
        },
    )


def with_windows_newlines(case: Case) -> Case | None:
    return changed(
        case,
        {
            path: text.replace("\n", "\r\n")
            for path, text in case.vault.items()
            if path.endswith(".md") and isinstance(text, str)
        },
    )


def without_final_newline(case: Case) -> Case | None:
    return changed(case, {path: text.rstrip("\n") for path, text in texts(case).items()})


def with_accents(case: Case) -> Case | None:
    """Letters of two and four bytes at the start of lines that begin with a word, the properties left out."""
    notes = {
        path: re.sub(r"(?m)^(?=[A-Za-z])", "é🙂ﬀ ", text)
        for path, text in texts(case).items()
        if not text.startswith("---")
    }
    plain = not any("nth" in wanted or "\n" in wanted.get("text", "") for wanted in case.finds)
    return changed(case, notes) if plain else None


def hidden(case: Case, start: str, end: str) -> Case | None:
    """Wrap the notes in a construct in which Obsidian sees no links: no finding in their text remains."""
    notes = {
        path: f"{start}\n{text.rstrip()}\n{end}\n"
        for path, text in texts(case).items()
        if not text.startswith("---")
    }
    kept = tuple(
        wanted for wanted in case.finds if wanted["in"] not in notes or not wanted.get("text")
    )
    return changed(case, notes, kept) if len(kept) < len(case.finds) else None


def in_code(case: Case) -> Case | None:
    return hidden(case, "````", "````")


def in_comment(case: Case) -> Case | None:
    return hidden(case, "<!--", "-->")


def in_math(case: Case) -> Case | None:
    return hidden(case, "$$", "$$")


def ignored(case: Case) -> Case | None:
    """Add a suppression at the start of the notes, below the properties."""
    notes = {}
    for path, text in texts(case).items():
        parts = re.fullmatch(r"(---\n.*?^---\n)?(.*)", text, re.DOTALL | re.MULTILINE)
        assert parts
        head, body = parts.groups("")
        notes[path] = f"{head}%%vaultlink-disable-file {case.rule.code}%%\n\n{body}"
    return changed(case, notes, tuple(wanted for wanted in case.finds if wanted["in"] not in notes))


VARIANTS: dict[str, Variant] = {
    "frontmatter": with_frontmatter,
    "newlines": with_windows_newlines,
    "ending": without_final_newline,
    "accents": with_accents,
    "code": in_code,
    "comment": in_comment,
    "math": in_math,
    "ignore": ignored,
}


def variants() -> Iterator[Named]:
    for case in cases():
        for name, derive in VARIANTS.items():
            variant = derive(case) if name not in case.rule.skipped_variants else None
            if variant:
                yield f"{case.title}: {name}", variant


@run_by_rule(variants())
def test_variant_of_example(case: Case) -> None:
    check(case.vault, own(case, build_state(case.vault, case.setting())), case.finds)


def test_variants_are_many() -> None:
    assert len(list(variants())) > 4 * len(RULES)


# -- rules together ---------------------------------------------------------------------------------------------------


@EXAMPLES
def test_link_gets_one_finding(case: Case) -> None:
    """With any selection, only the most specific of the link rules reports."""
    example = case.example
    base = make_settings(
        ["VL1"], options={case.rule.name: example.get("options", {})}, app=example.get("app")
    )
    places = [(item.path, item.start) for item in collect_findings(build_state(case.vault, base))]
    canvases = {path for path in case.vault if path.endswith(".canvas")}
    assert len(places) == len({place for place in places if place[0] not in canvases}) + sum(
        path in canvases for path, _ in places
    )


DANGLING = (
    "moved-link",
    "alias-link",
    "title-link",
    "respelt-link",
    "dangling-embed",
    "dangling-link",
)
NOWHERE = {
    "A.md": "![[my plan]]\n",
    "B/My-Plan.md": "",
    "C.md": "---\naliases: [My plan]\n---\n",
    "D.md": "---\ntitle: My Plan\n---\n",
}


@pytest.mark.parametrize("first", range(len(DANGLING)))
def test_disabled_rule_yields_to_the_next(first: int) -> None:
    # An alias counts only if no other file has the name in another spelling.
    hidden = {"B/My-Plan.md"} if DANGLING[first] == "alias-link" else set()
    vault = {path: text for path, text in NOWHERE.items() if path not in hidden}
    items = collect_findings(
        build_state(vault, make_settings(DANGLING[first:], moves={"My plan.md": "D.md"}))
    )
    assert [item.rule for item in items] == [DANGLING[first]]


RESOLVED = (
    "missing-heading",
    "ambiguous-link",
    "self-link",
    "case-mismatch",
    "redundant-display",
    "link-style",
)
SOMEWHERE = {
    "missing-heading": "[[a/plan#Nowhere|a/plan > Nowhere]]",
    "ambiguous-link": "[[plan|plan]]",
    "self-link": "[[b/a/plan|b/a/plan]]",
    "case-mismatch": "[[x/a/THIRD|x/a/THIRD]]",
    "redundant-display": "[[x/a/Third|x/a/Third]]",
    "link-style": "[[x/a/Third]]",
}


@each("rule", RESOLVED)
def test_most_specific_rule_reports(rule: str) -> None:
    vault = {"b/a/Plan.md": f"{SOMEWHERE[rule]}\n", "c/a/Plan.md": "", "x/a/Third.md": ""}
    assert [item.rule for item in collect_findings(build_state(vault, make_settings(["VL1"])))] == [
        rule
    ]
