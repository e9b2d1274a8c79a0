"""Options of `vaultlink report`."""

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
