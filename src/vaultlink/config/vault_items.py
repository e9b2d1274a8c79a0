"""Settings with items that name files of a vault, and what no vault can match.

What no vault can match is refused: it is a mistake, and would have no effect. An item that matches
nothing in one vault is accepted: a settings file may serve several vaults.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from vaultlink.config.checks import format_value
from vaultlink.config.layers import Layer
from vaultlink.config.mention_settings import ARROW, is_note_path
from vaultlink.index.file_kinds import has_known_extension
from vaultlink.index.resolve import is_note
from vaultlink.rules.registry import Rule
from vaultlink.text import lazy_pattern


class ItemKind(StrEnum):
    """The kind of the items of a setting.

    `GLOB` is a glob over vault paths; `ORDERED_GLOB` one that `!` may negate; `LOOSE_GLOB` one in
    an option of a rule; `TOPIC` a glob over the targets of unresolved links; `MENTION` a name,
    note, pair or folder of `[mentions] ignore`; `NAME` the name of a note, without extension.
    """

    GLOB = "glob"
    ORDERED_GLOB = "ordered glob"
    LOOSE_GLOB = "loose glob"
    TOPIC = "topic"
    MENTION = "mention"
    NAME = "name"


ITEM_KINDS: Mapping[str, ItemKind] = {
    "exclude": ItemKind.GLOB,
    "protect": ItemKind.ORDERED_GLOB,
    "write-paths": ItemKind.ORDERED_GLOB,
    "allow-dangling": ItemKind.TOPIC,
    "per-file-ignores": ItemKind.GLOB,
    "mentions.ignore": ItemKind.MENTION,
}
"""The settings with such items; those of `per-file-ignores` are its keys."""

OPTION_KINDS: Mapping[str, ItemKind] = {"glob": ItemKind.LOOSE_GLOB, "name": ItemKind.NAME}
"""The types of elements by which options of rules are such settings."""

_PATH_GLOBS = frozenset((ItemKind.GLOB, ItemKind.ORDERED_GLOB, ItemKind.LOOSE_GLOB))
"""Globs over vault paths: in these, a slash at the beginning means the root of the vault."""


class ItemSetting(NamedTuple):
    """A setting with its items, by its dotted key."""

    key: str
    kind: ItemKind
    items: tuple[str, ...]


def list_item_settings(values: Mapping[str, Any], rules: tuple[Rule, ...]) -> Iterator[ItemSetting]:
    """Yield the settings with such items among settings by their dotted keys."""
    for key, kind in ITEM_KINDS.items():
        below = tuple(name[len(key) + 1 :] for name in values if name.startswith(f"{key}."))
        if items := tuple(values.get(key, below)):
            yield ItemSetting(key, kind, items)
    for rule in rules:
        for option in rule.options:
            key = f"rules.{rule.name}.{option.name}"
            option_kind = OPTION_KINDS.get(option.element_type or "")
            if option_kind and values.get(key):
                yield ItemSetting(key, option_kind, tuple(values[key]))


def reject_impossible_items(
    layer: Layer, values: Mapping[str, Any], rules: tuple[Rule, ...]
) -> None:
    """Raise ConfigError for an item that no vault can match; `values` by dotted keys."""
    for setting in list_item_settings(values, rules):
        for item in setting.items:
            if problem := explain_impossible_item(setting.kind, item):
                raise layer.make_error(setting.key, f"{format_value(item)} {problem}")


def explain_impossible_item(kind: ItemKind, item: str) -> str:
    """Return why no vault can match an item, and what to write; "" if one can."""
    text = item.strip()
    if kind in (ItemKind.ORDERED_GLOB, ItemKind.MENTION):
        text = text.removeprefix("!")
    if not (text if kind is ItemKind.TOPIC else text.strip("/")):
        return "names nothing. Remove it."
    is_glob = kind in _PATH_GLOBS or kind is ItemKind.TOPIC
    if _LINK.fullmatch(text) if is_glob else _LINK.search(text):
        return f"is a link. Write {format_value(_unlink(kind, text))}."
    if kind is ItemKind.TOPIC:
        return ""
    paths = text.split(ARROW) if kind is ItemKind.MENTION else [text]
    return next(filter(None, (_explain_path(kind, path) for path in paths)), "")


_LINK = lazy_pattern(r"!?\[\[([^\[\]]+)\]\]")
_ABSOLUTE = lazy_pattern(r"[A-Za-z]:[\\/]|\\\\")
"""Matches the beginning of an absolute path of Windows."""


def _unlink(kind: ItemKind, text: str) -> str:
    """Return an item with the target of each link in its place."""
    as_path = kind in _PATH_GLOBS or ARROW in text

    def write_target(match: re.Match[str]) -> str:
        target = match[1].partition("|")[0].partition("#")[0].strip() or match[1]
        is_named = not as_path or is_note(target) or has_known_extension(target)
        return target if is_named else f"{target}.md"

    return _LINK.sub(write_target, text)


def _explain_path(kind: ItemKind, path: str) -> str:
    steps = path.replace("\\", "/").split("/")
    if _ABSOLUTE.match(path) or (path.startswith("/") and not _may_be_anchored(kind, path)):
        names = [step for step in steps if step and not step.endswith(":")] or ["Folder"]
        example = names[-1] + ("" if steps[-1] else "/")
        return f"is an absolute path. Write the path in the vault, such as {format_value(example)}."
    if ".." in steps:
        kept: list[str] = []
        for step in steps:
            if step == "..":
                kept = kept[:-1]
            elif step != ".":
                kept.append(step)
        example = "/".join(kept)
        such_as = f", such as {format_value(example)}" if example else ""
        advice = f"Write the path from the root of the vault{such_as}."
        return f"has “..”, so it matches nothing. {advice}"
    return ""


def _may_be_anchored(kind: ItemKind, path: str) -> bool:
    """Return True if a slash at the beginning may mean the root of the vault.

    The entries of `[mentions] ignore` that name no note may be folders or names, such as an alias.
    """
    return kind in _PATH_GLOBS or (kind is ItemKind.MENTION and not is_note_path(path))
