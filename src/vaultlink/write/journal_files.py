"""Read and write the files of a vault's journal, and lock the vault for writing."""

import os
import re
import stat as modes
import sys
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from errno import ELOOP
from pathlib import Path

import msgspec
from msgspec.structs import replace

from vaultlink import files
from vaultlink.disk.scan import BASELINE_FILE
from vaultlink.errors import JournalError
from vaultlink.files import (
    NO_FOLLOW,
    UnusualFileError,
    describe_long_name,
    open_own,
    open_regular,
    read_own,
    read_start,
)
from vaultlink.obsidian import TRASH_FOLDER
from vaultlink.text import blake2b, lazy_pattern, quote_name
from vaultlink.write.file_locks import try_lock
from vaultlink.write.moves import FileIdentity, is_temporary_path, map_path
from vaultlink.write.open_folders import NOT_A_FOLDER
from vaultlink.write.own_files import sync_folder, write_atomically
from vaultlink.write.write_notes import describe_os_error

# -- locate the state folder with a vault's journal, and lock the vault for writing ----------------
# If the folder can't be created or written to, the vault must not be written to either.

LOCK_SECONDS = 60.0
"""Seconds to wait for another run to release the write lock."""


class LockTimeout(JournalError):  # noqa: N818 - a condition, not a fault
    """Another run holds the write lock and did not release it in time."""


def state_folder() -> Path:
    """Return the folder of all journals. Raises JournalError if its name is too long."""
    override = os.environ.get("VAULTLINK_STATE_DIR")
    if override and (problem := describe_long_name(override)):
        raise JournalError(f"VAULTLINK_STATE_DIR: {problem}. Nothing was written.")
    return Path(files.state_folder())


def journal_folder(root: Path) -> Path:
    """Return the folder of a vault's journal, which may not exist yet."""
    try:
        return state_folder() / Path(files.vault_state_folder(root.resolve())).name
    except RuntimeError:  # a user without a home
        problem = "the user has no home folder for the journal, so nothing was written."
        raise JournalError(f"{problem} Set VAULTLINK_STATE_DIR to a folder.") from None


def make_journal_folder(root: Path) -> Path:
    """Create the journal folder, readable by its owner only. Raises JournalError.

    So is the folder of all journals, unless it exists: it may have been made for other files, too.
    """
    folder = journal_folder(root)
    try:
        folder.parent.parent.mkdir(parents=True, exist_ok=True)
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        _make_private_folder(folder)
    except OSError as error:
        raise make_journal_error(folder, error) from None
    return folder


