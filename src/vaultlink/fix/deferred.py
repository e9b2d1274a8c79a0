"""Fixes that are made when they are wanted, not when findings are: which rules have them, and what makes them.

A state, the sources and a finding enter, a fix leaves.
"""

from collections.abc import Mapping

from vaultlink.engine.step import State
from vaultlink.fix import dangling
from vaultlink.fix.sections import build_section_fix
from vaultlink.fix.sources import FixAnswers, FixMaker, FixSources
from vaultlink.model import Diagnostic, Fix


def deferred_fixes(answers: FixAnswers | None = None) -> Mapping[str, FixMaker]:
    """Rule name to what makes the fixes of its findings. Fixes of dangling topics, all of them unsafe, are made only if
    there are answers: working out what a topic may mean takes time."""
    makers: dict[str, FixMaker] = {
        "missing-section": build_section_fix,
        "stale-section": build_section_fix,
    }
    if answers is not None:
        makers |= dict.fromkeys(
            _DANGLING_RULES,
            lambda state, sources, item: dangling.find_dangling_fix(state, sources, item, answers),
        )
    return makers


def fix_choices(
    state: State, sources: FixSources, item: Diagnostic, answers: FixAnswers
) -> list[Fix]:
    """All that may be done about a finding, the likeliest first."""
    if item.rule in _DANGLING_RULES:
        return list(dangling.list_dangling_fixes(state, sources, item, answers))
    maker = deferred_fixes().get(item.rule)
    fix = item.fix or (maker(state, sources, item) if maker else None)
    return [fix] if fix else []


_DANGLING_RULES = ("dangling-link", "dangling-embed")
