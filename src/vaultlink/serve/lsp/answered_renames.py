"""The rename of files that an editor was answered, and has not finished yet.

An editor asks `workspace/willRenameFiles` before it renames the files of such an edit, too. The
links would be changed twice if they were planned again: Helix 25.01 asks before the edits of notes
that were closed have arrived here.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from vaultlink.fix.plan import VaultChanges
from vaultlink.refactor.arguments import find_folder
from vaultlink.serve.lsp.views import View
from vaultlink.text import blake2b

_SECONDS = 10.0
"""Seconds without an edit after which the user must have cancelled a rename."""

Pair = tuple[str | None, str | None]
"""The vault paths of a file or folder before and after; None for one outside the vault."""


class _AnsweredRename(NamedTuple):
    """A rename that the editor may be making now.

    `moves` are the files and folders that have their old names, with the new ones. `digests` are
    those of each changed text before and after. `deadline` is on the clock of the view.
    """

    moves: Mapping[str, str]
    digests: Mapping[str, tuple[bytes, bytes]]
    deadline: float


def keep_answer(view: View, plan: VaultChanges) -> None:
    """Keep a plan that is the answer, if it renames files."""
    if plan.moves:
        texts = plan.texts.items()
        digests = {path: (_digest(old or ""), _digest(new or "")) for path, (old, new) in texts}
        deadline = view.clock() + _SECONDS
        view.kept[_AnsweredRename] = _AnsweredRename(plan.moves, digests, deadline)


def forget_answer(view: View) -> None:
    """Forget the plan that is kept, if any."""
    view.kept.pop(_AnsweredRename, None)


def is_answered(view: View, pairs: Collection[Pair]) -> bool:
    """Return True if the plan that is kept renames all these files, and its time is not over."""
    kept = _find_answer(view)
    return (
        kept is not None
        and bool(pairs)
        and kept.moves.items() >= set(pairs)
        and view.clock() < kept.deadline
    )


def follow_changes(view: View, paths: Iterable[str]) -> None:
    """Compare the files of the vault, and the texts of changed notes, with the plan that is kept.

    A text that is neither the one before nor the one after is no longer the plan, which is
    forgotten then. The time begins anew with each text after.
    """
    kept = _find_answer(view)
    if kept is None:
        return
    found = {path: _digest(view.vault.text(path)) for path in paths if path in kept.digests}
    if not all(digest in kept.digests[path] for path, digest in found.items()):
        forget_answer(view)
        return
    if any(digest == kept.digests[path][1] for path, digest in found.items()):
        kept = kept._replace(deadline=view.clock() + _SECONDS)
    view.kept[_AnsweredRename] = kept
    follow_files(view, [pair for pair in kept.moves.items() if not _is_there(view, pair[0])])


def follow_files(view: View, renamed: Collection[Pair]) -> None:
    """Leave files that have been renamed out of the plan that is kept."""
    kept = _find_answer(view)
    if kept is not None:
        moves = dict(pair for pair in kept.moves.items() if pair not in renamed)
        view.kept[_AnsweredRename] = kept._replace(moves=moves)


def _find_answer(view: View) -> _AnsweredRename | None:
    kept = view.kept.get(_AnsweredRename)
    return kept if isinstance(kept, _AnsweredRename) and kept.moves else None


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _is_there(view: View, path: str) -> bool:
    index = view.vault.index
    return path in index.files or find_folder(index, path) == path
