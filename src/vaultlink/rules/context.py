"""What a check receives and what it yields. The checks are in the other modules of this folder.

A check is a generator function named like its rule. By the scope its YAML declares it is called

- `note`:  `check(note, context)` for the changed notes; reads nothing but the note (and `context.text` if the YAML says
  `reads: text`);
- `links`: `check(note, context)` for the affected notes; reads of other notes only what the index says about the note's
  own links, names and backlinks;
- `files`: `check(path, context)` for the files, of whatever kind, that came or whose path has something to do with that of a
  file that came or went (`vaultlink.index.update.files_with_changed_names`); reads nothing but `index.files`, `index.names` and `index.places`;
- `vault`: `check(context)` once per step, for questions about the whole.

A check yields bare findings: no name, no severity. The engine stamps them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from vaultlink.index.index import Index
from vaultlink.model import Edit, Note, Safety
from vaultlink.obsidian import ObsidianSettings


class Located(Protocol):
    """Anything with a place in a source: a link, heading, tag, property, trouble or bare spot."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check yields: where, and the values its message names. `path` only from checks of scope `vault`.

    `edits` fix it, as the rule's YAML file describes under `fix`; `safety` only if that says `either`. `links` are the links
    that it is about, if these are not `location` itself: rules that yield to this one do not report them.
    """

    location: Located
    values: Mapping[str, object]
    target: str | None = None
    path: str | None = None
    edits: tuple[Edit, ...] = ()
    safety: Safety | None = None
    links: tuple[Located, ...] | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What a check may read.

    `options` are the options of the rule, complete; `backlink_settings` the settings of sections;
    `moves` maps the old paths of files to their present ones.
    """

    index: Index
    options: Mapping[str, Any]
    obsidian: ObsidianSettings
    allows_dangling: Callable[[str], bool]
    text: str | None = None
    backlink_settings: Mapping[str, Any] = field(default_factory=dict)
    moves: Mapping[str, str] = field(default_factory=dict)


NoteCheck = Callable[[Note, Context], Iterator[Finding]]


FileCheck = Callable[[str, Context], Iterator[Finding]]


VaultCheck = Callable[[Context], Iterator[Finding]]
