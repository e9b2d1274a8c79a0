"""Choose the style and the language of sections, which are those of the vault."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from vaultlink.index.index import Index, TraitCount, link_name
from vaultlink.index.resolve import is_note, spelling_key, title_slug
from vaultlink.model import Entry, Section
from vaultlink.parse.backlinks_heading import USUAL_WORDINGS
from vaultlink.parse.backlinks_markers import has_context_mark
from vaultlink.text import lazy_pattern

# The style `auto` is that of most sections of the vault, whoever wrote them. Without sections, a
# vault gets topics if the names of its notes are slugs of their titles, else lists with passages,
# of which readers keep more than of bare lists.

_NESTED_LINK = lazy_pattern(r"\n[ \t>]*[ \t](?:[-*+]|\d{1,9}[.)])[ \t][^\n]*(?:\[\[|\]\()")
"""A list item with a link below an entry, such as a passage that cites the note."""

_INDENT = (" ", "\t")
"""What the list mark of a mention in a managed section begins with."""

_MIN_TITLED_SHARE = 0.1
"""Share of the notes that must have a `title` property before titles say how names are made."""


def choose_style(settings: Mapping[str, Any], index: Index) -> str:
    """Return the configured style of sections, or the one that fits the vault."""
    style: str = settings["style"]
    return style if style != "auto" else _choose_vault_style(index)


def is_style_changed(settings: Mapping[str, Any], before: Index, after: Index) -> bool:
    """Return True if findings made before had another style, if one was chosen."""
    if settings["style"] != "auto" or TraitCount(list_section_traits) not in before.memos:
        return False
    return _choose_vault_style(before) != _choose_vault_style(after)


def _choose_vault_style(index: Index) -> str:
    counts = index.tally(list_section_traits)
    topics, lists, contexts = (counts[style] for style in ("topics", "list", "context"))
    if topics == lists + contexts:  # also if there are no sections
        is_titled = counts["titled"] >= counts["note"] * _MIN_TITLED_SHARE
        if is_titled and 2 * counts["slug"] > counts["titled"]:
            return "topics"
        return "list" if lists > contexts else "context"
    if topics > lists + contexts:
        return "topics"
    return "context" if contexts > lists else "list"


def list_section_traits(index: Index, path: str) -> Iterator[str]:
    """Yield the styles of a note's sections, and how its name relates to its title."""
    note = index.notes[path]
    for section in note.sections:
        style = _detect_style(section)
        if style:
            yield style
    if is_note(note.path):
        yield "note"
        if note.properties and note.title:
            yield "titled"
            if is_slug(link_name(note.path), note.title):
                yield "slug"


def is_slug(name: str, title: str) -> bool:
    """Return True if a file name is a slug: a title in lower case without spaces."""
    if name == title or name != name.lower() or " " in name:
        return False
    key = spelling_key(title)
    return name == title_slug(title) or (bool(key) and key == spelling_key(name))


def _detect_style(section: Section) -> str:
    """Return the style that most entries of a section have; "" if it has no links."""
    linked = [entry for entry in section.entries if entry.link]
    if not linked:
        return ""
    if has_context_mark(section.text):  # even if no entry has a passage
        return "context"
    pairs = zip(linked, _list_texts_below(section, linked), strict=True)
    entries = [pair for pair in pairs if not (section.text and pair[0].marks[:1] in _INDENT)]
    if not entries:
        return ""
    topics = sum(bool(entry.title and entry.dash) for entry, _ in entries)
    if 2 * topics > len(entries):
        return "topics"
    cited = sum(bool(_NESTED_LINK.search(text)) for _, text in entries)
    return "context" if 2 * cited > len(entries) else "list"


def _list_texts_below(section: Section, entries: list[Entry]) -> list[str]:
    if not section.text:
        return [entry.tail for entry in entries]
    ends = [*(entry.start for entry in entries[1:]), section.end]
    text, start = section.text, section.start
    pairs = zip(entries, ends, strict=True)
    return [text[entry.end - start : end - start] for entry, end in pairs]


# -- decide the language of a vault from the headings of its notes ---------------------------------
# A heading is of a language if its script or most of its telling words, endings and letters are.
# The vault is of a language only if most headings clearly are; otherwise it counts as English.


_WORD = lazy_pattern(r"[^\W\d_]+")

