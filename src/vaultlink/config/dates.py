"""Date formats of moment.js, as the names of periodic notes have them."""

import re
from collections.abc import Callable, Iterator, Sequence

import msgspec

from vaultlink.index.resolve import normalize_name
from vaultlink.obsidian import PeriodicNote
from vaultlink.text import lazy_pattern

# -- the names of months and weekdays in the names of periodic notes -------------------------------
# moment.js writes them in the language of Obsidian. They are in lower case and without a final
# full stop. Names with digits, as of Japanese months, are read by `vaultlink.config.dates`.

_MONTHS = """
january jan february feb march mar april apr may june jun july jul august aug september sep
october oct november nov december dec januar februar märz mai juni juli oktober okt dezember
dez janvier janv février févr mars avril avr juin juillet juil août septembre sept octobre
novembre décembre déc enero ene febrero marzo abril abr mayo junio julio agosto ago septiembre
octubre noviembre diciembre dic gennaio gen febbraio aprile maggio mag giugno giu luglio lug
settembre set ottobre ott dicembre janeiro fevereiro fev março maio junho julho setembro
outubro out novembro dezembro januari februari maart mrt mei augustus maj augusti marts
desember des tammikuu tammi helmikuu helmi maaliskuu maalis huhtikuu huhti toukokuu touko
kesäkuu kesä heinäkuu heinä elokuu elo syyskuu syys lokakuu loka marraskuu marras joulukuu
joulu styczeń sty stycznia luty lut lutego marzec marca kwiecień kwi kwietnia maja czerwiec cze
czerwca lipiec lip lipca sierpień sie sierpnia wrzesień wrz września październik paź
października listopad lis listopada grudzień gru grudnia leden led ledna únor úno února březen
bře března duben dub dubna květen kvě května červen čvn června červenec čvc července srpen srp
srpna září zář říjen říj října listopadu prosinec pro prosince január február március márc
április ápr május máj június jún július júl augusztus szeptember szept október ianuarie ian
februarie martie mart aprilie iunie iun iulie iul septembrie octombrie noiembrie decembrie
gener de_gener febrer febr de_febrer març de_març d’abril maig de_maig juny de_juny juliol
de_juliol agost ag d’agost setembre de_setembre d’octubre de_novembre desembre de_desembre
ιανουάριος ιαν ιανουαρίου φεβρουάριος φεβ φεβρουαρίου μάρτιος μαρ μαρτίου απρίλιος απρ απριλίου
μάιος μαϊ μαΐου ιούνιος ιουν ιουνίου ιούλιος ιουλ ιουλίου αύγουστος αυγ αυγούστου σεπτέμβριος
σεπ σεπτεμβρίου οκτώβριος οκτ οκτωβρίου νοέμβριος νοε νοεμβρίου δεκέμβριος δεκ δεκεμβρίου
январь янв января февраль февр февраля март марта мар апрель апр апреля май мая июнь июня июль
июля август авг августа сентябрь сент сентября октябрь окт октября ноябрь нояб ноября декабрь
дек декабря січень січ січня лютий лют лютого березень бер березня квітень квіт квітня травень
трав травня червень черв червня липень лип липня серпень серп серпня вересень вер вересня
жовтень жовт жовтня листопад лист листопада грудень груд грудня ocak oca şubat şub nisan nis
mayıs haziran haz temmuz tem ağustos ağu eylül eyl ekim eki kasım kas aralık ara maret agustus
agu يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر ژانویه فوریه
آوریل مه ژوئن ژوئیه اوت سپتامبر اکتبر نوامبر دسامبر ינואר ינו׳ פברואר פבר׳ מרץ אפריל אפר׳ מאי
יוני יולי אוגוסט אוג׳ ספטמבר ספט׳ אוקטובר אוק׳ נובמבר נוב׳ דצמבר דצמ׳ जनवरी जन फरवरी फ़र फ़रवरी
मार्च अप्रैल अप्रै मई जून जुलाई जुल अगस्त अग सितंबर सित सितम्बर अक्टूबर अक्टू नवंबर नव नवम्बर
दिसंबर दिस दिसम्बर มกราคม ม.ค กุมภาพันธ์ ก.พ มีนาคม มี.ค เมษายน เม.ย พฤษภาคม พ.ค มิถุนายน มิ.ย
กรกฎาคม ก.ค สิงหาคม ส.ค กันยายน ก.ย ตุลาคม ต.ค พฤศจิกายน พ.ย ธันวาคม ธ.ค 一月 二月 三月 四月
五月 六月 七月 八月 九月 十月 十一月 十二月
"""
_WEEKDAYS = """
monday mon tuesday tue wednesday wed thursday thu friday fri saturday sat sunday sun montag mo
dienstag di mittwoch mi donnerstag do freitag fr samstag sa sonntag so lundi lun mardi mar
mercredi mer jeudi jeu vendredi ven samedi sam dimanche dim lunes martes miércoles mié jueves
jue viernes vie sábado sáb domingo dom lunedì martedì mercoledì giovedì gio venerdì sabato sab
domenica segunda-feira seg terça-feira ter quarta-feira qua quinta-feira qui sexta-feira sex
maandag ma dinsdag woensdag wo donderdag vrijdag vr zaterdag za zondag zo måndag mån tisdag tis
onsdag ons torsdag tors fredag fre lördag lör söndag sön mandag man tirsdag tir tor lørdag lør
søndag søn ti on to lø sø maanantai tiistai keskiviikko ke torstai perjantai pe lauantai la
sunnuntai su poniedziałek pon wtorek wt środa śr czwartek czw piątek pt sobota sob niedziela
ndz pondělí po úterý út středa st čtvrtek čt pátek pá neděle ne hétfő hét kedd szerda sze
csütörtök csüt péntek pén szombat szo vasárnap vas luni marți miercuri mie joi vineri vin
sâmbătă sâm duminică dum dilluns dl dimarts dt dimecres dc dijous dj divendres dv dissabte ds
diumenge dg δευτέρα δευ τρίτη τρι τετάρτη τετ πέμπτη πεμ παρασκευή παρ σάββατο σαβ κυριακή κυρ
понедельник пн вторник вт среда ср четверг чт пятница пт суббота сб воскресенье вс понеділок
вівторок середа четвер пʼятниця субота неділя нд pazartesi pzt salı sal çarşamba çar perşembe
per cuma cum cumartesi cmt pazar paz senin sen selasa sel rabu rab kamis kam jumat jum sabtu
minggu min الإثنين إثنين الثلاثاء ثلاثاء الأربعاء أربعاء الخميس خميس الجمعة جمعة السبت سبت
الأحد أحد دوشنبه سه‌شنبه چهارشنبه پنج‌شنبه جمعه شنبه یک‌شنبه שני ב׳ שלישי ג׳ רביעי ד׳ חמישי ה׳
שישי ו׳ שבת ש׳ ראשון א׳ सोमवार सोम मंगलवार मंगल बुधवार बुध गुरूवार गुरू शुक्रवार शुक्र शनिवार
शनि रविवार रवि จันทร์ อังคาร พุธ พฤหัสบดี พฤหัส ศุกร์ เสาร์ อาทิตย์ 月曜日 月 火曜日 火 水曜日
水 木曜日 木 金曜日 金 土曜日 土 日曜日 日 월요일 월 화요일 화 수요일 수 목요일 목 금요일 금
토요일 토 일요일 일 星期一 周一 星期二 周二 星期三 周三 星期四 周四 星期五 周五 星期六 周六
星期日 周日 週一 週二 週三 週四 週五 週六 週日
"""

