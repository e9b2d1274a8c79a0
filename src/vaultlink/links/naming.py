"""Format the target of a link to a file, and let it follow a rename."""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from vaultlink.index.index import FILE_LIKE, Index
from vaultlink.index.resolve import (
    PathsByName,
    file_name,
    is_note,
    name_key,
    normalize_name,
    parent_folder,
    resolve,
    resolve_with_alternatives,
    spelling_key,
    target_keys,
)
from vaultlink.index.words import names_period
from vaultlink.links.kinds import (
    SYNTAX,
    add_extension,
    encode_destination,
    is_wikilink,
    list_kinds,
    wrap_destination,
)
from vaultlink.links.rewrite import Edits, place_change, rewrite_link
from vaultlink.model import FOLDER_KINDS, Edit, Link, LinkKind, Place, QueryName
from vaultlink.obsidian import DEFAULT_LINK_FORMAT, ObsidianSettings
from vaultlink.text import count_shared, lazy_pattern

PATH_STYLES = ("shortest", "relative", "absolute")
"""The values of Obsidian's `newLinkFormat`."""


def format_target(source: str, path: str, index: Index, style: str) -> str:
    """Return a target without a note's extension, `absolute` unless of another style."""
    if style == "relative":
        return relative_target(source, path)
    if style == "shortest":
        name = strip_note_extension(file_name(path))
        return name if resolve(source, name, index.names) == path else strip_note_extension(path)
    return strip_note_extension(path)


def relative_target(source: str, path: str) -> str:
    start, end = parent_folder(source).split("/")[:-1], parent_folder(path).split("/")[:-1]
    common = count_shared(start, end)
    name = strip_note_extension(file_name(path))
    return "/".join([*[".."] * (len(start) - common), *end[common:], name])


def strip_note_extension(path: str) -> str:
    return path[:-3] if is_note(path) else path


class LinkStyle(NamedTuple):
    """The style of new links. All but `kind` and `path` is for links that have paths.

    `path` is one of `PATH_STYLES`. With `has_extension`, the target of a link to a note ends with
    `.md`. With `has_mark`, a relative target that does not begin with `../` begins with `./`, and
    an absolute one with a slash. With `is_wrapped`, a target with spaces is in angle brackets,
    else the spaces are encoded. With `keeps_letters`, letters that are not ASCII are not encoded.
    """

    kind: LinkKind
    path: str
    has_extension: bool = True
    has_mark: bool = False
    is_wrapped: bool = False
    keeps_letters: bool = True

    def format_target(self, source: str, path: str, index: Index) -> str:
        """Return the target of a link in the note at `source` to the file at `path`."""
        return self.complete_target(format_target(source, path, index, self.path), path)

    def complete_target(self, target: str, path: str) -> str:
        """Return the target of a link to a file with the style's extension and mark."""
        if not SYNTAX[self.kind].writes_paths:
            return target
        whole = add_extension(target, path, self.kind) if self.has_extension else target
        if not self.has_mark or self.path == "shortest" or whole.startswith(("../", "/")):
            return whole
        return f"{'./' if self.path == 'relative' else '/'}{whole}"

    def write_link(self, target: str, text: str, subpath: str = "") -> str:
        """Return a link that shows a text, which is left out if the link shows it anyway."""
        if not SYNTAX[self.kind].writes_paths:
            return SYNTAX[self.kind].write(target, subpath, text, False, False)
        if self.is_wrapped and " " in target + subpath:
            return f"[{text}]({wrap_destination(target + subpath)})"
        letters = self.keeps_letters
        destination = encode_destination(target, letters=letters)
        return f"[{text}]({destination}{encode_destination(subpath, '#^', letters=letters)})"


def configure_link_style(obsidian: ObsidianSettings, kind: LinkKind | None = None) -> LinkStyle:
    """Return the style of links that Obsidian's settings define, else its defaults.

    Links with paths also serve other programs, which know only paths. They are relative, unless
    Obsidian itself writes such links in this vault.
    """
    path = obsidian.new_link_format or DEFAULT_LINK_FORMAT
    kind = kind or list_kinds(use_markdown_links=bool(obsidian.use_markdown_links))[0]
    if path == DEFAULT_LINK_FORMAT and not obsidian.use_markdown_links:
        path = "relative" if SYNTAX[kind].writes_paths else path
    return LinkStyle(kind, path)


