"""The Markdown form of a report, for pull requests and the summaries of CI jobs."""

from collections.abc import Iterator, Sequence

from vaultlink.dashboard.model import (
    HealthScore,
    ReportStep,
    Totals,
    VaultReport,
    describe_part,
)
from vaultlink.report import MARKDOWN_MARK
from vaultlink.report.layout import format_count
from vaultlink.report.markdown import (
    format_cell,
    format_code_span,
    join_parts,
    render_markdown_table,
)

MAX_ROWS = 10
"""Rows of each table."""

SCORE_HEADING = "### Score"
"""The heading after the first screen. The action cuts the summary of a pull request before it."""

_MAX_TEXT = 80
"""Code points of a name. So the page stays below 60 kilobytes, whatever the names are."""


def render_markdown_report(report: VaultReport) -> str:
    """Render the short form of a report: the first screen, the score and some tables."""
    vault = format_code_span(report.vault, _MAX_TEXT)
    return join_parts(
        [
            MARKDOWN_MARK,
            f"## Health score of {vault}: {report.score.value} of 100",
            _describe_version(report),
            describe_part(report, lambda path: format_code_span(path, _MAX_TEXT)),
            "### What to do next",
            _render_steps(report.next),
            _render_totals(report.totals),
            _describe_fixes(report.totals),
            SCORE_HEADING,
            _render_score(report.score),
            *_render_tables(report),
        ]
    )


def _describe_version(report: VaultReport) -> str:
    parts = [
        report.date,
        f"commit {report.commit[:12]}" if report.commit else "",
        f"vaultlink {report.version}" if report.version else "",
    ]
    return ", ".join(filter(None, parts))


def _render_score(score: HealthScore) -> str:
    rows: list[list[object]] = [
        [part.label, part.healthy, part.total, part.points, part.most]
        for part in score.parts
        if part.most
    ]
    points = max(sum(part.points for part in score.parts), float(score.value))
    table = render_markdown_table(
        ("counted", "healthy", "all", "points", "of"), [*rows, ["sum", "", "", points, 100]]
    )
    if int(points) <= score.limit:
        return table
    return f"{table}\n\nWith as many errors and warnings, the score is at most {score.limit}."


def _render_steps(steps: Sequence[ReportStep]) -> str:
    if not steps:
        return "Nothing is left to do: no fix waits, no link is unresolved, no mention is certain."
    rows = [
        [f"+{step.points}" if step.points else "", step.purpose, f"`{step.command}`"]
        for step in steps
    ]
    return render_markdown_table(("points", "what", "command"), rows)


def _render_totals(totals: Totals) -> str:
    names = ("notes", "links", "resolved", "dangling", "external", "topics")
    header = (*names, "errors", "warnings", "infos", "orphans", "dead ends", "islands")
    row = [getattr(totals, name.replace(" ", "_")) for name in header]
    return render_markdown_table(header, [row])


def _describe_fixes(totals: Totals) -> str:
    unsafe = totals.fixes_unsafe
    if not totals.fixes_safe and not unsafe:
        return ""
    safe = f"`vaultlink fix` resolves {format_count(totals.fixes_safe, 'finding')}"
    if unsafe is None:
        return f"{safe}; the unsafe fixes were not all counted."
    return f"{safe}; {unsafe:,} more {'has' if unsafe == 1 else 'have'} an unsafe fix."


_TABLES = (
    ("rules", "Findings by rule", ("code", "rule", "severity", "findings", "notes")),
    (
        "folders",
        "Folders with the most findings",
        ("folder", "findings", "notes", "links", "dangling"),
    ),
    (
        "topics",
        "Unresolved topics with the most links",
        ("topic", "links", "notes", "similar note"),
    ),
    ("mentions", "Notes that others certainly mention", ("note", "mentions")),
    ("worst", "Notes with the most findings", ("note", "findings", "links in", "links out")),
    ("missing_attachments", "Missing attachments", ("file", "links")),
    ("unused_attachments", "Unused attachments", ("file",)),
)
"""The tables: the field of the report, the title, and the names of the columns."""

_FIELDS = {
    **{"rule": "name", "topic": "name", "file": "name", "note": "path"},
    **{"similar note": "suggestion", "links in": "incoming", "links out": "outgoing"},
}
"""The field of a row for each column that has another name."""

_NAME_COLUMNS = frozenset({"folder", "topic", "similar note", "note", "file"})
"""Columns with text from the vault."""


def _render_tables(report: VaultReport) -> Iterator[str]:
    totals = {cut.table: cut.total for cut in report.cuts}
    for field, title, header in _TABLES:
        rows = getattr(report, field)
        if field == "folders":
            rows = [row for row in rows if row.findings and len(rows) > 1]
        if rows:
            total = totals.get(field, len(rows)) if len(rows) >= MAX_ROWS else len(rows)
            cells = [[_format_value(row, column) for column in header] for row in rows[:MAX_ROWS]]
            yield f"### {title}"
            yield render_markdown_table(header, cells)
            yield f"The first {MAX_ROWS:,} of {total:,}." if total > MAX_ROWS else ""


def _format_value(row: object, column: str) -> object:
    value = row if isinstance(row, str) else getattr(row, _FIELDS.get(column, column))
    text = f"{value}/" if column == "folder" else value
    return format_cell(text, _MAX_TEXT) if column in _NAME_COLUMNS else value
