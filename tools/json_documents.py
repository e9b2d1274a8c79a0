"""The JSON documents that commands print, as types.

The rows are the types that the commands encode; the documents around them are declared here.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple, get_type_hints

import msgspec

from vaultlink.cli.commands.config import SettingRow
from vaultlink.cli.commands.undo import RunRow
from vaultlink.cli.section_changes import SectionChangeRow
from vaultlink.cli.system_checks import CheckRow
from vaultlink.dashboard.model import VaultReport
from vaultlink.engine.fingerprints import KnownCount
from vaultlink.graph.export import EDGE_FIELDS
from vaultlink.graph.related import RelatedNote
from vaultlink.mentions.wanted_topics import WantedTopic
from vaultlink.refactor.plan import CapturedLink, OtherMention, Rename
from vaultlink.report.finding_rows import EditRow, FindingRow
from vaultlink.report.fix_summary import FixedRow, SkippedRow
from vaultlink.report.history_page import PastRow
from vaultlink.report.json_document import SCHEMA_VERSION
from vaultlink.report.listings import BacklinkRow, DanglingTopicRow, FileBacklinksRow, LinkRow
from vaultlink.report.mention_rows import MentionRow
from vaultlink.report.note_page import ParsedNoteRow
from vaultlink.report.refactor_result import FileRow
from vaultlink.report.rule_manual import RuleManualRow
from vaultlink.watch.output import BatchRow, MovedRow, WatchFindingRow

_Version = Literal[1]
assert SCHEMA_VERSION == 1


class Document(NamedTuple):
    """A document, or a line of one.

    Attributes:
        commands: The command lines that print it, without `vaultlink`.
        types: The types that it may have.
        text: A sentence on it.
    """

    commands: tuple[str, ...]
    types: tuple[Any, ...]
    text: str


def _copy_fields(name: str, source: type, text: str) -> Any:
    """Return a struct with the fields of a named tuple, which is encoded as an object."""
    return msgspec.defstruct(
        name, list(get_type_hints(source).items()), namespace={"__doc__": text}
    )


def _document(name: str, text: str, *fields: tuple[str, Any]) -> Any:
    """Return the struct of a document, which begins with the version of the schema."""
    return msgspec.defstruct(name, [("schema", _Version), *fields], namespace={"__doc__": text})


class CheckSummary(msgspec.Struct):
    """The numbers of the vault and of the reported findings.

    Attributes:
        notes: Notes in the vault.
        attachments: All other files.
        links: All links.
        resolved: Links that lead to a file.
        dangling: Links that do not.
        ambiguous: Resolved links that match several files.
        external: Links to other places, such as websites.
        findings: The findings in this document.
        fixable: Findings that `vaultlink fix` resolves.
        unsafe_fixable: Findings that `--unsafe-fixes` resolves in addition.
        by_rule: The number of findings of each rule.
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
    unsafe_fixable: int
    by_rule: dict[str, int]


class GraphNode(msgspec.Struct):
    """A node. Its `id` is a vault path, or for a topic a slash and its name."""

    kind: Literal["note", "canvas", "attachment", "dangling"]
    label: str
    id: str


class GraphDocument(msgspec.Struct):
    """The node-link data of NetworkX."""

    directed: Literal[True]
    multigraph: Literal[True]
    graph: dict[str, Any]
    nodes: list[GraphNode]
    edges: list["GraphEdge"]  # type: ignore[valid-type]  # made below, from the fields of exports


_EDGE_TYPES = {"long": int, "string": str, "boolean": bool}
GraphEdge = msgspec.defstruct(
    "GraphEdge",
    [
        *((name, _EDGE_TYPES[kind]) for name, kind in EDGE_FIELDS.items()),
        *(("source", str), ("target", str), ("key", int)),
    ],
    namespace={
        "__doc__": "A link. `key` counts the links from `source` to `target`. "
        "A link without display text has no `display`."
    },
)

_CHECK_FIELDS: tuple[tuple[str, Any], ...] = (
    ("version", str),
    ("vault", str),
    ("summary", CheckSummary),
    ("known", tuple[KnownCount, ...]),
)
_FINDINGS = ("findings", tuple[FindingRow, ...])
_CAPTURED: Any = _copy_fields("CapturedLink", CapturedLink, "An unresolved link that will resolve.")
_OTHER: Any = _copy_fields("OtherMention", OtherMention, "A place that stays as it is.")
_REFACTOR = _document(
    "RefactorDocument",
    "What was or would be renamed, and the edits of files.",
    ("renames", tuple[Rename, ...]),
    ("files", tuple[FileRow, ...]),
    ("skipped", tuple[SkippedRow, ...]),
    ("captured", tuple[_CAPTURED, ...]),
    ("mentions", tuple[_OTHER, ...]),
    ("run", str | None),
    ("edits", tuple[EditRow, ...]),
)
_PATHS = _document("PathsDocument", "Vault paths.", ("notes", tuple[str, ...]))
_RULES = _document("RulesDocument", "Rules.", ("rules", tuple[RuleManualRow, ...]))


