"""Fixes of unresolved targets: relink, remove the link, or create the note.

All of them guess what the author intended, so all are unsafe. The functions take a state, the
sources and a finding, and return fixes.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from vaultlink.engine.step import State
from vaultlink.fix.sources import FixAnswers, FixInputs
from vaultlink.index.file_kinds import crosses_border
from vaultlink.index.index import Index, may_be_site_address, target_spellings
from vaultlink.index.resolve import file_name, is_note, normalize_name, resolve, spelling_key
from vaultlink.index.suggest import Suggester, drop_own_names, find_closed_vaults, prefer_own_tree
from vaultlink.links.intent import is_meant_as_link, reports_unresolved, says_unresolved
from vaultlink.links.kinds import bracketed_text, default_display_text
from vaultlink.links.naming import find_named_by_display, retarget_link, strip_note_extension
from vaultlink.links.style import find_link_style
from vaultlink.model import Diagnostic, Edit, Fix, Link, Place, Safety, Suggestion
from vaultlink.rules.former_targets import (
    find_former_target,
    put_first,
    suggest_former_target,
    was_deleted,
)
from vaultlink.text import lazy_pattern, line_span


def _respell_folders(index: Index, path: str) -> str:
    """Return a path with its folders as files have them, in case and Unicode form."""
    *folders, name = path.split("/")
    place = ""
    for folder in folders:
        place += f"{folder}/"
        files = index.files_by_path[normalize_name(place)]
        if files and not any(file.startswith(place) for file in files):
            place = "/".join(files[0].split("/")[: place.count("/")]) + "/"
    return place + name


def _compose_new_note(index: Index, path: str, answers: FixAnswers) -> str:
    """Return the text of the note that is created at `path`.

    The title is the most frequent display text of the links to it that spells the file's name with
    other separators or case (`[[blue_tea|Blue Tea]]`), else the file's name. The aliases are
    the other spellings of the name that these links use.
    """
    from vaultlink.parse.post import compose_note  # noqa: PLC0415 - frontmatter is slow to import

    name = file_name(path).removesuffix(".md")
    targets, displays = _count_spellings(index, path, name)
    title = min(displays, key=lambda text: (-displays[text], text), default=name)
    aliases = sorted((targets.keys() | displays.keys()) - {title, name})
    metadata = {"title": title, "aliases": aliases, "created": answers.created}
    template = answers.template.replace("{{title}}", name)
    return compose_note(template, {key: value for key, value in metadata.items() if value})


def _count_spellings(index: Index, path: str, name: str) -> tuple[Counter[str], Counter[str]]:
    """Count the targets and display texts of links to `path` that spell `name`."""
    names = {normalize_name(file_name(path)): (path,)}
    wanted = spelling_key(name)
    targets: Counter[str] = Counter()
    displays: Counter[str] = Counter()
    sources = {
        note for key in target_spellings(name) for note in index.notes_by_spelling.get(key, ())
    }
    for source in sources:
        for link, target in index.resolved_links(source):
            if target is not None or resolve(source, link.target, names) != path:
                continue
            targets[file_name(link.target).removesuffix(".md")] += 1
            display = (link.display or "").strip()
            if display and spelling_key(display) == wanted:
                displays[display] += 1
    return targets, displays


_BRACKETS = len("[[]]")
_MIN_LEAD = 0.05
"""The best candidate must score at least this much above the second."""


def find_dangling_fix(
    state: State, sources: FixInputs, item: Diagnostic, answers: FixAnswers
) -> Fix | None:
    """Return the fix of an unresolved link or embed, or None.

    It links to the note that is clearly the closest, unless this lacks the link's heading or block.
    If there is none, `answers` select the fix.
    """
    history = state.settings.history
    may_be_near = (
        item.target is None
        or sources.suggest is None
        or item.end - item.start > len(item.target) + _BRACKETS  # there may be a display text
        or sources.suggest(item.target)
    )
    may_be_former = history.likely_moves or history.names
    if not (may_be_near or may_be_former or answers.unlink or answers.folder is not None):
        return None
    link = find_dangling_link(state.index, item)
    if link is None:
        return None
    near = _find_clear_target(state, sources, item.path, link)
    fix = None
    if near and not _is_reported(state, sources, item.path, link):
        fix = _build_link_fix(state, item.path, link, near.path)
    if fix is None and answers.folder is not None:
        fix = _build_note_fix(state.index, link, answers)
    if fix is None and answers.unlink:
        fix = _build_unlink_fix(item.path, link)
    return fix


def _is_reported(state: State, sources: FixInputs, source: str, link: Link) -> bool:
    """Return True if a note says that its link does not resolve."""
    text = sources.text(source) or ""
    if reports_unresolved(state.index.notes[source], link) or says_unresolved(text, link):
        return True
    start, end = line_span(text, link.start, link.end)
    # Brackets do not pair after a bad edit.
    return text.count("[[", start, end) != text.count("]]", start, end)


def list_link_fixes(state: State, sources: FixInputs, item: Diagnostic) -> Iterator[Fix]:
    """Yield the fixes that link to an existing file, the likeliest first."""
    link = find_dangling_link(state.index, item)
    if link is None:
        return
    near = [found.path for found in _suggest(state, sources, link, item.path)]
    slip = None if near else state.index.derive(Suggester).find_slip(link.target)
    for path in near or ([slip] if slip not in (None, item.path) else []):
        fix = _build_link_fix(state, item.path, link, path)
        if fix:
            yield fix


def build_target_fix(state: State, item: Diagnostic, path: str) -> Fix | None:
    link = find_dangling_link(state.index, item)
    return _build_link_fix(state, item.path, link, path) if link else None


def build_unlink_fix(state: State, item: Diagnostic) -> Fix | None:
    link = find_dangling_link(state.index, item)
    return _build_unlink_fix(item.path, link) if link else None


def build_creation_fix(state: State, item: Diagnostic, answers: FixAnswers) -> Fix | None:
    link = find_dangling_link(state.index, item)
    return _build_note_fix(state.index, link, answers) if link else None


def find_dangling_link(index: Index, item: Diagnostic) -> Link | None:
    """Return the unresolved link of a finding; None in canvases, which aren't edited."""
    if item.path not in index.notes:
        return None
    links_by_span = index.derive(_LinksBySpan)
    if item.path not in links_by_span:
        links_by_span[item.path] = {
            (link.start, link.end): link
            for link, target in index.resolved_links(item.path)
            if target is None and link.place is not Place.CANVAS
        }
    return links_by_span[item.path].get((item.start, item.end))


