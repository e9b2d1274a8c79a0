"""Checks of text meant as a link, of links not meant as such, and of HTML images."""

import re
from collections.abc import Iterator
from posixpath import normpath

from vaultlink.index.file_kinds import has_known_extension
from vaultlink.index.resolve import (
    file_name,
    is_note,
    name_key,
    normalize_name,
    parent_folder,
    resolve,
)
from vaultlink.links.intent import is_link_text, is_meant_as_link, names_topic
from vaultlink.links.kinds import find_nested_links, is_wikilink
from vaultlink.links.rewrite import convert_url_link, is_web_url, read_url
from vaultlink.model import HtmlImage, Link, Note, ParseProblem, Place, Safety
from vaultlink.parse.link_parts import is_external, split_subpath
from vaultlink.parse.malformed import LinkFault
from vaultlink.rules.context import Context, Finding, build_replacement_edits, remember
from vaultlink.text import has_placeholder, lazy_pattern


def malformed_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report malformed links whose target exists, and all those that a table cuts."""
    unresolved = {link.start: link for link in _find_unresolved_links(note, context)}
    for problem in note.problems:
        if problem.kind == "malformed-link":
            fault, name = problem.detail, " ".join(problem.target.split())
            link = unresolved.get(problem.start)
            # Only three brackets make a link, which may resolve as it is.
            is_link = link is not None or fault != LinkFault.THREE_BRACKETS
            if name and is_link and _is_reportable(name, fault, problem, note, context):
                target = " ".join(line.strip() for line in problem.target.split("\n")).strip()
                is_known = resolve(note.path, target, context.index.names) is not None
                is_fixable = is_known or _names_other_note(target, note, context)
                yield Finding(
                    problem,
                    {"target": name, "fault": fault},
                    name,
                    edits=build_replacement_edits(problem, note) if is_fixable else (),
                    safety=_judge_safety(name, fault, problem, note, context),
                    links=(link,) if link else None,
                )
    for link in unresolved.values():
        name = link.target[1:-1]
        if _has_brackets_in_property(link) and resolve(note.path, name, context.index.names):
            yield Finding(link, {"target": name, "fault": LinkFault.THREE_BRACKETS}, name)


def url_wikilink(note: Note, context: Context) -> Iterator[Finding]:
    for link in _find_unresolved_links(note, context):
        url = read_url(link)
        if url and is_meant_as_link(link) and not _is_left_out(link, context):
            safety = Safety.SAFE if is_web_url(url) else Safety.UNSAFE
            edits = convert_url_link(note.path, link)
            yield Finding(link, {"url": url}, link.target, edits=edits, safety=safety)


def doubled_brackets(note: Note, context: Context) -> Iterator[Finding]:
    items = (item for item in note.problems if item.kind == "wikilink-with-destination")
    problems = {item.start: item for item in items}
    for link in _find_unresolved_links(note, context) if problems else ():
        problem, key = problems.get(link.start), normalize_name(link.target)
        if not problem or not _is_destination(problem.target, note, context):
            continue
        if key not in context.index.notes_by_title and key not in context.index.notes_by_alias:
            is_alone = [other.target for other in note.links].count(link.target) == 1
            is_safe = is_alone and _is_plain_text(link.target, problem.target)
            yield Finding(
                problem,
                {"destination": problem.target},
                link.target,
                edits=build_replacement_edits(problem, note),
                safety=Safety.SAFE if is_safe else Safety.UNSAFE,
                links=(link,),
            )


def accidental_link(note: Note, context: Context) -> Iterator[Finding]:
    for link in _find_unresolved_links(note, context):
        if not is_meant_as_link(link) and not _is_left_out(link, context):
            yield Finding(link, {"text": link.raw}, link.target)


def _find_unresolved_links(note: Note, context: Context) -> list[Link]:
    """Return the unresolved wikilinks of a note, except those in another link's text."""
    if None not in context.index.targets.get(note.path, ()):
        return []
    return remember(_collect_unresolved_links, note, context)


