"""Pages of the reference on settings, exit codes and the Python API."""

from collections.abc import Iterator
from typing import Any

import rule_pages
import vaultlink
from markdown_text import escape, format_code, format_table
from vaultlink.cli import exit_codes
from vaultlink.cli.command_table import COMMANDS
from vaultlink.config.layers import RUN_LIMIT_DEFAULTS
from vaultlink.config.settings import (
    BACKLINKS_CHOICES,
    LIST_KEYS,
    MENTIONS_DEFAULTS,
    SEVERITY_NAMES,
    TABLE_KEYS,
)
from vaultlink.rules.context import QUIET_KINDS

LISTS = {
    "select": "Only these rules run: codes, starts of codes, names, or `ALL`.",
    "extend-select": "These rules run as well.",
    "ignore": "These rules do not run.",
    "protect": (
        "Files that match a pattern, in the syntax of .gitignore, are read but never changed, "
        "moved or made."
    ),
    "write-paths": (
        "Only files that match these patterns, in the syntax of .gitignore, are changed, moved or "
        "made. Without any, all are."
    ),
    "exclude": "Files that match a pattern are not linted. They are still targets of links.",
    "allow-dangling": "Targets that match one of these patterns may stay unresolved.",
    "fixable": "Only the findings of these rules are fixed.",
    "unfixable": "The findings of these rules are not fixed.",
    "quiet": "Kinds of expected findings that are not reported.",
}
"""Meaning of each key whose value is a list of strings."""

VALUES = {
    "preview": "True: rules that are in preview run like others.",
    "required-version": "The versions of vaultlink that may read this file, as in "
    "`>=0.6,<0.7` (PEP 440).",
    "keep-runs": "Runs of this vault that are older can't be undone: their records are deleted. "
    "A number of days, weeks, months or years.",
    "keep-runs-size": "The oldest records of this vault above this total size are deleted. "
    "A number of MB or GB.",
}
"""Meaning of each key with one value."""

TABLES = {
    "severity": f"Severities of rules: {', '.join(f'`{name}`' for name in SEVERITY_NAMES)}. "
    "A key is a rule's name or code, or the start of a code.",
    "per-file-ignores": "Rules that do not run in the files that a pattern matches.",
    "rules": "Options of rules, each in a table with the name of its rule.",
    "backlinks": "Backlinks sections; [below](#backlinks).",
    "mentions": "Links for unlinked mentions; [below](#mentions).",
}
"""Meaning of each key whose value is a table."""

BACKLINKS = {
    "mode": "Fix entries of existing sections, do nothing, or also give notes sections.",
    "style": "The form of a section; `auto` is that of most sections in the vault.",
    "heading": 'The heading of new sections; `""` is the usual one, in the vault\'s language.',
    "headings": "More headings that start a backlinks section.",
    "entries": "List the notes that link here and are not linked back, or all.",
    "order": "The order of the entries.",
    "group": "Group more than 30 entries by folder.",
    "mentions": "True: writing sections also lists certain mentions, under “Mentioned in”.",
}
"""Meaning of each key in `[backlinks]`."""

MENTIONS = {
    "min-score": "Mentions with this score or a higher one may be linked, from 0 to 1.",
    "headings": "Find mentions in headings too.",
    "each-section": "Link the first mention of each section, not of each note.",
    "cjk": "Find names in scripts without spaces between words.",
    "ignore": "Names, notes and pairs such as `a.md -> b.md` that are never linked.",
}
"""Meaning of each key in `[mentions]`."""

EXIT_CODES = {
    "EXIT_CLEAN": "No finding at or above the severity of `--fail-on`; the command succeeded.",
    "EXIT_FINDINGS": "There are findings, a preview would change something, or a note was skipped.",
    "EXIT_ERROR": "A usage or configuration error. The message says what was written.",
    "EXIT_INTERRUPTED": "The run was ended with Ctrl-C.",
}
"""Meaning of each exit code."""

VARIABLES = {
    "VAULTLINK_CACHE_DIR": "Folder of the cache, as `--cache-dir`.",
    "VAULTLINK_CONFIG": "Settings file, as `--config`.",
    "VAULTLINK_DEBUG": "Set to `1` to see the traceback of an internal error.",
    "VAULTLINK_OUTPUT_FORMAT": "Output format, as `--output-format`.",
    "VAULTLINK_PACKAGE": "The source from which files of `vaultlink init --ci` install vaultlink.",
    "VAULTLINK_STATE_DIR": "Folder of the journal, with which `vaultlink undo` reverts runs.",
    "NO_COLOR": "No color, whatever its value.",
    "FORCE_COLOR": "Color also where the output is not a terminal.",
    "FORCE_HYPERLINK": "`1`: hyperlinks on every terminal; `0`: on none.",
    "PAGER": "The pager of `check --show all`, `mentions` and `rule` on a terminal.",
}
"""Meaning of each environment variable."""


def render_files() -> dict[str, str]:
    """Return the text of each page."""
    return {
        "reference/index.md": _render_index(),
        "reference/settings.md": _render_settings(),
        "reference/exit-codes.md": _render_exit_codes(),
        "reference/python.md": _render_python(),
    }