class _LinksBySpan(dict[str, dict[tuple[int, int], Link]]):
    """Path to the unresolved links of a note by span, cached as there may be many."""

    def __init__(self, _index: Index) -> None:
        super().__init__()


def _suggest(state: State, sources: FixInputs, link: Link, source: str) -> Sequence[Suggestion]:
    suggest = sources.suggest or state.index.derive(Suggester)
    vaults = find_closed_vaults(state.settings.obsidian.vaults, state.index)
    found: Sequence[Suggestion] = drop_own_names(suggest(link.target), link.target, source, vaults)
    found = prefer_own_tree(found, source, state.index) if found else found
    if not found:
        named = find_named_by_display(link, source, state.index)
        found = [Suggestion(named, "respelling", _DISPLAY_SCORE)] if named else []
    return put_first(_suggest_former(state, link, source), found)


_DISPLAY_SCORE = 0.9


def _suggest_former(state: State, link: Link, source: str) -> tuple[Suggestion, ...]:
    former = find_former_target(link, source, state.index, state.settings.history)
    return suggest_former_target(former)


def _find_clear_target(
    state: State, sources: FixInputs, source: str, link: Link
) -> Suggestion | None:
    """Return the file that is clearly closer than any other, or None.

    A file that the history suggests is. None also if the file lacks the heading or block of the
    link, or if the file that the link meant was deleted.
    """
    former = _suggest_former(state, link, source)
    if former:
        return None if state.index.has_anchor(link, former[0].path) is False else former[0]
    if may_be_site_address(link, state.index):
        return None
    found, index = _suggest(state, sources, link, source), state.index
    if not found or (len(found) > 1 and found[0].score - found[1].score < _MIN_LEAD):
        return None
    path, vaults = found[0].path, find_closed_vaults(state.settings.obsidian.vaults, index)
    if index.has_anchor(link, path) is False:
        return None
    if was_deleted(link, source, index, state.settings.history):
        return None
    is_apart = found[0].reason != "folder" and crosses_border(source, path, vaults, index)
    return None if is_apart else found[0]