def _make_private_folder(folder: Path) -> None:
    """Create a folder for its owner only, whatever the umask is. Raises OSError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if modes.S_IMODE(folder.stat().st_mode) != 0o700:
        folder.chmod(0o700)


def make_journal_error(folder: Path, error: OSError) -> JournalError:
    reason = NOT_A_FOLDER if isinstance(error, FileExistsError) else describe_os_error(error)
    cause = f"{reason}. Nothing was written, because it could not be undone."
    advice = "Set VAULTLINK_STATE_DIR to another folder."
    return JournalError(f"can't write the journal in {folder}: {cause} {advice}")


@contextmanager
def lock_vault(
    root: Path, on_wait: Callable[[], None] = lambda: None, timeout: float = LOCK_SECONDS
) -> Iterator[None]:
    """Hold the write lock of a vault, from before it is read until it is written.

    If another run holds the lock, call `on_wait` once and wait up to `timeout` seconds. The system
    releases the lock of a process that has died. Raises LockTimeout or JournalError.
    """
    folder = make_journal_folder(root)
    try:
        handle = _open_lock_file(folder / "lock", os.O_CREAT)
    except UnusualFileError as error:
        problem = f"can't lock the vault with {folder / 'lock'}: {error.strerror}."
        raise JournalError(f"{problem} Nothing was written. Remove that file.") from None
    except OSError as error:
        raise make_journal_error(folder, error) from None
    try:
        deadline, notified = time.monotonic() + timeout, False
        while not try_lock(handle):
            if not notified:
                on_wait()
            notified = True
            if time.monotonic() >= deadline:
                held = f"the write lock of {root} for {timeout:.0f} seconds or more"
                advice = "Nothing was written. Try again when it has ended."
                raise LockTimeout(f"another vaultlink run has held {held}. {advice}")
            time.sleep(0.05)
        yield
    finally:
        os.close(handle)


def _open_lock_file(file: Path, flags: int = 0) -> int:
    """Open a regular file to lock it, no link or pipe. Raises OSError."""
    if file.is_symlink():
        raise UnusualFileError(ELOOP, "it is a symbolic link, not a regular file", str(file))
    return open_regular(file, os.O_RDWR | flags | NO_FOLLOW, 0o600)


def hold_lock_file(file: Path) -> int:
    """Create a locked file, named only once it is locked; return its descriptor."""
    _make_private_folder(file.parent)
    hidden = file.with_name(f".{file.name}")
    handle = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try_lock(handle)
    hidden.rename(file)
    return handle


def release_lock_file(file: Path, handle: int) -> None:
    with suppress(OSError):
        file.unlink()
    with suppress(OSError):
        os.close(handle)


def is_lock_file_held(file: Path, *, keep: bool = False) -> bool:
    """Return True if a living process holds the file; else remove it without `keep`."""
    try:
        handle = _open_lock_file(file)
    except OSError:
        return False
    try:
        is_held = not try_lock(handle)
        if not is_held and not keep:
            with suppress(OSError):
                file.unlink()
        return is_held
    finally:
        os.close(handle)


# -- read and write the journal's files: a record of each run, and markers -------------------------
# A record `<run>.run` has a header with a digest, then the stored bytes of each change. A marker
# `<run>.ended` lists the notes and the moves that the run skipped; `<run>.undone` shows that it
# was undone. `<run>.moving` identifies the files that a run moves, from before its first move on.
# `<run>.ending` is the marker of a run that is being undone without a record of its own.


_MAGIC = b"vaultlink run 1\n"
_MAGIC_WITH_MOVES = b"vaultlink run 2\n"
"""Begins the records of runs that move files. Versions that can't move files do not read them."""

MAX_RECORD_BYTES = 2_000_000_000
"""Bytes of the largest record."""

MAX_INFLATED_BYTES = 500_000_000
"""Bytes that the compressed parts of a record have together when they are decompressed, at most."""

_UNKNOWN_IDENTITY = FileIdentity(-1, -1)
"""Stands for the identity of a file that exists."""

_MAX_MARKER_BYTES = 64_000_000
_MAX_TIME_NS = 4_000_000_000 * 10**9
"""Nanoseconds since the epoch, in the year 2096. Later times are wrong."""

_MOVING = lazy_pattern(r"(?<![^/])\.(?=[^/]+$)")
"""The dot in front of the last name of a path."""

_RUN_ID = lazy_pattern(r"\d{8}-\d{6}-[0-9a-f]{4}", re.ASCII)
_HIDDEN_FILES = (".vaultlink.toml", BASELINE_FILE, ".DS_Store", ".gitkeep")
"""Names of the hidden files of a vault that a run may change, or delete with their folder."""

PROGRAM_FILES = (
    ".claude/settings.json",
    ".claude/skills/vaultlink/SKILL.md",
    ".agents/skills/vaultlink/SKILL.md",
    ".codex/hooks.json",
    ".cursor/hooks.json",
    ".gemini/settings.json",
    ".github/hooks/vaultlink.json",
)
"""The files in hidden folders that a run may change: `vaultlink init --agents` writes them."""

_NO_PATH_CHARS = "\0" if sys.platform != "win32" else "\0\\:"


