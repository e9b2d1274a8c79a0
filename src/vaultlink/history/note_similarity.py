"""Compare parsed notes by their content, without their texts.

A note's features are its headings, links, blocks, tags, properties and named files, the lengths of
the text between them, and the checksums of sections. A feature counts the more the fewer notes have
it.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from vaultlink.index.resolve import name_key
from vaultlink.model import FileStamp, Note, SourceSpan

Pair = tuple[str, str]
"""Earlier path and present path."""

Feature = tuple[object, ...]

Features = Mapping[Feature, float]
"""The features of a note with the evidence that each of them is if no other note has it."""

_MAX_SHARING = 20
"""Maximum number of notes that share a feature. Beyond that it comes from a template."""

_MIN_OTHERS = 20
"""Minimum number of notes to tell which features come from a template."""

_UNKNOWN_ORIGIN = 0.2
"""Weight of a feature that may come from a template, beside that of a text."""

_MIN_TEXT = 40
"""Minimum characters between two elements of a note that are a feature."""

_FULL_TEXT = 200
"""Characters between two elements of a note that count as much as a link."""

_TEXTS = ("text to", "text from")
_MAX_TEXT_EVIDENCE = 1.5
_HEADING_EVIDENCE = 0.3
_FULL_HEADING = 25
"""Characters of a heading that counts as much as a link."""

_SECTION_EVIDENCE = 0.5
_PROPERTY_EVIDENCE = 0.1
_TAG_EVIDENCE = 0.05


_MIN_SPLIT = 0.15
"""Minimum share of a note that another one has got if the note was split."""


class Similarity(NamedTuple):
    """Similarity of two notes.

    Attributes:
        share: Share of common features, 0 to 1, weighted by evidence.
        evidence: Sum of the evidence of the common features. A link that no other note has is 1.
    """

    share: float
    evidence: float


class OtherNotes(NamedTuple):
    """Notes that show which features are common; each stands for `each` notes."""

    notes: Collection[Features] = ()
    each: float = 1.0


def extract_features(note: Note, stamp: FileStamp | None) -> Features:
    """Return the features of a note."""
    features: dict[Feature, float] = {}
    end, before = 0, ""
    for item, feature, evidence in sorted(_list_elements(note), key=lambda found: found[0].start):
        features[feature] = evidence
        _add_text(features, item.start - end, str(feature), before)
        end, before = item.end, str(feature)
    _add_text(features, stamp.size - end if stamp else 0, "end", before)
    features.update(
        (("section", heading.checksum), _SECTION_EVIDENCE)
        for heading in note.headings
        if heading.checksum
    )
    for item in note.properties or ():
        values = item.value if isinstance(item.value, list) else [item.value]
        for value in values:
            features["property", item.key, str(value)] = _PROPERTY_EVIDENCE
    for tag in note.tags:
        features["tag", tag.name] = _TAG_EVIDENCE
    for name in note.named_files:
        features["file", name] = 1.0
    return features


def _list_elements(note: Note) -> Iterator[tuple[SourceSpan, Feature, float]]:
    for heading in note.headings:
        evidence = min(1.0, max(_HEADING_EVIDENCE, len(heading.text) / _FULL_HEADING))
        yield heading, ("heading", heading.text.casefold()), evidence
    for link in note.links:
        target = link.target if link.external else name_key(link.target)
        yield link, ("link", target, link.subpath, link.embed), 1.0
    for block in note.blocks:
        yield block, ("block", block.id), 1.0


def _add_text(features: dict[Feature, float], length: int, after: str, before: str) -> None:
    """Add the length of the text between two elements. It is known by either of them."""
    if length >= _MIN_TEXT:
        evidence = min(_MAX_TEXT_EVIDENCE, length / _FULL_TEXT) / 2
        features[_TEXTS[0], length, after] = evidence
        features[_TEXTS[1], length, before] = evidence


class NoteComparison:
    """Earlier notes compared with present ones.

    `shows_templates` is True if there are enough notes to tell what comes from a template.
    """

    def __init__(
        self,
        before: Mapping[str, Features],
        now: Mapping[str, Features],
        others: OtherNotes,
    ):
        counts = Counter(feature for features in now.values() for feature in features)
        counts |= Counter(feature for features in before.values() for feature in features)
        common = Counter(feature for features in others.notes for feature in features)
        self._counts = {
            feature: number + common[feature] * others.each for feature, number in counts.items()
        }
        known = max(len(others.notes), min(len(before), len(now)))
        self.shows_templates = known >= _MIN_OTHERS
        self._before, self._now = before, now
        self._totals = {path: self._sum(features) for path, features in before.items()}
        self._present_totals = {path: self._sum(features) for path, features in now.items()}

    def pairs(self) -> dict[Pair, Similarity]:
        """Return the similarities of all pairs with a distinctive common feature."""
        holders: dict[Feature, list[str]] = {}
        for path, features in self._now.items():
            for feature in features:
                holders.setdefault(feature, []).append(path)
        shared: dict[Pair, float] = {}
        for path, features in self._before.items():
            for feature, evidence in features.items():
                weight = self._weight(feature, evidence)
                for other in holders.get(feature, ()) if weight else ():
                    shared[path, other] = shared.get((path, other), 0.0) + weight
        return {
            (old, new): Similarity(
                2 * evidence / (self._totals[old] + self._present_totals[new]), evidence
            )
            for (old, new), evidence in shared.items()
        }

    def is_split(self, old: str, new: str, others: Iterable[str]) -> bool:
        """Return True if another note has much of a former one that a present one lacks."""
        kept, features = self._now[new], self._before[old]
        lost = {feature: evidence for feature, evidence in features.items() if feature not in kept}
        least = _MIN_SPLIT * self._totals[old]
        return any(
            self._sum({feature: lost[feature] for feature in lost.keys() & self._now[other].keys()})
            >= least
            for other in others
            if other != new
        )

    def evidence_in(self, path: str) -> float:
        """Return the sum of the evidence of all features of an earlier note."""
        return self._totals[path]

    def _sum(self, features: Features) -> float:
        return sum(self._weight(feature, evidence) for feature, evidence in features.items())

    def _weight(self, feature: Feature, evidence: float) -> float:
        count = self._counts[feature]
        if count > _MAX_SHARING:
            return 0.0
        if not self.shows_templates and feature[0] not in _TEXTS:
            evidence *= _UNKNOWN_ORIGIN
        return evidence / count


def find_unique_names(
    before: Iterable[str], now: Iterable[str], key: Callable[[str], str] = name_key
) -> dict[str, str]:
    """Return the paths with the same file name that no other path of either group has.

    `key` returns something else that must be the same, and unique.
    """
    old, new = _group_by_name(before, key), _group_by_name(now, key)
    return {
        paths[0]: new[name][0]
        for name, paths in old.items()
        if len(paths) == 1 and len(new.get(name, ())) == 1
    }


def _group_by_name(paths: Iterable[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for path in paths:
        groups.setdefault(key(path), []).append(path)
    return groups
