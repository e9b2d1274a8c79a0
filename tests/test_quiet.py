"""Tests of the setting `quiet`: templates, periodic notes, and addresses of a published site."""

import json
import random
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from builder import RULES, build_state, collect_findings, make_changes, make_settings
from growth import assert_time_grows_slowly
from tables import each
from vaultlink.config.dates import compile_periodic_notes
from vaultlink.config.layers import Layer
from vaultlink.config.settings import merge_layers
from vaultlink.disk.obsidian_files import OBSIDIAN_FILES, load_obsidian_settings
from vaultlink.engine.step import Change, Presence, State, step
from vaultlink.errors import ConfigError
from vaultlink.obsidian import PeriodicNote
from vaultlink.rules.context import QUIET_KINDS

# -- formats of dates -------------------------------------------------------------------------------------------------

FORMATS: Sequence[tuple[str, str, Sequence[str], Sequence[str]]] = [
    (
        "YYYY-MM-DD",
        "Journal/Daily",
        [
            "2024-05-03",
            "2024-02-29",
            "2024-05-03.md",
            "Daily/2024-05-03",
            "../journal/daily/2024-05-03",
        ],
        [
            "2024-13-01",
            "2023-02-29",
            "2024-04-31",
            "Old/2024-05-03",
            "2024-5-3",
            "2024-05-03 Talk",
            "2024-05",
            "",
        ],
    ),
    (
        "YYYY/MM/YYYY-MM-DD",
        "",
        ["2024-05-03", "05/2024-05-03", "2024/05/2024-05-03"],
        ["05", "06/2024-05-03", "2023/05/2024-05-03", "2024/2024-05-03"],
    ),
    ("YYYY/MM/DD", "J", ["2024/05/03", "J/2024/05/03"], ["03", "05/03", "2024/05"]),
    ("gggg-[W]ww", "", ["2024-W05", "2024-w53"], ["2024-W5", "2024-W54", "2024-05"]),
    ("YYYY-[W]W", "", ["2024-W5"], ["2024-W05"]),
    ("YYYY-[Q]Q", "", ["2024-Q4"], ["2024-Q5", "2024-4"]),
    ("YYYY", "Years", ["2024", "Years/2024"], ["1024", "24", "Notes/2024"]),
    (
        "Do MMMM YYYY",
        "",
        ["3rd May 2024", "3. März 2024", "1er août 2024"],
        ["3rd Plan 2024", "3rd 2024"],
    ),
    (
        "MMMM YYYY",
        "",
        ["May 2024", "十一月 2024", "5月 2024", "июня 2024"],
        ["Roadmap 2024", "May"],
    ),
    (
        "dddd, MMM D, YYYY",
        "",
        ["Friday, Jan. 3, 2024", "vendredi, janv. 3, 2024"],
        ["Talk, Jan 3, 2024"],
    ),
    ("YYYY年MM月DD日 dddd", "", ["2024年05月03日 星期五"], ["2024年05月03日 会议"]),
    ("YYMMDD", "", ["240503"], ["241303", "2405"]),
    ("[Day] DDDD [of] YYYY", "", ["Day 003 of 2024"], ["Day 3 of 2024", "Day 367 of 2024"]),
    (r"YYYY\MMM", "", ["2024M05"], ["2024May", "202405"]),
]


@each(("text", "folder", "fitting", "others"), FORMATS)
def test_formats(text: str, folder: str, fitting: Sequence[str], others: Sequence[str]) -> None:
    matches = compile_periodic_notes([PeriodicNote(text, folder)])
    assert [target for target in fitting if not matches(target)] == []
    assert [target for target in others if matches(target)] == []


@each(
    "text",
    ["", "MMMM", "DD", "YY-MM", "[Daily]", "[2024] MM", "YYYY-MM-DD HH:mm", "YYYY Daily", "L"],
)
def test_formats_that_could_fit_other_names_are_ignored(text: str) -> None:
    matches = compile_periodic_notes([PeriodicNote(text, "")])
    assert not any(
        map(
            matches,
            ["", "May", "24", "24-05", "Daily", "2024 05", "2024-05-03 12:00", "03/05/2024"],
        )
    )


@each(
    "note",
    [
        PeriodicNote("DDDo" * 8 + "YYYY", ""),
        PeriodicNote("MMMMdddd" + "D" * 20 + "YYYY", ""),
        PeriodicNote("YYYY" + "[a" * 40, ""),
        PeriodicNote("YYYY" + "W" * 90, "a/" * 500),
        PeriodicNote("YYYY" * 10_000, ""),
    ],
)
def test_hostile_formats_take_little_time(note: PeriodicNote) -> None:
    matches = compile_periodic_notes([note])
    for target in ("1" * 36, "1" * 290, "a" * 290, "may" * 90, "/" * 290):
        matches(target)  # exponential time would exceed the time limit of a test
    assert_time_grows_slowly(lambda size: partial(matches, "1" * size), 3_000)


# -- settings of Obsidian and its plugins -----------------------------------------------------------------------------


def write_settings(folder: Path, files: Mapping[str, object]) -> Path:
    """Write files of `.obsidian`, as JSON unless they are text."""
    for name, value in files.items():
        file = folder / ".obsidian" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return folder


