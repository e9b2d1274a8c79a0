"""`Config`, and the merging of layers of settings.

Layers are checked and merged into the complete settings, each key with its value and its source.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import chain
from operator import itemgetter
from typing import Any

import msgspec

from vaultlink.config.checks import (
    format_value,
    freeze,
    read_choice,
    read_one_line,
    read_option_value,
    read_rule_options,
    read_run_limit,
    read_selectors,
    read_switch,
    read_table,
    read_text_list,
    reject_long_patterns,
    reject_unknown_items,
    reject_unknown_keys,
    unknown_key_error,
)
from vaultlink.config.layers import RUN_LIMIT_DEFAULTS, Layer
from vaultlink.model import Severity
from vaultlink.rules.context import QUIET_KINDS
from vaultlink.rules.registry import Rule, find_split_rules, select_rules
from vaultlink.text import blake2b, lazy_pattern, quote_name

DEFAULT_SOURCE = "default"
"""The source of a setting that no layer changes."""

LIST_KEYS = (
    "select",
    "extend-select",
    "ignore",
    "exclude",
    "protect",
    "write-paths",
    "allow-dangling",
    "fixable",
    "unfixable",
    "quiet",
)
SWITCH_KEYS = ("preview",)
TEXT_KEYS = ("required-version",)
MENTIONS_DEFAULTS: Mapping[str, Any] = {
    "min-score": 0.7,
    "headings": False,
    "each-section": False,
    "cjk": None,
    "ignore": (),
}
"""The settings of `[mentions]` and their defaults."""

LIMIT_KEYS = tuple(RUN_LIMIT_DEFAULTS)
TABLE_KEYS = ("severity", "per-file-ignores", "rules", "backlinks", "mentions")
SELECTOR_KEYS = frozenset({"select", "extend-select", "ignore", "fixable", "unfixable"})
SEVERITY_NAMES = tuple(severity.value for severity in Severity)

BACKLINKS_CHOICES: Mapping[str, tuple[Any, ...]] = {
    "mode": ("repair", "off", "write"),
    "style": ("auto", "topics", "list", "context"),
    "heading": ("",),
    "headings": ((),),
    "entries": ("missing", "all"),
    "order": ("title", "path"),
    "mentions": (False, True),
}
"""The settings of `[backlinks]`: the default first, then the other choices.

A single choice means any line of text, or a list of such lines.
"""

RETIRED_CHOICES: Mapping[str, tuple[str, ...]] = {
    "order": ("rank", "recent"),
    "group": ("none", "folder"),
}
"""Choices of `[backlinks]` that are accepted in this release for the last time.

