"""The output format `concise`, statistics, and the sentences below them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from vaultlink.engine.diagnostics import KnownCount
from vaultlink.fix.forecast import RuleCount
from vaultlink.model import Diagnostic, Safety, Severity, Suggestion
from vaultlink.report.check_result import CheckResult, FormatTarget
from vaultlink.report.groups import group_findings
from vaultlink.report.layout import PLAIN, Palette, escape_commands, escape_controls, format_count

if TYPE_CHECKING:
    from vaultlink.fix.forecast import FixForecast


# -- the output format `concise`: one line per finding ---------------------------------------------
# Lines are built with plain formatting and joined once: there may be 70,000 of them.


def render_concise_result(result: CheckResult) -> str:
    """Render the findings of a check."""
    fixes = zip(result.findings, result.forecast().fixes, strict=True)
    safe = {id(d) for d, fix in fixes if fix and fix.safety is Safety.SAFE}
    return render_concise(
        result.findings,
        result.palette,
        lambda d: format_hint(d, result.suggester()(d), result.format_target),
        lambda d: id(d) in safe,
        result.show_path,
    )


def format_hint(
    d: Diagnostic, suggestions: Sequence[Suggestion], format_target: FormatTarget
) -> str:
    """Return the likeliest note, heading or block as a question; "" if there is none."""
    if not suggestions:
        return ""
    return f" Did you mean {format_suggestion(d, suggestions[0], format_target)}?"


def format_suggestion(d: Diagnostic, item: Suggestion, format_target: FormatTarget) -> str:
    """Return a suggestion for a finding as a wikilink."""
    target = "" if item.subpath and item.path == d.path else format_target(item.path)
    return escape_controls(f"[[{target}{item.subpath or ''}]]")


def render_concise(
    diagnostics: Sequence[Diagnostic],
    palette: Palette = PLAIN,
    hint: Callable[[Diagnostic], str] = lambda _finding: "",
    is_safe: Callable[[Diagnostic], bool] = lambda _finding: False,
    show_path: Callable[[str], str] = lambda path: path,
) -> str:
    """Render one line per finding: `path:line:column: VL101 dangling-link message`.

    Many findings of one cause in a note are one line, and all those of a shared cause. `hint`
    returns the text behind the message of a finding. `[*]` precedes the message of one that
    `is_safe`, as `vaultlink fix` resolves it.
    """
    lines = [
        (
            group.first,
            ("[*] " if is_safe(group.first) else "")
            + (
                group.format_message(show_path)
                if group.others
                else group.first.message + hint(group.first)
            ),
        )
        for group in group_findings(diagnostics)
    ]
    if palette is not PLAIN:
        colors, bold, reset = severity_colors(palette), palette.bold, palette.reset
        colored = [
            f"{bold}{escape_controls(show_path(d.path))}{reset}:{d.line}:{d.column}: "
            f"{colors[d.severity]}{d.code}{reset} {bold}{d.rule}{reset} "
            f"{escape_controls(message)}\n"
            for d, message in lines
        ]
        return "".join(colored)
    rows = [
        f"{show_path(d.path)}:{d.line}:{d.column}: {d.code} {d.rule} {message}"
        for d, message in lines
    ]
    lines_text = "\n".join([row if row.isprintable() else escape_controls(row) for row in rows])
    return escape_commands(lines_text) + ("\n" if rows else "")


def severity_colors(palette: Palette) -> Mapping[Severity, str]:
    """Return the colour of each severity."""
    return {
        Severity.ERROR: palette.red,
        Severity.WARNING: palette.yellow,
        Severity.INFO: palette.blue,
    }


def summarize_counts(
    counts: Mapping[Severity, int], files: int, notes: int, known_counts: Sequence[KnownCount] = ()
) -> str:
    """Return the summary sentence of a check with these numbers of findings.

    `counts` are those of each severity, `files` is the number of files with findings, `notes` that
    of the notes checked.
    """
    if not files:
        return f"No {'new ' if known_counts else ''}findings in {format_count(notes, 'note')}."
    return (
        f"Found {_describe_counts(counts, known_counts)} in {format_count(files, 'file')}; "
        f"{format_count(notes, 'note')} checked."
    )


def summarize_drafts(added: Sequence[Diagnostic], drafts: int) -> str:
    """Return the sentence about the findings that drafts add."""
    verb = "adds" if drafts == 1 else "add"
    found = describe_severities(added) if added else "no findings"
    place = f" in {format_count(len({d.path for d in added}), 'file')}" if added else ""
    return f"{format_count(drafts, 'draft')} {verb} {found}{place}."


def describe_severities(
    diagnostics: Sequence[Diagnostic], known_counts: Sequence[KnownCount] = ()
) -> str:
    """Return the number of findings of each severity, most severe first."""
    return _describe_counts(Counter([d.severity for d in diagnostics]), known_counts)


def _describe_counts(
    counts: Mapping[Severity, int], known_counts: Sequence[KnownCount] = ()
) -> str:
    new = "new " if known_counts else ""
    return ", ".join(
        [
            format_count(counts[severity], new + severity.value)
            for severity in (Severity.ERROR, Severity.WARNING, Severity.INFO)
            if counts.get(severity)
        ]
    )


def describe_unseen(clauses: Sequence[str]) -> str:
    """Return a sentence on what of the past git can't see; "" if it sees all."""
    return f"Renamed notes may be missed: {'; '.join(clauses)}." if clauses else ""


