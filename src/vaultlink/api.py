"""A vault as a program sees it: open it, ask for its notes, links and findings, get its graph.

Everything the commands do starts here; looking goes through `survey`, reading and remembering through `loading`, thinking
through `engine`.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from vaultlink.catalog import Rule, catalog
from vaultlink.config import Config, configure
from vaultlink.engine import Change, Setting, State, step, unreadable
from vaultlink.errors import VaultError
from vaultlink.files import Unreadable, decoded, find_vault, load_rules, read_text
from vaultlink.loading import Progress, load_state
from vaultlink.model import Diagnostic, Fix, Note, Suggestion, Tally
from vaultlink.parallel import suggest_all
from vaultlink.resolve import comparable, is_note, resolve
from vaultlink.survey import Settings, Survey, survey

if TYPE_CHECKING:
    import networkx as nx

    from vaultlink.fixing.choice import Allowed
    from vaultlink.fixing.repair import Picked, Repair
    from vaultlink.fixing.sources import Answers, Sources
    from vaultlink.mending import Texts
    from vaultlink.suggest import Suggester
    from vaultlink.writing import Outcome, Refusal

__all__ = ["Settings", "Survey", "Vault", "VaultError", "find_vault", "open_vault", "survey"]

_MANY = 1000
"""So many topics are worth keeping the suggestions for."""


def open_vault(
    root: Path | str,
    settings: Settings | None = None,
    progress: Progress | None = None,
    surveyed: Survey | None = None,
) -> "Vault":
    """Read a vault and check it. Raises VaultError (no such folder, no notes) or ConfigError (a bad setting)."""
    seen = surveyed or survey(Path(root), settings)
    rules = catalog(_declarations(seen))
    config = configure(seen.layers, rules)
    if not any(is_note(path) for path in seen.listing.files):
        raise VaultError(f"{seen.root}: there is no note in this vault (no file ends in .md).")
    setting = Setting.of(rules, config, seen.obsidian, seen.ignored)
    state = load_state(seen, setting, progress or (lambda _done, _all: None))
    return Vault(seen, state.setting, state)


def _declarations(seen: Survey) -> dict[str, Mapping[str, Any]]:
    """The rules' declarations; those of this very program are kept, since YAML is slow to read."""
    cache = seen.cache()
    kept = cache.answer(b"", "rules") if cache else None
    with suppress(msgspec.MsgspecError):
        known: dict[str, Mapping[str, Any]] = msgspec.msgpack.decode(
            kept or b"", type=dict[str, dict[str, Any]]
        )
        return known
    declared = load_rules()
    if cache:
        cache.keep_answer(b"", msgspec.msgpack.encode(declared), "rules")
    return declared


