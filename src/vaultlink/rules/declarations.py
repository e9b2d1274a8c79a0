"""Check the declarations of rules: the keys and values of their YAML files."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vaultlink.model import Severity
from vaultlink.rules.elements import ELEMENTS, LINK_ELEMENTS
from vaultlink.text import lazy_pattern

SCOPES = ("note", "links", "files", "vault")
"""Scopes of checks, from the narrowest to the widest: see `vaultlink.rules.context`."""

_RULE_CODE = lazy_pattern(r"VL\d{3}")
_RULE_NAME = lazy_pattern(r"[a-z]+(?:-[a-z]+)*")
_TEXT_KEYS = ("code", "name", "since", "summary", "why", "message")
_REQUIRED_KEYS = (*_TEXT_KEYS, "scope", "severity", "check", "examples")
_READS = {"text": "note", "history": "links"}
"""Values of `reads`, and the scope in which each is allowed."""

_NEEDED = {"note": frozenset(ELEMENTS) - LINK_ELEMENTS, "links": frozenset(ELEMENTS)}
"""Values of `needs` that are allowed in each scope."""

_ABOUT = ("anchor", "unresolved-link")
_FIX_CHOICES: Mapping[str, tuple[object, ...]] = {
    "when": ("sometimes", "always"),
    "safety": ("safe", "unsafe", "either"),
    "deferred": ("section", "target"),
    "last": (True,),
}
_REQUIRED_FIX_KEYS = frozenset(("when", "safety", "title"))


def find_errors(mapping: Mapping[str, Any]) -> Iterator[str]:
    """Yield the errors of a declaration, the simplest first."""
    yield from (f"“{key}” is missing" for key in _REQUIRED_KEYS if key not in mapping)
    yield from (f"unknown key “{key}”" for key in mapping if key not in _ALLOWED_KEYS)
    yield from (
        f"“{key}” must be a string that is not blank"
        for key in _TEXT_KEYS
        if not isinstance(mapping[key], str) or not mapping[key].strip()
    )
    for key, is_valid, expected in _KEY_CHECKS:
        if key in mapping and not is_valid(mapping[key]):
            yield f"“{key}” must be {expected}, not {mapping[key]!r}"
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
    ("reads", _READS.__contains__, "text or moves"),
    (
        "needs",
        lambda value: (
            isinstance(value, list)
            and value
            and all(isinstance(item, str) and item in ELEMENTS for item in value)
        ),
        f"a list of {', '.join(ELEMENTS)}",
    ),
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
        "a mapping with when, safety and title, and optionally deferred and last",
    ),
    ("examples", lambda value: isinstance(value, list) and value, "a list of examples"),
)
_ALLOWED_KEYS = frozenset((*_REQUIRED_KEYS, "derive", *(key for key, _, _ in _KEY_CHECKS)))
