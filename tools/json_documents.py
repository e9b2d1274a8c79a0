"""The JSON documents that commands print, and the file of a baseline, as types.

The rows are the types that the commands encode; the documents around them are declared here.
"""

from collections.abc import Mapping
from inspect import cleandoc
from typing import Any, Literal, NamedTuple, get_type_hints

import msgspec

from vaultlink.baseline.file import BaselineRow
from vaultlink.cli.commands.clean import CleanRow
from vaultlink.cli.commands.config import SettingRow
from vaultlink.cli.commands.doctor import CheckRow
from vaultlink.cli.commands.sections import SectionChangeRow
from vaultlink.cli.commands.undo import RunRow, RunStateRow
from vaultlink.dashboard.model import VaultReport
from vaultlink.engine.diagnostics import KnownCount
from vaultlink.fix.plan import CapturedLink, LeftOutProperty, NamedPlace, Rename
from vaultlink.graph.related import RelatedNote
from vaultlink.graph.twins import TwinPair
from vaultlink.mentions.planning import WantedTopic
from vaultlink.report.changed_lines import FixedRow, SkippedRow
from vaultlink.report.json_document import SCHEMA_VERSION, EditRow, FindingRow
from vaultlink.report.listings import (
    BacklinkRow,
    DanglingTopicRow,
    FileBacklinksRow,
    LinkRow,
    ParsedNoteRow,
)
from vaultlink.report.mention_rows import MentionRow
from vaultlink.report.note_past import PastRow
from vaultlink.report.overview import StatusDocument
from vaultlink.report.plan_result import CreatedRow, DeletedRow, FileRow
from vaultlink.report.rule_manual import RuleManualRow
from vaultlink.watch.output import BatchRow, MovedRow, WatchFindingRow

assert SCHEMA_VERSION == 1


class Document(NamedTuple):
    """A document, or a line of one.

    Attributes:
        commands: The command lines that print it, without `vaultlink`.
        types: The types that it may have.
        text: A sentence on it.
        is_file: True for a file that the commands write, which they do not print.
    """

    commands: tuple[str, ...]
    types: tuple[Any, ...]
    text: str
    is_file: bool = False


Field = tuple[str, Any, str]
"""A key, its type and its meaning."""


def _make_struct(name: str, text: str, *fields: Field) -> Any:
    """Return a struct whose docstring has the meaning of each field."""
    lines = [text, "", "Attributes:", *(f"    {key}: {meaning}" for key, _, meaning in fields)]
    return msgspec.defstruct(
        name,
        [(key, kind) for key, kind, _ in fields],
        namespace={"__doc__": "\n".join(lines)},
    )


def _copy_fields(name: str, source: type, *first: Field) -> Any:
    """Return a struct with the fields of another type, and others before them."""
    lines = [cleandoc(source.__doc__ or ""), *(f"    {key}: {text}" for key, _, text in first)]
    return msgspec.defstruct(
        name,
        [*((key, kind) for key, kind, _ in first), *get_type_hints(source).items()],
        namespace={"__doc__": "\n".join(lines)},
    )


_SCHEMA: Field = (
    "schema",
    Literal[1],
    "Version of the JSON; it changes if a key is removed or changes its meaning.",
)


def _document(name: str, text: str, *fields: Field) -> Any:
    """Return the struct of a document, which begins with the version of the schema."""
    return _make_struct(name, text, _SCHEMA, *fields)


PAGED = ["HistoryDocument"]
"""The names of documents of listings, which have `next` only with --limit or --after."""

_NEXT: Field = (
    "next",
    str | None,
    "The value of `--after` for the next page; None if this is the last one. Only with `--limit` "
    "or `--after`.",
)


def _listing(name: str, text: str, *fields: Field) -> Any:
    """Return the struct of a document of which only some rows may be wanted."""
    PAGED.append(name)
    return _document(name, text, *fields, _NEXT)


_Limit: Any = _make_struct(
    "Limit",
    "How much is gone, and may be.",
    ("count", int, "The number."),
    ("max", int | None, "The highest number allowed; None for any."),
)
_Limits: Any = _make_struct(
    "Limits",
    "What is gone since the revision.",
    ("deleted_notes", _Limit, "Notes that no longer exist and were not moved."),
    ("removed_links", _Limit, "Links to files that still exist."),
)
_LIMITS: Field = (
    "limits",
    _Limits,
    "What is gone since the revision. Only with `--max-deleted-notes` or `--max-removed-links`.",
)


