"""What `vaultlink backlinks` does to a whole vault: it keeps sections, adopts them or takes them out.

Each of these is something to ask of a state: it yields the fixes to be made, round by round until there are none.
"""

from collections.abc import Callable, Iterator

from vaultlink.engine import State
from vaultlink.fixing.choice import Repaired
from vaultlink.fixing.sections import Desk, adoption, kept_sections, removal, section_fix
from vaultlink.fixing.sources import Sources
from vaultlink.model import Diagnostic, Fix, Note, Safety, Section
from vaultlink.silence import silenced

RULES = ("missing-section", "stale-section")
"""The rules whose findings are mended."""

Chosen = Callable[[str], bool]
"""Whether a note is among those a run is about."""


class Keeping:
    """Write the sections that are missing, and bring the others in step. What findings do not see, passages that are others
    by now, is looked for in the first round: writing sections changes none."""

    def __init__(self, chosen: Chosen):
        self._chosen = chosen
        self._looked = False

    def __call__(self, state: State, sources: Sources) -> Iterator[Repaired]:
        """The fixes that a state asks for."""
        for path, items in state.diagnostics.items():
            for item in items if self._chosen(path) else ():
                fix = section_fix(state, sources, item) if item.rule in RULES else None
                if fix:
                    yield item, fix
        if not self._looked and state.setting.config.backlinks["style"] == "context":
            yield from _outdated(state, sources, self._chosen)
        self._looked = True


class Once:
    """Do something to every note that has a section, once."""

    def __init__(self, chosen: Chosen, change: Callable[[Note, str], Fix | None]):
        self._chosen, self._change = chosen, change
        self._done = False

    def __call__(self, state: State, sources: Sources) -> Iterator[Repaired]:
        """The fixes to be made; none when they are asked for again."""
        if self._done:
            return
        self._done = True
        for path in sorted(state.index.notes):
            note = state.index.notes[path]
            text = (
                sources.text(path)
                if note.sections and self._chosen(path) and state.setting.linted(path)
                else None
            )
            fix = self._change(note, text) if text is not None else None
            if fix:
                yield _finding(state, path, note.sections[0], fix.title), fix


def adopting(chosen: Chosen) -> Once:
    """Let vaultlink keep sections of their authors'."""
    return Once(chosen, adoption)


def removing(chosen: Chosen) -> Once:
    """Take vaultlink's sections out, and its markers off those it adopted."""
    return Once(chosen, removal)


def _outdated(state: State, sources: Sources, chosen: Chosen) -> Iterator[Repaired]:
    """Sections that hold what they should but for their passages."""
    desk, setting = Desk.of(state, sources), state.setting
    for path in sorted(path for path, note in state.index.notes.items() if note.sections):
        note = state.index.notes[path]
        told = any(item.rule in RULES for item in state.found.get(path, ()))
        text = sources.text(path) if not told and chosen(path) and setting.linted(path) else None
        for section, edit in kept_sections(desk, note, text) if text is not None else ():
            item = _finding(
                state,
                path,
                section,
                "This backlinks section is out of date: quoted passages have changed.",
            )
            spared = any(
                "stale-section" in rules and matches(path) for matches, rules in setting.spared
            )
            if not spared and item in silenced(setting.rules, setting.config, note, (item,)):
                yield item, Fix("Update the section", Safety.SAFE, (edit,))


def _finding(state: State, path: str, section: Section, message: str) -> Diagnostic:
    """A finding for what no check can see."""
    rule = next(rule for rule in state.setting.rules if rule.name == "stale-section")
    severity = state.setting.config.severity[rule.name]
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
