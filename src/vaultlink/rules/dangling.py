"""Checks on links that lead nowhere. Each such link gets one finding, from the most telling rule that is enabled."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from vaultlink.index import Index, stem
from vaultlink.model import Kind, Link, Note
from vaultlink.resolve import comparable, folder, is_note, name_key, spelling
from vaultlink.rules import Context, Finding


class _Verdict(NamedTuple):
    """The rule a dangling target falls to ("" for none), and the files that it may mean."""

    rule: str
    files: tuple[str, ...] = ()


_NOTHING = _Verdict("")
_DANGLING = _Verdict("dangling-link")
_PLACEHOLDERS = ("{{", "<%")


def dangling_link(note: Note, context: Context) -> Iterator[Finding]:
    """Links that name no file, and nothing that tells what was meant."""
    embeds = "dangling-embed" not in context.enabled
    for link, verdict in _dangling(note, context):
        if verdict.rule == "dangling-link" and (embeds or not link.embed):
            yield Finding(link, {"target": link.target}, link.target)


def dangling_embed(note: Note, context: Context) -> Iterator[Finding]:
    """Embeds that name no file."""
    for link, verdict in _dangling(note, context):
        if link.embed and verdict.rule == "dangling-link":
            yield Finding(link, {"target": link.target}, link.target)


def alias_link(note: Note, context: Context) -> Iterator[Finding]:
    """Dangling links whose target is an alias of a note."""
    return _told("alias-link", note, context)


def title_link(note: Note, context: Context) -> Iterator[Finding]:
    """Dangling links whose target is the `title` of exactly one note."""
    return _told("title-link", note, context)


def respelt_link(note: Note, context: Context) -> Iterator[Finding]:
    """Dangling links that differ only in spelling from exactly one file's name."""
    return _told("respelt-link", note, context)


def _told(rule: str, note: Note, context: Context) -> Iterator[Finding]:
    for link, verdict in _dangling(note, context):
        if verdict.rule == rule:
            yield Finding(link, {"target": link.target, "notes": _listed(verdict.files, context.index)}, link.target)


def _dangling(note: Note, context: Context) -> Iterator[tuple[Link, _Verdict]]:
    """The links of a note that lead nowhere, each with the rule it falls to."""
    targets = context.index.targets.get(note.path, ())
    if None not in targets:
        return
    verdicts = _verdicts(context.index, context.enabled, context.allow_dangling)
    texts = [link for link in note.links if link.kind is Kind.MARKDOWN and "[[" in link.raw]
    for link, resolved in zip(note.links, targets, strict=True):
        if resolved is None and not link.external:
            target = link.target
            verdict = verdicts.get(target)
            if verdict is None:
                verdict = verdicts[target] = _judge(target, context)
            # Whether a wikilink in the text of a Markdown link is one is unknown (2.17).
            if not texts or not any(text.start < link.start < text.end for text in texts):
                yield link, verdict


@lru_cache(maxsize=1)
def _verdicts(_index: Index, _enabled: frozenset[str], _allowed: object) -> dict[str, _Verdict]:
    """What was found of targets so far: five rules and many links ask the same of an index."""
    return {}


def _judge(target: str, context: Context) -> _Verdict:
    """The most telling enabled rule for a target that no file answers to."""
    if context.allow_dangling(target) or any(sign in target for sign in _PLACEHOLDERS):
        return _NOTHING
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
    *folders, name = [part for part in target.split("/") if part not in ("", ".", "..")] or [""]
    if is_note(name):
        name = name[:-3]
    key = spelling(name)
    return tuple(path for path in index.spelled.get(key, ()) if key and _same_words(name, stem(path))
                 and _fits(folders, path))


def _fits(folders: list[str], path: str) -> bool:
    """Whether a file lies where a target's folders say, respelt ones included."""
    if not folders:
        return True
    have = folder(path).split("/")[:-1][-len(folders):]
    return len(have) == len(folders) and all(spelling(one) == spelling(other) and _same_words(one, other)
                                             for one, other in zip(folders, have, strict=True))


_ACCENTS = re.compile("[\u0300-\u036f]")
_LEFT_OUT = ("P", "Z", "C")
_DIGITS = re.compile(r"\d+")


def _same_words(one: str, other: str) -> bool:
    """Whether names with equal spelling mean the same: `1.1` is not `11`, and marks that other scripts write vowels and
    voiced sounds with are no accents."""
    one, other = _plain(one), _plain(other)
    return _DIGITS.findall(one) == _DIGITS.findall(other) and _letters(one) == _letters(other)


def _plain(name: str) -> str:
    """A name without accents, case and compatibility forms, all other marks kept."""
    return name if name.isascii() else _ACCENTS.sub("", unicodedata.normalize("NFKD", name.casefold()))


def _letters(name: str) -> str:
    """A plain name without spaces and punctuation."""
    if name.isascii():
        return spelling(name)
    return "".join(char for char in name if unicodedata.category(char)[0] not in _LEFT_OUT)


def _listed(paths: tuple[str, ...], index: Index) -> str:
    """Files as a message names them: the first as a link would, and how many more there are."""
    path = paths[0]
    alone = len(index.names.get(name_key(path), ())) == 1
    first = f"“{stem(path) if alone else path.removesuffix('.md')}”"
    return first if len(paths) == 1 else f"{first} and {len(paths) - 1} more"
