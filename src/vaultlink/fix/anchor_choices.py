"""Choices of fixes for a link whose heading or block is missing."""

from vaultlink.engine.step import State
from vaultlink.index.suggest_headings import match_anchors
from vaultlink.links.rewrite import rewrite_link
from vaultlink.model import Diagnostic, Fix, Safety


def list_anchor_fixes(state: State, item: Diagnostic) -> list[Fix]:
    """Return the fix of a finding, and one for each other heading or block to choose."""
    note = state.index.notes.get(item.path)
    target = state.index.notes.get(item.resolved or "")
    fixes = [item.fix] if item.fix else []
    if note is None or target is None or item.subpath is None:
        return fixes
    link = next(
        link
        for link in note.links
        if (link.start, link.end, link.subpath) == (item.start, item.end, item.subpath)
    )
    for match in match_anchors(target, item.subpath):
        edits = rewrite_link(note.path, link, link.target, match.subpath)
        if edits and all(edits != fix.edits for fix in fixes):
            fixes.append(Fix(f"Link to “{match.subpath}”", Safety.UNSAFE, edits))
    return fixes
