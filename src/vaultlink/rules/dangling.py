"""Checks of links that do not resolve."""

from collections.abc import Iterator
from functools import partial

from vaultlink.index.index import Index, link_name
from vaultlink.index.resolve import (
    file_name,
    name_key,
    normalize_name,
    parent_folder,
)
from vaultlink.index.rooted_links import (
    has_resolved_rooted_links,
    is_in_root_folder,
)
from vaultlink.index.titles import is_only_spelling
from vaultlink.index.words import (
    MIN_LETTERS,
    count_letters,
    is_same_case,
    split_cased_name,
    split_name,
)
from vaultlink.links.naming import retarget_link, strip_note_extension
from vaultlink.model import Edit, Link, Note, Place, Safety
from vaultlink.rules.context import Context, Finding, is_taken
from vaultlink.rules.former_targets import (
    NO_FORMER_TARGET,
    find_former_file,
    find_former_target,
    find_renamed_anchor,
    follow_move,
)
from vaultlink.rules.unresolved import find_unresolved_links


def dangling_link(note: Note, context: Context) -> Iterator[Finding]:
    for link, candidates in find_unresolved_links(note, context):
        if not (candidates.is_query or is_taken(link, context) or _is_expected(link, context)):
            yield _report_unresolved(link, note, context)


def dangling_embed(note: Note, context: Context) -> Iterator[Finding]:
    for link, candidates in find_unresolved_links(note, context):
        if link.embed and not candidates.is_query and not _is_expected(link, context):
            yield _report_unresolved(link, note, context)


def _report_unresolved(link: Link, note: Note, context: Context) -> Finding:
    hint = _explain_unresolved(link, note.path, context)
    return Finding(link, {"target": _format_target(link), "hint": hint}, link.target)


def _explain_unresolved(link: Link, source: str, context: Context) -> str:
    """Return the causes of an unresolved link as clauses; "" if they are unknown."""
    name = normalize_name(file_name(link.target))
    if "." not in name and name in context.index.names:
        return "; Obsidian does not open files without an extension"
    former = find_former_target(link, source, context.index, context.history) or NO_FORMER_TARGET
    clauses = [former.reason]
    if former.path is not None and not former.is_named:
        clauses.append(f"it may be “{strip_note_extension(former.path)}” now")
    return "".join(f"; {clause}" for clause in clauses if clause)


def moved_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report unresolved links whose file was renamed or moved, or whose own note was.

    The fix is unsafe if the file has lost the heading or block: a part of it may be elsewhere.
    """
    if not (context.history.moves or context.history.led_to):
        return
    for link, candidates in find_unresolved_links(note, context):
        path = (
            None
            if candidates.is_query
            else follow_move(link, note.path, context.index, context.history)
        )
        if path is not None:
            values = {
                "target": _format_target(link),
                "now": strip_note_extension(path),
                "change": _describe_move(link, path, note, context),
            }
            edits = _build_retarget_edits(link, (path,), note, context)
            is_complete = _has_subpath(link, path, note.path, context)
            safety = Safety.SAFE if is_complete else Safety.UNSAFE
            yield Finding(link, values, link.target, edits=edits, safety=safety)


def _describe_move(link: Link, path: str, note: Note, context: Context) -> str:
    """Return what moved, the file at `path` or the linking note, as a clause."""
    now = strip_note_extension(path)
    former = find_former_file(link, note.path, context.index, context.history)
    if link.target.startswith(".") and (not former or context.history.moves.get(former) != path):
        return f"led to {now} before this note was moved"
    return f"was moved to {now}"


def _has_subpath(link: Link, path: str, source: str, context: Context) -> bool:
    """Return True if a note has what a subpath names, had it, or never had it."""
    if not link.subpath or context.index.has_anchor(link, path) is not False:
        return True
    meant = context.history.led_to.get(source, {}).get(link.raw)
    if meant is not None and meant.path == path and not meant.subpath:
        return True
    note = context.index.notes.get(path)
    found = find_renamed_anchor(link.subpath, note, context.history) if note else None
    return found is not None and found.path == path


def alias_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report unresolved links whose target is an alias of a note.

    The fix is safe if the case agrees and the alias is specific: the same letters may be the name
    of something else on another subject.
    """
    for link, candidates in find_unresolved_links(note, context):
        if candidates.aliased:
            is_certain = (
                set(candidates.titled) <= set(candidates.aliased)
                and _has_alias_in_same_case(link.target, candidates.aliased[0], context.index)
                and _is_specific(link.target, note.path, candidates.aliased[0], context.index)
            )
            yield _report_candidates(link, candidates.aliased, note, context, is_certain)


