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

from vaultlink.folders import missing_folders
from vaultlink.locking import journal_folder, made_folder, unkept
from vaultlink.writing import Outcome, Write, sweep, write

_MAGIC = b"vaultlink run 1\n"
_OLDEST = 90 * 24 * 3600 * 10**9
_LARGEST = 200_000_000
_WORTH_PACKING = 256


class Change(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a run does to a note. `old` and `new` are digests, None where there is no file; `mode` is the permissions of
    a file that goes. The old bytes are `start` bytes of the new ones, `size` bytes kept here, and the new ones' last `end`."""

    path: str
    old: bytes | None
    new: bytes | None
    mode: int | None
    start: int
    end: int
    size: int
    packed: bool


class Run(msgspec.Struct, frozen=True, array_like=True):
    """A run as it was recorded. `when` is in nanoseconds; `folders` are those it makes; `undoes` is the run it undoes.

    The last three are not part of the record: the notes that it left alone, whether it came to its end, and whether it was
    undone.
    """

    id: str
    when: int
    command: str
    summary: str
    vault: bytes
    undoes: str | None
    folders: tuple[str, ...]
    changes: tuple[Change, ...]
    refused: frozenset[str] = frozenset()
    ended: bool = False
    undone: bool = False


# -- writing with a record ----------------------------------------------------------------------------------------


def perform(
    root: Path, command: str, summary: str, writes: Sequence[Write], undoes: str | None = None
) -> Outcome:
    """Record a run, then write its notes. The caller holds the lock. A run that wrote nothing leaves no record."""
    if not writes:
        return Outcome((), ())
    run = begin(root, command, summary, writes, undoes)
    outcome = write(root, writes, run.id)
    if not outcome.written:
        _forget(journal_folder(root), run.id)
        return outcome
    _mark(
        journal_folder(root),
        run.id,
        "ended",
        msgspec.msgpack.encode([refusal.path for refusal in outcome.refused]),
    )
    return replace(outcome, run=run.id)


def begin(
    root: Path, command: str, summary: str, writes: Sequence[Write], undoes: str | None = None
) -> Run:
    """Record a run that is about to write."""
    folder = made_folder(root)
    tidy(root)
    known = runs(root)
    when = max(time.time_ns(), known[0].when + 1 if known else 0)
    parts = [_change(root, item) for item in writes]
    run = Run(
        f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(when // 10**9))}-{os.urandom(2).hex()}",
        when,
        command,
        summary,
        os.fsencode(root),
        undoes,
        tuple(missing_folders(root, [item.path for item in writes if item.old is None])),
        tuple([change for change, _ in parts]),
    )
    try:
        _store(folder, f"{run.id}.run", [_head(run), *(kept for _, kept in parts)], durable=True)
    except OSError as error:
        raise unkept(folder, error) from None
    _prune(folder, known, run.when)
    return run


def _change(root: Path, item: Write) -> tuple[Change, bytes]:
    old, new = item.old, item.new
    if old is None:
        return Change(item.path, None, digest(new), None, 0, 0, 0, False), b""
    start, end, mode = 0, 0, None
    if new is None:
        with suppress(OSError):
            mode = (root / item.path).stat().st_mode & 0o7777
    else:
        least = min(len(old), len(new))
        start = _alike(least, lambda low, high: old[low:high] == new[low:high])
        end = _alike(
            least - start,
            lambda low, high: (
                old[len(old) - high : len(old) - low] == new[len(new) - high : len(new) - low]
            ),
        )
    kept = old[start : len(old) - end]
    packed = len(kept) > _WORTH_PACKING
    if packed:
        kept = zlib.compress(kept, 1)
    return Change(item.path, digest(old), digest(new), mode, start, end, len(kept), packed), kept


def _alike(most: int, same: Callable[[int, int], bool]) -> int:
    """How many bytes are the same, at most, found by halving."""
    low = 0
    while low < most:
        middle = (low + most + 1) // 2
        if same(low, middle):
            low = middle
        else:
            most = middle - 1
    return low


def digest(content: bytes | None) -> bytes | None:
    """What tells one content of a note from any other."""
    return None if content is None else blake2b(content, digest_size=20).digest()


def tidy(root: Path) -> None:
    """Remove what runs that were killed left beside notes, and in the journal. The caller holds the lock."""
    folder = journal_folder(root)
    for run in runs(root):
        if not run.ended:
            sweep(root, [change.path for change in run.changes], run.id)
            _mark(folder, run.id, "ended", msgspec.msgpack.encode([]))
    for file in folder.glob("*.tmp"):
        with suppress(OSError):
            file.unlink()


# -- reading ------------------------------------------------------------------------------------------------------


def runs(root: Path, complain: Callable[[str], None] = lambda _sentence: None) -> list[Run]:
    """All runs recorded of a vault, the last one first. One that can't be read is left out, with a complaint."""
    folder = journal_folder(root)
    found = []
    for file in folder.glob("*.run"):
        run = _read(file)
        if run is None:
            complain(f"the record {file} is torn or of another version and can't be used.")
        else:
            found.append(run)
    return sorted(found, key=lambda run: run.when, reverse=True)


def _read(file: Path) -> Run | None:
    try:
        with file.open("rb") as stream:
            data = stream.read(len(_MAGIC) + 24)
            size, sign = int.from_bytes(data[len(_MAGIC) : -20], "big"), data[-20:]
            if data[: len(_MAGIC)] != _MAGIC or size > file.stat().st_size:
                return None
            head = stream.read(size)
        run = msgspec.msgpack.decode(head, type=Run) if digest(head) == sign else None
        if run is None or file.stat().st_size != len(data) + size + sum(
            change.size for change in run.changes
        ):
            return None
        return msgspec.structs.replace(
            run,
            refused=_left_alone(file),
            ended=file.with_suffix(".ended").exists(),
            undone=file.with_suffix(".undone").exists(),
        )
    except (OSError, msgspec.MsgspecError, ValueError):
        return None


def _left_alone(file: Path) -> frozenset[str]:
    try:
        return frozenset(
            msgspec.msgpack.decode(file.with_suffix(".ended").read_bytes(), type=list[str])
        )
    except (OSError, msgspec.MsgspecError, ValueError):
        return frozenset()


def old_bytes(root: Path, run: Run) -> Callable[[int, bytes | None], bytes | None]:
    """A way to ask for the old bytes of a run's change, by its number, from the new bytes. None if the record is damaged;
    raises OSError if it is gone."""
    data = (journal_folder(root) / f"{run.id}.run").read_bytes()
    places, place = [], len(data)
    for change in reversed(run.changes):
        place -= change.size
        places.append(place)
    places.reverse()

    def ask(number: int, new: bytes | None) -> bytes | None:
        change, now = run.changes[number], new or b""
        kept = data[places[number] : places[number] + change.size]
        with suppress(zlib.error):
            kept = zlib.decompress(kept) if change.packed else kept
        old = now[: change.start] + kept + now[len(now) - change.end :]
        return old if digest(old) == change.old else None

    return ask


# -- files of the journal -----------------------------------------------------------------------------------------


def _head(run: Run) -> bytes:
    head = msgspec.msgpack.encode(
        msgspec.structs.replace(run, refused=frozenset(), ended=False, undone=False)
    )
    return _MAGIC + len(head).to_bytes(4, "big") + (digest(head) or b"") + head


def _store(folder: Path, name: str, parts: Sequence[bytes], *, durable: bool) -> None:
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


def _mark(folder: Path, run: str, mark: str, content: bytes = b"") -> None:
    with suppress(OSError):
        _store(folder, f"{run}.{mark}", [content], durable=False)


def mark_undone(root: Path, run: Run, undone: bool) -> None:
    """Remember that a run was undone, or is in force again; a run that itself undid another turns that one around."""
    folder = journal_folder(root)
    if undone:
        _mark(folder, run.id, "undone")
    else:
        (folder / f"{run.id}.undone").unlink(missing_ok=True)
    for other in runs(root):
        if other.id == run.undoes:
            mark_undone(root, other, not undone)


def _prune(folder: Path, known: Sequence[Run], now: int) -> None:
    """Forget runs that are too old, or for which there is no room beside newer ones."""
    room = _LARGEST
    for run in known:
        with suppress(OSError):
            room -= (folder / f"{run.id}.run").stat().st_size
        if room < 0 or now - run.when > _OLDEST:
            _forget(folder, run.id)


def _forget(folder: Path, run: str) -> None:
    for mark in ("run", "ended", "undone"):
        with suppress(OSError):
            (folder / f"{run}.{mark}").unlink(missing_ok=True)