def _collect_unresolved_links(note: Note, context: Context) -> list[Link]:
    nested = find_nested_links(note.links)
    return [
        link
        for link, target in context.index.resolved_links(note.path)
        if target is None and is_wikilink(link) and link.start not in nested
    ]


def _is_left_out(link: Link, context: Context) -> bool:
    return context.allows_dangling(link.target) or has_placeholder(link.raw)


# -- malformed links -------------------------------------------------------------------------------

_CUT_BY_TABLE = (LinkFault.PIPE_IN_CELL, LinkFault.BELOW_TABLE)
_MIN_NUMBER_LENGTH = 8
"""Shorter numbers after `[[` may be the first row of an array; `2024-01-31` is a note's name."""

_ONLY_FOR_FILES = (
    LinkFault.SPACE_IN_DESTINATION,
    LinkFault.SPACE_BEFORE_DESTINATION,
    LinkFault.ESCAPED_BRACKETS,
)


def _is_reportable(
    name: str, fault: str, problem: ParseProblem, note: Note, context: Context
) -> bool:
    """Return True if a malformed link was certainly meant as a link.

    A table cuts any link. Other text must name a file; in some forms also a title or alias, in the
    same case, that belongs to one other note.
    """
    if resolve(note.path, name, context.index.names):
        if fault == LinkFault.CLOSING_BRACKETS_MISSING and len(name) < _MIN_NUMBER_LENGTH:
            return _is_word(name)
        return fault != LinkFault.ESCAPED_BRACKETS or bool(problem.replacements)
    if fault in _ONLY_FOR_FILES:
        return False
    if fault in _CUT_BY_TABLE:
        is_whole = fault == LinkFault.BELOW_TABLE or bool(problem.replacements)
        return is_whole and _is_word(name) and not has_placeholder(name)
    return bool(problem.replacements) and _is_word(name) and _names_other_note(name, note, context)


def _is_word(name: str) -> bool:
    return any(char.isalpha() for char in name) and is_link_text(f" {name} ")


def _names_other_note(name: str, note: Note, context: Context) -> bool:
    """Return True if exactly one other note has a title or alias, in the same case."""
    index, key = context.index, normalize_name(name)
    paths = {*index.notes_by_title.get(key, ()), *index.notes_by_alias.get(key, ())}
    if len(paths) != 1 or note.path in paths:
        return False
    other = index.notes[paths.pop()]
    return name in (other.title, *other.aliases)


def _judge_safety(
    name: str, fault: str, problem: ParseProblem, note: Note, context: Context
) -> Safety:
    """Return the safety of the fix of a malformed link.

    The name of a file in two cells of a table is certain however long the row is. Escaped brackets
    in a note that also has links may be intended. No note is known to link to itself.
    """
    if resolve(note.path, name, context.index.names) == note.path:
        return Safety.UNSAFE
    if fault == LinkFault.PIPE_IN_CELL and resolve(note.path, name, context.index.names):
        return Safety.SAFE
    is_deliberate = fault == LinkFault.ESCAPED_BRACKETS and any(
        is_wikilink(link) and link.place is Place.BODY for link in note.links
    )
    return Safety.SAFE if problem.is_certain and not is_deliberate else Safety.UNSAFE


def _has_brackets_in_property(link: Link) -> bool:
    """Return True for `[[[a]]]` as the value of a property."""
    name = link.target[1:-1]
    has_brackets = link.place is Place.PROPERTY and link.target == f"[{name}]"
    return has_brackets and bool(name.strip()) and "[" not in name and "]" not in name


# -- doubled brackets ------------------------------------------------------------------------------


def _is_plain_text(text: str, destination: str) -> bool:
    """Return True unless a text may be the mark of a footnote or a URL has no host."""
    is_web = not is_external(destination) or is_web_url(destination)
    return is_web and not _NUMERAL.fullmatch(text)