def _past_fields() -> Iterator[tuple[str, Any]]:
    yield from get_type_hints(PastRow).items()


DOCUMENTS: Mapping[str, Document] = {
    "check": Document(
        ("check --json",),
        (_document("CheckDocument", "Findings.", *_CHECK_FIELDS, _FINDINGS),),
        "The summary, the counts of known findings, and the new findings.",
    ),
    "finding": Document(
        ("check --output-format json-lines",), (FindingRow,), "One finding; each line has one."
    ),
    "fix": Document(
        ("fix --json", "check --fix --json"),
        (_document("FixDocument", "A run.", *_CHECK_FIELDS, ("fixed", FixedRow), _FINDINGS),),
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
                ("run", str),
                ("undone_by", str | None),
                ("restored", tuple[str, ...]),
                ("moved", tuple[MovedRow, ...]),
                ("left", tuple[SkippedRow, ...]),
            ),
        ),
        "The restored and the skipped notes.",
    ),
    "undo-list": Document(
        ("undo --list --json",),
        (_document("RunsDocument", "Runs.", ("runs", tuple[RunRow, ...])),),
        "The runs that can be undone.",
    ),
    "rename": Document(
        tuple(f"{name} --json" for name in ("rename", "move", "extract", "merge")),
        (_REFACTOR,),
        "What was renamed, or with `--diff` would be, and the edits.",
    ),
    "show": Document(
        ("show --json",),
        (
            _document(
                "ShowDocument", "Notes.", ("vault", str), ("notes", tuple[ParsedNoteRow, ...])
            ),
        ),
        "The contents of notes.",
    ),
    "links": Document(
        ("links --json",),
        (_document("LinksDocument", "Links.", ("vault", str), ("links", tuple[LinkRow, ...])),),
        "Links with their destinations.",
    ),
    "topics": Document(
        ("topics --json",),
        (_document("TopicsDocument", "Topics.", ("topics", tuple[DanglingTopicRow, ...])),),
        "Dangling topics, with the links to them and suggestions.",
    ),
    "backlinks": Document(
        ("backlinks NOTE --json",),
        (
            _document(
                "BacklinksDocument",
                "The backlinks of a note.",
                ("note", str),
                ("backlinks", tuple[BacklinkRow, ...]),
            ),
        ),
        "The files that link to a note.",
    ),
    "backlinks-mentions": Document(
        ("backlinks NOTE --mentions --json",),
        (
            _document(
                "MentionedDocument",
                "The backlinks and mentions of a note.",
                ("note", str),
                ("mentions", tuple[MentionRow, ...]),
                ("backlinks", tuple[BacklinkRow, ...]),
            ),
        ),
        "The files that link to a note, and those that name it without a link.",
    ),
    "backlinks-all": Document(
        ("backlinks --json",),
        (_document("AllBacklinksDocument", "Files.", ("notes", tuple[FileBacklinksRow, ...])),),
        "Every file with backlinks.",
    ),
    "backlinks-sections": Document(
        tuple(f"backlinks --{name} --json" for name in ("write", "check", "adopt", "remove")),
        (_document("SectionsDocument", "Notes.", ("sections", tuple[SectionChangeRow, ...])),),
        "The notes whose sections were or would be changed.",
    ),
    "related": Document(
        ("related NOTE --json",),
        (
            _document(
                "RelatedDocument",
                "Related notes.",
                ("note", str),
                ("related", tuple[RelatedNote, ...]),
            ),
        ),
        "The notes that are related to a note.",
    ),
    "mentions": Document(
        ("mentions --json", "mentions --write --json"),
        (
            _document(
                "MentionsDocument",
                "Mentions.",
                ("vault", str),
                ("run", str | None),
                ("skipped", tuple[SkippedRow, ...]),
                ("topics", tuple[WantedTopic, ...]),
                ("mentions", tuple[MentionRow, ...]),
            ),
        ),
        "Mentions that are not links, or that were linked.",
    ),
    "history": Document(
        ("history NOTE --json",),
        (_document("HistoryDocument", "The past of a note.", *_past_fields()),),
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
                ("vault", str),
                ("enabled", tuple[str, ...]),
                ("settings", tuple[SettingRow, ...]),
            ),
        ),
        "The settings in force, and the rules that are on.",
    ),
    "doctor": Document(
        ("doctor --json",),
        (
            _document(
                "DoctorDocument",
                "Checks.",
                ("version", str),
                ("vault", str | None),
                ("attention", int),
                ("checks", tuple[CheckRow, ...]),
            ),
        ),
        "The lines of the page.",
    ),
}
"""Every document, by the name of its schema."""
