"""The only module that reads a vault from disk: where it is, what is in it, its texts and its settings.

Nothing here writes to a vault. What can't be read is reported as such, never raised.
"""

import json
import os
import re
import stat as modes
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from vaultlink.config import ConfigError
from vaultlink.rules import Obsidian

CONFIG_NAMES = (".vaultlink.toml", "vaultlink.toml", "pyproject.toml")


class Stamp(NamedTuple):
    """What tells one state of a file from another without reading it: size, and times of change in nanoseconds."""

    size: int
    modified: int
    changed: int


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a vault by vault path, the folders that could not be read, each with why, and all folders by vault path
    ("" for the vault itself), each with where it is on disk. `ignores` are the `.gitignore` files in them."""

    files: Mapping[str, Stamp]
    unreadable: tuple[tuple[str, str], ...]
    folders: Mapping[str, str] = field(default_factory=dict)
    ignores: Mapping[str, Stamp] = field(default_factory=dict)


class Unreadable(NamedTuple):
    """Why a file has no text: the kind of trouble (`unreadable`, `undecodable`) and the detail."""

    kind: str
    detail: str


# -- finding ------------------------------------------------------------------------------------------------------


def find_vault(start: Path) -> Path:
    """The vault a path lies in: upward to a folder with a configuration file or `.obsidian`, else the folder itself."""
    here = start if start.is_dir() else start.parent
    here = here.resolve()
    for folder in (here, *here.parents):
        if is_marked(folder):
            return folder
        if (folder / ".git").exists():
            break
    return here


def is_marked(folder: Path) -> bool:
    """Whether something in a folder says that it is a vault."""
    return (folder / ".obsidian").is_dir() or any(
        _configures(folder / name) for name in CONFIG_NAMES
    )


def _configures(file: Path) -> bool:
    if file.name != "pyproject.toml":
        return file.is_file()
    try:
        return file.is_file() and b"[tool.vaultlink" in file.read_bytes()
    except OSError:
        return False


def list_files(vault: Path) -> Listing:
    """Every file below a vault but what lies under a name with a leading dot (5.16), and what programs put beside a file
    while they write it.

    Symbolic links to folders outside the vault are followed, as Obsidian does (5.20); links to files and to folders
    that hold or lie in the vault are not.
    """
    files: dict[str, Stamp] = {}
    folders: dict[str, str] = {}
    ignores: dict[str, Stamp] = {}
    unreadable: list[tuple[str, str]] = []
    seen = {vault.resolve()}
    pending = [("", os.fspath(vault))]
    while pending:
        prefix, folder = pending.pop()
        folders[prefix[:-1]] = folder
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name[0] != "." and not passing(entry.name):
                        _list_entry(entry, prefix + entry.name, files, pending, seen)
                    elif entry.name == ".gitignore" and (stamp := _stamp(entry.stat())):
                        ignores[prefix + entry.name] = stamp
        except OSError as error:
            unreadable.append((prefix.rstrip("/"), error.strerror or str(error)))
    return Listing(files, tuple(sorted(unreadable)), folders, ignores)


def _list_entry(
    entry: "os.DirEntry[str]",
    path: str,
    files: dict[str, Stamp],
    pending: list[tuple[str, str]],
    seen: set[Path],
) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:
        return  # a name that is no text can't be linked to, printed or told apart
    if entry.is_symlink():
        _list_symlink(entry, path, pending, seen)
    elif entry.is_dir(follow_symlinks=False):
        pending.append((path + "/", entry.path))
    else:
        stamp = _stamp(entry.stat(follow_symlinks=False))
        if stamp:
            files[path] = stamp


def _stamp(status: os.stat_result) -> Stamp | None:
    """What tells a state of an ordinary file; None of anything else."""
    regular = modes.S_ISREG(status.st_mode)
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns) if regular else None


def stamp_of(vault: str, path: str) -> Stamp | None:
    """What tells the state of one file of a vault, as `list_files` has it; None if it is none of a vault's files. Whether its
    folder is one of the vault's is not asked."""
    name = path[path.rfind("/") + 1 :]
    if not name or name[0] == "." or passing(name):
        return None
    try:
        path.encode()
        return _stamp(os.lstat(f"{vault}/{path}"))
    except (OSError, ValueError):
        return None


_PASSING = re.compile(r"~syncthing~.*\.tmp|~\$.*|#.*#|.*~|.*\.sb-[0-9a-f]{8}-[A-Za-z0-9]{6}")
"""Names under which Syncthing, office programs, Emacs, Vim and macOS keep a file that they are writing, or its last version."""


def passing(name: str) -> bool:
    """Whether a file's name says that some program is about to put it in another's place, or to take it away."""
    odd = name[0] in "~#" or name[-1] == "~" or ".sb-" in name
    return odd and name[-3:].lower() != ".md" and _PASSING.fullmatch(name) is not None


