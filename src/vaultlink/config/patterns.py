"""Patterns over vault paths: configured globs and Obsidian's ignore filters."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from fnmatch import translate
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from vaultlink.index.resolve import normalize_name
from vaultlink.text import fold_letters, lazy_pattern

if TYPE_CHECKING:
    from vaultlink.config.expressions import Expression

MAX_PATTERNS, MAX_PATTERN_LENGTH, MAX_WILDCARDS = 2_000, 1_000, 50
"""Patterns of a setting, and characters and wildcards of a pattern."""

_MAX_EXPRESSIONS = 50
"""Regular expressions among Obsidian's filters."""


def compile_globs(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Return a predicate that is True for paths that match one of the globs.

    `*` and `?` stay within a folder, `**` crosses folders, `[…]` is a set of characters. A glob
    without a slash matches at any depth, one with a slash from the vault's root; a glob that
    matches a folder matches everything in it. Case-sensitive. The time is linear in the path.
    """
    if not patterns:
        return _match_nothing
    plain = [pattern for pattern in patterns if not _is_mixed(pattern)]
    tests: list[Callable[[str], object]] = []
    if plain:
        tests.append(re.compile("|".join(map(_glob_to_regex, plain))).fullmatch)
    tests += [_compile_mixed_glob(pattern) for pattern in patterns if _is_mixed(pattern)]

    def matches(path: str) -> bool:
        name = _to_nfc(path)
        return any(test(name) for test in tests)

    return matches


def compile_ordered_globs(
    patterns: Sequence[str], *, ignores_case: bool = False
) -> Callable[[str], bool | None]:
    """Return a function that tells whether patterns in git's syntax select a path.

    The last pattern that matches decides; one that begins with `!` takes paths out again. The
    answer is None if no pattern matches.
    """
    if not patterns:
        return lambda _path: None
    fold = fold_letters if ignores_case else str
    tests = [
        (compile_globs([fold(pattern.removeprefix("!"))]), not pattern.startswith("!"))
        for pattern in reversed(patterns)
    ]

    def decide(path: str) -> bool | None:
        name = fold(path)
        return next((selects for test, selects in tests if test(name)), None)

    return decide


def compile_git_ignores(patterns: Sequence[str]) -> Callable[[str], str]:
    """Return a function that returns the pattern of a `.gitignore` that leaves out a path, or "".

    As in git, the last pattern that matches a folder or file decides, a folder that is left out
    takes all with it, and a slash at the end means folders only. Nothing is compiled before a path
    is asked for.
    """

    @cache
    def compile_all() -> list[tuple[str, bool, Callable[[str], bool]]]:
        return [
            (item, "/" in item.rstrip("/"), compile_globs([item.removeprefix("!")]))
            for item in reversed(patterns)
        ]

    def match(path: str, *, is_folder: bool) -> str:
        outer, _, name = path.rpartition("/")
        for item, is_anchored, test in compile_all():
            is_own = test(path) and not (outer and test(outer)) if is_anchored else test(name)
            if is_own and (is_folder or not item.endswith("/")):
                return item
        return ""

    def find(path: str) -> str:
        folders = [path[:at] for at, sign in enumerate(path) if sign == "/"]
        found = [match(folder, is_folder=True) for folder in folders]
        found.append(match(path, is_folder=False))
        return next((item for item in found if item and item[0] != "!"), "")

    return find


@lru_cache(maxsize=8)
def compile_loose_globs(globs: tuple[str, ...]) -> Callable[[str], object]:
    """Return a predicate of paths that an option's globs match; `*` crosses folders."""
    if not globs:
        return _match_nothing
    return re.compile("|".join(map(_loose_glob_to_regex, globs))).fullmatch


def _loose_glob_to_regex(glob: str) -> str:
    name = glob.rstrip("/")
    prefix = "" if "/" in name else "(?:.*/)?"
    return f"{prefix}{translate(name.removeprefix('/')).removesuffix(_REGEX_END)}(?:/.*)?"


_REGEX_END = translate("")[-2:]
"""Suffix that `fnmatch.translate` adds to every pattern."""


def compile_topics(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Return a predicate of allowed link targets, with or without a note's extension."""
    is_allowed = compile_globs(patterns)
    return lambda target: (
        is_allowed(target) or (target.endswith(".md") and is_allowed(target.removesuffix(".md")))
    )


def compile_obsidian_filters(filters: Sequence[str]) -> Callable[[str], bool]:
    """Return a predicate that is True for paths excluded by Obsidian.

    `filters` are Obsidian's ignore filters (section 10.3). `/…/` is a regular expression, any other
    filter the beginning of a path. Case-insensitive. What `list_unused_filters` lists matches
    nothing.
    """
    used = filters[:MAX_PATTERNS]
    starts = tuple(item.lower() for item in used if item and not _is_expression(item))
    tests = [item for item in find_expressions(filters).values() if not isinstance(item, str)]
    if not starts and not tests:
        return _match_nothing
    return lambda path: path.lower().startswith(starts) or any(test.search(path) for test in tests)


def find_expressions(filters: Sequence[str]) -> "Mapping[str, Expression | str]":
    """Return the regular expressions among filters, or why one can't be used."""
    found = [item for item in filters[:MAX_PATTERNS] if _is_expression(item)][:_MAX_EXPRESSIONS]
    if not found:
        return {}
    from vaultlink.config.expressions import compile_expression  # noqa: PLC0415 - few vaults need it

    return {item: compile_expression(item[1:-1]) for item in found}


def list_unused_filters(filters: Sequence[str]) -> list[str]:
    """Return a clause with the reason for each filter of Obsidian not used."""
    tests = find_expressions(filters).items()
    problems = [f"{item}: {test}" for item, test in tests if isinstance(test, str)]
    if len(list(filter(_is_expression, filters[:MAX_PATTERNS]))) > _MAX_EXPRESSIONS:
        problems.append(f"all regular expressions after the first {_MAX_EXPRESSIONS}")
    if len(filters) > MAX_PATTERNS:
        problems.append(f"all filters after the first {MAX_PATTERNS:,}")
    return problems


def compile_path_prefixes(paths: Sequence[str]) -> Callable[[str], bool]:
    """Return a predicate of these paths, `.md` left out or not, and what is below."""
    wanted = frozenset(normalize_name(path) for path in paths)
    folders = tuple(path + "/" for path in wanted)

    def matches(path: str) -> bool:
        name = normalize_name(path)
        return name.startswith(folders) or name in wanted or name.removesuffix(".md") in wanted

    return matches if wanted else _match_nothing


def _match_nothing(_path: str) -> bool:
    return False


def _to_nfc(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


_GLOB_TOKEN = lazy_pattern(r"\*\*/|/\*\*|\*\*|\*|\?|\[!?\]?[^\]/]*\]|[^*?\[/]+|.", re.DOTALL)


def count_wildcards(pattern: str) -> int:
    """Return the number of `*` and `**` in a glob."""
    return len([token for token in _GLOB_TOKEN.findall(pattern) if "*" in token])


def _is_mixed(pattern: str) -> bool:
    """Return True if `**` is only a part of the name of a folder, as in `a**b`."""
    return any("**" in name and name != "**" for name in pattern.split("/"))


def _glob_to_regex(pattern: str) -> str:
    """Return a regular expression for the whole path, for a glob that is not mixed.

    No part of it is tried twice: the first match of the names between two `**` is as good as any
    later one, and so is the first match of the text between two `*` in a name.
    """
    glob = _to_nfc(pattern).rstrip("/")
    names = glob.removeprefix("/").split("/") if "/" in glob else ["**", glob]
    blocks = [[]] if names[0] != "**" else []  # type: list[list[str]]
    for name in names:
        if name == "**":
            blocks.append([])
        else:
            blocks[-1].append(_name_to_regex(name))
    first, *rest = blocks if names[0] != "**" else [[], *blocks]
    body = "/".join(first) + (_NAME_END if first else "")
    for number, block in enumerate(filter(None, rest)):
        slash = "/" if number or first else ""
        body += f"(?>{slash}(?:[^/]*+/)*?{'/'.join(block)}{_NAME_END})"
    return f"(?s:{body}(?:/.*)?)" if any(blocks) else "(?s:.*)"


_NAME_END = r"(?=/|\Z)"


def _name_to_regex(name: str) -> str:
    parts = [""]
    for token in _GLOB_TOKEN.findall(name):
        if token == "*":
            parts.append("")
        else:
            parts[-1] += _token_to_regex(token)
    if len(parts) == 1:
        return parts[0]
    first, *middle, last = parts
    return first + "".join(f"(?>[^/]*?{part})" for part in middle if part) + f"[^/]*{last}"


def _compile_mixed_glob(pattern: str) -> Callable[[str], bool]:
    """Match each token at all positions at once: no order of attempts is linear."""
    glob = _to_nfc(pattern).rstrip("/")
    tokens = _GLOB_TOKEN.findall(glob.removeprefix("/"))
    tokens = [*tokens] if "/" in glob else ["**/", *tokens]
    steps = [
        token if token in _WILDCARDS else re.compile(_token_to_regex(token)) for token in tokens
    ]

    def matches(path: str) -> bool:
        ends = {0}
        for step in steps:
            if isinstance(step, str):
                ends = _follow_wildcard(step, path, ends)
            else:
                ends = {found.end() for at in ends if (found := step.match(path, at))}
        return any(end == len(path) or path[end] == "/" for end in ends)

    return matches


_WILDCARDS = ("**/", "/**", "**", "*")


def _follow_wildcard(token: str, path: str, starts: set[int]) -> set[int]:
    """Return where a wildcard can end that starts at one of the positions in a path."""
    if not starts:
        return starts
    if token == "*":
        ends = set[int]()
        for start in sorted(starts):
            if start not in ends:
                slash = path.find("/", start)
                ends.update(range(start, (len(path) if slash < 0 else slash) + 1))
        return ends
    if token == "**":
        return set(range(min(starts), len(path) + 1))
    if token == "**/":
        first = min(starts)
        return starts | {end for end in range(first + 1, len(path) + 1) if path[end - 1] == "/"}
    slashes = [start for start in starts if path.startswith("/", start)]
    return starts | set(range(min(slashes) + 1, len(path) + 1)) if slashes else starts


def _token_to_regex(text: str) -> str:
    if text == "?":
        return "[^/]"
    if text[0] != "[" or len(text) < 3:
        return re.escape(text)
    inverted = text[1] == "!"
    inside = re.escape(text[2 if inverted else 1 : -1]).replace("\\-", "-")
    whole = f"(?!/)[{'^' if inverted else ''}{inside}]"
    return whole if _is_valid(whole) else re.escape(text)  # a range such as z-a is not valid


def _is_expression(item: str) -> bool:
    return len(item) > 2 and item[0] == item[-1] == "/"


def _is_valid(source: str) -> bool:
    try:
        re.compile(source)
    except re.error:
        return False
    return True
