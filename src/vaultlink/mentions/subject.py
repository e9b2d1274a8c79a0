"""Tell if a name is only another name of a note's own subject."""

from collections.abc import Sequence

from vaultlink.index.index import Index, link_name
from vaultlink.index.words import WORD, has_same_stem
from vaultlink.mentions.folding import FoldedText

_LONG_TITLE = 24


def list_subjects(index: Index, path: str) -> tuple[str, ...]:
    """Return the folded file name and title of a note, which say what it is about."""
    note = index.notes[path]
    names = {link_name(path), note.title or ""}
    return tuple(sorted(FoldedText(name).text for name in names if name))


def is_own_subject(key: str, subjects: Sequence[str], *, is_linked: bool) -> bool:
    """Return True if a folded name is a note's own subject under another name.

    The note's name differs only in the number of its words, as in `milking machine`, or it starts
    with the name, as in `Power series of functions`. The latter is a different, broader subject if
    links connect the note with the one that has the name, or if a dash or colon follows.
    """
    if " " not in key:
        return False
    return any(
        _is_inflected(subject, key)
        or _is_same_title(subject, key)
        or (not is_linked and _starts_with(subject, key))
        for subject in subjects
    )


def _starts_with(subject: str, key: str) -> bool:
    rest = subject.removeprefix(key)
    return rest != subject and rest[:1] == " " and rest[1:2].isalnum()


def _is_same_title(subject: str, key: str) -> bool:
    """Return True if two long titles have the same letters, but one may be cut."""
    own, other = "".join(WORD.findall(subject)), "".join(WORD.findall(key))
    shorter, longer = sorted((own, other), key=len)
    return len(shorter) >= _LONG_TITLE and longer.startswith(shorter)


def _is_inflected(subject: str, key: str) -> bool:
    own, other = WORD.findall(subject), WORD.findall(key)
    return (
        len(own) == len(other)
        and own != other
        and all(has_same_stem(one, two) for one, two in zip(own, other, strict=True))
    )
