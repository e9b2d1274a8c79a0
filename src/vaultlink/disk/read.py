"""Read notes and configuration files from disk, and the declarations of the rules.

Writes nothing. Notes that can't be read are returned as `UnreadableFile`, not raised.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from vaultlink.config.layers import CONFIG_NAMES
from vaultlink.errors import ConfigError
from vaultlink.files import NO_FOLLOW, UnusualFileError, path_exists, read_regular, read_within
from vaultlink.text import curl_quotes, lazy_pattern

MAX_CONFIG_BYTES = 256_000
"""Bytes of the largest configuration file that is read."""

MAX_CONFIG_ITEMS = 10_000
"""Keys and elements of lists that a configuration may have."""

_MAX_CONFIG_DEPTH = 10

_LONG_KEY = lazy_pattern(
    r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){50}""", re.ASCII
)
"""A key of more than 50 parts, for which Python's parser takes quadratic time."""


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
    """Return the bytes of a file of a vault. A vault has no links to files."""
    try:
        return read_regular(file, flags=NO_FOLLOW)
    except OSError as error:
        return UnreadableFile("unreadable", error.strerror or str(error))


def decode_note(data: bytes) -> str | UnreadableFile:
    """Decode a note's bytes, without byte order mark, line ends unchanged."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return UnreadableFile("undecodable", f"byte {error.start + 1} is not valid UTF-8")
    return text[1:] if text.startswith("\ufeff") else text


def load_config(
    vault: Path,
    explicit: str | os.PathLike[str] | None,
    others: Mapping[Path, bytes] = MappingProxyType({}),
) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the name and values of a vault's configuration file, if it has one.

    The list has one pair or none. The file is the explicit one, else the first one found from the
    vault upwards to the root of its git repository. `others` are contents that stand for those on
    disk.

    Raises:
        ConfigError: The file is not valid TOML (with the line), can't be read, or does not exist
            although it was named.
    """
    for file in config_candidates(vault, explicit):
        values: object = _read_toml(file, vault, others.get(file), required=explicit is not None)
        if file.name == "pyproject.toml" and values is not None:
            tool = values.get("tool") if isinstance(values, dict) else None
            values = tool.get("vaultlink") if isinstance(tool, dict) else None
        if values is not None:
            return [(os.path.relpath(file), _require_table(file, values))]
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
        if path_exists(folder / ".git"):
            return


def _require_table(file: Path, values: object) -> dict[str, Any]:
    """Return settings that are a table of sensible size. Raises ConfigError."""
    if not isinstance(values, dict):
        raise ConfigError(f"{file}: tool.vaultlink must be a table ([tool.vaultlink]).")
    count, level = 0, 0
    pending: list[dict[str, Any] | list[Any]] = [values]
    while pending:
        level += 1
        parts = [list(part.values() if isinstance(part, dict) else part) for part in pending]
        count += sum(map(len, parts))
        pending = [item for part in parts for item in part if isinstance(item, (dict, list))]
        if count > MAX_CONFIG_ITEMS or level > _MAX_CONFIG_DEPTH:
            raise ConfigError(
                f"{file}: there are more than {MAX_CONFIG_ITEMS:,} settings and elements of lists, "
                f"or more than {_MAX_CONFIG_DEPTH} levels of tables. Shorten the configuration."
            )
    return values


def _read_toml(
    file: Path, vault: Path, data: bytes | None, *, required: bool
) -> dict[str, Any] | None:
    text = _read_config_text(file, vault, data, required=required)
    if text is None:
        return None
    import tomllib  # noqa: PLC0415 - many vaults have no such file

    try:
        if _LONG_KEY.search(text):
            raise RecursionError
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # of numbers with very many digits, too
        if not required and file.name == "pyproject.toml":
            return None  # an error of other tools, unless it was named
        reason = "too many levels" if isinstance(error, RecursionError) else curl_quotes(str(error))
        raise ConfigError(f"{file}: not valid TOML: {reason}.") from None


def _read_config_text(file: Path, vault: Path, data: bytes | None, *, required: bool) -> str | None:
    """Return the text of a configuration file; None if it does not exist and need not.

    It is that of `data`, if given. A file that the user named may be a link to anywhere.
    """
    try:
        if data is not None:
            pass
        elif required:
            data = read_regular(file, MAX_CONFIG_BYTES)
        else:
            data = read_within(file, vault, MAX_CONFIG_BYTES)
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        if required:
            raise ConfigError(f"{file}: this configuration file does not exist.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: the file is not valid UTF-8.") from None
    except UnusualFileError as error:
        raise ConfigError(
            f"{file}: {error.strerror}. "
            "Replace it by a file, name a file with --config, or use --isolated."
        ) from None
    except OSError as error:
        if required or not isinstance(error, (NotADirectoryError, IsADirectoryError)):
            raise ConfigError(f"{file}: {error.strerror}.") from None
    return None


# -- rule declarations ----------------------------------------------------------------------------

_EXPLANATION = re.compile(rb"^why: \|\n(?:(?:  .*)?\n)+", re.MULTILINE)
"""The explanation of a rule: after the examples the longest part."""


def load_rules(*, examples: bool = True) -> dict[str, Mapping[str, Any]]:
    """Return the declarations of all rules by file stem.

    They are read from the package, or from the checkout it is installed from. Without `examples`,
    each declaration has one empty example, and its summary for the explanation: these are most of
    the text.

    Raises:
        ConfigError: The declarations are missing.
    """
    import yaml  # noqa: PLC0415 - a cached check does not need it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for folder in (Path(__file__).parents[1] / "rules", Path(__file__).parents[3] / "rules"):
        files = sorted(folder.glob("*.yaml"))
        texts = [file.read_bytes() for file in files]
        if not examples:
            texts = [_EXPLANATION.sub(b"", text.partition(b"\nexamples:")[0], 1) for text in texts]
        found = yaml.load_all(b"\n---\n".join(texts), Loader=loader) if texts else ()
        declarations = {
            file.stem: item if examples else {**item, "why": item["summary"], "examples": [{}]}
            for file, item in zip(files, found, strict=True)
        }
        if declarations:
            return declarations
    raise ConfigError(
        "The rule declarations are missing from this installation of vaultlink. Install it again."
    )
