"""Find where the text of notes names other notes without a link."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Set
from functools import cached_property
from typing import NamedTuple

from vaultlink.backlinks.expected import can_hold_section
from vaultlink.config.patterns import compile_ordered_globs
from vaultlink.index.index import Index
from vaultlink.index.resolve import is_note, normalize_name
from vaultlink.links.kinds import default_display_text
from vaultlink.mentions.matcher import Matcher, Tally, find_one
from vaultlink.mentions.mention import Mention, MentionOptions, NoteName
from vaultlink.mentions.names import (
    FoldedText,
    fold_name,
    is_of_overview,
    is_own_subject,
    is_part_of_title,
    list_names,
    list_subjects,
)
from vaultlink.mentions.scoring import (
    NamePlace,
    Score,
    Surroundings,
    Terms,
    add_terms,
    find_sentence,
    fold_terms,
    is_example,
    is_in_longer_term,
    is_in_short_quotation,
    is_label,
    is_whole,
    score_place,
)
from vaultlink.mentions.visible import Spot, VisibleText, body_start, is_in_brackets
from vaultlink.model import Link, Note, Place

# A finder is built once for an index. It knows the names of all notes and how common their words
# are; a search then takes the time to read one text.


_AMBIGUOUS_SCORE = 0.3
"""The highest score of a name that several notes have."""

_NEAR_SCORE = 0.6
"""The highest score of such a name if only one of the notes is near."""

_DOUBTFUL_SCORE = 0.45
"""The highest score of a name that seems to mean something else."""

_QUOTED = "in a quotation"
_QUOTED_SCORE = 0.6
"""The highest score of a short name in a quotation, such as a title or a command."""


def _exclude_none(_path: str) -> bool:
    return False


class _Candidate(NamedTuple):
    """A place whose score is high enough; it may turn out to be hidden."""

    start: int
    end: int
    key: str
    name: NoteName
    others: tuple[str, ...]
    score: Score


class MentionFinder:
    """Finds mentions in the notes of a vault.

    Attributes:
        names: Folded name to the notes that have it.
        terms: Folded terms that links of the vault name or show, with their targets.
        with_sections: The notes with a backlinks section.
        is_fast: False if a library is missing that makes the search in all notes several times as
            fast. The result is the same.
    """

    def __init__(
        self,
        index: Index,
        options: MentionOptions,
        sample: Mapping[str, str],
        is_excluded: Callable[[str], bool] = _exclude_none,
        *,
        plain: bool = False,
    ):
        """Collect the names and count the words.

        Args:
            index: The index of the vault.
            options: The options.
            sample: Texts of notes that `sample_paths` returns, by vault path.
            is_excluded: Returns True for vault paths of notes in which and to which no link is
                wanted, such as templates.
            plain: True to search without the library.
        """
        self.index = index
        self.options = options
        self.names: dict[str, tuple[NoteName, ...]] = {}
        self.with_sections: set[str] = set()
        self._exclusions = (is_excluded, compile_ordered_globs(options.ignored_folders))
        self.terms = self._read_notes()
        self.tally = Tally(sample.values())
        self._matcher = Matcher(self.names, self.tally.words, plain=plain)
        self.is_fast = self._matcher.is_fast
        self.tally.count_phrases(sample, self._matcher, self.names, index)
        self._known_keys: dict[frozenset[str], tuple[str, ...]] = {}
        self._source_counts: dict[str, int] = {}
        self._ignored = frozenset(map(fold_name, options.ignored_names))
        self._ignored_notes = frozenset(map(normalize_name, options.ignored_notes))
        self._ignored_pairs = frozenset(
            (normalize_name(source), normalize_name(target))
            for source, target in options.ignored_pairs
        )

    def _is_excluded(self, path: str) -> bool:
        return any(excludes(path) for excludes in self._exclusions)

    def _read_notes(self) -> Terms:
        """Collect the names of all notes; return the terms of their links."""
        terms: dict[str, set[str | None]] = {}
        for path in self.index.notes:
            add_terms(terms, self.index, path)
            if self.index.notes[path].sections:
                self.with_sections.add(path)
            if is_note(path) and not self._is_excluded(path):
                for key, name in list_names(self.index, path, self.options).items():
                    self.names[key] = (*self.names.get(key, ()), name)
        return fold_terms(terms)

    def find(self, path: str, text: str, to: Set[str] | None = None) -> list[Mention]:
        """Return the mentions in a note, in order.

        Their score is at least `options.lowest_score`, and there is one for each target (and
        section, if that is set). With `to`, only mentions of these vault paths are returned, which
        is fast for notes that do not name them.
        """
        if self._is_excluded(path):
            return []
        folded = FoldedText(text)
        if to is not None and not self._has_name_of(folded.text, to):
            return []
        return _NoteSearch(self, path, text, to).run(folded)

    def count_sources(self, path: str) -> int:
        count = self._source_counts.get(path)
        if count is None:
            count = self._source_counts[path] = len(self.index.sources_of(path))
        return count

    def is_ignored(self, source: str, key: str, target: str) -> bool:
        if key in self._ignored:
            return True
        if not self._ignored_notes and not self._ignored_pairs:
            return False
        name = normalize_name(target)
        return name in self._ignored_notes or (normalize_name(source), name) in self._ignored_pairs

    def match(self, folded: FoldedText, text: str) -> list[tuple[int, int, str]]:
        """Return the names in a text that are whole words.

        Of names that overlap, the longest counts. Start and end are offsets of the text.
        """
        found = []
        last = 0
        for start, end, key in self._matcher.find(folded.text):
            if start < last:
                continue
            begin, stop = folded.source_offset(start), folded.source_offset(end)
            if begin is None or stop is None or not is_whole(text, begin, stop):
                continue
            found.append((begin, stop, key))
            last = end
        return found

    def _has_name_of(self, folded: str, paths: Set[str]) -> bool:
        wanted = frozenset(paths)
        if wanted not in self._known_keys:
            self._known_keys[wanted] = tuple(
                key
                for key, names in self.names.items()
                if any(name.path in wanted for name in names)
            )
        keys = self._known_keys[wanted]
        return any(next(find_one(folded, key), None) for key in keys)


class _NoteSearch:
    """The search in one note. What takes time is done last, for few places."""

    def __init__(self, finder: MentionFinder, path: str, text: str, to: Set[str] | None):
        self._finder = finder
        self._path = path
        self._text = text
        self._to = to
        self._options = finder.options
        self._surroundings = Surroundings(path, finder.index)
        self._section_starts = (
            [heading.start for heading in self._note.headings] if self._options.each_section else []
        )
        self._linked = self._list_linked()

    @cached_property
    def _note(self) -> Note:
        return self._finder.index.notes[self._path]

    @cached_property
    def _subjects(self) -> tuple[str, ...]:
        return list_subjects(self._finder.index, self._path)

    def run(self, folded: FoldedText) -> list[Mention]:
        groups: dict[tuple[str, int], list[_Candidate]] = {}
        body = body_start(self._text)
        for start, end, key in self._finder.match(folded, self._text):
            if start < body:
                continue
            found = self._judge(start, end, key)
            if found:
                group = (found.name.path, self._section_of(start))
                groups.setdefault(group, []).append(found)
        if not groups or not can_hold_section(self._note):
            return []
        shown: dict[str, set[str | None]] = {}
        for link, target in self._finder.index.resolved_links(self._path):
            shown.setdefault(fold_name(_shown_text(link)), set()).add(target)
        visible = VisibleText(self._note, self._text)
        mentions = [
            self._choose(
                [item for item in group if not shown.get(item.key, set()) - {path}], visible
            )
            for (path, _), group in groups.items()
        ]
        return sorted(filter(None, mentions), key=lambda mention: mention.start)

    def _section_of(self, offset: int) -> int:
        return bisect_right(self._section_starts, offset) if self._section_starts else 0

    def _list_linked(self) -> Set[tuple[str | None, int]]:
        """Return the notes that the note links to, each with the number of the section.

        Links in a backlinks section are no mentions in the text, so they do not count.
        """
        path, index = self._path, self._finder.index
        if path not in self._finder.with_sections and not self._section_starts:
            return {(target, 0) for target in index.targets[path]}
        return {
            (target, self._section_of(link.start))
            for link, target in index.resolved_links(path)
            if link.place is not Place.SECTION
        }

    def _judge(self, start: int, end: int, key: str) -> _Candidate | None:
        """Return a place; None if it must not be linked or scores too low."""
        path = self._path
        names = self._finder.names[key]
        paths = [name.path for name in names]
        section = self._section_of(start)
        if path in paths or any((item, section) in self._linked for item in paths):
            return None
        if self._to is not None and self._to.isdisjoint(paths):
            return None
        if is_in_brackets(self._text, start):
            return None
        name, limit = self._pick(names, paths)
        if (
            limit < self._options.lowest_score
            or self._finder.is_ignored(path, key, name.path)
            or (self._to is not None and name.path not in self._to)
            or self._is_own_subject(key, name.path)
        ):
            return None
        sources = self._finder.count_sources(name.path)
        place = NamePlace(self._text, start, end, key, name, sources)
        score = score_place(place, self._finder.tally, self._surroundings)
        doubt = self._describe_doubt(place)
        if doubt:
            limit_of_doubt = _QUOTED_SCORE if doubt == _QUOTED else _DOUBTFUL_SCORE
            score = Score(min(limit_of_doubt, score.value), f"{score.why}, {doubt}")
        others = tuple(sorted(item for item in paths if item != name.path))
        if others:
            score = Score(min(limit, score.value), f"{score.why}, {len(paths)} notes have the name")
        if score.value < self._options.lowest_score or is_in_longer_term(place, self._finder.terms):
            return None
        return _Candidate(start, end, key, name, others, score)

    def _is_own_subject(self, key: str, target: str) -> bool:
        if not is_own_subject(key, self._subjects, is_linked=False):
            return False
        is_linked = self._surroundings.is_linked(target)
        return is_own_subject(key, self._subjects, is_linked=is_linked)

    def _describe_doubt(self, place: NamePlace) -> str:
        """Return why the name is never certain here; "" if there is no reason."""
        text, start, end, key, name, _ = place
        if is_example(text, start, end):
            return "only an example"
        if is_label(text, start, end):
            return "a label"
        if key.count(" ") < 2 and is_in_short_quotation(text, start, end):
            return _QUOTED
        if is_of_overview(name) and place.words.islower():
            return "the note is an overview"
        if is_part_of_title(self._finder.index, name):
            return "the title has more words"
        return ""

    def _pick(self, names: tuple[NoteName, ...], paths: list[str]) -> tuple[NoteName, float]:
        """Return the likeliest of the notes that have a name, and the highest score of it."""
        if len(names) == 1:
            return names[0], 1.0
        nearest = self._surroundings.pick_nearest(paths)
        if nearest is None or " " not in fold_name(names[0].text):
            return min(names, key=lambda item: item.path), _AMBIGUOUS_SCORE
        return next(item for item in names if item.path == nearest), _NEAR_SCORE

    def _choose(self, group: list[_Candidate], visible: VisibleText) -> Mention | None:
        """Return the first certain mention, else the first one; None if all are hidden."""
        first = None
        for item in group:
            is_certain = item.score.value >= self._options.min_score and not item.others
            if first and not is_certain:
                continue
            spot = visible.find_spot(item.start, item.end)
            if spot is None or (spot.in_heading and not self._options.headings):
                continue
            mention = self._make_mention(item, spot, is_certain)
            if is_certain:
                return mention
            first = mention
        return first

    def _make_mention(self, item: _Candidate, spot: Spot, is_certain: bool) -> Mention:
        line = self._text.count("\n", 0, item.start) + 1
        line_start = self._text.rfind("\n", 0, item.start) + 1
        return Mention(
            self._path,
            item.start,
            item.end,
            line,
            item.start - line_start + 1,
            self._text[item.start : item.end],
            item.name.path,
            item.name,
            item.score.value,
            item.score.why,
            is_certain,
            *find_sentence(self._text, item.start, item.end),
            item.others,
            spot.in_table_cell,
        )


def _shown_text(link: Link) -> str:
    return link.display or default_display_text(link.target, link.subpath)
