"""Checks on links that lead nowhere. Each such link gets one finding, from the most telling rule that is enabled."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from vaultlink.index import Index, Targets, renamed, stem
from vaultlink.linking import bare, retargeted
from vaultlink.model import Edit, Kind, Link, Note, Place
from vaultlink.resolve import Names, choose, comparable, folder, name_key, same_words, spelling
from vaultlink.rules import Context, Finding
from vaultlink.rules.entries import claimed
from vaultlink.templates import has_placeholder


class _Verdict(NamedTuple):
    """The rule a dangling target falls to ("" for none), and the files that it may mean."""

    rule: str
    files: tuple[str, ...] = ()


_NOTHING = _Verdict("")
_DANGLING = _Verdict("dangling-link")

_Sorted = dict[str, list[tuple[Link, tuple[str, ...]]]]
"""Rule to the links of a note that fall to it, each with the files it may mean."""


def dangling_link(note: Note, context: Context) -> Iterator[Finding]:
    """Links that name no file, and nothing that tells what was meant."""
    for link, _ in _falling_to("dangling-link", note, context):
        yield Finding(link, {"target": _named(link)}, link.target)


def dangling_embed(note: Note, context: Context) -> Iterator[Finding]:
    """Embeds that name no file."""
    for link, _ in _falling_to("dangling-embed", note, context):
        yield Finding(link, {"target": _named(link)}, link.target)


def moved_link(note: Note, context: Context) -> Iterator[Finding]:
    """Dangling links that led to a file until it was renamed or moved."""
    for link, files in _falling_to("moved-link", note, context):
        values = {"target": _named(link), "now": bare(files[0])}
        yield Finding(link, values, link.target, edits=_mended(link, files, note, context))


def alias_link(note: Note, context: Context) -> Iterator[Finding]:
    """Dangling links whose target is an alias of a note."""
    return _meant("alias-link", note, context)


def title_link(note: Note, context: Context) -> Iterator[Finding]:
    """Dangling links whose target is the `title` of exactly one note."""
    return _meant("title-link", note, context)


def respelt_link(note: Note, context: Context) -> Iterator[Finding]:
    """Dangling links that differ only in spelling from exactly one file's name."""
    return _meant("respelt-link", note, context)


def _meant(rule: str, note: Note, context: Context) -> Iterator[Finding]:
    """Dangling links that fall to a rule which knows the files they may mean."""
    for link, files in _falling_to(rule, note, context):
        values = {"target": _named(link), "notes": _listed(files, context.index)}
        yield Finding(link, values, link.target, edits=_mended(link, files, note, context))


def _mended(link: Link, files: tuple[str, ...], note: Note, context: Context) -> tuple[Edit, ...]:
    """What makes a link lead to the one file that it may mean."""
    if len(files) > 1:
        return ()
    return retargeted(note.path, link, files[0], context.index, context.obsidian.new_link_format)


def _named(link: Link) -> str:
    """A link's target as its source has it: a canvas names files from the root, without the slash that says so."""
    return link.target.removeprefix("/") if link.place is Place.CANVAS else link.target


def _falling_to(rule: str, note: Note, context: Context) -> Iterable[tuple[Link, tuple[str, ...]]]:
    """The links of a note that lead nowhere and fall to a rule."""
    targets = context.index.targets.get(note.path, ())
    if None not in targets:
        return ()
    memory = _memory(context.index, context.enabled, context.allow_dangling)
    if memory.moves is not context.moves:
        memory.start(context.moves)
    found = memory.notes.get(note.path)
    if found is None:
        found = memory.notes[note.path] = _sorted(note, targets, memory, context)
    return found.get(rule, ())


class _Memory:
    """What was found so far: six rules ask the same of each note, and many links name the same."""

    def __init__(self) -> None:
        self.start({})

    def start(self, moves: Mapping[str, str]) -> None:
        """Forget everything; files have gone from these places to others."""
        self.verdicts: dict[str, _Verdict] = {}
        self.notes: dict[str, _Sorted] = {}
        self.moves = moves
        self.names: Names = renamed({}, frozenset(), frozenset(moves))
        self.before = {now: old for old, now in moves.items()}


