"""Score how likely a reader would want a link, by the words and notes around it."""

from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from vaultlink.index.index import link_name
from vaultlink.index.words import is_hangul, is_unspaced
from vaultlink.mentions.context import (
    find_sentence,
    is_among_links,
    is_in_longer_name,
    starts_sentence,
)
from vaultlink.mentions.evidence import LONG_NAME, Surroundings
from vaultlink.mentions.matcher import Tally
from vaultlink.mentions.mention import NameKind, NamePlace
from vaultlink.text import lazy_pattern

# -- score how likely a reader would want the link, and say why ------------------------------------
# The score is a sum: how much the words tell, how they are written, how near the named note is,
# and how many notes link to it. The weights were set by reading mentions in vaults of several
# kinds.

_CASED_WORD = lazy_pattern(r"[^\W\d_]+")

_COMMON_SHARE = 0.02
"""A word that this share of the notes has in lower case is a common word of the vault."""

_GENERAL_SHARE = 0.2
"""A word that this share of the notes has in any case is what the vault is about."""

_ARTICLE_SHARE = 0.5
_LONGEST_ARTICLE = 3
_RARE_SHARE = 0.01
_LONG_WORD = 9
_SHORTEST_PART = 4

_SOME_SOURCES = 4
_MANY_SOURCES = 8
"""Notes that link to a note whose name is a term of the vault."""

_SAID_SHARE = 0.1
_LINKED_SHARE = 0.02
"""A name that so many notes have and so few of these link is an everyday phrase."""

_SOME_LINKS = 2
"""Notes that link a name if it is no accident."""

_SOME_WORD_LINKS = 4
"""The same for a single word in a folder that does not know the note."""

LINKED_OFTEN = 0.3
"""The author wants the links of a name of which this share is linked."""

_WORD_SHARES = ((0.4, 0.62), (0.2, 0.46), (0.08, 0.38), (0.0, 0.25))
"""Shares of the notes with a word that link it, and the scores for them."""

_SCORE_OF_TWO = 0.48
"""The highest score of a word that only two notes link: it may be an everyday word."""

_LONG_HANGUL = 3
"""Syllables of a Korean word that is rarely a part of another one."""

_NEAR_WORD = 0.08
"""The most that a near note adds to the score of a word in lower case."""

_AMONG_LINKS = 0.72, "beside links"


class Score(NamedTuple):
    value: float
    why: str


Part = tuple[float, str]
"""A part of a score and its reason; "" if there is nothing to say."""

NEVER = Score(0.0, "")


def score_place(place: NamePlace, tally: Tally, surroundings: Surroundings) -> Score:
    """Return the score of a name in the text of a note; 0 if it must not be linked."""
    form = _describe_form(place.words, place.name.text)
    if form == "capitals differ" or _is_everyday_word(place, form):
        return NEVER
    sentence_start, _ = find_sentence(place.text, place.start, place.end)
    is_first = starts_sentence(place.text, place.start, sentence_start)
    count, is_phrase = _count_words(place.key), " " in place.key
    is_first = is_first and (is_phrase or place.words[1:].lower() == place.words[1:])
    is_near = surroundings.is_near(place.name.path)
    is_known = place.habit.linked > 0 or is_phrase or form == "exact"
    if is_known and is_among_links(place.text, place.start, place.end):
        first = _AMONG_LINKS
    elif is_in_longer_name(place, sentence_start, tally):
        return NEVER
    elif count == 1:
        first = _score_word(place, tally, form, is_first)
    else:
        first = _score_phrase(place, tally, form, count, is_first=is_first, is_near=is_near)
    if first[0] <= 0:
        return NEVER
    has_article = count > 1 and _is_article(place.key.split()[0], tally)
    if count == 2 and _is_phrase(place, tally):
        return NEVER
    if has_article and count == 2:
        first = first[0] - 0.08, f"{first[1]}, one of them an article"
    is_long = count - has_article >= LONG_NAME and form in ("exact", "lower") and not is_first
    distance = _score_distance(place, surroundings, count - has_article)
    links = _score_links(place, tally)
    if distance[1].endswith("another folder") and not _is_linked_often(place, _SOME_LINKS):
        links = min(links, (0.0, ""))  # links in other folders are of little use here
    is_long = is_long or first is _AMONG_LINKS
    sources = _score_sources(place, tally, is_long=is_long, is_near=is_near)
    return _add_up((first, distance, links, sources))


def _is_linked_often(place: NamePlace, least: int) -> bool:
    return place.habit.linked >= least and place.habit.share >= LINKED_OFTEN


def _count_words(key: str) -> int:
    count = len(key.split())
    if count == 1 and any(map(is_unspaced, key)):
        return len(key) // 2  # in these scripts, most words have two characters
    return count


def _is_everyday_word(place: NamePlace, form: str) -> bool:
    """Return True for a short word in lower case that no note links, as for `MoST`."""
    if " " in place.key:
        return False
    if form == "lower" and place.name.text[1:] != place.key[1:]:
        return not place.habit.same or place.words == link_name(place.name.path)
    if form not in ("plain", "lower") or place.habit.linked:
        return False
    return place.key.isascii() and len(place.key) < _LONG_WORD


def _is_phrase(place: NamePlace, tally: Tally) -> bool:
    """Return True for a word behind a short and common one, in lower case: `to check`."""
    before = place.key.split()[0]
    if not place.words.islower() or len(before) > _LONGEST_ARTICLE:
        return False
    return tally.share(before) >= _GENERAL_SHARE and place.habit.share < LINKED_OFTEN