_NUMERAL = lazy_pattern(r"[ivxlcdm]+", re.I)


def _is_destination(destination: str, note: Note, context: Context) -> bool:
    """Return True for a URL or a path that resolves; a single word is a remark."""
    if is_external(destination):
        return "://" in destination or destination.startswith("mailto:")
    target, _ = split_subpath(destination)
    is_path = "/" in target or "." in target[:-1]
    return is_path and resolve(note.path, target, context.index.names) is not None


def broken_image(note: Note, context: Context) -> Iterator[Finding]:
    """Report images in HTML of which the vault has no file, whoever reads the address."""
    index = context.index
    for image in note.images:
        if _names_no_file(image.target, note.path, context) and not _find_ignoring_pattern(
            image.target, note.path, context
        ):
            others = index.names.get(name_key(image.target), ())
            hint = f"; the vault has “{others[0]}”" if others else ""
            yield Finding(image, {"target": image.target, "hint": hint})


_RELATIVE_STEPS = lazy_pattern(r"^(?:\.{1,2}/)+")


def _names_no_file(target: str, source: str, context: Context) -> bool:
    """Return True if an address of an image certainly names no file of the vault.

    Addresses without an extension, of notes, above the vault, in hidden folders and of a published
    site are left out.
    """
    path = _RELATIVE_STEPS.sub("", target)
    is_unknown = (
        target.removesuffix(path).count("../") > source.count("/")
        or "/." in f"/{path}"
        or "." not in file_name(path)
        or is_note(path)
        or "{" in target
        or has_placeholder(target)
        or context.allows_dangling(target)
    )
    is_on_site = (
        target.startswith("/")
        and "site-addresses" in context.quiet
        and name_key(target) not in context.index.names
    )
    return not (is_unknown or is_on_site or resolve(source, target, context.index.names))


def ignored_file(note: Note, context: Context) -> Iterator[Finding]:
    """Report links to attachments, and images, that a `.gitignore` leaves out."""
    if not context.obsidian.git_ignores:
        return
    absent: list[Link | HtmlImage] = [
        link
        for link, path in context.index.resolved_links(note.path)
        if names_topic(link, path) and not context.allows_dangling(link.target)
    ]
    absent += [item for item in note.images if _names_no_file(item.target, note.path, context)]
    for item in absent:
        if pattern := _find_ignoring_pattern(item.target, note.path, context):
            yield Finding(item, {"pattern": pattern}, item.target)


def _find_ignoring_pattern(target: str, source: str, context: Context) -> str:
    """Return the pattern of a `.gitignore` that leaves out an attachment; "" for none.

    A bare name stands for a file in the folder of the note, in that for attachments, or in one
    whose files of a kind are left out, as by `img/*.png`.
    """
    patterns = context.obsidian.git_ignores
    if not (patterns and has_known_extension(target)):
        return ""
    own, path = parent_folder(source), target.replace("\\", "/")
    paths = [path.removeprefix("/"), own + path]
    if "/" not in path:
        attachments = context.obsidian.attachment_folder
        base = own if attachments.startswith("./") else ""
        folders = [base + attachments, *filter(None, map(_find_folder_of_kind, patterns))]
        paths = [own + path, *(f"{folder}/{path}" for folder in folders)]
    cleaned = [normpath(path).removeprefix("/").removeprefix("/") for path in paths]
    found = (context.find_ignoring_pattern(path) for path in cleaned if path[:3] != "../")
    return next(filter(None, found), "")


def _find_folder_of_kind(pattern: str) -> str:
    """Return the folder in which a pattern leaves out files of a kind; "" if it has none."""
    folder, _, name = pattern.rpartition("/")
    folder = folder.removeprefix("/").removeprefix("**/").removesuffix("/**")
    is_hidden = "/." in f"/{folder}"
    is_kind = name.startswith("*.") and set("!*?[").isdisjoint(folder + name[2:])
    return folder if is_kind and not is_hidden else ""
