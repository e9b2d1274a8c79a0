"""Checks of the program and the system for `vaultlink doctor`."""

import os
import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import msgspec

import vaultlink

_INOTIFY = Path("/proc/sys/fs/inotify")

_NAME = re.compile(r"[\w.-]+")


class CheckRow(msgspec.Struct, frozen=True):
    """One line of `vaultlink doctor`.

    Attributes:
        check: The subject of the line, such as `libraries`.
        attention: True if you should do something, which `advice` then says.
        detail: What was found, for people.
        advice: What to do; "" if `attention` is false.
    """

    check: str
    attention: bool
    detail: str
    advice: str = ""

    @classmethod
    def make(cls, check: str, attention: object, detail: str, advice: str) -> "CheckRow":
        """Return a row, with the advice only if something needs attention."""
        return cls(check, bool(attention), detail, advice if attention else "")


def check_program() -> Iterator[CheckRow]:
    """Yield the rows that do not depend on a vault."""
    place = Path(vaultlink.__file__).parent
    yield CheckRow("version", False, f"vaultlink {vaultlink.__version__}, in {place}")
    yield CheckRow(
        "Python",
        False,
        f"{platform.python_version()} ({platform.python_implementation()}), {sys.executable}; "
        f"{platform.system()} {platform.release()}",
    )
    yield from _check_libraries()


def _check_libraries() -> Iterator[CheckRow]:
    try:
        requirements = metadata.requires("vaultlink") or []
    except metadata.PackageNotFoundError:
        yield CheckRow(
            "libraries", True, "vaultlink is not installed.", "Install it: `pip install .`"
        )
        return
    by_extra: dict[str, list[str]] = {"": []}
    for text in requirements:
        extra = re.search(r"extra == ['\"]([\w-]+)", text)
        by_extra.setdefault(extra[1] if extra else "", []).append(text)
    versions = {text: _find_version(text) for text in by_extra.pop("")}
    missing = [text for text, version in versions.items() if version is None]
    names = [f"{_name_package(text)} {version}" for text, version in versions.items() if version]
    advice = f"Not installed: {', '.join(missing)}. Install vaultlink again."
    yield CheckRow.make("libraries", missing, ", ".join(names), advice)
    states = [
        f"{extra} ({'installed' if all(map(_find_version, texts)) else 'not installed'})"
        for extra, texts in by_extra.items()
    ]
    yield CheckRow("extras", False, ", ".join(states) or "there are no extras")


def _name_package(requirement: str) -> str:
    match = _NAME.match(requirement)
    return match[0] if match else requirement


def _find_version(requirement: str) -> str | None:
    try:
        return metadata.version(_name_package(requirement))
    except metadata.PackageNotFoundError:
        return None


def check_inotify(folders: int) -> Iterator[CheckRow]:
    """Yield the limits of Linux for watching files, given the number of folders."""
    try:
        watches, instances = (
            int((_INOTIFY / f"max_user_{name}").read_text(encoding="ascii"))
            for name in ("watches", "instances")
        )
    except (OSError, ValueError):
        return
    yield CheckRow.make(
        "inotify",
        watches < 2 * folders,
        f"{watches:,} watches and {instances:,} instances for all programs; "
        f"the vault has {folders:,} folder{'s' if folders != 1 else ''}",
        "Raise the limit with `sudo sysctl fs.inotify.max_user_watches=524288`; to keep it, add "
        "that setting to a file in /etc/sysctl.d.",
    )


def is_writable(folder: Path) -> bool:
    """Return True if a folder, or the nearest existing one above, is writable."""
    existing = next((item for item in (folder, *folder.parents) if item.exists()), folder)
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
