"""Load the cache of a vault: the state of the last run, and results of queries.

It lies in the user's cache folder. A cache that is outdated, damaged, of another version or not
writable is ignored. It is written to a temporary file and renamed, so that no process reads half of
it.
"""

import os
import sys
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import cache, reduce
from itertools import chain
from pathlib import Path
from typing import ClassVar
from zlib import adler32, crc32

import msgspec

from vaultlink.disk.state_file import StateTable, StoredState, encode_state, open_state
from vaultlink.files import read_own, read_start, user_folder
from vaultlink.index.packed_map import Column
from vaultlink.model import NO_HISTORY, FileStamp, History
from vaultlink.programs import find_build_digest
from vaultlink.text import blake2b

_MAGIC = b"vaultlink cache 2\n"

_OWN_START = b"vaultlink "
"""Begins every file of a cache."""

_HISTORY_MAGIC = b"vaultlink history 1\n"
"""Begins the remembered history, which other versions of this program can read."""

_MAX_BYTES = 1_000_000_000
"""Bytes of the largest entry that is read."""

_MAX_STATES = 8
"""States of other vaults to look at."""

DIGEST_SIZE = 16
"""Bytes of the digest of a file's content."""


_VAULT_ENTRIES = ("suggestions",)
"""Entries that fit another copy of the vault, whatever its state is."""

ANSWERS_PREFIX = "answers-"
"""Begins the names of entries that fit another copy of the vault together with its state."""


