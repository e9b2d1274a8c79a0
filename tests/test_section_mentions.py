"""Tests of the mentions that managed sections list: form, updates, kept text, merges, renames, commands."""

import random
from collections.abc import Mapping, Set
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from builder import build_state, collect_findings
from exploring import count_examples
from running import RunCommand, create_vault, read_files, write_files
from tables import each
from test_engine import assert_same
from test_rule_fixes import run_fixes, sources, texts_after
from test_upkeep import STYLES, TOPICS, note_texts, section, vault_of, without, writing
from vaultlink.backlinks.choice import choose_style
from vaultlink.backlinks.merge import merge_note
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import Change, Presence, step
from vaultlink.fix.loop import apply_rounds
from vaultlink.fix.sections import SectionUpdater
from vaultlink.parse.backlinks_heading import MENTION_WORDINGS, USUAL_WORDINGS, is_mention_item
from vaultlink.parse.note import parse_note

Mentions = Mapping[str, Set[str]]

VAULT = {
    "A.md": "See [[N]].\n",
    "B.md": "---\ntitle: The second\n---\nOn N.\n",
    "C.md": "On N.\n",
    "N.md": "Text\n",
}
MENTIONS = {"N.md": {"B.md", "C.md"}}
LISTS = {
    "list": ("## Backlinks", "", "- [[A]]", "- Mentioned in", "  - [[C]]", "  - [[B|The second]]"),
    "topics": (
        *(TOPICS, "", "A – [[A]]", "", "- Mentioned in"),
        *("  - [[C]]", "  - [[B|The second]]"),
    ),
    "context": (
        *("## Backlinks", "", "- [[A]]", "  - See [[N]].", "- Mentioned in"),
        *("  - [[C]]", "  - [[B|The second]]"),
    ),
}


def search(base: LinterSettings, vault: Mapping[str, str], mentions: Mentions) -> dict[str, str]:
    """Return a vault whose sections are written with these mentions."""
    updater = SectionUpdater(lambda _path: True, mentions)
    plan = apply_rounds(build_state(vault, base), sources(vault), updater)
    assert plan.broken_promises == ()
    return {**vault, **texts_after(plan)}


def fixed(base: LinterSettings, vault: Mapping[str, str]) -> dict[str, str]:
    """Return a vault after fixes that search no text."""
    return {**vault, **texts_after(run_fixes(base, vault))}


def note(*lines: str, end: str = "\n", said: str = "before=1 after=1") -> str:
    return f"Text{end}{end}{section(*lines, said=said, end=end)}{end}"


def listing(*lines: str) -> str:
    return note("## Backlinks", "", "- [[A]]", *lines)


# -- the form -----------------------------------------------------------------------------------------------------


@each("style", LISTS)
@each("end", ["\n", "\r\n"])
def test_mentions_follow_the_backlinks(style: str, end: str) -> None:
    vault = {**VAULT, "N.md": f"Text{end}"}
    base = writing(style=style)
    written = search(base, vault, MENTIONS)
    said = "before=1 after=1" + " style=context" * (style == "context")
    assert written["N.md"] == note(*LISTS[style], end=end, said=said)
    assert search(base, written, MENTIONS) == written
    assert not collect_findings(build_state(written, base))
    assert without("N.md", written["N.md"]) == vault["N.md"]
    assert parse_note("N.md", written["N.md"]).links == ()
    assert search(base, fixed(base, vault), MENTIONS) == written


def test_note_that_is_only_mentioned_gets_a_section() -> None:
    base = writing(style="list")
    vault = {"B.md": "On N.\n", "N.md": "Text\n"}
    written = search(base, vault, {"N.md": {"B.md"}})
    assert written["N.md"] == note("## Backlinks", "", "- Mentioned in", "  - [[B]]")
    assert search(base, written, {}) == vault
    linked = {**written, "A.md": "[[N]]\n"}
    assert search(base, linked, {"N.md": {"B.md"}})["N.md"] == listing(
        "- Mentioned in", "  - [[B]]"
    )


def test_item_is_in_the_language_of_the_vault() -> None:
    headings = "# Einleitung und Überblick\n\n## Was ist das und wie\n\n## Fragen und Ziele\n"
    vault = {**VAULT, "D.md": headings}
    written = search(writing(style="list"), vault, MENTIONS)["N.md"]
    assert "## Rückverweise\n\n- [[A]]\n- Erwähnt in\n  - [[C]]" in written
    assert MENTION_WORDINGS.keys() == USUAL_WORDINGS.keys()


