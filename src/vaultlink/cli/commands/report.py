"""`vaultlink report`: a page about the whole vault."""

import os
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec.structs import replace

from vaultlink import __version__
from vaultlink.api import Vault, replace_state
from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.mention_search import find_linkable_mentions
from vaultlink.cli.opening import (
    KeptAnswer,
    open_scanned_vault,
    scan_from_options,
    to_vault_paths,
    warn_of_scan,
)
from vaultlink.cli.options import PathsOptions, option
from vaultlink.cli.terminal import Terminal
from vaultlink.dashboard.facts import ReportInputs, ReportLabels, build_report
from vaultlink.dashboard.markdown_report import MAX_ROWS, render_markdown_report
from vaultlink.dashboard.model import VaultReport
from vaultlink.disk.cache import digest_parts
from vaultlink.disk.scan import VaultScan
from vaultlink.engine.step import Change, Presence, step
from vaultlink.errors import UsageError
from vaultlink.git.location import find_git_dir
from vaultlink.git.program import run_git
from vaultlink.index.packed_map import read_items
from vaultlink.index.resolve import make_path_filter
from vaultlink.mentions.mention import Mention
from vaultlink.mentions.search import has_library
from vaultlink.report import REPORT_FILE
from vaultlink.report.json_document import encode_tables
from vaultlink.report.layout import escape_controls
from vaultlink.text import quote_name
from vaultlink.write.cache import save_result

if TYPE_CHECKING:
    from vaultlink.graph.picture import GraphPicture

_MAX_ROWS = {"html": 300, "markdown": MAX_ROWS}
"""Rows of each table by output format. JSON has all."""


class DashboardOptions(PathsOptions, frozen=True, kw_only=True):
    """Options of `report`."""

    output_file: Annotated[
        Path | None,
        option("Write the report to this file.", metavar="FILE", hidden_names=("--output",)),
    ] = None
    open_page: Annotated[bool, option("Open the file in the browser.", "--open")] = False
    fail_under: Annotated[
        int | None, option("Exit with 1 if the score is below this.", metavar="SCORE")
    ] = None
    date: Annotated[
        str | None,
        option("Date to show. Without it, equal vaults give equal files.", metavar="YYYY-MM-DD"),
    ] = None


def report(options: DashboardOptions) -> int:
    """Write a page about the whole vault, with a score.

    The page is one HTML file with all that it needs: a health score from 0 to 100 with its formula,
    findings by rule and folder, unresolved topics, orphans, dead ends, islands, hubs, bridges,
    attachments, backlinks sections, waiting fixes, and the graph. It begins with what to do next,
    and lists certain mentions and related notes. It asks no server for anything. Findings of a
    baseline are included. With PATHS, the tables and the graph are about the files in them; the
    score, the totals and what to do next are always those of the whole vault.

    --output-file names the file. In a vault, a file that exists is replaced only if it is as
    vaultlink wrote it. Without --output-file, the report is printed; on a terminal, and with
    --open, a page is written to vaultlink-report.html in the current folder instead. The exit code
    is 0, or 1 if the score is below --fail-under, 2 after a usage or configuration error. HTML
    requires an extra library: pip install jinja2.

    Output formats: html, json, markdown. The default is that of the file's name, else html. json
    has all rows of all tables, markdown the first ten of some.
    """
    terminal = Terminal(options)
    output_format = _choose_format(options, terminal)
    _check_values(options)
    file = _choose_file(options, terminal, output_format)
    if file != options.output_file:
        options = replace(options, output_file=file)
        terminal = Terminal(options)
    terminal.written_format = output_format
    if output_format == "html" and terminal.shows_results():
        raise UsageError(
            "a page is not printed in the log of a CI service. Name a file, as in `--output-file "
            "vault.html`, or another format, as in `--output-format markdown`."
        )
    if output_format == "html":
        from vaultlink.cli.installation import format_install_command  # noqa: PLC0415 - the same
        from vaultlink.dashboard.page import check_jinja2  # noqa: PLC0415 - needed for HTML only

        check_jinja2(format_install_command("jinja2"))
    scan = scan_from_options(options, options.paths)
    warn_of_scan(scan, terminal)
    terminal.check_output_file()
    own = _find_own_path(options.output_file, scan.root)
    kept = KeptAnswer(scan, terminal, "report", repr(replace(options, open_page=False)), own)
    code = kept.print(lambda: _print_report(options, terminal, output_format, scan, own))
    if options.open_page and file and not _open_in_browser(file):
        terminal.print_message("No browser was found. Open the file in one.")
    return code


