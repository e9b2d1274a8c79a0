"""A vault as a program sees it: open it, ask for its notes, links and findings, get its graph.

Everything the commands do starts here; looking goes through `scan_vault`, reading and remembering through `loading`, thinking
through `engine`.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from vaultlink.config.settings import Config, merge_layers
from vaultlink.disk.load import Progress, load_state
from vaultlink.disk.read import UnreadableFile, decode_note, load_rules, read_text
from vaultlink.disk.scan import Settings, VaultScan, find_vault, scan_vault
from vaultlink.disk.workers import suggest_all
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import Change, State, analyse_unreadable, step
from vaultlink.errors import VaultError
from vaultlink.index.resolve import is_note, normalize_name, resolve
from vaultlink.model import Diagnostic, Fix, LinkCounts, Note, Suggestion
from vaultlink.rules.registry import Rule, build_catalog
from vaultlink.write.cache import save_result, save_state

if TYPE_CHECKING:
    import networkx as nx

    from vaultlink.fix.loop import FindingSelector, FixPlan
    from vaultlink.fix.select import FixFilter
    from vaultlink.fix.sources import FixAnswers, FixSources
    from vaultlink.index.suggest import Suggester
    from vaultlink.model import SkippedNote
    from vaultlink.write.apply import AnalysedTexts
    from vaultlink.write.write import WriteResult

__all__ = ["Settings", "Vault", "VaultError", "VaultScan", "find_vault", "open_vault", "scan_vault"]

_MIN_CACHED_TOPICS = 1000
"""So many topics are worth keeping the suggestions for."""


def open_vault(
    root: Path | str,
    settings: Settings | None = None,
    progress: Progress | None = None,
    scan: VaultScan | None = None,
) -> "Vault":
    """Read a vault and check it. Raises VaultError (no such folder, no notes) or ConfigError (a bad setting)."""
    scan = scan or scan_vault(Path(root), settings)
    rules = build_catalog(_load_declarations(scan))
    config = merge_layers(scan.layers, rules)
    if not any(is_note(path) for path in scan.listing.files):
        raise VaultError(f"{scan.root}: there is no note in this vault (no file ends in .md).")
    setting = LinterSettings.build(rules, config, scan.obsidian, scan.is_git_ignored)
    loaded = load_state(scan, setting, progress or (lambda _done, _all: None))
    cache = scan.open_cache() if loaded.to_save else None
    if cache and loaded.to_save:
        save_state(cache, loaded.to_save)
    return Vault(scan, loaded.state.settings, loaded.state)


def _load_declarations(scan: VaultScan) -> dict[str, Mapping[str, Any]]:
    """The rules' declarations; those of this very program are kept, since YAML is slow to read."""
    cache = scan.open_cache()
    kept = cache.load_result(b"", "rules") if cache else None
    with suppress(msgspec.MsgspecError):
        known: dict[str, Mapping[str, Any]] = msgspec.msgpack.decode(
            kept or b"", type=dict[str, dict[str, Any]]
        )
        return known
    declared = load_rules()
    if cache:
        save_result(cache, b"", msgspec.msgpack.encode(declared), "rules")
    return declared


