"""Tests of the style of new links: as Obsidian is set, else as most links of the folder or the vault are."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from builder import RULES, build_state, make_settings
from running import RunCommand, create_vault, read_files
from tables import each
from vaultlink.engine.step import Change, Presence, State, step
from vaultlink.index.index import TraitCount
from vaultlink.links.kinds import list_kinds
from vaultlink.links.naming import LinkStyle
from vaultlink.links.style import find_link_style, list_link_traits
from vaultlink.obsidian import ObsidianSettings

WIKILINK, MARKDOWN = list_kinds(use_markdown_links=False)

# -- the table: made vaults of each kind ------------------------------------------------------------------------------
# In each, a note in `log/` gets links to the notes `lib/Sea Level.md` and `log/Tide Table.md`.


class MadeVault(NamedTuple):
    """Notes that show a style, the app.json of the vault, and the links that are expected in `log/`.

    `far` leads to `lib/Sea Level.md`, `near` to `log/Tide Table.md`; both show the name of the note.
    """

    notes: Mapping[str, str]
    far: str
    near: str
    app: Mapping[str, Any] | None = None


def write_notes(*links: str, folder: str = "log", count: int = 3) -> dict[str, str]:
    """Return notes of a folder that have all of these links."""
    return {f"{folder}/Day {number}.md": "\n".join(links) for number in range(count)}


MADE_VAULTS = {
    "relative Markdown links": MadeVault(
        write_notes("[a](../lib/Atlas.md)", "[b](Buoys.md)", "[w](../lib/Wind%20Rose.md)"),
        "[Sea Level](../lib/Sea%20Level.md)",
        "[Tide Table](Tide%20Table.md)",
    ),
    "relative Markdown links with ./": MadeVault(
        write_notes("[a](../lib/Atlas.md)", "[b](./Buoys.md)"),
        "[Sea Level](../lib/Sea%20Level.md)",
        "[Tide Table](./Tide%20Table.md)",
    ),
    "relative Markdown links without .md": MadeVault(
        write_notes("[a](../lib/Atlas)", "[b](Buoys)"),
        "[Sea Level](../lib/Sea%20Level)",
        "[Tide Table](Tide%20Table)",
    ),
    "Markdown links in angle brackets": MadeVault(
        write_notes("[w](<../lib/Wind Rose.md>)", "[b](Buoys.md)"),
        "[Sea Level](<../lib/Sea Level.md>)",
        "[Tide Table](<Tide Table.md>)",
    ),
    "Markdown links from the root": MadeVault(
        write_notes("[a](lib/Atlas.md)", "[b](log/Buoys.md)"),
        "[Sea Level](lib/Sea%20Level.md)",
        "[Tide Table](log/Tide%20Table.md)",
    ),
    "Markdown links with a slash": MadeVault(
        write_notes("[a](/lib/Atlas.md)", "[b](/log/Buoys.md)"),
        "[Sea Level](/lib/Sea%20Level.md)",
        "[Tide Table](/log/Tide%20Table.md)",
    ),
    "short Markdown links": MadeVault(
        write_notes("[a](Atlas.md)", "[b](Buoys.md)"),
        "[Sea Level](Sea%20Level.md)",
        "[Tide Table](Tide%20Table.md)",
    ),
    "short wikilinks": MadeVault(
        write_notes("[[Atlas]]", "[[Buoys|b]]"), "[[Sea Level]]", "[[Tide Table]]"
    ),
    "wikilinks with paths": MadeVault(
        write_notes("[[lib/Atlas]]", "[[log/Buoys|b]]"),
        "[[lib/Sea Level|Sea Level]]",
        "[[log/Tide Table|Tide Table]]",
    ),
    "relative wikilinks": MadeVault(
        write_notes("[[../lib/Atlas]]", "[[Buoys|b]]"),
        "[[../lib/Sea Level|Sea Level]]",
        "[[Tide Table]]",
    ),
    "Markdown links in this folder only": MadeVault(
        {
            **write_notes("[a](../lib/Atlas.md)"),
            **write_notes("[[Atlas]]", folder="lib", count=20),
        },
        "[Sea Level](../lib/Sea%20Level.md)",
        "[Tide Table](Tide%20Table.md)",
    ),
    "wikilinks in this folder only": MadeVault(
        {
            **write_notes("[[Atlas]]"),
            **write_notes("[a](Atlas.md)", "[b](../log/Buoys.md)", folder="lib", count=20),
        },
        "[[Sea Level]]",
        "[[Tide Table]]",
    ),
    "other folders decide for a folder without links": MadeVault(
        write_notes("[a](../lib/Atlas.md)", folder="old"),
        "[Sea Level](../lib/Sea%20Level.md)",
        "[Tide Table](Tide%20Table.md)",
    ),
    "no clear majority": MadeVault(
        write_notes("[a](../lib/Atlas.md)", "[[Atlas]]"), "[[Sea Level]]", "[[Tide Table]]"
    ),
    "nearly no links": MadeVault(
        write_notes("[a](../lib/Atlas.md)", count=2), "[[Sea Level]]", "[[Tide Table]]"
    ),
    "no links": MadeVault({}, "[[Sea Level]]", "[[Tide Table]]"),
    "embeds, pages of the web and properties show nothing": MadeVault(
        {
            **write_notes("![a](../lib/Atlas.md)", "[b](https://example.org/Buoys.md)"),
            **write_notes("![p](../lib/Chart.png)", "[b](#Buoys)", folder="lib"),
            **write_notes("[gone](Gone.md)", folder="old"),
        },
        "[[Sea Level]]",
        "[[Tide Table]]",
    ),
    "clipped pages show nothing": MadeVault(
        write_notes("---\nsource: https://example.org\n---\n[a](../lib/Atlas.md)"),
        "[[Sea Level]]",
        "[[Tide Table]]",
    ),
    "lists of backlinks show nothing": MadeVault(
        write_notes("## Backlinks\n\n- [a](../lib/Atlas.md)\n"), "[[Sea Level]]", "[[Tide Table]]"
    ),
    "app.json: Markdown links among wikilinks": MadeVault(
        write_notes("[[Atlas]]"),
        "[Sea Level](../lib/Sea%20Level.md)",
        "[Tide Table](Tide%20Table.md)",
        {"useMarkdownLinks": True, "newLinkFormat": "relative"},
    ),
    "app.json: paths among short wikilinks": MadeVault(
        write_notes("[[Atlas]]"),
        "[[lib/Sea Level|Sea Level]]",
        "[[log/Tide Table|Tide Table]]",
        {"newLinkFormat": "absolute"},
    ),
    "app.json without these keys: Obsidian's defaults": MadeVault(
        write_notes("[a](../lib/Atlas.md)"), "[[Sea Level]]", "[[Tide Table]]", {"vimMode": True}
    ),
}

FILES = {
    "lib/Atlas.md": "",
    "lib/Wind Rose.md": "",
    "log/Buoys.md": "",
    "lib/Chart.png": "",
    "lib/Sea Level.md": "How high it is.\n",
    "log/Tide Table.md": "When it turns.\n",
}


@pytest.fixture(params=MADE_VAULTS)
def made(request: pytest.FixtureRequest) -> MadeVault:
    return MADE_VAULTS[request.param]


def create(folder: Path, made: MadeVault, notes: Mapping[str, str]) -> Path:
    app = {} if made.app is None else {".obsidian/app.json": json.dumps(made.app)}
    return create_vault(folder / "vault", {**FILES, **made.notes, **app, **notes})


def read_note(vault: Path, path: str) -> str:
    return read_files(vault)[path].decode()


# -- each command that writes links -----------------------------------------------------------------------------------


def test_mentions(run: RunCommand, tmp_path: Path, made: MadeVault) -> None:
    text = "We looked at the Sea Level and at the Tide Table today.\n"
    vault = create(tmp_path, made, {"log/Now.md": text})
    run("mentions", "log/Now.md", "--vault", vault, "--write", "--min-score", "0")
    assert read_note(vault, "log/Now.md") == text.replace("Sea Level", made.far).replace(
        "Tide Table", made.near
    )


@each("new", ["lib/Low Water.md", "log/Low Water.md"])
def test_extract(run: RunCommand, tmp_path: Path, made: MadeVault, new: str) -> None:
    vault = create(tmp_path, made, {"log/Now.md": "# Now\n\n# Low Water\n\nAt noon.\n"})
    done = run("extract", "log/Now.md#Low Water", f"/{new}", "--vault", vault)
    assert done.code == 0, done.err
    like = made.far if new.startswith("lib/") else made.near
    wanted = like.replace("Sea", "Low").replace("Level", "Water")
    wanted = wanted.replace("Tide", "Low").replace("Table", "Water")
    assert read_note(vault, "log/Now.md") == f"# Now\n\n# Low Water\n\n{wanted}\n"


SOURCES = {
    "lib/Sea Level.md": "![[Now]]\n",
    "log/Tide Table.md": "![[Now]]\n",
    "log/Now.md": "Today.\n",
}
"""Notes that embed `log/Now.md`, so that its section lists them; embeds show nothing."""


def test_new_section(run: RunCommand, tmp_path: Path, made: MadeVault) -> None:
    vault = create(tmp_path, made, SOURCES)
    run("sections", "write", "log/Now.md", "--vault", vault, "--style", "list")
    lines = read_note(vault, "log/Now.md").splitlines()
    assert [line for line in lines if line.startswith("- ")] == [f"- {made.far}", f"- {made.near}"]
    # What was written is what a check expects.
    assert run("sections", "check", "--vault", vault, "--style", "list", "log/Now.md").code == 0


def test_fix_of_a_missing_section(run: RunCommand, tmp_path: Path, made: MadeVault) -> None:
    settings = '[backlinks]\nmode = "write"\nstyle = "list"\n'
    vault = create(tmp_path, made, {**SOURCES, "vaultlink.toml": settings})
    run("fix", "log/Now.md", "--vault", vault)
    text = read_note(vault, "log/Now.md")
    assert f"\n- {made.far}\n" in text
    assert f"\n- {made.near}\n" in text
    assert run("check", "log/Now.md", "--vault", vault, "--select", "stale-section").code == 0


def test_guessed_target(run: RunCommand, tmp_path: Path, made: MadeVault) -> None:
    """A link that is fixed keeps its kind and form; its path has the style of such links."""
    before = "[[Sea Levle]] and [Tide Table](Tide%20Tabel.md)\n"
    vault = create(tmp_path, made, {"log/Now.md": before})
    done = run("fix", "log/Now.md", "--vault", vault, "--unsafe-fixes", "--select", "VL101")
    assert done.code in (0, 1), done.err
    after = read_note(vault, "log/Now.md")
    assert "Sea Level" in after.replace("%20", " ")
    index = build_state({**FILES, **made.notes, "log/Now.md": after}).index
    assert index.targets["log/Now.md"] == ("lib/Sea Level.md", "log/Tide Table.md")
    kind = WIKILINK if made.far.startswith("[[") else MARKDOWN
    link = next(link for link in index.notes["log/Now.md"].links if link.kind is kind)
    like = made.far if link.target.endswith(("Sea Level", "Sea Level.md")) else made.near
    (expected,) = build_state({"log/Now.md": like}).index.notes["log/Now.md"].links
    assert link.target.removesuffix(".md") == expected.target.removesuffix(".md").removeprefix("./")


# -- sections that exist keep their links -----------------------------------------------------------------------------


@each(
    ("entry", "added"),
    [
        ("- [[Sea Level]]", "- [[Tide Table]]"),
        ("- [[lib/Sea Level|Sea Level]]", "- [[log/Tide Table|Tide Table]]"),
        ("- [Sea Level](../lib/Sea%20Level.md)", "- [Tide Table](Tide%20Table.md)"),
        ("- [Sea Level](../lib/Sea%20Level)", "- [Tide Table](Tide%20Table)"),
        ("- [Sea Level](/lib/Sea%20Level.md)", "- [Tide Table](/log/Tide%20Table.md)"),
    ],
)
@each("name", ["relative Markdown links", "wikilinks with paths", "no links"])
def test_section_keeps_the_style_of_its_entries(
    run: RunCommand, tmp_path: Path, name: str, entry: str, added: str
) -> None:
    marks = "<!-- vaultlink:backlinks before=1 after=1 -->", "<!-- /vaultlink:backlinks -->"
    section = f"{marks[0]}\n\n## Backlinks\n\n{entry}\n\n{marks[1]}\n"
    notes = {**SOURCES, "log/Now.md": f"Today.\n\n{section}", "log/Tide Table.md": ""}
    vault = create(tmp_path, MADE_VAULTS[name], notes)
    options = ("--vault", vault, "--style", "list")
    assert run("sections", "check", "log/Now.md", *options).code == 0
    (vault / "log/Tide Table.md").write_text("![[Now]]\n", encoding="utf-8")
    run("sections", "write", "log/Now.md", *options)
    lines = read_note(vault, "log/Now.md").splitlines()
    assert [line for line in lines if line.startswith("- ")] == [entry, added]
    assert run("sections", "check", "log/Now.md", *options).code == 0


DEFAULT_RULES = [rule.name for rule in RULES if rule.enabled_by_default]

# -- one answer, kept up to date --------------------------------------------------------------------------------------


def find_style(notes: Mapping[str, str], source: str = "log/Now.md", **settings: Any) -> LinkStyle:
    state = build_state({**FILES, **notes, source: ""})
    return find_link_style(source, state.index, ObsidianSettings(**settings))


def test_nearest_folder_decides() -> None:
    notes = {
        **write_notes("[a](../lib/Atlas.md)"),
        **write_notes("[[Atlas]]", folder="log/2026", count=12),
        **write_notes("[a](../../../lib/Atlas.md)", folder="log/2026/11"),
    }
    kinds = {
        folder: find_style(notes, f"{folder}/Now.md").kind
        for folder in (
            "log/2026/11",
            "log/2026/11/new",
            "log/2026",
            "log/2026/12",
            "log",
            "log/2025",
            "other",
        )
    }
    assert kinds == {
        "log/2026/11": MARKDOWN,
        "log/2026/11/new": MARKDOWN,
        "log/2026": WIKILINK,
        "log/2026/12": WIKILINK,
        "log": MARKDOWN,
        "log/2025": WIKILINK,
        "other": WIKILINK,
    }


def test_letters_are_encoded_as_the_others_are() -> None:
    notes = {"lib/Übersicht.md": ""}
    encoded = {**notes, **write_notes("[a](../lib/%C3%9Cbersicht.md)")}
    plain = {**notes, **write_notes("[a](../lib/Übersicht.md)")}
    assert find_style(encoded).write_link("Ähre.md", "x") == "[x](%C3%84hre.md)"
    assert find_style(plain).write_link("Ähre.md", "x") == "[x](Ähre.md)"


@each(
    ("links", "path"),
    [
        (["[[log/Twin]]", "[[Atlas]]"], "shortest"),  # the name alone is ambiguous
        (["[[log/Twin]]", "[[lib/Atlas]]"], "absolute"),
        (["[a](../log/Twin.md)", "[b](Buoys.md)"], "relative"),
    ],
)
def test_shared_name_needs_a_path_in_any_style(links: list[str], path: str) -> None:
    notes = {"log/Twin.md": "", "lib/Twin.md": "", **write_notes(*links)}
    assert find_style(notes).path == path


def test_links_of_another_kind_have_their_own_style() -> None:
    notes = {**write_notes("[a](/lib/Atlas.md)"), **write_notes("[[lib/Atlas]]", folder="old")}
    state = build_state({**FILES, **notes})
    styles = [
        find_link_style("log/Now.md", state.index, ObsidianSettings(), kind)
        for kind in (WIKILINK, MARKDOWN)
    ]
    assert [(style.kind, style.path, style.has_mark) for style in styles] == [
        (WIKILINK, "absolute", False),
        (MARKDOWN, "absolute", True),
    ]


@each(
    ("settings", "kind", "path"),
    [
        ({"use_markdown_links": True, "new_link_format": "shortest"}, MARKDOWN, "shortest"),
        ({"use_markdown_links": False, "new_link_format": "relative"}, WIKILINK, "relative"),
        ({"use_markdown_links": False, "new_link_format": "shortest"}, WIKILINK, "shortest"),
    ],
)
def test_settings_decide_without_reading_links(
    settings: Mapping[str, Any], kind: object, path: str
) -> None:
    notes = {**FILES, **write_notes("[a](/lib/Atlas.md)", "[[lib/Atlas]]")}
    state = build_state(notes, make_settings(DEFAULT_RULES))
    style = find_link_style("log/Now.md", state.index, ObsidianSettings(**settings))
    assert (style.kind, style.path) == (kind, path)
    assert TraitCount(list_link_traits, on_targets=True) not in state.index.memos


def test_check_does_not_count_links() -> None:
    marks = "<!-- vaultlink:backlinks before=1 after=1 -->", "<!-- /vaultlink:backlinks -->"
    section = f"{marks[0]}\n\n## Backlinks\n\n- [[Sea Level]]\n\n{marks[1]}\n"
    notes = {**write_notes("[a](../lib/Atlas.md)"), **SOURCES, "log/Now.md": f"Now\n\n{section}"}
    state = build_state({**FILES, **notes}, make_settings(DEFAULT_RULES))
    assert TraitCount(list_link_traits, on_targets=True) not in state.index.memos


def test_steps_keep_the_counts() -> None:
    """Counts change with notes, and with files that make a link resolve or a name ambiguous."""
    notes = {**FILES, **write_notes("[a](../lib/Atlas.md)", "[[Buoys]]", "[[log/Twin]]")}
    state = build_state(notes)
    count = TraitCount(list_link_traits, on_targets=True)
    state.index.derive(count)
    for changes in (
        [Change("log/Day 0.md", "[[Atlas]]\n")],
        [Change("log/Twin.md", "")],
        [Change("lib/Twin.md", "")],
        [Change("log/Day 1.md", "---\nsource: https://example.org\n---\n[[Atlas]]\n")],
        [Change("lib/Atlas.md", Presence.GONE)],
        [Change("log/Day 2.md", Presence.GONE), Change("new/Day.md", "[[Buoys]]\n")],
    ):
        state = step(state, changes)
        assert count in state.index.memos
        assert state.index.memos[count] == count(state.index)


def list_findings(state: State) -> dict[str, list[str]]:
    return {
        path: [item.message for item in items if item.rule == "link-style"]
        for path, items in state.diagnostics.items()
    }


@each("app", [None, {}, {"useMarkdownLinks": True}])
def test_rule_follows_the_links_of_other_notes(app: Mapping[str, Any] | None) -> None:
    settings = make_settings(["link-style"], app=app)
    notes = {**FILES, **write_notes("[[Atlas]]"), "log/Now.md": "[[Atlas]] and [b](Buoys.md)\n"}
    state = build_state(notes, settings)
    for note in range(3):
        notes[f"log/Day {note}.md"] = "[a](../lib/Atlas.md) and [b](Buoys.md)\n"
        state = step(state, [Change(f"log/Day {note}.md", notes[f"log/Day {note}.md"])])
        assert list_findings(state) == list_findings(build_state(notes, settings))
    wikilink = "This link does not follow the vault's link style; expected [Atlas]("
    (message,) = list_findings(state)["log/Now.md"]
    assert message.startswith(wikilink) is (app != {})


def test_rule_in_a_saved_state(run: RunCommand, tmp_path: Path) -> None:
    """Findings depend on other notes also in the next run, which reads the cache."""
    notes = {**FILES, **write_notes("[[Atlas]]"), "log/Now.md": "[[Atlas]]\n"}
    vault = create_vault(tmp_path / "vault", notes)
    options = ("--vault", vault, "--select", "link-style", "--cache-dir", tmp_path / "cache")
    assert run("check", *options, "--exit-zero").out == ""
    for note in range(3):
        text = "[a](../lib/Atlas.md) and [b](Buoys.md)\n"
        (vault / f"log/Day {note}.md").write_text(text, encoding="utf-8")
    cached, fresh = (run("check", *options, *more, "--exit-zero") for more in ((), ("--no-cache",)))
    assert "expected [Atlas](../lib/Atlas.md)" in fresh.out
    assert cached.out == fresh.out


@each(
    ("app", "others", "is_reported"),
    [
        (None, "[[Atlas]] [[Buoys]]", True),
        (None, "[a](../lib/Atlas.md)", False),
        (None, "", False),
        ({}, "[a](../lib/Atlas.md)", True),
        ({"useMarkdownLinks": True}, "[[Atlas]] [[Buoys]]", False),
    ],
)
def test_markdown_link_in_an_authors_section(
    app: Mapping[str, Any] | None, others: str, is_reported: bool
) -> None:
    """Only where other links are wikilinks is a Markdown link wrong."""
    section = "**Add backlinks using these topics:**\n\nBuoys – [Buoys](Buoys.md)\n"
    options = {"broken-section-entry": {"style": True}}
    settings = make_settings(["broken-section-entry"], app=app, options=options)
    state = build_state({**FILES, "log/Now.md": f"{others}\n\n{section}"}, settings)
    found = [item.message for item in state.diagnostics.get("log/Now.md", ())]
    assert any("is a Markdown link" in message for message in found) is is_reported
