"""Find the reasons not to make a rename. The disk is asked through functions."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple
from unicodedata import category

from vaultlink.config.layers import CONFIG_NAMES
from vaultlink.config.protection import PROTECTED
from vaultlink.fix.plan import Plan, Rename, RenameKind
from vaultlink.index.index import Index, link_name
from vaultlink.index.resolve import (
    file_name,
    is_note,
    list_outer_folders,
    normalize_name,
    parent_folder,
)
from vaultlink.obsidian import TRASH_FOLDER
from vaultlink.refactor.arguments import FILE_KINDS, explain_hidden, find_folder
from vaultlink.refactor.refactoring import MOST_NAMED
from vaultlink.refactor.relocation import RefusedError, expand
from vaultlink.refactor.tags import find_tag_conflict, rename_in_tag, validate_tag
from vaultlink.rules.portable_names import (
    NameLimits,
    check_path_length,
    find_link_problems,
    find_name_problems,
)
from vaultlink.text import lazy_pattern, quote_name

_UNLINKABLE_PART = lazy_pattern(r"#|\||\[\[|\]\]")
_MAX_LISTED = 20
"""Problems that an error message lists."""


class DiskProbe(NamedTuple):
    """The questions of renames about the disk. All paths are vault paths.

    Attributes:
        exists: True if there is a file, folder or link, whether or not it is hidden.
        is_same: True if two paths lead to the same file or folder, as where case is ignored.
        is_folder: True for a folder, also behind a link.
        is_link: True for a symbolic link.
        is_outside: True for a folder that is outside the vault, behind a link; of one that does not
            exist, its nearest outer folder counts.
        is_listed: True for a path that vaultlink and Obsidian list, by its names.
    """

    exists: Callable[[str], bool]
    is_same: Callable[[str, str], bool]
    is_folder: Callable[[str], bool]
    is_link: Callable[[str], bool]
    is_outside: Callable[[str], bool]
    is_listed: Callable[[str], bool]


def refuse_renames(
    renames: Sequence[Rename],
    index: Index,
    disk: DiskProbe,
    limits: NameLimits = NameLimits(),  # noqa: B008 - immutable
    *,
    merge: bool = False,
) -> None:
    """Raise a RefusedError with all reasons not to make renames, if there are any.

    The new names of headings and blocks are not checked. With `merge`, a new tag may exist already.
    """
    raise_problems(list(list_problems(renames, index, disk, limits, merge=merge)))


def refuse_new_note(path: str, index: Index, disk: DiskProbe, limits: NameLimits) -> None:
    """Raise a RefusedError with all reasons not to create a note, if there are any."""
    item = Rename(RenameKind.NOTE, "", path)
    problems = list(_check_new_path(item, index, disk, limits))
    existing = index.files_by_path[normalize_name(path)]
    if existing:
        problems.append(_describe_existing(existing[0], path))
    elif not problems:
        problems += _Targets([item], index, disk).list_problems(limits.max_path)
    raise_problems(problems)


def refuse_protected(plan: Plan) -> None:
    """Raise a RefusedError if protected paths would be moved, made or removed.

    The trash in the vault takes deleted files, whatever the settings are. The files of the settings
    themselves are protected: without them, nothing would be.
    """
    made = {path for path, texts in plan.texts.items() if None in texts}
    files = made.union(plan.files, plan.files.values())
    folders = {path for pair in plan.moves.items() for path in pair} - files
    find_protection = plan.before.settings.find_protection
    settings_files = sorted(files.intersection(CONFIG_NAMES))
    about = "is a settings file. No command moves, makes or deletes one in this way."
    raise_problems([f"{path} {about}" for path in settings_files])
    for paths in (files, folders):
        found = [(path, find_protection(path)) for path in sorted(paths)]
        problems = {
            path: "is protected in the settings."
            if why == PROTECTED
            else f"can't be changed: {why}."
            for path, why in found
            if why and not path.startswith(f"{TRASH_FOLDER}/")
        }
        raise_problems([f"{path} {problem}" for path, problem in problems.items()])


def refuse_skipped(plan: Plan, advice: str = "") -> None:
    """Raise a RefusedError, with `advice` at its end, if notes can't be changed."""
    named = [f"{note.path} can't be changed: {note.reason}" for note in plan.skipped[:MOST_NAMED]]
    others = len(plan.skipped) - len(named)
    more = f" {others:,} more can't be changed either." if others else ""
    if named:
        raise RefusedError(f"{'. '.join(named)}.{more} Nothing was written. {advice}".rstrip())


def refuse_unread(plan: Plan, folders: Iterable[tuple[str, str]]) -> None:
    """Raise a RefusedError if `folders` without access (path, reason) would change."""
    changed = tuple([f"{path}/" for path in (*plan.moves, *(item.path for item in plan.deleted))])
    unread = [pair for pair in folders if f"{pair[0]}/".startswith(changed)]
    raise_problems([f"the folder {folder} can't be read: {reason}." for folder, reason in unread])


