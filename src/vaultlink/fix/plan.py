"""A planned change of a vault: proven, but not written.

Fixes, sections, mentions, renames, extractions and merges all make a `Plan`. It can be printed as a
diff or as data, joined with a later one, and written. Bytes are made only here, in `writes` and
`diff_lines`. Paths in a plan are those before its moves.
"""

from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Self, TypeVar

import msgspec
from msgspec.structs import replace

from vaultlink.engine.diagnostics import MENTION
from vaultlink.engine.step import Change, Presence, State, step
from vaultlink.fix.select import FindingWithFix
from vaultlink.fix.verify import BrokenPromise
from vaultlink.index.resolve import list_outer_folders
from vaultlink.links.edit_math import OffsetShift, find_edit, join_edits
from vaultlink.model import Diagnostic, Edit, PendingWrite, SkippedNote
from vaultlink.text import line_and_column, line_starts

if TYPE_CHECKING:
    from vaultlink.fix.diff import DiffLine


class RenameKind(StrEnum):
    """The kind of thing that is renamed."""

    NOTE = "note"
    ATTACHMENT = "attachment"
    FOLDER = "folder"
    HEADING = "heading"
    BLOCK = "block"
    TAG = "tag"

    def with_article(self) -> str:
        """Return the name of the kind with its article, such as `an attachment`."""
        return f"an {self}" if self is RenameKind.ATTACHMENT else f"a {self}"


class Rename(msgspec.Struct, frozen=True):
    """A requested rename, with complete names.

    Attributes:
        kind: What is renamed.
        old: The vault path of a file or folder (without a slash at the end), `path#heading`,
            `path#heading#heading`, `path#^block`, or `#tag`.
        new: The same, afterwards. The path of a heading or block is that before the run.
    """

    kind: RenameKind
    old: str
    new: str


class DeletedThing(msgspec.Struct, frozen=True):
    """A note, attachment or folder to delete, by its vault path."""

    kind: RenameKind
    path: str


class NamedPlace(NamedTuple):
    """A link or another place in a file that names what a plan renames or removes.

    Attributes:
        path: Vault path of the file, before the run.
        line: Line of the place, 1-based.
        column: Column of the place, 1-based.
        text: The link as written, or the line without the spaces around it.
    """

    path: str
    line: int
    column: int
    text: str


class CapturedLink(NamedTuple):
    """An unresolved link that resolves after the run.

    Attributes:
        path: Vault path of the note that contains the link, before the run.
        line: Line of the link, 1-based.
        column: Column of the link, 1-based.
        raw: The link as written.
        target: Vault path of the file that it leads to after the run.
    """

    path: str
    line: int
    column: int
    raw: str
    target: str


class LeftOutProperty(NamedTuple):
    """A property of a removed note that the note with its text does not get.

    Attributes:
        path: Vault path of the removed note.
        line: Line of the property, 1-based.
        key: Its key.
        value: Its value as written, on one line.
        kept: The value that the other note keeps; "" if it has none.
    """

    path: str
    line: int
    key: str
    value: str
    kept: str


_P = TypeVar("_P", NamedPlace, CapturedLink, LeftOutProperty)

ChangedTexts = Mapping[str, tuple[str | None, str | None]]
"""Path to the text before and after; None for no file."""


