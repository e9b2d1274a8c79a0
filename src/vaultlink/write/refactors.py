"""Plan renames, merges, extractions and deletions of a vault on disk.

Names are read as users write them, and a refactoring that must not be made is refused.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from vaultlink.disk.probe import probe_disk
from vaultlink.engine.step import State
from vaultlink.errors import UnknownNameError, UsageError
from vaultlink.fix.plan import DeletedThing, Plan, Rename, RenameKind
from vaultlink.fix.requests import (
    DeleteRequest,
    ExtractRequest,
    MergeRequest,
    MoveRequest,
    RenameRequest,
)
from vaultlink.fix.sources import FixInputs
from vaultlink.index.index import Index, link_name
from vaultlink.index.resolve import (
    file_name,
    is_note,
    list_outer_folders,
    normalize_name,
    parent_folder,
)
from vaultlink.index.titles import unwrap_link
from vaultlink.links.naming import strip_note_extension
from vaultlink.model import Heading
from vaultlink.refactor.arguments import (
    FILE_KINDS,
    FindPath,
    RenamedThing,
    find_aliased_note,
    find_folder,
    find_near_folder,
    find_source,
    read_extract,
    read_merge,
    read_move,
    read_rename,
)
from vaultlink.refactor.delete import (
    Disposal,
    LinkChoice,
    Reference,
    drop_inner_things,
    find_references,
    find_unused_attachments,
    list_deleted_files,
    plan_delete,
)
from vaultlink.refactor.extract import default_extract_path, plan_extract
from vaultlink.refactor.merge import plan_merge
from vaultlink.refactor.planner import plan_renames
from vaultlink.refactor.refusals import (
    DiskProbe,
    refuse_new_note,
    refuse_protected,
    refuse_renames,
    refuse_skipped,
    refuse_unread,
)
from vaultlink.refactor.relocation import RefusedError, expand
from vaultlink.refactor.subpaths import find_named_anchor
from vaultlink.report.plan_result import list_references
from vaultlink.rules.portable_names import read_name_limits
from vaultlink.text import escape_controls, quote_name
from vaultlink.write.fixer import Fixer
from vaultlink.write.journal_files import list_runs
from vaultlink.write.trash import plan_trash

_T = TypeVar("_T")


def find_nothing(_text: str) -> str | None:
    """Return None for every path on disk, so that only vault paths and names count."""
    return None


def refuse_absolute(index: Index, word: str) -> None:
    """Raise UsageError for an absolute path that begins with no folder of the vault."""
    first, slash, _ = word.removeprefix("/").partition("/")
    if word.startswith("/") and slash and find_folder(index, first) is None:
        raise UsageError(
            f"{quote_name(word)} is outside the vault. A path in the vault needs no slash in front."
        )


def complete_refactoring(
    fixer: Fixer, make_plan: Callable[[], Plan], advice: str = "", *, skips: bool = False
) -> Plan:
    """Return a plan that may be made. Raises RefusedError, with `advice` at its end."""
    planned = fixer.planned
    folders = fixer.scan.listing.unreadable_folders
    if planned:
        folders = tuple((planned.plan.find_new_path(path), reason) for path, reason in folders)
    try:
        plan = make_plan()
        refuse_protected(plan)
        if not skips:
            refuse_skipped(plan, advice)
    except RefusedError as error:
        ending = "" if "othing was written" in str(error) else " Nothing was written."
        raise type(error)(f"{error}{ending}") from None
    refuse_unread(plan, folders)
    return plan


def probe_later_disk(fixer: Fixer) -> DiskProbe:
    """Return the answers about the disk after the plan that is written before."""
    return probe_disk(fixer.scan.root, fixer.planned.plan if fixer.planned else None)


def expand_alias(
    index: Index, root: Path, word: str, find: FindPath, planned: Plan | None = None
) -> str:
    """Return a word that names something, with an alias replaced by a path.

    An alias counts only if the word names nothing else. It does not count if the name was that of a
    file which a recorded run, or the plan before, renames or removes: to run the same command
    again, which is often done by mistake, must not change the note that has the old name as an
    alias.

    Raises UsageError.
    """
    alias, sign, subpath = word.partition("#")
    try:
        find_source(index, word, find)
    except UnknownNameError:
        path = find_aliased_note(index, alias) if alias else None
        if path is None or f"{path}{sign}{subpath}" == word:
            raise
    else:
        return word
    wanted = normalize_name(alias.removeprefix("/").removesuffix(".md"))
    gone = [
        (
            f"`{escape_controls(run.command)}`",
            [old for old, _ in run.moves] + [item.path for item in run.changes if not item.new],
        )
        for run in list_runs(root)
        if not run.undone
    ]
    if planned:
        removed = [path for path, (_, new) in planned.texts.items() if new is None]
        renamed = [path for item in planned.renames for path in (item.old, item.new)]
        gone.append(("an earlier change", [*renamed, *planned.files, *removed]))
    for cause, paths in gone:
        names = {name for old in paths for name in (strip_note_extension(old), link_name(old))}
        if wanted in map(normalize_name, names):
            raise UsageError(
                f"{quote_name(alias)} is an alias of {path}, and was the name of a file until "
                f"{cause}. Write the path of the note that you mean."
            )
    return f"{path}{sign}{subpath}"


def _read_word(fixer: Fixer, word: str, find: FindPath) -> str:
    index = fixer.state.index
    if find is find_nothing:
        refuse_absolute(index, word)
    planned = fixer.planned.plan if fixer.planned else None
    return expand_alias(index, fixer.scan.root, unwrap_link(word, index), find, planned)


def read_name_changes(
    fixer: Fixer, request: RenameRequest | MoveRequest, find: FindPath
) -> tuple[Rename, ...]:
    index = fixer.state.index
    if find is find_nothing:
        to = request.new if isinstance(request, RenameRequest) else request.folder
        refuse_absolute(index, to)
    if isinstance(request, RenameRequest):
        old = _read_word(fixer, request.old, find)
        return (read_rename(index, old, request.new, find),)
    if not request.sources:
        raise UsageError("move requires notes, attachments or folders.")
    if near := find_other_folder(index, request.folder, find):
        refuse_folder(request.folder, near)
    sources = [_read_word(fixer, word, find) for word in request.sources]
    return read_move(index, sources, request.folder, find)


def read_thing(fixer: Fixer, word: str, find: FindPath) -> RenamedThing:
    """Return what a word names. Raises UsageError."""
    return find_source(fixer.state.index, _read_word(fixer, word, find), find)


def find_other_folder(index: Index, folder: str, find: FindPath) -> str | None:
    """Return the folder that a missing one misspells; a slash says that it is new."""
    if folder.endswith("/") or find(folder) is not None:
        return None
    return find_near_folder(index, folder.removeprefix("./"))


def refuse_folder(folder: str, near: str) -> str:
    """Raise UsageError for a missing folder beside one of almost the same name."""
    raise UsageError(
        f"there is no folder {quote_name(folder)}. Did you mean {near}/? {folder}/, with a slash "
        "at the end, makes the new folder. Nothing was written."
    )


def plan_name_changes(
    fixer: Fixer, renames: Sequence[Rename], request: RenameRequest | MoveRequest
) -> Plan:
    """Plan renames at once, with a request's options. Raises RefusedError."""
    state, merge = fixer.state, isinstance(request, RenameRequest) and request.merge
    if merge and not any(item.kind is RenameKind.TAG for item in renames):
        raise UsageError("--merge requires a tag. `vaultlink merge` appends a note to another.")
    limits = read_name_limits(state.settings.config.options)
    refuse_renames(renames, state.index, probe_later_disk(fixer), limits, merge=merge)
    return follow_renames(state, fixer.sources(), renames, request)


