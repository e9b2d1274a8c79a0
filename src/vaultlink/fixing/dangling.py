"""What may be done about a dangling topic: link to the note that is meant, take the link out, or make the note.

All of it guesses at what somebody wanted, so all of it is unsafe. A state, the sources and a finding enter, fixes leave.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from vaultlink.engine import State
from vaultlink.fixing.sources import Answers, Sources
from vaultlink.index import Index, stem
from vaultlink.linking import bare, retargeted
from vaultlink.model import Diagnostic, Edit, Fix, Link, Place, Safety, Suggestion
from vaultlink.resolve import comparable, file_name, is_note, resolve, spelling
from vaultlink.rewriting import shown
from vaultlink.suggest import Suggester

_SURE = 0.9
"""A name scored so high may be meant even if it differs by more than a slip."""

_APART = 0.05
"""By so much the best candidate has to be better than the next."""


def answer(state: State, sources: Sources, item: Diagnostic, answers: Answers) -> Fix | None:
    """The fix of a dangling link or embed: to the note that is clearly nearest, else as the answers say."""
    link = _link(state.index, item)
    if link is None:
        return None
    near = _clear(link.target, _suggested(state.index, sources, link.target))
    fix = _linked(state, item.path, link, near.path) if near else None
    if fix is None and answers.folder is not None:
        fix = _made(state.index, link, answers)
    if fix is None and answers.unlink:
        fix = _unlinked(item.path, link)
    return fix


def choices(state: State, sources: Sources, item: Diagnostic, answers: Answers) -> Iterator[Fix]:
    """Everything that may be done about a dangling link or embed, the likeliest first."""
    link = _link(state.index, item)
    if link is None:
        return
    made = [
        _linked(state, item.path, link, near.path)
        for near in _suggested(state.index, sources, link.target)
    ]
    made += [
        _made(state.index, link, answers) if answers.folder is not None else None,
        _unlinked(item.path, link),
    ]
    yield from (fix for fix in made if fix)


def _link(index: Index, item: Diagnostic) -> Link | None:
    """The dangling link that a finding is about; canvases are not edited."""
    return (
        _links(index, item.path).get((item.start, item.end)) if item.path in index.notes else None
    )


@lru_cache(maxsize=4)
def _links(index: Index, path: str) -> dict[tuple[int, int], Link]:
    """The dangling links of a note by their spans: a note may have very many of them."""
    return {
        (link.start, link.end): link
        for link, target in index.links(path)
        if target is None and link.place is not Place.CANVAS
    }


def _suggested(index: Index, sources: Sources, target: str) -> Sequence[Suggestion]:
    return sources.suggest(target) if sources.suggest else _suggester(index)(target)


@lru_cache(maxsize=1)
def _suggester(index: Index) -> Suggester:
    return Suggester(index)


def _clear(target: str, found: Sequence[Suggestion]) -> Suggestion | None:
    """The candidate that is surely nearer than any other, if there is one."""
    if not found or (len(found) > 1 and found[0].score - found[1].score < _APART):
        return None
    best = found[0]
    return (
        best if best.reason != "near" or best.score >= _SURE or _slip(target, best.path) else None
    )


def _slip(target: str, path: str) -> bool:
    """Whether a name is off by a slip or two of the fingers."""
    from rapidfuzz.distance import OSA  # noqa: PLC0415 - only where a near name is looked at

    wanted = spelling(stem(file_name(target)))
    return OSA.distance(wanted, spelling(stem(path))) <= (1 if len(wanted) < 8 else 2)


def _linked(state: State, source: str, link: Link, path: str) -> Fix | None:
    edits = retargeted(source, link, path, state.index, state.setting.obsidian.new_link_format)
    return Fix(f"Link to “{bare(path)}”", Safety.UNSAFE, edits) if edits else None


def _unlinked(source: str, link: Link) -> Fix | None:
    """The words of a link instead of it; an embed has none."""
    words = shown(link.target, link.subpath) if link.display is None else link.display
    if link.embed or not words or link.end - link.start != len(link.raw):
        return None
    return Fix(
        "Remove the link and keep its text",
        Safety.UNSAFE,
        (Edit(source, link.start, link.end, words),),
    )


_IMPOSSIBLE = re.compile(r'[\\:*?"<>|#^\[\]\x00-\x1f]|(?:^|/)\.|[. ](?:/|$)|/(?:/|$)')
_OTHER_FILE = re.compile(r"\.[A-Za-z]{2,4}\d?$")


def _made(index: Index, link: Link, answers: Answers) -> Fix | None:
    """A note for a topic, unless no note could be called so or the link would not lead to it."""
    target = link.target.removesuffix(".md")
    if (
        link.embed
        or not target
        or target.startswith(("/", "."))
        or _IMPOSSIBLE.search(target)
        or _OTHER_FILE.search(target)
    ):
        return None
    path = f"{answers.folder}{target}.md"
    if any(comparable(path) == comparable(there) for there in index.files):
        return None
    key = comparable(file_name(path))
    if resolve("", link.target, {key: (path,)}) != path or not is_note(path):
        return None
    text = answers.template.replace("{{title}}", file_name(target))
    return Fix(f"Create the note “{path}”", Safety.UNSAFE, (Edit(path, 0, 0, text),))
