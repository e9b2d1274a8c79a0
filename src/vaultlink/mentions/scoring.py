"""Score how likely a reader would want a link, by the words and notes around it."""

from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from vaultlink.index.index import Index, link_name
from vaultlink.index.resolve import parent_folder
from vaultlink.index.words import is_unspaced
from vaultlink.mentions.matcher import Tally, is_word_char
from vaultlink.mentions.mention import NameKind, NoteName
from vaultlink.mentions.names import fold_name
from vaultlink.text import lazy_pattern

# -- words, their boundaries and the sentence around them ------------------------------------------
# All offsets are those of the text.


_JOINTS = "-_'’‘ʼ./\\@#:&+=~%$\u2010\u2011\u2013\u00b7"
"""Characters that join a name with the letters beyond them to one longer word."""

_POSSESSIVE = lazy_pattern(r"['’ʼ]s?(?![^\W_])")
_SENTENCE_END = lazy_pattern(r"[.!?…。！？][\"'”’»)\]*_]*(?=\s)")
_LONGEST_SENTENCE = 2000
"""The number of characters that are read on each side. More take long in lines of a megabyte."""

_ABBREVIATION = lazy_pattern(
    r"(?:^|[\s(])(?:\w|Mr|Mrs|Ms|Dr|Prof|St|vs|etc|e\.g|i\.e|cf|No|Vol)\.$"
)
_LINE_MARKS = lazy_pattern(r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+(?:\[.\]\s+)?)*[\s>]*")
_LEAD_MARKS = " \t*_~=\"'“”‘’«»„(|>[]"
_NEXT_WORD = lazy_pattern(r"[ \u00a0]([^\W_][\w'’-]*)")
_LAST_WORD = lazy_pattern(r"[^\W_][\w'’.-]*$")
_ELISION = lazy_pattern(r"^(?:[dlnsDLNS]|[dD]ell|[aA]ll|[nN]ell|[sS]ull|[dD]all|[uU]n|[qQ]u)['’]")
_ITEM = lazy_pattern(r"[\s>]*(?:[-*+]|\d{1,9}[.)])\s+[*_\"“]*")
_ANY_ITEM = lazy_pattern(r"[\s>]*(?:[-*+]|\d{1,9}[.)])\s")
_EXAMPLES = lazy_pattern(
    r"(?:recommended|examples?|e\.g\.|such as|esemp\w*|ejemplo\w*|exempl\w*|beispiel\w*)\W*$", 2
)
"""The end of a line that announces examples."""

_EXAMPLE_LABEL = lazy_pattern(r"for example|e\.g\.|per esempio|por ejemplo|zum Beispiel", 2)
_OPENING_QUOTES = ('"', "“", "„", "«")

_QUOTES = (('"', '"'), ("“", "”"), ("„", "“"), ("«", "»"), ("*", "*"), ("_", "_"))
"""Opening and closing marks of quotations and emphasis."""

_QUOTATION_MARKS = (*_QUOTES[:4], ("‘", "’"))
_LONGEST_QUOTATION = 60
_LABEL_START = lazy_pattern(r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+(?:\[.\]\s+)?)?[*_]*")
_LABEL_END = lazy_pattern(r"[*_]*:(?=[*_]|\s|$)|[.][*_]{2}", 8)

_LONG_CAPITALIZED = lazy_pattern(r"(?<![^\W_])[A-Z][^\W\d_]{3,}")

JOINING_WORDS = frozenset(("of", "de", "du", "von", "van", "&", "for"))
"""Words that join a capitalized name with what stands before it, as in `University of X`."""


def is_whole(text: str, start: int, end: int) -> bool:
    """Return True if a span is not part of a longer word or compound.

    In `state-of-the-art`, `example.md` and `O'Reilly`, no part is a whole word. A possessive ending
    behind several words is no part of them.
    """
    return _is_free(text, start, -1) and (
        _is_free(text, end, 1)
        or (" " in text[start:end] and _POSSESSIVE.match(text, end) is not None)
    )


