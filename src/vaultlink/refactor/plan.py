"""The values of a refactoring: what is renamed, and what changes with it."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

import msgspec

from vaultlink.errors import UsageError
from vaultlink.index.resolve import PathsByName
from vaultlink.model import Destination, Edit, Link, SkippedNote


class RefusedError(UsageError):
    """A refactoring that must not be made. The message says why; nothing was written."""


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


class CapturedLink(NamedTuple):
    """An unresolved link that resolves after the rename.

    Attributes:
        path: Vault path of the note that contains the link, before the rename.
        line: Line of the link, 1-based.
        column: Column of the link, 1-based.
        raw: The link as written.
        target: Vault path of the file that it leads to after the rename.
    """

    path: str
    line: int
    column: int
    raw: str
    target: str


class OtherMention(NamedTuple):
    """A place that names what is renamed and stays as it is, as in a base.

    Attributes:
        path: Vault path of the file.
        line: Line of the place, 1-based.
        column: Column of the place, 1-based.
        text: The line, without the spaces around it.
    """

    path: str
    line: int
    column: int
    text: str


class Relocation(msgspec.Struct, frozen=True):
    """The new paths of files, and the new destinations of links.

    Attributes:
        files: Old vault path to new vault path, of every file whose path changes.
        names: The names of the vault's files afterwards.
        destination: Returns where a link must lead, given the link and the vault path of the file
            that it leads to now. The subpath is `link.subpath` if it does not change.
    """

    files: Mapping[str, str]
    names: PathsByName
    destination: Callable[[Link, str], Destination]


class RefactorPlan(msgspec.Struct, frozen=True):
    """The changes of a refactoring, before they are written.

    Attributes:
        renames: What is renamed.
        moves: Old path to new path of each file or folder that is renamed on disk, after the texts
            were written. A folder takes everything in it along; no path is below another one.
        files: Old path to new path of every file that `moves` renames.
        edits: The edits of existing files, by their path before the moves. Sorted.
        texts: Text before and after, of each changed note and canvas, by its path before the moves.
            None before: the note is created. None after: it is removed, after all others.
        first: The paths of `texts` without which nothing else may be written.
        captured: Unresolved links that resolve afterwards.
        mentions: Places that name what is renamed and are not changed.
        skipped: Notes that should be changed and can't, with the reasons.
    """

    renames: tuple[Rename, ...] = ()
    moves: Mapping[str, str] = {}
    files: Mapping[str, str] = {}
    edits: Mapping[str, tuple[Edit, ...]] = {}
    texts: Mapping[str, tuple[str | None, str | None]] = {}
    first: frozenset[str] = frozenset()
    captured: tuple[CapturedLink, ...] = ()
    mentions: tuple[OtherMention, ...] = ()
    skipped: tuple[SkippedNote, ...] = ()
