"""Read notes and configuration files from disk, and the declarations of the rules.

Writes nothing. Notes that can't be read are returned as `UnreadableFile`, not raised.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from vaultlink.errors import ConfigError

CONFIG_NAMES = (".vaultlink.toml", "vaultlink.toml", "pyproject.toml")
"""Names of configuration files in a folder, by precedence."""

_READ_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0)

_READ_SIZE = 1 << 20
"""Bytes to read at once of what was appended to a file just now."""


class UnreadableFile(NamedTuple):
    """Why a file has no text: a kind (`unreadable`, `undecodable`) and the detail."""

    kind: str
    detail: str


# -- notes and configuration ----------------------------------------------------------------------


def read_text(file: str | os.PathLike[str]) -> str | UnreadableFile:
    """Return the text of a file, without byte order mark, line ends unchanged."""
    data = read_bytes(file)
    return decode_note(data) if isinstance(data, bytes) else data


def read_bytes(file: str | os.PathLike[str]) -> bytes | UnreadableFile:
    """Return the bytes of a file."""
    try:
        handle = os.open(file, _READ_FLAGS)
        try:  # half the time of a stream
            size = os.fstat(handle).st_size
            data = os.read(handle, size + 1)
            while len(data) != size and (more := os.read(handle, _READ_SIZE)):
                data += more
        finally:
            os.close(handle)
    except OSError as error:
        return UnreadableFile("unreadable", error.strerror or str(error))
    return data


def decode_note(data: bytes) -> str | UnreadableFile:
    """Decode a note's bytes, without byte order mark, line ends unchanged."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return UnreadableFile("undecodable", f"byte {error.start + 1} is not valid UTF-8")
    return text[1:] if text.startswith("\ufeff") else text


def load_config(
    vault: Path, explicit: str | os.PathLike[str] | None
) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the name and values of a vault's configuration file, if it has one.

    The list has one pair or none. The file is the explicit one, else the first one found from the
    vault upwards to the root of its git repository.

    Raises:
        ConfigError: The file is not valid TOML (with the line), can't be read, or does not exist
            although it was named.
    """
    for file in config_candidates(vault, explicit):
        values = _read_toml(file, required=explicit is not None)
        if file.name == "pyproject.toml" and values is not None:
            values = values.get("tool", {}).get("vaultlink")
        if values is not None:
            return [(os.path.relpath(file), values)]
    return []


def config_candidates(vault: Path, explicit: str | os.PathLike[str] | None) -> Iterator[Path]:
    """Yield the paths where a vault's configuration can be, by precedence.

    The files need not exist; the first one that has a configuration is used.
    """
    if explicit:
        yield Path(explicit)
        return
    start = vault.resolve()
    for folder in (start, *start.parents):
        yield from (folder / name for name in CONFIG_NAMES)
        if (folder / ".git").exists():
            return


def _read_toml(file: Path, *, required: bool) -> dict[str, Any] | None:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        if required:
            raise ConfigError(f"{file}: this configuration file does not exist.") from None
        return None
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: the file is not valid UTF-8.") from None
    except OSError as error:
        if required or not isinstance(error, (NotADirectoryError, IsADirectoryError)):
            raise ConfigError(f"{file}: {error.strerror}.") from None
        return None
    import tomllib  # noqa: PLC0415 - many vaults have no such file

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        if not required and file.name == "pyproject.toml":
            return None  # an error of other tools, unless it was named
        raise ConfigError(f"{file}: not valid TOML: {error}.") from None


# -- rule declarations ----------------------------------------------------------------------------


def load_rules(*, examples: bool = True) -> dict[str, Mapping[str, Any]]:
    """Return the declarations of all rules by file stem.

    They are read from the package, or from the checkout it is installed from. Without `examples`,
    each declaration has one empty example: the examples are most of the text.

    Raises:
        ConfigError: The declarations are missing.
    """
    import yaml  # noqa: PLC0415 - a cached check does not need it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for folder in (
        Path(__file__).parents[1] / "rules",
        Path(__file__).parents[3] / "rules",
    ):
        declarations = {
            file.stem: yaml.load(file.read_bytes(), Loader=loader)
            if examples
            else {
                **yaml.load(file.read_bytes().partition(b"\nexamples:")[0], Loader=loader),
                "examples": [{}],
            }
            for file in sorted(folder.glob("*.yaml"))
        }
        if declarations:
            return declarations
    raise ConfigError(
        "The rule declarations are missing from this installation of vaultlink. Install it again."
    )
