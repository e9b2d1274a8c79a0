"""Resolve link targets to files by the vault's naming rules (section 5).

The result depends on the source's path, the link's target, and the files with the target's names.
It must not depend on anything else: this keeps incremental runs exact.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from functools import lru_cache

from vaultlink.text import lazy_pattern, strip_accents

PathsByName = Mapping[str, tuple[str, ...]]
"""File-name key (with extension) to the sorted vault paths with this name."""

_NO_BREAK_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " "})
_RELATIVE_PREFIX = lazy_pattern(r"\.\.?/")


def normalize_name(text: str) -> str:
    """Return the form in which names and paths are compared (5.3, 5.18).

    NFC, no-break spaces replaced by spaces, lower case.
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", text).translate(_NO_BREAK_SPACES).lower()


def file_name(path: str) -> str:
    return path[path.rfind("/") + 1 :]


def list_outer_folders(path: str) -> Iterator[str]:
    """Yield the folders that contain a path, the nearest first, as `a/b` and `a`."""
    while path := parent_folder(path).removesuffix("/"):
        yield path


def count_shared_folders(one: str, other: str) -> int:
    """Return the number of folders that contain both paths, without the root."""
    return sum(other.startswith(f"{folder}/") for folder in list_outer_folders(one))


def find_languages(one: str, other: str) -> tuple[str, str] | None:
    """Return the folders of the two languages that paths are in; None if they are not in two."""
    folders, others = parent_folder(one).split("/"), parent_folder(other).split("/")
    for number, (folder, name) in enumerate(zip(folders, others, strict=False), start=1):
        if folder != name:
            is_known = _LANGUAGE.fullmatch(folder) and _LANGUAGE.fullmatch(name)
            trees = ["/".join(items[:number]) + "/" for items in (folders, others)]
            return (trees[0], trees[1]) if is_known else None
    return None


_LANGUAGE = lazy_pattern(
    r"(?:ar|bg|bn|cs|da|de|el|en|es|et|fa|fi|fr|he|hi|hr|hu|id|it|ja|ko|lt|lv|nl|no|pl|pt|ro|ru"
    r"|sk|sl|sr|sv|th|tr|uk|vi|zh)(?:[-_][A-Za-z]{2,4})?"
)
"""The name of a folder with the notes in a language."""


def parent_folder(path: str) -> str:
    """Return the folder of a path with a trailing slash, or "" for the root."""
    return path[: path.rfind("/") + 1]


def name_key(path: str) -> str:
    return normalize_name(file_name(path))


def target_keys(target: str) -> tuple[str, ...]:
    """Return the name keys that a link's target may mean, in order of preference.

    The target as written if it contains a dot, then with `.md` (5.4).
    """
    name = normalize_name(file_name(target))
    return (name, name + ".md") if "." in name else (name + ".md",)


def is_any_path(_path: str) -> bool:
    """Return True: the choice of paths where nobody chose some."""
    return True


def make_path_filter(chosen: Sequence[str]) -> Callable[[str], bool]:
    """Return a predicate for vault paths that are chosen or below a chosen folder."""
    if not chosen or "" in chosen:
        return is_any_path
    exact, prefixes = frozenset(chosen), tuple(f"{path}/" for path in chosen)
    return lambda path: path in exact or path.startswith(prefixes)


def is_note(path: str) -> bool:
    return path[-3:].lower() == ".md"


def is_canvas(path: str) -> bool:
    return path[-7:].lower() == ".canvas"


def resolve(source: str, target: str, names: PathsByName) -> str | None:
    """Return the file that a link resolves to, or None; "" is the source."""
    chosen, _ = resolve_with_alternatives(source, target, names)
    return chosen


def resolve_with_alternatives(
    source: str, target: str, names: PathsByName
) -> tuple[str | None, tuple[str, ...]]:
    """Return the file that a link resolves to, and the other files that its text fits.

    The second value is empty unless the link is ambiguous.
    """
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
    """Choose between files of one name (5.5 to 5.12).

    `wanted` is the normalized target with its extension.
    """
    if "/" not in wanted:
        if len(files) == 1:
            return files[0], ()
        exact = next((path for path in files if "/" not in path), None)
        best = exact or _pick_nearest(source, files)
        return best, tuple(path for path in files if path != best)
    if _RELATIVE_PREFIX.match(wanted):
        wanted = join_relative(source, wanted)
        rooted = False
    else:
        rooted = wanted.startswith("/")
        wanted = wanted.removeprefix("/")
    exact = next((path for path in files if normalize_name(path) == wanted), None)
    if exact or rooted or "/" not in wanted:
        return exact, ()
    # 5.9: the match does not need to start at a segment boundary.
    fitting = tuple(path for path in files if normalize_name(path).endswith(wanted))
    if not fitting:
        return None, ()
    best = _pick_nearest(source, fitting)
    return best, tuple(path for path in fitting if path != best)


