"""`vaultlink init`: a commented settings file to start from, or what has a repository check its notes. Never overwrites."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from vaultlink.cli.ci_files import CI_KINDS, CI_TEMPLATES, ExistingFileError, plan_ci_files
from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.options import VaultOptions, argument, option
from vaultlink.cli.terminal import Terminal
from vaultlink.disk.read import CONFIG_NAMES, load_config
from vaultlink.disk.scan import find_vault
from vaultlink.errors import UsageError
from vaultlink.report.unified_diff import unified_diff
from vaultlink.write.files import create_files, remove_created_files

STARTER_SETTINGS = """\
# Settings of vaultlink for this vault. All are optional; a line behind a # has no effect until the # is removed.
# `vaultlink rules` lists all rules, `vaultlink rule NAME` explains one, `vaultlink config` lists what is in force.

# Which rules run: by name, code (VL101) or beginning of a code (VL1). Without `select`, those that are on by default.
# select = ["VL0", "VL1", "VL2", "VL3"]

# Rules that run as well, and rules that do not.
# extend-select = ["orphan-note", "unused-attachment"]
# ignore = ["ambiguous-link"]

# Notes in which nothing is reported. Links to them still count. What git or Obsidian ignores need not be named.
# exclude = ["Templates/**"]

# Topics that may be linked to before they have a note.
# allow-dangling = ["20??-??-??"]

# Whose findings `vaultlink fix` mends, and whose it leaves alone; `vaultlink fix --diff` shows what it would do.
# fixable = ["ALL"]
# unfixable = ["link-style"]

# How bad a finding is: error, warning or info. Errors and warnings make `vaultlink check` end with 1.
# [severity]
# missing-heading = "warning"

# Rules that are not asked of some notes.
# [per-file-ignores]
# "Daily/**" = ["orphan-note"]

# Options of single rules.
# [rules.orphan-note]
# ignore = ["Home.md"]

# Backlinks sections. repair: mend the entries of those that people wrote; write: give every note that others link to a section
# and keep it; off: leave them alone.
# [backlinks]
# mode = "repair"
# style = "topics"                # topics, list, or context (with the passages that cite the note)
# heading = "**Add backlinks using these topics:**"
# headings = []                   # more headings that open such a section
# entries = "missing"             # missing: notes that link here and are not linked back; all
# order = "title"                 # title, path, rank, recent
"""


_WROTE_SETTINGS = (
    "Wrote the settings above; everything in them is commented out. Next: `vaultlink check`."
)
_BASELINE_HINT = "`vaultlink baseline` records what is broken today; commit that too, and only what is new fails."


@dataclass(frozen=True, kw_only=True)
class InitOptions(VaultOptions):
    """What `init` is told."""

    folder: Annotated[Path | None, argument("VAULT", "The vault, or a folder in it.")] = None
    ci: Annotated[
        tuple[str, ...],
        option(
            "--ci", choices=CI_KINDS, help="Write what has every change of a repository checked."
        ),
    ] = ()
    pre_commit: Annotated[bool, option("--pre-commit", help="The same as --ci pre-commit.")] = False
    package: Annotated[
        str,
        option(
            "--package",
            metavar="REQUIREMENT",
            help="What --ci has pip install; else vaultlink in this version.",
        ),
    ] = ""
    merge_driver: Annotated[
        bool,
        option("--merge-driver", help="Have git merge notes with backlinks sections by vaultlink."),
    ] = False
    diff: Annotated[
        bool,
        option(
            "--diff",
            "--dry-run",
            help="Print what would be written as a unified_diff diff, and create_files nothing.",
        ),
    ] = False


def init(options: InitOptions) -> int:
    """Write settings to start from, or files that check changes.

    Without options that is a commented vaultlink.toml, written into the vault's folder. A vault that has settings keeps them.

    With --ci, files are written at the root of the vault's git repository instead: .github/workflows/vaultlink.yml,
    .gitlab-ci.yml, .pre-commit-config.yaml. Where one exists nothing is written, and what to add to it is printed.

    Output formats: none; the paths of the files are printed, or with --diff their texts.
    """
    terminal = Terminal(options)
    start = options.vault or options.folder or Path()
    if not start.is_dir():
        raise UsageError(f"{start}: there is no such folder.")
    vault = options.vault or find_vault(start)
    kinds = tuple(dict.fromkeys((*options.ci, *(("pre-commit",) if options.pre_commit else ()))))
    _check_options(options, kinds)
    joined = bool(kinds) or options.merge_driver
    texts = (
        _plan_files(vault, kinds, options.package, terminal)
        if joined
        else _plan_settings_file(vault)
    )
    if options.diff:
        terminal.print_results(
            unified_diff(
                [(path.as_posix().lstrip("/"), None, text) for path, text in texts.items()],
                terminal.palette,
            )
        )
        return EXIT_FINDINGS
    create_files(texts)
    sentences = _set_up_merging(vault, texts) if options.merge_driver else []
    sentences += [CI_TEMPLATES[kind].next_step for kind in kinds]
    terminal.print_results("".join(f"{path}\n" for path in texts))
    terminal.print_message(
        "\n".join([*sentences, *([_BASELINE_HINT] if kinds else [])]) if joined else _WROTE_SETTINGS
    )
    return EXIT_CLEAN


def _check_options(options: InitOptions, kinds: Sequence[str]) -> None:
    if options.package and not kinds:
        raise UsageError(
            "--package is what --ci has pip install: name one of github, gitlab, pre-commit with --ci."
        )
    if options.diff and options.merge_driver:
        raise UsageError("--merge-driver sets up git, which has no --diff.")


def _plan_settings_file(root: Path) -> dict[Path, str]:
    """The settings to start from, if there are none."""
    for name in CONFIG_NAMES:
        if (root / name).exists() and (name != "pyproject.toml" or load_config(root, root / name)):
            raise UsageError(f"{root / name} exists already; nothing was written.")
    return {root / "vaultlink.toml": STARTER_SETTINGS}


def _plan_files(
    vault: Path, kinds: Sequence[str], package: str, terminal: Terminal
) -> dict[Path, str]:
    """The files that have changes checked. Of those that exist already it is printed what they lack."""
    try:
        return plan_ci_files(vault, kinds, package)
    except ExistingFileError as taken:
        several = len(taken.missing_parts) > 1
        terminal.print_results(
            "".join(
                f"# {path}\n{text}" if several else text
                for path, text in taken.missing_parts.items()
            )
        )
        raise


def _set_up_merging(vault: Path, written: Iterable[Path]) -> list[str]:
    from vaultlink.cli.merge_driver_setup import set_up_merge_driver  # noqa: PLC0415 - only where it is wanted

    try:
        return set_up_merge_driver(vault.resolve())
    except BaseException:
        remove_created_files(written)
        raise
