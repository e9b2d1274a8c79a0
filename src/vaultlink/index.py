"""What a vault's names mean and who mentions them. A value: updating it returns a new one and says whom that affects.

Why one update serves full and partial runs: the answer for a link depends only on its source, its text and the files and
notes that bear its names. So each note and attachment *defines* keys (the spellings of its name, aliases and title), each
link *mentions* keys, and when a definition comes or goes exactly the mentioners of its key are looked at again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

from vaultlink.anchors import find_anchor
from vaultlink.model import Link, Note, Tally
from vaultlink.resolve import Names, choose, comparable, file_name, is_note, name_key, spelling
from vaultlink.shelf import Shelf

Targets = tuple[str | None, ...]
"""Where a note's links lead, in the order of `note.links`; None for dangling and external ones."""

Grouped = Mapping[str, tuple[str, ...]]
"""A key to the paths that have it, sorted."""


class Index:
    """Notes (canvases included), the names of all files, and where every link leads.

    Immutable by convention: nothing is changed after it was made, derived maps are computed when first asked for.
    """

    def __init__(self, notes: Shelf, names: Names, targets: Mapping[str, Targets], files: frozenset[str]):
        self.notes = notes
        self.names = names
        self.targets = targets
        self.files = files

    @classmethod
    def of(cls, notes: Shelf, targets: Mapping[str, Targets], files: frozenset[str]) -> "Index":
        """The index of files whose links are resolved already."""
        return cls(notes, _renamed({}, frozenset(), files), targets, files)

    # -- asked of a link ------------------------------------------------------------------------------------------

    def others(self, source: str, link: Link) -> tuple[str, ...]:
        """The files a resolved link's text fits as well; empty unless the link is ambiguous."""
        return () if link.external else choose(source, link.target, self.names)[1]

    def anchor(self, link: Link, resolved: str | None) -> bool | None:
        """Whether the heading or block a link names exists; None where there is nothing to look for: no subpath, a
        dangling link, or a target that is not a note (6.12)."""
        if not link.subpath or resolved is None or not is_note(resolved):
            return None
        note = self.notes.get(resolved)
        return note is not None and find_anchor(note, link.subpath) is not None

    # -- asked of a note ------------------------------------------------------------------------------------------

    def links(self, path: str) -> Iterator[tuple[Link, str | None]]:
        """A note's links, each with the file it leads to."""
        return zip(self.notes[path].links, self.targets[path], strict=True)

    @cached_property
    def backlinks(self) -> Grouped:
        """For each file that links lead to, the sources of these links."""
        return _grouped(self, self.notes, _led_to)

    def tally(self, path: str) -> Tally:
        """How many links a note has, by what becomes of them."""
        links, targets = self.notes[path].links, self.targets[path]
        external = sum([link.external for link in links])
        dangling = targets.count(None) - external
        shared = sum([bool(self.others(path, link)) for link, target in zip(links, targets, strict=True)
                      if target in self._shared])
        return Tally(len(links), len(links) - external - dangling, dangling, shared, external)

    @cached_property
    def _shared(self) -> frozenset[str]:
        """The files whose name another file has as well."""
        return frozenset(path for group in self.names.values() if len(group) > 1 for path in group)

    # -- asked of a name ------------------------------------------------------------------------------------------

    @cached_property
    def aliased(self) -> Grouped:
        """Comparable alias to the notes that have it."""
        return _grouped(self, self.notes, _aliases)

    @cached_property
    def titled(self) -> Grouped:
        """Comparable `title` property to the notes that have it."""
        return _grouped(self, self.notes, _titles)

    @cached_property
    def spelled(self) -> Grouped:
        """Spelling of a file's name (a note's without extension) to the files so called."""
        return _grouped(self, self.files, _spellings)

    @cached_property
    def mentions(self) -> Grouped:
        """Spelling of what links name to the notes that name it: whom a coming or going name concerns."""
        return _grouped(self, self.notes, _mentioned)

    @cached_property
    def definitions(self) -> Grouped:
        """Spelling of names, aliases and titles to the files that bear them."""
        return _grouped(self, self.files, _defined)


