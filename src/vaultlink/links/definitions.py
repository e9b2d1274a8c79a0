"""Rewrite the definition of a link's label with another target or subpath.

The rest of the definition stays: its label, its title, and the style of its destination.
"""

from vaultlink.links.rewrite import encode_destination
from vaultlink.model import Definition, Edit
from vaultlink.parse.definitions import parse_definition


def rewrite_definition(
    path: str, definition: Definition, target: str, subpath: str
) -> tuple[Edit, ...]:
    """Return the edits that give a definition another target and subpath.

    Args:
        path: Vault path of the note that contains the definition.
        definition: The definition.
        target: The new target.
        subpath: The new subpath, with its `#`, or "".

    Returns:
        The edits; empty if the definition would not be read back as requested, or has this target
        and subpath already.
    """
    target = target.replace("\u00a0", " ")
    if (target, subpath) == (definition.target, definition.subpath):
        return ()
    spellings = [_format_destination(definition, target, subpath, encode=True)]
    if definition.wrapped:
        spellings.insert(0, _format_destination(definition, target, subpath, encode=False))
    spellings.append(encode_destination(target) + encode_destination(subpath, "#^"))
    for text in spellings:
        read = parse_definition(f"[x]: <{text}>" if definition.wrapped else f"[x]: {text}")
        if read and read[2:] == (target, subpath, definition.wrapped):
            return (Edit(path, definition.start, definition.end, text),)
    return ()


def _format_destination(definition: Definition, target: str, subpath: str, *, encode: bool) -> str:
    """Format a destination; parts that do not change stay as written."""
    raw = definition.raw
    mark = raw.find("#")
    name, rest = (raw, "") if mark == -1 else (raw[:mark], raw[mark:])
    letters = not raw.isascii()
    if target != definition.target:
        name = encode_destination(target, letters=letters) if encode else target
    if subpath != definition.subpath:
        rest = encode_destination(subpath, "#^", letters=letters) if encode else subpath
    return name + rest
