"""Tell if the words next to a name make it a part of a longer term."""

from collections.abc import Iterator, Mapping, Set

from vaultlink.index.index import Index
from vaultlink.mentions.folding import fold_name
from vaultlink.mentions.scoring import NamePlace
from vaultlink.mentions.words import word_before, word_behind
from vaultlink.text import lazy_pattern

_LONGEST_TERM = 80
_ABBREVIATION = lazy_pattern(r" \(([A-Za-z]*[A-Z][A-Za-z]*[A-Z])s?\)")


Terms = Mapping[str, Set[str | None]]
"""Folded term to the vault paths of the notes that links with it lead to."""


def add_terms(forms: dict[str, set[str | None]], index: Index, path: str) -> None:
    """Add the terms that the links of a note show or name; the target may be None."""
    for link, target in index.resolved_links(path):
        if link.external:
            continue
        # A note's own name needs no entry, because the longest name wins.
        term = link.display or (link.target if target is None else None)
        if term and len(term) <= _LONGEST_TERM and " " in term and "/" not in term:
            forms.setdefault(term, set()).add(target)


def fold_terms(forms: Mapping[str, Set[str | None]]) -> Terms:
    terms: dict[str, set[str | None]] = {}
    for term, targets in forms.items():
        terms.setdefault(fold_name(term), set()).update(targets)
    return terms


def is_in_longer_term(place: NamePlace, terms: Terms) -> bool:
    """Return True if the words next to a name belong to the same term.

    That is so if the vault links the longer term to another note, or if an abbreviation behind the
    name starts with the word before it: `Linux Containers (LXC)`.
    """
    text, start, end, key = place.text, place.start, place.end, place.key
    for longer in _list_longer(text, end, key):
        if longer in terms and place.name.path not in terms[longer]:
            return True
    before, _ = word_before(text, start, text.rfind("\n", 0, start) + 1)
    match = _ABBREVIATION.match(text, end)
    return (
        match is not None
        and bool(before)
        and before[0].casefold() == match[1][0].casefold() != key[0]
    )


def _list_longer(text: str, end: int, key: str) -> Iterator[str]:
    longer = key
    for _ in range(2):
        word = word_behind(text, end)
        if not word:
            return
        end += 1 + len(word)
        longer = f"{longer} {fold_name(word)}"
        yield longer
