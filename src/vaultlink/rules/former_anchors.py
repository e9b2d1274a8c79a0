"""Look up missing headings and blocks among the former ones of a note."""

from vaultlink.index.anchors import find_anchor, part_key, split_parts
from vaultlink.model import Destination, Heading, History, Note


def find_renamed_anchor(subpath: str, target: Note, history: History) -> Destination | None:
    """Return what the heading or block of a subpath is now.

    Return None if the history does not know. In a path such as `#A#B`, any part may have changed.
    """
    former = history.anchors.get(target.path)
    parts = split_parts(subpath)
    if not former or not parts:
        return None
    keys = [part_key(part) for part in parts]
    whole = former.get("#".join(keys))
    if whole is not None:
        return whole
    if keys[-1] in former:
        return former[keys[-1]]
    renamed = [former.get(key) for key in keys]
    if not any(renamed):
        return None
    written = "".join(
        f"#{_last_part(new.subpath) if new else part}"
        for part, new in zip(parts, renamed, strict=True)
    )
    if not _is_below_parent(written, target):
        return None
    return Destination(target.path, written, all(new.is_certain for new in renamed if new))


def _is_below_parent(subpath: str, note: Note) -> bool:
    """Return True if a path such as `#A#B` leads into the section of its parent.

    Obsidian also follows paths to a later section.
    """
    found = find_anchor(note, subpath)
    parent = find_anchor(note, subpath[: subpath.rfind("#")])
    if not isinstance(found, Heading) or not isinstance(parent, Heading):
        return False
    return all(
        heading.level > parent.level
        for heading in note.headings
        if parent.start < heading.start <= found.start
    )


def _last_part(subpath: str) -> str:
    return subpath[subpath.rfind("#") + 1 :]
