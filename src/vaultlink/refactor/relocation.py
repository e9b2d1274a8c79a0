"""Where files go, and where links must lead afterwards."""

from collections.abc import Callable, Mapping

import msgspec

from vaultlink.errors import UsageError
from vaultlink.index.resolve import PathsByName
from vaultlink.model import Destination, Link


class RefusedError(UsageError):
    """A refactoring that must not be made. The message says why; nothing was written."""


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
