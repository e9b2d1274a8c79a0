"""Read what coding tools write to their hooks, and build the answers they expect.

The forms are those that the tools document; docs/hooks.md names the pages.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from vaultlink.errors import UsageError
from vaultlink.serve.shell_commands import (
    ActionKind,
    FileAction,
    normalize_line_ends,
    read_patch,
    read_shell_line,
    read_shell_words,
)

Arguments = Mapping[str, Any]
"""The arguments of a tool, as its hook has them."""


class HookCall(NamedTuple):
    """A call of a tool that a hook asks about.

    `cwd` is the absolute path of the folder in which the tool works. `event` decides the form of
    the answer.
    """

    cwd: str
    actions: Sequence[FileAction] = ()
    event: str = ""
    is_copilot: bool = False


_MAX_PAYLOAD = 64_000_000
"""Bytes of the longest payload. Longer ones hold no text that a model wrote."""


def read_standard_input() -> bytes:
    """Return the payload on standard input. Raises UsageError."""
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "guard reads the JSON of a hook from standard input. `vaultlink guard --staged` judges "
            "what is staged in git."
        )
    try:
        data = sys.stdin.buffer.read(_MAX_PAYLOAD + 1)
    except OSError as error:
        raise UsageError(f"can't read standard input: {error.strerror}.") from None
    if len(data) > _MAX_PAYLOAD:
        raise UsageError("standard input is longer than 64 MB.")
    return data


def read_payload(data: bytes) -> HookCall:
    """Return the call that the JSON of a hook describes.

    It has no actions if it is about no file.

    Raises UsageError for other data.
    """
    if not data.strip():
        raise UsageError("standard input is empty. guard reads the JSON that a hook receives.")
    try:
        payload = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise UsageError(
            "standard input is no JSON object. guard reads the JSON that a hook receives."
        )
    event = _find_text(payload, "hook_event_name", "hookEventName") or ""
    is_copilot = not event and isinstance(payload.get("toolName"), str)
    roots = payload.get("workspace_roots")
    first = roots[0] if isinstance(roots, list) and roots and isinstance(roots[0], str) else ""
    cwd = _find_text(payload, "cwd") or first or os.getcwd()
    call = HookCall(cwd, event=event, is_copilot=is_copilot)
    if (event and event not in _EVENTS_BEFORE) or not os.path.isabs(cwd) or "\0" in cwd:
        return call
    return call._replace(actions=_read_tool(payload, cwd))


_EVENTS_BEFORE = frozenset({"PreToolUse", "preToolUse", "BeforeTool", "beforeShellExecution"})
"""Events before a tool runs; only then can a hook refuse."""


def _find_text(arguments: Arguments, *names: str) -> str | None:
    """Return the first text among arguments of these names."""
    found = (arguments.get(name) for name in names)
    return next((value for value in found if isinstance(value, str)), None)


def _read_tool(payload: Arguments, cwd: str) -> Sequence[FileAction]:
    tool = _find_text(payload, "tool_name", "toolName") or ""
    given = payload.get("tool_input", payload.get("toolArgs"))
    if not tool and "command" in payload:
        tool, given = "shell", payload
    if isinstance(given, str):
        given = _read_argument_text(given)
    read = _READERS.get(tool.lower())
    return read(given, cwd) if read and isinstance(given, dict) else ()


def _read_argument_text(text: str) -> Any:
    """Return arguments that are JSON as text, or the only argument of a tool."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return {"input": text}


# -- arguments of tools ----------------------------------------------------------------------------


def _read_shell(arguments: Arguments, cwd: str) -> Sequence[FileAction]:
    command = arguments.get("command")
    folder = _find_text(arguments, "working_directory", "workdir", "dir_path", "directory") or ""
    cwd = os.path.join(cwd, folder) if "\0" not in folder else cwd
    if isinstance(command, str):
        return read_shell_line(command, cwd)
    if isinstance(command, list) and all(isinstance(word, str) for word in command):
        return read_shell_words(command, cwd)
    return ()


_PATH_NAMES = ("file_path", "filePath", "path", "target_file", "notebook_path")
_TEXT_NAMES = ("content", "contents", "file_text")
_OLD_NAMES = ("old_string", "oldString", "old_str")
_NEW_NAMES = ("new_string", "newString", "new_str")
_PATCH_NAMES = ("command", "input", "patch")