@each(
    "line",
    [
        *(f"- {wording}" for wording in MENTION_WORDINGS.values()),
        "* Mentioned in",
        "1. Mentioned in",
        "  + mentioned in:",
        "-   **Mentioned in**:",
        "- __Mentioned in:__",
    ],
)
def test_item_is_known_in_any_formatting(line: str) -> None:
    assert is_mention_item(line)


@each(
    "line",
    [
        "Mentioned in",
        "**Mentioned in:**",
        "-Mentioned in",
        "- Mentioned",
        "- Mentioned in passing",
        "- Mentioned in – [[A]]",
        "- [[Mentioned in]]",
        "- [ ] Mentioned in",
        "- " + "Mentioned in " * 9,
        "-",
        "",
    ],
)
def test_other_lines_are_no_list_of_mentions(line: str) -> None:
    assert not is_mention_item(line)


FORMATTED = {
    "other marks": ("* [[A]]", "* Mentioned in", "  + [[C]]", "  + [[B|The second]]"),
    "numbers": ("1. [[A]]", "2. Mentioned in", "   1. [[C]]", "   2. [[B|The second]]"),
    "tabs": ("- [[A]]", "- Mentioned in", "\t- [[C]]", "\t- [[B|The second]]"),
    "blank lines": (
        *("-   [[A]]", "", "-   Mentioned in", ""),
        *("    -   [[C]]", "", "    -   [[B|The second]]"),
    ),
    "emphasis": ("- [[A]]", "- _Mentioned in:_", "  - [[C]]", "  - [[B|The _second_]]"),
    "in front": ("- Mentioned in", "  - [[C]]", "  - [[B|The second]]", "- [[A]]"),
}


@each("name", FORMATTED)
@each("end", ["\n", "\r\n"])
def test_formatted_list_is_up_to_date(name: str, end: str) -> None:
    base = writing(style="list")
    title = "The *second*" if name == "emphasis" else "The second"
    vault = {**VAULT, "B.md": f"---\ntitle: {title}\n---\nOn N.\n"}
    vault["N.md"] = note("## Backlinks", "", *FORMATTED[name], end=end)
    assert not collect_findings(build_state(vault, base))
    assert search(base, vault, MENTIONS) == vault


def test_list_does_not_count_as_a_style() -> None:
    quoted = note(
        "## Backlinks", "", "- [[A]]", "  - See [[N]].", "- Mentioned in", *("  - [[B]]",) * 3
    )
    for text, style in (
        (note(*LISTS["list"]), "list"),
        (note(*LISTS["topics"]), "topics"),
        (quoted, "context"),
    ):
        assert choose_style({"style": "auto"}, build_state({"N.md": text}).index) == style


# -- updates ------------------------------------------------------------------------------------------------------

IN = "- Mentioned in"
UPDATES = {
    # lines below the backlink: before, after a fix, after a search that finds C
    "right": ((IN, "  - [[C]]"), (IN, "  - [[C]]"), (IN, "  - [[C]]")),
    "none": ((), (), (IN, "  - [[C]]")),
    "another": (
        (IN, "  - [[B|The second]]"),
        (IN, "  - [[B|The second]]"),
        (IN, "  - [[C]]"),
    ),
    "links": ((IN, "  - [[A]]", "  - [[C]]"), (IN, "  - [[C]]"), (IN, "  - [[C]]")),
    "itself": ((IN, "  - [[N]]", "  - [[C]]"), (IN, "  - [[C]]"), (IN, "  - [[C]]")),
    "deleted": ((IN, "  - [[Gone]]"), (), (IN, "  - [[C]]")),
    "attachment": ((IN, "  - [[p.png]]"), (), (IN, "  - [[C]]")),
    "twice": ((IN, "  - [[C]]", "  - [[C]]"), (IN, "  - [[C]]"), (IN, "  - [[C]]")),
    "old title": (
        (IN, "  - [[B|Second]]"),
        (IN, "  - [[B|The second]]"),
        (IN, "  - [[C]]"),
    ),
    "wide indentation": (
        (IN, "    - [[Gone]]", "    - [[B|Second]]"),
        (IN, "    - [[B|The second]]"),
        (IN, "    - [[C]]"),
    ),
    "two lists": (
        (IN, "  - [[B|The second]]", IN, "  - [[C]]"),
        (IN, "  - [[C]]", "  - [[B|The second]]"),
        (IN, "  - [[C]]"),
    ),
    "typed below a mention": (
        (IN, "  - [[Gone]]", "    remark", "  - [[C]]"),
        (IN, "    remark", "  - [[C]]"),
        (IN, "    remark", "  - [[C]]"),
    ),
    "typed below, with a link to the note": (
        (IN, "  - [[B|Second]]", "    - see [[N]]"),
        (IN, "  - [[B|The second]]", "    - see [[N]]"),
        (IN, "    - see [[N]]", "  - [[C]]"),
    ),
    "typed between": (
        (IN, "  - [[B|Second]]", "  - **mine/**", "  - [[C]]"),
        (IN, "  - [[C]]", "  - [[B|The second]]", "  - **mine/**"),
        (IN, "  - **mine/**", "  - [[C]]"),
    ),
    "typed behind": (
        (IN, "  - [[A]]", "", "Typed.", "", "- Typed"),
        ("", "Typed.", "", "- Typed"),
        (IN, "  - [[C]]", "", "Typed.", "", "- Typed"),
    ),
    "typed words": (
        ("- Mentioned in", "  - my head"),
        ("- Mentioned in", "  - my head"),
        ("- Mentioned in", "  - my head", IN, "  - [[C]]"),
    ),
    "escaped": ((IN, r"  - \[[C]\]"), (IN, "  - [[C]]"), (IN, "  - [[C]]")),
}