def _build_link_fix(state: State, source: str, link: Link, path: str) -> Fix | None:
    style = find_link_style(source, state.index, state.settings.obsidian, link.kind)
    edits = retarget_link(source, link, path, state.index, style)
    if not link.subpath and find_named_by_display(link, source, state.index) == path:
        shown = state.index.derive(_OtherOrder)
        if any(span != (source, link.start) for span in shown):
            edits = _swap_display(source, link) or edits
    return Fix(f"Link to “{strip_note_extension(path)}”", Safety.UNSAFE, edits) if edits else None


class _OtherOrder(list[tuple[str, int]]):
    """Places of unresolved links whose display text is a path, or a name as Dendron writes it.

    If there are others, the vault shows that its links have the display text first.
    """

    def __init__(self, index: Index) -> None:
        super().__init__()
        for source in {path for paths in index.unresolved_sources.values() for path in paths}:
            self += [
                (source, link.start)
                for link, target in index.resolved_links(source)
                if target is None
                and not {".", "/"}.isdisjoint(link.display or "")
                and find_named_by_display(link, source, index)
            ]


def _swap_display(source: str, link: Link) -> tuple[Edit, ...]:
    """Return the edit that exchanges the target and the display text of a link."""
    found = _PARTS.fullmatch(link.raw)
    if found is None or link.end - link.start != len(link.raw):
        return ()
    target, separator, display = found.groups()
    return (Edit(source, link.start, link.end, f"[[{display}{separator}{target}]]"),)


_PARTS = lazy_pattern(r"\[\[\s*([^|\\]*[^|\\\s])(\s*\\?\|\s*)([^|]*\S)\s*\]\]")


def _build_unlink_fix(source: str, link: Link) -> Fix | None:
    """Replace a plain link by its text; None for an embed, which has no text."""
    words = link.display
    if words is None:
        words = default_display_text(link.target, link.subpath)
    if link.embed or not words or link.end - link.start != len(link.raw):
        return None
    if not is_meant_as_link(link) or _BRACKET.search(bracketed_text(link) or ""):
        return None
    edit = Edit(source, link.start, link.end, words)
    return Fix("Remove the link and keep its text", Safety.UNSAFE, (edit,))


_BRACKET = lazy_pattern(r"[\[\]]")
_INVALID_NAME = lazy_pattern(r'[\\:*?"<>|#^\[\]\x00-\x1f]|(?:^|/)\.|[. ](?:/|$)|/(?:/|$)')
_FILE_EXTENSION = lazy_pattern(r"\.[A-Za-z]{2,4}\d?$")


def _build_note_fix(index: Index, link: Link, answers: FixAnswers) -> Fix | None:
    """Create a note, if a file can have this name and the link would resolve to it."""
    target = link.target.removesuffix(".md")
    if link.embed or not target or target.startswith(("/", ".")):
        return None
    if _INVALID_NAME.search(target) or _FILE_EXTENSION.search(target):
        return None
    path = _respell_folders(index, f"{answers.folder}{target}.md")
    if any(normalize_name(path) == normalize_name(existing) for existing in index.files):
        return None
    key = normalize_name(file_name(path))
    if resolve("", link.target, {key: (path,)}) != path or not is_note(path):
        return None
    text = _compose_new_note(index, path, answers)
    return Fix(f"Create the note “{path}”", Safety.UNSAFE, (Edit(path, 0, 0, text),))
