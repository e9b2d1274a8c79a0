"""Code actions: fixes and other changes that an editor offers in a note."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from lsprotocol import types

from vaultlink.api import Vault
from vaultlink.config.list_items import make_topic_patterns
from vaultlink.disk.scan import is_source_file
from vaultlink.errors import UsageError
from vaultlink.fix.causes import fix_choices
from vaultlink.fix.dangling import build_creation_fix, build_unlink_fix
from vaultlink.fix.plan import Plan, VaultChanges
from vaultlink.fix.requests import ExtractRequest, SectionsRequest
from vaultlink.fix.sections import SectionContext, build_new_section, find_section_edits
from vaultlink.fix.select import edits_only_read, make_fix_filter
from vaultlink.fix.sources import FixAnswers
from vaultlink.index.anchors import find_anchor
from vaultlink.index.resolve import is_note
from vaultlink.links.edit_math import OffsetShift, apply_edits
from vaultlink.mentions.search import search_likely
from vaultlink.model import Diagnostic, Edit, Fix, Note, Owner, Safety
from vaultlink.refactor.refactoring import require_text
from vaultlink.refactor.relocation import RefusedError
from vaultlink.refactor.subpaths import list_heading_paths
from vaultlink.serve.lsp.diagnostics import list_findings, make_diagnostics
from vaultlink.serve.lsp.edits import make_plan_edit, make_text_edits
from vaultlink.serve.lsp.views import View
from vaultlink.text import list_first, quote_name
from vaultlink.write.fixer import Fixer
from vaultlink.write.settings_lists import SettingsList, find_topic_list

_FIX = types.CodeActionKind.QuickFix
_FIX_ALL = f"{types.CodeActionKind.SourceFixAll.value}.vaultlink"
_EXTRACT = types.CodeActionKind.RefactorExtract
_LINK_MENTIONS = f"{types.CodeActionKind.Source.value}.linkMentions.vaultlink"
_WRITE_SECTION = f"{types.CodeActionKind.Source.value}.writeBacklinks.vaultlink"

_MAX_FINDINGS = 20
"""Findings whose fixes are offered at once."""

_MAX_CHOICES = 5
"""Files to which a link may lead instead that are offered."""

_COMMAND = "vaultlink/change"
"""The command for an editor that can't complete an action when it is chosen."""


class Offer(NamedTuple):
    """A change that is offered, and not planned yet.

    `change` says what plans it, as in `_PLANNERS`, and `arguments` are those besides the vault and
    the path. `finding` is the one that it concerns, if any. A preferred one is made without a
    choice; a slow one takes long to plan.
    """

    title: str
    kind: types.CodeActionKind | str
    change: str
    arguments: tuple[Any, ...] = ()
    finding: Diagnostic | None = None
    is_preferred: bool = False
    is_slow: bool = False


# -- requests --------------------------------------------------------------------------------------


def list_actions(view: View, params: types.CodeActionParams) -> list[types.CodeAction]:
    """Answer which changes can be made at a range of a note: none of a protected one."""
    note = view.note(params.text_document.uri)
    if note is None or _is_protected(view, note.path):
        return []
    path = note.path
    span = view.places(path).span(params.range)
    wanted = [getattr(kind, "value", kind) for kind in params.context.only or ()]
    found = (
        _make_action(view, path, offer)
        for offer in _list_offers(view, path, span)
        if _is_wanted(offer.kind, wanted)
    )
    return [action for action in found if action]


def _is_wanted(kind: types.CodeActionKind | str, wanted: Sequence[str]) -> bool:
    name = f"{getattr(kind, 'value', kind)}."
    return not wanted or any(not item or name.startswith(f"{item}.") for item in wanted)


