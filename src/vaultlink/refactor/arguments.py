"""Read the arguments of a rename: old and new names, as users write them."""

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.errors import UnknownNameError, UsageError, explain_word, propose
from vaultlink.fix.plan import Rename, RenameKind
from vaultlink.index.anchors import find_anchor, normalize_heading, split_parts
from vaultlink.index.file_kinds import has_known_extension
from vaultlink.index.index import Index
from vaultlink.index.resolve import (
    file_name,
    is_note,
    list_outer_folders,
    normalize_name,
    parent_folder,
    resolve_with_alternatives,
)
from vaultlink.index.titles import find_notes_by_alias, find_similar_paths, unwrap_link
from vaultlink.index.words import find_slip, is_inflection, split_name
from vaultlink.model import BlockId, Note
from vaultlink.text import lazy_pattern, list_first, quote_name

FindPath = Callable[[str], str | None]
"""Returns the vault path that a path on disk leads to, with a slash at the end of a folder.

The vault itself is "/".
"""

FILE_KINDS = (RenameKind.NOTE, RenameKind.ATTACHMENT, RenameKind.FOLDER)
"""The kinds that have a path on disk."""

_IS_VAULT = "is the vault itself, which vaultlink neither renames nor deletes."


class RenamedThing(NamedTuple):
    """The thing to rename; `note_text` is what names the note of a heading or block."""

    kind: RenameKind
    path: str
    subpath: str = ""
    note_text: str = ""


def find_source(index: Index, text: str, find: FindPath) -> RenamedThing:
    """Return what a text names: first a file with `#` in its name. Raises UsageError."""
    if not text.strip():
        raise UsageError("the old name is empty.")
    text = unwrap_link(text, index)
    if text.strip("./") == "":
        raise UsageError(f"{quote_name(text)} {_explain_dots(text, find(text))}")
    if text not in index.files:
        if text.startswith("#"):
            return _find_tag(index, text)
        if "#" in text:
            found = _look_up(index, text, find)
            return _make_source(found) if found else _find_part(index, text, find)
    found = _look_up(index, text, find)
    if found is None:
        raise UnknownNameError(_explain_unknown_path(index, text))
    return _make_source(found)


def find_aliased_note(index: Index, alias: str) -> str | None:
    """Return the only note with an alias, or None; UsageError if several have it."""
    notes = find_notes_by_alias(alias, index)
    if len(notes) > 1:
        listed = list_first(notes, 4)
        problem = f"several notes have the alias {quote_name(alias)}."
        raise UsageError(f"{problem} Write the path: {listed}.")
    return notes[0] if notes else None


def _explain_dots(text: str, on_disk: str | None) -> str:
    """Return what a word of dots and slashes is, given where it leads."""
    if on_disk is None and ".." in text:
        return "is outside the vault."
    return _IS_VAULT if on_disk in (None, "/") else f"is {on_disk} here. Name it by its path."


def _make_source(path: str) -> RenamedThing:
    if path.endswith("/"):
        return RenamedThing(RenameKind.FOLDER, path[:-1])
    return RenamedThing(RenameKind.NOTE if is_note(path) else RenameKind.ATTACHMENT, path)


def _look_up(index: Index, text: str, find: FindPath) -> str | None:
    """Return the path, that of a folder with a slash, or None. Raises UsageError."""
    path = text.removeprefix("./").removeprefix("/")
    if path in index.files:
        return path
    folder = find_folder(index, path)
    on_disk = find(text)
    if on_disk == "/":
        raise UsageError(f"{quote_name(text)} {_IS_VAULT}")
    if on_disk and (problem := explain_hidden(on_disk)):
        raise UsageError(f"{problem} Nothing was written.")
    if text.endswith("/"):
        return f"{folder}/" if folder else on_disk if on_disk and on_disk.endswith("/") else None
    chosen, others = resolve_with_alternatives("", path, index.names)
    if folder and on_disk and on_disk.endswith("/"):
        on_disk = None
    found = on_disk or chosen
    if folder and found:
        raise UsageError(f"{quote_name(text)} is both {folder}/ and {found}. Write one of these.")
    wanted = normalize_name(path)  # a name, unless it is the path of the chosen file
    is_path = chosen is not None and normalize_name(chosen) in (wanted, f"{wanted}.md")
    if chosen and found == chosen and on_disk is None and others and not is_path:
        listed = list_first(sorted([chosen, *others]), 4)
        problem = f"several files have the name {quote_name(text)}."
        raise UsageError(f"{problem} Write the path: {listed}.")
    return f"{folder}/" if folder else found


