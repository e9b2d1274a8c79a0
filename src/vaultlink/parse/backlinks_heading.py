"""Recognize the heading of a backlinks section by its wording."""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from vaultlink.model import Heading, Link
from vaultlink.text import lazy_pattern

# -- recognize the heading line of an "Add backlinks" section --------------------------------------
# The wording may be bold or italic, a heading of any level, in a list item or in a quote, in any
# case, with any spaces between its words, and with or without a colon. The line must contain
# nothing else, except entries behind a colon.


BUILT_IN_WORDING = "Add backlinks using these topics"
QUOTE_MARKS = lazy_pattern(r"[ \t]*(?:>[ \t]?)*")
_LEAD = lazy_pattern(
    r"(?:\[![^\]\n]+\][+-]?[ \t]*)?(?P<hashes>#{1,6}[ \t]+)?"
    r"(?P<bullet>(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[.\][ \t]+)?)?"
    r"(?P<marks>(?:\*{1,3}|_{1,3}|==)?)[ \t]*"
)
_TAIL = lazy_pattern(
    r"(?P<colon>[ \t]*[:：]?)[ \t]*(?P<marks>(?:\*{1,3}|_{1,3}|==)?)(?P<late>[ \t]*[:：]?)"
    r"(?:[ \t]+#+)?(?=[ \t]|$)"
)
_WORD = lazy_pattern(r"[^ \t\u00a0]+")
_MAX_LETTER_LENGTH = 4
"""Code points of a decomposed letter, at most."""

_HEADING_MARKUP = " \t*_#>=~:：-+"


class HeadingWordings(NamedTuple):
    """Compiled wordings: the folded words of each.

    A lowered text with a heading contains one of `needles`, which are ASCII, or one of `texts`,
    which are folded and not ASCII.
    """

    words: tuple[tuple[str, ...], ...]
    needles: tuple[bytes, ...]
    texts: tuple[str, ...]


class SectionHeading(NamedTuple):
    """A line that starts a section. Offsets are relative to the line.

    `entries_start` is the line's end if no entries are on it. A heading is not `certain` if
    only one or two words make it one, and `usual` if it starts a section only if nothing but
    links follows. `bullet` is True in a list item, `level` behind hashes.
    """

    words_start: int
    end: int
    entries_start: int
    certain: bool
    bullet: bool
    level: bool
    usual: bool = False


@lru_cache(maxsize=8)
def compile_wordings(headings: tuple[str, ...] = ()) -> HeadingWordings:
    """Compile the built-in wording and others, which may contain heading markup."""
    words = dict.fromkeys(
        tuple(fold_wording(word) for word in text.strip(_HEADING_MARKUP).split())
        for text in (BUILT_IN_WORDING, *headings)
    )
    known = tuple(item for item in words if item)
    longest = {max(item, key=len) for item in known}
    # A needle that contains another is redundant.
    plain = {word.encode() for word in longest if word.isascii()}
    needles = tuple(
        sorted(word for word in plain if not any(other in word for other in plain if other != word))
    )
    others = {
        variant
        for word in longest
        if not word.isascii()
        for variant in (word, unicodedata.normalize("NFD", word).casefold())
    }
    return HeadingWordings(known, needles, tuple(sorted(others)))


def fold_wording(text: str) -> str:
    """Return a text in the form for comparing wordings: NFC, without case."""
    return (
        text.lower()
        if text.isascii()
        else unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    )


def find_heading_candidates(text: str, lowered: bytes, wording: HeadingWordings) -> Sequence[int]:
    """Return the lines that may be a section heading, 0-based.

    `lowered` is the UTF-8 text with ASCII letters in lower case.
    """
    if wording.texts and not text.isascii():
        folded = text.casefold()
        if any(needle in lowered for needle in wording.needles) or any(
            item in folded for item in wording.texts
        ):
            return range(text.count("\n") + 1)
        return ()
    found: set[int] = set()
    for needle in wording.needles:
        line, counted, at = 0, 0, lowered.find(needle)
        while at != -1:
            line, counted = line + lowered.count(b"\n", counted, at), at
            found.add(line)
            end = lowered.find(b"\n", at)
            at = lowered.find(needle, end) if end != -1 else -1
    return sorted(found)


def match_heading_line(line: str, at: int, wording: HeadingWordings) -> SectionHeading | None:
    """Return the heading in a line with quote marks before `at`, or None."""
    lead = _LEAD.match(line, at)
    assert lead
    for words in wording.words:
        end = _match_words(line, lead.end(), words)
        tail = _TAIL.match(line, end) if end else None
        if not tail:
            continue
        rest = line[tail.end() :]
        colon = bool(tail["colon"].strip() or tail["late"].strip())
        if rest.strip() and not (colon and rest.rstrip().endswith(("]]", ")", "]"))):
            continue
        stop = tail.end() if rest.strip() else len(line)
        certain = len(words) > 2 or colon or bool(tail["marks"] or lead["hashes"])
        return SectionHeading(
            lead.end(),
            len(line[: tail.end()].rstrip()),
            stop,
            certain,
            bool(lead["bullet"]),
            bool(lead["hashes"]),
        )
    return None


