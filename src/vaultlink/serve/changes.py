"""Answers of the tools that write: what a plan would do, and what was written."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from msgspec.structs import replace

from vaultlink.api import Vault
from vaultlink.engine.diagnostics import split_changed
from vaultlink.errors import UnknownNameError, UsageError, check_name, refuse_controls
from vaultlink.fix.plan import Plan
from vaultlink.fix.requests import read_request
from vaultlink.index.packed_map import list_changed_keys
from vaultlink.links.edit_math import OffsetShift
from vaultlink.model import Diagnostic, SkippedNote
from vaultlink.refactor.relocation import RefusedError
from vaultlink.report.pages import Page
from vaultlink.report.plan_result import list_changed_files
from vaultlink.serve.answers import ToolAnswer
from vaultlink.serve.workspace import Workspace
from vaultlink.text import group_by, quote_name
from vaultlink.write.journal_files import LOCK_SECONDS, LockTimeout, lock_vault
from vaultlink.write.recovery import list_blocked
from vaultlink.write.write_notes import WriteResult

_COMMAND = "vaultlink mcp"
"""The command that the records of runs name."""

_MAX_FILES = 20
"""Files of the largest plan that is written without a second call."""

_MAX_DIFF_LINES = 200
_FIRST_ROWS = 3
"""Rows of each list that come before all others, so that none is hidden by another."""

_LOOK_SECONDS = 0.2
"""Seconds between two looks whether a call that waits for another program was cancelled."""


class Call(NamedTuple):
    """A call of a tool.

    `write` runs an action that writes, unless the server is ending. `is_cancelled` returns True if
    nobody waits for the answer any more. `runs` are the ids of the runs of this server that were
    not undone, the last one at the end.
    """

    workspace: Workspace
    write: Callable[[Callable[[], WriteResult]], WriteResult]
    is_cancelled: Callable[[], bool]
    runs: list[str]


# -- `change` --------------------------------------------------------------------------------------


def plan_changes(
    call: Call, page: Page, changes: Sequence[Mapping[str, Any]], apply: bool = False
) -> ToolAnswer:
    """Plan changes; with `apply`, also write them if they are few."""
    if not changes:
        raise UsageError("changes is empty. It has one object for each change.")
    requests = [read_request(change) for change in changes]
    for change in changes:
        _check_names(change, is_text="#" in str(change.get("rename")))
    try:
        stored = call.workspace.plan(requests)
    except UnknownNameError as error:
        raise UnknownNameError(f"{error}{_hint_at_topic(call.workspace.vault, changes)}") from None
    plan, effects = stored.plan, _list_effects(call.workspace.vault, stored.plan)
    files = len(effects["files"])
    counts = {name: len(rows) for name, rows in effects.items() if name != "diff"}
    lists = {name: rows for name, rows in effects.items() if rows}
    more: dict[str, Any] = {"plan": stored.id, "run": None}
    if not plan:
        more["advice"] = "there is nothing to change."
    elif apply and files > _MAX_FILES:
        more["advice"] = f"not written: {files:,} files are more than {_MAX_FILES}. Call apply."
    elif apply:
        result = _write(call, stored.id)
        more |= {"run": result.run_id, "written": len(result.written), "moved": len(result.moved)}
        lists.pop("diff", None)
    cut = page.cut(_mix(lists))
    # After a write there is no next page: the same call would change something again.
    return ToolAnswer(counts, cut.rows, None if "written" in more else cut, tuple(lists), more)


def _hint_at_topic(vault: Vault, changes: Sequence[Mapping[str, Any]]) -> str:
    """Return a sentence about a name that unresolved links have; "" for none."""
    for change in changes:
        for key in ("rename", "delete", "merge"):
            name = change.get(key)
            if isinstance(name, str) and name in vault.index.unresolved_sources:
                shown = quote_name(name)
                return (
                    f" Unresolved links name {shown}. The change for them is “unresolved”: {shown}."
                )
    return ""


def _check_names(value: object, *, is_text: bool = False) -> None:
    """Raise UsageError for a name in a change that may lead out of the vault.

    With `is_text`, the value of “to” is the text of a heading, which may contain any sign.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            _check_names(f"#{item}" if is_text and key == "to" else item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check_names(item)
    elif isinstance(value, str) and value not in ("", "/"):  # the vault itself
        refuse_controls(value)
        if name := value.partition("#")[0]:
            check_name(name)


def _list_effects(vault: Vault, plan: Plan) -> dict[str, list[Any]]:
    """Return rows about all that a plan does, by the name of their list."""
    added, gone = compare_states(vault, plan)
    return {
        "files": [_make_file_row(plan, *item) for item in list_changed_files(plan)],
        "breaks": [{"path": it.path, "line": it.line, "link": it.text} for it in plan.breaks],
        "adds": list(map(_make_finding_row, added)),
        "resolves": list(map(_make_finding_row, gone)),
        "captures": [
            {"path": it.path, "line": it.line, "link": it.raw, "to": it.target}
            for it in plan.captured
        ],
        "keeps": [{"path": it.path, "line": it.line, "text": it.text} for it in plan.unchanged],
        "skipped": _list_skipped(plan.skipped),
        "diff": _list_diff(plan),
    }


def _list_diff(plan: Plan) -> list[str]:
    """Return the first lines of a diff. Files that are only moved are not in it."""
    edited = {old: new for old, new in plan.files.items() if old in plan.texts}
    lines = replace(plan, files=edited).diff_lines()
    found = [line.text for line in islice(lines, _MAX_DIFF_LINES)]
    return [*found, "… more lines are left out"] if next(lines, None) else found


def _make_file_row(plan: Plan, path: str, new_path: str | None, edits: int) -> dict[str, Any]:
    row: dict[str, Any] = {"path": path}
    if path in plan.trash or new_path is None:
        return {**row, "deleted": True}
    if plan.texts.get(path, ("", ""))[0] is None:
        return {**row, "created": True}
    if new_path != path:
        row["to"] = new_path
    return {**row, "edits": edits} if edits else row


def _make_finding_row(item: Diagnostic) -> dict[str, Any]:
    return {"path": item.path, "line": item.line, "rule": item.rule, "message": item.message}


def compare_states(vault: Vault, plan: Plan) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """Return the findings that a plan adds, and those that are gone afterwards."""
    before, after = plan.before.diagnostics, plan.after.diagnostics
    back = {new: old for old, new in plan.files.items()}
    read = vault.text

    def read_new(path: str) -> str:
        old = back.get(path, path)
        return (plan.texts[old][1] or "") if old in plan.texts else read(old)

    added, gone = list[Diagnostic](), list[Diagnostic]()
    for path in sorted(dict.fromkeys((*list_changed_keys(before, after), *plan.files))):
        if path in back and path not in plan.files:
            continue  # compared under its old path
        new = plan.files.get(path, path)
        parts = split_changed(before.get(path, ()), after.get(new, ()), read, read_new)
        map_back = OffsetShift(plan.edits.get(path, ())).map_back
        parts = _match(*parts, lambda item: item.start, partial(_map_start, map_back))
        added += parts[0]
        gone += parts[1]
    return _match(added, gone, _get_subject, _get_subject)


def _map_start(map_back: Callable[[int], int], item: Diagnostic) -> int:
    return map_back(item.start)


def _get_subject(item: Diagnostic) -> object:
    """Return what a finding is about, also after its text was moved to another note."""
    return item.message if item.target is None else (item.target, item.subpath)


def _match(
    added: Sequence[Diagnostic],
    gone: Sequence[Diagnostic],
    old_key: Callable[[Diagnostic], object],
    new_key: Callable[[Diagnostic], object],
) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """Return the findings that are in one list only, by their rule and a key."""
    left = group_by(gone, lambda item: (item.known_as or item.code, old_key(item)))
    kept = list[Diagnostic]()
    for item in added:
        if same := left.get((item.known_as or item.code, new_key(item))):
            same.pop()
        else:
            kept.append(item)
    remaining = {id(item) for items in left.values() for item in items}
    return kept, [item for item in gone if id(item) in remaining]


def _list_skipped(skipped: Iterable[SkippedNote]) -> list[dict[str, str]]:
    return [{"path": item.path, "reason": item.reason} for item in skipped]


def _mix(lists: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, Any]]:
    """Yield the rows of all lists: the first ones of each, the diff, then the others."""
    for name, rows in lists.items():
        yield from ((name, row) for row in (rows if name == "diff" else rows[:_FIRST_ROWS]))
    for name, rows in lists.items():
        if name != "diff":
            yield from ((name, row) for row in rows[_FIRST_ROWS:])


