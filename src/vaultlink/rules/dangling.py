"""Checks of links that do not resolve."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.index.file_kinds import crosses_border, has_known_extension, is_same_kind
from vaultlink.index.index import BOARD_EXTENSIONS, Index, link_name, may_be_site_address
from vaultlink.index.resolve import (
    file_name,
    is_note,
    join_relative,
    name_key,
    normalize_name,
    parent_folder,
    resolve_with_alternatives,
    spelling_key,
)
from vaultlink.index.suggest import (
    Suggester,
    drop_own_names,
    find_closed_vaults,
    is_in_hidden_folder,
)
from vaultlink.index.update import has_many_paths, is_in_root_folder
from vaultlink.index.words import (
    MIN_LETTERS,
    Words,
    count_letters,
    is_case_variant,
    is_dense,
    is_same_case,
    is_same_spelling,
    names_period,
    split_cased_name,
    split_name,
)
from vaultlink.links.intent import is_clipped, names_topic, reports_unresolved
from vaultlink.links.kinds import find_nested_links, is_wikilink
from vaultlink.links.naming import (
    configure_link_style,
    find_named_by_display,
    retarget_link,
    strip_note_extension,
)
from vaultlink.model import Edit, Link, LinkKind, Note, Place, Safety, Suggestion
from vaultlink.rules.context import Context, Finding, is_claimed_by_other_rule, remember
from vaultlink.rules.former_targets import (
    NO_FORMER_TARGET,
    find_former_file,
    find_former_target,
    find_renamed_anchor,
    follow_move,
    was_deleted,
)
from vaultlink.text import has_placeholder, lazy_pattern


class _Candidates(NamedTuple):
    """Files that an unresolved target may mean; `is_query` for one such as `Plan?x`."""

    aliased: tuple[str, ...]
    titled: tuple[str, ...]
    respelt: tuple[str, ...]
    is_query: bool

    def is_of(self, path: str) -> bool:
        """Return True if the note itself is a candidate: then it is unclear what is meant."""
        return path in self.aliased or path in self.titled or path in self.respelt

    def is_only(self, path: str) -> bool:
        """Return True if nothing else than the note itself is meant."""
        return {*self.aliased, *self.titled, *self.respelt} == {path}


_NO_CANDIDATES = _Candidates((), (), (), is_query=False)

UnresolvedLink = tuple[Link, _Candidates]
"""An unresolved link to report, and the files that it may mean."""


class _CandidateCache:
    """Candidates and suggestions by target: many links have the same one."""

    is_on_names = True

    def __init__(self, _index: Index) -> None:
        self.allows_dangling: Callable[[str], bool] | None = None
        self.candidates: dict[str, _Candidates | None] = {}
        self.suggestions: dict[str, tuple[Suggestion, ...] | None] = {}
        self.similar: dict[str, str | None] = {}


def _find_unresolved_links(note: Note, context: Context) -> list[UnresolvedLink]:
    if None not in context.index.targets.get(note.path, ()):
        return []
    return remember(_collect_unresolved_links, note, context)


def _collect_unresolved_links(note: Note, context: Context) -> list[UnresolvedLink]:
    cache = context.index.derive(_CandidateCache)
    if cache.allows_dangling is not context.allows_dangling:
        cache.allows_dangling, cache.candidates = context.allows_dangling, {}
    known, found = cache.candidates, []
    nested = find_nested_links(note.links)
    may_be_pages = "Logseq" in context.obsidian.programs
    for link, resolved in context.index.resolved_links(note.path):
        if not names_topic(link, resolved) or (may_be_pages and _is_read_by_logseq(link, context)):
            continue
        target = _join_target(link.target, note.path)
        if target not in known:
            known[target] = _find_candidates(link.target, target, context)
        candidates = known[target]
        # It is unknown if Obsidian reads a wikilink in the text of a Markdown link (2.17).
        if candidates is None or link.start in nested:
            continue
        if candidates is not _NO_CANDIDATES:
            is_own = candidates.is_of(note.path)
            if is_own and candidates.is_only(note.path) and is_wikilink(link) and not link.embed:
                continue  # a link to the note that contains it
            if is_own or was_deleted(link, note.path, context.index, context.history):
                candidates = candidates._replace(aliased=(), titled=(), respelt=())
        found.append((link, candidates))
    return found


def _is_read_by_logseq(link: Link, context: Context) -> bool:
    """Return True for a page in the place of an address, and for a page, if Logseq reads links.

    The notes must be those of Logseq.
    """
    obsidian, index = context.obsidian, context.index
    if link.kind is LinkKind.MARKDOWN and _PAGE_REFERENCE.fullmatch(link.target):
        return True
    return obsidian.linking_program == "Logseq" and _names_page(link.target, index)


def _names_page(target: str, index: Index) -> bool:
    """Return True if a target is the name, title or alias of a page, as Logseq reads it."""
    pages = (index.notes_by_page, index.notes_by_alias, index.notes_by_title)
    return any(normalize_name(target) in names for names in pages)


_PAGE_REFERENCE = lazy_pattern(r"\[\[[^\[\]]+\]\]")


def _join_target(target: str, source: str) -> str:
    """Return a target without backslashes; relative ones from the root, as `/a/b`."""
    path = target.replace("\\", "/") if "\\" in target else target
    return "/" + join_relative(source, path) if path.startswith(("./", "../")) else path


def _find_candidates(target: str, joined: str, context: Context) -> _Candidates | None:
    """Return the candidates of `target`, `joined` to the root; None if it is allowed."""
    if _is_allowed(target, context):
        return None
    index, key = context.index, normalize_name(target)
    aliased: Sequence[str] = index.notes_by_alias.get(key, ())
    titled: Sequence[str] = index.notes_by_title.get(key, ())
    respelt, boards = _find_respelt(joined, index), _find_boards(joined, index)
    # It is unknown if Obsidian reads a query as part of the name (2.20).
    is_query = "?" in target and name_key(target.partition("?")[0]) in index.names
    if not (aliased or titled or respelt or boards or is_query):
        return _NO_CANDIDATES
    aliased = [path for path in aliased if _has_alias(path, target, key, index)]
    if _names_periodic_note(target, context):
        titled = ()  # the note of a day that is not written yet, not another about the day
    titled = [path for path in titled if is_case_variant(target, index.notes[path].title or "")]
    # The name of a file is better evidence than an alias of another one.
    is_other = respelt and set(respelt).isdisjoint(aliased)
    respelt = respelt or boards
    return _Candidates(() if is_other else tuple(aliased), tuple(titled), respelt, is_query)


def _names_periodic_note(target: str, context: Context) -> bool:
    return names_period(link_name(file_name(target))) or context.expects_note(target)


def _has_alias(path: str, target: str, key: str, index: Index) -> bool:
    """Return True if a note has an alias that a target with this key certainly means."""
    return any(
        normalize_name(alias) == key and is_case_variant(target, alias)
        for alias in index.notes[path].aliases
    )


def _find_respelt(target: str, index: Index) -> tuple[str, ...]:
    """Return files that differ only in spelling, in as many folders as the target has."""
    name = link_name(target)
    key = spelling_key(name)
    candidates = index.files_by_spelling.get(key, ()) if key else ()
    if not candidates or name.startswith("["):
        return ()
    folders = [part for part in parent_folder(target).split("/") if part not in ("", ".", "..")]
    return tuple(
        path
        for path in candidates
        if is_same_spelling(name, link_name(path))
        and _is_in_folders(folders, path, rooted=target.startswith("/"))
        and is_same_kind(target, path)
    )


def _find_boards(target: str, index: Index) -> tuple[str, ...]:
    """Return the canvases and bases that a target names but for the extension."""
    found = (
        resolve_with_alternatives("", f"{target}.{extension}", index.names)
        for extension in BOARD_EXTENSIONS
        if f"{name_key(target)}.{extension}" in index.names
    )
    return tuple(path for first, others in found for path in (first, *others) if path is not None)


def _is_in_folders(folders: list[str], path: str, *, rooted: bool) -> bool:
    """Return True if the last folders of a path are `folders` or a respelling of them."""
    actual = parent_folder(path).split("/")[:-1]
    if rooted and len(actual) != len(folders):
        return False
    if not folders:
        return True
    return len(actual) >= len(folders) and all(
        spelling_key(one) == spelling_key(other)
        for one, other in zip(folders, actual[-len(folders) :], strict=True)
    )


# -- check of links that a web clipper wrote into the properties of a note -------------------------


def clipped_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report unresolved links to the author or site of a clipped web page."""
    if None not in context.index.targets.get(note.path, ()) or not is_clipped(note):
        return
    keys = frozenset(key.lower() for key in context.options["properties"])
    for link, target in context.index.resolved_links(note.path):
        if target is None and link.place is Place.PROPERTY and is_wikilink(link):
            key = link.key_path.partition(".")[0]
            if key.lower() in keys and not _is_allowed(link.target, context):
                yield Finding(link, {"target": link.target, "property": key}, link.target)


