"""Find what the old name in the arguments of a rename stands for."""

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from vaultlink.errors import UsageError
from vaultlink.fix.plan import RenameKind
from vaultlink.index.anchors import find_anchor, normalize_heading, split_parts
from vaultlink.index.index import Index
from vaultlink.index.resolve import (
    file_name,
    is_note,
    normalize_name,
    parent_folder,
    resolve_with_alternatives,
)
from vaultlink.model import BlockId, Note

FindPath = Callable[[str], str | None]
"""Returns the vault path that a path on disk leads to, with a slash at the end of a folder.

The vault itself is "/".
"""


FILE_KINDS = (RenameKind.NOTE, RenameKind.ATTACHMENT, RenameKind.FOLDER)
"""The kinds that have a path on disk."""


class RenameSource(NamedTuple):
    """The thing to rename.

    `note_text` is the part of the argument that names the note of a heading or block.
    """

    kind: RenameKind
    path: str
    subpath: str = ""
    note_text: str = ""


def find_source(index: Index, text: str, find: FindPath) -> RenameSource:
    """Return the note, attachment, folder, heading, block or tag that a text names.

    A file whose name contains `#` takes precedence over a heading. Raises UsageError if nothing has
    the name, or several files have it.
    """
    if not text.strip():
        raise UsageError("the old name is empty.")
    if text.strip("./") == "":
        raise UsageError(f'"{text}" is the vault itself, which vaultlink does not rename.')
    if text not in index.files:
        if text.startswith("#"):
            return _find_tag(index, text)
        if "#" in text:
            found = _look_up(index, text, find)
            return _make_source(found) if found else _find_part(index, text, find)
    found = _look_up(index, text, find)
    if found is None:
        raise UsageError(_explain_unknown_path(index, text))
    return _make_source(found)


def _make_source(path: str) -> RenameSource:
    if path.endswith("/"):
        return RenameSource(RenameKind.FOLDER, path[:-1])
    return RenameSource(RenameKind.NOTE if is_note(path) else RenameKind.ATTACHMENT, path)


def _look_up(index: Index, text: str, find: FindPath) -> str | None:
    """Return the vault path of a file or folder, or None.

    The path of a folder ends with a slash. Raises UsageError if several have this name.
    """
    path = text.removeprefix("./").removeprefix("/")
    if path in index.files:
        return path
    folder = find_folder(index, path)
    on_disk = find(text)
    if text.endswith("/"):
        return f"{folder}/" if folder else on_disk if on_disk and on_disk.endswith("/") else None
    chosen, others = resolve_with_alternatives("", path, index.names)
    if folder and on_disk and on_disk.endswith("/"):
        on_disk = None
    found = on_disk or chosen
    if folder and found:
        raise UsageError(f'"{text}" is both {folder}/ and {found}. Write one of these.')
    wanted = normalize_name(path)  # a name, unless it is the path of the chosen file
    is_path = chosen is not None and normalize_name(chosen) in (wanted, f"{wanted}.md")
    if chosen and found == chosen and on_disk is None and others and not is_path:
        names = sorted([chosen, *others])
        raise UsageError(
            f'several files have the name "{text}". Write the path: {_join_names(names)}.'
        )
    return f"{folder}/" if folder else found


def _find_part(index: Index, text: str, find: FindPath) -> RenameSource:
    """Return the heading or block that a text such as `Note#A#B` names."""
    ends = [at for at, char in enumerate(text) if char == "#"]
    for end in reversed(ends):
        path = _look_up(index, text[:end], find) if end else None
        if path is not None and not path.endswith("/"):
            return _find_anchored(index, path, text, end)
    raise UsageError(_explain_unknown_path(index, text[: ends[0]]))


