"""Decide which added file a removed one became, between two states of a vault."""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import chain
from math import inf
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from vaultlink.history.matcher import (
    MAX_RIVAL,
    PieceIndex,
    Texts,
    choose_rivals,
    find_number_step,
    is_like,
    is_same_series,
    list_unique_names,
    number_pattern,
    pair_names,
    pick_best,
)
from vaultlink.index.resolve import file_name, is_note, normalize_name, parent_folder
from vaultlink.model import NO_HISTORY, UNCOMMITTED, FileStamp, History, Note
from vaultlink.parse.pieces import NO_PIECES, Pieces, read_pieces, weigh_all
from vaultlink.text import file_extension, group_by, lazy_pattern

_MAX_GROWTH = 5
"""Maximum ratio of the sizes of a file before and after it was replaced by another one."""

_MIN_DOUBT = 0.4
"""Share of a text in a new one from which it is not certain that it was deleted."""

_MIN_KEPT = 0.5
"""Minimum share of its former or present text in a file that was not replaced by another."""

_MIN_RENUMBERED = 0.9
"""Minimum share of common text of two files of a series if one is the other renumbered."""

_MAX_EQUAL_RIVAL = 0.95
"""Maximum share of its text that another note has of one that was renamed, but not edited."""

_MAX_COMPARED = 2_000
"""Maximum number of removed or added notes that are compared by content."""

_MAX_REWRITTEN = 100
"""Maximum number of changed notes of which it is found out whether they were replaced."""

MIN_MERGED = 0.6
"""Minimum share of the text of a deleted note that is found in the notes it went into."""

_MIN_WITNESSES = 2
"""Minimum number of files that show where a folder went."""

_MIN_OWN = 40.0
"""Weight of a text below which it is tiny: a few words."""

_EMPTY_CONTENTS: frozenset[Hashable] = frozenset(
    (
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
        "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
    )
)
"""Names of empty contents: those of git's empty blob."""

FileOutcome = tuple[str, str]
"""What became of a file: one of `OutcomeKind`, and the new path ("" if there is none)."""


class OutcomeKind(StrEnum):
    MOVED = "moved"
    LIKELY = "likely"
    DELETED = "deleted"
    UNKNOWN = "unknown"
    EMPTY = "empty"
    """It had no word and is gone: links to it may be links to a planned note."""


_DELETED: FileOutcome = (OutcomeKind.DELETED, "")
UNKNOWN: FileOutcome = (OutcomeKind.UNKNOWN, "")
_EMPTY: FileOutcome = (OutcomeKind.EMPTY, "")

Content = Hashable
"""The name of a content, such as a blob name. Files with the same one are identical."""

ReadPieces = Callable[[Collection[Content]], Mapping[Content, Pieces | None]]
"""Reads the pieces of contents by their names; None if one can't be read."""


class FileChanges(NamedTuple):
    """The changes between two states of files: paths with names of their contents.

    With `may_be_swapped`, the contents of all changed notes are compared, not only of those that
    another file has the content of, or that are in a series with a removed or added one.
    """

    removed: Mapping[str, Content]
    added: Mapping[str, Content]
    changed: Mapping[str, tuple[Content, Content]]
    may_be_swapped: bool = False

    def name_before(self, path: str) -> Content:
        return self.removed[path] if path in self.removed else self.changed[path][0]

    def name_after(self, path: str) -> Content:
        return self.added[path] if path in self.added else self.changed[path][1]


def match_removed_files(
    files: FileChanges,
    read: ReadPieces,
    notes: PieceIndex | None = None,
    *,
    any_alike: bool = False,
) -> dict[str, FileOutcome]:
    """Return what became of each removed file, and of each replaced one.

    A changed file was replaced if another file has its former content, its present content is that
    of another file or is not similar, and another file moved there, or it was renumbered. If the
    later state is the present one, `notes` are those of the vault: renames of notes that look like
    others of these, as from one template, are only likely. With `any_alike`, a file of which a copy
    was kept was replaced too, and one of several equally similar files is returned; otherwise what
    became of it is unknown. A text without a word counts as empty.
    """
    outcomes = _Pairing(files, read, notes, any_alike).pair()
    if notes is None:
        return outcomes
    renamed = list_renamed(files, outcomes)
    pieces = read([name for note in renamed.values() for name in note[:2]]) if renamed else {}
    return doubt(outcomes, renamed, find_rivals(renamed, pieces, notes), pieces)


