"""Compare a vault before and after renames, by the independent reader.

A rename may change destinations of links, and nothing else: `compare_vaults` names everything that it should not have changed.
"""

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest
from typing import Any, NamedTuple

from independent_reader import (
    Meaning,
    SeenFile,
    SeenLink,
    SeenVault,
    Span,
    decode,
    heading_key,
    is_managed,
    normalize,
    remove_pieces,
)

Tree = Mapping[str, bytes]


@dataclass(frozen=True)
class Expected:
    """What a rename is expected to change.

    Attributes:
        files: Old path to new path of every file that moves.
        headings: Renamed headings by the old path of their note: number of the heading (from 0) to its new text.
        blocks: Renamed blocks likewise: number of the block to its new id.
        tags: Old tag to new tag, without `#`; nested tags follow.
        captured: Links that may begin to resolve, as (old path, target as written); the command has to name them.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    headings: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    blocks: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    captured: frozenset[tuple[str, str]] = frozenset()

    def path(self, old: str) -> str:
        """Return the path of a file afterwards."""
        return self.files.get(old, old)

    def tag(self, old: str) -> str:
        """Return the name of a tag afterwards."""
        for name, new in self.tags.items():
            if old.lower() == name.lower() or old.lower().startswith(name.lower() + "/"):
                return new + old[len(name) :]
        return old


class Comparison(NamedTuple):
    """A vault before and after, and what is expected to differ."""

    before: SeenVault
    after: SeenVault
    expected: Expected


def compare_vaults(before: Tree, after: Tree, expected: Expected) -> list[str]:
    """Return everything that a rename changed and should not, or should have changed and did not."""
    wanted = {expected.path(path) for path in before}
    if wanted != set(after):
        return [f"paths: {sorted(wanted ^ set(after))}"]
    seen = Comparison(_see_vault(tuple(before.items())), SeenVault(after), expected)
    problems = []
    for path, content in before.items():
        new = expected.path(path)
        old_file, new_file = seen.before.files.get(path), seen.after.files.get(new)
        if old_file is None or new_file is None:
            if content != after[new]:
                problems.append(f"{path}: a file without links changed")
            continue
        if content[:3] != after[new][:3] and b"\xef\xbb\xbf" in (content[:3], after[new][:3]):
            problems.append(f"{path}: the byte order mark changed")
        problems += [f"{path}: {text}" for text in _compare_files(path, old_file, new_file, seen)]
    return problems


@lru_cache(maxsize=1)
def _see_vault(files: tuple[tuple[str, bytes], ...]) -> SeenVault:
    """Return a vault as it is seen; many renames start from the same one."""
    return SeenVault(dict(files))


def _compare_files(path: str, old: SeenFile, new: SeenFile, seen: Comparison) -> Iterator[str]:
    """Yield the problems of a note or canvas."""
    renamed = _renamed_pieces(path, old, seen.expected)
    renamed_after = _renamed_pieces(path, new, seen.expected)
    links, links_after = _outside(old.links, renamed), _outside(new.links, renamed_after)
    if len(links) != len(links_after):
        yield f"{len(links)} links before, {len(links_after)} after"
        return
    for link, link_after in zip(links, links_after, strict=True):
        titles = _renamed_titles(path, Entry(old, link), Entry(new, link_after), seen)
        renamed += titles[0]
        renamed_after += titles[1]
        display = link.display if len(titles[0]) > 1 else link_after.display
        read = link_after._replace(display=display)
        for problem in _compare_links(path, link, read, seen, is_managed(link, old.text)):
            yield f"`{_raw(old, link)}` became `{_raw(new, link_after)}`: {problem}"
    yield from _compare_tags(old, new, seen.expected)
    yield from _compare_anchors(path, new, seen.expected)
    first = _skeleton(old, links, renamed, seen.expected)
    last = _skeleton(new, links_after, renamed_after, seen.expected, links)
    if first != last:
        yield f"text outside links changed: {_first_difference(first, last)}"


def _compare_anchors(path: str, new: SeenFile, expected: Expected) -> Iterator[str]:
    for number, text in expected.headings.get(path, {}).items():
        if new.headings[number].text != text:
            yield f"heading {number} is {new.headings[number].text!r}"
    for number, text in expected.blocks.get(path, {}).items():
        if new.blocks[number].name != text:
            yield f"block {number} is {new.blocks[number].name!r}"


def _raw(file: SeenFile, link: SeenLink) -> str:
    return file.text[link.start : link.end]


def _renamed_pieces(path: str, file: SeenFile, expected: Expected) -> list[Span]:
    """Return where the headings and blocks stand that are renamed."""
    pieces = [
        file.headings[number].piece
        for number in expected.headings.get(path, ())
        if number < len(file.headings)
    ]
    return pieces + [
        file.blocks[number].piece
        for number in expected.blocks.get(path, ())
        if number < len(file.blocks)
    ]


def _outside(links: Iterable[SeenLink], pieces: Iterable[Span]) -> list[SeenLink]:
    """Return the links that are not in one of the pieces."""
    spans = list(pieces)
    return [link for link in links if not any(a <= link.start and link.end <= b for a, b in spans)]


SECTION = re.compile(r"^\W*Add backlinks using these topics", re.IGNORECASE | re.MULTILINE)
ENTRY_TITLE = re.compile(r"(?:[-*+] )?(.+?) – $")
TITLE_PROPERTY = re.compile(r"\A---\n(?:.*\n)*?title:")


def _entry_title(file: SeenFile, link: SeenLink) -> Span | None:
    """Return the title of an entry in an author's section, which stands before the link."""
    start = file.text.rfind("\n", 0, link.start) + 1
    found = ENTRY_TITLE.match(file.text[start : link.start])
    if not found or not SECTION.search(file.text, 0, start):
        return None
    return start + found.start(1), start + found.end(1)


