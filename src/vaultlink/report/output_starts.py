"""Names and beginnings of output that several modules know."""

DIFF = "diff"
"""The name of the output of `--diff`."""

REPORT_FILE = "vaultlink-report.html"
"""The name of the page that `report` writes without `--output-file`; it is no file of a vault."""

MARKDOWN_MARK = "<!-- vaultlink report -->"
"""The first line of a report in Markdown."""

JSON_MARK = '{"schema":1,\n"vault":'
"""The beginning of a report in JSON."""
