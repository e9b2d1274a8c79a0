"""Load the cache of a vault: the state of the last run, and results of queries.

It lies in the user's cache folder. A cache that is outdated, damaged, of another version or not
writable is ignored. It is written to a temporary file and renamed, so that no process reads half of
it.
"""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from zlib import adler32

import msgspec

from vaultlink.model import Diagnostic, FileStamp, LinkCounts

_MAGIC = b"vaultlink cache 1\n"


class CachedState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A state, as it is stored.

    `stamps`, `notes` (packed), `targets` and `tallies` are parallel to `paths`, the files that
    contain links; `attachments` are the other files. `settings_digest` identifies the rules and
    settings of the findings. `diagnostics` holds the findings after suppressions; `unsuppressed`
    holds all findings of those paths where the two differ. `name_maps` holds the index's maps of
    names, by attribute name; `headings` the section headings that notes were parsed with. `moves`
    are the moves that the findings depend on, `remembered_moves` those of them that only an earlier
    state shows; `deleted` and `remembered_deleted` are the deleted files likewise.
    `section_traits` are the counts that the style of sections was chosen by, None if no finding
    depends on it.
    """

    settings_digest: str
    paths: list[str]
    stamps: list[FileStamp]
    notes: list[bytes]
    targets: list[tuple[str | None, ...]]
    tallies: list[LinkCounts]
    diagnostics: dict[str, tuple[Diagnostic, ...]]
    unsuppressed: dict[str, tuple[Diagnostic, ...]]
    attachments: list[str]
    name_maps: dict[str, dict[str, tuple[str, ...]]]
    headings: tuple[str, ...]
    attachment_stamps: list[FileStamp]
    moves: dict[str, str]
    remembered_moves: dict[str, str]
    deleted: list[str]
    remembered_deleted: list[str]
    section_traits: dict[str, int] | None


def program_digest() -> bytes:
    """Return a digest of this program.

    It covers the sizes and times of its files, and the running Python.
    """
    package = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120 - called at every start
    return folders_stamp((package, os.path.join(package, "..", "..", "rules")))  # noqa: PTH118


def folders_stamp(folders: Iterable[str]) -> bytes:
    """Return a digest of the Python and YAML files below `folders`, and of Python.

    It covers the sizes and times of the files. Folders that do not exist are skipped.
    """
    stamp = blake2b(sys.version.encode(), digest_size=16)
    pending = list(folders)
    files: list[tuple[str, int, int]] = []
    while pending:
        with suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.name.endswith((".py", ".yaml")):
                    status = entry.stat()
                    files.append((entry.path, status.st_size, status.st_mtime_ns))
                elif entry.is_dir() and entry.name[0] not in "._":
                    pending.append(entry.path)
    for _, size, modified in sorted(files):
        stamp.update(b"%d %d\n" % (size, modified))
    return stamp.digest()


def cache_folder(configured: str | os.PathLike[str] | None) -> Path:
    """Return the folder of all caches: the configured one, else that of the user."""
    if configured:
        return Path(configured)
    if sys.platform == "win32":
        return (
            Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
            / "vaultlink"
            / "Cache"
        )
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "vaultlink"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vaultlink"


class Cache:
    """The cache of one vault."""

    def __init__(self, folder: Path, vault: Path):
        name = blake2b(os.fsencode(vault), digest_size=10).hexdigest()
        self._folder = folder / name
        self._program_digest = program_digest()

    def load(self) -> CachedState | None:
        """Return the last saved state, if it is complete and of the same program."""
        data = self._read("state")
        if data is None:
            return None
        try:
            return msgspec.msgpack.decode(data, type=CachedState)
        except (msgspec.MsgspecError, ValueError):
            return None

    def load_result(self, query: bytes, kind: str = "answer") -> bytes | None:
        """Return the result of a query, if it was the last one of its kind."""
        data = self._read(kind)
        return (
            bytes(data[len(query) :]) if data is not None and data[: len(query)] == query else None
        )

    def encode(self, name: str, body: bytes) -> tuple[Path, tuple[bytes, ...]]:
        """Return the file of an entry and its parts: magic, program, checksum, body."""
        head = (_MAGIC, self._program_digest, adler32(body).to_bytes(4, "big"))
        return self._folder / name, (*head, body)

    def _read(self, name: str) -> memoryview | None:
        try:
            data = memoryview((self._folder / name).read_bytes())
        except OSError:
            return None
        head = len(_MAGIC) + len(self._program_digest)
        if data[:head] != _MAGIC + self._program_digest:
            return None
        body = data[head + 4 :]
        return body if adler32(body) == int.from_bytes(data[head : head + 4], "big") else None


def digest_parts(parts: Iterable[bytes]) -> bytes:
    """Return a digest of a sequence of bytes, 16 bytes long."""
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()
