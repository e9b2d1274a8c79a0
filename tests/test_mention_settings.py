"""Tests of the settings of `[mentions]`, and of the list of what is never linked."""

import tomllib

from tables import each
from vaultlink.config.layers import Layer
from vaultlink.config.mention_settings import (
    ARROW,
    ignore_mentions,
    parse_ignored,
)
from vaultlink.config.settings import MENTIONS_DEFAULTS, merge_layers
from vaultlink.disk.read import load_rules
from vaultlink.mentions.mention import MentionOptions
from vaultlink.rules.registry import build_catalog

RULES = build_catalog(load_rules(examples=False))


def read_mentions(*values: dict[str, object]) -> dict[str, object]:
    """Return the settings of `[mentions]` that files with these values lead to."""
    layers = [Layer(f"{number}.toml", {"mentions": value}) for number, value in enumerate(values)]
    return dict(merge_layers(layers, RULES).mentions)


def test_defaults_are_those_of_the_engine() -> None:
    options = MentionOptions()
    assert read_mentions() == {
        "min-score": options.min_score,
        "headings": options.headings,
        "each-section": options.each_section,
        "cjk": options.cjk,
        "ignore": (),
    }
    assert list(read_mentions()) == list(MENTIONS_DEFAULTS)


def test_tables_are_merged_by_key_and_lists_replaced() -> None:
    merged = read_mentions({"min-score": 1, "ignore": ["a"]}, {"ignore": ["b"], "cjk": True})
    assert (merged["min-score"], merged["ignore"], merged["cjk"]) == (1.0, ("b",), True)


NOTES, PAIRS = frozenset[str](), frozenset[tuple[str, str]]()


@each(
    ("item", "expected"),
    [
        ("mode", (NOTES, PAIRS)),
        ("Mode of life", (NOTES, PAIRS)),
        ("a -> b", (NOTES, PAIRS)),
        ("a.md -> b", (NOTES, PAIRS)),
        ("Inbox.md", ({"Inbox.md"}, PAIRS)),
        ("Sub folder/Inbox.MD", ({"Sub folder/Inbox.MD"}, PAIRS)),
        ("a.md -> Sub/b.md", (NOTES, {("a.md", "Sub/b.md")})),
        ("b -> a.md", ({"b -> a.md"}, PAIRS)),
    ],
)
def test_entries_are_names_and_perhaps_notes_or_pairs(
    item: str, expected: tuple[object, ...]
) -> None:
    assert tuple(parse_ignored([item])) == ({item}, *expected, ())


@each(
    ("item", "is_folder"),
    [
        ("raw/", True),
        ("/raw/", True),
        ("!raw/keep/", True),
        ("raw/**", True),
        ("**/drafts/**", True),
        ("raw/*.md", True),
        (" raw/ ", True),
        ("TCP/IP", False),
        ("and/or", False),
        ("and/or?", False),
        ("raw", False),
        ("raw/notes", False),
        ("A* search", False),
        ("Sub/[Draft] a.md", False),
        ("Sub/a*.md -> b.md", False),
    ],
)
def test_entry_with_a_slash_at_its_end_or_an_asterisk_is_also_a_folder(
    item: str, is_folder: bool
) -> None:
    ignored = parse_ignored([item])
    assert ignored.names == {item}
    assert ignored.folders == ((item.strip(),) if is_folder else ())


def test_folders_keep_their_order() -> None:
    assert parse_ignored(["raw/", "mode", "!raw/keep/"]).folders == ("raw/", "!raw/keep/")


def test_pair_is_read_as_it_is_written() -> None:
    assert parse_ignored([f"a.md{ARROW}b c.md"]).pairs == {("a.md", "b c.md")}


CONFIGURATIONS = {
    "empty": ("", '[mentions]\nignore = ["New"]\n'),
    "other table": (
        "select = []\n[backlinks]\nmode = 'off'  # never\n",
        "select = []\n[backlinks]\nmode = 'off'  # never\n\n[mentions]\nignore = [\"New\"]\n",
    ),
    "table without the key": (
        "[mentions]\ncjk = true\n\n[severity]\n",
        '[mentions]\ncjk = true\nignore = ["New"]\n\n[severity]\n',
    ),
    "comments and layout": (
        "[mentions]\nignore = [\n  'x', # why\n]\n# end\n",
        "[mentions]\nignore = [\n  'x', # why\n  \"New\",\n]\n# end\n",
    ),
    "there already": ("[mentions]\nignore = ['New']", "[mentions]\nignore = ['New']"),
    "inline table": ("mentions = {cjk = true}\n", 'mentions = {cjk = true,ignore = ["New"]}\n'),
    "carriage returns": (
        "[mentions]\r\ncjk = true\r\n",
        '[mentions]\r\ncjk = true\r\nignore = ["New"]\r\n',
    ),
    "no table": ("mentions = 3\n", None),
    "no list": ("[mentions]\nignore = 'New'\n", None),
    "not TOML": ("[mentions\n", None),
}


@each(("text", "expected"), CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_entry_is_inserted_and_all_else_kept(text: str, expected: str | None) -> None:
    assert ignore_mentions(text, ["New"]) == expected


def test_entries_are_inserted_in_the_table_of_pyproject() -> None:
    text = "[tool.vaultlink]\nselect = []\n\n[tool.y]\na = 1\n"
    after = ignore_mentions(text, ["a", "b.md -> c.md"], ("tool", "vaultlink"))
    assert after is not None
    expected = {"select": [], "mentions": {"ignore": ["a", "b.md -> c.md"]}}
    assert tomllib.loads(after)["tool"] == {"vaultlink": expected, "y": {"a": 1}}
    assert ignore_mentions("[tool.y]\n", ["a"], ("tool", "vaultlink")) is None
