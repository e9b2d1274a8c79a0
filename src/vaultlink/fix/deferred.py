"""Deferred fixes: made on demand, because they need more than a check may read.

A maker takes a state, the sources and a finding, and returns a fix. `deferred` in the YAML file of
a rule names the maker.
"""

from collections.abc import Iterable, Mapping

from vaultlink.engine.step import State
from vaultlink.fix.anchor_choices import list_anchor_fixes
from vaultlink.fix.dangling import find_dangling_fix, list_link_fixes
from vaultlink.fix.sections import SectionFixMaker
from vaultlink.fix.sources import FixAnswers, FixMaker, FixSources
from vaultlink.model import Diagnostic, Fix
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