def choose_target(source: str, path: str, index: Index, style: LinkStyle) -> str | None:
    """Return the target of a new link in a style, or the full path; None for none."""
    is_shared = style.path == "shortest" and len(index.names.get(name_key(path), ())) > 1
    first = "" if is_shared else format_target(source, path, index, style.path)
    whole = strip_note_extension(path)
    for name in dict.fromkeys((first or whole, whole)):
        target = style.complete_target(name, path).strip()  # Obsidian reads it without spaces
        if resolve(source, target, index.names) == path:
            return target
    return None


def retarget_link(
    source: str, link: Link, path: str, index: Index, style: LinkStyle, subpath: str | None = None
) -> tuple[Edit, ...]:
    """Return the edits that make a link resolve to a file; none if no target works.

    The new target has the style of the link, else that of its note, else `style`. If this would
    resolve to another file or cannot be written, the target is the full path. The displayed text
    does not change. `subpath` is the new one, with its `#`, or ""; None keeps that of the link.
    """
    kept = link.subpath if subpath is None else subpath
    target_style = detect_target_style(source, link, index, style)
    if target_style == "shortest" and len(index.names.get(name_key(path), ())) > 1:
        target_style = "absolute"  # a bare name would lead elsewhere from another folder
    first, whole = format_target(source, path, index, target_style), strip_note_extension(path)
    for name in (first,) if first == whole else (first, whole):
        target = _add_form(name, link, path, style._replace(path=target_style))
        is_resolved = target_style == "shortest" and target == first != whole  # by `format_target`
        if is_resolved or resolve(source, target, index.names) == path:
            edits = rewrite_link(source, link, target, kept)
            if edits:
                return edits
    return ()


def _add_form(target: str, link: Link, path: str, style: LinkStyle) -> str:
    """Return a target with the extension and the first characters of a link's target."""
    if link.target and SYNTAX[link.kind].writes_paths:
        gets_folder = style.path == "absolute" and "/" not in link.target
        style = style._replace(
            has_extension=style.has_extension or is_note(link.target),
            has_mark=link.target.startswith(("./", "/")) or (gets_folder and style.has_mark),
        )
    elif link.target.startswith("./") and style.path == "relative":
        return target if target.startswith("../") else f"./{target}"
    return style.complete_target(target, path)


def detect_target_style(source: str, link: Link, index: Index, style: LinkStyle) -> str:
    """Return the path style of a link's target, or of `style` without evidence."""
    if link.target.startswith(("./", "../")):
        return "relative"
    if not SYNTAX[link.kind].writes_paths:
        return style.path
    if link.target.startswith("/"):
        return "absolute"
    votes = Counter(
        style
        for other, target in index.resolved_links(source)
        if target is not None and other.kind is link.kind and other.target
        for style in _list_styles(source, other.target, target)
    )
    ranked = votes.most_common(2)
    if ranked and (len(ranked) == 1 or ranked[0][1] > ranked[1][1]):
        return ranked[0][0]
    return style.path


def _list_styles(source: str, target: str, path: str) -> tuple[str, ...]:
    """Return the only style that writes a Markdown target as it is; empty if several do."""
    written = strip_note_extension(target.removeprefix("./"))
    styles = {
        "relative": relative_target(source, path),
        "absolute": strip_note_extension(path),
        "shortest": strip_note_extension(file_name(path)),
    }
    fitting = tuple(style for style, text in styles.items() if text == written)
    return fitting if len(fitting) == 1 else ()


# -- make a link follow a renamed file, heading or block, in its own style -------------------------
# The caller must read the changed note again: the edits are not checked against the text around
# the link.


