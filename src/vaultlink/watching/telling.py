"""Batches for people and programs: lines of text, and rows of JSON, one a line.

Batches enter, strings and rows leave.
"""

import time
from collections.abc import Mapping, Sequence

import msgspec

from vaultlink import __version__
from vaultlink.report.documents import SCHEMA
from vaultlink.report.findings import concise
from vaultlink.report.layout import PLAIN, Palette, clean, number
from vaultlink.report.records import FindingRow
from vaultlink.report.repairs import FixedRow, counted, fixed_row, fixed_sentence, left_rows
from vaultlink.resolve import is_note
from vaultlink.watching.batch import Batch, Cause, Reported, Totals


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


class WatchedRow(FindingRow, frozen=True, gc=False):
    """A finding as the contract has it, and what became of it: it is `new`, or `healed`; and in which batch."""

    event: str
    batch: int


def batch_row(batch: Batch) -> BatchRow:
    """A batch as data."""
    cause, fixed = batch.cause, batch.fixed
    row = (
        None
        if fixed is None
        else fixed_row(fixed.made, fixed.written, fixed.run, left_rows(fixed.refused))
    )
    return BatchRow(
        "batch" if batch.number else "state",
        SCHEMA,
        __version__,
        str(batch.vault.root),
        batch.number,
        _moment(batch.time),
        _words(batch),
        cause.saved,
        cause.created,
        cause.deleted,
        tuple([MovedRow(old, new) for old, new in cause.moved]),
        len(batch.new),
        len(batch.healed),
        _summary(batch.totals()),
        row,
    )


def watched_rows(event: str, number: int, rows: Sequence[FindingRow]) -> list[WatchedRow]:
    """Findings that are new, or healed, in a batch."""
    return [WatchedRow(**msgspec.structs.asdict(row), event=event, batch=number) for row in rows]


def healed_rows(reported: Sequence[Reported]) -> list[FindingRow]:
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


def _summary(totals: Totals) -> dict[str, int]:
    return {
        "notes": totals.notes,
        "attachments": totals.attachments,
        **msgspec.structs.asdict(totals.links),
        "topics": totals.topics,
        "findings": totals.findings,
    }


def _moment(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    here = time.localtime(seconds)
    zone = time.strftime("%z", here)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', here)}.{rest // 10**6:03}{zone[:3]}:{zone[3:]}"


# -- for people -----------------------------------------------------------------------------------------------------


def headline(batch: Batch) -> str:
    """When a batch was, what brought it about, and what came of it, on one line."""
    came = [
        f"{len(found):,} {what}"
        for found, what in ((batch.new, "new"), (batch.healed, "healed"))
        if found
    ]
    clock = time.strftime("%H:%M:%S", time.localtime(batch.time // 10**9))
    return f"{clock} {_words(batch)}" + (f": {', '.join(came)}" if came else "")


def batch_lines(batch: Batch, palette: Palette = PLAIN) -> str:
    """A batch as text: a headline, then a line for each finding that is new (+) or healed (-)."""
    p = palette
    lines = [f"{p.bold}{headline(batch)}{p.off}"]
    lines += _signed("+", p.red, batch.new, p)
    lines += _signed("-", p.green, batch.healed, p)
    return "\n".join(lines) + "\n"


def healed_lines(batch: Batch, palette: Palette = PLAIN) -> str:
    """A line for each finding that is healed."""
    return "".join(line + "\n" for line in _signed("-", palette.green, batch.healed, palette))


def _signed(sign: str, hue: str, reported: Sequence[Reported], p: Palette) -> list[str]:
    lines = concise([diagnostic for diagnostic, _ in reported], p).splitlines()
    return [f"{hue}{sign}{p.off} {line}" for line in lines]


def status(totals: Totals, last: str) -> str:
    """The vault in figures, and what happened last, on one line."""
    figures = [
        number(totals.notes, "note"),
        number(totals.links.links, "link"),
        number(totals.topics, "dangling topic"),
        number(totals.findings, "finding"),
    ]
    return " · ".join([*figures, last] if last else figures)


def _words(batch: Batch) -> str:
    """What brought a batch about."""
    if batch.fixed:
        return (
            fixed_sentence(counted(batch.fixed.made), len(batch.fixed.written)).rstrip(".").lower()
        )
    return cause_words(batch.cause) if batch.number else "as found"


def cause_words(cause: Cause) -> str:
    """A cause in words: a single file by its name, several by their number."""
    if cause.words:
        return cause.words
    groups: Mapping[str, Sequence[str]] = {
        "saved": cause.saved,
        "created": cause.created,
        "deleted": cause.deleted,
    }
    if len(cause.moved) == 1 and not any(groups.values()):
        return _moved(*cause.moved[0])
    told = [(verb, paths) for verb, paths in groups.items() if paths]
    if len(told) == 1 and not cause.moved and len(told[0][1]) == 1:
        return f"{clean(told[0][1][0])} {told[0][0]}"
    parts = [f"{_counted(paths)} {verb}" for verb, paths in told]
    parts += [f"{_counted([new for _, new in cause.moved])} moved"] if cause.moved else []
    return ", ".join(parts) or "nothing"


def _moved(old: str, new: str) -> str:
    stays = old.rpartition("/")[0] == new.rpartition("/")[0]
    return (
        f"{clean(old)} renamed to {clean(new.rpartition('/')[2])}"
        if stays
        else f"{clean(old)} moved to {clean(new)}"
    )


def _counted(paths: Sequence[str]) -> str:
    return number(len(paths), "note" if all(map(is_note, paths)) else "file")
