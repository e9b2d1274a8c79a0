"""From TOML mappings to one checked `Config`: which rules run, how severely, with which options, on which paths.

Mappings and the rule catalog enter, a value leaves. What is wrong raises `ConfigError` and names the place. Nothing here
reads a file or knows where settings come from beyond the name they carry.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec

from vaultlink.catalog import Option, Rule, UnknownRule, select
from vaultlink.model import Severity
from vaultlink.patterns import glob_matcher

DEFAULT = "default"
COMMAND_LINE = "command line"

_LISTS = ("select", "extend-select", "ignore", "exclude", "allow-dangling", "fixable", "unfixable")
_TABLES = ("severity", "per-file-ignores", "rules", "backlinks")
_SELECTORS = ("select", "extend-select", "ignore", "fixable", "unfixable")
_SEVERITIES = tuple(severity.value for severity in Severity)

BACKLINKS: Mapping[str, tuple[str, ...]] = {
    "mode": ("repair", "off", "write"),
    "style": ("topics", "list", "context"),
    "heading": ("**Add backlinks using these topics:**",),
    "entries": ("missing", "all"),
    "order": ("title", "path", "rank", "recent"),
}
"""The settings of `[backlinks]`: the default first, then the other choices; a single one means any text will do."""


class ConfigError(Exception):
    """A setting that can't be used: what is wrong, where it stands, and what may have been meant."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of settings, as a TOML mapping; `source` names it in messages and in `Config.sources`."""

    source: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of a run, complete and checked.

    `values` has every setting by its dotted key as it would stand in TOML, `sources` where each came from.
    """

    enabled: frozenset[str]
    severity: Mapping[str, Severity]
    options: Mapping[str, Mapping[str, Any]]
    exclude: tuple[str, ...]
    allow_dangling: tuple[str, ...]
    per_file_ignores: tuple[tuple[str, frozenset[str]], ...]
    fixable: tuple[str, ...]
    unfixable: tuple[str, ...]
    backlinks: Mapping[str, str]
    values: Mapping[str, Any]
    sources: Mapping[str, str]

    def digest(self) -> str:
        """A short hash of everything that can change findings; equal settings have equal digests in every process."""
        told = (sorted(self.enabled), sorted((name, level.value) for name, level in self.severity.items()),
                sorted((name, sorted(options.items())) for name, options in self.options.items()),
                self.exclude, self.allow_dangling, [(glob, sorted(names)) for glob, names in self.per_file_ignores],
                sorted(self.backlinks.items()))
        return blake2b(msgspec.json.encode(told), digest_size=16).hexdigest()


def configure(layers: Sequence[Layer], rules: tuple[Rule, ...]) -> Config:
    """The settings that layers, lowest first, add up to.

    A layer that says `select` starts the choice of rules anew; within a layer the narrower selector wins, and `ignore`
    wins over `select` of the same width. Lists replace those of lower layers, tables are merged by key.
    """
    for layer in layers:
        _check_keys(layer)
    values, sources = _merged(layers, rules)
    names = [rule.name for rule in rules]
    return Config(
        enabled=_enabled(layers, rules),
        severity={name: Severity(values[f"severity.{name}"]) for name in names},
        options={rule.name: {option.name: values[f"rules.{rule.name}.{option.name}"] for option in rule.options}
                 for rule in rules},
        exclude=values["exclude"],
        allow_dangling=values["allow-dangling"],
        per_file_ignores=tuple((glob, _union(values[key], rules)) for key, glob in _globs(values)),
        fixable=values["fixable"],
        unfixable=values["unfixable"],
        backlinks={key: values[f"backlinks.{key}"] for key in BACKLINKS},
        values=values,
        sources=sources,
    )


# -- reading a layer ------------------------------------------------------------------------------------------------


def _check_keys(layer: Layer) -> None:
    known = (*_LISTS, *_TABLES)
    for key in layer.values:
        if key not in known:
            raise _unknown(layer, "setting", key, known)


def _merged(layers: Sequence[Layer], rules: tuple[Rule, ...]) -> tuple[dict[str, Any], dict[str, str]]:
    """Every setting by dotted key with its value, and the same keys with where the value came from."""
    values = dict(_defaults(rules))
    sources = dict.fromkeys(values, DEFAULT)
    for layer in layers:
        for key, value in _settings(layer, rules):
            values[key] = value
            sources[key] = layer.source
    return values, sources


def _defaults(rules: tuple[Rule, ...]) -> Iterator[tuple[str, Any]]:
    for key in _LISTS:
        yield key, ()
    for key, choices in BACKLINKS.items():
        yield f"backlinks.{key}", choices[0]
    for rule in rules:
        yield f"severity.{rule.name}", rule.severity.value
        for option in rule.options:
            yield f"rules.{rule.name}.{option.name}", _frozen(option.default)


def _settings(layer: Layer, rules: tuple[Rule, ...]) -> Iterator[tuple[str, Any]]:
    """A layer's settings, checked, by full dotted key."""
    for key in _LISTS:
        if key in layer.values:
            yield key, _list(layer, key, layer.values[key], rules)
    yield from _severities(layer, rules)
    for glob, names in _table(layer, "per-file-ignores").items():
        key = f"per-file-ignores.{glob}"
        yield key, _selectors(layer, key, _texts(layer, key, names), rules)
    for name, options in _table(layer, "rules").items():
        yield from _options(layer, name, options, rules)
    yield from _backlinks(layer)