def stem(path: str) -> str:
    """A note's file name without `.md`; any other file's whole name, since links must write its extension."""
    name = file_name(path)
    return name[:-3] if is_note(name) else name


EMPTY = Index(Shelf(), {}, {}, frozenset())
"""The index of no files."""

# -- what a path has in each of the derived maps ------------------------------------------------------------------

Keys = Callable[[Index, str], Iterable[str]]


def _led_to(index: Index, path: str) -> Iterable[str]:
    return {target for target in index.targets[path] if target is not None}


def _aliases(index: Index, path: str) -> Iterable[str]:
    note = index.notes.get(path)
    return {comparable(alias) for alias in note.aliases} if note and note.properties else ()


def _titles(index: Index, path: str) -> Iterable[str]:
    note = index.notes.get(path)
    title = note.title if note and note.properties else None
    return (comparable(title),) if title else ()


def _spellings(index: Index, path: str) -> Iterable[str]:
    return (spelling(stem(path)),) if path in index.files else ()


def _mentioned(index: Index, path: str) -> Iterable[str]:
    return {key for target in {link.target for link in index.notes[path].links if not link.external and link.target}
            for key in mention_keys(target)}


def _defined(index: Index, path: str) -> Iterable[str]:
    return {key for _, _, key in _names(index, path)}


def _names(index: Index, path: str) -> set[tuple[str, str, str]]:
    """What a file is called: as what (name, alias, title), the comparable text, and its spelling."""
    if path not in index.files:
        return set()
    called = {("name", stem(path)), ("name", file_name(path))}
    note = index.notes.get(path)
    if note and note.properties:
        called.update(("alias", alias) for alias in note.aliases)
        called.update((("title", note.title),) if note.title else ())
    return {(kind, comparable(text), spelling(text)) for kind, text in called}


def mention_keys(target: str) -> tuple[str, ...]:
    """The spellings a link's target may be answered by: its last segment's, and for a path the whole's, since a title or
    alias may hold a slash."""
    name = file_name(target)
    keys = (spelling(stem(name)), spelling(name))
    return keys if name == target else (*keys, spelling(target), spelling(target.rstrip("/")))


def _grouped(index: Index, paths: Iterable[str], keys: Keys) -> Grouped:
    found: dict[str, list[str]] = {}
    for path in paths:
        for key in keys(index, path):
            if key in found:
                found[key].append(path)
            else:
                found[key] = [path]
    return {key: tuple(sorted(group)) if len(group) > 1 else (group[0],) for key, group in found.items()}


def _patched(kept: Grouped, before: Index, after: Index, paths: Iterable[str], keys: Keys) -> Grouped:
    """A derived map of the index after, from the one before: only what these paths have is looked at."""
    patched = dict(kept)
    for path in paths:
        old, new = _keys(before, path, keys), _keys(after, path, keys)
        for key in old - new:
            rest = tuple(other for other in patched[key] if other != path)
            if rest:
                patched[key] = rest
            else:
                del patched[key]
        for key in new - old:
            patched[key] = tuple(sorted((*patched.get(key, ()), path)))
    return patched


def _keys(index: Index, path: str, keys: Keys) -> set[str]:
    """What a path has in a map; nothing if the index does not hold it."""
    on_notes = keys in (_led_to, _mentioned)
    return set(keys(index, path)) if path in (index.notes if on_notes else index.files) else set()


_DERIVED: tuple[tuple[str, Keys], ...] = (
    ("aliased", _aliases), ("titled", _titles), ("spelled", _spellings), ("mentions", _mentioned),
    ("definitions", _defined))


# -- updating -----------------------------------------------------------------------------------------------------


