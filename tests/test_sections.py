"""Tests of backlinks sections: parsing, problems, and fixes that preserve everything else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as some

from builder import build_state, collect_findings, make_settings
from exploring import count_examples
from running import RunCommand
from tables import each
from test_rule_fixes import run_fixes, texts_after
from vaultlink.engine.step import Change, step
from vaultlink.model import Entry, Note, Owner, Place
from vaultlink.parse.note import parse_note
from vaultlink.rules.author_sections import _find_section_defects
from vaultlink.rules.context import Context

VECTORS: list[Mapping[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "sections.yaml").read_text(encoding="utf-8")
)
NOTES = {
    "red_tea.md": "---\ntitle: Red Tea\n---\n",
    "cup.md": "---\ntitle: Cup\n---\n",
    "Green Tea.md": "",
    "x/pot.md": "---\naliases: [The Pot]\n---\n",
    "tray.md": "# Tray\n\n## Wood\n",
    "tray_a_life.md": "---\ntitle: Tray - a life\n---\n",
    "a/twin.md": "# Twin\n",
    "b/twin.md": "",
}
EACH = each("vector", VECTORS, ids=lambda vector: vector["is"])


def read(vector: Mapping[str, Any]) -> Note:
    return parse_note("Here.md", vector["text"], tuple(vector.get("headings", ())))


@EACH
def test_parsed_section(vector: Mapping[str, Any]) -> None:
    note, text = read(vector), vector["text"]
    entries = vector.get("entries", [])
    assert len(note.sections) == vector.get("sections", 1)
    assert [shape(entry) for section in note.sections for entry in section.entries] == entries
    assert [
        text[line.start : line.end] for section in note.sections for line in section.prose_lines
    ] == vector.get("prose", [])
    for section in note.sections[:1]:
        assert section.owner == vector.get("owner", Owner.AUTHOR)
        assert section.heading == vector.get("heading", section.heading)
    assert len(note.links) == vector.get("links", len(note.links))


def shape(entry: Entry) -> list[str | None]:
    return [
        entry.title,
        entry.link.target if entry.link else None,
        entry.link.display if entry.link else None,
    ]


@EACH
def test_section_problems(vector: Mapping[str, Any]) -> None:
    base = make_settings(app={}, backlinks={"headings": vector.get("headings", [])})
    state = build_state({**NOTES, "Here.md": vector["text"]}, base)
    note = state.index.notes["Here.md"]
    context = Context(
        state.index,
        {"style": True},
        base.obsidian,
        base.allows_dangling,
        None,
        base.config.backlinks,
    )
    defects = {
        f"{defect.kind}" if defect.reported else f"({defect.kind})"
        for section in note.sections
        for defect in _find_section_defects(section, note, context)
    }
    assert defects - {"heading-variant"} == set(vector.get("defects", []))


@EACH
def test_spans_match_the_text(vector: Mapping[str, Any]) -> None:
    check_spans(read(vector), vector["text"])


def check_spans(note: Note, text: str) -> None:
    links = {link.start: link for link in note.links}
    for section in note.sections:
        assert (
            0
            <= section.start
            <= section.heading_start
            <= section.heading_end
            <= section.end
            <= len(text)
        )
        assert text[section.heading_start : section.heading_end] == section.heading
        assert section.text in ("", text[section.start : section.end])
        for entry in section.entries:
            assert text[entry.start : entry.end] == entry.raw
            assert text[entry.start : entry.title_end] == entry.title
            assert text[entry.end : entry.end + len(entry.tail)] == entry.tail
            assert section.start <= entry.cut_start <= entry.cut_end
            assert (entry.line, entry.column) == (
                text.count("\n", 0, entry.start) + 1,
                entry.start - text.rfind("\n", 0, entry.start),
            )
            if entry.link and section.owner is Owner.AUTHOR:
                assert links[entry.link.start] == entry.link
                assert entry.link.place is Place.SECTION
    for one, other in zip(note.sections, note.sections[1:], strict=False):
        assert one.end <= other.start


PIECES = some.sampled_from(
    [
        "Add backlinks using these topics:\n",
        "**Add backlinks using these topics:**\n\n",
        "## add backlinks using these topics\n",
        "> Add backlinks using these topics:\n",
        "Add backlinks using these topics: ",
        "Text.\n",
        "\n",
        "Cup – [[cup | Cup]]\n",
        "- Red Tea - [[red_tea]]\n",
        "> Cup — [[cup]]\n",
        "Cup: [[CUP|Cup]]",
        " Tray [[tray]]\r\n",
        "Red Tea\n",
        "  below [[cup]]\n",
        "Green Tea – [[Green Tea\n",
        "Here – [[Here]]\n\n",
        "Twin – ![[twin]] ",
        "## More\n",
        "```\n",
        "%%\n",
        "---\n",
        "\t",
        "| a |\n",
        "Pot – [x](x/pot.md)\n",
        "Tray – [[tray | [[cup]]\n",
        "<!-- vaultlink:backlinks -->\n",
        "<!-- /vaultlink:backlinks -->\n",
        "===\n",
        "A line that a person wrote.\n",
        "1. [[cup]], [[tray]]\n",
        "é🙂",
    ]
)
TEXTS = some.lists(PIECES, max_size=14).map("".join)


@settings(max_examples=count_examples(100), deadline=None)
@given(TEXTS)
def test_entry_can_be_removed_completely(text: str) -> None:
    note = parse_note("Here.md", text)
    for section in note.sections:
        for entry in section.entries:
            left = parse_note("Here.md", text[: entry.cut_start] + text[entry.cut_end :])
            kept = [
                link.raw for link in note.links if not entry.cut_start <= link.start < entry.cut_end
            ]
            if section.owner is Owner.AUTHOR and len(note.sections) == 1 and "\t" not in text:
                assert [link.raw for link in left.links] == kept


@settings(max_examples=count_examples(100), deadline=None)
@given(TEXTS, some.booleans())
def test_fixing_sections_terminates(text: str, style: bool) -> None:
    base = make_settings(["VL406", "VL407"], options={"broken-section-entry": {"style": style}})
    vault = {**NOTES, "Here.md": text}
    result = run_fixes(base, vault)
    again = {**vault, **texts_after(result)}
    assert collect_findings(build_state(again, base)) == collect_findings(result.after)
    assert not run_fixes(base, again).texts


# -- sections among rules -------------------------------------------------------------------------------------------------------

MENDED = {
    "dangling": "Red Tea – [[Red Tea | Red Tea]]",
    "swapped": "Red Tea – [[Red Tea | red_tea]]",
    "case": "Cup – [[CUP | Cup]]",
    "brackets": "Cup – [[cup | Cup",
    "itself": "Here – [[Here]]",
    "ambiguous": "Twin – [[twin | Twin]]",
    "part": "Tray – [[tray#Nothing | Tray]]",
    "nobody's": "Blue – [[blue | Blue]]",
    "alias": "The Pot – [[The Pot]]",
}


@each("line", MENDED.values(), ids=list(MENDED))
def test_link_in_a_section_gets_one_finding(line: str) -> None:
    vault = {**NOTES, "Here.md": f"Text.\n\nAdd backlinks using these topics:\n{line}\n"}
    items = [
        item
        for item in collect_findings(build_state(vault, make_settings(["VL1", "VL4"])))
        if item.path == "Here.md" and item.start > 20
    ]
    assert len([item for item in items if item.rule not in ("dead-end", "orphan-note")]) == 1


def test_other_rules_report_if_the_section_rule_is_off() -> None:
    vault = {
        **NOTES,
        "Here.md": "Add backlinks using these topics:\nRed Tea – [[Red Tea | Red Tea]]\n",
    }
    assert [item.rule for item in collect_findings(build_state(vault, make_settings(["VL1"])))] == [
        "title-link"
    ]
    off = make_settings(["VL1", "VL406"], backlinks={"mode": "off"})
    assert [item.rule for item in collect_findings(build_state(vault, off))] == ["title-link"]


def test_entry_is_checked_again_when_its_note_is_created() -> None:
    here = {"Here.md": "Add backlinks using these topics:\nDéjà vu: x – [[deja | Déjà vu: x]]\n"}
    base = make_settings(["VL1", "VL406"])
    before = build_state(here, base)
    assert [item.rule for item in collect_findings(before)] == ["planned-note"]
    after = step(before, [Change("dj_vu_x.md", "")])
    assert [item.rule for item in collect_findings(after)] == ["broken-section-entry"]
    assert collect_findings(after) == collect_findings(
        build_state({**here, "dj_vu_x.md": ""}, base)
    )


def test_configured_headings_are_recognized() -> None:
    text = "Text.\n\n## See also\n\nCup - [[cup]]\n"
    vault = {**NOTES, "Here.md": text}
    assert not collect_findings(build_state(vault, make_settings(["VL406"])))
    assert collect_findings(
        build_state(vault, make_settings(["VL406"], backlinks={"headings": ["see also"]}))
    )
    assert collect_findings(
        build_state(vault, make_settings(["VL406"], backlinks={"heading": "### See also"}))
    )


def test_windows_line_ends_are_preserved() -> None:
    text = (
        "Text.\n**Add backlinks using these topics:** Cup - [[cup]] Red Tea [[red_tea]]\n".replace(
            "\n", "\r\n"
        )
    )
    fixed = texts_after(run_fixes(make_settings(["VL406"]), {**NOTES, "Here.md": text}))
    assert fixed["Here.md"] == (
        "Text.\n\n**Add backlinks using these topics:**\n\nCup – [[cup | Cup]]\n\nRed Tea – [[red_tea | Red Tea]]\n".replace(
            "\n", "\r\n"
        )
    )


def test_cached_notes_are_parsed_again_for_other_headings(
    tmp_path: Path, run: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".obsidian").mkdir()
    (tmp_path / "Here.md").write_text("Text.\n\n## See also\n\nCup - [[cup]]\n", encoding="utf-8")
    (tmp_path / "cup.md").write_text("# Cup\n\nSee [[Here]].\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    check = ("check", "--select", "VL406")
    assert run(*check).code == 0
    (tmp_path / "vaultlink.toml").write_text(
        '[backlinks]\nheadings = ["see also"]\n', encoding="utf-8"
    )
    assert "broken-section-entry" in run(*check).out
    (tmp_path / "vaultlink.toml").unlink()
    assert run(*check).code == 0