def _list(layer: Layer, key: str, value: Any, rules: tuple[Rule, ...]) -> tuple[str, ...]:
    texts = _texts(layer, key, value)
    return _selectors(layer, key, texts, rules) if key in _SELECTORS else texts


def _severities(layer: Layer, rules: tuple[Rule, ...]) -> Iterator[tuple[str, str]]:
    """Severities by rule name; a prefix such as VL1 sets those of its rules, and narrower selectors win."""
    given = _table(layer, "severity")
    for selector in sorted(given, key=_width):
        key, level = f"severity.{selector}", given[selector]
        if level not in _SEVERITIES:
            raise ConfigError(f"{_place(layer, key)}: {_shown(level)} is no severity. Use error, warning or info.")
        for name in sorted(_select(layer, key, selector, rules)):
            yield f"severity.{name}", level


def _options(layer: Layer, name: str, given: Any, rules: tuple[Rule, ...]) -> Iterator[tuple[str, Any]]:
    rule = next((rule for rule in rules if name in (rule.name, rule.code)), None)
    if rule is None:
        raise _unknown(layer, "rule", name, [rule.name for rule in rules], "rules.")
    if not isinstance(given, Mapping):
        raise ConfigError(f"{_place(layer, f'rules.{name}')}: must be a table of options, not {_shown(given)}.")
    options = {option.name: option for option in rule.options}
    for key, value in given.items():
        if key not in options:
            raise _unknown(layer, f"option of {rule.name}", key, list(options), f"rules.{name}.")
        yield f"rules.{rule.name}.{key}", _option(_place(layer, f"rules.{name}.{key}"), options[key], value)


def _backlinks(layer: Layer) -> Iterator[tuple[str, str]]:
    for key, value in _table(layer, "backlinks").items():
        if key not in BACKLINKS:
            raise _unknown(layer, "setting", key, list(BACKLINKS), "backlinks.")
        place, choices = _place(layer, f"backlinks.{key}"), BACKLINKS[key]
        if not isinstance(value, str):
            raise ConfigError(f"{place}: must be a text, not {_shown(value)}.")
        if len(choices) > 1 and value not in choices:
            raise ConfigError(f"{place}: {_shown(value)} is not among {_listed(choices)}.")
        if len(choices) == 1 and (not value.strip() or "\n" in value):
            raise ConfigError(f"{place}: must be one line that is not empty.")
        yield f"backlinks.{key}", value


# -- checking a value -----------------------------------------------------------------------------------------------


def _table(layer: Layer, key: str) -> Mapping[str, Any]:
    value = layer.values.get(key, {})
    if not isinstance(value, Mapping):
        raise ConfigError(f"{_place(layer, key)}: must be a table ([{key}]), not {_shown(value)}.")
    return value


