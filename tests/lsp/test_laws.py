"""Laws of the language server, on random changes: it equals a fresh start, and each range its text."""

import random
from pathlib import Path
from typing import NamedTuple

import pytest
from editors import EDITORS, Editor, find_offset, read_path, start
from lsprotocol import types

from exploring import choose_seeds
from running import create_vault
from vaultlink.api import Vault, open_vault
from vaultlink.disk.scan import Settings
from vaultlink.engine.diagnostics import MENTION
from vaultlink.text import escape_controls

NAMES = ("a", "b", "c d", "é🙂", "100%", "it's #1")
FOLDERS = ("", "x/", "x/y/", "ü/")
PARTS = (
    *("[[a]]", "[[b|shown]]", "[[c d#One]]", "![[p.png]]", "[[é🙂]]", "[[x/y/a#^k]]", "[[no]]"),
    *(
        "[t](b.md)",
        "[t](c%20d.md#One)",
        "[[",
        "]]",
        "[[[b]]]",
        "[[a",
        "#tag",
        "# One\n",
        "## Two\n",
    ),
    *("\n", "\n", "\n", "\r\n", "\r", "\n\n", "\t", "\f", "\v", "\x1c", "\x85", "\u2028", "\ufeff"),
    *("---\n", "aliases: [Nick]\n", "up: '[[b]]'\n", "tags: [x]\n", "[[Nick]]", " ^k\n", "```\n"),
    *(
        "%%",
        "%%vaultlink-disable VL1%%\n",
        "<!-- ",
        " -->",
        "word ",
        "é",
        "🙂",
        "𝒳",
        "e\u0301",
        "漢",
    ),
)
HISTORIC = frozenset({"VL107", "VL114", "VL124"})
"""Codes of rules that know the past, which a fresh start does not."""


class Finding(NamedTuple):
    """A finding, with offsets in its text."""

    path: str
    start: int
    end: int
    code: str
    message: str


class Story:
    """An editor and a vault, and what happens to them."""

    def __init__(self, chance: random.Random, root: Path, editor: Editor):
        self.chance, self.root, self.editor = chance, root, editor

    def step(self, *, moves: bool) -> None:
        """Let one thing happen."""
        kinds = [self._edit] * 12 + [self._open, self._close, self._save, self._write] * 2
        kinds += [self._move, self._remove] if moves else []
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
            new = "".join(chance.choices(PARTS, k=chance.choice((0, 1, 1, 2, 4))))
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
            text = file.read_bytes().decode() if file.exists() else make_text(self.chance)
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
        file.write_bytes(make_text(self.chance).encode())

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

    async def read_findings(self) -> list[Finding]:
        """Return the findings that the server has, after it looked at the disk."""
        self.editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([]))
        found = await self.editor.pull_all()
        return sorted(self._read(uri, item) for uri, items in found.items() for item in items)

    def _read(self, uri: str, item: types.Diagnostic) -> Finding:
        self.editor.cut(uri, item.range)
        text = self.editor.read(uri)
        places = (item.range.start, item.range.end)
        mark = text.startswith("\ufeff")
        begin, end = (find_offset(text, at, self.editor.encoding) - mark for at in places)
        path = read_path(uri).relative_to(self.root).as_posix()
        return Finding(path, begin, end, str(item.code), item.message)

    def open_afresh(self) -> Vault:
        """Return the vault as a program that starts now has it, with the open texts."""
        vault = open_vault(self.root, Settings(cache=False, jobs=1))
        for uri, text in self.editor.texts.items():
            vault = vault.holding(read_path(uri).relative_to(self.root).as_posix(), text)
        return vault


def make_text(chance: random.Random) -> str:
    """Return an odd note."""
    return "".join(chance.choices(PARTS, k=chance.randint(0, 12)))


def list_fresh(vault: Vault) -> list[Finding]:
    """Return the findings of a vault at the places where an editor can show them."""
    found = []
    for item in vault.check():
        text = vault.text(item.path)
        # no position is in a line end
        places = [at - (text[at - 1 : at + 1] == "\r\n") for at in (item.start, item.end)]
        if item.rule != MENTION.rule:
            found.append(Finding(item.path, *places, item.code, escape_controls(item.message)))
    return sorted(found)


def compare(found: list[Finding], fresh: list[Finding]) -> None:
    """Compare the findings of a server with those of a fresh start."""
    historic = {item[:3] for item in found if item.code in HISTORIC}
    here, there = ([item for item in side if item[:3] not in historic] for side in (found, fresh))
    assert here == there


def make_vault(chance: random.Random, folder: Path) -> Path:
    files = {f"{chance.choice(FOLDERS)}{name}.md": make_text(chance) for name in NAMES}
    return create_vault(folder, {**files, "z.md": "[[a]]\n", "p.png": "PNG"})


STEPS, PAUSE = 1000, 125


@pytest.mark.asyncio
@pytest.mark.parametrize("seed", choose_seeds(3))
async def test_server_equals_a_fresh_start_after_many_changes(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    root = make_vault(chance, tmp_path / "vault")
    name = ("code", "helix", "emacs")[seed % 3]
    async with start(root, can=EDITORS[name]()) as editor:
        story = Story(chance, root, editor)
        await story.editor.pull((root / "z.md").as_uri())
        for number in range(1, STEPS + 1):
            story.step(moves=False)
            if number % PAUSE == 0:
                compare(await story.read_findings(), list_fresh(story.open_afresh()))