def _is_free(text: str, at: int, step: int) -> bool:
    """Return True if no word continues beyond a boundary, before it or behind it."""
    near = at if step == 1 else at - 1
    if not 0 <= near < len(text):
        return True
    char, own = text[near], text[at - 1 if step == 1 else at]
    if is_word_char(char):
        return is_unspaced(char) or is_unspaced(own)
    if char not in _JOINTS:
        return True
    if step == -1 and char in "\\@#$~":
        return False
    beyond = near + step
    return not (0 <= beyond < len(text) and is_word_char(text[beyond]))


def find_sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span of the sentence around a span.

    It is within its line and has no list marks. Of a very long one, it is the part around the span.
    """
    furthest = max(0, start - _LONGEST_SENTENCE)
    line_start = text.rfind("\n", furthest, start) + 1 or furthest
    line_end = text.find("\n", end, end + _LONGEST_SENTENCE)
    line_end = min(len(text), end + _LONGEST_SENTENCE) if line_end == -1 else line_end
    marks = _LINE_MARKS.match(text, line_start, start)
    first = marks.end() if marks else line_start
    last = line_end
    for match in _SENTENCE_END.finditer(text, first, line_end):
        if match.end() <= start:
            if not _ABBREVIATION.search(text[max(first, match.start() - 8) : match.start() + 1]):
                first = match.end()
        elif match.start() >= end:
            last = match.end()
            break
    while first < start and text[first].isspace():
        first += 1
    while last > end and text[last - 1].isspace():
        last -= 1
    return first, last


def starts_sentence(text: str, start: int, sentence_start: int) -> bool:
    """Return True if only marks stand between the start of a sentence and a word.

    What follows a colon, a table's pipe or a dash at the start of an item counts as a sentence.
    """
    before = text[sentence_start:start].rstrip(_LEAD_MARKS)
    return not before or before[-1] in ":|–—•·"


def word_before(text: str, start: int, sentence_start: int) -> tuple[str, bool]:
    """Return the word directly before a word, and True if it starts the sentence.

    "" if anything but one space stands between them. An elided article is no part of the word, as
    in `l'Arno`.
    """
    if start - 1 < sentence_start or text[start - 1] not in " \u00a0":
        return "", False
    match = _LAST_WORD.search(text, max(sentence_start, start - 60), start - 1)
    if not match:
        return "", False
    word = _ELISION.sub("", match[0])
    return word, starts_sentence(text, match.start(), sentence_start)


def word_behind(text: str, end: int) -> str:
    """Return the word that only one space separates from a word; "" if there is none."""
    match = _NEXT_WORD.match(text, end)
    return match[1] if match else ""


def is_example(text: str, start: int, end: int) -> bool:
    """Return True for an item with nothing but a name in a list of examples.

    The line above the list announces them. Names in quotation marks behind `for example` count too.
    """
    line_start = text.rfind("\n", 0, start) + 1
    if text[start - 1 : start] in _OPENING_QUOTES and text[end : end + 1] not in (" ", ""):
        return _EXAMPLE_LABEL.search(text, line_start, start) is not None
    line_end = text.find("\n", end)
    if not _ITEM.fullmatch(text, line_start, start):
        return False
    if text[end : len(text) if line_end == -1 else line_end].strip(' \t*_"”'):
        return False
    above = text[max(0, line_start - 600) : line_start]
    for line in reversed(above.splitlines()):
        if line.strip() and not _ANY_ITEM.match(line):
            return _EXAMPLES.search(line) is not None
    return False


def is_label(text: str, start: int, end: int) -> bool:
    """Return True for words at the start of a line that name what follows them.

    A colon or the end of bold text with a full stop stands behind them: `**Weather**: dry`.
    """
    line_start = text.rfind("\n", 0, start) + 1
    if not _LABEL_START.fullmatch(text, line_start, start):
        return False
    return _LABEL_END.match(text, end) is not None


def is_in_short_quotation(text: str, start: int, end: int) -> bool:
    """Return True within a quotation of a few words, such as a title or a command."""
    if text[start - 1 : start] == "'" == text[end : end + 1]:
        return True
    line_start, line_end = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    before = text[max(line_start, start - _LONGEST_QUOTATION) : start]
    behind = text[end : end + _LONGEST_QUOTATION]
    behind = behind[: line_end - end] if line_end != -1 else behind
    return any(
        (at := before.rfind(opening)) != -1
        and closing not in before[at + 1 :]
        and (opening != closing or before.count(opening) % 2)
        and closing in behind
        for opening, closing in _QUOTATION_MARKS
    )


def follows_capitalized(text: str, start: int, sentence_start: int) -> bool:
    """Return True for words joined to a name, as in `University of the Arts`."""
    at = start
    joined = False
    for _ in range(3):
        word, _ = word_before(text, at, sentence_start)
        if not word:
            return False
        if word[0].isupper():
            return joined
        joined = joined or word in JOINING_WORDS
        if word not in JOINING_WORDS and word != "the":
            return False
        at -= len(word) + 1
    return False


def is_in_quoted_title(text: str, start: int, sentence_start: int) -> bool:
    """Return True behind capitalized words in quotes: `"Order of the World"`."""
    before = text[sentence_start:start]
    for opening, closing in _QUOTES:
        at = before.rfind(opening)
        if at == -1 or (opening == closing and before.count(opening) % 2 == 0):
            continue
        inner = before[at + 1 :]
        if closing not in inner and _LONG_CAPITALIZED.search(inner):
            return True
    return False


# -- tell how near one note is to another, by folders and links ------------------------------------


_MOST_LINKS = 60
"""A note with more links is an overview. That it links to two notes says little about them."""

_MIN_SHARED = 2

_MANY_FOLDERS = 5
"""A note that notes of so many folders link to is known in the whole vault."""

_LONG_NAME = 3
"""The number of words from which a name means the same note nearly everywhere."""


class Surroundings:
    """A note's folder, and the notes one or two links away."""

    def __init__(self, path: str, index: Index):
        self._path = path
        self._index = index
        self._folder = parent_folder(path)
        self._targets = frozenset(index.targets[path]) - {None, path}
        self._second: frozenset[str | None] | None = None

    def is_in_folder(self, target: str) -> bool:
        return parent_folder(target) == self._folder

    def is_linked(self, target: str) -> bool:
        """Return True if links connect the notes: directly, or through one other note."""
        others = self._index.targets.get(target, ())
        if self._path in others:
            return True
        shared = len(self._targets.intersection(others)) if len(others) <= _MOST_LINKS else 0
        return shared >= _MIN_SHARED or target in self._find_second()

    def pick_nearest(self, targets: Collection[str]) -> str | None:
        for is_near in (self.is_in_folder, self.is_linked):
            near = [target for target in targets if is_near(target)]
            if near:
                return near[0] if len(near) == 1 else None
        return None

    def is_known(self, target: str) -> bool:
        """Return True if a note belongs to this folder, or to the whole vault.

        It is in the folder, or notes of the folder or of many folders link to it. A folder within
        the folder or around it counts as the same, except for the vault's root.
        """
        if self._is_related(parent_folder(target)):
            return True
        folders = {parent_folder(source) for source in self._index.sources_of(target)}
        return len(folders) >= _MANY_FOLDERS or any(map(self._is_related, folders))

    def _is_related(self, folder: str) -> bool:
        """Return True if a folder is the note's own, or one of the two contains the other."""
        own = self._folder
        if not own or not folder:
            return own == folder
        return own.startswith(folder) or folder.startswith(own)

    def describe(self, target: str, words: int) -> tuple[float, str]:
        """Return what the distance of a note adds to the score of a name of so many words."""
        if not self.is_known(target):
            if not self._folder and not self.is_linked(target):
                return -0.03, ""  # the root has notes of all subjects
            is_long = words >= _LONG_NAME
            if self.is_linked(target):
                return (0.0 if is_long else -0.03), "two links away, but in another folder"
            return (-0.04 if is_long else -0.09), "in another folder"
        if self.is_linked(target):
            return 0.08, "two links away"
        if self.is_in_folder(target):
            return 0.07, "in the same folder"
        return 0.03, "known in this folder"

    def _find_second(self) -> frozenset[str | None]:
        if self._second is None:
            found: set[str | None] = set()
            if len(self._targets) <= _MOST_LINKS:
                for target in self._targets:
                    others = self._index.targets.get(target or "", ())
                    if len(others) <= _MOST_LINKS:
                        found.update(others)
            self._second = frozenset(found)
        return self._second


