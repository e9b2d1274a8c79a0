"""Tests of `step`: after random changes the state equals a rebuild."""

import random
from collections.abc import Sequence
from functools import cached_property

import pytest
from msgspec.structs import replace

from builder import RULES, build_state, collect_findings, compute_all_maps, make_settings
from exploring import choose_seeds
from tables import each
from vaultlink.config.layers import Layer
from vaultlink.config.settings import merge_layers
from vaultlink.disk.cache import Cache
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import Change, Presence, State, step
from vaultlink.index.index import Index
from vaultlink.index.suggest import find_affected_sources
from vaultlink.index.update import files_with_changed_names, update
from vaultlink.links.style import find_notes_with_other_style
from vaultlink.model import Diagnostic
from vaultlink.rules.registry import select_rules
from vaultlink.write.cache import save_result

NAMES = ("a", "b", "A b", "a_b", "c", "é")
FOLDERS = ("", "x/", "x/y/", "z/")
SOURCES = (".md", ".canvas")
PATHS = [folder + name + ".md" for folder in FOLDERS for name in NAMES] + [
    "p.png",
    "x/p.png",
    "z/x/p.png",
    "z/board.canvas",
]
LINES = (
    "[[a]]",
    "[[b|shown]]",
    "[[x/a]]",
    "![[p.png]]",
    '<img src="x/p.png"> <img src="../p.png">',
    '<img src="/x/p.png"> <img src="y/p.png"> ![p](/x/p.png)',
    "[[../a]]",
    "[[c#One]]",
    "[[a#^k1]]",
    "# One",
    "## Two",
    "text ^k1",
    "[t](a_b.md)",
    "[[A b]]",
    "[[Nick]]",
    "[[Title One]]",
    "[[a b]]",
    "[[/x/a]]",
    "[[É]]",
    "%%vaultlink-disable VL1%%",
    "#tag",
    "[[A b]",
    "[x](a b.md)",
    "[[x/y/c]]",
    "`[[a]]`",
    "[[missing]]",
    "one[^1] two[^a]",
    "\n[^1]: text[^2]\n",
    "Add backlinks using these topics:",
    '\n```dataview\nLIST FROM "w" or [[old]] or "x/Nick" or "x/y" or "missing"\n```\n',
    '\n```base\nfilters: file.inFolder("w/v") || file.hasLink("old") || file.path == "w/a.md"\n```\n',
)
PROPERTIES = (
    "",
    "---\naliases: [Nick]\n---\n",
    "---\ntitle: Title One\n---\n",
    '---\nup: "[[a]]"\n---\n',
    "---\ntitle: a b\nalias: x\n---\n",
    "---\nup: [[c|x]]\nside: [[[é]], [[x/b]]]\n---\n",
)
CANVAS = '{"nodes":[{"id":"1","type":"file","file":"a.md"},{"id":"2","type":"text","text":"[[b]] [[gone]]"}]}'
ODD = [
    folder + name
    for folder in (
        "",
        "X/",
        "x/",
        "x/Y/",
        "x/y/",
        "a: b/",
        "A: B/c/",
        "\u00e9/",
        "e\u0301/",
        "\u00c9/s. /",
    )
    for name in (
        "con.md",
        "a?.md",
        "A?.md",
        "Plan.md",
        "plan.md",
        "PLAN.png",
        "\u00e9.md",
        "e\u0301.md",
        "\u00c9.png",
        "C#.md",
        "\u03a3.md",
        "a (Conflicted copy Phone 202401311015).md",
        "p.sync-conflict-20240131-101500-ABCDEF7.png",
        "t. ",
    )
]
"""Names that other systems refuse, that are one where case and Unicode form don't count, and those of copies."""
EVERYTHING = make_settings(
    ["ALL"],
    options={"required-link": {"indexes": ["a.md", "A b.md"], "min-listed": 10}},
    moves={
        "old.md": "b.md",
        "x/Nick.md": "x/y/c.md",
        "missing.md": "z/a.md",
        "w/a.md": "x/y/a.md",
        "w/b.md": "x/y/b.md",
        "w/v/c.md": "z/c.md",
    },
)
NEAR_NAMES = (
    "Plan",
    "Plans",
    "Paln",
    "Meeting notes",
    "Meetng notes",
    "Meeting notse",
    "Conservation of energy",
    "Conversation of energy",
    "Idea",
    "01 Idea",
)
NEAR_PATHS = [
    *(
        folder + name + ".md"
        for folder in ("", "a/", "a/b/", "d/", "Meetng/")
        for name in NEAR_NAMES
    ),
    *("Home.md", "Log.md", "Day.md", "d/Log.md", "Plan", "a/Idea", "d/Paln.png", "Board.canvas"),
]
"""Names near one another, so that the same link is a mistake at one time and a plan at another."""
NEAR_LINES = (
    *(f"[[{name}]]" for name in NEAR_NAMES),
    *(
        f"[[{folder}{name}]]"
        for folder in ("a/", "d/", "/a/b/", "../", "Meetng/")
        for name in NEAR_NAMES
    ),
    "[[Meetng notes#June]]",
    "[[Meeting ntoes]] and [[Conservaton of energy]]",
    "[[meetng-notes|then]] ![[Paln]] [x](Paln.md) [y](a/b/Paln.md)",
    "[[Coversation of enrgy]] [[Conversation]] [[Meetng]] [[Plnas]]",
    "[[Meetng notes of June]] [[Conversation of June]] [[Palns of June]]",
    "[[a/Home]] [[b/Home]] [[e/Home]] [[a/b/New]] [[New]]",
    "# Meetng",
    "## On conversation",
    "# Palns, paln and notse",
)
NEAR_PROPERTIES = (
    *("",) * 6,
    "---\naliases: [Meeting notse, Plnas]\n---\n",
    "---\ntitle: Conversation of energy\n---\n",
    "---\ntitle: Meetng notes\naliases: Conservation of energy\n---\n",
)
NEAR_CANVAS = '{"nodes":[{"id":"1","type":"file","file":"a/Plan.md"},{"id":"2","type":"text","text":"[[Paln]] [[a/Meetng notes]]"}]}'
NEAR_SETTINGS = {
    "both rules": make_settings(["dangling-link"]),
    "one": make_settings(["planned-note"]),
    "all": make_settings(["ALL"], deleted=["d/Plan.md"], moves={"Plnas.md": "a/Plans.md"}),
    "paths": make_settings(["dangling-link"], app={"newLinkFormat": "absolute"}),
}
NAMES_ONLY = make_settings(["unportable-name", "sync-conflict", "dangling-link", "unused-ignore"])