class Renamed(NamedTuple):
    """A renamed note: its content before and now, and the paths changed with it.

    `keeps_words` is True if one name has all words of the other.
    """

    before: Content
    now: Content
    changed: Collection[str]
    keeps_words: bool


def list_renamed(files: FileChanges, outcomes: Mapping[str, FileOutcome]) -> dict[str, Renamed]:
    """Return the notes that certainly were given another name, by their former paths."""
    changed = {*files.removed, *files.added, *files.changed}
    return {
        old: Renamed(
            files.name_before(old),
            files.name_after(new),
            changed,
            _keeps_words(_file_stem(old), _file_stem(new)),
        )
        for old, (kind, new) in outcomes.items()
        if kind == OutcomeKind.MOVED and is_note(new) and file_name(old) != file_name(new)
    }


def list_beside(files: FileChanges, outcomes: Mapping[str, FileOutcome]) -> dict[str, set[str]]:
    """Map moved notes to new ones of their names, one of which may be the moved note."""
    taken = {new for kind, new in outcomes.values() if kind == OutcomeKind.MOVED}
    left = [path for path in files.added if is_note(path) and path not in taken]
    beside = {folder: {*paths} for folder, paths in group_by(left, parent_folder).items()}
    return {
        old: beside[parent_folder(old)]
        for old, (kind, new) in outcomes.items()
        if kind == OutcomeKind.MOVED
        and old in files.removed
        and is_note(old)
        and parent_folder(old) in beside
        and file_name(old) == file_name(new)
    }


Place = TypeVar("Place", bound=Hashable)


def find_rivals(
    renamed: Mapping[Place, Renamed], pieces: Mapping[Content, Pieces | None], notes: PieceIndex
) -> dict[Place, list[str]]:
    """Return the present notes that look like renamed ones, for those that have some."""
    shared = {
        place: (pieces.get(note.before) or NO_PIECES) & (pieces.get(note.now) or NO_PIECES)
        for place, note in renamed.items()
    }
    holders = notes.find_holders(frozenset[int]().union(*shared.values()))
    return {
        place: rivals
        for place, note in renamed.items()
        if (rivals := choose_rivals(shared[place], holders, choose_limit(note), note.changed))
    }


def choose_limit(note: Renamed) -> float:
    """Return the share of a renamed note that another one must have for a doubt."""
    if note.before != note.now:
        return MAX_RIVAL
    return inf if note.keeps_words else _MAX_EQUAL_RIVAL


_MIN_KEPT_WORDS = 3
"""Minimum number of bytes of the words that tell that a name was kept."""

_WORD = lazy_pattern(r"\w+")
_NUMBER_AT_END = lazy_pattern(r"[\s_(-]*\d+\)?$")


def _keeps_words(old: str, new: str) -> bool:
    """Return True if one of two names has all words of the other, which are no mere numbers.

    A number at the end makes a name of a series, or one that a program chose: `Untitled 1`.
    """
    one, other = sorted((old, new), key=len)
    words, others = ({*_WORD.findall(name.casefold())} for name in (one, other))
    is_numbered = _NUMBER_AT_END.sub("", other).casefold() == one.casefold()
    size = sum(len(word.encode()) for word in words if not word.isdecimal())
    return words <= others and not is_numbered and size >= _MIN_KEPT_WORDS


def doubt(
    outcomes: Mapping[str, FileOutcome],
    renamed: Mapping[str, Renamed],
    doubtful: Collection[str],
    pieces: Mapping[Content, Pieces | None],
) -> dict[str, FileOutcome]:
    """Return outcomes in which the doubtful renames are likely, and texts without a word empty.

    Such a text tells nothing, but names that share their words do. `pieces` are those of the
    renamed notes.
    """
    likely = {old: (OutcomeKind.LIKELY, outcomes[old][1]) for old in renamed if old in doubtful}
    empty = {
        old: _EMPTY
        for old, note in renamed.items()
        if pieces.get(note.before) == NO_PIECES and not note.keeps_words
    }
    return {**outcomes, **likely, **empty}


