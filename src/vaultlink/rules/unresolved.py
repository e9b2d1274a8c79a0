"""Unresolved links of a note, and the files that they certainly or probably mean."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from vaultlink.index.file_kinds import is_same_kind
from vaultlink.index.index import Index, link_name
from vaultlink.index.resolve import (
    join_relative,
    name_key,
    normalize_name,
    parent_folder,
    spelling_key,
)
from vaultlink.index.words import is_case_variant, is_same_spelling
from vaultlink.links.intent import names_topic
from vaultlink.links.kinds import find_nested_links
from vaultlink.model import Link, Note
from vaultlink.rules.context import Context, remember
from vaultlink.rules.former_targets import was_deleted
from vaultlink.text import has_placeholder


class _Candidates(NamedTuple):
    """Files that an unresolved target may mean, grouped by the kind of match.

    `is_query` is True for the web address of a file in the vault, such as `Plan?x`.
    """

    aliased: tuple[str, ...]
    titled: tuple[str, ...]
    respelt: tuple[str, ...]
    is_query: bool

    def is_of(self, path: str) -> bool:
        """Return True if a file is one of the candidates.

        A note does not link to itself by another name. If another note has the name too, it is
        unclear what is meant.
        """
        return path in self.aliased or path in self.titled or path in self.respelt


_NO_CANDIDATES = _Candidates((), (), (), is_query=False)

UnresolvedLink = tuple[Link, _Candidates]
"""An unresolved link to report, and the files that it may mean."""


class _CandidateCache:
    """The candidates of each target, because many links have the same one."""

    def __init__(self, _index: Index) -> None:
        self.allows_dangling: Callable[[str], bool] | None = None
        self.candidates: dict[str, _Candidates | None] = {}


def find_unresolved_links(note: Note, context: Context) -> list[UnresolvedLink]:
    """Return the unresolved links of a note to report, with their candidates."""
    if None not in context.index.targets.get(note.path, ()):
        return []
    return remember(_collect_unresolved_links, note, context)


def _collect_unresolved_links(note: Note, context: Context) -> list[UnresolvedLink]:
    cache = context.index.derive(_CandidateCache)
    if cache.allows_dangling is not context.allows_dangling:
        cache.allows_dangling, cache.candidates = context.allows_dangling, {}
    known, found = cache.candidates, []
    nested = find_nested_links(note.links)
    for link, resolved in context.index.resolved_links(note.path):
        if names_topic(link, resolved):
            target = _join_target(link.target, note.path)
            if target not in known:
                known[target] = _find_candidates(link.target, target, context)
            candidates = known[target]
            # It is unknown if Obsidian reads a wikilink in the text of a Markdown link (2.17).
            if candidates is not None and link.start not in nested:
                if candidates is not _NO_CANDIDATES and (
                    candidates.is_of(note.path)
                    or was_deleted(link, note.path, context.index, context.history)
                ):
                    candidates = candidates._replace(aliased=(), titled=(), respelt=())
                found.append((link, candidates))
    return found


def _join_target(target: str, source: str) -> str:
    """Return a target without backslashes; relative ones from the root, as `/a/b`."""
    path = target.replace("\\", "/") if "\\" in target else target
    return "/" + join_relative(source, path) if path.startswith(("./", "../")) else path


def _find_candidates(target: str, joined: str, context: Context) -> _Candidates | None:
    """Return the candidates of a target.

    `joined` is the target, or its path from the root if it is relative. Return None if the target
    is in `allow-dangling` or has a placeholder.
    """
    if context.allows_dangling(target) or has_placeholder(target):
        return None
    index, key = context.index, normalize_name(target)
    aliased: Sequence[str] = index.notes_by_alias.get(key, ())
    titled: Sequence[str] = index.notes_by_title.get(key, ())
    respelt = _find_respelt(joined, index)
    # It is unknown if Obsidian reads a query as part of the name (2.20).
    is_query = "?" in target and name_key(target.partition("?")[0]) in index.names
    if not (aliased or titled or respelt or is_query):
        return _NO_CANDIDATES
    aliased = [path for path in aliased if _has_alias(path, target, key, index)]
    titled = [path for path in titled if is_case_variant(target, index.notes[path].title or "")]
    # The name of a file is better evidence than an alias of another one.
    is_other = respelt and set(respelt).isdisjoint(aliased)
    return _Candidates(() if is_other else tuple(aliased), tuple(titled), respelt, is_query)


def _has_alias(path: str, target: str, key: str, index: Index) -> bool:
    """Return True if a note has an alias that a target with this key certainly means."""
    return any(
        normalize_name(alias) == key and is_case_variant(target, alias)
        for alias in index.notes[path].aliases
    )


def _find_respelt(target: str, index: Index) -> tuple[str, ...]:
    """Return the files whose name and folders differ from the target only in spelling.

    Only as many folders are compared as the target contains; all of them if it starts with a slash.
    """
    name = link_name(target)
    key = spelling_key(name)
    candidates = index.files_by_spelling.get(key, ()) if key else ()
    if not candidates or name.startswith("["):
        return ()
    folders = [part for part in parent_folder(target).split("/") if part not in ("", ".", "..")]
    return tuple(
        path
        for path in candidates
        if is_same_spelling(name, link_name(path))
        and _is_in_folders(folders, path, rooted=target.startswith("/"))
        and is_same_kind(target, path)
    )


def _is_in_folders(folders: list[str], path: str, *, rooted: bool) -> bool:
    """Return True if the last folders of a path are `folders` or a respelling of them."""
    actual = parent_folder(path).split("/")[:-1]
    if rooted and len(actual) != len(folders):
        return False
    if not folders:
        return True
    return len(actual) >= len(folders) and all(
        spelling_key(one) == spelling_key(other)
        for one, other in zip(folders, actual[-len(folders) :], strict=True)
    )