# -- `apply` and `undo` ----------------------------------------------------------------------------


def apply_plan_by_id(call: Call, page: Page, plan: str) -> ToolAnswer:
    """Write a plan."""
    return _describe_result(_write(call, plan), page, "written")


def undo_run_by_id(call: Call, page: Page, run: str | None = None) -> ToolAnswer:
    """Revert a run, by default the last one of this server."""
    name = run or next(reversed(call.runs), None)
    if name is None:
        raise UsageError("this server has written nothing that is not undone. Name a run.")
    result = _run(call, lambda: call.workspace.undo(name))
    if result.written or result.moved or not list_blocked(result.skipped):
        call.runs[:] = [item for item in call.runs if not item.startswith(name)]
    return _describe_result(result, page, "restored")


def _write(call: Call, plan: str) -> WriteResult:
    result = _run(call, lambda: call.workspace.apply(plan, _COMMAND))
    if result.run_id is not None:
        call.runs.append(result.run_id)
    return result


def _run(call: Call, action: Callable[[], WriteResult]) -> WriteResult:
    """Run an action that writes, when no other program writes to the vault."""
    root, start = call.workspace.vault.root, time.monotonic()
    while True:
        if call.is_cancelled():
            raise RefusedError("the call was cancelled. Nothing was written.")
        try:
            with lock_vault(root, timeout=_LOOK_SECONDS):
                break
        except LockTimeout:
            if time.monotonic() - start > LOCK_SECONDS:
                raise
    return call.write(action)


def _describe_result(result: WriteResult, page: Page, verb: str) -> ToolAnswer:
    counts = {verb: len(result.written), "moved": len(result.moved), "skipped": len(result.skipped)}
    cut = page.cut(_list_skipped(result.skipped))
    rows = (("skipped", row) for row in cut.rows)
    return ToolAnswer(counts, rows, cut, ("skipped",), {"run": result.run_id})
