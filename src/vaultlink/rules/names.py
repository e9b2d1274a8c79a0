"""The check on names of files and folders that another system, a sync service or a link can't carry."""

import re
from collections.abc import Iterable, Iterator

from vaultlink.index import stem
from vaultlink.model import Spot
from vaultlink.resolve import comparable, file_name, is_note
from vaultlink.rules import Context, Finding

_TOP = Spot(0, 0, 1, 1)
_REFUSED = re.compile(r'[<>:"|?*\\]')
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# Without U+200C and U+200D, which Persian, Indic scripts and emoji need.
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[1-9¹²³])\s*(?:\..*)?", re.IGNORECASE)
_UNLINKABLE = re.compile(r"#|\[\[|\]\]|\]$")
_SUSPECT = re.compile("[<>:\"|?*\\\\#\x00-\x1f\x7f-\x9f\ud800-\udfff\u00ad\u061c\u180e\u200b\u200e\u200f"
                      "\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]|\\[\\[|\\]|[. ](?:/|$)"
                      r"|(?i:(?:^|/)(?:con|prn|aux|nul|com|lpt))")


def unportable_name(context: Context) -> Iterator[Finding]:
    """Names of files, and of folders once each, at the first file in them."""
    allowed = frozenset(context.options["allow"])
    most_bytes, longest_path = context.options["max-bytes"], context.options["max-path"]
    folders: set[str] = set()
    for path in sorted(context.index.files):
        for problem in _path_length(path, longest_path):
            yield _finding(path, file_name(path), problem)
        if not _SUSPECT.search(path) and len(path) * 4 <= most_bytes:
            continue
        for name in _new_folders(path, folders):
            for problem in _problems(name, allowed, most_bytes):
                yield _finding(path, name, problem)
        name = file_name(path)
        for problem in (*_problems(name, allowed, most_bytes), *_linking(path, allowed)):
            yield _finding(path, name, problem)
    yield from _collisions(context.index.files)


def _finding(path: str, name: str, problem: str) -> Finding:
    shown = _CONTROL.sub(lambda match: f"<{_code(match[0])}>", _INVISIBLE.sub(lambda match: f"<{_code(match[0])}>", name))
    return Finding(_TOP, {"name": shown if len(shown) <= 80 else shown[:79] + "…", "problem": problem}, path=path)


def _new_folders(path: str, known: set[str]) -> Iterator[str]:
    """The names of a path's folders that were not met before."""
    at = path.find("/")
    while at != -1:
        folder = path[:at]
        if folder not in known:
            known.add(folder)
            yield file_name(folder)
        at = path.find("/", at + 1)


def _problems(name: str, allowed: frozenset[str], most_bytes: int) -> Iterator[str]:
    """What other systems make of a name."""
    refused = sorted(set(_REFUSED.findall(name)) - allowed)
    if refused:
        yield f"contains {' '.join(refused)}, which Windows and Android refuse"
    control = [char for char in _CONTROL.findall(name) if char not in allowed]
    if control:
        yield f"contains the control character {_code(control[0])}"
    hidden = [char for char in _INVISIBLE.findall(name) if char not in allowed]
    if hidden:
        yield f"contains the invisible character {_code(hidden[0])}, which no one types in a link"
    if _DEVICE.fullmatch(name):
        yield "is a device on Windows, which can't have such a file"
    if name[-1:] in (".", " ") and name[-1] not in allowed:
        yield f"ends in a {'dot' if name[-1] == '.' else 'space'}, which Windows drops"
    size = len(name) if name.isascii() else len(name.encode("utf-8", "surrogateescape"))
    if size > most_bytes:
        yield f"is {size} bytes long, where {most_bytes} are allowed"


def _linking(path: str, allowed: frozenset[str]) -> Iterator[str]:
    """What keeps a file from being linked by its name."""
    match = _UNLINKABLE.search(stem(path))
    if match and match[0] not in allowed and (match[0] != "]" or is_note(path)):
        what = "ends in ]" if match[0] == "]" else f"contains {match[0]}"
        yield f"{what}, so that no wikilink can name it"


def _path_length(path: str, longest: int) -> Iterator[str]:
    if len(path) * 2 > longest:
        length = len(path.encode("utf-16-le", "surrogatepass")) // 2
        if length > longest:
            yield f"has a path of {length} characters, too long for Windows wherever the vault lies"


def _collisions(files: Iterable[str]) -> Iterator[Finding]:
    """Files, and folders, that are one and the same where case and Unicode form don't count."""
    met: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in sorted(files):
        key = comparable(path)
        first = met.setdefault(key, path)
        if first is not path and file_name(first) != file_name(path):
            yield _finding(path, file_name(path), f"is the name of “{file_name(first)}” where case and Unicode form don't count")
        end = path.rfind("/")
        if end != -1 and folders.setdefault(path[:end], path[:end]) == path[:end]:
            yield from _folder_collisions(path, path[:end], key[:key.rfind("/")], folders)


def _folder_collisions(path: str, folder: str, key: str, folders: dict[str, str]) -> Iterator[Finding]:
    """A folder whose name differs from another's only in case or Unicode form; told once."""
    first = folders.setdefault("/" + key, folder)
    if first != folder and folders.setdefault("//" + folder, folder) is folder and file_name(first) != file_name(folder):
        yield _finding(path, file_name(folder),
                       f"is the name of the folder “{file_name(first)}” where case and Unicode form don't count")


def _code(char: str) -> str:
    return f"U+{ord(char):04X}"
