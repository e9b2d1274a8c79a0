"""Record each writing run in the user's state folder, so that it can be undone.

A run is recorded completely, and synced to disk, before its first note is written. Nothing is
recorded while it runs: a note with its old bytes was not written yet, one with its new bytes was.
Old bytes that are a prefix or suffix of the new ones are not stored.
"""

import os
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import msgspec

from vaultlink.write.lock import journal_folder, make_journal_error, make_journal_folder
from vaultlink.write.open_folders import find_missing_folders
from vaultlink.write.write import PendingWrite, WriteResult, remove_leftovers, write_notes

_MAGIC = b"vaultlink run 1\n"
_MAX_AGE_NS = 90 * 24 * 3600 * 10**9
_MAX_TOTAL_BYTES = 200_000_000
_COMPRESS_THRESHOLD = 256


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
    it undoes. The last three fields are not in the record itself: the notes that it skipped,
    whether it ended, and whether it was undone.
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


# -- recording and writing -----------------------------------------------------------------------


def record_and_write(
    root: Path,
    command: str,
    summary: str,
    writes: Sequence[PendingWrite],
    undoes: str | None = None,
) -> WriteResult:
    """Record a run, then write its notes. The caller must hold the write lock.

    A run that writes nothing leaves no record.

    Raises:
        JournalError: The record can't be written.
    """
    if not writes:
        return WriteResult((), ())
    run = record_run(root, command, summary, writes, undoes)
    result = write_notes(root, writes, run.id)
    if not result.written:
        _delete_run(journal_folder(root), run.id)
        return result
    _write_marker(
        journal_folder(root),
        run.id,
        "ended",
        msgspec.msgpack.encode([skipped_note.path for skipped_note in result.skipped]),
    )
    return replace(result, run_id=run.id)