def _render_index() -> str:
    rows = [
        (
            "[Commands](commands/index.md)",
            f"All options of {len(COMMANDS)} commands, from their declarations",
        ),
        (
            "[Rules](rules/index.md)",
            f"{len(rule_pages.load_catalog())} rules, each with reason, fix, options and examples",
        ),
        ("[Settings](settings.md)", "Every key of `vaultlink.toml` with its default"),
        (
            "[Configure vaultlink](../configuration.md)",
            "Where settings are read from, and how the vault is found",
        ),
        (
            "[Exit codes and environment variables](exit-codes.md)",
            "What scripts and CI services see",
        ),
        ("[JSON](json.md)", "The output for programs, with a JSON Schema for each document"),
        ("[Python API](python.md)", "`open_vault`, `Vault`, and all other public names"),
    ]
    return "# Reference\n\nGenerated from the program itself.\n\n" + format_table(
        ("Page", "What it has"), rows
    )


def _render_settings() -> str:
    lists = [
        (f"`{key}`", f"`{rule_pages.format_toml(_find_default(key))}`", LISTS[key])
        for key in LIST_KEYS
    ]
    backlinks = [
        (f"`{key}`", _format_choices(choices), BACKLINKS[key])
        for key, choices in BACKLINKS_CHOICES.items()
    ]
    mentions = [
        (f"`{key}`", f"`{rule_pages.format_toml(default)}`", MENTIONS[key])
        for key, default in MENTIONS_DEFAULTS.items()
    ]
    parts = [
        "# Settings\n",
        "All keys of `vaultlink.toml` and of `[tool.vaultlink]` in `pyproject.toml`. "
        "[Configure vaultlink](../configuration.md) says which file is read. "
        "`vaultlink config` lists the values in force, and the source of each. "
        "Editors of TOML complete and check the file with its "
        "[JSON Schema](schemas/settings.json), which is also in the package, as "
        "`vaultlink/schemas/settings.json`.\n",
        "## Lists\n",
        format_table(("Key", "Default", "Meaning"), lists),
        "## Single values\n",
        format_table(
            ("Key", "Default", "Meaning"),
            [
                ("`preview`", "`false`", VALUES["preview"]),
                ("`required-version`", "not set", VALUES["required-version"]),
                *(
                    (f"`{key}`", f'`"{default}"`', VALUES[key])
                    for key, default in RUN_LIMIT_DEFAULTS.items()
                ),
            ],
        ),
        "## Tables\n",
        format_table(("Table", "Meaning"), [(f"`[{key}]`", TABLES[key]) for key in TABLE_KEYS]),
        "## Backlinks\n",
        format_table(("Key", "Choices, the default first", "Meaning"), backlinks),
        "## Mentions\n",
        format_table(("Key", "Default", "Meaning"), mentions),
        "## Options of rules\n",
        *_list_rule_options(),
    ]
    return "\n".join(parts)


def _find_default(key: str) -> tuple[str, ...]:
    return tuple(QUIET_KINDS) if key == "quiet" else ()


def _format_choices(choices: tuple[Any, ...]) -> str:
    if len(choices) == 1:
        return f"`{rule_pages.format_toml(choices[0])}`, or any text"
    return " ".join(f"`{rule_pages.format_toml(choice)}`" for choice in choices)


def _list_rule_options() -> Iterator[str]:
    rows = [
        (
            f"[`{rule.name}`](rules/{rule.name}.md)",
            f"`{option.name}`",
            f"`{rule_pages.format_toml(option.default)}`",
            escape(option.help),
        )
        for rule in rule_pages.load_catalog()
        for option in rule.options
    ]
    yield format_table(("Rule", "Option", "Default", "Meaning"), rows)
    yield format_code('[rules.orphan-note]\nignore = ["Home.md"]', "toml", "vaultlink.toml")


def _render_exit_codes() -> str:
    codes = [(f"`{getattr(exit_codes, name)}`", text) for name, text in EXIT_CODES.items()]
    variables = [(f"`{name}`", text) for name, text in VARIABLES.items()]
    return "\n".join(
        [
            "# Exit codes and environment variables\n",
            "## Exit codes\n",
            format_table(("Code", "Meaning"), codes),
            "Listings such as `vaultlink links` exit with 0 whatever they list. "
            "The page of each [command](commands/index.md) says more.\n",
            "## Environment variables\n",
            format_table(("Variable", "Meaning"), variables),
        ]
    )


def _render_python() -> str:
    """Return a page whose contents mkdocstrings takes from the docstrings."""
    names = [name for name in vaultlink.__all__ if not name.startswith("_")]
    order = ["open_vault", "Vault", *(n for n in names if n not in ("open_vault", "Vault"))]
    parts = [
        "# Python API\n",
        "[Use vaultlink from Python](../python.md) has examples. "
        "Import all names from `vaultlink`.\n",
    ]
    for name in order:
        module = vaultlink._MODULES.get(name, "model")
        parts.append(f"::: vaultlink.{module}.{name}\n    options:\n      heading_level: 2\n")
    return "\n".join(parts)
