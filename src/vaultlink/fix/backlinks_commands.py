"""Fixes of `vaultlink backlinks`: update, adopt or remove sections of a vault.

Each is a callable that yields the fixes of a state, round by round until there are none.
"""

from collections.abc import Callable, Iterator, Mapping, Set

from msgspec.structs import replace

from vaultlink.engine.diagnostics import FindingKind, make_finding
from vaultlink.engine.step import State
from vaultlink.engine.suppressions import apply_suppressions
from vaultlink.fix.sections import (
    SectionContext,
    SectionFixMaker,
    build_adoption_fix,
    build_new_section,
    build_removal_fix,
    find_section_edits,
)
from vaultlink.fix.select import FindingWithFix
from vaultlink.fix.sources import FixSources
from vaultlink.model import Diagnostic, Fix, Note, Safety, SourceSpan
from vaultlink.rules.context import FILE_START
from vaultlink.rules.section_rules import MISSING_SECTION, SECTION_RULES, STALE_SECTION

PathFilter = Callable[[str], bool]
"""Returns True for the paths of notes that a run may change."""


class SectionUpdater:
    """Yield the fixes that write missing sections and update outdated ones.

    Outdated passages and mentions, which no check finds, are compared in the first round only,
    because writing sections does not change them. `mentions` are as in `FixSources`.
    """

    def __init__(self, chosen: PathFilter, mentions: Mapping[str, Set[str]] | None = None):
        self._is_selected = chosen
        self._mentions = mentions
        self._texts_compared = False

    def __call__(self, state: State, sources: FixSources) -> Iterator[FindingWithFix]:
        make_fix = SectionFixMaker()
        sources = replace(sources, mentions=self._mentions)
        for path, items in state.diagnostics.items():
            for item in items if self._is_selected(path) else ():
                fix = make_fix(state, sources, item) if item.rule in SECTION_RULES else None
                if fix:
                    yield item, fix
        if not self._texts_compared:
            yield from _find_outdated_texts(state, sources, self._is_selected)
        self._texts_compared = True


class OneTimeChange:
    """Yield one change of every note that has a section, in the first round only."""

    def __init__(self, chosen: PathFilter, change: Callable[[Note, str], Fix | None]):
        self._is_selected, self._change = chosen, change
        self._done = False

    def __call__(self, state: State, sources: FixSources) -> Iterator[FindingWithFix]:
        if self._done:
            return
        self._done = True
        for path in sorted(state.index.notes):
            note = state.index.notes[path]
            text = (
                sources.text(path)
                if note.sections and self._is_selected(path) and state.settings.is_linted(path)
                else None
            )
            fix = self._change(note, text) if text is not None else None
            if fix:
                yield _build_finding(state, path, note.sections[0], fix.title), fix


def adopt_sections(chosen: PathFilter) -> OneTimeChange:
    """Let vaultlink maintain the author's sections."""
    return OneTimeChange(chosen, build_adoption_fix)


def remove_sections(chosen: PathFilter) -> OneTimeChange:
    """Remove the sections that vaultlink wrote, and its markers around adopted ones."""
    return OneTimeChange(chosen, build_removal_fix)


def _find_outdated_texts(
    state: State, sources: FixSources, chosen: PathFilter
) -> Iterator[FindingWithFix]:
    """Yield fixes of sections in which only passages or mentions are wrong."""
    context, settings = SectionContext.from_state(state, sources), state.settings
    if context.section_style.kind != "context" and sources.mentions is None:
        return
    for path in sorted(state.index.notes):
        note = state.index.notes[path]
        has_finding = any(item.rule in SECTION_RULES for item in state.all_findings.get(path, ()))
        text = (
            sources.text(path)
            if not has_finding
            and (note.sections or (sources.mentions or {}).get(path))
            and chosen(path)
            and settings.is_linted(path)
            else None
        )
        for item, fix in _compare_texts(state, context, note, text) if text is not None else ():
            ignored = any(
                item.rule in rules and matches(path) for matches, rules in settings.per_path_ignores
            )
            if not ignored and item in apply_suppressions(
                settings.rules, settings.config, note, (item,)
            ):
                yield item, fix


def _compare_texts(
    state: State, context: SectionContext, note: Note, text: str
) -> Iterator[FindingWithFix]:
    if note.sections:
        message = "This backlinks section is out of date: quoted passages or mentions have changed."
        for section, edit in find_section_edits(context, note, text):
            item = _build_finding(state, note.path, section, message)
            yield item, Fix("Update the section", Safety.SAFE, (edit,))
        return
    edits = build_new_section(context, note, text)
    if edits:
        message = "Other notes mention this one, and it has no backlinks section."
        item = _build_finding(state, note.path, FILE_START, message, MISSING_SECTION)
        yield item, Fix("Write a section", Safety.SAFE, tuple(edits))


def _build_finding(
    state: State, path: str, section: SourceSpan, message: str, rule_name: str = STALE_SECTION
) -> Diagnostic:
    rule = state.settings.rules_by_name[rule_name]
    kind = FindingKind(rule.code, rule.name, state.settings.config.severity[rule.name])
    return make_finding(kind, path, replace(section, end=section.start), message)