# -- score how likely a reader would want the link, and say why ------------------------------------
# The score is a sum: how much the words tell, how they are written, how near the named note is,
# and how many notes link to it. The weights were set by reading mentions in vaults of several
# kinds.


_CASED_WORD = lazy_pattern(r"[^\W\d_]+")
_FORM_OF_ADDRESS = lazy_pattern(r"(?:Mrs?|Ms|Dr|Prof|St|Sir|Mme|Hr|Fr)\.?")

_COMMON_SHARE = 0.02
"""A word that this share of the notes has in lower case is a common word of the vault."""

_GENERAL_SHARE = 0.2
"""A word that this share of the notes has in any case is what the vault is about."""

_ARTICLE_SHARE = 0.5
_LONGEST_ARTICLE = 3
_RARE_SHARE = 0.01
_LONG_WORD = 9
_SHORTEST_PART = 4


_MIN_SAMPLE = 100
"""In a smaller sample, a missing word need not be rare, and few links to a note say nothing."""

_SOME_SOURCES = 4
_MANY_SOURCES = 8
"""Notes that link to a note whose name is a term of the vault."""

_FEW_LINKS = 1.5
"""In a vault whose notes have fewer links, few links to a note say nothing either."""

_SAID_SHARE = 0.1
_LINKED_SHARE = 0.02
"""A name that so many notes have and so few of these link is an everyday phrase."""


