"""Checks of links that resolve, and of text that was meant as a link.

If several of these rules find the same link, `yields-to` in their YAML files determines which one
reports it.
"""

from collections.abc import Iterator

from vaultlink.index.resolve import resolve
from vaultlink.model import Edit, Note
from vaultlink.rules.context import Context, Finding, find_resolved_links


def ambiguous_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report links that match several files, one of which Obsidian opens."""
    shared = context.index.files_sharing_names
    if shared and not shared.isdisjoint(context.index.targets.get(note.path, ())):
        for link, target in find_resolved_links(note, context):
            others = context.index.alternatives(note.path, link) if target in shared else ()
            if others:
                values = {"target": link.target, "count": len(others) + 1, "chosen": target}
                yield Finding(link, values, link.target)


def self_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report links from a note to itself without a heading or block."""
    if note.path in context.index.targets.get(note.path, ()):
        for link, target in find_resolved_links(note, context):
            if target == note.path and link.target and not link.subpath:
                yield Finding(link, {}, link.target)


def malformed_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report malformed links whose target is a file of the vault."""
    for problem in note.problems:
        if problem.kind == "malformed-link":
            target, _, fault = problem.detail.rpartition("\n")
            name = " ".join(target.split())
            if name and resolve(note.path, name, context.index.names):
                edits = tuple(Edit(note.path, *change) for change in problem.replacements)
                yield Finding(problem, {"target": name, "fault": fault}, name, edits=edits)
