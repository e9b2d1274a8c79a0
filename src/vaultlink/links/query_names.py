"""Find what a query names, and write its name in the query."""

from vaultlink.index.index import Index
from vaultlink.index.resolve import PathsByName, file_name, name_key, normalize_name, resolve
from vaultlink.links.naming import strip_note_extension
from vaultlink.model import FOLDER_KINDS, QueryName
from vaultlink.text import lazy_pattern

_NEEDS_CARE = lazy_pattern(r"""["'\\\[\]|#^<>{}$\x00-\x1f]|: """)
"""Text that needs quotes or escapes in one of the places where a query may stand."""


def find_query_target(query: QueryName, source: str, index: Index) -> str | None:
    """Return the file or folder that a query names, or None.

    A folder is in lower case and ends with a slash.
    """
    if query.kind == "note":
        return resolve(source, query.text, index.names)
    files, path = index.files_by_path, normalize_name(query.text)
    if query.kind in FOLDER_KINDS and f"{path}/" in files:
        return f"{path}/"
    if query.kind == "folder":
        return None
    found = files[path] or (files[f"{path}.md"] if query.kind == "source" else ())
    return found[0] if found else None


def is_plain_name(text: str) -> bool:
    """Return True if a query can contain a name as it is, whatever surrounds it."""
    return text.strip() == text != "" and _NEEDS_CARE.search(text) is None


def rename_in_query(query: QueryName, source: str, path: str, names: PathsByName) -> str | None:
    """Return the name of a file that a query named by another path.

    A note gets an extension only if it had one. It gets a folder only if it had one, or if the
    name is ambiguous. None if the name can't be written as it is.
    """
    keeps_extension = query.kind == "path" or query.text.lower().endswith(".md")
    name = path if keeps_extension else strip_note_extension(path)
    if query.kind == "note":
        if "/" not in query.text and len(names.get(name_key(path), ())) == 1:
            name = file_name(name)
        if resolve(source, name, names) != path:
            return None
    return name if is_plain_name(name) else None
