"""Elements of a note that the `needs` line of a rule can name.

A check runs only on notes that have one of the elements that its rule needs. To find them takes
less time than to run checks that find nothing.
"""

from vaultlink.index.index import LinkTargets
from vaultlink.model import Note

ELEMENTS = (
    "properties",
    "headings",
    "blocks",
    "problems",
    "sections",
    "queries",
    "subpaths",
    "resolved-links",
    "self-links",
    "unresolved-links",
)
"""The names of the elements, in the order of `find_elements`."""

LINK_ELEMENTS = frozenset(("subpaths", "resolved-links", "self-links", "unresolved-links"))
"""Elements of links: only rules of scope `links` can need them."""


def find_elements(note: Note, targets: LinkTargets | None) -> tuple[bool, ...]:
    """Return True for each of the `ELEMENTS` that a note with these link targets has.

    Without the targets, the elements of links are left out.
    """
    found = (
        bool(note.properties),
        bool(note.headings),
        bool(note.blocks),
        bool(note.problems),
        bool(note.sections),
        bool(note.queries),
    )
    if targets is None:
        return found
    return (
        *found,
        any([link.subpath for link in note.links]),  # noqa: C419 - faster than a generator
        any(targets),
        note.path in targets,
        None in targets and _has_unresolved_link(note, targets),
    )


def _has_unresolved_link(note: Note, targets: LinkTargets) -> bool:
    """Return True unless all links resolve or lead to other sites."""
    return any(
        target is None and not link.external
        for link, target in zip(note.links, targets, strict=True)
    )
