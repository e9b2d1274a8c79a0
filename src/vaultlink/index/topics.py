"""Topics: the notes and files that unresolved links want.

Findings about unresolved links belong to one topic if one new file can resolve all of these links,
once their spelling is made the same. Whatever counts or lists missing targets does it with
`list_topics`, so that the numbers are the same everywhere.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from vaultlink.index.file_kinds import has_known_extension
from vaultlink.index.resolve import join_relative, normalize_name, strip_separators
from vaultlink.model import UNRESOLVED, Diagnostic
from vaultlink.text import lazy_pattern

_NO_BREAK_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " "})
_BETWEEN_DIGITS = lazy_pattern(r"(?<=\d)[\s\-_.,:]+(?=\d)")


class Topic(NamedTuple):
    """A topic and the findings about the links that want it, in their order.

    `name` is the spelling that most of the links use, with the folders that any of them names.
    """

    name: str
    findings: Sequence[Diagnostic]

    @property
    def is_planned(self) -> bool:
        """True if no link is a mistake: the topic is a note that is not written yet."""
        return self.count_planned() == len(self.findings)

    def count_planned(self) -> int:
        """Return the number of links that look planned; in a mistake, others do not."""
        return sum(item.about == "planned-link" for item in self.findings)

    @property
    def paths(self) -> set[str]:
        """The notes with the links."""
        return {item.path for item in self.findings}


_COPIES = lazy_pattern(
    r"(?i)(?:^|/)[\W\d_]*(?:raw|clippings?|clips|web clips|readwise|imports?|imported|backups?|bak"
    r"|archived?|archives|templates?|plantillas?|vorlagen?|modelos|modèles|modelli|шаблоны|模板"
    r"|テンプレート)[^\w/]*/"
)


def is_in_copies(path: str) -> bool:
    """Return True if the name of a folder says that it has copies, backups or templates."""
    return _COPIES.search(path) is not None


def topic_name(target: str) -> str:
    """Return the name of an unresolved topic: the path part without `.md` (5.19)."""
    name = target if target.isascii() else target.translate(_NO_BREAK_SPACES)
    return name[:-3] if name[-3:].lower() == ".md" else name


def topic_key(target: str, source: str = "") -> str:
    """Return a target without its case, spaces and punctuation.

    Accents, folders and the extension of an attachment remain, and so does the separation of
    digits: `1.1` differs from `11`. A relative target starts at the root, as `/a/b`; `source` is
    the path of the note with the link.
    """
    path = target.replace("\\", "/")
    if path.startswith(("./", "../")):
        path = "/" + join_relative(source, path)
    return _fold_path(path)


@lru_cache(maxsize=1 << 16)
def _fold_path(path: str) -> str:
    name = normalize_name(topic_name(path))
    stem, dot, extension = name.rpartition(".") if has_known_extension(name) else (name, "", "")
    return "/".join(map(_fold_name, stem.split("/"))) + dot + extension


def _fold_name(name: str) -> str:
    return strip_separators(_BETWEEN_DIGITS.sub("|", name)) or name


def list_topics(findings: Iterable[Diagnostic]) -> list[Topic]:
    """Return the topics of unresolved links, those of most findings first.

    Findings about anything else are left out. `a/Plan` and `Plan` are one topic, because a note
    `a/Plan.md` resolves both, unless a link also names `b/Plan`.
    """
    by_key: dict[str, list[Diagnostic]] = {}
    for item in findings:
        if item.about in UNRESOLVED and item.target:
            by_key.setdefault(topic_key(item.target, item.path), []).append(item)
    longest = _find_longest_keys(by_key.keys(), by_key.keys())
    groups: dict[str, list[Diagnostic]] = {}
    for key, group in by_key.items():
        groups.setdefault(longest.get(key, key), []).extend(group)
    topics = [
        Topic(_find_name(by_key[key]), sorted(group, key=lambda item: (item.path, item.start)))
        for key, group in groups.items()
    ]
    return sorted(topics, key=lambda topic: (-len(topic.findings), topic.name))


class TopicCounts(NamedTuple):
    """Numbers of all topics and of mistakes; the others are planned notes."""

    topics: int
    mistakes: int


class TopicCounter:
    """The numbers of topics while the findings of notes change; see `list_topics`."""

    def __init__(self) -> None:
        self._keys: dict[str, tuple[list[str], list[str]]] = {}
        self._counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())  # all, mistakes
        self._in_folders: dict[str, None] = {}

    def update_note(self, path: str, findings: Iterable[Diagnostic]) -> None:
        """Take over the present findings of a note."""
        found = [it for it in findings if it.about in UNRESOLVED and it.target]
        keys = [topic_key(it.target or "", path) for it in found]
        mistaken = [key for key, it in zip(keys, found, strict=True) if it.about != "planned-link"]
        before = self._keys.pop(path, ([], []))
        for counts, old, new in zip(self._counts, before, (keys, mistaken), strict=True):
            counts.update(new)
            counts.subtract(old)
            for key in old:
                if not counts[key]:
                    del counts[key]
        if keys:
            self._keys[path] = keys, mistaken
        for key in (key for key in (*before[0], *keys) if "/" in key):
            if key in self._counts[0]:
                self._in_folders[key] = None
            else:
                self._in_folders.pop(key, None)

    def count(self) -> TopicCounts:
        """Return the numbers of topics."""
        every, mistaken = (counts.keys() for counts in self._counts)
        longest = _find_longest_keys(self._in_folders, every)
        mistakes = {longest.get(key, key) for key in mistaken}
        return TopicCounts(len(every) - len(longest), len(mistakes))


def _find_longest_keys(paths: Iterable[str], keys: Collection[str]) -> Mapping[str, str]:
    """Return the path that a key is the end of, if only one is, for each such key."""
    longer: dict[str, list[str]] = {}
    for key in paths:
        at = key.find("/")
        while at != -1:
            end = key[at + 1 :]
            if end in keys:
                longer.setdefault(end, []).append(key)
            at = key.find("/", at + 1)
    found = {}
    for key, found_paths in longer.items():
        longest = [path for path in found_paths if path not in longer]
        if len(longest) == 1:
            found[key] = longest[0]
    return found


def _find_name(findings: Iterable[Diagnostic]) -> str:
    names = Counter([topic_name(item.target or "") for item in findings])
    return min(names, key=lambda name: (-names[name], name))
