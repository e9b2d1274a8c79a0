"""`vaultlink report`: a page about the whole vault."""

from pathlib import Path
from typing import Annotated

from vaultlink.cli.options import FolderOptions, option


class DashboardOptions(FolderOptions, frozen=True, kw_only=True):
    """Options of `report`."""

    output_file: Annotated[
        Path | None,
        option("--output-file", "--output", metavar="FILE", help="Write the report to this file."),
    ] = None
    open_page: Annotated[
        bool,
        option("--open", help="Open the file in the browser.", requires=("--output",)),
    ] = False
    history: Annotated[
        int | None,
        option("--history", metavar="N", help="Show how the vault changed in the last N commits."),
    ] = None
    fail_under: Annotated[
        int | None,
        option("--fail-under", metavar="SCORE", help="Exit with 1 if the score is below this."),
    ] = None
    date: Annotated[
        str | None,
        option(
            "--date",
            metavar="YYYY-MM-DD",
            help="Date to show. Without it, equal vaults give equal files.",
        ),
    ] = None


def report(options: DashboardOptions) -> int:
    """Write a page about the whole vault, with a score.

    The page is one HTML file with all that it needs: a health score from 0 to 100 with its formula,
    findings by rule and folder, dangling topics, orphans, dead ends, islands, hubs, bridges,
    attachments, backlinks sections, waiting fixes, and the graph. It asks no server for anything.
    Findings of a baseline are included.

    --output names the file. An existing file is replaced only if it is a report. Without --output,
    the report is printed; a page is not printed on a terminal. The exit code is 0, or 1 if the
    score is below --fail-under, 2 after a usage or configuration error. HTML requires an extra
    library: pip install jinja2.

    Output formats: html, json, markdown. The default is that of the file's name, else html. json
    has all rows of all tables, markdown the first ten of some.
    """
    from vaultlink.cli.report_run import run_report  # noqa: PLC0415 - completion reads the options

    return run_report(options)
