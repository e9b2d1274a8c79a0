"""Findings with the line they stand on, the span marked, and what may have been meant.

Diagnostics and ways to ask for texts and suggestions enter, a string leaves. The source is looked at only around each
span, so a line of megabytes costs no more than a short one.
"""

from collections.abc import Callable, Sequence

from vaultlink.model import Diagnostic, Severity, Suggestion, TextByPath
from vaultlink.report.findings import severity_hues
from vaultlink.report.layout import PLAIN, Palette, clean, cut, cut_left, even, width

Suggest = Callable[[Diagnostic], Sequence[Suggestion]]
Wording = Callable[[str], str]

REASONS = {"title": "title", "alias": "alias", "respelling": "spelling", "near": "similar"}
"""In what a suggestion is like the topic, in a word."""

_AFTER = 20
"""Columns kept for what follows a span when a line is cut."""


class Frames:
    """The `full` form. `text` gives a source by path ("" if it can't be read), `suggest` the candidates for a finding,
    `wording` how a link to a path would be written. A finding with an empty span at the start is about a file as a
    whole, and has no frame."""

    def __init__(
        self,
        text: TextByPath,
        suggest: Suggest,
        wording: Wording,
        room: int,
        palette: Palette = PLAIN,
    ):
        self.text, self.suggest, self.wording = text, suggest, wording
        self.room, self.palette = room, palette
        self.hues = severity_hues(palette)
        self._hints: dict[str, str] = {}

    def render(self, diagnostics: Sequence[Diagnostic]) -> str:
        """All findings, one block each."""
        path, source, shown, blocks = None, "", "", []
        for d in diagnostics:
            if d.path != path:
                path, source, shown = d.path, self.text(d.path), clean(d.path)
            blocks.append(self._block(d, source, shown))
        return "\n".join(blocks)

    def _block(self, d: Diagnostic, source: str, path: str) -> str:
        p, hue = self.palette, self.hues[d.severity]
        gutter = " " * len(str(d.line))
        level = "" if d.severity is Severity.ERROR else f" ({d.severity.value})"
        head = (
            f"{hue}{p.bold}{d.code}{p.off} {p.bold}{d.rule}{p.off} {clean(d.message)}\n"
            f"{gutter}{p.blue}-->{p.off} {path}:{d.line}:{d.column}{level}\n"
        )
        begin = d.start - d.column + 1
        frame = ""
        if (
            d.end
            and 0 <= begin <= d.start < len(source)
            and (begin == 0 or source[begin - 1] == "\n")
        ):
            line, mark = self._excerpt(d, source, begin, self.room - len(gutter) - 3)
            frame = (
                f"{gutter} {p.blue}|{p.off}\n{p.blue}{d.line} |{p.off} {line}\n"
                f"{gutter} {p.blue}|{p.off} {hue}{mark}{p.off}\n"
            )
        hint = self._hint(d) if d.target is not None else ""
        return (
            f"{head}{frame}{gutter} {p.cyan}= help:{p.off} {hint}\n" if hint else f"{head}{frame}"
        )

    def _excerpt(self, d: Diagnostic, source: str, begin: int, room: int) -> tuple[str, str]:
        """The line as far as it fits around the span, and the marks below it."""
        end = source.find("\n", d.start, d.start + room + 1)
        if end == -1:
            end = min(d.start + room + 1, len(source))
        stop = min(d.end, end)
        first = max(begin, d.start - room)
        if even(line := source[first:end]):
            return _cut_evenly(line, d.start - first, stop - first, room)
        before, after = _shown(source[first : d.start]), _shown(source[stop:end].rstrip("\r"))
        span = cut(_shown(source[d.start : stop]), room)
        left = room - max(width(span), 1)
        before = cut_left(before, left - min(width(after), _AFTER, left))
        indent = width(before)
        return f"{before}{span}{cut(after, left - indent)}".rstrip(), " " * indent + "^" * (
            room - left
        )

    def _hint(self, d: Diagnostic) -> str:
        """What may have been meant. The same topic has the same candidates wherever it is named."""
        found = self.suggest(d)
        if not found:
            return ""
        topic = d.target or ""
        kept = self._hints.get(topic)
        if kept is None:
            words = [
                f"[[{clean(self.wording(item.path))}]] ({REASONS.get(item.reason, item.reason)}, {item.score:.2f})"
                for item in found
            ]
            kept = self._hints[topic] = f"did you mean {_either(words)}?"
        return kept


def _cut_evenly(line: str, start: int, stop: int, room: int) -> tuple[str, str]:
    """What `_excerpt` does, where every character takes one column."""
    if stop - start > room:
        line, start, stop = line[start : start + room - 1] + "…", 0, room
    elif max(len(line), start + 1) > room:
        left = room - max(stop - start, 1)
        after = line[stop:]
        kept = left - min(len(after), _AFTER, left)
        if start > kept:
            line = "…" + line[start - kept + 1 :] if kept else line[start:]
            start, stop = kept, kept + stop - start
        if len(line) > room:
            line = line[: room - 1] + "…" if stop < room else line[:stop]
    return line.rstrip(), " " * start + "^" * max(stop - start, 1)


def _either(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _shown(text: str) -> str:
    return text if text.isprintable() else clean(text.replace("\t", "    "))
