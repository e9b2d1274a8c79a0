"""The only way anything happens: `step` takes a state and what changed in the vault, and gives the next state.

A full run is a step from the empty state. Checks are run here on what a step affects, and what they find is stamped with
rule, severity and path, and silenced by ignores. No disk, no clock.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import NamedTuple

import msgspec

from vaultlink.catalog import Rule
from vaultlink.config import Config, glob_matcher, obsidian_filters
from vaultlink.index import EMPTY, Index, mention_keys
from vaultlink.model import Diagnostic, Fix, Note, Property, Tally, Trouble
from vaultlink.parse import parse_canvas, parse_note
from vaultlink.resolve import file_name
from vaultlink.rules import Context, Finding, Obsidian
from vaultlink.silence import silenced
from vaultlink.updating import update

_DEFAULTS = Obsidian()


class Presence(Enum):
    """What a change says of a path that has no text to read."""

    ATTACHMENT = "attachment"
    GONE = "gone"


class Examined(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A note and what the checks of scope `note` found in it: all that is asked of its text."""

    note: Note
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What is now at a path: a text, what came of examining it elsewhere, a file without text, or nothing."""

    path: str
    content: str | Examined | Presence


@dataclass(frozen=True)
class Setting:
    """What stays the same over a run: the rules, their configuration, the vault's own settings, what is linted.

    `spared` pairs a test of paths with the rules that are not asked of them; `ignored` tells the paths that git ignores;
    `moves` tells where files went.
    """

    rules: tuple[Rule, ...]
    config: Config
    obsidian: Obsidian
    linted: Callable[[str], bool]
    allow_dangling: Callable[[str], bool]
    spared: tuple[tuple[Callable[[str], bool], frozenset[str]], ...]
    runs: Mapping[str, tuple[Rule, ...]]
    moves: Mapping[str, str]

    @classmethod
    def of(cls, rules: tuple[Rule, ...], config: Config, obsidian: Obsidian = _DEFAULTS,
           ignored: Callable[[str], bool] | None = None, moves: Mapping[str, str] | None = None) -> "Setting":
        """The setting of a run, its globs made ready."""
        tests = [glob_matcher(config.exclude)] if config.exclude else []
        tests += [obsidian_filters(obsidian.ignore_filters)] if obsidian.ignore_filters else []
        tests += [ignored] if ignored else []
        spared = tuple((glob_matcher([glob]), names) for glob, names in config.per_file_ignores)
        linted = (lambda path: not any(test(path) for test in tests)) if tests else _always
        runs = {scope: tuple(rule for rule in rules if rule.scope == scope and rule.name in config.enabled)
                for scope in ("note", "links", "vault")}
        return cls(rules, config, obsidian, linted, glob_matcher(config.allow_dangling), spared, runs,
                   moves or {})

    @cached_property
    def headings(self) -> tuple[str, ...]:
        """The wordings by which sections are known, besides the built-in one."""
        settings = self.config.backlinks
        return (settings["heading"], *settings["headings"])

    @cached_property
    def note_checks(self) -> list[tuple[Rule, Context]]:
        """The rules that ask nothing but the note."""
        return self.checks("note")

    @cached_property
    def scopes(self) -> Mapping[str, str]:
        """The scope of every rule by its name."""
        return {rule.name: rule.scope for rule in self.rules}

    def checks(self, scope: str, index: Index = EMPTY) -> list[tuple[Rule, Context]]:
        """The rules of a scope that run, in the order of their codes, each with what its check may ask."""
        config = self.config
        return [(rule, Context(index, config.options[rule.name], config.enabled, self.obsidian, self.allow_dangling,
                               None, config.backlinks, self.moves)) for rule in self.runs[scope]]


def _always(_path: str) -> bool:
    return True


Found = Mapping[str, tuple[Diagnostic, ...]]
"""Path to what was found there; paths without findings are absent."""


@dataclass(frozen=True, slots=True)
class State:
    """The whole memory of a run: the index, what all checks found, and of that what ignores leave to be reported.

    `whole` is the part of `found` that the checks of scope `vault` made.
    """

    setting: Setting
    index: Index = EMPTY
    found: Found = field(default_factory=dict)
    whole: Found = field(default_factory=dict)
    diagnostics: Found = field(default_factory=dict)
    tallies: Mapping[str, Tally] = field(default_factory=dict)


def step(state: State, changes: Sequence[Change]) -> State:
    """The state after changes. Whatever their order and grouping, equal vaults come to equal states."""
    setting = state.setting
    examined = {change.path: _examined(setting, change) for change in changes if not isinstance(change.content, Presence)}
    files = {change.path: change.content is not Presence.GONE for change in changes}
    notes: dict[str, Note | None] = {path: result.note for path, result in examined.items()}
    notes.update((path, None) for path in files if path not in notes and path in state.index.notes)
    index, affected = update(state.index, notes, files)
    if setting.moves and state.index.files and state.index.files != index.files:  # else what is where stays
        affected |= _following(index, setting.moves)
    fresh = _Fresh({path: result.diagnostics for path, result in examined.items()},
                   _check_links(setting, index, affected), _check_vault(setting, index))
    touched = affected | set(notes) | {path for path in state.whole.keys() | fresh.whole.keys()
                                       if state.whole.get(path) != fresh.whole.get(path)}
    found = dict(state.found)
    diagnostics = dict(state.diagnostics)
    for path in touched:
        _put(found, path, _refreshed(state, index, fresh, path))
        _put(diagnostics, path, _left(setting, index, path, found.get(path, ())))
    tallies = {path: tally for path, tally in state.tallies.items() if path in index.notes}
    tallies.update((path, index.tally(path)) for path in affected)
    return State(setting, index, found, fresh.whole, diagnostics, tallies)


def _following(index: Index, moves: Mapping[str, str]) -> set[str]:
    """The notes that name a file which went elsewhere: what they are advised depends on what is there now."""
    keys = {key for old in moves for key in mention_keys(file_name(old))}
    return {path for key in keys for path in index.mentions.get(key, ())}


class _Fresh(NamedTuple):
    """What the checks of each scope found in a step, by path; a path is absent if its checks did not run."""

    own: Found
    linked: Found
    whole: Found


def _refreshed(state: State, index: Index, fresh: _Fresh, path: str) -> tuple[Diagnostic, ...]:
    """All findings at a path: fresh ones, and the kept ones of those checks that did not run."""
    if path not in index.notes:
        return fresh.whole.get(path, ())
    scopes = state.setting.scopes
    kept = state.found.get(path, ())
    own = fresh.own[path] if path in fresh.own else [item for item in kept if scopes[item.rule] == "note"]
    linked = fresh.linked[path] if path in fresh.linked else [item for item in kept if scopes[item.rule] == "links"]
    found = [*own, *linked, *fresh.whole.get(path, ())]
    if len(found) > 1:
        found.sort(key=lambda item: (item.start, item.code, item.end, item.message))
    return tuple(found)


def _left(setting: Setting, index: Index, path: str, found: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """What is reported of the findings at a path: those that the note's ignores leave."""
    note = index.notes.get(path) if found or path in index.notes else None
    if note is None or not note.directives:
        return found
    left = silenced(setting.rules, setting.config, note, found)
    return tuple(sorted(left, key=lambda item: (item.start, item.code, item.end, item.message)))


