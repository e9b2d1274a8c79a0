"""Build rules from declarations (YAML mappings) and checks, and select rules."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib import import_module
from itertools import chain, pairwise
from typing import Any

import msgspec
from msgspec.structs import replace

from vaultlink.index.index import LinkTargets
from vaultlink.model import Note, Safety, Severity
from vaultlink.rules.context import QUIET_KINDS, Finding
from vaultlink.text import lazy_pattern, quote_name

# A check runs only on notes that have one of the elements that its rule needs. To find them takes
# less time than to run checks that find nothing.

ELEMENTS = (
    "properties",
    "headings",
    "blocks",
    "problems",
    "sections",
    "queries",
    "images",
    "subpaths",
    "resolved-links",
    "self-links",
    "unresolved-links",
)
"""The names of the elements, in the order of `find_elements`."""

LINK_ELEMENTS = frozenset(("subpaths", "resolved-links", "self-links", "unresolved-links"))
"""Elements of links: only rules of scope `links` can need them."""


def find_elements(note: Note, targets: LinkTargets | None) -> tuple[bool, ...]:
    """Return True for each of the `ELEMENTS` of a note; without targets, not of links."""
    found = (
        bool(note.properties),
        bool(note.headings),
        bool(note.blocks),
        bool(note.problems),
        bool(note.sections),
        bool(note.queries),
        bool(note.images),
    )
    if targets is None:
        return found
    return (
        *found,
        any([link.subpath for link in note.links]),  # noqa: C419 - faster than a generator
        any(targets),
        note.path in targets,
        None in targets and _has_unresolved_link(note, targets),
    )


def _has_unresolved_link(note: Note, targets: LinkTargets) -> bool:
    """Return True unless all links resolve or lead to other sites."""
    return any(
        target is None and not link.external
        for link, target in zip(note.links, targets, strict=True)
    )


# -- check the declarations of rules: the keys and values of their YAML files ----------------------


SCOPES = ("note", "links", "files", "vault")
"""Scopes of checks, from the narrowest to the widest: see `vaultlink.rules.context`."""

_RULE_CODE = lazy_pattern(r"VL\d{3}")
_RULE_NAME = lazy_pattern(r"[a-z]+(?:-[a-z]+)*")
_TEXT_KEYS = ("code", "name", "since", "summary", "why", "message")
_REQUIRED_KEYS = (*_TEXT_KEYS, "scope", "severity", "check", "examples")
_READS = {"text": "note", "history": "links", "style": "links"}
"""Values of `reads`, and the scope in which each is allowed."""

_NEEDED = {"note": frozenset(ELEMENTS) - LINK_ELEMENTS, "links": frozenset(ELEMENTS)}
"""Values of `needs` that are allowed in each scope."""

_MODES = ("off", "repair", "write")
"""Values of the setting `mode` of `[backlinks]`."""

_ABOUT = ("anchor", "unresolved-link", "planned-link", "property", "tree")
_FIX_CHOICES: Mapping[str, tuple[object, ...]] = {
    "when": ("sometimes", "always"),
    "safety": ("safe", "unsafe", "either"),
    "deferred": ("section", "target"),
    "last": (True,),
}
_REQUIRED_FIX_KEYS = frozenset(("when", "safety", "title"))


def find_errors(mapping: Mapping[str, Any]) -> Iterator[str]:
    """Yield the errors of a declaration, the simplest first."""
    yield from (f"{quote_name(key)} is missing" for key in _REQUIRED_KEYS if key not in mapping)
    yield from (
        f"unknown key {quote_name(str(key))}" for key in mapping if key not in _ALLOWED_KEYS
    )
    yield from (
        f"{quote_name(key)} must be a string that is not blank"
        for key in _TEXT_KEYS
        if not isinstance(mapping[key], str) or not mapping[key].strip()
    )
    for key, is_valid, expected in _KEY_CHECKS:
        if key in mapping and not is_valid(mapping[key]):
            yield f"{quote_name(key)} must be {expected}, not {quote_name(str(mapping[key]))}"
    if mapping.get("reads") and _READS.get(mapping["reads"]) != mapping["scope"]:
        yield f"“reads: {mapping['reads']}” is not allowed with “scope: {mapping['scope']}”"
    if not _NEEDED.get(mapping["scope"], frozenset()).issuperset(mapping.get("needs", ())):
        yield f"“needs” has an element that is not allowed with “scope: {mapping['scope']}”"
    if "yields-to" in mapping and mapping["scope"] == "vault":
        yield "“yields-to” is not allowed with “scope: vault”"


_KEY_CHECKS: tuple[tuple[str, Callable[[Any], object], str], ...] = (
    ("code", _RULE_CODE.fullmatch, "“VL” and three digits"),
    ("name", _RULE_NAME.fullmatch, "lowercase words joined by hyphens"),
    ("scope", SCOPES.__contains__, "note, links, files or vault"),
    ("severity", tuple(Severity).__contains__, "error, warning or info"),
    ("reads", _READS.__contains__, "text, history or style"),
    (
        "needs",
        lambda value: (
            isinstance(value, list)
            and value
            and all(isinstance(item, str) and item in ELEMENTS for item in value)
        ),
        f"a list of {', '.join(ELEMENTS)}",
    ),
    (
        "modes",
        lambda value: isinstance(value, list) and value and all(item in _MODES for item in value),
        f"a list of {', '.join(_MODES)}",
    ),
    ("about", _ABOUT.__contains__, "anchor, unresolved-link, planned-link, property or tree"),
    ("known-as", _RULE_NAME.fullmatch, "the name of a rule"),
    ("quiet", QUIET_KINDS.__contains__, "a kind of the setting quiet"),
    ("split-from", _RULE_NAME.fullmatch, "the name of a rule"),
    ("yields-to", lambda value: isinstance(value, list) and value, "a list of rules"),
    ("default", lambda value: isinstance(value, bool), "true or false"),
    ("preview", lambda value: isinstance(value, bool), "true or false"),
    ("options", lambda value: isinstance(value, Mapping), "a mapping"),
    (
        "fix",
        lambda value: (
            isinstance(value, Mapping)
            and _REQUIRED_FIX_KEYS <= value.keys() <= {*_FIX_CHOICES, "title"}
            and all(value[key] in words for key, words in _FIX_CHOICES.items() if key in value)
        ),
        "a mapping with when, safety and title, and optionally deferred and last",
    ),
    ("examples", lambda value: isinstance(value, list) and value, "a list of examples"),
)
_ALLOWED_KEYS = frozenset((*_REQUIRED_KEYS, "derive", *(key for key, _, _ in _KEY_CHECKS)))

# -- build rules from declarations (YAML mappings) and checks, and select rules --------------------
# An invalid declaration raises `CatalogError`; the message begins with the name of the rule. This
# module reads no files. The `check` line of a declaration names its function.

CheckFunction = Callable[..., Iterator[Finding]]
"""Check of any scope; `vaultlink.rules.context` lists the arguments of each scope."""

RULE_MODULES = (
    "dangling",
    "file_contents",
    "connections",
    "footnotes",
    "resolved_links",
    "malformed_links",
    "missing_anchors",
    "metadata",
    "file_names",
    "author_sections",
    "structure",
    "managed_sections",
    "queries",
)
"""Modules with checks. Each is imported when one of its checks is called for the first time."""

_OPTION_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "bool": bool,
    "int": int,
    "number": (int, float),
    "string": str,
    "glob": str,
    "name": str,
    "list": list,
}
"""Types of options. The elements of lists may be globs over vault paths, and names of notes."""

_OPTION_KEYS = frozenset(("type", "of", "default", "help", "choices"))


class CatalogError(Exception):
    """Invalid declaration of a rule. The message begins with the name of the rule."""


class UnknownRule(Exception):  # noqa: N818 - callers turn it into an error
    def __init__(self, selector: str, suggestions: tuple[str, ...]):
        is_start = selector.startswith("VL") and selector[2:].isdecimal() and len(selector) < 5
        problem = "no rule begins with" if is_start else "there is no rule"
        self.problem = f"{problem} {quote_name(selector)}"
        super().__init__(self.problem)
        self.selector = selector
        self.suggestions = suggestions


class Option(msgspec.Struct, frozen=True):
    name: str
    type: str
    element_type: str | None
    default: Any
    help: str
    choices: tuple[Any, ...] = ()


class Rule(msgspec.Struct, frozen=True):
    """The values of a rule's declaration, and its check.

    `message` and `fix_title` are `str.format` templates for the values of a finding. `fix_when`
    is `never`, `sometimes` or `always`, `fix_safety` is `safe`, `unsafe` or `either`.
    `deferred_fix` names the function of `vaultlink.fix.causes` that makes the fixes on
    demand. `fixed_last` is True if the rule's fixes are applied only when there are no others.

    `about` is "anchor" for findings about the heading or block of a link, "unresolved-link" for
    findings about the target of an unresolved link, "planned-link" if this is no mistake, and
    "property" or "tree" if equal messages in several notes have one cause, so that text formats
    show them as one. `known_as` is the code of the rule's findings in a baseline, "" for `code`. If
    a rule in `yields_to` is enabled and reports a link, this rule does not report it. The check
    runs only on notes that have one of the elements in `needs`, if there are any, and only if the
    setting `backlinks.mode` is one of `modes`. `split_from` has the name and the code of the rule
    that this one was part of: what names that rule also means this one, unless it names this one,
    too. A rule in `preview` runs only if the setting `preview` is on. If the setting `quiet` has
    the kind in `quiet`, findings of the rule are not reported; other rules yield to it all the
    same.

    `skipped_variants` are the variants of the examples that tests skip.
    """

    code: str
    name: str
    since: str
    summary: str
    why: str
    scope: str
    reads_text: bool
    reads_history: bool
    reads_style: bool
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
    split_from: tuple[str, ...] = ()
    quiet: str = ""
    yields_to: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    modes: tuple[str, ...] = _MODES
    preview: bool = False
    skipped_variants: tuple[str, ...] = ()

    def load_check(self) -> CheckFunction:
        """Return the function of the check, for many calls."""
        return self.check.function if isinstance(self.check, Check) else self.check

    @property
    def is_engine_rule(self) -> bool:
        """True if the engine makes the findings, because a check cannot."""
        return self.check is check_nothing

    @property
    def default_safety(self) -> Safety:
        """Safety of a fix unless a finding sets another."""
        return Safety.UNSAFE if self.fix_safety == "unsafe" else Safety.SAFE


Catalog = tuple[Rule, ...]
"""All rules, sorted by code."""


def build_catalog(declarations: Mapping[str, Mapping[str, Any]]) -> Catalog:
    """Return the rules of YAML mappings by stem, sorted by code. Raises CatalogError."""
    rules = []
    for stem, mapping in declarations.items():
        if not isinstance(mapping, Mapping):
            raise CatalogError(f"{stem}: the declaration must be a mapping")
        rule = build_rule(mapping, _find_check(stem, mapping.get("check")))
        if rule.name != stem:
            raise CatalogError(f"{stem}: the file must have the name of its rule, {rule.name}")
        rules.append(rule)
    rules.sort(key=lambda rule: rule.code)
    for previous, rule in pairwise(rules):
        if previous.code == rule.code:
            raise CatalogError(f"{rule.name}: {previous.name} already has the code {rule.code}")
    return _resolve_references(rules)


def _resolve_references(rules: Sequence[Rule]) -> Catalog:
    """Check names of rules, and add the codes of other rules. Raises CatalogError."""
    by_name = {rule.name: rule for rule in rules}
    resolved = []
    for rule in rules:
        for name in (*rule.yields_to, *filter(None, [rule.known_as]), *rule.split_from):
            if name not in by_name:
                raise CatalogError(f"{rule.name}: there is no rule {name}")
        if any(by_name[name].scope != rule.scope for name in rule.yields_to):
            raise CatalogError(f"{rule.name}: “yields-to” must name rules of the same scope")
        code = by_name[rule.known_as].code if rule.known_as else ""
        origin = tuple(word for name in rule.split_from for word in (name, by_name[name].code))
        resolved.append(replace(rule, known_as=code, split_from=origin))
    return tuple(resolved)


def build_rule(mapping: Mapping[str, Any], check: CheckFunction) -> Rule:
    """Return the rule of a declaration and its check. Raises CatalogError."""
    name = mapping.get("name")
    for error in find_errors(mapping):
        raise CatalogError(f"{name or 'a rule without a name'}: {error}")
    fix = mapping.get("fix", {})
    return Rule(
        code=mapping["code"],
        name=mapping["name"],
        since=mapping["since"],
        summary=mapping["summary"].strip(),
        why=mapping["why"].strip(),
        scope=mapping["scope"],
        reads_text=mapping.get("reads") == "text",
        reads_history=mapping.get("reads") == "history",
        reads_style=mapping.get("reads") == "style",
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
        split_from=(mapping["split-from"],) if "split-from" in mapping else (),
        quiet=mapping.get("quiet", ""),
        yields_to=tuple(mapping.get("yields-to", ())),
        needs=tuple(mapping.get("needs", ())),
        modes=tuple(mapping.get("modes", _MODES)),
        preview=mapping.get("preview", False),
        skipped_variants=tuple(mapping.get("derive", ())),
    )


def select_rules(rules: Sequence[Rule], selectors: Iterable[str]) -> frozenset[str]:
    """Return the names of the rules that match the selectors.

    A selector is a name, a code, the beginning of a code (`VL1`) or `ALL`. Raises UnknownRule if a
    selector matches no rule.
    """
    names: set[str] = set()
    for selector in selectors:
        matching = [rule.name for rule in rules if _matches(rule, selector)]
        if not matching:
            raise UnknownRule(selector, _suggest_selectors(rules, selector))
        names.update(matching)
    return frozenset(names)


def find_split_rules(rules: Sequence[Rule], selectors: Iterable[str]) -> frozenset[str]:
    """Return the names of the rules split from one that a selector names."""
    named = frozenset(selectors)
    return frozenset(rule.name for rule in rules if not named.isdisjoint(rule.split_from))


class Check:
    """The check that a `check` line names. Its module is imported at the first call."""

    def __init__(self, module: str, name: str):
        self._module, self._name = module, name

    def __call__(self, *arguments: Any) -> Iterator[Finding]:
        return self.function(*arguments)

    @cached_property
    def function(self) -> CheckFunction:
        function = getattr(import_module(f"vaultlink.rules.{self._module}"), self._name, None)
        if not callable(function):
            raise CatalogError(f"{self._name}: it is not a function of {self._module}")
        return function  # type: ignore[no-any-return]


def check_nothing(_note: object, _context: object) -> Iterator[Finding]:
    """Yield nothing: the check of rules whose findings the engine makes."""
    return iter(())


def _matches(rule: Rule, selector: str) -> bool:
    return selector in ("ALL", rule.name) or (
        selector.startswith("VL") and rule.code.startswith(selector)
    )


def _suggest_selectors(rules: Sequence[Rule], selector: str) -> tuple[str, ...]:
    from difflib import get_close_matches  # noqa: PLC0415 - only for an error message

    originals = {word.lower(): word for rule in rules for word in (rule.name, rule.code)}
    wanted = selector.lower()
    if wanted in originals:
        return (originals[wanted],)
    if wanted[:_CODE_LENGTH] in originals:
        return (originals[wanted[:_CODE_LENGTH]],)
    if _CODE.fullmatch(selector):
        return ()  # another code is no likelier than any
    plain = "-".join(_PLAIN.get(word, word) for word in wanted.split("-"))
    if plain in originals:
        return (originals[plain],)
    named = [
        [rule.name for rule in rules if word in rule.name.split("-")]
        for word in dict.fromkeys((plain, wanted, wanted.removesuffix("s")))
    ]
    if any(named):
        first = named[0][:1] if plain != wanted else []
        return tuple(dict.fromkeys([*first, *chain(*named[len(first) :])]))[:_MAX_NAMED]
    similar = get_close_matches(wanted, originals, 3, 0.6)
    return tuple(originals[word] for word in similar)


_MAX_NAMED = 4
"""Rules that are proposed because their name has the word."""

_CODE = lazy_pattern(r"(?i:vl)\d\w*")
_CODE_LENGTH = len("VL101")

_PLAIN = {"broken": "dangling", "unresolved": "dangling", "image": "embed", "anchor": "heading"}
"""Words of people for a kind of link, and the word for it in the names of rules."""


def _find_check(stem: str, check: object) -> CheckFunction:
    if check == "engine":
        return check_nothing
    module, _, name = check.partition(".") if isinstance(check, str) else ("", "", "")
    if module not in RULE_MODULES or not name or name.startswith("_"):
        raise CatalogError(
            f"{stem}: check {quote_name(str(check))} is not a function of vaultlink.rules"
        )
    if name.replace("_", "-") != stem:
        raise CatalogError(f"{stem}: check {check} must have the name of the rule")
    return Check(module, name)


def _build_option(rule: str, name: str, declaration: Any) -> Option:
    """Build an option; its default must fit type and choices. Raises CatalogError."""
    if (
        not isinstance(declaration, Mapping)
        or not {"type", "default", "help"} <= declaration.keys() <= _OPTION_KEYS
    ):
        raise CatalogError(
            f"{rule}: option {name} requires type, default and help, and may have of and choices"
        )
    kind, of, default = declaration["type"], declaration.get("of"), declaration["default"]
    if kind not in _OPTION_TYPES or (of is not None and of not in _OPTION_TYPES):
        raise CatalogError(
            f"{rule}: option {name} has an unknown type, expected one of {', '.join(_OPTION_TYPES)}"
        )
    choices = tuple(declaration.get("choices", ()))
    items = default if kind == "list" and isinstance(default, list) else [default]
    is_valid = _is_of_type(default, kind) and (
        kind != "list" or of is None or all(_is_of_type(item, of) for item in items)
    )
    if not is_valid or (choices and any(item not in choices for item in items)):
        raise CatalogError(
            f"{rule}: the default of option {name} has another type or is not one of its choices"
        )
    return Option(
        name,
        kind,
        of,
        tuple(default) if kind == "list" else default,
        str(declaration["help"]).strip(),
        choices,
    )


def _is_of_type(value: object, kind: str) -> bool:
    return isinstance(value, _OPTION_TYPES[kind]) and (
        kind == "bool" or not isinstance(value, bool)
    )
