"""Complete a run that skipped notes: plan it again on the vault as it was before.

The files have moved and most notes are written. The index before is restored from the present one
and the former texts of those notes, and the plan for it is reduced to what is still missing.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import parse
from vaultlink.index.index import Index
from vaultlink.index.update import update
from vaultlink.model import Note
from vaultlink.refactor.plan import RefactorPlan


def restore_index(
    index: Index, settings: LinterSettings, files: Mapping[str, str], former: Mapping[str, str]
) -> Index:
    """Return the index of a vault before a run.

    Args:
        index: The index after the run.
        settings: The settings of the vault.
        files: Old path to new path of every file that the run moved.
        former: The texts before the run of the notes that it wrote, by old path.

    Returns:
        The index. The notes that the run skipped are as they are now.
    """
    notes: dict[str, Note | None] = dict.fromkeys(
        new for new in files.values() if new in index.notes
    )
    notes.update(
        (old, replace(index.notes[new], path=old))
        for old, new in files.items()
        if new in index.notes
    )
    notes.update((path, parse(settings, path, text)) for path, text in former.items())
    present = dict.fromkeys(files.values(), False) | dict.fromkeys(files, True)
    return update(index, notes, present)[0]


def reduce_plan(
    plan: RefactorPlan, files: Mapping[str, str], former: Mapping[str, str]
) -> RefactorPlan:
    """Return the part of a plan that an earlier run skipped.

    Args:
        plan: The plan for the vault before the run.
        files: Old path to new path of every file that the run moved.
        former: The texts before the run of the notes that it wrote, by old path.

    Returns:
        A plan that moves nothing and has the present paths.
    """
    edits = {
        files.get(path, path): tuple(replace(edit, path=files.get(path, path)) for edit in group)
        for path, group in plan.edits.items()
        if path not in former
    }
    texts = {files.get(path, path): pair for path, pair in plan.texts.items() if path not in former}
    return replace(
        plan, moves={}, files={}, edits=edits, texts=texts, first=frozenset(), captured=()
    )
