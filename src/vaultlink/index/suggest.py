"""Suggest files for a broken link by title, alias, spelling or similar name."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain

import msgspec

from vaultlink.index.file_kinds import is_in_other_vault, is_same_kind
from vaultlink.index.index import (
    FOLDER_NOTES,
    Index,
    folder_note_name,
    link_name,
    list_file_names,
)
from vaultlink.index.near_names import (
    MIN_SLIP,
    NearKeys,
    TargetUse,
    build_near_keys,
    find_first_part,
    find_renamed,
    is_near,
    list_named_files,
    list_names,
    list_titles,
    may_be_slip,
    normalize_words,
)
from vaultlink.index.resolve import (
    PathsByName,
    file_name,
    find_languages,
    is_same_name,
    list_outer_folders,
    name_key,
    normalize_name,
    parent_folder,
    resolve,
    spelling_key,
    target_keys,
)
from vaultlink.index.vocabulary import (
    STORED_WORDS,
    Vocabulary,
    find_changed_words,
    list_searchable_targets,
)
from vaultlink.index.words import (
    MIN_LETTERS,
    count_letters,
    is_case_variant,
    is_same_spelling,
    may_lack_accents,
    names_period,
    split_name,
)
from vaultlink.model import Diagnostic, Suggestion
from vaultlink.text import count_shared, group_by, lazy_pattern, strip_accents

# -- suggest files for a broken link by title, alias, spelling or similar name ---------------------
# A target is not compared with every name. Names that may be near share a key with it, and only
# these are scored. Names are prepared once and then updated from index to index.


_EXACT_SCORE, _SPELLING_SCORE, _JOINED_SCORE = 1.0, 0.95, 0.94
"""Scores of an equal title or alias, of a name with the same words, and of one whose words are
joined or separated differently."""

_RESPELT_TITLE_SCORE = 0.93
"""Score of a title or alias with the same words."""

_LEAST_NEAR_SCORE = 0.75
"""Least score of a near name, whose letters may differ much, as in `Lee, Ann` and `Ann Lee`."""

_MAX_REMEMBERED = 1 << 13
"""Number of targets whose similar names are cached.

