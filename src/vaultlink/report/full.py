"""Findings with the line they stand on, the span marked, and what may have been meant.

Diagnostics and ways to ask for texts and suggestions enter, a string leaves. The source is looked at only around each
span, so a line of megabytes costs no more than a short one.
"""

from collections.abc import Sequence

from vaultlink.model import Diagnostic, Severity, TextByPath
from vaultlink.report.check_result import CheckResult, FormatTarget, GetSuggestions
from vaultlink.report.concise import render_statistics, severity_colors
from vaultlink.report.layout import (
    PLAIN,
    Palette,
    display_width,
    escape_controls,
    is_single_width,
    truncate,
    truncate_left,
)

REASON_LABELS = {"title": "title", "alias": "alias", "respelling": "spelling", "near": "similar"}
"""In what a suggestion is like the topic, in a word."""

_MIN_TRAILING_COLUMNS = 20
"""Columns kept for what follows a span when a line is cut."""


def render_full(result: CheckResult) -> str:
    """Render the findings of a check in the `full` output format."""
    if result.statistics:
        return render_statistics(result.findings, result.palette)
    frames = FullRenderer(
        result.text, result.suggester(), result.format_target, result.width, result.palette
    )
    return frames.render(result.findings)


class FullRenderer:
    """The `full` form. `text` gives a source by path ("" if it can't be read), `suggest` the candidates for a finding,
    `format_target` how a link to a path would be written. A finding with an empty span at the start is about a file as a
    whole, and has no frame."""

    def __init__(
        self,
        text: TextByPath,
        suggest: GetSuggestions,
        wording: FormatTarget,
        room: int,
        palette: Palette = PLAIN,
    ):
        self.text, self.suggest, self.format_target = text, suggest, wording
        self.columns, self.palette = room, palette
        self.colors = severity_colors(palette)
        self._hint_cache: dict[str, str] = {}

    def render(self, diagnostics: Sequence[Diagnostic]) -> str:
        """All findings, one block each."""
        path, source, shown, blocks = None, "", "", []
        for d in diagnostics:
            if d.path != path:
                path, source, shown = d.path, self.text(d.path), escape_controls(d.path)
            blocks.append(self._render_block(d, source, shown))
        return "\n".join(blocks)

    def _render_block(self, d: Diagnostic, source: str, path: str) -> str:
        p, hue = self.palette, self.colors[d.severity]
        gutter = " " * len(str(d.line))
        level = "" if d.severity is Severity.ERROR else f" ({d.severity.value})"
        head = (
            f"{hue}{p.bold}{d.code}{p.reset} {p.bold}{d.rule}{p.reset} {escape_controls(d.message)}\n"
            f"{gutter}{p.blue}-->{p.reset} {path}:{d.line}:{d.column}{level}\n"
        )
        begin = d.start - d.column + 1
        frame = ""
        if (
            d.end
            and 0 <= begin <= d.start < len(source)
            and (begin == 0 or source[begin - 1] == "\n")
        ):
            line, mark = self._cut_excerpt(d, source, begin, self.columns - len(gutter) - 3)
            frame = (
                f"{gutter} {p.blue}|{p.reset}\n{p.blue}{d.line} |{p.reset} {line}\n"
                f"{gutter} {p.blue}|{p.reset} {hue}{mark}{p.reset}\n"
            )
        hint = self._format_hint(d) if d.target is not None else ""
        return (
            f"{head}{frame}{gutter} {p.cyan}= help:{p.reset} {hint}\n" if hint else f"{head}{frame}"
        )

    def _cut_excerpt(self, d: Diagnostic, source: str, begin: int, room: int) -> tuple[str, str]:
        """The line as far as it fits around the span, and the marks below it."""
        end = source.find("\n", d.start, d.start + room + 1)
        if end == -1:
            end = min(d.start + room + 1, len(source))
        stop = min(d.end, end)
        first = max(begin, d.start - room)
        if is_single_width(line := source[first:end]):
            return _cut_single_width(line, d.start - first, stop - first, room)
        before, after = (
            _clean_source(source[first : d.start]),
            _clean_source(source[stop:end].rstrip("\r")),
        )
        span = truncate(_clean_source(source[d.start : stop]), room)
        left = room - max(display_width(span), 1)
        before = truncate_left(
            before, left - min(display_width(after), _MIN_TRAILING_COLUMNS, left)
        )
        indent = display_width(before)
        return f"{before}{span}{truncate(after, left - indent)}".rstrip(), " " * indent + "^" * (
            room - left
        )

    def _format_hint(self, d: Diagnostic) -> str:
        """What may have been meant. The same topic has the same candidates wherever it is named."""
        found = self.suggest(d)
        if not found:
            return ""
        topic = d.target or ""
        kept = self._hint_cache.get(topic)
        if kept is None:
            words = [
                f"[[{escape_controls(self.format_target(item.path))}]] ({REASON_LABELS.get(item.reason, item.reason)}, {item.score:.2f})"
                for item in found
            ]
            kept = self._hint_cache[topic] = f"did you mean {_join_alternatives(words)}?"
        return kept


def _cut_single_width(line: str, start: int, stop: int, room: int) -> tuple[str, str]:
    """What `_excerpt` does, where every character takes one column."""
    if stop - start > room:
        line, start, stop = line[start : start + room - 1] + "…", 0, room
    elif max(len(line), start + 1) > room:
        left = room - max(stop - start, 1)
        after = line[stop:]
        kept = left - min(len(after), _MIN_TRAILING_COLUMNS, left)
        if start > kept:
            line = "…" + line[start - kept + 1 :] if kept else line[start:]
            start, stop = kept, kept + stop - start
        if len(line) > room:
            line = line[: room - 1] + "…" if stop < room else line[:stop]
    return line.rstrip(), " " * start + "^" * max(stop - start, 1)


def _join_alternatives(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _clean_source(text: str) -> str:
    return text if text.isprintable() else escape_controls(text.replace("\t", "    "))