@each("name", UPDATES)
def test_list_is_updated_and_typed_text_preserved(name: str) -> None:
    base = writing(style="list")
    before, after, searched = (listing(*lines) for lines in UPDATES[name])
    vault = {**VAULT, "p.png": "", "N.md": before}
    found = [item.rule for item in collect_findings(build_state(vault, base))]
    assert found == (["stale-section"] if before != after else [])
    assert fixed(base, vault)["N.md"] == after
    assert fixed(base, {**vault, "N.md": after})["N.md"] == after
    for text in (before, searched):
        assert search(base, {**vault, "N.md": text}, {"N.md": {"C.md"}})["N.md"] == searched


def test_list_is_behind_the_groups_of_an_older_version() -> None:
    base = writing(style="list")
    grouped = (
        "## Backlinks",
        "",
        "**/**",
        "",
        "- [[A]]",
        "",
        "**x/**",
        "",
        "- [[D]]",
        IN,
        "  - [[C]]",
    )
    vault = {**VAULT, "x/D.md": "[[N]]\n", "N.md": "Text\n\n" + section(*grouped) + "\n"}
    assert not collect_findings(build_state(vault, base))
    assert fixed(base, vault) == vault
    more = fixed(base, {**vault, "E.md": "[[N]]\n"})
    assert "- [[A]]\n- [[D]]\n- [[E]]\n- Mentioned in\n  - [[C]]\n\n<!-- /" in more["N.md"]


def test_only_the_first_section_has_a_list() -> None:
    base = writing(style="list")
    one, other = (
        section("## Backlinks", "", "- [[A]]"),
        section("## Backlinks", "", IN, "  - [[C]]"),
    )
    text = fixed(base, {**VAULT, "N.md": f"{one}\n\n{other}\n"})["N.md"]
    assert text.count("vaultlink:backlinks") == 2
    assert "- [[A]]\n- Mentioned in\n  - [[C]]\n\n<!-- /" in text


def test_findings_follow_the_notes_of_a_list_step_by_step() -> None:
    base = writing(style="list")
    vault = search(base, VAULT, MENTIONS)
    state = build_state(vault, base)
    for path, text in (
        ("C.md", None),
        ("C.md", "On N.\n"),
        ("B.md", "---\ntitle: Other\n---\nOn N.\n"),
        ("B.md", VAULT["B.md"]),
        ("x/C.md", "Text\n"),
        ("C.md", "[[N]]\n"),
    ):
        vault = {key: value for key, value in vault.items() if key != path or text is not None}
        vault |= {} if text is None else {path: text}
        state = step(state, [Change(path, Presence.GONE if text is None else text)])
        assert_same(state, build_state(vault, base))
        is_right = text == VAULT.get(path) or path == "x/C.md"
        assert bool(collect_findings(state)) is not is_right


# -- whatever stands in a note ------------------------------------------------------------------------------------

PATHS = ("A.md", "B.md", "N.md", "x/Long name.md", "p.png")