MONTH_NAMES = frozenset(name.replace("_", " ") for name in _MONTHS.split())
"""Names of months and their short forms."""

WEEKDAY_NAMES = frozenset(_WEEKDAYS.split())
"""Names of weekdays and their short forms."""

# -- date formats of moment.js, as the names of periodic notes have them ---------------------------
# A format is compiled to an expression with bounded parts; what it captures is then checked as a
# date. Formats that could match other text than dates are not supported.

_MOST_CHARS, _MOST_SEGMENTS, _MOST_TOKENS, _MOST_NAMES = 100, 20, 10, 2
"""Limits of a format and its folder. With them an expression is matched in some thousand steps."""

_LONGEST_TARGET = 300

_TOKEN = lazy_pattern(
    r"\[([^\[]*)\]|\\(.)|(Mo|MM?M?M?|Do|DDDo|DD?D?D?|ddd?d?|do?|w[ow]?|W[oW]?|Qo?"
    r"|Y{4,6}|YY|Y|y{1,4}|gg(?:ggg?)?|GG(?:GGG?)?"
    r"|[eEaANHhkmsSxXzZLl])|(.)",
    re.DOTALL,
)
"""Escaped text, an escaped character, a token, or any other character."""

_ORDINAL = r"(?:st|nd|rd|th|er|re|ste|de|:?[ae]|-(?:го|й|я)|[ºª.ηrntm日月周週일월주م]|['’]\w{1,3})?"
_NAME = r"([^\W\d_][^\d/]{0,14}?)"
_NUMBERS = {1: r"([1-9]\d?)", 2: r"(\d\d)", 3: r"([1-9]\d{0,2})", 4: r"(\d{4})"}

