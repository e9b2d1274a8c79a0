"""Count the fixes at one path, so that the numbers can be kept."""

from collections.abc import Callable, Mapping

from vaultlink.engine.step import State
from vaultlink.fix.loop import find_fix, touches_heading
from vaultlink.fix.resolved import select_applicable
from vaultlink.fix.select import FixFilter
from vaultlink.fix.sources import FixMaker, FixSources
from vaultlink.fix.totals import PathFixes
from vaultlink.model import Safety


def count_path_fixes(
    state: State,
    sources: FixSources,
    makers: Mapping[str, FixMaker],
    is_allowed: FixFilter,
    is_locked: Callable[[str], bool],
    path: str,
) -> PathFixes:
    """Count the fixes of the findings at a path."""
    findings = state.diagnostics.get(path, ())
    found = [(item, find_fix(state, sources, item, makers)) for item in findings]
    fixes = [fix for item, fix in found if fix and is_allowed(item, fix)]
    applicable = [fix.safety for fix in select_applicable(state.index, fixes, is_locked) if fix]
    return PathFixes(
        len(fixes),
        applicable.count(Safety.SAFE),
        applicable.count(Safety.UNSAFE),
        sources.is_protected(path),
        any(touches_heading(state.index, fix) for fix in fixes),
        any(item.rule in makers for item in findings)
        or any(edit.path != path for fix in fixes for edit in fix.edits),
    )