_WORDS: Mapping[str, str] = {
    "en": "in no was am over definition questions conclusion types list the of and to for with"
    " how what why when where is are an on from by your my this that it its into about as at or"
    " not be can do does using use overview summary introduction background further reading see"
    " also examples example links resources getting started next steps notes ideas thoughts key"
    " things people projects meeting daily week",
    "de": "in an der die das und oder für mit von vom zu zum zur im am ist sind ein eine einen"
    " einer eines wie was warum wer wann wo nicht auf aus bei nach über unter des dem den als"
    " auch durch ohne gegen zwischen einleitung einführung zusammenfassung überblick übersicht"
    " inhalt quellen fazit notizen gedanken aufgaben beispiel beispiele literatur weitere"
    " fragen ziele ziel grundlagen definition begriffe vorteile nachteile kapitel ideen woche"
    " tag termine personen",
    "fr": "de en on le la les des du et ou un une pour avec dans sur sous par est sont que qui"
    " quoi comment pourquoi aux ce cette ces ne pas au entre chez sans plus résumé introduction"
    " sommaire exemple exemples notes idées objectifs objectif liens définition définitions"
    " cours exercice exercices histoire méthode méthodes système travail ressources références"
    " partie fonctionnement conclusion chapitre étapes avantages inconvénients semaine journée"
    " réunion questions contexte",
    "es": "de en no como el la los las del y o un una para con por es son que qué cómo porque"
    " cuándo dónde al se su sus sin sobre entre resumen introducción ejemplo ejemplos notas"
    " ideas objetivos enlaces definición definiciones tema temas apuntes ejercicio ejercicios"
    " conclusión capítulo preguntas ventajas desventajas semana tareas recursos bibliografía"
    " fuentes pasos",
    "it": "i se da il lo gli le la del della dei delle dello e o un una per con in di dal nel"
    " nella sul è sono che cosa come perché quando dove non al alla tra fra riassunto"
    " introduzione esempio esempi appunti idee obiettivi collegamenti definizione definizioni"
    " capitolo conclusione esercizi vantaggi svantaggi domande riferimenti fonti settimana"
    " compiti teorema dimostrazione",
    "pt": "de o os as do da dos das e ou um uma para com em no na nos nas por é são que como"
    " porque quando onde não ao à se sem sobre entre resumo introdução exemplo exemplos notas"
    " ideias objetivos ligações definição definições capítulo conclusão perguntas exercícios"
    " vantagens desvantagens semana tarefas recursos referências fontes",
    "nl": "was an de het een en of voor met van in op is zijn hoe wat waarom wie waar niet naar"
    " bij uit over onder door om te dat dit aan als ook inleiding samenvatting overzicht"
    " voorbeeld voorbeelden notities gedachten doelen doel bronnen vragen begrippen hoofdstuk"
    " conclusie voordelen nadelen opdrachten taken ideeën week",
    "sv": "och eller för med av till på är en ett den det hur vad varför vem när var inte som"
    " om från vid under över att inledning sammanfattning översikt exempel anteckningar tankar"
    " mål källor frågor begrepp kapitel slutsats fördelar nackdelar uppgifter idéer länkar"
    " vecka bakgrund",
    "pl": "i oraz lub dla z ze do od na po w we o jest są jak co dlaczego kto kiedy gdzie nie"
    " się przez przy pod nad bez wstęp wprowadzenie podsumowanie przegląd przykład przykłady"
    " notatki myśli cele cel źródła pytania pojęcia rozdział wnioski zalety wady zadania"
    " pomysły linki tydzień definicja",
    "tr": "ve veya ile için bir bu şu nasıl ne neden nedir kim zaman nerede değil olarak olan"
    " gibi da giriş özet genel bakış örnek örnekler notlar düşünceler hedefler hedef kaynaklar"
    " sorular kavramlar bölüm sonuç avantajlar dezavantajlar görevler fikirler bağlantılar"
    " hafta tanım",
    "": "og ikke jeg det til fra den som er av på i eller hvordan hva ja tai sekä että ei mikä"
    " miten on je není jak proč nebo pro při az és egy nem hogy miért și sau pentru cum este"
    " din ce las els amb",
}
"""Function words and usual words of headings, by language; "" stands for all other languages."""

_ENDINGS: Mapping[str, str] = {
    "en": "ness tions ings ally",
    "de": "ung ungen keit heit schaft lich ische ischen ierung",
    "fr": "ité ités eur euse eux aux ique iques",
    "es": "ción ciones dad dades miento",
    "it": "zione zioni ità ismo",
    "pt": "ção ções dade mento",
    "nl": "heid heden lijk lijke atie",
    "sv": "ningar skap het arna erna",
    "pl": "anie enie ania enia ości ość ych ego",
    "tr": "ları leri lar ler lık lik ması mesi",
}
_ENDING_LENGTHS = (6, 5, 4, 3)

