"""Checks of links that do not resolve.

If several of these rules find the same link, `yields-to` in their YAML files determines which one
reports it.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from vaultlink.index.index import Index, link_name, update_names
from vaultlink.index.resolve import (
    is_same_name,
    name_key,
    normalize_name,
    parent_folder,
    resolve_with_alternatives,
    spelling_key,
)
from vaultlink.links.naming import retarget_link, strip_note_extension
from vaultlink.model import Edit, Link, LinkKind, Note, Place
from vaultlink.rules.context import Context, Finding
from vaultlink.rules.expected_links import is_expected
from vaultlink.text import has_placeholder


class _Candidates(NamedTuple):
    """Files that an unresolved target may mean, grouped by the kind of match.

    `is_query` is True for the web address of a file in the vault, such as `Plan?x`.
    """

    aliased: tuple[str, ...]
    titled: tuple[str, ...]
    respelt: tuple[str, ...]
    is_query: bool


class _UnresolvedLink(NamedTuple):
    link: Link
    candidates: _Candidates


def dangling_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report links that do not resolve."""
    for link, candidates in _find_unresolved_links(note, context):
        if not candidates.is_query and not is_expected(link, context):
            yield Finding(link, {"target": _format_target(link)}, link.target)


def dangling_embed(note: Note, context: Context) -> Iterator[Finding]:
    """Report embeds that do not resolve."""
    for link, candidates in _find_unresolved_links(note, context):
        if link.embed and not candidates.is_query and not is_expected(link, context):
            yield Finding(link, {"target": _format_target(link)}, link.target)


def moved_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report unresolved links to the former path of a renamed or moved file."""
    if not context.moves:
        return
    for link, candidates in _find_unresolved_links(note, context):
        path = None if candidates.is_query else _follow_move(link, note.path, context)
        if path is not None:
            values = {"target": _format_target(link), "now": strip_note_extension(path)}
            edits = _build_retarget_edits(link, (path,), note, context)
            yield Finding(link, values, link.target, edits=edits)


def alias_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report unresolved links whose target is an alias of a note."""
    for link, candidates in _find_unresolved_links(note, context):
        if candidates.aliased:
            yield _report_candidates(link, candidates.aliased, note, context)


def title_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report unresolved links whose target is the `title` of exactly one note."""
    for link, candidates in _find_unresolved_links(note, context):
        if len(candidates.titled) == 1:
            yield _report_candidates(link, candidates.titled, note, context)


def respelt_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report unresolved links that differ only in spelling from exactly one file name."""
    for link, candidates in _find_unresolved_links(note, context):
        if len(candidates.respelt) == 1:
            yield _report_candidates(link, candidates.respelt, note, context)


def _report_candidates(link: Link, paths: tuple[str, ...], note: Note, context: Context) -> Finding:
    values = {"target": _format_target(link), "notes": _format_files(paths, context.index)}
    edits = partial(_build_retarget_edits, link, paths, note, context)
    return Finding(link, values, link.target, edits=edits)


def _build_retarget_edits(
    link: Link, files: tuple[str, ...], note: Note, context: Context
) -> tuple[Edit, ...]:
    """Return the edits that point a link to the only candidate; none for several."""
    if len(files) > 1:
        return ()
    return retarget_link(note.path, link, files[0], context.index, context.obsidian.new_link_format)


def _format_target(link: Link) -> str:
    """Return the target of a link as its source contains it.

    A canvas contains paths from the root of the vault without a leading slash.
    """
    return link.target.removeprefix("/") if link.place is Place.CANVAS else link.target


class _LinkCache:
    """Results that the rules of this module share.

    `links` are the unresolved links of `note`, which the rules check one after the other;
    `candidates` are those of each target, because many links have the same target.
    """

    def __init__(self, _index: Index) -> None:
        self.note: Note | None = None
        self.links: list[_UnresolvedLink] = []
        self.allows_dangling: Callable[[str], bool] | None = None
        self.candidates: dict[str, _Candidates | None] = {}


