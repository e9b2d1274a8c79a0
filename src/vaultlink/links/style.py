"""Find the style of a vault's links: Obsidian's settings, else that of most links.

`.obsidian/app.json` decides if it exists. It is often not in git. Then the links between the notes
decide, folder by folder.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from vaultlink.index.index import Index
from vaultlink.index.resolve import file_name, is_note, name_key, parent_folder
from vaultlink.links.intent import is_clipped
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
    Obsidian's defaults.

    Args:
        source: Vault path of the note.
        index: The index of the vault.
        obsidian: Obsidian's settings.
        kind: The kind of the link, if it is known.
        own: Links that decide before all others, such as those of the section to write.
        reads_vault: False if no other links may decide.
    """
    if obsidian.use_markdown_links is not None and obsidian.new_link_format is not None:
        return configure_link_style(obsidian, kind)
    evidence = list(_list_evidence(source, index, own, reads_vault=reads_vault))
    if kind is None and obsidian.use_markdown_links is None:
        names = {item.value: item for item in list_kinds(use_markdown_links=False)}
        kind = names.get(_decide(evidence, "kind", tuple(names)))
    style = configure_link_style(obsidian, kind)
    name = style.kind.value
    if obsidian.new_link_format is None:
        # The preferred style is first: it wins if two fit equally many links.
        first = [style.path, *(item for item in PATH_STYLES if item != style.path)]
        style = style._replace(path=_decide(evidence, f"{name}.path", first) or style.path)

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


def _decide(evidence: Sequence[_Evidence], trait: str, options: Sequence[str]) -> str:
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
        yield _Evidence(Counter(_list_traits(source, own, index)), 1, 0)
    if not reads_vault:
        return
    folder, (direct, below) = parent_folder(source), index.derive(_count_by_folder)
    yield _Evidence(direct.get(folder, {}))
    while True:
        yield _Evidence(below.get(folder, {}))
        if not folder:
            return
        folder = parent_folder(folder[:-1])


# -- count the traits of links, folder by folder --------------------------------------------------


class _FolderCounts(NamedTuple):
    """Counts of the traits of links by folder: in its own notes, and in all below it."""

    direct: Mapping[str, Mapping[str, int]]
    below: Mapping[str, Mapping[str, int]]


def _count_by_folder(index: Index) -> _FolderCounts:
    direct: dict[str, Counter[str]] = {}
    below: dict[str, Counter[str]] = {}
    for key, count in index.tally(list_link_traits, on_targets=True).items():
        folder, _, trait = key.rpartition("\n")
        direct.setdefault(folder, Counter())[trait] += count
        below.setdefault(folder, Counter())[trait] += count
        while folder:
            folder = parent_folder(folder[:-1])
            below.setdefault(folder, Counter())[trait] += count
    return _FolderCounts(direct, below)


def list_link_traits(index: Index, path: str) -> Iterator[str]:
    """Yield the traits of the links of a note that show how its author writes links.

    Each is the folder of the note, a line break and the trait. Links in properties, on canvases and
    in lists of backlinks, embeds, and the links of clipped pages show nothing.
    """
    note = index.notes[path]
    if note.links and is_note(path) and not is_clipped(note):
        folder = parent_folder(path)
        for trait in _list_traits(path, _list_written_links(note, index), index):
            yield f"{folder}\n{trait}"


def _list_written_links(note: Note, index: Index) -> Iterator[ResolvedLink]:
    usual = [item for item in note.sections if item.usual]
    for link, target in index.resolved_links(note.path):
        if link.place in (Place.BODY, Place.SECTION) and not any(
            item.start <= link.start < item.end for item in usual
        ):
            yield link, target


def _list_traits(
    source: str, links: Sequence[ResolvedLink] | Iterator[ResolvedLink], index: Index
) -> Iterator[str]:
    """Yield the traits of links, and before each the group that it is one of.

    A link can have several styles of paths: in a vault without folders it has all of them.
    """
    for link, target in links:
        if target is None or link.embed or not link.target or not is_note(target):
            continue
        kind = link.kind.value
        yield from ("kind", f"kind={kind}")
        paths = _list_path_styles(source, link.target, target, index)
        if 0 < len(paths) < len(PATH_STYLES):
            yield f"{kind}.path"
            yield from (f"{kind}.path={item}" for item in paths)
        if SYNTAX[link.kind].writes_paths:
            for trait, answer in _list_answers(link, paths):
                yield from (f"{kind}.{trait}", f"{kind}.{trait}={_YES if answer else _NO}")


def _list_path_styles(source: str, target: str, path: str, index: Index) -> list[str]:
    """Return the styles that write the target of a link to a file as it is."""
    written = strip_note_extension(target)
    if written.startswith("/"):
        return ["absolute"]
    relative, whole = relative_target(source, path), strip_note_extension(path)
    if written.startswith(("./", "../")):
        return ["relative"] if written.removeprefix("./") == relative else []
    is_shared = "/" in whole and len(index.names.get(name_key(path), ())) > 1
    forms = {
        "shortest": (file_name(whole), whole if is_shared else ""),
        "relative": (relative,),
        "absolute": (whole,),
    }
    return [style for style, texts in forms.items() if written in texts]


def _list_answers(link: Link, paths: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Yield what a link with a path shows of how such links are written."""
    target = link.target
    yield "extension", is_note(target)
    if "relative" in paths and not target.startswith("../"):
        yield "relative-mark", target.startswith("./")
    if "absolute" in paths:
        yield "absolute-mark", target.startswith("/")
    if " " in target:
        yield "wrapped", "](<" in link.raw
    if not target.isascii():
        yield "letters", not link.raw[link.raw.rfind("](") :].isascii()