_LETTERS: Mapping[str, str] = {
    "de": "ß ä ö ü",
    "fr": "ç é è ê à ù î ô œ",
    "es": "é ñ á í ó ú",
    "it": "è à ù ì ò",
    "pt": "ç é ê ô á í ó ú ã õ",
    "sv": "ä ö å",
    "pl": "ó ą ć ę ł ń ś ź ż",
    "tr": "ö ü ç ğ ı ş",
}
_OTHER_LETTERS = frozenset("æøřůěčžšťďňőűțșăơưđāēīūķļņģ")
"""Letters of Latin script that none of the languages has."""


@cache
def _list_languages(kind: str) -> Mapping[str, tuple[str, ...]]:
    """Return the languages by `word`, `ending` or `letter`."""
    table = {"word": _WORDS, "ending": _ENDINGS, "letter": _LETTERS}[kind]
    inverted: dict[str, tuple[str, ...]] = {}
    for language, words in table.items():
        for word in dict.fromkeys(words.split()):
            inverted[word] = (*inverted.get(word, ()), language)
    return inverted


_SCRIPTS = (
    ("ja", lazy_pattern("[\u3041-\u30ff]")),
    ("ko", lazy_pattern("[\u1100-\u11ff\uac00-\ud7af]")),
    ("zh", lazy_pattern("[\u4e00-\u9fff]")),
    ("uk", lazy_pattern("[іїєґ]")),
    ("other-cyrillic", lazy_pattern("[ўјљњћђџѓќѕ]|ъ[бвгджзклмнпрстфхцчшщ]")),
    ("ru", lazy_pattern("[ыэё]")),
    ("cyrillic", lazy_pattern("[\u0400-\u04ff]")),
    ("other-arabic", lazy_pattern("[ٹڈڑ]")),
    ("fa", lazy_pattern("[پچژگکی]")),
    ("ar", lazy_pattern("[ةىيكأإ]")),
    ("arabic", lazy_pattern("[\u0621-\u06ff]")),
)
"""Scripts and telling letters, in the order of the tests."""

_MERGED_SCRIPTS = {
    "cyrillic": ("ru", "uk", "other-cyrillic"),
    "arabic": ("ar", "fa", "other-arabic"),
}
"""Headings without a telling letter count for the language that most telling ones have.

Without any telling letter, that is the first one, which has the fewest.
"""

_MIN_JAPANESE_SHARE = 0.2
"""Share of headings with kana among those in Chinese characters from which all are Japanese."""

_MIN_HEADINGS = 2
_MIN_SHARE = 0.2
"""Share of all headings that must be in a language; short names belong to none."""


def detect_language(index: Index) -> str:
    """Return the language of most headings of a vault, `en` in doubt."""
    headings: list[str] = []
    for note in index.notes.values():
        spans = [(section.start, section.end) for section in note.sections]
        headings += [
            heading.text
            for heading in note.headings
            if not any(start <= heading.start < end for start, end in spans)
        ]
    return choose_language(headings)


def choose_language(headings: Iterable[str]) -> str:
    """Return the language that most of these headings are clearly in, else `en`."""
    votes: Counter[str] = Counter()
    total = 0
    for text in headings:
        if _WORD.search(text):
            total += 1
            votes.update(_guess_language(text))
    decided = sum(votes.values())
    if votes["ja"] >= _MIN_JAPANESE_SHARE * (votes["ja"] + votes["zh"]) and votes["ja"]:
        votes["ja"] += votes.pop("zh", 0)
    for script, languages in _MERGED_SCRIPTS.items():
        shared = votes.pop(script, 0)
        first = max(languages, key=lambda language: votes[language])
        votes[first] += shared
    language, count = max(votes.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    is_clear = count >= _MIN_HEADINGS and 2 * count > decided and count >= _MIN_SHARE * total
    return language if is_clear and language in USUAL_WORDINGS else "en"


def _guess_language(text: str) -> list[str]:
    """Return the language of a heading as a list of one; empty if nothing tells it."""
    low = text.lower()
    if not low.isascii():
        for language, pattern in _SCRIPTS:
            if pattern.search(low):
                return [language]
    scores = _score_languages(low)
    best = max(scores.values(), default=0)
    leading = [language for language, score in scores.items() if score == best]
    return leading if len(leading) == 1 else []


def _score_languages(low: str) -> Counter[str]:
    """Return how many words, endings and letters of a text speak for each language."""
    scores: Counter[str] = Counter()
    by_ending = _list_languages("ending")
    for word in _WORD.findall(low):
        known = _list_languages("word").get(word)
        if known is None:
            ends = (word[-length:] for length in _ENDING_LENGTHS if len(word) > length + 2)
            known = next(filter(None, map(by_ending.get, ends)), ())
        scores.update(known)
    for letter in () if low.isascii() else set(low):
        scores.update(_list_languages("letter").get(letter, ()))
        if letter in _OTHER_LETTERS:
            scores[""] += 2
    return scores
