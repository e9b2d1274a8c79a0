"""Plans as edits that an editor makes. No file is written here."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lsprotocol import types

from vaultlink.fix.plan import NamedPlace, Plan, VaultChanges
from vaultlink.links.edit_math import find_edit
from vaultlink.model import Edit
from vaultlink.refactor.arguments import find_folder
from vaultlink.refactor.relocation import RefusedError
from vaultlink.report.layout import format_count
from vaultlink.serve.lsp.documents import LIMIT
from vaultlink.serve.lsp.views import TextPlaces, View
from vaultlink.text import blake2b, escape_controls, list_first

_MANY_FILES = 20
"""Changed files above which the editor asks first."""

_REASON = "vaultlink"
"""The name of the annotation of an edit about which the editor asks."""

_Changes = list[types.TextDocumentEdit | types.CreateFile | types.RenameFile | types.DeleteFile]


def make_text_edits(view: View, path: str, edits: Iterable[Edit]) -> list[types.TextEdit]:
    """Return edits of one file, whose offsets are those of its present text."""
    _refuse_declined(view, [path])
    return _place_edits(view.places(path), edits)


def _place_edits(places: TextPlaces, edits: Iterable[Edit]) -> list[types.TextEdit]:
    return [types.TextEdit(places.range(edit.start, edit.end), edit.text) for edit in edits]


def make_workspace_edit(view: View, edits: Mapping[str, Iterable[Edit]]) -> types.WorkspaceEdit:
    """Return edits of existing files, for the versions of them that are open."""
    found = {path: make_text_edits(view, path, group) for path, group in edits.items()}
    return _join_edits(view, found, frozenset(), view.client.has_versions)


def _join_edits(
    view: View,
    edits: Mapping[str, list[types.TextEdit]],
    created: Collection[str],
    has_versions: bool,
) -> types.WorkspaceEdit:
    """Return edits of files, by vault path; those of created files last."""
    if not has_versions:
        return types.WorkspaceEdit(changes={view.uri(path): edits[path] for path in edits})
    changes: _Changes = []
    for path in sorted(edits, key=lambda path: (path in created, path)):
        if path in created:
            changes.append(types.CreateFile(view.uri(path)))
        changes.append(types.TextDocumentEdit(identify(view, path), edits[path]))
    return types.WorkspaceEdit(document_changes=changes)


def make_plan_edit(
    view: View, plan: VaultChanges, title: str, reason: str = "", *, moves: bool = True
) -> types.WorkspaceEdit:
    """Return a plan as an edit, for the versions that the editor has.

    Texts come first, then new files, moves and removals, so all paths but those of moves are the
    ones before. No file is overwritten. The editor shows the `title` if it asks whether to make it:
    for a `reason`, as a sentence, or for many changed files. Without `moves`, the editor moves the
    files itself.

    Raises RefusedError if the editor can't change files in the way that the plan needs, or a text
    is too long to be followed.
    """
    _refuse_declined(view, plan.texts)
    files = list(_list_file_changes(view, plan)) if moves else []
    created = {path for path, (old, _) in plan.texts.items() if old is None}
    _refuse_unable(view, {change.kind for change in files} | ({"create"} if created else set()))
    # Neovim changes files, too, but does not say that it takes versions.
    has_versions = view.client.has_versions or bool(files or created)
    edit = _join_edits(view, dict(_list_text_edits(view, plan)), created, has_versions)
    if edit.document_changes is None:
        return edit
    edit.document_changes = [*edit.document_changes, *files]
    if not view.client.has_annotations:
        return edit
    reasons = [reason, *_list_reasons(plan)]
    reason = escape_controls(" ".join(filter(None, reasons)))
    return _annotate(edit, title, reason) if reason else edit


def identify(view: View, path: str) -> types.OptionalVersionedTextDocumentIdentifier:
    """Return the address of a file, with the version of a document that is open."""
    document = view.documents.get(path)
    return types.OptionalVersionedTextDocumentIdentifier(
        view.uri(path), document.version if document else None
    )


def _list_text_edits(view: View, plan: VaultChanges) -> Iterator[tuple[str, list[types.TextEdit]]]:
    """Yield the edits of each text that stays or is created, by path."""
    for path, (old, new) in plan.texts.items():
        if new is not None:
            places = TextPlaces(old or "", view.client.codec, counts_mark=True)
            if path in view.documents:
                places = view.places(path)
            edits = plan.edits.get(path) or [find_edit(path, old or "", new)]
            yield path, _place_edits(places, edits)


def _list_file_changes(
    view: View, plan: VaultChanges
) -> Iterator[types.RenameFile | types.DeleteFile]:
    for old, new in plan.moves.items():
        yield types.RenameFile(view.uri(old), view.uri(new))
    for path, (_, text) in plan.texts.items():
        if text is None:
            yield types.DeleteFile(view.uri(path))


def _refuse_unable(view: View, kinds: Iterable[str]) -> None:
    """Raise RefusedError if the editor can't create, rename or delete files."""
    unable = sorted(set(kinds) - view.client.operations)
    if unable:
        raise RefusedError(
            f"this editor can't {' or '.join(unable)} files for a language server. "
            "Nothing was changed. The command line of vaultlink can do it."
        )


