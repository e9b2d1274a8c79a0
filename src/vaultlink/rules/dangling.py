"""Checks on links that lead nowhere. Each such link gets one finding, from the most telling rule that is enabled."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from vaultlink.index.index import Index, LinkTargets, link_name, update_names
from vaultlink.index.resolve import (
    PathsByName,
    is_same_name,
    name_key,
    normalize_name,
    parent_folder,
    resolve_with_alternatives,
    spelling_key,
)
from vaultlink.links.naming import retarget_link, strip_note_extension
from vaultlink.model import Edit, Link, LinkKind, Note, Place
from vaultlink.rules.context import Context, Finding
from vaultlink.rules.section_entries import find_claimed_links
from vaultlink.text import has_placeholder


class _Verdict(NamedTuple):
    """The rule a dangling target falls to ("" for none), and the files that it may mean."""

    rule: str
    candidates: tuple[str, ...] = ()


_NO_FINDING = _Verdict("")
_PLAIN_DANGLING = _Verdict("dangling-link")

_LinksByRule = dict[str, list[tuple[Link, tuple[str, ...]]]]
"""Rule to the links of a note that fall to it, each with the files it may mean."""


def dangling_link(note: Note, context: Context) -> Iterator[Finding]:
    """Links that name no file, and nothing that tells what was meant."""
    for link, _ in _find_links_for("dangling-link", note, context):
        yield Finding(link, {"target": _format_target(link)}, link.target)


def dangling_embed(note: Note, context: Context) -> Iterator[Finding]:
    """Embeds that name no file."""
    for link, _ in _find_links_for("dangling-embed", note, context):
        yield Finding(link, {"target": _format_target(link)}, link.target)


def moved_link(note: Note, context: Context) -> Iterator[Finding]:
    """Dangling links that led to a file until it was renamed or moved."""
    for link, files in _find_links_for("moved-link", note, context):
        values = {"target": _format_target(link), "now": strip_note_extension(files[0])}
        yield Finding(
            link, values, link.target, edits=_build_retarget_edits(link, files, note, context)
        )


def alias_link(note: Note, context: Context) -> Iterator[Finding]:
    """Dangling links whose target is an alias of a note."""
    return _report_candidates("alias-link", note, context)


def title_link(note: Note, context: Context) -> Iterator[Finding]:
    """Dangling links whose target is the `title` of exactly one note."""
    return _report_candidates("title-link", note, context)


def respelt_link(note: Note, context: Context) -> Iterator[Finding]:
    """Dangling links that differ only in spelling from exactly one file's name."""
    return _report_candidates("respelt-link", note, context)


def _report_candidates(rule: str, note: Note, context: Context) -> Iterator[Finding]:
    """Dangling links that fall to a rule which knows the files they may mean."""
    for link, files in _find_links_for(rule, note, context):
        values = {"target": _format_target(link), "notes": _format_files(files, context.index)}
        yield Finding(
            link, values, link.target, edits=_build_retarget_edits(link, files, note, context)
        )


def _build_retarget_edits(
    link: Link, files: tuple[str, ...], note: Note, context: Context
) -> tuple[Edit, ...]:
    """What makes a link lead to the one file that it may mean."""
    if len(files) > 1:
        return ()
    return retarget_link(note.path, link, files[0], context.index, context.obsidian.new_link_format)


def _format_target(link: Link) -> str:
    """A link's target as its source has it: a canvas names files from the root, without the slash that says so."""
    return link.target.removeprefix("/") if link.place is Place.CANVAS else link.target


def _find_links_for(
    rule: str, note: Note, context: Context
) -> Iterable[tuple[Link, tuple[str, ...]]]:
    """The links of a note that lead nowhere and fall to a rule."""
    targets = context.index.targets.get(note.path, ())
    if None not in targets:
        return ()
    memory = _get_cache(context.index, context.enabled, context.allows_dangling)
    if memory.moves is not context.moves:
        memory.reset(context.moves)
    found = memory.links_by_note.get(note.path)
    if found is None:
        found = memory.links_by_note[note.path] = _classify_links(note, targets, memory, context)
    return found.get(rule, ())


class _ClassificationCache:
    """What was found so far: six rules ask the same of each note, and many links name the same."""

    def __init__(self) -> None:
        self.reset({})

    def reset(self, moves: Mapping[str, str]) -> None:
        """Forget everything; files have gone from these places to others."""
        self.verdicts: dict[str, _Verdict] = {}
        self.links_by_note: dict[str, _LinksByRule] = {}
        self.moves = moves
        self.old_names: PathsByName = update_names({}, frozenset(), frozenset(moves))
        self.old_paths = {now: old for old, now in moves.items()}