class Entry(NamedTuple):
    """A link in a file, which may be that of an entry in a section."""

    file: SeenFile
    link: SeenLink

    def list_names(self, name: str) -> list[Span]:
        """Return where an entry has a name: as its title, and as display text. Empty if it is no entry of that title."""
        title = _entry_title(self.file, self.link)
        if title is None or self.file.text[slice(*title)] != name:
            return []
        if self.link.display != name:
            return [title]
        start = self.file.text.rindex(name, self.link.start, self.link.end)
        return [title, (start, start + len(name))]


def _renamed_titles(
    path: str, old: Entry, new: Entry, seen: Comparison
) -> tuple[list[Span], list[Span]]:
    """Return where an entry has the name of a file before and after, if it follows it.

    The title of a note with a `title` property does not change with its name.
    """
    target = seen.before.meaning(old.link, path).path
    note = seen.before.files[target] if target else None
    if not target or (note and TITLE_PROPERTY.match(note.text)):
        return [], []
    name, new_name = (
        posixpath.basename(item).removesuffix(".md")
        for item in (target, seen.expected.path(target))
    )
    found, found_after = old.list_names(name), new.list_names(new_name)
    return (found, found_after) if len(found) == len(found_after) else ([], [])


def _skeleton(
    file: SeenFile,
    links: Iterable[SeenLink],
    renamed: Iterable[Span],
    expected: Expected,
    links_before: Iterable[SeenLink] = (),
) -> str:
    """Return the text without what a rename may replace, and without display texts that it may add."""
    pieces = [*renamed]
    for link, before in zip_longest(links, links_before):
        if link is None:
            continue
        if is_managed(link, file.text):
            pieces.append((link.start, link.end))
            continue
        pieces += link.pieces
        if before is not None and adds_display(before, link) and link.place != "property":
            start, end = link.pieces[0]
            found = ADDED_DISPLAY.match(file.text, end)
            pieces[-1] = start, found.end() if found else end
    if expected.tags:
        pieces += [tag.piece for tag in file.tags]
    return remove_pieces(file.text, pieces)


ADDED_DISPLAY = re.compile(r"\s*\\?\|.*?(?=\s*\]\])")


def adds_display(before: SeenLink, after: SeenLink) -> bool:
    """Return True if a bare name became a path, with the name as display text: readers see no path."""
    if before.form != "wikilink" or before.display is not None or before.embed:
        return False
    parts = [after.target.rsplit("/", 1)[-1], *after.subpath.split("#")]
    shown = " > ".join(part for part in parts if part)
    return "/" not in before.target and "/" in after.target and after.display == shown


def _compare_tags(old: SeenFile, new: SeenFile, expected: Expected) -> Iterator[str]:
    names = [(expected.tag(tag.name), tag.outer) for tag in old.tags]
    names_after = [(tag.name, tag.outer) for tag in new.tags]
    if names != names_after:
        yield f"tags are {names_after}, not {names}"


