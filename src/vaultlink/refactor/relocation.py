"""New paths of files, new destinations of links, and the state after both."""

from collections.abc import Callable, Iterable, Mapping

import msgspec
from msgspec.structs import replace

from vaultlink.engine.step import AnalysedNote, Change, Presence, State, analyse, step_and_list
from vaultlink.errors import UsageError
from vaultlink.fix.plan import Plan, Rename, RenameKind
from vaultlink.index.index import Index
from vaultlink.index.resolve import PathsByName, list_outer_folders
from vaultlink.model import Destination, Link
from vaultlink.refactor.arguments import FILE_KINDS


class RefusedError(UsageError):
    """A refactoring that must not be made. The message says why; nothing was written."""


class Relocation(msgspec.Struct, frozen=True):
    """The new paths of files, and the new destinations of links.

    `files` maps old to new path of every file whose path changes, `names` are those afterwards.
    `destination` returns where a link must lead, given the link and the path of the file that
    it leads to now. The subpath is `link.subpath` if it does not change. It returns None for a
    link that stays as it is, wherever it leads. With `keeps_words`, a link shows the text that it
    showed before. `unlinks` returns True, given the note with a link, the link and the file that
    it leads to, if its words take its place; in properties it stays.
    """

    files: Mapping[str, str]
    names: PathsByName
    destination: Callable[[Link, str], Destination | None]
    keeps_words: bool = False
    unlinks: Callable[[str, Link, str], bool] = lambda _source, _link, _path: False


def expand(renames: Iterable[Rename], index: Index) -> tuple[dict[str, str], dict[str, str]]:
    """Return the renames on disk, and the new path of every file whose path changes.

    A folder is renamed as a whole unless another rename concerns something in it: then its
    files are renamed one by one. Of several renames of a file or of its folders, the innermost
    counts.
    """
    paths = {item.old: item.new for item in renames if item.kind in FILE_KINDS}
    folders = {item.old for item in renames if item.kind is RenameKind.FOLDER}
    whole = {folder for folder in folders if not _is_touched(folder, paths)}
    files: dict[str, str] = {}
    moves = {old: paths[old] for old in paths if old in whole or old not in folders}
    inside = tuple([f"{folder}/" for folder in folders])
    for path in sorted(path for path in index.files if path in paths or path.startswith(inside)):
        old = next(outer for outer in (path, *list_outer_folders(path)) if outer in paths)
        new = paths[old] + path[len(old) :]
        if new != path:
            files[path] = new
        if old not in whole and new != path:
            moves[path] = new
    return {old: new for old, new in sorted(moves.items()) if old != new}, files


def _is_touched(folder: str, paths: Mapping[str, str]) -> bool:
    others = {*paths.keys() - {folder}, *(paths[path] for path in paths if path != folder)}
    places = (f"{folder}/", f"{paths[folder]}/")
    return any(f"{path}/".startswith(places) for path in others - {folder, paths[folder]})


def list_emptied_folders(renames: Iterable[Rename], moves: Mapping[str, str]) -> list[str]:
    """Return the folders that are moved file by file, and the folders in them."""
    old_folders = [item.old for item in renames if item.kind is RenameKind.FOLDER]
    inside = tuple([f"{folder}/" for folder in old_folders if folder not in moves])
    moved = (path for path in moves if path.startswith(inside))
    found = {outer for path in moved for outer in list_outer_folders(path)}
    return sorted(path for path in found if f"{path}/".startswith(inside))


def step_after(
    state: State, files: Mapping[str, str], texts: Mapping[str, str | None]
) -> tuple[State, set[str]]:
    """Return the state after moves and edits (None removes), and the affected paths."""
    changes: dict[str, Change] = {old: Change(old, Presence.GONE) for old in files}
    for old, new in files.items():
        if new not in texts:
            changes[new] = Change(new, _move_file(state, old, new))
    for path, text in texts.items():
        content = Presence.GONE if text is None else analyse(state.settings, path, text)
        changes[path] = Change(path, content)
    return step_and_list(state, list(changes.values()))


def _move_file(state: State, old: str, new: str) -> AnalysedNote | Presence:
    """Return a file with another path. Findings of its text stay the same."""
    note = state.index.notes.get(old)
    if note is None:
        return Presence.ATTACHMENT
    settings = state.settings
    found = state.all_findings.get(old, ()) if settings.is_linted(new) else ()
    ignored = settings.ignored_rules(new) if found else ()
    kept = [
        replace(item, path=new)
        for item in found
        if settings.scope_by_rule[item.rule] == "note" and item.rule not in ignored
    ]
    return AnalysedNote(replace(note, path=new), tuple(kept))


def reduce_plan(plan: Plan, files: Mapping[str, str], former: Mapping[str, str]) -> Plan:
    """Return the part of a plan that a run skipped, by the paths after that run.

    The plan is for the state before that run, with the texts `former` by the paths then.
    """

    def now(path: str) -> str:
        return files.get(path, path)

    return replace(
        plan,
        moves={},
        files={},
        edits={
            now(path): tuple(replace(edit, path=now(path)) for edit in group)
            for path, group in plan.edits.items()
            if path not in former
        },
        texts={now(path): pair for path, pair in plan.texts.items() if path not in former},
        marked=frozenset(map(now, plan.marked)),
        emptied=(),
        required=frozenset(),
        captured=(),
    )