class _Pairing:
    def __init__(
        self, files: FileChanges, read: ReadPieces, notes: PieceIndex | None, any_alike: bool
    ) -> None:
        self._files, self._read, self._notes, self._any_alike = files, read, notes, any_alike
        self._added_by_content = group_by(files.added, files.added.__getitem__)
        self._outcomes: dict[str, FileOutcome] = {}
        self._taken, self._empty = set[str](), set[str]()

    def pair(self) -> dict[str, FileOutcome]:
        removed, added, changed, _ = self._files
        now = {path: new for path, (_, new) in changed.items()}
        self._pair_identical(removed, added)
        self._follow_folders()
        self._pair_identical(self._without_outcome(removed), now)
        replaced = self._find_replaced()
        before = {path: changed[path][0] for path in replaced}
        self._pair_identical(before, {**added, **now})
        if not self._any_alike:
            self._doubt_copies()
        targets = {**added, **{path: now[path] for path in replaced}}
        self._pair_similar(self._without_outcome({**removed, **before}), self._not_taken(targets))
        for path in replaced:
            if path in self._taken:
                self._outcomes.setdefault(path, UNKNOWN)
        if not self._any_alike:
            self._keep_notes_that_live_on()
        return {**dict.fromkeys(removed, _DELETED), **self._outcomes, **self._list_empty()}

    def _keep_notes_that_live_on(self) -> None:
        """Forget the moves of changed files whose paths no other file was moved to.

        Such a file is still meant by its path, and the other one is a copy of its former content:
        a rotated log, a backup, a filled stub. A renumbered note was moved all the same: by one, or
        to the number of a note that was moved too.
        """
        moves = {
            old: new for old, (kind, new) in self._outcomes.items() if kind == OutcomeKind.MOVED
        }
        while living := [
            old
            for old in moves.keys() & self._files.changed.keys() - {*moves.values()}
            if not is_note(old)
            or (step := find_number_step(old, moves[old])) == 0
            or (step != 1 and moves[old] not in moves)
        ]:
            for old in living:
                self._taken.discard(moves.pop(old))
                del self._outcomes[old]

    def _list_empty(self) -> dict[str, FileOutcome]:
        """Return the removed notes without a word that no other file certainly is."""
        removed = self._files.removed
        empty = self._empty | {p for p, name in removed.items() if name in _EMPTY_CONTENTS}
        return {
            path: _EMPTY
            for path in removed.keys() & empty
            if is_note(path) and self._outcomes.get(path, UNKNOWN)[0] != OutcomeKind.MOVED
        }

    def _without_outcome(self, sources: Mapping[str, Content]) -> dict[str, Content]:
        return {path: name for path, name in sources.items() if path not in self._outcomes}

    def _not_taken(self, targets: Mapping[str, Content]) -> dict[str, Content]:
        return {path: name for path, name in targets.items() if path not in self._taken}

    def _record(self, old: str, new: str, kind: OutcomeKind = OutcomeKind.MOVED) -> None:
        self._outcomes[old] = (kind, new)
        if kind is OutcomeKind.MOVED:
            self._taken.add(new)

    def _read_notes(self, contents: Mapping[str, Content]) -> dict[str, Pieces]:
        found = self._read(list(dict.fromkeys(contents.values()))) if contents else {}
        pieces = {path: found.get(name) for path, name in contents.items()}
        return {path: known for path, known in pieces.items() if known is not None}

    def _pair_identical(
        self, sources: Mapping[str, Content], targets: Mapping[str, Content]
    ) -> None:
        """Pair files with the same content; what became of others with it is unknown."""
        new_paths = _group_by_content(targets)
        for key, old_paths in _group_by_content(sources).items():
            found = [path for path in new_paths.get(key, ()) if path not in self._taken]
            if not found:
                continue
            is_empty = key[0] in _EMPTY_CONTENTS
            for old, new in pair_names(old_paths, found, is_empty, self._any_alike):
                self._record(old, new)
            for old in old_paths:
                self._outcomes.setdefault(old, UNKNOWN)

    def _follow_folders(self) -> None:
        """Pair what several new files are identical to as the other files of its folder.

        A folder was renamed and parts of it copied. All its other files went to one folder; if that
        has the words of its name, one of them is enough.
        """
        unclear = [old for old, outcome in self._outcomes.items() if outcome == UNKNOWN]
        moves = {old: new for old, (_, new) in self._outcomes.items() if new} if unclear else {}
        places: dict[str, list[str]] = {}
        for old, new in moves.items():
            for folder in _list_folders(old):
                rest = old[len(folder) :]
                place = new.removesuffix(rest) if new.endswith(rest) else ""
                places.setdefault(folder, []).append(place)
        for old in unclear:
            for folder in _list_folders(old):
                found = places.get(folder, [])
                is_sure = len(found) >= _MIN_WITNESSES
                if is_sure or (found and _keeps_words(file_name(folder), file_name(found[0]))):
                    new = found[0] + old[len(folder) :]
                    is_same = self._files.added.get(new) == self._files.removed[old]
                    if is_same and len({*found}) == 1 and new not in self._taken:
                        self._record(old, new)
                    break

    def _find_replaced(self) -> list[str]:
        changed, removed = self._files.changed, self._files.removed
        left = self._without_outcome(removed)
        new_names = {*self._files.added.values(), *(new for _, new in changed.values())}
        linked = {path for path, (old, _) in changed.items() if old in new_names}
        found = [path for path in changed if path in linked and path in self._taken]
        old_names = {old for old, _ in changed.values()}
        patterns = {number_pattern(path) for path in (*left, *self._not_taken(self._files.added))}
        asked = [
            path
            for path, (_, new) in changed.items()
            if not (path in linked and path in self._taken)
            and (
                path in linked
                or path in self._taken
                or new in old_names
                or self._files.may_be_swapped
                or number_pattern(path) in patterns
            )
            and (path in self._taken or not self._continues_series(path))
        ][:_MAX_REWRITTEN]
        before = self._read_notes({path: changed[path][0] for path in asked})
        now = self._read_notes({path: changed[path][1] for path in asked})
        for path in asked:
            is_other = (
                path in before
                and path in now
                and _is_other_text(before[path], now[path])
                and (path in linked or _has_similar_size(before[path], now[path]))
            )
            if is_other or (path in linked and changed[path][1] in old_names):
                found.append(path)
        return found

    def _continues_series(self, path: str) -> bool:
        others = self._added_by_content.get(self._files.changed[path][0], ())
        return any(is_same_series(path, other, dated=True) for other in others)

    def _doubt_copies(self) -> None:
        """Doubt that a file moved to a copy: a script may have made it before the rename.

        A new file beside the former place of the file is like it then.
        """
        removed, added = self._files.removed, self._files.added
        beside = list_beside(self._files, self._outcomes)
        before = self._read_notes({old: removed[old] for old in beside})
        folders = {parent_folder(old): paths for old, paths in beside.items()}
        now = self._read_notes({path: added[path] for path in chain(*folders.values())})
        for old, match in Texts(before, now).match().items():
            if match.new in beside[old]:
                self._taken.discard(self._outcomes[old][1])
                self._record(old, match.new, OutcomeKind.LIKELY)

    def _pair_similar(self, sources: Mapping[str, Content], targets: Mapping[str, Content]) -> None:
        old_names, new_names = (
            {
                path: name
                for path, name in paths.items()
                if is_note(path) and name not in _EMPTY_CONTENTS
            }
            for paths in (sources, targets)
        )
        self._doubt_attachments(sources, targets)
        if not old_names or not new_names:
            return
        if max(len(old_names), len(new_names)) > _MAX_COMPARED:
            self._outcomes.update(dict.fromkeys(old_names, UNKNOWN))
            return
        old, new = self._read_notes(old_names), self._read_notes(new_names)
        is_complete = len(new) == len(new_names)
        unread = [path for path in old_names if path not in old or not is_complete]
        self._outcomes.update(dict.fromkeys(unread, UNKNOWN))
        old, new = (
            {path: pieces for path, pieces in texts.items() if pieces} for texts in (old, new)
        )
        self._empty.update(old_names.keys() - old.keys() - {*unread})
        wanted = frozenset[int]().union(*old.values())
        common = self._notes.find_common(wanted) if self._notes else ()
        texts = Texts(old, new, common=common)
        found = texts.match(list_unique_names(old, new))
        for path, match in found.items():
            if not _is_series_member(path, match.new, old[path], new[match.new]):
                kind = OutcomeKind.MOVED if match.is_certain else OutcomeKind.LIKELY
                self._record(path, match.new, kind)
        present = frozenset[int]().union(*new.values())
        for path, pieces in old.items():
            if path not in self._outcomes and _may_be_one(pieces, present, new.values()):
                self._outcomes[path] = UNKNOWN
        self._pair_alike(texts)

    def _pair_alike(self, texts: Texts[str]) -> None:
        """Pair what is left: tiny notes that are alone, and any alike if asked for."""
        old, new = self._without_moves(texts.old), self._not_taken(dict.fromkeys(texts.new))
        if self._any_alike:
            shared = {(p, o): w for p in old for o, w in texts.shared[p].items() if o in new}
            for path, other in pick_best(shared):
                if 2 * shared[path, other] >= texts.measure(path):
                    self._record(path, other)
        elif len(old) == len(new) == 1:
            [path], [other] = old, new
            is_tiny = max(weigh_all(texts.old[path]), weigh_all(texts.new[other])) < _MIN_OWN
            if is_tiny and not is_same_series(path, other):
                self._record(path, other, OutcomeKind.LIKELY)

    def _without_moves(self, paths: Collection[str]) -> list[str]:
        return [
            path for path in paths if self._outcomes.get(path, UNKNOWN)[0] == OutcomeKind.UNKNOWN
        ]

    def _doubt_attachments(
        self, sources: Mapping[str, Content], targets: Mapping[str, Content]
    ) -> None:
        """Pair attachments by name as uncertain: their contents are not compared."""
        names = {file_name(path).casefold() for path in targets}
        for path in sources:
            if not is_note(path) and file_name(path).casefold() in names:
                self._outcomes[path] = UNKNOWN