DERIVED = sorted(name for name, made in vars(Index).items() if isinstance(made, cached_property))


def some_text(dice: random.Random, path: str) -> str:
    """Generate a small note of unusual links, headings and properties, or a canvas."""
    is_near = path in NEAR_PATHS
    if path.endswith(".canvas"):
        return dice.choice((NEAR_CANVAS if is_near else CANVAS, '{"nodes":[]}', "{"))
    properties, lines = (NEAR_PROPERTIES, NEAR_LINES) if is_near else (PROPERTIES, LINES)
    return dice.choice(properties) + "".join(
        dice.choice(lines) + "\n" for _ in range(dice.randint(0, 6))
    )


def some_changes(
    dice: random.Random, vault: dict[str, str], paths: Sequence[str] = PATHS
) -> list[Change]:
    """Draw a batch of creations, edits, deletions and renames, and apply it to the vault."""
    changes = {}
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        path = dice.choice(paths)
        if path in vault and dice.random() < 0.4:
            text = vault.pop(path)
            changes[path] = Change(path, Presence.GONE)
            other = dice.choice(paths)
            if (
                dice.random() < 0.5
                and other not in vault
                and other.rpartition(".")[2] == path.rpartition(".")[2]
            ):
                vault[other] = text
                changes[other] = arrival(other, text)
        else:
            vault[path] = some_text(dice, path) if path.endswith(SOURCES) else ""
            changes[path] = arrival(path, vault[path])
    return list(changes.values())


def arrival(path: str, text: str) -> Change:
    """Return a created or changed file."""
    return Change(path, text if path.endswith(SOURCES) else Presence.ATTACHMENT)