def describe_fixable(found: "FixForecast", options: str = "") -> str:
    """Return a sentence with the numbers of findings that fixes resolve.

    It is "" if there are none. A number that may be too low is called so. `options` are added to
    the commands.
    """
    unsafe = found.unsafe + found.known_unsafe
    is_least = found.has_guesses or found.has_known_guesses
    all_safe = _describe_number(found.safe, found.known_safe)
    all_unsafe = _describe_number(found.unsafe, found.known_unsafe)
    least = "at least " if is_least else ""
    if not all_safe and not all_unsafe:
        return (
            f"`vaultlink check --statistics{options}` counts the findings that "
            "`vaultlink fix --unsafe-fixes` can fix."
            if found.has_guesses
            else ""
        )
    if not all_safe:
        return f"`vaultlink fix --unsafe-fixes{options}` can fix {least}{all_unsafe}."
    sentence = f"`vaultlink fix{options}` can fix {all_safe}"
    if is_least:
        total = found.safe + found.known_safe + unsafe
        return f"{sentence}, and at least {total:,} with --unsafe-fixes."
    return f"{sentence}, and {unsafe:,} more with --unsafe-fixes." if unsafe else f"{sentence}."


def _describe_number(new: int, known: int) -> str:
    """Return numbers of reported and known findings; "" for none."""
    parts = [f"{new:,} of them"] if new else []
    parts += [format_count(known, "known finding")] if known else []
    return " and ".join(parts)


def describe_known(count: KnownCount, options: str = "") -> str:
    """Return a sentence with the number of known findings.

    It also has the number of those that are no longer found. The result is "" if both are 0.
    `options` are added to the command that removes them.
    """
    if not count.left and not count.gone:
        return ""
    if count.kind == "baseline":
        source = "in the baseline"
        them = "it" if count.gone == 1 else "them"
        advice = f" `vaultlink baseline --prune{options}` removes {them}."
    else:
        source = f"from before the changes since {escape_controls(count.name)}"
        advice = ""
    if not count.left:
        verb = "is" if count.gone == 1 else "are"
        return f"{format_count(count.gone, 'finding')} {source} {verb} no longer found.{advice}"
    sentence = f"Not shown: {format_count(count.left, 'finding')} {source}"
    if not count.gone:
        return f"{sentence}."
    resolved = format_count(count.gone, "other is", "others are")
    return f"{sentence}; {resolved} no longer found.{advice}"


# -- statistics: a line per rule with its findings and their fixes ---------------------------------

_HEADER = ("findings", "fix", "unsafe")


def format_unsafe(row: RuleCount, *, has_guesses: bool) -> str:
    """Return the number of unsafe fixes of a rule.

    With `has_guesses`, some were not counted.
    """
    is_least = has_guesses and row.safe + row.unsafe < row.findings
    return f"{'at least ' if is_least else ''}{row.unsafe:,}"


def render_statistics_result(result: CheckResult) -> str:
    """Render the counts of a result by rule."""
    has_guesses = result.forecast().has_guesses
    return render_statistics(result.counts(), result.palette, has_guesses=has_guesses)


def render_statistics(
    counts: Sequence[RuleCount],
    palette: Palette = PLAIN,
    *,
    has_fixes: bool = True,
    has_guesses: bool = False,
) -> str:
    """Render a line per rule: findings, fixes, unsafe fixes, code and name.

    Without `has_fixes` the fixes are left out. With `has_guesses`, some unsafe fixes were not
    counted.
    """
    if not counts:
        return ""
    colors = severity_colors(palette)
    header = _HEADER if has_fixes else _HEADER[:1]
    cells = [
        [f"{row.findings:,}", f"{row.safe:,}", format_unsafe(row, has_guesses=has_guesses)]
        for row in counts
    ]
    cells = [row[: len(header)] for row in cells]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]

    def align(texts: Sequence[str]) -> str:
        return "  ".join(f"{text:>{width}}" for text, width in zip(texts, widths, strict=True))

    lines = [f"{palette.bold}{align(header)}  rule{palette.reset}"]
    lines += [
        f"{align(texts)}  {colors[row.severity]}{row.code}{palette.reset} {row.rule}"
        for row, texts in zip(counts, cells, strict=True)
    ]
    return "\n".join(lines) + "\n"
