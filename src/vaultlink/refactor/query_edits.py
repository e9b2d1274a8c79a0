"""Rename folders, files and tags in the queries that name them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from vaultlink.fix.plan import Rename, RenameKind
from vaultlink.index.index import Index
from vaultlink.index.resolve import PathsByName, normalize_name, resolve
from vaultlink.links.naming import find_query_target, is_plain_name, rename_in_query
from vaultlink.model import QueryName
from vaultlink.refactor.tags import rename_in_tag


class RenamedQuery(NamedTuple):
    """A query that names what is renamed; the name is None if it can't be written.

    `path` is that of the note or base before the run.
    """

    path: str
    query: QueryName
    name: str | None


def find_renamed_queries(
    index: Index, renames: Sequence[Rename], files: Mapping[str, str], names: PathsByName
) -> Iterator[RenamedQuery]:
    """Yield the names in queries that no longer name the same after some renames.

    `files` maps old to new path of every file that moves, `names` are those afterwards.
    """
    tags = [item for item in renames if item.kind is RenameKind.TAG]
    if not (tags or files):
        return
    folders = [item for item in renames if item.kind is RenameKind.FOLDER]
    for path in index.query_sources.get("", ()):
        for query in index.notes[path].queries:
            target = None if query.kind == "tag" else find_query_target(query, path, index)
            new: str | None = query.text
            if query.kind == "tag":
                new = _rename_tag(query.text, tags)
            elif target is not None and target.endswith("/"):
                new = _rename_folder(query.text, folders)
            elif target is not None and target in files:
                source, now = files.get(path, path), files[target]
                is_named = query.kind == "note" and resolve(source, query.text, names) == now
                new = query.text if is_named else rename_in_query(query, source, now, names)
            if new != query.text:
                yield RenamedQuery(path, query, new if new and is_plain_name(new) else None)


def _rename_tag(name: str, renames: Sequence[Rename]) -> str:
    for item in renames:
        new = rename_in_tag(name, item.old.removeprefix("#"), item.new.removeprefix("#"))
        if new is not None:
            return new
    return name


def _rename_folder(path: str, renames: Sequence[Rename]) -> str:
    parts = path.split("/")
    for item in sorted(renames, key=lambda item: len(item.old), reverse=True):
        depth = item.old.count("/") + 1
        if normalize_name("/".join(parts[:depth])) == normalize_name(item.old):
            return "/".join([item.new, *parts[depth:]])
    return path