def assert_same(kept: State, fresh: State) -> None:
    """Assert that the updated state equals a rebuild, derived maps included."""
    assert dict(kept.index.targets) == dict(fresh.index.targets)
    assert dict(kept.index.names) == dict(fresh.index.names)
    assert kept.index.files == fresh.index.files
    assert {path: kept.index.notes[path] for path in kept.index.notes} == {
        path: fresh.index.notes[path] for path in fresh.index.notes
    }
    for derived in DERIVED:
        if derived != "files_by_path":
            assert getattr(kept.index, derived) == getattr(fresh.index, derived), derived
    assert kept.index.files_by_path.group_all() == fresh.index.files_by_path.group_all()
    assert collect_findings(kept) == collect_findings(fresh)
    assert dict(kept.all_findings) == dict(fresh.all_findings)
    assert dict(kept.tallies) == dict(fresh.tallies)


@each("seed", choose_seeds(20))
def test_state_equals_a_rebuild_after_every_random_step(seed: int) -> None:
    dice = random.Random(seed)
    vault: dict[str, str] = {}
    state = State(EVERYTHING)
    for _ in range(25):
        state = step(state, some_changes(dice, vault))
        assert_same(state, build_state(vault, EVERYTHING))


@pytest.mark.thorough
@each("seed", choose_seeds(12))
def test_findings_on_unusual_names_are_updated(seed: int) -> None:
    dice = random.Random(2000 + seed)
    vault: dict[str, str] = {}
    state = State(NAMES_ONLY)
    for _ in range(40):
        state = step(state, some_changes(dice, vault, ODD))
        assert_same(state, build_state(vault, NAMES_ONLY))


@pytest.mark.thorough
@each("name", NEAR_SETTINGS)
@each("seed", choose_seeds(10))
def test_mistakes_and_plans_are_updated(seed: int, name: str) -> None:
    """A file, a heading or an unresolved link elsewhere makes a plan of a mistake, and back."""
    dice = random.Random(4000 + seed)
    vault: dict[str, str] = {}
    settings = NEAR_SETTINGS[name]
    state = State(settings)
    paths = dice.sample(NEAR_PATHS, 12)
    for _ in range(40):
        state = step(state, some_changes(dice, vault, paths))
        assert_same(state, build_state(vault, settings))


def test_mistake_is_a_plan_as_soon_as_its_folder_exists() -> None:
    state = build_state({"Home.md": "[[new/Plan]]"}, NEAR_SETTINGS["paths"])
    after = step(state, [arrival("new/Log.md", "")])
    rules = [[item.rule for item in collect_findings(it)] for it in (state, after)]
    assert rules == [["dangling-link"], ["planned-note"]]


@pytest.mark.thorough
@each("seed", choose_seeds(5))
def test_state_is_immutable(seed: int) -> None:
    """Later states share derived data of its index."""
    dice = random.Random(3000 + seed)
    vault: dict[str, str] = {}
    states = [(State(EVERYTHING), build_state({}, EVERYTHING))]
    for _ in range(25):
        compute_all_maps(states[-1][0].index)
        state = step(states[-1][0], some_changes(dice, vault, PATHS + ODD))
        states.append((state, build_state(vault, EVERYTHING)))
    for kept, fresh in states:
        assert_same(kept, fresh)


def test_warm_index_passes_on_derived_data() -> None:
    state = build_state({"a.md": "[[b]]\n", "b.md": "", "x/b.md": ""}, EVERYTHING)
    compute_all_maps(state.index)
    after = step(state, [Change("c.md", "[[a]]\n"), Change("x/b.md", Presence.GONE)]).index
    assert set(DERIVED) <= vars(after).keys()


def test_name_checks_run_only_for_affected_files() -> None:
    before = build_state(
        {"x/a.md": "", "x/b.md": "", "x/c.md": "", "X/d.md": "", "y/e.md": "", "X/B.md": ""},
        EVERYTHING,
    ).index
    edited = step(State(EVERYTHING, before), [Change("x/c.md", "[[e]]\n")]).index
    renamed = step(
        State(EVERYTHING, before), [Change("x/b.md", Presence.GONE), Change("z/b.md", "")]
    ).index
    assert files_with_changed_names(before, edited, ["x/c.md"]) == set()
    assert files_with_changed_names(before, renamed, ["x/b.md", "z/b.md"]) == {
        "X/B.md",
        "x/a.md",
        "z/b.md",
    }


