"""Render a plan: its patch, its JSON document, and sentences about renames."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from vaultlink.fix.diff import DiffLine
from vaultlink.fix.plan import (
    CapturedLink,
    LeftOutProperty,
    NamedPlace,
    Plan,
    Rename,
    RenameKind,
    VaultChanges,
)
from vaultlink.index.file_kinds import has_known_extension
from vaultlink.index.resolve import file_name, is_note, list_outer_folders, parent_folder
from vaultlink.model import Edit, SkippedNote
from vaultlink.refactor.delete import Reference, ReferenceKind
from vaultlink.report.changed_lines import (
    count_fixed_by_rule,
    describe_fixed,
    describe_linked,
    skipped_rows,
)
from vaultlink.report.json_document import (
    ByteOffsets,
    FindingRow,
    edit_rows,
    encode_document,
    finding_rows,
)
from vaultlink.report.layout import Palette, escape_controls, format_count
from vaultlink.text import list_first

_MAX_LISTED = 10
"""Captured links and mentions that are listed without --verbose."""


class FileRow(msgspec.Struct, frozen=True, rename={"source": "from", "target": "to"}):
    """A file that is renamed or removed.

    Attributes:
        source: Its vault path before the run.
        target: Its vault path after the run; None if the file is removed.
    """

    source: str
    target: str | None


class CreatedRow(msgspec.Struct, frozen=True):
    """A file that is created. It is an edit, too.

    Attributes:
        path: Its vault path.
        text: Its text.
    """

    path: str
    text: str


class DeletedRow(msgspec.Struct, frozen=True):
    """A file that is removed.

    Attributes:
        path: Its vault path.
        trash: The path to which it is moved, in the vault; None if it is deleted.
    """

    path: str
    trash: str | None


def _count_edits(plan: Plan) -> Counter[str]:
    """Count what a plan edits: `links` in `linking` files, other `places` in `notes`.

    `queries` are edited names in queries; for tags they count as places.
    """
    index, counts = plan.before.index, Counter[str]()
    has_only_tags = all(item.kind is RenameKind.TAG for item in plan.renames)
    for path, all_edits in plan.edits.items():
        note = index.notes.get(path)
        spans = {(item.start, item.end) for item in note.queries} if note else set()
        edits = [edit for edit in all_edits if (edit.start, edit.end) not in spans]
        named = len(all_edits) - len(edits)
        if note is None or not is_note(path):  # edits of a canvas are outside its links' spans
            links, places = (0, len(edits)) if has_only_tags else (len(edits), 0)
        else:
            links, places = _count_places([(link.start, link.end) for link in note.links], edits)
        places, queries = (places + named, 0) if has_only_tags else (places, named)
        counts.update(links=links, linking=bool(links), places=places, notes=bool(places))
        counts.update(queries=queries)
    return counts


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


def describe_refactor(plan: Plan, *, would: bool = False) -> str:
    """Return a sentence with what is renamed, and the number of links that follow."""
    verb, subject = _describe_renames(plan)
    start = f"Would {verb.lower()}" if would else _PAST[verb]
    return f"{start} {subject}{_describe_numbers(plan)}"


def describe_plan(plan: Plan) -> str:
    """Return sentences about what a plan of several changes did."""
    fixed, notes = plan.fixed_findings, {item.path for item, _ in plan.fixed_findings}
    sentences = (
        describe_refactor(plan) if plan.renames else "",
        describe_delete(plan) if plan.deleted else "",
        describe_fixed(count_fixed_by_rule(fixed), len(notes)) if fixed else "",
        describe_linked(plan.linked),
    )
    others = f"Changed {format_count(len(plan.texts), 'note')}."
    return " ".join(filter(None, sentences)) or others


def describe_new_names(plan: Plan, folders: Container[str]) -> str:
    """Return sentences about new folders and extensions that were added.

    `folders` are the vault paths of the folders that exist before. "" if there is nothing to say.
    """
    made = {
        folder
        for path in plan.files.values()
        if path is not None
        for folder in list_outer_folders(path)
        if folder not in folders
    }
    sentences = []
    if made:
        deepest = sorted(made - {parent_folder(folder).removesuffix("/") for folder in made})
        names = list_first([f"{escape_controls(folder)}/" for folder in deepest], 3)
        is_one = len(deepest) == 1
        sentences.append(f"{names} {'is a new folder' if is_one else 'are new folders'}.")
    if any(
        item.kind is RenameKind.NOTE
        and is_note(item.new)
        and has_known_extension(item.new.removesuffix(".md"))
        for item in plan.renames
    ):
        sentences.append("A note keeps .md at the end of its name.")
    signs = sorted({sign for item in plan.renames for sign in _find_link_signs(item)})
    if signs:
        sentences.append(f"Obsidian may not follow links with {' '.join(signs)} in a name.")
    return " ".join(sentences)


_LINK_SIGNS = ("[", "]", "^", "%%")
"""What links can hold, but has a meaning in links or notes: brackets, block ids, comments.

