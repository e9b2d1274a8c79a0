"""Tests of plans: what a command would change is the same as a patch, as data, on disk, and undone.

Every command that writes is tried on notes of every kind of bytes.
"""

import json
import subprocess
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from builder import build_state, make_settings
from exploring import spread
from machine import require_program
from rename_checks import apply_document
from running import RunCommand, create_vault, read_files, write_files
from tables import each
from vaultlink.api import open_vault
from vaultlink.fix.loop import FixSelector, apply_rounds
from vaultlink.fix.plan import Plan
from vaultlink.fix.select import make_fix_filter
from vaultlink.fix.sources import FixInputs
from vaultlink.links.edit_math import OffsetShift, apply_edits, find_edit, join_edits
from vaultlink.model import Edit, PendingWrite

VAULT: Mapping[str, bytes] = {
    "Home.md": "# Home é🙂\n\n[[long-tide]] and [[Nowhere]].\n\n## Part\n\n[[quay]] ![[long-tide]]\n".encode(),
    "long_tide.md": b"# Tide\n\n[[Home#Part]] and the brass quay lantern #sea\n",
    "brass quay lantern.md": b"A light at sea\n\n#sea\n",
    "a/Quay.md": b"[[Home]] [[Nowhere]]\n",
    "Empty.md": b"",
    "Zone.md": b"[[Empty]]\n",
}

BYTES: Mapping[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "with a byte order mark": lambda data: BOM_UTF8 + data,
    "with Windows line ends": lambda data: data.replace(b"\n", b"\r\n"),
    "without a last line end": lambda data: data.rstrip(b"\n"),
    "with all of these": lambda data: BOM_UTF8 + data.replace(b"\n", b"\r\n").rstrip(b"\r\n"),
}

COMMANDS: Mapping[str, Sequence[str]] = {
    "fix": ("fix",),
    "check": ("check", "--fix"),
    "guesses": ("fix", "--unsafe-fixes", "--unlink"),
    "new notes": ("fix", "--unsafe-fixes", "--create", "New/er"),
    "empty notes": ("fix", "--unsafe-fixes", "--create", ".", "--template", "empty"),
    "sections": ("sections", "write"),
    "mentions": ("mentions", "--write"),
    "note": ("rename", "long_tide", "Tide"),
    "heading": ("rename", "Home#Part", "Piece"),
    "tag": ("rename", "#sea", "#ocean"),
    "folder": ("move", "a/", "b"),
    "section": ("extract", "Home#Part"),
    "notes": ("merge", "long_tide", "Home"),
    "an empty note": ("merge", "Empty", "Home"),
    "baseline": ("baseline",),
    "settings": ("init",),
}


def make_vault(root: Path, encode: Callable[[bytes], bytes]) -> Path:
    """Create the vault with other bytes of its notes, and a template beside it."""
    (root / "empty").write_bytes(b"")
    return create_vault(
        root / "vault",
        {path: encode(text) if path[-3:] == ".md" else text for path, text in VAULT.items()},
    )


def preview(run: RunCommand, words: Sequence[str], *more: str) -> Any:
    """Run a command with --diff, which must write nothing."""
    before = read_files(Path())
    words = [word for word in words if word != "--write"]
    done = run(*words, "--diff", *more)
    assert (done.code, read_files(Path())) == (1, before), done.err
    return done


def name_template(words: Sequence[str], folder: Path) -> list[str]:
    """Return the words of a command with the path of the template, if they name it."""
    return [str(folder / word) if word == "empty" else word for word in words]


@pytest.mark.parametrize("encode", spread([*BYTES.values()][::-1]))
@each("command", COMMANDS.values(), ids=COMMANDS)
def test_patch_data_run_and_undo_agree(
    run: RunCommand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    encode: Callable[[bytes], bytes],
    command: Sequence[str],
) -> None:
    vault, words = make_vault(tmp_path, encode), name_template(command, tmp_path)
    monkeypatch.chdir(vault)
    before = read_files(vault)
    data = json.loads(preview(run, words, "--output-format", "json").out)
    assert data["run"] is None
    copy = write_files(tmp_path / "copy", before)
    patch = preview(run, words).out
    subprocess.run(
        [require_program("git"), "apply", "-p1", "-"],
        cwd=copy,
        input=patch.encode(),
        check=True,
        timeout=60,
    )
    assert run(*words).code < 2
    after = read_files(vault)
    assert after != before
    assert read_files(copy) == after
    assert apply_document(before, data) == after
    if words[0] != "init":
        back = json.loads(run("undo", "--diff", "--output-format", "json").out)
        assert apply_document(after, back) == before
        assert run("undo").code == 0
        assert read_files(vault) == before


@each("command", COMMANDS.values(), ids=COMMANDS)
def test_all_plans_have_the_same_keys(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Sequence[str]
) -> None:
    monkeypatch.chdir(make_vault(tmp_path, BYTES["plain"]))
    words = name_template(command, tmp_path)
    data = json.loads(preview(run, words, "--output-format", "json").out)
    assert data.keys() >= {
        *("schema", "command", "renames", "files", "creates", "deletes", "edits"),
        *("fixed", "breaks", "skipped", "captured", "mentions", "left_out", "run"),
    }
    assert data["command"] == ("fix" if words[0] == "check" else words[0])
    for item in data["creates"]:
        assert {"path": item["path"], "start": 0, "end": 0, "text": item["text"]} in data["edits"]


# -- edits ------------------------------------------------------------------------------------------------------------


