"""Render findings, listings, note pages and rule manuals as text or bytes.

The package has no side effects: it does not print, read files or select findings.
"""

from typing import NamedTuple


class OutputFormat(NamedTuple):
    """One output format of `check` and `fix`.

    `function` of `module` takes a `CheckResult` and returns str or bytes. The module is imported
    only when the format is used. `extension` is the usual file extension, without a dot.

    `parts`, if given, are two functions of the module for very many findings: one that renders
    those of some notes, and one that joins these parts, given the `CheckResult` and the parts as
    bytes.
    """

    module: str
    function: str
    extension: str
    parts: tuple[str, str] | None = None


FORMATS = {
    "full": OutputFormat(
        "vaultlink.report.full", "render_full", "txt", ("render_full", "join_full")
    ),
    "concise": OutputFormat("vaultlink.report.concise", "render_concise_result", "txt"),
    "json": OutputFormat(
        "vaultlink.report.json_findings", "render_json", "json", ("render_json_lines", "join_json")
    ),
    "json-lines": OutputFormat(
        *("vaultlink.report.json_findings", "render_json_lines", "jsonl"),
        ("render_json_lines", "join_json_lines"),
    ),
    "github": OutputFormat("vaultlink.report.github", "render_github", "txt"),
    "gitlab": OutputFormat("vaultlink.report.gitlab", "render_gitlab", "json"),
    "sarif": OutputFormat("vaultlink.report.sarif", "render_sarif", "sarif"),
    "junit": OutputFormat("vaultlink.report.junit", "render_junit", "xml"),
    "markdown": OutputFormat("vaultlink.report.markdown", "render_markdown", "md"),
}
"""All output formats of `check` and `fix` by name, in the order in which help texts list them."""

OVERVIEW = OutputFormat(
    *("vaultlink.report.overview", "render_overview", "txt"),
    ("encode_fix_counts", "join_overview"),
)
"""What a terminal shows in place of the format `full` if there are very many findings."""

STATISTICS = OutputFormat(
    *("vaultlink.report.rule_counts", "render_statistics_result", "txt"),
    ("encode_fix_counts", "join_statistics"),
)
"""What formats for people print with `--statistics`."""
