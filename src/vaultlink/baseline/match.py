"""Split findings into new and known ones; count the resolved known ones.

Known findings come from a baseline or from an earlier revision. A finding is identified by its
note, its rule and its subject (such as a link's target), not by its position, so it stays known
when lines move or other text is edited. Where a note has several findings with the same rule and
subject, the line that each is on decides which ones are known.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from functools import cache, lru_cache
from itertools import chain
from typing import NamedTuple, overload

import msgspec

from vaultlink.engine.checks import FindingsByPath
from vaultlink.engine.diagnostics import KnownCount, compute_identities
from vaultlink.index.packed_map import count_items, is_same_value
from vaultlink.model import Diagnostic, TextByPath
from vaultlink.text import blake2b

SubjectKey = tuple[str, str]
"""Position-independent key of a finding in a note: its code and its subject."""


class FindingKey(NamedTuple):
    """Key of a known finding: its code, its subject and a digest of its line."""

    code: str
    subject: str
    line_digest: str


def subject_keys(findings: Sequence[Diagnostic], text: TextByPath) -> list[SubjectKey]:
    """Return the subject keys of the findings of one note, in order."""
    return [
        (item.known_as or code, subject)
        for item, (code, subject, _) in zip(
            findings, compute_identities(findings, text), strict=True
        )
    ]


def finding_keys(findings: Sequence[Diagnostic], text: TextByPath) -> list[FindingKey]:
    """Return the keys under which findings of one note are stored, in order."""
    note_text = text(findings[0].path) if findings else ""
    return [
        FindingKey(*key, digest_line(note_text, item))
        for key, item in zip(subject_keys(findings, lambda _path: note_text), findings, strict=True)
    ]


def digest_line(text: str, finding: Diagnostic) -> str:
    """Return a digest of the line that a finding starts on.

    The digest is 8 hexadecimal digits; white space around the line and its position do not count.
    """
    end = text.find("\n", finding.start)
    return _hash_line(
        text[text.rfind("\n", 0, finding.start) + 1 : len(text) if end == -1 else end].strip()
    )


@lru_cache(maxsize=16)  # a paragraph is one line and may hold many links
def _hash_line(line: str) -> str:
    return blake2b(line.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


class KnownFindings(msgspec.Struct, frozen=True):
    """Known findings from one source.

    `kind` is `baseline` or `revision`; `name` is the name of the file or of the revision. `paths`
    are the current paths of the notes with known findings. `keys_at` returns the keys of the known
    findings of a path. `findings` holds the findings themselves where they are available: if those
    of a path are unchanged, its keys are not computed.
    """

    kind: str
    name: str
    paths: frozenset[str]
    keys_at: Callable[[str], Sequence[FindingKey]]
    findings: FindingsByPath = msgspec.field(default_factory=dict)


def follow_moves(paths: Mapping[str, object], moves: Mapping[str, str]) -> dict[str, list[str]]:
    """Map the current paths of notes to the paths that findings are known at.

    Findings of a moved note follow the note, so several old paths can map to one.
    """
    old_paths_by_new: dict[str, list[str]] = {}
    for path in paths:
        old_paths_by_new.setdefault(moves.get(path, path), []).append(path)
    return old_paths_by_new


class _KnownList(Sequence[Diagnostic]):
    """Known findings. They are decoded when one of them is first needed."""

    def __init__(self, count: int, load: Callable[[], list[Diagnostic]]):
        self._count, self._load = count, cache(load)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self._load())

    @overload
    def __getitem__(self, number: int) -> Diagnostic: ...
    @overload
    def __getitem__(self, number: slice) -> list[Diagnostic]: ...
    def __getitem__(self, number: int | slice) -> Diagnostic | list[Diagnostic]:
        return self._load()[number]


class KnownSplit(msgspec.Struct, frozen=True):
    """New and known findings, in order, with counts for each known source."""

    new: list[Diagnostic]
    known: Sequence[Diagnostic]
    known_counts: tuple[KnownCount, ...]


class _Match(NamedTuple):
    """The findings that a source knows.

    It knows all those of the paths in `complete`, and those with these ids at other paths.
    `resolved` is the number of known findings that are no longer found.
    """

    complete: Set[str]
    ids: Set[int]
    resolved: int


def split_known(
    found: FindingsByPath,
    known: Sequence[KnownFindings],
    text: TextByPath,
    is_selected: Callable[[str], bool],
) -> KnownSplit:
    """Split the findings of selected notes into new and known ones.

    A finding is known if any source knows it.
    """
    paths = sorted(filter(is_selected, found))
    items_at = cache(lambda path: found.get(path, ()))  # the same objects at each call
    matches = [_match_source(source, found, paths, items_at, text, is_selected) for source in known]
    complete = set(chain.from_iterable(match.complete for match in matches))
    ids = set(chain.from_iterable(match.ids for match in matches))
    others = [item for path in paths if path not in complete for item in items_at(path)]
    new = [item for item in others if id(item) not in ids]

    def list_known() -> list[Diagnostic]:
        return [
            item for path in paths for item in items_at(path) if path in complete or id(item) in ids
        ]

    counts = [count_items(found, match.complete) for match in matches]
    # Usually one source knows all of them.
    complete_count = counts[0] if len(counts) == 1 else count_items(found, complete)
    return KnownSplit(
        new,
        _KnownList(complete_count + len(others) - len(new), list_known),
        tuple(
            KnownCount(source.kind, source.name, count + len(match.ids), match.resolved)
            for source, match, count in zip(known, matches, counts, strict=True)
        ),
    )


def _match_source(
    source: KnownFindings,
    found: FindingsByPath,
    paths: Sequence[str],
    items_at: Callable[[str], Sequence[Diagnostic]],
    text: TextByPath,
    is_selected: Callable[[str], bool],
) -> _Match:
    """Return the findings at selected paths that a source knows.

    `paths` are the selected paths with findings. Unchanged findings are not decoded.
    """
    complete, ids = set[str](), set[int]()
    resolved = 0
    for path in (*paths, *(path for path in source.paths if path not in found)):
        if path in source.findings and is_same_value(found, source.findings, path):
            complete.add(path)
        elif path in source.paths and is_selected(path):
            items, known_keys = items_at(path), source.keys_at(path)
            matches = _match_findings(items, known_keys, text)
            ids.update(id(item) for item, is_known in zip(items, matches, strict=True) if is_known)
            resolved += len(known_keys) - sum(matches)
    return _Match(complete, ids, resolved)


def _match_findings(
    items: Sequence[Diagnostic], known_keys: Sequence[FindingKey], text: TextByPath
) -> list[bool]:
    """Return, for each finding of a note, whether it is among the known ones.

    If there are more findings with the same subject key than known ones, those on a known line are
    matched first. Lines are only compared in this case.
    """
    keys = subject_keys(items, text)
    before, now = Counter((key.code, key.subject) for key in known_keys), Counter(keys)
    matches = [before[key] >= now[key] for key in keys]
    ambiguous = [position for position, key in enumerate(keys) if 0 < before[key] < now[key]]
    if ambiguous:
        note_text = text(items[0].path)
        keys_with_line = {
            position: FindingKey(*keys[position], digest_line(note_text, items[position]))
            for position in ambiguous
        }
        known_lines, same_line = Counter(known_keys), set[int]()
        for position in ambiguous:
            if known_lines[keys_with_line[position]] > 0:
                known_lines[keys_with_line[position]] -= 1
                same_line.add(position)
        for position in sorted(ambiguous, key=lambda position: position not in same_line):
            matches[position] = before[keys[position]] > 0
            before[keys[position]] -= matches[position]
    return matches
