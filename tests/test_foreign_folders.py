"""Tests of the hint on imported and generated folders: when it is given, when not, and that its line silences them."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from builder import RULES, build_state
from running import RunCommand, create_vault
from tables import each
from vaultlink.config.patterns import compile_globs
from vaultlink.config.settings import merge_layers
from vaultlink.engine.checks import LinterSettings
from vaultlink.report.foreign_folders import (
    ForeignFolder,
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