def _put(found: dict[str, tuple[Diagnostic, ...]], path: str, diagnostics: tuple[Diagnostic, ...]) -> None:
    if diagnostics:
        found[path] = diagnostics
    else:
        found.pop(path, None)


# -- examining one text -------------------------------------------------------------------------------------------


def examine(setting: Setting, path: str, text: str) -> Examined:
    """Parse a text and run the checks that ask nothing but the note."""
    if path.lower().endswith(".canvas"):
        canvas = parse_canvas(path, text)
        return Examined(canvas, check_note(setting, canvas, None) if canvas.troubles else ())
    if path.lower().endswith(".base"):  # no source of links (8.7); what it names is in use all the same
        return Examined(Note(path, (Property(0, 0, 1, 1, "base", text, 0, len(text)),)))
    note = parse_note(path, text, setting.headings)
    return Examined(note, check_note(setting, note, text))


def unreadable(setting: Setting, path: str, kind: str, detail: str) -> Examined:
    """A note whose text can't be had: it exists and is a target, and says what is wrong with it."""
    note = Note(path, troubles=(Trouble(0, 0, 1, 1, kind, detail),))
    return Examined(note, check_note(setting, note, None))


def _examined(setting: Setting, change: Change) -> Examined:
    content = change.content
    if isinstance(content, Examined):
        return content
    assert isinstance(content, str)
    return examine(setting, change.path, content)


