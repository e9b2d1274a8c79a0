"""Find the style of a vault's links: Obsidian's settings, else that of most links.

`.obsidian/app.json` decides if it exists. It is often not in git. Then the links between the notes
decide, folder by folder.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from vaultlink.index.index import Index, TraitCount
from vaultlink.index.resolve import file_name, is_note, name_key, parent_folder
from vaultlink.links.intent import is_clipped, is_drawing
from vaultlink.links.kinds import SYNTAX, list_kinds
from vaultlink.links.naming import (
    PATH_STYLES,
    LinkStyle,
    configure_link_style,
    relative_target,
    strip_note_extension,
)
from vaultlink.model import Link, LinkKind, Note, Place
from vaultlink.obsidian import ObsidianSettings

ResolvedLink = tuple[Link, str | None]
"""A link, and the file that it leads to, if any."""

_MIN_LINKS = 3
"""Links that a folder must have to decide; one or two may be an accident."""

_MIN_SHARE = 2 / 3
"""Share of the links of a folder that must be alike; below it, the folder has no style."""

_YES, _NO = "yes", "no"


class _Evidence(NamedTuple):
    """Counts of the traits of some links; the links and the share of them that decide."""

    counts: Mapping[str, int]
    min_links: int = _MIN_LINKS
    min_share: float = _MIN_SHARE


def is_style_read(obsidian: ObsidianSettings) -> bool:
    """Return True if links decide how others are written: Obsidian's settings do not."""
    return obsidian.use_markdown_links is None or obsidian.new_link_format is None


class _EvidenceSeries:
    """Evidence, the nearest first; each is computed if those before are not clear."""

    def __init__(self, evidence: Iterator[_Evidence]):
        self._next, self._known = evidence, list[_Evidence]()

    def __iter__(self) -> Iterator[_Evidence]:
        yield from self._known
        for item in self._next:
            self._known.append(item)
            yield item


def find_link_style(
    source: str,
    index: Index,
    obsidian: ObsidianSettings,
    kind: LinkKind | None = None,
    own: Sequence[ResolvedLink] = (),
    *,
    reads_vault: bool = True,
) -> LinkStyle:
    """Return the style of new links in the note at `source`.

    Obsidian's settings decide if there are any. Else most links of the notes in the same folder do,
    else those of the folders above, each with all that is below it, up to the vault; else
    Obsidian's defaults. The links in `own`, such as those of the section to write, decide before
    all others, and alone unless `reads_vault`. `kind` is that of the link, if it is known.
    """
    if not is_style_read(obsidian):
        return configure_link_style(obsidian, kind)
    evidence = _EvidenceSeries(_list_evidence(source, index, own, reads_vault=reads_vault))
    if kind is None and obsidian.use_markdown_links is None:
        names = {item.value: item for item in list_kinds(use_markdown_links=False)}
        kind = names.get(_decide(evidence, "kind", tuple(names)))
    style = configure_link_style(obsidian, kind)
    name = style.kind.value
    if obsidian.new_link_format is None:
        # The preferred style is first: it wins if two fit equally many links.
        first = [style.path, *(item for item in PATH_STYLES if item != style.path)]
        style = style._replace(path=_decide(evidence, f"{name}.path", first) or style.path)
    if not SYNTAX[style.kind].writes_paths:
        return style

    def answer(trait: str, *, default: bool) -> bool:
        found = _decide(evidence, f"{name}.{trait}", (_YES, _NO))
        return found == _YES if found else default

    return LinkStyle(
        style.kind,
        style.path,
        answer("extension", default=style.has_extension),
        answer(f"{style.path}-mark", default=style.has_mark),
        answer("wrapped", default=style.is_wrapped),
        answer("letters", default=style.keeps_letters),
    )


