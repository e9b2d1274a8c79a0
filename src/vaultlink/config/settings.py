"""`Config`, and how layers of settings add up to one.

Checked layers enter, the complete settings leave: every key with its value and where the value came from.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec

from vaultlink.catalog import Rule, select
from vaultlink.config.checks import (
    Layer,
    choice,
    frozen,
    keys,
    one_line,
    option_value,
    selected,
    shown,
    table,
    texts,
    unknown,
)
from vaultlink.errors import ConfigError
from vaultlink.model import Severity

DEFAULT = "default"
"""The source of a setting that nobody changed."""

LISTS = ("select", "extend-select", "ignore", "exclude", "allow-dangling", "fixable", "unfixable")
TABLES = ("severity", "per-file-ignores", "rules", "backlinks")
SELECTORS = frozenset({"select", "extend-select", "ignore", "fixable", "unfixable"})
SEVERITIES = tuple(severity.value for severity in Severity)

BACKLINKS: Mapping[str, tuple[Any, ...]] = {
    "mode": ("repair", "off", "write"),
    "style": ("topics", "list", "context"),
    "heading": ("**Add backlinks using these topics:**",),
    "headings": ((),),
    "entries": ("missing", "all"),
    "order": ("title", "path", "rank", "recent"),
}
"""The settings of `[backlinks]`: the default first, then the other choices; a single one means any line of text, or a list
of such lines."""


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
    backlinks: Mapping[str, Any]
    values: Mapping[str, Any]
    sources: Mapping[str, str]

    def digest(self) -> str:
        """A short hash of everything that can change findings; equal settings have equal digests in every process."""
        told = (
            sorted(self.enabled),
            sorted((name, level.value) for name, level in self.severity.items()),
            sorted((name, sorted(options.items())) for name, options in self.options.items()),
            self.exclude,
            self.allow_dangling,
            [(glob, sorted(names)) for glob, names in self.per_file_ignores],
            sorted(self.backlinks.items()),
        )
        return blake2b(msgspec.json.encode(told), digest_size=16).hexdigest()


def configure(layers: Sequence[Layer], rules: tuple[Rule, ...]) -> Config:
    """The settings that layers, lowest first, add up to.

    A layer that says `select` starts the choice of rules anew; within a layer the narrower selector wins, and `ignore`
    wins over `select` of the same width. Lists replace those of lower layers, tables are merged by key.
    """
    values = dict(_defaults(rules))
    sources = dict.fromkeys(values, DEFAULT)
    ignores: dict[str, frozenset[str]] = {}
    for layer in layers:
        for key, value in _settings(layer, rules):
            values[key] = value
            sources[key] = layer.source
        ignores |= {
            glob: select(rules, given) for glob, given in table(layer, "per-file-ignores").items()
        }
    return Config(
        enabled=_enabled(layers, rules),
        severity={rule.name: Severity(values[f"severity.{rule.name}"]) for rule in rules},
        options={
            rule.name: {
                option.name: values[f"rules.{rule.name}.{option.name}"] for option in rule.options
            }
            for rule in rules
        },
        exclude=values["exclude"],
        allow_dangling=values["allow-dangling"],
        per_file_ignores=tuple(ignores.items()),
        fixable=values["fixable"],
        unfixable=values["unfixable"],
        backlinks={key: values[f"backlinks.{key}"] for key in BACKLINKS},
        values=values,
        sources=sources,
    )


def _defaults(rules: tuple[Rule, ...]) -> Iterator[tuple[str, Any]]:
    for key in LISTS:
        yield key, ()
    for key, choices in BACKLINKS.items():
        yield f"backlinks.{key}", choices[0]
    for rule in rules:
        yield f"severity.{rule.name}", rule.severity.value
        for option in rule.options:
            yield f"rules.{rule.name}.{option.name}", frozen(option.default)


def _settings(layer: Layer, rules: tuple[Rule, ...]) -> Iterator[tuple[str, Any]]:
    """A layer's settings, checked, by full dotted key."""
    keys(layer, (*LISTS, *TABLES))
    for key in LISTS:
        if key in layer.values:
            given = texts(layer, key, layer.values[key])
            if key in SELECTORS:
                selected(layer, key, given, rules)
            yield key, given
    yield from _severities(layer, rules)
    for glob, names in table(layer, "per-file-ignores").items():
        key = f"per-file-ignores.{glob}"
        given = texts(layer, key, names)
        selected(layer, key, given, rules)
        yield key, given
    for name, options in table(layer, "rules").items():
        yield from _options(layer, name, options, rules)
    for key, value in table(layer, "backlinks").items():
        yield f"backlinks.{key}", _backlinks(layer, key, value)


