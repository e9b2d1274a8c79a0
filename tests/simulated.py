"""Run vaultlink as if this were Windows or macOS: `python tests/simulated.py SYSTEM FOLDER COMMAND …`.

SYSTEM is `win32`, `darwin`, or `darwin-nfd` for a disk that stores names in Unicode form NFD. FOLDER is a disk that ignores case and
Unicode form. Only facts of the standard library are replaced, before vaultlink is imported: `sys.platform`, what `os` has, and how
`os` and `open` find names. What the real systems do beyond that is not tested; docs/platforms.md says so.
"""

import builtins
import io
import os
import sys
import types
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

POSIX_MODULES = ("fcntl", "grp", "pwd", "resource", "termios", "tty", "pty")
POSIX_NAMES = (
    "O_DIRECTORY",
    "O_NOFOLLOW",
    "O_NONBLOCK",
    "fchown",
    "fork",
    "forkpty",
    "geteuid",
    "getuid",
    "getpgid",
    "killpg",
    "mkfifo",
    "uname",
    "O_CLOEXEC",
)
LINUX_NAMES = (
    "getxattr",
    "listxattr",
    "removexattr",
    "sched_getaffinity",
    "sched_setaffinity",
    "setxattr",
)
MAX_PATH = 259
"""Characters of a path on Windows without long paths."""

RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{name}{number}" for name in ("com", "lpt") for number in range(10)),
}
NAMED = (
    "access",
    "chmod",
    "listdir",
    "lstat",
    "mkdir",
    "open",
    "readlink",
    "remove",
    "rmdir",
    "scandir",
    "stat",
    "unlink",
    "utime",
    "truncate",
)
"""Functions of `os` whose first argument is a path."""

PAIRED = ("link", "rename", "replace", "symlink")
"""Functions of `os` whose first two arguments are paths."""

real_listdir, real_lexists = os.listdir, os.path.lexists


def fold(name: str) -> str:
    """Return the same text for all spellings of a name that are one file."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


class Disk:
    """Finds files of a folder in any case and Unicode form, as a disk of Windows or macOS does."""

    def __init__(self, system: str, root: str):
        self.system, self.root = system, root

    def find(self, path: Any, handle: int | None = None) -> Any:
        """Return the real path of a path, which may begin at an open folder."""
        if isinstance(path, int):
            return path
        text = os.fsdecode(path)
        if handle is not None:
            text = os.path.join(os.readlink(f"/proc/self/fd/{handle}"), text)
        text = os.path.abspath(text)
        if text != self.root and not text.startswith(f"{self.root}/"):
            return text
        if self.system == "win32":
            self._check(text)
        found = self.root
        for name in text[len(self.root) + 1 :].split("/"):
            if name:
                found = f"{found}/{self._find_name(found, name)}"
        return found

    def _check(self, path: str) -> None:
        names = [name.partition(".")[0].rstrip().lower() for name in path.split("/")]
        if len(path) > MAX_PATH or RESERVED.intersection(names):
            raise FileNotFoundError(2, "The system cannot find the path specified", path)

    def _find_name(self, folder: str, name: str) -> str:
        try:
            names = real_listdir(folder)
        except OSError:
            return name
        if name in names:
            return name
        key = fold(name)
        stored = unicodedata.normalize("NFD", name) if self.system == "darwin-nfd" else name
        return next((other for other in names if fold(other) == key), stored)


def list_handles(arguments: dict[str, Any]) -> Iterator[int | None]:
    """Take the open folders out of the arguments of a function of `os`."""
    both = arguments.pop("dir_fd", None)
    for name in ("src_dir_fd", "dst_dir_fd"):
        yield arguments.pop(name, both)


def wrap_named(disk: Disk, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of `os` that finds its path on the disk."""

    def call(path: Any = ".", *rest: Any, **named: Any) -> Any:
        handle, _ = list_handles(named)
        assert handle is None or disk.system != "win32", "Windows has no handles of folders"
        return function(disk.find(path, handle), *rest, **named)

    return call


def wrap_paired(disk: Disk, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of `os` that finds both of its paths on the disk."""

    def call(source: Any, target: Any, *rest: Any, **named: Any) -> Any:
        first, second = list_handles(named)
        assert (first, second) == (None, None) or disk.system != "win32"
        old = source if name == "symlink" else disk.find(source, first)
        new = disk.find(target, second)
        if name == "rename" and old == new:  # another spelling of the name
            new = os.path.join(os.path.dirname(new), os.path.basename(os.fsdecode(target)))
        elif (
            name in ("link", "rename")
            and real_lexists(new)
            and (disk.system == "win32" or name == "link")
        ):
            raise FileExistsError(17, "File exists", old, None, new)
        return function(old, new, *rest, **named)

    return call


class MacStatus:
    """The status of a file, with the time of its creation, which Linux does not have here."""

    def __init__(self, status: os.stat_result):
        self._status, self.st_birthtime = status, status.st_mtime

    def __getattr__(self, name: str) -> Any:
        return getattr(self._status, name)


def add_birth_time(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `os.stat` or its like with the status that macOS has."""

    def call(*given: Any, **named: Any) -> MacStatus:
        return MacStatus(function(*given, **named))

    return call


def make_msvcrt() -> types.ModuleType:
    """Return the module with which Windows locks files."""
    import fcntl  # noqa: PLC0415

    module: Any = types.ModuleType("msvcrt")
    module.LK_NBLCK = 2
    module.locking = lambda handle, _mode, _size: fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return module  # type: ignore[no-any-return]


def import_first() -> None:
    """Import what would look for the real Windows or macOS."""
    for name in (
        "ctypes",
        "subprocess",
        "multiprocessing",
        "tempfile",
        "shutil",
        "typer",
        "rich.console",
        "rapidfuzz",
        "yaml",
        "msgspec",
    ):
        __import__(name)


def become(system: str, root: str) -> None:
    """Replace the facts of the standard library."""
    import_first()
    disk = Disk(system, os.path.realpath(root))
    wrapped: dict[str, Any] = {name: wrap_named(disk, getattr(os, name)) for name in NAMED}
    wrapped |= {name: wrap_paired(disk, name, getattr(os, name)) for name in PAIRED}
    real_open = io.open

    def open_file(file: Any, *rest: Any, **named: Any) -> Any:
        return real_open(disk.find(file), *rest, **named)

    if system == "win32":
        sys.modules["msvcrt"] = make_msvcrt()
        for name in POSIX_MODULES:
            sys.modules[name] = None  # type: ignore[assignment]  # importing it raises ImportError
    else:
        wrapped["fstat"] = os.fstat
        for name in ("stat", "lstat", "fstat"):
            wrapped[name] = add_birth_time(wrapped[name])
    for name, function in wrapped.items():
        setattr(os, name, function)
    builtins.open = io.open = open_file
    for name in (*LINUX_NAMES, *(POSIX_NAMES if system == "win32" else ())):
        if hasattr(os, name):
            delattr(os, name)
    sys.platform = system.partition("-")[0]


if __name__ == "__main__":
    become(sys.argv[1], sys.argv[2])
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
    from vaultlink.__main__ import main

    sys.exit(main(sys.argv[3:]))
