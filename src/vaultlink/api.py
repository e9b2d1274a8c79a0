"""A vault as a program sees it: open it, ask for its notes, links and findings, get its graph.

Everything the commands do starts here; reading goes through `files`, remembering through `cache`, thinking through
`engine`.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from vaultlink.cache import Cache, Stored, cache_folder, digest
from vaultlink.catalog import Rule, catalog
from vaultlink.config import COMMAND_LINE, Config, Layer, configure
from vaultlink.engine import Change, Examined, Presence, Setting, State, check_note, step
from vaultlink.files import (
    Listing,
    Stamp,
    Unreadable,
    find_vault,
    git_ignored,
    list_files,
    load_config,
    load_obsidian,
    load_rules,
    read_text,
)
from vaultlink.index import Index
from vaultlink.model import Diagnostic, Note, Suggestion, Tally
from vaultlink.parallel import examine_files, suggest_all
from vaultlink.resolve import comparable, is_note, resolve
from vaultlink.rules import Obsidian
from vaultlink.shelf import Shelf

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Settings", "Survey", "Vault", "VaultError", "find_vault", "open_vault", "survey"]

Progress = Callable[[int, int], None]
"""Called now and then with how many notes are read, and of how many."""

_FEW = 25
"""So many changed notes are read anew each time rather than the cache written anew."""

_MANY = 1000
"""So many topics are worth keeping the suggestions for."""

_RECENT = 50_000_000
"""Nanoseconds within which a second change of a file might leave its times as they are."""


class VaultError(Exception):
    """A vault that can't be opened: what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to open a vault. `overrides` holds settings as they would stand in TOML, and wins over files."""

    config_file: Path | None = None
    isolated: bool = False
    cache: bool = True
    cache_dir: Path | None = None
    jobs: int | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known of a vault before a note is read: its files, and everything that bears on what is found in them."""

    root: Path
    settings: Settings
    listing: Listing
    layers: tuple[Layer, ...]
    obsidian: Obsidian
    ignored: Callable[[str], bool] | None
    started: int

    def cache(self) -> Cache | None:
        """The vault's cache, unless it is not wanted."""
        return Cache(cache_folder(self.settings.cache_dir), self.root) if self.settings.cache else None

    def question(self, *asked: str) -> bytes | None:
        """A sign of everything an answer depends on: the files as they are, the settings, what is asked. None if a file
        changed so lately that its times might not tell a further change."""
        files = self.listing.files
        if any(stamp.changed > self.started - _RECENT for stamp in files.values()):
            return None
        listed = "\\n".join([f"{path}\\t{stamp}" for path, stamp in sorted(files.items())])
        ignored = [path for path in files if self.ignored(path)] if self.ignored else []
        told = (asked, [(layer.source, layer.values) for layer in self.layers], repr(self.obsidian), ignored,
                self.listing.unreadable)
        return digest((listed.encode("utf-8", "surrogatepass"), repr(told).encode("utf-8", "surrogatepass")))


def survey(root: Path, settings: Settings | None = None) -> Survey:
    """Look at a vault without reading its notes. Raises VaultError or ConfigError."""
    settings = settings or Settings()
    started = time.time_ns()
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "does not exist"
        raise VaultError(f"{root}: this vault {what}.")
    root = root.resolve()
    files = [] if settings.isolated else load_config(root, settings.config_file)
    layers = [Layer(source, values) for source, values in files]
    layers += [Layer(COMMAND_LINE, settings.overrides)] if settings.overrides else []
    return Survey(root, settings, list_files(root), tuple(layers), load_obsidian(root), git_ignored(root), started)


def open_vault(root: Path | str, settings: Settings | None = None, progress: Progress | None = None,
               surveyed: Survey | None = None) -> "Vault":
    """Read a vault and check it. Raises VaultError (no such folder, no notes) or ConfigError (a bad setting)."""
    seen = surveyed or survey(Path(root), settings)
    rules = catalog(load_rules())
    config = configure(seen.layers, rules)
    if not any(is_note(path) for path in seen.listing.files):
        raise VaultError(f"{seen.root}: there is no note in this vault (no file ends in .md).")
    setting = Setting.of(rules, config, seen.obsidian, seen.ignored)
    return Vault(seen, setting, _state(seen, setting, progress or (lambda _done, _all: None)))