def _make_action(view: View, path: str, offer: Offer) -> types.CodeAction | None:
    """Return an action; None if it is planned now and can't be made."""
    action = types.CodeAction(
        offer.title,
        offer.kind,
        diagnostics=make_diagnostics(view, path, [offer.finding]) if offer.finding else None,
        is_preferred=offer.is_preferred or None,
    )
    arguments = [view.uri(path), offer.title, offer.change, *offer.arguments]
    if view.client.resolves_edits:
        action.data = {"uri": arguments[0], "arguments": arguments}
    elif offer.is_slow:
        action.command = types.Command(offer.title, _COMMAND, arguments=arguments)
    else:
        try:
            action.edit = make_change(view, arguments)
        except UsageError:
            return None
        return action if action.edit else None
    return action


def complete_action(view: View, action: types.CodeAction) -> types.CodeAction:
    """Return an action that was chosen, with its edit."""
    data = action.data
    if action.edit is None and isinstance(data, dict):
        arguments = data.get("arguments")
        action.edit = make_change(view, arguments if isinstance(arguments, list) else ())
    return action


def make_change(view: View, arguments: Sequence[Any]) -> types.WorkspaceEdit | None:
    """Return the edit of an action; None if there is nothing to change.

    The arguments are the address of the note, the title of the action, what plans it, and the
    arguments of that. Raises UsageError if it can't be made, or not any more.
    """
    match list(arguments):
        case [str(uri), str(title), str(change), *others] if _fits(change, others):
            path, planner = view.path(uri), _PLANNERS[change][0]
        case _:
            raise UsageError(f"{_COMMAND} needs the arguments of a code action.")
    if not path or path not in view.vault.index.notes:
        raise UsageError("the note of this change is not in the vault any more.")
    # A vault of its own: the texts that a plan has read take memory.
    vault = Vault(view.vault.scan, view.vault.state, view.vault.overlays)
    plan = planner(view, vault, path, *others)
    for changed in filter(is_source_file, plan.texts):
        if reason := vault.state.settings.find_protection(changed):
            raise RefusedError(f"{changed} can't be changed: {reason}.")
    if plan:
        return make_plan_edit(view, plan, title)
    for note in plan.skipped if isinstance(plan, Plan) else ():
        raise RefusedError(f"{note.path} can't be changed: {note.reason}.")
    if change == "fix all":  # some editors ask for it at each save
        return None
    raise UsageError("this would change nothing.")


def _is_protected(view: View, path: str) -> bool:
    return view.vault.state.settings.is_protected(path)


def _edits_protected(view: View, fix: Fix) -> bool:
    return any(_is_protected(view, edit.path) for edit in fix.edits)


def _fits(change: str, arguments: Sequence[object]) -> bool:
    """Return True for the name of a change with arguments of its types."""
    return change in _PLANNERS and tuple(map(type, arguments)) == _PLANNERS[change][1]


def format_sections(
    view: View, params: types.DocumentFormattingParams
) -> list[types.TextEdit] | None:
    """Bring the managed sections of a note up to date. Nothing else of it changes."""
    note, state = view.note(params.text_document.uri), view.vault.state
    if note is None or not view.is_whole or not any(section.text for section in note.sections):
        return None
    if _is_protected(view, note.path):
        return None
    fixer = Vault(view.vault.scan, state, view.vault.overlays).fixer
    sources = fixer.sources()
    text = require_text(sources, note.path)
    settings = state.settings
    if not settings.is_linted(note.path) or settings.find_read_only_reason(state.index, note):
        return None
    found = find_section_edits(SectionContext.from_state(state, sources), note, text)
    return make_text_edits(view, note.path, [edit for _, edit in found])


# -- what is offered -------------------------------------------------------------------------------


def _list_offers(view: View, path: str, span: tuple[int, int]) -> Iterator[Offer]:
    findings = list_findings(view, path)
    here = (item for item in findings if item.start <= span[1] and span[0] <= item.end)
    chosen = list(islice(here, _MAX_FINDINGS))
    for item in chosen:
        yield from _offer_fixes(view, item)
    for item in chosen:
        yield from _offer_exceptions(view, item)
    rules = view.vault.state.settings.rules_by_name
    if any(
        (item.fix and item.fix.safety is Safety.SAFE and not _edits_protected(view, item.fix))
        or rules[item.rule].deferred_fix == "section"
        for item in findings
    ):
        yield Offer("Fix all safe findings in this note", _FIX_ALL, "fix all")
    if view.is_whole and is_note(path):
        yield from _offer_refactorings(view, view.vault.index.notes[path], span)