def _is_allowed(target: str, context: Context) -> bool:
    return context.allows_dangling(target) or has_placeholder(target)


def dangling_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report unresolved links with a sign that another target was meant."""
    for link, is_mistake in remember(_list_dangling, note, context):
        if is_mistake and not is_claimed_by_other_rule(link, context):
            yield _report_unresolved(link, note, context)


def planned_note(note: Note, context: Context) -> Iterator[Finding]:
    """Report unresolved links without a sign that another target was meant."""
    for link, is_mistake in remember(_list_dangling, note, context):
        if not is_mistake and not is_claimed_by_other_rule(link, context):
            values = {"target": _format_target(link), "hint": _name_similar(link, note, context)}
            yield Finding(link, values, link.target)


def _name_similar(link: Link, note: Note, context: Context) -> str:
    """Return a clause with the file whose name differs by a letter, "" if there is none."""
    known = context.index.derive(_CandidateCache).similar
    if link.target not in known:
        known[link.target] = context.index.derive(Suggester).find_slip(link.target)
    path = known[link.target]
    return f", but “{link_name(path)}” is similar" if path and path != note.path else ""


def _list_dangling(note: Note, context: Context) -> list[tuple[Link, bool]]:
    """Return the links to report; True for those that are mistakes."""
    return [
        (link, _is_mistake(link, note, context))
        for link, candidates in _find_unresolved_links(note, context)
        if not (
            candidates.is_query
            or is_claimed_by_other_rule(link, context)
            or _is_expected(link, context)
        )
    ]


def _is_mistake(link: Link, note: Note, context: Context) -> bool:
    """Return True if something shows that another target was meant.

    It is no link to a note in the vault's way: others are written after the file exists. It is a
    path that the vault's author does not write. Its target was a file, or is nearly the name of
    one.
    """
    target = link.target
    if link.embed or not _is_in_usual_way(link, context):
        return True
    if "/" in target and _has_odd_folders(target, note.path, context):
        return True
    known = context.index.derive(_CandidateCache).suggestions
    if target not in known:
        known[target] = _suggest(target, context.index)
    found = known[target]
    return (
        found is None
        or bool(found and drop_own_names(found, target, note.path, _find_borders(context)))
        or find_named_by_display(link, note.path, context.index) is not None
        or find_former_target(link, note.path, context.index, context.history) is not None
    )


def _find_borders(context: Context) -> Sequence[str]:
    return find_closed_vaults(context.obsidian.vaults, context.index)


def _is_in_usual_way(link: Link, context: Context) -> bool:
    """Return True for a wikilink, or for a Markdown link to a note if Obsidian writes these."""
    if is_wikilink(link):
        return link.raw.endswith("]]")
    return (
        bool(context.obsidian.use_markdown_links)
        and link.raw.endswith(")")
        and is_note(link.target)
    )


_NAME_WITH_SLASH = lazy_pattern(
    r"[^/]*\S\s+/\s+\S[^/]*|(?:[^/]*\s)?([^\W\d_]{1,5})/([^\W\d_]+)[^/]*"
)


def _is_name_with_slash(target: str) -> bool:
    """Return True for a name such as `UX/UI design`: spaces or capitals are around its slash."""
    found = _NAME_WITH_SLASH.fullmatch(target)
    if found is None or found[1] is None:
        return found is not None
    return found[1][-1].isupper() and found[2][0].isupper() and not found[2][1:2].islower()


def _has_odd_folders(target: str, source: str, context: Context) -> bool:
    """Return True if a path's folder does not exist or the vault writes no paths."""
    if _is_name_with_slash(target):
        return False
    path = _join_target(target, source).lstrip("/")
    if "/" not in path or normalize_name(parent_folder(path)) not in context.index.files_by_path:
        return "/" in path
    is_short = configure_link_style(context.obsidian).path == "shortest"
    return is_short and not has_many_paths(context.index)