def _match_words(line: str, at: int, words: tuple[str, ...]) -> int:
    """Return the position behind `words` at `at`; 0 if others are there."""
    for number, word in enumerate(words):
        found = _WORD.match(line, at) if not number else _WORD.search(line, at)
        if not found:
            return 0
        if fold_wording(found[0]) == word:
            at = found.end()
        elif number == len(words) - 1:
            at = _match_prefix(line, found.start(), found.end(), word)
        else:
            return 0
        if not at:
            return 0
    return at


def _match_prefix(line: str, at: int, end: int, word: str) -> int:
    """Return the position behind a word that starts a span; 0 if another does."""
    if not fold_wording(line[at:end]).startswith(word):
        return 0
    return next(
        (
            stop
            for stop in range(at + 1, min(end, at + _MAX_LETTER_LENGTH * len(word) + 1))
            if fold_wording(line[at:stop]) == word and not line[stop].isalnum()
        ),
        0,
    )


class QuotedLine(NamedTuple):
    """A line without its end, the offset behind its quote marks, and their number."""

    start: int
    end: int
    content: int
    depth: int


def build_quoted_line(text: str, start: int, end: int) -> QuotedLine:
    quote = QUOTE_MARKS.match(text, start, end)
    assert quote
    depth = quote[0].count(">")
    return QuotedLine(start, end, quote.end() if depth else start, depth)


# -- usual headings of backlinks sections in several languages -------------------------------------
# Unlike the built-in and the configured wordings, such a heading alone proves little: the author
# may write anything below it. It starts a section only if links and nothing else follow.


