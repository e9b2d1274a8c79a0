"""Input and output of checks. The checks are in the other modules of this folder.

A check is a generator function named like its rule. The `scope` in the rule's YAML file defines how
it is called:

- `note`: `check(note, context)` for the changed notes. It reads only the note, and `context.text`
  if the YAML file contains `reads: text`.
- `links`: `check(note, context)` for the affected notes. Of other notes it reads only what the
  index holds about the note's own links, names and backlinks.
- `files`: `check(path, context)` for the files of any kind that were added, or whose path is
  related to that of an added or removed file (`vaultlink.index.update.files_with_changed_names`).
  It reads only `index.files`, `index.names` and `index.places`.
- `vault`: `check(context)` once per step, for rules about the whole vault.

A check yields findings without rule name and severity. The engine adds both. If several rules find
the same link, `yields-to` in their YAML files determines which one reports it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from vaultlink.index.index import Index
from vaultlink.model import NO_HISTORY, Edit, History, Link, Note, ParseProblem, Safety, SourceSpan
from vaultlink.obsidian import ObsidianSettings

QUIET_KINDS = (
    "templates",
    "daily-notes",
    "site-addresses",
    "clipped-anchors",
    "clipped-links",
    "footnotes",
    "soft-hyphens",
)
"""The kinds of expected findings that the setting `quiet` may name: none of these is reported."""

T = TypeVar("T")

LinkPlace = tuple[int, str]
"""Start and source text of a link, which identify it in its note."""

FILE_START = SourceSpan(0, 0, 1, 1)
"""Location of findings about a file as a whole."""


class Finding(msgspec.Struct, frozen=True, gc=False):
    """Result of a check: a location, and values for the rule's message.

    `values` maps the placeholders of the message to their values. Only checks of scope `vault` set
    `path`. `edits` fix the finding as the rule's YAML file describes under `fix`; a function that
    returns them is called only if the finding is reported. `safety` is set only if the safety there
    is `either`. `links` are the links that the finding is about if these are not `location` itself:
    rules that yield to this rule do not report them. `subpath` and `resolved` are set if the file
    at `resolved` lacks the heading or block that the link names.
    """

    location: SourceSpan
    values: Mapping[str, object]
    target: str | None = None
    path: str | None = None
    edits: tuple[Edit, ...] | Callable[[], tuple[Edit, ...]] = ()
    safety: Safety | None = None
    links: tuple[SourceSpan, ...] | None = None
    subpath: str | None = None
    resolved: str | None = None


class Context(msgspec.Struct, frozen=True):
    """Everything that a check may read besides its note or file.

    `options` holds a value for every option of the rule, `backlink_settings` the settings of
    sections. `history` has what became of files, headings and blocks. `quiet` holds the kinds of
    expected findings that are not reported. `expects_note` returns True for targets that name a
    daily or other periodic note, which may not be written yet. `claimed` holds the links that rules
    with precedence report in this note. The engine drops findings about them, so a check may leave
    these out. `find_ignoring_pattern` returns the pattern of a `.gitignore` that leaves out a path,
    "" for none. `is_only_read` returns True for notes in which no section is written.
    """

    index: Index
    options: Mapping[str, Any]
    obsidian: ObsidianSettings
    allows_dangling: Callable[[str], bool]
    text: str | None = None
    backlink_settings: Mapping[str, Any] = msgspec.field(default_factory=dict)
    history: History = NO_HISTORY
    quiet: frozenset[str] = frozenset(QUIET_KINDS)
    expects_note: Callable[[str], bool] = lambda _target: False
    claimed: set[LinkPlace] = msgspec.field(default_factory=set)
    find_ignoring_pattern: Callable[[str], str] = lambda _path: ""
    is_only_read: Callable[[Note], bool] = lambda _note: False


def build_replacement_edits(problem: ParseProblem, note: Note) -> tuple[Edit, ...]:
    return tuple(Edit(note.path, *change) for change in problem.replacements)


class _NoteMemo:
    """The results of functions for the note that the rules are checking."""

    def __init__(self, _index: Index) -> None:
        self.settings: tuple[object, ...] = ()
        self.results: dict[Callable[..., object], Any] = {}


def remember(function: Callable[[Note, Context], T], note: Note, context: Context) -> T:
    """Return the result of a function for a note, computed once for all rules."""
    memo = context.index.derive(_NoteMemo)
    settings = (note, context.quiet, context.allows_dangling)
    if memo.settings != settings:
        memo.settings, memo.results = settings, {}
    if function not in memo.results:
        memo.results[function] = function(note, context)
    result: T = memo.results[function]
    return result


def find_resolved_links(note: Note, context: Context) -> Iterator[tuple[Link, str]]:
    """Yield the internal links of a note that resolve, with the paths of targets."""
    for link, target in zip(note.links, context.index.targets.get(note.path, ()), strict=True):
        if target is not None and not link.external:
            yield link, target


def is_claimed_by_other_rule(link: Link, context: Context) -> bool:
    return bool(context.claimed) and (link.start, link.raw) in context.claimed


def unread_block_key(link: Link, target: Note, context: Context) -> str:
    """Return the block id, in lower case, if a link's target has it without effect."""
    if link.in_comment or "#^" not in link.subpath:
        return ""
    key = link.subpath[link.subpath.rfind("#") + 1 :].strip().removeprefix("^").lower()
    has_line = any(
        problem.kind == "unread-block-id" and problem.block_id.lower() == key
        for problem in target.problems
    )
    return key if has_line and context.index.has_anchor(link, target.path) is False else ""