class NamePlace(NamedTuple):
    """A place of a name in a text.

    `key` is the folded name, and `sources` the number of notes that link to the named note.
    """

    text: str
    start: int
    end: int
    key: str
    name: NoteName
    sources: int

    @property
    def words(self) -> str:
        return self.text[self.start : self.end]


class Score(NamedTuple):
    value: float
    why: str


Part = tuple[float, str]
"""A part of a score and its reason; "" if there is nothing to say."""

_NEVER = Score(0.0, "")


def score_place(place: NamePlace, tally: Tally, surroundings: Surroundings) -> Score:
    """Return the score of a name in the text of a note; 0 if it must not be linked."""
    form = _describe_form(place.words, place.name.text)
    if form == "capitals differ":
        return _NEVER
    sentence_start, _ = find_sentence(place.text, place.start, place.end)
    is_first = starts_sentence(place.text, place.start, sentence_start)
    count = len(place.key.split())
    if count == 1 and any(map(is_unspaced, place.key)):
        count = len(place.key) // 2  # in these scripts, most words have two characters
    if _is_in_longer_name(place, sentence_start, tally):
        return _NEVER
    first = (
        _score_word(place, tally, form, is_first)
        if count == 1
        else _score_phrase(place, tally, form, is_first, count)
    )
    if first[0] <= 0:
        return _NEVER
    has_article = count > 1 and _is_article(place.key.split()[0], tally)
    if has_article and count == 2:
        first = first[0] - 0.08, f"{first[1]}, one of them an article"
    distance = surroundings.describe(place.name.path, count - has_article)
    is_long = count - has_article >= _LONG_NAME and form in ("exact", "lower") and not is_first
    sources = _score_sources(place.sources, tally, is_long=is_long)
    if distance[1].endswith("another folder"):
        sources = min(sources, (0.0, ""))  # links in other folders are of little use here
        return _add_up((first, distance, sources))
    return _add_up((first, distance, _score_links(place.key, tally), sources))


def _add_up(parts: Sequence[Part]) -> Score:
    value = sum(part for part, _ in parts)
    why = ", ".join(reason for _, reason in parts if reason)
    return Score(round(max(0.01, min(0.99, value)), 2), why)


# -- how the words are written -------------------------------------------------------------------


def _describe_form(words: str, name: str) -> str:
    """Return how words are written compared with a name.

    `exact`: with the same capitals, of which the name has one in each main word. `proper`: as a
    proper noun, although the name is in lower case. `plain`: the name has no telling capitals.
    `lower`: in lower case, although the name is a proper noun. `capitals differ`: only the name is
    in capitals.
    """
    own, other = _CASED_WORD.findall(words), _CASED_WORD.findall(name)
    if len(own) != len(other):
        return "plain"
    capitals = [one for one in other if len(one) > 1 and one.isupper()]
    if capitals and any(
        one.isupper() and len(one) > 1 and mine != one for mine, one in zip(own, other, strict=True)
    ):
        return "capitals differ"
    if _is_proper(other):
        return "exact" if _is_proper(own) else "lower"
    return "proper" if _is_proper(own) else "plain"


