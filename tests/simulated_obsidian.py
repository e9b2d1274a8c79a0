"""Simulate, in simulated time, an Obsidian that renames notes beside a watcher that fixes.

What is simulated is the order in which files change: Obsidian renames the file and then writes the notes that link to it, one
after another. The app itself is not in the tests. The watcher's parts are real, and so are the files; only its clock and its
events are simulated, so that minutes take no time. `tests/watched.py` runs the whole watcher in real time.
"""

import heapq
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import NamedTuple

from running import create_vault
from vaultlink.api import open_vault
from vaultlink.disk.scan import Settings
from vaultlink.serve.stepper import Stepper, rescan
from vaultlink.watch.environment import AutoFixer
from vaultlink.watch.events import ChangeHints, Debounce
from vaultlink.watch.session import Session

LINK = re.compile(r"\[\[([^\]|#]+)(#[^\]|]*)?(\|[^\]]*)?\]\]|\[([^\]]*)\]\(([^)#]+)\.md(#[^)]*)?\)")
"""A wikilink with its target, subpath and display text, or a Markdown link to a note."""

WAYS = ("compares", "overwrites")
"""How Obsidian may write a note: the links in the text that is there, or the text that it had read at the rename.

Which of them it does is not documented.
"""


class Write(NamedTuple):
    """A change of a note: when, by whom, and the text after it."""

    when: float
    author: str
    path: str
    text: str


@dataclass
class Simulation:
    """A vault on disk, a watcher with `--fix`, and programs that change files at given seconds."""

    folder: Path
    files: Mapping[str, str]
    debounce: Debounce = field(default_factory=Debounce)
    now: float = 0.0
    writes: list[Write] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=dict)
    """The texts of the notes that Obsidian has emptied, and is about to write."""
    editors: dict[str, str] = field(default_factory=dict)
    """The unsaved texts of open notes."""
    saved: dict[str, str] = field(default_factory=dict)
    """The texts that open notes were saved with since the last rename."""

    def __post_init__(self) -> None:
        self.root = create_vault(self.folder, self.files)
        self.session = Session(Stepper(open_vault(self.root, Settings(cache=False))))
        self.session.first_batch()
        self.fixer = AutoFixer(self.debounce, "vaultlink watch", writing=True)
        self._moved: dict[str, str] = {}
        self._agenda: list[tuple[float, int, Callable[[], Collection[str]]]] = []
        self._numbers = count()
        self._changed: set[str] = set()
        self._first_event = self._last_event = 0.0

    def at(self, when: float, action: Callable[[], Collection[str]]) -> None:
        """Have a program do something at a time; `action` returns the paths that it changed."""
        heapq.heappush(self._agenda, (when, next(self._numbers), action))

    def read(self, path: str) -> str:
        """Return the present text of a note."""
        return (self.root / path).read_text(encoding="utf-8")

    def write(self, author: str, path: str, text: str) -> list[str]:
        """Write a note; return its path."""
        (self.root / path).write_text(text, encoding="utf-8")
        self.writes.append(Write(self.now, author, path, text))
        return [path]

    def move(self, old: str, new: str) -> list[str]:
        """Rename a file; return both paths."""
        (self.root / new).parent.mkdir(exist_ok=True)
        (self.root / old).rename(self.root / new)
        self._moved[old] = new
        return [old, new]

    def follow(self, path: str) -> str:
        """Return where a file is now."""
        while path in self._moved and not (self.root / path).exists():
            path = self._moved[path]
        return path

    def run(self, seconds: float) -> "Simulation":
        """Let this time pass, as the loop of the watcher does."""
        end = self.now + seconds
        while (due := self._next_work())[0] <= end:
            self.now = max(self.now, due[0])
            due[1]()
        self.now = end
        return self

    def _next_work(self) -> tuple[float, Callable[[], None]]:
        work = [(self._agenda[0][0], self._act)] if self._agenda else []
        if self._changed:
            wait = self.debounce.seconds_until_batch(self._first_event, self._last_event, self.now)
            work.append((self.now + wait, self._process_events))
        else:
            work.append((self.now + self.fixer.seconds_until_fix(self.now), self._apply_fixes))
        return min(work, key=lambda item: item[0])

    def _act(self) -> None:
        _, _, action = heapq.heappop(self._agenda)
        paths = action()
        if paths:
            self._first_event = self._first_event if self._changed else self.now
            self._last_event = self.now
            self._changed.update(paths)

    def _process_events(self) -> None:
        result = rescan(self.session.scan, ChangeHints(frozenset(self._changed)), lambda _: False)
        self._changed.clear()
        if self.session.apply_rescan(result):
            self.fixer.record_changes(result.paths, self.now)

    def _apply_fixes(self) -> None:
        attempt = self.fixer.attempt_fix(self.session.vault, self.now)
        assert not attempt.error, attempt.error
        if attempt.is_outdated:
            self._changed.update(self.session.scan.listing.files)
        elif attempt.applied_fixes and attempt.applied_fixes.written:
            written = attempt.applied_fixes.written
            self.writes += [Write(self.now, "vaultlink", path, self.read(path)) for path in written]
            result = rescan(self.session.scan, ChangeHints(frozenset(written)), lambda _: False)
            self.session.apply_rescan(result, attempt.applied_fixes)

    def count_writes(self, author: str) -> int:
        """Return how many notes an author wrote, each time counted."""
        return sum(write.author == author for write in self.writes)

    def count_overwritten(self) -> int:
        """Return how many notes Obsidian wrote with another text after vaultlink had."""
        last: dict[str, Write] = {}
        found = 0
        for write in self.writes:
            before = last.get(write.path)
            found += (
                before is not None
                and (before.author, write.author) == ("vaultlink", "Obsidian")
                and before.text != write.text
            )
            last[write.path] = write
        return found