def _decide(evidence: Iterable[_Evidence], trait: str, options: Sequence[str]) -> str:
    """Return the option of most links in the first clear evidence; "" if none is."""
    for counts, min_links, min_share in evidence:
        total = counts.get(trait, 0)
        if total >= min_links:
            best = max(options, key=lambda option: counts.get(f"{trait}={option}", 0))
            if counts.get(f"{trait}={best}", 0) >= min_share * total:
                return best
    return ""


def _list_evidence(
    source: str, index: Index, own: Sequence[ResolvedLink], *, reads_vault: bool
) -> Iterator[_Evidence]:
    if own:
        traits = _list_traits(source, own, index)
        yield _Evidence(Counter(trait for text in traits for trait in text.split()), 1, 0)
    if not reads_vault:
        return
    folder, (direct, below) = parent_folder(source), index.derive(_count_by_folder)
    yield _Evidence(direct.get(folder, {}))
    while True:
        yield _Evidence(below.get(folder, {}))
        if not folder:
            return
        folder = parent_folder(folder[:-1])


class _FolderCounts(NamedTuple):
    """Counts of the traits of links by folder: in its own notes, and in all below it."""

    direct: Mapping[str, Counter[str]]
    below: Mapping[str, Counter[str]]


def _count_by_folder(index: Index) -> _FolderCounts:
    direct: dict[str, Counter[str]] = {}
    below: dict[str, Counter[str]] = {}
    for key, count in count_link_traits(index).items():
        folder, _, traits = key.rpartition("\n")
        counts = dict.fromkeys(traits.split(), count)
        direct.setdefault(folder, Counter()).update(counts)
        below.setdefault(folder, Counter()).update(counts)
        while folder:
            folder = parent_folder(folder[:-1])
            below.setdefault(folder, Counter()).update(counts)
    return _FolderCounts(direct, below)


def count_link_traits(index: Index) -> "Counter[str]":
    """Count the traits of all links. Updates of the index keep the counts."""
    return index.tally(list_link_traits, on_targets=True)


def count_traits_in_parts(index: Index, obsidian: ObsidianSettings) -> Iterator[None]:
    """Count the traits of all links if they decide, and yield between parts of that."""
    tally, counts = TraitCount(list_link_traits, on_targets=True), Counter[str]()
    if tally in index.memos or not is_style_read(obsidian):
        return
    for number, path in enumerate(index.notes, 1):
        counts.update(list_link_traits(index, path))
        if number % _NOTES_AT_ONCE == 0:
            yield
    index.memos.setdefault(tally, counts)


_NOTES_AT_ONCE = 1_000
"""Notes of a part, whose links are counted in some hundredths of a second."""


def find_notes_with_other_style(
    before: Index, after: Index, obsidian: ObsidianSettings
) -> set[str]:
    """Return the notes in folders whose links had another style before."""
    if count_link_traits(before) == count_link_traits(after):
        return set()
    changed: dict[str, bool] = {}
    for path in after.notes:
        folder = parent_folder(path)
        if folder not in changed:
            changed[folder] = has_other_style(path, before, after, obsidian)
    return {path for path in after.notes if changed[parent_folder(path)]}


def has_other_style(path: str, before: Index, after: Index, obsidian: ObsidianSettings) -> bool:
    """Return True if links in the folder of a note had another style before."""
    return any(
        find_link_style(path, before, obsidian, kind)
        != find_link_style(path, after, obsidian, kind)
        for kind in (None, *LinkKind)
    )


def list_link_traits(index: Index, path: str) -> Iterator[str]:
    """Yield the traits of the links of a note that show how its author writes links.

    Each text is the folder of the note, a line break, and the traits of a link. Links in
    properties, on canvases and in lists of backlinks, embeds, and the links of clipped pages and
    drawings show nothing.
    """
    note = index.notes[path]
    if note.links and is_note(path) and not is_clipped(note) and not is_drawing(note):
        folder = parent_folder(path)
        for traits in _list_traits(path, _list_written_links(note, index), index):
            yield f"{folder}\n{traits}"


