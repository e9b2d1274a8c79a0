"""Read the files in `.obsidian` that hold settings of Obsidian and of its plugins.

A file or value that is missing, unreadable or of another type means the default, as in Obsidian.
Without `app.json`, the style of links is unknown.
Files that can do harm when they are read are errors.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vaultlink.errors import ConfigError
from vaultlink.files import UnusualFileError, read_within
from vaultlink.obsidian import DEFAULT_LINK_FORMAT, ObsidianSettings, PeriodicNote

_PLUGINS = ".obsidian/plugins"
APP_FILE, _TYPES = ".obsidian/app.json", ".obsidian/types.json"
_CORE_PLUGINS = ".obsidian/core-plugins.json"
_TEMPLATES, _DAILY_NOTES = ".obsidian/templates.json", ".obsidian/daily-notes.json"
_TEMPLATER = f"{_PLUGINS}/templater-obsidian/data.json"
_QUICKADD = f"{_PLUGINS}/quickadd/data.json"
_PERIODIC_NOTES = f"{_PLUGINS}/periodic-notes/data.json"
_CALENDAR = f"{_PLUGINS}/calendar/data.json"

OBSIDIAN_FILES = (
    *(APP_FILE, _TYPES, _CORE_PLUGINS, _TEMPLATES, _DAILY_NOTES),
    *(_TEMPLATER, _QUICKADD, _PERIODIC_NOTES, _CALENDAR),
)
"""Vault paths of the files that are read."""

_DEFAULT_FORMATS = {
    "day": "YYYY-MM-DD",
    "week": "gggg-[W]ww",
    "month": "YYYY-MM",
    "quarter": "YYYY-[Q]Q",
    "year": "YYYY",
}
"""The formats of Daily notes, Calendar and Periodic Notes where the settings name none."""

_PERIODS = {
    **{"daily": "day", "weekly": "week", "monthly": "month"},
    **{"quarterly": "quarter", "yearly": "year"},
}
"""Keys of Periodic Notes before version 1, and those of its calendar sets since."""

_MAX_BYTES = 16_000_000
"""Bytes of the largest file that is read; plugins keep more than settings in theirs."""

_Json = Mapping[str, Any]


def load_obsidian_settings(vault: Path) -> ObsidianSettings:
    """Return the settings of Obsidian that the vault contains.

    Raises:
        ConfigError: A file is not a regular one, too large, or a link out of the vault.
    """
    return build_obsidian_settings({path: _read_json(vault, path) for path in OBSIDIAN_FILES})


def build_obsidian_settings(files: Mapping[str, object]) -> ObsidianSettings:
    """Return the settings that files contain, given their JSON by vault path."""
    objects = {path: value for path, value in files.items() if isinstance(value, dict)}
    app, types = objects.get(APP_FILE, {}), objects.get(_TYPES, {}).get("types")
    defaults = ObsidianSettings()
    periodic = list(
        _find_periodic_notes(objects, _is_enabled(files.get(_CORE_PLUGINS), "daily-notes"))
    )
    return ObsidianSettings(
        _string_or(app.get("newLinkFormat"), DEFAULT_LINK_FORMAT) if APP_FILE in objects else None,
        app.get("useMarkdownLinks") is True if APP_FILE in objects else None,
        _string_or(app.get("attachmentFolderPath"), defaults.attachment_folder),
        tuple(
            item for item in _list_or_empty(app.get("userIgnoreFilters")) if isinstance(item, str)
        ),
        {key: value for key, value in types.items() if isinstance(value, str)}
        if isinstance(types, dict)
        else None,
        tuple(dict.fromkeys(filter(None, map(_clean_path, _find_templates(objects, periodic))))),
        tuple(
            dict.fromkeys(
                PeriodicNote(
                    _string_or(entry.get("format"), "").strip() or _DEFAULT_FORMATS[period],
                    _clean_path(entry.get("folder")),
                )
                for period, entry in periodic
            )
        ),
        trash=_string_or(app.get("trashOption"), defaults.trash),
    )


def _find_templates(
    objects: Mapping[str, _Json], periodic: list[tuple[str, _Json]]
) -> Iterator[object]:
    yield objects.get(_TEMPLATES, {}).get("folder")
    templater = objects.get(_TEMPLATER, {})
    yield templater.get("templates_folder")
    for key in ("folder_templates", "file_templates"):
        for entry in _list_or_empty(templater.get(key)):
            yield _object_or_empty(entry).get("template")
    yield from _list_or_empty(templater.get("startup_templates"))
    quickadd = objects.get(_QUICKADD, {})
    yield quickadd.get("templateFolderPath")
    pending = [*_list_or_empty(quickadd.get("choices"))]
    for choice in map(_object_or_empty, pending):
        yield choice.get("templatePath")
        pending += _list_or_empty(choice.get("choices"))
    for _, entry in periodic:
        yield entry.get("template") or entry.get("templatePath")


def _find_periodic_notes(
    objects: Mapping[str, _Json], has_daily_notes: bool
) -> Iterator[tuple[str, _Json]]:
    """Yield the periods of the periodic notes that are in use, and their settings.

    Obsidian writes the settings of Daily notes when a user changes them.
    """
    if has_daily_notes or _DAILY_NOTES in objects:
        yield "day", objects.get(_DAILY_NOTES, {})
    plugin = objects.get(_PERIODIC_NOTES, {})
    calendar_sets = map(_object_or_empty, _list_or_empty(plugin.get("calendarSets")))
    for periods in ({period: plugin.get(key) for key, period in _PERIODS.items()}, *calendar_sets):
        for period in _PERIODS.values():
            entry = _object_or_empty(periods.get(period))
            if entry.get("enabled") is True:
                yield period, entry
    calendar = objects.get(_CALENDAR, {})
    if calendar.get("showWeeklyNote") is True or calendar.get("weeklyNoteFormat"):
        yield (
            "week",
            {
                key: calendar.get(f"weeklyNote{key.capitalize()}")
                for key in ("format", "folder", "template")
            },
        )


def _is_enabled(core_plugins: object, name: str) -> bool:
    """Return True if a core plugin is on.

    The value is a list of those that are on; since Obsidian 1.6 an object with all.
    """
    if isinstance(core_plugins, dict):
        return core_plugins.get(name) is True
    return name in _list_or_empty(core_plugins)


def _clean_path(value: object) -> str:
    """Return a vault path without slashes at its ends.

    Return "" for the root, for other values than paths, and for paths that leave the vault.
    """
    parts = [part for part in _string_or(value, "").strip().split("/") if part not in ("", ".")]
    return "" if ".." in parts else "/".join(parts)


def _string_or(value: object, default: str) -> str:
    return value if isinstance(value, str) else default


def _list_or_empty(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _object_or_empty(value: object) -> _Json:
    return value if isinstance(value, dict) else {}


def _read_json(vault: Path, path: str) -> object:
    file = vault / path
    try:
        data = read_within(file, vault, _MAX_BYTES)
    except UnusualFileError as error:
        raise ConfigError(
            f"{file}: {error.strerror}. Replace it by a file that Obsidian wrote, or remove it."
        ) from None
    except (OSError, ValueError):
        return None
    import json  # noqa: PLC0415 - many vaults have no such file

    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
