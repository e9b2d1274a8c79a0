"""The heading or block that a link's subpath names (specification, section 6)."""

import re

from vaultlink.model import BlockId, Heading, Note

_IGNORED_IN_HEADINGS = re.compile(r"[\s!\"#$%&()*+,.:;<=>?@^{|}~/\[\]`\\]+")


def heading_key(text: str) -> str:
    """A heading as it is compared: punctuation but `-`, `_` and `'` made blank, blanks collapsed, lower-cased (6.2)."""
    return _IGNORED_IN_HEADINGS.sub(" ", text).strip().lower()


def find_anchor(note: Note, subpath: str) -> Heading | BlockId | None:
    """What a subpath such as `#A#B` or `#^id` names in a note; the first of several."""
    parts = [part for part in subpath.split("#") if part.strip()]
    if len(parts) == 1 and parts[0].lstrip().startswith("^"):
        name = parts[0].strip()[1:].lower()
        block = next((block for block in note.blocks if block.id.lower() == name), None)
        if block:
            return block
    return _find_heading(note, [heading_key(part) for part in parts])


def _find_heading(note: Note, keys: list[str]) -> Heading | None:
    """The heading a path of keys ends at: each part further on and deeper than the last (6.3)."""
    found: Heading | None = None
    wanted = iter(keys)
    key = next(wanted, None)
    for heading in note.headings:
        if key is None:
            break
        if heading_key(heading.text) == key and (found is None or heading.level > found.level):
            found = heading
            key = next(wanted, None)
    return found if key is None else None
