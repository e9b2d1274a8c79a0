"""Score how likely a reader would want the link, and say why.

The score is a sum: how much the words tell, how they are written, how near the named note is, and
how many notes link to it. The weights were set by reading mentions in vaults of several kinds.
"""

from collections.abc import Sequence
from typing import NamedTuple

from vaultlink.index.index import link_name
from vaultlink.index.words import is_unspaced
from vaultlink.mentions.mention import NameKind, NoteName
from vaultlink.mentions.relations import Surroundings
from vaultlink.mentions.tally import Tally
from vaultlink.mentions.words import (
    find_sentence,
    follows_capitalized,
    is_in_quoted_title,
    starts_sentence,
    word_before,
    word_behind,
)
from vaultlink.text import lazy_pattern

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
_LONG_NAME = 3

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
