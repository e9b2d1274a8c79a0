"""Split findings into new and known ones; count the resolved known ones.

Known findings come from a baseline or from an earlier revision. A finding is identified by its
note, its rule and its subject (such as a link's target), not by its position, so it stays known
when lines move or other text is edited. Where a note has several findings with the same rule and
subject, the line that each is on decides which ones are known.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from enum import Enum
from functools import cache, lru_cache
from itertools import chain, compress
from typing import NamedTuple, overload

import msgspec

from vaultlink.engine.checks import FindingsByPath
from vaultlink.engine.diagnostics import KnownCount, KnownSplit, compute_identities
from vaultlink.index.packed_map import count_items, is_same_value
from vaultlink.model import Diagnostic, TextByPath
from vaultlink.rules.registry import Rule
from vaultlink.text import blake2b, find_line_span

SubjectKey = tuple[str, str]
"""Position-independent key of a finding in a note: its code and its subject."""


class FindingKey(NamedTuple):
    """Key of a known finding: its code, its subject and a digest of its line."""

    code: str
    subject: str
    line_digest: str


def _subject_keys(findings: Sequence[Diagnostic], text: TextByPath) -> list[SubjectKey]:
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
        for key, item in zip(
            _subject_keys(findings, lambda _path: note_text), findings, strict=True
        )
    ]


def digest_line(text: str, finding: Diagnostic) -> str:
    """Return a digest of the line that a finding starts on.

    The digest is 8 hexadecimal digits; white space around the line and its position do not count.
    """
    start, end = find_line_span(text, finding.start, finding.start)
    return _hash_line(text[start:end].strip())


@lru_cache(maxsize=16)  # a paragraph is one line and may hold many links
def _hash_line(line: str) -> str:
    return blake2b(line.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


class KnownRules(msgspec.Struct, frozen=True):
    """Relates the rules whose findings are known to the rules that run now.

    `partial` are the codes of known findings that only a rule which does not run now could find.
    `stand_ins` maps the names of rules that run to the codes of rules that reported the same links
    and no longer do, because of `yields-to`.
    """

    partial: frozenset[str] = frozenset()
    stand_ins: Mapping[str, frozenset[str]] = msgspec.field(default_factory=dict)


def relate_rules(rules: Sequence[Rule], recorded: Set[str], enabled: Set[str]) -> KnownRules:
    """Relate the rules that recorded findings to those that are enabled now.

    `recorded` may have the names of rules that no longer exist: what they found is resolved.
    """
    codes = {rule.name: rule.known_as or rule.code for rule in rules}
    missing = {name for name in recorded if name in codes and name not in enabled}
    heirs = {
        (codes[rule.name], name)
        for rule in rules
        if rule.name in enabled
        for name in rule.yields_to
    }
    stand_ins: dict[str, set[str]] = {}
    for rule in rules:
        for name in rule.yields_to:
            if rule.name in enabled and name in missing:
                stand_ins.setdefault(rule.name, set()).add(codes[name])
            elif name in enabled and name not in recorded and rule.name in recorded:
                stand_ins.setdefault(name, set()).add(codes[rule.name])
    partial = {codes[name] for name in missing if (codes[name], name) not in heirs}
    if missing:  # an engine rule depends on what the others find
        partial |= {rule.code for rule in rules if rule.is_engine_rule}
    return KnownRules(
        frozenset(partial),
        {name: frozenset(others - {codes[name]}) for name, others in stand_ins.items()},
    )


class KnownFindings(msgspec.Struct, frozen=True):
    """Known findings from one source.

    `kind` is `baseline` or `revision`; `name` is the name of the file or of the revision. `paths`
    are the current paths of the notes with known findings. `keys_at` returns the keys of the known
    findings of a path. `findings` holds the findings themselves where they are available: if those
    of a path are unchanged, its keys are not computed. `rules` relates the rules that found them to
    those that run now.
    """

    kind: str
    name: str
    paths: frozenset[str]
    keys_at: Callable[[str], Sequence[FindingKey]]
    findings: FindingsByPath = msgspec.field(default_factory=dict)
    rules: KnownRules = KnownRules()


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


class _Match(NamedTuple):
    """The findings that a source knows.

    It knows all those of the paths in `complete`, and those with the ids in `ids` at other paths.
    `resolved` counts the known findings that are no longer found, by path, code and subject.
    """

    complete: Set[str]
    ids: Mapping[str, Set[int]]
    resolved: Counter[tuple[str, str, str]]


def split_known(
    found: FindingsByPath,
    known: Sequence[KnownFindings],
    text: TextByPath,
    is_selected: Callable[[str], bool],
) -> KnownSplit:
    """Split the findings of selected notes into new and known ones.

    A finding is known if any source knows it. It counts for the first one that does.
    """
    paths = sorted(filter(is_selected, found))
    items_at = cache(lambda path: found.get(path, ()))  # the same objects at each call
    matches = [_match_source(source, found, paths, items_at, text, is_selected) for source in known]
    complete, ids, resolved = set[str](), dict[str, Set[int]](), Counter[tuple[str, str, str]]()
    counts = []
    for source, match in zip(known, matches, strict=True):
        added, earlier = match.complete - complete, sum(map(len, ids.values()))
        complete |= added
        for path, known_ids in match.ids.items():
            ids[path] = ids.get(path, set()) | known_ids
        ids = {path: known_ids for path, known_ids in ids.items() if path not in complete}
        still_found = count_items(found, added) + sum(map(len, ids.values())) - earlier
        gone = match.resolved - resolved
        resolved |= match.resolved
        counts.append(KnownCount(source.kind, source.name, still_found, gone.total()))
    others = [item for path in paths if path not in complete for item in items_at(path)]
    known_ids = set(chain.from_iterable(ids.values()))
    new = [item for item in others if id(item) not in known_ids]

    def list_known() -> list[Diagnostic]:
        return [
            item
            for path in paths
            for item in items_at(path)
            if path in complete or id(item) in known_ids
        ]

    left = sum(count.left for count in counts)
    return KnownSplit(new, _KnownList(left, list_known), tuple(counts))


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
    complete, ids, resolved = set[str](), dict[str, Set[int]](), Counter[tuple[str, str, str]]()
    for path in (*paths, *(path for path in source.paths if path not in found)):
        if path in source.findings and is_same_value(found, source.findings, path):
            complete.add(path)
        elif path in source.paths and is_selected(path):
            items = items_at(path)
            match = _match_note(items, source.keys_at(path), text, source.rules)
            known_items = (
                item for item, kind in zip(items, match.kinds, strict=True) if kind is not _Kind.NEW
            )
            ids[path] = set(map(id, known_items))
            resolved.update(
                (path, key.code, key.subject)
                for key in match.unmatched
                if key.code not in source.rules.partial
            )
    return _Match(complete, ids, resolved)


# -- the findings of one note ----------------------------------------------------------------------


class _Kind(Enum):
    """Relation of a finding to the known ones."""

    NEW = "new"
    KNOWN = "known"
    KNOWN_LINK = "known link"  # reported by another rule then


class _NoteMatch(NamedTuple):
    """The kinds of the findings of a note, and the known ones that match none of them."""

    kinds: list[_Kind]
    unmatched: Sequence[FindingKey]


def _match_note(
    items: Sequence[Diagnostic],
    known_keys: Sequence[FindingKey],
    text: TextByPath,
    rules: KnownRules,
) -> _NoteMatch:
    """Match the findings of a note with the known ones of the note.

    A finding that matches none is a known link if a rule in `stand_ins` reported that link.
    """
    keys = _subject_keys(items, text)
    note_text = cache(lambda: text(items[0].path))

    def digest(position: int) -> str:
        return digest_line(note_text(), items[position])

    matches = _match_keys(keys, known_keys, digest)
    kinds = [_Kind.KNOWN if is_known else _Kind.NEW for is_known in matches]
    if len(known_keys) == sum(matches):
        return _NoteMatch(kinds, ())
    unmatched = _list_unmatched(keys, matches, known_keys, digest)
    for rule, codes in rules.stand_ins.items():
        positions = [
            position
            for position, item in enumerate(items)
            if item.rule == rule and kinds[position] is _Kind.NEW
        ]
        known_links = [
            FindingKey("", _strip_anchor(key.subject), key.line_digest)
            for key in unmatched
            if key.code in codes
        ]
        for position in _find_known_links(positions, keys, known_links, digest):
            kinds[position] = _Kind.KNOWN_LINK
    return _NoteMatch(kinds, unmatched)


def _find_known_links(
    positions: Sequence[int],
    keys: Sequence[SubjectKey],
    known_links: Sequence[FindingKey],
    digest: Callable[[int], str],
) -> Iterator[int]:
    links = [("", _strip_anchor(keys[position][1])) for position in positions]
    return compress(
        positions, _match_keys(links, known_links, lambda number: digest(positions[number]))
    )


def _strip_anchor(subject: str) -> str:
    return subject.partition("#")[0]


def _match_keys(
    keys: Sequence[SubjectKey], known_keys: Sequence[FindingKey], digest: Callable[[int], str]
) -> list[bool]:
    """Return, for each finding of a note, whether it is among the known ones.

    `digest` returns the digest of the line of a finding. If there are more findings with the same
    subject key than known ones, those on a known line are matched first. Lines are only compared in
    this case.
    """
    before, now = Counter((key.code, key.subject) for key in known_keys), Counter(keys)
    matches = [before[key] >= now[key] for key in keys]
    ambiguous = [position for position, key in enumerate(keys) if 0 < before[key] < now[key]]
    if ambiguous:
        known_lines, same_line = Counter(known_keys), set[int]()
        for position in ambiguous:
            key = FindingKey(*keys[position], digest(position))
            if known_lines[key] > 0:
                known_lines[key] -= 1
                same_line.add(position)
        for position in sorted(ambiguous, key=lambda position: position not in same_line):
            matches[position] = before[keys[position]] > 0
            before[keys[position]] -= matches[position]
    return matches


def _list_unmatched(
    keys: Sequence[SubjectKey],
    matches: Sequence[bool],
    known_keys: Sequence[FindingKey],
    digest: Callable[[int], str],
) -> list[FindingKey]:
    """Return the known findings that match none.

    Of those with the same subject key, they are those of other lines.
    """
    matched = Counter(key for key, is_known in zip(keys, matches, strict=True) if is_known)
    doubtful = {
        key
        for key, number in Counter((key.code, key.subject) for key in known_keys).items()
        if 0 < matched[key] < number
    }
    found_lines = Counter(
        FindingKey(*key, digest(position)) for position, key in enumerate(keys) if key in doubtful
    )
    unmatched, others = list[FindingKey](), list[FindingKey]()
    for key in known_keys:
        subject_key = key.code, key.subject
        if found_lines[key] > 0:
            found_lines[key] -= 1
            matched[subject_key] -= 1
        else:
            others.append(key)
    for key in others:
        subject_key = key.code, key.subject
        if matched[subject_key] > 0:
            matched[subject_key] -= 1
        else:
            unmatched.append(key)
    return unmatched


class UpdatedKeys(NamedTuple):
    """The keys of a baseline by path.

    `others` is the number of those that only rules could find that do not run.
    """

    keys: Mapping[str, Sequence[FindingKey]]
    others: int


def update_known_keys(
    found: FindingsByPath, known: KnownFindings, text: TextByPath, *, adds: bool
) -> UpdatedKeys:
    """Return the keys of a baseline without those that are no longer found.

    Those that only rules could find that do not run stay. With `adds`, new findings are added.
    """
    updated, others = dict[str, list[FindingKey]](), 0
    for path in found.keys() | known.paths:
        items = found.get(path, ())
        known_keys = known.keys_at(path) if path in known.paths else ()
        match = _match_note(items, known_keys, text, known.rules)
        kept = [key for key in match.unmatched if key.code in known.rules.partial]
        keys = [
            key
            for key, kind in zip(finding_keys(items, text), match.kinds, strict=True)
            if kind is _Kind.KNOWN or (adds and kind is _Kind.NEW)
        ]
        others += len(kept)
        if keys or kept:
            updated[path] = [*keys, *kept]
    return UpdatedKeys(updated, others)
