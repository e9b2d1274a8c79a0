"""Read the arguments of a rename: old and new names, as users write them.

`OLD` is the path or link name of a note, the path of an attachment or folder, a heading or block as
in a link, or a tag. Messages of errors are for the user.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.errors import UsageError
from vaultlink.fix.plan import Rename, RenameKind
from vaultlink.index.file_kinds import has_known_extension
from vaultlink.index.index import Index
from vaultlink.index.resolve import file_name, is_note, parent_folder
from vaultlink.refactor.old_names import (
    FILE_KINDS,
    FindPath,
    RenameSource,
    find_folder,
    find_source,
    list_outer_folders,
)
from vaultlink.text import lazy_pattern

PLAN_HEADER = ("old", "new")

_EXTENSION = lazy_pattern(r"\.[A-Za-z0-9]{1,10}$")


class RenameRow(NamedTuple):
    """A line of a plan file: old and new name as written, and its number from 1."""

    old: str
    new: str
    line: int


def read_rename(index: Index, old: str, new: str, find: FindPath) -> Rename:
    """Return the rename that two arguments describe.

    `old` is a note, attachment, folder, heading (`Note#A#B`), block (`Note#^id`) or tag (`#a/b`);
    `new` a name in the same folder, a path in the vault (with a slash), the text of a heading, a
    block id, or a tag. Raises UsageError if nothing has the old name, or several do.
    """
    source = find_source(index, old, find)
    if not new.strip():
        raise UsageError(f'the new name of "{old}" is empty.')
    if source.kind is RenameKind.TAG:
        return Rename(source.kind, f"#{source.path}", f"#{new.removeprefix('#').rstrip('/')}")
    if source.kind in FILE_KINDS:
        return Rename(source.kind, source.path, _complete_path(index, source, new))
    text = new.strip().removeprefix(f"{source.note_text}#").strip()
    if source.kind is RenameKind.BLOCK:
        text = f"^{text.removeprefix('^')}"
    return Rename(source.kind, f"{source.path}{source.subpath}", f"{source.path}#{text}")


def read_renames(index: Index, rows: Sequence[RenameRow], find: FindPath) -> tuple[Rename, ...]:
    """Return the renames of a plan file, which all happen at once.

    A new name without a slash stays in the folder of the old one, also if the plan renames that.
    Raises a UsageError with the errors of all lines.
    """
    problems: list[str] = []
    renames: list[Rename] = []
    for row in rows:
        try:
            renames.append(read_rename(index, row.old, row.new, find))
        except UsageError as error:
            problems.append(f"line {row.line}: {error}")
    if problems:
        raise UsageError("\n".join(problems))
    folders = {item.old: item.new for item in renames if item.kind is RenameKind.FOLDER}
    return tuple(
        item if "/" in row.new.removeprefix("./").rstrip("/") else _follow_folder(item, folders)
        for item, row in zip(renames, rows, strict=True)
    )


def read_move(
    index: Index, sources: Sequence[str], folder: str, find: FindPath
) -> tuple[Rename, ...]:
    """Return the renames that move files and folders into a folder, which need not exist.

    `/` is the vault itself. Raises UsageError if a source does not exist, or the folder is a file.
    """
    into = _find_target_folder(index, folder, find)
    renames = []
    for text in sources:
        source = find_source(index, text, find)
        if source.kind not in FILE_KINDS:
            raise UsageError(
                f'"{text}" is {source.kind.with_article()} and can\'t be moved. '
                "`vaultlink rename` renames it."
            )
        renames.append(Rename(source.kind, source.path, into + file_name(source.path)))
    return tuple(renames)


def read_extract(
    index: Index, text: str, new: str | None, find: FindPath
) -> tuple[str, str, str | None]:
    """Return path and subpath of the section to extract, and the path of the new note.

    `new` is the name of the new note, as for a rename of the note. Raises UsageError if there is no
    heading `text`, as in `Note#Heading`.
    """
    source = find_source(index, text, find)
    if source.kind is not RenameKind.HEADING:
        raise UsageError(
            f'"{text}" is {source.kind.with_article()}. A section is named as in Note#Heading.'
        )
    if new is not None and not new.strip():
        raise UsageError("the name of the new note is empty.")
    note = source._replace(kind=RenameKind.NOTE)
    path = _complete_path(index, note, new) if new is not None else None
    return source.path, source.subpath, path


def read_merge(index: Index, text: str, into: str, find: FindPath) -> tuple[str, str]:
    """Return the paths of two notes. Raises UsageError if one of them is not a note."""
    sources = [find_source(index, word, find) for word in (text, into)]
    for word, source in zip((text, into), sources, strict=True):
        if source.kind is not RenameKind.NOTE:
            raise UsageError(f'"{word}" is {source.kind.with_article()}. Only notes can be merged.')
    return sources[0].path, sources[1].path


def read_plan_file(text: str) -> list[RenameRow]:
    """Return the renames of a plan file.

    Each line has an old name, a tab and a new name. A first line `old`, tab, `new` is skipped, as
    are blank lines. Raises a UsageError with all errors of lines, or if there is no line.
    """
    rows: list[RenameRow] = []
    problems: list[str] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        cells = line.removesuffix("\r").split("\t")
        is_header = not rows and not problems and tuple(cells) == PLAN_HEADER
        if is_header or not "".join(cells).strip():
            continue
        if len(cells) != 2:
            problems.append(f"line {number}: expected the old name, a tab and the new name.")
        elif not (cells[0].strip() and cells[1].strip()):
            problems.append(
                f"line {number}: the {'new' if cells[0].strip() else 'old'} name is missing."
            )
        else:
            rows.append(RenameRow(cells[0], cells[1], number))
    lines: dict[str, int] = {}
    for row in rows:
        first = lines.setdefault(row.old, row.line)
        if first != row.line:
            problems.append(f'line {row.line}: "{row.old}" is renamed in line {first} already.')
    if problems or not rows:
        raise UsageError("\n".join(problems) or "there is no rename in it.")
    return rows


# -- new names -----------------------------------------------------------------------------------


def _complete_path(index: Index, source: RenameSource, new: str) -> str:
    folder, name = parent_folder(source.path), file_name(source.path)
    if source.kind is RenameKind.FOLDER and not find_folder(index, new):
        new = new.rstrip("/") or new  # as in `Old/ New/`
    if new.startswith("./"):
        path = folder + new[2:]
    elif "/" in new:
        path = new.removeprefix("/")
    else:
        path = folder + new
    if not path or path.endswith("/"):
        path += name
    elif source.kind is not RenameKind.FOLDER:
        path = _add_extension(path, name)
    return _spell_folders(index, path)


def _add_extension(path: str, old_name: str) -> str:
    """Return a path with the extension of the old name if it has none of its own."""
    if is_note(old_name):
        return path if is_note(path) else path + old_name[-3:]
    old, new = _EXTENSION.search(old_name), _EXTENSION.search(file_name(path))
    if old is None or (new and new[0].lower() == old[0].lower()):
        return path
    is_own = new and (
        is_note(path) or has_known_extension(path) or not has_known_extension(old_name)
    )
    return path if is_own else path + old[0]


def _spell_folders(index: Index, path: str) -> str:
    """Return a path with its folders as the vault writes them."""
    folder = parent_folder(path).rstrip("/")
    while folder:
        known = find_folder(index, folder)
        if known:
            return known + path[len(folder) :]
        folder = parent_folder(folder).rstrip("/")
    return path


def _find_target_folder(index: Index, text: str, find: FindPath) -> str:
    """Return the folder to move into, with a slash at its end; the vault itself is ""."""
    path = text.removeprefix("./").removeprefix("/")
    if not text.strip():
        raise UsageError("the name of the folder is empty.")
    if not text.strip("./"):
        on_disk = find(text) if text.startswith(".") else "/"
        outside = f"{text.rstrip('/')}/" if ".." in text else ""  # is refused later
        return on_disk.removeprefix("/") if on_disk else outside
    known = find_folder(index, path)
    if known:
        return f"{known}/"
    on_disk = find(text)
    if on_disk is not None and on_disk.endswith("/"):
        return on_disk.removeprefix("/")
    file = on_disk or next((name for name in (path, f"{path}.md") if name in index.files), None)
    if (file and not text.endswith("/")) or is_note(path.rstrip("/")):
        raise UsageError(
            f'"{text}" is not a folder. `vaultlink rename OLD NEW` changes the name of a file.'
        )
    path = path.rstrip("/")
    return _spell_folders(index, f"{path}/")


def _follow_folder(item: Rename, folders: Mapping[str, str]) -> Rename:
    parent = next((folder for folder in list_outer_folders(item.old) if folder in folders), None)
    if (
        item.kind not in FILE_KINDS
        or parent is None
        or parent_folder(item.new) != parent_folder(item.old)
    ):
        return item
    return replace(item, new=folders[parent] + item.new[len(parent) :])