USUAL_WORDINGS: Mapping[str, tuple[str, ...]] = {
    language: tuple(wording.strip() for wording in wordings.split("|"))
    for language, wordings in {
        "en": "Backlinks | Backlink | Back links | Linked mentions | Linked references"
        " | What links here | Pages that link here | Notes that link here | Pages linking here"
        " | Notes linking here | Links to this note | Links to this page"
        " | Pages that link to this page | Notes that link to this note"
        " | Notes linking to this note | Linked from | Incoming links | Inbound links"
        " | Referenced by | Referenced in",
        "de": "Rückverweise | Rückverweis | Rücklinks | Rückverlinkungen | Rückbezüge"
        " | Eingehende Links | Eingehende Verweise | Eingehende Verlinkungen | Verlinkt von"
        " | Verlinkte Erwähnungen | Verlinkte Verweise | Links hierher | Was linkt hierher"
        " | Links auf diese Seite | Links auf diese Notiz | Links zu dieser Seite"
        " | Links zu dieser Notiz | Verweise auf diese Seite | Verweise auf diese Notiz",
        "fr": "Rétroliens | Rétrolien | Liens entrants | Liens retour | Liens de retour"
        " | Liens inverses | Liens arrière | Mentions liées | Références liées"
        " | Liens vers cette page | Liens vers cette note | Pages pointant ici"
        " | Notes pointant ici | Pages qui pointent ici | Notes qui pointent ici",
        "es": "Retroenlaces | Retroenlace | Enlaces entrantes | Vínculos entrantes"
        " | Enlaces inversos | Enlaces de retorno | Enlaces de retroceso"
        " | Vínculos de retroceso | Menciones enlazadas | Menciones vinculadas"
        " | Referencias enlazadas | Referencias vinculadas | Lo que enlaza aquí"
        " | Páginas que enlazan aquí | Notas que enlazan aquí | Enlaces a esta página"
        " | Enlaces a esta nota",
        "it": "Collegamenti in entrata | Collegamenti entranti | Collegamenti in ingresso"
        " | Collegamenti a ritroso | Link in entrata | Link entranti | Link in ingresso"
        " | Retrocollegamenti | Retrolink | Menzioni collegate | Riferimenti collegati"
        " | Puntano qui | Pagine che puntano qui | Note che puntano qui"
        " | Collegamenti a questa pagina | Collegamenti a questa nota",
        "pt": "Links de retorno | Links de entrada | Links reversos | Links recebidos"
        " | Retrolinks | Retroligações | Ligações de entrada | Ligações de retorno"
        " | Hiperligações de retorno | Páginas afluentes | Menções vinculadas | Menções ligadas"
        " | Referências vinculadas | Links para esta página | Links para esta nota"
        " | Ligações para esta nota | Ligações para esta página",
        "nl": "Inkomende links | Inkomende koppelingen | Inkomende verwijzingen"
        " | Terugverwijzingen | Teruglinks | Terugkoppelingen | Gekoppelde vermeldingen"
        " | Gelinkte vermeldingen | Gekoppelde referenties | Links hiernaartoe"
        " | Links naar deze pagina | Links naar deze notitie | Verwijzingen naar deze pagina"
        " | Verwijzingen naar deze notitie",
        "sv": "Bakåtlänkar | Tillbakalänkar | Återlänkar | Backlänkar | Inlänkar"
        " | Inkommande länkar | Bakåtreferenser | Länkade omnämnanden | Länkade referenser"
        " | Sidor som länkar hit | Anteckningar som länkar hit | Vad som länkar hit"
        " | Länkar hit | Länkar till denna sida | Länkar till denna anteckning",
        "pl": "Linki zwrotne | Odnośniki zwrotne | Łącza zwrotne | Odwołania zwrotne"
        " | Linki przychodzące | Odnośniki przychodzące | Linkujące | Połączone wzmianki"
        " | Powiązane wzmianki | Co tu linkuje | Linki do tej strony | Linki do tej notatki"
        " | Odnośniki do tej strony | Odnośniki do tej notatki",
        "ru": "Обратные ссылки | Входящие ссылки | Бэклинки | Беклинки | Ссылки сюда"
        " | Связанные упоминания | Упоминания со ссылками | Ссылаются сюда | Что ссылается сюда"
        " | Ссылки на эту страницу | Ссылки на эту заметку",
        "uk": "Зворотні посилання | Вхідні посилання | Беклінки | Посилання сюди"
        " | Пов'язані згадки | Зв'язані згадки | Що посилається сюди | Посилання на цю сторінку"
        " | Посилання на цю нотатку",
        "tr": "Geri bağlantılar | Geri bağlantı | Geri linkler | Geri referanslar"
        " | Gelen bağlantılar | Gelen linkler | Bağlantılı bahsetmeler | Bağlantılı referanslar"
        " | Buraya bağlananlar | Sayfaya bağlantılar | Bu sayfaya bağlantılar"
        " | Bu nota bağlantılar",
        "zh": "反向链接 | 反链 | 反向鏈接 | 反向連結 | 反向连结 | 反鏈 | 回链 | 回鏈 | 入链"
        " | 入鏈 | 传入链接 | 傳入連結 | 反向引用 | 链入页面 | 連入頁面 | 链接的提及 | 链接提及"
        " | 已链接的提及 | 連結的提及 | 链接到此笔记 | 链接到此页面 | 被引用",
        "ja": "バックリンク | 被リンク | 逆リンク | リンク元 | 被参照 | 参照元"
        " | バックリンク一覧 | リンクされたメンション | リンクされた言及 | リンクされた参照"
        " | このページへのリンク | このノートへのリンク | ここにリンクしているページ",
        "ko": "백링크 | 백 링크 | 역링크 | 역 링크 | 역참조 | 들어오는 링크 | 연결된 언급"
        " | 링크된 언급 | 연결된 참조 | 여기를 가리키는 문서 | 이 문서를 가리키는 문서"
        " | 이 노트를 가리키는 노트 | 이 페이지로의 링크 | 이 노트로의 링크",
        "ar": "الروابط الخلفية | روابط خلفية | الروابط العكسية | روابط عكسية | الروابط الواردة"
        " | روابط واردة | الارتباطات الخلفية | ارتباطات خلفية | الوصلات الخلفية"
        " | الوصلات الواردة | وصلات واردة | ماذا يصل هنا | ماذا يرتبط هنا | الإشارات المرتبطة"
        " | روابط إلى هذه الصفحة | روابط إلى هذه الملاحظة",
        "fa": "پیوندهای بازگشتی | پیوند بازگشتی | لینک‌های بازگشتی | پیوندهای ورودی"
        " | لینک‌های ورودی | پیوندهای معکوس | لینک‌های معکوس | بک‌لینک‌ها | بک‌لینک"
        " | پیوندها به این صفحه | پیوندها به این یادداشت | لینک‌ها به این صفحه"
        " | لینک‌ها به این یادداشت",
    }.items()
}
"""Headings by language; the first of a language is the one for new sections."""

MENTION_WORDINGS: Mapping[str, str] = {
    "en": "Mentioned in",
    "de": "Erwähnt in",
    "fr": "Mentionné dans",
    "es": "Mencionado en",
    "it": "Menzionato in",
    "pt": "Mencionado em",
    "nl": "Vermeld in",
    "sv": "Omnämnd i",
    "pl": "Wspomniane w",
    "ru": "Упоминается в",
    "uk": "Згадується в",
    "tr": "Bahsedildiği notlar",
    "zh": "提及于",
    "ja": "言及元",
    "ko": "언급된 곳",
    "ar": "مذكور في",
    "fa": "اشاره شده در",
}
"""The item of a managed section below which notes with unlinked mentions are listed."""