def rename_link(
    path: str, link: Link, target: str, subpath: str, text: str = "", *, adds_display: bool = True
) -> Edits:
    """Return the edits that give a link another target and subpath.

    A display text stays. A wikilink without one shows the new name; if a path is added to its
    name, the name becomes the display text, unless `adds_display` is False. `text` is the text of
    the note, needed for links in properties. Empty if the link has that target already, or can't
    be found in its text.
    """
    change = SYNTAX[link.kind].follow(link, target, subpath, adds_display)
    is_same = change is not None and link.raw[change[0] : change[1]] == change[2]
    return () if change is None or is_same else place_change(path, link, change, text)


FindStyle = Callable[[str, LinkKind], LinkStyle]
"""Returns the style of new links of a kind in a note."""


class RenamedNames:
    """The names of the files of a vault before and after a rename."""

    def __init__(self, index: Index, names: PathsByName, find_style: FindStyle):
        self.index, self.names, self._find_style = index, names, find_style
        self._settled: dict[str, tuple[str, ...]] = {}

    def leads_to(self, source: str, target: str, path: str) -> bool:
        """Return True if a target resolves to a file; all paths are those afterwards."""
        return resolve(source, target, self.names) == path

    def find_target(
        self, source: str, new_source: str, link: Link, path: str, new_path: str
    ) -> str | None:
        """Return the target with which a link leads to a file afterwards.

        `source` is the note with the link, and `path` the file that it leads to; the other
        paths are those afterwards. The target stays if it still leads there and has the
        style of the link; else it is one in that style, or the full path; None if none
        leads there.
        """
        written = link.target
        if not written and path == source and new_path == new_source:
            return written
        if not SYNTAX[link.kind].writes_paths and self._is_settled(link, path, new_path):
            return written
        if self.leads_to(new_source, link.lookup_target, new_path):
            is_lost = self._loses_path(source, new_source, link, path, new_path)
            is_lost = is_lost or _has_old_spelling(written, path, new_path)
            if not is_lost and not self._becomes_ambiguous(source, new_source, link):
                return written
        if link.place is Place.CANVAS and link.lookup_target != written:
            return new_path
        targets = self._list_targets(source, new_source, link, path, new_path)
        return next((it for it in targets if self.leads_to(new_source, it, new_path)), None)

    def _is_settled(self, link: Link, path: str, new_path: str) -> bool:
        """Return True for a plain name that means the same single file, found out once."""
        written = link.lookup_target
        if "/" in written or not written:
            return False
        if written not in self._settled:
            before, after = (
                next(filter(None, map(names.get, target_keys(written))), ())
                for names in (self.index.names, self.names)
            )
            is_same = [*map(file_name, before)] == [*map(file_name, after)]
            self._settled[written] = (*before, *after) if is_same and len(before) == 1 else ()
        return self._settled[written] == (path, new_path)

    def _becomes_ambiguous(self, source: str, new_source: str, link: Link) -> bool:
        target = link.lookup_target
        is_shared = bool(resolve_with_alternatives(new_source, target, self.names)[1])
        return is_shared and not resolve_with_alternatives(source, target, self.index.names)[1]

    def _loses_path(
        self, source: str, new_source: str, link: Link, path: str, new_path: str
    ) -> bool:
        """Return True for a Markdown link that is a relative path only now.

        Obsidian also resolves it as a name, but other programs do not.
        """
        if not link.target or not SYNTAX[link.kind].writes_paths:
            return False
        if _is_relative_path(new_source, link.target, new_path):
            return False
        return self._is_relative(source, link, path)

    def _list_targets(
        self, source: str, new_source: str, link: Link, path: str, new_path: str
    ) -> list[str]:
        """Return targets that may lead to a file, the one in the link's style first."""
        written = link.target
        extension = written[-3:] if is_note(new_path) and is_note(written) else ""
        if not written:
            extension = add_extension("", new_path, link.kind)
        whole = strip_note_extension(new_path) + extension
        relative = relative_target(new_source, new_path) + extension
        name = file_name(whole)
        if written.startswith(("./", "../")):
            is_dotted = written.startswith("./") or not SYNTAX[link.kind].writes_paths
            dotted = relative if relative.startswith("../") else f"./{relative}"
            return [dotted if is_dotted else relative, dotted, whole, f"/{whole}"]
        if written.startswith("/"):
            first = "/" + whole
        elif self._is_relative(source, link, path):
            first = relative
        elif "/" not in written:
            first = name if len(self.names.get(name_key(new_path), ())) == 1 else whole
        elif normalize_name(strip_note_extension(written)) == normalize_name(
            strip_note_extension(path)
        ):
            first = whole
        else:  # the end of a path
            first = "/".join(whole.split("/")[-1 - written.count("/") :])
            if resolve_with_alternatives(new_source, first, self.names)[1]:
                first = whole
        return [first, whole, "/" + whole]

    def _is_relative(self, source: str, link: Link, path: str) -> bool:
        """Return True for a Markdown link that is a relative path from its note's folder."""
        if not SYNTAX[link.kind].writes_paths or link.place is Place.CANVAS:
            return False
        if link.target and not _is_relative_path(source, link.target, path):
            return False
        style = self._find_style(source, link.kind)
        return detect_target_style(source, link, self.index, style) == "relative"


