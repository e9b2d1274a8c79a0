"""Checks of the link graph and of unused attachments."""

import re
from collections.abc import Iterator
from fnmatch import translate
from functools import lru_cache

from vaultlink.index.resolve import file_name, is_note, normalize_name
from vaultlink.model import Note, Place
from vaultlink.rules.context import FILE_START, Context, Finding


def orphan_note(note: Note, context: Context) -> Iterator[Finding]:
    """Report notes without links from other files."""
    if (
        is_note(note.path)
        and note.path not in context.index.backlinks
        and not _is_ignored(note.path, context)
    ):
        yield Finding(FILE_START, {"name": file_name(note.path)})


def dead_end(note: Note, context: Context) -> Iterator[Finding]:
    """Report notes without a link that resolves."""
    if (
        is_note(note.path)
        and not any(context.index.targets.get(note.path, ()))
        and not _is_ignored(note.path, context)
    ):
        yield Finding(FILE_START, {"name": file_name(note.path)})


def missing_backlink(note: Note, context: Context) -> Iterator[Finding]:
    """Report notes that link to this note and that this note does not link to."""
    index = context.index
    sources = index.backlinks.get(note.path, ())
    if not sources or not is_note(note.path) or _is_ignored(note.path, context):
        return
    linked = set(index.targets.get(note.path, ()))
    for source in sources:
        # Links in backlinks sections do not count: otherwise each section would require others.
        links = (
            link
            for link, target in index.resolved_links(source)
            if target == note.path and link.place is not Place.SECTION
        )
        if (
            source != note.path
            and source not in linked
            and is_note(source)
            and not _is_ignored(source, context)
            and next(links, None)
        ):
            yield Finding(FILE_START, {"source": source[:-3]})


def unused_attachment(context: Context) -> Iterator[Finding]:
    """Report attachments that no link, property or base of the vault uses.

    The option `extensions` lists the kinds: images, audio, video and PDFs by default.
    """
    index = context.index
    endings = tuple(f".{item.lower().lstrip('.')}" for item in context.options["extensions"])
    unused = [
        path
        for path in index.files
        if path.lower().endswith(endings)
        and path not in index.backlinks
        and not _is_ignored(path, context)
    ]
    if unused:
        property_texts, base_text = _collect_property_texts(context), _join_base_texts(context)
        for path in unused:
            name, sidecar = normalize_name(file_name(path)), path[: path.rfind(".")] + ".md"
            if (
                sidecar not in index.notes
                and property_texts.isdisjoint((normalize_name(path), name))
                and name not in base_text
            ):
                yield Finding(FILE_START, {"name": file_name(path)}, path=path)


def island(context: Context) -> Iterator[Finding]:
    """Report groups of notes that link to each other but not to the rest of the vault.

    The largest group and single notes are not reported.
    """
    groups = _group_linked_notes(context)
    if len(groups) > 1:
        largest = max(groups, key=lambda group: (len(group), [-ord(char) for char in min(group)]))
        for group in groups:
            first = min(group)
            if group is not largest and len(group) > 1 and not _is_ignored(first, context):
                yield Finding(FILE_START, {"count": len(group)}, path=first)


def _is_ignored(path: str, context: Context) -> bool:
    ignore = context.options["ignore"]
    return bool(ignore) and _compile_ignore(tuple(ignore)).fullmatch(path) is not None


@lru_cache(maxsize=8)
def _compile_ignore(globs: tuple[str, ...]) -> re.Pattern[str]:
    """Return a pattern for vault paths that match one of the globs.

    A glob without a slash matches names in every folder. A glob that matches a folder also matches
    everything in it.
    """
    prefixes = ("" if "/" in glob.rstrip("/") else "(?:.*/)?" for glob in globs)
    return re.compile(
        "|".join(
            f"{prefix}{translate(glob.rstrip('/')).removesuffix(_REGEX_END)}(?:/.*)?"
            for prefix, glob in zip(prefixes, globs, strict=True)
        )
    )


_REGEX_END = translate("")[-2:]
"""Suffix that `fnmatch.translate` adds to every pattern."""


def _collect_property_texts(context: Context) -> frozenset[str]:
    """Return the texts of all properties, normalized, as paths and as file names.

    Plugins and themes use files whose names are plain text in properties.
    """
    texts: set[str] = set()
    for note in context.index.notes.values():
        for item in note.properties or ():
            for value in item.value if isinstance(item.value, list) else [item.value]:
                if isinstance(value, str) and "." in value:
                    plain = normalize_name(value.strip().strip("/"))
                    texts.update((plain, file_name(plain)))
    return frozenset(texts)


def _join_base_texts(context: Context) -> str:
    """Return the normalized text of all bases.

    The index holds the text of a base as a property.
    """
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
    """Return the connected groups of notes.

    Links count in both directions, and connect notes via any file.
    """
    leader: dict[str, str] = {}

    def find(path: str) -> str:
        while (parent := leader.setdefault(path, path)) != path:
            leader[path] = path = leader[parent]
        return path

    for source, targets in context.index.targets.items():
        for target in set(targets):
            if target is not None:
                leader[find(target)] = find(source)
    groups: dict[str, list[str]] = {}
    for path in sorted(context.index.notes):
        if is_note(path):
            groups.setdefault(find(path), []).append(path)
    return list(groups.values())
