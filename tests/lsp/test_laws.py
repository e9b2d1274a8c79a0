"""Laws of the language server, on random changes: it equals a fresh start, and each range its text."""

import json
import random
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from lsprotocol import types
from odd_texts import FOLDERS, NAMES, PARTS, UNSUPPRESSED, make_text, make_vault

from editors import COMMAND, EDITORS, Editor, find_offset, read_path, start, wait_until
from exploring import spread, spread_seeds
from running import write_files
from vaultlink.api import Vault, open_vault
from vaultlink.disk.scan import Settings
from vaultlink.engine.diagnostics import MENTION
from vaultlink.text import escape_controls

UNRESOLVED = frozenset({"VL101", "VL102", "VL103", "VL104", "VL107", "VL114", "VL125"})
"""Codes of unresolved links. Which one it is depends on files that were moved or deleted."""

RETARGETED, UNUSED = "VL124", "VL003"
"""Codes of links that led to another file before, and of suppressions that suppress nothing now."""


class Finding(NamedTuple):
    """A finding, with offsets in its text."""

    path: str
    start: int
    end: int
    code: str
    message: str


class Story:
    """An editor and a vault, and what happens to them."""

    def __init__(self, chance: random.Random, folder: Path, *, moves: bool):
        # which finding is suppressed depends on the past
        self.parts = UNSUPPRESSED if moves else PARTS
        self.root = make_vault(chance, folder, self.parts)
        self.chance, self.moves = chance, moves
        self.editor: Editor

    def find_path(self, uri: str) -> str:
        """Return the vault path of an address."""
        return read_path(uri).relative_to(self.root).as_posix()

    def step(self) -> None:
        """Let one thing happen."""
        kinds = [self._edit] * 12 + [self._open, self._close, self._save, self._write] * 2
        kinds += [self._move, self._remove] if self.moves else []
        self.chance.choice(kinds)()

    def _files(self) -> list[Path]:
        return sorted(self.root.rglob("*.md"))

    def _choose_open(self) -> str | None:
        return self.chance.choice(list(self.editor.texts)) if self.editor.texts else None

    def _choose_path(self) -> Path:
        return self.root / f"{self.chance.choice(FOLDERS)}{self.chance.choice(NAMES)}.md"

    def _edit(self) -> None:
        uri, chance = self._choose_open(), self.chance
        if uri is None:
            self._open()
            return
        edits, length = [], len(self.editor.texts[uri])
        for _ in range(chance.randint(1, 3)):
            begin = self._choose_place(length)
            end = min(begin + chance.choice((0, 0, 1, 3, 9)), length)
            new = "".join(chance.choices(self.parts, k=chance.choice((0, 1, 1, 2, 4))))
            edits.append((begin, end, new))
            length += len(new) - (end - begin)
        self.editor.change(uri, *edits)
        if length > 2000:
            self.editor.change(uri, (100, length, ""))

    def _choose_place(self, length: int) -> int:
        return self.chance.choice((0, length, self.chance.randint(0, length)))

    def _open(self) -> None:
        file = self._choose_path()
        if self.chance.random() < 0.7:
            file = self.chance.choice(self._files())
        uri = file.as_uri()
        if uri not in self.editor.texts:
            text = (
                file.read_bytes().decode() if file.exists() else make_text(self.chance, self.parts)
            )
            self.editor.open(uri, text.removeprefix("\ufeff" * (self.chance.random() < 0.5)))

    def _close(self) -> None:
        uri = self._choose_open()
        if uri is not None:
            self.editor.close(uri)

    def _save(self) -> None:
        uri = self._choose_open()
        if uri is not None:
            file = read_path(uri)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(self.editor.texts[uri].encode())
            self.editor.save(uri)

    def _write(self) -> None:
        file = self._choose_path()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(make_text(self.chance, self.parts).encode())

    def _move(self) -> None:
        file, new = self.chance.choice(self._files()), self._choose_path()
        if new.exists():
            return
        new.parent.mkdir(parents=True, exist_ok=True)
        file.rename(new)
        text = self.editor.texts.get(file.as_uri())
        if text is not None and new.as_uri() not in self.editor.texts:  # the editor moves it
            self.editor.close(file.as_uri())
            self.editor.open(new.as_uri(), text)
        renamed = types.FileRename(file.as_uri(), new.as_uri())
        self.editor.client.workspace_did_rename_files(types.RenameFilesParams([renamed]))

    def _remove(self) -> None:
        files = self._files()
        if len(files) > 6:
            self.chance.choice(files).unlink()

    def look(self) -> None:
        """Have the server look at the disk."""
        self.editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([]))

    async def read_findings(self) -> list[Finding]:
        """Return the findings that the server has, after it looked at the disk."""
        self.look()
        return self.read(await self.editor.pull_all())

    def read(self, found: Mapping[str, Sequence[types.Diagnostic]]) -> list[Finding]:
        """Return findings by address with offsets in the texts that the editor has."""
        return sorted(self._read(uri, item) for uri, items in found.items() for item in items)

    def _read(self, uri: str, item: types.Diagnostic) -> Finding:
        self.editor.cut(uri, item.range)
        text = self.editor.read(uri)
        places = (item.range.start, item.range.end)
        mark = uri in self.editor.texts and text.startswith("\ufeff")
        begin, end = (find_offset(text, at, self.editor.encoding) - mark for at in places)
        path = self.find_path(uri)
        return Finding(path, begin, end, str(item.code), item.message)

    def save_all(self) -> None:
        """Save and close all documents."""
        for uri, text in list(self.editor.texts.items()):
            write_files(self.root, {self.find_path(uri): text})
            self.editor.save(uri)
            self.editor.close(uri)

    def open_afresh(self) -> Vault:
        """Return the vault as a program that starts now has it, with the open texts."""
        vault = open_vault(self.root, Settings(cache=False, jobs=1))
        for uri, text in self.editor.texts.items():
            vault = vault.holding(self.find_path(uri), text)
        return vault


