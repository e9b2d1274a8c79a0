"""Read the words around a name, and what they say about it."""

from collections.abc import Callable, Iterator

from vaultlink.index.words import is_unspaced
from vaultlink.mentions.matcher import Tally, has_particle, is_word_char
from vaultlink.mentions.mention import NamePlace
from vaultlink.mentions.names import fold_name
from vaultlink.text import lazy_pattern, line_span

# All offsets are those of the text.

_JOINTS = "-_'’‘ʼ./\\@#:&+=~%$\u2010\u2011\u2013\u00b7"
"""Characters that join a name with the letters beyond them to one longer word."""

_SPACES = (" ", "\n", "")
_POSSESSIVE = lazy_pattern(r"['’ʼ]s?(?![^\W_])")
_SENTENCE_END = lazy_pattern(r"[.!?…。！？][\"'”’»)\]*_]*(?=\s)")
_LONGEST_SENTENCE = 2000
"""The number of characters that are read on each side. More take long in lines of a megabyte."""

_ABBREVIATION = lazy_pattern(
    r"(?:^|[\s(])(?:\w|Mr|Mrs|Ms|Dr|Prof|St|vs|etc|e\.g|i\.e|cf|No|Vol)\.$"
)
_LINE_MARKS = lazy_pattern(r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+(?:\[.\]\s+)?)*[\s>]*")
_LEAD_MARKS = " \t*_~=\"'“”‘’«»„(|>[]"
_NEXT_WORD = lazy_pattern(r"[ \u00a0]{1,3}([^\W_][\w'’-]*)")
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
_DELIMITER_ROW = lazy_pattern(r"[ \t>]*\|?[ \t]*:?-+:?[ \t]*\|[ \t|:-]*(?:\n|$)")
_LABEL_END = lazy_pattern(r"[*_]*:(?=[*_]|\s|$)|[.][*_]{2}", 8)

_ADDRESS_BEHIND = lazy_pattern(r"[*_\"”]*(?: ?[-–—:]{1,2} ?| ?\(| )<?https?://")

_BULLET = lazy_pattern(r"([ \t>]*(?:[-*+]|\d{1,9}[.)])\s+)(?:\[.\]\s+)?[*_]*")
_LINK_START = lazy_pattern(r"(?:\[.\]\s+)?[*_]*\[(?:\[|[^\]\n]+\]\()")
_AND = "and|or|und|oder|et|ou|y|o|e|и"
_COMMAS = ",、，;；/·"
_LINK_BEFORE = lazy_pattern(rf"(?:\]\]|\))[*_]*(?:[{_COMMAS}|]| (?:[|&+]|{_AND}))\s*[*_]*$")
_LINK_BEHIND = lazy_pattern(
    rf"[*_]*(?:[{_COMMAS}]| (?:[&+]|{_AND}))\s*[*_]*(?:\[\[[^\]\[\n]+\]\]|\[[^\]\[\n]+\]\()"
)
_ITEM_START = lazy_pattern(rf"(?:^|[{_COMMAS}:：(（])\s*[*_]*$")
_ITEM_END = lazy_pattern(rf"[*_]*(?:[{_COMMAS}.。)）]|\s*$| (?:{_AND})\s)")
_UNLINKED = lazy_pattern(
    r"(?i)\b(?:without|no|not|never|ohne|nicht|kein\w*|sans|pas de|sin|sem|senza|non|не|без) "
    r"(?:(?:a|an|any|be|been|to|einen|de|un) )?(?:wiki-?)?"
    r"(?:link|verlink|verknüpf|lien|enlace|enlaza|collega|ссыл)|\bun(?:ver)?linke?[dt]"
    r"|リンク(?:なし|しない|せず|を張らない)|不(?:加|作|做)?链接|無連結|링크 ?(?:없이|없음|하지 않)"
)
"""Words that say that something has no link."""

_LONG_CAPITALIZED = lazy_pattern(r"(?<![^\W_])[A-Z][^\W\d_]{3,}")

JOINING_WORDS = frozenset(("of", "de", "du", "von", "van", "&", "for"))
"""Words that join a capitalized name with what stands before it, as in `University of X`."""


def is_whole(text: str, start: int, end: int) -> bool:
    """Return True if a span is not part of a longer word or compound.

    In `state-of-the-art`, `example.md` and `O'Reilly`, no part is a whole word. A possessive ending
    behind several words is no part of them.
    """
    if text[start - 1 : start] in _SPACES and text[end : end + 1] in _SPACES:
        return True
    if not _is_free(text, start, -1):
        return False
    if _is_free(text, end, 1):
        return True
    return " " in text[start:end] and _POSSESSIVE.match(text, end) is not None