class CheckSummary(msgspec.Struct):
    """The numbers of the vault and of the reported findings.

    Attributes:
        notes: Notes in the vault.
        attachments: All other files.
        links: All links.
        resolved: Links that lead to a file.
        dangling: Links that lead to no file, and are not external.
        ambiguous: Resolved links that match several files.
        external: Links to other places, such as websites.
        findings: The reported findings, those of other pages included.
        fixable: Findings that `vaultlink fix` resolves.
        unsafe_fixable: Findings that `--unsafe-fixes` resolves in addition; None if some were not
            counted.
        by_rule: The number of findings by rule name. Rules without any are left out.
    """

    notes: int
    attachments: int
    links: int
    resolved: int
    dangling: int
    ambiguous: int
    external: int
    findings: int
    fixable: int
    unsafe_fixable: int | None
    by_rule: dict[str, int]


class GraphNode(msgspec.Struct):
    """A file or an unresolved topic.

    Attributes:
        kind: `note`, `canvas`, `attachment`, or `dangling` for a topic.
        label: The text for people, which is the file's name or the topic.
        id: A vault path, or for a topic a slash and its name. Edges name nodes by it.
    """

    kind: Literal["note", "canvas", "attachment", "dangling"]
    label: str
    id: str


class GraphDocument(msgspec.Struct):
    """The node-link data of NetworkX.

    Attributes:
        directed: Always True, because links have a direction.
        multigraph: Always True, because a note can link to another one several times.
        graph: Attributes of the graph; empty.
        nodes: The files and the unresolved topics.
        edges: The links between them. External links are left out.
    """

    directed: Literal[True]
    multigraph: Literal[True]
    graph: dict[str, Any]
    nodes: list[GraphNode]
    edges: list["GraphEdge"]  # type: ignore[valid-type]  # made below


_EDGE_FIELDS: tuple[Field, ...] = (
    ("line", int, "Line of the link, 1-based."),
    ("kind", str, "`wikilink` or `markdown`."),
    (
        "place",
        str,
        "The part of the file that contains the link. "
        "`body`, `property`, `section` (a backlinks section) or `canvas`.",
    ),
    ("embed", bool, "True if the link starts with `!`."),
    ("subpath", str, 'The part from the first `#`; "" without one.'),
    ("display", str, "The display text. A link without one has no such key."),
)
GraphEdge = _make_struct(
    "GraphEdge",
    "A link.",
    *_EDGE_FIELDS,
    ("source", str, "The `id` of the node that contains the link."),
    ("target", str, "The `id` of the node that the link leads to."),
    ("key", int, "Counts the links from `source` to `target`, from 0."),
)

_VAULT: Field = ("vault", str, "Absolute path of the vault.")
_NOTE: Field = ("note", str, "Vault path of the note.")
_BACKLINKS: Field = ("backlinks", tuple[BacklinkRow, ...], "The files that link to the note.")
_CHECK_FIELDS: tuple[Field, ...] = (
    ("version", str, "Version of vaultlink."),
    _VAULT,
    ("summary", CheckSummary, "The numbers of the vault and of the reported findings."),
    (
        "known",
        tuple[KnownCount, ...],
        "Counts of the findings of a baseline or revision, which are not reported; empty without.",
    ),
)
_FINDINGS: Field = ("findings", tuple[FindingRow, ...], "The reported findings by path and line.")
_REMAINING: Field = ("findings", tuple[FindingRow, ...], "The findings that remain after the run.")
_CAPTURED: Any = _copy_fields("CapturedLink", CapturedLink)
_OTHER: Any = _copy_fields("NamedPlace", NamedPlace)
_LEFT_OUT: Any = _copy_fields("LeftOutProperty", LeftOutProperty)
_RUN = "The id of the run, for `vaultlink undo`; None if nothing was written."
_SKIPPED: Field = ("skipped", tuple[SkippedRow, ...], "Notes that are not written.")
_PLAN_FIELDS: tuple[Field, ...] = (
    ("command", str, "The name of the command."),
    ("renames", tuple[Rename, ...], "The requested renames."),
    ("files", tuple[FileRow, ...], "The files whose path changes, and those that are removed."),
    ("creates", tuple[CreatedRow, ...], "The files that are created. They are edits, too."),
    ("deletes", tuple[DeletedRow, ...], "The files that are removed."),
    ("fixed", tuple[FindingRow, ...], "The findings that are resolved, with their fixes."),
    ("breaks", tuple[_OTHER, ...], "Links that will not resolve."),
    _SKIPPED,
    ("captured", tuple[_CAPTURED, ...], "Unresolved links that will resolve."),
    ("left_out", tuple[_LEFT_OUT, ...], "Properties of a removed note that no other note gets."),
    ("run", str | None, _RUN),
    ("edits", tuple[EditRow, ...], "The edits. Paths and offsets are those before the run."),
)
_UNCHANGED: Field = (
    "mentions",
    tuple[_OTHER, ...],
    "Places that name what is renamed and stay as they are.",
)
_PLAN = _document("PlanDocument", "A change of the vault.", *_PLAN_FIELDS, _UNCHANGED)
_TOPICS: Field = (
    "topics",
    tuple[WantedTopic, ...],
    "The topics of the note that `--from-section` names; else empty.",
)
_MENTIONS: Field = ("mentions", tuple[MentionRow, ...], "The mentions by path and place.")
_PATHS = _listing(
    "PathsDocument",
    "Vault paths.",
    (
        "notes",
        tuple[str, ...],
        "The vault paths, sorted. `orphans` lists files of every type, `deadends` notes.",
    ),
)
_RULES = _document(
    "RulesDocument", "Rules.", ("rules", tuple[RuleManualRow, ...], "The rules by code.")
)