def join_relative(source: str, wanted: str) -> str:
    """Join a relative target with the source's folder; `..` stops at the root (5.6)."""
    segments = normalize_name(parent_folder(source)).split("/")[:-1]
    if wanted.startswith("./../"):
        wanted = wanted[2:]
    if wanted.startswith("./"):
        wanted = wanted[2:]
    else:
        while wanted.startswith("../"):
            wanted = wanted[3:]
            segments = segments[:-1]
    return "/".join([*segments, wanted])


def _pick_nearest(source: str, files: tuple[str, ...]) -> str:
    """Return the nearest file (5.10 to 5.12).

    Files below the source's folder come first, then the shortest path, then alphabetical order.
    """
    folder = normalize_name(parent_folder(source)).removesuffix("/")
    return min(
        files, key=lambda path: (not normalize_name(path).startswith(folder), len(path), path)
    )


_NOT_IN_SLUG = lazy_pattern(r"[^A-Za-z0-9 ]")


def title_slug(title: str) -> str:
    """Return the file name that generated wikis give a title (11.1.2).

    ASCII letters and digits only, spaces as underscores, lower case. Titles with the same slug are
    the same title.
    """
    return _NOT_IN_SLUG.sub("", title).replace(" ", "_").lower()


_IGNORED_ASCII = str.maketrans("", "", " !\"#%&'()*,-./:;?@[\\]_{}\t")


@lru_cache(maxsize=1 << 17)
def spelling_key(name: str) -> str:
    """Return a name without the details that people vary.

    Ignores case, accents, spaces, punctuation, invisible characters and compatibility forms.
    Letters, digits and symbols such as `+` remain. Returns "" if nothing remains.
    """
    if name.isascii():
        return name.translate(_IGNORED_ASCII).lower()
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(char for char in plain if unicodedata.category(char)[0] in "LNS")


_IGNORED_CATEGORIES = ("P", "Z", "C")
_DIGITS = lazy_pattern(r"\d+")


def is_same_name(one: str, other: str) -> bool:
    """Return True if two names with the same spelling key have the same meaning.

    `1.1` differs from `11`. Combining marks for vowels and voiced sounds in other scripts are not
    accents.
    """
    one, other = strip_accents(one.casefold()), strip_accents(other.casefold())
    return _DIGITS.findall(one) == _DIGITS.findall(other) and strip_separators(
        one
    ) == strip_separators(other)


def strip_separators(name: str) -> str:
    """Return a lower-case name without spaces and punctuation."""
    if name.isascii():
        return spelling_key(name)
    return "".join(
        char for char in name if unicodedata.category(char)[0] not in _IGNORED_CATEGORIES
    )


# -- many paths as few -----------------------------------------------------------------------------


def cover_files(chosen: Sequence[str], files: Collection[str], limit: int) -> list[str]:
    """Return few vault paths for exactly the files of the chosen ones; [] for none.

    More paths than `limit` become the folders of which each file is chosen. `files` are those of
    the vault.
    """
    paths = set(chosen)
    if len(paths) <= limit:
        return list(dict.fromkeys(chosen))
    totals, counts = _count_by_folder(files), _count_by_folder(_select(paths, files))
    whole = {folder for folder, total in totals.items() if counts[folder] == total}
    top = {_find_highest(path, whole) for path in paths}
    return sorted(top) if len(top) <= limit else []


def _select(paths: Set[str], files: Collection[str]) -> list[str]:
    if "" in paths:
        return list(files)
    return [file for file in files if file in paths or not paths.isdisjoint(_list_folders(file))]


def _count_by_folder(files: Collection[str]) -> Counter[str]:
    return Counter(folder for file in files for folder in _list_folders(file))


def _list_folders(path: str) -> list[str]:
    """Return the folders of a path, the vault ("") first."""
    ends = [at for at, char in enumerate(path) if char == "/"]
    return ["", *(path[:at] for at in ends)]


def _find_highest(path: str, whole: Collection[str]) -> str:
    return next((folder for folder in _list_folders(path) if folder in whole), path)