def _offer_fixes(view: View, item: Diagnostic) -> Iterator[Offer]:
    is_first = True
    for fix in _list_fixes(view, view.vault.fixer, item):
        is_safe = fix.safety is Safety.SAFE
        if not (is_safe or view.settings.unsafe_fixes):
            continue
        is_own = item.fix is not None and item.fix.title == fix.title
        title = f"{fix.title} (unsafe)" if is_own and not is_safe else fix.title
        yield Offer(title, _FIX, "fix", (*_identify(item), fix.title), item, is_first and is_safe)
        is_first = False


def _list_fixes(view: View, fixer: Fixer, item: Diagnostic) -> Iterator[Fix]:
    """Yield the fixes that can be chosen for a finding, the likeliest first."""
    state = view.vault.state
    fixes = fix_choices(state, fixer.sources([item]), item)[:_MAX_CHOICES]
    if view.is_whole and _is_unresolved(view, item):
        created = build_creation_fix(state, item, FixAnswers(folder=""))
        fixes += [created] if created and "create" in view.client.operations else []
        unlinked = build_unlink_fix(state, item)
        fixes += [unlinked] if unlinked else []
    allowed = (fix for fix in fixes if not edits_only_read(state, fix))
    yield from (fix for fix in allowed if not _edits_protected(view, fix))


def _is_unresolved(view: View, item: Diagnostic) -> bool:
    rule = view.vault.state.settings.rules_by_name[item.rule]
    return rule.deferred_fix == "target" and item.target is not None


def _identify(item: Diagnostic) -> tuple[str, int, int, str]:
    return item.code, item.start, item.end, item.message


def _offer_exceptions(view: View, item: Diagnostic) -> Iterator[Offer]:
    key = _identify(item)
    if view.is_whole and _is_unresolved(view, item):
        patterns = make_topic_patterns([item.target or ""])
        settings = find_topic_list(view.vault.scan)
        if patterns and not settings.barrier:
            title = (
                f"Allow {list_first([quote_name(name) for name in patterns])} in {settings.path}"
            )
            yield Offer(title, _FIX, "allow", key, item)
    yield Offer(f"Suppress {item.code} in this line", _FIX, "suppress", (*key, False), item)
    yield Offer(f"Suppress {item.code} in this note", _FIX, "suppress", (*key, True), item)


def _offer_refactorings(view: View, note: Note, span: tuple[int, int]) -> Iterator[Offer]:
    index = view.vault.index
    can_create = "create" in view.client.operations
    subpath = _find_section(view, note, span[0]) if can_create else None
    if subpath is not None:
        yield Offer("Extract the section to a note", _EXTRACT, "extract", (subpath,), is_slow=True)
    place = "selection" if span[0] < span[1] else "note"
    title = f"Link certain mentions in this {place}"
    change, chosen = ("link", ()) if place == "note" else ("link selection", span)
    yield Offer(title, _LINK_MENTIONS, change, chosen, is_slow=True)
    settings = view.vault.state.settings
    is_free = settings.is_linted(note.path) and not settings.find_read_only_reason(index, note)
    if is_free and not note.sections and index.sources_of(note.path):
        yield Offer("Write the backlinks section", _WRITE_SECTION, "write section", is_slow=True)


def _find_section(view: View, note: Note, offset: int) -> str | None:
    """Return the subpath of the heading in whose line an offset is; None for no such."""
    line = view.vault.text(note.path).count("\n", 0, offset) + 1 if note.headings else 0
    heading = next((item for item in note.headings if item.line == line), None)
    managed = [section for section in note.sections if section.owner is not Owner.AUTHOR]
    if heading is None or (heading is note.headings[0] and heading.level == 1):  # the title
        return None
    if any(item.start <= heading.start < item.end for item in managed):
        return None
    paths = list_heading_paths(note, heading)
    return next((path for path in paths if find_anchor(note, path) is heading), None)