def _list_folders(path: str) -> list[str]:
    """Return the folders of a path without a slash at their end, the innermost one first."""
    steps = path.split("/")
    return ["/".join(steps[:size]) for size in range(len(steps) - 1, 0, -1)]


def _file_stem(path: str) -> str:
    return file_name(path).rpartition(".")[0]


def _is_other_text(before: Pieces, now: Pieces) -> bool:
    """Return True if a text is not another one that was edited or shortened."""
    kept = weigh_all(before & now)
    return kept < _MIN_KEPT * weigh_all(before) and kept < _MIN_KEPT * weigh_all(now)


def _has_similar_size(before: Pieces, now: Pieces) -> bool:
    smallest, largest = sorted((weigh_all(before), weigh_all(now)))
    return smallest * _MAX_GROWTH >= largest


def _is_series_member(old: str, new: str, before: Pieces, now: Pieces) -> bool:
    """Return True if two similar files are members of a series, not one renamed file.

    Nearly the same content under another number is a renumbered file, unless the name is a date.
    """
    return is_same_series(old, new) and (
        not is_like(before, now, _MIN_RENUMBERED) or is_same_series(old, new, dated=True)
    )


def _may_be_one(pieces: Pieces, present: Pieces, others: Collection[Pieces]) -> bool:
    """Return True if a text may be one of some others, by common pieces too."""
    least, kept = _MIN_DOUBT * weigh_all(pieces), pieces & present
    may_be = 0 < least <= weigh_all(kept)
    return may_be and any(weigh_all(kept & other) >= least for other in others)