def _is_proper(words: list[str]) -> bool:
    """Return True if all words of more than three letters have a capital.

    That of the first of several words alone does not count.
    """
    main = [word for word in words if len(word) > 3] or words
    cased = [word != word.lower() for word in words]
    return all(word != word.lower() for word in main) and any(cased[len(words) > 1 :])


def _is_in_longer_name(place: NamePlace, sentence_start: int, tally: Tally) -> bool:
    """Return True if capitalized words next to a name belong to the same name.

    The first word of a sentence counts unless the vault has it in lower case too. Before a single
    word it must also be short and common, as in `In Word`; `Page Border` is one name.
    """
    own = _CASED_WORD.findall(place.words)
    if not own:
        return False
    behind = word_behind(place.text, place.end)
    if own[-1][0].isupper() and behind and (behind[0].isupper() or behind[0].isdigit()):
        return True
    if not own[0][0].isupper():
        return False
    before, is_first = word_before(place.text, place.start, sentence_start)
    is_name = before[:1].isupper() and not before.endswith(".")
    is_short = len(before) < _SHORTEST_PART
    if " " in place.key:
        is_word = is_short or tally.lower[before.lower()] > 0
    else:
        is_word = is_short and tally.lower_share(before.lower()) >= _GENERAL_SHARE
    if is_name and not (is_first and is_word):
        return True
    if " " not in place.key and _FORM_OF_ADDRESS.fullmatch(before):
        return True
    return follows_capitalized(place.text, place.start, sentence_start) or is_in_quoted_title(
        place.text, place.start, sentence_start
    )


def _score_word(place: NamePlace, tally: Tally, form: str, is_first: bool) -> Part:
    word = place.key
    if tally.share(word) >= _GENERAL_SHARE:
        return 0.0, ""
    if form in ("exact", "proper") and not is_first:
        return _score_capitalized(place, tally, form)
    if tally.notes < _MIN_SAMPLE or tally.share(word) > _RARE_SHARE:
        return 0.0, ""
    if form in ("exact", "proper") and not tally.lower[word]:
        return 0.42, "one rare word at the start of a sentence"
    if form == "plain" and len(word) >= _LONG_WORD:
        return 0.4, "one rare word"
    return 0.0, ""


def _score_capitalized(place: NamePlace, tally: Tally, form: str) -> Part:
    word = place.key
    lower, other = tally.lower[word], tally.words[word] - tally.lower[word]
    is_common = tally.lower_share(word) >= _COMMON_SHARE or lower > other
    if is_common or _is_title_line(place):
        if _is_often_linked(word, tally) and not _is_title_line(place):
            return 0.42, "one common word, but capitalized"
        return 0.0, ""
    if tally.has_capital_nouns:
        return 0.5, "capitalized as all nouns are"
    return (0.62, "capitalized") if form == "exact" else (0.56, "capitalized")


def _is_title_line(place: NamePlace) -> bool:
    """Return True if most words of a sentence are capitalized, as in titles."""
    first, last = find_sentence(place.text, place.start, place.end)
    others = place.text[first : place.start] + " " + place.text[place.end : last]
    words = [word for word in _CASED_WORD.findall(others)[1:] if len(word) > 3]
    return len(words) >= 2 and sum(word[0].isupper() for word in words) >= 0.6 * len(words)


def _is_often_linked(key: str, tally: Tally) -> bool:
    counts = tally.phrases.get(key)
    return counts is not None and counts.linked >= 2 and counts.linked >= 0.2 * counts.notes


