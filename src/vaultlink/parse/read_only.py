"""Find the folders that a note for readers or agents declares read-only.

Each sentence is read on its own. In doubt, it declares nothing.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from vaultlink.model import DECLARING_NAMES
from vaultlink.text import lazy_pattern

_MAX_LENGTH = 1_000
"""Longer lines are no rules."""

_FOLDER, _FILE = "\ue000", "\ue001"
"""Stand for a folder and for a file in a sentence."""

# -- phrases ---------------------------------------------------------------------------------------


_STATE = (
    r"\b(?:immutable|read-only|read only(?=[^\S\n]*(?:$|[\n.,;:!|)\]—–])))\b"
    r"|\b(?:unveränder(?:lich|bar)|schreibgeschützt)\w*|\bnur (?:lesen|zum lesen)\b"
    r"|\bimmuables?\b|\blecture seule\b|\binmutables?\b|\bs[oó]lo lectura\b"
    r"|\bimutáve(?:l|is)\b|\b(?:somente|apenas|só) leitura\b|\bimmutabil[ei]\b|\bsola lettura\b"
    r"|\bнеизменяем\w*|\bтолько (?:для чтения|чтение)\b"
    r"|不可变|不可變|不可修改|只读|只讀|唯讀|不変|読み取り専用|불변|읽기 ?전용"
)
_VERBS = (
    r"(?:edit|modify|modifie[sd]|modifying|change(?!s\b)|touch|alter|rewrite|overwrite|write|mutate)"
    r"(?:s|d|ed|es|ing)?|(?:re|over)?written"
)
_BAN = (
    r"\b(?:never|do not|don['’]t|must not|mustn['’]t|should not|shouldn['’]t|not to"
    r"|(?:may not|can ?not|can['’]t)(?=\s+be\b))"
    rf"\s+(?:ever\s+|be\s+)*(?:{_VERBS})\b(?:\s*(?:,|/|or|and|,\s*or)\s*(?:\w+)(?=\s))?"
    r"(?:\s+(?:to|in|into)\b)?"
    r"|\bni(?:cht|e|emals) (?:\w+ )?(?:bearbeite|änder|veränder|überschreib|anfass|geänder)\w*"
    r"|\b(?:jamais|pas) (?:être )?(?:modifi|édit|chang|touch|réécri|écri|écras)\w*"
    r"|\bne (?:modifi|édit|chang|touch)\w+ (?:jamais|pas)\b"
    r"|\b(?:nunca|jamás|no|não|nao) (?:se )?(?:deben? |devem? )?(?:ser )?"
    r"(?:modifi[cq]|edit(?=[aeo])|cambi|to[cq]|alter[ae]|(?:sobr)?escri[bt]|sobrescrev|mex)\w+"
    r"|\b(?:mai|non) (?:\w+ )?(?:modific|tocc|sovrascriv|alterar)\w+"
    r"|\bне (?:измен|редактир|прав|меня|трога|перезапис)\w*|\bнельзя (?:\w+ть)\b"
    r"|(?:不要|不得|不能|不可|禁止|严禁|請勿|请勿|切勿|绝不|永不|不会|不)"
    r"(?:修改|编辑|改动|更改|改写|覆盖|写入|变更)"
    r"|(?:編集|変更|修正|上書き)(?:しない|してはいけない|してはならない|しては(?:だめ|ダメ)|禁止|不可)|書き換えない"
    r"|(?:수정|편집|변경)(?:을|를)? ?(?:하지|금지|불가)"
)
_PHRASE = lazy_pattern(rf"(?P<state>{_STATE})|(?P<ban>{_BAN})", re.IGNORECASE)

_CONDITION = lazy_pattern(
    r"\b(?:unless|without|until|before|except\w*|only (?:when|if|by|after|through|via)|if|when"
    r"|for (?:humans?|users?|people|readers?|visitors?)"
    r"|directly|manually|by hand|yourself|außer|ohne|sauf|sans|excepto|salvo|sin|sem|exceto"
    r"|senza|tranne|кроме|без)\b|除非|除了|直接|手动|手動|以外",
    re.IGNORECASE,
)
_SCOPE = lazy_pattern(
    r"\b(?:when|while|during|if|unless|until|except\w*|in [\w-]+ mode)\b|除非|除了|以外",
    re.IGNORECASE,
)
"""What limits a phrase behind it to a moment, or to a part of a folder."""

_NOT_BEFORE = lazy_pattern(
    r"(?:(?:\bnot|n['’]t|\b(?:no longer|nicht|pas|no es|non è|não é|never|neither))(?: \w+)?"
    r"|不是|并非|非|не)\s*$",
    re.IGNORECASE,
)
_OF_OTHERS = lazy_pattern(
    r"\b(?:humans?|users?|people|you|owners?|mensch\w*|when|while|during|if|query)\b", re.IGNORECASE
)
"""Titles of columns that are not about what an agent may change at any time."""

_ALLOWED = lazy_pattern(
    r"(?<!human )(?<!humans )(?<!user )(?<!users )(?<!you )"
    r"\b(?:freely|editable|writable|mutable|read[-/ ]?write|write|rw)\b",
    re.IGNORECASE,
)
"""What a row of a table says about a folder that is not only read."""

_PEOPLE_BEFORE = lazy_pattern(
    r"\b(?:humans?|users?|people|owners?)\b[\w ,]{0,12}$|人类?\s*$", re.IGNORECASE
)
_READER_BEFORE = lazy_pattern(r"\byou(?: \w+)?,?\s*$", re.IGNORECASE)

# -- words around a phrase -------------------------------------------------------------------------

_THING = (
    r"(?>(?:any|all|the|a|an|of|existing|raw|originals?|sources?|materials?|documents?|files?|notes?"
    r"|evidence|curated|imported|scraped|copies|copy|clips?|clippings|web|articles?|papers?|transcripts?|captures?|inputs?|archives?"
    r"|anything|everything|contents?|folders?|director[yi]e?s?|layers?|vault|under|inside|within"
    r"|in|into|from|to|dateien|inhalte?|ordner|verzeichnis|die|der|den|das|im|fichiers?|dossier|le"
    r"|la|les|dans|du|de|los|las|el|archivos?|carpeta|en|os|as|arquivos?|pasta|em|do|da|i|gli|il"
    r"|della?|cartella|файлы|папку|папке|в|из)\b[\s,]*"
    r"|(?:任何|的|目录|文件夹|文件|里|中|下|の|内|ファイル|フォルダ|파일|폴더)\s*)"
)
_OBJECT = lazy_pattern(rf"\s*{_THING}*+({_FOLDER})", re.IGNORECASE)
"""What leads from a ban to its folder."""

_PRONOUN = lazy_pattern(
    r"\s*(?:it|them|these|those|this|that|ihn|sie|les?|lo|los|它们?|them)\b", re.I
)
_NO_OBJECT = lazy_pattern(
    r"\s*(?:$|[^\w\s\ue000\ue001]|(?:after|once|here|in place|at all|or|and|during|werden|by)\b"
    r"|[않말마])",
    re.I,
)
_OF_FOLDER = lazy_pattern(rf"\s*[:(]?\s*{_THING}*+[(:]?\s*({_FOLDER})", re.IGNORECASE)
"""What leads from a state to the folder behind it."""

_STATED = lazy_pattern(
    rf"(?!\W*(?:no|false|nein|non|нет|否)\b)\s*(?:$|[^\w\s\ue000\ue001]|{_THING}|(?:and|or|after|once|by|for|to|werden|ist|sind"
    r"|references?|context|snapshots?|mirrors?|originale?|quellen|fuentes?|originales|fontes?"
    r"|brutes?|原始|资料|源|的|。)\b|[一-鿿぀-ヿ가-힣])",
    re.IGNORECASE,
)
"""What may follow a state that a folder before it is in."""

_OTHER_SUBJECT = lazy_pattern(
    r"(?:\s+\w+){1,3}\s+(?:are|is|live|lie|come|belong|go)\b", re.IGNORECASE
)
"""What makes a state that of a thing that its sentence names, as “immutable sources are in …”."""

_RELATES = lazy_pattern(
    r"\b(?:cit\w+|quot\w+|link\w*|refer\w*|from|deriv\w+|compil\w+|generat\w+|based|built|us(?:es?|ing)"
    r"|about|with|against|summari\w+|freely|editable|writable|mutable|yours|than|unlike|while|but|whereas|reads?(?!,)|feeds?)\b"
    r"|,\s*(?:\w+ )?sources? (?:are|is|stay)\b",
    re.IGNORECASE,
)
"""Words after which a state is not that of the folder before them."""

_AT_ONCE = lazy_pattern(
    r"[\s)]*(?:[(—–:→←=,|-]+\s*)?(?:(?:which|that|is|are|stays?|remains?|must be|be|treated as|as"
    r"|the|an?|files?|strictly|always|ist|sind|est|es|está|é|è|目录|文件夹|下的文件是?|是|は|는|은)\s*)*"
)
"""What may stand between a folder and a phrase about it if other folders precede."""

_JOINT = lazy_pattern(r"\s*(?:,?\s*\b(?:and|or|und|oder|et|ou|y|o|e|и)\b|[,/&+、或和与と])\s*")

# -- folders ---------------------------------------------------------------------------------------

_NAME = r"[\w.\-]+"
_CODE_FOLDER = lazy_pattern(r"(?:\./|/)?((?:[\w.\- &]+/)*[\w.\- &]+)/(?:\*\*?(?:/\*+)?(?:\.\w+)?)?")
_FOLDER_WORD = (
    r"(?:folders?|director[yi]e?s?|subfolders?|ordner|verzeichnis|dossier|carpeta|pasta|cartella"
    r"|目录|文件夹|フォルダー?|폴더)"
)
_MENTION = lazy_pattern(
    r"(?P<this>\b(?:this (?:folder|directory)|(?:files|notes|documents|anything|everything)"
    r"(?: in)? here|diese[rmn]? ordner|dieses verzeichnis|ce dossier|esta (?:carpeta|pasta)"
    r"|questa cartella|эт(?:а папка|у папку|ой папке))\b|[本此]目录)"
    rf"|(?P<before>\b{_FOLDER_WORD}\s+)?`(?P<code>[^`]+)`(?P<after>\s*{_FOLDER_WORD}(?!\w))?"
    rf"|\bthe [\"“]?(?P<named>{_NAME})[\"”]? (?:folder|directory)\b"
    rf"|(?<![\w/:.>}}\]`~$-])(?P<plain>(?:\./|/)?(?:{_NAME}/)+)(?![\w/<{{\[`])"
    rf"|(?<![\w/.-])(?P<file>{_NAME}(?:/{_NAME})*\.(?:md|json|ya?ml|toml|txt|py|js|ts|sh|base|canvas))\b",
    re.IGNORECASE,
)


class _Sentence(NamedTuple):
    """A sentence and the folders that it names.

    In the text, `_FOLDER` and `_FILE` stand for what it names.
    """

    text: str
    folders: Sequence[str]


class _Line(NamedTuple):
    """A paragraph, list item, heading, row of a table or entry of a tree.

    `indent` is the column of its mark, -1 for headings; `entry` the path of an entry of a tree.
    """

    indent: int
    text: str
    entry: str = ""


def find_read_only_folders(path: str, text: str) -> tuple[str, ...]:
    """Return the folders that a text declares read-only, as it writes them.

    They have no slashes around them; "." is the folder of the note. Empty unless the name of the
    note is one of `DECLARING_NAMES`.
    """
    name = path.rpartition("/")[2].lower()
    if name not in DECLARING_NAMES or not _PHRASE.search(text):
        return ()
    found: dict[str, None] = {}
    above: list[tuple[int, Sequence[str]]] = []
    own_name = path.rpartition("/")[0].rpartition("/")[2]
    for line in _list_lines(text):
        above = [item for item in above if item[0] < line.indent] if line.indent >= 0 else []
        context = next((folders for _, folders in reversed(above) if folders), ())
        if line.text.startswith("|"):
            if _ALLOWED.search(_PHRASE.sub("", line.text)):
                continue
            context = ()
        named: list[str] = []
        for sentence in _split_sentences(_name_own_folder(line, own_name), context):
            folders = _read_sentence(sentence, context, is_readme=name == "readme.md")
            found.update(dict.fromkeys(folders))
            named += sentence.folders
            context = sentence.folders or context
        above.append((line.indent, named if len(set(named)) == 1 else ()))
    return tuple([folder for folder in found if folder != "." or "/" in path])


def _name_own_folder(line: _Line, name: str) -> _Line:
    """Return a heading that is the name of the folder of its note with a slash behind it."""
    text, end = line.text, len(name)
    is_name = line.indent < 0 and name and text[:end].lower() == name.lower()
    if not (is_name and _NAME_END.match(text, end)):
        return line
    return line._replace(text=f"`{text[:end]}/`{text[end:]}")


# -- lines -----------------------------------------------------------------------------------------

_FENCE = lazy_pattern(r"\s*(```+(?!.*`)|~~~+)\s*(\w*)")
_OTHER_CODE = "\0"
"""The first line of a block of code that is neither a tree nor text."""

_TREES = frozenset(("", "text", "txt", "tree", "plaintext", "plain", "markdown", "md"))
_ENTRY = lazy_pattern(
    r"((?:[\s│┃|├└┣┗─━┬`+\\-]|\*(?=\s))*)([\w.\-]+|(?<=[─━] )[\w.\-][\w.\- &]*?)(/?)"
    r"(?=\s{2,}|\s*[#←→(（]|\s—|\s-|\s*$)(.*)"
)
_ITEM = lazy_pattern(r"(\s*)(?:[-*+]|\d+[.)])\s+(?:\[.\]\s+)?")
_NAME_END = lazy_pattern(r"\s*(?:$|[^\w\s/`.])")
_OWN_LINE = lazy_pattern(r"\s*(?:#{1,6}\s|>|\||<)")


def _list_lines(text: str) -> Iterator[_Line]:
    """Yield the lines of a text; those of a paragraph or list item are joined."""
    fence, block = "", list[str]()
    for raw in text.splitlines():
        mark = _FENCE.match(raw)
        if not fence and mark:
            yield from _join_lines(block)
            fence, block = mark[1], [] if mark[2].lower() in _TREES else [_OTHER_CODE]
        elif mark and mark[1].startswith(fence) and not mark[2]:
            yield from _list_entries(block) if block[:1] != [_OTHER_CODE] else ()
            fence, block = "", []
        else:
            block.append(raw)
    yield from () if fence else _join_lines(block)


def _join_lines(block: Iterable[str]) -> Iterator[_Line]:
    """Yield the lines of a text outside code."""
    is_open, line, header = False, _Line(0, ""), list[str]()
    for given in block:
        is_row = given.lstrip()[:1] == "|"
        raw = _drop_other_cells(given, header) if is_row and header else given
        header = (header or given.split("|")) if is_row else []
        item = _ITEM.match(raw)
        is_own = _OWN_LINE.match(raw) is not None
        if is_open and not (item or is_own) and raw.strip():
            if len(line.text) <= _MAX_LENGTH:
                line = line._replace(text=f"{line.text} {raw.strip()}")
            continue
        if line.text:
            yield line
        indent = len(item[1].expandtabs(4)) if item else -1 if raw.lstrip()[:1] == "#" else 0
        is_open = not is_own and bool(raw.strip())
        line = _Line(indent, raw[item.end() :] if item else raw.strip(" \t#>"))
    if line.text:
        yield line


def _drop_other_cells(row: str, header: Sequence[str]) -> str:
    """Return a row of a table without the cells about people, or about some moments only."""
    cells = row.split("|")
    for number, title in enumerate(header[: len(cells)]):
        if _OF_OTHERS.search(title):
            cells[number] = " "
    return "|".join(cells)


def _list_entries(block: Sequence[str]) -> Iterator[_Line]:
    """Yield the lines of a block of code; entries of a tree with their paths."""
    parsed = [_ENTRY.fullmatch(line) if len(line) <= _MAX_LENGTH else None for line in block]
    roots = [match[2] for match in parsed if match and not match[1] and match[3]]
    has_branches = any("─" in line or "━" in line for line in block)
    parents: list[tuple[int, str]] = []
    for line, match in zip(block, parsed, strict=True):
        if match is None or not (match[3] or match[1].strip()):
            yield _Line(0, line)
            continue
        column = len(match[1].expandtabs(4))
        parents = [item for item in parents if item[0] < column]
        folder = "/".join([*(name for _, name in parents), match[2]])
        if match[3]:
            yield _Line(0, match[4], folder)
        if not (has_branches and column == 0 and len(roots) == 1):
            parents.append((column, match[2]))


_END = lazy_pattern(r"(?<=[.!?])[*_)\"”]*\s+(?=\S)|(?<=[;。；！？])|(?<=\s)[?]")
_MARKUP = lazy_pattern(r"\*\*|__|~~|(?<!\w)\*(?=\w)|(?<=\w)\*(?!\w)|\]\([^)]*\)|\[(?=[^\]]*\]\()")


def _split_sentences(line: _Line, context: Sequence[str]) -> Iterator[_Sentence]:
    """Yield the sentences of a line.

    “This folder” is that of `context`, if there is one. A row of a table is about the folders in
    the first cell that names any.
    """
    if len(line.text) > _MAX_LENGTH:
        return
    folders: list[str] = [line.entry] if line.entry else []
    is_row, cells = line.text.startswith("|"), set[int]()

    def replace_mention(match: re.Match[str]) -> str:
        folder = _read_mention(match)
        if folder is None:
            return match[0] if match["file"] is None and match["code"] is None else _FILE
        cells.add(match.string.count("|", 0, match.start()) if is_row else 0)
        if len(cells) > 1:
            return _FILE
        named = folders[-1:] if len(set(folders)) == 1 else context
        folders.append(named[0] if folder == "." and named else folder)
        return _FOLDER + (match["after"] or "")

    words = line.text.replace(_FOLDER, " ").replace(_FILE, " ")
    text = _MENTION.sub(replace_mention, _MARKUP.sub("", words))
    text = f"{_FOLDER} {text}" if line.entry else text
    for part in _END.split(text):
        count = part.count(_FOLDER)
        yield _Sentence(part, folders[:count])
        del folders[:count]


def _read_mention(match: re.Match[str]) -> str | None:
    """Return the folder that a part of a line names; None if it names none."""
    if match["this"]:
        return "."
    if match["named"]:
        return match["named"]
    words = match["code"] or match["plain"]
    if words is None:
        return None
    is_named = match["before"] or match["after"]
    found = _CODE_FOLDER.fullmatch(words.strip().rstrip("/") + "/" if is_named else words.strip())
    folder = found[1].strip() if found else ""
    return folder if folder.strip("./") and ".." not in folder else None


# -- sentences -------------------------------------------------------------------------------------


def _read_sentence(
    sentence: _Sentence, context: Sequence[str], *, is_readme: bool
) -> Sequence[str]:
    """Return the folders that a sentence declares read-only.

    `context` are the folders that it is about if it names none itself.
    """
    text, found = sentence.text, list[str]()
    if text.rstrip().endswith(("?", "？")):
        return ()
    for match in _PHRASE.finditer(text):
        before, after = text[: match.start()], text[match.end() :]
        if _is_limited(match, before, after, is_readme=is_readme):
            continue
        behind = (_OBJECT if match["ban"] else _OF_FOLDER).match(after)
        number = before.count(_FOLDER)
        if behind:
            place = match.end() + behind.start(1)
            if match["ban"] or not number or after.lstrip().startswith(_FOLDER):
                found += _list_joint(sentence, number, place)
                continue
        if match["ban"] and not (_PRONOUN.match(after) or _NO_OBJECT.match(after)):
            continue
        if match["state"] and not _STATED.match(after):
            continue
        if match["state"] and not number and _OTHER_SUBJECT.match(after):
            continue
        found += _find_subject(sentence, before) if number else _find_context(before, context)
    return found


def _is_limited(match: re.Match[str], before: str, after: str, *, is_readme: bool) -> bool:
    """Return True if a phrase is negated, has a condition, or is about what people do."""
    return bool(
        _CONDITION.search(after)
        or _SCOPE.search(before)
        or (match["state"] and _NOT_BEFORE.search(before))
        or _PEOPLE_BEFORE.search(before)
        or (is_readme and match["ban"] and _READER_BEFORE.search(before))
    )


def _list_joint(sentence: _Sentence, number: int, place: int) -> Sequence[str]:
    """Return the folder at a place of a sentence, and those joined to it."""
    folders = [sentence.folders[number]]
    while (match := _JOINT.match(sentence.text, place + 1)) and sentence.text.startswith(
        _FOLDER, match.end()
    ):
        place, number = match.end(), number + 1
        folders.append(sentence.folders[number])
    return folders if _STATED.match(sentence.text, place + 1) else ()


def _find_subject(sentence: _Sentence, before: str) -> Sequence[str]:
    """Return the folders before a phrase that it is about."""
    groups: list[list[int]] = []
    last = -1
    for number, place in enumerate(match.start() for match in re.finditer(_FOLDER, before)):
        if groups and _JOINT.fullmatch(before, last + 1, place):
            groups[-1].append(number)
        else:
            groups.append([number])
        last = place
    between = before[last + 1 :]
    is_clear = len(groups) == 1 and not _RELATES.search(between) and _FILE not in between
    if not (is_clear or _AT_ONCE.fullmatch(between)):
        return ()
    return [sentence.folders[number] for number in groups[-1]]


_WITHOUT_SUBJECT = lazy_pattern(
    r"[\W_]*(?:(?:they|it|these|those|files?(?: here)?|always|strictly|llms?|agents?"
    r"|is|are)\b[\W_]*){0,3}",
    re.IGNORECASE,
)


def _find_context(before: str, context: Sequence[str]) -> Sequence[str]:
    if _FILE in before or len(set(context)) != 1 or not _WITHOUT_SUBJECT.fullmatch(before):
        return ()
    return context[:1]
