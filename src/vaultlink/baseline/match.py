"""Split findings into new and known ones; count the resolved known ones.

Known findings come from a baseline or from an earlier revision. A finding is identified by its
note, its rule and its subject (such as a link's target), not by its position, so it stays known
when lines move or other text is edited. Where a note has several findings with the same rule and
subject, the line that each is on decides which ones are known.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from vaultlink.engine.checks import FindingsByPath
from vaultlink.engine.fingerprints import KnownCount, compute_identities
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


class KnownSplit(msgspec.Struct, frozen=True):
    """New and known findings, in order, with counts for each known source."""

    new: list[Diagnostic]
    known: list[Diagnostic]
    known_counts: tuple[KnownCount, ...]


def split_known(
    found: FindingsByPath,
    known: Sequence[KnownFindings],
    text: TextByPath,
    is_selected: Callable[[str], bool],
) -> KnownSplit:
    """Split the findings of selected notes into new and known ones.

    A finding is known if any source knows it.
    """
    selected = {path: found[path] for path in sorted(filter(is_selected, found))}
    findings = [finding for items in selected.values() for finding in items]
    if not known:
        return KnownSplit(findings, [], ())
    known_ids: set[int] = set()
    counts = []
    for source in known:
        matched, resolved = _match_source(source, selected, text, is_selected)
        known_ids |= matched
        counts.append(KnownCount(source.kind, source.name, len(matched), resolved))
    return KnownSplit(
        [finding for finding in findings if id(finding) not in known_ids],
        [finding for finding in findings if id(finding) in known_ids],
        tuple(counts),
    )


def _match_source(
    source: KnownFindings,
    found: FindingsByPath,
    text: TextByPath,
    is_selected: Callable[[str], bool],
) -> tuple[set[int], int]:
    """Return the ids of the findings a source knows, and its resolved count."""
    known_ids: set[int] = set()
    resolved = 0
    for path in source.paths | found.keys():
        items = found.get(path, ())
        if items and source.findings.get(path) == items:
            known_ids.update(map(id, items))
        elif path in source.paths and is_selected(path):
            known_keys = source.keys_at(path)
            matches = _match_findings(items, known_keys, text)
            known_ids.update(
                id(item) for item, is_known in zip(items, matches, strict=True) if is_known
            )
            resolved += len(known_keys) - sum(matches)
    return known_ids, resolved


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
