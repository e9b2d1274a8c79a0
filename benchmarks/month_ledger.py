"""Keep a ledger of a vault's files: who wrote each last, and which names were given up."""

import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from simulated_obsidian import note_name, read_targets
from vaultlink.write.journal_files import (
    RecordedRun,
    digest_content,
    journal_folder,
    list_recorded_runs,
)
from vaultlink.write.moves import map_path

TOKEN = re.compile(rb"\bq[0-9]{5}q\b")
"""The word by which a paragraph of the month is known."""

_LINK = re.compile(
    r"\[\[(?:[^\[\]\n]|\[[^\[\]\n]*\])*\]{1,2}|\[{1,2}[^\[\]\n]*\]{1,2}(?:\([^()\n]*\))?"
)
_SECTION = re.compile(rb"(?i)backlinks")
_OWN_FOLDERS = (".git", ".obsidian")


class Version(NamedTuple):
    """A text of a file. `content` is None if only its digest is known."""

    author: str
    time_ns: int
    digest: bytes
    content: bytes | None
    is_free: bool = False
    """True for a run that may change words: it deletes notes, or merges two."""


class Finding(NamedTuple):
    """What is compared of a finding; `name` is its target, or its message without one."""

    path: str
    code: str
    name: str


class Ledger:
    """The files of a vault as their last writers left them.

    Authors of the script write by `write`, `move` and `remove`; the runs of vaultlink are read from
    its journal. `problems` are the violations so far.
    """

    def __init__(self, root: Path):
        self.root = root
        self.problems: list[str] = []
        self.paragraphs: dict[bytes, bytes] = {}
        """The sentence of each paragraph, by its token."""
        self.dropped: dict[bytes, str] = {}
        """Why a paragraph is in no note, by its token."""
        self.reasons: dict[str, str] = {}
        """Why a link with this name may lead nowhere; the name is in lower case."""
        self.reverted: dict[str, str] = {}
        """Why a note has an old text again, or is not fixed, by its path."""
        self.runs: list[RecordedRun] = []
        self.undone_files = self.compared_files = self.interrupted = 0
        self._asked: set[str] = set()
        """The notes that somebody asked to delete."""
        self._before: dict[str, Version] = {}
        """The version before the current one, by path."""
        self._files = {
            path: Version("the start", 0, digest(content), content)
            for path, content in read_vault(root).items()
        }

    # -- the authors -------------------------------------------------------------------------------

    def list_notes(self) -> list[str]:
        """Return the notes of the vault, without those in the trash."""
        return sorted(
            path for path in self._files if path.endswith(".md") and not path.startswith(".")
        )

    def read(self, path: str) -> bytes:
        """Return the present bytes of a file."""
        return (self.root / path).read_bytes()

    def add_paragraph(self, sentence: str) -> str:
        """Record a sentence that must stay as it is; return it with its token."""
        token = b"q%05dq" % (len(self.paragraphs) + 1)
        self.paragraphs[token] = token + b" " + sentence.encode()
        return self.paragraphs[token].decode()

    def write(
        self,
        author: str,
        path: str,
        content: bytes,
        drops: Collection[bytes] = (),
        *,
        by_rename: bool = False,
    ) -> None:
        """Write a file as an author; `drops` are the tokens of paragraphs that it deletes."""
        self.take_runs()
        old = self._files.get(path)
        if old is not None and old.content is not None:
            lost = find_tokens(old.content) - find_tokens(content) - set(drops)
            self.problems += [
                f"{path} lacked the paragraph {token.decode()} when {author} opened it"
                for token in sorted(lost)
            ]
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        written_at = time.time_ns()
        if by_rename:
            temporary = file.with_name(f".{file.name}.part")
            temporary.write_bytes(content)
            temporary.replace(file)
        else:
            file.write_bytes(content)
        earlier = self._before.get(path)
        if earlier and old and earlier.digest == digest(content) != old.digest:
            self.reverted[path] = f"{author} wrote the earlier text again"
        self._set(path, Version(author, written_at, digest(content), content))
        self.dropped |= dict.fromkeys(drops, f"deleted by {author}")

    def move(self, author: str, old: str, new: str) -> None:
        """Rename a file as an author."""
        self.take_runs()
        (self.root / new).parent.mkdir(parents=True, exist_ok=True)
        (self.root / old).rename(self.root / new)
        self._move({old: new})
        self.give_up(old, f"renamed to {new} by {author}")

    def remove(self, author: str, path: str, trash: str | None = None) -> None:
        """Delete a file as an author, or move it to the trash."""
        self.take_runs()
        self.drop_with(path, f"deleted with {path} by {author}")
        if trash is not None:
            (self.root / trash).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).rename(self.root / trash)
            self._move({path: trash})
        else:
            (self.root / path).unlink()
            self._files.pop(path, None)
        self.give_up(path, f"deleted by {author}")

    def drop_with(self, path: str, reason: str) -> None:
        """Record that the paragraphs that only this note has are deleted with it."""
        others = b"\n".join(self.read(other) for other in self.list_notes() if other != path)
        lost = find_tokens(self.read(path)) - find_tokens(others)
        self.dropped |= dict.fromkeys(lost, reason)
        self._asked.add(path)

    @contextmanager
    def deleting(self, path: str, reason: str) -> Iterator[list[bool]]:
        """Expect that a run deletes a note; what is appended is False if it does not.

        Without a reason, its paragraphs must be elsewhere afterwards.
        """
        dropped, done = dict(self.dropped), list[bool]()
        self._asked.add(path)
        if reason:
            self.drop_with(path, reason)
        yield done
        if False in done:
            self.dropped = dropped

    def give_up(self, path: str, reason: str) -> None:
        """Record why links to a file may lead nowhere from now on."""
        self.reasons[note_name(path).lower()] = reason

    def replace(self, author: str, path: str, reason: str, act: Callable[[], object]) -> None:
        """Have another program, such as git, replace a file by an older text."""
        self.drop_with(path, reason)
        self.take_runs()
        act()
        content = self.read(path)
        for token in find_tokens(content):
            self.dropped.pop(token, None)
        self._set(path, Version(author, time.time_ns(), digest(content), content))
        self.reverted[path] = reason

    def adopt(self) -> None:
        """Take the files as they are, so that one violation is reported once."""
        disk = read_vault(self.root)
        for path in [path for path in self._files if path not in disk]:
            del self._files[path]
        for path, content in disk.items():
            known = self._files.get(path)
            if known is None or known.digest != digest(content):
                self._set(path, Version("nobody", time.time_ns(), digest(content), content))
        texts = b"\n".join(disk.values())
        self.dropped |= {
            token: "reported before"
            for token, sentence in self.paragraphs.items()
            if sentence not in texts
        }

    # -- the runs of vaultlink ---------------------------------------------------------------------

    def take_runs(self) -> None:
        """Apply the runs that have ended since the last call."""
        ended = {file.stem for file in journal_folder(self.root).glob("*.ended")}
        if ended <= {run.id for run in self.runs}:
            return
        known = {run.id: run for run in self.runs}
        touched: dict[str, bytes | None] = {}
        recorded = list_recorded_runs(self.root)
        undone = {run.undoes for run in recorded}
        for run in reversed(recorded):
            if run.id in ended and run.id not in known:
                if not run.undone or run.id in undone:  # else it was interrupted and reverted
                    touched |= self._apply(run, known.get(run.undoes or ""))
                else:
                    self.interrupted += 1
                self.runs.append(run)
                known[run.id] = run
        for path, old in touched.items():
            self._compare(path, old)
        for path, version in self._files.items():
            if not path.startswith("."):
                for token in find_tokens(version.content or b""):
                    self.dropped.pop(token, None)  # an undo may have moved it out of the trash

    def is_writing(self) -> bool:
        """Return True if a run has begun and not ended."""
        try:
            names = [file.name for file in journal_folder(self.root).iterdir()]
        except OSError:
            return False
        over = {name.rpartition(".")[0] for name in names if name.endswith((".ended", ".undone"))}
        return any(name[:-4] not in over for name in names if name.endswith(".run"))

    def _apply(self, run: RecordedRun, undone: RecordedRun | None) -> dict[str, bytes | None]:
        """Apply a run; return the texts before it, by present path."""
        moves = {old: new for old, new in run.moves if old not in run.unmoved}
        before: dict[str, bytes | None] = {}
        for change in run.changes:
            if change.path in run.skipped:
                continue
            path, current = change.path, self._files.get(change.path)
            if change.old != (current.digest if current else None):
                earlier = self._before.get(path)
                if (
                    current
                    and earlier
                    and earlier.digest == change.old
                    and current.time_ns >= run.time_ns
                ):
                    continue  # the author wrote after the run
                author = current.author if current else "nobody"
                self.problems.append(
                    f"{describe(run)} changed {path}, and not the text that {author} left"
                )
            before[map_path(path, moves)] = current.content if current else None
            if change.new is None:
                if path not in self._asked and not run.undoes:
                    self.problems.append(f"{describe(run)} deleted {path}, and nobody asked for it")
                self._files.pop(path, None)
                self.give_up(path, f"deleted by {describe(run)}")
            else:
                is_free = run.summary.startswith(("Deleted", "Merged"))
                self._set(path, Version(describe(run), run.time_ns, change.new, None, is_free))
                if run.summary.startswith("Merged"):
                    self.reverted[path] = run.summary
        self._move(moves)
        for old, new in moves.items():
            self.give_up(old, f"renamed to {new} by {describe(run)}")
        if run.undoes:
            self._check_undo(run, undone)
        return before

    def _check_undo(self, run: RecordedRun, undone: RecordedRun | None) -> None:
        """Compare what an undo wrote with what the run had replaced."""
        if undone is None:
            self.problems.append(f"{describe(run)} undid {run.undoes}, which nobody saw")
            return
        was = {change.path: change.old for change in undone.changes}
        moves = dict(run.moves)
        for change in run.changes:
            path = map_path(change.path, moves)
            if change.path in run.skipped:
                continue
            self.undone_files += 1
            self.reverted[path] = f"restored by {describe(run)}"
            if path in was and was[path] != change.new:
                self.problems.append(f"{describe(run)} restored other bytes of {path}")

    def _compare(self, path: str, old: bytes | None) -> None:
        """Read the text that a run left; outside of links, its words must be those of before."""
        version = self._files.get(path)
        try:
            content = self.read(path)
        except OSError:
            return
        if version is None or version.content is not None or version.digest != digest(content):
            return
        self._files[path] = version._replace(content=content)
        if old is None or _SECTION.search(old + content) or "undo" in version.author:
            return
        self.compared_files += 1
        lost = find_tokens(old) - find_tokens(content)
        if lost or (not version.is_free and mask(old) != mask(content)):
            self.problems.append(f"{version.author} changed words of {path} that are no link")

    def _set(self, path: str, version: Version) -> None:
        if path in self._files:
            self._before[path] = self._files[path]
        self._files[path] = version

    def _move(self, moves: Mapping[str, str]) -> None:
        for items in (self._files, self._before, self.reverted):
            moved = {map_path(path, moves): value for path, value in items.items()}
            items.clear()
            items.update(moved)  # type: ignore[arg-type]

    # -- what must be true -------------------------------------------------------------------------

    def find_problems(self) -> list[str]:
        """Return what is wrong with the files now, and the violations since the last call."""
        self.take_runs()
        disk = read_vault(self.root)
        found, self.problems = self.problems, []
        for path in sorted({*disk, *self._files}):
            version, content = self._files.get(path), disk.get(path)
            if version is None:
                found.append(f"{path} is there, and nobody wrote it")
            elif content is None:
                found.append(f"{path} is gone; {version.author} wrote it last")
            elif version.digest != digest(content):
                found.append(f"{path} is not byte for byte as {version.author} left it")
        return [*found, *self._find_lost(disk)]

    def _find_lost(self, disk: Mapping[str, bytes]) -> Iterator[str]:
        """Yield the paragraphs that are in no note, though nobody deleted them."""
        notes = b"\n".join(
            content for path, content in disk.items() if not path.startswith(".trash/")
        )
        there = find_tokens(notes)
        for token, sentence in self.paragraphs.items():
            if token in self.dropped:
                continue
            if token not in there:
                yield f"the paragraph {token.decode()} is in no note, and nobody deleted it"
            elif sentence not in notes:
                yield f"the sentence of {token.decode()} is not as it was written"

    def explain(self, row: Mapping[str, Any], initial: Collection[Finding]) -> str:
        """Return the event that explains a finding of JSON; "" if there is none."""
        if describe_subject(row) in initial:
            return "it was there at the start"
        if row["rule"] == "orphan-note":
            name, texts = note_name(row["path"]), b"\n".join(self.read_known()).decode()
            return "" if name in map(str.strip, read_targets(texts)) else "no note has such a link"
        name = note_name(row["target"] or "").lower()
        return self.reasons.get(name) or self.reverted.get(row["path"], "")

    def is_forgotten(self, row: Mapping[str, Any]) -> bool:
        """Return True if a finding is about a former name of a note."""
        name = note_name(row["target"] or "").lower()
        return self.reasons.get(name, "").startswith("renamed")

    def read_known(self) -> Iterator[bytes]:
        """Yield the texts of the files that are known."""
        for version in self._files.values():
            yield version.content or b""