def _first_difference(first: str, last: str) -> str:
    at = next(
        (i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b),
        min(len(first), len(last)),
    )
    return f"{first[max(0, at - 20) : at + 30]!r} became {last[max(0, at - 20) : at + 30]!r}"


# -- one link ---------------------------------------------------------------------------------------


def _compare_links(
    path: str, old: SeenLink, new: SeenLink, seen: Comparison, managed: bool
) -> Iterator[str]:
    """Yield what changed in a link besides its destination, and whether it leads elsewhere.

    A link of a managed section is written as vaultlink writes sections, and only has to lead to the same file.
    """
    source = seen.expected.path(path)
    meaning, meaning_after = seen.before.meaning(old, path), seen.after.meaning(new, source)
    if meaning.path is None:
        if new.written != old.written or new.subpath != old.subpath:
            yield from _moved_dangling(path, old, new, seen)
        elif meaning_after.path is not None and (path, old.target) not in seen.expected.captured:
            yield f"it led to nothing, and leads to {meaning_after.path}"
        return
    wanted = Meaning(seen.expected.path(meaning.path), meaning.anchor)
    if follows_slug(old, new, meaning, seen):
        return
    if meaning_after != wanted:
        yield f"it leads to {meaning_after}, not to {wanted}"
    if managed:
        return
    yield from _compare_forms(old, new)
    if spells_old_path(new, meaning.path, wanted.path or ""):
        yield "it has the old spelling of a name"
    if (old.target, old.subpath) == (new.target, new.subpath):
        if old.written != new.written:
            yield "it is written in another way"
        return
    yield from _compare_targets(path, old, new, meaning.path, seen)


def spells_old_path(link: SeenLink, old: str, new: str) -> bool:
    """Return True if a link spells a path as before that changed only in case or Unicode form."""
    names = link.target.lstrip("./").split("/")
    if names[-1][-3:].lower() == ".md":
        names[-1] = names[-1][:-3]
    before, after = (path.removesuffix(".md").split("/")[-len(names) :] for path in (old, new))
    return normalize(old) == normalize(new) and names == before != after


def _compare_forms(old: SeenLink, new: SeenLink) -> Iterator[str]:
    """Yield changes of what surrounds a destination."""
    added = adds_display(old, new)
    if (old.form, old.place, old.embed) != (new.form, new.place, new.embed):
        yield "its form changed"
    elif old.outer != new.outer and not (added and new.outer[:1] == old.outer[:1]):
        yield f"{old.outer} became {new.outer}"
    if old.display != new.display and not added:
        yield "its display text changed"


def follows_slug(old: SeenLink, new: SeenLink, meaning: Meaning, seen: Comparison) -> bool:
    """Return True if a link to a GitHub anchor, which Obsidian does not follow, follows a renamed heading all the same."""
    if old.form != "markdown" or meaning.anchor != "missing" or meaning.path is None:
        return False
    file = seen.before.files[meaning.path]
    renamed = seen.expected.headings.get(meaning.path, {})
    return file is not None and any(
        (old.subpath[1:], new.subpath[1:]) == (_slug(file.headings[number].text), _slug(text))
        for number, text in renamed.items()
    )


def _slug(heading: str) -> str:
    return heading_key(heading).replace(" ", "-")


def _moved_dangling(path: str, old: SeenLink, new: SeenLink, seen: Comparison) -> Iterator[str]:
    """Yield a problem if a link that leads to nothing changed, unless its note moved and it is relative."""
    moved = posixpath.dirname(seen.expected.path(path)) != posixpath.dirname(path)
    if not (moved and is_relative(old)):
        yield "a link that leads to nothing changed"


def _compare_targets(
    path: str, old: SeenLink, new: SeenLink, target: str, seen: Comparison
) -> Iterator[str]:
    """Yield changes of the style of a destination, and changes without need."""
    source, new_target = seen.expected.path(path), seen.expected.path(target)
    kind, _, number = (seen.before.meaning(old, path).anchor or "").partition(" ")
    renamed = (seen.expected.headings if kind == "heading" else seen.expected.blocks).get(target)
    if old.subpath != new.subpath and not (
        renamed or (kind == "heading" and _heading_changes(target, int(number), seen))
    ):
        yield "its subpath changed"
    if old.target == new.target:
        return
    still = normalize(seen.after.resolve(old.target, source) or "") == normalize(new_target)
    same_name = posixpath.basename(new_target) == posixpath.basename(target)
    either = is_relative(old) or reads_as_relative(old, path, target)
    same_name = same_name and not spells_old_path(old, target, new_target)
    unique = seen.after.is_unique(old.target.rsplit("/", 1)[-1])
    unique = unique or not seen.before.is_unique(old.target.rsplit("/", 1)[-1])
    if old.form not in ("card", "background") and still and same_name and unique and not either:
        yield "it changed without need"
    yield from compare_styles(old, new, new_target)
    relative = must_stay_relative(old, path, target)
    if relative or not either:
        yield from compare_paths(old, new, source, new_target, seen.after, relative)