def _suggest(target: str, index: Index) -> tuple[Suggestion, ...] | None:
    """Return the files that a target may mean; None if it names no note."""
    if ("." in target and has_known_extension(target)) or _is_without_extension(target, index):
        return None
    return index.derive(Suggester).suggest_unscored(target)


def dangling_embed(note: Note, context: Context) -> Iterator[Finding]:
    for link, candidates in _find_unresolved_links(note, context):
        if link.embed and not candidates.is_query and not _is_expected(link, context):
            yield _report_unresolved(link, note, context)


def _report_unresolved(link: Link, note: Note, context: Context) -> Finding:
    hint = _explain_unresolved(link, note.path, context)
    return Finding(link, {"target": _format_target(link), "hint": hint}, link.target)


def _explain_unresolved(link: Link, source: str, context: Context) -> str:
    """Return the causes of an unresolved link as clauses; "" if they are unknown."""
    if _is_without_extension(link.target, context.index):
        return "; Obsidian does not open files without an extension"
    if link.target.startswith("www."):
        return "; an address of a website begins with https://"
    if is_in_hidden_folder(link.target):
        return "; Obsidian does not show files in hidden folders"
    former = find_former_target(link, source, context.index, context.history) or NO_FORMER_TARGET
    clauses = [former.reason]
    if link.embed and link.is_rooted:
        clauses += [
            f"the vault has “{path}”"
            for path in _find_below_folders(link.target, context.index)[:1]
        ]
    if former.path is not None and not former.is_named:
        clauses.append(f"it may be “{strip_note_extension(former.path)}” now")
    return "".join(f"; {clause}" for clause in clauses if clause)


