"""Checks of headings, block ids, note names, empty notes and missing blank lines."""

from collections.abc import Iterator, Sequence

from vaultlink.index.anchors import heading_key
from vaultlink.index.index import link_name
from vaultlink.index.resolve import file_name, is_note, name_key, normalize_name, resolve
from vaultlink.model import Edit, Note, ParseProblem, Safety
from vaultlink.rules.context import (
    FILE_START,
    Context,
    Finding,
    build_replacement_edits,
    unread_block_key,
)


def duplicate_block_id(note: Note, _context: Context) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for block in note.blocks:
        line = first.setdefault(block.id.lower(), block.line)
        if line != block.line:
            yield Finding(block, {"block": block.id, "line": line})


def duplicate_heading(note: Note, context: Context) -> Iterator[Finding]:
    """Report headings that a link cannot distinguish from an earlier one."""
    include_parents = context.options["within"] == "parent"
    parents: list[tuple[int, str]] = []
    first: dict[tuple[str, ...], int] = {}
    for heading in note.headings:
        key = heading_key(heading.text)
        while parents and parents[-1][0] >= heading.level:
            parents.pop()
        path = (*(name for _, name in parents), key) if include_parents else (key,)
        line = first.setdefault(path, heading.line)
        if key and line != heading.line:
            yield Finding(heading, {"heading": heading.text, "line": line})
        parents.append((heading.level, key))


def duplicate_name(note: Note, context: Context) -> Iterator[Finding]:
    files = context.index.names.get(name_key(note.path), ())
    if len(files) > 1 and is_note(note.path):
        name = normalize_name(link_name(note.path))
        if all(normalize_name(ignored) != name for ignored in context.options["ignore"]):
            others = [path for path in files if path != note.path]
            named = f"“{others[0]}”" + (f" and {len(others) - 1} more" if len(others) > 1 else "")
            yield Finding(FILE_START, {"name": link_name(note.path), "others": named})


def empty_note(note: Note, context: Context) -> Iterator[Finding]:
    """Report notes without text."""
    allowed = note.properties and context.options["allow-properties"]
    if note.blank and is_note(note.path) and not note.problems and not allowed:
        yield Finding(FILE_START, {"name": file_name(note.path)})


# -- checks of links and block ids that a missing blank line turns into text -----------------------


def hidden_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report links that an HTML block turns into text; one fix may reveal several."""
    problems = [problem for problem in note.problems if problem.kind == "link-in-html"]
    changes: dict[tuple[int, int] | None, Sequence[tuple[int, int, str]]] = {}
    uncertain: set[tuple[int, int] | None] = set()
    for problem in problems:
        span = _find_changed_span(problem)
        changes.setdefault(span, problem.replacements)
        # The blank line must reveal only links that resolve.
        if not problem.is_certain or not resolve(note.path, problem.target, context.index.names):
            uncertain.add(span)
    for problem in problems:
        if resolve(note.path, problem.target, context.index.names) is None:
            continue
        span = _find_changed_span(problem)
        yield Finding(
            problem,
            {"target": problem.target, "block": problem.detail},
            problem.target,
            edits=tuple(Edit(note.path, *change) for change in changes.pop(span, ())),
            safety=Safety.UNSAFE if span in uncertain else Safety.SAFE,
        )


def _find_changed_span(problem: ParseProblem) -> tuple[int, int] | None:
    return problem.replacements[0][:2] if problem.replacements else None


def detached_block_id(note: Note, context: Context) -> Iterator[Finding]:
    problems = [problem for problem in note.problems if problem.kind == "unread-block-id"]
    names = [problem.block_id.lower() for problem in problems]
    for problem, key in zip(problems, names, strict=True):
        sources = [
            source
            for source in context.index.sources_of(note.path)
            for link, target in context.index.resolved_links(source)
            if target == note.path and unread_block_key(link, note, context) == key
        ]
        if not sources:
            continue
        edits = build_replacement_edits(problem, note) if names.count(key) == 1 else ()
        yield Finding(
            problem,
            {"block": problem.block_id, "where": problem.detail, "source": sources[0]},
            edits=edits,
            safety=Safety.SAFE if problem.is_certain else Safety.UNSAFE,
        )