def _heading_changes(path: str, number: int, seen: Comparison) -> bool:
    """Return True if a heading changes, because it contains a link that does."""
    old, new = seen.before.files[path], seen.after.files[seen.expected.path(path)]
    return bool(old and new and old.headings[number].text != new.headings[number].text)


def reads_as_relative(link: SeenLink, source: str, target: str) -> bool:
    """Return True if a Markdown link leads to its target for programs that read it as a path relative to its note.

    It may be meant as a name or as a path from the root all the same, so a rename may write either.
    """
    joined = normalize(posixpath.normpath(posixpath.join(posixpath.dirname(source), link.target)))
    return link.form in ("markdown", "definition") and normalize(target) in (joined, joined + ".md")


def must_stay_relative(link: SeenLink, source: str, target: str) -> bool:
    """Return True if a link can only be meant as a path relative to its note."""
    written = normalize(link.target)
    complete = normalize(target).endswith(written.lstrip("./")) and "/" in source
    complete = complete and link.place != "canvas"  # only Obsidian reads canvases
    return is_relative(link) or (
        complete
        and "/" in link.target
        and normalize(target) != written
        and reads_as_relative(link, source, target)
    )


def is_relative(link: SeenLink) -> bool:
    """Return True if a link is written relative to its note."""
    return link.target.startswith(("./", "../"))


def compare_styles(old: SeenLink, new: SeenLink, target: str) -> Iterator[str]:
    """Yield the differences in style between two links, the second of which leads to `target`."""
    styles: Iterable[tuple[str, Callable[[SeenLink], object]]] = (
        ("extension", lambda link: _extension(link, target)),
        ("angle brackets", lambda link: link.written.startswith("<")),
        ("leading slash", lambda link: link.target.startswith("/")),
        ("white space", lambda link: link.target != link.target.strip()),
    )
    for name, style in styles:
        if style(old) != style(new) and not (
            name == "angle brackets" and "%" not in old.written and " " in new.target
        ):
            yield f"its {name} changed"
    encoded = old.form in ("markdown", "definition") and not new.written.startswith("<")
    if encoded and (decode(new.written) or "").partition("#")[0] != new.target:
        yield "its encoding changed"


def compare_paths(
    old: SeenLink, new: SeenLink, source: str, target: str, vault: SeenVault, relative: bool
) -> Iterator[str]:
    """Yield problems of the path of a link that leads to `target` from `source`; relative paths stay relative."""
    if relative:
        joined = posixpath.normpath(posixpath.join(posixpath.dirname(source), new.target))
        if normalize(target) not in (normalize(joined), normalize(joined) + ".md"):
            yield "it is not relative any more"
    elif is_relative(new):
        yield "it became relative"
    elif ("/" in new.target) != ("/" in old.target) and old.form not in ("card", "background"):
        name = new.target.rsplit("/", 1)[-1]
        if "/" in new.target and vault.is_unique(name) and vault.resolve(name, source) == target:
            yield "a path was added without need"
        if "/" not in new.target and "/" in target:
            yield "its path was removed"


def _extension(link: SeenLink, target: str) -> str:
    """Return the written extension of a note, as written; other files always have one."""
    ending = link.target[-3:]
    return ending if ending.lower() == ".md" and target.lower().endswith(".md") else ""


def apply_document(files: Mapping[str, bytes], data: Mapping[str, Any]) -> dict[str, bytes]:
    """Return files after the edits and renames of a JSON document."""
    after = dict(files)
    edits: list[dict[str, Any]] = data["edits"]
    for edit in sorted(edits, key=lambda item: -int(item["start"])):
        old, start, end = after.get(edit["path"], b""), int(edit["start"]), int(edit["end"])
        after[edit["path"]] = old[:start] + edit["text"].encode() + old[end:]
    moved = {item["to"]: after.pop(item["from"]) for item in data["files"]}
    return after | {path: text for path, text in moved.items() if path is not None}
