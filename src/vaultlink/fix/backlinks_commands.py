"""Fixes of `vaultlink backlinks`: update, adopt or remove sections of a vault.

Each is a callable that yields the fixes of a state, round by round until there are none.
"""

from collections.abc import Callable, Iterator

from vaultlink.engine.step import State
from vaultlink.engine.suppressions import apply_suppressions
from vaultlink.fix.sections import (
    SectionContext,
    SectionFixMaker,
    build_adoption_fix,
    build_removal_fix,
    find_section_edits,
)
from vaultlink.fix.select import FindingWithFix
from vaultlink.fix.sources import FixSources
from vaultlink.model import Diagnostic, Fix, Note, Safety, Section
from vaultlink.rules.section_rules import SECTION_RULES, STALE_SECTION

PathFilter = Callable[[str], bool]
"""Returns True for the paths of notes that a run may change."""


class SectionUpdater:
    """Yield the fixes that write missing sections and update outdated ones.

    Outdated passages, which no check finds, are searched in the first round only, because writing
    sections does not change them.
    """

    def __init__(self, chosen: PathFilter):
        self._is_selected = chosen
        self._excerpts_checked = False

    def __call__(self, state: State, sources: FixSources) -> Iterator[FindingWithFix]:
        """Yield the fixes of a state."""
        make_fix = SectionFixMaker()
        for path, items in state.diagnostics.items():
            for item in items if self._is_selected(path) else ():
                fix = make_fix(state, sources, item) if item.rule in SECTION_RULES else None
                if fix:
                    yield item, fix
        if not self._excerpts_checked:
            yield from _find_outdated_excerpts(state, sources, self._is_selected)
        self._excerpts_checked = True


class OneTimeChange:
    """Yield one change of every note that has a section, in the first round only."""

    def __init__(self, chosen: PathFilter, change: Callable[[Note, str], Fix | None]):
        self._is_selected, self._change = chosen, change
        self._done = False

    def __call__(self, state: State, sources: FixSources) -> Iterator[FindingWithFix]:
        """Yield the fixes of a state; none at the second call."""
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


def _find_outdated_excerpts(
    state: State, sources: FixSources, chosen: PathFilter
) -> Iterator[FindingWithFix]:
    """Yield fixes of sections in which only quoted passages are outdated."""
    context, settings = SectionContext.from_state(state, sources), state.settings
    if context.section_style.kind != "context":
        return
    for path in sorted(path for path, note in state.index.notes.items() if note.sections):
        note = state.index.notes[path]
        has_finding = any(item.rule in SECTION_RULES for item in state.all_findings.get(path, ()))
        text = (
            sources.text(path)
            if not has_finding and chosen(path) and settings.is_linted(path)
            else None
        )
        for section, edit in find_section_edits(context, note, text) if text is not None else ():
            item = _build_finding(
                state,
                path,
                section,
                "This backlinks section is out of date: quoted passages have changed.",
            )
            ignored = any(
                STALE_SECTION in rules and matches(path)
                for matches, rules in settings.per_path_ignores
            )
            if not ignored and item in apply_suppressions(
                settings.rules, settings.config, note, (item,)
            ):
                yield item, Fix("Update the section", Safety.SAFE, (edit,))


def _build_finding(state: State, path: str, section: Section, message: str) -> Diagnostic:
    """Return a finding of a section that no check can make."""
    rule = state.settings.rules_by_name[STALE_SECTION]
    severity = state.settings.config.severity[rule.name]
    return Diagnostic(
        rule.code,
        rule.name,
        severity,
        path,
        section.start,
        section.start,
        section.line,
        section.column,
        section.line,
        section.column,
        message,
    )