def _severities(layer: Layer, rules: tuple[Rule, ...]) -> Iterator[tuple[str, str]]:
    """Severities by rule name; a prefix such as VL1 sets those of its rules, and narrower selectors win."""
    given = table(layer, "severity")
    for selector in sorted(given, key=_width):
        key = f"severity.{selector}"
        level = choice(layer, key, given[selector], SEVERITIES)
        for name in sorted(selected(layer, key, [selector], rules)):
            yield f"severity.{name}", level


def _options(
    layer: Layer, name: str, given: Any, rules: tuple[Rule, ...]
) -> Iterator[tuple[str, Any]]:
    rule = next((rule for rule in rules if name in (rule.name, rule.code)), None)
    if rule is None:
        raise unknown(layer, "rule", name, [rule.name for rule in rules], "rules.")
    options = {option.name: option for option in rule.options}
    for key, value in table(Layer(layer.source, {f"rules.{name}": given}), f"rules.{name}").items():
        if key not in options:
            raise unknown(layer, f"option of {rule.name}", key, list(options), f"rules.{name}.")
        yield (
            f"rules.{rule.name}.{key}",
            option_value(layer.place(f"rules.{name}.{key}"), options[key], value),
        )


def _backlinks(layer: Layer, key: str, value: Any) -> Any:
    if key not in BACKLINKS:
        raise unknown(layer, "setting", key, list(BACKLINKS), "backlinks.")
    place, choices = f"backlinks.{key}", BACKLINKS[key]
    if choices == ((),):
        return tuple(one_line(layer, place, item) for item in texts(layer, place, value))
    if len(choices) > 1:
        return choice(layer, place, value, choices)
    line = one_line(layer, place, value)
    if _SWALLOWS.search(line):
        raise ConfigError(
            f"{layer.place(place)}: {shown(line)} is no heading: it would be read as something else, and may hide "
            "what stands below it."
        )
    return line


_SWALLOWS = re.compile(
    r"```|~~~|%%|\$\$|<|^\s*(?:#{1,6}[^#\s]|#{7}|([-*_=])(?:\s*\1)*\s*$|\||\[\^)"
)
"""What makes code, a comment, math, HTML, a tag, a rule, a table or a footnote of a line that was meant as a heading."""


def _enabled(layers: Sequence[Layer], rules: tuple[Rule, ...]) -> frozenset[str]:
    chosen = frozenset(rule.name for rule in rules if rule.default)
    for layer in layers:
        if "select" in layer.values:
            chosen = frozenset()
        marks = [
            (_width(selector), key == "ignore", selector)
            for key in ("select", "extend-select", "ignore")
            for selector in layer.values.get(key, ())
        ]
        for _, ignored, selector in sorted(marks):
            names = select(rules, [selector])
            chosen = chosen - names if ignored else chosen | names
    return chosen


def _width(selector: str) -> int:
    """How narrow a selector is: 0 for ALL, then by the length of a prefix; full codes and names last."""
    if selector == "ALL":
        return 0
    return len(selector) if selector[:2] == "VL" and len(selector) < len("VL101") else len("VL101")
