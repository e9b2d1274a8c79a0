"""Tests of what is said of imported, generated and read-only folders: when, when not, and that the setting silences them."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from builder import RULES, build_state
from running import RunCommand, create_vault
from tables import each
from vaultlink.config.patterns import compile_globs
from vaultlink.config.settings import merge_layers
from vaultlink.engine.checks import LinterSettings
from vaultlink.report.foreign_folders import (
    ForeignFolder,
    describe_declared_folders,
    describe_foreign_folders,
    find_foreign_folders,
    format_glob,
)

Files = dict[str, str]

DEFAULTS = LinterSettings.build(RULES, merge_layers((), RULES))


def make_notes(folder: str, number: int, text: str = "", name: str = "n{}") -> Files:
    return {
        f"{folder}{name.format(f'{i:02}')}.md": text.replace("N", f"{i}") for i in range(number)
    }


HOME = make_notes("Notes/", 60, "[[home]]\n") | {"home.md": "[[Nowhere]]\n"}
BROKEN = "[[issue N]]\n"
RAW = make_notes("raw/", 30, BROKEN, "r{}")
FOUND = ForeignFolder("raw", 30, 30)

CASES: dict[str, tuple[Mapping[str, str], list[ForeignFolder]]] = {
    "an import": ({**HOME, **RAW}, [FOUND]),
    "an import with folders of its own": (
        {**HOME, **make_notes("raw/a/", 15, BROKEN, "r{}"), **make_notes("raw/b/", 15, BROKEN, "s{}")},
        [FOUND],
    ),
    "an import below a folder": (
        {**{f"Sources/{path}": text for path, text in RAW.items()}, **HOME, "Sources/s.md": "[[home]]\n", **make_notes("Sources/", 40, "[[s]]\n", "t{}"), **make_notes("", 40, "[[s]]\n", "u{}")},
        [ForeignFolder("Sources/raw", 30, 30)],
    ),
    "two imports": (
        {**HOME, **make_notes("raw/", 25, BROKEN, "r{}"), **make_notes("more/", 25, BROKEN, "m{}")},
        [ForeignFolder("more", 25, 25), ForeignFolder("raw", 25, 25)],
    ),
    "links among its notes": (
        {**HOME, **make_notes("raw/", 30, BROKEN + "[[r01]]\n", "r{}")}, [ForeignFolder("raw", 31, 30)]
    ),
    "pictures of the vault": (
        {**HOME, **make_notes("raw/", 30, BROKEN + "![[a.png]]\n", "r{}"), "img/a.png": ""}, [FOUND]
    ),
    "one of its notes names a note outside": (
        {**HOME, **RAW, "raw/r00.md": "[[home]] [[x]]\n"}, [FOUND]
    ),
    "names with a date and words": (
        {**HOME, **make_notes("raw/", 30, BROKEN, "2024-01-02 On the {} of it")}, [FOUND]
    ),
    "dots in folders": (
        {**HOME, **make_notes("v1.2 (old)/", 30, BROKEN, "r{}")}, [ForeignFolder("v1.2 (old)", 30, 30)]
    ),
    # not
    "no findings": ({**HOME, **make_notes("raw/", 30, "", "r{}")}, []),
    "few findings": ({**HOME, **make_notes("raw/", 30, "", "r{}"), **make_notes("raw/", 19, BROKEN, "r{}")}, []),
    "few notes": ({**HOME, **make_notes("raw/", 10, BROKEN * 5, "r{}")}, []),
    "most of the vault": ({**make_notes("Notes/", 20, "[[home]]\n"), **RAW}, []),
    "the whole vault": (RAW, []),
    "no folder": ({**HOME, **make_notes("", 30, BROKEN, "r{}")}, []),
    "one note outside links to it": ({**HOME, **RAW, "index.md": "[[r04]]\n"}, []),
    "its picture is used outside": ({**HOME, **RAW, "raw/p.png": "", "index.md": "![[p.png]]\n"}, []),
    "its notes link to the rest": (
        {**HOME, **make_notes("raw/", 30, BROKEN + "[[home]]\n", "r{}")}, []
    ),
    "some of its notes link to the rest": (
        {**HOME, **RAW, **make_notes("raw/", 4, BROKEN + "[[home]]\n", "r{}")}, []
    ),
    "as many findings elsewhere": (
        {**make_notes("Notes/", 60, "[[home]] [[gone N]]\n"), "home.md": "", **RAW}, []
    ),
    "less than a quarter of all findings": (
        {**HOME, "home.md": "\n".join(f"[[{i}]]" for i in range(100)), **RAW}, []
    ),
    "daily notes": ({**HOME, **make_notes("Daily/", 30, BROKEN, "2024-01-{}")}, []),
    "weekly notes": ({**HOME, **make_notes("Weekly/", 30, BROKEN, "2024-W{}")}, []),
    "daily notes with weekdays": ({**HOME, **make_notes("Daily/", 30, BROKEN, "2024.01.{} Monday")}, []),
    "daily notes by month": (
        {**HOME, **make_notes("Daily/01/", 15, BROKEN, "2024-01-{}"), **make_notes("Daily/02/", 15, BROKEN, "2024-02-{}")}, []
    ),
}  # fmt: skip


@each(("files", "expected"), CASES.values(), ids=CASES)
def test_folders_that_look_imported(
    files: Mapping[str, str], expected: list[ForeignFolder]
) -> None:
    state = build_state(dict(files), DEFAULTS)
    counts = {path: len(items) for path, items in state.diagnostics.items()}
    assert sorted(find_foreign_folders(counts, state.index)) == expected


@each("name", ["raw", "a/b c", "x*", "[old]", "what?", "{a}", 'say "so"', "ö\\é", "!a"])
def test_setting_excludes_the_folder_and_nothing_else(name: str) -> None:
    (hint,) = describe_foreign_folders([ForeignFolder(name, 30, 30)], 60, has_excluded=False)
    (pattern,) = tomllib.loads(hint.partition("To leave it out: ")[2])["exclude"]
    assert pattern == format_glob(name)
    excludes = compile_globs([pattern])
    assert excludes(f"{name}/a.md")
    assert excludes(f"{name}/b/a.md")
    assert not excludes("other/a.md")
    assert not excludes(f"z{name}/a.md")


def test_hint_adds_to_what_is_excluded_already() -> None:
    (hint,) = describe_foreign_folders([FOUND], 60, has_excluded=True)
    assert hint.endswith('To leave it out: add "raw/**" to exclude')


# -- commands -------------------------------------------------------------------------------------------------------------


HINT = (
    "hint: 30 of 31 findings are in “raw/” (30 notes that nothing outside links to). "
    'To leave it out: exclude = ["raw/**"]\n'
)


@pytest.mark.parametrize("many", [1_000, 0], ids=["whole", "in parts"])
def test_check_names_the_folder_once(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr("vaultlink.cli.check_output._MANY", many)
    root = create_vault(tmp_path / "vault", {"vaultlink.toml": "", **HOME, **RAW})
    monkeypatch.chdir(root)
    for _ in range(2):  # the second time from the cache
        done = run("check")
        assert done.err.count("hint:") == done.err.count(HINT) == 1
        assert len(done.lines) == 31, "nothing is left out without being told"
    assert HINT not in run("check", "--output-format", "json").out
    for words in (("raw",), ("--quiet",), ("--ignore", "VL1")):
        assert "hint:" not in run("check", *words).err
    (root / "vaultlink.toml").write_text(HINT.partition("To leave it out: ")[2], encoding="utf-8")
    done = run("check")
    assert ("hint:" in done.err, len(done.lines)) == (False, 1)


# -- folders that are only read ----------------------------------------------------------------------------------------

Counts = Mapping[tuple[str, str], int]

LINES: dict[str, tuple[Counts, str]] = {
    "none": ({}, ""),
    "one": (
        {("raw/", "CLAUDE.md"): 1_200},
        'Of these, 1,200 in raw/, which CLAUDE.md declares read-only: `exclude = ["raw/**"]` leaves them out, '
        "and links to notes there still resolve",
    ),
    "two of two notes": (
        {("a/raw/", "a/README.md"): 1, ("clips/", "AGENTS.md"): 3},
        "Of these, 3 in clips/, 1 in a/raw/, which AGENTS.md, a/README.md declare read-only: "
        '`exclude = ["clips/**", "a/raw/**"]` leaves them out, and links to notes there still resolve',
    ),
    "many": (
        {(f"{n}/", "AGENTS.md"): 10 - n for n in range(5)},
        "Of these, 10 in 0/, 9 in 1/, 8 in 2/, 13 in other such folders, which AGENTS.md declares read-only: "
        '`exclude = ["0/**", "1/**", "2/**"]` leaves the first out, and links to notes there still resolve',
    ),
}


@each(("counts", "line"), LINES.values(), ids=LINES)
def test_declared_folders_are_one_line(counts: Counts, line: str) -> None:
    assert describe_declared_folders(counts, has_excluded=False) == line


def test_line_adds_to_what_is_excluded_already() -> None:
    line = describe_declared_folders({("raw/", "AGENTS.md"): 2}, has_excluded=True)
    assert 'read-only: `"raw/**"` added to exclude leaves them out' in line


DECLARES = {"AGENTS.md": "`raw/` is immutable.\n"}
LINKED = {"Home.md": "[[r00]] [[r01]] [[Own]] [[Own]]\n", **RAW}
"""The vault links to the notes in `raw/`."""

SHOWN: dict[str, tuple[Files, tuple[str, ...], bool]] = {
    "declared": ({**LINKED, **DECLARES}, (), True),
    "declared, nothing links to it": ({**HOME, **RAW, **DECLARES}, (), True),
    # not
    "not declared": (LINKED, (), False),
    "taken out by protect": (
        {**LINKED, **DECLARES, "vaultlink.toml": 'protect = ["!raw/"]\n'},
        (),
        False,
    ),
    "excluded": ({**LINKED, **DECLARES, "vaultlink.toml": 'exclude = ["raw/**"]\n'}, (), False),
    "without findings": ({"Home.md": "[[Own]]\n", "raw/r.md": "[[Home]]\n", **DECLARES}, (), False),
    "asked for": ({**LINKED, **DECLARES}, ("raw",), False),
}


@each(("files", "words", "is_one_line"), SHOWN.values(), ids=SHOWN)
def test_first_screen_sums_up_declared_folders(
    run: RunCommand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: Files,
    words: tuple[str, ...],
    *,
    is_one_line: bool,
) -> None:
    monkeypatch.chdir(create_vault(tmp_path / "vault", {"vaultlink.toml": "", **files}))
    done = run("status", *words)
    lines, rest = (
        [line for line in done.lines if "Of these, 30 in raw/" in line],
        done.out.partition("\n\n")[2],
    )
    assert len(lines) == is_one_line
    if is_one_line:
        assert not any(name in rest + done.err for name in ("issue", "raw/", "hint:"))


def test_findings_in_declared_folders_count_elsewhere(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"vaultlink.toml": "", **LINKED}
    shown = []
    for name, more in (("before", {}), ("declared", DECLARES)):
        monkeypatch.chdir(create_vault(tmp_path / name, {**files, **more}))
        checks = [
            run("check", *words)
            for words in ((), ("--fail-on", "error"), ("--output-format", "json-lines"))
        ]
        status: Any = run("status", "--json").data
        shown.append(
            ([(check.code, check.out) for check in checks], status["mistakes"], status["planned"])
        )
    assert shown[0] == shown[1]
