"""`vaultlink report`: a page about the whole vault."""

from vaultlink.cli.report_options import DashboardOptions


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