class Vault:
    """An opened vault."""

    def __init__(self, scan: VaultScan, settings: LinterSettings, state: State):
        self.root = scan.root
        self.config: Config = settings.config
        self.rules: tuple[Rule, ...] = settings.rules
        self.state = state
        self.index = state.index
        self._settings = settings
        self._suggestion_cache: dict[str, tuple[Suggestion, ...]] = {}
        self.scan = scan
        self.overlays: Mapping[str, bytes] = {}

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
        text = (
            decode_note(self.overlays[path])
            if path in self.overlays
            else read_text(self.root / path)
        )
        return "" if isinstance(text, UnreadableFile) else text

    def file_bytes(self, path: str) -> bytes:
        """The bytes of a file as it is on disk now, or held in place of that; none if it can't be read."""
        try:
            return self.overlays[path] if path in self.overlays else (self.root / path).read_bytes()
        except OSError:
            return b""

    def fix_lookup(
        self, diagnostics: Sequence[Diagnostic], answers: "FixAnswers | None" = None
    ) -> "Callable[[Diagnostic], Fix | None]":
        """What mends each of these findings, if anything does: asked for one by one."""
        from vaultlink.fix.deferred import deferred_fixes  # noqa: PLC0415 - only where fixes are shown
        from vaultlink.fix.loop import find_fix  # noqa: PLC0415

        known, makers = (
            self._fix_sources(self._dangling_topics(diagnostics)),
            deferred_fixes(self.rules, answers),
        )
        return lambda item: find_fix(self.state, known, item, makers)

    def plan_fixes(
        self,
        wanted: "FixFilter | None" = None,
        answers: "FixAnswers | None" = None,
        picked: "FindingSelector | None" = None,
    ) -> "FixPlan":
        """What making all fixes that are wanted (without a word: the safe ones) would come to; of the findings that are picked,
        if not of all. Nothing is written."""
        from vaultlink.fix.deferred import deferred_fixes  # noqa: PLC0415
        from vaultlink.fix.loop import plan_fixes  # noqa: PLC0415
        from vaultlink.fix.select import allowed_fixes  # noqa: PLC0415 - only where something is fixed
        from vaultlink.write.apply import make_analyser  # noqa: PLC0415

        wanted = wanted or allowed_fixes(self.rules, self.config)
        topics = self._dangling_topics(self.check()) if answers else []
        return plan_fixes(
            self.state,
            self._fix_sources(topics),
            wanted,
            deferred_fixes(self.rules, answers),
            make_analyser(self._settings, self.scan.settings.jobs),
            picked,
        )

    def plan_chosen_fixes(self, chosen: Sequence[tuple[Diagnostic, Fix]]) -> "FixPlan":
        """What making these fixes, and no others, would come to. Nothing is written."""
        rounds = iter([chosen])
        return self.plan_rounds(lambda _state, _sources: next(rounds, []))

    def plan_rounds(
        self, asked: "Callable[[State, FixSources], Iterable[tuple[Diagnostic, Fix]]]"
    ) -> "FixPlan":
        """What making the fixes that `asked` yields of each round's state would come to. Nothing is written."""
        from vaultlink.fix.loop import apply_rounds  # noqa: PLC0415 - only where something is fixed
        from vaultlink.write.apply import make_analyser  # noqa: PLC0415

        return apply_rounds(
            self.state,
            self._fix_sources([]),
            asked,
            make_analyser(self._settings, self.scan.settings.jobs),
        )

    def fix_choices(self, item: Diagnostic, answers: "FixAnswers") -> "list[Fix]":
        """All that may be done about a finding, the likeliest first."""
        from vaultlink.fix.deferred import fix_choices  # noqa: PLC0415 - only where somebody chooses

        return fix_choices(self.state, self._fix_sources([]), item, answers)

    def write_plan(self, plan: "FixPlan", command: str, summary: str) -> "WriteResult":
        """Write what a repair comes to, with a record that `vaultlink undo` goes by. Raises JournalError if no record can be
        kept; then nothing is written."""
        from vaultlink.write.apply import write_plan  # noqa: PLC0415 - only where something is written

        return write_plan(self.scan, self._texts, plan, command, summary)

    def with_state(self, state: State) -> "Vault":
        """The same vault in another state."""
        return Vault(self.scan, self._settings, state)

    def with_overlay(self, path: str, data: bytes) -> "Vault":
        """The same vault as if these bytes stood in a note, or in a new one. Nothing is written."""
        text = decode_note(data)
        content = (
            analyse_unreadable(self._settings, path, *text)
            if isinstance(text, UnreadableFile)
            else text
        )
        holding = self.with_state(step(self.state, [Change(path, content)]))
        holding.overlays = {path: data}
        return holding

    def with_scan(self, scan: VaultScan, state: State) -> "Vault":
        """The same vault, seen again later."""
        later = Vault(scan, state.settings, state)
        if "_suggester" in self.__dict__:
            self._suggester.update_index(state.index)
            later.__dict__["_suggester"] = self._suggester
        return later

    def with_skip_check(self, bar: Callable[[str, str], str | None]) -> "Vault":
        """The same vault, but notes are left alone where `bar`, asked with path and text, says why."""
        from vaultlink.write.apply import AnalysedTexts  # noqa: PLC0415 - only where something is fixed

        guarded = self.with_state(self.state)
        guarded.__dict__.update(_texts=AnalysedTexts(self.scan, bar), _suggester=self._suggester)
        return guarded

    def settings_for(self, scan: VaultScan) -> LinterSettings:
        """The setting of this vault, seen again later under the same settings: what git ignores may be more."""
        return LinterSettings.build(
            self.rules, self.config, scan.obsidian, scan.is_git_ignored, self._settings.moves
        )

    def skipped_notes(self, plan: "FixPlan") -> "tuple[SkippedNote, ...]":
        """The notes that a repair leaves alone, each with why."""
        from vaultlink.write.apply import list_skipped  # noqa: PLC0415 - only where something is fixed

        return list_skipped(self._texts, plan)

    def encode_text(self, path: str, text: str) -> bytes:
        """A note's new text as it would stand on disk, with the byte order mark that the note has."""
        return self._texts.encode_text(path, text)

    @cached_property
    def _texts(self) -> "AnalysedTexts":
        from vaultlink.write.apply import AnalysedTexts  # noqa: PLC0415 - only where something is fixed

        return AnalysedTexts(self.scan, held=self.overlays)

    def _fix_sources(self, topics: Sequence[str]) -> "FixSources":
        from vaultlink.write.apply import make_fix_sources  # noqa: PLC0415 - only where something is fixed

        known = self.suggest_all(topics) if topics else {}
        return make_fix_sources(
            self.scan,
            self._texts,
            lambda topic: known[topic] if topic in known else self.suggest(topic),
        )

    def _dangling_topics(self, diagnostics: Iterable[Diagnostic]) -> list[str]:
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
        if not self._suggestion_cache.keys() >= set(targets):
            self._suggestion_cache.update(
                self._load_suggestions(
                    [target for target in targets if target not in self._suggestion_cache]
                )
            )
        return {target: self._suggestion_cache[target] for target in targets}

    def _load_suggestions(self, targets: Sequence[str]) -> dict[str, tuple[Suggestion, ...]]:
        cache = (
            self.scan.open_cache()
            if len(targets) > _MIN_CACHED_TOPICS and not self.overlays
            else None
        )
        question = self.scan.cache_key("suggestions", *targets) if cache else None
        if cache is None or question is None:
            return suggest_all(self._suggester, targets, self.scan.settings.jobs)
        kept = cache.load_result(question, "suggestions")
        with suppress(msgspec.MsgspecError):
            return msgspec.msgpack.decode(kept or b"", type=dict[str, tuple[Suggestion, ...]])
        found = suggest_all(self._suggester, targets, self.scan.settings.jobs)
        save_result(cache, question, msgspec.msgpack.encode(found), "suggestions")
        return found

    @cached_property
    def _suggester(self) -> "Suggester":
        from vaultlink.index.suggest import Suggester  # noqa: PLC0415 - only where suggestions are shown

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
                (
                    known
                    for known in self.index.files
                    if normalize_name(known) == normalize_name(path)
                ),
                None,
            )
            if found:
                return found
        return resolve("", note, self.index.names) if note else None

    def is_linted(self, path: str) -> bool:
        """Whether findings in a path are reported: not excluded by the configuration, Obsidian's settings or git."""
        return self._settings.is_linted(path)

    def graph(self) -> "nx.MultiDiGraph[str]":
        """The vault's graph: notes and dangling topics as nodes, an edge for every link."""
        from vaultlink.graph.build import build_graph  # noqa: PLC0415 - networkx is slow to import

        return build_graph(self.index)

    def summary(self) -> dict[str, int]:
        """How many notes, attachments and links there are, and what becomes of the links."""
        rows = [msgspec.structs.astuple(tally) for tally in self.state.tallies.values()]
        total = [sum(column) for column in zip(*rows, strict=True)]
        counts = LinkCounts(*total)
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
