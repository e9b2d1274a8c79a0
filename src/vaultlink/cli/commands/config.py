"""`vaultlink config`: list the settings in force and the source of each."""

import json
import os
from typing import Any

import msgspec

from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.listing import Listing, choose_listing_format, print_listing
from vaultlink.cli.options import FolderArgument, RuleSelectionOptions
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import report_choice, scan_from_options
from vaultlink.config.settings import DEFAULT_SOURCE, Config, merge_layers
from vaultlink.disk.cache import cache_folder
from vaultlink.disk.read import load_rules
from vaultlink.disk.scan import VaultScan
from vaultlink.disk.vault_search import VaultChoice
from vaultlink.rules.registry import build_catalog

HEADER = ("setting", "value", "from")


class ConfigOptions(RuleSelectionOptions, frozen=True, kw_only=True):
    folder: FolderArgument = None


class SettingRow(msgspec.Struct, frozen=True):
    """A setting in force, as JSON.

    Attributes:
        key: The key, with its tables, such as `rules.orphan-note.ignore`.
        value: The value in force; None if `select` is not set, or if there is no cache.
        source: The settings file, option or variable that the value is from, or `default`.
    """

    key: str
    value: Any
    source: str


def config(options: ConfigOptions) -> int:
    """List the settings in force and the source of each.

    The table omits severities and options of rules that have their default value; -v shows all.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of tsv: key, value as
    JSON, source.
    """
    terminal = Terminal(options)
    output_format = choose_listing_format(terminal)
    scan = scan_from_options(options, options.folder)
    report_choice(VaultChoice(scan.root, scan.choice), terminal)
    rules = build_catalog(load_rules())
    settings = merge_layers(scan.layers, rules)
    rows = [*_list_locations(options, scan), *_list_settings(settings)]
    listing = Listing(
        "settings",
        rows,
        HEADER,
        ((row.key, _format_json(row.value), row.source) for row in rows),
        HEADER,
        (
            (row.key, _format_value(row), row.source)
            for row in rows
            if terminal.verbose or row.source != DEFAULT_SOURCE or not _is_rule_setting(row.key)
        ),
        head={"vault": str(scan.root), "enabled": sorted(settings.enabled)},
    )
    if print_listing(terminal, output_format, listing):
        terminal.print_message(f"{len(settings.enabled)} of {len(rules)} rules are on.")
    return EXIT_CLEAN


def _list_locations(options: ConfigOptions, scan: VaultScan) -> list[SettingRow]:
    """Return the rows of the vault and the cache, which no settings file can name."""
    vault = (
        "--vault"
        if options.vault
        else scan.choice or ("command line" if options.folder else "found from the current folder")
    )
    rows = [SettingRow("vault", str(scan.root), vault)]
    if options.no_cache:
        return [*rows, SettingRow("cache-dir", None, "--no-cache")]
    default_source = (
        "VAULTLINK_CACHE_DIR" if os.environ.get("VAULTLINK_CACHE_DIR") else DEFAULT_SOURCE
    )
    source = "--cache-dir" if options.cache_dir else default_source
    return [*rows, SettingRow("cache-dir", str(cache_folder(scan.settings.cache_dir)), source)]


def _list_settings(settings: Config) -> list[SettingRow]:
    rows = []
    for key, value in settings.values.items():
        source = settings.sources[key]
        chosen = None if key == "select" and source == DEFAULT_SOURCE else value
        rows.append(SettingRow(key, chosen, source))
    return rows


def _is_rule_setting(key: str) -> bool:
    return key.startswith(("severity.", "rules."))


def _format_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _format_value(row: SettingRow) -> str:
    if row.value is None:
        return "(the rules that are on by default)" if row.key == "select" else "(none)"
    return row.value if row.key in ("vault", "cache-dir") else _format_json(row.value)