# -- from disk and cache to a state -------------------------------------------------------------------------------


def _state(seen: Survey, setting: Setting, progress: Progress) -> State:
    cache = seen.cache()
    stored = cache.load() if cache else None
    sign = _sign(seen, setting)
    before, stamps = State(setting), {}
    if stored is not None and (stored.setting == sign or not _reads_texts(setting)):
        stamps = dict(zip(stored.paths, stored.stamps, strict=True)) | dict.fromkeys(stored.attachments)
        before = _restored(setting, stored) if stored.setting == sign else _rechecked(setting, stored)
    changes = _changes(seen, setting, before, stamps, progress)
    state = step(before, changes) if changes else before
    if cache and (len(changes) > _FEW or not stamps or (stored and stored.setting != sign)):
        cache.save(_stored(seen, state, sign))
    return state


def _sign(seen: Survey, setting: Setting) -> str:
    """Tells whether findings were made under the same settings."""
    ignored = sorted(path for path in seen.listing.files if seen.ignored(path)) if seen.ignored else []
    return digest((setting.config.digest().encode(), repr((seen.obsidian, ignored)).encode())).hex()


def _reads_texts(setting: Setting) -> bool:
    return any(rule.reads_text for rules in setting.runs.values() for rule in rules)


def _changes(seen: Survey, setting: Setting, before: State, stamps: Mapping[str, Stamp | None],
             progress: Progress) -> list[Change]:
    """What is on disk now and was not, or not so, in the state before."""
    files = seen.listing.files
    sources = [path for path in files if is_source(path) and stamps.get(path) != files[path]]
    size = sum(files[path].size for path in sources)
    examined = examine_files(setting, os.fspath(seen.root), sources, size, seen.settings.jobs,
                             lambda done: progress(done, len(sources)))
    changes = [Change(path, result) for path, result in zip(sources, examined, strict=True)]
    changes += [Change(path, Presence.ATTACHMENT) for path in files if not is_source(path) and path not in stamps]
    changes += [Change(path, Presence.GONE) for path in before.index.files if path not in files]
    return changes


def is_source(path: str) -> bool:
    """Whether a file's text is read: of notes and canvases for links, of bases for the files they name."""
    return path[-3:].lower() == ".md" or path[-7:].lower() == ".canvas" or path[-5:].lower() == ".base"


def _restored(setting: Setting, stored: Stored) -> State:
    """The state as it was kept."""
    index = Index.of(Shelf(packed=dict(zip(stored.paths, stored.notes, strict=True))),
                     dict(zip(stored.paths, stored.targets, strict=True)), frozenset((*stored.paths, *stored.attachments)))
    index.__dict__.update(stored.called)  # what the index would compute when first asked
    scopes = setting.scopes
    found = {**stored.diagnostics, **stored.silenced}
    whole = {path: left for path, items in found.items()
             if (left := tuple(item for item in items if scopes[item.rule] == "vault"))} if setting.runs["vault"] else {}
    return State(setting, index, found, whole, stored.diagnostics, dict(zip(stored.paths, stored.tallies, strict=True)))


def _rechecked(setting: Setting, stored: Stored) -> State:
    """The state of the notes kept, checked under other settings."""
    shelf = Shelf(packed=dict(zip(stored.paths, stored.notes, strict=True)))
    changes = [Change(path, examined_again(setting, shelf[path])) for path in stored.paths]
    return step(State(setting), [*changes, *(Change(path, Presence.ATTACHMENT) for path in stored.attachments)])


def examined_again(setting: Setting, note: Note) -> Examined:
    """A note that was read before, checked anew without its text."""
    return Examined(note, check_note(setting, note, None))


def _stored(seen: Survey, state: State, sign: str) -> Stored:
    index, files = state.index, seen.listing.files
    paths = list(index.targets)
    trusted = seen.started - _RECENT
    stamps = [files[path] if files[path].changed < trusted else Stamp(-1, 0, 0) for path in paths]
    return Stored(sign, paths, stamps, [index.notes.packed(path) for path in paths],
                  [index.targets[path] for path in paths], [state.tallies[path] for path in paths],
                  dict(state.diagnostics),
                  {path: items for path, items in state.found.items() if state.diagnostics.get(path) is not items},
                  sorted(index.files.difference(paths)),
                  {name: dict(getattr(index, name)) for name in ("aliased", "titled", "spelled")})