`#` and `|` end the name in a link: a rename refuses these.
"""


def _find_link_signs(item: Rename) -> Iterator[str]:
    """Yield the signs of links and comments that the new name of a file or folder has."""
    if item.kind in (RenameKind.NOTE, RenameKind.ATTACHMENT, RenameKind.FOLDER):
        new, old = file_name(item.new), file_name(item.old)
        yield from (sign for sign in _LINK_SIGNS if sign in new and sign not in old)


def describe_delete(plan: Plan, links: str = "", *, would: bool = False) -> str:
    """Return a sentence about a deletion, given a clause about the links."""
    place = " to .trash"
    if not any(plan.trash.values()):
        place = " to the trash" if plan.trash_folder else " without a trash"
    verb = "Would delete" if would else "Deleted"
    if len(plan.deleted) == 1:
        [item] = plan.deleted
        subject = escape_controls(item.path)
        if item.kind is RenameKind.FOLDER:
            subject = f"{subject}/ with {format_count(len(plan.trash), 'file')}"
    else:
        kinds = {item.kind for item in plan.deleted}
        subject = format_count(len(plan.deleted), kinds.pop() if len(kinds) == 1 else "item")
    return f"{verb} {subject}{place}{f'; {links}' if links else ''}."


_PAST = {
    "Rename": "Renamed",
    "Move": "Moved",
    "Make": "Made",
    "Extract": "Extracted",
    "Merge": "Merged",
}


def _describe_renames(plan: Plan) -> tuple[str, str]:
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


def _describe_rename(item: Rename, plan: Plan) -> tuple[str, str]:
    old, new = escape_controls(item.old), escape_controls(item.new)
    if plan.texts.get(item.new, ("", ""))[0] is None:
        return "Extract", f"{old} to {new}"
    if plan.texts.get(item.old, ("", ""))[1] is None:
        return "Merge", f"{old} into {new}"
    verb = "Move" if _is_move(item) else "Rename"
    if item.kind in (RenameKind.HEADING, RenameKind.BLOCK):
        same = next(
            (at for at in range(len(old), 0, -1) if old[:at] == new[:at] and old[at - 1] == "#"), 0
        )
        return verb, f"the {item.kind} {old} to {new[same:]}"
    if item.kind is RenameKind.FOLDER:
        return verb, f"{old}/ to {new}/ with {format_count(len(plan.files), 'file')}"
    return verb, f"{old} to {new}"


def _describe_numbers(plan: Plan) -> str:
    """Return the end of a sentence: how many links, or for tags places, change."""
    counts = _count_edits(plan)
    links, queries = counts["links"], counts["queries"]
    if plan.renames and all(item.kind is RenameKind.TAG for item in plan.renames):
        places = format_count(counts["places"], "place")
        return f" in {places} of {format_count(counts['notes'], 'note')}."
    parts = []
    if links:
        notes = format_count(counts["linking"], "note")
        verb = "follows" if links == 1 else "follow"
        parts.append(f"{format_count(links, 'link')} in {notes} {verb}")
    if queries:
        verb = "changes" if queries == 1 else "change"
        parts.append(f"{format_count(queries, 'name')} in queries {verb}")
    return f"; {', and '.join(parts) or 'no link changes'}."


def list_captured(
    captured: Sequence[CapturedLink], show_path: Callable[[str], str], *, all_of_them: bool = False
) -> str:
    """Return text about unresolved links that resolve afterwards."""
    title = f"{format_count(len(captured), 'unresolved link')} will resolve:"
    places = [(item, f"{item.raw} -> {item.target}") for item in captured]
    return list_places(title, places, show_path, all_of_them=all_of_them)


def list_unchanged(
    places: Sequence[NamedPlace], show_path: Callable[[str], str], *, all_of_them: bool = False
) -> str:
    """Return text about places that are not changed."""
    verb = "keeps" if len(places) == 1 else "keep"
    title = f"{format_count(len(places), 'place')} {verb} the old name:"
    texts = [(item, item.text) for item in places]
    return list_places(title, texts, show_path, all_of_them=all_of_them)


def list_left_out(properties: Sequence[LeftOutProperty]) -> str:
    """Return text about the properties of a removed note that are in no other note."""
    if not properties:
        return ""
    count = format_count(len(properties), "property", "properties")
    verb = "is" if len(properties) == 1 else "are"
    lines = [f"  {escape_controls(item.key)}: {describe_values(item)}" for item in properties]
    path = escape_controls(properties[0].path)
    return "\n".join([f"{count} of {path} {verb} not taken:", *lines])


def describe_values(item: LeftOutProperty) -> str:
    """Return the value that is not taken, and the one that is kept, if any."""
    kept = f" (kept {escape_controls(item.kept)})" if item.kept else ""
    return f"{escape_controls(item.value)}{kept}"


def list_references(
    references: Sequence[Reference],
    show_path: Callable[[str], str] = str,
    *,
    all_of_them: bool = False,
) -> str:
    """Return text about the places that name what would be deleted."""
    kinds = Counter(item.kind for item in references)
    counts = ", ".join(
        format_count(kinds[kind], *_PLURALS.get(kind, (kind,)))
        for kind in ReferenceKind
        if kinds[kind]
    )
    places = format_count(len(references), "place")
    verb = "names" if len(references) == 1 else "name"
    return list_places(
        f"{places} {verb} what would be deleted ({counts}):",
        [(item.place, item.place.text) for item in references],
        show_path,
        all_of_them=all_of_them,
    )


_PLURALS: Mapping[ReferenceKind, tuple[str, str]] = {
    ReferenceKind.ANCHOR: ("link to a heading or block", "links to headings or blocks"),
    ReferenceKind.PROPERTY: ("link in properties", "links in properties"),
    ReferenceKind.ENTRY: ("entry of a backlinks section", "entries of backlinks sections"),
    ReferenceKind.DEFINITION: ("definition of a label", "definitions of labels"),
    ReferenceKind.IMAGE: ("image in HTML", "images in HTML"),
    ReferenceKind.QUERY: ("name in a query", "names in queries"),
}


def list_places(
    title: str,
    places: Sequence[tuple[CapturedLink | NamedPlace, str]],
    show_path: Callable[[str], str],
    *,
    all_of_them: bool,
) -> str:
    """Return a title with places and texts below it; "" for no place."""
    if not places:
        return ""
    lines = [
        escape_controls(f"  {show_path(item.path)}:{item.line}:{item.column}: {text}")
        for item, text in (places if all_of_them else places[:_MAX_LISTED])
    ]
    others = len(places) - len(lines)
    more = [f"  … and {others:,} more; --verbose lists all."] if others else []
    return "\n".join([title, *lines, *more])


def render_diff(lines: Iterable[DiffLine], palette: Palette) -> str:
    styles = {"file": palette.bold, "hunk": palette.cyan, "-": palette.red, "+": palette.green}
    return "".join(
        f"{styles[kind]}{text}{palette.reset}\n" if kind else f"{text}\n" for kind, text in lines
    )


def render_plan(
    command: str,
    changes: VaultChanges,
    skipped: Sequence[SkippedNote] = (),
    run: str | None = None,
    more: Mapping[str, object] = {},
) -> bytes:
    """Render the JSON document of a plan, or of the part that was written.

    A plan of files only fills no other keys than theirs. `run` is the name of the run in the
    journal, `more` are keys that only this command has, or means differently.
    """
    plan = changes if isinstance(changes, Plan) else None
    texts = changes.texts
    trash = plan.trash if plan else {}
    removed: dict[str, str | None] = dict.fromkeys(
        [*sorted(path for path, (_, new) in texts.items() if new is None), *trash]
    )
    files = {old: new for old, new in changes.files.items() if old not in trash}
    head: dict[str, object] = {
        "command": command,
        "renames": plan.renames if plan else (),
        "files": [FileRow(*pair) for pair in sorted({**files, **removed}.items())],
        "creates": [
            CreatedRow(path, new)
            for path, (old, new) in sorted(texts.items())
            if old is None and new is not None
        ],
        "deletes": [DeletedRow(path, trash.get(path)) for path in sorted({**removed, **trash})],
        "fixed": _list_fixed(plan) if plan else (),
        "breaks": [item._asdict() for item in plan.breaks] if plan else (),
        "skipped": skipped_rows(skipped),
        "captured": [item._asdict() for item in plan.captured] if plan else (),
        "mentions": [item._asdict() for item in plan.unchanged] if plan else (),
        "left_out": [item._asdict() for item in plan.left_out] if plan else (),
        "run": run,
    }
    rows = edit_rows(changes.list_edits(), ByteOffsets(changes.old_bytes))
    return encode_document({**head, **more}, "edits", rows)


def _list_fixed(plan: Plan) -> list[FindingRow]:
    fixes = {id(item): fix for item, fix in plan.fixed}
    return finding_rows(
        [item for item, _ in plan.fixed],
        lambda path: (plan.texts[path][0] if path in plan.texts else None) or "",
        lambda _item: (),
        lambda item: fixes[id(item)],
        lambda path: plan.old_bytes(path) if path in plan.texts else b"",
    )


class ChangedFile(NamedTuple):
    """A changed file with its new path, None if it is removed."""

    path: str
    new_path: str | None
    edits: int


def list_changed_files(plan: Plan) -> list[ChangedFile]:
    removed = {path for path, (_, new) in plan.texts.items() if new is None}
    return [
        ChangedFile(
            path,
            None if path in removed else plan.files.get(path, path),
            len(plan.edits.get(path, ())),
        )
        for path in sorted({*plan.files, *plan.texts, *plan.edits})
    ]
