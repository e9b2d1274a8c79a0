"""Build rules from their declarations, which are YAML mappings.

The `check` line of a declaration names its check function. Errors in a declaration raise
`CatalogError`, which names the rule. This module reads no files.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from string import Formatter
from types import ModuleType
from typing import Any

from vaultlink.model import Safety, Severity
from vaultlink.rules import (
    author_sections,
    connections,
    dangling,
    file_contents,
    file_names,
    link_style,
    managed_sections,
    metadata,
    resolved_links,
    structure,
)
from vaultlink.rules.context import Finding

CheckFunction = Callable[..., Iterator[Finding]]
"""A check of any scope. `Rule.scope` determines the arguments of its calls."""

RULE_MODULES: Mapping[str, ModuleType] = {
    "dangling": dangling,
    "file_contents": file_contents,
    "connections": connections,
    "resolved_links": resolved_links,
    "link_style": link_style,
    "metadata": metadata,
    "file_names": file_names,
    "author_sections": author_sections,
    "structure": structure,
    "managed_sections": managed_sections,
}
"""The modules with checks, by the name that `check` lines use."""

SCOPES = ("note", "links", "files", "vault")
"""The scopes from the narrowest to the widest.

`vaultlink.rules.context` describes how checks of each scope are called.
"""

_RULE_CODE = re.compile(r"VL\d{3}")
_RULE_NAME = re.compile(r"[a-z]+(?:-[a-z]+)*")
_OPTION_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "bool": bool,
    "int": int,
    "number": (int, float),
    "string": str,
    "list": list,
}
_REQUIRED_KEYS = (
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
)
_ALLOWED_KEYS = frozenset(
    (
        *_REQUIRED_KEYS,
        *("default", "reads", "about", "known-as", "yields-to", "options", "derive", "fix"),
    )
)
_READS = {"text": "note", "moves": "links"}
"""The values of `reads`, each with the scope for which it is allowed."""

_ABOUT = ("anchor", "unresolved-link")
_FIX_CHOICES: Mapping[str, tuple[object, ...]] = {
    "when": ("sometimes", "always"),
    "safety": ("safe", "unsafe", "either"),
    "deferred": ("section", "target"),
    "last": (True,),
}
_REQUIRED_FIX_KEYS = frozenset(("when", "safety", "title"))
_OPTION_KEYS = frozenset(("type", "of", "default", "help", "choices"))


class CatalogError(Exception):
    """An invalid declaration of a rule: the rule and the reason."""


class UnknownRule(Exception):  # noqa: N818 - the caller decides if it is an error
    """A selector that matches no rule, with similar names and codes."""

    def __init__(self, selector: str, suggestions: tuple[str, ...]):
        super().__init__(f"there is no rule “{selector}”")
        self.selector = selector
        self.suggestions = suggestions


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a rule: name, type, type of the elements of a list, default."""

    name: str
    type: str
    element_type: str | None
    default: Any
    help: str
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its declaration and its check.

    `message` is a `str.format` template over the values of a finding, and so is `fix_title`, which
    describes the fix ("" if there is none). `fix_when` is `never`, `sometimes` or `always`,
    `fix_safety` is `safe`, `unsafe` or `either`. `deferred_fix` names the maker in
    `vaultlink.fix.deferred` of fixes made on demand, "" if findings have their fixes. `fixed_last`
    is True if its fixes wait until there are no others.

    `about` is "anchor" for findings about the heading or block of a link, "unresolved-link" for
    findings about the target of an unresolved link, else "". `known_as` is the code under which a
    baseline records its findings, "" for `code`. If a rule in `yields_to` is enabled and reports a
    link, this rule does not report the link.

    `skipped_variants` are the variants of its examples that tests leave out.
    """

    code: str
    name: str
    since: str
    summary: str
    why: str
    scope: str
    reads_text: bool
    reads_moves: bool
    enabled_by_default: bool
    severity: Severity
    message: str
    options: tuple[Option, ...]
    examples: tuple[Mapping[str, Any], ...]
    check: CheckFunction
    fix_when: str = "never"
    fix_safety: str = "safe"
    fix_title: str = ""
    deferred_fix: str = ""
    fixed_last: bool = False
    about: str = ""
    known_as: str = ""
    yields_to: tuple[str, ...] = ()
    skipped_variants: tuple[str, ...] = ()

    @property
    def is_engine_rule(self) -> bool:
        """True if the engine reports the findings, because no check can detect them."""
        return self.check is check_nothing

    @property
    def default_safety(self) -> Safety:
        """The safety of a fix unless the finding sets its own."""
        return Safety.UNSAFE if self.fix_safety == "unsafe" else Safety.SAFE


Catalog = tuple[Rule, ...]
"""All rules, sorted by code."""


def build_catalog(declarations: Mapping[str, Mapping[str, Any]]) -> Catalog:
    """Return the rules of declarations (file stem to YAML mapping), sorted by code.

    Raises CatalogError.
    """
    rules = []
    for stem, mapping in declarations.items():
        if not isinstance(mapping, Mapping):
            raise CatalogError(f"{stem}: not a mapping")
        rule = build_rule(mapping, _find_check(stem, mapping.get("check")))
        if rule.name != stem:
            raise CatalogError(f"{stem}: the file must have the name of its rule, {rule.name}")
        rules.append(rule)
    rules.sort(key=lambda rule: rule.code)
    for one, other in pairwise(rules):
        if one.code == other.code:
            raise CatalogError(f"{other.name}: the code {other.code} is already used by {one.name}")
    return _resolve_references(rules)


def _resolve_references(rules: Sequence[Rule]) -> Catalog:
    """Check the rule names in `yields-to` and `known-as`.

    Replaces the name in `known-as` by a code. Raises CatalogError.
    """
    by_name = {rule.name: rule for rule in rules}
    resolved = []
    for rule in rules:
        for name in (*rule.yields_to, *filter(None, [rule.known_as])):
            if name not in by_name:
                raise CatalogError(f"{rule.name}: there is no rule {name}")
        if any(by_name[name].scope != rule.scope for name in rule.yields_to):
            raise CatalogError(f"{rule.name}: “yields-to” must name rules of the same scope")
        code = by_name[rule.known_as].code if rule.known_as else ""
        resolved.append(replace(rule, known_as=code))
    return tuple(resolved)


def build_rule(mapping: Mapping[str, Any], check: CheckFunction) -> Rule:
    """Return the rule of one declaration. Raises CatalogError."""
    name = mapping.get("name")
    for wrong in _find_errors(mapping):
        raise CatalogError(f"{name or 'rule without a name'}: {wrong}")
    fix = mapping.get("fix", {})
    return Rule(
        code=mapping["code"],
        name=mapping["name"],
        since=mapping["since"],
        summary=mapping["summary"].strip(),
        why=mapping["why"].strip(),
        scope=mapping["scope"],
        reads_text=mapping.get("reads") == "text",
        reads_moves=mapping.get("reads") == "moves",
        enabled_by_default=mapping.get("default", True),
        severity=Severity(mapping["severity"]),
        message=mapping["message"].strip(),
        options=tuple(
            _build_option(mapping["name"], key, value)
            for key, value in mapping.get("options", {}).items()
        ),
        examples=tuple(mapping["examples"]),
        check=check,
        fix_when=fix.get("when", "never"),
        fix_safety=fix.get("safety", "safe"),
        fix_title=fix.get("title", "").strip(),
        deferred_fix=fix.get("deferred", ""),
        fixed_last=fix.get("last", False),
        about=mapping.get("about", ""),
        known_as=mapping.get("known-as", ""),
        yields_to=tuple(mapping.get("yields-to", ())),
        skipped_variants=tuple(mapping.get("derive", ())),
    )


def find_placeholders(template: str) -> frozenset[str]:
    """Return the names of the values in a message template."""
    return frozenset(field for _, field, _, _ in Formatter().parse(template) if field is not None)


def select_rules(rules: Sequence[Rule], selectors: Iterable[str]) -> frozenset[str]:
    """Return the names of the rules that selectors match.

    Selectors are names, codes, prefixes of codes (`VL1`) and `ALL`. Raises UnknownRule.
    """
    chosen: set[str] = set()
    for selector in selectors:
        found = [rule.name for rule in rules if _matches(rule, selector)]
        if not found:
            raise UnknownRule(selector, _suggest_selectors(rules, selector))
        chosen.update(found)
    return frozenset(chosen)


def check_nothing(_note: object, _context: object) -> Iterator[Finding]:
    """Yield nothing: the check of a rule whose findings the engine reports."""
    return iter(())


def _matches(rule: Rule, selector: str) -> bool:
    return selector in ("ALL", rule.name) or (
        selector.startswith("VL") and rule.code.startswith(selector)
    )


def _suggest_selectors(rules: Sequence[Rule], selector: str) -> tuple[str, ...]:
    from difflib import get_close_matches  # noqa: PLC0415 - only for an error's message

    known = {word.lower(): word for rule in rules for word in (rule.name, rule.code)}
    if selector.lower() in known:
        return (known[selector.lower()],)
    return tuple(known[word] for word in get_close_matches(selector.lower(), known, 3, 0.6))


def _find_check(stem: str, check: object) -> CheckFunction:
    """Return the function that a `check` line names. Raises CatalogError."""
    if check == "engine":
        return check_nothing
    module, _, function = check.partition(".") if isinstance(check, str) else ("", "", "")
    found = (
        getattr(RULE_MODULES.get(module), function, None) if not function.startswith("_") else None
    )
    if not callable(found):
        raise CatalogError(f"{stem}: no function of vaultlink.rules matches its check {check!r}")
    if function.replace("_", "-") != stem:
        raise CatalogError(f"{stem}: its check {check} must have the name of the rule")
    return found  # type: ignore[no-any-return]


def _find_errors(mapping: Mapping[str, Any]) -> Iterator[str]:
    """Yield the errors of a declaration, the simplest first."""
    yield from (f"“{key}” is missing" for key in _REQUIRED_KEYS if key not in mapping)
    yield from (f"unknown key “{key}”" for key in mapping if key not in _ALLOWED_KEYS)
    yield from (
        f"“{key}” must be a string that is not empty"
        for key in _TEXT_KEYS
        if not isinstance(mapping[key], str) or not mapping[key].strip()
    )
    for key, fits, wanted in _KEY_CHECKS:
        if key in mapping and not fits(mapping[key]):
            yield f"“{key}” must be {wanted}, not {mapping[key]!r}"
    if mapping.get("reads") and _READS.get(mapping["reads"]) != mapping["scope"]:
        yield f"“reads: {mapping['reads']}” is not for the scope {mapping['scope']}"
    if "yields-to" in mapping and mapping["scope"] == "vault":
        yield "“yields-to” is not for the scope vault"


_TEXT_KEYS = ("code", "name", "since", "summary", "why", "message")
_KEY_CHECKS: tuple[tuple[str, Callable[[Any], object], str], ...] = (
    ("code", _RULE_CODE.fullmatch, "VL and three digits"),
    ("name", _RULE_NAME.fullmatch, "lower-case words joined by hyphens"),
    ("scope", SCOPES.__contains__, "note, links, files or vault"),
    ("severity", tuple(Severity).__contains__, "error, warning or info"),
    ("reads", _READS.__contains__, "text or moves"),
    ("about", _ABOUT.__contains__, "anchor or unresolved-link"),
    ("known-as", _RULE_NAME.fullmatch, "the name of a rule"),
    ("yields-to", lambda value: isinstance(value, list) and value, "a list of rules"),
    ("default", lambda value: isinstance(value, bool), "true or false"),
    ("options", lambda value: isinstance(value, Mapping), "a mapping"),
    (
        "fix",
        lambda value: (
            isinstance(value, Mapping)
            and _REQUIRED_FIX_KEYS <= value.keys() <= {*_FIX_CHOICES, "title"}
            and all(value[key] in words for key, words in _FIX_CHOICES.items() if key in value)
        ),
        "a mapping of when, safety and title, and of deferred and last where needed",
    ),
    ("examples", lambda value: isinstance(value, list) and value, "a list of examples"),
)


def _build_option(rule: str, name: str, declared: Any) -> Option:
    """Return an option.

    Raises CatalogError if its default does not fit its type and choices.
    """
    if (
        not isinstance(declared, Mapping)
        or not {"type", "default", "help"} <= declared.keys() <= _OPTION_KEYS
    ):
        raise CatalogError(
            f"{rule}: option {name} needs type, default and help, and may have of and choices"
        )
    kind, of, default = declared["type"], declared.get("of"), declared["default"]
    if kind not in _OPTION_TYPES or (of is not None and of not in _OPTION_TYPES):
        raise CatalogError(
            f"{rule}: the type of option {name} is not one of {', '.join(_OPTION_TYPES)}"
        )
    choices = tuple(declared.get("choices", ()))
    items = default if kind == "list" and isinstance(default, list) else [default]
    fits = _is_of_type(default, kind) and (
        kind != "list" or of is None or all(_is_of_type(item, of) for item in items)
    )
    if not fits or (choices and any(item not in choices for item in items)):
        raise CatalogError(f"{rule}: the default of option {name} does not fit its type or choices")
    return Option(
        name,
        kind,
        of,
        tuple(default) if kind == "list" else default,
        str(declared["help"]).strip(),
        choices,
    )


def _is_of_type(value: object, kind: str) -> bool:
    return isinstance(value, _OPTION_TYPES[kind]) and (
        kind == "bool" or not isinstance(value, bool)
    )
