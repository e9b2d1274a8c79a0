"""Compare titles and find notes by title or alias (sections 11.4, 11.1.2).

Uses only the names, titles, aliases and headings in the index.
"""

from collections.abc import Collection

from vaultlink.errors import UsageError
from vaultlink.index.index import Index, link_name
from vaultlink.index.resolve import (
    file_name,
    is_note,
    list_outer_folders,
    name_key,
    normalize_name,
    spelling_key,
    title_slug,
)
from vaultlink.text import fold_title, lazy_pattern, quote_name


def is_same_title(one: str, other: str) -> bool:
    """Return True if two titles are equal except for spaces, case and punctuation."""
    if fold_title(one) == fold_title(other):
        return True
    slug = title_slug(fold_title(one))
    if slug and slug == title_slug(fold_title(other)) and one.isascii() and other.isascii():
        return True
    key = spelling_key(one)
    return bool(key) and key == spelling_key(other)


def is_same_text(one: str, other: str) -> bool:
    return " ".join(one.split()) == " ".join(other.split())


def is_title_of(title: str, path: str, index: Index) -> bool:
    """Return True if a title is one of a note's titles.

    These are its name, its `title` property, an alias, its first heading of level 1, and any title
    whose slug is its name.
    """
    return title_slug(title.strip()) == normalize_name(link_name(path)) or any(
        is_same_title(title, name) for name in list_note_names(path, index)
    )


def list_note_names(path: str, index: Index) -> tuple[str, ...]:
    """Return a file's names, its `title` property first."""
    note = index.notes.get(path)
    if note is None:
        return (link_name(path),)
    heading = next((item.text for item in note.headings if item.level == 1), "")
    return tuple(
        name for name in (note.title or "", link_name(path), *note.aliases, heading) if name
    )


def is_only_spelling(path: str, index: Index, name: str | None = None) -> bool:
    """Return True if nothing else is spelled like `name`, by default the file's own.

    A name counts with and without the extension of a note, canvas or base.
    """
    key = spelling_key(link_name(path) if name is None else name)
    return index.files_spelled(key) == (path,)


def get_current_title(path: str, index: Index) -> str:
    return list_note_names(path, index)[0]


def find_notes_by_title(title: str, index: Index, without: str = "") -> tuple[str, ...]:
    """Return the notes, sorted, that a title may mean, except for `without`.

    Those whose name, `title` property or alias is the title; else those whose name is its slug;
    else those whose name differs in spelling only.
    """
    key, slug = normalize_name(title.strip()), title_slug(title.strip())
    if not key:
        return ()
    spelled = (
        [path for path in index.files_by_spelling.get(spelling_key(title), ()) if is_note(path)]
        if spelling_key(title)
        else []
    )
    tiers = (
        {
            *index.names.get(name_key(title.strip() + ".md"), ()),
            *index.notes_by_title.get(key, ()),
            *index.notes_by_alias.get(key, ()),
        },
        set(index.names.get(f"{slug}.md", ())) if slug else set(),
        {path for path in spelled if is_same_title(title, link_name(path).replace("_", " "))},
    )
    return next((tuple(sorted(tier - {without})) for tier in tiers if tier - {without}), ())


# -- names as people write them in commands -------------------------------------------------------

_WIKILINK = lazy_pattern(r"!?\[\[([^\[\]|]+)(?:\|[^\[\]]*)?\]\]((?:#[^\[\]]*)?)")


def unwrap_link(text: str, index: Index) -> str:
    """Return the target and subpath of a pasted wikilink; any other text as it is.

    `[[Note]]#Heading` is read as `[[Note#Heading]]`. A file with brackets in its name is meant
    itself.
    """
    is_file = text in index.files or f"{text}.md" in index.files
    match = None if is_file else _WIKILINK.fullmatch(text.strip())
    return match[1].strip() + match[2] if match else text


def read_address(text: str, vault: str) -> str | None:
    """Return the path in an `obsidian://` address; None if the text is no address.

    `vault` is the name of the vault that is open. Raises UsageError if the address is of another
    one, or names no note.
    """
    if not text.startswith("obsidian://"):
        return None
    from urllib.parse import unquote  # noqa: PLC0415 - slow to import, rarely needed

    pairs = [pair.partition("=") for pair in text.partition("?")[2].split("&")]
    values = {key: unquote(value) for key, _, value in pairs}
    if values.get("vault", vault) != vault:
        raise UsageError(
            f"the address is of the vault {quote_name(values['vault'])}, "
            f"and this one is {quote_name(vault)}."
        )
    path = values.get("file") or values.get("path")
    if not path or "\0" in path:
        raise UsageError("the address names no note: it has neither `file` nor `path`.")
    return path


def find_notes_by_alias(alias: str, index: Index) -> tuple[str, ...]:
    """Return the notes, sorted, that have an alias; `.md` at its end does not count."""
    for name in (alias, alias.removesuffix(".md")):
        if notes := index.notes_by_alias.get(normalize_name(name.strip()), ()):
            return tuple(sorted(notes))
    return ()


def find_similar_paths(text: str, files: Collection[str], *, folders: bool = True) -> list[str]:
    """Return files and folders, at most two, that a text without a match may mean.

    The text may lack `.md`, or be a pasted link. Folders end with a slash. A path whose name is
    similar comes before one that contains the text.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - only for messages

    names = {path: path.removesuffix(".md") for path in files}
    if folders:
        names |= {f"{item}/": item for path in files for item in list_outer_folders(path)}
    wanted = normalize_name(text.strip("[]!").removeprefix("./").rstrip("/").removesuffix(".md"))
    ordered = sorted(names, key=lambda item: (item.count("/"), item), reverse=True)
    keys = {
        normalize_name(names[path] if "/" in wanted else file_name(names[path])): path
        for path in ordered
    }
    if wanted in keys:
        return [keys[wanted]]
    near = get_close_matches(wanted, keys, 2, _MIN_SIMILARITY)
    containing = [key for key in keys if len(wanted) > 1 and wanted in key]
    return list(dict.fromkeys(keys[key] for key in near or sorted(containing, key=len)))[:2]


_MIN_SIMILARITY = 0.75
"""Similarity, from 0 to 1, of a path that is proposed for one that does not exist."""