def _print_report(
    options: DashboardOptions, terminal: Terminal, output_format: str, scan: VaultScan, own: str
) -> int:
    """Print or write the report of a vault, without its file at the vault path `own`."""
    vault = _leave_out(own, open_scanned_vault(scan, terminal))
    chosen = to_vault_paths(vault.root, options.paths)
    part = () if "" in chosen else chosen
    report = _make_report(options, terminal, vault, _MAX_ROWS.get(output_format), part)
    with terminal.progress_line("Drawing the graph" if output_format == "html" else "Writing"):
        results = _render(report, vault, output_format, part)
    terminal.print_results(results)
    score, file = report.score.value, options.output_file
    place = f" Report: {escape_controls(str(file))}" if file else ""
    terminal.print_message(f"Health score: {score} of 100.{place}")
    if options.fail_under is None or score >= options.fail_under:
        return EXIT_CLEAN
    terminal.print_message(f"The score is below {options.fail_under} (--fail-under).")
    return EXIT_FINDINGS


def _choose_format(options: DashboardOptions, terminal: Terminal) -> str:
    """Return the output format of the option, the file's extension, or the default."""
    file = options.output_file
    implied = FORMATS_BY_EXTENSION.get(file.suffix.lower()) if file else None
    if implied and not options.output_format:
        return implied
    return terminal.choose_format(("html", "json", "markdown"), "html", "html", ignores_file=True)


def _choose_file(options: DashboardOptions, terminal: Terminal, output_format: str) -> Path | None:
    """Return the file of a report; None to print it.

    Raises UsageError if its extension does not fit the format.
    """
    file = options.output_file
    if file is None:
        is_written = terminal.is_terminal or options.open_page
        if options.open_page and output_format != "html":
            raise UsageError("--open requires --output-file, or the format html.")
        return Path(REPORT_FILE) if is_written and output_format == "html" else None
    implied = FORMATS_BY_EXTENSION.get(file.suffix.lower())
    if not file.suffix or implied == output_format:
        return file
    known = [item for item, name in FORMATS_BY_EXTENSION.items() if name == output_format]
    advice = " A browser prints the page as PDF." if file.suffix.lower() == ".pdf" else ""
    raise UsageError(
        f"{escape_controls(str(file))}: a report in the format {output_format} ends in "
        f"{' or '.join(known)}. Nothing was written.{advice}"
    )


def _check_values(options: DashboardOptions) -> None:
    if options.fail_under is not None and options.fail_under > 100:
        raise UsageError(f"--fail-under: the highest score is 100, not {options.fail_under}.")
    if options.date is not None and not _is_date(options.date):
        raise UsageError(
            f"--date: must be a day such as 2026-05-31, not {quote_name(options.date)}."
        )


def _is_date(text: str) -> bool:
    with suppress(ValueError):
        return date.fromisoformat(text).isoformat() == text
    return False


def _find_own_path(file: Path | None, root: Path) -> str:
    """Return the vault path of the report's file; "" if it is not in the vault."""
    path = file.resolve() if file else root
    return path.relative_to(root).as_posix() if path != root and path.is_relative_to(root) else ""


