"""What every writing run changed, kept in the user's state folder so that it can be undone, byte for byte.

A run is recorded whole, and on the disk, before it touches its first note. Nothing is noted while it goes on: a note that
holds its old bytes was not written yet, one that holds its new bytes was. Of the old bytes, those that the new ones begin
and end with as well are not kept a second time.
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
    """What a run does to a note. `old` and `new` are digests, None where there is no file; `mode` is the permissions of
    a file that goes. The old bytes are `prefix_size` bytes of the new ones, `stored_size` bytes kept here, and the new ones' last `suffix_size`."""

    path: str
    old: bytes | None
    new: bytes | None
    mode: int | None
    prefix_size: int
    suffix_size: int
    stored_size: int
    compressed: bool


class RecordedRun(msgspec.Struct, frozen=True, array_like=True):
    """A run as it was recorded. `time_ns` is in nanoseconds; `folders` are those it makes; `undoes` is the run it undoes.

    The last three are not part of the record: the notes that it left alone, whether it came to its end, and whether it was
    undone.
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


# -- writing with a record ----------------------------------------------------------------------------------------


def record_and_write(
    root: Path,
    command: str,
    summary: str,
    writes: Sequence[PendingWrite],
    undoes: str | None = None,
) -> WriteResult:
    """Record a run, then write its notes. The caller holds the lock. A run that wrote nothing leaves no record."""
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
    """Record a run that is about to write."""
    folder = make_journal_folder(root)
    clean_up_journal(root)
    known = list_runs(root)
    when = max(time.time_ns(), known[0].time_ns + 1 if known else 0)
    parts = [_record_change(root, item) for item in writes]
    run = RecordedRun(
        f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(when // 10**9))}-{os.urandom(2).hex()}",
        when,
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
            [_encode_header(run), *(kept for _, kept in parts)],
            durable=True,
        )
    except OSError as error:
        raise make_journal_error(folder, error) from None
    _prune(folder, known, run.time_ns)
    return run


def _record_change(root: Path, item: PendingWrite) -> tuple[RecordedChange, bytes]:
    old, new = item.old, item.new
    if old is None:
        return RecordedChange(item.path, None, digest_content(new), None, 0, 0, 0, False), b""
    start, end, mode = 0, 0, None
    if new is None:
        with suppress(OSError):
            mode = (root / item.path).stat().st_mode & 0o7777
    else:
        least = min(len(old), len(new))
        start = _count_equal(least, lambda low, high: old[low:high] == new[low:high])
        end = _count_equal(
            least - start,
            lambda low, high: (
                old[len(old) - high : len(old) - low] == new[len(new) - high : len(new) - low]
            ),
        )
    kept = old[start : len(old) - end]
    packed = len(kept) > _COMPRESS_THRESHOLD
    if packed:
        kept = zlib.compress(kept, 1)
    return RecordedChange(
        item.path, digest_content(old), digest_content(new), mode, start, end, len(kept), packed
    ), kept


def _count_equal(most: int, same: Callable[[int, int], bool]) -> int:
    """How many bytes are the same, at most, found by halving."""
    low = 0
    while low < most:
        middle = (low + most + 1) // 2
        if same(low, middle):
            low = middle
        else:
            most = middle - 1
    return low


def digest_content(content: bytes | None) -> bytes | None:
    """What tells one content of a note from any other."""
    return None if content is None else blake2b(content, digest_size=20).digest()


def clean_up_journal(root: Path) -> None:
    """Remove what runs that were killed left beside notes, and in the journal. The caller holds the lock."""
    folder = journal_folder(root)
    for run in list_runs(root):
        if not run.ended:
            remove_leftovers(root, [change.path for change in run.changes], run.id)
            _write_marker(folder, run.id, "ended", msgspec.msgpack.encode([]))
    for file in folder.glob("*.tmp"):
        with suppress(OSError):
            file.unlink()


# -- reading ------------------------------------------------------------------------------------------------------


def list_runs(
    root: Path, complain: Callable[[str], None] = lambda _sentence: None
) -> list[RecordedRun]:
    """All runs recorded of a vault, the last one first. One that can't be read is left out, with a complaint."""
    folder = journal_folder(root)
    found = []
    for file in folder.glob("*.run"):
        run = _read_record(file)
        if run is None:
            complain(f"the record {file} is torn or of another version and can't be used.")
        else:
            found.append(run)
    return sorted(found, key=lambda run: run.time_ns, reverse=True)


def _read_record(file: Path) -> RecordedRun | None:
    try:
        with file.open("rb") as stream:
            data = stream.read(len(_MAGIC) + 24)
            size, sign = int.from_bytes(data[len(_MAGIC) : -20], "big"), data[-20:]
            if data[: len(_MAGIC)] != _MAGIC or size > file.stat().st_size:
                return None
            head = stream.read(size)
        run = (
            msgspec.msgpack.decode(head, type=RecordedRun) if digest_content(head) == sign else None
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
    """A way to ask for the old bytes of a run's change, by its number, from the new bytes. None if the record is damaged;
    raises OSError if it is gone."""
    data = (journal_folder(root) / f"{run.id}.run").read_bytes()
    places, place = [], len(data)
    for change in reversed(run.changes):
        place -= change.stored_size
        places.append(place)
    places.reverse()

    def ask(number: int, new: bytes | None) -> bytes | None:
        change, now = run.changes[number], new or b""
        kept = data[places[number] : places[number] + change.stored_size]
        with suppress(zlib.error):
            kept = zlib.decompress(kept) if change.compressed else kept
        old = now[: change.prefix_size] + kept + now[len(now) - change.suffix_size :]
        return old if digest_content(old) == change.old else None

    return ask


# -- files of the journal -----------------------------------------------------------------------------------------


def _encode_header(run: RecordedRun) -> bytes:
    head = msgspec.msgpack.encode(
        msgspec.structs.replace(run, skipped=frozenset(), ended=False, undone=False)
    )
    return _MAGIC + len(head).to_bytes(4, "big") + (digest_content(head) or b"") + head


def _write_file(folder: Path, name: str, parts: Sequence[bytes], *, durable: bool) -> None:
    handle, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")
    try:
        with open(handle, "wb") as stream:  # noqa: PTH123 - a handle, no path
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
        with suppress(OSError):  # some file systems can't, and need not
            os.fsync(handle)
        os.close(handle)


def _write_marker(folder: Path, run: str, mark: str, content: bytes = b"") -> None:
    with suppress(OSError):
        _write_file(folder, f"{run}.{mark}", [content], durable=False)


def mark_undone(root: Path, run: RecordedRun, undone: bool) -> None:
    """Remember that a run was undone, or is in force again; a run that itself undid another turns that one around."""
    folder = journal_folder(root)
    if undone:
        _write_marker(folder, run.id, "undone")
    else:
        (folder / f"{run.id}.undone").unlink(missing_ok=True)
    for other in list_runs(root):
        if other.id == run.undoes:
            mark_undone(root, other, not undone)


def _prune(folder: Path, known: Sequence[RecordedRun], now: int) -> None:
    """Forget runs that are too old, or for which there is no room beside newer ones."""
    room = _MAX_TOTAL_BYTES
    for run in known:
        with suppress(OSError):
            room -= (folder / f"{run.id}.run").stat().st_size
        if room < 0 or now - run.time_ns > _MAX_AGE_NS:
            _delete_run(folder, run.id)


def _delete_run(folder: Path, run: str) -> None:
    for mark in ("run", "ended", "undone"):
        with suppress(OSError):
            (folder / f"{run}.{mark}").unlink(missing_ok=True)
