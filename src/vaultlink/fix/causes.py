"""Fixes made on demand, and those that a user can choose for a cause of findings."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from vaultlink.config.list_items import make_topic_patterns
from vaultlink.engine.diagnostics import MENTION
from vaultlink.engine.step import State
from vaultlink.fix.dangling import (
    build_creation_fix,
    build_target_fix,
    build_unlink_fix,
    find_dangling_fix,
    list_link_fixes,
)
from vaultlink.fix.sections import SectionFixMaker
from vaultlink.fix.select import FindingWithFix, edits_only_read
from vaultlink.fix.sources import FixAnswers, FixInputs, FixMaker
from vaultlink.index.resolve import normalize_name
from vaultlink.index.suggest_headings import match_anchors
from vaultlink.index.topics import topic_name
from vaultlink.links.rewrite import rewrite_link
from vaultlink.model import Diagnostic, Fix, Safety
from vaultlink.rules.registry import Rule

# -- deferred fixes: made on demand, because they need more than a check may read ------------------
# A maker takes a state, the sources and a finding, and returns a fix. `deferred` in the YAML file
# of a rule names the maker.


def list_fix_makers(
    rules: Iterable[Rule], answers: FixAnswers | None = None
) -> Mapping[str, FixMaker]:
    """Return the makers by rule; the slow ones of unresolved targets with `answers`."""
    makers: dict[str, FixMaker] = {"section": SectionFixMaker()}
    if answers is not None:
        makers["target"] = partial(find_dangling_fix, answers=answers)
    return {rule.name: makers[rule.deferred_fix] for rule in rules if rule.deferred_fix in makers}


def fix_choices(state: State, sources: FixInputs, item: Diagnostic) -> list[Fix]:
    """Return the fixes to propose for a finding, the likeliest first."""
    rule = state.settings.rules_by_name[item.rule]
    if rule.deferred_fix == "target":
        return list(list_link_fixes(state, sources, item))
    if item.subpath is not None:
        return list_anchor_fixes(state, item)
    maker = list_fix_makers([rule]).get(rule.name)
    fix = item.fix or (maker(state, sources, item) if maker else None)
    return [fix] if fix else []


def list_anchor_fixes(state: State, item: Diagnostic) -> list[Fix]:
    """Return the fix of a finding, and one for each other heading or block to choose."""
    note = state.index.notes.get(item.path)
    target = state.index.notes.get(item.resolved or "")
    fixes = [item.fix] if item.fix else []
    if note is None or target is None or item.subpath is None:
        return fixes
    wanted = item.start, item.end, item.subpath
    link = next(link for link in note.links if (link.start, link.end, link.subpath) == wanted)
    for match in match_anchors(target, item.subpath):
        edits = rewrite_link(note.path, link, link.target, match.subpath)
        if edits and all(edits != fix.edits for fix in fixes):
            fixes.append(Fix(f"Link to “{match.subpath}”", Safety.UNSAFE, edits))
    return fixes


# -- causes of findings, and the fixes that a user can choose for them -----------------------------
# A fix is chosen for all findings of a cause at once. A cause is a rule, a topic and the fix that
# is proposed for it: links with one target are one cause, unless the history proposes different
# files.


class FixOption(msgspec.Struct, frozen=True):
    """A way to fix the findings of a cause: the fix of each that has one."""

    title: str
    fixes: tuple[FindingWithFix, ...]


class FixException(NamedTuple):
    """A setting that keeps findings from being made.

    `entries` are added to a list of the settings (empty if that is not possible). `meaning` says
    what that does, without a full stop. `key` is the same for all causes to which it applies.
    """

    entries: tuple[str, ...]
    meaning: str
    key: tuple[str, ...]


class FixCause(msgspec.Struct, frozen=True):
    """Findings with one cause, sorted by path and position; at least one.

    `proposals` are the fixes to propose, the likeliest first. With `is_unresolved`, a target does
    not resolve: the user can also name another one, create the note, remove the links, or allow
    them. `exceptions` are the settings that keep such findings from being made.
    """

    findings: tuple[Diagnostic, ...]
    proposals: tuple[FixOption, ...]
    is_unresolved: bool = False
    exceptions: tuple[FixException, ...] = ()

    @property
    def code(self) -> str:
        return self.findings[0].code

    @property
    def rule(self) -> str:
        return self.findings[0].rule

    @property
    def is_mention(self) -> bool:
        return self.rule == MENTION.rule

    @property
    def is_safe(self) -> bool:
        """True if the first proposal has only safe fixes."""
        fixes = self.proposals[0].fixes if self.proposals else ()
        return bool(fixes) and all(fix.safety is Safety.SAFE for _, fix in fixes)

    @property
    def topic(self) -> str:
        """The subject of questions: the note that mentions name, else the rule."""
        return self.findings[0].resolved or "" if self.is_mention else self.rule

    @property
    def targets(self) -> list[str]:
        return list(dict.fromkeys(item.target for item in self.findings if item.target))


class FixChooser:
    def __init__(
        self, state: State, sources: FixInputs, findings: Iterable[Diagnostic], answers: FixAnswers
    ):
        self._state, self._sources, self._answers = state, sources, answers
        self.causes = self._group_causes(findings)

    def _group_causes(self, findings: Iterable[Diagnostic]) -> list[FixCause]:
        """Return the causes with possible answers, those of most findings first."""
        groups: dict[tuple[str, str, str], list[tuple[Diagnostic, list[Fix]]]] = {}
        for item in findings:
            found = fix_choices(self._state, self._sources, item)
            fixes = [fix for fix in found if not edits_only_read(self._state, fix)]
            if fixes or (self._is_free(item.path) and self._is_unresolved(item)):
                key = item.code, _target_key(item), fixes[0].title if fixes else ""
                groups.setdefault(key, []).append((item, fixes))
        causes = [self._build_cause(group) for group in groups.values()]
        return sorted(causes, key=lambda cause: -len(cause.findings))

    def _build_cause(self, group: Sequence[tuple[Diagnostic, list[Fix]]]) -> FixCause:
        findings = tuple([item for item, _ in group])
        cause = FixCause(findings, _list_options(group), self._is_unresolved(findings[0]))
        if not cause.is_unresolved:
            return cause
        patterns = make_topic_patterns(cause.targets) or ()
        return replace(cause, exceptions=(FixException(patterns, "allow the topic", patterns),))

    def _is_free(self, path: str) -> bool:
        """Return True unless a note is only read."""
        index = self._state.index
        note = index.notes.get(path)
        return note is None or self._state.settings.find_read_only_reason(index, note) is None

    def _is_unresolved(self, item: Diagnostic) -> bool:
        rule = self._state.settings.rules_by_name[item.rule]
        return rule.deferred_fix == "target" and item.target is not None

    def retarget(self, cause: FixCause, path: str) -> FixOption | None:
        """Return the option that links the findings to this file; None if it fixes none."""
        return _build_option(cause, lambda item: build_target_fix(self._state, item, path))

    def remove_links(self, cause: FixCause) -> FixOption | None:
        """Return the option that replaces the links by their text; None if it fixes none."""
        return _build_option(cause, lambda item: build_unlink_fix(self._state, item))

    def create_note(self, cause: FixCause) -> FixOption | None:
        """Return the option that creates the note; None if the name is not possible."""
        answers = self._answers
        return _build_option(cause, lambda item: build_creation_fix(self._state, item, answers))


def _target_key(item: Diagnostic) -> str:
    """Return the target of a cause in any case; of a topic, in any spelling, too."""
    if item.target is None:
        return item.message
    return f"{normalize_name(topic_name(item.target))}{item.subpath or ''}"


def _list_options(group: Sequence[tuple[Diagnostic, list[Fix]]]) -> tuple[FixOption, ...]:
    by_title: dict[str, list[FindingWithFix]] = {}
    for item, fixes in group:
        for fix in {fix.title: fix for fix in reversed(fixes)}.values():
            by_title.setdefault(fix.title, []).append((item, fix))
    titles = dict.fromkeys(fix.title for _, fixes in group for fix in fixes)
    return tuple([FixOption(title, tuple(by_title[title])) for title in titles])


def _build_option(
    cause: FixCause, build_fix: Callable[[Diagnostic], Fix | None]
) -> FixOption | None:
    fixes = tuple([(item, fix) for item in cause.findings if (fix := build_fix(item))])
    return FixOption(fixes[0][1].title, fixes) if fixes else None
