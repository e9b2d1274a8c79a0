"""Findings with the line they stand on, the span marked, and what may have been meant.

Diagnostics and ways to ask for texts and suggestions enter, a string leaves. The source is looked at only around each
span, so a line of megabytes costs no more than a short one.
"""

from collections.abc import Callable, Sequence

from vaultlink.model import Diagnostic, Severity, Suggestion
from vaultlink.report.findings import severity_hues
from vaultlink.report.layout import PLAIN, Palette, clean, cut, cut_left, width

Text = Callable[[str], str]
Suggest = Callable[[Diagnostic], Sequence[Suggestion]]
Wording = Callable[[str], str]

REASONS = {"title": "its title", "alias": "its alias", "respelling": "other spelling", "near": "similar name"}
"""Why a suggestion was made, in words."""

_AFTER = 20
"""Columns kept for what follows a span when a line is cut."""


class Frames:
    """The `full` form. `text` gives a source by path ("" if it can't be read), `suggest` the candidates for a finding,
    `wording` how a link to a path would be written."""

    def __init__(self, text: Text, suggest: Suggest, wording: Wording, room: int, palette: Palette = PLAIN):
        self.text, self.suggest, self.wording = text, suggest, wording
        self.room, self.palette = room, palette
        self.hues = severity_hues(palette)

    def render(self, diagnostics: Sequence[Diagnostic]) -> str:
        """All findings, one block each."""
        path, source, blocks = None, "", []
        for d in diagnostics:
            if d.path != path:
                path, source = d.path, self.text(d.path)
            blocks.append(self._block(d, source))
        return "\n".join(blocks) + ("\n" if blocks else "")

    def _block(self, d: Diagnostic, source: str) -> str:
        p, hue = self.palette, self.hues[d.severity]
        gutter = " " * len(str(d.line))
        level = "" if d.severity is Severity.ERROR else f" ({d.severity.value})"
        parts = [f"{hue}{p.bold}{d.code}{p.off} {p.bold}{d.rule}{p.off} {clean(d.message)}\n"
                 f"{gutter}{p.blue}-->{p.off} {clean(d.path)}:{d.line}:{d.column}{level}\n"]
        begin = d.start - d.column + 1
        if source and 0 <= begin <= d.start <= len(source) and (begin == 0 or source[begin - 1] == "\n"):
            line, mark = self._excerpt(d, source, begin, self.room - len(gutter) - 3)
            bar = f"{p.blue}|{p.off}"
            parts.append(f"{gutter} {bar}\n{p.blue}{d.line}{p.off} {bar} {line}\n{gutter} {bar} {hue}{mark}{p.off}\n")
        if (hint := self._hint(d)):
            parts.append(f"{gutter} {p.cyan}= help:{p.off} {hint}\n")
        return "".join(parts)

    def _excerpt(self, d: Diagnostic, source: str, begin: int, room: int) -> tuple[str, str]:
        """The line as far as it fits around the span, and the marks below it."""
        end = source.find("\n", d.start, d.start + room + 1)
        line_end = end if end != -1 else min(d.start + room, len(source))
        stop = min(max(d.end, d.start), line_end)
        before = _shown(source[max(begin, d.start - room):d.start])
        span = _shown(source[d.start:stop])
        after = _shown(source[stop:line_end].rstrip("\r"))
        if len(before) + len(span) + len(after) > room // 2:  # may be too wide: wide characters take two columns
            span = cut(span, room)
            kept = min(width(after), _AFTER)
            before = cut_left(before, max(room - width(span) - kept, 0))
            after = cut(after, room - width(before) - width(span))
        return f"{before}{span}{after}".rstrip(), " " * width(before) + "^" * max(width(span), 1)

    def _hint(self, d: Diagnostic) -> str:
        found = self.suggest(d) if d.target is not None else ()
        if not found:
            return ""
        words = [f"[[{clean(self.wording(item.path))}]] ({REASONS.get(item.reason, item.reason)}, {item.score:.2f})"
                 for item in found]
        return f"did you mean {' or '.join([', '.join(words[:-1]), words[-1]] if words[1:] else words)}?"


def _shown(text: str) -> str:
    return text if text.isprintable() else clean(text.replace("\t", "    "))