class RecordedChange(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A change of one note.

    `old` and `new` are digests, None for no file; `mode` are the permissions of a removed file. The
    old bytes are the first `prefix_size` bytes of the new ones, `stored_size` bytes in the record
    (compressed or not), and the last `suffix_size` bytes of the new ones.
    """

    path: str
    old: bytes | None
    new: bytes | None
    mode: int | None
    prefix_size: int
    suffix_size: int
    stored_size: int
    compressed: bool


class RecordedRun(msgspec.Struct, frozen=True, array_like=True):
    """A recorded run.

    `time_ns` is in nanoseconds since the epoch; `folders` are those it creates; `undoes` is the run
    it undoes. `moves` are the old and new paths of the files and folders that it renames after it
    wrote the notes; all other paths are those before the moves. `whole` is true if it was planned
    as all or nothing; records of 0.5.0 do not have it.

    Not in the record itself are `skipped` (notes), `ended`, `undone`, and `unmoved`, the old paths
    of the moves that it did not make or that a later run undid.
    """

    id: str
    time_ns: int
    command: str
    summary: str
    vault: bytes
    undoes: str | None
    folders: tuple[str, ...]
    changes: tuple[RecordedChange, ...]
    skipped: frozenset[str] = frozenset()
    ended: bool = False
    undone: bool = False
    moves: tuple[tuple[str, str], ...] = ()
    unmoved: frozenset[str] = frozenset()
    whole: bool = False

    @property
    def is_interrupted(self) -> bool:
        """Return True if the run did not end: it was killed, or is still running."""
        return not self.ended and not self.undone

    @property
    def made_moves(self) -> dict[str, str]:
        """The moves of the run that are not in `unmoved`."""
        return {old: new for old, new in self.moves if old not in self.unmoved}


def digest_content(content: bytes | None) -> bytes | None:
    """Return a digest of a note's bytes, 20 bytes long; None for no file."""
    return None if content is None else blake2b(content, digest_size=20).digest()


def list_runs(root: Path, warn: Callable[[str], None] = lambda _message: None) -> list[RecordedRun]:
    """Return all runs, the latest first; call `warn` for each unreadable record."""
    return subtract_undone_moves(list_recorded_runs(root, warn))


def list_recorded_runs(
    root: Path, warn: Callable[[str], None] = lambda _message: None
) -> list[RecordedRun]:
    """Return all runs, the latest first, without what later runs did to them.

    `unmoved` are only the moves that a run did not make itself.
    """
    folder = journal_folder(root)
    runs = []
    for file in folder.glob("*.run"):
        run = _read_record(file)
        if run is None:
            cause = "it is damaged, of another version, or of another user"
            warn(f"can't read the record {file}: {cause}. Delete it if you do not need it.")
        else:
            runs.append(run)
    return sorted(runs, key=lambda run: run.time_ns, reverse=True)


def list_interrupted_runs(root: Path) -> list[RecordedRun]:
    """Return the runs that did not end, the latest first. No other record is read."""
    files = {*journal_folder(root).glob("*.*")}
    found = [
        _read_record(file)
        for file in files
        if file.suffix == ".run"
        and files.isdisjoint((file.with_suffix(".ended"), file.with_suffix(".undone")))
    ]
    return sorted(filter(None, found), key=lambda run: run.time_ns, reverse=True)


def subtract_undone_moves(runs: Iterable[RecordedRun]) -> list[RecordedRun]:
    """Add to `unmoved` of runs, the latest first, the moves that were undone."""
    restored: dict[str, set[str]] = {}
    found = []
    for run in runs:
        if run.id in restored:
            run = replace(run, unmoved=run.unmoved | restored[run.id])  # noqa: PLW2901
        if run.undoes is not None and run.ended and not run.undone:
            restored.setdefault(run.undoes, set()).update(run.made_moves.values())
        found.append(run)
    return found


def find_undone_moves(root: Path, files: Collection[str]) -> dict[str, str]:
    """Return the files that undos moved: former path to present path.

    Between a run and its undo, links may have been written to the names that the run gave.
    `files` are the present vault paths.
    """
    found: dict[str, str] = {}
    for run in _list_moving_runs(root):
        moves = run.made_moves
        found = {old: map_path(new, moves) for old, new in found.items()}
        found |= moves if run.undoes is not None else {}
    return {
        old + path[len(new) :]: path
        for old, new in found.items()
        for path in ([new] if new in files else files)
        if path == new or path.startswith(f"{new}/")
    }


def follow_runs(root: Path, files: Collection[str], since: int) -> dict[str, list[str]]:
    """Return the paths that runs gave to files: by the former path, in order.

    `files` are the vault paths at a time, which `since` is in nanoseconds since the epoch. What was
    moved otherwise since then is not followed, nor is a run that the files had already gone through
    at that time: a clock may have been wrong.
    """
    runs = [run for run in _list_moving_runs(root) if run.time_ns > since]
    found: dict[str, list[str]] = {}
    origins = {path: path for path in files} if runs else {}  # by the path after the last run
    for moves in (run.made_moves for run in runs):
        paths = moves if moves.keys() <= origins.keys() else origins
        ends = {old: new for old in paths if (new := map_path(old, moves)) != old}
        if any(new in origins and new not in ends for new in ends.values()):
            continue
        former = {new: origins.pop(old) for old, new in ends.items()}
        for path, origin in former.items():
            origins[path] = origin
            found.setdefault(origin, []).append(path)
    return found


def _list_moving_runs(root: Path) -> list[RecordedRun]:
    """Return the runs that ended and moved files, the earliest first."""
    records = [file for file in journal_folder(root).glob("*.run") if _has_moves(file)]
    runs = [run for file in records if (run := _read_record(file)) and run.ended]
    return sorted(runs, key=lambda run: run.time_ns)


def _has_moves(file: Path) -> bool:
    try:
        return read_start(file, len(_MAGIC)) == _MAGIC_WITH_MOVES
    except OSError:
        return False


def _read_record(file: Path) -> RecordedRun | None:
    try:
        with open(open_own(file), "rb") as stream:  # noqa: PTH123 - a descriptor
            file_size = os.fstat(stream.fileno()).st_size
            data = stream.read(len(_MAGIC) + 24)
            size, digest = int.from_bytes(data[len(_MAGIC) : -20], "big"), data[-20:]
            magic = data[: len(_MAGIC)]
            if magic not in (_MAGIC, _MAGIC_WITH_MOVES) or size > file_size:
                return None
            head = stream.read(size)
        if digest_content(head) != digest:
            return None
        run = msgspec.msgpack.decode(head, type=RecordedRun)
        is_sound = run.id == file.stem and bool(run.moves) == (magic == _MAGIC_WITH_MOVES)
        if not is_sound or find_record_problem(run, file_size - len(data) - size):
            return None
        skipped, unmoved = _read_skipped(file, bool(run.moves))
        return replace(
            run,
            skipped=skipped,
            ended=file.with_suffix(".ended").exists(),
            undone=file.with_suffix(".undone").exists(),
            unmoved=unmoved,
        )
    except (OSError, msgspec.MsgspecError, ValueError):
        return None


def find_record_problem(run: RecordedRun, stored_size: int) -> str:
    """Return why no record with these contents is read, as a clause; "" if it is read.

    `stored_size` are the bytes behind its header. Writing asks the same: a run whose record can't
    be read could not be undone.
    """
    changed = [change.path for change in run.changes]
    moved = [path.removeprefix(f"{TRASH_FOLDER}/") for move in run.moves for path in move]
    if run.undoes is not None:
        # It takes back what a defective disk left under a temporary name, and restores notes that
        # were deleted since.
        moved = [_MOVING.sub("", path) if is_temporary_path(path) else path for path in moved]
        changed = [path.removeprefix(f"{TRASH_FOLDER}/") for path in changed]
    folders = (path for path in run.folders if path != TRASH_FOLDER)
    paths = (*folders, *changed, *moved)
    sizes = ((item.prefix_size, item.suffix_size, item.stored_size) for item in run.changes)
    unsafe = next((path for path in paths if not is_journal_path(path)), None)
    if unsafe is not None:
        return f"it may not name {quote_name(unsafe)}"
    if not 0 <= run.time_ns < _MAX_TIME_NS:
        return "the clock of this computer is wrong"
    total = sum(change.stored_size for change in run.changes)
    is_sized = min(map(min, sizes), default=0) >= 0 and total == stored_size
    return "" if is_sized and _RUN_ID.fullmatch(run.id) else "its sizes or its name are wrong"


def is_journal_path(path: str) -> bool:
    """Return True if a record may name a vault path.

    It can't lead out of the vault on any system, or to what is hidden. A dot hides a name.
    vaultlink writes few hidden files, such as its settings and its baseline. Moves may lead to
    and from the trash as well, and an undo may change notes in it.
    """
    *folders, name = path.split("/")
    if path[:1] == "." and any(f"{file}/".startswith(f"{path}/") for file in PROGRAM_FILES):
        return True
    if any(char in path for char in _NO_PATH_CHARS) or any(it[:1] in ("", ".") for it in folders):
        return False
    if name[:1] in ("", ".") and name not in _HIDDEN_FILES:
        return False
    return path.isascii() or path.encode("utf-8", "replace").decode() == path


def _read_skipped(file: Path, has_moves: bool) -> tuple[frozenset[str], frozenset[str]]:
    try:
        kind = ".ended" if file.with_suffix(".ended").exists() else ".ending"
        content = read_own(file.with_suffix(kind), _MAX_MARKER_BYTES)
        if has_moves:
            skipped, unmoved = msgspec.msgpack.decode(content, type=tuple[list[str], list[str]])
            return frozenset(skipped), frozenset(unmoved)
        return frozenset(msgspec.msgpack.decode(content, type=list[str])), frozenset()
    except (OSError, msgspec.MsgspecError, ValueError):
        return frozenset(), frozenset()


def load_old_bytes(root: Path, run: RecordedRun) -> Callable[[int, bytes | None], bytes | None]:
    """Return a function from a change's number and its new bytes to its old bytes.

    It returns None if the record is damaged, or too large when it is decompressed.
    """
    data = read_own(journal_folder(root) / f"{run.id}.run", MAX_RECORD_BYTES)
    offsets, offset, room = [], len(data), MAX_INFLATED_BYTES
    for change in reversed(run.changes):
        offset -= change.stored_size
        offsets.append(offset)
    offsets.reverse()

    def get_old_bytes(number: int, new: bytes | None) -> bytes | None:
        nonlocal room
        change, current = run.changes[number], new or b""
        stored = data[offsets[number] : offsets[number] + change.stored_size]
        if change.compressed:
            if room < 0:
                return None
            inflater = zlib.decompressobj()
            with suppress(zlib.error):
                stored = inflater.decompress(stored, room + 1)
            room -= len(stored)
            if room < 0:
                return None
        old = current[: change.prefix_size] + stored + current[len(current) - change.suffix_size :]
        return old if digest_content(old) == change.old else None

    return get_old_bytes


def encode_header(run: RecordedRun) -> bytes:
    head = msgspec.msgpack.encode(
        replace(run, skipped=frozenset(), ended=False, undone=False, unmoved=frozenset())
    )
    magic = _MAGIC_WITH_MOVES if run.moves else _MAGIC
    return magic + len(head).to_bytes(4, "big") + (digest_content(head) or b"") + head


def _write_marker(
    folder: Path, run: str, kind: str, content: bytes = b"", *, durable: bool = False
) -> None:
    """Write a marker file if possible; on a full disk it is a link to another file."""
    marker = folder / f"{run}.{kind}"
    try:
        write_atomically(marker, [content], durable=durable)
    except OSError:
        others = [folder / f"{run}.{other}" for other in ("ended", "ending", "run", "moving")]
        for other in others:
            with suppress(OSError):
                marker.hardlink_to(other)
                sync_folder(folder)
                return
        for other in others:
            with suppress(OSError):
                if other.suffix not in (".run", marker.suffix):
                    other.replace(marker)
                    sync_folder(folder)
                    return


def write_ended(
    folder: Path, run: RecordedRun, skipped: Iterable[str], unmoved: Iterable[str] = ()
) -> None:
    """Mark a run as ended, durably: a run without the mark is reverted."""
    paths = list(skipped)
    content = msgspec.msgpack.encode((paths, list(unmoved)) if run.moves else paths)
    _write_marker(folder, run.id, "ended", content, durable=True)
    with suppress(OSError):
        (folder / f"{run.id}.ending").unlink(missing_ok=True)


def reopen_run(root: Path, run: RecordedRun) -> RecordedRun:
    """Make an ended run an interrupted one, if possible, which is reverted whole."""
    folder = journal_folder(root)
    if run.undone or (run.moves and not (folder / f"{run.id}.moving").exists()):
        return run
    try:
        (folder / f"{run.id}.ended").replace(folder / f"{run.id}.ending")
        sync_folder(folder)
    except OSError:
        return run
    return replace(run, ended=False)


def write_moving(folder: Path, run: RecordedRun, identities: Sequence[FileIdentity | None]) -> None:
    """Write the identities of the files that a run moves, durably."""
    content = msgspec.msgpack.encode(identities)
    write_atomically(folder / f"{run.id}.moving", [content], durable=True)


def read_moving(folder: Path, run: RecordedRun) -> list[FileIdentity | None] | None:
    """Return the identities of the files that a run moves; None before its first move."""
    file = folder / f"{run.id}.moving"
    try:
        content = read_own(file, _MAX_MARKER_BYTES)
        found = msgspec.msgpack.decode(content, type=list[FileIdentity | None])
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, ValueError):
        found = []  # damaged
    unknown = [_UNKNOWN_IDENTITY] * len(run.moves)
    return [*found, *unknown][: len(run.moves)]


