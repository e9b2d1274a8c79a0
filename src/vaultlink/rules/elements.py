"""Elements of a note that the `needs` line of a rule can name.

A check runs only on notes that have one of the elements that its rule needs. The tests here are
much faster than a check that finds nothing.
"""

from collections.abc import Callable, Mapping

from vaultlink.index.index import LinkTargets
from vaultlink.model import LinkKind, Note

ElementTest = Callable[[Note, LinkTargets], object]
"""Returns a true value if a note with these link targets has an element."""


def _has_unresolved_links(note: Note, targets: LinkTargets) -> bool:
    """Return True unless all links resolve or are Markdown links to other sites."""
    return None in targets and any(
        [
            target is None and not (link.external and link.kind is LinkKind.MARKDOWN)
            for link, target in zip(note.links, targets, strict=True)
        ]
    )


ELEMENTS: Mapping[str, ElementTest] = {
    "properties": lambda note, _targets: note.properties,
    "headings": lambda note, _targets: note.headings,
    "blocks": lambda note, _targets: note.blocks,
    "problems": lambda note, _targets: note.problems,
    "sections": lambda note, _targets: note.sections,
    "subpaths": lambda note, _targets: any([link.subpath for link in note.links]),  # noqa: C419
    "resolved-links": lambda _note, targets: any(targets),
    "unresolved-links": _has_unresolved_links,
    "self-links": lambda note, targets: note.path in targets,
}
"""Tests of the elements by name. A list is faster here than a generator."""

LINK_ELEMENTS = frozenset(("resolved-links", "unresolved-links", "self-links"))
"""Elements that depend on the targets of links: only rules of scope `links` can need them."""