@pytest.mark.thorough
@each("seed", choose_seeds(10))
def test_nothing_outside_the_affected_notes_changes(seed: int) -> None:
    """Rebuilds before and after an edit differ only in the findings of affected notes."""
    dice = random.Random(1000 + seed)
    paths = PATHS if seed % 2 else NEAR_PATHS
    vault = {path: some_text(dice, path) for path in paths if path.endswith(".md")}
    before = build_state(vault, EVERYTHING)
    for _ in range(10):
        path = dice.choice(sorted(vault))
        vault[path] = some_text(dice, path)
        after = build_state(vault, EVERYTHING)
        index, affected = update(before.index, {path: after.index.notes[path]}, {path: True})
        affected |= find_affected_sources(before.index, index, [path])
        affected |= find_notes_with_other_style(before.index, index, EVERYTHING.obsidian)
        for other in vault.keys() - affected - {path}:
            assert by_notes(before, other) == by_notes(after, other)
        before = after


def by_notes(state: State, path: str) -> list[Diagnostic]:
    """Return the findings of the checks of single notes."""
    return [
        item
        for item in state.all_findings.get(path, ())
        if state.settings.scope_by_rule[item.rule] != "vault"
    ]


def test_empty_step_changes_nothing() -> None:
    state = build_state({"a.md": "[[b]]\n", "b.md": ""}, EVERYTHING)
    again = step(state, [])
    assert_same(again, state)


def test_note_that_is_no_island_any_more_keeps_its_other_findings() -> None:
    settings = make_settings(["dangling-link", "island"])
    vault = {
        "a.md": "[[b]] [[c]]",
        "b.md": "",
        "c.md": "",
        "x.md": "[[gone.pdf]] [[y]]",
        "y.md": "",
    }
    after = step(build_state(vault, settings), [Change("z.md", "[[y]] [[a]]")])
    assert_same(after, build_state({**vault, "z.md": "[[y]] [[a]]"}, settings))


def test_order_of_changes_in_a_batch_makes_no_difference() -> None:
    vault = {
        "a.md": "[[b]]\n[[c#H]]\n",
        "x/b.md": "# H\n",
        "c.md": "# H\n",
        "b.md": "[[Nick]]\n",
        "p.png": "",
    }
    changes = [arrival(path, text) for path, text in vault.items()]
    forwards = step(State(EVERYTHING), changes)
    assert_same(step(State(EVERYTHING), changes[::-1]), forwards)


# -- ignores ------------------------------------------------------------------------------------------------------


@each(
    ("text", "lines"),
    [
        ("[[no]]\n", [1]),
        ("%%vaultlink-disable%%\n[[no]]\n", []),
        ("%%vaultlink-disable VL101%%\n[[no]]\n%%vaultlink-enable VL101%%\n[[no]]\n", [4]),
        ("<!-- vaultlink-disable dangling-link -->\n[[no]]\n", []),
        ("[[no]] %%vaultlink-disable-line VL1%%\n[[no]]\n", [2]),
        ("%%vaultlink-disable-next-line%%\n[[no]]\n[[no]]\n", [3]),
        ("[[no]]\n\n%%vaultlink-disable-file VL101, VL102%%\n", []),
        ("[[no]]\n%%vaultlink-disable VL101%%\n[[no]]\n", [1]),
        ("---\nvaultlink:\n  ignore: [VL101]\n---\n[[no]]\n", []),
        ("```\n%%vaultlink-disable-file%%\n```\n[[no]]\n", [4]),
        ("`%%vaultlink-disable-file%%` [[no]]\n", [1]),
    ],
)
def test_suppressions_apply_to_their_rules_and_lines(text: str, lines: list[int]) -> None:
    state = build_state({"n.md": text}, make_settings(["dangling-link"]))
    assert [item.line for item in collect_findings(state)] == lines


@each(
    ("text", "unused"),
    [
        ("%%vaultlink-disable-line VL101%% fine\n", 1),
        ("%%vaultlink-disable-line VL101%% [[no]]\n", 0),
        (
            "%%vaultlink-disable-line orphan-note%% fine\n",
            0,
        ),  # the rule does not run: nothing is known of it
        ("%%vaultlink-disable VL101%%\n%%vaultlink-enable VL101%%\n[[no]]\n", 1),
    ],
)
def test_unused_suppression_is_reported(text: str, unused: int) -> None:
    state = build_state({"n.md": text}, make_settings(["dangling-link", "unused-ignore"]))
    assert sum(item.rule == "unused-ignore" for item in collect_findings(state)) == unused


