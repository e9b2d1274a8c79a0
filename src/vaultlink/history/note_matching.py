"""Match notes of an earlier state of a vault to present ones by similar content.

A match must be clearly better than any other with either note, and rest on content that few other
notes have: notes from one template are alike, but none of them is a renamed other.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Set
from typing import NamedTuple

from vaultlink.history.note_similarity import (
    Features,
    NoteComparison,
    OtherNotes,
    Pair,
    Similarity,
    extract_features,
    find_unique_names,
)
from vaultlink.history.rename_checks import choose_evenly, is_same_series
from vaultlink.index.resolve import name_key, parent_folder
from vaultlink.model import FileStamp, Note

_MAX_OTHERS = 300
"""Maximum number of kept notes that show which content is common."""


class _Threshold(NamedTuple):
    """Minimum similarity of two notes, and lead over any other pair with either.

    A lead of half the share is enough.
    """

    share: float
    evidence: float
    lead: float


_CERTAIN = _Threshold(0.5, 2.5, 0.4)
_CERTAIN_AND_ALIKE = _Threshold(0.65, 1.5, 0.4)
_CERTAIN_AMONG_FEW = _Threshold(0.75, 1.0, 0.4)
_CERTAIN_WITH_NAME = _Threshold(0.4, 1.0, 0.0)
_CERTAIN_IN_SERIES = _Threshold(0.85, 2.5, 0.15)
_REPLACED = _Threshold(0.7, 2.5, 0.3)
_REPLACED_AMONG_FEW = _Threshold(0.8, 1.0, 0.3)
_LIKELY = _Threshold(0.25, 1.0, 0.08)

_MAX_LEFT = 0.2
"""Maximum share of a note's content that is left at a path that has another content now."""

_MIN_KEPT = 0.6
"""Share of a changed note's headings, links and blocks from which its content is not elsewhere."""


class VaultSnapshot(NamedTuple):
    """The files of a vault at one time.

    `stamps` are their sizes and times by path, None where unknown; `note` returns a note by path.
    """

    stamps: Mapping[str, FileStamp | None]
    note: Callable[[str], Note | None]


