"""The output format `markdown`: a page for GitHub and GitLab.

GitHub shows it as a job summary, GitLab as a comment on a merge request. The page has the totals,
tables of rules, notes and topics, and the first findings. Text from the vault is in code spans, so
that it contains no link, mention or HTML.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count

from msgspec.structs import replace

from vaultlink.index.topics import list_topics
from vaultlink.report.check_result import CheckResult
from vaultlink.report.concise import describe_known, describe_severities
from vaultlink.report.groups import group_findings
from vaultlink.report.layout import escape_controls, format_count
from vaultlink.text import lazy_pattern

_MAX_RANKED = 10
"""Notes and topics in a ranking."""

_MAX_LISTED = 20
"""Findings that are listed one by one."""


def render_markdown(result: CheckResult) -> str:
    """Render the page. It stays far below GitHub's limit of a megabyte."""
    known = " ".join(
        [
            describe_known(replace(count, name=format_code_span(count.name)), result.vault_option())
            for count in result.known_counts
        ]
    )
    if not result.findings:
        return join_parts(
            [f"## vaultlink: no {'new ' if known else ''}findings", _describe_clean(result), known]
        )
    notes = [result.path_prefix + d.path for d in result.findings]
    return join_parts(
        [
            f"## vaultlink: {describe_severities(result.findings, result.known_counts)}",
            _render_totals(result),
            known,
            "### Rules",
            _render_rules(result),
            *_render_ranking(
                "### Notes with the most findings", ("note", "findings"), Counter(notes)
            ),
            *_render_ranking(
                "### Unresolved topics with the most links",
                ("topic", "links"),
                _count_topics(result),
            ),
            f"### {'First findings' if len(result.findings) > _get_limit(result) else 'Findings'}",
            _render_list(result),
        ]
    )


def _get_limit(result: CheckResult) -> int:
    return result.limit or _MAX_LISTED


def _describe_clean(result: CheckResult) -> str:
    notes, links = (
        format_count(result.summary().get(f"{word}s", 0), word) for word in ("note", "link")
    )
    return f"{notes} with {links} checked."


def join_parts(parts: Sequence[str]) -> str:
    """Join the parts of a page, with blank lines between them."""
    return "\n\n".join(filter(None, parts)) + "\n"


def _render_totals(result: CheckResult) -> str:
    forecast = result.forecast()
    figures = ("notes", "links", "resolved", "dangling", "external")
    header = (*figures, "findings", "fixable", "unsafe fixes")
    summary = result.summary()
    counts = [summary.get(name, 0) for name in figures]
    unsafe = f"at least {forecast.unsafe:,}" if forecast.has_guesses else forecast.unsafe
    return render_markdown_table(header, [[*counts, len(result.findings), forecast.safe, unsafe]])


# -- tables -------------------------------------------------------------------------------------


def _render_rules(result: CheckResult) -> str:
    new = Counter([d.code for d in result.findings])
    known = Counter([d.code for d in result.known])
    by_code = {d.code: d for d in (*result.known, *result.findings)}
    ranked = sorted(by_code.values(), key=lambda d: (-d.severity.rank, -new[d.code], d.code))
    rows: list[list[object]] = [[d.code, d.rule, d.severity.value, new[d.code]] for d in ranked]
    if not result.known_counts:
        return render_markdown_table(("code", "rule", "severity", "findings"), rows)
    return render_markdown_table(
        ("code", "rule", "severity", "new", "known"), [[*row, known[str(row[0])]] for row in rows]
    )


def _count_topics(result: CheckResult) -> Mapping[str, int]:
    """Count the links by topic, of known findings too: they are still broken."""
    topics = list_topics([*result.findings, *result.known])
    return {topic.name: len(topic.findings) for topic in topics}


def _render_ranking(title: str, header: Sequence[str], counts: Mapping[str, int]) -> list[str]:
    """Render a title and a table of the most frequent names; nothing without names."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MAX_RANKED]
    return (
        [
            title,
            render_markdown_table(header, [[format_cell(name), times] for name, times in ranked]),
        ]
        if ranked
        else []
    )


def render_markdown_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Render a table. Columns of numbers are aligned right, decimals have two digits."""
    separator = ["---:" if isinstance(cell, (int, float)) else "---" for cell in rows[0]]
    cells = [[_format_value(cell) for cell in row] for row in rows]
    return "\n".join([f"| {' | '.join(row)} |" for row in (header, separator, *cells)])


def _format_value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _render_list(result: CheckResult) -> str:
    prefix, first = result.path_prefix, group_findings(result.findings)[: _get_limit(result)]
    lines = [
        f"- {format_code_span(f'{prefix}{d.path}:{d.line}:{d.column}')} "
        f"{d.code} {d.rule}: {format_message(group.format_message(lambda path: prefix + path))}"
        for group in first
        for d in (group.first,)
    ]
    rest = len(result.findings) - sum(1 + len(group.others) for group in first)
    return "\n".join(lines) + (
        f"\n\nNot listed: {format_count(rest, 'more finding')}." if rest else ""
    )


# -- text from the vault ------------------------------------------------------------------------


def format_code_span(text: str, max_length: int = 200) -> str:
    """Format text as a code span, cut to `max_length` code points.

    The result is "" for an empty text. The span is delimited by a number of backticks that the text
    does not have in a row, because these would end the span.
    """
    shown = escape_controls(text[: max_length + 1])
    shown = shown[: max_length - 1] + "…" if len(shown) > max_length else shown
    if not shown:
        return ""
    runs = {len(run) for run in re.findall("`+", shown)}
    fence = "`" * next(size for size in count(1) if size not in runs)
    padding = (
        " "
        if "`" in (shown[0], shown[-1]) or (shown[0] == shown[-1] == " " and shown.strip(" "))
        else ""
    )
    return f"{fence}{padding}{shown}{padding}{fence}"


def format_cell(text: str, max_length: int = 200) -> str:
    """Format text as a code span in a table, where `|` must be escaped even in code."""
    return format_code_span(text, max_length).replace("|", "\\|")


_QUOTED = lazy_pattern("“([^“”]*)”")
_SAFE_PROSE = lazy_pattern(r"(?:[^\W\d_]|(?<![\w-])\d{1,6}(?!\w)|: |[ .,;'’()-])*")
"""Prose that cannot contain markup, a link, a mention, a reference or an emoji code."""


def format_message(text: str, max_length: int = 500) -> str:
    """Format a message as prose with quoted names as code spans.

    The whole message is one code span if its prose may contain markup or if it is longer than
    `max_length` code points.
    """
    parts = _QUOTED.split(text)
    prose = parts[::2]
    if (
        len(text) > max_length
        or "www." in text.lower()
        or not all(_SAFE_PROSE.fullmatch(part) for part in prose)
    ):
        return format_code_span(text, max_length)
    return "".join(
        f"“{format_code_span(part)}”" if index % 2 else part for index, part in enumerate(parts)
    )
