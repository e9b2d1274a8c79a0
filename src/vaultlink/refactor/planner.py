"""Plan renames: the files that move, and the texts that change with them."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from vaultlink.engine.step import State
from vaultlink.fix.plan import NamedPlace, Plan, Rename, RenameKind
from vaultlink.fix.sources import FixInputs
from vaultlink.index.index import Index
from vaultlink.index.resolve import file_name, is_canvas
from vaultlink.model import Edit, QueryName
from vaultlink.refactor.plan_link_edits import find_sources
from vaultlink.refactor.refactoring import EditsByPath, Refactoring, merge_edits
from vaultlink.refactor.relocation import RefusedError, Relocation, list_emptied_folders
from vaultlink.refactor.subpaths import plan_anchor_renames
from vaultlink.refactor.tags import (
    RenamedQuery,
    find_renamed_queries,
    find_tagged_notes,
    plan_tag_rename,
)
from vaultlink.text import lazy_pattern


def find_mentioned_words(rename: Rename) -> frozenset[str]:
    """Return the words by which a base may name it; `a/` stands for all below."""
    if rename.kind is RenameKind.TAG:
        tag = rename.old.removeprefix("#")
        return frozenset((tag, f"{tag}/"))
    if rename.kind is RenameKind.FOLDER:
        return frozenset((rename.old, f"{rename.old}/"))
    if rename.kind in (RenameKind.NOTE, RenameKind.ATTACHMENT):
        names = (rename.old, file_name(rename.old))
        return frozenset((*names, *(re.sub(r"\.md$", "", name, flags=re.I) for name in names)))
    return frozenset()


def find_base_mentions(
    path: str, text: str, names: Collection[str], tags: Collection[str] = ()
) -> tuple[NamedPlace, ...]:
    """Return the lines of a base that name a file, folder or tag, in any case.

    A word counts as a text in quotes or as the target of a link, such as `file.hasTag("word")`,
    `link("word")`, `file.inFolder("word")` or `[[word#Heading]]`. The columns are those of the
    words. `names` and `tags` are words of `find_mentioned_words`.
    """
    searches = [
        (_compile_words(words, sign), other_call)
        for words, sign, other_call in ((names, "", _TAG_CALL), (tags, "#?", _FILE_CALL))
        if words
    ]
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        columns = [
            match.start(match.lastindex or 0) + 1
            for words, other_call in searches
            for match in words.finditer(line)
            if not other_call.search(line[: match.start()])
        ]
        if columns:
            found.append(NamedPlace(path, number, min(columns), line.strip()))
    return tuple(found)


def _compile_words(words: Collection[str], sign: str) -> re.Pattern[str]:
    ordered = sorted(words, key=lambda word: (-len(word), word))
    endings = {word: "" if word.endswith("/") else _BEHIND for word in ordered}
    parts = [rf"(?<=[\"'\[]){sign}({re.escape(word)}){endings[word]}" for word in ordered]
    return re.compile("|".join(parts), re.IGNORECASE)


_BEHIND = r"(?=[\"'\]#|\\])"
"""The end of a text in quotes or of a link's target."""
_TAG_CALL = lazy_pattern(r"\bhasTag\([^()]*$")
_FILE_CALL = lazy_pattern(r"\b(?:inFolder|hasLink|link|file|image)\([^()]*$")
"""The beginning of a call whose arguments are tags; files and folders."""


def plan_renames(
    state: State,
    sources: FixInputs,
    renames: Sequence[Rename],
    moves: Mapping[str, str],
    files: Mapping[str, str],
    *,
    queries: bool = False,
    adds_display: bool = True,
) -> Plan:
    """Plan renames, all of them at once. Does not write.

    `moves` and `files` are those of the plan. With `queries`, the names in queries are changed too.
    A wikilink to which a path is added shows the name as before, unless `adds_display` is False.
    Notes whose links should change and can't are in `skipped`. Raises RefusedError if a heading,
    block or tag can't be renamed, or a link would lose its meaning.
    """
    renaming = _Renaming(state, sources, files)
    renaming.adds_display = adds_display
    return renaming.plan(renames, moves, queries=queries)