def match_similar(
    removed: Iterable[str],
    added: Iterable[str],
    moves: Mapping[str, str],
    before: VaultSnapshot,
    now: VaultSnapshot,
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the certain and the likely moves of notes with similar content."""
    old, new = _features_of(removed, before), _features_of(added, now)
    taken = set(moves.values())
    if not (old.keys() - moves.keys() and new.keys() - taken):
        return {}, {}
    comparison = NoteComparison(old, new, _choose_others(before, now, (*old, *new)))
    pairs = {
        pair: similarity
        for pair, similarity in comparison.pairs().items()
        if pair[0] not in moves and pair[1] not in taken
    }
    names = _find_rare_names(before, now)
    leads = _measure_leads(pairs, names)
    certain, likely = dict[str, str](), dict[str, str]()
    successors: dict[str, list[str]] = {}
    for path, other in pairs:
        successors.setdefault(path, []).append(other)
    for (path, other), similarity in pairs.items():
        lead = leads[path, other]
        thresholds = _certain_thresholds(path, other, names, comparison)
        if any(
            _reaches(similarity, lead, threshold) for threshold in thresholds
        ) and not comparison.is_split(path, other, successors[path]):
            certain[path] = other
        elif _reaches(similarity, lead, _LIKELY) and not is_same_series(path, other, same=False):
            likely[path] = other
    return certain, likely


def _certain_thresholds(
    old: str, new: str, names: Set[Pair], comparison: NoteComparison
) -> tuple[_Threshold, ...]:
    """Return what makes a move certain; one of them is enough."""
    if is_same_series(old, new, same=True):
        return ()
    if is_same_series(old, new, same=False):
        return (_CERTAIN_IN_SERIES,)
    if (old, new) in names:
        return (_CERTAIN_WITH_NAME,)
    if not comparison.shows_templates:
        return (_CERTAIN_AMONG_FEW,)
    return _CERTAIN, _CERTAIN_AND_ALIKE


def _reaches(similarity: Similarity, lead: float, threshold: _Threshold) -> bool:
    return (
        similarity.share >= threshold.share
        and similarity.evidence >= threshold.evidence
        and lead >= min(threshold.lead, similarity.share / 2)
    )


_NAME_BONUS = 0.3
"""Added to the share of notes with the same file name that no other has."""


def _measure_leads(pairs: Mapping[Pair, Similarity], names: Collection[Pair]) -> dict[Pair, float]:
    """Return the lead in share of each pair over any other pair with either path."""
    shares = {
        pair: similarity.share + (_NAME_BONUS if pair in names else 0.0)
        for pair, similarity in pairs.items()
    }
    best: dict[tuple[int, str], list[float]] = {}
    for pair, share in shares.items():
        for side in (0, 1):
            ranks = best.setdefault((side, pair[side]), [])
            ranks.append(share)
            ranks.sort(reverse=True)
            del ranks[2:]
    leads = {}
    for pair, share in shares.items():
        lead = share
        for side in (0, 1):
            first, second = (*best[side, pair[side]], 0.0)[:2]
            lead = min(lead, share - (second if share == first else first))
        leads[pair] = lead
    return leads


def _features_of(paths: Iterable[str], side: VaultSnapshot) -> dict[str, Features]:
    return {
        path: extract_features(note, side.stamps.get(path))
        for path in paths
        if (note := side.note(path)) is not None
    }


def _choose_others(
    before: VaultSnapshot, now: VaultSnapshot, compared: Collection[str]
) -> OtherNotes:
    """Return notes that show which content is common, of those that were there before.

    Half of them are from the folders of the compared notes, half from anywhere.
    """
    known = set(compared)
    kept = [
        path
        for path in before.stamps
        if path[-3:].lower() == ".md" and path in now.stamps and path not in known
    ]
    folders = {parent_folder(path) for path in compared}
    near = [path for path in kept if parent_folder(path) in folders]
    chosen = dict.fromkeys(
        (*choose_evenly(near, _MAX_OTHERS // 2), *choose_evenly(kept, _MAX_OTHERS // 2))
    )
    notes = list(_features_of(chosen, now).values())
    return OtherNotes(notes, len(kept) / max(1, len(notes)))


def _find_rare_names(before: VaultSnapshot, now: VaultSnapshot) -> set[Pair]:
    """Return old and new path of files whose name no other file has, then or now."""
    removed, added = (
        before.stamps.keys() - now.stamps.keys(),
        now.stamps.keys() - before.stamps.keys(),
    )
    kept = {name_key(path) for path in before.stamps.keys() & now.stamps.keys()}
    pairs = find_unique_names(removed, added)
    return {pair for pair in pairs.items() if name_key(pair[0]) not in kept}


# -- notes whose path has another content now -----------------------------------------------------


def match_replaced(
    old_paths: Iterable[str], new_paths: Iterable[str], before: VaultSnapshot, now: VaultSnapshot
) -> dict[str, str]:
    """Return where notes went whose paths have another content now.

    One of both paths must exist before and now, and must have lost its former content.
    """
    staying = before.stamps.keys() & now.stamps.keys()
    kept = {
        path for path in staying.intersection(old_paths, new_paths) if _keeps(path, before, now)
    }
    old = _features_of((path for path in old_paths if path not in kept), before)
    new = _features_of((path for path in new_paths if path not in kept), now)
    if staying.isdisjoint((*old, *new)) or not any(old.keys() - {path} for path in new):
        return {}
    comparison = NoteComparison(old, new, _choose_others(before, now, (*old, *new)))
    pairs = comparison.pairs()
    leads = _measure_leads(pairs, ())

    def is_gone(path: str) -> bool:
        left = pairs.get((path, path))
        return left is None or left.evidence <= _MAX_LEFT * comparison.evidence_in(path)

    return {
        path: other
        for (path, other), similarity in pairs.items()
        if path != other
        and (path in staying or other in staying)
        and not is_same_series(path, other, same=True)
        and _reaches(similarity, leads[path, other], _replaced_threshold(path, other, comparison))
        and is_gone(path)
        and is_gone(other)
    }


def _keeps(path: str, before: VaultSnapshot, now: VaultSnapshot) -> bool:
    """Return True if a note has much of its former content, or had none."""
    old, new = before.note(path), now.note(path)
    if old is None or new is None:
        return True
    content = _list_names(old)
    return len(content & _list_names(new)) >= _MIN_KEPT * len(content)


def _list_names(note: Note) -> set[str]:
    """Return the names in a note: its headings, links and block ids."""
    return {
        *(heading.text for heading in note.headings),
        *(link.raw for link in note.links),
        *(block.id for block in note.blocks),
    }


def _replaced_threshold(old: str, new: str, comparison: NoteComparison) -> _Threshold:
    if is_same_series(old, new, same=False):
        return _CERTAIN_IN_SERIES
    return _REPLACED if comparison.shows_templates else _REPLACED_AMONG_FEW
