"""Plan what requests say: the one way from the words of a user to a plan.

The command line, the Python API and the server plan with these functions, and refuse the same.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from vaultlink.disk.probe import probe_disk
from vaultlink.engine.step import State
from vaultlink.errors import UnknownNameError, UsageError
from vaultlink.fix.plan import DeletedThing, Plan, Rename, RenameKind
from vaultlink.fix.requests import (
    DeleteRequest,
    ExtractRequest,
    FixRequest,
    MergeRequest,
    MoveRequest,
    RenameRequest,
    Request,
    read_request,
)
from vaultlink.fix.select import make_fix_filter
from vaultlink.fix.sources import FixAnswers, FixInputs
from vaultlink.index.index import Index, link_name
from vaultlink.index.resolve import (
    file_name,
    is_note,
    make_path_filter,
    normalize_name,
    parent_folder,
)
from vaultlink.index.titles import unwrap_link
from vaultlink.links.naming import strip_note_extension
from vaultlink.model import Heading
from vaultlink.refactor.arguments import (
    FILE_KINDS,
    FindPath,
    find_aliased_note,
    find_folder,
    find_near_folder,
    find_source,
    follow_folders,
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
    raise_problems,
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
from vaultlink.rules.registry import select_rules
from vaultlink.text import escape_controls, quote_name
from vaultlink.write.fixer import Fixer
from vaultlink.write.journal_files import list_runs
from vaultlink.write.trash import plan_trash

__all__ = [
    "DeleteRequest",
    "ExtractRequest",
    "FixRequest",
    "MergeRequest",
    "MoveRequest",
    "RenameRequest",
    "Request",
    "plan_requests",
    "read_request",
]

_T = TypeVar("_T")

# -- plan requests ---------------------------------------------------------------------------------


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


def plan_requests(
    fixer: Fixer,
    requests: Sequence[Request],
    find: FindPath = find_nothing,
    *,
    skips: bool = False,
) -> Plan:
    """Plan changes, one after the other, as one plan. Does not write.

    Neighbouring renames and moves happen at once, so names can be exchanged, unless one of them
    needs what an earlier one makes. `find` maps paths on disk to vault paths. With `skips`, notes
    that should change and can't be are left out. Raises UsageError if a request can't be read, and
    RefusedError if it must not be made.
    """
    if not requests:
        raise UsageError("there is no change to plan.")
    number, plan = 0, None
    while number < len(requests):
        try:
            made, count = _plan_first(fixer, requests[number:], find, skips=skips)
            if plan:
                raise_problems([*find_reused_paths(plan, made)])
        except UsageError as error:
            if len(requests) == 1:
                raise
            raise type(error)(f"change {number + 1} of {len(requests)}: {error}") from None
        number += count
        plan = plan.then(made) if plan else made
        fixer = fixer.after(plan)
    assert plan is not None
    return plan


def _plan_first(
    fixer: Fixer, requests: Sequence[Request], find: FindPath, *, skips: bool
) -> tuple[Plan, int]:
    """Plan the first requests that happen at once; also return their number."""
    first = requests[0]
    if isinstance(first, RenameRequest | MoveRequest):
        groups = _read_neighbours(fixer, requests, find)
        words = [
            item.new if isinstance(item, RenameRequest) else "/"
            for item, group in zip(requests, groups, strict=False)
            for _ in group
        ]
        renames = follow_folders([*chain.from_iterable(groups)], words)
        plan = complete_refactoring(
            fixer, lambda: plan_name_changes(fixer, renames, first), skips=skips
        )
        return plan, len(groups)
    make_plan = _PLANNERS[type(first)]
    if isinstance(first, FixRequest):
        return make_plan(fixer, first, find), 1
    return complete_refactoring(fixer, lambda: make_plan(fixer, first, find), skips=skips), 1


def complete_refactoring(
    fixer: Fixer, make_plan: Callable[[], Plan], advice: str = "", *, skips: bool = False
) -> Plan:
    """Return the plan of a refactoring. Raises RefusedError if it must not be made.

    Notes that should change and can't be are refused unless it `skips` them; `advice` is a sentence
    for the message then.
    """
    planned, settings = fixer.planned, fixer.state.settings
    folders = fixer.scan.listing.unreadable_folders
    if planned:
        folders = tuple((planned.plan.find_new_path(path), reason) for path, reason in folders)
    try:
        plan = make_plan()
        refuse_protected(plan, settings.is_protected)
        if not skips:
            refuse_skipped(plan, advice)
    except RefusedError as error:
        ending = "" if "othing was written" in str(error) else " Nothing was written."
        raise type(error)(f"{error}{ending}") from None
    refuse_unread(plan, folders)
    return plan


def find_reused_paths(first: Plan, second: Plan) -> Iterator[str]:
    """Yield why a plan can't be written in one run with one before it, as sentences.

    In a run, notes are written before files move, and are removed last.
    """
    gone = [path for path, (_, new) in first.texts.items() if new is None]
    removed = {normalize_name(first.find_new_path(path)) for path in gone}
    left = {*map(normalize_name, first.files)} - {*map(normalize_name, first.files.values())}
    created = [path for path, (old, _) in second.texts.items() if old is None]
    reused = [path for path in created if normalize_name(path) in removed | left]
    reused += [path for path in second.files.values() if normalize_name(path) in removed]
    for path in sorted(reused):
        yield (
            f"{path} is the path of a file that an earlier change moves or removes. Make that "
            "change in a plan of its own."
        )


def _probe_disk(fixer: Fixer) -> DiskProbe:
    """Return the answers about the disk after the plan that is written before."""
    return probe_disk(fixer.scan.root, fixer.planned.plan if fixer.planned else None)


# -- names -----------------------------------------------------------------------------------------


def expand_alias(index: Index, root: Path, word: str, find: FindPath) -> str:
    """Return a word that names something, with an alias replaced by a path.

    An alias counts only if the word names nothing else. It does not count if the name was that of a
    file which a recorded run renamed or removed: to run the same command again, which is often done
    by mistake, must not change the note that has the old name as an alias.

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
    for run in list_runs(root):
        gone = [old for old, _ in run.moves] + [item.path for item in run.changes if not item.new]
        names = {name for old in gone for name in (strip_note_extension(old), link_name(old))}
        if not run.undone and wanted in map(normalize_name, names):
            raise UsageError(
                f"{quote_name(alias)} is an alias of {path}, and was the name of a file until "
                f"`{escape_controls(run.command)}`. Write the path of the note that you mean."
            )
    return f"{path}{sign}{subpath}"


