"""`config`, `rules` and `rule`: the settings in force, and the rules."""

import json
import os
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.listings import (
    Columns,
    Listing,
    choose_document_format,
    choose_listing_format,
    print_listing,
)
from vaultlink.cli.opening import (
    describe_skipped_preview,
    protect_vault,
    report_choice,
    scan_from_options,
    start_at,
)
from vaultlink.cli.options import FolderArgument, PrintOptions, RuleSelectionOptions, argument
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.unmatched_items import list_unmatched_items
from vaultlink.config.settings import DEFAULT_SOURCE, Config, merge_layers
from vaultlink.disk.cache import cache_folder
from vaultlink.disk.read import load_rules
from vaultlink.disk.scan import VaultScan
from vaultlink.disk.vault_search import VaultChoice
from vaultlink.errors import UsageError, propose
from vaultlink.report.layout import escape_controls, format_count
from vaultlink.report.rule_manual import render_rule_page, rule_row
from vaultlink.rules.registry import Rule, UnknownRule, build_catalog, select_rules


class ConfigOptions(RuleSelectionOptions, frozen=True, kw_only=True):
    """Options of `config`."""

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
    A line names the items of settings that match nothing in the vault.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of tsv: key, value as
    JSON, source.
    """
    terminal = Terminal(options)
    choose_listing_format(terminal)
    scan = scan_from_options(options, start_at(options.folder))
    report_choice(VaultChoice(scan.root, scan.choice), terminal)
    protect_vault(scan.root, terminal, scan)
    rules = build_catalog(load_rules(examples=False))
    settings = merge_layers(scan.layers, rules)
    if warning := describe_skipped_preview(settings):
        terminal.print_message(warning)
    rows = [*_list_locations(options, scan), *_list_settings(settings)]
    listing = Listing(
        "settings",
        rows,
        {"setting": "key", "value": lambda row: _format_json(row.value), "from": "source"},
        {"setting": "key", "value": _format_value, "from": "source"},
        shown=(
            row
            for row in rows
            if terminal.verbose
            or row.source != DEFAULT_SOURCE
            or not row.key.startswith(("severity.", "rules."))
        ),
        head={"vault": str(scan.root), "enabled": sorted(settings.enabled)},
        summary=lambda: [f"{len(settings.enabled)} of {len(rules)} rules are on."],
        notes=lambda: [
            f"{escape_controls(clause)}."
            for clause in list_unmatched_items(scan, rules, settings, terminal)
        ],
    )
    print_listing(terminal, listing)
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
    sources = settings.sources
    unset = {"select"} if sources.get("select") == DEFAULT_SOURCE else set()
    return [
        SettingRow(key, None if key in unset else value, sources[key])
        for key, value in settings.values.items()
    ]


def _format_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _format_value(row: SettingRow) -> str:
    if row.value is None:
        return "(the rules that are on by default)" if row.key == "select" else "(none)"
    return row.value if row.key in ("vault", "cache-dir") else _format_json(row.value)


_COLUMNS: Columns = {
    "code": "code",
    "rule": "name",
    "default": lambda row: "preview" if row.preview else "on" if row.default else "off",
    "severity": "severity",
    "finds": "summary",
}


class RuleOptions(PrintOptions, frozen=True, kw_only=True):
    """Options of `rule`."""

    rule: Annotated[
        tuple[str, ...], argument("RULE", "A rule's name or code, or the start of a code.")
    ] = ()


def rules(options: PrintOptions) -> int:
    """List all rules.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of tsv: code, name, on or
    off by default or preview, severity, summary.
    """
    return _print_rules(Terminal(options), build_catalog(load_rules()))


def rule(options: RuleOptions) -> int:
    """Explain a rule.

    Prints the problem that the rule finds, why it matters, the options of the rule, how to switch
    it off, and wrong and right examples. Without RULE, lists all rules.

    Output formats: page (also when piped), json.
    """
    terminal, catalog = Terminal(options), build_catalog(load_rules())
    if not options.rule:
        return _print_rules(terminal, catalog)
    selected = _select_rules(catalog, options.rule)
    chosen = [item for item in catalog if item.name in selected]
    choose_document_format(terminal, "page")
    rule_line = f"\n{'─' * min(terminal.width, 96)}\n\n"
    listing = Listing(
        "rules",
        [rule_row(item) for item in chosen],
        text=lambda: rule_line.join(
            [render_rule_page(item, terminal.width, terminal.palette) for item in chosen]
        ),
    )
    print_listing(terminal, listing)
    return EXIT_CLEAN


def _select_rules(catalog: tuple[Rule, ...], selectors: Sequence[str]) -> frozenset[str]:
    try:
        return select_rules(catalog, selectors)
    except UnknownRule as error:
        hint = propose(error.suggestions, "`vaultlink rules` lists all rules.")
        raise UsageError(f"{error.problem}. {hint}") from None


def _print_rules(terminal: Terminal, catalog: Sequence[Rule]) -> int:
    choose_listing_format(terminal)
    rows = [rule_row(item) for item in catalog]
    listing = Listing("rules", rows, _COLUMNS, _COLUMNS, fold=True)
    if print_listing(terminal, listing):
        count = format_count(len(catalog), "rule")
        terminal.print_message(f"{count}; `vaultlink rule NAME` explains one.")
    return EXIT_CLEAN