@lru_cache(maxsize=1)
def _get_cache(_index: Index, _enabled: frozenset[str], _allowed: object) -> _ClassificationCache:
    return _ClassificationCache()


def _classify_links(
    note: Note, targets: LinkTargets, memory: _ClassificationCache, context: Context
) -> _LinksByRule:
    """The links of a note that lead nowhere, by the rules they fall to."""
    found: _LinksByRule = {}
    verdicts = memory.verdicts
    embeds = "dangling-embed" if "dangling-embed" in context.enabled else "dangling-link"
    follow = bool(memory.moves) and "moved-link" in context.enabled
    texts = [link for link in note.links if link.kind is LinkKind.MARKDOWN and "[[" in link.raw]
    told = find_claimed_links(note, context)
    for link, resolved in zip(note.links, targets, strict=True):
        if resolved is None and not link.external and link.start not in told:
            target = link.target
            verdict = verdicts.get(target)
            if verdict is None:
                verdict = verdicts[target] = _classify_dangling(target, context)
            if follow and verdict is not _NO_FINDING:
                verdict = _follow_move(link, note.path, memory) or verdict
            # Whether a wikilink in the text of a Markdown link is one is unknown (2.17).
            if not texts or not any(text.start < link.start < text.end for text in texts):
                rule = embeds if link.embed and verdict is _PLAIN_DANGLING else verdict.rule
                found.setdefault(rule, []).append((link, verdict.candidates))
    return found


def _follow_move(link: Link, source: str, memory: _ClassificationCache) -> _Verdict | None:
    """Where the file is now that a link led to before files were moved, its own among them."""
    old, _ = resolve_with_alternatives(
        memory.old_paths.get(source, source), link.lookup_target, memory.old_names
    )
    now = memory.moves.get(old) if old is not None else None
    return _Verdict("moved-link", (now,)) if now is not None else None


def _classify_dangling(target: str, context: Context) -> _Verdict:
    """The most telling enabled rule for a target that no file answers to."""
    if context.allows_dangling(target) or has_placeholder(target):
        return _NO_FINDING  # waited for, or a template's placeholder
    index, enabled, key = context.index, context.enabled, normalize_name(target)
    aliased = index.notes_by_alias.get(key, ())
    if aliased and "alias-link" in enabled:
        return _Verdict("alias-link", aliased)
    titled = index.notes_by_title.get(key, ())
    if len(titled) == 1 and "title-link" in enabled:
        return _Verdict("title-link", titled)
    respelt = _find_respelt(target, index) if "respelt-link" in enabled else ()
    if len(respelt) == 1:
        return _Verdict("respelt-link", respelt)
    if "?" in target and name_key(target.partition("?")[0]) in index.names:
        return _NO_FINDING  # a web address of a file in the vault: whether a query is part of the name is unknown (2.20)
    return _PLAIN_DANGLING


def _find_respelt(target: str, index: Index) -> tuple[str, ...]:
    """The files whose name, with the folders the target names, differs from it only in spelling."""
    key = spelling_key(link_name(target))
    candidates = index.files_by_spelling.get(key, ()) if key else ()
    if not candidates:
        return ()
    name = link_name(target)
    folders = [part for part in parent_folder(target).split("/") if part not in ("", ".", "..")]
    return tuple(
        path
        for path in candidates
        if is_same_name(name, link_name(path)) and _is_in_folders(folders, path)
    )


def _is_in_folders(folders: list[str], path: str) -> bool:
    """Whether a file lies where a target's folders say, respelt ones included."""
    if not folders:
        return True
    have = parent_folder(path).split("/")[:-1][-len(folders) :]
    return len(have) == len(folders) and all(
        spelling_key(one) == spelling_key(other) and is_same_name(one, other)
        for one, other in zip(folders, have, strict=True)
    )


def _format_files(paths: tuple[str, ...], index: Index) -> str:
    """Files as a message names them: the first as a link would, and how many more there are."""
    path = paths[0]
    alone = len(index.names.get(name_key(path), ())) == 1
    first = f"“{link_name(path) if alone else path.removesuffix('.md')}”"
    return first if len(paths) == 1 else f"{first} and {len(paths) - 1} more"
