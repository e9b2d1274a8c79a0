"""Settings that take names, paths or patterns: what is refused, and what matches nothing."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from builder import RULES, build_state
from running import RunCommand, create_vault, write_files
from tables import each
from vaultlink.cli.unmatched_items import VaultNames, describe_unmatched_items
from vaultlink.config.layers import Layer
from vaultlink.config.patterns import compile_globs, compile_loose_globs
from vaultlink.config.settings import merge_layers
from vaultlink.config.vault_items import (
    ITEM_KINDS,
    ItemKind,
    explain_impossible_item,
    list_item_settings,
)
from vaultlink.disk.scan import scan_vault
from vaultlink.errors import ConfigError
from vaultlink.index.index import Index
from vaultlink.mentions.mention import Mention, NameKind, NoteName
from vaultlink.mentions.planning import list_mention_causes

GLOBS = (
    "exclude",
    "protect",
    "write-paths",
    "per-file-ignores",
    *(
        f"rules.{name}.ignore"
        for name in (
            *("dead-end", "island", "missing-backlink", "orphan-note"),
            *("required-link", "unlinked-attachment", "unused-attachment"),
        )
    ),
    "rules.required-link.indexes",
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

A_LINK = "is a link. Write “{}”."
ABSOLUTE = "is an absolute path. Write the path in the vault, such as “{}”."
OUTSIDE = (
    "has “..”, so it matches nothing. Write the path from the root of the vault, such as “{}”."
)
NOTHING = "names nothing. Remove it."

REFUSED: Mapping[str, tuple[tuple[str, ...], str]] = {
    "": ((*GLOBS, TOPICS, NAMES), NOTHING),
    "  ": ((*GLOBS, TOPICS, NAMES), NOTHING),
    "/": ((*GLOBS, MENTIONS, NAMES), NOTHING),
    "!": (("protect", "write-paths", MENTIONS), NOTHING),
    "[[Home]]": (GLOBS, A_LINK.format("Home.md")),
    "[[Home.md]]": (GLOBS, A_LINK.format("Home.md")),
    "[[map.png]]": (GLOBS, A_LINK.format("map.png")),
    "![[Home]]": (GLOBS, A_LINK.format("Home.md")),
    "[[Home|the house]]": ((TOPICS, MENTIONS, NAMES), A_LINK.format("Home")),
    "[[Home#Top]]": ((TOPICS, MENTIONS, NAMES), A_LINK.format("Home")),
    "[[a]] -> [[b.md]]": ((MENTIONS,), A_LINK.format("a.md -> b.md")),
    "../raw/": ((*GLOBS, MENTIONS), OUTSIDE.format("raw/")),
    "..": ((*GLOBS, MENTIONS, NAMES), OUTSIDE.removesuffix(", such as “{}”.") + "."),
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


@each(
    ("key", "item", "message"),
    [(key, item, message) for item, (keys, message) in REFUSED.items() for key in keys],
)
def test_item_that_no_vault_can_match_is_refused(key: str, item: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        merge_layers([Layer("a.toml", make_values(key, ["fine", item]))], RULES)
    assert str(raised.value) == f"a.toml: {key}: “{item}” {message}"


@each("key", ["protect", "write-paths", MENTIONS])
def test_negated_pattern_is_refused_like_others(key: str) -> None:
    with pytest.raises(ConfigError, match=r"“!\.\./raw/” has"):
        merge_layers([Layer("a.toml", make_values(key, ["raw/", "!../raw/"]))], RULES)


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


@each(("key", "item"), [(key, item) for item, keys in ACCEPTED.items() for key in keys])
def test_every_other_item_is_accepted(key: str, item: str) -> None:
    config = merge_layers([Layer("a.toml", make_values(key, [item]))], RULES)
    settings = {setting.key: setting.items for setting in list_item_settings(config.values, RULES)}
    assert settings[key] == (item,)


ITEMS = some.text("ab./!*?[]\\ ", max_size=12)
PATHS = some.lists(some.text("ab.", min_size=1, max_size=3), min_size=1, max_size=3).map("/".join)


@given(ITEMS, some.lists(PATHS, min_size=1, max_size=20))
def test_refused_pattern_matches_no_path(item: str, paths: Sequence[str]) -> None:
    visible = [path for path in paths if not any(name[0] == "." for name in path.split("/"))]
    for kind, matches in (
        (ItemKind.GLOB, compile_globs([item])),
        (ItemKind.ORDERED_GLOB, compile_globs([item.removeprefix("!")])),
        (ItemKind.LOOSE_GLOB, compile_loose_globs((item,))),
    ):
        if explain_impossible_item(kind, item):
            assert not any(map(matches, visible)), kind


def test_folders_in_ignore_of_mentions_are_limited_like_other_patterns() -> None:
    names = ["a" * 2_000, *map(str, range(3_000))]
    merge_layers([Layer("a.toml", make_values(MENTIONS, names))], RULES)
    with pytest.raises(ConfigError, match=r"mentions\.ignore: the pattern .* has 1,202 characters"):
        merge_layers([Layer("a.toml", make_values(MENTIONS, [*names, "ab/" * 400 + "**"]))], RULES)


@each(
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


# -- what matches nothing in a vault ----------------------------------------------------------------------------------

VAULT: Mapping[str, str] = {
    "Home.md": "---\ntitle: The House\naliases: [TCP/IP]\n---\n[[Plan B]] [[raw/Source]] [x](../out/y.md)\n",
    "raw/Source.md": '<img src="img/gone.png">\n\n```dataview\nLIST FROM "Old folder"\n```\n',
    "raw/keep/Note.md": "[a](https://example.org/a.md) [[Home]]\n",
    "img/map.png": "",
    "empty/.hidden": "",
}

MATCHES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "exclude": (
        ("raw/", "/raw/", "raw/**", "**/Note.md", "*.png", "empty/", "**", "Home.md"),
        (
            "old/",
            "/keep/",
            "raw/*.png",
            "home.md",
            "./raw/",
            "/home/me/x.md",
            ".obsidian/",
            "!raw/",
        ),
    ),
    "protect": (
        ("raw/", "!raw/keep/", "!Home.md", "*.md", "empty"),
        ("old/", "!raw/old/", "# a comment"),
    ),
    "write-paths": (("raw/", "!raw/keep/", "*.md"), ("old/", "!raw/old/")),
    "per-file-ignores": (("raw/**", "Home.md"), ("Daily/**", "Home")),
    "rules.orphan-note.ignore": (
        ("Home.*", "/Home.md", "raw/*Note.md", "keep/"),
        ("/Note.md", "keep/*", "Old.md"),
    ),
    "rules.duplicate-name.ignore": (("Home", "home", "SOURCE"), ("README", "Home.md", "map")),
    "allow-dangling": (
        ("Plan B", "Plan ?", "../**", "../out/y", "**/gone.png", "Old folder"),
        # these resolve, or are no links of the vault
        ("Home", "raw/Source", "Plan", "plan b", "https:**", "a.md", "20??-??-??"),
    ),
    "mentions.ignore": (
        (
            # names: a file's, a title, an alias, in any spelling
            *("home", "The house", "tcp/ip", "Source"),
            # notes and pairs of notes
            *("Home.md", "RAW/source.md", "Home.md -> raw/Source.md"),
            *("raw/", "raw/**", "!raw/keep/", "empty/"),
        ),
        (
            *("Plan B", "and/or", "raw", "raw/Source", "map"),
            *("Source.md", "map.md", "Home.md -> Source.md", "Home -> raw/Source"),
            *("old/", "/keep/", "raw/*.png"),
        ),
    ),
}
"""Setting to items that match something in `VAULT`, and items that do not."""


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = create_vault(tmp_path / "vault", VAULT)
    monkeypatch.chdir(folder)
    return folder


def describe(items: Sequence[str]) -> str:
    """Return the end of the line about items that match nothing, at most three."""
    verb = "matches" if len(items) == 1 else "match"
    return f"{', '.join(f'“{item}”' for item in items)} {verb} nothing in this vault"


@each(
    ("key", "item", "is_matched"),
    [
        (key, item, is_matched)
        for key, both in MATCHES.items()
        for items, is_matched in zip(both, (True, False), strict=True)
        for item in items
    ],
)
def test_config_names_the_items_that_match_nothing(
    run: RunCommand, vault: Path, key: str, item: str, is_matched: bool
) -> None:
    write_files(vault, {"vaultlink.toml": write_toml(make_values(key, [item]))})
    done = run("config")
    assert done.code == 0
    assert done.err == ("" if is_matched else f"{key}: {describe([item])}.\n")


def write_toml(values: Mapping[str, Any]) -> str:
    """Return settings as TOML, with each table in one line."""

    def write(value: Any) -> str:
        if isinstance(value, Mapping):
            return f"{{{', '.join(f'{json.dumps(key)} = {write(value[key])}' for key in value)}}}"
        return json.dumps(value, ensure_ascii=False)

    return "".join(f"{json.dumps(key)} = {write(value)}\n" for key, value in values.items())


def test_doctor_has_a_row_that_needs_no_attention(run: RunCommand, vault: Path) -> None:
    write_files(
        vault,
        {"vaultlink.toml": 'exclude = ["raw/"]\nprotect = ["old/"]\nallow-dangling = ["z"]\n'},
    )
    before = run("doctor", "--isolated", "--json").data
    done = run("doctor", "--json")
    assert isinstance(done.data, dict)
    assert isinstance(before, dict)
    rows = {row["check"]: row for row in done.data["checks"]}
    detail = f"protect: {describe(['old/'])}; allow-dangling: {describe(['z'])}"
    assert rows["unmatched"] == {
        "check": "unmatched",
        "attention": False,
        "detail": detail,
        "advice": "",
    }
    assert [row["check"] for row in done.data["checks"] if row["check"] != "unmatched"] == [
        row["check"] for row in before["checks"]
    ]
    assert done.data["attention"] == before["attention"]


def test_many_items_are_counted(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"vaultlink.toml": f"exclude = {[f'{number}/' for number in range(9)]}\n"})
    assert run("config").err == (
        "exclude: “0/”, “1/”, “2/” and 6 more match nothing in this vault.\n"
    )
    assert "unmatched" in run("doctor", "--output-format", "page").out
    assert run("config", "--quiet").err == ""


def test_no_other_command_names_them(run: RunCommand, vault: Path) -> None:
    text = write_toml({"exclude": ["old/"], "allow-dangling": ["z"], "mentions": {"ignore": ["z"]}})
    write_files(vault, {"vaultlink.toml": text})
    for words in (("check",), ("fix", "--diff"), ("mentions",), ("unresolved",), ("links",)):
        done = run(*words)
        assert "nothing in this vault" not in done.out + done.err, words


@each("text", ["", "select = []\n", "[rules.orphan-note]\nignore = []\n"])
def test_defaults_and_empty_lists_are_not_named(run: RunCommand, vault: Path, text: str) -> None:
    write_files(vault, {"vaultlink.toml": text})
    assert run("config").err == ""
    assert "unmatched" not in run("doctor", "--json").out


def test_vault_without_notes_matches_nothing(run: RunCommand, tmp_path: Path) -> None:
    text = 'allow-dangling = ["z"]\n[mentions]\nignore = ["Home"]\n'
    folder = create_vault(tmp_path / "vault", {"map.png": "", "vaultlink.toml": text})
    assert run("config", "--vault", folder).err.splitlines() == [
        f"allow-dangling: {describe(['z'])}.",
        f"mentions.ignore: {describe(['Home'])}.",
    ]


def test_control_characters_of_an_item_are_escaped(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"vaultlink.toml": 'exclude = ["\\u001b[31m/"]\n'})
    for words in (("config",), ("doctor", "--output-format", "page")):
        done = run(*words)
        assert "\x1b" not in done.out + done.err


@each(
    ("text", "is_read"),
    [
        ({"exclude": ["old/"], "protect": ["!a/"], "per-file-ignores": {"b/": ["VL1"]}}, False),
        ({"rules": {"duplicate-name": {"ignore": ["c"]}, "orphan-note": {"ignore": ["c"]}}}, False),
        ({"mentions": {"ignore": ["raw/", "Home.md", "Home.md -> raw/Source.md"]}}, False),
        ({"mentions": {"ignore": ["Source"]}}, True),
        ({"allow-dangling": ["a"]}, True),
    ],
)
def test_notes_are_read_for_names_and_topics_only(
    vault: Path, text: Mapping[str, Any], is_read: bool
) -> None:
    reads = []

    def read_index() -> Index:
        reads.append(True)
        return build_state({}).index

    config = merge_layers([Layer("a.toml", text)], RULES)
    list(describe_unmatched_items(VaultNames(scan_vault(vault), read_index), RULES, config))
    assert bool(reads) is is_read