def _read_word(fixer: Fixer, word: str, find: FindPath) -> str:
    index = fixer.state.index
    if find is find_nothing:
        refuse_absolute(index, word)
    return expand_alias(index, fixer.scan.root, unwrap_link(word, index), find)


# -- renames and moves -----------------------------------------------------------------------------


def _read_neighbours(
    fixer: Fixer, requests: Sequence[Request], find: FindPath
) -> list[tuple[Rename, ...]]:
    """Return the renames of the first requests, as many as can happen at once."""
    first, groups = requests[0], list[tuple[Rename, ...]]()
    for request in requests:
        if not isinstance(request, RenameRequest | MoveRequest):
            break
        if _get_options(request) != _get_options(first):
            break
        try:
            renames = _read_renames(fixer, request, find)
        except UnknownNameError:
            if groups:
                break  # an earlier one may make the name
            raise
        if groups and _depends_on([*chain.from_iterable(groups)], renames):
            break
        groups.append(renames)
    return groups


def _get_options(request: Request) -> object:
    assert isinstance(request, RenameRequest | MoveRequest)
    return request.queries, request.display, isinstance(request, RenameRequest) and request.merge


def _depends_on(before: Sequence[Rename], renames: Sequence[Rename]) -> bool:
    """Return True if renames concern the same things as others, or where those lead."""
    taken = {item.old for item in before}
    folders = tuple([f"{item.old}/" for item in renames if item.kind is RenameKind.FOLDER])
    return any(item.old in taken for item in renames) or any(
        item.kind in FILE_KINDS
        and item.new.startswith(folders)
        and not item.old.startswith(folders)
        for item in before
    )


