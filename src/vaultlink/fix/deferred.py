"""Deferred fixes: made on demand, because they need more than a check may read.

A maker takes a state, the sources and a finding, and returns a fix. `deferred` in the YAML file of
a rule names the maker.
"""

from collections.abc import Iterable, Mapping

from vaultlink.engine.step import State
from vaultlink.fix.dangling import find_dangling_fix, list_link_fixes
from vaultlink.fix.sections import SectionFixMaker
from vaultlink.fix.sources import FixAnswers, FixMaker, FixSources
from vaultlink.index.suggest_headings import match_anchors
from vaultlink.links.rewrite import rewrite_link
from vaultlink.model import Diagnostic, Fix, Safety
from vaultlink.rules.registry import Rule


def deferred_fixes(
    rules: Iterable[Rule], answers: FixAnswers | None = None
) -> Mapping[str, FixMaker]:
    """Return the maker of each rule with deferred fixes, by rule name.

    Fixes of unresolved targets are all unsafe and slow to find: they are left out without
    `answers`.
    """
    makers: dict[str, FixMaker] = {"section": SectionFixMaker()}
    if answers is not None:
        makers["target"] = lambda state, sources, item: find_dangling_fix(
            state, sources, item, answers
        )
    return {rule.name: makers[rule.deferred_fix] for rule in rules if rule.deferred_fix in makers}


def fix_choices(state: State, sources: FixSources, item: Diagnostic) -> list[Fix]:
    """Return the fixes to propose for a finding, the likeliest first.

    Those of an unresolved target link it to a file.
    """
    rule = state.settings.rules_by_name[item.rule]
    if rule.deferred_fix == "target":
        return list(list_link_fixes(state, sources, item))
    if item.subpath is not None:
        return list_anchor_fixes(state, item)
    maker = deferred_fixes([rule]).get(rule.name)
    fix = item.fix or (maker(state, sources, item) if maker else None)
    return [fix] if fix else []


def list_anchor_fixes(state: State, item: Diagnostic) -> list[Fix]:
    """Return the fix of a finding, and one for each other heading or block to choose."""
    note = state.index.notes.get(item.path)
    target = state.index.notes.get(item.resolved or "")
    fixes = [item.fix] if item.fix else []
    if note is None or target is None or item.subpath is None:
        return fixes
    link = next(
        link
        for link in note.links
        if (link.start, link.end, link.subpath) == (item.start, item.end, item.subpath)
    )
    for match in match_anchors(target, item.subpath):
        edits = rewrite_link(note.path, link, link.target, match.subpath)
        if edits and all(edits != fix.edits for fix in fixes):
            fixes.append(Fix(f"Link to “{match.subpath}”", Safety.UNSAFE, edits))
    return fixes