def follow_renames(
    state: State,
    sources: FixInputs,
    renames: Sequence[Rename],
    request: RenameRequest | MoveRequest,
) -> Plan:
    """Plan renames that nothing is against, with the options of a request."""
    moves, files = expand(renames, state.index)
    return plan_renames(
        state, sources, renames, moves, files, queries=request.queries, adds_display=request.display
    )


def plan_note_merge(fixer: Fixer, request: MergeRequest, find: FindPath) -> Plan:
    words = [_read_word(fixer, word, find) for word in (request.note, request.into)]
    paths = read_merge(fixer.state.index, words[0], words[1], find)
    return plan_merge(fixer.state, fixer.sources(), *paths, request.taken)


class UnnamedNoteError(RefusedError):
    """A new note that can't have the text of a heading as its name."""


def plan_extraction(fixer: Fixer, request: ExtractRequest, find: FindPath) -> Plan:
    index = fixer.state.index
    section = _read_word(fixer, request.section, find)
    if find is find_nothing and request.new:
        refuse_absolute(index, request.new)
    path, subpath, new = read_extract(index, section, request.new, find)
    if request.new is None or new is None or request.new.endswith("/"):
        heading = find_named_anchor(index.notes[path], subpath)
        assert isinstance(heading, Heading)
        default = default_extract_path(path, heading.text)
        if request.new:
            named = request.new + file_name(default)
            default = read_extract(index, section, named, find)[2] or default
        new = default
    limits = read_name_limits(fixer.state.settings.config.options)
    try:
        refuse_new_note(new, index, probe_later_disk(fixer), limits)
    except RefusedError as error:
        raise (error if request.new else UnnamedNoteError(str(error))) from None
    sources, embed, tags = fixer.sources(), request.embed, request.tags
    return plan_extract(fixer.state, sources, path, subpath, new, embed=embed, with_tags=tags)