def update(index: Index, notes: Mapping[str, Note | None], files: Mapping[str, bool]) -> tuple[Index, set[str]]:
    """The index after changes, and the notes whose findings may have changed.

    `notes`: path to the note now there, None if it is gone. `files`: path to whether a file of any kind is there now.
    """
    changed = set(notes)
    present = index.files.union(path for path, there in files.items() if there)
    present = present.difference(path for path, there in files.items() if not there)
    after = Index(index.notes.changed(notes), _renamed(index.names, index.files, present), {}, present)
    moved = changed | {path for path, there in files.items() if there != (path in index.files)}
    if not index.files:
        after.targets = _resolved(after, after.notes)
        return after, set(after.notes)
    keys = _changed_keys(index, after, moved)
    again = {path for path in changed if path in after.notes}
    again.update(path for key in keys for path in index.mentions.get(key, ()) if path in after.notes)
    targets = {path: links for path, links in index.targets.items() if path in after.notes}
    targets.update(_resolved(after, again))
    after.targets = targets
    for name, of_path in _DERIVED:
        if name in index.__dict__:
            after.__dict__[name] = _patched(index.__dict__[name], index, after, moved, of_path)
    if "backlinks" in index.__dict__:
        after.__dict__["backlinks"] = _patched(index.backlinks, index, after, again | changed, _led_to)
    return after, _affected(index, after, changed, again, keys)


def _affected(before: Index, after: Index, changed: set[str], again: set[str], keys: set[str]) -> set[str]:
    """Whose findings may differ: everyone re-resolved, targets gained, lost or spoken of by a changed note, notes that
    link to headings or blocks of a changed note, notes that share a name with what came or went, and whoever names
    those."""
    affected = set(again)
    for path in again | changed:
        old, new = set(before.targets.get(path, ())), set(after.targets.get(path, ()))
        affected.update(path for path in (old | new if path in changed else old ^ new) if path is not None)
    for path in changed:
        if _anchors(before.notes.get(path)) != _anchors(after.notes.get(path)):
            affected.update(after.backlinks.get(path, ()))
    sharing = {path for key in keys for path in after.definitions.get(key, ())}
    affected.update(sharing)
    for path in sharing:  # how a link to them is written may have changed, and with it what is advised
        for key in _defined(after, path):
            affected.update(after.mentions.get(key, ()))
    return {path for path in affected if path in after.notes}


def _anchors(note: Note | None) -> object:
    return note and ([(heading.level, heading.text) for heading in note.headings], [block.id for block in note.blocks])


def _changed_keys(before: Index, after: Index, moved: Iterable[str]) -> set[str]:
    """Spellings of what files that came, changed or went are no longer called, or newly."""
    return {key for path in moved for _, _, key in _names(before, path) ^ _names(after, path)}


def _renamed(names: Names, before: frozenset[str], after: frozenset[str]) -> Names:
    """The names of the files there now."""
    came, went = after - before, before - after
    if not came and not went:
        return names
    renamed: dict[str, list[str] | tuple[str, ...]] = dict(names)
    touched = set()
    for path in went:
        key = name_key(path)
        renamed[key] = [other for other in renamed[key] if other != path]
        touched.add(key)
    for path in came:
        key = name_key(path)
        if key in touched:
            renamed[key] = [*renamed[key], path]
        else:
            renamed[key] = [*renamed.get(key, ()), path]
            touched.add(key)
    for key in touched:
        group = renamed[key]
        if group:
            renamed[key] = tuple(sorted(group))
        else:
            del renamed[key]
    return renamed  # type: ignore[return-value] # every touched group is a tuple again


def _resolved(index: Index, paths: Iterable[str]) -> dict[str, Targets]:
    """Where the links of notes lead. A bare name that one file has leads there from everywhere, so it is looked up once."""
    everywhere: dict[str, str | None] = {}
    names = index.names

    def lead(path: str, link: Link) -> str | None:
        target = link.target
        if target in everywhere:
            return everywhere[target]
        if link.external:
            return None
        chosen, others = choose(path, target, names)
        if target and "/" not in target and not others:
            everywhere[target] = chosen
        return chosen

    return {path: tuple([lead(path, link) for link in index.notes[path].links]) for path in paths}