def _is_without_extension(target: str, index: Index) -> bool:
    """Return True if a file has the name of a target, without an extension."""
    name = normalize_name(file_name(target))
    return "." not in name and name in index.names


def moved_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report unresolved links whose file, or whose own note, was renamed or moved."""
    if not (context.history.moves or context.history.former_destinations):
        return
    for link, candidates in _find_unresolved_links(note, context):
        if candidates.is_query:
            continue
        path = follow_move(link, note.path, context.index, context.history)
        if path is not None and not _is_address_on_site(link, path, context):
            values = {
                "target": _format_target(link),
                "now": strip_note_extension(path),
                "change": _describe_move(link, path, note, context),
            }
            edits = _build_retarget_edits(link, (path,), note, context)
            is_complete = _has_subpath(link, path, note.path, context)
            is_other = _is_named_beside_old_name(link, path, note, context)
            safety = Safety.SAFE if is_complete and not is_other else Safety.UNSAFE
            yield Finding(link, values, link.target, edits=edits, safety=safety)


def _is_address_on_site(link: Link, path: str, context: Context) -> bool:
    """Return True for the address of a file that was moved to its place below another folder."""
    is_below = path in _find_below_folders(link.target, context.index)
    return is_below and _is_site_address(link, context)


def _is_named_beside_old_name(link: Link, path: str, note: Note, context: Context) -> bool:
    """Return True if the file links to the old name, or is linked in the same line."""
    return (
        path == note.path
        or path in context.index.unresolved_sources.get(link.target, ())
        or any(
            target == path and other.line == link.line
            for other, target in context.index.resolved_links(note.path)
        )
    )


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
    meant = context.history.former_destinations.get(source, {}).get(link.raw)
    if meant is not None and meant.path == path and not meant.subpath:
        return True
    note = context.index.notes.get(path)
    found = find_renamed_anchor(link.subpath, note, context.history) if note else None
    return found is not None and found.path == path


def alias_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report unresolved links to an alias; the fix is safe if the alias is specific."""
    for link, candidates in _find_unresolved_links(note, context):
        if candidates.aliased:
            is_certain = {*candidates.titled, *candidates.respelt} <= set(
                candidates.aliased
            ) and _is_specific(link, note, candidates.aliased[0], context.index)
            # The title of another note is as good, so nothing is proposed.
            titled = [path for path in candidates.titled if path not in candidates.aliased]
            paths = (*candidates.aliased, *titled)
            yield _report_candidates(link, paths, note, context, is_certain)


