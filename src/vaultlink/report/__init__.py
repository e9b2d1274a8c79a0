"""Render findings, listings, note pages and rule manuals as text or bytes.

The package has no side effects: it does not print, read files or select findings.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple


class OutputFormat(NamedTuple):
    """One output format of `check` and `fix`.

    No other module asks for a format by its name.

    Attributes:
        module: Imported only when the format is used.
        function: The name of a function that takes a `CheckResult` and returns str or bytes.
        extension: The usual file extension, without a dot.
        layout: `lines` if the findings of each path are rendered for themselves, else `whole`. Such
            parts may be kept between runs, and made in several processes.
        separator: What stands between the parts of two paths.
        frame: The name of a function that takes the result and its lines, and returns the document.
        shown_fixes: The fixes that are shown: the number of `all`, those `by rule`, or that of
            `each` finding.
        counts_guesses: Count fixes of unresolved targets, which take time to find, however many
            findings there are.
        for_people: `--statistics` takes its place.
        is_detailed: A finding takes several lines. So a terminal shows an overview of very many,
            and `fix` shows what was fixed in place of what remains.
        has_manuals: The manuals of the rules are shown.
        has_commands: It consists of commands of a CI service, and escapes what they contain.
        has_totals: It shows tables of all findings, also if only some are listed.
        has_findings: False if it only shows numbers.
        next_place: Where the place of the next page is named, if only some findings are listed: as
            a `key` of the document, or in a `message`; "" if nowhere.
    """

    module: str
    function: str
    extension: str
    layout: Literal["lines", "whole"] = "whole"
    separator: bytes = b""
    frame: str = ""
    shown_fixes: Literal["all", "by rule", "each"] = "all"
    counts_guesses: bool = False
    for_people: bool = False
    is_detailed: bool = False
    has_manuals: bool = False
    has_commands: bool = False
    has_totals: bool = False
    has_findings: bool = True
    next_place: Literal["", "key", "message"] = ""


FORMATS = {
    "full": OutputFormat(
        *("vaultlink.report.full", "render_full", "txt", "lines", b"\n"),
        counts_guesses=True,
        for_people=True,
        is_detailed=True,
    ),
    "concise": OutputFormat(
        *("vaultlink.report.concise", "render_concise_result", "txt", "lines"),
        shown_fixes="each",
        for_people=True,
    ),
    "json": OutputFormat(
        *("vaultlink.report.json_document", "render_json_lines", "json", "lines"),
        frame="frame_json",
        shown_fixes="each",
        counts_guesses=True,
        next_place="key",
    ),
    "json-lines": OutputFormat(
        *("vaultlink.report.json_document", "render_json_lines", "jsonl", "lines"),
        shown_fixes="each",
        counts_guesses=True,
        next_place="message",
    ),
    "github": OutputFormat(
        *("vaultlink.report.forges", "render_github", "txt"),
        has_commands=True,
    ),
    "gitlab": OutputFormat(
        *("vaultlink.report.forges", "render_gitlab", "json"),
    ),
    "sarif": OutputFormat(
        *("vaultlink.report.sarif", "render_sarif", "sarif"),
        shown_fixes="each",
        counts_guesses=True,
        has_manuals=True,
    ),
    "junit": OutputFormat(
        *("vaultlink.report.junit", "render_junit", "xml"),
    ),
    "markdown": OutputFormat(
        *("vaultlink.report.markdown", "render_markdown", "md"),
        counts_guesses=True,
        has_totals=True,
    ),
}
"""All output formats of `check` and `fix` by name, in the order in which help texts list them."""

FORMAT_ON_TERMINAL, FORMAT_ELSEWHERE = "full", "concise"
"""The default formats."""

OVERVIEW = OutputFormat(
    *("vaultlink.report.overview", "render_overview", "txt"),
    shown_fixes="by rule",
    counts_guesses=True,
)
"""What a terminal shows in place of a detailed format if there are very many findings."""

STATUS = OutputFormat(
    *("vaultlink.report.overview", "render_status", "json"),
    shown_fixes="by rule",
    counts_guesses=True,
)
"""The same as JSON."""

STATISTICS = OutputFormat(
    *("vaultlink.report.concise", "render_statistics_result", "txt"),
    shown_fixes="by rule",
    counts_guesses=True,
    has_findings=False,
)
"""What formats for people print with `--statistics`."""

FORMATS_BY_EXTENSION: Mapping[str, Sequence[str]] = {
    **{
        f".{name}": (name,)
        for name in ("json", "sarif", "svg", "dot", "gexf", "graphml", "tsv", "html")
    },
    **dict.fromkeys((".csv", ".xlsx", ".docx", ".pdf", ".png", ".jpg", ".jpeg", ".gif"), ()),
}
"""Extension of an output file to the formats that it may mean; () for what no command writes."""

DIFF = "diff"
"""The name of the output of `--diff`."""

REPORT_FILE = "vaultlink-report.html"
"""The name of the page that `report` writes without `--output-file`; it is no file of a vault."""

MARKDOWN_MARK = "<!-- vaultlink report -->"
"""The first line of a report in Markdown."""