def test_templates_of_all_plugins(tmp_path: Path) -> None:
    vault = write_settings(
        tmp_path,
        {
            "templates.json": {"folder": "/Extras/Templates/"},
            "daily-notes.json": {"template": "Meta/Day"},
            "plugins/templater-obsidian/data.json": {
                "templates_folder": "Templater",
                "folder_templates": [{"folder": "x", "template": "Meta/Book.md"}, {}, 1],
                "file_templates": [{"regex": "^x", "template": "Meta/File.md"}, None],
                "startup_templates": ["", "Meta/Start.md", 1],
            },
            "plugins/quickadd/data.json": {
                "templateFolderPath": "Quick",
                "choices": [
                    {
                        "type": "Multi",
                        "choices": [{"type": "Template", "templatePath": "Meta/Log"}],
                    },
                    {"type": "Template", "templatePath": "Meta/Talk.md"},
                    {"type": "Capture"},
                ],
            },
            "plugins/calendar/data.json": {
                "showWeeklyNote": True,
                "weeklyNoteTemplate": "Meta/Week",
            },
        },
    )
    assert load_obsidian_settings(vault).templates == (
        *("Extras/Templates", "Templater", "Meta/Book.md", "Meta/File.md", "Meta/Start.md"),
        *("Quick", "Meta/Talk.md", "Meta/Log", "Meta/Day", "Meta/Week"),
    )


def test_periodic_notes_of_all_plugins(tmp_path: Path) -> None:
    vault = write_settings(
        tmp_path,
        {
            "core-plugins.json": {"daily-notes": True},
            "plugins/periodic-notes/data.json": {
                "weekly": {"enabled": True, "format": "", "folder": "Weeks/"},
                "monthly": {"enabled": False, "format": "MM YYYY"},
                "calendarSets": [{"quarter": {"enabled": True, "format": "YYYY [Q]Q"}}, None],
            },
            "plugins/calendar/data.json": {"weeklyNoteFormat": "YYYY [week] W"},
        },
    )
    assert load_obsidian_settings(vault).periodic_notes == (
        PeriodicNote("YYYY-MM-DD", ""),
        PeriodicNote("gggg-[W]ww", "Weeks"),
        PeriodicNote("YYYY [Q]Q", ""),
        PeriodicNote("YYYY [week] W", ""),
    )


@each(
    "value",
    [
        "{",
        "[]",
        "null",
        "1",
        "[" * 100_000,
        {"folder": 1, "format": []},
        {"folder": "../x", "template": "/"},
    ],
)
def test_other_content_means_the_defaults(tmp_path: Path, value: object) -> None:
    vault = write_settings(
        tmp_path, {path.removeprefix(".obsidian/"): value for path in OBSIDIAN_FILES}
    )
    settings = load_obsidian_settings(vault)
    assert settings.templates == ()
    assert settings.periodic_notes in ((), (PeriodicNote("YYYY-MM-DD", ""),))


# -- templates --------------------------------------------------------------------------------------------------------

BROKEN = "[[Nowhere]]\n"


def broken_notes(vault: Mapping[str, str], **settings: Any) -> list[str]:
    """Return the notes with a finding."""
    base = make_settings(["dangling-link"], **settings)
    return [item.path for item in collect_findings(build_state(vault, base))]


def test_templates_are_not_linted_but_resolve() -> None:
    vault = {
        "Meta/T/Day.md": BROKEN,
        "Meta/T.md": BROKEN,
        "Meta/T2/a.md": BROKEN,
        "Home.md": "[[Day]]",
        "meta/t/x.md": BROKEN,
    }
    named = {"templates.json": {"folder": "Meta/T/"}}
    assert broken_notes(vault, obsidian=named) == ["Meta/T2/a.md"]
    assert len(broken_notes(vault, obsidian=named, quiet=["footnotes"])) == 4


@each("folder", ["", "/", "../Meta", ".", 1, None, ["Meta"]])
def test_root_and_paths_outside_are_no_folder_of_templates(folder: object) -> None:
    assert broken_notes({"Meta/Day.md": BROKEN}, obsidian={"templates.json": {"folder": folder}})


def test_a_single_template_outside_the_folder() -> None:
    vault = {"Meta/Day.md": BROKEN, "Meta/Days.md": BROKEN}
    assert broken_notes(vault, obsidian={"daily-notes.json": {"template": "Meta/Day"}}) == [
        "Meta/Days.md"
    ]


# -- addresses of a site ----------------------------------------------------------------------------------------------


@each("seed", range(8))
def test_addresses_do_not_depend_on_the_order_of_changes(seed: int) -> None:
    base, rng = make_settings(["dangling-link"]), random.Random(seed)
    texts = ["[x](/a/Plan.md)\n", "[x](/b/Gone.md) [y](/docs/plan/)\n", "[x](/a/Gone.md)\n", ""]
    paths = ["Home.md", "a/Plan.md", "c/d.md", "b/x.png", "docs/e.md"]
    vault: dict[str, str] = {}
    state = State(base)
    for _ in range(25):
        path = rng.choice(paths)
        if path in vault and rng.random() < 0.4:
            del vault[path]
            state = step(state, [Change(path, Presence.GONE)])
        else:
            vault[path] = rng.choice(texts)
            state = step(state, list(make_changes(base, {path: vault[path]})))
        assert collect_findings(state) == collect_findings(build_state(vault, base)), vault


# -- configuration ----------------------------------------------------------------------------------------------------


def test_default_names_all_kinds_and_the_digest_differs() -> None:
    default, none = merge_layers([], RULES), merge_layers([Layer("x", {"quiet": []})], RULES)
    assert default.values["quiet"] == QUIET_KINDS
    assert none.quiet == frozenset()
    assert default.digest() != none.digest()


def test_unknown_kind_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(
        ConfigError, match=r"x: quiet: there is no kind “template”\. Did you mean templates\?"
    ):
        merge_layers([Layer("x", {"quiet": ["template"]})], RULES)
    with pytest.raises(ConfigError, match=r"Known: templates, daily-notes"):
        merge_layers([Layer("x", {"quiet": ["zzz"]})], RULES)
