"""The JSON Schema of `vaultlink.toml`, for editors of TOML.

Editors complete keys that `properties` lists, and neither patterns nor names of properties. So
the rules are listed under `severity` and `rules`, by name and by code.
"""

from typing import Any

import rule_pages
from json_schemas import DIALECT
from reference_pages import BACKLINKS, LISTS, MENTIONS, TABLES, VALUES
from vaultlink.config.settings import (
    BACKLINKS_CHOICES,
    LIMIT_KEYS,
    LIST_KEYS,
    MENTIONS_DEFAULTS,
    RETIRED_CHOICES,
    SELECTOR_KEYS,
    SEVERITY_NAMES,
    SWITCH_KEYS,
    TEXT_KEYS,
)
from vaultlink.rules.context import QUIET_KINDS
from vaultlink.rules.registry import Option, Rule

_TYPES = {
    "bool": "boolean",
    "int": "integer",
    "number": "number",
    "string": "string",
    "glob": "string",
    "name": "string",
    "list": "array",
}
"""The JSON type of each type of options."""

Schema = dict[str, Any]


def build_settings_schema() -> Schema:
    """Return the schema. It allows what `vaultlink config` accepts, and no other key.

    Texts with a form of their own, such as patterns and versions, are any strings here.
    """
    rules = rule_pages.load_catalog()
    selector: Schema = {"$ref": "#/$defs/selector"}
    properties: dict[str, Schema] = {}
    for key in LIST_KEYS:
        items: Schema = selector if key in SELECTOR_KEYS else {"type": "string"}
        if key == "quiet":
            items = {"enum": list(QUIET_KINDS)}
        properties[key] = {"type": "array", "items": items, "description": _plain(LISTS[key])}
    for keys, kind in ((SWITCH_KEYS, "boolean"), (TEXT_KEYS, "string"), (LIMIT_KEYS, "string")):
        properties |= {key: {"type": kind, "description": _plain(VALUES[key])} for key in keys}
    severity: Schema = {"$ref": "#/$defs/severity"}
    properties["severity"] = {
        **_make_map(selector, severity),
        "properties": {rule.name: severity for rule in rules},
    }
    properties["per-file-ignores"] = _make_map(None, {"type": "array", "items": selector})
    properties["rules"] = _make_table(
        {rule.name: _build_options(rule) for rule in rules}
        | {rule.code: {"$ref": f"#/properties/rules/properties/{rule.name}"} for rule in rules}
    )
    properties["backlinks"] = _make_table(
        {key: _build_backlinks_setting(key) for key in (*BACKLINKS_CHOICES, "group")}
    )
    properties["mentions"] = _make_table(
        {key: _build_mentions_setting(key) for key in MENTIONS_DEFAULTS}
    )
    for key, text in TABLES.items():
        properties[key]["description"] = _plain(text.partition("; [below]")[0])
    return {
        "$schema": DIALECT,
        "title": "Settings of vaultlink",
        **_make_table(properties),
        "$defs": {
            "selector": _build_selector(rules),
            "severity": {
                "description": "The severity of the findings of a rule.",
                "enum": list(SEVERITY_NAMES),
            },
        },
    }


def _build_selector(rules: tuple[Rule, ...]) -> Schema:
    return {
        "description": "A rule's name or code, the start of a code, or ALL.",
        "anyOf": [
            {"enum": ["ALL", *(rule.name for rule in rules), *(rule.code for rule in rules)]},
            {"type": "string", "pattern": "^VL[0-9]{0,2}$"},
        ],
    }


def _build_options(rule: Rule) -> Schema:
    options = {option.name: _build_option(option) for option in rule.options}
    return {**_make_table(options), "description": rule.summary}


def _build_option(option: Option) -> Schema:
    choices = {"enum": list(option.choices)} if option.choices else {}
    schema: Schema = {"type": _TYPES[option.type], "description": option.help}
    if option.type != "list":
        return {**schema, **choices}
    items = {"type": _TYPES[option.element_type]} if option.element_type else {}
    return {**schema, "items": {**items, **choices}}


def _build_backlinks_setting(key: str) -> Schema:
    choices: tuple[Any, ...] = BACKLINKS_CHOICES.get(key, ())
    if choices == ((),):
        schema: Schema = {"type": "array", "items": {"type": "string"}}
    elif choices == (False, True):
        schema = {"type": "boolean"}
    elif len(choices) == 1:
        schema = {"type": "string"}
    else:
        schema = {"enum": [*choices, *RETIRED_CHOICES.get(key, ())]}
    return {**schema, "description": _plain(BACKLINKS[key])}


def _build_mentions_setting(key: str) -> Schema:
    kinds: dict[str, Schema] = {
        "ignore": {"type": "array", "items": {"type": "string"}},
        "min-score": {"type": "number", "minimum": 0, "maximum": 1},
    }
    return {**kinds.get(key, {"type": "boolean"}), "description": _plain(MENTIONS[key])}


def _make_table(properties: dict[str, Schema]) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _make_map(keys: Schema | None, values: Schema) -> Schema:
    names = {"propertyNames": keys} if keys else {}
    return {"type": "object", **names, "additionalProperties": values}


def _plain(text: str) -> str:
    return text.replace("`", "")