def _score_phrase(place: NamePlace, tally: Tally, form: str, is_first: bool, count: int) -> Part:
    information = min(tally.information(place.key), 16.0)
    value = 0.64 + 0.012 * information + 0.02 * (min(count, 5) - 2)
    reasons = [f"{count} words"]
    if information < 4:
        value -= 0.1
        reasons.append("all common here")
    elif information >= 10:
        reasons.append("rare here")
    if form == "exact" and not is_first:
        value += 0.12
        reasons.append("capitalized as in the name")
    elif form == "lower" and place.name.kind is not NameKind.TITLE:  # whose capitals say little
        return 0.0, ""
    elif _is_file_slug(place):
        value -= 0.08
    elif form == "plain" and place.name.kind is NameKind.ALIAS and place.key == place.words:
        value -= 0.05
    return value, ", ".join(reasons)


def _is_article(word: str, tally: Tally) -> bool:
    return len(word) <= _LONGEST_ARTICLE and tally.share(word) >= _ARTICLE_SHARE


def _is_file_slug(place: NamePlace) -> bool:
    name = link_name(place.name.path)
    return place.name.kind is NameKind.FILE and "-" in name and name.islower()


def _score_links(key: str, tally: Tally) -> Part:
    """Return what the notes that have a name say by linking or not linking with it."""
    counts = tally.phrases.get(key)
    if counts is None or not counts.notes:
        return 0.0, ""
    if counts.notes >= _SAID_SHARE * tally.notes and (
        counts.linked <= _LINKED_SHARE * counts.notes and tally.notes >= _MIN_SAMPLE
    ):
        return -0.2, "often named and hardly ever linked"
    if counts.linked:
        return min(0.12, 0.04 + 0.2 * counts.linked / counts.notes), "linked elsewhere"
    if counts.notes >= 10 and " " not in key:
        return -0.08, "often named and never linked"
    return 0.0, ""


def _score_sources(sources: int, tally: Tally, *, is_long: bool) -> Part:
    """Return what the number of notes that link to a note says about its name.

    In a large vault, other notes link to what is a term there. The name of a note to which few do
    is often an everyday phrase, unless it `is_long`, or notes have few links anyway.
    """
    if tally.notes < _MIN_SAMPLE:
        return 0.0, ""
    if sources >= _MANY_SOURCES:
        return 0.02, "many notes link to it"
    if sources >= _SOME_SOURCES:
        return 0.0, "some notes link to it"
    if is_long or tally.links < _FEW_LINKS:
        return -0.05, ""
    return -0.37, "few notes link to it"


# -- tell if the words next to a name make it a part of a longer term ------------------------------


_LONGEST_TERM = 80
_ABBREVIATION_BEHIND = lazy_pattern(r" \(([A-Za-z]*[A-Z][A-Za-z]*[A-Z])s?\)")


Terms = Mapping[str, Set[str | None]]
"""Folded term to the vault paths of the notes that links with it lead to."""


def add_terms(forms: dict[str, set[str | None]], index: Index, path: str) -> None:
    """Add the terms that the links of a note show or name; the target may be None."""
    for link, target in index.resolved_links(path):
        if link.external:
            continue
        # A note's own name needs no entry, because the longest name wins.
        term = link.display or (link.target if target is None else None)
        if term and len(term) <= _LONGEST_TERM and " " in term and "/" not in term:
            forms.setdefault(term, set()).add(target)


def fold_terms(forms: Mapping[str, Set[str | None]]) -> Terms:
    terms: dict[str, set[str | None]] = {}
    for term, targets in forms.items():
        terms.setdefault(fold_name(term), set()).update(targets)
    return terms


def is_in_longer_term(place: NamePlace, terms: Terms) -> bool:
    """Return True if the words next to a name belong to the same term.

    That is so if the vault links the longer term to another note, or if an abbreviation behind the
    name starts with the word before it: `Linux Containers (LXC)`.
    """
    text, start, end, key = place.text, place.start, place.end, place.key
    for longer in _list_longer(text, end, key):
        if longer in terms and place.name.path not in terms[longer]:
            return True
    before, _ = word_before(text, start, text.rfind("\n", 0, start) + 1)
    match = _ABBREVIATION_BEHIND.match(text, end)
    return (
        match is not None
        and bool(before)
        and before[0].casefold() == match[1][0].casefold() != key[0]
    )


def _list_longer(text: str, end: int, key: str) -> Iterator[str]:
    longer = key
    for _ in range(2):
        word = word_behind(text, end)
        if not word:
            return
        end += 1 + len(word)
        longer = f"{longer} {fold_name(word)}"
        yield longer