class VaultChanges(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of the files of a vault.

    Attributes:
        texts: The text of each changed file before and after. None before: it is created. None
            after: it is removed, after all others were written.
        edits: The edits of existing files, sorted. A file of `texts` without any is one edit.
        marked: The files that begin with a byte order mark. It is no part of the texts.
        moves: Old path to new path of each file or folder that is renamed on disk, after the texts
            were written. A folder takes everything in it along; no path is below another one.
        files: Old path to new path of every file that `moves` renames.
        emptied: Folders that are removed if the moves and removals leave them empty.
        required: The paths of `texts` without which nothing else may be written.
        is_whole: True if all must be written or nothing.
    """

    texts: ChangedTexts = {}
    edits: Mapping[str, tuple[Edit, ...]] = {}
    marked: frozenset[str] = frozenset()
    moves: Mapping[str, str] = {}
    files: Mapping[str, str] = {}
    emptied: tuple[str, ...] = ()
    required: frozenset[str] = frozenset()
    is_whole: bool = False

    def __bool__(self) -> bool:
        """Return True if anything would change on disk."""
        return bool(self.texts or self.moves)

    def with_write(self, write: PendingWrite) -> Self:
        """Return these changes and that of a file, such as a settings file."""
        has_mark = all((data or b"").startswith(BOM_UTF8) for data in (write.old, write.new))
        old, new = (_decode(data, len(BOM_UTF8) * has_mark) for data in (write.old, write.new))
        if old == new:
            return self
        marked = self.marked | {write.path} if has_mark else self.marked
        return replace(self, texts={**self.texts, write.path: (old, new)}, marked=marked)

    def writes(self) -> list[PendingWrite]:
        """Return the old and new bytes of each changed file, sorted by path."""
        return [
            PendingWrite(path, self._encode(path, old), self._encode(path, new))
            for path, (old, new) in sorted(self.texts.items())
        ]

    def old_bytes(self, path: str) -> bytes:
        """Return the bytes of a changed file before; b"" if it is created."""
        return self._encode(path, self.texts[path][0]) or b""

    def diff_lines(self) -> "Iterator[DiffLine]":
        """Yield the lines of a patch that `git apply` accepts."""
        from vaultlink.fix.diff import unified_diff  # noqa: PLC0415 - a check prints no patch

        changes = [
            (path, self._mark(path, old), self._mark(path, new))
            for path, (old, new) in sorted(self.texts.items())
        ]
        return unified_diff(changes, self.files)

    def diff(self) -> str:
        """Return a patch that `git apply` accepts."""
        return "".join([f"{line.text}\n" for line in self.diff_lines()])

    def list_edits(self) -> Iterator[Edit]:
        """Yield the edits of files by path. The text of a created file is one."""
        for path in sorted(self.texts):
            old, new = self.texts[path]
            if new is not None:
                yield from self.edits.get(path) or [find_edit(path, old or "", new)]

    def _mark(self, path: str, text: str | None) -> str | None:
        return f"\ufeff{text}" if text is not None and path in self.marked else text

    def _encode(self, path: str, text: str | None) -> bytes | None:
        if text is None:
            return None
        mark = BOM_UTF8 if path in self.marked else b""
        return mark + text.encode("utf-8", "surrogateescape")


def _decode(data: bytes | None, start: int) -> str | None:
    """Decode bytes from an offset on, so that encoding the text gives the same bytes."""
    return None if data is None else data[start:].decode("utf-8", "surrogateescape")


class Plan(VaultChanges, frozen=True, kw_only=True, dict=True):
    """Changes of a vault, with the reasons for them and what becomes of the vault.

    Attributes:
        before: The state before.
        after: The state after.
        done: The fixes made, in order. Those after the first round have offsets in later texts.
        fixed: The findings of the state before that are gone afterwards, with their fixes. The
            first `early_count` of them were fixed in the first round, on the texts before.
        early_count: A number of findings.
        renames: What is renamed.
        deleted: What is deleted.
        trash: Path of each deleted file to its path in the vault's trash; None if it is removed.
        trash_folder: Path on disk of the trash to which copies of removed files go; "" for none.
        breaks: Links that will not resolve.
        captured: Unresolved links that will resolve.
        unchanged: Places that name what is renamed and are not changed.
        left_out: Properties of a removed note that are in no other note afterwards.
        skipped: The notes that should be changed and are not, with the reasons.
        broken_promises: A promise that each safe fix left out would break; each is a bug.
    """

    before: State
    after: State
    done: tuple[FindingWithFix, ...] = ()
    fixed: tuple[FindingWithFix, ...] = ()
    early_count: int = 0
    renames: tuple[Rename, ...] = ()
    deleted: tuple[DeletedThing, ...] = ()
    trash: Mapping[str, str | None] = {}
    trash_folder: str = ""
    breaks: tuple[NamedPlace, ...] = ()
    captured: tuple[CapturedLink, ...] = ()
    unchanged: tuple[NamedPlace, ...] = ()
    left_out: tuple[LeftOutProperty, ...] = ()
    skipped: tuple[SkippedNote, ...] = ()
    broken_promises: tuple[BrokenPromise, ...] = ()

    @property
    def linked(self) -> list[Diagnostic]:
        """The mentions that become links, as findings."""
        return [item for item, _ in self.done if item.rule == MENTION.rule]

    @property
    def fixed_findings(self) -> list[FindingWithFix]:
        """The fixed findings that a check reports: all but mentions."""
        return [pair for pair in self.fixed if pair[0].rule != MENTION.rule]

    def find_old_path(self, path: str) -> str:
        """Return the path before of what has a path after this plan."""
        return _follow(path, self._old_paths)

    def find_new_path(self, path: str) -> str:
        """Return the path after this plan of what has a path before."""
        return self.files.get(path) or _follow(path, self.moves)

    @cached_property
    def _old_paths(self) -> Mapping[str, str]:
        return {new: old for old, new in {**self.moves, **self.files}.items()}

    def then(self, other: "Plan") -> "Plan":
        """Return this plan followed by one for the state after it, as one plan."""
        first, joined = self.find_old_path, _join_changes(self, other)
        skipped = [replace(item, path=first(item.path)) for item in other.skipped]
        trash = {first(path): place for path, place in other.trash.items()}
        deleted = [replace(item, path=first(item.path)) for item in other.deleted]
        emptied = (*self.emptied, *map(first, other.emptied), *joined.paths.emptied)
        return replace(
            other,
            texts={path: pair for path, pair in joined.texts.items() if pair[0] != pair[1]},
            edits={
                path: group
                for path, group in joined.edits.items()
                if path in joined.texts and joined.texts[path][0] is not None
            },
            marked=self.marked | frozenset(map(first, other.marked)),
            moves=joined.paths.moves,
            files=joined.paths.files,
            emptied=tuple(dict.fromkeys(emptied)),
            required=self.required | frozenset(map(first, other.required)),
            is_whole=self.is_whole or other.is_whole,
            before=self.before,
            done=(*self.done, *other.done),
            fixed=(*self.fixed, *(self._map_back(pair, first) for pair in other.fixed)),
            early_count=self.early_count,
            renames=(*self.renames, *other.renames),
            deleted=(*self.deleted, *deleted),
            trash=dict(self.trash)
            | {old: place for old, place in trash.items() if old not in joined.unmade},
            trash_folder=other.trash_folder or self.trash_folder,
            breaks=(*self.breaks, *map(self._place_before, other.breaks)),
            captured=(
                *(item._replace(target=other.find_new_path(item.target)) for item in self.captured),
                *map(self._place_before, other.captured),
            ),
            unchanged=(*self.unchanged, *map(self._place_before, other.unchanged)),
            left_out=(*self.left_out, *map(self._place_before, other.left_out)),
            skipped=tuple(dict.fromkeys([*self.skipped, *skipped])),
            broken_promises=(*self.broken_promises, *other.broken_promises),
        )

    def _place_before(self, place: _P) -> _P:
        """Return a place in a file after this plan as one before."""
        path = self.find_old_path(place.path)
        old, new = self.texts.get(path, (None, None))
        place = place._replace(path=path)
        if old is None or new is None:
            return place
        lines = line_starts(new)
        column = place.column if isinstance(place, NamedPlace | CapturedLink) else 1
        at = OffsetShift(self.edits.get(path, ())).map_back(lines[place.line - 1] + column - 1)
        line, column = line_and_column(line_starts(old), at)
        if isinstance(place, LeftOutProperty):
            return place._replace(line=line)
        return place._replace(line=line, column=column)

    def written(self, paths: Collection[str], *, moved: bool = True) -> "Plan":
        """Return the part of a plan that was written; `moved` if its files were moved."""
        missing = self.texts.keys() - frozenset(paths)
        if not missing and (moved or not self.moves):
            return self
        is_any = len(missing) < len(self.texts) or (moved and self.moves)
        early = [_is_written(pair, missing) for pair in self.fixed[: self.early_count]]
        return replace(
            self,
            texts={path: pair for path, pair in self.texts.items() if path not in missing},
            edits={path: group for path, group in self.edits.items() if path not in missing},
            moves=self.moves if moved else {},
            files=self.files if moved else {},
            after=_step_back(self, missing) if is_any else self.before,
            done=tuple([pair for pair in self.done if _is_written(pair, missing)]),
            fixed=tuple([pair for pair in self.fixed if _is_written(pair, missing)]),
            early_count=sum(early),
        )

    def _map_back(self, pair: FindingWithFix, first: Callable[[str], str]) -> FindingWithFix:
        """Return a finding and fix of the texts after as one of the texts before."""
        item, fix = pair
        shifts = {
            path: OffsetShift(self.edits.get(first(path), ()))
            for path in {item.path, *(edit.path for edit in fix.edits)}
        }
        edits = []
        for edit in fix.edits:
            span = shifts[edit.path].map_span_back(edit.start, edit.end)
            edits.append(Edit(first(edit.path), *span, edit.text))
        path = first(item.path)
        start, end = shifts[item.path].map_span_back(item.start, item.end)
        text = self.texts.get(path, (None, None))[0]
        if text is not None:
            item = _move_finding(item, path, text, start, end)
        return item, replace(fix, edits=tuple(edits))


def _move_finding(item: Diagnostic, path: str, text: str, start: int, end: int) -> Diagnostic:
    starts = line_starts(text)
    line, column = line_and_column(starts, start)
    last, end_column = line_and_column(starts, end)
    item = replace(item, path=path, start=start, end=end, line=line, column=column)
    return replace(item, end_line=last, end_column=end_column)


class _JoinedChanges(NamedTuple):
    """The texts, edits and paths of two plans.

    `unmade` are the files that the first one makes and the second one removes.
    """

    texts: dict[str, tuple[str | None, str | None]]
    edits: dict[str, tuple[Edit, ...]]
    paths: "_JoinedPaths"
    unmade: Collection[str]


def _join_changes(one: Plan, other: Plan) -> _JoinedChanges:
    """Return the changes of a plan followed by those of another, by their first paths."""
    first, texts, edits = one.find_old_path, dict(one.texts), dict(one.edits)
    for path, (text, new) in other.texts.items():
        old = first(path)
        texts[old] = one.texts.get(old, (text, None))[0], new
        group = join_edits(one.edits.get(old, ()), other.edits.get(path, ()), text or "")
        edits[old] = tuple([replace(edit, path=old) for edit in group])
    paths = _join_paths(one, other)
    unmade = {path for path, pair in texts.items() if pair == (None, None)}
    gone = [path for path, (_, new) in texts.items() if new is None]
    for path in gone:
        paths.moves.pop(path, None)  # a removed file is removed at its first path
        paths.files.pop(path, None)
    made = [path for path in paths.files if texts.get(path, ("",))[0] is None]
    used = {place for path in paths.files.keys() - made for place in _list_places(path)}
    for path in paths.moves.keys() - used:
        del paths.moves[path]
    split = {*one.moves, *map(first, other.moves)} - paths.moves.keys()
    left = {place for path in gone for place in list_outer_folders(path)}
    paths.emptied.extend(sorted(one for one in left if not split.isdisjoint(_list_places(one))))
    for path in made:
        if paths.moves.keys().isdisjoint(_list_places(path)):
            texts[paths.files.pop(path)] = texts.pop(path)  # it is created at its last path
    return _JoinedChanges(texts, edits, paths, unmade)


class _JoinedPaths(NamedTuple):
    """The moves and files of two plans, and the folders that are moved file by file."""

    moves: dict[str, str]
    files: dict[str, str]
    emptied: list[str]


def _join_paths(one: Plan, other: Plan) -> _JoinedPaths:
    """Return the moves of two plans as one, those of whole folders where possible."""
    files = {old: other.find_new_path(new) for old, new in one.files.items()}
    files |= {one.find_old_path(old): new for old, new in other.files.items()}
    files |= {
        old: path
        for path, (text, _) in other.texts.items()
        if text is None and (old := one.find_old_path(path)) != path
    }
    made = [path for path, (text, _) in other.texts.items() if text is None]
    staying = [path for path, new in files.items() if path == new]
    staying += [path for path in made if one.find_old_path(path) == path]
    files = {old: new for old, new in files.items() if old != new}
    moves = {old: other.find_new_path(new) for old, new in one.moves.items()}
    moves |= {one.find_old_path(old): new for old, new in other.moves.items()}
    moves = {old: new for old, new in moves.items() if old != new}
    places = (*moves, *moves.values(), *staying)
    above = {folder for path in places for folder in list_outer_folders(path)}
    folders = {old: new for old, new in moves.items() if old not in files}
    split = {old for old, new in folders.items() if old in above or new in above}
    moves = {old: new for old, new in moves.items() if old not in split}
    for path, new in files.items() if split else ():
        outer = [place for place in list_outer_folders(path) if place in folders]
        if outer and outer[0] in split:
            moves[path] = new
    emptied = {
        place
        for path in moves
        for place in list_outer_folders(path)
        if not split.isdisjoint(_list_places(place))
    }
    return _JoinedPaths(moves, files, sorted(emptied))


def _list_places(path: str) -> Iterator[str]:
    """Yield a path and the folders above it."""
    yield path
    yield from list_outer_folders(path)


def _follow(path: str, moves: Mapping[str, str]) -> str:
    """Return where a file is after moves of it or of a folder above it."""
    places = (place for place in _list_places(path) if place in moves)
    return next((moves[place] + path[len(place) :] for place in places), path)


def _is_written(pair: FindingWithFix, missing: Collection[str]) -> bool:
    return any(edit.path not in missing for edit in pair[1].edits)


def _step_back(plan: Plan, paths: Collection[str]) -> State:
    """Return the state after a plan without its changes of the notes at these paths."""
    notes = plan.after.index.notes
    changes = []
    for path in paths:
        now, text = plan.files.get(path, path), plan.texts[path][0]
        if now in notes or path in plan.before.index.notes:
            changes.append(Change(now, Presence.GONE if text is None else text))
    return step(plan.after, changes)