def _texts(layer: Layer, key: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        raise ConfigError(f'{_place(layer, key)}: must be a list: ["{value}"].')
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"{_place(layer, key)}: must be a list of texts, not {_shown(value)}.")
    return tuple(value)


_CHECKS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "bool": ((bool,), "true or false"),
    "int": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "string": ((str,), "a text"),
    "list": ((list, tuple), "a list"),
}


def _option(place: str, option: Option, value: Any) -> Any:
    """An option's value, if it is of the option's type and among its choices."""
    _fits(place, option.type, value)
    items = value if option.type == "list" else [value]
    if option.type == "list" and option.of:
        for item in items:
            _fits(f"{place}: an element", option.of, item)
    for item in items:
        if option.choices and item not in option.choices:
            raise ConfigError(f"{place}: {_shown(item)} is not among {_listed(option.choices)}.")
    return _frozen(value)


def _fits(place: str, kind: str, value: Any) -> None:
    types, words = _CHECKS[kind]
    if not isinstance(value, types) or (isinstance(value, bool) and kind != "bool"):
        raise ConfigError(f"{place}: must be {words}, not {_shown(value)}.")


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


# -- choosing rules -------------------------------------------------------------------------------------------------


def _enabled(layers: Sequence[Layer], rules: tuple[Rule, ...]) -> frozenset[str]:
    chosen = frozenset(rule.name for rule in rules if rule.default)
    for layer in layers:
        told = {key: layer.values.get(key, ()) for key in ("select", "extend-select", "ignore")}
        if "select" in layer.values:
            chosen = frozenset()
        marks = [(_width(selector), key == "ignore", selector) for key, given in told.items() for selector in given]
        for _, ignored, selector in sorted(marks):
            names = select(rules, [selector])
            chosen = chosen - names if ignored else chosen | names
    return chosen


def _width(selector: str) -> int:
    """How narrow a selector is: 0 for ALL, then by the length of a prefix, names and full codes last."""
    if selector == "ALL":
        return 0
    return len(selector) if selector[:2] == "VL" and len(selector) < len("VL101") else len("VL101")


def _selectors(layer: Layer, key: str, texts: tuple[str, ...], rules: tuple[Rule, ...]) -> tuple[str, ...]:
    for text in texts:
        _select(layer, key, text, rules)
    return texts


def _select(layer: Layer, key: str, selector: str, rules: tuple[Rule, ...]) -> frozenset[str]:
    try:
        return select(rules, [selector])
    except UnknownRule as unknown:
        hint = _meant(list(unknown.suggestions)) or " `vaultlink rules` lists all rules."
        raise ConfigError(f"{_place(layer, key)}: no rule is called {_shown(selector)}.{hint}") from None


def _union(selectors: Sequence[str], rules: tuple[Rule, ...]) -> frozenset[str]:
    return select(rules, list(selectors))


def _globs(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key in values:
        if key.startswith("per-file-ignores."):
            yield key, key.removeprefix("per-file-ignores.")


# -- saying what is wrong -------------------------------------------------------------------------------------------


def _place(layer: Layer, key: str) -> str:
    return f"--{key}" if layer.source == COMMAND_LINE else f"{layer.source}: {key}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, (list, tuple)):
        return "a list"
    return str(value)


def _listed(choices: Sequence[Any]) -> str:
    return ", ".join(map(str, choices))


def _meant(candidates: Sequence[str]) -> str:
    return f" Did you mean {' or '.join(candidates)}?" if candidates else ""


def _unknown(layer: Layer, what: str, key: str, known: Sequence[str], before: str = "") -> ConfigError:
    from difflib import get_close_matches  # noqa: PLC0415  needed for errors only

    near = get_close_matches(key, known, 2, 0.6)
    hint = _meant(near) or (f" Known: {', '.join(known)}." if known else " It has none.")
    return ConfigError(f"{layer.source}: {before}{key}: there is no such {what}.{hint}")


__all__ = ["BACKLINKS", "COMMAND_LINE", "DEFAULT", "Config", "ConfigError", "Layer", "configure", "glob_matcher"]