def _find_path(arguments: Arguments, cwd: str) -> str:
    """Return the absolute path that arguments name; "" without one."""
    path = _find_text(arguments, *_PATH_NAMES) or ""
    return "" if not path or "\0" in path else os.path.abspath(os.path.join(cwd, path))


def _read_write(arguments: Arguments, cwd: str) -> Sequence[FileAction]:
    path, text = _find_path(arguments, cwd), _find_text(arguments, *_TEXT_NAMES)
    if not path:
        return ()
    edit = None if text is None else lambda _old: text
    return (FileAction(ActionKind.WRITE, path, edit=edit),)


def _read_edit(arguments: Arguments, cwd: str) -> Sequence[FileAction]:
    """Read one or several replacements of texts in files, or a patch."""
    if "*** Begin Patch" in (_find_text(arguments, *_PATCH_NAMES) or ""):
        return _read_patch(arguments, cwd)
    listed = arguments.get("edits", arguments.get("replacements"))
    if isinstance(listed, list):
        parts = [{**arguments, **item} for item in listed if isinstance(item, dict)]
    else:
        parts = [dict(arguments)]
    return [
        FileAction(ActionKind.WRITE, path, edit=_make_edit(part))
        for part in parts
        if (path := _find_path(part, cwd))
    ]


def _make_edit(arguments: Arguments) -> Callable[[str], str | None] | None:
    """Return a function that replaces a text, as the tool does."""
    old, new = _find_text(arguments, *_OLD_NAMES), _find_text(arguments, *_NEW_NAMES)
    if old is None or new is None:
        return None
    old = normalize_line_ends(old)
    is_for_all = any(arguments.get(name) is True for name in ("replace_all", "allow_multiple"))
    expected = arguments.get("expected_replacements", 1)

    def edit(text: str) -> str | None:
        if not old:
            return None if text else new
        text = normalize_line_ends(text)
        count = text.count(old)
        is_known = count > 0 if is_for_all else count == expected
        return text.replace(old, new) if is_known else None

    return edit


def _read_str_replace_editor(arguments: Arguments, cwd: str) -> Sequence[FileAction]:
    command = arguments.get("command")
    if command == "create":
        return _read_write(arguments, cwd)
    return _read_edit(arguments, cwd) if command == "str_replace" else ()


def _read_delete(arguments: Arguments, cwd: str) -> Sequence[FileAction]:
    path = _find_path(arguments, cwd)
    return (FileAction(ActionKind.REMOVE, path),) if path else ()


def _read_patch(arguments: Arguments, cwd: str) -> Sequence[FileAction]:
    return read_patch(_find_text(arguments, *_PATCH_NAMES) or "", cwd)


_READERS: dict[str, Callable[[Arguments, str], Sequence[FileAction]]] = {
    **dict.fromkeys(("bash", "shell", "shell_command", "local_shell"), _read_shell),
    **dict.fromkeys(("exec_command", "run_shell_command", "run_in_terminal"), _read_shell),
    **dict.fromkeys(("write", "create", "write_file", "create_file"), _read_write),
    **dict.fromkeys(("edit", "multiedit", "replace", "strreplace"), _read_edit),
    **dict.fromkeys(("replace_string_in_file", "multi_replace_string_in_file"), _read_edit),
    "notebookedit": _read_write,
    "str_replace_editor": _read_str_replace_editor,
    **dict.fromkeys(("delete", "delete_file"), _read_delete),
    "apply_patch": _read_patch,
}
"""How the arguments of tools are read, by their names in lower case."""

# -- answers ---------------------------------------------------------------------------------------


def make_answer(call: HookCall, reason: str) -> bytes:
    """Return what the tool reads from standard output.

    `reason` is "" if the call is allowed.
    """
    if not reason:
        # The editor Cursor takes a hook without output for one that failed.
        answer: Arguments = {"permission": "allow"} if call.event == "preToolUse" else {}
    elif call.is_copilot:
        answer = {"permissionDecision": "deny", "permissionDecisionReason": reason}
    elif call.event in ("preToolUse", "beforeShellExecution"):
        answer = {"permission": "deny", "user_message": reason, "agent_message": reason}
    elif call.event == "BeforeTool":
        answer = {"decision": "deny", "reason": reason}
    else:
        decision = {"permissionDecision": "deny", "permissionDecisionReason": reason}
        answer = {"hookSpecificOutput": {"hookEventName": "PreToolUse", **decision}, **decision}
    return (
        f"{json.dumps(answer, ensure_ascii=False)}\n".encode("utf-8", "replace") if answer else b""
    )