def _find_unresolved_links(note: Note, context: Context) -> list[_UnresolvedLink]:
    """Return the unresolved links of a note to report, with their candidates."""
    targets = context.index.targets.get(note.path, ())
    if None not in targets:
        return []
    cache = context.index.derive(_LinkCache)
    if cache.allows_dangling is not context.allows_dangling:
        cache.note, cache.allows_dangling, cache.candidates = None, context.allows_dangling, {}
    if cache.note is not note:
        cache.links = list(_collect_unresolved_links(note, cache.candidates, context))
        cache.note = note
    return cache.links


def _collect_unresolved_links(
    note: Note, known: dict[str, _Candidates | None], context: Context
) -> Iterator[_UnresolvedLink]:
    outer = [link for link in note.links if link.kind is LinkKind.MARKDOWN and "[[" in link.raw]
    for link, resolved in context.index.resolved_links(note.path):
        if resolved is None and not link.external:
            target = link.target
            if target not in known:
                known[target] = _find_candidates(target, context)
            candidates = known[target]
            # It is unknown if Obsidian reads a wikilink in the text of a Markdown link (2.17).
            if candidates is not None and not (
                outer and any(other.start < link.start < other.end for other in outer)
            ):
                yield _UnresolvedLink(link, candidates)


def _find_candidates(target: str, context: Context) -> _Candidates | None:
    """Return the candidates of a target.

    Return None if the target is in `allow-dangling` or has a placeholder.
    """
    if context.allows_dangling(target) or has_placeholder(target):
        return None
    index, key = context.index, normalize_name(target)
    return _Candidates(
        index.notes_by_alias.get(key, ()),
        index.notes_by_title.get(key, ()),
        _find_respelt(target, index),
        # It is unknown if Obsidian reads a query as part of the name (2.20).
        "?" in target and name_key(target.partition("?")[0]) in index.names,
    )


class _MoveCache:
    """The moves of a run, prepared for looking up links."""

    def __init__(self, _index: Index) -> None:
        self.prepare({})

    def prepare(self, moves: Mapping[str, str]) -> None:
        """Prepare for `moves`: old path to new path."""
        self.moves = moves
        self.old_names = update_names({}, frozenset(), frozenset(moves))
        self.old_paths = {new: old for old, new in moves.items()}


def _follow_move(link: Link, source: str, context: Context) -> str | None:
    """Return the current path of the file that a link resolved to before a move.

    Formerly means before files were moved. Return None if the link did not resolve then, or if its
    target was not moved. A relative link is resolved from the former path of its
    own note.
    """
    cache = context.index.derive(_MoveCache)
    if cache.moves is not context.moves:
        cache.prepare(context.moves)
    old, _ = resolve_with_alternatives(
        cache.old_paths.get(source, source), link.lookup_target, cache.old_names
    )
    return cache.moves.get(old) if old is not None else None


def _find_respelt(target: str, index: Index) -> tuple[str, ...]:
    """Return the files whose name and folders differ from the target only in spelling.

    Only as many folders are compared as the target contains.
    """
    key = spelling_key(link_name(target))
    candidates = index.files_by_spelling.get(key, ()) if key else ()
    if not candidates:
        return ()
    name = link_name(target)
    folders = [part for part in parent_folder(target).split("/") if part not in ("", ".", "..")]
    return tuple(
        path
        for path in candidates
        if is_same_name(name, link_name(path)) and _is_in_folders(folders, path)
    )


def _is_in_folders(folders: list[str], path: str) -> bool:
    """Return True if the last folders of a path are `folders` or a respelling of them."""
    if not folders:
        return True
    actual = parent_folder(path).split("/")[:-1][-len(folders) :]
    return len(actual) == len(folders) and all(
        spelling_key(one) == spelling_key(other) and is_same_name(one, other)
        for one, other in zip(folders, actual, strict=True)
    )


def _format_files(paths: tuple[str, ...], index: Index) -> str:
    """Return the first file as a link would name it, and the number of the others."""
    path = paths[0]
    is_unique = len(index.names.get(name_key(path), ())) == 1
    first = f"“{link_name(path) if is_unique else path.removesuffix('.md')}”"
    return first if len(paths) == 1 else f"{first} and {len(paths) - 1} more"