_TOKENS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("YYYY", "Y", "yyyy", "yyy", "y"), ("year", _NUMBERS[4])),
    **dict.fromkeys(("YY", "yy"), ("short-year", _NUMBERS[2])),
    **dict.fromkeys(("gggg", "GGGG"), ("week-year", _NUMBERS[4])),
    **dict.fromkeys(("gg", "GG"), ("short-year", _NUMBERS[2])),
    "M": ("month", _NUMBERS[1]),
    "Mo": ("month", _NUMBERS[1] + _ORDINAL),
    "MM": ("month", _NUMBERS[2]),
    **dict.fromkeys(
        ("MMM", "MMMM"), ("month-name", rf"(?:\d{{1,2}}[月월]|th(?:áng|g) \d{{1,2}}|{_NAME}\.?)")
    ),
    "D": ("day", _NUMBERS[1]),
    "Do": ("day", _NUMBERS[1] + _ORDINAL),
    "DD": ("day", _NUMBERS[2]),
    "DDD": ("day-of-year", _NUMBERS[3]),
    "DDDo": ("day-of-year", _NUMBERS[3] + _ORDINAL),
    "DDDD": ("day-of-year", r"(\d{3})"),
    **dict.fromkeys(("ddd", "dddd"), ("weekday-name", rf"{_NAME}\.?")),
    **dict.fromkeys(("d", "e", "E"), ("weekday", r"([0-7])")),
    **dict.fromkeys(("w", "W"), ("week", _NUMBERS[1])),
    **dict.fromkeys(("wo", "Wo"), ("week", _NUMBERS[1] + _ORDINAL)),
    **dict.fromkeys(("ww", "WW"), ("week", _NUMBERS[2])),
    "Q": ("quarter", r"([1-4])"),
    "Qo": ("quarter", r"([1-4])" + _ORDINAL),
}
"""Token to the part of a date that it stands for, and its expression with one group.

Times are missing: no note of a day or a longer period has one.
"""

_RANGES = {
    "year": range(1900, 2200),
    "week-year": range(1900, 2200),
    "month": range(1, 13),
    "day": range(1, 32),
    "day-of-year": range(1, 367),
    "week": range(1, 54),
}
_NAMES = {"month-name": MONTH_NAMES, "weekday-name": WEEKDAY_NAMES}
_DAYS_IN_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class _Segment(msgspec.Struct, frozen=True):
    """The expression of a format between two slashes, and the date part of each group."""

    expression: str
    parts: tuple[str, ...]

    @property
    def is_dated(self) -> bool:
        """True if the segment alone states a period of a certain year."""
        found = frozenset(self.parts)
        return bool(found & {"year", "week-year"}) or {"short-year", "month", "day"} <= found


