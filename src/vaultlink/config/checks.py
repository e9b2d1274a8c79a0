"""Checks of single settings: type, existence of the rule, and error messages.

The functions take a layer, a key and a value. They return the value or raise `ConfigError`. Nothing
is merged here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from vaultlink.config.layers import RUN_LIMIT_DEFAULTS, Layer
from vaultlink.config.patterns import (
    MAX_PATTERN_LENGTH,
    MAX_PATTERNS,
    MAX_WILDCARDS,
    count_wildcards,
)
from vaultlink.errors import ConfigError, propose
from vaultlink.model import Severity
from vaultlink.rules.registry import Option, Rule, UnknownRule, select_rules
from vaultlink.text import escape_controls, lazy_pattern, quote_name


def reject_unknown_keys(layer: Layer, known: Sequence[str]) -> None:
    """Raise ConfigError for a key that does not exist."""
    for key, value in layer.values.items():
        if key in known:
            continue
        if hint := _explain_key(key, value):
            raise layer.make_error(key, f"there is no such setting. {hint}")
        raise unknown_key_error(layer, "setting", key, known)


_OPTIONS = (
    *("cache-dir", "changed-since", "color", "config", "diff", "exit-zero", "fail-on", "isolated"),
    *("jobs", "no-baseline", "no-cache", "output-file", "output-format", "show", "statistics"),
    *("unsafe-fixes", "vault", "verbose"),
)
"""Names of options of commands that are no settings."""


def _explain_key(key: str, value: object) -> str:
    """Return what serves instead of a key that does not exist; else ""."""
    name = key.replace("_", "-")
    if key == "tool" and isinstance(value, Mapping) and "vaultlink" in value:
        return "Leave the header [tool.vaultlink] out: only pyproject.toml has it."
    if name in ("section", "sections"):
        return "Did you mean backlinks?"
    return f"It is an option of commands: use --{name}." if name in _OPTIONS else ""


def read_rule_options(layer: Layer, name: str, given: object) -> Mapping[str, Any]:
    """Return the table of the options of a rule. Raises ConfigError."""
    if isinstance(given, Mapping):
        return given
    hint = f'`ignore = ["{name}"]` switches the rule off.'
    if given in tuple(Severity):
        hint = f'`{name} = "{given}"` in [severity] sets its severity.'
    raise layer.make_error(
        f"rules.{name}", f"must be a table of options, not {format_value(given)}. {hint}"
    )


def read_table(layer: Layer, key: str) -> Mapping[str, Any]:
    """Return a setting that must be a table, empty if not set. Raises ConfigError."""
    value = layer.values.get(key, {})
    if not isinstance(value, Mapping):
        raise layer.make_error(key, f"must be a table ([{key}]), not {format_value(value)}.")
    return value


def read_text_list(layer: Layer, key: str, value: Any) -> tuple[str, ...]:
    """Return a setting that must be a list of strings. Raises ConfigError."""
    if isinstance(value, str):
        raise layer.make_error(key, f'must be a list: `["{escape_controls(value)}"]`.')
    if not isinstance(value, (list, tuple)):
        raise layer.make_error(key, f"must be a list of strings, not {format_value(value)}.")
    for item in value:
        if not isinstance(item, str):
            raise layer.make_error(
                key, f"every element must be a string, not {format_value(item)}."
            )
    return tuple(value)


def reject_unknown_items(
    layer: Layer, key: str, items: Sequence[str], known: Sequence[str]
) -> None:
    """Raise ConfigError for an element of a list that is not one of `known`."""
    for item in items:
        if item not in known:
            hint = _propose_similar(item, known)
            raise layer.make_error(key, f"there is no kind {format_value(item)}.{hint}")


def reject_long_patterns(layer: Layer, key: str, patterns: Sequence[str]) -> None:
    """Raise ConfigError for more or longer patterns than can be matched quickly."""
    if len(patterns) > MAX_PATTERNS:
        problem = f"there are {len(patterns):,} patterns, and at most {MAX_PATTERNS:,} are allowed."
        raise layer.make_error(key, f"{problem} Name folders, or use wildcards.")
    for item in patterns:
        if len(item) > MAX_PATTERN_LENGTH:
            pattern, size = format_value(item[:20] + "…"), f"{len(item):,} characters"
            most = f"and at most {MAX_PATTERN_LENGTH:,} are allowed"
            raise layer.make_error(key, f"the pattern {pattern} has {size}, {most}.")
    for item in patterns:
        if item.count("*") > MAX_WILDCARDS and count_wildcards(item) > MAX_WILDCARDS:
            pattern = format_value(item[:20] + "…")
            problem = f"the pattern {pattern} has more than {MAX_WILDCARDS} wildcards."
            raise layer.make_error(key, problem)


def read_selectors(
    layer: Layer, key: str, selectors: Sequence[str], rules: tuple[Rule, ...]
) -> frozenset[str]:
    """Return the names of the rules that selectors match. Raises ConfigError."""
    try:
        return select_rules(rules, selectors)
    except UnknownRule as error:
        hint = propose(error.suggestions, "`vaultlink rules` lists all rules.")
        raise layer.make_error(key, f"{error.problem}. {hint}") from None


def read_choice(layer: Layer, key: str, value: Any, choices: Sequence[str]) -> str:
    """Return a setting that must be one of `choices`. Raises ConfigError."""
    if isinstance(value, str) and value in choices:
        return value
    raise layer.make_error(key, f"{format_value(value)} is not one of {', '.join(choices)}.")


def read_switch(layer: Layer, key: str, value: Any) -> bool:
    """Return a setting that must be true or false. Raises ConfigError."""
    if isinstance(value, bool):
        return value
    raise layer.make_error(key, f"must be true or false, not {format_value(value)}.")


def read_one_line(layer: Layer, key: str, value: Any) -> str:
    """Return a setting that must be one line of text. Raises ConfigError."""
    if isinstance(value, str) and value.strip() and "\n" not in value:
        return value
    raise layer.make_error(key, f"must be one line of text, not {format_value(value)}.")


_OPTION_TYPES: Mapping[str, tuple[tuple[type, ...], str]] = {
    "bool": ((bool,), "true or false"),
    "int": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "string": ((str,), "a string"),
    "glob": ((str,), "a string"),
    "name": ((str,), "a string"),
    "list": ((list, tuple), "a list"),
}


def read_option_value(place: str, option: Option, value: Any) -> Any:
    """Return a value of the type and choices of an option. Raises ConfigError."""
    _require_type(f"{place}: must be", option.type, value)
    items = value if option.type == "list" else [value]
    for item in items:
        if option.type == "list" and option.element_type:
            _require_type(f"{place}: every element must be", option.element_type, item)
        if option.choices and item not in option.choices:
            choices = ", ".join(map(str, option.choices))
            raise ConfigError(f"{place}: {format_value(item)} is not one of {choices}.")
    return freeze(value)


def _require_type(must_be: str, kind: str, value: Any) -> None:
    types, words = _OPTION_TYPES[kind]
    if not isinstance(value, types) or (isinstance(value, bool) and kind != "bool"):
        raise ConfigError(f"{must_be} {words}, not {format_value(value)}.")


def freeze(value: Any) -> Any:
    """Return an immutable value: a list becomes a tuple."""
    return tuple(value) if isinstance(value, list) else value


def format_value(value: Any) -> str:
    """Return a value as messages show it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quote_name(value)
    if isinstance(value, Mapping):
        return "a table"
    return "a list" if isinstance(value, (list, tuple)) else str(value)


