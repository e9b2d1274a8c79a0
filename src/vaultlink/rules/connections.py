"""Checks of the connections between notes."""

import re
from collections.abc import Iterator
from fnmatch import translate
from functools import lru_cache

from vaultlink.index.resolve import file_name, is_note, normalize_name
from vaultlink.model import Note, Place, SourceSpan
from vaultlink.rules.context import Context, Finding

_FILE_START = SourceSpan(0, 0, 1, 1)


def orphan_note(note: Note, context: Context) -> Iterator[Finding]:
    """Report notes without links to them."""
    if (
        is_note(note.path)
        and note.path not in context.index.backlinks
        and not _is_ignored(note.path, context)
    ):
        yield Finding(_FILE_START, {"name": file_name(note.path)})


def dead_end(note: Note, context: Context) -> Iterator[Finding]:
    """Report notes without a link that resolves."""
    if (
        is_note(note.path)
        and not any(context.index.targets.get(note.path, ()))
        and not _is_ignored(note.path, context)
    ):
        yield Finding(_FILE_START, {"name": file_name(note.path)})


def missing_backlink(note: Note, context: Context) -> Iterator[Finding]:
    """Report notes that link to this one and are not linked back."""
    index = context.index
    sources = index.backlinks.get(note.path, ())
    if not sources or not is_note(note.path) or _is_ignored(note.path, context):
        return
    linked = set(index.targets.get(note.path, ()))
    for source in sources:
        # Links in backlinks sections do not count: each section would require others.
        body_links = (
            link
            for link, target in index.resolved_links(source)
            if target == note.path and link.place is not Place.SECTION
        )
        if (
            source != note.path
            and source not in linked
            and is_note(source)
            and not _is_ignored(source, context)
            and next(body_links, None)
        ):
            yield Finding(_FILE_START, {"source": source[:-3]})


def unused_attachment(context: Context) -> Iterator[Finding]:
    """Report images, audio, video and PDF files that nothing in the vault uses."""
    index = context.index
    kinds = tuple(f".{kind.lower().lstrip('.')}" for kind in context.options["extensions"])
    unused = [
        path
        for path in index.files
        if path.lower().endswith(kinds)
        and path not in index.backlinks
        and not _is_ignored(path, context)
    ]
    if unused:
        named, bases = _collect_property_texts(context), _join_base_texts(context)
        for path in unused:
            name, beside = normalize_name(file_name(path)), path[: path.rfind(".")] + ".md"
            if (
                beside not in index.notes
                and named.isdisjoint((normalize_name(path), name))
                and name not in bases
            ):
                yield Finding(_FILE_START, {"name": file_name(path)}, path=path)


def island(context: Context) -> Iterator[Finding]:
    """Report groups of notes that are connected only with each other."""
    groups = _group_linked_notes(context)
    if len(groups) > 1:
        largest = max(groups, key=lambda group: (len(group), [-ord(char) for char in min(group)]))
        for group in groups:
            first = min(group)
            if group is not largest and len(group) > 1 and not _is_ignored(first, context):
                yield Finding(_FILE_START, {"count": len(group)}, path=first)


def _is_ignored(path: str, context: Context) -> bool:
    ignore = context.options["ignore"]
    return bool(ignore) and _compile_ignore(tuple(ignore)).fullmatch(path) is not None


@lru_cache(maxsize=8)
def _compile_ignore(globs: tuple[str, ...]) -> re.Pattern[str]:
    """Compile globs over vault paths into one expression.

    A glob without a slash matches names in every folder; one that matches a folder matches all
    files in it.
    """
    anywhere = ("" if "/" in glob.rstrip("/") else "(?:.*/)?" for glob in globs)
    return re.compile(
        "|".join(
            f"{start}{translate(glob.rstrip('/')).removesuffix(_REGEX_END)}(?:/.*)?"
            for start, glob in zip(anywhere, globs, strict=True)
        )
    )


_REGEX_END = translate("")[-2:]


def _collect_property_texts(context: Context) -> frozenset[str]:
    """Return the texts of properties as paths and as names.

    Plugins and themes name files in plain text.
    """
    found: set[str] = set()
    for note in context.index.notes.values():
        for item in note.properties or ():
            for value in item.value if isinstance(item.value, list) else [item.value]:
                if isinstance(value, str) and "." in value:
                    plain = normalize_name(value.strip().strip("/"))
                    found.update((plain, file_name(plain)))
    return frozenset(found)


def _join_base_texts(context: Context) -> str:
    """Return the normalized texts of all bases, each of which the index keeps as a property."""
    notes = context.index.notes
    bases = (
        notes[path]
        for path in sorted(context.index.files)
        if path.lower().endswith(".base") and path in notes
    )
    return normalize_name(
        "\n".join(str(item.value) for base in bases for item in base.properties or ())
    )


def _group_linked_notes(context: Context) -> list[list[str]]:
    """Return groups of notes connected by links in either direction, through any files."""
    parent: dict[str, str] = {}

    def find(path: str) -> str:
        while (above := parent.setdefault(path, path)) != path:
            parent[path] = path = parent[above]
        return path

    for source, targets in context.index.targets.items():
        for target in set(targets):
            if target is not None:
                parent[find(target)] = find(source)
    groups: dict[str, list[str]] = {}
    for path in sorted(context.index.notes):
        if is_note(path):
            groups.setdefault(find(path), []).append(path)
    return list(groups.values())