def describe_subject(row: Mapping[str, Any]) -> Finding:
    """Return what a finding of JSON is about, at any path."""
    return Finding("", row["code"], row["subpath"] or row["target"] or row["message"])


def describe(run: RecordedRun) -> str:
    """Return a run as the author of a text."""
    words = run.command.split()
    return f"run {run.id} ({' '.join(words[1:2])})"


def digest(content: bytes) -> bytes:
    """Return the digest that the journal has of a text."""
    found = digest_content(content)
    assert found is not None
    return found


def find_tokens(content: bytes) -> set[bytes]:
    """Return the tokens of the paragraphs in a text."""
    return set(TOKEN.findall(content))


def mask(content: bytes) -> str:
    """Return a text with a mark for each link, and without the quotes that a property needs."""
    return _LINK.sub("@", content.decode("utf-8", "replace")).replace('"', "")


def read_vault(root: Path) -> dict[str, bytes]:
    """Return the bytes of every file and those in the trash, but not of git and Obsidian."""
    return {path: (root / path).read_bytes() for path in list_files(root)}


def list_files(root: Path) -> Iterable[str]:
    """Yield the paths of the files of a vault."""
    for file in root.rglob("*"):
        path = file.relative_to(root)
        if path.parts[0] not in _OWN_FOLDERS and file.is_file():
            yield path.as_posix()