def title_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report unresolved links whose target is the `title` of exactly one note."""
    for link, candidates in _find_unresolved_links(note, context):
        if len(candidates.titled) == 1 and not is_claimed_by_other_rule(link, context):
            titled = candidates.titled
            [path] = titled
            is_only = titled == (candidates.aliased or titled) == (candidates.respelt or titled)
            is_certain = (
                is_only
                and not _is_publication(context.index.notes[path])
                and (
                    is_same_case(link.target, context.index.notes[path].title or "")
                    or count_letters(split_name(link.target)) >= MIN_LETTERS
                )
            )
            yield _report_candidates(link, titled, note, context, is_certain)


def _is_publication(note: Note) -> bool:
    """Return True for a note about a paper, whose title may be that of a topic as well."""
    keys = {item.key.lower() for item in note.properties or ()}
    is_cited = _CITATION_KEY.match(file_name(note.path))
    return is_cited is not None or not keys.isdisjoint(("doi", "citekey"))


_CITATION_KEY = lazy_pattern(r"@[^\W\d].*(?<!\d)\d{4}(?!\d)")


def respelt_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report unresolved links that differ from one file name in spelling or extension."""
    for link, candidates in _find_unresolved_links(note, context):
        if len(candidates.respelt) == 1 and not is_claimed_by_other_rule(link, context):
            from vaultlink.index.titles import is_only_spelling  # noqa: PLC0415 - for few links

            [path] = candidates.respelt
            is_board = path in _find_boards(_join_target(link.target, note.path), context.index)
            name = link_name(link.target) if is_board else None
            is_certain = "/" in link.target or is_only_spelling(path, context.index, name)
            wanting = context.index.unresolved_sources.get(link.target, ())
            is_certain &= not is_board or all(source == note.path for source in wanting)
            found = _report_candidates(link, candidates.respelt, note, context, is_certain)
            difference = "the extension" if is_board else "spelling"
            yield replace(found, values={**found.values, "difference": difference})


def _report_candidates(
    link: Link, paths: tuple[str, ...], note: Note, context: Context, is_certain: bool
) -> Finding:
    values = {"target": _format_target(link), "notes": _format_files(paths, context.index)}
    is_sites = may_be_site_address(link, context.index)
    edits = () if is_sites else partial(_build_retarget_edits, link, paths, note, context)
    is_certain = is_certain and not (
        _names_periodic_note(link.target, context)
        or crosses_border(note.path, paths[0], context.obsidian.vaults, context.index)
        or link_name(paths[0]).endswith("]")  # a wikilink may not contain it (see VL202)
        or ("Logseq" in context.obsidian.programs and _names_page(link.target, context.index))
    )
    safety = Safety.SAFE if is_certain else Safety.UNSAFE
    return Finding(link, values, link.target, edits=edits, safety=safety)


