"""Plan what becomes of links and headings when text goes from one note to another."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Generic, NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from vaultlink.engine.step import State
from vaultlink.fix.plan import ChangedTexts, Plan, Rename
from vaultlink.fix.sources import FixInputs
from vaultlink.fix.verify import ResolvedLink, find_changed_meanings
from vaultlink.index.anchors import heading_key, render_heading
from vaultlink.index.index import Index, link_name
from vaultlink.model import Edit, Heading, Link, Note, Severity, SourceSpan
from vaultlink.parse.properties import body_start
from vaultlink.refactor.plan_link_edits import LinkEdits, find_sources
from vaultlink.refactor.refactoring import Refactoring
from vaultlink.refactor.relocation import RefusedError, Relocation
from vaultlink.refactor.unlinking import label_key
from vaultlink.text import lazy_pattern, quote_name

_DEFINITION = lazy_pattern(r"(?m)^[ \t>]*(?:[-*+][ \t]+)?\[((?:[^\[\]\\\n]|\\.)+)\]:(.*)$")
_BRACKETS = lazy_pattern(r"\[((?:[^\[\]\\]|\\.)+)\](?!\()")


class NotePart(NamedTuple):
    """Part of a note: the items for which `includes` returns True."""

    note: Note
    includes: Callable[[SourceSpan], bool]


def list_changed_kinds(before: NotePart, after: NotePart) -> Iterator[str]:
    """Yield the kinds of items that differ apart from their places, for messages."""
    items = _describe_items(after)
    return (f"a {kind}" for kind, had in _describe_items(before).items() if had != items[kind])


def _describe_items(part: NotePart) -> Mapping[str, Sequence[object]]:
    note, includes = part
    return {
        "heading": [(item.level, item.text) for item in note.headings if includes(item)],
        "block id": [item.id for item in note.blocks if includes(item)],
        "link": [(item.raw, item.in_comment) for item in note.links if includes(item)],
        "tag": [item.name for item in note.tags if includes(item)],
        "suppression": [(item.action, item.rules) for item in note.directives if includes(item)],
    }


def count_open_blocks(notes: Iterable[Note]) -> Counter[str]:
    """Count the blocks of notes that hide text because nothing closes them, by kind."""
    return Counter(
        item.kind for note in notes for item in note.problems if item.kind.startswith("unclosed-")
    )


def _list_definitions(text: str) -> dict[str, str]:
    """Return the labels that a text defines (`^1` for footnotes), with their lines."""
    found: dict[str, str] = {}
    for match in _DEFINITION.finditer(text):
        found.setdefault(label_key(match[1]), match[2].strip())
    return found


def _list_uses(text: str) -> Iterator[str]:
    """Yield the labels in brackets in a text, whether or not they are defined."""
    definitions = {match.start(1) for match in _DEFINITION.finditer(text)}
    for match in _BRACKETS.finditer(text):
        if match.start(1) not in definitions:
            yield label_key(match[1])


def find_cut_labels(one: str, other: str) -> list[str]:
    """Return the labels that one part of a text defines and the other one uses."""
    found: set[str] = set()
    for defining, using in ((one, other), (other, one)):
        labels = _list_definitions(defining).keys()
        found |= labels & set(_list_uses(using)) if labels else set()
    return sorted(found)


def find_common_labels(one: str, other: str) -> list[str]:
    """Return the labels of two texts that would have another meaning in one text."""
    first, second = _list_definitions(one), _list_definitions(other)
    found = {label for label in first.keys() & second.keys() if first[label] != second[label]}
    found |= (first.keys() - second.keys()) & set(_list_uses(other)) if first else set()
    found |= (second.keys() - first.keys()) & set(_list_uses(one)) if second else set()
    return sorted(found)


_MOST_ROUNDS = 5
"""Number of times that links are planned: headings that change with them change others."""


class RegroupedNotes(msgspec.Struct, frozen=True):
    """The notes afterwards: edits of the `kept` one, and the text of a new one."""

    edits: tuple[Edit, ...]
    kept: Note
    receiver: Note
    new_text: str | None


NotesT = TypeVar("NotesT", bound=RegroupedNotes)

LinkPlace = tuple[ResolvedLink, str, int]
"""A link before, the note that contains it afterwards, and its number (from 0) in that note."""


class Regrouping(Refactoring, ABC, Generic[NotesT]):
    """Text that goes from one note to another, and the links that follow it."""

    def __init__(
        self,
        state: State,
        sources: FixInputs,
        old_path: str,
        new_path: str,
        *,
        removes_old: bool,
        keeps_words: bool = False,
    ) -> None:
        """Prepare a plan that removes the first note, or creates the second one."""
        joined = {old_path: new_path} if removes_old else {}
        created = frozenset(() if removes_old else (new_path,))
        super().__init__(state, sources, {}, joined, created)
        self.old_path, self.new_path = old_path, new_path
        self._keeps_words = keeps_words
        self._kept_path = new_path if removes_old else old_path

    @abstractmethod
    def _regroup(self, staying: Sequence[Edit], going: Sequence[Edit]) -> NotesT:
        """Return both notes after these edits of links in text that stays, and that goes."""

    @abstractmethod
    def _use_maps(self, notes: NotesT) -> None:
        """Let links follow to the headings and blocks of these notes."""

    @abstractmethod
    def _find_differences(self, notes: NotesT) -> Iterator[str]:
        """Yield what would be read differently, before links are edited."""

    @abstractmethod
    def _refuse(self, what: str) -> RefusedError:
        """Return the error for something that would be read differently."""

    @abstractmethod
    def _list_links(self, notes: NotesT) -> Iterable[LinkPlace]:
        """Return each link of both notes before, with its place afterwards."""

    def _unlinks(self, _source: str, _link: Link, _path: str) -> bool:
        """Return True for a link in a note that leads to a file, if words take its place."""
        return False

    def plan(self, rename: Rename) -> Plan:
        """Return the plan; refuse it if the text can't go or a link loses its meaning."""
        notes = self._regroup((), ())
        self._use_maps(notes)
        for what in self._find_differences(notes):
            raise self._refuse(what)
        for _ in range(_MOST_ROUNDS):
            links, going = self._plan_links()
            previous, notes = notes, self._regroup(links.edits.get(self._kept_path, ()), going)
            if _list_headings(notes) == _list_headings(previous):
                return self._complete(rename, links, notes)
            self._use_maps(notes)
        raise RefusedError("headings contain links that change other headings.")

    def _plan_links(self) -> tuple[LinkEdits, tuple[Edit, ...]]:
        """Return edits, in the texts before, of the links that stay and of those that go."""
        going, staying = (
            Relocation(moved, self.names, self.find_destination, self._keeps_words, self._unlinks)
            for moved in ({self.old_path: self.new_path}, {})
        )
        links = self.follow_links(staying, find_sources(self.index, going), {})
        return links, self.edit_links(going, [self.old_path]).edits.get(self.old_path, ())

    def _complete(self, rename: Rename, links: LinkEdits, notes: NotesT) -> Plan:
        """Return the plan, given the edits of links in other notes."""
        own = {self.old_path, self.new_path}
        edits = {path: group for path, group in links.edits.items() if path not in own}
        edits[self._kept_path] = notes.edits
        others: ChangedTexts = {self.new_path: (None, notes.new_text)}
        if notes.new_text is None:
            others = {self.old_path: (self.text(self.old_path), None)}
        skipped = {path: self.sources.explain(path) for path in links.skipped}
        after, affected = self.step(edits, others)
        for item in self.find_broken(edits, after, affected - own - skipped.keys()):
            raise RefusedError(f"{item.path}: {item.problem}.")
        errors, now = (_count_errors(state, own) for state in (self.state, after))
        if now.total() > errors.total():  # another rule may report a link that did not resolve
            rule = next(iter(now - errors))
            raise RefusedError(f"{quote_name(self.new_path)} would have a new error, {rule}.")
        self._check_meanings(after.index, self._list_links(notes))
        edits = {path: edits[path] for path in sorted(edits) if edits[path]}
        return replace(
            self.complete(edits, after, others, skipped),
            required=frozenset({self._kept_path, *others}),
            renames=(rename,),
            captured=(*links.captured, *self.find_captured(own & self.maps.keys())),
        )

    def _check_meanings(self, after: Index, places: Iterable[LinkPlace]) -> None:
        """Refuse a plan that changes the meaning of links in the notes that change."""
        for (link, target), path, number in places:
            new, new_target = after.notes[path].links[number], after.targets[path][number]
            pair = (link, target), (new, new_target)
            changed = find_changed_meanings(self.index, after, [pair], self.find_destination)
            if new.in_comment != link.in_comment or any(changed):
                change = f"would become {new.raw} and lead to {new_target or 'nothing'}"
                raise RefusedError(f"the link {link.raw} {change}.")