DOCUMENTS: Mapping[str, Document] = {
    "check": Document(
        ("check --json",),
        (_listing("CheckDocument", "Findings.", *_CHECK_FIELDS, _LIMITS, _FINDINGS),),
        "The summary, the counts of known findings, and the new findings.",
    ),
    "finding": Document(
        ("check --output-format json-lines",), (FindingRow,), "One finding; each line has one."
    ),
    "fix": Document(
        ("fix --json", "check --fix --json"),
        (
            _document(
                "FixDocument",
                "A run.",
                *_CHECK_FIELDS,
                ("fixed", FixedRow, "What was fixed."),
                _REMAINING,
            ),
        ),
        "What was fixed, and the findings that remain.",
    ),
    "watch": Document(
        ("watch --output-format json-lines",),
        (WatchFindingRow, BatchRow),
        "A finding, or the batch that the findings before it are part of; each line has one.",
    ),
    "undo": Document(
        ("undo --json",),
        (
            _document(
                "UndoDocument",
                "A run that was reverted.",
                ("run", str, "The id of the run that was reverted."),
                (
                    "undone_by",
                    str | None,
                    "The id of this run, with which `vaultlink undo` brings the changes back; "
                    "None if nothing was written.",
                ),
                ("restored", tuple[str, ...], "Vault paths of the restored notes."),
                ("moved", tuple[MovedRow, ...], "Files and folders that got their old paths back."),
                (
                    "undo_first",
                    tuple[str, ...],
                    "Ids of later runs that changed skipped notes too, the latest first.",
                ),
                (
                    "left",
                    tuple[SkippedRow, ...],
                    "Notes that were skipped, because they changed after the run.",
                ),
            ),
        ),
        "The restored and the skipped notes.",
    ),
    "undo-list": Document(
        ("undo --list --json",),
        (
            _document(
                "RunsDocument",
                "Runs.",
                (
                    "last",
                    str | None,
                    "The id of the run that `undo` reverts if none is named, if there is one.",
                ),
                ("runs", tuple[RunRow, ...], "The runs, the latest first."),
            ),
        ),
        "The runs that can be undone.",
    ),
    "undo-verify": Document(
        ("undo --verify --json",),
        (
            _document(
                "RunStatesDocument",
                "Runs, compared with the vault.",
                ("runs", tuple[RunStateRow, ...], "The runs, the latest first."),
            ),
        ),
        "What an undo of each run would restore.",
    ),
    "rename": Document(
        tuple(f"{name} --json" for name in ("rename", "move", "extract", "merge", "delete")),
        (_PLAN,),
        "What was renamed, or with `--diff` would be, and the edits.",
    ),
    "plan": Document(
        tuple(
            f"{name} --diff --json"
            for name in ("fix", "sections write", "backlinks", "baseline", "init", "undo")
        ),
        (_PLAN,),
        "What the command would change, with the keys of `rename`.",
    ),
    "show": Document(
        ("show --json",),
        (
            _listing(
                "ShowDocument",
                "Notes.",
                _VAULT,
                ("notes", tuple[ParsedNoteRow, ...], "The notes that were named, or all notes."),
            ),
        ),
        "The contents of notes.",
    ),
    "links": Document(
        ("links --json",),
        (
            _listing(
                "LinksDocument",
                "Links.",
                _VAULT,
                ("links", tuple[LinkRow, ...], "The links by path and place."),
            ),
        ),
        "Links with their destinations.",
    ),
    "status": Document(
        ("status --json",),
        (StatusDocument,),
        "The mistakes and the planned notes of a vault, and what to do next.",
    ),
    "unresolved": Document(
        ("unresolved --json",),
        (
            _listing(
                "TopicsDocument",
                "Topics.",
                ("topics", tuple[DanglingTopicRow, ...], "The topics, those of most links first."),
            ),
        ),
        "What unresolved links name, with the links and suggestions.",
    ),
    "backlinks": Document(
        ("backlinks NOTE --json",),
        (
            _listing(
                "BacklinksDocument",
                "The backlinks of a note.",
                _NOTE,
                _BACKLINKS,
            ),
        ),
        "The files that link to a note.",
    ),
    "backlinks-all": Document(
        ("backlinks --json",),
        (
            _listing(
                "AllBacklinksDocument",
                "Files.",
                ("notes", tuple[FileBacklinksRow, ...], "The files that have backlinks, by path."),
            ),
        ),
        "Every file with backlinks.",
    ),
    "backlinks-sections": Document(
        tuple(f"sections {name} --json" for name in ("write", "check", "adopt", "remove")),
        (
            _document(
                "SectionsDocument",
                "Notes.",
                ("sections", tuple[SectionChangeRow, ...], "The changed sections by path."),
            ),
        ),
        "The notes whose sections were or would be changed.",
    ),
    "related": Document(
        ("related NOTE --json",),
        (
            _listing(
                "RelatedDocument",
                "Related notes.",
                _NOTE,
                ("related", tuple[RelatedNote, ...], "The related notes, best first."),
            ),
        ),
        "The notes that are related to a note.",
    ),
    "twins": Document(
        ("related --twins --json",),
        (
            _listing(
                "TwinsDocument",
                "Near-duplicate notes.",
                ("twins", tuple[TwinPair, ...], "The pairs of notes, most similar first."),
            ),
        ),
        "Pairs of notes with common lines and sentences.",
    ),
    "mentions": Document(
        ("mentions --json", "mentions --write --json"),
        (
            _listing(
                "MentionsDocument",
                "Mentions.",
                _VAULT,
                ("run", str | None, _RUN),
                _SKIPPED,
                _TOPICS,
                _MENTIONS,
            ),
        ),
        "Mentions that are not links, or that were linked.",
    ),
    "mentions-plan": Document(
        ("mentions --diff --json",),
        (
            _document(
                "MentionsPlanDocument",
                "The mentions that would be linked, and the edits.",
                *_PLAN_FIELDS,
                _VAULT,
                _TOPICS,
                _MENTIONS,
            ),
        ),
        "The mentions that would be linked, with the keys of `rename`.",
    ),
    "history": Document(
        ("history NOTE --json",),
        (_copy_fields("HistoryDocument", PastRow, _SCHEMA, _NEXT),),
        "The former paths of a note, and the links they broke.",
    ),
    "orphans": Document(
        ("orphans --json", "deadends --json"), (_PATHS,), "The paths of files or notes."
    ),
    "graph": Document(
        ("graph --json",), (GraphDocument,), "The link graph, as NetworkX reads it. Has no version."
    ),
    "report": Document(
        ("report --output-format json",), (VaultReport,), "Everything that the page shows."
    ),
    "rules": Document(("rules --json", "rule RULE --json"), (_RULES,), "The manuals of rules."),
    "config": Document(
        ("config --json",),
        (
            _document(
                "ConfigDocument",
                "Settings.",
                _VAULT,
                ("enabled", tuple[str, ...], "The names of the rules that are on, sorted."),
                ("settings", tuple[SettingRow, ...], "The settings in force."),
            ),
        ),
        "The settings in force, and the rules that are on.",
    ),
    "clean": Document(
        ("clean --json",),
        (
            _document(
                "CleanDocument",
                "Folders that vaultlink has for a vault, outside of it.",
                _VAULT,
                ("folders", tuple[CleanRow, ...], "The folder of the cache, and that of records."),
            ),
        ),
        "The cache and the records of a vault, with their sizes.",
    ),
    "doctor": Document(
        ("doctor --json",),
        (
            _document(
                "DoctorDocument",
                "Checks.",
                ("version", str, "Version of vaultlink."),
                ("vault", str | None, "Absolute path of the vault; None if none was found."),
                ("attention", int, "Number of lines that need attention."),
                ("checks", tuple[CheckRow, ...], "The lines of the page."),
            ),
        ),
        "The lines of the page.",
    ),
    "baseline": Document(
        ("baseline",),
        (
            _document(
                "BaselineDocument",
                "A baseline.",
                ("version", str, "The version of vaultlink that wrote the file."),
                (
                    "settings",
                    dict[str, Any],
                    "The settings on which findings depend, by dotted key, and the names of the "
                    "rules that ran.",
                ),
                ("findings", tuple[BaselineRow, ...], "The known findings, sorted."),
            ),
        ),
        "The file `.vaultlink-baseline.json`.",
        is_file=True,
    ),
}
"""Every document, by the name of its schema."""
