"""Answers to questions about one state of a vault. Nothing is written.

Texts and names of notes are values in the answers, never sentences of vaultlink.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar

from vaultlink.api import Vault, make_suggester, recall
from vaultlink.baseline.drafts import check_drafts, drop_known, encode_drafts
from vaultlink.baseline.file import findings_in_baseline, read_baseline_file
from vaultlink.baseline.match import split_known
from vaultlink.disk.scan import is_source_file, is_vault_path
from vaultlink.errors import UnknownNameError, UsageError, check_name, propose
from vaultlink.index.anchors import find_anchor
from vaultlink.index.name_search import SearchedKind
from vaultlink.index.resolve import (
    is_any_path,
    make_path_filter,
    resolve,
    resolve_with_alternatives,
)
from vaultlink.index.suggest_headings import suggest_anchors
from vaultlink.index.titles import unwrap_link
from vaultlink.index.topics import Topic
from vaultlink.mentions.mention import Mention
from vaultlink.mentions.search import MentionSearch, build_mention_options, require_library
from vaultlink.model import Diagnostic, Edit, Fix, Safety, Suggestion
from vaultlink.refactor.arguments import find_aliased_note, find_folder
from vaultlink.report.listings import (
    DanglingTopicRow,
    FormerTargets,
    LinkRow,
    link_rows,
    list_reported_topics,
    topic_row,
)
from vaultlink.report.pages import FINDINGS, Order, Page
from vaultlink.rules.registry import UnknownRule, select_rules
from vaultlink.serve.answers import ToolAnswer
from vaultlink.text import fold_title, quote_name
from vaultlink.write.vault_mentions import find_vault_mentions

T = TypeVar("T")

# -- names in questions ----------------------------------------------------------------------------

MAX_DRAFT_BYTES = 8_000_000
"""Bytes of the longest drafts together."""


def _find_note(vault: Vault, name: str) -> str:
    """Return the vault path of a note that a path, a link or an alias names.

    Raises UsageError.
    """
    index = vault.index
    word = unwrap_link(check_name(name), index).removeprefix("./")
    for text in (word, word.partition("#")[0]):
        path = text if text in index.files else resolve("", text, index.names) if text else None
        path = path or (find_aliased_note(index, text) if text else None)
        if path:
            return path
    if folder := find_folder(index, word):
        raise UsageError(f"{folder}/ is a folder. Name a note.")
    near = [item.path for item in vault.suggest(word)[:2]]
    hint = propose(near, "A note is named by its path in the vault, or as in a link.")
    raise UnknownNameError(f"there is no note {quote_name(name)} in this vault. {hint}")


def _select_rules(vault: Vault, rule: str | None) -> Callable[[Diagnostic], bool]:
    if rule is None:
        return lambda _finding: True
    try:
        names = select_rules(vault.rules, [rule])
    except UnknownRule as error:
        hint = propose(error.suggestions, "Findings have the name of their rule.")
        raise UsageError(f"{error.problem}. {hint}") from None
    return lambda finding: finding.rule in names


# -- `check`: the findings of a vault, of a note, or those that drafts add -------------------------


def check(
    vault: Vault,
    page: Page,
    note: str | None = None,
    drafts: Mapping[str, str] | None = None,
    rule: str | None = None,
) -> ToolAnswer:
    """List the findings of the vault or a note; with drafts, only those that they add."""
    is_wanted = _select_rules(vault, rule)
    if drafts is not None:
        if note is not None:
            raise UsageError("check takes a note or drafts, not both.")
        return _check_drafts(vault, page, drafts, is_wanted)
    path = None if note is None else _find_note(vault, note)
    found, known = _list_unknown(vault, path)
    rules, notes = Counter[str](), set[str]()

    def count(findings: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
        for finding in findings:
            rules[finding.rule] += 1
            notes.add(finding.path)
            yield finding

    counted = count(filter(is_wanted, found))
    cut = page.cut(counted, FINDINGS)
    for _ in counted:
        pass  # those behind the page are counted, too
    counts = {
        "findings": rules.total(),
        "notes": len(notes),
        **({"known": known} if known else {}),
        "rules": dict(rules.most_common()),
    }
    more = {} if path is None else {"note": path}
    return ToolAnswer(counts, _make_finding_rows(vault, cut.rows), cut, ("findings",), more)


def _list_unknown(vault: Vault, path: str | None) -> tuple[Iterable[Diagnostic], int]:
    """Return the findings that the baseline does not know, and how many it knows."""
    data = read_baseline_file(vault.root)
    if data is None:
        found = vault.state.diagnostics
        return (vault.diagnostics() if path is None else found.get(path, ())), 0
    split = split_known(
        vault.state.diagnostics,
        [findings_in_baseline(vault, data)],
        vault.text,
        lambda other: path in (None, other),
    )
    return split.new, sum(count.left for count in split.known_counts)


def _make_finding_rows(vault: Vault, items: Iterable[Diagnostic]) -> Iterator[tuple[str, Any]]:
    return (("findings", _make_finding_row(vault, item)) for item in items)


def _check_drafts(
    vault: Vault, page: Page, drafts: Mapping[str, str], is_wanted: Callable[[Diagnostic], bool]
) -> ToolAnswer:
    if not drafts:
        raise UsageError("drafts is empty. It holds the text of each note by its path.")
    result = check_drafts(vault, encode_drafts(drafts, MAX_DRAFT_BYTES))
    if data := read_baseline_file(vault.root):
        result = drop_known(vault, result, [findings_in_baseline(vault, data)])
    for compute in result.held.index.memos.keys() - vault.index.memos.keys():
        vault.index.derive(compute)  # the next drafts take it over from here
    added = list(filter(is_wanted, result.added))
    elsewhere = sum(item.path not in drafts for item in added)
    counts = {
        "findings": len(added),
        "in_drafts": len(added) - elsewhere,
        "elsewhere": elsewhere,
        "resolved": sum(map(is_wanted, result.resolved)),
        "drafts": len(drafts),
    }
    cut = page.cut(added)
    return ToolAnswer(counts, _make_finding_rows(result.held, cut.rows), cut, ("findings",))


def _make_finding_row(vault: Vault, item: Diagnostic) -> dict[str, Any]:
    """Return a finding with its suggestions, and its safe fix as a new text."""
    row: dict[str, Any] = {
        "path": item.path,
        "line": item.line,
        "column": item.column,
        "rule": item.rule,
        "severity": item.severity,
        "message": item.message,
    }
    if item.target is not None:
        row["target"] = item.target
        suggested = make_suggester(vault, [item])(item)
        row["suggestions"] = [_make_suggestion_row(other) for other in suggested[:3]]
    fix = vault.fixer.lookup([item])(item)
    if fix is not None and fix.safety is Safety.SAFE:
        row["fix"] = _make_fix_row(vault, item, fix)
    return row


def _make_suggestion_row(item: Suggestion) -> dict[str, str]:
    row = {"path": item.path, "reason": item.reason}
    return row if item.subpath is None else {**row, "subpath": item.subpath}


_MAX_REPLACED = 400
"""Characters of a replaced text that includes what the finding is about."""


def _make_fix_row(vault: Vault, item: Diagnostic, fix: Fix) -> dict[str, Any]:
    """Return a fix as a text and its replacement, if its edits are near in one note."""
    edits = sorted(fix.edits, key=lambda edit: edit.start)
    if any(edit.path != item.path for edit in edits):
        return {"title": fix.title}
    start, end = edits[0].start, max(edit.end for edit in edits)
    wide = min(start, item.start), max(end, item.end)
    if wide[1] - wide[0] <= _MAX_REPLACED:
        start, end = wide
    text = vault.text(item.path)
    row: dict[str, Any] = {"title": fix.title}
    if start != item.start:
        row["line"] = text.count("\n", 0, start) + 1
        row["column"] = start - text.rfind("\n", 0, start)
    return {**row, "old": text[start:end], "new": _apply_edits(text, start, end, edits)}


def _apply_edits(text: str, start: int, end: int, edits: Sequence[Edit]) -> str:
    parts, at = [], start
    for edit in edits:
        parts += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*parts, text[at:end]])


# -- `resolve`: what names mean before they are written --------------------------------------------

_ADVICE = "nothing: write plain text or create it"
_MAX_LIKELY = 3


def resolve_names(
    vault: Vault, page: Page, names: Sequence[str], source: str | None = None
) -> ToolAnswer:
    """Say for each name which file a link with it leads to, or which ones it may mean."""
    start = "" if source is None else check_name(source)
    if start and not (is_source_file(start) and is_vault_path(start)):
        start = _find_note(vault, start)  # else the note with the links need not exist
    rows = [_resolve_name(vault, name, start) for name in names]
    counts = {
        "names": len(rows),
        "resolved": sum(row["path"] is not None and "missing" not in row for row in rows),
        "ambiguous": sum("also" in row for row in rows),
        "likely": sum(bool(row.get("likely")) for row in rows),
        "nothing": sum("advice" in row for row in rows),
    }
    cut = page.cut(rows)
    return ToolAnswer(counts, (("names", row) for row in cut.rows), cut, ("names",))


def _resolve_name(vault: Vault, name: str, source: str) -> dict[str, Any]:
    index = vault.index
    word = unwrap_link(check_name(name), index).partition("|")[0].strip()
    target, sign, subpath = ("", "", "") if not word else word.partition("#")
    if word in index.files or f"{word}.md" in index.files:
        target, sign, subpath = word, "", ""
    target = target.strip()
    path, others = resolve_with_alternatives(source, target, index.names)
    row: dict[str, Any] = {"name": name, "path": path or None}
    if path and others:
        row["also"] = sorted(others)
    if path and subpath.strip():
        return {**row, **_resolve_part(vault, path, f"{sign}{subpath}")}
    if path:
        return row
    likely = _list_likely(vault, target, source)
    if wanted := len(index.unresolved_sources.get(target, ())):
        row["wanted_by"] = wanted
    return {**row, "likely": likely, **({} if likely else {"advice": _ADVICE})}


def _resolve_part(vault: Vault, path: str, subpath: str) -> dict[str, Any]:
    """Return the line of a heading or block of a note, or those that may be meant."""
    note = vault.index.notes.get(path)
    if note is None:
        return {"missing": subpath, "likely": [], "advice": _ADVICE}
    if anchor := find_anchor(note, subpath):
        return {"line": anchor.line}
    likely = [_make_suggestion_row(item) for item in suggest_anchors(path, note, subpath)]
    return {"missing": subpath, "likely": likely, **({} if likely else {"advice": _ADVICE})}


def _list_likely(vault: Vault, target: str, source: str) -> list[dict[str, str]]:
    """Return the notes that a name may mean: suggestions, then names that contain it."""
    found = {item.path: _make_suggestion_row(item) for item in vault.suggest(target)}
    if len(found) < _MAX_LIKELY:
        key = fold_title(target)
        for name in vault.find_names(target.removesuffix(".md"), 2 * _MAX_LIKELY):
            is_same = fold_title(name.text) == key
            if name.kind in (SearchedKind.NOTE, SearchedKind.TITLE, SearchedKind.ALIAS):
                reason = str(name.kind) if is_same else f"{name.kind} {quote_name(name.text)}"
                found.setdefault(name.path, {"path": name.path, "reason": reason})
            elif name.kind is SearchedKind.HEADING and is_same:
                row = {"path": name.path, "reason": "heading", "subpath": f"#{name.text}"}
                found.setdefault(name.path, row)
    found.pop(source, None)
    return list(found.values())[:_MAX_LIKELY]


# -- `note`: what a note contains, and what links to it --------------------------------------------

PARTS = ("properties", "aliases", "tags", "headings", "blocks", "links", "backlinks")
"""The parts of an answer about a note."""


def describe_note(
    vault: Vault, page: Page, note: str, parts: Sequence[str] | None = None
) -> ToolAnswer:
    """List the parts of a note: what it contains, and the links to it."""
    path = _find_note(vault, note)
    lists = _list_parts(vault, path)
    counts = {name: len(rows) for name, rows in lists.items()}
    wanted = [name for name in PARTS if name in lists and (parts is None or name in parts)]
    rows = chain.from_iterable(
        ((name, row) for row in _render_rows(vault, path, name, lists[name])) for name in wanted
    )
    cut = page.cut(rows)
    return ToolAnswer(counts, cut.rows, cut, tuple(wanted), {"note": path})


def _list_parts(vault: Vault, path: str) -> dict[str, Sequence[Any]]:
    backlinks = vault.index.sources_of(path)
    note = vault.index.notes.get(path)
    if note is None:
        return {"backlinks": backlinks}
    return {
        "properties": note.properties or (),
        "aliases": note.aliases,
        "tags": note.tags,
        "headings": note.headings,
        "blocks": note.blocks,
        "links": note.links,
        "backlinks": backlinks,
    }


def _render_rows(vault: Vault, path: str, part: str, rows: Sequence[Any]) -> Iterator[Any]:
    if part == "links":
        return map(_make_link_row, link_rows(vault.index, [path]))
    if part == "backlinks":
        return (_make_backlink_row(vault, source, path) for source in rows)
    return map(_ROWS[part], rows)


_ROWS: dict[str, Callable[[Any], Any]] = {
    "properties": lambda item: {"key": item.key, "value": item.value},
    "aliases": str,
    "tags": lambda item: {"tag": item.name, "line": item.line},
    "headings": lambda item: {"level": item.level, "text": item.text, "line": item.line},
    "blocks": lambda item: {"id": item.id, "line": item.line},
}


def _make_link_row(row: LinkRow) -> dict[str, Any]:
    found: dict[str, Any] = {"line": row.line, "link": row.raw}
    if row.status != "external":
        found["path"] = row.resolved
    if row.status == "ambiguous":
        found["ambiguous"] = True
    if row.anchor == "missing":
        found["missing"] = row.subpath
    return found


def _make_backlink_row(vault: Vault, source: str, path: str) -> dict[str, Any]:
    links = vault.index.resolved_links(source)
    return {
        "path": source,
        "lines": sorted({link.line for link, resolved in links if resolved == path}),
    }


# -- `unresolved` and `related` --------------------------------------------------------------------


def list_unresolved_topics(vault: Vault, page: Page, folder: str | None = None) -> ToolAnswer:
    """List what unresolved links name: mistakes first, then planned notes."""
    state = vault.state
    if folder is None:
        topics = recall(vault, _sort_topics)
    else:
        topics = _sort_topics(vault, _select_folder(vault, folder))
    planned = sum(topic.is_planned for topic in topics)
    counts = {
        "mistakes": len(topics) - planned,
        "planned": planned,
        "links": sum(len(topic.findings) for topic in topics),
    }
    former, vaults = FormerTargets(state), state.settings.obsidian.vaults
    cut = page.cut(topics, _TOPICS)
    rows = (
        ("topics", _make_topic_row(topic_row(former.describe(topic), vault.suggest, vaults)))
        for topic in cut.rows
    )
    return ToolAnswer(counts, rows, cut, ("topics",))


_TOPICS: Order[Topic] = Order(
    (int, int, str), lambda topic: (int(topic.is_planned), -len(topic.findings), topic.name)
)


def _sort_topics(vault: Vault, wanted: Callable[[str], bool] = is_any_path) -> list[Topic]:
    """Return the topics in wanted paths, mistakes first."""
    topics = list_reported_topics(vault.state, wanted)
    return sorted(topics, key=lambda topic: topic.is_planned)


def _select_folder(vault: Vault, folder: str) -> Callable[[str], bool]:
    found = find_folder(vault.index, check_name(folder).removeprefix("./"))
    if found is None:
        raise UsageError(
            f"there is no folder {quote_name(folder)} in this vault. "
            "A folder is named by its path, as in `Projects/2026`."
        )
    return make_path_filter([found])


def _make_topic_row(row: DanglingTopicRow) -> dict[str, Any]:
    first = row.sources[0]
    found: dict[str, Any] = {
        "topic": row.topic,
        "kind": row.kind,
        "links": row.count,
        "notes": len({source.path for source in row.sources}),
        "first": f"{first.path}:{first.line}",
    }
    if row.suggestions:
        found["suggestions"] = [
            {"path": item.path, "reason": item.reason} for item in row.suggestions[:3]
        ]
    return {**found, "cause": row.cause} if row.cause else found


def list_related(vault: Vault, page: Page, note: str) -> ToolAnswer:
    """List the notes most related to a note that it does not link to yet."""
    path = _find_note(vault, note)
    found = vault.related(path, 50)
    cut = page.cut(found)
    rows = (
        (
            "related",
            {"path": item.path, "score": round(item.score, 2), "why": item.why}
            | ({"twin": True} if item.twin else {}),
        )
        for item in cut.rows
    )
    return ToolAnswer({"related": len(found)}, rows, cut, ("related",), {"note": path})


# -- `mentions` ------------------------------------------------------------------------------------


def list_mentions(
    vault: Vault, page: Page, note: str | None = None, to: str | None = None
) -> ToolAnswer:
    """List where notes name others without a link: in a note, of one, or all."""
    targets = None if to is None else frozenset([_find_note(vault, to)])
    paths = sorted(vault.index.notes) if note is None else [_find_note(vault, note)]
    if note is None:
        require_library()
    if note is None and to is None:
        found = [*recall(vault, _find_in_vault)]
    else:
        found = recall(vault, _make_search).find(
            (path for path in paths if path in vault.index.notes), targets
        )
    found.sort(key=_MENTIONS.get_place)
    counts = {
        "mentions": len(found),
        "certain": sum(item.certain for item in found),
        "notes": len({item.path for item in found}),
    }
    cut = page.cut(found, _MENTIONS)
    rows = (("mentions", _make_mention_row(item)) for item in cut.rows)
    return ToolAnswer(counts, rows, cut, ("mentions",))


_MENTIONS: Order[Mention] = Order(
    (float, str, int), lambda item: (-float(item.score), item.path, item.start)
)

_MAX_TEXTS = 64
"""Texts that a search keeps. Those of all notes would take as much memory as the vault."""


def _find_in_vault(vault: Vault) -> list[Mention]:
    options = build_mention_options(vault.config.mentions)
    return find_vault_mentions(vault.fixer, options).mentions


def _make_search(vault: Vault) -> MentionSearch:
    options = build_mention_options(vault.config.mentions)
    return MentionSearch(vault.state, lru_cache(_MAX_TEXTS)(vault.text), options)


def _make_mention_row(item: Mention) -> dict[str, Any]:
    row: dict[str, Any] = {
        "path": item.path,
        "line": item.line,
        "column": item.column,
        "words": item.words,
        "target": item.target,
        "score": item.score,
        "certain": item.certain,
    }
    return {**row, "also": list(item.others)} if item.others else row