@pytest.mark.thorough
@settings(max_examples=count_examples(200), deadline=None)
@given(
    text=note_texts(),
    others=some.lists(note_texts(), min_size=2, max_size=2),
    how=STYLES,
    found=some.dictionaries(some.sampled_from(PATHS), some.frozensets(some.sampled_from(PATHS))),
)
def test_written_mentions_are_clean_and_removed_to_the_byte(
    text: str, others: list[str], how: dict[str, str], found: dict[str, frozenset[str]]
) -> None:
    base, vault = writing(**how), vault_of(text, others)
    written = search(base, vault, found)
    assert search(base, written, found) == written
    assert not run_fixes(base, written).texts
    for path, old in vault.items():
        if written[path] != old:
            assert without(path, written[path]) == old
            links = [link.raw for link in parse_note(path, old).links]
            assert [link.raw for link in parse_note(path, written[path]).links] == links


TYPED = ("Typed.", "- Typed", "  - Typed", "    Typed", "\t- Typed", "  **Typed/**")


@pytest.mark.thorough
@each("seed", range(60))
def test_typed_text_survives_any_change_of_the_mentions(seed: int) -> None:
    dice = random.Random(seed)
    style = dice.choice(["list", "topics", "context"])
    base = writing(style=style)
    vault = search(base, VAULT, MENTIONS)
    lines = vault["N.md"].split("\n")
    typed = []
    for number in range(dice.randint(1, 4)):
        line = dice.choice(TYPED).replace("Typed", f"Typed {number}")
        typed.append(line.strip())
        # Below backlinks, an indented line may be part of a passage, and a bold one a heading.
        first = lines.index(IN) + 1 if style == "context" or "**" in line else 5
        lines.insert(dice.randint(first, len(lines) - 3), line)
    vault["N.md"] = "\n".join(lines)
    for _ in range(4):
        found = {"N.md": {path for path in ("B.md", "C.md", "A.md") if dice.random() < 0.5}}
        vault = search(base, vault, found)
        assert search(base, vault, found) == vault
        assert not run_fixes(base, vault).texts
        assert [line for line in typed if line not in vault["N.md"]] == []
        assert vault["N.md"].startswith("Text\n\n<!--")
        assert vault["N.md"].endswith("<!-- /vaultlink:backlinks -->\n")


# -- merges -------------------------------------------------------------------------------------------------------

B, C, D = "  - [[B|The second]]", "  - [[C]]", "  - [[D]]"


@each(
    ("base", "ours", "theirs", "merged"),
    [
        ((), (IN, C), (IN, B), (IN, C)),
        ((IN, C), (IN, B), (IN, C, D), (IN, B)),
        ((IN, C), (), (IN, C), ()),
        ((IN, C), ("- [[D]]", IN, C), (IN, C, "Typed"), (IN, C, "Typed")),
        ((), ("- [[D]]", IN, C), ("- [[E]]", IN, B), ("- [[D]]", IN, C)),
    ],
)
def test_list_of_one_side_is_taken(
    base: tuple[str, ...], ours: tuple[str, ...], theirs: tuple[str, ...], merged: tuple[str, ...]
) -> None:
    texts = [listing(*lines) for lines in (base, ours, theirs)]
    assert merge_note(texts, "N.md", lambda bodies: (bodies[1], False)) == (listing(*merged), False)


# -- commands -----------------------------------------------------------------------------------------------------

FILES = {
    "Log.md": "# Log\n\nWe read the tide table machines.\n",
    "Station.md": "We oil the tide table machines.\r\n",
    "tide_table_machines.md": "# Tide table machines\n\nBrass wheels.\n",
    "vaultlink.toml": '[mentions]\nmin-score = 0.5\n\n[backlinks]\nstyle = "list"\n',
}
WRITTEN = "# Tide table machines\n\nBrass wheels.\n\n" + section(
    "## Backlinks", "", IN, "  - [[Log]]", "  - [[Station]]"
)


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = create_vault(tmp_path / "vault", FILES)
    monkeypatch.chdir(folder)
    return folder


def read(vault: Path, name: str = "tide_table_machines.md") -> str:
    return (vault / name).read_bytes().decode()


def test_write_and_check(vault: Path, run: RunCommand) -> None:
    before = read_files(vault)
    assert run("sections", "check", "--mentions").code == 1
    assert run("sections", "write", "--mentions").code == 0
    assert read(vault) == WRITTEN + "\n"
    after = read_files(vault)
    assert run("sections", "check", "--mentions").code == 0
    assert run("sections", "check").code == 0
    assert run("sections", "write").out == run("sections", "write", "--mentions").out == ""
    assert run("sections", "write", "--diff", "--mentions").code == 0
    assert read_files(vault) == after
    assert run("sections", "remove").code == 0
    assert read_files(vault) == before