@lru_cache(maxsize=1)
def _memory(_index: Index, _enabled: frozenset[str], _allowed: object) -> _Memory:
    return _Memory()


def _sorted(note: Note, targets: Targets, memory: _Memory, context: Context) -> _Sorted:
    """The links of a note that lead nowhere, by the rules they fall to."""
    found: _Sorted = {}
    verdicts = memory.verdicts
    embeds = "dangling-embed" if "dangling-embed" in context.enabled else "dangling-link"
    follow = bool(memory.moves) and "moved-link" in context.enabled
    texts = [link for link in note.links if link.kind is Kind.MARKDOWN and "[[" in link.raw]
    told = claimed(note, context)
    for link, resolved in zip(note.links, targets, strict=True):
        if resolved is None and not link.external and link.start not in told:
            target = link.target
            verdict = verdicts.get(target)
            if verdict is None:
                verdict = verdicts[target] = _judge(target, context)
            if follow and verdict is not _NOTHING:
                verdict = _followed(link, note.path, memory) or verdict
            # Whether a wikilink in the text of a Markdown link is one is unknown (2.17).
            if not texts or not any(text.start < link.start < text.end for text in texts):
                rule = embeds if link.embed and verdict is _DANGLING else verdict.rule
                found.setdefault(rule, []).append((link, verdict.files))
    return found


def _followed(link: Link, source: str, memory: _Memory) -> _Verdict | None:
    """Where the file is now that a link led to before files were moved, its own among them."""
    old, _ = choose(memory.before.get(source, source), link.destination, memory.names)
    now = memory.moves.get(old) if old is not None else None
    return _Verdict("moved-link", (now,)) if now is not None else None


def _judge(target: str, context: Context) -> _Verdict:
    """The most telling enabled rule for a target that no file answers to."""
    if context.allow_dangling(target) or has_placeholder(target):
        return _NOTHING  # waited for, or a template's placeholder
    index, enabled, key = context.index, context.enabled, comparable(target)
    aliased = index.aliased.get(key, ())
    if aliased and "alias-link" in enabled:
        return _Verdict("alias-link", aliased)
    titled = index.titled.get(key, ())
    if len(titled) == 1 and "title-link" in enabled:
        return _Verdict("title-link", titled)
    respelt = _respelt(target, index) if "respelt-link" in enabled else ()
    if len(respelt) == 1:
        return _Verdict("respelt-link", respelt)
    if "?" in target and name_key(target.partition("?")[0]) in index.names:
        return _NOTHING  # a web address of a file in the vault: whether a query is part of the name is unknown (2.20)
    return _DANGLING


def _respelt(target: str, index: Index) -> tuple[str, ...]:
    """The files whose name, with the folders the target names, differs from it only in spelling."""
    key = spelling(stem(target))
    candidates = index.spelled.get(key, ()) if key else ()
    if not candidates:
        return ()
    name = stem(target)
    folders = [part for part in folder(target).split("/") if part not in ("", ".", "..")]
    return tuple(
        path for path in candidates if same_words(name, stem(path)) and _fits(folders, path)
    )


def _fits(folders: list[str], path: str) -> bool:
    """Whether a file lies where a target's folders say, respelt ones included."""
    if not folders:
        return True
    have = folder(path).split("/")[:-1][-len(folders) :]
    return len(have) == len(folders) and all(
        spelling(one) == spelling(other) and same_words(one, other)
        for one, other in zip(folders, have, strict=True)
    )


def _listed(paths: tuple[str, ...], index: Index) -> str:
    """Files as a message names them: the first as a link would, and how many more there are."""
    path = paths[0]
    alone = len(index.names.get(name_key(path), ())) == 1
    first = f"“{stem(path) if alone else path.removesuffix('.md')}”"
    return first if len(paths) == 1 else f"{first} and {len(paths) - 1} more"