They act as the default; `group` is no setting any more.
"""


class Config(msgspec.Struct, frozen=True):
    """The complete, checked settings of a run.

    `values` has every setting by its dotted key, as in TOML; `sources` the source of each.
    `skipped_preview` names the preview rules that are selected by name and do not run.
    """

    enabled: frozenset[str]
    severity: Mapping[str, Severity]
    options: Mapping[str, Mapping[str, Any]]
    exclude: tuple[str, ...]
    protect: tuple[str, ...]
    write_paths: tuple[str, ...]
    allow_dangling: tuple[str, ...]
    per_file_ignores: tuple[tuple[str, frozenset[str]], ...]
    fixable: tuple[str, ...]
    unfixable: tuple[str, ...]
    quiet: frozenset[str]
    backlinks: Mapping[str, Any]
    mentions: Mapping[str, Any]
    values: Mapping[str, Any]
    sources: Mapping[str, str]
    skipped_preview: tuple[str, ...] = ()

    def digest(self) -> str:
        """Return a short hash of the settings that can change findings, in any process."""
        relevant = (
            sorted(self.enabled),
            sorted(
                (name, level.value, self.sources[f"severity.{name}"] == DEFAULT_SOURCE)
                for name, level in self.severity.items()
            ),
            sorted((name, sorted(options.items())) for name, options in self.options.items()),
            self.exclude,
            self.allow_dangling,
            [(glob, sorted(names)) for glob, names in self.per_file_ignores],
            sorted(self.quiet),
            sorted(self.backlinks.items()),
        )
        return blake2b(msgspec.json.encode(relevant), digest_size=16).hexdigest()


def merge_layers(layers: Sequence[Layer], rules: tuple[Rule, ...]) -> Config:
    """Merge layers, lowest first, into one `Config`. Raises ConfigError.

    A layer with `select` starts the selection of rules anew. Within a layer the narrower selector
    wins, and `ignore` wins over `select` of the same width. Lists replace those of lower layers;
    tables are merged by key.
    """
    values = dict(_list_defaults(rules))
    sources = dict.fromkeys(values, DEFAULT_SOURCE)
    ignores: dict[str, frozenset[str]] = {}
    for layer in layers:
        given = dict(_read_layer(layer, rules))
        if given:
            from vaultlink.config.vault_items import reject_impossible_items  # noqa: PLC0415

            reject_impossible_items(layer, given, rules)
        values |= given
        sources |= dict.fromkeys(given, layer.source)
        ignores |= {
            glob: select_rules(rules, selectors) | find_split_rules(rules, selectors)
            for glob, selectors in read_table(layer, "per-file-ignores").items()
        }
    chosen, preview = _select_chosen(layers, rules), {rule.name for rule in rules if rule.preview}
    skipped = frozenset() if values["preview"] else chosen & preview
    return Config(
        enabled=chosen - skipped,
        severity={rule.name: Severity(values[f"severity.{rule.name}"]) for rule in rules},
        options={
            rule.name: {
                option.name: values[f"rules.{rule.name}.{option.name}"] for option in rule.options
            }
            for rule in rules
        },
        exclude=values["exclude"],
        protect=values["protect"],
        write_paths=values["write-paths"],
        allow_dangling=values["allow-dangling"],
        per_file_ignores=tuple(ignores.items()),
        fixable=values["fixable"],
        unfixable=values["unfixable"],
        quiet=frozenset(values["quiet"]),
        backlinks={key: values[f"backlinks.{key}"] for key in BACKLINKS_CHOICES},
        mentions={key: values[f"mentions.{key}"] for key in MENTIONS_DEFAULTS},
        values=values,
        sources=sources,
        skipped_preview=tuple(sorted(skipped & _list_named(layers, rules, preview))),
    )


def _list_defaults(rules: tuple[Rule, ...]) -> Iterator[tuple[str, Any]]:
    for key in LIST_KEYS:
        yield key, QUIET_KINDS if key == "quiet" else ()
    yield from (("preview", False), ("required-version", None), *RUN_LIMIT_DEFAULTS.items())
    for key, choices in BACKLINKS_CHOICES.items():
        yield f"backlinks.{key}", choices[0]
    for key, default in MENTIONS_DEFAULTS.items():
        yield f"mentions.{key}", default
    for rule in rules:
        yield f"severity.{rule.name}", rule.severity.value
        for option in rule.options:
            yield f"rules.{rule.name}.{option.name}", freeze(option.default)


def _read_layer(layer: Layer, rules: tuple[Rule, ...]) -> Iterator[tuple[str, Any]]:
    reject_unknown_keys(layer, (*LIST_KEYS, *SWITCH_KEYS, *TEXT_KEYS, *LIMIT_KEYS, *TABLE_KEYS))
    for key in LIST_KEYS:
        if key in layer.values:
            items = read_text_list(layer, key, layer.values[key])
            if key in SELECTOR_KEYS:
                read_selectors(layer, key, items, rules)
            if key in ("exclude", "protect", "write-paths", "allow-dangling"):
                reject_long_patterns(layer, key, items)
            if key == "quiet":
                reject_unknown_items(layer, key, items, QUIET_KINDS)
            yield key, items
    readers = ((SWITCH_KEYS, read_switch), (TEXT_KEYS, read_one_line), (LIMIT_KEYS, read_run_limit))
    for keys, read in readers:
        for key in filter(layer.values.__contains__, keys):
            yield key, read(layer, key, layer.values[key])
    yield from _read_severities(layer, rules)
    reject_long_patterns(layer, "per-file-ignores", list(read_table(layer, "per-file-ignores")))
    for glob, names in read_table(layer, "per-file-ignores").items():
        key = f"per-file-ignores.{glob}"
        selectors = read_text_list(layer, key, names)
        read_selectors(layer, key, selectors, rules)
        yield key, selectors
    for name, options in read_table(layer, "rules").items():
        yield from _read_rule_options(layer, name, options, rules)
    yield from _read_backlinks_settings(layer)
    yield from _read_mentions_settings(layer)


def _read_mentions_settings(layer: Layer) -> Iterator[tuple[str, Any]]:
    if table := read_table(layer, "mentions"):
        from vaultlink.config.mention_settings import read_mentions_setting  # noqa: PLC0415 - rarely set

        for key, value in table.items():
            if key not in MENTIONS_DEFAULTS:
                raise unknown_key_error(layer, "setting", key, list(MENTIONS_DEFAULTS), "mentions.")
            yield f"mentions.{key}", read_mentions_setting(layer, key, value)


def _read_severities(layer: Layer, rules: tuple[Rule, ...]) -> Iterator[tuple[str, str]]:
    """Yield severities by rule name. Narrow selectors win over prefixes such as VL1."""
    severities = read_table(layer, "severity")
    found = []
    for selector, value in severities.items():
        key = f"severity.{selector}"
        level = read_choice(layer, key, value, SEVERITY_NAMES)
        read_selectors(layer, key, [selector], rules)
        for rank, names in _rank_selected(selector, rules):
            found += [(rank, name, level) for name in names]
    for _, name, level in sorted(found, key=itemgetter(0, 1)):
        yield f"severity.{name}", level


def _read_rule_options(
    layer: Layer, name: str, given: Any, rules: tuple[Rule, ...]
) -> Iterator[tuple[str, Any]]:
    rule = next((rule for rule in rules if name in (rule.name, rule.code)), None)
    if rule is None:
        raise unknown_key_error(layer, "rule", name, [rule.name for rule in rules], "rules.")
    options = {option.name: option for option in rule.options}
    for key, value in read_rule_options(layer, name, given).items():
        if key not in options:
            what, known = f"option of {rule.name}", list(options)
            raise unknown_key_error(layer, what, key, known, f"rules.{name}.")
        place = layer.format_key(f"rules.{name}.{key}")
        yield f"rules.{rule.name}.{key}", read_option_value(place, options[key], value)


def list_retired_settings(layers: Sequence[Layer]) -> Iterator[str]:
    """Yield a sentence on each retired setting of `[backlinks]`."""
    for layer in layers:
        given = layer.values.get("backlinks")
        settings: Mapping[str, Any] = given if isinstance(given, dict) else {}
        prefix = layer.format_key("backlinks.")
        if settings.get("order") in RETIRED_CHOICES["order"]:
            value = quote_name(settings["order"])
            yield f"{prefix}order: {value} no longer exists and acts as “title”."
        if "group" in settings:
            yield f"{prefix}group: sections are no longer grouped; this has no effect. Remove it."


def _read_backlinks_settings(layer: Layer) -> Iterator[tuple[str, Any]]:
    """Yield the checked settings; a retired choice acts as the default."""
    for key, value in read_table(layer, "backlinks").items():
        if value not in RETIRED_CHOICES.get(key, ()):
            yield f"backlinks.{key}", _read_backlinks_setting(layer, key, value)
        elif key in BACKLINKS_CHOICES:
            yield f"backlinks.{key}", BACKLINKS_CHOICES[key][0]


def _read_backlinks_setting(layer: Layer, key: str, value: Any) -> Any:
    if key not in BACKLINKS_CHOICES:
        raise unknown_key_error(layer, "setting", key, list(BACKLINKS_CHOICES), "backlinks.")
    place, choices = f"backlinks.{key}", BACKLINKS_CHOICES[key]
    if choices == ((),):
        items = read_text_list(layer, place, value)
        return tuple(read_one_line(layer, place, item) for item in items)
    if choices == (False, True):
        return read_switch(layer, place, value)
    if len(choices) > 1:
        return read_choice(layer, place, value, choices)
    if value == choices[0]:
        return value
    line = read_one_line(layer, place, value)
    if _NOT_A_HEADING.search(line):
        cause = "Obsidian reads it as other markup, which may hide the text below it."
        raise layer.make_error(place, f"{format_value(line)} is not a heading. {cause}")
    return line


_NOT_A_HEADING = lazy_pattern(
    r"```|~~~|%%|\$\$|<|^\s*(?:#{1,6}[^#\s]|#{7}|([-*_=])(?:\s*\1)*\s*$|\||\[\^)"
)
"""Matches lines that are not headings but code, a comment, math, HTML, a tag, a thematic break, a
table or a footnote."""


def _select_chosen(layers: Sequence[Layer], rules: tuple[Rule, ...]) -> frozenset[str]:
    """Return the names of the rules that are selected, those in preview included."""
    chosen = frozenset(rule.name for rule in rules if rule.enabled_by_default)
    for layer in layers:
        if "select" in layer.values:
            chosen = frozenset()
        ranked = [
            (rank, key == "ignore", names)
            for key in ("select", "extend-select", "ignore")
            for selector in layer.values.get(key, ())
            for rank, names in _rank_selected(selector, rules)
        ]
        for _, ignored, names in sorted(ranked, key=itemgetter(0, 1)):
            chosen = chosen - names if ignored else chosen | names
    return chosen


def _list_named(
    layers: Sequence[Layer], rules: tuple[Rule, ...], preview: Set[str]
) -> frozenset[str]:
    """Return the names of the rules that selectors of preview rules only name."""
    selected = (
        select_rules(rules, [selector])
        for layer in layers
        for key in ("select", "extend-select")
        for selector in layer.values.get(key, ())
    )
    return frozenset(chain.from_iterable(names for names in selected if names <= preview))


_CODE_LENGTH = 5
"""The length of a full rule code: two letters and three digits."""


def _rank_selected(selector: str, rules: tuple[Rule, ...]) -> Iterator[tuple[int, frozenset[str]]]:
    """Yield the rules that a selector selects, behind the rank of the selector.

    Its rank is 0 for ALL, else the length of a prefix; codes and names are narrowest, but the name
    of the rule that a rule was split from is wider than its own.
    """
    rank = min(len(selector), _CODE_LENGTH) if selector[:2] == "VL" else _CODE_LENGTH
    yield (0 if selector == "ALL" else 2 * rank), select_rules(rules, [selector])
    yield 2 * rank - 1, find_split_rules(rules, [selector])