class Vault:
    """An opened vault."""

    def __init__(self, seen: Survey, setting: Setting, state: State):
        self.root = seen.root
        self.config: Config = setting.config
        self.rules: tuple[Rule, ...] = setting.rules
        self.state = state
        self.index = state.index
        self._setting = setting
        self._suggested: dict[str, tuple[Suggestion, ...]] = {}
        self.seen = seen
        self.held: Mapping[str, bytes] = {}

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
        """The text of a note as it is on disk now, or held in place of that; "" if it can't be read."""
        text = decoded(self.held[path]) if path in self.held else read_text(self.root / path)
        return "" if isinstance(text, Unreadable) else text

    def data(self, path: str) -> bytes:
        """The bytes of a file as it is on disk now, or held in place of that; none if it can't be read."""
        try:
            return self.held[path] if path in self.held else (self.root / path).read_bytes()
        except OSError:
            return b""

    def fixes(
        self, diagnostics: Sequence[Diagnostic], answers: "Answers | None" = None
    ) -> "Callable[[Diagnostic], Fix | None]":
        """What mends each of these findings, if anything does: asked for one by one."""
        from vaultlink.fixing.late import late  # noqa: PLC0415 - only where fixes are shown
        from vaultlink.fixing.repair import fix_of  # noqa: PLC0415

        known, makers = self._sources(self._topics(diagnostics)), late(answers)
        return lambda item: fix_of(self.state, known, item, makers)

    def repair(
        self,
        wanted: "Allowed | None" = None,
        answers: "Answers | None" = None,
        picked: "Picked | None" = None,
    ) -> "Repair":
        """What making all fixes that are wanted (without a word: the safe ones) would come to; of the findings that are picked,
        if not of all. Nothing is written."""
        from vaultlink.fixing.choice import allowed  # noqa: PLC0415 - only where something is fixed
        from vaultlink.fixing.late import late  # noqa: PLC0415
        from vaultlink.fixing.repair import repair  # noqa: PLC0415
        from vaultlink.mending import examiner  # noqa: PLC0415

        wanted = wanted or allowed(self.rules, self.config)
        topics = self._topics(self.check()) if answers else []
        return repair(
            self.state,
            self._sources(topics),
            wanted,
            late(answers),
            examiner(self._setting, self.seen.settings.jobs),
            picked,
        )

    def mend(self, chosen: Sequence[tuple[Diagnostic, Fix]]) -> "Repair":
        """What making these fixes, and no others, would come to. Nothing is written."""
        rounds = iter([chosen])
        return self.tend(lambda _state, _sources: next(rounds, []))

    def tend(
        self, asked: "Callable[[State, Sources], Iterable[tuple[Diagnostic, Fix]]]"
    ) -> "Repair":
        """What making the fixes that `asked` yields of each round's state would come to. Nothing is written."""
        from vaultlink.fixing.repair import mend  # noqa: PLC0415 - only where something is fixed
        from vaultlink.mending import examiner  # noqa: PLC0415

        return mend(
            self.state, self._sources([]), asked, examiner(self._setting, self.seen.settings.jobs)
        )

    def choices(self, item: Diagnostic, answers: "Answers") -> "list[Fix]":
        """All that may be done about a finding, the likeliest first."""
        from vaultlink.fixing.late import choices  # noqa: PLC0415 - only where somebody chooses

        return choices(self.state, self._sources([]), item, answers)

    def write(self, repair: "Repair", command: str, summary: str) -> "Outcome":
        """Write what a repair comes to, with a record that `vaultlink undo` goes by. Raises JournalError if no record can be
        kept; then nothing is written."""
        from vaultlink.mending import write  # noqa: PLC0415 - only where something is written

        return write(self.seen, self._texts, repair, command, summary)

    def after(self, state: State) -> "Vault":
        """The same vault in another state."""
        return Vault(self.seen, self._setting, state)

    def holding(self, path: str, data: bytes) -> "Vault":
        """The same vault as if these bytes stood in a note, or in a new one. Nothing is written."""
        text = decoded(data)
        content = unreadable(self._setting, path, *text) if isinstance(text, Unreadable) else text
        holding = self.after(step(self.state, [Change(path, content)]))
        holding.held = {path: data}
        return holding

    def renewed(self, seen: Survey, state: State) -> "Vault":
        """The same vault, seen again later."""
        later = Vault(seen, state.setting, state)
        if "_suggester" in self.__dict__:
            self._suggester.follow(state.index)
            later.__dict__["_suggester"] = self._suggester
        return later

    def guarded(self, bar: Callable[[str, str], str | None]) -> "Vault":
        """The same vault, but notes are left alone where `bar`, asked with path and text, says why."""
        from vaultlink.mending import Texts  # noqa: PLC0415 - only where something is fixed

        guarded = self.after(self.state)
        guarded.__dict__.update(_texts=Texts(self.seen, bar), _suggester=self._suggester)
        return guarded

    def setting_of(self, seen: Survey) -> Setting:
        """The setting of this vault, seen again later under the same settings: what git ignores may be more."""
        return Setting.of(self.rules, self.config, seen.obsidian, seen.ignored, self._setting.moves)

    def spared(self, repair: "Repair") -> "tuple[Refusal, ...]":
        """The notes that a repair leaves alone, each with why."""
        from vaultlink.mending import spared  # noqa: PLC0415 - only where something is fixed

        return spared(self._texts, repair)

    def stored(self, path: str, text: str) -> bytes:
        """A note's new text as it would stand on disk, with the byte order mark that the note has."""
        return self._texts.data(path, text)

    @cached_property
    def _texts(self) -> "Texts":
        from vaultlink.mending import Texts  # noqa: PLC0415 - only where something is fixed

        return Texts(self.seen, held=self.held)

    def _sources(self, topics: Sequence[str]) -> "Sources":
        from vaultlink.mending import sources  # noqa: PLC0415 - only where something is fixed

        known = self.suggest_all(topics) if topics else {}
        return sources(
            self.seen,
            self._texts,
            lambda topic: known[topic] if topic in known else self.suggest(topic),
        )

    def _topics(self, diagnostics: Iterable[Diagnostic]) -> list[str]:
        """The dangling topics that findings are about."""
        names = self.index.names
        named = {item.target: item.path for item in diagnostics if item.target is not None}
        return [target for target, path in named.items() if resolve(path, target, names) is None]

    def suggest(self, target: str) -> tuple[Suggestion, ...]:
        """The notes a dangling topic may mean, the likeliest first."""
        return self._suggester(target)

    def suggest_all(self, targets: Sequence[str]) -> dict[str, tuple[Suggestion, ...]]:
        """What each of many dangling topics may mean: worked out with all processors if there are very many, and kept
        for the next run on an unchanged vault."""
        if not self._suggested.keys() >= set(targets):
            self._suggested.update(
                self._suggest_all([target for target in targets if target not in self._suggested])
            )
        return {target: self._suggested[target] for target in targets}

    def _suggest_all(self, targets: Sequence[str]) -> dict[str, tuple[Suggestion, ...]]:
        cache = self.seen.cache() if len(targets) > _MANY and not self.held else None
        question = self.seen.question("suggestions", *targets) if cache else None
        if cache is None or question is None:
            return suggest_all(self._suggester, targets, self.seen.settings.jobs)
        kept = cache.answer(question, "suggestions")
        with suppress(msgspec.MsgspecError):
            return msgspec.msgpack.decode(kept or b"", type=dict[str, tuple[Suggestion, ...]])
        found = suggest_all(self._suggester, targets, self.seen.settings.jobs)
        cache.keep_answer(question, msgspec.msgpack.encode(found), "suggestions")
        return found

    @cached_property
    def _suggester(self) -> "Suggester":
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
            found = next(
                (known for known in self.index.files if comparable(known) == comparable(path)), None
            )
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
        return {
            "notes": notes,
            "attachments": len(self.index.files) - notes,
            "links": counts.links,
            "resolved": counts.resolved,
            "dangling": counts.dangling,
            "ambiguous": counts.ambiguous,
            "external": counts.external,
        }
