"""From link text to file: the vault's naming rules (specification, section 5), and nothing else.

The answer for a link depends on the source's path, the link's target, and the files that bear the target's names. Nothing
else may be read: that is what makes incremental runs exact.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

PathsByName = Mapping[str, tuple[str, ...]]
"""File-name key (with extension) to the vault paths of the files so named, sorted."""

_NO_BREAK_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " "})
_RELATIVE_PREFIX = re.compile(r"\.\.?/")


def normalize_name(text: str) -> str:
    """Text as names and paths are compared: composed (NFC), odd spaces made plain, lower-cased (5.3, 5.18)."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", text).translate(_NO_BREAK_SPACES).lower()


def file_name(path: str) -> str:
    """The last segment of a path."""
    return path[path.rfind("/") + 1 :]


def parent_folder(path: str) -> str:
    """The folder of a path with a trailing slash, or "" for the root."""
    return path[: path.rfind("/") + 1]


def name_key(path: str) -> str:
    """The key under which a file is found: its name with extension, comparable."""
    return normalize_name(file_name(path))


def target_keys(target: str) -> tuple[str, ...]:
    """The name keys a link's target may mean, in order of preference: as written if it has a dot, then with `.md` (5.4)."""
    name = normalize_name(file_name(target))
    return (name, name + ".md") if "." in name else (name + ".md",)


def is_note(path: str) -> bool:
    """Whether a path is a note's."""
    return path[-3:].lower() == ".md"


def resolve(source: str, target: str, names: PathsByName) -> str | None:
    """The file a link leads to, or None; `target` is the path part of a link in the note `source`."""
    chosen, _ = resolve_with_alternatives(source, target, names)
    return chosen


def resolve_with_alternatives(
    source: str, target: str, names: PathsByName
) -> tuple[str | None, tuple[str, ...]]:
    """The file a link leads to, and the others that its text fits as well (empty unless the link is ambiguous)."""
    if not target:
        return source, ()
    for key in target_keys(target):
        files = names.get(key)
        if files:
            wanted = normalize_name(target)
            return _pick_file(source, wanted if wanted.endswith(key) else wanted + ".md", files)
    return None, ()


def _pick_file(
    source: str, wanted: str, files: tuple[str, ...]
) -> tuple[str | None, tuple[str, ...]]:
    """The choice between files of one name (5.5 to 5.12); `wanted` is the comparable target with its extension."""
    if "/" not in wanted:
        if len(files) == 1:
            return files[0], ()
        exact = next((path for path in files if "/" not in path), None)
        best = exact or _pick_nearest(source, files)
        return best, tuple(path for path in files if path != best)
    if _RELATIVE_PREFIX.match(wanted):
        wanted = _join_relative(source, wanted)
        rooted = False
    else:
        rooted = wanted.startswith("/")
        wanted = wanted.removeprefix("/")
    exact = next((path for path in files if normalize_name(path) == wanted), None)
    if exact or rooted or "/" not in wanted:
        return exact, ()
    fitting = tuple(
        path for path in files if normalize_name(path).endswith(wanted)
    )  # 5.9: no segment boundary is asked for
    if not fitting:
        return None, ()
    best = _pick_nearest(source, fitting)
    return best, tuple(path for path in fitting if path != best)


def _join_relative(source: str, wanted: str) -> str:
    """A relative target taken from the source's folder; climbing past the root stops there (5.6)."""
    steps = normalize_name(parent_folder(source)).split("/")[:-1]
    if wanted.startswith("./../"):
        wanted = wanted[2:]
    if wanted.startswith("./"):
        wanted = wanted[2:]
    else:
        while wanted.startswith("../"):
            wanted = wanted[3:]
            steps = steps[:-1]
    return "/".join([*steps, wanted])


def _pick_nearest(source: str, files: tuple[str, ...]) -> str:
    """Files below the source's folder first, then the shortest path, then by alphabet (5.10 to 5.12)."""
    near = normalize_name(parent_folder(source)).removesuffix("/")
    return min(files, key=lambda path: (not normalize_name(path).startswith(near), len(path), path))


_NOT_IN_SLUG = re.compile(r"[^A-Za-z0-9 ]")


def title_slug(title: str) -> str:
    """The file name that wikis made by machines give a title: ASCII letters and digits only, spaces as underscores, in
    small letters (specification 11.1.2). Titles with the same slug are the same title."""
    return _NOT_IN_SLUG.sub("", title).replace(" ", "_").lower()


_IGNORED_ASCII = str.maketrans("", "", " !\"#%&'()*,-./:;?@[\\]_{}\t")


@lru_cache(maxsize=1 << 17)
def spelling_key(name: str) -> str:
    """A name without what people vary: case, accents, spaces, punctuation, invisible marks, compatibility forms.

    Letters, digits and symbols such as `+` remain. "" when nothing does.
    """
    if name.isascii():
        return name.translate(_IGNORED_ASCII).lower()
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(char for char in plain if unicodedata.category(char)[0] in "LNS")


_ACCENTS = re.compile("[\u0300-\u036f]")
_IGNORED_CATEGORIES = ("P", "Z", "C")
_DIGITS = re.compile(r"\d+")


def is_same_name(one: str, other: str) -> bool:
    """Whether names with equal spelling mean the same: `1.1` is not `11`, and marks that other scripts write vowels and
    voiced sounds with are no accents."""
    one, other = _strip_accents(one), _strip_accents(other)
    return _DIGITS.findall(one) == _DIGITS.findall(other) and _strip_punctuation(
        one
    ) == _strip_punctuation(other)


def _strip_accents(name: str) -> str:
    """A name without accents, case and compatibility forms, all other marks kept."""
    return (
        name if name.isascii() else _ACCENTS.sub("", unicodedata.normalize("NFKD", name.casefold()))
    )


def _strip_punctuation(name: str) -> str:
    """A plain name without spaces and punctuation."""
    if name.isascii():
        return spelling_key(name)
    return "".join(
        char for char in name if unicodedata.category(char)[0] not in _IGNORED_CATEGORIES
    )