def check_note(setting: Setting, note: Note, text: str | None) -> tuple[Diagnostic, ...]:
    """What the checks of scope `note` find in a note; those that read its text are left out if it is None."""
    if not setting.linted(note.path):
        return ()
    found: list[Diagnostic] = []
    for rule, context in setting.note_checks:
        if rule.reads_text:
            if text is None:
                continue
            context = replace(context, text=text)  # noqa: PLW2901 - the same context, with the text
        for finding in rule.check(note, context):
            found += _stamped(setting, rule, note.path, (finding,))
    return tuple(found)


# -- running checks -----------------------------------------------------------------------------------------------


def _check_links(setting: Setting, index: Index, paths: Iterable[str]) -> dict[str, tuple[Diagnostic, ...]]:
    """What the checks of scope `links` find in notes."""
    checks = [(rule, rule.check, context) for rule, context in setting.checks("links", index)]
    found = {}
    for path in paths:
        note = index.notes[path]
        diagnostics: list[Diagnostic] = []
        if setting.linted(path):
            for rule, check, context in checks:
                diagnostics += _stamped(setting, rule, path, check(note, context))
        found[path] = tuple(diagnostics)
    return found


def _check_vault(setting: Setting, index: Index) -> dict[str, tuple[Diagnostic, ...]]:
    """What the checks of scope `vault` find, by path."""
    found: dict[str, list[Diagnostic]] = {}
    for rule, context in setting.checks("vault", index):
        for finding in rule.check(context):
            path = finding.path or ""
            if setting.linted(path):
                found.setdefault(path, []).extend(_stamped(setting, rule, path, [finding]))
    return {path: tuple(diagnostics) for path, diagnostics in found.items()}


def _stamped(setting: Setting, rule: Rule, path: str, findings: Iterable[Finding]) -> Iterator[Diagnostic]:
    """Findings with what only the engine knows: rule, severity, path; unless the path is spared the rule."""
    severity = setting.config.severity[rule.name]
    if setting.spared and _spared(setting, rule.name, path):
        return
    for finding in findings:
        at = finding.at
        lines, column = _extent(at)
        fix = _fix(rule, finding) if finding.edits else None
        yield Diagnostic(rule.code, rule.name, severity, path, at.start, at.end, at.line, at.column, at.line + lines,
                         column, rule.message.format_map(finding.values), finding.target, fix)


def _fix(rule: Rule, finding: Finding) -> Fix:
    return Fix(rule.fix_title.format_map(finding.values), finding.safety or rule.safety, finding.edits)


def _extent(at: object) -> tuple[int, int]:
    """How many lines a place reaches down, and its end column. Only a link's text can hold a line break."""
    start, end, column = at.start, at.end, at.column  # type: ignore[attr-defined] # a Located
    raw = getattr(at, "raw", "")
    lines = raw.count("\n") if raw else 0
    return (lines, len(raw) - raw.rfind("\n")) if lines else (0, column + end - start)


def _spared(setting: Setting, rule: str, path: str) -> bool:
    return any(rule in rules and matches(path) for matches, rules in setting.spared)