def _read_renames(
    fixer: Fixer, request: RenameRequest | MoveRequest, find: FindPath
) -> tuple[Rename, ...]:
    index = fixer.state.index
    if find is find_nothing:
        refuse_absolute(
            index, request.new if isinstance(request, RenameRequest) else request.folder
        )
    if isinstance(request, RenameRequest):
        old = _read_word(fixer, request.old, find)
        return (read_rename(index, old, request.new, find),)
    if not request.sources:
        raise UsageError("move requires notes, attachments or folders.")
    folder = request.folder
    near = find_other_folder(index, folder, find)
    if near:
        refuse_folder(folder, near)
    sources = [_read_word(fixer, word, find) for word in request.sources]
    return read_move(index, sources, folder, find)


def find_other_folder(index: Index, folder: str, find: FindPath) -> str | None:
    """Return the folder of which a missing one is a misspelling, or None.

    One with a slash at its end is meant to be new.
    """
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
    """Plan renames at once, with the options of a request. Does not write.

    Raises RefusedError with all reasons not to make them.
    """
    state, merge = fixer.state, isinstance(request, RenameRequest) and request.merge
    if merge and not any(item.kind is RenameKind.TAG for item in renames):
        raise UsageError("--merge requires a tag. `vaultlink merge` appends a note to another.")
    limits = read_name_limits(state.settings.config.options)
    refuse_renames(renames, state.index, _probe_disk(fixer), limits, merge=merge)
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
        state,
        sources,
        renames,
        moves,
        files,
        queries=request.queries,
        adds_display=request.display,
    )


# -- merges, extractions and fixes -----------------------------------------------------------------


def _plan_merge(fixer: Fixer, request: MergeRequest, find: FindPath) -> Plan:
    words = [_read_word(fixer, word, find) for word in (request.note, request.into)]
    paths = read_merge(fixer.state.index, words[0], words[1], find)
    return plan_merge(fixer.state, fixer.sources(), *paths, request.taken)


class UnnamedNoteError(RefusedError):
    """A new note that can't have the text of a heading as its name."""


def _plan_extract(fixer: Fixer, request: ExtractRequest, find: FindPath) -> Plan:
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
        refuse_new_note(new, index, _probe_disk(fixer), limits)
    except RefusedError as error:
        raise (error if request.new else UnnamedNoteError(str(error))) from None
    return plan_extract(
        fixer.state,
        fixer.sources(),
        path,
        subpath,
        new,
        embed=request.embed,
        with_tags=request.tags,
    )


def _plan_fixes(fixer: Fixer, request: FixRequest, find: FindPath) -> Plan:
    settings = fixer.state.settings
    rules = select_rules(settings.rules, request.select)
    is_chosen = make_path_filter(
        [
            find_source(fixer.state.index, _read_word(fixer, word, find), find).path
            for word in request.notes
        ]
    )
    allowed = make_fix_filter(
        settings.rules, settings.config, unsafe=request.unsafe, wanted=is_chosen
    )
    return fixer.plan(
        lambda item, fix: (not rules or item.rule in rules) and allowed(item, fix),
        FixAnswers() if request.unsafe else None,
    )


# -- deletions -------------------------------------------------------------------------------------


class Deletion(NamedTuple):
    """What is deleted, and what refers to it.

    Attributes:
        things: The notes, attachments and folders.
        files: The files of all of them.
        unused: Attachments that are not deleted, and that nothing else uses.
        references: The places in other files that name one of the files.
    """

    things: tuple[DeletedThing, ...]
    files: frozenset[str]
    unused: tuple[str, ...]
    references: tuple[Reference, ...]


