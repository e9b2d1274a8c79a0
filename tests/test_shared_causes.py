"""Tests of findings with a cause that notes share, such as a property that a plugin writes: one line, and every place in JSON."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from running import RunCommand, create_vault

TYPES = '{"types": {"done": "checkbox", "born": "date"}}'
WRONG = "---\ndone: maybe\n---\n"
RIGHT = "---\ndone: true\n---\n"
MESSAGE = "VL305 property-type The property “{}” must be {} in this vault, but is text"
DONE = MESSAGE.format("done", "a checkbox")
BORN = MESSAGE.format("born", "a date")

CASES: dict[str, tuple[Mapping[str, str], str, list[str]]] = {
    "one note": ({"a.md": WRONG, "b.md": RIGHT}, "", [f"a.md:2:1: {DONE}."]),
    "two notes": (
        {"a.md": WRONG, "b.md": RIGHT, "c.md": WRONG},
        "",
        [f"a.md:2:1: {DONE}, and 1 more like it in 1 other note (c.md:2)."],
    ),
    "more notes than are listed": (
        {f"{name}.md": WRONG for name in "abcde"},
        "",
        [f"a.md:2:1: {DONE}, and 4 more like it in 4 other notes (b.md:2, c.md:2, d.md:2, …)."],
    ),
    "two properties": (
        {"a.md": WRONG, "b.md": "---\nborn: x\ndone: y\n---\n", "c.md": "---\nborn: x\n---\n"},
        "",
        [
            f"a.md:2:1: {DONE}, and 1 more like it in 1 other note (b.md:3).",
            f"b.md:2:1: {BORN}, and 1 more like it in 1 other note (c.md:2).",
        ],
    ),
    "another kind of value": (
        {"a.md": WRONG, "b.md": "---\ndone: [a, b]\n---\n"},
        "",
        [f"a.md:2:1: {DONE}.", f"b.md:2:1: {DONE[: -len('text')]}a list."],
    ),
    "a note that suppresses it": (
        {"a.md": WRONG + "%%vaultlink-disable-file property-type%%\n", "b.md": WRONG, "c.md": WRONG},
        "",
        [f"b.md:2:1: {DONE}, and 1 more like it in 1 other note (c.md:2)."],
    ),
    "a note that the settings leave out": (
        {"a.md": WRONG, "x/b.md": WRONG, "c.md": WRONG},
        '[per-file-ignores]\n"x/**" = ["VL305"]\n',
        [f"a.md:2:1: {DONE}, and 1 more like it in 1 other note (c.md:2)."],
    ),
    "an excluded note": ({"a.md": WRONG, "b.md": WRONG}, 'exclude = ["a.md"]\n', [f"b.md:2:1: {DONE}."]),
    "trees of languages": (
        {
            "en/x/plan.md": "",
            "ru/x/plan.md": "",
            "en/x/map.md": "",
            "ru/x/map.md": "",
            "ru/y/a.md": "[[plan]] [[map]]",
            "ru/y/b.md": "[[plan]]",
            "en/y/c.md": "[[plan]]",
            "other/d.md": "[[plan]]",
        },
        "",
        [
            "other/d.md:1:1: VL108 ambiguous-link “plan” matches 2 files; Obsidian opens en/x/plan.md.",
            "ru/y/a.md:1:1: VL108 ambiguous-link Links in ru/ match files in en/ and ru/; Obsidian opens those in en/, "
            "and 2 more like it in 2 notes (ru/y/a.md:1, ru/y/b.md:1).",
        ],
    ),
    "other findings": (
        {"a.md": f"{WRONG}[[gone]]\n", "b.md": f"{WRONG}[[gone]]\n"},
        "",
        [
            f"a.md:2:1: {DONE}, and 1 more like it in 1 other note (b.md:2).",
            "a.md:4:1: VL125 planned-note “gone” is not written yet: no file in the vault has this name.",
            "b.md:4:1: VL125 planned-note “gone” is not written yet: no file in the vault has this name.",
        ],
    ),
}  # fmt: skip


def create(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: Mapping[str, str]) -> Path:
    root = create_vault(tmp_path / "vault", {".obsidian/types.json": TYPES, **files})
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize("many", [1_000, 0], ids=["whole", "in parts"])
@pytest.mark.parametrize(("files", "settings", "lines"), CASES.values(), ids=CASES)
def test_one_line_for_each_cause(
    run: RunCommand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: Mapping[str, str],
    settings: str,
    lines: list[str],
    many: int,
) -> None:
    monkeypatch.setattr("vaultlink.cli.check_output._MANY", many)
    create(tmp_path, monkeypatch, {"vaultlink.toml": settings, **files})
    for _ in range(2):  # the second time from the cache
        assert run("check").lines == lines
    full = run("check", "--output-format", "full").out
    assert [block.count("VL") for block in full.split("\n\n")] == [1] * len(lines)
    rows = json.loads(run("check", "--output-format", "json").out)
    assert rows["summary"]["findings"] == len(rows["findings"]) >= len(lines)


def test_note_that_is_named_is_told(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(tmp_path, monkeypatch, {"a.md": WRONG, "b.md": WRONG, "c.md": WRONG})
    assert run("check", "b.md").lines == [f"b.md:2:1: {DONE}."]
    assert run("check", "b.md", "c.md").lines == [
        f"b.md:2:1: {DONE}, and 1 more like it in 1 other note (c.md:2)."
    ]


def test_programs_get_each_place(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(tmp_path, monkeypatch, {f"{name}.md": WRONG for name in "abcde"})
    data: dict[str, Any] = json.loads(run("check", "--output-format", "json").out)
    assert [row["path"] for row in data["findings"]] == ["a.md", "b.md", "c.md", "d.md", "e.md"]
    assert run("check", "--output-format", "json-lines").out.count("VL305") == 5


def test_baseline_knows_each_place(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = create(tmp_path, monkeypatch, {"a.md": WRONG, "b.md": WRONG})
    run("baseline")
    (root / "c.md").write_text(WRONG, encoding="utf-8")
    (root / "a.md").write_text(f"{WRONG}More.\n", encoding="utf-8")
    done = run("check")
    assert done.lines == [f"c.md:2:1: {DONE}."]
    assert "Not shown: 2 findings in the baseline." in done.err
