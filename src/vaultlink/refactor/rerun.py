"""Complete a run that skipped notes: plan it again on the vault as it was before.

The files have moved and most notes are written. The index before is restored from the present one
and the former texts of those notes, and the plan for it is reduced to what is still missing.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from vaultlink.engine.step import State
from vaultlink.fix.plan import Plan
from vaultlink.refactor.changes import step_after


def restore_state(state: State, files: Mapping[str, str], former: Mapping[str, str]) -> State:
    """Return the state of a vault before a run.

    Args:
        state: The state after the run.
        files: Old path to new path of every file that the run moved.
        former: The texts before the run of the notes that it wrote, by old path.

    Returns:
        The state. The notes that the run skipped are as they are now.
    """
    return step_after(state, {new: old for old, new in files.items()}, former)[0]


def reduce_plan(plan: Plan, files: Mapping[str, str], former: Mapping[str, str]) -> Plan:
    """Return the part of a plan that an earlier run skipped.

    Args:
        plan: The plan for the vault before the run.
        files: Old path to new path of every file that the run moved.
        former: The texts before the run of the notes that it wrote, by old path.

    Returns:
        A plan that moves nothing and has the present paths.
    """

    def now(path: str) -> str:
        return files.get(path, path)

    return replace(
        plan,
        moves={},
        files={},
        edits={
            now(path): tuple(replace(edit, path=now(path)) for edit in group)
            for path, group in plan.edits.items()
            if path not in former
        },
        texts={now(path): pair for path, pair in plan.texts.items() if path not in former},
        marked=frozenset(map(now, plan.marked)),
        emptied=(),
        required=frozenset(),
        captured=(),
    )
