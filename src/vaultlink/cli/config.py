"""`vaultlink config`: the settings in force, each with where it came from."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec

from vaultlink.api import Survey
from vaultlink.cache import cache_folder
from vaultlink.catalog import catalog
from vaultlink.cli import CLEAN
from vaultlink.cli.listing import form, print_document, print_lines, print_rows
from vaultlink.cli.opening import surveyed
from vaultlink.cli.options import Choosing, words
from vaultlink.cli.terminal import Terminal
from vaultlink.config import DEFAULT, Config, configure
from vaultlink.files import load_rules

HEADER = ("setting", "value", "from")


@dataclass(frozen=True, kw_only=True)
class Shown(Choosing):
    """What `config` is told."""

    folder: Annotated[Path | None, words("VAULT", "The vault, or a folder in it.")] = None


class SettingRow(msgspec.Struct, frozen=True):
    """A setting in force."""

    key: str
    value: Any
    source: str


def config(options: Shown) -> int:
    """List the settings in force and where each comes from.

    The table leaves out what nobody changed in the rules' severities and options; -v shows it all.

    Forms: table (on a terminal), tsv (elsewhere), json. Columns of tsv: key, value as JSON, source.
    """
    terminal = Terminal(options)
    shape = form(terminal)
    seen = surveyed(options, options.folder)
    rules = catalog(load_rules())
    settings = configure(seen.layers, rules)
    rows = [*_places(options, seen), *_settings(settings)]
    if shape == "json":
        print_document(
            terminal,
            {"vault": str(seen.root), "enabled": sorted(settings.enabled)},
            "settings",
            rows,
        )
    elif shape == "tsv":
        print_lines(terminal, [(row.key, _written(row.value), row.source) for row in rows])
    else:
        shown = [
            row
            for row in rows
            if terminal.verbose or row.source != DEFAULT or not _of_a_rule(row.key)
        ]
        print_rows(terminal, HEADER, [(row.key, _described(row), row.source) for row in shown], "")
        terminal.say(f"{len(settings.enabled)} of {len(rules)} rules are on.")
    return CLEAN


def _places(options: Shown, seen: Survey) -> list[SettingRow]:
    """The vault and the cache: settings that only options and the environment have."""
    vault = (
        "--vault"
        if options.vault
        else "command line"
        if options.folder
        else "found from the current folder"
    )
    rows = [SettingRow("vault", str(seen.root), vault)]
    if options.no_cache:
        return [*rows, SettingRow("cache-dir", None, "--no-cache")]
    told = "VAULTLINK_CACHE_DIR" if os.environ.get("VAULTLINK_CACHE_DIR") else DEFAULT
    source = "--cache-dir" if options.cache_dir else told
    return [*rows, SettingRow("cache-dir", str(cache_folder(seen.settings.cache_dir)), source)]


def _settings(settings: Config) -> list[SettingRow]:
    rows = []
    for key, value in settings.values.items():
        source = settings.sources[key]
        chosen = None if key == "select" and source == DEFAULT else value
        rows.append(SettingRow(key, chosen, source))
    return rows


def _of_a_rule(key: str) -> bool:
    return key.startswith(("severity.", "rules."))


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _described(row: SettingRow) -> str:
    if row.value is None:
        return "(the rules that are on by default)" if row.key == "select" else "(none)"
    return row.value if row.key in ("vault", "cache-dir") else _written(row.value)
