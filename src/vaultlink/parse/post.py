"""Read notes as python-frontmatter posts, and compose new notes."""

from collections.abc import Mapping
from typing import Any

import frontmatter
import yaml
from frontmatter import Post
from frontmatter.default_handlers import YAMLHandler

from vaultlink.parse.properties import frontmatter_span

__all__ = ["Post", "compose_note", "read_post"]

_HANDLER = YAMLHandler()


def read_post(text: str) -> Post:
    """Return the properties of a note and the text below them.

    The block of properties is found as Obsidian finds it (4.1 to 4.5); python-frontmatter reads its
    values. A block that is not a valid YAML mapping counts as text.
    """
    span = frontmatter_span(text)
    metadata = _load_metadata(text[span[0] : span[1]]) if span else None
    if span is None or metadata is None:
        return Post(text, _HANDLER)
    post = Post(text[span[2] :], _HANDLER)
    post.metadata = metadata
    return post


def compose_note(template: str, metadata: Mapping[str, Any]) -> str:
    """Return a template with properties added.

    Properties that the template already has do not change. A template whose own properties are not
    valid YAML, as with unfilled placeholders, is returned unchanged, because its missing
    properties cannot be determined.
    """
    span = frontmatter_span(template)
    present = _load_metadata(template[span[0] : span[1]]) if span else {}
    if present is None:
        return template
    added = {key: value for key, value in metadata.items() if key not in present}
    if not added:
        return template
    if span is None:
        post = Post(template, _HANDLER, **added)
        return frontmatter.dumps(post, sort_keys=False) + "\n"
    lines = _HANDLER.export(added, sort_keys=False)
    return f"{template[: span[1]]}{lines}\n{template[span[1] :]}"


def _load_metadata(block: str) -> dict[str, Any] | None:
    """Return the mapping in YAML; {} for an empty block, None for anything else."""
    try:
        value = _HANDLER.load(block)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return {} if value is None else value if isinstance(value, dict) else None