def raise_problems(problems: Sequence[str]) -> None:
    """Raise a RefusedError with these problems, as sentences, if there are any."""
    if len(problems) == 1:
        raise RefusedError(f"{problems[0]} Nothing was written.")
    if problems:
        listed = [f"  {problem}" for problem in problems[:_MAX_LISTED]]
        others = len(problems) - len(listed)
        listed += [f"  … and {others:,} more."] if others else []
        title = f"nothing was written, because of {len(problems):,} problems:"
        raise RefusedError("\n".join([title, *listed]))


def list_problems(
    renames: Sequence[Rename],
    index: Index,
    disk: DiskProbe,
    limits: NameLimits,
    *,
    merge: bool = False,
) -> Iterator[str]:
    """Yield the reasons not to make renames, as sentences."""
    yield from _find_repeated(renames)
    paths = [item for item in renames if item.kind in FILE_KINDS]
    invalid: set[str] = set()
    for item in renames:
        if item.old == item.new:
            yield f"{item.old} has this {'path' if item.kind in FILE_KINDS else 'name'} already."
        elif item.kind in FILE_KINDS:
            problems = [*_check_source(item, disk), *_check_new_path(item, index, disk, limits)]
            invalid |= {item.old} if problems else set()
            yield from problems
    yield from _check_tags(renames, index, merge=merge)
    valid = [item for item in paths if item.old not in invalid and item.old != item.new]
    if valid:
        yield from _Targets(valid, index, disk).list_problems(limits.max_path)


def _find_repeated(renames: Iterable[Rename]) -> Iterator[str]:
    counts = Counter(
        item.old if item.kind in FILE_KINDS else (item.kind, item.old.lower()) for item in renames
    )
    for key, count in counts.items():
        if count > 1:
            yield f"{key if isinstance(key, str) else key[1]} is renamed {count} times."


def _check_source(item: Rename, disk: DiskProbe) -> Iterator[str]:
    if disk.is_link(item.old):
        yield f"{item.old} is a symbolic link, which vaultlink does not rename."
    elif disk.is_outside(parent_folder(item.old).rstrip("/")):
        yield f"{item.old} is outside the vault, behind a symbolic link."


def _check_new_path(
    item: Rename, index: Index, disk: DiskProbe, limits: NameLimits
) -> Iterator[str]:
    parts = item.new.split("/")
    if ".." in parts:
        yield f"{item.new} contains “..”. Write the path from the vault's root."
    elif not {"", "."}.isdisjoint(parts):
        yield f"{item.new} is not a valid path in the vault."
    elif problem := explain_hidden(item.new):
        yield problem
    elif not all(map(disk.is_listed, (item.new, *list_outer_folders(item.new)))):
        yield f"{item.new} is the name of a temporary file, which Obsidian ignores."
    else:
        yield from _check_names(item, index, limits)
    if item.kind is RenameKind.ATTACHMENT and is_note(item.new):
        yield f"{item.old} is an attachment, and can't become a note by another name."
    if item.kind is RenameKind.FOLDER and item.new.startswith(f"{item.old}/"):
        yield f"{item.new} is in the folder {item.old}, which can't be moved into itself."
    elif ".." not in parts and disk.is_outside(parent_folder(item.new).rstrip("/")):
        yield f"{item.new} is outside the vault, behind a symbolic link."
    elif ".." not in parts and (link := _find_linked_folder(item.new, index, disk)):
        yield f"{item.new} is behind {link}, which is a symbolic link."


def _find_linked_folder(path: str, index: Index, disk: DiskProbe) -> str | None:
    """Return the folder of a path that is a symbolic link and is not listed, or None."""
    links = filter(disk.is_link, list_outer_folders(path))
    return next((folder for folder in links if not find_folder(index, folder)), None)


def _check_names(item: Rename, index: Index, limits: NameLimits) -> Iterator[str]:
    """Yield the problems of the names in a new path that are new there."""
    folders = [folder for folder in list_outer_folders(item.new) if not find_folder(index, folder)]
    places = [*folders, *([item.new] if file_name(item.new) != file_name(item.old) else [])]
    for place in places:
        name = file_name(place)
        is_file = place == item.new and item.kind is not RenameKind.FOLDER
        problems = list(find_name_problems(name, limits.allowed, limits.max_bytes))
        problems = problems or list(_find_link_problems(place, is_file=is_file))
        yield from (f"the name {quote_name(name)} {problem}." for problem in problems)


def _find_link_problems(path: str, *, is_file: bool) -> Iterator[str]:
    """Yield the reason why no link can contain the name of a file or folder."""
    name = link_name(path) if is_file else file_name(path)
    if half := next((char for char in name if category(char) == "Cs"), ""):
        yield f"contains U+{ord(half):04X}, which is only a part of a character"
    elif name != name.strip():
        yield "begins or ends with a space, which no link keeps"
    elif is_file and (problem := next(find_link_problems(path, frozenset()), None)):
        yield problem
    elif match := _UNLINKABLE_PART.search(name):
        yield f"contains {match[0]}, so no wikilink can contain it"