_MAX_VAGUE_LETTERS = 2
_OPERATORS = frozenset(("AND", "NOT", "NOR", "XOR", "NAND", "ALL", "ANY", "TODO"))
"""Words that are written in capitals without being an acronym."""


def _is_specific(link: Link, note: Note, path: str, index: Index) -> bool:
    """Return True if an alias in a link probably means the note that has it.

    It is in the same case. Several words do if both notes are in one top folder. A single word may
    be the name of something else if the note's name has several, as `Zeus` for `The god Zeus`:
    there must be another link to the note. A word that is not in the name or title must have an
    initial capital, and one of the notes must be in the folder of the other or below it.
    """
    alias, folders = link.target, (parent_folder(note.path), parent_folder(path))
    words = split_cased_name(alias)
    if not any(is_same_case(alias, other) for other in index.notes[path].aliases):
        return False
    if count_letters(words) <= _MAX_VAGUE_LETTERS or alias in _OPERATORS:
        return False
    if len({folder.partition("/")[0] for folder in folders}) > 1:
        return False
    if not _is_single_word(alias, words):
        return True
    names = [split_name(name) for name in (link_name(path), index.notes[path].title or "")]
    if any(sum(map(str.isalpha, name)) > 1 for name in names) and not (
        alias.isupper() and any(_are_initials(alias, name) for name in names)
    ):
        return any(  # one on this line counts only if it has the alias
            target == path and (other.display == alias or other.line != link.line)
            for other, target in index.resolved_links(note.path)
        )
    upper, lower = sorted(folders, key=len)
    is_in_name = any(words[0].casefold() in name for name in names)
    return is_in_name or (not alias.islower() and lower.startswith(upper))


_MIN_DENSE_LETTERS = 5
"""Letters of a text without spaces, in Chinese and the like, that has several words."""


def _is_single_word(name: str, words: Words) -> bool:
    if len(words) <= 1:
        return True
    is_joined = len(name.split()) == 1 and all(map(is_dense, words))
    return is_joined and len(words) < _MIN_DENSE_LETTERS


def _are_initials(acronym: str, words: Words) -> bool:
    initials = "".join(word[0] for word in words if word.isalpha())
    return acronym.lower() == initials


def _build_retarget_edits(
    link: Link, files: tuple[str, ...], note: Note, context: Context
) -> tuple[Edit, ...]:
    """Return the edits that lead a link to the only candidate, if there is only one.

    A report that lists unresolved links stays as it is.
    """
    if len(files) > 1 or reports_unresolved(note, link):
        return ()
    style = configure_link_style(context.obsidian, link.kind)
    return retarget_link(note.path, link, files[0], context.index, style)


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
    """Return True for a periodic note not written yet, or a published site's address."""
    return context.expects_note(link.target) or _is_site_address(link, context)


def _is_site_address(link: Link, context: Context) -> bool:
    """Return True if the target of a link is quiet, and names nothing that the vault could have.

    It is a path in the vault if it starts with one of the vault's folders, if a file has its last
    name, or if other links of this kind resolve. A file at this path below another folder belongs
    to the site, whose root that folder is; but a reader of the vault misses its images.
    """
    index, target = context.index, link.target
    if "site-addresses" not in context.quiet or not may_be_site_address(link, index):
        return False
    if not link.embed and _find_below_folders(target, index):
        return True
    name = name_key(target.rstrip("/"))
    return not (
        name in index.names or f"{name}.md" in index.names or is_in_root_folder(target, index)
    )


def _find_below_folders(target: str, index: Index) -> tuple[str, ...]:
    """Return the files at a path below another folder; none for a bare name."""
    name, path = name_key(target.rstrip("/")), normalize_name(target.rstrip("/"))
    if path.count("/") <= 1:
        return ()
    return tuple(
        file
        for key in (name, f"{name}.md")
        for file in index.names.get(key, ())
        if normalize_name(file).endswith((path, f"{path}.md"))
    )
