"""Findings as a page of Markdown: the summary of a job on GitHub, or a note in a merge request on GitLab.

What a check came to enters, a page leaves: what it comes to, which rules, notes and topics it is about, and the first
findings. Whatever a vault holds stands in code spans, where nothing is a link, a mention or HTML.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count

from vaultlink.graph.build import topic_name
from vaultlink.model import Safety
from vaultlink.report.check_result import CheckResult
from vaultlink.report.concise import describe_severities
from vaultlink.report.known_counts import describe_known
from vaultlink.report.layout import escape_controls, format_count

_MAX_RANKED = 10
"""Notes and topics that are listed."""

_MAX_LISTED = 20
"""Findings that are told one by one."""


def markdown(checked: CheckResult) -> str:
    """The page. However much was found, it stays far below the megabyte that GitHub takes."""
    debts = " ".join(
        [
            describe_known(replace(count, name=format_code_span(count.name)))
            for count in checked.known_counts
        ]
    )
    if not checked.findings:
        return _join_parts(
            [f"## vaultlink: no {'new ' if debts else ''}findings", _describe_clean(checked), debts]
        )
    notes = [checked.path_prefix + d.path for d in checked.findings]
    return _join_parts(
        [
            f"## vaultlink: {describe_severities(checked.findings, checked.known_counts)}",
            _render_totals(checked),
            debts,
            "### Rules",
            _render_rules(checked),
            *_render_ranking("### Notes with the most findings", ("note", "findings"), notes),
            *_render_ranking(
                "### Topics that nothing answers to", ("topic", "links"), _collect_topics(checked)
            ),
            f"### {'The first findings' if len(checked.findings) > _MAX_LISTED else 'Findings'}",
            _render_list(checked),
        ]
    )


def _describe_clean(checked: CheckResult) -> str:
    notes, links = (
        format_count(checked.summary.get(f"{word}s", 0), word) for word in ("note", "link")
    )
    return f"{notes} with {links} checked: all is well."


def _join_parts(parts: Sequence[str]) -> str:
    return "\n\n".join(filter(None, parts)) + "\n"


def _render_totals(checked: CheckResult) -> str:
    fixes = Counter([fix.safety for fix in checked.fixes() if fix is not None])
    header = ("notes", "links", "resolved", "dangling", "findings", "fixable", "unsafely fixable")
    figures = [checked.summary.get(name, 0) for name in header[:4]]
    return _render_table(
        header, [[*figures, len(checked.findings), fixes[Safety.SAFE], fixes[Safety.UNSAFE]]]
    )


# -- tables -----------------------------------------------------------------------------------------------------------


def _render_rules(checked: CheckResult) -> str:
    """The rules that found something, the worst first."""
    new, old = Counter([d.code for d in checked.findings]), Counter([d.code for d in checked.known])
    known = {d.code: d for d in (*checked.known, *checked.findings)}
    ranked = sorted(known.values(), key=lambda d: (-d.severity.rank, -new[d.code], d.code))
    rows: list[list[object]] = [[d.code, d.rule, d.severity.value, new[d.code]] for d in ranked]
    if not checked.known_counts:
        return _render_table(("code", "rule", "severity", "found"), rows)
    return _render_table(
        ("code", "rule", "severity", "new", "old"), [[*row, old[str(row[0])]] for row in rows]
    )


def _collect_topics(checked: CheckResult) -> Iterator[str]:
    """What dangling links name, once for each of them; old findings count as well, since they dangle all the same."""
    return (
        topic_name(d.target)
        for group in (checked.findings, checked.known)
        for d in group
        if d.target is not None and d.about == "unresolved-link"
    )


def _render_ranking(
    title: str, header: Sequence[str], names: Iterator[str] | list[str]
) -> list[str]:
    """A title and a table of what is named most; nothing if nothing is named."""
    ranked = sorted(Counter(names).items(), key=lambda item: (-item[1], item[0]))[:_MAX_RANKED]
    return (
        [title, _render_table(header, [[_format_cell(name), times] for name, times in ranked])]
        if ranked
        else []
    )


def _render_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table; columns of numbers stand to the right."""
    rule = ["---:" if isinstance(cell, int) else "---" for cell in rows[0]]
    cells = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows]
    return "\n".join([f"| {' | '.join(row)} |" for row in (header, rule, *cells)])


def _render_list(checked: CheckResult) -> str:
    first = checked.findings[:_MAX_LISTED]
    lines = [
        f"- {format_code_span(f'{checked.path_prefix}{d.path}:{d.line}:{d.column}')} {d.code} {d.rule}: {format_message(d.message)}"
        for d in first
    ]
    left = len(checked.findings) - len(first)
    return "\n".join(lines) + (
        f"\n\n{format_count(left, 'more finding')} not listed here." if left else ""
    )


# -- what a vault holds -----------------------------------------------------------------------------------------------


def format_code_span(text: str, room: int = 200) -> str:
    """Text as a code span that shows it as it is, cut where it is longer than there is room. The marks around it are as many
    as never stand together in it, since these would end it. Nothing at all makes no span."""
    shown = escape_controls(text[: room + 1])
    shown = shown[: room - 1] + "…" if len(shown) > room else shown
    if not shown:
        return ""
    runs = {len(run) for run in re.findall("`+", shown)}
    marks = "`" * next(size for size in count(1) if size not in runs)
    pad = (
        " "
        if "`" in (shown[0], shown[-1]) or (shown[0] == shown[-1] == " " and shown.strip(" "))
        else ""
    )
    return f"{marks}{pad}{shown}{pad}{marks}"


def _format_cell(text: str) -> str:
    """A code span in a table, where a bar has to be marked, even in code."""
    return format_code_span(text).replace("|", "\\|")


_QUOTED = re.compile("“([^“”]*)”")
_SAFE_PROSE = re.compile(r"(?:[^\W\d_]|(?<![\w-])\d{1,6}(?!\w)|: |[ .,;'’()-])*")
"""Words in which nothing can be a mark, a link, a mention, a reference or a smiley."""


def format_message(text: str, room: int = 500) -> str:
    """A message as prose with the names that it quotes as code; the whole of it as code where that is not safe."""
    parts = _QUOTED.split(text)
    prose = parts[::2]
    if (
        len(text) > room
        or "www." in text.lower()
        or not all(_SAFE_PROSE.fullmatch(part) for part in prose)
    ):
        return format_code_span(text, room)
    return "".join(
        f"“{format_code_span(part)}”" if place % 2 else part for place, part in enumerate(parts)
    )