def _is_free(text: str, at: int, step: int) -> bool:
    """Return True if no word continues beyond a boundary, before it or behind it."""
    near = at if step == 1 else at - 1
    if not 0 <= near < len(text):
        return True
    char, own = text[near], text[at - 1 if step == 1 else at]
    if is_word_char(char):
        return is_unspaced(char) or is_unspaced(own) or (step == 1 and has_particle(text, at))
    if step == -1 and char in ")]":
        return is_unspaced(own)
    if char not in _JOINTS:
        return True
    if step == -1 and char in "\\@#$~/":
        return False
    beyond = near + step
    return not (0 <= beyond < len(text) and is_word_char(text[beyond]))


def find_sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span of the sentence around a span, in its line, without list marks."""
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
    """Return True if only marks, a colon, a pipe or an item's dash precede a word."""
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
    """Return the word that only spaces separate from a word; "" if there is none."""
    match = _NEXT_WORD.match(text, end)
    return match[1] if match else ""


def is_example(text: str, start: int, end: int) -> bool:
    """Return True for a bare name in a list of examples, or quoted behind one."""
    line_start, line_end = line_span(text, start, end)
    if text[start - 1 : start] in _OPENING_QUOTES and text[end : end + 1] not in (" ", ""):
        return _EXAMPLE_LABEL.search(text, line_start, start) is not None
    is_bare = _ITEM.fullmatch(text, line_start, start) is not None
    if not is_bare or text[end:line_end].strip(' \t*_"”'):
        return False
    above = text[max(0, line_start - 600) : line_start]
    for line in reversed(above.splitlines()):
        if line.strip() and not _ANY_ITEM.match(line):
            return _EXAMPLES.search(line) is not None
    return False


def is_label(text: str, start: int, end: int) -> bool:
    """Return True for words that name what follows them, or head a column.

    The former stand before an address, or start a line, and a colon or the end of bold text with a
    full stop stands behind them: `**Weather**: dry`.
    """
    if _ADDRESS_BEHIND.match(text, end):
        return True
    line_start, line_end = line_span(text, start, end)
    if line_end != len(text) and _DELIMITER_ROW.match(text, line_end + 1):
        return True
    is_at_start = _LABEL_START.fullmatch(text, line_start, start) is not None
    return is_at_start and _LABEL_END.match(text, end) is not None


def is_among_links(text: str, start: int, end: int) -> bool:
    """Return True for an item of an enumeration or a list that has links beside it."""
    line_start, line_end = line_span(text, start, end)
    near = max(line_start, start - 12)
    follows = _LINK_BEFORE.search(text, near, start) is not None
    precedes = _LINK_BEHIND.match(text, end, line_end) is not None
    if follows and (precedes or _ITEM_END.match(text, end, line_end)):
        return True
    if precedes and _ITEM_START.search(text, near, start):
        return True
    bullet = _BULLET.fullmatch(text, line_start, start)
    return bullet is not None and _is_among_linked_items(text, line_start, line_end, bullet[1])


def _is_among_linked_items(text: str, line_start: int, line_end: int, bullet: str) -> bool:
    """Return True if most items right above and below a list item begin with a link."""
    near = text[max(0, line_start - 600) : line_start].split("\n")[-3:-1]
    near += text[line_end + 1 : line_end + 600].split("\n")[:2]
    items = [line for line in near if line.startswith(bullet)]
    linked = [line for line in items if _LINK_START.match(line, len(bullet))]
    return len(linked) >= 2 or (len(linked) == 1 and len(items) == 1)


def says_unlinked(text: str, start: int, end: int) -> bool:
    """Return True if the sentence of a name says that it has no link."""
    first, last = find_sentence(text, start, end)
    return _UNLINKED.search(text, first, last) is not None


def is_in_short_quotation(text: str, start: int, end: int) -> bool:
    """Return True within a quotation of a few words, such as a title or a command."""
    if text[start - 1 : start] == "'" == text[end : end + 1]:
        return True
    line_start, line_end = line_span(text, start, end)
    before = text[max(line_start, start - _LONGEST_QUOTATION) : start]
    behind = text[end : min(line_end, end + _LONGEST_QUOTATION)]
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


# -- tell if the words next to a name make it a part of a longer name or term ----------------------