def in_vault(path: str) -> bool:
    """Whether a path below a vault's folder may be one of the vault's, by the names in it."""
    *folders, name = path.split("/")
    return (
        bool(name)
        and name[0] != "."
        and not passing(name)
        and all(folder[:1] not in ("", ".") for folder in folders)
    )


def _list_symlink(
    entry: "os.DirEntry[str]", path: str, pending: list[tuple[str, str]], seen: set[Path]
) -> None:
    """Follow a link to a folder that overlaps with none that is listed already."""
    try:
        if not entry.is_dir():
            return
        target = Path(entry.path).resolve(strict=True)
    except (OSError, RuntimeError):
        return
    if all(target not in (known, *known.parents) and known not in target.parents for known in seen):
        seen.add(target)
        pending.append((path + "/", entry.path))


# -- reading ------------------------------------------------------------------------------------------------------


def read_text(file: str | os.PathLike[str]) -> str | Unreadable:
    """The text of a file, without byte order mark, line ends as they are."""
    try:
        with open(file, "rb", buffering=0) as stream:  # noqa: PTH123 - the bare call costs a third
            return decoded(stream.readall())
    except OSError as error:
        return Unreadable("unreadable", error.strerror or str(error))


def decoded(data: bytes) -> str | Unreadable:
    """The text that a note's bytes hold, without byte order mark, line ends as they are."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return Unreadable("undecodable", f"byte {error.start + 1} is not valid UTF-8")
    return text[1:] if text.startswith("\ufeff") else text


def load_obsidian(vault: Path) -> Obsidian:
    """The vault's own settings; missing or unreadable files mean defaults, as in Obsidian."""
    app = _json_object(vault / ".obsidian" / "app.json")
    types = _json_object(vault / ".obsidian" / "types.json").get("types")
    filters = app.get("userIgnoreFilters")
    known = Obsidian()
    return Obsidian(
        _text(app.get("newLinkFormat"), known.new_link_format),
        app.get("useMarkdownLinks") is True,
        _text(app.get("attachmentFolderPath"), known.attachment_folder),
        tuple(item for item in filters if isinstance(item, str))
        if isinstance(filters, list)
        else (),
        {key: value for key, value in types.items() if isinstance(value, str)}
        if isinstance(types, dict)
        else None,
    )


def _text(value: object, default: str) -> str:
    return value if isinstance(value, str) else default


def _json_object(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def load_config(vault: Path, explicit: Path | None) -> list[tuple[str, Mapping[str, Any]]]:
    """The configuration file of a vault, named and parsed: the given one, else the first found from the vault upward to
    the root of its git repository. Raises ConfigError with file and line for bad TOML."""
    for file in config_files(vault, explicit):
        values = _read_toml(file, required=explicit is not None)
        if file.name == "pyproject.toml" and values is not None:
            values = values.get("tool", {}).get("vaultlink")
        if values is not None:
            return [(os.path.relpath(file), values)]
    return []


def config_files(vault: Path, explicit: Path | None) -> Iterator[Path]:
    """The places of a vault's configuration, whether or not anything is there: the first that holds one has it."""
    if explicit:
        yield explicit
        return
    here = vault.resolve()
    for folder in (here, *here.parents):
        yield from (folder / name for name in CONFIG_NAMES)
        if (folder / ".git").exists():
            return


def _read_toml(file: Path, *, required: bool) -> dict[str, Any] | None:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        if required:
            raise ConfigError(f"{file}: there is no such configuration file.") from None
        return None
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: the file is not UTF-8.") from None
    except OSError as error:
        if required or not isinstance(error, (NotADirectoryError, IsADirectoryError)):
            raise ConfigError(f"{file}: {error.strerror}.") from None
        return None
    except tomllib.TOMLDecodeError as error:
        if not required and file.name == "pyproject.toml":
            return None  # not ours to judge unless it was named
        raise ConfigError(f"{file}: this is no valid TOML: {error}.") from None


# -- the rules' declarations --------------------------------------------------------------------------------------


def load_rules() -> dict[str, Mapping[str, Any]]:
    """The declarations of all rules by file stem: from the package, or from the checkout it is installed from."""
    import yaml  # noqa: PLC0415 - a repeated check needs no declarations

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for folder in (
        Path(str(resources.files("vaultlink.rules"))),
        Path(__file__).parents[2] / "rules",
    ):
        declared = {
            file.stem: yaml.load(file.read_bytes(), Loader=loader)
            for file in sorted(folder.glob("*.yaml"))
        }
        if declared:
            return declared
    raise ConfigError(
        "The rules' declarations are missing from this installation of vaultlink; install it again."
    )
