"""Journals and caches that somebody made, with the right checksums, do no harm."""

import os
import shutil
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zlib import adler32

import msgspec
import pytest

from running import RunCommand, create_vault, let_time_pass, read_files, write_files
from screens import LARGE, run_on_screen
from tables import each
from vaultlink.disk.cache import Cache
from vaultlink.disk.scan import Settings, scan_vault
from vaultlink.disk.state_file import StateTable, StoredColumn
from vaultlink.write.journal_files import (
    RecordedChange,
    RecordedRun,
    digest_content,
    encode_header,
    journal_folder,
)
from vaultlink.write.settings_lists import find_topic_list

pytestmark = pytest.mark.timeout(60)

# -- journals -----------------------------------------------------------------------------------------------------

RUN_ID = "20260101-000000-abcd"
OLD, NEW = b"old text\n", b"new text\n"


def make_change(path: str = "a.md", **fields: Any) -> RecordedChange:
    """Return a change from OLD to NEW whose old bytes are stored."""
    change = RecordedChange(
        path, digest_content(OLD), digest_content(NEW), None, 0, 0, len(OLD), False
    )
    return msgspec.structs.replace(change, **fields)


def make_run(*changes: RecordedChange, **fields: Any) -> RecordedRun:
    """Return a run with these changes."""
    run = RecordedRun(
        RUN_ID, 10**18, "vaultlink fix", "Fixed.", b"", None, (), changes or (make_change(),)
    )
    return msgspec.structs.replace(run, **fields)


def forge(root: Path, run: RecordedRun, stored: bytes | None = None, name: str = RUN_ID) -> None:
    """Write a record."""
    folder = journal_folder(root)
    folder.mkdir(parents=True, exist_ok=True)
    data = OLD * len(run.changes) if stored is None else stored
    (folder / f"{name}.run").write_bytes(encode_header(run) + data)


REMOVED = {"old": digest_content(OLD), "new": None}
CREATED = {"old": None, "new": digest_content(NEW), "stored_size": 0}

FORGED: Mapping[str, RecordedRun] = {
    **{
        f"path {path!r}": make_run(make_change(path, **REMOVED), make_change())
        for path in (
            "../out.md",
            "x/../../out.md",
            "/out.md",
            "",
            ".",
            "a.md/",
            "x//y.md",
            "NUL\0.md",
            "\0",
            "link/out.md",
            "./a.md",
        )
    },
    "created outside": make_run(make_change("../secret", **CREATED)),
    "a folder outside": make_run(folders=("..", "../empty")),
    "a folder with NUL": make_run(folders=("\0",)),
    "an absolute folder": make_run(folders=("/tmp",)),
    "an id that is a path": make_run(id="../../out"),
    "an id with NUL": make_run(id="x\0"),
    "a negative size": make_run(make_change(stored_size=-9), make_change(stored_size=27)),
    "a negative prefix": make_run(make_change(prefix_size=-(2**62))),
    "a huge suffix": make_run(make_change(suffix_size=2**63)),
    "a huge mode": make_run(make_change("gone.md", **REMOVED, mode=2**63)),
    "a negative mode": make_run(make_change("gone.md", **REMOVED, mode=-5)),
    "a time before all": make_run(time_ns=-(2**63)),
    "a time after all": make_run(time_ns=2**63 - 1),
    "undoes itself": make_run(undoes=RUN_ID),
    "control characters": make_run(command="\x1b[2J\x9b\u202e", summary="\x1b]0;x\a"),
    "no changes": make_run(changes=()),
}


@each("run_record", FORGED.values(), ids=map(ascii, FORGED))
def test_forged_record_changes_nothing_outside_the_vault(
    tmp_path: Path, run: RunCommand, run_record: RecordedRun
) -> None:
    root = create_vault(tmp_path / "v", {"a.md": NEW})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "empty").mkdir()
    (root / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "secret").write_bytes(NEW)
    forge(root, run_record)
    before = set(tmp_path.rglob("*"))
    for words in (("--list",), ("--diff",), (), (RUN_ID,), ()):
        done = run("undo", *words, "--vault", str(root))
        assert "internal error" not in done.err
        assert not set("\x1b\x9b\u202e\a").intersection(done.out + done.err)
    assert run("check", "--vault", str(root)).code in (0, 1)
    new = {
        path
        for path in set(tmp_path.rglob("*")) - before
        if not path.is_relative_to(tmp_path / "v")
    }
    own = (journal_folder(root), tmp_path / "cache", tmp_path / "state")
    assert all(any(path.is_relative_to(folder) for folder in own) for path in new)
    assert (tmp_path / "secret").read_bytes() == NEW
    assert (tmp_path / "empty").is_dir()
    assert set(read_files(root)) <= {"a.md", "gone.md"}


