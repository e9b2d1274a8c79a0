"""Find the heading or block that a link's subpath identifies (section 6)."""

import re

from vaultlink.model import BlockId, Heading, Note

_IGNORED_IN_HEADINGS = re.compile(r"[\s!\"#$%&()*+,.:;<=>?@^{|}~/\[\]`\\]+")


def heading_key(text: str) -> str:
    """Return the comparison key of a heading (6.2).

    Punctuation except `-`, `_` and `'` becomes a space, runs of spaces collapse, letters become
    lower case.
    """
    return _IGNORED_IN_HEADINGS.sub(" ", text).strip().lower()


def find_anchor(note: Note, subpath: str) -> Heading | BlockId | None:
    """Return the heading or block that a subpath such as `#A#B` or `#^id` identifies.

    Returns the first of several, None if there is none.
    """
    parts = [part for part in subpath.split("#") if part.strip()]
    if len(parts) == 1 and parts[0].lstrip().startswith("^"):
        name = parts[0].strip()[1:].lower()
        block = next((block for block in note.blocks if block.id.lower() == name), None)
        if block:
            return block
    return _find_heading(note, [heading_key(part) for part in parts])


def _find_heading(note: Note, keys: list[str]) -> Heading | None:
    """Return the heading at the end of a path.

    Each part follows the last and is deeper (6.3).
    """
    found: Heading | None = None
    remaining = iter(keys)
    key = next(remaining, None)
    for heading in note.headings:
        if key is None:
            break
        if heading_key(heading.text) == key and (found is None or heading.level > found.level):
            found = heading
            key = next(remaining, None)
    return found if key is None else None
