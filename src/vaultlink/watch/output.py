"""Output of batches: text for people, and JSON rows for programs."""

import time
from collections.abc import Collection, Mapping, Sequence

import msgspec

from vaultlink import __version__
from vaultlink.index.resolve import file_name, is_note, normalize_name, parent_folder
from vaultlink.model import Diagnostic
from vaultlink.report.changed_lines import (
    FixedRow,
    count_fixed_by_rule,
    describe_fixed,
    fixed_row,
    skipped_rows,
)
from vaultlink.report.concise import render_concise
from vaultlink.report.json_document import SCHEMA_VERSION, FindingRow, finding_rows
from vaultlink.report.layout import (
    PLAIN,
    Palette,
    display_width,
    escape_controls,
    format_count,
    truncate,
)
from vaultlink.text import group_by
from vaultlink.watch.messages import Batch, BatchCause, ReportedFinding, VaultTotals


class MovedRow(msgspec.Struct, frozen=True, rename={"old": "from", "new": "to"}):
    """A moved file or folder.

    Attributes:
        old: Its vault path before.
        new: Its vault path afterwards.
    """

    old: str
    new: str


class BatchRow(msgspec.Struct, frozen=True):
    """A batch as JSON, printed after the rows of its findings.

    Attributes:
        event: `state` for the vault as found at the start, then `batch`.
        schema: Version of the JSON; it changes if a key is removed or changes its meaning.
        version: Version of vaultlink.
        vault: Absolute path of the vault.
        batch: Number of the batch; 0 for the state at the start.
        time: Local time with its offset from UTC, as in ISO 8601.
        cause: What changed, as a phrase for people.
        saved: Vault paths of the files whose text changed.
        created: Vault paths of new files.
        deleted: Vault paths of deleted files.
        moved: Files that were moved. They are in no other list.
        new: Number of new findings. Each has a row before this one.
        healed: Number of resolved findings. Each has a row before this one.
        summary: The numbers of the vault after the batch. They are `notes`, `attachments`, `links`,
            `resolved`, `dangling`, `ambiguous`, `external`, `topics` (unresolved topics), of these
            `mistakes` and `planned` as in `status`, and `findings`.
        fixed: The fixes of the batch; None if the watcher fixed nothing.
    """

    event: str
    schema: int
    version: str
    vault: str
    batch: int
    time: str
    cause: str
    saved: tuple[str, ...]
    created: tuple[str, ...]
    deleted: tuple[str, ...]
    moved: tuple[MovedRow, ...]
    new: int
    healed: int
    summary: dict[str, int]
    fixed: FixedRow | None


class WatchFindingRow(FindingRow, frozen=True, gc=False):
    """A finding of a batch as JSON: the row of `vaultlink check` and two more keys.

    Attributes:
        event: `new`, or `healed` for a resolved finding, which has no suggestions and no fix.
        batch: Number of the batch that the finding is part of; 0 for findings at the start.
    """

    event: str
    batch: int


def make_batch_row(batch: Batch) -> BatchRow:
    cause, fixed, totals, row = batch.cause, batch.applied_fixes, batch.totals(), None
    if fixed is not None:
        row = fixed_row(fixed.fixes, fixed.written, fixed.run_id, skipped_rows(fixed.skipped))
    return BatchRow(
        "batch" if batch.number else "state",
        SCHEMA_VERSION,
        __version__,
        str(batch.vault.root),
        batch.number,
        _format_time(batch.time_ns),
        _describe_batch(batch),
        cause.saved,
        cause.created,
        cause.deleted,
        tuple([MovedRow(old, new) for old, new in cause.moved]),
        len(batch.new),
        len(batch.resolved),
        {
            "notes": totals.notes,
            "attachments": totals.attachments,
            **msgspec.structs.asdict(totals.links),
            "topics": totals.dangling_topics,
            "mistakes": totals.mistakes,
            "planned": totals.dangling_topics - totals.mistakes,
            "findings": totals.findings,
        },
        row,
    )


def make_watch_rows(event: str, number: int, rows: Sequence[FindingRow]) -> list[WatchFindingRow]:
    return [
        WatchFindingRow(**msgspec.structs.asdict(row), event=event, batch=number) for row in rows
    ]