def _group_by_content(paths: Mapping[str, Content]) -> dict[tuple[Content, str], list[str]]:
    return group_by(paths, lambda path: (paths[path], file_extension(path)))


# -- follow files from one state of a vault to a later one -----------------------------------------


class Snapshot(NamedTuple):
    """The files of a vault at one time: stamps (None if unknown), and notes."""

    stamps: Mapping[str, FileStamp | None]
    note: Callable[[str], Note | None]

    def name_content(self, path: str) -> Content:
        """Return the content of a file: of a note its text, of another size and time."""
        stamp, note = self.stamps[path], self.note(path)
        pieces = b"" if note is None else note.pieces.strip(b"\0")  # headings may have no word
        is_wordless = note is not None and is_note(path) and not pieces
        if is_wordless or (stamp is not None and stamp.size == 0):
            return next(iter(_EMPTY_CONTENTS))
        if note is not None and pieces:
            return "text", note.pieces
        return (stamp.size, stamp.modified) if stamp and stamp.size > 0 else object()


class RenamedFiles(NamedTuple):
    """The files of a snapshot with the names that they got later.

    `history` has the former names until then. `origins` are the paths in the snapshot of the files
    that have other names, by their last name.
    """

    files: Snapshot
    origins: Mapping[str, str] = {}
    history: History = NO_HISTORY

    def join_moves(self, later: Mapping[str, str], files: Collection[str]) -> dict[str, str]:
        """Return which files of the snapshot went to which of the present ones.

        `later` are the moves from their last names.
        """
        renamed = {old: new for new, old in self.origins.items() if new != old and new in files}
        return renamed | {self.origins.get(old, old): new for old, new in later.items()}