def _check_tags(renames: Sequence[Rename], index: Index, *, merge: bool) -> Iterator[str]:
    """Yield the new tags that are not valid, or exist and may not be merged."""
    pairs = [(item.old[1:], item.new[1:]) for item in renames if item.kind is RenameKind.TAG]
    counts = Counter(new.lower() for _, new in pairs)
    for old, new in pairs:
        try:
            validate_tag(new)
        except RefusedError as error:
            yield str(error)
            continue
        existing = None if merge or old == new else find_tag_conflict(index, old, new)
        is_free = existing and any(rename_in_tag(existing, tag, "x") for tag, _ in pairs)
        if existing and not is_free:
            yield f"the tag #{existing} exists already. --merge merges #{old} into it."
        elif counts[new.lower()] > 1 and not merge:
            yield f"several tags would become #{new}. --merge merges them."


class _Targets:
    def __init__(self, renames: Sequence[Rename], index: Index, disk: DiskProbe) -> None:
        self._renames, self._index, self._disk = renames, index, disk
        self._moves, self._files = expand(renames, index)
        self._folders = {item.old for item in renames if item.kind is RenameKind.FOLDER}
        self._staying = {normalize_name(path): path for path in index.files.difference(self._files)}
        self._moved_by_key: dict[str, list[str]] = {}
        for path in self._moves:
            self._moved_by_key.setdefault(normalize_name(path), []).append(path)

    def list_problems(self, max_path: int) -> Iterator[str]:
        """Yield the reasons why the new paths can't be taken, as sentences."""
        yield from self._find_common_targets()
        reported = set()
        for old, new in self._files.items():
            existing = self._staying.get(normalize_name(new))
            if existing is not None:
                reported.add(new)
                yield _describe_existing(existing, new)
            if len(new) * 2 > max_path and len(new) > len(old):
                yield from (f"{new} {problem}." for problem in check_path_length(new, max_path))
        yield from self._find_existing_folders(reported)
        for old, new in self._moves.items():
            if new not in reported and self._is_taken_on_disk(old, new):
                kind = "folder" if self._disk.is_folder(new) else "file"
                yield f"there is a {kind} {new} on the disk already, which Obsidian does not show."
        yield from self._find_files_above()

    def _find_common_targets(self) -> Iterator[str]:
        seen: dict[str, str] = {}
        pairs = {item.old: item.new for item in self._renames}
        for old, new in {**pairs, **self._files}.items():
            first = seen.setdefault(normalize_name(new), old)
            if first != old:
                yield f"{first} and {old} would both become {new}."
        spelled: dict[str, str] = {}
        for new in self._files.values():
            for folder in list_outer_folders(new):
                other = spelled.setdefault(normalize_name(folder), folder)
                if other != folder:
                    yield f"the new folders {other} and {folder} differ only in case or accents."
                    return

    def _find_existing_folders(self, reported: set[str]) -> Iterator[str]:
        for item in self._renames:
            if item.kind is not RenameKind.FOLDER:
                continue
            existing = find_folder(self._index, item.new)
            if not existing or existing == item.old:
                continue
            if self._folders.isdisjoint((existing, *list_outer_folders(existing))):
                reported.add(item.new)
                yield f"there is a folder {existing} already; `vaultlink move` moves into it."

    def _is_taken_on_disk(self, old: str, new: str) -> bool:
        """Return True if something that is not indexed, and stays, has a new path."""
        disk = self._disk
        is_moved = any(path in self._moves for path in (new, *list_outer_folders(new)))
        if is_moved or not disk.exists(new) or disk.is_same(old, new):
            return False
        namesakes = self._moved_by_key.get(normalize_name(new), ())
        return not any(disk.is_same(path, new) for path in namesakes)

    def _find_files_above(self) -> Iterator[str]:
        """Yield the files that would be above a new path."""
        final = {**self._staying, **{normalize_name(new): new for new in self._files.values()}}
        below = {
            folder: new
            for new in (*self._files.values(), *self._moves.values())
            for folder in list_outer_folders(new)
        }
        for folder, new in below.items():
            file = final.get(normalize_name(folder)) or self._find_hidden_file(folder)
            if file:
                yield f"{file} is a file, so {new} can't be below it."

    def _find_hidden_file(self, folder: str) -> str | None:
        """Return a path that is a file on disk and not indexed."""
        if find_folder(self._index, folder) or folder in self._files:
            return None
        disk = self._disk
        return folder if disk.exists(folder) and not disk.is_folder(folder) else None


def _describe_existing(existing: str, new: str) -> str:
    if existing == new:
        return f"there is a file {new} already."
    return f"there is a file {existing} already; no link could tell it from {new}."