def read_deletion(fixer: Fixer, request: DeleteRequest, find: FindPath) -> Deletion:
    """Return what a request deletes. Raises UsageError."""
    if not request.names:
        raise UsageError("delete requires notes, attachments or folders.")
    index = fixer.state.index
    named = drop_inner_things(_read_thing(fixer, word, find) for word in request.names)
    things = _split_moved(fixer, named)
    files = list_deleted_files(index, things)
    unused = find_unused_attachments(index, files)
    if unused and request.attachments:
        things = (*things, *map(_make_thing, unused))
        files, unused = list_deleted_files(index, things), ()
    return Deletion(things, files, unused, find_references(index, files))


def _read_thing(fixer: Fixer, word: str, find: FindPath) -> DeletedThing:
    if not word.strip():
        raise UsageError("the name of what to delete is empty.")
    source = find_source(fixer.state.index, _read_word(fixer, word, find), find)
    if source.kind not in FILE_KINDS:
        raise UsageError(
            f"{quote_name(word)} is {source.kind.with_article()}. Only notes, attachments and "
            "folders can be deleted."
        )
    disk = _probe_disk(fixer)
    problem = "a symbolic link, which vaultlink does not delete" * disk.is_link(source.path)
    if not problem and disk.is_outside(parent_folder(source.path).rstrip("/")):
        problem = "outside the vault, behind a symbolic link"
    if problem:
        raise UsageError(f"{source.path} is {problem}. Nothing was written.")
    return DeletedThing(source.kind, source.path)


def read_new_target(fixer: Fixer, word: str, deleted: frozenset[str], find: FindPath) -> str:
    """Return the path of the file to which links are redirected. Raises UsageError."""
    source = find_source(fixer.state.index, _read_word(fixer, word, find), find)
    is_only_attachments = not any(map(is_note, deleted))
    if source.kind is not RenameKind.NOTE and not (
        source.kind is RenameKind.ATTACHMENT and is_only_attachments
    ):
        raise UsageError(f"--to: {quote_name(word)} is {source.kind.with_article()}. Name a note.")
    if source.path in deleted:
        raise UsageError(f"--to: {source.path} is deleted, too.")
    return source.path


def find_disposal(fixer: Fixer, things: Sequence[DeletedThing]) -> Disposal:
    """Return where deleted files go, as Obsidian's settings say."""
    root, option, paths = fixer.scan.root, fixer.scan.obsidian.trash, [item.path for item in things]
    if fixer.planned is None:
        return plan_trash(root, paths, option)
    plan = fixer.planned.plan
    old = {plan.find_old_path(path): path for path in paths}
    made = {path: text for path in old if (text := _find_created(plan, path)) is not None}
    found = plan_trash(root, [path for path in old if path not in made], option, plan.trash)

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


def _plan_delete(fixer: Fixer, request: DeleteRequest, find: FindPath) -> Plan:
    deletion = read_deletion(fixer, request, find)
    to = read_new_target(fixer, request.to, deletion.files, find) if request.to else ""
    choice = request.links or ("redirect" if to else "")
    if choice not in ("", *LinkChoice) or (choice == "redirect") is not bool(to):
        raise UsageError(
            "links to what is deleted are “unlink”, “leave”, or “redirect” with a note."
        )
    if deletion.references and not choice:
        raise UsageError(
            f"{list_references(deletion.references)}\n"
            "Choose what becomes of them: unlink, redirect to another note, or leave. "
            "Nothing was written."
        )
    disposal = find_disposal(fixer, deletion.things)
    named = LinkChoice(choice) if choice else None
    return plan_delete(fixer.state, fixer.sources(), deletion.things, disposal, named, to)


_PLANNERS: dict[type, Callable[[Fixer, Any, FindPath], Plan]] = {
    FixRequest: _plan_fixes,
    DeleteRequest: _plan_delete,
    MergeRequest: _plan_merge,
    ExtractRequest: _plan_extract,
}