_ITEM_MARK = lazy_pattern(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+")
_EDGE = lazy_pattern(r"^[\W_]+|[\W_]+$")
_BOLD_LINE = lazy_pattern(r"\n(?:\*\*|__)([^*_\n]+)(?:\*\*|__)[:：]?[ \t]*\r?(?=\n|\Z)")
_AFTER_MARKS = lazy_pattern(r"[# \t\r\n]*")
_SEPARATORS = lazy_pattern(r"[\s\-‐‑\u200c]+")
_DOTTED_I = str.maketrans({"ı": "i", "\u0307": None, "’": "'", "ʼ": "'"})


def _fold(text: str) -> str:
    """Return a wording without case, marks around it, and differences between spaces."""
    folded = _EDGE.sub("", text).casefold()
    if not folded.isascii():
        # Letters of Turkish have other capitals; Ukrainian has three apostrophes.
        folded = unicodedata.normalize("NFC", folded).translate(_DOTTED_I)
    return _SEPARATORS.sub(" ", folded)


_FOLDED_WORDINGS = frozenset(
    _fold(wording) for wordings in USUAL_WORDINGS.values() for wording in wordings
)
_FOLDED_MENTION_WORDINGS = frozenset(map(_fold, MENTION_WORDINGS.values()))
_MAX_LENGTH = max(map(len, _FOLDED_WORDINGS)) + 8
"""Length above which a heading has other words; some marks and an emoji may surround the words."""


_LAST_LETTERS = frozenset(
    form[-3:].lower()
    for wordings in USUAL_WORDINGS.values()
    for wording in wordings
    for form in (wording, wording.upper(), unicodedata.normalize("NFD", wording))
)
"""Ends of all wordings: a quick test, which nearly no other heading passes."""

_BEFORE_ENTRY = frozenset(mark + space for mark in "-*+.)]–—―‒‐−→⇒>" for space in " \t")
"""Characters before the link of an entry: those of a list item or a dash."""


def is_usual_wording(text: str) -> bool:
    """Return True if a heading's text is a usual wording, with any marks around it."""
    if text[-3:].lower() not in _LAST_LETTERS and text[-1:].isalnum():
        return False
    return len(text) <= _MAX_LENGTH and "[" not in text and _fold(text) in _FOLDED_WORDINGS


def is_mention_item(line: str) -> bool:
    """Return True if a line is the list item below which mentions are listed.

    It may be in any language and have any list mark, emphasis and punctuation.
    """
    mark = _ITEM_MARK.match(line)
    if mark is None or "[" in line:
        return False
    text = line[mark.end() :].strip()
    return len(text) <= _MAX_LENGTH and _fold(text) in _FOLDED_MENTION_WORDINGS


def find_usual_headings(
    text: str, body: int, links: Iterable[Link], headings: Iterable[Heading], starts: Sequence[int]
) -> dict[int, SectionHeading]:
    """Return the lines with a usual heading, 0-based.

    It is a heading of any level, or a bold line with nothing else. A first heading of level 1
    is the title of the note. Without a link in the place of an entry, there is no section.
    """
    if not _has_entry_place(text, links):
        return {}
    first = _AFTER_MARKS.match(text, body)
    assert first
    found = [
        (item.start, item.end)
        for item in headings
        if is_usual_wording(item.text) and not (item.level == 1 and item.start <= first.end())
    ]
    found += _find_bold_lines(text, body)
    lines = {}
    for start, end in found:
        line = bisect_right(starts, start) - 1
        stop = text.find("\n", start)
        width = (len(text) if stop == -1 else stop) - starts[line]
        content = text[starts[line] : starts[line] + width].rstrip()
        if "\n" not in text[start:end]:
            lines[line] = SectionHeading(
                start - starts[line], len(content), width, False, False, True, True
            )
    return lines


def _has_entry_place(text: str, links: Iterable[Link]) -> bool:
    """Return True if a link begins a line, or follows a list mark or a dash."""
    for link in links:
        at = link.start
        before = text[at - 1] if at else "\n"
        if before == "\n" or (before in " \t" and text[at - 2 : at] in _BEFORE_ENTRY):
            return True
    return False


def _find_bold_lines(text: str, body: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of usual wordings that are a bold line."""
    first = _BOLD_LINE.match("\n" + text[body : text.find("\n", body) + 1 or None])
    if first and (body == 0 or text[body - 1] != "\n") and is_usual_wording(first[1]):
        yield first.start(1) + body - 1, first.end(1) + body - 1
    for match in _BOLD_LINE.finditer(text, max(body - 1, 0)):
        if is_usual_wording(match[1]):
            yield match.span(1)