def title_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report unresolved links whose target is the `title` of exactly one note.

    The fix is safe unless a short title has another case or another note has it as an alias.
    """
    for link, candidates in find_unresolved_links(note, context):
        if len(candidates.titled) == 1 and not is_taken(link, context):
            titled = candidates.titled
            [path] = titled
            is_only = titled == (candidates.aliased or titled) == (candidates.respelt or titled)
            is_certain = is_only and (
                is_same_case(link.target, context.index.notes[path].title or "")
                or count_letters(split_name(link.target)) >= MIN_LETTERS
            )
            yield _report_candidates(link, titled, note, context, is_certain)


def respelt_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report unresolved links that differ only in spelling from exactly one file name.

    The fix is unsafe if another file has almost the same name, title or alias.
    """
    for link, candidates in find_unresolved_links(note, context):
        if len(candidates.respelt) == 1 and not is_taken(link, context):
            [path] = candidates.respelt
            is_certain = "/" in link.target or is_only_spelling(path, context.index)
            yield _report_candidates(link, candidates.respelt, note, context, is_certain)


def _report_candidates(
    link: Link, paths: tuple[str, ...], note: Note, context: Context, is_certain: bool
) -> Finding:
    values = {"target": _format_target(link), "notes": _format_files(paths, context.index)}
    edits = partial(_build_retarget_edits, link, paths, note, context)
    safety = Safety.SAFE if is_certain else Safety.UNSAFE
    return Finding(link, values, link.target, edits=edits, safety=safety)


def _has_alias_in_same_case(target: str, path: str, index: Index) -> bool:
    return any(is_same_case(target, alias) for alias in index.notes[path].aliases)


_MAX_VAGUE_LETTERS = 2
_OPERATORS = frozenset(("AND", "NOT", "NOR", "XOR", "NAND", "ALL", "ANY", "TODO"))
"""Words that are written in capitals without being an acronym."""


def _is_specific(alias: str, source: str, path: str, index: Index) -> bool:
    """Return True if an alias in a link probably means the note that has it.

    Several words do if both notes are in one top folder, and so does a word of the note's name or
    title. Any other word must have an initial capital, and one of the notes must be in the folder
    of the other or below it.
    """
    words, folders = split_cased_name(alias), (parent_folder(source), parent_folder(path))
    if count_letters(words) <= _MAX_VAGUE_LETTERS or alias in _OPERATORS:
        return False
    if len({folder.partition("/")[0] for folder in folders}) > 1:
        return False
    names = (link_name(path), index.notes[path].title or "")
    if len(words) > 1 or any(words[0].casefold() in split_name(name) for name in names):
        return True
    upper, lower = sorted(folders, key=len)
    return not alias.islower() and lower.startswith(upper)


def _build_retarget_edits(
    link: Link, files: tuple[str, ...], note: Note, context: Context
) -> tuple[Edit, ...]:
    """Return the edits that point a link to the only candidate; none for several."""
    if len(files) > 1:
        return ()
    return retarget_link(note.path, link, files[0], context.index, context.obsidian)


def _format_target(link: Link) -> str:
    """Return the target as written; a canvas has paths from the root without a slash."""
    return link.target.removeprefix("/") if link.place is Place.CANVAS else link.target


def _format_files(paths: tuple[str, ...], index: Index) -> str:
    """Return the first file as a link would name it, and the number of the others."""
    path = paths[0]
    is_unique = len(index.names.get(name_key(path), ())) == 1
    first = f"“{link_name(path) if is_unique else path.removesuffix('.md')}”"
    return first if len(paths) == 1 else f"{first} and {len(paths) - 1} more"


def _is_expected(link: Link, context: Context) -> bool:
    """Return True if an unresolved link is expected not to resolve.

    It names a periodic note that is not written yet, or an address of a published site. The setting
    `quiet` switches off either.
    """
    return context.expects_note(link.target) or (
        link.is_rooted
        and "site-addresses" in context.quiet
        and _is_site_address(link.target, context.index)
    )


def _is_site_address(target: str, index: Index) -> bool:
    """Return True if a target names nothing that the vault could have.

    It is a path in the vault if it starts with one of the vault's folders, if a file has its last
    name, or if other links of this kind resolve. A file at this path below another folder belongs
    to the site, whose root that folder is.
    """
    name = name_key(target.rstrip("/"))
    if _is_below_other_folder(target, name, index):
        return not has_resolved_rooted_links(index)
    return not (
        name in index.names
        or f"{name}.md" in index.names
        or is_in_root_folder(target, index)
        or has_resolved_rooted_links(index)
    )


def _is_below_other_folder(target: str, name: str, index: Index) -> bool:
    """Return True if a folder other than the root has a file at the path in a target."""
    path = normalize_name(target.rstrip("/"))
    return path.count("/") > 1 and any(
        normalize_name(file).endswith((path, f"{path}.md"))
        for key in (name, f"{name}.md")
        for file in index.names.get(key, ())
    )
