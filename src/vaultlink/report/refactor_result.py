"""Describe a refactoring: the sentences of its summary, and its JSON document."""

from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from vaultlink.index.index import Index
from vaultlink.index.resolve import is_note
from vaultlink.model import Edit, SkippedNote
from vaultlink.refactor.plan import CapturedLink, OtherMention, RefactorPlan, Rename, RenameKind
from vaultlink.report.finding_rows import ByteOffsets, edit_rows
from vaultlink.report.fix_summary import skipped_rows
from vaultlink.report.json_document import encode_document
from vaultlink.report.layout import escape_controls, format_count

_MAX_LISTED = 10
"""Captured links and mentions that are listed without --verbose."""

EncodeText = Callable[[str, str], bytes]
"""Returns the bytes of a text, with the byte order mark that the file at a path has."""


class RefactorSummary(msgspec.Struct, frozen=True):
    """The numbers of a refactoring.

    `links` are edited in `linking` files, and `places` outside links in `notes` files.
    """

    links: int = 0
    linking: int = 0
    places: int = 0
    notes: int = 0


class FileRow(msgspec.Struct, frozen=True, rename={"source": "from", "target": "to"}):
    """A file that is renamed or removed.

    Attributes:
        source: Its vault path before the run.
        target: Its vault path after the run; None if the file is removed.
    """

    source: str
    target: str | None


def summarize_refactor(plan: RefactorPlan, index: Index) -> RefactorSummary:
    """Count the links, other places and files that a plan edits."""
    has_only_tags = all(item.kind is RenameKind.TAG for item in plan.renames)
    links = linking = places = notes = 0
    for path, edits in plan.edits.items():
        note = index.notes.get(path)
        if note is None or not is_note(path):  # edits of a canvas are outside its links' spans
            found, others = (0, len(edits)) if has_only_tags else (len(edits), 0)
        else:
            found, others = _count_places([(link.start, link.end) for link in note.links], edits)
        links, linking = links + found, linking + bool(found)
        places, notes = places + others, notes + bool(others)
    return RefactorSummary(links, linking, places, notes)


def _count_places(spans: Sequence[tuple[int, int]], edits: Sequence[Edit]) -> tuple[int, int]:
    """Return the number of spans with an edit, and of edits outside them."""
    ordered = sorted(spans)
    edited, others, number = set(), 0, 0
    for edit in sorted(edits, key=lambda item: item.start):
        while number < len(ordered) and ordered[number][1] < edit.end:
            number += 1
        if number < len(ordered) and ordered[number][0] <= edit.start:
            edited.add(number)
        else:
            others += 1
    return len(edited), others


def describe_refactor(plan: RefactorPlan, index: Index, *, would: bool = False) -> str:
    """Return a sentence with what is renamed, and the number of links that follow."""
    verb, subject = _describe_renames(plan)
    start = f"Would {verb.lower()}" if would else _PAST[verb]
    return f"{start} {subject}{_describe_numbers(plan, summarize_refactor(plan, index))}"


_PAST = {
    "Rename": "Renamed",
    "Move": "Moved",
    "Make": "Made",
    "Extract": "Extracted",
    "Merge": "Merged",
}


def _describe_renames(plan: RefactorPlan) -> tuple[str, str]:
    """Return the verb in its basic form, and what is renamed."""
    if len(plan.renames) == 1:
        return _describe_rename(plan.renames[0], plan)
    kinds = {item.kind for item in plan.renames}
    folders = {item.new.rpartition("/")[0] for item in plan.renames}
    if all(map(_is_move, plan.renames)) and len(folders) == 1:
        [folder] = folders
        count = format_count(len(plan.renames), kinds.pop() if len(kinds) == 1 else "item")
        return "Move", f"{count} to {escape_controls(folder)}/"
    return "Make", format_count(len(plan.renames), "rename")


def _is_move(item: Rename) -> bool:
    """Return True if only the folder of a file changes."""
    if item.kind not in (RenameKind.NOTE, RenameKind.ATTACHMENT, RenameKind.FOLDER):
        return False
    return item.old.rpartition("/")[2] == item.new.rpartition("/")[2]