# -- what can be asked --------------------------------------------------------------------------------------------


class Vault:
    """An opened vault."""

    def __init__(self, seen: Survey, setting: Setting, state: State):
        self.root = seen.root
        self.config: Config = setting.config
        self.rules: tuple[Rule, ...] = setting.rules
        self.state = state
        self.index = state.index
        self.unreadable_folders = seen.listing.unreadable
        self._setting = setting
        self._seen = seen

    @cached_property
    def notes(self) -> Mapping[str, Note]:
        """The notes by vault path, sorted; canvases are not among them."""
        return {path: self.index.notes[path] for path in sorted(self.index.notes) if is_note(path)}

    @cached_property
    def attachments(self) -> tuple[str, ...]:
        """The vault paths of all files that are no notes."""
        return tuple(sorted(path for path in self.index.files if not is_note(path)))

    def check(self) -> list[Diagnostic]:
        """All findings, sorted by path, position and code."""
        return list(self.diagnostics())

    def diagnostics(self) -> Iterator[Diagnostic]:
        """All findings, one after the other, sorted by path, position and code."""
        found = self.state.diagnostics
        for path in sorted(found):
            yield from found[path]

    def text(self, path: str) -> str:
        """The text of a note as it is on disk now; "" if it can't be read."""
        text = read_text(self.root / path)
        return "" if isinstance(text, Unreadable) else text

    def suggest(self, target: str) -> tuple[Suggestion, ...]:
        """The notes a dangling topic may mean, the likeliest first."""
        return self._suggester(target)

    def suggest_all(self, targets: Sequence[str]) -> dict[str, tuple[Suggestion, ...]]:
        """What each of many dangling topics may mean: worked out with all processors if there are very many, and kept
        for the next run on an unchanged vault."""
        cache = self._seen.cache() if len(targets) > _MANY else None
        question = self._seen.question("suggestions", *targets) if cache else None
        if cache is None or question is None:
            return suggest_all(self._suggester, targets, self._seen.settings.jobs)
        kept = cache.answer(question, "suggestions")
        with suppress(msgspec.MsgspecError):
            return msgspec.msgpack.decode(kept or b"", type=dict[str, tuple[Suggestion, ...]])
        found = suggest_all(self._suggester, targets, self._seen.settings.jobs)
        cache.keep_answer(question, msgspec.msgpack.encode(found), "suggestions")
        return found

    @cached_property
    def _suggester(self) -> Callable[[str], tuple[Suggestion, ...]]:
        from vaultlink.suggest import Suggester  # noqa: PLC0415 - only where suggestions are shown

        return Suggester(self.index)

    def find(self, note: str) -> str | None:
        """The vault path of a note given as a path in the vault, on disk, or as a link would give it."""
        path = note.replace(os.sep, "/").removeprefix("./")
        if path in self.index.files:
            return path
        on_disk = Path(note).resolve()
        if on_disk.is_relative_to(self.root):
            path = on_disk.relative_to(self.root).as_posix()
            found = next((known for known in self.index.files if comparable(known) == comparable(path)), None)
            if found:
                return found
        return resolve("", note, self.index.names) if note else None

    def linted(self, path: str) -> bool:
        """Whether findings in a path are reported: not excluded by the configuration, Obsidian's settings or git."""
        return self._setting.linted(path)

    def graph(self) -> "nx.MultiDiGraph[str]":
        """The vault's graph: notes and dangling topics as nodes, an edge for every link."""
        from vaultlink.graph import graph  # noqa: PLC0415 - networkx is slow to import

        return graph(self.index)

    def summary(self) -> dict[str, int]:
        """How many notes, attachments and links there are, and what becomes of the links."""
        rows = [msgspec.structs.astuple(tally) for tally in self.state.tallies.values()]
        total = [sum(column) for column in zip(*rows, strict=True)]
        counts = Tally(*total)
        notes = sum(is_note(path) for path in self.index.files)
        return {"notes": notes, "attachments": len(self.index.files) - notes, "links": counts.links,
                "resolved": counts.resolved, "dangling": counts.dangling, "ambiguous": counts.ambiguous,
                "external": counts.external}
