"""The first screen of a check with more findings than fit on it.

It says how the vault is, what is wrong most, and what to do next.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from vaultlink.fix.forecast import RuleCount
from vaultlink.model import Diagnostic
from vaultlink.report.check_result import CheckResult
from vaultlink.report.concise import describe_severities, format_suggestion, severity_colors
from vaultlink.report.groups import find_target_rules, target_key
from vaultlink.report.layout import (
    display_width,
    escape_controls,
    format_count,
    pad,
    truncate,
    truncate_left,
)

_FEW_ROWS = (4, 3, 2)
"""Rows of rules, missing targets and notes on a screen of 24 lines."""

_LINES = 24
"""Lines of a small screen. For each three more, each table has one more row."""

_MAX_ROWS = 12
"""Maximum rows of a table."""


def render_overview(result: CheckResult) -> str:
    """Render the overview of a result."""
    counts = result.counts()
    more = min(max(0, (result.height - _LINES) // 3), _MAX_ROWS - _FEW_ROWS[0])
    rules, targets, notes = (number + more for number in _FEW_ROWS)
    blocks = [
        _describe_vault(result),
        _list_rules(counts, rules, result),
        _list_targets(result, targets),
        _list_notes(result, notes),
        _list_commands(counts, result),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _describe_vault(result: CheckResult) -> list[str]:
    """Return two lines: the number of healthy links, and the findings by severity.

    External links are not checked, so they are not part of the share.
    """
    p, numbers = result.palette, result.summary()
    healthy, external = numbers["resolved"], numbers["external"]
    internal = healthy + numbers["dangling"]
    share = f" ({format_share(healthy, internal)})" if internal else ""
    if external:
        links = (
            f"{format_count(numbers['links'], 'link')}: {healthy:,} of {internal:,} lead to a file"
            f"{share}, {external:,} {'is' if external == 1 else 'are'} external"
        )
    else:
        links = f"{healthy:,} of {format_count(internal, 'link')} lead to a file{share}"
    severities = describe_severities(result.findings, result.known_counts) or "no findings"
    files = format_count(len({d.path for d in result.findings}), "file")
    return [
        f"{p.bold}{links}{p.reset}",
        f"{severities} in {files}; {format_count(numbers['notes'], 'note')} in the vault",
    ]


def format_share(part: int, whole: int) -> str:
    """Return a share in percent. It is 100 % only if nothing is missing."""
    tenths = 1000 * part // whole
    return f"{tenths // 10}.{tenths % 10} %" if part < whole else "100 %"


# -- tables ----------------------------------------------------------------------------------------


class _Row(NamedTuple):
    number: int
    name: str
    remark: str = ""
    path: str = ""


def _list_rules(counts: Sequence[RuleCount], limit: int, result: CheckResult) -> list[str]:
    colors, reset = severity_colors(result.palette), result.palette.reset
    rows = [_Row(row.findings, f"{row.code} {row.rule}", _describe_fixes(row)) for row in counts]
    lines = _format_table("Rules", rows, limit, result)
    for number, row in enumerate(counts[:limit], 1):
        if number < len(lines):
            lines[number] = lines[number].replace(
                row.code, f"{colors[row.severity]}{row.code}{reset}", 1
            )
    return lines


def _describe_fixes(row: RuleCount) -> str:
    parts = [f"{row.safe:,} safe"] if row.safe else []
    parts += [f"{row.unsafe:,} unsafe"] if row.unsafe else []
    return f"fixes: {', '.join(parts)}" if parts else ""


def _list_targets(result: CheckResult, limit: int) -> list[str]:
    groups: dict[str, list[Diagnostic]] = {}
    unresolved = find_target_rules(result.rules)
    for d in result.findings:
        if d.target and d.rule in unresolved:
            groups.setdefault(target_key(d.target), []).append(d)
    ranked = sorted(groups.values(), key=lambda group: (-len(group), group[0].target))
    suggest = result.suggester() if ranked else lambda _d: ()
    rows = []
    for group in ranked[:limit]:
        first, found = group[0], suggest(group[0])
        hint = format_suggestion(first, found[0], result.format_target) if found else ""
        rows.append(_Row(len(group), escape_controls(first.target or ""), hint))
    return _format_table("Missing targets", rows, limit, result, len(ranked))


def _list_notes(result: CheckResult, limit: int) -> list[str]:
    counts = Counter([d.path for d in result.findings])
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = [
        _Row(count, escape_controls(result.show_path(path)), path=path)
        for path, count in ranked[:limit]
    ]
    return _format_table("Notes", rows, limit, result, len(ranked))


def _format_table(
    title: str, rows: Sequence[_Row], limit: int, result: CheckResult, total: int | None = None
) -> list[str]:
    if not rows:
        return []
    p, shown = result.palette, rows[:limit]
    left = (len(rows) if total is None else total) - len(shown)
    digits = max(len(f"{row.number:,}") for row in shown)
    available = result.width - digits - 4
    remark = min(max(display_width(row.remark) for row in shown), available // 2)
    name = min(max(display_width(row.name) for row in shown), available - remark - 2)
    lines = [f"{p.bold}{title}{p.reset}" + (f" (and {left:,} more)" if left > 0 else "")]
    lines += [
        f"  {row.number:>{digits},}  {pad(truncate(row.name, name), name)}"
        f"  {p.dim}{truncate(row.remark, remark)}{p.reset}".rstrip()
        if row.remark
        else f"  {row.number:>{digits},}  "
        + _link_name(row, truncate_left(row.name, available), result)
        for row in shown
    ]
    return lines


def _link_name(row: _Row, name: str, result: CheckResult) -> str:
    return result.link_path(name, row.path) if row.path else name


# -- what to do next -------------------------------------------------------------------------------


def _list_commands(counts: Sequence[RuleCount], result: CheckResult) -> list[str]:
    if not counts:
        return []
    forecast = result.forecast()
    safe, unsafe = forecast.safe, forecast.unsafe
    least = "" if forecast.has_all else "at least "
    count = format_count(len(result.findings), "finding")
    have, options = "has" if unsafe == 1 else "have", result.command_options
    commands = [
        (safe, f"fix{options}", f"fix {least}{safe:,} now; `vaultlink undo` reverts it"),
        (
            unsafe,
            f"fix --interactive{options}",
            f"ask about the rest; {least}{unsafe:,} {have} a proposal",
        ),
        (True, f"topics{result.vault_option}", "list all missing targets"),
        (True, f"check --show all{options}", f"show all {count}"),
    ]
    rows = [(f"vaultlink {command}", purpose) for shown, command, purpose in commands if shown]
    width = max(len(command) for command, _ in rows)
    p, rest = result.palette, result.width - width - 4
    return [
        f"  {p.cyan}{command}{p.reset}".ljust(width + 2 + len(p.cyan + p.reset))
        + f"  {truncate(purpose, rest)}".rstrip()
        for command, purpose in rows
    ]