@some.composite
def edited_texts(draw: some.DrawFn) -> tuple[str, list[Edit], list[Edit]]:
    """Return a text, edits of it, and edits of the text after those."""
    text = draw(some.text("abc\n", max_size=12))
    first = draw(edits_of(text))
    return text, first, draw(edits_of(apply_edits(text, first)))


@some.composite
def edits_of(draw: some.DrawFn, text: str) -> list[Edit]:
    """Return edits of a text, sorted and apart from each other."""
    places = sorted(
        draw(some.lists(some.integers(0, len(text)), unique=True, max_size=8).map(sorted))
    )
    pairs = zip(places[::2], places[1::2], strict=False)
    return [Edit("a.md", start, end, draw(some.text("xy", max_size=3))) for start, end in pairs]


@given(edited_texts())
def test_joined_edits_do_what_both_groups_do(texts: tuple[str, list[Edit], list[Edit]]) -> None:
    text, first, second = texts
    between = apply_edits(text, first)
    joined = join_edits(first, second, between)
    assert apply_edits(text, joined) == apply_edits(between, second)
    assert list(joined) == sorted(joined, key=lambda edit: edit.start)


@given(some.text("ab\n", max_size=9), some.text("ab\n", max_size=9))
def test_found_edit_makes_one_text_of_the_other(old: str, new: str) -> None:
    assert apply_edits(old, [find_edit("a.md", old, new)]) == new


def test_span_in_an_inserted_text_is_all_that_was_replaced() -> None:
    shift = OffsetShift([Edit("a.md", 2, 5, "xyxy")])
    assert shift.map_span_back(0, 2) == (0, 5)
    assert shift.map_span_back(3, 4) == (2, 5)
    assert shift.map_span_back(7, 9) == (6, 8)


# -- one after the other ----------------------------------------------------------------------------------------------

LINKS = {
    "long_tide.md": "",
    "quay.md": "",
    "a.md": "[[long-tide]] [[quay]\n",
    "b.md": "é [[Long Tide]]\n",
}


def plan(vault: Mapping[str, str], *rules: str) -> Plan:
    """Plan the fixes of some rules."""
    settings = make_settings(list(rules))
    allowed = make_fix_filter(settings.rules, settings.config, unsafe=True)
    state = build_state(vault, settings)
    return apply_rounds(state, FixInputs(vault.get), FixSelector(allowed, {}))


def test_plan_after_a_plan_is_one_plan() -> None:
    first = plan(LINKS, "respelt-link")
    middle = {path: first.texts.get(path, (None, text))[1] or "" for path, text in LINKS.items()}
    second = plan(middle, "malformed-link")
    both = first.then(second)
    assert both.texts["a.md"] == (LINKS["a.md"], second.texts["a.md"][1])
    assert both.texts["b.md"] == first.texts["b.md"]
    assert [item.rule for item, _ in both.done] == [
        "respelt-link",
        "respelt-link",
        "malformed-link",
    ]
    for path, (old, new) in both.texts.items():
        assert apply_edits(old or "", both.edits[path]) == new
    [place] = [item for item, _ in both.fixed if item.rule == "malformed-link"]
    assert LINKS["a.md"][place.start : place.end].startswith("[[quay]")
    assert (place.line, place.column) == (1, 15)


def test_written_part_leaves_the_other_findings() -> None:
    whole = plan(LINKS, "respelt-link")
    part = whole.written(["b.md"])
    assert part.texts.keys() == {"b.md"}
    assert [item.path for item, _ in part.fixed] == ["b.md"]
    assert "b.md" not in part.after.diagnostics
    assert part.after.diagnostics["a.md"] == whole.before.diagnostics["a.md"]
    assert part.after.index.notes["a.md"] == whole.before.index.notes["a.md"]
    assert whole.written(["a.md", "b.md"]) is whole
    nothing = whole.written([])
    assert (bool(nothing), nothing.after) == (False, whole.before)


def test_file_that_is_no_note_is_written_in_the_same_plan() -> None:
    plain = plan(LINKS, "respelt-link")
    write = PendingWrite("x.toml", b"\xef\xbb\xbfa\xff\r\n", b"b\xff")
    more = plain.with_write(write)
    assert write in more.writes()
    assert more.diff_lines() is not None
    assert plain.with_write(PendingWrite("x.toml", b"a", b"a")) is plain


@given(edited_texts())
def test_texts_that_end_as_they_began_are_no_change(
    texts: tuple[str, list[Edit], list[Edit]],
) -> None:
    text, first, _ = texts
    base = plan(LINKS, "respelt-link")
    changed = Plan(
        before=base.before,
        after=base.after,
        texts={"a.md": (text, apply_edits(text, first))},
        edits={"a.md": tuple(first)},
    )
    back = Plan(
        before=base.after,
        after=base.before,
        texts={"a.md": (apply_edits(text, first), text)},
        edits={"a.md": (find_edit("a.md", apply_edits(text, first), text),)},
    )
    assert not changed.then(back)


# -- the way to the disk ----------------------------------------------------------------------------------------------


def test_plan_of_a_vault_that_changed_is_not_written(tmp_path: Path) -> None:
    root = make_vault(tmp_path, BYTES["plain"])
    vault = open_vault(root)
    made = vault.fixer.plan()
    assert made
    write_files(root, {"Other.md": "new"})
    before = read_files(root)
    result = vault.fixer.write(made, "test", "test")
    assert (result.is_outdated, result.written, read_files(root)) == (True, (), before)
    fresh = open_vault(root)
    assert fresh.fixer.write(fresh.fixer.plan(), "test", "test").run_id