# -- plans -----------------------------------------------------------------------------------------


def _plan_fix(view: View, vault: Vault, path: str, *arguments: Any) -> Plan:
    *key, title = arguments
    item = _find_finding(view, path, key)
    for fix in _list_fixes(view, vault.fixer, item):
        if fix.title == title:
            return vault.fixer.plan_chosen([(item, fix)])
    raise UsageError(_CHANGED)


_CHANGED = "the note has changed since this was offered. Ask for the actions again."


def _find_finding(view: View, path: str, key: Iterable[Any]) -> Diagnostic:
    wanted = tuple(key)
    for item in list_findings(view, path):
        if _identify(item) == wanted:
            return item
    raise UsageError(_CHANGED)


def _plan_all_fixes(view: View, vault: Vault, path: str) -> Plan:
    rules, is_whole = vault.state.settings.rules_by_name, view.is_whole
    allowed = make_fix_filter(vault.rules, vault.config, wanted=lambda name: name == path)
    return vault.fixer.plan(
        lambda item, fix: allowed(item, fix) and (is_whole or rules[item.rule].scope == "note"),
        select=lambda state, _sources: state.diagnostics.get(path, ()),
    )


def _plan_extraction(_view: View, vault: Vault, path: str, subpath: str) -> Plan:
    return vault.plan(ExtractRequest(f"{path}{subpath}"))


def _plan_links(_view: View, vault: Vault, path: str, *span: int) -> Plan:
    """Plan the links of certain mentions in a note, or in a span of its text."""
    fixer = vault.fixer
    start, end = span or (0, len(vault.text(path)))
    found = search_likely(vault.state, fixer.read, [path])
    certain = [item for item in found if item.certain and item.start < end and start < item.end]
    if not certain:
        raise UsageError("no other note is certainly named here without a link.")
    return fixer.plan_mentions(certain)


def _plan_section(_view: View, vault: Vault, path: str) -> VaultChanges:
    """Plan a backlinks section; unless it lists mentions, from the backlinks alone."""
    state = vault.state
    if state.settings.config.backlinks["mentions"]:
        return vault.plan(SectionsRequest("write", (path,)))
    sources = vault.fixer.sources()
    text = require_text(sources, path)
    context = SectionContext.from_state(state, sources)
    edits = tuple(build_new_section(context, state.index.notes[path], text))
    texts = {path: (text, apply_edits(text, edits))} if edits else {}
    return VaultChanges(texts=texts, edits={path: edits})


def _plan_exception(view: View, vault: Vault, path: str, *key: Any) -> VaultChanges:
    """Plan to allow the target of a finding in the configuration."""
    item = _find_finding(view, path, key)
    settings: SettingsList = find_topic_list(vault.scan)
    entries = make_topic_patterns([item.target or ""]) or ()
    barrier = settings.barrier or settings.find_barrier(entries)
    change = None if barrier else settings.add(entries)
    if change is None:
        raise UsageError(barrier)
    return VaultChanges().with_write(change.write)


def _plan_suppression(view: View, vault: Vault, path: str, *arguments: Any) -> VaultChanges:
    """Plan a comment that suppresses a finding and changes nothing else that is read."""
    *key, in_note = arguments
    item, text = _find_finding(view, path, key), vault.text(path)
    for edit in _list_suppressions(path, text, item, in_note=in_note):
        new = apply_edits(text, [edit])
        after = vault.holding(path, new)
        if _only_suppresses(vault, after, item, OffsetShift([edit])):
            return VaultChanges(texts={path: (text, new)}, edits={path: (edit,)})
    raise UsageError(f"no comment can suppress {item.code} here without another change.")