def make_finding(text: str, path: str, begin: int, end: int, code: str, message: str) -> Finding:
    """Return a finding as an editor can show it: no place is within a line end."""
    begin, end = (at - (text[at - 1 : at + 1] == "\r\n") for at in (begin, end))
    return Finding(path, begin, end, code, escape_controls(message))


def list_fresh(vault: Vault) -> list[Finding]:
    """Return the findings of a vault that was opened just now."""
    return sorted(
        make_finding(
            vault.text(item.path), item.path, item.start, item.end, item.code, item.message
        )
        for item in vault.check()
        if item.rule != MENTION.rule
    )


def list_checked(root: Path) -> list[Finding]:
    """Return the findings that `vaultlink check` has."""
    line = [*COMMAND[:-1], "check", "--json", "--no-cache", "--vault", str(root)]
    result = subprocess.run(line, capture_output=True, text=True, check=False)
    found = []
    for item in json.loads(result.stdout)["findings"]:
        text = (root / item["path"]).read_bytes().decode().removeprefix("\ufeff")
        starts = [0, *(at + 1 for at, char in enumerate(text) if char == "\n")]
        begin = starts[item["line"] - 1] + item["column"] - 1
        end = starts[item["end_line"] - 1] + item["end_column"] - 1
        found.append(make_finding(text, item["path"], begin, end, item["code"], item["message"]))
    return sorted(found)


def simplify(
    found: list[Finding], fresh: list[Finding], *, moves: bool
) -> tuple[list[Finding], list[Finding]]:
    """Return the findings of a server and those of a fresh start, without what only one knows.

    A fresh start does not know where links led before, nor what was moved or deleted.
    """
    others = {item[:3] for item in found if item.code == RETARGETED}
    here, there = (
        [
            item._replace(code="" if moves else item.code, message="")
            if item.code in UNRESOLVED
            else item
            for item in side
            if item[:3] not in others and item.code != UNUSED
        ]
        for side in (found, fresh)
    )
    return here, there


def compare(found: list[Finding], fresh: list[Finding], *, moves: bool) -> None:
    """Compare the findings of a server with those of a fresh start."""
    here, there = simplify(found, fresh, moves=moves)
    assert here == there


def is_true(law: Callable[[], None]) -> bool:
    try:
        law()
    except (AssertionError, OSError):  # the server has not seen yet that a file is gone
        return False
    return True


STEPS, PAUSE = 1000, 125


@pytest.mark.thorough
@pytest.mark.asyncio
@pytest.mark.parametrize("moves", spread((True, False)))
@pytest.mark.parametrize("seed", spread_seeds(3))
async def test_server_equals_a_fresh_start_after_many_changes(
    seed: int, moves: bool, tmp_path: Path
) -> None:
    story = Story(random.Random(f"{seed} {moves}"), tmp_path / "vault", moves=moves)
    name = ("code", "helix", "emacs")[seed % 3]
    async with start(story.root, can=EDITORS[name]()) as story.editor:
        await story.editor.pull((story.root / "z.md").as_uri())
        for number in range(1, STEPS + 1):
            story.step()
            if number % PAUSE == 0:
                compare(await story.read_findings(), list_fresh(story.open_afresh()), moves=moves)
        story.save_all()
        compare(await story.read_findings(), list_checked(story.root), moves=moves)


@pytest.mark.thorough
@pytest.mark.asyncio
@pytest.mark.parametrize("seed", spread_seeds(2))
async def test_pushed_findings_are_those_of_a_fresh_start(seed: int, tmp_path: Path) -> None:
    story = Story(random.Random(seed), tmp_path / "vault", moves=True)
    async with start(story.root, can=EDITORS[("minimal", "emacs")[seed % 2]]()) as editor:
        story.editor, known = editor, editor.client.diagnostics
        for _ in range(5):
            for _ in range(100):
                story.step()
            story.look()
            fresh = list_fresh(story.open_afresh())

            def compare_pushed(fresh: list[Finding] = fresh) -> None:
                paths = {story.find_path(uri) for uri in {*known, *editor.texts}}
                there = [item for item in fresh if item.path in paths]
                compare(story.read(known), there, moves=True)

            with suppress(TimeoutError):
                await wait_until(partial(is_true, compare_pushed))
            compare_pushed()