def record_run(
    root: Path,
    command: str,
    summary: str,
    writes: Sequence[PendingWrite],
    undoes: str | None = None,
) -> RecordedRun:
    """Record a run before it writes.

    Raises:
        JournalError: The record can't be written.
    """
    folder = make_journal_folder(root)
    clean_up_journal(root)
    runs = list_runs(root)
    time_ns = max(time.time_ns(), runs[0].time_ns + 1 if runs else 0)
    parts = [_record_change(root, item) for item in writes]
    run = RecordedRun(
        f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(time_ns // 10**9))}-{os.urandom(2).hex()}",
        time_ns,
        command,
        summary,
        os.fsencode(root),
        undoes,
        tuple(find_missing_folders(root, [item.path for item in writes if item.old is None])),
        tuple([change for change, _ in parts]),
    )
    try:
        _write_file(
            folder,
            f"{run.id}.run",
            [_encode_header(run), *(stored for _, stored in parts)],
            durable=True,
        )
    except OSError as error:
        raise make_journal_error(folder, error) from None
    _prune(folder, runs, run.time_ns)
    return run


def _record_change(root: Path, item: PendingWrite) -> tuple[RecordedChange, bytes]:
    old, new = item.old, item.new
    if old is None:
        return RecordedChange(item.path, None, digest_content(new), None, 0, 0, 0, False), b""
    prefix_size, suffix_size, mode = 0, 0, None
    if new is None:
        with suppress(OSError):
            mode = (root / item.path).stat().st_mode & 0o7777
    else:
        shorter = min(len(old), len(new))
        prefix_size = _count_equal(shorter, lambda low, high: old[low:high] == new[low:high])
        suffix_size = _count_equal(
            shorter - prefix_size,
            lambda low, high: (
                old[len(old) - high : len(old) - low] == new[len(new) - high : len(new) - low]
            ),
        )
    stored = old[prefix_size : len(old) - suffix_size]
    compressed = len(stored) > _COMPRESS_THRESHOLD
    if compressed:
        stored = zlib.compress(stored, 1)
    return RecordedChange(
        item.path,
        digest_content(old),
        digest_content(new),
        mode,
        prefix_size,
        suffix_size,
        len(stored),
        compressed,
    ), stored


def _count_equal(limit: int, same: Callable[[int, int], bool]) -> int:
    """Return the number of equal bytes, at most `limit`, by binary search."""
    low = 0
    while low < limit:
        middle = (low + limit + 1) // 2
        if same(low, middle):
            low = middle
        else:
            limit = middle - 1
    return low


def digest_content(content: bytes | None) -> bytes | None:
    """Return a digest of a note's bytes, 20 bytes long; None for no file."""
    return None if content is None else blake2b(content, digest_size=20).digest()


def clean_up_journal(root: Path) -> None:
    """Remove what killed runs left beside notes and in the journal.

    The caller must hold the write lock.
    """
    folder = journal_folder(root)
    for run in list_runs(root):
        if not run.ended:
            remove_leftovers(root, [change.path for change in run.changes], run.id)
            _write_marker(folder, run.id, "ended", msgspec.msgpack.encode([]))
    for file in folder.glob("*.tmp"):
        with suppress(OSError):
            file.unlink()


# -- reading -------------------------------------------------------------------------------------


def list_runs(root: Path, warn: Callable[[str], None] = lambda _message: None) -> list[RecordedRun]:
    """Return all recorded runs of a vault, the latest first.

    Records that can't be read are left out; `warn` is called with a message for each.
    """
    folder = journal_folder(root)
    runs = []
    for file in folder.glob("*.run"):
        run = _read_record(file)
        if run is None:
            warn(f"can't read the record {file}: it is damaged or of another version.")
        else:
            runs.append(run)
    return sorted(runs, key=lambda run: run.time_ns, reverse=True)


def _read_record(file: Path) -> RecordedRun | None:
    try:
        with file.open("rb") as stream:
            data = stream.read(len(_MAGIC) + 24)
            size, digest = int.from_bytes(data[len(_MAGIC) : -20], "big"), data[-20:]
            if data[: len(_MAGIC)] != _MAGIC or size > file.stat().st_size:
                return None
            head = stream.read(size)
        run = (
            msgspec.msgpack.decode(head, type=RecordedRun)
            if digest_content(head) == digest
            else None
        )
        if run is None or file.stat().st_size != len(data) + size + sum(
            change.stored_size for change in run.changes
        ):
            return None
        return msgspec.structs.replace(
            run,
            skipped=_read_skipped(file),
            ended=file.with_suffix(".ended").exists(),
            undone=file.with_suffix(".undone").exists(),
        )
    except (OSError, msgspec.MsgspecError, ValueError):
        return None


def _read_skipped(file: Path) -> frozenset[str]:
    try:
        return frozenset(
            msgspec.msgpack.decode(file.with_suffix(".ended").read_bytes(), type=list[str])
        )
    except (OSError, msgspec.MsgspecError, ValueError):
        return frozenset()


def load_old_bytes(root: Path, run: RecordedRun) -> Callable[[int, bytes | None], bytes | None]:
    """Return a function from a change's number and its new bytes to its old bytes.

    It returns None if the record is damaged.

    Raises:
        OSError: The record can't be read.
    """
    data = (journal_folder(root) / f"{run.id}.run").read_bytes()
    offsets, offset = [], len(data)
    for change in reversed(run.changes):
        offset -= change.stored_size
        offsets.append(offset)
    offsets.reverse()

    def get_old_bytes(number: int, new: bytes | None) -> bytes | None:
        change, current = run.changes[number], new or b""
        stored = data[offsets[number] : offsets[number] + change.stored_size]
        with suppress(zlib.error):
            stored = zlib.decompress(stored) if change.compressed else stored
        old = current[: change.prefix_size] + stored + current[len(current) - change.suffix_size :]
        return old if digest_content(old) == change.old else None

    return get_old_bytes


# -- journal files -------------------------------------------------------------------------------


def _encode_header(run: RecordedRun) -> bytes:
    head = msgspec.msgpack.encode(
        msgspec.structs.replace(run, skipped=frozenset(), ended=False, undone=False)
    )
    return _MAGIC + len(head).to_bytes(4, "big") + (digest_content(head) or b"") + head


def _write_file(folder: Path, name: str, parts: Sequence[bytes], *, durable: bool) -> None:
    handle, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")
    try:
        with open(handle, "wb") as stream:  # noqa: PTH123 - a descriptor, not a path
            stream.writelines(parts)
            stream.flush()
            if durable:
                os.fsync(handle)
        Path(temporary).replace(folder / name)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
    if durable and sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY)
        with suppress(OSError):  # not possible, and not needed, on some file systems
            os.fsync(handle)
        os.close(handle)


def _write_marker(folder: Path, run: str, kind: str, content: bytes = b"") -> None:
    with suppress(OSError):
        _write_file(folder, f"{run}.{kind}", [content], durable=False)


def mark_undone(root: Path, run: RecordedRun, undone: bool) -> None:
    """Mark a run as undone, or remove that mark.

    If the run is itself an undo, the run it undid is marked the other way round.
    """
    folder = journal_folder(root)
    if undone:
        _write_marker(folder, run.id, "undone")
    else:
        (folder / f"{run.id}.undone").unlink(missing_ok=True)
    for other in list_runs(root):
        if other.id == run.undoes:
            mark_undone(root, other, not undone)


def _prune(folder: Path, runs: Sequence[RecordedRun], now: int) -> None:
    """Delete runs older than 90 days, and the oldest ones above 200 MB in total."""
    room = _MAX_TOTAL_BYTES
    for run in runs:
        with suppress(OSError):
            room -= (folder / f"{run.id}.run").stat().st_size
        if room < 0 or now - run.time_ns > _MAX_AGE_NS:
            _delete_run(folder, run.id)


def _delete_run(folder: Path, run: str) -> None:
    for kind in ("run", "ended", "undone"):
        with suppress(OSError):
            (folder / f"{run}.{kind}").unlink(missing_ok=True)