def _has_old_spelling(written: str, path: str, new_path: str) -> bool:
    """Return True if a target spells a path whose case or Unicode form changes."""
    if path == new_path or normalize_name(path) != normalize_name(new_path):
        return False
    names = strip_note_extension(written).lstrip("./").split("/")
    before, after = (
        strip_note_extension(item).split("/")[-len(names) :] for item in (path, new_path)
    )
    return names == before != after


def _is_relative_path(source: str, target: str, path: str) -> bool:
    """Return True if a target is the path of a file from the folder of a note."""
    relative = relative_target(source, path)
    written = target.removeprefix("./")
    whole = relative + path[-3:] if is_note(path) else relative
    return normalize_name(written) in (normalize_name(relative), normalize_name(whole))


# -- find what a query names, and write its name in the query --------------------------------------


_NEEDS_CARE = lazy_pattern(r"""["'\\\[\]|#^<>{}$\x00-\x1f]|: """)
"""Text that needs quotes or escapes in one of the places where a query may stand."""


def find_query_target(query: QueryName, source: str, index: Index) -> str | None:
    """Return the file, or the folder in lower case with a slash, that a query names."""
    if query.kind == "note":
        return resolve(source, query.text, index.names)
    files, path = index.files_by_path, normalize_name(query.text)
    if query.kind in FOLDER_KINDS and f"{path}/" in files:
        return f"{path}/"
    if query.kind == "folder":
        return None
    found = files[path] or (files[f"{path}.md"] if query.kind == "source" else ())
    return found[0] if found else None


def is_plain_name(text: str) -> bool:
    """Return True if a query can contain a name as it is, whatever surrounds it."""
    return text.strip() == text != "" and _NEEDS_CARE.search(text) is None


def rename_in_query(query: QueryName, source: str, path: str, names: PathsByName) -> str | None:
    """Return the name of a file that a query named by another path.

    A note gets an extension only if it had one. It gets a folder only if it had one, or if the
    name is ambiguous. None if the name can't be written as it is.
    """
    keeps_extension = query.kind == "path" or query.text.lower().endswith(".md")
    name = path if keeps_extension else strip_note_extension(path)
    if query.kind == "note":
        if "/" not in query.text and len(names.get(name_key(path), ())) == 1:
            name = file_name(name)
        if resolve(source, name, names) != path:
            return None
    return name if is_plain_name(name) else None


def find_named_by_display(link: Link, source: str, index: Index) -> str | None:
    """Return the only note that the display text of an unresolved wikilink names.

    Some programs write the display text first, as Dendron does: `[[fear|state.fear]]`. The text
    must look like a file's name, and the target must not, or be the last part of it.
    """
    display = (link.display or "").strip()
    if link.embed or not is_wikilink(link) or not FILE_LIKE.fullmatch(display):
        return None
    is_last_part = spelling_key(display.rpartition(".")[2]) == spelling_key(link.target)
    if names_period(display) or (FILE_LIKE.fullmatch(link.target) and not is_last_part):
        return None
    path, others = resolve_with_alternatives(source, display, index.names)
    return path if path not in (None, source) and not others and is_note(path or "") else None