def test_unused_suppression_is_named_though_a_later_one_is_used() -> None:
    pair = "%%vaultlink-disable VL101%%\n{}\n%%vaultlink-enable VL101%%\n"
    for texts, unused in (
        (("fine", "[[no]]"), [1]),
        (("[[no]]", "fine"), [4]),
        (("[[no]]",) * 2, []),
    ):
        note = "".join(map(pair.format, texts))
        state = build_state({"n.md": note}, make_settings(["dangling-link", "unused-ignore"]))
        assert [item.line for item in collect_findings(state)] == unused


# -- the cache ----------------------------------------------------------------------------------------------------


@each("damage", ["truncated", "flipped", "foreign", "empty"])
def test_damaged_cache_is_ignored(damage: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    cache = Cache(tmp_path, tmp_path / "vault")
    save_result(cache, b"q" * 16, b"answer")
    assert cache.load_result(b"q" * 16) == b"answer"
    assert cache.load_result(b"r" * 16) is None
    (file,) = tmp_path.glob("*/answer")
    whole = file.read_bytes()
    file.write_bytes(
        {
            "truncated": whole[:-3],
            "flipped": whole[:-1] + bytes([whole[-1] ^ 1]),
            "foreign": b"something else",
            "empty": b"",
        }[damage]
    )
    assert cache.load_result(b"q" * 16) is None


def test_linter_settings_contain_every_rule() -> None:
    assert isinstance(EVERYTHING, LinterSettings)
    assert select_rules(RULES, ["ALL"]) == EVERYTHING.config.enabled


IDLE = {
    "x/a.md": "%%vaultlink-disable VL101%%\nAll is well.\n",
    "y/a.md": "%%vaultlink-disable VL101%%\nAll is well.\n",
}


@each(
    "values",
    [
        {"exclude": ["x/**"]},
        {"per-file-ignores": {"x/**": ["unused-ignore"]}},
        {"per-file-ignores": {"x/**": ["dangling-link"]}},
    ],
    ids=[
        "a note that is not looked at",
        "a rule that is not asked of it",
        "a rule of which an ignore is not asked",
    ],
)
def test_suppression_of_an_excluded_rule_is_not_reported(values: dict[str, object]) -> None:
    base = LinterSettings.build(RULES, merge_layers([Layer("test", values)], RULES))
    state = step(State(base), [Change(path, text) for path, text in IDLE.items()])
    assert {path: [item.rule for item in items] for path, items in state.diagnostics.items()} == {
        "y/a.md": ["unused-ignore"]
    }


# -- precedence -------------------------------------------------------------------------------------------------------

LINK_TO_SELF = {"A.md": "[[a]]\n\n[[b#x|b > x]]\n", "B.md": ""}


@each(
    ("select", "rules"),
    [
        (["self-link", "case-mismatch"], ["self-link", "case-mismatch"]),
        (["case-mismatch"], ["case-mismatch", "case-mismatch"]),
        (
            ["missing-heading", "case-mismatch", "redundant-display"],
            ["case-mismatch", "missing-heading"],
        ),
        (["redundant-display"], ["redundant-display"]),
    ],
)
def test_one_rule_reports_a_link(select: list[str], rules: list[str]) -> None:
    found = collect_findings(build_state(LINK_TO_SELF, make_settings(select)))
    assert [item.rule for item in found] == rules


def test_rule_ignored_at_a_path_takes_precedence_there() -> None:
    base = make_settings(["self-link", "case-mismatch"])
    ignores = ((lambda path: path == "A.md", frozenset({"self-link"})),)
    state = build_state(LINK_TO_SELF, replace(base, per_path_ignores=ignores))
    assert [item.rule for item in collect_findings(state)] == ["case-mismatch"]
    assert [item.start for item in collect_findings(state)] == [7]


def test_suppressed_finding_takes_precedence() -> None:
    text = "[[a]] <!-- vaultlink-disable-line self-link -->\n"
    state = build_state({"A.md": text}, make_settings(["self-link", "case-mismatch"]))
    assert collect_findings(state) == []


def test_links_of_one_canvas_card_are_told_apart() -> None:
    card = '{"nodes": [{"id": "1", "type": "text", "text": "[[alias]] and [[nowhere]]"}]}'
    vault = {"a.canvas": card, "B.md": "---\naliases: [alias]\n---\n"}
    state = build_state(vault, make_settings(["alias-link", "dangling-link"]))
    assert sorted(item.rule for item in collect_findings(state)) == ["alias-link", "planned-note"]
