"""Rewrite the definition of a link's label with another target or subpath."""

from vaultlink.links.kinds import (
    Encoder,
    change_destination,
    encode_destination,
    make_encoder,
)
from vaultlink.model import Definition, Edit, Link, LinkKind, Place
from vaultlink.parse.definitions import parse_definition


def as_link(definition: Definition) -> Link:
    """Return a definition as a link, written like a Markdown link."""
    return Link(
        start=definition.start,
        end=definition.end,
        line=definition.line,
        column=definition.column,
        raw=definition.raw,
        target=definition.target,
        subpath=definition.subpath,
        display="",
        kind=LinkKind.MARKDOWN,
        embed=False,
        place=Place.BODY,
    )


def rewrite_definition(
    path: str, definition: Definition, target: str, subpath: str
) -> tuple[Edit, ...]:
    """Return the edits that give a definition another target and subpath.

    Empty if the definition would not be read back as requested, or has them already.
    """
    target = target.replace("\u00a0", " ")
    if (target, subpath) == (definition.target, definition.subpath):
        return ()
    raw = definition.raw
    encoders: list[Encoder] = [make_encoder(raw)]
    if definition.wrapped:
        encoders.insert(0, lambda text, _more: text)
    spellings = [change_destination(definition, raw, target, subpath, item) for item in encoders]
    spellings.append(encode_destination(target) + encode_destination(subpath, "#^"))
    for text in spellings:
        read = parse_definition(f"[x]: <{text}>" if definition.wrapped else f"[x]: {text}")
        if read and read[2:] == (target, subpath, definition.wrapped):
            return (Edit(path, definition.start, definition.end, text),)
    return ()