class Deletion(NamedTuple):
    """The notes, attachments and folders to delete, and where `files` are named.

    The files in `folders` are deleted one by one; these are removed if they are empty. `unused` are
    attachments that are not deleted, and that nothing else uses.
    """

    things: tuple[DeletedThing, ...]
    files: frozenset[str]
    folders: tuple[str, ...]
    unused: tuple[str, ...]
    references: tuple[Reference, ...]


def read_deletion(fixer: Fixer, request: DeleteRequest, find: FindPath) -> Deletion:
    """Return what a request deletes. Raises UsageError."""
    if not request.names:
        raise UsageError("delete requires notes, attachments or folders.")
    index = fixer.state.index
    named = read_deleted_things(fixer, request.names, find)
    things = _split_moved(fixer, named)
    files = list_deleted_files(index, things)
    unused = find_unused_attachments(index, files)
    if unused and request.attachments:
        things = (*things, *map(_make_thing, unused))
        files, unused = list_deleted_files(index, things), ()
    split = tuple([f"{item.path}/" for item in named if item not in things])
    known = {folder for path in files for folder in list_outer_folders(path)}
    known.update(fixer.scan.listing.folders if split else ())
    folders = tuple(sorted(path for path in known if f"{path}/".startswith(split)))
    return Deletion(things, files, folders, unused, find_references(index, files))


def read_deleted_things(
    fixer: Fixer, names: Iterable[str], find: FindPath
) -> tuple[DeletedThing, ...]:
    """Return what names stand for, without what is in a folder among them."""
    return drop_inner_things(_read_thing(fixer, word, find) for word in names)


def _read_thing(fixer: Fixer, word: str, find: FindPath) -> DeletedThing:
    if not word.strip():
        raise UsageError("the name of what to delete is empty.")
    source = read_thing(fixer, word, find)
    if source.kind not in FILE_KINDS:
        kind = source.kind.with_article()
        advice = "Only notes, attachments and folders can be deleted."
        raise UsageError(f"{quote_name(word)} is {kind}. {advice}")
    disk = probe_later_disk(fixer)
    problem = "a symbolic link, which vaultlink does not delete" * disk.is_link(source.path)
    if not problem and disk.is_outside(parent_folder(source.path).rstrip("/")):
        problem = "outside the vault, behind a symbolic link"
    if problem:
        raise UsageError(f"{source.path} is {problem}. Nothing was written.")
    return DeletedThing(source.kind, source.path)


