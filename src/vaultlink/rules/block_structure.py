"""Checks of links and block ids that a missing blank line turns into text."""

from collections.abc import Iterator, Sequence

from vaultlink.index.resolve import resolve
from vaultlink.model import Edit, Note, ParseProblem, Safety
from vaultlink.rules.context import Context, Finding, build_replacement_edits, unread_block_key


def hidden_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report links to files of the vault that an HTML block turns into text.

    A blank line may reveal several links. It fixes the first of them.
    """
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
