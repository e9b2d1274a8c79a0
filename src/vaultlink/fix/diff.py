"""Unified diffs that `git apply` and `patch` accept.

Lines end with a line feed only, so a carriage return is part of its line. The text is exact;
`Terminal.print_diff` makes it harmless. No other module writes diffs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from hashlib import sha1
from types import MappingProxyType
from typing import NamedTuple

from vaultlink.links.edit_math import count_equal_ends
from vaultlink.text import has_command, lazy_pattern

_CONTEXT_LINES = 3
"""Unchanged lines shown around a change."""

_UNSAFE_CHARS = lazy_pattern(r'[\x00-\x1f\x7f"\\]')

TextChange = tuple[str, str | None, str | None]
"""A path, its text before and its text after; None if there is no file."""


class DiffLine(NamedTuple):
    """A line of a diff; `kind` is `file` (header), `hunk`, `-`, `+`, or empty."""

    kind: str
    text: str


def unified_diff(
    changes: Iterable[TextChange], moves: Mapping[str, str] = MappingProxyType({})
) -> Iterator[DiffLine]:
    """Yield the lines of all changes in the order given. Unchanged texts are omitted.

    Args:
        changes: The changed texts, by old path.
        moves: Old path to new path of each renamed file. If there are any, all changes have the
            headers of git. Files that are only renamed follow the changes.
    """
    paths, needs_header = set(), bool(moves)
    for path, before, after in changes:
        if before != after:
            paths.add(path)
            # Only a header of git can tell of an empty file, and changes after it need one too.
            needs_header = needs_header or not (before or after)
            yield from _format_file(path, before, after, moves, needs_header)
    for old, new in moves.items():
        if old not in paths and old != new:
            yield from (_format_rename(old, new), *_format_similarity(100, old, new))


def _format_file(
    path: str,
    before_text: str | None,
    after_text: str | None,
    moves: Mapping[str, str],
    needs_header: bool,
) -> Iterator[DiffLine]:
    new_path = moves.get(path, path)
    if after_text is None and before_text is not None and _is_binary(before_text):
        yield from _format_binary_removal(path, before_text)
        return
    before, after = _split_lines(before_text or ""), _split_lines(after_text or "")
    hunks = list(_group_hunks(before, after))
    if needs_header:
        yield _format_rename(new_path if before_text is None else path, new_path)
        if before_text is None:
            yield DiffLine("", "new file mode 100644")
        elif after_text is None:
            yield DiffLine("", "deleted file mode 100644")
        elif path != new_path:
            yield from _format_similarity(_rate_similarity(before, after, hunks), path, new_path)
    if not hunks:
        return
    old_name = "/dev/null" if before_text is None else _quote_header_path("a/", path)
    new_name = "/dev/null" if after_text is None else _quote_header_path("b/", new_path)
    yield DiffLine("file", f"--- {old_name}")
    yield DiffLine("file", f"+++ {new_name}")
    for hunk in hunks:
        yield from _format_hunk(before, after, hunk)


def _is_binary(text: str) -> bool:
    """Return True for a text decoded from bytes that are no text."""
    return "\0" in text or _UNDECODED.search(text) is not None


_UNDECODED = lazy_pattern("[\udc80-\udcff]")


def _format_binary_removal(path: str, text: str) -> Iterator[DiffLine]:
    """Yield a removal that git accepts if the file has the same bytes."""
    data = text.encode("utf-8", "surrogateescape")
    digest = sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    yield _format_rename(path, path)
    index = f"index {digest}..{'0' * len(digest)}"
    lines = ("deleted file mode 100644", index, "GIT binary patch", "literal 0", "HcmV?d00001", "")
    yield from (DiffLine("", line) for line in lines)


def _format_rename(old: str, new: str) -> DiffLine:
    return DiffLine("file", f"diff --git {_quote_path('a/', old)} {_quote_path('b/', new)}")


def _format_similarity(percent: int, old: str, new: str) -> Iterator[DiffLine]:
    yield DiffLine("", f"similarity index {percent}%")
    yield DiffLine("", f"rename from {_quote_path('', old)}")
    yield DiffLine("", f"rename to {_quote_path('', new)}")


def _rate_similarity(
    before: Sequence[str], after: Sequence[str], hunks: Sequence[Sequence["_Opcode"]]
) -> int:
    """Return the percentage of characters that stay, below 100."""
    size = sum(map(len, before))
    changes = [op for hunk in hunks for op in hunk if op[0] != "equal"]
    removed = sum(len(line) for op in changes for line in before[op[1] : op[2]])
    return min(100 * (size - removed) // max(size, sum(map(len, after)), 1), 99)


def _quote_header_path(prefix: str, path: str) -> str:
    """Format a path behind dashes or plus signs; a tab ends one with spaces."""
    quoted = _quote_path(prefix, path)
    return f"{quoted}\t" if " " in path and not quoted.startswith('"') else quoted


def _quote_path(prefix: str, path: str) -> str:
    """Format a path in a header, in quotes if it has control characters."""
    if _UNSAFE_CHARS.search(path):
        return '"' + prefix + _UNSAFE_CHARS.sub(lambda found: f"\\{ord(found[0]):03o}", path) + '"'
    return f"{prefix}{path}"


def _split_lines(text: str) -> list[str]:
    lines = text.split("\n")
    last = lines.pop()
    return [line + "\n" for line in lines] + ([last] if last else [])


_Opcode = tuple[str, int, int, int, int]
"""An opcode of difflib: a tag, a range of old lines and a range of new lines, from 0."""


def _group_hunks(before: Sequence[str], after: Sequence[str]) -> Iterable[list[_Opcode]]:
    """Group the changes that share context lines.

    Equal lines at the start and the end are not compared, because most changes are small and
    comparing is slow. difflib could also call them changed, and programs refuse a change that has
    no context after it.
    """
    if before == after:
        return ()
    head, tail = count_equal_ends(before, after)
    stop_before, stop_after = len(before) - tail, len(after) - tail
    core = SequenceMatcher(None, before[head:stop_before], after[head:stop_after])
    opcodes: list[_Opcode] = [
        ("equal", 0, head, 0, head),
        *((op, a + head, b + head, c + head, d + head) for op, a, b, c, d in core.get_opcodes()),
        ("equal", stop_before, len(before), stop_after, len(after)),
    ]
    if any(map(has_command, before)):
        opcodes = _replace_commands(before, opcodes)
    return _KnownOpcodes(opcodes).get_grouped_opcodes(_CONTEXT_LINES)


def _replace_commands(before: Sequence[str], opcodes: Iterable[_Opcode]) -> list[_Opcode]:
    """Return opcodes without context lines that look like commands.

    A CI service would obey them, as it ignores the blank in front. They are removed and added again
    instead, which other programs apply like any change.
    """
    lines = list(_split_opcodes(opcodes))
    changed = [op[0] != "equal" for op in lines]
    orders = [*range(len(lines))], [*reversed(range(len(lines)))]
    while any(_mark_commands(before, lines, changed, order) for order in orders):
        pass
    pairs = zip(lines, changed, strict=True)
    marked = [("replace" if is_changed else "equal", *op[1:]) for op, is_changed in pairs]
    return list(_join_opcodes(marked))


def _mark_commands(
    before: Sequence[str], lines: Sequence[_Opcode], changed: list[bool], order: Iterable[int]
) -> bool:
    """Mark equal lines near a change that look like commands; True if any are."""
    distance, found = _CONTEXT_LINES, False
    for number in order:
        distance = 0 if changed[number] else distance + 1
        if 0 < distance <= _CONTEXT_LINES and has_command(before[lines[number][1]]):
            changed[number], distance, found = True, 0, True
    return found


class _KnownOpcodes(SequenceMatcher[str]):
    """Groups opcodes that are already known."""

    def __init__(self, opcodes: list[_Opcode]):
        super().__init__()
        self._opcodes = opcodes

    def get_opcodes(self) -> list[_Opcode]:  # type: ignore[override] # the tag is any text here
        return self._opcodes


def _split_opcodes(opcodes: Iterable[_Opcode]) -> Iterator[_Opcode]:
    """Yield the opcodes, those of equal lines line by line."""
    for op in opcodes:
        if op[0] != "equal":
            yield op
            continue
        for number in range(op[2] - op[1]):
            a, c = op[1] + number, op[3] + number
            yield "equal", a, a + 1, c, c + 1


def _join_opcodes(opcodes: Iterable[_Opcode]) -> Iterator[_Opcode]:
    """Yield the opcodes, with adjacent ones of a kind joined: equal, or changed."""
    last: _Opcode | None = None
    for op in opcodes:
        kind = "equal" if op[0] == "equal" else "replace"
        if last is not None and last[0] == kind:
            last = (kind, last[1], op[2], last[3], op[4])
            continue
        if last is not None:
            yield last
        last = (kind, *op[1:])
    if last is not None:
        yield last


def _format_hunk(
    before: Sequence[str], after: Sequence[str], group: list[_Opcode]
) -> Iterator[DiffLine]:
    first, last = group[0], group[-1]
    ranges = _format_range(first[1], last[2]), _format_range(first[3], last[4])
    yield DiffLine("hunk", f"@@ -{ranges[0]} +{ranges[1]} @@")
    for tag, a, b, c, d in group:
        changed = (("-", before[a:b]), ("+", after[c:d]))
        for sign, lines in ((" ", before[a:b]),) if tag == "equal" else changed:
            for line in lines:
                yield DiffLine(sign.strip(), sign + line.removesuffix("\n"))
                if not line.endswith("\n"):
                    yield DiffLine("", "\\ No newline at end of file")


def _format_range(start: int, stop: int) -> str:
    count = stop - start
    return f"{start + 1 if count else start}" + ("" if count == 1 else f",{count}")