def remove_moving(folder: Path, run: RecordedRun) -> None:
    """Remove the identities of moved files, durably. All must be at their old paths."""
    with suppress(OSError):
        (folder / f"{run.id}.moving").unlink(missing_ok=True)
        sync_folder(folder)


def mark_undone(root: Path, run: RecordedRun) -> None:
    """Mark a run as undone, and the run that it undid as not undone, and so on."""
    folder, runs = journal_folder(root), {item.id: item for item in list_recorded_runs(root)}
    current: RecordedRun | None = run
    undo: RecordedRun | None = None
    undone = True
    while current is not None:
        marker = folder / f"{current.id}.undone"
        if not undone:
            for _ in range(2):  # a disk may fail once
                with suppress(OSError):
                    if marker.exists():
                        marker.unlink()
        elif undo is None or _count_changes(undo) >= _count_changes(current):
            _write_marker(folder, current.id, "undone")
        undone, undo = not undone, current
        current = runs.pop(current.undoes, None) if current.undoes else None


def _count_changes(run: RecordedRun) -> int:
    notes = sum(change.path not in run.skipped for change in run.changes)
    return notes + len(run.moves) - len(run.unmoved)


_RECORD_KINDS = ("run", "ended", "ending", "undone", "moving")
"""Extensions of the files that a run has in the journal, in the order of their removal."""


def list_record_files(root: Path) -> list[Path]:
    """Return the journal's files, those of the oldest runs first; none behind a link."""
    folder = journal_folder(root)
    found = [] if folder.is_symlink() else [*folder.glob("*.*")]
    files = (file for file in found if file.is_file() and not file.is_symlink())
    return sorted(file for file in files if file.suffix[1:] in _RECORD_KINDS)


def delete_runs(root: Path) -> int:
    """Delete the records of all runs of a vault; return how many files are left.

    Those that are left are whole: the oldest run is deleted first, and none after one that can't
    be. The write lock must be held, and no run may be interrupted.
    """
    files = list_record_files(root)
    files.sort(key=lambda file: (file.stem, _RECORD_KINDS.index(file.suffix[1:])))
    with suppress(OSError):
        for file in files:  # a record goes before its marks
            file.unlink()
    return len(list_record_files(root))


def delete_run(folder: Path, run: str) -> None:
    """Delete the record of a run, then its marks, which stay if the record does."""
    with suppress(OSError):
        for kind in _RECORD_KINDS:
            (folder / f"{run}.{kind}").unlink(missing_ok=True)