FORGED_MOVES: Mapping[str, tuple[str, str]] = {
    "from outside": ("a.md", "../secret"),
    "to outside": ("../out.md", "a.md"),
    "an absolute path": ("/tmp/out.md", "a.md"),
    "from behind a link": ("b.md", "link/secret"),
    "to behind a link": ("link/out.md", "a.md"),
    "a link": ("b.md", "link"),
    "NUL": ("b\0.md", "a.md"),
    "no path": ("", "a.md"),
    "the vault": ("x", "."),
    "into itself": ("a.md", "a.md/x"),
    "to itself": ("a.md", "a.md"),
}
MARKERS: Mapping[str, Mapping[str, bytes]] = {
    "none": {},
    "ended": {"ended": msgspec.msgpack.encode(([], []))},
    "damaged end": {"ended": b"\xc1"},
    "moving": {"moving": msgspec.msgpack.encode([(0, 0)])},
    "damaged identities": {"moving": b"\xc1"},
    "odd identities": {"moving": msgspec.msgpack.encode([None, (2**63, -1), (1, 1)])},
}


@each("marker", MARKERS.values(), ids=MARKERS)
@each("move", FORGED_MOVES.values(), ids=FORGED_MOVES)
def test_forged_move_changes_nothing_outside_the_vault(
    tmp_path: Path, run: RunCommand, move: tuple[str, str], marker: Mapping[str, bytes]
) -> None:
    root = create_vault(tmp_path / "v", {"a.md": NEW})
    write_files(tmp_path, {"secret": NEW, "elsewhere/secret": NEW})
    (root / "link").symlink_to(tmp_path / "elsewhere")
    forge(root, make_run(moves=(move,)))
    for kind, content in marker.items():
        (journal_folder(root) / f"{RUN_ID}.{kind}").write_bytes(content)
    for words in (("--list",), ("--diff",), (), (RUN_ID,), ()):
        assert "internal error" not in run("undo", *words, "--vault", str(root)).err
    assert not Path("/tmp/out.md").exists()
    names = {path.name for path in tmp_path.iterdir()} - {"state", "cache"}
    assert names == {"v", "secret", "elsewhere"}
    assert read_files(tmp_path / "elsewhere") == {"secret": NEW}
    assert (root / "link").is_symlink()
    assert OLD in read_files(root).values() or NEW in read_files(root).values()


HIDDEN = {
    "a changed file": (make_run(make_change(".git/config")), ".git/config"),
    "a changed setting": (make_run(make_change(".obsidian/app.json")), ".obsidian/app.json"),
    "a hidden file": (make_run(make_change(".bashrc")), ".bashrc"),
    "a hidden file in a folder": (make_run(make_change("x/.envrc")), "x/.envrc"),
    "a file in .trash": (make_run(make_change(".trash/a.md")), ".trash/a.md"),
    "a removed file": (make_run(make_change(".git/hooks/x", **REMOVED)), ""),
    "settings in a hidden folder": (
        make_run(make_change(".x/.vaultlink.toml")),
        ".x/.vaultlink.toml",
    ),
    "a created file": (make_run(make_change(".git/config", **CREATED)), ".git/config"),
    "a folder": (make_run(folders=(".git", ".git/hooks")), ".git/hooks/"),
    "a move to": (make_run(make_change(), moves=((".git/config", "x/new.md"),)), "x/new.md"),
    "a move from": (make_run(make_change(), moves=(("new.md", ".git/config"),)), ".git/config"),
}
"""Records that name hidden files, and the file that would be changed."""


