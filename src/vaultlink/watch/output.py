"""Batches for people and programs: lines of text, and rows of JSON, one a line.

Batches enter, strings and rows leave.
"""

import time
from collections.abc import Mapping, Sequence

import msgspec

from vaultlink import __version__
from vaultlink.index.resolve import is_note
from vaultlink.report.concise import render_concise
from vaultlink.report.finding_rows import FindingRow
from vaultlink.report.fix_summary import (
    FixedRow,
    count_fixed_by_rule,
    describe_fixed,
    fixed_row,
    skipped_rows,
)
from vaultlink.report.json_document import SCHEMA_VERSION
from vaultlink.report.layout import PLAIN, Palette, escape_controls, format_count
from vaultlink.watch.messages import Batch, BatchCause, ReportedFinding, VaultTotals


class MovedRow(msgspec.Struct, frozen=True, rename={"old": "from", "new": "to"}):
    """A file that went elsewhere."""

    old: str
    new: str


class BatchRow(msgspec.Struct, frozen=True):
    """A batch as data, which comes behind the rows of its findings; `new` and `healed` are their numbers. `time` is local, with
    its offset from UTC."""

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
    """A finding as the contract has it, and what became of it: it is `new`, or `healed`; and in which batch."""

    event: str
    batch: int


def make_batch_row(batch: Batch) -> BatchRow:
    """A batch as data."""
    cause, fixed = batch.cause, batch.applied_fixes
    row = (
        None
        if fixed is None
        else fixed_row(fixed.fixes, fixed.written, fixed.run_id, skipped_rows(fixed.skipped))
    )
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
        _build_summary(batch.totals()),
        row,
    )


def make_watch_rows(event: str, number: int, rows: Sequence[FindingRow]) -> list[WatchFindingRow]:
    """Findings that are new, or healed, in a batch."""
    return [
        WatchFindingRow(**msgspec.structs.asdict(row), event=event, batch=number) for row in rows
    ]


def make_resolved_rows(reported: Sequence[ReportedFinding]) -> list[FindingRow]:
    """Findings that are no more, as they were: without what could be done about them."""
    return [
        FindingRow(
            d.code,
            d.rule,
            d.severity,
            d.path,
            d.line,
            d.column,
            d.end_line,
            d.end_column,
            d.message,
            d.target,
            (),
            None,
            mark,
        )
        for d, mark in reported
    ]


def _build_summary(totals: VaultTotals) -> dict[str, int]:
    return {
        "notes": totals.notes,
        "attachments": totals.attachments,
        **msgspec.structs.asdict(totals.links),
        "topics": totals.dangling_topics,
        "findings": totals.findings,
    }


def _format_time(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    here = time.localtime(seconds)
    zone = time.strftime("%z", here)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', here)}.{rest // 10**6:03}{zone[:3]}:{zone[3:]}"


# -- for people -----------------------------------------------------------------------------------------------------


def format_headline(batch: Batch) -> str:
    """When a batch was, what brought it about, and what came of it, on one line."""
    came = [
        f"{len(found):,} {what}"
        for found, what in ((batch.new, "new"), (batch.resolved, "healed"))
        if found
    ]
    clock = time.strftime("%H:%M:%S", time.localtime(batch.time_ns // 10**9))
    return f"{clock} {_describe_batch(batch)}" + (f": {', '.join(came)}" if came else "")


def format_batch(batch: Batch, palette: Palette = PLAIN) -> str:
    """A batch as text: a headline, then a line for each finding that is new (+) or healed (-)."""
    p = palette
    lines = [f"{p.bold}{format_headline(batch)}{p.reset}"]
    lines += _format_findings("+", p.red, batch.new, p)
    lines += _format_findings("-", p.green, batch.resolved, p)
    return "\n".join(lines) + "\n"


def format_resolved(batch: Batch, palette: Palette = PLAIN) -> str:
    """A line for each finding that is healed."""
    return "".join(
        line + "\n" for line in _format_findings("-", palette.green, batch.resolved, palette)
    )


def _format_findings(
    sign: str, hue: str, reported: Sequence[ReportedFinding], p: Palette
) -> list[str]:
    lines = render_concise([diagnostic for diagnostic, _ in reported], p).splitlines()
    return [f"{hue}{sign}{p.reset} {line}" for line in lines]


def format_status(totals: VaultTotals, last: str) -> str:
    """The vault in figures, and what happened last, on one line."""
    figures = [
        format_count(totals.notes, "note"),
        format_count(totals.links.links, "link"),
        format_count(totals.dangling_topics, "dangling topic"),
        format_count(totals.findings, "finding"),
    ]
    return " · ".join([*figures, last] if last else figures)


def _describe_batch(batch: Batch) -> str:
    """What brought a batch about."""
    if batch.applied_fixes:
        return (
            describe_fixed(
                count_fixed_by_rule(batch.applied_fixes.fixes), len(batch.applied_fixes.written)
            )
            .rstrip(".")
            .lower()
        )
    return describe_cause(batch.cause) if batch.number else "as found"


def describe_cause(cause: BatchCause) -> str:
    """A cause in words: a single file by its name, several by their number."""
    if cause.description:
        return cause.description
    groups: Mapping[str, Sequence[str]] = {
        "saved": cause.saved,
        "created": cause.created,
        "deleted": cause.deleted,
    }
    if len(cause.moved) == 1 and not any(groups.values()):
        return _describe_move(*cause.moved[0])
    told = [(verb, paths) for verb, paths in groups.items() if paths]
    if len(told) == 1 and not cause.moved and len(told[0][1]) == 1:
        return f"{escape_controls(told[0][1][0])} {told[0][0]}"
    parts = [f"{_count_files(paths)} {verb}" for verb, paths in told]
    parts += [f"{_count_files([new for _, new in cause.moved])} moved"] if cause.moved else []
    return ", ".join(parts) or "nothing"


def _describe_move(old: str, new: str) -> str:
    stays = old.rpartition("/")[0] == new.rpartition("/")[0]
    return (
        f"{escape_controls(old)} renamed to {escape_controls(new.rpartition('/')[2])}"
        if stays
        else f"{escape_controls(old)} moved to {escape_controls(new)}"
    )


def _count_files(paths: Sequence[str]) -> str:
    return format_count(len(paths), "note" if all(map(is_note, paths)) else "file")
