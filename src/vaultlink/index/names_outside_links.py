"""Names of files and folders in entries, malformed links and queries."""

from collections.abc import Iterator

from vaultlink.index.files_by_path import path_keys
from vaultlink.index.resolve import normalize_name, title_slug
from vaultlink.model import FOLDER_KINDS, Note, ParseProblem
from vaultlink.parse.link_parts import is_external, parse_wikilink, split_subpath
from vaultlink.text import lazy_pattern

_BRACKETS = lazy_pattern(r"[\[\]|]+")


def find_entry_names(note: Note) -> Iterator[str]:
    """Return texts of entries that may name other notes than the link targets."""
    for section in note.sections:
        for entry in section.entries:
            texts = (
                (entry.title, entry.link.display or "")
                if entry.link
                else (entry.title, *_BRACKETS.split(entry.raw))
            )
            for text in texts:
                if text.strip():
                    yield from (text.strip(), title_slug(text.strip()))


def intended_target(problem: ParseProblem) -> str:
    """Return the target of a malformed or hidden link; "" for other problems."""
    target = problem.target
    if problem.kind == "unquoted-property-link":
        return parse_wikilink(target)[0]
    if problem.kind == "wikilink-with-destination":
        return "" if is_external(target) else split_subpath(target)[0]
    return " ".join(target.split()) if problem.kind == "malformed-link" else target


def find_query_keys(note: Note) -> set[str]:
    """Return "" and the folders that queries name, as `folder_keys` returns them."""
    folders = [item.text for item in note.queries if item.kind in FOLDER_KINDS]
    return {"", *(f"{normalize_name(folder)}/" for folder in folders)}


def folder_keys(path: str) -> list[str]:
    """Return the texts by which a query can name a file or one of its folders.

    They are normalized, with a slash at the end.
    """
    normalized, *folders = path_keys(path)
    return [*folders, f"{normalized}/", f"{normalized.removesuffix('.md')}/"]