def rename_files(before: Snapshot, names: Mapping[str, Sequence[str]], since: int) -> RenamedFiles:
    """Return the files of a snapshot after runs that renamed some.

    `names` are the paths that the runs gave to these files, in order; `since` is the number in
    `History.vanished` of the former paths.
    """
    if not names:
        return RenamedFiles(before)
    ends = {path: given[-1] for path, given in names.items()}
    origins = {new: old for old, new in ends.items()}
    moves = {former: ends[path] for path, given in names.items() for former in (path, *given[:-1])}
    return RenamedFiles(
        Snapshot(
            {ends.get(path, path): stamp for path, stamp in before.stamps.items()},
            lambda path: before.note(origins.get(path, path)),
        ),
        origins,
        History(moves, vanished=dict.fromkeys(moves, since)),
    )


def follow(
    before: Snapshot,
    now: Snapshot,
    changed: Iterable[str],
    notes: PieceIndex,
    since: int = UNCOMMITTED,
) -> History:
    """Return the moves and deletions between two snapshots.

    The moves have the files too whose path another file has now, as in an exchange of names.
    `changed` are the paths in both whose stamp or note may differ, `notes` the present notes of the
    vault. `since` is the number in `History.vanished` of the files that vanished.
    """
    removed = {path: before.name_content(path) for path in before.stamps if path not in now.stamps}
    kept = [path for path in dict.fromkeys(changed) if path in before.stamps and path in now.stamps]
    if not removed and not kept:
        return NO_HISTORY
    added = {path: now.name_content(path) for path in now.stamps if path not in before.stamps}
    pairs = {path: (before.name_content(path), now.name_content(path)) for path in kept}
    differing = {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}
    if not removed and (not added and len(differing) < 2):
        return NO_HISTORY
    files = FileChanges(removed, added, differing, may_be_swapped=True)
    outcomes = match_removed_files(files, _read_pieces, notes)
    return build_history(outcomes, dict.fromkeys(removed, since))


def follow_merges(
    history: History, before: Snapshot, now: Snapshot, changed: Iterable[str]
) -> History:
    """Return a history in which deleted notes are where they were merged into another note.

    It is the only changed note that got their name as an alias, and it has most of their text.
    """
    gone = {path for path in history.deleted if path in before.stamps and path not in now.stamps}
    receivers: dict[str, list[str]] = {}
    for path in changed if gone else ():
        old, new = before.note(path), now.note(path)
        if old is not None and new is not None:
            for name in _list_aliases(new) - _list_aliases(old):
                receivers.setdefault(name, []).append(path)
    moves: dict[str, str] = {}
    for path in gone:
        found, note = receivers.get(normalize_name(_file_stem(path)), ()), before.note(path)
        into = now.note(found[0]) if len(found) == 1 else None
        if note is not None and into is not None:
            pieces = read_pieces(note.pieces)
            if weigh_all(pieces & read_pieces(into.pieces)) >= MIN_MERGED * weigh_all(pieces):
                moves[path] = into.path
    if not moves:
        return history
    return replace(
        history, moves={**history.moves, **moves}, deleted=history.deleted - moves.keys()
    )


def _list_aliases(note: Note) -> set[str]:
    return {normalize_name(alias) for alias in note.aliases} if note.properties else set()


def build_history(outcomes: Mapping[str, FileOutcome], gone: Mapping[str, int]) -> History:
    """Return the history for these outcomes; `gone` numbers the files that vanished."""
    found: dict[str, dict[str, str]] = {kind: {} for kind in OutcomeKind}
    for old, (kind, new) in outcomes.items():
        if kind == OutcomeKind.MOVED or old in gone:
            found[kind][old] = new
    deleted, empty = frozenset(found[OutcomeKind.DELETED]), found[OutcomeKind.EMPTY]
    gone = {path: number for path, number in gone.items() if path not in empty}
    return History(found[OutcomeKind.MOVED], deleted, gone, found[OutcomeKind.LIKELY])


def _read_pieces(contents: Collection[Content]) -> dict[Content, Pieces | None]:
    return {
        content: read_pieces(content[1])
        for content in contents
        if isinstance(content, tuple) and isinstance(content[1], bytes)
    }
