"""Explain unresolved links by the former file, alias or title that they name."""

from collections.abc import Sequence
from typing import NamedTuple

from vaultlink.index.index import Index
from vaultlink.index.resolve import normalize_name
from vaultlink.links.naming import strip_note_extension
from vaultlink.model import FormerName, History, Link, Suggestion
from vaultlink.rules.former_paths import find_former_file

SUGGESTION_REASON = "history"
"""The reason of suggestions that the history gives."""

_SCORE = 0.9
"""Score of these suggestions. They come first, because only they are based on facts."""


class FormerTarget(NamedTuple):
    """The former target of a link and its fate.

    Attributes:
        reason: What happened, as a clause; "" if that is unknown.
        path: Vault path of the file that the link may mean now; None if it is unknown.
        is_named: True if the reason names that file.
    """

    reason: str = ""
    path: str | None = None
    is_named: bool = False


NO_FORMER_TARGET = FormerTarget()


def find_former_target(
    link: Link, source: str, index: Index, history: History
) -> FormerTarget | None:
    """Return what became of the target of an unresolved link.

    Return None if it was no file, alias or title before, as far as the history knows. A file that
    was certainly moved is not suggested: `moved-link` reports links to it.
    """
    path = find_former_file(link, source, index, history)
    if path is not None:
        return _describe_file(path, history)
    name = history.names.get(normalize_name(link.target)) if history.names else None
    return None if name is None or name.path == source else _describe_name(name)


def suggest_former_target(target: FormerTarget | None) -> tuple[Suggestion, ...]:
    """Return the file that a link may mean now as a suggestion, if it is known."""
    if target is None or target.path is None:
        return ()
    return (Suggestion(target.path, SUGGESTION_REASON, _SCORE),)


def put_first(
    former: tuple[Suggestion, ...], others: Sequence[Suggestion]
) -> tuple[Suggestion, ...]:
    """Return suggestions that begin with those of the history, each file once."""
    paths = {item.path for item in former}
    return (*former, *(item for item in others if item.path not in paths))


def _describe_file(path: str, history: History) -> FormerTarget:
    reason = history.reasons.get(path) or ("deleted" if path in history.deleted else "")
    likely = history.likely.get(path) if path not in history.moves else None
    is_named = likely is not None and strip_note_extension(likely) in reason
    return FormerTarget(reason, likely, is_named)


def _describe_name(name: FormerName) -> FormerTarget:
    until = f" until {name.until}" if name.until else " before"
    reason = f"was {_ARTICLES[name.kind]} of “{strip_note_extension(name.path)}”{until}"
    return FormerTarget(reason, name.path, is_named=True)


_ARTICLES = {"alias": "an alias", "title": "the title"}
