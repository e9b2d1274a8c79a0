"""Find where the text of notes names other notes without a link."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from functools import cached_property
from typing import NamedTuple

from vaultlink.backlinks.expected import can_hold_section
from vaultlink.config.patterns import compile_ordered_globs
from vaultlink.index.index import Index
from vaultlink.index.resolve import name_key, normalize_name
from vaultlink.index.words import is_unspaced
from vaultlink.links.index_notes import count_own_pieces, is_folder_note, lists_notes
from vaultlink.links.intent import is_drawing
from vaultlink.mentions.context import (
    find_expansion,
    find_sentence,
    is_among_links,
    is_example,
    is_in_compound,
    is_in_longer_term,
    is_in_short_quotation,
    is_label,
    is_whole,
    says_unlinked,
)
from vaultlink.mentions.evidence import (
    LONG_NAME,
    Sources,
    Surroundings,
    find_regions,
    list_linked_regions,
    shown_words,
)
from vaultlink.mentions.matcher import Matcher, find_one
from vaultlink.mentions.mention import Habit, Mention, MentionOptions, NamePlace, NoteName
from vaultlink.mentions.names import (
    FoldedText,
    fold_name,
    is_backup,
    is_card_deck,
    is_in_clippings,
    is_log,
    is_of_overview,
    is_own_subject,
    is_part_of_title,
    list_all_names,
    list_subjects,
)
from vaultlink.mentions.scoring import LINKED_OFTEN, NEVER, Score, score_place
from vaultlink.mentions.vault_evidence import VaultEvidence
from vaultlink.mentions.visible import Spot, VisibleText, has_text, is_in_brackets
from vaultlink.model import Note, Place
from vaultlink.parse.properties import body_start

# A finder is built once for an index. It knows the names of all notes and how common their words
# are; a search then takes the time to read one text.

_AMBIGUOUS_SCORE = 0.3
"""The highest score of a name that several notes have."""

_NEAR_SCORE = 0.6
"""The highest score of such a name if only one of the notes is near."""

_DOUBTFUL_SCORE = 0.45
"""The highest score of a name that seems to mean something else."""

_LONGEST_PARTICLE = 3
"""Letters of words such as `de` and `the`, which make no name longer."""

_SHORT_NAME = 2
"""The number of words below which a name may mean another thing in another folder."""

_QUOTED_SCORE = 0.6
"""The highest score of a short name in a quotation, such as a title or a command."""

_LISTED_SCORE = 0.65
"""The highest score of a name whose links the author seems not to want."""

_LONGEST_LINE = 1_000
"""Characters on each side of a name in which a link may explain it."""

_LONG_UNSPACED = 6
"""Characters of a name that is rarely a part of a longer one, in a script without spaces."""

_MIN_LINKS = 2
_CLEAR_SHARE = 0.9
"""If so many links with a name lead to one of the notes that have it, the name means that one."""


class _Candidate(NamedTuple):
    """A place whose score is high enough; it may turn out to be hidden."""

    start: int
    end: int
    key: str
    name: NoteName
    others: tuple[str, ...]
    score: Score
    is_clear: bool


class _Target(NamedTuple):
    """The likeliest note of a name, its highest score, and its namesakes."""

    name: NoteName
    limit: float
    others: tuple[str, ...]


class NameMatch(NamedTuple):
    """A name in a text; `is_possible` is False inside a longer name or word."""

    start: int
    end: int
    key: str
    is_possible: bool = True


class MentionFinder:
    """Finds mentions in the notes of a vault.

    Attributes:
        evidence: What all notes of the vault say about names.
        names: Folded name to the notes that have it.
        lists_all: True if places with a score of 0 are wanted too.
        asked: The names and words of other notes that searches looked at.
    """

    def __init__(
        self,
        index: Index,
        options: MentionOptions,
        sample: Mapping[str, str],
        is_excluded: Callable[[str], bool] = lambda _path: False,
        *,
        read: Callable[[str], str | None] | None = None,
        plain: bool = False,
        evidence: VaultEvidence | None = None,
    ):
        """Collect the names and count the words.

        `sample` has the texts of the notes that `sample_paths` returns, by vault path. No link is
        wanted in and to notes for which `is_excluded` returns True. Without `read`, which returns
        the text of a note, notes that say nothing are not told from others. With `plain`, the
        library is not used. If `evidence` is known, no sample is needed.
        """
        self.index = index
        self.options = options
        self.lists_all = options.lowest_score <= 0
        self._exclusions = (is_excluded, compile_ordered_globs(options.ignored_folders))
        self.evidence = evidence or VaultEvidence.collect(index, options, sample, self.is_excluded)
        self.names, self.tally = self.evidence.names, self.evidence.tally
        self._plain = plain
        if evidence is None:
            self.tally.count_names(self.matcher, self.names, index, sample)
        self.asked = self.tally.asked
        self._known_keys: dict[frozenset[str], tuple[str, ...]] = {}
        self._other_names: dict[str, Set[str]] = {}
        self._lists: dict[str, bool] = {}
        self._read = read
        self._silent: dict[str, bool] = {}
        self._regions = list_linked_regions(self.evidence.folder_pairs)
        self._ignored = frozenset(map(fold_name, options.ignored_names))
        self._ignored_notes = frozenset(map(normalize_name, options.ignored_notes))
        pairs = options.ignored_pairs
        self._ignored_pairs = {(normalize_name(one), normalize_name(two)) for one, two in pairs}

    @cached_property
    def matcher(self) -> Matcher:
        return Matcher(self.names, self.tally.words, plain=self._plain)

    @property
    def is_fast(self) -> bool:
        """False without the library that makes the search several times as fast."""
        return self.matcher.is_fast

    def is_excluded(self, path: str) -> bool:
        """Return True for notes in which and to which no link is wanted."""
        return any(excludes(path) for excludes in self._exclusions)

    def find(self, path: str, text: str, to: Set[str] | None = None) -> list[Mention]:
        """Return the mentions in a note, in order.

        Their score is at least `options.lowest_score`, and there is one for each target (and
        section, if that is set). With `to`, only mentions of these vault paths are returned, which
        is fast for notes that do not name them.
        """
        if self.is_excluded(path):
            return []
        folded = FoldedText(text)
        if to is not None and not self._has_name_of(folded.text, to):
            return []
        return _NoteSearch(self, path, text, to).run(folded)

    def find_sources(self, path: str) -> Sources:
        """Return what links to a file."""
        return self.evidence.find_sources(self.index, path)

    def is_ignored(self, source: str, key: str, target: str) -> bool:
        if key in self._ignored:
            return True
        if not self._ignored_notes and not self._ignored_pairs:
            return False
        name = normalize_name(target)
        return name in self._ignored_notes or (normalize_name(source), name) in self._ignored_pairs

    def match(self, folded: FoldedText, text: str) -> list[NameMatch]:
        """Return the names that are whole words; of overlapping ones only the longest."""
        found, last = [], 0
        find_offset: Callable[[int], int | None]
        find_offset = folded.source_offset if folded.has_offsets else int
        for start, end, key in self.matcher.find(folded.text):
            if start < last and not self.lists_all:
                continue
            begin, stop = find_offset(start), find_offset(end)
            if begin is None or stop is None:
                continue
            is_likely = start >= last and key not in self.evidence.unlikely
            is_possible = is_likely and is_whole(text, begin, stop)
            if is_possible:
                last = end
            elif not self.lists_all:
                continue
            found.append(NameMatch(begin, stop, key, is_possible))
        return found

    def find_habit(self, key: str, words: str, target: str) -> Habit:
        """Return how often the author links a name of a note, and how often not."""
        linked, same = self.evidence.wordings.count(key, words, target)
        return Habit(linked, same, self.tally.count_name(key))

    def list_other_names(self, path: str) -> Set[str]:
        """Return the folded names of a note, with its first heading."""
        if path not in self._other_names:
            self._other_names[path] = frozenset(list_all_names(self.index, path))
        return self._other_names[path]

    def is_list(self, path: str) -> bool:
        if path not in self._lists:
            self._lists[path] = lists_notes(self.index.notes[path])
        return self._lists[path]

    def are_apart(self, source: str, target: str) -> bool:
        """Return True if no link of the vault connects the folders of two notes."""
        regions = find_regions(source, target)
        return regions is not None and regions not in self._regions

    def says_nothing(self, path: str) -> bool:
        """Return True for a note without any text of its own, and for a drawing."""
        if path not in self._silent:
            note, read = self.index.notes[path], self._read
            self._silent[path] = is_drawing(note) or bool(read and not has_text(note, read))
        return self._silent[path]

    def is_stub(self, path: str) -> bool:
        """Return True if a note has no text, or links alone, as a tag page."""
        note = self.index.notes[path]
        return note.blank or count_own_pieces(note) <= len(note.lone_links)

    def _has_name_of(self, folded: str, paths: Set[str]) -> bool:
        wanted = frozenset(paths)
        if wanted not in self._known_keys:
            self._known_keys[wanted] = tuple(
                key
                for key, names in self.names.items()
                if not wanted.isdisjoint([name.path for name in names])
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
        self._index = finder.index
        self._surroundings = Surroundings(path, finder.index, finder.find_sources)
        headings = self._note.headings if self._options.each_section else ()
        self._section_starts = [heading.start for heading in headings]
        self._linked = self._list_linked()
        self._known_targets: dict[str, str] = {}

    @cached_property
    def _note(self) -> Note:
        return self._finder.index.notes[self._path]

    @cached_property
    def _subjects(self) -> tuple[str, ...]:
        return list_subjects(self._finder.index, self._path)

    def run(self, folded: FoldedText) -> list[Mention]:
        groups = self._group_by_target(folded)
        if not groups or not can_hold_section(self._note):
            return []
        shown: dict[str, set[str | None]] = {}
        for link, target in self._finder.index.resolved_links(self._path):
            shown.setdefault(fold_name(shown_words(link)), set()).add(target)
        visible = VisibleText(self._note, self._text)
        mentions = [
            self._choose(self._drop_linked(self._judge_all(group), shown, path), visible)
            for (path, _), group in groups.items()
        ]
        return sorted(filter(None, mentions), key=lambda mention: mention.start)

    def _group_by_target(
        self, folded: FoldedText
    ) -> Mapping[tuple[str, int], list[tuple[NameMatch, _Target]]]:
        """Return the places that may be linked, by target and number of the section."""
        groups: dict[tuple[str, int], list[tuple[NameMatch, _Target]]] = {}
        known: dict[tuple[str, int], _Target | None] = {}
        body = body_start(self._text)
        for match in self._finder.match(folded, self._text):
            if match.start < body:
                continue
            where = match.key, self._section_of(match.start)
            if where not in known:
                known[where] = self._find_target(*where)
            target = known[where]
            if target is not None:
                group = target.name.path, where[1]
                groups.setdefault(group, []).append((match, target))
        return groups

    def _find_target(self, key: str, section: int) -> _Target | None:
        names = self._finder.names[key]
        paths = [name.path for name in names]
        for path in paths:
            if path == self._path or (path, section) in self._linked:
                return None
        if self._to is not None and self._to.isdisjoint(paths):
            return None
        self._finder.asked.add(key)
        name, limit = self._pick(key, names, paths)
        if limit < self._options.lowest_score or (self._to and name.path not in self._to):
            return None
        if self._finder.is_ignored(self._path, key, name.path):
            return None
        others = tuple(sorted(item for item in paths if item != name.path))
        return _Target(name, limit, others)

    def _judge_all(self, group: Iterable[tuple[NameMatch, _Target]]) -> Iterator[_Candidate]:
        for match, target in group:
            found = self._judge(match, target)
            if found is not None:
                yield found

    def _drop_linked(
        self, group: Iterable[_Candidate], shown: Mapping[str, Set[str | None]], path: str
    ) -> Iterator[_Candidate]:
        """Yield places; not of a name that is the text of a link to another note."""
        for item in group:
            if not shown.get(item.key, set()) - {path}:
                yield item
            elif self._finder.lists_all:
                yield item._replace(score=NEVER)

    def _section_of(self, offset: int) -> int:
        return bisect_right(self._section_starts, offset) if self._section_starts else 0

    def _list_linked(self) -> Set[tuple[str | None, int]]:
        """Return the linked notes, each with its section; backlinks sections don't count."""
        path, index = self._path, self._finder.index
        if not self._note.sections and not self._section_starts:
            return {(target, 0) for target in index.targets[path]}
        return {
            (target, self._section_of(link.start))
            for link, target in index.resolved_links(path)
            if link.place is not Place.SECTION
        }

    def _judge(self, match: NameMatch, target: _Target) -> _Candidate | None:
        start, end, key, is_possible = match
        name, limit, others = target
        if is_in_brackets(self._text, start):
            return None
        score = self._score(self._make_place(match, name)) if is_possible else NEVER
        if others and limit < 1:
            count = len(others) + 1
            score = Score(min(limit, score.value), f"{score.why}, {count} notes have the name")
        if score.value < self._options.lowest_score:
            return None
        return _Candidate(start, end, key, name, others, score, limit == 1)

    def _make_place(self, match: NameMatch, name: NoteName) -> NamePlace:
        start, end, key, _ = match
        finder, path = self._finder, name.path
        habit = finder.find_habit(key, self._text[start:end], path)
        sources = finder.find_sources(path).number
        return NamePlace(self._text, start, end, key, name, sources, habit, finder.is_list(path))

    def _score(self, place: NamePlace) -> Score:
        finder = self._finder
        if self._is_own_subject(place.key, place.name.path):
            return NEVER
        score = score_place(place, finder.tally, self._surroundings)
        if score.value < self._options.lowest_score or not score.value:
            return score
        if (
            place.key in finder.list_other_names(self._path)
            or is_in_longer_term(place, finder.evidence.wordings.leads_elsewhere)
            or says_unlinked(*place[:3])
        ):
            return NEVER
        doubt, limit = self._describe_doubt(place)
        return Score(min(limit, score.value), f"{score.why}, {doubt}") if doubt else score

    def _is_own_subject(self, key: str, target: str) -> bool:
        if not is_own_subject(key, self._subjects, is_linked=False):
            return False
        is_linked = self._surroundings.is_linked(target)
        return is_own_subject(key, self._subjects, is_linked=is_linked)

    def _describe_doubt(self, place: NamePlace) -> tuple[str, float]:
        """Return why a name is not certain here, or "", and its highest score."""
        text, start, end, key, name, *_ = place
        if is_example(text, start, end):
            return "only an example", _DOUBTFUL_SCORE
        if is_label(text, start, end) and not is_among_links(text, start, end):
            return "a label", _DOUBTFUL_SCORE
        if key.count(" ") < 2 and is_in_short_quotation(text, start, end):
            return "in a quotation", _QUOTED_SCORE
        if is_of_overview(name) and place.words.islower():
            return "the note is an overview", _DOUBTFUL_SCORE
        if is_part_of_title(self._finder.index, name) and not place.habit.linked:
            return "the title has more words", _DOUBTFUL_SCORE
        if is_in_compound(place, self._finder.tally):
            return "a part of a longer term", _DOUBTFUL_SCORE
        if self._is_explained(start, end, key):
            return "a link of the line says it", _DOUBTFUL_SCORE
        expansion = find_expansion(text, start, end)
        if expansion and fold_name(expansion) not in self._finder.list_other_names(name.path):
            return "short for other words", _DOUBTFUL_SCORE
        return self._describe_habit(place)

    def _describe_habit(self, place: NamePlace) -> tuple[str, float]:
        """Return why the author hardly wants a link, or "", and its highest score."""
        habit = place.habit
        path = place.name.path
        if path not in self._known_targets:
            self._known_targets[path] = self._describe_target(path)
        why = self._own_doubt or self._known_targets[path]
        if why:
            return why, _LISTED_SCORE
        if place.is_overview and " " not in place.key:
            return "the note is a list of links", _LISTED_SCORE
        if place.sources and not habit.linked and self._finder.is_stub(place.name.path):
            return "a note without text that only lists link to", _LISTED_SCORE
        is_short = place.key.count(" ") < _SHORT_NAME
        if is_short and self._finder.are_apart(self._path, place.name.path):
            return "no link connects the folders", _LISTED_SCORE
        if self._is_far(place):
            return "neither folders nor links bring the note near", _LISTED_SCORE
        if habit.is_mostly_plain and (place.sources or place.words.islower()):
            return "mostly named without a link", _LISTED_SCORE
        is_short = len(place.key) < _LONG_UNSPACED
        if habit.share < LINKED_OFTEN and is_short and any(map(is_unspaced, place.key)):
            return "rarely linked, in a script without spaces", _LISTED_SCORE
        return "", 1.0

    def _is_explained(self, start: int, end: int, key: str) -> bool:
        """Return True if a link in the line of a name shows a longer name with its words."""
        begin, stop = max(0, start - _LONGEST_LINE), end + _LONGEST_LINE
        begin = max(begin, self._text.rfind("\n", begin, start))
        line_end = self._text.find("\n", end, stop)
        first = bisect_right(self._link_words, (begin, ""))
        last = bisect_right(self._link_words, (stop if line_end == -1 else line_end, ""))
        near = [text for _, text in self._link_words[first:last] if text != key]
        return any(next(find_one(text, key), None) for text in near)

    @cached_property
    def _link_words(self) -> list[tuple[int, str]]:
        """The links of the note: their offsets, and the folded words that they show."""
        links = [link for link in self._note.links if not link.embed]
        return sorted((link.start, fold_name(shown_words(link))) for link in links)

    @cached_property
    def _own_doubt(self) -> str:
        """The reason why hardly any link is wanted in the note, or ""."""
        if is_backup(self._path):
            return "in a backup"
        if is_in_clippings(self._path) and not self._note.links:
            return "in a clipping without links"
        if is_log(self._path) and not self._note.links:
            return "in a log without links"
        if is_card_deck(self._path):
            return "in flashcards"
        return ""

    def _describe_target(self, path: str) -> str:
        """Return why hardly any link to a note is wanted in this one, or ""."""
        if self._finder.says_nothing(path):
            return "the note has no text"
        if is_folder_note(path, self._path):
            return "the note of this folder"
        if self._has_nearer_twin(path):
            return "another note with that file name is nearer"
        if is_backup(path):
            return "a backup"
        if any(link.embed and to == self._path for link, to in self._index.resolved_links(path)):
            return "the note embeds this one"
        return ""

    def _has_nearer_twin(self, target: str) -> bool:
        return any(
            other not in (target, self._path) and self._surroundings.is_nearer(other, target)
            for other in self._index.names.get(name_key(target), ())
        )

    def _is_far(self, place: NamePlace) -> bool:
        """Return True for a name that may mean something else in this part of the vault."""
        long_words = [word for word in place.key.split() if len(word) > _LONGEST_PARTICLE]
        return self._surroundings.is_far(place.name.path) and (
            place.habit.linked > 0 or (place.words[1:].islower() and len(long_words) <= LONG_NAME)
        )

    def _pick(
        self, key: str, names: tuple[NoteName, ...], paths: list[str]
    ) -> tuple[NoteName, float]:
        """Return the likeliest of the notes that have a name, and the highest score of it."""
        if len(names) == 1:
            return names[0], 1.0
        linked = self._finder.evidence.wordings.count_targets(key)
        total = sum(linked.values())
        path = max(paths, key=lambda item: linked.get(item, 0))
        if total >= _MIN_LINKS and linked.get(path, 0) >= _CLEAR_SHARE * total:
            return next(item for item in names if item.path == path), 1.0
        nearest = self._surroundings.pick_nearest(paths)
        if nearest is None or " " not in fold_name(names[0].text):
            wanted = [item for item in names if self._to is not None and item.path in self._to]
            return min(wanted or names, key=lambda item: item.path), _AMBIGUOUS_SCORE
        return next(item for item in names if item.path == nearest), _NEAR_SCORE

    def _choose(self, group: Iterable[_Candidate], visible: VisibleText) -> Mention | None:
        """Return the first certain mention that is visible, else the first likely one."""
        first = None
        for item in group:
            is_likely = item.score.value >= self._options.min_score
            is_certain = is_likely and item.is_clear and item.score != NEVER
            if first and not is_certain and (first.score or not item.score.value):
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