def test_one_note(vault: Path, run: RunCommand) -> None:
    assert run("sections", "write", "--mentions", "tide_table_machines").lines == [
        "path\tchange",
        "tide_table_machines.md\twritten",
    ]
    assert read(vault) == WRITTEN + "\n"
    assert run("sections", "check", "--mentions", "tide_table_machines").code == 0


def test_check_compares_with_a_search(vault: Path, run: RunCommand) -> None:
    run("sections", "write", "--mentions")
    write_files(vault, {"Log.md": read(vault, "Log.md").replace("tide table machines", "tables")})
    assert run("sections", "check").code == 0
    assert run("sections", "check", "--mentions").lines == [
        "path\tchange",
        "tide_table_machines.md\tbrought in step",
    ]
    assert "-  - [[Log]]" in run("sections", "write", "--diff", "--mentions").lines
    run("sections", "write", "--mentions")
    assert read(vault) == WRITTEN.replace("  - [[Log]]\n", "") + "\n"
    assert run("undo").code == 0
    assert read(vault) == WRITTEN + "\n"


def test_ordinary_fix_removes_only_surplus_notes(vault: Path, run: RunCommand) -> None:
    run("sections", "write", "--mentions")
    write_files(vault, {"Log.md": "# Log\n\n[[tide_table_machines]]\n"})
    assert "stale-section" in run("check").out
    run("fix")
    lines = ("- [[Log]]", IN, "  - [[Station]]")
    assert section("## Backlinks", "", *lines) in read(vault)
    assert run("sections", "check", "--mentions").code == 0


def test_setting_is_the_same_as_the_option(vault: Path, run: RunCommand) -> None:
    write_files(vault, {"vaultlink.toml": FILES["vaultlink.toml"] + "mentions = true\n"})
    assert run("sections", "check").code == 1
    run("sections", "write")
    assert read(vault) == WRITTEN + "\n"
    assert run("sections", "remove").code == 0
    write_files(vault, {"vaultlink.toml": "[backlinks]\nmentions = 1\n"})
    assert "must be true or false" in run("sections", "check").err


def test_linked_mention_becomes_a_backlink_in_the_same_run(vault: Path, run: RunCommand) -> None:
    run("sections", "write", "--mentions")
    assert run("mentions", "--write", "Log").code == 0
    assert "[[tide_table_machines|tide table machines]]" in read(vault, "Log.md")
    lines = ("- [[Log]]", IN, "  - [[Station]]")
    assert section("## Backlinks", "", *lines) in read(vault)
    assert run("sections", "check", "--mentions").code == 0


def test_list_follows_a_renamed_note(vault: Path, run: RunCommand) -> None:
    run("sections", "write", "--mentions")
    assert run("rename", "Log.md", "Zone.md").code == 0
    lines = (IN, "  - [[Station]]", "  - [[Zone]]")
    assert section("## Backlinks", "", *lines) in read(vault)
    assert run("sections", "check", "--mentions").code == 0
    assert run("rename", "tide_table_machines.md", "Tide Table Machines.md").code == 0
    assert section("## Backlinks", "", *lines) in read(vault, "Tide Table Machines.md")


def test_list_follows_a_merged_note(vault: Path, run: RunCommand) -> None:
    run("sections", "write", "--mentions")
    assert run("merge", "Log.md", "Station.md").code == 0
    assert section("## Backlinks", "", IN, "  - [[Station]]") in read(vault)


def test_list_changes_no_other_command(vault: Path, run: RunCommand) -> None:
    run("sections", "write")
    commands = (
        *(["backlinks"], ["links"], ["orphans"], ["deadends"], ["topics"], ["mentions"]),
        *(["backlinks", "tide_table_machines"], ["graph", "--output-format", "json"]),
        *(["related", "Log"], ["check"]),
    )
    before = [run(*words).out for words in commands]
    run("sections", "write", "--mentions")
    assert "Mentioned in" in read(vault)
    assert [run(*words).out for words in commands] == before


@pytest.mark.usefixtures("vault")
@each("words", [("sections", "adopt", "Log"), ("sections", "remove", "Log")])
def test_options_that_do_not_list_mentions(run: RunCommand, words: tuple[str, ...]) -> None:
    done = run(*words, "--mentions")
    assert (done.code, done.out) == (2, "")
    assert "error: --mentions" in done.err


@pytest.mark.usefixtures("vault")
def test_search_of_all_notes_requires_the_library(
    run: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaultlink.mentions.search.find_spec", lambda _name: None)
    done = run("sections", "check", "--mentions")
    assert (done.code, "requires an extra library" in done.err) == (2, True)
    assert run("sections", "check", "--mentions", "tide_table_machines").code == 1