def explain_hidden(path: str) -> str:
    """Return that a name in a vault path is hidden, as a sentence; else ""."""
    parts = path.split("/")
    hidden = next((part for part in parts if part[:1] == "." and part not in (".", "..")), "")
    return hidden and f"{hidden} is hidden: Obsidian ignores names that begin with a dot."


def _find_part(index: Index, text: str, find: FindPath) -> RenamedThing:
    ends = [at for at, char in enumerate(text) if char == "#"]
    for end in reversed(ends):
        path = _look_up(index, text[:end], find) if end else None
        if path is not None and not path.endswith("/"):
            return _find_anchored(index, path, text, end)
    raise UnknownNameError(_explain_unknown_path(index, text[: ends[0]]))


def _find_anchored(index: Index, path: str, text: str, end: int) -> RenamedThing:
    note = index.notes.get(path) if is_note(path) else None
    if note is None:
        raise UsageError(f"{path} is not a note, so it has no headings or blocks to rename.")
    parts = split_parts(text[end:])
    if not parts:
        raise UsageError(f"{quote_name(text)} names no heading: there is nothing behind the #.")
    anchor = find_anchor(note, text[end:])
    if isinstance(anchor, BlockId):
        return RenamedThing(RenameKind.BLOCK, path, f"#^{anchor.id}", text[:end])
    # Links with the id of a missing block lead to a heading of that text. That is not meant here.
    headings = {normalize_heading(item.text) for item in note.headings}  # without block ids
    is_heading = len(parts) == 1 and normalize_heading(parts[0]) in headings
    if parts[-1].startswith("^") or (anchor is None and not is_heading):
        raise UnknownNameError(_explain_unknown_part(note, parts[-1]))
    return RenamedThing(RenameKind.HEADING, path, f"#{'#'.join(parts)}", text[:end])


def _find_tag(index: Index, text: str) -> RenamedThing:
    name = text[1:].rstrip("/")
    known = sorted({tag.name for path in index.notes for tag in index.notes[path].tags})
    if name and any(f"{tag}/".lower().startswith(f"{name}/".lower()) for tag in known):
        return RenamedThing(RenameKind.TAG, name)
    near = [f"#{tag}" for tag in _find_similar(name.lower(), known)]
    hint = propose(near, "A heading is named with its note, as in Note#Heading.")
    raise UnknownNameError(f"no note has the tag #{name}. {hint}")


def find_folder(index: Index, path: str) -> str | None:
    """Return a folder's path as the vault writes it; None if it contains no file."""
    path = path.strip("/")
    files = index.files_by_path[f"{normalize_name(path)}/"] if path else ()
    if not files:
        return None
    if any(file.startswith(f"{path}/") for file in files):
        return path
    return "/".join(files[0].split("/")[: path.count("/") + 1])


def find_near_folder(index: Index, path: str) -> str | None:
    """Return the folder that a missing one is likely a misspelling of, or None.

    Both are in the same folder, and their names have the same words, or differ in the form or in a
    typing error of one word. Numbers are never typing errors: `2025` is not `2026`.
    """
    path = path.strip("/")
    if not path or find_folder(index, path):
        return None
    missing = path
    while (parent := parent_folder(missing).rstrip("/")) and not find_folder(index, parent):
        missing = parent
    known = {folder for file in index.files for folder in list_outer_folders(file)}
    beside = sorted(folder for folder in known if parent_folder(folder) == parent_folder(missing))
    near = (folder for folder in beside if _is_near(file_name(missing), file_name(folder)))
    found = next(near, None)
    return found and found + path[len(missing) :]


_MIN_SLIP_LETTERS = 5
"""Letters of a word with a typing error. Shorter words are others: `Work`, `Word`."""


def _is_near(one: str, other: str) -> bool:
    words, others = split_name(one), split_name(other)
    pairs = [pair for pair in zip(words, others, strict=False) if pair[0] != pair[1]]
    if len(words) != len(others) or len(pairs) != 1:
        return bool(words) and words == others
    [(word, near)] = pairs
    if not (word.isalpha() and near.isalpha()):
        return False
    slip = find_slip(word, near)
    is_slip = slip is not None and slip.at > 0 and min(len(word), len(near)) >= _MIN_SLIP_LETTERS
    return is_inflection(word, near) or is_slip