The limit bounds the memory of a process that runs for weeks.
"""


class Suggester:
    """Suggests files for targets; remembers the similar names of each."""

    is_weak = True

    def __init__(self, index: Index):
        self._index, self._names, self._notes = index, index.names, index.notes
        self._recalled: dict[tuple[str, int], tuple[Suggestion, ...]] = {}
        self._near_names: dict[str, Collection[str]] = {}

    def __call__(self, target: str, limit: int = 3) -> tuple[Suggestion, ...]:
        """Return the files that a broken link's target may mean, best first.

        Returns nothing if the target resolves, or if no file is likely.
        """
        found = self.look_up(target, limit)
        return self._recall_nearest(target, limit) if found is None else found

    def look_up(self, target: str, limit: int = 3) -> tuple[Suggestion, ...] | None:
        """Return the files that a target may mean, or None if it may have a near name.

        Unlike near names, the result depends only on the names, titles and aliases of files.
        """
        is_relative = target.startswith(("./", "../"))  # it resolves from some notes only
        if (not is_relative and resolve("", target, self._names)) or is_in_hidden_folder(target):
            return ()
        if "|" in target and (path := resolve("", _SIZE.sub("", target), self._names)):
            return (Suggestion(path, "respelling", _SPELLING_SCORE),)
        placed = self._match_folders(target)
        if placed is not None:
            return placed
        spelled = list(self._match_spelling(target))
        if spelled:
            return _take_best(spelled, limit)
        text = link_name(file_name(target))
        if self._find_names(text):
            return None
        about = self._folder_notes.get(spelling_key(target), ()) if target == text else ()
        is_one = len(about) == 1 and _is_distinctive(text, in_same_folder=False)
        return (Suggestion(about[0], "folder", _JOINED_SCORE),) if is_one else ()

    def _find_names(self, text: str) -> Collection[str]:
        if text not in self._near_names:
            if len(self._near_names) >= _MAX_REMEMBERED:
                self._near_names.clear()
            self._near_names[text] = self._index.derive(build_near_keys).find(text) or ()
        return self._near_names[text]

    def suggest_unscored(self, target: str) -> tuple[Suggestion, ...]:
        """Return all files that a target may mean; near names have the least score."""
        found = self.look_up(target)
        if found is not None:
            return found
        near = self._find_near(target)
        return tuple([Suggestion(path, "near", _LEAST_NEAR_SCORE) for path, _ in near])

    def find_slip(self, target: str) -> str | None:
        """Return the only file whose name, alias or title a letter tells from a target's name.

        Such a name is too short, or the words too common, to take the target for a slip.
        """
        text = link_name(file_name(target))
        near = self._find_names(text)
        if not near:
            return None
        is_known = self._index.derive(Vocabulary).is_known
        names = {
            name for name in near if may_be_slip(text, name, lambda word: is_known(word, target))
        }
        paths = {path for name in names for path in list_named_files(self._index, name)}
        found = [path for path in paths if is_same_kind(target, path)]
        return found[0] if len(found) == 1 else None

    def prepare_near_names(self) -> None:
        for compute in STORED_WORDS:
            if compute is not list_searchable_targets:  # only changes need these
                self._index.derive(compute)

    # -- another folder --------------------------------------------------------------------------

    def _match_folders(self, target: str) -> tuple[Suggestion, ...] | None:
        """Return the file with the name of a target that contains another path.

        None if no file has the name; empty if it is not clear which file is meant. That is so for a
        path from the root, which may be a site's, and for two names with a slash between them.
        """
        name = file_name(target)
        if name == target:
            return None
        if not name:
            return self._match_folder_note(target)
        folders, key = _split_folders(target), name_key(link_name(name))
        if f"{key}.md" in FOLDER_NOTES and (key not in _COMMON_NAMES or len(folders) > 1):
            about = self._match_folder_note(f"{parent_folder(target)}/")
            if about is not None:
                return about
        found = next(filter(None, map(self._names.get, target_keys(name))), ())
        if not found:
            return None
        if (
            target.startswith("/")
            or (len(folders) == 1 and self._index.files_spelled(folders[0]))
            or (folders and folders[-1] in _SITE_FOLDERS)
        ):
            return ()
        ranked = sorted((-count_shared(folders, _split_folders(path)), path) for path in found)
        shared = -ranked[0][0]
        if len(ranked) > 1 and shared == -ranked[1][0]:
            return ()
        if shared < 2 and not _is_distinctive(link_name(ranked[0][1]), bool(shared)):
            return ()
        return (Suggestion(ranked[0][1], "folder", _SPELLING_SCORE),)

    def _match_folder_note(self, target: str) -> tuple[Suggestion, ...] | None:
        """Return the note about the folder that a target with a slash at its end names.

        None if there is none; empty if folders of one name have such notes. A path from the root,
        which may be a site's, must name two folders.
        """
        folders = _split_folders(target)
        if len(folders) <= target.startswith("/") or not folders or folders[0] in _SITE_FOLDERS:
            return None
        found: dict[tuple[str, ...], str] = {}
        for key in _list_folder_note_keys(target):
            for path in self._names.get(key, ()):
                place = _split_folders(path)
                if place[: len(folders)] == folders:
                    found.setdefault(tuple(place), path)
        if len(found) > 1:
            return ()
        return tuple(Suggestion(path, "folder", _SPELLING_SCORE) for path in found.values()) or None

    @cached_property
    def _folder_notes(self) -> Mapping[str, Sequence[str]]:
        """Return the notes about folders by the spelling keys of their names."""
        paths = chain.from_iterable(self._names.get(key, ()) for key in FOLDER_NOTES)
        return group_by(paths, lambda path: spelling_key(folder_note_name(path)))

    # -- same spelling ---------------------------------------------------------------------------

    def _match_spelling(self, target: str) -> Iterator[Suggestion]:
        for text in dict.fromkeys((target, link_name(file_name(target)))):
            key = spelling_key(text)
            for path in self._index.files_spelled(key) if key else ():
                if is_same_kind(target, path):
                    yield from self._match_names(path, text)

    def _match_names(self, path: str, text: str) -> Iterator[Suggestion]:
        score = _score_spelling(text, link_name(path))
        if score:
            yield Suggestion(path, "respelling", score)
        note = self._notes.get(path)
        if names_period(text) or text.lower() in _COMMON_NAMES:
            return  # the note of a day or of a folder, which may not be written yet
        for reason, name in list_titles(note) if note else ():
            equal = normalize_name(name) == normalize_name(text)
            if equal or (_is_title_variant(text, name) and not _is_in_hierarchy(path, text)):
                yield Suggestion(path, reason, _EXACT_SCORE if equal else _RESPELT_TITLE_SCORE)

    # -- similar names ---------------------------------------------------------------------------

    def _recall_nearest(self, target: str, limit: int) -> tuple[Suggestion, ...]:
        cache, query = self._recalled, (target, limit)
        if query not in cache:
            if len(cache) >= _MAX_REMEMBERED:
                cache.clear()
            cache[query] = _take_best(self._match_near_names(target), limit)
        return cache[query]

    def _match_near_names(self, target: str) -> Iterator[Suggestion]:
        found = self._find_near(target)
        if not found:
            return
        from rapidfuzz.fuzz import ratio  # noqa: PLC0415 - only where suggestions are shown

        text = normalize_words(link_name(file_name(target)))
        for path, name in found:
            score = max(round(ratio(text, normalize_words(name)) / 100, 2), _LEAST_NEAR_SCORE)
            yield Suggestion(path, "near", min(score, _RESPELT_TITLE_SCORE - 0.01))

    def _find_near(self, target: str) -> list[tuple[str, str]]:
        """Return the files with names near the target, in the innermost of its folders.

        Each has the name that is near. If there are none, the only name that begins with the
        target, before a subtitle, is near.
        """
        text, folders = link_name(file_name(target)), _split_folders(target)
        vocabulary = self._index.derive(Vocabulary)
        use = TargetUse(
            lambda word: vocabulary.is_known(word, target), lambda: vocabulary.is_topic(target)
        )
        names = self._find_names(text)
        paths = {path for name in names for path in list_named_files(self._index, name)}
        found = [
            (path, name)
            for path in sorted(paths)
            if is_same_kind(target, path)
            and (not folders or count_shared(folders, _split_folders(path)))
            for name in self._list_names(path, text)
        ]
        near = [(path, name) for path, name in found if is_near(text, name, use)]
        if not near:
            words = split_name(text)
            near = [(path, name) for path, name in found if find_first_part(name) == words != ()]
            near = near if len({path for path, _ in near}) == 1 else []
        return near

    def _list_names(self, path: str, text: str) -> Iterator[str]:
        yield link_name(path)
        note = self._notes.get(path)
        if note is not None and not _is_in_hierarchy(path, text):
            yield from (name for _, name in list_titles(note))


_SIZE = lazy_pattern(r"\|\d+(?:x\d+)?$")
"""The size of a picture, which belongs into the brackets before an address."""


def is_in_hidden_folder(target: str) -> bool:
    """Return True if a folder of a target has a dot before its name, which Obsidian hides."""
    return "." in target and any(
        part[0] == "." and part.strip(".") for part in target.split("/")[:-1] if part
    )


def list_unresolved(findings: Iterable[Diagnostic], names: PathsByName) -> list[str]:
    """Return the targets of findings that do not resolve from one of their notes."""
    unresolved: dict[str, None] = {}
    for item in findings:
        target = item.target
        if (
            target is not None
            and target not in unresolved
            and resolve(item.path, target, names) is None
        ):
            unresolved[target] = None
    return list(unresolved)


def drop_own_names(
    found: Sequence[Suggestion], target: str, source: str, vaults: Iterable[str]
) -> list[Suggestion]:
    """Return suggestions without the note that contains the link, and its companions.

    A name of another vault, in one of these nested folders or around it, is not near either.
    There are none if the link has another name of that note. A target that consists of that note's
    name and more is a companion of the note: none is near.
    """
    if not found or any(item.path == source and item.reason != "near" for item in found):
        return []  # the note itself may be meant
    own = link_name(source).casefold()
    is_companion = len(target) > len(own) and target.casefold().startswith(own)
    return [
        item
        for item in found
        if item.path != source
        and not (
            item.reason == "near" and (is_companion or is_in_other_vault(source, item.path, vaults))
        )
    ]


def find_closed_vaults(vaults: Sequence[str], index: Index) -> Sequence[str]:
    """Return the nested vaults that are borders for near names.

    The settings of one that links of the vault cross are left over: nobody opens it by itself.
    """
    if not vaults:
        return vaults
    count = index.tally(_list_crossed_folders, on_targets=True)
    return [
        vault
        for vault in vaults
        if count[f"<{vault}/"] < _MIN_CROSSING
        or count[f"<{vault}/"] * _CROSSING_SHARE < count[f"={vault}/"]
    ]


_MIN_CROSSING, _CROSSING_SHARE = 3, 20
"""Links that cross the border of a vault, and one in so many of those from and into it."""


def _list_crossed_folders(index: Index, path: str) -> Iterator[str]:
    """Yield, for each link to another file, the folders around an end: `<` if it is only one."""
    own = set(list_outer_folders(path))
    for target in index.targets[path]:
        if target is not None and target != path:
            others = set(list_outer_folders(target))
            yield from [f"={folder}/" for folder in own | others]
            yield from [f"<{folder}/" for folder in own ^ others]


def prefer_own_tree(found: Sequence[Suggestion], source: str, index: Index) -> Sequence[Suggestion]:
    """Return suggestions with those of other trees replaced by their twins in that of the source.

    Trees are the folders of languages, or of courses and projects with files of equal names. The
    source is no twin of what it links to: such a suggestion is left out.
    """
    best: dict[str, Suggestion] = {}
    for item in found:
        twin = _find_own_twin(item, source, index)
        best.setdefault(twin or item.path, msgspec.structs.replace(item, path=twin or item.path))
    best.pop(source, None)
    return list(best.values())


def _find_own_twin(item: Suggestion, source: str, index: Index) -> str | None:
    """Return the file that a suggestion means in the tree of the source; None if it is there.

    It has the same path in its tree. In another language, it may have only the same name or `slug`.
    Elsewhere the name must be that by which the file was found: titles tell courses apart.
    """
    folders, own = item.path.split("/")[:-1], source.split("/")[:-1]
    shared = count_shared(folders, own)
    if shared in (len(own), len(folders)):
        return None
    tree = "".join(f"{folder}/" for folder in own[: shared + 1])
    path = tree + "/".join(item.path.split("/")[shared + 1 :])
    if not find_languages(source, item.path):
        return path if path in index.files and not _is_found_otherwise(item, index) else None
    if path in index.files:
        return path
    group = index.names.get(name_key(item.path), ())
    twins = [twin for twin in group if twin.startswith(tree)]
    twins = twins or _find_same_slug(item.path, tree, index)
    return twins[0] if len(twins) == 1 else None


def _is_found_otherwise(item: Suggestion, index: Index) -> bool:
    """Return True if a title, an alias or a path, not the name of a file, may have led to it."""
    if item.reason != "near":
        return item.reason != "respelling"
    note, name = index.notes.get(item.path), split_name(link_name(item.path))
    titles = list_titles(note) if note else ()
    return any(split_name(title) != name for _, title in titles)


def _find_same_slug(path: str, tree: str, index: Index) -> list[str]:
    """Return the notes in a tree that have the `slug` of a note."""
    by_slug = index.derive(_group_by_slug)
    slugs = [slug for slug, paths in by_slug.items() if path in paths]
    return [twin for slug in slugs for twin in by_slug[slug] if twin.startswith(tree)]


def _group_by_slug(index: Index) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path, note in index.notes.items():
        if note.properties and isinstance(slug := note.property_value("slug"), str):
            found.setdefault(slug, []).append(path)
    return found


def rank_similar(text: str, names: Sequence[str], least: float, limit: int) -> list[int]:
    """Return the numbers of the names similar to a text, most similar first.

    `least` is their least likeness, in percent.
    """
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - only for what is misspelt

    found = process.extract(text, names, scorer=fuzz.ratio, score_cutoff=least, limit=limit)
    return [number for _, _, number in found]


def _take_best(found: Iterable[Suggestion], limit: int) -> tuple[Suggestion, ...]:
    best: dict[str, Suggestion] = {}
    for item in found:
        if item.path not in best or best[item.path].score < item.score:
            best[item.path] = item
    return tuple(sorted(best.values(), key=lambda item: (-item.score, item.path))[:limit])


_COMMON = "index readme untitled home main note notes todo license image claude agents"
_COMMON_NAMES = frozenset(_COMMON.split())
"""Names that many folders have, so that a file elsewhere is another one."""


def _list_folder_note_keys(target: str) -> tuple[str, ...]:
    """Return the name keys of notes about the folder that a target names, best first."""
    return (*FOLDER_NOTES, f"{name_key(target.rstrip('/'))}.md")


_SITE_FOLDERS = frozenset(("tag", "tags", "category", "categories"))
"""Folders that only published sites have: they list the pages with a tag."""


def _is_distinctive(name: str, in_same_folder: bool) -> bool:
    """Return True if a name identifies a file, alone or in a folder of one name."""
    words = [word for word in split_name(name) if word.isalpha()]
    return (in_same_folder or count_letters(words) > 2) and not (
        words and _COMMON_NAMES.issuperset(words)
    )


_WEAK_SIGNS = frozenset("./-&")


def _is_weak(word: str) -> bool:
    """Return True for words, numbers, and signs that people leave out.

    Other signs change the meaning of a name, as in `C++`.
    """
    return word.isalnum() or word in _WEAK_SIGNS


def _score_spelling(text: str, name: str) -> float:
    if is_same_spelling(text, name):
        return _SPELLING_SCORE
    if is_slug(text, name):
        return _JOINED_SCORE
    words, others = split_name(text), split_name(name)
    strong = [[word for word in part if not _is_weak(word)] for part in (words, others)]
    if strong[0] != strong[1] or not is_same_name(text, name) or count_letters(words) < MIN_LETTERS:
        return 0.0
    if not may_lack_accents(text, name):
        return 0.0
    return _JOINED_SCORE


_LEVELS = 3
"""Parts of a name with dots that is a path in a hierarchy, as Dendron writes it."""


def _is_in_hierarchy(path: str, text: str) -> bool:
    """Return True for a name such as `a.b.c`, whose title says little without `a.b`."""
    return "." not in text and link_name(path).count(".") >= _LEVELS - 1


def _is_title_variant(text: str, name: str) -> bool:
    """Return True if a text is a title or alias in another case or spelling.

    In a single short word, accents make another word, as in `is_same_spelling`.
    """
    if not text.isascii() or not name.isascii():
        words = split_name(text)
        if not may_lack_accents(text, name) or (
            len(words) == 1 and words == split_name(name) and not is_same_spelling(text, name)
        ):
            return False
    return is_case_variant(text, name) or _is_loose_variant(text, name) or is_slug(text, name)


_SLUG = lazy_pattern(r"[a-z0-9]+(?:-[a-z0-9]+)+|[a-z0-9]+(?:_[a-z0-9]+)+")
_NOT_IN_SLUG = lazy_pattern(r"[^a-z0-9]+")
_MIN_SLUG_PARTS = 3


def is_slug(text: str, name: str) -> bool:
    """Return True if a text is the slug of a name, as programs write it: `ann-s-day`."""
    separator = "-" if "-" in text else "_"
    if text.count(separator) < _MIN_SLUG_PARTS - 1 or not _SLUG.fullmatch(text):
        return False
    return _NOT_IN_SLUG.sub(separator, strip_accents(name).lower()).strip(separator) == text


def _is_loose_variant(text: str, name: str) -> bool:
    """Return True if a text has the words of a long title, but not its signs."""
    words, others = (
        [word for word in split_name(part) if word not in _WEAK_SIGNS] for part in (text, name)
    )
    return words == others and len(words) > 1


def _split_folders(path: str) -> list[str]:
    """Return the spelling keys of a path's folders, the innermost first."""
    parts = (part for part in parent_folder(path).split("/") if part not in ("", ".", ".."))
    return [spelling_key(part) for part in parts][::-1]


