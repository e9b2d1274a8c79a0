"""Plan what requests say: the one way from the words of a user to a plan.

The command line, the Python API and the server plan with these functions, and refuse the same.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any

from msgspec.structs import replace

from vaultlink.config.layers import COMMAND_LINE, Layer
from vaultlink.config.settings import merge_layers
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import Change, State, recheck, step
from vaultlink.errors import UsageError, propose
from vaultlink.fix.dangling import (
    build_creation_fix,
    build_target_fix,
    build_unlink_fix,
    find_dangling_link,
)
from vaultlink.fix.plan import Plan, Rename, RenameKind
from vaultlink.fix.requests import (
    DeleteRequest,
    ExtractRequest,
    FixRequest,
    MentionsRequest,
    MergeRequest,
    MoveRequest,
    RenameRequest,
    Request,
    SectionsRequest,
    TopicRequest,
)
from vaultlink.fix.sections import (
    OneTimeChange,
    SectionUpdater,
    build_adoption_fix,
    build_removal_fix,
)
from vaultlink.fix.select import CountPaths, edits_only_read, make_fix_filter
from vaultlink.fix.sources import FixAnswers
from vaultlink.index.resolve import (
    list_outer_folders,
    make_path_filter,
    normalize_name,
    resolve,
)
from vaultlink.index.titles import unwrap_link
from vaultlink.index.topics import list_topics, topic_key
from vaultlink.mentions.mention import LOWEST_MIN_SCORE
from vaultlink.mentions.planning import sift_frequent
from vaultlink.mentions.search import (
    MentionSearch,
    build_mention_options,
    require_library,
    search_likely,
)
from vaultlink.model import Diagnostic, Fix, SkippedNote
from vaultlink.obsidian import TRASH_FOLDER
from vaultlink.refactor.arguments import FILE_KINDS, FindPath, follow_folders, read_folder
from vaultlink.refactor.refusals import raise_problems, refuse_new_note
from vaultlink.refactor.relocation import RefusedError
from vaultlink.rules.portable_names import read_name_limits
from vaultlink.rules.registry import UnknownRule, select_rules
from vaultlink.rules.section_rules import SECTION_RULES
from vaultlink.text import group_by, list_first, quote_name
from vaultlink.write.fixer import Fixer
from vaultlink.write.refactors import (
    complete_refactoring,
    find_nothing,
    find_other_folder,
    plan_deletion,
    plan_extraction,
    plan_name_changes,
    plan_note_merge,
    probe_later_disk,
    read_deleted_things,
    read_name_changes,
    read_thing,
    refuse_absolute,
    refuse_folder,
)
from vaultlink.write.vault_mentions import find_certain_mentions, find_vault_mentions


def plan_requests(
    fixer: Fixer, requests: Sequence[Request], find: FindPath = find_nothing, *, skips: bool = False
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
        count = 1
        try:
            make_plan, count = _gather_first(fixer, requests[number:], find, skips=skips)
            made = make_plan()
            if plan:
                raise_problems([*_find_reused_paths(plan, made)])
        except UsageError as error:
            if len(requests) == 1:
                raise
            last = number + count
            which = f"change {last}" if count == 1 else f"changes {number + 1} to {last}"
            raise type(error)(f"{which} of {len(requests)}: {error}") from None
        number += count
        plan = made if plan is None else plan.then(made)
        fixer = fixer.after(plan)
    assert plan is not None
    return plan


def _gather_first(
    fixer: Fixer, requests: Sequence[Request], find: FindPath, *, skips: bool
) -> tuple[Callable[[], Plan], int]:
    """Return what plans the first requests that happen at once, and their number."""
    first, count = requests[0], 1
    if isinstance(first, RenameRequest | MoveRequest):
        groups = _read_neighbours(fixer, requests, find)
        count = len(groups)
        words = [
            item.new if isinstance(item, RenameRequest) else "/"
            for item, group in zip(requests, groups, strict=False)
            for _ in group
        ]
        renames = follow_folders([*chain.from_iterable(groups)], words)
        make_plan = partial(plan_name_changes, fixer, renames, first)
    elif isinstance(first, DeleteRequest):
        joined, count = _join_deletions(fixer, requests, find)
        make_plan = partial(plan_deletion, fixer, joined, find)
    else:
        make_plan = partial(_PLANNERS[type(first)], fixer, first, find)
        if not isinstance(first, MergeRequest | ExtractRequest):
            return make_plan, 1
    return partial(complete_refactoring, fixer, make_plan, skips=skips), count


def _join_deletions(
    fixer: Fixer, requests: Sequence[Request], find: FindPath
) -> tuple[DeleteRequest, int]:
    """Return the first deletions with the same options as one, and their number."""
    first = requests[0]
    assert isinstance(first, DeleteRequest)
    names, count = first.names, 1
    for request in requests[1:]:
        if not isinstance(request, DeleteRequest) or request != replace(first, names=request.names):
            break
        try:
            read_deleted_things(fixer, request.names, find)
        except UsageError:
            break  # it is refused in its turn
        names, count = (*names, *request.names), count + 1
    return replace(first, names=names), count


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
            renames = read_name_changes(fixer, request, find)
        except UsageError:
            if groups:
                break  # an earlier one may make the name; else it is refused in its turn
            raise
        if groups and _depends_on([*chain.from_iterable(groups)], renames):
            break
        groups.append(renames)
    return groups


def _get_options(request: Request) -> object:
    assert isinstance(request, RenameRequest | MoveRequest)
    return request.queries, request.display, isinstance(request, RenameRequest) and request.merge


def _depends_on(before: Sequence[Rename], renames: Sequence[Rename]) -> bool:
    """Return True if renames concern the same things as others, or where those lead.

    Or a folder that those rename: to move into it is another thing when its name is free, and names
    in one whose case changes could mean both.
    """
    taken = {item.old for item in before}
    folders, left = (
        tuple([f"{item.old}/" for item in group if item.kind is RenameKind.FOLDER])
        for group in (renames, before)
    )
    respelt = tuple([f"{normalize_name(item.old)}/" for item in before if _is_respelt_folder(item)])
    return any(
        item.old in taken
        or (item.new.startswith(left) and not item.old.startswith(left))
        or f"{normalize_name(item.new)}/".startswith(respelt)
        for item in renames
    ) or any(item.kind in FILE_KINDS and item.new.startswith(folders) for item in before)


def _is_respelt_folder(item: Rename) -> bool:
    is_same = normalize_name(item.old) == normalize_name(item.new)
    return is_same and item.kind is RenameKind.FOLDER


def _find_reused_paths(first: Plan, second: Plan) -> Iterator[str]:
    """Yield why a plan can't be written in one run with one before it, as sentences.

    In a run, notes are written before files move, and are removed last. A path that was that of a
    file does not become that of a folder: undo could not make the file again.
    """
    gone = [path for path, (_, new) in first.texts.items() if new is None]
    removed = {normalize_name(first.find_new_path(path)) for path in gone}
    left = {*map(normalize_name, first.files)} - {*map(normalize_name, first.files.values())}
    trashed = [old for old, new in first.moves.items() if new.startswith(f"{TRASH_FOLDER}/")]
    folders = tuple([f"{normalize_name(path)}/" for path in trashed])
    created = [path for path, (old, _) in second.texts.items() if old is None]
    gone_later = [path for path, (_, new) in second.texts.items() if new is None]
    taken = [path for path in gone_later if first.find_old_path(path) in first.files.values()]
    made = {first.find_new_path(path) for path, (old, _) in first.texts.items() if old is None}
    created += [new for path, new in second.files.items() if path in made]
    reused = [path for path in taken if first.find_old_path(path) != path]
    reused += [path for path in created if normalize_name(path) in removed | left]
    reused += [path for path in second.files.values() if normalize_name(path) in removed]
    new = (*created, *second.files.values())
    reused += [path for path in new if normalize_name(path).startswith(folders)]
    outer = {place for path in new for place in list_outer_folders(path)}
    reused += [place for place in outer if normalize_name(place) in removed | left]
    for path in sorted({*reused}):
        yield (
            f"{path} is the path of what an earlier change moves or removes. Make that change in a "
            "plan of its own."
        )


# -- fixes, mentions, sections and unresolved topics -----------------------------------------------


def _plan_fixes(fixer: Fixer, request: FixRequest, find: FindPath) -> Plan:
    settings = fixer.state.settings
    try:
        rules = select_rules(settings.rules, request.select)
    except UnknownRule as error:
        raise UsageError(f"{error}. {propose(error.suggestions)}".rstrip()) from None
    is_chosen = make_path_filter([read_thing(fixer, word, find).path for word in request.notes])
    unsafe = request.unsafe
    allowed = make_fix_filter(settings.rules, settings.config, unsafe=unsafe, wanted=is_chosen)
    return fixer.plan(
        lambda item, fix: (not rules or item.rule in rules) and allowed(item, fix),
        FixAnswers() if unsafe else None,
    )


def _plan_mentions(fixer: Fixer, request: MentionsRequest, find: FindPath) -> Plan:
    index = fixer.state.index
    notes = [_read_note(fixer, word, find) for word in request.notes]
    to = frozenset([_read_note(fixer, request.to, find)]) if request.to else None
    if not (notes or to):
        require_library()
    options = build_mention_options(fixer.state.settings.config.mentions)
    options = replace(options, lowest_score=min(LOWEST_MIN_SCORE, options.min_score))
    if notes or to:
        search = MentionSearch(fixer.state, fixer.read, options)
        found = search.find(notes or sorted(index.notes), to)
    else:
        found = find_vault_mentions(fixer, options).mentions
    if notes and to:
        if not found:
            names = f"{list_first(notes)} names {list_first([*to])}"
            raise UsageError(f"{names} nowhere without a link, or links to it already.")
        return fixer.plan_mentions(found, confirmed=True)
    found = found if to else [*sift_frequent(found).mentions]
    return fixer.plan_mentions([item for item in found if item.certain])


def _read_note(fixer: Fixer, word: str, find: FindPath) -> str:
    source = read_thing(fixer, word, find)
    if source.kind is not RenameKind.NOTE:
        raise UsageError(f"{quote_name(word)} is {source.kind.with_article()}. Name a note.")
    return source.path


def plan_section_changes(
    fixer: Fixer, action: str, notes: Collection[str], count: CountPaths = iter
) -> Plan:
    """Plan to write, adopt or remove the sections of notes, or of all."""
    state = fixer.state

    def is_chosen(path: str) -> bool:
        return not notes or path in notes

    if action == "remove":
        return fixer.plan_rounds(
            OneTimeChange(is_chosen, build_removal_fix, includes_read_only=True)
        )
    if action == "adopt":
        return fixer.plan_rounds(OneTimeChange(is_chosen, build_adoption_fix))
    mentions = None
    if state.settings.config.backlinks["mentions"]:
        target = next(iter(notes)) if len(notes) == 1 else None
        if target is None:
            require_library()
            found = find_certain_mentions(fixer).mentions
        else:
            found = search_likely(state, fixer.read, sorted(state.index.notes), {target})
        certain = group_by([item for item in found if item.certain], lambda item: item.target)
        mentions = {name: {item.path for item in group} for name, group in certain.items()}
    return fixer.plan_rounds(SectionUpdater(is_chosen, mentions, count))


def _plan_sections(fixer: Fixer, request: SectionsRequest, find: FindPath) -> Plan:
    if request.action not in ("write", "adopt", "remove"):
        raise UsageError("the action for sections must be write, adopt or remove.")
    notes = [_read_note(fixer, word, find) for word in request.notes]
    settings = fixer.state.settings
    values = {"select": list(SECTION_RULES), "backlinks": {"mode": "write"}}
    config = merge_layers([*fixer.scan.layers, Layer(COMMAND_LINE, values)], settings.rules)
    checked = LinterSettings.build(
        settings.rules,
        config,
        settings.obsidian,
        fixer.scan.is_git_ignored,
        settings.history,
        ignores_case=settings.ignores_case,
    )
    latest = replace(fixer, state=recheck(fixer.state, checked))
    plan = plan_section_changes(latest, request.action, notes)
    changes = [Change(path, new) for path, (_, new) in plan.texts.items() if new is not None]
    return replace(plan, before=fixer.state, after=step(fixer.state, changes))


def _plan_topic(fixer: Fixer, request: TopicRequest, find: FindPath) -> Plan:
    if (bool(request.link) + request.unlink + bool(request.create)) != 1:
        raise UsageError("choose one: a note to link to, to unlink, or a folder for the new note.")
    findings = _find_topic(fixer, request.target)
    if request.unlink:
        return _fix_links(fixer, findings, build_unlink_fix)
    if request.link:
        source = read_thing(fixer, request.link, find)
        if source.kind not in (RenameKind.NOTE, RenameKind.ATTACHMENT):
            kind = source.kind.with_article()
            raise UsageError(f"{quote_name(request.link)} is {kind}. Name a note.")
        path = source.path
        return _fix_links(fixer, findings, lambda state, item: build_target_fix(state, item, path))
    return _create_note(fixer, request, findings, find)


def _find_topic(fixer: Fixer, target: str) -> Sequence[Diagnostic]:
    """Return the findings about the links of an unresolved topic. Raises UsageError."""
    state, target = fixer.state, unwrap_link(target, fixer.state.index)
    key = topic_key(target.partition("#")[0])
    topics = list_topics(chain.from_iterable(state.diagnostics.values()))
    for topic in topics:
        keys = {topic_key(item.target or "", item.path) for item in topic.findings}
        if key in keys or topic.name == target:
            return topic.findings
    path = resolve("", target, state.index.names)
    named = quote_name(target)
    if path:
        raise UsageError(f"{named} is no unresolved topic: it resolves to {path}.")
    near = [topic.name for topic in topics if key and key in topic_key(topic.name)]
    hint = propose(near[:2], "`vaultlink unresolved` lists the topics.")
    raise UsageError(f"no unresolved link names {named}. {hint}")


def _fix_links(
    fixer: Fixer,
    findings: Sequence[Diagnostic],
    build_fix: Callable[[State, Diagnostic], Fix | None],
) -> Plan:
    """Plan one fix of each unresolved link; those without one are skipped."""
    state, chosen, left = fixer.state, [], set[str]()
    for item in findings:
        fix = build_fix(state, item)
        if fix and not edits_only_read(state, fix):
            chosen.append((item, fix))
        else:
            left.add(item.path)
    plan = fixer.plan_chosen(chosen)
    reason = "its links of the topic can't be changed safely"
    skipped = [SkippedNote(path, reason) for path in sorted(left)]
    return replace(plan, skipped=(*plan.skipped, *skipped))


def _create_note(
    fixer: Fixer, request: TopicRequest, findings: Sequence[Diagnostic], find: FindPath
) -> Plan:
    """Plan a note for a topic, and lead links with other spellings to it."""
    index, settings = fixer.state.index, fixer.state.settings
    if find is find_nothing:
        refuse_absolute(index, request.create)
    if near := find_other_folder(index, request.create, find):
        refuse_folder(request.create, near)
    folder = read_folder(index, request.create, find)
    answers = FixAnswers(folder=folder, template=FixAnswers().template if request.stub else "")
    found = [(item, build_creation_fix(fixer.state, item, answers)) for item in findings]
    paths = Counter([fix.edits[0].path for _, fix in found if fix])
    if not paths:
        raise RefusedError(f"no note can have the name {quote_name(request.target)}.")
    [(path, _)] = paths.most_common(1)
    refuse_new_note(path, index, probe_later_disk(fixer), read_name_limits(settings.config.options))
    plan = fixer.plan_chosen(
        [(item, fix) for item, fix in found if fix and fix.edits[0].path == path]
    )
    later = fixer.after(fixer.plan_next(plan))
    left = [item for item in findings if find_dangling_link(later.state.index, item)]
    if not left or path not in plan.texts:
        return plan
    return plan.then(
        _fix_links(later, left, lambda state, item: build_target_fix(state, item, path))
    )


_PLANNERS: dict[type, Callable[[Fixer, Any, FindPath], Plan]] = {
    FixRequest: _plan_fixes,
    MentionsRequest: _plan_mentions,
    SectionsRequest: _plan_sections,
    TopicRequest: _plan_topic,
    MergeRequest: plan_note_merge,
    ExtractRequest: plan_extraction,
}