class Obsidian(NamedTuple):
    """An Obsidian that renames a note and updates the links to it.

    `answer` are the seconds until it begins: 0 if it updates links without a question, None if it does
    not. `pause` are the seconds between two notes. With `torn`, a note is empty for a moment before
    it has its new text.
    """

    simulation: Simulation
    way: str = "compares"
    answer: float | None = 0.0
    pause: float = 0.01
    torn: bool = False

    def rename(self, when: float, old: str, new: str) -> None:
        """Rename a note at a time."""
        self.simulation.at(when, lambda: self._rename(old, new))

    def _rename(self, old: str, new: str) -> list[str]:
        simulation, names = self.simulation, (note_name(old), note_name(new))
        paths = simulation.move(old, new)
        simulation.saved.clear()
        if self.answer is None:
            return paths
        texts = {
            file.relative_to(simulation.root).as_posix(): file.read_text(encoding="utf-8")
            for file in sorted(simulation.root.rglob("*.md"))
        }
        linking = {path: text for path, text in texts.items() if update_links(text, *names) != text}
        for number, (path, text) in enumerate(linking.items(), 1):
            begin = simulation.now + self.answer + number * self.pause
            if self.torn:
                simulation.at(begin - 0.004, lambda path=path: self._begin(path, names))  # type: ignore[misc]
            simulation.at(begin, lambda path=path, text=text: self._update(path, text, names))  # type: ignore[misc]
        return paths

    def _begin(self, path: str, names: tuple[str, str]) -> list[str]:
        """Empty a note that is about to be written."""
        simulation, now = self.simulation, self.simulation.follow(path)
        text = simulation.read(now)
        if self.way == "compares" and update_links(text, *names) == text:
            return []
        simulation.held[path] = text
        (simulation.root / now).write_text("", encoding="utf-8")
        return [now]

    def _update(self, path: str, text: str, names: tuple[str, str]) -> list[str]:
        simulation, now = self.simulation, self.simulation.follow(path)
        held = simulation.held.pop(path, None)
        if path in simulation.editors:
            simulation.editors[path] = update_links(simulation.editors[path], *names)
        if self.way == "compares":
            text = simulation.read(now) if held is None else held
        text = simulation.saved.get(path, text)
        after = update_links(text, *names)
        is_same = after == text and held is None
        return [] if is_same else simulation.write("Obsidian", now, after)


class Editor(NamedTuple):
    """An open note in which somebody types; what was typed is saved two seconds later.

    When Obsidian updates links, the open note changes, too. What other programs write meanwhile is
    overwritten.
    """

    simulation: Simulation
    path: str

    def type(self, when: float, words: str, unsaved: float = 2.0) -> None:
        """Type words at the end of the note at a time."""
        opened: list[str] = []

        def begin() -> list[str]:
            opened.append(self.simulation.read(self.simulation.follow(self.path)))
            self.simulation.editors[self.path] = opened[0] + words
            return []

        def save() -> list[str]:
            text = self.simulation.saved[self.path] = self.simulation.editors.pop(self.path)
            return self.simulation.write("user", self.simulation.follow(self.path), text)

        self.simulation.at(when, begin)
        self.simulation.at(when + unsaved, save)


def note_name(path: str) -> str:
    """Return the name of a note as in a link."""
    return path.rsplit("/", 1)[-1].removesuffix(".md")


def update_links(text: str, old: str, new: str) -> str:
    """Return a text with the links to one name changed to another one, as Obsidian does."""

    def update(match: re.Match[str]) -> str:
        if match[1] == old:
            return f"[[{new}{match[2] or ''}{match[3] or ''}]]"
        if match[5] == old:
            return f"[{match[4]}]({new}.md{match[6] or ''})"
        return match[0]

    return LINK.sub(update, text)


def read_targets(text: str) -> list[str]:
    """Return the names in the links of a text, in order, without folders."""
    return [note_name(match[1] or match[5]) for match in LINK.finditer(text)]


def read_words(text: str) -> str:
    """Return a text with a mark for each link, to compare all that is no link."""
    return LINK.sub("@", text)
