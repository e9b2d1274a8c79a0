"""The first screen of a check with many findings, and `vaultlink status`.

It says how the vault is, which links are mistakes and which are plans, and what to do next.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from vaultlink.fix.forecast import FixForecast, RuleCount
from vaultlink.index.topics import Topic, is_in_copies, list_topics
from vaultlink.report.check_result import CheckResult
from vaultlink.report.concise import (
    describe_severities,
    format_suggestion,
    format_unsafe,
    severity_colors,
)
from vaultlink.report.json_document import (
    SCHEMA_VERSION,
    SuggestionRow,
    encode_tables,
    suggestion_rows,
)
from vaultlink.report.layout import (
    display_width,
    escape_controls,
    format_count,
    pad,
    truncate,
    truncate_left,
    wrap_words,
)

_FEW_ROWS = 3
"""Rows of mistakes, planned notes and rules on a screen of 24 lines."""

_LINES = 26
"""Lines of a small screen and of the heading of the table of notes.

For each four more, each table has one more row.
"""

_MAX_ROWS = 12
"""Maximum rows of a table."""

_LINES_OF_NOTES = 3
"""Lines besides the rows of the table of notes: its heading, an empty line, and the prompt."""


def render_overview(result: CheckResult) -> str:
    """Render the overview of a result."""
    counts = result.counts()
    rows = min(_FEW_ROWS + max(0, (result.height - _LINES) // 4), _MAX_ROWS)
    paths, line = result.declared()
    own = _leave_out(result, paths) if paths else result
    declared = wrap_words(line, result.width, "  ") if line else []
    topics = list_wanted(own)
    blocks = [
        [*_describe_vault(result), *declared],
        _list_mistakes(topics.mistakes, rows, result),
        _list_plans(topics.planned, rows, result),
        _list_rules(own.counts(), max(rows - len(declared), 0), result),
        _list_commands(counts, result),
    ]
    blocks = [block for block in blocks if block]
    free = result.height - sum(len(block) + 1 for block in blocks) - _LINES_OF_NOTES
    if counts and free > 0:
        blocks.insert(-1, _list_notes(own, min(free, rows)))
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _leave_out(result: CheckResult, paths: Collection[str]) -> CheckResult:
    """Return a result without the findings at some paths, none of which has a fix."""
    findings = [d for d in result.findings if d.path not in paths]
    numbers = Counter([(d.code, d.severity) for d in findings])
    rows = [row._replace(findings=numbers[row.code, row.severity]) for row in result.counts()]
    rows = sorted([row for row in rows if row.findings], key=lambda row: (-row.findings, row.code))
    return replace(result, findings=findings, rule_counts=rows)


def _describe_vault(result: CheckResult) -> list[str]:
    """Return two lines: the number of healthy links, and the findings by severity.

    External links are not checked, so they are not part of the share.
    """
    p, numbers = result.palette, result.summary()
    healthy, external = numbers["resolved"], numbers["external"]
    internal = healthy + numbers["dangling"]
    share = f" ({format_share(healthy, internal)})" if internal else ""
    verb = "resolves" if internal == 1 else "resolve"
    if external:
        links = (
            f"{format_count(numbers['links'], 'link')}: {healthy:,} of {internal:,} {verb}"
            f"{share}, {external:,} {'is' if external == 1 else 'are'} external"
        )
    else:
        links = f"{healthy:,} of {format_count(internal, 'link')} {verb}{share}"
    severities = describe_severities(result.findings, result.known_counts) or "no findings"
    files = format_count(len({d.path for d in result.findings}), "file")
    count = result.unreadable()
    unreadable = f", {count:,} of which can't be read" if count else ""
    notes = f"{format_count(numbers['notes'], 'note')} in the vault{unreadable}"
    return [f"{p.bold}{links}{p.reset}", f"{severities} in {files}; {notes}"]


def format_share(part: int, whole: int) -> str:
    """Return a share in percent. It is 100 % only if nothing is missing."""
    tenths = 1000 * part // whole
    return f"{tenths // 10}.{tenths % 10} %" if part < whole else "100 %"


# -- the topics of unresolved links ---------------------------------------------------------------


class WantedTopics(NamedTuple):
    """Topics of mistakes, most mistakes first; planned notes, most notes first.

    Those that only copies, backups and templates name come last.
    """

    mistakes: Sequence[Topic]
    planned: Sequence[Topic]


def list_wanted(result: CheckResult) -> WantedTopics:
    """Return the topics of a result, by what `Topic.is_planned` says."""
    topics = list_topics(result.findings)
    planned = [topic for topic in topics if topic.is_planned]
    mistakes = [topic for topic in topics if not topic.is_planned]
    planned.sort(key=lambda topic: (all(map(is_in_copies, topic.paths)), -len(topic.paths)))
    mistakes.sort(key=lambda topic: (all(map(is_in_copies, topic.paths)), -_count_mistakes(topic)))
    return WantedTopics(mistakes, planned)


def _count_mistakes(topic: Topic) -> int:
    return len(topic.findings) - topic.count_planned()


# -- tables ----------------------------------------------------------------------------------------


class _Row(NamedTuple):
    number: int
    name: str
    remark: str = ""
    path: str = ""


def _list_rules(counts: Sequence[RuleCount], limit: int, result: CheckResult) -> list[str]:
    colors, reset = severity_colors(result.palette), result.palette.reset
    has_guesses = bool(counts) and result.forecast().has_guesses
    rows = [
        _Row(row.findings, f"{row.code} {row.rule}", _describe_fixes(row, has_guesses))
        for row in counts
    ]
    lines = _format_table("Rules", rows, limit, result)
    for number, row in enumerate(counts[:limit], 1):
        if number < len(lines):
            lines[number] = lines[number].replace(
                row.code, f"{colors[row.severity]}{row.code}{reset}", 1
            )
    return lines


def _describe_fixes(row: RuleCount, has_guesses: bool) -> str:
    parts = [f"{row.safe:,} safe"] if row.safe else []
    parts += [f"{format_unsafe(row, has_guesses=has_guesses)} unsafe"] if row.unsafe else []
    return f"fixes: {', '.join(parts)}" if parts else ""


def _list_mistakes(topics: Sequence[Topic], limit: int, result: CheckResult) -> list[str]:
    suggest = result.suggester() if topics else lambda _d: ()
    rows = []
    for topic in topics[:limit]:
        first, found = topic.findings[0], suggest(topic.findings[0])
        hint = format_suggestion(first, found[0], result.format_target) if found else ""
        planned = topic.count_planned()
        remark = ", ".join(filter(None, (hint, f"{planned:,} more planned" if planned else "")))
        rows.append(_Row(_count_mistakes(topic), escape_controls(topic.name), remark))
    return _format_table("Mistakes", rows, limit, result, len(topics)) or ["Mistakes: none"]


def _list_plans(topics: Sequence[Topic], limit: int, result: CheckResult) -> list[str]:
    rows = [
        _Row(len(topic.paths), escape_controls(topic.name), _describe_plan(topic))
        for topic in topics[:limit]
    ]
    title = "Planned notes, by the notes that link to them"
    return _format_table(title, rows, limit, result, len(topics)) or ["Planned notes: none"]


def _describe_plan(topic: Topic) -> str:
    """Return the number of links to a topic, and the folder that alone wants it."""
    links, paths = len(topic.findings), topic.paths
    parts = [f"{links:,} links"] if links > len(paths) else []
    folders = {path.partition("/")[0] if "/" in path else "" for path in paths}
    if len(paths) > 1 and len(folders) == 1 and folders != {""}:
        parts.append(f"only from {escape_controls(folders.pop())}/")
    return ", ".join(parts)


def _list_notes(result: CheckResult, limit: int) -> list[str]:
    counts = Counter([d.path for d in result.findings])
    ranked = sorted(counts.items(), key=lambda item: (is_in_copies(item[0]), -item[1], item[0]))
    rows = [
        _Row(count, escape_controls(result.show_path(path)), path=path)
        for path, count in ranked[:limit]
    ]
    return _format_table("Notes", rows, limit, result, len(ranked))


def _format_table(
    title: str, rows: Sequence[_Row], limit: int, result: CheckResult, total: int | None = None
) -> list[str]:
    p, shown = result.palette, rows[:limit]
    if not shown:
        return []
    left = (len(rows) if total is None else total) - len(shown)
    digits = max(len(f"{row.number:,}") for row in shown)
    available = result.width - digits - 4
    remark = min(max(display_width(row.remark) for row in shown), available // 2)
    name = min(max(display_width(row.name) for row in shown), available - remark - 2)
    lines = [f"{p.bold}{title}{p.reset}" + (f" (and {left:,} more)" if left > 0 else "")]
    lines += [
        f"  {row.number:>{digits},}  {pad(_shorten(row.name, name), name)}"
        f"  {p.dim}{truncate(row.remark, remark)}{p.reset}".rstrip()
        if row.remark
        else f"  {row.number:>{digits},}  "
        + _link_name(row, truncate_left(row.name, available), result)
        for row in shown
    ]
    return lines


def _shorten(name: str, width: int) -> str:
    """Return a name in so many columns; the end of a path says most."""
    return truncate_left(name, width) if "/" in name else truncate(name, width)


def _link_name(row: _Row, name: str, result: CheckResult) -> str:
    return result.link_path(name, row.path) if row.path else name


# -- what to do next -------------------------------------------------------------------------------


class NextStep(NamedTuple):
    """A command to run next, its purpose, and how many findings it resolves."""

    command: str
    purpose: str
    gain: int = 0


def list_next_steps(counts: Sequence[RuleCount], result: CheckResult) -> list[NextStep]:
    """Return the commands to propose for a result; none without findings."""
    if not counts:
        return []
    count = format_count(len(result.findings), "finding")
    undo, options = not result.vault_option(), result.command_options
    return [
        *list_fix_steps(result.forecast(), options, says_undo=undo),
        NextStep(f"vaultlink unresolved{result.vault_option()}", "list all unresolved links"),
        NextStep(f"vaultlink check --show all{options}", f"show all {count}"),
    ]


def list_fix_steps(
    forecast: FixForecast, options: str = "", *, says_undo: bool = True
) -> list[NextStep]:
    """Return the commands that apply safe fixes and that ask about the others.

    A command without anything to fix is left out. `options` are added to the commands.
    """
    safe, unsafe = forecast.safe, forecast.unsafe
    least = "at least " if forecast.has_guesses else ""
    undo = "; `vaultlink undo` reverts it" if says_undo else ""
    have = "has" if unsafe == 1 else "have"
    steps = [
        NextStep(f"vaultlink fix{options}", f"fix {safe:,} now{undo}", safe),
        NextStep(
            f"vaultlink fix --interactive{options}",
            f"ask about the rest; {least}{unsafe:,} {have} a proposal",
            unsafe,
        ),
    ]
    return [step for step in steps if step.gain]


def _list_commands(counts: Sequence[RuleCount], result: CheckResult) -> list[str]:
    steps = list_next_steps(counts, result)
    width = max((len(step.command) for step in steps), default=0)
    p, rest = result.palette, result.width - width - 4
    return [
        f"  {p.cyan}{step.command}{p.reset}".ljust(width + 2 + len(p.cyan + p.reset))
        + f"  {truncate(step.purpose, rest)}".rstrip()
        for step in steps
    ]


# -- `vaultlink status --output-format json` -------------------------------------------------------
# Field names are JSON keys.


class StatusTopicRow(msgspec.Struct, frozen=True, gc=False):
    """A topic: unresolved links with the same target.

    Attributes:
        topic: The target of the links, as the first of them has it.
        count: Number of links.
        notes: Number of notes with these links.
        suggestions: Files that the links may mean, best first.
    """

    topic: str
    count: int
    notes: int
    suggestions: tuple[SuggestionRow, ...]


class NextStepRow(msgspec.Struct, frozen=True, gc=False):
    """A command to run next.

    Attributes:
        command: The command line, for the current folder.
        gain: Number of findings that the command can resolve; 0 for a command that lists.
    """

    command: str
    gain: int


class StatusDocument(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The state of a vault.

    Attributes:
        schema: Version of this document.
        vault: The vault's folder.
        notes: Number of notes.
        mistakes: The targets of mistakes, most mistakes first; those that only copies, backups and
            templates name are the last, as in `planned`.
        planned: The notes that are not written yet, those first that most notes want.
        next: The commands to run next.
    """

    schema: int
    vault: str
    notes: int
    mistakes: tuple[StatusTopicRow, ...]
    planned: tuple[StatusTopicRow, ...]
    next: tuple[NextStepRow, ...]


def render_status(result: CheckResult) -> bytes:
    """Render the status of a vault as JSON."""
    wanted, suggest = list_wanted(result), result.suggester()
    mistakes, planned = (
        tuple(
            [
                StatusTopicRow(
                    topic.name,
                    len(topic.findings),
                    len(topic.paths),
                    suggestion_rows(suggest(topic.findings[0])),
                )
                for topic in topics
            ]
        )
        for topics in wanted
    )
    steps = list_next_steps(result.counts(), result)
    return encode_tables(
        StatusDocument(
            schema=SCHEMA_VERSION,
            vault=result.root,
            notes=result.summary()["notes"],
            mistakes=mistakes,
            planned=planned,
            next=tuple([NextStepRow(step.command, step.gain) for step in steps]),
        )
    )