def _refuse_declined(view: View, paths: Iterable[str]) -> None:
    """Raise RefusedError for edits of open texts that are not followed."""
    for path in filter(view.declined.__contains__, paths):
        raise RefusedError(
            f"{path} can't be changed while it is open: it has more than {LIMIT}. "
            "Nothing was changed. Close it first."
        )


def _list_reasons(plan: VaultChanges) -> list[str]:
    """Return why to ask before a plan is made, as sentences."""
    count = len({*plan.texts, *plan.moves})
    reasons = [f"{format_count(count, 'file')} change."] if count > _MANY_FILES else []
    if isinstance(plan, Plan):
        reasons += _describe_places(plan.breaks, "link resolves no more", "links resolve no more")
        reasons += _describe_places(
            plan.unchanged, "place keeps the old name", "places keep the old name"
        )
    return reasons


def _describe_places(places: Sequence[NamedPlace], one: str, many: str) -> list[str]:
    named = list_first([f"{place.path}:{place.line}" for place in places])
    return [f"{format_count(len(places), one, many)}: {named}."] if places else []


def _annotate(edit: types.WorkspaceEdit, title: str, reason: str) -> types.WorkspaceEdit:
    """Return an edit about which the editor asks first."""
    changes: _Changes = []
    for change in edit.document_changes or ():
        if isinstance(change, types.TextDocumentEdit):
            edits = [
                types.AnnotatedTextEdit(_REASON, item.range, item.new_text)
                for item in change.edits
                if isinstance(item, types.TextEdit)
            ]
            changes.append(types.TextDocumentEdit(change.text_document, edits))
        else:
            change.annotation_id = _REASON
            changes.append(change)
    label = escape_controls(title) or reason
    annotation = types.ChangeAnnotation(label, needs_confirmation=True, description=reason)
    return types.WorkspaceEdit(document_changes=changes, change_annotations={_REASON: annotation})


# -- the rename of files that the editor was answered, and has not finished yet --------------------
# An editor asks `workspace/willRenameFiles` before it renames the files of such an edit, too. The
# links would be changed twice if they were planned again: Helix 25.01 asks before the edits of
# notes that were closed have arrived here.

_RENAME_SECONDS = 10.0
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
        deadline = view.clock() + _RENAME_SECONDS
        view.kept[_AnsweredRename] = _AnsweredRename(plan.moves, digests, deadline)


def forget_answer(view: View) -> None:
    """Forget the plan that is kept, if any."""
    view.kept.pop(_AnsweredRename, None)


def is_answered(view: View, pairs: Collection[Pair]) -> bool:
    """Return True if the kept plan renames all these files, and its time is not over."""
    kept = _find_answer(view)
    return (
        kept is not None
        and bool(pairs)
        and kept.moves.items() >= set(pairs)
        and view.clock() < kept.deadline
    )


def follow_changes(view: View, paths: Iterable[str]) -> None:
    """Compare the vault, and the texts of changed notes, with the plan that is kept.

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
        kept = kept._replace(deadline=view.clock() + _RENAME_SECONDS)
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
