"""Start vaultlink in the file that `make binary` builds.

PyInstaller unpacks the shared libraries of Python into a new folder that only the user can read,
runs this script, and removes the folder. To start fast, it unpacks what an unchanged check needs.
All else is unpacked into the same folder when a module that needs it is imported.
"""

import os
import signal
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from typing import Any

UNPACKED: str = getattr(sys, "_MEIPASS", "")
"""The folder of the unpacked files."""


_RUN_ON = {"watch", "lsp", "mcp"}
"""The commands that do not end by themselves."""

_PR_SET_PDEATHSIG = 1
"""The number in linux/prctl.h."""


class PartFinder:
    """Unpacks the files that belong to a module before it is imported.

    `parts` has the names of files and of the modules that contain them, by the module. `folder` is
    what `_hold_folder` returned.
    """

    def __init__(self, parts: dict[str, list[tuple[str, str]]], folder: int | None):
        self._parts, self._folder = parts, folder

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> Any:
        """Unpack the files of a module; return its spec if the first one is an extension.

        Raises ImportError if the folder is another one than at the start.
        """
        if self._folder is not None and not _is_in_place(self._folder):
            raise ImportError(f"{UNPACKED} was deleted while vaultlink ran. Start vaultlink again.")
        parts = self._parts.get(name, ())
        for file, module in parts:
            _unpack(os.path.join(UNPACKED, file), module)
        if not parts or not parts[0][0].endswith((".so", ".pyd")):
            return None
        from importlib.util import spec_from_file_location  # noqa: PLC0415 - a check needs none

        spec: ModuleSpec | None = spec_from_file_location(name, os.path.join(UNPACKED, parts[0][0]))
        return spec


def _unpack(file: str, module: str) -> None:
    """Write a file unless it is there. Forks of this process may do it at the same time."""
    if os.path.exists(file):
        return
    data = import_module(module).DATA
    del sys.modules[module]
    os.makedirs(os.path.dirname(file), 0o700, exist_ok=True)
    temporary = f"{file}.{os.getpid()}"
    with open(temporary, "wb") as stream:
        stream.write(data)
    os.replace(temporary, file)


def _hold_folder() -> int | None:
    """Keep the unpacked files of a command that runs on, and return the handle of their folder.

    Systems remove files in /tmp that nobody has used for days, but not what is locked. Once the
    folder is gone, anybody could make one with the same name.
    """
    if sys.platform == "win32" or _RUN_ON.isdisjoint(sys.argv):
        return None
    import fcntl  # noqa: PLC0415 - Windows has none

    folder = os.open(UNPACKED, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_SH)
    return folder


def _is_in_place(folder: int) -> bool:
    """Return True if the folder of the unpacked files is still the one with this handle."""
    try:
        return os.path.samestat(os.fstat(folder), os.stat(UNPACKED))
    except OSError:
        return False


def _hide_unpacker() -> None:
    """Give the programs that this one starts the environment that it was started with.

    Otherwise git would load the libraries of this program, and another vaultlink would run from
    the folder of this one, which is removed when this one ends.
    """
    for name in [name for name in os.environ if name.startswith("_PYI_")]:
        del os.environ[name]
    for name in ("LD_LIBRARY_PATH", "LIBPATH"):
        own = os.environ.pop(f"{name}_ORIG", None)
        os.environ.pop(name, None)
        if own is not None:
            os.environ[name] = own


def _end_with_unpacker() -> None:
    """End a command that runs on when the process that unpacked it is killed, on Linux."""
    if sys.platform == "linux" and not _RUN_ON.isdisjoint(sys.argv):
        import ctypes  # noqa: PLC0415 - it takes a tenth of the time of a check

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def main() -> None:
    """Run the command of this process."""
    _hide_unpacker()
    build = import_module("vaultlink_build")
    sys.meta_path.insert(0, PartFinder(build.PARTS, _hold_folder()))
    _end_with_unpacker()
    from vaultlink.programs import declare_binary  # noqa: PLC0415 - the parts must be known

    declare_binary(build.DIGEST)
    from vaultlink.__main__ import start  # noqa: PLC0415

    start()


main()