def _list_suppressions(path: str, text: str, item: Diagnostic, *, in_note: bool) -> Iterator[Edit]:
    """Yield comments that may suppress a finding, the plainest first."""
    start = text.rfind("\n", 0, item.start) + 1
    line = text[start:].partition("\n")[0].removesuffix("\r")
    line_end = "\r\n" if "\r\n" in text else "\n"
    if in_note:
        gap = "" if not text or text.endswith("\n") else line_end
        comment = _write_comment(text, len(text), f"disable-file {item.code}")
        yield Edit(path, len(text), len(text), f"{gap}{line_end}{comment}{line_end}")
        top = _find_body(text)
        yield Edit(path, top, top, f"%%vaultlink-disable-file {item.code}%%{line_end}")
        return
    end = start + len(line)
    comment = _write_comment(text, end, f"disable-line {item.code}")
    for mark in (" ", " # "):  # the latter in properties
        yield Edit(path, end, end, f"{mark}{comment}")
    indent = line[: len(line) - len(line.lstrip(" \t>"))]
    comment = _write_comment(text, start, f"disable-next-line {item.code}")
    for mark in (indent, "# "):
        yield Edit(path, start, start, f"{mark}{comment}{line_end}")


def _write_comment(text: str, at: int, words: str) -> str:
    """Return a comment for a place; one that ends no comment of Obsidian around it."""
    is_inside = text.count("%%", 0, at) % 2
    return f"<!-- vaultlink-{words} -->" if is_inside else f"%%vaultlink-{words}%%"


def _find_body(text: str) -> int:
    """Return the offset behind the properties of a text."""
    behind = text.find("\n---", 3) if text.startswith("---") else -1
    end = text.find("\n", behind + 1) if behind != -1 else -1
    return end + 1


def _only_suppresses(before: Vault, after: Vault, item: Diagnostic, shift: OffsetShift) -> bool:
    """Return True if findings of one rule are gone and the note is read as before."""
    path = item.path
    left = {
        (it.code, shift.map_back(it.start), it.message)
        for it in after.state.diagnostics.get(path, ())
    }
    known = {(it.code, it.start, it.message) for it in before.state.diagnostics.get(path, ())}
    split = {rule.code for rule in before.rules if {item.rule, item.code} & {*rule.split_from}}
    lost = {code for code, _, _ in known - left} - split
    one, other = (vault.index.notes[path] for vault in (before, after))
    is_same = _describe(one) == _describe(other)
    is_gone = (item.code, item.start, item.message) not in left
    return is_same and left <= known and lost == {item.code} and is_gone


def _describe(note: Note) -> object:
    """Return what a comment must not change."""
    return (
        [(link.raw, link.place, link.in_comment) for link in note.links],
        [(item.level, item.text) for item in note.headings],
        [item.id for item in note.blocks],
        [(tag.name, tag.place) for tag in note.tags],
        [(item.key, item.value) for item in note.properties or ()],
        [(item.kind, item.detail) for item in note.problems],
        [section.text for section in note.sections],
    )


_KEY = (str, int, int, str)
"""The types of what identifies a finding."""

_PLANNERS: Mapping[str, tuple[Callable[..., VaultChanges], tuple[type, ...]]] = {
    "fix": (_plan_fix, (*_KEY, str)),
    "fix all": (_plan_all_fixes, ()),
    "allow": (_plan_exception, _KEY),
    "suppress": (_plan_suppression, (*_KEY, bool)),
    "extract": (_plan_extraction, (str,)),
    "link": (_plan_links, ()),
    "link selection": (_plan_links, (int, int)),
    "write section": (_plan_section, ()),
}
"""What plans each change, and the types of its arguments."""

OPTIONS: Mapping[str, Any] = {
    types.TEXT_DOCUMENT_CODE_ACTION: types.CodeActionOptions(
        code_action_kinds=[_FIX, _EXTRACT, _FIX_ALL, _LINK_MENTIONS, _WRITE_SECTION],
        resolve_provider=True,
    )
}

REQUESTS: Mapping[str, Callable[[View, Any], Any]] = {
    types.TEXT_DOCUMENT_CODE_ACTION: list_actions,
    types.CODE_ACTION_RESOLVE: complete_action,
    types.TEXT_DOCUMENT_FORMATTING: format_sections,
}

COMMANDS: Mapping[str, Callable[[View, Sequence[Any]], types.WorkspaceEdit | None]] = {
    _COMMAND: make_change
}