class SavedStamps(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The stamps of the files of a saved state, in its order.

    `differing` are the files that were different or new when the state of another vault was taken
    over. It is None if the state was made from this vault. With `knows_commits`, git was asked what
    links led to in earlier commits, and the state has what it knew. With `are_renewed`, they are
    later than the state, so that any file may have had other rights when the state was saved.
    """

    identity: bytes
    stamps: list[FileStamp]
    attachment_stamps: list[FileStamp]
    differing: list[str] | None
    knows_commits: bool
    are_renewed: bool


_KEEPING_NOTHING = ("refactor", "serve", "watch")
"""Folders of the package whose code determines nothing that is kept in a cache."""


@cache
def program_digest() -> bytes:
    """Return a digest of this program, the same on every machine.

    It covers the version of Python, and the files that determine what is kept.
    """
    if digest := find_build_digest():
        return digest
    package = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120 - called at every start
    return folders_digest((package, os.path.join(package, "..", "..", "rules")))  # noqa: PTH118


def folders_digest(folders: Iterable[str]) -> bytes:
    """Return a digest of the Python and YAML files in `folders`, and of Python.

    Folders that do not exist are skipped.
    """
    pending = [(folder, "") for folder in folders]
    files: list[tuple[str, str]] = []
    while pending:
        folder, place = pending.pop()
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith((".py", ".yaml")):
                    files.append((f"{place}/{entry.name}", entry.path))
                elif (
                    entry.is_dir()
                    and entry.name[0] not in "._"
                    and entry.name not in _KEEPING_NOTHING
                ):
                    pending.append((entry.path, f"{place}/{entry.name}"))
    digest = blake2b(sys.version.encode(), digest_size=16)
    for name, path in sorted(files):
        with open(path, "rb", buffering=0) as stream:  # noqa: PTH123
            content = stream.readall()
        # Every start computes this. A checksum of each file tells two versions apart.
        digest.update(b"%s\0%d %d\0" % (os.fsencode(name), len(content), crc32(content)))
    return digest.digest()


def cache_folder(configured: str | os.PathLike[str] | None) -> Path:
    """Return the folder of all caches: the configured one, else that of the user."""
    return Path(configured) if configured else Path(user_folder("cache"))


class CacheUse:
    """The cache files whose contents this process used, and whether it may use more."""

    files: ClassVar[set[Path]] = set()
    is_allowed: ClassVar[bool] = True

    @classmethod
    def reset(cls) -> None:
        """Forget the files, and allow any."""
        cls.files.clear()
        cls.is_allowed = True


class Cache:
    """The cache of one vault."""

    def __init__(self, folder: Path, vault: Path):
        name = blake2b(os.fsencode(vault), digest_size=10).hexdigest()
        self._folder = folder / name
        self._magic = _MAGIC + program_digest()

    @property
    def folder(self) -> Path:
        """The folder of this vault's cache, which may not exist yet."""
        return self._folder

    def list_files(self) -> list[Path]:
        """Return the files that vaultlink wrote in the folder, sorted.

        Files behind a symbolic link are left out.
        """
        if self._folder.is_symlink():
            return []
        try:
            found = sorted(self._folder.iterdir())
        except OSError:
            return []
        return [file for file in found if _is_own_file(file)]

    def load(self, paths: Collection[str]) -> tuple[StoredState, SavedStamps | None] | None:
        """Return the last saved state of this vault, and its stamps.

        If there is none, return that of another vault with at least half of these paths, such as of
        another copy of the vault, without stamps.
        """
        own = self._open(self._folder / "state")
        if own is not None:
            return own, self._load_stamps(own.table.identity)
        others = [self._open(file) for file in _list_states(self._folder)]
        best, state = max(
            (
                (sum(path in paths for path in other.table.paths), other)
                for other in others
                if other is not None
            ),
            key=lambda item: item[0],
            default=(0, None),
        )
        return (state, None) if state is not None and 2 * best >= len(paths) else None

    def holds(self, state: StoredState) -> bool:
        """Return True for a state of this vault, and False for that of another one."""
        return state.file.parent == self._folder

    def _open(self, file: Path) -> StoredState | None:
        state = open_state(file, self._magic) if CacheUse.is_allowed else None
        if state is not None:
            CacheUse.files.add(file)
        return state

    def _load_stamps(self, identity: bytes) -> SavedStamps | None:
        data = self._read(self._file("stamps"), self._magic)
        with suppress(msgspec.MsgspecError, ValueError):
            stamps = msgspec.msgpack.decode(data or b"", type=SavedStamps)
            return stamps if stamps.identity == identity else None
        return None

    def load_result(self, query: bytes, kind: str = "answer") -> bytes | None:
        """Return the result of a query, if it was the last one of its kind."""
        data = self._read(self._file(kind), self._magic)
        if data is None or data[: len(query)] != query:
            return None
        return data[len(query) :]  # type: ignore[return-value] # decoders take any buffer

    def load_history(self) -> History:
        """Return the history that the last saved state remembers, also of another version."""
        data = self._read(self._file("history"), _HISTORY_MAGIC)
        with suppress(msgspec.MsgspecError, ValueError):
            return msgspec.msgpack.decode(data or b"", type=History)
        return NO_HISTORY

    def encode_history(self, history: History) -> tuple[Path, tuple[bytes, ...]]:
        """Return the file of a remembered history and its parts."""
        return self._encode(_HISTORY_MAGIC, "history", msgspec.msgpack.encode(history))

    def encode_state(
        self, table: StateTable, columns: Mapping[str, Column]
    ) -> tuple[Path, Iterable[bytes]]:
        """Return the file of a state, and the parts of its content."""
        return self._folder / "state", chain((self._magic,), encode_state(table, columns))

    def encode(self, name: str, *body: bytes) -> tuple[Path, tuple[bytes, ...]]:
        """Return the file of an entry and its parts: magic, program, checksum, body."""
        return self._encode(self._magic, name, *body)

    def _encode(self, magic: bytes, name: str, *body: bytes) -> tuple[Path, tuple[bytes, ...]]:
        checksum = reduce(lambda value, part: adler32(part, value), body, 1)
        return self._file(name), (magic, checksum.to_bytes(4, "big"), *body)

    def list_copies(self, state: Path, *, whole: bool) -> list[tuple[Path, Path]]:
        """Return the files to copy to take over the state in a file, and their copies.

        If not `whole`, the state itself is left out, and what depends on it.
        """
        folder = state.parent
        if folder == self._folder:
            return []
        answers = [file.name for file in folder.glob(f"{ANSWERS_PREFIX}*")] if whole else []
        names = (*_VAULT_ENTRIES, *answers, *(("state",) if whole else ()))
        return [(folder / name, self._folder / name) for name in names]

    def _file(self, name: str) -> Path:
        """Return an entry's file. Declarations of rules are the same for all vaults."""
        return (self._folder.parent if name == "rules" else self._folder) / name

    def _read(self, file: Path, magic: bytes) -> memoryview | None:
        if not CacheUse.is_allowed:
            return None
        CacheUse.files.add(file)
        try:
            data = memoryview(read_own(file, _MAX_BYTES))
        except OSError:
            return None
        head = len(magic)
        if data[:head] != magic:
            return None
        body = data[head + 4 :]
        return body if adler32(body) == int.from_bytes(data[head : head + 4], "big") else None


def _is_own_file(file: Path) -> bool:
    """Return True for a file of a cache, of any version of this program."""
    if file.is_symlink():
        return False
    try:
        return read_start(file, len(_OWN_START)) == _OWN_START
    except OSError:
        return False


def _list_states(folder: Path) -> list[Path]:
    """Return the states of other vaults, latest first. Few are worth opening."""
    found = []
    with suppress(OSError):
        for file in folder.parent.glob("*/state"):
            with suppress(OSError):
                found.append((file.stat().st_mtime_ns, file))
    return [file for _, file in sorted(found, reverse=True)[:_MAX_STATES]]


def digest_parts(parts: Iterable[bytes]) -> bytes:
    """Return a digest of a sequence of bytes, 16 bytes long."""
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


class GitStore:
    """Reads from the cache what was read from git, and collects what to keep there."""

    def __init__(self, cache: Cache | None):
        self._cache = cache
        self.to_save: dict[str, tuple[bytes, bytes]] = {}

    def load(self, key: str) -> bytes | None:
        """Return the value of a key; None if there is none."""
        digest, value = self.to_save.get(_kind(key), (b"", b""))
        if digest == _digest(key):
            return value
        return self._cache.load_result(_digest(key), _kind(key)) if self._cache else None

    def load_history(self) -> History:
        """Return what another version of this program remembered of this vault."""
        return self._cache.load_history() if self._cache else NO_HISTORY

    def save(self, key: str, value: bytes) -> None:
        """Collect a value to keep in place of the former one of this kind."""
        self.to_save[_kind(key)] = _digest(key), value


def _digest(key: str) -> bytes:
    return digest_parts((key.encode("utf-8", "surrogatepass"),))


def _kind(key: str) -> str:
    return key.partition(" ")[0]