def _explain_unknown_path(index: Index, text: str) -> str:
    from vaultlink.index.suggest import Suggester  # noqa: PLC0415 - only for this message

    near = [item.path for item in Suggester(index)(text.rstrip("/"))]
    near = near or find_similar_paths(text, index.files)
    advice = "A note is named by its path in the vault, or as in a link; a folder by its path."
    hint = explain_hidden(text.removeprefix("./")) or explain_word(text, is_unknown=not near)
    hint = hint or propose(near[:2], advice)
    kind = "folder" if text.endswith("/") else "note, attachment or folder"
    return f"there is no {kind} {quote_name(text)} in the vault. {hint}"


def _explain_unknown_part(note: Note, part: str) -> str:
    kind, known = "heading", [heading.text for heading in note.headings]
    if part.startswith("^"):
        kind, known = "block", [f"^{block.id}" for block in note.blocks]
    near = [f"{note.path}#{name}" for name in _find_similar(part, known)]
    hint = propose(near, f"`vaultlink show {shlex.quote(note.path)}` lists its {kind}s.")
    return f"{note.path} has no {kind} {quote_name(part)}. {hint}"


def _find_similar(name: str, known: Iterable[str]) -> list[str]:
    from difflib import get_close_matches  # noqa: PLC0415 - only for messages

    by_key = {item.lower(): item for item in known}
    return [by_key[key] for key in get_close_matches(name.lower(), by_key, 2, 0.6)]


# -- read the arguments of a rename: old and new names, as users write them ------------------------
# `OLD` is the path or link name of a note, the path of an attachment or folder, a heading or block
# as in a link, or a tag. Messages of errors are for the user.


_PLAN_HEADER = ("old", "new")

_EXTENSION = lazy_pattern(r"\.[A-Za-z0-9]{1,10}$")
_HEADING_MARKS = lazy_pattern(r"^#{1,6}\s+")


class RenameRow(NamedTuple):
    """A line of a plan file with its number from 1, and why it can't be read, if so."""

    old: str
    new: str
    line: int
    problem: str = ""


def read_rename(index: Index, old: str, new: str, find: FindPath) -> Rename:
    """Return the rename that two arguments describe.

    `old` is a note, attachment, folder, heading (`Note#A#B`), block (`Note#^id`) or tag (`#a/b`);
    `new` a name in the same folder, a path in the vault (with a slash), the text of a heading, a
    block id, or a tag. Raises UsageError if nothing has the old name, or several do.
    """
    source = find_source(index, old, find)
    if source.kind in FILE_KINDS:
        new = unwrap_link(new, index)
    if not new.strip():
        raise UsageError(f"the new name of {quote_name(old)} is empty.")
    if source.kind is RenameKind.TAG:
        return Rename(source.kind, f"#{source.path}", f"#{new.removeprefix('#').rstrip('/')}")
    if source.kind in FILE_KINDS:
        return Rename(source.kind, source.path, _complete_path(index, source, new))
    text = _read_part_name(index, source, new.strip(), find)
    if source.kind is RenameKind.BLOCK:
        text = f"^{text.removeprefix('^')}"
    return Rename(source.kind, f"{source.path}{source.subpath}", f"{source.path}#{text}")


def _read_part_name(index: Index, source: RenamedThing, new: str, find: FindPath) -> str:
    """Return the new name of a part. Raises UsageError if it names another note's."""
    text = new.removeprefix(f"{source.note_text}#").strip()
    if source.kind is RenameKind.HEADING:
        text = _HEADING_MARKS.sub("", text)
    name, sign, part = text.partition("#")
    if not sign or not name.strip() or part[:1].isspace():
        return text
    path = _look_up(index, name, find)
    if path == source.path:
        return part.strip()
    if path is not None and not path.endswith("/"):
        raise UsageError(
            f"{quote_name(new)} names a part of {path}. A heading or block stays in its note; "
            "`vaultlink extract` makes a section a note of its own."
        )
    return text


def read_renames(index: Index, rows: Sequence[RenameRow], find: FindPath) -> tuple[Rename, ...]:
    """Return the renames of a plan file. Raises a UsageError with the errors of all."""
    problems: list[str] = []
    renames: list[Rename] = []
    for row in rows:
        try:
            if row.problem:
                raise UsageError(row.problem)
            renames.append(read_rename(index, row.old, row.new, find))
        except UsageError as error:
            problems.append(f"line {row.line}: {error}")
    if problems:
        raise UsageError("\n".join(problems))
    return follow_folders(renames, [row.new for row in rows])