def read_new_target(fixer: Fixer, word: str, deleted: frozenset[str], find: FindPath) -> str:
    """Return the path of the file to which links are redirected. Raises UsageError."""
    source = read_thing(fixer, word, find)
    is_allowed = source.kind is RenameKind.ATTACHMENT and not any(map(is_note, deleted))
    if source.kind is not RenameKind.NOTE and not is_allowed:
        raise UsageError(f"--to: {quote_name(word)} is {source.kind.with_article()}. Name a note.")
    if source.path in deleted:
        raise UsageError(f"--to: {source.path} is deleted, too.")
    return source.path


def find_disposal(fixer: Fixer, things: Sequence[DeletedThing]) -> Disposal:
    """Return where deleted files go, as Obsidian's settings say."""
    root, option = fixer.scan.root, fixer.scan.obsidian.trash
    names = {item.path: file_name(item.path) for item in things}
    if fixer.planned is None:
        return plan_trash(root, names, option)
    plan = fixer.planned.plan
    old = {plan.find_old_path(path): name for path, name in names.items()}
    made = {path: text for path in old if (text := _find_created(plan, path)) is not None}
    kept = {path: name for path, name in old.items() if path not in made}
    found = plan_trash(root, kept, option, plan.trash)

    def now(items: Mapping[str, _T]) -> dict[str, _T]:
        return {plan.find_new_path(path): value for path, value in items.items()}

    return found._replace(
        moves=now(found.moves),
        files=now(found.files),
        contents=now({**found.contents, **made}),
        folders=[plan.find_new_path(path) for path in found.folders],
    )


def _find_created(plan: Plan, old_path: str) -> bytes | None:
    """Return the content of a file that a plan creates."""
    before, text = plan.texts.get(old_path, ("", None))
    return None if before is not None or text is None else text.encode()


def _split_moved(fixer: Fixer, things: Sequence[DeletedThing]) -> tuple[DeletedThing, ...]:
    """Return things; a folder with other files on disk becomes its files."""
    if fixer.planned is None:
        return tuple(things)
    plan, index, found = fixer.planned.plan, fixer.state.index, list[DeletedThing]()
    for item in things:
        if item.kind is not RenameKind.FOLDER:
            found.append(item)
            continue
        new, old = f"{item.path}/", f"{plan.find_old_path(item.path)}/"
        files = [path for path in index.files if path.startswith(new)]
        before = {path for path in plan.before.index.files if path.startswith(old)}
        if {plan.find_old_path(path) for path in files} == before and (
            {plan.find_old_path(path) == old + path[len(new) :] for path in files} == {True}
        ):
            found.append(item)
        else:
            found += [_make_thing(path) for path in sorted(files)]
    return tuple(found)


def _make_thing(path: str) -> DeletedThing:
    return DeletedThing(RenameKind.NOTE if is_note(path) else RenameKind.ATTACHMENT, path)


def plan_deletion(fixer: Fixer, request: DeleteRequest, find: FindPath) -> Plan:
    deletion = read_deletion(fixer, request, find)
    to = read_new_target(fixer, request.to, deletion.files, find) if request.to else ""
    choice = request.links or ("redirect" if to else "")
    if choice not in ("", *LinkChoice) or (choice == "redirect") is not bool(to):
        choices = "“unlink”, “leave”, or “redirect” with a note"
        raise UsageError(f"links to what is deleted are {choices}.")
    if deletion.references and not choice:
        choices = "unlink, redirect to another note, or leave. Nothing was written."
        found = list_references(deletion.references)
        raise UsageError(f"{found}\nChoose what becomes of them: {choices}")
    disposal = find_disposal(fixer, deletion.things)
    named = LinkChoice(choice) if choice else None
    plan = plan_delete(fixer.state, fixer.sources(), deletion.things, disposal, named, to)
    return replace(plan, emptied=(*plan.emptied, *deletion.folders))