def unknown_key_error(
    layer: Layer, what: str, key: str, known: Sequence[str], before: str = ""
) -> ConfigError:
    """Return the error for a key that does not exist, with similar keys that do."""
    return layer.make_error(before + key, f"there is no such {what}.{_propose_similar(key, known)}")


def _propose_similar(word: str, known: Sequence[str]) -> str:
    """Return a space and a proposal of similar words, or of all; "" if none is known."""
    from difflib import get_close_matches  # noqa: PLC0415 - needed for errors only

    every = f"Known: {', '.join(known)}."
    return f" {propose(get_close_matches(word, known, 2, 0.6), every)}" if known else ""


# -- the settings `keep-runs` and `keep-runs-size`: which runs stay in the journal -----------------

_AGES = {"day": 1, "week": 7, "month": 30, "year": 365}
_SIZES = {"MB": 10**6, "GB": 10**9}
_MAX_SHOWN = 200
"""Characters of the longest value that a message repeats."""

_AGE = lazy_pattern(r"([1-9]\d{0,4}) ?(day|week|month|year)s?")
_SIZE = lazy_pattern(r"([1-9]\d{0,4}) ?(MB|GB)")


class RunLimits(NamedTuple):
    """Age in days and size in bytes of recorded runs to keep; 0 would delete today's."""

    days: int
    size: int


def read_run_limit(layer: Layer, key: str, value: Any) -> str:
    """Return a checked setting. Raises ConfigError."""
    pattern, example = _SIZE, "“200 MB” or “1 GB”"
    if key == "keep-runs":
        pattern, example = _AGE, "“90 days”, “12 weeks”, “6 months” or “2 years”"
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    shown = format_value(value) if len(str(value)) <= _MAX_SHOWN else "this value"
    raise layer.make_error(
        key, f"must be a whole number above 0 and a unit, such as {example}, not {shown}."
    )


def read_run_limits(layers: Sequence[Layer]) -> RunLimits:
    """Return the limits that layers set, the lowest first. Raises ConfigError."""
    values = dict(RUN_LIMIT_DEFAULTS)
    for layer in layers:
        for key in filter(layer.values.__contains__, RUN_LIMIT_DEFAULTS):
            values[key] = read_run_limit(layer, key, layer.values[key])
    age, size = _AGE.fullmatch(values["keep-runs"]), _SIZE.fullmatch(values["keep-runs-size"])
    assert age
    assert size
    return RunLimits(int(age[1]) * _AGES[age[2]], int(size[1]) * _SIZES[size[2]])
