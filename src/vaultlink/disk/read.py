"""The only module that reads a vault from disk: where it is, what is in it, its texts and its settings.

Nothing here writes to a vault. What can't be read is reported as such, never raised.
"""

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from vaultlink.errors import ConfigError
from vaultlink.obsidian import ObsidianSettings


class UnreadableFile(NamedTuple):
    """Why a file has no text: the kind of trouble (`unreadable`, `undecodable`) and the detail."""

    kind: str
    detail: str


# -- finding ------------------------------------------------------------------------------------------------------


# -- reading ------------------------------------------------------------------------------------------------------


def read_text(file: str | os.PathLike[str]) -> str | UnreadableFile:
    """The text of a file, without byte order mark, line ends as they are."""
    try:
        with open(file, "rb", buffering=0) as stream:  # noqa: PTH123 - the bare call costs a third
            return decode_note(stream.readall())
    except OSError as error:
        return UnreadableFile("unreadable", error.strerror or str(error))


def decode_note(data: bytes) -> str | UnreadableFile:
    """The text that a note's bytes hold, without byte order mark, line ends as they are."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return UnreadableFile("undecodable", f"byte {error.start + 1} is not valid UTF-8")
    return text[1:] if text.startswith("\ufeff") else text


def load_obsidian_settings(vault: Path) -> ObsidianSettings:
    """The vault's own settings; missing or unreadable files mean defaults, as in Obsidian."""
    app = _read_json_object(vault / ".obsidian" / "app.json")
    types = _read_json_object(vault / ".obsidian" / "types.json").get("types")
    filters = app.get("userIgnoreFilters")
    known = ObsidianSettings()
    return ObsidianSettings(
        _string_or(app.get("newLinkFormat"), known.new_link_format),
        app.get("useMarkdownLinks") is True,
        _string_or(app.get("attachmentFolderPath"), known.attachment_folder),
        tuple(item for item in filters if isinstance(item, str))
        if isinstance(filters, list)
        else (),
        {key: value for key, value in types.items() if isinstance(value, str)}
        if isinstance(types, dict)
        else None,
    )


def _string_or(value: object, default: str) -> str:
    return value if isinstance(value, str) else default


def _read_json_object(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def load_config(
    vault: Path, explicit: str | os.PathLike[str] | None
) -> list[tuple[str, Mapping[str, Any]]]:
    """The configuration file of a vault, named and parsed: the given one, else the first found from the vault upward to
    the root of its git repository. Raises ConfigError with file and line for bad TOML."""
    for file in config_candidates(vault, explicit):
        values = _read_toml(file, required=explicit is not None)
        if file.name == "pyproject.toml" and values is not None:
            values = values.get("tool", {}).get("vaultlink")
        if values is not None:
            return [(os.path.relpath(file), values)]
    return []


def config_candidates(vault: Path, explicit: str | os.PathLike[str] | None) -> Iterator[Path]:
    """The places of a vault's configuration, whether or not anything is there: the first that holds one has it."""
    if explicit:
        yield Path(explicit)
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
        Path(__file__).parents[3] / "rules",
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


CONFIG_NAMES = (".vaultlink.toml", "vaultlink.toml", "pyproject.toml")
