"""Know the output of each format by its beginning, as a later run does.

A file of a vault is replaced only if it begins as the new output does. What has no special
beginning, such as a table, a page or a script, is never recognised.
"""

import re

from vaultlink.report import FORMATS, JSON_START

START_BYTES = 4_096
"""Bytes at the start of a file that are enough to recognise it."""

DIFF = "diff"
"""The name of the output of `--diff`."""

GRAPH_JSON = "json of a graph"
"""The name of node-link JSON, which has other keys than vaultlink's documents."""

_TSV_HEADERS = (
    "path line column status target subpath resolved anchor kind place embed display raw",
    "topic count path line note reason score cause kind",
    "path kind line text detail",
    "path count lines",
    "path count lines entry",
    "path links files",
    "path change",
    "path new_path edits",
    "path score linked why",  # up to 0.5
    "path score linked why twin",
    "path twin score shared",
    "note line column words target score certain why",
    "kind path line text detail",
    "figure count path",
    "setting value from",
    "check attention detail advice",
    "run time command summary notes undone moves interrupted undoes",
    "code rule default severity finds",
)
"""The header rows of all listings with several columns. One column is too little to go by."""

REPORT_FILE = "vaultlink-report.html"
"""The name of the page that `report` writes without `--output-file`; it is no file of a vault."""

MARKDOWN_MARK = "<!-- vaultlink report -->"
"""The first line of a report in Markdown."""

JSON_MARK = '{"schema":1,\n"vault":'
"""The beginning of a report in JSON."""

REPORTS = {"html": "html report", "json": "json report", "markdown": "markdown report"}
"""The names of the output of `report` by its format."""

_STARTS = {
    **{name: item.start for name, item in FORMATS.items()},
    "json": JSON_START,
    "tsv": "(?:" + "|".join(row.replace(" ", r"\t") for row in _TSV_HEADERS) + r")\r?\n",
    DIFF: r'(?:diff --git "?a/|--- (?:"?a/|/dev/null\n))',
    GRAPH_JSON: r'\{"directed": true, "multigraph": true, "graph": \{\}, "nodes": \['
    r'(?:\]|\{"kind": "[a-z]+", "label": ")',
    "graphml": r'<\?xml [^>]*\?>\s*<graphml (?=(?s:.*)attr\.name="kind")(?s:.*)attr\.name="label"',
    "gexf": r'<\?xml [^>]*\?>\s*<gexf (?s:.*)<creator>NetworkX (?s:.*) title="kind"',
    "dot": r"digraph vault \{\n  graph \[layout=sfdp, overlap=prism, ",
    "svg": r'<\?xml [^>]*\?>\s*<svg xmlns="http://www\.w3\.org/2000/svg" class="graph-still" ',
    REPORTS["html"]: r'(?i:\s*<!doctype)(?s:.*)<meta name="generator" content="vaultlink',
    REPORTS["json"]: re.escape(JSON_MARK),
    REPORTS["markdown"]: re.escape(MARKDOWN_MARK),
}
"""Regular expressions for the beginnings, by output format."""

_EXTENSIONS = {
    **{name: (f".{item.extension}",) for name, item in FORMATS.items() if item.may_be_empty},
    DIFF: (".diff", ".patch"),
}
"""The usual extensions of the formats whose output may be empty."""

_NOTE_FORMATS = ("markdown", REPORTS["markdown"])


def is_own_output(output_format: str, head: bytes, extension: str) -> bool:
    """Return True if a file is output of a format.

    `head` are its first `START_BYTES` bytes, or all if there are fewer. An empty file is, if the
    output of the format may be empty, and the file has the usual `extension`, such as `.txt`.
    """
    if not head:
        return extension.lower() in _EXTENSIONS.get(output_format, ())
    start = _STARTS.get(output_format, "")
    return bool(start) and re.match(start.encode(), head) is not None


def describe_own_output(output_format: str) -> str:
    """Return what a file must be to be replaced; "" if output can't be recognised."""
    if not _STARTS.get(output_format):
        return ""
    noun = "a report" if output_format in REPORTS.values() else "output"
    return f"{noun} of vaultlink in this format"


def makes_notes(output_format: str) -> bool:
    """Return True if output of a format may be a note of a vault."""
    return output_format in _NOTE_FORMATS