def _score_distance(place: NamePlace, surroundings: Surroundings, words: int) -> Part:
    part, why = surroundings.describe(place.name.path, words)
    if part > _NEAR_WORD and " " not in place.key and place.words.islower():
        return _NEAR_WORD, why  # an everyday word may mean another thing also there
    least = _SOME_LINKS if " " in place.key else _SOME_WORD_LINKS
    if part < 0 and _is_linked_often(place, least):
        return 0.0, ""  # the author links the name wherever it is
    return part, why


def _add_up(parts: Sequence[Part]) -> Score:
    value = sum(part for part, _ in parts)
    why = ", ".join(reason for _, reason in parts if reason)
    return Score(round(max(0.01, min(0.99, value)), 2), why)


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
    pairs = zip(own, other, strict=True)
    if capitals and any(one.isupper() and len(one) > 1 and mine != one for mine, one in pairs):
        return "capitals differ"
    if all(word.isupper() and len(word) > 1 for word in own) and all(map(str.istitle, other)):
        return "plain"  # the capitals stress the words
    if _is_proper(other):
        return "exact" if _is_proper(own) else "lower"
    return "proper" if _is_proper(own) else "plain"


def _is_proper(words: list[str]) -> bool:
    """Return True if all long words have a capital; of several, not the first alone."""
    main = [word for word in words if len(word) > 3] or words
    cased = [word != word.lower() for word in words]
    return all(word != word.lower() for word in main) and any(cased[len(words) > 1 :])


def _score_word(place: NamePlace, tally: Tally, form: str, is_first: bool) -> Part:
    linked = _score_linked_word(place, tally, is_first)
    if tally.share(place.key) >= _GENERAL_SHARE:
        return linked
    return max(linked, _score_unlinked_word(place, tally, form, is_first), key=itemgetter(0))


def _score_linked_word(place: NamePlace, tally: Tally, is_first: bool) -> Part:
    """Return what the links with a word say, compared with the plain word."""
    word, habit = place.words, place.habit
    if habit.linked < _SOME_LINKS:
        return 0.0, ""
    lower, all_notes = tally.count_lower(word.lower()), tally.count(place.key)
    plain, same = habit.plain, habit.same
    if is_first:
        same = habit.linked
    else:
        # Folding changes some words in lower case, such as those with a final sigma or "ß".
        others = lower if word.islower() else max(all_notes - lower, 0)
        plain = min(plain, others * tally.scale)
    if same < _SOME_LINKS:
        return 0.0, ""
    share = same / (same + plain + 1)
    part = next(part for least, part in _WORD_SHARES if share >= least)
    if same == _SOME_LINKS:
        part = min(part, _SCORE_OF_TWO)
    return part, f"{same} notes link this word"


def _score_unlinked_word(place: NamePlace, tally: Tally, form: str, is_first: bool) -> Part:
    word = place.key
    if form in ("exact", "proper") and not is_first:
        return _score_capitalized(place, tally, form)
    if any(map(is_hangul, word)):
        if len(place.key) < _LONG_HANGUL:
            return 0.0, ""
        is_rare = tally.share(place.key) <= _COMMON_SHARE
        return (0.6, "one rare Korean word") if is_rare else (0.4, "one Korean word")
    if not tally.is_large or tally.share(word) > _RARE_SHARE:
        return 0.0, ""
    if form in ("exact", "proper") and not tally.count_lower(word):
        return 0.42, "one rare word at the start of a sentence"
    if form == "plain" and len(word) >= _LONG_WORD:
        return 0.4, "one rare word"
    return 0.0, ""


def _score_capitalized(place: NamePlace, tally: Tally, form: str) -> Part:
    word = place.key
    lower = tally.count_lower(word)
    other = tally.count(word) - lower
    is_common = tally.lower_share(word) >= _COMMON_SHARE or lower > other
    if is_common or _is_title_line(place):
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


def _score_phrase(
    place: NamePlace, tally: Tally, form: str, count: int, *, is_first: bool, is_near: bool
) -> Part:
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
    elif form == "lower" and not is_near and not place.habit.linked:
        if place.name.kind is not NameKind.TITLE:  # whose capitals say little
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


def _score_links(place: NamePlace, tally: Tally) -> Part:
    """Return what the notes that have a name say by linking or not linking with it."""
    habit, is_word = place.habit, " " not in place.key
    is_phrase = habit.share <= _LINKED_SHARE and tally.is_large
    if is_phrase and habit.plain >= _SAID_SHARE * len(tally.notes) * tally.scale:
        return -0.2, "often named and hardly ever linked"
    if habit.is_mostly_plain:
        return (-0.08 if is_word else 0.0), ""
    if habit.linked:
        return min(0.12, 0.04 + 0.2 * habit.share), "linked elsewhere"
    return 0.0, ""


def _score_sources(place: NamePlace, tally: Tally, *, is_long: bool, is_near: bool) -> Part:
    """Return what the number of notes that link to a note says about its name.

    In a large vault, other notes link to what is a term there. The name of a note to which few do
    is often an everyday phrase, unless it `is_long`, notes have few links anyway, or those few link
    this very name.
    """
    if not tally.is_large:
        return 0.0, ""
    if place.sources >= _MANY_SOURCES:
        return 0.02, "many notes link to it"
    if place.sources >= _SOME_SOURCES:
        return 0.0, "some notes link to it"
    if _is_linked_often(place, _SOME_LINKS):
        return 0.0, ""
    if is_long or tally.has_few_links:
        return -0.05, ""
    if is_near:
        return -0.1, "few notes link to it"
    return (-0.37 if not place.habit.linked else -0.25), "few notes link to it"
