"""Fixes that are made when they are wanted, not when findings are: which rules have them, and what makes them.

A state, the sources and a finding enter, a fix leaves.
"""

from collections.abc import Mapping

from vaultlink.engine import State
from vaultlink.fixing import dangling
from vaultlink.fixing.sections import section_fix
from vaultlink.fixing.sources import Answers, Late, Sources
from vaultlink.model import Diagnostic, Fix


def late(answers: Answers | None = None) -> Mapping[str, Late]:
    """Rule name to what makes the fixes of its findings. Fixes of dangling topics, all of them unsafe, are made only if
    there are answers: working out what a topic may mean takes time."""
    makers: dict[str, Late] = {"missing-section": section_fix, "stale-section": section_fix}
    if answers is not None:
        makers |= dict.fromkeys(
            _DANGLING, lambda state, sources, item: dangling.answer(state, sources, item, answers)
        )
    return makers


def choices(state: State, sources: Sources, item: Diagnostic, answers: Answers) -> list[Fix]:
    """All that may be done about a finding, the likeliest first."""
    if item.rule in _DANGLING:
        return list(dangling.choices(state, sources, item, answers))
    maker = late().get(item.rule)
    fix = item.fix or (maker(state, sources, item) if maker else None)
    return [fix] if fix else []


_DANGLING = ("dangling-link", "dangling-embed")
