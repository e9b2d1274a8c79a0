"""`vaultlink check` and `status`: print findings or an overview.

The summary goes to stderr.
"""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

from msgspec.structs import asdict

from vaultlink.cli.check_input import (
    find_known_inputs,
    find_start_paths,
    reads_stdin,
    select_vault_paths,
)
from vaultlink.cli.opening import (
    KeptAnswer,
    protect_vault,
    scan_from_options,
    warn_of_leftovers,
    warn_of_scan,
)
from vaultlink.cli.options import CheckOptions, RuleSelectionOptions, argument
from vaultlink.cli.terminal import Terminal
from vaultlink.disk.scan import VaultScan
from vaultlink.errors import UsageError
from vaultlink.index.resolve import list_outer_folders
from vaultlink.report import FORMAT_ON_TERMINAL, FORMATS, OVERVIEW, STATUS, OutputFormat


def check(options: CheckOptions) -> int:
    """Check the vault's links and report findings.

    vaultlink always reads the whole vault, because a link can refer to any file. Nothing is written
    without --fix. The exit code is 1 if there are errors or warnings (see --fail-on), 2 after a
    usage or configuration error, else 0. Findings in the vault's baseline (`vaultlink baseline`)
    are only counted. With --stdin-drafts, only what the drafts add is reported. --limit shortens
    the list of findings; all numbers, and the exit code, are still those of everything.

    Output formats: {formats}. The default is full on a terminal and concise elsewhere.
    """
    _refuse_conflicts(options)
    if options.fix or options.diff:
        from vaultlink.cli.commands.fix import run_fix  # noqa: PLC0415 - needed for fixing only

        return run_fix(options)
    terminal = Terminal(options)
    output_format = terminal.choose_finding_format()
    if options.after and not FORMATS[output_format].next_place:
        names = " or ".join(name for name, row in FORMATS.items() if row.next_place)
        raise UsageError(f"--after requires --output-format {names}.")
    return _print_check(options, terminal)


_PAGE_CONFLICTS = ("--fix", "--diff", "--statistics")
_LIMIT_CONFLICTS = ("--fix", "--diff")


def _refuse_conflicts(options: CheckOptions) -> None:
    for name, others in (
        ("--stdin-drafts", ("--fix", "--diff", "--changed-since", "--stdin-filename")),
        ("--limit", _PAGE_CONFLICTS),
        ("--after", _PAGE_CONFLICTS),
        ("--max-deleted-notes", _LIMIT_CONFLICTS),
        ("--max-removed-links", _LIMIT_CONFLICTS),
    ):
        for other in others:
            if _is_given(options, name) and _is_given(options, other):
                raise UsageError(f"{name} and {other} can't be used together.")


def _is_given(options: CheckOptions, name: str) -> bool:
    value = getattr(options, name[2:].replace("-", "_"))
    return value is not None and value is not False and value != ""


class StatusOptions(RuleSelectionOptions, frozen=True, kw_only=True):
    """Options of `status`."""

    paths: Annotated[
        tuple[Path, ...], argument("PATHS", "Files and folders; only links in them count.")
    ] = ()


def status(options: StatusOptions) -> int:
    """Print an overview: mistakes, planned notes, and what to do next.

    It is the same as the first screen of `vaultlink check` with many findings. The exit code is 0
    whatever is found.

    Output formats: text, json.
    """
    terminal = Terminal(options)
    views = {"text": OVERVIEW, "json": STATUS}
    view = views[terminal.choose_format(tuple(views), "text", "text")]
    terminal.output_format = FORMAT_ON_TERMINAL  # the overview is one of its views
    return _print_check(CheckOptions(**asdict(options), exit_zero=True), terminal, view)


def _print_check(
    options: CheckOptions, terminal: Terminal, view: OutputFormat | None = None
) -> int:
    """Print the findings, or a view of them, and return the exit code."""
    start = time.perf_counter()
    scan = scan_from_options(options, find_start_paths(options))
    protect_vault(scan.root, terminal, scan)
    terminal.check_output_file()
    chosen = select_vault_paths(options, scan.root)
    _refuse_unread(chosen, scan.listing.unreadable_folders)
    warn_of_scan(scan, terminal)
    warn_of_leftovers(scan, terminal)
    known_inputs = find_known_inputs(options, scan)
    inputs = None if reads_stdin(options) else repr((options, known_inputs.cache_key, view))

    def answer() -> int:
        from vaultlink.cli.check_output import run_check  # noqa: PLC0415 - imports the linter

        return run_check(options, terminal, scan, chosen, known_inputs, view)

    name = "status" if view else "page" if options.limit or options.after else "check"
    code = KeptAnswer(scan, terminal, name, inputs).print(answer)
    if terminal.verbose:
        terminal.print_message(_describe_run(scan, time.perf_counter() - start))
    return code


def _refuse_unread(chosen: Sequence[str], folders: Iterable[tuple[str, str]]) -> None:
    """Raise UsageError if all chosen vault paths are in folders that can't be read."""
    unread = dict(folders)
    found = [
        outer for path in chosen for outer in (path, *list_outer_folders(path)) if outer in unread
    ]
    if found and len(found) == len(chosen):
        named = [
            f"the folder {path} can't be read: {unread[path]}" for path in dict.fromkeys(found)
        ]
        raise UsageError(f"{'; '.join(named)}.")


def _describe_run(scan: VaultScan, seconds: float) -> str:
    settings = ", ".join(layer.source for layer in scan.layers) or "defaults"
    files = f"{len(scan.listing.files):,} files"
    return f"{scan.root}: settings from {settings}; {files}, {seconds:.2f} s."
