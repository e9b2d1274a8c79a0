"""Tests of the style, the language and the groups of backlinks sections."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from builder import build_state
from running import RunCommand, write_files
from test_engine import assert_same
from test_upkeep import kept, section, without, writing
from vaultlink.backlinks.choice import choose_style, is_slug
from vaultlink.backlinks.existing import parse_section
from vaultlink.backlinks.groups import MAX_UNGROUPED, is_group_heading
from vaultlink.backlinks.language import choose_language
from vaultlink.backlinks.merge.note import MergeResult, merge_note
from vaultlink.backlinks.merge.three_way import ThreeWay
from vaultlink.engine.step import Change, Presence, step
from vaultlink.model import Owner
from vaultlink.parse.backlinks_wordings import USUAL_WORDINGS
from vaultlink.parse.note import parse_note

TOPIC = "Text\n\n**Add backlinks using these topics:**\n\nRed tea – [[red_tea | Red tea]]\n"
LIST = "Text\n\n## Backlinks\n\n- [[red_tea|Red tea]]\n"
CITED = "Text\n\n## Linked mentions\n\n- [[red_tea]]\n  - I drink [[here]] often.\n"
SLUG = "---\ntitle: Red tea\n---\n"


def auto(**backlinks: str) -> dict[str, str]:
    return {"style": "auto", **backlinks}


# -- the style ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vault", "style"),
    [
        ({}, "list"),
        ({"Plan.md": "", "Home.md": ""}, "list"),
        ({"red_tea.md": SLUG}, "topics"),
        ({"red-tea.md": SLUG, "Home.md": ""}, "topics"),
        ({"Red tea.md": SLUG, "Green.md": "---\ntitle: Green tea\n---\n"}, "list"),
        ({"red_tea.md": SLUG, "Plan.md": "---\ntitle: Plan\n---\n"}, "list"),
        ({"red_tea.md": SLUG, **{f"Note {number}.md": "" for number in range(20)}}, "list"),
        ({"red_tea.md": SLUG, "a.md": LIST}, "list"),
        ({"Plan.md": "", "a.md": TOPIC}, "topics"),
        ({"a.md": TOPIC, "b.md": LIST, "c.md": LIST}, "list"),
        ({"a.md": TOPIC, "b.md": LIST}, "list"),
        ({"a.md": TOPIC, "b.md": LIST, "red_tea.md": SLUG}, "topics"),
        ({"a.md": CITED}, "context"),
        ({"a.md": CITED, "b.md": LIST}, "list"),
        ({"a.md": "## Backlinks\n\nProse.\n\n- [[b]]\n", "red_tea.md": SLUG}, "topics"),
        ({"a.md": "Text\n\n## Backlinks\n\n- [[b]]\n  - typed\n"}, "list"),
        ({"a.md": section("- [[b]]", "  - See [[a]].") + "\n"}, "context"),
        ({"a.md": section("B – [[b]]", "", "C – [[c]]") + "\n"}, "topics"),
        ({"a.md": section() + "\n"}, "list"),
    ],
)
def test_style_is_that_of_the_vault(vault: Mapping[str, str], style: str) -> None:
    assert choose_style(auto(), build_state(vault).index) == style
    assert choose_style({"style": "context"}, build_state(vault).index) == "context"


@pytest.mark.parametrize(
    ("name", "title", "slug"),
    [
        ("red_tea", "Red tea", True),
        ("red-tea", "Red Tea!", True),
        ("dj_vu", "Déjà vu", True),
        ("deja-vu", "Déjà vu", True),
        ("red_tea", "red_tea", False),
        ("Red tea", "Red Tea", False),
        ("red tea", "Red Tea", False),
        ("202401", "Red tea", False),
        ("反向链接", "反向链接", False),
        ("plan", "Another title", False),
    ],
)
def test_slug_is_made_from_the_title(name: str, title: str, *, slug: bool) -> None:
    assert is_slug(name, title) is slug


def test_change_of_the_style_reaches_other_sections() -> None:
    """Equal vaults give equal states, although another note decides the style."""
    base = writing(style="auto")
    vault = {
        "A.md": "[[B]]\n",
        "B.md": "Text\n\n" + section("## Backlinks", "", "- [[A]]") + "\n",
        "C.md": "Text\n",
        "D.md": "Text\n",
    }
    state = build_state(vault, base)
    assert not state.diagnostics
    for path, text in (("C.md", TOPIC), ("D.md", TOPIC), ("D.md", "Text\n"), ("C.md", LIST)):
        vault[path] = text
        state = step(state, [Change(path, text)])
        assert_same(state, build_state(vault, base))
        stale = [item.path for items in state.diagnostics.values() for item in items]
        assert ("B.md" in stale) == (choose_style(auto(), state.index) == "topics")
    state = step(state, [Change("D.md", Presence.GONE)])
    assert_same(state, build_state({path: vault[path] for path in ("A.md", "B.md", "C.md")}, base))


def test_change_of_names_reaches_sections() -> None:
    base = writing(style="auto")
    managed = "Text\n\n" + section("## Backlinks", "", "- [[A]]") + "\n"
    vault = {"A.md": "[[B]]\n", "B.md": managed, "own.md": TOPIC, "red_tea.md": "Text\n"}
    state = build_state(vault, base)
    state = step(state, [Change("red_tea.md", SLUG)])
    assert_same(state, build_state(vault | {"red_tea.md": SLUG}, base))
    assert "B.md" in state.diagnostics


def test_cached_run_reports_the_same(tmp_path: Path, run: RunCommand) -> None:
    managed = "Text\n\n" + section("## Backlinks", "", "- [[A]]") + "\n"
    vault = write_files(
        tmp_path / "vault", {"A.md": "[[B]]\n", "B.md": managed, "C.md": "C\n", "D.md": "D\n"}
    )
    words = ("check", "--vault", vault, "--select", "stale-section")
    cache = ("--cache-dir", tmp_path / "cache")
    assert run(*words, *cache).code == 0
    write_files(vault, {"C.md": TOPIC, "D.md": TOPIC})
    cold, warm = run(*words, "--no-cache"), run(*words, *cache)
    assert (cold.code, cold.out) == (warm.code, warm.out)
    assert "B.md" in warm.out


def test_second_run_writes_nothing(tmp_path: Path, run: RunCommand) -> None:
    for number, vault in enumerate(
        (
            {"A.md": "[[B]]\n", "B.md": "[[C]]\n", "C.md": LIST},
            {"red_tea.md": SLUG + "[[B]]\n", "B.md": "[[C]]\n", "C.md": "Text\n"},
            {"A.md": "[[B]] x\n", "B.md": "[[C]]\n", "C.md": CITED, "D.md": "[[A]]\n"},
            {"A.md": "# Über Tee\n[[B]]\n", "B.md": "# Über Kaffee\n[[C]]\n", "C.md": TOPIC},
        )
    ):
        root = write_files(tmp_path / str(number), vault)
        before = {path: path.read_bytes() for path in root.rglob("*.md")}
        assert run("backlinks", "--vault", root, "--write").code == 0
        assert run("backlinks", "--vault", root, "--check").out == ""
        assert run("undo", "--vault", root).code == 0
        assert {path: path.read_bytes() for path in root.rglob("*.md")} == before


# -- headings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", USUAL_WORDINGS)
def test_usual_headings_start_a_section(language: str) -> None:
    for wording in USUAL_WORDINGS[language]:
        for line in (
            f"## {wording}",
            f"###### {wording.upper()}:",
            f"**{wording}**",
            f"__{wording}:__",
        ):
            note = parse_note("N.md", f"Text\n\n{line}\n\n- [[A]]\n- [[B|b]]\n  - more\n")
            assert [(item.owner, item.usual, len(item.entries)) for item in note.sections] == [
                (Owner.AUTHOR, True, 2)
            ], line


@pytest.mark.parametrize(
    "text",
    [
        "Backlinks\n\n- [[A]]\n",
        "Backlinks:\n- [[A]]\n",
        "- **Backlinks**\n- [[A]]\n",
        "> ## Backlinks\n> - [[A]]\n",
        "**Backlinks** are useful\n- [[A]]\n",
        "## Show backlinks\n- [[A]]\n",
        "## [[Backlinks]]\n- [[A]]\n",
        "# Backlinks\n\n- [[A]]\n",
        "---\ntags: [a]\n---\n\n# Backlinks\n- [[A]]\n",
        "## Links\n- [[A]]\n",
        "## References\n- [[A]]\n",
        "## Backlinks\n",
        "## Backlinks\n\nProse with [[A]].\n",
        "## Backlinks\n- [[A]]\n\nProse.\n",
        "## Backlinks\nIntroduction:\n- [[A]]\n",
        "## Backlinks\n- [[A]]\n- no link\n",
        "## Backlinks\n- topic\n  - [[A]]\n",
        "## Backlinks\n- ![[A]]\n",
        "## Backlinks\n- [[A]] is about this\n",
        "## Backlinks\n- [[A\n",
        "## Backlinks\n```dataview\nLIST FROM [[]]\n```\n",
        "## Backlinks\n| a |\n| - |\n| [[A]] |\n",
        "```\n## Backlinks\n- [[A]]\n```\n",
        "%%\n## Backlinks\n- [[A]]\n%%\n",
        "<!--\n**Backlinks**\n- [[A]]\n-->\n",
    ],
)
def test_usual_words_alone_start_no_section(text: str) -> None:
    assert not parse_note("N.md", text).sections


@pytest.mark.parametrize(
    ("headings", "language"),
    [
        ([], "en"),
        (["2024", "API"], "en"),
        (["Einführung"], "en"),
        (["Einführung", "Die Geschichte der Stadt", "Berlin"], "de"),
        (["Über den Tee", "The history of tea", "What tea is"], "en"),
        (["Résumé du cours", "Qu'est-ce que le thé et le café", "Tea"], "fr"),
        (["Introducción", "¿Qué es el té?", "Té"], "es"),
        (["Introduzione", "Che cosa è il tè", "Proprietà"], "it"),
        (["Introdução", "O que são os chás", "Definições"], "pt"),
        (["Inleiding", "Wat is thee en waarom", "Samenvatting"], "nl"),
        (["Inledning", "Vad är te och varför", "Sammanfattning"], "sv"),
        (["Wprowadzenie", "Jak parzyć herbatę", "Podsumowanie"], "pl"),
        (["Введение", "История чая"], "ru"),
        (["Вступ", "Історія чаю", "Чай"], "uk"),
        (["Giriş", "Çay nedir", "Çayın tarihi"], "tr"),
        (["介绍", "茶的历史", "API"], "zh"),
        (["はじめに", "歴史", "お茶とは"], "ja"),
        (["소개", "차의 역사"], "ko"),
        (["مقدمة", "تاريخ الشاي"], "ar"),
        (["مقدمه", "تاریخچه چای", "چکیده"], "fa"),
        (["Uvod", "Zgodovina čaja", "Kaj je čaj"], "en"),
        (["Увод", "България", "Градът и хората", "Първа част", "Въпроси"], "en"),
        (["Johdanto", "Teen historia ja nykyaika", "Mikä tee on"], "en"),
        (["Notes", "Questions", "Introduction", "Conclusion"], "en"),
    ],
)
def test_language_is_that_of_most_headings(headings: list[str], language: str) -> None:
    assert choose_language(headings) == language


def test_configured_heading_wins() -> None:
    vault = {"A.md": "# Über Tee\n[[B]]\n", "B.md": "# Über Kaffee\nText\n"}
    assert "\n## Rückverweise\n" in kept(vault, writing(style="list"))["B.md"]
    own = writing(style="list", heading="# Backlinks")
    assert "\n# Backlinks\n" in kept(vault, own)["B.md"]
    english = kept(vault, writing(style="list", heading="## Backlinks"))
    assert kept(english, writing(style="list")) == english


# -- groups ---------------------------------------------------------------------------------------

SOURCES = {
    f"{folder}Note {number:02}.md": "[[N]]\n"
    for folder in ("", "b/", "a_x/*y*/")
    for number in range(11)
}
LONG = {**{path: f"{path[:3]} [[N]]\n" for path in SOURCES}, "N.md": "Text\n"}


@pytest.mark.parametrize("style", ["topics", "list", "context"])
@pytest.mark.parametrize("order", ["title", "path", "rank"])
def test_long_sections_are_grouped(style: str, order: str) -> None:
    base = writing(style=style, group="folder", order=order)
    written = kept(LONG, base)
    lines = written["N.md"].splitlines()
    assert [line for line in lines if is_group_heading(line)] == [
        "**/**",
        "**a_x/\\*y\\*/**",
        "**b/**",
    ]
    assert kept(written, base) == written
    assert without("N.md", written["N.md"]) == "Text\n"
    flat = kept(written, writing(style=style, order=order))
    assert not [line for line in flat["N.md"].splitlines() if is_group_heading(line)]
    assert flat == kept(LONG, writing(style=style, order=order))
    assert kept(flat, base) == written


def test_groups_follow_changes_and_keep_typed_text() -> None:
    base = writing(style="list", group="folder")
    written = kept(LONG, base)
    typed = (
        written["N.md"]
        .replace("**b/**\n", "__b/__\n", 1)
        .replace("Note 03]]\n", "Note 03]]\nTyped.\n", 1)
    )
    assert "Typed." in typed
    assert kept({**written, "N.md": typed}, base)["N.md"] == typed
    grown = kept({**written, "N.md": typed, "c/New.md": "[[N]]\n", "b/Z.md": "[[N]]\n"}, base)
    assert grown["N.md"].index("Typed.") < grown["N.md"].index("__b/__")
    assert "- [[Z]]\n\n**c/**\n\n- [[New]]\n" in grown["N.md"]
    assert kept(grown, base) == grown
    moved = {path: text for path, text in grown.items() if not path.startswith("b/")}
    smaller = kept(moved, base)
    assert "b/" not in smaller["N.md"]
    assert "Typed." in smaller["N.md"]
    assert kept(smaller, base) == smaller


def test_short_sections_and_single_folders_have_no_groups() -> None:
    base = writing(style="list", group="folder")
    few = dict(list(SOURCES.items())[:MAX_UNGROUPED]) | {"N.md": "Text\n"}
    assert "**" not in kept(few, base)["N.md"]
    same = {f"x/{number}.md": "[[N]]\n" for number in range(40)} | {"N.md": "Text\n"}
    assert "**" not in kept(same, base)["N.md"]
    assert without("N.md", kept(few, base)["N.md"]) == "Text\n"


def test_section_of_groups_is_removed_when_nothing_links_here() -> None:
    base = writing(style="list", group="folder")
    written = kept(LONG, base)
    unlinked = dict.fromkeys(LONG, "x\n") | {"N.md": written["N.md"]}
    assert kept(unlinked, base)["N.md"] == "Text\n"


def test_groups_are_merged() -> None:
    base = writing(style="list", group="folder")

    def note(*paths: str) -> str:
        return kept({**LONG, **dict.fromkeys(paths, "[[N]]\n")}, base)["N.md"]

    def no_git(texts: ThreeWay[str]) -> MergeResult:
        assert texts.base == texts.ours == texts.theirs
        return MergeResult(texts.ours, has_conflicts=False)

    ours, theirs = ("b/Ours.md", "Root.md"), ("b/Theirs.md", "c/New.md")
    for flip in (False, True):
        sides = (theirs, ours) if flip else (ours, theirs)
        texts = ThreeWay(note(), *(note(*paths) for paths in sides))
        assert merge_note(texts, no_git) == (note(*ours, *theirs), False)


def test_merged_group_keeps_typed_text() -> None:
    text = kept(LONG, writing(style="list", group="folder"))["N.md"]
    (managed,) = parse_note("N.md", text).sections
    assert len(parse_section(managed, "").parts) == len(SOURCES) + 3
    ours = text.replace("Note 03]]\n", "Note 03]]\nMine.\n", 1)
    theirs = text.replace("- [[Note 02]]\n", "", 1)
    merged, has_conflicts = merge_note(
        ThreeWay(text, ours, theirs), lambda texts: MergeResult(texts.ours, has_conflicts=False)
    )
    assert not has_conflicts
    assert merged.replace("Mine.\n", "") == theirs
    assert "Mine.\n" in merged
