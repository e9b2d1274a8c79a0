"""The output format `full`: findings with source lines and suggestions.

Marks under the line show the span. Only the text around each span is read, so a line of megabytes
costs no more than a short one.
"""

from collections.abc import Callable, Collection, Sequence

from vaultlink.model import Diagnostic, Severity, TextByPath
from vaultlink.report.check_result import CheckResult, FormatTarget, GetSuggestions
from vaultlink.report.concise import format_suggestion, severity_colors
from vaultlink.report.groups import find_target_rules, group_findings, group_targets, list_places
from vaultlink.report.layout import (
    PLAIN,
    LinkPath,
    Palette,
    display_width,
    escape_controls,
    format_count,
    is_single_width,
    leave_unlinked,
    truncate,
    truncate_left,
    wrap_words,
)

REASON_LABELS = {
    "title": "title",
    "alias": "alias",
    "respelling": "spelling",
    "slug": "GitHub anchor",
    "folder": "other folder",
    "near": "similar",
    "history": "history",
}
"""The displayed word for each reason of a suggestion."""

_MIN_TRAILING_COLUMNS = 20
"""Columns reserved for the text after the span when a line is truncated."""


def render_full(result: CheckResult) -> str:
    """Render the findings of a check."""
    renderer = FullRenderer(
        result.text, result.suggester(), result.format_target, result.width, result.palette
    )
    renderer.show_path, renderer.link_path = result.show_path, result.link_path
    renderer.wraps = result.groups_targets
    grouped = find_target_rules(result.rules) if result.groups_targets else ()
    return renderer.render(result.findings, grouped)