def _describe_rename(item: Rename, plan: RefactorPlan) -> tuple[str, str]:
    old, new = escape_controls(item.old), escape_controls(item.new)
    if plan.texts.get(item.new, ("", ""))[0] is None:
        return "Extract", f"{old} to {new}"
    if plan.texts.get(item.old, ("", ""))[1] is None:
        return "Merge", f"{old} into {new}"
    verb = "Move" if _is_move(item) else "Rename"
    if item.kind is RenameKind.TAG:
        return verb, f"{old} to {new}"
    if item.kind in (RenameKind.HEADING, RenameKind.BLOCK):
        same = next(
            (at for at in range(len(old), 0, -1) if old[:at] == new[:at] and old[at - 1] == "#"), 0
        )
        return verb, f"the {item.kind} {old} to {new[same:]}"
    if item.kind is RenameKind.FOLDER:
        return verb, f"{old}/ to {new}/ with {format_count(len(plan.files), 'file')}"
    return verb, f"{old} to {new}"


def _describe_numbers(plan: RefactorPlan, numbers: RefactorSummary) -> str:
    """Return the end of a sentence: how many links, or for tags places, change."""
    if plan.renames and all(item.kind is RenameKind.TAG for item in plan.renames):
        places = format_count(numbers.places, "place")
        return f" in {places} of {format_count(numbers.notes, 'note')}."
    if not numbers.links:
        return "; no link changes."
    verb = "follows" if numbers.links == 1 else "follow"
    count, notes = format_count(numbers.links, "link"), format_count(numbers.linking, "note")
    return f"; {count} in {notes} {verb}."


def list_captured(
    captured: Sequence[CapturedLink], show_path: Callable[[str], str], *, all_of_them: bool = False
) -> list[str]:
    """Return the lines about unresolved links that resolve afterwards."""
    if not captured:
        return []
    count = format_count(len(captured), "unresolved link")
    lines = [
        f"  {show_path(item.path)}:{item.line}:{item.column}: {item.raw} -> {item.target}"
        for item in captured
    ]
    return [f"{count} will resolve:", *_shorten(lines, all_of_them=all_of_them)]


def list_mentions(
    mentions: Sequence[OtherMention], show_path: Callable[[str], str], *, all_of_them: bool = False
) -> list[str]:
    """Return the lines about places that are not changed."""
    if not mentions:
        return []
    lines = [
        f"  {show_path(item.path)}:{item.line}:{item.column}: {item.text}" for item in mentions
    ]
    count = format_count(len(mentions), "place")
    verb = "has" if len(mentions) == 1 else "have"
    return [
        f"{count} that vaultlink does not change {verb} the old name:",
        *_shorten(lines, all_of_them=all_of_them),
    ]


def _shorten(lines: Sequence[str], *, all_of_them: bool) -> list[str]:
    shown = lines if all_of_them else lines[:_MAX_LISTED]
    others = len(lines) - len(shown)
    listed = [escape_controls(line) for line in shown]
    return [*listed, f"  … and {others:,} more; --verbose lists all."] if others else listed


def render_refactor(
    plan: RefactorPlan,
    encode: EncodeText,
    skipped: Sequence[SkippedNote],
    written: Collection[str] | None = None,
    run: str | None = None,
) -> bytes:
    """Render the JSON document of a refactoring.

    Args:
        plan: The refactoring.
        encode: Returns the bytes of a text of the plan.
        skipped: The notes that were not changed.
        written: The paths of changed texts that were written; None if nothing was to be written.
        run: The name of the run in the journal.
    """
    removed = dict.fromkeys(path for path, (_, new) in plan.texts.items() if new is None)
    created = {
        path: (Edit(path, 0, 0, new),)
        for path, (old, new) in plan.texts.items()
        if old is None and new is not None
    }
    head: Mapping[str, object] = {
        "renames": plan.renames,
        "files": [FileRow(*pair) for pair in sorted({**plan.files, **removed}.items())],
        "skipped": skipped_rows(skipped),
        "captured": [item._asdict() for item in plan.captured],
        "mentions": [item._asdict() for item in plan.mentions],
        "run": run,
    }
    offsets = ByteOffsets(lambda path: encode(path, plan.texts[path][0] or ""))
    rows = [
        row
        for path, edits in sorted({**plan.edits, **created}.items())
        if written is None or path in written
        for row in edit_rows(sorted(edits, key=lambda item: (item.start, item.end)), offsets)
    ]
    return encode_document(head, "edits", rows)


def list_changed_files(plan: RefactorPlan) -> list[tuple[str, str | None, int]]:
    """Return a row for each changed file.

    It has the path, the new path (None if the file is removed) and the number of edits.
    """
    removed = {path for path, (_, new) in plan.texts.items() if new is None}
    return [
        (
            path,
            None if path in removed else plan.files.get(path, path),
            len(plan.edits.get(path, ())),
        )
        for path in sorted({*plan.files, *plan.texts, *plan.edits})
    ]