def _list_written_links(note: Note, index: Index) -> Iterator[ResolvedLink]:
    usual = [item for item in note.sections if item.usual]
    for link, target in index.resolved_links(note.path):
        if link.place in (Place.BODY, Place.SECTION) and not (
            usual and any(item.start <= link.start < item.end for item in usual)
        ):
            yield link, target


_NAME_STYLES: Mapping[tuple[bool, bool], tuple[str, ...]] = {
    (False, False): ("shortest",),
    (False, True): ("shortest", "absolute"),
    (True, False): ("shortest", "relative"),
    (True, True): PATH_STYLES,
}
"""The styles that write a name alone, by a note in the same folder, and in the root."""


def _list_traits(
    source: str, links: Sequence[ResolvedLink] | Iterator[ResolvedLink], index: Index
) -> Iterator[str]:
    """Yield the traits of each link to a note, with spaces between them."""
    folder = parent_folder(source)
    for link, target in links:
        if target is None or link.embed or not link.target or not is_note(target):
            continue
        at = target.rfind("/") + 1
        if f"{link.target}.md" == target[at:]:  # a name, as most wikilinks have it
            paths = _NAME_STYLES[target[:at] == folder, at == 0]
        else:
            paths = _list_path_styles(source, link.target, target, index)
        if not SYNTAX[link.kind].writes_paths:
            yield _name_traits(link.kind, paths)
            continue
        written = link.target
        yield _name_traits(
            link.kind,
            paths,
            is_note(written),
            written[:1] == "/" or written[:2] == "./",
            written.startswith("../"),
            "](<" in link.raw if " " in written else None,
            None if written.isascii() else not link.raw[link.raw.rfind("](") :].isascii(),
        )


@lru_cache(maxsize=1 << 10)
def _name_traits(
    link_kind: LinkKind,
    paths: tuple[str, ...],
    has_extension: bool | None = None,
    has_mark: bool = False,
    is_outside: bool = False,
    is_wrapped: bool | None = None,
    keeps_letters: bool | None = None,
) -> str:
    """Return the traits of a link, and before each the question that it answers.

    `is_outside` is True if the target begins with `../`. A link can have several styles of paths;
    in a vault without folders it has all of them, and shows nothing.
    """
    kind = link_kind.value
    traits = ["kind", f"kind={kind}"]
    if 0 < len(paths) < len(PATH_STYLES):
        traits += [f"{kind}.path", *(f"{kind}.path={item}" for item in paths)]
    answers: list[tuple[str, bool | None]] = [
        ("extension", has_extension),
        ("wrapped", is_wrapped),
        ("letters", keeps_letters),
    ]
    if has_extension is not None:
        may_be_marked = (("relative", not is_outside), ("absolute", True))
        answers += [
            (f"{path}-mark", has_mark) for path, may in may_be_marked if may and path in paths
        ]
    for question, answer in answers:
        if answer is not None:
            traits += [f"{kind}.{question}", f"{kind}.{question}={_YES if answer else _NO}"]
    return " ".join(traits)


def _list_path_styles(source: str, target: str, path: str, index: Index) -> tuple[str, ...]:
    """Return the styles that write the target of a link to a file as it is."""
    written, whole = strip_note_extension(target), strip_note_extension(path)
    if written[:1] == "/":
        return ("absolute",)
    is_relative = _is_relative(source, written.removeprefix("./"), path)
    if written.startswith(("./", "../")):
        return ("relative",) if is_relative else ()
    # A path is as short as possible if the name alone is that of several files.
    is_shared = "/" in whole and len(index.names.get(name_key(path), ())) > 1
    is_whole = written == whole
    is_short = written == file_name(whole) or (is_whole and is_shared)
    fits = zip(PATH_STYLES, (is_short, is_relative, is_whole), strict=True)
    return tuple([style for style, is_fitting in fits if is_fitting])


def _is_relative(source: str, written: str, path: str) -> bool:
    if parent_folder(source) == parent_folder(path):
        return written == strip_note_extension(file_name(path))
    return "/" in written and written == relative_target(source, path)