def _find_anchored(index: Index, path: str, text: str, end: int) -> RenameSource:
    note = index.notes.get(path) if is_note(path) else None
    if note is None:
        raise UsageError(f"{path} is not a note, so it has no headings or blocks to rename.")
    parts = split_parts(text[end:])
    if not parts:
        raise UsageError(f'"{text}" names no heading: there is nothing behind the #.')
    anchor = find_anchor(note, text[end:])
    if isinstance(anchor, BlockId):
        return RenameSource(RenameKind.BLOCK, path, f"#^{anchor.id}", text[:end])
    # Links with the id of a missing block lead to a heading of that text. That is not meant here.
    is_heading = anchor is not None or (len(parts) == 1 and _has_heading(note, parts[0]))
    if parts[-1].startswith("^") or not is_heading:
        raise UsageError(_explain_unknown_part(note, parts[-1]))
    return RenameSource(RenameKind.HEADING, path, f"#{'#'.join(parts)}", text[:end])


def _has_heading(note: Note, text: str) -> bool:
    """Return True if a heading has a text, apart from a block id at its end."""
    return normalize_heading(text) in {normalize_heading(item.text) for item in note.headings}


def _find_tag(index: Index, text: str) -> RenameSource:
    name = text[1:].rstrip("/")
    known = sorted({tag.name for path in index.notes for tag in index.notes[path].tags})
    wanted = name.lower()
    if any(f"{tag.lower()}/".startswith(f"{wanted}/") for tag in known) and name:
        return RenameSource(RenameKind.TAG, name)
    near = _find_similar(wanted, known)
    hint = _suggest([f"#{tag}" for tag in near]) or (
        "A heading is named with its note, as in Note#Heading."
    )
    raise UsageError(f"no note has the tag #{name}. {hint}")


def find_folder(index: Index, path: str) -> str | None:
    """Return the path of a folder as the vault writes it; None if it contains no file.

    A folder with exactly this path takes precedence over one that differs in case.
    """
    path = path.strip("/")
    files = index.files_by_path[f"{normalize_name(path)}/"] if path else ()
    if not files:
        return None
    if any(file.startswith(f"{path}/") for file in files):
        return path
    return "/".join(files[0].split("/")[: path.count("/") + 1])


def list_outer_folders(path: str) -> Iterator[str]:
    while path := parent_folder(path).removesuffix("/"):
        yield path


# -- messages ------------------------------------------------------------------------------------


def _explain_unknown_path(index: Index, text: str) -> str:
    from vaultlink.index.suggest import Suggester  # noqa: PLC0415 - only for this message

    near = [item.path for item in Suggester(index)(text.rstrip("/"))]
    near = near or _find_similar_paths(index, file_name(text.rstrip("/")))
    hint = _suggest(near) or (
        "A note is named by its path in the vault, or as in a link; a folder by its path."
    )
    kind = "folder" if text.endswith("/") else "note, attachment or folder"
    return f'there is no {kind} "{text}" in the vault. {hint}'


def _find_similar_paths(index: Index, name: str) -> list[str]:
    """Return the files and folders whose name is similar to a text or contains it."""
    paths = {file_name(path): path for path in sorted(index.files, reverse=True)}
    paths |= {
        file_name(folder): f"{folder}/"
        for path in index.files
        for folder in list_outer_folders(path)
    }
    containing = [item for item in paths if len(name) > 1 and name.lower() in item.lower()]
    return [paths[item] for item in _find_similar(name, paths) or sorted(containing, key=len)]


def _explain_unknown_part(note: Note, part: str) -> str:
    is_block = part.startswith("^")
    known = (
        [f"^{block.id}" for block in note.blocks] if is_block else [h.text for h in note.headings]
    )
    hint = _suggest([f"{note.path}#{name}" for name in _find_similar(part, known)])
    kind = "block" if is_block else "heading"
    return f'{note.path} has no {kind} "{part}". ' + (
        hint or f"`vaultlink show {shlex.quote(note.path)}` lists its {kind}s."
    )


def _find_similar(name: str, known: Iterable[str]) -> list[str]:
    from difflib import get_close_matches  # noqa: PLC0415 - only for messages

    by_key = {item.lower(): item for item in known}
    return [by_key[key] for key in get_close_matches(name.lower(), by_key, 2, 0.6)]


def _suggest(names: Sequence[str]) -> str:
    return f"Did you mean {' or '.join(names[:2])}?" if names else ""


def _join_names(names: Sequence[str]) -> str:
    others = f" and {len(names) - 4:,} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + others
