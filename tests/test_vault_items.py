"""Settings that take names, paths or patterns: what is refused, and what matches nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from builder import RULES
from vaultlink.config.layers import Layer
from vaultlink.config.settings import merge_layers
from vaultlink.config.vault_items import ITEM_KINDS, list_item_settings
from vaultlink.errors import ConfigError
from vaultlink.mentions.mention import Mention, NameKind, NoteName
from vaultlink.mentions.planning import list_mention_causes

GLOBS = (
    "exclude",
    "protect",
    "per-file-ignores",
    *(
        f"rules.{name}.ignore"
        for name in (
            *("dead-end", "island", "missing-backlink", "orphan-note"),
            *("unlinked-attachment", "unused-attachment"),
        )
    ),
)
"""The settings with globs over vault paths."""

MENTIONS, TOPICS, NAMES = "mentions.ignore", "allow-dangling", "rules.duplicate-name.ignore"


def make_values(key: str, items: Sequence[str]) -> dict[str, Any]:
    """Return settings with items at a dotted key, as in TOML."""
    *tables, name = key.split(".")
    values: Any = {item: ["VL1"] for item in items} if name == "per-file-ignores" else [*items]
    for part in (name, *reversed(tables)):
        values = {part: values}
    return dict(values)


def test_all_settings_are_covered() -> None:
    keys = {*GLOBS, MENTIONS, TOPICS, NAMES}
    by_type = {
        f"rules.{rule.name}.{option.name}"
        for rule in RULES
        for option in rule.options
        if option.element_type in ("glob", "name")
    }
    assert keys == {*ITEM_KINDS, *by_type}
    for key in keys:
        config = merge_layers([Layer("a.toml", make_values(key, ["a"]))], RULES)
        assert key in [setting.key for setting in list_item_settings(config.values, RULES)]


# -- what no vault can match ------------------------------------------------------------------------------------------

A_LINK = 'is a link. Write "{}".'
ABSOLUTE = 'is an absolute path. Write the path in the vault, such as "{}".'
OUTSIDE = 'can\'t match with "..". Write the path from the root of the vault, such as "{}".'
NOTHING = "names nothing. Remove it."

REFUSED: Mapping[str, tuple[tuple[str, ...], str]] = {
    "": ((*GLOBS, TOPICS, NAMES), NOTHING),
    "  ": ((*GLOBS, TOPICS, NAMES), NOTHING),
    "/": ((*GLOBS, MENTIONS, NAMES), NOTHING),
    "[[Home]]": (GLOBS, A_LINK.format("Home.md")),
    "[[Home.md]]": (GLOBS, A_LINK.format("Home.md")),
    "[[map.png]]": (GLOBS, A_LINK.format("map.png")),
    "![[Home]]": (GLOBS, A_LINK.format("Home.md")),
    "[[Home|the house]]": ((TOPICS, MENTIONS, NAMES), A_LINK.format("Home")),
    "[[Home#Top]]": ((TOPICS, MENTIONS, NAMES), A_LINK.format("Home")),
    "[[a]] -> [[b.md]]": ((MENTIONS,), A_LINK.format("a.md -> b.md")),
    "../raw/": ((*GLOBS, MENTIONS), OUTSIDE.format("raw/")),
    "..": ((*GLOBS, MENTIONS, NAMES), OUTSIDE.removesuffix(', such as "{}".') + "."),
    "raw/../old/*.md": ((*GLOBS, MENTIONS), OUTSIDE.format("old/*.md")),
    "..\\raw": ((*GLOBS, MENTIONS, NAMES), OUTSIDE.format("raw")),
    "a.md -> ../b.md": ((MENTIONS,), OUTSIDE.format("b.md")),
    "C:\\Notes\\x.md": ((*GLOBS, MENTIONS, NAMES), ABSOLUTE.format("x.md")),
    "c:/Notes/raw/": ((*GLOBS, MENTIONS, NAMES), ABSOLUTE.format("raw/")),
    "C:\\": ((*GLOBS, MENTIONS), ABSOLUTE.format("Folder/")),
    "\\\\server\\Notes\\x.md": ((*GLOBS, MENTIONS), ABSOLUTE.format("x.md")),
    "/home/me/Notes/x.md": ((MENTIONS, NAMES), ABSOLUTE.format("x.md")),
    "a.md -> /b.md": ((MENTIONS,), ABSOLUTE.format("b.md")),
}
"""Item to the settings that refuse it, and the end of the message."""


@pytest.mark.parametrize(
    ("key", "item", "message"),
    [(key, item, message) for item, (keys, message) in REFUSED.items() for key in keys],
)
def test_item_that_no_vault_can_match_is_refused(key: str, item: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        merge_layers([Layer("a.toml", make_values(key, ["fine", item]))], RULES)
    assert str(raised.value) == f'a.toml: {key}: "{item}" {message}'


def test_negated_pattern_is_refused_like_others() -> None:
    with pytest.raises(ConfigError, match=r"\"!\.\./raw/\" can't match with"):
        merge_layers([Layer("a.toml", {"protect": ["raw/", "!../raw/"]})], RULES)


ACCEPTED: Mapping[str, tuple[str, ...]] = {
    # an item that matches nothing today may match tomorrow, or in another vault
    "No such note.md": (*GLOBS, MENTIONS, TOPICS, NAMES),
    "old/": (*GLOBS, MENTIONS, TOPICS, NAMES),
    ".obsidian/": (*GLOBS, MENTIONS, TOPICS, NAMES),
    "./raw/": (*GLOBS, MENTIONS, TOPICS),
    "~/raw": (*GLOBS, MENTIONS, TOPICS),
    # a slash at the beginning is the root of the vault
    "/raw/": (*GLOBS, MENTIONS, TOPICS),
    "/home/me/Notes/x.md": (*GLOBS, TOPICS),
    "**": (*GLOBS, MENTIONS, TOPICS),
    "!raw/keep/": (*GLOBS, MENTIONS),
    # two dots that are not a step
    "...": (*GLOBS, MENTIONS, TOPICS, NAMES),
    "a..b/c.md": (*GLOBS, MENTIONS, TOPICS),
    # sets of characters
    "[[]ab]].md": (*GLOBS, TOPICS),
    "[ab].md": (*GLOBS, MENTIONS, TOPICS),
    # names with slashes and colons
    "TCP/IP": (MENTIONS, TOPICS),
    "/r/obsidian": (MENTIONS, TOPICS),
    "C: a language": (*GLOBS, MENTIONS, TOPICS, NAMES),
    "a -> b": (MENTIONS,),
    "a.md -> b.md": (MENTIONS,),
    # targets of links may lead out of the vault, and be absolute
    "../**": (TOPICS,),
    "C:/**": (TOPICS,),
    "/": (TOPICS,),
}
"""Item to the settings that accept it."""


@pytest.mark.parametrize(
    ("key", "item"), [(key, item) for item, keys in ACCEPTED.items() for key in keys]
)
def test_every_other_item_is_accepted(key: str, item: str) -> None:
    config = merge_layers([Layer("a.toml", make_values(key, [item]))], RULES)
    settings = {setting.key: setting.items for setting in list_item_settings(config.values, RULES)}
    assert settings[key] == (item,)


@pytest.mark.parametrize(
    ("name", "written"),
    [("Tides", True), ("TCP/IP", True), ("Signals/", False), ("[[Tides]]", False)],
)
def test_name_that_would_be_refused_or_a_folder_is_not_written_to_ignore(
    name: str, written: bool
) -> None:
    mention = Mention(
        *("a.md", 0, 5, 1, 1, "words", "b.md"),
        *(NoteName("b.md", name, NameKind.ALIAS), 1.0, "", True, 0, 5),
    )
    finding: Any = object()
    (cause,) = list_mention_causes({("a.md", 0): (finding, finding)}, [mention])
    entries = [exception.entries for exception in cause.exceptions]
    assert entries == [((name,) if written else ()), ("b.md",), ("a.md -> b.md",)]