@each("name", HIDDEN)
def test_forged_record_of_a_hidden_file_is_not_used(
    tmp_path: Path, run: RunCommand, name: str
) -> None:
    record, path = HIDDEN[name]
    root = create_vault(tmp_path / "v", {"a.md": "kept\n"})
    if path.endswith("/"):
        (root / path).mkdir(parents=True)
    elif path:
        write_files(root, {path: NEW})
    forge(root, record)
    before = sorted(root.rglob("*")), read_files(root)
    for words in (("--list",), (), (RUN_ID,)):
        done = run("undo", *words, "--vault", str(root))
        assert "can't read the record" in done.err
    run("fix", "--vault", str(root))
    assert (sorted(root.rglob("*")), read_files(root)) == before


@each("path", [".vaultlink.toml", "x.md", ".vaultlink-baseline.json"])
def test_record_of_a_hidden_file_that_vaultlink_writes_is_used(
    tmp_path: Path, run: RunCommand, path: str
) -> None:
    root = create_vault(tmp_path / "v", {"a.md": ""})
    (root / path).write_bytes(NEW)
    forge(root, make_run(make_change(path)))
    assert run("undo", "--vault", str(root)).code == 0
    assert (root / path).read_bytes() == OLD


@each(
    ("config", "barrier"),
    [
        (".vaultlink.toml", ""),
        ("sub/.vaultlink.toml", ""),
        ("mine.toml", ""),
        (".mine.toml", "is hidden: add it to allow-dangling there."),
        (".x/vaultlink.toml", "is hidden: add it to allow-dangling there."),
    ],
)
def test_no_run_changes_settings_that_a_record_may_not_name(
    tmp_path: Path, config: str, barrier: str
) -> None:
    root = create_vault(tmp_path / "v", {"a.md": "", config: "select = []\n"})
    found = find_topic_list(scan_vault(root, Settings(config_file=root / config)))
    assert found.barrier.endswith(barrier)
    assert bool(found.barrier) == bool(barrier)


# -- the lock -----------------------------------------------------------------------------------------------------


@each("kind", ["link", "link to nothing", "pipe", "folder"])
@each("line", ["fix", "undo", "baseline", "doctor"])
def test_lock_that_is_no_regular_file_is_refused(
    tmp_path: Path, run: RunCommand, kind: str, line: str
) -> None:
    root = create_vault(tmp_path / "v", {"a.md": "[[b]]\n"})
    lock = journal_folder(root) / "lock"
    lock.parent.mkdir(parents=True)
    target = tmp_path / "target"
    if kind == "link":
        target.write_bytes(OLD)
    if kind == "pipe":
        os.mkfifo(lock)
    elif kind == "folder":
        lock.mkdir()
    else:
        lock.symlink_to(target)
    done = run(line, "--vault", str(root))
    assert "internal error" not in done.err
    if line != "doctor":
        assert done.code == 2
        assert f"{lock}" in done.err or "can't write the journal" in done.err
    assert target.exists() == (kind == "link")
    assert os.path.lexists(lock)
    assert run("check", "--vault", str(root)).code == 1


def test_runs_that_undo_each_other(tmp_path: Path, run: RunCommand) -> None:
    root = create_vault(tmp_path / "v", {"a.md": NEW})
    ids = [f"20260101-00000{n}-abcd" for n in range(5)]
    for name, other in zip(ids, [*ids[1:], ids[0]], strict=True):
        forge(root, make_run(id=name, undoes=other), name=name)
    assert "internal error" not in run("undo", ids[2], "--vault", str(root)).err
    assert (root / "a.md").read_bytes() == OLD


@pytest.mark.thorough
def test_long_chain_of_undone_runs(tmp_path: Path, run: RunCommand) -> None:
    root = create_vault(tmp_path / "v", {"a.md": NEW})
    ids = [f"20260101-{n:06}-abcd" for n in range(1_500)]
    for name, other in zip(ids, [None, *ids], strict=False):
        forge(root, make_run(id=name, undoes=other), name=name)
    assert "internal error" not in run("undo", ids[-1], "--vault", str(root)).err
    assert (root / "a.md").read_bytes() == OLD