class _Renaming(Refactoring):
    def plan(self, renames: Sequence[Rename], moves: Mapping[str, str], *, queries: bool) -> Plan:
        own = self._plan_anchors(renames)
        defining = frozenset(own)
        tags, skipped = self._plan_tags(renames)
        named = list(find_renamed_queries(self.index, renames, self.files, self.names))
        writable = [item for item in named if queries and item.path not in skipped]
        own = merge_edits(merge_edits(own, tags), self._plan_queries(writable))
        relocation = Relocation(self.files, self.names, self.find_destination)
        links = self.follow_links(relocation, find_sources(self.index, relocation), own)
        edits = merge_edits(own, links.edits)
        skipped = {path: self.sources.explain(path) for path in links.skipped} | skipped
        while True:
            after, affected = self.step(edits, {})
            paths = {self.path_before(path) for path in affected}.difference(skipped)
            broken = {item.path: item.problem for item in self.find_broken(edits, after, paths)}
            if not broken:
                break
            if broken.keys() & (defining | self.files.keys()) or not broken.keys() <= edits.keys():
                raise RefusedError(_describe_broken(broken))
            edits = {path: group for path, group in edits.items() if path not in broken}
            skipped |= {path: f"its links can't be changed: {broken[path]}" for path in broken}
        return replace(
            self.complete(edits, after, {}, skipped),
            moves=moves,
            emptied=tuple(list_emptied_folders(renames, moves)),
            required=defining,
            renames=tuple(renames),
            captured=(*links.captured, *self.find_captured(defining)),
            unchanged=self._list_unchanged(renames, named, edits),
        )

    def _plan_queries(self, named: Iterable[RenamedQuery]) -> EditsByPath:
        edits: dict[str, list[Edit]] = {}
        for path, query, name in named:
            if name is not None and self.sources.find_text(path) is not None:
                edits.setdefault(path, []).append(Edit(path, query.start, query.end, name))
        return {path: tuple(group) for path, group in edits.items()}

    def _list_unchanged(
        self, renames: Sequence[Rename], named: Sequence[RenamedQuery], edits: EditsByPath
    ) -> tuple[NamedPlace, ...]:
        """Return the places that keep an old name, one for each line at most, in order."""
        places = {(item.path, item.line): item for item in find_mentions(self.index, renames)}
        edited = {(path, edit.start) for path, group in edits.items() for edit in group}
        for item in named:
            if (item.path, item.query.start) in edited:
                places.pop((item.path, item.query.line), None)
        for path, query, _ in named:
            if (path, query.start) not in edited:
                places.setdefault((path, query.line), self._locate_query(path, query))
        return tuple(places[key] for key in sorted(places))

    def _locate_query(self, path: str, query: QueryName) -> NamedPlace:
        text = self.sources.text(path) or ""
        line = text[query.start - query.column + 1 :].partition("\n")[0].strip()
        return NamedPlace(path, query.line, query.column, line or query.text)

    def _plan_anchors(self, renames: Sequence[Rename]) -> EditsByPath:
        groups: dict[str, list[tuple[str, str]]] = {}
        for item in renames:
            if item.kind in (RenameKind.HEADING, RenameKind.BLOCK):
                path = self._find_file(item.old)
                parents = item.old.rpartition("#")[0] + "#"
                own = parents if item.new.startswith(parents) else f"{path}#"
                name = item.new[len(own) :]
                name = name.removeprefix("^") if item.kind is RenameKind.BLOCK else name
                groups.setdefault(path, []).append((item.old[len(path) :], name))
        edits = {}
        for path, group in groups.items():
            text = self.sources.find_text(path)
            if text is None:
                reason = self.sources.explain(path)
                raise RefusedError(f"{path} can't be changed: {reason}. Nothing was written.")
            note, parse = self.index.notes[path], partial(self.parse, path)
            edits[path], self.maps[path] = plan_anchor_renames(note, text, group, parse)
        return edits

    def _find_file(self, name: str) -> str:
        """Return the path before the heading or block in a name such as `a.md#b`."""
        at = name.find("#")
        while at != -1 and name[:at] not in self.index.notes:
            at = name.find("#", at + 1)
        return name[:at]

    def _plan_tags(self, renames: Sequence[Rename]) -> tuple[EditsByPath, dict[str, str]]:
        edits: EditsByPath = {}
        skipped: dict[str, str] = {}
        renames = [item for item in renames if item.kind is RenameKind.TAG]
        # The tags of canvases are not indexed.
        canvases = list(filter(is_canvas, self.index.notes)) if renames else []
        for item in renames:
            old, new = item.old.removeprefix("#"), item.new.removeprefix("#")
            for path in [*find_tagged_notes(self.index, old), *canvases]:
                note, text = self.index.notes[path], self.sources.find_text(path)
                if text is None:
                    seen = self.sources.peek(path) if is_canvas(path) else None
                    if seen is None or plan_tag_rename(path, note, seen, old, new) != ():
                        skipped[path] = self.sources.explain(path)
                    continue
                found = plan_tag_rename(path, note, text, old, new)
                if found is None:
                    skipped[path] = "its tags can't be changed safely"
                elif found:
                    edits = merge_edits(edits, {path: found})
        return edits, skipped


def find_mentions(index: Index, renames: Sequence[Rename]) -> Iterator[NamedPlace]:
    """Yield the places in bases that name what is renamed."""
    names, tags = set[str](), set[str]()
    for item in renames:
        (tags if item.kind is RenameKind.TAG else names).update(find_mentioned_words(item))
    for path in sorted(path for path in index.files if path.lower().endswith(".base")):
        note = index.notes.get(path)
        text = note.property_value("base") if note else None
        if isinstance(text, str):
            yield from find_base_mentions(path, text, names, tags)


def _describe_broken(broken: Mapping[str, str]) -> str:
    path, problem = min(broken.items())
    others = f" There are problems in {len(broken) - 1} more notes." if len(broken) > 1 else ""
    return f"{path}: {problem}. Nothing was written.{others}"