_CASED_WORD = lazy_pattern(r"[^\W\d_]+")
_FORM_OF_ADDRESS = lazy_pattern(r"(?:Mrs?|Ms|Dr|Prof|St|Sir|Mme|Hr|Fr)\.?")
_TITLE_BEHIND = lazy_pattern(r" of (?:the )?[A-Z]\w*[:,]? (?:[(A-Z]|by )")
"""The rest of a title behind its first word: `History of the World: A New ...`."""

_SHORTEST_PART = 4
_COMMON_SHARE = 0.03
"""A word that this share of the notes has in lower case is a common one."""

_GENERAL_SHARE = 0.2
"""A word that this share of the notes has in lower case says little."""


def is_in_longer_name(place: NamePlace, sentence_start: int, tally: Tally) -> bool:
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
    if " " not in place.key and own[0][0].isupper() and _TITLE_BEHIND.match(place.text, place.end):
        return True
    if not own[0][0].isupper():
        return False
    before, is_first = word_before(place.text, place.start, sentence_start)
    is_name = before[:1].isupper() and not before.endswith(".")
    is_short = len(before) < _SHORTEST_PART
    is_single = " " not in place.key
    if is_single:
        is_word = is_short and tally.lower_share(before.lower()) >= _GENERAL_SHARE
    else:
        is_word = is_short or _is_mostly_lower(before, tally)
    if is_name and not (is_first and is_word):
        return True
    if is_single and _FORM_OF_ADDRESS.fullmatch(before):
        return True
    where = place.text, place.start, sentence_start
    return follows_capitalized(*where) or is_in_quoted_title(*where)


def _is_mostly_lower(word: str, tally: Tally) -> bool:
    """Return True for a common word, which has a capital only to start a sentence."""
    lower, share = tally.count_lower(word.lower()), tally.lower_share(word.lower())
    return 2 * lower >= max(1, tally.count(fold_name(word))) and share >= _COMMON_SHARE


_ABBREVIATION_BEHIND = lazy_pattern(r" \(([A-Za-z]*[A-Z][A-Za-z]*[A-Z])s?\)")
_WORD_WITH_HYPHEN = lazy_pattern(r"[^\W_][\w'’]*")
_LONGEST_EXPANSION = 120


def is_in_longer_term(place: NamePlace, leads_elsewhere: Callable[[str, str], bool]) -> bool:
    """Return True if the words next to a name belong to the same term.

    That is so if the vault links the longer term to another note, or if an abbreviation behind the
    name starts with the word before it: `Linux Containers (LXC)`. `leads_elsewhere` returns True
    for a folded term and a note if links with the term lead to other notes only.
    """
    text, start, end, key = place.text, place.start, place.end, place.key
    for longer in _list_longer(text, end, key):
        if leads_elsewhere(longer, place.name.path):
            return True
    before, _ = word_before(text, start, text.rfind("\n", 0, start) + 1)
    match = _ABBREVIATION_BEHIND.match(text, end)
    if match is None or not before:
        return False
    return before[0].casefold() == match[1][0].casefold() != key[0]


def _list_longer(text: str, end: int, key: str) -> Iterator[str]:
    longer = key
    for _ in range(2):
        word = word_behind(text, end)
        if not word:
            return
        end += 1 + len(word)
        longer = f"{longer} {fold_name(word)}"
        yield longer


def is_in_compound(place: NamePlace, tally: Tally) -> bool:
    """Return True if a noun beside a name makes it a part of a compound.

    In `graph neural networks` and `research data officers`, the name of two words is not meant.
    Only names in lower case count: `the Docker volume` is about Docker.
    """
    if not place.words.islower():
        return False
    if tally.is_noun(word_behind(place.text, place.end)):
        return True
    return tally.is_noun(word_before(place.text, place.start, 0)[0])


def find_expansion(text: str, start: int, end: int) -> str:
    """Return `Linux Containers` for the `LXC` of `Linux Containers (LXC)`."""
    letters = [char.casefold() for char in text[start:end] if char.isupper()]
    if len(letters) < 2 or text[start - 1 : start] != "(" or text[end : end + 1] != ")":
        return ""
    line_start = text.rfind("\n", 0, start) + 1
    before = text[max(line_start, start - _LONGEST_EXPANSION) : start - 1].rstrip(" *_")
    words = [*_WORD_WITH_HYPHEN.finditer(before)]
    if not words or words[-1].end() != len(before):
        return ""
    for size in range(len(letters), min(len(words), 2 * len(letters)) + 1):
        part = words[-size:]
        initials = [word[0][0].casefold() for word in part]
        main = [char for char, word in zip(initials, part, strict=True) if word[0][0].isupper()]
        if letters in (initials, main):
            return before[part[0].start() :]
    return ""
