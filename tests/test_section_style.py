"""Tests of the style and the language of, and of the groups that an older version wrote in, backlinks sections."""

import re
from collections.abc import Mapping
from pathlib import Path

from builder import build_state
from running import RunCommand, write_files
from tables import each
from test_engine import assert_same
from test_upkeep import kept, section, without, writing
from vaultlink.backlinks.choice import choose_language, choose_style, is_slug
from vaultlink.engine.step import Change, Presence, step
from vaultlink.model import Owner
from vaultlink.parse.backlinks_heading import USUAL_WORDINGS
from vaultlink.parse.note import parse_note

TOPIC = "Text\n\n**Add backlinks using these topics:**\n\nRed tea – [[red_tea | Red tea]]\n"
LIST = "Text\n\n## Backlinks\n\n- [[red_tea|Red tea]]\n"
CITED = "Text\n\n## Linked mentions\n\n- [[red_tea]]\n  - I drink [[here]] often.\n"
SLUG = "---\ntitle: Red tea\n---\n"


def auto(**backlinks: str) -> dict[str, str]:
    return {"style": "auto", **backlinks}


# -- the style ------------------------------------------------------------------------------------


@each(
    ("vault", "style"),
    [
        ({}, "context"),
        ({"Plan.md": "", "Home.md": ""}, "context"),
        ({"red_tea.md": SLUG}, "topics"),
        ({"red-tea.md": SLUG, "Home.md": ""}, "topics"),
        ({"Red tea.md": SLUG, "Green.md": "---\ntitle: Green tea\n---\n"}, "context"),
        ({"red_tea.md": SLUG, "Plan.md": "---\ntitle: Plan\n---\n"}, "context"),
        ({"red_tea.md": SLUG, **{f"Note {number}.md": "" for number in range(20)}}, "context"),
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
        ({"a.md": section("- [[b]]", "  - See [[a]].", "- [[c]]") + "\n"}, "list"),
        ({"a.md": section("B – [[b]]", "", "C – [[c]]") + "\n"}, "topics"),
        ({"a.md": section("- [[b]]") + "\n"}, "list"),
        ({"a.md": section("- [[b]]", said="before=1 style=context") + "\n"}, "context"),
        ({"a.md": section("B – [[b]]", said="adopted style=context") + "\n"}, "context"),
        ({"a.md": section() + "\n"}, "context"),
    ],
)
def test_style_is_that_of_the_vault(vault: Mapping[str, str], style: str) -> None:
    assert choose_style(auto(), build_state(vault).index) == style
    assert choose_style({"style": "context"}, build_state(vault).index) == "context"


@each(
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
            {"A.md": "# Über Tee\nSiehe [[B]]\n", "B.md": "# Über Kaffee\n[[C]]\n", "C.md": TOPIC},
        )
    ):
        root = write_files(tmp_path / str(number), vault)
        before = {path: path.read_bytes() for path in root.rglob("*.md")}
        assert run("sections", "write", "--vault", root).code == 0
        assert run("sections", "check", "--vault", root).out == ""
        assert run("undo", "--vault", root).code == 0
        assert {path: path.read_bytes() for path in root.rglob("*.md")} == before


# -- headings -------------------------------------------------------------------------------------


@each("language", USUAL_WORDINGS)
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


@each(
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
        "Q: [[Backlinks]]\n",
    ],
)
def test_usual_words_alone_start_no_section(text: str) -> None:
    assert not parse_note("N.md", text).sections


@each(
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
        (["Første år", "Øl på fat", "Kærlighed på landet"], "en"),
        (["Johdanto", "Teen historia ja nykyaika", "Mikä tee on"], "en"),
        (["Notes", "Questions", "Introduction", "Conclusion"], "en"),
    ],
)
def test_language_is_that_of_most_headings(headings: list[str], language: str) -> None:
    assert choose_language(headings) == language


def test_configured_heading_wins() -> None:
    vault = {"A.md": "# Über Tee\nSiehe [[B]]\n", "B.md": "# Über Kaffee\nText\n"}
    assert "\n## Rückverweise\n" in kept(vault, writing(style="list"))["B.md"]
    own = writing(style="list", heading="# Backlinks")
    assert "\n# Backlinks\n" in kept(vault, own)["B.md"]
    english = kept(vault, writing(style="list", heading="## Backlinks"))
    assert kept(english, writing(style="list")) == english


# -- groups of an older version ----------------------------------------------------------------------

NOTE = "[[N]]\n"
GROUPED = {
    "Z.md": NOTE,
    "b/Y.md": NOTE,
    "a_x/*y*/X.md": NOTE,
    "b/W.md": NOTE,
    "N.md": "Text\n\n"
    + section(
        *("## Backlinks", "", "**/**", "", "- [[Z]]", "", "**a_x/\\*y\\*/**", "", "- [[X]]", ""),
        *("__b/__", "", "- [[W]]", "Typed.", "- [[Y]]"),
    )
    + "\n",
}


def test_groups_are_no_reason_to_write_a_section() -> None:
    for settings in ({"group": "folder"}, {"group": "none"}, {}):
        base = writing(style="list", **settings)
        assert not build_state(GROUPED, base).diagnostics
        assert kept(GROUPED, base) == GROUPED


def test_groups_are_dropped_when_entries_change() -> None:
    base = writing(style="list")
    more = kept({**GROUPED, "c/V.md": NOTE}, base)["N.md"]
    assert more == GROUPED["N.md"].replace(
        GROUPED["N.md"][GROUPED["N.md"].index("**/**") : GROUPED["N.md"].index("\n\n<!-- /")],
        "- [[V]]\n- [[W]]\nTyped.\n- [[X]]\n- [[Y]]\n- [[Z]]",
    )
    assert without("N.md", more.replace("Typed.\n", "")) == "Text\n"


def test_section_of_groups_is_removed_when_nothing_links_here() -> None:
    plain = GROUPED["N.md"].replace("Typed.\n", "")
    unlinked = dict.fromkeys(GROUPED, "x\n") | {"N.md": plain}
    assert kept(unlinked, writing(style="list"))["N.md"] == "Text\n"


def test_retired_settings_are_reported_once(tmp_path: Path, run: RunCommand) -> None:
    vault = write_files(tmp_path / "vault", {"A.md": "[[B]]\n", "B.md": "x\n"})
    (vault / "vaultlink.toml").write_text('[backlinks]\norder = "rank"\ngroup = "folder"\n')
    done = run("check", "--vault", vault, "--no-cache")
    assert done.code == 0
    assert [line for line in done.err.splitlines() if "backlinks" in line] == [
        "warning: vaultlink.toml: backlinks.order: “rank” no longer exists and acts as “title”.",
        "warning: vaultlink.toml: backlinks.group: "
        "sections are no longer grouped; this has no effect. Remove it.",
    ]
    values = run("config", "--vault", vault).out
    assert "backlinks.order" in values
    assert "rank" not in values
    assert "backlinks.group" not in values


def test_baseline_of_an_older_version_remains_valid(tmp_path: Path, run: RunCommand) -> None:
    vault = write_files(tmp_path / "vault", {"A.md": "[[Nowhere]]\n"})
    assert run("baseline", "--vault", vault).code == 0
    (file,) = vault.glob(".vaultlink-baseline.json")
    text, count = re.subn(
        r'("backlinks.order": ?)"title"', r'"backlinks.group": "folder", \1"rank"', file.read_text()
    )
    assert count == 1
    file.write_text(text)
    assert run("check", "--vault", vault).code == 0