# -- suggestions of an earlier run, as far as they still hold --------------------------------------
# A suggestion that was found by looking up names depends only on the names, titles and aliases of
# the files. If some of them change, only the targets that may mean one of these are looked up
# again.


_MAX_CHANGED = 1_000
"""Number of files with changed names above which nothing is kept."""

_MAX_SURPLUS = 2
"""Number of kept suggestions, as a multiple of those that a run asks for."""

_NamesByPath = Mapping[str, tuple[str, ...]]
"""Path of each file to the title of the note, "" for none, and its aliases."""


class KeptSuggestions(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Suggestions by target, and what they depend on.

    `vault_key` identifies the state of the vault, `names` the names in it. `near` are the targets
    that were compared with near names: their suggestions also depend on words in notes.
    """

    vault_key: bytes = b""
    names: _NamesByPath = {}
    answers: dict[str, tuple[Suggestion, ...]] = {}
    near: list[str] = []

    @classmethod
    def decode(cls, data: bytes | None) -> "KeptSuggestions":
        """Return stored suggestions; none if there are none or they are damaged."""
        try:
            return msgspec.msgpack.decode(data or b"", type=cls)
        except (msgspec.MsgspecError, ValueError):
            return cls()

    def select_valid(self, names: _NamesByPath) -> "KeptSuggestions":
        """Return the suggestions that are those of a vault with these names."""
        old = self.names
        changed = [path for path in {**old, **names} if old.get(path) != names.get(path)]
        answers: dict[str, tuple[Suggestion, ...]] = {}
        if len(changed) <= _MAX_CHANGED:
            answers = dict(self.answers)
            for target in self.near:
                del answers[target]
        if changed and answers:
            changes = _ChangedNames(_list_names_at(old, changed), _list_names_at(names, changed))
            answers = {
                target: found for target, found in answers.items() if not changes.concern(target)
            }
        return KeptSuggestions(b"", names, answers, [])

    def with_answers(
        self,
        vault_key: bytes,
        answers: Mapping[str, tuple[Suggestion, ...]],
        near: Iterable[str],
        targets: Collection[str],
    ) -> "KeptSuggestions":
        """Return these and more suggestions.

        If there are many for other targets, only those for `targets` are kept.
        """
        known = {**self.answers, **answers}
        if len(known) > _MAX_SURPLUS * len(targets):
            known = {target: known[target] for target in targets}
        others = [target for target in (*self.near, *near) if target in known]
        return KeptSuggestions(vault_key, self.names, known, others)


def list_names_by_path(index: Index) -> dict[str, tuple[str, ...]]:
    titled = {
        path: (note.title or "", *note.aliases)
        for path, note in index.notes.items()
        if note.properties
    }
    return dict.fromkeys(index.files, ()) | titled


def _list_names_at(names: _NamesByPath, paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        if path in names:
            found.update(
                filter(None, (*list_file_names(path), folder_note_name(path), *names[path]))
            )
    return found


def find_affected_sources(before: Index, after: Index, changed: Iterable[str]) -> set[str]:
    """Return the notes with unresolved targets whose suggestions may differ.

    `changed` are the paths of the files that were changed, added or removed.
    """
    changed = list(changed)
    words = {word for word in find_changed_words(before, after, changed) if len(word) >= MIN_SLIP}
    renamed = find_renamed(before, after)
    if not (words or renamed):
        after.keep_answers(before)
    if not (words or renamed) or not after.unresolved_sources:
        return set()
    indexes, targets = (before, after), after.derive(list_searchable_targets)
    own = set(changed)  # these notes are affected anyway
    doubtful = {
        target
        for target in targets.find_with_words(words)
        if not own.issuperset(after.unresolved_sources.get(target, ()))
    }
    affected = {
        target
        for target in doubtful
        if any(
            index.derive(build_near_keys).find(link_name(file_name(target))) for index in indexes
        )
    }
    names = {name for index in indexes for path in renamed for name in list_names(index, path)}
    affected.update(*map(targets.find_near, names))
    if renamed:  # the notes that mention one of the names are affected anyway
        all_names = {name for index in indexes for name in _list_all_names(index, renamed)}
        concern = _ChangedNames(set(), all_names).concern
        affected.update(
            target for target in targets.list_odd() if "/" in target and concern(target)
        )
    return {source for target in affected for source in after.unresolved_sources.get(target, ())}


def _list_all_names(index: Index, paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        if path in index.files:
            yield from list_file_names(path)
            yield from filter(None, (folder_note_name(path),))
            note = index.notes.get(path)
            yield from (name for _, name in list_titles(note)) if note else ()


class _ChangedNames:
    """The old and the new names of the files of which a name changed."""

    def __init__(self, old: set[str], new: set[str]):
        both = old | new
        self._spellings = set(map(spelling_key, both))
        self._name_keys = set(map(name_key, both))
        self._old_words = {word for name in old for word in split_name(name)}
        self._near_keys = NearKeys.build(new)

    def concern(self, target: str) -> bool:
        """Return True if the names may change the suggestions for a target."""
        name = file_name(target)
        text = link_name(name)
        folders = _split_folders(target)[-1:] if name != target else ()
        return (
            not self._spellings.isdisjoint(map(spelling_key, (target, text, *folders)))
            or not self._name_keys.isdisjoint(target_keys(target))
            or (not name and not self._name_keys.isdisjoint(_list_folder_note_keys(target)))
            or not self._old_words.isdisjoint(split_name(text))
            or bool(self._near_keys.find(text))
        )
