"""Tests of the fixes of links by title, alias and spelling: safe only where nothing else can be meant."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from builder import RULES as RULES_CATALOG
from builder import VaultFiles, build_state, compute_all_maps, make_settings
from tables import each
from vaultlink.config.layers import Layer
from vaultlink.config.settings import merge_layers
from vaultlink.disk.scan import scan_vault
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import Change, Presence, State, step
from vaultlink.fix.dangling import find_dangling_fix
from vaultlink.fix.sources import FixAnswers, FixInputs
from vaultlink.index.file_kinds import find_copied_folders
from vaultlink.index.suggest import Suggester
from vaultlink.links.naming import find_named_by_display
from vaultlink.model import UNRESOLVED, Diagnostic, Safety
from vaultlink.report.listings import topic_rows

RULES = ("title-link", "alias-link", "respelt-link")


def settings(vaults: Sequence[str] = ()) -> LinterSettings:
    base = make_settings(("VL1", "VL4"))
    return replace(base, obsidian=replace(base.obsidian, vaults=tuple(vaults)))


def judge(state: State) -> Iterator[str]:
    """Yield note, rule and safety of each finding on an unresolved link; `none` without a fix.

    The rule is `other` unless the link names a note by its title, alias or spelling.
    """
    for path in sorted(state.diagnostics):
        for item in state.diagnostics[path]:
            if item.about in UNRESOLVED or item.known_as == "dangling-link":
                safety = item.fix.safety.value if item.fix and item.fix.edits else "none"
                rule = item.rule if item.rule in RULES else "other"
                yield f"{path}: {rule} {safety}"


def titled(title: str) -> str:
    return f"---\ntitle: {title}\n---\n"


def aliased(*aliases: str) -> str:
    return f"---\naliases: [{', '.join(aliases)}]\n---\n"


# -- nested vaults ---------------------------------------------------------------------------------

BORDERS: list[tuple[str, VaultFiles, str]] = [
    ("into", {"a.md": "[[The Plan]]", "in/p.md": titled("The Plan")}, "a.md: title-link unsafe"),
    (
        "out of",
        {"in/a.md": "[[The Plan]]", "p.md": titled("The Plan")},
        "in/a.md: title-link unsafe",
    ),
    (
        "between two",
        {"in/a.md": "[[The Plan]]", "other/in/p.md": titled("The Plan")},
        "in/a.md: title-link unsafe",
    ),
    (
        "alias, deeper",
        {"in/b/a.md": "[[Our Plan]]", "in.md": aliased("Our Plan")},
        "in/b/a.md: alias-link unsafe",
    ),
    (
        "inside",
        {"in/a.md": "[[The Plan]]", "in/p.md": titled("The Plan")},
        "in/a.md: title-link safe",
    ),
    ("outside", {"a.md": "[[The Plan]]", "x/p.md": titled("The Plan")}, "a.md: title-link safe"),
    (
        "a folder whose name only begins alike",
        {"inside/a.md": "[[Our Plan]]", "inside/p.md": aliased("Our Plan")},
        "inside/a.md: alias-link safe",
    ),
]


@each(("vault", "found"), [case[1:] for case in BORDERS], ids=[c[0] for c in BORDERS])
def test_border_of_a_nested_vault_makes_a_fix_unsafe(vault: VaultFiles, found: str) -> None:
    assert list(judge(build_state(vault, settings(["in", "other/in"])))) == [found]


NEAR: list[tuple[str, VaultFiles, str]] = [
    ("into", {"a.md": "[[Harbor Office]]", "in/Harbour Office.md": ""}, "planned-note"),
    ("out of", {"in/a.md": "[[Harbor Office]]", "Harbour Office.md": ""}, "planned-note"),
    ("inside", {"in/a.md": "[[Harbor Office]]", "in/Harbour Office.md": ""}, "dangling-link"),
    ("outside", {"a.md": "[[Harbor Office]]", "x/Harbour Office.md": ""}, "dangling-link"),
    (
        "inside too",
        {"a.md": "[[Harbor Office]]", "in/Harbour Office.md": "", "x/Harbour Office.md": ""},
        "dangling-link",
    ),
]


@each(("vault", "rule"), [case[1:] for case in NEAR], ids=[c[0] for c in NEAR])
def test_name_of_another_vault_is_not_near(vault: VaultFiles, rule: str) -> None:
    """Neither a sign of a mistake nor a suggestion crosses the border."""
    state = build_state(vault, settings(["in", "other/in"]))
    [finding] = [item for items in state.diagnostics.values() for item in items if item.target]
    assert finding.rule == rule
    [row] = topic_rows(state, state.index.derive(Suggester))
    assert row.kind == ("mistake" if rule == "dangling-link" else "planned")
    found = [item.path for item in row.suggestions]
    inside = finding.path.startswith("in/")
    assert bool(found) is (rule == "dangling-link")
    assert all(path.startswith("in/") is inside for path in found)


def test_scan_finds_nested_vaults(tmp_path: Path) -> None:
    for folder in (".obsidian", "a/b/.obsidian", "c"):
        (tmp_path / folder).mkdir(parents=True)
    assert scan_vault(tmp_path).obsidian.vaults == ("a/b",)


@each(
    ("link", "found"),
    [
        ("[[my note]]", "respelt-link safe"),
        ("[[[my note]]", "other none"),
        ("[[[[my note]]", "other none"),
    ],
)
def test_bracket_before_a_name_is_no_other_spelling(link: str, found: str) -> None:
    rules = make_settings(["dangling-link", "planned-note", "respelt-link"])
    state = build_state({"a.md": f"{link}\n", "my-note.md": ""}, rules)
    assert list(judge(state)) == [f"a.md: {found}"]


# -- folders that are copies -----------------------------------------------------------------------

TREE = ["a.md", "b.md", "x/c.md", "x/d.md", "x/e.md"]


def tree(folder: str, names: Sequence[str] = TREE) -> dict[str, str]:
    return {f"{folder}{name}": "" for name in names}


COPIES: list[tuple[VaultFiles, set[str]]] = [
    (tree("one/") | tree("two/"), {"one/", "two/"}),
    (tree("") | tree("archive/"), {"archive/"}),
    (tree("wiki/") | tree("old/wiki/") | tree("z/"), {"wiki/", "old/wiki/", "old/", "z/"}),
    (tree("one/") | tree("two/") | {f"two/{n}.md": "" for n in range(90)}, {"one/", "two/"}),
    (tree("one/", TREE[:4]) | tree("two/", TREE[:4]), set()),
    (tree("one/") | tree("two/x/"), {"one/", "two/x/"}),
    (
        tree("one/")
        | tree("two/")
        | {f"{f}/{f}{n}.md": "" for n in range(9) for f in ("one", "two")},
        set(),
    ),
    ({f"{n}/README.md": "" for n in range(40)}, set()),
    ({f"{n}/{name}.png": "" for n in range(2) for name in "abcdefg"}, set()),
    ({f"{f}/{n}.md": "" for f in "abcdefghi" for n in range(5)}, set()),
]


@each(("vault", "copies"), COPIES)
def test_folders_are_copies_if_their_notes_have_the_same_paths(
    vault: VaultFiles, copies: set[str]
) -> None:
    assert find_copied_folders(build_state(vault).index) == copies


@each(
    ("source", "target", "safety"),
    [
        ("one/a.md", "p.md", "unsafe"),
        ("h.md", "two/x/p.md", "unsafe"),
        ("one/x/c.md", "two/p.md", "unsafe"),
        ("one/x/c.md", "one/p.md", "safe"),
        ("h.md", "three/p.md", "safe"),
    ],
)
def test_border_of_a_copy_makes_a_fix_unsafe(source: str, target: str, safety: str) -> None:
    vault = tree("one/") | tree("two/") | {source: "[[The Plan]]", target: titled("The Plan")}
    assert list(judge(build_state(vault, settings()))) == [f"{source}: title-link {safety}"]


@pytest.mark.thorough
@each("seed", range(10))
def test_copied_folders_are_kept_up_to_date(seed: int) -> None:
    dice, base = random.Random(seed), settings()
    texts = {"h.md": "[[The Plan]]", "one/p.md": titled("The Plan"), "two/q.md": "[[The Plan]]"}
    paths = [*tree("one/"), *tree("two/"), "two/f.md", *texts]
    vault: dict[str, str] = {}
    state = State(base)
    for _ in range(60):
        path = dice.choice(paths)
        if path in vault and dice.random() < 0.3:
            del vault[path]
            state = step(state, [Change(path, Presence.GONE)])
        else:
            vault[path] = texts.get(path, "")
            state = step(state, [Change(path, vault[path])])
        fresh = build_state(vault, base)
        assert dict(state.diagnostics) == dict(fresh.diagnostics)
        assert find_copied_folders(state.index) == find_copied_folders(fresh.index)


# -- periodic notes --------------------------------------------------------------------------------


@each(
    "name",
    [
        "2022-05-18",
        "2024-W05",
        "2024-Q3",
        "2024-11",
        "20240518",
        "2024.05.18",
        "2024_05_18",
        "2024w05",
    ],
)
def test_title_is_not_meant_by_the_name_of_a_period(name: str) -> None:
    vault = {"a.md": f"[[{name}]]", "diary/@n.md": titled(f'"{name}"')}
    assert [line.split()[-1] for line in judge(build_state(vault, settings()))] == ["none"]


@each("name", ["1984", "2024-13-01", "2024-05-18 Meeting", "Week 5", "12-05-18"])
def test_title_with_numbers_is_meant(name: str) -> None:
    vault = {"a.md": f"[[{name}]]", "diary/@n.md": titled(f'"{name}"')}
    assert list(judge(build_state(vault, settings()))) == ["a.md: title-link safe"]


def test_name_of_a_period_has_no_safe_fix() -> None:
    vault = {
        "a.md": "[[2022-05-18]] and [[2024 05 18]]",
        "n.md": aliased("2022-05-18"),
        "2024-05-18.md": "",
    }
    found = list(judge(build_state(vault, settings())))
    assert found == ["a.md: alias-link unsafe", "a.md: respelt-link unsafe"]


# -- aliases of one word ---------------------------------------------------------------------------


@each(
    ("text", "name", "alias", "safety"),
    [
        ("[[Pallas]]", "Nữ thần Athena", "Pallas", "unsafe"),
        ("[[Levi]]", "Chi tộc Levi", "Levi", "unsafe"),
        ("[[Zeus]]", "Thần Zeus", "Zeus", "unsafe"),
        ("[[Thor]] and [[Loki]]", "norse-god-thor", "Thor", "unsafe"),
        ("[[Bolt]]", "2019 Usain Bolt", "Bolt", "unsafe"),
        ("[[宙斯]]", "希腊神话的宙斯", "宙斯", "unsafe"),
        ("[[Thần Zeus]] là [[Jupiter]]", "Thần Zeus", "Jupiter", "unsafe"),
        ("[[Thần Zeus|Zeus]] và [[Zeus]]", "Thần Zeus", "Zeus", "safe"),
        ("[[Ann Lee]]\n\n[[Annie]]", "Ann Lee", "Annie", "safe"),
        ("[[Ann Lee]]\n\n[[Annie]]", "Ann B. Lee", "Annie", "unsafe"),
        ("[[Annie Lee]]", "Ann Lee", "Annie Lee", "safe"),
        ("[[Annie]]", "Ann", "Annie", "safe"),
        ("[[Annie]]", "202401311200 Ann", "Annie", "safe"),
        ("[[NASA]]", "National Aeronautics Space Administration", "NASA", "safe"),
        ("[[如何学习编程]]", "编程学习指南", "如何学习编程", "safe"),
    ],
)
def test_alias_of_one_word_is_certain_only_in_context(
    text: str, name: str, alias: str, safety: str
) -> None:
    vault = {"a.md": text, f"{name}.md": aliased(alias)}
    found = [line for line in judge(build_state(vault, settings())) if "alias-link" in line]
    assert found == [f"a.md: alias-link {safety}"]


# -- canvases and bases without their extension ----------------------------------------------------


@each(
    ("text", "files", "found"),
    [
        ("[[board]]", ["x/board.canvas"], "respelt-link safe"),
        ("![[Board]]", ["board.base"], "respelt-link safe"),
        ("[[x/board#Top|b]]", ["a/x/board.canvas"], "respelt-link safe"),
        ("[b](./board)", ["board.canvas"], "respelt-link safe"),
        ("[[board]]", ["x/board.canvas", "y/board.canvas"], "other none"),
        ("[[y/board]]", ["x/board.canvas", "y/board.canvas"], "respelt-link safe"),
        ("[[board]]", ["board.canvas", "board.base"], "other none"),
        ("[[board]]", ["board.png"], "other none"),
        ("[[boards]]", ["board.canvas"], "other none"),
        ("[[y/board]]", ["x/board.canvas"], "other none"),
        ("[[2024-05-18]]", ["2024-05-18.canvas"], "respelt-link unsafe"),
    ],
)
def test_extension_of_the_only_board_is_added(text: str, files: list[str], found: str) -> None:
    vault = {"a.md": text, **dict.fromkeys(files, "")}
    assert list(judge(build_state(vault, settings()))) == [f"a.md: {found}"]


def test_other_note_with_the_name_competes_with_a_board() -> None:
    vault = {"a.md": "[[The Board]]", "x/p.md": titled("The Board"), "The Board.canvas": ""}
    assert list(judge(build_state(vault, settings()))) == ["a.md: title-link unsafe"]


@each("seed", range(10))
def test_links_to_boards_are_kept_up_to_date(seed: int) -> None:
    dice, base = random.Random(100 + seed), settings()
    texts = {
        "a.md": "[[board]] and ![[x/board]]",
        "n.md": titled("Board"),
        "p.md": aliased("bóard"),
    }
    paths = ["board.canvas", "x/board.canvas", "board.base", "b-oard.md", "x/board.md", *texts]
    vault: dict[str, str] = {}
    state = State(base)
    for number in range(60):
        path = dice.choice(paths)
        if path in vault and dice.random() < 0.5:
            del vault[path]
            state = step(state, [Change(path, Presence.GONE)])
        else:
            vault[path] = texts.get(path, "")
            state = step(state, [Change(path, vault[path])])
        if number == seed * 6:
            compute_all_maps(state.index)
        assert dict(state.diagnostics) == dict(build_state(vault, base).diagnostics)


# -- accents ---------------------------------------------------------------------------------------


@each(
    ("target", "name", "found"),
    [
        ("Nhà Tân", "Nhà Tấn", "other none"),
        ("Triều đại Tân", "Triều đại Tấn", "other none"),
        ("Crème Brulee", "Crème Brûlée", "other none"),
        ("Nha Tan Han", "Nhà Tân Hán", "respelt-link safe"),
        ("Crème_Brûlée", "Crème Brûlée", "respelt-link safe"),
        ("Creme Brulee", "Crème Brûlée", "respelt-link safe"),
        ("Вчерашний чёрный хлеб", "вчерашний-черный-хлеб", "respelt-link safe"),
    ],
)
def test_other_accents_make_another_word(target: str, name: str, found: str) -> None:
    vault = {"a.md": f"[[{target}]]", f"{name}.md": ""}
    assert list(judge(build_state(vault, settings()))) == [f"a.md: {found}"]


# -- reports on unresolved links -------------------------------------------------------------------

REPORTS: list[tuple[str, str, bool]] = [
    ("WIKI-LINT-REPORT", "[[the plan]]", True),
    ("Broken links", "[[the plan]]", True),
    ("log/dead_links_2024", "[[the plan]]", True),
    ("断链报告", "[[the plan]]", True),
    ("Log", "# Broken Links\n\n[[the plan]]", True),
    ("Log", "# Unresolved wikilinks\n\n## In A\n\n[[the plan]]", True),
    ("Log", "# Missing pages\n\n# More\n\n[[the plan]]", False),
    ("Log", "[[the plan]]\n\n# Broken links\n", False),
    ("Linking report", "# Links\n\n[[the plan]]", False),
    ("Dead ends", "# The missing link in evolution\n\n[[the plan]]", False),
    ("Lint", "# Report\n\n[[the plan]]", False),
]


@each(("name", "text", "is_report"), REPORTS)
def test_links_in_a_report_are_not_fixed(name: str, text: str, is_report: bool) -> None:
    vault = {f"{name}.md": text, "the_plan.md": ""}
    found = [line for line in judge(build_state(vault, settings())) if "respelt" in line]
    assert found == [f"{name}.md: respelt-link {'none' if is_report else 'safe'}"]


@each(
    ("text", "is_reported"),
    [
        ("⚠️ [[old/plan of memory]]: 目标页面不存在", True),
        ("- [[old/plan of memory]] does not exist", True),
        ("The page [[old/plan of memory]] was not found.", True),
        ("[[old/plan of memory]] doesn’t resolve", True),
        ("[[old/plan of memory]] existiert nicht", True),
        ("[[old/plan of memory]] exists\n\nThe other does not exist", False),
        ("He found [[old/plan of memory]].", False),
        ("[[old/plan of memory|does not exist]]", False),
    ],
)
def test_link_that_its_line_calls_missing_gets_no_guess(text: str, is_reported: bool) -> None:
    vault = {"a.md": text, "new/plan of memory.md": ""}
    state = build_state(vault, settings())
    [item] = [item for item in state.diagnostics["a.md"] if item.about in UNRESOLVED]
    fix = find_dangling_fix(state, FixInputs(vault.get), item, FixAnswers())
    assert (fix is None) == is_reported


# -- trees of languages, courses and projects ------------------------------------------------------

GATE = "---\ntitle: Gateway of tides and ships\nslug: gate\n---\n"
TOR = "---\ntitle: Tor der Gezeiten\nslug: gate\n---\n"


@each(
    ("source", "target", "files", "guessed"),
    [
        # The file at the same path in the own language, or with the same name or slug.
        ("de/b.md", "gateway-of-tides-and-ships", {"en/g.md": GATE, "de/g.md": TOR}, "de/g"),
        ("de/b.md", "gateway-of-tides-and-ships", {"en/g.md": GATE, "de/x/g.md": TOR}, "de/x/g"),
        ("de/b.md", "gateway-of-tides-and-ships", {"en/g.md": GATE, "de/tor.md": TOR}, "de/tor"),
        (
            "docs/de/b.md",
            "Role of Memories",
            {"docs/en/Role of Memory.md": ""},
            "docs/en/Role of Memory",
        ),
        (
            "zh-CN/b.md",
            "gateway-of-tides-and-ships",
            {"en/g.md": GATE, "zh-CN/g.md": ""},
            "zh-CN/g",
        ),
        ("de/b.md", "gateway-of-tides-and-ships", {"en/g.md": GATE, "de/tor.md": ""}, "en/g"),
        ("en/b.md", "gateway-of-tides-and-ships", {"en/g.md": GATE, "de/g.md": TOR}, "en/g"),
        ("b.md", "gateway-of-tides-and-ships", {"en/g.md": GATE, "de/g.md": TOR}, "en/g"),
        # The note itself has the name in its language.
        ("de/g.md", "gateway-of-tides-and-ships", {"en/g.md": GATE}, ""),
        # In a course, only the name of a file says what is meant.
        (
            "math/b.md",
            "Role of Memories",
            {"art/Role of Memory.md": "", "math/Role of Memory.md": ""},
            "math/Role of Memory",
        ),
        (
            "x/math/b.md",
            "old/Roles of Memory",
            {f"x/{name}/old/Role of Memory.md": "" for name in ("a", "b", "c", "d", "math")},
            "x/math/old/Role of Memory",
        ),
        # A path is meant as it is.
        (
            "math/b.md",
            "y/art/Role",
            {"art/Role.md": "", "math/Role.md": "", "x/art/Role.md": ""},
            "",
        ),
        ("b/n.md", "x/a/old/Role", {"a/old/Role.md": "", "b/old/Role.md": ""}, "a/old/Role"),
        ("b/n.md", "x/a/old/Role", {"a/old/Role.md": "", "b/Role.md": ""}, "a/old/Role"),
        ("math/b.md", "gateway-of-tides-and-ships", {"art/g.md": GATE, "math/g.md": TOR}, "art/g"),
        (
            "x/b.md",
            "Role of Memories",
            {"art/Role of Memory.md": "", "math/Role of Memory.md": ""},
            "",
        ),
    ],
)
def test_guess_prefers_the_own_tree(
    source: str, target: str, files: dict[str, str], guessed: str
) -> None:
    own = files.get(source, TOR if source == "de/g.md" else "")
    assert guess({**files, source: f"{own}[[{target}]]"}, source) == guessed


# -- display texts that name a file ----------------------------------------------------------------


@each(
    ("text", "path"),
    [
        ("[[fear|_.state.fear]]", "_.state.fear.md"),
        ("[[The Plan|docs/the-plan]]", "docs/the-plan.md"),
        ("[[no-fear|a.no-fear]]", "a.no-fear.md"),
        ("[[missing|Plan]]", None),
        ("[[missing|My Plan]]", None),
        ("[[old-plan|the-plan]]", None),
        ("[[missing|2024-05-18]]", None),
        ("[[missing|1.5]]", None),
        ("[[missing|twice-there]]", None),
        ("![[missing|the-plan]]", None),
        ("[the-plan](missing)", None),
        ("[[a|a.md]]", None),
    ],
)
def test_display_text_is_the_file_of_some_programs(text: str, path: str | None) -> None:
    names = ["_.state.fear", "docs/the-plan", "a.no-fear", "Plan", "My Plan", "2024-05-18", "1.5"]
    names += ["a/twice-there", "b/twice-there"]
    vault = {f"{name}.md": "" for name in names} | {"h.md": text}
    index = build_state(vault).index
    [(link, _)] = index.resolved_links("h.md")
    assert find_named_by_display(link, "h.md", index) == path


@each(
    ("source", "target", "path", "is_found"),
    [
        ("a.md", "Plan of content", "in/030 Plan of content.md", False),
        ("in/a.md", "Plans of content", "Plan of content.md", False),
        ("in/a.md", "Plans of content", "in/b/Plan of content.md", True),
        ("a.md", "Plans of content", "inside/Plan of content.md", True),
        ("a.md", "old/Plan of content", "in/Plan of content.md", True),
    ],
)
def test_guess_does_not_cross_the_border_of_a_nested_vault(
    source: str, target: str, path: str, is_found: bool
) -> None:
    vault = {source: f"[[{target}]]", path: ""}
    state = build_state(vault, settings(["in"]))
    [item] = [item for item in state.diagnostics[source] if item.about in UNRESOLVED]
    fix = find_dangling_fix(state, FixInputs(vault.get), item, FixAnswers())
    assert (fix is not None) == is_found


STRAY = {"in/p.md": "", "in/q.md": "[[r]]", "r.md": ""}


@each(
    ("files", "rule"),
    [
        ({}, "planned-note"),
        ({"s.md": "[[p]] [[q]]"}, "dangling-link"),  # with that of `in/q.md`, three links cross
        ({"s.md": "[[p]]"}, "planned-note"),
        ({"in/s.md": "[[r]] [[in/p]]"}, "planned-note"),
        ({"s.md": "[[p]] [[q]] [[r]]"}, "dangling-link"),
        ({"s.md": "[[p]] [[q]]", "in/s.md": "[[p]]" * 60}, "planned-note"),
        ({"s.md": "[[p]] [[q]]", "t.md": "[[r]]" * 60}, "dangling-link"),
    ],
)
def test_nested_vault_is_no_border_where_links_cross_it(files: dict[str, str], rule: str) -> None:
    vault = {"a.md": "[[Plans of content]]", "in/Plan of content.md": "", **STRAY, **files}
    state = build_state(vault, settings(["in"]))
    [item] = [item for item in state.diagnostics["a.md"] if item.about in UNRESOLVED]
    fix = find_dangling_fix(state, FixInputs(vault.get), item, FixAnswers())
    assert (item.rule, fix is not None) == (rule, rule == "dangling-link")


def test_links_that_cross_a_border_later_are_seen() -> None:
    vault = {"a.md": "[[Plans of content]]", "in/Plan of content.md": "", **STRAY}
    known = settings(["in"])
    state = build_state(vault, known)
    for text in ("[[p]]", "[[p]] [[q]]", "[[r]]", "[[q]] [[p]] [[q]]", ""):
        vault["s.md"] = text
        state = step(state, [Change("s.md", text)])
        assert state.diagnostics == build_state(vault, known).diagnostics


def guess(vault: VaultFiles, source: str) -> str:
    """Return the path of the only guess for the unresolved link of a note; "" for none."""
    state = build_state(vault, settings())
    [item] = [item for item in state.diagnostics[source] if item.about in UNRESOLVED]
    fix = find_dangling_fix(state, FixInputs(vault.get), item, FixAnswers())
    return fix.title.partition("“")[2].rstrip("”") if fix else ""


@each(
    ("vault", "guessed"),
    [
        # The note itself has the title, so a note of the same title elsewhere is not meant.
        ({"a.md": titled("The plans") + "[[the-plans]]", "b.md": titled("The plans")}, ""),
        ({"a.md": titled("The plans") + "[[The plan]]", "b.md": titled("The plans")}, "b"),
        # In a hierarchy, a title says little without the names above it.
        ({"a.md": "[[open-plans]]", "x.y.z.md": titled("Open plan")}, ""),
        (
            {"a.md": "[[extraction-method]]", "x.y.z.extraction.md": titled("Extraction methods")},
            "",
        ),
        (
            {"a.md": "[[extraction-method]]", "v1.extraction.md": titled("Extraction methods")},
            "v1.extraction",
        ),
        (
            {"a.md": "[[x.y.extraction-method]]", "x.y.extraction-methods.md": ""},
            "x.y.extraction-methods",
        ),
        # The brackets of the line do not pair.
        ({"a.md": "[[Plans of content]] more ]]", "Plan of content.md": ""}, ""),
        ({"a.md": "- uscha[[Plans of content]][so [[x", "Plan of content.md": ""}, ""),
        ({"a.md": "[[Plans of content]]s\nmore ]]\n", "Plan of content.md": ""}, "Plan of content"),
    ],
)
def test_only_a_clear_answer_is_guessed(vault: VaultFiles, guessed: str) -> None:
    assert guess(vault, "a.md") == guessed


@each(
    ("titles", "found"),
    [
        ({}, "alias-link safe"),
        ({"c.md": "Our Plan"}, "alias-link none"),
        ({"b.md": "Our Plan"}, "alias-link safe"),
        ({"c.md": "Our Plans"}, "alias-link safe"),
    ],
)
def test_title_of_another_note_is_as_good_as_an_alias(titles: dict[str, str], found: str) -> None:
    vault = {"a.md": "[[Our Plan]]", "b.md": aliased("Our Plan")}
    for path, title in titles.items():
        names = "aliases: [Our Plan]\n" if path == "b.md" else ""
        vault[path] = f"---\ntitle: {title}\n{names}---\n"
    assert f"a.md: {found}" in list(judge(build_state(vault, settings())))


# -- other programs that read the notes ------------------------------------------------------------


@each(
    ("files", "programs", "linking"),
    [
        ((), (), ""),
        (("logseq/config.edn",), ("Logseq",), "Logseq"),
        (("logseq/config.edn", ".obsidian/app.json"), ("Logseq",), ""),
        (("dendron.yml", "a/b.md"), ("Dendron",), "Dendron"),
        (("mkdocs.yml",), ("MkDocs",), ""),
        (("docs/mkdocs.yml", "config.edn", "hugo.md"), (), ""),
    ],
)
def test_scan_finds_other_programs(
    tmp_path: Path, files: tuple[str, ...], programs: tuple[str, ...], linking: str
) -> None:
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("{}", encoding="utf-8")
    obsidian = scan_vault(tmp_path).obsidian
    assert (obsidian.programs, obsidian.linking_program) == (frozenset(programs), linking)


@each(("program", "safety"), [("Logseq", "unsafe"), ("Dendron", "unsafe"), ("", "safe")])
def test_no_fix_of_a_link_is_safe_if_another_program_resolves_it(program: str, safety: str) -> None:
    base = settings()
    other = replace(base, obsidian=replace(base.obsidian, linking_program=program))
    vault = {"a.md": "[[The Plan]] [[the_tide]]", "p.md": titled("The Plan"), "the tide.md": ""}
    assert list(judge(build_state(vault, other))) == [
        f"a.md: title-link {safety}",
        f"a.md: respelt-link {safety}",
    ]


@each(("program", "safety"), [("Logseq", "unsafe"), ("Dendron", "safe"), ("", "safe")])
def test_fixes_of_other_things_are_unsafe_in_logseq(program: str, safety: str) -> None:
    base = make_settings(["malformed-link"])
    known = replace(base, obsidian=replace(base.obsidian, linking_program=program))
    state = build_state({"a.md": "[Lone Peak]]", "Lone Peak.md": ""}, known)
    assert [item.fix and item.fix.safety for item in state.diagnostics["a.md"]] == [safety]


@each(
    ("properties", "rule"),
    [
        ("up: [[Lone Peak]]", "unquoted-property-link"),
        ("alias: Peak", "deprecated-property"),
        ("tags: paper, peak", "invalid-tag"),
        ("tags: [[a]], [[b]]", "invalid-frontmatter"),
    ],
)
@each(("program", "count"), [("Logseq", 0), ("Dendron", 1), ("", 1)])
def test_properties_that_logseq_reads_are_no_findings(
    properties: str, rule: str, program: str, count: int
) -> None:
    base = make_settings([rule])
    known = replace(base, obsidian=replace(base.obsidian, linking_program=program))
    state = build_state({"a.md": f"---\n{properties}\n---\n", "Lone Peak.md": ""}, known)
    assert [item.rule for item in state.diagnostics.get("a.md", ())] == [rule] * count


@each(
    ("program", "values", "severities"),
    [
        ("Logseq", {}, ("warning", "warning")),
        ("Logseq", {"dangling-link": "error"}, ("error", "warning")),
        ("Logseq", {"VL1": "error"}, ("error", "error")),
        ("Logseq", {"dangling-link": "info"}, ("info", "warning")),
        ("Dendron", {}, ("error", "error")),
        ("Dendron", {"dangling-embed": "warning"}, ("error", "warning")),
        ("", {}, ("error", "error")),
    ],
)
def test_severity_of_the_settings_wins(
    program: str, values: dict[str, str], severities: tuple[str, str]
) -> None:
    given = {"select": ["dangling-link", "dangling-embed"], "severity": values}
    config = merge_layers([Layer("vaultlink.toml", given)], RULES_CATALOG)
    base = LinterSettings.build(RULES_CATALOG, config)
    known = replace(base, obsidian=replace(base.obsidian, linking_program=program))
    state = build_state({"a.md": "[x](gone.md) ![[gone.png]]"}, known)
    assert tuple(item.severity for item in state.diagnostics["a.md"]) == severities


def test_severity_that_is_set_belongs_to_the_key_of_stored_findings() -> None:
    layers = [[], [Layer("vaultlink.toml", {"severity": {"dangling-link": "error"}})]]
    assert len({merge_layers(layer, RULES_CATALOG).digest() for layer in layers}) == 2


def make_logseq(*, has_settings: bool) -> LinterSettings:
    """Return the settings of a graph of Logseq, in which Obsidian resolves links if it has settings."""
    base = settings()
    linking = "" if has_settings else "Logseq"
    return replace(
        base,
        obsidian=replace(base.obsidian, programs=frozenset({"Logseq"}), linking_program=linking),
    )


BLOCK = "((65bf86fe-054d-4214-ba38-e4a2f6c076ea))"
PAGES = {
    "pages/a___b.md": "",
    "pages/c%2Fd.md": "",
    "pages/e%3Af.md": "",
    "pages/n.md": "title:: Night Sky\nid:: 1\nalias:: stars, [[Big Sky]]\n\nalias:: text\n",
    "pages/o.md": "- alias:: oak\n- alias is a word:: no\n",
    "pages/p.md": "---\nalias: pine\n---\nText\ntitle:: Late\n",
}


@each(
    ("link", "logseq", "obsidian"),
    [
        ("[[a/b]]", "", "error"),
        ("[[A/B]]", "", "warning"),  # a name with a slash
        ("[[c/d]]", "", "error"),
        ("[[e:f]]", "", "warning"),
        ("[[Night Sky]]", "", "warning"),
        ("[[stars]]", "", "warning"),
        ("[[big sky]]", "", "warning"),
        ("[[oak]]", "", "warning"),
        ("[[pine]]", "", "warning"),
        ("[[text]]", "warning", "warning"),  # below the page's properties
        ("[[Late]]", "warning", "warning"),
        ("[[no]]", "warning", "warning"),
        ("[[a/x]]", "warning", "error"),
        ("[x](gone.md)", "warning", "error"),
        ("![x](../assets/gone.png)", "warning", "error"),
        ("[x]([[Gone]])", "", ""),
        (f"[x]({BLOCK})", "", ""),
        (f"{BLOCK} {{{{embed {BLOCK}}}}}", "", ""),
        ("[x]((gone))", "warning", "error"),
    ],
)
def test_links_of_logseq(link: str, logseq: str, obsidian: str) -> None:
    for severity, has_settings in ((logseq, False), (obsidian, True)):
        state = build_state({"pages/x.md": link, **PAGES}, make_logseq(has_settings=has_settings))
        assert "".join(item.severity for item in list_unresolved(state, "pages/x.md")) == severity


def list_unresolved(state: State, path: str) -> list[Diagnostic]:
    return [item for item in state.diagnostics.get(path, ()) if item.about in UNRESOLVED]


def test_page_in_place_of_an_address_is_a_mistake_elsewhere() -> None:
    state = build_state({"a.md": f"[x]([[Gone]]) [y]({BLOCK})"}, settings())
    assert [item.target for item in list_unresolved(state, "a.md")] == ["[[Gone]]"]


def test_pages_of_logseq_are_updated() -> None:
    links = "[[a/b]] [[c/d]] [[e:f]] [[Night Sky]] [[stars]] [[oak]] [[pine]]"
    vault, known = {"x.md": links, **PAGES}, make_logseq(has_settings=False)
    state = build_state(vault, known)
    for path, usual in PAGES.items():
        for text in ("", Presence.GONE, "alias:: oak", usual):
            state = step(state, [Change(path, text)])
            vault.pop(path, None)
            vault |= {path: text} if isinstance(text, str) else {}
            assert state.diagnostics == build_state(vault, known).diagnostics


@each(("settings_file", "is_checked"), [("logseq/config.edn", False), ("logseq/other.edn", True)])
@each("obsidian", [(), (".obsidian/app.json",)])
@each("backup", ["logseq/bak/pages/A/1.md", "logseq/version-files/base/pages/A.md"])
def test_backups_of_logseq_are_left_out(
    tmp_path: Path, settings_file: str, is_checked: bool, obsidian: tuple[str, ...], backup: str
) -> None:
    backups = (backup, "logseq/.recycle/b.md")
    for file in (settings_file, *obsidian, *backups, "pages/bak/c.md", "a/logseq/bak/d.md"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("{}", encoding="utf-8")
    files = scan_vault(tmp_path).listing.files
    assert (backups[0] in files) == is_checked
    assert [file in files for file in (backups[1], "pages/bak/c.md", "a/logseq/bak/d.md")] == [
        False,
        True,
        True,
    ]


@each(
    ("programs", "rules"),
    [((), ["slug-anchor", "missing-heading"]), (("MkDocs",), ["missing-heading"])],
)
def test_anchors_of_a_site_generator_are_expected(
    programs: tuple[str, ...], rules: list[str]
) -> None:
    base = settings()
    site = replace(base, obsidian=replace(base.obsidian, programs=frozenset(programs)))
    vault = {"a.md": "[x](b.md#next-year) [y](b.md#never)", "b.md": "# Next year\n"}
    found = build_state(vault, site).diagnostics["a.md"]
    assert [item.rule for item in found if item.about == "anchor"] == rules


@each("text", ["[[_TOC_]]", "Contents: [[_TOC_]]"])
def test_macro_of_a_table_of_contents_is_no_link(text: str) -> None:
    assert list(judge(build_state({"a.md": text}, settings()))) == []
    assert list(judge(build_state({"a.md": "[[_TOC]] [[TOC_x]]"}, settings()))) == [
        "a.md: other none",
        "a.md: other none",
    ]


@each(
    ("text", "files", "fix"),
    [
        # No link from the root resolves: they are addresses of a site, whatever they look like.
        ("[x](/c/the_tide)", ("c/The Tide.md",), ""),
        ("[x](/c/plan-of-memory)", ("c/Plans of memory.md",), ""),
        ("![x](/c/the_tide.png)", ("c/The Tide.png",), ""),
        # One resolves, so that they are paths of the vault.
        ("[w](/c/w) [x](/c/the_tide)", ("c/w.md", "c/The Tide.md"), "/c/The%20Tide"),
        ("[w](/c/w) [x](/c/plan-of-memory)", ("c/w.md", "c/Plans of memory.md"), "/c/Plans"),
        # Other links are no addresses of a site.
        ("[x](c/the_tide)", ("c/The Tide.md",), "c/The%20Tide"),
        ("[[/c/the_tide]]", ("c/The Tide.md",), "The Tide|/c"),
        ("[x](plan-of-memory)", ("c/Plans of memory.md",), "c/Plans"),
    ],
)
def test_no_guess_makes_addresses_of_a_site_paths_of_the_vault(
    text: str, files: tuple[str, ...], fix: str
) -> None:
    vault = {"a.md": text, **dict.fromkeys(files, "")}
    state = build_state(vault, settings())
    [item] = [item for item in state.diagnostics["a.md"] if item.about in UNRESOLVED]
    made = item.fix or find_dangling_fix(state, FixInputs(vault.get), item, FixAnswers())
    assert (made.edits[0].text if made else "").startswith(fix)
    assert bool(made) == bool(fix)


@each(
    ("file", "text"),
    [
        ("Night.md", "---\ntitle: Night sky\n---\n"),
        ("Night.md", "---\naliases: [Night sky]\n---\n"),
    ],
)
def test_fix_is_unsafe_where_logseq_reads_the_link_too(file: str, text: str) -> None:
    for base, safety in (
        (make_logseq(has_settings=True), Safety.UNSAFE),
        (settings(), Safety.SAFE),
    ):
        state = build_state({"a.md": "[[Night sky]]", file: text}, base)
        [found] = list_unresolved(state, "a.md")
        assert found.fix is not None
        assert found.fix.safety is safety


def test_fix_to_a_name_that_ends_in_a_bracket_is_unsafe() -> None:
    [found] = list_unresolved(build_state({"a.md": "[[Night sky]]", "Night sky].md": ""}), "a.md")
    assert found.fix is None or found.fix.safety is Safety.UNSAFE