def compress_zeros(megabytes: int) -> bytes:
    """Return the zlib stream of this many megabytes of zeros, in the format of RFC 1950.

    One block is compressed and repeated, which takes a thousandth of the time of compressing all.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = (megabytes * 1_000_000 % 65_521) << 16 | 1
    return b"\x78\xda" + block * megabytes + packer.flush() + checksum.to_bytes(4, "big")


def test_zeros_are_a_valid_stream() -> None:
    assert zlib.decompress(compress_zeros(70)) == bytes(70_000_000)


@each("notes", [1, 20])
def test_deflate_bomb_is_not_inflated(tmp_path: Path, run: RunCommand, notes: int) -> None:
    bomb = compress_zeros(2_000 // notes)
    paths = [f"n{number}.md" for number in range(notes)]
    root = create_vault(tmp_path / "v", dict.fromkeys(paths, NEW))
    changes = [make_change(path, stored_size=len(bomb), compressed=True) for path in paths]
    forge(root, make_run(*changes), bomb * notes)
    done = run("undo", "--vault", str(root))
    assert "is damaged" in done.err
    assert read_files(root) == dict.fromkeys(paths, NEW)


# -- caches -------------------------------------------------------------------------------------------------------

NOTES = {
    "a.md": "---\ntags: [x]\n---\n# One\n\n[[b]] [[gone]] [[b#Nowhere]] ![[pic.png]]\n",
    "b.md": "# Two\n\n[[a#One]] ^block\n",
    "sub/b.md": "[[A]]\n",
    "c.md": "[x](b.md)\n",
    "pic.png": "",
}


def write_entry(file: Path, magic: bytes, body: bytes) -> None:
    """Write a cache entry with its checksum."""
    file.write_bytes(magic + adler32(body).to_bytes(4, "big") + body)


class ForgedCache:
    """The cache of a vault, with its state decoded."""

    def __init__(self, file: Path, magic: bytes):
        self._file, self._magic = file, magic
        data = file.read_bytes()
        end = len(data) - 12  # the table's size and checksum are last
        start = end - int.from_bytes(data[end : end + 8], "big")
        self.table = msgspec.msgpack.decode(data[start:end], type=StateTable)
        self.data = data[len(magic) : start]

    def write(self, **fields: Any) -> None:
        """Write the state with other fields."""
        table = msgspec.structs.replace(self.table, **fields)
        head = msgspec.msgpack.encode(table)
        tail = len(head).to_bytes(8, "big") + adler32(head).to_bytes(4, "big")
        self._file.write_bytes(self._magic + self.data + head + tail)

    def column(self, name: str, **fields: Any) -> dict[str, StoredColumn]:
        """Return the columns with another one."""
        columns = dict(self.table.columns)
        columns[name] = msgspec.structs.replace(columns[name], **fields)
        return columns


def change_column(
    name: str, fields: Mapping[str, Any]
) -> Callable[[ForgedCache], Mapping[str, Any]]:
    """Return a function that gives a column of a cache other fields."""
    return lambda cache: {"columns": cache.column(name, **fields)}


COLUMNS = ("notes", "names", "targets", "diagnostics")
_CHANGES: Mapping[str, Mapping[str, Any]] = {
    "no keys": {"keys": msgspec.msgpack.encode([])},
    "keys that are no list": {"keys": b"\xc1"},
    "keys that are numbers": {"keys": msgspec.msgpack.encode([1, 2])},
    "no ends": {"ends": b""},
    "odd ends": {"ends": b"12345"},
    "huge ends": {"ends": b"\xff" * 32},
    "falling ends": {"ends": (9).to_bytes(8, "little") + bytes(24)},
    "a start before all": {"start": -5},
    "a start after all": {"start": 2**62},
}
TABLES: Mapping[str, Callable[[ForgedCache], Mapping[str, Any]]] = {
    "fewer paths": lambda c: {"paths": c.table.paths[:1]},
    "more paths": lambda c: {"paths": [*c.table.paths, "x.md", "../y.md", "z\0.md"]},
    "paths twice": lambda c: {"paths": c.table.paths * 2},
    "other paths": lambda c: {"paths": c.table.paths[::-1]},
    "no digests": lambda _c: {"digests": b""},
    "wrong digests": lambda c: {"digests": bytes(len(c.table.digests))},
    "more attachments": lambda c: {"attachments": ["x", *c.table.attachments, "a.md"]},
    "no columns": lambda _c: {"columns": {}},
    "no checksums": lambda _c: {"checksums": b""},
    "odd checksums": lambda _c: {"checksums": b"123"},
    "other settings": lambda _c: {"settings_digest": "", "headings": ("x",) * 3},
    "shared names": lambda _c: {"files_sharing_names": ["nowhere.md"]},
    "unknown findings": lambda _c: {"unsuppressed": {"a.md": (), "x.md": ()}},
    "traits": lambda _c: {"section_traits": {"": -1}},
    **{
        f"{what} of {name}": change_column(name, change)
        for name in COLUMNS
        for what, change in _CHANGES.items()
    },
}
COMMANDS = (
    ("check",),
    ("check", "--output-format", "json"),
    ("links",),
    ("fix", "--diff"),
    ("graph",),
    ("mentions",),
    ("sections", "check"),
    ("report", "--output-format", "markdown"),
)


@each("forged", TABLES.values(), ids=TABLES)
def test_cache_that_contradicts_itself_is_no_internal_error(
    tmp_path: Path,
    run: RunCommand,
    forged: Callable[[ForgedCache], Mapping[str, Any]],
) -> None:
    root = create_vault(tmp_path / "v", NOTES)
    magic = Cache(tmp_path, root)._magic
    for number, words in enumerate((("check",), ("fix", "--diff"))):
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        run("check", "--vault", str(root))
        [file] = (tmp_path / "cache").glob("*/state")
        cache = ForgedCache(file, magic)
        cache.write(**forged(cache))
        (root / "c.md").write_text(f"[x](b.md) {number}\n")
        done = run(*words, "--vault", str(root))
        assert "internal error" not in done.err
        assert done.code in (0, 1)


ENTRIES: Mapping[str, Callable[[bytes], bytes]] = {
    "empty": lambda _body: b"",
    "half": lambda body: body[: len(body) // 2],
    "twice": lambda body: body * 2,
    "query only": lambda body: body[:16],
    "another type": lambda body: body[:16] + msgspec.msgpack.encode({"x": [1, None, "y"]}),
    "nested": lambda body: body[:16] + b"\x91" * 100_000,
    "a number": lambda body: body[:16] + b"\x01",
    "many": lambda body: body[:16] + b"\xdd\xff\xff\xff\xff",
    "stamps": lambda body: msgspec.msgpack.encode([body[2:18], [], [], None]),
    "stamps twice": lambda body: msgspec.msgpack.encode([body[2:18], [[1, 2, 3]] * 50, [], None]),
}


@pytest.mark.thorough
@each("forged", ENTRIES.values(), ids=ENTRIES)
def test_forged_cache_entries_are_no_internal_error(
    tmp_path: Path, run: RunCommand, forged: Callable[[bytes], bytes]
) -> None:
    root = create_vault(tmp_path / "v", NOTES)
    magic = Cache(tmp_path, root)._magic
    for words in COMMANDS:
        expected = run(*words, "--vault", str(root), "--no-cache")
        run(*words, "--vault", str(root))
        files = [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]
        for file in files:
            body = file.read_bytes()[len(magic) + 4 :]
            if file.name == "state":
                continue
            kept = file.read_bytes()
            write_entry(file, magic, forged(body))
            done = run(*words, "--vault", str(root))
            assert "internal error" not in done.err, file
            assert (done.code, done.out) == (expected.code, expected.out), file
            file.write_bytes(kept)


@each("words", [("status",), ("check",), ("unresolved",), ("show",)])
def test_forged_answer_sends_no_command_to_a_terminal(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    root = create_vault(tmp_path / "v", NOTES)
    let_time_pass()
    magic = Cache(tmp_path, root)._magic
    with run_on_screen(root, *words, size=LARGE) as screen:
        screen.wait_for_end(code=None)
        assert "gone" in screen.everything
    for file in (tmp_path / "cache").glob("*/answer-*"):
        body = file.read_bytes()[len(magic) + 4 :]
        assert b"gone" in body
        write_entry(file, magic, body.replace(b"gone", b"\x1b]0;"))
    with run_on_screen(root, *words, size=LARGE) as screen:
        screen.wait_for_end(code=None)
        assert "\\u001b]0;" in screen.everything
        assert "\x1b]0;" not in screen.output