def make_resolved_rows(reported: Sequence[ReportedFinding]) -> list[FindingRow]:
    return finding_rows(
        [item for item, _ in reported],
        lambda _path: "",
        lambda _finding: (),
        lambda _finding: None,
        fingerprints=[fingerprint for _, fingerprint in reported],
    )


def _format_time(nanoseconds: int) -> str:
    seconds, remainder = divmod(nanoseconds, 10**9)
    local = time.localtime(seconds)
    zone = time.strftime("%z", local)
    return (
        f"{time.strftime('%Y-%m-%dT%H:%M:%S', local)}.{remainder // 10**6:03}{zone[:3]}:{zone[3:]}"
    )


# -- text -------------------------------------------------------------------------------------


def format_headline(batch: Batch) -> str:
    counts = [
        f"{len(findings):,} {noun}"
        for findings, noun in ((batch.new, "new"), (batch.resolved, "resolved"))
        if findings
    ]
    clock = time.strftime("%H:%M:%S", time.localtime(batch.time_ns // 10**9))
    return f"{clock} {_describe_batch(batch)}" + (f": {', '.join(counts)}" if counts else "")


def format_batch(batch: Batch, palette: Palette = PLAIN) -> str:
    """Return a batch as text: a headline, new findings (+) and resolved findings (-)."""
    p = palette
    lines = [f"{p.bold}{format_headline(batch)}{p.reset}"]
    lines += _format_findings("+", p.red, batch.new, p)
    lines += _format_findings("-", p.green, batch.resolved, p)
    return "\n".join(lines) + "\n"


def format_resolved(batch: Batch, palette: Palette = PLAIN) -> str:
    return "".join(
        line + "\n" for line in _format_findings("-", palette.green, batch.resolved, palette)
    )


def _format_findings(
    sign: str, color: str, reported: Sequence[ReportedFinding], p: Palette
) -> list[str]:
    lines = render_concise([diagnostic for diagnostic, _ in reported], p).splitlines()
    return [f"{color}{sign}{p.reset} {line}" for line in lines]


def format_status(totals: VaultTotals, last_headline: str, width: int) -> str:
    """Return the status line: the figures of the vault, and the last batch.

    What does not fit in `width` columns is left out: first the cause of the last batch, which is
    printed above, then the figures that change least.
    """
    findings = format_count(totals.findings, "finding")
    topics = f"{totals.dangling_topics:,} unresolved"
    notes = format_count(totals.notes, "note")
    links = format_count(totals.links.links, "link")
    clock = last_headline.partition(" ")[0]
    for parts in (
        (notes, links, topics, findings, last_headline),
        (notes, links, topics, findings, clock),
        (topics, findings, clock),
        (topics, findings),
    ):
        line = " · ".join(filter(None, parts))
        if display_width(line) <= width:
            return line
    return truncate(findings, width)


def _describe_batch(batch: Batch) -> str:
    fixed = batch.applied_fixes
    if fixed:
        sentence = describe_fixed(count_fixed_by_rule(fixed.fixes), len(fixed.written))
        return sentence.rstrip(".").lower()
    return describe_cause(batch.cause) if batch.number else "as found"


def describe_cause(cause: BatchCause) -> str:
    if cause.description:
        return cause.description
    groups: Mapping[str, Sequence[str]] = {
        "saved": cause.saved,
        "created": cause.created,
        "deleted": cause.deleted,
    }
    if len(cause.moved) == 1 and not any(groups.values()):
        return _describe_move(*cause.moved[0])
    changed = [(verb, paths) for verb, paths in groups.items() if paths]
    if len(changed) == 1 and not cause.moved and len(changed[0][1]) == 1:
        return f"{escape_controls(changed[0][1][0])} {changed[0][0]}"
    parts = [f"{_count_files(paths)} {verb}" for verb, paths in changed]
    parts += [f"{_count_files([new for _, new in cause.moved])} moved"] if cause.moved else []
    return ", ".join(parts) or "nothing"


def _describe_move(old: str, new: str) -> str:
    if parent_folder(old) == parent_folder(new):
        return f"{escape_controls(old)} renamed to {escape_controls(file_name(new))}"
    return f"{escape_controls(old)} moved to {escape_controls(new)}"


def _count_files(paths: Sequence[str]) -> str:
    return format_count(len(paths), "note" if all(map(is_note, paths)) else "file")


# -- the findings of a batch for a terminal: one line for each cause -------------------------------

_MAX_LINES = 20
"""Causes of a batch that have a line, so that the batch fits on a screen."""


def format_batch_causes(batch: Batch, palette: Palette = PLAIN) -> str:
    """Return a headline, and a line for each new (+) and resolved (-) cause."""
    p, moved = palette, None
    if batch.applied_fixes:
        moves = batch.vault.state.settings.history.moves
        moved = {_name_target(file_name(path)) for path in moves}
    lines = [f"{p.red}+{p.reset} {line}" for line in _format_causes(batch.new, p, None)]
    lines += [f"{p.green}-{p.reset} {line}" for line in _format_causes(batch.resolved, p, moved)]
    rest = len(lines) - _MAX_LINES
    if rest > 1:
        lines[_MAX_LINES:] = [f"  … {rest:,} more causes; --verbose shows them all"]
    return "\n".join([f"{p.bold}{format_headline(batch)}{p.reset}", *lines, ""])


def _format_causes(
    reported: Sequence[ReportedFinding], palette: Palette, moved: Collection[str] | None
) -> list[str]:
    groups = group_by([item for item, _ in reported], _get_cause).values()
    ranked = sorted(groups, key=lambda group: -len(group))
    return [_format_cause(group, palette, moved) for group in ranked]


def _get_cause(item: Diagnostic) -> tuple[str, str]:
    """Return the rule and target of a finding; without a target, only the rule."""
    return item.code, _name_target(item.target or "") + (item.subpath or "")


def _name_target(target: str) -> str:
    return normalize_name(target).removesuffix(".md")


def _format_cause(
    group: Sequence[Diagnostic], palette: Palette, moved: Collection[str] | None
) -> str:
    """Return the line of a cause; `moved` are names of moved files if it was fixed."""
    first, p = group[0], palette
    if len(group) == 1:
        return render_concise(group, p).rstrip("\n")
    noun = "link" if first.target is not None else "finding"
    notes = format_count(len({item.path for item in group}), "note")
    count = f"{format_count(len(group), noun)} in {notes}"
    if moved is not None:
        was_moved = _name_target(file_name(first.target or "")) in moved
        count += " named the old place; followed" if was_moved else " fixed"
    same = all(item.message == first.message for item in group)
    message = first.message if same else f"for example: {first.message}"
    return f"{p.bold}{count}{p.reset}: {first.code} {first.rule} {escape_controls(message)}"


# -- the closing line of a watcher: what changed, what was fixed, and what remains -----------------


class SessionSummary:
    def __init__(self) -> None:
        self._changes = self._fixed = self._found_first = self._found = 0
        self._changed_paths: set[str] = set()
        self._fixed_paths: set[str] = set()
        self._run_count = 0

    def record(self, batch: Batch) -> None:
        self._found += len(batch.new) - len(batch.resolved)
        if batch.number == 0:
            self._found_first = self._found
        elif batch.applied_fixes:
            self._fixed += len(batch.applied_fixes.fixes)
            self._fixed_paths.update(batch.applied_fixes.written)
            self._run_count += batch.applied_fixes.run_id is not None
        else:
            cause = batch.cause
            self._changes += 1
            self._changed_paths.update(cause.saved, cause.created, cause.deleted)
            self._changed_paths.update(new for _, new in cause.moved)

    def describe(self) -> str:
        parts = [f"{format_count(self._changes, 'change')} seen"]
        if self._changed_paths:
            parts[0] += f" in {format_count(len(self._changed_paths), 'file')}"
        parts.append(f"{format_count(self._found, 'finding')} now{self._describe_difference()}")
        if self._fixed:
            notes = format_count(len(self._fixed_paths), "note")
            parts.append(f"fixed {format_count(self._fixed, 'finding')} in {notes}")
        return f"Stopped: {', '.join(parts)}.{self._describe_undo()}"

    def _describe_difference(self) -> str:
        more = self._found - self._found_first
        if not more:
            return ""
        return f" ({abs(more):,} {'more' if more > 0 else 'fewer'} than at the start)"

    def _describe_undo(self) -> str:
        if not self._run_count:
            return ""
        if self._run_count == 1:
            return " `vaultlink undo` reverts the fixes."
        runs = format_count(self._run_count, "run")
        return (
            f" `vaultlink undo` reverts the last of {runs}; `vaultlink undo --list` lists them all."
        )