def _count_errors(state: State, paths: Iterable[str]) -> Counter[str]:
    found = (item for path in paths for item in state.all_findings.get(path, ()))
    return Counter(item.rule for item in found if item.severity is Severity.ERROR)


def _list_headings(notes: RegroupedNotes) -> list[list[str]]:
    """Return the headings of both notes as links name them."""
    pair = notes.kept, notes.receiver
    return [[heading_key(item.text) for item in note.headings] for note in pair]


_MAX_LEVEL = 6

_ATX = lazy_pattern(r"[ ]{0,3}(#{1,6})(?!#)")
_UNDERLINE = lazy_pattern(r"\r?\n[ ]{0,3}(?:=+|-+)[ \t]*(?=\r?\n|$)")
_NUMBER = lazy_pattern(r"(?:\d+[.)]?)+\s+(?=\S)")
"""The number of a numbered heading."""

_LEAD_LINE = lazy_pattern(
    r"\s*(?:(?:#[^\s#]\S*[\s,]*)+|(?:!?\[\[[^\[\]]*\]\][\s,|]*)+|[\w -]+::.*|---+)?\s*"
)
"""A line before the title: tags, links, a field, a rule, or nothing."""


def change_levels(note: Note, text: str, levels: Mapping[int, int]) -> list[Edit]:
    """Return the edits that give headings other levels, by their number from 0.

    A level above 6 becomes 6. An underlined heading gets number signs. One that has several lines
    keeps its level.
    """
    edits: list[Edit] = []
    for number, level in levels.items():
        heading, new = note.headings[number], min(max(level, 1), _MAX_LEVEL)
        if heading.level == new:
            continue
        start = text.rfind("\n", 0, heading.start) + 1
        mark, underline = _ATX.match(text, start), _UNDERLINE.match(text, heading.end)
        if mark and mark.end() <= heading.start:
            added = new - heading.level
            start = mark.end() - max(-added, 0)
            edits.append(Edit(note.path, start, mark.end(), "#" * max(added, 0)))
        elif underline and not text[start : heading.start].strip():
            edits.append(Edit(note.path, start, heading.start, "#" * new + " "))
            edits.append(Edit(note.path, heading.end, underline.end(), ""))
    return edits


