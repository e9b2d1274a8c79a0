"""Merge the properties of a note into those of another, as text.

A list gets the items of the other one. Of other values that differ, the note keeps its own. Nothing
that is not taken is passed over in silence: it is `left_out`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from vaultlink.fix.plan import LeftOutProperty
from vaultlink.index.index import link_name
from vaultlink.links.edit_math import edit_span, find_edit, sort_edits
from vaultlink.links.rewrite import unlink_link
from vaultlink.model import Edit, Note, Place, PropertyValue
from vaultlink.parse.properties import frontmatter_span
from vaultlink.refactor.property_lists import (
    ALIAS_KEYS,
    LIST_KEYS,
    SCALAR_LINE,
    ListStyle,
    PropertyEntry,
    WrittenList,
    change_list,
    format_item,
    is_empty,
    is_link,
    item_key,
    list_items,
    read_block,
    read_list,
    write_json,
    write_list,
)
from vaultlink.refactor.relocation import RefusedError
from vaultlink.text import quote_name


class PropertySource(NamedTuple):
    """A note with properties, and its text.

    `unlinked` are the key paths of links that would lead from the merged note to itself. `name` is
    the name by which the note is known; "" if the name of its file means other notes, too.
    """

    note: Note
    text: str
    unlinked: frozenset[str] = frozenset()
    name: str = ""


class MergedProperties(NamedTuple):
    """The properties of two notes in one of them, which `edits` change.

    `left_out` are the properties of the other note that it does not get, `values` all properties
    afterwards. `own_paths` and `other_paths` are the new key paths of links, by those before; of
    links in the note itself only those that change.
    """

    edits: tuple[Edit, ...]
    left_out: tuple[LeftOutProperty, ...]
    values: Mapping[str, PropertyValue]
    own_paths: Mapping[str, str]
    other_paths: Mapping[str, str]


class PropertyMerge:
    """Merges the properties of another note into those of a note, which keeps its own.

    The name by which the other note is known becomes an alias. `title` is that of the other note,
    which its text has as a heading; `taken` are keys, in lower case, of which the other's values
    count. Raises RefusedError for properties that can't be read.
    """

    def __init__(
        self,
        own: PropertySource,
        other: PropertySource,
        title: str,
        line_end: str,
        taken: Collection[str],
    ) -> None:
        self._own, self._other = own, other
        self._title, self._line_end, self._taken = title, line_end, taken
        self._block = read_block(own.note, own.text)
        self._theirs = read_block(other.note, other.text)
        self._entries = {item.key.lower(): item for item in self._block.entries}
        self._texts: dict[str, str] = {}
        self._values = {item.key: item.value for item in self._block.entries}
        self._appended = ""
        self._left_out: list[LeftOutProperty] = []
        self._own_paths: dict[str, str] = {}
        self._other_paths: dict[str, str] = {}

    def run(self) -> MergedProperties:
        self._append(self._theirs.comments if self._theirs.comments.strip() else "")
        handled = {self._add(item) for item in self._theirs.entries}
        if not handled & set(ALIAS_KEYS):
            self._add_aliases(None)
        for key, entry in self._entries.items():
            if key not in self._texts:
                self._unlink_own(entry)
        edits, left_out = tuple(self._list_edits()), tuple(self._left_out)
        paths = self._own_paths, self._other_paths
        return MergedProperties(edits, left_out, self._values, *paths)

    def _list_edits(self) -> Iterator[Edit]:
        path, span = self._own.note.path, frontmatter_span(self._own.text)
        if span and self._block.separators:
            old = self._own.text[span[0] : span[1]]
            new = write_json(self._values, self._block.separators)
            edit = find_edit(path, old, new + old[len(old.rstrip()) :])
            yield Edit(path, span[0] + edit.start, span[0] + edit.end, edit.text)
            return
        for key, entry in self._entries.items():
            edit = find_edit(path, entry.text, self._texts.get(key, entry.text))
            if edit.start < edit.end or edit.text:
                yield Edit(path, entry.start + edit.start, entry.start + edit.end, edit.text)
        if self._appended and span is None:
            fence = f"---{self._line_end}"
            yield Edit(path, 0, 0, f"{fence}{self._appended}{fence}")
        elif self._appended:
            yield Edit(path, self._block.end, self._block.end, self._appended)

    def _append(self, lines: str) -> None:
        self._appended += self._convert(lines)

    def _convert(self, lines: str) -> str:
        return lines.replace("\r\n", "\n").replace("\n", self._line_end)

    def _add(self, item: PropertyEntry) -> str:
        """Add a property of the other note; return its key in lower case."""
        key = item.key.lower()
        if key in ALIAS_KEYS:
            self._add_aliases(item)
            return key
        own = self._entries.get(key)
        is_void = self._has_only_unlinked(item)
        if own and own.value == item.value and repr(own.value) == repr(item.value):  # 1 is not true
            self._append(item.comments)
            self._keep_paths(item)
        elif key == "title" and (own is None or key not in self._taken):
            if item.value != self._title:
                self._leave_out(item, own)
        elif is_empty(item.value):
            self._append(item.comments)
        elif is_void:
            self._leave_out(item, None)
        elif own is None:
            self._append_entry(item)
        elif key in self._taken or is_empty(own.value) or own.key in self._own.unlinked:
            self._take(own, item)
        elif not self._unite(own, item):
            self._leave_out(item, own)
        return key

    def _has_only_unlinked(self, item: PropertyEntry) -> bool:
        """Return True if a value consists of links that would lead to the note itself."""
        if not isinstance(item.value, list):
            return item.key in self._other.unlinked
        return len(self._find_unlinked(self._other, item)) == len(item.value) > 0

    def _find_unlinked(self, source: PropertySource, item: PropertyEntry) -> set[int]:
        """Return the numbers of items that lead to the note itself, with brackets or not."""
        if not isinstance(item.value, list):
            return set()
        found = {n for n in range(len(item.value)) if f"{item.key}.{n}" in source.unlinked}
        if source is self._other and item.key.lower() not in LIST_KEYS:
            name = link_name(self._own.note.path).lower()
            found |= {n for n, value in enumerate(item.value) if str(value).lower() == name}
        return found

    def _leave_out(self, item: PropertyEntry, own: PropertyEntry | None) -> None:
        kept = own.written if own else ""
        path = self._other.note.path
        self._left_out.append(LeftOutProperty(path, item.line, item.key, item.written, kept))

    def _keep_paths(self, item: PropertyEntry) -> None:
        for link in self._other.note.links:
            if link.place is Place.PROPERTY and link.key_path.partition(".")[0] == item.key:
                self._other_paths[link.key_path] = link.key_path

    def _append_entry(self, item: PropertyEntry) -> None:
        removed, written = self._find_unlinked(self._other, item), read_list(item)
        self._keep_paths(item)
        self._values[item.key] = item.value
        if not removed or written is None:
            self._append(item.text)
            return
        kept = [number for number in range(len(written.items)) if number not in removed]
        self._append(change_list(written, removed, (), "\n"))
        self._values[item.key] = [item.value[number] for number in kept]
        numbers = {old: new for new, old in enumerate(kept)}
        self._map_items(self._other_paths, item.key, item.key, numbers)
        self._show_removed(item, written, removed)

    def _show_removed(
        self, item: PropertyEntry, written: WrittenList, removed: Iterable[int]
    ) -> None:
        path = self._other.note.path
        self._left_out += [
            LeftOutProperty(path, item.line, item.key, written.items[number], "")
            for number in sorted(removed)
        ]

    def _map_items(
        self, paths: dict[str, str], old_key: str, key: str, numbers: Mapping[int, int]
    ) -> None:
        paths.update((f"{old_key}.{old}", f"{key}.{new}") for old, new in numbers.items())

    def _take(self, own: PropertyEntry, item: PropertyEntry) -> None:
        """Let the value of the other note take the place of a value."""
        text = self._convert(item.text)
        if item.key != own.key:
            text = own.key + text[len(item.key) :]
        self._texts[own.key.lower()] = text + self._convert(own.comments)
        self._values[own.key] = item.value
        for link in self._other.note.links:
            first, dot, rest = link.key_path.partition(".")
            if link.place is Place.PROPERTY and first == item.key:
                self._other_paths[link.key_path] = own.key + dot + rest

    def _unite(self, own: PropertyEntry, item: PropertyEntry) -> bool:
        """Add the items of a property to the same one of the note; False if that can't be."""
        is_list = isinstance(own.value, list) or isinstance(item.value, list)
        if not (is_list or own.key.lower() in LIST_KEYS or is_link(item.value)):
            return False
        items = list_items(item.key, item.value)
        if items is None:
            return False
        unlinked = self._find_unlinked(self._other, item)
        wanted = {number: items[number] for number in range(len(items)) if number not in unlinked}
        numbers = self._extend(own, list(wanted.values()))
        if numbers is None:
            return False
        self._append(item.comments)
        paths = dict(zip(wanted, numbers, strict=True))
        self._map_items(self._other_paths, item.key, own.key, paths)
        if paths and not isinstance(item.value, list):
            self._other_paths[item.key] = f"{own.key}.{numbers[0]}"
        written = read_list(item)
        if unlinked and written:
            self._show_removed(item, written, unlinked)
        return True

    def _extend(self, own: PropertyEntry, items: Sequence[PropertyValue]) -> list[int] | None:
        """Extend a property and return the items' numbers; None if it can't be a list."""
        written, removed = read_list(own), self._find_unlinked(self._own, own)
        scalar = SCALAR_LINE.fullmatch(own.text)
        if written:
            kept = [number for number in range(len(written.items)) if number not in removed]
            values, style = [own.value[number] for number in kept], written.style
        else:
            own_values = list_items(own.key, own.value)
            if not isinstance(own.value, str) or not scalar or own_values is None:
                return None
            if " #" in scalar[2]:
                return None
            kept, values, style = [], own_values, self._find_style()
        keys = [item_key(own.key, value) for value in values]
        added, numbers = [], []
        for item in items:
            key = item_key(own.key, item)
            if key not in keys:
                keys.append(key)
                added.append(item)
            numbers.append(keys.index(key))
        texts = [format_item(value, style) for value in added]
        if written:
            text = change_list(written, removed, texts, self._line_end)
        elif not added:
            return [0] * len(numbers)
        else:
            first = [format_item(value, style) for value in values]
            first = [scalar[2]] if scalar and len(values) == 1 else first
            text = write_list(own.key, [*first, *texts], style, self._line_end)
            text += own.text[len(own.text.rstrip("\r\n")) :].replace(self._line_end, "", 1)
            self._own_paths[own.key] = f"{own.key}.0"
        self._texts[own.key.lower()] = text
        self._values[own.key] = [*values, *added]
        numbers_before = {old: new for new, old in enumerate(kept)}
        self._map_items(self._own_paths, own.key, own.key, numbers_before)
        return numbers

    def _find_style(self) -> ListStyle:
        """Return how the properties of the note, or else of the other, have lists."""
        for entry in (*self._block.entries, *self._theirs.entries):
            written = read_list(entry)
            if written and written.items:
                return ListStyle(written.style.indent)
        return ListStyle()

    def _add_aliases(self, item: PropertyEntry | None) -> None:
        own = next((self._entries[key] for key in ALIAS_KEYS if key in self._entries), None)
        names = [link_name(self._own.note.path), *_list_aliases(own)]
        known = {name.lower() for name in names}
        theirs = [*_list_aliases(item), *([self._other.name] if self._other.name else [])]
        wanted = {name.lower(): name for name in reversed(theirs) if name.lower() not in known}
        aliases = list(reversed(wanted.values()))
        if item is not None:
            self._append(item.comments)
        if not aliases:
            return
        if own is not None and not is_empty(own.value):
            if self._extend(own, aliases) is None:
                problem = f"the aliases of {quote_name(self._own.note.path)} can't be read"
                raise RefusedError(f"{problem} as a list of names. Correct them first.")
            return
        style = self._find_style()
        key = own.key if own else item.key if item else ALIAS_KEYS[0]
        items = [format_item(name, style) for name in aliases]
        if own is None:
            self._append(write_list(key, items, style, "\n"))
        else:
            lines = write_list(key, items, style, self._line_end)
            self._texts[own.key.lower()] = lines + own.comments
        self._values[key] = aliases

    def _unlink_own(self, entry: PropertyEntry) -> None:
        """Remove the links of a list to the other note; let other links become words."""
        removed, written = self._find_unlinked(self._own, entry), read_list(entry)
        if removed and written:
            self._extend(entry, ())
            return
        note, edits = self._own.note, list[Edit]()
        for link in note.links:
            is_here = link.key_path.partition(".")[0] == entry.key
            if link.place is Place.PROPERTY and is_here and link.key_path in self._own.unlinked:
                edits += unlink_link(note.path, link, self._own.text)
        if edits and self._block.separators:
            raise RefusedError(
                f"the property {quote_name(entry.key)} of {quote_name(note.path)} links to the "
                "other note, and is written as JSON. Remove the link first."
            )
        if edits:
            own_edits = sort_edits(set(edits))
            text = edit_span(self._own.text, entry.start, entry.end, own_edits)
            self._texts[entry.key.lower()] = text
            del self._values[entry.key]


def _list_aliases(entry: PropertyEntry | None) -> list[str]:
    items = list_items(entry.key, entry.value) if entry else None
    return [str(item) for item in items or () if item is not None]