def compile_periodic_notes(notes: Sequence[PeriodicNote]) -> Callable[[str], bool]:
    """Return a predicate that is True for link targets that name periodic notes.

    A target is a note's path, with or without `.md`, or the end of it from a folder on, as far as
    it states the year. Case and Unicode form are ignored.
    """
    patterns = [pattern for note in notes if (pattern := _compile_note(note))]
    if not patterns:
        return lambda _target: False

    def matches(target: str) -> bool:
        if len(target) > _LONGEST_TARGET:
            return False
        name = _RELATIVE_PREFIX.sub("", normalize_name(target)).removesuffix(".md")
        found = ((parts, expression.fullmatch(name)) for expression, parts in patterns)
        return any(match and _is_date(parts, match.groups()) for parts, match in found)

    return matches


_RELATIVE_PREFIX = lazy_pattern(r"^(?:\.{0,2}/)+")


def _compile_note(note: PeriodicNote) -> tuple[re.Pattern[str], tuple[str, ...]] | None:
    """Return a pattern for paths and the date part per group; None if unsupported."""
    dated = _read_format(note.format)
    if dated is None:
        return None
    plain = [_Segment(re.escape(normalize_name(part)), ()) for part in note.folder.split("/")]
    segments = [*(plain if note.folder else ()), *dated]
    if len(segments) > _MOST_SEGMENTS:
        return None
    last = max((at for at, segment in enumerate(segments) if segment.is_dated), default=None)
    if last is None:
        whole = tuple(part for segment in dated for part in segment.parts)
        if not _Segment("", whole).is_dated:
            return None
        last = len(segments) - len(dated)
    optional = ""
    for segment in segments[:last]:
        optional = f"(?:{optional}{segment.expression}/)?"
    rest = "/".join(segment.expression for segment in segments[last:])
    parts = tuple(part for segment in segments for part in segment.parts)
    return re.compile(optional + rest), parts


def _read_format(text: str) -> list[_Segment] | None:
    """Return the segments of a format; None if it has a token that is not supported."""
    if len(text) > _MOST_CHARS:
        return None
    segments, expression, parts = [], "", []
    for literal, token in _split_format(text):
        if token:
            if token not in _TOKENS:
                return None
            part, pattern = _TOKENS[token]
            parts.append(part)
            expression += pattern
        elif literal == "/":
            segments.append(_Segment(expression, tuple(parts)))
            expression, parts = "", []
        else:
            expression += re.escape(normalize_name(literal))
    segments.append(_Segment(expression, tuple(parts)))
    found = [part for segment in segments for part in segment.parts]
    if len(found) > _MOST_TOKENS or sum(part in _NAMES for part in found) > _MOST_NAMES:
        return None
    return [segment for segment in segments if segment.expression]


def _split_format(text: str) -> Iterator[tuple[str, str]]:
    """Yield other characters and tokens, as pairs of which one is empty."""
    for match in _TOKEN.finditer(text):
        escaped, char, token, other = match.groups()
        if token:
            yield "", token
        else:
            for literal in escaped or char or other or "":
                yield literal, ""


def _is_date(parts: tuple[str, ...], texts: tuple[str | None, ...]) -> bool:
    """Return True if texts are one date; groups that took no part have None."""
    numbers: dict[str, int] = {}
    for part, text in zip(parts, texts, strict=True):
        if text is None:
            continue
        if part in _NAMES:
            if text.rstrip(".") not in _NAMES[part]:
                return False
        elif numbers.setdefault(part, int(text)) != int(text):
            return False
    month, quarter = numbers.get("month"), numbers.get("quarter")
    if any(part in _RANGES and number not in _RANGES[part] for part, number in numbers.items()):
        return False
    if month and numbers.get("day", 1) > _count_days(month, numbers.get("year")):
        return False
    return not month or not quarter or quarter == (month + 2) // 3


def _count_days(month: int, year: int | None) -> int:
    """Return the number of days of a month; 29 for a February of an unknown year."""
    if month == 2 and year and (year % 4 or (year % 100 == 0 and year % 400)):
        return 28
    return _DAYS_IN_MONTH[month - 1]
