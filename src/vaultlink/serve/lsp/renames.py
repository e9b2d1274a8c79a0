"""Renames from an editor: of what is at a place, and of files in its file tree."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from lsprotocol import types
from msgspec.structs import replace

from vaultlink.api import Vault
from vaultlink.errors import UsageError
from vaultlink.fix.plan import Rename, RenameKind
from vaultlink.fix.requests import MoveRequest, RenameRequest
from vaultlink.fix.verify import check_errors_only
from vaultlink.index.anchors import TRAILING_BLOCK_ID, find_anchor, find_slug_heading, split_parts
from vaultlink.index.index import link_name
from vaultlink.index.packed_map import remember_more
from vaultlink.index.resolve import file_name, is_note, normalize_name, resolve
from vaultlink.links.kinds import SYNTAX, find_name_spans
from vaultlink.model import BlockId, Heading, Link, Note
from vaultlink.refactor.arguments import find_folder
from vaultlink.refactor.relocation import RefusedError
from vaultlink.refactor.subpaths import list_heading_paths
from vaultlink.refactor.tags import find_tag_conflict
from vaultlink.serve.lsp.edits import (
    Pair,
    follow_files,
    forget_answer,
    is_answered,
    keep_answer,
    make_plan_edit,
)
from vaultlink.serve.lsp.views import View
from vaultlink.text import quote_name
from vaultlink.write.refactors import complete_refactoring, plan_name_changes


class NamedThing(NamedTuple):
    """A thing that a place of a text names, and that can be renamed there.

    `old` is the thing as in a `RenameRequest`. `start` and `end` are the span of its name, or of
    what stands for it there; `name` is its present name, without folders and signs. `title` is its
    first heading as in a `RenameRequest`, if that is the name of the note; "" else.
    """

    old: str
    start: int
    end: int
    name: str
    title: str = ""


def find_named_thing(view: View, path: str, offset: int) -> NamedThing | None:
    """Return what can be renamed at an offset of a text; None if that is nothing.

    Raises UsageError for a link that does not resolve.
    """
    link, note = view.vault.link_at(path, offset), view.vault.index.notes.get(path)
    if link and not link.external:
        return _read_link(view, path, link, offset)
    if note is None:
        return None
    return (
        _find_block(note, offset)
        or _find_tag(view, note, offset)
        or _find_heading(view, note, offset)
        or _find_top(view, note, offset)
    )


# -- links -----------------------------------------------------------------------------------------


class _Span(NamedTuple):
    start: int
    end: int


def _read_link(view: View, path: str, link: Link, offset: int) -> NamedThing | None:
    target = resolve(path, link.lookup_target, view.vault.index.names)
    if target is None and not view.is_whole:
        return None
    if target is None:
        raise UsageError(f"{quote_name(link.target)} does not resolve to any file in the vault.")
    found = find_name_spans(link) if link.end - link.start == len(link.raw) else None
    span = parts = _Span(link.start, link.end)
    if found:
        span, parts = (_Span(link.start + start, link.start + end) for start, end in found)
    note = view.vault.index.notes.get(target)
    is_name = found is not None and span.start < span.end and span.start <= offset <= span.end
    if link.subpath and note and not is_name:
        return _read_subpath(note, link, parts, offset)
    if not view.is_whole:
        return None
    words = view.vault.text(path)[span.start : span.end].split("/") if is_name else [""]
    folder = _read_folder(target, link, words, span.start, offset)
    start = span.end - len(words[-1]) if len(words) > 1 else span.start
    return folder or _name_file(target, _Span(start, span.end))


def _name_file(path: str, span: _Span) -> NamedThing:
    return NamedThing(path, *span, link_name(path))


def _read_folder(
    path: str, link: Link, words: list[str], start: int, offset: int
) -> NamedThing | None:
    """Return the folder in a link's target at an offset; None for the file's name.

    `words` are the parts of the target as written, from `start` on.
    """
    names, folders = link.target.split("/"), path.split("/")
    for number, word in enumerate(words[:-1]):
        above = len(words) - 1 - number  # the file has 0
        end = start + len(word)
        if offset <= end:
            is_same = len(names) == len(words) and above < len(folders)
            if not is_same or normalize_name(names[number]) != normalize_name(folders[-1 - above]):
                return None  # as in `../Note`
            folder = "/".join(folders[: len(folders) - above])
            return NamedThing(f"{folder}/", start, end, file_name(folder))
        start = end + 1
    return None


def _read_subpath(note: Note, link: Link, span: _Span, offset: int) -> NamedThing:
    """Return the heading or block that a part of a subpath names."""
    parts, spans, start = split_parts(link.subpath), list[_Span](), span.start
    for part in link.raw[span.start - link.start : span.end - link.start].split("#"):
        if part.strip():
            spans.append(_Span(start, start + len(part)))
        start += len(part) + 1
    if len(spans) == len(parts):
        at = next((n for n, item in enumerate(spans) if offset <= item.end), len(parts) - 1)
        span, parts = spans[at], parts[: at + 1]
    subpath = "".join(f"#{part}" for part in parts)
    found = find_anchor(note, subpath)
    if found is None and SYNTAX[link.kind].reads_slugs:
        found = find_slug_heading(note, subpath)
    if found is None:
        kind = "block" if subpath.startswith("#^") else "heading"
        raise UsageError(f"{note.path} has no {kind} {quote_name(subpath.rpartition('#')[2])}.")
    return _name_anchor(note, found, span)


def _name_anchor(note: Note, item: Heading | BlockId, span: _Span) -> NamedThing:
    if isinstance(item, BlockId):
        return NamedThing(f"{note.path}#^{item.id}", *span, item.id)
    paths = list_heading_paths(note, item)
    subpath = next((path for path in paths if find_anchor(note, path) is item), None)
    if subpath is None:
        raise UsageError(
            f"no link can name this heading {quote_name(item.text)}: others have the same text, or "
            "it has only signs. Change its text."
        )
    return NamedThing(note.path + subpath, *span, TRAILING_BLOCK_ID.sub("", item.text))


# -- things themselves -----------------------------------------------------------------------------


def _find_block(note: Note, offset: int) -> NamedThing | None:
    for item in note.blocks:
        if item.start <= offset <= item.end:
            return _name_anchor(note, item, _Span(item.start + 1, item.end))
    return None


def _find_tag(view: View, note: Note, offset: int) -> NamedThing | None:
    """Return the tag at an offset: of a nested one, the part up to there."""
    for tag in note.tags:
        if tag.start <= offset <= tag.end:
            written = view.vault.text(note.path)[tag.start : tag.end]
            at = written.find(tag.name)
            if at == -1:  # its property has escapes
                return NamedThing(f"#{tag.name}", tag.start, tag.end, tag.name)
            start = tag.start + at
            end = tag.name.find("/", max(offset - start, 1))
            name = tag.name if end == -1 else tag.name[:end]
            return NamedThing(f"#{name}", start, start + len(name), name)
    return None


def _find_heading(view: View, note: Note, offset: int) -> NamedThing | None:
    """Return the heading in whose line an offset is; the note if that is its name."""
    text = view.vault.text(note.path) if note.headings else ""
    line = text.count("\n", 0, offset) + 1
    for heading in note.headings:
        if heading.line == line:
            name = TRAILING_BLOCK_ID.sub("", heading.text)
            span = _Span(heading.start, heading.start + len(name))
            found = _name_anchor(note, heading, span)
            is_title = heading is note.headings[0] and name == link_name(note.path)
            if is_title and view.is_whole and "rename" in view.client.operations:
                return _name_file(note.path, span)._replace(title=found.old)
            return found
    return None


def _find_top(view: View, note: Note, offset: int) -> NamedThing | None:
    """Return the note itself in the first line of its text."""
    text = view.vault.text(note.path)
    if not view.is_whole or "\n" in text[:offset]:
        return None
    line = text.partition("\n")[0].removesuffix("\r")
    return _name_file(note.path, _Span(0, len(line)))


# -- requests --------------------------------------------------------------------------------------


def prepare_rename(
    view: View, params: types.PrepareRenameParams
) -> types.PrepareRenamePlaceholder | None:
    """Answer what can be renamed at a place, and its name."""
    place = view.find(params)
    found = find_named_thing(view, *place) if place else None
    if found is None or place is None:
        return None
    extent = view.places(place[0]).range(found.start, found.end)
    return types.PrepareRenamePlaceholder(extent, found.name)


def rename(view: View, params: types.RenameParams) -> types.WorkspaceEdit:
    """Rename what is at a place, with all links to it."""
    forget_answer(view)
    place = view.find(params)
    found = find_named_thing(view, *place) if place else None
    if found is None:
        raise UsageError("nothing here can be renamed.")
    new = params.new_name.strip()
    requests = [RenameRequest(found.old, new)]
    if found.title:
        requests.append(RenameRequest(found.title, link_name(new)))
    reason = ""
    if found.old.startswith("#"):
        reason = _check_tag(view, found.name, new.removeprefix("#"))
        requests = [RenameRequest(found.old, new, merge=bool(reason))]
    with remember_more(_MAX_REMEMBERED):
        plan = _open_for_plan(view).plan(*requests)
    title = f"Rename {quote_name(found.name)} to {quote_name(new)}"
    edit = make_plan_edit(view, plan, title, reason)
    keep_answer(view, plan)
    return edit


_MAX_REMEMBERED = 1 << 13
"""Notes that are kept while a rename is planned, which reads each of them several times."""


def _open_for_plan(view: View) -> Vault:
    """Return the vault for a plan of which only the edits matter.

    It is another one than the editor's: the texts that a plan has read take memory.
    """
    return Vault(view.vault.scan, check_errors_only(view.vault.state), view.vault.overlays)


def _check_tag(view: View, old: str, new: str) -> str:
    """Return why to ask before a tag is renamed; "" if the new one is free.

    Raises RefusedError if it is taken, and the editor can't ask.
    """
    taken = find_tag_conflict(view.vault.index, old, new)
    if taken is None or old == new:
        return ""
    reason = f"The tag #{taken} exists already: #{old} becomes one with it."
    if not view.client.has_annotations:
        raise RefusedError(f"{reason} `vaultlink rename --merge` does that.")
    return reason


def follow_renamed_files(view: View, params: types.RenameFilesParams) -> types.WorkspaceEdit | None:
    """Return the edits of links to files and folders that the editor will rename.

    Notes that can't be changed are left out, as the editor renames the files anyway. There are no
    edits if the rename is one that the editor got as an answer.
    """
    renames = tuple(_read_renames(view, params)) if view.is_whole else ()
    if not renames or is_answered(view, _read_pairs(view, params)):
        return None
    fixer = _open_for_plan(view).fixer
    make_plan = partial(plan_name_changes, fixer, renames, MoveRequest((), ""))
    with remember_more(_MAX_REMEMBERED):
        plan = complete_refactoring(fixer, make_plan, skips=True)
    texts = {path: pair for path, pair in plan.texts.items() if path not in view.declined}
    plan = replace(plan, texts=texts)
    title = f"Follow {quote_name(renames[0].old)} to {quote_name(renames[0].new)}"
    return make_plan_edit(view, plan, title, moves=False) if plan.texts else None


def _take_renamed_files(view: View, params: types.RenameFilesParams) -> None:
    """Take note that the editor has renamed files and folders."""
    follow_files(view, _read_pairs(view, params))


def _read_pairs(view: View, params: types.RenameFilesParams) -> list[Pair]:
    return [(view.path(item.old_uri), view.path(item.new_uri)) for item in params.files]


def _read_renames(view: View, params: types.RenameFilesParams) -> Iterator[Rename]:
    index = view.vault.index
    for old, new in _read_pairs(view, params):
        if not old or not new or old == new:
            continue
        if old not in index.files:
            if find_folder(index, old) == old:
                yield Rename(RenameKind.FOLDER, old, new)
            continue
        if is_note(old) and not is_note(new):
            raise RefusedError(
                f"links can't follow {old} to {new}: the name of a note ends in .md."
            )
        yield Rename(RenameKind.NOTE if is_note(old) else RenameKind.ATTACHMENT, old, new)


_RENAMED_FILES = types.FileOperationRegistrationOptions(
    [types.FileOperationFilter(types.FileOperationPattern("**/*"), scheme="file")]
)

OPTIONS: Mapping[str, Any] = {
    types.TEXT_DOCUMENT_RENAME: types.RenameOptions(prepare_provider=True),
    types.WORKSPACE_WILL_RENAME_FILES: _RENAMED_FILES,
    types.WORKSPACE_DID_RENAME_FILES: _RENAMED_FILES,
}

REQUESTS: Mapping[str, Callable[[View, Any], Any]] = {
    types.TEXT_DOCUMENT_PREPARE_RENAME: prepare_rename,
    types.TEXT_DOCUMENT_RENAME: rename,
    types.WORKSPACE_WILL_RENAME_FILES: follow_renamed_files,
    types.WORKSPACE_DID_RENAME_FILES: _take_renamed_files,
}