def shift_levels(levels: Sequence[int], top: int) -> list[int]:
    """Return levels with the highest of them at `top`."""
    shift = top - min(levels, default=top)
    return [min(level + shift, _MAX_LEVEL) for level in levels]


def repeats_name(heading: Heading, path: str) -> bool:
    """Return True if a heading says the name of the note, perhaps with a number."""
    name = heading_key(link_name(path))
    text = heading_key(render_heading(heading.text))
    return name in (text, _NUMBER.sub("", text, count=1))


def find_title(note: Note, text: str) -> Heading | None:
    """Return the heading that is the title of a note, or None.

    It is the first heading, and says the name of the note; or only tags, links and fields are
    before it, and all others are of lower levels.
    """
    if not note.headings:
        return None
    first, *others = note.headings
    start = text.rfind("\n", 0, first.start) + 1
    lead = text[body_start(text) : start].splitlines()
    is_start = all(_LEAD_LINE.fullmatch(line) for line in lead)
    title = next((item.value for item in note.properties or () if item.key == "title"), None)
    is_titled = isinstance(title, str) and heading_key(title) == heading_key(first.text)
    says_name = is_titled or repeats_name(first, note.path)
    is_alone = first.level == 1 and all(item.level > 1 for item in others)
    return first if says_name or (is_start and is_alone) else None


def find_heading_end(text: str, heading: Heading) -> int:
    """Return the offset of the line behind a heading and its underline."""
    start = text.rfind("\n", 0, heading.start) + 1
    mark = _ATX.match(text, start)
    is_marked = mark is not None and mark.end() <= heading.start
    underline = None if is_marked else _UNDERLINE.match(text, heading.end)
    return text.find("\n", underline.end() if underline else heading.end) + 1 or len(text)


_FEW = 5
"""Notes that show a habit, at least."""


class HeadingHabit(NamedTuple):
    """The usual start of the notes of a vault.

    With `has_title`, most begin with their name as a heading. `top` is the highest level of the
    other headings in most of them; 1 if they differ.
    """

    has_title: bool
    top: int


def find_habit(notes: Iterable[Note]) -> HeadingHabit:
    """Return the habit of the notes that have headings."""
    levels, titled, count = Counter[int](), 0, 0
    for note in notes:
        if not note.headings:
            continue
        first, *others = note.headings
        is_title = first.level == 1 and repeats_name(first, note.path)
        count, titled = count + 1, titled + is_title
        rest = others if is_title else note.headings
        if rest:
            levels[min(item.level for item in rest)] += 1
    top, most = levels.most_common(1)[0] if levels else (1, 0)
    is_habit = most >= _FEW and most * 2 > levels.total()
    return HeadingHabit(titled >= _FEW and titled * 2 > count, top if is_habit else 1)


def list_usual_headings(notes: Iterable[Note]) -> frozenset[str]:
    """Return the keys of the headings that at least a third of the notes have."""
    with_headings = [note.headings for note in notes if note.headings]
    keys = ({heading_key(item.text) for item in headings} for headings in with_headings)
    counts = Counter(chain.from_iterable(keys))
    least = max(_FEW, len(with_headings) / 3)
    return frozenset(key for key, count in counts.items() if count >= least)
