"""Rules as values: a YAML mapping and a check function enter, a `Rule` leaves.

What a declaration gets wrong raises `CatalogError`, with the rule's name in front. Nothing here reads a file, and only
the `check` line of a declaration joins it to its function.
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
"""A check of any scope; `Rule.scope` says what it is called with."""

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
"""Where checks live, as the `check` line names it."""

SCOPES = ("note", "links", "files", "vault")
"""How far checks look, from the nearest to the farthest; `vaultlink.rules` says what each is called with."""

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
"""What a check may read besides the usual, and the scope in which it may."""

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
    """A declaration of a rule that can't be used: which one, and why."""


class UnknownRule(Exception):  # noqa: N818 - it is no error yet: who gave the selector decides what it is
    """A selector that fits no rule, with the names and codes that may have been meant."""

    def __init__(self, selector: str, suggestions: tuple[str, ...]):
        super().__init__(f"no rule is called “{selector}”")
        self.selector = selector
        self.suggestions = suggestions


@dataclass(frozen=True, slots=True)
class Option:
    """A setting of a rule: its type, that of its elements if it is a list, and what it is when nobody sets it."""

    name: str
    type: str
    element_type: str | None
    default: Any
    help: str
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: what its declaration says, and the function that sees it.

    `message` is a `str.format` template over the values of a finding, and so is `fix_title`, which says what a fix does
    ("" if there is none). `fix_when` is `never`, `sometimes` or `always`, `fix_safety` is `safe`, `unsafe` or `either`.
    `deferred_fix` names the function of `vaultlink.fix.deferred` that makes its fixes on demand, "" if findings have them;
    `fixed_last` is True if its fixes wait until there are no others.

    `about` is "anchor" for findings about the heading or block of a link, "unresolved-link" for findings about the target
    of an unresolved link, else "". `known_as` is the code under which a baseline knows its findings, "" for `code`. Where a
    rule named in `yields_to` is enabled and reports a link, this rule does not report it.

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
        """True if the engine itself makes the findings, which no check can see."""
        return self.check is check_nothing

    @property
    def default_safety(self) -> Safety:
        """How safe a fix is unless a finding says otherwise."""
        return Safety.UNSAFE if self.fix_safety == "unsafe" else Safety.SAFE


Catalog = tuple[Rule, ...]
"""All rules, by code."""


def build_catalog(declarations: Mapping[str, Mapping[str, Any]]) -> Catalog:
    """The rules that declarations (file stem to YAML mapping) describe, sorted by code."""
    rules = []
    for stem, mapping in declarations.items():
        if not isinstance(mapping, Mapping):
            raise CatalogError(f"{stem}: is no mapping")
        rule = build_rule(mapping, _find_check(stem, mapping.get("check")))
        if rule.name != stem:
            raise CatalogError(f"{stem}: the file is not named like its rule, {rule.name}")
        rules.append(rule)
    rules.sort(key=lambda rule: rule.code)
    for one, other in pairwise(rules):
        if one.code == other.code:
            raise CatalogError(f"{other.name}: its code {other.code} is already that of {one.name}")
    return _resolve_references(rules)


def _resolve_references(rules: Sequence[Rule]) -> Catalog:
    """Check the names of other rules in `yields-to` and `known-as`, and replace the latter by the code.

    Raises CatalogError.
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
    """One rule from its declaration and its check."""
    name = mapping.get("name")
    for wrong in _find_errors(mapping):
        raise CatalogError(f"{name or 'a rule without a name'}: {wrong}")
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
    """The names in a message template."""
    return frozenset(field for _, field, _, _ in Formatter().parse(template) if field is not None)


def select_rules(rules: Sequence[Rule], selectors: Iterable[str]) -> frozenset[str]:
    """The names of the rules that selectors fit: names, codes, beginnings of codes (`VL1`) and `ALL`."""
    chosen: set[str] = set()
    for selector in selectors:
        found = [rule.name for rule in rules if _matches(rule, selector)]
        if not found:
            raise UnknownRule(selector, _suggest_selectors(rules, selector))
        chosen.update(found)
    return frozenset(chosen)


def check_nothing(_note: object, _context: object) -> Iterator[Finding]:
    """The check of a rule that the engine itself enforces, because it alone knows what it needs."""
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
    """The function that a `check` line names."""
    if check == "engine":
        return check_nothing
    module, _, function = check.partition(".") if isinstance(check, str) else ("", "", "")
    found = (
        getattr(RULE_MODULES.get(module), function, None) if not function.startswith("_") else None
    )
    if not callable(found):
        raise CatalogError(f"{stem}: its check {check!r} names no function of vaultlink.rules")
    if function.replace("_", "-") != stem:
        raise CatalogError(f"{stem}: its check {check} is not named like it")
    return found  # type: ignore[no-any-return]


def _find_errors(mapping: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a declaration, the plainest first."""
    yield from (f"“{key}” is missing" for key in _REQUIRED_KEYS if key not in mapping)
    yield from (f"“{key}” is not known" for key in mapping if key not in _ALLOWED_KEYS)
    yield from (
        f"“{key}” must be a text"
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
    ("name", _RULE_NAME.fullmatch, "words of small letters, joined by hyphens"),
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


def _build_option(rule: str, name: str, given: Any) -> Option:
    """One option of a rule; its default must be of its type and among its choices."""
    if (
        not isinstance(given, Mapping)
        or not {"type", "default", "help"} <= given.keys() <= _OPTION_KEYS
    ):
        raise CatalogError(
            f"{rule}: option {name} needs type, default and help, and may have of and choices"
        )
    kind, of, default = given["type"], given.get("of"), given["default"]
    if kind not in _OPTION_TYPES or (of is not None and of not in _OPTION_TYPES):
        raise CatalogError(
            f"{rule}: option {name} has a type that is none of {', '.join(_OPTION_TYPES)}"
        )
    choices = tuple(given.get("choices", ()))
    items = default if kind == "list" and isinstance(default, list) else [default]
    fits = _is_of_type(default, kind) and (
        kind != "list" or of is None or all(_is_of_type(item, of) for item in items)
    )
    if not fits or (choices and any(item not in choices for item in items)):
        raise CatalogError(f"{rule}: the default of option {name} is not what the option allows")
    return Option(
        name,
        kind,
        of,
        tuple(default) if kind == "list" else default,
        str(given["help"]).strip(),
        choices,
    )


def _is_of_type(value: object, kind: str) -> bool:
    return isinstance(value, _OPTION_TYPES[kind]) and (
        kind == "bool" or not isinstance(value, bool)
    )