class FullRenderer:
    """Renders findings with frames of at most `width` columns.

    `text` returns a note's text by path, "" if it cannot be read. `suggest` returns the
    suggestions for a finding, and `format_target` the target of a link to a path. A finding with
    an empty span at offset 0 is about the whole file and has no frame.
    """

    def __init__(
        self,
        text: TextByPath,
        suggest: GetSuggestions,
        format_target: FormatTarget,
        width: int,
        palette: Palette = PLAIN,
    ):
        self.text, self.suggest, self.format_target = text, suggest, format_target
        self.width, self.palette = width, palette
        self.colors = severity_colors(palette)
        self.show_path: Callable[[str], str] = lambda path: path
        self.link_path: LinkPath = leave_unlinked
        self.wraps = False
        self._heads: dict[tuple[str, str, Severity], tuple[str, str]] = {}
        self._hints: dict[tuple[object, ...], str] = {}

    def render(self, diagnostics: Sequence[Diagnostic], grouped_rules: Collection[str] = ()) -> str:
        """Render one block per finding, with blank lines between them.

        Many findings of one cause in a note are one block. So are the findings of `grouped_rules`
        about one target in several notes.
        """
        path, text, shown_path, blocks = None, "", "", []
        targets = group_targets(diagnostics, grouped_rules)
        done = {id(d) for group in targets.values() for d in group}
        shown = [d for d in diagnostics if id(d) not in done or id(d) in targets]
        for group in group_findings(shown):
            d = group.first
            if id(d) in targets:
                blocks.append(self._render_target(targets[id(d)]))
                continue
            if d.path != path:
                path, text = d.path, self.text(d.path)
                shown_path = escape_controls(self.show_path(path))
            block = self._render_block(d, text, shown_path)
            if group.others:
                p, gutter = self.palette, " " * len(str(d.line))
                note = escape_controls(group.describe_others(self.show_path))
                block += f"{gutter} {p.cyan}= note:{p.reset} {note}\n"
            blocks.append(block)
        return "\n".join(blocks)

    def _render_target(self, findings: Sequence[Diagnostic]) -> str:
        d, p = findings[0], self.palette
        head, severity = self._format_head(d)
        notes = list_places(findings)
        count = format_count(len(findings), "link")
        block = (
            f"{head}{self._wrap_message(d)}{severity}\n"
            f"  {p.blue}-->{p.reset} {count} in {format_count(len(notes), 'note')}\n"
        )
        for path, places in notes.items():
            listed = truncate(f":{', '.join(places)}", self.width // 2)
            shown = truncate_left(
                escape_controls(self.show_path(path)), self.width - 6 - len(listed)
            )
            block += f"      {self.link_path(shown, path)}{listed}\n"
        hint = self._format_hint(d)
        return f"{block}  {p.cyan}= help:{p.reset} {hint}\n" if hint else block

    def _render_block(self, d: Diagnostic, text: str, path: str) -> str:
        p, (head, severity) = self.palette, self._format_head(d)
        number = str(d.line)
        gutter = " " * len(number)
        place = self.link_path(f"{path}:{number}:{d.column}", d.path) + severity
        block = f"{head}{self._wrap_message(d)}\n{gutter}{p.blue}-->{p.reset} {place}\n"
        line_start = d.start - d.column + 1
        if (
            d.end
            and 0 <= line_start <= d.start < len(text)
            and (line_start == 0 or text[line_start - 1] == "\n")
        ):
            line, marks = self._cut_excerpt(d, text, line_start, self.width - len(gutter) - 3)
            block += (
                f"{gutter} {p.blue}|{p.reset}\n{p.blue}{number} |{p.reset} {line}\n"
                f"{gutter} {p.blue}|{p.reset} {self.colors[d.severity]}{marks}{p.reset}\n"
            )
        hint = self._format_hint(d) if d.target is not None else ""
        return f"{block}{gutter} {p.cyan}= help:{p.reset} {hint}\n" if hint else block

    def _wrap_message(self, d: Diagnostic) -> str:
        """Return the message of a finding; on a terminal its lines end between words."""
        message = d.message if d.message.isprintable() else escape_controls(d.message)
        if not self.wraps:
            return message
        used = len(d.code) + len(d.rule) + 2
        return "\n".join(wrap_words(message, self.width, "  ", used))

    def _format_head(self, d: Diagnostic) -> tuple[str, str]:
        """Return the text before the message, and the severity behind the place."""
        key = d.code, d.rule, d.severity
        if key not in self._heads:
            p = self.palette
            self._heads[key] = (
                f"{self.colors[d.severity]}{p.bold}{d.code}{p.reset} {p.bold}{d.rule}{p.reset} ",
                "" if d.severity is Severity.ERROR else f" ({d.severity.value})",
            )
        return self._heads[key]

    def _cut_excerpt(
        self, d: Diagnostic, text: str, line_start: int, width: int
    ) -> tuple[str, str]:
        end = text.find("\n", d.start, d.start + width + 1)
        if end == -1:
            end = min(d.start + width + 1, len(text))
        stop = min(d.end, end)
        first = max(line_start, d.start - width)
        if is_single_width(line := text[first:end]):
            return _cut_single_width(line, d.start - first, stop - first, width)
        before = _clean_source(text[first : d.start])
        after = _clean_source(text[stop:end].rstrip("\r"))
        span = truncate(_clean_source(text[d.start : stop]), width)
        rest = width - max(display_width(span), 1)
        before = truncate_left(
            before, rest - min(display_width(after), _MIN_TRAILING_COLUMNS, rest)
        )
        indent = display_width(before)
        return (
            f"{before}{span}{truncate(after, rest - indent)}".rstrip(),
            " " * indent + "^" * (width - rest),
        )

    def _format_hint(self, d: Diagnostic) -> str:
        """Return the suggestions as a question; cached, because findings share it."""
        suggestions = self.suggest(d)
        if not suggestions:
            return ""
        key = (d.target, d.subpath, d.path if d.subpath else None, *suggestions)
        hint = self._hints.get(key)
        if hint is None:
            alternatives = [
                f"{format_suggestion(d, item, self.format_target)} "
                f"({REASON_LABELS.get(item.reason, item.reason)}, {item.score:.2f})"
                for item in suggestions
            ]
            choices = filter(None, [", ".join(alternatives[:-1]), alternatives[-1]])
            hint = f"did you mean {' or '.join(choices)}?"
            self._hints[key] = hint
        return hint


def _cut_single_width(line: str, start: int, stop: int, width: int) -> tuple[str, str]:
    """Cut as `_cut_excerpt` does, but faster; each character must take one column."""
    if stop - start > width:
        line, start, stop = line[start : start + width - 1] + "…", 0, width
    elif max(len(line), start + 1) > width:
        rest = width - max(stop - start, 1)
        after = line[stop:]
        lead = rest - min(len(after), _MIN_TRAILING_COLUMNS, rest)
        if start > lead:
            line = "…" + line[start - lead + 1 :] if lead else line[start:]
            start, stop = lead, lead + stop - start
        if len(line) > width:
            line = line[: width - 1] + "…" if stop < width else line[:stop]
    return line.rstrip(), " " * start + "^" * max(stop - start, 1)


def _clean_source(text: str) -> str:
    return text if text.isprintable() else escape_controls(text.replace("\t", "    "))
