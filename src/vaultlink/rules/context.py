"""What a check receives and what it yields. The checks are in the other modules of this folder.

A check is a generator function named like its rule. It is called according to the scope that its
YAML file declares:

- `note`: `check(note, context)` for changed notes. It reads only the note, and `context.text` if
  the YAML file says `reads: text`.
- `links`: `check(note, context)` for affected notes. Of other notes it reads only what the index
  says about the note's own links, names and backlinks.
- `files`: `check(path, context)` for added files of any kind, and for files whose path is related
  to that of an added or removed file (`vaultlink.index.update.files_with_changed_names`). It reads
  only `index.files`, `index.names` and `index.files_by_path`.
- `vault`: `check(context)` once per step, for questions about the whole vault.

A check yields findings without name and severity. The engine adds them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from vaultlink.index.index import Index
from vaultlink.model import Edit, Safety
from vaultlink.obsidian import ObsidianSettings


class Located(Protocol):
    """Anything with a position in a source: a link, heading, tag, property, problem or span."""

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
    """What a check yields: a location, and the values that the message names.

    `path` is set only by checks of scope `vault`. `edits` fix the finding, as the rule's YAML file
    describes under `fix`; `safety` is set only if that says `either`. `links` are the links that
    the finding is about, if these are not `location` itself: rules that yield to this one do not
    report them.
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