def _leave_out(own: str, vault: Vault) -> Vault:
    """Return the vault without the file of the report.

    So a report in the vault is the same whether an earlier one is there or not.
    """
    if own not in vault.index.files:
        return vault
    return replace_state(vault, step(vault.state, [Change(own, Presence.GONE)]))


def _make_report(
    options: DashboardOptions,
    terminal: Terminal,
    vault: Vault,
    max_rows: int | None,
    part: tuple[str, ...],
) -> VaultReport:
    inputs = ReportInputs(
        vault.state,
        vault.text,
        vault.suggest_all,
        vault.fixer.forecaster(),
        lambda: _find_mentions(vault, terminal),
    )
    commit = _find_commit(vault.root)
    labels = ReportLabels(vault.root.name, __version__, commit, options.date or "")
    with terminal.progress_line("Measuring the vault"):
        return build_report(inputs, labels, max_rows, part)


def _find_mentions(vault: Vault, terminal: Terminal) -> list[Mention] | None:
    """Return the mentions that `mentions --write` links; None if a library is missing."""
    if not has_library():
        return None
    with terminal.progress_line("Searching mentions") as progress:
        return find_linkable_mentions(vault, progress.count)


def _find_commit(root: Path) -> str:
    if find_git_dir(root) is None:
        return ""
    output = run_git(root, "rev-parse", "--verify", "--quiet", "HEAD")
    return (output or b"").decode("ascii", "replace").strip()


def _render(
    report: VaultReport, vault: Vault, output_format: str, part: tuple[str, ...]
) -> str | bytes:
    if output_format == "json":
        return encode_tables(report)
    if output_format == "markdown":
        return render_markdown_report(report)
    from vaultlink.dashboard.page import render_page  # noqa: PLC0415 - needed for HTML only

    return render_page(report, draw_vault(vault, part)).encode("utf-8", "replace")


_PICTURE_KIND = "report-picture"
"""Name of the cache entry: the graph's picture, which takes longer than the rest of the page."""


def draw_vault(vault: Vault, part: tuple[str, ...] = ()) -> "GraphPicture":
    """Draw the graph of a vault, or around paths, with the topics of the report.

    Other unresolved links are left out. The picture of a graph that did not change since the last
    run is read from the cache.
    """
    from vaultlink.graph.build import number_vault  # noqa: PLC0415 - needed for HTML only
    from vaultlink.graph.layout import draw_picture  # noqa: PLC0415
    from vaultlink.graph.picture import GraphPicture  # noqa: PLC0415
    from vaultlink.index.topics import list_topics  # noqa: PLC0415

    topics = list_topics(vault.diagnostics())
    graph, titles = number_vault(vault.index, topics, make_path_filter(part))
    titles |= {path: note.title for path, note in read_items(vault.index.notes) if note.title}
    cache = vault.scan.open_cache()
    try:
        facts = graph._replace(neighbours=()), titles
        key = digest_parts((msgspec.msgpack.encode(facts),)) if cache else None
    except (UnicodeEncodeError, TypeError):  # a name that is not UTF-8
        key = None
    data = cache.load_result(key, _PICTURE_KIND) if cache and key else None
    if data is not None:
        with suppress(msgspec.MsgspecError, ValueError):
            return msgspec.msgpack.decode(data, type=GraphPicture)
    picture = draw_picture(graph, titles)
    if cache and key:
        save_result(cache, key, msgspec.msgpack.encode(picture), _PICTURE_KIND)
    return picture


def _open_in_browser(file: Path) -> bool:
    """Open a file in the browser; return False if there is none.

    A program in a relative folder of PATH is not used: it may belong to the vault.
    """
    from webbrowser import open as open_address  # noqa: PLC0415 - rarely needed

    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join(folder for folder in folders if Path(folder).is_absolute())
    return open_address(file.resolve().as_uri())


FORMATS_BY_EXTENSION = {
    ".html": "html",
    ".htm": "html",
    ".json": "json",
    ".md": "markdown",
    ".markdown": "markdown",
}
"""File extension to the output format that it implies."""