def follow_folders(renames: Sequence[Rename], names: Sequence[str]) -> tuple[Rename, ...]:
    """Return renames at once; a name without a slash stays in its renamed folder."""
    folders = {item.old: item.new for item in renames if item.kind is RenameKind.FOLDER}
    return tuple(
        item if "/" in name.removeprefix("./").rstrip("/") else _follow_folder(item, folders)
        for item, name in zip(renames, names, strict=True)
    )


def read_move(
    index: Index, sources: Sequence[str], folder: str, find: FindPath
) -> tuple[Rename, ...]:
    """Return the moves into a folder, which may be new, or `/`. Raises UsageError."""
    into = read_folder(index, folder, find)
    renames = []
    for text in sources:
        source = find_source(index, text, find)
        if source.kind not in FILE_KINDS:
            raise UsageError(
                f"{quote_name(text)} is {source.kind.with_article()} and can't be moved. "
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
        problem = f"{quote_name(text)} is {source.kind.with_article()}."
        raise UsageError(f"{problem} A section is named as in Note#Heading.")
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
            problem = f"{quote_name(word)} is {source.kind.with_article()}."
            raise UsageError(f"{problem} Only notes can be merged.")
    return sources[0].path, sources[1].path


def read_plan_file(text: str) -> list[RenameRow]:
    """Return the lines of a plan file, those with errors too.

    Each line has an old name, a tab and a new name. A first line `old`, tab, `new` is skipped, as
    are blank lines. Raises a UsageError if there is no line.
    """
    rows: list[RenameRow] = []
    lines: dict[str, int] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        cells = line.removesuffix("\r").split("\t")
        is_header = not rows and tuple(cells) == _PLAN_HEADER
        if is_header or not "".join(cells).strip():
            continue
        old, new = (cells[0], cells[1]) if len(cells) == 2 else (line, "")
        problem = ""
        if len(cells) != 2:
            problem = "expected the old name, a tab and the new name."
        elif not (old.strip() and new.strip()):
            problem = f"the {'new' if old.strip() else 'old'} name is missing."
        elif (first := lines.setdefault(old, number)) != number:
            problem = f"{quote_name(old)} is renamed in line {first} already."
        rows.append(RenameRow(old, new, number, problem))
    if not rows:
        raise UsageError("there is no rename in it.")
    return rows


def _complete_path(index: Index, source: RenamedThing, new: str) -> str:
    folder, name = parent_folder(source.path), file_name(source.path)
    if source.kind is RenameKind.FOLDER and find_folder(index, new) in (None, source.path):
        new = new.rstrip("/") or new  # as in `Old/ New/`, and `sea/ Sea/`
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
    is_known = is_note(path) or has_known_extension(path) or not has_known_extension(old_name)
    return path if new and is_known else path + old[0]


def _spell_folders(index: Index, path: str) -> str:
    """Return a path with its folders as the vault writes them."""
    folder = parent_folder(path).rstrip("/")
    while folder:
        known = find_folder(index, folder)
        if known:
            return known + path[len(folder) :]
        folder = parent_folder(folder).rstrip("/")
    return path


def read_folder(index: Index, text: str, find: FindPath) -> str:
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
        problem = f"{quote_name(text)} is not a folder{f', but the file {file}' if file else ''}."
        raise UsageError(f"{problem} `vaultlink rename OLD NEW` changes the name of a file.")
    named = None if text.endswith("/") else resolve_with_alternatives("", path, index.names)[0]
    if named is not None:
        problem = f"there is no folder {quote_name(text)}, but a file {named}."
        raise UsageError(f"{problem} {text}/, with a slash at the end, makes the new folder.")
    path = path.rstrip("/")
    return _spell_folders(index, f"{path}/")


def _follow_folder(item: Rename, folders: Mapping[str, str]) -> Rename:
    parent = next((folder for folder in list_outer_folders(item.old) if folder in folders), None)
    stays = parent_folder(item.new) == parent_folder(item.old)
    if item.kind not in FILE_KINDS or parent is None or not stays:
        return item
    return replace(item, new=folders[parent] + item.new[len(parent) :])
